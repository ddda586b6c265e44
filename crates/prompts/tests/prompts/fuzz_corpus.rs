//! The committed corpora of the fuzz targets, whole and damaged, through what the targets do.

#[path = "../../../../fuzz/entries/replay.rs"]
mod replay;
#[path = "../../../../fuzz/entries/say.rs"]
mod say;

#[test]
fn the_say_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("say", say::run);
}
