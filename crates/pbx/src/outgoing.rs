//! Requests of ours on their way out: as datagrams, on connections, or held until it is known which (RFC 3261 §18.1.1).
//!
//! Owns: what the tenant does when a connection for large requests opens, fails or breaks, and where a phone is that uses
//! one. Does not own: what is known of phones ([`crate::large`]), the requests (`sip::transaction`).

use crate::context::{Context, Owner};
use crate::effect::Effect;
use crate::large::{Route, Waiting, leads_to};
use bytes::Bytes;
use model::{ConnectOutcome, Connected, FlowToken, Now, Transport, UserId};
use sip::Method;
use sip::build::for_transport;
use sip::transaction::{ClientId, Full, Way};

impl Context {
    /// Begins a client transaction, over TCP where the request is too large for the datagram that it was written for and
    /// the phone takes it.
    pub(crate) fn request(
        &mut self,
        method: Method<'_>,
        branch: &str,
        bytes: Bytes,
        flow: FlowToken,
        owner: Owner,
        now: Now,
    ) -> Result<ClientId, Full> {
        // Whoever hangs up must be able to, where there is a call for help at all.
        let ends = method == Method::Bye && !self.helping.is_empty();
        // Of what is kept back a part is for people on site; the carrier's INVITE comes after them.
        let alarms = self.alarming > 0;
        self.alarming = self.alarming.saturating_sub(1);
        let urgent = alarms || ends || owner.call().is_some_and(|call| self.helping.contains(&call));
        self.tx.use_reserve(urgent);
        let client = self.begin_request(method, branch, bytes, flow, owner, now);
        self.tx.use_reserve(false);
        client
    }

    fn begin_request(
        &mut self,
        method: Method<'_>,
        branch: &str,
        bytes: Bytes,
        flow: FlowToken,
        owner: Owner,
        now: Now,
    ) -> Result<ClientId, Full> {
        let route = self.large.route(&flow, &bytes);
        if matches!(route, Route::Datagram) {
            let reliable = flow.transport.is_reliable();
            return self
                .tx
                .request(method, branch, bytes, flow, reliable, owner, now.mono);
        }
        let client = self.tx.hold(method, branch, bytes, way(flow), owner, now.mono)?;
        match route {
            Route::Wait(order) => self.large.wait(order, Waiting::Client(client)),
            Route::Over(flow) => self.tx.send_over(client, way(flow), now.mono),
            Route::Datagram => {}
        }
        Ok(client)
    }

    /// Sends the first ACK to a 2xx, likewise. Should it get lost, the 2xx comes again, and its ACK is a datagram.
    pub(crate) fn send_ack(&mut self, flow: FlowToken, bytes: Bytes) {
        match self.large.route(&flow, &bytes) {
            Route::Datagram => self.transmit(flow, bytes),
            Route::Over(over) => self.transmit_over(over, flow, bytes),
            Route::Wait(order) => self.large.wait(order, Waiting::Ack(flow, bytes)),
        }
    }

    fn transmit_over(&mut self, over: FlowToken, flow: FlowToken, bytes: Bytes) {
        match for_transport(&bytes, over.transport.via(), over.local) {
            Some(bytes) => self.transmit(over, bytes),
            None => self.transmit(flow, bytes),
        }
    }

    /// Asks the shell for the connections that are wanted since the last time.
    pub(crate) fn ask_for_connections(&mut self, now: Now) {
        let wanted = self.large.take_wanted(now.mono);
        self.out.extend(wanted.into_iter().map(Effect::Connect));
    }

    /// The shell has tried.
    pub(crate) fn connected(&mut self, connected: &Connected, now: Now) {
        let Connected { order, outcome } = *connected;
        for waiting in self.large.connected(order, outcome, now.mono) {
            match (waiting, outcome) {
                (Waiting::Client(client), ConnectOutcome::Open(flow)) => {
                    self.tx.send_over(client, way(flow), now.mono);
                }
                (Waiting::Client(client), _) => self.tx.send_held(client, now.mono),
                (Waiting::Ack(flow, bytes), ConnectOutcome::Open(over)) => {
                    self.transmit_over(over, flow, bytes);
                }
                (Waiting::Ack(flow, bytes), _) => self.transmit(flow, bytes),
            }
        }
    }

    /// A connection is gone. What went over it for its size and has no answer goes on as a datagram.
    pub(crate) fn large_flow_closed(&mut self, worker: u16, connection: u64, now: Now) {
        let order = self.large.closed(worker, connection);
        let lost = |flow: &FlowToken| {
            flow.transport.is_reliable() && flow.worker == worker && flow.connection == connection
        };
        // Taken and then closed before a word: as good as refused.
        if self.tx.fall_back(lost, now.mono) > 0
            && let Some(order) = order
        {
            self.large.connected(order, ConnectOutcome::Refused, now.mono);
        }
    }

    /// The phone took the connection and says nothing on it.
    pub(crate) fn unheard(&mut self, flow: &FlowToken, now: Now) {
        if let Some(order) = self.large.closed(flow.worker, flow.connection) {
            self.large.connected(order, ConnectOutcome::Refused, now.mono);
        }
    }

    /// Gives up connections that nobody opened in time.
    pub(crate) fn give_up_connecting(&mut self, now: Now) {
        while let Some(order) = self.large.overdue(now.mono) {
            let outcome = ConnectOutcome::Refused;
            self.connected(&Connected { order, outcome }, now);
        }
    }

    /// Where a user's phone is that speaks on this flow and wants to be reached at `target`. Who sends one request over TCP
    /// for its size, on a connection of its own or on one that we opened, is where its datagrams come from: the
    /// connection may go any moment, and nothing is bound to it. A carrier is where it speaks from.
    pub(crate) fn home(&self, user: impl Into<Option<UserId>>, target: &str, flow: FlowToken) -> FlowToken {
        let Some(user) = user.into() else {
            return flow;
        };
        if flow.transport != Transport::Tcp || self.location.on_flow(user, &flow).is_some() {
            return flow;
        }
        let mut bound = self.location.of(user).iter().map(|binding| binding.record.flow);
        let here = |at: &FlowToken| {
            at.transport == Transport::Udp && at.remote.ip() == flow.remote.ip() && leads_to(target, at)
        };
        let opened = self.large.stands_for(&flow);
        opened.or_else(|| bound.find(here)).unwrap_or(flow)
    }
}

fn way(flow: FlowToken) -> Way<FlowToken> {
    Way {
        peer: flow,
        transport: flow.transport.via(),
        sent_by: flow.local,
    }
}
