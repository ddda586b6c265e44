//! What the border asks of each message: of a sender that has shown a good password, of one that nobody knows, of one that is banned.

use super::Operation;
use border::{Guard, Lists, Report, Rules};
use model::{FlowToken, Transport};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Senders that take turns.
const SENDERS: u32 = 10_000;
/// Places of the table in front of them; as many as a node has for each of its sixteen parts.
const SETS: usize = 4_096;
/// Between two messages: each sender's next comes after five seconds.
const GAP: Duration = Duration::from_micros(500);

const REGISTER: &[u8] = b"REGISTER sip:acme.example SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK776asdhds;rport\r\n\
Max-Forwards: 70\r\nFrom: <sip:101@acme.example>;tag=1928301774\r\nTo: <sip:101@acme.example>\r\n\
Call-ID: a84b4c76e66710@198.51.100.7\r\nCSeq: 314159 REGISTER\r\nContact: <sip:101@198.51.100.7:5060>\r\n\
User-Agent: Phone/1.0\r\nExpires: 600\r\nContent-Length: 0\r\n\r\n";

fn flow(sender: u32) -> FlowToken {
    let ip = Ipv4Addr::from(0xC633_0000_u32.wrapping_add(sender));
    FlowToken {
        transport: Transport::Udp,
        worker: 0,
        connection: 0,
        local: SocketAddr::from(([192, 0, 2, 1], 5060)),
        remote: SocketAddr::new(IpAddr::V4(ip), 5060),
    }
}

fn guard() -> Guard {
    Guard::new(
        Arc::new(Rules::default()),
        Arc::new(Lists::default()),
        [1, 2],
        SETS,
    )
}

fn judged(mut guard: Guard, senders: u32) -> Option<Operation> {
    let (mut turn, mut now) = (0, Duration::from_secs(60));
    Some(Box::new(move || {
        turn = (turn + 1) % senders;
        now += GAP;
        black_box(guard.message(&flow(turn), black_box(REGISTER), now));
    }))
}

/// A message of a phone that has shown its password lately: what the border costs those that it is for.
pub(super) fn known() -> Option<Operation> {
    let mut guard = guard();
    for sender in 0..SENDERS {
        guard.report(
            &flow(sender),
            Report::Granted(u64::from(sender)),
            Duration::from_secs(50),
        );
    }
    judged(guard, SENDERS)
}

/// A message of somebody new.
pub(super) fn stranger() -> Option<Operation> {
    judged(guard(), u32::MAX)
}

/// A message of somebody who is banned.
pub(super) fn banned() -> Option<Operation> {
    let mut guard = guard();
    for sender in 0..100 {
        guard.ban(flow(sender).remote.ip(), 86_400, Duration::from_secs(50));
    }
    judged(guard, 100)
}
