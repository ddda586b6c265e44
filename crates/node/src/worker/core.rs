//! What a worker does with a message, apart from sockets: edge, tenants, and where effects go.
//!
//! Everything that leaves is collected during a turn of the loop and leaves at its end, in this order:
//! journals, messages, other workers, media. So a peer never sees what a crash could still undo.

mod past;
mod query;

use super::tape::Tape;
use super::tenants::{Outcome, Tenants};
use super::{reach, told};
use crate::records::Records;
use crate::shared::{Bulk, KeeperItem, MediaItem, Remembered, Shared, Sure};
use arc_swap::{ArcSwap, Cache};
use border::{Overload, Report};
use bytes::Bytes;
use link::{Control, ReportFrame};
use model::{
    Connect, ConnectOutcome, Connected, Counts, FlowToken, Now, Reach, SignIn, TenantConfig, TenantId, UserId,
};
use pbx::edge::{Admit, Edge};
use pbx::{Effect, Input, Setup, Tenant, TokenKey};
use sip::Message;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tenancy::{Directory, Peers};

/// A message on its way out.
pub(crate) struct Outbound {
    /// Whose it is; `None` for answers that no tenant knows of.
    pub(crate) tenant: Option<TenantId>,
    /// Where to.
    pub(crate) flow: FlowToken,
    /// The octets.
    pub(crate) bytes: Bytes,
}

/// What waits for another worker until the end of the turn.
#[derive(Default)]
struct Lane {
    sure: Vec<Sure>,
    bulk: Vec<Bulk>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Received {
    /// Whose it is.
    pub(crate) tenant: Option<TenantId>,
    /// The stream that it came on can't be read any further.
    pub(crate) close: bool,
}

/// What an order from outside means for the worker's own things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Nothing.
    None,
    /// Take no new connections.
    StopAccepting,
    /// End the thread.
    Stop,
}

/// Messages between tenants that one round of a turn hands over; the rest waits for the next.
const INSIDE_AT_ONCE: usize = 256;

/// A worker without its sockets.
pub(crate) struct Core {
    /// Which worker.
    pub(crate) index: usize,
    /// Shared with the others.
    pub(crate) shared: Arc<Shared>,
    /// The time of this turn.
    pub(crate) now: Now,
    /// Outcomes counted by the worker itself.
    pub(crate) counts: Counts,
    /// Messages to send at the end of the turn.
    pub(crate) outbox: Vec<Outbound>,
    /// Messages from one tenant to another, which leave by no socket.
    pub(super) inside: VecDeque<(FlowToken, Bytes)>,
    /// Connections to open at the end of the turn, and for whom.
    pub(crate) connects: Vec<(TenantId, Connect)>,
    /// Ways to carriers to find then, likewise.
    pub(crate) reaches: Vec<(TenantId, Reach)>,
    /// The tenants.
    pub(crate) tenants: Tenants,
    /// The journals.
    pub(crate) records: Records,
    /// How long messages have waited for this worker.
    pub(crate) overload: Overload,
    pub(super) edge: Edge,
    token_key: TokenKey,
    directory: Cache<Arc<ArcSwap<Directory>>, Arc<Directory>>,
    peers: Cache<Arc<ArcSwap<Peers>>, Arc<Peers>>,
    effects: Vec<Effect>,
    lanes: Vec<Lane>,
    media: Vec<Vec<MediaItem>>,
    link: Control,
    tape: Tape,
}

