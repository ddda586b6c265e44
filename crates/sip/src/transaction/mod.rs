//! Transactions: what makes a request and its responses one exchange on a network that loses, doubles and delays
//! (RFC 3261 §17, RFC 6026).
//!
//! Owns: the four state machines and their timers, matching, retransmission, the ACK to failures, CANCEL.
//! Does not own: sockets (what to send is polled), time (it is passed in), or what a request means.
//!
//! Contract of use: after every call drain [`Transactions::poll_transmit`] and [`Transactions::poll_event`], and
//! call [`Transactions::handle_timeout`] when [`Transactions::poll_timeout`] says so. Calls with an id whose
//! transaction has ended do nothing. Everything ends by itself, but for two that wait for the user: a server
//! transaction until its final response, and an INVITE client that rings until it is cancelled
//! ([`Transactions::cancel`]).
//!
//! A connection that closes ends nothing here unless [`Transactions::transport_failed`] says so. It tells the user
//! where the user waits for something; where the outcome is known already it only frees (narrower than the RFC,
//! which would inform the user of what changes nothing), except after a 2xx to an INVITE of ours: its copies may come
//! on the peer's next connection.

mod ack;
mod client_invite;
mod client_other;
mod handle;
mod key;
mod redirect;
mod server_invite;
mod server_other;
mod slab;
mod timers;
mod transport;

pub use timers::{T1, T1_X64, T2, T4, TIMER_D};
pub use transport::Way;

use crate::message::Message;
use crate::method::Method;
use crate::timer::Wheel;
use bytes::Bytes;
use client_invite::ClientInvite;
use client_other::ClientOther;
use key::{Key, KeyMap, Keyer};
use server_invite::ServerInvite;
use server_other::ServerOther;
use slab::{Id, Slab};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use timers::{Alarm, Timer, Wire};

/// A transaction that we answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(Id);

/// A transaction that we began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(Id);

/// Either kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransactionId {
    /// We answer.
    Server(ServerId),
    /// We began.
    Client(ClientId),
}

impl From<ServerId> for TransactionId {
    fn from(id: ServerId) -> TransactionId {
        TransactionId::Server(id)
    }
}

impl From<ClientId> for TransactionId {
    fn from(id: ClientId) -> TransactionId {
        TransactionId::Client(id)
    }
}

/// What a request that came in is to the transactions there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming<U> {
    /// None of theirs: a new request, or the ACK to a 2xx. [`Transactions::accept`] makes a transaction of it.
    New,
    /// Absorbed; the last response, if any, goes out again.
    Retransmission,
    /// The ACK to our failure response of this owner's INVITE: absorbed.
    Ack(U),
    /// An ACK with the branch of an INVITE that we answered with 2xx, as RFC 2543 clients send it. It is the
    /// user's, like any ACK to a 2xx; say [`Transactions::acked`].
    AckTo2xx(ServerId, U),
    /// New, but the table is full: answer 503 without a transaction.
    Full,
}

/// What a response that came in is to the transactions there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery<U> {
    /// The user's: every 1xx, the final response once, and every 2xx to an INVITE.
    Deliver(ClientId, U),
    /// A repetition, or the answer to a CANCEL of ours.
    Absorbed,
    /// No transaction began it.
    Stray,
}

/// What happened without a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<P, U> {
    /// No final response in time (timers B, F, or 64·T1 after CANCEL): as good as 408. The transaction is gone.
    ClientTimeout(ClientId, U),
    /// The request could not be sent: as good as 503. The transaction is gone.
    ClientTransportError(ClientId, U),
    /// Our final response to an INVITE was never acknowledged (timers H, L). After a 2xx send BYE
    /// (RFC 3261 §13.3.1.4). The transaction is gone.
    AckTimeout(ServerId, U),
    /// Nobody can be answered any more. The transaction is gone, but for a 2xx whose ACK may still come.
    ServerTransportError(ServerId, U),
    /// An INVITE was cancelled before it was sent: as good as 487. The transaction is gone.
    NeverSent(ClientId, U),
    /// A request that went over this connection for its size was not answered there, and goes on as a datagram.
    Unheard(P),
}

/// The table is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl std::fmt::Display for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no room for another transaction")
    }
}

impl std::error::Error for Full {}

#[derive(Debug)]
enum ServerInput {
    /// The request again.
    Request,
    Ack,
    Respond(u16, Bytes),
    /// The user saw the ACK to its 2xx.
    Acked,
    Timer(Timer),
    TransportError,
}

#[derive(Debug)]
enum ClientInput<'a> {
    Response(u16, &'a Message<'a>),
    Timer(Timer),
    TransportError,
}

#[derive(Debug)]
enum ServerMachine {
    Invite(ServerInvite),
    Other(ServerOther),
}

#[derive(Debug)]
enum ClientMachine {
    Invite(ClientInvite),
    Other(ClientOther),
    /// Nothing is sent yet.
    Held {
        request: Bytes,
        invite: bool,
    },
}

