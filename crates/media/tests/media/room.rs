//! Rooms: each member says a tone of its own, and is shown to hear those that it should and no other.

use crate::phone::{Phone, TICK, share, voice};
use crate::world::{World, ip};
use model::{
    Codec, Item, Leg, MediaCommand, MediaReport, MediaSessionId, Over, Playlist, Program, RoomId, Seat,
    Seats, TenantId, Voice,
};

pub(crate) const RELAY: &str = "198.51.100.1";
pub(crate) const BOTH: Seat = Seat {
    speaks: true,
    hears: true,
};
pub(crate) const EARS: Seat = Seat {
    speaks: false,
    hears: true,
};
pub(crate) const MOUTH: Seat = Seat {
    speaks: true,
    hears: false,
};
const NONE: Seat = Seat {
    speaks: false,
    hears: false,
};

pub(crate) fn room(tenant: u64, number: u64) -> RoomId {
    RoomId {
        tenant: TenantId(tenant),
        number,
    }
}

/// A phone in a session of its own on one of the relays.
pub(crate) struct Guest {
    pub(crate) relay: usize,
    pub(crate) id: MediaSessionId,
    pub(crate) phone: Phone,
    /// It sends, this loud.
    pub(crate) gain: Option<f64>,
}

/// Relays of one node, and phones that are in sessions with one leg.
pub(crate) struct Hall {
    pub(crate) worlds: Vec<World>,
    pub(crate) guests: Vec<Guest>,
    /// Relays that hear nothing of the others.
    pub(crate) cut: Vec<usize>,
}

impl Hall {
    pub(crate) fn new(relays: usize) -> Hall {
        let world = |n: usize| {
            let mut world = World::new(10_000, 19_999);
            world.relay.set_worker(u16::try_from(n).unwrap());
            world
        };
        Hall {
            worlds: (0..relays).map(world).collect(),
            guests: Vec::new(),
            cut: Vec::new(),
        }
    }

    /// A phone that says a sine in a session on this relay.
    pub(crate) fn guest(&mut self, relay: usize, voice: Voice, hz: f64) -> usize {
        let number = self.guests.len();
        let id = MediaSessionId(100 + u64::try_from(number).unwrap());
        let world = &mut self.worlds[relay];
        world.command(MediaCommand::Serve {
            session: id,
            ip: ip(RELAY),
            silence_s: 0,
            ssrc: 0x1000 + u32::try_from(number).unwrap(),
        });
        let Some(MediaReport::Serving { address, .. }) = world.reports.pop() else {
            panic!("not served");
        };
        let mut phone = Phone::new(&format!("192.0.2.30:{}", 4000 + 2 * number), voice, hz);
        phone.relay = address;
        self.guests.push(Guest {
            relay,
            id,
            phone,
            gain: Some(1.0),
        });
        self.describe(number, true);
        number
    }

    /// A guest describes itself; on hold without an address.
    pub(crate) fn describe(&mut self, guest: usize, is_here: bool) {
        let Guest { relay, id, phone, .. } = &self.guests[guest];
        let command = MediaCommand::Remote {
            session: *id,
            leg: Leg::Caller,
            rtp: is_here.then_some(phone.at),
            rtcp: None,
            signalling_ip: phone.at.ip(),
            srtp: None,
            web: None,
            voice: is_here.then(|| Box::new(phone.voice.clone())),
        };
        self.worlds[*relay].command(command);
    }

    pub(crate) fn join(&mut self, guest: usize, seats: Option<Seats>) {
        let Guest { relay, id, .. } = self.guests[guest];
        self.worlds[relay].command(MediaCommand::Join { session: id, seats });
    }

    /// Takes guests into a room.
    pub(crate) fn seat(&mut self, guests: impl IntoIterator<Item = usize>, room: RoomId, seat: Seat) {
        for guest in guests {
            self.join(guest, Some(seats(room, seat)));
        }
    }

