//! A description that was read: the nouns of RFC 8866 that calls need, and questions about them.
//!
//! Does not own: reading (`parse`) and building (`negotiate`).

use crate::fax::{self, Fax};
use crate::picture::Picture;
use crate::word::reachable;
use crate::{Codec, Crypto, Web};
use std::net::{IpAddr, SocketAddr};

/// Which way media flows, seen from the side that wrote it (RFC 8866 §6.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Sends and receives; the default.
    #[default]
    SendRecv,
    /// Only sends: the other side is on hold.
    SendOnly,
    /// Only receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// The direction that sends and receives as told.
    #[must_use]
    pub fn of(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    /// True when the writer sends.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// True when the writer receives.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// What may be answered at most to this offer (RFC 3264 §6.1), narrowed to `wish`.
    #[must_use]
    pub fn answered(self, wish: Direction) -> Direction {
        Direction::of(self.receives() && wish.sends(), self.sends() && wish.receives())
    }

    /// The attribute's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }
}

/// The o= line (RFC 8866 §5.2). Username and address are not kept: nobody needs them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Session id as written.
    pub session: Box<str>,
    /// Version as written; a higher one announces a change.
    pub version: Box<str>,
}

/// One m= line with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// `audio`, `video`, `image`…, as written.
    pub kind: Box<str>,
    /// Transport port; 0 = refused or switched off.
    pub port: u16,
    /// Transport profile, such as `RTP/AVP`, as written.
    pub proto: Box<str>,
    /// First word of the format list as written; all that a refusal has to repeat.
    pub format: Box<str>,
    /// The payload formats in order of preference; empty for what is not RTP.
    pub formats: Vec<Codec>,
    /// Direction: the stream's, else the session's, else `sendrecv`.
    pub direction: Direction,
    /// Connection address: the stream's, else the session's. `None` when absent or a host name.
    pub address: Option<IpAddr>,
    /// `a=rtcp` (RFC 3605): port, and address where given.
    pub rtcp: Option<(u16, Option<IpAddr>)>,
    /// `a=rtcp-mux` (RFC 5761) is present.
    pub rtcp_mux: bool,
    /// `a=ptime`, milliseconds.
    pub ptime: Option<u16>,
    /// `a=maxptime`, milliseconds.
    pub maxptime: Option<u16>,
    /// `a=crypto`, those that can be served, in the writer's order; empty where keys are not admitted.
    pub crypto: Vec<Crypto>,
    /// What it says about ICE and DTLS-SRTP; `None` where that is incomplete or not admitted.
    pub web: Option<Box<Web>>,
    /// What it says of a fax (T.38), where it is one.
    pub(crate) fax: Option<Box<Fax>>,
    /// What it says of pictures, where it has some.
    pub(crate) picture: Option<Box<Picture>>,
    /// The stream's name (RFC 5888).
    pub(crate) mid: Option<Box<str>>,
    /// Not to be used: over plain RTP where that is not admitted.
    pub(crate) barred: bool,
}

/// How an RTP stream is protected, by its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// `RTP/AVP`: plain, or protected when both sides bring keys although the profile does not say so.
    Avp,
    /// `RTP/AVPF` (RFC 4585): for pictures.
    Avpf,
    /// `RTP/SAVP` (RFC 3711).
    Savp,
    /// `RTP/SAVPF` (RFC 5124).
    Savpf,
    /// `UDP/TLS/RTP/SAVP` (RFC 5764): keys come from DTLS.
    Dtls,
    /// `UDP/TLS/RTP/SAVPF`: browsers.
    DtlsF,
}

