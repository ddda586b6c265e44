//! Each reason why audio does not arrive is named within three seconds, with its side, and taken back when it heals.

use crate::world::{World, above, addr, rtp};
use media::diagnose::{Evidence, diagnose};
use model::{AudioFault, AudioTrouble, Leg, MediaReport, MediaSessionId};
use std::net::SocketAddr;
use std::time::Duration;

const CALLER: &str = "192.0.2.10:4000";
const CALLEE: &str = "203.0.113.20:6000";
const MS: Duration = Duration::from_millis(1);

struct Call {
    world: World,
    to_caller: SocketAddr,
    to_callee: SocketAddr,
    seq: u16,
}

impl Call {
    fn new() -> Call {
        Call::described(CALLER, "192.0.2.10")
    }

    /// The caller describes this address and its signalling comes from that host.
    fn described(caller: &str, signalling: &str) -> Call {
        let mut world = World::new(40000, 40099);
        world.open(1, 0);
        let (to_caller, to_callee) = world.opened();
        world.remote(1, Leg::Caller, Some(caller), signalling);
        world.remote(1, Leg::Callee, Some(CALLEE), "203.0.113.20");
        world.watch(1, false);
        let seq = 0;
        Call {
            world,
            to_caller,
            to_callee,
            seq,
        }
    }

    /// So much time passes; each packet time, the callee and these say something.
    fn run(&mut self, ms: u32, also: &[(&str, SocketAddr, &[u8])]) {
        for _ in 0..ms / 20 {
            self.seq += 1;
            self.world.advance(MS * 20);
            self.world.send(CALLEE, self.to_callee, &rtp(self.seq));
            for (from, to, packet) in also {
                let voice = rtp(self.seq);
                let packet = if packet.is_empty() { &voice } else { *packet };
                self.world.send(from, *to, packet);
            }
        }
    }

    /// What was diagnosed since the last time: side, reason, where strays came from.
    fn told(&mut self) -> Vec<Vec<(Leg, AudioFault, Option<String>)>> {
        let told = std::mem::take(&mut self.world.reports).into_iter();
        told.map(|report| match report {
            MediaReport::Diagnosed { session, troubles } => {
                assert_eq!(session, MediaSessionId(1));
                let what = |t: &AudioTrouble| (t.leg, t.fault, t.from.map(|from| from.to_string()));
                troubles.iter().map(what).collect()
            }
            other => panic!("{other:?}"),
        })
        .collect()
    }

    /// The one fault of the caller's side that is told within three seconds, while this is sent.
    fn fault(&mut self, also: &[(&str, SocketAddr, &[u8])]) -> (AudioFault, Option<String>) {
        self.run(3000, also);
        let told = self.told();
        let [first] = &told[..] else { panic!("{told:?}") };
        let [(Leg::Caller, fault, from)] = &first[..] else {
            panic!("{first:?}")
        };
        (*fault, from.clone())
    }

    /// The caller is heard at last, and that is told once.
    fn heals(&mut self, from: &str) {
        let to = self.to_caller;
        self.run(2000, &[(from, to, &[])]);
        assert_eq!(self.told(), [vec![]]);
        self.run(60_000, &[]);
        assert_eq!(
            self.told(),
            Vec::<Vec<_>>::new(),
            "later silence is the silence timer's"
        );
    }
}

#[test]
fn a_call_that_is_heard_both_ways_has_no_diagnosis() {
    let mut call = Call::new();
    let to = call.to_caller;
    call.run(10_000, &[(CALLER, to, &[])]);
    assert_eq!(call.told(), Vec::<Vec<_>>::new());
}

#[test]
fn nothing_received_is_told_in_time_and_once_and_heals() {
    let mut call = Call::new();
    call.run(2400, &[]);
    assert_eq!(call.told(), Vec::<Vec<_>>::new());
    call.run(600, &[]);
    assert_eq!(call.told(), [[(Leg::Caller, AudioFault::NothingReceived, None)]]);
    call.run(20_000, &[]);
    assert_eq!(call.told(), Vec::<Vec<_>>::new(), "not again while it stays so");
    call.heals(CALLER);
}

#[test]
fn both_sides_may_be_at_fault() {
    let mut call = Call::new();
    call.world.advance(MS * 3000);
    let told = call.told();
    let both = [
        (Leg::Caller, AudioFault::NothingReceived, None),
        (Leg::Callee, AudioFault::NothingReceived, None),
    ];
    assert_eq!(told, [both]);
    // One heals, then the other.
    let to = call.to_caller;
    call.run(1500, &[]);
    assert_eq!(call.told(), [[(Leg::Caller, AudioFault::NothingReceived, None)]]);
    call.run(1500, &[(CALLER, to, &[])]);
    assert_eq!(call.told(), [vec![]]);
}

#[test]
fn an_unexpected_host_is_named() {
    let mut call = Call::new();
    let to = call.to_caller;
    let told = call.fault(&[("198.51.100.77:4000", to, &[])]);
    assert_eq!(
        told,
        (AudioFault::UnexpectedHost, Some("198.51.100.77:4000".into()))
    );
    call.heals(CALLER);
}

