//! Descriptions of the server's own, where it is a side of the call itself.
//!
//! Does not own: its formats (`spoken`), and carrying descriptions across (`negotiate`).

use crate::codec::Format;
use crate::spoken::formats;
use crate::{Anchor, Codec, Description, Direction, Refusal, Side};

/// What an offer of ours says about the stream, what costs least first; where it is received is put in later.
const OFFER: &[u8] = b"v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
m=audio 9 RTP/AVP 0 8 9 111 101 110\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n\
a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtpmap:110 telephone-event/48000\r\na=fmtp:110 0-15\r\n\
a=ptime:20\r\n";

/// The format in which sound is written for whom this description is from: the first one of its own that we know.
#[must_use]
pub fn voice<'a>(theirs: &'a Description, allowed: &'a [String]) -> Option<&'a Codec> {
    theirs
        .audio(allowed)?
        .allowed(allowed)
        .find(|codec| codec.format().is_some_and(Format::is_sound))
}

/// The answer of the server itself to an offer: one codec and, where they were offered, telephone events and comfort noise.
///
/// # Errors
/// See [`Refusal`]; `to` is unchanged then.
pub fn serve(
    offered: &Description,
    to: &mut Side,
    anchor: Anchor,
    allowed: &[String],
) -> Result<String, Refusal> {
    // The server speaks, and does nothing else.
    let anchor = Anchor {
        video: None,
        fax: None,
        ..anchor
    };
    let mut own = offered.clone();
    for media in &mut own.media {
        media.formats = formats(media, allowed);
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
    let anchor = Anchor::plain(std::net::SocketAddr::from(([127, 0, 0, 1], 9)));
    let mut nobody = Side::unsaid();
    match offered {
        Some(offered) => serve(offered, &mut nobody, anchor, allowed).map(|_| ()),
        None => propose(&mut nobody, anchor, allowed).map(|_| ()),
    }
}
