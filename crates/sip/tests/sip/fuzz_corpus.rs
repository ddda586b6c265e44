//! The committed corpora of the fuzz targets, whole and damaged, through what the targets do.

#[path = "../../../../fuzz/entries/client.rs"]
mod client;
#[path = "../../../../fuzz/entries/message.rs"]
mod message;
#[path = "../../../../fuzz/entries/replay.rs"]
mod replay;
#[path = "../../../../fuzz/entries/stream.rs"]
mod stream;
#[path = "../../../../fuzz/entries/websocket.rs"]
mod websocket;

#[test]
fn the_message_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("message", message::run);
}

#[test]
fn the_stream_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("stream", stream::run);
}

#[test]
fn the_websocket_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("websocket", websocket::run);
}

#[test]
fn the_client_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("client", client::run);
}
