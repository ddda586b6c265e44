//! User-to-user information (RFC 7433): a few octets that one end of a call gives to the other, within a limit.

use sip::header::Params;
use sip::split::is_token;
use sip::{Message, Name};

/// Hexadecimal digits that are carried: twice the 128 octets that ISDN has (RFC 7433 §3.1).
const LONGEST: usize = 256;
/// Letters of the names of purpose and content.
const LONGEST_WORD: usize = 32;

/// The value for the other leg, built anew; `None` when there is none, or none that can be carried.
pub(super) fn carried(message: &Message<'_>) -> Option<String> {
    let value = message.header(Name::UserToUser)?;
    let (data, params) = value.split_once(';').unwrap_or((value, ""));
    let (data, params) = (data.trim(), Params::new(params));
    let hexadecimal = params
        .value("encoding")
        .is_none_or(|encoding| encoding.eq_ignore_ascii_case("hex"));
    let fits = (2..=LONGEST).contains(&data.len()) && data.len().is_multiple_of(2);
    if !hexadecimal || !fits || !data.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut told = format!("{data};encoding=hex");
    for name in ["purpose", "content"] {
        let word = params.value(name).unwrap_or("");
        if is_token(word) && word.len() <= LONGEST_WORD {
            told.push_str(&format!(";{name}={word}"));
        }
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(value: &str) -> Option<String> {
        let text = format!("INVITE sip:a@b SIP/2.0\r\nUser-to-User: {value}\r\n\r\n");
        carried(&Message::parse(text.as_bytes()).expect("a message"))
    }

    #[test]
    fn hexadecimal_data_within_the_limit_is_carried() {
        assert_eq!(told("56a390f3d2b7").as_deref(), Some("56a390f3d2b7;encoding=hex"));
        assert_eq!(
            told("56A3;encoding=hex;purpose=isdn-uui;content=isdn-uui;x=y").as_deref(),
            Some("56A3;encoding=hex;purpose=isdn-uui;content=isdn-uui")
        );
        let longest = "ab".repeat(128);
        assert!(told(&longest).is_some());
        for bad in [
            "",
            "5",
            "xyz",
            "\"text\"",
            "56a3;encoding=ascii",
            &format!("{longest}ab"),
        ] {
            assert_eq!(told(bad), None, "{bad}");
        }
        assert_eq!(told("56a3;purpose=\"a b\"").as_deref(), Some("56a3;encoding=hex"));
    }
}
