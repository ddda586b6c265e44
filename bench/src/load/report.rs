//! What a run measured, as text for people and as JSON for programs.
//!
//! Owns: dividing totals by operations, and the layout of both forms.

use super::tally::Tally;
use super::{Count, Latency, Mode, Settings};
use crate::cpu::Cpu;
use crate::wire::Transport;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// CPU of the server, µs for each operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct CpuPer {
    /// User plus system, from `/proc/PID/stat`.
    pub(crate) total_us: f64,
    /// User mode.
    pub(crate) user_us: f64,
    /// Kernel.
    pub(crate) system_us: f64,
    /// The scheduler's account, as a check.
    pub(crate) scheduled_us: f64,
}

impl CpuPer {
    fn new(cpu: Cpu, operations: u64) -> CpuPer {
        let n = operations.max(1) as f64;
        CpuPer {
            total_us: cpu.total_us() / n,
            user_us: cpu.user_us / n,
            system_us: cpu.system_us / n,
            scheduled_us: cpu.scheduled_us / n,
        }
    }
}

/// Memory of the server (PSS), octets.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Memory {
    /// Before the measured part.
    pub(crate) before: u64,
    /// When its last operation was done.
    pub(crate) at_once: u64,
    /// After `--settle-s`.
    pub(crate) settled: u64,
}

impl Memory {
    /// Growth per operation: at once, and settled.
    pub(crate) fn per(&self, operations: u64) -> (f64, f64) {
        let each = |now: u64| (now as f64 - self.before as f64) / operations.max(1) as f64;
        (each(self.at_once), each(self.settled))
    }
}

/// RTP through the server.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct MediaReport {
    /// Packets sent by both sides.
    pub(crate) sent: u64,
    /// Packets that arrived.
    pub(crate) received: u64,
    /// Percent of the sent ones that did not.
    pub(crate) loss_percent: f64,
    /// Packets sent a second.
    pub(crate) rate: f64,
    /// Delay from side to side, with the generator's own turn in it.
    pub(crate) delay_us: Latency,
    /// CPU of the server for each packet; only where nothing else was going on.
    pub(crate) cpu: Option<CpuPer>,
}

impl MediaReport {
    /// From counts.
    pub(crate) fn new(count: Count, delay_us: Latency, seconds: f64, cpu: Option<Cpu>) -> MediaReport {
        let lost = count.sent.saturating_sub(count.received) as f64;
        MediaReport {
            sent: count.sent,
            received: count.received,
            loss_percent: 100.0 * lost / count.sent.max(1) as f64,
            rate: count.sent as f64 / seconds.max(1e-9),
            delay_us,
            cpu: cpu.map(|cpu| CpuPer::new(cpu, count.sent)),
        }
    }
}

/// Everything of one run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// What an operation was.
    pub(crate) mode: Mode,
    /// How messages travelled.
    pub(crate) transport: Transport,
    /// Operations that ended well.
    pub(crate) succeeded: u64,
    /// Operations that did not.
    pub(crate) failed: u64,
    /// Why not.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Messages that the generator sent again.
    pub(crate) retransmitted: u64,
    /// Length of the measured part.
    pub(crate) seconds: f64,
    /// Good operations a second.
    pub(crate) rate: f64,
    /// First request to last answer, µs.
    pub(crate) operation_us: Latency,
    /// INVITE to 200, µs.
    pub(crate) setup_us: Latency,
    /// CPU of the server for each good operation.
    pub(crate) cpu: Option<CpuPer>,
    /// Memory of the server.
    pub(crate) memory: Option<Memory>,
    /// RTP, where there was any.
    pub(crate) media: Option<MediaReport>,
    /// Hold mode: calls hung up well, and not.
    pub(crate) torn_down: Option<(u64, u64)>,
}

impl Report {
    /// From the counts of the measured part.
    pub(crate) fn new(
        mode: Mode,
        settings: &Settings,
        seconds: f64,
        cpu: Option<Cpu>,
        tally: &Tally,
    ) -> Report {
        Report {
            mode,
            transport: settings.transport,
            succeeded: tally.succeeded,
            failed: tally.failed,
            reasons: tally.reasons.clone(),
            retransmitted: tally.retransmitted,
            seconds,
            rate: tally.succeeded as f64 / seconds.max(1e-9),
            operation_us: tally.operation(),
            setup_us: tally.setup(),
            cpu: cpu.map(|cpu| CpuPer::new(cpu, tally.succeeded)),
            memory: None,
            media: None,
            torn_down: None,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mode, transport) = (self.mode.word(), self.transport.via());
        writeln!(
            f,
            "{mode} over {transport}: {} ok, {} failed, {} retransmitted in {:.2} s = {:.0}/s",
            self.succeeded, self.failed, self.retransmitted, self.seconds, self.rate
        )?;
        for (reason, count) in &self.reasons {
            writeln!(f, "  failed     {count} × {reason}")?;
        }
        writeln!(f, "  operation  {}", self.operation_us)?;
        if self.setup_us != Latency::default() {
            writeln!(f, "  setup      {}", self.setup_us)?;
        }
        if let Some(cpu) = &self.cpu {
            writeln!(f, "  server     {cpu} per operation")?;
        }
        if let Some(memory) = &self.memory {
            let (at_once, settled) = memory.per(self.succeeded);
            let (before, after) = (memory.before / 1024, memory.settled / 1024);
            writeln!(
                f,
                "  memory     {at_once:.0} B per operation at once, {settled:.0} B settled (PSS {before} → {after} KiB)"
            )?;
        }
        if let Some(media) = &self.media {
            write_media(f, media)?;
        }
        if let Some((ok, failed)) = self.torn_down {
            writeln!(f, "  torn down  {ok} ok, {failed} failed")?;
        }
        Ok(())
    }
}

fn write_media(f: &mut fmt::Formatter<'_>, media: &MediaReport) -> fmt::Result {
    writeln!(
        f,
        "  rtp        {} sent, {} received, {:.3} % lost, {:.0}/s, delay {}",
        media.sent, media.received, media.loss_percent, media.rate, media.delay_us
    )?;
    match &media.cpu {
        Some(cpu) => writeln!(f, "  relay      {cpu} per packet"),
        None => Ok(()),
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Latency { p50, p95, p99, max } = self;
        write!(f, "p50 {p50} µs, p95 {p95} µs, p99 {p99} µs, max {max} µs")
    }
}

impl fmt::Display for CpuPer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CpuPer {
            total_us,
            user_us,
            system_us,
            scheduled_us,
        } = self;
        write!(
            f,
            "{total_us:.2} µs CPU (user {user_us:.2}, system {system_us:.2}; schedstat {scheduled_us:.2})"
        )
    }
}
