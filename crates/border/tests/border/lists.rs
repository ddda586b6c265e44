//! What the operator says, and calls for help.

use super::{HELP, REGISTER, Scene, ip, tls, udp};
use border::{CountryError, CountryRules, Lists, Nets, Report, Rules, Verdict, Why, blocked};
use model::Transport;

fn nets(texts: &[&str]) -> Nets {
    Nets::parse(texts.iter().copied()).unwrap()
}

fn listed() -> Scene {
    let lists = Lists {
        allow: nets(&["192.0.2.0/28", "2001:db8:a::/48"]),
        deny: nets(&["192.0.2.0/24", "198.51.100.7"]),
        countries: Nets::default(),
    };
    Scene::with(Rules::default(), lists)
}

#[test]
fn who_is_allowed_is_asked_nothing_and_who_is_denied_gets_nothing() {
    let mut scene = listed();
    let friend = udp("192.0.2.3:5060");
    assert_eq!(scene.count(&friend, 0, (0..20_000).map(Report::Denied)), 20_000);
    assert_eq!(
        scene.refused(&udp("192.0.2.16:5060"), REGISTER),
        Some(Why::Denied)
    );
    assert_eq!(
        scene.refused(&tls("198.51.100.7:40000"), REGISTER),
        Some(Why::Denied)
    );
    assert!(scene.passes(&udp("198.51.100.8:5060"), REGISTER));
    assert!(scene.passes(&udp("[2001:db8:a:1::5]:5060"), REGISTER));
    // A good password, as in a call for help, does not make him known.
    scene
        .guard
        .report(&tls("198.51.100.7:40000"), Report::Granted(1), scene.now);
    assert_eq!(
        scene.refused(&tls("198.51.100.7:40000"), REGISTER),
        Some(Why::Denied)
    );
}

#[test]
fn an_ipv4_address_in_ipv6_clothes_is_the_same() {
    let mut scene = listed();
    assert_eq!(
        scene.refused(&udp("[::ffff:192.0.2.99]:5060"), REGISTER),
        Some(Why::Denied)
    );
    assert!(scene.passes(&udp("[::ffff:192.0.2.3]:5060"), REGISTER));
}

#[test]
fn networks_are_read_or_refused() {
    let all = nets(&["10.0.0.0/8", "10.1.2.3", "11.0.0.0/8", "::/0"]);
    assert_eq!(all.ranges(), 1);
    assert_eq!(
        nets(&["10.0.0.0/8", "11.0.0.0/8"]).ranges(),
        1,
        "what touches is one"
    );
    assert!(nets(&["0.0.0.0/0"]).contains(ip("255.255.255.255")));
    assert!(!nets(&["0.0.0.0/0"]).contains(ip("2001:db8::1")));
    for text in [
        "",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0",
        "acme.test",
        "2001:db8::/129",
        "10.0.0.0/-1",
    ] {
        assert!(Nets::parse([text]).is_err(), "{text}");
    }
}

const FILE: &str = "# a comment\n192.0.2.0,192.0.2.127,DE\n192.0.2.128,192.0.2.255,FR\n\
\"198.51.100.0\",\"198.51.100.255\",\"US\",\"United States\"\n2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,FR\n";

#[test]
fn countries_are_kept_out_or_let_in() {
    let rules = |allow: &[&str], deny: &[&str]| CountryRules {
        allow: allow.iter().map(|c| (*c).to_owned()).collect(),
        deny: deny.iter().map(|c| (*c).to_owned()).collect(),
    };
    let out = |rules: &CountryRules, text: &str| blocked(FILE, rules).unwrap().contains(ip(text));
    let only = rules(&["DE"], &[]);
    assert!(!out(&only, "192.0.2.5") && out(&only, "192.0.2.200") && out(&only, "198.51.100.1"));
    assert!(
        out(&only, "2001:db8::1") && !out(&only, "10.0.0.1"),
        "what the file does not know comes in"
    );
    let not = rules(&[], &["fr"]);
    assert!(!out(&not, "192.0.2.5") && out(&not, "192.0.2.200") && !out(&not, "198.51.100.1"));
    let both = rules(&["DE", "FR"], &["FR"]);
    assert!(!out(&both, "192.0.2.5") && out(&both, "192.0.2.200"));
    for (line, text) in [
        (1, "a,b,c"),
        (2, "# x\n192.0.2.9,192.0.2.1,DE"),
        (1, "192.0.2.1,::1,DE"),
        (1, "192.0.2.1,192.0.2.2"),
    ] {
        assert_eq!(blocked(text, &only), Err(CountryError { line }), "{text}");
    }
    let lists = Lists {
        countries: blocked(FILE, &not).unwrap(),
        ..Lists::default()
    };
    let mut scene = Scene::with(Rules::default(), lists);
    assert_eq!(
        scene.refused(&udp("192.0.2.200:5060"), REGISTER),
        Some(Why::Country)
    );
}

