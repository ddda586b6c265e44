//! A phone's side of one call.

use super::{Answer, Identity, Outstanding, Phone, T1, T2, TIMEOUT, message};
use crate::rng::Rng;
use sip::{Message, Method, Name, Writer};
use std::net::SocketAddr;
use std::time::Duration;

/// How far a call on a phone has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// We called; no final answer.
    Calling,
    /// We are being called and have not decided.
    Ringing,
    /// Answered.
    Up,
    /// Over.
    Over,
}

/// A 2xx that waits for its ACK.
#[derive(Clone, Debug)]
pub(super) struct Unacknowledged {
    pub(super) next: Duration,
    bytes: Vec<u8>,
    interval: Duration,
    deadline: Duration,
}

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Dialog {
    pub(super) call_id: String,
    pub(super) state: State,
    pub(super) local_cseq: u32,
    pub(super) gave_up: bool,
    pub(super) renegotiating: bool,
    /// Our 2xx, until it is acknowledged.
    pub(super) answer: Option<Unacknowledged>,
    /// When we decide about a call that rings.
    pub(super) due: Option<Duration>,
    pub(super) remote_rtp: Option<SocketAddr>,
    local_tag: String,
    remote: String,
    target: String,
    invite: Vec<u8>,
    last_invite: u32,
    early: bool,
}

impl Dialog {
    pub(super) fn outgoing(identity: &Identity, uri: &str, rng: &mut Rng) -> Dialog {
        Dialog {
            call_id: format!("{}-{:x}", identity.user, rng.next()),
            state: State::Calling,
            local_cseq: 1,
            gave_up: false,
            renegotiating: false,
            answer: None,
            due: None,
            remote_rtp: None,
            local_tag: format!("{:x}", rng.next()),
            remote: format!("<{uri}>"),
            target: uri.to_owned(),
            invite: Vec::new(),
            last_invite: 0,
            early: false,
        }
    }

    /// From and To of a request of ours.
    pub(super) fn parties(&self, aor: &str, _uri: &str) -> (String, String) {
        (format!("{aor};tag={}", self.local_tag), self.remote.clone())
    }

    pub(super) fn next_request(&mut self) -> (String, String, u32) {
        self.local_cseq += 1;
        (self.target.clone(), self.call_id.clone(), self.local_cseq)
    }

    pub(super) fn repeat_answer(&mut self, now: Duration) -> Option<Vec<u8>> {
        let answer = self.answer.as_mut().filter(|answer| answer.next <= now)?;
        if now >= answer.deadline {
            self.answer = None;
            return None;
        }
        answer.interval = (answer.interval * 2).min(T2);
        answer.next = (now + answer.interval).min(answer.deadline);
        Some(answer.bytes.clone())
    }

    fn learn(&mut self, message: &Message<'_>) {
        if let Some(contact) = message.contacts().first() {
            self.target = contact.name_addr.uri.to_owned();
        }
        if let Ok(description) = sdp::Description::parse(message.body())
            && let Some(media) = description.audio(&[])
        {
            self.remote_rtp = media.rtp_address();
        }
    }
}

impl Phone {
    pub(super) fn progressed(&mut self, message: &Message<'_>, first: bool, now: Duration) {
        let call_id = message.call_id().unwrap_or("").to_owned();
        let Some(dialog) = self.dialogs.values_mut().find(|d| d.call_id == call_id) else {
            return;
        };
        if dialog.gave_up && first {
            let invite = self
                .outstanding
                .values()
                .find(|o| o.method == "INVITE" && o.call_id == call_id);
            if let Some(cancel) = invite.and_then(Outstanding::cancel) {
                self.start(cancel, now);
            }
        }
    }

