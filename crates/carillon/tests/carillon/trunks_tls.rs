//! Trunks over TLS: to a second server, with names of a DNS server of these tests and certificates of an authority of theirs.

use crate::server::{Server, Site, address};
use crate::trunks::{field, until};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sim::dns::Zone;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

const PASSWORD: &str = "the-carriers-secret";

/// The services of carrier.example are at another host's, whose port this is.
fn services(port: u16) -> Zone {
    let (service, host) = ("_sips._tcp.carrier.example", "edge.host.example");
    Zone::default()
        .way("carrier.example", 1, "SIPS+D2T", service)
        .server(service, (0, 1), host, port)
        .host(host, Ipv4Addr::LOCALHOST)
}

fn hosts(names: &[&str]) -> Zone {
    names
        .iter()
        .fold(Zone::default(), |zone, name| zone.host(name, Ipv4Addr::LOCALHOST))
}

/// A DNS server that knows these names; gives the section of the configuration that names it. It ends with the tests.
fn dns(zone: Zone) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let section = format!("[dns]\nservers = [\"{}\"]\n", socket.local_addr().unwrap());
    thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query) {
            socket
                .send_to(&zone.answer(&query[..length]).unwrap(), from)
                .unwrap();
        }
    });
    section
}

/// Who issues carriers' certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate of this name, until this year, and its key.
    fn issue(&self, name: &str, until: i32) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    /// The section that has carriers' certificates looked at by this authority.
    fn trusted_by(&self, site: &Site) -> String {
        format!(
            "[tls]\ntrunk_ca = {:?}\n",
            site.file("trunk-ca.pem", &self.0.pem())
        )
    }
}

/// A second server, as carriers are: it takes registrations of `acme` at carrier.example and other.example.
fn carrier(authority: &Authority, name: &str) -> (Site, Server) {
    let site = Site::new();
    for tenant in ["carrier", "other"] {
        site.json(&["tenant", "add", tenant, "--domain", &format!("{tenant}.example")]);
        site.json(&["user", "add", tenant, "700", "--no-device"]);
        site.json(&["device", "add", tenant, "700", "acme", "--password", PASSWORD]);
    }
    let (certificate, key) = authority.issue(name, 4_000);
    let certificate = site.file("carrier.crt", &certificate.pem());
    let key = site.file("carrier.key", &key.serialize_pem());
    let tls = format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n");
    let server = site.serve_with("127.0.0.1:0", &tls);
    (site, server)
}

/// A trunk of acme.
fn trunk(site: &Site, name: &str, changes: &[&str]) {
    let file = site.file("secret", &format!("{PASSWORD}\n"));
    let set = [
        "trunk",
        "set",
        "acme",
        name,
        "username=acme",
        "register=true",
        "options_s=5",
        "down_after=1",
    ];
    site.json(&[&set[..], changes, &["--password-file", &file]].concat());
}

#[test]
fn it_registers_over_tls_with_the_name_that_was_asked_for_whatever_the_dns_leads_to() {
    let authority = Authority::new("root");
    let (carrier, _carrier) = carrier(&authority, "carrier.example");
    let at = address(&carrier, "tls");
    let names = dns(services(at.port()));
    // By SRV as TLS is wanted, and by NAPTR as nothing is said.
    for transport in ["transport=tls", "transport="] {
        let site = Site::with_users(&["100"]);
        trunk(&site, "main", &["host=carrier.example", transport]);
        let _server = site.serve_with("127.0.0.1:0", &(authority.trusted_by(&site) + &names));
        let view = until(&site, "registered", "up");
        assert_eq!(field(&view, "place"), format!("tls:{at}"));
        assert_eq!(
            (field(&view, "fault"), &view[0]["unverified"]),
            ("", &false.into())
        );
        let seen = carrier.json(&["registrations"]);
        assert_eq!(field(&seen, "transport"), "tls", "{seen:#}");
        let ours = address(&site, "tls");
        assert_eq!(field(&seen, "contact"), format!("sip:1.1@{ours};transport=tls"));
        carrier.json(&["unregister", "carrier", "700"]);
    }
}

#[test]
fn a_connection_that_one_name_has_is_not_for_another_name_at_the_same_address() {
    let authority = Authority::new("root");
    let (carrier, _carrier) = carrier(&authority, "carrier.example");
    let at = address(&carrier, "tls");
    let site = Site::with_users(&["100"]);
    let port = format!("port={}", at.port());
    trunk(&site, "main", &["host=carrier.example", &port, "transport=tls"]);
    let names = dns(hosts(&["carrier.example", "other.example"]));
    let mut server = site.serve_with("127.0.0.1:0", &(authority.trusted_by(&site) + &names));
    until(&site, "registered", "up");
    trunk(
        &site,
        "second",
        &["host=other.example", &port, "transport=tls", "options_s=0"],
    );
    let line = server.wait_for("trunk second is not registered");
    assert!(
        line.contains("its certificate is not valid for other.example"),
        "{line}"
    );
    let views = site.json(&["trunk", "status"]);
    assert_eq!(
        (&views[0]["registration"], &views[1]["registration"]),
        (&"registered".into(), &"failed".into())
    );
    let seen = carrier.json(&["registrations"]);
    assert_eq!(seen.as_array().unwrap().len(), 1, "{seen:#}");
    // Who wants no certificate says so, and everybody sees it.
    site.json(&["trunk", "delete", "acme", "main"]);
    trunk(&site, "second", &["tls_verify=false"]);
    let view = until(&site, "registered", "up");
    assert_eq!(
        (&view[0]["unverified"], field(&view, "fault")),
        (&true.into(), "")
    );
    let text = site.text(&["trunk", "status"]);
    assert!(text.contains(&format!("tls:{at} (unverified)")), "{text}");
}

