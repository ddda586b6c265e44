//! PUBLISH (RFC 3903): what a phone says about its person, under an entity-tag, until it expires.
//!
//! Each publication has its own tag; a refresh, a change and a removal name it in SIP-If-Match, and a refresh gets a new
//! one. What is shown is the latest publication of the user.

use super::pidf::{self, Presence};
use super::refused::Refused;
use super::subscribe::expires;
use super::{Alarm, Events, keep};
use crate::call::Progress;
use crate::context::{Context, Owner};
use model::{Device, EventKey, EventState, FlowToken, Now, Package, PublicationRecord, UserId};
use sip::timer::TimerId;
use sip::{Message, Name, Uri};
use std::collections::BTreeMap;
use std::time::Duration;

/// Publications of one user; the next one replaces the oldest.
const PER_USER: usize = 8;

/// A published state.
struct Publication {
    record: PublicationRecord,
    expiry: TimerId,
    /// Which of the user's is the latest.
    order: u64,
}

/// What phones have published, by entity-tag.
#[derive(Default)]
pub(super) struct Publications {
    by_tag: BTreeMap<u64, Publication>,
    by_user: BTreeMap<UserId, Vec<u64>>,
    order: u64,
}

impl Publications {
    fn latest(&self, user: UserId) -> Option<&PublicationRecord> {
        let tags = self.by_user.get(&user)?;
        let of_user = tags.iter().filter_map(|tag| self.by_tag.get(tag));
        of_user.max_by_key(|p| p.order).map(|p| &p.record)
    }
}

impl Events {
    /// Takes an authenticated PUBLISH.
    pub(crate) fn publish(
        &mut self,
        context: &mut Context,
        device: &Device,
        message: &Message<'_>,
        flow: FlowToken,
        now: Now,
    ) {
        // A copy of it must not meet the tag that it has used up itself.
        let Some(server) = context.accept(message, flow, Owner::None, now) else {
            return;
        };
        let done = self.published(context, device, message, now);
        let code = done.as_ref().map_or_else(|refused| refused.code(), |_| 200);
        let tag = context.new_tag();
        let writer = context.response(message, flow, code, Some(&tag));
        let writer = match done {
            Ok((Some(etag), expires_s)) => writer
                .fmt(Name::SipEtag, format_args!("{etag:016x}"))
                .fmt(Name::Expires, format_args!("{expires_s}")),
            Ok((None, _)) => writer.header(Name::Expires, "0"),
            Err(refused) => refused.explain(context, writer),
        };
        context.counts.published += u64::from(code == 200);
        context.tx.respond(server, code, writer.finish(), now.mono);
    }

    /// The new tag, unless it was a removal, and for how long it is good.
    fn published(
        &mut self,
        context: &mut Context,
        device: &Device,
        message: &Message<'_>,
        now: Now,
    ) -> Result<(Option<u64>, u32), Refused> {
        let config = std::sync::Arc::clone(&context.config);
        let event = message.header(Name::Event).and_then(super::package::parse);
        if event.is_none_or(|(package, _)| package != Package::Presence) {
            return Err(Refused::BadEvent);
        }
        let uri = message.request_line().and_then(|line| Uri::parse(line.uri).ok());
        let own = config.user(device.user).map_or("", |user| &user.extension);
        // One's own state alone, and the answer is the same for everybody else's.
        uri.filter(|uri| config.owns_domain(uri.host) && *uri.user_decoded() == *own)
            .ok_or(Refused::Unknown)?;
        let expires_s = expires(&config, message)?;
        let old = match message.header(Name::SipIfMatch) {
            None => None,
            Some(text) => {
                let tag = u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
                let known = tag.filter(|tag| {
                    let publication = self.publications.by_tag.get(tag);
                    publication.is_some_and(|p| p.record.user == device.user)
                });
                Some(known.ok_or(Refused::NoMatch)?)
            }
        };
        let presence = match (message.body(), old) {
            (&[], Some(old)) => self
                .publications
                .by_tag
                .get(&old)
                .map(|p| Presence::of(&p.record)),
            (&[], None) => None,
            (body, _) => pidf::read(body),
        };
        let presence = presence.ok_or(Refused::Bad)?;
        if let Some(old) = old {
            self.withdraw(context, old);
        }
        if expires_s == 0 {
            return Ok((None, 0));
        }
        let life = Duration::from_secs(u64::from(expires_s));
        let tag = context.random();
        let record = PublicationRecord {
            user: device.user,
            device: device.id,
            open: presence.open,
            activity: presence.activity,
            note: presence.note,
        };
        let expires = now.wall.after(life);
        self.make_room(context, device.user);
        let state = EventState::Publication(record.clone());
        keep::put(context, EventKey::Publication(tag), expires, state);
        self.enter_publication(tag, record, now.mono + life);
        context.lamps.changed(Package::Presence, device.user);
        Ok((Some(tag), expires_s))
    }

