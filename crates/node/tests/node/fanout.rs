//! Thousands of lamps on one extension through a whole node, and calls in the midst of their NOTIFYs.

use crate::house::{House, PASSWORD};
use crate::journals::authorization;
use crate::phone::{Phone, status};
use model::Transport;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use store::{Password, Store};
use tenancy::Operator;

/// Watching users, and the subscriptions of each: as many as the policy allows.
const USERS: usize = 20;
const EACH: usize = 500;
/// Calls that are timed without lamps, and at least while lamps change.
const CALLS: usize = 100;
/// Whom they watch.
const WATCHED: &str = "1999";
/// A call that is put through within this waits for nobody's lamps. All 10,000 NOTIFYs in one piece would take longer on
/// the same machine.
const PROMPT: Duration = Duration::from_millis(400);

/// The watching phones of one user on one socket, which take every NOTIFY.
struct Watchers {
    heard: Arc<AtomicU64>,
    /// Lamps that are lit.
    lit: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// The lamps of one socket by Call-ID: the CSeq of the last NOTIFY, and whether it is lit. NOTIFYs are not counted for this: a
/// repeated one would stand for one that is still to come, and of a change that is over before it was told nothing is told.
#[derive(Default)]
struct Lamps(BTreeMap<String, (u32, bool)>);

impl Lamps {
    /// Takes a NOTIFY in; gives the lamps that are lit more by it, or less.
    fn hear(&mut self, message: &str) -> i64 {
        let field = |name: &str| {
            let mut lines = message.lines();
            let found = lines.find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            found.trim().to_owned()
        };
        let seq = field("CSeq:").split(' ').next().and_then(|seq| seq.parse().ok());
        let seq = seq.unwrap_or_default();
        let lamp = self.0.entry(field("Call-ID:")).or_default();
        if seq <= lamp.0 {
            return 0;
        }
        let before = std::mem::replace(lamp, (seq, message.contains("<state>early</state>")));
        i64::from(lamp.1) - i64::from(before.1)
    }
}

impl Watchers {
    /// So many users, who subscribe in turns: what the server tells in one go goes to all their sockets.
    fn all(house: &House) -> Vec<Watchers> {
        let user = |n: usize| (1_000 + n).to_string();
        let mut phones: Vec<Phone> = (0..USERS).map(|_| Phone::new(house, Transport::Udp)).collect();
        for _ in 0..EACH {
            for (number, phone) in phones.iter_mut().enumerate() {
                subscribe(phone, &user(number));
            }
        }
        phones.into_iter().map(Watchers::new).collect()
    }

    fn new(mut phone: Phone) -> Watchers {
        phone.set_timeout(Duration::from_millis(50));
        let [heard, lit] = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
        let stop = Arc::new(AtomicBool::new(false));
        let (count, shown, end) = (Arc::clone(&heard), Arc::clone(&lit), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut lamps = Lamps::default();
            while !end.load(Ordering::Relaxed) {
                if let Some(message) = phone.receive()
                    && message.starts_with("NOTIFY")
                {
                    phone.accept(&message, "", "");
                    count.fetch_add(1, Ordering::Relaxed);
                    shown.fetch_add(lamps.hear(&message).cast_unsigned(), Ordering::Relaxed);
                }
            }
        });
        Watchers {
            heard,
            lit,
            stop,
            thread,
        }
    }
}

/// Watches once more, and takes the first NOTIFY.
fn subscribe(phone: &mut Phone, user: &str) {
    let uri = &format!("sip:{WATCHED}@example.com");
    let extra = format!(
        "Event: dialog\r\nExpires: 3600\r\nContact: <sip:{user}@{}>\r\n",
        phone.local
    );
    let from = format!("From: <sip:{user}@example.com>");
    let ask = |phone: &Phone, extra: &str| {
        let request = phone.request("SUBSCRIBE", uri, uri, extra);
        request.replace(&format!("From: <{uri}>"), &from)
    };
    let first = ask(phone, &extra);
    let challenge = phone.ask(&first);
    let proof = authorization(user, &challenge, "SUBSCRIBE", uri);
    let second = ask(phone, &format!("{extra}{proof}"));
    assert_eq!(status(&phone.ask(&second)), 200);
    let notify = phone.expect("NOTIFY");
    phone.accept(&notify, "", "");
}

/// A call that rings.
struct Ringing<'a> {
    caller: &'a mut Phone,
    callee: &'a mut Phone,
    uri: String,
    /// As it was sent, and as it came.
    invite: String,
    arrived: String,
    /// How long it took from one to the other.
    took: Duration,
}

