//! Carillon as a simulation drives it: the edge, the tenants and the media plane, with a journal instead of a disk.

mod configured;
mod journals;
mod relay;
mod trunk;
mod wire;

use media::{PairId, PortRange, Relay};
use model::{
    BindingChange, CallChange, CallLeg, CallView, Cdr, Connect, ConnectOutcome, Connected, Counts,
    EmergencyCall, EventChange, FlowToken, Limits, MediaCommand, MediaReport, MediaSessionId, Now,
    SettingsChange, SignIn, StirNews, StreamKind, TenantConfig, TenantId, TollAlert, TollCheckpoint,
    TrunkNews, Wake,
};
use pbx::edge::{Admit, Edge};
use pbx::{Effect, Input, Setup, Tenant, TokenKey};
use sip::{Frame, Framer};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tenancy::{Directory, Peers};
pub use trunk::Question;
pub use wire::{Wire, WireCounts};

/// What the server wants sent.
#[derive(Debug)]
pub enum Output {
    /// A SIP message on a flow.
    Sip(FlowToken, bytes::Bytes),
    /// An RTP or RTCP packet from one of our ports.
    Media(SocketAddr, SocketAddr, Vec<u8>),
    /// The connection of this flow is to be closed.
    Close(FlowToken),
    /// This tenant wants a connection.
    Connect(TenantId, Connect),
    /// This tenant wants to know a way to a carrier.
    Ask(TenantId, Question),
}

/// What is on its way between a session and the media plane, or the store.
enum Lagging {
    Command(MediaCommand),
    Report(MediaReport),
    Keep(Box<SettingsChange>),
}

/// What becomes of reports that a program or a recording is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ends {
    /// They come.
    #[default]
    Told,
    /// They get lost.
    Lost,
    /// They come twice.
    Twice,
}

/// One node.
pub struct Server {
    edge: Edge,
    directory: Arc<Directory>,
    configs: BTreeMap<TenantId, Arc<TenantConfig>>,
    pub(crate) tenants: BTreeMap<TenantId, Tenant>,
    pub(crate) setup: Setup,
    /// The media plane.
    pub relay: Relay,
    ports: BTreeMap<SocketAddr, (PairId, bool)>,
    sockets: BTreeMap<PairId, SocketAddr>,
    framers: BTreeMap<u64, Framer>,
    /// Connections that a token opened.
    sign_ins: BTreeMap<u64, SignIn>,
    lagging: BTreeMap<(Duration, u64), Lagging>,
    serial: u64,
    range: PortRange,
    /// Every change to a binding, as the journal on disk would hold it.
    pub journal: Vec<BindingChange>,
    /// Every phone that was to be woken.
    pub wakes: Vec<Wake>,
    /// Conferences that took no PIN for a while: of anybody or of one caller, and for how many seconds.
    pub barred: Vec<(u32, bool, u64)>,
    /// Every change of what the event core keeps, likewise.
    pub events: Vec<EventChange>,
    /// Every change of what is kept of calls that are up, likewise.
    pub calls: Vec<CallChange>,
    /// What was told about trunks, and when.
    pub news: Vec<(Duration, TrunkNews)>,
    /// What was told about verifying callers.
    pub stir_news: Vec<StirNews>,
    /// Every call record.
    pub cdrs: Vec<Cdr>,
    /// Which dialogs which call has had.
    pub legs: Vec<(TenantId, CallLeg)>,
    /// How many of them earlier lives of the process left.
    pub cdrs_before_restart: u64,
    /// What the edge counted.
    pub counts: Counts,
    /// RTP ports can be bound; a simulation may forbid it.
    pub bindable: bool,
    /// RTP ports that somebody else has bound.
    pub taken_ports: Vec<u16>,
    /// How long a command or a report takes between a session and the media plane.
    pub media_lag: Duration,
    /// A bad way between sessions and the media plane; where there is none, `media_lag` is all that happens.
    pub wire: Option<Wire>,
    /// Emergency calls that people on site were told of.
    pub emergencies: Vec<EmergencyCall>,
    /// What was said about limits on calls to the outside.
    pub alerts: Vec<(Duration, TollAlert)>,
    /// What limits have counted, as the disk would hold it.
    pub counted: BTreeMap<TenantId, TollCheckpoint>,
    peers: Peers,
    /// What phones set can be kept; a test may forbid it.
    pub keeps_settings: bool,
    /// Changes of settings by phones.
    pub keys: u64,
    /// How long a phone's change of settings takes into the configuration.
    pub keep_lag: Duration,
    /// How long every sound of the library is; there is none where it is zero.
    pub sound: Duration,
    /// What becomes of reports that something is over.
    pub ends: Ends,
    /// What the media plane was told, and when.
    pub told: Vec<(Duration, MediaCommand)>,
    outputs: Vec<Output>,
}

