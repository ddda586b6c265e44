//! Calls whose sound goes to a WebSocket, and what comes back: samples, Twilio's messages, marks and clears.

use crate::phone::{Call, ID, share, voice};
use audio::g711::Law;
use media::ForkAsk;
use model::{
    CallId, Codec, Fork, ForkEnd, ForkFormat, ForkId, ForkPlan, ForkSide, Leg, MediaCommand, MediaReport,
    Over, TenantId,
};
use serde_json::{Value, json};

const FORK: ForkId = ForkId {
    tenant: TenantId(7),
    number: 9,
};

fn plan(side: ForkSide, format: ForkFormat) -> ForkPlan {
    ForkPlan {
        url: "wss://media.example/in".into(),
        side,
        format,
        back: None,
        over: Over::Instead,
        call: CallId(5),
    }
}

impl Call {
    fn fork(&mut self, act: Fork) {
        self.world.command(MediaCommand::Fork {
            session: ID,
            fork: FORK,
            act,
        });
    }

    fn connect(&mut self, plan: ForkPlan) {
        let url = plan.url.clone();
        self.fork(Fork::Start(Box::new(plan)));
        assert_eq!(self.world.forks, [ForkAsk::Connect { url }]);
        self.world.forks.clear();
        // Nothing is sent before the connection stands.
        self.talk(10);
        assert_eq!(self.world.forks, []);
        let now = self.world.now;
        self.world.relay.fork_opened(ID, FORK, now);
        self.world.drain();
    }

    fn text(&mut self, message: Value) {
        self.world
            .relay
            .fork_heard(ID, FORK, true, message.to_string().as_bytes());
    }

    fn texts(&self) -> Vec<Value> {
        let text = |ask: &ForkAsk| match ask {
            ForkAsk::Send {
                is_text: true,
                octets,
                ..
            } => Some(serde_json::from_slice(octets).unwrap()),
            _ => None,
        };
        self.world.forks.iter().filter_map(text).collect()
    }

    fn samples(&self) -> Vec<i16> {
        let binary = self.world.forks.iter().filter_map(|ask| match ask {
            ForkAsk::Send {
                is_text: false,
                octets,
                ms,
            } => {
                assert_eq!(*ms, 20);
                Some(octets)
            }
            _ => None,
        });
        binary
            .flat_map(|octets| octets.chunks_exact(2).map(|s| i16::from_le_bytes([s[0], s[1]])))
            .collect()
    }

    fn forked(&self) -> Vec<(ForkEnd, u64, u64)> {
        let of = |report: &MediaReport| match report {
            MediaReport::Forked {
                end,
                sent_ms,
                lost_ms,
                ..
            } => Some((*end, *sent_ms, *lost_ms)),
            _ => None,
        };
        self.world.reports.iter().filter_map(of).collect()
    }
}

#[test]
fn samples_are_sent_at_each_rate_and_for_each_side() {
    for rate_hz in [8_000, 16_000, 24_000] {
        for side in [
            ForkSide::Caller,
            ForkSide::Callee,
            ForkSide::Mixed,
            ForkSide::Both,
        ] {
            let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcmu));
            call.connect(plan(side, ForkFormat::L16 { rate_hz }));
            call.talk(100);
            let all = call.samples();
            let channels = if side == ForkSide::Both { 2 } else { 1 };
            assert_eq!(all.len(), rate_hz as usize * 2 * channels);
            let lane = |n: usize| -> Vec<i16> {
                all.iter()
                    .skip(n)
                    .step_by(channels)
                    .copied()
                    .skip(rate_hz as usize)
                    .collect()
            };
            let (left, right) = (lane(0), lane(channels - 1));
            let (caller, callee) = (share(&left, 440.0, rate_hz), share(&right, 1000.0, rate_hz));
            match side {
                ForkSide::Caller => assert!(caller > 0.95),
                ForkSide::Callee => assert!(callee > 0.95),
                ForkSide::Mixed => assert!(caller > 0.4 && callee > 0.4),
                ForkSide::Both => assert!(caller > 0.95 && callee > 0.95),
            }
            call.fork(Fork::Stop);
            assert_eq!(call.world.forks.last(), Some(&ForkAsk::Close));
            assert_eq!(call.forked(), [(ForkEnd::Stopped, 2_000, 0)]);
        }
    }
}

