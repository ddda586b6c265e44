//! Which trunks a call to the outside may take, in which order, and whether the tenant's limits let it go.
//!
//! Owns: routes, costs and limits put together, also where another company of the server does not take a call to its number. Does not own: what happens at each carrier (`outside`), what limits count
//! (`tenancy::toll`), what a route is (`model::Route`).

use super::{Call, Phase};
use crate::context::Context;
use flow::Outside;
use model::{DestinationClass, Now, Prefix, Route, TenantConfig, TollTicket, Trunk, TrunkId};
use std::collections::VecDeque;
use std::sync::Arc;
use tenancy::{Origin, Request, Verdict};

impl Call {
    /// True for a call that has come in for a tenant that this one carries calls for.
    fn is_carried_in(&self) -> bool {
        self.transit.is_some_and(|transit| transit.inward)
    }

    /// True where the number is that of another tenant of this server, which calls of its kind may reach without a carrier: who has
    /// numbers that cost more is paid by carriers.
    fn is_of_neighbour(&self, context: &Context, what: &Outside) -> bool {
        use DestinationClass::{International, Mobile, National, TollFree};
        if !matches!(what.class, National | Mobile | International | TollFree) {
            return false;
        }
        let number = number::E164::parse(&what.number);
        let owner = number.and_then(|number| context.directory.number_owner(number.value()));
        context.carriers.has_inside() && owner.is_some_and(|owner| owner != self.config.id())
    }

    /// The trunks that may carry it, in the order of trying.
    pub(super) fn trunks_for(&self, context: &mut Context, what: &Outside, now: Now) -> VecDeque<TrunkId> {
        // What has come in for a company that is carried goes to it and nowhere else.
        match self.is_carried_in() || self.is_of_neighbour(context, what) {
            true => [TrunkId::INSIDE].into(),
            false => self.carriers_for(context, what, now),
        }
    }

    /// True where a company of this server has said, or shown by its silence, that it does not have the number, or has no room for
    /// neighbours. Who is busy, declines or has no phone has been reached.
    fn is_not_there(&self, index: usize, code: u16, is_answer: bool) -> bool {
        let target = self.targets.get(index).filter(|target| target.is_ringing());
        let is_neighbour = target.is_some_and(|target| target.peer.trunk() == Some(TrunkId::INSIDE));
        let was_heard = target.is_some_and(|target| {
            let told = target.carrier.as_ref();
            let is_heard = target.early.iter().any(|early| early.description.is_some());
            target.rang || is_heard || told.is_some_and(|told| told.heard && !is_answer)
        });
        let says_why = target.is_some_and(|target| target.carrier.as_ref().is_some_and(|told| told.says_why));
        // Of a chain of companies that send it on to each other the first alone goes outside for want of room: each would begin
        // another chain.
        let is_first = !self.caller.flow.is_inside() || self.transit.is_some();
        let is_gone = match code {
            404 | 410 => is_answer,
            // What is said of a call has a reason, and what is said for want of room has none.
            503 => is_first && !says_why,
            408 => !is_answer,
            _ => false,
        };
        self.phase == Phase::Ringing && is_neighbour && is_gone && !was_heard && !self.is_carried_in()
    }

    /// Where a neighbour does not take a call to its number, carriers are asked as for any other number, and so are the tenant's
    /// limits, which have counted a call that costs nothing. Where those let it go nowhere else, the neighbour's word stands.
    pub(super) fn goes_outside(
        &mut self,
        context: &mut Context,
        index: usize,
        (code, is_answer): (u16, bool),
        now: Now,
    ) -> bool {
        let stays = self.outgoing.as_ref().is_some_and(|outgoing| outgoing.stays);
        let what = self
            .called_outside()
            .filter(|_| !stays && self.is_not_there(index, code, is_answer));
        let Some(what) = what.cloned() else {
            return false;
        };
        let mut left = self.carriers_for(context, &what, now);
        if left.is_empty() {
            return false;
        }
        if let Some(ticket) = self.outgoing_ticket() {
            context.meter.withdrawn(ticket, now);
        }
        if let Some(ticket) = self.allowed(context, &what, &mut left, now) {
            self.may_take(ticket, left);
            return self.gives_carrier_up(context, index, (code, is_answer), true, now);
        }
        if let Some(outgoing) = &mut self.outgoing {
            outgoing.stays = true;
        }
        let mut inside = [TrunkId::INSIDE].into();
        if let Some(ticket) = self.allowed(context, &what, &mut inside, now) {
            self.may_take(ticket, VecDeque::new());
        }
        false
    }

