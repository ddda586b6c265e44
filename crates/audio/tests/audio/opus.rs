//! Opus through our settings: quality, losses, pauses, and packets from anybody.

use crate::{Random, rms, sine, snr, voice};
use audio::opus::{Decoder, Encoder, Error, MAX_PACKET, RATES_HZ, Settings, duration, has_fec};

/// Packets of a sound in frames of so many milliseconds.
fn encode(sound: &[i16], settings: Settings, ms: usize) -> Vec<Option<Vec<u8>>> {
    let mut encoder = Encoder::new(settings).unwrap();
    let frames = sound.chunks_exact(settings.rate_hz as usize / 1000 * ms);
    frames
        .map(|frame| {
            let mut packet = [0; MAX_PACKET];
            let octets = encoder.encode(frame, &mut packet).unwrap();
            octets.map(|octets| packet[..octets].to_vec())
        })
        .collect()
}

fn decode(packets: &[Option<Vec<u8>>], rate_hz: u32, samples: usize) -> Vec<i16> {
    let mut decoder = Decoder::new(rate_hz).unwrap();
    let mut out = Vec::new();
    for packet in packets {
        let mut frame = vec![0; decoder.most()];
        let count = match packet {
            Some(packet) => decoder.decode(packet, &mut frame).unwrap(),
            None => decoder.lost(&mut frame[..samples]).unwrap(),
        };
        assert_eq!(count, samples);
        out.extend(&frame[..count]);
    }
    out
}

