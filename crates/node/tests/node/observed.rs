//! What a node shows of itself and of calls: figures for Prometheus, traces, copies for a collector.

use crate::calls::Talk;
use crate::house::{House, PATIENCE, until};
use model::{Counts, Transport};
use node::Hep;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

/// Status line and body of what a GET is answered with.
fn get(from: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(from).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {from}\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length = format!("Content-Length: {}", body.len());
    assert!(head.lines().any(|line| line == length), "{head}");
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

fn is_name(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    text.chars().all(good) && !text.starts_with(|c: char| c.is_ascii_digit()) && !text.is_empty()
}

/// The names of labels in `{a="b",c="d"}`, whose values have no quotes in these tests.
fn check_labels(text: &str) {
    let inner = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'))
        .unwrap();
    for label in inner.split("\",") {
        let (name, value) = label.split_once("=\"").unwrap();
        assert!(
            is_name(name) && !value.trim_end_matches('"').contains('"'),
            "{text}"
        );
    }
}

/// Every sample of a page that keeps to the exposition format 0.0.4, by name and labels.
fn samples(page: &str) -> BTreeMap<String, f64> {
    assert!(page.ends_with('\n'));
    let (mut all, mut families) = (BTreeMap::new(), BTreeSet::new());
    let (mut helped, mut family, mut kind) = ("", "", "");
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && !help.trim().is_empty(), "{line}");
            helped = name;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            (family, kind) = rest.split_once(' ').unwrap();
            assert!(matches!(kind, "counter" | "gauge"), "{line}");
            assert!(family == helped && families.insert(family), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let at = series.find('{').unwrap_or(series.len());
            let (name, labels) = series.split_at(at);
            assert_eq!(
                (name, name.ends_with("_total")),
                (family, kind == "counter"),
                "{line}"
            );
            if !labels.is_empty() {
                check_labels(labels);
            }
            let value: f64 = value.parse().unwrap();
            assert!(
                all.insert(series.to_owned(), value).is_none(),
                "{line} comes twice"
            );
        }
    }
    all
}

