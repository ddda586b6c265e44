//! What a tenant decides about its calls and registrations.

use crate::{
    Container, FlowDraft, Library, RecordPolicy, Route, Site, SrtpPolicy, StirPolicy, TollPolicy, WhichPhone,
    located,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where audio goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaPolicy {
    /// Through our relay: works across NAT, measured, dead calls are noticed.
    #[default]
    Relay,
    /// Straight between the phones; addresses in descriptions are passed on.
    Direct,
}

/// Whose state a user may watch. Never across tenants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Watch {
    /// Everybody's in the tenant.
    #[default]
    All,
    /// His own alone.
    Own,
    /// Nobody's.
    None,
}

/// Whose ringing calls a user may pick up (RFC 3891). A call that is up can be moved to another phone of its own user
/// only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PickupPolicy {
    /// Everybody's in the tenant, the default.
    #[default]
    All,
    /// Those on the user's own devices.
    Own,
    /// Nobody's.
    None,
}

/// What becomes of a call whose recording can't be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordFail {
    /// It goes on.
    #[default]
    GoOn,
    /// It is ended.
    HangUp,
}

/// How keys that a phone tells by INFO reach the other phone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DigitPolicy {
    /// As telephone events where the other phone knows them and its audio is relayed, else by INFO.
    #[default]
    Events,
    /// By INFO.
    Info,
}

