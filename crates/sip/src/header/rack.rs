//! RSeq and RAck (RFC 3262 §7.1, §7.2): which reliable provisional response, and that it has arrived.

use crate::header::CSeq;
use crate::method::Method;
use crate::split::{number, trim};

/// Reads RSeq: 1 to 2^31 - 1.
#[must_use]
pub fn rseq(value: &str) -> Option<u32> {
    number(value).filter(|n| (1..1 << 31).contains(n))
}

/// What a PRACK acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RAck<'a> {
    /// RSeq of the response.
    pub rseq: u32,
    /// CSeq number of the request that it answered.
    pub seq: u32,
    /// Method of that request.
    pub method: Method<'a>,
}

impl<'a> RAck<'a> {
    /// Reads `776656 1 INVITE`; `None` unless it is two numbers below 2^31 and a method.
    #[must_use]
    pub fn parse(value: &'a str) -> Option<RAck<'a>> {
        let digits = value.bytes().take_while(u8::is_ascii_digit).count();
        let (first, rest) = value.split_at_checked(digits)?;
        let second = trim(rest);
        if second.len() == rest.len() {
            return None;
        }
        let CSeq { seq, method } = CSeq::parse(second).ok()?;
        Some(RAck {
            rseq: rseq(first)?,
            seq,
            method,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_a_number_and_a_method() {
        let rack = RAck {
            rseq: 776_656,
            seq: 1,
            method: Method::Invite,
        };
        assert_eq!(RAck::parse("776656 1 INVITE"), Some(rack));
        assert_eq!(RAck::parse("776656\r\n  1\tINVITE"), Some(rack));
        for bad in [
            "",
            "776656",
            "776656 1",
            "776656 INVITE",
            "0 1 INVITE",
            "2147483648 1 INVITE",
            "1 2147483648 INVITE",
            "1 1INVITE",
            "1x 1 INVITE",
            "-1 1 INVITE",
        ] {
            assert_eq!(RAck::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn response_numbers_start_at_one() {
        assert_eq!(rseq("1"), Some(1));
        assert_eq!(rseq("2147483647"), Some(2_147_483_647));
        for bad in ["0", "2147483648", "", "x", "1 1"] {
            assert_eq!(rseq(bad), None, "{bad}");
        }
    }
}
