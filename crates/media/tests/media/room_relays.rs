//! Rooms over several relays, calls that are listened to, and rooms that people come to and leave at random.

use crate::phone::{Call, ID, TICK, voice};
use crate::room::{BOTH, EARS, Hall, MOUTH, PITCHES, room, seats};
use media::RoomFrame;
use model::{Codec, Leg, MediaCommand, MediaReport, Seats};
use std::sync::Arc;
use std::time::Duration;

/// Guests on these relays, in one room.
fn spread(places: &[(usize, Codec)], relays: usize) -> Hall {
    let mut hall = Hall::new(relays);
    for ((relay, codec), hz) in places.iter().zip(PITCHES) {
        let guest = hall.guest(*relay, voice(*codec), hz);
        hall.guests[guest].gain = Some(0.5);
    }
    hall.seat(0..places.len(), room(1, 1), BOTH);
    hall
}

fn others(of: usize, count: usize) -> Vec<usize> {
    (0..count).filter(|n| *n != of).collect()
}

#[test]
fn everybody_hears_everybody_else_once() {
    let places = [
        (0, Codec::Pcmu),
        (1, Codec::Pcmu),
        (0, Codec::G722),
        (1, Codec::Opus),
        (2, Codec::Pcma),
    ];
    for count in 2..=places.len() {
        let mut hall = spread(&places[..count], 3);
        hall.talk(120);
        for listener in 0..count {
            hall.assert_hears(listener, &others(listener, count));
            // Once: twice a tone a tick apart would be louder, or fainter.
            let heard = &hall.guests[listener].phone.heard;
            let last = &heard[heard.len() - 4000..];
            let mean = last.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / last.len() as f64;
            let one = 4000_f64.powi(2) / 2.0;
            let heard = mean / one;
            let wanted = (count - 1) as f64;
            assert!(
                (heard / wanted - 1.0).abs() < 0.2,
                "{listener}: {heard} of {wanted}"
            );
        }
        assert_eq!(hall.worlds[0].relay.counts().room_frames_dropped, 0);
    }
}

#[test]
fn a_relay_that_is_gone_is_missed_and_forgotten_and_found_again() {
    let mut hall = spread(&[(0, Codec::Pcmu), (0, Codec::Pcmu), (1, Codec::Pcmu)], 2);
    hall.talk(80);
    hall.assert_hears(0, &[1, 2]);
    hall.cut = vec![0, 1];
    hall.talk(200);
    hall.assert_hears(0, &[1]);
    hall.assert_hears(1, &[0]);
    hall.assert_hears(2, &[]);
    hall.cut.clear();
    hall.talk(130);
    hall.assert_hears(0, &[1, 2]);
    hall.assert_hears(2, &[0, 1]);
    // A room that is closed there says so at once.
    hall.join(2, None);
    hall.talk(60);
    hall.assert_hears(0, &[1]);
}

#[test]
fn a_room_of_one_relay_bothers_the_others_once_a_second() {
    let mut hall = Hall::new(1);
    hall.guest(0, voice(Codec::Pcmu), 440.0);
    hall.guest(0, voice(Codec::Pcmu), 800.0);
    hall.seat([0, 1], room(1, 1), BOTH);
    let world = &mut hall.worlds[0];
    let mut told = 0;
    for _ in 0..150 {
        world.advance(Duration::from_millis(20));
        told += world.rooms.drain(..).count();
    }
    assert!((3..=5).contains(&told), "{told}");
}

#[test]
fn the_limit_counts_members_on_all_relays() {
    let mut hall = Hall::new(1);
    hall.guest(0, voice(Codec::Pcmu), 440.0);
    hall.guest(0, voice(Codec::Pcmu), 800.0);
    hall.seat([0], room(1, 1), BOTH);
    let frame = Arc::new(RoomFrame {
        room: room(1, 1),
        from: 7,
        members: 499,
        at: Duration::ZERO,
        narrow: None,
        wide: None,
    });
    let now = hall.worlds[0].now;
    hall.worlds[0].relay.room_frame(&frame, now);
    hall.seat([1], room(1, 1), BOTH);
    let refused = MediaReport::Unseated {
        session: hall.guests[1].id,
        room: room(1, 1),
    };
    hall.worlds[0].drain();
    assert_eq!(hall.worlds[0].reports, [refused]);
}

/// Frames that are too many, too long, too short, from ourselves, or of rooms that are not here.
#[test]
fn odd_frames_of_other_relays_do_no_harm() {
    let mut hall = Hall::new(1);
    hall.guest(0, voice(Codec::G722), 440.0);
    hall.guest(0, voice(Codec::Pcmu), 800.0);
    hall.seat([0, 1], room(1, 1), BOTH);
    let now = hall.worlds[0].now;
    for n in 0..500_u16 {
        let said: Arc<[i16]> = vec![i16::MIN; usize::from(n)].into();
        let frame = Arc::new(RoomFrame {
            room: room(1, u64::from(n % 3)),
            from: n % 100,
            members: n % 7,
            at: Duration::from_secs(u64::from(n % 2) * 1000),
            narrow: Some(Arc::clone(&said)),
            wide: (n % 2 == 0).then_some(said),
        });
        hall.worlds[0].relay.room_frame(&frame, now);
    }
    assert!(hall.worlds[0].relay.counts().room_frames_dropped > 0);
    hall.worlds[0].drain();
    hall.worlds[0].rooms.clear();
    hall.talk(300);
    hall.assert_hears(0, &[1]);
    hall.assert_hears(1, &[0]);
}

