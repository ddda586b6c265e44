//! Calls that are recorded: who is on which lane, pauses, marks, ends, and a disk that fails.

use crate::phone::{Call, ID, TICK, share, voice};
use audio::ogg::{Reader, split};
use audio::opus::Decoder;
use audio::wav::Wav;
use media::{Mended, OggMender, Spool, mend_wav};
use model::{
    CdrId, Codec, Container, MediaCommand, MediaReport, Recording, RecordingEnd, RecordingId, TenantId,
};
use std::time::Duration;

const RECORDING: RecordingId = RecordingId {
    tenant: TenantId(7),
    number: 0xA5A5,
};

fn start(format: Container) -> Recording {
    Recording::Start {
        format,
        max_ms: 0,
        silence_ms: 0,
        call: Some(CdrId([3; 16])),
    }
}

impl Call {
    fn record(&mut self, act: Recording) {
        self.world.command(MediaCommand::Record {
            session: ID,
            recording: RECORDING,
            act,
        });
    }

    /// Whatever was written so far, in order.
    fn file(&self) -> Vec<u8> {
        let mut file = Vec::new();
        for spool in &self.world.spools {
            match spool {
                Spool::Block { octets, .. } => file.extend_from_slice(octets),
                Spool::End { head, .. } => file[..head.len()].copy_from_slice(head),
                Spool::Begin { .. } | Spool::Mark { .. } | Spool::Discard { .. } => {}
            }
        }
        file
    }

    fn recorded(&self) -> Vec<(u64, RecordingEnd)> {
        let of = |report: &MediaReport| match report {
            MediaReport::Recorded { ms, end, .. } => Some((*ms, *end)),
            _ => None,
        };
        self.world.reports.iter().filter_map(of).collect()
    }
}

/// The lanes of a file.
fn lanes(file: &[u8], rate_hz: u32) -> [Vec<i16>; 2] {
    let mut reader = Reader::open(file).unwrap();
    let mut decoders = [Decoder::new(rate_hz).unwrap(), Decoder::new(rate_hz).unwrap()];
    let mut lanes = [Vec::new(), Vec::new()];
    let (mut left, mut frame) = (Vec::new(), vec![0; decoders[0].most()]);
    while let Some(packet) = reader.next_packet() {
        let right = split(packet.octets, &mut left).unwrap();
        for (index, part) in [left.as_slice(), right].into_iter().enumerate() {
            let count = decoders[index].decode(part, &mut frame).unwrap();
            lanes[index].extend_from_slice(&frame[..count]);
        }
    }
    lanes
}

#[test]
fn each_party_is_on_its_own_lane_whatever_they_speak() {
    for (caller, callee, rate_hz) in [
        (Codec::Pcmu, Codec::Pcmu, 8_000),
        (Codec::Pcma, Codec::Opus, 8_000),
        (Codec::G722, Codec::Opus, 16_000),
    ] {
        let mut call = Call::new(voice(caller), voice(callee));
        call.record(start(Container::OggOpus));
        call.talk(150);
        call.record(Recording::Stop);
        assert_eq!(call.recorded(), [(3_000, RecordingEnd::Stopped)]);
        let file = call.file();
        let [left, right] = lanes(&file, rate_hz);
        assert_eq!(left.len(), right.len());
        let middle = left.len() / 2..left.len() - 1_000;
        let (left, right) = (&left[middle.clone()], &right[middle]);
        // The caller says 440 Hz, the callee 1,000.
        assert!(share(left, 440.0, rate_hz) > 0.95 && share(left, 1000.0, rate_hz) < 0.001);
        assert!(share(right, 1000.0, rate_hz) > 0.95 && share(right, 440.0, rate_hz) < 0.001);
        assert!(mend_ogg(&file).unwrap().ms > 2_900);
        // Both heard each other all the while.
        assert!(call.caller.share(1000.0, 500) > 0.9 && call.callee.share(440.0, 500) > 0.9);
    }
}

#[test]
fn packets_of_legs_with_one_codec_are_passed_on_as_they_are() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcmu));
    call.talk(50);
    let ssrc = call.callee.headers.last().unwrap().ssrc;
    call.record(start(Container::OggOpus));
    let (forwarded, heard) = (call.world.relay.counts().forwarded, call.callee.headers.len());
    call.talk(100);
    assert_eq!(call.world.relay.counts().forwarded, forwarded + 200);
    let headers = &call.callee.headers[heard..];
    assert_eq!(headers.len(), 100);
    assert!(headers.iter().all(|header| header.ssrc == ssrc));
}

fn mend_ogg(file: &[u8]) -> Option<Mended> {
    let mut mender = OggMender::default();
    file.chunks(1_000).for_each(|octets| mender.push(octets));
    mender.finish()
}

#[test]
fn blocks_leave_at_least_once_a_second_and_a_cut_file_is_readable() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcmu));
    call.record(start(Container::OggOpus));
    for second in 1..=10 {
        call.talk(50);
        let mended = mend_ogg(&call.file()).map_or(0, |mended| mended.ms);
        assert!(mended + 700 >= second * 1_000, "{mended} ms after {second} s");
    }
    let file = call.file();
    let cut = &file[..file.len() - 11];
    let mended = mend_ogg(cut).unwrap();
    let whole = [&cut[..mended.keep as usize], &mended.tail].concat();
    let mut reader = Reader::open(&whole).unwrap();
    while reader.next_packet().is_some() {}
    assert!(reader.has_ended() && reader.damaged() == 0 && mended.ms >= 8_500);
    assert_eq!(mend_ogg(&file[..40]), None);
}

