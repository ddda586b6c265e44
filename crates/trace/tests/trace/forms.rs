//! Ladders, capture files, HEP.

use model::{CallId, CdrId, FlowToken, TenantId, Transport, Wall};
use trace::{Captured, Trace, hep, ladder, pcap};

fn flow(transport: Transport, remote: &str) -> FlowToken {
    FlowToken {
        transport,
        worker: 0,
        connection: 0,
        local: match remote.starts_with('[') {
            true => "[2001:db8::1]:5060".parse().unwrap(),
            false => "192.0.2.1:5060".parse().unwrap(),
        },
        remote: remote.parse().unwrap(),
    }
}

fn captured(at: u64, sent: bool, leg: usize, remote: &str, text: &str) -> Captured {
    Captured {
        at: Wall(at),
        sent,
        flow: flow(Transport::Udp, remote),
        leg,
        octets: text.as_bytes().to_vec(),
    }
}

fn call() -> Trace {
    let offer = "v=0\r\nc=IN IP4 198.51.100.7\r\nm=audio 4000 RTP/AVP 0 8\r\na=sendonly\r\n";
    let invite = format!(
        "INVITE sip:101@acme SIP/2.0\r\nCSeq: 1 INVITE\r\nAuthorization: Digest a\r\nContent-Type: application/sdp\r\n\r\n{offer}"
    );
    let busy = "SIP/2.0 486 Busy\u{7} Here\r\nCSeq: 1 INVITE\r\nReason: Q.850;cause=17\r\n\r\n";
    Trace {
        tenant: TenantId(1),
        call: Some(CallId(3)),
        record: Some(CdrId([1; 16])),
        call_ids: vec!["a".to_owned(), "b".to_owned()],
        messages: vec![
            captured(86_400_000 * 3 + 3_723_004, false, 0, "198.51.100.7:5062", &invite),
            captured(86_400_000 * 3 + 3_723_504, true, 1, "[2001:db8::2]:5060", busy),
        ],
    }
}

#[test]
fn a_ladder_says_when_who_and_what_and_lets_no_peer_move_the_cursor() {
    assert_eq!(
        ladder::text(&call()),
        "01:02:03.004        0 A  udp:198.51.100.7:5062 -> carillon               INVITE 101 +credentials {audio 198.51.100.7:4000 0,8 sendonly}\n\
         01:02:03.504      500 B               carillon -> udp:[2001:db8::2]:5060 486 Busy. Here (INVITE) Reason Q.850;cause=17\n"
    );
}

#[test]
fn a_trace_survives_json_to_the_octet() {
    let mut trace = call();
    trace.messages[0].octets = (0..=255).collect();
    let text = serde_json::to_string(&trace).unwrap();
    assert_eq!(serde_json::from_str::<Trace>(&text).unwrap(), trace);
}

#[test]
fn a_capture_file_has_a_datagram_for_each_message() {
    let trace = call();
    let file = pcap::file(&trace.messages);
    assert_eq!(file[..4], 0xA1B2_C3D4_u32.to_le_bytes());
    assert_eq!(file[20..24], 101_u32.to_le_bytes());
    let first = &file[24..];
    assert_eq!(first[..4], (3 * 86_400_u32 + 3_723).to_le_bytes());
    assert_eq!(first[4..8], 4_000_u32.to_le_bytes());
    let length = usize::try_from(u32::from_le_bytes(first[8..12].try_into().unwrap())).unwrap();
    assert_eq!(length, 28 + trace.messages[0].octets.len());
    let packet = &first[16..16 + length];
    assert_eq!((packet[0], packet[9]), (0x45, 17));
    assert_eq!(packet[12..20], [198, 51, 100, 7, 192, 0, 2, 1]);
    assert_eq!(packet[20..24], [0x13, 0xC6, 0x13, 0xC4]);
    assert_eq!(packet[28..], trace.messages[0].octets);
    let second = &first[16 + length + 16..];
    assert_eq!((second[0], second[6]), (0x60, 17));
    assert_eq!(second.len(), 48 + trace.messages[1].octets.len());
}

/// Chunks by type.
fn chunks(packet: &[u8]) -> Vec<(u16, Vec<u8>)> {
    assert_eq!(packet[..4], *b"HEP3");
    assert_eq!(
        usize::from(u16::from_be_bytes([packet[4], packet[5]])),
        packet.len()
    );
    let (mut rest, mut all) = (&packet[6..], Vec::new());
    while !rest.is_empty() {
        assert_eq!(rest[..2], [0, 0]);
        let length = usize::from(u16::from_be_bytes([rest[4], rest[5]]));
        all.push((u16::from_be_bytes([rest[2], rest[3]]), rest[6..length].to_vec()));
        rest = &rest[length..];
    }
    all
}

#[test]
fn a_hep_packet_has_the_chunks_of_the_specification() {
    let flow = flow(Transport::Tls, "198.51.100.7:5062");
    let packet = hep::write(&hep::Packet {
        at: Wall(1_700_000_000_123),
        sent: true,
        flow: &flow,
        capture_id: 2_001,
        auth_key: Some("key"),
        correlation: Some("call"),
        payload: b"SIP/2.0 200 OK\r\n\r\n",
    });
    let expected: Vec<(u16, Vec<u8>)> = vec![
        (1, vec![2]),
        (2, vec![6]),
        (3, vec![192, 0, 2, 1]),
        (4, vec![198, 51, 100, 7]),
        (7, vec![0x13, 0xC4]),
        (8, vec![0x13, 0xC6]),
        (9, 1_700_000_000_u32.to_be_bytes().to_vec()),
        (10, 123_000_u32.to_be_bytes().to_vec()),
        (11, vec![1]),
        (12, 2_001_u32.to_be_bytes().to_vec()),
        (14, b"key".to_vec()),
        (17, b"call".to_vec()),
        (15, b"SIP/2.0 200 OK\r\n\r\n".to_vec()),
    ];
    assert_eq!(chunks(&packet), expected);
}

#[test]
fn a_hep_packet_fits_into_a_datagram_whatever_the_message() {
    let flow = flow(Transport::Udp, "[2001:db8::2]:5060");
    let packet = hep::write(&hep::Packet {
        at: Wall(0),
        sent: false,
        flow: &flow,
        capture_id: 0,
        auth_key: Some(&"k".repeat(1_000)),
        correlation: None,
        payload: &[b'a'; 70_000],
    });
    assert!(packet.len() < 65_507, "{}", packet.len());
    let chunks = chunks(&packet);
    assert_eq!((chunks[0].1[0], chunks[1].1[0]), (10, 17));
    assert_eq!(
        chunks[2],
        (
            5,
            "2001:db8::2"
                .parse::<std::net::Ipv6Addr>()
                .unwrap()
                .octets()
                .to_vec()
        )
    );
}
