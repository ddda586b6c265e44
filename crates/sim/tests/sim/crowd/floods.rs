//! Colleagues without manners: far too much of what they may do. What is too much is refused, what is held is bounded, and
//! the others' calls go on.

use super::{Crowd, codes, place};
use model::{EventCommand, Lamp, Limits, Policy};
use pbx::Input;
use std::time::Duration;

/// A call from one user to another is put through at this very moment.
fn can_call(crowd: &mut Crowd, from: usize, to: usize) {
    let text = crowd.invite(from, to);
    let sent = crowd.say(from, text.as_bytes());
    let invite = sent
        .iter()
        .find(|(at, text)| *at == place(to) && text.starts_with("INVITE"));
    let invite = invite.expect("an INVITE").1.clone();
    let sent = crowd.respond(to, &invite, 486, "");
    assert_eq!(codes(&sent, from), [486]);
}

#[test]
fn one_user_has_so_many_subscriptions_and_the_tenant_so_many() {
    let limits = Limits {
        subscriptions_per_tenant: 1_200,
        ..Limits::default()
    };
    let mut crowd = Crowd::new(100, Policy::default(), limits);
    crowd.register(99);
    let mut got = Vec::new();
    for user in [0, 1, 2] {
        let mut of_user = [0_usize; 3];
        for number in 0..2_000 {
            let text = crowd.subscribe(user, number % 98, "dialog");
            let sent = crowd.say(user, text.as_bytes());
            match codes(&sent, user)[..] {
                [200] => of_user[0] += 1,
                [403] => of_user[1] += 1,
                [503] => {
                    assert!(sent[0].1.contains("\r\nRetry-After: 5\r\n"), "{}", sent[0].1);
                    of_user[2] += 1;
                }
                ref other => panic!("{other:?}"),
            }
            crowd.take(&sent);
        }
        got.push(of_user);
    }
    assert_eq!(got, [[500, 1_500, 0], [500, 1_500, 0], [200, 0, 1_800]]);
    assert_eq!(crowd.tenant.held().subscriptions, 1_200);
    can_call(&mut crowd, 98, 99);
    crowd.rest(Duration::from_secs(3_700));
    assert_eq!(crowd.tenant.held().subscriptions, 0);
    assert_eq!(crowd.tenant.held().transactions, 0);
}

/// Fetches (RFC 6665 §4.4.3) whose NOTIFY is never answered hold their place as subscriptions do, and give it back.
#[test]
fn fetches_that_nobody_answers_are_bounded_too() {
    let mut crowd = Crowd::new(3, Policy::default(), Limits::default());
    let mut accepted = 0;
    for _ in 0..2_000 {
        let text = crowd
            .subscribe(0, 1, "dialog")
            .replace("Expires: 3600", "Expires: 0");
        accepted += usize::from(codes(&crowd.say(0, text.as_bytes()), 0) == [200]);
    }
    assert_eq!((accepted, crowd.tenant.held().subscriptions), (500, 500));
    crowd.rest(Duration::from_secs(40));
    assert_eq!(crowd.tenant.held().subscriptions, 0);
    assert_eq!(crowd.journal, 0, "a fetch is nothing to keep");
}

/// 10000 asks for all kinds of things; how often he was told to wait.
fn all_kinds(crowd: &mut Crowd, requests: usize) -> usize {
    let mut refused = 0;
    for number in 0..requests {
        let text = match number % 4 {
            0 => crowd.subscribe(0, 1, "presence"),
            1 => crowd.request(
                "MESSAGE",
                0,
                "10001@acme.example",
                "Content-Type: text/plain\r\n",
                "hello",
            ),
            2 => crowd.request(
                "PUBLISH",
                0,
                "10000@acme.example",
                "Event: presence\r\nExpires: 60\r\nContent-Type: application/pidf+xml\r\n",
                "x",
            ),
            _ => crowd.request(
                "INVITE",
                0,
                "999@acme.example",
                "Content-Type: application/sdp\r\n",
                super::DESCRIPTION,
            ),
        };
        let sent = crowd.say(0, text.as_bytes());
        if codes(&sent, 0) == [503] {
            assert!(sent[0].1.contains("\r\nRetry-After: 5\r\n"), "{}", sent[0].1);
            refused += 1;
        }
        crowd.take(&sent);
    }
    refused
}

