//! Descriptions of the server's own: what it can hear and say where it is a side of the call itself.
//!
//! Owns: which codecs those are: G.711 and telephone events. Does not own: carrying them across (`negotiate`).

use crate::{Anchor, Codec, Description, Direction, Refusal, Side};

/// The name that digits go by (RFC 4733).
const EVENTS: &str = "telephone-event";
/// What an offer of ours says about the stream; where it is received is put in later.
const OFFER: &[u8] = b"v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
m=audio 9 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n";

fn is_voice(codec: &Codec) -> bool {
    let known = ["PCMU", "PCMA"]
        .iter()
        .any(|name| codec.name.eq_ignore_ascii_case(name));
    known && codec.clock == 8000 && codec.channels == 1
}

fn is_events(codec: &Codec) -> bool {
    codec.name.eq_ignore_ascii_case(EVENTS) && codec.clock == 8000
}

/// The format in which sound is written for whom this description is from: the first one of its own that we know.
#[must_use]
pub fn voice<'a>(theirs: &'a Description, allowed: &'a [String]) -> Option<&'a Codec> {
    theirs
        .audio(allowed)?
        .allowed(allowed)
        .find(|codec| is_voice(codec))
}

/// The answer of the server itself to an offer: one codec and, where they were offered, telephone events.
///
/// # Errors
/// See [`Refusal`]; `to` is unchanged then.
pub fn serve(
    offered: &Description,
    to: &mut Side,
    anchor: Anchor,
    allowed: &[String],
) -> Result<String, Refusal> {
    let mut own = offered.clone();
    for media in &mut own.media {
        let voice = media
            .formats
            .iter()
            .find(|c| c.is_allowed(allowed) && is_voice(c));
        let events = media
            .formats
            .iter()
            .find(|c| c.is_allowed(allowed) && is_events(c));
        media.formats = match voice {
            Some(voice) => [Some(voice), events].into_iter().flatten().cloned().collect(),
            None => Vec::new(),
        };
        for codec in &mut media.formats {
            codec.fmtp = is_events(codec).then(|| "0-15".into());
        }
        media.direction = Direction::SendRecv;
        media.ptime = Some(20);
        media.maxptime = None;
        // That is the offerer's; ours is the anchor, and an old hold by 0.0.0.0 must not look like one of ours.
        media.address = Some(anchor.rtp.ip());
        media.rtcp = None;
        media.rtcp_mux = false;
    }
    crate::answer(offered, &own, to, Some(anchor), allowed)
}

/// The offer of the server itself.
///
/// # Errors
/// The policy allows none of its codecs; `to` is unchanged then.
pub fn propose(to: &mut Side, anchor: Anchor, allowed: &[String]) -> Result<String, Refusal> {
    let own = Description::parse(OFFER).map_err(|_| Refusal::NoAudio)?;
    voice(&own, allowed).ok_or(Refusal::NoCommonCodec)?;
    crate::offer(&own, to, Some(anchor), allowed)
}

/// Whether the server itself can take an offer, or make one where there is none.
///
/// # Errors
/// The refusal that [`serve`] or [`propose`] would give.
pub fn servable(offered: Option<&Description>, allowed: &[String]) -> Result<(), Refusal> {
    let anchor = Anchor {
        rtp: std::net::SocketAddr::from(([127, 0, 0, 1], 9)),
    };
    let mut nobody = Side::unsaid();
    match offered {
        Some(offered) => serve(offered, &mut nobody, anchor, allowed).map(|_| ()),
        None => propose(&mut nobody, anchor, allowed).map(|_| ()),
    }
}
