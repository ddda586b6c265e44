//! The start of every answer (RFC 3261 §8.2.6.2, §18.2.1; RFC 3581).

use super::{Writer, push_clean};
use crate::header::Via;
use crate::message::{Message, Name};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

pub(super) fn reply(
    request: &Message<'_>,
    code: u16,
    reason: &str,
    to_tag: Option<&str>,
    source: SocketAddr,
) -> Writer {
    let mut writer = Writer::response(code, reason);
    for (position, element) in request.list(Name::Via).enumerate() {
        match Via::parse(element) {
            Ok(via) if position == 0 => push_top_via(&mut writer.out, &via, source),
            _ => writer.line("Via", element),
        }
    }
    let mut writer = writer.copy_first(request, Name::From);
    push_to(&mut writer.out, request, to_tag);
    let writer = writer
        .copy_first(request, Name::CallId)
        .copy_first(request, Name::CSeq);
    if code == 100 {
        writer.copy_first(request, Name::Timestamp)
    } else {
        writer
    }
}

impl Writer {
    fn copy_first(self, request: &Message<'_>, name: Name) -> Writer {
        match request.header(name) {
            Some(value) => self.header(name, value),
            None => self,
        }
    }
}

/// The top Via again from its parts; what it claimed as `received` or `rport` gives way to what we saw.
fn push_top_via(out: &mut String, via: &Via<'_>, source: SocketAddr) {
    let _ = write!(out, "Via: SIP/2.0/{} {}", via.transport, via.host);
    if let Some(port) = via.port {
        let _ = write!(out, ":{port}");
    }
    for (name, value) in via.params.iter() {
        if name.eq_ignore_ascii_case("received") || name.eq_ignore_ascii_case("rport") {
            continue;
        }
        out.push(';');
        push_clean(out, name);
        if let Some(value) = value {
            out.push('=');
            push_clean(out, value);
        }
    }
    let ip = source.ip().to_canonical();
    if via.rport.is_some() {
        let _ = write!(out, ";received={ip};rport={}", source.port());
    } else if !is_same_host(via.host, ip) {
        let _ = write!(out, ";received={ip}");
    }
    out.push_str("\r\n");
}

fn is_same_host(host: &str, ip: IpAddr) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    bare.parse::<IpAddr>()
        .is_ok_and(|claimed| claimed.to_canonical() == ip)
}

fn push_to(out: &mut String, request: &Message<'_>, to_tag: Option<&str>) {
    let Some(value) = request.header(Name::To) else {
        return;
    };
    out.push_str("To: ");
    push_clean(out, value);
    let untagged = request.to().is_ok_and(|to| to.tag().is_none());
    if let Some(tag) = to_tag.filter(|_| untagged) {
        out.push_str(";tag=");
        push_clean(out, tag);
    }
    out.push_str("\r\n");
}

/// Where an answer goes if its flow is gone (RFC 3261 §18.2.2, RFC 3581 §4): always to the address the request
/// came from, to its port if the top Via asked for it, else to the port of sent-by. `maddr` is not followed: it
/// would let a stranger aim our answers.
#[must_use]
pub fn response_target(via: &Via<'_>, source: SocketAddr) -> SocketAddr {
    let default = if via.transport.eq_ignore_ascii_case("TLS") {
        5061
    } else {
        5060
    };
    let port = if via.rport.is_some() {
        source.port()
    } else {
        via.port.unwrap_or(default)
    };
    SocketAddr::new(source.ip(), port)
}
