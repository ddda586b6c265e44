//! The tenants of one worker: brought to life when first needed, driven one input at a time, and put back
//! on their feet when one of them panics.
//!
//! Owns: configuration snapshots of its tenants, their deadlines, the wall around a panic. Does not own:
//! what becomes of the effects.

use crate::deadline::Deadlines;
use crate::shared::{Remembered, Totals, random32};
use model::{Counts, Now, TenantConfig, TenantId, TrunkView};
use pbx::{Effect, Input, Setup, Tenant};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tenancy::Directory;

/// The next deadline is at least so far away: a tenant that does not move on can't keep its worker busy.
const GRANULE: Duration = Duration::from_millis(1);

/// A tenant that panics twice within this comes back without its calls.
const SHAKY: Duration = Duration::from_secs(60);

/// One tenant.
struct Slot {
    config: Arc<TenantConfig>,
    /// `None` until the first input, and while its bindings are read back after a panic.
    tenant: Option<Box<Tenant>>,
    armed: Option<Duration>,
    recovering: bool,
    /// Which owner of the tenant `tenant` is: each has a higher number, also after a restart of the process.
    epoch: u64,
    /// When it panicked last, and the time before.
    panics: Option<(Duration, Option<Duration>)>,
    /// Deleted: gone as soon as nothing of it is left.
    removed: bool,
    #[cfg(test)]
    fault: bool,
}

/// What came of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The effects are in the list.
    Done,
    /// No such tenant here.
    Unknown,
    /// It is being put back together; the input is lost.
    Recovering,
    /// It panicked now. Its sessions must be closed and its bindings read back.
    Panicked,
}

/// The tenants of a worker.
pub(crate) struct Tenants {
    slots: HashMap<TenantId, Slot>,
    deadlines: Deadlines<TenantId>,
    /// Whose numbers and domains are.
    directory: Arc<Directory>,
    setup: Setup,
    draining: bool,
    /// Slots marked as removed.
    removed: usize,
    /// Outcomes of tenants that are no more.
    past: Counts,
}

impl Tenants {
    /// Nobody yet. The seed in `setup` is replaced for each tenant.
    pub(crate) fn new(setup: Setup) -> Tenants {
        Tenants {
            slots: HashMap::new(),
            deadlines: Deadlines::new(),
            directory: Arc::default(),
            setup,
            draining: false,
            removed: 0,
            past: Counts::default(),
        }
    }

    /// Numbers and domains belong so from now on.
    pub(crate) fn know(&mut self, directory: &Arc<Directory>) {
        if !Arc::ptr_eq(&self.directory, directory) {
            self.directory = Arc::clone(directory);
        }
    }

    /// Takes a newer configuration.
    pub(crate) fn configure(
        &mut self,
        config: Arc<TenantConfig>,
        now: Now,
        out: &mut Vec<Effect>,
    ) -> Outcome {
        let id = config.id();
        match self.slots.get_mut(&id) {
            None => {
                self.slots.insert(id, Slot::new(config));
                self.wake(id, now, out)
            }
            Some(slot) => {
                slot.config = Arc::clone(&config);
                self.removed -= usize::from(std::mem::take(&mut slot.removed));
                if slot.tenant.is_none() {
                    return self.wake(id, now, out);
                }
                self.handle(id, Input::Config(config), now, out)
            }
        }
    }

    /// Brings a tenant to life that has something to do before anybody calls: its trunks register.
    fn wake(&mut self, id: TenantId, now: Now, out: &mut Vec<Effect>) -> Outcome {
        let slot = self.slots.get(&id);
        let mut trunks = slot.iter().flat_map(|slot| slot.config.trunks());
        let has_trunks = trunks.any(|trunk| trunk.draft.enabled);
        match has_trunks {
            true => self.handle(id, Input::Timeout, now, out),
            false => Outcome::Done,
        }
    }

