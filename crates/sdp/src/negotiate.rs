//! Offer and answer across a back-to-back user agent (RFC 3264): what one leg said becomes what the other is told.
//!
//! Does not own: when to do it (SIP), and ports (`media`).

use crate::fax::Fax;
use crate::text::{Place, Text};
use crate::{Anchor, Codec, Description, Direction, Format, Media, Side, spoken};
use std::fmt;
use std::net::SocketAddr;

/// Why a description can't be carried across. The answer to SIP is 488 (RFC 3261 §21.4.26).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no audio stream, or it is switched off.
    NoAudio,
    /// No codec is left that both sides and the tenant's policy know.
    NoCommonCodec,
    /// All audio is offered over something that can't be carried or that the leg may not use: an unknown profile, SRTP
    /// without usable keys, plain RTP where keys are required.
    Transport,
    /// Media is direct, and the stream has no address that could be passed on.
    NoAddress,
}

impl Refusal {
    /// One line for a Warning header, a log, or a call record.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Refusal::NoAudio => "no audio stream in the session description",
            Refusal::NoCommonCodec => "no audio codec in common",
            Refusal::Transport => "audio is offered only over a transport that is unsupported or not allowed",
            Refusal::NoAddress => "the audio stream has no usable address",
        }
    }

    /// The warn-code of RFC 3261 §20.43.
    #[must_use]
    pub fn warn_code(self) -> u16 {
        match self {
            Refusal::NoAudio => 304,
            Refusal::NoCommonCodec => 305,
            Refusal::Transport => 302,
            Refusal::NoAddress => 301,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Refusal {}

/// Builds the offer for leg `to` from the offer that the other leg made.
///
/// The first usable audio stream is kept: payload types, parameters, packet times, direction; likewise pictures and a fax.
/// Every other m= line stays in its place with port 0. Where we transcode, what we speak beside comes last. On a leg that
/// knows the session already, a stream that is switched off (port 0) is passed on as such.
///
/// # Errors
/// See [`Refusal`]; `to` is unchanged then.
pub fn offer(
    from: &Description,
    to: &mut Side,
    anchor: Option<Anchor>,
    allowed: &[String],
) -> Result<String, Refusal> {
    let usable = from.usable(allowed);
    let faxed = from
        .faxed()
        .filter(|_| has(anchor, |anchor| anchor.fax) && !to.has_ice());
    // Audio that has made room for a fax is not just switched off.
    let off = is_switched_off(from) && from.faxed().is_none();
    if usable.or(faxed).is_none() && !(to.has_spoken() && off) {
        return Err(unusable(from));
    }
    if to.has_ice() {
        return web_offer(usable.and_then(|at| from.media.get(at)), to, anchor, allowed);
    }
    let shown = from.shown(allowed).filter(|_| usable.is_some());
    let mut text = Text::default();
    for (index, media) in from.media.iter().enumerate() {
        if Some(index) == usable {
            let more = besides(media, anchor, allowed);
            let codecs = takes(to, media.allowed(allowed).chain(&more))?;
            let protected = to.offered().ok_or(Refusal::Transport)?;
            let mut place = place(media, anchor, media.rtcp_mux)?;
            place.mux |= protected.is_dtls_alone();
            text.stream(media, &codecs, wish(media, anchor), place, protected);
        } else if Some(index) == shown {
            offer_video(media, to, anchor, allowed, &mut text);
        } else if Some(index) == faxed {
            offer_fax(media, anchor, &mut text)?;
        } else {
            text.refused(media);
        }
    }
    let missing = to.missing(text.len()).to_vec();
    missing.iter().for_each(|line| text.line(line));
    Ok(to.say(text, anchor))
}

/// Pictures, where they can be offered to the leg.
fn offer_video(media: &Media, to: &Side, anchor: Option<Anchor>, allowed: &[String], text: &mut Text) {
    let codecs: Vec<&Codec> = media
        .allowed(allowed)
        .filter(|codec| codec.is_picture() && to.takes(codec))
        .collect();
    let place = beside(media, anchor, |anchor| anchor.video);
    match (place, to.offered_video(media), &media.picture) {
        (Some(mut place), Some(protected), Some(picture)) if !codecs.is_empty() => {
            place.mux |= protected.is_dtls_alone();
            text.video(picture, &codecs, media.effective_direction(), place, protected);
        }
        _ => text.refused(media),
    }
}

fn offer_fax(media: &Media, anchor: Option<Anchor>, text: &mut Text) -> Result<(), Refusal> {
    let place = beside(media, anchor, |anchor| anchor.fax).ok_or(Refusal::NoAddress)?;
    match &media.fax {
        Some(fax) => text.fax(fax, place.rtp),
        None => text.refused(media),
    }
    Ok(())
}

/// Those that the leg may be offered.
fn takes<'a>(to: &Side, codecs: impl Iterator<Item = &'a Codec>) -> Result<Vec<&'a Codec>, Refusal> {
    let codecs: Vec<&Codec> = codecs.filter(|codec| to.takes(codec)).collect();
    match codecs.iter().any(|codec| codec.is_sound()) {
        true => Ok(codecs),
        false => Err(Refusal::NoCommonCodec),
    }
}

