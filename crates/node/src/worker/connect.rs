//! Connections that tenants want: to phones of theirs, for requests too large for a datagram (RFC 3261 §18.1.1), and to carriers.
//!
//! Owns: the attempts under way, handshakes of TLS included, how many there may be, and where none may go. Does not own: why one is wanted, or what
//! is sent; a connection that is there is one like those that phones open.

use super::Worker;
use crate::conn::{Admission, Conn, Shake};
use crate::listen::Address;
use crate::sys::{self, Interest};
use crate::trust::Terms;
use model::{Connect, ConnectOutcome, Connected, FlowToken, Reach, TenantId, TlsFault, Transport};
use std::collections::{BTreeMap, VecDeque};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

/// Why a connection is wanted.
enum Why {
    /// A request is too large for a datagram.
    Large(Connect),
    /// It leads to a carrier.
    Trunk(Reach),
}

/// One attempt.
struct Attempt {
    tenant: TenantId,
    why: Why,
    /// The name of the connection that may come of it.
    flow: FlowToken,
    stage: Stage,
    /// When it is given up.
    end: Duration,
}

enum Stage {
    /// The peer is asked for a connection.
    Connecting(TcpStream),
    /// It is there, and the peer shows who it is.
    Shaking(Box<Conn>),
}

impl Attempt {
    /// What has become of it when its time is over.
    fn outcome_of_silence(&self) -> ConnectOutcome {
        match self.stage {
            Stage::Connecting(_) => ConnectOutcome::Refused,
            Stage::Shaking(_) => ConnectOutcome::Untrusted(TlsFault::NoHandshake),
        }
    }
}

/// All attempts of a worker, by the number of the connection to be.
#[derive(Default)]
pub(super) struct Attempts {
    under_way: BTreeMap<u64, Attempt>,
    /// When they are given up; each stage has the same time, so the oldest is first. Ended ones are skipped.
    ends: VecDeque<(Duration, u64)>,
}

impl Attempts {
    /// When the next one may have to be given up.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.ends.front().map(|(at, _)| *at)
    }

    fn of_tenant(&self, tenant: TenantId) -> usize {
        self.under_way.values().filter(|a| a.tenant == tenant).count()
    }

    fn begin(&mut self, attempt: Attempt) {
        self.ends.push_back((attempt.end, attempt.flow.connection));
        self.go_on(attempt);
    }

    /// Puts one back that ends when it was to end.
    fn go_on(&mut self, attempt: Attempt) {
        self.under_way.insert(attempt.flow.connection, attempt);
    }

    /// One whose time is over.
    fn expired(&mut self, now: Duration) -> Option<Attempt> {
        while let Some((at, number)) = self.ends.front().copied()
            && at <= now
        {
            self.ends.pop_front();
            // One that has got further since has another end.
            let is_over = self
                .under_way
                .get(&number)
                .is_some_and(|attempt| attempt.end == at);
            if is_over && let Some(attempt) = self.under_way.remove(&number) {
                return Some(attempt);
            }
        }
        None
    }
}

impl Worker {
    /// Begins what the tenants want since the last time.
    pub(super) fn begin_connecting(&mut self) {
        for (tenant, order) in std::mem::take(&mut self.core.connects) {
            let outcome = match self.is_busy(tenant, order.remote) {
                true => ConnectOutcome::Busy,
                false => match self.try_to_connect(tenant, order) {
                    Some(attempt) => {
                        self.attempts.begin(attempt);
                        continue;
                    }
                    None => ConnectOutcome::Refused,
                },
            };
            self.core.connected(tenant, Connected { order, outcome });
        }
    }

    /// Begins a connection to a carrier, from this address of ours; `None` when its outcome comes later.
    pub(super) fn try_to_reach(
        &mut self,
        tenant: TenantId,
        reach: &Reach,
        (bound, public): (SocketAddr, SocketAddr),
    ) -> Option<ConnectOutcome> {
        let remote = reach.place.address;
        if self.is_busy(tenant, remote) {
            return Some(ConnectOutcome::Busy);
        }
        match self.attempt(tenant, Why::Trunk(reach.clone()), bound, (public, remote)) {
            Some(attempt) => {
                self.attempts.begin(attempt);
                None
            }
            None => Some(ConnectOutcome::Refused),
        }
    }

