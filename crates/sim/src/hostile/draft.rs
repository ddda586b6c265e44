//! A message in parts, so that one of them can be spoilt while the others stay whole.

/// Start line, header lines and body. `Content-Length` is written last and right unless somebody set it.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) start: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Draft {
    pub(super) fn new(start: String) -> Draft {
        Draft {
            start,
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// Adds a header line at the end.
    pub(super) fn push(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Sets a header line, or adds it.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        match self.headers.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.push(name, value),
        }
    }

    /// Adds a body with its type.
    pub(super) fn with_body(&mut self, kind: &str, body: &str) {
        self.push("Content-Type", kind);
        body.clone_into(&mut self.body);
    }

    /// The Request-URI.
    pub(super) fn uri(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    pub(super) fn render(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.start);
        let mut told = false;
        for (name, value) in &self.headers {
            let short = name.trim();
            told |= short.eq_ignore_ascii_case("Content-Length") || short.eq_ignore_ascii_case("l");
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !told {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        text.into_bytes()
    }
}
