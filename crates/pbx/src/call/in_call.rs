//! What a key pressed in a call does, and what is recorded of a call between two phones.
//!
//! Owns: codes in a call, recording by policy and by `*1`, and who listens to the call by right. Does not own: the keys of a
//! caller whom the server serves (`flow`).
//!
//! Keys are heard and not taken away: they reach the other phone as they would anyway, for they may mean something
//! there, and a key that waited here for the one after it would come late. So codes begin with `*`, which voice menus hardly use.

use super::record::q850;
use super::{Call, Phase};
use crate::context::Context;
use crate::rooms::Rooms;
use flow::RoomAct;
use model::{
    EndedBy, ForkEnd, Item, Leg as SideOf, Now, Over, Playlist, Program, RecordFail, RecordPolicy, Recording,
    RecordingEnd, RecordingId, RoomId, Seat, Seats, ToneName, UserId,
};
use std::time::Duration;

/// Between the keys of a code.
const BETWEEN: Duration = Duration::from_secs(2);
/// What both sides hear when a recording begins or ends, milliseconds.
const BEEP_MS: u32 = 400;
/// Recordings that one call may leave: each is a file, a row, and a number in its record.
const MOST_RECORDINGS: usize = 100;

/// What was pressed in the call, and what came of it.
#[derive(Default)]
pub(super) struct InCall {
    /// Who pressed `*` last, and when.
    star: Option<(SideOf, Duration)>,
    recording: Option<RecordingId>,
    beeps: u32,
}

impl Call {
    /// A leg pressed a key.
    pub(super) fn key_pressed(&mut self, context: &mut Context, side: SideOf, key: char, now: Now) {
        if self.phase != Phase::Answered {
            return;
        }
        if self.is_served() {
            if side == SideOf::Caller && !self.is_paged() {
                self.flow_digit(context, key, now);
            }
            return;
        }
        if !self.config.policy().in_call_codes {
            return;
        }
        let in_call = self.in_call.get_or_insert_default();
        let star = in_call.star.take();
        let follows = star.is_some_and(|(by, at)| by == side && now.mono <= at + BETWEEN);
        match key {
            '*' => in_call.star = Some((side, now.mono)),
            '1' if follows => self.toggle_recording(context, side),
            _ => {}
        }
    }

    /// What a user, or else the tenant, wants recorded.
    fn wants_recorded(&self, context: &Context, user: UserId) -> RecordPolicy {
        let own = context.settings(user).record;
        own.unwrap_or(self.config.policy().record)
    }

    /// `*1`.
    fn toggle_recording(&mut self, context: &mut Context, side: SideOf) {
        let Some(user) = self.user_of(side) else { return };
        if self.wants_recorded(context, user) == RecordPolicy::Never {
            context.counts.forbidden += 1;
            return self.run.note("recording refused");
        }
        if self
            .in_call
            .as_ref()
            .is_some_and(|known| known.recording.is_some())
            && self.is_recorded_always(context)
        {
            // From answer to end: neither side ends it.
            context.counts.forbidden += 1;
            return self.run.note("recording goes on");
        }
        let running = self.in_call.as_mut().and_then(|in_call| in_call.recording.take());
        match running {
            Some(id) => {
                self.bridge.record(context, id, Recording::Stop);
                self.announce(context, false);
            }
            None => self.record_call(context, "recorded"),
        }
    }

    /// Begins the recording of a call that is recorded always. Costs other tenants one look at a flag.
    pub(super) fn record_by_policy(&mut self, context: &mut Context) {
        let is_recorded = self
            .in_call
            .as_ref()
            .is_some_and(|known| known.recording.is_some());
        if !is_recorded && !self.is_served() && self.is_recorded_always(context) {
            self.record_call(context, "recorded always");
        }
    }

    /// Does either side want all its calls recorded?
    fn is_recorded_always(&self, context: &Context) -> bool {
        let mut users = [SideOf::Caller, SideOf::Callee]
            .into_iter()
            .filter_map(|side| self.user_of(side));
        self.config.records_always()
            && users.any(|user| self.wants_recorded(context, user) == RecordPolicy::Always)
    }

    /// True when the call has left as many recordings as it may.
    pub(super) fn is_recorded_enough(&mut self, context: &mut Context) -> bool {
        let enough = self.record.recordings.len() >= MOST_RECORDINGS;
        if enough {
            context.counts.forbidden += 1;
            self.run.note("too many recordings");
        }
        enough
    }

    fn record_call(&mut self, context: &mut Context, note: &str) {
        if self.bridge.session().is_none() || self.is_recorded_enough(context) {
            return;
        }
        let id = self.begin_recording(context, 0, 0);
        self.in_call.get_or_insert_default().recording = Some(id);
        self.run.note(note);
        self.announce(context, true);
    }

