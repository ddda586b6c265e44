//! T.38 in descriptions: the attributes of ITU-T T.38 Annex D and RFC 3362, read and written by their names.
//!
//! Does not own: where the stream is received, and whether it is taken.
//!
//! A value that is none of those which the recommendation knows is as good as absent: then its default counts.

use std::fmt::Write;

/// The transport (RFC 3362; T.38 Annex D.2.3.2), and its one format.
pub(crate) const PROTO: &str = "udptl";
pub(crate) const FORMAT: &str = "t38";
/// Attributes of one stream that are kept.
const MOST: usize = 32;

/// What an attribute's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A number.
    Number,
    /// One number, or a least and a most.
    Range,
    /// Present, or `0` or `1`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// All that are known, as we write them. Others write them in any case.
const KNOWN: [(&str, Kind); 13] = [
    ("T38FaxVersion", Kind::Number),
    ("T38MaxBitRate", Kind::Number),
    ("T38FaxFillBitRemoval", Kind::Flag),
    ("T38FaxTranscodingMMR", Kind::Flag),
    ("T38FaxTranscodingJBIG", Kind::Flag),
    (
        "T38FaxRateManagement",
        Kind::Word(&["transferredTCF", "localTCF"]),
    ),
    ("T38FaxMaxBuffer", Kind::Number),
    ("T38FaxMaxDatagram", Kind::Number),
    ("T38FaxMaxIFP", Kind::Number),
    (
        "T38FaxUdpEC",
        Kind::Word(&["t38UDPRedundancy", "t38UDPFEC", "t38UDPNoEC"]),
    ),
    ("T38FaxUdpECDepth", Kind::Range),
    ("T38FaxUdpFECMaxSpan", Kind::Number),
    ("T38ModemType", Kind::Word(&["t38G3FaxOnly", "t38G3AndV34G3"])),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Nothing,
    Number(u32),
    Range(u32, u32),
    Word(&'static str),
}

/// What is known of a T.38 stream beside its address, in the writer's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fax {
    attributes: Vec<(&'static str, Value)>,
}

impl Fax {
    /// Takes an attribute in; of two with one name the first counts.
    pub(crate) fn read(&mut self, name: &str, value: &str) {
        let known = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((name, kind)) = known else { return };
        let given = self.attributes.iter().any(|(given, _)| given == name);
        if let Some(value) = kind.read(value)
            && !given
            && self.attributes.len() < MOST
        {
            self.attributes.push((name, value));
        }
    }

    pub(crate) fn write(&self, text: &mut String) {
        for (name, value) in &self.attributes {
            let _ = match value {
                Value::Nothing => write!(text, "a={name}\r\n"),
                Value::Number(number) => write!(text, "a={name}:{number}\r\n"),
                Value::Range(least, most) => write!(text, "a={name}:{least} {most}\r\n"),
                Value::Word(word) => write!(text, "a={name}:{word}\r\n"),
            };
        }
    }
}

impl Kind {
    fn read(self, value: &str) -> Option<Value> {
        let number = |text: &str| -> Option<u32> {
            let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| text.parse().ok())?
        };
        match self {
            Kind::Number => number(value).map(Value::Number),
            Kind::Range => match value.split_once(' ') {
                Some((least, most)) => Some(Value::Range(number(least)?, number(most.trim_ascii())?)),
                None => number(value).map(Value::Number),
            },
            Kind::Flag if value.is_empty() => Some(Value::Nothing),
            Kind::Flag => number(value).filter(|flag| *flag <= 1).map(Value::Number),
            Kind::Word(words) => {
                let word = words.iter().find(|word| word.eq_ignore_ascii_case(value));
                word.map(|word| Value::Word(word))
            }
        }
    }
}
