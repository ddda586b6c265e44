//! A call that the called phone answers by itself, in the forms that vendors know (RFC 5373 and older customs). It is
//! asked for by the caller and granted by the tenant's policy; the words that go out are ours.

use sip::header::Params;
use sip::{Message, Name};

/// True when the INVITE asks for it in a form that we know.
pub(super) fn is_asked_for(invite: &Message<'_>) -> bool {
    invite.list(Name::CallInfo).any(|value| {
        let after = Params::new(behind(value)).value("answer-after");
        after == Some("0")
    }) || invite.list(Name::AlertInfo).any(alerts)
        || invite
            .header(Name::AnswerMode)
            .is_some_and(|value| first_word(value).eq_ignore_ascii_case("auto"))
}

/// All forms at once: each phone takes the one that it knows.
pub(super) fn forms(realm: &str) -> [(Name, String); 3] {
    [
        (Name::CallInfo, format!("<sip:{realm}>;answer-after=0")),
        (
            Name::AlertInfo,
            format!("<http://{realm}>;info=alert-autoanswer;delay=0"),
        ),
        (Name::AnswerMode, "Auto".to_owned()),
    ]
}

/// `<…>;info=alert-autoanswer` and the bare words of older phones.
fn alerts(value: &str) -> bool {
    const WORDS: [&str; 6] = [
        "alert-autoanswer",
        "auto answer",
        "autoanswer",
        "auto-answer",
        "ring answer",
        "ring-answer",
    ];
    let known = |text: &str| WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    let info = Params::new(behind(value)).value("info");
    info.is_some_and(|info| known(info.trim_matches('"'))) || known(first_word(value).trim_matches('"'))
}

/// The parameters behind an URI in angle brackets.
fn behind(value: &str) -> &str {
    value.rsplit_once('>').map_or("", |(_, params)| params)
}

/// What stands before the first parameter.
fn first_word(value: &str) -> &str {
    value.split(';').next().unwrap_or("").trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> bool {
        let text = format!("INVITE sip:a@b SIP/2.0\r\n{line}\r\n\r\n");
        is_asked_for(&Message::parse(text.as_bytes()).expect("a message"))
    }

    #[test]
    fn forms_that_ask_and_forms_that_do_not() {
        for line in [
            "Call-Info: <sip:x>;answer-after=0",
            "Call-Info: <http://a>;purpose=icon, <sip:x>;Answer-After=0",
            "Alert-Info: <http://www.x.example>;info=alert-autoanswer;delay=0",
            "Alert-Info: alert-autoanswer",
            "Alert-Info: Ring Answer",
            "Alert-Info: <sip:x>;info=\"Auto Answer\"",
            "Answer-Mode: Auto",
            "Answer-Mode: auto;require",
        ] {
            assert!(asked(line), "{line}");
        }
        for line in [
            "Call-Info: <sip:x>;answer-after=5",
            "Call-Info: <sip:answer-after=0>",
            "Alert-Info: <http://x/ring.wav>",
            "Alert-Info: <sip:x>;info=external",
            "Answer-Mode: Manual",
            "Subject: Answer-Mode: Auto",
        ] {
            assert!(!asked(line), "{line}");
        }
    }
}
