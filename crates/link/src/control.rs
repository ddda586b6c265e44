//! The end of those who have calls.

use crate::frame::{Body, CommandFrame, ReportFrame};
use crate::side::Side;
use crate::stream::Stream;
use model::{MediaCommand, MediaReport, MediaSessionId, TenantId};
use std::collections::VecDeque;
use std::time::Duration;

/// Says commands and hears reports, for any number of tenants.
pub struct Control {
    side: Side<MediaCommand, MediaReport>,
    reports: VecDeque<MediaReport>,
    /// Sessions begun.
    turns: u64,
}

impl Default for Control {
    fn default() -> Control {
        Control::new()
    }
}

impl Control {
    /// An end without sessions.
    #[must_use]
    pub fn new() -> Control {
        Control {
            side: Side::new(),
            reports: VecDeque::new(),
            turns: 0,
        }
    }

    /// Says a command of a tenant, whose owner has this epoch. One about a session that was not begun, or has ended, is nobody's;
    /// only the end may be said once more.
    pub fn say(&mut self, command: MediaCommand, epoch: u64, now: Duration) {
        let session = command.session();
        let closes = matches!(command, MediaCommand::Close { .. });
        let known = self
            .side
            .get(session)
            .map(|stream| (stream.term.0, stream.is_over));
        // One that is closed and comes again before all has been heard of that is another one.
        let goes_on = known.is_some_and(|(known, is_over)| known >= epoch && !(is_over && command.opens()));
        if !goes_on && (command.opens() || closes) {
            self.turns = self.turns.saturating_add(1);
            let stream = Stream::new((epoch, self.turns), 0, now);
            self.side.insert(session, stream);
        }
        if closes && let Some(stream) = self.side.get(session) {
            stream.is_over = true;
        }
        self.side.say(session, command, now);
    }

    /// Hears a frame of the media plane.
    pub fn hear(&mut self, frame: ReportFrame, now: Duration) {
        let session = frame.session;
        let Some(stream) = self.side.get(session).filter(|s| s.term == frame.term()) else {
            if frame.body != Body::Gone {
                self.side.push(frame.gone());
            }
            return;
        };
        if frame.body == Body::Gone {
            if stream.life == frame.life {
                self.lose(session);
            }
            return;
        }
        if stream.life == 0 {
            stream.life = frame.life;
        } else if stream.life != frame.life {
            // Another media plane has opened the session by a late frame, or did so before this one.
            return self.side.push(frame.gone());
        }
        let closing = stream.is_over;
        for report in self.side.hear(session, frame.ack, frame.body, now) {
            let is_last = match report {
                MediaReport::Closed { .. } => true,
                MediaReport::Refused { .. } => !closing,
                _ => false,
            };
            self.reports.push_back(report);
            if is_last && let Some(mut stream) = self.side.remove(session) {
                self.side.push(stream.frame(session, Body::Ack));
            }
        }
    }

    /// A tenant is put together anew and does not know its sessions any more; nor does this end. The media plane learns it
    /// from the next epoch, or when it asks.
    pub fn forget(&mut self, tenant: TenantId) {
        let all: Vec<_> = self.side.of_tenant(tenant).collect();
        for session in all {
            self.side.remove(session);
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(session) = self.side.dead(now) {
            self.lose(session);
        }
    }

    /// When [`Control::handle_timeout`] must be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.side.poll_timeout()
    }

    /// What is to be carried to the media plane.
    pub fn poll_frame(&mut self) -> Option<CommandFrame> {
        self.side.poll_frame()
    }

    /// What is to be told the tenant that owns the session.
    pub fn poll_report(&mut self) -> Option<MediaReport> {
        self.reports.pop_front()
    }

    /// Sessions that have not ended.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.side.len()
    }

    fn lose(&mut self, session: MediaSessionId) {
        if self.side.remove(session).is_some() {
            self.reports.push_back(MediaReport::Lost { session });
        }
    }
}
