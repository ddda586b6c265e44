//! A way between sessions and the media plane that loses, delays, repeats and reorders, with the two ends of the link on it.
//!
//! Does not own: the relay and the tenants, and what becomes of reports (`server`).

use super::Server;
use crate::net::Weather;
use crate::rng::Rng;
use link::{CommandFrame, Control, Plane, ReportFrame};
use media::{Relay, Spool};
use model::{MediaCommand, MediaReport, Now, TenantId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A frame on its way.
#[derive(Clone)]
enum Load {
    Command(Box<CommandFrame>),
    Report(Box<ReportFrame>),
}

/// What happened to frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireCounts {
    /// Frames sent.
    pub sent: u64,
    /// Frames lost.
    pub lost: u64,
    /// Frames that came twice.
    pub repeated: u64,
    /// Lives of the media plane that ended before the server's.
    pub deaths: u64,
}

impl WireCounts {
    /// Adds another's.
    pub fn add(&mut self, other: &WireCounts) {
        self.sent += other.sent;
        self.lost += other.lost;
        self.repeated += other.repeated;
        self.deaths += other.deaths;
    }
}

/// The way, and its ends.
pub struct Wire {
    /// How bad it is; everything is lost where loss is 1000.
    pub weather: Weather,
    /// What happened.
    pub counts: WireCounts,
    control: Control,
    plane: Plane,
    rng: Rng,
    queue: BTreeMap<(Duration, u64), Load>,
    serial: u64,
    life: u64,
    epochs: BTreeMap<TenantId, u64>,
    /// What is carried now is carried to its end before anything else is.
    carrying: bool,
    /// Recordings whose files are open.
    recorders: BTreeSet<model::RecordingId>,
}

impl Wire {
    /// A way of this kind; its chance from `seed`.
    #[must_use]
    pub fn new(weather: Weather, seed: u64) -> Wire {
        Wire {
            weather,
            counts: WireCounts::default(),
            control: Control::new(),
            plane: Plane::new(1),
            rng: Rng::new(seed),
            queue: BTreeMap::new(),
            serial: 0,
            life: 1,
            epochs: BTreeMap::new(),
            carrying: false,
            recorders: BTreeSet::new(),
        }
    }

    /// Both ends begin anew with the process; what is on its way arrives all the same.
    pub(super) fn restart(&mut self) {
        self.control = Control::new();
        self.plane_dies();
        for epoch in self.epochs.values_mut() {
            *epoch += 1;
        }
    }

    /// A tenant begins anew.
    pub(super) fn rebuild(&mut self, tenant: TenantId) {
        self.control.forget(tenant);
        *self.epochs.entry(tenant).or_insert(1) += 1;
    }

    fn plane_dies(&mut self) {
        self.life += 1;
        self.plane = Plane::new(self.life);
        self.recorders.clear();
    }

    pub(super) fn say(&mut self, tenant: TenantId, command: MediaCommand, now: Now) {
        let epoch = *self.epochs.entry(tenant).or_insert(1);
        self.control.say(command, epoch, now.mono);
    }

    pub(super) fn report(&mut self, report: MediaReport, now: Now) {
        self.plane.report(report, now.mono);
    }

    /// Notes which files are open.
    pub(super) fn spool(&mut self, spool: &Spool) {
        match spool {
            Spool::Begin { recording, .. } => drop(self.recorders.insert(*recording)),
            Spool::End { recording, .. } | Spool::Discard { recording } => {
                self.recorders.remove(recording);
            }
            Spool::Block { .. } | Spool::Mark { .. } => {}
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        let queue = self.queue.first_key_value().map(|((at, _), _)| *at);
        let due = [queue, self.control.poll_timeout(), self.plane.poll_timeout()];
        due.into_iter().flatten().min()
    }

    /// Sessions that either end knows, and files that are open.
    #[must_use]
    pub fn held(&self) -> usize {
        self.control.sessions() + self.plane.sessions() + self.recorders.len()
    }

    /// Puts what the ends say on its way.
    fn collect(&mut self, now: Duration) -> bool {
        let before = self.counts.sent;
        while let Some(frame) = self.control.poll_frame() {
            self.send(Load::Command(Box::new(frame)), now);
        }
        while let Some(frame) = self.plane.poll_frame() {
            self.send(Load::Report(Box::new(frame)), now);
        }
        self.counts.sent > before
    }

    fn send(&mut self, load: Load, now: Duration) {
        self.counts.sent += 1;
        if self.rng.per_mille(self.weather.duplicate) {
            self.counts.repeated += 1;
            self.enqueue(load.clone(), now);
        }
        if self.rng.per_mille(self.weather.loss) {
            self.counts.lost += 1;
        } else {
            self.enqueue(load, now);
        }
    }

    fn enqueue(&mut self, load: Load, now: Duration) {
        let mut wait = self.weather.delay_ms + self.rng.below(self.weather.jitter_ms + 1);
        // Once in a while something is held up for so long that its session is over.
        if self.weather.jitter_ms > 0 && self.rng.per_mille(5) {
            wait += self.rng.below(30_000);
        }
        self.serial += 1;
        self.queue
            .insert((now + Duration::from_millis(wait), self.serial), load);
    }

    fn hear(&mut self, load: Load, now: Duration) {
        match load {
            Load::Command(frame) => self.plane.hear(*frame, now),
            Load::Report(frame) => self.control.hear(*frame, now),
        }
    }

    fn arrive(&mut self, now: Duration) -> bool {
        let entry = self.queue.first_entry().filter(|e| e.key().0 <= now);
        let load = entry.map(|entry| entry.remove());
        let arrived = load.is_some();
        if let Some(load) = load {
            self.hear(load, now);
        }
        arrived
    }
}

impl Server {
    /// Carries what there is to carry between sessions and the media plane, and does what comes of it.
    pub(super) fn carry(&mut self, now: Now) {
        let Some(wire) = self.wire.as_mut().filter(|wire| !wire.carrying) else {
            return;
        };
        wire.carrying = true;
        wire.control.handle_timeout(now.mono);
        wire.plane.handle_timeout(now.mono);
        loop {
            let Some(wire) = &mut self.wire else { return };
            if let Some(command) = wire.plane.poll_command() {
                self.command(&command, now);
            } else if let Some(report) = wire.control.poll_report() {
                self.media(report, now);
            } else if !wire.collect(now.mono) && !wire.arrive(now.mono) {
                wire.carrying = false;
                return;
            }
        }
    }

    /// The media plane dies and comes back without its sessions; those who have calls go on.
    pub fn lose_media(&mut self, now: Now) {
        let Some(wire) = &mut self.wire else { return };
        wire.counts.deaths += 1;
        wire.plane_dies();
        self.relay = Relay::new(self.range);
        self.ports.clear();
        self.sockets.clear();
        self.carry(now);
    }
}