#[test]
fn a_wav_recording_has_two_channels_and_its_length() {
    let mut call = Call::new(voice(Codec::Opus), voice(Codec::Pcma));
    call.record(start(Container::Wav));
    // Four blocks, and what may wait before it is written.
    call.talk(110);
    let cut = call.file();
    call.record(Recording::Stop);
    let file = call.file();
    let wav = Wav::parse(&file).unwrap();
    assert_eq!(
        (wav.format.channels, wav.format.rate_hz, wav.len()),
        (2, 8_000, 17_600)
    );
    let channel = |n: usize| -> Vec<i16> {
        let samples = file[44..]
            .chunks_exact(4)
            .map(|f| i16::from_le_bytes([f[2 * n], f[2 * n + 1]]));
        samples.skip(8_000).collect()
    };
    assert!(share(&channel(0), 440.0, 8_000) > 0.95 && share(&channel(1), 1000.0, 8_000) > 0.95);
    // One that was cut in the middle of a sample.
    let mended = mend_wav(cut.len() as u64 - 3, 2).unwrap();
    assert_eq!((mended.keep, mended.ms), (cut.len() as u64 - 4, 1_999));
    assert_eq!(mended.head.len(), 44);
    assert_eq!(mend_wav(44, 2), None);
}

#[test]
fn time_does_not_run_in_a_pause_and_marks_are_kept() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcmu));
    call.record(start(Container::OggOpus));
    call.talk(50);
    call.record(Recording::Mark("card\nnumber".into()));
    call.record(Recording::Pause);
    call.talk(100);
    call.record(start(Container::OggOpus));
    call.talk(50);
    call.record(Recording::Mark("ä".repeat(100).into()));
    call.record(Recording::Stop);
    assert_eq!(call.recorded(), [(2_000, RecordingEnd::Stopped)]);
    let marks: Vec<(u64, &str)> = call
        .world
        .spools
        .iter()
        .filter_map(|spool| match spool {
            Spool::Mark { at_ms, name, .. } => Some((*at_ms, &**name)),
            _ => None,
        })
        .collect();
    assert_eq!(marks, [(1_000, "cardnumber"), (2_000, &*"ä".repeat(64))]);
    let begins = call
        .world
        .spools
        .iter()
        .filter(|spool| matches!(spool, Spool::Begin { .. }));
    assert_eq!(begins.count(), 1);
}

#[test]
fn it_ends_by_itself_where_it_is_to() {
    let limits = |max_ms, silence_ms| Recording::Start {
        format: Container::OggOpus,
        max_ms,
        silence_ms,
        call: None,
    };
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcmu));
    call.record(limits(700, 0));
    call.talk(100);
    assert_eq!(call.recorded(), [(700, RecordingEnd::Longest)]);
    call.record(limits(0, 2_000));
    call.talk(50);
    for _ in 0..200 {
        call.pass(TICK);
    }
    let recorded = call.recorded();
    let (ms, end) = recorded[1];
    assert_eq!(end, RecordingEnd::Silence);
    assert!((3_000..3_700).contains(&ms), "{ms}");
    // Nothing needs the samples any more: the packets are relayed as they are.
    call.talk(50);
    let forwarded = call.world.relay.counts().forwarded;
    call.talk(50);
    assert_eq!(call.world.relay.counts().forwarded, forwarded + 100);
}

#[test]
fn a_disk_that_fails_ends_the_recording_and_not_the_call() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Opus));
    call.record(start(Container::OggOpus));
    call.talk(50);
    let now = call.world.now;
    call.world.relay.spool_failed(ID, RECORDING, now);
    call.world.relay.spool_failed(ID, RECORDING, now);
    call.world.drain();
    let before = call.world.spools.len();
    call.talk(100);
    assert_eq!(call.recorded(), [(1_000, RecordingEnd::Failed)]);
    assert_eq!(call.world.spools.len(), before);
    assert!(call.caller.share(1000.0, 500) > 0.9);
}

#[test]
fn a_session_that_ends_ends_its_recordings_and_they_are_few() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcmu));
    for number in 0..6 {
        call.world.command(MediaCommand::Record {
            session: ID,
            recording: RecordingId { number, ..RECORDING },
            act: start(Container::OggOpus),
        });
    }
    assert_eq!(call.recorded(), [(0, RecordingEnd::Failed); 2]);
    call.talk(30);
    call.record(Recording::Stop);
    call.world.close(1);
    assert_eq!(call.recorded()[2..], [(600, RecordingEnd::Stopped); 4]);
    let ends = call
        .world
        .spools
        .iter()
        .filter(|spool| matches!(spool, Spool::End { .. }));
    assert_eq!(ends.count(), 4);
}

#[test]
fn what_is_discarded_was_never_there() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcmu));
    call.record(start(Container::OggOpus));
    call.talk(30);
    call.record(Recording::Discard);
    call.record(Recording::Discard);
    assert_eq!(call.recorded(), [(0, RecordingEnd::Stopped)]);
    assert!(matches!(call.world.spools.last(), Some(Spool::Discard { .. })));
    call.pass(Duration::from_secs(1));
}