impl Core {
    /// A worker's inner half.
    pub(crate) fn new(index: usize, shared: Arc<Shared>, records: Records, setup: Setup) -> Core {
        let (workers, media) = (shared.sessions.len(), shared.media.len());
        Core {
            index,
            now: shared.clock.now(),
            counts: Counts::default(),
            outbox: Vec::new(),
            inside: VecDeque::new(),
            connects: Vec::new(),
            reaches: Vec::new(),
            overload: shared.border.overload(index),
            edge: Edge::new(setup.edge_key, Arc::clone(&setup.server_name), setup.limits),
            token_key: TokenKey::new(setup.token_key),
            tenants: Tenants::new(setup),
            records,
            directory: Cache::new(Arc::clone(&shared.directory)),
            peers: Cache::new(Arc::clone(&shared.peers)),
            effects: Vec::new(),
            lanes: (0..workers).map(|_| Lane::default()).collect(),
            media: (0..media).map(|_| Vec::new()).collect(),
            link: Control::new(),
            tape: Tape::new(shared.settings.traces.room(workers), shared.hep.clone()),
            shared,
        }
    }

    /// A message from the network that the border has let in, on a connection that `sign_in` opened. `locks`: some credential is
    /// locked where it comes from.
    pub(crate) fn receive(
        &mut self,
        packet: &[u8],
        flow: &FlowToken,
        sign_in: Option<SignIn>,
        locks: bool,
    ) -> Received {
        let directory = self.directory.load();
        self.edge.set_peers(self.peers.load());
        match self.edge.admit(packet, flow, directory, &mut self.counts) {
            Admit::Deliver { scope, message } => {
                if self.refuses(scope.tenant(), flow, &message, locks) {
                    return Received::default();
                }
                self.deliver(scope.tenant(), flow, &message, sign_in);
                Received {
                    tenant: Some(scope.tenant()),
                    close: false,
                }
            }
            Admit::Reply { bytes, close, fault } => {
                self.answer(*flow, bytes);
                self.blame(flow, fault);
                Received { tenant: None, close }
            }
            Admit::Drop { close, fault } => {
                self.blame(flow, fault);
                Received { tenant: None, close }
            }
        }
    }

    /// Hands over what tenants have said to each other in this turn, and what comes of it. No border is between them.
    pub(super) fn go_inside(&mut self) {
        for _ in 0..INSIDE_AT_ONCE {
            let Some((flow, bytes)) = self.inside.pop_front() else {
                return;
            };
            match self
                .edge
                .admit(&bytes, &flow, self.directory.load(), &mut self.counts)
            {
                Admit::Deliver { scope, message } => self.deliver(scope.tenant(), &flow, &message, None),
                Admit::Reply { bytes, .. } => self.answer(flow, bytes),
                Admit::Drop { .. } => {}
            }
        }
    }

    /// Octets of a stream that can't be framed: answers if possible.
    pub(crate) fn refuse_frame(&mut self, head: &[u8], code: u16, flow: &FlowToken) {
        self.counts.messages += 1;
        match code {
            513 => self.counts.oversized += 1,
            _ => self.counts.invalid += 1,
        }
        self.report(flow, Report::Malformed);
        if let Some(bytes) = self.edge.refuse_frame(head, code, flow) {
            self.answer(*flow, bytes);
        }
    }

    /// Queues an answer that no tenant knows of.
    pub(crate) fn answer(&mut self, flow: FlowToken, bytes: Bytes) {
        if flow.is_inside() {
            return self.inside.push_back((flow, bytes));
        }
        self.outbox.push(Outbound {
            tenant: None,
            flow,
            bytes,
        });
    }

    /// Who a token of ours says its bearer is; `None` for a forged one, one that has ended, and one of a tenant that is gone.
    pub(crate) fn sign_in(&mut self, token: &str) -> Option<SignIn> {
        let found = self.token_key.read(token, self.now.wall).ok()?;
        self.directory.load().by_tag(found.tenant).map(|_| found)
    }

