//! The committed corpus of the fuzz target, whole and damaged, through what the target does.

#[path = "../../../../fuzz/entries/identity.rs"]
mod identity_entry;
#[path = "../../../../fuzz/entries/replay.rs"]
mod replay;

#[test]
fn the_identity_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("identity", identity_entry::run);
}
