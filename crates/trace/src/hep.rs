//! HEP version 3, by which captured messages reach a collector such as Homer ("HEPv3/EEP", rev. 11 of the specification).
//!
//! Owns: one packet. Does not own: sockets, and what is sent. A packet is `HEP3`, its length, and chunks: vendor, type, length, value,
//! all numbers in network order.

use model::{FlowToken, Transport, Wall};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const GENERIC: u16 = 0;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const TCP: u8 = 6;
const UDP: u8 = 17;
const SIP: u8 = 1;
/// Octets before a chunk's value.
const CHUNK: usize = 6;
/// Octets of a payload: a packet has to fit into a datagram.
const PAYLOAD: usize = 64_000;
/// Octets of keys and correlations.
const TEXT: usize = 255;

/// What is told of a message.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// When it crossed the network.
    pub at: Wall,
    /// It left; otherwise it came.
    pub sent: bool,
    /// The way that it took.
    pub flow: &'a FlowToken,
    /// Which server captured it.
    pub capture_id: u32,
    /// What the collector knows us by.
    pub auth_key: Option<&'a str>,
    /// What the messages of all legs of a call have in common.
    pub correlation: Option<&'a str>,
    /// The message; what is longer than 64,000 octets is cut.
    pub payload: &'a [u8],
}

/// Writes a packet.
#[must_use]
pub fn write(packet: &Packet<'_>) -> Vec<u8> {
    let flow = packet.flow;
    let (source, destination) = match packet.sent {
        true => (flow.local, flow.remote),
        false => (flow.remote, flow.local),
    };
    let mut out = Vec::with_capacity(packet.payload.len().saturating_add(256));
    out.extend_from_slice(b"HEP3\0\0");
    addresses(&mut out, flow.transport, source, destination);
    let (seconds, micros) = (packet.at.0 / 1_000, packet.at.0 % 1_000 * 1_000);
    chunk(
        &mut out,
        9,
        &u32::try_from(seconds).unwrap_or(u32::MAX).to_be_bytes(),
    );
    chunk(&mut out, 10, &u32::try_from(micros).unwrap_or(0).to_be_bytes());
    chunk(&mut out, 11, &[SIP]);
    chunk(&mut out, 12, &packet.capture_id.to_be_bytes());
    for (kind, text) in [(14, packet.auth_key), (17, packet.correlation)] {
        if let Some(text) = text {
            chunk(
                &mut out,
                kind,
                text.as_bytes().get(..TEXT.min(text.len())).unwrap_or_default(),
            );
        }
    }
    let cut = packet.payload.len().min(PAYLOAD);
    chunk(&mut out, 15, packet.payload.get(..cut).unwrap_or_default());
    let length = u16::try_from(out.len()).unwrap_or(u16::MAX);
    if let Some(place) = out.get_mut(4..6) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    out
}

fn addresses(out: &mut Vec<u8>, transport: Transport, source: SocketAddr, destination: SocketAddr) {
    let protocol = if transport == Transport::Udp { UDP } else { TCP };
    match (source.ip(), destination.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            chunk(out, 1, &[AF_INET]);
            chunk(out, 2, &[protocol]);
            chunk(out, 3, &from.octets());
            chunk(out, 4, &to.octets());
        }
        (from, to) => {
            chunk(out, 1, &[AF_INET6]);
            chunk(out, 2, &[protocol]);
            chunk(out, 5, &v6(from).octets());
            chunk(out, 6, &v6(to).octets());
        }
    }
    chunk(out, 7, &source.port().to_be_bytes());
    chunk(out, 8, &destination.port().to_be_bytes());
}

fn v6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

fn chunk(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(value.len().saturating_add(CHUNK)).unwrap_or(u16::MAX);
    out.extend(GENERIC.to_be_bytes());
    out.extend(kind.to_be_bytes());
    out.extend(length.to_be_bytes());
    out.extend_from_slice(value);
}
