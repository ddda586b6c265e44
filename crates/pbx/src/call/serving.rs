//! What a flow wants done in a call that the server has answered.
//!
//! Owns: each action of a flow as commands to the media plane, timers and questions to other calls. Does not own: which
//! action comes when (`flow`), and answering (`endpoint`).

use super::nouns::Act;
use super::{Call, Phase};
use crate::context::{Context, TimerKind};
use crate::effect::Effect;
use crate::rooms::Rooms;
use flow::{Action, Enter, Event, Refusal, RoomAct, Service, Tried};
use model::{
    CallId, Item, Leg as SideOf, MachineRules, Now, Over, Playlist, Recording, RecordingId, RoomId, Seat,
    Seats, Sound, ToneName,
};
use std::sync::Arc;

/// A prompt is not longer than this, milliseconds: what is not reported to be over counts as over then.
const LONGEST_SOUND_MS: u64 = 60_000;
/// Nor is a recording that is played.
const LONGEST_RECORDING_MS: u64 = 600_000;
/// The same for a whole program.
const LONGEST_PROGRAM_MS: u64 = 3_600_000;
const LISTENS: Seat = Seat {
    speaks: false,
    hears: true,
};
const SPEAKS: Seat = Seat {
    speaks: true,
    hears: false,
};
const TALKS: Seat = Seat {
    speaks: true,
    hears: true,
};

impl Call {
    /// Does what the flow says. The call is up.
    pub(super) fn perform(&mut self, context: &mut Context, action: Action, now: Now) {
        self.mask_follows(context);
        match action {
            Action::Serve(service) => self.begin_program(context, Some(service), now),
            Action::Await { hush, within_ms } => {
                if hush {
                    self.begin_program(context, None, now);
                }
                self.flow_timer(context, within_ms.into(), now);
            }
            Action::Record {
                max_ms,
                silence_ms,
                within_ms,
            } => self.record_caller(context, (max_ms, silence_ms), within_ms, now),
            Action::StopRecording { within_ms } => {
                let running = self.endpoint.as_ref().and_then(|endpoint| endpoint.recording);
                if let Some(id) = running {
                    self.bridge.record(context, id, Recording::Stop);
                }
                self.flow_timer(context, within_ms.into(), now);
            }
            Action::Discard(id) => {
                self.bridge.record(context, id, Recording::Discard);
                self.record.recordings.retain(|known| *known != id);
                self.advance(context, Event::Start, now);
            }
            Action::Try { room, right } => self.try_pin(context, room, right, now),
            Action::Enter(enter) => self.enter_room(context, enter, now),
            Action::Room(act, list) => {
                let over = Over::Mixed;
                let heard = list.map(|list| Service::Play { list, over });
                if heard.is_some() {
                    self.begin_program(context, heard, now);
                }
                self.act_in_room(context, act, now);
            }
            Action::Leave(list) => {
                self.leave_room(context);
                let over = Over::Instead;
                self.begin_program(context, Some(Service::Play { list, over }), now);
            }
            Action::Page(users) => {
                let from = self.id;
                self.ask_of_others(context, Act::Page { from, users });
            }
            Action::Listen(user) => {
                let from = self.id;
                self.ask_of_others(context, Act::Listen { from, user });
            }
            Action::Dial {
                number,
                typed,
                screen,
            } => self.dial_for_caller(context, &number, typed, screen, now),
            _ => {}
        }
    }

    /// What the caller types in secret is heard by nobody else.
    fn mask_follows(&mut self, context: &mut Context) {
        let secret = self.run.is_secret();
        if let Some(endpoint) = self.endpoint.as_mut().filter(|known| known.masked != secret) {
            endpoint.masked = secret;
            self.bridge.mask(context, SideOf::Caller, secret);
        }
    }

    /// The caller hears this from now on, or nothing of ours.
    fn begin_program(&mut self, context: &mut Context, service: Option<Service>, now: Now) {
        self.cancel_timer(context, TimerKind::Flow);
        let service = service.map(|service| self.with_own_sounds(service));
        let guard_ms = service.as_ref().and_then(guard_ms);
        if let Some(endpoint) = &mut self.endpoint {
            endpoint.toned =
                matches!(service, Some(Service::Tone { .. })) || (endpoint.toned && service.is_none());
            endpoint.service = service;
            // The same once more begins anew, and silence needs no word where nothing was heard.
            endpoint.anew = endpoint.playing.is_some();
        }
        self.program_follows(context);
        self.flow_timer(context, guard_ms.unwrap_or(0), now);
    }

    /// The tenant's own sounds take the place of names: those that it had when the call began.
    fn with_own_sounds(&self, service: Service) -> Service {
        match service {
            Service::Play { list, over } => Service::Play {
                list: self.config.library().played(list),
                over,
            },
            other => other,
        }
    }