    /// So many ticks.
    pub(crate) fn talk(&mut self, ticks: u32) {
        for _ in 0..ticks {
            for guest in &mut self.guests {
                let Some(gain) = guest.gain else { continue };
                let mut sound = guest.phone.sound();
                sound.iter_mut().for_each(|s| *s = (f64::from(*s) * gain) as i16);
                let packet = guest.phone.say(&sound);
                let at = guest.phone.at.to_string();
                let forward = self.worlds[guest.relay].carry(&at, guest.phone.relay, &packet);
                assert!(forward.is_none());
            }
            for world in &mut self.worlds {
                world.advance(TICK);
            }
            self.exchange();
            self.deliver();
        }
    }

    fn deliver(&mut self) {
        for (relay, world) in self.worlds.iter_mut().enumerate() {
            while let Some(frame) = world.relay.poll_frame() {
                let mut guests = self.guests.iter_mut();
                let guest = guests
                    .find(|guest| guest.relay == relay && guest.phone.at == frame.to)
                    .unwrap();
                guest.phone.hear(&frame.octets);
            }
        }
    }

    /// What relays have for each other.
    fn exchange(&mut self) {
        loop {
            let mut count = 0;
            for from in 0..self.worlds.len() {
                let frames = std::mem::take(&mut self.worlds[from].rooms);
                count += frames.len();
                for (to, frame) in frames {
                    for (at, world) in self.worlds.iter_mut().enumerate() {
                        let is_for = to.is_none_or(|to| usize::from(to) == at);
                        if at != from && is_for && !self.cut.contains(&at) {
                            world.relay.room_frame(&frame, world.now);
                            world.drain();
                        }
                    }
                }
            }
            if count == 0 {
                return;
            }
        }
    }

    /// Who of the guests is in the last second of what one hears, and how much, of all.
    pub(crate) fn hears(&self, listener: usize) -> Vec<f64> {
        let share = |guest: &Guest| self.guests[listener].phone.share(guest.phone.hz(), 1000);
        self.guests.iter().map(share).collect()
    }

    /// The listener hears these guests alike, and no other.
    #[track_caller]
    pub(crate) fn assert_hears(&self, listener: usize, wanted: &[usize]) {
        let heard = self.hears(listener);
        for (guest, share) in heard.iter().enumerate() {
            let is_wanted = wanted.contains(&guest);
            let even = 1.0 / wanted.len().max(1) as f64;
            match is_wanted {
                true => assert!(
                    *share > even * 0.6,
                    "{listener} hears too little of {guest}: {heard:?}"
                ),
                false => assert!(*share < 0.02, "{listener} hears {guest}: {heard:?}"),
            }
        }
        if wanted.is_empty() {
            let heard = &self.guests[listener].phone.heard;
            let last = &heard[heard.len().saturating_sub(4000)..];
            assert!(last.iter().all(|s| s.abs() < 50), "{listener} hears something");
        }
    }

    pub(crate) fn forget(&mut self) {
        self.guests.iter_mut().for_each(|guest| guest.phone.heard.clear());
    }
}

pub(crate) fn seats(room: RoomId, caller: Seat) -> Seats {
    Seats {
        room,
        caller,
        callee: NONE,
        chimes: false,
    }
}

/// Pitches that no two of which are each other's overtone.
pub(crate) const PITCHES: [f64; 10] = [
    310.0, 430.0, 570.0, 730.0, 910.0, 1130.0, 1390.0, 1670.0, 1990.0, 2390.0,
];

/// A conference of guests with these codecs.
fn conference(codecs: &[Codec]) -> Hall {
    let mut hall = Hall::new(1);
    for (codec, hz) in codecs.iter().zip(PITCHES) {
        hall.guest(0, voice(*codec), hz);
    }
    hall.seat(0..codecs.len(), room(1, 1), BOTH);
    hall
}

#[test]
fn each_of_a_conference_hears_the_others_and_not_itself() {
    let mixed = [Codec::Pcmu, Codec::G722, Codec::Opus, Codec::Pcma];
    let conferences = Codec::ALL.map(|codec| [codec; 4]);
    for codecs in conferences.iter().chain([&mixed]) {
        let mut hall = conference(codecs);
        hall.talk(100);
        for listener in 0..4 {
            let others: Vec<usize> = (0..4).filter(|n| *n != listener).collect();
            hall.assert_hears(listener, &others);
        }
    }
}

