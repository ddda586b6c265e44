//! The stage: two companies, registered phones, and the ladder with the call records below it.

use expect_test::Expect;
use media::PortRange;
use model::{
    CallId, Cdr, Counts, MediaSessionId, Policy, StreamKind, TenantConfig, TenantId, Transport, User,
};
use sim::check;
use sim::net::Weather;
use sim::phone::{Answer, Phone};
use sim::world::{Company, World, configure};
use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

/// The tenant that most scenarios play in.
pub(super) const ACME: TenantId = TenantId(1);
pub(super) const EXTENSIONS: &[&str] = &["101", "102", "103", "104"];

/// The company of `acme.example` under this policy.
pub(super) fn acme(policy: Policy) -> Company<'static> {
    Company {
        domain: "acme.example",
        extensions: EXTENSIONS,
        policy,
    }
}

/// The media session of a call of acme.
pub(super) fn session(call: u64) -> MediaSessionId {
    MediaSessionId::of(ACME, CallId(call), StreamKind::Audio)
}

/// Acme as another version, its users altered.
pub(super) fn with_users(version: u64, mut alter: impl FnMut(&mut User)) -> TenantConfig {
    let old = configure(0, &acme(Policy::default()), version);
    let mut users = old.users().to_vec();
    users.iter_mut().for_each(&mut alter);
    let devices = old.devices().to_vec();
    TenantConfig::new(
        ACME,
        version,
        "Acme",
        &["acme.example"],
        Policy::default(),
        users,
        devices,
    )
    .expect("a configuration")
}

/// A world with a ladder that starts when the phones are registered.
pub(super) struct Scene {
    pub(super) world: World,
    start: Duration,
    cdrs: usize,
}

impl Scene {
    /// Two companies with the same extensions, fair weather.
    pub(super) fn new() -> Scene {
        Scene::with(Policy::default())
    }

    /// The first company has this policy.
    pub(super) fn with(policy: Policy) -> Scene {
        let ports = PortRange {
            first: 10_000,
            last: 19_999,
        };
        Scene::with_ports(policy, ports)
    }

    /// The media plane has only these ports.
    pub(super) fn with_ports(policy: Policy, ports: PortRange) -> Scene {
        let beta = Company {
            domain: "beta.example",
            extensions: &["101", "102"],
            policy: Policy::default(),
        };
        let world = World::with_ports(1, Weather::FAIR, &[acme(policy), beta], ports);
        Scene {
            start: world.now().mono,
            world,
            cdrs: 0,
        }
    }

    /// A registered phone of acme on UDP.
    pub(super) fn phone(&mut self, user: &str, answer: Answer) -> usize {
        self.phone_on(user, Transport::Udp, answer)
    }

    /// A registered phone of acme on this transport.
    pub(super) fn phone_on(&mut self, user: &str, transport: Transport, answer: Answer) -> usize {
        self.phone_at("acme.example", user, transport, answer)
    }

    /// A registered phone.
    pub(super) fn phone_at(
        &mut self,
        domain: &str,
        user: &str,
        transport: Transport,
        answer: Answer,
    ) -> usize {
        let phone = self.world.add_phone(domain, user, transport, answer);
        self.act(phone, |phone, now| phone.register(3600, now));
        self.run(100);
        self.curtain();
        phone
    }

    /// The usual pair: 101 who calls and 102 who picks up after a second.
    pub(super) fn pair(&mut self) -> (usize, usize) {
        (
            self.phone("101", Answer::PickUp(1000)),
            self.phone("102", Answer::PickUp(1000)),
        )
    }

    /// The usual pair in the middle of a call that 101 made, the ladder empty again.
    pub(super) fn talking(&mut self) -> (usize, usize) {
        let (caller, callee) = self.pair();
        self.call(caller, "102");
        self.run(2000);
        self.curtain();
        (caller, callee)
    }

    /// When the curtain rose.
    pub(super) fn started(&self) -> Duration {
        self.start
    }

    /// The ladder starts again, at zero.
    pub(super) fn curtain(&mut self) {
        self.world.ladder.take();
        self.start = self.world.now().mono;
    }

    pub(super) fn act<T>(&mut self, phone: usize, act: impl FnOnce(&mut Phone, Duration) -> T) -> T {
        self.world.act(phone, act).expect("no such phone")
    }

    pub(super) fn call(&mut self, phone: usize, target: &str) -> usize {
        self.act(phone, |phone, now| phone.call(target, now))
    }

    /// Hangs up the phone's first call.
    pub(super) fn hang_up(&mut self, phone: usize) {
        self.act(phone, |phone, now| phone.hang_up(0, now));
    }

    /// Takes the phone's first call back.
    pub(super) fn cancel(&mut self, phone: usize) {
        self.act(phone, |phone, now| phone.cancel(0, now));
    }

    pub(super) fn reinvite(&mut self, phone: usize, direction: &str) {
        self.act(phone, |phone, now| phone.reinvite(0, direction, now));
    }

    pub(super) fn answers(&mut self, phone: usize, answer: Answer) {
        self.act(phone, |phone, _| phone.answer = answer);
    }

    /// From now on these phones send no audio.
    pub(super) fn mute(&mut self, phones: &[usize]) {
        for phone in phones {
            self.act(*phone, |phone, _| phone.mute = true);
        }
    }

