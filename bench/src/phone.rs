//! A phone as the media server is told of it, where nobody negotiates.

use model::{Codec, Leg, MediaCommand, MediaSessionId, Voice};
use std::net::SocketAddr;

/// How a phone of one codec describes its sound. It can use what FEC there is in Opus.
pub(crate) fn voice(codec: Codec) -> Voice {
    let pt = match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
        Codec::G722 => 9,
        Codec::Opus => 111,
    };
    Voice::new(pt, codec)
}

/// Such a phone is there.
pub(crate) fn described(session: MediaSessionId, leg: Leg, at: SocketAddr, voice: Voice) -> MediaCommand {
    MediaCommand::Remote {
        session,
        leg,
        rtp: Some(at),
        rtcp: None,
        signalling_ip: at.ip(),
        srtp: None,
        web: None,
        voice: Some(Box::new(voice)),
    }
}
