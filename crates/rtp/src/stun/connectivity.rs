//! Connectivity checks of ICE (RFC 8445 §7, RFC 8489 §9.1): Binding requests with short-term credentials, and their answers.
//!
//! Owns: these messages as octets, and whether their integrity holds. Does not own: what is checked and when, roles, pairs.
//!
//! Each message has MESSAGE-INTEGRITY by SHA-1 and FINGERPRINT; one that lacks either, or has an attribute that must be
//! understood and is not, is not read. What stands behind MESSAGE-INTEGRITY counts for nothing.

use super::{
    Attribute, BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, ERROR_CODE, FINGERPRINT, FINGERPRINT_XOR,
    HEADER, Message, XOR_MAPPED_ADDRESS, finish, header, push, xored,
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::net::SocketAddr;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802A;
/// Octets of a whole MESSAGE-INTEGRITY, and of a whole FINGERPRINT.
const INTEGRITY: usize = 24;
const PRINT: usize = 8;
/// Attributes that must be understood and are.
const KNOWN: [u16; 6] = [
    USERNAME,
    MESSAGE_INTEGRITY,
    ERROR_CODE,
    XOR_MAPPED_ADDRESS,
    PRIORITY,
    USE_CANDIDATE,
];

/// The role of an agent (RFC 8445 §6.1.1), with its tie-breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It nominates.
    Controlling(u64),
    /// It follows.
    Controlled(u64),
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A check.
    Request,
    /// Its success.
    Success,
    /// Its refusal, with the code.
    Refusal(u16),
}

/// A message of another agent.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its transaction.
    pub transaction: [u8; 12],
    /// USERNAME, in a request: ours, a colon, theirs.
    pub username: Option<&'a str>,
    /// PRIORITY, in a request: of the candidate that it would be.
    pub priority: Option<u32>,
    /// The sender's role, in a request.
    pub role: Option<Role>,
    /// USE-CANDIDATE: the pair is nominated.
    pub nominates: bool,
    /// Of an answer: where the request was seen to come from.
    pub mapped: Option<SocketAddr>,
    datagram: &'a [u8],
    /// Octets before MESSAGE-INTEGRITY, and that value.
    signed: (usize, &'a [u8]),
}

impl<'a> Check<'a> {
    /// Reads a message; `None` when it is not one of these, whole and understood.
    #[must_use]
    pub fn read(datagram: &'a [u8]) -> Option<Check<'a>> {
        let message = Message::parse(datagram)?;
        let kind = match message.kind {
            BINDING_REQUEST => Kind::Request,
            BINDING_SUCCESS => Kind::Success,
            BINDING_ERROR => Kind::Refusal(0),
            _ => return None,
        };
        let mut check = Check {
            kind,
            transaction: message.transaction,
            username: None,
            priority: None,
            role: None,
            nominates: false,
            mapped: None,
            datagram,
            signed: (0, &[]),
        };
        let mut at = HEADER;
        let mut printed = false;
        for attribute in message.attributes() {
            if check.signed.1.is_empty() {
                check.take(&message, &attribute, at)?;
            }
            printed |= attribute.kind == FINGERPRINT;
            at = at.saturating_add(4 + attribute.value.len().next_multiple_of(4));
        }
        (printed && !check.signed.1.is_empty()).then_some(check)
    }

    fn take(&mut self, message: &Message<'a>, attribute: &Attribute<'a>, at: usize) -> Option<()> {
        let value = attribute.value;
        match attribute.kind {
            USERNAME => self.username = std::str::from_utf8(value).ok(),
            PRIORITY => self.priority = Some(u32::from_be_bytes(value.try_into().ok()?)),
            USE_CANDIDATE => self.nominates = true,
            ICE_CONTROLLING => self.role = Some(Role::Controlling(tie(value)?)),
            ICE_CONTROLLED => self.role = Some(Role::Controlled(tie(value)?)),
            XOR_MAPPED_ADDRESS => self.mapped = message.xor_mapped_address(),
            ERROR_CODE => {
                let [_, _, class, number, ..] = value else {
                    return None;
                };
                self.kind = Kind::Refusal(u16::from(class & 7) * 100 + u16::from(*number));
            }
            MESSAGE_INTEGRITY => self.signed = (at, Some(value).filter(|value| value.len() == 20)?),
            kind if kind < 0x8000 && !KNOWN.contains(&kind) => return None,
            _ => {}
        }
        Some(())
    }

    /// True when the message was made by somebody who knows the password.
    #[must_use]
    pub fn is_authentic(&self, pwd: &str) -> bool {
        let (end, value) = self.signed;
        let Some(before) = self.datagram.get(..end) else {
            return false;
        };
        signature(before, pwd).is_some_and(|mac| mac.verify_slice(value).is_ok())
    }
}

/// A check of ours.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Not to be guessed.
    pub transaction: [u8; 12],
    /// The other's fragment, a colon, ours.
    pub username: &'a str,
    /// Of the candidate that we would be if nobody knew it.
    pub priority: u32,
    /// Ours.
    pub role: Role,
    /// Nominates the pair.
    pub nominate: bool,
}

