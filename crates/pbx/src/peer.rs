//! Whom a leg is with: a user's phone, or a carrier.

use model::{TrunkId, UserId};

/// One or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A phone of this user.
    User(UserId),
    /// A carrier, by this trunk.
    Trunk(TrunkId),
}

impl Peer {
    /// The user; a carrier is none, and may nothing of what users may.
    pub(crate) fn user(self) -> Option<UserId> {
        match self {
            Peer::User(user) => Some(user),
            Peer::Trunk(_) => None,
        }
    }

    /// The trunk.
    pub(crate) fn trunk(self) -> Option<TrunkId> {
        match self {
            Peer::User(_) => None,
            Peer::Trunk(trunk) => Some(trunk),
        }
    }

    /// True for phones of this user.
    pub(crate) fn is_user(self, user: UserId) -> bool {
        self.user() == Some(user)
    }
}

impl From<UserId> for Peer {
    fn from(user: UserId) -> Peer {
        Peer::User(user)
    }
}
