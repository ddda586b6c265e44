//! Fixtures of the paths that samples take: 20 ms of sound an operation.

use super::Operation;
use audio::Concealer;
use audio::detect::{Dtmf, Voice};
use audio::g711::Law;
use audio::g722;
use audio::lanes::Lanes;
use audio::mix::{Band, Mixer, Seat};
use audio::ogg::{Head, Tags, Writer};
use audio::opus;
use audio::resample::Resampler;
use audio::tone::{Country, Generator, Signal};
use std::hint::black_box;

/// A sound with pitch, resonances and some noise, 16 bits. The same at every start.
pub(super) fn sound(samples: usize) -> Vec<i16> {
    let mut seed = 1_u32;
    let sample = |n: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(seed >> 16) / 65_536.0 - 0.5;
        let harmonic = |k: f64| (n as f64 * 0.11 * k).sin() / k;
        (6000.0 * (harmonic(1.0) + harmonic(2.0) + harmonic(5.0)) + 300.0 * noise) as i16
    };
    (0..samples).map(sample).collect()
}

pub(super) fn g711_encode() -> Option<Operation> {
    let (samples, mut octets) = (sound(160), [0; 160]);
    Some(Box::new(move || {
        black_box(Law::A.encode_frame(black_box(&samples), &mut octets));
        black_box(&octets);
    }))
}

pub(super) fn g711_decode() -> Option<Operation> {
    let (octets, mut samples) = ([0x2A; 160], [0; 160]);
    Some(Box::new(move || {
        black_box(Law::A.decode_frame(black_box(&octets), &mut samples));
        black_box(&samples);
    }))
}

/// One frame received and the next one lost.
pub(super) fn conceal() -> Option<Operation> {
    let mut concealer = Concealer::new(8000);
    let sound = sound(160);
    Some(Box::new(move || {
        let mut frame = [0; 160];
        frame.copy_from_slice(&sound);
        concealer.received(&mut frame);
        concealer.lost(&mut frame);
        black_box(&frame);
    }))
}

/// Digits listened for, eight frequencies.
pub(super) fn dtmf() -> Option<Operation> {
    let (mut dtmf, sound) = (Dtmf::new(8000), sound(160));
    Some(Box::new(move || {
        dtmf.push(black_box(&sound), |heard| {
            black_box(heard);
        })
    }))
}

pub(super) fn voice() -> Option<Operation> {
    let (mut voice, sound) = (Voice::new(8000), sound(160));
    Some(Box::new(move || {
        black_box(voice.push(black_box(&sound)));
    }))
}

/// A dial tone of two sines.
pub(super) fn tone() -> Option<Operation> {
    let mut generator = Generator::tone(Country::Us.tone(Signal::Dial), 8000);
    let mut samples = [0; 160];
    Some(Box::new(move || {
        generator.fill(&mut samples);
        black_box(&samples);
    }))
}

fn resample(from_hz: u32, to_hz: u32) -> Option<Operation> {
    let mut resampler = Resampler::new(from_hz, to_hz).ok()?;
    let sound = sound(from_hz as usize / 50);
    let mut room = vec![0; resampler.most(sound.len())];
    Some(Box::new(move || {
        black_box(resampler.process(black_box(&sound), &mut room));
        black_box(&room);
    }))
}

pub(super) fn resample_8_48() -> Option<Operation> {
    resample(8000, 48_000)
}

pub(super) fn resample_48_8() -> Option<Operation> {
    resample(48_000, 8000)
}

pub(super) fn resample_16_8() -> Option<Operation> {
    resample(16_000, 8000)
}

/// A conference of a hundred of whom six want to speak and four are heard: levels, choice, sums, and each one's own.
pub(super) fn mix_100() -> Option<Operation> {
    let mut mixer = Mixer::new(4);
    let seats: Vec<Seat> = (0..100).map_while(|_| mixer.join(Band::Narrow)).collect();
    let (loud, quiet) = (sound(160), [3_i16; 160]);
    let mut own = [0; 160];
    Some(Box::new(move || {
        for (n, seat) in seats.iter().enumerate() {
            mixer.put(*seat, if n < 6 { &loud } else { &quiet });
        }
        mixer.mix();
        for seat in &seats {
            black_box(mixer.heard_by(*seat, &mut own));
        }
        black_box(mixer.common(Band::Narrow));
    }))
}

pub(super) fn g722_encode() -> Option<Operation> {
    let (mut encoder, sound) = (g722::Encoder::new(), sound(320));
    let mut octets = [0; 160];
    Some(Box::new(move || {
        black_box(encoder.encode(black_box(&sound), &mut octets));
        black_box(&octets);
    }))
}

pub(super) fn g722_decode() -> Option<Operation> {
    let mut octets = [0; 160];
    g722::Encoder::new().encode(&sound(320), &mut octets);
    let (mut decoder, mut samples) = (g722::Decoder::new(), [0; 320]);
    Some(Box::new(move || {
        black_box(decoder.decode(black_box(&octets), &mut samples));
        black_box(&samples);
    }))
}

fn opus_encode(rate_hz: u32) -> Option<Operation> {
    let mut encoder = opus::Encoder::new(opus::Settings::call(rate_hz)).ok()?;
    let (sound, mut packet) = (sound(rate_hz as usize / 50), [0; opus::MAX_PACKET]);
    Some(Box::new(move || {
        let _ = black_box(encoder.encode(black_box(&sound), &mut packet));
        black_box(&packet);
    }))
}

fn opus_decode(rate_hz: u32) -> Option<Operation> {
    let mut encoder = opus::Encoder::new(opus::Settings::call(rate_hz)).ok()?;
    let (sound, mut packet) = (sound(rate_hz as usize / 50), [0; opus::MAX_PACKET]);
    let octets = encoder.encode(&sound, &mut packet).ok()??;
    let mut decoder = opus::Decoder::new(rate_hz).ok()?;
    let mut room = vec![0; decoder.most()];
    Some(Box::new(move || {
        let packet = packet.get(..octets).unwrap_or_default();
        let _ = black_box(decoder.decode(black_box(packet), &mut room));
        black_box(&room);
    }))
}

pub(super) fn opus_encode_8() -> Option<Operation> {
    opus_encode(8000)
}

pub(super) fn opus_encode_48() -> Option<Operation> {
    opus_encode(48_000)
}

pub(super) fn opus_decode_8() -> Option<Operation> {
    opus_decode(8000)
}

pub(super) fn opus_decode_48() -> Option<Operation> {
    opus_decode(48_000)
}

fn record(left: bool, right: bool) -> Option<Operation> {
    let mut lanes = Lanes::new(true, 8000).ok()?;
    let mut file = Vec::new();
    let head = Head::apart(8000, lanes.delay());
    let mut writer = Writer::begin(&head, &Tags::default(), 1, &mut file);
    let (loud, quiet) = (sound(160), [3_i16; 160]);
    let [left, right] = [left, right].map(|speaks| if speaks { loud.clone() } else { quiet.to_vec() });
    Some(Box::new(move || {
        if let Ok(packet) = lanes.encode(black_box([Some(left.as_slice()), Some(right.as_slice())])) {
            let _ = black_box(writer.packet(packet, &mut file));
        }
        // What is full leaves for the disk.
        if file.len() > 4_096 {
            black_box(&file);
            file.clear();
        }
    }))
}

pub(super) fn record_talk() -> Option<Operation> {
    record(true, false)
}

pub(super) fn record_both() -> Option<Operation> {
    record(true, true)
}

pub(super) fn record_pause() -> Option<Operation> {
    record(false, false)
}
