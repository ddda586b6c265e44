//! The jitter buffer between a sender, a network that loses, delays, repeats and reorders, and a player that ticks.

use crate::{Random, packet};
use rtp::Header;
use rtp::jitter::{Content, Counts, JitterBuffer, MAX_PAYLOAD, Pace, Piece, Settings, Stored};
use std::time::Duration;

/// What a stretch takes out or puts in, clock units: 8 ms.
const STRETCH: u32 = 64;

/// A packet under way. Its payload is its number.
#[derive(Clone, Copy)]
struct Sent {
    number: u32,
    seq: u16,
    timestamp: u32,
    ssrc: u32,
    content: Content,
    at_us: u64,
}

impl Sent {
    fn bytes(&self) -> Vec<u8> {
        packet(0, self.seq, self.timestamp, self.ssrc, &self.number.to_be_bytes())
    }

    fn put(&self, buffer: &mut JitterBuffer, at_us: u64) -> Stored {
        let bytes = self.bytes();
        let header = Header::parse(&bytes).unwrap();
        buffer.put(
            &header,
            header.payload(&bytes),
            self.content,
            Duration::from_micros(at_us),
        )
    }
}

/// A sender of 8 kHz in packets of `ms`, from a sequence number just before its wrap.
fn sender(packets: u32, ms: u32) -> Vec<Sent> {
    let sent = |number: u32| Sent {
        number,
        seq: 65_500_u16.wrapping_add(number as u16),
        timestamp: 4_294_900_000_u32.wrapping_add(number * ms * 8),
        ssrc: 7,
        content: Content::Sound(ms * 8),
        at_us: u64::from(number * ms) * 1000,
    };
    (0..packets).map(sent).collect()
}

/// What was heard.
#[derive(Debug, Default)]
struct Heard {
    /// Numbers of the packets, as they were played, and when each began.
    played: Vec<(u32, u64)>,
    /// Clock units.
    lost: u32,
    /// Of that, what the packet behind it could be asked for.
    found: u32,
    comfort: u32,
    silence: u32,
    shortened: u32,
    lengthened: u32,
    most_waiting: usize,
    counts: Counts,
}

impl Heard {
    fn numbers(&self) -> Vec<u32> {
        self.played.iter().map(|(number, _)| *number).collect()
    }

    fn in_order(&self) -> bool {
        self.played.windows(2).all(|w| w[0].0 < w[1].0)
    }

    /// From being sent to being played, ms, of each packet from `first` on.
    fn delays(&self, sent: &[Sent], first: u32) -> Vec<i64> {
        let from = self.played.iter().filter(|(number, _)| *number >= first);
        from.map(|(number, at)| (*at as i64 - sent[*number as usize].at_us as i64) / 1000)
            .collect()
    }
}

/// Packets arrive as `arrivals` says (µs, packet), and a player ticks every 20 ms until `end_ms`.
fn hear(arrivals: Vec<(u64, Sent)>, end_ms: u64) -> Heard {
    hear_with(false, arrivals, end_ms)
}

fn hear_with(fec: bool, mut arrivals: Vec<(u64, Sent)>, end_ms: u64) -> Heard {
    arrivals.sort_by_key(|(at, _)| *at);
    let mut buffer = JitterBuffer::new(Settings::call(8000));
    if fec {
        buffer.expect_fec();
    }
    let mut heard = Heard::default();
    let (mut next, mut pending) = (0, 0_u32);
    for now in (7_000..end_ms * 1000).step_by(20_000) {
        while next < arrivals.len() && arrivals[next].0 <= now {
            arrivals[next].1.put(&mut buffer, arrivals[next].0);
            next += 1;
        }
        heard.most_waiting = heard.most_waiting.max(buffer.waiting());
        while pending < 160 {
            let at = now + u64::from(pending) * 125;
            let piece = buffer.pull(Duration::from_micros(now), pending);
            pending += heard.take(piece, at);
        }
        pending -= 160;
    }
    heard.counts = buffer.counts();
    heard
}

