//! The little of a message that says whose it is, read without parsing it: this is done to each that leaves.

/// Octets that are looked at: our own messages have the Call-ID well before.
const FAR: usize = 4_096;

/// The value of Call-ID, or of its short form `i`, in a message of ours or one that was admitted.
pub(crate) fn call_id(message: &[u8]) -> Option<&[u8]> {
    let head = message.get(..message.len().min(FAR)).unwrap_or_default();
    let mut at = memchr::memchr(b'\n', head)?.checked_add(1)?;
    loop {
        let rest = head.get(at..)?;
        let end = memchr::memchr(b'\n', rest)?;
        let line = rest.get(..end)?;
        if let Some(value) = value(line) {
            return Some(value);
        }
        if line.is_empty() || line == b"\r" {
            return None;
        }
        at = at.checked_add(end)?.checked_add(1)?;
    }
}

fn value(line: &[u8]) -> Option<&[u8]> {
    let is_short = matches!(line.first(), Some(b'i' | b'I'));
    let is_long = matches!(line.first(), Some(b'c' | b'C'));
    if !is_short && !is_long {
        return None;
    }
    let colon = memchr::memchr(b':', line)?;
    let name = line.get(..colon)?.trim_ascii_end();
    let fits = name.eq_ignore_ascii_case(b"call-id") || name.eq_ignore_ascii_case(b"i");
    let value = line.get(colon.checked_add(1)?..)?.trim_ascii();
    (fits && !value.is_empty()).then_some(value)
}

/// True for what may begin a call.
pub(crate) fn is_invite(message: &[u8]) -> bool {
    message.starts_with(b"INVITE ")
}

#[cfg(test)]
mod tests {
    use super::call_id;

    #[test]
    fn the_call_id_is_found_in_each_form_and_nowhere_else() {
        let text = "INVITE sip:a SIP/2.0\r\nContact: <sip:x>\r\nCall-ID: a@b \r\n\r\ni: body\r\n";
        assert_eq!(call_id(text.as_bytes()), Some(&b"a@b"[..]));
        assert_eq!(
            call_id(b"SIP/2.0 200 OK\r\nI : short\r\n\r\n"),
            Some(&b"short"[..])
        );
        assert_eq!(call_id(b"SIP/2.0 200 OK\ncALL-id:x\n\n"), Some(&b"x"[..]));
        for none in [
            "",
            "INVITE",
            "INVITE x\r\nCall-ID:\r\n\r\n",
            "INVITE x\r\n\r\nCall-ID: a\r\n",
            "A\r\nCall-ID: a",
        ] {
            assert_eq!(call_id(none.as_bytes()), None, "{none:?}");
        }
    }
}
