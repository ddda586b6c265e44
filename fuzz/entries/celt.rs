//! Samples through our encoder of CELT, and its packets through the decoder of libopus. Shared by the fuzz target and the tests
//! of `audio`.
//!
//! What must hold: nothing panics; every frame becomes a packet that fits, is decoded, and leaves the range decoder where the
//! encoder ended.

use audio::celt::{Encoder, MAX_PACKET};
use audio::opus::Decoder;

/// One input: an octet for the rates, and samples. Each frame's last sample says whether it is left out, or begins afresh.
pub(crate) fn run(data: &[u8]) {
    let Some((kind, samples)) = data.split_first() else {
        return;
    };
    let rate_hz = if kind & 1 == 0 { 8_000 } else { 16_000 };
    let bitrate = 8_000 + u32::from(kind >> 1) * 314;
    let mut encoder = Encoder::new(rate_hz, bitrate).unwrap();
    let mut decoder = Decoder::new(rate_hz).unwrap();
    let mut heard = vec![0; decoder.most()];
    let samples: Vec<i16> = samples
        .chunks_exact(2)
        .map(|s| i16::from_le_bytes([s[0], s[1]]))
        .collect();
    for frame in samples.chunks_exact(encoder.samples()) {
        let mut packet = [0; MAX_PACKET];
        let octets = match frame[frame.len() - 1] & 31 {
            7 => {
                encoder.skip(Some(frame));
                continue;
            }
            9 => encoder.encode_afresh(frame, &mut packet),
            _ => encoder.encode(frame, &mut packet),
        };
        let octets = octets.unwrap();
        let length = decoder.decode(&packet[..octets], &mut heard).unwrap();
        assert_eq!(length, frame.len());
        assert_eq!(decoder.final_range().unwrap(), encoder.final_range());
    }
}