/// What we speak for the one who offered, where we transcode.
fn besides(media: &Media, anchor: Option<Anchor>, allowed: &[String]) -> Vec<Codec> {
    match anchor.is_some_and(|anchor| anchor.transcodes) {
        true => spoken::besides(media, allowed),
        false => Vec::new(),
    }
}

/// The offer for a browser: the stream in the place that it has there, and nothing that the browser does not know already.
fn web_offer(
    media: Option<&Media>,
    to: &mut Side,
    anchor: Option<Anchor>,
    allowed: &[String],
) -> Result<String, Refusal> {
    let anchor = anchor.ok_or(Refusal::NoAddress)?;
    let (lines, at) = to.web_lines().ok_or(Refusal::Transport)?;
    let mut text = Text::default();
    for index in 0..lines.len().max(at.saturating_add(1)) {
        match (media.filter(|_| index == at), lines.get(index)) {
            (Some(media), _) => {
                let more = besides(media, Some(anchor), allowed);
                let codecs = takes(to, media.allowed(allowed).chain(&more))?;
                let protected = to.offered().ok_or(Refusal::Transport)?;
                let place = place(media, Some(anchor), true)?;
                text.stream(media, &codecs, media.effective_direction(), place, protected);
            }
            (None, Some(line)) => text.line(line),
            (None, None) => {}
        }
    }
    Ok(to.say(text, Some(anchor)))
}

/// Whether a first offer can be carried across at all, before anything is reserved for it.
///
/// # Errors
/// The refusal that [`offer`] would give.
pub fn acceptable(from: &Description, allowed: &[String]) -> Result<(), Refusal> {
    from.usable(allowed).map(|_| ()).ok_or_else(|| unusable(from))
}

/// Builds the answer for leg `to`, whose offer was `offered`, from the answer of the other leg.
///
/// It has the m= lines of `offered` in their order; only encodings that were offered and a direction that the
/// offer allows. Where the answer begins with a format that only we have offered, the leg gets an answer of our own. When
/// the offer itself had switched the stream off, every line has port 0.
///
/// # Errors
/// See [`Refusal`]; `to` is unchanged then.
pub fn answer(
    offered: &Description,
    answer: &Description,
    to: &mut Side,
    anchor: Option<Anchor>,
    allowed: &[String],
) -> Result<String, Refusal> {
    let usable = offered.usable(allowed);
    let faxed = offered.faxed().filter(|_| has(anchor, |anchor| anchor.fax));
    let off = is_switched_off(offered) && offered.faxed().is_none();
    if usable.or(faxed).is_none() && !off {
        return Err(unusable(offered));
    }
    let fax = faxed.and_then(|at| fax_reply(answer, at, anchor));
    let shown = offered.shown(allowed).filter(|_| usable.is_some());
    let (mut text, mut agreed) = (Text::answer(), Vec::new());
    for (index, media) in offered.media.iter().enumerate() {
        if Some(index) == usable {
            match (reply(answer, index), fax) {
                (Ok(reply), _) => {
                    answer_audio((index, media), reply, to, anchor, allowed, &mut text)?;
                    agreed.push(media);
                }
                // The one is taken instead of the other.
                (Err(_), Some(_)) => text.refused_by_name(media),
                (Err(refusal), None) => return Err(refusal),
            }
        } else if Some(index) == shown && answer_video((index, media), answer, to, anchor, allowed, &mut text)
        {
            agreed.push(media);
        } else if let Some((fax, at)) = fax.filter(|_| Some(index) == faxed) {
            text.fax(fax, at);
        } else {
            text.refused_by_name(media);
        }
    }
    if faxed.is_some() && usable.is_none() && fax.is_none() {
        return Err(Refusal::NoAudio);
    }
    agreed.iter().for_each(|media| to.agreed(media));
    Ok(to.say(text, anchor))
}

