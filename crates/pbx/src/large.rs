//! Requests that are too large for a datagram go over TCP where their phone takes it (RFC 3261 §18.1.1).
//!
//! Owns: which requests these are, which phones may be tried, who waits for which connection, and which phones are known
//! to take none. Does not own: the requests (`sip::transaction`), sockets.
//!
//! A phone is only tried at the address that its datagrams come from, and only where that is its Contact too: then no NAT
//! is between, and nobody makes us connect to a third party. A response goes where its request came from, however large
//! it is (§18.2.2), so none is looked at here.

use bytes::Bytes;
use model::{Connect, ConnectOutcome, FlowToken, Limits, Transport};
use sip::transaction::ClientId;
use sip::{Message, Name, Scheme, Uri};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Phones remembered at once. Beyond it the one whose time ends first is forgotten.
const MOST_PEERS: usize = 4096;
/// Requests that wait for one connection; more leave as datagrams.
const MOST_WAITING: usize = 64;
/// How long a phone that took no connection, or said nothing on it, is not asked again.
const REFUSED: Duration = Duration::from_secs(600);
/// The shell answers sooner; should it not, nobody waits for ever.
const SPARE: Duration = Duration::from_millis(500);
/// Ports below belong to services that are no phones.
const FIRST_PORT: u16 = 1024;

/// What is known of a phone.
enum Peer {
    /// A connection is being opened, for these.
    Opening(Vec<Waiting>),
    /// It is there.
    Open(FlowToken),
    /// The phone takes none, for some time.
    Refused,
}

/// What waits for a connection.
pub(crate) enum Waiting {
    Client(ClientId),
    /// An ACK to a 2xx: no transaction repeats it.
    Ack(FlowToken, Bytes),
}

/// What to do with a large request.
pub(crate) enum Route {
    Datagram,
    Over(FlowToken),
    Wait(Connect),
}

/// What is known of phones that were sent large requests.
pub(crate) struct Large {
    longest: usize,
    wait: Duration,
    peers: BTreeMap<Connect, Peer>,
    /// Our connections, by worker and number.
    open: BTreeMap<(u16, u64), Connect>,
    /// When a phone is given up, or may be asked again.
    ends: BTreeSet<(Duration, Connect)>,
    /// Connections to ask the shell for.
    wanted: Vec<Connect>,
}

impl Large {
    pub(crate) fn new(limits: &Limits) -> Large {
        Large {
            longest: limits.datagram_request_bytes,
            wait: Duration::from_millis(limits.connect_timeout_ms).saturating_add(SPARE),
            peers: BTreeMap::new(),
            open: BTreeMap::new(),
            ends: BTreeSet::new(),
            wanted: Vec::new(),
        }
    }

