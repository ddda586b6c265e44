//! Why the audio of a leg does not arrive, from what was seen of it.
//!
//! Owns: the judgement, and when a session is judged. Does not own: counting.
//!
//! Audio is given two and a half seconds from when it is due: the answer, the end of hold, or a new address. Then each leg is
//! judged by what came since, and, where something is wrong, once a second until it is not.

use model::{AudioFault, AudioTrouble, Leg};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Audio is due: so long it may take. A packet comes each 20 ms, and what is wrong is to be known within three seconds.
const GRACE: Duration = Duration::from_millis(2_500);
/// Time between looks at a leg with a fault.
const AGAIN: Duration = Duration::from_secs(1);

/// What was seen of one leg since its audio was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Audio packets that were believed.
    pub received: u64,
    /// Packets that did not authenticate.
    pub refused: u64,
    /// Packets from hosts that nobody named.
    pub strangers: u64,
    /// Audio from a host of this leg on a port that is not for it.
    pub misplaced: u64,
    /// What is neither RTP nor RTCP.
    pub foreign: u64,
    /// RTP address of its last description that had one.
    pub described: Option<SocketAddr>,
    /// Where its signalling comes from.
    pub signalling: Option<IpAddr>,
    /// Where audio for it is sent.
    pub address: Option<SocketAddr>,
    /// Its last description has no address: it is on hold.
    pub held: bool,
    /// It says that it sends nothing.
    pub quiet: bool,
    /// What keeps ICE and DTLS from being done, where the leg speaks so.
    pub web: Option<AudioFault>,
    /// Where the last stray packet came from.
    pub stray: Option<SocketAddr>,
}

/// What is wrong with a leg, if anything. `other` is the leg that its audio goes to.
#[must_use]
pub fn diagnose(own: &Evidence, other: &Evidence) -> Option<AudioFault> {
    if own.held && own.described.is_some() {
        return None;
    }
    if own.web.is_some() {
        // Until that is done nothing goes either way.
        return own.web;
    }
    if own.received > 0 || own.quiet {
        let unheard = own.address.is_none() && other.received > 0;
        return unheard.then_some(AudioFault::NoAddress);
    }
    Some(match own {
        Evidence { refused: 1.., .. } => AudioFault::WrongKeys,
        Evidence { misplaced: 1.., .. } => AudioFault::WrongPort,
        Evidence { strangers: 1.., .. } => AudioFault::UnexpectedHost,
        Evidence { foreign: 1.., .. } => AudioFault::NotAudio,
        Evidence { described: None, .. } => AudioFault::NoAddress,
        Evidence {
            described: Some(at), ..
        } if is_private(at.ip()) && own.signalling != Some(at.ip()) => AudioFault::PrivateAddress,
        _ => AudioFault::NothingReceived,
    })
}

/// Addresses that mean something else in every network (RFC 1918, 3927, 4193, 4291 §2.5.6, 6598), and this host.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            let shared = first == 100 && second & 0xC0 == 64;
            ip.is_private() || ip.is_link_local() || ip.is_loopback() || shared
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

/// When a session is judged, and what was found.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    state: State,
    /// Caller's and callee's counts when audio was due.
    before: [Evidence; 2],
    troubles: Vec<AudioTrouble>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Not answered, or on hold.
    #[default]
    Off,
    /// To be looked at then.
    Due(Duration),
    /// All is well.
    Well,
}

impl Checks {
    /// When the next look is due.
    pub(crate) fn due(&self) -> Option<Duration> {
        match self.state {
            State::Due(due) => Some(due),
            State::Off | State::Well => None,
        }
    }

    /// The call is up, or put on hold. Said again it changes nothing.
    pub(crate) fn watch(&mut self, hold: bool, seen: [Evidence; 2], now: Duration) {
        match (hold, self.state) {
            (true, _) => self.state = State::Off,
            (false, State::Off) => self.begin(seen, now),
            (false, State::Due(_) | State::Well) => {}
        }
    }

    /// A leg has another address.
    pub(crate) fn moved(&mut self, seen: [Evidence; 2], now: Duration) {
        if self.state != State::Off {
            self.begin(seen, now);
        }
    }

    fn begin(&mut self, seen: [Evidence; 2], now: Duration) {
        self.before = seen;
        self.state = State::Due(now.saturating_add(GRACE));
    }

    /// Looks at a session if that is due; `served` where there is no callee. Gives what is wrong now if that is not what was
    /// wrong before.
    pub(crate) fn look(
        &mut self,
        now: Duration,
        seen: [Evidence; 2],
        served: bool,
    ) -> Option<Vec<AudioTrouble>> {
        self.due().filter(|due| *due <= now)?;
        let [caller, callee] = self.since(seen);
        let trouble = |leg: Leg, own: Evidence, other: Evidence| {
            let fault = diagnose(&own, &other)?;
            let (from, healed) = (own.stray, false);
            Some(AudioTrouble {
                leg,
                fault,
                from,
                healed,
            })
        };
        let first = trouble(Leg::Caller, caller, callee);
        let second = trouble(Leg::Callee, callee, caller).filter(|_| !served);
        let found: Vec<AudioTrouble> = first.into_iter().chain(second).collect();
        self.state = match found.is_empty() {
            true => State::Well,
            false => State::Due(now.saturating_add(AGAIN)),
        };
        let what = |trouble: &AudioTrouble| (trouble.leg, trouble.fault);
        let changed = !found.iter().map(what).eq(self.troubles.iter().map(what));
        self.troubles.clone_from(&found);
        changed.then_some(found)
    }

    /// What was seen since audio was due.
    fn since(&self, seen: [Evidence; 2]) -> [Evidence; 2] {
        let less = |now: Evidence, before: Evidence| Evidence {
            received: now.received.saturating_sub(before.received),
            refused: now.refused.saturating_sub(before.refused),
            strangers: now.strangers.saturating_sub(before.strangers),
            misplaced: now.misplaced.saturating_sub(before.misplaced),
            foreign: now.foreign.saturating_sub(before.foreign),
            ..now
        };
        let ([caller, callee], [caller_before, callee_before]) = (seen, self.before);
        [less(caller, caller_before), less(callee, callee_before)]
    }
}
