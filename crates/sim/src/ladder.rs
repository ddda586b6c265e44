//! The ladder of a run: who sent what to whom, when.

use sip::Message;
use std::fmt::Write;
use std::time::Duration;

/// The messages of a run in the order in which they were sent.
#[derive(Debug, Default)]
pub struct Ladder {
    text: String,
    lines: usize,
}

/// Lines that a ladder keeps; a run that talks more is broken anyway.
const LONGEST: usize = 5_000;

impl Ladder {
    /// Notes a message as it is sent.
    pub fn sent(&mut self, at: Duration, from: &str, to: &str, bytes: &[u8]) {
        let line = Message::parse(bytes).map_or_else(|error| error.to_string(), |m| summary(&m));
        self.note(at, &format!("{from:>8} -> {to:<8} {line}"));
    }

    /// Notes anything else worth knowing.
    pub fn note(&mut self, at: Duration, what: &str) {
        self.lines += 1;
        if self.lines <= LONGEST {
            let _ = writeln!(self.text, "{:>8} {what}", at.as_millis());
        }
    }

    /// The ladder so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The ladder so far; it starts again empty.
    pub fn take(&mut self) -> String {
        self.lines = 0;
        std::mem::take(&mut self.text)
    }
}

/// Start line, CSeq method where the start line lacks it, Reason, and what the description says.
fn summary(message: &Message<'_>) -> String {
    let method = message.method().map_or("?", |m| m.as_str());
    let mut line = match (message.request_line(), message.status_line()) {
        (Some(request), _) => format!("{method} {}", user(request.uri)),
        (_, Some(status)) => format!("{} {} ({method})", status.code, status.reason),
        _ => String::new(),
    };
    if let Some(reason) = message.header(sip::Name::Reason) {
        let _ = write!(line, " [{reason}]");
    }
    if let Ok(description) = sdp::Description::parse(message.body())
        && !message.body().is_empty()
    {
        let media = description.audio(&[]);
        let direction = media.map_or("none", |m| m.direction.as_str());
        let codecs = media.map_or(0, |m| m.formats.len());
        let _ = write!(line, " {{{direction}, {codecs} codecs}}");
    }
    line
}

/// The user part; ids of ours, which differ from run to run of the cores' making, are not shown.
fn user(uri: &str) -> String {
    let Ok(uri) = sip::Uri::parse(uri) else {
        return "?".to_owned();
    };
    uri.user.map_or_else(|| uri.host.to_owned(), str::to_owned)
}
