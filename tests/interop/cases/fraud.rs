//! Fraud, end to end: stolen passwords, forwards and transfers to dear numbers, many short calls, one long one, a whole company at once
//! (SECURITY, row 22). Each is stopped at its limit, somebody is told, and what it costs is printed.

use anyhow::{Context, Result, ensure};
use interop::actor::{Actor, play};
use interop::process::until;
use interop::server::extensions;
use interop::wire::Transport;
use interop::{Server, Stage, Switch, Tenant};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// A dear number that is allowed, at ten cents a second, and one that is not.
const DEAR: &str = "01701234567";
const PREMIUM: &str = "09001234567";
const PRICES: &str = "prefix,destination,price,increments\n49,Germany,6.00,1/1\n";
/// What one user, and a company, may spend in a day, in millionths.
const USER: i64 = 1_000_000;
const COMPANY: i64 = 3_000_000;
/// A call that is to end has ended by then, and whoever has to know of it does (SECURITY, row 22).
const TOLD_WITHIN: Duration = Duration::from_secs(10);
/// Longest that a fraud goes on before its limit has stopped it: an euro of ten cents a second, and time to end.
const STOPPED_WITHIN: Duration = Duration::from_secs(16);
/// Where the thief is.
const THIEF: Ipv4Addr = Ipv4Addr::new(127, 0, 11, 1);

/// Where it happens.
struct House {
    server: Server,
    _carrier: Switch,
}

/// An amount such as `0.5` in millionths.
fn micros(text: &str) -> Result<i64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{rest:0<6}");
    Ok(whole.parse::<i64>()? * 1_000_000 + digits.get(..6).context("millionths")?.parse::<i64>()?)
}

impl House {
    fn open(stage: &Stage) -> Result<House> {
        let policies = ["region=de", "media_silence_s=0"];
        let tenants = ["acme", "zeta"].map(|name| Tenant::new(name, extensions(100, 12)).policies(&policies));
        let server = Server::start(stage, &tenants)?;
        let at = SocketAddr::from((Ipv4Addr::new(127, 0, 10, 1), stage.ports.one()?));
        let carrier = Switch::start(at, None)?;
        let prices = stage.write("prices.csv", PRICES)?;
        for name in ["acme", "zeta"] {
            let proxy = format!("proxy={at}");
            let trunk = ["host=carrier.test", &proxy, "transport=udp", "options_s=0"];
            server.carillon(&[&["trunk", "set", name, "main"][..], &trunk].concat())?;
            server.carillon(&[
                "rate",
                "import",
                name,
                &prices.to_string_lossy(),
                "--currency",
                "EUR",
            ])?;
            let limits = [
                "currency=EUR",
                "night_hours=",
                "by_day.user.spend_per_day=1",
                "by_day.user.spend_per_hour=none",
                "by_day.user.calls_per_min=60",
                "by_day.user.concurrent=none",
                "by_day.tenant.spend_per_hour=none",
                "by_day.tenant.calls_per_min=none",
                "by_day.tenant.calls_per_s=none",
                if name == "zeta" {
                    "by_day.tenant.spend_per_day=3"
                } else {
                    "by_day.tenant.spend_per_day=100"
                },
            ];
            server.carillon(&[&["toll", "set", name][..], &limits].concat())?;
        }
        // The next call has all of it.
        std::thread::sleep(Duration::from_secs(2));
        Ok(House {
            server,
            _carrier: carrier,
        })
    }

    fn phone(&self, tenant: &str, user: &str, from: Ipv4Addr) -> Result<Actor> {
        let domain = format!("{tenant}.test");
        Actor::new(&self.server, (&domain, user), Transport::Udp, from.into())
    }

    /// What calls have cost, in millionths: those that this user is charged for, or all.
    fn spent(&self, tenant: &str, user: Option<&str>) -> Result<i64> {
        let mut spent = 0;
        for row in self.server.list(&["toll", "used", tenant])? {
            let whose = user.map_or("tenant".to_owned(), |user| format!("user {user}"));
            if row["whose"] == whose.as_str() && row["limit"] == "spend_per_day" {
                spent = micros(row["used"]["money"].as_str().unwrap_or("0"))?;
            }
        }
        Ok(spent)
    }

    /// The charges of a tenant's records since some were there already, in millionths.
    fn charged(&self, tenant: &str) -> Result<i64> {
        let records = self.server.cdrs(tenant)?;
        let amounts = records
            .iter()
            .filter_map(|record| record["charge"]["amount"].as_str());
        amounts.map(micros).sum()
    }

    /// Lines in which somebody is told about a tenant's calls.
    fn alerts(&self, words: &str) -> usize {
        let log = self.server.log();
        log.lines()
            .filter(|line| {
                line.contains("ERROR") && line.contains("calls to the outside") && line.contains(words)
            })
            .count()
    }

