//! Ways to carriers: names found by the DNS, sockets and connections that trunks use; and to the certificates of who vouches for their callers.
//!
//! Owns: which of our addresses a carrier is spoken to from. Does not own: the attempts under way (`connect`).

use super::Worker;
use crate::listen::Address;
use crate::shared::{Shared, Sure};
use model::{ConnectOutcome, FetchCertificate, FlowToken, Locate, Reach, Reached, TenantId, Transport};
use pbx::Input;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

/// Asks the DNS for a tenant of this worker; the answer comes to its inbox.
pub(super) fn locate(shared: &Arc<Shared>, worker: usize, tenant: TenantId, locate: &Locate) {
    let whose = Arc::clone(shared);
    let tell = Box::new(move |located| {
        if let Some(inbox) = whose.sessions.get(worker) {
            inbox.send(Sure::Located(tenant, located));
        }
    });
    shared.resolver.locate(locate, tell);
}

/// Fetches a certificate for a call of a tenant of this worker; it comes to its inbox.
pub(super) fn fetch(shared: &Arc<Shared>, worker: usize, tenant: TenantId, wanted: &FetchCertificate) {
    let whose = Arc::clone(shared);
    let tell = Box::new(move |fetched| {
        if let Some(inbox) = whose.sessions.get(worker) {
            inbox.send(Sure::Certificate(tenant, fetched));
        }
    });
    shared.vouching.certificates.fetch(tenant, wanted, tell);
}

impl Worker {
    /// Finds the ways that tenants want since the last time.
    pub(super) fn begin_reaching(&mut self) {
        for (tenant, reach) in std::mem::take(&mut self.core.reaches) {
            let remote = reach.place.address;
            let source = source_to(remote);
            let from = leaves_from(&self.core.shared.addresses, reach.place.transport, remote, source);
            let outcome = match (reach.place.transport, from) {
                (Transport::Udp, Some(address)) => ConnectOutcome::Open(FlowToken {
                    transport: Transport::Udp,
                    worker: 0,
                    connection: 0,
                    local: address.public,
                    remote,
                }),
                (Transport::Tcp | Transport::Tls, Some(address)) => {
                    let (bound, public) = (address.bound, address.public);
                    match self.try_to_reach(tenant, &reach, (bound, public)) {
                        None => continue,
                        Some(outcome) => outcome,
                    }
                }
                _ => ConnectOutcome::Refused,
            };
            self.reached(tenant, &reach, outcome);
        }
    }

    pub(super) fn reached(&mut self, tenant: TenantId, reach: &Reach, outcome: ConnectOutcome) {
        let order = reach.order;
        self.core
            .input(tenant, Input::Reached(Reached { order, outcome }));
    }
}

/// The address that packets to there leave from, as the kernel sees it.
fn source_to(remote: SocketAddr) -> Option<IpAddr> {
    let any: SocketAddr = match remote {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    // Nothing is sent by this.
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(remote).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// The address of ours that a carrier is spoken to from: the one that its packets leave from anyway, else one of its family, on this
/// machine for one on this machine. `None` where there is none, and for our own addresses.
fn leaves_from(
    addresses: &[Address],
    transport: Transport,
    remote: SocketAddr,
    source: Option<IpAddr>,
) -> Option<&Address> {
    let ours = |a: &Address| a.transport == transport && (a.bound == remote || a.public == remote);
    if addresses.iter().any(ours) || remote.ip().is_unspecified() || remote.ip().is_multicast() {
        return None;
    }
    let fits = |a: &&Address| a.transport == transport && a.bound.is_ipv4() == remote.is_ipv4();
    let near = |a: &&Address| {
        let is_any = a.bound.ip().is_unspecified();
        fits(a) && (is_any || a.bound.ip().is_loopback() == remote.ip().is_loopback())
    };
    let on_the_way = |a: &&Address| fits(a) && Some(a.bound.ip()) == source;
    addresses
        .iter()
        .find(on_the_way)
        .or_else(|| addresses.iter().find(near))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(transport: Transport, bound: &str) -> Address {
        Address {
            transport,
            bound: bound.parse().unwrap(),
            public: bound.parse().unwrap(),
        }
    }

    #[test]
    fn a_carrier_is_spoken_to_from_an_address_that_it_can_answer_to() {
        let addresses = [
            address(Transport::Udp, "127.0.0.1:5060"),
            address(Transport::Tcp, "10.0.0.1:5060"),
            address(Transport::Udp, "10.0.0.1:5070"),
            address(Transport::Udp, "[2001:db8::1]:5060"),
        ];
        let from = |transport, remote: &str| {
            leaves_from(&addresses, transport, remote.parse().unwrap(), None).map(|a| a.bound.to_string())
        };
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(from(Transport::Udp, "192.0.2.1:5060"), is("10.0.0.1:5070"));
        assert_eq!(from(Transport::Tcp, "192.0.2.1:5060"), is("10.0.0.1:5060"));
        assert_eq!(from(Transport::Udp, "127.0.0.1:5080"), is("127.0.0.1:5060"));
        assert_eq!(
            from(Transport::Udp, "[2001:db8::9]:5060"),
            is("[2001:db8::1]:5060")
        );
        assert_eq!(from(Transport::Tcp, "127.0.0.1:5080"), None);
        assert_eq!(from(Transport::Tls, "192.0.2.1:5061"), None, "no TLS here");
        assert_eq!(from(Transport::Udp, "10.0.0.1:5070"), None, "that is ourselves");
        assert_eq!(from(Transport::Udp, "239.1.1.1:5060"), None);
        // Where there are several, the kernel knows which.
        let two = [
            address(Transport::Udp, "10.0.0.1:5060"),
            address(Transport::Udp, "172.16.0.1:5060"),
        ];
        let remote = "172.16.0.9:5060".parse().unwrap();
        let source = Some("172.16.0.1".parse().unwrap());
        let found = leaves_from(&two, Transport::Udp, remote, source);
        assert_eq!(found.map(|a| a.bound.to_string()), is("172.16.0.1:5060"));
        assert_eq!(
            source_to("127.0.0.1:9".parse().unwrap()),
            Some("127.0.0.1".parse().unwrap())
        );
    }
}
