//! What calls have to do with each other, as data: what is wished, what is promised, who comes from where.
//!
//! Owns: the nouns of transfers. Does not own: any decision; see `refer`, `transfer`, `replace`, `moves` and `join`.

use super::leg::Leg;
use crate::dialled::Dialled;
use crate::following::PhoneKey;
use crate::peer::Peer;
use flow::{Event, RoomAct};
use model::{Answerer, CallId, CdrId, FlowToken, Leg as SideOf, MachineRules, Party, UserId};
use sdp::Description;
use sip::header::Replaces;
use std::collections::VecDeque;

/// What a call has to do with other calls.
#[derive(Default)]
pub(super) struct Moves {
    /// A transfer that one of our legs has asked for.
    pub(super) referral: Option<Referral>,
    /// REFERs taken so far.
    pub(super) referrals: u32,
    /// Why this call was made, if no INVITE made it.
    pub(super) origin: Option<Origin>,
    /// How whoever answers is to be listened to before the caller comes in.
    pub(super) screen: Option<MachineRules>,
    pub(super) screening: Screening,
    /// The call of the transferrer whose place the party that comes in takes.
    pub(super) replaces: Option<CallId>,
    /// The legs are being brought to one session.
    pub(super) joining: Option<Joining>,
    /// A leg of ours that another call will take.
    pub(super) promised: Option<Promise>,
    /// What this call wants of others.
    pub(super) acts: VecDeque<Act>,
    /// The leg that has nothing left but to hang up.
    pub(super) lingering: Option<SideOf>,
}

/// Whether somebody who has answered is listened to before the caller comes in.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Screening {
    /// No, or not any more.
    #[default]
    None,
    /// Yes.
    Listening,
    /// It is known who that is; the call of the caller decides.
    Decided,
}

/// A leg that is to go to another call, by that call's wish.
pub(super) struct Promise {
    pub(super) side: SideOf,
    pub(super) to: CallId,
    /// Whom it will talk to there.
    pub(super) number: String,
}

/// What is known of a leg that is to come in from another call.
pub(crate) struct Guest {
    pub(crate) from: (CallId, SideOf),
    pub(crate) party: Party,
    pub(crate) peer: Peer,
    pub(crate) flow: FlowToken,
    pub(crate) said: Description,
    pub(crate) record: CdrId,
    /// The From that it called under, which need not tell who it is.
    pub(crate) shown: Option<String>,
    /// It wants no phone to be told which way its call took.
    pub(crate) hides_history: bool,
    /// Hops that are left to it: who is called on and on ends somewhere.
    pub(crate) hops: u8,
}

/// What one call wants of another.
pub(crate) enum Act {
    /// The leg `by` of `from` asks for a transfer of the other leg.
    Refer { from: CallId, by: SideOf, wish: Wish },
    /// News of the transfer `to` for the call that it was asked for in.
    Told { from: CallId, to: CallId, code: u16 },
    /// The legs of this call are to come in from where they are.
    Join { call: CallId },
    /// A leg changes over; the side is the one that it has in `to`.
    HandOver { to: CallId, side: SideOf, leg: Box<Leg> },
    /// Make a call to this number for the caller of `from`, whom the server serves; whoever answers is listened to first.
    Connect {
        from: CallId,
        number: Box<str>,
        /// It has to be within the tenant.
        inside: bool,
        screen: Option<MachineRules>,
    },
    /// This has answered the call `to`, which was made for the caller of `from`.
    Screened {
        from: CallId,
        to: CallId,
        answerer: Answerer,
    },
    /// Somebody else has taken the caller's place in this call, which the server serves.
    Replaced { call: CallId },
    /// Let the caller of `from` hear a call of this user.
    Listen { from: CallId, user: UserId },
    /// Let phones of these users hear the caller of `from`.
    Page { from: CallId, users: Vec<UserId> },
    /// Something happened in the room that `call` is in.
    Tell { call: CallId, event: Event },
    /// Who of the call hears its supervisor: nobody, this user, or both.
    Heard {
        call: CallId,
        user: UserId,
        act: RoomAct,
    },
    /// Nobody needs this call any more.
    Abandon { call: CallId },
}

/// Where a call without an INVITE of its own came from.
pub(super) struct Origin {
    /// Who transferred; his phones are rung when nobody else answers.
    pub(super) by: Transferrer,
    /// Where our caller's leg still is.
    pub(super) caller: Option<(CallId, SideOf)>,
    /// Where our callee's leg still is, when this call takes one over.
    pub(super) callee: Option<(CallId, SideOf)>,
    /// The call whose transferrer wants to hear of it.
    pub(super) listener: CallId,
    pub(super) recalled: bool,
}

impl Origin {
    /// The origin of a call that takes over two legs.
    pub(super) fn of_two(by: Transferrer, caller: (CallId, SideOf), callee: (CallId, SideOf)) -> Origin {
        Origin {
            by,
            caller: Some(caller),
            callee: Some(callee),
            listener: caller.0,
            recalled: false,
        }
    }

    /// The origin of a call that takes the place of one leg of another.
    pub(super) fn of_one(by: Transferrer, callee: (CallId, SideOf)) -> Origin {
        Origin {
            by,
            caller: None,
            callee: Some(callee),
            listener: callee.0,
            recalled: true,
        }
    }
}

/// Who transfers.
#[derive(Clone)]
pub(crate) struct Transferrer {
    pub(crate) peer: Peer,
    pub(crate) flow: FlowToken,
    pub(crate) key: Option<PhoneKey>,
    pub(crate) number: String,
}

/// What a REFER asks for.
pub(crate) struct Wish {
    pub(crate) dialled: Dialled,
    pub(crate) replaces: Option<DialogName>,
}

/// The dialog that a Replaces names.
pub(crate) struct DialogName {
    pub(crate) call_id: String,
    pub(crate) to_tag: String,
    pub(crate) from_tag: String,
    pub(crate) early_only: bool,
}

impl DialogName {
    /// Reads a Replaces value.
    pub(crate) fn parse(value: &str) -> Option<DialogName> {
        let replaces = Replaces::parse(value).ok()?;
        Some(DialogName {
            call_id: replaces.call_id.to_owned(),
            to_tag: replaces.to_tag.to_owned(),
            from_tag: replaces.from_tag.to_owned(),
            early_only: replaces.early_only,
        })
    }
}

/// A transfer that a leg has asked for and that is not decided.
pub(crate) struct Referral {
    /// Who asked.
    pub(super) by: SideOf,
    /// The call that is made for it, once there is one.
    pub(super) call: Option<CallId>,
    /// Where to, for the record.
    pub(super) number: String,
    /// The value of Event.
    pub(super) event: String,
    /// False when the phone wants no NOTIFY (RFC 4488).
    pub(super) subscribed: bool,
    /// What it was told last.
    pub(super) told: u16,
}

/// A joining under way.
pub(super) struct Joining {
    pub(super) rounds: u8,
    pub(super) refusals: u8,
    /// Whose turn it is.
    pub(super) turn: SideOf,
    /// It is asked whether there is news for it or not: it has not heard of its new partner, or has refused what it
    /// was told.
    pub(super) anyhow: bool,
}