impl Profile {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Profile::Avp => "RTP/AVP",
            Profile::Avpf => "RTP/AVPF",
            Profile::Savp => "RTP/SAVP",
            Profile::Savpf => "RTP/SAVPF",
            Profile::Dtls => "UDP/TLS/RTP/SAVP",
            Profile::DtlsF => "UDP/TLS/RTP/SAVPF",
        }
    }

    pub(crate) fn parse(proto: &str) -> Option<Profile> {
        [
            Profile::Avp,
            Profile::Avpf,
            Profile::Savp,
            Profile::Savpf,
            Profile::Dtls,
            Profile::DtlsF,
        ]
        .into_iter()
        .find(|profile| profile.as_str().eq_ignore_ascii_case(proto))
    }

    /// The same with feedback at once, where the writer of `from` has that (RFC 4585, RFC 5124).
    pub(crate) fn like(self, from: Option<Profile>) -> Profile {
        let feedback = matches!(from, Some(Profile::Avpf | Profile::Savpf | Profile::DtlsF));
        match self {
            Profile::Avp if feedback => Profile::Avpf,
            Profile::Savp if feedback => Profile::Savpf,
            Profile::Dtls if feedback => Profile::DtlsF,
            profile => profile,
        }
    }

    /// Keys come from DTLS.
    pub(crate) fn is_dtls(self) -> bool {
        matches!(self, Profile::Dtls | Profile::DtlsF)
    }
}

impl Media {
    /// Where RTP is expected. `None` when there is no port, no address, or one that no single
    /// host has: unspecified (the old hold), multicast, broadcast.
    #[must_use]
    pub fn rtp_address(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(reachable(self.address?)?, nonzero(self.port)?))
    }

    /// Where RTCP is expected: `a=rtcp`, else the port above RTP's. `rtcp-mux` is negotiated with streams over DTLS alone
    /// (RFC 5761 §5.1.1: without an answer to it, RTCP keeps its own port).
    #[must_use]
    pub fn rtcp_address(&self) -> Option<SocketAddr> {
        let rtp = self.rtp_address()?;
        if self.web.is_some() && self.rtcp_mux {
            return Some(rtp);
        }
        match self.rtcp {
            Some((port, address)) => Some(SocketAddr::new(
                reachable(address.unwrap_or(rtp.ip()))?,
                nonzero(port)?,
            )),
            None => Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?)),
        }
    }

    /// The direction with the old hold taken in: who gives 0.0.0.0 as address receives nothing (RFC 3264 §8.4). With ICE that
    /// address only says that no candidate was there yet.
    #[must_use]
    pub fn effective_direction(&self) -> Direction {
        let unspecified = !self.has_ice() && self.address.is_some_and(|a| a.is_unspecified());
        Direction::of(self.direction.sends(), self.direction.receives() && !unspecified)
    }

    /// True when the writer keeps the other side from being heard: `sendonly`, `inactive`, 0.0.0.0 or port 0.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.port == 0 || !self.effective_direction().receives()
    }

    /// True when the writer protects the stream, by keys that it tells or by DTLS.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        !self.crypto.is_empty() || self.web.is_some()
    }

    /// The profile of a stream that we know.
    pub(crate) fn profile(&self) -> Option<Profile> {
        Profile::parse(&self.proto)
    }

    /// True for an audio stream that we can carry, switched on or not: over plain RTP, or over SRTP with keys.
    pub(crate) fn is_ours(&self) -> bool {
        self.is_audio() && self.is_carried()
    }

    /// True for pictures that we can carry, and that are switched on: not with ICE, where one transport is for all streams.
    pub(crate) fn is_shown(&self) -> bool {
        self.is_video() && self.is_carried() && self.port != 0 && !self.has_ice()
    }

    /// Its writer speaks ICE.
    fn has_ice(&self) -> bool {
        self.web.as_ref().is_some_and(|web| web.ice.is_some())
    }

    /// True for a fax that is switched on. It has no keys, so it is nothing where audio must have some.
    pub(crate) fn is_faxed(&self) -> bool {
        let known = self.fax.is_some() && self.format.eq_ignore_ascii_case(fax::FORMAT);
        known && self.port != 0 && !self.barred
    }

    /// Its profile is known, and what that needs is there.
    fn is_carried(&self) -> bool {
        let carried = match self.profile() {
            Some(Profile::Avp) => true,
            Some(Profile::Avpf) => self.is_video(),
            // What is switched off needs no keys.
            Some(Profile::Savp | Profile::Savpf) => !self.crypto.is_empty() || self.port == 0,
            Some(Profile::Dtls | Profile::DtlsF) => self.web.is_some() || self.port == 0,
            None => false,
        };
        carried && !self.barred
    }

    pub(crate) fn is_video(&self) -> bool {
        self.picture.is_some()
    }

    pub(crate) fn is_audio(&self) -> bool {
        self.kind.eq_ignore_ascii_case("audio")
    }

    /// Without the codecs that `only` does not name, where it names any. What goes with a codec stays.
    pub(crate) fn keep_codecs(&mut self, only: &[String]) {
        self.formats
            .retain(|codec| codec.is_companion() || codec.is_allowed(only));
    }

    /// The formats that `allowed` lets through.
    pub(crate) fn allowed<'a>(&'a self, allowed: &'a [String]) -> impl Iterator<Item = &'a Codec> {
        self.formats.iter().filter(|c| c.is_allowed(allowed))
    }
}

