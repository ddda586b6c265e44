//! STUN messages (RFC 8489, which replaces RFC 5389): reading them, and answering a Binding request.
//!
//! Owns: the header, attributes, FINGERPRINT, XOR-MAPPED-ADDRESS, and the answer of a server that keeps a NAT binding
//! open (RFC 5626 §4.4.2): no state, no credentials; the messages of ICE (`connectivity`). Does not own: sockets, and what ICE does.
//!
//! An answer is at most 24 octets longer than the request, and a request without an attribute that must be understood
//! gets exactly one: nothing here is worth aiming at somebody else.

pub mod connectivity;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What each message carries since RFC 5389.
pub const MAGIC_COOKIE: u32 = 0x2112_A442;
/// Octets before the attributes.
const HEADER: usize = 20;
/// Largest message that is looked at, octets: what fits a datagram everywhere (RFC 8489 §6.1).
const LARGEST: usize = 1_280;
/// Attributes that a 420 names at most: more would only repeat the fault.
const NAMED: usize = 8;

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const FINGERPRINT: u16 = 0x8028;
/// What FINGERPRINT is XORed with (§14.7).
const FINGERPRINT_XOR: u32 = 0x5354_554E;
/// Attributes that must be understood and are: USERNAME, MESSAGE-INTEGRITY, REALM, NONCE, MESSAGE-INTEGRITY-SHA256. A
/// keep-alive needs none of them, and a client that sends them gets its answer without integrity.
const KNOWN: [u16; 5] = [0x0006, 0x0008, 0x0014, 0x0015, 0x001C];

/// A message whose form is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    kind: u16,
    transaction: [u8; 12],
    attributes: &'a [u8],
}

/// What to do with a message that came to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Send this back.
    Reply(Vec<u8>),
    /// Send this back: something in the request was not understood.
    Refused(Vec<u8>),
    /// Not a request that is answered here.
    Ignore,
}

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its number.
    pub kind: u16,
    /// Its value without padding.
    pub value: &'a [u8],
}

/// True for a datagram that is STUN by its first octets, whatever else is wrong with it: no SIP message starts so.
#[must_use]
pub fn is_stun(datagram: &[u8]) -> bool {
    let magic = datagram
        .get(4..8)
        .is_some_and(|four| four == MAGIC_COOKIE.to_be_bytes());
    magic && datagram.first().is_some_and(|first| first & 0xC0 == 0)
}

impl<'a> Message<'a> {
    /// Reads a message; `None` when its form is wrong: lengths, padding, or a FINGERPRINT that does not fit.
    #[must_use]
    pub fn parse(datagram: &'a [u8]) -> Option<Message<'a>> {
        if !is_stun(datagram) || datagram.len() > LARGEST || !datagram.len().is_multiple_of(4) {
            return None;
        }
        let kind = u16::from_be_bytes(*datagram.first_chunk()?);
        let length = u16::from_be_bytes(*datagram.get(2..)?.first_chunk()?);
        let transaction = *datagram.get(8..)?.first_chunk()?;
        let attributes = datagram.get(HEADER..)?;
        if attributes.len() != usize::from(length) {
            return None;
        }
        let message = Message {
            kind,
            transaction,
            attributes,
        };
        message.is_whole(datagram).then_some(message)
    }

    /// The attributes in order, up to one whose length is wrong.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        let mut rest = self.attributes;
        std::iter::from_fn(move || {
            let (attribute, after) = split(rest)?;
            rest = after;
            Some(attribute)
        })
    }

