//! Which messages belong to which call.
//!
//! Owns: dialogs by Call-ID, calls by their record, and what is kept of them. Does not own: redaction; a trace holds what
//! crossed the network.
//!
//! An INVITE begins a dialog; other messages are kept where their dialog is known. A dialog is forgotten with its last message,
//! or, while one of its calls is up, with that call: what a long call says at its end is kept although its beginning is not.

use crate::kept::{Gone, Kept, Room};
use crate::message::{Captured, Summary, Trace};
use crate::scan;
use model::{CallId, CallLeg, CdrId, FlowToken, Now, TenantId, Wall};
use sip::Message;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Dialogs that are known at once; messages of more are not kept.
const DIALOGS: usize = 262_144;
/// A Call-ID of more octets is not known again.
const LONGEST: usize = 512;

/// A Call-ID of a tenant.
#[derive(Debug)]
struct Dialog {
    tenant: TenantId,
    call_id: Box<[u8]>,
    /// The calls that had a leg in it, the latest last.
    calls: Vec<CdrId>,
    /// The last block that mentions it.
    block: u64,
}

/// A call that has a leg in some dialog that is known.
#[derive(Debug)]
struct Call {
    number: CallId,
    dialogs: Vec<u64>,
    live: bool,
    ended: bool,
}

#[derive(Debug, Default)]
struct Tenant {
    by_call_id: HashMap<Box<[u8]>, u64>,
    calls: BTreeMap<CdrId, Call>,
}

/// The messages of the calls of some tenants.
#[derive(Debug)]
pub struct Capture {
    kept: Kept,
    tenants: BTreeMap<TenantId, Tenant>,
    dialogs: BTreeMap<u64, Dialog>,
    next: u64,
    dropped: u64,
}

impl Capture {
    /// Nothing yet.
    #[must_use]
    pub fn new(room: Room) -> Capture {
        Capture {
            kept: Kept::new(room),
            tenants: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            next: 0,
            dropped: 0,
        }
    }

