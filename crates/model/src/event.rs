//! What the event core keeps across a restart, and what it is told from outside: subscriptions (RFC 6665),
//! published states (RFC 3903), mailbox counts (RFC 3842), named resources, and messages that wait for their phone
//! (RFC 3428).

use crate::{BindingKey, DeviceId, FlowToken, TenantId, UserId, Wall};
use serde::{Deserialize, Serialize};

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Resource {
    /// A user's address-of-record.
    User(UserId),
    /// Every user of the tenant: `sip:all@domain`.
    All,
    /// A resource without a phone: a park slot, a queue, the night switch.
    Named(Box<str>),
    /// The users of one of the tenant's lists ([`Policy::lists`](crate::Policy)).
    List(Box<str>),
}

impl Resource {
    /// True for what stands for several users (RFC 4662).
    #[must_use]
    pub fn is_list(&self) -> bool {
        matches!(self, Resource::All | Resource::List(_))
    }
}

/// An event package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Package {
    /// `dialog`: busy lamps (RFC 4235).
    Dialog,
    /// `message-summary`: the mailbox lamp (RFC 3842).
    MessageSummary,
    /// `presence` (RFC 3856).
    Presence,
    /// `reg`: the bindings of an address-of-record (RFC 3680).
    Reg,
    /// `as-feature-event`: a user's settings, as the keys of his phones show them.
    Features,
}

/// Our end of a subscription's dialog (RFC 3261 §12), as plain data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialogRecord {
    /// Call-ID.
    pub call_id: Box<str>,
    /// Our tag.
    pub local_tag: Box<str>,
    /// The phone's tag.
    pub remote_tag: Box<str>,
    /// Our name-addr.
    pub local: Box<str>,
    /// The phone's name-addr.
    pub remote: Box<str>,
    /// No NOTIFY so far has a higher CSeq number: the next life of the process goes on above it.
    pub local_cseq: u32,
    /// CSeq number of the last SUBSCRIBE.
    pub remote_cseq: u32,
    /// The phone's Contact URI.
    pub remote_target: Box<str>,
    /// Route values.
    pub route_set: Vec<Box<str>>,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionRecord {
    /// Whose credentials subscribed.
    pub user: UserId,
    /// Which of them.
    pub device: DeviceId,
    /// The package.
    pub package: Package,
    /// What is watched.
    pub resource: Resource,
    /// The `id` parameter of Event, as written.
    pub event_id: Option<Box<str>>,
    /// The dialog.
    pub dialog: DialogRecord,
    /// The registration that the phone subscribed from, where it has one.
    pub binding: Option<BindingKey>,
    /// The `+sip.instance` of that registration, where it has one.
    pub instance: Option<Box<str>>,
    /// Where the phone was last heard from.
    pub flow: FlowToken,
}

/// How many messages a mailbox holds (RFC 3842 §3.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// Not heard yet.
    pub new: u32,
    /// Heard.
    pub old: u32,
}

/// What a named resource shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lamp {
    /// Free, empty, day.
    #[default]
    Off,
    /// Somebody waits.
    Ringing,
    /// Taken, night.
    On,
}

/// A state that a phone has published (RFC 3903).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicationRecord {
    /// Whose.
    pub user: UserId,
    /// The device that published it.
    pub device: DeviceId,
    /// `open` rather than `closed`.
    pub open: bool,
    /// The activity in one word of RFC 4480, such as `away`.
    pub activity: Option<Box<str>>,
    /// What the person wrote.
    pub note: Option<Box<str>>,
}

/// A text that waits for a phone (RFC 3428).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRecord {
    /// To whom.
    pub to: UserId,
    /// From whom.
    pub from: UserId,
    /// When it was taken.
    pub sent: Wall,
    /// The text.
    pub text: Box<str>,
}

/// What a record is about; a tenant has one record of each key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKey {
    /// By the number in the tenant.
    Subscription(u64),
    /// By its entity-tag.
    Publication(u64),
    /// By user.
    Mailbox(UserId),
    /// By name.
    Resource(Box<str>),
    /// By its number; a later message of the tenant has a higher one.
    Message(u64),
}

/// What is kept under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventState {
    /// A subscription.
    Subscription(Box<SubscriptionRecord>),
    /// A published state.
    Publication(PublicationRecord),
    /// A mailbox.
    Mailbox(Mailbox),
    /// A named resource.
    Resource(Lamp),
    /// A waiting message.
    Message(MessageRecord),
}

/// One thing that outlives the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Owner.
    pub tenant: TenantId,
    /// What it is about.
    pub key: EventKey,
    /// When it ends by itself.
    pub expires: Wall,
    /// What is known.
    pub state: EventState,
}

/// What happened to a record; the journal of these rebuilds the event core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventChange {
    /// Made or altered.
    Put(Box<EventRecord>),
    /// Ended.
    Remove {
        /// Owner.
        tenant: TenantId,
        /// Which.
        key: EventKey,
    },
}

/// What others tell the event core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventCommand {
    /// A mailbox changed.
    Mailbox {
        /// Whose.
        user: UserId,
        /// What it holds now.
        mailbox: Mailbox,
    },
    /// A named resource changed, or came to be.
    Resource {
        /// The user part of its URI.
        name: Box<str>,
        /// What it shows now; `None` removes it.
        lamp: Option<Lamp>,
    },
    /// The phones of a device are to fetch their configuration.
    CheckSync {
        /// The credentials that registered them.
        device: DeviceId,
        /// They shall restart even if nothing is new.
        reboot: bool,
    },
}
