//! Phones that sleep until a push notification wakes them (RFC 8599 §5): the shell sends it, the call waits, and what
//! registers meanwhile is rung.

use super::{Call, Phase, Target};
use crate::context::{Context, TimerKind};
use crate::effect::Effect;
use crate::following::PhoneKey;
use crate::location::{Binding, BindingFacts};
use model::{FlowToken, Now, UserId, Wake};
use std::time::Duration;

/// One phone is sent a push notification this often at most, however many call it: push services limit them, and a phone
/// that is woken needs no second one to ring for every call that waits. When it registers it is awake, and the next time
/// it sleeps counts anew.
const PAUSE: Duration = Duration::from_secs(5);

impl Call {
    /// Wakes the sleeping phones of these users. Gives the flow that one of them was on last.
    pub(super) fn wake(&mut self, context: &mut Context, users: &[UserId], now: Now) -> Option<FlowToken> {
        let wait_s = self.config.policy().push_wait_s;
        if wait_s == 0 {
            return None;
        }
        let mut flow = None;
        let mut wakes = Vec::new();
        for binding in users.iter().flat_map(|user| context.location.of(*user)) {
            let record = &binding.record;
            let awake = binding.reachable && record.flow.transport.is_reliable();
            let Some(target) = record.push().filter(|_| !awake) else {
                continue;
            };
            if self.is_callers_own(binding) || !self.means(binding) {
                continue;
            }
            flow = flow.or(Some(record.flow));
            self.waking.push((record.user, PhoneKey::from(&**record)));
            let wake = Wake {
                tenant: record.tenant,
                user: record.user,
                device: record.device,
                call: self.id,
                target: target.clone(),
            };
            wakes.push((record.key.clone(), wake));
        }
        for (key, wake) in wakes {
            context.following.wakes(wake.user, self.id);
            if context.location.wakes(wake.user, &key, PAUSE, now) {
                context.counts.woken += 1;
                context.out.push(Effect::Wake(Box::new(wake)));
            }
        }
        if flow.is_some() {
            self.set_timer(context, TimerKind::Wake, u64::from(wait_s) * 1000, now);
        }
        flow
    }

    /// True for a phone that the caller means: any, unless a GRUU named one.
    pub(super) fn means(&self, binding: &Binding) -> bool {
        (self.instance.is_none() || self.instance == binding.record.instance) && self.calls_back_to(binding)
    }

    /// A phone of somebody who is called has registered.
    pub(crate) fn woken(&mut self, context: &mut Context, facts: &BindingFacts, now: Now) {
        let wanted = self
            .instance
            .as_deref()
            .is_none_or(|urn| facts.key.urn() == Some(urn));
        if !wanted || !matches!(self.phase, Phase::Opening | Phase::Ringing) {
            return;
        }
        self.waking
            .retain(|(user, key)| *user != facts.user || !key.is(&facts.key));
        let rings = self.targets.iter().any(|target| {
            let same =
                target.is_at(&facts.key) || facts.key.urn().is_some_and(|urn| target.urn() == Some(urn));
            target.peer.is_user(facts.user) && same && target.is_ringing()
        });
        if !rings {
            self.ring_also(context, facts, Vec::new(), now);
        }
    }

    /// Who sleeps on is not waited for any longer, and who woke up and was rung is not rung again when he registers anew.
    pub(super) fn stop_waking(&mut self, context: &mut Context) {
        let rung = self.targets.iter().filter_map(Target::user);
        for user in self.waking.drain(..).map(|(user, _)| user).chain(rung) {
            context.following.stops_waking(user, self.id);
        }
    }
}
