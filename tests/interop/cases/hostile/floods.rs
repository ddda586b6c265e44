//! Floods of strangers, as fast as this machine sends, while people behind other addresses call each other and one calls for help
//! (SECURITY, row 4).
//!
//! Flooders, phones and server share the processors, so each slows the others down; what is measured is how the server deals with more than it
//! can take, not how much that is. `CARILLON_FLOOD_SECONDS` says how long each flood lasts.

mod crowd;

use super::{DOMAIN, count};
use anyhow::{Context, Result, ensure};
use crowd::Crowd;
use interop::actor::Actor;
use interop::flooder::Sum;
use interop::server::{Setting, extensions};
use interop::wire::{Transport, Wire, ping};
use interop::{Flooder, Plan, Server, Sources, Stage, Switch, Tenant, until};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

/// How long a flood lasts where nothing else is said.
const SECONDS: u64 = 3;
/// What is asked for, and how.
const METHODS: [&str; 4] = ["REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE"];
const TRANSPORTS: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];
/// A flood is so many times what the server can take; where this machine can't send as much, what it can.
const TIMES: u64 = 10;
/// Threads that send.
const THREADS: usize = 2;
/// Memory that the server may hold more than before the first flood while one goes on: 32 MB of messages that wait, 45 MB of what is
/// known of strangers, 5,000 connections of one address in TLS at some 20 kB, and what the allocator rounds up.
const WITHIN: u64 = 256 << 20;
/// And after the last one: the tables of the border stay.
const AFTER: u64 = 128 << 20;
/// A stranger's good OPTIONS is answered so soon when a flood is over.
const PROMPT: Duration = Duration::from_millis(1_500);
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
}

impl Round {
    fn line(&self, capacity: u64) -> String {
        let (sum, calls) = (&self.sum, &self.calls);
        let rate = sum.rate(sum.sent);
        let mut line = format!(
            "flood {:<20} {:>7}/s sent, {:>6}/s answered, {:>5}/s connections, {:>4.1} x capacity, calls {}/{} (p50 {:.0?}, p99 {:.0?}, max {:.0?}), RSS {} MiB, help in {:.0?}",
            self.name,
            rate,
            sum.rate(sum.answered),
            sum.rate(sum.opened),
            rate as f64 / capacity.max(1) as f64,
            calls.good,
            calls.placed,
            calls.p50,
            calls.p99,
            calls.max,
            self.rss >> 20,
            self.help.unwrap_or_default(),
        );
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
        (!enough || !helped).then(|| {
            format!(
                "{name}: {} of {} calls, {:?}; help {:?} and {:?}",
                calls.good, calls.placed, calls.faults, self.help, self.barred
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
        let seconds = std::env::var("CARILLON_FLOOD_SECONDS").ok();
        let seconds = seconds
            .map_or(Ok(SECONDS), |text| text.parse())
            .context("CARILLON_FLOOD_SECONDS is no number")?;
        Ok(House {
            server,
            crowd,
            helped,
            _carrier: carrier,
            length: Duration::from_secs(seconds),
        })
    }

    /// How many requests a second the server answers when nothing is asked of their source.
    fn capacity(&mut self, method: &'static str, transport: Transport) -> Result<u64> {
        let plan = Plan {
            method,
            transport,
            sources: Sources::Of((1..=32).map(|host| Ipv4Addr::new(127, 9, 0, host)).collect()),
            threads: 1,
            rate: None,
        };
        // On a busy machine the threads may not have begun by then.
        for _ in 0..5 {
            let flooder = Flooder::start(&self.server, DOMAIN, &plan)?;
            std::thread::sleep(Duration::from_millis(500));
            let sum = flooder.stop();
            if sum.answered > 0 {
                return Ok(sum.rate(sum.answered));
            }
        }
        Ok(0)
    }

    /// One flood.
    fn round(&mut self, name: &str, plan: &Plan, barred: Option<Ipv4Addr>) -> Result<Round> {
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
        })
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
        for (name, mut plan, barred) in plans() {
            let capacity = house.capacity(plan.method, plan.transport)?;
            plan.rate = (capacity > 0).then_some(capacity * TIMES);
            let round = house.round(&name, &plan, barred)?;
            println!("{}", round.line(capacity));
            let calls = &round.calls;
            (placed, good, worst) = (placed + calls.placed, good + calls.good, worst.max(round.rss));
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
