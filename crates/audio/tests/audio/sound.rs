//! Sound files as people upload them.

use crate::{Random, rms, sine, snr};
use audio::ogg::{self, Head, Tags, Writer};
use audio::opus::{Encoder, MAX_PACKET, Settings};
use audio::resample::RATES_HZ;
use audio::sound::{Error, MAX_SECONDS, decode, normalise};
use audio::wav::{self, Coding, Format};

fn wav(format: Format, samples: &[i16]) -> Vec<u8> {
    let mut data = Vec::new();
    format.write(samples, &mut data);
    [format.header(data.len() as u32), data].concat()
}

/// An Ogg file of one or two channels, in frames of 20 ms, cut to the length of the sound.
fn opus(rate_hz: u32, channels: u8, samples: &[i16]) -> Vec<u8> {
    let settings = Settings {
        bitrate: 64_000,
        ..Settings::call(rate_hz)
    };
    let mut encoder = match channels {
        1 => Encoder::new(settings).unwrap(),
        _ => Encoder::stereo(settings).unwrap(),
    };
    let delay = encoder.delay().unwrap();
    let mut file = Vec::new();
    let mut writer = Writer::begin(
        &Head::new(channels, rate_hz, delay),
        &Tags::default(),
        1,
        &mut file,
    );
    let frame = rate_hz as usize / 50 * usize::from(channels);
    let mut sound = samples.to_vec();
    sound.resize(sound.len() + frame, 0);
    let whole = sound.len().next_multiple_of(frame);
    sound.resize(whole, 0);
    for frame in sound.chunks_exact(frame) {
        let mut packet = [0; MAX_PACKET];
        let octets = encoder.encode(frame, &mut packet).unwrap().unwrap();
        writer.packet(&packet[..octets], &mut file).unwrap();
    }
    let per_channel = samples.len() as u64 / u64::from(channels) * 48_000 / u64::from(rate_hz);
    let surplus = writer.position() - u64::from(delay) - per_channel;
    writer.finish(surplus as u32, &mut file);
    file
}

/// Is it the same sine? The ends swing in.
fn is_alike(wanted: &[i16], got: &[i16], least_db: f64) -> bool {
    let edge = wanted.len() / 10;
    let middle = edge..wanted.len() - edge;
    wanted.len() == got.len() && snr(&wanted[middle.clone()], &got[middle]) > least_db
}

#[test]
fn wav_files_of_every_rate_become_every_rate_in_place() {
    let odd = [
        4_000, 11_025, 12_000, 22_050, 31_999, 32_000, 44_100, 96_000, 192_000,
    ];
    for from in RATES_HZ.into_iter().chain(odd) {
        for to in RATES_HZ {
            let file = wav(
                Format::mono(Coding::Linear, from),
                &sine(440.0, 8000.0, from, from as usize),
            );
            let got = decode(&file, to).unwrap();
            let wanted = sine(440.0, 8000.0, to, to as usize);
            // A delay that is no whole number of samples is rounded to one.
            assert!(
                is_alike(&wanted, &got, 14.0),
                "{from} to {to}: {} samples",
                got.len()
            );
        }
    }
}

#[test]
fn opus_files_of_one_and_two_channels_become_every_rate_in_place() {
    for from in [8000, 16_000, 48_000] {
        let tone = sine(440.0, 8000.0, from, from as usize);
        let both: Vec<i16> = tone.iter().flat_map(|s| [*s, *s]).collect();
        for (channels, samples) in [(1, &tone), (2, &both)] {
            let file = opus(from, channels, samples);
            for to in RATES_HZ {
                let got = decode(&file, to).unwrap();
                let wanted = sine(440.0, 8000.0, to, to as usize);
                // libopus takes away what is below the voice, which moves the phase of the rest a little.
                let most = to as usize / 6000;
                let early = |by: usize| {
                    snr(
                        &wanted[to as usize / 10..],
                        &got[to as usize / 10 - by..got.len() - by],
                    )
                };
                let best = (0..=most).map(early).fold(f64::NEG_INFINITY, f64::max);
                assert!(best > 14.0, "{from} with {channels} to {to}: {best:.1} dB");
                assert_eq!(got.len(), wanted.len(), "{from} to {to}");
            }
        }
    }
}

