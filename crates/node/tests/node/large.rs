//! Requests that are too large for a datagram (RFC 3261 §18.1.1), to phones that take connections and to those that
//! don't.

use crate::calls::ack;
use crate::house::{House, PATIENCE, until};
use crate::phone::{Line, Phone, field, status};
use model::Transport;
use std::fmt::Write;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

const URI: &str = "sip:102@example.com";

/// A phone on datagrams with a socket of the same port for connections.
struct Desk {
    phone: Phone,
    listener: TcpListener,
}

impl Desk {
    /// 102, registered, its Contact where its datagrams come from.
    fn new(house: &House) -> Desk {
        let server = house.at(Transport::Udp);
        let any = SocketAddr::new(server.ip(), 0);
        let (socket, listener) = std::iter::repeat_with(|| UdpSocket::bind(any).unwrap())
            .find_map(|socket| {
                let listener = TcpListener::bind(socket.local_addr().unwrap()).ok()?;
                Some((socket, listener))
            })
            .unwrap();
        socket.connect(server).unwrap();
        let local = socket.local_addr().unwrap();
        let mut phone = Phone::on(Line::Udp(socket), Transport::Udp, local, server);
        let contact = format!("<sip:102@{local}>;expires=600");
        assert_eq!(status(&phone.register_as("102", "example.com", &contact)), 200);
        Desk { phone, listener }
    }

    /// The next connection from the server.
    fn accept(&self) -> Phone {
        self.listener.set_nonblocking(true).unwrap();
        let mut taken = None;
        until("the server connects", || {
            taken = self.listener.accept().ok();
            taken.is_some()
        });
        let (stream, from) = taken.unwrap();
        stream.set_nonblocking(false).unwrap();
        assert_eq!(
            from.ip(),
            self.phone.server.ip(),
            "from where the server is known"
        );
        let local = self.phone.local;
        Phone::on(Line::Tcp(stream), Transport::Tcp, local, self.phone.server)
    }

    /// Nobody listens any more.
    fn deaf(self) -> Phone {
        self.phone
    }
}

/// More codecs than a datagram holds.
fn description(rtp: &UdpSocket) -> String {
    let at = rtp.local_addr().unwrap();
    let family = if at.is_ipv4() { "IP4" } else { "IP6" };
    let types: Vec<String> = (96..=120).map(|pt| pt.to_string()).collect();
    let mut text = format!(
        "v=0\r\no=- 1 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio {} RTP/AVP 0 {}\r\n",
        at.port(),
        types.join(" "),
        ip = at.ip(),
    );
    for pt in types {
        let _ = write!(
            text,
            "a=rtpmap:{pt} codec{pt}/8000\r\na=fmtp:{pt} profile=main;level=1;stereo=0;useinband=1\r\n"
        );
    }
    text
}

/// 101, who calls 102 with much to offer.
struct Caller {
    phone: Phone,
    rtp: UdpSocket,
    invite: String,
    sent: Instant,
}

impl Caller {
    fn calls(house: &House) -> Caller {
        let server = house.at(Transport::Udp);
        let bind = || UdpSocket::bind(SocketAddr::new(server.ip(), 0)).unwrap();
        let (socket, rtp) = (bind(), bind());
        socket.connect(server).unwrap();
        let local = socket.local_addr().unwrap();
        let mut phone = Phone::on(Line::Udp(socket), Transport::Udp, local, server);
        let body = description(&rtp);
        let invite = |phone: &Phone, proof: &str| {
            let extra = format!(
                "Contact: <sip:101@{}>\r\nContent-Type: application/sdp\r\n{proof}",
                phone.local
            );
            let request = phone.request("INVITE", URI, URI, &extra);
            let request = request.replace(&format!("From: <{URI}>"), "From: <sip:101@example.com>");
            let length = format!("Content-Length: {}\r\n\r\n{body}", body.len());
            request.replace("Content-Length: 0\r\n\r\n", &length)
        };
        let first = invite(&phone, "");
        let challenge = phone.ask(&first);
        assert_eq!(status(&challenge), 407, "{challenge}");
        phone.send(ack(&first, &challenge, URI).as_bytes());
        let proof = crate::journals::authorization("101", &challenge, "INVITE", URI);
        let invite = invite(&phone, &proof);
        let sent = Instant::now();
        phone.send(invite.as_bytes());
        Caller {
            phone,
            rtp,
            invite,
            sent,
        }
    }

    /// The callee answers `ringing` on the way that it came; the caller hears that.
    fn is_answered(&mut self, callee: &mut Phone, ringing: &str) {
        let extra = format!(
            "Contact: <sip:102@{}>\r\nContent-Type: application/sdp\r\n",
            callee.local
        );
        callee.accept(ringing, &extra, &description(&self.rtp));
        let ok = self.phone.answer_to(&self.invite);
        assert_eq!(status(&ok), 200, "{ok}");
        let ack = ack(&self.invite, &ok, URI);
        self.phone.send(ack.as_bytes());
    }
}

fn is_large_by(invite: &str, transport: &str) {
    assert!(invite.len() > 1300, "{invite}");
    let via = field(invite, "Via");
    assert!(via.starts_with(&format!("SIP/2.0/{transport} ")), "{via}");
}

