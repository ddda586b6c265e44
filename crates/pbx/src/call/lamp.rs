//! The call as busy lamps see it (RFC 4235 §3.7.1): one dialog for each user that it concerns.

use super::identity::ANONYMOUS;
use super::target::{State, Target};
use super::{Call, Leg, Phase};
use crate::context::Context;
use model::{Leg as SideOf, UserId};

/// How far a user's dialog has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Progress {
    /// An INVITE is under way.
    Trying,
    /// A phone rings.
    Early,
    /// They talk.
    Confirmed,
}

/// A user's part in a call.
pub(crate) struct Part<'a> {
    /// What tells this dialog from others of the user.
    pub(crate) id: String,
    /// The user called, rather than being called.
    pub(crate) initiator: bool,
    pub(crate) progress: Progress,
    /// Call-ID and our tag of the INVITE that rings.
    pub(crate) rings_as: Option<(&'a str, &'a str)>,
    /// The other party: number and display name.
    pub(crate) party: (&'a str, &'a str),
}

impl Call {
    /// Tells the lamps of everybody concerned that the call is no longer as it was. Call it after each change of
    /// phase, of a leg, or of what rings; costs a look-up per user while nobody watches.
    pub(super) fn show(&mut self, context: &mut Context) {
        let rung = self.targets.iter().filter_map(Target::user);
        let legs = [self.caller.user(), self.callee.as_ref().and_then(Leg::user)];
        for user in legs.into_iter().flatten().chain(rung) {
            if !self.shown_to.contains(&user) {
                self.shown_to.push(user);
                context.lamps.enter(user, self.id);
            }
        }
        for user in &self.shown_to {
            context.lamps.call_changed(*user);
        }
    }

    /// The call is forgotten.
    pub(super) fn vanish(&self, context: &mut Context) {
        for user in &self.shown_to {
            context.lamps.leave(*user, self.id);
            context.lamps.call_changed(*user);
        }
    }

    /// What the user has to do with the call now: as the caller, as somebody who is called, or both.
    pub(crate) fn parts_of(&self, user: UserId) -> impl Iterator<Item = Part<'_>> {
        let called = self.progress_as_callee(user).map(|progress| Part {
            id: format!("{:x}-callee", self.id.0),
            initiator: false,
            progress,
            rings_as: self.rings_at(user).map(|t| (&*t.call_id, &*t.tag)),
            party: self.caller_shown(),
        });
        let calls = self.progress_as_caller(user).map(|progress| Part {
            id: format!("{:x}-caller", self.id.0),
            initiator: true,
            progress,
            rings_as: None,
            party: (&self.record.callee.number, &self.record.callee.display),
        });
        calls.into_iter().chain(called)
    }

    /// Who calls, as the called phone is told: a caller without a name has none on a lamp either (RFC 3323).
    fn caller_shown(&self) -> (&str, &str) {
        let hidden = self.identity.0 == ANONYMOUS && !self.config.policy().trust_phones;
        match hidden {
            true => ("anonymous", ""),
            false => (&self.record.caller.number, &self.record.caller.display),
        }
    }

    fn progress_as_caller(&self, user: UserId) -> Option<Progress> {
        // A transferred party is shown where it is: in its old call until it comes over, then as one who talks.
        let mine = self.belongs_to(SideOf::Caller, user) && self.caller.is_present();
        let progress = match self.phase {
            Phase::Opening | Phase::Ringing if self.is_transfer() => Progress::Confirmed,
            Phase::Opening => Progress::Trying,
            Phase::Ringing if self.record.has_rung() => Progress::Early,
            Phase::Ringing => Progress::Trying,
            Phase::Answered => Progress::Confirmed,
            Phase::Ending | Phase::Ended => return None,
        };
        mine.then_some(progress)
    }

    fn rings_at(&self, user: UserId) -> Option<&Target> {
        let mut targets = self.targets.iter().filter(|_| self.phase == Phase::Ringing);
        targets.find(|target| target.peer.is_user(user) && target.state == State::Calling)
    }

    fn progress_as_callee(&self, user: UserId) -> Option<Progress> {
        match self.phase {
            Phase::Answered => self
                .belongs_to(SideOf::Callee, user)
                .then_some(Progress::Confirmed),
            Phase::Ringing => {
                let own = |target: &&Target| target.peer.is_user(user) && target.is_ringing();
                let rang = self.targets.iter().filter(own).any(|target| target.rang);
                let progress = if rang { Progress::Early } else { Progress::Trying };
                self.rings_at(user).map(|_| progress)
            }
            Phase::Opening | Phase::Ending | Phase::Ended => None,
        }
    }
}