    fn flow_timer(&mut self, context: &mut Context, after_ms: u64, now: Now) {
        match after_ms {
            0 => self.cancel_timer(context, TimerKind::Flow),
            ms => self.set_timer(context, TimerKind::Flow, ms, now),
        }
    }

    fn record_caller(
        &mut self,
        context: &mut Context,
        (max_ms, silence_ms): (u32, u32),
        within_ms: u32,
        now: Now,
    ) {
        self.begin_program(context, None, now);
        if self.is_recorded_enough(context) {
            return self.advance(context, Event::Recorded { ms: 0 }, now);
        }
        let id = self.begin_recording(context, max_ms, silence_ms);
        if let Some(endpoint) = &mut self.endpoint {
            endpoint.recording = Some(id);
        }
        self.flow_timer(context, within_ms.into(), now);
        self.advance(context, Event::Began(id), now);
    }

    /// Begins to record the session, whatever is said in it.
    pub(super) fn begin_recording(
        &mut self,
        context: &mut Context,
        max_ms: u32,
        silence_ms: u32,
    ) -> RecordingId {
        let id = RecordingId {
            tenant: self.config.id(),
            number: context.random(),
        };
        let start = Recording::Start {
            call: Some(self.record.id()),
            format: self.config.policy().record_format,
            max_ms,
            silence_ms,
        };
        self.bridge.record(context, id, start);
        self.record.recordings.push(id);
        id
    }

    /// The caller's recording has ended. One that ended before, or belongs to no flow, says nothing.
    pub(super) fn flow_recorded(
        &mut self,
        context: &mut Context,
        id: RecordingId,
        ms: u64,
        now: Now,
    ) -> bool {
        let ended = self
            .endpoint
            .as_mut()
            .is_some_and(|endpoint| endpoint.recording.take_if(|known| *known == id).is_some());
        if ended {
            if ms == 0 {
                self.record.recordings.retain(|known| *known != id);
            }
            self.cancel_timer(context, TimerKind::Flow);
            self.advance(context, Event::Recorded { ms }, now);
        }
        ended
    }

    /// A key that the caller pressed.
    pub(super) fn flow_digit(&mut self, context: &mut Context, key: char, now: Now) {
        self.advance(context, Event::Digit(key), now);
    }

    fn room_id(&self, number: u64) -> RoomId {
        RoomId {
            tenant: self.config.id(),
            number,
        }
    }

    /// Takes a seat of the caller's in a room.
    pub(super) fn sit(&mut self, context: &mut Context, number: u64, seat: Seat, chimes: bool) {
        let room = self.room_id(number);
        if let Some(endpoint) = &mut self.endpoint {
            endpoint.seats = Some(Seats {
                room,
                caller: seat,
                callee: Seat::default(),
                chimes,
            });
        }
        self.seats_follow(context);
    }

    /// Tells the media plane about the seat; whoever is on hold neither speaks, for his phone may play music, nor hears.
    pub(super) fn seats_follow(&mut self, context: &mut Context) {
        let held = self.is_held_by_caller();
        let Some(endpoint) = &mut self.endpoint else {
            return;
        };
        let seats = endpoint.seats.map(|seats| Seats {
            caller: if held { Seat::default() } else { seats.caller },
            ..seats
        });
        if seats != endpoint.seated {
            endpoint.seated = seats;
            self.bridge.join(context, seats);
        }
    }

    fn is_held_by_caller(&self) -> bool {
        let allowed = &self.config.policy().codecs;
        self.caller
            .remote
            .as_ref()
            .is_some_and(|remote| remote.is_held(allowed))
    }

    /// Somebody has typed a PIN: how many may be wrong is the tenant's to count.
    fn try_pin(&mut self, context: &mut Context, room: u32, right: bool, now: Now) {
        let (tried, bars) = context
            .doors
            .knock(room, &self.record.caller.number, right, now.mono);
        match tried {
            Tried::Barred if bars.is_empty() => context.counts.pins_barred += 1,
            Tried::Wrong | Tried::Barred => context.counts.pins_wrong += 1,
            Tried::Right => {}
        }
        let told = bars.into_iter().map(|bar| Effect::Barred {
            room,
            of_all: bar.of_all,
            for_s: bar.length.as_secs(),
        });
        context.out.extend(told);
        self.advance(context, Event::Tried(tried), now);
    }

    fn enter_room(&mut self, context: &mut Context, enter: Enter, now: Now) {
        let most = usize::from(self.config.policy().conference_members);
        let number = u64::from(enter.room);
        let who = (self.id, self.record.caller.number.as_str());
        match context.rooms.enter(number, who, enter.moderator, most) {
            Ok(others) => {
                self.sit(context, number, TALKS, enter.chimes);
                self.advance(context, Event::Entered { others }, now);
            }
            Err(why) => {
                context.counts.rooms_refused += 1;
                self.advance(context, Event::Shut(why), now);
            }
        }
    }