#[test]
fn what_is_sent_is_one_stream_without_a_gap() {
    let mut hall = conference(&[Codec::Pcmu, Codec::G722, Codec::Opus, Codec::Opus]);
    for turn in 0..8 {
        // Who speaks leaves the common stream, and comes back.
        for (n, guest) in hall.guests.iter_mut().enumerate() {
            guest.gain = Some(if n == turn % 4 { 1.0 } else { 0.0 });
        }
        hall.talk(100);
    }
    for guest in &hall.guests {
        let units = guest.phone.voice.codec.clock_hz() / 50;
        assert!(guest.phone.headers.len() > 790);
        for pair in guest.phone.headers.windows(2) {
            assert_eq!(pair[1].seq, pair[0].seq.wrapping_add(1));
            assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(units));
            assert_eq!((pair[1].ssrc, pair[1].marker), (pair[0].ssrc, false));
        }
    }
}

#[test]
fn who_is_mute_is_not_heard_and_who_is_deaf_hears_nothing() {
    let mut hall = conference(&[Codec::Pcmu, Codec::G722, Codec::Pcmu, Codec::Opus]);
    hall.seat([0], room(1, 1), EARS);
    hall.seat([1], room(1, 1), MOUTH);
    hall.talk(100);
    hall.assert_hears(0, &[1, 2, 3]);
    hall.assert_hears(2, &[1, 3]);
    hall.assert_hears(3, &[1, 2]);
    assert!(hall.guests[1].phone.heard.is_empty());
    // And back.
    hall.seat([0, 1], room(1, 1), BOTH);
    hall.talk(100);
    hall.assert_hears(1, &[0, 2, 3]);
    hall.assert_hears(2, &[0, 1, 3]);
}

#[test]
fn who_is_on_hold_neither_speaks_nor_hears() {
    let mut hall = conference(&[Codec::Pcmu, Codec::Opus, Codec::G722]);
    hall.talk(50);
    hall.describe(1, false);
    hall.guests[1].phone.heard.clear();
    hall.talk(100);
    assert!(hall.guests[1].phone.heard.is_empty());
    hall.assert_hears(0, &[2]);
    hall.assert_hears(2, &[0]);
    hall.describe(1, true);
    hall.talk(100);
    hall.assert_hears(0, &[1, 2]);
    hall.assert_hears(1, &[0, 2]);
}

#[test]
fn the_loudest_of_ten_are_heard() {
    let mut hall = conference(&[Codec::Pcmu; 10]);
    for (n, guest) in hall.guests.iter_mut().enumerate() {
        // 2, 5, 7 and 8 are 10 dB louder than the rest.
        guest.gain = Some(if [2, 5, 7, 8].contains(&n) { 0.5 } else { 0.15 });
    }
    hall.talk(100);
    hall.assert_hears(0, &[2, 5, 7, 8]);
    hall.assert_hears(5, &[2, 7, 8]);
    let spoken = hall.worlds[0].reports.iter().filter(|report| {
        matches!(report, MediaReport::Speaks { session, room: at }
            if [102, 105, 107, 108].contains(&session.0) && *at == room(1, 1))
    });
    let count = spoken.count();
    assert!((1..=5).contains(&count), "{count} speakers told in 2 s");
}

/// The largest step from sample to sample.
fn step(heard: &[i16]) -> i32 {
    let steps = heard
        .windows(2)
        .map(|w| (i32::from(w[1]) - i32::from(w[0])).abs());
    steps.max().unwrap()
}

#[test]
fn coming_and_going_in_mid_word_does_not_click() {
    for codec in [Codec::Pcmu, Codec::G722] {
        let mut hall = Hall::new(1);
        for hz in [200.0, 230.0, 260.0] {
            hall.guest(0, voice(codec), hz);
        }
        hall.seat([0, 1], room(1, 1), BOTH);
        hall.talk(50);
        hall.guests[0].phone.heard.clear();
        for turn in 0..10 {
            match turn % 4 {
                0 => hall.seat([2], room(1, 1), BOTH),
                1 => hall.join(2, None),
                2 => hall.seat([2], room(1, 1), BOTH),
                _ => hall.seat([2], room(1, 1), EARS),
            }
            hall.talk(7);
        }
        let heard = &hall.guests[0].phone.heard;
        // Two sines of 8,000, of 230 and 260 Hz.
        let rate_hz = f64::from(hall.guests[0].phone.rate_hz);
        let smooth = std::f64::consts::TAU * 8000.0 * (230.0 + 260.0) / rate_hz;
        assert!(
            f64::from(step(heard)) < smooth * 1.5,
            "{codec:?}: {} {smooth}",
            step(heard)
        );
        let peak = heard.iter().map(|s| i32::from(*s).abs()).max().unwrap();
        assert!(peak > 12_000, "both are heard at times: {peak}");
    }
}

