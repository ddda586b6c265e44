//! What a measured call is made of, and what its descriptions say.
//!
//! Owns: the forms of sound on each side, descriptions as text (RFC 8866, RFC 4568), and what is read from those of a
//! server. Does not own: how descriptions travel, see [`super::phones`] and [`super::rtpengine`].

use crate::phone::voice;
use anyhow::{Context as _, Result, bail};
use model::Codec;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

/// The suite that both servers are made to use, so that both do the same work.
const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";
/// Octets of its master key and salt.
const MASTER: usize = 30;
/// Ours, on every leg: this is a bench.
pub(super) const OUR_MASTER: [u8; MASTER] = *b"bench key of 16.salt of 14....";

/// How one side of a call sounds and travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// In packets of 20 ms.
    pub(super) codec: Codec,
    /// Protected by keys in the description.
    pub(super) keys: bool,
}

impl Form {
    /// Without keys.
    pub(super) fn plain(codec: Codec) -> Form {
        Form { codec, keys: false }
    }

    /// With keys.
    pub(super) fn protected(codec: Codec) -> Form {
        Form { codec, keys: true }
    }

    /// The payload type that we propose.
    pub(super) fn pt(self) -> u8 {
        voice(self.codec).pt
    }
}

/// A call to measure.
#[derive(Clone, Copy, Debug)]
pub(super) enum Plan {
    /// Between two phones.
    Pair {
        /// Who calls.
        caller: Form,
        /// Who is called.
        callee: Form,
    },
    /// The server answers this number itself.
    Served {
        /// What is dialled.
        number: &'static str,
        /// Who calls.
        caller: Form,
    },
}

impl Plan {
    /// The sides that phones of ours have, the caller first.
    pub(super) fn forms(self) -> Vec<Form> {
        match self {
            Plan::Pair { caller, callee } => vec![caller, callee],
            Plan::Served { caller, .. } => vec![caller],
        }
    }

    /// Who calls.
    pub(super) fn caller(self) -> Form {
        match self {
            Plan::Pair { caller, .. } | Plan::Served { caller, .. } => caller,
        }
    }
}

/// What a server's description says of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Far {
    /// Where it wants packets.
    pub(super) remote: SocketAddr,
    /// The payload type of the side's codec.
    pub(super) pt: u8,
    /// The number of its key, and the key.
    pub(super) master: Option<(String, Vec<u8>)>,
}

impl Far {
    /// Reads a description for a side of this form.
    pub(super) fn read(description: &str, form: Form) -> Result<Far> {
        let line = |prefix: &str| description.lines().find_map(|line| line.strip_prefix(prefix));
        let ip: IpAddr = line("c=IN IP4 ").context("no address")?.trim().parse()?;
        let media: Vec<&str> = line("m=audio ").context("no audio")?.split_whitespace().collect();
        let [port, _, types @ ..] = media.as_slice() else {
            bail!("no payload type in {description}");
        };
        let port: u16 = port.parse()?;
        if port == 0 {
            bail!("the audio was declined: {description}");
        }
        let name = format!("{}/", form.codec.name());
        let mut mapped = description.lines().filter_map(|line| {
            let (pt, what) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
            let same = what.get(..name.len())?.eq_ignore_ascii_case(&name);
            same.then(|| pt.parse().ok()).flatten()
        });
        let fixed = form.codec != Codec::Opus && types.contains(&form.pt().to_string().as_str());
        let pt = fixed.then(|| form.pt()).or_else(|| mapped.next());
        let mut keys = description.lines().filter_map(|line| {
            let (tag, rest) = line.strip_prefix("a=crypto:")?.split_once(' ')?;
            let inline = rest.strip_prefix(SUITE)?.trim().strip_prefix("inline:")?;
            let master = base64(inline.split([' ', '|']).next()?);
            (master.len() == MASTER).then(|| (tag.to_owned(), master))
        });
        let master = keys.next();
        if form.keys && master.is_none() {
            bail!("no key in {description}");
        }
        Ok(Far {
            remote: SocketAddr::new(ip, port),
            pt: pt.with_context(|| format!("no {} in {description}", form.codec.name()))?,
            master,
        })
    }
}

/// A description of a side that listens at `rtp`; `tag` is the number of its key.
pub(super) fn description(rtp: SocketAddr, form: Form, pt: u8, tag: &str) -> String {
    let (ip, port) = (rtp.ip(), rtp.port());
    let profile = if form.keys { "RTP/SAVP" } else { "RTP/AVP" };
    let channels = if form.codec == Codec::Opus { "/2" } else { "" };
    let (name, clock) = (form.codec.name(), form.codec.clock_hz());
    let mut text = format!(
        "v=0\r\no=- 3970000000 3970000000 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
         m=audio {port} {profile} {pt}\r\na=rtpmap:{pt} {name}/{clock}{channels}\r\n"
    );
    if form.keys {
        let _ = write!(
            text,
            "a=crypto:{tag} {SUITE} inline:{}\r\n",
            to_base64(&OUR_MASTER)
        );
    }
    text.push_str("a=ptime:20\r\na=sendrecv\r\n");
    text
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 §4, until the first letter that is none of the alphabet.
fn base64(text: &str) -> Vec<u8> {
    let values = text.bytes().map_while(|b| ALPHABET.iter().position(|a| *a == b));
    let (mut octets, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for value in values {
        held = (held << 6) | value as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            octets.push(((held >> bits) & 0xff) as u8);
        }
    }
    octets
}

/// RFC 4648 §4, of a multiple of three octets: nothing is padded.
fn to_base64(octets: &[u8]) -> String {
    let letter = |value: u32| ALPHABET.get(value as usize & 63).map_or('A', |b| char::from(*b));
    let group = |three: &[u8]| {
        let value = three.iter().fold(0_u32, |value, b| (value << 8) | u32::from(*b));
        [18, 12, 6, 0].map(|shift| letter(value >> shift))
    };
    octets.chunks_exact(3).flat_map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_side_says_is_what_the_other_reads() {
        let rtp: SocketAddr = "127.0.0.1:4000".parse().unwrap();
        for form in Codec::ALL
            .into_iter()
            .flat_map(|codec| [Form::plain(codec), Form::protected(codec)])
        {
            let far = Far::read(&description(rtp, form, form.pt(), "3"), form).unwrap();
            let master = form.keys.then(|| ("3".to_owned(), OUR_MASTER.to_vec()));
            assert_eq!((far.remote, far.pt, far.master), (rtp, form.pt(), master));
        }
    }

    #[test]
    fn a_description_without_what_is_needed_is_refused() {
        let rtp: SocketAddr = "127.0.0.1:4000".parse().unwrap();
        let plain = description(rtp, Form::plain(Codec::Pcmu), 0, "");
        assert!(Far::read(&plain, Form::protected(Codec::Pcmu)).is_err());
        assert!(Far::read(&plain, Form::plain(Codec::Opus)).is_err());
        assert!(Far::read(&plain.replace("4000", "0"), Form::plain(Codec::Pcmu)).is_err());
    }

    #[test]
    fn a_server_may_number_opus_as_it_likes() {
        let text = "c=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0 96 97\r\na=rtpmap:96 OPUS/48000/2\r\n\
                    a=rtpmap:97 telephone-event/48000\r\n";
        assert_eq!(Far::read(text, Form::plain(Codec::Opus)).unwrap().pt, 96);
    }
}
