//! Who has answered is told, also while nobody else is in the session.

use crate::phone::{Call, ID, TICK, voice};
use model::{Answerer, Codec, Leg, MachineRules, MediaCommand, MediaReport, Signal, Signals};

fn listen(call: &mut Call, machine: Option<MachineRules>) {
    call.world.command(MediaCommand::Listen {
        session: ID,
        leg: Leg::Callee,
        signals: Signals {
            machine,
            ..Signals::default()
        },
    });
}

/// The callee makes a sound for so long, and then is silent for so long.
fn say(call: &mut Call, parts: &[(u32, u32)]) {
    for (on, off) in parts {
        for tick in 0..(on + off) / 20 {
            let mut sound = call.callee.sound();
            if tick >= on / 20 {
                sound.fill(0);
            }
            let packet = call.callee.say(&sound);
            call.send(Leg::Callee, &packet);
            call.pass(TICK);
        }
    }
}

fn told(call: &mut Call) -> Vec<Answerer> {
    let reports = call.world.reports.drain(..);
    let of = |report| match report {
        MediaReport::Heard {
            leg: Leg::Callee,
            signal: Signal::Answered(answerer),
            ..
        } => answerer,
        other => panic!("{other:?}"),
    };
    reports.map(of).collect()
}

#[test]
fn a_callee_is_listened_to_before_there_is_a_caller() {
    for codec in Codec::ALL {
        for (said, expected) in [
            (&[(500, 2000)][..], Answerer::Human),
            (&[(4000, 0)], Answerer::Machine),
            (&[(300, 100), (300, 100), (300, 100), (300, 0)], Answerer::Machine),
            (&[(0, 3000)], Answerer::Machine),
        ] {
            let mut call = Call::open(voice(Codec::Pcma), voice(codec));
            call.describe(Leg::Callee);
            listen(&mut call, Some(MachineRules::default()));
            say(&mut call, said);
            assert_eq!(told(&mut call), [expected], "{codec:?} {said:?}");
            // Then the caller comes, and both hear each other as they are.
            listen(&mut call, None);
            call.describe(Leg::Caller);
            call.talk(60);
            assert!(call.caller.share(1000.0, 500) > 0.95, "{codec:?}");
            assert!(call.callee.share(440.0, 500) > 0.95, "{codec:?}");
            assert!(call.world.reports.is_empty());
        }
    }
}

#[test]
fn a_phone_that_sends_nothing_is_a_machine_by_the_clock() {
    let mut call = Call::open(voice(Codec::Pcma), voice(Codec::Pcma));
    call.describe(Leg::Callee);
    listen(&mut call, Some(MachineRules::default()));
    for _ in 0..124 {
        call.pass(TICK);
    }
    assert_eq!(told(&mut call), []);
    call.pass(TICK);
    assert_eq!(told(&mut call), [Answerer::Machine]);
    for _ in 0..300 {
        call.pass(TICK);
    }
    assert_eq!(told(&mut call), [], "told once");
    assert!(call.callee.headers.is_empty(), "nothing is said to it meanwhile");
}
