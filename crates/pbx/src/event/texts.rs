//! MESSAGE from phone to phone (RFC 3428): forked to every phone of the addressee, and kept for one who has none that
//! answers.
//!
//! Whoever sends a text hears 200 when a phone has it, 202 when it is kept. Kept texts go out when a phone registers, one
//! after the other, in the order in which they came; a text for somebody with kept ones stands in line behind them. Each
//! attempt carries the same Call-ID and CSeq, so a phone whose 200 was lost can tell that it has seen the text.

use super::{Alarm, Events, keep};
use crate::call::via;
use crate::context::{Context, EventOwner, Owner};
use crate::date::date;
use crate::edge::TEXT_TYPES;
use crate::location::BindingFacts;
use crate::reach::best_flows;
use model::{Device, EventKey, EventState, FlowToken, MessageRecord, Now, TenantConfig, UserId, Wall};
use sip::header::MediaType;
use sip::transaction::ServerId;
use sip::{Message, Method, Name, Uri, Writer};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Octets of a text.
const LONGEST: usize = 4_096;
/// Phones have this long before the sender hears 202: he would give up after 32 s (RFC 3261 Timer F).
const PATIENCE: Duration = Duration::from_secs(5);

/// A text on its way.
struct Delivery {
    record: MessageRecord,
    content_type: &'static str,
    /// The sender's request, while it has no answer.
    asked: Option<(ServerId, FlowToken, Box<[u8]>)>,
    /// Phones that owe an answer.
    pending: usize,
    /// The last refusal.
    refusal: u16,
    delivered: bool,
    /// A phone registered meanwhile.
    again: bool,
}

/// Texts on their way and texts that wait.
#[derive(Default)]
pub(super) struct Texts {
    under_way: BTreeMap<u64, Delivery>,
    waiting: BTreeMap<UserId, BTreeMap<u64, (MessageRecord, Wall)>>,
    next: u64,
}

impl Events {
    /// Takes an authenticated MESSAGE.
    pub(crate) fn text(
        &mut self,
        context: &mut Context,
        device: &Device,
        message: &Message<'_>,
        flow: FlowToken,
        now: Now,
    ) {
        let config = Arc::clone(&context.config);
        let (to, content_type, text) = match read(&config, message) {
            Ok(parts) => parts,
            Err(code) => return refuse(context, message, flow, code),
        };
        let Some(server) = context.accept(message, flow, Owner::None, now) else {
            return;
        };
        context.counts.texts += 1;
        // Rising over a restart, too, of which those that were delivered leave no trace: the number is part of the Call-ID,
        // and a phone takes a text with one that it knows for a copy.
        self.texts.next = self.texts.next.saturating_add(1).max(now.wall.0);
        let number = self.texts.next;
        let delivery = Delivery {
            record: MessageRecord {
                to,
                from: device.user,
                sent: now.wall,
                text: text.into(),
            },
            content_type,
            asked: Some((server, flow, message.bytes().into())),
            pending: 0,
            refusal: 480,
            delivered: false,
            again: false,
        };
        // Whoever has texts that wait gets this one after them.
        let in_line = self.texts.waiting.get(&to).is_some_and(|kept| !kept.is_empty());
        self.texts.under_way.insert(number, delivery);
        if !in_line || content_type != "text/plain" {
            self.fork(context, number, Some(flow), now);
            self.alarms.insert(now.mono + PATIENCE, Alarm::Patience(number));
        }
        self.conclude(context, number, now);
    }

    /// Sends a text of the server's own, at once even where others wait, and keeps it until a phone has it.
    pub(crate) fn announce(
        &mut self,
        context: &mut Context,
        (from, to): (UserId, UserId),
        text: &str,
        now: Now,
    ) {
        self.texts.next = self.texts.next.saturating_add(1).max(now.wall.0);
        let number = self.texts.next;
        let delivery = Delivery {
            record: MessageRecord {
                to,
                from,
                sent: now.wall,
                text: text.into(),
            },
            content_type: "text/plain",
            asked: None,
            pending: 0,
            refusal: 480,
            delivered: false,
            again: false,
        };
        context.counts.texts += 1;
        self.keep_text(context, number, &delivery, now);
        self.texts.under_way.insert(number, delivery);
        self.fork(context, number, None, now);
        if self.texts.under_way.get(&number).is_some_and(|d| d.pending == 0) {
            self.texts.under_way.remove(&number);
        }
    }

    /// Sends a text to every phone of its addressee but the one that it came from.
    fn fork(&mut self, context: &mut Context, number: u64, but: Option<FlowToken>, now: Now) {
        let Some(delivery) = self.texts.under_way.get_mut(&number) else {
            return;
        };
        let phones: Vec<BindingFacts> = best_flows(context.location.of(delivery.record.to))
            .filter(|b| but.is_none_or(|but| !crate::location::same_flow(&b.record.flow, &but)))
            .take(context.fork_targets)
            .map(BindingFacts::from)
            .collect();
        for phone in phones {
            let (branch, bytes) = request(context, number, delivery, &phone);
            let owner = Owner::Event(EventOwner::Text(number));
            let sent = context.request(Method::Message, &branch, bytes, phone.flow, owner, now);
            match sent {
                Ok(_) => delivery.pending += 1,
                Err(_) => context.counts.over_limit += 1,
            }
        }
    }

