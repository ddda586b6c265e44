//! INFO in a call (RFC 6086): digits in the two forms that phones use, and candidates of ICE (RFC 8840). No other package is
//! known.

use super::{Call, Phase};
use crate::context::{Context, Owner};
use model::{Leg as SideOf, Now};
use sip::header::MediaType;
use sip::transaction::ServerId;
use sip::{Message, Method, Name};

/// What a phone says when it doesn't say how long a key was held, milliseconds.
const USUAL_MS: u16 = 160;
/// Keys are not held longer, milliseconds.
const LONGEST_MS: u16 = 5_000;

/// A key that was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digit {
    /// `0`–`9`, `*`, `#`, `A`–`D`.
    pub(crate) key: char,
    /// How long, milliseconds.
    pub(crate) duration_ms: u16,
}

impl Digit {
    /// Reads `application/dtmf-relay` (`Signal=5`, `Duration=160`) or `application/dtmf` (`5`).
    fn parse(kind: &str, body: &[u8]) -> Option<Digit> {
        let text = std::str::from_utf8(body).ok()?;
        let kind = MediaType::parse(kind)?;
        if kind.is("application/dtmf") {
            return Some(Digit {
                key: key(text.trim())?,
                duration_ms: USUAL_MS,
            });
        }
        if !kind.is("application/dtmf-relay") {
            return None;
        }
        let field = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once('='))
                .find(|(known, _)| known.trim().eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
        };
        let duration = field("Duration").and_then(|ms| ms.parse().ok());
        Some(Digit {
            key: key(field("Signal")?)?,
            duration_ms: duration.unwrap_or(USUAL_MS).clamp(40, LONGEST_MS),
        })
    }
}

/// A key by its sign, or by its number in RFC 4733 where phones write that.
fn key(text: &str) -> Option<char> {
    match text {
        "10" => return Some('*'),
        "11" => return Some('#'),
        _ => {}
    }
    let mut signs = text.chars();
    let sign = signs.next()?.to_ascii_uppercase();
    let known = matches!(sign, '0'..='9' | '*' | '#' | 'A'..='D');
    (known && signs.next().is_none()).then_some(sign)
}

impl Call {
    pub(super) fn handle_info(
        &mut self,
        context: &mut Context,
        side: SideOf,
        server: ServerId,
        message: &Message<'_>,
        now: Now,
    ) {
        let flow = self.flow_of(side).unwrap_or(self.caller.flow);
        let kind = message.header(Name::ContentType).unwrap_or("");
        let trickle = MediaType::parse(kind).is_some_and(|kind| kind.is(sdp::FRAGMENT_TYPE));
        let digit = Digit::parse(kind, message.body());
        let code = match digit {
            // The one package that there is (RFC 8840 §10); some leave its name out.
            _ if trickle => 200,
            _ if message.header(Name::InfoPackage).is_some() => 469,
            Some(_) => 200,
            None if message.body().is_empty() => 200,
            None => 400,
        };
        let mut writer = context.response(message, flow, code, None);
        if code == 469 {
            context.counts.info_refused += 1;
            // RFC 6086 §5.3.2.
            writer = writer.header(Name::RecvInfo, "trickle-ice");
        }
        context.tx.respond(server, code, writer.finish(), now.mono);
        if trickle {
            self.trickled(context, side, message.body());
        }
        if let Some(digit) = digit.filter(|_| code == 200) {
            self.digit_heard(context, side, digit, now);
        }
    }

    /// A phone dialled something in the call: counted, and told to the other phone.
    fn digit_heard(&mut self, context: &mut Context, side: SideOf, digit: Digit, now: Now) {
        context.counts.digits += 1;
        let answered = self.phase == Phase::Answered && !self.is_screening();
        if !answered || !self.is_new_info(context, side, digit.key, now) {
            return;
        }
        self.key_pressed(context, side, digit.key, now);
        self.pass_digit_on(context, side, digit, now);
    }

    /// Tells a phone a key by INFO.
    pub(super) fn tell_digit(&mut self, context: &mut Context, to: SideOf, digit: Digit, now: Now) {
        let Some(leg) = self.leg_mut(to) else { return };
        let (branch, writer) = leg.request(context, Method::Info);
        let body = format!("Signal={}\r\nDuration={}\r\n", digit.key, digit.duration_ms);
        let bytes = writer.body("application/dtmf-relay", body.as_bytes());
        let flow = leg.flow;
        // A digit that finds no room is lost, as one in a lost packet would be.
        let sent = context.request(Method::Info, &branch, bytes, flow, Owner::None, now);
        context.counts.over_limit += u64::from(sent.is_err());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, body: &str) -> Option<(char, u16)> {
        Digit::parse(kind, body.as_bytes()).map(|digit| (digit.key, digit.duration_ms))
    }

    #[test]
    fn digits_in_both_forms() {
        let relay = "application/dtmf-relay";
        assert_eq!(read(relay, "Signal=5\r\nDuration=250\r\n"), Some(('5', 250)));
        assert_eq!(read(relay, "Signal= #\nDuration= 99999"), Some(('#', USUAL_MS)));
        assert_eq!(read(relay, "signal=d\r\nduration=1"), Some(('D', 40)));
        assert_eq!(read(relay, "Signal=11"), Some(('#', USUAL_MS)));
        assert_eq!(read("application/dtmf", "*\r\n"), Some(('*', USUAL_MS)));
        for bad in [
            "",
            "Signal=",
            "Signal=55",
            "Signal=x",
            "Duration=5",
            "Signal=\u{0661}",
        ] {
            assert_eq!(read(relay, bad), None, "{bad}");
        }
        assert_eq!(read("application/sdp", "5"), None);
        assert_eq!(Digit::parse(relay, &[0xff, 0xfe]), None);
    }
}
