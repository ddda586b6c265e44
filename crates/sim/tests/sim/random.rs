//! Worlds by chance.

use model::{Policy, Transport};
use sim::check;
use sim::net::Weather;
use sim::phone::{Answer, State};
use sim::random::{self, Failure, Kind, Tally};
use sim::world::{Company, World};
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn two_phones_register_talk_and_hang_up() {
    let company = Company {
        domain: "a.example",
        extensions: &["100", "101"],
        policy: Policy::default(),
    };
    for transport in [
        Transport::Udp,
        Transport::Tcp,
        Transport::Tls,
        Transport::Ws,
        Transport::Wss,
    ] {
        let mut world = World::new(
            1,
            Weather::FAIR,
            &[Company {
                policy: Policy::default(),
                ..company
            }],
        );
        let ann = world.add_phone("a.example", "100", transport, Answer::Ring);
        let bea = world.add_phone("a.example", "101", transport, Answer::PickUp(800));
        for phone in [ann, bea] {
            world.act(phone, |p, now| p.register(600, now));
        }
        world.run_ms(100);
        let call = world.act(ann, |p, now| p.call("101", now)).unwrap();
        world.run_ms(3_000);
        assert_eq!(
            world.phones[ann].calls(),
            [(call, State::Up)],
            "{}",
            world.ladder.text()
        );
        check::always(&world).unwrap();
        world.act(ann, |p, now| p.hang_up(call, now));
        world.run_ms(60_000);
        check::at_rest(&world).unwrap_or_else(|e| panic!("{e}\n{}", world.ladder.text()));
        let [cdr] = &world.server.cdrs[..] else {
            panic!("{:?}", world.server.cdrs)
        };
        assert_eq!(cdr.cause.sip, 200);
        assert!(world.phones[ann].packets_received > 2, "{}", world.ladder.text());
        assert!(world.phones[bea].packets_received > 2, "{}", world.ladder.text());
    }
}

/// Seeds that failed once, and why. They show it again for as long as a seed makes the same choices.
const REGRESSIONS: &[(u64, &str)] = &[
    (
        33,
        "two BYEs crossed, one was answered before the record was made",
    ),
    (
        124_925,
        "credentials refused while their user was disabled served later",
    ),
    (
        139_119,
        "the 2xx to a re-INVITE given up with its connection got no ACK",
    ),
];

/// Seeds of an ordinary run.
const SEEDS: u64 = 5_000;
/// Those in which the media plane is far away.
const SEEDS_OF_SOUND: u64 = 1_000;
/// Those with carriers.
const SEEDS_OUTSIDE: u64 = 1_500;

/// A number from the environment.
#[allow(
    clippy::disallowed_methods,
    reason = "the one who runs the test chooses the seeds"
)]
fn chosen(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs seeds on every processor; the first failure of each stops its thread.
#[allow(
    clippy::disallowed_methods,
    reason = "each world is single-threaded; worlds share nothing"
)]
fn run_all(seeds: &[u64], kind: Kind) -> (Tally, Vec<Failure>) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let lines = if seeds.len() == 1 {
        usize::MAX
    } else {
        random::LAST_LINES
    };
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut tally, mut failures) = (Tally::default(), Vec::new());
        while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
            match random::run(*seed, kind, lines) {
                Ok(one) => tally.add(&one),
                Err(failure) => failures.push(failure),
            }
            if failures.len() >= 3 {
                break;
            }
        }
        (tally, failures)
    };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut sum = (Tally::default(), Vec::new());
        for handle in handles {
            let (tally, failures) = handle.join().unwrap();
            sum.0.add(&tally);
            sum.1.extend(failures);
        }
        sum
    })
}

/// The seeds that were asked for: `CARILLON_SEEDS=n` runs that many, `CARILLON_FIRST_SEED=n` starts there, `CARILLON_SEED=n`
/// runs one.
fn seeds(ordinary: u64, regressions: &[(u64, &str)]) -> Vec<u64> {
    match chosen("CARILLON_SEED") {
        Some(seed) => vec![seed],
        None => {
            let first = chosen("CARILLON_FIRST_SEED").unwrap_or(1);
            let count = chosen("CARILLON_SEEDS").unwrap_or(ordinary);
            let known = regressions.iter().map(|(seed, _)| *seed);
            known.chain(first..first + count).collect()
        }
    }
}

