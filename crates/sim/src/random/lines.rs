//! Trunks, numbers, prices and limits of the companies in worlds that have carriers.
//!
//! Owns: what is configured, by chance. Does not own: what carriers and people do with it (`outside`).

use super::scene::{DOMAINS, Scene, answer};
use super::ways::{Line, Outside, Ways};
use crate::phone::Answer;
use crate::rng::Rng;
use model::{
    DestinationClass, Money, NumberRange, Policy, RateDraft, RateRow, Route, RouteTrunk, TenantId,
    TollException, Transport, Trunk, TrunkDraft, TrunkId, TrunkPassword, Wall,
};
use std::sync::Arc;
use std::time::Duration;

/// The version of every configuration when all is set up.
const FIRST: u64 = 10;
/// What trunks show as their password.
const SECRET: &str = "secret";

/// The first of a company's numbers: 00 leads to 100.
pub(super) fn first_number(home: usize) -> u64 {
    49_305_550_000 + home as u64 * 10_000
}

/// What a company pays.
fn rates(rng: &mut Rng) -> Option<Arc<RateDraft>> {
    let increments = [(1, 1), (60, 60), (60, 1), (30, 6)];
    let (first_s, next_s) = *rng.pick(&increments)?;
    let mut row = |prefix: &str, cents: &[i64]| {
        let price = Money::from_micros(rng.pick(cents).copied().unwrap_or(1) * 10_000);
        Some(RateRow {
            prefix: prefix.parse().ok()?,
            name: "".into(),
            price,
            fee: Money::from_micros(rng.pick(&[0, 0, 50_000]).copied().unwrap_or(0)),
            first_s,
            next_s,
            from: Wall(0),
            until: None,
            band: None,
        })
    };
    let rows = [
        row("49", &[1, 10, 60]),
        row("49151", &[20, 120]),
        row("33", &[30]),
    ];
    Some(Arc::new(RateDraft {
        currency: "EUR".parse().ok()?,
        places: 4,
        utc_offset_min: 0,
        rows: rows.into_iter().flatten().collect(),
    }))
    .filter(|_| rng.per_mille(700))
}

/// How a trunk is configured, whatever its place.
fn draft(rng: &mut Rng, host: &str, id: u64) -> TrunkDraft {
    let register = rng.per_mille(500);
    let mut one = |items: &[u32]| rng.pick(items).copied().unwrap_or(0);
    TrunkDraft {
        host: host.to_owned(),
        transport: Some(Transport::Udp),
        username: if register || one(&[0, 1]) == 1 {
            format!("line{id}")
        } else {
            String::new()
        },
        register,
        register_s: one(&[30, 60, 600]),
        options_s: one(&[0, 5, 30]),
        down_after: u8::try_from(one(&[1, 3])).unwrap_or(1),
        up_after: u8::try_from(one(&[1, 2])).unwrap_or(1),
        channels: one(&[0, 0, 1, 2]),
        calls_per_s: one(&[0, 0, 1]),
        try_s: u8::try_from(one(&[1, 2, 4])).unwrap_or(1),
        ..TrunkDraft::default()
    }
}

impl Scene {
    /// Gives companies numbers, and trunks to carriers. Before anybody is there.
    pub(super) fn open_lines(&mut self) {
        let Some(mut outside) = self.outside.take() else {
            return;
        };
        for home in 0..self.shapes.len() {
            let count = match home {
                0 => 1 + outside.rng.below(3),
                _ => outside.rng.below(3),
            };
            let trunks = (0..count).map(|_| self.line(&mut outside, home)).collect();
            let numbers = NumberRange {
                first: first_number(home),
                last: first_number(home) + 99,
                to: "1".into(),
                keep: 2,
            };
            let mut ways = Ways {
                trunks,
                numbers: vec![numbers],
                rates: rates(&mut outside.rng),
            };
            self.carried(&mut outside.rng, home, &mut ways);
            let Some(shape) = self.shapes.get_mut(home) else {
                continue;
            };
            routes(&mut outside.rng, &mut shape.policy, &ways.trunks);
            limits(&mut outside.rng, &mut shape.policy, &ways.trunks);
            self.watch.price(home, Outside::most(&shape.policy, &ways));
            shape.ways = Some(ways);
        }
        self.outside = Some(outside);
        self.settle_lines();
    }

    /// A trunk to a carrier of its own, by name or address.
    fn line(&mut self, outside: &mut Outside, home: usize) -> Trunk {
        let nth = outside.lines.len() as u64 + 1;
        let rng = &mut outside.rng;
        let (host, named) = (u8::try_from(nth).unwrap_or(1), rng.per_mille(600));
        let name = format!("carrier{nth}.example");
        let place = match named {
            true => name.clone(),
            false => format!("10.0.8.{host}"),
        };
        let draft = draft(rng, &place, nth);
        let account = (format!("line{nth}"), SECRET);
        let user = format!("+4930200010{nth:02}");
        let answer = switch_answer(rng);
        let known = (!draft.username.is_empty()).then_some((account.0.as_str(), account.1));
        let (carrier, switch) = self.world.add_exchange(&name, (&user, host), known, answer);
        if let Some(carrier) = self.world.carriers.get_mut(carrier) {
            carrier.asks_callers = known.is_some() && rng.per_mille(500);
            carrier.most_s = rng.pick(&[30, 120, 3_600]).copied().unwrap_or(3_600);
            carrier.is_terse = rng.per_mille(300);
            self.watch
                .carrier(carrier.address, TenantId(home as u64 + 1), known.is_some());
        }
        outside.lines.push(Line {
            home,
            carrier,
            switch,
            named,
            was_ill: matches!(answer, Answer::Dead | Answer::Mute),
        });
        Trunk {
            id: TrunkId(nth),
            name: format!("line{nth}").into(),
            draft,
            password: TrunkPassword(SECRET.into()),
        }
    }

