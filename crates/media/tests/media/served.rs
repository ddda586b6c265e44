//! Sessions that the server answers itself: echo, tones, and who gets them.

use super::world::{World, addr, ip, packet, rtcp, rtp, secs};
use audio::g711;
use media::Frame;
use model::{Codec, Leg, MediaCommand, MediaReport, MediaSessionId, Over, Program, Signals, ToneName, Voice};
use rtp::rtcp::{Packet, Report, packets};
use std::time::Duration;

const RELAY: &str = "198.51.100.1";
const PHONE: &str = "192.0.2.10:4000";
const STRANGER: &str = "203.0.113.9:4000";
const SSRC: u32 = 0xDEAD_BEEF;
const ID: MediaSessionId = MediaSessionId(1);

/// A session with ports, whose leg has described itself.
fn serving(silence_s: u32) -> (World, u16) {
    let mut world = World::new(10_000, 10_099);
    world.command(MediaCommand::Serve {
        session: ID,
        ip: ip(RELAY),
        silence_s,
        ssrc: SSRC,
    });
    let address = match world.reports.pop() {
        Some(MediaReport::Serving { session: ID, address }) => address,
        other => panic!("{other:?}"),
    };
    assert_eq!((address.ip(), world.bind_count), (ip(RELAY), 1));
    describe(&mut world, Some(PHONE));
    (world, address.port())
}

fn describe(world: &mut World, at: Option<&str>) {
    world.command(MediaCommand::Remote {
        session: ID,
        leg: Leg::Caller,
        rtp: at.map(addr),
        rtcp: None,
        signalling_ip: ip("192.0.2.10"),
        srtp: None,
        web: None,
        voice: Some(Box::new(Voice::new(8, Codec::Pcma))),
    });
}

fn play(world: &mut World, program: Option<Program>) {
    world.command(MediaCommand::Play {
        session: ID,
        leg: Leg::Caller,
        id: 7,
        program,
        over: Over::Instead,
    });
}

fn tone(tone: ToneName, ms: u32) -> Option<Program> {
    Some(Program::tone(tone, "de", ms))
}

fn frames(world: &mut World) -> Vec<Frame> {
    std::iter::from_fn(|| world.relay.poll_frame()).collect()
}

fn says(world: &mut World, port: u16, from: &str, packet: &[u8]) -> Vec<Frame> {
    let relay = std::net::SocketAddr::new(ip(RELAY), port);
    assert_eq!(world.send(from, relay, packet), None, "nothing is relayed");
    frames(world)
}

fn header(frame: &Frame) -> rtp::Header {
    rtp::Header::parse(&frame.octets).unwrap()
}

#[test]
fn an_echo_goes_to_its_source_alone_as_a_stream_of_ours() {
    let (mut world, port) = serving(60);
    assert_eq!(
        says(&mut world, port, PHONE, &rtp(1)),
        [],
        "nobody asked for an echo yet"
    );
    play(&mut world, Some(Program::Echo));
    let mut last = None;
    for seq in [2, 3, 9, 10] {
        let [frame] = &says(&mut world, port, PHONE, &rtp(seq))[..] else {
            panic!("one packet for one");
        };
        let head = header(frame);
        assert_eq!(frame.to, addr(PHONE));
        assert_eq!(
            (head.ssrc, head.pt, head.timestamp),
            (SSRC, 0, u32::from(seq) * 160)
        );
        assert_eq!(frame.octets[head.payload_start..], rtp(seq)[12..]);
        let next = last.map_or(head.seq, |seq: u16| seq.wrapping_add(1));
        assert_eq!((head.seq, head.marker), (next, last.is_none()));
        last = Some(head.seq);
    }
    assert_eq!(says(&mut world, port, STRANGER, &rtp(11)), []);
    assert_eq!(
        says(&mut world, port, "192.0.2.10:4002", &rtp(11)),
        [],
        "another port"
    );
    assert_eq!(says(&mut world, port, PHONE, b"no packet"), []);
    assert_eq!(says(&mut world, port, PHONE, &rtcp()), []);
    play(&mut world, None);
    assert_eq!(says(&mut world, port, PHONE, &rtp(12)), []);
    let (caller, callee) = world.close(1);
    assert_eq!((caller.packets, caller.stray, callee.packets), (6, 3, 0));
}

