//! Recordings: each party on its own lane, pauses that cost nothing, and files that were cut.

use crate::{Random, rms, sine, voice};
use audio::celt::Error;
use audio::lanes::Lanes;
use audio::ogg::{Head, Mender, Reader, Tags, Writer, split};
use audio::opus::Decoder;
use audio::sound;

/// Records frames of 20 ms and gives the file.
fn record(rate: u32, left: &[i16], right: Option<&[i16]>) -> Vec<u8> {
    let mut lanes = Lanes::new(right.is_some(), rate).unwrap();
    let head = match right {
        Some(_) => Head::apart(rate, lanes.delay()),
        None => Head::new(1, rate, lanes.delay()),
    };
    let mut file = Vec::new();
    let mut writer = Writer::begin(&head, &Tags::default(), 1, &mut file);
    let frame = rate as usize / 50;
    for (at, left) in left.chunks_exact(frame).enumerate() {
        let right = right.map(|right| &right[at * frame..(at + 1) * frame]);
        let packet = lanes.encode([Some(left), right]).unwrap();
        writer.packet(packet, &mut file).unwrap();
    }
    writer.finish(0, &mut file);
    file
}

/// Both lanes of a file of two.
fn lanes_of(file: &[u8], rate: u32) -> [Vec<i16>; 2] {
    let mut reader = Reader::open(file).unwrap();
    assert!(reader.head().is_apart);
    let mut decoders = [Decoder::new(rate).unwrap(), Decoder::new(rate).unwrap()];
    let mut lanes = [Vec::new(), Vec::new()];
    let (mut left, mut frame) = (Vec::new(), vec![0; decoders[0].most()]);
    while let Some(packet) = reader.next_packet() {
        let right = split(packet.octets, &mut left).unwrap();
        for (index, part) in [left.as_slice(), right].into_iter().enumerate() {
            let count = decoders[index].decode(part, &mut frame).unwrap();
            lanes[index].extend_from_slice(&frame[..count]);
        }
    }
    let skip = usize::from(reader.head().pre_skip) * rate as usize / 48_000;
    lanes.map(|lane| lane[skip..].to_vec())
}

/// Amplitude of one frequency.
fn at(samples: &[i16], hertz: f64, rate: u32) -> f64 {
    let turn = std::f64::consts::TAU * hertz / f64::from(rate);
    let (re, im) = samples.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, s)| {
        let (sin, cos) = (turn * n as f64).sin_cos();
        (re + f64::from(*s) * cos, im + f64::from(*s) * sin)
    });
    2.0 * f64::hypot(re, im) / samples.len() as f64
}

#[test]
fn each_party_is_on_its_own_lane_alone() {
    for rate in [8000, 16_000] {
        let samples = rate as usize * 4;
        let left = sine(1000.0, 8000.0, rate, samples);
        let right = sine(440.0, 8000.0, rate, samples);
        let lanes = lanes_of(&record(rate, &left, Some(&right)), rate);
        let second = |lane: &[i16]| lane[rate as usize..2 * rate as usize].to_vec();
        for (lane, own, other) in [(&lanes[0], 1000.0, 440.0), (&lanes[1], 440.0, 1000.0)] {
            let lane = second(lane);
            let level = at(&lane, own, rate);
            assert!((6000.0..10_000.0).contains(&level), "{rate}: {own} Hz at {level}");
            assert!(
                at(&lane, other, rate) < 30.0,
                "{rate}: {other} Hz in the lane of {own}"
            );
        }
    }
}

#[test]
fn a_party_that_is_silent_costs_an_octet_or_two() {
    let rate = 8000;
    let silence = vec![0; 60 * 8000];
    let talk = voice(5, rate, 60.0);
    let [none, one, two] = [
        record(rate, &silence, Some(&silence)),
        record(rate, &talk, Some(&silence)),
        record(rate, &talk, Some(&talk)),
    ]
    .map(|file| file.len());
    // 50 packets of three octets and as many lengths, and two pages.
    assert!(none < 60 * 270, "{none}");
    assert!(one < 60 * 2_300 && two < 2 * one, "{one}, {two}");
}

