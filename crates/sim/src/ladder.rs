//! The ladder of a run: who sent what to whom, when.

use sip::{Message, Name};
use std::fmt::Write;
use std::time::Duration;

/// The messages of a run in the order in which they were sent.
#[derive(Debug, Default)]
pub struct Ladder {
    text: String,
    quiet: bool,
}

/// Octets that a ladder keeps; of a run that talks more the end is kept.
const LONGEST: usize = 500_000;

impl Ladder {
    /// Writes nothing down any more: for runs whose ladder nobody reads unless they fail.
    pub fn hush(&mut self) {
        self.quiet = true;
    }

    /// Notes a message as it is sent, with another arrow on a connection that the server `opened`.
    pub fn sent(&mut self, at: Duration, (from, to): (&str, &str), bytes: &[u8], lost: bool, opened: bool) {
        if self.quiet {
            return;
        }
        let line = Message::parse(bytes).map_or_else(|error| error.to_string(), |m| summary(&m));
        let arrow = match (lost, opened) {
            (false, false) => "->",
            (false, true) => "=>",
            (true, false) => "-x",
            (true, true) => "=x",
        };
        self.note(at, &format!("{from:>8} {arrow} {to:<8} {line}"));
    }

    /// Notes anything else worth knowing.
    pub fn note(&mut self, at: Duration, what: &str) {
        if self.quiet {
            return;
        }
        if self.text.len() > LONGEST {
            let cut = (LONGEST / 2..).find(|at| self.text.is_char_boundary(*at));
            self.text = self.text.split_off(cut.unwrap_or(0));
        }
        let _ = writeln!(self.text, "{:>8} {what}", at.as_millis());
    }