    /// When somebody is to be given up or forgotten.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.ends.first().map(|(at, _)| *at)
    }

    /// True while the ACK in a dialog of this Call-ID waits for a connection.
    pub(crate) fn holds_ack(&self, call_id: &str) -> bool {
        let waiting = self.peers.values().filter_map(|peer| match peer {
            Peer::Opening(waiting) => Some(waiting),
            Peer::Open(_) | Peer::Refused => None,
        });
        let of_call = |bytes: &Bytes| Message::parse(bytes).is_ok_and(|ack| ack.call_id() == Ok(call_id));
        waiting
            .flatten()
            .any(|w| matches!(w, Waiting::Ack(_, bytes) if of_call(bytes)))
    }

    /// Connections that are wanted since the last time. Each is given up after a while.
    pub(crate) fn take_wanted(&mut self, now: Duration) -> Vec<Connect> {
        let end = now.saturating_add(self.wait);
        let wanted = std::mem::take(&mut self.wanted);
        self.ends.extend(wanted.iter().map(|order| (end, *order)));
        wanted
    }

    /// One that nobody opened in time; call until `None`. Who refused one long ago is forgotten.
    pub(crate) fn overdue(&mut self, now: Duration) -> Option<Connect> {
        while let Some((at, order)) = self.ends.first().copied()
            && at <= now
        {
            self.ends.remove(&(at, order));
            match self.peers.get(&order) {
                Some(Peer::Opening(_)) => return Some(order),
                Some(Peer::Refused) => drop(self.peers.remove(&order)),
                Some(Peer::Open(_)) | None => {}
            }
        }
        None
    }

    /// A connection is gone, or no good; tells whose it was.
    pub(crate) fn closed(&mut self, worker: u16, connection: u64) -> Option<Connect> {
        let order = self.open.remove(&(worker, connection))?;
        let this = |flow: &FlowToken| flow.worker == worker && flow.connection == connection;
        if matches!(self.peers.get(&order), Some(Peer::Open(flow)) if this(flow)) {
            self.peers.remove(&order);
        }
        Some(order)
    }

    /// The datagrams that a connection of ours stands for.
    pub(crate) fn stands_for(&self, flow: &FlowToken) -> Option<FlowToken> {
        let order = self.open.get(&(flow.worker, flow.connection))?;
        Some(FlowToken {
            transport: Transport::Udp,
            worker: 0,
            connection: 0,
            local: order.local,
            remote: order.remote,
        })
    }

    /// How a request leaves that was written for this flow.
    pub(crate) fn route(&mut self, flow: &FlowToken, request: &[u8]) -> Route {
        let is_short = request.len() <= self.longest || flow.is_inside();
        if flow.transport != Transport::Udp || is_short || !is_direct(request, flow) {
            return Route::Datagram;
        }
        let order = Connect {
            local: flow.local,
            remote: flow.remote,
        };
        match self.peers.get(&order) {
            Some(Peer::Open(flow)) => Route::Over(*flow),
            Some(Peer::Opening(waiting)) if waiting.len() < MOST_WAITING => Route::Wait(order),
            Some(Peer::Opening(_) | Peer::Refused) => Route::Datagram,
            None => match self.has_room() {
                true => Route::Wait(order),
                false => Route::Datagram,
            },
        }
    }

    /// Makes room for one more phone. Those with a connection, or with one that is being opened, are bounded by the shell
    /// and stay.
    fn has_room(&mut self) -> bool {
        if self.peers.len() < MOST_PEERS {
            return true;
        }
        let refused = |(_, peer): &&(Duration, Connect)| matches!(self.peers.get(peer), Some(Peer::Refused));
        let Some(first) = self.ends.iter().find(refused).copied() else {
            return false;
        };
        self.ends.remove(&first);
        self.peers.remove(&first.1);
        true
    }

    /// Something waits for a connection.
    pub(crate) fn wait(&mut self, order: Connect, what: Waiting) {
        match self.peers.get_mut(&order) {
            Some(Peer::Opening(waiting)) => waiting.push(what),
            _ => {
                self.peers.insert(order, Peer::Opening(vec![what]));
                self.wanted.push(order);
            }
        }
    }

    /// The outcome of an order, and whom it concerns. One that comes too late to wait for still counts.
    pub(crate) fn connected(
        &mut self,
        order: Connect,
        outcome: ConnectOutcome,
        now: Duration,
    ) -> Vec<Waiting> {
        self.ends.retain(|(_, known)| *known != order);
        let known = match outcome {
            ConnectOutcome::Open(flow) => {
                self.open.insert((flow.worker, flow.connection), order);
                self.peers.insert(order, Peer::Open(flow))
            }
            ConnectOutcome::Refused | ConnectOutcome::Untrusted(_) => {
                self.ends.insert((now.saturating_add(REFUSED), order));
                self.peers.insert(order, Peer::Refused)
            }
            ConnectOutcome::Busy => self.peers.remove(&order),
        };
        match known {
            Some(Peer::Opening(waiting)) => waiting,
            _ => Vec::new(),
        }
    }
}

/// True where a datagram on this flow goes straight to what the Request-URI names, and that names no transport
/// (RFC 3263 §4.1) and no flow (RFC 5626 §4.3).
fn is_direct(request: &[u8], flow: &FlowToken) -> bool {
    let Ok(message) = Message::parse(request) else {
        return false;
    };
    let straight = message.header(Name::Route).is_none();
    let target = message.request_line().filter(|_| straight);
    target.is_some_and(|line| leads_to(line.uri, flow)) && may_connect(flow.local.ip(), flow.remote)
}

/// True for a URI that names the other end of a datagram flow, and no other transport.
pub(crate) fn leads_to(target: &str, flow: &FlowToken) -> bool {
    let Ok(uri) = Uri::parse(target) else {
        return false;
    };
    let host = uri.host.trim_start_matches('[').trim_end_matches(']');
    let plain = ["transport", "maddr", "ob"]
        .iter()
        .all(|name| uri.param(name).is_none());
    uri.scheme == Scheme::Sip
        && plain
        && host.parse() == Ok(flow.remote.ip())
        && uri.port.unwrap_or(5060) == flow.remote.port()
}

