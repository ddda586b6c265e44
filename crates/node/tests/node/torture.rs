//! RFC 4475 over UDP, TCP in one write, TCP octet by octet, TLS, and WebSocket plain, in fragments and over TLS. After each message the server answers
//! a good OPTIONS within 100 ms. The messages and what may be answered lie in `../shared/vectors`.

use crate::house::{ALL, House};
use crate::phone::{Line, Phone, status};
use model::Transport;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Longest time for the good OPTIONS.
const PROMPT: Duration = Duration::from_millis(100);

/// One message.
struct Vector {
    file: String,
    octets: Vec<u8>,
    allowed: Vec<String>,
    response: bool,
}

/// How it is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Udp,
    Tcp,
    TcpOctets,
    Tls,
    Ws,
    WsFragments,
    Wss,
}

/// All of them.
const WAYS: [Way; 7] = [
    Way::Udp,
    Way::Tcp,
    Way::TcpOctets,
    Way::Tls,
    Way::Ws,
    Way::WsFragments,
    Way::Wss,
];

impl Way {
    /// As the summary of `cargo xtask test` calls it.
    fn name(self) -> &'static str {
        match self {
            Way::Udp => "udp",
            Way::Tcp => "tcp",
            Way::TcpOctets => "tcp-octets",
            Way::Tls => "tls",
            Way::Ws => "ws",
            Way::WsFragments => "ws-fragments",
            Way::Wss => "wss",
        }
    }

    fn transport(self) -> Transport {
        match self {
            Way::Udp => Transport::Udp,
            Way::Tcp | Way::TcpOctets => Transport::Tcp,
            Way::Tls => Transport::Tls,
            Way::Ws | Way::WsFragments => Transport::Ws,
            Way::Wss => Transport::Wss,
        }
    }
}

fn vectors() -> Option<Vec<Vector>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let table = std::fs::read_to_string(root.join("README.md")).ok()?;
    let rows = table.lines().filter(|line| line.contains(".dat` |"));
    let parse = |line: &str| {
        // A `|` inside back quotes is not a column.
        let mut quoted = false;
        let line: String = line
            .chars()
            .map(|c| {
                quoted ^= c == '`';
                if quoted && c == '|' { '/' } else { c }
            })
            .collect();
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let file = cells[2].trim_matches('`').to_owned();
        Vector {
            octets: std::fs::read(root.join("rfc4475").join(&file)).unwrap(),
            allowed: cells[6].trim_matches('`').split('/').map(str::to_owned).collect(),
            response: cells[4].ends_with("response"),
            file,
        }
    };
    Some(rows.map(parse).collect())
}

/// True when the answers (status codes) are among the allowed outcomes.
fn fits(vector: &Vector, way: Way, answers: &[u16]) -> bool {
    if vector.response {
        return answers.is_empty();
    }
    // On a stream these two never end: what is missing may still come. The peer gives up instead.
    let endless = matches!(vector.file.as_str(), "clerr.dat" | "baddn.dat");
    let Some(first) = answers.first() else {
        return (endless && way.transport().is_stream()) || vector.allowed.iter().any(|a| a == "drop");
    };
    vector.allowed.iter().any(|allowed| match allowed.as_str() {
        // What a valid message gets: an answer about the user, the method or the credentials.
        "ok" => matches!(first, 200 | 401 | 403 | 404 | 405 | 407 | 480 | 481),
        // Wherever authentication comes first, a well-formed request is challenged.
        "401" => matches!(first, 401 | 407),
        code => code.parse() == Ok(*first),
    })
}

/// Sends one message and collects the codes of all answers but provisional ones.
fn answers(house: &House, vector: &Vector, way: Way) -> Vec<u16> {
    let mut phone = Phone::new(house, way.transport());
    match way {
        Way::TcpOctets => vector.octets.iter().for_each(|octet| _ = phone.send(&[*octet])),
        Way::WsFragments => fragments(&mut phone, &vector.octets),
        _ => _ = phone.send(&vector.octets),
    }
    let mut received = Vec::new();
    if way == Way::Udp {
        // One worker, one socket: answers come in the order of requests.
        let ping = phone.ping();
        phone.send(ping.as_bytes());
        let id = crate::phone::field(&ping, "Call-ID").to_owned();
        while let Some(answer) = phone.receive()
            && crate::phone::field(&answer, "Call-ID") != id
        {
            received.push(status(&answer));
        }
    } else {
        phone.finish();
        received.extend(phone.receive_all().iter().map(|a| status(a)));
    }
    received.retain(|code| *code >= 200);
    received
}

/// In binary frames of a few octets.
fn fragments(phone: &mut Phone, octets: &[u8]) {
    let Line::Web(socket) = &mut phone.line else {
        panic!("no WebSocket")
    };
    let mut first = 0x02;
    for piece in octets.chunks(37) {
        socket.frame(first, piece);
        first = 0x00;
    }
    socket.frame(0x80, b"");
}

#[test]
fn rfc_4475_on_every_transport() {
    let Some(vectors) = vectors() else {
        println!("SKIP: ../shared/vectors is absent, RFC 4475 was not replayed");
        return;
    };
    let house = House::with(|s| s.workers = 1);
    let mut good: Vec<Phone> = ALL.map(|t| Phone::new(&house, t)).into();
    good.iter_mut().for_each(Phone::check);
    let (mut failures, mut slowest, mut count) = (String::new(), Duration::ZERO, 0);
    for way in WAYS {
        for vector in &vectors {
            let got = answers(&house, vector, way);
            if !fits(vector, way, &got) {
                let Vector { file, allowed, .. } = vector;
                writeln!(failures, "{file} over {way:?}: {got:?}, allowed {allowed:?}").unwrap();
            }
            let start = Instant::now();
            let phone = good.get_mut(count % ALL.len()).unwrap();
            phone.check();
            slowest = slowest.max(start.elapsed());
            count += 1;
        }
        println!("COUNT rfc4475/{} {}", way.name(), vectors.len());
    }
    let counts = house.live().counts().unwrap();
    house.stop();
    println!(
        "RFC 4475: {count} messages ({} x {} transports), slowest OPTIONS after one {slowest:?}",
        vectors.len(),
        WAYS.len()
    );
    assert!(failures.is_empty(), "{failures}");
    assert_eq!(vectors.len(), 49);
    assert_eq!(counts.panics, 0);
    assert!(slowest < PROMPT, "a good OPTIONS took {slowest:?}");
}