    /// The first company carries the calls of others, some of whom have no carrier of their own.
    fn carried(&mut self, rng: &mut Rng, home: usize, ways: &mut Ways) {
        if home == 0 || !rng.per_mille(400) {
            return;
        }
        let domain = |index: usize| DOMAINS.get(index).copied().unwrap_or("");
        let id = 50 + home as u64;
        ways.trunks.push(Trunk {
            id: TrunkId(id),
            name: format!("carried{home}").into(),
            draft: TrunkDraft {
                tenant: domain(0).to_owned(),
                options_s: 0,
                ..TrunkDraft::default()
            },
            password: TrunkPassword::default(),
        });
        if let Some(first) = self.shapes.first_mut() {
            first.policy.transit.push(domain(home).to_owned());
        }
    }

    /// The server learns all of it before the first phone is there, as its first configuration.
    fn settle_lines(&mut self) {
        let now = self.world.now();
        for shape in &self.shapes {
            let (id, config) = (TenantId(shape.index as u64 + 1), shape.config());
            let numbers = config.numbers().to_vec();
            self.world.server.configure(config, now);
            self.world.server.number(id, numbers, |_| {}, now);
        }
        self.world.server.tenants.clear();
        for shape in &mut self.shapes {
            // The directory came with other versions.
            shape.version = FIRST;
            self.world.server.configure_next(shape.config());
        }
        self.watch.first_version = FIRST;
        self.watch.helps = true;
        self.world.server.start_tenants(now);
        self.world.server.handle_timeout(now);
        self.world.collect();
    }
}

/// How a switch takes calls.
pub(super) fn switch_answer(rng: &mut Rng) -> Answer {
    let after = rng.pick(&[0, 50, 400, 1_500]).copied().unwrap_or(0);
    let codes = [404, 486, 503, 603, 480, 500, 403];
    match rng.below(12) {
        0..6 => Answer::PickUp(after),
        6 => Answer::EarlyMedia(after),
        7..9 => Answer::Refuse(rng.pick(&codes).copied().unwrap_or(503), after),
        9 => Answer::Mute,
        10 => Answer::Ring,
        _ => answer(rng),
    }
}

/// None at all, or one for everything, or one more for some numbers; sometimes one for calls for help.
fn routes(rng: &mut Rng, policy: &mut Policy, trunks: &[Trunk]) {
    if rng.per_mille(300) {
        return;
    }
    let mut route = |prefixes: &[&str], emergency: bool| {
        let members = trunks.iter().map(|trunk| RouteTrunk {
            name: trunk.name.to_string(),
            priority: rng.pick(&[1, 2, 3]).copied().unwrap_or(1),
            weight: rng.pick(&[0, 10, 10, 70]).copied().unwrap_or(10),
        });
        Route {
            prefixes: prefixes.iter().filter_map(|prefix| prefix.parse().ok()).collect(),
            emergency,
            trunks: members.collect(),
            ..Route::default()
        }
    };
    policy.routes.insert("all".to_owned(), route(&[], false));
    policy
        .routes
        .insert("mobile".to_owned(), route(&["49151"], false));
    policy.routes.insert("help".to_owned(), route(&[], true));
    if rng.per_mille(500) {
        policy.routes.remove("help");
    }
}

/// Some that calls run into within a minute.
fn limits(rng: &mut Rng, policy: &mut Policy, trunks: &[Trunk]) {
    policy.region = "de".to_owned();
    let mut one = |items: &[u32]| rng.pick(items).copied().unwrap_or(0);
    let cents = i64::from(one(&[5, 50, 200, 10_000]));
    let (minutes, at_once) = (one(&[1, 3, 500]), one(&[1, 3, 100]));
    for profile in [&mut policy.toll.by_day, &mut policy.toll.by_night] {
        profile.tenant.spend_per_day = Some(Money::from_micros(cents * 10_000));
        profile.tenant.minutes_per_day = Some(minutes);
        profile.user.concurrent = Some(at_once);
        profile.user.calls_per_s = None;
        profile.user.calls_per_min = Some(one(&[5, 100]));
    }
    if one(&[0, 1]) == 1 {
        policy.toll.classes.insert(DestinationClass::International);
    }
    if let Some(trunk) = trunks.first().filter(|_| one(&[0, 0, 1]) == 1) {
        let mut own = TollException::default();
        own.limits.concurrent = Some(Some(1));
        policy.toll.trunks.insert(trunk.id, own);
    }
}

/// How long a trunk may take until it is used again after its carrier has come back.
pub(super) const COMES_BACK: Duration = Duration::from_secs(900);