#[test]
fn an_echo_waits_until_a_source_is_believed_for_good() {
    let (mut world, port) = serving(60);
    play(&mut world, Some(Program::Echo));
    let natted = "192.0.2.10:50000";
    let counts: Vec<usize> = (1..=6)
        .map(|seq| says(&mut world, port, natted, &rtp(seq)).len())
        .collect();
    assert_eq!(counts, [0, 0, 0, 0, 1, 1]);
}

#[test]
fn what_is_muted_hears_nothing() {
    let (mut world, port) = serving(60);
    play(&mut world, Some(Program::Echo));
    assert_eq!(says(&mut world, port, PHONE, &rtp(1)).len(), 1);
    describe(&mut world, None);
    assert_eq!(says(&mut world, port, PHONE, &rtp(2)), []);
    play(&mut world, tone(ToneName::Busy, 0));
    world.advance(Duration::from_millis(100));
    assert_eq!(frames(&mut world), []);
}

#[test]
fn our_own_packets_do_not_come_back_for_ever() {
    let (mut world, port) = serving(60);
    play(&mut world, Some(Program::Echo));
    let frame = says(&mut world, port, PHONE, &rtp(1)).pop().unwrap();
    assert_eq!(says(&mut world, port, PHONE, &frame.octets), []);
}

#[test]
fn a_flood_is_not_sent_back() {
    let (mut world, port) = serving(60);
    play(&mut world, Some(Program::Echo));
    let mut echoed = 0;
    for ms in 0..1000_u16 {
        for n in 0..5 {
            echoed += says(&mut world, port, PHONE, &rtp(ms * 5 + n)).len();
        }
        world.advance(Duration::from_millis(1));
    }
    assert!((120..=150).contains(&echoed), "{echoed}");
    let mut long = packet(0, 1, 1);
    long.resize(5000, 0);
    assert_eq!(says(&mut world, port, PHONE, &long), []);
}

/// Twenty seconds at a phone's pace lose nothing.
#[test]
fn an_honest_phone_is_echoed_whole() {
    let (mut world, port) = serving(60);
    play(&mut world, Some(Program::Echo));
    for seq in 0..2000 {
        assert_eq!(says(&mut world, port, PHONE, &rtp(seq)).len(), 1, "{seq}");
        world.advance(Duration::from_millis(10));
    }
}

/// The samples that the phone hears.
fn sound(frames: &[Frame]) -> Vec<i16> {
    let octets = frames.iter().flat_map(|frame| &frame.octets[12..]);
    octets.map(|octet| g711::Law::A.decode(*octet)).collect()
}

/// How much of one frequency is in it, against all of it.
fn share(samples: &[i16], hz: f64) -> f64 {
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        let angle = std::f64::consts::TAU * hz * at as f64 / 8000.0;
        let sample = f64::from(*sample);
        re += sample * angle.cos();
        im += sample * angle.sin();
        all += sample * sample;
    }
    2.0 * (re * re + im * im) / (samples.len() as f64 * all)
}

#[test]
fn a_tone_comes_in_frames_of_20_ms_and_ends_once() {
    let (mut world, port) = serving(60);
    says(&mut world, port, PHONE, &rtp(1));
    assert_eq!(world.relay.poll_timeout(), None, "no tick without a program");
    play(&mut world, tone(ToneName::Dial, 1000));
    let mut all = Vec::new();
    while let Some(due) = world.tick_due() {
        assert!(due > world.now && due <= world.now + Duration::from_millis(20));
        world.advance(due - world.now);
        let mut made = frames(&mut world);
        assert!(made.len() <= 1);
        all.append(&mut made);
    }
    let played = MediaReport::Played {
        session: ID,
        leg: Leg::Caller,
        id: 7,
        missing: 0,
    };
    assert_eq!(world.reports, [played]);
    assert_eq!(all.len(), 50);
    for pair in all.windows(2) {
        let (one, two) = (header(&pair[0]), header(&pair[1]));
        assert_eq!(two.seq, one.seq.wrapping_add(1));
        assert_eq!(two.timestamp, one.timestamp.wrapping_add(160));
        assert_eq!(
            (two.ssrc, two.pt, two.marker, two.payload_len),
            (SSRC, 8, false, 160)
        );
    }
    assert!(header(&all[0]).marker);
    assert!(share(&sound(&all), 425.0) > 0.99);
}

