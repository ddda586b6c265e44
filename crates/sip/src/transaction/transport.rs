//! Requests that are too large for a datagram (RFC 3261 §18.1.1): they wait for a connection, go over it, and go as
//! datagrams after all where there is none.
//!
//! Owns: that a request leaves once, under one branch, with the Via of the transport that it leaves by. Does not own:
//! what is too large, connections, or who takes them.
//!
//! It is one client transaction throughout. While it waits nothing has been sent, so nothing can be mistaken for a copy;
//! and where a connection breaks before any answer, the same branch makes the datagram a copy to a peer that had read
//! the request, and a request to one that had not.

use super::client_invite::ClientInvite;
use super::client_other::ClientOther;
use super::timers::{T1, T1_X64, T2, Timer, Wire};
use super::{Client, ClientId, ClientMachine, Event, Full, TransactionId, Transactions};
use crate::build::for_transport;
use crate::method::Method;
use bytes::Bytes;
use std::net::SocketAddr;
use std::time::Duration;

/// How a request leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way<P> {
    /// Where to.
    pub peer: P,
    /// `UDP` or `TCP`, for its Via.
    pub transport: &'static str,
    /// Where responses reach us, for its Via.
    pub sent_by: SocketAddr,
}

/// How long a peer may say nothing to a request on its new connection: it took the connection, but perhaps nobody reads.
const UNHEARD: Duration = T2;

impl<P: Copy, U: Copy> Transactions<P, U> {
    /// Begins a client transaction whose request, written for the datagrams of `way`, waits until
    /// [`Transactions::send_over`] or [`Transactions::send_held`] lets it go. It ends by itself when neither does.
    ///
    /// # Errors
    /// The table is full.
    pub fn hold(
        &mut self,
        method: Method<'_>,
        branch: &str,
        request: Bytes,
        way: Way<P>,
        owner: U,
        now: Duration,
    ) -> Result<ClientId, Full> {
        if self.is_full() {
            return Err(Full);
        }
        let key = self.keyer.client(branch, method);
        let invite = method == Method::Invite;
        let id = ClientId(self.clients.insert(Client {
            wire: Wire::new(way.peer, false),
            owner: Some(owner),
            key,
            machine: ClientMachine::Held { request, invite },
            spare: Some(Box::new(way)),
        }));
        self.by_response.insert(key, id);
        let timer = if invite { Timer::B } else { Timer::F };
        self.with_client(id, now, |client, io| client.wire.arm(id, timer, T1_X64, io));
        Ok(id)
    }

    /// Sends a request that was held as the datagram that it was written for.
    pub fn send_held(&mut self, id: ClientId, now: Duration) {
        if let Some((request, invite)) = self.held(id) {
            self.start_again(id, request, invite, now);
            self.with_client(id, now, |client, _| client.spare = None);
        }
    }

    /// Sends a request that was held over a connection. Until it is answered it can still fall back to its datagram.
    pub fn send_over(&mut self, id: ClientId, way: Way<P>, now: Duration) {
        let Some((request, invite)) = self.held(id) else {
            return;
        };
        let Some(request) = for_transport(&request, way.transport, way.sent_by) else {
            return self.send_held(id, now);
        };
        self.with_client(id, now, |client, io| {
            client.wire.stop(io);
            client.wire = Wire::new(way.peer, true);
        });
        self.streams.insert(id.into());
        self.start_again(id, request, invite, now);
        let timer = if invite { Timer::A } else { Timer::E };
        self.with_client(id, now, |client, io| client.wire.arm(id, timer, UNHEARD, io));
    }

