//! Session timers and UPDATE on a phone (RFC 4028, RFC 3311).

use super::abilities::mirrored;
use super::dialog::Dialog;
use super::message::Outstanding;
use super::pending::SessionTimer;
use super::{Abilities, Phone, State, message};
use sip::header::Refresher;
use sip::{Message, Method, Name, Writer};
use std::time::Duration;

/// Interval and refresher that the phone grants to a request.
fn grant(request: &Message<'_>, abilities: &Abilities) -> Option<(u32, bool)> {
    let invited = matches!(request.method(), Some(Method::Invite | Method::Update));
    let asked = request
        .session_expires()
        .filter(|_| abilities.timer > 0 && invited)?;
    let interval = asked.seconds.min(abilities.timer).max(abilities.min_se);
    let we_refresh = match asked.refresher {
        Some(Refresher::Uac) => false,
        Some(Refresher::Uas) => true,
        None => abilities.refreshes,
    };
    Some((interval, we_refresh))
}

impl Dialog {
    pub(super) fn session_due(&self) -> Option<Duration> {
        let up = self.state == State::Up;
        self.session.filter(|_| up).map(|session| session.next)
    }

    pub(super) fn session_granted(&mut self, request: &Message<'_>, abilities: &Abilities, now: Duration) {
        if matches!(request.method(), Some(Method::Invite | Method::Update)) {
            self.session = grant(request, abilities)
                .map(|(interval, we_refresh)| SessionTimer::new(interval, we_refresh, now));
        }
    }
}

impl Phone {
    /// Headers of an INVITE; `least` is an interval that was asked of us.
    pub(super) fn invite_headers(&self, least: u32) -> Vec<(Name, String)> {
        let mut headers = vec![(Name::Contact, message::contact(&self.identity))];
        let allow = self.abilities.allow().map(|allow| (Name::Allow, allow));
        headers.extend(allow);
        if self.abilities.demanding {
            headers.push((Name::Require, "100rel".to_owned()));
        } else if self.abilities.reliable {
            headers.push((Name::Supported, "100rel".to_owned()));
        }
        if self.abilities.timer > 0 {
            headers.push((Name::Supported, "timer".to_owned()));
            let mut value = self.abilities.timer.max(least).to_string();
            if self.abilities.refreshes {
                value.push_str(";refresher=uac");
            }
            headers.push((Name::SessionExpires, value));
            if least > 0 {
                headers.push((Name::MinSe, least.to_string()));
            }
        }
        headers
    }

    /// Headers of a response.
    pub(super) fn session_headers(&self, request: &Message<'_>, code: u16, mut writer: Writer) -> Writer {
        if code == 422 {
            return writer.header(Name::MinSe, &self.abilities.min_se.to_string());
        }
        if let Some(allow) = self.abilities.allow() {
            writer = writer.header(Name::Allow, &allow);
        }
        match grant(request, &self.abilities).filter(|_| code == 200) {
            Some((interval, we_refresh)) => {
                let who = if we_refresh { "uas" } else { "uac" };
                writer
                    .header(Name::Require, "timer")
                    .header(Name::SessionExpires, &format!("{interval};refresher={who}"))
            }
            None => writer,
        }
    }

    pub(super) fn is_too_brief(&self, request: &Message<'_>) -> bool {
        let asked = request.session_expires().map(|asked| asked.seconds);
        self.abilities.timer > 0 && asked.is_some_and(|asked| asked < self.abilities.min_se)
    }

    /// 422: the call is tried again with the interval that the other side wants.
    pub(super) fn asks_for_longer(
        &mut self,
        request: &Outstanding,
        response: &Message<'_>,
        now: Duration,
    ) -> bool {
        let Some(least) = response.min_se() else {
            return false;
        };
        let calling = |d: &&mut Dialog| d.call_id == request.call_id && d.state == State::Calling;
        let Ok(old) = Message::parse(&request.bytes) else {
            return false;
        };
        let brief = old.min_se().is_none_or(|known| known < least);
        let (Some(line), Some(dialog)) = (old.request_line(), self.dialogs.values_mut().find(calling)) else {
            return false;
        };
        if dialog.gave_up || !brief {
            return false;
        }
        dialog.local_cseq += 1;
        let cseq = dialog.local_cseq;
        let extra = self.invite_headers(least);
        let body = String::from_utf8_lossy(old.body()).into_owned();
        let body = (!body.is_empty()).then_some(body);
        self.request(
            Method::Invite,
            line.uri,
            &request.call_id,
            cseq,
            &extra,
            body,
            now,
        );
        true
    }

    /// Sends an UPDATE, with an offer unless `direction` is empty.
    pub fn update(&mut self, number: usize, direction: &str, now: Duration) {
        let offer = (!direction.is_empty()).then(|| self.description(direction));
        let extra = self.invite_headers(0);
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return;
        };
        let early = dialog.state == State::Calling && dialog.heard.is_some();
        if !(dialog.state == State::Up || early) || dialog.renegotiating {
            return;
        }
        dialog.renegotiating = offer.is_some();
        let (uri, call_id, cseq) = dialog.next_request();
        self.request(Method::Update, &uri, &call_id, cseq, &extra, offer, now);
    }

    /// Presses a key in a call, told by INFO.
    pub fn dial(&mut self, number: usize, key: char, now: Duration) {
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return;
        };
        if dialog.state == State::Up {
            let (uri, call_id, cseq) = dialog.next_request();
            let key = key.to_string();
            self.request(Method::Info, &uri, &call_id, cseq, &[], Some(key), now);
        }
    }

    /// Our UPDATE was accepted.
    pub(super) fn updated(&mut self, message: &Message<'_>, now: Duration) {
        let call_id = message.call_id().unwrap_or("");
        if let Some(dialog) = self.dialogs.values_mut().find(|d| d.call_id == call_id) {
            dialog.learn(message);
            dialog.session = SessionTimer::as_uac(message, self.abilities.timer, now);
        }
    }

    /// An UPDATE came in.
    pub(super) fn asked_to_update(&mut self, number: usize, message: &Message<'_>, now: Duration) {
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return;
        };
        self.refreshed += u64::from(message.body().is_empty());
        let Some(offer) = super::keys::said(message) else {
            return self.respond_in(number, message, 200, None, now);
        };
        if dialog.renegotiating {
            return self.respond_in(number, message, 491, None, now);
        }
        dialog.learn(message);
        let codecs = dialog.codecs.clone();
        let wish = offer.audio(&[]).map_or("", |media| media.direction.as_str());
        let answer = self.answer_to(&codecs, mirrored(wish));
        let code = if answer.is_some() { 200 } else { 488 };
        self.respond_in(number, message, code, answer, now);
    }

    /// Refreshes what we have to refresh, and hangs up what the other side has not refreshed.
    pub(super) fn handle_sessions(&mut self, now: Duration) {
        let due: Vec<(usize, SessionTimer)> = self
            .dialogs
            .iter()
            .filter(|(_, d)| d.session_due().is_some_and(|at| at <= now))
            .filter_map(|(number, d)| Some((*number, d.session?)))
            .collect();
        for (number, session) in due {
            if !session.we_refresh {
                self.expired += 1;
                self.hang_up(number, now);
                continue;
            }
            if let Some(dialog) = self.dialogs.get_mut(&number) {
                dialog.session = Some(SessionTimer::new(session.interval, true, now));
            }
            if self.abilities.forgetful {
                continue;
            }
            if self.abilities.update {
                self.update(number, "", now);
            } else {
                self.reinvite(number, "sendrecv", now);
            }
        }
    }
}
