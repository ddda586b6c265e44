//! A running node: starting everything in order, and stopping it in the opposite one.

use crate::border_desk::BorderDesk;
use crate::clock::Clock;
use crate::dtls::Certificates;
use crate::fork::ForkDesk;
use crate::hep::{self, HepDesk};
use crate::inbox::{BULK, Inbox};
use crate::keeper::Keeper;
use crate::listen::{self, Address, Sockets};
use crate::live::Live;
use crate::media_worker::MediaWorker;
use crate::metrics::Metrics;
use crate::records::Records;
use crate::resolve::Resolver;
use crate::settings::Settings;
use crate::shared::{KeeperItem, MediaItem, ROOM_FRAMES, Remembered, Shared, Sure, Want, random32};
use crate::sounds;
use crate::spool::{SpoolDesk, SpoolItem, Spooler};
use crate::sys;
use crate::tls::{self, Tls};
use crate::trust::Trust;
use crate::vouching::Vouching;
use crate::worker::{Start, Worker};
use anyhow::{Context, Result, anyhow, bail};
use arc_swap::ArcSwap;
use model::{TenantConfig, Transport};
use pbx::Setup;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use store::{BindingJournal, CallJournal, CdrSpool, EventJournal, SpoolLimits, Store};

/// Between two looks whether the last call has ended.
const LOOK: Duration = Duration::from_millis(50);
/// How long phones have to answer the BYE that ends the grace.
const LAST_WORDS: Duration = Duration::from_secs(4);
/// What carriers are called by, the one first that is liked best where the DNS leaves the choice.
const CALLED_BY: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];
/// Descriptors without which nothing works.
const FILES_LEAST: u64 = 256;

/// A running node. Dropping it without [`Node::shutdown`] leaves its threads running to the end of the
/// process, as a kill would.
pub struct Node {
    live: Live,
    sessions: Vec<JoinHandle<()>>,
    media: Vec<JoinHandle<()>>,
    spooler: Option<JoinHandle<()>>,
    sounds: Vec<JoinHandle<()>>,
    keeper: Option<JoinHandle<()>>,
    metrics: Option<Metrics>,
    hep: Option<JoinHandle<()>>,
}

