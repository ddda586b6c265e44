//! The companies, phones and weather of a seed, and the course of its life.

use super::ways::{Outside, Ways};
use super::{Kind, Tally};
use crate::check::Watch;
use crate::net::Weather;
use crate::phone::{Abilities, Answer};
use crate::rng::Rng;
use crate::world::{Company, World, configure};
use media::PortRange;
use model::{Counts, MediaCommand, MediaPolicy, Policy, TenantConfig, TenantId, Transport, UserSettings};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub(super) const DOMAINS: [&str; 3] = ["a.example", "b.example", "c.example"];
const EXTENSIONS: [&str; 4] = ["100", "101", "102", "103"];

/// A company, and what its administrator has done to it.
pub(super) struct Shape {
    pub(super) index: usize,
    pub(super) extensions: usize,
    pub(super) policy: Policy,
    pub(super) version: u64,
    pub(super) disabled: BTreeSet<u64>,
    pub(super) deleted: BTreeSet<u64>,
    /// What users have set, as of the last change by the administrator.
    pub(super) settings: BTreeMap<u64, UserSettings>,
    /// Its numbers and trunks, in worlds with carriers; the trunks may be switched off.
    pub(super) ways: Option<Ways>,
    pub(super) silent: bool,
}

impl Shape {
    pub(super) fn domain(&self) -> &'static str {
        DOMAINS.get(self.index).copied().unwrap_or("")
    }

    pub(super) fn extensions(&self) -> &'static [&'static str] {
        EXTENSIONS.get(..self.extensions).unwrap_or(&[])
    }

    fn company(&self) -> Company<'static> {
        Company {
            domain: self.domain(),
            extensions: self.extensions(),
            policy: self.policy.clone(),
        }
    }

    pub(super) fn config(&self) -> TenantConfig {
        let whole = configure(self.index, &self.company(), self.version);
        let mut users = whole.users().to_vec();
        for user in &mut users {
            user.enabled = !self.disabled.contains(&user.id.0);
            user.settings = self.settings.get(&user.id.0).cloned().unwrap_or_default();
        }
        let mut devices = whole.devices().to_vec();
        devices.retain(|device| !self.deleted.contains(&device.id.0));
        let (id, domain, policy) = (whole.id(), self.domain(), self.policy.clone());
        let config = TenantConfig::new(id, self.version, domain, &[domain], policy, users, devices)
            .unwrap_or_else(|error| unreachable!("{error}"));
        let Some(Ways {
            mut trunks,
            numbers,
            rates,
        }) = self.ways.clone()
        else {
            return config;
        };
        for trunk in &mut trunks {
            trunk.draft.enabled = !self.silent;
        }
        config.with_trunks(trunks).with_numbers(numbers).with_rates(rates)
    }
}

/// A world and what is needed to live in it.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) watch: Watch,
    pub(super) rng: Rng,
    pub(super) shapes: Vec<Shape>,
    /// The company of each phone.
    pub(super) homes: Vec<usize>,
    /// Damaged messages may be let in.
    pub(super) vandals: bool,
    pub(super) ports: PortRange,
    pub(super) hostile: u64,
    pub(super) restarts: u64,
    /// Calls of an earlier life, and those of them that were lost, of lives that are over.
    pub(super) restored: (u64, u64),
    /// Calls of lives that are over which the media plane lost.
    media_lost: u64,
    /// Phones that were dead, rogue, rebooted or cut off at some time: what they believe proves nothing.
    pub(super) unsteady: BTreeSet<usize>,
    /// Phones that changed their connection: what was under way then may have got lost.
    pub(super) roamed: BTreeSet<usize>,
    /// A device was deleted at some time: what it said then may be said by another when it comes back as it was.
    pub(super) deletions: bool,
    /// Datagrams were lost at some time, per mille at worst.
    pub(super) loss: u64,
    /// What phones can do is drawn apart, so that a seed keeps its other choices.
    pub(super) talents: Rng,
    /// Likewise, what they do with connections.
    pub(super) words: Rng,
    /// Keys that are pressed, likewise; in some worlds nobody presses any.
    pub(super) keys: Rng,
    pub(super) presses: u64,
    /// Chance of a world in which the media plane is far away, and calls do more with sound.
    pub(super) sound: Option<Rng>,
    /// What is outside, in worlds with carriers.
    pub(super) outside: Option<Outside>,
    calls_of_past_lives: (u64, u64),
}

