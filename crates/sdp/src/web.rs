//! What browsers say about their transport: ICE (RFC 8839), DTLS-SRTP (RFC 5763, RFC 8842, RFC 8122), `rtcp-mux` (RFC 5761) and BUNDLE
//! (RFC 9143), as JSEP (RFC 8829) asks for it. Phones may say DTLS-SRTP alone.
//!
//! Owns: reading these attributes, from the session's or the stream's lines, and writing ours. Does not own: which legs
//! speak so, and the protocols themselves (the media plane).
//!
//! A stream counts only when all is there that is needed: a fingerprint by SHA-2 and a role; with ICE, credentials and
//! `rtcp-mux` as well. With ICE one stream is carried, so a group has one member; the others are refused and left out of it.

use std::fmt::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Candidates of one stream that are kept; of more, the first.
pub const MAX_CANDIDATES: usize = 32;
/// Fingerprints of one stream that are kept.
const MAX_FINGERPRINTS: usize = 8;
/// Longest `mid` that is repeated. Browsers write one to three characters.
const MAX_MID: usize = 32;
/// Letters that credentials are made of (RFC 8839 §5.4): 6 bits each.
const ICE_CHARS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Name and password of one side of ICE. The password does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// User name fragment, 4 to 256 characters.
    pub ufrag: Box<str>,
    /// Password, 22 to 256 characters.
    pub pwd: Box<str>,
}

impl Credentials {
    /// New ones. `random` must not be guessable.
    pub fn new(mut random: impl FnMut() -> u64) -> Credentials {
        let mut letters = |count: usize| -> Box<str> {
            let mut text = String::with_capacity(count);
            while text.len() < count {
                let mut bits = random();
                for _ in 0..10_usize.min(count.saturating_sub(text.len())) {
                    let at = usize::try_from(bits & 0x3F).unwrap_or(0);
                    text.push(char::from(ICE_CHARS.get(at).copied().unwrap_or(b'A')));
                    bits >>= 6;
                }
            }
            text.into()
        };
        Credentials {
            ufrag: letters(8),
            pwd: letters(24),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("ufrag", &self.ufrag)
            .finish_non_exhaustive()
    }
}

/// Who begins the DTLS handshake (RFC 4145 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// Whoever the answerer chooses.
    ActPass,
    /// The writer.
    Active,
    /// The reader.
    Passive,
}

impl Setup {
    fn parse(value: &str) -> Option<Setup> {
        Some(match value {
            "actpass" => Setup::ActPass,
            "active" => Setup::Active,
            "passive" => Setup::Passive,
            _ => return None,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Setup::ActPass => "actpass",
            Setup::Active => "active",
            Setup::Passive => "passive",
        }
    }
}

/// The hash functions that are taken. SHA-1 and MD5 are not: RFC 8122 §5 forbids them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// `sha-256`.
    Sha256,
    /// `sha-384`.
    Sha384,
    /// `sha-512`.
    Sha512,
}

/// A hash of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// By this function.
    pub digest: Digest,
    /// Its octets.
    pub octets: Vec<u8>,
}

impl Fingerprint {
    /// `sha-256 AB:CD:…`; `None` for another function, or another number of octets than it gives.
    #[must_use]
    pub fn parse(value: &str) -> Option<Fingerprint> {
        let (name, hex) = value.split_once(' ')?;
        let (digest, length) = match name.to_ascii_lowercase().as_str() {
            "sha-256" => (Digest::Sha256, 32),
            "sha-384" => (Digest::Sha384, 48),
            "sha-512" => (Digest::Sha512, 64),
            _ => return None,
        };
        let octets: Option<Vec<u8>> = hex
            .trim_ascii()
            .split(':')
            .map(|two| {
                let plain = two.len() == 2 && two.bytes().all(|b| b.is_ascii_hexdigit());
                plain.then(|| u8::from_str_radix(two, 16).ok())?
            })
            .take(length + 1)
            .collect();
        let octets = octets.filter(|octets| octets.len() == length)?;
        Some(Fingerprint { digest, octets })
    }
}

/// Where a stream may be reached: a UDP candidate of the one component that there is with `rtcp-mux`, of any type, also on a
/// TURN server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where.
    pub address: SocketAddr,
    /// Its priority.
    pub priority: u32,
}

impl Candidate {
    /// Reads the value of `a=candidate` (RFC 8839 §5.1). `None` for one that can't be used: TCP, the second component, a
    /// host name (browsers hide addresses behind mDNS; their checks show them), or no single host.
    #[must_use]
    pub fn parse(value: &str) -> Option<Candidate> {
        let mut words = value.split_ascii_whitespace();
        let (_foundation, component) = (words.next()?, words.next()?);
        let (transport, priority) = (words.next()?, words.next()?);
        let (ip, port) = (words.next()?, words.next()?);
        if component != "1" || !transport.eq_ignore_ascii_case("udp") || words.next()? != "typ" {
            return None;
        }
        let ip = crate::word::reachable(ip.parse::<IpAddr>().ok()?.to_canonical())?;
        let port = port.parse().ok().filter(|port| *port != 0)?;
        Some(Candidate {
            address: SocketAddr::new(ip, port),
            priority: priority.parse().ok()?,
        })
    }
}

