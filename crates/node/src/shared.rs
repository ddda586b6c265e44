//! What all threads of a node share, and the messages that cross between them.
//!
//! A worker owns a tenant when the tenant's partition modulo the number of workers is the worker's
//! index. Nothing here is locked on the path of a message: the directory is a snapshot, queues are used
//! once per turn, and with one worker not at all.

use crate::border_desk::BorderDesk;
use crate::clock::Clock;
use crate::dtls::Certificates;
use crate::fork::ForkDesk;
use crate::hep::HepDesk;
use crate::inbox::Inbox;
use crate::listen::Address;
use crate::resolve::Resolver;
pub(crate) use crate::seam::{MediaItem, random32};
use crate::settings::Settings;
use crate::spool::SpoolDesk;
use crate::tls::Tls;
use crate::trust::Trust;
use crate::vouching::Vouching;
use arc_swap::ArcSwap;
use bytes::Bytes;
use link::ReportFrame;
use media::RoomFrame;
use model::{
    BindingRecord, CallCheckpoint, CallId, CallView, CdrId, Counts, DeviceId, EventCommand, EventRecord,
    FetchedCertificate, FlowToken, Located, MediaCommand, MediaSessionId, RegistrationView, RoomCommand,
    RoomView, SettingsChange, SignIn, Sound, StreamKind, TenantConfig, TenantId, TollCheckpoint, TollScope,
    TollUse, Transport, TrunkView, UserId,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tenancy::{Directory, Peers};
use trace::{Summary, Trace};

/// What the journals keep of a tenant, or of a worker's tenants.
#[derive(Default)]
pub(crate) struct Remembered {
    /// Where phones are.
    pub(crate) bindings: Vec<BindingRecord>,
    /// What the event core keeps.
    pub(crate) events: Vec<EventRecord>,
    /// Calls that were up.
    pub(crate) calls: Vec<CallCheckpoint>,
    /// What limits on calls to the outside had counted.
    pub(crate) counted: BTreeMap<TenantId, TollCheckpoint>,
}

/// To a session worker; must not be lost.
pub(crate) enum Sure {
    /// A tenant's newest configuration.
    Config(Arc<TenantConfig>),
    /// A tenant is gone.
    Removed(TenantId),
    /// A phone's change of settings is in the configuration that came last, or can't be kept.
    SettingsKept(TenantId, UserId, u64),
    /// The DNS has answered a tenant.
    Located(TenantId, Located),
    /// The certificate of who vouches for a caller has come, or won't.
    Certificate(TenantId, FetchedCertificate),
    /// Others are believed when they vouch for callers.
    Authorities(Arc<stir::Anchors>),
    /// A connection that carried messages for this tenant is gone.
    FlowClosed {
        /// The tenant.
        tenant: TenantId,
        /// Worker of the flow token.
        worker: u16,
        /// Connection of the flow token.
        connection: u64,
    },
    /// From the media plane.
    Media(ReportFrame),
    /// Somebody asks.
    Query(Query),
    /// Refuse new calls and new connections.
    Drain,
    /// End all calls.
    HangUpAll,
    /// End the thread.
    Stop,
    /// What is kept of a tenant that is being rebuilt after a panic.
    Recovered(TenantId, Remembered),
    /// Makes the tenant's next input panic.
    #[cfg(test)]
    Fault(TenantId),
}

/// To a session worker; shed when the queue is full.
pub(crate) enum Bulk {
    /// A message for a tenant of this worker, received by another.
    Packet {
        /// The tenant, as the receiving worker's directory had it.
        tenant: TenantId,
        /// Where it came from.
        flow: FlowToken,
        /// The message.
        bytes: Bytes,
        /// Who opened the connection.
        sign_in: Option<SignIn>,
    },
    /// A message to send on a connection of this worker.
    Transmit {
        /// Whose message: told when the connection is gone.
        tenant: TenantId,
        /// The connection.
        flow: FlowToken,
        /// The message.
        bytes: Bytes,
    },
}

/// A question and where the answer goes.
pub(crate) enum Query {
    /// Bindings of a tenant.
    Registrations(TenantId, Sender<Vec<RegistrationView>>),
    /// The media session of a call that is up, and the id of its record; `None` when there is no such call here, or its audio goes
    /// straight.
    Session(TenantId, CallId, Sender<Option<(MediaSessionId, CdrId)>>),
    /// Conferences of a tenant.
    Rooms(TenantId, Sender<Vec<RoomView>>),
    /// Do something to a conference, or to its members with this number; answered with how many those are.
    Room(TenantId, u64, Option<Box<str>>, RoomCommand, Sender<usize>),
    /// Calls of a tenant.
    Calls(TenantId, Sender<Vec<CallView>>),
    /// Trunks of a tenant.
    Trunks(TenantId, Sender<Vec<TrunkView>>),
    /// What is used of a tenant's limits, after those of a scope were lifted.
    Toll(TenantId, Option<(TollScope, Duration)>, Sender<Vec<TollUse>>),
    /// What is kept of a tenant's calls.
    Traces(TenantId, Sender<Vec<Summary>>),
    /// What is kept of one of them, by any of its names.
    Trace(TenantId, Box<str>, Sender<Option<Trace>>),
    /// Totals of the worker.
    Totals(Sender<Totals>),
    /// Trunks of all of the worker's tenants, with the names of these.
    AllTrunks(Sender<Vec<(Box<str>, TrunkView)>>),
    /// Remove a user's bindings.
    Unregister(TenantId, UserId, Sender<usize>),
    /// A sign-in token for a device, good for so long; `None` when the tenant has no such device.
    Token(TenantId, DeviceId, Duration, Sender<Option<String>>),
    /// Tell the event core something; answered with the phones that can be reached of the device or user meant.
    Event(TenantId, EventCommand, Sender<usize>),
}

/// What one worker has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    /// Outcomes.
    pub(crate) counts: Counts,
    /// Calls that have not ended.
    pub(crate) calls: usize,
    /// Open connections.
    pub(crate) connections: usize,
    /// Tenants that are alive.
    pub(crate) tenants: usize,
    /// Bindings.
    pub(crate) registrations: usize,
    /// Transactions that have not ended.
    pub(crate) transactions: usize,
    /// Subscriptions.
    pub(crate) subscriptions: usize,
    /// Octets of kept messages.
    pub(crate) trace_octets: usize,
}