#[test]
fn a_scrape_is_well_formed_and_counts_what_there_is() {
    let house = House::with(|s| s.metrics = Some(([127, 0, 0, 1], 0).into()));
    let talk = Talk::begin(&house, Transport::Tcp);
    let address = house.node.metrics_address().unwrap();
    let (status, page) = get(address, "/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let found = samples(&page);
    for (name, _, _) in Counts::default().described() {
        assert!(found.contains_key(&format!("carillon_{name}_total")), "{name}");
    }
    for (series, value) in [
        ("carillon_live_calls", 1.0),
        ("carillon_media_sessions", 1.0),
        ("carillon_registrations", 2.0),
        ("carillon_connections", 2.0),
        ("carillon_tenants", 2.0),
        ("carillon_calls_total", 1.0),
        ("carillon_draining", 0.0),
        ("carillon_bans", 0.0),
        ("carillon_queue_length{worker=\"media-0\"}", 0.0),
        ("carillon_trunks_left_out", 0.0),
    ] {
        assert_eq!(found.get(series), Some(&value), "{series}");
    }
    for series in [
        "carillon_uptime_seconds",
        "carillon_trace_bytes",
        "process_resident_memory_bytes",
        "process_open_fds",
    ] {
        assert!(found.get(series).is_some_and(|value| *value > 0.0), "{series}");
    }
    assert_eq!(get(address, "/").0, "HTTP/1.1 404 Not Found");
    talk.end();
    house.stop();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn metrics_are_nowhere_unless_somebody_wants_them() {
    let house = House::new();
    assert_eq!(house.node.metrics_address(), None);
    house.stop();
}

#[test]
fn who_asks_metrics_for_nothing_keeps_nobody_from_them() {
    let house = House::with(|s| s.metrics = Some(([127, 0, 0, 1], 0).into()));
    let address = house.node.metrics_address().unwrap();
    let silent: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
    assert_eq!(get(address, "/metrics").0, "HTTP/1.1 200 OK");
    drop(silent);
    house.stop();
}

#[test]
fn a_call_is_traced_with_both_legs_and_without_secrets() {
    for transport in [Transport::Udp, Transport::Tls] {
        let house = House::with(|s| s.workers = 3);
        let talk = Talk::begin(&house, transport);
        let (scope, other) = (house.scope("example.com"), house.scope("other.example"));
        let live = house.live();
        let list = live.traces(scope).unwrap();
        let up: Vec<_> = list.iter().filter(|one| one.call.is_some()).collect();
        assert_eq!(up.len(), 1, "{list:?}");
        assert!(up[0].live);
        let calls = live.calls(scope).unwrap();
        assert_eq!(up[0].call, Some(calls[0].id));
        talk.end();
        until("the call is gone", || house.live().status().unwrap().calls == 0);
        let record = up[0].record.unwrap().to_string();
        let trace = live.trace(scope, &record, false).unwrap().unwrap();
        assert_eq!(trace.call_ids.len(), 2);
        let heads: Vec<String> = trace
            .messages
            .iter()
            .map(|message| {
                let arrow = if message.sent { '<' } else { '>' };
                let what = trace::ladder::what(&message.octets);
                let what: Vec<&str> = what.split(' ').take(2).collect();
                format!("{}{arrow}{}", message.leg, what.join(" "))
            })
            .collect();
        for word in [
            "0>INVITE 102",
            "1<INVITE 102",
            "1>200 OK",
            "1<ACK 102",
            "0<200 OK",
            "0>ACK",
            "0>BYE",
            "1<BYE 102",
        ] {
            assert!(
                heads.iter().any(|head| head.starts_with(word)),
                "{word}: {heads:?}"
            );
        }
        let text: String = trace
            .messages
            .iter()
            .map(|message| String::from_utf8_lossy(&message.octets).into_owned())
            .collect();
        let proof = text.split("response=\"").nth(1).unwrap();
        assert!(proof.starts_with("****"), "{text}");
        assert!(text.contains("username=\"101\""), "{text}");
        // Nobody else has it, and nobody sees more than the configuration lets him.
        assert_eq!(live.trace(other, &record, false).unwrap(), None);
        assert!(
            live.trace(scope, &record, true)
                .unwrap_err()
                .to_string()
                .contains("full = true")
        );
        house.stop();
    }
}

#[test]
fn a_trace_has_everything_where_the_operator_says_so_and_nothing_where_it_is_off() {
    let house = House::with(|s| s.traces.full = true);
    Talk::begin(&house, Transport::Udp).end();
    let scope = house.scope("example.com");
    let list = house.live().traces(scope).unwrap();
    let one = list.iter().find(|one| one.call.is_some()).unwrap();
    let trace = house
        .live()
        .trace(scope, &one.call_ids[0], true)
        .unwrap()
        .unwrap();
    let shown = trace.messages.iter().any(|message| {
        let text = String::from_utf8_lossy(&message.octets).into_owned();
        text.contains("response=\"") && !text.contains("response=\"*")
    });
    assert!(shown);
    house.stop();
    let house = House::with(|s| s.traces.max_mb = 0);
    Talk::begin(&house, Transport::Udp).end();
    assert_eq!(house.live().traces(house.scope("example.com")).unwrap(), []);
    house.stop();
}

/// The chunks of a packet of HEP by type.
fn chunks(packet: &[u8]) -> BTreeMap<u16, Vec<u8>> {
    assert_eq!(packet[..4], *b"HEP3");
    let (mut rest, mut all) = (&packet[6..], BTreeMap::new());
    while !rest.is_empty() {
        let length = usize::from(u16::from_be_bytes([rest[4], rest[5]]));
        all.insert(u16::from_be_bytes([rest[2], rest[3]]), rest[6..length].to_vec());
        rest = &rest[length..];
    }
    all
}

#[test]
fn a_collector_gets_both_legs_under_one_name_and_no_secrets() {
    let collector = UdpSocket::bind("127.0.0.1:0").unwrap();
    collector.set_read_timeout(Some(PATIENCE)).unwrap();
    let place = collector.local_addr().unwrap();
    let house = House::with(|s| {
        let key = s.data_dir.join("hep.key");
        std::fs::write(&key, "let me in\n").unwrap();
        s.hep = Some(Hep {
            collector: place.to_string(),
            capture_id: 2_001,
            key_file: Some(key),
            full: false,
        });
    });
    let talk = Talk::begin(&house, Transport::Tcp);
    let (scope, live) = (house.scope("example.com"), house.live());
    talk.end();
    until("the call is gone", || live.status().unwrap().calls == 0);
    let list = live.traces(scope).unwrap();
    let one = list.iter().find(|one| one.call.is_some()).unwrap();
    let record = one.record.unwrap().to_string().into_bytes();
    let mut call_ids = BTreeSet::new();
    // The first request, which was challenged, had another Call-ID.
    let all: usize = list.iter().map(|one| one.messages).sum();
    let (mut buffer, mut seen) = (vec![0; 65_536], 0);
    while seen < all {
        let count = collector.recv(&mut buffer).unwrap();
        seen += 1;
        let chunks = chunks(&buffer[..count]);
        assert_eq!(
            (&chunks[&12], &chunks[&14]),
            (&2_001_u32.to_be_bytes().to_vec(), &b"let me in".to_vec())
        );
        assert_eq!(
            (&chunks[&1], &chunks[&2], &chunks[&11]),
            (&vec![2], &vec![6], &vec![1])
        );
        let text = String::from_utf8(chunks[&15].clone()).unwrap();
        assert!(
            !text.contains("response=\"") || text.contains("response=\"****"),
            "{text}"
        );
        if let Some(correlation) = chunks.get(&17) {
            assert_eq!(*correlation, record);
            call_ids.insert(crate::phone::field(&text, "Call-ID").to_owned());
        }
    }
    assert_eq!(call_ids.len(), 2);
    let counts = live.counts().unwrap();
    assert_eq!((counts.hep_sent, counts.hep_dropped), (seen as u64, 0));
    house.stop();
}
