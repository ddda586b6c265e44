//! Worlds by chance: a seed fixes the companies, their phones, the weather, what everybody does and what goes wrong.
//!
//! Owns: choosing and doing. Does not own: what must hold (`check`).

mod act;
mod events;
mod hostile;
mod large;
mod lines;
mod outside;
mod probe;
mod scene;
mod sound;
mod transfer;
mod ways;

use crate::check::OuterCounts;
use crate::server::WireCounts;
use scene::Scene;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What worlds are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Calls, and what phones and networks do to them.
    Calls,
    /// The same with flows, conferences, recordings and browsers, where commands to the media plane and its reports are lost, late
    /// and repeated, and the media plane dies.
    Sound,
    /// Calls that leave the companies and come in: carriers die and come back, refuse, ask for passwords; names and calendars fail.
    Outside,
}

/// What runs add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Worlds.
    pub seeds: u64,
    /// Calls accepted.
    pub calls: u64,
    /// Calls answered.
    pub answered: u64,
    /// Call records written.
    pub records: u64,
    /// Records of transferred calls that were answered.
    pub transferred: u64,
    /// SIP messages that the server sent.
    pub messages: u64,
    /// Packets that the relay sent.
    pub packets: u64,
    /// Hostile messages and packets.
    pub hostile: u64,
    /// Restarts of the server.
    pub restarts: u64,
    /// Calls that went on after one.
    pub restored: u64,
    /// Of these, those that were lost all the same.
    pub lost: u64,
    /// Sessions that the server refreshed, as far as its last life knows.
    pub refreshes: u64,
    /// Connections that the server opened for what was too large for a datagram.
    pub connected: u64,
    /// Those that nobody took.
    pub connects_failed: u64,
    /// Keys that phones pressed and that changed something.
    pub keys: u64,
    /// Records of calls that settings forwarded.
    pub forwarded: u64,
    /// Records of calls that the server answered itself.
    pub served: u64,
    /// Streams of pictures and faxes that got ports.
    pub streams: u64,
    /// What happened between sessions and the media plane.
    pub frames: WireCounts,
    /// Calls that ended because the media plane had lost their session.
    pub media_lost: u64,
    /// What happened between companies and carriers.
    pub outer: OuterCounts,
    /// Calls that limits ended, and those that they did not let go, as far as the last life knows.
    pub toll_ended: u64,
    /// See `toll_ended`.
    pub toll_refused: u64,
}

impl Tally {
    /// Adds another's figures.
    pub fn add(&mut self, other: &Tally) {
        self.seeds += other.seeds;
        self.calls += other.calls;
        self.answered += other.answered;
        self.records += other.records;
        self.transferred += other.transferred;
        self.messages += other.messages;
        self.packets += other.packets;
        self.hostile += other.hostile;
        self.restarts += other.restarts;
        self.restored += other.restored;
        self.lost += other.lost;
        self.refreshes += other.refreshes;
        self.connected += other.connected;
        self.connects_failed += other.connects_failed;
        self.keys += other.keys;
        self.forwarded += other.forwarded;
        self.served += other.served;
        self.streams += other.streams;
        self.frames.add(&other.frames);
        self.media_lost += other.media_lost;
        self.outer.add(&other.outer);
        self.toll_ended += other.toll_ended;
        self.toll_refused += other.toll_refused;
    }
}

/// A world in which a rule was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What was broken.
    pub what: String,
    /// The end of its ladder.
    pub ladder: String,
}

/// Lines of the ladder that a failure shows when many seeds run.
pub const LAST_LINES: usize = 80;

/// Runs the world of a seed. A world that fails is run again with its ladder written down; the failure shows the last
/// `lines` of it.
///
/// # Errors
/// The rule that was broken, also by a panic, and how it came to that.
pub fn run(seed: u64, kind: Kind, lines: usize) -> Result<Tally, Failure> {
    let mut scene = Scene::new(seed, kind, false);
    match attempt(&mut scene) {
        Ok(()) => Ok(scene.tally()),
        Err(_) => {
            let mut scene = Scene::new(seed, kind, true);
            let what = attempt(&mut scene).err();
            let text = scene.world.ladder.text();
            let skip = text.lines().count().saturating_sub(lines);
            let ladder = text.lines().skip(skip).collect::<Vec<_>>().join("\n");
            let what = what.unwrap_or_else(|| "the run is not reproducible".to_owned());
            Err(Failure { seed, what, ladder })
        }
    }
}

/// A panic anywhere below is a failure like others.
fn attempt(scene: &mut Scene) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| scene.live())).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}