/// What the shell gives each tenant.
fn setup(seed: [u8; 32], address: SocketAddr) -> Setup {
    Setup {
        fingerprints: Arc::default(),
        inside: Some(FlowToken::inside(address)),
        signer: None,
        authorities: Arc::default(),
        stir_rules: stir::Rules::default(),
        seed,
        edge_key: seed,
        token_key: seed,
        server_name: "Carillon".into(),
        limits: Limits::default(),
    }
}

impl Server {
    /// A node with these tenants, its chance from `seed`.
    ///
    /// # Panics
    /// When two tenants claim one domain.
    #[must_use]
    pub fn new(
        configs: Vec<TenantConfig>,
        address: SocketAddr,
        seed: [u8; 32],
        ports: PortRange,
        now: Now,
    ) -> Server {
        let setup = setup(seed, address);
        let limits = setup.limits;
        let configs: BTreeMap<_, _> = configs.into_iter().map(|c| (c.id(), Arc::new(c))).collect();
        let domains = |c: &TenantConfig| c.domains().iter().map(|d| d.to_string()).collect::<Vec<_>>();
        let rows = configs.values().map(|c| (c.id(), domains(c)));
        let directory = Arc::new(
            Directory::new(rows).unwrap_or_else(|e| unreachable!("two tenants share a domain: {e}")),
        );
        let mut server = Server {
            edge: Edge::new(seed, "Carillon".into(), limits),
            directory,
            tenants: BTreeMap::new(),
            setup,
            relay: Relay::new(ports),
            ports: BTreeMap::new(),
            sockets: BTreeMap::new(),
            framers: BTreeMap::new(),
            sign_ins: BTreeMap::new(),
            lagging: BTreeMap::new(),
            serial: 0,
            taken_ports: Vec::new(),
            media_lag: Duration::ZERO,
            wire: None,
            keeps_settings: true,
            keys: 0,
            keep_lag: Duration::from_millis(50),
            range: ports,
            journal: Vec::new(),
            wakes: Vec::new(),
            barred: Vec::new(),
            events: Vec::new(),
            calls: Vec::new(),
            news: Vec::new(),
            stir_news: Vec::new(),
            emergencies: Vec::new(),
            alerts: Vec::new(),
            counted: BTreeMap::new(),
            peers: Peers::default(),
            cdrs: Vec::new(),
            legs: Vec::new(),
            cdrs_before_restart: 0,
            counts: Counts::default(),
            bindable: true,
            sound: Duration::ZERO,
            ends: Ends::Told,
            told: Vec::new(),
            outputs: Vec::new(),
            configs,
        };
        server.start_tenants(now);
        server
    }

    pub(crate) fn start_tenants(&mut self, now: Now) {
        for (id, config) in &self.configs {
            let mut setup = self.setup.clone();
            setup.seed[0] ^= u8::try_from(id.0 & 0xff).unwrap_or(0);
            self.tenants
                .insert(*id, Tenant::new(Arc::clone(config), &setup, now));
        }
    }