impl Heard {
    /// Notes a piece; gives its length when played.
    fn take(&mut self, piece: Piece<'_>, at: u64) -> u32 {
        match piece {
            Piece::Sound {
                payload,
                duration,
                pace,
                ..
            } => {
                self.played
                    .push((u32::from_be_bytes(payload.try_into().unwrap()), at));
                match pace {
                    Pace::Keep => return duration,
                    Pace::Shorten => self.shortened += 1,
                    Pace::Lengthen => self.lengthened += 1,
                }
                if pace == Pace::Shorten {
                    duration - STRETCH
                } else {
                    duration + STRETCH
                }
            }
            Piece::Lost { duration, next } => {
                self.lost += duration;
                self.found += if next.is_some() { duration } else { 0 };
                duration
            }
            Piece::Comfort { duration, .. } => {
                self.comfort += duration;
                duration
            }
            Piece::Silence { duration } => {
                self.silence += duration;
                duration
            }
        }
    }
}

/// Each packet arrives after a constant 30 ms and what `extra_us` adds; `None` loses it.
fn network(sent: &[Sent], mut extra_us: impl FnMut(u32) -> Option<u64>) -> Vec<(u64, Sent)> {
    let arrive = |s: &Sent| Some((s.at_us + 30_000 + extra_us(s.number)?, *s));
    sent.iter().filter_map(arrive).collect()
}

#[test]
fn a_steady_stream_is_played_whole_over_both_wraps_at_the_shortest_delay() {
    let sent = sender(3000, 20);
    let heard = hear(network(&sent, |_| Some(0)), 60_000);
    assert!(heard.numbers()[..2990].iter().copied().eq(0..2990));
    assert_eq!(heard.lost, 0, "nothing is concealed");
    let delays = heard.delays(&sent, 500);
    // 30 ms in the network, 20 in the buffer, and what the player's beat adds.
    assert!(
        delays.iter().all(|d| (50..=90).contains(d)),
        "{:?}",
        delays.iter().max()
    );
    assert_eq!(
        (heard.counts.late, heard.counts.discarded, heard.counts.duplicate),
        (0, 0, 0)
    );
}

#[test]
fn packets_of_10_to_60_ms_are_played_whole() {
    for ms in [10, 20, 30, 40, 60] {
        let sent = sender(1000, ms);
        let heard = hear(network(&sent, |_| Some(0)), u64::from(ms) * 990);
        assert!(heard.in_order() && heard.played.len() > 980, "{ms} ms");
        assert_eq!(heard.lost, 0, "{ms} ms");
    }
}

#[test]
fn lost_packets_are_concealed_and_nothing_else_is() {
    for percent in [1, 5, 20] {
        let mut random = Random(percent);
        let sent = sender(6000, 20);
        let arrivals = network(&sent, |n| (n == 0 || random.below(100) >= percent).then_some(0));
        let arrived = arrivals.len();
        let heard = hear(arrivals, 119_000);
        let lost = 6000 - arrived;
        println!("{percent} %: {lost} lost, {} frames concealed", heard.lost / 160);
        assert!(heard.in_order());
        assert!(
            heard.played.len() + 60 > arrived,
            "{percent} %: all that came was played"
        );
        assert!((heard.lost / 160).abs_diff(lost as u32) <= 20, "{percent} %");
        assert_eq!((heard.counts.late, heard.counts.discarded), (0, 0));
    }
}