    /// ACK to a 2xx: made anew for each copy (RFC 3261 §13.2.2.4).
    pub(super) fn acknowledge(&mut self, message: &Message<'_>) {
        let identity = &self.identity;
        let Ok(cseq) = message.cseq() else { return };
        let target = message
            .contacts()
            .first()
            .map_or(String::new(), |c| c.name_addr.uri.to_owned());
        let branch = format!("z9hG4bK{:016x}", self.rng.next());
        let writer = Writer::request(Method::Ack, &target)
            .via(identity.transport.via(), identity.address, &branch, true)
            .header(Name::MaxForwards, "70")
            .copy(message, Name::From)
            .copy(message, Name::To)
            .copy(message, Name::CallId)
            .header(Name::CSeq, &format!("{} ACK", cseq.seq));
        self.out.push(writer.finish().to_vec());
    }

    /// The call that we made is up, or a renegotiation of ours is done.
    pub(super) fn connected(&mut self, message: &Message<'_>, now: Duration) {
        let call_id = message.call_id().unwrap_or("");
        let found = self.dialogs.iter_mut().find(|(_, d)| d.call_id == call_id);
        let Some((number, dialog)) = found else { return };
        let number = *number;
        dialog.learn(message);
        if let Ok(to) = message.to()
            && let Some(tag) = to.tag()
            && dialog.state == State::Calling
        {
            dialog.remote = format!("{};tag={tag}", dialog.remote);
            dialog.state = State::Up;
            self.next_rtp = Some(now);
            if dialog.gave_up {
                self.hang_up(number, now);
            }
        }
    }

    pub(super) fn handle_request(&mut self, message: &Message<'_>, now: Duration) {
        let call_id = message.call_id().unwrap_or("").to_owned();
        let number = self
            .dialogs
            .iter()
            .find(|(_, d)| d.call_id == call_id)
            .map(|(number, _)| *number);
        match (message.method(), number) {
            (Some(Method::Ack), Some(number)) => {
                if let Some(dialog) = self.dialogs.get_mut(&number) {
                    dialog.answer = None;
                }
            }
            (Some(Method::Ack), None) => {}
            (Some(Method::Invite), None) => self.called(message, now),
            (Some(Method::Invite), Some(number)) => self.invited_again(number, message, now),
            (Some(Method::Cancel), Some(number)) => self.called_off(number, message),
            (Some(Method::Bye), Some(number)) => self.hung_up(number, message),
            _ => self.respond(message, 481, None),
        }
    }

    fn called(&mut self, message: &Message<'_>, now: Duration) {
        let Ok(from) = message.from() else { return };
        let mut dialog = Dialog::outgoing(&self.identity, from.uri, &mut self.rng);
        dialog.call_id = message.call_id().unwrap_or("").to_owned();
        dialog.state = State::Ringing;
        dialog.remote = message.header(Name::From).unwrap_or("").to_owned();
        dialog.invite = message.bytes().to_vec();
        dialog.last_invite = message.cseq().map_or(0, |c| c.seq);
        dialog.local_cseq = 100;
        dialog.learn(message);
        let wait = match self.answer {
            Answer::PickUp(ms) | Answer::EarlyMedia(ms) | Answer::Refuse(_, ms) => Some(ms),
            Answer::Ring | Answer::Dead => None,
        };
        dialog.due = wait.map(|ms| now + Duration::from_millis(ms));
        dialog.early = matches!(self.answer, Answer::EarlyMedia(_));
        let (code, early) = if dialog.early { (183, true) } else { (180, false) };
        let number = self.next_dialog;
        self.next_dialog += 1;
        self.dialogs.insert(number, dialog);
        let body = early.then(|| self.description("sendrecv"));
        self.respond_in(number, message, code, body);
    }

