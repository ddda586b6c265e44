//! The first look at a message: is it SIP, is it for us, and for which tenant.
//!
//! Owns: validation, the answers that need no state (4xx/5xx, an OPTIONS ping), and routing to a tenant.
//! Does not own: anything of a tenant; nothing here allocates per peer, so a flood costs only its answers.
//!
//! Routing: a response by the tenant in its top Via branch, a request inside a dialog by the tenant in its
//! To tag (both made by us, RFC 3261 §8.1.1.7 and §19.3), any other request by the domain of From, then of the
//! Request-URI, then by the host that it came from, where that is a carrier's; a REGISTER by the Request-URI (§10.2).

use crate::measured;
use bytes::Bytes;
use model::{Counts, FlowToken, Limits, TenantId};
use sip::token::{Hex16, TagKey, owner_of_branch, owner_of_tag};
use sip::{Message, Method, Name, Scheme, Support, Verdict, Writer};
use std::sync::Arc;
use tenancy::{Directory, Peers, Scope};

/// Methods that are carried out; the `Allow` header of every answer that needs one.
pub(crate) const ALLOW: &str =
    "INVITE, ACK, BYE, CANCEL, REGISTER, OPTIONS, PRACK, UPDATE, INFO, SUBSCRIBE, PUBLISH, MESSAGE, REFER";

/// Body types that are read; those of INFO in a call alone besides descriptions.
const BODIES: &[&str] = &[
    sdp::CONTENT_TYPE,
    // A phone may say where it is beside its description: that is taken out.
    "multipart/mixed",
    "application/dtmf-relay",
    "application/dtmf",
    sdp::FRAGMENT_TYPE,
];

/// Option tags that may stand in a Require.
pub(crate) const EXTENSIONS: &[&str] = &[
    "100rel",
    "gruu",
    "norefersub",
    "outbound",
    "path",
    "replaces",
    "timer",
];

/// Those of them that the answer to an INVITE names whatever it asked for (RFC 3891, 4488).
pub(crate) const SUPPORTED: &str = "replaces, norefersub";

/// Content types of texts that are passed on; of these only the first is ever kept for later.
pub(crate) const TEXT_TYPES: &[&str] = &["text/plain", "application/im-iscomposing+xml"];

/// Methods that are known, so that they get 405 rather than 501.
const METHODS: &[Method<'static>] = &[
    Method::Invite,
    Method::Ack,
    Method::Bye,
    Method::Cancel,
    Method::Register,
    Method::Options,
    Method::Info,
    Method::Message,
    Method::Subscribe,
    Method::Notify,
    Method::Publish,
    Method::Refer,
    Method::Update,
    Method::Prack,
];

/// What to do with a message.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for one message on the stack; boxing would allocate for each"
)]
pub enum Admit<'a> {
    /// Hand it to this tenant.
    Deliver {
        /// Whose it is.
        scope: Scope,
        /// The message, parsed and valid.
        message: Message<'a>,
    },
    /// Answer it at once and forget it.
    Reply {
        /// The answer.
        bytes: Bytes,
        /// The stream can't be read on: close it after the answer.
        close: bool,
        /// What was wrong with it, if anything.
        fault: Option<Fault>,
    },
    /// Nothing to do; the counter says why.
    Drop {
        /// The stream can't be read on: close it.
        close: bool,
        /// What was wrong with it, if anything.
        fault: Option<Fault>,
    },
}

/// What speaks against whoever sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is no SIP, or breaks its rules.
    Malformed,
    /// It is for a domain that nobody here has.
    UnknownDomain,
}

const DROP: Admit<'static> = Admit::Drop {
    close: false,
    fault: None,
};

/// The stateless front of a node.
#[derive(Clone)]
pub struct Edge {
    tag_key: TagKey,
    server_name: Arc<str>,
    limits: Limits,
    peers: Arc<Peers>,
}

impl Edge {
    /// `key` makes the To tags of stateless answers: the same for a retransmission, unknown to strangers.
    #[must_use]
    pub fn new(key: [u8; 32], server_name: Arc<str>, limits: Limits) -> Edge {
        let tag_key = TagKey::new(key);
        Edge {
            tag_key,
            server_name,
            limits,
            peers: Arc::default(),
        }
    }

    /// Calls of carriers may come from these from now on.
    pub fn set_peers(&mut self, peers: &Arc<Peers>) {
        if !Arc::ptr_eq(&self.peers, peers) {
            self.peers = Arc::clone(peers);
        }
    }