#[test]
fn a_confirmation_is_the_dial_tone_in_bursts() {
    let (mut world, port) = serving(60);
    says(&mut world, port, PHONE, &rtp(1));
    play(&mut world, tone(ToneName::Confirmation, 0));
    let mut all = Vec::new();
    for _ in 0..50 {
        world.advance(Duration::from_millis(20));
        all.extend(frames(&mut world));
    }
    let samples = sound(&all);
    for (index, part) in samples.chunks(800).enumerate() {
        let loud = part.iter().any(|sample| sample.unsigned_abs() > 1000);
        assert_eq!(loud, index % 2 == 1, "part {index}");
        assert!(!loud || share(part, 425.0) > 0.95);
    }
}

#[test]
fn a_late_tick_leaves_out_what_nobody_would_hear() {
    let (mut world, port) = serving(60);
    says(&mut world, port, PHONE, &rtp(1));
    play(&mut world, tone(ToneName::Dial, 0));
    world.advance(secs(3));
    assert_eq!(frames(&mut world).len(), 3);
    world.advance(Duration::from_millis(20));
    assert_eq!(frames(&mut world).len(), 1);
}

/// A description may name anybody's address.
#[test]
fn who_says_nothing_hears_two_seconds() {
    let (mut world, port) = serving(60);
    play(&mut world, tone(ToneName::Dial, 0));
    let heard = |world: &mut World| {
        let mut count = 0;
        for _ in 0..200 {
            world.advance(Duration::from_millis(20));
            count += frames(world).len();
        }
        count
    };
    assert_eq!(heard(&mut world), 100);
    says(&mut world, port, PHONE, &rtp(1));
    assert_eq!(heard(&mut world), 200);
}

#[test]
fn silence_of_the_phone_is_noticed() {
    let (mut world, port) = serving(10);
    play(&mut world, Some(Program::Echo));
    world.command(MediaCommand::Watch {
        session: ID,
        hold: false,
        quiet: [false; 2],
    });
    says(&mut world, port, PHONE, &rtp(1));
    world.advance(secs(11));
    assert_eq!(world.reports, [MediaReport::Silent { session: ID }]);
}

#[test]
fn ports_return_and_repeated_commands_do_no_harm() {
    let (mut world, _) = serving(0);
    world.command(MediaCommand::Serve {
        session: ID,
        ip: ip(RELAY),
        silence_s: 0,
        ssrc: 1,
    });
    assert!(matches!(world.reports.pop(), Some(MediaReport::Serving { .. })));
    let counts = world.relay.counts();
    assert_eq!((counts.sessions, counts.pairs_used), (1, 1));
    play(&mut world, tone(ToneName::Busy, 0));
    play(&mut world, tone(ToneName::Busy, 0));
    world.close(1);
    assert_eq!(world.relay.poll_timeout(), None);
    let counts = world.relay.counts();
    assert_eq!((counts.sessions, counts.pairs_used), (0, 0));
    play(&mut world, tone(ToneName::Busy, 0));
    assert_eq!((world.relay.poll_timeout(), frames(&mut world)), (None, vec![]));
}

#[test]
fn no_port_is_free() {
    let mut world = World::new(10_000, 10_001);
    for id in [1, 2] {
        world.command(MediaCommand::Serve {
            session: MediaSessionId(id),
            ip: ip(RELAY),
            silence_s: 0,
            ssrc: 1,
        });
    }
    assert!(matches!(
        world.reports[..],
        [
            MediaReport::Serving { session: ID, .. },
            MediaReport::Refused {
                session: MediaSessionId(2)
            },
        ]
    ));
}

/// What our RTCP says: packets sent, and the block about the phone's stream.
fn report(frame: &Frame) -> (Option<u32>, Option<Report>) {
    assert!(frame.rtcp && frame.to == addr("192.0.2.10:4001"), "{frame:?}");
    match packets(&frame.octets).next() {
        Some(Ok(Packet::SenderReport {
            ssrc: SSRC,
            packets,
            mut reports,
            ..
        })) => (Some(packets), reports.next()),
        Some(Ok(Packet::ReceiverReport {
            ssrc: SSRC,
            mut reports,
        })) => (None, reports.next()),
        other => panic!("{other:?}"),
    }
}

