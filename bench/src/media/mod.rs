//! The media server beside rtpengine: the same packets from the same generator, in turns, within one run.
//!
//! Owns: what is measured, in which order, and the limits. Calls are set up as they are in life: by SIP through Carillon,
//! by its control protocol through rtpengine. Figures are processor time of the server, from `/proc`, divided by packets
//! or by call-seconds; those of another day or machine say nothing here. Does not own: the layout, see [`table`].

mod bencode;
mod carillon;
mod phones;
mod plan;
mod rtpengine;
mod scenario;
mod speech;
mod streams;
mod table;

use crate::cpu::{Cpu, Tree};
use crate::house;
use crate::load::Latency;
use anyhow::{Context as _, Result, bail};
use carillon::Carillon;
use plan::{Far, Plan};
use rtpengine::Rtpengine;
use scenario::{Contestant, Scenario};
use speech::Speech;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use streams::{Count, Reading, Streams};

/// Sources are learned, buffers filled and rates adapted before anything counts.
const WARM_UP: Duration = Duration::from_secs(3);
/// RFC 3261 Timer J and a little: what the transactions of a setup hold is free afterwards.
const SETTLE: Duration = Duration::from_secs(35);

/// Settings of `bench media`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Settings {
    /// How often each load runs on each server.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Measured part of each round, seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// One round of three seconds with a quarter of the calls, to see that all works. Figures don't count then.
    #[arg(long)]
    hasty: bool,
    /// Only these: plain, sdes, opus, g722, delay, echo, conference, recording, recording-both.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The program to measure [default: `carillon` beside this program].
    #[arg(long)]
    carillon: Option<PathBuf>,
}

/// A server that relays.
trait Peer {
    /// Its name in the table.
    fn name(&self) -> &'static str;
    /// Root of its process tree.
    fn pid(&self) -> u32;
    /// Sets one call up between sides that listen at `local`; gives where each side sends to.
    fn call(&mut self, plan: Plan, local: &[SocketAddr]) -> Result<Vec<Far>>;
    /// Ends all calls.
    fn hang_up(&mut self) -> Result<()>;
    /// Answers what it asked during a measurement.
    fn attend(&mut self) -> Result<()>;
}

/// One measurement of one server.
#[derive(Clone, Debug)]
struct Round {
    /// Of the server, in the measured part.
    cpu: Cpu,
    /// Sent to it in the measured part, by all legs.
    packets: u64,
    /// Calls times length of the measured part.
    call_seconds: f64,
    /// Memory for each call, octets, by the end; of a fresh server alone.
    memory: Option<f64>,
    /// From the beginning of the calls to their end.
    count: Count,
    /// Legs that did not hear what they should.
    deaf: usize,
    /// Delay, and packets sent in the measured part that did not come.
    delay: Option<(Latency, u64)>,
}

/// All of a scenario: by contestant, in the scenario's order.
struct Results {
    scenario: Scenario,
    rounds: Vec<(&'static str, Vec<Round>)>,
}

/// Measures in turns and prints the table.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let folder = tempfile::tempdir().context("no place for temporary files")?;
    let program = house::program(settings.carillon.as_ref())?;
    if !program.exists() {
        bail!(
            "no {}; `cargo build --release -p carillon` makes it",
            program.display()
        );
    }
    let beside = rtpengine::is_installed();
    let speech = Speech::new()?;
    let mut all = scenario::all(settings.hasty);
    if let Some(unknown) = settings
        .only
        .iter()
        .find(|name| !all.iter().any(|s| s.name == **name))
    {
        bail!("no measurement has the name {unknown}");
    }
    all.retain(|scenario| settings.only.is_empty() || settings.only.iter().any(|n| n == scenario.name));
    let mut results = Vec::new();
    for mut scenario in all {
        scenario
            .contestants
            .retain(|c| beside || *c != Contestant::Rtpengine);
        let place = folder.path().join(scenario.name);
        match measure_all(settings, &program, &place, &scenario, &speech) {
            Ok(rounds) => results.push(Results { scenario, rounds }),
            Err(error) => println!("SKIP {}: {}", scenario.name, first_line(&error)),
        }
    }
    print!("{}", table::render(&results));
    if settings.hasty {
        println!("\nHasty: these figures don't count.");
    }
    Ok(())
}

