//! Faster and slower: lengths, pitch, and that nothing clicks.

use crate::{Random, rms, sine, voice};
use audio::Stretcher;

const FRAME: usize = 160;

/// The sound with every `nth` frame shortened, or lengthened.
fn play(sound: &[i16], rate: u32, frame: usize, nth: usize, shorter: bool) -> Vec<i16> {
    let mut stretcher = Stretcher::new(rate);
    let mut out = Vec::new();
    for (number, frame) in sound.chunks_exact(frame).enumerate() {
        let (mut room, mut same) = (vec![0; frame.len() * 2], frame.to_vec());
        if number % nth != nth - 1 {
            stretcher.keep(frame);
            out.extend(frame);
        } else if shorter {
            let left = stretcher.shorten(&mut same);
            out.extend(&same[..left]);
        } else {
            let written = stretcher.lengthen(frame, &mut room);
            out.extend(&room[..written]);
        }
    }
    out
}

fn step(samples: &[i16]) -> i32 {
    let steps = samples
        .windows(2)
        .map(|w| (i32::from(w[1]) - i32::from(w[0])).abs());
    steps.max().unwrap()
}

fn crossings(samples: &[i16]) -> usize {
    samples.windows(2).filter(|w| (w[0] < 0) != (w[1] < 0)).count()
}

#[test]
fn a_tone_keeps_its_pitch_and_does_not_click() {
    for (rate, frame) in [(8000, 160), (16_000, 320), (8000, 240), (48_000, 960)] {
        for hertz in [100.0, 210.0, 395.0] {
            let tone = sine(hertz, 8000.0, rate, rate as usize);
            for shorter in [true, false] {
                let out = play(&tone, rate, frame, 3, shorter);
                let case = format!("{hertz} Hz at {rate}, shorter: {shorter}");
                let change = (out.len() as f64 / tone.len() as f64 - 1.0).abs();
                assert!((0.01..0.4).contains(&change), "{case}: {change}");
                assert_eq!(out.len() < tone.len(), shorter, "{case}");
                let pitch = crossings(&out) as f64 / out.len() as f64 * f64::from(rate) / 2.0;
                assert!((pitch - hertz).abs() < hertz * 0.03, "{case}: {pitch}");
                assert!(
                    step(&out) <= step(&tone) * 11 / 10,
                    "{case}: {} {}",
                    step(&out),
                    step(&tone)
                );
                assert!((rms(&out) / rms(&tone) - 1.0).abs() < 0.05, "{case}");
            }
        }
    }
}

#[test]
fn speech_is_stretched_in_its_voiced_parts_and_pauses() {
    let speech = voice(1, 8000, 20.0);
    let (fast, slow) = (
        play(&speech, 8000, FRAME, 2, true),
        play(&speech, 8000, FRAME, 2, false),
    );
    println!(
        "{} samples, {} faster, {} slower",
        speech.len(),
        fast.len(),
        slow.len()
    );
    assert!(fast.len() * 100 < speech.len() * 95);
    assert!(slow.len() * 100 > speech.len() * 105);
    assert!(step(&fast) <= step(&speech) * 3 / 2 && step(&slow) <= step(&speech) * 3 / 2);
}

#[test]
fn loud_noise_is_left_as_it_is_and_silence_is_cut() {
    let mut random = Random(2);
    let noise: Vec<i16> = (0..FRAME * 50)
        .map(|_| (4000.0 * random.normal()) as i16)
        .collect();
    assert_eq!(play(&noise, 8000, FRAME, 1, true), noise);
    assert_eq!(play(&noise, 8000, FRAME, 1, false), noise);
    assert!(play(&[0; FRAME * 10], 8000, FRAME, 1, true).len() < FRAME * 9);
}

#[test]
fn no_frame_and_no_room_breaks_it() {
    let mut random = Random(3);
    for rate in [0, 8000, 48_000, u32::MAX] {
        let mut stretcher = Stretcher::new(rate);
        for _ in 0..300 {
            let mut frame = vec![0; (random.next() % 3000) as usize];
            let loud = random.next().is_multiple_of(2);
            frame.fill_with(|| if loud { random.next() as i16 } else { 0 });
            let mut room = vec![0; (random.next() % 4000) as usize];
            assert!(stretcher.lengthen(&frame, &mut room) <= room.len());
            assert!(stretcher.shorten(&mut frame) <= frame.len());
        }
    }
}
