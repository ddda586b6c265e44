//! Hostile descriptions: seeded mutations never panic, never smuggle a line, and what leaves is always readable.

use crate::anchor;
use sdp::{Description, Side, answer, offer};

/// SplitMix64: a seed gives the same run everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n.max(1)).unwrap()).unwrap()
    }
}

const SEED_TEXTS: [&str; 3] = [
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 96 0 8 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1;x=y\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=rtcp:4001 IN IP4 192.0.2.1\r\na=ptime:20\r\na=sendrecv\r\n",
    "v=0\no=a b 1 1 IN IP6 ::1\ns=x\nc=IN IP6 2001:db8::1\nm=video 4002 RTP/AVP 31\nm=audio 4000 RTP/AVP 0\na=inactive\na=crypto:1 x inline:y\n",
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\nc=IN IP4 0.0.0.0\r\nm=audio 0 RTP/AVP 18\r\nm=image 5 udptl t38\r\n",
];
const SPICE: [&[u8]; 10] = [
    b"\r\n",
    b"\n",
    b"\0",
    b"\r",
    b"=",
    b"\xff",
    b"65536",
    b"m=audio 1 RTP/AVP 0\r\n",
    b"a=crypto:1",
    b" ",
];

fn mutate(random: &mut Random, text: &mut Vec<u8>) {
    for _ in 0..=random.below(6) {
        let at = random.below(text.len() + 1);
        match random.below(4) {
            0 => drop(text.splice(at..at, SPICE[random.below(SPICE.len())].iter().copied())),
            1 => text.truncate(at.max(8)),
            2 => drop(text.drain(at..(at + random.below(9)).min(text.len()))),
            _ => text
                .iter_mut()
                .skip(at)
                .take(1)
                .for_each(|b| *b = random.next().to_le_bytes()[0]),
        }
    }
}

fn harmless(text: &str) {
    Description::parse(text.as_bytes()).unwrap();
    assert!(!text.contains("\na=crypto") && !text.contains('\0'), "{text}");
    assert!(text.split("\r\n").all(|l| !l.contains(['\r', '\n'])), "{text}");
    assert!(text.matches("\r\nm=").count() <= 64);
}

#[test]
fn mutations_neither_panic_nor_smuggle() {
    let mut random = Random(0xCA41_1104);
    let (mut read, mut refused, mut sent) = (0_u32, 0_u32, 0_u32);
    for round in 0..60_000_usize {
        let mut bytes = SEED_TEXTS[round % SEED_TEXTS.len()].as_bytes().to_vec();
        mutate(&mut random, &mut bytes);
        let Ok(one) = Description::parse(&bytes) else {
            refused += 1;
            continue;
        };
        read += 1;
        let base = Description::parse(SEED_TEXTS[0].as_bytes()).unwrap();
        for anchor in [anchor(), None] {
            let mut side = Side::new(1);
            let texts = [
                offer(&one, &mut side, anchor, &[]),
                answer(&base, &one, &mut side, anchor, &[]),
                answer(&one, &base, &mut side, anchor, &[]),
                offer(&one, &mut side, anchor, &[]),
            ];
            for text in texts.into_iter().flatten() {
                harmless(&text);
                sent += 1;
            }
        }
    }
    assert!(
        read > 10_000 && refused > 10_000 && sent > 10_000,
        "{read} read, {refused} refused, {sent} sent"
    );
}
