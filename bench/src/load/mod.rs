//! The load generator: phones that register and call, in a closed loop (so many at once) or an open one (so
//! many a second), and what the server paid for it.
//!
//! Owns: the settings of a run and the order of its phases. Does not own: sockets ([`crate::wire`]), reading
//! `/proc` ([`crate::cpu`]), printing ([`crate::load::report`]).

pub(crate) mod callee;
mod caller;
mod engine;
pub(crate) mod media;
mod op;
mod pace;
pub(crate) mod report;
pub(crate) mod storm;
pub(crate) mod tally;
pub(crate) mod text;
mod words;

use crate::cpu::{Cpu, Tree};
use crate::digest::Algorithm;
use crate::wire::Transport;
use anyhow::{Result, bail};
use engine::{Engine, Job};
pub(crate) use media::Count;
use pace::Pace;
use report::{MediaReport, Memory, Report};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
pub(crate) use tally::Latency;
use tally::Tally;

/// What one operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// REGISTER, 401, REGISTER with credentials, 200.
    Register,
    /// INVITE (challenged or not), 180, 200, ACK, BYE, 200, to a phone of our own.
    Call,
    /// Calls that are set up, measured while they stand, and torn down.
    Hold,
}

impl Mode {
    /// As it is typed.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Mode::Register => "register",
            Mode::Call => "call",
            Mode::Hold => "hold",
        }
    }
}

/// Settings of a run. Users are `u0`, `u1`, … with passwords `pw0`, `pw1`, … unless told otherwise.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Settings {
    /// Address of the server.
    #[arg(long, default_value = "127.0.0.1:5060")]
    pub(crate) server: SocketAddr,
    /// SIP domain of the users.
    #[arg(long, default_value = "bench.local")]
    pub(crate) domain: String,
    /// How messages travel.
    #[arg(long, value_enum, default_value = "udp")]
    pub(crate) transport: Transport,
    /// Hash to prefer where the server offers several.
    #[arg(long, value_enum, default_value = "md5")]
    pub(crate) digest: Algorithm,
    /// How many users take part.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) users: u32,
    /// Number of the first user.
    #[arg(long, default_value_t = 0)]
    pub(crate) first_user: u32,
    /// Letters before a user's number.
    #[arg(long, default_value = "u")]
    pub(crate) user_prefix: String,
    /// Letters before a password's number.
    #[arg(long, default_value = "pw")]
    pub(crate) password_prefix: String,
    /// Operations to measure.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) total: u32,
    /// Operations at once (closed loop), or the most at once (open loop).
    #[arg(long, default_value_t = 16)]
    pub(crate) window: u32,
    /// Operations started a second (open loop); 0 = as fast as the window allows.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) rate: f64,
    /// Sockets or connections of the calling side, and as many of the called side.
    #[arg(long, default_value_t = 8)]
    pub(crate) links: usize,
    /// Register mode: a new connection (and TLS handshake) for every operation.
    #[arg(long)]
    pub(crate) connect: bool,
    /// Process whose tree's CPU and memory are read; 0 = none.
    #[arg(long, default_value_t = 0)]
    pub(crate) pid: u32,
    /// RTP packets that each side of a call sends, one every 20 ms.
    #[arg(long, default_value_t = 0)]
    pub(crate) rtp: u32,
    /// How long a call stands before it is hung up, ms (call mode; RTP may make it longer).
    #[arg(long, default_value_t = 0)]
    pub(crate) talk_ms: u64,
    /// Seconds to wait before memory is read a second time, when transactions have ended.
    #[arg(long, default_value_t = 0)]
    pub(crate) settle_s: u64,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Runs one load and returns what it measured.
///
/// # Errors
/// When the server can't be reached, or a callee can't register (no call could succeed).
pub(crate) fn run(mode: Mode, settings: &Settings) -> Result<Report> {
    Prepared::new(mode, settings)?.run()
}

/// A load whose links are open and whose callees are registered.
pub(crate) struct Prepared {
    engine: Engine,
    mode: Mode,
    settings: Settings,
}

impl Prepared {
    /// Opens the links and registers the callees.
    ///
    /// # Errors
    /// When the server can't be reached, or a callee can't register.
    pub(crate) fn new(mode: Mode, settings: &Settings) -> Result<Prepared> {
        Ok(Prepared {
            engine: prepare(mode, settings)?,
            mode,
            settings: settings.clone(),
        })
    }

