//! The text that Prometheus reads (exposition format 0.0.4): families of samples, each with its help and type.
//!
//! Owns: how names, labels and values are written. Does not own: which there are.

use std::fmt::{Display, Write};

/// What is said of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only rises, but for a restart.
    Counter,
    /// It rises and falls.
    Gauge,
}

/// A page in the making.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
}

impl Page {
    /// Begins a family; its samples follow.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A sample of the family that was begun last.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(name);
        for (index, (label, is)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{label}=\"");
            is.chars().for_each(|c| self.push_in_quotes(c));
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// A family with a single sample.
    pub(super) fn single(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    fn push_in_quotes(&mut self, c: char) {
        match c {
            '\\' => self.text.push_str("\\\\"),
            '"' => self.text.push_str("\\\""),
            '\n' => self.text.push_str("\\n"),
            other => self.text.push(other),
        }
    }

    /// All of it.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_name_may_hold_does_not_break_its_line() {
        let mut page = Page::default();
        page.family("up", Kind::Gauge, "one\ntwo \\ three");
        page.sample("up", &[("tenant", "a\"b\\c\nd"), ("trunk", "é")], 1);
        page.single("all_total", Kind::Counter, "All.", 2.5);
        assert_eq!(
            page.finish(),
            "# HELP up one\\ntwo \\\\ three\n# TYPE up gauge\nup{tenant=\"a\\\"b\\\\c\\nd\",trunk=\"é\"} 1\n\
             # HELP all_total All.\n# TYPE all_total counter\nall_total 2.5\n"
        );
    }
}