#[test]
fn the_messages_are_those_that_twilio_documents() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcma));
    call.connect(plan(ForkSide::Both, ForkFormat::Twilio));
    call.talk(100);
    call.fork(Fork::Stop);
    let texts = call.texts();
    assert_eq!(
        texts[0],
        json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})
    );
    let sid = texts[1]["streamSid"].as_str().unwrap();
    assert!(sid.starts_with("MZ") && sid.len() == 34);
    assert_eq!(
        texts[1],
        json!({
            "event": "start",
            "sequenceNumber": "1",
            "streamSid": sid,
            "start": {
                "streamSid": sid,
                "callSid": texts[1]["start"]["callSid"],
                "tracks": ["inbound", "outbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": {},
            },
        })
    );
    let (media, stop) = (&texts[2..texts.len() - 1], texts.last().unwrap());
    assert_eq!(media.len(), 200);
    for (at, message) in media.iter().enumerate() {
        let track = ["inbound", "outbound"][at % 2];
        let payload = message["media"]["payload"].as_str().unwrap();
        assert_eq!(
            *message,
            json!({
                "event": "media",
                "sequenceNumber": (at + 2).to_string(),
                "streamSid": sid,
                "media": {
                    "track": track,
                    "chunk": (at / 2 + 1).to_string(),
                    "timestamp": (at / 2 * 20).to_string(),
                    "payload": payload,
                },
            })
        );
        assert_eq!(payload.len(), 216, "160 octets in base64");
    }
    assert_eq!(
        (&stop["event"], &stop["sequenceNumber"]),
        (&json!("stop"), &json!("202"))
    );
    assert_eq!(stop["stop"]["callSid"], texts[1]["start"]["callSid"]);
}

/// µ-law of a sine in base64.
fn payload(hz: f64, samples: usize) -> String {
    let octets: Vec<u8> = (0..samples)
        .map(|n| Law::Mu.encode(((std::f64::consts::TAU * hz * n as f64 / 8_000.0).sin() * 8_000.0) as i16))
        .collect();
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = octets.chunks_exact(3).flat_map(|g| {
        let bits = u32::from(g[0]) << 16 | u32::from(g[1]) << 8 | u32::from(g[2]);
        [18, 12, 6, 0].map(|shift| char::from(digits[(bits >> shift & 63) as usize]))
    });
    groups.collect()
}

#[test]
fn what_comes_back_is_heard_marked_and_cleared() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcmu));
    call.connect(ForkPlan {
        back: Some(Leg::Caller),
        ..plan(ForkSide::Caller, ForkFormat::Twilio)
    });
    call.talk(50);
    assert!(call.caller.share(1000.0, 300) > 0.9);
    call.world.forks.clear();
    call.text(json!({"event": "media", "streamSid": "MZ", "media": {"payload": payload(2_000.0, 24_000)}}));
    call.text(json!({"event": "mark", "streamSid": "MZ", "mark": {"name": "said"}}));
    call.talk(75);
    assert!(call.caller.share(2_000.0, 500) > 0.9, "alone");
    assert!(call.callee.share(440.0, 500) > 0.9);
    assert!(call.texts().iter().all(|text| text["event"] == "media"));
    call.talk(80);
    let marks: Vec<Value> = call
        .texts()
        .into_iter()
        .filter(|text| text["event"] == "mark")
        .collect();
    assert_eq!(marks.len(), 1);
    assert_eq!(marks[0]["mark"], json!({"name": "said"}));
    call.talk(40);
    assert!(call.caller.share(1000.0, 300) > 0.9, "the other side again");
    // A clear ends it at once, and the mark behind it is told of.
    call.text(json!({"event": "media", "media": {"payload": payload(2_000.0, 24_000)}}));
    call.text(json!({"event": "mark", "mark": {"name": "cut"}}));
    call.talk(30);
    call.text(json!({"event": "clear", "streamSid": "MZ"}));
    call.talk(50);
    assert!(call.caller.share(1000.0, 500) > 0.9);
    let last = call
        .texts()
        .into_iter()
        .rfind(|text| text["event"] == "mark")
        .unwrap();
    assert_eq!(last["mark"]["name"], "cut");
}