    /// A phone answered, or nobody did.
    pub(super) fn text_answered(&mut self, context: &mut Context, number: u64, code: u16, now: Now) {
        let Some(delivery) = self.texts.under_way.get_mut(&number).filter(|_| code >= 200) else {
            return;
        };
        delivery.pending = delivery.pending.saturating_sub(1);
        if code < 300 {
            delivery.delivered = true;
        } else {
            delivery.refusal = code;
        }
        self.conclude(context, number, now);
    }

    /// The phones had their time: what none has taken is kept, and its sender hears so.
    pub(super) fn patience_over(&mut self, context: &mut Context, number: u64, now: Now) {
        let Some(mut delivery) = self.texts.under_way.remove(&number) else {
            return;
        };
        if delivery.asked.is_some() {
            let kept = self.keep_text(context, number, &delivery, now);
            reply(context, &mut delivery, if kept { 202 } else { 480 }, now);
        }
        self.texts.under_way.insert(number, delivery);
        self.conclude(context, number, now);
    }

    /// Draws the conclusions of what is known about a text so far.
    fn conclude(&mut self, context: &mut Context, number: u64, now: Now) {
        let Some(mut delivery) = self.texts.under_way.remove(&number) else {
            return;
        };
        let to = delivery.record.to;
        if delivery.delivered {
            reply(context, &mut delivery, 200, now);
            let was_kept = self.drop_text(context, to, number);
            if delivery.pending > 0 {
                self.texts.under_way.insert(number, delivery);
            }
            if was_kept {
                self.deliver_next(context, to, now);
            }
            return;
        }
        if delivery.pending > 0 {
            self.texts.under_way.insert(number, delivery);
            return;
        }
        let (refusal, hopeless) = (delivery.refusal, is_hopeless(delivery.refusal));
        if delivery.asked.is_some() {
            let kept = !hopeless && self.keep_text(context, number, &delivery, now);
            let code = match (kept, hopeless) {
                (true, _) => 202,
                (false, true) => refusal,
                (false, false) => 480,
            };
            reply(context, &mut delivery, code, now);
            if kept {
                self.deliver_next(context, to, now);
            }
        } else if hopeless && self.drop_text(context, to, number) {
            context.counts.texts_lost += 1;
            self.deliver_next(context, to, now);
        } else if delivery.again {
            self.deliver_next(context, to, now);
        }
    }

    /// Keeps a text for later; false when it may not be.
    fn keep_text(&mut self, context: &mut Context, number: u64, delivery: &Delivery, now: Now) -> bool {
        let policy = context.config.policy();
        let (most, age) = (usize::from(policy.max_kept_messages), policy.kept_message_s);
        let to = delivery.record.to;
        self.drop_old_texts(context, to, now);
        let kept = self.texts.waiting.entry(to).or_default();
        if kept.len() >= most || delivery.content_type != "text/plain" {
            context.counts.over_limit += u64::from(kept.len() >= most);
            if kept.is_empty() {
                self.texts.waiting.remove(&to);
            }
            return false;
        }
        let expires = now.wall.after(Duration::from_secs(u64::from(age)));
        kept.insert(number, (delivery.record.clone(), expires));
        let state = EventState::Message(delivery.record.clone());
        keep::put(context, EventKey::Message(number), expires, state);
        true
    }

    /// A text need not be kept any longer; false when it was not.
    fn drop_text(&mut self, context: &mut Context, user: UserId, number: u64) -> bool {
        let Some(kept) = self.texts.waiting.get_mut(&user) else {
            return false;
        };
        let was_kept = kept.remove(&number).is_some();
        if kept.is_empty() {
            self.texts.waiting.remove(&user);
        }
        if was_kept {
            keep::remove(context, EventKey::Message(number));
        }
        was_kept
    }

    fn drop_old_texts(&mut self, context: &mut Context, user: UserId, now: Now) {
        let kept = self.texts.waiting.get(&user);
        let old: Vec<u64> = kept
            .into_iter()
            .flatten()
            .filter(|(_, (_, expires))| *expires <= now.wall)
            .map(|(number, _)| *number)
            .collect();
        for number in old {
            context.counts.texts_lost += 1;
            self.drop_text(context, user, number);
        }
    }

    /// A phone of the user registered: what waits for him goes out, beginning with the first.
    pub(crate) fn deliver_next(&mut self, context: &mut Context, user: UserId, now: Now) {
        if !self.texts.waiting.contains_key(&user) {
            return;
        }
        self.drop_old_texts(context, user, now);
        let first = self
            .texts
            .waiting
            .get(&user)
            .and_then(|kept| kept.first_key_value());
        let Some((number, (record, _))) = first else {
            return;
        };
        let (number, record) = (*number, record.clone());
        if let Some(delivery) = self.texts.under_way.get_mut(&number) {
            delivery.again = true;
            return;
        }
        if best_flows(context.location.of(user)).next().is_none() {
            return;
        }
        let delivery = Delivery {
            record,
            content_type: "text/plain",
            asked: None,
            pending: 0,
            refusal: 480,
            delivered: false,
            again: false,
        };
        self.texts.under_way.insert(number, delivery);
        self.fork(context, number, None, now);
        if self.texts.under_way.get(&number).is_some_and(|d| d.pending == 0) {
            self.texts.under_way.remove(&number);
        }
    }

