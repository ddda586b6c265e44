//! The calling phones: what each response leads to.
//!
//! Owns: the client's side of REGISTER and of a call, with one challenge answered. A response that the state
//! does not expect is a repeated one and changes nothing.

use super::engine::{Engine, Job};
use super::op::{Op, OpId, State};
use super::text::Text;
use super::words::Rest;
use crate::digest;
use std::time::{Duration, Instant};

/// After the last packet of our stream the other one may still be sending.
const RTP_GRACE: Duration = Duration::from_millis(100);

impl Engine {
    /// A first REGISTER without credentials.
    pub(super) fn register(&mut self, user: u32, link: usize) {
        let now = Instant::now();
        let id = self.ops.insert(Op::new(State::Register, user, user, link, now));
        self.send_register(id, None, now);
    }

    fn send_register(&mut self, id: OpId, credentials: Option<&str>, now: Instant) {
        let Some(op) = self.ops.get_mut(id) else { return };
        let local = self.net.local(op.link);
        op.request = self.words.register(op, &id.to_string(), local, credentials);
        op.sent = now;
        op.tries = 0;
        self.net.send(op.link, &op.request);
    }

    /// A first INVITE.
    pub(super) fn invite(&mut self, user: u32, peer: u32, link: usize) {
        let now = Instant::now();
        let (stream, offer) = self.offer(link);
        let mut op = Op::new(State::Invite, user, peer, link, now);
        op.stream = stream;
        let id = self.ops.insert(op);
        self.send_invite(id, &offer, None, now);
    }

    fn send_invite(&mut self, id: OpId, offer: &str, credentials: Option<(&str, &str)>, now: Instant) {
        let Some(op) = self.ops.get_mut(id) else { return };
        let local = self.net.local(op.link);
        let branch = format!("i{}", op.cseq);
        let rest = Rest {
            credentials,
            body: offer,
        };
        op.request = self
            .words
            .request(op, &id.to_string(), local, "INVITE", &branch, rest);
        op.state = State::Invite;
        op.sent = now;
        op.tries = 0;
        self.net.send(op.link, &op.request);
    }

    /// A response to one of our requests.
    pub(super) fn on_response(&mut self, id: OpId, code: u16, text: &Text<'_>) {
        let Some((cseq, method)) = text.cseq() else { return };
        let Some(op) = self.ops.get_mut(id) else { return };
        match (op.state, method) {
            (State::Register, "REGISTER") if cseq == op.cseq => self.on_register(id, code, text),
            (State::Invite | State::Proceeding, "INVITE") if cseq == op.cseq => {
                self.on_invite(id, code, text);
            }
            (State::Talking | State::Held | State::Bye, "INVITE") if code / 100 == 2 => {
                // The ACK was lost.
                self.net.send(op.link, &op.ack);
            }
            (State::Bye, "BYE") if code == 200 => self.succeed(id),
            (State::Bye, "BYE") if code > 200 => self.fail(id, format!("BYE {code}")),
            _ => {}
        }
    }

    fn on_register(&mut self, id: OpId, code: u16, text: &Text<'_>) {
        let Some(op) = self.ops.get_mut(id) else { return };
        match code {
            100..=199 => {}
            200 => self.succeed(id),
            401 if !op.authorised => {
                op.authorised = true;
                op.cseq += 1;
                let (user, uri) = (op.user, format!("sip:{}", self.words.domain));
                match self.credentials(text.headers("WWW-Authenticate"), user, "REGISTER", &uri) {
                    Some(value) => self.send_register(id, Some(&value), Instant::now()),
                    None => self.fail(id, "REGISTER 401 without a usable challenge".into()),
                }
            }
            _ => self.fail(id, format!("REGISTER {code}")),
        }
    }

    fn on_invite(&mut self, id: OpId, code: u16, text: &Text<'_>) {
        let Some(op) = self.ops.get_mut(id) else { return };
        match code {
            100..=199 => op.state = State::Proceeding,
            200..=299 => self.answered(id, text),
            401 | 407 if !op.authorised => self.challenged(id, code, text),
            _ => {
                self.acknowledge_refusal(id, text);
                self.fail(id, format!("INVITE {code}"));
            }
        }
    }

    /// ACK to a final answer other than 2xx, within the transaction (RFC 3261 §17.1.1.3).
    fn acknowledge_refusal(&mut self, id: OpId, text: &Text<'_>) {
        let Some(op) = self.ops.get_mut(id) else { return };
        op.to_tag = text.to_tag().to_owned();
        let local = self.net.local(op.link);
        let branch = format!("i{}", op.cseq);
        let ack = self
            .words
            .request(op, &id.to_string(), local, "ACK", &branch, Rest::default());
        op.to_tag.clear();
        self.net.send(op.link, &ack);
    }

