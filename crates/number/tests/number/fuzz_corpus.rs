//! The committed corpora of the fuzz targets, whole and damaged, through what the targets do.

#[path = "../../../../fuzz/entries/number.rs"]
mod number_entry;
#[path = "../../../../fuzz/entries/replay.rs"]
mod replay;

#[test]
fn the_number_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("number", number_entry::run);
}
