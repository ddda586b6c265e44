//! Listening addresses: wildcards expanded, every socket bound before anything is served.

use crate::settings::Listen;
use crate::sys;
use anyhow::{Context, Result, bail};
use model::Transport;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;

/// A concrete address, as bound and as peers know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// Transport.
    pub(crate) transport: Transport,
    /// The socket's own address.
    pub(crate) bound: SocketAddr,
    /// As it appears in messages.
    pub(crate) public: SocketAddr,
}

/// The sockets of one worker, in the order of the addresses.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    /// Datagram sockets.
    pub(crate) udp: Vec<(Address, UdpSocket)>,
    /// Listeners of everything that is on TCP.
    pub(crate) streams: Vec<(Address, TcpListener)>,
}

/// Replaces wildcards by the addresses of the machine.
pub(crate) fn expand(listen: &[Listen], interfaces: &[IpAddr]) -> Result<Vec<Listen>> {
    let mut all: Vec<Listen> = Vec::new();
    for entry in listen {
        if !entry.address.ip().is_unspecified() {
            all.push(entry.clone());
            continue;
        }
        let same_family = interfaces
            .iter()
            .filter(|ip| ip.is_ipv4() == entry.address.is_ipv4());
        let before = all.len();
        all.extend(same_family.map(|ip| Listen {
            address: SocketAddr::new(*ip, entry.address.port()),
            ..entry.clone()
        }));
        if all.len() == before {
            bail!(
                "{} {}: no interface has an address of this family; remove the entry or name an address",
                entry.transport,
                entry.address
            );
        }
    }
    let mut seen: Vec<(bool, SocketAddr)> = Vec::new();
    all.retain(|entry| {
        let key = (entry.transport == Transport::Udp, entry.address);
        let fresh = entry.address.port() == 0 || !seen.contains(&key);
        seen.push(key);
        fresh
    });
    Ok(all)
}

/// Binds every address once per worker.
///
/// # Errors
/// One line that names the address, the reason and the remedy.
pub(crate) fn bind_all(listen: &[Listen], workers: usize) -> Result<(Vec<Address>, Vec<Sockets>)> {
    let mut sockets: Vec<Sockets> = (0..workers).map(|_| Sockets::default()).collect();
    let mut addresses = Vec::new();
    for entry in listen {
        let port = choose_port(entry).map_err(|e| explain(entry, &e))?;
        let bound = SocketAddr::new(entry.address.ip(), port);
        let address = Address {
            transport: entry.transport,
            bound,
            public: SocketAddr::new(entry.advertise.unwrap_or(bound.ip()), port),
        };
        for set in &mut sockets {
            let fd = open(entry.transport, bound, true).map_err(|e| explain(entry, &e))?;
            match entry.transport {
                Transport::Udp => set.udp.push((address, UdpSocket::from(fd))),
                _ => set.streams.push((address, TcpListener::from(fd))),
            }
        }
        addresses.push(address);
    }
    Ok((addresses, sockets))
}

fn open(transport: Transport, address: SocketAddr, shared: bool) -> io::Result<OwnedFd> {
    match transport {
        Transport::Udp => sys::udp_socket(address, shared, true),
        _ => sys::tcp_listener(address, shared),
    }
}

/// Binds once without sharing and lets go again. Sockets that share an address never fail to bind
/// beside each other, so without this a second server would silently take half of the traffic.
fn choose_port(entry: &Listen) -> io::Result<u16> {
    let fd = open(entry.transport, entry.address, false)?;
    let local = match entry.transport {
        Transport::Udp => UdpSocket::from(fd).local_addr(),
        _ => TcpListener::from(fd).local_addr(),
    };
    local.map(|a| a.port())
}

fn explain(entry: &Listen, error: &io::Error) -> anyhow::Error {
    // Addresses that nobody wrote into the configuration have defaults there: so its key is named.
    let taken = format!(
        "another program has it; stop that program or choose another port by `{}` of [listen] ([] for none)",
        entry.transport
    );
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => taken.as_str(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address; use one of its own",
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege; choose a higher port or grant CAP_NET_BIND_SERVICE"
        }
        _ => "check the address",
    };
    anyhow::anyhow!(
        "cannot listen on {} {}: {error}; {remedy}",
        entry.transport,
        entry.address
    )
}

/// Expands against the machine's interfaces.
pub(crate) fn resolve(listen: &[Listen]) -> Result<Vec<Listen>> {
    let interfaces = sys::interfaces().context("cannot read the interface addresses")?;
    expand(listen, &interfaces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(transport: Transport, address: &str) -> Listen {
        Listen {
            transport,
            address: address.parse().unwrap(),
            advertise: None,
        }
    }

    #[test]
    fn a_wildcard_becomes_every_address_of_its_family_once() {
        let interfaces = ["127.0.0.1", "10.0.0.5", "::1"].map(|a| a.parse().unwrap());
        let listen = [
            entry(Transport::Udp, "10.0.0.5:5060"),
            entry(Transport::Udp, "0.0.0.0:5060"),
            entry(Transport::Tcp, "[::]:5060"),
        ];
        let all = expand(&listen, &interfaces).unwrap();
        let shown: Vec<String> = all
            .iter()
            .map(|l| format!("{} {}", l.transport, l.address))
            .collect();
        assert_eq!(
            shown,
            ["udp 10.0.0.5:5060", "udp 127.0.0.1:5060", "tcp [::1]:5060"]
        );
        assert!(
            expand(&listen, &interfaces[..2]).is_err(),
            "no IPv6 address at all"
        );
    }

    #[test]
    fn all_workers_share_the_port_that_the_kernel_chose() {
        let listen = [
            entry(Transport::Udp, "127.0.0.1:0"),
            entry(Transport::Tls, "127.0.0.1:0"),
        ];
        let (addresses, sockets) = bind_all(&listen, 3).unwrap();
        for set in &sockets {
            assert_eq!(set.udp[0].1.local_addr().unwrap(), addresses[0].bound);
            assert_eq!(set.streams[0].1.local_addr().unwrap(), addresses[1].bound);
        }
    }

    #[test]
    fn a_taken_port_is_named_with_a_remedy() {
        for transport in [Transport::Udp, Transport::Tcp, Transport::Wss] {
            let (addresses, _held) = bind_all(&[entry(transport, "127.0.0.1:0")], 2).unwrap();
            let again = entry(transport, &addresses[0].bound.to_string());
            let error = bind_all(&[again], 1).unwrap_err().to_string();
            assert!(
                error.contains(&addresses[0].bound.to_string()) && error.contains("stop that program"),
                "{error}"
            );
            let key = format!("`{transport}` of [listen]");
            assert!(error.contains(&key), "{error}");
            assert_eq!(error.lines().count(), 1);
        }
    }
}
