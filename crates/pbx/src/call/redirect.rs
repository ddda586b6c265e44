//! A called phone sends the call elsewhere (RFC 3261 §8.1.3.4). It is followed within the tenant alone, as a call of
//! the user who forwards would be, and neither in circles nor for ever.

use super::target::State;
use super::{Call, Phase, Target};
use crate::context::Context;
use flow::{Action, Event, Forward, Run, Why};
use model::{Now, UserId};
use sip::Message;
use std::collections::VecDeque;

/// Users that one call may be sent on to.
const MOST: usize = 5;

/// Where phones have sent the call.
#[derive(Debug, Default)]
pub(super) struct Redirects {
    followed: usize,
    /// Whom to try when nobody rings any more, and who sent the call there: in the order of q.
    next: VecDeque<(UserId, Vec<Forward>)>,
}

impl Redirects {
    /// Nobody is to be tried any more; how many were, counts on.
    pub(super) fn forget(&mut self) {
        self.next.clear();
    }
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
            let new = self.redirected_to(context, index, code, message);
            context.counts.redirects_refused += u64::from(new.is_empty());
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
    fn redirected_to(
        &self,
        context: &Context,
        index: usize,
        code: u16,
        message: &Message<'_>,
    ) -> Vec<(UserId, Vec<Forward>)> {
        let contacts = message.contacts().iter().into_iter().flatten().flatten();
        let mut wanted: Vec<_> = contacts
            .take(MOST)
            .filter_map(|contact| Some((contact.q_milli.unwrap_or(1000), contact.name_addr.uri().ok()?)))
            .filter(|(_, uri)| uri.is_sip())
            .collect();
        wanted.sort_by_key(|(q, _)| std::cmp::Reverse(*q));
        let mut users: Vec<(UserId, Vec<Forward>)> = Vec::new();
        for (_, uri) in wanted {
            let number = crate::context::clean(&uri.user_decoded(), 128);
            let hop = self.sent_on_by(index, code, &number);
            let Some((user, hops)) = hop.and_then(|hop| self.where_to(context, &number, uri.host, hop))
            else {
                continue;
            };
            let rung = self.targets.iter().any(|target| target.peer.is_user(user));
            let mut known = self.redirects.next.iter().chain(&users);
            if !rung && !known.any(|(next, _)| *next == user) && !self.run.has_met(user) {
                users.push((user, hops));
            }
        }
        users
    }

    /// Whom a number rings, after forwards of its owner and of those whom he names: `None` for nobody.
    fn where_to(
        &self,
        context: &Context,
        number: &str,
        host: &str,
        hop: Forward,
    ) -> Option<(UserId, Vec<Forward>)> {
        let mut hops = vec![hop];
        let mut run = Run::new(context.route(&self.config, number, host));
        run.meet(self.caller.user());
        loop {
            match flow::step(&mut run, Event::Start) {
                Action::Ring { users, .. } => {
                    hops.extend(run.forwards().iter().cloned());
                    return users.first().map(|user| (*user, hops));
                }
                Action::Forward(by) => {
                    let next = context.route(&self.config, &by.to, self.config.realm());
                    run.forward(by, next);
                }
                _ => return None,
            }
        }
    }

    /// The phone's user as the one who sent the call on. A carrier sends nobody's calls on.
    fn sent_on_by(&self, index: usize, code: u16, to: &str) -> Option<Forward> {
        let user = self.targets.get(index)?.user()?;
        let known = self.config.user(user);
        Some(Forward {
            user,
            by: known.map_or("", |user| &user.extension).into(),
            to: to.into(),
            why: Why::Redirected(code),
        })
    }

    /// Rings whom a phone has named and nobody has tried yet; false when there is nobody.
    pub(super) fn try_alternative(&mut self, context: &mut Context, now: Now) -> bool {
        while let Some((user, hops)) = self.redirects.next.pop_front() {
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
            if let Some(hop) = hops.first() {
                self.run.note(&format!("sent on by {} to {}", hop.by, hop.to));
            }
            self.run.meet(user);
            self.max_forwards = self.max_forwards.saturating_sub(1);
            context.counts.redirected += 1;
            for facts in &phones {
                let mut target = Target::new(context, facts);
                target.diverted.clone_from(&hops);
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
