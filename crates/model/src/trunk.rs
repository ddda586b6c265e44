//! Trunks: the ways to carriers and to other telephone systems.

use crate::{
    ConnectOutcome, Network, NumberStyle, Place, SrtpPolicy, Transport, TrunkHeaders, TrunkId, TrunkLocation,
    TrunkSos,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is written down of a trunk; its password is kept apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrunkDraft {
    /// A disabled trunk neither registers nor carries calls.
    pub enabled: bool,
    /// Whom requests name: the carrier's host name or address.
    pub host: String,
    /// Instead of a carrier, another tenant of this server, by one of its domains: its trunks carry the calls, where its policy lets
    /// them (`transit`). There is no network between the two.
    pub tenant: String,
    /// Its port; none = what DNS says, else the usual one.
    pub port: Option<u16>,
    /// How it is spoken to; none = what DNS says (RFC 3263).
    pub transport: Option<Transport>,
    /// Over TLS it has to show a certificate of the name by which it is looked up; without, anybody on the way may be the carrier.
    pub tls_verify: bool,
    /// Over TLS it sees the server's certificate, if it asks for one. Not by itself: many ask without need, and refuse what is for servers alone.
    pub tls_certificate: bool,
    /// Where requests go instead, as `host` or `host:port`; empty = to `host`.
    pub proxy: String,
    /// The name under which the carrier asks for a password; empty = it knows us by our address, and no challenge is answered.
    pub username: String,
    /// The one realm whose challenges are answered; empty = whichever this carrier names.
    pub realm: String,
    /// We register there.
    pub register: bool,
    /// The user part of what is registered; empty = `username`.
    pub account: String,
    /// How long registrations are asked for, seconds.
    pub register_s: u32,
    /// Where calls of the carrier come from, besides the addresses that `host` and `proxy` lead to.
    pub from: Vec<Network>,
    /// How often the carrier is asked whether it is there, by OPTIONS, seconds; 0 = never.
    pub options_s: u32,
    /// Questions in a row without a good answer after which it is down,
    pub down_after: u8,
    /// and good answers in a row after which it is up again.
    pub up_after: u8,
    /// Calls at once, both ways; 0 = as many as the tenant may have.
    pub channels: u32,
    /// Calls to the carrier that begin in a second; 0 = no limit.
    pub calls_per_s: u32,
    /// Whether audio is protected.
    pub srtp: SrtpPolicy,
    /// Codec names that may be negotiated, lower case; empty = the tenant's.
    pub codecs: Vec<String>,
    /// How the carrier writes numbers.
    pub number_style: NumberStyle,
    /// How it writes those that it sends, where that is another way.
    pub number_style_in: Option<NumberStyle>,
    /// Digits that are taken off a number before it is sent,
    pub number_strip: String,
    /// and what is put before the rest.
    pub number_prepend: String,
    /// What stands behind the `@` of the tenant's numbers; empty = `host`.
    pub domain: String,
    /// Where the carrier is told who calls, besides From.
    pub identity: TrunkIdentity,
    /// What the carrier asserts about callers (P-Asserted-Identity) counts before From.
    pub trust_identity: bool,
    /// A call that comes from outside and is sent on to the outside shows its caller's number, which is not the tenant's.
    pub foreign_caller: bool,
    /// Calls are signed (STIR/SHAKEN, RFC 8588), where the operator has a key.
    pub sign: bool,
    /// How the carrier is told who has sent a call on.
    pub history: TrunkHistory,
    /// Where its calls lead that are for none of the tenant's numbers, as it would be dialled in the tenant; empty = nowhere.
    pub inbound: String,
    /// Which header of its calls has the number that was called.
    pub called_in: TrunkCalled,
    /// What its INVITEs have besides, or lack.
    pub headers: TrunkHeaders,
    /// How long its first answer to a call may take before another trunk is tried, seconds.
    pub try_s: u8,
    /// How it is told whom a call for help is for.
    pub sos: TrunkSos,
    /// Whether it is told where somebody is who calls for help.
    pub location: TrunkLocation,
}

/// Which header says who calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkIdentity {
    /// P-Asserted-Identity (RFC 3325), and Privacy where the caller wants to be unknown.
    #[default]
    Asserted,
    /// P-Preferred-Identity.
    Preferred,
    /// Remote-Party-ID, which older carriers want.
    RemoteParty,
    /// None: the carrier knows by itself.
    None,
}

/// Which header says who has sent a call on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkHistory {
    /// Diversion (RFC 5806).
    #[default]
    Diversion,
    /// History-Info (RFC 7044).
    HistoryInfo,
    /// Both.
    Both,
    /// None.
    None,
}

