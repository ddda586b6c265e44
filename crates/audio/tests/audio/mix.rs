//! Conferences: who is heard, by whom, how loud, and that nothing clicks.

use crate::{Random, sine};
use audio::mix::{Band, Hears, MAX_MEMBERS, Mixer, Seat};

const FRAME: usize = 160;

fn conference(members: usize, speakers: usize) -> (Mixer, Vec<Seat>) {
    let mut mixer = Mixer::new(speakers);
    let seats = (0..members).map(|_| mixer.join(Band::Narrow).unwrap()).collect();
    (mixer, seats)
}

/// A frame: each says what is given, then all are mixed.
fn tick(mixer: &mut Mixer, said: &[(Seat, &[i16])]) {
    for (seat, frame) in said {
        mixer.put(*seat, frame);
    }
    mixer.mix();
}

fn hears(mixer: &Mixer, seat: Seat) -> Vec<i16> {
    let mut frame = vec![0; FRAME];
    match mixer.heard_by(seat, &mut frame) {
        Hears::Common => mixer.common(Band::Narrow).to_vec(),
        Hears::Own => frame,
    }
}

#[test]
fn everybody_hears_the_others_and_nobody_himself() {
    let (mut mixer, seats) = conference(4, 3);
    let tones: Vec<Vec<i16>> = [300.0, 500.0, 700.0]
        .iter()
        .map(|hz| sine(*hz, 3000.0, 8000, FRAME))
        .collect();
    let said: Vec<(Seat, &[i16])> = seats
        .iter()
        .copied()
        .zip(tones.iter().map(Vec::as_slice))
        .collect();
    // The first frame fades in.
    tick(&mut mixer, &said);
    tick(&mut mixer, &said);
    for (n, seat) in seats.iter().enumerate() {
        let others = |at: usize| (0..3).filter(|m| *m != n).map(|m| tones[m][at]).sum::<i16>();
        let wanted: Vec<i16> = (0..FRAME).map(others).collect();
        assert_eq!(hears(&mixer, *seat), wanted, "member {n}");
    }
    assert_eq!(mixer.heard_by(seats[3], &mut [0; FRAME]), Hears::Common);
}

#[test]
fn the_loudest_are_heard_and_who_speaks_keeps_the_floor() {
    let (mut mixer, seats) = conference(3, 1);
    let level = |peak: f64| sine(400.0, peak, 8000, FRAME);
    let (loud, little_louder, much_louder) = (level(3000.0), level(4000.0), level(7000.0));
    for _ in 0..5 {
        tick(&mut mixer, &[(seats[0], &loud)]);
    }
    assert!(mixer.speaks(seats[0]));
    for _ in 0..50 {
        tick(&mut mixer, &[(seats[0], &loud), (seats[1], &little_louder)]);
        assert!(
            mixer.speaks(seats[0]) && !mixer.speaks(seats[1]),
            "2.5 dB do not take the floor"
        );
    }
    tick(&mut mixer, &[(seats[0], &loud), (seats[1], &much_louder)]);
    assert!(!mixer.speaks(seats[0]) && mixer.speaks(seats[1]), "7 dB do");
    // A pause of 200 ms keeps the floor against somebody quieter.
    for _ in 0..10 {
        tick(&mut mixer, &[(seats[0], &loud), (seats[1], &[0; FRAME])]);
        assert!(mixer.speaks(seats[1]));
    }
    for _ in 0..40 {
        tick(&mut mixer, &[(seats[0], &loud), (seats[1], &[0; FRAME])]);
    }
    assert!(mixer.speaks(seats[0]), "and 1 s loses it");
}

#[test]
fn silence_and_noise_take_no_seat_and_absence_gives_it_up() {
    let (mut mixer, seats) = conference(3, 3);
    let mut random = Random(1);
    let noise: Vec<i16> = (0..FRAME).map(|_| (20.0 * random.normal()) as i16).collect();
    let loud = sine(400.0, 3000.0, 8000, FRAME);
    tick(&mut mixer, &[(seats[0], &noise), (seats[1], &loud)]);
    assert!(!mixer.speaks(seats[0]) && mixer.speaks(seats[1]) && !mixer.speaks(seats[2]));
    for _ in 0..150 {
        mixer.mix();
    }
    assert!(!mixer.speaks(seats[1]));
    assert!(mixer.common(Band::Narrow).iter().all(|s| *s == 0));
}

#[test]
fn coming_and_going_does_not_click() {
    let (mut mixer, seats) = conference(2, 1);
    let tone = sine(200.0, 8000.0, 8000, FRAME * 8);
    let louder = sine(200.0, 20_000.0, 8000, FRAME * 8);
    let mut heard = Vec::new();
    for n in 0..8 {
        let at = n * FRAME..(n + 1) * FRAME;
        let second: &[i16] = if n >= 4 { &louder[at.clone()] } else { &[] };
        tick(&mut mixer, &[(seats[0], &tone[at]), (seats[1], second)]);
        heard.extend_from_slice(mixer.common(Band::Narrow));
    }
    let step = |s: &[i16]| {
        s.windows(2)
            .map(|w| (i32::from(w[1]) - i32::from(w[0])).abs())
            .max()
            .unwrap()
    };
    assert!(step(&heard) <= step(&louder) * 5 / 4, "{}", step(&heard));
}