impl Scene {
    pub(super) fn new(seed: u64, kind: Kind, loud: bool) -> Scene {
        let mut rng = Rng::new(seed ^ 0x5eed_0000_0000_0000);
        let mut talents = Rng::new(seed ^ 0xab1e_0000_0000_0000);
        let mut keys = Rng::new(seed ^ 0x4e15_0000_0000_0000);
        let mut shapes: Vec<Shape> = (0..rng.pick(&[1, 2, 2, 3]).copied().unwrap_or(1))
            .map(|index| shape(index, &mut rng))
            .collect();
        for shape in &mut shapes {
            let mut one = |items: &[u32]| talents.pick(items).copied().unwrap_or(0);
            shape.policy.session_expires_s = one(&[0, 24, 24, 40, 1800]);
            shape.policy.min_se_s = one(&[12, 20]);
        }
        let mut sound = (kind == Kind::Sound).then(|| Rng::new(seed ^ 0x50bd_0000_0000_0000));
        Scene::companies_of_sound(&mut shapes, sound.as_mut());
        let ports = ports(&mut rng);
        let weather = weather(&mut rng);
        let companies: Vec<Company<'_>> = shapes.iter().map(Shape::company).collect();
        let mut world = World::with_ports(seed, weather, &companies, ports);
        world.tracing = true;
        if !loud {
            world.ladder.hush();
        }
        world.server.media_lag = Duration::from_millis(rng.pick(&[0, 0, 1, 30]).copied().unwrap_or(0));
        let mut scene = Scene {
            world,
            watch: Watch::default(),
            vandals: rng.per_mille(300),
            rng,
            shapes,
            homes: Vec::new(),
            ports,
            hostile: 0,
            restarts: 0,
            restored: (0, 0),
            media_lost: 0,
            unsteady: BTreeSet::new(),
            roamed: BTreeSet::new(),
            deletions: false,
            loss: weather.loss,
            talents,
            words: Scene::words_of(seed),
            presses: keys.pick(&[0, 0, 150, 400]).copied().unwrap_or(0),
            keys,
            sound,
            outside: (kind == Kind::Outside).then(|| Outside::new(seed)),
            calls_of_past_lives: (0, 0),
        };
        let about = format!("weather {weather:?}, ports {ports:?}, vandals {}", scene.vandals);
        scene.world.ladder.note(Duration::ZERO, &about);
        scene.part(seed);
        scene.furnish();
        scene.open_lines();
        scene
    }

    fn furnish(&mut self) {
        for home in 0..self.shapes.len() {
            for _ in 0..2 + self.rng.below(4) {
                self.add_phone(home);
            }
        }
    }

    fn add_phone(&mut self, home: usize) {
        let Some(shape) = self.shapes.get(home) else {
            return;
        };
        let user = self.rng.pick(shape.extensions()).copied().unwrap_or("100");
        let transports = [
            Transport::Udp,
            Transport::Udp,
            Transport::Udp,
            Transport::Tcp,
            Transport::Tls,
            Transport::Wss,
        ];
        let transport = self.rng.pick(&transports).copied().unwrap_or(Transport::Udp);
        let answer = answer(&mut self.rng);
        let own = shape.domain();
        let index = self.world.add_phone(own, user, transport, answer);
        if transport == Transport::Wss && self.rng.per_mille(500) {
            self.sign_in(index, home, user);
        }
        let codecs: [&[u8]; 4] = [&[0, 8], &[0, 8, 9], &[8], &[0]];
        let chosen = self.rng.pick(&codecs).copied().unwrap_or(&[0]);
        let rogue = self.rng.per_mille(30);
        let reg_id = self
            .rng
            .pick(&[None, Some(0), Some(1), Some(1)])
            .copied()
            .flatten();
        if let Some(phone) = self.world.phones.get_mut(index) {
            phone.codecs = chosen.to_vec();
            phone.abilities = abilities(&mut self.talents);
            let domain = self.talents.pick(&DOMAINS).copied().unwrap_or("");
            let colleague = self.talents.pick(&EXTENSIONS).copied().unwrap_or("100");
            phone.forwards_to = vec![
                format!("<sip:{colleague}@{domain}>;q=0.3"),
                format!("<sip:{colleague}@{own}>;q=0.7"),
            ];
            phone.rogue = rogue;
            phone.instance = reg_id.map(|id| (format!("urn:uuid:{index}"), id));
            phone.leaves = self.rng.per_mille(700);
            if rogue || answer == Answer::Dead {
                self.unsteady.insert(index);
            }
            let tenant = TenantId(home as u64 + 1);
            self.watch.settle(phone.identity.address.ip(), tenant);
        }
        self.homes.push(home);
        self.make_wordy(index);
        self.give_engine(index);
    }

