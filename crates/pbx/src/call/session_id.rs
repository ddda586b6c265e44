//! Session-ID (RFC 7989): the identifier that both ends of a call give it, carried across so that a trace of one leg
//! finds the other. A call whose phones give none has none.

use sip::header::Params;
use sip::{Message, Name};

/// The identifier of an end that has given none (§4.2).
const NIL: &str = "00000000000000000000000000000000";

/// What the phones of a call call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SessionIds {
    caller: Box<str>,
    callee: Box<str>,
}

impl SessionIds {
    /// The caller's, from its INVITE.
    pub(super) fn of(invite: &Message<'_>) -> Option<Box<SessionIds>> {
        let caller = uuid(invite)?;
        Some(Box::new(SessionIds {
            caller,
            callee: NIL.into(),
        }))
    }

    /// Those of both, as they are kept.
    pub(super) fn both(&self) -> (Box<str>, Box<str>) {
        (self.caller.clone(), self.callee.clone())
    }

    /// As they were kept.
    pub(super) fn of_both((caller, callee): (Box<str>, Box<str>)) -> Box<SessionIds> {
        Box::new(SessionIds { caller, callee })
    }

    /// Takes note of the callee's, from its response.
    pub(super) fn learn(ids: &mut Option<Box<SessionIds>>, response: &Message<'_>) {
        let Some(callee) = uuid(response) else { return };
        match ids {
            Some(ids) => ids.callee = callee,
            None => {
                *ids = Some(Box::new(SessionIds {
                    caller: NIL.into(),
                    callee,
                }));
            }
        }
    }

    /// What the caller is told: the callee's, and its own as the remote one (§6).
    pub(super) fn to_caller(&self) -> String {
        format!("{};remote={}", self.callee, self.caller)
    }

    /// What the callee is told.
    pub(super) fn to_callee(&self) -> String {
        format!("{};remote={}", self.caller, self.callee)
    }
}

/// The sender's own identifier: 32 hexadecimal digits in lower case, not all zero.
fn uuid(message: &Message<'_>) -> Option<Box<str>> {
    let value = message.header(Name::SessionId)?;
    let (own, params) = value.split_once(';').unwrap_or((value, ""));
    let own = own.trim();
    let digits =
        |text: &str| text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let remote = Params::new(params).value("remote");
    (digits(own) && own != NIL && remote.is_none_or(digits)).then(|| own.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<Box<str>> {
        let text = format!("INVITE sip:a@b SIP/2.0\r\nSession-ID: {value}\r\n\r\n");
        uuid(&Message::parse(text.as_bytes()).expect("a message"))
    }

    #[test]
    fn identifiers_are_read_and_crossed() {
        let (a, b) = (
            "ab30317f1a784dc48ff824d0d3715d86",
            "47755a9de7794ba387653f2099600ef2",
        );
        assert_eq!(read(a).as_deref(), Some(a));
        assert_eq!(read(&format!("{a};remote={NIL}")).as_deref(), Some(a));
        for bad in [
            "",
            NIL,
            "AB30317f1a784dc48ff824d0d3715d86",
            &a[1..],
            &format!("{a};remote=x"),
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        let ids = SessionIds {
            caller: a.into(),
            callee: b.into(),
        };
        assert_eq!(ids.to_caller(), format!("{b};remote={a}"));
        assert_eq!(ids.to_callee(), format!("{a};remote={b}"));
    }
}
