//! A WAV file, read whole. Shared by the fuzz target and the tests of `audio`.
//!
//! What must hold: nothing panics; there are as many samples as the length says, and no more than the file has octets; what is
//! read can be written, and reads alike.

use audio::wav::Wav;

/// One input: a file.
pub(crate) fn run(data: &[u8]) {
    let Ok(wav) = Wav::parse(data) else {
        return;
    };
    let samples: Vec<i16> = wav.samples().collect();
    assert_eq!(samples.len(), wav.len());
    assert!(samples.len() <= data.len());
    if wav.format.channels == 1 {
        let mut stored = Vec::new();
        wav.format.write(&samples, &mut stored);
        let mut file = wav.format.header(stored.len() as u32);
        file.extend(stored);
        let again = Wav::parse(&file).map(|w| (w.format, w.samples().eq(samples.iter().copied())));
        assert_eq!(again, Ok((wav.format, true)));
    }
}
