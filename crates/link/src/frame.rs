//! What travels.

use model::{MediaCommand, MediaReport, MediaSessionId};
use serde::{Deserialize, Serialize};

/// Whose session it is: the epoch of its owner, and which of this name in that.
pub(crate) type Term = (u64, u64);

/// One message about one session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame<T> {
    /// The session.
    pub session: MediaSessionId,
    /// The epoch of the owner of the call, as the sender knows it.
    pub epoch: u64,
    /// Which session of this name it is in that epoch: a later one has a higher number.
    pub turn: u64,
    /// The life of the media plane that has the session; 0 = the owner has not heard from it yet.
    pub life: u64,
    /// Everything of the other end up to this number has arrived.
    pub ack: u32,
    /// What it says.
    pub body: Body<T>,
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Body<T> {
    /// Something for the other end. Numbers begin with one.
    Item {
        /// Its number.
        number: u32,
        /// What.
        item: T,
    },
    /// Nothing but `ack`.
    Ack,
    /// Is there such a session? Answered by any frame about it, or by `Gone`.
    Audit,
    /// There is no such session, of this epoch and turn and in this life.
    Gone,
}

/// To the media plane.
pub type CommandFrame = Frame<MediaCommand>;
/// From the media plane.
pub type ReportFrame = Frame<MediaReport>;

impl<T> Frame<T> {
    /// Whose session it is about.
    pub(crate) fn term(&self) -> Term {
        (self.epoch, self.turn)
    }

    /// The answer to a frame about a session that there is not.
    pub(crate) fn gone<U>(&self) -> Frame<U> {
        Frame {
            session: self.session,
            epoch: self.epoch,
            turn: self.turn,
            life: self.life,
            ack: 0,
            body: Body::Gone,
        }
    }
}
