//! One subscription: a dialog with a phone that wants to hear of a resource (RFC 6665 §4.2).
//!
//! The states: active, ending (its last NOTIFY is on its way or waits for the one before), and stranded (the phone's
//! connection is gone; it is told what it missed when it comes back).

use super::body::Document;
use super::features::Feature;
use super::package;
use crate::call::via;
use crate::context::{Context, Owner};
use model::{BindingKey, DeviceId, FlowToken, Now, Package, Resource, UserId, UserSettings, Wall};
use sip::dialog::Dialog;
use sip::timer::TimerId;
use sip::transaction::ClientId;
use sip::{Message, Method, Name, Writer};
use std::collections::BTreeSet;
use std::time::Duration;

/// CSeq numbers that are reserved by one line of the journal.
const RESERVE: u32 = 64;

/// What an answer to a NOTIFY means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The subscription goes on.
    Stays,
    /// That was its last NOTIFY.
    Ended,
    /// The phone does not know it (RFC 6665 §4.2.2, RFC 5057 §5.2).
    Goes,
}

/// Waiting, on its way, or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    Idle,
    Queued,
    /// Too soon after the last one; an alarm is set.
    Quiet,
    Outstanding(ClientId),
}

/// A subscription.
pub(super) struct Subscription {
    pub(super) user: UserId,
    pub(super) device: DeviceId,
    pub(super) package: Package,
    pub(super) resource: Resource,
    pub(super) event_id: Option<Box<str>>,
    pub(super) dialog: Dialog,
    pub(super) binding: Option<BindingKey>,
    pub(super) instance: Option<Box<str>>,
    pub(super) flow: FlowToken,
    /// When it ends, by either clock.
    pub(super) ends: Duration,
    pub(super) expires: Wall,
    pub(super) expiry: TimerId,
    /// The journal allows CSeq numbers up to this one.
    pub(super) reserved: u32,
    sending: Sending,
    /// Something to tell; `forced` even if the document is as it was.
    news: bool,
    forced: bool,
    /// Of a list: whose documents changed. Empty with `forced`: all.
    pub(super) changed: BTreeSet<UserId>,
    /// Of `as-feature-event`: what the phone has heard, and the key that it has pressed since.
    pub(super) told: Option<Box<UserSettings>>,
    pub(super) asked: Option<Feature>,
    ending: Option<&'static str>,
    stranded: bool,
    last: Option<Duration>,
    shown: u64,
}

/// What makes a subscription.
pub(super) struct Draft {
    pub(super) user: UserId,
    pub(super) device: DeviceId,
    pub(super) package: Package,
    pub(super) resource: Resource,
    pub(super) event_id: Option<Box<str>>,
    pub(super) dialog: Dialog,
    pub(super) binding: Option<BindingKey>,
    pub(super) instance: Option<Box<str>>,
    pub(super) flow: FlowToken,
    pub(super) ends: Duration,
    pub(super) expires: Wall,
    pub(super) expiry: TimerId,
    /// The phone can't be reached yet.
    pub(super) stranded: bool,
}

impl From<Draft> for Subscription {
    fn from(draft: Draft) -> Subscription {
        Subscription {
            user: draft.user,
            device: draft.device,
            package: draft.package,
            resource: draft.resource,
            event_id: draft.event_id,
            reserved: draft.dialog.local_cseq.saturating_add(RESERVE),
            dialog: draft.dialog,
            binding: draft.binding,
            instance: draft.instance,
            flow: draft.flow,
            ends: draft.ends,
            expires: draft.expires,
            expiry: draft.expiry,
            sending: Sending::Idle,
            news: true,
            forced: true,
            changed: BTreeSet::new(),
            told: None,
            asked: None,
            ending: None,
            stranded: draft.stranded,
            last: None,
            shown: 0,
        }
    }
}

impl Subscription {
    /// True when the message belongs to this dialog.
    pub(super) fn has(&self, message: &Message<'_>) -> bool {
        self.dialog.has(message)
    }

    /// Something that it watches changed, of this user if it is a list.
    pub(super) fn changed(&mut self, user: Option<UserId>) {
        if self.ending.is_some() {
            return;
        }
        self.news = true;
        if self.resource.is_list() {
            self.changed.extend(user);
        }
    }

    /// The phone is to hear the whole state, whether it changed or not.
    pub(super) fn force(&mut self) {
        self.news = true;
        self.forced = true;
        self.told = None;
    }

    /// The phone is to hear how this is, and what else it does not know.
    pub(super) fn ask(&mut self, feature: Feature) {
        self.news = true;
        self.forced = true;
        self.asked = Some(feature);
    }

