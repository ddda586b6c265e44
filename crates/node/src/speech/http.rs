//! An HTTP server that speaks, by the interface that OpenAI's has and that those which one runs oneself have taken over: a JSON
//! object goes there, a sound file comes back.
//!
//! Redirects are not followed: the key is for one server.

use super::LARGEST;
use crate::fork::{LOOK, Place, Timed, client_config, reach, wire};
use crate::http::{Answer, exchange};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

/// Characters of what a server complains that are shown.
const COMPLAINT: usize = 300;

/// Whom to ask, and how.
pub(super) struct Request<'a> {
    pub(super) url: &'a str,
    pub(super) model: Option<&'a str>,
    pub(super) voice: Option<&'a str>,
    pub(super) key: Option<&'a str>,
}

/// The first line of a file.
pub(super) fn key(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the key in {}", file.display()))?;
    let key = text.lines().next().unwrap_or_default().trim().to_owned();
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_graphic()) {
        bail!("the first line of {} is no key", file.display());
    }
    Ok(key)
}

/// Has a text spoken.
pub(super) fn speak(request: &Request<'_>, text: &str, timeout: Duration) -> Result<Vec<u8>> {
    let end = Instant::now() + timeout;
    let place = Place::parse(request.url, ["http", "https"])
        .ok_or_else(|| anyhow!("{:?} is no URL of a speech server; see [speech] url", request.url))?;
    let answer = ask(&place, &head_and_body(request, &place, text), end)
        .with_context(|| format!("the speech server at {}", place.authority))?;
    let Answer { status, body, .. } = Answer::read(&answer)
        .with_context(|| format!("the speech server at {} answers no HTTP", place.authority))?;
    match status {
        200..=299 if !body.is_empty() => Ok(body),
        status => bail!(
            "the speech server at {} answers {status}: {}",
            place.authority,
            complaint(&body)
        ),
    }
}

fn head_and_body(request: &Request<'_>, place: &Place, text: &str) -> Vec<u8> {
    let mut body = json!({ "input": text, "response_format": "wav" });
    for (name, value) in [("model", request.model), ("voice", request.voice)] {
        if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
            body.insert(name.to_owned(), value.into());
        }
    }
    let body = body.to_string();
    let authorization = request.key.map(|key| format!("Authorization: Bearer {key}\r\n"));
    format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{}Accept: audio/*\r\nConnection: close\r\n\r\n{body}",
        place.path,
        place.authority,
        body.len(),
        authorization.unwrap_or_default(),
    )
    .into_bytes()
}

/// The whole answer, up to where the server closes. However its octets trickle, nothing is waited for beyond `end`.
fn ask(place: &Place, request: &[u8], end: Instant) -> Result<Vec<u8>> {
    let addresses: Vec<SocketAddr> = (place.host.as_str(), place.port).to_socket_addrs()?.collect();
    let socket = reach(&addresses, end)?;
    socket.set_write_timeout(Some(LOOK))?;
    socket.set_read_timeout(Some(LOOK))?;
    let mut wire = wire(place, Timed::new(socket, end), || client_config(&[]))?;
    exchange(wire.as_mut(), request, LARGEST, end).map_err(|error| match Instant::now() < end {
        true => error,
        false => anyhow!("takes too long; see [speech] timeout_s"),
    })
}

/// What a server says is wrong: the message of its JSON, or its text.
fn complaint(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let message = json.as_ref().and_then(|json| {
        let error = json.get("error").or_else(|| json.get("detail"))?;
        error.get("message").unwrap_or(error).as_str()
    });
    match message {
        Some(message) => one_line(message),
        None => one_line(&String::from_utf8_lossy(body)),
    }
}

/// Fit to be shown.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(COMPLAINT)
        .collect();
    if line.is_empty() {
        "nothing".to_owned()
    } else {
        line
    }
}
