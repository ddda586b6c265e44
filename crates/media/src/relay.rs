//! The relay: sessions by id for commands, by port pair for packets.
//!
//! Owns: what a command and a packet lead to. Does not own: the rules inside a leg (`latch`), and ports (`ports`).

mod care;
mod process;
mod recorded;
mod rooms;
mod serve;
mod streams;
mod ticks;
mod web;

use crate::effect::Effect;
use crate::engine::{Beat, Scratch};
use crate::ports::{PairId, PortRange, Ports};
use crate::room::Rooms;
use crate::secure::DtlsSource;
pub use crate::session::Forward;
use crate::session::{Carries, Session, Silence};
use model::{Leg, MediaCommand, MediaReport, MediaSessionId};
pub use process::Frame;
use rtp::{Protocol, protocol};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;
use ticks::Ticks;

/// Pairs that one leg tries before its session is refused.
const MAX_BIND_FAILURES: u8 = 8;

/// Figures of one relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelayCounts {
    /// Sessions that exist.
    pub sessions: usize,
    /// Pairs that sessions hold, also while they are being bound.
    pub pairs_used: usize,
    /// Pairs whose sockets are open.
    pub pairs_bound: usize,
    /// Packets forwarded since start.
    pub forwarded: u64,
    /// Packets that came on a pair that no session holds.
    pub unclaimed: u64,
    /// Sessions whose sound goes through the engine.
    pub ticking: usize,
    /// Ticks since start.
    pub ticks: u64,
    /// See [`Relay::late_ticks`].
    pub late_ticks: u64,
    /// Rooms that sessions are in.
    pub rooms: usize,
    /// Sessions that are in one.
    pub seated: usize,
    /// Sessions that found no place in a room since start.
    pub unseated: u64,
    /// Frames of other relays that came too many since start.
    pub room_frames_dropped: u64,
}

/// Who has a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// Nobody.
    Free,
    /// A leg, once it is bound.
    Binding { slot: usize, leg: Leg },
    /// A leg that is gone, while it is being bound.
    Orphan,
    /// A leg.
    Leg { slot: usize, leg: Leg },
}

/// See the crate's documentation for the contract.
#[derive(Debug)]
pub struct Relay {
    ports: Ports,
    /// By pair.
    owners: Vec<Owner>,
    /// By slot.
    sessions: Vec<Option<Session>>,
    vacant: Vec<usize>,
    slots: HashMap<MediaSessionId, usize>,
    /// When to look at which session's silence timer.
    looks: BTreeSet<(Duration, usize)>,
    ticks: Ticks,
    /// Those of a tick, while it lasts.
    turn: Vec<usize>,
    /// When which session is to be diagnosed or reported about.
    care: BTreeSet<(Duration, usize)>,
    scratch: Scratch,
    /// When to look at which leg's ICE and DTLS: true = the callee's.
    deadlines: BTreeSet<(Duration, usize, bool)>,
    dtls: Option<Box<dyn DtlsSource>>,
    rooms: Rooms,
    frames: VecDeque<Frame>,
    /// Where the sources of our packets come from.
    seed: u64,
    effects: VecDeque<Effect>,
    forwarded: u64,
    unclaimed: u64,
}

impl Relay {
    /// A relay that takes its ports from `range` on every address it is asked for. Ranges of relays on one
    /// machine must not overlap, see [`PortRange::share`].
    #[must_use]
    pub fn new(range: PortRange) -> Relay {
        Relay {
            ports: Ports::new(range),
            owners: Vec::new(),
            sessions: Vec::new(),
            vacant: Vec::new(),
            slots: HashMap::new(),
            looks: BTreeSet::new(),
            ticks: Ticks::default(),
            turn: Vec::new(),
            care: BTreeSet::new(),
            scratch: Scratch::default(),
            deadlines: BTreeSet::new(),
            dtls: None,
            rooms: Rooms::default(),
            frames: VecDeque::new(),
            seed: 0,
            effects: VecDeque::new(),
            forwarded: 0,
            unclaimed: 0,
        }
    }

