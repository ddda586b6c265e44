//! A user agent by hand: what it sends is written out in the test, what comes back is looked at there.

use super::Scene;
use model::Transport;
use sim::phone::digest;
use sip::{Message, Name, Writer};
use std::net::SocketAddr;

/// A SIP user agent that does nothing by itself.
pub(super) struct Hand {
    pub(super) at: SocketAddr,
    pub(super) transport: Transport,
    pub(super) connection: u64,
    branches: u32,
    read: usize,
}

/// What a description of plain G.711 looks like.
pub(super) fn sdp(at: SocketAddr, port: u16, extra: &str) -> String {
    format!(
        "v=0\r\no=- 7 7 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 8\r\n{extra}",
        ip = at.ip()
    )
}

impl Hand {
    /// At 10.0.2.`host`, over UDP, under a name for the ladder.
    pub(super) fn new(scene: &mut Scene, name: &str, host: u8) -> Hand {
        let at = SocketAddr::from(([10, 0, 2, host], 5060));
        scene.world.strangers.insert(at, name.to_owned());
        Hand {
            at,
            transport: Transport::Udp,
            connection: 0,
            branches: 0,
            read: 0,
        }
    }

    /// Sends this text. Lines may end in LF; `{branch}` is replaced by a new branch, `{at}` by our address, and a
    /// Content-Length is added.
    pub(super) fn send(&mut self, scene: &mut Scene, text: &str) {
        self.send_with(scene, text, "");
    }

    pub(super) fn send_with(&mut self, scene: &mut Scene, head: &str, body: &str) {
        self.branches += 1;
        let branch = format!("z9hG4bK-{}-{}", self.at.ip(), self.branches);
        let head = head.trim().replace("{branch}", &branch);
        let head = head.replace("{at}", &self.at.to_string()).replace('\n', "\r\n");
        let content = if body.is_empty() || head.contains("Content-Type:") {
            ""
        } else {
            "Content-Type: application/sdp\r\n"
        };
        let text = format!("{head}\r\n{content}Content-Length: {}\r\n\r\n{body}", body.len());
        self.send_bytes(scene, text.into_bytes());
    }

    pub(super) fn send_bytes(&mut self, scene: &mut Scene, bytes: Vec<u8>) {
        scene
            .world
            .send_raw(self.at, self.transport, self.connection, bytes);
    }

    /// What came since the last look, after ten milliseconds more.
    pub(super) fn hears(&mut self, scene: &mut Scene) -> Vec<String> {
        scene.run(10);
        let mail = &scene.world.mail;
        let news: Vec<String> = mail[self.read..]
            .iter()
            .filter(|(to, _)| *to == self.at)
            .map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned())
            .collect();
        self.read = mail.len();
        news
    }

    /// Sends a request and gives the last thing heard afterwards.
    pub(super) fn asks(&mut self, scene: &mut Scene, head: &str) -> String {
        self.asks_with(scene, head, "")
    }

    pub(super) fn asks_with(&mut self, scene: &mut Scene, head: &str, body: &str) -> String {
        self.hears(scene);
        self.send_with(scene, head, body);
        self.hears(scene).pop().unwrap_or_default()
    }

    /// Asks, is challenged, acknowledges where that is due, and asks again with the credentials of `user`.
    pub(super) fn insists(&mut self, scene: &mut Scene, user: &str, head: &str, body: &str) -> String {
        let challenged = self.asks_with(scene, head, body);
        let Some(challenge) = challenges(&challenged).into_iter().next() else {
            return challenged;
        };
        if head.trim_start().starts_with("INVITE") {
            let branch = format!("z9hG4bK-{}-{}", self.at.ip(), self.branches);
            let ack = acknowledgement(&head.replace("{branch}", &branch), &challenged);
            self.send(scene, &ack);
        }
        let head = authorized(head, &challenge, user, &format!("pw{user}"), 1);
        self.asks_with(scene, &head, body)
    }

    /// Registers as `user` with this Contact value.
    pub(super) fn registers(&mut self, scene: &mut Scene, user: &str, cseq: u32, contact: &str) -> String {
        let head = register(user, &format!("hand-{}", self.at.ip()), cseq, contact);
        self.insists(scene, user, &head, "")
    }

    /// Answers a request that was heard.
    pub(super) fn responds(&mut self, scene: &mut Scene, request: &str, code: u16, body: &str) {
        let bytes = self.response(request, code, body);
        self.send_bytes(scene, bytes);
    }

    pub(super) fn response(&self, request: &str, code: u16, body: &str) -> Vec<u8> {
        let request = Message::parse(request.as_bytes()).expect("a request");
        let server = SocketAddr::from(([10, 0, 0, 1], 5060));
        let tag = format!("hand-{}", self.at.ip());
        let writer = Writer::reply(&request, code, "", Some(&tag), server)
            .header(Name::Contact, &format!("<sip:hand@{}>", self.at));
        writer.body("application/sdp", body.as_bytes()).to_vec()
    }
}