type Wire = StreamOwned<ServerConnection, TcpStream>;

/// Connections to a carrier with this certificate. Nothing has been read of them yet, the handshake included.
fn door((certificate, key): (rcgen::Certificate, KeyPair)) -> (SocketAddr, impl Iterator<Item = Wire>) {
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into());
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let wires = std::iter::from_fn(move || {
        let (socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Some(StreamOwned::new(
            ServerConnection::new(Arc::clone(&config)).unwrap(),
            socket,
        ))
    });
    (at, wires)
}

/// What the other side says until it has said `end`, or has gone.
fn hear(wire: &mut Wire, end: &str) -> String {
    let (mut heard, mut octets) = (String::new(), [0; 4_096]);
    while !heard.contains(end) {
        match wire.read(&mut octets) {
            Ok(0) | Err(_) => break,
            Ok(count) => heard += std::str::from_utf8(&octets[..count]).unwrap(),
        }
    }
    heard
}

#[test]
fn a_carrier_with_a_bad_certificate_hears_nothing_and_the_reason_is_told() {
    let (authority, stranger) = (Authority::new("root"), Authority::new("stranger"));
    let names = dns(hosts(&["carrier.example"]));
    for (certificate, reason) in [
        (
            authority.issue("evil.example", 4_000),
            "its certificate is not valid for carrier.example",
        ),
        (
            authority.issue("carrier.example", 2_020),
            "its certificate has expired",
        ),
        (
            stranger.issue("carrier.example", 4_000),
            "its certificate is of an unknown issuer",
        ),
    ] {
        let (at, wires) = door(certificate);
        let (tell, heard): (_, Receiver<String>) = channel();
        thread::spawn(move || {
            for mut wire in wires {
                tell.send(hear(&mut wire, "\r\n\r\n")).unwrap();
            }
        });
        let site = Site::with_users(&["100"]);
        let port = format!("port={}", at.port());
        trunk(&site, "main", &["host=carrier.example", &port, "transport=tls"]);
        let mut server = site.serve_with("127.0.0.1:0", &(authority.trusted_by(&site) + &names));
        let line = server.wait_for("trunk main is ");
        assert!(line.contains(reason) && line.contains("ERROR"), "{line}");
        let view = until(&site, "failed", "down");
        assert_eq!(
            (field(&view, "fault"), field(&view, "place")),
            (reason, &*format!("tls:{at}"))
        );
        let within = Duration::from_secs(30);
        assert_eq!(
            heard.recv_timeout(within).unwrap(),
            "",
            "the handshake is all that it sees"
        );
        // It would have heard what is said.
        site.json(&["trunk", "set", "acme", "main", "tls_verify=false"]);
        let said = std::iter::from_fn(|| heard.recv_timeout(within).ok()).find(|said| !said.is_empty());
        let said = said.unwrap();
        assert!(said.contains("\r\nVia: SIP/2.0/TLS 127.0.0.1:"), "{said}");
    }
}

#[test]
fn what_a_carrier_asks_over_the_connection_to_it_is_answered_there() {
    let authority = Authority::new("root");
    let names = dns(hosts(&["carrier.example"]));
    let (at, mut wires) = door(authority.issue("carrier.example", 4_000));
    let site = Site::with_users(&["100"]);
    let port = format!("port={}", at.port());
    trunk(
        &site,
        "main",
        &["host=carrier.example", &port, "transport=tls", "options_s=0"],
    );
    let _server = site.serve_with("127.0.0.1:0", &(authority.trusted_by(&site) + &names));
    let mut wire = wires.next().unwrap();
    let register = hear(&mut wire, "\r\n\r\n");
    assert!(register.starts_with("REGISTER sip:carrier.example"), "{register}");
    let ask = format!(
        "OPTIONS sip:{} SIP/2.0\r\nVia: SIP/2.0/TLS {at};branch=z9hG4bKask\r\nMax-Forwards: 70\r\n\
         From: <sip:ping@carrier.example>;tag=1\r\nTo: <sip:acme.example>\r\nCall-ID: ask\r\n\
         CSeq: 77 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        address(&site, "tls")
    );
    wire.write_all(ask.as_bytes()).unwrap();
    let answer = hear(&mut wire, "CSeq: 77 OPTIONS");
    assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
}

#[test]
fn who_speaks_no_tls_or_nothing_at_all_is_given_up() {
    let authority = Authority::new("root");
    let names = dns(hosts(&["carrier.example"]));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut held = Vec::new();
        // Some are answered in SIP, the others wait for ever.
        while let Ok((mut socket, _)) = listener.accept() {
            if held.len() % 2 == 0 {
                let _gone = socket.write_all(b"SIP/2.0 400 Bad Request\r\n\r\n");
            }
            held.push(socket);
        }
    });
    let site = Site::with_users(&["100"]);
    let port = format!("port={}", at.port());
    trunk(
        &site,
        "main",
        &["host=carrier.example", &port, "transport=tls", "down_after=2"],
    );
    let mut server = site.serve_with("127.0.0.1:0", &(authority.trusted_by(&site) + &names));
    let line = server.wait_for("trunk main is down");
    assert!(
        line.contains("it takes connections, but no TLS came about"),
        "{line}"
    );
}
