//! A called phone sends the call elsewhere (RFC 3261 §8.1.3.4). It is followed within the tenant alone, as a call of
//! the user who forwards would be, and neither in circles nor for ever.

use super::target::State;
use super::{Call, Phase, Target};
use crate::context::Context;
use flow::{Action, Event, Run};
use model::{Now, UserId};
use sip::Message;
use std::collections::VecDeque;
use std::sync::Arc;

/// Users that one call may be sent on to.
const MOST: usize = 5;

/// Where phones have sent the call.
#[derive(Debug, Default)]
pub(super) struct Redirects {
    followed: usize,
    /// Whom to try when nobody rings any more, and for whom: in the order of q.
    next: VecDeque<(UserId, String)>,
}

impl Call {
    /// 3xx of a target.
    pub(super) fn target_redirected(
        &mut self,
        context: &mut Context,
        index: usize,
        code: u16,
        message: &Message<'_>,
        now: Now,
    ) {
        let asked = |target: &Target| target.state == State::Calling;
        let follows = self.phase == Phase::Ringing
            && self.config.policy().follow_redirects
            && self.targets.get(index).is_some_and(asked);
        if follows {
            let users = self.redirected_to(message);
            let by = self.diversion(index, code);
            context.counts.redirects_refused += u64::from(users.is_empty());
            let new = users.into_iter().map(|user| (user, by.clone()));
            self.redirects.next.extend(new);
            if let Some(target) = self.targets.get_mut(index) {
                target.state = State::Done(code);
            }
            self.show(context);
            // The first is rung at once, whoever else is ringing.
            self.try_alternative(context, now);
        }
        self.target_failed(context, index, code, now);
        self.conclude(context, now);
        context.over.push(self.id);
    }

    /// The users that the Contacts name, most wanted first. Who is rung already, or calls, would be a circle.
    fn redirected_to(&self, message: &Message<'_>) -> Vec<UserId> {
        let contacts = message.contacts().iter().into_iter().flatten().flatten();
        let mut wanted: Vec<_> = contacts
            .take(MOST)
            .filter_map(|contact| Some((contact.q_milli.unwrap_or(1000), contact.name_addr.uri().ok()?)))
            .filter(|(_, uri)| uri.is_sip())
            .collect();
        wanted.sort_by_key(|(q, _)| std::cmp::Reverse(*q));
        let mut users = Vec::new();
        for (_, uri) in wanted {
            let number = crate::context::clean(&uri.user_decoded(), 128);
            let mut run = Run::new(flow::route(&self.config, &number, uri.host));
            let Action::Ring { users: found, .. } = flow::step(&mut run, Event::Start) else {
                continue;
            };
            for user in found {
                let rung = self.targets.iter().any(|target| target.user == user);
                let known = self.redirects.next.iter().any(|(next, _)| *next == user);
                if !rung && !known && user != self.caller.user && !users.contains(&user) {
                    users.push(user);
                }
            }
        }
        users
    }

    /// Who sent the call on, for the one who gets it.
    fn diversion(&self, index: usize, code: u16) -> String {
        let config = Arc::clone(&self.config);
        let user = self
            .targets
            .get(index)
            .and_then(|target| config.user(target.user));
        let number = user.map_or("", |user| &user.extension);
        let reason = if code == 302 { "deflection" } else { "unknown" };
        format!("<sip:{number}@{}>;reason={reason}", config.realm())
    }

    /// Rings whom a phone has named and nobody has tried yet; false when there is nobody.
    pub(super) fn try_alternative(&mut self, context: &mut Context, now: Now) -> bool {
        while let Some((user, by)) = self.redirects.next.pop_front() {
            let spent = self.redirects.followed >= MOST || self.max_forwards == 0;
            let phones = if spent {
                Vec::new()
            } else {
                self.phones_of(context, &[user], |_| true)
            };
            if phones.is_empty() {
                context.counts.redirects_refused += 1;
                continue;
            }
            self.redirects.followed += 1;
            self.max_forwards = self.max_forwards.saturating_sub(1);
            context.counts.redirected += 1;
            for facts in &phones {
                let mut target = Target::new(context, facts);
                target.diverted = Some(by.clone());
                context.following.joins(user, self.id);
                self.targets.push(target);
                self.send_invite(context, self.targets.len().saturating_sub(1), now);
            }
            self.show(context);
            self.tell_caller(context, 181, None, now);
            if self.targets.iter().any(Target::is_ringing) {
                return true;
            }
        }
        false
    }
}
