//! What a phone writes: requests with their retransmission, responses, descriptions.

use super::{Identity, Phone, State, T1, T2, TIMEOUT, digest};
use model::Transport;
use sip::{Message, Method, Name, Writer};
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

/// A request without a final answer.
#[derive(Clone, Debug)]
pub(super) struct Outstanding {
    pub(super) method: String,
    pub(super) call_id: String,
    pub(super) bytes: Vec<u8>,
    pub(super) next: Duration,
    pub(super) provisional: bool,
    branch: String,
    interval: Duration,
    deadline: Duration,
    /// Challenges answered.
    authorized: u8,
}

/// Challenges that a request answers: the first, and later ones only when its nonce was stale.
const ENOUGH: u8 = 4;

/// The challenge of a phone that would like to know somebody's password.
pub(super) const ROGUE: &str =
    "Digest realm=\"a.example\", nonce=\"dcd98b7102dd2f0e\", algorithm=MD5, qop=\"auth\"";

/// The header that carries a challenge with this status.
pub(super) fn challenge_of(code: u16) -> Name {
    if code == 401 {
        Name::WwwAuthenticate
    } else {
        Name::ProxyAuthenticate
    }
}

impl Outstanding {
    /// The copy to send now; `None` with `next` in the future while waiting, with `next` past when it is dead.
    pub(super) fn again(&mut self, now: Duration, reliable: bool) -> Option<Vec<u8>> {
        if now >= self.deadline {
            self.next = now;
            return None;
        }
        if reliable || (self.provisional && self.method == "INVITE") {
            self.next = self.deadline;
            return None;
        }
        let longest = if self.method == "INVITE" { TIMEOUT } else { T2 };
        self.interval = (self.interval * 2).min(longest);
        self.next = (now + self.interval).min(self.deadline);
        Some(self.bytes.clone())
    }

    /// The CANCEL of this INVITE.
    pub(super) fn cancel(&self) -> Option<Outstanding> {
        let invite = Message::parse(&self.bytes).ok()?;
        let writer = same_transaction(&invite, Method::Cancel)?;
        let mut cancel = self.clone();
        cancel.method = "CANCEL".to_owned();
        cancel.bytes = writer.finish().to_vec();
        cancel.authorized = ENOUGH;
        cancel.provisional = false;
        Some(cancel)
    }
}

/// Request-URI, top Via, From, To, Call-ID and CSeq number of another request, under another method.
fn same_transaction(invite: &Message<'_>, method: Method<'static>) -> Option<Writer> {
    let seq = invite.cseq().ok()?.seq;
    let mut writer = Writer::request(method, invite.request_line()?.uri);
    for name in [Name::Via, Name::From, Name::To, Name::CallId, Name::MaxForwards] {
        writer = writer.copy(invite, name);
    }
    Some(writer.header(Name::CSeq, &format!("{seq} {}", method.as_str())))
}

pub(super) fn contact(identity: &Identity) -> String {
    match identity.transport {
        Transport::Udp => format!("<sip:{}@{}>", identity.user, identity.address),
        // A browser has no address to be reached at, and says so (RFC 7118 §5.2.2, RFC 2606).
        Transport::Ws | Transport::Wss => {
            let host = identity.address.ip().to_string().replace('.', "-");
            format!("<sip:{}@{host}.invalid;transport=ws>", identity.user)
        }
        other => format!("<sip:{}@{};transport={other}>", identity.user, identity.address),
    }
}

pub(super) fn description(at: SocketAddr, version: u64, codecs: &[u8], direction: &str) -> String {
    let (ip, port) = (at.ip(), at.port());
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    let mut text = format!(
        "v=0\r\no=- 1 {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP"
    );
    for codec in codecs {
        let _ = write!(text, " {codec}");
    }
    text.push_str("\r\n");
    for codec in codecs.iter().filter(|codec| **codec >= 96) {
        let name = match codec {
            // By the number that the server likes as well.
            111 => "opus/48000/2".to_owned(),
            101 => "telephone-event/8000".to_owned(),
            _ => format!("codec{codec}/8000"),
        };
        let _ = write!(text, "a=rtpmap:{codec} {name}\r\na=fmtp:{codec} ");
        text.push_str("profile=main;level=1;stereo=0;useinband=1;maxaverage=64000;cbr=0\r\n");
    }
    let _ = write!(text, "a={direction}\r\n");
    text
}

/// The first challenge of a response, and the header that answers it.
fn challenge_in<'a>(response: &Message<'a>) -> (&'a str, Name) {
    match response.header(Name::WwwAuthenticate) {
        Some(challenge) => (challenge, Name::Authorization),
        None => {
            let challenge = response.header(Name::ProxyAuthenticate).unwrap_or("");
            (challenge, Name::ProxyAuthorization)
        }
    }
}

