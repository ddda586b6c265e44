//! What is remembered of calls that leave the server and come in.
//!
//! Owns: the notes, and how a message is read for them. Does not own: what must hold (`outside`).

use model::{Money, TenantId};
use sip::{Message, Method, Name};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// The server has taken an INVITE on.
const TRYING: u16 = 100;

/// The answers to INVITEs, by Call-ID and CSeq with branch.
pub(super) type Answers = BTreeMap<(String, String), u16>;

/// A call for help that may be compared with who could have taken it.
#[derive(Debug)]
pub(super) struct Help {
    /// Carriers that have been well since it was made.
    pub(super) alive: Vec<(TenantId, usize)>,
}

/// What an observer knows of carriers.
#[derive(Debug, Default)]
pub(super) struct Outer {
    /// Carriers by address, and whether they know us by a password.
    pub(super) carriers: BTreeMap<SocketAddr, bool>,
    /// The limit of each tenant, one increment, and what was spent.
    pub(super) prices: BTreeMap<TenantId, (Money, Money)>,
    pub(super) spent: BTreeMap<TenantId, Money>,
    /// The calendar has moved: there was more than one day, each with what may be spent in it.
    pub(super) many_days: bool,
    /// By Call-ID; the last one has none yet.
    pub(super) help: BTreeMap<String, Help>,
    pub(super) about_to: Option<Help>,
    /// Calls for help that failed though somebody could have taken them.
    pub(super) lost: Option<String>,
    pub(super) wrong: Option<String>,
    pub(super) counts: OuterCounts,
}

/// What happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OuterCounts {
    /// Records of calls that carriers took.
    pub out: u64,
    /// Records of calls that carriers made and that were answered.
    pub came: u64,
    /// Records of calls between two companies that were answered.
    pub inside: u64,
    /// Calls for help that were answered.
    pub helped: u64,
    /// Calls for help that were not.
    pub unhelped: u64,
    /// Calls that cost something.
    pub charged: u64,
}

impl OuterCounts {
    /// Adds another's figures.
    pub fn add(&mut self, other: &OuterCounts) {
        self.out += other.out;
        self.came += other.came;
        self.inside += other.inside;
        self.helped += other.helped;
        self.unhelped += other.unhelped;
        self.charged += other.charged;
    }
}

pub(super) fn is_help(message: &Message<'_>) -> bool {
    let uri = message.request_line().map_or("", |line| line.uri);
    let to = message.header(Name::To).unwrap_or("").trim_start_matches('<');
    let leads = |uri: &str| {
        ["urn:service:sos", "sip:112@", "sip:110@"]
            .iter()
            .any(|help| uri.starts_with(help))
    };
    leads(uri) || leads(to)
}

/// An INVITE that was taken on has one final answer, however often that is repeated. What is refused at once is forgotten, and a late
/// copy of it may find more room.
pub(super) fn answered_once(known: &mut Answers, message: &Message<'_>) -> Result<(), String> {
    let code = message.status_line().map_or(0, |line| line.code);
    let (Ok(call_id), Ok(cseq)) = (message.call_id(), message.cseq()) else {
        return Ok(());
    };
    let branch = message.top_via().ok().and_then(|via| via.branch).unwrap_or("");
    if cseq.method != Method::Invite {
        return Ok(());
    }
    let request = (call_id.to_owned(), format!("{} {branch}", cseq.seq));
    match (known.get_mut(&request), code) {
        (None, TRYING) => drop(known.insert(request, TRYING)),
        (Some(before), 200..) if *before == TRYING => *before = code,
        (Some(before), 200..) if *before != code => {
            return Err(format!("{call_id} was answered by {before} and then by {code}"));
        }
        _ => {}
    }
    Ok(())
}
