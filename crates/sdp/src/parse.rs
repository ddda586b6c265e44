//! Reading a description: RFC 8866 §5 and §9, in any order of lines, within limits.
//!
//! Does not own: what a description means for a call.

use crate::crypto::Crypto;
use crate::description::Profile;
use crate::web::Draft;
use crate::word::is_token;
use crate::{Codec, Description, Direction, Media, Origin, Side};
use std::fmt;
use std::net::IpAddr;

/// Octets of one description. Real ones have 200 to 3,000; a UDP datagram holds no more than this.
const MAX_BYTES: usize = 65_535;
/// m= lines of one description.
const MAX_MEDIA: usize = 32;
/// a= lines of one description.
const MAX_ATTRIBUTES: usize = 256;
/// Formats of one m= line: as many as there are payload types.
const MAX_FORMATS: usize = 128;

/// Keys of one m= line. Phones write two to eight.
const MAX_CRYPTO: usize = 16;

/// What a leg may say about the protection of its audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admit {
    /// Keys are read: the description came a way that nobody else can read.
    pub keys: bool,
    /// DTLS-SRTP may be used, with ICE or without.
    pub dtls: bool,
    /// Audio without keys may be used.
    pub plain: bool,
}

/// Why a body is not a session description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdpError {
    /// The line, from 1; 0 when it is about the whole.
    pub line: usize,
    /// What is wrong with it, without line breaks.
    pub what: &'static str,
}

impl fmt::Display for SdpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session description, line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for SdpError {}

impl Description {
    /// Reads a body of type [`crate::CONTENT_TYPE`] from which no keys are taken.
    ///
    /// # Errors
    /// The first line that can't be represented, or a limit: 65,535 octets, 32 m= lines, 256 attributes.
    pub fn parse(body: &[u8]) -> Result<Description, SdpError> {
        let admit = Admit {
            keys: false,
            dtls: false,
            plain: true,
        };
        Description::parse_with(body, admit)
    }

    /// Reads a body, and keys from it where they are admitted. Streams that the leg may not use count as if they had a
    /// profile that we don't know.
    ///
    /// # Errors
    /// As [`Description::parse`].
    pub fn parse_with(body: &[u8], admit: Admit) -> Result<Description, SdpError> {
        let mut description = Description::read(body)?;
        for media in &mut description.media {
            if !admit.keys {
                media.crypto.clear();
            }
            if !admit.dtls {
                media.web = None;
            }
            media.barred = !admit.plain && !media.is_protected();
        }
        Ok(description)
    }

    /// Reads the answer of the leg of `side` to what that was told last. Keys are taken where they belong to an offered
    /// attribute; `side` remembers what has been agreed. Where keys were needed and the answer has none, the stream is
    /// plain if `plain` lets it be and it says so, and else can't be used.
    ///
    /// # Errors
    /// As [`Description::parse`].
    pub fn parse_answer(body: &[u8], side: &mut Side, plain: bool) -> Result<Description, SdpError> {
        let mut description = Description::read(body)?;
        for media in &mut description.media {
            media.crypto.retain(|crypto| side.has_offered(crypto));
            media.web = media.web.take().filter(|_| side.has_offered_dtls());
            if let Some(web) = media.web.as_mut().filter(|_| !side.has_offered_ice()) {
                web.ice = None;
            }
            media.barred = !plain && !media.is_protected();
        }
        let audio = description.media.iter().find(|m| m.is_ours() && m.port != 0);
        let video = description.media.iter().find(|m| m.is_shown());
        for media in audio.into_iter().chain(video) {
            side.agreed(media);
        }
        Ok(description)
    }

    fn read(body: &[u8]) -> Result<Description, SdpError> {
        if body.len() > MAX_BYTES {
            return Err(SdpError {
                line: 0,
                what: "longer than 65535 octets",
            });
        }
        let mut reader = Reader::default();
        for (index, line) in body.split(|b| *b == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                reader.line(line).map_err(|what| SdpError {
                    line: index.saturating_add(1),
                    what,
                })?;
            }
        }
        reader.finish().map_err(|what| SdpError { line: 0, what })
    }
}

/// What has been read so far. Session-level values are defaults for the streams that follow.
#[derive(Default)]
struct Reader {
    version_seen: bool,
    origin: Option<Origin>,
    address: Option<IpAddr>,
    direction: Direction,
    attributes: usize,
    media: Vec<Media>,
    /// What the session says about ICE and DTLS, and what each stream does.
    web: Draft,
    webs: Vec<Draft>,
}

type Read<T> = Result<T, &'static str>;

