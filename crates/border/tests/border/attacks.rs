//! Scans, guessing, floods, and sources that are forged.

use super::{REGISTER, Scene, ip, tls, udp};
use border::{Banned, Offence, Report, Source, Verdict, Why};
use std::time::Duration;

#[test]
fn a_scan_through_many_credentials_ends_after_a_few() {
    for stranger in [udp("192.0.2.1:5060"), tls("192.0.2.1:40000")] {
        let mut scene = Scene::new();
        let through = scene.count(&stranger, 0, (0..1_000).map(Report::Denied));
        assert_eq!(through, 10, "{}", stranger.transport);
        assert_eq!(scene.refused(&stranger, REGISTER), Some(Why::Banned));
        let bans = scene.bans();
        assert_eq!(bans.len(), 1);
        assert_eq!(bans[0].who, Banned::Source(Source::of(ip("192.0.2.1"))));
        assert_eq!(bans[0].datagrams_only, !stranger.transport.is_reliable());
    }
}

#[test]
fn guessing_at_one_password_is_locked_and_then_banned() {
    let (mut scene, stranger) = (Scene::new(), tls("192.0.2.1:40000"));
    let through = scene.count(&stranger, 0, (0..1_000).map(|_| Report::Denied(7)));
    assert_eq!(through, 10, "then the credential is locked");
    assert!(scene.guard.is_locked(&stranger, 7, scene.now));
    assert!(
        !scene.guard.is_locked(&stranger, 8, scene.now),
        "another one is not"
    );
    assert!(
        !scene.guard.is_locked(&tls("192.0.2.2:40000"), 7, scene.now),
        "nor from elsewhere"
    );
    // The lock ends, the guessing goes on, and there is nothing good behind it.
    let mut through = 0;
    for _ in 0..20 {
        scene.wait(61);
        through += scene.count(&stranger, 10, (0..1_000).map(|_| Report::Denied(7)));
    }
    assert!(through <= 40, "{through} guesses in twenty minutes");
    assert!(!scene.bans().is_empty() || scene.guard.is_locked(&stranger, 7, scene.now));
}

#[test]
fn asking_for_challenges_and_never_answering_them_ends_too() {
    let (mut scene, stranger) = (Scene::new(), udp("192.0.2.1:5060"));
    assert_eq!(
        scene.count(&stranger, 0, (0..900).map(|_| Report::Challenged)),
        200
    );
    let (mut scene, stranger) = (Scene::new(), tls("192.0.2.1:5060"));
    assert_eq!(
        scene.count(&stranger, 0, (0..900).map(|_| Report::UnknownDomain)),
        50
    );
    let (mut scene, stranger) = (Scene::new(), tls("192.0.2.1:5060"));
    assert_eq!(scene.count(&stranger, 0, (0..900).map(|_| Report::Malformed)), 50);
}

#[test]
fn a_scanner_that_names_itself_gets_no_answer_at_all() {
    let (mut scene, stranger) = (Scene::new(), udp("192.0.2.1:5060"));
    let scan = b"OPTIONS sip:100@acme.test SIP/2.0\r\nUser-Agent: friendly-scanner\r\n\r\n";
    assert_eq!(scene.refused(&stranger, scan), Some(Why::Scanner));
    let news = scene.guard.poll_news().unwrap();
    assert_eq!(
        (news.offence, news.for_s, news.datagrams_only),
        (Some(Offence::Scanner), 60, true)
    );
    assert_eq!(scene.guard.poll_news(), None);
    assert_eq!(scene.refused(&stranger, REGISTER), Some(Why::Banned));
}

#[test]
fn bans_grow_and_are_forgotten_after_a_quiet_day() {
    let (mut scene, stranger) = (Scene::new(), udp("192.0.2.1:5060"));
    let scan = b"OPTIONS sip:100@acme.test SIP/2.0\r\nUser-Agent: sipvicious\r\n\r\n";
    let mut lengths = Vec::new();
    for _ in 0..5 {
        assert!(!scene.passes(&stranger, scan));
        let left = scene.bans()[0].left_s;
        lengths.push(left);
        scene.wait(left - 1);
        assert!(!scene.passes(&stranger, REGISTER));
        scene.wait(1);
        assert!(scene.passes(&stranger, REGISTER));
    }
    assert_eq!(lengths, [60, 240, 960, 3_600, 3_600]);
    scene.wait(90_000);
    assert!(!scene.passes(&stranger, scan));
    assert_eq!(scene.bans()[0].left_s, 60);
}

#[test]
fn what_is_sent_during_a_ban_does_not_make_it_longer() {
    let (mut scene, stranger) = (Scene::new(), udp("192.0.2.1:5060"));
    let scan = b"OPTIONS sip:100@acme.test SIP/2.0\r\nUser-Agent: sipvicious\r\n\r\n";
    for _ in 0..60 {
        assert!(!scene.passes(&stranger, scan));
        scene.wait(1);
    }
    assert!(scene.passes(&stranger, REGISTER));
}

