//! Capture files that Wireshark, sngrep and their like read: pcap of microseconds (draft-ietf-opsawg-pcap), link type RAW.
//!
//! What came over TCP, TLS or WebSocket is written as a datagram between the same addresses: its segments, its keys and its frames
//! are not kept, and each message is whole.

use crate::message::Captured;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const MAGIC: u32 = 0xA1B2_C3D4;
/// LINKTYPE_RAW: a packet begins with its IP header.
const RAW: u32 = 101;
const LONGEST: u32 = 262_144;
const UDP: u8 = 17;
const UDP_HEADER: usize = 8;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;

/// A whole file.
#[must_use]
pub fn file(messages: &[Captured]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(MAGIC.to_le_bytes());
    out.extend(2_u16.to_le_bytes());
    out.extend(4_u16.to_le_bytes());
    out.extend([0; 8]);
    out.extend(LONGEST.to_le_bytes());
    out.extend(RAW.to_le_bytes());
    for message in messages {
        let packet = packet(message.source(), message.destination(), &message.octets);
        let (seconds, millis) = (message.at.0 / 1_000, message.at.0 % 1_000);
        let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
        out.extend(u32::try_from(seconds).unwrap_or(u32::MAX).to_le_bytes());
        out.extend(u32::try_from(millis * 1_000).unwrap_or(0).to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend(packet);
    }
    out
}

/// A datagram with its headers. What does not fit into one is cut.
fn packet(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let room = usize::from(u16::MAX) - IPV4_HEADER - UDP_HEADER;
    let payload = payload.get(..payload.len().min(room)).unwrap_or_default();
    let length = u16::try_from(payload.len() + UDP_HEADER).unwrap_or(u16::MAX);
    let mut udp = Vec::with_capacity(payload.len() + UDP_HEADER);
    udp.extend(source.port().to_be_bytes());
    udp.extend(destination.port().to_be_bytes());
    udp.extend(length.to_be_bytes());
    udp.extend([0; 2]);
    udp.extend_from_slice(payload);
    let (addresses, mut out) = match (source.ip(), destination.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ([from.octets(), to.octets()].concat(), ipv4(length)),
        (from, to) => ([v6(from).octets(), v6(to).octets()].concat(), ipv6(length)),
    };
    out.extend_from_slice(&addresses);
    if source.is_ipv4() && destination.is_ipv4() {
        let sum = checksum(&[&out]);
        put(&mut out, 10, sum);
    }
    let pseudo = [0, UDP];
    // Zero would mean that there is none.
    let sum = match checksum(&[&addresses, &pseudo, &length.to_be_bytes(), &udp]) {
        0 => u16::MAX,
        sum => sum,
    };
    put(&mut udp, 6, sum);
    out.append(&mut udp);
    out
}

/// RFC 791, without the addresses.
fn ipv4(length: u16) -> Vec<u8> {
    let total = length.saturating_add(20);
    let mut out = Vec::with_capacity(IPV4_HEADER + usize::from(length));
    out.extend([0x45, 0]);
    out.extend(total.to_be_bytes());
    // Identification, "don't fragment", 64 hops.
    out.extend([0, 0, 0x40, 0, 64, UDP, 0, 0]);
    out
}

/// RFC 8200, without the addresses.
fn ipv6(length: u16) -> Vec<u8> {
    let mut out = Vec::with_capacity(IPV6_HEADER + usize::from(length));
    out.extend([0x60, 0, 0, 0]);
    out.extend(length.to_be_bytes());
    out.extend([UDP, 64]);
    out
}

fn v6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

fn put(at: &mut [u8], place: usize, value: u16) {
    if let Some(octets) = at.get_mut(place..place + 2) {
        octets.copy_from_slice(&value.to_be_bytes());
    }
}

/// RFC 1071. Each part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u64;
    for part in parts {
        for pair in part.chunks(2) {
            let high = pair.first().copied().map_or(0, u64::from);
            let low = pair.get(1).copied().map_or(0, u64::from);
            sum += high << 8 | low;
        }
    }
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_rfc() {
        // The example of RFC 1071 section 3.
        assert_eq!(
            checksum(&[&[0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]]),
            !0xDDF2
        );
        let packet = packet(
            "192.0.2.1:5060".parse().unwrap(),
            "192.0.2.2:5061".parse().unwrap(),
            b"odd",
        );
        assert_eq!(checksum(&[&packet[..20]]), 0);
        let (header, udp) = packet.split_at(20);
        assert_eq!(checksum(&[&header[12..], &[0, UDP, 0, 11], udp]), 0);
    }
}