    /// Puts back what the journals kept. Brings its tenant to life.
    pub(crate) fn restore(&mut self, id: TenantId, records: Remembered, now: Now) {
        let Tenants {
            slots,
            setup,
            draining,
            deadlines,
            ..
        } = self;
        let Some(slot) = slots.get_mut(&id) else { return };
        slot.recovering = false;
        // What made it panic again so soon may be one of its calls.
        let shaky = slot
            .panics
            .is_some_and(|(_, before)| before.is_some_and(|at| now.mono < at + SHAKY));
        let Some(tenant) = slot.tenant(setup, *draining, now) else {
            return;
        };
        let restored = catch_unwind(AssertUnwindSafe(|| {
            for record in records.bindings {
                tenant.restore(record, now);
            }
            for record in records.events {
                tenant.restore_event(record, now);
            }
            if let Some(counted) = records.counted.get(&id) {
                tenant.restore_count(counted, now);
            }
            for call in records.calls {
                match shaky {
                    false => tenant.restore_call(call, now),
                    true => tenant.lose_call(call),
                }
            }
            tenant.restored(now);
            tenant.poll_timeout()
        }));
        match restored {
            Ok(wanted) => deadlines.arm(id, &mut slot.armed, later(wanted, now)),
            Err(_) => slot.tenant = None,
        }
    }

    /// The configuration that a tenant has, alive or not.
    pub(crate) fn config(&self, id: TenantId) -> Option<&Arc<TenantConfig>> {
        self.slots.get(&id).map(|slot| &slot.config)
    }

    /// Which owner of a tenant its value is; media sessions know their owner by it.
    pub(crate) fn epoch(&self, id: TenantId) -> u64 {
        self.slots.get(&id).map_or(0, |slot| slot.epoch)
    }

    /// Hands one input to one tenant.
    pub(crate) fn handle(
        &mut self,
        id: TenantId,
        input: Input<'_>,
        now: Now,
        out: &mut Vec<Effect>,
    ) -> Outcome {
        let Tenants {
            slots,
            setup,
            draining,
            deadlines,
            directory,
            past,
            ..
        } = self;
        let Some(slot) = slots.get_mut(&id) else {
            return Outcome::Unknown;
        };
        if slot.recovering {
            return Outcome::Recovering;
        }
        #[cfg(test)]
        let fault = std::mem::take(&mut slot.fault);
        #[cfg(not(test))]
        let fault = false;
        let before = out.len();
        let Some(tenant) = slot.tenant(setup, *draining, now) else {
            return Outcome::Recovering;
        };
        let result = catch_unwind(AssertUnwindSafe(|| {
            assert!(!fault, "a fault for the test");
            tenant.set_directory(directory);
            tenant.handle(input, now, out);
            tenant.poll_timeout()
        }));
        if let Ok(wanted) = result {
            deadlines.arm(id, &mut slot.armed, later(wanted, now));
            return Outcome::Done;
        }
        out.truncate(before);
        let counted = slot
            .tenant
            .take()
            .map(|t| catch_unwind(AssertUnwindSafe(|| t.counts())));
        if let Some(Ok(counts)) = counted {
            past.add(&counts);
        }
        slot.armed = None;
        slot.recovering = true;
        slot.panics = Some((now.mono, slot.panics.map(|(last, _)| last)));
        Outcome::Panicked
    }

    /// Asks a living tenant something that may have effects.
    pub(crate) fn with<T>(
        &mut self,
        id: TenantId,
        now: Now,
        ask: impl FnOnce(&mut Tenant) -> T,
    ) -> Option<T> {
        let Tenants { slots, deadlines, .. } = self;
        let slot = slots.get_mut(&id)?;
        let tenant = slot.tenant.as_deref_mut()?;
        let result = catch_unwind(AssertUnwindSafe(|| (ask(tenant), tenant.poll_timeout())));
        let (answer, wanted) = result.ok()?;
        deadlines.arm(id, &mut slot.armed, later(wanted, now));
        Some(answer)
    }