/// A receiver report of the phone's.
fn answer(to: u32, lost: u32, last: u32, delay: u32) -> Vec<u8> {
    let words = [0x81C9_0007, 7, to, 64 << 24 | lost, 50, 80, last, delay];
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

#[test]
fn a_stream_of_ours_is_reported_and_its_answers_tell_the_round_trip() {
    let (mut world, port) = serving(60);
    describe_with_rtcp(&mut world);
    play(&mut world, Some(Program::Echo));
    let mut made = Vec::new();
    for seq in 0..600 {
        world.advance(Duration::from_millis(20));
        made.extend(frames(&mut world));
        if seq % 10 != 9 {
            says(&mut world, port, PHONE, &rtp(seq));
        }
    }
    assert!((2..=4).contains(&made.len()), "{}", made.len());
    let (sent, block) = report(&made[0]);
    let block = block.unwrap();
    assert!(sent.is_some_and(|sent| (60..150).contains(&sent)), "{sent:?}");
    assert_eq!(block.ssrc, 7);
    assert!((24..28).contains(&block.fraction_lost), "{block:?}");

    // The phone got our last report 30 ms after it left and answers a second later.
    let sent_at = u32::try_from((world.now - Duration::from_millis(1060)).as_millis()).unwrap();
    let last = u32::try_from(u64::from(sent_at) * 65_536 / 1000).unwrap();
    let relay = std::net::SocketAddr::new(ip(RELAY), port + 1);
    world.send("192.0.2.10:4001", relay, &answer(SSRC, 25, last, 65_536));
    world.send("192.0.2.10:4001", relay, &answer(9, 99, last, 0));
    let (caller, callee) = world.relay.quality(ID).unwrap();
    assert_eq!(callee, None);
    let trip = caller.round_trip_us.unwrap();
    assert!((58_000..62_000).contains(&trip), "{trip}");
    let far = caller.far.unwrap();
    assert_eq!((far.reports, far.lost, far.fraction_lost), (1, 25, 64));
    assert_eq!(far.jitter_us, 10_000);
    assert!(
        caller.score.is_some_and(|score| score.mos_hundredths < 400),
        "{caller:?}"
    );
}

#[test]
fn nothing_is_reported_to_where_nothing_comes_from() {
    let (mut world, _) = serving(60);
    describe_with_rtcp(&mut world);
    play(&mut world, tone(ToneName::Busy, 0));
    world.advance(secs(60));
    assert!(frames(&mut world).iter().all(|frame| !frame.rtcp));
}

fn describe_with_rtcp(world: &mut World) {
    world.command(MediaCommand::Remote {
        session: ID,
        leg: Leg::Caller,
        rtp: Some(addr(PHONE)),
        rtcp: Some(addr("192.0.2.10:4001")),
        signalling_ip: ip("192.0.2.10"),
        srtp: None,
        voice: Some(Box::new(Voice::new(0, Codec::Pcmu))),
        web: None,
    });
}

/// A menu listens to a phone that has no telephone events, while its prompt is heard.
#[test]
fn keys_that_are_tones_are_told_while_they_are_listened_for() {
    let (mut world, port) = serving(60);
    let relay = std::net::SocketAddr::new(ip(RELAY), port);
    play(&mut world, tone(ToneName::Dial, 0));
    let mut seq = 0_u16;
    for (dtmf, expected) in [(false, ""), (true, "19#"), (false, "")] {
        world.command(MediaCommand::Listen {
            session: ID,
            leg: Leg::Caller,
            signals: Signals {
                dtmf,
                ..Signals::default()
            },
        });
        let mut generator = audio::tone::digits("19#", 100, 80, 8_000);
        for _ in 0..50 {
            let (mut sound, mut payload) = ([0; 160], [0; 160]);
            generator.fill(&mut sound);
            g711::Law::A.encode_frame(&sound, &mut payload);
            seq += 1;
            let mut octets = packet(8, seq, u32::from(seq) * 160);
            octets.truncate(12);
            octets.extend(payload);
            assert_eq!(world.send(PHONE, relay, &octets), None, "nothing is relayed");
            world.advance(Duration::from_millis(20));
        }
        let told: String = world
            .reports
            .drain(..)
            .map(|report| match report {
                MediaReport::Digit {
                    key, ms: 70..=130, ..
                } => key,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, expected, "listened to: {dtmf}");
    }
    assert!(!frames(&mut world).is_empty(), "the tone went on");
}
