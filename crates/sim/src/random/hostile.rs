//! Strangers and damaged messages.

use super::scene::Scene;
use crate::phone::digest;
use crate::server::Output;
use model::{FlowToken, Transport};
use std::net::SocketAddr;

/// Octets by which an answer to a stranger may be longer than his request: a challenge.
const CHALLENGE: usize = 560;

const METHODS: [&str; 16] = [
    "INVITE",
    "REGISTER",
    "OPTIONS",
    "BYE",
    "CANCEL",
    "ACK",
    "MESSAGE",
    "SUBSCRIBE",
    "NOTIFY",
    "PUBLISH",
    "REFER",
    "INFO",
    "UPDATE",
    "PRACK",
    "FROB",
    "invite",
];

impl Scene {
    /// A stranger asks for something, without credentials or with made-up ones.
    pub(super) fn knock(&mut self) -> Result<(), String> {
        let stranger = self.stranger();
        let request = self.request_of(stranger);
        self.in_vain(stranger, request.as_bytes(), true).map(drop)
    }

    /// A stranger answers the challenge of a REGISTER with a password that he guesses.
    pub(super) fn guess(&mut self) -> Result<(), String> {
        let stranger = self.stranger();
        let register = |call: u64, seq: u32, credentials: &str| {
            format!(
                "REGISTER sip:a.example SIP/2.0\r\nVia: SIP/2.0/UDP {stranger};branch=z9hG4bK{call:x}{seq}\r\n\
                 From: <sip:100@a.example>;tag=1\r\nTo: <sip:100@a.example>\r\nCall-ID: {call:x}\r\nCSeq: {seq} REGISTER\r\n\
                 Max-Forwards: 70\r\nContact: <sip:100@{stranger}>\r\n{credentials}Content-Length: 0\r\n\r\n"
            )
        };
        let call = self.rng.next();
        let answer = self.in_vain(stranger, register(call, 1, "").as_bytes(), true)?;
        let answer = answer.unwrap_or_default();
        let challenge = answer.lines().find_map(|l| l.strip_prefix("WWW-Authenticate: "));
        let challenge = challenge.unwrap_or("").to_owned();
        let user = self.rng.pick(&["100", "101", "nobody"]).copied().unwrap_or("");
        let guess = self
            .rng
            .pick(&["", "100", "pw999", "secret"])
            .copied()
            .unwrap_or("");
        let digest = digest::answer(&challenge, user, guess, "REGISTER", "sip:a.example", 1);
        let request = register(call, 2, &format!("Authorization: {digest}\r\n"));
        self.in_vain(stranger, request.as_bytes(), true).map(drop)
    }

    /// A stranger repeats what he overheard: a request with the right credentials.
    pub(super) fn replay(&mut self) -> Result<(), String> {
        let stranger = self.stranger();
        let spent = |(_, bytes): &&(FlowToken, Vec<u8>)| {
            let text = String::from_utf8_lossy(bytes);
            text.contains("uthorization: Digest") && (text.starts_with("REG") || text.starts_with("INV"))
        };
        let heard: Vec<Vec<u8>> = self
            .watch
            .heard
            .iter()
            .filter(spent)
            .map(|(_, b)| b.clone())
            .collect();
        match self
            .rng
            .pick(&heard)
            .filter(|_| !self.watch.damaged && !self.deletions)
            .cloned()
        {
            Some(request) => self.in_vain(stranger, &request, false).map(drop),
            None => Ok(()),
        }
    }

    /// What a stranger sends changes nothing. Its answer, if the request is `new`, goes to him alone, and
    /// is longer than his request by a challenge at most.
    fn in_vain(&mut self, stranger: SocketAddr, request: &[u8], new: bool) -> Result<Option<String>, String> {
        self.hostile += 1;
        self.world.collect();
        self.watch.look(&mut self.world)?;
        let before = self.state();
        let (flow, now) = (self.flow(stranger), self.world.now());
        self.world.server.receive(flow, request, now);
        let outputs = self.world.server.take_outputs();
        let (mut octets, mut elsewhere, mut answer) = (0, false, None);
        for output in &outputs {
            match output {
                Output::Sip(to, bytes) => {
                    octets += bytes.len();
                    elsewhere |= to.remote != stranger;
                    answer = Some(String::from_utf8_lossy(bytes).into_owned());
                }
                Output::Media(..) | Output::Close(_) | Output::Connect(..) | Output::Ask(..) => {
                    elsewhere = true
                }
            }
        }
        let after = self.state();
        let request = String::from_utf8_lossy(request);
        if after != before {
            return Err(format!(
                "a stranger changed {before:?} to {after:?} by\n{request}"
            ));
        }
        if new && (elsewhere || outputs.len() > 1 || octets > request.len() + CHALLENGE) {
            return Err(format!(
                "{octets} octets, elsewhere {elsewhere}, answer\n{request}"
            ));
        }
        Ok(answer)
    }

    /// Everything that a request could change.
    fn state(&self) -> impl PartialEq + std::fmt::Debug + use<> {
        let server = &self.world.server;
        let held: Vec<_> = server
            .tenants()
            .map(|(_, t)| (t.held(), t.counts().calls, t.counts().registered))
            .collect();
        (
            held,
            server.journal.len(),
            server.cdrs.len(),
            server.relay.counts(),
        )
    }

    fn stranger(&mut self) -> SocketAddr {
        let host = u8::try_from(self.rng.below(200)).unwrap_or(0);
        SocketAddr::from(([10, 0, 9, host], 5060))
    }

