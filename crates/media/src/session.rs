//! One call: its legs, its engine, and the watch over their silence.
//!
//! Does not own: ports and effects.

use crate::engine::Engine;
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

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: MediaSessionId,
    /// Opens that still wait for an answer.
    pub(crate) waiting: u32,
    pub(crate) caller: LegState,
    pub(crate) callee: LegState,
    /// There is the caller's leg alone.
    pub(crate) is_alone: bool,
    /// What is done with the legs' sound, where it is more than to relay it.
    pub(crate) engine: Box<Engine>,
    pub(crate) recorders: Recorders,
    pub(crate) forks: Forks,
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
        Session {
            id,
            waiting: 1,
            caller: LegState::new(ips.0),
            callee: LegState::new(ips.1),
            is_alone: engine.is_alone(),
            engine: Box::new(engine),
            recorders: Recorders::default(),
            forks: Forks::default(),
            silence: Duration::from_secs(u64::from(silence_s)),
            watch: Watch::Off,
            heard: Duration::ZERO,
        }
    }

    pub(crate) fn leg(&mut self, leg: Leg) -> &mut LegState {
        self.near_and_far(leg).0
    }

    /// The leg named and the one opposite.
    pub(crate) fn near_and_far(&mut self, leg: Leg) -> (&mut LegState, &mut LegState) {
        match leg {
            Leg::Caller => (&mut self.caller, &mut self.callee),
            Leg::Callee => (&mut self.callee, &mut self.caller),
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.caller.ready && (self.callee.ready || self.is_alone)
    }

    pub(crate) fn heard(&mut self, now: Duration) {
        self.heard = now;
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
}

/// Makes an opened packet of one leg ready for the other one, and says how it gets there.
#[inline]
pub(crate) fn pass_on(
    (near, far): (&mut LegState, &mut LegState),
    control: bool,
    (buffer, len): (&mut [u8], usize),
) -> Option<Forward> {
    let rtp_to = far.latch.rtp_to();
    let to = if control { far.latch.rtcp_to() } else { rtp_to };
    let forward = match (to, far.pair) {
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