    /// The process dies and starts again: only the journal and the records are left.
    pub fn restart(&mut self, now: Now) {
        self.setup.seed[31] = self.setup.seed[31].wrapping_add(1);
        self.outputs.clear();
        self.cdrs_before_restart = self.cdrs.len() as u64;
        self.tenants.clear();
        self.relay = Relay::new(self.range);
        self.ports.clear();
        self.sockets.clear();
        self.framers.clear();
        self.sign_ins.clear();
        self.lagging.clear();
        if let Some(wire) = &mut self.wire {
            wire.restart();
        }
        self.start_tenants(now);
        for record in self.bindings() {
            if let Some(tenant) = self.tenants.get_mut(&record.tenant) {
                tenant.restore(record, now);
            }
        }
        for record in self.kept_events() {
            if let Some(tenant) = self.tenants.get_mut(&record.tenant) {
                tenant.restore_event(record, now);
            }
        }
        for (id, tenant) in &mut self.tenants {
            if let Some(counted) = self.counted.get(id) {
                tenant.restore_count(counted, now);
            }
        }
        for call in self.kept_calls() {
            if let Some(tenant) = self.tenants.get_mut(&call.tenant) {
                tenant.restore_call(call, now);
            }
        }
        self.tenants.values_mut().for_each(|tenant| tenant.restored(now));
        self.handle_timeout(now);
    }

    /// A tenant panics and is built anew: its bindings and the calls that were kept come back, the others notice nothing.
    pub fn rebuild(&mut self, id: TenantId, now: Now) {
        let (Some(old), Some(config)) = (self.tenants.remove(&id), self.configs.get(&id)) else {
            return;
        };
        let calls = old.calls();
        let counts = old.counts();
        self.cdrs_before_restart += counts.calls + counts.calls_restored - calls.len() as u64;
        self.setup.seed[30] = self.setup.seed[30].wrapping_add(1);
        let mut tenant = Tenant::new(Arc::clone(config), &self.setup, now);
        match &mut self.wire {
            Some(wire) => wire.rebuild(id),
            None => self.abandon_media(id, &calls, now),
        }
        for record in self.bindings().into_iter().filter(|r| r.tenant == id) {
            tenant.restore(record, now);
        }
        for record in self.kept_events().into_iter().filter(|r| r.tenant == id) {
            tenant.restore_event(record, now);
        }
        if let Some(counted) = self.counted.get(&id) {
            tenant.restore_count(counted, now);
        }
        for call in self.kept_calls().into_iter().filter(|c| c.tenant == id) {
            tenant.restore_call(call, now);
        }
        tenant.restored(now);
        self.tenants.insert(id, tenant);
        self.handle_timeout(now);
    }

    /// Closes the sessions of a tenant that has forgotten them; its successor hears nothing of that.
    fn abandon_media(&mut self, id: TenantId, calls: &[CallView], now: Now) {
        let of = |session: MediaSessionId| session.0 >> 32 == id.0;
        let mut commands = Vec::new();
        self.lagging.retain(|_, lagging| match lagging {
            Lagging::Command(command) if of(command.session()) => {
                commands.push(command.clone());
                false
            }
            Lagging::Report(report) => !of(report.session()),
            _ => true,
        });
        let session = |call: &CallView| MediaSessionId::of(id, call.id, StreamKind::Audio);
        let closes = calls.iter().map(|call| MediaCommand::Close {
            session: session(call),
        });
        for command in commands.into_iter().chain(closes) {
            self.command(&command, now);
        }
        self.lagging
            .retain(|_, lagging| !matches!(lagging, Lagging::Report(report) if of(report.session())));
    }

    /// One tenant.
    #[must_use]
    pub fn tenant(&self, id: TenantId) -> Option<&Tenant> {
        self.tenants.get(&id)
    }

    /// All tenants.
    pub fn tenants(&self) -> impl Iterator<Item = (&TenantId, &Tenant)> {
        self.tenants.iter()
    }

    /// A token for the device of that name, as the node issues one.
    #[must_use]
    pub fn token(&self, id: TenantId, username: &str, ttl: Duration, now: Now) -> Option<String> {
        let device = self.configs.get(&id)?.device(username)?;
        Some(self.token_key().issue(id, device, ttl, now.wall, 1))
    }