    /// The caller is in no room any more.
    pub(super) fn leave_room(&mut self, context: &mut Context) {
        if context.rooms.is_empty() {
            return;
        }
        self.tell_room(context);
        context.rooms.leave(self.id);
        if let Some(endpoint) = &mut self.endpoint {
            endpoint.seats = None;
        }
        self.seats_follow(context);
    }

    /// Who stays behind hears that this call leaves: a room of this call's is over, another call's is perhaps not needed.
    fn tell_room(&mut self, context: &mut Context) {
        let beside = context.rooms.beside(self.id, false);
        let (own, place) = (Rooms::of_call(self.id), context.rooms.place(self.id));
        match (place, beside.as_slice()) {
            (Some(place), _) if place == own => {
                for call in beside {
                    let event = Event::RoomOver;
                    self.ask_of_others(context, Act::Tell { call, event });
                }
            }
            (Some(place), [owner]) if place == Rooms::of_call(*owner) => {
                let (call, event) = (*owner, Event::RoomOver);
                self.ask_of_others(context, Act::Tell { call, event });
            }
            _ => {}
        }
    }

    fn act_in_room(&mut self, context: &mut Context, act: RoomAct, now: Now) {
        match act {
            RoomAct::Sit(seat) => {
                context.rooms.muted(self.id, !seat.speaks);
                self.take_part(context, seat);
            }
            RoomAct::Count => {
                let others = context.rooms.others(self.id);
                self.advance(context, Event::Counted(others), now);
            }
            RoomAct::Lock => {
                let locked = context.rooms.toggle_lock(self.id);
                self.advance(context, Event::Locked(locked), now);
            }
            RoomAct::MuteOthers => {
                for call in context.rooms.beside(self.id, true) {
                    let event = Event::Muted(true);
                    self.ask_of_others(context, Act::Tell { call, event });
                }
            }
            RoomAct::End => {
                for call in context.rooms.beside(self.id, false) {
                    let event = Event::RoomOver;
                    self.ask_of_others(context, Act::Tell { call, event });
                }
                self.advance(context, Event::RoomOver, now);
            }
            RoomAct::Listen | RoomAct::Whisper | RoomAct::Barge => self.change_part(context, act),
        }
    }

    fn take_part(&mut self, context: &mut Context, seat: Seat) {
        if let Some(seats) = self
            .endpoint
            .as_mut()
            .and_then(|endpoint| endpoint.seats.as_mut())
        {
            seats.caller = seat;
        }
        self.seats_follow(context);
    }

    /// A supervisor is heard by nobody, by his colleague, or by both.
    fn change_part(&mut self, context: &mut Context, act: RoomAct) {
        let seat = match act {
            RoomAct::Listen => LISTENS,
            _ => TALKS,
        };
        self.take_part(context, seat);
        let watched = self.endpoint.as_ref().and_then(|endpoint| endpoint.watched);
        if let Some((call, user)) = watched {
            self.ask_of_others(context, Act::Heard { call, user, act });
        }
    }

    /// The call that the caller wants to hear is there, or is not to be heard.
    pub(crate) fn listens(
        &mut self,
        context: &mut Context,
        watched: Option<(CallId, model::UserId)>,
        now: Now,
    ) {
        let Some((call, _)) = watched.filter(|_| self.phase == Phase::Answered) else {
            return self.advance(context, Event::Shut(flow::Shut::Nobody), now);
        };
        if let Some(endpoint) = &mut self.endpoint {
            endpoint.watched = watched;
        }
        let number = Rooms::of_call(call);
        let who = (self.id, self.record.caller.number.as_str());
        if context.rooms.enter(number, who, true, usize::MAX).is_ok() {
            self.begin_program(context, None, now);
            self.sit(context, number, LISTENS, false);
        }
    }

    /// The caller speaks to the phones of a page; `calls` are made for it.
    pub(crate) fn pages(&mut self, context: &mut Context, calls: Vec<CallId>, now: Now) {
        if calls.is_empty() || self.phase != Phase::Answered {
            return self.advance(context, Event::Shut(flow::Shut::Nobody), now);
        }
        self.run.note(&format!("page {}", calls.len()));
        let number = Rooms::of_call(self.id);
        let who = (self.id, self.record.caller.number.as_str());
        if context.rooms.enter(number, who, true, usize::MAX).is_ok() {
            self.sit(context, number, SPEAKS, false);
        }
        if let Some(endpoint) = &mut self.endpoint {
            endpoint.made = calls;
        }
        let policy = self.config.policy();
        let list = Playlist {
            items: vec![Item::Tone {
                tone: ToneName::Beep,
                country: policy.country.as_str().into(),
                ms: 400,
            }],
            times: 1,
        };
        let over = Over::Instead;
        self.begin_program(context, Some(Service::Play { list, over }), now);
    }