#[test]
fn where_packets_are_lost_the_next_one_is_waited_for_if_it_holds_the_lost_one() {
    for (percent, fec) in [(1, true), (5, true), (20, true), (0, true), (5, false)] {
        let mut random = Random(percent + 1);
        let sent = sender(6000, 20);
        let is_there: Vec<bool> = sent.iter().map(|_| random.below(100) >= percent).collect();
        let arrivals = network(&sent, |n| (n == 0 || is_there[n as usize]).then_some(0));
        let heard = hear_with(fec, arrivals, 119_000);
        // A loss behind which another one follows is not to be found.
        let single = is_there.windows(2).filter(|w| !w[0] && w[1]).count() as u32;
        let longest = *heard.delays(&sent, 1_000).iter().max().unwrap();
        let found = heard.found / 160;
        println!("{percent} %, FEC {fec}: {found} of {single} found, delay up to {longest} ms");
        if fec && percent > 0 {
            assert!(
                found * 20 >= single * 19 - 20 * 10,
                "{percent} %: {found} of {single}"
            );
            assert!(longest <= 30 + 90, "{percent} %: {longest} ms");
        } else {
            assert!(
                found * 10 <= single && longest <= 30 + 40,
                "{percent} %: {longest} ms"
            );
        }
    }
}

#[test]
fn a_jitter_of_100_ms_costs_at_most_2_percent_once_it_is_known() {
    for seed in 1..=5 {
        let mut random = Random(seed);
        let sent = sender(6000, 20);
        let heard = hear(network(&sent, |_| Some(random.below(100_000))), 119_000);
        let late = heard
            .numbers()
            .iter()
            .filter(|n| (500..5900).contains(*n))
            .count();
        let delays = heard.delays(&sent, 500);
        let longest = *delays.iter().max().unwrap();
        println!(
            "seed {seed}: {} of 5400 missed, delay up to {longest} ms, {} waiting",
            5400 - late,
            heard.most_waiting
        );
        assert!(heard.in_order());
        assert!(5400 - late <= 108, "seed {seed}: {} missed", 5400 - late);
        assert!(longest <= 30 + 170, "seed {seed}: {longest} ms");
        assert!(heard.most_waiting <= 10);
    }
}

#[test]
fn when_the_network_calms_down_the_delay_shrinks_again() {
    let mut random = Random(9);
    let sent = sender(9000, 20);
    let arrivals = network(&sent, |n| Some(if n < 3000 { random.below(100_000) } else { 0 }));
    let heard = hear(arrivals, 179_000);
    let delays = heard.delays(&sent, 8000);
    assert!(delays.iter().all(|d| *d <= 90), "{:?}", delays.iter().max());
    assert!(heard.shortened > 0);
}

#[test]
fn packets_that_overtake_each_other_are_put_in_order() {
    let sent = sender(3000, 20);
    let heard = hear(
        network(&sent, |n| Some(if n % 5 == 3 { 25_000 } else { 0 })),
        59_000,
    );
    assert!(heard.in_order());
    let missed = 2800
        - heard
            .numbers()
            .iter()
            .filter(|n| (100..2900).contains(*n))
            .count();
    assert_eq!(missed, 0);
}

#[test]
fn a_packet_that_comes_twice_is_played_once() {
    let sent = sender(1000, 20);
    let mut arrivals = network(&sent, |_| Some(0));
    let copies: Vec<_> = arrivals.iter().map(|(at, s)| (at + 45_000, *s)).collect();
    arrivals.extend(copies);
    let heard = hear(arrivals, 19_000);
    assert!(heard.in_order());
    assert_eq!(heard.lost, 0);
    assert!(heard.counts.duplicate > 900);
    assert_eq!(heard.counts.late, 0);
}

