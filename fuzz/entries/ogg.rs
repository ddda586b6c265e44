//! An Ogg file, read whole. Shared by the fuzz target and the tests of `audio`.
//!
//! What must hold: nothing panics; packets are Opus and of bounded length; they hold no more octets than the file; what is read
//! can be written, and reads alike.

use audio::ogg::{MAX_PACKET, Reader, Writer, duration};

/// One input: a file, as it is and with the checksums of its pages made right, so that damage gets past them.
pub(crate) fn run(data: &[u8]) {
    read(data);
    read(&mended(data));
}

fn mended(data: &[u8]) -> Vec<u8> {
    let mut file = data.to_vec();
    let mut at = 0;
    while let Some(found) = file
        .get(at..)
        .and_then(|rest| rest.windows(4).position(|w| w == b"OggS"))
    {
        at += found;
        let Some(&segments) = file.get(at + 26) else {
            break;
        };
        let begin = at + 27;
        let Some(lengths) = file.get(begin..begin + usize::from(segments)) else {
            break;
        };
        let body: usize = lengths.iter().map(|length| usize::from(*length)).sum();
        let end = (begin + usize::from(segments) + body).min(file.len());
        file[at + 22..at + 26].fill(0);
        let mut sum = 0_u32;
        for octet in &file[at..end] {
            sum ^= u32::from(*octet) << 24;
            for _ in 0..8 {
                sum = (sum << 1) ^ if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 };
            }
        }
        file[at + 22..at + 26].copy_from_slice(&sum.to_le_bytes());
        at = end;
    }
    file
}

fn read(data: &[u8]) {
    let Ok(mut reader) = Reader::open(data) else {
        return;
    };
    let mut file = Vec::new();
    let mut writer = Writer::begin(&reader.head(), reader.tags(), 1, &mut file);
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet() {
        assert!(packet.octets.len() <= MAX_PACKET && packet.heard <= packet.samples);
        assert_eq!(duration(packet.octets), Some(packet.samples));
        assert_eq!(writer.packet(packet.octets, &mut file), Ok(packet.samples));
        packets.push(packet.octets.to_vec());
    }
    writer.finish(0, &mut file);
    assert!(packets.iter().map(Vec::len).sum::<usize>() <= data.len());
    assert!(reader.whole() <= data.len());
    let mut again = Reader::open(&file).expect("a file that was written");
    assert_eq!((again.head(), again.tags()), (reader.head(), reader.tags()));
    for packet in &packets {
        assert_eq!(
            again.next_packet().map(|p| p.octets.to_vec()).as_ref(),
            Some(packet)
        );
    }
    assert!(again.next_packet().is_none() && again.damaged() == 0);
}
