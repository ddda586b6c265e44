//! What the phones say: requests, answers and descriptions as text.
//!
//! Owns: the wording, which is the same towards every server. Sizes are those of common desk phones.

use super::op::Op;
use crate::wire::Transport;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// Headers that every request of a phone carries.
const PHONE: &str = "Max-Forwards: 70\r\nUser-Agent: Bench Phone 1.0\r\n\
    Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY, REFER, UPDATE\r\nSupported: replaces, timer, outbound\r\n";

/// What stays the same through a run.
#[derive(Clone, Debug)]
pub(super) struct Words {
    pub(super) domain: String,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) transport: Transport,
    /// Ends every Call-ID and begins every branch, so that runs don't meet.
    pub(super) run: String,
}

impl Words {
    /// A REGISTER of `op`; `credentials` is the value of Authorization. The instance is the user's own (RFC 5626), so
    /// a later run replaces the binding of an earlier one, and no call forks to a socket that is closed.
    pub(super) fn register(
        &self,
        op: &Op,
        id: &str,
        local: SocketAddr,
        credentials: Option<&str>,
    ) -> Vec<u8> {
        let Words {
            domain,
            user,
            run,
            transport,
            ..
        } = self;
        let (via, suffix) = (transport.via(), transport.uri_suffix());
        let (number, cseq) = (op.user, op.cseq);
        let mut text = String::with_capacity(900);
        let _ = write!(
            text,
            "REGISTER sip:{domain} SIP/2.0\r\nVia: SIP/2.0/{via} {local};branch=z9hG4bK{run}.{id}.{cseq};rport\r\n\
             From: <sip:{user}{number}@{domain}>;tag={id}\r\nTo: <sip:{user}{number}@{domain}>\r\n\
             Call-ID: {id}-{run}\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:{user}{number}@{local}{suffix}>;reg-id=1\
             ;+sip.instance=\"<urn:uuid:5eed0000-0000-4000-8000-{number:012x}>\"\r\n\
             Expires: 3600\r\n{PHONE}"
        );
        if let Some(credentials) = credentials {
            let _ = write!(text, "Authorization: {credentials}\r\n");
        }
        text.push_str("Content-Length: 0\r\n\r\n");
        text.into_bytes()
    }

    /// A request of a call: INVITE, ACK or BYE. `branch` tells the transactions of a call apart.
    pub(super) fn request(
        &self,
        op: &Op,
        id: &str,
        local: SocketAddr,
        method: &str,
        branch: &str,
        rest: Rest<'_>,
    ) -> Vec<u8> {
        let Words {
            domain,
            user,
            run,
            transport,
            ..
        } = self;
        let (via, suffix) = (transport.via(), transport.uri_suffix());
        let Op {
            user: from,
            peer,
            cseq,
            route,
            ..
        } = op;
        let mut text = String::with_capacity(1400);
        let _ = match op.target.as_str() {
            "" => write!(text, "{method} sip:{user}{peer}@{domain} SIP/2.0\r\n"),
            target => write!(text, "{method} {target} SIP/2.0\r\n"),
        };
        let _ = write!(
            text,
            "Via: SIP/2.0/{via} {local};branch=z9hG4bK{run}.{id}.{branch};rport\r\n{route}\
             From: <sip:{user}{from}@{domain}>;tag={id}\r\nTo: <sip:{user}{peer}@{domain}>"
        );
        if !op.to_tag.is_empty() {
            let _ = write!(text, ";tag={}", op.to_tag);
        }
        let _ = write!(
            text,
            "\r\nCall-ID: {id}-{run}\r\nCSeq: {cseq} {method}\r\nContact: <sip:{user}{from}@{local}{suffix}>\r\n{PHONE}"
        );
        if let Some((name, value)) = rest.credentials {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        finish(&mut text, rest.body);
        text.into_bytes()
    }
}

/// What not every request has.
#[derive(Clone, Copy, Default)]
pub(super) struct Rest<'a> {
    /// Header and value.
    pub(super) credentials: Option<(&'a str, &'a str)>,
    /// A description, or nothing.
    pub(super) body: &'a str,
}

/// Ends a message with its body.
pub(super) fn finish(text: &mut String, body: &str) {
    if !body.is_empty() {
        text.push_str("Content-Type: application/sdp\r\n");
    }
    let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
}

/// An offer or answer of a phone that listens on `rtp`.
pub(super) fn description(rtp: SocketAddr) -> String {
    let (ip, port) = (rtp.ip(), rtp.port());
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    format!(
        "v=0\r\no=- 3970000000 3970000000 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 8 9 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n\
         a=sendrecv\r\n"
    )
}
