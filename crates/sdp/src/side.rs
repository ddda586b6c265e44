//! What we remember about one leg, and what of it goes into the next description for it (RFC 3264 §5 and §8).
//!
//! Does not own: which streams and codecs are written, and how (`text`), and how a stream is protected (`guard`).

use crate::crypto::{Crypto, Keyring, Suite};
use crate::description::Profile;
use crate::guard::{Agreement, Guard, Protection, Srtp};
use crate::text::{Protected, Text, family};
use crate::web::{Credentials, Own, Setup, Web};
use crate::{Codec, Format, Media};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Our relay that faces a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// RTP address as the leg should see it. RTCP has the port above.
    pub rtp: SocketAddr,
    /// It can speak for the other leg in formats that that one lacks.
    pub transcodes: bool,
    /// Who is on hold hears something all the same.
    pub plays: bool,
    /// RTP address for pictures; `None` = they are not carried.
    pub video: Option<SocketAddr>,
    /// Address for a fax; `None` = it is not carried.
    pub fax: Option<SocketAddr>,
}

impl Anchor {
    /// A relay that passes on what comes.
    #[must_use]
    pub fn plain(rtp: SocketAddr) -> Anchor {
        Anchor {
            rtp,
            transcodes: false,
            plays: false,
            video: None,
            fax: None,
        }
    }
}

/// A format of a leg that it was told as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shared<'a> {
    /// What it is.
    pub format: Format,
    /// As the leg described it: what is sent to the leg has its payload type.
    pub codec: &'a Codec,
    /// The payload type by which the leg sends it.
    pub heard: u8,
}

/// What ICE and DTLS need to know about a stream.
#[derive(Clone, Copy, Debug)]
pub struct WebPath<'a> {
    /// Our side of ICE; it counts where the leg has one.
    pub ours: &'a Credentials,
    /// From which the media plane makes what must not be guessed, not even by the leg: transactions.
    pub seed: [u64; 2],
    /// What the leg said.
    pub theirs: &'a Web,
    /// We nominate.
    pub controlling: bool,
    /// We begin the handshake.
    pub active: bool,
    /// Which certificate of ours the leg was told of.
    pub certificate: u8,
}

/// Our state towards one leg: the origin, its version, what was said last, and how audio is protected.
#[derive(Clone)]
pub struct Side {
    session_id: u64,
    version: u64,
    /// The codecs that it may be offered; empty = all.
    only: Box<[String]>,
    /// The last text.
    last: Said,
    /// The text before that one, as long as that is an offer without an answer.
    before: Option<Box<Said>>,
    /// Our side of ICE and DTLS, where the leg may speak so.
    own: Option<Box<Own>>,
    protection: Protection,
    audio: Guard,
    /// Pictures have keys of their own, or two streams could use one key stream.
    video: Guard,
}

/// What a text is remembered by.
#[derive(Clone, Default)]
struct Said {
    /// Everything below the o= line, to see whether the next one differs.
    below: String,
    /// The connection data.
    place: String,
    /// The m= lines as refusals: later descriptions may not have fewer (RFC 3264 §8).
    lines: Vec<String>,
    /// The formats that the server itself knows, in its order.
    formats: Box<[(u8, Format)]>,
    /// It was an answer; `None` = nobody knows.
    answered: Option<bool>,
}

/// It holds keys, also in what was said.
impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side")
            .field("version", &self.version)
            .field("suite", &self.suite())
            .finish_non_exhaustive()
    }
}

impl Side {
    /// A leg that has been told nothing yet. `session_id` should be hard to guess and differ between legs.
    #[must_use]
    pub fn new(session_id: u64) -> Side {
        Side {
            session_id,
            version: 0,
            only: Box::default(),
            last: Said::default(),
            before: None,
            own: None,
            protection: Protection::None,
            audio: Guard::default(),
            video: Guard::default(),
        }
    }

    /// The leg is offered no other codecs than these from now on; empty = all. What goes with them is offered as ever.
    pub fn only(&mut self, codecs: &[String]) {
        self.only = codecs.into();
    }

    /// True where the leg may be offered this.
    pub(crate) fn takes(&self, codec: &Codec) -> bool {
        codec.is_companion() || codec.is_allowed(&self.only)
    }

    /// The leg may have these keys of ours, and is asked so for its own.
    pub fn protect(&mut self, ring: Keyring, protection: Protection) {
        self.audio.protect(ring);
        self.protection = protection;
    }

    /// Its pictures may have these.
    pub fn protect_video(&mut self, ring: Keyring) {
        self.video.protect(ring);
    }

    /// A leg for a text that nobody is told: what could be said to a leg that may have keys.
    #[must_use]
    pub fn unsaid() -> Side {
        let mut side = Side::new(0);
        side.protect(Keyring::new(|| 0), Protection::None);
        side.own = Some(Box::new(Own::new(Credentials::new(|| 0), [0; 2], 0, "".into())));
        side
    }

