//! Why a phone ended or called off a call, carried to the other side in our own words (RFC 3326).

use sip::header::Reason;
use sip::{Message, Name};

/// The Reason value for the other leg; empty when the request gives none that we know.
pub(crate) fn of(request: &Message<'_>) -> String {
    let reason = request.list(Name::Reason).find_map(Reason::parse);
    reason.map_or_else(String::new, value)
}

fn value(reason: Reason) -> String {
    match reason {
        Reason::Sip(200) => "SIP;cause=200;text=\"Call completed elsewhere\"".to_owned(),
        Reason::Sip(code) => format!("SIP;cause={code};text=\"{}\"", sip::reason_phrase(code)),
        Reason::Q850(cause) => match words(cause) {
            "" => format!("Q.850;cause={cause}"),
            words => format!("Q.850;cause={cause};text=\"{words}\""),
        },
    }
}

/// Names of the causes that phones give (ITU-T Q.850).
fn words(cause: u8) -> &'static str {
    match cause {
        16 => "normal call clearing",
        17 => "user busy",
        18 => "no user responding",
        19 => "no answer",
        21 => "call rejected",
        26 => "non-selected user clearing",
        31 => "normal, unspecified",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &str) -> String {
        let text = format!("BYE sip:a@b SIP/2.0\r\n{lines}\r\n\r\n");
        of(&Message::parse(text.as_bytes()).expect("a message"))
    }

    #[test]
    fn the_cause_is_carried_and_the_text_is_ours() {
        for (lines, value) in [
            (
                "Reason: Q.850;cause=16;text=\"Evil\"",
                "Q.850;cause=16;text=\"normal call clearing\"",
            ),
            ("Reason: Q.850;cause=99;text=\"Evil\"", "Q.850;cause=99"),
            (
                "Reason: SIP;cause=200;text=\"x\"",
                "SIP;cause=200;text=\"Call completed elsewhere\"",
            ),
            ("Reason: SIP;cause=486", "SIP;cause=486;text=\"Busy Here\""),
            (
                "Reason: foo;cause=1, Q.850;cause=17",
                "Q.850;cause=17;text=\"user busy\"",
            ),
            ("Reason: foo;cause=1", ""),
            ("Subject: x", ""),
        ] {
            assert_eq!(told(lines), value, "{lines}");
        }
    }
}