    fn invited_again(&mut self, number: usize, message: &Message<'_>, now: Duration) {
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return;
        };
        let seq = message.cseq().map_or(0, |c| c.seq);
        if seq <= dialog.last_invite {
            // A copy: the answer of ours, if there is one, repeats by itself.
            return;
        }
        dialog.last_invite = seq;
        let in_the_way = dialog.renegotiating || dialog.answer.is_some();
        if dialog.state != State::Up || in_the_way {
            let code = if dialog.state == State::Up { 491 } else { 481 };
            return self.respond_in(number, message, code, None);
        }
        dialog.learn(message);
        let offer = sdp::Description::parse(message.body()).ok();
        let wish = offer
            .as_ref()
            .and_then(|d| d.audio(&[]))
            .map_or("sendrecv", |m| m.direction.as_str());
        let direction = match wish {
            "sendonly" => "recvonly",
            "recvonly" => "sendonly",
            "inactive" => "inactive",
            _ => "sendrecv",
        };
        let body = self.description(direction);
        self.accept(number, &message.bytes().to_vec(), body, now);
    }

    fn called_off(&mut self, number: usize, message: &Message<'_>) {
        self.respond_in(number, message, 200, None);
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return;
        };
        if dialog.state == State::Ringing {
            dialog.state = State::Over;
            dialog.due = None;
            let invite = dialog.invite.clone();
            if let Ok(invite) = Message::parse(&invite) {
                self.respond_in(number, &invite, 487, None);
            }
        }
    }

    fn hung_up(&mut self, number: usize, message: &Message<'_>) {
        if let Some(dialog) = self.dialogs.get_mut(&number) {
            dialog.state = State::Over;
            dialog.answer = None;
        }
        self.respond_in(number, message, 200, None);
    }

    /// Decides about calls that have rung for long enough.
    pub(super) fn handle_due(&mut self, now: Duration) {
        let due: Vec<usize> = self
            .dialogs
            .iter()
            .filter(|(_, d)| d.due.is_some_and(|at| at <= now))
            .map(|(number, _)| *number)
            .collect();
        for number in due {
            let Some(dialog) = self.dialogs.get_mut(&number) else {
                continue;
            };
            dialog.due = None;
            let invite = dialog.invite.clone();
            match self.answer {
                Answer::Refuse(code, _) => {
                    dialog.state = State::Over;
                    if let Ok(invite) = Message::parse(&invite) {
                        self.respond_in(number, &invite, code, None);
                    }
                }
                _ => {
                    dialog.state = State::Up;
                    self.next_rtp = Some(now);
                    let body = self.description("sendrecv");
                    self.accept(number, &invite, body, now);
                }
            }
        }
    }

    /// Answers an INVITE with 200, and repeats that until the ACK comes.
    fn accept(&mut self, number: usize, invite: &[u8], body: String, now: Duration) {
        let Ok(invite) = Message::parse(invite) else {
            return;
        };
        self.respond_in(number, &invite, 200, Some(body));
        if let (Some(bytes), Some(dialog)) = (self.out.last().cloned(), self.dialogs.get_mut(&number)) {
            dialog.answer = Some(Unacknowledged {
                next: now + T1,
                bytes,
                interval: T1,
                deadline: now + TIMEOUT,
            });
        }
    }

    fn respond_in(&mut self, number: usize, request: &Message<'_>, code: u16, body: Option<String>) {
        let tag = self.dialogs.get(&number).map(|d| d.local_tag.clone());
        self.respond_with(request, code, tag.as_deref(), body);
    }

    fn respond(&mut self, request: &Message<'_>, code: u16, body: Option<String>) {
        self.respond_with(request, code, Some("none"), body);
    }

    fn respond_with(&mut self, request: &Message<'_>, code: u16, tag: Option<&str>, body: Option<String>) {
        let reason = sip::reason_phrase(code);
        let writer = Writer::reply(request, code, reason, tag, self.server)
            .header(Name::Contact, &message::contact(&self.identity));
        let bytes = match body {
            Some(body) => writer.body(sdp::CONTENT_TYPE, body.as_bytes()),
            None => writer.finish(),
        };
        self.out.push(bytes.to_vec());
    }
}
