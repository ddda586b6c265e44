//! A call as a ladder: when, between whom, what.

use crate::message::{Captured, Trace};
use model::Wall;
use sip::{Message, Name};
use std::fmt::Write;

/// Legs have letters; of more than there are, the number.
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// One line for each message: time of day (UTC), milliseconds since the first, leg, who to whom, what.
#[must_use]
pub fn text(trace: &Trace) -> String {
    let first = trace.messages.first().map_or(Wall(0), |message| message.at);
    let peers: Vec<String> = trace.messages.iter().map(peer).collect();
    let width = peers
        .iter()
        .map(String::len)
        .max()
        .unwrap_or(0)
        .max("carillon".len());
    let mut text = String::new();
    for (message, peer) in trace.messages.iter().zip(&peers) {
        let (from, to) = match message.sent {
            true => ("carillon", peer.as_str()),
            false => (peer.as_str(), "carillon"),
        };
        let since = message.at.0.saturating_sub(first.0);
        let (time, leg, what) = (
            time_of_day(message.at),
            letter(message.leg),
            what(&message.octets),
        );
        let _ = writeln!(
            text,
            "{time} {since:>8} {leg} {from:>width$} -> {to:<width$} {what}"
        );
    }
    text
}

fn peer(message: &Captured) -> String {
    format!("{}:{}", message.flow.transport, message.flow.remote)
}

fn letter(leg: usize) -> String {
    LETTERS
        .chars()
        .nth(leg)
        .map_or_else(|| leg.to_string(), String::from)
}

fn time_of_day(at: Wall) -> String {
    let millis = at.0 % 86_400_000;
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
}

/// A message in a line: method and user, or status and method; what decides about a call; where its media is wanted.
#[must_use]
pub fn what(octets: &[u8]) -> String {
    let Ok(message) = Message::parse(octets) else {
        return "unreadable".to_owned();
    };
    let method = message.method().map_or("?", |method| method.as_str());
    let mut line = match (message.target(), message.status_line()) {
        (_, Some(status)) => format!("{} {} ({method})", status.code, status.reason),
        (Some(target), None) => format!("{method} {}", target.user.unwrap_or(target.host)),
        (None, None) => method.to_owned(),
    };
    for name in [Name::Authorization, Name::ProxyAuthorization] {
        if message.header(name).is_some() {
            line.push_str(" +credentials");
        }
    }
    for name in [
        Name::Require,
        Name::RetryAfter,
        Name::Warning,
        Name::Reason,
        Name::Unsupported,
        Name::SessionExpires,
        Name::ReferTo,
        Name::Replaces,
        Name::Event,
        Name::SubscriptionState,
    ] {
        if let Some(value) = message.header(name) {
            let _ = write!(line, " {} {value}", name.canonical());
        }
    }
    describe(&mut line, &message);
    // Nothing of a peer's moves the cursor of who reads it.
    line.chars()
        .map(|c| if c.is_control() { '.' } else { c })
        .collect()
}

/// The streams of a description: kind, where, payload types, direction unless it is both ways.
fn describe(line: &mut String, message: &Message<'_>) {
    let is_sdp = |kind: &str| kind.trim().to_ascii_lowercase().starts_with("application/sdp");
    if !message.header(Name::ContentType).is_some_and(is_sdp) {
        if !message.body().is_empty() {
            let kind = message.header(Name::ContentType).unwrap_or("octets");
            let _ = write!(line, " [{kind}]");
        }
        return;
    }
    let body = String::from_utf8_lossy(message.body());
    let (mut host, mut begun) = (String::new(), false);
    for row in body.lines() {
        match row.split_at_checked(2) {
            Some(("c=", value)) if !begun => host = value.rsplit(' ').next().unwrap_or("").to_owned(),
            Some(("c=", value)) => {
                let _ = write!(line, " at {}", value.rsplit(' ').next().unwrap_or(""));
            }
            Some(("m=", value)) => {
                let mut words = value.split(' ');
                let (kind, port) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
                let formats: Vec<&str> = words.skip(1).collect();
                let close = if begun { "}" } else { "" };
                let _ = write!(line, "{close} {{{kind} {host}:{port} {}", formats.join(","));
                begun = true;
            }
            Some(("a=", direction @ ("sendonly" | "recvonly" | "inactive"))) => {
                let _ = write!(line, " {direction}");
            }
            _ => {}
        }
    }
    line.push_str(if begun { "}" } else { "" });
}