#[derive(Debug)]
struct Server<P, U> {
    wire: Wire<P>,
    owner: U,
    key: Key,
    merge: Option<Key>,
    machine: ServerMachine,
}

#[derive(Debug)]
struct Client<P, U> {
    wire: Wire<P>,
    /// `None`: our own CANCEL, of which nobody needs to hear.
    owner: Option<U>,
    key: Key,
    machine: ClientMachine,
    /// The datagram that goes instead where a connection fails.
    spare: Option<Box<Way<P>>>,
}

/// All transactions of one owner. `P` is a peer or flow to send to, `U` what the user wants to find again.
#[derive(Debug)]
pub struct Transactions<P, U> {
    limit: usize,
    /// Room beyond the limit, and whether it may be used now.
    reserve: (usize, bool),
    keyer: Keyer,
    servers: Slab<Server<P, U>>,
    clients: Slab<Client<P, U>>,
    by_request: KeyMap<ServerId>,
    by_origin: KeyMap<ServerId>,
    by_response: KeyMap<ClientId>,
    /// Those over connections, which can be lost; datagrams have nothing to lose.
    streams: BTreeSet<TransactionId>,
    wheel: Wheel<Alarm>,
    out: VecDeque<(P, Bytes)>,
    events: VecDeque<Event<P, U>>,
}

impl<P: Copy, U: Copy> Transactions<P, U> {
    /// A table of at most `limit` transactions, servers and clients together. CANCELs that it sends itself come
    /// on top, at most one per INVITE.
    #[must_use]
    pub fn new(limit: usize) -> Transactions<P, U> {
        Transactions::keyed(limit, [0; 16])
    }

