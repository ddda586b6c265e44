//! How sound is written for a leg, read from what both sides of it have said.
//!
//! Does not own: which codecs are agreed on (`sdp`), and what is done with them (the media plane): two legs whose voices
//! have one codec are relayed as they are, two that differ are transcoded.

use model::{Codec, OpusWish, Voice};
use sdp::{Format, Media, Side};

/// Packets that a leg may wish for, milliseconds.
const PTIME_MS: std::ops::RangeInclusive<u16> = 10..=60;
/// What every Opus coder can do, hertz and bits per second (RFC 7587 §6.1).
const OPUS_HZ: std::ops::RangeInclusive<u32> = 8_000..=48_000;
const OPUS_BITS: std::ops::RangeInclusive<u32> = 6_000..=510_000;

/// The voice of the leg whose stream is described so; `None` where nothing is agreed that the server speaks itself.
pub(super) fn of(side: &Side, media: &Media) -> Option<Voice> {
    let shared = side.shared(media);
    let sounds = || {
        let sounds = shared.iter();
        sounds.filter_map(|shared| Some((codec(shared.format)?, shared)))
    };
    let (first, leading) = sounds().next()?;
    let mut voice = Voice::new(leading.codec.pt, first);
    for (codec, shared) in sounds() {
        if (shared.heard, codec) != (voice.pt, voice.codec) {
            voice.also.push((shared.heard, codec));
        }
    }
    for (pt, format) in side.sounds() {
        let known = pt == voice.pt || voice.also.iter().any(|(other, _)| *other == pt);
        if let Some(codec) = codec(format).filter(|_| !known) {
            voice.also.push((pt, codec));
        }
    }
    let events = |clock_hz: u32| {
        let found = shared.iter().find(|s| s.format == Format::Events(clock_hz));
        found.map(|shared| (shared, clock_hz))
    };
    if let Some((shared, clock_hz)) = events(first.clock_hz()).or_else(|| events(8_000)) {
        (voice.events, voice.events_hz) = (Some(shared.codec.pt), clock_hz);
        voice.events_heard = Some(shared.heard).filter(|pt| *pt != shared.codec.pt);
    }
    let noise = shared.iter().find(|s| s.format == Format::Noise);
    voice.noise = noise.map(|shared| shared.codec.pt);
    let longest = media.maxptime.unwrap_or(*PTIME_MS.end());
    let ptime = media.ptime.unwrap_or(20).min(longest) / 10 * 10;
    let ptime = ptime.clamp(*PTIME_MS.start(), *PTIME_MS.end());
    voice.ptime_ms = u8::try_from(ptime).unwrap_or(20);
    if first == Codec::Opus {
        voice.opus = wish(leading.codec.fmtp.as_deref().unwrap_or(""));
    }
    Some(voice)
}

fn codec(format: Format) -> Option<Codec> {
    match format {
        Format::Pcmu => Some(Codec::Pcmu),
        Format::Pcma => Some(Codec::Pcma),
        Format::G722 => Some(Codec::G722),
        Format::Opus => Some(Codec::Opus),
        Format::Events(_) | Format::Noise => None,
    }
}

