//! The checks of a request in the order in which their answers matter (RFC 3261 §8.2, §16.3).

use super::{Support, checks};
use crate::header::{CSeq, HeaderError, MediaType, Via, accepts};
use crate::message::{Address, ContentLength, Known, Message, Name, RequestLine};
use crate::method::Method;
use crate::split::is_lws;
use crate::uri::Uri;

/// The answer a fault gets.
pub(super) struct Fault {
    pub(super) code: u16,
    pub(super) reason: &'static str,
    pub(super) extra: Option<(Name, String)>,
    pub(super) close: bool,
}

impl Fault {
    fn new(code: u16, reason: &'static str) -> Fault {
        Fault {
            code,
            reason,
            extra: None,
            close: false,
        }
    }

    fn with(code: u16, reason: &'static str, name: Name, value: String) -> Fault {
        Fault {
            code,
            reason,
            extra: Some((name, value)),
            close: false,
        }
    }

    fn bad(reason: &'static str) -> Fault {
        Fault::new(400, reason)
    }
}

impl From<HeaderError> for Fault {
    fn from(error: HeaderError) -> Fault {
        Fault::bad(malformed(error.name))
    }
}

fn malformed(name: Name) -> &'static str {
    match name {
        Name::Via => "Malformed Via",
        Name::From => "Malformed From",
        Name::To => "Malformed To",
        Name::CallId => "Malformed Call-ID",
        Name::CSeq => "Malformed CSeq",
        Name::MaxForwards => "Malformed Max-Forwards",
        Name::Contact => "Malformed Contact",
        Name::Route => "Malformed Route",
        Name::RecordRoute => "Malformed Record-Route",
        _ => "Bad Request",
    }
}

pub(super) fn check<'a>(
    message: &Message<'a>,
    line: &RequestLine<'a>,
    support: &Support<'_>,
) -> Result<Known<'a>, Fault> {
    version(line)?;
    size(message, support)?;
    frame(message)?;
    checks::counts(message).map_err(Fault::bad)?;
    let (via, call_id, cseq) = identity(message, line, support)?;
    let (from, to) = checks::addresses(message)?;
    checks::contacts(message)?;
    let target = request_uri(line, &to, support)?;
    hops(message, line, &to)?;
    extensions(message, line, support)?;
    body(message, support)?;
    acceptable(message, line)?;
    Ok(Known {
        via,
        from,
        to,
        call_id,
        cseq,
        target: Some(target),
    })
}

/// The version is looked at first: of another version nothing else can be judged.
fn version(line: &RequestLine<'_>) -> Result<(), Fault> {
    if line.version.eq_ignore_ascii_case("SIP/2.0") {
        return Ok(());
    }
    let (name, number) = line.version.split_once('/').unwrap_or(("", ""));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let other = name.eq_ignore_ascii_case("SIP")
        && number
            .split_once('.')
            .is_some_and(|(a, b)| digits(a) && digits(b));
    Err(if other {
        Fault::new(505, "Version Not Supported")
    } else {
        Fault::bad("Malformed request line")
    })
}

fn size(message: &Message<'_>, support: &Support<'_>) -> Result<(), Fault> {
    if message.bytes().len() > support.max_bytes {
        return Err(Fault::new(513, "Message Too Large"));
    }
    if message.body().len() > support.max_body_bytes {
        return Err(Fault::new(413, "Request Entity Too Large"));
    }
    Ok(())
}

fn frame(message: &Message<'_>) -> Result<(), Fault> {
    let doubtful = matches!(
        message.content_length(),
        ContentLength::Invalid | ContentLength::Conflicting
    );
    checks::frame(message).map_err(|reason| Fault {
        close: doubtful,
        ..Fault::bad(reason)
    })
}

/// Who, which transaction, which method: what any answer and any matching rests on.
fn identity<'a>(
    message: &Message<'a>,
    line: &RequestLine<'_>,
    support: &Support<'_>,
) -> Result<(Via<'a>, &'a str, CSeq<'a>), Fault> {
    let via = checks::vias(message)?;
    if via.branch.is_some_and(is_bare_cookie) {
        return Err(Fault::bad("Via branch is only the cookie"));
    }
    let call_id = message.call_id()?;
    let cseq = message.cseq()?;
    if !support.methods.contains(&line.method) {
        return Err(Fault::with(
            501,
            "Not Implemented",
            Name::Allow,
            words(support.methods.iter().map(Method::as_str)),
        ));
    }
    if cseq.method != line.method {
        return Err(Fault::bad("CSeq method differs from the request"));
    }
    message.max_forwards().transpose()?;
    Ok((via, call_id, cseq))
}

/// Such a branch tells no transaction from another (RFC 4475 §3.2.1).
fn is_bare_cookie(branch: &str) -> bool {
    branch.eq_ignore_ascii_case(crate::header::COOKIE)
}

