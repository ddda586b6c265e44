//! Which messages are kept, of which call, and for how long.

use model::{CallId, CallLeg, CdrId, FlowToken, Now, TenantId, Transport, Wall};
use sip::Message;
use std::time::Duration;
use trace::{Capture, Room};

const ACME: TenantId = TenantId(1);
const OTHER: TenantId = TenantId(2);
const KEEP: Duration = Duration::from_secs(800);

fn flow(port: u16) -> FlowToken {
    FlowToken {
        transport: Transport::Udp,
        worker: 0,
        connection: 0,
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: ([198, 51, 100, 7], port).into(),
    }
}

fn at(seconds: u64) -> Now {
    Now {
        mono: Duration::from_secs(seconds),
        wall: Wall(1_000_000 + seconds * 1_000),
    }
}

fn record(n: u8) -> CdrId {
    CdrId([n; 16])
}

fn leg(call: u64, record: CdrId, call_id: &str) -> CallLeg {
    CallLeg {
        call: CallId(call),
        record,
        call_id: call_id.into(),
    }
}

fn request(method: &str, call_id: &str) -> String {
    format!(
        "{method} sip:101@acme.example SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\r\nFrom: <sip:100@acme.example>;tag=a\r\n\
         To: <sip:101@acme.example>\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n\r\n"
    )
}

fn answer(code: u16, method: &str, call_id: &str) -> String {
    format!("SIP/2.0 {code} X\r\nCSeq: 1 {method}\r\nCall-ID: {call_id}\r\n\r\n")
}

/// A capture and the time.
struct Desk {
    capture: Capture,
    seconds: u64,
}

impl Desk {
    fn new(octets: usize) -> Desk {
        Desk {
            capture: Capture::new(Room { octets, time: KEEP }),
            seconds: 10,
        }
    }

    fn comes(&mut self, tenant: TenantId, text: &str) -> bool {
        let message = Message::parse(text.as_bytes()).unwrap();
        let kept = self
            .capture
            .received(tenant, &flow(5_062), &message, at(self.seconds));
        kept.is_some()
    }

    fn leaves(&mut self, tenant: TenantId, text: &str) -> bool {
        let now = at(self.seconds);
        self.capture
            .sent(tenant, &flow(5_063), text.as_bytes(), now)
            .is_some()
    }

    fn leg(&mut self, call: u64, record: CdrId, call_id: &str) {
        self.capture
            .leg(ACME, &leg(call, record, call_id), at(self.seconds));
    }

    /// A call with two legs that has rung.
    fn call(&mut self, n: u8) {
        let (a, b) = (format!("a{n}"), format!("b{n}"));
        assert!(self.comes(ACME, &request("INVITE", &a)));
        self.leg(u64::from(n), record(n), &a);
        self.leg(u64::from(n), record(n), &b);
        assert!(self.leaves(ACME, &request("INVITE", &b)));
        assert!(self.comes(ACME, &answer(180, "INVITE", &b)));
        assert!(self.leaves(ACME, &answer(180, "INVITE", &a)));
    }

    fn said(&self, tenant: TenantId, name: &str) -> Vec<String> {
        let trace = self.capture.trace(tenant, name);
        let messages = trace.into_iter().flat_map(|trace| trace.messages);
        messages
            .map(|message| {
                let text = String::from_utf8(message.octets).unwrap();
                let word = text.split(' ').next().unwrap().to_owned();
                let arrow = if message.sent { "<" } else { ">" };
                format!("{}{arrow}{word}", message.leg)
            })
            .collect()
    }
}

#[test]
fn the_legs_of_a_call_are_shown_together_by_each_of_its_names() {
    let mut desk = Desk::new(1 << 20);
    // What was said before it was a call belongs to it, too.
    assert!(desk.comes(ACME, &request("INVITE", "a7")));
    assert!(desk.leaves(ACME, &answer(407, "INVITE", "a7")));
    assert!(desk.comes(ACME, &request("ACK", "a7")));
    desk.call(7);
    desk.call(8);
    let all = [
        "0>INVITE",
        "0<SIP/2.0",
        "0>ACK",
        "0>INVITE",
        "1<INVITE",
        "1>SIP/2.0",
        "0<SIP/2.0",
    ];
    for name in ["7", &record(7).to_string(), "a7", "b7"] {
        assert_eq!(desk.said(ACME, name), all, "{name}");
    }
    let trace = desk.capture.trace(ACME, "7").unwrap();
    assert_eq!((trace.call, trace.record), (Some(CallId(7)), Some(record(7))));
    assert_eq!(trace.call_ids, ["a7", "b7"]);
    let list = desk.capture.list(ACME);
    let shown: Vec<_> = list
        .iter()
        .map(|s| (s.call, s.messages, s.live, s.from.as_str(), s.to.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (Some(CallId(7)), 7, true, "100", "101"),
            (Some(CallId(8)), 4, true, "100", "101")
        ]
    );
}

