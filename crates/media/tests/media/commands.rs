//! Ports, silence, and commands that come twice, late, or for nobody.

use crate::world::{World, addr, ip, rtp, secs};
use model::{Leg, MediaCommand, MediaReport, MediaSessionId};

fn silent(world: &mut World) -> bool {
    let silent = world
        .reports
        .iter()
        .any(|r| matches!(r, MediaReport::Silent { .. }));
    world.reports.clear();
    silent
}

fn is_refused(world: &mut World) -> bool {
    matches!(world.reports.pop(), Some(MediaReport::Refused { .. }))
}

#[test]
fn each_leg_gets_an_even_port_on_its_own_address() {
    let mut world = World::new(40001, 40099);
    world.open(1, 0);
    assert_eq!(
        world.opened(),
        (addr("198.51.100.1:40002"), addr("198.51.100.2:40002"))
    );
}

#[test]
fn a_repeated_open_gets_the_same_ports_and_each_is_answered_once() {
    let mut world = World::new(40000, 40099);
    world.lazy = true;
    world.open(1, 0);
    world.open(1, 0);
    assert!(world.reports.is_empty());
    world.answer_binds();
    world.drain();
    assert_eq!(world.reports.len(), 2);
    let first = world.opened();
    assert_eq!(world.opened(), first);
    world.open(1, 0);
    assert_eq!(world.opened(), first);
}

#[test]
fn exhaustion_refuses_and_a_freed_pair_comes_back_without_a_bind() {
    let mut world = World::new(40000, 40003);
    world.open(1, 0);
    world.open(2, 0);
    let second = world.opened();
    world.open(3, 0);
    assert!(is_refused(&mut world));
    world.close(2);
    let binds = world.bind_count;
    world.open(4, 0);
    assert_eq!(
        world.opened(),
        second,
        "a call is worth more than the rest of its ports"
    );
    assert_eq!(world.bind_count, binds);
}

#[test]
fn a_freed_pair_rests_two_seconds_while_there_are_others() {
    let mut world = World::new(40000, 40007);
    world.open(1, 0);
    let first = world.opened();
    world.close(1);
    world.advance(secs(2) - std::time::Duration::from_millis(1));
    world.open(2, 0);
    assert_ne!(world.opened(), first);
    world.advance(std::time::Duration::from_millis(1));
    world.open(3, 0);
    assert_eq!(world.opened(), first);
}

#[test]
fn freed_pairs_go_to_the_back_of_the_queue() {
    let mut world = World::new(40000, 40007);
    let mut ports = Vec::new();
    for session in 0..4 {
        world.open(session, 0);
        ports.push(world.opened().0.port());
    }
    for session in [2, 0, 3, 1] {
        world.close(session);
    }
    world.advance(secs(2));
    for was in [2, 0, 3, 1] {
        world.open(10 + was, 0);
        assert_eq!(world.opened().0.port(), ports[usize::try_from(was).unwrap()]);
    }
}

/// The ports that phones know from before the process died: also those whose turn has not come, and those that rest.
#[test]
fn a_session_is_reopened_on_the_ports_that_it_had() {
    let mut before = World::new(40000, 40009);
    for session in 0..3 {
        before.open(session, 0);
    }
    let had = before.opened();
    assert_eq!((had.0.port(), had.1.port()), (40004, 40004));
    let mut world = World::new(40000, 40009);
    world.reopen(2, had);
    assert_eq!(world.opened(), had);
    // What lies below them is free for others.
    for port in [40000, 40002, 40006] {
        world.open(u64::from(port), 0);
        assert_eq!(world.opened().0.port(), port);
    }
    // They are in use: another session gets others, and so does one whose ports are not in the range.
    world.reopen(3, had);
    assert_eq!(world.opened().0.port(), 40008);
    world.close(40002);
    world.reopen(4, (had.0, std::net::SocketAddr::new(had.1.ip(), 50000)));
    assert!(world.opened().1.port() < 40010);
    world.close(2);
    world.reopen(5, had);
    assert_eq!(world.opened(), had);
    // Somebody else has bound one of them meanwhile.
    let mut world = World::new(40000, 40009);
    world.taken = vec![40004];
    world.reopen(6, had);
    let got = world.opened();
    assert!(got.0 != had.0 && got.1 != had.1, "{got:?}");
}

#[test]
fn a_taken_port_is_skipped_and_tried_again_after_a_minute() {
    let mut world = World::new(40000, 40005);
    world.taken = vec![40000, 40002];
    world.open(1, 0);
    assert_eq!(world.opened().0.port(), 40004);
    world.open(2, 0);
    assert!(is_refused(&mut world));
    world.taken.clear();
    world.advance(secs(60));
    world.open(3, 0);
    assert_eq!(world.opened().0.port(), 40000);
}