/// What a tenant decides about calls and registrations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Where audio goes.
    pub media: MediaPolicy,
    /// Whether phones protect their audio. A protected call is relayed whatever `media` says.
    pub srtp: SrtpPolicy,
    /// Codec names that may be negotiated, lower case (`pcmu`, `telephone-event`); empty = all.
    pub codecs: Vec<String>,
    /// Phones without a codec in common are understood all the same: the server speaks each one's, and the call is relayed
    /// whatever `media` says.
    pub transcode: bool,
    /// What a phone hears on hold where its audio is relayed: a piece of music by its name; `phone` = what the phone that
    /// holds sends, and music where that sends nothing; `off` = nothing.
    pub hold_music: String,
    /// The prompt that is said now and then while there is music; empty = none.
    pub hold_announcement: String,
    /// How much music is heard before each time, seconds, 5 to 3,600.
    pub hold_announcement_s: u32,
    /// How keys that a phone tells by INFO reach the other one.
    pub dtmf: DigitPolicy,
    /// Offer digest with MD5 after SHA-256, for phones that know nothing newer.
    pub allow_md5: bool,
    /// Offer digest with SHA-256. Off, together with `allow_md5`, only for tenants with phones that give up on a
    /// challenge which names an algorithm they don't know (libre before 2.x, SIPp before 3.7).
    pub allow_sha256: bool,
    /// How long targets ring, seconds.
    pub ring_timeout_s: u32,
    /// Bindings of one address-of-record.
    pub max_bindings: u16,
    /// Shortest registration, seconds; a shorter wish gets 423.
    pub min_expires_s: u32,
    /// Longest registration, seconds; a longer wish is cut.
    pub max_expires_s: u32,
    /// Registration when the phone names no time, seconds.
    pub default_expires_s: u32,
    /// Calls at once; the next one gets 503.
    pub max_calls: u32,
    /// Longest call, seconds.
    pub max_call_s: u32,
    /// Relayed calls without a packet from either side end after this many seconds; 0 = never.
    pub media_silence_s: u32,
    /// Session interval that we ask for and agree to at most (RFC 4028), seconds; 0 = no session timers.
    pub session_expires_s: u32,
    /// Shortest session interval, seconds; a shorter wish gets 422. 90 by the RFC.
    pub min_se_s: u32,
    /// Phones of the tenant are told who calls even when the caller asks for privacy (RFC 3325), and get
    /// P-Asserted-Identity. Off: a caller who asks for privacy is anonymous.
    pub trust_phones: bool,
    /// A caller may ask the called phone to answer by itself, as intercoms do.
    pub auto_answer: bool,
    /// A 3xx of a called phone is followed, within the tenant.
    pub follow_redirects: bool,
    /// Keep the Path that proxies write into a REGISTER and send requests back along it (RFC 3327). Only for tenants
    /// whose phones come through a proxy of their own.
    pub accept_path: bool,
    /// Phones on connections are asked to show a sign of life this often, seconds (`Flow-Timer`, RFC 5626); 0 = they
    /// are not asked.
    pub flow_timer_s: u32,
    /// How long a call waits for a phone whose connection broke to come back, seconds; 0 = not at all.
    pub reconnect_s: u32,
    /// How long a call waits for a phone that is woken by a push notification, seconds; 0 = phones are not woken.
    pub push_wait_s: u32,
    /// Whose busy lamps a user may watch.
    pub watch_calls: Watch,
    /// Whose presence a user may watch.
    pub watch_presence: Watch,
    /// Busy lamps of others also tell who is at the other end.
    pub lamps_show_party: bool,
    /// Busy lamps of others name the dialog that rings, so that a phone can take it by Replaces (RFC 3891). Who knows
    /// the name and shares the phone's address can end that call as well.
    pub lamps_show_dialog: bool,
    /// Subscriptions of one user; the next one gets 403.
    pub max_subscriptions: u32,
    /// Messages that wait for a user whose phones are off; the next one gets 480. 0 = none waits.
    pub max_kept_messages: u16,
    /// How long a message waits, seconds.
    pub kept_message_s: u32,
    /// How long the transferrer's phones ring again when nobody has answered a transfer and he has hung up,
    /// seconds; 0 = the transferred party is hung up instead.
    pub recall_timeout_s: u32,
    /// Whose calls a user may pick up.
    pub pickup: PickupPolicy,
    /// Whose tones the server plays, by two letters: de, es, fr, pl, uk, us.
    pub country: String,
    /// Room for recordings, megabytes (10^6 octets); where it is used up none begins, and those that run end. 0 = nothing is
    /// recorded.
    pub recording_mb: u64,
    /// What becomes of a call whose recording can't be written.
    pub record_fail: RecordFail,
    /// Extensions that can be watched by one subscription to a name (RFC 4662). At most [`Policy::LIST_USERS`] each.
    pub lists: BTreeMap<String, Vec<String>>,
    /// Room for the tenant's own sounds, megabytes (10^6 octets).
    pub sounds_mb: u64,
    /// The language of prompts, by two letters.
    pub language: String,
    /// Numbers that lead to flows. A user of the same extension goes before.
    pub flows: BTreeMap<String, FlowDraft>,
    /// Members that a conference may have.
    pub conference_members: u16,
    /// Whose calls an extension may listen to, by `*33` and the extension; `all` stands for everybody's.
    pub supervisors: BTreeMap<String, Vec<String>>,
    /// Whether calls are recorded, where a user has no setting of his own.
    pub record: RecordPolicy,
    /// How recordings are written.
    pub record_format: Container,
    /// The prompt that both sides hear when a recording begins; empty = none.
    pub record_announcement: String,
    /// Both sides hear a beep when a recording begins and ends.
    pub record_beep: bool,
    /// Fax machines are listened for in the first minute of calls whose audio comes to us, and stand in the record.
    pub detect_fax: bool,
    /// Keys pressed in a call between two phones may be codes, such as `*1` to record it.
    pub in_call_codes: bool,
    /// The country whose numbers are dialled as national ones, by two letters (ISO 3166-1); empty = that of `country`.
    pub region: String,
    /// Further countries in which the tenant has phones: their emergency numbers count as well.
    pub regions: Vec<String>,
    /// The code of the area whose numbers are dialled without it; empty = none.
    pub area: String,
    /// What may be dialled before a number outside; empty = nothing.
    pub outside: String,
    /// The number that calls to the outside show where the user has none of his own, as E.164; it counts only while the tenant
    /// has it. Empty = none.
    pub caller_number: String,
    /// Which trunks calls to the outside take, by name.
    pub routes: BTreeMap<String, Route>,
    /// Other tenants whose calls this one carries over its trunks, both ways, by one of their domains each: what an operator does
    /// for companies without a carrier of their own.
    pub transit: Vec<String>,
    /// How long after a call for help a call to the number that it has shown reaches the phone that called, minutes, whatever its user
    /// has set; 0 = not at all.
    pub emergency_callback_min: u16,
    /// Extensions whose phones get a text when somebody calls for help.
    pub emergency_notify: Vec<String>,
    /// The location of phones that no other is for, by name; empty = none.
    pub emergency_location: String,
    /// Where phones are, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub locations: BTreeMap<String, Site>,
    /// What becomes of what carriers say by STIR/SHAKEN of their callers.
    pub stir: StirPolicy,
    /// What calls to the outside may be, and cost.
    #[serde(skip_serializing_if = "TollPolicy::is_usual")]
    pub toll: TollPolicy,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            media: MediaPolicy::Relay,
            srtp: SrtpPolicy::Optional,
            codecs: Vec::new(),
            transcode: true,
            hold_music: "default".to_owned(),
            hold_announcement: String::new(),
            hold_announcement_s: 30,
            dtmf: DigitPolicy::Events,
            allow_md5: true,
            allow_sha256: true,
            ring_timeout_s: 60,
            max_bindings: 10,
            min_expires_s: 60,
            max_expires_s: 7200,
            default_expires_s: 3600,
            max_calls: 10_000,
            max_call_s: 14_400,
            media_silence_s: 60,
            session_expires_s: 1800,
            min_se_s: 90,
            trust_phones: false,
            auto_answer: false,
            follow_redirects: true,
            accept_path: false,
            flow_timer_s: 120,
            reconnect_s: 10,
            push_wait_s: 0,
            watch_calls: Watch::All,
            watch_presence: Watch::All,
            lamps_show_party: false,
            lamps_show_dialog: false,
            max_subscriptions: 500,
            max_kept_messages: 50,
            kept_message_s: 604_800,
            recall_timeout_s: 30,
            pickup: PickupPolicy::All,
            country: "us".to_owned(),
            recording_mb: 10_000,
            record_fail: RecordFail::GoOn,
            lists: BTreeMap::new(),
            sounds_mb: 100,
            language: "en".to_owned(),
            flows: BTreeMap::new(),
            conference_members: 500,
            supervisors: BTreeMap::new(),
            record: RecordPolicy::Never,
            record_format: Container::OggOpus,
            record_announcement: String::new(),
            record_beep: true,
            detect_fax: false,
            in_call_codes: true,
            region: String::new(),
            regions: Vec::new(),
            area: String::new(),
            outside: String::new(),
            caller_number: String::new(),
            routes: BTreeMap::new(),
            transit: Vec::new(),
            emergency_callback_min: 30,
            emergency_notify: Vec::new(),
            emergency_location: String::new(),
            locations: BTreeMap::new(),
            stir: StirPolicy::Verify,
            toll: TollPolicy::default(),
        }
    }
}

