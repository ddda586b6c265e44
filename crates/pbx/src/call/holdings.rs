//! What a call to the outside holds: tickets of the tenant's limits, channels of trunks.
//!
//! Owns: that each is given back once, and what it came to is charged. Does not own: whether a call may go (`choice`), what limits count
//! (`tenancy::toll`) and trunks (`carriers`).

use super::{Call, Leg, Phase, record};
use crate::context::{Context, TimerKind};
use model::{Now, TollTicket, TrunkId};

impl Call {
    /// Somebody has answered. A carrier costs from now on, for as long as its leg lasts, in whatever call that is.
    pub(super) fn outside_is_answered(&mut self, context: &mut Context, leg: &mut Leg, now: Now) {
        if leg.peer.trunk().is_some()
            && let Some(outgoing) = self.outgoing.take()
        {
            context.meter.answered(outgoing.ticket, now);
            leg.ticket = Some(outgoing.ticket);
        }
        self.outside_is_over(context, now);
    }

    /// No carrier is tried any more: what the attempt held is free again, and nothing of it is charged to what follows.
    pub(super) fn outside_is_over(&mut self, context: &mut Context, now: Now) {
        self.cancel_timer(context, TimerKind::Carrier);
        context.carriers.stops_waiting(self.id);
        let Some(outgoing) = self.outgoing.take() else {
            return;
        };
        self.give_back(context, Some(outgoing.ticket), now);
        let round = self.targets.iter().skip(self.round);
        let trunks: Vec<TrunkId> = round.filter_map(|target| target.peer.trunk()).collect();
        for trunk in trunks {
            self.holds_channels(context, trunk);
        }
    }

    /// The call is over: what it came to stands in the record.
    pub(super) fn give_tickets_back(&mut self, context: &mut Context, now: Now) {
        self.outside_is_over(context, now);
        let caller = self.caller.ticket.take();
        let callee = self.callee.as_mut().and_then(|leg| leg.ticket.take());
        self.give_back(context, caller, now);
        self.give_back(context, callee, now);
    }

    /// Ends what a ticket stands for.
    pub(super) fn give_back(&mut self, context: &mut Context, ticket: Option<TollTicket>, now: Now) {
        if let Some(charge) = ticket.and_then(|ticket| context.meter.ended(ticket, now)) {
            self.record.charged(charge);
        }
    }

    /// Is this the call that a limit ends?
    pub(crate) fn has_ticket(&self, ticket: TollTicket) -> bool {
        let outgoing = self.outgoing_ticket();
        let callee = self.callee.as_ref().and_then(|leg| leg.ticket);
        [outgoing, self.caller.ticket, callee].contains(&Some(ticket))
    }

    /// Tells the trunk how many of its channels the call has: one for each leg, and one for the carrier that is tried.
    pub(super) fn holds_channels(&self, context: &mut Context, trunk: TrunkId) {
        let legs = [Some(&self.caller), self.callee.as_ref()].into_iter().flatten();
        let legs = legs.filter(|leg| leg.is_present() && leg.peer.trunk() == Some(trunk));
        let tried = self
            .outgoing
            .as_ref()
            .is_some_and(|outgoing| outgoing.on == Some(trunk));
        let channels = legs.count().saturating_add(usize::from(tried));
        context.carriers.holds(trunk, self.id, channels);
    }

    /// A limit ends it.
    pub(crate) fn limit_reached(&mut self, context: &mut Context, why: &str, now: Now) {
        context.counts.toll_ended += 1;
        self.run.note(why);
        let cause = record::q850::TIMER_EXPIRY;
        match self.phase {
            Phase::Answered => self.hang_up(context, cause, model::EndedBy::System, "limit reached", now),
            _ => self.fail(context, cause, now),
        }
    }

    /// No trunk counts it any more.
    pub(super) fn leaves_trunks(&self, context: &mut Context) {
        let legs = [Some(&self.caller), self.callee.as_ref()].into_iter().flatten();
        let trunks = legs.filter_map(|leg| leg.peer.trunk());
        let trunks = trunks.chain(self.targets.iter().filter_map(|target| target.peer.trunk()));
        for trunk in trunks.collect::<Vec<_>>() {
            context.carriers.leaves(trunk, self.id);
        }
        context.carriers.stops_waiting(self.id);
    }
}
