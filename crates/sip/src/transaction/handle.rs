//! From an input to the machine that it is for, and from what the machine reports to the user.
//!
//! Owns: dispatch, and that a transaction which ended leaves nothing behind. Does not own: any state.

use super::timers::{Alarm, Io, Report, T1_X64, Timer, Wire};
use super::{
    Client, ClientId, ClientInput, ClientInvite, ClientMachine, ClientOther, Delivery, Event, Incoming, Key,
    Server, ServerId, ServerInput, ServerInvite, ServerMachine, ServerOther, TransactionId, Transactions,
    ack,
};
use crate::message::Message;
use crate::method::Method;
use bytes::Bytes;
use std::time::Duration;

impl<P: Copy, U: Copy> Server<P, U> {
    fn step(&mut self, id: ServerId, input: ServerInput, io: &mut Io<'_, P>) {
        match &mut self.machine {
            ServerMachine::Invite(machine) => machine.step(id, input, &mut self.wire, io),
            ServerMachine::Other(machine) => machine.step(id, input, &mut self.wire, io),
        }
    }

    fn has_ended(&self) -> bool {
        let machine = &self.machine;
        matches!(
            machine,
            ServerMachine::Invite(ServerInvite::Terminated) | ServerMachine::Other(ServerOther::Terminated)
        )
    }
}

impl<P: Copy, U: Copy> Client<P, U> {
    fn step(&mut self, id: ClientId, input: &ClientInput<'_>, io: &mut Io<'_, P>) {
        match &mut self.machine {
            ClientMachine::Invite(machine) => machine.step(id, input, &mut self.wire, io),
            ClientMachine::Other(machine) => machine.step(id, input, &mut self.wire, io),
            ClientMachine::Held { .. } => {
                if matches!(input, ClientInput::Timer(_)) {
                    io.report = Report::Timeout;
                    self.machine = ClientMachine::Other(ClientOther::Terminated);
                }
            }
        }
    }

    fn has_ended(&self) -> bool {
        let machine = &self.machine;
        matches!(
            machine,
            ClientMachine::Invite(ClientInvite::Terminated) | ClientMachine::Other(ClientOther::Terminated)
        )
    }
}

impl<P: Copy, U: Copy> Transactions<P, U> {
    pub(super) fn is_full(&self) -> bool {
        let (reserve, may_use) = self.reserve;
        let more = if may_use { reserve } else { 0 };
        self.len() >= self.limit.saturating_add(more)
    }

    pub(super) fn receive_ack(&mut self, ack: &Message<'_>, now: Duration) -> Incoming<U> {
        let key = self.keyer.server(ack, Method::Invite);
        let Some(id) = self.by_request.get(&key).copied() else {
            return Incoming::New;
        };
        let Some(server) = self.servers.get(id.0) else {
            return Incoming::New;
        };
        let owner = server.owner;
        let success = matches!(
            server.machine,
            ServerMachine::Invite(ServerInvite::Accepted { .. })
        );
        match self.step_server(id, ServerInput::Ack, now) {
            Report::Deliver if success => Incoming::AckTo2xx(id, owner),
            Report::Deliver => Incoming::Ack(owner),
            _ => Incoming::Retransmission,
        }
    }

    pub(super) fn deliver(&mut self, response: &Message<'_>, now: Duration) -> Option<Delivery<U>> {
        let code = response.status_line()?.code;
        let key = self.keyer.client(ack::branch(response)?, response.method()?);
        let id = self.by_response.get(&key).copied()?;
        let owner = self.clients.get(id.0)?.owner;
        let waiting = self.take_waiting_cancel(id, code);
        let report = self.step_client(id, &ClientInput::Response(code, response), now);
        if let Some(reason) = waiting {
            self.cancel_invite(id, reason.as_deref(), now);
        }
        Some(match (report, owner) {
            (Report::Deliver, Some(owner)) => Delivery::Deliver(id, owner),
            _ => Delivery::Absorbed,
        })
    }

    /// The CANCEL that waited for this first provisional response.
    fn take_waiting_cancel(&mut self, id: ClientId, code: u16) -> Option<Option<Box<str>>> {
        match self.clients.get_mut(id.0).map(|client| &mut client.machine) {
            Some(ClientMachine::Invite(ClientInvite::Calling { cancel, .. })) if code < 200 => cancel.take(),
            _ => None,
        }
    }

    pub(super) fn cancel_invite(&mut self, id: ClientId, reason: Option<&str>, now: Duration) -> bool {
        let Some(client) = self.clients.get_mut(id.0) else {
            return false;
        };
        let owner = client.owner;
        match &mut client.machine {
            ClientMachine::Held { invite: true, .. } => {
                self.free_client(id);
                self.events.extend(owner.map(|owner| Event::NeverSent(id, owner)));
                true
            }
            ClientMachine::Invite(ClientInvite::Calling { cancel, .. }) => {
                cancel.get_or_insert_with(|| reason.map(Box::from));
                true
            }
            ClientMachine::Invite(ClientInvite::Proceeding { head }) => {
                // Armed already: the CANCEL is on its way, and its own transaction repeats it.
                if !client.wire.ends() {
                    let (wire, head) = (Wire::new(client.wire.peer, client.wire.reliable), head.clone());
                    self.send_cancel(&head, wire, reason, now);
                    self.with_client(id, now, |client, io| {
                        client.wire.arm(id, Timer::Cancelled, T1_X64, io)
                    });
                }
                true
            }
            _ => false,
        }
    }