    /// The tenant's own trunks that may carry it, likewise.
    fn carriers_for(&self, context: &mut Context, what: &Outside, now: Now) -> VecDeque<TrunkId> {
        let config = Arc::clone(&context.config);
        let routes = config.policy().routes.values().filter(|route| route.enabled);
        let is_emergency = what.class == DestinationClass::Emergency;
        let taken: Vec<&Route> = match Prefix::of_number(&what.number).filter(|_| !is_emergency) {
            None => routes.filter(|route| route.emergency && is_emergency).collect(),
            Some(number) => {
                let fitting = routes.filter(|route| !route.emergency);
                let fitting = fitting.filter_map(|route| Some((route.fits(number)?, route)));
                // The first of those that fit best.
                let best = fitting.reduce(|best, next| if next.0 > best.0 { next } else { best });
                best.into_iter().map(|(_, route)| route).collect()
            }
        };
        let mut order: Vec<&Trunk> = Vec::new();
        for route in taken {
            order.extend(members(context, &config, route, what, now));
        }
        // Help is sought everywhere in the end, and who has written no route down means every trunk.
        if is_emergency || config.policy().routes.values().all(|route| route.emergency) {
            order.extend(config.trunks());
        }
        let is_doubtful = |trunk: &&Trunk| {
            let way = context.carriers.way(trunk.id);
            way.is_none_or(|way| way.down || way.closed || way.doubtful > now.mono)
                || context.carriers.is_broken(trunk.id, now)
        };
        // Stable: those that seem to be down keep their order behind the others.
        order.sort_by_key(is_doubtful);
        let mut ids = VecDeque::new();
        // Who carries calls for others has a carrier: a chain of tenants could have branches without end.
        let leads_on = |trunk: &&Trunk| !trunk.draft.leads_inside() || self.transit.is_none();
        let is_own = |trunk: &Trunk| context.tenant_of(trunk) == Some(config.id());
        let usable = |trunk: &&Trunk| trunk.draft.enabled && leads_on(trunk) && !is_own(trunk);
        for trunk in order.into_iter().filter(usable) {
            if !ids.contains(&trunk.id) {
                ids.push_back(trunk.id);
            }
        }
        ids
    }

    /// Asks the tenant's limits; what they allow is counted from now on. Trunks that are for other numbers, or have used up what is
    /// theirs, are left out as long as others remain.
    pub(super) fn allowed(
        &mut self,
        context: &mut Context,
        what: &Outside,
        left: &mut VecDeque<TrunkId>,
        now: Now,
    ) -> Option<TollTicket> {
        if left.iter().any(|trunk| context.meter.is_for(*trunk, what.class)) {
            left.retain(|trunk| context.meter.is_for(*trunk, what.class));
        }
        loop {
            let mut request = Request {
                origin: self.origin_of_costs(),
                trunk: left.front().copied(),
                number: &what.number,
                class: what.class,
            };
            // Its company pays nobody for it, and what it may call is no matter.
            if self.is_carried_in() {
                request.class = DestinationClass::Internal;
            }
            match context.meter.ask(&request, now) {
                Verdict::Allow { ticket, .. } => return Some(ticket),
                Verdict::Refuse(reason) => {
                    self.run.note(&reason.to_string());
                    if !reason.is_of_trunk() || left.len() < 2 {
                        return None;
                    }
                    left.pop_front();
                }
            }
        }
    }

    /// The limits of another trunk hold from now on; false where they let no call through.
    pub(super) fn changes_trunk(&mut self, context: &mut Context, trunk: TrunkId, now: Now) -> bool {
        let Some(ticket) = self.outgoing_ticket() else {
            return true;
        };
        match context.meter.rerouted(ticket, trunk, now) {
            Ok(()) => true,
            Err(reason) => {
                self.run.note(&reason.to_string());
                false
            }
        }
    }

    /// Who pays: the last who has sent the call on, who has transferred it, or who has dialled.
    pub(super) fn origin_of_costs(&self) -> Origin {
        if let Some(forward) = self.run.forwards().last() {
            return Origin::Forwarded(forward.user);
        }
        let by = self
            .moves
            .origin
            .as_ref()
            .and_then(|origin| origin.by.peer.user());
        match (by, self.caller.user()) {
            (Some(user), caller) if caller != Some(user) => Origin::Transferred(user),
            (_, Some(user)) => Origin::Dialled(user),
            (_, None) => Origin::Flow,
        }
    }
}

/// The trunks of a route as they are tried.
fn members<'a>(
    context: &mut Context,
    config: &'a TenantConfig,
    route: &Route,
    what: &Outside,
    now: Now,
) -> Vec<&'a Trunk> {
    let mut order = route.order(|| context.random());
    let number = Prefix::of_number(&what.number);
    route.cheapest_first(&mut order, |member| {
        let trunk = config.trunk_named(&member.name)?;
        context.costs.of(trunk.id, number?, now.wall)
    });
    let named = order.into_iter();
    named
        .filter_map(|member| config.trunk_named(&member.name))
        .collect()
}