/// Hangs a call of 10000 up that was answered like this.
fn bye(ok: &str) -> String {
    let header = |name: &str| {
        let line = ok.lines().find(|l| l.starts_with(name));
        line.unwrap_or_default().to_owned()
    };
    format!(
        "BYE sip:1@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKbye\r\nMax-Forwards: 70\r\n{}\r\n{}\r\n{}\r\n\
         CSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n",
        place(0),
        header("From"),
        header("To"),
        header("Call-ID"),
    )
}

/// Whatever a user asks for, it is so much within 32 seconds; nobody else notices, and hanging up is always allowed.
#[test]
fn nobody_alone_fills_the_transactions_of_his_tenant() {
    let limits = Limits {
        requests_per_user: 1_000,
        transactions_per_tenant: 4_000,
        ..Limits::default()
    };
    let mut crowd = Crowd::new(5, Policy::default(), limits);
    crowd.register(4);
    let invite = crowd.invite(0, 4);
    let sent = crowd.say(0, invite.as_bytes());
    let rings = sent
        .iter()
        .find(|(at, t)| *at == place(4) && t.starts_with("INVITE"));
    let rings = rings.expect("an INVITE").1.clone();
    let sent = crowd.respond(4, &rings, 200, super::DESCRIPTION);
    let ok = sent
        .iter()
        .find(|(at, _)| *at == place(0))
        .expect("a 200")
        .1
        .clone();
    let refused = all_kinds(&mut crowd, 5_000);
    assert_eq!(refused, 5_000 - 1_000 + 1);
    let held = crowd.tenant.held().transactions;
    assert!(held < 2_100, "{held} transactions");
    can_call(&mut crowd, 2, 4);
    // The first call is still there and can be ended.
    let sent = crowd.say(0, bye(&ok).as_bytes());
    assert!(
        sent.iter().any(|(at, t)| *at == place(4) && t.starts_with("BYE")),
        "{sent:?}"
    );
    crowd.rest(Duration::from_secs(40));
    let text = crowd.subscribe(0, 2, "presence");
    let sent = crowd.say(0, text.as_bytes());
    assert_eq!(codes(&sent, 0), [200], "a new measure has begun");
}

/// A phone that has run wild still calls for help.
#[test]
fn no_measure_stands_before_a_call_for_help() {
    let limits = Limits {
        requests_per_user: 100,
        ..Limits::default()
    };
    let mut crowd = Crowd::new(4, Policy::default(), limits);
    crowd.register(3);
    assert!(all_kinds(&mut crowd, 500) > 0);
    let description = "Content-Type: application/sdp\r\n";
    for (number, calls) in [("10003", 0), ("112", 1), ("112;phone-context=+49", 2)] {
        let to = format!("{number}@acme.example");
        let text = crowd.request("INVITE", 0, &to, description, super::DESCRIPTION);
        crowd.say(0, text.as_bytes());
        assert_eq!(crowd.tenant.counts().emergency_calls, calls, "{number}");
    }
}

#[test]
fn texts_for_a_phone_that_is_off_wait_in_bounds() {
    let mut crowd = Crowd::new(4, Policy::default(), Limits::default());
    crowd.register(3);
    let mut got = [0_usize; 2];
    let long = "x".repeat(4_000);
    for sender in 0..5_000 {
        let sender = sender % 2;
        let text = crowd.request(
            "MESSAGE",
            sender,
            "10002@acme.example",
            "Content-Type: text/plain\r\n",
            &long,
        );
        match codes(&crowd.say(sender, text.as_bytes()), sender)[..] {
            [202] => got[0] += 1,
            [480] => got[1] += 1,
            ref other => panic!("{other:?}"),
        }
    }
    assert_eq!(got, [50, 4_950]);
    assert_eq!(crowd.journal, 50, "only what is kept is written down");
    can_call(&mut crowd, 1, 3);
    crowd.rest(Duration::from_secs(40));
    assert_eq!(crowd.tenant.held().transactions, 0);
}

