//! Which message belongs to which transaction: RFC 3261 §17.1.3, §17.2.3, §8.2.2.2, RFC 2543 §4.

use super::*;
use sip::transaction::Full;

const BRANCH: &str = "z9hG4bKmatch";

fn incoming(world: &mut World, text: &str) -> Incoming<u32> {
    world.receive(text.as_bytes())
}

#[test]
fn branch_sent_by_and_method_tell_requests_apart() {
    let mut world = World::new();
    let invite = message("INVITE", BRANCH);
    world.accept(invite.as_bytes(), UDP);
    let other_port = invite.replace("192.0.2.1:5060", "192.0.2.1:5062");
    let other_host = invite.replace("192.0.2.1:5060", "192.0.2.2:5060");
    let no_port = invite.replace("192.0.2.1:5060", "192.0.2.1");
    let other_method = invite.replace("INVITE", "OPTIONS");
    let other_branch = invite.replace(BRANCH, "z9hG4bKmatch2");
    for new in [other_port, other_host, no_port, other_method, other_branch] {
        assert_eq!(incoming(&mut world, &new), Incoming::New, "{new}");
    }
    assert_eq!(
        incoming(
            &mut world,
            &invite.replace("Max-Forwards: 70", "Max-Forwards: 69")
        ),
        Incoming::Retransmission
    );
}

#[test]
fn without_a_usable_branch_the_rules_of_rfc_2543_apply() {
    for branch in ["", ";branch=", ";branch=1", ";branch=z9hG4bK", ";branch=Z9HG4BK"] {
        let of = |method| message(method, BRANCH).replace(&format!(";branch={BRANCH}"), branch);
        let mut world = World::new();
        let invite = of("INVITE");
        let first = world.accept(invite.as_bytes(), UDP);
        assert_eq!(
            incoming(&mut world, &invite),
            Incoming::Retransmission,
            "{branch}"
        );
        for (from, to) in [
            ("Call-ID: a", "Call-ID: b"),
            ("tag=alice", "tag=other"),
            ("CSeq: 314159", "CSeq: 314160"),
            ("sip:bob@example.com SIP", "sip:carol@example.com SIP"),
            ("192.0.2.1:5060", "192.0.2.1:5062"),
        ] {
            assert_eq!(
                incoming(&mut world, &invite.replace(from, to)),
                Incoming::New,
                "{branch} {to}"
            );
        }
        let cancel = of("CANCEL");
        let found = world
            .table
            .find_invite_for_cancel(&Message::parse(cancel.as_bytes()).unwrap());
        assert_eq!(found, Some((first, 7)));
        world.respond(first, 486);
        let ack = of("ACK").replace("To: <sip:bob@example.com>", "To: <sip:bob@example.com>;tag=ours");
        assert_eq!(incoming(&mut world, &ack), Incoming::Ack(7), "{branch}");
    }
}

#[test]
fn a_request_that_came_by_another_path_is_merged_unless_it_is_in_a_dialog() {
    let mut world = World::new();
    world.accept(message("INVITE", BRANCH).as_bytes(), UDP);
    let merged = |text: &str| world.table.is_merged(&Message::parse(text.as_bytes()).unwrap());
    assert!(merged(&message("INVITE", "z9hG4bKother")));
    assert!(!merged(
        &message("INVITE", "z9hG4bKother").replace("CSeq: 314159", "CSeq: 314160")
    ));
    assert!(!merged(&message("OPTIONS", "z9hG4bKother")));
    assert!(!merged(&tagged("INVITE", "z9hG4bKother", ";tag=bob")));
}

#[test]
fn responses_are_told_apart_by_branch_and_method() {
    let mut world = World::new();
    let id = world.request(&message("INVITE", BRANCH), UDP);
    assert_eq!(
        world.response(&answer(200, "INVITE", "z9hG4bKnobody", "bob")),
        Delivery::Stray
    );
    assert_eq!(
        world.response(&answer(200, "CANCEL", BRANCH, "bob")),
        Delivery::Stray
    );
    assert_eq!(
        world.response(&answer(180, "INVITE", BRANCH, "bob")),
        Delivery::Deliver(id, 7)
    );
    let no_via = answer(180, "INVITE", BRANCH, "bob").replace("Via", "X");
    assert_eq!(world.response(&no_via), Delivery::Stray);
}

#[test]
fn an_ack_or_cancel_of_nothing_is_new() {
    let mut world = World::new();
    assert_eq!(incoming(&mut world, &message("ACK", BRANCH)), Incoming::New);
    assert_eq!(incoming(&mut world, &message("CANCEL", BRANCH)), Incoming::New);
    let cancel = message("CANCEL", BRANCH);
    assert_eq!(
        world
            .table
            .find_invite_for_cancel(&Message::parse(cancel.as_bytes()).unwrap()),
        None
    );
}

