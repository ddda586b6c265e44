//! A request of ours for another transport than it was written for (RFC 3261 §18.1.1).

use super::Writer;
use bytes::Bytes;
use memchr::memmem;
use std::net::SocketAddr;

const BEGIN: &[u8] = b"\r\nVia: SIP/2.0/";

/// The same request with another transport and sent-by in its top Via; all else stays, the branch above all. `request`
/// is one that a [`Writer`] made: `None` for one that has no Via as a Writer writes it.
#[must_use]
pub fn for_transport(request: &[u8], transport: &str, sent_by: SocketAddr) -> Option<Bytes> {
    let start = memmem::find(request, BEGIN)?;
    let (before, rest) = request.split_at_checked(start)?;
    let head = memmem::find(request, b"\r\n\r\n").unwrap_or(request.len());
    let line = memmem::find(rest.get(2..)?, b"\r\n")? + 2;
    let params = rest.get(..line)?.iter().position(|octet| *octet == b';')?;
    if start > head {
        return None;
    }
    let mut writer = Writer {
        out: String::with_capacity(request.len() + 64),
    };
    writer.out.push_str(std::str::from_utf8(before).ok()?);
    writer.out.push_str("\r\n");
    writer = writer.via_to(transport, sent_by);
    let mut octets = writer.out.into_bytes();
    octets.extend_from_slice(rest.get(params..)?);
    Some(Bytes::from(octets))
}
