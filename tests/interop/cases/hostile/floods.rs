//! Floods of strangers at ten times what the server can take, while people behind other addresses call each other and one calls for help
//! (SECURITY, row 4).
//!
//! Flooders, phones and server share the processors. So that attackers have more of them than it, as they have in the world, the server is
//! held to a tenth of one where control groups can be made; elsewhere a flood is what this machine sends. What the server can take is measured
//! beforehand by those who wait for their answers: datagrams that it answers, or connections with one request each. Floods over connections
//! open so many, and keep others full. `CARILLON_FLOOD_SECONDS` says how long each flood lasts, `CARILLON_FLOOD_SHARE` what the server has.

mod crowd;

use super::{DOMAIN, count};
use anyhow::{Context, Result, ensure};
use crowd::Crowd;
use interop::actor::Actor;
use interop::flooder::Sum;
use interop::server::{Setting, extensions};
use interop::wire::{Transport, Wire, ping};
use interop::{Flooder, Manner, Plan, Server, Sources, Stage, Switch, Tenant, Throttle, until};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// How long a flood lasts where nothing else is said.
const SECONDS: u64 = 3;
/// What is asked for, and how.
const METHODS: [&str; 4] = ["REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE"];
const TRANSPORTS: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];
/// A flood is so many times what the server can take; where this machine can't send as much, what it can.
const TIMES: u64 = 10;
/// And at least so many where the server is held back and the flood is a long one.
const LEAST_TIMES: f64 = 9.0;
/// Hundredths of one processor that the server has.
const SHARE: u32 = 10;
/// What it can take is tried so often, so long.
const TRIES: usize = 3;
const TRY: Duration = Duration::from_millis(400);
/// Threads that send.
const THREADS: usize = 2;
/// Memory that the server may hold more than before the first flood while one goes on: 32 MB of messages that wait, 45 MB of what is
/// known of strangers, 5,000 connections of one address in TLS at some 20 kB, and what the allocator rounds up.
const WITHIN: u64 = 256 << 20;
/// And after the last one: the tables of the border stay.
const AFTER: u64 = 128 << 20;
/// A stranger's good OPTIONS is answered so soon when a flood is over.
const PROMPT: Duration = Duration::from_secs(3);
/// Of a thousand calls so many succeed. In a short flood there are fewer calls than that, and one may fail where others use the machine.
const SUCCEED: usize = 999;
const SHORT: usize = 1_000;
/// Where the carrier is, the phone of who calls for help, and a stranger without blame.
const CARRIER: Ipv4Addr = Ipv4Addr::new(127, 0, 5, 1);
const HELPED: Ipv4Addr = Ipv4Addr::new(127, 0, 4, 1);
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 6, 1);
/// Of these nothing is asked: how much the server can take is measured from there.
const FREE: &str = "127.9.0.0/16";

/// One flood, and what became of everybody meanwhile.
struct Round {
    name: String,
    sum: Sum,
    calls: crowd::Figures,
    rss: u64,
    help: Option<Duration>,
    /// The same of a call from an address of the flooders, where it was tried.
    barred: Option<Option<Duration>>,
    /// What the server can take.
    capacity: u64,
    /// The server is held back, so that it can be flooded.
    is_held: bool,
}

impl Round {
    /// How many times what the server can take it was: datagrams, or connections.
    fn times(&self) -> f64 {
        let count = match self.sum.opened {
            0 => self.sum.sent,
            opened => opened,
        };
        self.sum.rate(count) as f64 / self.capacity.max(1) as f64
    }

