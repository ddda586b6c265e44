//! Transactions on simulated time: each test is a ladder of what crossed the wire and what the user heard.

mod client_invite;
mod client_other;
mod large;
mod matching;
mod random;
mod redirect;
mod server_invite;
mod server_other;

use bytes::Bytes;
use sip::Message;
use sip::transaction::{ClientId, Delivery, Event, Incoming, ServerId, Transactions};
use std::fmt::Write as _;
use std::time::Duration;

pub(crate) use random::Dice;

const UDP: bool = false;
const TCP: bool = true;

/// A table of transactions, its clock, and the ladder of what happened.
struct World {
    table: Transactions<&'static str, u32>,
    now: Duration,
    ladder: String,
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl World {
    fn new() -> World {
        World {
            table: Transactions::new(100),
            now: Duration::ZERO,
            ladder: String::new(),
        }
    }

    fn note(&mut self, what: &str) {
        let (s, ms) = (self.now.as_secs(), self.now.subsec_millis());
        let _ = writeln!(self.ladder, "{s:02}.{ms:03} {what}");
    }

    /// What went out and what the user heard since the last look.
    fn drain(&mut self) {
        while let Some((peer, bytes)) = self.table.poll_transmit() {
            self.note(&format!("        -> {peer}: {}", title(&bytes)));
        }
        while let Some(event) = self.table.poll_event() {
            self.note(&format!("   !{}", event_name(&event)));
        }
    }

    /// Lets time pass, stopping at every deadline.
    fn run_until(&mut self, end_ms: u64) {
        let end = ms(end_ms);
        while let Some(at) = self.table.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.table.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    /// Runs until nothing is left, and says when that was.
    fn run_out(&mut self) -> &str {
        while let Some(at) = self.table.poll_timeout() {
            self.now = self.now.max(at);
            self.table.handle_timeout(self.now);
            self.drain();
        }
        let left = self.table.len();
        self.note(&format!("{left} left"));
        &self.ladder
    }

    fn receive(&mut self, text: &[u8]) -> Incoming<u32> {
        let message = Message::parse(text).unwrap();
        let incoming = self.table.receive_request(&message, self.now);
        let what = match incoming {
            Incoming::New => "new",
            Incoming::Retransmission => "absorbed",
            Incoming::Ack(_) => "to the user: ACK",
            Incoming::AckTo2xx(..) => "to the user: ACK to 2xx",
            Incoming::Full => "full",
        };
        self.note(&format!("<- {}: {what}", title(text)));
        self.drain();
        incoming
    }

    fn accept(&mut self, text: &[u8], reliable: bool) -> ServerId {
        assert_eq!(self.receive(text), Incoming::New);
        let message = Message::parse(text).unwrap();
        self.table
            .accept(&message, "phone", reliable, 7, self.now)
            .unwrap()
    }

    fn respond(&mut self, id: ServerId, code: u16) {
        let response = Bytes::from(format!("SIP/2.0 {code} Said so\r\n\r\n"));
        self.table.respond(id, code, response, self.now);
        self.drain();
    }

    fn request(&mut self, text: &str, reliable: bool) -> ClientId {
        let message = Message::parse(text.as_bytes()).unwrap();
        let (method, via) = (message.method().unwrap(), message.top_via().unwrap());
        let bytes = Bytes::from(text.to_owned());
        let branch = via.branch.unwrap();
        let id = self
            .table
            .request(method, branch, bytes, "phone", reliable, 7, self.now)
            .unwrap();
        self.drain();
        id
    }

    fn response(&mut self, text: &str) -> Delivery<u32> {
        let message = Message::parse(text.as_bytes()).unwrap();
        let delivery = self.table.receive_response(&message, self.now);
        let what = match delivery {
            Delivery::Deliver(..) => "to the user",
            Delivery::Absorbed => "absorbed",
            Delivery::Stray => "stray",
        };
        self.note(&format!("<- {}: {what}", title(text.as_bytes())));
        self.drain();
        delivery
    }
}

fn event_name(event: &Event<&'static str, u32>) -> &'static str {
    match event {
        Event::ClientTimeout(_, 7) => "client timeout",
        Event::ClientTransportError(_, 7) => "client transport error",
        Event::AckTimeout(_, 7) => "no ACK",
        Event::ServerTransportError(_, 7) => "server transport error",
        Event::NeverSent(_, 7) => "never sent",
        Event::Unheard("stream") => "unheard on the stream",
        _ => "for somebody else",
    }
}

/// Method or status code, and the To tag if there is one.
fn title(bytes: &[u8]) -> String {
    let message = Message::parse(bytes).unwrap();
    let what = match (message.request_line(), message.status_line()) {
        (Some(line), _) => line.method.to_string(),
        (_, Some(line)) => line.code.to_string(),
        _ => String::new(),
    };
    match message.to().ok().and_then(|to| to.tag()) {
        Some(tag) => format!("{what} ({tag})"),
        None => what,
    }
}

/// A request as it leaves or comes in; `branch` is all of the parameter.
fn message(method: &str, branch: &str) -> String {
    tagged(method, branch, "")
}

fn tagged(method: &str, branch: &str, to_tag: &str) -> String {
    format!(
        "{method} sip:bob@example.com SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch={branch}\r\n\
         Max-Forwards: 70\r\n\
         Route: <sip:192.0.2.9;lr>\r\n\
         From: Alice <sip:alice@example.com>;tag=alice\r\n\
         To: <sip:bob@example.com>{to_tag}\r\n\
         Call-ID: a84b4c76e66710\r\n\
         CSeq: 314159 {method}\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// A response as it comes in, to a request of [`message`].
fn answer(code: u16, method: &str, branch: &str, tag: &str) -> String {
    format!(
        "SIP/2.0 {code} Said so\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch={branch}\r\n\
         From: Alice <sip:alice@example.com>;tag=alice\r\n\
         To: <sip:bob@example.com>;tag={tag}\r\n\
         Call-ID: a84b4c76e66710\r\n\
         CSeq: 314159 {method}\r\n\
         Content-Length: 0\r\n\r\n"
    )
}