/// Where the number stands that a carrier's call is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkCalled {
    /// In the Request-URI.
    #[default]
    Request,
    /// In To: the Request-URI has the account, as with many carriers that one registers at.
    To,
    /// In P-Called-Party-ID (RFC 7315).
    CalledParty,
}

impl Default for TrunkDraft {
    fn default() -> TrunkDraft {
        TrunkDraft {
            enabled: true,
            host: String::new(),
            tenant: String::new(),
            port: None,
            transport: None,
            tls_verify: true,
            tls_certificate: false,
            proxy: String::new(),
            username: String::new(),
            realm: String::new(),
            register: false,
            account: String::new(),
            register_s: 600,
            from: Vec::new(),
            options_s: 30,
            down_after: 3,
            up_after: 2,
            channels: 0,
            calls_per_s: 0,
            srtp: SrtpPolicy::Optional,
            codecs: Vec::new(),
            number_style: NumberStyle::E164,
            number_style_in: None,
            number_strip: String::new(),
            number_prepend: String::new(),
            domain: String::new(),
            identity: TrunkIdentity::Asserted,
            trust_identity: true,
            foreign_caller: false,
            sign: false,
            history: TrunkHistory::Diversion,
            inbound: String::new(),
            called_in: TrunkCalled::Request,
            headers: TrunkHeaders::default(),
            try_s: 4,
            sos: TrunkSos::Number,
            location: TrunkLocation::None,
        }
    }
}

/// What is wrong with a trunk, by field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrunkFault {
    /// Which field.
    pub field: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

impl fmt::Display for TrunkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.rule)
    }
}

impl std::error::Error for TrunkFault {}

impl TrunkDraft {
    /// Trunks of one tenant.
    pub const MOST: usize = 100;
    /// Ranges of one trunk.
    pub const MOST_NETWORKS: usize = 100;
    /// How often a carrier is asked whether it is there, at most, seconds.
    pub const LEAST_OPTIONS_S: u32 = 5;
    /// The shortest registration, seconds.
    pub const LEAST_REGISTER_S: u32 = 30;

    /// Whether it can work at all.
    ///
    /// # Errors
    /// The first field that can't.
    pub fn check(&self) -> Result<(), TrunkFault> {
        let fault = |field, rule| Err(TrunkFault { field, rule });
        if self.leads_inside() {
            return self.check_inside();
        }
        if !is_host(&self.host) {
            return fault("host", "must be a host name or an address, without a port");
        }
        if !self.proxy.is_empty() && self.proxy().is_none() {
            return fault(
                "proxy",
                "must be a host name or an address, with :port behind it or not",
            );
        }
        if !is_word(&self.username) || !is_word(&self.account) {
            return fault(
                "username",
                "must have at most 128 characters without spaces and :\"\\<>@;,",
            );
        }
        if self.realm.len() > 128 || self.realm.chars().any(char::is_control) {
            return fault("realm", "must have at most 128 octets and no control characters");
        }
        if self.register && self.account().is_empty() {
            return fault("register", "needs a username or an account to register");
        }
        if !(Self::LEAST_REGISTER_S..=86_400).contains(&self.register_s) {
            return fault("register_s", "must be 30 to 86400 seconds");
        }
        if self.options_s != 0 && !(Self::LEAST_OPTIONS_S..=3_600).contains(&self.options_s) {
            return fault("options_s", "must be 0 or 5 to 3600 seconds");
        }
        if !(1..=20).contains(&self.down_after) || !(1..=20).contains(&self.up_after) {
            return fault("down_after and up_after", "must be 1 to 20");
        }
        if self.from.len() > Self::MOST_NETWORKS {
            return fault("from", "must name at most 100 networks");
        }
        if self.from.iter().any(|network| network.is_wide()) {
            return fault(
                "from",
                "must name networks of /8 and narrower, of IPv6 of /24: who is there is believed to be the carrier",
            );
        }
        self.check_calls()?;
        self.check_transport()
    }

    /// What is about a trunk to another tenant: nothing of the network.
    fn check_inside(&self) -> Result<(), TrunkFault> {
        let fault = |field, rule| Err(TrunkFault { field, rule });
        if !is_host(&self.tenant) {
            return fault("tenant", "must be a domain of another company");
        }
        if !self.host.is_empty() || !self.proxy.is_empty() || self.register {
            return fault("tenant", "stands instead of host, proxy and register");
        }
        let is_told_more = self.port.is_some() || self.transport.is_some() || !self.username.is_empty();
        if is_told_more || !self.from.is_empty() || self.srtp == SrtpPolicy::Required {
            return fault(
                "tenant",
                "goes with neither port, transport, username, from nor srtp=required: no network is between",
            );
        }
        if self.number_style != NumberStyle::E164 || self.number_style_in.is_some() {
            return fault("number_style", "is e164 between companies of one server");
        }
        self.check_calls()
    }

