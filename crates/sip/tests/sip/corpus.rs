//! Where test messages come from: the RFC 4475 files beside the repository, and a few of our own.

use std::fs;
use std::path::PathBuf;

/// A message file and its octets.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) octets: Vec<u8>,
}

/// All files of RFC 4475 in order of name; `None`, said aloud, where they are not there.
pub(crate) fn rfc4475() -> Option<Vec<Case>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/rfc4475");
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!("SKIP: no test messages in {}", folder.display());
        return None;
    };
    let mut cases: Vec<Case> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "dat"))
        .map(|path| Case {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            octets: fs::read(&path).unwrap(),
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Some(cases)
}

/// Messages that are always there.
pub(crate) fn own() -> Vec<Case> {
    let case = |name: &str, text: &str| Case {
        name: name.to_owned(),
        octets: text.replace('\n', "\r\n").into_bytes(),
    };
    vec![
        case("invite", INVITE),
        case("register", REGISTER),
        case("ringing", RINGING),
        case("folded", FOLDED),
    ]
}

pub(crate) const INVITE: &str = "\
INVITE sip:bob@pbx.example.com;user=phone SIP/2.0
Via: SIP/2.0/UDP 192.0.2.4:5060;rport;branch=z9hG4bK776asdhds
Via: SIP/2.0/TCP [2001:db8::9]:5062;branch=z9hG4bKnext, SIP/2.0/TLS a.example.com;branch=z9hG4bKlast
Max-Forwards: 70
From: \"Alice \\\"A\\\" Doe\" <sip:alice@pbx.example.com>;tag=1928301774
To: <sip:bob@pbx.example.com>
Call-ID: a84b4c76e66710@pc33.example.com
CSeq: 314159 INVITE
Contact: <sip:alice@192.0.2.4:5060;transport=udp>
Supported: timer, replaces
Allow: INVITE, ACK, BYE
Content-Type: application/sdp
Content-Length: 10

v=0
s=-
";

const REGISTER: &str = "\
REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/TLS 192.0.2.4:5061;branch=z9hG4bKreg;rport
f: <sip:alice@pbx.example.com>;tag=a
t: sip:alice@pbx.example.com
i: reg-1
CSeq: 2 REGISTER
Max-Forwards: 70
m: <sip:alice@192.0.2.4;transport=tls>;q=0.7;expires=600;+sip.instance=\"<urn:uuid:1-2>\";reg-id=1
Contact: *
Authorization: Digest username=\"alice\", realm=\"x\", nonce=\"n\", uri=\"sip:pbx.example.com\", response=\"00\"
l: 0

";

const RINGING: &str = "\
SIP/2.0 180 Ringing
Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK776asdhds;received=192.0.2.4
From: Alice <sip:alice@pbx.example.com>;tag=1928301774
To: <sip:bob@pbx.example.com>;tag=77
Call-ID: a84b4c76e66710@pc33.example.com
CSeq: 314159 INVITE
Record-Route: <sip:a;lr>, <sip:b;lr>
Content-Length: 0

";

const FOLDED: &str = "\
OPTIONS sip:x SIP/2.0
v :
 SIP / 2.0 / UDP
\tx : 5070 ; branch = z9hG4bKf
Subject:
 one
  two
From : \"a,;<>\\\\\" <sip:a@b?x=%20>;tag=1
To: sip:c
Call-ID: f
CSeq: 1
 OPTIONS
Content-Length: 0

";
