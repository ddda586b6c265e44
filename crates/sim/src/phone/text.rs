//! What a phone tells others outside of calls: texts (RFC 3428) and what its person does (RFC 3903).

use super::Phone;
use sip::{Message, Method, Name, Writer};
use std::time::Duration;

impl Phone {
    /// Sends a text to `user` of its own domain, or `user@domain`.
    pub fn text(&mut self, target: &str, text: &str, now: Duration) {
        let uri = if target.contains('@') {
            format!("sip:{target}")
        } else {
            format!("sip:{target}@{}", self.identity.domain)
        };
        let call_id = format!("text-{:x}", self.rng.next());
        self.say(Method::Message, &uri, &call_id, &[], ("text/plain", text), now);
    }

    /// Publishes whether its person is there. Without an activity only the time is extended; 0 seconds withdraws it.
    pub fn publish(&mut self, open: bool, activity: &str, expires_s: u32, now: Duration) {
        let uri = format!("sip:{}@{}", self.identity.user, self.identity.domain);
        let call_id = format!("publish-{:x}", self.rng.next());
        let mut extra = vec![
            (Name::Event, "presence".to_owned()),
            (Name::Expires, expires_s.to_string()),
        ];
        if !self.etag.is_empty() {
            extra.push((Name::SipIfMatch, self.etag.clone()));
        }
        let basic = if open { "open" } else { "closed" };
        let body = format!(
            "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='{uri}'><tuple id='t'><status><basic>{basic}</basic>\
             </status></tuple><person><activities><{activity}/></activities></person></presence>"
        );
        let body = if activity.is_empty() { "" } else { &body };
        self.say(
            Method::Publish,
            &uri,
            &call_id,
            &extra,
            ("application/pidf+xml", body),
            now,
        );
    }

    fn say(
        &mut self,
        method: Method<'static>,
        uri: &str,
        call_id: &str,
        extra: &[(Name, String)],
        (content_type, body): (&str, &str),
        now: Duration,
    ) {
        let branch = format!("z9hG4bK{:016x}", self.rng.next());
        let identity = &self.identity;
        let from = format!("<sip:{}@{}>;tag={call_id}", identity.user, identity.domain);
        let mut writer = Writer::request(method, uri)
            .via(identity.transport.via(), identity.address, &branch, true)
            .header(Name::MaxForwards, "70")
            .header(Name::From, &from)
            .header(Name::To, &format!("<{uri}>"))
            .header(Name::CallId, call_id)
            .header(Name::CSeq, &format!("1 {method}"));
        for (name, value) in extra {
            writer = writer.header(*name, value);
        }
        let bytes = writer.body(content_type, body.as_bytes());
        self.send(method.as_str(), call_id, branch, &bytes, now);
    }

    /// The last word on a PUBLISH.
    pub(super) fn publish_answered(&mut self, message: &Message<'_>) {
        let code = message.status_line().map_or(0, |line| line.code);
        let etag = message.header(Name::SipEtag).unwrap_or("");
        match code {
            200 => etag.clone_into(&mut self.etag),
            412 => self.etag.clear(),
            _ => {}
        }
    }

    /// A text came in.
    pub(super) fn texted(&mut self, message: &Message<'_>) {
        let text = String::from_utf8_lossy(message.body()).into_owned();
        let from = message.from().map_or(String::new(), |from| from.uri.to_owned());
        let code = self.refuses_text.unwrap_or(200);
        if code == 200 {
            self.texts.push((from, text));
        }
        self.respond_with(message, code, Some("text"), None);
    }
}