#[test]
fn a_phone_that_takes_connections_gets_a_large_invite_over_tcp() {
    for ip in ["127.0.0.1:0", "[::1]:0"] {
        let house = House::with(|s| s.listen.iter_mut().for_each(|l| l.address = ip.parse().unwrap()));
        let mut desk = Desk::new(&house);
        let mut caller = Caller::calls(&house);
        let mut stream = desk.accept();
        let ringing = stream.expect("INVITE");
        is_large_by(&ringing, "TCP");
        let sent_by = house.at(Transport::Tcp).to_string();
        assert!(field(&ringing, "Via").contains(&sent_by), "{ringing}");
        caller.is_answered(&mut stream, &ringing);
        // What is small goes as ever, and so does the phone.
        let ack = desk.phone.expect("ACK");
        assert!(field(&ack, "Via").starts_with("SIP/2.0/UDP "), "{ack}");
        // Requests on the connection that the server opened are served like any.
        stream.check();
        let status = house.live().status().unwrap();
        assert_eq!((status.counts.connected, status.counts.connects_failed), (1, 0));
        assert_eq!(status.connections, 1);
        drop(stream);
        until("the connection is gone", || {
            house.live().status().unwrap().connections == 0
        });
        house.stop();
    }
}

#[test]
fn a_phone_that_takes_none_gets_it_as_a_datagram_and_is_not_asked_again() {
    let house = House::new();
    let mut callee = Desk::new(&house).deaf();
    for _ in 0..2 {
        let mut caller = Caller::calls(&house);
        let ringing = callee.expect("INVITE");
        let waited = caller.sent.elapsed();
        assert!(waited < Duration::from_secs(2), "{waited:?}");
        is_large_by(&ringing, "UDP");
        caller.is_answered(&mut callee, &ringing);
        callee.expect("ACK");
    }
    let counts = house.live().counts().unwrap();
    assert_eq!((counts.connected, counts.connects_failed), (0, 1));
    house.stop();
}

#[test]
fn a_phone_whose_connections_are_swallowed_gets_it_after_the_time_of_an_attempt() {
    let house = House::new();
    let mut desk = Desk::new(&house);
    // A listener whose queue is full drops attempts without a word, as a packet filter does.
    let mut queued = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&desk.phone.local, Duration::from_millis(300)) {
        queued.push(stream);
        assert!(queued.len() < 10_000, "the queue has no end");
    }
    let mut caller = Caller::calls(&house);
    let ringing = desk.phone.expect("INVITE");
    let waited = caller.sent.elapsed();
    // One and a half seconds, and what a busy machine adds; the next one does not wait.
    assert!(
        (Duration::from_millis(1_400)..Duration::from_secs(4)).contains(&waited),
        "{waited:?}"
    );
    is_large_by(&ringing, "UDP");
    caller.is_answered(&mut desk.phone, &ringing);
    assert_eq!(house.live().counts().unwrap().connects_failed, 1);
    house.stop();
}

#[test]
fn a_phone_that_closes_the_connection_without_a_word_gets_a_datagram_at_once() {
    let house = House::new();
    let mut desk = Desk::new(&house);
    let mut caller = Caller::calls(&house);
    let mut stream = desk.accept();
    is_large_by(&stream.expect("INVITE"), "TCP");
    drop(stream);
    let ringing = desk.phone.expect("INVITE");
    is_large_by(&ringing, "UDP");
    caller.is_answered(&mut desk.phone, &ringing);
    house.stop();
}

#[test]
fn beyond_the_cap_on_attempts_datagrams_go_at_once_and_nobody_is_blamed() {
    let house = House::with(|s| s.limits.connecting_per_tenant = 0);
    let mut desk = Desk::new(&house);
    for failed in 1..=2 {
        let mut caller = Caller::calls(&house);
        let ringing = desk.phone.expect("INVITE");
        is_large_by(&ringing, "UDP");
        caller.is_answered(&mut desk.phone, &ringing);
        desk.phone.expect("ACK");
        // Asked anew each time: that there were too many says nothing of the phone.
        assert_eq!(house.live().counts().unwrap().connects_failed, failed);
    }
    house.stop();
}

/// No message of a tenant's phone makes the server open a connection to an address of the phone's choice.
#[test]
fn a_contact_elsewhere_is_never_connected_to() {
    let house = House::new();
    let victim = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut phone = Phone::new(&house, Transport::Udp);
    let contact = format!("<sip:102@{}>;expires=600", victim.local_addr().unwrap());
    assert_eq!(status(&phone.register_as("102", "example.com", &contact)), 200);
    let mut caller = Caller::calls(&house);
    let ringing = phone.expect("INVITE");
    is_large_by(&ringing, "UDP");
    caller.is_answered(&mut phone, &ringing);
    victim.set_nonblocking(true).unwrap();
    let connected = victim.accept();
    assert!(connected.is_err(), "{connected:?}");
    let counts = house.live().counts().unwrap();
    assert_eq!((counts.connected, counts.connects_failed), (0, 0));
    assert!(caller.sent.elapsed() < PATIENCE);
    house.stop();
}