impl Node {
    /// Starts a node on an open store. When this returns, every address is served and every binding of
    /// earlier starts is in place.
    ///
    /// The key that signs digest nonces is made anew with each life of a tenant. So a nonce never outlives the
    /// memory of how often it was used, and an old request can't be replayed after a restart; a phone that still
    /// has an old nonce is told `stale=true` and repeats its request with a new one.
    ///
    /// # Errors
    /// One line that says what is wrong and what to do: a setting, a port that is taken, an address that
    /// is not ours, unreadable TLS files, a journal that can't be written, too few open files.
    pub fn start(settings: Settings, mut store: Store) -> Result<Node> {
        settings.check()?;
        check_open_files(&settings)?;
        let workers = settings.session_threads();
        let (addresses, sockets) = listen::bind_all(&listen::resolve(&settings.listen)?, workers)?;
        let (tls, trust) = load_tls(&settings, &addresses)?;
        // Before the rows: a change in between is seen twice rather than never.
        let (counter, directory) = (store.counter()?, store.directory()?);
        let configs: Vec<Arc<TenantConfig>> = store.load_all()?.into_iter().map(Arc::new).collect();
        let clock = Clock::new();
        let (bindings, events, calls, mut kept) = open_journals(&settings, clock)?;
        kept.counted = store.counted(None)?;
        let spool = CdrSpool::open(settings.data_dir.join("cdr"), SpoolLimits::default())?;
        let ((keeper, keeper_items), (spool_items, spooled), peers) = (channel(), channel(), Arc::default());
        let [(sounds, wants), (own_sounds, own_wants)] = [(); 2].map(|()| sync_channel(sounds::QUEUE));
        let shared = Arc::new(Shared {
            clock,
            addresses,
            directory: Arc::new(ArcSwap::from_pointee(directory)),
            peers: Arc::clone(&peers),
            dtls: Certificates::make()?,
            tls,
            trust,
            sessions: inboxes(workers, BULK)?,
            media: inboxes(settings.media_threads(), ROOM_FRAMES)?,
            edge_key: random32()?,
            token_key: store.derived_key("sign-in tokens"),
            draining: AtomicBool::new(false),
            hurry: AtomicBool::new(false),
            media_packets: AtomicU64::new(0),
            media_ticks_late: AtomicU64::new(0),
            room_frames_shed: AtomicU64::new(0),
            media_ports: crate::shared::Ports::new(),
            border: BorderDesk::new(&settings.border, peers)?,
            vouching: Vouching::load(&settings.stir, &settings.dns)?,
            resolver: Resolver::new(settings.dns.clone(), &CALLED_BY),
            forks: Arc::new(ForkDesk::new(settings.fork_private, settings.fork_ca.as_deref())?),
            hep: settings.hep.as_ref().map(|_| Arc::new(HepDesk::new())),
            spool: spool_desk(&settings, spool_items, &configs),
            sounds,
            own_sounds,
            keeper,
            wishes: crate::shared::Wishes::default(),
            counted: crate::shared::Counted::default(),
            settings,
        });
        let mut node = Node::without_threads(Arc::clone(&shared));
        let records = |index: u16| records_of(index, (&bindings, &events, &calls), &spool);
        // From here on threads run: an error stops those that do.
        let started = start_spooler(&shared, spooled)
            .map(|spooler| node.spooler = Some(spooler))
            .and_then(|()| start_sounds(&shared, [wants, own_wants], &mut node.sounds))
            .and_then(|()| start_media(&shared, &mut node.media))
            .and_then(|()| starts(&shared, sockets, configs, kept, records))
            .and_then(|starts| start_sessions(starts, &mut node.sessions))
            .and_then(|()| {
                let journals = (bindings, events, calls);
                start_keeper(Keeper::new(shared, store, journals, spool, counter), keeper_items)
            });
        match started {
            Ok(keeper) => node.complete(keeper),
            Err(error) => {
                node.stop();
                Err(error)
            }
        }
    }

    fn without_threads(shared: Arc<Shared>) -> Node {
        Node {
            live: Live { shared },
            sessions: Vec::new(),
            media: Vec::new(),
            spooler: None,
            sounds: Vec::new(),
            keeper: None,
            metrics: None,
            hep: None,
        }
    }

    /// Everything but those who look on is there.
    fn complete(mut self, keeper: JoinHandle<()>) -> Result<Node> {
        self.keeper = Some(keeper);
        match self.start_observers() {
            Ok(()) => Ok(self),
            Err(error) => {
                self.stop();
                Err(error)
            }
        }
    }

    fn start_observers(&mut self) -> Result<()> {
        let shared = &self.live.shared;
        if let (Some(settings), Some(desk)) = (&shared.settings.hep, &shared.hep) {
            self.hep = Some(hep::start(settings, desk)?);
        }
        if let Some(address) = shared.settings.metrics {
            self.metrics = Some(Metrics::start(address, self.live())?);
        }
        Ok(())
    }