/// Whether a connection may be opened from `local` to a phone at `remote`. The phone has shown its password from there,
/// but a datagram's source can be made up: never to other services than phones' ports, nor into the machine or its
/// link, where other things trust whoever reaches them.
#[must_use]
pub fn may_connect(local: IpAddr, remote: SocketAddr) -> bool {
    let outside = match remote.ip() {
        IpAddr::V4(ip) => !ip.is_link_local() && !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_unicast_link_local() && ip.to_ipv4_mapped().is_none(),
    };
    let ip = remote.ip();
    outside
        && remote.port() >= FIRST_PORT
        && ip.is_ipv4() == local.is_ipv4()
        && !ip.is_unspecified()
        && !ip.is_multicast()
        // Who reached us on the loopback address is on this machine.
        && (!ip.is_loopback() || local.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(remote: &str) -> FlowToken {
        FlowToken {
            transport: Transport::Udp,
            worker: 0,
            connection: 0,
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: remote.parse().unwrap(),
        }
    }

    fn direct(uri: &str, remote: &str) -> bool {
        let request = format!("INVITE {uri} SIP/2.0\r\nContent-Length: 0\r\n\r\n");
        let mut flow = flow(remote);
        if flow.remote.is_ipv6() {
            flow.local = "[2001:db8::1]:5060".parse().unwrap();
        }
        is_direct(request.as_bytes(), &flow)
    }

    #[test]
    fn only_a_contact_that_is_the_source_is_tried() {
        assert!(direct("sip:100@192.0.2.7:5062", "192.0.2.7:5062"));
        assert!(direct("sip:100@192.0.2.7", "192.0.2.7:5060"));
        assert!(direct("sip:[2001:db8::7]:5062", "[2001:db8::7]:5062"));
        for (uri, remote) in [
            ("sip:100@192.0.2.7:5062", "192.0.2.8:5062"),
            ("sip:100@192.0.2.7:5062", "192.0.2.7:5063"),
            ("sip:100@192.0.2.7", "192.0.2.7:40000"),
            ("sip:100@phone.example.com:5062", "192.0.2.7:5062"),
            ("sips:100@192.0.2.7:5062", "192.0.2.7:5062"),
            ("sip:100@192.0.2.7:5062;transport=udp", "192.0.2.7:5062"),
            ("sip:100@192.0.2.7:5062;maddr=192.0.2.9", "192.0.2.7:5062"),
            ("sip:100@192.0.2.7:5062;ob", "192.0.2.7:5062"),
            ("tel:100", "192.0.2.7:5062"),
        ] {
            assert!(!direct(uri, remote), "{uri} at {remote}");
        }
    }

    #[test]
    fn a_route_leads_elsewhere() {
        let request = "INVITE sip:100@192.0.2.7:5062 SIP/2.0\r\nRoute: <sip:192.0.2.9;lr>\r\n\r\n";
        assert!(!is_direct(request.as_bytes(), &flow("192.0.2.7:5062")));
    }

    #[test]
    fn what_is_no_phones_address_is_never_connected_to() {
        let may = |local: &str, remote: &str| may_connect(local.parse().unwrap(), remote.parse().unwrap());
        assert!(may("192.0.2.1", "10.0.0.7:5060"));
        assert!(may("2001:db8::1", "[2001:db8::7]:5060"));
        assert!(may("127.0.0.1", "127.0.0.1:5062"));
        for (local, remote) in [
            ("192.0.2.1", "127.0.0.1:6379"),
            ("192.0.2.1", "127.8.8.8:5060"),
            ("2001:db8::1", "[::1]:5060"),
            ("2001:db8::1", "[::ffff:127.0.0.1]:5060"),
            ("2001:db8::1", "[::ffff:192.0.2.7]:5060"),
            ("2001:db8::1", "[fe80::1]:5060"),
            ("192.0.2.1", "169.254.169.254:5060"),
            ("192.0.2.1", "0.0.0.0:5060"),
            ("2001:db8::1", "[::]:5060"),
            ("192.0.2.1", "255.255.255.255:5060"),
            ("192.0.2.1", "224.0.1.75:5060"),
            ("192.0.2.1", "192.0.2.7:80"),
            ("192.0.2.1", "[2001:db8::7]:5060"),
        ] {
            assert!(!may(local, remote), "{local} to {remote}");
        }
    }

    fn order(port: u16) -> Connect {
        let flow = flow(&format!("192.0.2.7:{port}"));
        Connect {
            local: flow.local,
            remote: flow.remote,
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_oldest_goes_first() {
        let mut large = Large::new(&Limits::default());
        for port in 2000..10_000 {
            assert!(large.has_room());
            let now = Duration::from_secs(u64::from(port));
            large.connected(order(port), ConnectOutcome::Refused, now);
        }
        assert_eq!((large.peers.len(), large.ends.len()), (MOST_PEERS, MOST_PEERS));
        assert!(large.peers.contains_key(&order(9_999)));
        assert!(!large.peers.contains_key(&order(2_000)));
    }
}
