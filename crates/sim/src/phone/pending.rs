//! What a phone's call waits for: the refresh of its session, the PRACK to its response.

use sip::Message;
use sip::header::Refresher;
use std::time::Duration;

/// What a phone has agreed about the refreshing of a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionTimer {
    pub(super) next: Duration,
    pub(super) interval: u32,
    pub(super) we_refresh: bool,
}

impl SessionTimer {
    pub(super) fn new(interval: u32, we_refresh: bool, now: Duration) -> SessionTimer {
        let whole = Duration::from_secs(interval.into());
        let wait = if we_refresh { whole / 2 } else { whole };
        SessionTimer {
            next: now + wait,
            interval,
            we_refresh,
        }
    }

    /// What a 2xx to our request says; our wish says whether we know timers.
    pub(super) fn as_uac(message: &Message<'_>, wish: u32, now: Duration) -> Option<SessionTimer> {
        let told = message.session_expires().filter(|_| wish > 0)?;
        let we_refresh = told.refresher != Some(Refresher::Uas);
        Some(SessionTimer::new(told.seconds, we_refresh, now))
    }
}

/// A reliable response of ours on its way.
#[derive(Clone, Debug)]
pub(super) struct Provisional {
    pub(super) rseq: u32,
    pub(super) bytes: Vec<u8>,
    pub(super) next: Duration,
    pub(super) interval: Duration,
    pub(super) deadline: Duration,
}