    /// The phone is a page that comes with a token, which outlives every jump of the calendar.
    fn sign_in(&mut self, index: usize, home: usize, user: &str) {
        let (now, day) = (self.world.now(), Duration::from_secs(86_400));
        let token = self.world.server.token(TenantId(home as u64 + 1), user, day, now);
        if let Some(phone) = self.world.phones.get_mut(index) {
            phone.token = token;
        }
        self.world.disconnect(index);
    }

    /// From the first registration to the last check.
    pub(super) fn live(&mut self) -> Result<(), String> {
        for phone in 0..self.homes.len() {
            if self.rng.per_mille(900) {
                self.world.act(phone, |p, now| p.register(600, now));
            }
        }
        let wait = self.rng.below(1_500);
        self.run_ms(wait)?;
        for _ in 0..8 + self.rng.below(30) {
            self.break_some();
            self.act()?;
            self.press_keys();
            self.trouble_media();
            self.trouble_carriers()?;
            let waits = [0, 0, 1, 3, 10, 40, 200, 700, 1_500, 4_000];
            let wait = self.rng.pick(&waits).copied().unwrap_or(0);
            self.run_ms(wait)?;
        }
        self.carriers_recover();
        self.calm()?;
        self.come_to_rest()?;
        self.trunks_are_used_again()?;
        self.limits_hold()?;
        self.silence_lines()?;
        if self.restarts == 0 {
            crate::check::events::none_left(&self.world)?;
        }
        self.watch.at_end(&mut self.world)?;
        self.probe()?;
        self.come_to_rest()?;
        self.watch.at_end(&mut self.world)
    }

    /// Lets time pass under watch.
    pub(super) fn run_ms(&mut self, ms: u64) -> Result<(), String> {
        let end = self.world.now().mono + Duration::from_millis(ms);
        while self.world.step(end) {
            self.watch.look(&mut self.world)?;
        }
        self.world.rest_until(end);
        self.watch.look(&mut self.world)
    }

    /// Nobody does anything for as long as any exchange may take; then both sides agree on what is up. Where
    /// messages were damaged, the server died, or nearly every message got lost, they need not.
    fn calm(&mut self) -> Result<(), String> {
        let mono = self.world.now().mono;
        self.world.ladder.note(mono, "  all is calm");
        self.world.network.set_weather(Weather::FAIR);
        self.mend_wire(false);
        self.run_ms(80_000)?;
        if self.watch.damaged || self.restarts > 0 || self.loss > 60 {
            return Ok(());
        }
        self.switches_agree()?;
        let homes = self.homes.len();
        for (index, phone) in self.world.phones.iter().enumerate().take(homes) {
            if self.unsteady.contains(&index) {
                continue;
            }
            let name = &phone.identity.name;
            let server = &self.world.server;
            let known = |id: &&str| server.tenants().any(|(_, tenant)| tenant.has_leg(id));
            if self.roamed.contains(&index) && !self.is_bound(index) {
                continue;
            }
            if let Some(id) = phone.dialogs_up().find(|id| !known(id)) {
                return Err(format!("{name} is still in the call {id}, the server is not"));
            }
            if self.roamed.contains(&index) {
                continue;
            }
            if phone.expired > 0 && self.loss == 0 {
                return Err(format!("{name} waited in vain for a session refresh"));
            }
            if phone.unpracked > 0 && self.loss == 0 {
                return Err(format!("{name} waited in vain for a PRACK"));
            }
            if phone.unacknowledged > 0 {
                return Err(format!("{name} waited in vain for an ACK"));
            }
            crate::check::events::lamps_are_right(&self.world, phone)?;
            crate::check::events::keys_are_right(&self.world, phone)?;
            if phone.unanswered > 0 && self.loss == 0 {
                return Err(format!("{name} waited in vain for an answer"));
            }
        }
        self.connected_hear_each_other()
    }

