//! Ways to spoil a message: part by part, knowing what each part is, or octet by octet.

use super::METHODS;
use super::draft::Draft;
use crate::rng::Rng;

/// What breaks readers of text.
const PIECES: [&str; 26] = [
    "\r",
    "\n",
    "\0",
    "\"",
    "\\",
    "<",
    ">",
    ",",
    ";",
    ":",
    "@",
    "%",
    "%00",
    "%zz",
    " ",
    "\t",
    "=",
    "[",
    "]",
    "é",
    "\r\n ",
    "\u{7f}",
    "99999999999999999999",
    "-1",
    "sip:",
    ";;",
];

/// Numbers at the edges of what somebody may have reserved for them.
const NUMBERS: [&str; 12] = [
    "0",
    "1",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "-1",
];

/// URIs that name odd places.
const URIS: [&str; 18] = [
    "sip:",
    "sips:100@a.example",
    "tel:+4930123456",
    "tel:911;phone-context=a.example",
    "http://a.example/",
    "sip:@",
    "sip:100@",
    "sip:100@[::1",
    "sip:100@[2001:db8::1]:99999",
    "sip:100@255.255.255.255",
    "sip:100@224.0.0.1:5060",
    "sip:100@127.0.0.1",
    "sip:%31%30%30@a.example;user=phone;lr;maddr=10.0.0.1;ttl=255",
    "sip:100;x=1@a.example?Replaces=1%3Bto-tag%3D1&Replaces=2",
    "sip:100:secret@a.example",
    "urn:service:sos",
    "<<sip:100@a.example>>",
    "*",
];

const COMPACT: [(&str, &str); 14] = [
    ("Via", "v"),
    ("From", "f"),
    ("To", "t"),
    ("Call-ID", "i"),
    ("Contact", "m"),
    ("Content-Length", "l"),
    ("Content-Type", "c"),
    ("Supported", "k"),
    ("Event", "o"),
    ("Refer-To", "r"),
    ("Referred-By", "b"),
    ("Session-Expires", "x"),
    ("Subject", "s"),
    ("Allow-Events", "u"),
];

/// Header lines that a message may have besides.
const EXTRAS: [(&str, &str); 28] = [
    ("Require", "100rel, timer, replaces, gruu, nothing"),
    ("Proxy-Require", "sec-agree"),
    ("Route", "<sip:10.0.0.1;lr>, <sip:10.0.0.1;lr>"),
    ("Record-Route", "<sip:10.9.9.9;lr>"),
    ("Replaces", "x;to-tag=1;from-tag=2;early-only"),
    ("Join", "x;to-tag=1;from-tag=2"),
    ("Authorization", "Digest username=\"100\""),
    (
        "Authorization",
        "Digest username=\"100\", realm=\"a.example\", nonce=\"00\", uri=\"sip:x\", response=\"0\", nc=zzzzzzzz",
    ),
    ("Proxy-Authorization", "Basic MTAwOjEwMA=="),
    (
        "Proxy-Authorization",
        "Digest realm=\"a.example\",realm=\"b.example\",algorithm=SHA-512-256,qop=auth-int",
    ),
    ("P-Asserted-Identity", "<sip:110@a.example>"),
    ("Privacy", "id;header;session;user;none"),
    ("Reason", "Q.850;cause=99999999999;text=\"\\\""),
    ("Session-ID", "00000000000000000000000000000000;remote=zz"),
    ("Identity", "a.b.c;info=<https://x/>;alg=ES256"),
    ("Path", "<sip:a,b;lr>"),
    ("Service-Route", "<sip:x>"),
    ("Min-SE", "4294967296"),
    ("RSeq", "4294967296"),
    ("Flow-Timer", "0"),
    ("Alert-Info", "<http://x/>;info=alert-autoanswer"),
    ("Answer-Mode", "Auto;require"),
    ("User-to-User", "56a3;encoding=hex;purpose=isdn-uui"),
    ("Content-Encoding", "gzip"),
    ("Content-Type", "multipart/mixed;boundary=\"\""),
    ("Timestamp", "999999999999999999999.99999999999"),
    ("Date", "Sat, 99 Foo 99999 99:99:99 GMT"),
    ("History-Info", "<sip:a>;index=1.1.1.1.1.1.1.1.1.1.1.1"),
];

