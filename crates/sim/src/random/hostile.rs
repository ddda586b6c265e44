//! Strangers and damaged messages.

use super::scene::Scene;
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
    /// A stranger asks for something, without credentials or with made-up ones: nothing changes, and the one answer
    /// goes to him and is short.
    pub(super) fn knock(&mut self) -> Result<(), String> {
        self.hostile += 1;
        let stranger = self.stranger();
        let request = self.request_of(stranger);
        self.world.collect();
        self.watch.look(&mut self.world)?;
        let before = self.state();
        let flow = self.flow(stranger);
        let now = self.world.now();
        self.world.server.receive(flow, request.as_bytes(), now);
        let outputs = self.world.server.take_outputs();
        let octets: usize = outputs
            .iter()
            .map(|output| match output {
                Output::Sip(_, bytes) => bytes.len(),
                Output::Media(_, _, bytes) => bytes.len(),
                Output::Close(_) => 0,
            })
            .sum();
        let elsewhere = outputs.iter().any(|output| match output {
            Output::Sip(to, _) | Output::Close(to) => to.remote != stranger,
            Output::Media(..) => true,
        });
        if self.state() != before || elsewhere || octets > request.len() + CHALLENGE {
            let after = self.state();
            return Err(format!(
                "a stranger's request had an effect: {before:?} {after:?}, {octets} octets back for\n{request}"
            ));
        }
        Ok(())
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
