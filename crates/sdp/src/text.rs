//! The writing of a description's m= lines (RFC 8866 §5).
//!
//! Does not own: which streams and codecs are written (`negotiate`), and what a leg was told before (`side`).

use crate::description::Profile;
use crate::fax::{FORMAT, Fax, PROTO};
use crate::picture::Picture;
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
        let profile = protected.profile.as_str();
        self.opening("audio", profile, codecs, place);
        let body = &mut self.body;
        codecs.iter().for_each(|c| format(body, c));
        if let Some(ms) = from.ptime {
            let _ = write!(body, "a=ptime:{ms}\r\n");
        }
        if let Some(ms) = from.maxptime {
            let _ = write!(body, "a=maxptime:{ms}\r\n");
        }
        place.write(body);
        protected.write_keys(body);
        let mut mid = String::new();
        match protected.web {
            Some(Dtls {
                own,
                setup,
                ice: true,
            }) => {
                body.push_str(&own.written(setup, place.rtp));
                self.group = own.group().unwrap_or_default();
                mid = format!("a=mid:{}\r\n", own.mid);
            }
            Some(Dtls { own, setup, .. }) => body.push_str(&own.written_dtls(setup)),
            None => {}
        }
        let _ = write!(body, "a={}\r\n", direction.as_str());
        let first = codecs.first().map_or(0, |c| c.pt);
        self.lines.push(format!("m=audio 0 {profile} {first}\r\n{mid}"));
        let known = codecs.iter().filter_map(|c| Some((c.pt, c.format()?)));
        self.formats.extend(known);
        self.stream = Some(place.rtp);
    }

    /// Adds pictures.
    pub(crate) fn video(
        &mut self,
        picture: &Picture,
        codecs: &[&Codec],
        direction: Direction,
        place: Place,
        protected: Protected,
    ) {
        let profile = protected.profile.as_str();
        self.opening("video", profile, codecs, place);
        let body = &mut self.body;
        let ip = place.rtp.ip();
        let _ = write!(body, "c=IN {} {ip}\r\n", family(ip));
        picture.write_bandwidth(body);
        codecs.iter().for_each(|c| format(body, c));
        picture.write_feedback(codecs, body);
        place.write(body);
        protected.write_keys(body);
        if let Some(Dtls { own, setup, .. }) = protected.web {
            body.push_str(&own.written_dtls(setup));
        }
        let _ = write!(body, "a={}\r\n", direction.as_str());
        let first = codecs.first().map_or(0, |c| c.pt);
        self.lines.push(format!("m=video 0 {profile} {first}\r\n"));
    }

    /// Adds a fax.
    pub(crate) fn fax(&mut self, fax: &Fax, at: SocketAddr) {
        let (ip, port) = (at.ip(), at.port());
        let line = format!("{PROTO} {FORMAT}\r\n");
        let _ = write!(self.body, "m=image {port} {line}c=IN {} {ip}\r\n", family(ip));
        fax.write(&mut self.body);
        self.lines.push(format!("m=image 0 {line}"));
        self.stream = self.stream.or(Some(at));
    }

    /// Adds the m= line of a stream over RTP.
    fn opening(&mut self, kind: &str, profile: &str, codecs: &[&Codec], place: Place) {
        let body = &mut self.body;
        let _ = write!(body, "m={kind} {} {profile}", place.rtp.port());
        for codec in codecs {
            let _ = write!(body, " {}", codec.pt);
        }
        body.push_str("\r\n");
    }

    /// Adds a line that refuses `from`.
    pub(crate) fn refused(&mut self, from: &Media) {
        self.line(&format!("m={} 0 {} {}\r\n", from.kind, from.proto, from.format));
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

    /// Adds a line as it was once written by us.
    pub(crate) fn line(&mut self, line: &str) {
        self.body.push_str(line);
        self.lines.push(line.to_owned());
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }
}

/// How a stream is protected: its profile, and the values of its `a=crypto`, or our side of DTLS.
pub(crate) struct Protected {
    pub(crate) profile: Profile,
    pub(crate) attributes: Vec<String>,
    pub(crate) web: Option<Dtls>,
}

/// Our side of DTLS, our role, and whether there is ICE.
pub(crate) struct Dtls {
    pub(crate) own: Own,
    pub(crate) setup: Setup,
    pub(crate) ice: bool,
}

impl Protected {
    pub(crate) fn plain() -> Protected {
        Protected {
            profile: Profile::Avp,
            attributes: Vec::new(),
            web: None,
        }
    }

    pub(crate) fn web(profile: Profile, own: &Own, setup: Setup, ice: bool) -> Protected {
        let own = own.clone();
        Protected {
            profile,
            attributes: Vec::new(),
            web: Some(Dtls { own, setup, ice }),
        }
    }

    fn write_keys(&self, body: &mut String) {
        for attribute in &self.attributes {
            let _ = write!(body, "a=crypto:{attribute}\r\n");
        }
    }

    /// DTLS without ICE: RTCP may come the same way (RFC 5761).
    pub(crate) fn is_dtls_alone(&self) -> bool {
        self.web.as_ref().is_some_and(|dtls| !dtls.ice)
    }
}

/// Where a stream is received: ours, or the peer's with its RTCP attributes when media is direct.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) rtp: SocketAddr,
    pub(crate) rtcp: Option<(u16, Option<IpAddr>)>,
    pub(crate) mux: bool,
}

impl Place {
    /// Writes what it says of RTCP.
    fn write(self, body: &mut String) {
        if let Some((port, address)) = self.rtcp {
            let _ = write!(body, "a=rtcp:{port}");
            if let Some(ip) = address {
                let _ = write!(body, " IN {} {ip}", family(ip));
            }
            body.push_str("\r\n");
        }
        if self.mux {
            body.push_str("a=rtcp-mux\r\n");
        }
    }
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