    /// Puts back a text that the journal kept.
    pub(super) fn restore_text(&mut self, number: u64, record: MessageRecord, expires: Wall) {
        self.texts.next = self.texts.next.max(number);
        let kept = self.texts.waiting.entry(record.to).or_default();
        kept.insert(number, (record, expires));
    }

    /// Texts of users who are gone, or of everybody, are kept no longer.
    pub(super) fn drop_texts(&mut self, context: &mut Context, gone: impl Fn(UserId) -> bool) {
        let users = self.texts.waiting.keys().copied().filter(|user| gone(*user));
        for user in users.collect::<Vec<_>>() {
            for number in self.texts.waiting.remove(&user).unwrap_or_default().into_keys() {
                context.counts.texts_lost += 1;
                keep::remove(context, EventKey::Message(number));
            }
        }
    }
}

/// The phone can't take such a text, today or later.
fn is_hopeless(code: u16) -> bool {
    matches!(code, 405 | 413 | 415 | 488 | 501 | 513 | 600..=699)
}

/// Addressee, type and text of a MESSAGE, or the status that refuses it.
fn read(config: &TenantConfig, message: &Message<'_>) -> Result<(UserId, &'static str, String), u16> {
    let uri = message.request_line().and_then(|line| Uri::parse(line.uri).ok());
    let uri = uri.filter(|uri| config.owns_domain(uri.host)).ok_or(404_u16)?;
    let user = config.extension(&uri.user_decoded()).filter(|user| user.enabled);
    let to = user.ok_or(404_u16)?.id;
    let kind = message.header(Name::ContentType).and_then(MediaType::parse);
    let kind = kind.ok_or(415_u16)?;
    let known = TEXT_TYPES.iter().copied().find(|known| kind.is(known));
    let content_type = known.ok_or(415_u16)?;
    if message.body().is_empty() {
        return Err(400);
    }
    if message.body().len() > LONGEST {
        return Err(413);
    }
    let text = std::str::from_utf8(message.body()).map_err(|_| 415_u16)?;
    let text = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\r' | '\n' | '\t'));
    Ok((to, content_type, text.collect()))
}

fn refuse(context: &mut Context, message: &Message<'_>, flow: FlowToken, code: u16) {
    match code {
        404 => context.counts.unknown_number += 1,
        _ => context.counts.invalid += 1,
    }
    context.reply_with(message, flow, code, |writer| match code {
        415 => writer.header(Name::Accept, &TEXT_TYPES.join(", ")),
        _ => writer,
    });
}

/// Answers the sender, once.
fn reply(context: &mut Context, delivery: &mut Delivery, code: u16, now: Now) {
    let Some((server, flow, request)) = delivery.asked.take() else {
        return;
    };
    if let Ok(request) = Message::parse(&request) {
        let tag = context.new_tag();
        let bytes = context.response(&request, flow, code, Some(&tag)).finish();
        context.tx.respond(server, code, bytes, now.mono);
    }
}

/// The MESSAGE that a phone gets: from the sender as the tenant knows him.
fn request(
    context: &mut Context,
    number: u64,
    delivery: &Delivery,
    phone: &BindingFacts,
) -> (String, bytes::Bytes) {
    let branch = context.new_branch();
    let config = &context.config;
    let name = |user: UserId| config.user(user).map_or("", |user| &user.extension);
    let (from, to) = (name(delivery.record.from), name(delivery.record.to));
    let display = config.user(delivery.record.from).map_or("", |user| &user.display);
    let display = match display {
        "" => String::new(),
        display => format!("{} ", sip::build::quote_display(display)),
    };
    let (realm, tenant) = (config.realm(), config.id());
    let via = via(&phone.flow, &branch);
    let writer = Writer::request(Method::Message, crate::call::request_uri(&phone.contact))
        .via(via.transport, via.sent_by, via.branch, true)
        .header(Name::MaxForwards, "70");
    let bytes = super::along(writer, &phone.path)
        .fmt(
            Name::From,
            format_args!("{display}<sip:{from}@{realm}>;tag=text-{number:x}"),
        )
        .fmt(Name::To, format_args!("<sip:{to}@{realm}>"))
        .fmt(Name::CallId, format_args!("text-{tenant}-{number:x}"))
        .header(Name::CSeq, "1 MESSAGE")
        .header(Name::Date, &date(delivery.record.sent))
        .header(Name::UserAgent, &context.server_name)
        .body(delivery.content_type, delivery.record.text.as_bytes());
    (branch, bytes)
}