#[test]
fn speech_is_where_it_was_also_behind_pauses() {
    let rate = 8000;
    let mut random = Random(9);
    let talk = voice(7, rate, 30.0);
    // Three seconds of each, and a line that is never quite silent.
    let turn = |n: usize| (n / (3 * 8000)).is_multiple_of(2);
    let mut lane = |own: bool| -> Vec<i16> {
        let noise = talk
            .iter()
            .map(|_| (random.normal() * 6.0) as i16)
            .collect::<Vec<i16>>();
        let say = |(n, s): (usize, &i16)| if turn(n) == own { *s } else { 0 };
        let said = talk.iter().enumerate().map(say);
        said.zip(noise).map(|(s, n)| s.saturating_add(n)).collect()
    };
    let (left, right) = (lane(true), lane(false));
    let lanes = lanes_of(&record(rate, &left, Some(&right)), rate);
    for (wanted, got) in [(&left, &lanes[0]), (&right, &lanes[1])] {
        // By tenths of a second: what was loud is as loud, what was silent is silent. A coder smears over its frames.
        let levels = |lane: &[i16]| lane.chunks(800).map(rms).collect::<Vec<f64>>();
        let (wanted, got) = (levels(wanted), levels(got));
        for at in 1..wanted.len() - 1 {
            let near = &wanted[at - 1..=at + 1];
            let loudest = near.iter().copied().fold(0.0, f64::max);
            let least = near.iter().copied().fold(f64::MAX, f64::min);
            assert!(got[at] < 1.5 * loudest + 60.0, "at {at}: {} of {near:?}", got[at]);
            assert!(got[at] > 0.5 * least - 20.0, "at {at}: {} of {near:?}", got[at]);
        }
    }
}

#[test]
fn a_recording_of_both_is_played_with_both() {
    let rate = 8000;
    let (left, right) = (
        sine(1000.0, 8000.0, rate, 16_000),
        sine(440.0, 8000.0, rate, 16_000),
    );
    let played = sound::decode(&record(rate, &left, Some(&right)), rate).unwrap();
    let second = &played[4000..12_000];
    assert!(at(second, 1000.0, rate) > 6000.0 && at(second, 440.0, rate) > 6000.0);
    let mono = sound::decode(&record(rate, &left, None), 16_000).unwrap();
    assert!(at(&mono[8000..24_000], 1000.0, 16_000) > 6000.0);
}

#[test]
fn a_file_that_was_cut_anywhere_gets_an_end() {
    let file = record(8000, &voice(3, 8000, 5.0), Some(&voice(4, 8000, 5.0)));
    let headers = 60;
    let mut longest = 0;
    for length in (headers..file.len()).step_by(7) {
        let mut end = Vec::new();
        let Some((whole, samples)) = mend(&file[..length], 4_096, &mut end) else {
            assert!(length < 200);
            continue;
        };
        let mended = [&file[..whole], &end].concat();
        let mut reader = Reader::open(&mended).unwrap();
        while reader.next_packet().is_some() {}
        assert!(reader.has_ended() && reader.damaged() == 0);
        assert!(samples >= longest, "{length}");
        longest = samples;
    }
    // All but the page that was cut: half a second at most.
    assert!(longest >= 48_000 * 45 / 10 - 960, "{longest}");
    let mut end = Vec::new();
    let (whole, samples) = mend(&file, 4_096, &mut end).unwrap();
    assert_eq!((whole, end.len()), (file.len(), 0));
    assert!(samples.abs_diff(48_000 * 5) < 960);
}

/// Octets that stay, and the length; the file comes in blocks of this size.
fn mend(file: &[u8], block: usize, end: &mut Vec<u8>) -> Option<(usize, u64)> {
    let mut mender = Mender::default();
    file.chunks(block).for_each(|octets| mender.push(octets));
    let (whole, samples) = mender.finish(end)?;
    Some((whole as usize, samples))
}

#[test]
fn a_damaged_file_is_mended_alike_whatever_its_blocks_are() {
    let file = record(8000, &voice(3, 8000, 5.0), None);
    let mut damaged = file[..file.len() - 40].to_vec();
    damaged[1_000..1_800].fill(0);
    let mut expected = Vec::new();
    let whole = mend(&damaged, usize::MAX, &mut expected);
    assert!(whole.unwrap().1 > 48_000 * 4, "what follows the damage stays");
    for block in [1, 3, 27, 500, 65_536] {
        let mut end = Vec::new();
        assert_eq!(mend(&damaged, block, &mut end), whole, "{block}");
        assert_eq!(end, expected);
    }
    // Zeros behind the end, as a power cut may leave them, are cut off.
    let zeros = [&damaged[..], &vec![0; 300_000]].concat();
    assert_eq!(mend(&zeros, 65_536, &mut Vec::new()), whole);
    for nothing in [&b"OggS"[..], b"", b"RIFF", &file[..60], &[0; 70_000]] {
        assert_eq!(mend(nothing, 1_000, &mut Vec::new()), None);
    }
}

#[test]
fn other_frames_and_rates_are_refused() {
    assert_eq!(Lanes::new(true, 48_000).err(), Some(Error::Settings));
    let mut lanes = Lanes::new(true, 8000).unwrap();
    assert_eq!(lanes.encode([Some(&[0; 80]), None]).err(), Some(Error::Frame));
    assert!(lanes.encode([None, None]).is_ok());
    let mut left = Vec::new();
    for packet in [
        &[][..],
        &[0x98],
        &[0x98, 3, 1, 2],
        &[0x99, 0, 0x98],
        &[0x98, 255],
        &[0x98, 0],
    ] {
        assert!(split(packet, &mut left).is_none(), "{packet:?}");
    }
}
