//! Programs that look for telephone systems to break into, by how they name themselves.

/// Parts of a User-Agent that no phone has; lower case. Whoever hides them is found by what it does.
const AGENTS: &[&str] = &[
    "friendly-scanner",
    "friendly-request",
    "sipvicious",
    "sundayddr",
    "sipcli",
    "sip-scan",
    "sipscan",
    "smap ",
    "iwar",
    "sipptk",
    "vaxsipuseragent",
    "vaxasip",
    "pplsip",
    "masscan",
    "zmap",
    "sivus",
    "siparmyknife",
    "voipscan",
    "ccxllrlflgig",
];

/// Parts of a From or Contact, likewise: fewer, for people choose their names.
const NAMES: &[&str] = &["sipvicious", "sip:nm@nm", "friendly-scanner"];

/// Octets of the head that are looked at: names stand before the body.
const HEAD: usize = 2_048;

/// True where a message names itself as a scanner. Looks at the headers User-Agent, From and Contact, and at the compact forms.
#[must_use]
pub fn is_scanner(packet: &[u8]) -> bool {
    let head = packet.get(..HEAD).unwrap_or(packet);
    head.split(|b| *b == b'\n')
        .skip(1)
        .take_while(|line| !matches!(line, [] | [b'\r']))
        .any(|line| has(line, words(line)))
}

/// What a line must not have.
fn words(line: &[u8]) -> &'static [&'static str] {
    let starts = |word: &[u8]| {
        line.get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word))
    };
    match line.first() {
        Some(b'U' | b'u') if starts(b"user-agent") => AGENTS,
        Some(b'F' | b'f') if starts(b"from") || starts(b"f:") || starts(b"f ") => NAMES,
        Some(b'C' | b'c') if starts(b"contact") => NAMES,
        Some(b'M' | b'm') if starts(b"m:") || starts(b"m ") => NAMES,
        _ => &[],
    }
}

/// Whether one of the words, which are lower case, is in a line. Few letters begin one, so most places are passed by at once.
fn has(line: &[u8], words: &[&str]) -> bool {
    let letter = |octet: u8| 1_u32.checked_shl(u32::from(octet.to_ascii_lowercase().wrapping_sub(b'a')));
    let first = |word: &&str| word.bytes().next().and_then(letter);
    let begin = words.iter().filter_map(first).fold(0, |all, one| all | one);
    let places = line.iter().enumerate();
    places
        .filter(|(_, octet)| letter(**octet).is_some_and(|one| begin & one != 0))
        .filter_map(|(at, _)| line.get(at..))
        .any(|rest| {
            words.iter().any(|word| {
                rest.get(..word.len())
                    .is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
            })
        })
}
