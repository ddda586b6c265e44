//! What callers of `link` rely on.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod fuzz_corpus;

use link::{Body, CommandFrame, Control, EXPIRY, Plane, ReportFrame};
use model::{Leg, LegQuality, MediaCommand, MediaReport, MediaSessionId, TenantId};
use std::collections::BTreeMap;
use std::time::Duration;

const SESSION: MediaSessionId = MediaSessionId(1 << 32 | 1);

fn open(session: MediaSessionId) -> MediaCommand {
    let here = [10, 0, 0, 1].into();
    MediaCommand::Open {
        session,
        caller_ip: here,
        callee_ip: here,
        silence_s: 0,
        urgent: false,
    }
}

fn dial(digits: u64) -> MediaCommand {
    MediaCommand::Dial {
        session: SESSION,
        leg: Leg::Caller,
        digits: digits.to_string().into(),
    }
}

fn opened(session: MediaSessionId) -> MediaReport {
    let here = ([10, 0, 0, 1], 10_000).into();
    MediaReport::Opened {
        session,
        caller: here,
        callee: here,
    }
}

fn digit(number: u64) -> MediaReport {
    MediaReport::Digit {
        session: SESSION,
        leg: Leg::Caller,
        key: '1',
        ms: u32::try_from(number).unwrap(),
    }
}

fn closed(session: MediaSessionId) -> MediaReport {
    MediaReport::Closed {
        session,
        caller: Box::new(LegQuality::default()),
        callee: Box::new(LegQuality::default()),
    }
}

enum Load {
    Command(CommandFrame),
    Report(ReportFrame),
}

/// Both ends, a way that takes ten milliseconds, and a media plane that says yes to everything.
struct World {
    control: Control,
    plane: Plane,
    now: Duration,
    way: BTreeMap<(Duration, u64), Load>,
    serial: u64,
    chance: u64,
    /// Per mille.
    loss: u64,
    repeats: u64,
    jitter_ms: u64,
    commands: Vec<MediaCommand>,
    reports: Vec<MediaReport>,
}

impl World {
    fn new() -> World {
        World {
            control: Control::new(),
            plane: Plane::new(7),
            now: Duration::from_secs(1),
            way: BTreeMap::new(),
            serial: 0,
            chance: 1,
            loss: 0,
            repeats: 0,
            jitter_ms: 0,
            commands: Vec::new(),
            reports: Vec::new(),
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.chance = self
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % bound.max(1)
    }

    fn send(&mut self, make: impl Fn() -> Load) {
        let copies = 1 + u64::from(self.below(1_000) < self.repeats);
        for _ in 0..copies {
            if self.below(1_000) >= self.loss {
                let wait = 10 + self.below(self.jitter_ms + 1);
                self.serial += 1;
                let at = self.now + Duration::from_millis(wait);
                self.way.insert((at, self.serial), make());
            }
        }
    }

    fn settle(&mut self) {
        while let Some(command) = self.plane.poll_command() {
            let session = command.session();
            match command {
                MediaCommand::Open { .. } => self.plane.report(opened(session), self.now),
                MediaCommand::Close { .. } => self.plane.report(closed(session), self.now),
                _ => {}
            }
            self.commands.push(command);
        }
        while let Some(report) = self.control.poll_report() {
            self.reports.push(report);
        }
        while let Some(frame) = self.control.poll_frame() {
            self.send(|| Load::Command(frame.clone()));
        }
        while let Some(frame) = self.plane.poll_frame() {
            self.send(|| Load::Report(frame.clone()));
        }
    }

    fn say(&mut self, command: MediaCommand) {
        self.control.say(command, 5, self.now);
        self.settle();
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let first = self.way.first_key_value().map(|((at, _), _)| *at);
            let due = [first, self.control.poll_timeout(), self.plane.poll_timeout()];
            let Some(next) = due.into_iter().flatten().min().filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            while let Some(entry) = self.way.first_entry().filter(|e| e.key().0 <= self.now) {
                match entry.remove() {
                    Load::Command(frame) => self.plane.hear(frame, self.now),
                    Load::Report(frame) => self.control.hear(frame, self.now),
                }
                self.settle();
            }
            self.control.handle_timeout(self.now);
            self.plane.handle_timeout(self.now);
            self.settle();
        }
        self.now = end;
    }

