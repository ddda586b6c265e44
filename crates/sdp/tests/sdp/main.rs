//! Descriptions as phones send them, and what the other leg is told.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod answers;
mod beside;
mod crypto;
mod fuzz_corpus;
mod ipv6;
mod mutation;
mod offers;
mod reading;
mod spoken;
mod web;

use expect_test::Expect;
use sdp::{Anchor, Description, Refusal};

/// A description with the usual head; `below` has one line per element, `|` separated for brevity.
pub(crate) fn body(address: &str, below: &str) -> String {
    let lines = below.replace('|', "\r\n");
    format!("v=0\r\no=phone 1 1 IN IP4 192.0.2.9\r\ns=call\r\nc=IN IP4 {address}\r\nt=0 0\r\n{lines}\r\n")
}

pub(crate) fn read(text: &str) -> Description {
    Description::parse(text.as_bytes()).unwrap()
}

pub(crate) fn phone(below: &str) -> Description {
    read(&body("192.0.2.9", below))
}

pub(crate) fn anchor() -> Option<Anchor> {
    Some(Anchor::plain("198.51.100.1:40000".parse().unwrap()))
}

/// Compares the text (or the refusal) with line feeds only; that each line ends in CRLF is checked here.
pub(crate) fn check(result: Result<String, Refusal>, expected: &Expect) {
    let shown = match result {
        Ok(text) => {
            assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
            assert_eq!(text.matches('\r').count(), text.matches("\r\n").count());
            read(&text);
            text.replace("\r\n", "\n")
        }
        Err(refusal) => format!("{refusal:?}: {refusal}\n"),
    };
    expected.assert_eq(&shown);
}
