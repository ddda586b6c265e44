//! Being called: what a phone answers to the requests that it gets.

use super::abilities::mirrored;
use super::dialog::{Dialog, Unacknowledged};
use super::{Answer, Phone, State, T1, TIMEOUT, message};
use sip::{Message, Method, Name, Writer};
use std::time::Duration;

impl Phone {
    pub(super) fn handle_request(&mut self, message: &Message<'_>, now: Duration) {
        let call_id = message.call_id().unwrap_or("").to_owned();
        let number = self
            .dialogs
            .iter()
            .find(|(_, d)| d.call_id == call_id)
            .map(|(number, _)| *number);
        match (message.method(), number) {
            (Some(Method::Ack), Some(number)) => {
                let seq = message.cseq().map_or(0, |c| c.seq);
                if let Some(dialog) = self.dialogs.get_mut(&number)
                    && dialog.answer.take_if(|answer| answer.seq == seq).is_some()
                {
                    dialog.learn(message);
                }
            }
            (Some(Method::Ack), None) => {}
            (Some(Method::Invite), None) if message.to().is_ok_and(|to| to.tag().is_none()) => {
                self.called(message, now);
            }
            (Some(Method::Invite), Some(number)) if self.is_asked_anew(number, message) => {
                self.dialogs.remove(&number);
                self.called(message, now);
            }
            (Some(Method::Invite), Some(number)) => self.invited_again(number, message, now),
            (Some(Method::Info), Some(number)) if self.abilities.info => {
                let text = String::from_utf8_lossy(message.body()).into_owned();
                let key = text.lines().find_map(|line| line.strip_prefix("Signal="));
                self.digits.push_str(key.unwrap_or("?"));
                self.respond_in(number, message, 200, None, now);
            }
            (Some(Method::Prack), Some(number)) => self.provisional_acknowledged(number, message, now),
            (Some(Method::Update), Some(number)) if self.abilities.update => {
                self.asked_to_update(number, message, now);
            }
            (Some(Method::Update | Method::Info), Some(_)) => self.respond_with(message, 405, None, None),
            (Some(Method::Cancel), Some(number)) => self.called_off(number, message, now),
            (Some(Method::Bye), Some(number)) => self.hung_up(number, message, now),
            (Some(Method::Message), None) => self.texted(message),
            (Some(Method::Notify), None) => self.notified(message),
            (Some(Method::Notify), Some(number)) => self.told_of_transfer(number, message, now),
            _ => self.respond_with(message, 481, Some("none"), None),
        }
    }

    /// True for an INVITE outside of any dialog after one that was refused.
    fn is_asked_anew(&self, number: usize, message: &Message<'_>) -> bool {
        let outside = message.to().is_ok_and(|to| to.tag().is_none());
        let seq = message.cseq().map_or(0, |c| c.seq);
        let dialog = self.dialogs.get(&number);
        outside && dialog.is_some_and(|d| d.state == State::Over && d.last_invite < seq)
    }