    /// Where figures are given by HTTP, with the port that the kernel chose.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(Metrics::address)
    }

    /// Where the node listens, with the ports that the kernel chose.
    #[must_use]
    pub fn listen_addresses(&self) -> Vec<(Transport, SocketAddr)> {
        self.live
            .shared
            .addresses
            .iter()
            .map(|a| (a.transport, a.bound))
            .collect()
    }

    /// A handle for whoever shows or steers the node.
    #[must_use]
    pub fn live(&self) -> Live {
        self.live.clone()
    }

    /// Stops without hurting calls: no new ones, up to `grace_s` seconds for those that are up, then a BYE
    /// to everybody, and every record written.
    pub fn shutdown(self) {
        self.live.drain();
        let grace = Duration::from_secs(self.live.shared.settings.grace_s);
        let hurried = || self.live.shared.hurry.load(Ordering::Relaxed);
        if !self.wait_for_calls(grace, hurried) {
            self.tell_sessions(|| Sure::HangUpAll);
            self.wait_for_calls(LAST_WORDS, || false);
        }
        self.stop();
    }

    /// Ends the threads, those first that give work to the others.
    fn stop(mut self) {
        if let Some(metrics) = self.metrics.take() {
            metrics.stop();
        }
        self.tell_sessions(|| Sure::Stop);
        join(self.sessions);
        if let Some(hep) = self.live.shared.hep.as_ref().filter(|_| self.hep.is_some()) {
            hep.stop();
        }
        join(self.hep);
        for inbox in &self.live.shared.media {
            inbox.send(MediaItem::Stop);
        }
        join(self.media);
        self.live.shared.spool.stop();
        join(self.spooler);
        for sounds in [&self.live.shared.sounds, &self.live.shared.own_sounds] {
            let _ = sounds.send(Want::Stop);
        }
        join(self.sounds);
        let _ = self.live.shared.keeper.send(KeeperItem::Stop);
        join(self.keeper);
    }

    fn tell_sessions(&self, item: impl Fn() -> Sure) {
        for inbox in &self.live.shared.sessions {
            inbox.send(item());
        }
    }

    /// Waits until no call is left; false when some still are after `longest`.
    fn wait_for_calls(&self, longest: Duration, hurried: impl Fn() -> bool) -> bool {
        let end = self.live.shared.clock.mono() + longest;
        loop {
            if self.live.totals().is_ok_and(|totals| totals.calls == 0) {
                return true;
            }
            if hurried() || self.live.shared.clock.mono() >= end {
                return false;
            }
            thread::park_timeout(LOOK);
        }
    }
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a thread ended by a panic");
        }
    }
}

/// Raises the limit of open files as far as allowed, and says so when the caps need more.
fn check_open_files(settings: &Settings) -> Result<()> {
    let got = sys::raise_open_files().context("cannot raise the limit of open files; check ulimit -n")?;
    let connections = settings
        .limits
        .connections_per_worker
        .saturating_mul(settings.session_threads());
    let wanted = u64::try_from(connections.saturating_add(settings.port_pairs().saturating_mul(2)))?;
    if got < FILES_LEAST {
        bail!("only {got} open files are allowed; raise the limit (ulimit -n, LimitNOFILE=) to {wanted}");
    }
    if got < wanted {
        tracing::warn!(
            "{got} open files are allowed, the configured limits need up to {wanted}; raise ulimit -n or LimitNOFILE="
        );
    }
    Ok(())
}

fn inboxes<S, B>(count: usize, bulk: usize) -> Result<Vec<Inbox<S, B>>> {
    let all: std::io::Result<_> = (0..count).map(|_| Inbox::new(bulk)).collect();
    all.context("cannot make the threads' queues; raise the limit of open files (ulimit -n)")
}

/// Our certificate, where somebody is to see it, and whom trunks trust.
fn load_tls(settings: &Settings, addresses: &[Address]) -> Result<(Option<Tls>, Trust)> {
    let ca = settings.trunk_ca.clone();
    if !settings.listen.iter().any(|l| l.transport.is_encrypted()) {
        return Ok((None, Trust::load(ca, None)?));
    }
    let files = match &settings.tls {
        Some(files) => files.clone(),
        None => {
            let names: Vec<IpAddr> = addresses.iter().map(|a| a.public.ip()).collect();
            tls::self_signed(&settings.data_dir, &names)?
        }
    };
    Ok((Some(Tls::load(files.clone())?), Trust::load(ca, Some(files))?))
}

