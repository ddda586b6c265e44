//! Octets as text of JSON that loses nothing: each octet is the character of its number, so that SIP stays readable.

use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(octets: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    let text: String = octets.iter().map(|octet| char::from(*octet)).collect();
    serializer.serialize_str(&text)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let octets = text.chars().map(|c| u8::try_from(u32::from(c)));
    octets
        .collect::<Result<_, _>>()
        .map_err(|_| serde::de::Error::custom("a character is no octet"))
}
