//! What calls that the server answers want of other calls: to dial, to listen, to page.
//!
//! Owns: finding and making those calls, and commands about rooms. Does not own: what the calls make of it (`call::serving`).

use super::Tenant;
use crate::call::{Act, Call};
use flow::Event;
use model::{CallId, Leg as SideOf, MachineRules, Now, RoomCommand, RoomView, UserId};

impl Tenant {
    /// Does one of the acts that are about services.
    pub(super) fn perform_service(&mut self, act: Act, now: Now) {
        match act {
            Act::Connect {
                from,
                number,
                inside,
                screen,
            } => {
                let made = self.connect(from, &number, inside, screen, now);
                // It may be over before it was in the list.
                self.context.over.extend(made.ok());
                if let Some(call) = self.calls.get_mut(&from) {
                    call.connecting(&mut self.context, made, now);
                }
            }
            Act::Screened { from, to, answerer } => {
                if let Some(call) = self.calls.get_mut(&from) {
                    call.screened(&mut self.context, to, answerer, now);
                }
            }
            Act::Replaced { call } => {
                if let Some(call) = self.calls.get_mut(&call) {
                    call.is_replaced(&mut self.context, now);
                }
            }
            Act::Listen { from, user } => self.listen(from, user, now),
            Act::Page { from, users } => self.page(from, &users, now),
            Act::Tell { call, event } => {
                if let Some(call) = self.calls.get_mut(&call) {
                    call.told_in_room(&mut self.context, event, now);
                }
            }
            Act::Heard { call, user, act } => {
                if let Some(call) = self.calls.get_mut(&call) {
                    call.hears_supervisor(&mut self.context, user, act);
                }
            }
            _ => {}
        }
    }

    fn is_full(&self) -> bool {
        self.draining || self.context.live >= self.context.config.policy().max_calls
    }

    fn connect(
        &mut self,
        from: CallId,
        number: &str,
        inside: bool,
        screen: Option<MachineRules>,
        now: Now,
    ) -> Result<CallId, u16> {
        if self.is_full() && !self.is_emergency(number) {
            self.context.counts.over_limit += 1;
            return Err(503);
        }
        let asker = self.calls.get(&from).ok_or(481_u16)?;
        if !asker.may_give(SideOf::Caller) {
            return Err(491);
        }
        let parties = asker.transferrer(SideOf::Caller).zip(asker.guest(SideOf::Caller));
        let (by, guest) = parties.ok_or(488_u16)?;
        let id = self.next_id();
        let leads_out = || {
            self.context
                .route(&self.context.config, number, self.context.config.realm())
        };
        if inside && leads_out().leads_outside() {
            self.context.counts.forbidden += 1;
            return Err(403);
        }
        let to = (number, screen);
        let call = Call::begin_dialled(&mut self.context, id, by, guest, to, now);
        self.keep(call);
        Ok(id)
    }

    /// The latest call of the user that can be heard.
    fn listen(&mut self, from: CallId, user: UserId, now: Now) {
        let found = self.calls.iter().rev().find(|(_, call)| call.can_be_heard(user));
        let found = found.map(|(id, _)| *id);
        let by = self.calls.get(&from).map(|call| call.partner_of(SideOf::Callee));
        if let (Some(call), Some(by)) = (found.and_then(|id| self.calls.get_mut(&id)), by) {
            call.is_heard(&mut self.context, &by);
        }
        if let Some(call) = self.calls.get_mut(&from) {
            call.listens(&mut self.context, found.map(|id| (id, user)), now);
        }
    }

    fn page(&mut self, from: CallId, users: &[UserId], now: Now) {
        let mut made = Vec::new();
        for user in users {
            let Some(guest) = self.calls.get(&from).and_then(|call| call.guest(SideOf::Caller)) else {
                break;
            };
            if self.is_full() {
                self.context.counts.over_limit += 1;
                break;
            }
            let id = self.next_id();
            if let Some(call) = Call::begin_page(&mut self.context, id, (from, guest), *user, now) {
                self.keep(call);
                made.push(id);
            }
        }
        if let Some(call) = self.calls.get_mut(&from) {
            call.pages(&mut self.context, made, now);
        }
    }

    /// Every conference.
    #[must_use]
    pub fn rooms(&self) -> Vec<RoomView> {
        self.context.rooms.view(self.context.config.id())
    }

    /// How many members with this number a conference has; without a number, how many at all.
    #[must_use]
    pub fn members(&self, room: u64, number: Option<&str>) -> usize {
        self.context.rooms.members(room, number).len()
    }

    /// Does something to a conference, or to the members with one number.
    pub(super) fn command_room(&mut self, room: u64, number: Option<&str>, command: RoomCommand, now: Now) {
        let event = match command {
            RoomCommand::Mute => Event::Muted(true),
            RoomCommand::Unmute => Event::Muted(false),
            RoomCommand::Kick => Event::Removed,
            RoomCommand::Lock | RoomCommand::Unlock => {
                self.context.rooms.lock(room, command == RoomCommand::Lock);
                return;
            }
        };
        for member in self.context.rooms.members(room, number) {
            if let Some(call) = self.calls.get_mut(&member) {
                call.told_in_room(&mut self.context, event, now);
            }
        }
    }
}
