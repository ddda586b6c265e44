//! Writing the few XML documents that event packages carry. What goes into a document passes [`push`], so no text
//! of a phone or a person can become markup.

/// Appends text for element content or a quoted attribute value. What XML 1.0 cannot hold becomes a space.
pub(super) fn push(out: &mut String, text: &str) {
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
pub(super) fn element(out: &mut String, name: &str, text: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    push(out, text);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Appends ` name="text"`.
pub(super) fn attribute(out: &mut String, name: &str, text: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    push(out, text);
    out.push('"');
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
}