    fn seconds(&mut self, seconds: u64) {
        self.run(Duration::from_secs(seconds));
    }
}

#[test]
fn a_session_is_opened_served_and_closed_with_few_frames() {
    let mut world = World::new();
    world.say(open(SESSION));
    world.run(Duration::from_millis(50));
    assert_eq!(world.reports, [opened(SESSION)]);
    world.say(MediaCommand::Close { session: SESSION });
    world.seconds(100);
    assert_eq!(world.reports, [opened(SESSION), closed(SESSION)]);
    // Open, Opened, its acknowledgement, Close, Closed, its acknowledgement.
    assert_eq!(world.serial, 6);
    assert_eq!((world.control.sessions(), world.plane.sessions()), (0, 0));
    assert_eq!(
        (world.control.poll_timeout(), world.plane.poll_timeout()),
        (None, None)
    );
}

#[test]
fn whatever_is_lost_late_or_repeated_everything_arrives_once_and_in_order() {
    for seed in 0..300 {
        let mut world = World::new();
        world.chance = seed;
        world.loss = seed % 6 * 100;
        world.repeats = seed % 4 * 200;
        world.jitter_ms = seed % 5 * 400;
        world.say(open(SESSION));
        world.seconds(5);
        for number in 0..40 {
            world.say(dial(number));
            world.plane.report(digit(number), world.now);
            world.settle();
            let wait = world.below(300);
            world.run(Duration::from_millis(wait));
        }
        world.seconds(30);
        world.say(MediaCommand::Close { session: SESSION });
        world.seconds(100);
        let close = [MediaCommand::Close { session: SESSION }];
        let commands: Vec<_> = std::iter::once(open(SESSION))
            .chain((0..40).map(dial))
            .chain(close)
            .collect();
        // A late frame may open the session again; that is nobody's, and closed.
        let (first, rest) = world.commands.split_at(commands.len().min(world.commands.len()));
        assert_eq!(first, commands, "seed {seed}");
        assert_eq!(rest.len() % 2, 0, "seed {seed}: {rest:?}");
        assert!(
            rest.iter()
                .skip(1)
                .step_by(2)
                .all(|c| matches!(c, MediaCommand::Close { .. })),
            "seed {seed}"
        );
        let last = [closed(SESSION)];
        let reports: Vec<_> = std::iter::once(opened(SESSION))
            .chain((0..40).map(digit))
            .chain(last)
            .collect();
        assert_eq!(world.reports, reports, "seed {seed}");
        assert_eq!(
            (world.control.sessions(), world.plane.sessions()),
            (0, 0),
            "seed {seed}"
        );
    }
    println!("COUNT link 300");
}

#[test]
fn a_call_whose_media_plane_began_anew_hears_that_its_session_is_lost() {
    let mut world = World::new();
    world.say(open(SESSION));
    world.seconds(1);
    world.plane = Plane::new(8);
    world.seconds(30);
    assert_eq!(
        world.reports,
        [opened(SESSION), MediaReport::Lost { session: SESSION }]
    );
    assert_eq!((world.control.sessions(), world.plane.sessions()), (0, 0));
}

#[test]
fn a_late_frame_does_not_open_the_session_of_a_call_at_another_media_plane() {
    let mut world = World::new();
    world.say(open(SESSION));
    let Some(Load::Command(late)) = world.way.first_entry().map(|e| e.remove()) else {
        panic!("nothing was said");
    };
    world.seconds(1);
    assert_eq!(world.reports, [opened(SESSION)], "it was said again");
    world.plane = Plane::new(8);
    world.plane.hear(late, world.now);
    world.settle();
    world.say(dial(1));
    world.seconds(5);
    assert_eq!(
        world.reports,
        [opened(SESSION), MediaReport::Lost { session: SESSION }]
    );
    assert_eq!(
        (world.control.sessions(), world.plane.sessions()),
        (0, 0),
        "what the late frame opened is closed"
    );
    assert_eq!(
        world.commands.last(),
        Some(&MediaCommand::Close { session: SESSION })
    );
}

#[test]
fn a_session_that_no_call_owns_is_closed() {
    let mut world = World::new();
    world.say(open(SESSION));
    world.seconds(1);
    world.control.forget(TenantId(1));
    world.seconds(30);
    assert_eq!(
        world.commands,
        [open(SESSION), MediaCommand::Close { session: SESSION }]
    );
    assert_eq!(world.plane.sessions(), 0);
    assert_eq!(world.reports, [opened(SESSION)], "nobody asked for counts");
}