    /// The next moment at which a tenant may want to be asked.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.next()
    }

    /// One tenant whose deadline has passed; call until `None`, and hand it `Input::Timeout`.
    pub(crate) fn expired(&mut self, now: Duration) -> Option<TenantId> {
        while let Some((at, id)) = self.deadlines.pop(now) {
            let Some(slot) = self.slots.get_mut(&id) else {
                continue;
            };
            if slot.armed != Some(at) {
                continue;
            }
            slot.armed = None;
            let wanted = slot.tenant.as_ref().and_then(|t| t.poll_timeout());
            if wanted.is_some_and(|w| w <= now) {
                return Some(id);
            }
            self.deadlines.arm(id, &mut slot.armed, wanted);
        }
        None
    }

    /// Every tenant that is alive, in order.
    pub(crate) fn living(&self) -> Vec<TenantId> {
        let alive = self.slots.iter().filter(|(_, slot)| slot.tenant.is_some());
        let mut ids: Vec<TenantId> = alive.map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }

    /// New tenants refuse calls from now on; living ones get [`Input::Drain`] from the caller.
    pub(crate) fn drain(&mut self) {
        self.draining = true;
    }

    /// Those that come to life from now on believe these authorities.
    pub(crate) fn trust(&mut self, authorities: Arc<stir::Anchors>) {
        self.setup.authorities = authorities;
    }

    /// Notes that a tenant is deleted; [`Tenants::sweep`] lets it go.
    pub(crate) fn remove(&mut self, id: TenantId) {
        if let Some(slot) = self.slots.get_mut(&id) {
            self.removed += usize::from(!std::mem::replace(&mut slot.removed, true));
        }
    }

    /// True while a deleted tenant waits for its last calls and transactions to end.
    pub(crate) fn any_removed(&self) -> bool {
        self.removed > 0
    }

    /// Lets deleted tenants go that have nothing left to do.
    pub(crate) fn sweep(&mut self) {
        let (past, removed) = (&mut self.past, &mut self.removed);
        self.slots.retain(|_, slot| {
            let idle = slot.tenant.as_ref().is_none_or(|t| t.is_idle());
            let gone = slot.removed && idle;
            if let (true, Some(tenant)) = (gone, &slot.tenant) {
                past.add(&tenant.counts());
            }
            *removed -= usize::from(gone);
            !gone
        });
    }

    /// Sums over the living.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals {
            counts: self.past,
            ..Totals::default()
        };
        for tenant in self.slots.values().filter_map(|s| s.tenant.as_ref()) {
            let held = tenant.held();
            totals.counts.add(&tenant.counts());
            totals.calls += held.calls;
            totals.transactions += held.transactions;
            totals.subscriptions += held.subscriptions;
            totals.registrations += tenant.bindings();
            totals.tenants += 1;
        }
        totals
    }

    /// Every trunk of the living, with the name of its tenant.
    pub(crate) fn trunks(&self, now: Now) -> Vec<(Box<str>, TrunkView)> {
        let mut all = Vec::new();
        for slot in self
            .slots
            .values()
            .filter(|slot| !slot.config.trunks().is_empty())
        {
            let views = slot.tenant.as_ref().map(|tenant| tenant.trunks(now));
            let name = slot.config.name();
            all.extend(views.into_iter().flatten().map(|view| (name.into(), view)));
        }
        all
    }

    /// Makes the tenant's next input panic.
    #[cfg(test)]
    pub(crate) fn fault(&mut self, id: TenantId) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.fault = true;
        }
    }
}

fn later(wanted: Option<Duration>, now: Now) -> Option<Duration> {
    wanted.map(|at| at.max(now.mono + GRANULE))
}

impl Slot {
    fn new(config: Arc<TenantConfig>) -> Slot {
        Slot {
            config,
            tenant: None,
            armed: None,
            recovering: false,
            epoch: 0,
            panics: None,
            removed: false,
            #[cfg(test)]
            fault: false,
        }
    }

    /// The living tenant; made when there is none yet. `None` when that fails.
    fn tenant(&mut self, setup: &Setup, draining: bool, now: Now) -> Option<&mut Tenant> {
        if self.tenant.is_none() {
            let setup = Setup {
                seed: random32().ok()?,
                ..setup.clone()
            };
            let config = Arc::clone(&self.config);
            let made = catch_unwind(AssertUnwindSafe(|| {
                let mut tenant = Box::new(Tenant::new(config, &setup, now));
                if draining {
                    tenant.handle(Input::Drain, now, &mut Vec::new());
                }
                tenant
            }));
            self.epoch = now.wall.0.max(self.epoch.saturating_add(1));
            self.tenant = made.ok();
        }
        self.tenant.as_deref_mut()
    }
}