impl Reader {
    fn line(&mut self, line: &[u8]) -> Read<()> {
        let (Some(kind), Some(b'=')) = (line.first(), line.get(1)) else {
            return Err("a line is one letter, =, and a value");
        };
        let value = line.get(2..).unwrap_or_default();
        if !self.version_seen && *kind != b'v' {
            return Err("the first line is v=0");
        }
        match kind {
            b'v' => self.version(value),
            b'o' => self.origin(text(value)?),
            b'c' => self.connection(text(value)?),
            b'm' => self.media(text(value)?),
            b'b' => {
                // In another charset it is one that we don't know.
                let picture = self.media.last_mut().and_then(|media| media.picture.as_mut());
                if let (Some(picture), Ok(value)) = (picture, text(value)) {
                    picture.read_bandwidth(value);
                }
                Ok(())
            }
            b'a' => self.attribute(value),
            kind if kind.is_ascii_lowercase() => Ok(()),
            _ => Err("a line begins with a lower-case letter"),
        }
    }

    fn finish(self) -> Read<Description> {
        let origin = self.origin.ok_or("no o= line")?;
        let mut media = self.media;
        for (media, draft) in media.iter_mut().zip(self.webs) {
            media.mid = draft.mid();
            if media.profile().is_some_and(Profile::is_dtls) {
                media.web = draft.complete(&self.web, media.rtcp_mux).map(Box::new);
            }
        }
        Ok(Description { origin, media })
    }

    fn version(&mut self, value: &[u8]) -> Read<()> {
        if value.trim_ascii() != b"0" {
            return Err("only version 0 is known");
        }
        self.version_seen = true;
        Ok(())
    }

    /// Read from the right: some phones put spaces into the username.
    fn origin(&mut self, value: &str) -> Read<()> {
        const WHAT: &str = "o= needs username, id, version, IN, address type and address";
        let mut words = value.split_ascii_whitespace().rev();
        let (_address, _family, _net) = (words.next(), words.next(), words.next());
        let (Some(version), Some(session), Some(_user)) = (words.next(), words.next(), words.next()) else {
            return Err(WHAT);
        };
        self.origin = Some(Origin {
            session: session.into(),
            version: version.into(),
        });
        Ok(())
    }

    fn connection(&mut self, value: &str) -> Read<()> {
        let mut words = value.split_ascii_whitespace();
        let (Some(net), Some(family), Some(address)) = (words.next(), words.next(), words.next()) else {
            return Err("c= needs IN, address type and address");
        };
        let address = connection_address(net, family, address)?;
        match self.media.last_mut() {
            Some(media) => media.address = address,
            None => self.address = address,
        }
        Ok(())
    }

    fn media(&mut self, value: &str) -> Read<()> {
        if self.media.len() >= MAX_MEDIA {
            return Err("more than 32 m= lines");
        }
        let mut words = value.split_ascii_whitespace();
        let (Some(kind), Some(port), Some(proto), Some(format)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err("m= needs media, port, transport and format");
        };
        if !(is_token(kind) && proto.split('/').all(is_token)) {
            return Err("m= has a word with forbidden characters");
        }
        // "49170/2" announces layers on consecutive ports; the first is the one that counts.
        let port = port
            .split('/')
            .next()
            .and_then(|p| p.parse().ok())
            .ok_or("m= has no port from 0 to 65535")?;
        let is_rtp = proto.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("RTP/"))
            || Profile::parse(proto).is_some_and(Profile::is_dtls);
        let fax = kind.eq_ignore_ascii_case("image") && proto.eq_ignore_ascii_case(crate::fax::PROTO);
        let video = is_rtp && kind.eq_ignore_ascii_case("video");
        self.webs.push(Draft::default());
        self.media.push(Media {
            kind: kind.into(),
            port,
            proto: proto.into(),
            // A refusal repeats it, so it may be nothing but a word.
            format: if is_token(format) { format } else { "-" }.into(),
            formats: if is_rtp {
                formats(std::iter::once(format).chain(words))
            } else {
                Vec::new()
            },
            direction: self.direction,
            address: self.address,
            rtcp: None,
            rtcp_mux: false,
            ptime: None,
            maxptime: None,
            crypto: Vec::new(),
            web: None,
            fax: fax.then(Box::default),
            picture: video.then(Box::default),
            mid: None,
            barred: false,
        });
        Ok(())
    }

    fn attribute(&mut self, value: &[u8]) -> Read<()> {
        self.attributes = self.attributes.saturating_add(1);
        if self.attributes > MAX_ATTRIBUTES {
            return Err("more than 256 attributes");
        }
        // An attribute in another charset is one that we don't know.
        let Ok(value) = text(value) else { return Ok(()) };
        let (name, value) = value.split_once(':').unwrap_or((value, ""));
        let (name, value) = (name.trim_ascii(), value.trim_ascii());
        if self
            .webs
            .last_mut()
            .unwrap_or(&mut self.web)
            .attribute(name, value)
        {
            return Ok(());
        }
        if let Some(direction) = direction(name) {
            match self.media.last_mut() {
                Some(media) => media.direction = direction,
                None => self.direction = direction,
            }
        } else if let Some(media) = self.media.last_mut() {
            stream_attribute(media, name, value);
        }
        Ok(())
    }
}