    pub(super) fn send_cancel(&mut self, head: &[u8], wire: Wire<P>, reason: Option<&str>, now: Duration) {
        let Ok(invite) = Message::parse(head) else { return };
        let key = ack::branch(&invite).map(|branch| self.keyer.client(branch, Method::Cancel));
        if let (Some(key), Some(cancel)) = (key, ack::cancel(&invite, reason)) {
            self.begin(key, false, cancel, wire, None, now);
        }
    }

    pub(super) fn begin(
        &mut self,
        key: Key,
        invite: bool,
        request: Bytes,
        wire: Wire<P>,
        owner: Option<U>,
        now: Duration,
    ) -> ClientId {
        let machine = ClientMachine::Other(ClientOther::Terminated);
        let reliable = wire.reliable;
        let id = ClientId(self.clients.insert(Client {
            wire,
            owner,
            key,
            machine,
            spare: None,
        }));
        if reliable {
            self.streams.insert(id.into());
        }
        self.by_response.insert(key, id);
        self.with_client(id, now, |client, io| {
            client.machine = match invite {
                true => ClientMachine::Invite(ClientInvite::start(id, request, &mut client.wire, io)),
                false => ClientMachine::Other(ClientOther::start(id, request, &mut client.wire, io)),
            }
        });
        id
    }

    pub(super) fn step_server(&mut self, id: ServerId, input: ServerInput, now: Duration) -> Report {
        let report = self.with_server(id, now, |server, io| server.step(id, input, io));
        let Some(server) = self.servers.get(id.0) else {
            return report;
        };
        let owner = server.owner;
        if server.has_ended() {
            self.free_server(id);
        }
        match report {
            Report::AckTimeout => self.events.push_back(Event::AckTimeout(id, owner)),
            Report::TransportError => self.events.push_back(Event::ServerTransportError(id, owner)),
            _ => {}
        }
        report
    }

    pub(super) fn step_client(&mut self, id: ClientId, input: &ClientInput<'_>, now: Duration) -> Report {
        let report = self.with_client(id, now, |client, io| client.step(id, input, io));
        let Some(client) = self.clients.get(id.0) else {
            return report;
        };
        let owner = client.owner;
        if client.has_ended() {
            self.free_client(id);
        }
        match (report, owner) {
            (Report::Timeout, Some(owner)) => self.events.push_back(Event::ClientTimeout(id, owner)),
            (Report::TransportError, Some(owner)) => {
                self.events.push_back(Event::ClientTransportError(id, owner));
            }
            _ => {}
        }
        report
    }

    pub(super) fn fire(&mut self, alarm: Alarm, now: Duration) {
        let Alarm { id, timer } = alarm;
        match id {
            TransactionId::Server(id) => {
                self.with_server(id, now, |server, _| server.wire.fired(timer));
                self.step_server(id, ServerInput::Timer(timer), now);
            }
            TransactionId::Client(id) => {
                let mut over = false;
                self.with_client(id, now, |client, _| {
                    client.wire.fired(timer);
                    over = client.wire.reliable && client.spare.is_some();
                });
                if over && matches!(timer, Timer::A | Timer::E) {
                    return self.unheard(id, now);
                }
                self.step_client(id, &ClientInput::Timer(timer), now);
            }
        }
    }

    pub(super) fn free_server(&mut self, id: ServerId) {
        self.with_server(id, Duration::ZERO, |server, io| server.wire.stop(io));
        let Some(server) = self.servers.remove(id.0) else {
            return;
        };
        if server.wire.reliable {
            self.streams.remove(&id.into());
        }
        // A later transaction may have taken over the key.
        if self.by_request.get(&server.key) == Some(&id) {
            self.by_request.remove(&server.key);
        }
        if let Some(merge) = server.merge
            && self.by_origin.get(&merge) == Some(&id)
        {
            self.by_origin.remove(&merge);
        }
    }

    pub(super) fn free_client(&mut self, id: ClientId) {
        self.with_client(id, Duration::ZERO, |client, io| client.wire.stop(io));
        let Some(client) = self.clients.remove(id.0) else {
            return;
        };
        if client.wire.reliable {
            self.streams.remove(&id.into());
        }
        if self.by_response.get(&client.key) == Some(&id) {
            self.by_response.remove(&client.key);
        }
    }

    fn with_server(
        &mut self,
        id: ServerId,
        now: Duration,
        act: impl FnOnce(&mut Server<P, U>, &mut Io<'_, P>),
    ) -> Report {
        let mut io = Io {
            out: &mut self.out,
            wheel: &mut self.wheel,
            now,
            report: Report::Nothing,
        };
        if let Some(server) = self.servers.get_mut(id.0) {
            act(server, &mut io);
        }
        io.report
    }

    pub(super) fn with_client(
        &mut self,
        id: ClientId,
        now: Duration,
        act: impl FnOnce(&mut Client<P, U>, &mut Io<'_, P>),
    ) -> Report {
        let mut io = Io {
            out: &mut self.out,
            wheel: &mut self.wheel,
            now,
            report: Report::Nothing,
        };
        if let Some(client) = self.clients.get_mut(id.0) {
            act(client, &mut io);
        }
        io.report
    }
}
