//! A run of RTP packets, each with its length in front: read and counted. Shared by the fuzz target and the tests of
//! `rtp`.
//!
//! What must hold: nothing panics; a payload lies within its packet; the counts stay within what is possible.

use rtp::{Header, Reception, protocol, static_clock};
use std::time::Duration;

/// One input: any number of packets, each after an octet with its length.
pub(crate) fn run(data: &[u8]) {
    let mut reception = Reception::new();
    let mut now = Duration::ZERO;
    let mut rest = data;
    while let Some((length, after)) = rest.split_first() {
        let (packet, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        now += Duration::from_millis(u64::from(*length % 50));
        let _ = protocol(packet);
        let Ok(header) = Header::parse(packet) else {
            continue;
        };
        assert!(header.payload(packet).len() + 12 <= packet.len());
        reception.receive(&header, now, static_clock(0));
    }
    assert!(reception.jitter_us() <= reception.jitter_us_max());
    let _ = reception.lost();
}