#[test]
fn what_is_no_call_is_not_kept_and_a_refused_one_is_found_by_its_call_id() {
    let mut desk = Desk::new(1 << 20);
    for method in ["REGISTER", "OPTIONS", "SUBSCRIBE", "BYE", "ACK"] {
        assert!(!desk.comes(ACME, &request(method, "x")), "{method}");
    }
    assert!(!desk.leaves(ACME, &answer(200, "REGISTER", "x")));
    assert!(desk.comes(ACME, &request("INVITE", "lost")));
    assert!(desk.leaves(ACME, &answer(404, "INVITE", "lost")));
    assert!(!desk.comes(ACME, &request("REGISTER", "x")));
    assert_eq!(desk.said(ACME, "lost"), ["0>INVITE", "0<SIP/2.0"]);
    assert_eq!(desk.capture.list(ACME)[0].call, None);
    assert_eq!(desk.said(ACME, "x"), [""; 0]);
}

#[test]
fn tenants_with_the_same_call_id_see_nothing_of_each_other() {
    let mut desk = Desk::new(1 << 20);
    desk.call(1);
    assert!(desk.comes(OTHER, &request("INVITE", "a1")));
    assert_eq!(desk.said(OTHER, "a1"), ["0>INVITE"]);
    assert_eq!(desk.said(OTHER, "1"), [""; 0]);
    assert_eq!(desk.said(OTHER, "b1"), [""; 0]);
    assert_eq!(desk.said(ACME, "1").len(), 4);
}

#[test]
fn room_is_never_exceeded_and_the_oldest_goes_first() {
    let room = 100_000;
    let mut desk = Desk::new(room);
    for n in 0..200 {
        desk.call(n);
        desk.capture.ended(ACME, record(n));
        assert!(desk.capture.octets() <= room);
    }
    assert_eq!(desk.said(ACME, "0"), [""; 0]);
    assert_eq!(desk.said(ACME, "199").len(), 4);
    let left: u64 = desk.capture.list(ACME).iter().map(|s| s.messages as u64).sum();
    assert_eq!(desk.capture.dropped() + left, 200 * 4);
    let (dialogs, calls) = desk.capture.held();
    assert!(dialogs < 200 && calls < 100, "{dialogs} {calls}");
    // A message that takes half of the room would push out what it is to be read with.
    let large = format!("{}{}", request("INVITE", "a199"), "x".repeat(room / 2));
    assert!(!desk.comes(ACME, &large));
}

#[test]
fn an_ended_call_stays_for_its_time_and_leaves_nothing() {
    let mut desk = Desk::new(1 << 20);
    desk.call(1);
    desk.capture.ended(ACME, record(1));
    let due = desk.capture.poll_timeout().unwrap();
    assert_eq!(due, at(desk.seconds).mono + KEEP);
    desk.capture.handle_timeout(due - Duration::from_secs(1));
    assert_eq!(desk.said(ACME, "1").len(), 4);
    desk.capture.handle_timeout(due);
    assert_eq!(desk.said(ACME, "1"), [""; 0]);
    assert_eq!((desk.capture.held(), desk.capture.octets()), ((0, 0), 0));
    assert_eq!((desk.capture.dropped(), desk.capture.poll_timeout()), (0, None));
}

#[test]
fn the_end_of_a_long_call_is_kept_although_its_beginning_is_not() {
    let mut desk = Desk::new(1 << 20);
    desk.call(1);
    desk.seconds += 10_000;
    desk.capture.handle_timeout(at(desk.seconds).mono);
    assert_eq!(desk.said(ACME, "1"), [""; 0]);
    assert!(desk.comes(ACME, &request("BYE", "a1")));
    assert!(desk.leaves(ACME, &request("BYE", "b1")));
    desk.capture.ended(ACME, record(1));
    assert!(desk.leaves(ACME, &answer(200, "BYE", "a1")));
    assert_eq!(desk.said(ACME, "1"), ["0>BYE", "1<BYE", "0<SIP/2.0"]);
    desk.seconds += 10_000;
    desk.capture.handle_timeout(at(desk.seconds).mono);
    assert_eq!(desk.capture.held(), (0, 0));
    assert!(!desk.comes(ACME, &request("BYE", "a1")));
}

#[test]
fn a_leg_that_moves_is_shown_in_both_calls() {
    let mut desk = Desk::new(1 << 20);
    desk.call(1);
    desk.leg(2, record(2), "a1");
    desk.capture.ended(ACME, record(1));
    assert!(desk.comes(ACME, &request("BYE", "a1")));
    assert_eq!(desk.said(ACME, "1").len(), 5);
    assert_eq!(desk.said(ACME, "2"), ["0>INVITE", "0<SIP/2.0", "0>BYE"]);
    assert_eq!(desk.said(ACME, "a1"), desk.said(ACME, "2"));
}

#[test]
fn calls_that_a_tenant_lost_do_not_stay() {
    let mut desk = Desk::new(1 << 20);
    desk.call(1);
    desk.capture.lost(ACME);
    desk.seconds += 10_000;
    desk.capture.handle_timeout(at(desk.seconds).mono);
    assert_eq!(desk.capture.held(), (0, 0));
}

#[test]
fn without_room_nothing_is_kept() {
    let mut desk = Desk::new(0);
    assert!(!desk.comes(ACME, &request("INVITE", "a")));
    desk.leg(1, record(1), "a");
    assert_eq!(desk.capture.held(), (0, 0));
    assert!(!desk.capture.is_on());
}
