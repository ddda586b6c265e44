//! A run of RTP packets, each with its length in front, through a jitter buffer whose player pulls at any time. Shared by
//! the fuzz target and the tests of `rtp`.
//!
//! What must hold: nothing panics; the buffer stays bounded; every piece has a length, so a player gets on.

use rtp::Header;
use rtp::jitter::{Content, JitterBuffer, Piece, Settings};
use std::time::Duration;

/// One input: any number of packets, each after an octet with its length.
pub(crate) fn run(data: &[u8]) {
    let mut buffer = JitterBuffer::new(Settings::call(8000));
    let mut now = Duration::ZERO;
    let mut rest = data;
    while let Some((length, after)) = rest.split_first() {
        let (packet, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        now += Duration::from_millis(u64::from(*length % 50));
        if let Ok(header) = Header::parse(packet) {
            let content = if header.pt == 13 {
                Content::Comfort
            } else {
                Content::Sound(160)
            };
            buffer.put(&header, header.payload(packet), content, now);
        }
        assert!(buffer.waiting() <= 100);
        let (Piece::Sound { duration, .. }
        | Piece::Lost { duration, .. }
        | Piece::Comfort { duration, .. }
        | Piece::Silence { duration }) = buffer.pull(now, 0);
        assert!(duration > 0);
    }
}