fn answer_audio(
    (index, media): (usize, &Media),
    reply: &Media,
    to: &mut Side,
    anchor: Option<Anchor>,
    allowed: &[String],
    text: &mut Text,
) -> Result<(), Refusal> {
    let codecs = match spoken_for(media, reply, anchor, allowed) {
        Some(codecs) => codecs,
        None => common(media, reply, allowed, Codec::is_sound)?,
    };
    let direction = media.effective_direction().answered(wish(reply, anchor));
    let mut place = place(reply, anchor, media.rtcp_mux && reply.rtcp_mux)?;
    to.hears(media, index);
    let protected = to.answered(media).ok_or(Refusal::Transport)?;
    place.mux |= protected.is_dtls_alone() && media.rtcp_mux;
    text.stream(
        reply,
        &codecs.iter().collect::<Vec<_>>(),
        direction,
        place,
        protected,
    );
    Ok(())
}

/// Pictures, where the answer takes them; false when it does not.
fn answer_video(
    (index, media): (usize, &Media),
    answer: &Description,
    to: &Side,
    anchor: Option<Anchor>,
    allowed: &[String],
    text: &mut Text,
) -> bool {
    let Some(reply) = counterpart(answer, index, Media::is_shown) else {
        return false;
    };
    let Ok(codecs) = common(media, reply, allowed, Codec::is_picture) else {
        return false;
    };
    let codecs: Vec<&Codec> = codecs.iter().filter(|codec| codec.is_picture()).collect();
    let place = beside(reply, anchor, |anchor| anchor.video);
    let (Some(mut place), Some(protected)) = (place, to.answered(media)) else {
        return false;
    };
    let (Some(theirs), Some(offered)) = (&reply.picture, &media.picture) else {
        return false;
    };
    place.mux = media.rtcp_mux && (place.mux || protected.is_dtls_alone());
    let direction = media.effective_direction().answered(reply.effective_direction());
    text.video(&theirs.answering(offered), &codecs, direction, place, protected);
    true
}

/// What the answer says of the fax that was offered at `index`, and where it is received.
fn fax_reply(answer: &Description, index: usize, anchor: Option<Anchor>) -> Option<(&Fax, SocketAddr)> {
    let reply = counterpart(answer, index, Media::is_faxed)?;
    let place = beside(reply, anchor, |anchor| anchor.fax)?;
    Some((reply.fax.as_deref()?, place.rtp))
}

/// Whether one side's description can be an answer to the other's, over a relay that transcodes or not.
#[must_use]
pub fn can_talk(offer: &Description, answer: &Description, transcodes: bool, allowed: &[String]) -> bool {
    let relay = Anchor {
        transcodes,
        ..Anchor::plain(SocketAddr::from(([127, 0, 0, 1], 9)))
    };
    crate::answer(offer, answer, &mut Side::unsaid(), Some(relay), allowed).is_ok()
}

/// The answer that takes none of the streams of `offered`: every line has port 0 (RFC 3264 §6). For an offer that has
/// to be answered although nothing will come of it.
#[must_use]
pub fn refuse(offered: &Description, to: &mut Side) -> String {
    let mut text = Text::answer();
    offered.media.iter().for_each(|media| text.refused_by_name(media));
    to.say(text, None)
}

/// The line of `answer` that answers line `index` of the offer, being of that kind; a peer that lost count gets its only
/// stream.
fn counterpart(answer: &Description, index: usize, is: fn(&Media) -> bool) -> Option<&Media> {
    let media = &answer.media;
    let there = media.get(index).filter(|m| is(m));
    there.or_else(|| media.iter().find(|m| is(m)))
}

