//! Carillon as a simulation drives it: the edge, the tenants and the media plane, with a journal instead of a disk.

use media::{PairId, PortRange, Relay};
use model::{
    BindingChange, BindingRecord, Cdr, Counts, FlowToken, Limits, MediaCommand, MediaReport, Now,
    TenantConfig, TenantId,
};
use pbx::edge::{Admit, Edge};
use pbx::{Effect, Input, Setup, Tenant};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tenancy::Directory;

/// What the server wants sent.
#[derive(Debug)]
pub enum Output {
    /// A SIP message on a flow.
    Sip(FlowToken, bytes::Bytes),
    /// An RTP or RTCP packet from one of our ports.
    Media(SocketAddr, SocketAddr, Vec<u8>),
}

/// One node.
pub struct Server {
    edge: Edge,
    directory: Directory,
    configs: BTreeMap<TenantId, Arc<TenantConfig>>,
    tenants: BTreeMap<TenantId, Tenant>,
    setup: Setup,
    /// The media plane.
    pub relay: Relay,
    ports: BTreeMap<SocketAddr, (PairId, bool)>,
    range: PortRange,
    /// Every change to a binding, as the journal on disk would hold it.
    pub journal: Vec<BindingChange>,
    /// Every call record.
    pub cdrs: Vec<Cdr>,
    /// How many of them earlier lives of the process left.
    pub cdrs_before_restart: u64,
    /// What the edge counted.
    pub counts: Counts,
    /// RTP ports can be bound; a simulation may forbid it.
    pub bindable: bool,
    outputs: Vec<Output>,
}

impl Server {
    /// A node with these tenants, its chance from `seed`.
    ///
    /// # Panics
    /// When two tenants claim one domain.
    #[must_use]
    pub fn new(configs: Vec<TenantConfig>, seed: [u8; 32], ports: PortRange, now: Now) -> Server {
        let limits = Limits::default();
        let setup = Setup {
            seed,
            nonce_key: seed,
            server_name: "Carillon".into(),
            limits,
        };
        let configs: BTreeMap<_, _> = configs.into_iter().map(|c| (c.id(), Arc::new(c))).collect();
        let rows = configs.values().map(|c| {
            (
                c.id(),
                c.domains().iter().map(|d| d.to_string()).collect::<Vec<_>>(),
            )
        });
        let directory =
            Directory::new(rows).unwrap_or_else(|e| unreachable!("two tenants share a domain: {e}"));
        let mut server = Server {
            edge: Edge::new(seed, "Carillon".into(), limits),
            directory,
            tenants: BTreeMap::new(),
            setup,
            relay: Relay::new(ports),
            ports: BTreeMap::new(),
            range: ports,
            journal: Vec::new(),
            cdrs: Vec::new(),
            cdrs_before_restart: 0,
            counts: Counts::default(),
            bindable: true,
            outputs: Vec::new(),
            configs,
        };
        server.start_tenants(now);
        server
    }

    fn start_tenants(&mut self, now: Now) {
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
        self.start_tenants(now);
        for record in self.bindings() {
            if let Some(tenant) = self.tenants.get_mut(&record.tenant) {
                tenant.restore(record, now);
            }
        }
    }

    /// The bindings that the journal adds up to.
    #[must_use]
    pub fn bindings(&self) -> Vec<BindingRecord> {
        let mut live = BTreeMap::new();
        for change in &self.journal {
            match change {
                BindingChange::Put(record) => {
                    live.insert(
                        (record.tenant, record.user, record.key.clone()),
                        (**record).clone(),
                    );
                }
                BindingChange::Remove { tenant, user, key } => {
                    live.remove(&(*tenant, *user, key.clone()));
                }
            }
        }
        live.into_values().collect()
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

    /// A SIP message came in.
    pub fn receive(&mut self, flow: FlowToken, packet: &[u8], now: Now) {
        match self.edge.admit(packet, &flow, &self.directory, &mut self.counts) {
            Admit::Reply { bytes, .. } => self.outputs.push(Output::Sip(flow, bytes)),
            Admit::Drop { .. } => {}
            Admit::Deliver { scope, message } => {
                let id = scope.tenant();
                self.input(
                    id,
                    Input::Sip {
                        flow,
                        message: &message,
                    },
                    now,
                );
            }
        }
    }

    /// Anything else happens to a tenant.
    pub fn input(&mut self, id: TenantId, input: Input<'_>, now: Now) {
        let Some(tenant) = self.tenants.get_mut(&id) else {
            return;
        };
        let mut effects = Vec::new();
        tenant.handle(input, now, &mut effects);
        self.perform(effects, now);
    }

    /// A tenant has a newer configuration.
    pub fn configure(&mut self, config: TenantConfig, now: Now) {
        let config = Arc::new(config);
        self.configs.insert(config.id(), Arc::clone(&config));
        self.input(config.id(), Input::Config(config), now);
    }

    /// A connection broke.
    pub fn connection_lost(&mut self, connection: u64, now: Now) {
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

    /// A packet came in on one of the relay's ports.
    pub fn receive_media(&mut self, at: SocketAddr, from: SocketAddr, packet: &[u8], now: Now) {
        let Some((pair, rtcp)) = self.ports.get(&at).copied() else {
            return;
        };
        let forward = self.relay.handle_packet(pair, rtcp, from, packet, now.mono);
        let Some(forward) = forward else { return };
        let source = self.socket(forward.pair, forward.rtcp);
        if let Some(source) = source {
            self.outputs
                .push(Output::Media(source, forward.to, packet.to_vec()));
        }
    }

    fn socket(&self, pair: PairId, rtcp: bool) -> Option<SocketAddr> {
        self.ports
            .iter()
            .find(|(_, known)| **known == (pair, rtcp))
            .map(|(address, _)| *address)
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
        if self.relay.poll_timeout().is_some_and(|at| at <= now.mono) {
            self.relay.handle_timeout(now.mono);
            self.serve_relay(now);
        }
    }

    /// When time matters next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let tenants = self.tenants.values().filter_map(Tenant::poll_timeout).min();
        [tenants, self.relay.poll_timeout()].into_iter().flatten().min()
    }

    /// What is to be sent.
    pub fn take_outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// The media plane answers later, as it does across threads: after everything else of the batch is out.
    fn perform(&mut self, effects: Vec<Effect>, now: Now) {
        let mut commands = Vec::new();
        for effect in effects {
            match effect {
                Effect::Transmit { flow, bytes } => self.outputs.push(Output::Sip(flow, bytes)),
                Effect::Media(command) => commands.push(command),
                Effect::Cdr(cdr) => self.cdrs.push(*cdr),
                Effect::Binding(change) => self.journal.push(change),
            }
        }
        for command in commands {
            self.command(&command, now);
        }
    }

    fn command(&mut self, command: &MediaCommand, now: Now) {
        self.relay.handle_command(command, now.mono);
        self.serve_relay(now);
    }

    fn serve_relay(&mut self, now: Now) {
        while let Some(effect) = self.relay.poll_effect() {
            match effect {
                media::Effect::Bind { pair, ip, rtp_port } => {
                    if self.bindable {
                        self.ports.insert(SocketAddr::new(ip, rtp_port), (pair, false));
                        self.ports.insert(SocketAddr::new(ip, rtp_port + 1), (pair, true));
                    }
                    self.relay.bound(pair, self.bindable, now.mono);
                }
                media::Effect::Report(report) => self.report(report, now),
            }
        }
    }

    fn report(&mut self, report: MediaReport, now: Now) {
        let tenant = TenantId(report.session().0 >> 32);
        self.input(tenant, Input::Media(report), now);
    }
}