#[test]
fn a_sender_whose_clock_is_200_ppm_off_is_followed() {
    for ppm in [-200_i64, 200] {
        let sent = sender(30_000, 20);
        let skew = |s: &Sent| (s.at_us as i64 + 30_000 + s.at_us as i64 * ppm / 1_000_000) as u64;
        let arrivals: Vec<_> = sent.iter().map(|s| (skew(s), *s)).collect();
        let heard = hear(arrivals, 599_000);
        assert!(heard.in_order());
        let played = heard
            .played
            .iter()
            .map(|(n, at)| (*at as i64 - skew(&sent[*n as usize]) as i64) / 1000);
        let late = played.skip(100).max().unwrap();
        println!(
            "{ppm} ppm: {} ms concealed, {} shortened, {} lengthened, at most {late} ms behind",
            heard.lost / 8,
            heard.shortened,
            heard.lengthened
        );
        // Ten minutes drift by 120 ms.
        assert!(heard.lost <= 8 * 160, "{ppm} ppm: {} concealed", heard.lost);
        assert!(late <= 80, "{ppm} ppm: {late} ms");
        assert_eq!((heard.counts.late, heard.counts.discarded), (0, 0), "{ppm} ppm");
    }
}

#[test]
fn a_stall_of_400_ms_is_caught_up_with_in_a_few_seconds() {
    let sent = sender(1500, 20);
    let stalled = |n: u32| (500..520).contains(&n).then(|| u64::from(520 - n) * 20_000);
    let heard = hear(network(&sent, |n| Some(stalled(n).unwrap_or(0))), 29_000);
    assert!(heard.in_order());
    let delays = heard.delays(&sent, 800);
    assert!(delays.iter().all(|d| *d <= 30 + 90), "{:?}", delays.iter().max());
    assert!(
        heard.lost <= 8 * 260,
        "the stream is over after 200 ms: {}",
        heard.lost
    );
}

#[test]
fn another_source_takes_over_with_its_second_packet_and_a_stray_one_does_not() {
    let first = sender(200, 20);
    let second: Vec<Sent> = first
        .iter()
        .map(|s| Sent {
            number: s.number + 1000,
            ssrc: 8,
            seq: s.seq.wrapping_add(12_345),
            timestamp: s.timestamp.wrapping_mul(3),
            at_us: s.at_us + 4_000_000,
            ..*s
        })
        .enumerate()
        .map(|(n, s)| Sent {
            timestamp: 99 + n as u32 * 160,
            ..s
        })
        .collect();
    let stray = Sent {
        ssrc: 9,
        number: 5000,
        ..first[50]
    };
    let mut arrivals = network(&first, |_| Some(0));
    arrivals.extend(network(&second, |_| Some(0)));
    arrivals.push((first[50].at_us + 31_000, stray));
    let heard = hear(arrivals, 7_900);
    let numbers = heard.numbers();
    assert!(heard.in_order());
    assert!((1..199).all(|n| numbers.contains(&n)));
    assert!(!numbers.contains(&1000) && numbers.contains(&1001) && !numbers.contains(&5000));
    assert!((1001..1190).all(|n| numbers.contains(&n)));
    assert_eq!(heard.counts.stray, 2);
}

#[test]
fn timestamps_that_start_anew_are_another_stream() {
    let mut sent = sender(600, 20);
    for s in &mut sent[300..] {
        s.timestamp = s.timestamp.wrapping_add(1_000_000_000);
    }
    let heard = hear(network(&sent, |_| Some(0)), 11_900);
    assert!(heard.in_order());
    let numbers = heard.numbers();
    assert!(
        (301..590).all(|n| numbers.contains(&n)),
        "all but the first are played"
    );
}

/// Talk spurts of a second, pauses of two. `told`: a comfort noise packet says where the pause begins. `stopped`: the
/// timestamps do not run on.
fn spurts(told: bool, stopped: bool) -> Vec<Sent> {
    let mut sent = Vec::new();
    let mut seq = 65_000_u16;
    for s in sender(6000, 20) {
        let (spurt, in_spurt) = (s.number / 150, s.number % 150);
        let timestamp = if stopped {
            s.timestamp.wrapping_sub(spurt * 100 * 160)
        } else {
            s.timestamp
        };
        let content = if in_spurt < 50 {
            s.content
        } else {
            Content::Comfort
        };
        if in_spurt < 50 || (told && in_spurt == 50) {
            sent.push(Sent {
                seq,
                timestamp,
                content,
                number: sent.len() as u32,
                ..s
            });
            seq = seq.wrapping_add(1);
        }
    }
    sent
}