#[test]
fn parties_on_two_lanes_stay_apart() {
    let settings = Settings::call(16_000);
    let mut encoder = Encoder::stereo(settings).unwrap();
    let mut decoder = audio::opus::Decoder::stereo(16_000).unwrap();
    let left = sine(440.0, 8000.0, 16_000, 16_000);
    let right = vec![0; 16_000];
    let both: Vec<i16> = left.iter().zip(&right).flat_map(|(l, r)| [*l, *r]).collect();
    let (mut packet, mut frame) = ([0; MAX_PACKET], vec![0; decoder.most()]);
    let mut got = [Vec::new(), Vec::new()];
    for chunk in both.chunks_exact(640) {
        let octets = encoder.encode(chunk, &mut packet).unwrap().unwrap();
        let count = decoder.decode(&packet[..octets], &mut frame).unwrap();
        assert_eq!(count, 320);
        for pair in frame[..count * 2].chunks_exact(2) {
            got[0].push(pair[0]);
            got[1].push(pair[1]);
        }
    }
    let (loud, quiet) = (rms(&got[0][3200..]), rms(&got[1][3200..]));
    assert!(loud > 4000.0 && quiet < loud / 30.0, "{loud:.0} and {quiet:.0}");
}

#[test]
fn a_corrupt_upload_is_refused_with_words_for_its_owner() {
    let tone = sine(440.0, 8000.0, 16_000, 32_000);
    let file = opus(16_000, 1, &tone);
    let mut damaged = file.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x55;
    assert_eq!(decode(&damaged, 8000), Err(Error::Damaged));
    assert!(Error::Damaged.to_string().contains("damaged"));
    let refused: [(&[u8], &str); 10] = [
        (&[0xFF, 0xF1, 0x50, 0x80], "AAC"),
        (b"", "empty file"),
        (b"ID3\x04rest", "MP3"),
        (&[0xFF, 0xFB, 0x90, 0x64], "MP3"),
        (b"fLaC\0\0\0\x22", "FLAC"),
        (b"\0\0\0\x20ftypM4A ", "MPEG-4"),
        (b"<html>", "WAV or Ogg-Opus"),
        (b"RIFF\0\0\0\0AVI ", "WAV"),
        (b"OggS\0\x02", "Ogg"),
        (&wav(Format::mono(Coding::Linear, 8000), &[]), "no sound"),
    ];
    for (file, word) in refused {
        let error = decode(file, 8000).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let surround = [
        &b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x06\0"[..],
        &[0; 12],
        b"data\0\0\0\0",
    ]
    .concat();
    assert!(matches!(
        decode(&surround, 8000),
        Err(Error::Wav(wav::Unreadable::Coding(1, 0)))
    ));
    assert_eq!(decode(&file, 44_100), Err(Error::Rate(44_100)));
}

#[test]
fn a_cut_upload_sounds_up_to_there() {
    let tone = sine(440.0, 8000.0, 16_000, 48_000);
    let file = opus(16_000, 1, &tone);
    let got = decode(&file[..file.len() * 2 / 3], 16_000).unwrap();
    assert!((16_000..40_000).contains(&got.len()), "{}", got.len());
    assert!(rms(&got) > 4000.0);
}

#[test]
fn hours_in_a_small_file_are_refused() {
    let mut file = Vec::new();
    let mut writer = Writer::begin(&Head::new(1, 8000, 0), &Tags::default(), 1, &mut file);
    // 120 ms of nothing in two octets.
    for _ in 0..MAX_SECONDS * 9 {
        writer.packet(&[3 | 1 << 3, 6], &mut file).unwrap();
    }
    writer.finish(0, &mut file);
    assert!(file.len() < 100_000);
    assert_eq!(decode(&file, 8000), Err(Error::TooLong));
    let long = vec![0; 8000 * MAX_SECONDS as usize + 1];
    let file = wav(Format::mono(Coding::G711(audio::g711::Law::A), 8000), &long);
    assert_eq!(decode(&file, 8000), Err(Error::TooLong));
}

#[test]
fn nothing_that_arrives_breaks_it() {
    let file = opus(8000, 1, &sine(440.0, 8000.0, 8000, 4000));
    let mut random = Random(11);
    for _ in 0..2000 {
        let mut damaged = file.clone();
        for _ in 0..1 + random.next() % 4 {
            let at = random.next() as usize % damaged.len();
            damaged[at] = random.next() as u8;
        }
        let _outcome = decode(&damaged, 8000);
    }
    // Noise in good pages reaches the decoder.
    for seed in 0..300 {
        let mut random = Random(seed);
        let mut file = Vec::new();
        let head = Head {
            gain: random.next() as i16,
            ..Head::new(1, 8000, random.next() as u16)
        };
        let mut writer = Writer::begin(&head, &Tags::default(), 1, &mut file);
        for _ in 0..20 {
            let packet: Vec<u8> = (0..random.next() % 80).map(|_| random.next() as u8).collect();
            let _refused = writer.packet(&packet, &mut file);
        }
        writer.finish(random.next() as u32, &mut file);
        assert!(ogg::Reader::open(&file).is_ok());
        let _outcome = decode(&file, 24_000);
    }
}

#[test]
fn an_upload_of_every_kind_is_kept_as_opus_of_its_length() {
    let codings = [
        Coding::Linear8,
        Coding::Linear,
        Coding::Linear24,
        Coding::Float,
        Coding::G711(audio::g711::Law::A),
        Coding::G711(audio::g711::Law::Mu),
    ];
    for (coding, rate_hz) in codings
        .into_iter()
        .zip([8_000, 44_100, 48_000, 22_050, 8_000, 11_025])
    {
        let format = Format {
            channels: 2,
            ..Format::mono(coding, rate_hz)
        };
        let tone = sine(440.0, 8000.0, rate_hz, rate_hz as usize * 3 / 2);
        let both: Vec<i16> = tone.iter().flat_map(|s| [*s, *s]).collect();
        let kept = normalise(&wav(format, &both)).unwrap();
        assert_eq!(kept.ms, 1_500, "{coding:?}");
        let heard = decode(&kept.file, 8_000).unwrap();
        assert_eq!(heard.len(), 12_000, "{coding:?}");
        assert!((rms(&heard[2_000..10_000]) - 5_657.0).abs() < 600.0, "{coding:?}");
        // What is kept can be uploaded again.
        assert_eq!(normalise(&kept.file).unwrap().ms, 1_500);
    }
    let wide = sine(6_000.0, 8000.0, 48_000, 48_000);
    let kept = normalise(&opus(48_000, 1, &wide)).unwrap();
    assert!(rms(&decode(&kept.file, 16_000).unwrap()[4_000..12_000]) > 3_000.0);
    assert!(kept.file.len() < 6_000, "{} octets", kept.file.len());
}

#[test]
fn an_upload_that_is_cut_or_damaged_is_not_kept() {
    let tone = sine(440.0, 8000.0, 16_000, 48_000);
    let ogg = opus(16_000, 1, &tone);
    assert_eq!(normalise(&ogg[..ogg.len() * 2 / 3]), Err(Error::Cut));
    let plain = wav(Format::mono(Coding::Linear, 8000), &tone);
    assert_eq!(normalise(&plain[..plain.len() - 2]), Err(Error::Cut));
    // Written into a pipe: nobody knew how long it would be.
    let mut streamed = plain.clone();
    streamed[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(normalise(&streamed).map(|kept| kept.ms), Ok(6_000));
    let mut damaged = ogg.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x55;
    assert_eq!(normalise(&damaged), Err(Error::Damaged));
    for nothing in [&b""[..], b"ID3", &plain[..44]] {
        assert!(normalise(nothing).is_err());
    }
    let silent = wav(Format::mono(Coding::Linear, 8000), &[]);
    assert_eq!(normalise(&silent), Err(Error::Empty));
    let mut random = Random(5);
    for file in [ogg, plain[..20_000].to_vec()] {
        for _ in 0..500 {
            let mut damaged = file.clone();
            for _ in 0..1 + random.next() % 4 {
                let at = random.next() as usize % damaged.len();
                damaged[at] = random.next() as u8;
            }
            let _outcome = normalise(&damaged);
        }
    }
}