/// Attributes of one stream. A malformed one is as good as absent.
fn stream_attribute(media: &mut Media, name: &str, value: &str) {
    match name {
        "rtpmap" => drop(rtpmap(media, value)),
        "fmtp" => drop(fmtp(media, value)),
        "ptime" => media.ptime = milliseconds(value),
        "maxptime" => media.maxptime = milliseconds(value),
        "rtcp" => media.rtcp = rtcp(value),
        "rtcp-mux" => media.rtcp_mux = true,
        "crypto" => crypto(media, value),
        "rtcp-fb" => {
            if let Some(picture) = &mut media.picture {
                picture.read_feedback(&media.formats, value);
            }
        }
        name => {
            if let Some(fax) = &mut media.fax {
                fax.read(name, value);
            }
        }
    }
}

fn formats<'a>(words: impl Iterator<Item = &'a str>) -> Vec<Codec> {
    let mut seen = [false; MAX_FORMATS];
    words
        .filter_map(|w| w.parse::<u8>().ok())
        .filter(|pt| {
            seen.get_mut(usize::from(*pt))
                .is_some_and(|s| !std::mem::replace(s, true))
        })
        .map(Codec::bare)
        .collect()
}

/// Of two with the same tag the first counts.
fn crypto(media: &mut Media, value: &str) {
    if let Some(crypto) = Crypto::parse(value)
        && media.crypto.len() < MAX_CRYPTO
        && !media.crypto.iter().any(|known| known.tag == crypto.tag)
    {
        media.crypto.push(crypto);
    }
}

/// `<pt> <name>/<clock>[/<channels>]`, RFC 8866 §6.6.
fn rtpmap(media: &mut Media, value: &str) -> Option<()> {
    let (pt, encoding) = value.split_once(' ')?;
    let codec = find(media, pt)?;
    let mut parts = encoding.trim_ascii().split('/');
    let name = parts.next().filter(|n| is_token(n))?;
    let clock = parts.next()?.trim_ascii().parse().ok().filter(|c| *c > 0)?;
    let channels = parts
        .next()
        .and_then(|c| c.trim_ascii().parse().ok())
        .filter(|c| *c > 0)
        .unwrap_or(1);
    codec.name = name.into();
    codec.clock = clock;
    codec.channels = channels;
    Some(())
}

fn fmtp(media: &mut Media, value: &str) -> Option<()> {
    let (pt, parameters) = value.split_once(' ')?;
    find(media, pt)?.fmtp = Some(parameters.trim_ascii())
        .filter(|p| !p.is_empty())
        .map(Box::from);
    Some(())
}

fn find<'a>(media: &'a mut Media, pt: &str) -> Option<&'a mut Codec> {
    let pt: u8 = pt.parse().ok()?;
    media.formats.iter_mut().find(|c| c.pt == pt)
}

/// Whole milliseconds; some phones write `20.0`.
fn milliseconds(value: &str) -> Option<u16> {
    value.split('.').next()?.parse().ok().filter(|ms| *ms > 0)
}

/// `<port> [IN IP4 <address>]`, RFC 3605.
fn rtcp(value: &str) -> Option<(u16, Option<IpAddr>)> {
    let mut words = value.split_ascii_whitespace();
    let port = words.next()?.parse().ok()?;
    let address = match (words.next(), words.next(), words.next()) {
        (Some(net), Some(family), Some(address)) => connection_address(net, family, address).ok()?,
        _ => None,
    };
    Some((port, address))
}

/// `None` for a host name: it would need a resolver, and latching finds such a phone.
fn connection_address(net: &str, family: &str, address: &str) -> Read<Option<IpAddr>> {
    if !net.eq_ignore_ascii_case("IN") {
        return Err("the network type is IN");
    }
    // A slash introduces the TTL and count of a multicast address.
    let host = address.split('/').next().unwrap_or_default();
    let parsed: Option<IpAddr> = host.parse().ok();
    match (family, parsed) {
        ("IP4", Some(IpAddr::V6(_))) | ("IP6", Some(IpAddr::V4(_))) => {
            Err("the address is not of the type named")
        }
        ("IP4" | "IP6", parsed) => Ok(parsed.map(|a| a.to_canonical())),
        _ => Err("the address type is IP4 or IP6"),
    }
}

fn direction(name: &str) -> Option<Direction> {
    Some(match name {
        "sendrecv" => Direction::SendRecv,
        "sendonly" => Direction::SendOnly,
        "recvonly" => Direction::RecvOnly,
        "inactive" => Direction::Inactive,
        _ => return None,
    })
}

/// A value that may be kept: UTF-8 without control characters, so that it can't end a line when written again.
fn text(value: &[u8]) -> Read<&str> {
    let text = std::str::from_utf8(value).map_err(|_| "the line is not UTF-8")?;
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err("the line has a control character");
    }
    Ok(text.trim_ascii())
}
