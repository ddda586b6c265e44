//! A phone's side of a subscription (RFC 6665 §4.1): it subscribes, refreshes, hears, and takes note of whatever is against
//! the rules.

use super::Phone;
use sip::{Message, Method, Name, Writer};
use std::collections::BTreeMap;
use std::time::Duration;

/// How far a subscription has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// SUBSCRIBE sent, nothing heard.
    Asked,
    /// Accepted.
    Active,
    /// Refused, terminated, or run out.
    Over,
}

/// A subscription as its phone sees it.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The package.
    pub event: String,
    /// The Request-URI of the first SUBSCRIBE.
    pub uri: String,
    /// How far it has come.
    pub state: Watching,
    /// The last document.
    pub body: String,
    /// Of `as-feature-event`: what each key shows.
    pub keys: BTreeMap<String, String>,
    /// NOTIFYs heard.
    pub heard: u64,
    /// The reason of its end.
    pub reason: String,
    /// What was against the rules.
    pub faults: Vec<String>,
    /// It runs out then.
    pub ends: Duration,
    call_id: String,
    local_tag: String,
    remote_tag: String,
    target: String,
    cseq: u32,
    /// CSeq and version of the last NOTIFY.
    last: Option<(u32, Option<u64>)>,
}

impl Phone {
    /// Watches `user` of its own domain (or `user@domain`) for this long. Returns the number of the subscription.
    pub fn watch(&mut self, event: &str, target: &str, expires_s: u32, now: Duration) -> usize {
        let uri = if target.contains('@') {
            format!("sip:{target}")
        } else {
            format!("sip:{target}@{}", self.identity.domain)
        };
        let number = self.watches.len();
        let watch = Watch {
            event: event.to_owned(),
            state: Watching::Asked,
            body: String::new(),
            keys: BTreeMap::new(),
            heard: 0,
            reason: String::new(),
            faults: Vec::new(),
            ends: now + Duration::from_secs(u64::from(expires_s)),
            call_id: format!("watch-{:x}", self.rng.next()),
            local_tag: format!("{:x}", self.rng.next()),
            remote_tag: String::new(),
            target: uri.clone(),
            uri,
            cseq: 0,
            last: None,
        };
        self.watches.push(watch);
        self.subscribe(number, expires_s, now);
        number
    }

    /// Refreshes a subscription; 0 ends it.
    pub fn subscribe(&mut self, number: usize, expires_s: u32, now: Duration) {
        self.subscribe_with(number, expires_s, "", now);
    }

    /// Presses a key: within its subscription the phone says what its user's settings shall be.
    pub fn press(&mut self, number: usize, key: &str, now: Duration) {
        let left = self
            .watches
            .get(number)
            .map(|watch| watch.ends.saturating_sub(now));
        let left = left.map_or(0, |left| u32::try_from(left.as_secs()).unwrap_or(0));
        self.subscribe_with(number, left.max(60), &pressed(key), now);
    }

    fn subscribe_with(&mut self, number: usize, expires_s: u32, body: &str, now: Duration) {
        let branch = format!("z9hG4bK{:016x}", self.rng.next());
        let identity = &self.identity;
        let Some(watch) = self.watches.get_mut(number) else {
            return;
        };
        if watch.state == Watching::Over {
            return;
        }
        watch.cseq += 1;
        if expires_s > 0 {
            watch.ends = now + Duration::from_secs(u64::from(expires_s));
        }
        let to = if watch.remote_tag.is_empty() {
            format!("<{}>", watch.uri)
        } else {
            format!("<{}>;tag={}", watch.uri, watch.remote_tag)
        };
        let from = format!(
            "<sip:{}@{}>;tag={}",
            identity.user, identity.domain, watch.local_tag
        );
        let bytes = Writer::request(Method::Subscribe, &watch.target)
            .via(identity.transport.via(), identity.address, &branch, true)
            .header(Name::MaxForwards, "70")
            .header(Name::From, &from)
            .header(Name::To, &to)
            .header(Name::CallId, &watch.call_id)
            .header(Name::CSeq, &format!("{} SUBSCRIBE", watch.cseq))
            .header(Name::Contact, &super::message::contact(identity))
            .header(Name::Event, &watch.event)
            .header(Name::Supported, "eventlist")
            .header(Name::Expires, &expires_s.to_string())
            .body("application/x-as-feature-event+xml", body.as_bytes());
        let call_id = watch.call_id.clone();
        self.send("SUBSCRIBE", &call_id, branch, &bytes, now);
    }

    /// The subscriptions of this phone, by number.
    #[must_use]
    pub fn watches(&self) -> &[Watch] {
        &self.watches
    }

    /// The CSeq number of a subscription's last SUBSCRIBE.
    pub(super) fn watch_number(&self, call_id: &str) -> u32 {
        let watch = self.watches.iter().find(|w| w.call_id == call_id);
        watch.map_or(0, |watch| watch.cseq)
    }

    pub(super) fn set_watch_number(&mut self, call_id: &str, seq: u32) {
        if let Some(watch) = self.watches.iter_mut().find(|w| w.call_id == call_id) {
            watch.cseq = seq;
        }
    }

