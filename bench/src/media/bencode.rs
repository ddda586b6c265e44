//! Values as rtpengine's control protocol writes them: bencoding, and the part of it that calls need.
//!
//! Owns: writing dictionaries, lists, strings and numbers; reading the strings of an answer. A dictionary is written in
//! the order of its keys, as the encoding wants.

use std::collections::BTreeMap;

/// A value to write.
pub(super) enum Value {
    /// Octets.
    Text(String),
    /// A number.
    Number(i64),
    /// In order.
    List(Vec<Value>),
    /// By key.
    Dictionary(BTreeMap<&'static str, Value>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl Value {
    /// A list of words.
    pub(super) fn words(words: &[&str]) -> Value {
        Value::List(words.iter().map(|word| Value::from(*word)).collect())
    }

    /// Appends the value.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Text(text) => write_text(text, out),
            Value::Number(number) => out.extend_from_slice(format!("i{number}e").as_bytes()),
            Value::List(items) => {
                out.push(b'l');
                items.iter().for_each(|item| item.write(out));
                out.push(b'e');
            }
            Value::Dictionary(items) => {
                out.push(b'd');
                for (key, value) in items {
                    write_text(key, out);
                    value.write(out);
                }
                out.push(b'e');
            }
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.len().to_string().as_bytes());
    out.push(b':');
    out.extend_from_slice(text.as_bytes());
}

/// The strings directly in the dictionary at the beginning; `None` when it is none.
pub(super) fn strings(octets: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut rest = octets.strip_prefix(b"d")?;
    let mut found = BTreeMap::new();
    loop {
        if rest.first() == Some(&b'e') {
            return Some(found);
        }
        let (key, after) = read_text(rest)?;
        rest = match read_text(after) {
            Some((value, after)) => {
                found.insert(
                    String::from_utf8_lossy(key).into_owned(),
                    String::from_utf8_lossy(value).into_owned(),
                );
                after
            }
            None => skip(after, 0)?,
        };
    }
}

fn read_text(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = octets.iter().position(|b| *b == b':')?;
    let len = std::str::from_utf8(octets.get(..colon)?).ok()?.parse().ok()?;
    octets.get(colon + 1..)?.split_at_checked(len)
}

/// What follows one value.
fn skip(octets: &[u8], depth: u8) -> Option<&[u8]> {
    match octets.first()? {
        b'i' => octets.get(octets.iter().position(|b| *b == b'e')? + 1..),
        b'l' | b'd' if depth < 16 => {
            let mut rest = octets.get(1..)?;
            while rest.first()? != &b'e' {
                rest = skip(rest, depth + 1)?;
            }
            rest.get(1..)
        }
        b'0'..=b'9' => read_text(octets).map(|(_, rest)| rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_is_written_in_the_order_of_its_keys() {
        let list = Value::words(&["a", "bc"]);
        let items = [("sdp", Value::from("v=0")), ("n", Value::Number(-3)), ("l", list)];
        let mut out = Vec::new();
        Value::Dictionary(items.into()).write(&mut out);
        assert_eq!(out, b"d1:ll1:a2:bce1:ni-3e3:sdp3:v=0e");
    }

    #[test]
    fn strings_are_found_between_other_values() {
        let found = strings(b"d1:xi7e1:yld1:ali2eeee6:result2:ok3:sdp4:v=0\ne").unwrap();
        assert_eq!(
            (found["result"].as_str(), found["sdp"].as_str(), found.len()),
            ("ok", "v=0\n", 2)
        );
    }

    #[test]
    fn what_is_cut_short_is_nothing() {
        let whole = b"d1:xi7e6:result2:oke";
        assert!((0..whole.len()).all(|n| strings(&whole[..n]).is_none()));
        assert!(strings(b"li1ee").is_none() && strings(b"d1:x!e").is_none());
    }
}
