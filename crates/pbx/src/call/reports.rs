//! What the media plane says of a call's session.
//!
//! Owns: which report concerns which part of the call. Does not own: what becomes of it there.

use super::{Call, Phase, record};
use crate::context::{Context, TimerKind};
use model::{AudioTrouble, EndedBy, Leg as SideOf, MediaReport, Now, StreamKind};

impl Call {
    /// The media plane reports on this call's session.
    pub(crate) fn handle_media(&mut self, context: &mut Context, report: &MediaReport, now: Now) {
        if report.session().stream() != StreamKind::Audio {
            return self.handle_stream(context, report, now);
        }
        match (report, self.phase) {
            (MediaReport::Opened { caller, callee, .. }, Phase::Opening) => {
                self.bridge.opened(*caller, *callee);
                if !self.bridge.streams.is_waiting() {
                    self.cancel_timer(context, TimerKind::MediaOpen);
                    self.media_is_ready(context, now);
                }
            }
            (MediaReport::Opened { caller, callee, .. }, Phase::Answered) => {
                self.media_reopened(context, (*caller, *callee), now);
            }
            (MediaReport::Refused { .. }, Phase::Answered) => self.media_not_reopened(context, now),
            (MediaReport::Serving { address, .. }, Phase::Opening) => {
                self.cancel_timer(context, TimerKind::MediaOpen);
                self.bridge.opened(*address, *address);
                self.media_is_ready(context, now);
            }
            (MediaReport::Played { id, missing, .. }, Phase::Answered) => {
                context.counts.sounds_missing += u64::from(*missing);
                self.played(context, *id, *missing, now);
            }
            (MediaReport::Heard { leg, signal, .. }, Phase::Answered) => {
                self.heard(context, *leg, *signal, now);
            }
            (MediaReport::Digit { leg, key, .. }, Phase::Answered) => {
                self.key_heard(context, *leg, *key, now);
            }
            (
                MediaReport::Recorded {
                    recording, ms, end, ..
                },
                Phase::Answered | Phase::Ending,
            ) => {
                self.recorded(context, *recording, (*ms, *end), now);
            }
            (MediaReport::Forked { end, lost_ms, .. }, _) => self.forked(*end, *lost_ms),
            (MediaReport::Refused { .. }, Phase::Opening) => {
                context.counts.ports_exhausted += 1;
                self.cancel_timer(context, TimerKind::MediaOpen);
                self.bridge.forget(context);
                if self.goes_without_relay(context, now) {
                    return;
                }
                self.fail(context, record::q850::RESOURCE_UNAVAILABLE, now);
            }
            (MediaReport::Silent { .. }, Phase::Answered) => self.gone_silent(context, now),
            (MediaReport::Lost { .. }, _) => self.media_lost(context, now),
            (MediaReport::Secured { leg, suite, .. }, _) => self.secured(*leg, *suite),
            (MediaReport::Unsecured { leg, why, .. }, _) => self.unsecured(context, *leg, *why, now),
            (MediaReport::Diagnosed { troubles, .. }, Phase::Answered) => {
                // Phones that rang before the server answered have left ports behind, and nobody at them.
                let served = self.is_served();
                let real = |trouble: &&AudioTrouble| !served || trouble.leg == SideOf::Caller;
                let troubles: Vec<AudioTrouble> = troubles.iter().filter(real).copied().collect();
                let (fault, healed) = self.record.diagnosed(&troubles);
                context.counts.audio_faults += u64::from(fault);
                context.counts.audio_healed += u64::from(healed);
                self.changed(context, now);
            }
            (MediaReport::Closed { caller, callee, .. }, Phase::Ending) => {
                self.bridge.closed(**caller, **callee);
                self.finish(context, now);
            }
            _ => {}
        }
    }

    /// Nothing has come from either side for long.
    pub(super) fn gone_silent(&mut self, context: &mut Context, now: Now) {
        // Who has called for help and can't speak is not hung up.
        if self.is_emergency() {
            return;
        }
        context.counts.silent += 1;
        let cause = record::q850::TEMPORARY_FAILURE;
        self.hang_up(context, cause, EndedBy::System, "no media", now);
    }
}