    /// A WebSocket is opened with this token; false when the handshake is refused for it.
    pub fn open(&mut self, connection: u64, token: &str, now: Now) -> bool {
        let found = self.token_key().read(token, now.wall).ok();
        self.counts.auth_failed += u64::from(found.is_none());
        self.sign_ins.extend(found.map(|sign_in| (connection, sign_in)));
        found.is_some()
    }

    fn token_key(&self) -> TokenKey {
        TokenKey::new(self.setup.token_key)
    }

    /// A SIP datagram, or octets of a connection, came in.
    pub fn receive(&mut self, flow: FlowToken, octets: &[u8], now: Now) {
        if flow.transport.is_websocket() && sip::websocket::keep_alive(octets).is_some() {
            let pong = bytes::Bytes::from_static(sip::stream::PONG);
            return self.outputs.push(Output::Sip(flow, pong));
        }
        if !flow.transport.is_stream() {
            if self.admit(flow, octets, now) {
                self.outputs.push(Output::Close(flow));
            }
            return;
        }
        let framer = self.framers.remove(&flow.connection);
        let mut framer = framer.unwrap_or_else(|| Framer::new(Limits::default().message_bytes));
        framer.push(octets);
        let mut close = false;
        while let Some(frame) = framer.next() {
            close |= match frame {
                Frame::Message(message) => self.admit(flow, message, now),
                Frame::KeepAlivePing => {
                    let pong = bytes::Bytes::from_static(sip::stream::PONG);
                    self.outputs.push(Output::Sip(flow, pong));
                    false
                }
                Frame::KeepAlivePong => false,
                Frame::Error { head, code, .. } => {
                    let answer = self.edge.refuse_frame(head, code, &flow);
                    self.outputs.extend(answer.map(|bytes| Output::Sip(flow, bytes)));
                    true
                }
            };
            if close {
                return self.outputs.push(Output::Close(flow));
            }
        }
        self.framers.insert(flow.connection, framer);
    }

    /// Lets the edge look at a message; true when its connection is to be closed.
    fn admit(&mut self, flow: FlowToken, packet: &[u8], now: Now) -> bool {
        match self.edge.admit(packet, &flow, &self.directory, &mut self.counts) {
            Admit::Reply { bytes, close, .. } => {
                self.outputs.push(Output::Sip(flow, bytes));
                close
            }
            Admit::Drop { close, .. } => close,
            Admit::Deliver { scope, message } => {
                let input = Input::Sip {
                    flow,
                    message: &message,
                    sign_in: self.sign_in(scope.tenant(), &flow),
                };
                self.input(scope.tenant(), input, now);
                false
            }
        }
    }

    /// What one tenant's token proves is nothing to another.
    fn sign_in(&self, tenant: TenantId, flow: &FlowToken) -> Option<SignIn> {
        let found = self.sign_ins.get(&flow.connection).copied();
        found.filter(|sign_in| sign_in.tenant == tenant)
    }

    /// Anything else happens to a tenant.
    pub fn input(&mut self, id: TenantId, input: Input<'_>, now: Now) {
        let Some(tenant) = self.tenants.get_mut(&id) else {
            return;
        };
        let mut effects = Vec::new();
        tenant.set_directory(&self.directory);
        tenant.handle(input, now, &mut effects);
        self.perform(id, effects, now);
    }

    /// A tenant hears what became of a connection that it wanted.
    pub fn connected(&mut self, id: TenantId, connected: Connected, now: Now) {
        let open = matches!(connected.outcome, ConnectOutcome::Open(_));
        self.counts.connected += u64::from(open);
        self.counts.connects_failed += u64::from(!open);
        self.input(id, Input::Connected(connected), now);
    }

    /// A connection broke.
    pub fn connection_lost(&mut self, connection: u64, now: Now) {
        self.framers.remove(&connection);
        self.sign_ins.remove(&connection);
        for id in self.configs.keys().copied().collect::<Vec<_>>() {
            self.input(
                id,
                Input::FlowClosed {
                    worker: 0,
                    connection,
                },
                now,
            );
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Now) {
        for id in self.configs.keys().copied().collect::<Vec<_>>() {
            let due = self
                .tenants
                .get(&id)
                .and_then(Tenant::poll_timeout)
                .is_some_and(|at| at <= now.mono);
            if due {
                self.input(id, Input::Timeout, now);
            }
        }
        self.serve_lagging(now);
        if self.relay.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.relay.handle_timeout(now.mono);
            self.send_frames();
            self.serve_relay(now);
        }
        self.carry(now);
    }