    fn flow(&mut self, remote: SocketAddr) -> FlowToken {
        FlowToken {
            transport: Transport::Udp,
            worker: 0,
            connection: 0,
            local: self.world.server_address(),
            remote,
        }
    }

    fn request_of(&mut self, at: SocketAddr) -> String {
        let method = self.rng.pick(&METHODS).copied().unwrap_or("INVITE");
        let domains = ["a.example", "b.example", "nowhere.example", "10.0.0.1"];
        let [to, from] = [0, 1].map(|_| self.rng.pick(&domains).copied().unwrap_or(""));
        let user = self
            .rng
            .pick(&["100@", "101@", "999@", ""])
            .copied()
            .unwrap_or("");
        let tags = [
            "",
            "",
            ";tag=1-0123456789abcdef",
            ";tag=xyz",
            ";tag=2-0000000000000000",
        ];
        let tag = self.rng.pick(&tags).copied().unwrap_or("");
        let (branch, call) = (self.rng.next(), self.rng.next());
        let credentials = [
            "",
            "",
            "Authorization: Digest username=\"100\", realm=\"a.example\", nonce=\"00\", uri=\"sip:a.example\", \
             response=\"00000000000000000000000000000000\"\r\n",
            "Authorization: Bearer letmein\r\n",
            "Proxy-Authorization: Digest\r\n",
        ];
        let credentials = self.rng.pick(&credentials).copied().unwrap_or("");
        let body = if method == "INVITE" {
            "v=0\r\no=- 1 1 IN IP4 10.0.9.1\r\ns=-\r\nc=IN IP4 10.0.9.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
        } else {
            ""
        };
        let contact = if matches!(method, "INVITE" | "REGISTER") {
            format!("Contact: <sip:x@{at}>\r\nContent-Type: application/sdp\r\n")
        } else {
            String::new()
        };
        format!(
            "{method} sip:{user}{to} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK{branch:x}\r\n\
             From: <sip:100@{from}>;tag=1\r\nTo: <sip:{user}{to}>{tag}\r\nCall-ID: {call:x}\r\nCSeq: 1 {method}\r\n\
             Max-Forwards: 70\r\n{contact}{credentials}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// A stranger sends audio to every port of ours: nobody hears it.
    pub(super) fn spray(&mut self) -> Result<(), String> {
        self.world.collect();
        self.watch.look(&mut self.world)?;
        let stranger = self.stranger();
        let mut packet = vec![0x80, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9];
        packet.extend([10, 0, 9, 9, 1, 2, 3, 4]);
        let now = self.world.now();
        let ip = self.world.server_address().ip();
        for port in self.ports.first..=self.ports.last.min(self.ports.first + 40) {
            self.hostile += 1;
            self.world
                .server
                .receive_media(SocketAddr::new(ip, port), stranger, &packet, now);
        }
        let outputs = self.world.server.take_outputs();
        if outputs.is_empty() {
            return Ok(());
        }
        Err(format!(
            "a stranger's audio was answered with {} packets",
            outputs.len()
        ))
    }

    /// A message that somebody sent before comes again, damaged: from a stranger, or as if from him who sent it.
    pub(super) fn damage(&mut self) {
        let Some((flow, mut bytes)) = self.rng.pick(&self.watch.heard).cloned() else {
            return;
        };
        self.hostile += 1;
        self.watch.damaged = true;
        for _ in 0..1 + self.rng.below(3) {
            self.mutate(&mut bytes);
        }
        let from = if self.rng.per_mille(500) {
            flow.remote
        } else {
            self.stranger()
        };
        let (transport, connection) = match from == flow.remote {
            true => (flow.transport, flow.connection),
            false => (Transport::Udp, 0),
        };
        self.world.send_raw(from, transport, connection, bytes);
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let len = bytes.len().max(1) as u64;
        let mut place = || usize::try_from(self.rng.below(len)).unwrap_or(0);
        let (a, b) = (place(), place());
        let (from, to) = (a.min(b), a.max(b).min(a.min(b) + 60).min(bytes.len()));
        let octet = u8::try_from(self.rng.below(256)).unwrap_or(0);
        match self.rng.below(7) {
            0 => bytes.truncate(a),
            1 => drop(bytes.drain(from..to)),
            2 => {
                let copy = bytes.get(from..to).unwrap_or(&[]).to_vec();
                bytes.splice(from..from, copy);
            }
            3 => bytes.insert(a.min(bytes.len()), octet),
            4 => {
                let digit = bytes.iter_mut().skip(a).find(|b| b.is_ascii_digit());
                digit.into_iter().for_each(|d| *d = b'0' + octet % 10);
            }
            5 => self.mutate_line(bytes),
            _ => bytes.iter_mut().skip(a).take(1).for_each(|b| *b = octet),
        }
    }

    /// Drops, doubles or swaps whole lines.
    fn mutate_line(&mut self, bytes: &mut Vec<u8>) {
        let mut lines: Vec<Vec<u8>> = bytes
            .split_inclusive(|b| *b == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        let count = lines.len() as u64;
        let mut place = || usize::try_from(self.rng.below(count)).unwrap_or(0);
        let (a, b) = (place(), place());
        if a >= lines.len() || b >= lines.len() {
            return;
        }
        match self.rng.below(3) {
            0 => drop(lines.remove(a)),
            1 => {
                let line = lines.get(a).cloned().unwrap_or_default();
                lines.insert(b, line);
            }
            _ => lines.swap(a, b),
        }
        *bytes = lines.concat();
    }
}