/// What a request says again when it answers a challenge.
const REPEATED: &[Name] = &[
    Name::MaxForwards,
    Name::From,
    Name::To,
    Name::CallId,
    Name::Contact,
    Name::Expires,
    Name::Allow,
    Name::Supported,
    Name::Require,
    Name::SessionExpires,
    Name::MinSe,
    Name::Event,
    Name::Accept,
    Name::SipIfMatch,
    Name::ReferTo,
    Name::ReferredBy,
    Name::Replaces,
    Name::Privacy,
];

impl Phone {
    #[expect(clippy::too_many_arguments, reason = "a request has that many parts")]
    pub(super) fn request(
        &mut self,
        method: Method<'static>,
        uri: &str,
        call_id: &str,
        cseq: u32,
        extra: &[(Name, String)],
        body: Option<String>,
        now: Duration,
    ) {
        let branch = format!("z9hG4bK{:016x}", self.rng.next());
        let identity = &self.identity;
        let aor = format!("<sip:{}@{}>", identity.user, identity.domain);
        let dialog = self.dialogs.values().find(|d| d.call_id == call_id);
        let (from, to) = match dialog {
            Some(dialog) => dialog.parties(&aor, uri),
            None => (format!("{aor};tag=reg"), aor),
        };
        let mut writer = Writer::request(method, uri)
            .via(identity.transport.via(), identity.address, &branch, true)
            .header(Name::MaxForwards, "70")
            .header(Name::From, &from)
            .header(Name::To, &to)
            .header(Name::CallId, call_id)
            .header(Name::CSeq, &format!("{cseq} {method}"));
        for (name, value) in extra {
            writer = writer.header(*name, value);
        }
        if let Some(token) = &self.bearer {
            writer = writer.header(Name::Authorization, &format!("Bearer {token}"));
        }
        let bytes = match body {
            Some(key) if method == Method::Info => writer.body("application/dtmf", key.as_bytes()),
            Some(body) => match &self.says_place {
                Some(place) => {
                    let parts = format!(
                        "--xyz\r\nContent-Type: application/pidf+xml\r\nContent-ID: <me@here>\r\n\r\n{place}\r\n\
                         --xyz\r\nContent-Type: {}\r\n\r\n{body}\r\n--xyz--\r\n",
                        sdp::CONTENT_TYPE
                    );
                    writer
                        .named("Geolocation", "<cid:me@here>")
                        .body("multipart/mixed;boundary=xyz", parts.as_bytes())
                }
                None => writer.body(sdp::CONTENT_TYPE, body.as_bytes()),
            },
            None => writer.finish(),
        };
        self.send(method.as_str(), call_id, branch, &bytes, now);
    }

    /// Sends a request and waits for its answer.
    pub(super) fn send(&mut self, method: &str, call_id: &str, branch: String, bytes: &[u8], now: Duration) {
        let request = Outstanding {
            method: method.to_owned(),
            call_id: call_id.to_owned(),
            bytes: bytes.to_vec(),
            next: now,
            provisional: false,
            branch,
            interval: T1,
            deadline: now,
            authorized: 0,
        };
        self.start(request, now);
    }

    pub(super) fn start(&mut self, mut request: Outstanding, now: Duration) {
        request.interval = T1;
        request.next = now + T1;
        request.deadline = now + TIMEOUT;
        self.out.push(request.bytes.clone());
        let key = format!("{} {}", request.branch, request.method);
        self.outstanding.insert(key, request);
    }

    pub(super) fn handle_response(&mut self, message: &Message<'_>, now: Duration) {
        let (Some(status), Some(method)) = (message.status_line(), message.method()) else {
            return;
        };
        let branch = message.top_via().ok().and_then(|via| via.branch).unwrap_or("");
        let key = format!("{branch} {method}");
        let success = method == Method::Invite && (200..300).contains(&status.code);
        if success && let Some(request) = self.outstanding.get(&key) {
            let open = Message::parse(&request.bytes).is_ok_and(|invite| invite.body().is_empty());
            if open {
                self.answer_offer(message);
            }
            self.acknowledge(message);
        } else if success {
            self.answered_again(message, now);
        }
        let Some(request) = self.outstanding.get_mut(&key) else {
            return;
        };
        if status.code < 200 {
            let first = !std::mem::replace(&mut request.provisional, true);
            request.deadline = now + Duration::from_secs(300);
            request.next = request.deadline;
            if method == Method::Invite {
                self.progressed(message, first, now);
            }
            return;
        }
        let Some(request) = self.outstanding.remove(&key) else {
            return;
        };
        if method == Method::Invite && status.code >= 300 {
            self.acknowledge_refusal(&request, message);
        }
        let stale = [Name::WwwAuthenticate, Name::ProxyAuthenticate]
            .into_iter()
            .any(|name| message.headers(name).any(|value| value.contains("stale=true")));
        let again = request.authorized == 0 || (stale && request.authorized < ENOUGH);
        if matches!(status.code, 401 | 407) && again {
            return self.authorize(&request, message, now);
        }
        self.heard.push((request.method.clone(), status.code));
        if status.code == 422 && self.asks_for_longer(&request, message, now) {
            return;
        }
        if method == Method::Update && status.code < 300 {
            self.updated(message, now);
        }
        if request.method == "SUBSCRIBE" {
            self.watch_answered(&request.call_id, status.code, Some(message), now);
        }
        if request.method == "PUBLISH" {
            self.publish_answered(message);
        }
        self.final_answer(&request, status.code, now);
        if success {
            self.connected(message, now);
        }
    }

