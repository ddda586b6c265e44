//! While a leg types what nobody else may know: recordings and forks are silent, digits go to the session alone.

use crate::digits::{digits, press, sing, with_events};
use crate::phone::{Call, ID, share, voice};
use audio::detect::Dtmf;
use audio::wav::Wav;
use media::{ForkAsk, Spool};
use model::{
    CallId, Codec, Container, Fork, ForkFormat, ForkId, ForkPlan, ForkSide, Leg, MediaCommand, Over,
    Recording, RecordingId, Signals, TenantId,
};

const RECORDING: RecordingId = RecordingId {
    tenant: TenantId(7),
    number: 1,
};
const FORK: ForkId = ForkId {
    tenant: TenantId(7),
    number: 2,
};

fn mask(call: &mut Call, on: bool) {
    call.world.command(MediaCommand::Mask {
        session: ID,
        leg: Leg::Caller,
        on,
    });
}

fn record(call: &mut Call, act: Recording) {
    call.world.command(MediaCommand::Record {
        session: ID,
        recording: RECORDING,
        act,
    });
}

fn fork(call: &mut Call) {
    let plan = ForkPlan {
        url: "wss://media.example/in".into(),
        side: ForkSide::Both,
        format: ForkFormat::Twilio,
        back: None,
        over: Over::Instead,
        call: CallId(5),
    };
    call.world.command(MediaCommand::Fork {
        session: ID,
        fork: FORK,
        act: Fork::Start(Box::new(plan)),
    });
    let now = call.world.now;
    call.world.relay.fork_opened(ID, FORK, now);
    call.world.drain();
}

/// What the fork was sent since the last look: keys, and how many of its frames were silent or not.
fn forked(call: &mut Call) -> (Vec<String>, usize, usize) {
    let silence = "/".repeat(213) + "w==";
    let (mut keys, mut silent, mut loud) = (Vec::new(), 0, 0);
    for ask in call.world.forks.drain(..) {
        let ForkAsk::Send { octets, .. } = ask else {
            continue;
        };
        let text: serde_json::Value = serde_json::from_slice(&octets).unwrap();
        match text["event"].as_str() {
            Some("dtmf") => keys.push(text["dtmf"]["digit"].as_str().unwrap().to_owned()),
            Some("media") if text["media"]["payload"] == silence.as_str() => silent += 1,
            Some("media") => loud += 1,
            _ => {}
        }
    }
    (keys, silent, loud)
}

/// The file of the recording, and its marks.
fn written(call: &Call) -> (Vec<u8>, Vec<(u64, String)>) {
    let mut file = Vec::new();
    let mut marks = Vec::new();
    for spool in &call.world.spools {
        match spool {
            Spool::Block { octets, .. } => file.extend_from_slice(octets),
            Spool::End { head, .. } => file[..head.len()].copy_from_slice(head),
            Spool::Mark { at_ms, name, .. } => marks.push((*at_ms, name.to_string())),
            Spool::Begin { .. } | Spool::Discard { .. } => {}
        }
    }
    (file, marks)
}

