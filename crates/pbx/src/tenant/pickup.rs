//! Whose call a phone may take: INVITE with Replaces, and the dial codes of pickup (RFC 3891 §3).
//!
//! Owns: finding the call, the tenant's policy, and the refusals: 481 for a dialog that is not here, 603 for one that
//! has ended, 486 for one that is up when only an early one was meant, 403 for one that is not the user's to take.
//! Does not own: what the calls make of it.

use super::Tenant;
use crate::call::{Call, DialogName};
use crate::dialled::Dialled;
use flow::Whose;
use model::{CallId, Device, FlowToken, Now, PickupPolicy, UserId};
use sip::{Message, Name};

impl Tenant {
    /// An INVITE that takes another phone's place. False when it is an ordinary one.
    pub(super) fn handle_pickup(
        &mut self,
        device: &Device,
        flow: FlowToken,
        message: &Message<'_>,
        now: Now,
    ) -> bool {
        let mut values = message.headers(Name::Replaces);
        match (values.next(), values.next()) {
            (None, _) => self.dialled_pickup(device, flow, message, now),
            (Some(value), None) => {
                match DialogName::parse(value) {
                    Some(name) => self.replace(device, &name, flow, message, now),
                    None => self.refuse_pickup(message, flow, 400),
                }
                true
            }
            (Some(_), Some(_)) => {
                self.refuse_pickup(message, flow, 400);
                true
            }
        }
    }

    fn refuse_pickup(&mut self, message: &Message<'_>, flow: FlowToken, code: u16) {
        match code {
            400 => self.context.counts.invalid += 1,
            403 => self.context.counts.forbidden += 1,
            481 => self.context.counts.no_dialog += 1,
            _ => {}
        }
        self.context.reply(message, flow, code);
    }

    /// Whether a user may take what rings at somebody's phone, or what is `up` there. Nobody takes a conversation
    /// from somebody else, though a watcher of its lamp may know its name.
    fn may_take(&self, device: &Device, whose: UserId, up: bool) -> bool {
        match self.context.config.policy().pickup {
            PickupPolicy::All => device.user == whose || !up,
            PickupPolicy::Own => device.user == whose,
            PickupPolicy::None => false,
        }
    }

    fn replace(
        &mut self,
        device: &Device,
        name: &DialogName,
        flow: FlowToken,
        message: &Message<'_>,
        now: Now,
    ) {
        let Some(leg) = self.find_named(name) else {
            return match self.find_ringing(name) {
                Some((_, whose)) if !self.may_take(device, whose, false) => {
                    self.refuse_pickup(message, flow, 403)
                }
                Some((call, _)) => self.pick_up(call, device, flow, message, now),
                None => self.refuse_pickup(message, flow, 481),
            };
        };
        let Some(call) = self.calls.get(&leg.call) else {
            return self.refuse_pickup(message, flow, 481);
        };
        let whose = call.user_of(leg.side);
        let refusal = match whose {
            _ if call.is_ending() => Some(603),
            // An early dialog that is not of our making can't be replaced (RFC 3891 §3).
            _ if !call.is_up() => Some(481),
            Some(whose) if !self.may_take(device, whose, true) => Some(403),
            _ if name.early_only => Some(486),
            // What the server does is for who has dialled it.
            _ if call.is_served() => Some(488),
            _ if !call.may_give(leg.side.other()) => Some(491),
            _ => None,
        };
        let far = call.guest(leg.side.other());
        let (None, Some(far)) = (refusal, far) else {
            return self.refuse_pickup(message, flow, refusal.unwrap_or(488));
        };
        let id = self.next_id();
        let begun = Call::begin_replacing(&mut self.context, id, device, message, flow, far, now);
        if let Some(taker) = begun {
            let number = taker.partner_of(model::Leg::Callee);
            self.keep(taker);
            if let Some(call) = self.calls.get_mut(&leg.call) {
                call.promise(leg.side.other(), id, number);
            }
        }
    }

    /// The ringing call whose INVITE to a phone has this name, and whose phone that is. Looks at every call: a
    /// pickup is rare, and an index of what rings would cost each call.
    fn find_ringing(&self, name: &DialogName) -> Option<(CallId, UserId)> {
        self.calls.iter().find_map(|(id, call)| {
            let rings = |tag: &str| call.rings_as(&name.call_id, tag);
            let whose = rings(&name.to_tag).or_else(|| rings(&name.from_tag))?;
            Some((*id, whose))
        })
    }

    fn pick_up(&mut self, call: CallId, device: &Device, flow: FlowToken, message: &Message<'_>, now: Now) {
        if let Some(call) = self.calls.get_mut(&call) {
            call.pick_up(&mut self.context, device, message, flow, now);
        }
    }

    /// `**` and an extension, or `*8`: the call that has rung longest. Where nothing rings, the code is a number that
    /// leads nowhere.
    fn dialled_pickup(&mut self, device: &Device, flow: FlowToken, message: &Message<'_>, now: Now) -> bool {
        let is_code = message.target().is_some_and(|uri| {
            let user = uri.user.unwrap_or("");
            user.starts_with('*') || user.starts_with('%')
        });
        if !is_code {
            return false;
        }
        let dialled = Dialled::by(&self.context, message);
        let Some(whose) = flow::pickup(&self.context.config, &dialled.number, &dialled.domain) else {
            return false;
        };
        let meant = |user: UserId| match whose {
            Whose::User(wanted) => user == wanted && self.may_take(device, user, false),
            Whose::Anybody => user != device.user && self.may_take(device, user, false),
        };
        let ringing = self.calls.iter().find(|(_, call)| call.rings_for(meant));
        let Some(call) = ringing.map(|(id, _)| *id) else {
            return false;
        };
        self.pick_up(call, device, flow, message, now);
        true
    }
}
