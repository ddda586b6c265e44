//! The end of the media plane.

use crate::frame::{Body, CommandFrame, ReportFrame};
use crate::side::Side;
use crate::stream::Stream;
use model::{MediaCommand, MediaReport, MediaSessionId, TenantId};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Hears commands and says reports.
pub struct Plane {
    life: u64,
    side: Side<MediaReport, MediaCommand>,
    /// The highest epoch of each tenant that has sessions.
    epochs: BTreeMap<TenantId, u64>,
    /// Sessions that were closed here, and how often: what the media plane says of them is for nobody.
    reaped: BTreeMap<MediaSessionId, u32>,
    commands: VecDeque<MediaCommand>,
}

impl Plane {
    /// An end without sessions. `life` is not 0, and differs from that of every other media plane that there was.
    #[must_use]
    pub fn new(life: u64) -> Plane {
        Plane {
            life: life.max(1),
            side: Side::new(),
            epochs: BTreeMap::new(),
            reaped: BTreeMap::new(),
            commands: VecDeque::new(),
        }
    }

    /// Hears a frame of an owner of calls.
    pub fn hear(&mut self, frame: CommandFrame, now: Duration) {
        let (session, tenant) = (frame.session, frame.session.tenant());
        let ours = frame.life == 0 || frame.life == self.life;
        let known = self.side.get(session).map(|stream| stream.term);
        if frame.body == Body::Gone {
            if frame.life == self.life && known == Some(frame.term()) {
                self.reap(session);
            }
            return;
        }
        let newest = self.epochs.get(&tenant).copied().unwrap_or(0);
        let is_past = frame.epoch < newest || known.is_some_and(|known| frame.term() < known);
        if !ours || is_past {
            return self.side.push(frame.gone());
        }
        if frame.epoch > newest {
            self.abandon(tenant);
        }
        if known != Some(frame.term()) {
            match (frame.life, &frame.body) {
                // What follows may overtake it, and comes again. By itself it would be late: of a session that has ended, which would
                // wait for its beginning for ever.
                (0, Body::Item { number: 1, .. }) => {
                    // Its owner has closed the one before, and knows no more of it.
                    self.reap(session);
                    self.epochs.insert(tenant, frame.epoch);
                    let stream = Stream::new(frame.term(), self.life, now);
                    self.side.insert(session, stream);
                }
                (0, _) => return,
                _ => return self.side.push(frame.gone()),
            }
        }
        let commands = self.side.hear(session, frame.ack, frame.body, now);
        self.commands.extend(commands);
        if self.side.get(session).is_some_and(|stream| stream.is_done()) {
            self.remove(session);
        }
    }

    /// Says what the media plane reports.
    pub fn report(&mut self, report: MediaReport, now: Duration) {
        let session = report.session();
        let is_closed = matches!(report, MediaReport::Closed { .. });
        if let Some(times) = self.reaped.get_mut(&session) {
            *times = times.saturating_sub(u32::from(is_closed));
            if *times == 0 {
                self.reaped.remove(&session);
            }
            return;
        }
        let Some(stream) = self.side.get(session) else {
            return;
        };
        stream.is_over |= is_closed || matches!(report, MediaReport::Refused { .. });
        self.side.say(session, report, now);
    }

    /// Closes all sessions of a tenant, and tells nobody.
    pub fn abandon(&mut self, tenant: TenantId) {
        let all: Vec<_> = self.side.of_tenant(tenant).collect();
        for session in all {
            self.reap(session);
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(session) = self.side.dead(now) {
            self.reap(session);
        }
    }

    /// When [`Plane::handle_timeout`] must be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.side.poll_timeout()
    }

    /// What is to be carried to the owner of the session's tenant.
    pub fn poll_frame(&mut self) -> Option<ReportFrame> {
        self.side.poll_frame()
    }

    /// What the media plane is to do.
    pub fn poll_command(&mut self) -> Option<MediaCommand> {
        self.commands.pop_front()
    }

    /// Sessions whose last word has not been heard.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.side.len()
    }

    /// Nobody owns the session.
    fn reap(&mut self, session: MediaSessionId) {
        let Some(stream) = self.remove(session) else {
            return;
        };
        if !stream.is_over {
            let times = self.reaped.entry(session).or_default();
            *times = times.saturating_add(1);
            self.commands.push_back(MediaCommand::Close { session });
        }
    }

    fn remove(&mut self, session: MediaSessionId) -> Option<Stream<MediaReport, MediaCommand>> {
        let stream = self.side.remove(session)?;
        let tenant = session.tenant();
        if self.side.of_tenant(tenant).next().is_none() {
            self.epochs.remove(&tenant);
        }
        Some(stream)
    }
}
