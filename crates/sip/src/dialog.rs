//! Dialogs: one side of a peer-to-peer relation between two user agents (RFC 3261 §12).
//!
//! Owns: the identity, sequence numbers, remote target and route set of one dialog, and the requests that are
//! built from them. Does not own: transactions, or what a request means to a call.

use crate::build::Writer;
use crate::header::{HeaderError, NameAddr};
use crate::message::{Message, Name};
use crate::method::Method;
use crate::uri::Uri;
use std::net::SocketAddr;

/// Our end of a dialog. Plain data: it can be stored and restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: String,
    /// The tag that we gave ourselves.
    pub local_tag: String,
    /// The tag of the peer; empty if it gave none, as RFC 2543 allowed.
    pub remote_tag: String,
    /// Our name-addr without tag: From of requests that we send.
    pub local: String,
    /// The peer's name-addr without tag: To of requests that we send.
    pub remote: String,
    /// The CSeq number of our last request.
    pub local_cseq: u32,
    /// The CSeq number of the peer's last request; `None` before the first.
    pub remote_cseq: Option<u32>,
    /// The peer's Contact URI.
    pub remote_target: String,
    /// Route values, next hop first.
    pub route_set: Vec<String>,
}

/// What the top Via of a request needs.
#[derive(Clone, Copy, Debug)]
pub struct ViaParts<'a> {
    /// `UDP`, `TCP`, `TLS`.
    pub transport: &'a str,
    /// Where responses reach us.
    pub sent_by: SocketAddr,
    /// The transaction.
    pub branch: &'a str,
}

/// A request that comes after a later one of its dialog: answer 500 (RFC 3261 §12.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfOrder;

impl std::fmt::Display for OutOfOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CSeq is not above that of an earlier request of the dialog")
    }
}

impl std::error::Error for OutOfOrder {}

impl Dialog {
    /// The dialog that our answer to `invite` creates (RFC 3261 §12.1.1), `local_tag` being the To tag of it.
    ///
    /// # Errors
    /// A header that a dialog is made of is missing or malformed.
    pub fn uas(invite: &Message<'_>, local_tag: &str) -> Result<Dialog, HeaderError> {
        let (from, to) = (invite.from()?, invite.to()?);
        Ok(Dialog {
            call_id: invite.call_id()?.to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: from.tag().unwrap_or_default().to_owned(),
            local: untagged(&to),
            remote: untagged(&from),
            local_cseq: 0,
            remote_cseq: Some(invite.cseq()?.seq),
            remote_target: target(invite)?,
            route_set: invite.list(Name::RecordRoute).map(str::to_owned).collect(),
        })
    }

    /// The dialog that `response` to our INVITE creates (RFC 3261 §12.1.2). `local` is the From that we sent,
    /// without tag, and `cseq` the number of the INVITE. The route set of an early dialog is not that of the 2xx:
    /// make the dialog anew from each.
    ///
    /// # Errors
    /// A header that a dialog is made of is missing or malformed.
    pub fn uac(
        local: &str,
        local_tag: &str,
        call_id: &str,
        cseq: u32,
        response: &Message<'_>,
    ) -> Result<Dialog, HeaderError> {
        let to = response.to()?;
        let mut route_set: Vec<String> = response.list(Name::RecordRoute).map(str::to_owned).collect();
        route_set.reverse();
        Ok(Dialog {
            call_id: call_id.to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: to.tag().unwrap_or_default().to_owned(),
            local: local.to_owned(),
            remote: untagged(&to),
            local_cseq: cseq,
            remote_cseq: None,
            remote_target: target(response)?,
            route_set,
        })
    }