#[test]
fn a_private_address_that_nothing_comes_from_is_named() {
    for address in [
        "10.0.0.5:4000",
        "192.168.1.9:4000",
        "100.64.3.3:4000",
        "[fd00::5]:4000",
    ] {
        let mut call = Call::described(address, "192.0.2.10");
        assert_eq!(call.fault(&[]), (AudioFault::PrivateAddress, None));
    }
    // A phone behind NAT is heard from where its signalling comes from, and all is well.
    let mut call = Call::described("10.0.0.5:4000", "192.0.2.10");
    let to = call.to_caller;
    call.run(3000, &[("192.0.2.10:51000", to, &[])]);
    assert_eq!(call.told(), Vec::<Vec<_>>::new());
    // In one's own network a private address is as good as any.
    let mut call = Call::described("10.0.0.5:4000", "10.0.0.5");
    assert_eq!(call.fault(&[]), (AudioFault::NothingReceived, None));
}

#[test]
fn audio_on_the_port_of_rtcp_or_of_the_other_side_is_named() {
    let mut call = Call::new();
    let control = above(call.to_caller);
    let told = call.fault(&[(CALLER, control, &[])]);
    assert_eq!(told, (AudioFault::WrongPort, Some(CALLER.into())));
    call.heals(CALLER);

    let mut call = Call::new();
    let other = call.to_callee;
    let told = call.fault(&[(CALLER, other, &[])]);
    assert_eq!(told, (AudioFault::WrongPort, Some(CALLER.into())));
    call.heals(CALLER);
}

#[test]
fn what_is_no_audio_is_named() {
    let mut call = Call::new();
    let to = call.to_caller;
    assert_eq!(call.fault(&[(CALLER, to, b"no packet")]).0, AudioFault::NotAudio);
    call.heals(CALLER);
}

#[test]
fn a_leg_without_an_address_is_named_and_a_held_one_is_not() {
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    let (_, to_callee) = world.opened();
    world.remote(1, Leg::Callee, Some(CALLEE), "203.0.113.20");
    world.watch(1, false);
    for seq in 0..150 {
        world.advance(MS * 20);
        world.send(CALLEE, to_callee, &rtp(seq));
    }
    let none = |leg| AudioTrouble {
        leg,
        fault: AudioFault::NoAddress,
        from: None,
        healed: false,
    };
    let told = |troubles| MediaReport::Diagnosed {
        session: MediaSessionId(1),
        troubles,
    };
    assert_eq!(world.reports, [told(vec![none(Leg::Caller)])]);

    let mut call = Call::new();
    call.world.remote(1, Leg::Caller, None, "192.0.2.10");
    call.run(10_000, &[]);
    assert_eq!(call.told(), Vec::<Vec<_>>::new(), "its description says so");
}

#[test]
fn hold_waits_and_its_end_gives_another_two_and_a_half_seconds() {
    let mut call = Call::new();
    call.run(1000, &[]);
    call.world.watch(1, true);
    call.run(10_000, &[]);
    assert_eq!(call.told(), Vec::<Vec<_>>::new());
    call.world.watch(1, false);
    call.run(2400, &[]);
    assert_eq!(call.told(), Vec::<Vec<_>>::new());
    call.world.watch(1, false);
    call.run(600, &[]);
    assert_eq!(call.told(), [[(Leg::Caller, AudioFault::NothingReceived, None)]]);
}

#[test]
fn a_new_address_is_judged_anew() {
    let mut call = Call::new();
    let to = call.to_caller;
    call.run(5000, &[(CALLER, to, &[])]);
    call.world
        .remote(1, Leg::Caller, Some("192.0.2.10:4444"), "192.0.2.10");
    assert_eq!(call.fault(&[]), (AudioFault::NothingReceived, None));
    call.heals("192.0.2.10:4444");
}

#[test]
fn a_session_that_is_closed_or_not_answered_is_not_judged() {
    let mut call = Call::new();
    call.world.close(1);
    assert_eq!(call.world.relay.poll_timeout(), None);
    let mut world = World::new(40000, 40099);
    world.open(1, 0);
    world.opened();
    assert_eq!(world.relay.poll_timeout(), None);
}

/// Every cause alone, and which one is named where several are seen.
#[test]
fn the_nearest_cause_is_named_first() {
    let other = Evidence {
        received: 100,
        ..Evidence::default()
    };
    let silent = Evidence {
        described: Some(addr(CALLER)),
        signalling: Some(addr(CALLER).ip()),
        address: Some(addr(CALLER)),
        ..Evidence::default()
    };
    let fault = |own: Evidence| diagnose(&own, &other);
    assert_eq!(fault(silent), Some(AudioFault::NothingReceived));
    let mut own = silent;
    own.foreign = 1;
    assert_eq!(fault(own), Some(AudioFault::NotAudio));
    own.strangers = 1;
    assert_eq!(fault(own), Some(AudioFault::UnexpectedHost));
    own.misplaced = 1;
    assert_eq!(fault(own), Some(AudioFault::WrongPort));
    own.refused = 1;
    assert_eq!(fault(own), Some(AudioFault::WrongKeys));
    own.received = 1;
    assert_eq!(fault(own), None, "what is heard is heard");
    own.address = None;
    assert_eq!(fault(own), Some(AudioFault::NoAddress));
    assert_eq!(
        diagnose(&own, &Evidence::default()),
        None,
        "nobody says anything to it"
    );
    own.held = true;
    assert_eq!(fault(own), None);
}