/// What a worker writes its records with.
fn records_of(
    index: u16,
    (bindings, events, calls): (&BindingJournal, &EventJournal, &CallJournal),
    spool: &CdrSpool,
) -> Result<Records> {
    let appenders = bindings.appender(index).zip(events.appender(index));
    let appenders = appenders.zip(calls.appender(index));
    let ((bindings, events), calls) = appenders.ok_or_else(|| anyhow!("the journals have no log {index}"))?;
    Ok(Records::new(bindings, events, spool.writer(index), calls))
}

/// Opens the journals, and what they keep.
fn open_journals(
    settings: &Settings,
    clock: Clock,
) -> Result<(BindingJournal, EventJournal, CallJournal, Remembered)> {
    let workers = u16::try_from(settings.session_threads())?;
    let (dir, now) = (&settings.data_dir, clock.now().wall);
    let (of_bindings, bindings) = BindingJournal::open(dir.join("bindings"), workers, now)?;
    let (of_events, events) = EventJournal::open(dir.join("events"), workers, now)?;
    let (of_calls, calls) = CallJournal::open(dir.join("calls"), workers, now)?;
    let kept = Remembered {
        bindings,
        events,
        calls,
        counted: std::collections::BTreeMap::new(),
    };
    Ok((of_bindings, of_events, of_calls, kept))
}

/// Starts a named thread that first sets up its state, and waits until that is done. A panic that is not
/// a tenant's own is reported, and the loop goes on with the next turn.
fn spawn<T: 'static>(
    name: String,
    make: impl FnOnce() -> Result<T> + Send + 'static,
    run: fn(&mut T),
    panicked: fn(&mut T),
) -> Result<(JoinHandle<()>, Receiver<Result<()>>)> {
    let (ready, made): (SyncSender<Result<()>>, _) = sync_channel(1);
    let body = move || {
        let mut state = match make() {
            Ok(state) => state,
            Err(error) => return drop(ready.send(Err(error))),
        };
        let _ = ready.send(Ok(()));
        while catch_unwind(AssertUnwindSafe(|| run(&mut state))).is_err() {
            tracing::error!("a worker panicked outside of any tenant; it goes on with the next message");
            panicked(&mut state);
        }
    };
    let thread = thread::Builder::new()
        .name(name.clone())
        .spawn(body)
        .with_context(|| format!("cannot start thread {name}; check the limit of threads (ulimit -u)"))?;
    Ok((thread, made))
}

/// Waits until each thread has set up its state.
fn finish(
    started: Vec<(JoinHandle<()>, Receiver<Result<()>>)>,
    threads: &mut Vec<JoinHandle<()>>,
) -> Result<()> {
    let mut outcome = Ok(());
    for (thread, made) in started {
        threads.push(thread);
        let made = made
            .recv()
            .context("a worker thread ended while it started")
            .flatten();
        outcome = outcome.and(made);
    }
    outcome
}

fn spool_desk(
    settings: &Settings,
    items: Sender<SpoolItem>,
    configs: &[Arc<TenantConfig>],
) -> Arc<SpoolDesk> {
    let desk = SpoolDesk::new(&settings.data_dir, items);
    for config in configs {
        desk.set_room(config.id(), config.policy().recording_mb);
    }
    Arc::new(desk)
}

/// What an earlier life left unfinished has its end when this returns.
fn start_spooler(shared: &Arc<Shared>, items: Receiver<SpoolItem>) -> Result<JoinHandle<()>> {
    let (desk, clock, media) = (Arc::clone(&shared.spool), shared.clock, Arc::clone(shared));
    let tell = Box::new(move |worker: usize, item| {
        if let Some(inbox) = media.media.get(worker) {
            inbox.send(item);
        }
    });
    let reserve_mb = shared.settings.recording_reserve_mb;
    let make = move || Spooler::new(desk, clock, reserve_mb, items, tell);
    let mut threads = Vec::new();
    finish(
        vec![spawn("recordings".to_owned(), make, Spooler::run, |_| {})?],
        &mut threads,
    )?;
    threads
        .pop()
        .context("the thread of recordings ended while it started")
}

