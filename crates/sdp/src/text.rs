//! The writing of a description's m= lines (RFC 8866 §5).
//!
//! Does not own: which streams and codecs are written (`negotiate`), and what a leg was told before (`side`).

use crate::description::Profile;
use crate::web::{Own, Setup};
use crate::{Codec, Direction, Format, Media};
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

/// The m= lines of a description being built.
#[derive(Default)]
pub(crate) struct Text {
    pub(crate) body: String,
    pub(crate) lines: Vec<String>,
    pub(crate) formats: Vec<(u8, Format)>,
    pub(crate) stream: Option<SocketAddr>,
    /// The a=group line.
    pub(crate) group: String,
    pub(crate) answers: bool,
}

impl Text {
    /// One that answers an offer.
    pub(crate) fn answer() -> Text {
        Text {
            answers: true,
            ..Text::default()
        }
    }

    /// Adds the one stream that is in use. `from` gives profile, packet times and RTCP port.
    pub(crate) fn stream(
        &mut self,
        from: &Media,
        codecs: &[&Codec],
        direction: Direction,
        place: Place,
        protected: Protected,
    ) {
        let body = &mut self.body;
        let profile = protected.profile.as_str();
        let _ = write!(body, "m=audio {} {profile}", place.rtp.port());
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
        for attribute in protected.attributes {
            let _ = write!(body, "a=crypto:{attribute}\r\n");
        }
        let mut mid = String::new();
        if let Some((own, setup)) = protected.web {
            body.push_str(&own.written(setup, place.rtp));
            self.group = own.group().unwrap_or_default();
            mid = format!("a=mid:{}\r\n", own.mid);
        }
        let _ = write!(body, "a={}\r\n", direction.as_str());
        let first = codecs.first().map_or(0, |c| c.pt);
        self.lines.push(format!("m=audio 0 {profile} {first}\r\n{mid}"));
        let known = codecs.iter().filter_map(|c| Some((c.pt, c.format()?)));
        self.formats.extend(known);
        self.stream = Some(place.rtp);
    }

    /// The same where `from` is what is answered: under the name that it has there.
    pub(crate) fn refused_by_name(&mut self, from: &Media) {
        match &from.mid {
            Some(mid) => self.line(&format!(
                "m={} 0 {} {}\r\na=mid:{mid}\r\n",
                from.kind, from.proto, from.format
            )),
            None => self.refused(from),
        }
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

/// How a stream is protected: its profile, and the values of its `a=crypto`, or our side of DTLS and our role.
pub(crate) struct Protected {
    pub(crate) profile: Profile,
    pub(crate) attributes: Vec<String>,
    pub(crate) web: Option<(Own, Setup)>,
}

impl Protected {
    pub(crate) fn plain() -> Protected {
        Protected {
            profile: Profile::Avp,
            attributes: Vec::new(),
            web: None,
        }
    }

    pub(crate) fn web(profile: Profile, own: &Own, setup: Setup) -> Protected {
        Protected {
            profile,
            attributes: Vec::new(),
            web: Some((own.clone(), setup)),
        }
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

pub(crate) fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "IP4" } else { "IP6" }
}