    /// Looks at one message. `packet` is a datagram, or one framed message of a stream.
    pub fn admit<'a>(
        &self,
        packet: &'a [u8],
        flow: &FlowToken,
        directory: &Directory,
        counts: &mut Counts,
    ) -> Admit<'a> {
        counts.messages += 1;
        let mut message = match Message::parse(packet) {
            Ok(message) => message,
            Err(_) => {
                counts.unparsable += 1;
                return Admit::Drop {
                    close: flow.transport.is_stream(),
                    fault: Some(Fault::Malformed),
                };
            }
        };
        let support = self.support(message.method());
        match sip::validate(&mut message, &support) {
            Verdict::Accept if message.is_request() => self.admit_request(message, flow, directory, counts),
            Verdict::Accept => admit_response(message, directory, counts),
            Verdict::Drop(_) => {
                counts.invalid += 1;
                Admit::Drop {
                    close: false,
                    fault: Some(Fault::Malformed),
                }
            }
            Verdict::Reject {
                code, extra, close, ..
            } => {
                counts.invalid += u64::from(code != 513);
                counts.oversized += u64::from(code == 513);
                // Where messages have ends of their own, a bad one spoils nothing after it.
                let close = close && flow.transport.is_stream();
                let extra = extra.as_ref().map(|(name, value)| (*name, value.as_str()));
                // An extension or a body that is not known here is nobody's fault.
                let fault = matches!(code, 400 | 505 | 513).then_some(Fault::Malformed);
                match self.reply(&message, flow, code, extra.as_slice()) {
                    Admit::Reply { bytes, .. } => Admit::Reply { bytes, close, fault },
                    _ => Admit::Drop { close, fault },
                }
            }
        }
    }

    /// What can be read depends on what is asked.
    fn support(&self, method: Option<Method<'_>>) -> Support<'static> {
        let bodies: &[&str] = match method {
            Some(Method::Message) => TEXT_TYPES,
            Some(Method::Publish) => &["application/pidf+xml"],
            // RFC 4662 and filters (RFC 4661) put documents here; they are not read.
            Some(Method::Subscribe) => &["*/*"],
            _ => BODIES,
        };
        Support {
            methods: METHODS,
            extensions: EXTENSIONS,
            bodies,
            // Help has names without a scheme of SIP (RFC 5031).
            schemes: match method {
                Some(Method::Invite | Method::Ack | Method::Cancel | Method::Prack) => &[
                    Scheme::Sip,
                    Scheme::Tel,
                    Scheme::Other("urn"),
                    Scheme::Other("URN"),
                ],
                _ => &[Scheme::Sip, Scheme::Tel],
            },
            max_bytes: self.limits.message_bytes,
            max_body_bytes: self.limits.message_bytes,
        }
    }

    fn admit_request<'a>(
        &self,
        message: Message<'a>,
        flow: &FlowToken,
        directory: &Directory,
        counts: &mut Counts,
    ) -> Admit<'a> {
        let method = message.method().unwrap_or(Method::Other(""));
        if method == Method::Options && is_ping(&message) {
            return self.reply(
                &message,
                flow,
                200,
                &[(Name::Allow, ALLOW), (Name::Accept, sdp::CONTENT_TYPE)],
            );
        }
        if !is_served(method) {
            counts.invalid += 1;
            return self.reply(&message, flow, 405, &[(Name::Allow, ALLOW)]);
        }
        if let Some(tag) = message.to_tag() {
            return match owner_of_tag(tag).and_then(|tenant| directory.by_tag(TenantId(tenant))) {
                Some(scope) => Admit::Deliver { scope, message },
                // The ACK to a stateless refusal of ours: nothing to do and nothing wrong.
                None if method == Method::Ack => DROP,
                None => {
                    counts.no_dialog += 1;
                    self.reply(&message, flow, 481, &[])
                }
            };
        }
        // From another tenant: whom it calls by domain, or whose number it is.
        let inside = || {
            let target = message.target()?;
            let number = || number::E164::parse(&target.user_decoded());
            let by_number = || directory.by_number(number()?.value());
            match target.host == model::TrunkDraft::INSIDE {
                true => by_number(),
                false => directory.by_domain(target.host),
            }
        };
        let carriers = || {
            let user = message.target().map(|uri| uri.user_decoded());
            let host = flow.remote.ip();
            self.peers.owner(host, &user.unwrap_or_default(), directory)
        };
        let found = match flow.is_inside() {
            true => inside().filter(|_| matches!(method, Method::Invite | Method::Cancel | Method::Ack)),
            false => owner(&message, method, directory)
                .or_else(|| carriers().filter(|_| method != Method::Register)),
        };
        match found {
            Some(scope) => Admit::Deliver { scope, message },
            None => {
                counts.unknown_domain += 1;
                let fault = Some(Fault::UnknownDomain);
                match self.reply(&message, flow, 404, &[]) {
                    Admit::Reply { bytes, close, .. } => Admit::Reply { bytes, close, fault },
                    _ => Admit::Drop { close: false, fault },
                }
            }
        }
    }

    /// Answers a stream whose framing broke, from the part of the head that arrived. The stream must be
    /// closed afterwards. `None` when not even an answer can be addressed.
    #[must_use]
    pub fn refuse_frame(&self, head: &[u8], code: u16, flow: &FlowToken) -> Option<Bytes> {
        let message = Message::parse(head).ok()?;
        match self.reply(&message, flow, code, &[]) {
            Admit::Reply { bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    /// Refuses a request before any tenant sees it: 403, or 503 with the seconds after which it may come again. `None` for what is
    /// not answered.
    #[must_use]
    pub fn refuse(
        &self,
        message: &Message<'_>,
        flow: &FlowToken,
        code: u16,
        retry_after_s: Option<u64>,
    ) -> Option<Bytes> {
        let seconds = retry_after_s.map(|s| s.to_string());
        let extra = seconds.as_deref().map(|s| (Name::RetryAfter, s));
        match self.reply(message, flow, code, extra.as_slice()) {
            Admit::Reply { bytes, .. } => Some(bytes),
            _ => None,
        }
    }

    fn reply(
        &self,
        message: &Message<'_>,
        flow: &FlowToken,
        code: u16,
        extra: &[(Name, &str)],
    ) -> Admit<'static> {
        if !message.is_request() || message.method() == Some(Method::Ack) {
            return DROP;
        }
        let tag = stateless_tag(&self.tag_key, message);
        let write = |extra: &[(Name, &str)], named: bool| {
            let mut writer = Writer::reply(message, code, sip::reason_phrase(code), Some(&tag), flow.remote);
            for (name, value) in extra {
                writer = writer.header(*name, value);
            }
            if named {
                writer = writer.header(Name::Server, &self.server_name);
            }
            writer.finish()
        };
        let fits = |bytes: &Bytes| measured::fits(message, flow, bytes.len(), measured::PLAIN);
        let mut bytes = write(extra, true);
        if !fits(&bytes) {
            bytes = write(extra, false);
        }
        if !fits(&bytes) {
            bytes = write(&[], false);
        }
        Admit::Reply {
            bytes,
            close: false,
            fault: None,
        }
    }
}

fn admit_response<'a>(message: Message<'a>, directory: &Directory, counts: &mut Counts) -> Admit<'a> {
    let scope = message
        .top_via()
        .ok()
        .and_then(|via| via.branch)
        .and_then(owner_of_branch)
        .and_then(|tenant| directory.by_tag(TenantId(tenant)));
    match scope {
        Some(scope) => Admit::Deliver { scope, message },
        None => {
            counts.stray += 1;
            DROP
        }
    }
}