    fn make_room(&mut self, context: &mut Context, user: UserId) {
        let tags = self.publications.by_user.get(&user);
        let oldest = tags
            .filter(|tags| tags.len() >= PER_USER)
            .and_then(|tags| tags.first());
        if let Some(oldest) = oldest.copied() {
            self.withdraw(context, oldest);
        }
    }

    fn enter_publication(&mut self, tag: u64, record: PublicationRecord, ends: Duration) {
        let publications = &mut self.publications;
        publications.order += 1;
        publications.by_user.entry(record.user).or_default().push(tag);
        let expiry = self.alarms.insert(ends, Alarm::Unpublish(tag));
        let order = publications.order;
        publications.by_tag.insert(
            tag,
            Publication {
                record,
                expiry,
                order,
            },
        );
    }

    /// A publication ends.
    pub(super) fn withdraw(&mut self, context: &mut Context, tag: u64) {
        let Some(publication) = self.publications.by_tag.remove(&tag) else {
            return;
        };
        self.alarms.cancel(publication.expiry);
        let user = publication.record.user;
        if let Some(tags) = self.publications.by_user.get_mut(&user) {
            tags.retain(|known| *known != tag);
            if tags.is_empty() {
                self.publications.by_user.remove(&user);
            }
        }
        keep::remove(context, EventKey::Publication(tag));
        context.lamps.changed(Package::Presence, user);
    }

    /// Publications of devices that are gone, or of all, are withdrawn.
    pub(super) fn withdraw_from(&mut self, context: &mut Context, gone: impl Fn(&PublicationRecord) -> bool) {
        let tags = self.publications.by_tag.iter();
        let doomed: Vec<u64> = tags
            .filter(|(_, p)| gone(&p.record))
            .map(|(tag, _)| *tag)
            .collect();
        for tag in doomed {
            self.withdraw(context, tag);
        }
    }

    /// Puts back what the journal kept.
    pub(super) fn restore_publication(
        &mut self,
        context: &Context,
        tag: u64,
        record: PublicationRecord,
        left: Duration,
        now: Now,
    ) -> bool {
        let allowed = context.config.may_be_bound(record.device, record.user);
        if allowed {
            self.enter_publication(tag, record, now.mono + left);
        }
        allowed
    }

    /// What is shown of a user: what he published last, or whether a phone of his is there; and that he talks.
    pub(super) fn presence(&self, context: &Context, calls: &super::Calls, user: UserId) -> Presence {
        let published = self.publications.latest(user);
        let there = context.location.of(user).iter().any(|b| b.reachable);
        let talks = context
            .lamps
            .calls_of(user)
            .filter_map(|id| calls.get(&id))
            .flat_map(|call| call.parts_of(user))
            .any(|part| part.progress == Progress::Confirmed);
        let dnd = context.settings(user).dnd;
        let activity = match (talks, dnd) {
            (true, _) => Some("on-the-phone".into()),
            // The nearest word of RFC 4480; the note says it in full.
            (false, true) => Some("busy".into()),
            (false, false) => published.and_then(|p| p.activity.clone()),
        };
        let note = published.and_then(|p| p.note.clone());
        Presence {
            open: published.map_or(there, |p| p.open),
            activity,
            note: note.or_else(|| dnd.then(|| "Do not disturb".into())),
        }
    }
}