    fn deliver(
        &mut self,
        tenant: TenantId,
        flow: &FlowToken,
        message: &Message<'_>,
        sign_in: Option<SignIn>,
    ) {
        let owner = self.shared.owner(tenant);
        // What one tenant's token proves is nothing to another.
        let sign_in = sign_in.filter(|s| s.tenant == tenant);
        let input = Input::Sip {
            flow: *flow,
            message,
            sign_in,
        };
        // A tenant that the directory names but we don't know is so new that its configuration is still in
        // our inbox. The message goes round once and meets it there.
        if owner != self.index || self.input(tenant, input) == Outcome::Unknown {
            let bytes = Bytes::copy_from_slice(message.bytes());
            self.to(owner, |lane| {
                lane.bulk.push(Bulk::Packet {
                    tenant,
                    flow: *flow,
                    bytes,
                    sign_in,
                })
            });
        }
    }

    /// Hands one input to one tenant and sorts what comes of it.
    pub(super) fn input(&mut self, tenant: TenantId, input: Input<'_>) -> Outcome {
        let heard = match &input {
            Input::Sip { flow, message, .. } => Some((*flow, *message)),
            _ => None,
        };
        self.tenants.know(self.directory.load());
        let outcome = self.tenants.handle(tenant, input, self.now, &mut self.effects);
        if let Some((flow, message)) = heard.filter(|_| outcome != Outcome::Unknown) {
            self.tape.received(tenant, &flow, message, self.now);
        }
        self.settle(tenant, outcome);
        outcome
    }

    fn settle(&mut self, tenant: TenantId, outcome: Outcome) {
        match outcome {
            Outcome::Done => self.sort(tenant),
            Outcome::Unknown => {}
            Outcome::Recovering => self.counts.shed += 1,
            Outcome::Panicked => self.recover(tenant),
        }
    }

