//! A phone's side of one call.

use super::pending::{Provisional, SessionTimer};
use super::{Identity, Outstanding, Phone, State, T2};
use crate::rng::Rng;
use sip::{Message, Method, Name, Writer};
use std::net::SocketAddr;
use std::time::Duration;

/// A final answer of ours to an INVITE that waits for its ACK.
#[derive(Clone, Debug)]
pub(super) struct Unacknowledged {
    pub(super) next: Duration,
    pub(super) bytes: Vec<u8>,
    pub(super) seq: u32,
    pub(super) interval: Duration,
    pub(super) deadline: Duration,
    /// Refusals are not repeated on a connection (RFC 3261 §17.2.1), a 2xx is.
    pub(super) repeats: bool,
}

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Dialog {
    pub(super) call_id: String,
    pub(super) state: State,
    pub(super) local_cseq: u32,
    pub(super) gave_up: bool,
    pub(super) renegotiating: bool,
    /// Our final answer to an INVITE, until it is acknowledged.
    pub(super) answer: Option<Unacknowledged>,
    /// When we decide about a call that rings.
    pub(super) due: Option<Duration>,
    /// Where our audio goes; `None` while we may not send.
    pub(super) remote_rtp: Option<SocketAddr>,
    pub(super) early: bool,
    /// The other side's tag while the call rings.
    pub(super) early_tag: String,
    /// The payload types that the other side named last.
    pub(super) codecs: Vec<u8>,
    /// The last response to the last INVITE: what a copy of it gets.
    pub(super) reply: Vec<u8>,
    /// Our answer to the offer in a 2xx, by CSeq: it goes in the ACK.
    pub(super) answered: Option<(u32, String)>,
    /// The session timer, if one was agreed.
    pub(super) session: Option<SessionTimer>,
    /// Our reliable provisional response, until it is acknowledged.
    pub(super) provisional: Option<Provisional>,
    /// RSeq of the last one that came, and To of a request in its early dialog.
    pub(super) heard: Option<(u32, String)>,
    /// A 2xx that came when nobody wanted the call any more was hung up.
    dismissed: bool,
    pub(super) local_tag: String,
    pub(super) remote: String,
    target: String,
    pub(super) invite: Vec<u8>,
    pub(super) last_invite: u32,
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
            early: false,
            early_tag: String::new(),
            codecs: Vec::new(),
            reply: Vec::new(),
            answered: None,
            session: None,
            provisional: None,
            heard: None,
            dismissed: false,
            local_tag: format!("{:x}", rng.next()),
            remote: format!("<{uri}>"),
            target: uri.to_owned(),
            invite: Vec::new(),
            last_invite: 0,
        }
    }

    /// From and To of a request of ours.
    pub(super) fn parties(&self, aor: &str, _uri: &str) -> (String, String) {
        let early = self.heard.as_ref().filter(|_| self.state == State::Calling);
        let remote = early.map_or(&self.remote, |(_, to)| to);
        (format!("{aor};tag={}", self.local_tag), remote.clone())
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
        if !answer.repeats {
            answer.next = answer.deadline;
            return None;
        }
        answer.interval = (answer.interval * 2).min(T2);
        answer.next = (now + answer.interval).min(answer.deadline);
        Some(answer.bytes.clone())
    }

    pub(super) fn learn(&mut self, message: &Message<'_>) {
        if let Some(contact) = message.contacts().first() {
            self.target = contact.name_addr.uri.to_owned();
        }
        if let Some(description) = super::keys::said(message)
            && let Some(media) = description.audio(&[])
        {
            self.remote_rtp = media.rtp_address().filter(|_| !media.is_held());
            self.codecs = media.formats.iter().map(|codec| codec.pt).collect();
        }
    }
}

impl Phone {
    pub(super) fn progressed(&mut self, message: &Message<'_>, first: bool, now: Duration) {
        let call_id = message.call_id().unwrap_or("").to_owned();
        let Some(dialog) = self.dialogs.values_mut().find(|d| d.call_id == call_id) else {
            return;
        };
        if let Some(tag) = message.to().ok().and_then(|to| to.tag()) {
            dialog.early_tag = tag.to_owned();
        }
        if dialog.gave_up && first {
            let invite = self
                .outstanding
                .values()
                .find(|o| o.method == "INVITE" && o.call_id == call_id);
            if let Some(cancel) = invite.and_then(Outstanding::cancel) {
                self.start(cancel, now);
            }
        }
        self.hear_provisional(message, now);
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
        let call_id = message.call_id().unwrap_or("");
        let answer = self
            .dialogs
            .values()
            .find(|d| d.call_id == call_id)
            .and_then(|d| d.answered.as_ref())
            .filter(|(seq, _)| *seq == cseq.seq)
            .map_or("", |(_, answer)| answer);
        let bytes = writer.body(sdp::CONTENT_TYPE, answer.as_bytes());
        self.out.push(bytes.to_vec());
    }

    /// The call that we made is up, or a renegotiation of ours is done.
    pub(super) fn connected(&mut self, message: &Message<'_>, now: Duration) {
        let call_id = message.call_id().unwrap_or("");
        let found = self.dialogs.iter_mut().find(|(_, d)| d.call_id == call_id);
        let Some((number, dialog)) = found else { return };
        let number = *number;
        dialog.learn(message);
        dialog.session = SessionTimer::as_uac(message, self.abilities.timer, now);
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

    /// A 2xx to an INVITE that waits no more: a copy of one, or one that comes when all hope was gone. That one is
    /// acknowledged and hung up (RFC 3261 §15).
    pub(super) fn answered_again(&mut self, message: &Message<'_>, now: Duration) {
        let call_id = message.call_id().unwrap_or("");
        let found = self.dialogs.iter_mut().find(|(_, d)| d.call_id == call_id);
        let Some((number, dialog)) = found else { return };
        let number = *number;
        let tag = message.to().ok().and_then(|to| to.tag()).unwrap_or("");
        if dialog.state == State::Over && !dialog.dismissed && !dialog.remote.contains(";tag=") {
            dialog.learn(message);
            dialog.dismissed = true;
            dialog.remote = format!("{};tag={tag}", dialog.remote);
            dialog.state = State::Up;
            self.hang_up(number, now);
        }
        self.acknowledge(message);
    }
}
