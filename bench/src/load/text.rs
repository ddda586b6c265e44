//! The little that a phone reads of a message: start line, header values, tags, the SDP address.
//!
//! Owns: looking things up in text that a server under test produced. Does not own: checking it; that is what
//! the `sip` crate and its tests are for, and the generator stays independent of them.

use std::net::{IpAddr, SocketAddr};

/// A received message.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    first: &'a str,
    head: &'a str,
    body: &'a str,
}

impl<'a> Text<'a> {
    /// Splits a message; `None` when it is not UTF-8 or has no end of headers.
    pub(crate) fn new(message: &'a [u8]) -> Option<Text<'a>> {
        let text = std::str::from_utf8(message).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let (first, head) = head.split_once("\r\n").unwrap_or((head, ""));
        Some(Text { first, head, body })
    }

    /// The status code of a response.
    pub(crate) fn status(&self) -> Option<u16> {
        self.first.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// The method of a request.
    pub(crate) fn method(&self) -> &'a str {
        self.first.split(' ').next().unwrap_or_default()
    }

    /// First value of a header, by its long name.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers(name).next()
    }

    /// Every line of a header, by its long name, in order.
    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let short = compact(name);
        self.head.split("\r\n").filter_map(move |line| {
            let (key, value) = line.split_once(':')?;
            let key = key.trim_end();
            let hit = key.eq_ignore_ascii_case(name) || key.eq_ignore_ascii_case(short);
            hit.then(|| value.trim())
        })
    }

    /// CSeq as number and method.
    pub(crate) fn cseq(&self) -> Option<(u32, &'a str)> {
        let (number, method) = self.header("CSeq")?.split_once(' ')?;
        Some((number.parse().ok()?, method.trim()))
    }

    /// The tag of the To header; empty when there is none.
    pub(crate) fn to_tag(self) -> &'a str {
        let after = self
            .header("To")
            .and_then(|to| to.split_once(";tag="))
            .map_or("", |(_, tag)| tag);
        after.split(';').next().unwrap_or_default()
    }

    /// The description, or whatever else it carries.
    pub(crate) fn body(&self) -> &'a str {
        self.body
    }

    /// The URI between the angle brackets of the Contact.
    pub(crate) fn contact_uri(&self) -> Option<&'a str> {
        let (_, rest) = self.header("Contact")?.split_once('<')?;
        Some(rest.split_once('>')?.0)
    }

    /// Where the first audio stream of the body wants its packets.
    pub(crate) fn rtp_address(&self) -> Option<SocketAddr> {
        let line = |prefix| self.body.split("\r\n").find_map(|l: &str| l.strip_prefix(prefix));
        let ip: IpAddr = line("c=IN IP4 ")
            .or_else(|| line("c=IN IP6 "))?
            .trim()
            .parse()
            .ok()?;
        let port = line("m=audio ")?.split(' ').next()?.parse().ok()?;
        (port != 0).then_some(SocketAddr::new(ip, port))
    }
}

fn compact(name: &str) -> &'static str {
    match name {
        "Via" => "v",
        "From" => "f",
        "To" => "t",
        "Call-ID" => "i",
        "Contact" => "m",
        "Content-Length" => "l",
        _ => "\0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_finds_what_it_needs() {
        let text = Text::new(
            b"SIP/2.0 200 OK\r\ni: a\r\nTo: <sip:b@c>;tag=7;x\r\nCSeq: 4 INVITE\r\nRecord-Route: <sip:1>\r\n\
              Record-Route: <sip:2>\r\nm: \"b\" <sip:b@1.2.3.4>;q=1\r\n\r\n\
              v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n",
        )
        .unwrap();
        assert_eq!(text.status(), Some(200));
        assert_eq!(text.header("Call-ID"), Some("a"));
        assert_eq!((text.to_tag(), text.cseq()), ("7", Some((4, "INVITE"))));
        assert_eq!(text.headers("Record-Route").count(), 2);
        assert_eq!(text.contact_uri(), Some("sip:b@1.2.3.4"));
        assert_eq!(text.rtp_address(), "127.0.0.1:4000".parse().ok());
    }
}