    /// When time matters next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let tenants = self.tenants.values().filter_map(Tenant::poll_timeout).min();
        let lagging = self.lagging.first_key_value().map(|((at, _), _)| *at);
        let wire = self.wire.as_ref().and_then(Wire::poll_timeout);
        [tenants, self.relay.poll_timeout(), lagging, wire]
            .into_iter()
            .flatten()
            .min()
    }

    /// What is to be sent.
    pub fn take_outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// The media plane answers later, as it does across threads: after everything else of the batch is out.
    fn perform(&mut self, id: TenantId, effects: Vec<Effect>, now: Now) {
        let mut commands = Vec::new();
        for effect in effects {
            match effect {
                Effect::Transmit { flow, bytes } => self.outputs.push(Output::Sip(flow, bytes)),
                Effect::Connect(order) => self.outputs.push(Output::Connect(id, order)),
                Effect::Locate(ask) => self.outputs.push(Output::Ask(id, Question::Locate(ask))),
                Effect::Reach(ask) => self.outputs.push(Output::Ask(id, Question::Reach(ask))),
                Effect::FetchCertificate(ask) => self.outputs.push(Output::Ask(id, Question::Fetch(ask))),
                // Nobody guards the edge of a simulated server.
                Effect::Access(_) => {}
                Effect::Trunk(news) => self.news.push((now.mono, news)),
                Effect::Stir(news) => self.stir_news.push(news),
                effect @ (Effect::Emergency(_)
                | Effect::Toll(_)
                | Effect::Counted(_)
                | Effect::Reachable(_)) => {
                    self.told_of_trunks(id, effect, now);
                }
                Effect::Media(command) => commands.push(command),
                Effect::Cdr(cdr) => self.cdrs.push(*cdr),
                Effect::Leg(leg) => self.legs.push((id, *leg)),
                Effect::Binding(change) => self.journal.push(change),
                Effect::Wake(wake) => self.wakes.push(*wake),
                Effect::Barred { room, of_all, for_s } => self.barred.push((room, of_all, for_s)),
                Effect::Event(change) => self.events.push(change),
                Effect::Call(change) => self.calls.push(change),
                Effect::Settings(change) => {
                    self.keys += 1;
                    self.serial += 1;
                    let at = (now.mono + self.keep_lag, self.serial);
                    self.lagging.insert(at, Lagging::Keep(change));
                }
            }
        }
        for command in commands {
            if let Some(wire) = &mut self.wire {
                wire.say(id, command, now);
            } else if self.media_lag.is_zero() {
                self.command(&command, now);
            } else {
                self.lag(Lagging::Command(command), now);
            }
        }
        self.carry(now);
    }

    /// A phone's change is written down, unless its user is gone or it can't be.
    fn keep(&mut self, kept: &SettingsChange, now: Now) {
        let (id, user) = (kept.tenant, kept.user);
        let known = self.configs.get(&id).is_some_and(|c| c.user(user).is_some());
        if known && self.keeps_settings {
            self.set(id, user, &kept.change, now);
        }
        self.input(id, Input::SettingsKept { user, id: kept.id }, now);
    }

    fn report(&mut self, report: MediaReport, now: Now) {
        let over = matches!(report, MediaReport::Played { .. } | MediaReport::Recorded { .. });
        match self.ends {
            Ends::Lost if over => {}
            Ends::Twice if over => {
                self.media(report.clone(), now);
                self.media(report, now);
            }
            _ => self.media(report, now),
        }
    }

    /// The media plane, or whoever speaks for it, reports to a session.
    pub fn media(&mut self, report: MediaReport, now: Now) {
        let tenant = report.session().tenant();
        self.input(tenant, Input::Media(report), now);
    }
}