    /// True while no more may be tried.
    fn is_busy(&self, tenant: TenantId, remote: SocketAddr) -> bool {
        let limits = self.conns.limits();
        self.attempts.under_way.len() >= limits.connecting_per_worker
            || self.attempts.of_tenant(tenant) >= limits.connecting_per_tenant
            || self.conns.admission(remote.ip()) == Admission::Full
    }

    /// `None` where it may not be tried, or fails at once.
    fn try_to_connect(&mut self, tenant: TenantId, order: Connect) -> Option<Attempt> {
        let address = listener_for(&self.core.shared.addresses, &order)?;
        let (bound, public) = (address.bound, address.public);
        self.attempt(tenant, Why::Large(order), bound, (public, order.remote))
    }

    /// `None` where it fails at once.
    fn attempt(
        &mut self,
        tenant: TenantId,
        why: Why,
        bound: SocketAddr,
        (public, remote): (SocketAddr, SocketAddr),
    ) -> Option<Attempt> {
        let socket = sys::tcp_connect(bound.ip(), remote).ok()?;
        let transport = match &why {
            Why::Large(_) => Transport::Tcp,
            Why::Trunk(reach) => reach.place.transport,
        };
        let flow = FlowToken {
            transport,
            worker: u16::try_from(self.core.index).ok()?,
            connection: self.conns.next_number(),
            local: public,
            remote,
        };
        let socket = TcpStream::from(socket);
        self.poll
            .add(socket.as_fd(), flow.connection, Interest::ReadWrite)
            .ok()?;
        Some(Attempt {
            tenant,
            why,
            flow,
            stage: Stage::Connecting(socket),
            end: self.end_of_stage(),
        })
    }

    /// When what begins now is given up.
    fn end_of_stage(&self) -> Duration {
        self.core.now.mono + Duration::from_millis(self.conns.limits().connect_timeout_ms)
    }

    /// Something happened to a connection that is not there yet. False when there is no such one.
    pub(super) fn settle_attempt(&mut self, number: u64) -> bool {
        let Some(attempt) = self.attempts.under_way.remove(&number) else {
            return false;
        };
        let (tenant, flow) = (attempt.tenant, attempt.flow);
        let outcome = match attempt.stage {
            Stage::Connecting(socket) => self.open(&attempt.why, flow, socket).map(|conn| (conn, None)),
            Stage::Shaking(conn) => Ok((conn, Some(attempt.end))),
        };
        let outcome = outcome.and_then(|(conn, end)| Ok((self.shake(conn)?, end)));
        match outcome {
            Ok((Progress::Open(mut conn), _)) => {
                conn.carried(Some(tenant));
                self.conns.insert(*conn);
                self.tell_outcome(tenant, attempt.why, ConnectOutcome::Open(flow));
            }
            Ok((Progress::Shaking(conn), end)) => {
                let attempt = Attempt {
                    stage: Stage::Shaking(conn),
                    end: end.unwrap_or_else(|| self.end_of_stage()),
                    ..attempt
                };
                match end {
                    Some(_) => self.attempts.go_on(attempt),
                    None => self.attempts.begin(attempt),
                }
            }
            Err(outcome) => self.tell_outcome(tenant, attempt.why, outcome),
        }
        true
    }

    fn tell_outcome(&mut self, tenant: TenantId, why: Why, outcome: ConnectOutcome) {
        match why {
            Why::Large(order) => self.core.connected(tenant, Connected { order, outcome }),
            Why::Trunk(reach) => self.reached(tenant, &reach, outcome),
        }
    }

    /// Makes a connection of a socket, if somebody took it; over TLS its handshake is still to come.
    fn open(&self, why: &Why, flow: FlowToken, socket: TcpStream) -> Result<Box<Conn>, ConnectOutcome> {
        let peer = socket.peer_addr().ok();
        let there = matches!(socket.take_error(), Ok(None)) && peer.is_some();
        // Where nobody listens, a port that is ours by chance would connect to itself.
        if !there || socket.local_addr().ok() == peer {
            return Err(ConnectOutcome::Refused);
        }
        let tls = match why {
            Why::Trunk(reach) if flow.transport.is_encrypted() => {
                let terms = Terms {
                    verify: reach.verify,
                    certificate: reach.certificate,
                };
                let begun = self.core.shared.trust.begin(&reach.place.name, terms);
                Some(begun.map_err(ConnectOutcome::Untrusted)?)
            }
            Why::Trunk(_) | Why::Large(_) => None,
        };
        let conn = Conn::opened(flow, socket, tls, self.conns.limits(), self.core.now.mono);
        let mut conn = conn.map_err(|_| ConnectOutcome::Refused)?;
        conn.interest = Interest::ReadWrite;
        Ok(Box::new(conn))
    }

