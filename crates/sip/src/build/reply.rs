//! The start of every answer (RFC 3261 §8.2.6.2, §18.2.1; RFC 3581).

use super::clean::push_number;
use super::{Writer, push_clean};
use crate::header::Via;
use crate::message::{Message, Name};
use crate::split::commas;
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
    let mut top = request.top_via().ok();
    for line in request.headers(Name::Via) {
        let mut elements = commas(line).filter(|element| !element.is_empty());
        let Some(first) = elements.next() else {
            continue;
        };
        writer.out.push_str("Via: ");
        match top.take() {
            Some(via) => push_top_via(&mut writer.out, &via, source),
            None => push_clean(&mut writer.out, first),
        }
        // A line of many stays one line: a line for each would make the answer three times the request.
        for element in elements {
            writer.out.push(',');
            push_clean(&mut writer.out, element);
        }
        writer.out.push_str("\r\n");
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
    for part in ["SIP/2.0/", via.transport, " ", via.host] {
        out.push_str(part);
    }
    if let Some(port) = via.port {
        out.push(':');
        push_number(out, u32::from(port));
    }
    for (name, value) in via.params.iter() {
        if matches!(name.len(), 5 | 8)
            && (name.eq_ignore_ascii_case("received") || name.eq_ignore_ascii_case("rport"))
        {
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
        out.push_str(";received=");
        push_ip(out, ip);
        out.push_str(";rport=");
        push_number(out, u32::from(source.port()));
    } else if !is_same_host(via.host, ip) {
        out.push_str(";received=");
        push_ip(out, ip);
    }
}

/// An address as text; the common kind without the detour over a formatter.
fn push_ip(out: &mut String, ip: IpAddr) {
    match ip {
        IpAddr::V4(v4) => {
            for (position, octet) in v4.octets().into_iter().enumerate() {
                if position > 0 {
                    out.push('.');
                }
                push_number(out, u32::from(octet));
            }
        }
        // Writing to a String can't fail.
        IpAddr::V6(v6) => drop(write!(out, "{v6}")),
    }
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
    let untagged = request.to_tag().is_none() && request.to().is_ok();
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
    let default = match via.transport.to_ascii_uppercase().as_str() {
        "TLS" => 5061,
        "WS" => 80,
        "WSS" => 443,
        _ => 5060,
    };
    let port = if via.rport.is_some() {
        source.port()
    } else {
        via.port.unwrap_or(default)
    };
    SocketAddr::new(source.ip(), port)
}
