//! One call: its legs, its engine, the watch over their silence, and when it wants care.
//!
//! Does not own: ports and effects.

use crate::diagnose::{Checks, Evidence};
use crate::engine::{Beat, Engine};
use crate::feedback;
use crate::fork::Forks;
use crate::leg::LegState;
use crate::ports::PairId;
use crate::record::Recorders;
use model::{Leg, MediaSessionId};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Send what is now in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// By the sockets of this pair,
    pub pair: PairId,
    /// by its RTCP socket when true, else its RTP socket,
    pub rtcp: bool,
    /// to this address,
    pub to: SocketAddr,
    /// so many octets.
    pub len: usize,
}

/// What a session carries, and between whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    /// Sound between two legs.
    Sound,
    /// Sound of the caller's leg alone.
    SoundAlone,
    /// Pictures between two legs: RTP that nobody looks into.
    Pictures,
    /// Datagrams of a fax between two legs.
    Fax,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: MediaSessionId,
    /// Opens that still wait for an answer.
    pub(crate) waiting: u32,
    pub(crate) caller: LegState,
    pub(crate) callee: LegState,
    pub(crate) carries: Carries,
    /// It is a call for help.
    pub(crate) urgent: bool,
    /// What is done with the legs' sound, where it is more than to relay it.
    pub(crate) engine: Box<Engine>,
    /// Which ticks it has.
    pub(crate) beat: Beat,
    pub(crate) recorders: Recorders,
    pub(crate) forks: Forks,
    pub(crate) checks: Checks,
    /// When it is noted to be due for a diagnosis or a report.
    pub(crate) care: Option<Duration>,
    silence: Duration,
    watch: Watch,
    /// When the last believed packet came.
    heard: Duration,
}

/// The silence timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    /// Not answered yet.
    Off,
    /// On hold: silence is expected.
    Paused,
    /// Runs; looked at when `due`.
    Running { due: Duration },
    /// Reported.
    Fired,
}

/// What a look at the silence timer found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Look again then.
    Later(Duration),
    /// Silent for the configured time.
    Reached,
    /// The timer does not run, or another look is due.
    Nothing,
}

impl Session {
    pub(crate) fn new(id: MediaSessionId, ips: (IpAddr, IpAddr), silence_s: u32, engine: Engine) -> Session {
        let carries = match engine.is_alone() {
            true => Carries::SoundAlone,
            false => Carries::Sound,
        };
        Session {
            id,
            waiting: 1,
            caller: LegState::new(ips.0),
            callee: LegState::new(ips.1),
            carries,
            urgent: false,
            engine: Box::new(engine),
            beat: Beat::Never,
            recorders: Recorders::default(),
            forks: Forks::default(),
            checks: Checks::default(),
            care: None,
            silence: Duration::from_secs(u64::from(silence_s)),
            watch: Watch::Off,
            heard: Duration::ZERO,
        }
    }

    pub(crate) fn leg(&mut self, leg: Leg) -> &mut LegState {
        self.near_and_far(leg).0
    }

    /// The same, to look at.
    pub(crate) fn state(&self, leg: Leg) -> &LegState {
        match leg {
            Leg::Caller => &self.caller,
            Leg::Callee => &self.callee,
        }
    }