impl<'a> Ringing<'a> {
    /// 101 calls somebody.
    fn begin(caller: &'a mut Phone, callee: &'a mut Phone, user: &str) -> Ringing<'a> {
        let uri = format!("sip:{user}@example.com");
        let body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
        let write = |caller: &Phone, proof: &str| {
            let at = caller.local;
            let extra = format!("Contact: <sip:101@{at}>\r\nContent-Type: application/sdp\r\n{proof}");
            let request = caller.request("INVITE", &uri, &uri, &extra);
            let request = request.replace(&format!("From: <{uri}>"), "From: <sip:101@example.com>");
            let length = format!("Content-Length: {}\r\n\r\n{body}", body.len());
            request.replace("Content-Length: 0\r\n\r\n", &length)
        };
        let first = write(caller, "");
        let challenge = caller.ask(&first);
        caller.send(crate::calls::ack(&first, &challenge, &uri).as_bytes());
        let invite = write(caller, &authorization("101", &challenge, "INVITE", &uri));
        let begun = Instant::now();
        assert!(caller.send(invite.as_bytes()));
        let arrived = callee.expect("INVITE");
        let took = begun.elapsed();
        callee.answer(&arrived, "180 Ringing", "", "");
        Ringing {
            caller,
            callee,
            uri,
            invite,
            arrived,
            took,
        }
    }

    /// The phone is busy; how long the INVITE took.
    fn end(self) -> Duration {
        self.callee.answer(&self.arrived, "486 Busy Here", "", "");
        let refusal = self.caller.answer_to(&self.invite);
        assert_eq!(status(&refusal), 486);
        let ack = crate::calls::ack(&self.invite, &refusal, &self.uri);
        self.caller.send(ack.as_bytes());
        self.callee.expect("ACK");
        self.took
    }
}

fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

/// Users 1000, 1001, … who watch.
fn house() -> House {
    let dir = crate::house::data();
    {
        let mut store = Store::open(dir.path()).unwrap();
        let directory = store.directory().unwrap();
        let found = directory.by_domain("example.com").unwrap();
        let scope = Operator::local().scope(&directory, found.tenant()).unwrap();
        let password = Password::new(PASSWORD).unwrap();
        let watching = (0..USERS).map(|n| (1_000 + n).to_string());
        for name in watching.chain([WATCHED.to_owned()]) {
            let user = store.add_user(&scope, &name, "Watcher").unwrap();
            store.add_device(&scope, user, &name, &password).unwrap();
        }
    }
    House::on(dir, |_| {})
}

fn registered(house: &House, user: &str) -> Phone {
    let mut phone = Phone::new(house, Transport::Udp);
    let contact = format!("<sip:{user}@{}>;expires=3600", phone.local);
    assert_eq!(status(&phone.register_as(user, "example.com", &contact)), 200);
    phone
}

#[test]
fn ten_thousand_lamps_do_not_delay_a_call() {
    let house = house();
    let [mut caller, mut other] = [(); 2].map(|()| Phone::new(&house, Transport::Udp));
    let [mut callee, mut watched] = ["102", WATCHED].map(|user| registered(&house, user));
    let mut call = || Ringing::begin(&mut caller, &mut callee, "102").end();
    let alone: Vec<Duration> = (0..CALLS).map(|_| call()).collect();
    let watchers = Watchers::all(&house);
    let sum = |of: fn(&Watchers) -> &AtomicU64| {
        let each = watchers.iter().map(|w| of(w).load(Ordering::Relaxed));
        each.fold(0, u64::wrapping_add)
    };
    let (heard, lit) = (|| sum(|w| &w.heard), || sum(|w| &w.lit));
    let whole = u64::try_from(USERS * EACH).unwrap();
    let (mut times, begun) = (Vec::new(), Instant::now());
    let mut calls_until = |wanted: u64| {
        while lit() != wanted {
            assert!(begun.elapsed() < Duration::from_secs(60), "{} are lit", lit());
            times.push(call());
        }
    };
    // The watched phone rings until all lamps are lit, and stops until all are dark, twice.
    for _ in 0..2 {
        let rings = Ringing::begin(&mut other, &mut watched, WATCHED);
        calls_until(whole);
        rings.end();
        calls_until(0);
    }
    let (told, took) = (heard(), begun.elapsed());
    let calls = times.len();
    assert!(calls >= CALLS, "only {calls} calls while {told} were told");
    let of = |times: Vec<Duration>| (percentile(times.clone(), 50), percentile(times, 99));
    let (before, amid) = (of(alone), of(times));
    println!(
        "{calls} calls while {told} NOTIFYs went out in {took:.1?}: an INVITE took {:.1?} (p50) and {:.1?} (p99), without \
         lamps {:.1?} and {:.1?}",
        amid.0, amid.1, before.0, before.1
    );
    assert!(amid.1 < PROMPT, "an INVITE took {:?}", amid.1);
    let counts = house.live().counts().unwrap();
    assert_eq!((counts.unheard, counts.panics, counts.shed), (0, 0, 0));
    for watcher in watchers {
        watcher.stop.store(true, Ordering::Relaxed);
        watcher.thread.join().unwrap();
    }
    house.stop();
}
