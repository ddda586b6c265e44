//! OPTIONS to the server, on every transport and in every slicing.

use crate::house::{ALL, House};
use crate::phone::{Phone, field, status};
use model::Transport;

#[test]
fn every_transport_answers_a_ping_to_where_it_came_from() {
    let house = House::new();
    for transport in ALL {
        let mut phone = Phone::new(&house, transport);
        let ping = phone.ping();
        let answer = phone.ask(&ping);
        assert_eq!(status(&answer), 200);
        let via = field(&answer, "Via");
        assert!(via.contains(&format!("rport={}", phone.local.port())), "{via}");
        // To a datagram as short as this the answer leaves out what is not needed.
        let named = field(&answer, "Server") == "Carillon";
        assert!(named || transport == Transport::Udp, "{answer}");
    }
    let counts = house.live().counts().unwrap();
    assert_eq!(counts.messages, 5);
    house.stop();
}

#[test]
fn ipv6_is_served_like_ipv4() {
    let house = House::with(|s| {
        s.listen
            .iter_mut()
            .for_each(|l| l.address = "[::1]:0".parse().unwrap());
    });
    let server = house.at(Transport::Udp);
    let socket = std::net::UdpSocket::bind("[::1]:0").unwrap();
    socket.set_read_timeout(Some(crate::house::PATIENCE)).unwrap();
    let template = Phone::to("127.0.0.1:9".parse().unwrap(), Transport::Udp);
    socket.send_to(template.ping().as_bytes(), server).unwrap();
    let mut buffer = [0; 2048];
    let (count, from) = socket.recv_from(&mut buffer).unwrap();
    assert_eq!(from, server);
    assert_eq!(status(&String::from_utf8_lossy(&buffer[..count])), 200);
    Phone::to(house.at(Transport::Tcp), Transport::Tcp).check();
    house.stop();
}

#[test]
fn a_burst_of_datagrams_is_answered_whole() {
    let house = House::new();
    let mut phone = Phone::new(&house, Transport::Udp);
    let pings: Vec<String> = (0..100).map(|_| phone.ping()).collect();
    for ping in &pings {
        phone.send(ping.as_bytes());
    }
    let mut answered: Vec<String> = pings
        .iter()
        .map(|_| field(&phone.receive().unwrap(), "Call-ID").to_owned())
        .collect();
    let mut asked: Vec<String> = pings.iter().map(|p| field(p, "Call-ID").to_owned()).collect();
    answered.sort();
    asked.sort();
    assert_eq!(answered, asked);
    house.stop();
}

#[test]
fn a_stream_may_come_octet_by_octet_or_many_messages_at_once() {
    let house = House::new();
    for transport in [Transport::Tcp, Transport::Tls] {
        let mut phone = Phone::new(&house, transport);
        let ping = phone.ping();
        for octet in ping.as_bytes() {
            phone.send(&[*octet]);
        }
        assert_eq!(status(&phone.answer_to(&ping)), 200);
        let many: Vec<String> = (0..50).map(|_| phone.ping()).collect();
        phone.send(many.concat().as_bytes());
        for ping in &many {
            assert_eq!(status(&phone.answer_to(ping)), 200);
        }
    }
    house.stop();
}

#[test]
fn keep_alives_are_answered_on_streams_and_swallowed_on_udp() {
    let house = House::new();
    for transport in [Transport::Tcp, Transport::Tls] {
        let mut phone = Phone::new(&house, transport);
        phone.send(b"\r\n\r\n");
        assert_eq!(phone.receive().as_deref(), Some("\r\n"));
        phone.check();
    }
    let mut phone = Phone::new(&house, Transport::Udp);
    for octets in [&b"\r\n\r\n"[..], b"\0", b"\0\0\0\0", b""] {
        phone.send(octets);
    }
    phone.check();
    let counts = house.live().counts().unwrap();
    assert_eq!((counts.keepalives, counts.unparsable), (6, 0));
    house.stop();
}

#[test]
fn a_message_for_a_tenant_of_another_worker_crosses_over_and_back() {
    let house = House::with(|s| s.workers = 4);
    for transport in ALL {
        for domain in ["example.com", "other.example"] {
            // New sockets each time: the kernel spreads them over the workers.
            for _ in 0..8 {
                let mut phone = Phone::new(&house, transport);
                let uri = format!("sip:{domain}");
                let request = phone.request("REGISTER", &uri, &format!("sip:101@{domain}"), "");
                let answer = phone.ask(&request);
                assert_eq!(status(&answer), 401, "{answer}");
            }
        }
    }
    house.stop();
}
