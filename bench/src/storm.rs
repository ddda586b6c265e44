//! A cold restart under load: every phone of a full server registers at once, each challenged, while calls go on.
//!
//! Owns: the order of events and the report. The server is killed, not stopped; what it knows afterwards comes from its
//! journal. Calls run between phones of their own, so that what they suffer is the storm's doing alone; over UDP they
//! go on from the moment when the server is ready, over streams after their phones have connected anew.

use crate::cpu::Tree;
use crate::digest::Algorithm;
use crate::house::{self, DOMAIN, House, PASSWORD_PREFIX};
use crate::load::report::Report;
use crate::load::storm::{Phones, Returned};
use crate::load::{self, Mode, Prepared};
use crate::wire::Transport;
use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// RTP ports of the server: calls stand for a while, and each takes four.
const PORTS: (u16, u16) = (12_000, 19_999);
/// Calls at once, whatever the rate.
const MOST_CALLS: u32 = 1_500;

/// Settings of `bench storm`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Settings {
    /// Phones that come back.
    #[arg(long, default_value_t = 100_000)]
    users: u32,
    /// Phones that call and are called meanwhile.
    #[arg(long, default_value_t = 500)]
    callers: u32,
    /// Calls started a second.
    #[arg(long, default_value_t = 50.0)]
    rate: f64,
    /// How long a call stands, ms.
    #[arg(long, default_value_t = 3_000)]
    talk_ms: u64,
    /// How messages travel.
    #[arg(long, value_enum, default_value = "udp")]
    transport: Transport,
    /// Sockets or connections that the phones share.
    #[arg(long, default_value_t = 256)]
    links: usize,
    /// Seconds after which the rest is given up.
    #[arg(long, default_value_t = 300)]
    limit_s: u64,
    /// The program to measure [default: `carillon` beside this program].
    #[arg(long)]
    carillon: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// What a storm came to.
#[derive(Debug, Serialize)]
struct Outcome {
    users: u32,
    transport: Transport,
    /// Start of the process to its first answer, the journal read, s.
    ready_s: f64,
    /// Start of the process to the last registration, s.
    all_back_s: f64,
    returned: Returned,
    calls: Report,
    /// Processor time of the server from its start to the last registration, s.
    server_cpu_s: f64,
    /// Memory of the server (PSS) when it was ready and when everybody was back, octets.
    memory: (u64, u64),
}

/// Prepares, kills, restarts, measures, prints.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let outcome = storm(settings)?;
    if settings.json {
        println!("{}", serde_json::to_string(&outcome)?);
    } else {
        print!("{outcome}");
    }
    if outcome.returned.back < u64::from(settings.users) {
        bail!(
            "only {} of {} phones came back",
            outcome.returned.back,
            settings.users
        );
    }
    Ok(())
}

fn storm(settings: &Settings) -> Result<Outcome> {
    let folder = tempfile::tempdir().context("no place for temporary files")?;
    let program = house::program(settings.carillon.as_ref())?;
    let all = settings.users + settings.callers;
    eprintln!("making {all} users");
    let house = House::build(&program, folder.path(), all, "media=relay", PORTS)?;
    let (server, _) = house.serve()?;
    let (phones, callers) = (phones(settings, &house), callers(settings, &house));
    eprintln!("registering {} phones", settings.users);
    Phones::new(&phones)?.arrive()?;
    let calls = Calls::start(callers);
    if settings.transport == Transport::Udp {
        calls.prepare()?;
    }
    eprintln!("kill -9 and restart");
    server.crash()?;
    let start = Instant::now();
    let (server, ready) = house.serve()?;
    let tree = Tree::of(server.pid());
    let memory = tree.pss();
    calls.go();
    let returned =
        Phones::new(&phones).and_then(|mut phones| phones.come_back(Duration::from_secs(settings.limit_s)));
    let (all_back, cpu, full) = (start.elapsed(), tree.cpu(), tree.pss());
    let calls = calls.end()?;
    Ok(Outcome {
        users: settings.users,
        transport: settings.transport,
        ready_s: ready.as_secs_f64(),
        all_back_s: all_back.as_secs_f64(),
        returned: returned?,
        calls,
        server_cpu_s: cpu.total_us() / 1e6,
        memory: (memory, full),
    })
}

/// The calls, in a thread of their own: its sockets are prepared and used there alone.
struct Calls {
    thread: JoinHandle<Result<Report>>,
    orders: Sender<()>,
    ready: Receiver<()>,
    stop: Arc<AtomicBool>,
}

impl Calls {
    /// Waits for two orders: to prepare, and to go.
    fn start(settings: load::Settings) -> Calls {
        let (orders, awaited) = channel();
        let (tell, ready) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            awaited.recv().context("given up")?;
            let load = Prepared::new(Mode::Call, &settings)?;
            let _heard = tell.send(());
            awaited.recv().context("given up")?;
            load.until(told).run()
        });
        Calls {
            thread,
            orders,
            ready,
            stop,
        }
    }

    /// Opens the sockets and registers the callees.
    fn prepare(&self) -> Result<()> {
        let _order = self.orders.send(());
        self.ready.recv().context("the callees could not register")
    }

    /// Starts to call, after preparing where that was not done.
    fn go(&self) {
        let _orders = (self.orders.send(()), self.orders.send(()));
    }

    /// Starts no more calls, and reports when the last has ended.
    fn end(self) -> Result<Report> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(report) => report,
            Err(_) => bail!("the thread that calls has panicked"),
        }
    }
}

fn phones(settings: &Settings, house: &House) -> load::Settings {
    load::Settings {
        server: house.address(settings.transport),
        domain: DOMAIN.into(),
        transport: settings.transport,
        digest: Algorithm::Md5,
        users: settings.users,
        first_user: 0,
        user_prefix: "u".into(),
        password_prefix: PASSWORD_PREFIX.into(),
        total: settings.users,
        window: settings.users,
        rate: 0.0,
        links: settings.links,
        connect: false,
        pid: 0,
        rtp: 0,
        talk_ms: 0,
        settle_s: 0,
        json: false,
    }
}

/// The users after those that come back.
fn callers(settings: &Settings, house: &House) -> load::Settings {
    load::Settings {
        users: settings.callers,
        first_user: settings.users,
        total: u32::MAX,
        window: MOST_CALLS,
        rate: settings.rate,
        links: 8,
        talk_ms: settings.talk_ms,
        ..phones(settings, house)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { returned, calls, .. } = self;
        writeln!(
            f,
            "storm over {}: {} of {} phones back {:.1} s after the restart (ready after {:.2} s, storm {:.1} s)",
            self.transport.via(),
            returned.back,
            self.users,
            self.all_back_s,
            self.ready_s,
            returned.seconds
        )?;
        writeln!(f, "  register   {}", returned.register_us)?;
        writeln!(
            f,
            "  repeated   {} requests; {} attempts failed",
            returned.retransmitted, returned.failed
        )?;
        for (reason, count) in &returned.reasons {
            writeln!(f, "  failed     {count} × {reason}")?;
        }
        writeln!(
            f,
            "  server     {:.1} s CPU, PSS {} → {} MiB",
            self.server_cpu_s,
            self.memory.0 >> 20,
            self.memory.1 >> 20
        )?;
        write!(f, "  meanwhile  {calls}")
    }
}