/// All that the writer of a stream says about DTLS, and about ICE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Its side of ICE; `None` = it speaks DTLS alone.
    pub ice: Option<Credentials>,
    /// Where it may be reached. It may come from elsewhere.
    pub candidates: Vec<Candidate>,
    /// It is an ICE-lite agent.
    pub lite: bool,
    /// Its certificate has one of these.
    pub fingerprints: Vec<Fingerprint>,
    /// Its role in DTLS.
    pub setup: Setup,
    /// The stream is in a BUNDLE group.
    pub(crate) bundled: bool,
}

impl Web {
    /// True when a description with these restarts ICE (RFC 8839 §4.4.1.1.1).
    #[must_use]
    pub fn restarts(&self, before: &Web) -> bool {
        self.ice.is_some() && before.ice.is_some() && self.ice != before.ice
    }

    /// Takes in what was trickled (RFC 8840): false when nothing of it is new, or it is for another session.
    pub fn trickle(&mut self, fragment: &Fragment) -> bool {
        let Some(ice) = &self.ice else { return false };
        if fragment.ufrag.as_ref().is_some_and(|ufrag| *ufrag != ice.ufrag) {
            return false;
        }
        let before = self.candidates.len();
        for candidate in &fragment.candidates {
            keep(&mut self.candidates, *candidate);
        }
        self.candidates.len() > before
    }
}

/// What an `application/trickle-ice-sdpfrag` says (RFC 8840 §9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    ufrag: Option<Box<str>>,
    candidates: Vec<Candidate>,
}

/// The type of such a body.
pub const FRAGMENT_TYPE: &str = "application/trickle-ice-sdpfrag";

impl Fragment {
    /// Reads one. What is not understood is left out, as in a description.
    #[must_use]
    pub fn parse(body: &[u8]) -> Fragment {
        let mut fragment = Fragment::default();
        for line in body.split(|b| *b == b'\n').take(256) {
            let Some(line) = std::str::from_utf8(line).ok().map(str::trim_ascii) else {
                continue;
            };
            if let Some(value) = line.strip_prefix("a=candidate:") {
                let candidate = Candidate::parse(value);
                candidate
                    .into_iter()
                    .for_each(|c| keep(&mut fragment.candidates, c));
            } else if let Some(value) = line.strip_prefix("a=ice-ufrag:") {
                fragment.ufrag = credential(value, 4);
            }
        }
        fragment
    }
}

fn keep(candidates: &mut Vec<Candidate>, candidate: Candidate) {
    let known = candidates.iter().any(|known| known.address == candidate.address);
    if !known && candidates.len() < MAX_CANDIDATES {
        candidates.push(candidate);
    }
}

/// What has been read of one stream, or of the session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    ufrag: Option<Box<str>>,
    pwd: Option<Box<str>>,
    fingerprints: Vec<Fingerprint>,
    candidates: Vec<Candidate>,
    setup: Option<Setup>,
    lite: bool,
    mid: Option<Box<str>>,
    group: Option<Box<str>>,
}

impl Draft {
    /// Takes an attribute in; false when it is none of these. A malformed one is as good as absent.
    pub(crate) fn attribute(&mut self, name: &str, value: &str) -> bool {
        match name {
            "ice-ufrag" => self.ufrag = credential(value, 4),
            "ice-pwd" => self.pwd = credential(value, 22),
            "fingerprint" => {
                let room = self.fingerprints.len() < MAX_FINGERPRINTS;
                self.fingerprints
                    .extend(Fingerprint::parse(value).filter(|_| room));
            }
            "candidate" => {
                let candidate = Candidate::parse(value);
                candidate.into_iter().for_each(|c| keep(&mut self.candidates, c));
            }
            "setup" => self.setup = Setup::parse(value),
            "ice-lite" => self.lite = true,
            "mid" => self.mid = Some(value).filter(|mid| is_mid(mid)).map(Box::from),
            "group" => {
                let members = value.strip_prefix("BUNDLE");
                self.group = self.group.take().or(members.map(Box::from));
            }
            _ => return false,
        }
        true
    }

    /// The stream's name.
    pub(crate) fn mid(&self) -> Option<Box<str>> {
        self.mid.clone()
    }

