//! Reason (RFC 3326 §2): why a request was sent, as a protocol and its cause.

use super::Params;
use crate::split::{number, once, trim};

/// One Reason value; its text is for nobody to pass on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// `SIP`: a status code from 100 to 699.
    Sip(u16),
    /// `Q.850`: a cause from 1 to 127.
    Q850(u8),
}

impl Reason {
    /// Reads one element of the list, such as `Q.850;cause=16;text="Terminated"`; `None` for other protocols and
    /// for what has no cause.
    #[must_use]
    pub fn parse(value: &str) -> Option<Reason> {
        let (protocol, params) = once(value, b';')?;
        let cause = number(Params::new(params).value("cause")?)?;
        match trim(protocol) {
            word if word.eq_ignore_ascii_case("SIP") => u16::try_from(cause)
                .ok()
                .filter(|code| (100..700).contains(code))
                .map(Reason::Sip),
            word if word.eq_ignore_ascii_case("Q.850") => u8::try_from(cause)
                .ok()
                .filter(|cause| (1..128).contains(cause))
                .map(Reason::Q850),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_and_causes() {
        for (text, reason) in [
            (
                "SIP ;cause=200 ;text=\"Call completed elsewhere\"",
                Some(Reason::Sip(200)),
            ),
            ("Q.850;cause=16;text=\"a;b\"", Some(Reason::Q850(16))),
            ("q.850 ; text=x ; Cause = 127", Some(Reason::Q850(127))),
            ("SIP;cause=99", None),
            ("SIP;cause=700", None),
            ("SIP;cause=65736", None),
            ("Q.850;cause=0", None),
            ("Q.850;cause=128", None),
            ("Q.850;cause=272", None),
            ("Q.850", None),
            ("Q.850;text=\"cause=16\"", None),
            ("preemption;cause=1", None),
            ("", None),
        ] {
            assert_eq!(Reason::parse(text), reason, "{text}");
        }
    }
}
