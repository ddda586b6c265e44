//! Header field names (RFC 3261 §7.3.1, §20): recognised in one probe, compact forms folded into the long ones.

use std::fmt;

macro_rules! names {
    ($($variant:ident = $canonical:literal $(| $compact:literal)?,)*) => {
        /// A header field name that this stack knows; everything else is `Other`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Name {
            $(#[doc = concat!("`", $canonical, "`")] $variant,)*
            /// A name not in this list; `Message::fields` gives it as written.
            Other,
        }

        /// Every spelling with its meaning.
        const SPELLINGS: &[(&str, Name)] = &[
            $(($canonical, Name::$variant), $(($compact, Name::$variant),)?)*
        ];

        impl Name {
            /// The long form with the capitals of its RFC; `Other` gives the empty string.
            #[must_use]
            pub const fn canonical(self) -> &'static str {
                match self {
                    $(Name::$variant => $canonical,)*
                    Name::Other => "",
                }
            }
        }
    };
}

names! {
    Accept = "Accept",
    AcceptContact = "Accept-Contact" | "a",
    AcceptEncoding = "Accept-Encoding",
    AcceptLanguage = "Accept-Language",
    AlertInfo = "Alert-Info",
    Allow = "Allow",
    AllowEvents = "Allow-Events" | "u",
    AuthenticationInfo = "Authentication-Info",
    AnswerMode = "Answer-Mode",
    Authorization = "Authorization",
    CSeq = "CSeq",
    CallId = "Call-ID" | "i",
    CallInfo = "Call-Info",
    Contact = "Contact" | "m",
    ContentDisposition = "Content-Disposition",
    ContentEncoding = "Content-Encoding" | "e",
    ContentLanguage = "Content-Language",
    ContentLength = "Content-Length" | "l",
    ContentType = "Content-Type" | "c",
    Date = "Date",
    Diversion = "Diversion",
    ErrorInfo = "Error-Info",
    Event = "Event" | "o",
    Expires = "Expires",
    FlowTimer = "Flow-Timer",
    From = "From" | "f",
    Geolocation = "Geolocation",
    GeolocationRouting = "Geolocation-Routing",
    HistoryInfo = "History-Info",
    Identity = "Identity" | "y",
    InfoPackage = "Info-Package",
    InReplyTo = "In-Reply-To",
    Join = "Join",
    MaxForwards = "Max-Forwards",
    MimeVersion = "MIME-Version",
    MinExpires = "Min-Expires",
    MinSe = "Min-SE",
    Organization = "Organization",
    PAccessNetworkInfo = "P-Access-Network-Info",
    PAssertedIdentity = "P-Asserted-Identity",
    PChargingVector = "P-Charging-Vector",
    PPreferredIdentity = "P-Preferred-Identity",
    Path = "Path",
    Priority = "Priority",
    Privacy = "Privacy",
    ProxyAuthenticate = "Proxy-Authenticate",
    ProxyAuthorization = "Proxy-Authorization",
    ProxyRequire = "Proxy-Require",
    RAck = "RAck",
    RSeq = "RSeq",
    Reason = "Reason",
    RecordRoute = "Record-Route",
    RecvInfo = "Recv-Info",
    ReferSub = "Refer-Sub",
    ReferTo = "Refer-To" | "r",
    ReferredBy = "Referred-By" | "b",
    RejectContact = "Reject-Contact" | "j",
    RemotePartyId = "Remote-Party-ID",
    Replaces = "Replaces",
    ReplyTo = "Reply-To",
    RequestDisposition = "Request-Disposition" | "d",
    Require = "Require",
    RetryAfter = "Retry-After",
    Route = "Route",
    Server = "Server",
    ServiceRoute = "Service-Route",
    SessionExpires = "Session-Expires" | "x",
    SessionId = "Session-ID",
    SipEtag = "SIP-ETag",
    SipIfMatch = "SIP-If-Match",
    Subject = "Subject" | "s",
    SubscriptionState = "Subscription-State",
    Supported = "Supported" | "k",
    TargetDialog = "Target-Dialog",
    Timestamp = "Timestamp",
    To = "To" | "t",
    Unsupported = "Unsupported",
    UserAgent = "User-Agent",
    UserToUser = "User-to-User",
    Via = "Via" | "v",
    Warning = "Warning",
    WwwAuthenticate = "WWW-Authenticate",
}

/// Open addressing over 256 slots; a slot holds the index into `SPELLINGS` plus one, zero is free.
/// Built by the compiler, so there is neither a start-up cost nor a table to keep in step by hand.
#[allow(
    clippy::indexing_slicing,
    reason = "runs in the compiler, where a bad index fails the build"
)]
const SLOTS: [u8; 256] = {
    let mut slots = [0u8; 256];
    let mut i = 0;
    while i < SPELLINGS.len() {
        let mut at = slot(SPELLINGS[i].0.as_bytes());
        while slots[at as usize] != 0 {
            at = at.wrapping_add(1);
        }
        slots[at as usize] = i as u8 + 1;
        i += 1;
    }
    slots
};

/// Length, first and last octet tell nearly all names apart.
const fn slot(name: &[u8]) -> u8 {
    match (name.first(), name.last()) {
        (Some(first), Some(last)) => {
            let length = (name.len() % 256) as u8;
            length
                .wrapping_mul(37)
                .wrapping_add((*first | 0x20).wrapping_mul(11))
                .wrapping_add((*last | 0x20).wrapping_mul(101))
        }
        _ => 0,
    }
}

impl Name {
    /// Recognises a name in any case, long or compact; what is unknown is `Other`.
    #[must_use]
    pub fn parse(written: &str) -> Name {
        Name::of(written.as_bytes())
    }

    /// A bit of its own, for sets of names.
    pub(crate) const fn bit(self) -> u128 {
        1 << (self as u128)
    }

    pub(crate) fn of(written: &[u8]) -> Name {
        let mut at = slot(written);
        loop {
            let entry = SLOTS.get(usize::from(at)).copied().unwrap_or(0);
            let Some(index) = entry.checked_sub(1) else {
                return Name::Other;
            };
            match SPELLINGS.get(usize::from(index)) {
                Some((word, name))
                    if word.as_bytes() == written || word.as_bytes().eq_ignore_ascii_case(written) =>
                {
                    return *name;
                }
                _ => at = at.wrapping_add(1),
            }
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_found_in_any_case() {
        for (word, name) in SPELLINGS {
            assert_eq!(Name::parse(word), *name, "{word}");
            assert_eq!(Name::parse(&word.to_ascii_uppercase()), *name, "{word}");
            assert_eq!(Name::parse(&word.to_ascii_lowercase()), *name, "{word}");
        }
    }

    #[test]
    fn strangers_are_other() {
        for word in [
            "",
            "z",
            "Viaa",
            "X-Via",
            "Content_Length",
            "NewFangledHeader",
            "Tq",
            "\u{e9}",
        ] {
            assert_eq!(Name::parse(word), Name::Other, "{word}");
        }
    }

    #[test]
    fn probes_stay_short() {
        let used = SLOTS.iter().filter(|s| **s != 0).count();
        assert_eq!(used, SPELLINGS.len());
        let longest = SLOTS.split(|s| *s == 0).map(<[u8]>::len).max();
        assert!(longest.is_some_and(|l| l <= 12), "{longest:?}");
    }
}