    /// The leg named and the one opposite.
    pub(crate) fn near_and_far(&mut self, leg: Leg) -> (&mut LegState, &mut LegState) {
        match leg {
            Leg::Caller => (&mut self.caller, &mut self.callee),
            Leg::Callee => (&mut self.callee, &mut self.caller),
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.caller.ready && (self.callee.ready || self.carries == Carries::SoundAlone)
    }

    /// True for what may be judged, recorded and played to.
    pub(crate) fn is_sound(&self) -> bool {
        matches!(self.carries, Carries::Sound | Carries::SoundAlone)
    }

    pub(crate) fn heard(&mut self, now: Duration) {
        self.heard = now;
    }

    /// Which ticks recordings and forks want: a file can wait.
    pub(crate) fn listened(&self) -> Beat {
        match (self.recorders.is_empty(), self.forks.is_empty()) {
            (_, false) => Beat::Each,
            (false, true) => Beat::Rows,
            (true, true) => Beat::Never,
        }
    }

    /// What was seen of caller and callee.
    pub(crate) fn evidence(&self) -> [Evidence; 2] {
        [self.caller.evidence(), self.callee.evidence()]
    }

    /// When a diagnosis or a report is due.
    pub(crate) fn care_due(&self) -> Option<Duration> {
        let reports = [self.caller.report_due(), self.callee.report_due()];
        reports.into_iter().chain([self.checks.due()]).flatten().min()
    }

    /// Takes a leg's RTCP in, which goes on to the other one unless the engine stands between them.
    pub(crate) fn report(&mut self, leg: Leg, datagram: &mut [u8], now: Duration) {
        let (near, far) = self.near_and_far(leg);
        let reported = near.hear(datagram, now);
        if !near.taken {
            near.unsplice(datagram);
            let stream = (&far.feedback, far.stream());
            feedback::pass(&mut near.feedback, stream, datagram, now);
        }
        if let Some(reported) = reported {
            self.engine.reported(leg, reported, now);
        }
    }

    /// A packet on a leg's port was dropped; perhaps it is the other phone's.
    #[cold]
    pub(crate) fn crossed(&mut self, leg: Leg, from: SocketAddr) {
        let (near, far) = self.near_and_far(leg);
        if !near.latch.expects_host(from.ip()) {
            far.misplaced(from);
        }
    }

    /// When the silence timer is due.
    pub(crate) fn due(&self) -> Option<Duration> {
        match self.watch {
            Watch::Running { due } => Some(due),
            Watch::Off | Watch::Paused | Watch::Fired => None,
        }
    }

    /// Starts, resumes or pauses the timer. What it is already, it stays.
    pub(crate) fn watch(&mut self, hold: bool, now: Duration) {
        self.watch = match self.watch {
            _ if self.silence.is_zero() => Watch::Off,
            _ if hold => Watch::Paused,
            Watch::Running { due } => Watch::Running { due },
            Watch::Fired => Watch::Fired,
            Watch::Off | Watch::Paused => Watch::Running {
                due: now.saturating_add(self.silence),
            },
        };
    }

    /// Looks at the timer that was due at `due`. Packets don't move timers; the look sees what came.
    pub(crate) fn look(&mut self, due: Duration, now: Duration) -> Silence {
        if self.due() != Some(due) {
            return Silence::Nothing;
        }
        let next = self.heard.saturating_add(self.silence);
        if next <= now {
            self.watch = Watch::Fired;
            return Silence::Reached;
        }
        self.watch = Watch::Running { due: next };
        Silence::Later(next)
    }

    /// Makes an opened packet of a leg ready for the other one, and says how it gets there. Pictures keep their sources: there
    /// may be several at a time.
    #[inline]
    pub(crate) fn pass_on(
        &mut self,
        leg: Leg,
        control: bool,
        (buffer, len): (&mut [u8], usize),
        now: Duration,
    ) -> Option<Forward> {
        let is_one_stream = self.carries != Carries::Pictures;
        let (near, far) = self.near_and_far(leg);
        let rtp_to = far.latch.rtp_to();
        let to = if control { far.latch.rtcp_to() } else { rtp_to };
        let packet = buffer.get_mut(..len)?;
        if control {
            far.splice_control(packet);
        }
        let forward = match (to, far.pair) {
            (Some(_), _) if !control && is_one_stream && !far.splice(packet, now) => None,
            (Some(to), Some(pair)) if far.ready => far.prepare(control, buffer, len).map(|len| Forward {
                pair,
                // With rtcp-mux both have one address, and one socket (RFC 5761).
                rtcp: control && Some(to) != rtp_to,
                to,
                len,
            }),
            _ => None,
        };
        if forward.is_none() && !control {
            near.unrouted();
        }
        forward
    }
}
