//! Thousands of users of one tenant at once, without phones and network: what they send goes straight into the cores, each
//! signed in by a token.

mod fanout;
mod floods;

use bytes::Bytes;
use model::{
    Counts, FlowToken, Limits, MediaCommand, MediaReport, Now, Policy, SignIn, TenantConfig, TenantId,
    Transport, Wall,
};
use pbx::edge::{Admit, Edge};
use pbx::{Effect, Input, Setup, Tenant, TokenKey};
use sim::world::{Company, configure};
use sip::{Message, Writer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tenancy::Directory;

const DOMAIN: &str = "acme.example";
const DESCRIPTION: &str =
    "v=0\r\no=- 7 7 IN IP4 10.9.0.1\r\ns=-\r\nc=IN IP4 10.9.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

/// What a tenant sent: where, and the text.
type Sent = Vec<(SocketAddr, String)>;

/// A tenant of many users, and the clock.
struct Crowd {
    tenant: Tenant,
    edge: Edge,
    directory: Directory,
    sign_ins: Vec<SignIn>,
    names: Vec<String>,
    counts: Counts,
    mono: Duration,
    serial: u32,
    /// Changes that the journal of events was told.
    journal: usize,
}

/// Where a user's phone is.
fn place(user: usize) -> SocketAddr {
    let [high, low] = u16::try_from(user).unwrap().to_be_bytes();
    SocketAddr::from(([10, 9, high, low], 5060))
}

impl Crowd {
    /// So many users, with the extensions 10000, 10001, …
    fn new(users: usize, policy: Policy, limits: Limits) -> Crowd {
        let names: Vec<String> = (10_000..10_000 + users).map(|n| n.to_string()).collect();
        let extensions: Vec<&str> = names.iter().map(String::as_str).collect();
        let company = Company {
            domain: DOMAIN,
            extensions: &extensions,
            policy,
        };
        let config: TenantConfig = configure(0, &company, 1);
        let setup = Setup {
            inside: None,
            signer: None,
            authorities: Arc::default(),
            stir_rules: stir::Rules::default(),
            fingerprints: Arc::default(),
            seed: [7; 32],
            edge_key: [8; 32],
            token_key: [9; 32],
            server_name: "Carillon".into(),
            limits,
        };
        let mono = Duration::from_secs(1);
        let key = TokenKey::new(setup.token_key);
        let devices = config.devices().iter();
        let day = Duration::from_secs(86_400);
        let sign_ins = devices
            .map(|d| key.read(&key.issue(TenantId(1), d, day, wall(mono), 1), wall(mono)))
            .collect::<Result<_, _>>();
        let now = Now {
            mono,
            wall: wall(mono),
        };
        Crowd {
            tenant: Tenant::new(Arc::new(config), &setup, now),
            edge: Edge::new(setup.edge_key, Arc::clone(&setup.server_name), limits),
            directory: Directory::new([(TenantId(1), vec![DOMAIN.to_owned()])]).unwrap(),
            sign_ins: sign_ins.unwrap(),
            names,
            counts: Counts::default(),
            mono,
            serial: 0,
            journal: 0,
        }
    }

    fn now(&self) -> Now {
        Now {
            mono: self.mono,
            wall: wall(self.mono),
        }
    }

    /// A request of a user to another, outside of any dialog, with whole header lines more.
    fn request(&mut self, method: &str, from: usize, to: &str, extra: &str, body: &str) -> String {
        self.serial += 1;
        let (n, at, name) = (self.serial, place(from), &self.names[from]);
        format!(
            "{method} sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bK{n};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{name}@{DOMAIN}>;tag=f{n}\r\nTo: <sip:{to}>\r\nCall-ID: crowd-{n}\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:{name}@{at}>\r\n{extra}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn invite(&mut self, from: usize, to: usize) -> String {
        let to = format!("{}@{DOMAIN}", self.names[to]);
        self.request(
            "INVITE",
            from,
            &to,
            "Content-Type: application/sdp\r\n",
            DESCRIPTION,
        )
    }

    fn subscribe(&mut self, from: usize, to: usize, event: &str) -> String {
        let to = format!("{}@{DOMAIN}", self.names[to]);
        self.request(
            "SUBSCRIBE",
            from,
            &to,
            &format!("Event: {event}\r\nExpires: 3600\r\n"),
            "",
        )
    }

    fn register(&mut self, user: usize) {
        let text = self.request("REGISTER", user, DOMAIN, "", "");
        let aor = format!("To: <sip:{}@{DOMAIN}>", self.names[user]);
        let text = text.replace(&format!("To: <sip:{DOMAIN}>"), &aor);
        let sent = self.say(user, text.as_bytes());
        assert!(sent[0].1.starts_with("SIP/2.0 200"), "{}", sent[0].1);
    }

    /// A user's phone sends this; what the tenant sends in turn.
    fn say(&mut self, user: usize, octets: &[u8]) -> Sent {
        let flow = FlowToken {
            transport: Transport::Udp,
            worker: 0,
            connection: 0,
            local: SocketAddr::from(([10, 0, 0, 1], 5060)),
            remote: place(user),
        };
        let admitted = self.edge.admit(octets, &flow, &self.directory, &mut self.counts);
        let Admit::Deliver { message, .. } = admitted else {
            panic!("refused at the edge: {}", String::from_utf8_lossy(octets));
        };
        let input = Input::Sip {
            flow,
            message: &message,
            sign_in: Some(self.sign_ins[user]),
        };
        let now = Now {
            mono: self.mono,
            wall: wall(self.mono),
        };
        let mut effects = Vec::new();
        self.tenant.handle(input, now, &mut effects);
        self.perform(effects)
    }

    /// A user's phone answers a request with 200, or with whatever.
    fn respond(&mut self, user: usize, request: &str, code: u16, body: &str) -> Sent {
        let message = Message::parse(request.as_bytes()).unwrap();
        let writer = Writer::reply(&message, code, "", Some("callee"), place(user))
            .header(sip::Name::Contact, &format!("<sip:x@{}>", place(user)));
        let bytes: Bytes = writer.body("application/sdp", body.as_bytes());
        self.say(user, &bytes)
    }

    /// Every phone takes its NOTIFY; how many there were.
    fn take(&mut self, sent: &Sent) -> usize {
        let mut taken = 0;
        for (to, text) in sent.iter().filter(|(_, text)| text.starts_with("NOTIFY")) {
            let std::net::IpAddr::V4(ip) = to.ip() else {
                panic!("an IPv4 crowd");
            };
            let [_, _, high, low] = ip.octets();
            let more = self.respond(usize::from(u16::from_be_bytes([high, low])), text, 200, "");
            assert!(more.is_empty(), "{more:?}");
            taken += 1;
        }
        taken
    }

    /// The next deadline passes, if there is one within `most` from now.
    fn turn(&mut self, most: Duration) -> Option<Sent> {
        let at = self.tenant.poll_timeout().filter(|at| *at <= self.mono + most)?;
        self.mono = self.mono.max(at);
        let mut effects = Vec::new();
        self.tenant.handle(Input::Timeout, self.now(), &mut effects);
        Some(self.perform(effects))
    }

    /// Lets this much time pass; what was sent meanwhile stays unanswered.
    fn rest(&mut self, time: Duration) -> Sent {
        let end = self.mono + time;
        let mut sent = Vec::new();
        while let Some(more) = self.turn(end.saturating_sub(self.mono)) {
            sent.extend(more);
        }
        self.mono = end;
        sent
    }

    fn perform(&mut self, effects: Vec<Effect>) -> Sent {
        let (mut sent, mut reports) = (Vec::new(), Vec::new());
        for effect in effects {
            match effect {
                Effect::Transmit { flow, bytes } => {
                    sent.push((flow.remote, String::from_utf8_lossy(&bytes).into_owned()));
                }
                Effect::Media(MediaCommand::Open { session, .. }) => {
                    let port = |port| SocketAddr::from(([10, 0, 0, 1], port));
                    reports.push(MediaReport::Opened {
                        session,
                        caller: port(20_000),
                        callee: port(20_002),
                    });
                }
                Effect::Event(_) => self.journal += 1,
                _ => {}
            }
        }
        for report in reports {
            let mut effects = Vec::new();
            self.tenant.handle(Input::Media(report), self.now(), &mut effects);
            sent.extend(self.perform(effects));
        }
        sent
    }
}

fn wall(mono: Duration) -> Wall {
    Wall(1_767_225_600_000).after(mono)
}

/// The status codes of what was sent to a phone.
fn codes(sent: &Sent, user: usize) -> Vec<u16> {
    let answers = sent
        .iter()
        .filter(|(to, text)| *to == place(user) && text.starts_with("SIP/2.0"));
    answers
        .filter_map(|(_, text)| text.split(' ').nth(1)?.parse().ok())
        .collect()
}