#[test]
fn keys_are_for_the_session_alone_and_recordings_and_forks_hear_nothing() {
    let mut call = Call::new(with_events(Codec::Pcmu), with_events(Codec::Pcmu));
    record(
        &mut call,
        Recording::Start {
            format: Container::Wav,
            max_ms: 0,
            silence_ms: 0,
            call: None,
        },
    );
    fork(&mut call);
    call.talk(50);
    press(&mut call, 1, 100, |_| false);
    call.talk(10);
    assert_eq!(digits(&mut call), [(Leg::Caller, '1', 100)]);
    let (keys, _, loud) = forked(&mut call);
    assert_eq!(keys, ["1"]);
    assert!(loud > 100, "{loud}");
    let events = call.callee.events.len();
    assert!(events > 0);

    mask(&mut call, true);
    mask(&mut call, true);
    let from = call.world.now;
    call.talk(10);
    press(&mut call, 4, 100, |_| false);
    call.talk(10);
    press(&mut call, 2, 100, |_| false);
    call.talk(10);
    assert_eq!(
        digits(&mut call),
        [(Leg::Caller, '4', 100), (Leg::Caller, '2', 100)]
    );
    assert_eq!(
        call.callee.events.len(),
        events,
        "the other phone knows nothing of it"
    );
    let ticks = usize::try_from((call.world.now - from).as_millis() / 20).unwrap();
    assert_eq!(forked(&mut call), (Vec::new(), 2 * ticks, 0));
    mask(&mut call, false);
    call.talk(60);
    press(&mut call, 7, 100, |_| false);
    call.talk(10);
    assert_eq!(forked(&mut call).0, ["7"]);
    assert!(call.callee.events.len() > events, "keys pass again");
    assert!(call.callee.share(440.0, 100) > 0.9 && call.caller.share(1000.0, 100) > 0.9);
    record(&mut call, Recording::Stop);

    let (file, marks) = written(&call);
    let names: Vec<&str> = marks.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["masked", "unmasked"]);
    let (begin, end) = (marks[0].0, marks[1].0);
    assert_eq!(end - begin, u64::try_from(ticks).unwrap() * 20);
    assert!(Wav::parse(&file).is_ok());
    let frames: Vec<bool> = file[44..]
        .chunks_exact(4 * 160)
        .map(|frame| frame.iter().all(|octet| *octet == 0))
        .collect();
    let (begin, end) = (begin as usize / 20, end as usize / 20);
    assert!(frames[begin..end].iter().all(|silent| *silent));
    assert!(
        frames[10..begin]
            .iter()
            .chain(&frames[end + 1..])
            .all(|silent| !*silent)
    );
}

#[test]
fn a_recording_that_begins_meanwhile_says_why_it_is_silent() {
    let mut call = Call::new(with_events(Codec::Pcmu), with_events(Codec::Pcmu));
    mask(&mut call, true);
    let start = Recording::Start {
        format: Container::Wav,
        max_ms: 0,
        silence_ms: 0,
        call: None,
    };
    record(&mut call, start.clone());
    // One that runs says so once.
    record(&mut call, start);
    call.talk(50);
    mask(&mut call, false);
    call.talk(50);
    record(&mut call, Recording::Stop);
    let (_, marks) = written(&call);
    assert_eq!(marks[0], (0, "masked".to_owned()));
    assert_eq!((marks.len(), marks[1].1.as_str()), (2, "unmasked"));
    assert!(marks[1].0.abs_diff(1_000) <= 100, "{marks:?}");
}

#[test]
fn tones_are_heard_by_nobody_else_and_the_voice_between_them_is() {
    for (caller, callee) in [
        (Codec::Pcma, Codec::Pcma),
        (Codec::Pcmu, Codec::Opus),
        (Codec::G722, Codec::G722),
    ] {
        let mut call = Call::new(voice(caller), voice(callee));
        let signals = Signals {
            dtmf: true,
            ..Signals::default()
        };
        let (session, leg) = (ID, Leg::Caller);
        call.world.command(MediaCommand::Listen {
            session,
            leg,
            signals,
        });
        mask(&mut call, true);
        call.talk(50);
        assert!(call.callee.share(440.0, 500) > 0.95, "{caller:?}");
        let before = call.callee.heard.len();
        sing(&mut call, "19#", 100);
        call.talk(50);
        let keys: Vec<char> = digits(&mut call).into_iter().map(|(_, key, _)| key).collect();
        assert_eq!(keys, ['1', '9', '#']);
        let heard = &call.callee.heard[before..];
        let rate_hz = call.callee.rate_hz;
        let mut detector = Dtmf::new(rate_hz);
        let mut found = Vec::new();
        for frame in heard.chunks(rate_hz as usize / 50) {
            detector.push(frame, |digit| found.push(digit));
            assert!(!detector.suspects(), "{caller:?}: {found:?}");
        }
        // What is left of 300 ms of tones is less than a hundredth of their sound.
        let sung: f64 = [697.0, 1209.0, 852.0, 1477.0, 941.0]
            .iter()
            .map(|hz| share(&heard[..rate_hz as usize * 6 / 10], *hz, rate_hz))
            .sum();
        let loud: f64 = heard[..rate_hz as usize * 6 / 10]
            .iter()
            .map(|sample| f64::from(*sample).powi(2))
            .sum::<f64>()
            / f64::from(rate_hz * 6 / 10);
        assert!(
            loud.sqrt() < 200.0 || sung < 0.1,
            "{caller:?}: {} {sung}",
            loud.sqrt()
        );
        assert!(call.callee.share(440.0, 500) > 0.95, "{caller:?}");
    }
}
