//! The committed corpora of the fuzz targets, whole and damaged, through what the targets do.

#[cfg(feature = "opus")]
#[path = "../../../../fuzz/entries/celt.rs"]
mod celt;
#[path = "../../../../fuzz/entries/detect.rs"]
mod detect;
#[path = "../../../../fuzz/entries/g722.rs"]
mod g722;
#[path = "../../../../fuzz/entries/ogg.rs"]
mod ogg;
#[cfg(feature = "opus")]
#[path = "../../../../fuzz/entries/opus.rs"]
mod opus;
#[path = "../../../../fuzz/entries/replay.rs"]
mod replay;
#[cfg(feature = "opus")]
#[path = "../../../../fuzz/entries/sound.rs"]
mod sound;
#[path = "../../../../fuzz/entries/wav.rs"]
mod wav;

#[test]
fn the_wav_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("wav", wav::run);
}

#[test]
fn the_g722_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("g722", g722::run);
}

#[test]
fn the_ogg_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("ogg", ogg::run);
}

#[cfg(feature = "opus")]
#[test]
fn the_celt_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("celt", celt::run);
}

#[test]
fn the_detect_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("detect", detect::run);
}

#[cfg(feature = "opus")]
#[test]
fn the_sound_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("sound", sound::run);
}

#[cfg(feature = "opus")]
#[test]
fn the_opus_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("opus", opus::run);
}