    /// Both sides hear that a recording begins or ends, where the tenant wants that.
    fn announce(&mut self, context: &mut Context, begins: bool) {
        let policy = self.config.policy();
        let words = policy.recording_words().filter(|_| begins);
        let words = words.map(|name| Item::prompt(&policy.language, name));
        let beep = policy.record_beep.then(|| Item::Tone {
            tone: ToneName::Beep,
            country: policy.country.as_str().into(),
            ms: BEEP_MS,
        });
        let items: Vec<Item> = words.into_iter().chain(beep).collect();
        if items.is_empty() {
            return;
        }
        let in_call = self.in_call.get_or_insert_default();
        in_call.beeps = in_call.beeps.wrapping_add(1);
        let list = Playlist { items, times: 1 };
        let said = Program::Play(self.config.library().played(list));
        // It would take the place of a held leg's music, which nobody would begin anew.
        let sides = [SideOf::Caller, SideOf::Callee].into_iter();
        for side in sides.filter(|side| !self.bridge.has_music(*side)) {
            let program = (in_call.beeps, Some(said.clone()));
            self.bridge.play(context, side, program, Over::Mixed);
        }
    }

    /// A recording has ended by itself, or as it was told to.
    pub(super) fn recorded(
        &mut self,
        context: &mut Context,
        id: RecordingId,
        (ms, end): (u64, RecordingEnd),
        now: Now,
    ) {
        if end == RecordingEnd::Failed {
            self.run.note("recording failed");
        }
        if self.phase == Phase::Answered && self.flow_recorded(context, id, ms, now) {
            return;
        }
        if ms == 0 {
            self.record.recordings.retain(|known| *known != id);
        }
        if let Some(in_call) = &mut self.in_call {
            in_call.recording.take_if(|known| *known == id);
        }
        let must = self.config.policy().record_fail == RecordFail::HangUp;
        if self.phase == Phase::Answered && end == RecordingEnd::Failed && must {
            let cause = q850::RESOURCE_UNAVAILABLE;
            self.hang_up(context, cause, EndedBy::System, "recording failed", now);
        }
    }

    /// A fork of its sound has ended: what it missed, or why there was none, is in the record.
    pub(super) fn forked(&mut self, end: ForkEnd, lost_ms: u64) {
        if end != ForkEnd::Stopped {
            self.run.note(&format!("fork: {}", end.as_str()));
        }
        if lost_ms > 0 {
            self.run.note(&format!("fork: {lost_ms} ms left out"));
        }
    }

    /// True for a call of this user that somebody could hear.
    pub(crate) fn can_be_heard(&self, user: UserId) -> bool {
        let with = |side| self.user_of(side) == Some(user);
        self.phase == Phase::Answered
            && !self.is_served()
            && !self.is_moving()
            && self.bridge.session().is_some()
            && (with(SideOf::Caller) || with(SideOf::Callee))
    }

    /// Somebody listens from now on.
    pub(crate) fn is_heard(&mut self, context: &mut Context, by: &str) {
        self.run.note(&format!("listened to by {by}"));
        context.counts.listened += 1;
        let room = Rooms::of_call(self.id);
        if context.rooms.place(self.id) != Some(room)
            && context.rooms.enter(room, (self.id, ""), true, usize::MAX).is_ok()
        {
            self.seat_legs(context, |_| false);
        }
    }

    /// Whether the legs hear who listens: none does, this user's, or both.
    pub(crate) fn hears_supervisor(&mut self, context: &mut Context, user: UserId, act: RoomAct) {
        let users = (self.user_of(SideOf::Caller), self.user_of(SideOf::Callee));
        let own = |side| match side {
            SideOf::Caller => users.0 == Some(user),
            SideOf::Callee => users.1 == Some(user) && users.0 != Some(user),
        };
        if self.phase == Phase::Answered && context.rooms.place(self.id).is_some() {
            self.seat_legs(context, |side| match act {
                RoomAct::Whisper => own(side),
                RoomAct::Barge => true,
                _ => false,
            });
        }
    }

    fn seat_legs(&self, context: &mut Context, hears: impl Fn(SideOf) -> bool) {
        let seat = |side| Seat {
            speaks: true,
            hears: hears(side),
        };
        let seats = Seats {
            room: RoomId {
                tenant: self.config.id(),
                number: Rooms::of_call(self.id),
            },
            caller: seat(SideOf::Caller),
            callee: seat(SideOf::Callee),
            chimes: false,
        };
        self.bridge.join(context, Some(seats));
    }

    /// The last one who listened is gone.
    pub(super) fn is_not_heard_any_more(&mut self, context: &mut Context) {
        context.rooms.leave(self.id);
        self.bridge.join(context, None);
    }
}
