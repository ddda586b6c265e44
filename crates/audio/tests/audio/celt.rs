//! Our encoder of CELT before the decoder of libopus, and beside its encoder.

use crate::{Random, sine, snr, voice};
use audio::celt::{Encoder, Error, MAX_PACKET};
use audio::opus::Decoder;
use audio::sound;
use opus::{Application, Bitrate, Channels};
use std::f64::consts::TAU;
use std::path::Path;

/// What is asked of each rate.
const RATES: [(u32, u32); 2] = [(8_000, 16_000), (16_000, 24_000)];

/// A sound at 48 kHz as a decoder gives it, and the octets of its packets.
fn through(encoder: &mut Encoder, samples: &[i16]) -> (Vec<i16>, usize) {
    let mut decoder = Decoder::new(48_000).unwrap();
    let (mut out, mut octets) = (Vec::new(), 0);
    let mut heard = vec![0; decoder.most()];
    for (at, frame) in samples.chunks_exact(encoder.samples()).enumerate() {
        let mut packet = [0; MAX_PACKET];
        let length = encoder.encode(frame, &mut packet).unwrap();
        octets += length;
        let count = decoder.decode(&packet[..length], &mut heard).unwrap();
        assert_eq!(count, 960);
        // Both have narrowed their ranges alike, so every symbol was understood.
        assert_eq!(
            decoder.final_range().unwrap(),
            encoder.final_range(),
            "frame {at}"
        );
        out.extend_from_slice(&heard[..count]);
    }
    (out, octets)
}

/// At the rate that it came from, without the delay.
fn aligned(out: &[i16], delay: u16, rate: u32) -> Vec<i16> {
    let step = (48_000 / rate) as usize;
    out.iter()
        .skip(usize::from(delay))
        .step_by(step)
        .copied()
        .collect()
}

/// What libopus makes of it at its least effort.
fn by_library(rate: u32, bitrate: u32, samples: &[i16]) -> (Vec<i16>, usize) {
    let mut encoder = opus::Encoder::new(rate, Channels::Mono, Application::LowDelay).unwrap();
    encoder.set_complexity(0).unwrap();
    encoder.set_bitrate(Bitrate::Bits(bitrate as i32)).unwrap();
    let mut decoder = opus::Decoder::new(48_000, Channels::Mono).unwrap();
    let (mut out, mut octets) = (Vec::new(), 0);
    for frame in samples.chunks_exact(rate as usize / 50) {
        let (mut packet, mut heard) = ([0; 1275], [0; 960]);
        let length = encoder.encode(frame, &mut packet).unwrap();
        octets += length;
        decoder.decode(&packet[..length], &mut heard, false).unwrap();
        out.extend_from_slice(&heard);
    }
    (aligned(&out, 120, rate), octets)
}

/// Sentences that a voice speaks, of three languages.
fn speech(rate: u32) -> Vec<i16> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../prompts/sounds");
    let names = [
        "en/paging/announcement.opus",
        "fr/paging/announcement.opus",
        "es/paging/announcement.opus",
    ];
    let sounds = names.map(|name| std::fs::read(folder.join(name)).unwrap());
    sounds
        .iter()
        .flat_map(|file| sound::decode(file, rate).unwrap())
        .collect()
}

/// White noise of this deviation.
fn noise(seed: u64, deviation: f64, samples: usize) -> Vec<i16> {
    let mut random = Random(seed);
    (0..samples)
        .map(|_| (random.normal() * deviation) as i16)
        .collect()
}

/// Ratio of signal to noise by frames, on average, dB; pauses don't count.
fn segmental(wanted: &[i16], got: &[i16], rate: u32) -> f64 {
    let frame = rate as usize / 50;
    let pairs = wanted.chunks_exact(frame).zip(got.chunks_exact(frame));
    let loud = pairs.filter(|(wanted, _)| crate::rms(wanted) > 10.0);
    let each: Vec<f64> = loud
        .map(|(wanted, got)| snr(wanted, got).clamp(-10.0, 45.0))
        .collect();
    each.iter().sum::<f64>() / each.len() as f64
}

