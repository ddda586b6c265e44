//! Counters of outcomes. Whatever is refused or dropped is counted under one name.

use serde::{Deserialize, Serialize};

macro_rules! counts {
    ($($(#[doc = $doc:literal])+ $name:ident),+ $(,)?) => {
        /// Totals since start. Plain numbers: each owner counts for itself and a reader adds them up.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Counts {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Counts {
            /// Adds `other` to `self`, field by field.
            pub fn add(&mut self, other: &Counts) {
                $(self.$name = self.$name.saturating_add(other.$name);)+
            }

            /// Every name with its value, in declaration order.
            #[must_use]
            pub fn named(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)+]
            }

            /// Every name with what it counts and its value, in declaration order.
            #[must_use]
            pub fn described(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((stringify!($name), concat!($($doc),+).trim_start(), self.$name),)+]
            }
        }
    };
}

counts! {
    /// SIP messages received whole.
    messages,
    /// Keep-alives answered or swallowed (CRLF, RFC 5626 §3.5.1; lone NULs and short datagrams).
    keepalives,
    /// STUN Binding requests answered (RFC 5626 §3.5.2).
    stun_bindings,
    /// STUN that is not a Binding request, or damaged: dropped or refused.
    stun_invalid,
    /// WebSockets opened (RFC 7118).
    websockets,
    /// WebSocket handshakes answered with an HTTP error, and connections closed for breaking the protocol.
    websockets_refused,
    /// Not SIP at all, or a response that can't be represented: dropped.
    unparsable,
    /// Answered 4xx/5xx by validation before any tenant saw it.
    invalid,
    /// Larger than the limit: 513 or connection closed.
    oversized,
    /// Request for a domain that nobody here owns.
    unknown_domain,
    /// Responses and ACKs that match nothing: dropped.
    stray,
    /// Requests retransmitted by the peer and absorbed.
    retransmissions,
    /// Challenges sent (401, 407).
    challenges,
    /// Credentials that were wrong: bad password, unknown user, foreign realm.
    auth_failed,
    /// Requests let in by a sign-in token instead of digest.
    token_sign_ins,
    /// Nonces refused as stale or replayed.
    auth_stale,
    /// Allowed to authenticate, not allowed to do this: 403.
    forbidden,
    /// REGISTERs answered 200.
    registered,
    /// Bindings that ended by time.
    expired,
    /// Fax machines heard.
    faxes,
    /// Calls accepted.
    calls,
    /// Calls answered.
    answered,
    /// Calls of an earlier life of the process, or of a tenant that panicked, that go on.
    calls_restored,
    /// Of these, those whose phones knew nothing of them any more.
    calls_lost,
    /// Transfers taken up (REFER), and calls taken over (Replaces).
    transfers,
    /// Of these, those that led nowhere.
    transfers_failed,
    /// Ringing calls picked up from another phone.
    pickups,
    /// Calls to a number that leads nowhere: 404.
    unknown_number,
    /// Calls to a user without a reachable phone: 480.
    unreachable,
    /// Descriptions refused: unreadable SDP, no common codec, unsupported transport: 488.
    media_refused,
    /// Calls refused because no media port was free: 503.
    ports_exhausted,
    /// Requests refused by a limit: 503 or 486.
    over_limit,
    /// Legs of browsers to which ICE found no path in time.
    ice_failed,
    /// Legs of browsers that did not answer any more (RFC 7675).
    consent_lost,
    /// Legs of browsers with another certificate than their description named, or whose DTLS handshakes failed.
    dtls_failed,
    /// Calls ended because no media arrived.
    silent,
    /// Calls ended because the media plane had lost their session, or did not answer.
    media_lost,
    /// Calls in which audio of some side did not arrive within three seconds.
    audio_faults,
    /// Of these, those in which it arrived later.
    audio_healed,
    /// Answered calls whose caller never acknowledged.
    ack_lost,
    /// Identities that a caller preferred and that are not its user's: ignored (RFC 3325).
    identity_refused,
    /// Digits dialled by INFO in a call.
    digits,
    /// INFO requests of a package that nobody here knows: 469 (RFC 6086).
    info_refused,
    /// Conferences that took nobody more in: full, or locked.
    rooms_refused,
    /// Sounds that callers were to hear and that could not be had.
    sounds_missing,
    /// Wrong PINs of conferences.
    pins_wrong,
    /// PINs that nobody looked at, because there were too many wrong ones.
    pins_barred,
    /// Phones that were called for a page.
    paged,
    /// Calls that somebody listened to by right.
    listened,
    /// Redirections of called phones that were followed.
    redirected,
    /// Redirections that were not: out of the tenant, to nobody, in a circle, or too many.
    redirects_refused,
    /// Calls forwarded by the settings of the user called.
    forwarded,
    /// Forwards that were not followed: in a circle, or too many.
    forwards_refused,
    /// Calls sent to carriers, each carrier that was tried counted.
    trunk_calls,
    /// Calls that came from carriers.
    trunk_calls_in,
    /// Of these, the ones whose caller somebody vouches for who can be believed (RFC 8224).
    stir_passed,
    /// The ones whose `Identity` header proves nothing: forged, stale, about another call.
    stir_failed,
    /// The ones that were looked at without a result: nobody vouches, or who does could not be asked.
    stir_unverified,
    /// Of all that were looked at, the ones that the tenant's policy refused for it.
    stir_refused,
    /// The ones that it would have refused, while it looked as if that was our own fault.
    stir_let_in,
    /// Times that it began to look like that.
    stir_doubts,
    /// Of those that were sent, the ones that the carrier could not take or did not answer.
    trunk_failures,
    /// Times that a carrier was left alone because too many calls in a row had failed.
    trunk_breaks,
    /// Trunks that were passed over because they had as many calls as they may have, or got them too fast.
    trunk_full,
    /// Calls to the outside that no trunk could be tried for.
    no_trunk,
    /// Calls to the outside that limits or classes of destinations forbid.
    toll_refused,
    /// Calls that a limit has ended.
    toll_ended,
    /// Emergency calls.
    emergency_calls,
    /// Settings that a phone changed by its keys.
    keys_pressed,
    /// Session refreshes of ours that were answered 2xx (RFC 4028).
    refreshes,
    /// Calls ended because nobody refreshed their session.
    sessions_lost,
    /// Transactions that timed out.
    timeouts,
    /// Requests for a dialog that is not here: 481.
    no_dialog,
    /// Subscriptions accepted.
    subscriptions,
    /// NOTIFYs sent, retransmissions left out.
    notified,
    /// Subscriptions that ended because their phone did not take a NOTIFY.
    unheard,
    /// States published.
    published,
    /// Text messages taken.
    texts,
    /// Text messages that no phone took before their time.
    texts_lost,
    /// Panics of one tenant caught by the shell.
    panics,
    /// Legs of calls that followed their phone to another connection.
    followed,
    /// Phones woken by a push notification.
    woken,
    /// Messages dropped because a queue inside the node was full.
    shed,
    /// Datagrams that the kernel dropped before they were read: for want of room, or, once there is none, as strangers'.
    unread,
    /// Records that could not be appended to the spool.
    spool_failed,
    /// Recordings begun.
    recordings,
    /// Recordings that could not begin or go on: the disk is full or broken, or the tenant has no room left.
    recordings_failed,
    /// Recordings that an earlier life of the process had left unfinished.
    recordings_cut,
    /// Forks of a call's sound begun.
    forks,
    /// Of these, those that did not end because they were told to.
    forks_failed,
    /// Sound of theirs that was left out because the other side did not read, milliseconds.
    forks_lost_ms,
    /// Messages of calls that are not kept any more, or never were, for there was no room.
    traces_dropped,
    /// Messages of calls sent to a collector (HEP).
    hep_sent,
    /// Of those that were to be sent, the ones that could not be, or that too many waited before.
    hep_dropped,
    /// Connections opened to phones for requests too large for a datagram (RFC 3261 §18.1.1).
    connected,
    /// Of those that were wanted, the ones that came to nothing.
    connects_failed,
    /// Connections refused by a cap, or closed for stalling.
    connections_refused,
    /// Messages and connections of addresses that the operator's lists or the rules about countries keep out.
    border_denied,
    /// Messages and connections of banned addresses.
    border_banned,
    /// Messages of programs that name themselves as scanners.
    border_scanners,
    /// Messages and connections of strangers beyond their measure.
    border_over_limit,
    /// Requests with a credential that had failed too often from where they came: 403 without a look at it.
    border_locked,
    /// Messages and connections let in for the sake of a call for help.
    border_emergencies,
    /// Bans that began by themselves.
    bans,
    /// New requests refused because the worker could not keep up: 503 with Retry-After.
    overload_refused,
    /// Connections closed because unfinished messages filled the room that a worker has for them.
    partials_dropped,
}
