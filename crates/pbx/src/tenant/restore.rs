//! Calls of an earlier life of the process, or of a tenant that panicked.

use super::Tenant;
use crate::call::Call;
use crate::effect::Effect;
use model::{CallChange, CallCheckpoint, Now, TollCheckpoint};

impl Tenant {
    /// Limits on calls to the outside go on from what was kept of them; before the calls, which go on counting.
    pub fn restore_count(&mut self, kept: &TollCheckpoint, now: Now) {
        self.context.restore_meter(kept, now);
    }

    /// Every call that is to come back is there: what was counted for others is over.
    pub fn restored(&mut self, now: Now) {
        let calls = &self.calls;
        let is_known = |ticket| calls.values().any(|call| call.has_ticket(ticket));
        self.context.meter.end_unless(is_known, now);
    }

    /// Puts back a call that the journal kept, after the bindings. Phones with datagrams are reachable at once, those on
    /// connections when they register again or speak. Each is asked soon whether it still knows of the call.
    pub fn restore_call(&mut self, kept: CallCheckpoint, now: Now) {
        let Ok(number) = u32::try_from(kept.call.0) else {
            return self.lose_call(kept);
        };
        if kept.tenant != self.context.config.id() || self.calls.contains_key(&kept.call) {
            return self.lose_call(kept);
        }
        self.next_call = self.next_call.max(number);
        self.context.counts.calls_restored += 1;
        self.context.live = self.context.live.saturating_add(1);
        let nth = u64::try_from(self.calls.len()).unwrap_or(u64::MAX);
        let call = Call::revive(&mut self.context, kept, nth, now);
        self.keep(call);
    }

    /// Ends a call that the journal kept and that is not to come back: it leaves its record.
    pub fn lose_call(&mut self, kept: CallCheckpoint) {
        let mut record = Box::new(kept.record);
        record.path.push("lost in a restart".to_owned());
        self.context.counts.calls_restored += 1;
        self.context.counts.calls_lost += 1;
        let (tenant, call) = (kept.tenant, kept.call);
        self.context.out.push(Effect::Cdr(record));
        self.context
            .out
            .push(Effect::Call(CallChange::Remove { tenant, call }));
    }
}
