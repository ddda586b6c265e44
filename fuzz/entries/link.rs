//! Commands, reports, frames that are lost, repeated, late and made up, ends that begin anew, and time, through both ends of the
//! way between sessions and the media plane. Shared by the fuzz target and the tests of `link`.
//!
//! What must hold: nothing panics; frames read back from their text; while nothing is made up, commands come in the order in
//! which they were said and none twice, and reports likewise; once both ends can talk, every session that nobody owns ends and
//! nobody waits for anything.

use super::octets::Octets;
use link::{Body, CommandFrame, Control, EXPIRY, Plane, ReportFrame};
use model::{CallId, Leg, LegQuality, MediaCommand, MediaReport, MediaSessionId, StreamKind, TenantId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const STEPS: usize = 600;
/// Frames that are under way at most; what is beyond is lost.
const MOST_UNDER_WAY: usize = 64;

/// One input: an octet that says whether frames are made up, then any number of steps.
pub(crate) fn run(data: &[u8]) {
    let mut input = Octets::new(data);
    let mut world = World::new(input.octet() & 1 == 1);
    for _ in 0..STEPS {
        let Some(step) = input.next() else { break };
        world.step(step, &mut input);
    }
    world.finish();
}

enum Load {
    Command(CommandFrame),
    Report(ReportFrame),
}

/// Both ends, and a media plane that says yes to everything.
struct World {
    is_forged: bool,
    control: Control,
    plane: Plane,
    life: u64,
    epoch: u64,
    now: Duration,
    way: Vec<Load>,
    said: u32,
    /// The last number that came of each session that is open.
    commands: BTreeMap<MediaSessionId, u32>,
    reports: BTreeMap<MediaSessionId, u32>,
    /// What the media plane has open.
    open: BTreeSet<MediaSessionId>,
    /// Sessions whose numbers come again in a later epoch only.
    over: BTreeSet<MediaSessionId>,
}

fn session(input: &mut Octets<'_>) -> MediaSessionId {
    let tenant = TenantId(1 + u64::from(input.octet() & 1));
    MediaSessionId::of(tenant, CallId(u64::from(input.octet() % 3)), StreamKind::Audio)
}

fn closed(session: MediaSessionId) -> MediaReport {
    MediaReport::Closed {
        session,
        caller: Box::new(LegQuality::default()),
        callee: Box::new(LegQuality::default()),
    }
}

impl World {
    fn new(is_forged: bool) -> World {
        World {
            is_forged,
            control: Control::new(),
            plane: Plane::new(1),
            life: 1,
            epoch: 1,
            now: Duration::from_secs(1),
            way: Vec::new(),
            said: 0,
            commands: BTreeMap::new(),
            reports: BTreeMap::new(),
            open: BTreeSet::new(),
            over: BTreeSet::new(),
        }
    }

    fn step(&mut self, step: u8, input: &mut Octets<'_>) {
        match step % 16 {
            0..=3 => {
                let session = session(input);
                let command = self.command(session, input.octet());
                if !self.over.contains(&session) {
                    self.control.say(command.clone(), self.epoch, self.now);
                }
                if matches!(command, MediaCommand::Close { .. }) {
                    self.over.insert(session);
                }
            }
            4 | 5 => {
                let session = session(input);
                self.said += 1;
                let digit = MediaReport::Digit {
                    session,
                    leg: Leg::Caller,
                    key: '1',
                    ms: self.said,
                };
                if self.open.contains(&session) {
                    self.plane.report(digit, self.now);
                }
            }
            6..=10 => self.carry(step, input.octet()),
            11 | 12 => self.pass(Duration::from_millis(u64::from(input.octet()) * 16)),
            13 if self.is_forged => self.forge(input),
            13 => self.way.clear(),
            14 => self.begin_anew(input.octet()),
            _ => {
                self.control.forget(TenantId(1));
                self.succeed();
            }
        }
        self.settle();
    }

    /// There are other owners of the tenants.
    fn succeed(&mut self) {
        self.epoch += 1;
        self.over.clear();
    }

    fn command(&mut self, session: MediaSessionId, choice: u8) -> MediaCommand {
        self.said += 1;
        match choice % 8 {
            0 => MediaCommand::Close { session },
            1..=3 => MediaCommand::Open {
                session,
                caller_ip: [10, 0, 0, 1].into(),
                callee_ip: [10, 0, 0, 1].into(),
                silence_s: self.said,
                urgent: false,
            },
            _ => MediaCommand::Dial {
                session,
                leg: Leg::Caller,
                digits: self.said.to_string().into(),
            },
        }
    }

    /// A frame comes, one of those under way: it may be another one than the first, and may come again.
    fn carry(&mut self, step: u8, choice: u8) {
        if self.way.is_empty() {
            return;
        }
        let at = usize::from(choice) % self.way.len();
        let load = match &self.way[at] {
            Load::Command(frame) => Load::Command(frame.clone()),
            Load::Report(frame) => Load::Report(frame.clone()),
        };
        if step % 16 != 6 {
            self.way.remove(at);
        }
        self.hear(load);
    }

    fn hear(&mut self, load: Load) {
        match load {
            Load::Command(frame) => self.plane.hear(frame, self.now),
            Load::Report(frame) => self.control.hear(frame, self.now),
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.control.handle_timeout(self.now);
        self.plane.handle_timeout(self.now);
        assert!(self.control.poll_timeout().is_none_or(|due| due > self.now));
        assert!(self.plane.poll_timeout().is_none_or(|due| due > self.now));
    }

    fn begin_anew(&mut self, choice: u8) {
        if choice & 1 == 0 {
            self.life += 1;
            self.plane = Plane::new(self.life);
            self.open.clear();
            // Frames of the past life may open a session again.
            self.commands.clear();
        } else {
            self.control = Control::new();
            self.succeed();
        }
    }

    /// What no end has said.
    fn forge(&mut self, input: &mut Octets<'_>) {
        let session = session(input);
        let (number, ack) = (u32::from(input.octet()), u32::from(input.octet()));
        let wide = |word: u32| if word > 250 { u32::MAX - (word - 251) } else { word };
        let (number, ack) = (wide(number), wide(ack));
        let epoch = u64::from(input.octet() % 8);
        let life = u64::from(input.octet() % 4);
        let kind = input.octet();
        let turn = u64::from(kind >> 5);
        if kind & 1 == 0 {
            let item = self.command(session, kind >> 3);
            self.hear(Load::Command(CommandFrame {
                session,
                epoch,
                turn,
                life,
                ack,
                body: body(kind, number, item),
            }));
        } else {
            let item = match kind >> 3 & 3 {
                0 => closed(session),
                1 => MediaReport::Refused { session },
                _ => MediaReport::Silent { session },
            };
            self.hear(Load::Report(ReportFrame {
                session,
                epoch,
                turn,
                life,
                ack,
                body: body(kind, number, item),
            }));
        }
    }

    /// What comes out of both ends.
    fn settle(&mut self) {
        while let Some(command) = self.plane.poll_command() {
            self.obey(&command);
        }
        while let Some(report) = self.control.poll_report() {
            self.note(&report);
        }
        while let Some(frame) = self.control.poll_frame() {
            let text = serde_json::to_string(&frame).unwrap();
            assert_eq!(serde_json::from_str::<CommandFrame>(&text).unwrap(), frame);
            self.way.push(Load::Command(frame));
        }
        while let Some(frame) = self.plane.poll_frame() {
            let text = serde_json::to_string(&frame).unwrap();
            assert_eq!(serde_json::from_str::<ReportFrame>(&text).unwrap(), frame);
            self.way.push(Load::Report(frame));
        }
        self.way.truncate(MOST_UNDER_WAY);
    }

    fn obey(&mut self, command: &MediaCommand) {
        let session = command.session();
        let number = match command {
            MediaCommand::Open { silence_s, .. } => {
                let at = ([10, 0, 0, 1], 10_000).into();
                self.open.insert(session);
                let (caller, callee) = (at, at);
                let opened = MediaReport::Opened {
                    session,
                    caller,
                    callee,
                };
                self.plane.report(opened, self.now);
                *silence_s
            }
            MediaCommand::Dial { digits, .. } => digits.parse().unwrap(),
            _ => {
                self.open.remove(&session);
                // So may those of a session that is over.
                self.commands.remove(&session);
                self.plane.report(closed(session), self.now);
                return;
            }
        };
        let last = self.commands.insert(session, number).unwrap_or(0);
        assert!(self.is_forged || last < number, "{command:?} after {last}");
    }

    fn note(&mut self, report: &MediaReport) {
        if let MediaReport::Digit { session, ms, .. } = report {
            let last = self.reports.insert(*session, *ms).unwrap_or(0);
            assert!(self.is_forged || last < *ms, "{report:?} after {last}");
        }
        if matches!(report, MediaReport::Lost { .. }) {
            self.over.insert(report.session());
        }
    }

    /// Nobody owns anything any more, and everything gets through.
    fn finish(&mut self) {
        self.way.clear();
        self.control.forget(TenantId(1));
        self.control.forget(TenantId(2));
        let end = self.now + EXPIRY + EXPIRY;
        while self.now < end {
            let due = [self.control.poll_timeout(), self.plane.poll_timeout()];
            let Some(due) = due.into_iter().flatten().min() else {
                break;
            };
            self.pass(due.saturating_sub(self.now));
            self.settle();
            while !self.way.is_empty() {
                let load = self.way.remove(0);
                self.hear(load);
                self.settle();
            }
        }
        assert_eq!((self.control.sessions(), self.plane.sessions()), (0, 0));
        assert_eq!(
            (self.control.poll_timeout(), self.plane.poll_timeout()),
            (None, None)
        );
    }
}

fn body<T>(kind: u8, number: u32, item: T) -> Body<T> {
    match kind >> 1 & 3 {
        0 => Body::Ack,
        1 => Body::Audit,
        2 => Body::Gone,
        _ => Body::Item { number, item },
    }
}