/// Every round of every contestant, in turns.
fn measure_all(
    settings: &Settings,
    program: &Path,
    place: &Path,
    scenario: &Scenario,
    speech: &Speech,
) -> Result<Vec<(&'static str, Vec<Round>)>> {
    let mut peers: Vec<Box<dyn Peer>> = Vec::new();
    for (number, contestant) in scenario.contestants.iter().enumerate() {
        peers.push(match contestant {
            Contestant::Rtpengine => Box::new(Rtpengine::start()?),
            Contestant::Carillon(name, tenant) => {
                let folder = place.join(number.to_string());
                let wish = (*name, *tenant);
                Box::new(Carillon::start(
                    program,
                    &folder,
                    wish,
                    scenario.plan,
                    scenario.calls,
                )?)
            }
        });
    }
    let mut rounds: Vec<_> = peers.iter().map(|peer| (peer.name(), Vec::new())).collect();
    let mut fallen = vec![false; peers.len()];
    let count = if settings.hasty { 1 } else { settings.rounds };
    for round in 1..=count {
        for ((peer, (name, rounds)), fallen) in peers.iter_mut().zip(&mut rounds).zip(&mut fallen) {
            if *fallen {
                continue;
            }
            eprintln!("{}: {name}, round {round} of {count}", scenario.name);
            match measure(settings, peer.as_mut(), scenario, speech, round == 1) {
                Ok(measured) => rounds.push(measured),
                Err(error) => {
                    println!("SKIP {}, {name}: {}", scenario.name, first_line(&error));
                    *fallen = true;
                }
            }
        }
    }
    Ok(rounds)
}

/// What a server or a command said first; the rest are whole descriptions.
fn first_line(error: &anyhow::Error) -> String {
    format!("{error:#}").lines().next().unwrap_or_default().to_owned()
}

fn measure(
    settings: &Settings,
    peer: &mut dyn Peer,
    scenario: &Scenario,
    speech: &Speech,
    fresh: bool,
) -> Result<Round> {
    let tree = Tree::of(peer.pid());
    let before = tree.pss();
    let mut streams = Streams::new(speech, scenario.talk)?;
    let forms = scenario.plan.forms();
    for _ in 0..scenario.calls {
        let sockets = forms
            .iter()
            .map(|_| streams::socket())
            .collect::<Result<Vec<_>>>()?;
        let local: Vec<SocketAddr> = sockets
            .iter()
            .map(|s| Ok(s.local_addr()?))
            .collect::<Result<_>>()?;
        let far = peer.call(scenario.plan, &local)?;
        for ((socket, form), far) in sockets.into_iter().zip(&forms).zip(&far) {
            streams.add(socket, *form, far, scenario.reading)?;
        }
    }
    let settles = fresh && scenario.settles && !settings.hasty;
    streams.run(if settles { SETTLE } else { WARM_UP }, scenario.reading)?;
    let length = Duration::from_secs(if settings.hasty { 3 } else { settings.seconds });
    let (earlier, sent, start) = (tree.cpu(), streams.count().sent, Instant::now());
    let delay = match scenario.reading {
        Reading::Polled => streams.run(length, Reading::Polled).map(|()| None)?,
        Reading::Timed => Some(streams.time(length)?),
    };
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), tree.cpu().since(&earlier));
    let packets = streams.count().sent - sent;
    let grown = tree.pss() as f64 - before as f64;
    streams.drain();
    peer.attend()?;
    peer.hang_up()?;
    Ok(Round {
        cpu,
        packets,
        call_seconds: f64::from(scenario.calls) * seconds,
        memory: fresh.then(|| grown / f64::from(scenario.calls)),
        count: streams.count(),
        deaf: streams.deaf(),
        delay: delay.map(|timing| {
            let lost = timing.sent.saturating_sub(timing.delay_us.len() as u64);
            (streams::latency(&timing), lost)
        }),
    })
}
