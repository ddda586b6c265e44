//! Who has answered a call that was made for a caller: a person, who is connected, or a machine; and fax machines in any call.
//!
//! Owns: when the media plane listens for what, and what its finding means for the call. Does not own: what becomes of the caller
//! then (`flow`), and the listening.

use super::nouns::{Act, Screening};
use super::{Call, Phase};
use crate::context::{Context, TimerKind};
use flow::{Action, Event};
use model::{Answerer, CallId, Leg as SideOf, Now, Signal, Signals};

/// The media plane tells its finding within this of the time that it has, milliseconds.
const SPARE_MS: u64 = 1_000;
/// Fax machines are listened for during the first minute: a caller repeats its tone each 3.5 s (T.30 §4.3.3).
const FAX_MS: u64 = 60_000;

impl Call {
    /// A phone has answered: is it listened to first? The party that called is still in its call.
    pub(super) fn screens(&mut self, context: &mut Context, now: Now) -> bool {
        let Some(rules) = self.moves.screen.take() else {
            return false;
        };
        self.moves.screening = Screening::Listening;
        self.bridge.listen(context, SideOf::Callee, |signals| {
            (signals.machine, signals.fax) = (Some(rules), true);
        });
        let within = u64::from(rules.total_ms).saturating_add(SPARE_MS);
        self.set_timer(context, TimerKind::Screen, within, now);
        true
    }

    /// Is somebody who has answered kept from the caller?
    pub(super) fn is_screening(&self) -> bool {
        self.moves.screening != Screening::None
    }

    /// Something was heard that is listened for.
    pub(super) fn heard(&mut self, context: &mut Context, side: SideOf, signal: Signal, now: Now) {
        match signal {
            Signal::Answered(answerer) => self.is_screened(context, answerer, now),
            Signal::Fax | Signal::FaxAnswers => {
                self.fax_heard(context, side);
                self.is_screened(context, Answerer::Machine, now);
            }
            Signal::Speech | Signal::Quiet => {}
        }
    }

    /// It is known what has answered, or never will be: the call that this one was made for decides.
    pub(super) fn is_screened(&mut self, context: &mut Context, answerer: Answerer, now: Now) {
        if self.moves.screening != Screening::Listening || self.phase != Phase::Answered {
            return;
        }
        let Some(from) = self.moves.origin.as_ref().map(|origin| origin.listener) else {
            return;
        };
        self.moves.screening = Screening::Decided;
        self.cancel_timer(context, TimerKind::Screen);
        self.run.note(answerer.as_str());
        self.bridge
            .listen(context, SideOf::Callee, |signals| *signals = Signals::default());
        let to = self.id;
        self.ask_of_others(context, Act::Screened { from, to, answerer });
        self.listen_for_fax(context, now);
    }

    /// This has answered the call that was made for the caller.
    pub(crate) fn screened(&mut self, context: &mut Context, to: CallId, answerer: Answerer, now: Now) {
        let ours = self.endpoint.as_ref().is_some_and(|e| e.made.contains(&to));
        if !ours || self.phase != Phase::Answered {
            return;
        }
        let action = flow::step(&mut self.run, Event::Screened(answerer));
        match action {
            Action::Connect => self.ask_of_others(context, Act::Join { call: to }),
            action => {
                self.forsake_made(context);
                self.carry_out(context, action, now);
            }
        }
    }

    /// Who answered is gone while it was listened to: the caller, who waits, is told.
    pub(super) fn screening_ends(&mut self, context: &mut Context) {
        self.cancel_timer(context, TimerKind::Screen);
        if std::mem::take(&mut self.moves.screening) != Screening::None
            && let Some(origin) = &self.moves.origin
        {
            let (from, to, code) = (origin.listener, self.id, 480);
            self.ask_of_others(context, Act::Told { from, to, code });
        }
    }

    /// Listens for fax machines for a while, where the tenant wants that.
    pub(super) fn listen_for_fax(&mut self, context: &mut Context, now: Now) {
        if self.config.policy().detect_fax {
            self.set_fax(context, true);
            self.set_timer(context, TimerKind::Fax, FAX_MS, now);
        }
    }

    /// There is none, or it has been heard.
    pub(super) fn no_more_fax(&mut self, context: &mut Context) {
        self.cancel_timer(context, TimerKind::Fax);
        self.set_fax(context, false);
    }

    fn set_fax(&mut self, context: &mut Context, fax: bool) {
        self.bridge
            .listen(context, SideOf::Caller, |signals| signals.fax = fax);
        if !self.is_served() {
            self.bridge
                .listen(context, SideOf::Callee, |signals| signals.fax = fax);
        }
    }

    fn fax_heard(&mut self, context: &mut Context, side: SideOf) {
        context.counts.faxes += 1;
        let who = match side {
            SideOf::Caller => "fax: caller",
            SideOf::Callee => "fax: callee",
        };
        self.run.note(who);
        if !self.is_screening() {
            self.no_more_fax(context);
        }
    }
}
