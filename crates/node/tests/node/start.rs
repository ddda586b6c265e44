//! Starts that fail say in one line what to do.

use crate::house::{data, settings};
use crate::phone::Phone;
use model::Transport;
use node::{Node, Settings, TlsFiles};
use std::path::Path;
use store::Store;

fn refusal(dir: &Path, tweak: impl FnOnce(&mut Settings)) -> String {
    let mut settings = settings(dir);
    tweak(&mut settings);
    let store = Store::open_exclusive(dir).unwrap();
    let error = Node::start(settings, store).err().expect("it started");
    let text = format!("{error:#}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn a_port_that_another_server_has_is_named() {
    let dir = data();
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for (index, taken) in [(0, udp.local_addr().unwrap()), (1, tcp.local_addr().unwrap())] {
        let text = refusal(dir.path(), |s| s.listen[index].address = taken);
        assert!(
            text.contains(&taken.to_string()) && text.contains("another program"),
            "{text}"
        );
    }
}

#[test]
fn a_second_node_does_not_take_half_of_the_traffic() {
    let house = crate::house::House::new();
    let dir = data();
    for (index, (_, address)) in house.node.listen_addresses().into_iter().enumerate() {
        let text = refusal(dir.path(), |s| s.listen[index].address = address);
        assert!(text.contains(&address.to_string()), "{text}");
    }
    house.stop();
}

#[test]
fn foreign_addresses_bad_ranges_and_missing_files_are_named() {
    let dir = data();
    let text = refusal(dir.path(), |s| {
        s.listen[0].address = "192.0.2.1:5060".parse().unwrap()
    });
    assert!(
        text.contains("192.0.2.1:5060") && text.contains("does not have that address"),
        "{text}"
    );
    let text = refusal(dir.path(), |s| s.rtp_ports = 20_001..=20_002);
    assert!(text.contains("20001-20002"), "{text}");
    let cert = dir.path().join("nowhere.pem");
    let text = refusal(dir.path(), |s| {
        s.tls = Some(TlsFiles {
            key: cert.clone(),
            cert: cert.clone(),
        })
    });
    assert!(text.contains("nowhere.pem"), "{text}");
    let text = refusal(dir.path(), |s| s.listen.clear());
    assert!(text.contains("listen"), "{text}");
}

#[test]
fn a_wildcard_serves_loopback_by_its_own_address() {
    let dir = data();
    let house = crate::house::House::on(dir, |s| {
        s.listen.truncate(1);
        s.listen[0].address = "0.0.0.0:0".parse().unwrap();
    });
    let all = house.node.listen_addresses();
    let (_, loopback) = all.iter().find(|(_, a)| a.ip().is_loopback()).unwrap();
    Phone::to(*loopback, Transport::Udp).check();
    house.stop();
}
