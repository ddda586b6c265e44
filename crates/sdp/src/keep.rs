//! Descriptions as they are kept across a restart: what was read is written down so that it reads back the same, and
//! what was said is taken up from its text.
//!
//! Does not own: what goes to a leg; nothing that is written here leaves for one.

use crate::{Codec, Description, Direction, Media, Side};
use std::fmt::Write;
use std::net::IpAddr;

impl Description {
    /// A text that [`Description::parse`] reads as this description; one at the limits may be refused there.
    #[must_use]
    pub fn text(&self) -> String {
        let (session, version) = (&self.origin.session, &self.origin.version);
        let mut text = format!("v=0\r\no=- {session} {version} IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
        for media in &self.media {
            write_media(&mut text, media);
        }
        text
    }
}

fn write_media(text: &mut String, media: &Media) {
    let _ = write!(text, "m={} {} {}", media.kind, media.port, media.proto);
    // The first word of the list need not be a payload type.
    let first = media
        .formats
        .first()
        .is_some_and(|c| *media.format == *c.pt.to_string());
    if !first {
        let _ = write!(text, " {}", media.format);
    }
    for codec in &media.formats {
        let _ = write!(text, " {}", codec.pt);
    }
    text.push_str("\r\n");
    if let Some(address) = media.address {
        let _ = write!(text, "c=IN {} {address}\r\n", family(address));
    }
    for codec in &media.formats {
        write_codec(text, codec);
    }
    for (name, ms) in [("ptime", media.ptime), ("maxptime", media.maxptime)] {
        if let Some(ms) = ms {
            let _ = write!(text, "a={name}:{ms}\r\n");
        }
    }
    if let Some((port, address)) = media.rtcp {
        let _ = write!(text, "a=rtcp:{port}");
        if let Some(address) = address {
            let _ = write!(text, " IN {} {address}", family(address));
        }
        text.push_str("\r\n");
    }
    if let Some(picture) = &media.picture {
        let codecs: Vec<&Codec> = media.formats.iter().collect();
        picture.write_bandwidth(text);
        picture.write_feedback(&codecs, text);
    }
    if let Some(fax) = &media.fax {
        fax.write(text);
    }
    if media.rtcp_mux {
        text.push_str("a=rtcp-mux\r\n");
    }
    if let Some(mid) = &media.mid {
        let _ = write!(text, "a=mid:{mid}\r\n");
    }
    if media.direction != Direction::SendRecv {
        let _ = write!(text, "a={}\r\n", media.direction.as_str());
    }
}

fn write_codec(text: &mut String, codec: &Codec) {
    if !codec.name.is_empty() && *codec != bare_with(codec) {
        let (pt, name, clock, channels) = (codec.pt, &codec.name, codec.clock, codec.channels);
        let _ = write!(text, "a=rtpmap:{pt} {name}/{clock}/{channels}\r\n");
    }
    if let Some(fmtp) = &codec.fmtp {
        let _ = write!(text, "a=fmtp:{} {fmtp}\r\n", codec.pt);
    }
}

/// What the payload type alone stands for, with the same parameters.
fn bare_with(codec: &Codec) -> Codec {
    Codec {
        fmtp: codec.fmtp.clone(),
        ..Codec::bare(codec.pt)
    }
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IP4" } else { "IP6" }
}

impl Side {
    /// A leg that has been told this text last, as [`Side::again`] gave it. `None` for any other text.
    #[must_use]
    pub fn recall(text: &str) -> Option<Side> {
        let (origin, said) = text.strip_prefix("v=0\r\no=- ")?.split_once("\r\n")?;
        let mut words = origin.splitn(3, ' ');
        let session_id = words.next()?.parse().ok()?;
        let version = words.next()?.parse().ok()?;
        let place = words.next()?.to_owned();
        let lines = said.lines().filter_map(|line| {
            let mut words = line.strip_prefix("m=")?.split(' ');
            let (kind, _port, proto, format) = (words.next()?, words.next()?, words.next()?, words.next()?);
            Some(format!("m={kind} 0 {proto} {format}\r\n"))
        });
        let lines = lines.collect();
        let media = Description::parse(text.as_bytes()).ok()?.media;
        let used = media.iter().find(|media| media.is_audio() && media.port != 0);
        let codecs = used.map_or(&[][..], |media| &media.formats);
        let formats = codecs.iter().filter_map(|c| Some((c.pt, c.format()?)));
        let formats = formats.collect();
        let said = said.to_owned();
        Some(Side::told(session_id, version, said, place, lines, formats))
    }
}
