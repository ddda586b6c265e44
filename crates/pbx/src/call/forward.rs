//! A call is sent on by the settings of the user called (RFC 5359 §2.10 to §2.12).
//!
//! Owns: going on to the next number, and how phones are told who sent the call on: Diversion (RFC 5806) and History-Info
//! (RFC 7044, causes of RFC 4458, both side by side as RFC 7544 has them). Does not own: when a call is forwarded, to
//! whom, and how often (`flow`).
//!
//! A number is looked up as if it were dialled, so it leads nowhere that the tenant's phones could not call; outside it is at the
//! expense of who sends the call on.

use super::Call;
use crate::context::Context;
use flow::{Event, Forward, Why};
use model::Now;
use sip::{Name, Writer};
use std::sync::Arc;

impl Call {
    /// Goes on where a user's settings send the call.
    pub(super) fn forward(&mut self, context: &mut Context, by: Forward, now: Now) {
        let config = Arc::clone(&self.config);
        self.stop_waking(context);
        // Who called one phone of the user means nobody's phone now.
        self.instance = None;
        let flow = context.route(&config, &by.to, config.realm());
        // Whom his phones have named is not meant any more either.
        self.redirects.forget();
        if self.run.forward(by, flow) {
            self.max_forwards = self.max_forwards.saturating_sub(1);
            context.counts.forwarded += 1;
            self.tell_caller(context, 181, None, now);
        }
        self.advance(context, Event::Start, now);
    }
}

/// Writes who has sent the call on, the first one first in `hops`. A caller who wants no history told gets none
/// (RFC 7044 §10.1.2); Diversion names users of the tenant alone, never the caller.
pub(super) fn tell<'a>(
    writer: Writer,
    realm: &str,
    hops: impl DoubleEndedIterator<Item = &'a Forward> + Clone,
    history: bool,
) -> Writer {
    let lines = lines(realm, hops, true, history);
    lines
        .iter()
        .fold(writer, |writer, (name, value)| writer.header(*name, value))
}

/// The same as headers, of either kind.
pub(super) fn lines<'a>(
    realm: &str,
    hops: impl DoubleEndedIterator<Item = &'a Forward> + Clone,
    diverted: bool,
    history: bool,
) -> Vec<(Name, String)> {
    let mut lines = Vec::new();
    // The last one comes first (RFC 5806 §5).
    for hop in hops.clone().rev().filter(|_| diverted) {
        let reason = diversion(hop.why);
        let by = user_part(&hop.by);
        lines.push((Name::Diversion, format!("<sip:{by}@{realm}>;reason={reason}")));
    }
    if !history {
        return lines;
    }
    // Who was called, and each number after that: an entry says why its predecessor did not take the call.
    let mut hops = hops.enumerate().peekable();
    let mut cause = None;
    while let Some((at, hop)) = hops.next() {
        if at == 0 {
            lines.push(entry(realm, &hop.by, cause, hop.why, 0));
        }
        cause = Some(self::cause(hop.why));
        let next = hops.peek().map_or(Why::Always, |(_, next)| next.why);
        lines.push(entry(realm, &hop.to, cause, next, at.saturating_add(1)));
    }
    lines
}

/// One History-Info entry: the first has index 1, all others below it (RFC 7044 §10.3). `then` is why the call went on.
fn entry(realm: &str, number: &str, cause: Option<u16>, then: Why, at: usize) -> (Name, String) {
    let number = user_part(number);
    let cause = cause.map_or_else(String::new, |cause| format!(";cause={cause}"));
    // A final response, or what stands for one (RFC 7044 §10.2).
    let reason = match then {
        Why::Busy => "?Reason=SIP%3Bcause%3D486",
        Why::NoAnswer => "?Reason=SIP%3Bcause%3D408",
        Why::Redirected(302) => "?Reason=SIP%3Bcause%3D302",
        Why::Redirected(_) | Why::Always | Why::DoNotDisturb | Why::Unreachable => "",
    };
    let index = match at {
        0 => "1".to_owned(),
        1 => "1.1;mp=1".to_owned(),
        at => format!("1.{at};mp=1.{}", at.saturating_sub(1)),
    };
    (
        Name::HistoryInfo,
        format!("<sip:{number}@{realm}{cause}{reason}>;index={index}"),
    )
}

/// A number is made of characters that a user part may hold, but for one.
fn user_part(number: &str) -> String {
    number.replace('#', "%23")
}

/// RFC 5806 §4.2.
fn diversion(why: Why) -> &'static str {
    match why {
        Why::Always => "unconditional",
        Why::DoNotDisturb => "do-not-disturb",
        Why::Busy => "user-busy",
        Why::NoAnswer => "no-answer",
        Why::Unreachable => "unavailable",
        Why::Redirected(302) => "deflection",
        Why::Redirected(_) => "unknown",
    }
}

/// RFC 4458 §2, by the table of RFC 7544 §7.
fn cause(why: Why) -> u16 {
    match why {
        Why::Always => 302,
        Why::Busy => 486,
        Why::NoAnswer => 408,
        Why::Unreachable => 503,
        Why::Redirected(302) => 480,
        Why::DoNotDisturb | Why::Redirected(_) => 404,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::UserId;
    use sip::Method;

    fn told(hops: &[(&str, &str, Why)], history: bool) -> Vec<String> {
        let hops: Vec<Forward> = hops
            .iter()
            .map(|(by, to, why)| Forward {
                user: UserId(1),
                by: (*by).into(),
                to: (*to).into(),
                why: *why,
            })
            .collect();
        let writer = Writer::request(Method::Invite, "sip:a@b");
        let bytes = tell(writer, "a.example", hops.iter(), history).finish();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let ours = |line: &&str| line.starts_with("Diversion") || line.starts_with("History-Info");
        text.lines().filter(ours).map(ToOwned::to_owned).collect()
    }

    #[test]
    fn the_last_who_sent_it_on_comes_first_and_history_from_the_beginning() {
        let hops = [
            ("101", "102", Why::Busy),
            ("102", "*98#", Why::Always),
            ("103", "104", Why::Redirected(302)),
        ];
        assert_eq!(
            told(&hops, true),
            [
                "Diversion: <sip:103@a.example>;reason=deflection",
                "Diversion: <sip:102@a.example>;reason=unconditional",
                "Diversion: <sip:101@a.example>;reason=user-busy",
                "History-Info: <sip:101@a.example?Reason=SIP%3Bcause%3D486>;index=1",
                "History-Info: <sip:102@a.example;cause=486>;index=1.1;mp=1",
                "History-Info: <sip:*98%23@a.example;cause=302?Reason=SIP%3Bcause%3D302>;index=1.2;mp=1.1",
                "History-Info: <sip:104@a.example;cause=480>;index=1.3;mp=1.2",
            ]
        );
        assert_eq!(told(&hops, false).len(), 3);
        assert!(told(&[], true).is_empty());
    }
}