    /// The network loses the next messages to that phone whose first line starts like this.
    pub(super) fn lose_to(&mut self, phone: usize, start: &str, times: u32) {
        let to = self.world.phones[phone].identity.address;
        self.world.lose(to, start, times);
    }

    /// The network loses the next messages to the server whose first line starts like this.
    pub(super) fn lose_to_server(&mut self, start: &str, times: u32) {
        self.world.lose(self.world.server_address(), start, times);
    }

    /// Changes what acme is; its configuration version rises to 2.
    pub(super) fn reconfigure(&mut self, company: &Company<'_>) {
        let now = self.world.now();
        self.world.server.configure(configure(0, company, 2), now);
    }

    pub(super) fn input(&mut self, input: pbx::Input<'_>) {
        let now = self.world.now();
        self.world.server.input(ACME, input, now);
        self.world.collect();
    }

    /// Lets this many milliseconds pass; what must always hold is checked.
    pub(super) fn run(&mut self, ms: u64) {
        self.world.run_ms(ms);
        if let Err(broken) = check::always(&self.world) {
            panic!("{broken}\n{}", self.text());
        }
    }

    /// Everybody forgets whom he has heard.
    pub(super) fn refresh_voices(&mut self) {
        for phone in &mut self.world.phones {
            phone.voices.clear();
        }
    }

    /// Both phones have heard each other since voices were refreshed.
    pub(super) fn talk_to_each_other(&mut self, one: usize, other: usize) {
        for (speaker, listener) in [(one, other), (other, one)] {
            let phones = &self.world.phones;
            let IpAddr::V4(ip) = phones[speaker].identity.address.ip() else {
                panic!("phones have IPv4 addresses");
            };
            if !phones[listener].voices.contains(&ip.octets()) {
                let names = [speaker, listener].map(|phone| phones[phone].identity.name.clone());
                panic!("{} is not heard by {}\n{}", names[0], names[1], self.text());
            }
        }
    }

    /// What was said since the curtain rose, and the records since then.
    pub(super) fn sees(&mut self, expected: Expect) {
        let text = self.text();
        self.curtain();
        expected.assert_eq(&text);
    }

    /// The same after everything has come to rest: nothing may be left in the server.
    pub(super) fn ends(&mut self, expected: Expect) {
        self.rests();
        expected.assert_eq(&self.text());
        println!("COUNT scenarios 1");
    }

    /// Everything comes to rest, and nothing is left in the server.
    pub(super) fn rests(&mut self) {
        self.run(70_000);
        if let Err(left) = check::at_rest(&self.world) {
            panic!("{left}\n{}", self.text());
        }
    }

    /// What acme has counted.
    pub(super) fn tenant_counts(&self) -> Counts {
        self.world.server.tenant(ACME).expect("acme").counts()
    }

    /// The path of each record, oldest first.
    pub(super) fn paths(&self) -> Vec<String> {
        let cdrs = self.world.server.cdrs.iter();
        cdrs.map(|cdr| cdr.path.join(", ")).collect()
    }

    pub(super) fn text(&mut self) -> String {
        let mut text = String::new();
        let start = self.start.as_millis();
        for line in self.world.ladder.text().lines() {
            let (at, what) = line.trim_start().split_once(' ').expect("a time and a message");
            let at = at.parse::<u128>().expect("a time") - start;
            let _ = writeln!(text, "{at:<6} {}", what.trim_end());
        }
        let cdrs = &self.world.server.cdrs;
        for cdr in &cdrs[self.cdrs..] {
            let _ = writeln!(text, "{}", record(cdr));
        }
        self.cdrs = cdrs.len();
        text
    }
}

/// A call record in a line.
fn record(cdr: &Cdr) -> String {
    let mut line = format!(
        "record {} -> {}: {}/{} by {:?}",
        cdr.caller.number, cdr.callee.number, cdr.cause.sip, cdr.cause.q850, cdr.ended_by
    );
    if cdr.ring.is_some() {
        line.push_str(", rang");
    }
    if cdr.answer.is_some() {
        let _ = write!(line, ", talked {} ms", cdr.talk_ms);
    }
    let _ = write!(line, " ({})", cdr.path.join(", "));
    if let Some(by) = &cdr.transferred_by {
        let _ = write!(line, ", transferred by {by}");
    }
    if let Some(to) = &cdr.transferred_to {
        let _ = write!(line, ", transferred to {to}");
    }
    if let (Some(caller), Some(callee)) = (&cdr.caller_media, &cdr.callee_media) {
        let _ = write!(line, ", packets {} and {}", caller.packets, callee.packets);
    } else if let Some(caller) = &cdr.caller_media {
        let _ = write!(line, ", packets {}", caller.packets);
    }
    for trouble in &cdr.audio {
        let healed = if trouble.healed { ", healed" } else { "" };
        let _ = write!(line, ", {:?}: {}{healed}", trouble.leg, trouble.fault.as_str());
    }
    for (leg, suite) in [("caller", cdr.caller_srtp), ("callee", cdr.callee_srtp)] {
        if let Some(suite) = suite {
            let _ = write!(line, ", {leg} {suite:?}");
        }
    }
    line
}
