//! What we remember about one leg, and the writing of what goes to it (RFC 8866 §5, RFC 3264 §5 and §8).
//!
//! Does not own: which streams and codecs are written.

use crate::{Codec, Direction, Media};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Our relay address that faces a leg. RTCP has the port above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// RTP address as the leg should see it.
    pub rtp: SocketAddr,
}

/// Our state towards one leg: the origin, its version, and what was said last.
#[derive(Clone, Debug)]
pub struct Side {
    session_id: u64,
    version: u64,
    /// Everything below the o= line of the last text, to see whether the next one differs.
    said: String,
    /// The connection data of that text.
    place: String,
    /// The m= lines of that text as refusals: later descriptions may not have fewer (RFC 3264 §8).
    lines: Vec<String>,
}

impl Side {
    /// A leg that has been told nothing yet. `session_id` should be hard to guess and differ between legs.
    #[must_use]
    pub fn new(session_id: u64) -> Side {
        Side {
            session_id,
            version: 0,
            said: String::new(),
            place: String::new(),
            lines: Vec::new(),
        }
    }

    /// True once a description was made for this leg.
    #[must_use]
    pub fn has_spoken(&self) -> bool {
        self.version > 0
    }

    /// The last text once more, octet by octet: what refreshes a session without a change (RFC 4028 §7.4).
    #[must_use]
    pub fn again(&self) -> Option<String> {
        self.has_spoken().then(|| self.text())
    }

    /// The version of the last description made for this leg, which rises exactly when the content changes.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Refused lines for the streams that this leg knows beyond the first `count`.
    pub(crate) fn missing(&self, count: usize) -> &[String] {
        self.lines.get(count..).unwrap_or_default()
    }

    /// Completes a text. The same content gives the same octets, another one a higher version.
    pub(crate) fn say(&mut self, text: Text, anchor: Option<Anchor>) -> String {
        let at = text.stream.or(anchor.map(|a| a.rtp));
        let ip = at.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |at| at.ip());
        let family = family(ip);
        let below = format!("s=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n{}", text.body);
        if !self.has_spoken() || below != self.said {
            self.version = self.version.saturating_add(1);
            self.said = below;
            self.place = format!("IN {family} {ip}");
            self.lines = text.lines;
        }
        self.text()
    }

    fn text(&self) -> String {
        format!(
            "v=0\r\no=- {} {} {}\r\n{}",
            self.session_id, self.version, self.place, self.said
        )
    }
}

/// The m= lines of a description being built.
#[derive(Default)]
pub(crate) struct Text {
    body: String,
    lines: Vec<String>,
    stream: Option<SocketAddr>,
}

impl Text {
    /// Adds the one stream that is in use. `from` gives profile, packet times and RTCP port.
    pub(crate) fn stream(&mut self, from: &Media, codecs: &[&Codec], direction: Direction, place: Place) {
        let body = &mut self.body;
        let _ = write!(body, "m=audio {} RTP/AVP", place.rtp.port());
        for codec in codecs {
            let _ = write!(body, " {}", codec.pt);
        }
        body.push_str("\r\n");
        codecs.iter().for_each(|c| format(body, c));
        if let Some(ms) = from.ptime {
            let _ = write!(body, "a=ptime:{ms}\r\n");
        }
        if let Some(ms) = from.maxptime {
            let _ = write!(body, "a=maxptime:{ms}\r\n");
        }
        if let Some((port, address)) = place.rtcp {
            let _ = write!(body, "a=rtcp:{port}");
            if let Some(ip) = address {
                let _ = write!(body, " IN {} {ip}", family(ip));
            }
            body.push_str("\r\n");
        }
        if place.mux {
            body.push_str("a=rtcp-mux\r\n");
        }
        let _ = write!(body, "a={}\r\n", direction.as_str());
        let first = codecs.first().map_or(0, |c| c.pt);
        self.lines.push(format!("m=audio 0 RTP/AVP {first}\r\n"));
        self.stream = Some(place.rtp);
    }

    /// Adds a line that refuses `from`.
    pub(crate) fn refused(&mut self, from: &Media) {
        self.line(&format!("m={} 0 {} {}\r\n", from.kind, from.proto, from.format));
    }

    /// Adds a line as it was once written by us.
    pub(crate) fn line(&mut self, line: &str) {
        self.body.push_str(line);
        self.lines.push(line.to_owned());
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }
}

/// Where a stream is received: ours, or the peer's with its RTCP attributes when media is direct.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) rtp: SocketAddr,
    pub(crate) rtcp: Option<(u16, Option<IpAddr>)>,
    pub(crate) mux: bool,
}

fn format(body: &mut String, codec: &Codec) {
    let _ = write!(body, "a=rtpmap:{} {}/{}", codec.pt, codec.name, codec.clock);
    if codec.channels > 1 {
        let _ = write!(body, "/{}", codec.channels);
    }
    body.push_str("\r\n");
    if let Some(fmtp) = &codec.fmtp {
        let _ = write!(body, "a=fmtp:{} {fmtp}\r\n", codec.pt);
    }
}

fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "IP4" } else { "IP6" }
}