/// How far the spectra of 16 ms are from each other, dB, on average.
fn distance(wanted: &[i16], got: &[i16], rate: u32) -> f64 {
    let frame = rate as usize / 50;
    let power = |samples: &[i16]| -> Vec<f64> {
        let line = |line: usize| {
            let sum = samples.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, s)| {
                let weight = 0.5 - 0.5 * (TAU * n as f64 / frame as f64).cos();
                let (sin, cos) = (TAU * (line * n % frame) as f64 / frame as f64).sin_cos();
                (
                    re + weight * f64::from(*s) * cos,
                    im + weight * f64::from(*s) * sin,
                )
            });
            sum.0 * sum.0 + sum.1 * sum.1 + 4.0 * frame as f64
        };
        (1..frame / 2).step_by(2).map(line).collect()
    };
    let pairs = wanted.chunks_exact(frame).zip(got.chunks_exact(frame));
    let loud = pairs.filter(|(wanted, _)| crate::rms(wanted) > 10.0).step_by(3);
    let each = loud.map(|(wanted, got)| {
        let (wanted, got) = (power(wanted), power(got));
        let squares = wanted
            .iter()
            .zip(&got)
            .map(|(a, b)| (10.0 * (a / b).log10()).powi(2));
        (squares.sum::<f64>() / wanted.len() as f64).sqrt()
    });
    let each: Vec<f64> = each.collect();
    each.iter().sum::<f64>() / each.len() as f64
}

#[test]
fn a_decoder_understands_every_symbol_of_every_sound() {
    let mut frames = 0;
    for rate in [8_000, 16_000] {
        let seconds = rate as usize;
        let mut random = Random(11);
        let any: Vec<i16> = (0..5 * seconds).map(|_| random.next() as i16).collect();
        let square: Vec<i16> = (0..5 * seconds)
            .map(|n| if n / 19 % 2 == 0 { i16::MAX } else { i16::MIN })
            .collect();
        let level = |n: usize| [0.0, 1.0, 30.0, 1000.0, 32_000.0][n / 300 % 5];
        let jumps: Vec<i16> = (0..10 * seconds)
            .map(|n| (random.unit() * level(n)) as i16)
            .collect();
        let chirp = |n: usize| (20_000.0 * (n as f64 * n as f64 / 80_000.0).sin()) as i16;
        let sounds = [
            voice(1, rate, 10.0),
            speech(rate),
            sine(440.0, 12_000.0, rate, 5 * seconds),
            sine(3_300.0, 32_767.0, rate, 5 * seconds),
            (0..5 * seconds).map(chirp).collect(),
            noise(3, 3.0, 5 * seconds),
            noise(4, 3_000.0, 5 * seconds),
            vec![0; seconds],
            vec![-32_768; seconds],
            any,
            square,
            jumps,
        ];
        for bitrate in [8_000, 16_000, 24_000, 48_000] {
            // One after the other, so that each begins where another ends.
            let mut encoder = Encoder::new(rate, bitrate).unwrap();
            for sound in &sounds {
                through(&mut encoder, sound);
                frames += sound.len() / encoder.samples();
            }
        }
    }
    println!("COUNT celt/frames {frames}");
    assert!(frames > 20_000);
}

#[test]
fn speech_is_as_good_as_by_libopus_at_the_same_bit_rate() {
    for (rate, bitrate) in RATES {
        for (name, sound) in [
            ("speech", speech(rate)),
            ("voice", voice(5, rate, 12.0)),
            ("noise", noise(9, 2_000.0, rate as usize * 4)),
        ] {
            let (theirs, their_octets) = by_library(rate, bitrate, &sound);
            // They don't count the first octet.
            let mut encoder = Encoder::new(rate, bitrate + 400).unwrap();
            let (ours, octets) = through(&mut encoder, &sound);
            let ours = aligned(&ours, encoder.delay(), rate);
            let [ratio, their_ratio] = [&ours, &theirs].map(|got| segmental(&sound, got, rate));
            let [far, their_far] = [&ours, &theirs].map(|got| distance(&sound, got, rate));
            println!(
                "{name} at {rate}: {ratio:.2} dB of {their_ratio:.2}, {far:.2} dB away of {their_far:.2}, {octets} octets of {their_octets}"
            );
            assert!(
                octets as f64 <= 1.02 * their_octets as f64,
                "{octets} of {their_octets}"
            );
            assert!(
                ratio > their_ratio - 0.5,
                "{name} at {rate}: {ratio} of {their_ratio}"
            );
            assert!(far < their_far + 0.5, "{name} at {rate}: {far} of {their_far}");
        }
    }
}