/// Spoils one part.
pub(super) fn structure(draft: &mut Draft, rng: &mut Rng) {
    match rng.below(20) {
        0 => method(draft, rng),
        1 => request_uri(draft, rng),
        2 => version(draft, rng),
        3..=5 => body(draft, rng),
        6..=7 => {
            let (name, value) = rng.pick(&EXTRAS).copied().unwrap_or_default();
            let at = place(draft.headers.len() + 1, rng);
            draft.headers.insert(at, (name.to_owned(), value.to_owned()));
        }
        8 => order(draft, rng),
        9 => name(draft, rng),
        10 => crowd(draft, rng),
        _ => value(draft, rng),
    }
}

fn place(count: usize, rng: &mut Rng) -> usize {
    usize::try_from(rng.below(count as u64)).unwrap_or(0)
}

fn method(draft: &mut Draft, rng: &mut Rng) {
    let other = rng.pick(&METHODS).copied().unwrap_or_default();
    if let Some((_, rest)) = draft.start.split_once(' ') {
        draft.start = format!("{other} {rest}");
    }
}

fn request_uri(draft: &mut Draft, rng: &mut Rng) {
    let uri = draft.uri().to_owned();
    let other = rng.pick(&URIS).copied().unwrap_or_default();
    draft.start = draft.start.replacen(&uri, other, 1);
}

fn version(draft: &mut Draft, rng: &mut Rng) {
    let version = [
        "SIP/2.1",
        "sip/2.0",
        "SIP/2.0 ",
        "SIP/99999999999.0",
        "HTTP/1.1",
        "",
    ];
    draft.start = draft
        .start
        .replacen("SIP/2.0", rng.pick(&version).copied().unwrap_or_default(), 1);
}

/// Drops, doubles or moves a header line.
fn order(draft: &mut Draft, rng: &mut Rng) {
    let count = draft.headers.len();
    let (from, to) = (place(count, rng), place(count, rng));
    match rng.below(3) {
        _ if count == 0 => {}
        0 => drop(draft.headers.remove(from)),
        1 => {
            let line = draft.headers.get(from).cloned().unwrap_or_default();
            draft.headers.insert(to, line);
        }
        _ => draft.headers.swap(from, to),
    }
}

/// Writes a name in another way, right or wrong.
fn name(draft: &mut Draft, rng: &mut Rng) {
    let at = place(draft.headers.len(), rng);
    let Some((name, _)) = draft.headers.get_mut(at) else {
        return;
    };
    match rng.below(6) {
        0 => *name = name.to_ascii_lowercase(),
        1 => name.push_str(" \t"),
        2 => name.insert(0, ' '),
        3 => name.push('\u{1}'),
        4 => name.clear(),
        _ => {
            let short = COMPACT.iter().find(|(long, _)| name == long);
            *name = short.map_or("X", |(_, short)| short).to_owned();
        }
    }
}

/// Many of one line, or a very long one; now and then too large for any server.
fn crowd(draft: &mut Draft, rng: &mut Rng) {
    let at = place(draft.headers.len(), rng);
    let Some(line) = draft.headers.get(at).cloned() else {
        return;
    };
    let many = rng.pick(&[3, 20, 70, 300]).copied().unwrap_or(3);
    if rng.per_mille(500) {
        (0..many).for_each(|_| draft.headers.insert(at, line.clone()));
    } else if let Some((_, value)) = draft.headers.get_mut(at) {
        let filler = rng
            .pick(&["a", ";a=b", ",", "\"", " ", "<", ", <sip:a@b>"])
            .copied()
            .unwrap_or("a");
        value.push_str(&filler.repeat(many * if rng.per_mille(50) { 200 } else { 10 }));
    }
}

/// Spoils the value of a header line.
fn value(draft: &mut Draft, rng: &mut Rng) {
    let at = place(draft.headers.len(), rng);
    let other = draft
        .headers
        .get(place(draft.headers.len(), rng))
        .cloned()
        .unwrap_or_default()
        .1;
    let Some((_, value)) = draft.headers.get_mut(at) else {
        return;
    };
    match rng.below(9) {
        0 => value.clear(),
        1 => *value = other,
        2 => number(value, rng),
        3 => piece(value, rng),
        4 => parameter(value, rng),
        5 => *value = format!("{value}, {value}"),
        6 => uri(value, rng),
        7 => value.truncate(boundary(value, rng)),
        _ => *value = rng.pick(&NUMBERS).copied().unwrap_or_default().to_owned(),
    }
}

