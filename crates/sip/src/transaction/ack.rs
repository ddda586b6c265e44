//! Requests that a transaction makes by itself from the INVITE that it sent: the ACK to a final response of 300
//! and above (RFC 3261 §17.1.1.3) and CANCEL (§9.1).

use crate::build::Writer;
use crate::message::{Message, Name};
use crate::method::Method;
use bytes::Bytes;
use memchr::memmem;

/// The head of a request in storage of its own, so that the body can be freed.
pub(super) fn head(request: &Bytes) -> Bytes {
    let end = memmem::find(request, b"\r\n\r\n").map_or(request.len(), |at| at + 4);
    request
        .get(..end)
        .map_or_else(|| request.clone(), Bytes::copy_from_slice)
}

/// The branch of the request's top Via.
pub(super) fn branch<'a>(request: &Message<'a>) -> Option<&'a str> {
    request.top_via().ok().and_then(|via| via.branch)
}

/// The ACK to `response`; `None` when the request was not one that could be answered.
pub(super) fn ack(request: &[u8], response: &Message<'_>) -> Option<Bytes> {
    let request = Message::parse(request).ok()?;
    let to = response.header(Name::To)?;
    Some(alike(&request, Method::Ack, to)?.finish())
}

/// The CANCEL of a request, with a Reason value if there is one to give (RFC 3326).
pub(super) fn cancel(request: &Message<'_>, reason: Option<&str>) -> Option<Bytes> {
    let to = request.header(Name::To)?;
    let writer = alike(request, Method::Cancel, to)?;
    Some(match reason {
        Some(reason) => writer.header(Name::Reason, reason).finish(),
        None => writer.finish(),
    })
}

/// What ACK and CANCEL share with their INVITE: Request-URI, top Via, Route, From, Call-ID and CSeq number.
fn alike(request: &Message<'_>, method: Method<'_>, to: &str) -> Option<Writer> {
    let line = request.request_line()?;
    let seq = request.cseq().ok()?.seq;
    let writer = Writer::request(method, line.uri)
        .header(Name::Via, request.list(Name::Via).next()?)
        .header(Name::MaxForwards, "70")
        .copy(request, Name::Route)
        .header(Name::From, request.header(Name::From)?)
        .header(Name::To, to)
        .header(Name::CallId, request.call_id().ok()?);
    Some(writer.fmt(Name::CSeq, format_args!("{seq} {method}")))
}