    /// Goes on with the handshake of a connection that has one.
    fn shake(&self, mut conn: Box<Conn>) -> Result<Progress, ConnectOutcome> {
        let shake = conn.shake();
        let wanted = match shake {
            Shake::Waits(interest) => interest,
            Shake::Done => Interest::Read,
            Shake::Failed(fault) => return Err(ConnectOutcome::Untrusted(fault)),
        };
        if conn.interest != wanted {
            let watched = self.poll.modify(conn.as_fd(), conn.flow.connection, wanted);
            watched.map_err(|_| ConnectOutcome::Refused)?;
            conn.interest = wanted;
        }
        match shake {
            Shake::Done => Ok(Progress::Open(conn)),
            _ => Ok(Progress::Shaking(conn)),
        }
    }

    /// Gives up what takes too long.
    pub(super) fn expire_attempts(&mut self) {
        while let Some(attempt) = self.attempts.expired(self.core.now.mono) {
            let outcome = attempt.outcome_of_silence();
            self.tell_outcome(attempt.tenant, attempt.why, outcome);
        }
    }
}

/// How far a connection is.
enum Progress {
    Open(Box<Conn>),
    Shaking(Box<Conn>),
}

/// The address that a connection leaves from, and whose port the peer may open one to in turn: where we take TCP on the
/// same host. `None` where there is none, and for what is no phone's address (see [`pbx::may_connect`]) or our own.
fn listener_for<'a>(addresses: &'a [Address], order: &Connect) -> Option<&'a Address> {
    let ours = |a: &Address| a.bound == order.remote || a.public == order.remote;
    let here = |a: &&Address| a.transport == Transport::Tcp && a.public.ip() == order.local.ip();
    let address = addresses.iter().find(here)?;
    let may = pbx::may_connect(address.bound.ip(), order.remote) && !addresses.iter().any(ours);
    may.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(transport: Transport, bound: &str, public: &str) -> Address {
        Address {
            transport,
            bound: bound.parse().unwrap(),
            public: public.parse().unwrap(),
        }
    }

    fn from(addresses: &[Address], local: &str, remote: &str) -> Option<String> {
        let order = Connect {
            local: local.parse().unwrap(),
            remote: remote.parse().unwrap(),
        };
        listener_for(addresses, &order).map(|address| address.bound.to_string())
    }

    #[test]
    fn a_connection_leaves_where_we_take_tcp_and_goes_to_no_port_of_ours() {
        let addresses = [
            address(Transport::Udp, "10.0.0.1:5060", "198.51.100.1:5060"),
            address(Transport::Tls, "10.0.0.1:5061", "198.51.100.1:5061"),
            address(Transport::Tcp, "10.0.0.1:5080", "198.51.100.1:5080"),
            address(Transport::Udp, "10.0.0.2:5060", "10.0.0.2:5060"),
            address(Transport::Udp, "127.0.0.1:5060", "127.0.0.1:5060"),
            address(Transport::Tcp, "127.0.0.1:5060", "127.0.0.1:5060"),
        ];
        let from = |local: &str, remote: &str| from(&addresses, local, remote);
        let outside = "198.51.100.1:5060";
        assert_eq!(from(outside, "192.0.2.7:5060").as_deref(), Some("10.0.0.1:5080"));
        assert_eq!(from("10.0.0.2:5060", "192.0.2.7:5060"), None, "no TCP there");
        assert_eq!(from(outside, "10.0.0.2:5060"), None, "our own");
        assert_eq!(from(outside, "198.51.100.1:5061"), None, "our own, from outside");
        assert_eq!(from(outside, "127.0.0.1:7000"), None, "into the machine");
        assert!(from("127.0.0.1:5060", "127.0.0.1:7000").is_some());
        assert_eq!(from("127.0.0.1:5060", "127.0.0.1:5060"), None, "to ourselves");
    }
}
