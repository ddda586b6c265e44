//! Ogg files: written, read, cut anywhere, damaged, and made by others to mislead.

use crate::Random;
use audio::ogg::{Head, MAX_PACKET, Reader, Refused, Tags, Unreadable, Writer, duration};

/// The first octet of a packet of one frame of 20 ms, narrow-band SILK.
const FRAME_20_MS: u8 = 1 << 3;

fn packet(number: usize, octets: usize) -> Vec<u8> {
    let mut packet = vec![number as u8; octets];
    packet[0] = FRAME_20_MS;
    packet
}

fn head() -> Head {
    Head::new(1, 8000, 312)
}

/// A file of packets, and where each page of sound ends.
fn write(packets: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
    let mut file = Vec::new();
    let tags = Tags::default().with("TITLE", "Ein Gespräch");
    let mut writer = Writer::begin(&head(), &tags, 7, &mut file);
    let mut ends = vec![file.len()];
    for packet in packets {
        assert_eq!(writer.packet(packet, &mut file), Ok(960));
        if ends.last() != Some(&file.len()) {
            ends.push(file.len());
        }
    }
    writer.finish(100, &mut file);
    ends.push(file.len());
    (file, ends)
}

fn read(reader: &mut Reader<'_>) -> Vec<(Vec<u8>, u32)> {
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet() {
        packets.push((packet.octets.to_vec(), packet.heard));
    }
    packets
}

#[test]
fn what_was_written_is_read() {
    // Lengths about the limits of a segment, and one that fills a page alone.
    let sizes = [1, 2, 254, 255, 256, 509, 510, 511, 1275, MAX_PACKET];
    let packets: Vec<Vec<u8>> = (0..200).map(|n| packet(n, sizes[n % sizes.len()])).collect();
    let (file, ends) = write(&packets);
    let mut reader = Reader::open(&file).unwrap();
    assert_eq!(reader.head(), head());
    assert_eq!(reader.tags().get("title"), Some("Ein Gespräch"));
    let got = read(&mut reader);
    assert_eq!(got.len(), packets.len());
    for (number, (octets, heard)) in got.iter().enumerate() {
        assert_eq!(octets, &packets[number]);
        assert_eq!(*heard, if number == 199 { 860 } else { 960 });
    }
    assert_eq!(
        (reader.damaged(), reader.has_ended(), reader.whole()),
        (0, true, file.len())
    );
    assert!(ends.len() > 10);
}

#[test]
fn a_page_leaves_at_least_twice_a_second() {
    let mut file = Vec::new();
    let mut writer = Writer::begin(&head(), &Tags::default(), 1, &mut file);
    let (mut before, mut since) = (file.len(), 0);
    for number in 0..500 {
        since += writer.packet(&packet(number, 40), &mut file).unwrap();
        if file.len() > before {
            // What the page does not hold is the packet that closed it.
            (before, since) = (file.len(), 960);
        }
        assert!(since <= 24_000, "{since} samples wait");
    }
    assert_eq!(writer.position(), 500 * 960);
    writer.flush(&mut file);
    assert!(file.len() > before);
    let mut reader = Reader::open(&file).unwrap();
    assert_eq!(read(&mut reader).len(), 500);
    assert!(!reader.has_ended());
}

#[test]
fn a_file_cut_anywhere_is_read_up_to_there() {
    let packets: Vec<Vec<u8>> = (0..120).map(|n| packet(n, 3 + n)).collect();
    let (file, ends) = write(&packets);
    let headers = ends[0];
    for length in 0..=file.len() {
        let Ok(mut reader) = Reader::open(&file[..length]) else {
            assert!(length < headers, "{length}");
            continue;
        };
        let got = read(&mut reader);
        let pages = ends.iter().filter(|end| **end <= length).count() - 1;
        assert_eq!(got.len(), (pages * 25).min(120), "{length}");
        assert!(got.iter().zip(&packets).all(|((got, _), packet)| got == packet));
        assert_eq!(reader.damaged(), 0, "{length}: cut is not damaged");
        assert_eq!(reader.whole(), *ends.iter().rfind(|end| **end <= length).unwrap());
    }
}