    /// What the stream says, with what the session says for all (RFC 8839 §5.4, RFC 8122 §5).
    pub(crate) fn complete(self, session: &Draft, mux: bool) -> Option<Web> {
        let bundled = self.mid.as_deref().is_some_and(|mid| {
            let group = session.group.as_deref().unwrap_or_default();
            group.split_ascii_whitespace().any(|member| member == mid)
        });
        let fingerprints = match self.fingerprints.is_empty() {
            true => session.fingerprints.clone(),
            false => self.fingerprints,
        };
        if fingerprints.is_empty() {
            return None;
        }
        let ufrag = self.ufrag.or_else(|| session.ufrag.clone());
        let pwd = self.pwd.or_else(|| session.pwd.clone());
        let ice = match (ufrag, pwd) {
            (Some(ufrag), Some(pwd)) if mux => Some(Credentials { ufrag, pwd }),
            (None, None) => None,
            _ => return None,
        };
        Some(Web {
            ice,
            candidates: self.candidates,
            lite: session.lite,
            fingerprints,
            setup: self.setup.or(session.setup)?,
            bundled,
        })
    }
}

fn credential(value: &str, least: usize) -> Option<Box<str>> {
    let sound = (least..=256).contains(&value.len()) && value.bytes().all(|b| ICE_CHARS.contains(&b));
    sound.then(|| value.into())
}

fn is_mid(mid: &str) -> bool {
    mid.len() <= MAX_MID && crate::word::is_token(mid)
}

/// Our side towards a leg that speaks so.
#[derive(Clone)]
pub(crate) struct Own {
    pub(crate) ice: Credentials,
    /// For when the leg's restart of ICE is answered.
    pub(crate) fresh: Option<Credentials>,
    pub(crate) seed: [u64; 2],
    /// Which of our certificates, and the value of its `a=fingerprint`.
    pub(crate) certificate: u8,
    pub(crate) fingerprint: Arc<str>,
    /// The name of the audio stream, and its place among the m= lines.
    pub(crate) mid: Box<str>,
    pub(crate) place: usize,
    /// The first offer was ours, so we nominate.
    pub(crate) offered_first: Option<bool>,
    /// Our roles in DTLS, of the audio and of pictures, once they are known: each stays for as long as its association does.
    pub(crate) active: [Option<bool>; 2],
    pub(crate) bundled: bool,
}

impl Own {
    pub(crate) fn new(ice: Credentials, seed: [u64; 2], certificate: u8, fingerprint: Arc<str>) -> Own {
        Own {
            ice,
            fresh: None,
            seed,
            certificate,
            fingerprint,
            mid: "0".into(),
            place: 0,
            offered_first: None,
            active: [None; 2],
            bundled: true,
        }
    }

    /// Takes in how the leg offers its stream, the one at `place` of its m= lines.
    pub(crate) fn hears(&mut self, web: &Web, mid: Option<&str>, place: usize, restarts: bool) {
        if let Some(fresh) = self.fresh.take().filter(|_| restarts) {
            self.ice = fresh;
        }
        self.mid = mid.unwrap_or("0").into();
        self.place = place;
        self.bundled = web.bundled;
        self.offered_first.get_or_insert(false);
    }

    /// The role that we answer a stream with: who offers to choose begins, so that we keep no timer for a hello of ours.
    pub(crate) fn answer_to(&self, offered: Setup, is_video: bool) -> Setup {
        let [of_audio, of_video] = self.active;
        match (offered, if is_video { of_video } else { of_audio }) {
            (Setup::Passive, _) | (Setup::ActPass, Some(true)) => Setup::Active,
            (Setup::ActPass | Setup::Active, _) => Setup::Passive,
        }
    }

    /// The role has been agreed on.
    pub(crate) fn settles(&mut self, theirs: Setup, is_video: bool) {
        let active = Some(self.answer_to(theirs, is_video) == Setup::Active);
        let [of_audio, of_video] = &mut self.active;
        *(if is_video { of_video } else { of_audio }) = active;
    }

    /// Our attributes for DTLS.
    pub(crate) fn written_dtls(&self, setup: Setup) -> String {
        format!(
            "a=fingerprint:{}\r\na=setup:{}\r\n",
            self.fingerprint,
            setup.as_str()
        )
    }

    /// Our attributes for a stream with ICE that is received at `at`.
    pub(crate) fn written(&self, setup: Setup, at: SocketAddr) -> String {
        let mut text = String::with_capacity(320);
        let (ip, port) = (at.ip(), at.port());
        // The one candidate of type host: type preference 126, local preference 65535, component 1 (RFC 8445 §5.1.2.1).
        let _ = write!(
            text,
            "a=rtcp-mux\r\na=mid:{}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=candidate:1 1 udp 2130706431 {ip} {port} typ host\r\n\
             a=end-of-candidates\r\n{}a=msid:carillon audio\r\n",
            self.mid,
            self.ice.ufrag,
            self.ice.pwd,
            self.written_dtls(setup),
        );
        text
    }

    /// The group of the one stream.
    pub(crate) fn group(&self) -> Option<String> {
        self.bundled.then(|| format!("a=group:BUNDLE {}\r\n", self.mid))
    }
}