/// A session description as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub(crate) origin: Origin,
    pub(crate) media: Vec<Media>,
}

impl Description {
    /// The m= lines in order.
    #[must_use]
    pub fn media(&self) -> &[Media] {
        &self.media
    }

    /// Takes in candidates that were trickled after the description (RFC 8840). False when none of them is new.
    pub fn trickle(&mut self, fragment: &crate::Fragment) -> bool {
        let webs = self.media.iter_mut().filter_map(|media| media.web.as_mut());
        webs.map(|web| web.trickle(fragment)).max().unwrap_or(false)
    }

    /// The o= line.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Forgets every codec that `only` does not name, where it names any: what was said about the others does not count. What goes
    /// with codecs, such as telephone events, stays.
    pub fn keep_codecs(&mut self, only: &[String]) {
        for media in &mut self.media {
            media.keep_codecs(only);
        }
    }

    /// The stream that a call is about, the one that [`crate::offer`] keeps: the first audio stream that can be carried,
    /// is switched on and has an allowed codec; else the first that is switched on; else the first.
    /// Ask an answer in the same way.
    #[must_use]
    pub fn audio(&self, allowed: &[String]) -> Option<&Media> {
        let ours = || self.media.iter().filter(|m| m.is_ours());
        let usable = self.usable(allowed).and_then(|i| self.media.get(i));
        usable
            .or_else(|| ours().find(|m| m.port != 0))
            .or_else(|| ours().next())
    }

    /// The pictures that go with it, where there are some that can be carried.
    #[must_use]
    pub fn video(&self, allowed: &[String]) -> Option<&Media> {
        self.media.get(self.shown(allowed)?)
    }

    /// The fax that is switched on.
    #[must_use]
    pub fn fax(&self) -> Option<&Media> {
        self.media.get(self.faxed()?)
    }

    /// True when that stream is held by the writer, or there is none.
    #[must_use]
    pub fn is_held(&self, allowed: &[String]) -> bool {
        self.audio(allowed).is_none_or(Media::is_held)
    }

    /// True when the writer sends nothing on that stream.
    #[must_use]
    pub fn is_quiet(&self, allowed: &[String]) -> bool {
        self.audio(allowed)
            .is_some_and(|media| !media.effective_direction().sends())
    }

    /// The same without hold: what the writer would say to somebody new. A leg that was held when its call is
    /// transferred is not to bring the hold along.
    #[must_use]
    pub fn resumed(&self) -> Description {
        let mut resumed = self.clone();
        for media in &mut resumed.media {
            media.direction = Direction::SendRecv;
        }
        resumed
    }

    /// Index of the first pictures that can be used.
    pub(crate) fn shown(&self, allowed: &[String]) -> Option<usize> {
        let pictures = |m: &Media| m.allowed(allowed).any(Codec::is_picture);
        self.media.iter().position(|m| m.is_shown() && pictures(m))
    }

    /// Index of the first fax that is switched on.
    pub(crate) fn faxed(&self) -> Option<usize> {
        self.media.iter().position(Media::is_faxed)
    }

    /// Index of the first audio stream that can be used.
    pub(crate) fn usable(&self, allowed: &[String]) -> Option<usize> {
        self.media
            .iter()
            .position(|m| m.is_ours() && m.port != 0 && m.allowed(allowed).any(Codec::is_sound))
    }
}

fn nonzero(port: u16) -> Option<u16> {
    (port != 0).then_some(port)
}