    /// True for a phone that the server would know again on another connection: an instance, bound where it is.
    pub(super) fn is_bound(&self, index: usize) -> bool {
        let Some(phone) = self.world.phones.get(index) else {
            return false;
        };
        let stream = phone.identity.transport.is_reliable() && phone.instance.is_some();
        let here = |flow: &model::FlowToken| {
            flow.remote == phone.identity.address && flow.connection == phone.connection
        };
        let home = TenantId(self.homes.get(index).copied().unwrap_or(0) as u64 + 1);
        let views = self
            .world
            .server
            .tenant(home)
            .map(|t| t.registrations(self.world.now()));
        stream
            && views
                .unwrap_or_default()
                .iter()
                .any(|view| view.reachable && here(&view.flow))
    }

    /// Everybody hangs up, and all timers run out.
    pub(super) fn come_to_rest(&mut self) -> Result<(), String> {
        self.watch.forget_help();
        self.world
            .ladder
            .note(self.world.now().mono, "  everybody hangs up");
        let longest = self.shapes.iter().map(|s| s.policy.max_call_s).max().unwrap_or(0);
        for wait in [40_000, 70_000, u64::from(longest) * 1_000 + 70_000] {
            for phone in 0..self.world.phones.len() {
                self.world.act(phone, |p, now| {
                    for (call, _) in p.calls() {
                        p.end(call, now);
                    }
                });
            }
            self.run_ms(wait)?;
        }
        Ok(())
    }

    /// The server dies, perhaps in the midst of everything, and comes back.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        self.watch.look(&mut self.world)?;
        let (calls, answered) = self.calls();
        self.calls_of_past_lives = (calls, answered);
        self.restored.0 += self.counted(|counts| counts.calls_restored);
        self.restored.1 += self.counted(|counts| counts.calls_lost);
        self.media_lost += self.counted(|counts| counts.media_lost);
        let tolls = self.tolls();
        self.outside.iter_mut().for_each(|outside| outside.tolls = tolls);
        self.restarts += 1;
        self.watch.forget_help();
        self.world.restart_server();
        self.watch.restarted(&self.world, None)?;
        self.watch.look(&mut self.world)
    }

    /// One company's part of the server panics and is built anew.
    pub(super) fn rebuild(&mut self) -> Result<(), String> {
        self.watch.look(&mut self.world)?;
        let id = TenantId(self.rng.below(self.shapes.len() as u64) + 1);
        let counts = self
            .world
            .server
            .tenant(id)
            .map(|t| t.counts())
            .unwrap_or_default();
        self.restored.0 += counts.calls_restored;
        self.restored.1 += counts.calls_lost;
        self.media_lost += counts.media_lost;
        self.calls_of_past_lives.0 += counts.calls;
        self.calls_of_past_lives.1 += counts.answered;
        self.restarts += 1;
        self.watch.forget_help();
        let now = self.world.now();
        self.world.ladder.note(now.mono, &format!("  tenant {id} panics"));
        self.world.server.rebuild(id, now);
        self.world.collect();
        self.watch.restarted(&self.world, Some(id))?;
        self.watch.look(&mut self.world)
    }

    /// Sum over the tenants that are alive.
    fn counted(&self, count: impl Fn(&Counts) -> u64) -> u64 {
        self.world
            .server
            .tenants()
            .map(|(_, tenant)| count(&tenant.counts()))
            .sum()
    }

    fn calls(&self) -> (u64, u64) {
        let (mut calls, mut answered) = self.calls_of_past_lives;
        for (_, tenant) in self.world.server.tenants() {
            calls += tenant.counts().calls;
            answered += tenant.counts().answered;
        }
        (calls, answered)
    }

    pub(super) fn tally(&self) -> Tally {
        let (calls, answered) = self.calls();
        Tally {
            seeds: 1,
            calls,
            answered,
            records: self.world.server.cdrs.len() as u64,
            transferred: self
                .world
                .server
                .cdrs
                .iter()
                .filter(|cdr| transferred(cdr))
                .count() as u64,
            messages: self.watch.messages,
            packets: self.watch.packets,
            hostile: self.hostile,
            restarts: self.restarts,
            restored: self.restored.0 + self.counted(|counts| counts.calls_restored),
            lost: self.restored.1 + self.counted(|counts| counts.calls_lost),
            refreshes: self
                .world
                .server
                .tenants()
                .map(|(_, t)| t.counts().refreshes)
                .sum(),
            connected: self.world.server.counts.connected,
            connects_failed: self.world.server.counts.connects_failed,
            keys: self.world.server.keys,
            forwarded: self.world.server.cdrs.iter().filter(|cdr| forwarded(cdr)).count() as u64,
            served: self.world.server.cdrs.iter().filter(|cdr| served(cdr)).count() as u64,
            streams: {
                let told = self.world.server.told.iter();
                told.filter(|(_, command)| matches!(command, MediaCommand::OpenStream { .. }))
                    .count() as u64
            },
            frames: self
                .world
                .server
                .wire
                .as_ref()
                .map(|wire| wire.counts)
                .unwrap_or_default(),
            media_lost: self.media_lost + self.counted(|counts| counts.media_lost),
            outer: self.watch.outer_counts(),
            toll_ended: self.tolls().0,
            toll_refused: self.tolls().1,
        }
    }
}

