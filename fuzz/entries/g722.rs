//! G.722 of any octets, decoded, and encoded again. Shared by the fuzz target and the tests of `audio`.
//!
//! What must hold: nothing panics or overflows; two samples per octet.

use audio::g722::{Decoder, Encoder};

/// One input: a stream.
pub(crate) fn run(data: &[u8]) {
    let mut samples = vec![0; data.len() * 2];
    assert_eq!(Decoder::new().decode(data, &mut samples), samples.len());
    let mut octets = vec![0; data.len()];
    assert_eq!(Encoder::new().encode(&samples, &mut octets), octets.len());
}