fn start_media(shared: &Arc<Shared>, threads: &mut Vec<JoinHandle<()>>) -> Result<()> {
    let start = |index: usize| {
        let shared = Arc::clone(shared);
        let make = move || MediaWorker::new(index, shared);
        spawn(format!("media-{index}"), make, MediaWorker::run, |_| {})
    };
    finish(
        (0..shared.media.len()).map(start).collect::<Result<_>>()?,
        threads,
    )
}

/// Deals sockets, configurations and bindings out to their workers.
fn starts(
    shared: &Arc<Shared>,
    sockets: Vec<Sockets>,
    configs: Vec<Arc<TenantConfig>>,
    kept: Remembered,
    records: impl Fn(u16) -> Result<Records>,
) -> Result<Vec<Start>> {
    let setup = Setup {
        seed: [0; 32],
        edge_key: shared.edge_key,
        token_key: shared.token_key,
        fingerprints: shared.dtls.fingerprints(),
        inside: shared.inside(),
        signer: shared.vouching.signer.clone(),
        authorities: shared.vouching.authorities.now(),
        stir_rules: shared.vouching.rules,
        server_name: shared.settings.server_name.as_str().into(),
        limits: shared.settings.limits,
    };
    let mut starts: Vec<Start> = Vec::new();
    for (index, sockets) in sockets.into_iter().enumerate() {
        starts.push(Start {
            index,
            shared: Arc::clone(shared),
            sockets,
            setup: setup.clone(),
            records: records(u16::try_from(index)?)?,
            configs: Vec::new(),
            kept: Remembered::default(),
        });
    }
    for config in configs {
        if let Some(start) = starts.get_mut(shared.owner(config.id())) {
            start.configs.push(config);
        }
    }
    for binding in kept.bindings {
        if let Some(start) = starts.get_mut(shared.owner(binding.tenant)) {
            start.kept.bindings.push(binding);
        }
    }
    for event in kept.events {
        if let Some(start) = starts.get_mut(shared.owner(event.tenant)) {
            start.kept.events.push(event);
        }
    }
    for (tenant, counted) in kept.counted {
        if let Some(start) = starts.get_mut(shared.owner(tenant)) {
            start.kept.counted.insert(tenant, counted);
        }
    }
    for call in kept.calls {
        if let Some(start) = starts.get_mut(shared.owner(call.tenant)) {
            start.kept.calls.push(call);
        }
    }
    Ok(starts)
}

fn start_sessions(starts: Vec<Start>, threads: &mut Vec<JoinHandle<()>>) -> Result<()> {
    let start = |start: Start| {
        let name = format!("session-{}", start.index);
        spawn(name, move || Worker::new(start), Worker::run, Worker::note_panic)
    };
    finish(starts.into_iter().map(start).collect::<Result<_>>()?, threads)
}

/// Those of what is shipped, and those of tenants.
fn start_sounds(
    shared: &Arc<Shared>,
    wants: [Receiver<Want>; 2],
    threads: &mut Vec<JoinHandle<()>>,
) -> Result<()> {
    let run: [fn(&Shared, &Receiver<Want>); 2] = [sounds::shipped, sounds::own];
    for ((name, wants), run) in ["sounds", "own-sounds"].into_iter().zip(wants).zip(run) {
        let shared = Arc::clone(shared);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || run(&shared, &wants))
            .context("cannot start the threads of sounds; check the limit of threads (ulimit -u)")?;
        threads.push(thread);
    }
    Ok(())
}

fn start_keeper(mut keeper: Keeper, items: Receiver<KeeperItem>) -> Result<JoinHandle<()>> {
    let body = move || {
        while catch_unwind(AssertUnwindSafe(|| keeper.run(&items))).is_err() {
            tracing::error!("the keeper panicked; it goes on");
        }
        keeper.close();
    };
    thread::Builder::new()
        .name("keeper".to_owned())
        .spawn(body)
        .context("cannot start the keeper thread; check the limit of threads (ulimit -u)")
}
