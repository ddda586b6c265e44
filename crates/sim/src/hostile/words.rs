//! What each method says when nothing is wrong with it.

use super::draft::Draft;
use super::{Aim, Leg};
use crate::rng::Rng;

/// An offer or answer; also with forms of hold, of IPv6 and of media that nobody has.
const DESCRIPTIONS: [&str; 5] = [
    "v=0\r\no=- 1 1 IN IP4 10.0.9.1\r\ns=-\r\nc=IN IP4 10.0.9.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n\
     a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n",
    "v=0\r\no=- 1 2 IN IP4 10.0.9.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\na=inactive\r\n",
    "v=0\r\no=- 1 3 IN IP6 ::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n",
    "v=0\r\no=- 1 4 IN IP4 10.0.9.1\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\nm=video 4002 RTP/SAVPF 96\r\n\
     c=IN IP4 10.0.9.1\r\na=rtpmap:96 VP8/90000\r\na=candidate:1 1 UDP 1 10.0.9.1 4002 typ host\r\n",
    "v=0\r\no=- 1 5 IN IP4 224.2.17.12\r\ns=-\r\nc=IN IP4 224.2.17.12/127\r\nt=0 0\r\nm=audio 65535 RTP/AVP 0\r\n",
];

const EVENTS: [&str; 9] = [
    "message-summary",
    "dialog",
    "presence",
    "reg",
    "refer",
    "presence.winfo",
    "as-feature-event",
    "check-sync",
    "nothing;id=1",
];

const PIDF: &str = "<?xml version=\"1.0\"?>\r\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:100@a.example\">\
    <tuple id=\"t1\"><status><basic>open</basic></status></tuple></presence>\r\n";

/// What a phone says when one of its keys is pressed, and what it had better not say.
const KEYS: [&str; 4] = [
    "<?xml version=\"1.0\"?>\r\n<SetDoNotDisturb xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">\r\n\
    <device>1</device>\r\n<doNotDisturbOn>true</doNotDisturbOn>\r\n</SetDoNotDisturb>\r\n",
    "<SetForwarding>\r\n<activateForward>true</activateForward>\r\n<forwardingType>forwardNoAns</forwardingType>\r\n\
    <forwardDN>101</forwardDN>\r\n<ringCount>99999999999</ringCount>\r\n</SetForwarding>\r\n",
    "<SetForwarding><activateForward>true</activateForward><forwardingType>forwardImmediate</forwardingType>\
    <forwardDN>sip:100@b.example</forwardDN></SetForwarding>",
    "<!DOCTYPE x [<!ENTITY a \"true\"><!ENTITY b \"&a;&a;&a;&a;\">]>\r\n<SetDoNotDisturb><doNotDisturbOn>&b;\
    </doNotDisturbOn></SetDoNotDisturb>",
];

/// A request of `method`: within `leg`, or on its own.
pub(super) fn request(method: &str, aim: &Aim, leg: Option<&Leg>, serial: u32, rng: &mut Rng) -> Draft {
    let other = rng.pick(&aim.others).map_or("100", String::as_str);
    let own = format!("sip:{}@{}", aim.user, aim.domain);
    let peer = format!("sip:{other}@{}", aim.domain);
    let target = match (leg, method) {
        (Some(leg), _) => leg.target.clone(),
        (None, "REGISTER") => format!("sip:{}", aim.domain),
        (None, _) => peer.clone(),
    };
    let mut draft = Draft::new(format!("{method} {target} SIP/2.0"));
    let (at, unique) = (aim.at, rng.next());
    draft.push(
        "Via",
        &format!("SIP/2.0/{} {at};branch=z9hG4bK{unique:x};rport", aim.via),
    );
    draft.push("Max-Forwards", "70");
    let (call_id, local, remote) = match leg {
        Some(leg) => (
            leg.call_id.clone(),
            leg.local_tag.as_str(),
            format!(";tag={}", leg.remote_tag),
        ),
        None => (format!("h{unique:x}@{at}"), "h1", String::new()),
    };
    draft.push("From", &format!("<{own}>;tag={local}"));
    let to = if method == "REGISTER" { &own } else { &peer };
    draft.push("To", &format!("<{to}>{remote}"));
    draft.push("Call-ID", &call_id);
    // Rising within a dialog, or most of it would end as out of order.
    draft.push("CSeq", &format!("{} {method}", 1_000 + serial));
    draft.push("Contact", &contact(aim, method, rng));
    particulars(&mut draft, method, &peer, aim, rng);
    draft
}

fn contact(aim: &Aim, method: &str, rng: &mut Rng) -> String {
    let plain = format!("<sip:{}@{}>", aim.user, aim.at);
    match rng.below(5) {
        0 if method == "REGISTER" => "*".to_owned(),
        1 => format!(
            "{plain};+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000000000001>\";reg-id=1;q=0.5"
        ),
        2 => format!("{plain};expires={}", rng.below(4_000)),
        3 => format!(
            "<sip:{}@{};transport=tcp;ob;pn-provider=acme;pn-prid=1>",
            aim.user, aim.at
        ),
        _ => plain,
    }
}

