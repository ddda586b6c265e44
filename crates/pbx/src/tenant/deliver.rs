//! Everything but requests: responses, the media plane, lost connections, a new configuration, time; and what
//! the transaction layer found meanwhile.

use super::Tenant;
use crate::context::{LegRef, Owner, Timer};
use crate::effect::Effect;
use model::{FetchedCertificate, FlowToken, MediaReport, Now, TenantConfig};
use sip::transaction::{ClientId, Delivery, Event};
use sip::{Message, Method};
use std::sync::Arc;
use tenancy::Reachable;

/// Rounds of news between calls and trunks after one input; what is left then waits for the next.
const MOST_ROUNDS: usize = 32;

impl Tenant {
    pub(super) fn handle_response(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        match self.context.tx.receive_response(message, now.mono) {
            Delivery::Deliver(client, Owner::Parting(user)) => {
                let last = message.status_line().is_some_and(|line| line.code >= 200);
                if last {
                    self.context.following.parted(user, client);
                }
            }
            Delivery::Deliver(client, Owner::Leaving) => {
                let code = message.status_line().map_or(0, |line| line.code);
                if code >= 200 {
                    self.context.carrier_parted(client, code, message, now);
                }
            }
            Delivery::Deliver(_, owner) => self.deliver_response(owner, message, now),
            Delivery::Absorbed => {}
            Delivery::Stray => self.handle_stray(flow, message, now),
        }
    }

    /// The certificate of who vouches for a caller has come, or won't. The call may not wait for it any more.
    pub(super) fn handle_certificate(&mut self, fetched: FetchedCertificate, now: Now) {
        let call = self.context.vouching.whose(fetched.order);
        if let Some(call) = call.and_then(|id| self.calls.get_mut(&id)) {
            call.certificate_came(&mut self.context, fetched.outcome, now);
        }
    }

    /// A 2xx to an INVITE that was given up because its connection broke still belongs to a dialog (RFC 3261
    /// §13.2.2.4): the phone waits for the ACK, and would hang up without it. From another address than the phone's it
    /// proves nothing.
    fn handle_stray(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        self.context.counts.stray += 1;
        let success = message
            .status_line()
            .is_some_and(|line| (200..300).contains(&line.code));
        let from = message.from_tag();
        let leg = from.and_then(|tag| self.context.legs.get(tag).copied());
        let leg = leg.filter(|leg| self.is_at(*leg, &flow));
        if let (true, Some(Method::Invite), Some(leg)) = (success, message.method(), leg) {
            self.deliver_late(leg, message, now);
        }
    }

    /// A 2xx to what nobody waits for any more, or to what the leg was asked in the call that it has left.
    fn deliver_late(&mut self, leg: LegRef, message: &Message<'_>, now: Now) {
        let success = message
            .status_line()
            .is_some_and(|line| (200..300).contains(&line.code));
        if success
            && message.method() == Some(Method::Invite)
            && let Some(call) = self.calls.get_mut(&leg.call)
        {
            call.answered_late(&mut self.context, leg.side, message, now);
        }
    }

    /// True when the leg's phone was last heard from the host of this flow.
    fn is_at(&self, leg: LegRef, flow: &FlowToken) -> bool {
        let known = self.calls.get(&leg.call).and_then(|call| call.flow_of(leg.side));
        known.is_some_and(|known| known.remote.ip() == flow.remote.ip())
    }

    fn deliver_response(&mut self, owner: Owner, message: &Message<'_>, now: Now) {
        let code = message.status_line().map_or(0, |line| line.code);
        match owner {
            Owner::Event(owner) => return self.event_answered(owner, code, Some(message), now),
            Owner::Trunk(owner) => {
                return self
                    .trunks
                    .answered(&mut self.context, owner, code, Some(message), now);
            }
            _ => {}
        }
        let asked = match owner {
            Owner::Renegotiation(call, _) | Owner::Refresh { call, .. } => Some(call),
            Owner::Target(call, _) if (200..300).contains(&code) => Some(call),
            _ => None,
        };
        if let Some(leg) = asked.and_then(|call| self.moved_to(message, call)) {
            return self.deliver_late(leg, message, now);
        }
        if let Some(call) = owner.call().and_then(|id| self.calls.get_mut(&id)) {
            call.handle_response(&mut self.context, owner, code, Some(message), now);
        }
    }