#[test]
fn a_full_table_takes_no_new_request_and_still_serves_the_old() {
    let mut world = World::new();
    world.table = Transactions::new(2);
    let first = message("INVITE", "z9hG4bKone");
    let id = world.accept(first.as_bytes(), UDP);
    world.request(&message("INVITE", "z9hG4bKours"), UDP);
    let more = message("INVITE", "z9hG4bKtwo");
    assert_eq!(incoming(&mut world, &more), Incoming::Full);
    let parsed = Message::parse(more.as_bytes()).unwrap();
    assert_eq!(world.table.accept(&parsed, "phone", UDP, 1, world.now), Err(Full));
    let bye = Bytes::from(message("BYE", "z9hG4bKbye"));
    assert_eq!(
        world
            .table
            .request(sip::Method::Bye, "z9hG4bKbye", bye, "phone", UDP, 1, world.now),
        Err(Full)
    );
    assert_eq!(incoming(&mut world, &first), Incoming::Retransmission);
    assert_eq!(
        incoming(&mut world, &message("ACK", "z9hG4bKnone")),
        Incoming::New
    );
    world.respond(id, 486);
    assert_eq!(
        incoming(&mut world, &message("ACK", "z9hG4bKone")),
        Incoming::Ack(7)
    );
    world.run_out();
    assert_eq!(incoming(&mut world, &more), Incoming::New);
}

#[test]
fn a_key_that_is_used_again_belongs_to_the_later_transaction() {
    let mut world = World::new();
    let text = message("INVITE", BRANCH);
    let parsed = Message::parse(text.as_bytes()).unwrap();
    let first = world.table.accept(&parsed, "phone", UDP, 1, world.now).unwrap();
    let second = world.table.accept(&parsed, "phone", UDP, 2, world.now).unwrap();
    world.table.abandon(first);
    assert_eq!(world.table.find_invite_for_cancel(&parsed), Some((second, 2)));
    assert_eq!(incoming(&mut world, &text), Incoming::Retransmission);
    world.table.abandon(second);
    assert_eq!(incoming(&mut world, &text), Incoming::New);
    assert!(!world.table.is_merged(&parsed));
}

#[test]
fn the_spelling_of_a_via_does_not_matter() {
    for sent_by in [
        "192.0.2.1:5060",
        "192.0.2.1",
        "[2001:db8::1]:5060",
        "[2001:db8::1]",
        "host.example.com",
    ] {
        let plain = format!("Via: SIP/2.0/UDP {sent_by};branch={BRANCH}\r\n");
        let of = |via: &str| {
            message("INVITE", "z9hG4bK0").replace("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK0\r\n", via)
        };
        let mut world = World::new();
        world.accept(of(&plain).as_bytes(), UDP);
        let spelt = sent_by.replace(":5060", " : 05060");
        for via in [
            format!("v: SIP/2.0/UDP {sent_by};rport;x;branch={BRANCH};received=192.0.2.7\r\n"),
            format!("Via:  SIP / 2.0 / UDP\r\n  {spelt} ;\r\n branch = {BRANCH}\r\n"),
            format!("Via: SIP/2.0/UDP {sent_by};x=\"a,b\";Branch={BRANCH} , SIP/2.0/TCP 192.0.2.9\r\n"),
        ] {
            assert_eq!(incoming(&mut world, &of(&via)), Incoming::Retransmission, "{via}");
        }
    }
}

#[test]
fn the_spelling_of_tags_does_not_matter_to_merging() {
    let mut world = World::new();
    world.accept(message("INVITE", BRANCH).as_bytes(), UDP);
    let merged = |from: &str, to: &str| {
        let text = message("INVITE", "z9hG4bKother")
            .replace("Alice <sip:alice@example.com>;tag=alice", from)
            .replace("To: <sip:bob@example.com>", to);
        world.table.is_merged(&Message::parse(text.as_bytes()).unwrap())
    };
    let to = "To: <sip:bob@example.com>";
    assert!(merged("<sip:alice@example.com> ; tag = alice", to));
    assert!(merged("sip:alice@example.com;x=1;TAG=alice;y", to));
    assert!(merged(
        "\"A>;tag=eve\" <sip:alice@example.com>;tag=alice",
        "To: \"my tag=1\" <sip:bob@example.com;tag=2>"
    ));
    assert!(!merged("\"A>;tag=alice\" <sip:alice@example.com>;tag=eve", to));
    assert!(!merged("\"A>;tag=alice\" <sip:alice@example.com>", to));
    assert!(!merged(
        "Alice <sip:alice@example.com>;tag=alice",
        "To: <sip:bob@example.com> ; Tag = bob"
    ));
}
