//! Session-Expires (RFC 4028 §4): how long a session lives without a refresh, and who refreshes.

use super::Params;
use crate::split::{number, once, trim};

/// Who sends the refreshes, named by the roles in the request that carries the value or is answered with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// The one who sent the request.
    Uac,
    /// The one who answered it.
    Uas,
}

/// The session interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionExpires {
    /// Seconds from one refresh to the end, unless another comes.
    pub seconds: u32,
    /// Who refreshes; `None` leaves the choice to the one who answers.
    pub refresher: Option<Refresher>,
}

impl SessionExpires {
    /// Reads `1800;refresher=uas`; `None` unless it starts with a number below 2^32. An unknown refresher counts as none.
    #[must_use]
    pub fn parse(value: &str) -> Option<SessionExpires> {
        let (seconds, params) = once(value, b';').unwrap_or((value, ""));
        let refresher = match Params::new(params).value("refresher") {
            Some(who) if who.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(who) if who.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            _ => None,
        };
        Some(SessionExpires {
            seconds: number(trim(seconds))?,
            refresher,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_with_and_without_a_refresher() {
        let read = |text| SessionExpires::parse(text).map(|s| (s.seconds, s.refresher));
        assert_eq!(read("1800"), Some((1800, None)));
        assert_eq!(read("90 ; Refresher = UAC"), Some((90, Some(Refresher::Uac))));
        assert_eq!(read("90;x;refresher=uas"), Some((90, Some(Refresher::Uas))));
        assert_eq!(read("90;refresher=proxy"), Some((90, None)));
        for bad in ["", ";refresher=uac", "-1", "4294967296", "90 s", "soon"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