    /// True where anything is kept at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.kept.room().octets > 0
    }

    /// Messages that went before their time, for there was no room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Octets in use.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.kept.used()
    }

    /// A message that a tenant has got. Gives the dialog that it belongs to, where that is one of calls.
    pub fn received(
        &mut self,
        tenant: TenantId,
        flow: &FlowToken,
        message: &Message<'_>,
        now: Now,
    ) -> Option<u64> {
        let known = self.tenants.contains_key(&tenant);
        if !self.is_on() || !(known || scan::is_invite(message.bytes())) {
            return None;
        }
        let call_id = message.call_id().ok()?.as_bytes();
        self.keep(tenant, (flow, false), call_id, message.bytes(), now)
    }

    /// A message that a tenant sends. Gives the dialog likewise.
    pub fn sent(&mut self, tenant: TenantId, flow: &FlowToken, octets: &[u8], now: Now) -> Option<u64> {
        let known = self.tenants.contains_key(&tenant);
        if !self.is_on() || !(known || scan::is_invite(octets)) {
            return None;
        }
        self.keep(tenant, (flow, true), scan::call_id(octets)?, octets, now)
    }

    fn keep(
        &mut self,
        tenant: TenantId,
        (flow, sent): (&FlowToken, bool),
        call_id: &[u8],
        octets: &[u8],
        now: Now,
    ) -> Option<u64> {
        let number = match self.number(tenant, call_id) {
            Some(number) => number,
            None if scan::is_invite(octets) => self.begin(tenant, call_id)?,
            None => return None,
        };
        self.mention(number, octets.len(), now.mono)?;
        self.kept.push(number, sent, flow, octets, now);
        Some(number)
    }

    fn number(&self, tenant: TenantId, call_id: &[u8]) -> Option<u64> {
        self.tenants.get(&tenant)?.by_call_id.get(call_id).copied()
    }

    fn begin(&mut self, tenant: TenantId, call_id: &[u8]) -> Option<u64> {
        if self.dialogs.len() >= DIALOGS || call_id.len() > LONGEST {
            self.dropped = self.dropped.saturating_add(1);
            return None;
        }
        self.next = self.next.saturating_add(1);
        let (number, call_id) = (self.next, Box::<[u8]>::from(call_id));
        let known = self.tenants.entry(tenant).or_default();
        known.by_call_id.insert(call_id.clone(), number);
        self.dialogs.insert(
            number,
            Dialog {
                tenant,
                call_id,
                calls: Vec::new(),
                block: 0,
            },
        );
        Some(number)
    }

    /// Makes place for a message of a dialog, which is known as long as the block that it goes to.
    fn mention(&mut self, number: u64, octets: usize, now: Duration) -> Option<()> {
        let mut gone = Vec::new();
        let dropped = &mut self.dropped;
        let block = self
            .kept
            .open(octets, now, &mut |over| note(over, &mut gone, dropped));
        let dialog = self.dialogs.get_mut(&number);
        let mentioned = block.zip(dialog).map(|(block, dialog)| {
            if dialog.block != block.number {
                dialog.block = block.number;
                block.dialogs.push(number);
            }
        });
        self.forget(&gone);
        if mentioned.is_none() && self.dialogs.get(&number).is_some_and(|dialog| dialog.block == 0) {
            self.forget_dialog(number);
        }
        mentioned
    }

    /// A call has a leg in this dialog from now on.
    pub fn leg(&mut self, tenant: TenantId, leg: &CallLeg, now: Now) {
        if !self.is_on() {
            return;
        }
        let call_id = leg.call_id.as_bytes();
        let number = match self.number(tenant, call_id) {
            Some(number) => number,
            None => match self.begin(tenant, call_id) {
                Some(number) => number,
                None => return,
            },
        };
        let fresh = self.dialogs.get(&number).is_some_and(|dialog| dialog.block == 0);
        if fresh && self.mention(number, 0, now.mono).is_none() {
            return;
        }
        let calls = self.tenants.get_mut(&tenant).map(|tenant| &mut tenant.calls);
        let (Some(calls), Some(dialog)) = (calls, self.dialogs.get_mut(&number)) else {
            return;
        };
        let call = calls.entry(leg.record).or_insert(Call {
            number: leg.call,
            dialogs: Vec::new(),
            live: true,
            ended: false,
        });
        // It may be one that its tenant had lost.
        call.live = !call.ended;
        if !call.dialogs.contains(&number) {
            call.dialogs.push(number);
            dialog.calls.push(leg.record);
        }
    }

    /// A call has left its record.
    pub fn ended(&mut self, tenant: TenantId, record: CdrId) {
        let call = self
            .tenants
            .get_mut(&tenant)
            .and_then(|t| t.calls.get_mut(&record));
        let Some(call) = call else { return };
        (call.live, call.ended) = (false, true);
        let dialogs = call.dialogs.clone();
        self.forget_unmentioned(&dialogs);
    }

    /// A tenant has lost its calls without records.
    pub fn lost(&mut self, tenant: TenantId) {
        let Some(known) = self.tenants.get_mut(&tenant) else {
            return;
        };
        let mut dialogs = Vec::new();
        for call in known.calls.values_mut() {
            call.live = false;
            dialogs.extend_from_slice(&call.dialogs);
        }
        self.forget_unmentioned(&dialogs);
    }

    fn forget_unmentioned(&mut self, dialogs: &[u64]) {
        let oldest = self.kept.blocks().next().map_or(u64::MAX, |block| block.number);
        let over = |number: &&u64| self.dialogs.get(number).is_some_and(|d| d.block < oldest);
        let over: Vec<u64> = dialogs.iter().filter(over).copied().collect();
        for number in over {
            self.forget_dialog(number);
        }
    }

    /// Dialogs that were last mentioned in blocks that are gone.
    fn forget(&mut self, gone: &[(u64, u64)]) {
        for (number, block) in gone {
            if self
                .dialogs
                .get(number)
                .is_some_and(|dialog| dialog.block == *block)
            {
                self.forget_dialog(*number);
            }
        }
    }

    fn forget_dialog(&mut self, number: u64) {
        let Some(dialog) = self.dialogs.get(&number) else {
            return;
        };
        let (id, calls) = (dialog.tenant, dialog.calls.clone());
        let Some(tenant) = self.tenants.get_mut(&id) else {
            return;
        };
        if calls
            .iter()
            .any(|call| tenant.calls.get(call).is_some_and(|call| call.live))
        {
            return;
        }
        for record in calls {
            let Some(call) = tenant.calls.get_mut(&record) else {
                continue;
            };
            call.dialogs.retain(|known| *known != number);
            if call.dialogs.is_empty() {
                tenant.calls.remove(&record);
            }
        }
        tenant.by_call_id.remove(&dialog.call_id);
        if tenant.by_call_id.is_empty() {
            self.tenants.remove(&id);
        }
        self.dialogs.remove(&number);
    }

    /// When something has been kept for long enough.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.kept.poll_timeout()
    }

    /// Gives up what has been kept for long enough.
    pub fn handle_timeout(&mut self, now: Duration) {
        let mut gone = Vec::new();
        let dropped = &mut self.dropped;
        self.kept.expire(now, &mut |over| note(over, &mut gone, dropped));
        self.forget(&gone);
    }

    /// The record of the latest call of a dialog: what its messages have in common with those of the other leg.
    #[must_use]
    pub fn record_of(&self, dialog: u64) -> Option<CdrId> {
        self.dialogs.get(&dialog)?.calls.last().copied()
    }

    /// What is kept of a tenant's calls, by when they began.
    #[must_use]
    pub fn list(&self, tenant: TenantId) -> Vec<Summary> {
        let Some(known) = self.tenants.get(&tenant) else {
            return Vec::new();
        };
        let calls = known.calls.iter().map(|(record, call)| Group {
            tenant,
            call: Some((call.number, *record)),
            dialogs: call.dialogs.clone(),
            live: call.live,
        });
        let alone = self
            .dialogs
            .iter()
            .filter(|(_, dialog)| dialog.tenant == tenant && dialog.calls.is_empty());
        let alone = alone.map(|(number, _)| Group {
            tenant,
            call: None,
            dialogs: vec![*number],
            live: false,
        });
        let groups: Vec<Group> = calls.chain(alone).collect();
        self.summarise(&groups)
    }

    fn summarise(&self, groups: &[Group]) -> Vec<Summary> {
        let mut by_dialog: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (index, group) in groups.iter().enumerate() {
            for number in &group.dialogs {
                by_dialog.entry(*number).or_default().push(index);
            }
        }
        let mut found: BTreeMap<usize, Summary> = BTreeMap::new();
        for (entry, octets) in self.kept.blocks().flat_map(|block| block.messages()) {
            for index in by_dialog.get(&entry.dialog).into_iter().flatten() {
                let Some(group) = groups.get(*index) else { continue };
                let first = || group.summary(self.call_ids(&group.dialogs), entry.at, octets);
                found.entry(*index).or_insert_with(first).messages += 1;
            }
        }
        let mut all: Vec<Summary> = found.into_values().collect();
        all.sort_by_key(|summary| (summary.start, summary.record));
        all
    }

    fn call_ids(&self, dialogs: &[u64]) -> Vec<String> {
        let dialogs = dialogs.iter().filter_map(|number| self.dialogs.get(number));
        dialogs
            .map(|dialog| String::from_utf8_lossy(&dialog.call_id).into_owned())
            .collect()
    }

    /// What is kept of one call. `name` is its number while it was up, the id of its record, or a Call-ID of one of its dialogs.
    #[must_use]
    pub fn trace(&self, tenant: TenantId, name: &str) -> Option<Trace> {
        let group = self.find(tenant, name)?;
        let mut messages = Vec::new();
        for (entry, octets) in self.kept.blocks().flat_map(|block| block.messages()) {
            if let Some(leg) = group.dialogs.iter().position(|number| *number == entry.dialog) {
                messages.push(Captured {
                    at: entry.at,
                    sent: entry.sent,
                    flow: entry.flow,
                    leg,
                    octets: octets.to_vec(),
                });
            }
        }
        Some(Trace {
            tenant,
            call: group.call.map(|(number, _)| number),
            record: group.call.map(|(_, record)| record),
            call_ids: self.call_ids(&group.dialogs),
            messages,
        })
    }

    fn find(&self, tenant: TenantId, name: &str) -> Option<Group> {
        let known = self.tenants.get(&tenant)?;
        let numbered = |number: CallId| {
            let with = known.calls.iter().filter(|(_, call)| call.number == number);
            // A tenant that panicked counts anew: the one that is up is meant.
            with.max_by_key(|(_, call)| (call.live, call.dialogs.last().copied()))
        };
        let by_number = name.parse().ok().map(CallId).and_then(numbered);
        let by_record = CdrId::try_from(name.to_owned()).ok();
        let by_record = by_record.and_then(|record| known.calls.get_key_value(&record));
        let dialog = known.by_call_id.get(name.as_bytes());
        let last = dialog.and_then(|number| self.dialogs.get(number)?.calls.last());
        let by_dialog = last.and_then(|record| known.calls.get_key_value(record));
        if let Some((record, call)) = by_number.or(by_record).or(by_dialog) {
            return Some(Group {
                tenant,
                call: Some((call.number, *record)),
                dialogs: call.dialogs.clone(),
                live: call.live,
            });
        }
        dialog.map(|number| Group {
            tenant,
            call: None,
            dialogs: vec![*number],
            live: false,
        })
    }

    /// Dialogs and calls that are known, for checks that nothing stays.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        let calls = self.tenants.values().map(|tenant| tenant.calls.len());
        (self.dialogs.len(), calls.sum())
    }
}

