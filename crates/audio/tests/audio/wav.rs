//! WAV files: written, read, cut off, and lying about themselves.

use crate::voice;
use audio::g711::Law;
use audio::wav::{Coding, Format, Unreadable, Wav};

const CODINGS: [Coding; 6] = [
    Coding::Linear8,
    Coding::Linear,
    Coding::Linear24,
    Coding::Float,
    Coding::G711(Law::A),
    Coding::G711(Law::Mu),
];

fn write(format: Format, samples: &[i16]) -> Vec<u8> {
    let mut data = Vec::new();
    format.write(samples, &mut data);
    [format.header(data.len() as u32), data].concat()
}

#[test]
fn what_was_written_is_read() {
    for coding in CODINGS {
        for rate_hz in [8000, 16_000] {
            let speech = voice(1, rate_hz, 1.01);
            let file = write(Format::mono(coding, rate_hz), &speech);
            let wav = Wav::parse(&file).unwrap();
            assert_eq!(
                (wav.format, wav.len()),
                (Format::mono(coding, rate_hz), speech.len())
            );
            let wanted: Vec<i16> = match coding {
                Coding::Linear8 => speech.iter().map(|s| (s >> 8) << 8).collect(),
                Coding::Linear | Coding::Linear24 | Coding::Float => speech,
                Coding::G711(law) => speech.iter().map(|s| law.decode(law.encode(*s))).collect(),
            };
            assert!(wav.samples().eq(wanted));
        }
    }
}

#[test]
fn the_headers_are_those_that_everybody_writes() {
    let header = Format::mono(Coding::Linear, 8000).header(320);
    let wanted =
        b"RIFF\x64\x01\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x40\x01\0\0";
    assert_eq!(header, wanted);
    let header = Format::mono(Coding::G711(Law::A), 8000).header(160);
    let wanted = b"RIFF\xd2\0\0\0WAVEfmt \x12\0\0\0\x06\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0\0\0\
        fact\x04\0\0\0\xa0\0\0\0data\xa0\0\0\0";
    assert_eq!(header, wanted);
    // The length may be written later.
    for coding in CODINGS {
        let format = Format::mono(coding, 16_000);
        assert_eq!(format.header(0).len(), format.header(u32::MAX).len());
    }
}

#[test]
fn two_channels_are_mixed() {
    let format = Format {
        coding: Coding::Linear,
        rate_hz: 8000,
        channels: 2,
    };
    let file = write(format, &[100, 300, -5, 5, i16::MAX, i16::MAX, i16::MIN, i16::MIN]);
    let wav = Wav::parse(&file).unwrap();
    assert_eq!((wav.len(), wav.is_empty()), (4, false));
    assert!(wav.samples().eq([200, 0, i16::MAX, i16::MIN]));
}

#[test]
fn an_unfinished_recording_is_read_to_its_end() {
    let mut file = write(Format::mono(Coding::Linear, 8000), &[1, 2, 3]);
    let at = file.len() - 6 - 4;
    file[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(Wav::parse(&file).unwrap().samples().eq([1, 2, 3]));
    // Half a sample is none.
    file.pop();
    assert!(Wav::parse(&file).unwrap().samples().eq([1, 2]));
}

#[test]
fn other_chunks_are_passed_over_and_the_extensible_form_is_read() {
    let plain = write(Format::mono(Coding::Linear, 8000), &[7, 8]);
    let odd = [b"LIST\x03\0\0\0abc\0".as_slice(), b"bext\0\0\0\0"].concat();
    let file = [&plain[..12], &odd, &plain[12..36], &odd, &plain[36..]].concat();
    assert!(Wav::parse(&file).unwrap().samples().eq([7, 8]));
    let mut fmt = plain[20..36].to_vec();
    fmt[..2].copy_from_slice(&[0xFE, 0xFF]);
    let guid = b"\x16\0\x10\0\x04\0\0\0\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";
    let file = [&plain[..16], b"\x28\0\0\0", &fmt, guid, &plain[36..]].concat();
    assert!(Wav::parse(&file).unwrap().samples().eq([7, 8]));
}

#[test]
fn what_is_not_read_is_named() {
    let plain = write(Format::mono(Coding::Linear, 8000), &[7, 8]);
    let with = |at: usize, octets: &[u8]| {
        let mut file = plain.clone();
        file[at..at + octets.len()].copy_from_slice(octets);
        Wav::parse(&file).map(|_| ()).unwrap_err()
    };
    assert_eq!(with(0, b"RIFX"), Unreadable::NotWav);
    assert_eq!(with(8, b"AVI "), Unreadable::NotWav);
    assert_eq!(with(20, &[85, 0]), Unreadable::Coding(85, 16));
    assert_eq!(with(34, &[20, 0]), Unreadable::Coding(1, 20));
    assert_eq!(with(24, &3_999_u32.to_le_bytes()), Unreadable::Rate(3_999));
    assert_eq!(with(22, &[6, 0]), Unreadable::Channels(6));
    assert_eq!(with(22, &[0, 0]), Unreadable::Channels(0));
    assert_eq!(with(32, &[0, 0]), Unreadable::Format);
    assert_eq!(with(16, &[12, 0, 0, 0]), Unreadable::Format);
    assert_eq!(with(12, b"fmt_"), Unreadable::NotWav, "data without a format");
    for length in 0..44 {
        assert!(Wav::parse(&plain[..length]).is_err(), "{length}");
    }
    let many = [&plain[..12], &b"junk\0\0\0\0".repeat(100_000), &plain[12..]].concat();
    assert_eq!(Wav::parse(&many), Err(Unreadable::NotWav));
    assert!(Unreadable::Rate(44_100).to_string().contains("8000"));
}