/// What belongs to a method.
fn particulars(draft: &mut Draft, method: &str, peer: &str, aim: &Aim, rng: &mut Rng) {
    let event = rng.pick(&EVENTS).copied().unwrap_or_default();
    let description = rng.pick(&DESCRIPTIONS).copied().unwrap_or_default();
    match method {
        "INVITE" | "invite" => {
            draft.push("Supported", "100rel, timer, replaces, outbound, path, gruu");
            draft.push("Session-Expires", "1800;refresher=uac");
            draft.push("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, REFER, NOTIFY");
            if rng.per_mille(100) {
                draft.push("Replaces", &replaces(aim));
            }
            if rng.per_mille(900) {
                draft.with_body("application/sdp", description);
            }
        }
        "UPDATE" | "PRACK" | "ACK" => {
            draft.push("RAck", &format!("{} 1 INVITE", rng.below(3)));
            if rng.per_mille(400) {
                draft.push("Session-Expires", "90;refresher=uas");
                draft.with_body("application/sdp", description);
            }
        }
        "REGISTER" => {
            draft.push(
                "Expires",
                rng.pick(&["3600", "60", "0", "1"]).copied().unwrap_or("60"),
            );
            draft.push("Supported", "path, outbound, gruu");
            draft.push("Path", &format!("<sip:{};lr>", aim.at));
        }
        "SUBSCRIBE" | "NOTIFY" | "PUBLISH" => {
            draft.push("Event", event);
            draft.push("Expires", rng.pick(&["3600", "60", "0"]).copied().unwrap_or("60"));
            draft.push("Subscription-State", "active;expires=60");
            draft.push("Accept", "application/pidf+xml, application/dialog-info+xml");
            if method == "SUBSCRIBE" && event == "as-feature-event" {
                draft.set("Accept", "application/x-as-feature-event+xml");
                let key = rng.pick(&KEYS).copied().unwrap_or_default();
                draft.with_body("application/x-as-feature-event+xml", key);
            }
            if method != "SUBSCRIBE" {
                draft.push("SIP-If-Match", "etag1");
                draft.with_body("application/pidf+xml", PIDF);
            }
        }
        "REFER" => {
            let to = if rng.per_mille(300) {
                format!("sip:{}@{}", aim.user, aim.domain)
            } else {
                peer.to_owned()
            };
            let headers = if rng.per_mille(400) {
                format!("?Replaces={}", escaped(&replaces(aim)))
            } else {
                String::new()
            };
            draft.push("Refer-To", &format!("<{to}{headers}>"));
            draft.push("Referred-By", &format!("<sip:{}@{}>", aim.user, aim.domain));
        }
        "INFO" => draft.with_body("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"),
        "MESSAGE" => draft.with_body("text/plain", "hello"),
        _ => draft.push("Accept", "application/sdp"),
    }
}

fn replaces(aim: &Aim) -> String {
    match &aim.leg {
        Some(leg) => format!(
            "{};to-tag={};from-tag={}",
            leg.call_id, leg.remote_tag, leg.local_tag
        ),
        None => "nobody;to-tag=1;from-tag=2".to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25")
        .replace(';', "%3B")
        .replace('=', "%3D")
        .replace('@', "%40")
}

/// A response: to a request of the server when one is known, else to nothing.
pub(super) fn response(aim: &Aim, serial: u32, rng: &mut Rng) -> Draft {
    let codes = [
        "100", "180", "183", "199", "200", "202", "302", "401", "407", "422", "481", "486", "491", "500",
        "603", "699",
    ];
    let code = rng.pick(&codes).copied().unwrap_or("200");
    let method = rng.pick(&super::METHODS).copied().unwrap_or("INVITE");
    let mut draft = Draft::new(format!("SIP/2.0 {code} Whatever"));
    let made_up = format!("SIP/2.0/{} {};branch=z9hG4bK1-{:x}", aim.via, aim.at, rng.next());
    draft.push("Via", rng.pick(&aim.vias).unwrap_or(&made_up));
    let own = format!("<sip:{}@{}>", aim.user, aim.domain);
    let (call_id, local, remote) = match &aim.leg {
        Some(leg) => (
            leg.call_id.as_str(),
            leg.local_tag.as_str(),
            leg.remote_tag.as_str(),
        ),
        None => ("nothing", "1", "1-0123456789abcdef"),
    };
    draft.push("From", &format!("{own};tag={remote}"));
    draft.push("To", &format!("{own};tag={local}"));
    draft.push("Call-ID", call_id);
    draft.push("CSeq", &format!("{} {method}", 1 + serial % 3));
    draft.push("Contact", &format!("<sip:{}@{}>", aim.user, aim.at));
    draft.push(
        "WWW-Authenticate",
        "Digest realm=\"a.example\", nonce=\"1\", qop=\"auth\", algorithm=MD5",
    );
    draft.push("Require", "100rel");
    draft.push("RSeq", &rng.below(5).to_string());
    draft.push("Session-Expires", "90;refresher=uac");
    if rng.per_mille(500) {
        let description = rng.pick(&DESCRIPTIONS).copied().unwrap_or_default();
        draft.with_body("application/sdp", description);
    }
    draft
}
