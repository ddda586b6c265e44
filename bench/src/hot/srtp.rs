//! Fixtures of SRTP: one source, whose sequence number rises and rolls over as in a call.

use super::Operation;
use rtp::srtp::{Receiver, Sender, Suite};
use std::hint::black_box;

/// A packet of 20 ms of G.711.
const LEN: usize = 172;

pub(super) fn cm_protect() -> Option<Operation> {
    protect(Suite::AesCm128HmacSha1_80)
}

pub(super) fn cm_round() -> Option<Operation> {
    round(Suite::AesCm128HmacSha1_80)
}

pub(super) fn gcm_protect() -> Option<Operation> {
    protect(Suite::AeadAes128Gcm)
}

pub(super) fn gcm_round() -> Option<Operation> {
    round(Suite::AeadAes128Gcm)
}

fn protect(suite: Suite) -> Option<Operation> {
    let mut step = protector(suite)?;
    step()?;
    Some(Box::new(move || {
        black_box(step());
    }))
}

fn round(suite: Suite) -> Option<Operation> {
    let mut protect = protector(suite)?;
    let mut receiver = Receiver::new(suite, &vec![7; suite.master_len()])?;
    let mut step = move || {
        let (mut buffer, len) = protect()?;
        receiver.unprotect_rtp(buffer.get_mut(..len)?).ok()
    };
    step()?;
    Some(Box::new(move || {
        black_box(step());
    }))
}

/// Gives the next packet, protected.
fn protector(suite: Suite) -> Option<impl FnMut() -> Option<([u8; LEN + 20], usize)>> {
    let mut sender = Sender::new(suite, &vec![7; suite.master_len()])?;
    let mut sequence = 0_u16;
    Some(move || {
        let mut buffer = [0xff_u8; LEN + 20];
        let [s1, s0] = sequence.to_be_bytes();
        sequence = sequence.wrapping_add(1);
        buffer
            .get_mut(..12)?
            .copy_from_slice(&[0x80, 0, s1, s0, 0, 0, 0, 0, 0x5e, 0xed, 0, 1]);
        let len = sender.protect_rtp(&mut buffer, LEN).ok()?;
        Some((buffer, len))
    })
}
