//! One RTCP datagram: walked to its end, with what is inside. Shared by the fuzz target and the tests of `rtp`.
//!
//! What must hold: nothing panics; the walks end; after an error nothing follows; a valid datagram has no error.

use rtp::rtcp::{Block, Packet, Reporter, blocks, chunks, is_valid, leaving, packets};
use std::time::Duration;

/// One input.
pub(crate) fn run(data: &[u8]) {
    let mut errors = 0;
    let mut count = 0;
    let mut reporter = Reporter::new(1, Duration::ZERO);
    for packet in packets(data) {
        assert_eq!(errors, 0);
        count += 1;
        if let Ok(packet) = &packet {
            let heard = reporter.hear(packet, Duration::from_secs(9));
            assert!(heard.is_none_or(|(report, _)| report.ssrc == 1));
        }
        match packet {
            Ok(Packet::SenderReport { reports, .. } | Packet::ReceiverReport { reports, .. }) => {
                assert!(reports.count() < 32);
            }
            Ok(Packet::Description(body)) => {
                let items: usize = chunks(body).map(|chunk| chunk.items.count()).sum();
                assert!(items <= body.len());
            }
            Ok(Packet::Goodbye { sources, body }) => {
                assert_eq!(leaving(sources, body).count(), usize::from(sources));
            }
            Ok(Packet::Extended(body)) => extended(body),
            Ok(_) => {}
            Err(_) => errors += 1,
        }
    }
    assert!(count <= data.len() / 4 + 1);
    assert_eq!(is_valid(data), count > 0 && errors == 0);
}

fn extended(body: &[u8]) {
    let Some((_, walk)) = blocks(body) else {
        return assert!(body.len() < 4);
    };
    let (mut count, mut errors) = (0, 0);
    for block in walk {
        assert_eq!(errors, 0);
        count += 1;
        match block {
            Ok(Block::Delays(delays)) => assert!(delays.count() <= body.len() / 12),
            Ok(Block::Voip(metrics)) => assert!(metrics.r_factor.is_none_or(|r| r <= 100)),
            Ok(_) => {}
            Err(_) => errors += 1,
        }
    }
    assert!(count <= body.len() / 4 + 1);
}