#[test]
fn when_nothing_can_be_bound_the_session_is_refused() {
    let mut world = World::new(40000, 40999);
    world.taken = (40000..41000).collect();
    world.open(1, 0);
    assert!(is_refused(&mut world));
    assert!(world.bind_count <= 16, "{}", world.bind_count);
    assert_eq!(
        (world.relay.counts().sessions, world.relay.counts().pairs_used),
        (0, 0)
    );
}

#[test]
fn a_session_closed_while_its_ports_are_bound_is_refused_then_closed_and_the_ports_return() {
    let mut world = World::new(40000, 40001);
    world.lazy = true;
    world.open(1, 0);
    world.command(MediaCommand::Close {
        session: MediaSessionId(1),
    });
    assert!(matches!(
        world.reports[..],
        [MediaReport::Refused { .. }, MediaReport::Closed { .. }]
    ));
    world.answer_binds();
    let pair = world.pair(addr("198.51.100.1:40000"));
    world.relay.bound(pair, true, world.now);
    world.relay.bound(pair, false, world.now);
    world.drain();
    world.advance(secs(2));
    let counts = world.relay.counts();
    assert_eq!((counts.pairs_used, counts.pairs_bound), (0, 2));
    world.open(2, 0);
    world.opened();
}

#[test]
fn commands_for_nobody_do_no_harm() {
    let mut world = World::new(40000, 40099);
    world.remote(9, Leg::Caller, Some("192.0.2.1:4000"), "192.0.2.1");
    world.watch(9, false);
    let (caller, callee) = world.close(9);
    assert_eq!((caller, callee), Default::default());
    world.relay.bound(media::PairId(77), true, world.now);
    assert_eq!(
        world.relay.handle_packet(
            media::PairId(u32::MAX),
            false,
            addr("192.0.2.1:1"),
            (&mut rtp(1), 172),
            world.now
        ),
        None
    );
    world.close(9);
    assert_eq!(world.relay.counts().sessions, 0);
}

#[test]
fn two_addresses_have_pools_of_their_own() {
    let mut world = World::new(40000, 40003);
    for session in 0..2 {
        world.command(MediaCommand::Open {
            session: MediaSessionId(session),
            caller_ip: ip("2001:db8::1"),
            callee_ip: ip("198.51.100.1"),
            silence_s: 0,
            urgent: false,
        });
        let (caller, callee) = world.opened();
        assert_eq!(caller.port(), callee.port());
    }
}

#[test]
fn silence_is_reported_once_after_the_time_and_hold_pauses_it() {
    let mut world = World::new(40000, 40099);
    world.open(1, 30);
    let (caller, _) = world.opened();
    world.remote(1, Leg::Caller, Some("192.0.2.10:4000"), "192.0.2.10");
    world.advance(secs(100));
    assert!(!silent(&mut world), "not answered yet");

    world.watch(1, false);
    world.advance(secs(29));
    world.watch(1, false);
    world.send("192.0.2.10:4000", caller, &rtp(1));
    world.advance(secs(29));
    world.send("233.252.0.66:1", caller, &rtp(1));
    assert!(!silent(&mut world));
    world.advance(secs(1));
    assert!(silent(&mut world), "a stranger's packet is silence");
    world.advance(secs(100));
    assert!(!silent(&mut world));

    world.watch(1, true);
    world.advance(secs(1000));
    assert!(!silent(&mut world));
    assert_eq!(world.relay.poll_timeout(), None);
    world.watch(1, false);
    world.advance(secs(29));
    assert!(!silent(&mut world));
    world.advance(secs(1));
    assert!(silent(&mut world));
    world.close(1);
    assert_eq!(world.relay.poll_timeout(), None);
}

#[test]
fn zero_seconds_of_silence_means_never() {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    world.watch(1, false);
    world.advance(secs(100_000));
    assert!(!silent(&mut world));
}

#[test]
fn shares_of_a_range_are_disjoint_and_complete() {
    for (first, last) in [
        (0, 65535),
        (10000, 20000),
        (40001, 40004),
        (7, 7),
        (0, 1),
        (65534, 65535),
    ] {
        for workers in 1..=5 {
            let whole = media::PortRange { first, last };
            let mut next = 0;
            let mut pairs = 0;
            for share in (0..workers)
                .map(|i| whole.share(i, workers))
                .filter(|s| s.pairs() > 0)
            {
                assert!(share.first > next || next == 0, "{share:?}");
                next = share.last;
                pairs += share.pairs();
            }
            assert_eq!(pairs, whole.pairs(), "{first} {last} {workers}");
        }
    }
}
