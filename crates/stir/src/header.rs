//! The text of an `Identity` header (RFC 8224 §4): a PASSporT, and parameters that say how to read it.

use crate::MAX_HEADER;

/// The parts of a header that are looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity<'a> {
    /// Three pieces with dots between them; the first two are empty in the compact form.
    pub(crate) passport: [&'a str; 3],
    pub(crate) info: &'a str,
    pub(crate) alg: Option<&'a str>,
    pub(crate) ppt: Option<&'a str>,
}

impl<'a> Identity<'a> {
    /// `None` for what is no such header: too long, no `info`, a parameter twice.
    pub(crate) fn parse(text: &'a str) -> Option<Identity<'a>> {
        if text.len() > MAX_HEADER {
            return None;
        }
        let (passport, mut rest) = text.split_at(text.find(';')?);
        let (mut info, mut alg, mut ppt) = (None, None, None);
        while let Some(parameter) = rest.strip_prefix(';') {
            let (name, value, behind) = split_parameter(parameter)?;
            rest = behind;
            let known = match name.to_ascii_lowercase().as_str() {
                "info" => &mut info,
                "alg" => &mut alg,
                "ppt" => &mut ppt,
                _ => continue,
            };
            if known.replace(value?).is_some() {
                return None;
            }
        }
        let info = info?.strip_prefix('<')?.strip_suffix('>')?.trim_ascii();
        Some(Identity {
            passport: split_passport(passport.trim_ascii())?,
            info,
            alg,
            ppt,
        })
        .filter(|_| rest.is_empty())
    }

    /// Without header and claims (RFC 8225 §7).
    pub(crate) fn is_compact(&self) -> bool {
        matches!(self.passport, ["", "", _])
    }

    /// The text that is signed.
    pub(crate) fn signed(&self) -> String {
        let [head, claims, _] = self.passport;
        format!("{head}.{claims}")
    }
}

fn split_passport(text: &str) -> Option<[&str; 3]> {
    let mut pieces = text.split('.');
    let three = [pieces.next()?, pieces.next()?, pieces.next()?];
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let is_whole = pieces.next().is_none() && three.iter().all(|piece| piece.bytes().all(is_base64));
    is_whole.then_some(three)
}

/// Name, value (without quotes; with angle brackets), and what follows it.
fn split_parameter(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let (name, behind) = text.split_at(text.find(['=', ';']).unwrap_or(text.len()));
    let name = name.trim_ascii();
    if name.is_empty() {
        return None;
    }
    let Some(value) = behind.strip_prefix('=') else {
        return Some((name, None, behind));
    };
    let value = value.trim_ascii_start();
    let (value, behind) = match value.bytes().next()? {
        b'"' => {
            let (value, behind) = value.strip_prefix('"')?.split_once('"')?;
            // Nothing that is looked at has an escape in it.
            (Some(value).filter(|value| !value.contains('\\'))?, behind)
        }
        b'<' => value.split_at(value.find('>')? + 1),
        _ => {
            let (value, behind) = value.split_at(value.find(';').unwrap_or(value.len()));
            (value.trim_ascii_end(), behind)
        }
    };
    let behind = behind.trim_ascii_start();
    let is_end = behind.is_empty() || behind.starts_with(';');
    (is_end && !value.is_empty()).then_some((name, Some(value), behind))
}

/// A header's value.
pub(crate) fn write(passport: &str, info: &str) -> String {
    format!("{passport};info=<{info}>;alg=ES256;ppt=shaken")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_a_passport_and_parameters() {
        let wanted = Identity {
            passport: ["aa", "b-b", "c_c"],
            info: "https://a/b",
            alg: Some("ES256"),
            ppt: Some("shaken"),
        };
        for text in [
            "aa.b-b.c_c;info=<https://a/b>;alg=ES256;ppt=shaken",
            " aa.b-b.c_c ; INFO = < https://a/b > ; Alg = \"ES256\" ; ppt=\"shaken\" ",
            "aa.b-b.c_c;ppt=shaken;x;y=\";,\";alg=ES256;info=<https://a/b>",
        ] {
            assert_eq!(Identity::parse(text).as_ref(), Some(&wanted), "{text}");
        }
        assert_eq!(wanted.signed(), "aa.b-b");
        let compact = Identity::parse("..cc;info=<https://a/b>").unwrap();
        assert!(compact.is_compact() && compact.ppt.is_none() && !wanted.is_compact());
        assert_eq!(Identity::parse(&write("aa.b-b.c_c", "https://a/b")), Some(wanted));
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let long = format!("a.b.c;info=<https://a/{}>", "b".repeat(MAX_HEADER));
        for text in [
            "",
            "a.b.c",
            "a.b;info=<https://a/>",
            "a.b.c.d;info=<https://a/>",
            "a.b.c=;info=<https://a/>",
            "a.b.c,d.e.f;info=<https://a/>",
            "a.b.c;info=https://a/",
            "a.b.c;info=<https://a/",
            "a.b.c;info=<https://a/>x",
            "a.b.c;info=<https://a/>;info=<https://b/>",
            "a.b.c;info=<https://a/>;ppt",
            "a.b.c;info=<https://a/>;ppt=",
            "a.b.c;info=<https://a/>;ppt=\"shaken",
            "a.b.c;info=<https://a/>;ppt=\"sha\\ken\"",
            "a.b.c;info=<https://a/>;;",
            &long,
        ] {
            assert_eq!(Identity::parse(text), None, "{text}");
        }
    }
}