    /// The address in XOR-MAPPED-ADDRESS (§14.2).
    #[must_use]
    pub fn xor_mapped_address(&self) -> Option<SocketAddr> {
        let found = self.attributes().find(|a| a.kind == XOR_MAPPED_ADDRESS)?;
        let [0, family, high, low, address @ ..] = found.value else {
            return None;
        };
        let key = key(&self.transaction);
        let port = u16::from_be_bytes([*high, *low]) ^ u16::from_be_bytes([key[0], key[1]]);
        let plain = |octets: &mut [u8]| octets.iter_mut().zip(key).for_each(|(o, k)| *o ^= k);
        let ip = match family {
            1 => {
                let mut octets: [u8; 4] = address.try_into().ok()?;
                plain(&mut octets);
                IpAddr::V4(Ipv4Addr::from(octets))
            }
            2 => {
                let mut octets: [u8; 16] = address.try_into().ok()?;
                plain(&mut octets);
                IpAddr::V6(Ipv6Addr::from(octets))
            }
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    /// Every attribute ends where the message ends, and a FINGERPRINT is the last one and right (§14.7).
    fn is_whole(&self, datagram: &[u8]) -> bool {
        let mut rest = self.attributes;
        while let Some((attribute, after)) = split(rest) {
            if attribute.kind == FINGERPRINT {
                let before = datagram
                    .get(..datagram.len().saturating_sub(8))
                    .unwrap_or_default();
                let wanted = (crc32fast::hash(before) ^ FINGERPRINT_XOR).to_be_bytes();
                return after.is_empty() && attribute.value == wanted;
            }
            rest = after;
        }
        rest.is_empty()
    }
}

fn split(octets: &[u8]) -> Option<(Attribute<'_>, &[u8])> {
    let [a, b, c, d, rest @ ..] = octets else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([*c, *d]));
    let value = rest.get(..length)?;
    let after = rest.get(length.next_multiple_of(4)..)?;
    let kind = u16::from_be_bytes([*a, *b]);
    Some((Attribute { kind, value }, after))
}

/// Answers a datagram that is STUN, from `source`: with the address that it came from (§6.3.1).
#[must_use]
pub fn answer(datagram: &[u8], source: SocketAddr) -> Answer {
    let Some(message) = Message::parse(datagram).filter(|m| m.kind == BINDING_REQUEST) else {
        return Answer::Ignore;
    };
    let strange = |a: &Attribute<'_>| a.kind < 0x8000 && !KNOWN.contains(&a.kind);
    let unknown: Vec<u16> = message
        .attributes()
        .filter(strange)
        .map(|a| a.kind)
        .take(NAMED)
        .collect();
    if !unknown.is_empty() {
        return Answer::Refused(refusal(&message.transaction, &unknown));
    }
    let mut out = header(BINDING_SUCCESS, &message.transaction);
    push(&mut out, XOR_MAPPED_ADDRESS, &xored(source, &message.transaction));
    Answer::Reply(finish(out))
}

/// A Binding request without attributes, for a client.
#[must_use]
pub fn binding_request(transaction: [u8; 12]) -> Vec<u8> {
    finish(header(BINDING_REQUEST, &transaction))
}

/// 420, with what was not understood (§6.3.1.1).
fn refusal(transaction: &[u8; 12], unknown: &[u16]) -> Vec<u8> {
    let mut out = header(BINDING_ERROR, transaction);
    push(&mut out, ERROR_CODE, &[0, 0, 4, 20]);
    let named: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
    push(&mut out, UNKNOWN_ATTRIBUTES, &named);
    finish(out)
}

/// Cookie and transaction: what addresses are XORed with.
fn key(transaction: &[u8; 12]) -> [u8; 16] {
    let mut key = [0; 16];
    let whole = MAGIC_COOKIE.to_be_bytes().into_iter().chain(*transaction);
    key.iter_mut().zip(whole).for_each(|(k, octet)| *k = octet);
    key
}

fn xored(address: SocketAddr, transaction: &[u8; 12]) -> Vec<u8> {
    let key = key(transaction);
    let mut value = Vec::with_capacity(20);
    let mask = u16::from_be_bytes([key[0], key[1]]);
    let port = (address.port() ^ mask).to_be_bytes();
    let mut push = |family: u8, ip: &[u8]| {
        value.extend([0, family]);
        value.extend(port);
        value.extend(ip.iter().zip(key).map(|(octet, k)| octet ^ k));
    };
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => push(1, &ip.octets()),
        IpAddr::V6(ip) => push(2, &ip.octets()),
    }
    value
}

fn header(kind: u16, transaction: &[u8; 12]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + 24);
    out.extend(kind.to_be_bytes());
    out.extend([0, 0]);
    out.extend(MAGIC_COOKIE.to_be_bytes());
    out.extend(transaction);
    out
}

fn push(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend(kind.to_be_bytes());
    out.extend(length.to_be_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn finish(mut out: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(out.len().saturating_sub(HEADER)).unwrap_or(u16::MAX);
    if let Some(place) = out.get_mut(2..4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    out
}