#[test]
fn a_tone_keeps_its_frequency_and_level() {
    for (rate, bitrate) in RATES {
        for hertz in [200.0, 440.0, 697.0, 1_000.0, 1_633.0, 2_600.0, 3_400.0, 6_000.0] {
            if hertz > f64::from(rate) * 0.43 {
                continue;
            }
            let mut encoder = Encoder::new(rate, bitrate).unwrap();
            let sound = sine(hertz, 8_000.0, rate, rate as usize * 2);
            let (out, _) = through(&mut encoder, &sound);
            let steady = &out[24_000..72_000];
            let (re, im) = steady.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, s)| {
                let (sin, cos) = (TAU * hertz * n as f64 / 48_000.0).sin_cos();
                (re + f64::from(*s) * cos, im + f64::from(*s) * sin)
            });
            let level = 2.0 * f64::hypot(re, im) / steady.len() as f64;
            let off = 20.0 * (level / 8_000.0).log10();
            let share = level * level / 2.0 / crate::rms(steady).powi(2);
            println!(
                "{hertz} Hz at {rate}: {off:+.2} dB, {:.1} % of all",
                share * 100.0
            );
            assert!(
                off.abs() < 0.5 && share > 0.9,
                "{hertz} Hz at {rate}: {off} dB, {share}"
            );
        }
    }
}

#[test]
fn the_delay_is_what_it_says() {
    for (rate, bitrate) in RATES {
        let mut encoder = Encoder::new(rate, bitrate).unwrap();
        let sound = voice(8, rate, 4.0);
        let (out, _) = through(&mut encoder, &sound);
        let step = (48_000 / rate) as usize;
        let match_at = |delay: usize| -> f64 {
            let pairs = sound.iter().zip(out.iter().skip(delay).step_by(step));
            pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let best = (0..960).max_by(|a, b| match_at(*a).total_cmp(&match_at(*b)));
        let delay = usize::from(encoder.delay());
        assert!(best.unwrap().abs_diff(delay) <= 1, "{rate}: {best:?} of {delay}");
    }
}

#[test]
fn the_bit_rate_is_kept_on_average() {
    for (rate, bitrate) in RATES {
        for (name, sound) in [
            ("speech", speech(rate)),
            ("noise", noise(7, 500.0, rate as usize * 10)),
        ] {
            let mut encoder = Encoder::new(rate, bitrate).unwrap();
            let (_, octets) = through(&mut encoder, &sound);
            let seconds = sound.len() as f64 / f64::from(rate);
            let measured = octets as f64 * 8.0 / seconds;
            assert!(
                (measured / f64::from(bitrate) - 1.0).abs() < 0.1,
                "{name} at {rate}: {measured}"
            );
        }
    }
}

#[test]
fn sound_goes_on_behind_a_pause() {
    for (rate, bitrate) in RATES {
        let sound = voice(21, rate, 8.0);
        let mut encoder = Encoder::new(rate, bitrate).unwrap();
        let mut decoder = Decoder::new(rate).unwrap();
        let mut out = Vec::new();
        let mut heard = vec![0; decoder.most()];
        for (at, frame) in sound.chunks_exact(encoder.samples()).enumerate() {
            let mut packet = [0; MAX_PACKET];
            packet[0] = if rate == 8_000 { 19 << 3 } else { 23 << 3 };
            // A second of each.
            let octets = match at % 100 {
                50.. => {
                    encoder.skip(Some(frame));
                    1
                }
                0 => encoder.encode_afresh(frame, &mut packet).unwrap(),
                _ => encoder.encode(frame, &mut packet).unwrap(),
            };
            let count = decoder.decode(&packet[..octets], &mut heard).unwrap();
            assert!(octets == 1 || decoder.final_range().unwrap() == encoder.final_range());
            out.extend_from_slice(&heard[..count]);
        }
        let step = 48_000 / rate as usize;
        let delay = usize::from(encoder.delay()) / step;
        for second in (0..8).step_by(2) {
            // From the second frame on it is as if there had been no pause.
            let [from, to] = [0.04, 0.9].map(|s| ((f64::from(second) + s) * f64::from(rate)) as usize);
            let ratio = segmental(&sound[from..to], &out[from + delay..to + delay], rate);
            assert!(ratio > 8.0, "second {second} at {rate}: {ratio} dB");
        }
    }
}

#[test]
fn other_rates_and_frames_are_refused() {
    for (rate, bitrate) in [(48_000, 24_000), (8_000, 7_999), (16_000, 48_001), (0, 0)] {
        assert_eq!(Encoder::new(rate, bitrate).err(), Some(Error::Settings));
    }
    let mut encoder = Encoder::new(8_000, 16_000).unwrap();
    let mut packet = [0; MAX_PACKET];
    assert_eq!(encoder.encode(&[1; 80], &mut packet), Err(Error::Frame));
    assert_eq!(encoder.encode(&[1; 160], &mut packet[..20]), Err(Error::Frame));
    assert_eq!(encoder.encode(&[1; 160], &mut []), Err(Error::Frame));
    assert!(encoder.encode(&[1; 160], &mut packet).is_ok());
}