    /// Nothing more is started once `stop` is set.
    pub(crate) fn until(mut self, stop: Arc<AtomicBool>) -> Prepared {
        self.engine.stop = Some(stop);
        self
    }

    /// Runs the load and returns what it measured.
    ///
    /// # Errors
    /// When a socket can't be used any more.
    pub(crate) fn run(self) -> Result<Report> {
        measure(self.mode, &self.settings, self.engine)
    }
}

fn prepare(mode: Mode, settings: &Settings) -> Result<Engine> {
    if settings.users == 0 || settings.links == 0 || settings.window == 0 {
        bail!("--users, --links and --window must be at least 1");
    }
    let mut engine = Engine::new(settings)?;
    if !settings.connect || mode != Mode::Register {
        engine.open_links(mode != Mode::Register)?;
    }
    if mode != Mode::Register {
        register_callees(&mut engine, settings)?;
    }
    Ok(engine)
}

fn measure(mode: Mode, settings: &Settings, mut engine: Engine) -> Result<Report> {
    let job = match mode {
        Mode::Register => Job::Register,
        Mode::Call => Job::Call,
        Mode::Hold => Job::SetUp,
    };
    let meter = Meter::start(settings.pid);
    let seconds = engine.run(job, Pace::new(settings.total, settings.rate, settings.window))?;
    let cpu = meter.cpu();
    let mut report = Report::new(mode, settings, seconds, cpu, &engine.tally);
    if let Some(media) = &engine.media {
        report.media = Some(MediaReport::new(media.count(), media.delay(), seconds, None));
    }
    report.memory = meter.memory(&mut engine, settings)?;
    if mode == Mode::Hold {
        report.media = hold_with_media(&mut engine, settings)?;
        report.torn_down = Some(tear_down(&mut engine)?);
    }
    Ok(report)
}

/// CPU of the measured part and the memory before it.
struct Meter {
    tree: Option<Tree>,
    cpu: Cpu,
    pss: u64,
}

impl Meter {
    fn start(pid: u32) -> Meter {
        let tree = (pid != 0).then(|| Tree::of(pid));
        let pss = tree.map_or(0, Tree::pss);
        Meter {
            tree,
            cpu: tree.map(Tree::cpu).unwrap_or_default(),
            pss,
        }
    }

    fn cpu(&self) -> Option<Cpu> {
        self.tree.map(|tree| tree.cpu().since(&self.cpu))
    }

    fn memory(&self, engine: &mut Engine, settings: &Settings) -> Result<Option<Memory>> {
        let Some(tree) = self.tree else { return Ok(None) };
        let at_once = tree.pss();
        engine.idle(Duration::from_secs(settings.settle_s))?;
        Ok(Some(Memory {
            before: self.pss,
            at_once,
            settled: tree.pss(),
        }))
    }
}

/// Callees' registrations are no part of what a call costs.
fn register_callees(engine: &mut Engine, settings: &Settings) -> Result<()> {
    // A larger burst overruns a server's receive buffer before it has woken up.
    const WINDOW: u32 = 32;
    engine.run(Job::RegisterCalled, Pace::new(settings.users, 0.0, WINDOW))?;
    let tally = std::mem::take(&mut engine.tally);
    if tally.failed > 0 {
        bail!(
            "{} of {} callees could not register: {}",
            tally.failed,
            settings.users,
            tally.reasons_line()
        );
    }
    Ok(())
}

/// Packets over all standing calls; the server's CPU is divided among the packets that it received.
fn hold_with_media(engine: &mut Engine, settings: &Settings) -> Result<Option<MediaReport>> {
    let Some(media) = &mut engine.media else {
        return Ok(None);
    };
    let meter = Meter::start(settings.pid);
    let start = Instant::now();
    media.start_all();
    while engine.media.as_ref().is_some_and(|m| m.active() > 0) {
        engine.turn(Duration::from_micros(500))?;
    }
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), meter.cpu());
    // What is still under way.
    engine.idle(Duration::from_millis(200))?;
    Ok(engine
        .media
        .as_ref()
        .map(|m| MediaReport::new(m.count(), m.delay(), seconds, cpu)))
}

/// Hangs up what stands; gives how many calls ended well and how many did not.
fn tear_down(engine: &mut Engine) -> Result<(u64, u64)> {
    engine.tally = Tally::default();
    let standing = u32::try_from(engine.held.len()).unwrap_or(u32::MAX);
    engine.run(Job::HangUp, Pace::new(standing, 0.0, 64))?;
    Ok((engine.tally.succeeded, engine.tally.failed))
}