#[test]
fn a_damaged_page_is_left_out_and_counted() {
    let packets: Vec<Vec<u8>> = (0..120).map(|n| packet(n, 60)).collect();
    let (file, ends) = write(&packets);
    let mut random = Random(3);
    for _ in 0..200 {
        // In the second page of sound.
        let at = ends[1] + (random.next() as usize) % (ends[2] - ends[1]);
        let mut damaged = file.clone();
        damaged[at] ^= 1 << (random.next() % 8);
        let mut reader = Reader::open(&damaged).unwrap();
        let got = read(&mut reader);
        let kept = packets[..25].iter().chain(&packets[50..]);
        if got.len() == 95 {
            assert!(got.iter().map(|(octets, _)| octets).eq(kept));
            assert!(reader.damaged() > 0);
        } else {
            // A length that grew past the end of the file looks like a file that was cut.
            assert_eq!(got.len(), 25, "{at}");
        }
    }
}

#[test]
fn a_missing_page_is_noticed() {
    let packets: Vec<Vec<u8>> = (0..100).map(|n| packet(n, 60)).collect();
    let (file, ends) = write(&packets);
    let without = [&file[..ends[1]], &file[ends[2]..]].concat();
    let mut reader = Reader::open(&without).unwrap();
    assert_eq!(read(&mut reader).len(), 75);
    assert_eq!(reader.damaged(), 1);
}

#[test]
fn what_is_not_opus_is_not_written() {
    let mut file = Vec::new();
    let mut writer = Writer::begin(&head(), &Tags::default(), 1, &mut file);
    // 49 frames of 20 ms are longer than 120 ms.
    for bad in [
        vec![],
        vec![3 | FRAME_20_MS],
        vec![3 | FRAME_20_MS, 49],
        packet(0, MAX_PACKET + 1),
    ] {
        assert_eq!(writer.packet(&bad, &mut file), Err(Refused));
    }
    assert_eq!(writer.packet(&packet(0, 30), &mut file), Ok(960));
}

#[test]
fn a_packet_tells_how_long_it_is() {
    // RFC 6716, table 2: configuration and samples of its frame.
    let frames = [
        (0, 480),
        (3, 2880),
        (11, 2880),
        (12, 480),
        (13, 960),
        (15, 960),
        (16, 120),
        (19, 960),
        (31, 960),
    ];
    for (configuration, samples) in frames {
        assert_eq!(duration(&[configuration << 3]), Some(samples));
        let two = (samples * 2 <= 5760).then_some(samples * 2);
        assert_eq!(duration(&[configuration << 3 | 1]), two);
    }
    assert_eq!(duration(&[3 | FRAME_20_MS, 6]), Some(5760));
    assert_eq!(duration(&[3 | FRAME_20_MS, 7]), None);
}

#[test]
fn other_files_are_refused_by_name() {
    let (file, _) = write(&[packet(0, 30)]);
    assert_eq!(Reader::open(b"").err(), Some(Unreadable::NotOgg));
    assert_eq!(Reader::open(b"RIFF....WAVE").err(), Some(Unreadable::NotOgg));
    // The head alone: no comments follow.
    assert_eq!(Reader::open(&file[..47]).err(), Some(Unreadable::Header));
    let six = Head {
        channels: 6,
        ..head()
    };
    // Our writer makes two of six; a file that says six is made by hand, and its checksum is wrong then.
    let mut file = Vec::new();
    let _writer = Writer::begin(&six, &Tags::default(), 1, &mut file);
    assert_eq!(Reader::open(&file).unwrap().head().channels, 2);
    assert!(Unreadable::Channels(6).to_string().contains("one or two"));
    assert!(Unreadable::NotOpus.to_string().contains("Ogg-Opus"));
}

#[test]
fn long_comments_are_left_out_and_many_are_read() {
    let mut tags = Tags::default().with("LONG", &"x".repeat(600));
    for number in 0..100 {
        tags = tags.with("COMMENT", &format!("{number} {}", "y".repeat(400)));
    }
    let mut file = Vec::new();
    let mut writer = Writer::begin(&head(), &tags, 1, &mut file);
    writer.packet(&packet(0, 30), &mut file).unwrap();
    writer.finish(0, &mut file);
    let mut reader = Reader::open(&file).unwrap();
    assert_eq!(reader.tags().comments.len(), 64);
    assert_eq!(reader.tags().get("long"), None);
    assert_eq!(read(&mut reader).len(), 1);
}