    /// The ACK of a refusal belongs to the transaction (RFC 3261 §17.1.1.3).
    fn acknowledge_refusal(&mut self, request: &Outstanding, response: &Message<'_>) {
        let Ok(invite) = Message::parse(&request.bytes) else {
            return;
        };
        let Some(seq) = invite.cseq().ok().map(|c| c.seq) else {
            return;
        };
        let Some(line) = invite.request_line() else { return };
        let writer = Writer::request(Method::Ack, line.uri)
            .copy(&invite, Name::Via)
            .copy(&invite, Name::From)
            .copy(response, Name::To)
            .copy(&invite, Name::CallId)
            .header(Name::MaxForwards, "70")
            .header(Name::CSeq, &format!("{seq} ACK"));
        self.out.push(writer.finish().to_vec());
    }

    fn authorize(&mut self, request: &Outstanding, response: &Message<'_>, now: Duration) {
        let Ok(old) = Message::parse(&request.bytes) else {
            return;
        };
        let (challenge, header) = challenge_in(response);
        let (Some(line), Ok(cseq)) = (old.request_line(), old.cseq()) else {
            return;
        };
        let method = line.method;
        let identity = &self.identity;
        let value = digest::answer(
            challenge,
            &identity.user,
            &identity.password,
            method.as_str(),
            line.uri,
            1,
        );
        let branch = format!("z9hG4bK{:016x}", self.rng.next());
        let seq = cseq.seq.max(self.last_number(method, &request.call_id)) + 1;
        let mut writer = Writer::request(method, line.uri)
            .via(identity.transport.via(), identity.address, &branch, true)
            .header(Name::CSeq, &format!("{seq} {method}"))
            .header(header, &value);
        for name in REPEATED {
            writer = writer.copy(&old, *name);
        }
        let content_type = old.header(Name::ContentType).unwrap_or(sdp::CONTENT_TYPE);
        let bytes = writer.body(content_type, old.body()).to_vec();
        if method == Method::Register {
            self.registration.1 = seq;
        }
        if let Some(dialog) = self.dialogs.values_mut().find(|d| d.call_id == request.call_id) {
            dialog.local_cseq = seq;
        }
        self.set_watch_number(&request.call_id, seq);
        let gave_up = self
            .dialogs
            .values()
            .any(|d| d.call_id == request.call_id && d.gave_up);
        if gave_up && method == Method::Invite {
            return self.final_answer(request, 487, now);
        }
        self.start(
            Outstanding {
                bytes,
                branch,
                authorized: request.authorized + 1,
                provisional: false,
                ..request.clone()
            },
            now,
        );
    }

    /// The last CSeq number used in a registration or dialog: another request may have taken one meanwhile.
    fn last_number(&self, method: Method<'_>, call_id: &str) -> u32 {
        if method == Method::Subscribe {
            return self.watch_number(call_id);
        }
        let dialog = self.dialogs.values().find(|d| d.call_id == call_id);
        match (method, dialog) {
            (Method::Register, _) => self.registration.1,
            (_, Some(dialog)) => dialog.local_cseq,
            _ => 0,
        }
    }

    /// A request of ours is over; without a call when it was an INVITE that failed or a BYE.
    pub(super) fn final_answer(&mut self, request: &Outstanding, code: u16, now: Duration) {
        let found = self
            .dialogs
            .iter_mut()
            .find(|(_, d)| d.call_id == request.call_id);
        let Some((number, dialog)) = found else { return };
        let number = *number;
        match request.method.as_str() {
            "INVITE" if dialog.state == State::Calling && code >= 300 => dialog.state = State::Over,
            "INVITE" => {
                dialog.renegotiating = false;
                if matches!(code, 408 | 481) {
                    // The other side is lost (RFC 3261 §14.1).
                    self.hang_up(number, now);
                }
            }
            "UPDATE" => {
                dialog.renegotiating = false;
                if matches!(code, 408 | 481) {
                    self.hang_up(number, now);
                }
            }
            "BYE" => dialog.state = State::Over,
            _ => {}
        }
    }
}
