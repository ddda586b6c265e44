//! The opening handshake, the client's side (RFC 6455 §4.1), without a subprotocol.
//!
//! It owns the request and whether an answer opens the connection. Redirections are not followed: whoever checked an address did
//! not check another one.

use super::handshake::accept_value;

/// Octets of the head of an answer.
pub const MAX_ANSWER: usize = 8_192;

/// The request for a host (with its port where that is not the usual one) and a path with its query; both must be free of spaces
/// and control characters. `nonce` is random.
#[must_use]
pub fn request(host: &str, path: &str, nonce: [u8; 16]) -> (Vec<u8>, String) {
    let key = super::handshake::base64(&nonce);
    let head = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    (head.into_bytes(), key)
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// More octets are needed.
    Wait,
    /// The connection is open; so many octets were the answer, what follows is frames.
    Open(usize),
    /// Another status, or no WebSocket.
    Refused(u16),
}

/// Reads the answer to the request with this key.
#[must_use]
pub fn read_answer(octets: &[u8], key: &str) -> Answer {
    // What is too long is so however it is cut.
    let most = octets.get(..octets.len().min(MAX_ANSWER)).unwrap_or_default();
    let Some(end) = memchr::memmem::find(most, b"\r\n\r\n") else {
        return match octets.len() < MAX_ANSWER {
            true => Answer::Wait,
            false => Answer::Refused(0),
        };
    };
    let head = octets.get(..end).unwrap_or_default();
    let Ok(head) = std::str::from_utf8(head) else {
        return Answer::Refused(0);
    };
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let code = match status.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)) {
        Some(code) => code.parse().unwrap_or(0),
        None => 0,
    };
    let fields = || lines.clone().filter_map(|line| line.split_once(':'));
    let has = |name: &str, value: &str| {
        fields().any(|(n, v)| n.eq_ignore_ascii_case(name) && v.trim().eq_ignore_ascii_case(value))
    };
    let accept = accept_value(key);
    // Once (§11.3.3): who says two things says neither.
    let mut accepts = fields().filter(|(n, _)| n.eq_ignore_ascii_case("Sec-WebSocket-Accept"));
    let accepted = accepts.next().is_some_and(|(_, v)| v.trim() == accept) && accepts.next().is_none();
    // No extension and no subprotocol was asked for, so none may be chosen.
    let extended = fields().any(|(n, _)| {
        n.eq_ignore_ascii_case("Sec-WebSocket-Extensions") || n.eq_ignore_ascii_case("Sec-WebSocket-Protocol")
    });
    let upgraded = has("Upgrade", "websocket") && has("Connection", "upgrade");
    match code == 101 && upgraded && accepted && !extended {
        true => Answer::Open(end.saturating_add(4)),
        false => Answer::Refused(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection: Upgrade\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    #[test]
    fn a_request_names_host_path_and_key() {
        let (head, key) = request("media.example:8443", "/in?call=7", [0; 16]);
        let head = String::from_utf8(head).unwrap_or_default();
        assert!(head.starts_with("GET /in?call=7 HTTP/1.1\r\nHost: media.example:8443\r\n"));
        assert!(head.contains(&format!("Sec-WebSocket-Key: {key}\r\n")) && key.len() == 24);
    }

    #[test]
    fn only_the_right_answer_opens() {
        assert_eq!(read_answer(GOOD.as_bytes(), KEY), Answer::Open(GOOD.len()));
        assert_eq!(read_answer(&GOOD.as_bytes()[..40], KEY), Answer::Wait);
        assert_eq!(read_answer(GOOD.as_bytes(), "other"), Answer::Refused(101));
        for (from, to) in [
            ("101 Switching Protocols", "302 Found"),
            ("upgrade: WebSocket", "upgrade: h2c"),
            ("Connection: Upgrade", "Connection: close"),
            (
                "Connection: Upgrade",
                "Connection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate",
            ),
            ("HTTP/1.1", "HTTP/1.0"),
            (
                "Connection: Upgrade",
                "Connection: Upgrade\r\nSec-WebSocket-Accept: of another key",
            ),
        ] {
            let bad = GOOD.replace(from, to);
            assert!(
                matches!(read_answer(bad.as_bytes(), KEY), Answer::Refused(_)),
                "{to}"
            );
        }
        assert_eq!(read_answer(&[b'x'; MAX_ANSWER], KEY), Answer::Refused(0));
        let long = GOOD.replace("\r\n\r\n", &format!("\r\nX: {}\r\n\r\n", "x".repeat(MAX_ANSWER)));
        assert_eq!(read_answer(long.as_bytes(), KEY), Answer::Refused(0));
    }
}