#[test]
fn the_operators_ban_holds_for_everybody_and_is_lifted() {
    let mut scene = Scene::new();
    let phone = tls("203.0.113.5:20000");
    scene.tries(&phone, Report::Granted(1));
    assert!(scene.guard.ban(ip("203.0.113.5"), 3_600, scene.now));
    assert_eq!(scene.refused(&phone, REGISTER), Some(Why::Banned));
    let bans = scene.bans();
    assert!(bans[0].by_operator && bans[0].left_s == 3_600 && !bans[0].datagrams_only);
    assert!(scene.guard.lift(ip("203.0.113.5"), scene.now));
    assert!(!scene.guard.lift(ip("203.0.113.5"), scene.now));
    assert!(scene.passes(&phone, REGISTER));
    assert_eq!(scene.bans(), []);
}

#[test]
fn lifting_a_ban_forgets_what_led_to_it() {
    let (mut scene, stranger) = (Scene::new(), tls("192.0.2.1:40000"));
    scene.count(&stranger, 10, (0..100).map(Report::Denied));
    assert!(scene.guard.lift(ip("192.0.2.1"), scene.now));
    assert_eq!(
        scene.count(&stranger, 10, (0..5).map(|n| Report::Denied(500 + n))),
        5
    );
    assert_eq!(scene.bans(), []);
}

#[test]
fn a_carrier_is_never_banned() {
    let mut scene = Scene::new();
    scene.guard.peer(ip("192.0.2.1"), 86_400, scene.now);
    let carrier = udp("192.0.2.1:5060");
    assert_eq!(
        scene.count(&carrier, 1, (0..5_000).map(|_| Report::Malformed)),
        5_000
    );
    assert_eq!(
        scene.count(&tls("192.0.2.1:5061"), 1, (0..5_000).map(Report::Denied)),
        5_000
    );
}

#[test]
fn calls_for_help_pass_what_nothing_else_passes() {
    let answer = b"SIP/2.0 200 OK\r\n\r\n";
    let mut scene = listed();
    let banned = tls("203.0.113.9:40000");
    scene.count(&banned, 10, (0..100).map(Report::Denied));
    let denied = udp("192.0.2.99:5060");
    for flow in [banned, denied] {
        assert!(
            !scene.passes(&flow, b"BYE sip:x SIP/2.0\r\n\r\n"),
            "no call, no end of one"
        );
        assert!(scene.passes(&flow, HELP));
        assert!(scene.passes(&flow, b"ACK sip:x SIP/2.0\r\n\r\n") && scene.passes(&flow, answer));
        assert!(scene.passes(&flow, b"BYE sip:x SIP/2.0\r\n\r\n"));
        assert!(!scene.passes(&flow, REGISTER), "it is no door for anything else");
        assert!(matches!(
            scene.guard.connect(flow.remote.ip(), scene.now),
            Verdict::Pass { emergency: true, .. }
        ));
    }
}

#[test]
fn calls_for_help_have_a_budget_so_that_a_flood_of_them_is_none() {
    let mut scene = listed();
    let from = |n: u32| super::flow(Transport::Udp, &format!("192.0.2.99:{}", 10_000 + n));
    let passed = (0..10_000).filter(|n| scene.passes(&from(*n), HELP)).count();
    assert_eq!(passed, 20);
    let follow = (0..10_000)
        .filter(|n| scene.passes(&from(n % 20), b"INVITE sip:x SIP/2.0\r\n\r\n"))
        .count();
    assert_eq!(follow, 100);
    let connects = (0..1_000)
        .filter(|_| {
            matches!(
                scene.guard.connect(ip("192.0.2.99"), scene.now),
                Verdict::Pass { .. }
            )
        })
        .count();
    assert_eq!(connects, 10);
    // Another network is not harmed by it.
    assert!(scene.passes(&udp("198.51.100.7:5060"), HELP));
}

#[test]
fn a_stranger_over_his_measure_may_still_call_for_help() {
    let (mut scene, stranger) = (Scene::new(), udp("192.0.2.1:5060"));
    while scene.passes(&stranger, REGISTER) {}
    assert!(scene.passes(&stranger, HELP));
}