    /// Somebody did something about the room that this call is in.
    pub(crate) fn told_in_room(&mut self, context: &mut Context, event: Event, now: Now) {
        match event {
            _ if self.phase != Phase::Answered => {}
            Event::RoomOver if self.is_paged() => self.page_is_over(context, now),
            event if self.is_served() && !self.is_paged() => {
                if let Event::Muted(muted) = event {
                    context.rooms.muted(self.id, muted);
                }
                self.advance(context, event, now);
            }
            Event::RoomOver => self.is_not_heard_any_more(context),
            _ => {}
        }
    }

    fn dial_for_caller(
        &mut self,
        context: &mut Context,
        number: &str,
        typed: bool,
        screen: Option<MachineRules>,
        now: Now,
    ) {
        let config = Arc::clone(&self.config);
        let user = config.extension(number).is_some();
        if let Some(flow) = flow::numbered(&config, number).filter(|_| !user) {
            self.run.reroute(flow);
            return self.advance(context, Event::Start, now);
        }
        if self.caller.unacknowledged.is_some() {
            // The caller's leg can't go over to another call before its phone has our 2xx.
            if let Some(endpoint) = &mut self.endpoint {
                let number = number.into();
                endpoint.next = Some(Action::Dial {
                    number,
                    typed,
                    screen,
                });
            }
            return;
        }
        let ringback = Service::Tone {
            tone: ToneName::Ringback,
            ms: 0,
        };
        self.begin_program(context, Some(ringback), now);
        let (from, number) = (self.id, number.into());
        // Who calls from outside dials nothing outside: that would be at the tenant's expense.
        let inside = typed && self.caller.peer.trunk().is_some();
        let act = Act::Connect {
            from,
            number,
            inside,
            screen,
        };
        self.ask_of_others(context, act);
    }

    /// The call that was made for the caller; or there is none, for this reason.
    pub(crate) fn connecting(&mut self, context: &mut Context, made: Result<CallId, u16>, now: Now) {
        match (made, &mut self.endpoint) {
            (Ok(call), Some(endpoint)) => endpoint.made = vec![call],
            (Ok(_), None) => {}
            (Err(code), _) => self.dialled_in_vain(context, code, now),
        }
    }

    /// News of the call that was made for the caller. False for news of anything else.
    pub(super) fn is_told_of_dialled(
        &mut self,
        context: &mut Context,
        to: CallId,
        code: u16,
        now: Now,
    ) -> bool {
        let ours = self.endpoint.as_ref().is_some_and(|e| e.made.contains(&to));
        if ours && code >= 300 {
            if let Some(endpoint) = &mut self.endpoint {
                endpoint.made.clear();
            }
            self.dialled_in_vain(context, code, now);
        }
        ours
    }

    fn dialled_in_vain(&mut self, context: &mut Context, code: u16, now: Now) {
        if self.phase == Phase::Answered {
            let refusal = match code {
                404 => Refusal::UnknownNumber,
                code => super::record::refusal_of(std::iter::once(code), true),
            };
            self.advance(context, Event::Unanswered(refusal), now);
        }
    }

    /// The caller is gone: calls that were made for him are not needed.
    pub(super) fn forsake_made(&mut self, context: &mut Context) {
        let made = self.endpoint.as_mut().map(|e| std::mem::take(&mut e.made));
        for call in made.into_iter().flatten() {
            self.ask_of_others(context, Act::Abandon { call });
        }
    }
}

/// When a program should be over by far, milliseconds; `None` for one without an end.
fn guard_ms(service: &Service) -> Option<u64> {
    let list = match service {
        Service::Play { list, .. } if list.times > 0 => list,
        _ => return None,
    };
    let item = |item: &Item| match item {
        Item::Silence { ms: 0 } | Item::Tone { ms: 0, .. } => None,
        Item::Silence { ms } | Item::Tone { ms, .. } => Some(u64::from(*ms)),
        Item::Sound(Sound::Prompt { .. }) => Some(LONGEST_SOUND_MS),
        Item::Sound(Sound::Recording(_)) => Some(LONGEST_RECORDING_MS),
        Item::Sound(Sound::Own(own)) => Some(own.ms.into()),
    };
    let once = list
        .items
        .iter()
        .try_fold(LONGEST_SOUND_MS, |sum, one| Some(sum.saturating_add(item(one)?)))?;
    Some(once.saturating_mul(list.times.into()).min(LONGEST_PROGRAM_MS))
}