#[test]
fn a_flood_of_a_stranger_is_cut_to_a_measure() {
    let (mut scene, stranger) = (Scene::new(), tls("192.0.2.1:40000"));
    let passed = (0..100_000).filter(|_| scene.passes(&stranger, REGISTER)).count();
    assert_eq!(passed, 1_000);
    assert_eq!(scene.refused(&stranger, REGISTER), Some(Why::Banned));
}

#[test]
fn many_addresses_of_one_network_share_a_measure_and_then_a_ban() {
    let mut scene = Scene::new();
    let mut through = 0;
    for host in 1..=20 {
        let stranger = tls(&format!("192.0.2.{host}:40000"));
        through += scene.count(&stranger, 0, (0..100).map(Report::Denied));
    }
    assert_eq!(through, 80, "eight of them, then the network is banned");
    assert_eq!(
        scene.refused(&tls("192.0.2.250:40000"), REGISTER),
        Some(Why::Banned)
    );
    assert!(scene.passes(&tls("192.0.3.1:40000"), REGISTER));
    let six = |net: u32| tls(&format!("[2001:db8:1:{net:x}::1]:40000"));
    let mut through = 0;
    for net in 0..1_000 {
        through += scene.count(&six(net), 0, (0..100).map(Report::Denied));
    }
    assert_eq!(through, 80, "whoever has a /48 has 65,536 addresses to be banned");
}

#[test]
fn forged_datagrams_keep_nobody_out_who_is_known_and_ban_no_connection() {
    let mut scene = Scene::new();
    let phone = udp("203.0.113.5:5060");
    assert!(scene.tries(&phone, Report::Granted(1)));
    // Somebody else writes the office's address into his datagrams: scans, guesses, nonsense.
    let forged = udp("203.0.113.5:6000");
    scene.count(&forged, 1, (0..5_000).map(Report::Denied));
    scene.count(&forged, 1, (0..5_000).map(|_| Report::Malformed));
    scene.count(&forged, 1, (0..5_000).map(|_| Report::Denied(1)));
    let scan = b"OPTIONS sip:100@acme.test SIP/2.0\r\nUser-Agent: sipvicious\r\n\r\n";
    scene.guard.message(&forged, scan, scene.now);
    assert_eq!(scene.bans(), []);
    assert!(scene.tries(&phone, Report::Granted(1)), "the phone goes on");
    assert!(
        scene.tries(&udp("203.0.113.5:5062"), Report::Granted(2)),
        "and so does a new one"
    );
    // The credential is locked, but not where it has been shown.
    assert!(scene.guard.is_locked(&forged, 1, scene.now) || scene.tries(&forged, Report::Denied(1)));
    assert!(!scene.guard.is_locked(&phone, 1, scene.now));

    // Of an address that nobody has registered from, datagrams are refused, and connections are not.
    let forged = udp("203.0.113.99:5060");
    scene.count(&forged, 1, (0..100).map(Report::Denied));
    assert_eq!(scene.refused(&forged, REGISTER), Some(Why::Banned));
    let real = tls("203.0.113.99:40000");
    assert_eq!(scene.guard.connect(real.remote.ip(), scene.now), Verdict::PASS);
    assert!(scene.tries(&real, Report::Granted(3)));
    assert!(
        scene.passes(&forged, REGISTER),
        "a good password ends what datagrams have brought about"
    );
}

#[test]
fn connections_of_a_stranger_have_a_measure() {
    let mut scene = Scene::new();
    let stranger = ip("192.0.2.1");
    let count = |scene: &mut Scene, n: usize| {
        (0..n)
            .filter(|_| scene.guard.connect(stranger, scene.now) == Verdict::PASS)
            .count()
    };
    assert_eq!(count(&mut scene, 1_000), 200);
    scene.wait(5);
    assert_eq!(count(&mut scene, 1_000), 100);
    // An office whose phones sign in may have as many as it likes.
    scene
        .guard
        .report(&tls("192.0.2.1:40000"), Report::Granted(1), scene.now);
    assert_eq!(count(&mut scene, 1_000), 1_000);
}

#[test]
fn a_clock_that_jumps_harms_nobody() {
    let (mut scene, stranger) = (Scene::new(), tls("192.0.2.1:40000"));
    scene.count(&stranger, 10, (0..100).map(Report::Denied));
    assert!(!scene.passes(&stranger, REGISTER));
    scene.now = Duration::ZERO;
    assert!(!scene.passes(&stranger, REGISTER));
    assert!(scene.passes(&tls("198.51.100.9:1"), REGISTER));
    scene.now = Duration::MAX;
    assert!(scene.passes(&stranger, REGISTER));
    scene.now = Duration::from_secs(1);
    assert!(scene.passes(&tls("198.51.100.10:1"), REGISTER));
}
