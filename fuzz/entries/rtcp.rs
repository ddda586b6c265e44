//! One RTCP datagram: walked to its end. Shared by the fuzz target and the tests of `rtp`.
//!
//! What must hold: nothing panics; the walk ends; after an error nothing follows; a valid datagram has no error.

use rtp::rtcp::{Packet, is_valid, packets};

/// One input.
pub(crate) fn run(data: &[u8]) {
    let mut errors = 0;
    let mut count = 0;
    for packet in packets(data) {
        assert_eq!(errors, 0);
        count += 1;
        match packet {
            Ok(Packet::SenderReport { reports, .. } | Packet::ReceiverReport { reports, .. }) => {
                assert!(reports.count() < 32);
            }
            Ok(_) => {}
            Err(_) => errors += 1,
        }
    }
    assert!(count <= data.len() / 4 + 1);
    assert_eq!(is_valid(data), count > 0 && errors == 0);
}
