//! A whole registration: REGISTER, 401, REGISTER with credentials, 200, through the edge and a tenant's registrar.
//!
//! Everything between the octets that a socket gave and those that it gets, but no socket and no journal.

use super::Operation;
use crate::digest::{self as phone, Algorithm};
use model::{
    Counts, Device, DeviceId, DigestSecret, FlowToken, Limits, Now, Policy, TenantConfig, TenantId,
    Transport, User, UserId, Wall,
};
use pbx::edge::{Admit, Edge};
use pbx::{Effect, Input, Setup, Tenant};
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tenancy::Directory;

const DOMAIN: &str = "bench.local";
/// Users that take turns: more than a cache near the processor holds.
const USERS: u32 = 10_000;
/// Between two registrations.
const GAP: Duration = Duration::from_micros(50);
/// Any day will do.
const START: Wall = Wall(1_780_000_000_000);

/// A server of one tenant, and phones that register one after the other.
struct World {
    edge: Edge,
    directory: Directory,
    tenant: Tenant,
    counts: Counts,
    effects: Vec<Effect>,
    elapsed: Duration,
    turn: u32,
}

/// One registration of the next user; `None` when an answer is not the expected one.
pub(super) fn register() -> Option<Operation> {
    let mut world = World::new()?;
    for _ in 0..USERS {
        world.register()?;
    }
    Some(Box::new(move || {
        black_box(world.register());
    }))
}

impl World {
    fn new() -> Option<World> {
        let setup = Setup {
            inside: None,
            signer: None,
            authorities: Arc::default(),
            stir_rules: Default::default(),
            fingerprints: Arc::default(),
            seed: [7; 32],
            edge_key: [8; 32],
            token_key: [8; 32],
            server_name: "Carillon".into(),
            limits: Limits::default(),
        };
        let now = Now {
            mono: Duration::ZERO,
            wall: START,
        };
        Some(World {
            edge: Edge::new(setup.edge_key, Arc::clone(&setup.server_name), setup.limits),
            directory: Directory::new([(TenantId(1), vec![DOMAIN.to_owned()])]).ok()?,
            tenant: Tenant::new(Arc::new(config()?), &setup, now),
            counts: Counts::default(),
            effects: Vec::new(),
            elapsed: Duration::ZERO,
            turn: 0,
        })
    }

    fn register(&mut self) -> Option<()> {
        self.turn = self.turn.wrapping_add(1);
        let turn = self.turn;
        let user = turn % USERS;
        let name = format!("u{user}");
        let challenged = self.exchange(&request(user, turn, 1, ""))?;
        let challenges = challenged
            .lines()
            .filter_map(|line| line.strip_prefix("WWW-Authenticate: "));
        let asked = phone::Request {
            username: &name,
            password: &name,
            method: "REGISTER",
            uri: "sip:bench.local",
        };
        let value = phone::answer(challenges, Algorithm::Md5, &asked)?;
        let authorization = format!("Authorization: {value}\r\n");
        let answer = self.exchange(&request(user, turn, 2, &authorization))?;
        answer.starts_with("SIP/2.0 200").then_some(())
    }

    /// One datagram and the one that answers it.
    fn exchange(&mut self, datagram: &str) -> Option<String> {
        self.elapsed += GAP;
        let now = Now {
            mono: self.elapsed,
            wall: START.after(self.elapsed),
        };
        let flow = FlowToken {
            transport: Transport::Udp,
            worker: 0,
            connection: 0,
            local: SocketAddr::from(([192, 0, 2, 1], 5060)),
            remote: SocketAddr::from(([192, 0, 2, 11], 5062)),
        };
        let admitted = self
            .edge
            .admit(datagram.as_bytes(), &flow, &self.directory, &mut self.counts);
        let Admit::Deliver { message, .. } = admitted else {
            return None;
        };
        let input = Input::Sip {
            flow,
            message: &message,
            sign_in: None,
        };
        self.tenant.handle(input, now, &mut self.effects);
        black_box(self.tenant.poll_timeout());
        let sent = self.effects.drain(..).find_map(|effect| match effect {
            Effect::Transmit { bytes, .. } => Some(bytes),
            _ => None,
        });
        String::from_utf8(sent?.to_vec()).ok()
    }
}

/// A REGISTER of the size that phones send.
fn request(user: u32, turn: u32, cseq: u32, authorization: &str) -> String {
    format!(
        "REGISTER sip:{DOMAIN} SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.11:5062;branch=z9hG4bK{turn:08x}{cseq};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:u{user}@{DOMAIN}>;tag={turn:08x}\r\n\
         To: <sip:u{user}@{DOMAIN}>\r\n\
         Call-ID: {turn:08x}77c0de@192.0.2.11\r\n\
         CSeq: {cseq} REGISTER\r\n\
         Contact: <sip:u{user}@192.0.2.11:5062>\r\n\
         Expires: 3600\r\n\
         User-Agent: Desk Phone 4.2.1\r\n\
         {authorization}\
         Content-Length: 0\r\n\r\n"
    )
}

fn config() -> Option<TenantConfig> {
    let (mut users, mut devices) = (Vec::new(), Vec::new());
    for number in 0..USERS {
        let (name, id) = (format!("u{number}"), u64::from(number) + 1);
        let secret = sip::digest::ha1(&name, DOMAIN, &name);
        users.push(User {
            settings: model::UserSettings::default(),
            id: UserId(id),
            extension: name.as_str().into(),
            display: "".into(),
            enabled: true,
        });
        devices.push(Device {
            id: DeviceId(id),
            user: UserId(id),
            username: name.into(),
            secret: DigestSecret {
                md5: secret.md5,
                sha256: secret.sha256,
            },
        });
    }
    let domains = [DOMAIN];
    TenantConfig::new(
        TenantId(1),
        1,
        "bench",
        &domains,
        Policy::default(),
        users,
        devices,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than a transaction is kept (RFC 3261 timer J, 32 s).
    const SETTLED: Duration = Duration::from_secs(40);
    /// What the project promises, octets.
    const MOST: i64 = 1000;
    /// A second nonce of the same phone: all that another registration may leave behind.
    const MOST_AGAIN: i64 = 32;

    impl World {
        fn settle(&mut self) {
            let end = self.elapsed + SETTLED;
            while let Some(due) = self.tenant.poll_timeout().filter(|due| *due <= end) {
                self.elapsed = self.elapsed.max(due);
                let now = Now {
                    mono: self.elapsed,
                    wall: START.after(self.elapsed),
                };
                self.tenant.handle(Input::Timeout, now, &mut self.effects);
                self.effects.clear();
            }
            self.elapsed = end;
        }

        /// Octets of the heap that a registration of every user adds for good.
        fn burst(&mut self) -> i64 {
            let held = allocation_counter::measure(|| {
                for _ in 0..USERS {
                    self.register().unwrap();
                }
                self.settle();
            });
            held.bytes_current / i64::from(USERS)
        }
    }

    #[test]
    fn a_binding_takes_less_than_a_kilobyte_and_a_burst_leaves_nothing() {
        let mut world = World::new().unwrap();
        let (first, again) = (world.burst(), world.burst());
        println!("COUNT octets of heap per binding {first}");
        assert!(first <= MOST, "{first} octets a binding");
        assert!(again <= MOST_AGAIN, "{again} octets more after registering again");
    }
}