/// A listener who says a word leaves the shared stream and comes back to it: what it hears goes on.
#[test]
fn to_leave_the_shared_stream_is_not_heard() {
    for codec in [Codec::Pcmu, Codec::G722, Codec::Opus] {
        let mut hall = conference(&[Codec::Pcma, codec, codec, codec]);
        hall.guests[1].gain = Some(0.0);
        hall.guests[2].gain = Some(0.0);
        hall.guests[3].gain = Some(0.0);
        hall.talk(70);
        let before = hall.guests[1].phone.heard.len();
        for _ in 0..3 {
            hall.guests[1].gain = Some(0.3);
            hall.talk(20);
            hall.guests[1].gain = Some(0.0);
            hall.talk(150);
        }
        let phone = &hall.guests[1].phone;
        let heard = &phone.heard[before..];
        let peak = heard.iter().map(|s| i32::from(*s).abs()).max().unwrap();
        assert!((7500..9000).contains(&peak), "{codec:?}: {peak}");
        let size = usize::try_from(phone.rate_hz / 10).unwrap();
        for (n, part) in heard.chunks_exact(size).enumerate() {
            let found = share(part, PITCHES[0], phone.rate_hz);
            assert!(found > 0.9, "{codec:?} {n}: {found}");
        }
        // Behind a pause all hear the same octets again.
        hall.guests[0].gain = Some(0.0);
        hall.talk(150);
        hall.guests[0].gain = Some(1.0);
        hall.talk(50);
        let last = |n: usize| {
            let heard = &hall.guests[n].phone.heard;
            &heard[heard.len() - 4000..]
        };
        assert_eq!(last(1), last(2), "{codec:?}");
    }
}

#[test]
fn a_page_reaches_fifty_phones() {
    let mut hall = Hall::new(1);
    hall.guest(0, voice(Codec::G722), 440.0);
    for n in 0..50 {
        let codec = Codec::ALL[n % 4];
        hall.guest(0, voice(codec), 2000.0);
    }
    hall.seat([0], room(1, 9), MOUTH);
    hall.seat(1..51, room(1, 9), EARS);
    hall.talk(100);
    for guest in &hall.guests[1..] {
        assert!(
            guest.phone.share(440.0, 1000) > 0.97,
            "{:?}",
            guest.phone.voice.codec
        );
    }
    // One encoding for all of a codec.
    for n in 5..51 {
        assert_eq!(hall.guests[n].phone.heard, hall.guests[n - 4].phone.heard);
    }
    assert!(hall.guests[0].phone.heard.is_empty());
}

#[test]
fn five_hundred_find_a_place_and_no_more() {
    let mut hall = Hall::new(1);
    for n in 0..501 {
        hall.guest(0, voice(Codec::Pcmu), if n == 0 { 440.0 } else { 800.0 });
        hall.guests[n].gain = None;
    }
    hall.seat(0..501, room(1, 1), BOTH);
    let refused = MediaReport::Unseated {
        session: MediaSessionId(600),
        room: room(1, 1),
    };
    assert_eq!(hall.worlds[0].reports, std::slice::from_ref(&refused));
    let counts = hall.worlds[0].relay.counts();
    assert_eq!((counts.rooms, counts.seated, counts.unseated), (1, 500, 1));
    // Phones have to say something to be believed.
    hall.guests.iter_mut().for_each(|guest| guest.gain = Some(0.0));
    hall.guests[0].gain = Some(1.0);
    hall.talk(60);
    for listener in [1, 250, 499] {
        assert!(hall.guests[listener].phone.share(440.0, 800) > 0.97);
    }
    assert!(hall.guests[500].phone.heard.is_empty());
    // Who goes makes room.
    hall.join(3, None);
    hall.seat([500], room(1, 1), BOTH);
    hall.talk(60);
    assert!(hall.guests[500].phone.share(440.0, 800) > 0.97);
    // A session that closes has left; an empty room is none.
    for guest in 0..501 {
        let session = hall.guests[guest].id;
        hall.worlds[0].command(MediaCommand::Close { session });
    }
    let counts = hall.worlds[0].relay.counts();
    assert_eq!((counts.rooms, counts.seated), (0, 0));
}

