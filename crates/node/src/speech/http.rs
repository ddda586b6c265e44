//! An HTTP server that speaks, by the interface that OpenAI's has and that those which one runs oneself have taken over: a JSON
//! object goes there, a sound file comes back.
//!
//! One request per connection (RFC 9112). Redirects are not followed: the key is for one server.

use super::LARGEST;
use crate::fork::{LOOK, Place, Timed, Wire, client_config, is_later, reach, wire, write_all};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;
use std::io::ErrorKind;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

/// Octets of status line and headers.
const LARGEST_HEAD: usize = 65_536;
/// Octets read at once.
const BLOCK: usize = 65_536;
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
    let (status, body) = read_answer(&answer)
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
    exchange(wire.as_mut(), request, end).map_err(|error| match Instant::now() < end {
        true => error,
        false => anyhow!("takes too long; see [speech] timeout_s"),
    })
}

fn exchange(wire: &mut dyn Wire, request: &[u8], end: Instant) -> Result<Vec<u8>> {
    write_all(wire, request, end)?;
    let mut all = Vec::new();
    let mut block = vec![0; BLOCK];
    loop {
        match wire.read(&mut block) {
            Ok(0) => return Ok(all),
            Ok(count) => all.extend_from_slice(block.get(..count).unwrap_or_default()),
            // Some close TLS without a word. Whether the answer is whole its length says.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(all),
            Err(error) if is_later(&error) && Instant::now() < end => continue,
            Err(error) => return Err(error.into()),
        }
        if all.len() > LARGEST {
            bail!("says more than {} MB", LARGEST >> 20);
        }
        let has_head = split_head(&all).is_some();
        if is_whole(&all) || (!has_head && all.len() > LARGEST_HEAD) {
            return Ok(all);
        }
    }
}

/// A server may keep the connection open although it was asked not to.
fn is_whole(answer: &[u8]) -> bool {
    let Some((head, body)) = split_head(answer) else {
        return false;
    };
    match (header(head, "transfer-encoding"), header(head, "content-length")) {
        (Some(_), _) => body.ends_with(b"\r\n0\r\n\r\n") || body == b"0\r\n\r\n",
        (None, Some(length)) => length.parse().is_ok_and(|length: usize| body.len() >= length),
        (None, None) => false,
    }
}

fn split_head(answer: &[u8]) -> Option<(&str, &[u8])> {
    let beginning = answer.get(..answer.len().min(LARGEST_HEAD))?;
    let end = beginning.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    Some((head, answer.get(end + 4..)?))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    let found = fields.find(|(known, _)| known.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}

/// Status and body.
fn read_answer(answer: &[u8]) -> Result<(u16, Vec<u8>)> {
    let (head, body) = split_head(answer).context("its head has no end")?;
    let status = head
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1));
    let status = status
        .and_then(|status| status.parse().ok())
        .context("it has no status")?;
    if let Some(coding) = header(head, "transfer-encoding") {
        if !coding.eq_ignore_ascii_case("chunked") {
            bail!("it is coded as {coding:?}");
        }
        return Ok((status, chunks(body)?));
    }
    let length = header(head, "content-length")
        .map(str::parse::<usize>)
        .transpose()?;
    let body = match length {
        Some(length) => body.get(..length).context("it ends too early")?,
        None => body,
    };
    Ok((status, body.to_vec()))
}

/// RFC 9112 section 7.1.
fn chunks(mut rest: &[u8]) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let end = rest
            .windows(2)
            .position(|w| w == b"\r\n")
            .context("a chunk has no length")?;
        let line = std::str::from_utf8(rest.get(..end).unwrap_or_default())?;
        let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)?;
        rest = rest.get(end + 2..).unwrap_or_default();
        if size == 0 {
            return Ok(all);
        }
        all.extend_from_slice(rest.get(..size).context("it ends too early")?);
        rest = rest
            .get(size..)
            .and_then(|rest| rest.strip_prefix(b"\r\n"))
            .context("a chunk has no end")?;
    }
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
