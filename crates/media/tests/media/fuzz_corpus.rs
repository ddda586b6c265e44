//! The committed corpora of the fuzz targets, whole and damaged, through what the targets do.

#[path = "../../../../fuzz/entries/browser.rs"]
mod browser;
#[path = "../../../../fuzz/entries/browser_dtls.rs"]
mod browser_dtls;
#[path = "../../../../fuzz/entries/octets.rs"]
mod octets;
#[path = "../../../../fuzz/entries/relay.rs"]
mod relay;
#[path = "../../../../fuzz/entries/relay_commands.rs"]
mod relay_commands;
#[path = "../../../../fuzz/entries/replay.rs"]
mod replay;
#[path = "../../../../fuzz/entries/transcode.rs"]
mod transcode;

#[test]
fn the_transcode_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("transcode", transcode::run);
}

#[test]
fn the_relay_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("relay", relay::run);
}

#[test]
fn the_browser_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("browser", browser::run);
}