    /// The user part of what is registered.
    #[must_use]
    pub fn account(&self) -> &str {
        match self.account.as_str() {
            "" => &self.username,
            account => account,
        }
    }

    /// What is about the way to the carrier.
    fn check_transport(&self) -> Result<(), TrunkFault> {
        let fault = |field, rule| Err(TrunkFault { field, rule });
        if self.port == Some(0) {
            return fault("port", "must be 1 to 65535");
        }
        if matches!(self.transport, Some(Transport::Ws | Transport::Wss)) {
            return fault("transport", "must be udp, tcp or tls, or nothing");
        }
        if self.srtp == SrtpPolicy::Required && self.transport != Some(Transport::Tls) {
            return fault(
                "srtp",
                "can be required only with transport=tls: over other ways everybody reads the keys",
            );
        }
        Ok(())
    }

    /// What is about calls.
    fn check_calls(&self) -> Result<(), TrunkFault> {
        let fault = |field, rule| Err(TrunkFault { field, rule });
        let affix = |text: &str, signs: &str| {
            text.len() <= 16 && text.chars().all(|c| c.is_ascii_digit() || signs.contains(c))
        };
        let is_bare = self.number_strip.is_empty() && self.number_prepend.is_empty();
        if !affix(&self.number_strip, "") || !affix(&self.number_prepend, "*#") {
            return fault(
                "number_strip and number_prepend",
                "must be at most 16 digits; * and # may be put before as well",
            );
        }
        if self.number_style == NumberStyle::E164 && !is_bare {
            return fault(
                "number_style",
                "with a plus is complete: nothing is taken off or put before",
            );
        }
        if !self.domain.is_empty() && !is_host(&self.domain) {
            return fault("domain", "must be a host name or an address, without a port");
        }
        if self.inbound.len() > 32 || !self.inbound.bytes().all(|b| b.is_ascii_graphic()) {
            return fault(
                "inbound",
                "must be something that can be dialled, of at most 32 characters",
            );
        }
        if !(1..=32).contains(&self.try_s) {
            return fault("try_s", "must be 1 to 32 seconds");
        }
        if let Err(rule) = self.headers.check() {
            return fault("headers", rule);
        }
        Ok(())
    }

    /// What stands behind the `@` of the tenant's numbers.
    #[must_use]
    pub fn domain(&self) -> &str {
        match self.domain.as_str() {
            "" if self.leads_inside() => TrunkDraft::INSIDE,
            "" => &self.host,
            domain => domain,
        }
    }

    /// True where the other side is another tenant of the server.
    #[must_use]
    pub fn leads_inside(&self) -> bool {
        !self.tenant.is_empty()
    }

    /// Whom requests name.
    #[must_use]
    pub fn whom(&self) -> &str {
        match self.tenant.as_str() {
            "" => &self.host,
            tenant => tenant,
        }
    }

    /// What stands for the host where the other side is another tenant of the server.
    pub const INSIDE: &'static str = "inside.invalid";

    /// Where requests go: host, and port if one is named.
    #[must_use]
    pub fn next_hop(&self) -> (&str, Option<u16>) {
        self.proxy().unwrap_or((&self.host, self.port))
    }

    fn proxy(&self) -> Option<(&str, Option<u16>)> {
        let bare = is_host(&self.proxy).then_some((self.proxy.as_str(), None));
        bare.or_else(|| {
            let (host, port) = self.proxy.rsplit_once(':')?;
            let port = port.parse().ok().filter(|port| *port != 0)?;
            is_host(host).then_some((host, Some(port)))
        })
    }
}

/// A host name, an IPv4 address, or an IPv6 address in brackets.
fn is_host(text: &str) -> bool {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.len() <= 253 && text.strip_suffix('.').unwrap_or(text).split('.').all(label)
}

fn is_word(text: &str) -> bool {
    let fits = |c: char| {
        !c.is_control() && !c.is_whitespace() && !matches!(c, ':' | '"' | '\\' | '<' | '>' | '@' | ';' | ',')
    };
    text.chars().count() <= 128 && text.chars().all(fits)
}

/// The password of a trunk. It never prints.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TrunkPassword(pub Box<str>);

impl fmt::Debug for TrunkPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrunkPassword(…)")
    }
}

/// A trunk as calls see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// Which.
    pub id: TrunkId,
    /// What people call it; unique within the tenant.
    pub name: Box<str>,
    /// What was written down.
    pub draft: TrunkDraft,
    /// Empty where there is none.
    pub password: TrunkPassword,
}

