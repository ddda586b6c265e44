//! What is agreed about a session and how it is written (RFC 4028 §4, §7, §9). What becomes of it is `session_timer`'s.

use crate::context::Context;
use model::{FlowToken, Policy};
use sip::header::Refresher;
use sip::transaction::ClientId;
use sip::{Message, Name, Writer};
use std::time::Duration;

/// Nobody needs a longer interval than a day, seconds. A phone that asks for more is not asked again.
pub(super) const LONGEST_S: u32 = 86_400;

/// What has been agreed about the session of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(super) interval_s: u32,
    pub(super) we_refresh: bool,
    /// An UPDATE of ours is on its way.
    pub(super) updating: Option<ClientId>,
    /// Where the phone was asked last.
    pub(super) asked_on: Option<FlowToken>,
    /// The phone has asked for a longer interval since the last refresh: it is asked again at once only once.
    pub(super) lengthened: bool,
    /// When the session ends unless it is refreshed; set when the timer starts.
    pub(super) end: Duration,
}

impl Session {
    /// What was agreed in an earlier life.
    pub(super) fn restored(interval_s: u32, we_refresh: bool, end: Duration) -> Session {
        Session {
            interval_s: interval_s.clamp(1, LONGEST_S),
            we_refresh,
            updating: None,
            asked_on: None,
            lengthened: false,
            end,
        }
    }

    /// What our answer to this request agrees to: the phone's wish within our bounds (§9).
    pub(super) fn granted(policy: &Policy, request: &Message<'_>) -> Option<Session> {
        if policy.session_expires_s == 0 {
            return None;
        }
        let wish = request.session_expires();
        let least = policy.min_se_s.max(request.min_se().unwrap_or(0)).min(LONGEST_S);
        let interval_s = wish
            .map_or(policy.session_expires_s, |wish| {
                wish.seconds.min(policy.session_expires_s)
            })
            .max(least);
        let refresher = wish.and_then(|wish| wish.refresher);
        Some(Session {
            interval_s,
            we_refresh: !knows_timers(request) || refresher != Some(Refresher::Uac),
            updating: None,
            asked_on: None,
            lengthened: false,
            end: Duration::ZERO,
        })
    }

    /// What this 2xx to a request of ours agrees to; a phone that doesn't know timers leaves the refreshes to us (§7.2).
    pub(super) fn agreed(policy: &Policy, response: &Message<'_>) -> Option<Session> {
        if policy.session_expires_s == 0 {
            return None;
        }
        let told = response.session_expires();
        let seconds = told.map_or(policy.session_expires_s, |told| told.seconds);
        Some(Session {
            interval_s: seconds.clamp(policy.min_se_s.min(LONGEST_S), LONGEST_S),
            we_refresh: told.is_none_or(|told| told.refresher != Some(Refresher::Uas)),
            updating: None,
            asked_on: None,
            lengthened: false,
            end: Duration::ZERO,
        })
    }

    /// From now to the next refresh of ours, or to the end of a session that the phone has not refreshed (§10).
    pub(super) fn wait(&self) -> Duration {
        let interval = Duration::from_secs(u64::from(self.interval_s));
        if self.we_refresh {
            interval / 2
        } else {
            interval - (interval / 3).min(Duration::from_secs(32))
        }
    }
}

fn knows_timers(message: &Message<'_>) -> bool {
    message.has_option(Name::Supported, "timer") || message.has_option(Name::Require, "timer")
}

/// Refuses an INVITE whose session interval is too short (§9); false when it is not.
pub(super) fn is_too_brief(context: &mut Context, message: &Message<'_>, flow: FlowToken) -> bool {
    let least = too_brief(context.config.policy(), message);
    if let Some(least) = least {
        context.reply_with(message, flow, 422, |writer| {
            writer.header(Name::MinSe, &least.to_string())
        });
    }
    least.is_some()
}

/// The shortest interval, for a request that wishes for less and can be told so.
pub(super) fn too_brief(policy: &Policy, request: &Message<'_>) -> Option<u32> {
    let wish = request.session_expires()?;
    let brief = policy.session_expires_s > 0 && wish.seconds < policy.min_se_s && knows_timers(request);
    brief.then_some(policy.min_se_s)
}

/// Adds what our 2xx to `request` says about the session, and tells what it says.
pub(super) fn agreement(policy: &Policy, request: &Message<'_>, writer: Writer) -> (Writer, Option<Session>) {
    let session = Session::granted(policy, request);
    let writer = match &session {
        Some(session) if knows_timers(request) => {
            let who = if session.we_refresh { "uas" } else { "uac" };
            let writer = writer.header(Name::Supported, "timer").fmt(
                Name::SessionExpires,
                format_args!("{};refresher={who}", session.interval_s),
            );
            if session.we_refresh {
                writer
            } else {
                writer.header(Name::Require, "timer")
            }
        }
        _ => writer,
    };
    (writer, session)
}

/// Adds our wish to an INVITE that says that we know timers; the phone may choose who refreshes.
pub(super) fn wish(writer: Writer, interval_s: u32, least_s: u32) -> Writer {
    if interval_s == 0 {
        return writer;
    }
    writer
        .fmt(Name::SessionExpires, format_args!("{}", interval_s.max(least_s)))
        .fmt(Name::MinSe, format_args!("{least_s}"))
}

/// Adds to another request inside the dialog what is agreed, so that it stays so (§7.4).
pub(super) fn keep(writer: Writer, session: Option<&Session>) -> Writer {
    let Some(session) = session else { return writer };
    let who = if session.we_refresh { "uac" } else { "uas" };
    writer.header(Name::Supported, "timer").fmt(
        Name::SessionExpires,
        format_args!("{};refresher={who}", session.interval_s),
    )
}

/// After 491 the one who chose the Call-ID waits for 2.1 to 4 s and the other for 0 to 2 s, in steps of 10 ms
/// (RFC 3261 §14.1).
pub(super) fn glare_wait_ms(context: &mut Context, ours: bool) -> u64 {
    if ours {
        2_100 + context.random() % 191 * 10
    } else {
        context.random() % 201 * 10
    }
}
