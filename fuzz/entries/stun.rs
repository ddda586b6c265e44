//! One datagram as STUN: read, walked and answered. Shared by the fuzz target and the tests of `rtp`.
//!
//! What must hold: nothing panics; an answer is STUN, names the source, and is no more than 24 octets longer than what
//! it answers.

use rtp::stun::connectivity::Check;
use rtp::stun::{Answer, Message, answer};
use std::net::SocketAddr;

/// One input.
pub(crate) fn run(data: &[u8]) {
    for source in ["192.0.2.7:5060", "[2001:db8::7]:40000"] {
        let source: SocketAddr = source.parse().unwrap();
        match answer(data, source) {
            Answer::Reply(reply) => {
                let message = Message::parse(&reply).unwrap();
                assert_eq!(message.xor_mapped_address(), Some(source));
                assert!(reply.len() <= data.len() + 24);
            }
            Answer::Refused(reply) => {
                let message = Message::parse(&reply).unwrap();
                assert_eq!(message.attributes().count(), 2);
                assert!(reply.len() <= data.len() + 24);
            }
            Answer::Ignore => {}
        }
    }
    if let Some(check) = Check::read(data) {
        let _ = (check.username, check.mapped, check.role);
        assert!(!check.is_authentic("a password that nobody has"));
    }
    if let Some(message) = Message::parse(data) {
        assert!(message.attributes().count() <= data.len() / 4);
        let _ = message.xor_mapped_address();
    }
}
