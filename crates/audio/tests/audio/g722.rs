//! G.722 against vectors of another implementation, and measured. Where they come from: `tests/vectors/g722/README.md`.

use crate::{Random, sine, snr, voice};
use audio::g722::{Decoder, Encoder};

fn octets(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/g722");
    std::fs::read(folder.join(name)).unwrap()
}

fn samples(name: &str) -> Vec<i16> {
    let octets = octets(name);
    octets
        .chunks_exact(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect()
}

fn decode(octets: &[u8]) -> Vec<i16> {
    let mut out = vec![0; octets.len() * 2];
    assert_eq!(Decoder::new().decode(octets, &mut out), out.len());
    out
}

fn encode(samples: &[i16]) -> Vec<u8> {
    let mut out = vec![0; samples.len() / 2];
    assert_eq!(Encoder::new().encode(samples, &mut out), out.len());
    out
}

#[test]
fn decoding_is_exact_to_the_bit() {
    for name in ["sound", "codes"] {
        let got = decode(&octets(&format!("{name}.g722")));
        let wanted = samples(&format!("{name}.decoded.pcm"));
        let first = got.iter().zip(&wanted).position(|(a, b)| a != b);
        assert_eq!((first, got.len()), (None, wanted.len()), "{name}");
    }
}

#[test]
fn encoding_is_exact_to_the_bit() {
    let got = encode(&samples("sound.pcm"));
    let wanted = octets("sound.g722");
    let first = got.iter().zip(&wanted).position(|(a, b)| a != b);
    assert_eq!((first, got.len()), (None, wanted.len()));
}

/// Through the codec and back; the filter banks delay by 22 samples.
fn quality(sound: &[i16]) -> f64 {
    let out = decode(&encode(sound));
    let late = 22;
    snr(&sound[2000..sound.len() - late], &out[2000 + late..])
}

#[test]
fn sounds_keep_a_distance_to_noise() {
    for (hertz, peak, least) in [
        (300.0, 10_000.0, 55.0),
        (1020.0, 10_000.0, 42.0),
        (1020.0, 300.0, 32.0),
        (3000.0, 10_000.0, 36.0),
        (5500.0, 10_000.0, 22.0),
        (6800.0, 3000.0, 20.0),
    ] {
        let quality = quality(&sine(hertz, peak, 16_000, 16_000));
        println!("{hertz} Hz at {peak}: {quality:.1} dB");
        assert!(quality > least, "{hertz} Hz at {peak}: {quality:.1} dB");
    }
    let quality = quality(&voice(1, 16_000, 5.0));
    println!("voice: {quality:.1} dB");
    assert!(quality > 24.0, "{quality:.1} dB");
}

#[test]
fn frames_give_the_stream_that_the_whole_gives() {
    let sound = voice(2, 16_000, 1.0);
    let whole = encode(&sound);
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    let (mut codes, mut out) = (Vec::new(), Vec::new());
    for frame in sound.chunks(320) {
        let mut octets = [0; 160];
        assert_eq!(encoder.encode(frame, &mut octets), 160);
        let mut samples = [0; 320];
        assert_eq!(decoder.decode(&octets, &mut samples), 320);
        codes.extend(octets);
        out.extend(samples);
    }
    assert_eq!((&codes, &out), (&whole, &decode(&whole)));
    // Odd sizes end with the shorter side.
    assert_eq!(encoder.encode(&[1, 2, 3], &mut [0; 9]), 1);
    assert_eq!(encoder.encode(&[1; 8], &mut [0; 3]), 3);
    assert_eq!(decoder.decode(&[1; 8], &mut [0; 5]), 4);
}

#[test]
fn no_code_and_no_sound_breaks_it() {
    let mut random = Random(4);
    let codes: Vec<u8> = (0..200_000).map(|_| random.next() as u8).collect();
    decode(&codes);
    let noise: Vec<i16> = (0..200_000).map(|_| random.next() as i16).collect();
    encode(&noise);
    for octet in [0x00, 0x3F, 0x20, 0x84, 0xC4, 0xFF] {
        decode(&vec![octet; 20_000]);
    }
    let square: Vec<i16> = (0..40_000)
        .map(|n| if n / 37 % 2 == 0 { i16::MAX } else { i16::MIN })
        .collect();
    encode(&square);
}