impl Request<'_> {
    /// The octets, under the other's password.
    #[must_use]
    pub fn written(&self, pwd: &str) -> Vec<u8> {
        let mut out = header(BINDING_REQUEST, &self.transaction);
        push(&mut out, USERNAME, self.username.as_bytes());
        push(&mut out, PRIORITY, &self.priority.to_be_bytes());
        match self.role {
            Role::Controlling(tie) => push(&mut out, ICE_CONTROLLING, &tie.to_be_bytes()),
            Role::Controlled(tie) => push(&mut out, ICE_CONTROLLED, &tie.to_be_bytes()),
        }
        if self.nominate {
            push(&mut out, USE_CANDIDATE, &[]);
        }
        seal(out, pwd)
    }
}

/// The answer to a check that came from `source`, under our own password.
#[must_use]
pub fn success(transaction: [u8; 12], source: SocketAddr, pwd: &str) -> Vec<u8> {
    let mut out = header(BINDING_SUCCESS, &transaction);
    push(&mut out, XOR_MAPPED_ADDRESS, &xored(source, &transaction));
    seal(out, pwd)
}

/// 487: both have the same role (RFC 8445 §7.3.1.1).
#[must_use]
pub fn role_conflict(transaction: [u8; 12], pwd: &str) -> Vec<u8> {
    let mut out = header(BINDING_ERROR, &transaction);
    push(&mut out, ERROR_CODE, &[0, 0, 4, 87]);
    seal(out, pwd)
}

fn tie(value: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(value.try_into().ok()?))
}

/// The MAC over what stands before MESSAGE-INTEGRITY, whose length field counts that attribute and none behind it.
fn signature(before: &[u8], pwd: &str) -> Option<Hmac<Sha1>> {
    let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(pwd.as_bytes()).ok()?;
    let length = before.len().checked_sub(HEADER)?.checked_add(INTEGRITY)?;
    mac.update(before.get(..2)?);
    mac.update(&u16::try_from(length).ok()?.to_be_bytes());
    mac.update(before.get(4..)?);
    Some(mac)
}

/// Adds MESSAGE-INTEGRITY and FINGERPRINT.
fn seal(mut out: Vec<u8>, pwd: &str) -> Vec<u8> {
    let mac = signature(&out, pwd).map(|mac| mac.finalize().into_bytes());
    push(&mut out, MESSAGE_INTEGRITY, mac.as_deref().unwrap_or(&[0; 20]));
    let length = out.len().saturating_add(PRINT).saturating_sub(HEADER);
    if let (Some(place), Ok(length)) = (out.get_mut(2..4), u16::try_from(length)) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    let print = crc32fast::hash(&out) ^ FINGERPRINT_XOR;
    push(&mut out, FINGERPRINT, &print.to_be_bytes());
    finish(out)
}
