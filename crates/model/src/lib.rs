//! The nouns of Carillon: ids, configuration, records, and the messages that cross a seam.
//!
//! Owns: plain data that every other crate may name. Does not own: behaviour beyond construction and
//! lookup; protocols live in `sip`, `sdp` and `rtp`, decisions in `pbx` and `tenancy`.
#![forbid(unsafe_code)]

pub mod band;
pub mod binding;
pub mod cdr;
pub mod certificate;
pub mod checkpoint;
pub mod config;
pub mod counts;
pub mod draft;
pub mod edge;
pub mod emergency;
pub mod event;
pub mod fork;
pub mod id;
pub mod leg;
pub mod library;
pub mod limits;
pub mod locate;
pub mod media;
pub mod money;
mod network;
pub mod number;
pub mod policy;
mod prefix;
pub mod program;
pub mod quality;
pub mod rate;
pub mod recording;
pub mod route;
mod settings;
pub mod srtp;
pub mod stir;
pub mod time;
mod tls;
pub mod toll;
pub mod trunk;
pub mod trunk_headers;
pub mod view;
pub mod voice;
pub mod web;

pub use band::{Band, BandError};
pub use binding::{BindingChange, BindingExtra, BindingKey, BindingRecord, PushTarget, Wake};
pub use cdr::{Cause, Cdr, EndedBy, Party, StreamRecord};
pub use certificate::{CertificateOutcome, FetchCertificate, FetchedCertificate};
pub use checkpoint::{CallChange, CallCheckpoint, LegCheckpoint, SessionCheckpoint};
pub use config::{ConfigError, Device, DigestSecret, TenantConfig, User};
pub use counts::Counts;
pub use draft::{FlowDraft, Patience, StepDraft, Words};
pub use edge::{
    Access, AccessOutcome, Connect, ConnectOutcome, Connected, CredentialKey, FlowToken, SignIn, Transport,
};
pub use emergency::{EmergencyCall, Point, Site, TrunkLocation, TrunkSos, WhichPhone, located};
pub use event::{
    DialogRecord, EventChange, EventCommand, EventKey, EventRecord, EventState, Lamp, Mailbox, MessageRecord,
    Package, PublicationRecord, Resource, SubscriptionRecord,
};
pub use fork::{Fork, ForkEnd, ForkFormat, ForkPlan, ForkSide};
pub use id::{
    CallId, CdrId, DeviceId, ForkId, MediaSessionId, Partition, RecordingId, RoomId, SoundId, StreamKind,
    TenantId, TrunkId, UserId,
};
pub use leg::{CallLeg, Leg};
pub use library::Library;
pub use limits::Limits;
pub use locate::{Locate, LocateOutcome, Located, Place};
pub use media::{Insecurity, MediaCommand, MediaReport};
pub use money::{Currency, CurrencyError, Money, MoneyError};
pub use network::Network;
pub use number::{DestinationClass, NumberRange, NumberStyle};
pub use policy::{DigitPolicy, MediaPolicy, PickupPolicy, Policy, RecordFail, Watch};
pub use prefix::{Prefix, PrefixError};
pub use program::{
    Answerer, Container, Item, MachineRules, Over, OwnSound, Playlist, Program, Recording, RecordingEnd,
    Seat, Seats, Signal, Signals, Sound, ToneName,
};
pub use quality::{AudioFault, AudioTrouble, Burst, FarReport, LegQuality, QualityView, Score};
pub use rate::{Charge, RateDraft, RateRow};
pub use recording::{RecordingFault, RecordingMark, RecordingRecord};
pub use route::{Route, RouteError, RouteTrunk};
pub use settings::{ForwardKind, RecordPolicy, SettingsChange, UserSettings, UserSettingsChange};
pub use srtp::{SrtpKey, SrtpKeys, SrtpPolicy, SrtpSuite};
pub use stir::{Attestation, CallerCheck, StirNews, StirPolicy, Verstat};
pub use time::{Now, Wall};
pub use tls::TlsFault;
pub use toll::{
    AtLimit, TollAccount, TollAlert, TollAmount, TollCall, TollCause, TollChange, TollCheckpoint,
    TollException, TollLevel, TollLimit, TollLimits, TollNote, TollPolicy, TollProfile, TollScope, TollSpent,
    TollTerms, TollTicket, TollUse, Unrated,
};
pub use trunk::{
    Reach, Reached, Trunk, TrunkCalled, TrunkDraft, TrunkFault, TrunkHealth, TrunkHistory, TrunkIdentity,
    TrunkNews, TrunkPassword, TrunkRegistration, TrunkView,
};
pub use trunk_headers::TrunkHeaders;
pub use view::{BanView, CallState, CallView, RegistrationView, RoomCommand, RoomMember, RoomView};
pub use voice::{Codec, OpusWish, Voice};
pub use web::{DigestName, Fingerprint, IceCandidate, IceCredentials, IceTransport, WebTransport};
