//! Reliable provisional responses on a phone, both ways (RFC 3262).

use super::dialog::Dialog;
use super::pending::Provisional;
use super::{Phone, State, T1, TIMEOUT};
use sip::header::{RAck, rseq};
use sip::{Message, Method, Name};
use std::time::Duration;

impl Dialog {
    pub(super) fn provisional_due(&self) -> Option<Duration> {
        self.provisional.as_ref().map(|provisional| provisional.next)
    }
}

impl Phone {
    /// The first answer to an INVITE: reliable where both sides know that.
    pub(super) fn ring(
        &mut self,
        number: usize,
        invite: &Message<'_>,
        code: u16,
        body: Option<String>,
        now: Duration,
    ) {
        self.respond_in(number, invite, code, body, now);
        let asked = [Name::Supported, Name::Require]
            .into_iter()
            .any(|name| invite.has_option(name, "100rel"));
        if !self.abilities.reliable || !asked {
            return;
        }
        let Some(plain) = self.out.pop() else { return };
        let rseq = u32::try_from(self.rng.next() % 1000).unwrap_or(0) + 1;
        let text = String::from_utf8_lossy(&plain).into_owned();
        let text = text.replacen(
            "Content-",
            &format!("Require: 100rel\r\nRSeq: {rseq}\r\nContent-"),
            1,
        );
        let bytes = text.into_bytes();
        self.out.push(bytes.clone());
        if let Some(dialog) = self.dialogs.get_mut(&number) {
            dialog.reply.clone_from(&bytes);
            dialog.provisional = Some(Provisional {
                rseq,
                bytes,
                next: now + T1,
                interval: T1,
                deadline: now + TIMEOUT,
            });
        }
    }

    pub(super) fn repeat_provisionals(&mut self, now: Duration) {
        for dialog in self.dialogs.values_mut() {
            if dialog.state != State::Ringing {
                dialog.provisional = None;
            }
            let Some(provisional) = &mut dialog.provisional else {
                continue;
            };
            if provisional.next > now {
                continue;
            }
            if now >= provisional.deadline {
                self.unpracked += 1;
                dialog.provisional = None;
                continue;
            }
            provisional.interval *= 2;
            provisional.next = (now + provisional.interval).min(provisional.deadline);
            self.out.push(provisional.bytes.clone());
        }
    }

    pub(super) fn provisional_acknowledged(&mut self, number: usize, message: &Message<'_>, now: Duration) {
        let rack = message.header(Name::RAck).and_then(RAck::parse);
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return;
        };
        let expected = dialog.provisional.as_ref().map(|p| p.rseq);
        let known = rack.is_some() && rack.map(|rack| rack.rseq) == expected;
        if known {
            dialog.provisional = None;
        }
        let code = if known { 200 } else { 481 };
        self.respond_in(number, message, code, None, now);
    }

    /// Acknowledges a reliable response to our INVITE, each once and in order (§4).
    pub(super) fn hear_provisional(&mut self, message: &Message<'_>, now: Duration) {
        let Some(number) = message.header(Name::RSeq).and_then(rseq) else {
            return;
        };
        let call_id = message.call_id().unwrap_or("").to_owned();
        let Some(dialog) = self.dialogs.values_mut().find(|d| d.call_id == call_id) else {
            return;
        };
        if dialog.state != State::Calling || dialog.heard.as_ref().is_some_and(|(last, _)| number != last + 1)
        {
            return;
        }
        let to = message.header(Name::To).unwrap_or("").to_owned();
        let seq = message.cseq().map_or(0, |cseq| cseq.seq);
        dialog.learn(message);
        dialog.heard = Some((number, to));
        let (uri, call_id, cseq) = dialog.next_request();
        let rack = [(Name::RAck, format!("{number} {seq} INVITE"))];
        self.request(Method::Prack, &uri, &call_id, cseq, &rack, None, now);
    }
}
