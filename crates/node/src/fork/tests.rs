//! Forks to real WebSocket servers: one that answers, one that does not read, and places where none may go.

use super::*;
use rustls::StreamOwned;
use sip::websocket::{Handshake, encode, read_handshake};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};

const KEY: (MediaSessionId, ForkId) = (
    MediaSessionId(1 << 32),
    ForkId {
        tenant: model::TenantId(1),
        number: 3,
    },
);

/// The worker's side.
struct Bench {
    desk: Arc<ForkDesk>,
    forks: Forks,
    told: Receiver<MediaItem>,
}

impl Bench {
    fn connect(allow_private: bool, url: &str) -> Bench {
        Bench::trusting(allow_private, None, url)
    }

    fn trusting(allow_private: bool, ca: Option<&Path>, url: &str) -> Bench {
        let (tell, told) = channel();
        let mut bench = Bench {
            desk: Arc::new(ForkDesk::new(allow_private, ca).unwrap()),
            forks: Forks::default(),
            told,
        };
        let ask = ForkAsk::Connect { url: url.into() };
        bench.forks.handle(&bench.desk, KEY, ask, || {
            Box::new(move |item| drop(tell.send(item)))
        });
        bench
    }

    fn next(&self) -> MediaItem {
        self.told.recv_timeout(Duration::from_secs(30)).unwrap()
    }

    fn opened(&self) {
        assert!(matches!(self.next(), MediaItem::ForkOpened(..)));
    }

    fn end(&self) -> (ForkEnd, u64) {
        loop {
            if let MediaItem::ForkEnded(_, _, end, lost_ms) = self.next() {
                return (end, lost_ms);
            }
        }
    }

    fn send(&mut self, is_text: bool, octets: &[u8], ms: u32) {
        let octets = octets.to_vec();
        let ask = ForkAsk::Send { is_text, octets, ms };
        self.forks.handle(&self.desk, KEY, ask, || Box::new(|_| {}));
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.desk.count(&mut counts);
        counts
    }
}

/// Accepts one connection and its request; answers as a server for this protocol does, but without a subprotocol.
fn accept(listener: &TcpListener) -> TcpStream {
    let (mut socket, _) = listener.accept().unwrap();
    shake_hands(&mut socket);
    socket
}

fn shake_hands(socket: &mut impl Wired) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        socket.read_exact(&mut octet).unwrap();
        head.extend_from_slice(&octet);
    }
    let text = String::from_utf8(head).unwrap();
    assert!(text.starts_with("GET /in?x=1 HTTP/1.1\r\n"), "{text}");
    // The handshake for SIP knows the accept value; what it adds for SIP is taken out.
    let sip = text
        .replace("/in?x=1", "/sip")
        .replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: sip\r\n\r\n");
    let Handshake::Open(opening, _) = read_handshake(sip.as_bytes(), &[]) else {
        panic!("no handshake: {text}");
    };
    let answer = String::from_utf8(opening.accept()).unwrap();
    let answer = answer.replace("Sec-WebSocket-Protocol: sip\r\n", "");
    socket.write_all(answer.as_bytes()).unwrap();
    socket.flush().unwrap();
}

trait Wired: Read + Write {}
impl<T: Read + Write> Wired for T {}

fn server() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/in?x=1", listener.local_addr().unwrap());
    (listener, url)
}

/// The next message of the client.
fn message(socket: &mut impl Wired, decoder: &mut Decoder) -> Option<(bool, Vec<u8>)> {
    loop {
        let found = match decoder.next() {
            Some(Event::Message(octets)) => Some(octets.to_vec()),
            Some(Event::Closed) => return None,
            Some(Event::Pong) => continue,
            Some(other) => panic!("{other:?}"),
            None => None,
        };
        if let Some(octets) = found {
            return Some((decoder.was_text(), octets));
        }
        let mut some = [0; 1_024];
        let octets = socket.read(&mut some).unwrap();
        assert!(octets > 0, "closed without a word");
        decoder.push(&some[..octets]);
    }
}