    /// The leg may speak DTLS-SRTP, with ICE or without; it is asked to by [`Side::ask_for_web`] or [`Side::ask_for_dtls`].
    /// `fingerprint` is the value of `a=fingerprint` for our certificate of that number; `seed` is nobody's but ours. Says nothing
    /// about keys: see [`Side::protect`].
    pub fn speak_web(&mut self, ice: Credentials, seed: [u64; 2], certificate: u8, fingerprint: Arc<str>) {
        self.own = Some(Box::new(Own::new(ice, seed, certificate, fingerprint)));
    }

    /// Offers to the leg ask for ICE and DTLS-SRTP, until something else is agreed on.
    pub fn ask_for_web(&mut self) {
        self.protection = Protection::Web;
        self.audio.agreement = Agreement::Nothing;
    }

    /// The same without ICE.
    pub fn ask_for_dtls(&mut self) {
        self.protection = Protection::Dtls;
        self.audio.agreement = Agreement::Nothing;
    }

    /// True when the leg may speak ICE and DTLS-SRTP.
    #[must_use]
    pub fn may_speak_web(&self) -> bool {
        self.own.is_some()
    }

    /// The leg may have no keys that are told any more; what comes from DTLS stays.
    pub fn forget_ring(&mut self) {
        (self.audio.ring, self.video.ring) = (None, None);
    }

    /// These are ours once the leg's restart of ICE is answered. One that is refused leaves all as it was.
    pub fn restart_ice(&mut self, ice: Credentials) {
        if let Some(own) = &mut self.own {
            own.fresh = Some(ice);
        }
    }

    /// Begins ICE and DTLS anew, for the leg gets to know another media session: with another certificate, which is what
    /// tells it so (RFC 8842 §4).
    pub fn restart_web(&mut self, ice: Credentials, certificate: u8, fingerprint: Arc<str>) {
        if let Some(own) = &mut self.own {
            (own.ice, own.certificate, own.fingerprint) = (ice, certificate, fingerprint);
            own.active = [None; 2];
        }
    }

    /// The number of our certificate that the leg was told of, where it speaks ICE and DTLS.
    #[must_use]
    pub fn certificate(&self) -> Option<u8> {
        self.own
            .as_ref()
            .filter(|_| self.is_web())
            .map(|own| own.certificate)
    }

    /// True when the leg speaks DTLS, or is asked to.
    #[must_use]
    pub fn is_web(&self) -> bool {
        self.own.is_some()
            && match self.audio.agreement {
                Agreement::Web { .. } => true,
                Agreement::Nothing => matches!(self.protection, Protection::Web | Protection::Dtls),
                Agreement::Plain | Agreement::Protected { .. } => false,
            }
    }

    /// True when it speaks ICE besides, or is asked to.
    pub(crate) fn has_ice(&self) -> bool {
        let ice = match &self.audio.agreement {
            Agreement::Web { theirs, .. } => theirs.ice.is_some(),
            _ => self.protection == Protection::Web,
        };
        ice && self.is_web()
    }

    /// True when this offer of the leg restarts ICE: ours is restarted then, too.
    #[must_use]
    pub fn is_restarted_by(&self, offer: &Media) -> bool {
        match (&self.audio.agreement, &offer.web) {
            (Agreement::Web { theirs, .. }, Some(web)) => web.restarts(theirs),
            _ => false,
        }
    }

    /// What ICE and DTLS need to know about a stream as the leg described it.
    #[must_use]
    pub fn web_path<'a>(&'a self, media: &'a Media) -> Option<WebPath<'a>> {
        let (own, theirs) = (self.own.as_deref()?, media.web.as_deref()?);
        Some(WebPath {
            ours: &own.ice,
            seed: own.seed,
            theirs,
            controlling: own.offered_first == Some(true) || theirs.lite,
            active: own.answer_to(theirs.setup, media.is_video()) == Setup::Active,
            certificate: own.certificate,
        })
    }

    /// True when our last text offered, or answered, DTLS.
    pub(crate) fn has_offered_dtls(&self) -> bool {
        self.own.is_some() && self.last.below.contains("\r\na=fingerprint:")
    }

    /// The same of ICE.
    pub(crate) fn has_offered_ice(&self) -> bool {
        self.own.is_some() && self.last.below.contains("\r\na=ice-ufrag:")
    }

    /// An offer of the leg is about to be answered.
    pub(crate) fn hears(&mut self, media: &Media, place: usize) {
        let restarts = self.is_restarted_by(media);
        if let (Some(own), Some(web)) = (&mut self.own, &media.web) {
            own.hears(web, media.mid.as_deref(), place, restarts);
        }
    }

