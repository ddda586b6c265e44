//! Scenarios on simulated time: who comes, what becomes of his messages, and what is held against him.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod attacks;
mod lists;
mod offices;
mod reading;
mod tables;

use border::{BanView, Guard, Lists, Report, Rules, Verdict, Why};
use model::{FlowToken, Transport};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// A guard, and the time.
struct Scene {
    guard: Guard,
    now: Duration,
}

/// A message that says nothing of who sends it.
const REGISTER: &[u8] = b"REGISTER sip:acme.test SIP/2.0\r\nUser-Agent: Phone 1.0\r\n\r\n";
/// A call for help.
const HELP: &[u8] = b"INVITE sip:112@acme.test SIP/2.0\r\n\r\n";

fn flow(transport: Transport, from: &str) -> FlowToken {
    let remote: SocketAddr = from.parse().unwrap();
    FlowToken {
        transport,
        worker: 0,
        connection: 0,
        local: "198.51.100.1:5060".parse().unwrap(),
        remote,
    }
}

fn udp(from: &str) -> FlowToken {
    flow(Transport::Udp, from)
}

fn tls(from: &str) -> FlowToken {
    flow(Transport::Tls, from)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

impl Scene {
    fn new() -> Scene {
        Scene::with(Rules::default(), Lists::default())
    }

    fn with(rules: Rules, lists: Lists) -> Scene {
        Scene {
            guard: Guard::new(Arc::new(rules), Arc::new(lists), [1, 2], 512),
            now: Duration::from_secs(1_000),
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Whether a message is let in.
    fn passes(&mut self, flow: &FlowToken, packet: &[u8]) -> bool {
        matches!(self.guard.message(flow, packet, self.now), Verdict::Pass { .. })
    }

    /// Why a message is refused.
    fn refused(&mut self, flow: &FlowToken, packet: &[u8]) -> Option<Why> {
        match self.guard.message(flow, packet, self.now) {
            Verdict::Refuse(why) => Some(why),
            Verdict::Pass { .. } => None,
        }
    }

    /// A message, and what the tenant says of it when it gets there. False when it does not.
    fn tries(&mut self, flow: &FlowToken, what: Report) -> bool {
        let passes = self.passes(flow, REGISTER);
        let locked = match what {
            Report::Denied(credential) => self.guard.is_locked(flow, credential, self.now),
            _ => false,
        };
        if passes && !locked {
            self.guard.report(flow, what, self.now);
        }
        passes && !locked
    }

    /// How many of these get through, `gap_ms` apart.
    fn count(&mut self, flow: &FlowToken, gap_ms: u64, reports: impl IntoIterator<Item = Report>) -> usize {
        let mut through = 0;
        for report in reports {
            through += usize::from(self.tries(flow, report));
            self.now += Duration::from_millis(gap_ms);
        }
        through
    }

    fn bans(&self) -> Vec<BanView> {
        self.guard.bans(self.now)
    }
}