    /// True for the dialog with this Call-ID, our tag and the peer's tag (RFC 3261 §12).
    #[must_use]
    pub fn matches(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> bool {
        self.call_id == call_id && self.local_tag == local_tag && self.remote_tag == remote_tag
    }

    /// True when a request of the peer is inside this dialog.
    #[must_use]
    pub fn has(&self, request: &Message<'_>) -> bool {
        let call_id = request.call_id().unwrap_or("");
        let local = request.to_tag().unwrap_or("");
        self.matches(call_id, local, request.from_tag().unwrap_or(""))
    }

    /// Takes note of a request of the peer. ACK and CANCEL carry the number of another request, so they always
    /// pass.
    ///
    /// # Errors
    /// The number is not above the last one: answer 500. A malformed CSeq counts as out of order too.
    pub fn receive(&mut self, request: &Message<'_>) -> Result<(), OutOfOrder> {
        if matches!(request.method(), Some(Method::Ack | Method::Cancel)) {
            return Ok(());
        }
        let seq = request.cseq().map_err(|_| OutOfOrder)?.seq;
        if self.remote_cseq.is_some_and(|last| seq <= last) {
            return Err(OutOfOrder);
        }
        self.remote_cseq = Some(seq);
        Ok(())
    }

    /// Takes the Contact of a target refresh request or of its 2xx (re-INVITE, UPDATE; RFC 3261 §12.2).
    /// A message without a usable Contact changes nothing.
    pub fn refresh_target(&mut self, message: &Message<'_>) {
        if let Ok(target) = target(message) {
            self.remote_target = target;
        }
    }

    /// Starts the next request of this dialog: Request-URI and Route by §12.2.1.1, Via, Max-Forwards, From, To,
    /// Call-ID and the next CSeq. For an ACK use [`Dialog::ack`]; CANCEL belongs to the transaction.
    pub fn request(&mut self, method: Method<'_>, via: ViaParts<'_>) -> Writer {
        // CSeq stays below 2^31 (§8.1.1.5); nobody sends as many requests in one dialog.
        self.local_cseq = (self.local_cseq + 1).min((1 << 31) - 1);
        self.start(method, self.local_cseq, via)
    }

    /// Starts the ACK to a 2xx of our INVITE with that CSeq number (RFC 3261 §13.2.2.4).
    pub fn ack(&self, invite_cseq: u32, via: ViaParts<'_>) -> Writer {
        self.start(Method::Ack, invite_cseq, via)
    }

    fn start(&self, method: Method<'_>, seq: u32, via: ViaParts<'_>) -> Writer {
        let (uri, routes, last) = self.routing();
        let mut writer = Writer::request(method, uri)
            .via(via.transport, via.sent_by, via.branch, true)
            .header(Name::MaxForwards, "70");
        for route in routes {
            writer = writer.header(Name::Route, route);
        }
        if let Some(target) = last {
            writer = writer.fmt(Name::Route, format_args!("<{target}>"));
        }
        writer = tagged(writer, Name::From, &self.local, &self.local_tag);
        writer = tagged(writer, Name::To, &self.remote, &self.remote_tag);
        writer
            .header(Name::CallId, &self.call_id)
            .fmt(Name::CSeq, format_args!("{seq} {method}"))
    }

    /// Request-URI, Route values, and what comes after them: with a strict router in front its URI is the
    /// Request-URI and the remote target is the last Route (RFC 3261 §12.2.1.1).
    fn routing(&self) -> (&str, &[String], Option<&str>) {
        let loose = (self.remote_target.as_str(), self.route_set.as_slice(), None);
        let Some((first, rest)) = self.route_set.split_first() else {
            return loose;
        };
        let Ok(hop) = NameAddr::parse(Name::Route, first) else {
            return loose;
        };
        match hop.uri() {
            Ok(uri) if uri.param("lr").is_none() => (hop.uri, rest, Some(&self.remote_target)),
            _ => loose,
        }
    }
}

fn tagged(writer: Writer, name: Name, party: &str, tag: &str) -> Writer {
    if tag.is_empty() {
        return writer.header(name, party);
    }
    writer.fmt(name, format_args!("{party};tag={tag}"))
}

fn untagged(party: &NameAddr<'_>) -> String {
    let (display, uri) = (party.display, party.uri);
    if display.is_empty() {
        format!("<{uri}>")
    } else {
        format!("{display} <{uri}>")
    }
}

fn target(message: &Message<'_>) -> Result<String, HeaderError> {
    let bad = |what| HeaderError {
        name: Name::Contact,
        what,
    };
    let contacts = message.contacts();
    let contact = contacts.first().ok_or(bad("missing or malformed"))?;
    Uri::parse(contact.name_addr.uri).map_err(|_| bad("not a URI"))?;
    Ok(contact.name_addr.uri.to_owned())
}