    /// Waits until somebody is told; gives how long that took.
    fn told(&self, words: &str, before: usize, since: Instant) -> Result<Duration> {
        until(&format!("somebody to hear of {words}"), TOLD_WITHIN, || {
            Ok((self.alerts(words) > before).then_some(()))
        })?;
        Ok(since.elapsed())
    }

    fn live(&self, tenant: &str) -> Result<usize> {
        Ok(self.server.list(&["calls", "--tenant", tenant])?.len())
    }
}

/// Calls as fast and as often as it can, until it is stopped; gives when it was. `talk`: it hangs up by itself after that.
fn steals(
    house: &House,
    phone: &mut Actor,
    number: &str,
    every: Duration,
    talk: Option<Duration>,
) -> Result<Instant> {
    let (begun, mut next, mut placed) = (Instant::now(), Instant::now(), Vec::<(usize, Instant)>::new());
    loop {
        ensure!(begun.elapsed() < STOPPED_WITHIN * 2, "nobody stops it");
        let may = talk.is_none() || placed.is_empty();
        if may && Instant::now() >= next {
            next = Instant::now() + every;
            placed.push((phone.call(number), Instant::now()));
        }
        phone.turn(Duration::from_millis(2))?;
        if let Some(talk) = talk {
            let now = phone.now();
            placed.retain(|(call, since)| {
                let over = since.elapsed() >= talk;
                if over {
                    phone.phone.end(*call, now);
                }
                !over
            });
        }
        // Refused for good: the last calls are over, and no more come about.
        let refused = phone
            .phone
            .heard
            .iter()
            .rev()
            .take(4)
            .all(|(_, code)| *code >= 400 && *code != 407 && *code != 401);
        if phone.phone.heard.len() > 6 && refused && phone.up() == 0 {
            let spent = house.spent("acme", Some(&phone.phone.identity.user))?;
            ensure!(
                spent > 0,
                "it was stopped before it began: {:?}",
                phone.phone.heard
            );
            return Ok(Instant::now());
        }
    }
}

/// The line about one of them.
fn line(what: &str, spent: i64, most: i64, took: Duration, told: Duration) -> Result<()> {
    let euros = |micros: i64| micros as f64 / 1e6;
    println!(
        "fraud {what:<28} lost {:.2} of {:.2} EUR, stopped after {took:.1?}, told {told:.1?} later",
        euros(spent),
        euros(most)
    );
    ensure!(spent <= most, "{what}: {spent} millionths of {most}");
    ensure!(told <= TOLD_WITHIN, "{what}: told after {told:?}");
    Ok(())
}

/// A password is stolen: many calls at once; many short ones.
fn stolen(house: &House) -> Result<()> {
    for (user, what, every, talk) in [
        ("101", "many calls at once", Duration::from_millis(200), None),
        (
            "102",
            "many short calls",
            Duration::from_millis(100),
            Some(Duration::from_millis(600)),
        ),
    ] {
        let mut thief = house.phone("acme", user, THIEF)?;
        let (begun, before) = (Instant::now(), house.alerts("spend_per_day"));
        let stopped = steals(house, &mut thief, DEAR, every, talk)?;
        let told = house.told("spend_per_day", before, stopped)?;
        line(
            what,
            house.spent("acme", Some(user))?,
            USER,
            stopped - begun,
            told,
        )?;
    }
    Ok(())
}

/// One call that nobody ends.
fn long(house: &House) -> Result<()> {
    let mut thief = house.phone("acme", "103", THIEF)?;
    let (begun, before) = (Instant::now(), house.alerts("spend_per_day"));
    thief.call(DEAR);
    thief.play("a dear call", |phone| phone.up() == 1)?;
    until("its end by the limit", STOPPED_WITHIN, || {
        thief.turn(Duration::from_millis(10))?;
        Ok((thief.up() == 0).then_some(()))
    })?;
    let stopped = Instant::now();
    let told = house.told("spend_per_day", before, stopped)?;
    line(
        "one long call",
        house.spent("acme", Some("103"))?,
        USER,
        stopped - begun,
        told,
    )
}

/// A phone is forwarded, and then it is called.
fn forwarded(house: &House) -> Result<()> {
    let mut accomplice = house.phone("acme", "110", THIEF)?;
    let before = house.alerts("premium");
    house
        .server
        .carillon(&["user", "forward", "acme", "104", "always", PREMIUM])?;
    std::thread::sleep(Duration::from_secs(2));
    let begun = Instant::now();
    accomplice.call("104");
    accomplice.play("the refusal of a premium number", |phone| {
        phone
            .phone
            .heard
            .iter()
            .any(|(method, code)| method == "INVITE" && *code >= 400 && *code != 407)
    })?;
    let stopped = Instant::now();
    let told = house.told("premium", before, stopped)?;
    line(
        "forward to a premium number",
        house.spent("acme", Some("104"))?,
        0,
        stopped - begun,
        told,
    )?;
    house
        .server
        .carillon(&["user", "forward", "acme", "104", "always", DEAR])?;
    std::thread::sleep(Duration::from_secs(2));
    let (begun, before) = (Instant::now(), house.alerts("spend_per_day"));
    for _ in 0..3 {
        accomplice.call("104");
    }
    accomplice.play("forwarded calls", |phone| phone.up() >= 1)?;
    until("their end by the limit", STOPPED_WITHIN, || {
        accomplice.turn(Duration::from_millis(10))?;
        Ok((accomplice.up() == 0).then_some(()))
    })?;
    let stopped = Instant::now();
    let told = house.told("spend_per_day", before, stopped)?;
    line(
        "forward to a dear number",
        house.spent("acme", Some("104"))?,
        USER,
        stopped - begun,
        told,
    )?;
    ensure!(
        house.spent("acme", Some("110"))? == 0,
        "who called is charged for the forward"
    );
    Ok(())
}