fn show(failures: &[Failure], test: &str) {
    for failure in failures {
        let Failure { seed, what, ladder } = failure;
        println!("{ladder}\n\nseed {seed}: {what}");
        println!("again: CARILLON_SEED={seed} cargo test -p sim --test sim {test} -- --nocapture\n");
    }
}

#[test]
fn whatever_happens_the_rules_hold() {
    let seeds = seeds(SEEDS, REGRESSIONS);
    let (tally, failures) = run_all(&seeds, Kind::Calls);
    show(&failures, "whatever_happens");
    println!("COUNT seeds {}", tally.seeds);
    println!(
        "simulation: {} seeds, {} calls, {} answered, {} records, {} transferred, {} keys, {} forwarded, {} messages, {} packets, {} hostile acts, {} restarts, {} calls restored, {} of them lost, {} connections opened, {} refused, {} failures",
        tally.seeds,
        tally.calls,
        tally.answered,
        tally.records,
        tally.transferred,
        tally.keys,
        tally.forwarded,
        tally.messages,
        tally.packets,
        tally.hostile,
        tally.restarts,
        tally.restored,
        tally.lost,
        tally.connected,
        tally.connects_failed,
        failures.len()
    );
    assert!(failures.is_empty(), "{} seeds failed", failures.len());
    assert!(
        tally.refreshes > 0 || seeds.len() < 1_000,
        "no session was refreshed"
    );
    assert!(
        tally.restored > tally.lost || seeds.len() < 100,
        "no call outlived a restart"
    );
    assert!(
        (tally.connected > 0 && tally.connects_failed > 0) || seeds.len() < 100,
        "no large request was tried over TCP"
    );
    assert!(
        (tally.keys > 0 && tally.forwarded > 0) || seeds.len() < 100,
        "no key was pressed, or no call forwarded"
    );
}

/// Calls leave the companies and come in, and whatever carriers do nothing is left over, everything is paid for and help is reached.
#[test]
fn whatever_happens_outside_the_rules_hold() {
    let seeds = seeds(SEEDS_OUTSIDE, &[]);
    let (tally, failures) = run_all(&seeds, Kind::Outside);
    show(&failures, "whatever_happens_outside");
    let outer = tally.outer;
    println!("COUNT seeds {}", tally.seeds);
    println!(
        "worlds with carriers: {} seeds, {} calls, {} answered, {} taken by carriers, {} of carriers, {} between companies, {} calls for help, {} of them in vain, {} charged, {} ended by limits, {} refused by them, {} messages, {} hostile acts, {} restarts, {} calls restored, {} failures",
        tally.seeds,
        tally.calls,
        tally.answered,
        outer.out,
        outer.came,
        outer.inside,
        outer.helped + outer.unhelped,
        outer.unhelped,
        outer.charged,
        tally.toll_ended,
        tally.toll_refused,
        tally.messages,
        tally.hostile,
        tally.restarts,
        tally.restored,
        failures.len()
    );
    assert!(failures.is_empty(), "{} seeds failed", failures.len());
    let all = [
        outer.out,
        outer.came,
        outer.inside,
        outer.helped,
        outer.unhelped,
        outer.charged,
        tally.toll_ended,
        tally.toll_refused,
        tally.restored,
    ];
    assert!(
        !all.contains(&0) || seeds.len() < 200,
        "{all:?}: something did not happen"
    );
}

/// Nothing is left over where what sessions and media plane tell each other is lost, late and repeated.
#[test]
fn however_bad_the_way_to_the_media_plane_is_everything_returns() {
    let seeds = seeds(SEEDS_OF_SOUND, &[]);
    let (tally, failures) = run_all(&seeds, Kind::Sound);
    show(&failures, "however_bad");
    let frames = tally.frames;
    println!("COUNT seeds {}", tally.seeds);
    println!(
        "worlds of sound: {} seeds, {} calls, {} answered, {} records, {} of calls that the server answered, {} streams beside, {} frames, {} lost, {} repeated, {} media planes dead, {} calls lost with them, {} failures",
        tally.seeds,
        tally.calls,
        tally.answered,
        tally.records,
        tally.served,
        tally.streams,
        frames.sent,
        frames.lost,
        frames.repeated,
        frames.deaths,
        tally.media_lost,
        failures.len()
    );
    assert!(failures.is_empty(), "{} seeds failed", failures.len());
    let all = [
        tally.served,
        tally.streams,
        frames.lost,
        frames.repeated,
        frames.deaths,
        tally.media_lost,
    ];
    assert!(
        !all.contains(&0) || seeds.len() < 100,
        "{all:?}: something did not happen"
    );
}