    /// Takes what makes the sources of our packets differ from those of another node, or life; random.
    pub fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// Carries out a command.
    pub fn handle_command(&mut self, command: &MediaCommand, now: Duration) {
        self.catch_up_with(command.session());
        match command {
            MediaCommand::Open {
                session,
                caller_ip,
                callee_ip,
                silence_s,
                urgent,
            } => {
                let engine = self.engine(*session);
                let mut session = Session::new(*session, (*caller_ip, *callee_ip), *silence_s, engine);
                session.urgent = *urgent;
                self.open(session, now);
            }
            MediaCommand::OpenStream {
                session,
                stream,
                caller_ip,
                callee_ip,
                silence_s,
            } => self.open_stream((*session, *stream), (*caller_ip, *callee_ip), *silence_s, now),
            MediaCommand::Reopen {
                session,
                caller,
                callee,
                silence_s,
            } => {
                let engine = self.engine(*session);
                let mut session = Session::new(*session, (caller.ip(), callee.ip()), *silence_s, engine);
                session.caller.wish = Some(*caller);
                session.callee.wish = Some(*callee);
                self.open(session, now);
            }
            MediaCommand::Remote { .. } => self.remote(command, now),
            MediaCommand::Serve {
                session,
                ip,
                silence_s,
                ssrc,
            } => self.serve(*session, *ip, *silence_s, *ssrc, now),
            MediaCommand::Play {
                session,
                leg,
                id,
                program,
                over,
            } => self.engage(*session, now, |engine| {
                engine.play(*leg, (*id, program.as_ref()), *over, now);
            }),
            MediaCommand::Dial { session, leg, digits } => self.engage(*session, now, |engine| {
                engine.dial(*leg, digits);
            }),
            MediaCommand::Listen {
                session,
                leg,
                signals,
            } => self.engage(*session, now, |engine| engine.set_signals(*leg, *signals)),
            MediaCommand::Mask { session, leg, on } => self.mask(*session, *leg, *on, now),
            MediaCommand::Record {
                session,
                recording,
                act,
            } => self.record(*session, *recording, act, now),
            MediaCommand::Fork { session, fork, act } => self.fork(*session, *fork, act, now),
            MediaCommand::Join { session, seats } => self.join(*session, seats.as_ref(), now),
            MediaCommand::Watch { session, hold, quiet } => self.watch(*session, *hold, *quiet, now),
            MediaCommand::Close { session } => self.close(*session, now),
        }
    }

    /// The shell's answer to [`Effect::Bind`]. One that nobody waits for is ignored.
    pub fn bound(&mut self, pair: PairId, ok: bool, now: Duration) {
        let owner = self.owner(pair);
        let (Owner::Binding { .. } | Owner::Orphan) = owner else {
            return;
        };
        if ok {
            self.ports.set_bound(pair);
        } else {
            self.ports.failed(pair, now);
        }
        self.set_owner(pair, Owner::Free);
        match owner {
            Owner::Binding { slot, leg } if ok => self.ready(slot, leg, pair),
            Owner::Binding { slot, leg } => self.retry(slot, leg, now),
            _ if ok => self.ports.free(pair, now),
            _ => {}
        }
    }

    /// Takes the packet in the first `len` octets of `buffer` that came on a pair: on its RTCP socket when `rtcp`, from
    /// `from`. Gives what to send on, which is in the buffer then. Behind the packet there should be [`ROOM`].
    pub fn handle_packet(
        &mut self,
        pair: PairId,
        rtcp: bool,
        from: SocketAddr,
        (buffer, len): (&mut [u8], usize),
        now: Duration,
    ) -> Option<Forward> {
        let packet = buffer.get_mut(..len)?;
        let owner = self.owners.get(pair.index()).copied();
        let Some(Owner::Leg { slot, leg }) = owner else {
            self.unclaimed = self.unclaimed.saturating_add(1);
            return None;
        };
        let from = crate::latch::plain(from);
        if self.ports.is_own(from) && !self.expects(pair, from) {
            // Two calls that describe each other's ports would pass it on for ever.
            self.refuse_packet(pair);
            return None;
        }
        let kind = protocol(packet);
        let web = matches!(kind, Protocol::Stun | Protocol::Dtls);
        if web && self.handle_web((slot, leg), (rtcp, from), packet, now) {
            return None;
        }
        let session = self.sessions.get_mut(slot)?.as_mut()?;
        if matches!(session.carries, Carries::SoundAlone | Carries::Fax) {
            return self.take_apart((slot, leg), (pair, rtcp), from, packet, now);
        }
        let near = session.leg(leg);
        let (opened, control) = match kind {
            Protocol::Rtp if !rtcp => (near.receive_rtp(from, packet, now), false),
            Protocol::Rtcp => (near.receive_rtcp(from, packet), true),
            _ => (near.lost_its_way(kind, from), false),
        };
        let Some(len) = opened else {
            session.crossed(leg, from);
            return None;
        };
        if control {
            session.report(leg, packet.get_mut(..len)?, now);
        }
        if session.leg(leg).is_for_engine(packet) {
            return self.take_or_pass((slot, leg), control, (buffer, len), now);
        }
        let forward = session.pass_on(leg, control, (buffer, len), now);
        session.heard(now);
        self.forwarded = self.forwarded.saturating_add(u64::from(forward.is_some()));
        forward
    }

