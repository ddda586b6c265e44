//! A file that somebody uploads, made into sound and into what is kept; and the same octets as samples through everything that
//! changes sound. Shared by the fuzz target and the tests of `audio`.
//!
//! What must hold: nothing panics; what is kept can be read and is as long as it says; nothing is written beyond its room;
//! each rate gives as much sound as the other; a sum stays within its scale.

use audio::mix::{Band, Mixer};
use audio::resample::{RATES_HZ, Resampler};
use audio::sound::{MAX_SECONDS, decode, normalise};
use audio::{Concealer, Stretcher};

/// One input: a file, whose first octets also say what is done with its samples.
pub(crate) fn run(data: &[u8]) {
    file(data);
    let Some(([from, to, slice, ..], _)) = data.split_first_chunk::<4>() else {
        return;
    };
    let samples: Vec<i16> = data
        .chunks_exact(2)
        .map(|s| i16::from_le_bytes([s[0], s[1]]))
        .collect();
    let rate = |octet: &u8| RATES_HZ[usize::from(*octet) % RATES_HZ.len()];
    let slice = 1 + usize::from(*slice);
    resample(&samples, slice, (rate(from), rate(to)));
    conceal(&samples, slice, rate(from));
    stretch(&samples, slice, rate(to));
    mix(&samples, slice);
}

fn file(data: &[u8]) {
    let decoded = decode(data, 8_000);
    if let Ok(samples) = &decoded {
        assert!(!samples.is_empty() && samples.len() <= (MAX_SECONDS as usize + 1) * 8_000);
    }
    let Ok(normal) = normalise(data) else { return };
    assert!(decoded.is_ok());
    let again = decode(&normal.file, 8_000).expect("what is kept can be read");
    let ms = again.len() as u64 / 8;
    assert!(ms.abs_diff(u64::from(normal.ms)) <= 1, "{ms} of {} ms", normal.ms);
    assert!(normalise(&normal.file).is_ok_and(|twice| twice.ms.abs_diff(normal.ms) <= 1));
}

fn resample(samples: &[i16], slice: usize, (from_hz, to_hz): (u32, u32)) {
    let Ok(mut resampler) = Resampler::new(from_hz, to_hz) else {
        return;
    };
    let mut written = 0;
    for piece in samples.chunks(slice) {
        let mut room = vec![0; resampler.most(piece.len())];
        let count = resampler.process(piece, &mut room);
        assert!(count <= room.len());
        written += count as u64;
    }
    let wanted = samples.len() as u64 * u64::from(to_hz) / u64::from(from_hz);
    assert!(written.abs_diff(wanted) <= 2, "{written} of {wanted} samples");
}

/// Each frame's first octet says whether it is lost.
fn conceal(samples: &[i16], slice: usize, rate_hz: u32) {
    let mut concealer = Concealer::new(rate_hz);
    let mut lost = 0;
    for piece in samples.chunks(slice) {
        let mut frame = piece.to_vec();
        if piece[0] & 3 == 1 {
            concealer.lost(&mut frame);
            lost += frame.len();
        } else {
            concealer.received(&mut frame);
            lost = 0;
        }
        let faded = rate_hz as usize / 1_000 * 60;
        assert_eq!(concealer.is_silent(), lost >= faded);
    }
    let mut frame = vec![1; rate_hz as usize / 10];
    concealer.lost(&mut frame);
    assert_eq!(frame.last(), Some(&0), "a loss ends in silence");
}

fn stretch(samples: &[i16], slice: usize, rate_hz: u32) {
    let mut stretcher = Stretcher::new(rate_hz);
    for piece in samples.chunks(slice) {
        let mut frame = piece.to_vec();
        match piece[0] & 3 {
            0 => assert!(stretcher.shorten(&mut frame) <= piece.len()),
            1 => {
                let mut room = vec![0; piece.len() * 2];
                let count = stretcher.lengthen(piece, &mut room);
                assert!((piece.len()..=room.len()).contains(&count));
            }
            _ => stretcher.keep(piece),
        }
    }
}

/// A room of some who come and go, each in one of two bands.
fn mix(samples: &[i16], slice: usize) {
    let mut mixer = Mixer::new(2);
    let mut seats = Vec::new();
    for piece in samples.chunks(slice) {
        match piece[0] & 7 {
            0 if seats.len() < 8 => {
                let band = [Band::Narrow, Band::Wide][seats.len() % 2];
                seats.extend(mixer.join(band).map(|seat| (seat, band)));
            }
            1 => {
                if let Some((seat, _)) = seats.pop() {
                    mixer.leave(seat);
                }
            }
            2 => mixer.announce(Band::Narrow, piece),
            3 => mixer.put_other(Band::Wide, piece),
            _ => {}
        }
        for (at, (seat, _)) in seats.iter().enumerate() {
            if piece[0] >> at & 1 == 1 {
                mixer.put(*seat, piece);
            }
        }
        mixer.mix();
        let mut speakers = 0;
        for (seat, band) in &seats {
            let mut frame = vec![0; band.frame()];
            mixer.heard_by(*seat, &mut frame);
            assert_eq!(mixer.common(*band).len(), frame.len());
            speakers += usize::from(mixer.speaks(*seat));
        }
        assert!(speakers <= 2, "{speakers} of two speak");
        let is_there = |loudest| seats.iter().any(|(seat, _)| *seat == loudest);
        assert!(mixer.loudest().is_none_or(is_there));
    }
}
