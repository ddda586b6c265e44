//! The committed corpora of the fuzz targets, whole and damaged, through what the targets do.

#[path = "../../../../fuzz/entries/event.rs"]
mod event;
#[path = "../../../../fuzz/entries/jitter.rs"]
mod jitter;
#[path = "../../../../fuzz/entries/replay.rs"]
mod replay;
#[path = "../../../../fuzz/entries/rtcp.rs"]
mod rtcp;
#[path = "../../../../fuzz/entries/rtp.rs"]
mod rtp;
#[path = "../../../../fuzz/entries/srtp.rs"]
mod srtp;
#[path = "../../../../fuzz/entries/stun.rs"]
mod stun;

#[test]
fn the_rtp_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("rtp", rtp::run);
}

#[test]
fn the_rtcp_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("rtcp", rtcp::run);
}

#[test]
fn the_srtp_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("srtp", srtp::run);
}

#[test]
fn the_stun_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("stun", stun::run);
}

#[test]
fn the_jitter_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("jitter", jitter::run);
}

#[test]
fn the_event_corpus_and_its_damaged_copies_break_nothing() {
    replay::replay("event", event::run);
}