    /// True where a packet from another port of this node is due: the other end of the leg is another call of the same server, whose
    /// descriptions nobody else could have made. All others could run in circles.
    #[must_use]
    pub fn expects(&self, pair: PairId, from: SocketAddr) -> bool {
        let Owner::Leg { slot, leg } = self.owner(pair) else {
            return false;
        };
        let session = self.sessions.get(slot).and_then(Option::as_ref);
        session.is_some_and(|session| {
            session
                .state(leg)
                .latch
                .is_due_from_own(crate::latch::plain(from))
        })
    }

    /// Counts a packet that the shell knows to come from another relay of this node, and drops it.
    pub fn refuse_packet(&mut self, pair: PairId) {
        let owner = self.owners.get(pair.index()).copied();
        if let Some(Owner::Leg { slot, leg }) = owner
            && let Some(Some(session)) = self.sessions.get_mut(slot)
        {
            session.leg(leg).stray();
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.handle_ticks(now);
        self.web_is_due(now);
        self.take_care(now);
        while let Some(&(due, slot)) = self.looks.first().filter(|(due, _)| *due <= now) {
            self.looks.pop_first();
            let Some(Some(session)) = self.sessions.get_mut(slot) else {
                continue;
            };
            match session.look(due, now) {
                Silence::Later(next) => drop(self.looks.insert((next, slot))),
                Silence::Reached => {
                    let report = MediaReport::Silent { session: session.id };
                    self.effects.push_back(Effect::Report(report));
                }
                Silence::Nothing => {}
            }
        }
    }

    /// When [`Relay::handle_timeout`] must be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let look = self.looks.first().map(|(due, _)| *due);
        let web = self.deadlines.first().map(|(due, ..)| *due);
        let care = self.care.first().map(|(due, _)| *due);
        [look, web, care, self.ticks.due()].into_iter().flatten().min()
    }

    /// What the shell has to do next.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Figures for whoever watches. Walks the pairs; not for every packet.
    #[must_use]
    pub fn counts(&self) -> RelayCounts {
        let rooms = self.rooms.counts();
        RelayCounts {
            sessions: self.slots.len(),
            pairs_used: self.ports.made().saturating_sub(self.ports.idle()),
            pairs_bound: self.ports.bound(),
            forwarded: self.forwarded,
            unclaimed: self.unclaimed,
            ticking: self.ticks.len(),
            ticks: self.ticks.made,
            late_ticks: self.ticks.late,
            rooms: rooms.rooms,
            seated: rooms.members,
            unseated: rooms.refused,
            room_frames_dropped: rooms.dropped,
        }
    }

    fn open(&mut self, new: Session, now: Duration) {
        if let Some(slot) = self.repeated(new.id) {
            return self.announce(slot);
        }
        let slot = self.keep(new);
        if self.acquire(slot, Leg::Caller, now) && self.acquire(slot, Leg::Callee, now) {
            self.announce(slot);
        } else {
            self.refuse(slot, now);
        }
    }

    /// The slot of a session that there is already: one more answer is wanted.
    fn repeated(&mut self, id: MediaSessionId) -> Option<usize> {
        let slot = self.slots.get(&id).copied()?;
        if let Some(Some(session)) = self.sessions.get_mut(slot) {
            session.waiting = session.waiting.saturating_add(1);
        }
        Some(slot)
    }

    fn keep(&mut self, session: Session) -> usize {
        let slot = self.vacant.pop().unwrap_or(self.sessions.len());
        self.slots.insert(session.id, slot);
        match self.sessions.get_mut(slot) {
            Some(place) => *place = Some(session),
            None => self.sessions.push(Some(session)),
        }
        slot
    }

