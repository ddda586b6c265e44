//! `carillon ban`.

use clap::Subcommand;
use std::net::IpAddr;

#[derive(Debug, Subcommand)]
pub(crate) enum Ban {
    /// Everybody who is kept out now
    List,
    /// Keep an address out; an IPv6 address stands for its /64
    Add {
        /// The address
        address: IpAddr,
        /// How long, such as 90s, 15m, 1h or 7d. Nothing outlives a restart of the server: for good there is `[border] deny`
        #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = seconds)]
        for_s: u64,
    },
    /// Let an address in again, and its network
    Lift {
        /// The address
        address: IpAddr,
    },
}

/// Longest ban: a year.
const LONGEST_S: u64 = 366 * 86_400;

/// A number and a unit.
fn seconds(text: &str) -> Result<u64, String> {
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        _ => 0,
    };
    let number: Option<u64> = text
        .get(..text.len().saturating_sub(1))
        .and_then(|n| n.parse().ok());
    let seconds = number.and_then(|n| n.checked_mul(unit));
    seconds
        .filter(|s| (1..=LONGEST_S).contains(s))
        .ok_or_else(|| "write a number and s, m, h or d, such as 90s or 1h, up to a year".to_owned())
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_are_a_number_and_a_unit() {
        for (text, expected) in [("90s", 90), ("15m", 900), ("1h", 3_600), ("7d", 604_800)] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "h",
            "1",
            "0s",
            "-1h",
            "1w",
            "1 h",
            "99999999999999999999h",
            "367d",
            "1é",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
