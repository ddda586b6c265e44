//! Opus against a decoder that is not libopus. Where the files come from: `tests/vectors/opus/README.md`.

use crate::snr;
use audio::sound::decode;
use std::path::Path;

fn read(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/opus");
    std::fs::read(folder.join(name)).unwrap()
}

/// Decoders may differ within what RFC 6716 §6 allows, and they do: in rounding, and in how SILK is brought to 48 kHz.
#[test]
fn what_is_decoded_is_what_another_implementation_decodes() {
    for (name, least_db) in [("speech", 20.0), ("celt", 50.0)] {
        let wanted: Vec<i16> = read(&format!("{name}.decoded.pcm"))
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        let got = decode(&read(&format!("{name}.opus")), 48_000).unwrap();
        let length = wanted.len().min(got.len()) - 100;
        assert!(length > 20_000, "{name}: {length} samples");
        // The resamplers of SILK differ by some samples of delay.
        let at = |late: usize| snr(&wanted[50..length], &got[late..length - 50 + late]);
        let found = (0..100).map(at).fold(f64::NEG_INFINITY, f64::max);
        println!("{name}: {found:.1} dB apart");
        assert!(found > least_db, "{name}: {found:.1} dB");
    }
    println!("COUNT opus/vectors 2");
}