    /// Finds a pair for a leg; false when none is left. The pair may still have to be bound.
    fn acquire(&mut self, slot: usize, leg: Leg, now: Duration) -> bool {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return false;
        };
        let urgent = session.urgent;
        let state = session.leg(leg);
        let wished = state.wish.take().and_then(|at| self.ports.take_this(at));
        let Some(pair) = wished.or_else(|| self.ports.take(state.ip, urgent, now)) else {
            return false;
        };
        state.pair = Some(pair);
        state.ready = self.ports.is_bound(pair);
        if state.ready {
            self.set_owner(pair, Owner::Leg { slot, leg });
        } else if let Some(address) = self.ports.address(pair) {
            self.effects.push_back(Effect::Bind {
                pair,
                ip: address.ip(),
                rtp_port: address.port(),
            });
            self.set_owner(pair, Owner::Binding { slot, leg });
        }
        true
    }

    fn ready(&mut self, slot: usize, leg: Leg, pair: PairId) {
        self.set_owner(pair, Owner::Leg { slot, leg });
        if let Some(Some(session)) = self.sessions.get_mut(slot) {
            session.leg(leg).ready = true;
        }
        self.announce(slot);
    }

    fn retry(&mut self, slot: usize, leg: Leg, now: Duration) {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let state = session.leg(leg);
        state.pair = None;
        state.failures = state.failures.saturating_add(1);
        if state.failures >= MAX_BIND_FAILURES || !self.acquire(slot, leg, now) {
            self.refuse(slot, now);
        } else {
            self.announce(slot);
        }
    }

    /// Answers every waiting Open once both legs are ready.
    fn announce(&mut self, slot: usize) {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let address = |pair: Option<PairId>| pair.and_then(|p| self.ports.address(p));
        if !session.is_ready() {
            return;
        }
        let Some(caller) = address(session.caller.pair) else {
            return;
        };
        let id = session.id;
        let report = match (address(session.callee.pair), session.engine.is_alone()) {
            (_, true) => MediaReport::Serving {
                session: id,
                address: caller,
            },
            (Some(callee), false) => MediaReport::Opened {
                session: id,
                caller,
                callee,
            },
            (None, false) => return,
        };
        for _ in 0..std::mem::take(&mut session.waiting) {
            self.effects.push_back(Effect::Report(report.clone()));
        }
    }

    fn refuse(&mut self, slot: usize, now: Duration) {
        let _ = self.remove(slot, now);
    }

    /// Takes a session out: its pairs return, its waiting Opens are refused.
    fn remove(&mut self, slot: usize, now: Duration) -> Option<Session> {
        self.catch_up(slot);
        let mut session = self.sessions.get_mut(slot)?.take()?;
        session.recorders.close(session.id, &mut self.effects);
        session.forks.close(session.id, &mut self.effects);
        self.vacant.push(slot);
        self.slots.remove(&session.id);
        if let Some(due) = session.due() {
            self.looks.remove(&(due, slot));
        }
        self.rooms.leave(slot, None, &mut self.effects);
        if let Some(due) = session.care {
            self.care.remove(&(due, slot));
        }
        self.ticks.set(slot, Beat::Never, now);
        let armed = [&session.caller, &session.callee].map(|leg| leg.secure.as_ref().and_then(|s| s.armed));
        self.disarm_web(slot, armed);
        for pair in [session.caller.pair, session.callee.pair].into_iter().flatten() {
            match self.owner(pair) {
                Owner::Binding { .. } => self.set_owner(pair, Owner::Orphan),
                Owner::Leg { .. } => {
                    self.set_owner(pair, Owner::Free);
                    self.ports.free(pair, now);
                }
                Owner::Free | Owner::Orphan => {}
            }
        }
        for _ in 0..session.waiting {
            self.effects
                .push_back(Effect::Report(MediaReport::Refused { session: session.id }));
        }
        Some(session)
    }

    fn close(&mut self, id: MediaSessionId, now: Duration) {
        let session = self
            .slots
            .get(&id)
            .copied()
            .and_then(|slot| self.remove(slot, now));
        let (caller, callee) = session.map_or_else(Default::default, |s| care::accounts(&s));
        self.effects.push_back(Effect::Report(MediaReport::Closed {
            session: id,
            caller: Box::new(caller),
            callee: Box::new(callee),
        }));
    }

    fn watch(&mut self, id: MediaSessionId, hold: bool, quiet: [bool; 2], now: Duration) {
        let Some(slot) = self.slots.get(&id).copied() else {
            return;
        };
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let before = session.due();
        session.watch(hold, now);
        let after = session.due();
        if before != after {
            before.map(|due| self.looks.remove(&(due, slot)));
            after.map(|due| self.looks.insert((due, slot)));
        }
        self.tend(slot, |session| {
            if !session.is_sound() {
                return;
            }
            let before = [session.caller.quiet, session.callee.quiet];
            [session.caller.quiet, session.callee.quiet] = quiet;
            session.engine.hush(quiet);
            session.checks.watch(hold, session.evidence(), now);
            // Other audio is due than before.
            if before != quiet {
                session.checks.moved(session.evidence(), now);
            }
        });
    }

    fn session(&mut self, id: MediaSessionId) -> Option<&mut Session> {
        let slot = self.slots.get(&id)?;
        self.sessions.get_mut(*slot)?.as_mut()
    }

    fn owner(&self, pair: PairId) -> Owner {
        self.owners.get(pair.index()).copied().unwrap_or(Owner::Free)
    }

    fn set_owner(&mut self, pair: PairId, owner: Owner) {
        if self.owners.len() <= pair.index() {
            self.owners.resize(pair.index().saturating_add(1), Owner::Free);
        }
        if let Some(place) = self.owners.get_mut(pair.index()) {
            *place = owner;
        }
    }
}