    /// The last word on a SUBSCRIBE; without a message nobody answered.
    pub(super) fn watch_answered(
        &mut self,
        call_id: &str,
        code: u16,
        message: Option<&Message<'_>>,
        now: Duration,
    ) {
        let Some(watch) = self.watches.iter_mut().find(|w| w.call_id == call_id) else {
            return;
        };
        if (200..300).contains(&code) {
            if let Some(message) = message {
                watch.learn(message, message.to().ok().and_then(|to| to.tag()));
                if let Some(left) = message.expires().filter(|left| *left > 0) {
                    watch.ends = now + Duration::from_secs(u64::from(left));
                }
            }
            if watch.state == Watching::Asked {
                watch.state = Watching::Active;
            }
        } else if watch.state == Watching::Asked || matches!(code, 408 | 481) {
            watch.state = Watching::Over;
            watch.reason = code.to_string();
        }
    }

    /// A NOTIFY that belongs to no call.
    pub(super) fn notified(&mut self, message: &Message<'_>) {
        let call_id = message.call_id().unwrap_or("");
        let to = message.to().ok().and_then(|to| to.tag()).unwrap_or("");
        let watch = self.watches.iter_mut().find(|w| {
            w.call_id == call_id && w.local_tag == to && (w.state != Watching::Over || w.reason.is_empty())
        });
        match watch {
            Some(watch) => {
                watch.hear(message);
                let tag = watch.local_tag.clone();
                self.respond_with(message, 200, Some(&tag), None);
            }
            None if message
                .header(Name::Event)
                .is_some_and(|event| event.starts_with("check-sync"))
                || message.header(Name::Event) == Some("message-summary") && to.is_empty() =>
            {
                self.told
                    .push(String::from_utf8_lossy(message.body()).into_owned());
                self.respond_with(message, 200, Some("unsolicited"), None);
            }
            None => self.respond_with(message, 481, Some("none"), None),
        }
    }
}

impl Watch {
    fn learn(&mut self, message: &Message<'_>, tag: Option<&str>) {
        if let Some(contact) = message.contacts().first() {
            self.target = contact.name_addr.uri.to_owned();
        }
        if let Some(tag) = tag.filter(|_| self.remote_tag.is_empty()) {
            self.remote_tag = tag.to_owned();
        }
    }

    fn fault(&mut self, what: &str) {
        self.faults.push(format!("{} {}: {what}", self.event, self.uri));
    }

    fn hear(&mut self, message: &Message<'_>) {
        self.learn(message, message.from().ok().and_then(|from| from.tag()));
        let seq = message.cseq().map_or(0, |c| c.seq);
        let body = String::from_utf8_lossy(message.body()).into_owned();
        let version = version(&body);
        if let Some((last_seq, last_version)) = self.last {
            if seq == last_seq {
                // A copy, because our answer was late.
                return;
            }
            if seq < last_seq {
                // One that was overtaken on its way; it is old news.
                return;
            }
            if version.is_some() && version <= last_version {
                self.fault(&format!("version {version:?} after {last_version:?}"));
            }
        }
        if self.state == Watching::Over {
            self.fault("a NOTIFY after the last");
        }
        self.last = Some((seq, version.or(self.last.and_then(|(_, v)| v))));
        self.heard += 1;
        if !body.is_empty() {
            self.light(&body);
            self.body = body;
        }
        let state = message.header(Name::SubscriptionState).unwrap_or("");
        if state.starts_with("terminated") {
            self.state = Watching::Over;
            self.reason = state.split_once("reason=").map_or("none", |(_, r)| r).to_owned();
        } else if self.state == Watching::Asked {
            self.state = Watching::Active;
        }
    }
}

impl Watch {
    /// Takes over what the documents of the keys say.
    fn light(&mut self, body: &str) {
        for document in body.split("<?xml").filter(|text| text.contains("/csta/ed3")) {
            let text = |name: &str| {
                let rest = document.split_once(&format!("<{name}>"))?.1;
                rest.split_once('<').map(|(text, _)| text.to_owned())
            };
            let (key, shows) = match text("forwardingType") {
                Some(kind) => (kind, text("forwardTo")),
                None => ("dnd".to_owned(), text("doNotDisturbOn").filter(|on| on == "true")),
            };
            self.keys.insert(key, shows.unwrap_or_default());
        }
    }
}

/// The document of a key: `dnd on`, `dnd off`, `forwardBusy 102`, `forwardBusy off`.
fn pressed(key: &str) -> String {
    let (what, value) = key.split_once(' ').unwrap_or((key, "off"));
    let on = value != "off";
    let space = "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"";
    let head = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n";
    if what == "dnd" {
        return format!(
            "{head}<SetDoNotDisturb {space}>\n<device>1</device>\n\
             <doNotDisturbOn>{on}</doNotDisturbOn>\n</SetDoNotDisturb>\n"
        );
    }
    let number = if on { value } else { "" };
    format!(
        "{head}<SetForwarding {space}>\n<device>1</device>\n<forwardDN>{number}</forwardDN>\n\
         <forwardingType>{what}</forwardingType>\n<activateForward>{on}</activateForward>\n</SetForwarding>\n"
    )
}

/// The `version` attribute of an XML document's root.
fn version(body: &str) -> Option<u64> {
    let root = body.split_once("?>").map_or(body, |(_, rest)| rest);
    let (_, rest) = root.split_once(" version=\"")?;
    rest.split('"').next()?.parse().ok()
}