fn owner(message: &Message<'_>, method: Method<'_>, directory: &Directory) -> Option<Scope> {
    let by_target = || directory.by_domain(message.target()?.host);
    if method == Method::Register {
        return by_target();
    }
    let from = message.from_uri();
    from.and_then(|uri| directory.by_domain(uri.host))
        .or_else(by_target)
}

/// An OPTIONS to the server itself, not to a user of it.
fn is_ping(message: &Message<'_>) -> bool {
    message.target().is_some_and(|uri| uri.user.is_none()) && message.to_tag().is_none()
}

fn is_served(method: Method<'_>) -> bool {
    matches!(
        method,
        Method::Invite
            | Method::Ack
            | Method::Bye
            | Method::Cancel
            | Method::Register
            | Method::Options
            | Method::Prack
            | Method::Update
            | Method::Info
            | Method::Subscribe
            | Method::Publish
            | Method::Message
            | Method::Refer
    )
}

/// A To tag that a retransmission gets again (RFC 3261 §8.2.7).
pub(crate) fn stateless_tag(key: &TagKey, message: &Message<'_>) -> Hex16 {
    let call_id = message.call_id().unwrap_or("");
    key.tag(
        call_id,
        message.top_via().ok().and_then(|via| via.branch).unwrap_or(""),
    )
}
