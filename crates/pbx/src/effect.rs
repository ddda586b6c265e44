//! What goes into a tenant and what comes out.

use bytes::Bytes;
use model::{
    Access, BindingChange, CallChange, CallLeg, Cdr, Connect, Connected, EmergencyCall, EventChange,
    EventCommand, FetchCertificate, FetchedCertificate, FlowToken, Limits, Locate, Located, MediaCommand,
    MediaReport, Reach, Reached, RoomCommand, SettingsChange, SignIn, StirNews, TenantConfig, TollAlert,
    TollCheckpoint, TrunkNews, UserId, Wake,
};
use std::sync::Arc;
use tenancy::Reachable;

/// What the shell gives a tenant when it brings it to life.
#[derive(Clone)]
pub struct Setup {
    /// Seed of all tags, branches, ids and nonces; from the operating system in production, new for each life.
    pub seed: [u8; 32],
    /// Makes the tags of stateless answers.
    pub edge_key: [u8; 32],
    /// Signs sign-in tokens; the same on every node and after a restart, for tokens outlive both.
    pub token_key: [u8; 32],
    /// Value of `Server` and `User-Agent`.
    pub server_name: Arc<str>,
    /// The values of `a=fingerprint` for the certificates that the media plane has for DTLS-SRTP, by number. Two are wanted: a
    /// browser whose call is transferred learns from another fingerprint that it has to do with another session. Without
    /// any, browsers are talked to plainly.
    pub fingerprints: Arc<[Arc<str>]>,
    /// The way between two tenants of the server, where there is one: then a call to a number of another tenant takes it.
    pub inside: Option<FlowToken>,
    /// Signs calls to carriers that want that (RFC 8224); `None` = the operator has no key.
    pub signer: Option<Arc<stir::Signer>>,
    /// Who may certify those that vouch for callers; without any, calls are not verified.
    pub authorities: Arc<stir::Anchors>,
    /// What is taken for good of what they say.
    pub stir_rules: stir::Rules,
    /// The node's caps.
    pub limits: Limits,
}

/// One thing that happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A message that [`crate::edge`] admitted for this tenant.
    Sip {
        /// Where it came from.
        flow: FlowToken,
        /// The message.
        message: &'a sip::Message<'a>,
        /// Who opened the connection that it came on, proven by a token.
        sign_in: Option<SignIn>,
    },
    /// A connection is gone; nothing more can be sent on its flows.
    FlowClosed {
        /// Worker of the flow token.
        worker: u16,
        /// Connection of the flow token.
        connection: u64,
    },
    /// What became of an [`Effect::Connect`].
    Connected(Connected),
    /// What became of an [`Effect::Locate`].
    Located(Located),
    /// What became of an [`Effect::Reach`].
    Reached(Reached),
    /// What became of an [`Effect::FetchCertificate`].
    Certificate(FetchedCertificate),
    /// Others may certify those that vouch for callers from now on.
    Authorities(Arc<stir::Anchors>),
    /// The media plane says.
    Media(MediaReport),
    /// A newer configuration; calls under way keep the one that they began with.
    Config(Arc<TenantConfig>),
    /// Something that events show changed, or a phone is to be told something.
    Event(EventCommand),
    /// A change of [`Effect::Settings`] is in the configuration that came last, or can't be kept for good.
    SettingsKept {
        /// Whose settings.
        user: UserId,
        /// Which change.
        id: u64,
    },
    /// Somebody does something to a conference from outside.
    Room {
        /// Its number.
        room: u64,
        /// To the members with this number; `None` = to all.
        number: Option<Box<str>>,
        /// What.
        command: RoomCommand,
    },
    /// The deadline of [`crate::Tenant::poll_timeout`] has passed.
    Timeout,
    /// The node is going down: refuse new calls, keep those that are up.
    Drain,
    /// Grace is over: hang up every call.
    HangUpAll,
}

/// One thing to do.
#[derive(Debug)]
pub enum Effect {
    /// Send these octets on this flow.
    Transmit {
        /// Where.
        flow: FlowToken,
        /// One whole SIP message.
        bytes: Bytes,
    },
    /// Open a connection to a phone and say what became of it, within [`Limits::connect_timeout_ms`].
    Connect(Connect),
    /// Find out where a name leads, and say so by [`Input::Located`].
    Locate(Locate),
    /// Fetch a certificate that a caller has named, and say what became of it by [`Input::Certificate`]. The call waits two seconds.
    FetchCertificate(FetchCertificate),
    /// Find a way to a place, and say so by [`Input::Reached`]: a socket for datagrams, or a connection that is opened within
    /// [`Limits::connect_timeout_ms`].
    Reach(Reach),
    /// A trunk is otherwise than before: tell the operator.
    Trunk(TrunkNews),
    /// It looks as if no caller could be verified by our own fault, or that is over: tell the operator.
    Stir(StirNews),
    /// Somebody calls for help: tell people on site.
    Emergency(Box<EmergencyCall>),
    /// A limit on calls to the outside is near, reached or lifted: tell the operator and the tenant.
    Toll(Box<TollAlert>),
    /// Where calls of the tenant's trunks may come from now, for the edge; `None` = it has no trunks.
    Reachable(Option<Reachable>),
    /// Somebody was let in, turned away or asked: tell whoever guards the edge.
    Access(Access),
    /// Tell the media plane.
    Media(MediaCommand),
    /// A call has a leg in a dialog: its messages are said in this call. Comes before those of the dialog that begin with us.
    Leg(Box<CallLeg>),
    /// A call ended: keep its record.
    Cdr(Box<Cdr>),
    /// A registration changed: keep it.
    Binding(BindingChange),
    /// Somebody calls a phone that sleeps: have its push service wake it.
    Wake(Box<Wake>),
    /// What the event core keeps changed: keep it.
    Event(EventChange),
    /// A call is up, or is no more: keep it. Nobody waits for this; a removal must not be durable before the `Cdr` of its
    /// batch is.
    Call(CallChange),
    /// There were too many wrong PINs of a conference: for a while none is looked at. Tell the operator.
    Barred {
        /// The number of the conference.
        room: u32,
        /// Of anybody's, rather than of one caller's.
        of_all: bool,
        /// How long, seconds.
        for_s: u64,
    },
    /// What limits on calls to the outside have counted: keep it in place of what was kept before. Comes every few seconds at most;
    /// what a kill takes is counted anew.
    Counted(Box<TollCheckpoint>),
    /// A phone changed its user's settings: keep them, send the configuration with them, then say
    /// [`Input::SettingsKept`]. One change per user is enough: a later one holds what an earlier one did.
    Settings(Box<SettingsChange>),
}
