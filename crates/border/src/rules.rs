//! The measures of the border, each with its unit and reason.

use crate::bucket::Rate;
use number::Country;

/// The measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Points at which a source is banned. What costs how many: see [`crate::Offence`].
    pub ban_score: u32,
    /// Points that are forgotten each minute: what one phone with a wrong password collects in that time, which registers every half
    /// minute.
    pub forget_per_minute: u32,
    /// Seconds of the first ban; each further one within a day takes four times as long.
    pub ban_first_s: u32,
    /// Seconds of the longest.
    pub ban_longest_s: u32,
    /// Wrong passwords of one credential from one source until it is not looked at for a while; one a minute is forgotten.
    pub credential_failures: u32,
    /// Seconds for which a source is known after a good password: longer than phones go between two registrations.
    pub trust_s: u32,
    /// Messages of a source that is not known.
    pub messages_per_source: Rate,
    /// Messages of all sources of one prefix that are not known.
    pub messages_per_prefix: Rate,
    /// Connections that a source opens that is not known; TLS handshakes are the most dear of what it can ask for.
    pub connects_per_source: Rate,
    /// The same of a prefix.
    pub connects_per_prefix: Rate,
    /// Octets that a connection brings on which nobody has shown a password yet.
    pub octets_per_connection: Rate,
    /// Messages, likewise.
    pub messages_per_connection: Rate,
    /// Calls for help of one prefix that are let in though nothing else would be.
    pub emergencies_per_prefix: Rate,
    /// Messages in those calls: answers, acknowledgements, hang-ups.
    pub follow_ups_per_prefix: Rate,
    /// Connections that one prefix may open to call for help though it is kept out.
    pub emergency_connects_per_prefix: Rate,
    /// Whose emergency numbers are known; those that are understood everywhere are anyway.
    pub emergency_countries: Vec<Country>,
    /// Milliseconds for which messages have waited when requests that nobody listens for are refused; calls at twice as many.
    pub overload_ms: u32,
}

/// So many a second, and so many at once.
const fn rate(per_second: u32, burst: u32) -> Rate {
    Rate { per_second, burst }
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            ban_score: 100,
            forget_per_minute: 10,
            ban_first_s: 60,
            ban_longest_s: 3_600,
            credential_failures: 10,
            trust_s: 7_200,
            messages_per_source: rate(100, 1_000),
            messages_per_prefix: rate(1_000, 10_000),
            connects_per_source: rate(20, 200),
            connects_per_prefix: rate(200, 2_000),
            octets_per_connection: rate(65_536, 262_144),
            messages_per_connection: rate(50, 200),
            emergencies_per_prefix: rate(1, 20),
            follow_ups_per_prefix: rate(20, 100),
            emergency_connects_per_prefix: rate(1, 10),
            emergency_countries: Country::all(),
            overload_ms: 500,
        }
    }
}

impl Rules {
    /// Thousandths of a point that are forgotten a second.
    pub(crate) fn leak(&self) -> u64 {
        u64::from(self.forget_per_minute) * 1_000 / 60
    }

    /// The score of a ban in thousandths.
    pub(crate) fn limit(&self) -> u64 {
        u64::from(self.ban_score) * 1_000
    }
}