/// What the threads of sounds are asked for.
pub(crate) enum Want {
    /// A sound for a session.
    Sound {
        /// Which media worker has it.
        worker: usize,
        /// Whose program.
        session: MediaSessionId,
        /// Which sound.
        sound: Sound,
        /// Samples per second.
        rate_hz: u32,
    },
    /// End the thread.
    Stop,
}

/// Queue into a session worker.
pub(crate) type SessionInbox = Inbox<Sure, Bulk>;
/// Queue into a media worker.
pub(crate) type MediaInbox = Inbox<MediaItem, Arc<RoomFrame>>;
/// Frames of rooms that wait for a media worker at most: a second of eighty rooms of one other worker. More are not heard.
pub(crate) const ROOM_FRAMES: usize = 4_096;

/// What all threads share.
pub(crate) struct Shared {
    /// As given.
    pub(crate) settings: Settings,
    /// The clocks.
    pub(crate) clock: Clock,
    /// Where we listen.
    pub(crate) addresses: Vec<Address>,
    /// Which tenant owns which domain.
    pub(crate) directory: Arc<ArcSwap<Directory>>,
    /// Signs calls to carriers, and verifies theirs.
    pub(crate) vouching: Vouching,
    /// Where calls of carriers may come from.
    pub(crate) peers: Arc<ArcSwap<Peers>>,
    /// Certificates, when a TLS address is configured.
    pub(crate) tls: Option<Tls>,
    /// Whom carriers' certificates have to be from.
    pub(crate) trust: Trust,
    /// What browsers are shown.
    pub(crate) dtls: Certificates,
    /// One per session worker.
    pub(crate) sessions: Vec<SessionInbox>,
    /// One per media worker.
    pub(crate) media: Vec<MediaInbox>,
    /// Makes the tags of stateless answers.
    pub(crate) edge_key: [u8; 32],
    /// Signs sign-in tokens.
    pub(crate) token_key: [u8; 32],
    /// Set by a drain.
    pub(crate) draining: AtomicBool,
    /// Set when a shutdown should not wait for calls any longer.
    pub(crate) hurry: AtomicBool,
    /// Packets that media workers forwarded, for the status.
    pub(crate) media_packets: AtomicU64,
    /// Ticks of sound that came late, for the status.
    pub(crate) media_ticks_late: AtomicU64,
    /// Frames of rooms that a media worker had no place for.
    pub(crate) room_frames_shed: AtomicU64,
    /// Ports that media workers have bound.
    pub(crate) media_ports: Ports,
    /// Who may send at all.
    pub(crate) border: BorderDesk,
    /// Finds carriers by the DNS.
    pub(crate) resolver: Resolver,
    /// Forks of calls' sound.
    pub(crate) forks: Arc<ForkDesk>,
    /// Messages on their way to a collector, where one is named.
    pub(crate) hep: Option<Arc<HepDesk>>,
    /// Recordings on their way to files.
    pub(crate) spool: Arc<SpoolDesk>,
    /// To the thread that finds sounds that are shipped.
    pub(crate) sounds: SyncSender<Want>,
    /// To the one that finds what belongs to a tenant.
    pub(crate) own_sounds: SyncSender<Want>,
    /// To the keeper of configuration and records.
    pub(crate) keeper: Sender<KeeperItem>,
    /// What phones changed of their users' settings, for the keeper.
    pub(crate) wishes: Wishes,
    /// What limits on calls to the outside have counted, for the keeper.
    pub(crate) counted: Counted,
}