    pub(super) fn has_news(&self) -> bool {
        self.news
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// The whole list is to be told, not what changed alone.
    pub(super) fn tells_all(&self) -> bool {
        self.forced
    }

    /// It ends because its phone may know no more.
    pub(super) fn tells_nothing(&self) -> bool {
        self.ending.is_some_and(|reason| reason != "timeout")
    }

    pub(super) fn is_stranded(&self) -> bool {
        self.stranded
    }

    /// True when it shall stand in the queue and does not yet.
    pub(super) fn may_queue(&mut self) -> bool {
        let free = match self.sending {
            Sending::Idle => true,
            Sending::Quiet => self.forced,
            Sending::Queued | Sending::Outstanding(_) => false,
        };
        let may = free && self.news && !self.stranded;
        if may {
            self.sending = Sending::Queued;
        }
        may
    }

    /// Its turn has come, or its quiet is over.
    pub(super) fn wake(&mut self) {
        if matches!(self.sending, Sending::Queued | Sending::Quiet) {
            self.sending = Sending::Idle;
        }
    }

    /// True when it has something to tell and nothing will make it do so.
    pub(super) fn is_stuck(&self) -> bool {
        self.news && !self.stranded && self.sending == Sending::Idle
    }

    /// Its connection is gone.
    pub(super) fn strand(&mut self) {
        self.stranded = true;
        self.force();
    }

    /// Begins the end; false when it has begun already.
    pub(super) fn finish(&mut self, reason: &'static str) -> bool {
        let first = self.ending.is_none();
        if first {
            self.ending = Some(reason);
            self.force();
        }
        first
    }

    /// The SUBSCRIBE came from here: NOTIFYs go there.
    pub(super) fn moved(&mut self, context: &mut Context, flow: FlowToken) {
        let elsewhere = !crate::location::same_flow(&self.flow, &flow);
        if elsewhere && let Sending::Outstanding(client) = self.sending {
            // What goes the old way is not waited for: its silence would say nothing about the phone.
            context.tx.abandon(client);
            self.sending = Sending::Idle;
        }
        self.flow = flow;
        self.stranded = false;
    }

    /// The phone of this binding registered from `flow`. True when it was elsewhere before and is to hear what it missed.
    pub(super) fn follow(
        &mut self,
        context: &mut Context,
        binding: &BindingKey,
        instance: Option<&str>,
        flow: FlowToken,
    ) -> bool {
        let moved = self.stranded || !crate::location::same_flow(&self.flow, &flow);
        // An instance without reg-id has another Contact on each connection; with several, any is a way to the phone
        // (RFC 5626 §5.3).
        let one_flow = matches!(binding, BindingKey::Contact(_));
        let same = self.binding.as_ref() == Some(binding)
            || (instance.is_some() && self.instance.as_deref() == instance && (one_flow || self.stranded));
        if !same || !moved {
            return false;
        }
        self.binding = Some(binding.clone());
        self.moved(context, flow);
        self.force();
        true
    }

    /// When it may be told more, if that is in the future. The first, the last and a forced one wait for nothing.
    pub(super) fn quiet_until(&mut self, now: Now) -> Option<Duration> {
        let until = self.last? + super::QUIET;
        let wait = until > now.mono && !self.forced;
        if wait {
            self.sending = Sending::Quiet;
        }
        wait.then_some(until)
    }

    /// Sends a NOTIFY, unless the document is what the phone has. True when the journal is to reserve more numbers.
    pub(super) fn notify(
        &mut self,
        context: &mut Context,
        mut document: Document,
        owner: Owner,
        now: Now,
    ) -> bool {
        let shown = document.print();
        self.news = false;
        if shown == self.shown && !self.forced {
            self.changed.clear();
            return false;
        }
        let branch = context.new_branch();
        let writer = self.dialog.request(Method::Notify, via(&self.flow, &branch));
        let writer = self.headers(context, writer, now);
        // The first NOTIFY carries version 0 (RFC 4235 §4.1).
        let version = self.dialog.local_cseq.saturating_sub(1);
        let told = document.settings.take();
        let bytes = document.write(writer, version);
        let sent = context.request(Method::Notify, &branch, bytes, self.flow, owner, now);
        self.last = Some(now.mono);
        match sent {
            Ok(client) => {
                context.counts.notified += 1;
                self.shown = shown;
                self.forced = false;
                self.changed.clear();
                (self.told, self.asked) = (told, None);
                self.sending = Sending::Outstanding(client);
            }
            Err(_) => {
                context.counts.over_limit += 1;
                self.news = true;
            }
        }
        if self.dialog.local_cseq < self.reserved {
            return false;
        }
        self.reserved = self.dialog.local_cseq.saturating_add(RESERVE);
        !self.is_ending()
    }

    fn headers(&self, context: &Context, writer: Writer, now: Now) -> Writer {
        let name = package::name(self.package);
        let writer = match &self.event_id {
            Some(id) => writer.fmt(Name::Event, format_args!("{name};id={id}")),
            None => writer.header(Name::Event, name),
        };
        let left = self.ends.saturating_sub(now.mono).as_secs();
        let writer = match self.ending {
            Some(reason) => writer.fmt(
                Name::SubscriptionState,
                format_args!("terminated;reason={reason}"),
            ),
            None => writer.fmt(Name::SubscriptionState, format_args!("active;expires={left}")),
        };
        let writer = if self.resource.is_list() {
            writer.header(Name::Require, "eventlist")
        } else {
            writer
        };
        writer
            .header(Name::Contact, &context.contact(&self.flow))
            .header(Name::UserAgent, &context.server_name)
    }

    /// The phone's answer to the NOTIFY under way; `unheard` when there is none.
    pub(super) fn answered(&mut self, code: u16, unheard: bool) -> Verdict {
        let was_last = self.is_ending() && !self.news;
        self.sending = Sending::Idle;
        if was_last {
            return Verdict::Ended;
        }
        match code {
            // The connection broke: the phone comes back, or the time runs out.
            503 if unheard && self.is_ending() => Verdict::Ended,
            503 if unheard => {
                self.strand();
                Verdict::Stays
            }
            404 | 405 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 502 | 604 => Verdict::Goes,
            _ => Verdict::Stays,
        }
    }
}