#[test]
fn samples_that_come_back_are_mixed_where_that_is_wanted() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::G722));
    call.connect(ForkPlan {
        back: Some(Leg::Callee),
        over: Over::Mixed,
        ..plan(ForkSide::Mixed, ForkFormat::L16 { rate_hz: 16_000 })
    });
    let octets: Vec<u8> = (0..32_000)
        .flat_map(|n| {
            (((std::f64::consts::TAU * 2_000.0 * f64::from(n) / 16_000.0).sin() * 8_000.0) as i16)
                .to_le_bytes()
        })
        .collect();
    call.world.relay.fork_heard(ID, FORK, false, &octets);
    call.talk(75);
    let both = [440.0, 2_000.0].map(|hz| call.callee.share(hz, 500));
    assert!(both.into_iter().all(|share| share > 0.4), "{both:?}");
}

#[test]
fn whatever_comes_back_does_no_harm() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcmu));
    call.connect(ForkPlan {
        back: Some(Leg::Caller),
        ..plan(ForkSide::Both, ForkFormat::Twilio)
    });
    for bad in [
        "",
        "{",
        "[]",
        "null",
        "{\"event\":7}",
        "{\"event\":\"media\"}",
        "{\"event\":\"media\",\"media\":{\"payload\":\"*\"}}",
        "{\"event\":\"mark\"}",
        "{\"event\":\"unheard of\"}",
    ] {
        call.world.relay.fork_heard(ID, FORK, true, bad.as_bytes());
        call.world.relay.fork_heard(ID, FORK, false, bad.as_bytes());
    }
    // A minute of sound waits at most.
    for _ in 0..100 {
        call.text(json!({"event": "media", "media": {"payload": payload(2_000.0, 8_001)}}));
    }
    for n in 0..300 {
        call.text(json!({"event": "mark", "mark": {"name": n.to_string()}}));
    }
    call.talk(50);
    let now = call.world.now;
    call.world
        .relay
        .fork_ended(ID, FORK, (ForkEnd::Stalled, 700), now);
    call.world
        .relay
        .fork_ended(ID, FORK, (ForkEnd::Stalled, 700), now);
    call.world.drain();
    assert_eq!(call.forked(), [(ForkEnd::Stalled, 1_000, 700)]);
    call.talk(50);
    assert!(call.caller.share(1000.0, 500) > 0.9);
}

#[test]
fn forks_are_few_and_their_format_is_one_that_there_is() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcmu));
    let start = |call: &mut Call, number: u64, rate_hz: u32| {
        call.world.command(MediaCommand::Fork {
            session: ID,
            fork: ForkId { number, ..FORK },
            act: Fork::Start(Box::new(plan(ForkSide::Both, ForkFormat::L16 { rate_hz }))),
        });
    };
    start(&mut call, 1, 48_000);
    assert_eq!(call.forked(), [(ForkEnd::Refused, 0, 0)]);
    (1..=6).for_each(|number| start(&mut call, number, 8_000));
    assert_eq!(call.forked().len(), 3);
    call.world.close(1);
    assert_eq!(
        call.forked()
            .iter()
            .filter(|forked| forked.0 == ForkEnd::Stopped)
            .count(),
        4
    );
}

#[test]
fn a_key_that_is_pressed_is_told_of() {
    let mut caller = voice(Codec::Pcmu);
    caller.events = Some(101);
    let mut call = Call::new(caller.clone(), caller);
    call.connect(plan(ForkSide::Caller, ForkFormat::Twilio));
    call.talk(20);
    for (duration, last) in [(160_u16, false), (320, false), (480, true)] {
        let mut payload = vec![5, if last { 0x8A } else { 0x0A }];
        payload.extend(duration.to_be_bytes());
        let packet = call.caller.packet(101, &payload);
        call.send(Leg::Caller, &packet);
    }
    call.talk(5);
    let dtmf: Vec<Value> = call
        .texts()
        .into_iter()
        .filter(|text| text["event"] == "dtmf")
        .collect();
    assert_eq!(dtmf.len(), 1);
    assert_eq!(dtmf[0]["dtmf"], json!({"track": "inbound_track", "digit": "5"}));
}