#[test]
fn messages_go_there_and_come_back_until_it_is_closed() {
    let (listener, url) = server();
    let mut bench = Bench::connect(true, &url);
    let mut socket = accept(&listener);
    bench.opened();
    let mut decoder = Decoder::new(1 << 20);
    bench.send(true, b"start", 0);
    bench.send(false, &[9; 70_000], 20);
    assert_eq!(
        message(&mut socket, &mut decoder),
        Some((true, b"start".to_vec()))
    );
    assert_eq!(message(&mut socket, &mut decoder), Some((false, vec![9; 70_000])));
    for (opcode, octets) in [
        (Opcode::Text, &b"{}"[..]),
        (Opcode::Ping, b"?"),
        (Opcode::Binary, &[1, 2]),
    ] {
        socket.write_all(&encode(opcode, octets)).unwrap();
    }
    for wanted in [(true, b"{}".to_vec()), (false, vec![1, 2])] {
        match bench.next() {
            MediaItem::ForkHeard { is_text, octets, .. } => assert_eq!((is_text, octets), wanted),
            _ => panic!("not heard"),
        }
    }
    bench.send(true, b"stop", 0);
    bench
        .forks
        .handle(&bench.desk, KEY, ForkAsk::Close, || Box::new(|_| {}));
    assert_eq!(message(&mut socket, &mut decoder), Some((true, b"stop".to_vec())));
    assert_eq!(message(&mut socket, &mut decoder), None);
    assert_eq!(bench.end(), (ForkEnd::Stopped, 0));
    assert_eq!((bench.counts().forks, bench.counts().forks_failed), (1, 0));
}

#[test]
fn who_does_not_read_loses_sound_and_is_let_go() {
    let (listener, url) = server();
    let mut bench = Bench::connect(true, &url);
    let _socket = accept(&listener);
    bench.opened();
    // More than what sockets hold: the queue fills, and nobody waits for it.
    let begun = Instant::now();
    let (mut given, mut end) = (0_u64, None);
    while end.is_none() && begun.elapsed() < Duration::from_secs(25) {
        let push = Instant::now();
        bench.send(false, &[7; 100_000], 20);
        assert!(push.elapsed() < Duration::from_secs(1));
        given += 20;
        end = match bench.told.recv_timeout(Duration::from_millis(5)) {
            Ok(MediaItem::ForkEnded(_, _, end, lost_ms)) => Some((end, lost_ms)),
            _ => None,
        };
    }
    let (end, lost_ms) = end.unwrap();
    assert_eq!(end, ForkEnd::Stalled);
    assert!(lost_ms > 0 && lost_ms < given, "{lost_ms} of {given}");
    assert!(bench.counts().forks_lost_ms >= lost_ms);
    assert_eq!(bench.counts().forks_failed, 1);
}

/// A media worker reads what comes back, and carries the calls of others meanwhile.
#[test]
fn who_says_too_much_has_to_wait() {
    let (listener, url) = server();
    let mut bench = Bench::connect(true, &url);
    let mut socket = accept(&listener);
    bench.opened();
    let flood = encode(Opcode::Binary, &[]).repeat(200_000);
    let flooding = thread::spawn(move || socket.write_all(&flood));
    let begun = Instant::now();
    let mut heard = 0;
    while begun.elapsed() < Duration::from_secs(1) {
        let came = bench.told.recv_timeout(Duration::from_millis(10));
        heard += usize::from(matches!(came, Ok(MediaItem::ForkHeard { .. })));
    }
    // Three seconds' worth, and what was read at once.
    assert!((1_000..=16_000).contains(&heard), "{heard} messages in a second");
    let ask = ForkAsk::Close;
    bench.forks.handle(&bench.desk, KEY, ask, || Box::new(|_| {}));
    assert_eq!(bench.end().0, ForkEnd::Stopped);
    drop(flooding.join());
}

