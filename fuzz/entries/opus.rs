//! Octets through the decoder of Opus as packets, and as samples through its encoder and what that makes through the decoder.
//! Shared by the fuzz target and the tests of `audio`.
//!
//! What must hold: nothing panics, in C neither; a packet is as long as it says; what is encoded fits, is decoded to as many
//! samples, and leaves the range decoder the same at any rate; a loss fills its frame.

use audio::opus::{Decoder, Encoder, Error, MAX_PACKET, RATES_HZ, Settings, duration};

/// One input: octets for rate, bit rate, loss and effort, then packets, each after an octet with its length; the same again as samples.
pub(crate) fn run(data: &[u8]) {
    let Some(([rate, bits, loss, effort], rest)) = data.split_first_chunk::<4>() else {
        return;
    };
    let rate_hz = RATES_HZ[usize::from(rate % 3)];
    decode(rest, rate_hz);
    let settings = Settings {
        rate_hz,
        bitrate: 6_000 + u32::from(*bits) * 478,
        complexity: effort % 6,
        loss_percent: loss % 101,
        dtx: loss & 0x80 > 0,
    };
    encode(rest, settings, [10, 20, 40, 60][usize::from(rate >> 6)]);
}

fn decode(data: &[u8], rate_hz: u32) {
    let mut decoder = Decoder::new(rate_hz).unwrap();
    let mut samples = vec![0; decoder.most()];
    let mut rest = data;
    while let Some((length, after)) = rest.split_first() {
        let (packet, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        let told = duration(packet).map(|units| units as usize * (rate_hz as usize / 1_000) / 48);
        let mut lost = vec![0; rate_hz as usize / 50];
        if packet.len() % 7 == 3 {
            let recovered = decoder.recover(packet, &mut lost);
            assert!(recovered.is_ok_and(|count| count == lost.len()) || told.is_err() || recovered.is_err());
        }
        match decoder.decode(packet, &mut samples) {
            Ok(count) => assert_eq!(told, Ok(count)),
            Err(error) => assert_eq!(error, Error::Packet),
        }
        if packet.len() % 5 == 2 {
            assert_eq!(decoder.lost(&mut lost), Ok(lost.len()));
        }
    }
}

fn encode(data: &[u8], settings: Settings, ms: usize) {
    let mut encoder = Encoder::new(settings).unwrap();
    let mut decoders = RATES_HZ.map(|rate_hz| Decoder::new(rate_hz).unwrap());
    let length = settings.rate_hz as usize / 1_000 * ms;
    let mut said: Vec<i16> = data
        .chunks_exact(2)
        .map(|s| i16::from_le_bytes([s[0], s[1]]))
        .collect();
    said.resize(said.len().next_multiple_of(length).max(length), 0);
    let mut packet = [0; MAX_PACKET];
    for frame in said.chunks_exact(length).take(4) {
        let Some(octets) = encoder.encode(frame, &mut packet).unwrap() else {
            assert!(settings.dtx, "a frame of which nothing need be sent");
            continue;
        };
        let packet = &packet[..octets];
        assert_eq!(duration(packet), Ok(ms as u32 * 48));
        let mut ranges = Vec::new();
        for (decoder, rate_hz) in decoders.iter_mut().zip(RATES_HZ) {
            let mut heard = vec![0; decoder.most()];
            assert_eq!(
                decoder.decode(packet, &mut heard),
                Ok(rate_hz as usize / 1_000 * ms)
            );
            ranges.push(decoder.final_range().unwrap());
        }
        assert!(ranges.iter().all(|range| *range == ranges[0]));
        let mut none = [0; 0];
        assert!(encoder.encode(&frame[1..], &mut none).is_err());
    }
}