#[test]
fn pauses_are_comfort_noise_and_each_spurt_is_played_whole() {
    for (told, stopped) in [(true, false), (true, true), (false, false), (false, true)] {
        let mut random = Random(3);
        let sent = spurts(told, stopped);
        let heard = hear(network(&sent, |_| Some(random.below(15_000))), 119_000);
        let case = format!("told {told}, stopped {stopped}");
        assert!(heard.in_order(), "{case}");
        let sound = |n: &&u32| sent[**n as usize].content != Content::Comfort;
        let sounded = heard.numbers().iter().filter(sound).count();
        assert!(sounded >= 40 * 50 - 4, "{case}: {sounded}");
        // Untold, a pause begins with what looks like losses, until the stream is dry.
        let limit = if told { 160 * 4 } else { 40 * 8 * 220 };
        assert!(heard.lost <= limit, "{case}: {} concealed", heard.lost);
        let quiet = heard.comfort + heard.silence;
        assert!(quiet > 40 * 8 * 1700, "{case}: {quiet}");
    }
}

#[test]
fn a_loss_shows_the_packet_behind_it() {
    let sent = sender(10, 20);
    let mut buffer = JitterBuffer::new(Settings::call(8000));
    for s in sent.iter().filter(|s| s.number != 2) {
        s.put(&mut buffer, 0);
    }
    let mut seen = Vec::new();
    for tick in 3..8 {
        let piece = buffer.pull(Duration::from_millis(tick * 20), 0);
        seen.push(match piece {
            Piece::Lost { next, .. } => format!("lost before {:?}", next.map(|n| n[3])),
            Piece::Sound { payload, .. } => payload[3].to_string(),
            other => format!("{other:?}"),
        });
    }
    assert_eq!(seen, ["0", "1", "lost before Some(3)", "3", "4"]);
}

#[test]
fn nothing_that_arrives_fills_the_memory_or_breaks_it() {
    let mut random = Random(11);
    for clock_hz in [0, 8000, 48_000, u32::MAX] {
        let mut buffer = JitterBuffer::new(Settings {
            max_delay_ms: u32::MAX,
            ..Settings::call(clock_hz)
        });
        let mut now = 0;
        for n in 0..20_000_u32 {
            let spread = [1, 50, 10_000, u64::from(u32::MAX)][random.below(4) as usize];
            let bytes = packet(
                random.below(128) as u8,
                random.below(spread) as u16,
                random.below(spread * 160) as u32,
                random.below(2) as u32,
                &n.to_be_bytes(),
            );
            let header = Header::parse(&bytes).unwrap();
            let content = if random.below(8) == 0 {
                Content::Comfort
            } else {
                Content::Sound(random.next() as u32 >> random.below(32))
            };
            buffer.put(
                &header,
                header.payload(&bytes),
                content,
                Duration::from_micros(now),
            );
            assert!(buffer.waiting() <= 100);
            now += random.below(50_000);
            let piece = buffer.pull(Duration::from_micros(now), random.below(1 << 12) as u32);
            let (Piece::Sound { duration, .. }
            | Piece::Lost { duration, .. }
            | Piece::Comfort { duration, .. }
            | Piece::Silence { duration }) = piece;
            assert!(
                duration > 0,
                "a player that waits for sound would never end: {piece:?}"
            );
        }
        buffer.pull(Duration::MAX, u32::MAX);
    }
    let long = packet(0, 1, 1, 1, &[0; MAX_PAYLOAD + 1]);
    let header = Header::parse(&long).unwrap();
    let mut buffer = JitterBuffer::new(Settings::call(8000));
    let stored = buffer.put(
        &header,
        header.payload(&long),
        Content::Sound(160),
        Duration::ZERO,
    );
    assert_eq!(stored, Stored::TooLong);
}
