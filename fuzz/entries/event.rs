//! Telephone event packets: six octets each, timestamp, pause and payload. Shared by the fuzz target and the tests of `rtp`.
//!
//! What must hold: nothing panics; starts and ends take turns and are of the same event; silence ends whatever is open.

use rtp::event::{Heard, Payload, Receiver};
use std::time::Duration;

/// One input: any number of packets.
pub(crate) fn run(data: &[u8]) {
    let mut receiver = Receiver::new();
    let mut open = None;
    let mut tell = |heard: Heard| match heard {
        Heard::Start { event } => assert_eq!(open.replace(event), None),
        Heard::End { event, .. } => assert_eq!(open.take(), Some(event)),
    };
    let mut now = Duration::ZERO;
    for packet in data.chunks(6) {
        let Some(([step, pause], payload)) = packet.split_first_chunk::<2>() else {
            break;
        };
        now += Duration::from_millis(u64::from(*pause));
        receiver.handle_timeout(now).into_iter().for_each(&mut tell);
        // Steps of whole segments happen, and steps back.
        let timestamp = u32::from(*step & 7) * 0xFFFF + u32::from(*step >> 3) * 160;
        if let Some(payload) = Payload::parse(payload) {
            let heard = receiver.receive(1, timestamp, payload, now);
            heard.into_iter().flatten().for_each(&mut tell);
        }
    }
    receiver
        .handle_timeout(Duration::MAX)
        .into_iter()
        .for_each(&mut tell);
    assert_eq!(open, None);
    assert_eq!(receiver.poll_timeout(), None);
}
