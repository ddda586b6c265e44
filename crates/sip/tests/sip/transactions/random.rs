//! Random worlds: whatever comes in whatever order, nothing panics and everything ends in time.

use super::*;
use sip::transaction::{T1_X64, TransactionId, Way};
use std::net::SocketAddr;

/// Xorshift64*: enough for choosing.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.below(from.len() as u64) as usize])
    }
}

const METHODS: [&str; 5] = ["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"];
const CODES: [u16; 7] = [100, 180, 200, 202, 302, 487, 603];

struct Run {
    dice: Dice,
    table: Transactions<u64, u64>,
    now: Duration,
    servers: Vec<ServerId>,
    clients: Vec<ClientId>,
    heard: Vec<TransactionId>,
}

impl Run {
    fn new(seed: u64) -> Run {
        let (servers, clients, heard) = (Vec::new(), Vec::new(), Vec::new());
        let table = Transactions::keyed(20, [seed as u8; 16]);
        Run {
            dice: Dice::new(seed),
            table,
            now: Duration::ZERO,
            servers,
            clients,
            heard,
        }
    }

    fn branch(&mut self) -> String {
        match self.dice.below(9) {
            0 => "z9hG4bK".to_owned(),
            n => format!("z9hG4bK{n}"),
        }
    }

    fn drain(&mut self) {
        while let Some((_, bytes)) = self.table.poll_transmit() {
            assert!(Message::parse(&bytes).is_ok());
        }
        while let Some(event) = self.table.poll_event() {
            self.heard.push(match event {
                Event::ClientTimeout(id, _)
                | Event::ClientTransportError(id, _)
                | Event::NeverSent(id, _) => id.into(),
                Event::AckTimeout(id, _) => id.into(),
                // May be told of a 2xx whose ACK then does not come either.
                Event::ServerTransportError(..) => continue,
                Event::Unheard(peer) => {
                    assert_eq!(peer, 0, "only connections are given up");
                    continue;
                }
            });
        }
    }

    fn step(&mut self) {
        let branch = self.branch();
        let method = self.dice.pick(&METHODS).unwrap();
        let code = self.dice.pick(&CODES).unwrap();
        let reliable = self.dice.below(2) == 0;
        let peer = self.dice.below(3);
        match self.dice.below(15) {
            0..=2 => self.receive(&message(method, &branch), peer, reliable),
            3 if method != "ACK" => self.begin(&message(method, &branch), &branch, peer, reliable),
            4 | 5 => {
                let text = answer(code, method, &branch, "x");
                self.table
                    .receive_response(&Message::parse(text.as_bytes()).unwrap(), self.now);
            }
            6 | 7 => {
                let response = Bytes::from(format!("SIP/2.0 {code} x\r\n\r\n"));
                let id = self.dice.pick(&self.servers);
                id.into_iter()
                    .for_each(|id| self.table.respond(id, code, response.clone(), self.now));
            }
            8 => self
                .dice
                .pick(&self.servers)
                .into_iter()
                .for_each(|id| self.table.acked(id)),
            9 => {
                let id = self.dice.pick(&self.clients);
                id.into_iter()
                    .for_each(|id| _ = self.table.cancel(id, Some("x"), self.now));
            }
            10 if peer == 1 => drop(self.table.fall_back(|p| *p == 0, self.now)),
            12 if method != "ACK" => self.hold(&message(method, &branch), &branch, peer),
            13 => {
                let id = self.dice.pick(&self.clients);
                id.into_iter()
                    .for_each(|id| self.table.send_over(id, way(0, "TCP"), self.now));
            }
            14 => {
                let id = self.dice.pick(&self.clients);
                id.into_iter().for_each(|id| self.table.send_held(id, self.now));
            }
            10 if peer == 0 => self.table.transport_failed(|p| *p == 0, self.now),
            _ => self.pass_time(),
        }
        self.drain();
    }

    fn receive(&mut self, text: &str, peer: u64, reliable: bool) {
        let message = Message::parse(text.as_bytes()).unwrap();
        let fresh = self.table.receive_request(&message, self.now) == Incoming::New;
        if fresh && message.method() != Some(sip::Method::Ack) {
            let id = self.table.accept(&message, peer, reliable, 1, self.now).unwrap();
            self.servers.push(id);
        }
    }

    fn begin(&mut self, text: &str, branch: &str, peer: u64, reliable: bool) {
        let method = Message::parse(text.as_bytes()).unwrap().method().unwrap();
        let bytes = Bytes::from(text.to_owned());
        let id = self
            .table
            .request(method, branch, bytes, peer, reliable, 1, self.now);
        self.clients.extend(id);
    }

    fn hold(&mut self, text: &str, branch: &str, peer: u64) {
        let method = Message::parse(text.as_bytes()).unwrap().method().unwrap();
        let bytes = Bytes::from(text.to_owned());
        let way = way(peer, "UDP");
        let id = self.table.hold(method, branch, bytes, way, 1, self.now);
        self.clients.extend(id);
    }

    fn pass_time(&mut self) {
        let scale = [1, 100, 1000, 10_000][self.dice.below(4) as usize];
        self.now += Duration::from_micros(self.dice.below(1000) * scale);
        self.table.handle_timeout(self.now);
        let late = self.table.poll_timeout().is_some_and(|at| at + ms(1) <= self.now);
        assert!(!late, "a deadline was left behind");
    }

    /// What waits for the user gets its due; then everything ends by itself.
    fn finish(mut self, seed: u64) {
        for id in self.servers.clone() {
            self.table
                .respond(id, 603, Bytes::from_static(b"SIP/2.0 603 x\r\n\r\n"), self.now);
        }
        for id in self.clients.clone() {
            self.table.cancel(id, None, self.now);
        }
        self.drain();
        // The longest chain: a CANCEL waits for a provisional response that never comes, then timer B.
        self.now += T1_X64 + ms(1);
        self.table.handle_timeout(self.now);
        self.drain();
        assert_eq!(self.table.len(), 0, "seed {seed}");
        assert_eq!(
            self.table.poll_timeout(),
            None,
            "seed {seed}: a timer outlived its transaction"
        );
        let told = self.heard.len();
        self.heard.sort();
        self.heard.dedup();
        assert_eq!(self.heard.len(), told, "seed {seed}: an end was told twice");
    }
}

fn way(peer: u64, transport: &'static str) -> Way<u64> {
    let sent_by = SocketAddr::from(([192, 0, 2, 1], 5060));
    Way {
        peer,
        transport,
        sent_by,
    }
}

#[test]
fn whatever_happens_everything_ends_within_64_t1() {
    for seed in 0..400 {
        let mut run = Run::new(seed);
        for _ in 0..150 {
            run.step();
        }
        run.finish(seed);
    }
}