    /// The connections that `failed` picks are lost. Requests that went over them for their size, and have no final
    /// answer, go on as datagrams; returns how many of them had no answer at all.
    pub fn fall_back(&mut self, mut failed: impl FnMut(&P) -> bool, now: Duration) -> usize {
        let concerned: Vec<ClientId> = self
            .streams
            .iter()
            .filter_map(|id| match *id {
                TransactionId::Client(id) => Some(id),
                TransactionId::Server(_) => None,
            })
            .filter(|id| {
                let client = self.clients.get(id.0);
                client.is_some_and(|client| client.spare.is_some() && failed(&client.wire.peer))
            })
            .collect();
        let fell = concerned.into_iter().filter(|id| self.fall_back_one(*id, now));
        fell.count()
    }

    /// The repetition timer of a request that went over a connection for its size: nobody has answered it.
    pub(super) fn unheard(&mut self, id: ClientId, now: Duration) {
        let Some(peer) = self.clients.get(id.0).map(|client| client.wire.peer) else {
            return;
        };
        if self.fall_back_one(id, now) {
            self.events.push_back(Event::Unheard(peer));
        }
    }

    /// True when it had no answer yet. Its time goes on: no transaction lasts longer for having tried.
    fn fall_back_one(&mut self, id: ClientId, now: Duration) -> bool {
        let Some(client) = self.clients.get_mut(id.0) else {
            return false;
        };
        let Some(way) = client.spare.as_deref().copied() else {
            return false;
        };
        let Some(request) = client.machine.repeats() else {
            // Copies of a 2xx come as they come.
            return false;
        };
        if let Some(datagram) = for_transport(request, way.transport, way.sent_by) {
            *request = datagram;
        }
        client.spare = None;
        client.wire.reliable = false;
        client.wire.peer = way.peer;
        self.streams.remove(&id.into());
        self.repeat(id, now)
    }

    /// Sends again what the peer may not have heard; true for a request without any answer. One that rings need not be
    /// sent again, the CANCEL to it must.
    fn repeat(&mut self, id: ClientId, now: Duration) -> bool {
        let mut cancelled = None;
        let mut unanswered = false;
        self.with_client(id, now, |client, io| {
            let (request, timer, pause) = match &mut client.machine {
                ClientMachine::Invite(ClientInvite::Calling {
                    request, interval, ..
                }) => {
                    *interval = T1;
                    (request, Timer::A, T1)
                }
                ClientMachine::Other(ClientOther::Trying { request, interval }) => {
                    *interval = T1;
                    (request, Timer::E, T1)
                }
                ClientMachine::Other(ClientOther::Proceeding { request }) => (request, Timer::E, T2),
                ClientMachine::Invite(ClientInvite::Proceeding { head }) if client.wire.ends() => {
                    cancelled = Some((head.clone(), client.wire.peer));
                    return;
                }
                _ => return,
            };
            unanswered = pause == T1;
            client.wire.send(request, io);
            client.wire.arm(id, timer, pause, io);
        });
        if let Some((head, peer)) = cancelled {
            self.send_cancel(&head, Wire::new(peer, false), None, now);
        }
        unanswered
    }

    fn held(&self, id: ClientId) -> Option<(Bytes, bool)> {
        match &self.clients.get(id.0)?.machine {
            ClientMachine::Held { request, invite } => Some((request.clone(), *invite)),
            _ => None,
        }
    }

    /// Begins anew, on the wire that the client has.
    fn start_again(&mut self, id: ClientId, request: Bytes, invite: bool, now: Duration) {
        self.with_client(id, now, |client, io| {
            client.wire.stop(io);
            client.machine = match invite {
                true => ClientMachine::Invite(ClientInvite::start(id, request, &mut client.wire, io)),
                false => ClientMachine::Other(ClientOther::start(id, request, &mut client.wire, io)),
            };
        });
    }
}

impl ClientMachine {
    /// What a client without a final response has sent, or its head.
    fn repeats(&mut self) -> Option<&mut Bytes> {
        match self {
            ClientMachine::Invite(
                ClientInvite::Calling { request, .. } | ClientInvite::Proceeding { head: request },
            )
            | ClientMachine::Other(
                ClientOther::Trying { request, .. } | ClientOther::Proceeding { request },
            ) => Some(request),
            _ => None,
        }
    }
}
