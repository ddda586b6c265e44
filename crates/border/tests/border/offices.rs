//! Many phones behind one address.

use super::{REGISTER, Scene, tls, udp};
use border::{Report, Verdict};
use model::{FlowToken, Transport};

/// Phone `n` of the office.
fn phone(transport: Transport, n: u64) -> FlowToken {
    super::flow(transport, &format!("203.0.113.5:{}", 20_000 + n))
}

/// Fifty phones register anew every half minute, the first with a wrong password; how often the others did not get through in
/// two hours, and how often the first did.
fn day(scene: &mut Scene, transport: Transport) -> (usize, usize) {
    let (mut lost, mut wrong) = (0, 0);
    for _ in 0..240 {
        for n in 0..50 {
            let flow = phone(transport, n);
            // What a phone sends first has no credentials.
            scene.tries(&flow, Report::Challenged);
            match n {
                0 => wrong += usize::from(scene.tries(&flow, Report::Denied(n))),
                _ => lost += usize::from(!scene.tries(&flow, Report::Granted(n))),
            }
        }
        scene.wait(30);
    }
    (lost, wrong)
}

#[test]
fn an_office_with_one_wrong_phone_keeps_the_others() {
    for transport in [Transport::Udp, Transport::Tls] {
        let mut scene = Scene::new();
        let (lost, wrong) = day(&mut scene, transport);
        assert_eq!((lost, scene.bans()), (0, vec![]), "{transport}");
        assert!((10..240).contains(&wrong), "{transport}: {wrong} of 240");
    }
}

#[test]
fn the_wrong_phone_is_looked_at_again_when_its_lock_ends() {
    let mut scene = Scene::new();
    let flow = phone(Transport::Tls, 1);
    scene.tries(&phone(Transport::Tls, 2), Report::Granted(2));
    assert_eq!(scene.count(&flow, 0, (0..50).map(|_| Report::Denied(1))), 10);
    let Verdict::Pass { locks, .. } = scene.guard.message(&flow, REGISTER, scene.now) else {
        panic!("its source is not banned");
    };
    assert!(locks && scene.guard.is_locked(&flow, 1, scene.now));
    scene.wait(60);
    assert!(scene.tries(&flow, Report::Granted(1)));
    assert!(!scene.guard.is_locked(&flow, 1, scene.now));
}

#[test]
fn five_hundred_phones_come_back_at_once() {
    let mut scene = Scene::new();
    let all = |scene: &mut Scene, what: fn(u64) -> Report| {
        (0..500)
            .filter(|n| scene.tries(&phone(Transport::Udp, *n), what(*n)))
            .count()
    };
    // The first answers come when a hundred have asked.
    for n in 0..100 {
        assert!(scene.tries(&phone(Transport::Udp, n), Report::Challenged));
    }
    assert!(scene.tries(&phone(Transport::Udp, 0), Report::Granted(0)));
    assert_eq!(all(&mut scene, |_| Report::Challenged), 500);
    assert_eq!(all(&mut scene, Report::Granted), 500);
}

#[test]
fn a_scan_over_connections_from_within_an_office_leaves_its_phones_where_they_are() {
    let mut scene = Scene::new();
    for n in 0..50 {
        assert!(scene.tries(&phone(Transport::Tls, n), Report::Granted(n)));
    }
    let infected = tls("203.0.113.5:50000");
    assert_eq!(scene.count(&infected, 0, (1_000..2_000).map(Report::Denied)), 10);
    assert!(matches!(
        scene.guard.connect(infected.remote.ip(), scene.now),
        Verdict::Pass { emergency: true, .. }
    ));
    for n in 0..50 {
        assert!(scene.passes(&phone(Transport::Tls, n), REGISTER), "phone {n}");
    }
    assert!(!scene.passes(&udp("203.0.113.5:50000"), REGISTER));
}

#[test]
fn who_has_one_account_may_not_guess_at_others_by_it() {
    let mut scene = Scene::new();
    let flow = phone(Transport::Tls, 1);
    let mut guessed = 0;
    for _ in 0..100 {
        scene.tries(&flow, Report::Granted(1));
        guessed += scene.count(&flow, 10, (0..9).map(|_| Report::Denied(2)));
    }
    assert!(guessed <= 20, "{guessed}");
    let mut scene = Scene::new();
    let mut names = 0;
    for n in 0..100 {
        scene.tries(&flow, Report::Granted(1));
        names += usize::from(scene.tries(&phone(Transport::Tls, 99), Report::Denied(100 + n)));
    }
    assert_eq!(names, 10);
}