/// Puts another number in the place of the first one after some point.
fn number(text: &mut String, rng: &mut Rng) {
    let from = boundary(text, rng);
    let (head, tail) = text.split_at(from);
    let Some(start) = tail.find(|c: char| c.is_ascii_digit()) else {
        return;
    };
    let (between, digits) = tail.split_at(start);
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = rng.pick(&NUMBERS).copied().unwrap_or_default();
    *text = format!("{head}{between}{number}{rest}");
}

fn piece(text: &mut String, rng: &mut Rng) {
    let at = boundary(text, rng);
    text.insert_str(at, rng.pick(&PIECES).copied().unwrap_or_default());
}

/// Drops, doubles, empties or adds a parameter.
fn parameter(text: &mut String, rng: &mut Rng) {
    let mut parts: Vec<String> = text.split(';').map(str::to_owned).collect();
    let at = place(parts.len(), rng);
    let added = [
        "tag=x",
        "tag=",
        "lr",
        "expires=-1",
        "q=2",
        "received=1.2.3.4",
        "rport=0",
        "branch=z9hG4bK",
        "maddr=224.0.0.1",
        "x=\"\\",
    ];
    match rng.below(4) {
        0 => drop(parts.remove(at)),
        1 => parts.insert(at, parts.get(at).cloned().unwrap_or_default()),
        2 => parts
            .get_mut(at)
            .into_iter()
            .for_each(|p| p.truncate(p.find('=').map_or(0, |e| e + 1))),
        _ => parts.push(rng.pick(&added).copied().unwrap_or_default().to_owned()),
    }
    *text = parts.join(";");
}

fn uri(text: &mut String, rng: &mut Rng) {
    let other = rng.pick(&URIS).copied().unwrap_or_default();
    *text = match (text.find('<'), text.find('>')) {
        (Some(open), Some(close)) if open < close => {
            let (head, rest) = text.split_at(open);
            format!("{head}<{other}{}", rest.get(close - open..).unwrap_or_default())
        }
        _ => other.to_owned(),
    };
}

/// Drops, doubles or spoils a line of the body, or cuts it; its length stays right.
fn body(draft: &mut Draft, rng: &mut Rng) {
    let mut lines: Vec<String> = draft.body.split_inclusive('\n').map(str::to_owned).collect();
    let at = place(lines.len(), rng);
    let Some(line) = lines.get_mut(at) else { return };
    match rng.below(7) {
        0 => drop(lines.remove(at)),
        1 => {
            let line = line.clone();
            let many = rng.pick(&[1, 10, 200]).copied().unwrap_or(1);
            (0..many).for_each(|_| lines.insert(at, line.clone()));
        }
        2 | 3 => number(line, rng),
        4 => piece(line, rng),
        5 => lines.truncate(at),
        _ => lines.reverse(),
    }
    draft.body = lines.concat();
}

/// A random place between two characters.
fn boundary(text: &str, rng: &mut Rng) -> usize {
    let wish = place(text.len() + 1, rng);
    (0..=wish)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// A length that is not the body's.
pub(super) fn content_length(rng: &mut Rng) -> String {
    let odd = ["", "0 0", "+1", "0x10", "1, 2"];
    let list = if rng.per_mille(700) {
        &NUMBERS[..]
    } else {
        &odd[..]
    };
    rng.pick(list).copied().unwrap_or_default().to_owned()
}

/// Damages octets wherever they are.
pub(super) fn octets(octets: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..=rng.below(4) {
        if octets.is_empty() {
            octets.push(b'x');
        }
        let at = place(octets.len(), rng);
        let end = (at + 1 + place(12, rng)).min(octets.len());
        match rng.below(6) {
            0 => {
                let piece = rng.pick(&PIECES).copied().unwrap_or_default();
                drop(octets.splice(at..at, piece.bytes()));
            }
            1 => drop(octets.drain(at..end)),
            2 => octets
                .iter_mut()
                .take(end)
                .skip(at)
                .for_each(|o| *o = o.wrapping_add(1)),
            3 => {
                let copy: Vec<u8> = octets.get(at..end).unwrap_or_default().to_vec();
                let to = place(octets.len(), rng);
                drop(octets.splice(to..to, copy));
            }
            4 if rng.per_mille(100) => octets.truncate(at),
            _ => {
                let bit = 1 << rng.below(8);
                octets.iter_mut().skip(at).take(1).for_each(|o| *o ^= bit);
            }
        }
    }
}
