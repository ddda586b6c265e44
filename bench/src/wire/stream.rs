//! Cuts a byte stream into SIP messages by Content-Length (RFC 3261 §18.3).
//!
//! Owns: the bytes of a message that has not arrived whole. Written apart from the `sip` crate on purpose: a
//! framing mistake of the server must not be repeated by what measures it.

use crate::load::text::Text;

/// Bytes that no message was cut from yet.
#[derive(Default)]
pub(super) struct Cutter {
    held: Vec<u8>,
}

impl Cutter {
    /// More bytes from the peer.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// Gives every whole message to `deliver`; keep-alive line ends between messages are skipped.
    pub(super) fn cut(&mut self, mut deliver: impl FnMut(&[u8])) {
        let mut at = 0;
        loop {
            let rest = self.held.get(at..).unwrap_or_default();
            let blank = rest.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
            let rest = rest.get(blank..).unwrap_or_default();
            let Some(length) = whole(rest) else { break };
            deliver(rest.get(..length).unwrap_or_default());
            at += blank + length;
        }
        self.held.drain(..at);
    }
}

/// Octets of the first message, once all of it is there.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = Text::new(bytes.get(..head)?)?;
    let body: usize = text
        .header("Content-Length")
        .and_then(|v| v.parse().ok())
        .unwrap_or(0);
    (bytes.len() >= head + body).then_some(head + body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_octet_by_octet_and_in_one_piece() {
        let stream =
            b"\r\n\r\nSIP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabcSIP/2.0 180 Ringing\r\nl: 0\r\n\r\n";
        for step in [1, 7, stream.len()] {
            let mut cutter = Cutter::default();
            let mut seen = Vec::new();
            for piece in stream.chunks(step) {
                cutter.push(piece);
                cutter.cut(|m| seen.push(String::from_utf8_lossy(m).into_owned()));
            }
            assert_eq!(seen.len(), 2);
            assert!(seen[0].ends_with("abc") && seen[1].starts_with("SIP/2.0 180"));
        }
    }
}