#[test]
fn each_end_notices_that_the_other_is_dead() {
    let mut world = World::new();
    world.say(open(SESSION));
    world.seconds(1);
    world.loss = 1_000;
    world.run(EXPIRY);
    assert_eq!(
        world.reports,
        [opened(SESSION), MediaReport::Lost { session: SESSION }]
    );
    assert_eq!(
        world.commands,
        [open(SESSION), MediaCommand::Close { session: SESSION }]
    );
    assert_eq!((world.control.sessions(), world.plane.sessions()), (0, 0));
}

#[test]
fn a_process_that_slept_does_not_take_its_sleep_for_the_death_of_the_other() {
    let mut world = World::new();
    world.say(open(SESSION));
    world.seconds(1);
    world.now += Duration::from_secs(3_600);
    world.seconds(10);
    assert_eq!(world.reports, [opened(SESSION)]);
    assert_eq!((world.control.sessions(), world.plane.sessions()), (1, 1));
}

#[test]
fn a_new_owner_of_a_tenant_ends_what_the_old_one_had_and_the_old_one_is_refused() {
    let mut world = World::new();
    let second = MediaSessionId(1 << 32 | 2);
    let foreign = MediaSessionId(2 << 32 | 2);
    for session in [SESSION, second, foreign] {
        world.say(open(session));
    }
    world.seconds(1);
    let mut old = std::mem::take(&mut world.control);
    world.commands.clear();
    world.reports.clear();
    world.control.say(open(SESSION), 6, world.now);
    world.settle();
    world.seconds(1);
    let close = |session| MediaCommand::Close { session };
    assert_eq!(world.commands, [close(SESSION), close(second), open(SESSION)]);
    assert_eq!(
        world.reports,
        [opened(SESSION)],
        "what was said of the old session is nobody's"
    );
    // The old owner is still there, and does not know that it has been succeeded.
    old.say(dial(1), 5, world.now);
    while let Some(frame) = old.poll_frame() {
        world.plane.hear(frame, world.now);
    }
    let answer = world.plane.poll_frame().expect("an answer");
    assert_eq!(answer.body, Body::Gone);
    old.hear(answer, world.now);
    assert_eq!(old.poll_report(), Some(MediaReport::Lost { session: SESSION }));
    assert_eq!(world.plane.sessions(), 2, "the new one's, and the other tenant's");
}

/// Pictures are switched off and on again: their session has the same name.
#[test]
fn a_session_that_comes_again_at_once_is_another_one() {
    let close = MediaCommand::Close { session: SESSION };
    // Before the media plane hears of the end, before its owner does, and afterwards.
    for wait_ms in [0, 15, 100] {
        let mut world = World::new();
        world.say(open(SESSION));
        world.run(Duration::from_millis(100));
        world.say(close.clone());
        world.run(Duration::from_millis(wait_ms));
        world.say(open(SESSION));
        world.seconds(1);
        assert_eq!(world.reports.last(), Some(&opened(SESSION)), "{wait_ms} ms");
        let opened_twice = [open(SESSION), close.clone(), open(SESSION)];
        assert_eq!(world.commands, opened_twice, "{wait_ms} ms");
        world.seconds(100);
        assert_eq!((world.control.sessions(), world.plane.sessions()), (1, 1));
        world.say(dial(1));
        world.say(close.clone());
        world.seconds(100);
        assert_eq!(world.commands[3..], [dial(1), close.clone()], "{wait_ms} ms");
        assert_eq!(world.reports.last(), Some(&closed(SESSION)));
        assert_eq!((world.control.sessions(), world.plane.sessions()), (0, 0));
    }
}