    pub(super) fn handle_media(&mut self, report: &MediaReport, now: Now) {
        let session = report.session();
        match self
            .calls
            .get_mut(&session.call())
            .filter(|call| call.has_session(session))
        {
            Some(call) => call.handle_media(&mut self.context, report, now),
            None => {
                if matches!(report, MediaReport::Opened { .. } | MediaReport::Serving { .. }) {
                    self.context.media(model::MediaCommand::Close { session });
                }
            }
        }
    }

    pub(super) fn handle_flow_closed(&mut self, worker: u16, connection: u64, now: Now) {
        self.context.large_flow_closed(worker, connection, now);
        let users = self.context.location.connection_lost(worker, connection);
        let lost = |flow: &FlowToken| {
            flow.transport.is_reliable() && flow.worker == worker && flow.connection == connection
        };
        // Nobody is registered on it any more when what was sent to a phone that is away comes back as lost.
        let (first, calls) = (!users.is_empty(), &self.calls);
        let expected = |owner: &Owner| match (owner, owner.call().and_then(|id| calls.get(&id))) {
            (Owner::Caller(_), Some(call)) => call.caller_may_return(&users),
            (_, Some(call)) => first || call.waits_for_return(owner),
            (_, None) => first || owner.call().is_none(),
        };
        let waits = |owner: &Owner, ours| owner.waits_for_phone(ours) && expected(owner);
        self.context.tx.connection_lost(lost, waits, now.mono);
        for user in users {
            for id in self.context.following.calls(user) {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.flow_lost(&mut self.context, user, lost, now);
                }
            }
        }
        self.events.connection_lost(&mut self.context, worker, connection);
        self.trunks
            .connection_lost(&mut self.context, worker, connection, now);
    }

    pub(super) fn handle_config(&mut self, config: Arc<TenantConfig>, now: Now) {
        let old = Arc::clone(&self.context.config);
        for user in self.context.location.users() {
            self.context.location.remove(user, |b| {
                let device = b.record.device;
                // A new password is for a phone that is lost, too: what registered with the old one is gone.
                !config.may_be_bound(device, user) || config.secret(device) != old.secret(device)
            });
        }
        self.context.reconfigure(config);
        self.context.compare_settings(&old);
        self.events.reconfigured(&mut self.context, &old);
        self.trunks.reconfigure(&mut self.context, now);
    }

    pub(super) fn handle_timeout(&mut self, now: Now) {
        self.context.counts.expired += self.context.location.expire(now) as u64;
        self.context.give_up_connecting(now);
        self.context.tx.handle_timeout(now.mono);
        self.events.handle_timeout(&mut self.context, now);
        self.trunks.handle_timeout(&mut self.context, now);
        self.context.meter.handle_timeout(now);
        while let Some(timer) = self.context.timers.expire(now.mono) {
            let Timer { call, kind } = timer;
            if let Some(call) = self.calls.get_mut(&call) {
                call.handle_timer(&mut self.context, kind, now);
            }
        }
    }

    pub(super) fn hang_up_all(&mut self, now: Now) {
        self.draining = true;
        self.trunks.end(&mut self.context, now);
        for call in self.calls.values_mut() {
            call.shut_down(&mut self.context, now);
        }
        // What they came to is known now, and there may be no later.
        self.context.count_at = Some(now.mono);
    }

    /// Carries what the transaction layer found to its calls, until there is nothing more, and forgets the
    /// calls that are over.
    pub(super) fn settle(&mut self, now: Now) {
        self.perform_acts(now);
        self.hear_transactions(now);
        self.perform_acts(now);
        self.serve_carriers(now);
        self.tell_of_help(now);
        while let Some(id) = self.context.over.pop() {
            if self.calls.get(&id).is_some_and(|call| call.is_over())
                && let Some(call) = self.calls.remove(&id)
            {
                call.release(&mut self.context);
            }
        }
        let removed = self.context.location.take_removed();
        self.tell_of_bindings(&removed);
        self.events.settle(&mut self.context, &self.calls, now);
        self.context.ask_for_connections(now);
        self.context.keep_count(now);
        self.context.out.extend(removed.into_iter().map(Effect::Binding));
    }

    /// Trunks hear of calls and calls of trunks, until neither has news.
    fn serve_carriers(&mut self, now: Now) {
        // Each round a call has one carrier less to try.
        for _ in 0..MOST_ROUNDS {
            self.trunks.hear_calls(&mut self.context, now);
            let waiting = self.context.carriers.take_waiting();
            if waiting.is_empty() {
                break;
            }
            for id in waiting {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.carriers_changed(&mut self.context, now);
                }
            }
            self.perform_acts(now);
        }
        if let Some(hosts) = self.context.carriers.take_hosts() {
            let config = &self.context.config;
            let trunks = config.trunks().iter().filter(|trunk| trunk.draft.enabled);
            let networks = trunks
                .flat_map(|trunk| trunk.draft.from.iter().copied())
                .collect();
            let reachable = (!config.trunks().is_empty()).then(|| Reachable {
                hosts,
                networks,
                numbers: config.numbers().into(),
            });
            self.context.out.push(Effect::Reachable(reachable));
        }
        while let Some(ending) = self.context.meter.poll_ending() {
            let call = self
                .calls
                .values_mut()
                .find(|call| call.has_ticket(ending.ticket));
            if let Some(call) = call {
                let why = format!("{} of {} is used up", ending.limit.name(), ending.scope);
                call.limit_reached(&mut self.context, &why, now);
            }
        }
        while let Some(alert) = self.context.meter.poll_alert() {
            self.context.out.push(Effect::Toll(Box::new(alert)));
        }
    }

    fn hear_transactions(&mut self, now: Now) {
        while let Some(event) = self.context.tx.poll_event() {
            match event {
                Event::ClientTimeout(client, owner) => self.unanswered(client, owner, 408, now),
                Event::ClientTransportError(client, owner) => self.unanswered(client, owner, 503, now),
                Event::NeverSent(_, owner) => {
                    if let Some(call) = owner.call().and_then(|id| self.calls.get_mut(&id)) {
                        call.handle_response(&mut self.context, owner, 487, None, now);
                    }
                }
                Event::Unheard(flow) => self.context.unheard(&flow, now),
                Event::AckTimeout(server, owner) => {
                    if let Some(call) = owner.call().and_then(|id| self.calls.get_mut(&id)) {
                        call.never_acknowledged(&mut self.context, owner, server, now);
                    }
                }
                Event::ServerTransportError(server, owner) => {
                    if let Some(call) = owner.call().and_then(|id| self.calls.get_mut(&id)) {
                        call.unanswerable(&mut self.context, owner, server, now);
                    }
                }
            }
        }
    }

    /// A request of ours came to nothing, which is as good as this status.
    fn unanswered(&mut self, client: ClientId, owner: Owner, code: u16, now: Now) {
        self.context.counts.timeouts += 1;
        if let Owner::Parting(user) = owner {
            self.context.following.parted(user, client);
        }
        if owner == Owner::Leaving {
            self.context.carriers.parted(client);
        }
        if let Owner::Event(owner) = owner {
            self.event_answered(owner, code, None, now);
        } else if let Owner::Trunk(owner) = owner {
            self.trunks.answered(&mut self.context, owner, code, None, now);
        } else if let Some(call) = owner.call().and_then(|id| self.calls.get_mut(&id)) {
            call.handle_response(&mut self.context, owner, code, None, now);
        }
    }
}
