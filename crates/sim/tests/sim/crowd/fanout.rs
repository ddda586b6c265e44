//! One change that thousands watch: everybody hears of it, at a pace, and calls don't wait.

use super::{Crowd, Sent, codes, place};
use model::{Limits, Policy};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

const WATCHERS: usize = 10_000;
/// Two more users call each other, and the one who is watched is called.
const WATCHED: usize = WATCHERS;
const CALLER: usize = WATCHERS + 1;
const OTHER: usize = WATCHERS + 2;
const FOURTH: usize = WATCHERS + 3;

fn notifies(sent: &Sent) -> usize {
    sent.iter().filter(|(_, text)| text.starts_with("NOTIFY")).count()
}

/// What each phone was shown last: whether the one that it watches rings.
#[derive(Default)]
struct Shown(BTreeMap<SocketAddr, bool>);

impl Shown {
    /// Every phone takes its NOTIFY, which are no more than one turn's; how many there were.
    fn take(&mut self, crowd: &mut Crowd, sent: &Sent) -> usize {
        let most = Limits::default().notifies_per_turn;
        assert!(notifies(sent) <= most, "{} at once", notifies(sent));
        for (to, text) in sent.iter().filter(|(_, text)| text.starts_with("NOTIFY")) {
            self.0.insert(*to, text.contains("<state>early</state>"));
        }
        crowd.take(sent)
    }

    fn ringing(&self) -> usize {
        self.0.values().filter(|rings| **rings).count()
    }
}

fn invited(sent: &Sent, user: usize) -> Option<String> {
    let invite = sent
        .iter()
        .find(|(to, text)| *to == place(user) && text.starts_with("INVITE"));
    invite.map(|(_, text)| text.clone())
}

/// 10,000 phones watch one extension.
fn watched() -> Crowd {
    let mut crowd = Crowd::new(WATCHERS + 4, Policy::default(), Limits::default());
    for user in [WATCHED, OTHER] {
        crowd.register(user);
    }
    for user in 0..WATCHERS {
        let text = crowd.subscribe(user, WATCHED, "dialog");
        let sent = crowd.say(user, text.as_bytes());
        assert_eq!((codes(&sent, user), crowd.take(&sent)), (vec![200], 1));
    }
    assert_eq!(crowd.tenant.held().subscriptions, WATCHERS);
    // What the SUBSCRIBEs left is over.
    crowd.rest(Duration::from_secs(40));
    assert_eq!(crowd.tenant.held().transactions, 0);
    crowd
}

/// Lets the change be told while others call, again and again; how many NOTIFYs went out and when the last did.
fn tell(crowd: &mut Crowd, shown: &mut Shown) -> (usize, Duration) {
    let (mut heard, mut calls, mut turns, mut last) = (0, 0, 0, crowd.mono);
    while let Some(sent) = crowd.turn(Duration::from_millis(300)) {
        turns += 1;
        if notifies(&sent) > 0 {
            last = crowd.mono;
        }
        heard += shown.take(crowd, &sent);
        if turns % 20 == 0 && calls < 10 {
            let text = crowd.invite(FOURTH, OTHER);
            let sent = crowd.say(FOURTH, text.as_bytes());
            let invite = invited(&sent, OTHER).expect("an INVITE in the midst of it leaves at once");
            heard += shown.take(crowd, &sent);
            let sent = crowd.respond(OTHER, &invite, 486, "");
            assert_eq!(codes(&sent, FOURTH), [486]);
            heard += shown.take(crowd, &sent);
            calls += 1;
        }
    }
    assert_eq!(calls, 10, "the change was told before the calls could be made");
    (heard, last)
}

#[test]
fn ten_thousand_watchers_of_one_phone_hear_at_a_pace_and_calls_do_not_wait() {
    let mut crowd = watched();
    let mut shown = Shown::default();
    let begun = crowd.mono;
    let text = crowd.invite(CALLER, WATCHED);
    let sent = crowd.say(CALLER, text.as_bytes());
    let invite = invited(&sent, WATCHED).expect("the INVITE leaves at once");
    let mut heard = shown.take(&mut crowd, &sent);
    let sent = crowd.respond(WATCHED, &invite, 180, "");
    assert_eq!(codes(&sent, CALLER), [180]);
    heard += shown.take(&mut crowd, &sent);
    let (more, last) = tell(&mut crowd, &mut shown);
    heard += more;
    // Ringing is one document, or two where a phone was told before the 180.
    assert!((WATCHERS..=2 * WATCHERS).contains(&heard), "{heard} NOTIFYs");
    assert_eq!(shown.ringing(), WATCHERS);
    let took = last - begun;
    assert!(
        took <= Duration::from_secs(4),
        "the last phone heard after {took:?}"
    );
    println!("{heard} NOTIFYs to {WATCHERS} phones within {took:?}");
    // It stops to ring, and that is told, too, while half of them have not heard of the next call yet.
    let sent = crowd.respond(WATCHED, &invite, 486, "");
    shown.take(&mut crowd, &sent);
    for _ in 0..100 {
        let sent = crowd.turn(Duration::from_millis(300)).expect("more to tell");
        shown.take(&mut crowd, &sent);
    }
    let text = crowd.invite(CALLER, WATCHED);
    let sent = crowd.say(CALLER, text.as_bytes());
    let invite = invited(&sent, WATCHED).expect("the INVITE leaves at once");
    shown.take(&mut crowd, &sent);
    let sent = crowd.respond(WATCHED, &invite, 180, "");
    shown.take(&mut crowd, &sent);
    tell(&mut crowd, &mut shown);
    assert_eq!(shown.ringing(), WATCHERS, "the last word reaches everybody");
}