/// The same over a bad way: what is open at the end is the session that was said last, or none.
#[test]
fn sessions_that_come_again_and_again_end_as_they_were_said() {
    for seed in 0..300 {
        let mut world = World::new();
        (world.chance, world.loss, world.repeats) = (seed, seed % 6 * 100, seed % 4 * 200);
        world.jitter_ms = seed % 5 * 400;
        for _ in 0..10 {
            world.say(open(SESSION));
            let wait = world.below(600);
            world.run(Duration::from_millis(wait));
            world.say(MediaCommand::Close { session: SESSION });
            let wait = world.below(600);
            world.run(Duration::from_millis(wait));
        }
        let is_open = |world: &World| {
            let last = world
                .commands
                .iter()
                .rfind(|c| !matches!(c, MediaCommand::Dial { .. }));
            last.is_some_and(MediaCommand::opens)
        };
        if seed % 2 == 0 {
            world.say(open(SESSION));
            // A way on which twelve questions in a row are lost says that nobody is there.
            world.loss = world.loss.min(100);
            world.seconds(100);
            assert!(is_open(&world), "seed {seed}: {:?}", world.commands);
            assert_eq!(world.reports.last(), Some(&opened(SESSION)), "seed {seed}");
            world.say(MediaCommand::Close { session: SESSION });
        }
        world.seconds(200);
        assert!(!is_open(&world), "seed {seed}: {:?}", world.commands);
        assert_eq!(world.reports.last(), Some(&closed(SESSION)), "seed {seed}");
        let left = (world.control.sessions(), world.plane.sessions());
        assert_eq!(left, (0, 0), "seed {seed}");
    }
}

#[test]
fn what_is_said_of_a_session_that_has_ended_is_nobodys() {
    let mut world = World::new();
    world.say(open(SESSION));
    world.seconds(1);
    world.say(MediaCommand::Close { session: SESSION });
    world.seconds(1);
    let (commands, reports) = (world.commands.len(), world.reports.len());
    world.say(dial(1));
    world.seconds(100);
    assert_eq!((world.commands.len(), world.reports.len()), (commands, reports));
    assert_eq!((world.control.sessions(), world.plane.sessions()), (0, 0));
}

#[test]
fn one_session_does_not_wait_for_another() {
    let mut world = World::new();
    world.say(open(SESSION));
    world.way.clear();
    let second = MediaSessionId(1 << 32 | 2);
    world.say(open(second));
    world.run(Duration::from_millis(50));
    assert_eq!(world.reports, [opened(second)]);
    world.run(Duration::from_millis(200));
    assert_eq!(world.reports, [opened(second), opened(SESSION)]);
}

#[test]
fn frames_cross_a_wire_as_text() {
    let mut control = Control::new();
    control.say(open(SESSION), 5, Duration::ZERO);
    let frame = control.poll_frame().unwrap();
    let text = serde_json::to_string(&frame).unwrap();
    assert_eq!(serde_json::from_str::<CommandFrame>(&text).unwrap(), frame);
}

#[test]
fn wild_numbers_do_no_harm() {
    let mut world = World::new();
    world.say(open(SESSION));
    world.seconds(1);
    let frame = |number, ack, life| CommandFrame {
        session: SESSION,
        epoch: 5,
        turn: 1,
        life,
        ack,
        body: Body::Item {
            number,
            item: dial(u64::from(number)),
        },
    };
    for number in [0, 1, 66, 67, 1_000, u32::MAX] {
        for ack in [0, 2, u32::MAX] {
            for life in [0, 7, 9] {
                world.plane.hear(frame(number, ack, life), world.now);
            }
        }
    }
    world.settle();
    assert_eq!(
        world.commands,
        [open(SESSION)],
        "all of them are too far ahead, or old"
    );
    world.say(dial(2));
    world.seconds(1);
    assert_eq!(world.commands, [open(SESSION), dial(2)]);
}

/// It may be a late copy of the last word of a session that has ended, and would wait for its beginning for ever.
#[test]
fn what_comes_before_the_beginning_begins_nothing() {
    let (mut control, mut plane) = (Control::new(), Plane::new(8));
    let now = Duration::from_secs(1);
    control.say(open(SESSION), 1, now);
    control.say(MediaCommand::Close { session: SESSION }, 1, now);
    let frames: Vec<_> = std::iter::from_fn(|| control.poll_frame()).collect();
    let [first, second] = &frames[..] else {
        panic!("{frames:?}");
    };
    plane.hear(second.clone(), now);
    assert_eq!((plane.sessions(), plane.poll_command()), (0, None));
    for frame in [first, second] {
        plane.hear(frame.clone(), now);
    }
    let commands: Vec<_> = std::iter::from_fn(|| plane.poll_command()).collect();
    assert_eq!(
        commands,
        [open(SESSION), MediaCommand::Close { session: SESSION }]
    );
}
