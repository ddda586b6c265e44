//! What a REGISTER brings beyond RFC 3261: outbound (RFC 5626 §6), Path (RFC 3327) and Service-Route (RFC 3608).
//!
//! Owns: what may be asked for, and the headers of the 200 that say what is granted. Does not own: bindings.
//!
//! A Path is only kept where policy says that phones come through a proxy of the tenant's own. It never decides where a
//! request goes, for that is always the flow that the REGISTER came on; it is only written into the request.

use crate::registrar::Refused;
use model::{FlowToken, Policy};
use sip::{Message, Name, NameAddr, Writer};

/// Octets of all Path values of a binding together, and their number: a proxy or two.
const LONGEST_PATH: usize = 768;
const MOST_HOPS: usize = 8;

/// The option tags of a REGISTER that we act upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Supported {
    pub(crate) outbound: bool,
    pub(crate) path: bool,
    pub(crate) gruu: bool,
}

impl Supported {
    pub(crate) fn by(message: &Message<'_>) -> Supported {
        let mut supported = Supported::default();
        for tag in message.list(Name::Supported) {
            supported.outbound |= tag.eq_ignore_ascii_case("outbound");
            supported.path |= tag.eq_ignore_ascii_case("path");
            supported.gruu |= tag.eq_ignore_ascii_case("gruu");
        }
        supported
    }
}

/// What is granted to a REGISTER.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Granted {
    /// The phone may keep several flows, and keeps each alive.
    pub(crate) outbound: bool,
    /// Requests to the phone go along its Path.
    pub(crate) path: bool,
    /// The phone is told its GRUUs.
    pub(crate) gruu: bool,
    /// The phone will be woken by its push service.
    pub(crate) push: bool,
}

impl Granted {
    /// Decides; `Err` when the REGISTER can't be granted as it is.
    pub(crate) fn to(message: &Message<'_>, policy: &Policy) -> Result<Granted, Refused> {
        let requires = |tag: &str| message.list(Name::Require).any(|t| t.eq_ignore_ascii_case(tag));
        if !policy.accept_path && requires("path") {
            return Err(Refused::Unsupported("path"));
        }
        let supported = Supported::by(message);
        let first = message.list(Name::Path).last();
        let path = policy.accept_path && first.is_some();
        if path && !supported.path {
            // The phone must know that there are proxies between us (RFC 3327 §5.3).
            return Err(Refused::Unsupported("path"));
        }
        if path {
            check_path(message)?;
        }
        let direct = message.list(Name::Via).nth(1).is_none();
        let wanted = supported.outbound && wants_flows(message);
        let kept = direct || (path && first.is_some_and(keeps_flows));
        if wanted && !kept && policy.accept_path {
            return Err(Refused::FirstHop);
        }
        Ok(Granted {
            outbound: wanted && kept,
            path,
            gruu: supported.gruu,
            push: policy.push_wait_s > 0 && provider(message).is_some(),
        })
    }

    /// The headers of the 200 that say so.
    pub(crate) fn write(
        self,
        mut writer: Writer,
        message: &Message<'_>,
        flow: &FlowToken,
        timer_s: u32,
    ) -> Writer {
        if self.outbound {
            writer = writer.header(Name::Require, "outbound");
            if flow.transport.is_reliable() && timer_s > 0 {
                writer = writer.fmt(Name::FlowTimer, format_args!("{timer_s}"));
            }
        }
        if let Some(provider) = provider(message).filter(|_| self.push) {
            writer = writer.named("Feature-Caps", &format!("*;+sip.pns=\"{provider}\""));
        }
        if self.path {
            writer = writer.copy(message, Name::Path);
            // The proxy brings the phone's requests back to where it brought the REGISTER.
            let (local, transport) = (flow.local, flow.transport);
            writer = writer.fmt(
                Name::ServiceRoute,
                format_args!("<sip:{local};transport={transport};lr>"),
            );
        }
        writer
    }
}

/// The Path to keep with the bindings, next hop first.
pub(crate) fn path(message: &Message<'_>, granted: Granted) -> Vec<Box<str>> {
    if !granted.path {
        return Vec::new();
    }
    message.list(Name::Path).map(Box::from).collect()
}

/// The push service of the phone, where it can be woken.
fn provider<'a>(message: &Message<'a>) -> Option<&'a str> {
    let uri = message.contacts().first()?.name_addr.uri().ok()?;
    crate::push::target(&uri)?;
    uri.param("pn-provider").flatten()
}

/// Only loose routers, only SIP, and no more than a binding may hold.
fn check_path(message: &Message<'_>) -> Result<(), Refused> {
    let (mut hops, mut octets) = (0_usize, 0_usize);
    for value in message.list(Name::Path) {
        let hop = NameAddr::parse(Name::Path, value).map_err(|_| Refused::Bad)?;
        let uri = hop.uri().map_err(|_| Refused::Bad)?;
        (hops, octets) = (hops + 1, octets + value.len());
        if !uri.is_sip() || uri.param("lr").is_none() || !uri.headers.is_empty() {
            return Err(Refused::Bad);
        }
    }
    match hops <= MOST_HOPS && octets <= LONGEST_PATH {
        true => Ok(()),
        false => Err(Refused::Bad),
    }
}

/// True for a Path value of a proxy that remembers flows.
fn keeps_flows(value: &str) -> bool {
    let hop = NameAddr::parse(Name::Path, value).ok();
    hop.and_then(|hop| hop.uri().ok())
        .is_some_and(|uri| uri.param("ob").is_some())
}

/// True where a Contact names an instance and one flow of it.
fn wants_flows(message: &Message<'_>) -> bool {
    let flow = |c: sip::Contact<'_>| c.instance.is_some() && c.reg_id.is_some();
    let mut contacts = message.contacts().iter().into_iter().flatten();
    contacts.any(|contact| contact.is_ok_and(flow))
}