/// Calls of others are transferred to a dear number, and the one who did it is gone.
fn transferred(house: &House) -> Result<()> {
    let mut thief = house.phone("acme", "105", THIEF)?;
    let mut victim = house.phone("acme", "106", Ipv4Addr::LOCALHOST)?;
    victim.register()?;
    let (begun, before) = (Instant::now(), house.alerts("spend_per_day"));
    let mut gone = 0;
    for _ in 0..3 {
        let call = thief.call("106");
        play(&mut thief, &mut victim, "a call to transfer", |thief, victim| {
            thief.up() == 1 && victim.up() >= 1
        })?;
        thief.phone.transfers.clear();
        let now = thief.now();
        thief.phone.refer(call, DEAR, now);
        // The first takes what may be spent, so that the next ones find nothing left.
        play(&mut thief, &mut victim, "the transfer", |thief, _| {
            thief.up() == 0 || thief.phone.transfers.iter().any(|code| *code >= 300)
        })?;
        gone += usize::from(thief.up() == 0);
        thief.end_all();
        play(&mut thief, &mut victim, "its end", |thief, _| thief.up() == 0)?;
    }
    ensure!(gone >= 1, "nobody was transferred");
    until("their end by the limit", STOPPED_WITHIN, || {
        thief.turn(Duration::ZERO)?;
        victim.turn(Duration::from_millis(10))?;
        Ok((victim.up() == 0).then_some(()))
    })?;
    let stopped = Instant::now();
    let told = house.told("spend_per_day", before, stopped)?;
    line(
        "transfers to a dear number",
        house.spent("acme", Some("105"))?,
        USER,
        stopped - begun,
        told,
    )?;
    ensure!(
        house.spent("acme", Some("106"))? == 0,
        "who was transferred is charged"
    );
    Ok(())
}

/// All passwords of a company are stolen.
fn whole(house: &House) -> Result<()> {
    let users = (101..=108).map(|user| house.phone("zeta", &user.to_string(), THIEF));
    let mut thieves = users.collect::<Result<Vec<Actor>>>()?;
    let (begun, before) = (Instant::now(), house.alerts("tenant: spend_per_day"));
    for thief in &mut thieves {
        thief.call(DEAR);
    }
    let mut most = 0;
    until("the end of all by the company's limit", STOPPED_WITHIN, || {
        for thief in &mut thieves {
            thief.turn(Duration::from_millis(1))?;
        }
        let up = thieves.iter().map(Actor::up).sum();
        most = most.max(up);
        Ok((most > 0 && up == 0).then_some(()))
    })?;
    // Money is granted ahead: as many come about as may use it up by themselves.
    ensure!(most >= 3, "only {most} calls came about");
    let stopped = Instant::now();
    let told = house.told("tenant: spend_per_day", before, stopped)?;
    line(
        "a whole company",
        house.spent("zeta", None)?,
        COMPANY,
        stopped - begun,
        told,
    )
}

#[test]
fn fraud_is_stopped_at_its_limit_and_somebody_is_told() -> Result<()> {
    Stage::run("fraud", |stage| {
        let house = House::open(stage)?;
        stolen(&house)?;
        long(&house)?;
        forwarded(&house)?;
        transferred(&house)?;
        whole(&house)?;
        until("all calls to be over", Duration::from_secs(20), || {
            Ok((house.live("acme")? + house.live("zeta")? == 0).then_some(()))
        })?;
        // What records charge is what limits have counted.
        let (mut acme, mut zeta) = (0, 0);
        let (users, all) = (house.spent("acme", None)?, house.spent("zeta", None)?);
        until(
            "records of as much as limits have counted",
            Duration::from_secs(20),
            || {
                (acme, zeta) = (house.charged("acme")?, house.charged("zeta")?);
                Ok(((acme, zeta) == (users, all)).then_some(()))
            },
        )
        .with_context(|| format!("{acme} of {users}, {zeta} of {all} millionths"))?;
        let panics: Option<u64> = house.server.status()?["counts"]["panics"].as_u64();
        ensure!(panics == Some(0), "{panics:?} panics");
        Ok(format!(
            "lost {:.2} EUR of one company and {:.2} of another",
            acme as f64 / 1e6,
            zeta as f64 / 1e6
        ))
    })
}
