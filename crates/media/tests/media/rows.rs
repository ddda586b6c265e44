//! Calls that are only recorded: their ticks are made in rows, and nobody can tell by the file.

use crate::phone::{Call, ID, TICK, voice};
use media::Spool;
use model::{
    Codec, Container, Leg, MediaCommand, MediaReport, Recording, RecordingEnd, RecordingId, Signals, TenantId,
};
use std::time::Duration;

const RECORDING: RecordingId = RecordingId {
    tenant: TenantId(7),
    number: 3,
};

impl Call {
    fn tape(&mut self, act: Recording) {
        self.world.command(MediaCommand::Record {
            session: ID,
            recording: RECORDING,
            act,
        });
    }

    /// What is written from now on, in order, and the marks.
    fn taped(&mut self) -> (Vec<u8>, Vec<(u64, Box<str>)>) {
        let (mut file, mut marks) = (Vec::new(), Vec::new());
        for spool in self.world.spools.drain(..) {
            match spool {
                Spool::Block { octets, .. } => file.extend(octets),
                Spool::Mark { at_ms, name, .. } => marks.push((at_ms, name)),
                _ => {}
            }
        }
        (file, marks)
    }
}

/// A call that begins to be recorded; when `at_once`, a fax is listened for as well, so that it has each tick at its time.
fn recorded(codec: Codec, at_once: bool, max_ms: u32) -> Call {
    let spoken = || {
        let mut spoken = voice(codec);
        (spoken.events, spoken.noise) = (Some(101), Some(13));
        spoken
    };
    let mut call = Call::new(spoken(), spoken());
    if at_once {
        call.world.command(MediaCommand::Listen {
            session: ID,
            leg: Leg::Callee,
            signals: Signals {
                fax: true,
                ..Signals::default()
            },
        });
    }
    call.pass(Duration::from_millis(7));
    call.tape(Recording::Start {
        format: Container::OggOpus,
        max_ms,
        silence_ms: 0,
        call: None,
    });
    call
}

/// Speaks over a bad network: packets lost, late, in disorder and twice, as the seed has it. Things happen in between.
fn suffer(call: &mut Call, mut seed: u64, mut between: impl FnMut(&mut Call, u32)) {
    let mut dice = move |sides: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % sides
    };
    let mut under_way: Vec<(Duration, Leg, Vec<u8>)> = Vec::new();
    for tick in 0..400 {
        between(call, tick);
        for leg in [Leg::Caller, Leg::Callee] {
            let phone = call.phone(leg);
            let packet = match dice(40) {
                0 => {
                    let packet = phone.packet(13, &[50]);
                    phone.pass();
                    packet
                }
                _ => phone.speak(),
            };
            let late = Duration::from_millis(dice(50) + if dice(60) == 0 { 150 } else { 0 });
            let copies = [0, 1, 1, 1, 1, 1, 1, 1, 1, 2][dice(10) as usize];
            for _ in 0..copies {
                under_way.push((call.world.now + late, leg, packet.clone()));
            }
        }
        let end = call.world.now + TICK;
        // Nothing comes just when a tick is due.
        for _ in 0..4 {
            let due: Vec<_> = under_way
                .extract_if(.., |(at, ..)| *at <= call.world.now)
                .collect();
            for (_, leg, packet) in due {
                call.send(leg, &packet);
            }
            call.pass((end - call.world.now).min(Duration::from_millis(5)));
        }
    }
}

#[test]
fn a_file_is_the_same_whether_its_ticks_are_made_in_rows_or_each_at_its_time() {
    for (codec, seeds) in [(Codec::Pcmu, 1..9), (Codec::Opus, 9..12), (Codec::G722, 12..14)] {
        for seed in seeds {
            let files = [false, true].map(|at_once| {
                let mut call = recorded(codec, at_once, 0);
                suffer(&mut call, seed, |_, _| {});
                call.tape(Recording::Stop);
                call.taped().0
            });
            assert!(files[0].len() > 8_000, "{}", files[0].len());
            assert!(files[0] == files[1], "{codec:?}, seed {seed}");
        }
    }
}

#[test]
fn what_happens_within_a_row_happens_in_its_place() {
    for seed in 1..6_u64 {
        let outcomes = [false, true].map(|at_once| {
            let mut call = recorded(Codec::Pcma, at_once, 0);
            suffer(&mut call, seed, |call, tick| {
                match (u64::from(tick) + seed) % 97 {
                    3 => call.tape(Recording::Mark("here".into())),
                    14 => call.tape(Recording::Pause),
                    29 => call.tape(recorded_again()),
                    31 => call.world.command(mask(true)),
                    44 => call.world.command(mask(false)),
                    // A digit is pressed, and heard by the other phone: it leaves a gap.
                    51..54 => {
                        let packet = call.caller.packet(101, &[5, 10, 0, 160]);
                        call.send(Leg::Caller, &packet);
                    }
                    54 => {
                        let packet = call.caller.packet(101, &[5, 0x8A, 3, 32]);
                        call.send(Leg::Caller, &packet);
                    }
                    // The phone begins to send elsewhere, and a hold begins and ends.
                    61 => call.describe(Leg::Callee),
                    71 | 81 => call.world.command(MediaCommand::Watch {
                        session: ID,
                        hold: false,
                        quiet: [(u64::from(tick) + seed) % 97 == 71, false],
                    }),
                    _ => {}
                }
            });
            call.tape(Recording::Stop);
            let told = |report: &MediaReport| {
                matches!(report, MediaReport::Digit { .. } | MediaReport::Recorded { .. })
            };
            let reports: Vec<_> = call.world.reports.iter().filter(|r| told(r)).cloned().collect();
            assert!(reports.len() > 3, "{reports:?}");
            (call.taped(), reports)
        });
        assert!(outcomes[0] == outcomes[1], "seed {seed}");
    }
}

fn recorded_again() -> Recording {
    Recording::Start {
        format: Container::OggOpus,
        max_ms: 0,
        silence_ms: 0,
        call: None,
    }
}

fn mask(on: bool) -> MediaCommand {
    MediaCommand::Mask {
        session: ID,
        leg: Leg::Caller,
        on,
    }
}

#[test]
fn a_recording_that_is_long_enough_ends_within_a_row_and_the_call_goes_on() {
    let mut call = recorded(Codec::Pcmu, false, 1_140);
    call.talk(80);
    let ends = |report: &MediaReport| match report {
        MediaReport::Recorded { ms, end, .. } => Some((*ms, *end)),
        _ => None,
    };
    let ends: Vec<_> = call.world.reports.iter().filter_map(ends).collect();
    assert_eq!(ends, [(1_140, RecordingEnd::Longest)]);
    assert_eq!(call.world.tick_due(), None, "nobody wants ticks any more");
    assert!(call.callee.share(440.0, 500) > 0.9);
}

#[test]
fn a_flood_within_a_row_is_not_kept() {
    let mut call = recorded(Codec::Pcmu, false, 0);
    call.talk(50);
    let before = call.taped().0.len();
    for _ in 0..20 {
        // A thousand packets at once, and what was meant by them.
        for _ in 0..1_000 {
            let packet = call.caller.speak();
            call.send(Leg::Caller, &packet);
        }
        call.talk(10);
    }
    call.tape(Recording::Stop);
    let ms = call.world.reports.iter().find_map(|report| match report {
        MediaReport::Recorded { ms, .. } => Some(*ms),
        _ => None,
    });
    assert_eq!(ms, Some(5_000));
    assert!(before > 1_000 && call.taped().0.len() > 5_000);
}