/// The best distance to noise over all delays up to 20 ms.
fn best(sound: &[i16], out: &[i16], rate_hz: u32) -> f64 {
    let most = rate_hz as usize / 50;
    let length = sound.len().min(out.len()) - most;
    let at = |late: usize| snr(&sound[length / 4..length], &out[late + length / 4..late + length]);
    (0..most).map(at).fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn sounds_keep_their_shape_at_every_rate_and_frame_length() {
    for rate_hz in RATES_HZ {
        for ms in [10, 20, 40, 60] {
            let tone = sine(400.0, 8000.0, rate_hz, rate_hz as usize * 2);
            let settings = Settings::call(rate_hz);
            let packets = encode(&tone, settings, ms);
            let octets: usize = packets.iter().flatten().map(Vec::len).sum();
            let seconds = packets.len() as f64 * ms as f64 / 1000.0;
            let bitrate = octets as f64 * 8.0 / seconds;
            assert!(
                bitrate < f64::from(settings.bitrate) * 1.2,
                "{rate_hz}, {ms} ms: {bitrate}"
            );
            let out = decode(&packets, rate_hz, rate_hz as usize / 1000 * ms);
            let snr = best(&tone, &out, rate_hz);
            assert!(snr > 15.0, "{rate_hz}, {ms} ms: {snr:.1} dB");
            let first = packets[0].as_ref().unwrap();
            assert_eq!(duration(first), Ok(ms as u32 * 48));
        }
    }
}

#[test]
fn a_packet_of_one_rate_is_decoded_to_another() {
    let tone = sine(400.0, 8000.0, 48_000, 48_000);
    let packets = encode(&tone, Settings::call(48_000), 20);
    let out = decode(&packets, 8000, 160);
    let snr = best(&sine(400.0, 8000.0, 8000, 8000), &out, 8000);
    assert!(snr > 12.0, "{snr:.1} dB");
}

#[test]
fn every_complexity_works_and_all_else_is_refused() {
    let speech = voice(1, 16_000, 1.0);
    for complexity in 0..=10 {
        let settings = Settings {
            complexity,
            ..Settings::call(16_000)
        };
        assert_eq!(encode(&speech, settings, 20).iter().flatten().count(), 50);
    }
    let refused = |settings: Settings| Encoder::new(settings).err();
    let call = Settings::call(16_000);
    assert_eq!(
        refused(Settings {
            complexity: 11,
            ..call
        }),
        Some(Error::Settings)
    );
    assert_eq!(refused(Settings { bitrate: 500, ..call }), Some(Error::Settings));
    assert_eq!(
        refused(Settings {
            rate_hz: 44_100,
            ..call
        }),
        Some(Error::Settings)
    );
    assert_eq!(
        refused(Settings {
            loss_percent: 101,
            ..call
        }),
        Some(Error::Settings)
    );
    assert_eq!(Decoder::new(11_025).err(), Some(Error::Settings));
    let mut encoder = Encoder::new(call).unwrap();
    assert_eq!(encoder.encode(&[0; 333], &mut [0; MAX_PACKET]), Err(Error::Frame));
    assert_eq!(encoder.encode(&[], &mut [0; MAX_PACKET]), Err(Error::Frame));
    assert_eq!(encoder.encode(&speech[..320], &mut []), Err(Error::Frame));
}

#[test]
fn what_the_next_packet_carries_is_nearer_than_concealment() {
    let speech = voice(2, 16_000, 20.0);
    let settings = Settings {
        bitrate: 32_000,
        loss_percent: 20,
        ..Settings::call(16_000)
    };
    let packets = encode(&speech, settings, 20);
    let whole = decode(&packets, 16_000, 320);
    let play = |fec: bool| {
        let mut decoder = Decoder::new(16_000).unwrap();
        let (mut wanted, mut got) = (Vec::new(), Vec::new());
        for (n, packet) in packets.iter().enumerate() {
            let mut frame = [0; 320];
            if n % 7 == 3 {
                match packets.get(n + 1).cloned().flatten().filter(|_| fec) {
                    Some(next) => decoder.recover(&next, &mut frame).unwrap(),
                    None => decoder.lost(&mut frame).unwrap(),
                };
                wanted.extend(&whole[n * 320..(n + 1) * 320]);
                got.extend(frame);
            } else {
                decoder.decode(packet.as_ref().unwrap(), &mut frame).unwrap();
            }
        }
        snr(&wanted, &got)
    };
    let (with, without) = (play(true), play(false));
    println!("lost frames: {with:.1} dB with the next packet, {without:.1} dB concealed");
    assert!(with > without + 3.0);
}

#[test]
fn packets_say_whether_they_hold_the_one_before() {
    for rate_hz in [8000, 16_000] {
        for ms in [20, 40, 60] {
            let sound = voice(3, rate_hz, 4.0);
            let with = |loss_percent| {
                let settings = Settings {
                    loss_percent,
                    ..Settings::call(rate_hz)
                };
                let packets = encode(&sound, settings, ms);
                let with = packets.iter().flatten().filter(|packet| has_fec(packet));
                with.count() * 100 / packets.len()
            };
            let case = format!("{rate_hz} Hz, {ms} ms");
            assert_eq!(with(0), 0, "{case}");
            assert!(with(10) >= 50, "{case}: {} %", with(10));
        }
    }
    assert!(!has_fec(&[]) && !has_fec(&[0]) && !has_fec(&[0xFC, 0xFF]));
}

#[test]
fn a_loss_fades_away() {
    let tone = sine(300.0, 8000.0, 16_000, 16_000);
    let mut packets = encode(&tone, Settings::call(16_000), 20);
    packets.truncate(25);
    packets.extend(vec![None; 50]);
    let out = decode(&packets, 16_000, 320);
    let level = |frame: usize| rms(&out[frame * 320..(frame + 1) * 320]);
    assert!(level(25) > level(24) * 0.5, "{} {}", level(25), level(24));
    assert!(level(74) < level(24) * 0.05, "{} {}", level(74), level(24));
}

#[test]
fn pauses_are_not_sent() {
    let mut random = Random(5);
    let mut sound = voice(3, 16_000, 2.0);
    sound.extend((0..16_000 * 4).map(|_| (8.0 * random.normal()) as i16));
    let settings = Settings {
        dtx: true,
        ..Settings::call(16_000)
    };
    let packets = encode(&sound, settings, 20);
    let sent = packets[150..].iter().flatten().count();
    println!("{sent} of 150 packets of a pause are sent");
    assert!(sent < 30, "{sent}");
    let out = decode(&packets, 16_000, 320);
    assert!(rms(&out[16_000 * 4..]) < 40.0);
    let without = encode(&sound, Settings::call(16_000), 20);
    assert_eq!(without.iter().flatten().count(), 300);
}

#[test]
fn no_packet_breaks_the_decoder() {
    let mut random = Random(6);
    let speech = voice(4, 16_000, 2.0);
    let packets = encode(&speech, Settings::call(16_000), 20);
    let mut decoder = Decoder::new(16_000).unwrap();
    let mut room = vec![0; decoder.most()];
    for round in 0..20_000 {
        let mut packet = packets[round % packets.len()].clone().unwrap();
        if round % 3 == 0 {
            packet = (0..random.next() % 200).map(|_| random.next() as u8).collect();
        }
        for _ in 0..random.next() % 4 {
            let at = random.next() as usize % packet.len().max(1);
            if let Some(octet) = packet.get_mut(at) {
                *octet ^= 1 << (random.next() % 8);
            }
        }
        let told = duration(&packet);
        match decoder.decode(&packet, &mut room) {
            Ok(count) => assert_eq!(Ok(count as u32 * 3), told),
            Err(error) => assert!(matches!(error, Error::Packet | Error::Frame), "{error:?}"),
        }
        let _ = decoder.recover(&packet, &mut room[..320]);
    }
    assert_eq!(decoder.decode(&[], &mut room), Err(Error::Packet));
    assert_eq!(decoder.recover(&[], &mut room[..320]), Err(Error::Packet));
    assert_eq!(decoder.lost(&mut room[..321]), Err(Error::Frame));
    assert_eq!(decoder.lost(&mut []), Err(Error::Frame));
    assert_eq!(duration(&[]), Err(Error::Packet));
}
