//! The committed corpus of the fuzz target, whole and damaged, through what the target does.

#[path = "../../../../fuzz/entries/replay.rs"]
mod replay;
#[path = "../../../../fuzz/entries/transcode.rs"]
mod transcode;

#[test]
fn the_transcode_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("transcode", transcode::run);
}