/// However a thread goes, its place returns, and the worker hears of it.
#[test]
fn a_fork_that_never_ran_has_ended_too() {
    let (tell, told) = channel();
    let desk = Arc::new(ForkDesk::new(true, None).unwrap());
    desk.open.fetch_add(1, Ordering::Relaxed);
    drop(Line {
        desk: Arc::clone(&desk),
        key: KEY,
        lane: Arc::default(),
        tell: Box::new(move |item| drop(tell.send(item))),
        end: ForkEnd::Unreachable,
        detail: String::new(),
    });
    assert!(matches!(
        told.try_recv(),
        Ok(MediaItem::ForkEnded(_, _, ForkEnd::Unreachable, 0))
    ));
    assert_eq!(desk.open.load(Ordering::Relaxed), 0);
}

#[test]
fn the_other_side_may_close_vanish_or_break_the_protocol() {
    for (last, wanted) in [
        (
            Some(encode(Opcode::Close, &1000_u16.to_be_bytes())),
            ForkEnd::Closed,
        ),
        (None, ForkEnd::Closed),
        // A server that masks.
        (Some(encode_masked(Opcode::Text, b"x", [1; 4])), ForkEnd::Broken),
    ] {
        let (listener, url) = server();
        let bench = Bench::connect(true, &url);
        let mut socket = accept(&listener);
        bench.opened();
        if let Some(last) = last {
            socket.write_all(&last).unwrap();
        } else {
            drop(socket);
        }
        assert_eq!(bench.end().0, wanted);
    }
}

#[test]
fn inner_places_are_refused_unless_they_are_allowed() {
    let (listener, url) = server();
    let port = listener.local_addr().unwrap().port();
    for url in [
        url,
        format!("ws://localhost:{port}/in?x=1"),
        format!("ws://[::ffff:127.0.0.1]:{port}/in?x=1"),
        "ws://169.254.169.254/latest/meta-data".to_owned(),
        "http://example.com/".to_owned(),
    ] {
        assert_eq!(Bench::connect(false, &url).end().0, ForkEnd::Refused, "{url}");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody came");
}

#[test]
fn a_redirection_or_another_answer_is_not_followed() {
    for answer in [
        "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
        "SIP/2.0 200 OK\r\n\r\n",
    ] {
        let (listener, url) = server();
        let bench = Bench::connect(true, &url);
        let (mut socket, _) = listener.accept().unwrap();
        socket.write_all(answer.as_bytes()).unwrap();
        assert_eq!(bench.end().0, ForkEnd::Unreachable, "{answer}");
    }
    let (listener, url) = server();
    drop(listener);
    assert_eq!(Bench::connect(true, &url).end().0, ForkEnd::Unreachable);
}

/// A root of somebody's own, and what it vouches for.
struct Authority {
    dir: tempfile::TempDir,
    issuer: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let issuer = rcgen::CertifiedIssuer::self_signed(params, key).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Authority { dir, issuer }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// A server with a certificate for this name that ended, or ends, in this year.
    fn vouches_for(&self, name: &str, until: i32) -> Arc<rustls::ServerConfig> {
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into());
        Arc::new(config.unwrap())
    }
}

fn secure_server() -> (TcpListener, String) {
    let (listener, _) = server();
    let url = format!("wss://localhost:{}/in?x=1", listener.local_addr().unwrap().port());
    (listener, url)
}