/// Notes which dialogs a block mentioned that is over.
fn note(over: &Gone<'_>, gone: &mut Vec<(u64, u64)>, dropped: &mut u64) {
    let block = over.block;
    gone.extend(block.dialogs.iter().map(|dialog| (*dialog, block.number)));
    if over.early {
        *dropped = dropped.saturating_add(u64::try_from(block.len()).unwrap_or(u64::MAX));
    }
}

/// Dialogs that are shown together.
struct Group {
    tenant: TenantId,
    call: Option<(CallId, CdrId)>,
    dialogs: Vec<u64>,
    live: bool,
}

impl Group {
    fn summary(&self, call_ids: Vec<String>, start: Wall, first: &[u8]) -> Summary {
        let message = Message::parse(first).ok();
        let user = |uri: Option<sip::Uri<'_>>| {
            let user = uri.and_then(|uri| uri.user.map(str::to_owned));
            user.unwrap_or_default()
        };
        Summary {
            tenant: self.tenant,
            call: self.call.map(|(number, _)| number),
            record: self.call.map(|(_, record)| record),
            call_ids,
            start,
            messages: 0,
            live: self.live,
            from: user(message.as_ref().and_then(Message::from_uri)),
            to: user(message.as_ref().and_then(Message::target)),
        }
    }
}
