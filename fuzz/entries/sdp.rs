//! One session description: read, offered onwards and answered. Shared by the fuzz target and the tests of `sdp`.
//!
//! What must hold: nothing panics; what we write can be read again, has CRLF line ends, as many streams as came in,
//! and no secret of the other leg.

use sdp::{Anchor, Description, Side, answer, offer};
use std::net::SocketAddr;

/// One input.
pub(crate) fn run(data: &[u8]) {
    let Ok(description) = Description::parse(data) else {
        return;
    };
    for media in description.media() {
        let _ = (media.rtp_address(), media.rtcp_address(), media.is_held());
    }
    let codecs = ["pcmu".to_owned(), "telephone-event".to_owned()];
    let ours = Anchor {
        rtp: SocketAddr::from(([198, 51, 100, 1], 40_000)),
    };
    for anchor in [Some(ours), None] {
        for allowed in [&[][..], &codecs[..]] {
            if let Ok(text) = offer(&description, &mut Side::new(1), anchor, allowed) {
                written(&text, &description);
            }
            if let Ok(text) = answer(&description, &description, &mut Side::new(2), anchor, allowed) {
                written(&text, &description);
            }
        }
    }
}

fn written(text: &str, from: &Description) {
    let read = Description::parse(text.as_bytes());
    assert_eq!(
        read.map(|d| d.media().len()).ok(),
        Some(from.media().len()),
        "{text}"
    );
    assert!(
        text.split("\r\n").all(|line| !line.contains(['\r', '\n', '\0'])),
        "{text}"
    );
    assert!(
        !text.contains("\na=crypto") && !text.contains("\na=candidate"),
        "{text}"
    );
}