fn forwarded(cdr: &model::Cdr) -> bool {
    cdr.path.iter().any(|step| step.starts_with("forward "))
}

fn served(cdr: &model::Cdr) -> bool {
    cdr.answer.is_some() && cdr.callee.number.starts_with(['2', '*'])
}

fn transferred(cdr: &model::Cdr) -> bool {
    cdr.transferred_by.is_some() && cdr.answer.is_some()
}

fn shape(index: usize, rng: &mut Rng) -> Shape {
    let mut one = |items: &[u32]| rng.pick(items).copied().unwrap_or(0);
    let policy = Policy {
        media: if one(&[0, 0, 0, 1]) == 1 {
            MediaPolicy::Direct
        } else {
            MediaPolicy::Relay
        },
        codecs: if one(&[0, 0, 0, 1]) == 1 {
            vec!["pcma".to_owned(), "pcmu".to_owned()]
        } else {
            Vec::new()
        },
        allow_md5: one(&[0, 1]) == 1,
        ring_timeout_s: one(&[2, 5, 20, 40]),
        max_bindings: u16::try_from(one(&[1, 2, 10])).unwrap_or(1),
        max_calls: one(&[1, 2, 100, 100, 100]),
        max_call_s: one(&[20, 60, 120]),
        media_silence_s: one(&[0, 5, 20]),
        recall_timeout_s: one(&[0, 2, 10]),
        ..Policy::default()
    };
    Shape {
        index,
        extensions: 2 + usize::from(rng.per_mille(500)) * 2,
        policy,
        version: 1,
        disabled: BTreeSet::new(),
        deleted: BTreeSet::new(),
        settings: BTreeMap::new(),
        ways: None,
        silent: false,
    }
}

/// Mostly plenty of ports, sometimes two pairs or three.
fn ports(rng: &mut Rng) -> PortRange {
    PortRange {
        first: 10_000,
        last: rng
            .pick(&[10_003, 10_005, 10_999, 10_999])
            .copied()
            .unwrap_or(10_999),
    }
}

pub(super) fn storm(delay_ms: u64, jitter_ms: u64, loss: u64, duplicate: u64) -> Weather {
    Weather {
        delay_ms,
        jitter_ms,
        loss,
        duplicate,
    }
}

pub(super) fn weather(rng: &mut Rng) -> Weather {
    let kinds = [
        Weather::FAIR,
        Weather::FAIR,
        storm(10, 0, 0, 0),
        storm(20, 30, 10, 10),
        storm(20, 150, 50, 50),
        storm(50, 100, 200, 20),
        storm(1, 600, 0, 300),
    ];
    rng.pick(&kinds).copied().unwrap_or(Weather::FAIR)
}

pub(super) fn answer(rng: &mut Rng) -> Answer {
    let after = rng.pick(&[0, 1, 50, 400, 1_500, 3_000]).copied().unwrap_or(0);
    let codes = [486, 603, 480, 500, 404, 488, 401, 407, 600, 302];
    match rng.below(20) {
        0..12 => Answer::PickUp(after),
        12..14 => Answer::EarlyMedia(after),
        14..17 => Answer::Refuse(rng.pick(&codes).copied().unwrap_or(486), after),
        17..19 => Answer::Ring,
        _ => Answer::Dead,
    }
}

/// What a phone knows beyond plain calls.
fn abilities(rng: &mut Rng) -> Abilities {
    Abilities {
        offerless: rng.per_mille(100),
        reliable: rng.per_mille(400),
        demanding: rng.per_mille(60),
        info: rng.per_mille(400),
        update: rng.per_mille(400),
        timer: rng.pick(&[0, 0, 24, 40]).copied().unwrap_or(0),
        min_se: rng.pick(&[0, 0, 16, 30]).copied().unwrap_or(0),
        refreshes: rng.per_mille(500),
        forgetful: rng.per_mille(30),
        reticent: rng.per_mille(100),
    }
}