    /// The lines that the leg knows, and the place of the stream among them, for an offer to a leg that is a browser.
    pub(crate) fn web_lines(&mut self) -> Option<(Vec<String>, usize)> {
        if !self.has_ice() {
            return None;
        }
        let own = self.own.as_mut()?;
        own.offered_first.get_or_insert(true);
        Some((self.last.lines.clone(), own.place))
    }

    /// The leg may have no keys any more: it talks plainly if it may, else there is nothing to offer to it.
    pub fn forget_keys(&mut self, may_be_plain: bool) {
        self.forget_ring();
        self.own = None;
        (self.protection, self.audio.agreement) = match may_be_plain {
            true => (Protection::None, Agreement::Plain),
            false => (Protection::Demanded, Agreement::Nothing),
        };
        self.video.agreement = self.audio.agreement.clone();
    }

    /// Replaces our keys by new ones. The leg learns of them by the next description that is made for it.
    pub fn rekey(&mut self, ring: Keyring) {
        self.audio.rekey(ring);
    }

    /// The same of its pictures.
    pub fn rekey_video(&mut self, ring: Keyring) {
        self.video.rekey(ring);
    }

    /// What is ours and what is agreed on for a stream of this kind.
    fn guard(&self, media: &Media) -> &Guard {
        match media.is_video() {
            true => &self.video,
            false => &self.audio,
        }
    }

