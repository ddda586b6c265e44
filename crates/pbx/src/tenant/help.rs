//! Calls for help before they are calls: nothing may keep them out.
//!
//! Owns: which requests belong to one, and that they find room where others find none. Does not own: what becomes of them
//! (`call::emergency`), and whether their sender is heard at all (`border`).
//!
//! Who calls shows his password as for any other call. A phone that is not registered may call, for a call needs no registration; one
//! without a password, or with a wrong one, is refused. The right password of a user who is switched off is good enough for this alone.

use super::Tenant;
use crate::call::Call;
use crate::context::{Context, Owner};
use crate::dialled::Dialled;
use flow::{Action, Event, Run};
use model::{CallId, DestinationClass, EmergencyCall, FlowToken, Leg, Now, Policy, UserId};
use sip::{Message, Method};
use std::sync::Arc;

/// Texts about one call that may take of the room that is kept back.
const MOST_ALARMS: u8 = 16;
/// Calls for help of one user at once that have room of their own.
const MOST_OF_USER: usize = 4;
/// Forwards that are followed to see where they lead.
const MOST_HOPS: usize = 8;

impl Tenant {
    /// True for a number of emergency services, as it was dialled.
    pub(super) fn is_emergency(&self, dialled: &str) -> bool {
        self.context.numbering.is_help(dialled)
    }

    /// True where one call for help more of this user has room of its own: beyond some it is a call like any other.
    pub(super) fn has_help_left(&self, user: UserId) -> bool {
        let calls = self.context.helping.iter().filter_map(|id| self.calls.get(id));
        let own = calls.filter(|call| call.user_of(Leg::Caller) == Some(user));
        self.context.has_help_left() && own.count() < MOST_OF_USER
    }

    /// True for an INVITE to such a number.
    pub(super) fn asks_for_help(&self, message: &Message<'_>) -> bool {
        message.method() == Some(Method::Invite)
            && message.to_tag().is_none()
            && self.context.has_help_left()
            && self.is_emergency(&Dialled::by(&self.context, message).number)
    }

    /// True for what finds room where nothing else does: such an INVITE, what belongs to such a call, and the call back.
    pub(super) fn is_urgent(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) -> bool {
        if self.context.is_of_help(message, Owner::None) || self.asks_for_help(message) {
            return true;
        }
        let config = Arc::clone(&self.context.config);
        let is_new = message.method() == Some(Method::Invite) && message.to_tag().is_none();
        let trunk = self.carrier_of(flow, message).filter(|_| is_new);
        let trunk = trunk.and_then(|id| config.trunk(id));
        trunk.is_some_and(|trunk| self.is_back_with_room(trunk, message, now))
    }

    /// Begins a call, which has room of its own where it helps.
    pub(super) fn begin_with_room(
        &mut self,
        id: CallId,
        helps: bool,
        begin: impl FnOnce(&mut Context) -> Option<Call>,
    ) {
        if helps {
            self.context.helping.insert(id);
        }
        match begin(&mut self.context) {
            Some(call) => self.keep(call),
            None => {
                self.context.helping.remove(&id);
            }
        }
    }

    /// Tells people on site, by a text to their phones: who calls, where he is, and when that was.
    pub(super) fn tell_of_help(&mut self, now: Now) {
        let config = Arc::clone(&self.context.config);
        for call in std::mem::take(&mut self.context.alarms) {
            let caller = config.extension(&call.from).map(|user| user.id);
            let text = words(&call, now);
            let notified = config
                .policy()
                .emergency_notify
                .iter()
                .take(Policy::MOST_NOTIFIED);
            let users = notified.filter_map(|extension| config.extension(extension));
            self.context.alarming = MOST_ALARMS;
            for user in users.filter(|user| user.enabled && Some(user.id) != caller) {
                let parties = (caller.unwrap_or(user.id), user.id);
                self.events.announce(&mut self.context, parties, &text, now);
            }
            self.context.alarming = 0;
        }
    }

    /// True where a number leads to emergency services in the end: by a forward of its user's, or a code.
    pub(super) fn leads_to_help(&self, user: UserId, dialled: &Dialled) -> bool {
        let config = Arc::clone(&self.context.config);
        let (number, domain) = (&dialled.number, &dialled.domain);
        let mut run = Run::new(self.context.dialled(&config, user, number, domain));
        run.meet(Some(user));
        for _ in 0..MOST_HOPS {
            match flow::step(&mut run, Event::Start) {
                Action::Outside(what) => {
                    let is_test = self.context.numbering.is_test(&what.number);
                    return what.class == DestinationClass::Emergency && !is_test;
                }
                Action::Forward(by) => {
                    let next = self.context.route(&config, &by.to, config.realm());
                    if !run.forward(by, next) {
                        return false;
                    }
                }
                _ => return false,
            }
        }
        false
    }
}

fn words(call: &EmergencyCall, now: Now) -> String {
    let name = match &*call.display {
        "" => String::new(),
        display => format!(" ({display})"),
    };
    let place = match &call.location {
        Some((site, text)) => format!("at {text} [{site}]"),
        None => format!("at no known location, address {}", call.address.ip()),
    };
    let when = crate::date::stamp(now.wall);
    format!(
        "EMERGENCY CALL to {} from {}{name}, {place}, {when}",
        call.number, call.from
    )
}