/// A REGISTER without credentials; `contact` may be empty.
pub(super) fn register(user: &str, call_id: &str, cseq: u32, contact: &str) -> String {
    let contact = match contact {
        "" => String::new(),
        contact => format!("\nContact: {contact}"),
    };
    format!(
        "REGISTER sip:acme.example SIP/2.0
Via: SIP/2.0/UDP {{at}};branch={{branch}};rport
Max-Forwards: 70
From: <sip:{user}@acme.example>;tag=r{user}
To: <sip:{user}@acme.example>
Call-ID: {call_id}
CSeq: {cseq} REGISTER{contact}"
    )
}

/// A request outside of any dialog, without credentials.
pub(super) fn request(method: &str, from: &str, to: &str, call_id: &str, cseq: u32) -> String {
    format!(
        "{method} sip:{to} SIP/2.0
Via: SIP/2.0/UDP {{at}};branch={{branch}};rport
Max-Forwards: 70
From: <sip:{from}>;tag=f-{call_id}
To: <sip:{to}>
Call-ID: {call_id}
CSeq: {cseq} {method}
Contact: <sip:hand@{{at}}>"
    )
}

/// The ACK to a refusal, from the request and what came back.
fn acknowledgement(head: &str, response: &str) -> String {
    let mut ack = String::new();
    for line in head.trim().lines() {
        if line.starts_with("To:") {
            ack.push_str(field(response, "To"));
        } else if !line.starts_with("Contact:") && !line.starts_with("Proxy-Authorization") {
            ack.push_str(&line.replace("INVITE", "ACK"));
        }
        ack.push('\n');
    }
    ack
}

/// The whole line of a header field.
pub(super) fn field<'a>(message: &'a str, name: &str) -> &'a str {
    let is = |line: &&str| {
        line.split_once(':')
            .is_some_and(|(n, _)| n.eq_ignore_ascii_case(name))
    };
    message.lines().find(is).unwrap_or("")
}

/// The status code, 0 for silence.
pub(super) fn code(message: &str) -> u16 {
    message
        .split(' ')
        .nth(1)
        .and_then(|c| c.parse().ok())
        .unwrap_or(0)
}

/// The To tag.
pub(super) fn to_tag(message: &str) -> &str {
    field(message, "To")
        .split_once(";tag=")
        .map_or("", |(_, tag)| tag)
}

/// Values of all challenges.
pub(super) fn challenges(message: &str) -> Vec<String> {
    let value = |line: &str| {
        line.split_once("-Authenticate: ")
            .map(|(_, value)| value.to_owned())
    };
    message.lines().filter_map(value).collect()
}

/// The request with an answer to this challenge.
pub(super) fn authorized(head: &str, challenge: &str, user: &str, password: &str, nc: u32) -> String {
    let mut words = head.trim().split(' ');
    let (method, uri) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let value = digest::answer(challenge, user, password, method, uri, nc);
    let name = if method == "REGISTER" {
        "Authorization"
    } else {
        "Proxy-Authorization"
    };
    format!("{}\n{name}: {value}", head.trim())
}
