//! A plain SIP peer: writes requests by hand, reads whole messages, over any transport.

use crate::house::{House, PATIENCE};
use crate::tls;
use crate::web::Socket;
use model::Transport;
use sip::{Frame, Framer, Message};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

static NEXT: AtomicU32 = AtomicU32::new(1);

/// A connection of either kind, or a socket.
pub(crate) enum Line {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Tls(Box<tls::Client>),
    Web(Box<Socket>),
}

/// One peer.
pub(crate) struct Phone {
    pub(crate) line: Line,
    pub(crate) local: SocketAddr,
    pub(crate) server: SocketAddr,
    framer: Framer,
    transport: Transport,
}

impl Phone {
    /// Connects.
    pub(crate) fn new(house: &House, transport: Transport) -> Phone {
        Phone::to(house.at(transport), transport)
    }

    /// Connects to an address.
    pub(crate) fn to(server: SocketAddr, transport: Transport) -> Phone {
        let (line, local) = match transport {
            Transport::Udp => {
                let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                socket.connect(server).unwrap();
                let local = socket.local_addr().unwrap();
                (Line::Udp(socket), local)
            }
            Transport::Tcp => {
                let socket = TcpStream::connect(server).unwrap();
                socket.set_nodelay(true).unwrap();
                let local = socket.local_addr().unwrap();
                (Line::Tcp(socket), local)
            }
            Transport::Tls => {
                let client = tls::Client::connect(server);
                let local = client.local();
                (Line::Tls(Box::new(client)), local)
            }
            Transport::Ws | Transport::Wss => {
                let socket = Socket::open(server, transport, "/");
                let local = socket.local();
                (Line::Web(Box::new(socket)), local)
            }
        };
        Phone::on(line, transport, local, server)
    }

    /// On a socket that is there.
    pub(crate) fn on(line: Line, transport: Transport, local: SocketAddr, server: SocketAddr) -> Phone {
        let phone = Phone {
            line,
            local,
            server,
            framer: Framer::new(65_535),
            transport,
        };
        phone.set_timeout(PATIENCE);
        phone
    }

    pub(crate) fn set_timeout(&self, timeout: Duration) {
        let timeout = Some(timeout);
        match &self.line {
            Line::Udp(socket) => socket.set_read_timeout(timeout).unwrap(),
            Line::Tcp(socket) => socket.set_read_timeout(timeout).unwrap(),
            Line::Tls(client) => client.socket().set_read_timeout(timeout).unwrap(),
            Line::Web(socket) => socket.tcp().set_read_timeout(timeout).unwrap(),
        }
    }

