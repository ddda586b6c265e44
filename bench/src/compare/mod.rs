//! Carillon beside Kamailio: the same load from the same generator, in turns, within one run.
//!
//! Owns: the order of measurements and the settings. Starting the servers is in [`kamailio`] and [`carillon`],
//! the table in [`table`]. A figure from another day or machine says nothing here: both run now or neither.

mod carillon;
mod kamailio;
mod table;

use crate::digest::Algorithm;
use crate::house::{DOMAIN, PASSWORD_PREFIX, READY_LIMIT, free_ports};
use crate::load::report::Report;
use crate::load::{self, Mode};
use crate::ready::Server;
use crate::wire::Transport;
use anyhow::{Context as _, Result};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Calls of one run through a relay: a call takes four ports, and a freed one rests for two seconds.
const RELAYED_CALLS: u32 = 3_900;
/// RFC 3261 Timer J and a little: what a finished transaction holds is free afterwards.
const SETTLE_S: u64 = 35;

/// Settings of `bench compare`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Settings {
    /// How often each load runs on each server.
    #[arg(long, default_value_t = 3)]
    repeats: u32,
    /// Registrations in each run.
    #[arg(long, default_value_t = 60_000)]
    registrations: u32,
    /// Calls in each run.
    #[arg(long, default_value_t = 20_000)]
    calls: u32,
    /// Operations at once.
    #[arg(long, default_value_t = 16)]
    window: u32,
    /// Users that exist.
    #[arg(long, default_value_t = 10_000)]
    users: u32,
    /// How messages travel; the other server has no WebSocket.
    #[arg(long, value_enum, default_value = "udp")]
    transport: Transport,
    /// Links of each side.
    #[arg(long, default_value_t = 8)]
    links: usize,
    /// Calls that stand while memory per call and RTP packets are measured; 0 = neither.
    #[arg(long, default_value_t = 500)]
    hold: u32,
    /// Don't wait until transactions have ended before memory is read.
    #[arg(long)]
    hasty: bool,
    /// The program to measure [default: `carillon` beside this program].
    #[arg(long)]
    carillon: Option<PathBuf>,
    /// Folder with Kamailio's `bench.cfg` [default: ../shared/bench/kamailio beside the project].
    #[arg(long)]
    kamailio: Option<PathBuf>,
}

/// A server that takes part.
struct Contestant {
    /// Name in the table.
    name: &'static str,
    /// Relays RTP.
    relays: bool,
    server: Server,
    sip: SocketAddr,
    ready: Duration,
}

/// Everything measured of one server.
struct Results {
    name: &'static str,
    ready: Duration,
    bindings: Report,
    registers: Vec<Report>,
    calls: Vec<Report>,
    hold: Option<Report>,
}

/// Starts the servers, measures in turns, prints the table.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let folder = tempfile::tempdir().context("no place for temporary files")?;
    let mut contestants = kamailio::start(settings, folder.path())?;
    contestants.extend(carillon::start(settings, folder.path())?);
    let mut results = Vec::new();
    for contestant in &contestants {
        eprintln!("{}: registering {} users", contestant.name, settings.users);
        results.push(Results {
            name: contestant.name,
            ready: contestant.ready,
            bindings: bindings(settings, contestant)?,
            registers: Vec::new(),
            calls: Vec::new(),
            hold: None,
        });
    }
    // Before the load: memory that it leaves in pools would hide what a call needs.
    if settings.hold > 0 {
        for (contestant, result) in contestants.iter().zip(&mut results) {
            eprintln!("{}: {} standing calls", contestant.name, settings.hold);
            result.hold = Some(hold(settings, contestant)?);
        }
    }
    for round in 1..=settings.repeats {
        for (contestant, result) in contestants.iter().zip(&mut results) {
            eprintln!(
                "{}: registrations, round {round} of {}",
                contestant.name, settings.repeats
            );
            let load = load_settings(settings, contestant, settings.registrations);
            result.registers.push(load::run(Mode::Register, &load)?);
        }
        for (contestant, result) in contestants.iter().zip(&mut results) {
            eprintln!(
                "{}: calls, round {round} of {}",
                contestant.name, settings.repeats
            );
            let most = if contestant.relays {
                RELAYED_CALLS
            } else {
                u32::MAX
            };
            let load = load_settings(settings, contestant, settings.calls.min(most));
            result.calls.push(load::run(Mode::Call, &load)?);
        }
    }
    print!("{}", table::render(&results));
    Ok(())
}

/// Memory of a binding: a tenth of the users registers first, so that what grows once has grown.
fn bindings(settings: &Settings, contestant: &Contestant) -> Result<Report> {
    let first = (settings.users / 10).max(1);
    let mut load = load_settings(settings, contestant, first);
    load.users = first;
    load.settle_s = settle(settings);
    load::run(Mode::Register, &load)?;
    let rest = settings.users.saturating_sub(first).max(1);
    load.first_user = first;
    load.users = rest;
    load.total = rest;
    load::run(Mode::Register, &load)
}

/// Memory of a standing call, and what a relayed packet costs.
fn hold(settings: &Settings, contestant: &Contestant) -> Result<Report> {
    const PACKETS: u32 = 250;
    let mut load = load_settings(settings, contestant, settings.hold);
    load.users = settings.users.min(settings.hold.max(2));
    load.settle_s = settle(settings);
    load.rtp = if contestant.relays { PACKETS } else { 0 };
    load::run(Mode::Hold, &load)
}

fn settle(settings: &Settings) -> u64 {
    if settings.hasty { 1 } else { SETTLE_S }
}

fn load_settings(settings: &Settings, contestant: &Contestant, total: u32) -> load::Settings {
    load::Settings {
        server: contestant.sip,
        domain: DOMAIN.into(),
        transport: settings.transport,
        // What both offer, so that both do the same work.
        digest: Algorithm::Md5,
        users: settings.users,
        first_user: 0,
        user_prefix: "u".into(),
        password_prefix: PASSWORD_PREFIX.into(),
        total,
        window: settings.window,
        rate: 0.0,
        links: settings.links,
        connect: false,
        pid: contestant.server.pid(),
        rtp: 0,
        talk_ms: 0,
        settle_s: 0,
        json: false,
    }
}
