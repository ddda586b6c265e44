//! The committed corpora of the fuzz targets, whole and damaged, through what the targets do.

#[path = "../../../../fuzz/entries/link.rs"]
mod link;
#[path = "../../../../fuzz/entries/octets.rs"]
mod octets;
#[path = "../../../../fuzz/entries/replay.rs"]
mod replay;

#[test]
fn the_link_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("link", link::run);
}
