//! How long an answer to a datagram may be whose sender has shown nothing yet: anybody can write a victim's address into one, and the answer is
//! what the victim gets (SECURITY, row 12).
//!
//! What phones send is so long that the whole answer fits; only what was made to be short is answered with less, or not at all.

use model::FlowToken;
use sip::Message;

/// IP and UDP headers: each datagram has them.
const HEADERS: usize = 28;
/// An answer without a challenge may have so many hundredths of its request's octets.
pub(crate) const PLAIN: usize = 150;
/// And one with a challenge.
pub(crate) const CHALLENGE: usize = 200;

/// True where an answer of so many octets is in proportion. Who has a connection is where he says that he is.
pub(crate) fn fits(request: &Message<'_>, flow: &FlowToken, answer: usize, percent: usize) -> bool {
    let weigh = |octets: usize, by: usize| octets.saturating_add(HEADERS).saturating_mul(by);
    flow.transport.is_reliable() || weigh(answer, 100) <= weigh(request.bytes().len(), percent)
}
