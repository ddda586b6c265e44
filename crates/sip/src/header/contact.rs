//! Contact (RFC 3261 §20.10; `+sip.instance` and `reg-id` RFC 5626).

use super::{HeaderError, NameAddr, misc};
use crate::message::{Message, Name};
use crate::split::{Split, commas, number};

/// One Contact value with the parameters a registrar reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact<'a> {
    /// Address and all parameters.
    pub name_addr: NameAddr<'a>,
    /// `q` in thousandths, 0 to 1,000; `None` if absent or malformed.
    pub q_milli: Option<u16>,
    /// Seconds; `None` if absent or malformed, so that the default holds.
    pub expires: Option<u32>,
    /// `+sip.instance` without quotes and angle brackets, such as `urn:uuid:…`.
    pub instance: Option<&'a str>,
    /// `reg-id`, 1 or more.
    pub reg_id: Option<u32>,
}

impl<'a> Contact<'a> {
    /// Reads one element; `*` is not one.
    ///
    /// # Errors
    /// As [`NameAddr::parse`].
    pub fn parse(element: &'a str) -> Result<Contact<'a>, HeaderError> {
        let name_addr = NameAddr::parse(Name::Contact, element)?;
        if name_addr.uri == "*" {
            return Err(HeaderError {
                name: Name::Contact,
                what: "* stands with other values",
            });
        }
        let mut contact = Contact {
            name_addr,
            q_milli: None,
            expires: None,
            instance: None,
            reg_id: None,
        };
        for (name, value) in name_addr.params.iter() {
            contact.take(name, value.unwrap_or(""));
        }
        Ok(contact)
    }

    /// The lengths differ enough to spare most comparisons.
    fn take(&mut self, name: &str, value: &'a str) {
        match name.len() {
            1 if name.eq_ignore_ascii_case("q") => self.q_milli = q_milli(value),
            7 if name.eq_ignore_ascii_case("expires") => self.expires = misc::seconds(value),
            13 if name.eq_ignore_ascii_case("+sip.instance") => self.instance = instance(value),
            6 if name.eq_ignore_ascii_case("reg-id") => self.reg_id = number(value).filter(|id| *id != 0),
            _ => {}
        }
    }
}

/// `0`, `1`, `0.5`, `0.123`, `1.000`.
fn q_milli(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = fraction.bytes().all(|b| b.is_ascii_digit()) && fraction.len() <= 3;
    let whole = number(whole).filter(|_| digits)?;
    let scale = [1000u32, 100, 10, 1].get(fraction.len()).copied()?;
    let thousandths = if fraction.is_empty() {
        0
    } else {
        number(fraction)? * scale
    };
    let total = whole.checked_mul(1000)?.checked_add(thousandths)?;
    u16::try_from(total).ok().filter(|q| *q <= 1000)
}

fn instance(value: &str) -> Option<&str> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    let inner = inner
        .strip_prefix('<')
        .and_then(|i| i.strip_suffix('>'))
        .unwrap_or(inner);
    (!inner.is_empty() && !inner.contains(['"', '\\', '<', '>'])).then_some(inner)
}

/// All Contact values of a message.
#[derive(Clone, Debug)]
pub enum Contacts<'m, 'a> {
    /// Exactly `*`: every binding (RFC 3261 §10.2.2).
    Star,
    /// The values in order; possibly none.
    List(List<'m, 'a>),
}

impl<'m, 'a> Contacts<'m, 'a> {
    pub(crate) fn of(message: &'m Message<'a>) -> Contacts<'m, 'a> {
        let mut lines = message.headers(Name::Contact);
        match (lines.next(), lines.next()) {
            (Some("*"), None) => Contacts::Star,
            (first, _) => Contacts::List(List {
                message,
                line: 1,
                elements: commas(first.unwrap_or("")),
            }),
        }
    }

    /// The values; none for `*`.
    #[must_use]
    pub fn iter(&self) -> Option<List<'m, 'a>> {
        match self {
            Contacts::Star => None,
            Contacts::List(list) => Some(list.clone()),
        }
    }

    /// The first value, if there is one and it is well-formed.
    #[must_use]
    pub fn first(&self) -> Option<Contact<'a>> {
        self.iter()?.next()?.ok()
    }
}

/// The Contact values in order. Each may be malformed by itself.
#[derive(Clone, Debug)]
pub struct List<'m, 'a> {
    message: &'m Message<'a>,
    line: usize,
    elements: Split<'a>,
}

impl<'a> Iterator for List<'_, 'a> {
    type Item = Result<Contact<'a>, HeaderError>;

    fn next(&mut self) -> Option<Result<Contact<'a>, HeaderError>> {
        loop {
            if let Some(element) = self.elements.find(|element| !element.is_empty()) {
                return Some(Contact::parse(element));
            }
            let line = self.message.headers(Name::Contact).nth(self.line)?;
            self.line += 1;
            self.elements = commas(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(contacts: &str) -> String {
        format!("REGISTER sip:x SIP/2.0\r\n{contacts}\r\n")
    }

    fn uris(text: &str) -> Vec<String> {
        let text = message(text);
        let message = Message::parse(text.as_bytes()).unwrap();
        let list = message.contacts().iter().unwrap();
        list.map(|c| c.map_or_else(|e| e.to_string(), |c| c.name_addr.uri.to_owned()))
            .collect()
    }

    #[test]
    fn star_alone_is_star() {
        let text = message("Contact: *\r\n");
        assert!(matches!(
            Message::parse(text.as_bytes()).unwrap().contacts(),
            Contacts::Star
        ));
        assert_eq!(
            uris("Contact: *, <sip:a>\r\n"),
            ["Contact: * stands with other values", "sip:a"]
        );
    }

    #[test]
    fn values_come_from_all_lines() {
        assert_eq!(
            uris("m: <sip:a,b>, sip:c;q=1\r\nX: y\r\nContact: \"d, e\" <sip:f>\r\n"),
            ["sip:a,b", "sip:c", "sip:f"]
        );
        assert!(uris("").is_empty());
    }

    #[test]
    fn parameters_a_registrar_reads() {
        let value = r#"<sip:a@b>;q=0.33;expires=7200;reg-id=2;+sip.instance="<urn:uuid:0-1>""#;
        let c = Contact::parse(value).unwrap();
        assert_eq!(
            (c.q_milli, c.expires, c.reg_id, c.instance),
            (Some(330), Some(7200), Some(2), Some("urn:uuid:0-1"))
        );
        let c = Contact::parse("<sip:a@b>;q=1.001;expires=280297596632815;reg-id=0;+sip.instance=x").unwrap();
        assert_eq!(
            (c.q_milli, c.expires, c.reg_id, c.instance),
            (None, None, None, None)
        );
    }

    #[test]
    fn q_values() {
        for (text, q) in [
            ("1", 1000),
            ("0", 0),
            ("0.5", 500),
            ("0.05", 50),
            ("0.123", 123),
            ("1.000", 1000),
            ("0.", 0),
        ] {
            assert_eq!(q_milli(text), Some(q), "{text}");
        }
        for bad in ["", ".5", "1.5", "2", "0.1234", "-1", "0.x", "4294968"] {
            assert_eq!(q_milli(bad), None, "{bad}");
        }
    }
}