    /// The ladder so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The ladder so far; it starts again empty.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

/// Start line, CSeq method where the start line lacks it, and what decides about the call: credentials, limits,
/// Reason, registered contacts, and what the description says.
fn summary(message: &Message<'_>) -> String {
    let method = message.method().map_or("?", |m| m.as_str());
    let mut line = match (message.request_line(), message.status_line()) {
        (Some(request), _) => format!("{method} {}", user(request.uri)),
        (_, Some(status)) => format!("{} {} ({method})", status.code, status.reason),
        _ => String::new(),
    };
    for name in [Name::Authorization, Name::ProxyAuthorization] {
        if message.header(name).is_some() {
            line.push_str(" +credentials");
        }
    }
    for name in [Name::WwwAuthenticate, Name::ProxyAuthenticate] {
        for challenge in message.headers(name) {
            line.push_str(" ?");
            line.push_str(parameter(challenge, "algorithm="));
            line.push_str(if challenge.contains("stale=true") {
                " stale"
            } else {
                ""
            });
        }
    }
    if method == "REGISTER" {
        for contact in message.headers(Name::Contact) {
            let _ = write!(line, " {contact}");
        }
        for name in [Name::Require, Name::FlowTimer, Name::Path, Name::ServiceRoute] {
            if let Some(value) = message.header(name) {
                let _ = write!(line, " {} {value}", name.canonical());
            }
        }
    }
    for name in [
        Name::Expires,
        Name::MinExpires,
        Name::RetryAfter,
        Name::Warning,
        Name::Unsupported,
        Name::RAck,
        Name::Event,
        Name::AllowEvents,
        Name::ReferSub,
        Name::ReferredBy,
        Name::SubscriptionState,
        Name::SipEtag,
        Name::SipIfMatch,
    ] {
        if let Some(value) = message.header(name) {
            let _ = write!(line, " {} {value}", name.canonical());
        }
    }
    if let Some(required) = message.header(Name::Require).filter(|_| method != "REGISTER") {
        let _ = write!(line, " Require {required}");
    }
    // The wish that every INVITE of ours carries by default is not worth a word.
    for (name, usual) in [(Name::SessionExpires, "1800"), (Name::MinSe, "90")] {
        if let Some(value) = message.header(name).filter(|value| !value.starts_with(usual)) {
            let _ = write!(line, " {} {value}", name.canonical());
        }
    }
    if let Some(reason) = message.header(Name::Reason) {
        let _ = write!(line, " [{reason}]");
    }
    if transfers(&mut line, message) {
        return line;
    }
    match message.header(Name::ContentType) {
        Some(other) if !other.eq_ignore_ascii_case(sdp::CONTENT_TYPE) => outline(&mut line, message.body()),
        _ => describe(&mut line, message.body()),
    }
    line
}

/// Any other document, in one line and without what says the same each time.
fn outline(line: &mut String, body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    let text = text.split_once("?>").map_or(&*text, |(_, rest)| rest);
    let words: Vec<&str> = text
        .split_whitespace()
        .filter(|word| !word.starts_with("xmlns"))
        .collect();
    let _ = write!(line, " {{{}}}", words.join(" "));
}

/// Target of a REFER, Replaces, and what a NOTIFY says of a transfer; true when that is all there is to say.
fn transfers(line: &mut String, message: &Message<'_>) -> bool {
    for target in message.headers(Name::ReferTo) {
        let (uri, dialog) = target.split_once("?Replaces=").unwrap_or((target, ""));
        let replaces = if dialog.is_empty() { "" } else { "> ?Replaces" };
        let _ = write!(line, " to {uri}{replaces}");
    }
    if let Some(replaces) = message.header(Name::Replaces) {
        let early = if replaces.ends_with(";early-only") {
            " early-only"
        } else {
            ""
        };
        let _ = write!(line, " +replaces{early}");
    }
    if message
        .header(Name::Event)
        .is_some_and(|event| event.starts_with("refer"))
    {
        let _ = write!(line, " {:?}", String::from_utf8_lossy(message.body()).trim_end());
        return true;
    }
    false
}

/// Where audio is wanted, the payload types, and the direction unless it is both ways.
fn describe(line: &mut String, body: &[u8]) {
    if body.is_empty() {
        return;
    }
    let admit = sdp::Admit {
        keys: true,
        dtls: true,
        plain: true,
    };
    let Ok(description) = sdp::Description::parse_with(body, admit) else {
        return line.push_str(" {unreadable}");
    };
    let beside = beside(&description);
    let Some(media) = description.audio(&[]) else {
        let _ = write!(line, " {{no audio{beside}}}");
        return;
    };
    let address = media
        .rtp_address()
        .map_or("nowhere".to_owned(), |a| a.to_string());
    let codecs = without_ours(&media.formats).iter();
    let codecs: Vec<_> = codecs.map(|codec| codec.pt.to_string()).collect();
    let _ = write!(line, " {{{address} {}", codecs.join(","));
    if media.direction != sdp::Direction::SendRecv {
        let _ = write!(line, " {}", media.direction.as_str());
    }
    if media.is_protected() {
        let suites: Vec<_> = media.crypto.iter().map(|crypto| crypto.suite.as_str()).collect();
        let _ = write!(line, " {} {}", media.proto, suites.join(","));
    }
    let _ = write!(line, "{beside}}}");
}

/// Where there are pictures, and where a fax.
fn beside(description: &sdp::Description) -> String {
    let at = |media: Option<&sdp::Media>| media.and_then(sdp::Media::rtp_address);
    let video = at(description.video(&[])).map(|at| format!(" video {at}"));
    let fax = at(description.fax()).map(|at| format!(" fax {at}"));
    video.into_iter().chain(fax).collect()
}

/// The formats without G.722 and Opus at their end, as our offers have them beside those of a phone with G.711: that we can
/// turn sound into these is not worth a word each time.
fn without_ours(formats: &[sdp::Codec]) -> &[sdp::Codec] {
    let opus = |codec: &sdp::Codec| codec.pt == 111 && codec.fmtp.as_deref() == Some("useinbandfec=1");
    match formats {
        [before @ .., g722, last] if !before.is_empty() && g722.pt == 9 && opus(last) => before,
        [before @ .., last] if !before.is_empty() && opus(last) => before,
        all => all,
    }
}

fn parameter<'a>(text: &'a str, name: &str) -> &'a str {
    let value = text.split_once(name).map_or("", |(_, rest)| rest);
    value.split([',', ';']).next().unwrap_or("").trim_matches('"')
}

/// The user part of a URI, or the host where there is none.
fn user(uri: &str) -> String {
    let Ok(uri) = sip::Uri::parse(uri) else {
        return "?".to_owned();
    };
    uri.user.map_or_else(|| uri.host.to_owned(), str::to_owned)
}