    fn line(&self) -> String {
        let (sum, calls, capacity) = (&self.sum, &self.calls, self.capacity);
        let mut line = format!(
            "flood {:<20} {:>7}/s sent, {:>6}/s answered, {:>5}/s connections, {:>4.1} x {capacity}/s, calls {}/{} (p50 {:.0?}, p99 {:.0?}, max {:.0?}), RSS {} MiB, help in {:.0?}",
            self.name,
            sum.rate(sum.sent),
            sum.rate(sum.answered),
            sum.rate(sum.opened),
            self.times(),
            calls.good,
            calls.placed,
            calls.p50,
            calls.p99,
            calls.max,
            self.rss >> 20,
            self.help.unwrap_or_default(),
        );
        if !calls.faults.is_empty() {
            line += &format!(", faults {:?}", calls.faults);
        }
        match self.barred {
            Some(Some(took)) => line += &format!(", from a barred address in {took:.0?}"),
            Some(None) => line += ", from a barred address never",
            None => {}
        }
        line
    }
}

impl Round {
    /// What should not be.
    fn faults(&self) -> Option<String> {
        let (name, calls) = (&self.name, &self.calls);
        let enough = match calls.placed < SHORT {
            true => calls.good + 1 >= calls.placed,
            false => calls.good * 1_000 >= calls.placed * SUCCEED,
        };
        let helped = self.help.is_some() && self.barred != Some(None);
        let is_flood = !self.is_held || calls.placed < SHORT || self.times() >= LEAST_TIMES;
        (!enough || !helped || !is_flood).then(|| {
            format!(
                "{name}: {} of {} calls, {:?}; help {:?} and {:?}; {:.1} times",
                calls.good,
                calls.placed,
                calls.faults,
                self.help,
                self.barred,
                self.times()
            )
        })
    }
}

/// The server, those who mean well, and the carrier.
struct House {
    server: Server,
    crowd: Crowd,
    helped: Actor,
    _carrier: Switch,
    throttle: Option<Throttle>,
    length: Duration,
}

impl House {
    fn open(stage: &Stage) -> Result<House> {
        let people = extensions(100, 60);
        let tenants = [Tenant::new("acme", people).policies(&["region=de", "media_silence_s=0"])];
        let server = Server::start_as(
            stage,
            &tenants,
            Setting::default()
                .border(&format!("allow = [\"{FREE}\"]"))
                // 101 is a number for help in other countries.
                .border("emergency_countries = [\"DE\"]"),
        )?;
        let at = SocketAddr::from((CARRIER, stage.ports.one()?));
        let carrier = Switch::start(at, None)?;
        let proxy = format!("proxy={at}");
        server.carillon(&[
            "trunk",
            "set",
            "acme",
            "main",
            "host=carrier.test",
            &proxy,
            "transport=udp",
            "options_s=5",
        ])?;
        until("the trunk to be up", Duration::from_secs(30), || {
            let views = server.list(&["trunk", "status"])?;
            Ok(views.iter().any(|view| view["health"] == "up").then_some(()))
        })?;
        let mut helped = Actor::new(&server, (DOMAIN, "159"), Transport::Udp, HELPED.into())?;
        helped.register()?;
        let crowd = Crowd::settle(&server)?;
        let share = std::env::var("CARILLON_FLOOD_SHARE")
            .ok()
            .map_or(Ok(SHARE), |text| text.parse())
            .context("no number")?;
        let throttle = server.process().and_then(|pid| Throttle::new(pid, share));
        let throttle = throttle
            .inspect_err(|error| println!("the server has the whole machine: {error:#}"))
            .ok();
        let seconds = std::env::var("CARILLON_FLOOD_SECONDS").ok();
        let seconds = seconds
            .map_or(Ok(SECONDS), |text| text.parse())
            .context("CARILLON_FLOOD_SECONDS is no number")?;
        Ok(House {
            server,
            crowd,
            helped,
            _carrier: carrier,
            throttle,
            length: Duration::from_secs(seconds),
        })
    }