#[test]
fn a_sum_that_is_too_loud_is_bent_and_never_wraps() {
    let (mut mixer, seats) = conference(8, 8);
    for peak in [1000_i16, 2900, 4000, 10_000, 32_767, -32_768] {
        let frame = [peak; FRAME];
        let said: Vec<(Seat, &[i16])> = seats.iter().map(|s| (*s, &frame[..])).collect();
        for _ in 0..3 {
            tick(&mut mixer, &said);
        }
        let sum = i32::from(peak) * 8;
        let got = i32::from(mixer.common(Band::Narrow)[FRAME - 1]);
        if sum.abs() <= 24_000 {
            assert_eq!(got, sum);
        } else {
            assert!(
                got.signum() == sum.signum() && got.abs() > 23_999 && got.abs() < sum.abs(),
                "{peak}: {got}"
            );
        }
        // More is louder.
        let own = i32::from(hears(&mixer, seats[0])[FRAME - 1]);
        assert!(own.abs() <= got.abs());
    }
}

#[test]
fn seats_are_bounded_and_used_again() {
    let (mut mixer, seats) = conference(MAX_MEMBERS, 4);
    assert_eq!(mixer.join(Band::Narrow), None);
    mixer.leave(seats[7]);
    assert_eq!(hears(&mixer, seats[7]), vec![0; FRAME]);
    mixer.put(seats[7], &[1; FRAME]);
    assert_eq!(mixer.join(Band::Narrow), Some(seats[7]));
    assert!(!mixer.speaks(seats[7]));
    // Frames that are too short or too long.
    let loud = vec![9000; FRAME * 2];
    tick(&mut mixer, &[(seats[0], &loud), (seats[1], &loud[..10])]);
    tick(&mut mixer, &[(seats[0], &loud), (seats[1], &loud[..10])]);
    assert_eq!(mixer.common(Band::Narrow)[9], 18_000);
    assert_eq!(mixer.common(Band::Narrow)[10], 9000);
}

/// A sine at any of the two rates.
fn tone(hz: f64, band: Band, frames: usize) -> Vec<i16> {
    sine(hz, 4000.0, band.rate_hz(), band.frame() * frames)
}

/// How much of what was heard is that sine, 0 to 1.
fn share(heard: &[i16], hz: f64, rate_hz: u32) -> f64 {
    let (mut re, mut im, mut all) = (0.0, 0.0, 1.0);
    for (at, sample) in heard.iter().enumerate() {
        let angle = std::f64::consts::TAU * hz * at as f64 / f64::from(rate_hz);
        let sample = f64::from(*sample);
        re += sample * angle.cos();
        im += sample * angle.sin();
        all += sample * sample;
    }
    2.0 * (re * re + im * im) / (heard.len() as f64 * all)
}

#[test]
fn both_bands_hear_each_other_and_nobody_himself() {
    let mut mixer = Mixer::new(4);
    let bands = [Band::Narrow, Band::Narrow, Band::Wide, Band::Wide];
    let seats: Vec<Seat> = bands.iter().map(|band| mixer.join(*band).unwrap()).collect();
    let pitches = [500.0, 700.0, 1100.0, 1700.0];
    let frames = 50;
    let tones: Vec<Vec<i16>> = (0..4).map(|n| tone(pitches[n], bands[n], frames)).collect();
    let mut heard = [const { Vec::new() }; 4];
    for at in 0..frames {
        for n in 0..4 {
            let size = bands[n].frame();
            mixer.put(seats[n], &tones[n][at * size..(at + 1) * size]);
        }
        mixer.mix();
        for n in 0..4 {
            let mut frame = vec![0; bands[n].frame()];
            if mixer.heard_by(seats[n], &mut frame) == Hears::Common {
                frame.copy_from_slice(mixer.common(bands[n]));
            }
            heard[n].extend(frame);
        }
    }
    for n in 0..4 {
        let part = &heard[n][bands[n].frame() * 5..];
        for (m, hz) in pitches.iter().enumerate() {
            let found = share(part, *hz, bands[n].rate_hz());
            match n == m {
                true => assert!(found < 0.001, "{n} hears himself: {found}"),
                false => assert!((found - 1.0 / 3.0).abs() < 0.02, "{n} hears {m}: {found}"),
            }
        }
    }
}

#[test]
fn mixers_of_one_conference_tell_each_other_what_they_say_themselves() {
    let (mut here, seats) = conference(2, 2);
    let frame = [1000_i16; FRAME];
    here.put_other(Band::Narrow, &[300; FRAME]);
    here.mix();
    assert_eq!(here.local(Band::Narrow), None, "what others said is theirs");
    for _ in 0..2 {
        here.put_other(Band::Narrow, &[300; FRAME]);
        here.announce(Band::Narrow, &[50; FRAME]);
        tick(&mut here, &[(seats[0], &frame)]);
    }
    assert_eq!(here.local(Band::Narrow), Some(&[1050; FRAME][..]));
    assert_eq!(here.local(Band::Wide), None);
    assert_eq!(hears(&here, seats[0]), [350; FRAME]);
    assert_eq!(hears(&here, seats[1]), [1350; FRAME]);
    assert_eq!(here.loudest(), Some(seats[0]));
    here.mix();
    assert_eq!(hears(&here, seats[0])[FRAME - 1], 0, "a frame is heard once");
}
