//! Who a source is and who leaves: SDES and BYE (RFC 3550 §6.5, §6.6).
//!
//! Everything read is the sender's claim, and its text may hold anything.

/// The chunks of an SDES packet; they end at the first that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunks<'a>(&'a [u8]);

/// What is said about one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The source.
    pub ssrc: u32,
    /// What is said about it.
    pub items: Items<'a>,
}

/// The items of one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Items<'a>(&'a [u8]);

/// One item (§6.5.1 to §6.5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// 1 is CNAME, 2 NAME, 6 TOOL.
    pub kind: u8,
    /// As it came; should be UTF-8.
    pub text: &'a [u8],
}

/// Reads the body of an SDES packet.
#[must_use]
pub fn chunks(body: &[u8]) -> Chunks<'_> {
    Chunks(body)
}

/// The sources that a BYE packet says leave, where its body is that of [`super::Packet::Goodbye`].
pub fn leaving(sources: u8, body: &[u8]) -> impl Iterator<Item = u32> {
    let (words, _) = body.as_chunks::<4>();
    let words = words.iter().take(usize::from(sources));
    words.map(|word| u32::from_be_bytes(*word))
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let whole = self.0;
        let (ssrc, rest) = whole.split_first_chunk::<4>()?;
        let mut items = Items(rest);
        while items.next().is_some() {}
        // At least one zero ends the items, and more fill the word up.
        let octets = rest.len().saturating_sub(items.0.len());
        let end = octets.saturating_add(1).next_multiple_of(4);
        let ends = items.0.first() == Some(&0);
        self.0 = rest.get(end..).filter(|_| ends).unwrap_or_default();
        ends.then_some(Chunk {
            ssrc: u32::from_be_bytes(*ssrc),
            items: Items(rest.get(..octets).unwrap_or_default()),
        })
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let ([kind, length], rest) = self.0.split_first_chunk::<2>()?;
        let (text, rest) = rest.split_at_checked(usize::from(*length))?;
        if *kind == 0 {
            return None;
        }
        self.0 = rest;
        Some(Item { kind: *kind, text })
    }
}
