//! CSeq (RFC 3261 §20.16): `1*DIGIT LWS Method`.

use super::HeaderError;
use crate::message::Name;
use crate::method::Method;
use crate::split::{is_token, trim};

/// The sequence number of a request within its dialog, with its method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Less than 2^31.
    pub seq: u32,
    /// The method; equal to that of the request line.
    pub method: Method<'a>,
}

impl<'a> CSeq<'a> {
    /// Reads a value such as `4711 INVITE`; leading zeros and folding are fine.
    ///
    /// # Errors
    /// Not digits, white space and a token, or a number of 2^31 or more (RFC 3261 §8.1.1.5).
    pub fn parse(value: &'a str) -> Result<CSeq<'a>, HeaderError> {
        let bad = |what| HeaderError {
            name: Name::CSeq,
            what,
        };
        let digits = value.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = value.split_at_checked(digits).ok_or(bad("malformed"))?;
        let word = trim(rest);
        if number.is_empty() || word.len() == rest.len() || !is_token(word) {
            return Err(bad("not a number and a method"));
        }
        let seq = number
            .parse()
            .ok()
            .filter(|seq| *seq < 1 << 31)
            .ok_or(bad("number of 2^31 or more"))?;
        Ok(CSeq {
            seq,
            method: Method::parse(word),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_methods() {
        assert_eq!(
            CSeq::parse("0009\r\n  INVITE"),
            Ok(CSeq {
                seq: 9,
                method: Method::Invite
            })
        );
        assert_eq!(CSeq::parse("2147483647 X").map(|c| c.seq), Ok(2_147_483_647));
        for bad in [
            "",
            "1",
            "INVITE",
            "1INVITE",
            "2147483648 BYE",
            "36893488147419103232 REGISTER",
            "-1 BYE",
            "1 B Y",
            "+1 BYE",
        ] {
            assert!(CSeq::parse(bad).is_err(), "{bad}");
        }
    }
}
