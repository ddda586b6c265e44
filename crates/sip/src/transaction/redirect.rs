//! What becomes of transactions whose connection is lost, and of those whose peer has a new one (RFC 5626 §4.4).
//!
//! Owns: which of them end, and that a request goes out again. Does not own: when a peer is the same peer.

use super::client_invite::ClientInvite;
use super::client_other::ClientOther;
use super::timers::{T1_X64, Timer, Wire};
use super::{
    ClientId, ClientInput, ClientMachine, Server, ServerId, ServerInput, ServerInvite, ServerMachine,
    TransactionId, Transactions,
};
use bytes::Bytes;
use std::time::Duration;

impl<P: Copy, U: Copy> Transactions<P, U> {
    /// The connections to the peers that `failed` picks are lost. Only transactions over reliable transports are
    /// asked about.
    pub fn transport_failed(&mut self, failed: impl FnMut(&P) -> bool, now: Duration) {
        self.connection_lost(failed, |_, _| false, now);
    }

    /// The same, but what `waits` by its owner lives on, for its peer may come back: requests of ours (`true`) until their
    /// timers end them, see [`Transactions::redirect`], and INVITEs without a final answer (`false`) until they get one,
    /// see [`Transactions::redirect_answer`].
    pub fn connection_lost(
        &mut self,
        mut failed: impl FnMut(&P) -> bool,
        waits: impl Fn(&U, bool) -> bool,
        now: Duration,
    ) {
        let mut ends = |id: &TransactionId| match *id {
            TransactionId::Client(id) => self.clients.get(id.0).is_some_and(|c| {
                failed(&c.wire.peer) && !c.owner.as_ref().is_some_and(|owner| waits(owner, true))
            }),
            TransactionId::Server(id) => self
                .servers
                .get(id.0)
                .is_some_and(|s| failed(&s.wire.peer) && !(s.is_proceeding() && waits(&s.owner, false))),
        };
        let (clients, servers): (Vec<_>, Vec<_>) = self
            .streams
            .iter()
            .copied()
            .filter(|id| ends(id))
            .partition(|id| matches!(id, TransactionId::Client(_)));
        for id in clients.into_iter().chain(servers) {
            match id {
                TransactionId::Client(id) => drop(self.step_client(id, &ClientInput::TransportError, now)),
                TransactionId::Server(id) => drop(self.step_server(id, ServerInput::TransportError, now)),
            }
        }
    }

    /// The peer of a request without a final response is now at `peer`, over the same kind of transport: what it may
    /// have missed goes out again. An INVITE that has rung is not repeated, the CANCEL to it is.
    pub fn redirect(&mut self, id: ClientId, peer: P, now: Duration) {
        let Some(client) = self.clients.get_mut(id.0) else {
            return;
        };
        if let Some(way) = client.spare.as_deref_mut() {
            // It is not where its peer was lost.
            way.peer = peer;
            if client.wire.reliable {
                return;
            }
        }
        client.wire.peer = peer;
        let (reliable, cancelled) = (client.wire.reliable, client.wire.ends());
        match &client.machine {
            ClientMachine::Invite(ClientInvite::Calling { request, .. })
            | ClientMachine::Other(
                ClientOther::Trying { request, .. } | ClientOther::Proceeding { request },
            ) => {
                let request: Bytes = request.clone();
                self.out.push_back((peer, request));
            }
            ClientMachine::Invite(ClientInvite::Proceeding { head }) if cancelled => {
                let head = head.clone();
                self.send_cancel(&head, Wire::new(peer, reliable), None, now);
                self.with_client(id, now, |client, io| {
                    client.wire.arm(id, Timer::Cancelled, T1_X64, io);
                });
            }
            ClientMachine::Invite(_) | ClientMachine::Other(_) | ClientMachine::Held { .. } => {}
        }
    }

    /// The peer that waits for the answer to its INVITE, or has not acknowledged our 2xx, is now at `peer`: what it may
    /// have missed goes there at once, and what follows.
    pub fn redirect_answer(&mut self, id: ServerId, peer: P) {
        let Some(server) = self.servers.get_mut(id.0) else {
            return;
        };
        server.wire.peer = peer;
        if let ServerMachine::Invite(
            ServerInvite::Accepted {
                response: Some(response),
                ..
            }
            | ServerInvite::Proceeding { last: Some(response) },
        ) = &server.machine
        {
            let response: Bytes = response.clone();
            self.out.push_back((peer, response));
        }
    }
}

impl<P, U> Server<P, U> {
    /// True for an INVITE that has no final answer yet.
    fn is_proceeding(&self) -> bool {
        matches!(
            self.machine,
            ServerMachine::Invite(ServerInvite::Proceeding { .. })
        )
    }
}