    fn challenged(&mut self, id: OpId, code: u16, text: &Text<'_>) {
        self.acknowledge_refusal(id, text);
        let Some(op) = self.ops.get_mut(id) else { return };
        op.authorised = true;
        op.cseq += 1;
        let (asks, header) = match code {
            407 => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => ("WWW-Authenticate", "Authorization"),
        };
        let offer = body(&op.request).to_owned();
        let (user, peer) = (op.user, op.peer);
        let uri = format!("sip:{}{peer}@{}", self.words.user, self.words.domain);
        match self.credentials(text.headers(asks), user, "INVITE", &uri) {
            Some(value) => self.send_invite(id, &offer, Some((header, &value)), Instant::now()),
            None => self.fail(id, format!("INVITE {code} without a usable challenge")),
        }
    }

    fn credentials<'a>(
        &self,
        challenges: impl Iterator<Item = &'a str>,
        user: u32,
        method: &str,
        uri: &str,
    ) -> Option<String> {
        let username = format!("{}{user}", self.words.user);
        let password = format!("{}{user}", self.words.password);
        let request = digest::Request {
            username: &username,
            password: &password,
            method,
            uri,
        };
        digest::answer(challenges, self.settings.digest, &request)
    }

    fn answered(&mut self, id: OpId, text: &Text<'_>) {
        let now = Instant::now();
        let Some(op) = self.ops.get_mut(id) else { return };
        let Some(target) = text.contact_uri() else {
            return self.fail(id, "200 without Contact".into());
        };
        op.target = target.to_owned();
        op.to_tag = text.to_tag().to_owned();
        let mut route: Vec<&str> = text.headers("Record-Route").collect();
        route.reverse();
        op.route = route.iter().map(|r| format!("Route: {r}\r\n")).collect();
        let local = self.net.local(op.link);
        op.ack = self
            .words
            .request(op, &id.to_string(), local, "ACK", "a", Rest::default());
        self.net.send(op.link, &op.ack);
        self.tally.set_up(now.duration_since(op.started));
        if let (Some(media), Some(stream)) = (&mut self.media, op.stream) {
            media.direct(stream, text.rtp_address());
            if self.job != Job::SetUp {
                media.start(stream);
            }
        }
        self.stand(id, now);
    }

    /// The call stands: kept, hung up at once, or after its talk time.
    fn stand(&mut self, id: OpId, now: Instant) {
        let Some(op) = self.ops.get_mut(id) else { return };
        if self.job == Job::SetUp {
            op.state = State::Held;
            self.tally.success(now.duration_since(op.started));
            self.held.push(id);
            return;
        }
        let packets = Duration::from_millis(20) * self.settings.rtp;
        let grace = if self.settings.rtp > 0 {
            RTP_GRACE
        } else {
            Duration::ZERO
        };
        let talk = Duration::from_millis(self.settings.talk_ms).max(packets + grace);
        if talk.is_zero() {
            return self.bye(id, now);
        }
        op.state = State::Talking;
        op.until = now + talk;
    }

    /// Hangs up.
    pub(super) fn bye(&mut self, id: OpId, now: Instant) {
        let Some(op) = self.ops.get_mut(id) else { return };
        if op.state == State::Held {
            op.started = now;
        }
        op.state = State::Bye;
        op.cseq += 1;
        op.sent = now;
        op.active = now;
        op.tries = 0;
        let local = self.net.local(op.link);
        op.request = self
            .words
            .request(op, &id.to_string(), local, "BYE", "b", Rest::default());
        self.net.send(op.link, &op.request);
    }

    fn succeed(&mut self, id: OpId) {
        if let Some(op) = self.end(id) {
            self.tally.success(op.started.elapsed());
        }
    }

    /// Ends an operation as failed.
    pub(super) fn fail(&mut self, id: OpId, reason: String) {
        if let Some(op) = self.end(id) {
            self.fallen.push(op.user);
            self.tally.failure(reason);
        }
    }

    fn end(&mut self, id: OpId) -> Option<Op> {
        let op = self.ops.remove(id)?;
        if let (Some(media), Some(stream)) = (&mut self.media, op.stream) {
            media.close(stream);
        }
        if self.settings.connect && self.job == Job::Register {
            self.net.close(op.link);
        }
        Some(op)
    }
}

/// The body of a message that we built.
fn body(message: &[u8]) -> &str {
    std::str::from_utf8(message)
        .ok()
        .and_then(|m| m.split_once("\r\n\r\n"))
        .map_or("", |(_, body)| body)
}