/// A set of ports that only grows, written by some threads and read by others.
pub(crate) struct Ports(Box<[AtomicU64]>);

impl Ports {
    /// No port yet.
    pub(crate) fn new() -> Ports {
        Ports((0..=u16::MAX / 64).map(|_| AtomicU64::new(0)).collect())
    }

    /// Adds one.
    pub(crate) fn insert(&self, port: u16) {
        if let Some(word) = self.0.get(usize::from(port / 64)) {
            word.fetch_or(1 << (port % 64), Ordering::Relaxed);
        }
    }

    /// True for one that was added.
    pub(crate) fn contains(&self, port: u16) -> bool {
        let word = self.0.get(usize::from(port / 64));
        word.is_some_and(|w| w.load(Ordering::Relaxed) >> (port % 64) & 1 == 1)
    }
}

/// What phones changed and the keeper has not seen yet: one entry per user, for a later change holds what an earlier one
/// did.
#[derive(Default)]
pub(crate) struct Wishes(Mutex<BTreeMap<(TenantId, UserId), SettingsChange>>);

impl Wishes {
    /// Leaves one for the keeper. True for the first since it looked: it is to be told.
    pub(crate) fn leave(&self, change: SettingsChange) -> bool {
        let mut wishes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = wishes.is_empty();
        wishes.insert((change.tenant, change.user), change);
        first
    }

    /// All there are.
    pub(crate) fn take(&self) -> BTreeMap<(TenantId, UserId), SettingsChange> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What limits have counted and the keeper has not written yet: the latest of each tenant.
#[derive(Default)]
pub(crate) struct Counted(Mutex<BTreeMap<TenantId, TollCheckpoint>>);

impl Counted {
    /// Leaves one for the keeper.
    pub(crate) fn leave(&self, tenant: TenantId, counted: TollCheckpoint) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(tenant, counted);
    }

    /// All there are.
    pub(crate) fn take(&self) -> BTreeMap<TenantId, TollCheckpoint> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Those that could not be written; where there is a later one it stays.
    pub(crate) fn give_back(&self, old: BTreeMap<TenantId, TollCheckpoint>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (tenant, counted) in old {
            all.entry(tenant).or_insert(counted);
        }
    }
}

/// To the keeper.
pub(crate) enum KeeperItem {
    /// Read a tenant's bindings back from the journals and send them to its owner.
    Recover(TenantId),
    /// Look for changes of the configuration now.
    Refresh,
    /// Phones changed settings: see [`Shared::wishes`].
    Settings,
    /// Finish: sync, drain, end.
    Stop,
}

impl Shared {
    /// The worker that owns a tenant.
    pub(crate) fn owner(&self, tenant: TenantId) -> usize {
        usize::from(tenant.partition().0) % self.sessions.len().max(1)
    }

    /// The inbox of the worker that owns a tenant.
    pub(crate) fn owner_inbox(&self, tenant: TenantId) -> Option<&SessionInbox> {
        self.sessions.get(self.owner(tenant))
    }

    /// The way between two tenants, by the address of the first socket.
    pub(crate) fn inside(&self) -> Option<FlowToken> {
        let first = |udp: bool| {
            self.addresses
                .iter()
                .find(|a| !udp || a.transport == Transport::Udp)
        };
        let address = first(true).or_else(|| first(false))?;
        Some(FlowToken::inside(address.public))
    }

    /// What is said of a leg whose other end is a call of this server, with the sockets' own addresses: a packet that left for the public
    /// one would have to come back from a router. `None` for all else.
    pub(crate) fn within(&self, command: &MediaCommand) -> Option<MediaCommand> {
        let mut inner = match command {
            MediaCommand::Remote { signalling_ip, .. } if signalling_ip.is_unspecified() => command.clone(),
            _ => return None,
        };
        if let MediaCommand::Remote { rtp, rtcp, .. } = &mut inner {
            for at in [rtp, rtcp].into_iter().flatten() {
                let own = self.addresses.iter().find(|a| a.public.ip() == at.ip());
                at.set_ip(own.map_or(at.ip(), |a| a.bound.ip()));
            }
        }
        Some(inner)
    }

    /// True for the address of a media worker's socket: what comes from there has been relayed already.
    pub(crate) fn is_media_socket(&self, from: SocketAddr) -> bool {
        self.media_ports.contains(from.port())
            && self
                .addresses
                .iter()
                .any(|a| a.bound.ip() == from.ip() || a.public.ip() == from.ip())
    }

    /// The media worker of a session: any fixed spread will do.
    pub(crate) fn media_worker(&self, session: MediaSessionId) -> usize {
        // The streams of a call are on one worker, so that what is said of them comes in order.
        let call = MediaSessionId::of(session.tenant(), session.call(), StreamKind::Audio);
        let mixed = call.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        usize::try_from(mixed).unwrap_or(0) % self.media.len().max(1)
    }
}