#[test]
fn rooms_of_two_tenants_never_meet() {
    let mut hall = conference(&[Codec::Pcmu, Codec::Opus, Codec::Pcmu, Codec::G722]);
    hall.seat([0, 1], room(1, 5), BOTH);
    hall.seat([2, 3], room(2, 5), BOTH);
    hall.talk(100);
    for (listener, other) in [(0, 1), (1, 0), (2, 3), (3, 2)] {
        hall.assert_hears(listener, &[other]);
    }
}

#[test]
fn members_hear_who_comes_and_goes() {
    let mut hall = Hall::new(1);
    for (n, codec) in [Codec::Pcmu, Codec::G722, Codec::Pcmu].into_iter().enumerate() {
        hall.guest(0, voice(codec), PITCHES[n]);
        hall.guests[n].gain = Some(0.0);
    }
    hall.seat([0, 1], room(1, 1), BOTH);
    hall.talk(50);
    hall.assert_hears(0, &[]);
    let chimes = Seats {
        chimes: true,
        ..seats(room(1, 1), BOTH)
    };
    for (seats, first, then) in [(Some(chimes), 660.0, 880.0), (None, 880.0, 660.0)] {
        hall.forget();
        hall.join(2, seats);
        hall.talk(20);
        for guest in &hall.guests[..2] {
            let ms = |ms: u32| usize::try_from(guest.phone.rate_hz / 1000 * ms).unwrap();
            let heard = &guest.phone.heard;
            assert!(share(&heard[ms(20)..ms(90)], first, guest.phone.rate_hz) > 0.9);
            assert!(share(&heard[ms(140)..ms(220)], then, guest.phone.rate_hz) > 0.9);
            assert!(heard[ms(280)..].iter().all(|s| s.abs() < 50));
        }
        hall.talk(50);
    }
}

/// A member may be played to while the others go on, and hears them again behind it.
#[test]
fn a_program_is_for_one_member_alone() {
    let mut hall = conference(&[Codec::Pcmu, Codec::Opus, Codec::Pcmu]);
    hall.talk(60);
    let tone = Item::Tone {
        tone: model::ToneName::Dial,
        country: "de".into(),
        ms: 2000,
    };
    let session = hall.guests[0].id;
    hall.worlds[0].command(MediaCommand::Play {
        session,
        leg: Leg::Caller,
        id: 1,
        program: Some(Program::Play(Playlist {
            items: vec![tone],
            times: 1,
        })),
        over: Over::Instead,
    });
    hall.talk(90);
    assert!(hall.guests[0].phone.share(425.0, 1000) > 0.97);
    hall.assert_hears(1, &[0, 2]);
    hall.talk(70);
    hall.assert_hears(0, &[1, 2]);
}

/// One that floods its port is heard as itself, and the others as ever.
#[test]
fn a_flood_disturbs_nobody() {
    let mut hall = conference(&[Codec::Pcmu, Codec::Pcmu, Codec::G722]);
    for _ in 0..100 {
        for _ in 0..20 {
            let guest = &mut hall.guests[0];
            let packet = guest.phone.speak();
            let at = guest.phone.at.to_string();
            hall.worlds[0].carry(&at, guest.phone.relay, &packet);
        }
        hall.talk(1);
    }
    let heard = hall.hears(2);
    assert!(heard[1] > 0.3 && heard[2] < 0.02, "{heard:?}");
    assert!(hall.guests[1].phone.share(hall.guests[2].phone.hz(), 1000) > 0.3);
    let frames = hall.guests[2].phone.headers.len();
    assert!((95..=100).contains(&frames), "{frames}");
}
