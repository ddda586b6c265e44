//! Bodies of several parts (RFC 2046 §5.1): taking one out.
//!
//! Owns: finding the first part of a type. Does not own: what is in it, and multiparts within multiparts: nobody sends those.

use crate::header::{MediaType, unquote};

/// Parts that are looked at.
const MOST: usize = 16;

/// The first part of this type, such as `application/sdp`. `None` where there is none, and for what is no multipart. The last boundary
/// may be missing: a body that was cut is cut where it was.
#[must_use]
pub fn part<'a>(content_type: &str, body: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    let kind = MediaType::parse(content_type)?;
    if !kind.kind.eq_ignore_ascii_case("multipart") {
        return None;
    }
    let boundary = boundary(content_type)?;
    let mark = format!("--{boundary}");
    let mut rest = body;
    for _ in 0..MOST {
        let start = line_with(rest, mark.as_bytes())?;
        let after = rest.get(start.saturating_add(mark.len())..)?;
        if after.starts_with(b"--") {
            return None;
        }
        let whole = after.get(find(after, b"\n")?.saturating_add(1)..)?;
        let end = line_with(whole, mark.as_bytes()).unwrap_or(whole.len());
        let one = whole.get(..end)?;
        if let Some(content) = content_of(one, wanted) {
            return Some(content);
        }
        rest = whole;
    }
    None
}

/// The value of `boundary`.
fn boundary(content_type: &str) -> Option<String> {
    let mut params = content_type.split(';').skip(1);
    let value = params.find_map(|param| {
        let (name, value) = param.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim())
    })?;
    let value = unquote(value);
    (1..=70).contains(&value.len()).then(|| value.into_owned())
}

/// Where a line begins with this.
fn line_with(text: &[u8], mark: &[u8]) -> Option<usize> {
    let mut from = 0_usize;
    loop {
        let at = find(text.get(from..)?, mark)?.saturating_add(from);
        let begins = at == 0 || text.get(at.saturating_sub(1)) == Some(&b'\n');
        if begins {
            return Some(at);
        }
        from = at.saturating_add(1);
    }
}

/// The content of a part of this type, without the line end that belongs to the boundary after it.
fn content_of<'a>(part: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    let crlf = find(part, b"\r\n\r\n").map(|at| (at, 4));
    let lf = find(part, b"\n\n").map(|at| (at, 2));
    let (head, gap) = match (crlf, lf) {
        (Some(crlf), Some(lf)) => crlf.min(lf),
        (one, other) => one.or(other)?,
    };
    let lines = std::str::from_utf8(part.get(..head)?).ok()?;
    let kind = lines.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-type")
            .then_some(value.trim())
    });
    let kind = kind.and_then(MediaType::parse)?;
    let content = part.get(head.saturating_add(gap)..)?;
    let content = content
        .strip_suffix(b"\r\n")
        .or_else(|| content.strip_suffix(b"\n"))
        .unwrap_or(content);
    kind.is(wanted).then_some(content)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/mixed;boundary=\"b 1\"";
    const BODY: &str = "preamble\r\n--b 1\r\nContent-Type: application/pidf+xml\r\nContent-ID: <a@b>\r\n\r\n<a>--b 1</a>\r\n\
                        --b 1\r\ncontent-type : Application/SDP;x=y\r\n\r\nv=0\r\ns=-\r\n\r\n--b 1--\r\n";

    fn found(content_type: &str, body: &str, wanted: &str) -> Option<String> {
        part(content_type, body.as_bytes(), wanted).map(|part| String::from_utf8(part.to_vec()).unwrap())
    }

    #[test]
    fn a_part_is_found_by_its_type() {
        let sdp = "application/sdp";
        assert_eq!(found(TYPE, BODY, sdp).as_deref(), Some("v=0\r\ns=-\r\n"));
        assert_eq!(
            found(TYPE, BODY, "application/pidf+xml").as_deref(),
            Some("<a>--b 1</a>")
        );
        assert_eq!(found(TYPE, BODY, "text/plain"), None);
        let bare = BODY.replace("\r\n", "\n");
        assert_eq!(found(TYPE, &bare, sdp).as_deref(), Some("v=0\ns=-\n"));
        let cut = BODY.strip_suffix("\r\n--b 1--\r\n").unwrap();
        assert_eq!(found(TYPE, cut, sdp).as_deref(), Some("v=0\r\ns=-"));
        for bad in [
            "multipart/mixed",
            "multipart/mixed;boundary=",
            "multipart/mixed;boundary=c",
            sdp,
            "",
            "x",
        ] {
            assert_eq!(found(bad, BODY, sdp), None, "{bad}");
        }
    }

    #[test]
    fn whatever_the_body_is_nothing_panics() {
        for end in 0..BODY.len() {
            let _ = part(TYPE, BODY.as_bytes().get(..end).unwrap(), "application/sdp");
            let _ = part(TYPE, BODY.as_bytes().get(end..).unwrap(), "application/sdp");
        }
        let many = "--b 1\r\n\r\n\r\n".repeat(10_000);
        assert_eq!(found(TYPE, &many, "application/sdp"), None);
    }
}