#[test]
fn over_tls_a_root_of_the_operators_is_trusted() {
    let authority = Authority::new();
    let config = authority.vouches_for("localhost", 2999);
    let (listener, url) = secure_server();
    let mut bench = Bench::trusting(true, Some(&authority.file()), &url);
    let (socket, _) = listener.accept().unwrap();
    let mut wire = StreamOwned::new(rustls::ServerConnection::new(config).unwrap(), socket);
    shake_hands(&mut wire);
    bench.opened();
    bench.send(false, &[9; 70_000], 20);
    let mut decoder = Decoder::new(1 << 20);
    assert_eq!(message(&mut wire, &mut decoder), Some((false, vec![9; 70_000])));
    wire.write_all(&encode(Opcode::Text, b"{}")).unwrap();
    match bench.next() {
        MediaItem::ForkHeard { is_text, octets, .. } => {
            assert_eq!((is_text, &octets[..]), (true, &b"{}"[..]))
        }
        _ => panic!("not heard"),
    }
    let ask = ForkAsk::Close;
    bench.forks.handle(&bench.desk, KEY, ask, || Box::new(|_| {}));
    assert_eq!(bench.end(), (ForkEnd::Stopped, 0));
    assert_eq!(message(&mut wire, &mut decoder), None, "closed as WebSockets are");
    // Without TLS's own word for it this would be an error: somebody may have cut it.
    assert_eq!(wire.read(&mut [0; 16]).unwrap(), 0);
}

/// Nobody's word, somebody else's name, and one whose time is over.
#[test]
fn certificates_that_do_not_hold_are_refused() {
    let (ours, others) = (Authority::new(), Authority::new());
    for (name, until, ca) in [
        ("localhost", 2999, None),
        ("localhost", 2999, Some(&others)),
        ("elsewhere.example", 2999, Some(&ours)),
        ("localhost", 2001, Some(&ours)),
    ] {
        let config = ours.vouches_for(name, until);
        let (listener, url) = secure_server();
        let file = ca.map(Authority::file);
        let bench = Bench::trusting(true, file.as_deref(), &url);
        let (socket, _) = listener.accept().unwrap();
        let mut wire = StreamOwned::new(rustls::ServerConnection::new(config).unwrap(), socket);
        assert!(wire.read(&mut [0; 100]).is_err(), "nothing is asked of it");
        assert_eq!(bench.end().0, ForkEnd::Untrusted, "{name} {until}");
        assert_eq!(bench.counts().forks_failed, 1);
    }
}

#[test]
fn who_does_not_speak_tls_is_not_reached() {
    let (listener, url) = secure_server();
    let bench = Bench::connect(true, &url);
    let (mut socket, _) = listener.accept().unwrap();
    socket
        .write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        .unwrap();
    assert_eq!(bench.end().0, ForkEnd::Unreachable);
}

#[test]
fn a_file_of_roots_without_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("roots.pem");
    for text in [
        None,
        Some(""),
        Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ] {
        text.into_iter()
            .for_each(|text| std::fs::write(&file, text).unwrap());
        let error = ForkDesk::new(true, Some(&file)).unwrap_err().to_string();
        assert!(
            error.contains("fork_ca") && error.contains("roots.pem"),
            "{error}"
        );
    }
}

/// One octet of a record now and then: neither a handshake nor a call that stands is held up by it.
#[test]
fn a_server_that_trickles_holds_nobody_up() {
    let (listener, url) = secure_server();
    let began = Instant::now();
    let bench = Bench::connect(true, &url);
    let (mut socket, _) = listener.accept().unwrap();
    // The head of a handshake record of 16 kB, and then hardly anything of it.
    socket.write_all(&[22, 3, 3, 0x40, 0]).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
    let trickle = thread::spawn(move || {
        // An octet each time that nothing is heard for a while, until the other side hangs up.
        while began.elapsed() < CONNECT * 4 {
            match socket.read(&mut [0; 1_024]) {
                Ok(1..) => {}
                Err(error) if is_later(&error) && socket.write_all(&[2]).is_ok() => {}
                _ => break,
            }
        }
    });
    assert_eq!(bench.end(), (ForkEnd::Unreachable, 0));
    assert!(began.elapsed() < CONNECT * 2, "{:?}", began.elapsed());
    trickle.join().unwrap();
}