    /// How many requests a second the server answers when nothing is asked of their source and they wait for their answers; over
    /// connections, each on one of its own.
    fn capacity(&mut self, method: &'static str, transport: Transport) -> Result<u64> {
        let plan = Plan {
            method,
            transport,
            sources: Sources::Of((1..=32).map(|host| Ipv4Addr::new(127, 9, 0, host)).collect()),
            threads: 1,
            rate: None,
            manner: match transport {
                Transport::Udp => Manner::Converse,
                _ => Manner::Visit,
            },
        };
        // The best of some tries: on a busy machine the threads may not have begun by then.
        let mut best = 0;
        for _ in 0..TRIES {
            let flooder = Flooder::start(&self.server, DOMAIN, &plan)?;
            std::thread::sleep(TRY);
            let sum = flooder.stop();
            best = best.max(sum.rate(sum.answered));
        }
        Ok(best)
    }

    /// One flood.
    fn round(&mut self, name: &str, plan: &Plan, barred: Option<Ipv4Addr>, capacity: u64) -> Result<Round> {
        self.crowd.begin();
        let flooder = Flooder::start(&self.server, DOMAIN, plan)?;
        let (begun, mut rss, mut sampled) = (Instant::now(), 0, Instant::now());
        let mut help = Help::new(&mut self.helped);
        let mut other = match barred {
            Some(from) => Some(Actor::new(
                &self.server,
                (DOMAIN, "158"),
                Transport::Udp,
                from.into(),
            )?),
            None => None,
        };
        let mut other_help = other.as_mut().map(Help::new);
        while begun.elapsed() < self.length
            || !help.is_over()
            || other_help.as_ref().is_some_and(|help| !help.is_over())
        {
            self.crowd.turn(begun.elapsed() < self.length)?;
            if begun.elapsed() * 3 > self.length {
                help.turn()?;
                if let Some(help) = &mut other_help {
                    help.turn()?;
                }
            }
            if sampled.elapsed() > Duration::from_millis(100) {
                (rss, sampled) = (rss.max(self.server.resident()?), Instant::now());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let sum = flooder.sum();
        // What was placed last has its turn while the flood goes on.
        self.crowd.finish()?;
        drop(flooder);
        Ok(Round {
            name: name.to_owned(),
            sum,
            calls: self.crowd.figures(),
            rss,
            help: help.took,
            barred: other_help.map(|help| help.took),
            capacity,
            is_held: self.throttle.is_some(),
        })
    }

    /// Prints what became of the last call that failed.
    fn tell_of_failed(&self) -> Result<()> {
        let records = self.server.cdrs("acme")?;
        let failed = records.iter().rev().find(|record| record["sip"] != 200);
        println!("failed: {failed:?}");
        if let Some(id) = failed.and_then(|record| record["id"].as_str()) {
            let ladder = self.server.carillon(&["trace", id]);
            println!("{}", ladder.unwrap_or_else(|error| error.to_string()));
        }
        Ok(())
    }

    /// Everybody is served as before.
    fn is_well(&mut self) -> Result<()> {
        let mut wire = Wire::open(Transport::Udp, &self.server, STRANGER.into())?;
        let (wait, _) = ping(&mut wire, Transport::Udp, &self.server, 1)?;
        ensure!(wait <= PROMPT, "a stranger's OPTIONS took {wait:?} after a flood");
        self.crowd.still_talk()?;
        self.helped.register()?;
        let panics = count(&self.server, "panics")?;
        ensure!(panics == 0, "{panics} panics");
        Ok(())
    }
}

/// Longest that a call for help may take.
const HELP_WITHIN: Duration = Duration::from_secs(16);

/// A call to 112.
struct Help<'a> {
    phone: &'a mut Actor,
    call: Option<(usize, Instant)>,
    took: Option<Duration>,
}

impl<'a> Help<'a> {
    fn new(phone: &'a mut Actor) -> Help<'a> {
        Help {
            phone,
            call: None,
            took: None,
        }
    }

    fn turn(&mut self) -> Result<()> {
        if self.call.is_none() {
            self.call = Some((self.phone.call("112"), Instant::now()));
        }
        self.phone.turn(Duration::ZERO)?;
        let Some((call, since)) = self.call else {
            return Ok(());
        };
        if self.took.is_none() && crowd::is_up(self.phone, call) {
            self.took = Some(since.elapsed());
            self.phone.end_all();
            self.phone.turn(Duration::ZERO)?;
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.took.is_some() || self.call.is_some_and(|(_, since)| since.elapsed() > HELP_WITHIN)
    }
}

/// Some hundred addresses in four networks that no other flood has.
fn botnet(number: u8) -> Vec<Ipv4Addr> {
    let hosts = (1..=200).flat_map(|host| (0..4).map(move |net| (net, host)));
    hosts
        .map(|(net, host)| Ipv4Addr::new(127, 16 + number, net, host))
        .collect()
}

/// Every flood of the table, then those with forged sources.
fn plans() -> Vec<(String, Plan, Option<Ipv4Addr>)> {
    let mut plans = Vec::new();
    for transport in TRANSPORTS {
        for method in METHODS {
            let sources = botnet(u8::try_from(plans.len()).unwrap_or(0));
            let first = sources.first().copied();
            let name = format!("{method} {}", transport.via());
            let sources = Sources::Of(sources);
            plans.push((
                name,
                Plan {
                    method,
                    transport,
                    sources,
                    threads: THREADS,
                    rate: None,
                    manner: Manner::Flood,
                },
                first,
            ));
        }
    }
    for method in ["REGISTER", "INVITE"] {
        let plan = Plan {
            method,
            transport: Transport::Udp,
            sources: Sources::Forged,
            threads: THREADS,
            rate: None,
            manner: Manner::Flood,
        };
        plans.push((format!("{method} forged"), plan, None));
    }
    for method in ["REGISTER", "INVITE"] {
        // The phones' own addresses: those are known.
        let sources = Sources::Of(crowd::homes().collect());
        let plan = Plan {
            method,
            transport: Transport::Udp,
            sources,
            threads: THREADS,
            rate: None,
            manner: Manner::Flood,
        };
        plans.push((format!("{method} framed"), plan, None));
    }
    plans
}

#[test]
fn floods_of_strangers_keep_nobody_from_calling() -> Result<()> {
    Stage::run("floods", |stage| {
        let mut house = House::open(stage)?;
        let before = house.server.resident()?;
        let (mut placed, mut good, mut worst, mut failed) = (0, 0, 0, Vec::new());
        let mut capacities = BTreeMap::new();
        for (method, transport) in METHODS
            .iter()
            .flat_map(|method| TRANSPORTS.map(|by| (*method, by)))
        {
            capacities.insert((method, transport.via()), house.capacity(method, transport)?);
        }
        for (name, mut plan, barred) in plans() {
            let capacity = capacities
                .get(&(plan.method, plan.transport.via()))
                .copied()
                .unwrap_or(0);
            plan.rate = (capacity > 0).then_some(capacity * TIMES);
            let round = house.round(&name, &plan, barred, capacity)?;
            println!("{}", round.line());
            let calls = &round.calls;
            (placed, good, worst) = (placed + calls.placed, good + calls.good, worst.max(round.rss));
            if !round.calls.faults.is_empty() {
                house.tell_of_failed()?;
            }
            failed.extend(round.faults());
            house.is_well().with_context(|| format!("after {name}"))?;
        }
        let after = house.server.resident()?;
        println!(
            "flood RSS {} MiB before, {} at worst, {} after",
            before >> 20,
            worst >> 20,
            after >> 20
        );
        ensure!(failed.is_empty(), "{failed:#?}");
        ensure!(
            placed > 0 && worst <= before + WITHIN && after <= before + AFTER,
            "{before}, {worst}, {after} octets"
        );
        println!("COUNT floods/calls {good}");
        Ok(format!("{good} of {placed} calls in all floods"))
    })
}