/// Somebody listens to a call that is relayed, speaks to one side of it, then to both, and goes.
#[test]
fn a_call_is_listened_to_whispered_into_and_barged_into() {
    for codecs in [[Codec::Pcmu, Codec::Pcmu], [Codec::Opus, Codec::Opus]] {
        let mut call = Call::new(voice(codecs[0]), voice(codecs[1]));
        let mut boss = Hall::new(1);
        // The boss's session is on the relay of the call.
        std::mem::swap(&mut boss.worlds[0], &mut call.world);
        boss.guest(0, voice(Codec::Pcma), 1500.0);
        let run = |boss: &mut Hall, call: &mut Call, ticks: u32| {
            for _ in 0..ticks {
                let packet = boss.guests[0].phone.speak();
                let at = boss.guests[0].phone.at.to_string();
                boss.worlds[0].carry(&at, boss.guests[0].phone.relay, &packet);
                std::mem::swap(&mut boss.worlds[0], &mut call.world);
                for leg in [Leg::Caller, Leg::Callee] {
                    let packet = call.phone(leg).speak();
                    call.send(leg, &packet);
                }
                call.world.advance(TICK);
                while let Some(frame) = call.world.relay.poll_frame() {
                    let phones = [&mut boss.guests[0].phone, &mut call.caller, &mut call.callee];
                    let phone = phones.into_iter().find(|phone| phone.at == frame.to);
                    phone.unwrap().hear(&frame.octets);
                }
                std::mem::swap(&mut boss.worlds[0], &mut call.world);
            }
        };
        run(&mut boss, &mut call, 30);
        assert_eq!(boss.worlds[0].relay.poll_timeout(), None, "relayed");
        // To listen, to whisper to the caller, to barge in.
        for (caller, callee, boss_seat, hears) in [
            (MOUTH, MOUTH, EARS, [false, false]),
            (BOTH, MOUTH, BOTH, [true, false]),
            (BOTH, BOTH, BOTH, [true, true]),
        ] {
            boss.seat([0], room(1, 3), boss_seat);
            boss.worlds[0].command(MediaCommand::Join {
                session: ID,
                seats: Some(Seats {
                    room: room(1, 3),
                    caller,
                    callee,
                    chimes: false,
                }),
            });
            run(&mut boss, &mut call, 80);
            let phone = &boss.guests[0].phone;
            let heard = [440.0, 1000.0, 1500.0].map(|hz| phone.share(hz, 1000));
            assert!(heard[0] > 0.4 && heard[1] > 0.4 && heard[2] < 0.02, "{heard:?}");
            for (phone, other, hears) in [(&call.caller, 1000.0, hears[0]), (&call.callee, 440.0, hears[1])] {
                let heard = [other, 1500.0].map(|hz| phone.share(hz, 1000));
                let wanted = if hears { [0.4, 0.4] } else { [0.97, 0.0] };
                assert!(heard[0] > wanted[0] && heard[1] >= wanted[1], "{heard:?}");
                assert_eq!(heard[1] > 0.02, hears, "{heard:?}");
            }
        }
        let (session, seats) = (ID, None);
        boss.worlds[0].command(MediaCommand::Join { session, seats });
        boss.join(0, None);
        let before = call.caller.headers.len();
        run(&mut boss, &mut call, 50);
        assert_eq!(boss.worlds[0].tick_due(), None, "relayed again");
        let headers = &call.caller.headers[before..];
        assert!(headers.iter().all(|header| header.ssrc == call.callee.ssrc));
        std::mem::swap(&mut boss.worlds[0], &mut call.world);
    }
}

fn random(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    usize::try_from(*state >> 33).unwrap()
}

/// Whatever was done before: everybody hears those of its room who speak, and nobody else.
#[test]
fn at_random_everybody_hears_whom_it_should() {
    for seed in 1..=6_u64 {
        let mut state = seed;
        let mut hall = Hall::new(2);
        for hz in &PITCHES[..6] {
            let relay = random(&mut state) % 2;
            let codec = Codec::ALL[random(&mut state) % 4];
            let guest = hall.guest(relay, voice(codec), *hz);
            hall.guests[guest].gain = Some(0.5);
        }
        // Which room each is in, and how.
        let mut places = [None; 6];
        for _ in 0..5 {
            for _ in 0..random(&mut state) % 8 {
                let guest = random(&mut state) % 6;
                let at = random(&mut state) % 3;
                let seat = [BOTH, BOTH, EARS, MOUTH][random(&mut state) % 4];
                let place = (at < 2).then(|| (room(1, at as u64), seat));
                hall.join(guest, place.map(|(at, seat)| seats(at, seat)));
                places[guest] = place;
                hall.talk(u32::try_from(random(&mut state) % 4).unwrap());
            }
            hall.talk(40);
            hall.forget();
            hall.talk(60);
            for (listener, place) in places.iter().enumerate() {
                let Some((at, _)) = place.filter(|(_, seat)| seat.hears) else {
                    assert!(hall.guests[listener].phone.heard.is_empty(), "{seed} {listener}");
                    continue;
                };
                let is_heard = |n: &usize| {
                    *n != listener && places[*n].is_some_and(|(other, seat)| other == at && seat.speaks)
                };
                let wanted: Vec<usize> = (0..6).filter(is_heard).collect();
                // No more than four at once of one relay.
                if wanted.len() <= 4 {
                    hall.assert_hears(listener, &wanted);
                }
            }
        }
        let seated = places.iter().flatten().count();
        let counts = hall.worlds.iter().map(|world| world.relay.counts().seated);
        assert_eq!(counts.sum::<usize>(), seated);
    }
}
