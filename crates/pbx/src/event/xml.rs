//! XML of event packages: writing the few documents that they carry, and reading those of phones.
//!
//! What goes into a document passes [`push`], so no text of a phone or a person can become markup. The reader knows no
//! more of XML than it takes to find elements and their text: no document type, so no entity but the five of XML itself,
//! nothing outside of the document, no recursion, one pass.

/// Appends text for element content or a quoted attribute value. What XML 1.0 cannot hold becomes a space.
pub(crate) fn push(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
}

/// Appends `<name>text</name>`.
pub(crate) fn element(out: &mut String, name: &str, text: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    push(out, text);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Appends ` name="text"`.
pub(crate) fn attribute(out: &mut String, name: &str, text: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    push(out, text);
    out.push('"');
}

/// The tags of a document, one after the other.
pub(super) struct Tags<'a> {
    rest: &'a str,
    inside: &'a str,
}

/// One tag, and the text before it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// The element whose text ends here; empty where another tag came between.
    pub(super) inside: &'a str,
    /// Its text up to here, entities as they stand.
    pub(super) text: &'a str,
    /// The name without its prefix.
    pub(super) name: &'a str,
    pub(super) closes: bool,
    /// `<name/>`
    pub(super) empty: bool,
}

impl<'a> Tags<'a> {
    /// Those of a body; `None` when it is no text.
    pub(super) fn of(body: &'a [u8]) -> Option<Tags<'a>> {
        let rest = std::str::from_utf8(body).ok()?;
        Some(Tags { rest, inside: "" })
    }

    /// The next one, nothing at the end, and an error for what is not read: a tag that does not end, a document type
    /// (it could define entities), CDATA, a comment.
    pub(super) fn next(&mut self) -> Result<Option<Tag<'a>>, NotRead> {
        let Some((text, tag_on)) = self.rest.split_once('<') else {
            return Ok(None);
        };
        let (tag, rest) = tag_on.split_once('>').ok_or(NotRead)?;
        if tag.starts_with('!') {
            return Err(NotRead);
        }
        self.rest = rest;
        let (closes, empty) = (tag.starts_with('/'), tag.ends_with('/'));
        let name = local_name(tag);
        let inside = std::mem::replace(&mut self.inside, if closes || empty { "" } else { name });
        Ok(Some(Tag {
            inside,
            text,
            name,
            closes,
            empty,
        }))
    }
}

/// It is not a document that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotRead;

/// `name` of `<ns:name attributes>`, `</ns:name>` and `<ns:name/>`.
fn local_name(tag: &str) -> &str {
    let word = tag.trim_start_matches('/');
    let word = word.split([' ', '\t', '\r', '\n', '/']).next().unwrap_or("");
    word.rsplit(':').next().unwrap_or("")
}

/// Text with its entities resolved; `None` for one with an entity that XML does not define.
pub(super) fn resolve(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (entity, after) = after.split_once(';')?;
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return None,
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_markup() {
        let mut out = String::new();
        attribute(&mut out, "a", "\"><x y='1'>&amp;");
        element(&mut out, "b", "</b>\u{0}\r\n\u{1}é");
        assert_eq!(
            out,
            " a=\"&quot;&gt;&lt;x y=&apos;1&apos;&gt;&amp;amp;\"<b>&lt;/b&gt;    é</b>"
        );
    }

    #[test]
    fn a_document_is_its_tags() {
        let mut tags = Tags::of(b"<?xml version='1.0'?>\n<n:a x='1'>one<b/>two</n:a>").unwrap();
        let mut seen = Vec::new();
        while let Ok(Some(tag)) = tags.next() {
            seen.push((tag.inside, tag.text, tag.name, tag.closes, tag.empty));
        }
        assert_eq!(
            seen,
            [
                ("", "", "?xml", false, false),
                ("?xml", "\n", "a", false, false),
                ("a", "one", "b", false, true),
                ("", "two", "a", true, false),
            ]
        );
        for bad in ["<", "<a", "<!DOCTYPE a>", "<![CDATA[x]]>", "<!-- x -->"] {
            let mut tags = Tags::of(bad.as_bytes()).unwrap();
            assert_eq!(tags.next(), Err(NotRead), "{bad}");
        }
        assert!(Tags::of(&[0xff]).is_none());
    }
}