/// Entity-tags are guessed, bodies are as large as a message may be, and one user publishes for ever.
#[test]
fn publications_are_few_and_their_tags_are_not_guessed() {
    let mut crowd = Crowd::new(3, Policy::default(), Limits::default());
    let open = "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:10000@acme.example\">\
                <tuple id=\"t\"><status><basic>open</basic></status><note>NOTE</note></tuple></presence>";
    let head = "Event: presence\r\nExpires: 3600\r\nContent-Type: application/pidf+xml\r\n";
    let mut tags = Vec::new();
    for number in 0..3_000 {
        let body = open.replace("NOTE", &format!("{number} {}", "n".repeat(number % 200 * 100)));
        let text = crowd.request("PUBLISH", 0, "10000@acme.example", head, &body);
        let sent = crowd.say(0, text.as_bytes());
        let tag = sent[0].1.lines().find_map(|l| l.strip_prefix("SIP-ETag: "));
        tags.extend(tag.map(str::to_owned));
    }
    assert!(tags.len() > 2_000, "{}", tags.len());
    let mine = |tag: &str| format!("{head}SIP-If-Match: {tag}\r\n");
    let last = tags.last().unwrap().clone();
    // Somebody else's tag, tags that were, and tags that never were are all the same.
    let guesses = (0..500).map(|n| {
        format!(
            "{:016x}",
            u64::from_str_radix(&last, 16).unwrap() ^ (1 << (n % 64)) ^ n
        )
    });
    for (user, tag) in [
        (1, last.clone()),
        (0, tags[0].clone()),
        (0, String::new()),
        (0, "f".repeat(4_000)),
    ]
    .into_iter()
    .chain(guesses.map(|tag| (1, tag)))
    {
        let to = format!("{}@acme.example", crowd.names[user]);
        let text = crowd.request("PUBLISH", user, &to, &mine(&tag), open);
        let sent = crowd.say(user, text.as_bytes());
        assert_eq!(codes(&sent, user), [412], "{tag}");
    }
    // Nesting without end, and entities that would grow.
    for body in [
        "<a>".repeat(8_000),
        format!(
            "<!DOCTYPE a [<!ENTITY b \"{}\">]><presence>&b;</presence>",
            "c".repeat(9_000)
        ),
    ] {
        let text = crowd.request("PUBLISH", 0, "10000@acme.example", head, &body);
        let sent = crowd.say(0, text.as_bytes());
        assert_eq!(codes(&sent, 0), [400], "{}", &body[..40]);
    }
    // What is shown is short, however long the note was.
    let text = crowd.subscribe(2, 0, "presence");
    let sent = crowd.say(2, text.as_bytes());
    let document = &sent
        .iter()
        .find(|(_, text)| text.starts_with("NOTIFY"))
        .expect("a NOTIFY")
        .1;
    assert!(document.len() < 4_000, "{} octets", document.len());
    crowd.take(&sent);
    let timers = crowd.tenant.poll_timeout();
    assert!(timers.is_some());
    crowd.rest(Duration::from_secs(3_700));
    assert_eq!(crowd.tenant.held().transactions, 0);
}

/// A resource too many is not there, and is not written down either, or it would be there after a restart.
#[test]
fn named_resources_are_bounded_in_memory_and_in_the_journal() {
    let mut crowd = Crowd::new(1, Policy::default(), Limits::default());
    let mut set = |number: usize, lamp| {
        let name = format!("resource-{number}").into();
        let mut effects = Vec::new();
        let command = EventCommand::Resource { name, lamp };
        crowd
            .tenant
            .handle(Input::Event(command), crowd.now(), &mut effects);
        effects.len()
    };
    let on = Some(Lamp::On);
    let written: usize = (0..10_000).map(|number| set(number, on)).sum();
    assert_eq!(written, 10_000);
    assert_eq!((set(10_000, on), set(10_000, None)), (0, 0));
    assert_eq!((set(7, Some(Lamp::Off)), set(7, None), set(7, None)), (1, 1, 0));
    assert_eq!(set(10_000, on), 1);
    assert_eq!(crowd.tenant.counts().over_limit, 1);
}
