//! The committed corpora of the fuzz targets, whole and damaged, through what the targets do.

#[path = "../../../../fuzz/entries/replay.rs"]
mod replay;
#[path = "../../../../fuzz/entries/sdp.rs"]
mod sdp;

#[test]
fn the_sdp_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("sdp", sdp::run);
}