    /// The same with a secret, without which nobody can choose branches that collide in the table.
    #[must_use]
    pub fn keyed(limit: usize, secret: [u8; 16]) -> Transactions<P, U> {
        Transactions {
            limit,
            reserve: (0, false),
            keyer: Keyer::new(secret),
            servers: Slab::new(),
            clients: Slab::new(),
            by_request: KeyMap::default(),
            by_origin: KeyMap::default(),
            by_response: KeyMap::default(),
            streams: BTreeSet::new(),
            wheel: Wheel::new(),
            out: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The same with room for so many more, which only what may use the reserve gets.
    #[must_use]
    pub fn with_reserve(self, reserve: usize) -> Transactions<P, U> {
        Transactions {
            reserve: (reserve, false),
            ..self
        }
    }

    /// Whether what begins from now on may use the reserve: calls for help, which a crowd of other calls must not keep out.
    pub fn use_reserve(&mut self, may: bool) {
        self.reserve.1 = may;
    }

    /// Matches a request (RFC 3261 §17.2.3). Makes nothing: a flood of new requests costs no memory.
    pub fn receive_request(&mut self, request: &Message<'_>, now: Duration) -> Incoming<U> {
        match request.method() {
            Some(Method::Ack) => self.receive_ack(request, now),
            Some(method) => {
                let key = self.keyer.server(request, method);
                match self.by_request.get(&key).copied() {
                    Some(id) => {
                        self.step_server(id, ServerInput::Request, now);
                        Incoming::Retransmission
                    }
                    None if self.is_full() => Incoming::Full,
                    None => Incoming::New,
                }
            }
            None => Incoming::New,
        }
    }

    /// True for a request outside of a dialog that another transaction has already brought, over another path:
    /// answer 482 (RFC 3261 §8.2.2.2). Ask after [`Transactions::receive_request`] said New.
    #[must_use]
    pub fn is_merged(&self, request: &Message<'_>) -> bool {
        let origin = self.keyer.merge(request);
        origin.is_some_and(|key| self.by_origin.contains_key(&key))
    }

    /// Makes a server transaction of a new request. Sends nothing: the first response is the user's, 100 too.
    ///
    /// # Errors
    /// The table is full: answer 503.
    pub fn accept(
        &mut self,
        request: &Message<'_>,
        peer: P,
        reliable: bool,
        owner: U,
        _now: Duration,
    ) -> Result<ServerId, Full> {
        if self.is_full() {
            return Err(Full);
        }
        let method = request.method().unwrap_or(Method::Other(""));
        let key = self.keyer.server(request, method);
        let merge = self.keyer.merge(request);
        let machine = match method {
            Method::Invite => ServerMachine::Invite(ServerInvite::Proceeding { last: None }),
            _ => ServerMachine::Other(ServerOther::Trying),
        };
        let wire = Wire::new(peer, reliable);
        let id = ServerId(self.servers.insert(Server {
            wire,
            owner,
            key,
            merge,
            machine,
        }));
        if reliable {
            self.streams.insert(id.into());
        }
        self.by_request.insert(key, id);
        merge.and_then(|merge| self.by_origin.insert(merge, id));
        Ok(id)
    }

    /// The INVITE that a CANCEL means (RFC 3261 §9.2), in whatever state. `None`: answer 481.
    #[must_use]
    pub fn find_invite_for_cancel(&self, cancel: &Message<'_>) -> Option<(ServerId, U)> {
        let key = self.keyer.server(cancel, Method::Invite);
        let id = *self.by_request.get(&key)?;
        Some((id, self.servers.get(id.0)?.owner))
    }

    /// Sends a response and keeps it for as long as the request may be repeated. A final response to an INVITE is
    /// itself repeated until its ACK: one of 300 and above by the machine, a 2xx until [`Transactions::acked`].
    /// After a final response others are ignored.
    pub fn respond(&mut self, id: ServerId, code: u16, response: Bytes, now: Duration) {
        self.step_server(id, ServerInput::Respond(code, response), now);
    }

    /// The ACK to the 2xx of this transaction came.
    pub fn acked(&mut self, id: ServerId) {
        // Only stops timers, so what time it is does not matter.
        self.step_server(id, ServerInput::Acked, Duration::ZERO);
    }

    /// Begins a client transaction: sends `request`, whose top Via carries `branch`, and repeats it as its method
    /// wants.
    ///
    /// # Errors
    /// The table is full: nothing is sent.
    #[allow(clippy::too_many_arguments, reason = "each is a plain fact about the request")]
    pub fn request(
        &mut self,
        method: Method<'_>,
        branch: &str,
        request: Bytes,
        peer: P,
        reliable: bool,
        owner: U,
        now: Duration,
    ) -> Result<ClientId, Full> {
        if self.is_full() {
            return Err(Full);
        }
        let key = self.keyer.client(branch, method);
        let invite = method == Method::Invite;
        Ok(self.begin(key, invite, request, Wire::new(peer, reliable), Some(owner), now))
    }

    /// Cancels an INVITE (RFC 3261 §9.1): at once if it rings, else when its first provisional response comes.
    /// The CANCEL and its answer are not shown to the user, who gets the final response of the INVITE, or
    /// [`Event::ClientTimeout`] 64·T1 later. `reason` is a Reason value (RFC 3326). False when there is nothing
    /// left to cancel.
    pub fn cancel(&mut self, id: ClientId, reason: Option<&str>, now: Duration) -> bool {
        self.cancel_invite(id, reason, now)
    }

    /// Hands a response to its transaction (RFC 3261 §17.1.3).
    pub fn receive_response(&mut self, response: &Message<'_>, now: Duration) -> Delivery<U> {
        self.deliver(response, now).unwrap_or(Delivery::Stray)
    }

    /// Changes whom a transaction belongs to.
    pub fn set_owner(&mut self, id: impl Into<TransactionId>, owner: U) {
        match id.into() {
            TransactionId::Server(id) => self
                .servers
                .get_mut(id.0)
                .into_iter()
                .for_each(|s| s.owner = owner),
            TransactionId::Client(id) => {
                self.clients
                    .get_mut(id.0)
                    .into_iter()
                    .for_each(|c| c.owner = Some(owner));
            }
        }
    }

    /// Whom a transaction belongs to; `None` once it has ended.
    #[must_use]
    pub fn owner(&self, id: impl Into<TransactionId>) -> Option<U> {
        match id.into() {
            TransactionId::Server(id) => self.servers.get(id.0).map(|server| server.owner),
            TransactionId::Client(id) => self.clients.get(id.0).and_then(|client| client.owner),
        }
    }

    /// Where a request came from; `None` once its transaction has ended.
    #[must_use]
    pub fn peer(&self, id: ServerId) -> Option<P> {
        self.servers.get(id.0).map(|server| server.wire.peer)
    }

    /// The same by the request itself, or by the copy of it that a user keeps.
    #[must_use]
    pub fn peer_of(&self, request: &Message<'_>) -> Option<P> {
        let key = self.keyer.server(request, request.method()?);
        self.peer(*self.by_request.get(&key)?)
    }

    /// True when a final response was sent, and when the transaction has ended.
    #[must_use]
    pub fn is_answered(&self, id: ServerId) -> bool {
        match self.servers.get(id.0).map(|server| &server.machine) {
            Some(ServerMachine::Invite(invite)) => !matches!(invite, ServerInvite::Proceeding { .. }),
            Some(ServerMachine::Other(other)) => {
                !matches!(other, ServerOther::Trying | ServerOther::Proceeding { .. })
            }
            None => true,
        }
    }

    /// Ends a transaction without a word to anybody. Its repetitions will look new.
    pub fn abandon(&mut self, id: impl Into<TransactionId>) {
        match id.into() {
            TransactionId::Server(id) => self.free_server(id),
            TransactionId::Client(id) => self.free_client(id),
        }
    }

    /// What to send next, and to whom.
    pub fn poll_transmit(&mut self) -> Option<(P, Bytes)> {
        self.out.pop_front()
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event<P, U>> {
        self.events.pop_front()
    }

    /// Lets every timer fire whose time has come.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(alarm) = self.wheel.expire(now) {
            self.fire(alarm, now);
        }
    }

    /// When to call [`Transactions::handle_timeout`]: perhaps a little early, never late.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.wheel.next_deadline()
    }

    /// Transactions alive.
    #[must_use]
    pub fn len(&self) -> usize {
        self.servers.len() + self.clients.len()
    }

    /// True when no transaction is alive.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