fn request_uri<'a>(
    line: &RequestLine<'a>,
    to: &Address<'_>,
    support: &Support<'_>,
) -> Result<Uri<'a>, Fault> {
    if line.uri.is_empty() || line.uri.bytes().any(is_lws) {
        return Err(Fault::bad("White space in the request line"));
    }
    let uri = Uri::parse(line.uri).map_err(|_| Fault::bad("Malformed Request-URI"))?;
    if !support.schemes.contains(&uri.scheme) {
        return Err(Fault::new(416, "Unsupported URI Scheme"));
    }
    if !uri.headers.is_empty() {
        return Err(Fault::bad("Headers in the Request-URI"));
    }
    // A registrar keeps addresses of record, and those are SIP or SIPS (RFC 3261 §10.3, RFC 4475 §3.3.4).
    if line.method == Method::Register && !to.uri.is_sip() {
        return Err(Fault::bad("To is not a SIP URI"));
    }
    Ok(uri)
}

/// A request that would be sent on needs a hop left; what ends here does not (RFC 3261 §16.3, RFC 4475 §3.3.11).
fn hops(message: &Message<'_>, line: &RequestLine<'_>, to: &Address<'_>) -> Result<(), Fault> {
    let ends_here = matches!(
        line.method,
        Method::Ack | Method::Cancel | Method::Options | Method::Register
    );
    if ends_here || to.tag.is_some() || !matches!(message.max_forwards(), Some(Ok(0))) {
        return Ok(());
    }
    Err(Fault::new(483, "Too Many Hops"))
}

/// Require and Proxy-Require: we are the far end of one and stand where a proxy would for the other. ACK and CANCEL
/// are exempt (RFC 3261 §8.2.2.3).
fn extensions(message: &Message<'_>, line: &RequestLine<'_>, support: &Support<'_>) -> Result<(), Fault> {
    if matches!(line.method, Method::Ack | Method::Cancel) {
        return Ok(());
    }
    let known = |tag: &&str| {
        support
            .extensions
            .iter()
            .any(|known| known.eq_ignore_ascii_case(tag))
    };
    let tags = message
        .list(Name::Require)
        .chain(message.list(Name::ProxyRequire));
    let unknown = words(tags.filter(|tag| !known(tag)));
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Fault::with(420, "Bad Extension", Name::Unsupported, unknown))
}

/// The body's type and coding must be ones we can read, unless the sender says it doesn't matter.
fn body(message: &Message<'_>, support: &Support<'_>) -> Result<(), Fault> {
    if message.body().is_empty() {
        return Ok(());
    }
    let coding = message
        .list(Name::ContentEncoding)
        .find(|coding| !coding.eq_ignore_ascii_case("identity"));
    let optional = is_optional(message);
    if coding.is_some() && !optional {
        return Err(Fault::with(
            415,
            "Unsupported Media Type",
            Name::AcceptEncoding,
            "identity".to_owned(),
        ));
    }
    let value = message
        .header(Name::ContentType)
        .ok_or(Fault::bad("Body without Content-Type"))?;
    let kind = MediaType::parse(value).ok_or(Fault::bad("Malformed Content-Type"))?;
    let readable = support.bodies.iter().any(|range| {
        range.split_once('/').is_some_and(|(main, sub)| {
            (main == "*" || main.eq_ignore_ascii_case(kind.kind))
                && (sub == "*" || sub.eq_ignore_ascii_case(kind.subtype))
        })
    });
    if readable || optional {
        return Ok(());
    }
    Err(Fault::with(
        415,
        "Unsupported Media Type",
        Name::Accept,
        words(support.bodies.iter().copied()),
    ))
}

/// `Content-Disposition: …;handling=optional` (RFC 3261 §20.11).
fn is_optional(message: &Message<'_>) -> bool {
    let value = message.header(Name::ContentDisposition).unwrap_or("");
    let params = value.split_once(';').map_or("", |(_, params)| params);
    crate::header::Params::new(params)
        .value("handling")
        .is_some_and(|h| h.eq_ignore_ascii_case("optional"))
}

/// An INVITE whose sender can't read a session description can't be answered with one (RFC 3261 §20.1, RFC 4475
/// §3.3.15).
fn acceptable(message: &Message<'_>, line: &RequestLine<'_>) -> Result<(), Fault> {
    if line.method != Method::Invite || message.header(Name::Accept).is_none() {
        return Ok(());
    }
    match message
        .headers(Name::Accept)
        .any(|value| accepts(value, "application/sdp"))
    {
        true => Ok(()),
        false => Err(Fault::new(406, "Not Acceptable")),
    }
}

fn words<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let mut out = String::new();
    for word in words {
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(word);
    }
    out
}