    fn called(&mut self, message: &Message<'_>, now: Duration) {
        let Ok(from) = message.from() else { return };
        if self.is_too_brief(message) {
            return self.respond_with(message, 422, Some("brief"), None);
        }
        if !message.body().is_empty() && self.is_beyond() {
            return self.respond_with(message, 488, Some("beyond"), None);
        }
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
            Answer::Ring | Answer::Mute | Answer::Dead => None,
        };
        dialog.due = wait.map(|ms| now + Duration::from_millis(ms));
        dialog.early = matches!(self.answer, Answer::EarlyMedia(_));
        let (code, early) = if dialog.early { (183, true) } else { (180, false) };
        let number = self.next_dialog;
        self.next_dialog += 1;
        let body = if early {
            self.next_rtp = Some(now);
            self.answer_to(&dialog.codecs, "sendrecv")
        } else {
            None
        };
        self.dialogs.insert(number, dialog);
        if self.answer == Answer::Mute {
            return self.respond_with(message, 100, None, None);
        }
        self.ring(number, message, code, body, now);
    }

    fn invited_again(&mut self, number: usize, message: &Message<'_>, now: Duration) {
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return;
        };
        let seq = message.cseq().map_or(0, |c| c.seq);
        if seq <= dialog.last_invite {
            if seq == dialog.last_invite && !dialog.reply.is_empty() {
                self.out.push(dialog.reply.clone());
            }
            return;
        }
        dialog.last_invite = seq;
        let in_the_way = dialog.renegotiating || dialog.answer.is_some();
        if self.rogue || dialog.state != State::Up || in_the_way {
            let code = match dialog.state {
                _ if self.rogue => 401,
                State::Up => 491,
                _ => 481,
            };
            return self.refuse(number, message.bytes(), code, now);
        }
        if let Some(code) = self.refuses_reinvite {
            return self.refuse(number, message.bytes(), code, now);
        }
        dialog.learn(message);
        let codecs = dialog.codecs.clone();
        let offer = super::keys::said(message);
        let wish = offer
            .as_ref()
            .and_then(|d| d.audio(&[]))
            .map_or("sendrecv", |m| m.direction.as_str());
        let direction = mirrored(wish);
        let body = match offer {
            Some(_) => self.answer_to(&codecs, direction),
            None => Some(self.description(direction)),
        };
        match body {
            Some(body) => self.accept(number, message.bytes(), body, now),
            None => self.refuse(number, message.bytes(), 488, now),
        }
    }

    fn called_off(&mut self, number: usize, message: &Message<'_>, now: Duration) {
        self.respond_in(number, message, 200, None, now);
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return;
        };
        if dialog.state == State::Ringing {
            dialog.state = State::Over;
            dialog.due = None;
            let invite = dialog.invite.clone();
            self.refuse(number, &invite, 487, now);
        }
    }

    fn hung_up(&mut self, number: usize, message: &Message<'_>, now: Duration) {
        if self.rogue {
            return self.respond_in(number, message, 401, None, now);
        }
        if let Some(dialog) = self.dialogs.get_mut(&number) {
            dialog.state = State::Over;
            dialog.answer = None;
        }
        self.respond_in(number, message, 200, None, now);
    }

    /// The connection broke that the server had opened to it: the ACKs to its refusals went with it, and no other comes.
    pub(crate) fn connection_broke(&mut self) {
        for dialog in self.dialogs.values_mut() {
            dialog.answer.take_if(|answer| !answer.repeats);
        }
    }

    /// Picks up a call that rings, at once.
    pub fn pick_up(&mut self, number: usize, now: Duration) {
        if let Some(dialog) = self.dialogs.get_mut(&number)
            && dialog.state == State::Ringing
        {
            dialog.due = Some(now);
            self.handle_due(now);
        }
    }

    /// Decides about calls that have rung for long enough.
    pub(super) fn handle_due(&mut self, now: Duration) {
        let due: Vec<usize> = self
            .dialogs
            .iter()
            .filter(|(_, d)| d.due.is_some_and(|at| at <= now) && d.provisional.is_none())
            .map(|(number, _)| *number)
            .collect();
        for number in due {
            let Some(dialog) = self.dialogs.get_mut(&number) else {
                continue;
            };
            dialog.due = None;
            let (invite, codecs) = (dialog.invite.clone(), dialog.codecs.clone());
            match self.answer {
                Answer::Refuse(code, _) => {
                    dialog.state = State::Over;
                    self.refuse(number, &invite, code, now);
                }
                _ => match self.description_for(&invite, &codecs) {
                    Some(body) => {
                        self.next_rtp = Some(now);
                        self.up(number);
                        self.accept(number, &invite, body, now);
                    }
                    None => {
                        self.over(number);
                        self.refuse(number, &invite, 488, now);
                    }
                },
            }
        }
    }

    fn up(&mut self, number: usize) {
        if let Some(dialog) = self.dialogs.get_mut(&number) {
            dialog.state = State::Up;
        }
    }

    pub(super) fn over(&mut self, number: usize) {
        if let Some(dialog) = self.dialogs.get_mut(&number) {
            dialog.state = State::Over;
        }
    }

    /// Says no to a call that rings.
    pub(super) fn decline(&mut self, number: usize, now: Duration) {
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return;
        };
        dialog.state = State::Over;
        dialog.due = None;
        let invite = dialog.invite.clone();
        self.refuse(number, &invite, 486, now);
    }

    /// Answers an INVITE with 200, and repeats that until the ACK comes.
    fn accept(&mut self, number: usize, invite: &[u8], body: String, now: Duration) {
        self.answer_finally(number, invite, 200, Some(body), now);
    }

    /// Refuses an INVITE, likewise.
    fn refuse(&mut self, number: usize, invite: &[u8], code: u16, now: Duration) {
        self.answer_finally(number, invite, code, None, now);
    }

    fn answer_finally(
        &mut self,
        number: usize,
        invite: &[u8],
        code: u16,
        body: Option<String>,
        now: Duration,
    ) {
        let Ok(invite) = Message::parse(invite) else {
            return;
        };
        self.respond_in(number, &invite, code, body, now);
        let on_connection = invite.top_via().is_ok_and(|via| via.transport == "TCP");
        let repeats = code < 300 || !(self.identity.transport.is_reliable() || on_connection);
        if let (Some(bytes), Some(dialog)) = (self.out.last().cloned(), self.dialogs.get_mut(&number)) {
            dialog.answer = Some(Unacknowledged {
                next: now + T1,
                bytes,
                seq: invite.cseq().map_or(0, |c| c.seq),
                interval: T1,
                deadline: now + TIMEOUT,
                repeats,
            });
        }
    }

    pub(super) fn respond_in(
        &mut self,
        number: usize,
        request: &Message<'_>,
        code: u16,
        body: Option<String>,
        now: Duration,
    ) {
        if code == 200
            && let Some(dialog) = self.dialogs.get_mut(&number)
        {
            dialog.session_granted(request, &self.abilities, now);
        }
        let tag = self.dialogs.get(&number).map(|d| d.local_tag.clone());
        self.respond_with(request, code, tag.as_deref(), body);
        if request.method() == Some(Method::Invite)
            && let (Some(bytes), Some(dialog)) = (self.out.last(), self.dialogs.get_mut(&number))
        {
            dialog.reply.clone_from(bytes);
        }
    }

    pub(super) fn respond_with(
        &mut self,
        request: &Message<'_>,
        code: u16,
        tag: Option<&str>,
        body: Option<String>,
    ) {
        let reason = sip::reason_phrase(code);
        let mut writer = Writer::reply(request, code, reason, tag, self.server);
        if (300..400).contains(&code) {
            for contact in &self.forwards_to {
                writer = writer.header(Name::Contact, contact);
            }
        } else {
            writer = writer.header(Name::Contact, &message::contact(&self.identity));
        }
        writer = self.session_headers(request, code, writer);
        if matches!(code, 401 | 407) {
            writer = writer.header(message::challenge_of(code), message::ROGUE);
        }
        let bytes = match body {
            Some(body) => writer.body(sdp::CONTENT_TYPE, body.as_bytes()),
            None => writer.finish(),
        };
        self.out.push(bytes.to_vec());
    }
}