impl Policy {
    /// Users whose phones are told of a call for help.
    pub const MOST_NOTIFIED: usize = 50;
    /// Users that a list may have: its first document has to fit into one message.
    pub const LIST_USERS: usize = 64;
    /// Lists that a tenant may have: a change looks for its user in each.
    pub const LISTS: usize = 100;

    /// True where the user of one extension may listen to the calls of another's.
    #[must_use]
    pub fn may_listen(&self, supervisor: &str, extension: &str) -> bool {
        let whose = self.supervisors.get(supervisor);
        whose.is_some_and(|whose| {
            whose
                .iter()
                .any(|known| known == extension || known == Self::EVERYBODY)
        })
    }

    /// Stands for every extension of the tenant.
    pub const EVERYBODY: &'static str = "all";

    /// The country whose numbers are dialled as national ones: two capital letters (ISO 3166-1).
    #[must_use]
    pub fn home(&self) -> String {
        let code = match self.region.as_str() {
            "" => self.country.as_str(),
            region => region,
        };
        match code.to_ascii_uppercase().as_str() {
            // As tones have it.
            "UK" => "GB".to_owned(),
            code => code.to_owned(),
        }
    }

    /// Every country whose emergency numbers count, the home country first.
    pub fn countries(&self) -> impl Iterator<Item = String> {
        let others = self.regions.iter().map(|region| region.to_ascii_uppercase());
        std::iter::once(self.home()).chain(others)
    }

    /// Where a phone is, as far as the tenant has written it down: the location's name and the location.
    #[must_use]
    pub fn site_of(&self, phone: &WhichPhone<'_>) -> Option<(&str, &Site)> {
        located(&self.locations, &self.emergency_location, phone)
    }

    /// The music that phones hear on hold, by its name in the library; `None` where they hear none of ours. What can't be
    /// a name is as good as the usual one.
    #[must_use]
    pub fn music(&self) -> Option<&str> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        match self.hold_music.as_str() {
            "off" => None,
            name if (1..=64).contains(&name.len()) && name != "phone" && name.bytes().all(fits) => Some(name),
            _ => Some("default"),
        }
    }

    /// What is said on hold between the music, and after how much of it, milliseconds.
    #[must_use]
    pub fn hold_words(&self) -> Option<(&str, u32)> {
        let every_s = self.hold_announcement_s.clamp(5, 3_600);
        Library::is_name(&self.hold_announcement).then(|| (self.hold_announcement.as_str(), every_s * 1_000))
    }

    /// What is said when a recording begins.
    #[must_use]
    pub fn recording_words(&self) -> Option<&str> {
        Library::is_name(&self.record_announcement).then_some(self.record_announcement.as_str())
    }

    /// True when a phone that holds another may send music of its own.
    #[must_use]
    pub fn phones_have_music(&self) -> bool {
        self.hold_music == "phone"
    }

    /// True when a challenge offers SHA-256: wherever it is not switched off, and always when nothing else is left.
    #[must_use]
    pub fn offers_sha256(&self) -> bool {
        self.allow_sha256 || !self.allow_md5
    }
}