/// What the leg says of Opus that is sent to it. Of a value that is none nothing is known; the last one counts.
fn wish(fmtp: &str) -> OpusWish {
    let mut wish = OpusWish::default();
    for (name, value) in fmtp.split(';').filter_map(|pair| pair.split_once('=')) {
        let number: Option<u32> = value.trim().parse().ok();
        match (name.trim().to_ascii_lowercase().as_str(), number) {
            ("maxplaybackrate", Some(hz)) => wish.max_rate_hz = hz.clamp(*OPUS_HZ.start(), *OPUS_HZ.end()),
            ("maxaveragebitrate", Some(bits)) => {
                wish.max_bitrate = bits.clamp(*OPUS_BITS.start(), *OPUS_BITS.end());
            }
            ("useinbandfec", Some(on @ 0..=1)) => wish.fec = on == 1,
            ("usedtx", Some(on @ 0..=1)) => wish.dtx = on == 1,
            _ => {}
        }
    }
    wish
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdp::{Anchor, Description};

    fn read(below: &str) -> Description {
        let head = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n";
        let text = format!("{head}{}\r\n", below.replace('|', "\r\n"));
        Description::parse(text.as_bytes()).expect("a description")
    }

    /// The voices of one who offers and one who answers.
    fn voices(offer: &str, answer: &str) -> (Option<Voice>, Option<Voice>) {
        let anchor = Some(Anchor {
            transcodes: true,
            ..Anchor::plain(std::net::SocketAddr::from(([127, 0, 0, 1], 9)))
        });
        let (offer, answer) = (read(offer), read(answer));
        let (mut caller, mut callee) = (Side::new(1), Side::new(2));
        sdp::offer(&offer, &mut callee, anchor, &[]).expect("an offer");
        sdp::answer(&offer, &answer, &mut caller, anchor, &[]).expect("an answer");
        let voice = |side: &Side, said: &Description| of(side, said.audio(&[])?);
        (voice(&caller, &offer), voice(&callee, &answer))
    }

    const NARROW: &str = "m=audio 4000 RTP/AVP 0 8 13 101|a=rtpmap:101 telephone-event/8000";

    #[test]
    fn a_codec_in_common_is_the_codec_of_both() {
        let (caller, callee) = voices(
            NARROW,
            "m=audio 4000 RTP/AVP 8 0 96|a=rtpmap:96 telephone-event/8000|a=ptime:30",
        );
        let usual = Voice {
            events: Some(101),
            events_heard: Some(96),
            also: vec![(0, Codec::Pcmu)],
            ..Voice::new(8, Codec::Pcma)
        };
        assert_eq!(caller, Some(usual.clone()));
        let other = Voice {
            events: Some(96),
            events_heard: Some(101),
            ptime_ms: 30,
            // What it was offered besides and has not answered: it may come all the same.
            also: vec![(0, Codec::Pcmu), (9, Codec::G722), (111, Codec::Opus)],
            ..usual
        };
        assert_eq!(callee, Some(other));
    }

    #[test]
    fn without_one_each_has_its_own() {
        let (caller, callee) = voices(
            NARROW,
            "m=audio 4000 RTP/AVP 96 97|a=rtpmap:96 opus/48000/2|a=fmtp:96 maxplaybackrate=16000|\
             a=rtpmap:97 telephone-event/48000",
        );
        let caller = caller.expect("a voice");
        assert_eq!((caller.pt, caller.codec), (0, Codec::Pcmu));
        assert_eq!((caller.events, caller.noise), (Some(101), Some(13)));
        let callee = callee.expect("a voice");
        assert_eq!((callee.pt, callee.codec), (96, Codec::Opus));
        assert_eq!((callee.events, callee.events_hz), (Some(97), 48_000));
        assert!(callee.is_events(110) && !callee.is_events(97) && caller.is_events(101));
        let offered = [
            (111, Codec::Opus),
            (0, Codec::Pcmu),
            (8, Codec::Pcma),
            (9, Codec::G722),
        ];
        assert_eq!(
            (callee.opus.max_rate_hz, callee.also.as_slice()),
            (16_000, &offered[..])
        );
    }

    #[test]
    fn what_only_passes_through_has_no_voice() {
        let g729 = "m=audio 4000 RTP/AVP 18";
        assert_eq!(voices(g729, g729), (None, None));
    }

    #[test]
    fn packets_are_as_long_as_the_leg_wishes_within_reason() {
        for (said, expected) in [
            ("", 20),
            ("|a=ptime:10", 10),
            ("|a=ptime:65535", 60),
            ("|a=ptime:1", 10),
            ("|a=ptime:35", 30),
            ("|a=ptime:60|a=maxptime:40", 40),
            ("|a=maxptime:5", 10),
        ] {
            let stream = format!("m=audio 4000 RTP/AVP 0{said}");
            let (caller, _) = voices(&stream, &stream);
            assert_eq!(caller.map(|voice| voice.ptime_ms), Some(expected), "{said}");
        }
    }

    #[test]
    fn wishes_for_opus_in_sense_and_in_nonsense() {
        let all =
            "minptime=10;useinbandfec=1; usedtx=1;maxplaybackrate=16000;MaxAverageBitrate=24000;stereo=1";
        let expected = OpusWish {
            max_rate_hz: 16_000,
            max_bitrate: 24_000,
            fec: true,
            dtx: true,
        };
        assert_eq!(wish(all), expected);
        for nonsense in [
            "",
            ";;;",
            "=",
            "usedtx",
            "usedtx=2",
            "useinbandfec=-1",
            "maxplaybackrate=4294967296",
            "x=1",
        ] {
            assert_eq!(wish(nonsense), OpusWish::default(), "{nonsense}");
        }
        let bounds = wish("maxplaybackrate=0;maxaveragebitrate=4294967295");
        assert_eq!((bounds.max_rate_hz, bounds.max_bitrate), (8_000, 510_000));
    }
}
