//! A run of SRTP and SRTCP packets under a key of zeros: opened, and what is well formed protected. Shared by the fuzz
//! target and the tests of `rtp`.
//!
//! What must hold: nothing panics; what opens is shorter by the suite's overhead and opens once; what a sender protects,
//! a receiver opens to the same octets.

use rtp::srtp::{Receiver, Refused, Sender, Suite};

/// One input: an octet that names the suite, then any number of packets, each after an octet with its length.
pub(crate) fn run(data: &[u8]) {
    let Some((first, mut rest)) = data.split_first() else {
        return;
    };
    let suite = Suite::ALL[usize::from(first % 4)];
    let key = vec![0; suite.master_len()];
    let (Some(mut hostile), Some(mut sender), Some(mut receiver)) = (
        Receiver::new(suite, &key),
        Sender::new(suite, &key),
        Receiver::new(suite, &key),
    ) else {
        unreachable!("a key of the right length")
    };
    while let Some((length, after)) = rest.split_first() {
        let (packet, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        let mut octets = packet.to_vec();
        if let Ok(len) = hostile.unprotect_rtp(&mut octets) {
            assert_eq!(len + suite.rtp_overhead(), packet.len());
            let again = hostile.unprotect_rtp(&mut packet.to_vec());
            assert_eq!(again, Err(Refused::Replay));
        }
        let mut octets = packet.to_vec();
        if let Ok(len) = hostile.unprotect_rtcp(&mut octets) {
            assert_eq!(len + suite.rtcp_overhead(), packet.len());
            let again = hostile.unprotect_rtcp(&mut packet.to_vec());
            assert_eq!(again, Err(Refused::Replay));
        }
        let mut octets = packet.to_vec();
        octets.resize(packet.len() + 20, 0);
        if let Ok(len) = sender.protect_rtp(&mut octets, packet.len()) {
            let opened = receiver.unprotect_rtp(&mut octets[..len]);
            assert_eq!(opened, Ok(packet.len()));
            assert_eq!(&octets[..packet.len()], packet);
        }
        let mut octets = packet.to_vec();
        octets.resize(packet.len() + 20, 0);
        if let Ok(len) = sender.protect_rtcp(&mut octets, packet.len()) {
            let opened = receiver.unprotect_rtcp(&mut octets[..len]);
            assert_eq!(opened, Ok(packet.len()));
            assert_eq!(&octets[..packet.len()], packet);
        }
    }
}