/// The same for audio.
fn reply(answer: &Description, index: usize) -> Result<&Media, Refusal> {
    let live = |m: &Media| m.is_audio() && m.port != 0;
    let reply = counterpart(answer, index, live).ok_or(Refusal::NoAudio)?;
    if reply.is_ours() {
        Ok(reply)
    } else {
        Err(Refusal::Transport)
    }
}

/// What we say to the offerer in our own name, where the answer is in a format that only we have offered.
fn spoken_for(
    offered: &Media,
    reply: &Media,
    anchor: Option<Anchor>,
    allowed: &[String],
) -> Option<Vec<Codec>> {
    anchor.filter(|anchor| anchor.transcodes)?;
    let known = |codec: &&Codec| offered.allowed(allowed).any(|own| own.same_encoding(codec));
    let ours = |codec: &&Codec| codec.format().is_some_and(Format::is_sound);
    let first = reply
        .allowed(allowed)
        .find(|codec| codec.is_sound() && (known(codec) || ours(codec)))?;
    let codecs = spoken::formats(offered, allowed);
    (!known(&first) && !codecs.is_empty()).then_some(codecs)
}

/// Which way the one who said this wants sound to flow, as it is told to the other: who is on hold is sent to where we
/// play something, even if the one who holds him sends nothing.
fn wish(said: &Media, anchor: Option<Anchor>) -> Direction {
    let direction = said.effective_direction();
    match anchor {
        Some(anchor) if anchor.plays && direction == Direction::Inactive => Direction::SendOnly,
        _ => direction,
    }
}

/// The answered formats that were offered, in the answer's order and with its payload types and parameters
/// (RFC 3264 §6.1 allows other numbers). A dynamic number without rtpmap means what the offer said. One of them must be what
/// `counts`.
fn common(
    offered: &Media,
    reply: &Media,
    allowed: &[String],
    counts: fn(&Codec) -> bool,
) -> Result<Vec<Codec>, Refusal> {
    let codecs: Vec<Codec> = reply
        .formats
        .iter()
        .filter_map(|c| {
            let mut matching = offered.allowed(allowed);
            let known = match c.name.is_empty() {
                true => matching.find(|o| o.pt == c.pt)?,
                false => matching.find(|o| o.same_encoding(c))?,
            };
            Some(Codec {
                pt: c.pt,
                fmtp: c.fmtp.clone(),
                ..known.clone()
            })
        })
        .collect();
    if codecs.iter().any(counts) {
        Ok(codecs)
    } else {
        Err(Refusal::NoCommonCodec)
    }
}

/// Where the stream is to be received. A held stream of a direct call may have no address: that is its point.
fn place(media: &Media, anchor: Option<Anchor>, mux: bool) -> Result<Place, Refusal> {
    match (anchor, media.address) {
        (Some(anchor), _) => Ok(Place {
            rtp: anchor.rtp,
            rtcp: None,
            mux: false,
        }),
        (None, Some(ip)) if media.rtp_address().is_some() || ip.is_unspecified() => Ok(Place {
            rtp: SocketAddr::new(ip, media.port),
            rtcp: media.rtcp,
            mux,
        }),
        (None, _) => Err(Refusal::NoAddress),
    }
}

/// True where this stream goes straight, or we have a port for it.
fn has(anchor: Option<Anchor>, port: fn(Anchor) -> Option<SocketAddr>) -> bool {
    anchor.is_none_or(|anchor| port(anchor).is_some())
}

/// The same for a stream beside the audio; `None` where there is no port for it, or no address.
fn beside(media: &Media, anchor: Option<Anchor>, port: fn(Anchor) -> Option<SocketAddr>) -> Option<Place> {
    let Some(anchor) = anchor else {
        return place(media, None, media.rtcp_mux).ok();
    };
    Some(Place {
        rtp: port(anchor)?,
        rtcp: None,
        mux: false,
    })
}

/// True when there is audio and all audio has port 0.
fn is_switched_off(description: &Description) -> bool {
    let mut audio = description.media.iter().filter(|m| m.is_audio()).peekable();
    audio.peek().is_some() && audio.all(|m| m.port == 0)
}

fn unusable(description: &Description) -> Refusal {
    let live = || description.media.iter().filter(|m| m.is_audio() && m.port != 0);
    if live().next().is_none() {
        Refusal::NoAudio
    } else if live().any(Media::is_ours) {
        Refusal::NoCommonCodec
    } else {
        Refusal::Transport
    }
}