    /// Sends octets in one piece. False when the other side is gone.
    pub(crate) fn send(&mut self, octets: &[u8]) -> bool {
        match &mut self.line {
            Line::Udp(socket) => socket.send(octets).is_ok(),
            Line::Tcp(socket) => socket.write_all(octets).is_ok(),
            Line::Tls(client) => client.write_all(octets).is_ok(),
            Line::Web(socket) => socket.say(octets),
        }
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish(&mut self) {
        match &mut self.line {
            Line::Udp(_) => {}
            Line::Tcp(socket) => drop(socket.shutdown(std::net::Shutdown::Write)),
            Line::Tls(client) => client.finish(),
            Line::Web(socket) => drop(socket.frame(0x88, &1000_u16.to_be_bytes())),
        }
    }

    /// The next message; `None` at the end of a stream or after the timeout on UDP.
    pub(crate) fn receive(&mut self) -> Option<String> {
        if let Line::Web(socket) = &mut self.line {
            return socket.hear();
        }
        let mut buffer = vec![0; 65_536];
        loop {
            match self.framer.next() {
                Some(Frame::Message(octets)) => return Some(String::from_utf8_lossy(octets).into_owned()),
                Some(Frame::KeepAlivePong | Frame::KeepAlivePing) => return Some("\r\n".to_owned()),
                Some(Frame::Error { what, .. }) => panic!("the server's stream is broken: {what}"),
                None => {}
            }
            let count = self.read(&mut buffer)?;
            if self.transport == Transport::Udp {
                return Some(String::from_utf8_lossy(&buffer[..count]).into_owned());
            }
            self.framer.push(&buffer[..count]);
            if buffer[..count] == *b"\r\n" {
                return Some("\r\n".to_owned());
            }
        }
    }

    /// Reads once; `None` at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let result = match &mut self.line {
            Line::Udp(socket) => socket.recv(buffer),
            Line::Tcp(socket) => socket.read(buffer),
            Line::Tls(client) => client.read(buffer),
            Line::Web(_) => Ok(0),
        };
        match result {
            Ok(0) => None,
            Ok(count) => Some(count),
            Err(e) if matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => None,
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => match self.transport
            {
                Transport::Udp => None,
                _ => panic!("no answer and no end of the stream within {PATIENCE:?}"),
            },
            Err(e) => panic!("{e}"),
        }
    }

    /// Everything until the server closes.
    pub(crate) fn receive_all(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.receive()).collect()
    }

    /// A request with a fresh branch and Call-ID; `extra` are whole header lines.
    pub(crate) fn request(&self, method: &str, uri: &str, to: &str, extra: &str) -> String {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let Phone { local, transport, .. } = self;
        let via = transport.via();
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{via} {local};branch=z9hG4bKt{n};rport\r\nMax-Forwards: 70\r\n\
             From: <{to}>;tag=f{n}\r\nTo: <{to}>\r\nCall-ID: test-{n}\r\nCSeq: {n} {method}\r\n\
             {extra}Content-Length: 0\r\n\r\n"
        )
    }

    /// An OPTIONS to the server itself.
    pub(crate) fn ping(&self) -> String {
        let uri = format!("sip:{}", self.server);
        self.request("OPTIONS", &uri, &uri, "")
    }

    /// Sends a request and waits for its final answer.
    pub(crate) fn ask(&mut self, request: &str) -> String {
        assert!(self.send(request.as_bytes()));
        self.answer_to(request)
    }

    /// The final answer to a request that was sent.
    pub(crate) fn answer_to(&mut self, request: &str) -> String {
        let id = field(request, "Call-ID");
        loop {
            let answer = self
                .receive()
                .unwrap_or_else(|| panic!("no answer to\n{request}"));
            if field(&answer, "Call-ID") == id && status(&answer) >= 200 {
                return answer;
            }
        }
    }

    /// Pings and checks the answer.
    pub(crate) fn check(&mut self) {
        let ping = self.ping();
        assert_eq!(status(&self.ask(&ping)), 200);
    }

    /// Registers 101 of `domain` with digest; `contact` as the Contact header's value.
    pub(crate) fn register(&mut self, domain: &str, contact: &str) -> String {
        self.register_as("101", domain, contact)
    }

    /// Registers a user.
    pub(crate) fn register_as(&mut self, user: &str, domain: &str, contact: &str) -> String {
        let (uri, aor) = (format!("sip:{domain}"), format!("sip:{user}@{domain}"));
        let contact = format!("Contact: {contact}\r\n");
        let first = self.request("REGISTER", &uri, &aor, &contact);
        let challenge = self.ask(&first);
        assert_eq!(status(&challenge), 401, "{challenge}");
        let proof = crate::journals::authorization(user, &challenge, "REGISTER", &uri);
        let second = self.request("REGISTER", &uri, &aor, &format!("{contact}{proof}"));
        self.ask(&second)
    }

    /// The next request of a method that comes in.
    pub(crate) fn expect(&mut self, method: &str) -> String {
        loop {
            let message = self.receive().unwrap_or_else(|| panic!("no {method}"));
            if message.starts_with(&format!("{method} ")) {
                return message;
            }
        }
    }

    /// Answers a request with 200; `extra` are whole header lines.
    pub(crate) fn accept(&mut self, request: &str, extra: &str, body: &str) {
        self.answer(request, "200 OK", extra, body);
    }

    /// Answers a request with this status and reason.
    pub(crate) fn answer(&mut self, request: &str, status: &str, extra: &str, body: &str) {
        let copied: String = request
            .lines()
            .filter(|line| {
                let name = line.split(':').next().unwrap_or("");
                ["Via", "From", "Call-ID", "CSeq"].contains(&name)
            })
            .map(|line| format!("{line}\r\n"))
            .collect();
        let to = field(request, "To");
        let tag = if to.contains("tag=") { "" } else { ";tag=callee" };
        let length = body.len();
        let answer = format!(
            "SIP/2.0 {status}\r\n{copied}To: {to}{tag}\r\n{extra}Content-Length: {length}\r\n\r\n{body}"
        );
        assert!(self.send(answer.as_bytes()));
    }
}

/// The status code of an answer; zero for anything else.
pub(crate) fn status(message: &str) -> u16 {
    let parsed = Message::parse(message.as_bytes()).ok();
    parsed
        .and_then(|m| m.status_line().map(|line| line.code))
        .unwrap_or(0)
}

/// The value of a header line.
pub(crate) fn field<'a>(message: &'a str, name: &str) -> &'a str {
    let lines = message.lines().filter_map(|line| line.split_once(':'));
    lines
        .into_iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map_or("", |(_, value)| value.trim())
}