    /// True when nothing has been agreed about protection.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.audio.agreement == Agreement::Nothing
    }

    /// True when the leg may have keys.
    #[must_use]
    pub fn may_have_keys(&self) -> bool {
        self.audio.ring.is_some()
    }

    /// True when ours is to be renewed with this offer of the leg: it brings another key, or takes up what was in use once.
    #[must_use]
    pub fn is_rekeyed_by(&self, offer: &Media) -> bool {
        self.guard(offer).is_rekeyed_by(offer)
    }

    /// The suite that is agreed on; `None` while audio is plain.
    #[must_use]
    pub fn suite(&self) -> Option<Suite> {
        self.audio.suite()
    }

    /// The keys for a stream as the leg described it.
    #[must_use]
    pub fn srtp(&self, media: &Media) -> Option<Srtp> {
        self.guard(media).srtp(media)
    }

    /// Profile and attributes of an offer of audio; `None` when nothing can be offered.
    pub(crate) fn offered(&self) -> Option<Protected> {
        self.asked(&self.audio, &self.audio.agreement)
    }

    /// The same of pictures that come with this profile; `None` also with ICE.
    pub(crate) fn offered_video(&self, from: &Media) -> Option<Protected> {
        if self.has_ice() {
            return None;
        }
        // Pictures that are new are protected as the audio is.
        let agreement = match &self.video.agreement {
            Agreement::Nothing => &self.audio.agreement,
            agreement => agreement,
        };
        let mut asked = self.asked(&self.video, agreement)?;
        asked.profile = asked.profile.like(from.profile());
        Some(asked)
    }

    fn asked(&self, guard: &Guard, agreement: &Agreement) -> Option<Protected> {
        if let Some(own) = self.own.as_ref().filter(|_| self.is_web()) {
            let profile = match agreement {
                _ if self.has_ice() => Profile::DtlsF,
                Agreement::Web { profile, .. } => *profile,
                _ => Profile::Dtls,
            };
            return Some(Protected::web(profile, own, Setup::ActPass, self.has_ice()));
        }
        guard.asked(agreement, self.protection)
    }

    /// The same for the answer to a stream that the leg has offered: its first attribute is taken. `None` when it can't be.
    pub(crate) fn answered(&self, offer: &Media) -> Option<Protected> {
        let profile = offer.profile()?;
        if let Some(web) = &offer.web {
            let own = self.own.as_deref()?;
            let ice = web.ice.is_some();
            return Some(Protected::web(
                profile,
                own,
                own.answer_to(web.setup, offer.is_video()),
                ice,
            ));
        }
        self.guard(offer).answered(offer, profile)
    }

    /// True when the attribute of an answer belongs to one of our last offer.
    pub(crate) fn has_offered(&self, crypto: &Crypto) -> bool {
        let line = format!("a=crypto:{} {} ", crypto.tag, crypto.suite.as_str());
        self.last.below.split("\r\n").any(|said| said.starts_with(&line))
    }

    /// Remembers what a stream that the leg described has led to.
    pub(crate) fn agreed(&mut self, media: &Media) {
        self.settle();
        if let (Some(web), Some(own)) = (&media.web, &mut self.own) {
            own.settles(web.setup, media.is_video());
        }
        let guard = match media.is_video() {
            true => &mut self.video,
            false => &mut self.audio,
        };
        guard.agree(media);
    }

    /// The leg has taken the last offer: that is what counts from now on.
    pub fn settle(&mut self) {
        self.before = None;
    }

    /// The leg has refused the last offer: what was said before goes on to count (RFC 3264 §8), under a version of its own.
    pub fn take_back(&mut self) {
        if let Some(before) = self.before.take() {
            self.version = self.version.saturating_add(1);
            self.last = *before;
        }
    }

    /// A leg that was told this.
    pub(crate) fn told(
        session_id: u64,
        version: u64,
        below: String,
        place: String,
        lines: Vec<String>,
        formats: Box<[(u8, Format)]>,
    ) -> Side {
        Side {
            version,
            last: Said {
                below,
                place,
                lines,
                formats,
                answered: None,
            },
            ..Side::new(session_id)
        }
    }

    /// Raises the version: what was said after the text that was kept is not known.
    pub fn skip(&mut self, versions: u64) {
        self.version = self.version.saturating_add(versions);
    }

    /// True when we said last that the other side sends no sound, and the leg answered that: that it receives nothing then is no
    /// hold.
    #[must_use]
    pub fn has_offered_silence(&self) -> bool {
        let mut streams = self.last.below.split("\r\nm=");
        let audio = streams.find(|stream| stream.starts_with("audio "));
        let is_silent = |audio: &str| {
            audio
                .lines()
                .any(|line| matches!(line, "a=recvonly" | "a=inactive"))
        };
        self.last.answered == Some(false) && audio.is_some_and(is_silent)
    }

    /// True once a description was made for this leg.
    #[must_use]
    pub fn has_spoken(&self) -> bool {
        self.version > 0
    }

    /// The last text once more, octet by octet: what refreshes a session without a change (RFC 4028 §7.4). Not when it
    /// has keys that the leg may not have any more.
    #[must_use]
    pub fn again(&self) -> Option<String> {
        let secret = (self.audio.ring.is_none() && self.last.below.contains("\r\na=crypto:"))
            || (self.own.is_none() && self.last.below.contains("\r\na=fingerprint:"));
        (self.has_spoken() && !secret).then(|| self.text())
    }

    /// The version of the last description made for this leg, which rises exactly when the content changes.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What we and the leg have in common, by the stream as the leg described it last, in the order of whoever answered.
    #[must_use]
    pub fn shared<'a>(&self, media: &'a Media) -> Vec<Shared<'a>> {
        let known = media.formats.iter();
        let known = known.filter_map(|codec| Some((codec.format()?, codec)));
        let told = self.last.formats.iter().copied();
        let both = |(format, codec), (pt, said)| {
            (format == said).then_some(Shared {
                format,
                codec,
                heard: pt,
            })
        };
        // An answer has no more formats than its offer.
        let ours = self
            .last
            .answered
            .unwrap_or(self.last.formats.len() <= media.formats.len());
        match ours {
            true => told
                .filter_map(|said| known.clone().find_map(|own| both(own, said)))
                .collect(),
            false => known
                .filter_map(|own| told.clone().find_map(|said| both(own, said)))
                .collect(),
        }
    }

    /// Sound that was offered to the leg or that it heard of in an answer, with payload types: what it may send by whatever it
    /// has answered. Browsers do (seen with Chromium, which answers with Opus and sends the PCMA that stood first).
    pub fn sounds(&self) -> impl Iterator<Item = (u8, Format)> {
        self.last.formats.iter().copied()
    }

    /// Refused lines for the streams that this leg knows beyond the first `count`.
    pub(crate) fn missing(&self, count: usize) -> &[String] {
        self.last.lines.get(count..).unwrap_or_default()
    }

    /// Completes a text. The same content gives the same octets, another one a higher version.
    pub(crate) fn say(&mut self, text: Text, anchor: Option<Anchor>) -> String {
        let at = text.stream.or(anchor.map(|a| a.rtp));
        let ip = at.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |at| at.ip());
        let family = family(ip);
        let (group, body) = (text.group, text.body);
        let below = format!("s=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n{group}{body}");
        if !self.has_spoken() || below != self.last.below {
            let text = Said {
                below,
                place: format!("IN {family} {ip}"),
                lines: text.lines,
                formats: text.formats.into(),
                answered: Some(text.answers),
            };
            let is_offer = text.answered == Some(false);
            let before = std::mem::replace(&mut self.last, text);
            self.before = (self.has_spoken() && is_offer).then(|| Box::new(before));
            self.version = self.version.saturating_add(1);
        } else {
            self.last.answered = Some(text.answers);
        }
        self.text()
    }

    fn text(&self) -> String {
        format!(
            "v=0\r\no=- {} {} {}\r\n{}",
            self.session_id, self.version, self.last.place, self.last.below
        )
    }
}
