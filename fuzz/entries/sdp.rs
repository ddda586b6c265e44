//! One session description: read, offered onwards and answered. Shared by the fuzz target and the tests of `sdp`.
//!
//! What must hold: nothing panics; what we write can be read again, has CRLF line ends, as many streams as came in,
//! and no secret of the other leg; a leg without keys of ours gets no attribute for them.

use sdp::{
    Admit, Anchor, Candidate, Credentials, Description, Fragment, Keyring, MAX_CANDIDATES, Protection, Side,
    answer, offer,
};
use std::net::SocketAddr;

/// One input.
pub(crate) fn run(data: &[u8]) {
    let Ok(description) = Description::parse(data) else {
        return;
    };
    assert!(description.media().iter().all(|media| media.crypto.is_empty()));
    with_keys(data);
    as_browsers(data);
    for media in description.media() {
        let _ = (media.rtp_address(), media.rtcp_address(), media.is_held());
    }
    kept(&description);
    let codecs = ["pcmu".to_owned(), "telephone-event".to_owned()];
    let ours = Anchor::plain(SocketAddr::from(([198, 51, 100, 1], 40_000)));
    let able = Anchor {
        transcodes: true,
        plays: true,
        video: Some(SocketAddr::from(([198, 51, 100, 1], 40_002))),
        fax: Some(SocketAddr::from(([198, 51, 100, 1], 40_004))),
        ..ours
    };
    for anchor in [Some(able), Some(ours), None] {
        for allowed in [&[][..], &codecs[..]] {
            let mut side = Side::new(1);
            if let Ok(text) = offer(&description, &mut side, anchor, allowed) {
                written(&text, &description);
                spoken(&description, &side);
                // Who takes what only we have offered is understood by the one who offered.
                if let Ok(offered) = Description::parse(text.as_bytes()) {
                    let answered = answer(&description, &offered, &mut Side::new(4), anchor, allowed);
                    assert!(answered.is_ok() || anchor.is_none(), "{text}");
                }
            }
            let mut side = Side::new(2);
            if let Ok(text) = answer(&description, &description, &mut side, anchor, allowed) {
                written(&text, &description);
                spoken(&description, &side);
                let recalled = Side::recall(&text).and_then(|side| side.again());
                assert_eq!(recalled.as_ref(), Some(&text));
            }
        }
    }
}

/// The same where keys are read and written.
fn with_keys(data: &[u8]) {
    for (plain, protection) in [(true, Protection::Wished), (false, Protection::Demanded)] {
        let admit = Admit {
            keys: true,
            dtls: false,
            plain,
        };
        let Ok(description) = Description::parse_with(data, admit) else {
            return;
        };
        let mut side = Side::new(3);
        side.protect(Keyring::new(|| 0x5A5A_5A5A_5A5A_5A5A), protection);
        let ours = |text: &str| {
            // What a picture's format says of itself is passed on, and may have that word in it.
            let lines = text.lines().filter(|line| line.starts_with("a=crypto:"));
            let mut keys = lines.flat_map(|line| line.split("inline:").skip(1));
            assert!(keys.all(|key| key.starts_with("WlpaWlpaWlpaWlpaWlpa")), "{text}");
        };
        if let Ok(text) = offer(&description, &mut side, None, &[]) {
            ours(&text);
            if let Ok(read) = Description::parse_answer(data, &mut side, plain) {
                assert!(read.media().iter().all(|media| media.crypto.len() <= 16));
            }
        }
        if let Ok(text) = answer(&description, &description, &mut side, None, &[]) {
            ours(&text);
            assert_eq!(side.suite().is_some(), text.contains("\na=crypto"), "{text}");
        }
    }
}

/// The same where ICE and DTLS are read and written: ours are there, and nobody else's.
fn as_browsers(data: &[u8]) {
    let fragment = Fragment::parse(data);
    let _ = Candidate::parse(&String::from_utf8_lossy(data));
    let admit = Admit {
        keys: false,
        dtls: true,
        plain: true,
    };
    let Ok(mut description) = Description::parse_with(data, admit) else {
        return;
    };
    let news = description.trickle(&fragment);
    assert!(!news || !description.trickle(&fragment), "news once");
    let at = Some(Anchor::plain(SocketAddr::from(([198, 51, 100, 1], 40_000))));
    let mut side = Side::new(4);
    side.speak_web(Credentials::new(|| 0), [0; 2], 0, "sha-256 0F".into());
    side.ask_for_web();
    let own = |text: &str| {
        let ours = ["a=ice-ufrag:AAAAAAAA\r", " 198.51.100.1 40000 typ host\r"];
        let count = text.matches("\na=ice-ufrag:").count();
        assert!(
            count <= 1 && ours.iter().all(|ours| text.matches(ours).count() == count),
            "{text}"
        );
        // Phones may speak DTLS without ICE.
        let prints = text.matches("\na=fingerprint:").count();
        assert!(prints == count || (prints == 1 && count == 0), "{text}");
        assert_eq!(
            text.matches("a=fingerprint:sha-256 0F\r").count(),
            prints,
            "{text}"
        );
        assert_eq!(text.matches("\na=candidate:").count(), count, "{text}");
    };
    if let Ok(text) = answer(&description, &description, &mut side, at, &[]) {
        own(&text);
        assert_eq!(text.matches("\nm=").count(), description.media().len(), "{text}");
        for media in description.media() {
            let path = side.web_path(media);
            assert!(path.is_none_or(|path| path.theirs.candidates.len() <= MAX_CANDIDATES));
        }
    }
    if let Ok(text) = offer(&description, &mut side, at, &[]) {
        own(&text);
        let _ = Description::parse_answer(data, &mut side, true);
        if let Ok(again) = offer(&description, &mut side, at, &[]) {
            own(&again);
        }
    }
}

/// What both directions of a leg are written in has payload types that the description and our text have.
fn spoken(description: &Description, side: &Side) {
    for media in description.media() {
        for shared in side.shared(media) {
            assert_eq!(shared.codec.format(), Some(shared.format));
            assert!(shared.heard < 128 && media.formats.contains(shared.codec));
        }
    }
}

/// What is kept reads back the same. The text is longer than what came in, so it may be beyond the limits.
fn kept(description: &Description) {
    let text = description.text();
    if let Ok(read) = Description::parse(text.as_bytes()) {
        assert_eq!(&read, description, "{text}");
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