    /// Puts effects where they will be performed at the end of the turn.
    fn sort(&mut self, tenant: TenantId) {
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Transmit { flow, bytes } => {
                    self.tape.sent(tenant, &flow, &bytes, self.now);
                    if flow.is_inside() {
                        self.inside.push_back((flow, bytes));
                        continue;
                    }
                    self.outbox.push(Outbound {
                        tenant: Some(tenant),
                        flow,
                        bytes,
                    });
                }
                Effect::Connect(order) => self.connects.push((tenant, order)),
                Effect::Reach(reach) => self.reaches.push((tenant, reach)),
                Effect::Locate(locate) => reach::locate(&self.shared, self.index, tenant, &locate),
                Effect::FetchCertificate(wanted) => {
                    reach::fetch(&self.shared, self.index, tenant, &wanted);
                }
                Effect::Access(access) => {
                    let border = &self.shared.border;
                    border.access(&access, self.now.mono, &mut self.counts);
                }
                Effect::Trunk(news) => told::news(tenant, &news),
                Effect::Stir(news) => told::stir(tenant, &news),
                Effect::Emergency(call) => told::emergency(&call),
                Effect::Toll(alert) => told::toll(tenant, &alert),
                Effect::Reachable(reachable) => {
                    let before = self.shared.peers.load_full();
                    self.shared
                        .peers
                        .rcu(|peers| peers.with(tenant, reachable.clone()));
                    if reachable.is_some() {
                        self.shared.border.were(before.hosts_of(tenant), self.now.mono);
                    }
                }
                Effect::Media(command) => {
                    let epoch = self.tenants.epoch(tenant);
                    self.link.say(command, epoch, self.now.mono);
                }
                Effect::Leg(leg) => self.tape.leg(tenant, &leg, self.now),
                Effect::Cdr(cdr) => {
                    told::ended(&cdr);
                    self.tape.ended(tenant, cdr.id);
                    self.records.cdr(*cdr);
                }
                Effect::Binding(change) => self.records.binding(change),
                Effect::Wake(wake) => {
                    tracing::debug!(%tenant, call = %wake.call, provider = %wake.target.provider, "a phone is to be woken");
                    if let Some(hook) = &self.shared.settings.wake {
                        (hook.0)(&wake);
                    }
                }
                Effect::Barred { room, of_all, for_s } => told::barred(tenant, room, of_all, for_s),
                Effect::Event(change) => self.records.event(change),
                Effect::Call(change) => self.records.call(change),
                Effect::Counted(counted) => self.shared.counted.leave(tenant, *counted),
                Effect::Settings(change) => {
                    if self.shared.wishes.leave(*change) {
                        let _ = self.shared.keeper.send(KeeperItem::Settings);
                    }
                }
            }
        }
    }

    /// A tenant panicked: its bindings and calls come back from the journals. Others go on.
    fn recover(&mut self, tenant: TenantId) {
        self.counts.panics += 1;
        tracing::error!(%tenant, "a tenant panicked and is rebuilt from its configuration and the journals");
        self.records.commit(self.now.mono, &mut self.counts);
        self.link.forget(tenant);
        self.tape.lost(tenant);
        for lane in &mut self.media {
            lane.push(MediaItem::Abandon(tenant));
        }
        if self.shared.keeper.send(KeeperItem::Recover(tenant)).is_err() {
            self.tenants.restore(tenant, Remembered::default(), self.now);
        }
    }

    fn to(&mut self, worker: usize, fill: impl FnOnce(&mut Lane)) {
        if let Some(lane) = self.lanes.get_mut(worker) {
            fill(lane);
        }
    }

    /// A message for a connection of another worker.
    pub(crate) fn forward(&mut self, worker: usize, tenant: TenantId, flow: FlowToken, bytes: Bytes) {
        self.to(worker, |lane| {
            lane.bulk.push(Bulk::Transmit { tenant, flow, bytes })
        });
    }

    /// Tells a tenant, wherever it lives, that a connection is gone.
    pub(crate) fn flow_closed(&mut self, tenant: TenantId, worker: u16, connection: u64) {
        let owner = self.shared.owner(tenant);
        if owner == self.index {
            self.input(tenant, Input::FlowClosed { worker, connection });
        } else {
            self.to(owner, |lane| {
                lane.sure.push(Sure::FlowClosed {
                    tenant,
                    worker,
                    connection,
                })
            });
        }
    }

    /// A tenant hears what became of a connection that it wanted.
    pub(crate) fn connected(&mut self, tenant: TenantId, connected: Connected) {
        match connected.outcome {
            ConnectOutcome::Open(_) => self.counts.connected += 1,
            ConnectOutcome::Refused | ConnectOutcome::Untrusted(_) | ConnectOutcome::Busy => {
                self.counts.connects_failed += 1;
            }
        }
        self.input(tenant, Input::Connected(connected));
    }

    /// A frame of a media worker.
    fn heard(&mut self, frame: ReportFrame) {
        self.link.hear(frame, self.now.mono);
        self.deliver_reports();
    }

    fn deliver_reports(&mut self) {
        while let Some(report) = self.link.poll_report() {
            told::trouble(&report);
            self.input(report.session().tenant(), Input::Media(report));
        }
    }

    /// When something is due.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let due = [
            self.tenants.next_deadline(),
            self.link.poll_timeout(),
            self.tape.next_deadline(),
        ];
        due.into_iter().flatten().min()
    }

    /// Every tenant whose deadline has passed, and every media session that was not heard of.
    pub(crate) fn expire(&mut self) {
        self.tape.expire(self.now.mono);
        if self.link.poll_timeout().is_some_and(|at| at <= self.now.mono) {
            self.link.handle_timeout(self.now.mono);
            self.deliver_reports();
        }
        while let Some(tenant) = self.tenants.expired(self.now.mono) {
            self.input(tenant, Input::Timeout);
        }
    }

    /// Something from another thread.
    pub(crate) fn sure(&mut self, item: Sure, connections: usize) -> Order {
        match item {
            Sure::Config(config) => self.configure(config),
            Sure::Removed(tenant) => self.remove(tenant),
            Sure::SettingsKept(tenant, user, id) => {
                self.input(tenant, Input::SettingsKept { user, id });
            }
            Sure::Located(tenant, located) => {
                self.input(tenant, Input::Located(located));
            }
            Sure::Certificate(tenant, fetched) => {
                self.input(tenant, Input::Certificate(fetched));
            }
            Sure::Authorities(authorities) => {
                self.tenants.trust(Arc::clone(&authorities));
                self.all(|| Input::Authorities(Arc::clone(&authorities)));
            }
            Sure::FlowClosed {
                tenant,
                worker,
                connection,
            } => {
                self.input(tenant, Input::FlowClosed { worker, connection });
            }
            Sure::Media(frame) => self.heard(frame),
            Sure::Query(query) => self.query(query, connections),
            Sure::Recovered(tenant, records) => self.tenants.restore(tenant, records, self.now),
            Sure::Drain => {
                self.tenants.drain();
                self.all(|| Input::Drain);
                return Order::StopAccepting;
            }
            Sure::HangUpAll => self.all(|| Input::HangUpAll),
            Sure::Stop => return Order::Stop,
            #[cfg(test)]
            Sure::Fault(tenant) => self.tenants.fault(tenant),
        }
        Order::None
    }

    /// A message that another worker received for a tenant of ours.
    pub(crate) fn packet(
        &mut self,
        tenant: TenantId,
        flow: FlowToken,
        bytes: &Bytes,
        sign_in: Option<SignIn>,
    ) {
        let Ok(message) = Message::parse(bytes) else {
            return;
        };
        if self.input(
            tenant,
            Input::Sip {
                flow,
                message: &message,
                sign_in,
            },
        ) == Outcome::Unknown
        {
            self.counts.shed += 1;
        }
    }

    fn all(&mut self, input: impl Fn() -> Input<'static>) {
        for tenant in self.tenants.living() {
            self.input(tenant, input());
        }
    }

    pub(crate) fn configure(&mut self, config: Arc<TenantConfig>) {
        let tenant = config.id();
        let outcome = self.tenants.configure(config, self.now, &mut self.effects);
        self.settle(tenant, outcome);
    }

    /// The tenant is deleted: hang up, forget its phones, let it go when nothing is left.
    fn remove(&mut self, tenant: TenantId) {
        self.input(tenant, Input::Drain);
        self.input(tenant, Input::HangUpAll);
        let now = self.now;
        let bindings = self
            .tenants
            .with(tenant, now, |t| t.registrations(now))
            .unwrap_or_default();
        for binding in bindings {
            self.unregister(tenant, binding.user);
        }
        self.with_effects(tenant, |t, effects| t.dismiss_events(now, effects));
        self.tenants.remove(tenant);
    }

    fn unregister(&mut self, tenant: TenantId, user: UserId) -> usize {
        let now = self.now;
        let gone = self.with_effects(tenant, |t, effects| t.unregister(user, now, effects));
        gone.unwrap_or(0)
    }

    /// Does something to a tenant and sorts what comes of it.
    fn with_effects<T>(
        &mut self,
        tenant: TenantId,
        act: impl FnOnce(&mut Tenant, &mut Vec<Effect>) -> T,
    ) -> Option<T> {
        let mut effects = std::mem::take(&mut self.effects);
        let done = self.tenants.with(tenant, self.now, |t| act(t, &mut effects));
        self.effects = effects;
        self.sort(tenant);
        done
    }

    /// Gives other threads what was collected for them.
    pub(crate) fn flush_lanes(&mut self) {
        self.tape.flush();
        for (inbox, lane) in self.shared.sessions.iter().zip(&mut self.lanes) {
            inbox.send_all(&mut lane.sure);
            let shed = inbox.offer_all(&mut lane.bulk);
            self.counts.shed += u64::try_from(shed).unwrap_or(u64::MAX);
        }
        while let Some(frame) = self.link.poll_frame() {
            let worker = self.shared.media_worker(frame.session);
            if let Some(lane) = self.media.get_mut(worker) {
                lane.push(MediaItem::Frame(frame));
            }
        }
        for (inbox, lane) in self.shared.media.iter().zip(&mut self.media) {
            inbox.send_all(lane);
        }
    }
}