impl Trunk {
    /// The way to other tenants of the server.
    #[must_use]
    pub fn inside() -> Trunk {
        Trunk {
            id: TrunkId::INSIDE,
            name: "inside".into(),
            draft: TrunkDraft {
                host: TrunkDraft::INSIDE.to_owned(),
                options_s: 0,
                srtp: SrtpPolicy::None,
                ..TrunkDraft::default()
            },
            password: TrunkPassword::default(),
        }
    }
}

/// A core wants a way to a place: a socket that datagrams leave by, or a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Chosen by who asks, handed back with the answer.
    pub order: u64,
    /// Where to, and how.
    pub place: Place,
    /// Over TLS the peer has to show a certificate of `place.name`.
    pub verify: bool,
    /// Over TLS the peer may see our certificate, if it asks.
    pub certificate: bool,
}

/// What became of a [`Reach`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// That of the question.
    pub order: u64,
    /// How it went.
    pub outcome: ConnectOutcome,
}

/// How a trunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkHealth {
    /// Nothing is known yet.
    Unknown,
    /// It answers.
    Up,
    /// It does not, or refuses us.
    Down,
}

/// How a registration with a carrier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkRegistration {
    /// None is wanted.
    Off,
    /// It is asked for, or will be.
    Trying,
    /// It stands.
    Registered,
    /// The carrier has refused the password.
    Refused,
    /// There was none in time, or the carrier has failed.
    Failed,
}

/// A trunk as commands show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkView {
    /// Which.
    pub id: TrunkId,
    /// Its name.
    pub name: String,
    /// How it is.
    pub health: TrunkHealth,
    /// How its registration is.
    pub registration: TrunkRegistration,
    /// Where it is spoken to now, once that is known.
    pub place: Option<String>,
    /// It is spoken to over TLS, and nobody looks at its certificate (`tls_verify=false`).
    pub unverified: bool,
    /// The last reason why something failed; empty when nothing has since it was good.
    pub fault: String,
    /// Calls on it now.
    #[serde(default)]
    pub calls: usize,
    /// Calls that came to nothing by the carrier's fault, since the tenant came to life.
    #[serde(default)]
    pub failures: u64,
}

/// Something about a trunk changed that people want to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkNews {
    /// Its name.
    pub name: Box<str>,
    /// How it is now.
    pub health: TrunkHealth,
    /// How its registration is now.
    pub registration: TrunkRegistration,
    /// Why.
    pub why: Box<str>,
    /// Calls in a row have come to nothing by its carrier's fault: none is tried for so long, seconds.
    pub left_alone_s: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_the_field() {
        let good = TrunkDraft {
            host: "sip.carrier.example".to_owned(),
            ..TrunkDraft::default()
        };
        assert_eq!(good.check(), Ok(()));
        let field = |change: &dyn Fn(&mut TrunkDraft)| {
            let mut draft = good.clone();
            change(&mut draft);
            draft.check().unwrap_err().field
        };
        assert_eq!(field(&|d| d.host.clear()), "host");
        assert_eq!(field(&|d| d.host = "carrier:5060".into()), "host");
        assert_eq!(field(&|d| d.host = "a b".into()), "host");
        assert_eq!(field(&|d| d.proxy = "proxy:0".into()), "proxy");
        assert_eq!(field(&|d| d.register = true), "register");
        assert_eq!(field(&|d| d.username = "a\"b".into()), "username");
        assert_eq!(field(&|d| d.register_s = 1), "register_s");
        assert_eq!(field(&|d| d.options_s = 1), "options_s");
        assert_eq!(field(&|d| d.transport = Some(Transport::Ws)), "transport");
        assert_eq!(field(&|d| d.srtp = SrtpPolicy::Required), "srtp");
        assert_eq!(field(&|d| d.port = Some(0)), "port");
        let everybody = || Network::parse("0.0.0.0/0").unwrap();
        assert_eq!(field(&|d| d.from = vec![everybody()]), "from");
        assert_eq!(field(&|d| d.headers.set("Via", "x")), "headers");
    }

    #[test]
    fn the_next_hop_is_the_proxy_where_there_is_one() {
        let mut draft = TrunkDraft {
            host: "carrier.example".to_owned(),
            port: Some(5070),
            ..TrunkDraft::default()
        };
        assert_eq!(draft.next_hop(), ("carrier.example", Some(5070)));
        draft.proxy = "[2001:db8::1]:5080".to_owned();
        assert_eq!(draft.next_hop(), ("[2001:db8::1]", Some(5080)));
        draft.proxy = "edge.carrier.example".to_owned();
        assert_eq!(draft.next_hop(), ("edge.carrier.example", None));
        assert_eq!(draft.check(), Ok(()));
    }
}
