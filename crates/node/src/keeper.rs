//! The keeper: one thread between the store and everybody else.
//!
//! Owns: the database connections. Brings changes of the configuration to the workers, and those that phones made into
//! it; carries call records from the spool into the database, makes the journals durable, compacts them, watches the
//! certificate. Nothing that a call does waits for any of this: the database may be away for hours.

use crate::shared::{KeeperItem, Remembered, Shared, Sure};
use model::{SettingsChange, TenantConfig, TenantId, UserId, Wall};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;
use store::{BindingJournal, CallJournal, CdrSpool, EventJournal, JournalError, Options, Store, StoreError};
use tenancy::{Directory, Operator};

/// Between two looks for changes: the next call within a second must see one.
const REFRESH: Duration = Duration::from_millis(250);
/// Between two drains of the spool.
const DRAIN: Duration = Duration::from_millis(200);
/// Between two syncs of the journals: what a power cut may take (a kill takes nothing).
const SYNC: Duration = Duration::from_secs(1);
/// Between two looks whether the binding journal has grown.
const COMPACT: Duration = Duration::from_secs(10);
/// Between two looks for sounds that nobody can hear any more.
const CLEAR: Duration = Duration::from_secs(3_600);
/// Longest pause after failures.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Between two looks for settings that phones changed.
const KEEP: Duration = Duration::from_millis(250);
/// Soonest after the last of them when one is told of: a key that is pressed again and again costs no more than this often.
const KEEP_AGAIN: Duration = Duration::from_millis(50);
/// Between two writings of what limits on calls to the outside have counted.
const COUNT: Duration = Duration::from_secs(1);
/// How long a drain waits for the database. Short: it is tried again, and other duties wait meanwhile.
const SHORT_BUSY: Duration = Duration::from_millis(100);

/// Something done at intervals; after failures at growing ones, with one warning.
struct Duty {
    interval: Duration,
    due: Duration,
    pause: Option<Duration>,
}

impl Duty {
    fn new(interval: Duration) -> Duty {
        Duty {
            interval,
            due: Duration::ZERO,
            pause: None,
        }
    }

    fn is_due(&self, now: Duration) -> bool {
        now >= self.due
    }

    /// Plans the next time by the outcome of this one.
    fn done<E: std::fmt::Display>(&mut self, now: Duration, what: &str, outcome: Result<(), E>) {
        match outcome {
            Ok(()) => {
                if self.pause.take().is_some() {
                    tracing::info!("{what}: works again");
                }
                self.due = now + self.interval;
            }
            Err(error) => {
                if self.pause.is_none() {
                    tracing::warn!("{what}: {error}; calls go on, trying again");
                }
                let pause = self.pause.map_or(self.interval, |p| p * 2).min(PAUSE_MAX);
                self.pause = Some(pause);
                self.due = now + pause;
            }
        }
    }
}

/// The thread's state.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    store: Store,
    /// Its own connection, which waits less long for a lock.
    drainer: Option<Store>,
    /// What phones changed and is not written yet, one entry per user.
    wished: BTreeMap<(TenantId, UserId), SettingsChange>,
    /// What is written, and whose owner has not been told so.
    written: Vec<SettingsChange>,
    /// When something was written last.
    written_at: Duration,
    bindings: BindingJournal,
    events: EventJournal,
    calls: CallJournal,
    spool: CdrSpool,
    /// The configuration's global counter at the last look.
    counter: u64,
    refresh: Duty,
    drain: Duty,
    sync: Duty,
    compact: Duty,
    keep: Duty,
    clear: Duty,
    count: Duty,
}

impl Keeper {
    /// Takes over the store. `counter` was read before the configuration that the workers started with.
    pub(crate) fn new(
        shared: Arc<Shared>,
        store: Store,
        (bindings, events, calls): (BindingJournal, EventJournal, CallJournal),
        spool: CdrSpool,
        counter: u64,
    ) -> Keeper {
        Keeper {
            shared,
            store,
            drainer: None,
            wished: BTreeMap::new(),
            written: Vec::new(),
            written_at: Duration::ZERO,
            bindings,
            events,
            calls,
            spool,
            counter,
            refresh: Duty::new(REFRESH),
            drain: Duty::new(DRAIN),
            sync: Duty::new(SYNC),
            compact: Duty::new(COMPACT),
            keep: Duty::new(KEEP),
            clear: Duty::new(CLEAR),
            count: Duty::new(COUNT),
        }
    }

    /// Works until told to stop.
    pub(crate) fn run(&mut self, items: &Receiver<KeeperItem>) {
        loop {
            self.duties();
            let now = self.shared.clock.mono();
            let duties = [
                &self.refresh,
                &self.drain,
                &self.sync,
                &self.compact,
                &self.keep,
                &self.clear,
                &self.count,
            ];
            let next = duties.map(|d| d.due).into_iter().min();
            let pause = next.map_or(REFRESH, |at| at.saturating_sub(now));
            match items.recv_timeout(pause) {
                Ok(KeeperItem::Recover(tenant)) => self.recover(tenant),
                Ok(KeeperItem::Refresh) => self.refresh.due = Duration::ZERO,
                // While the database is away its pause counts.
                Ok(KeeperItem::Settings) if self.keep.pause.is_some() => {}
                Ok(KeeperItem::Settings) => {
                    self.keep.due = self.keep.due.min(self.written_at + KEEP_AGAIN);
                }
                Ok(KeeperItem::Stop) | Err(RecvTimeoutError::Disconnected) => return self.finish(),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Closes the database and waits for it.
    pub(crate) fn close(self) {
        for store in self.drainer.into_iter().chain([self.store]) {
            if let Err(error) = store.close() {
                tracing::error!("the database was not closed cleanly: {error}");
            }
        }
    }

    fn duties(&mut self) {
        let now = self.shared.clock.now();
        if self.keep.is_due(now.mono) {
            let outcome = self.keep_settings();
            self.keep.done(now.mono, "storing settings of phones", outcome);
        }
        if self.refresh.is_due(now.mono) {
            let outcome = self.look_for_changes();
            self.refresh.done(now.mono, "reading the configuration", outcome);
        }
        if self.drain.is_due(now.mono) {
            let outcome = self.drain_records();
            self.drain.done(now.mono, "storing call records", outcome);
        }
        if self.sync.is_due(now.mono) {
            let outcome = self.sync_journals();
            self.sync.done(now.mono, "syncing the journals", outcome);
            if let Some(tls) = &self.shared.tls {
                tls.watch();
            }
            self.shared.trust.watch();
            if let Some(authorities) = self.shared.vouching.authorities.watch() {
                for inbox in &self.shared.sessions {
                    inbox.send(Sure::Authorities(Arc::clone(&authorities)));
                }
            }
        }
        if self.compact.is_due(now.mono) {
            let bindings = self.bindings.compact_if_large().map(drop);
            let events = self.events.compact_if_large().map(drop);
            let outcome = bindings.and(events).and(self.calls.compact_if_large().map(drop));
            self.compact.done(now.mono, "compacting the journals", outcome);
        }
        if self.count.is_due(now.mono) {
            let outcome = self.keep_counted();
            self.count
                .done(now.mono, "storing what limits have counted", outcome);
        }
        if self.clear.is_due(now.mono) {
            let store = impatient(&mut self.drainer, &self.store);
            let outcome = store.and_then(|store| store.clear_sounds(now.wall).map(drop));
            self.clear
                .done(now.mono, "deleting sounds that were taken away", outcome);
        }
    }

    fn look_for_changes(&mut self) -> Result<(), StoreError> {
        let (counter, changed) = self.store.changes_since(self.counter)?;
        if !changed.is_empty() {
            self.publish(&changed)?;
        }
        self.counter = counter;
        Ok(())
    }

    /// Configurations go to their owners before the directory names them, so that no message arrives at
    /// an owner that has never heard of its tenant; removals the other way round.
    fn publish(&mut self, changed: &[TenantId]) -> Result<(), StoreError> {
        let directory = self.store.directory()?;
        let mut gone = Vec::new();
        for tenant in changed {
            match self.load(&directory, *tenant) {
                Ok(Some(config)) => {
                    let room = config.policy().recording_mb;
                    self.shared.spool.set_room(*tenant, room);
                    self.tell(*tenant, Sure::Config(Arc::new(config)));
                }
                Ok(None) => gone.push(*tenant),
                Err(error @ (StoreError::Damaged { .. } | StoreError::SecretDamaged { .. })) => {
                    tracing::error!(%tenant, "configuration not taken, the old one stays: {error}");
                }
                Err(error) => return Err(error),
            }
        }
        self.shared.directory.store(Arc::new(directory));
        for tenant in gone {
            self.tell(tenant, Sure::Removed(tenant));
        }
        Ok(())
    }

    fn load(&mut self, directory: &Directory, tenant: TenantId) -> Result<Option<TenantConfig>, StoreError> {
        let Some(scope) = Operator::local().scope(directory, tenant) else {
            return Ok(None);
        };
        match self.store.load(&scope) {
            Ok(config) => Ok(Some(config)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn tell(&self, tenant: TenantId, item: Sure) {
        if let Some(inbox) = self.shared.owner_inbox(tenant) {
            inbox.send(item);
        }
    }

    /// Stores recordings that have ended; what can't be stored now is tried again.
    fn keep_recordings(&mut self) -> Result<(), StoreError> {
        let records = self.shared.spool.take_finished();
        if records.is_empty() {
            return Ok(());
        }
        let stored =
            impatient(&mut self.drainer, &self.store).and_then(|store| store.insert_recordings(&records));
        match stored {
            Ok(()) => records
                .iter()
                .for_each(|record| self.shared.spool.forget(record.id)),
            Err(_) => self.shared.spool.give_back(records),
        }
        stored
    }

    /// Stores what limits on calls to the outside have counted; what can't be stored now is tried again.
    fn keep_counted(&mut self) -> Result<(), StoreError> {
        let counted = self.shared.counted.take();
        if counted.is_empty() {
            return Ok(());
        }
        let stored = impatient(&mut self.drainer, &self.store).and_then(|store| store.keep_counted(&counted));
        if stored.is_err() {
            self.shared.counted.give_back(counted);
        }
        stored
    }

    fn drain_records(&mut self) -> Result<(), StoreError> {
        self.keep_recordings()?;
        if self.spool.is_drained() {
            return Ok(());
        }
        let drainer = impatient(&mut self.drainer, &self.store)?;
        let drained = self.spool.drain(drainer)?;
        for path in drained.damaged {
            tracing::error!(path = %path.display(), "part of a call record file is damaged and set aside");
        }
        Ok(())
    }

    /// Writes what phones changed, sends the configuration with it, and then tells the owners. What can't be written now is
    /// tried again; what never can is told as well, so that the phone goes back to what is.
    fn keep_settings(&mut self) -> Result<(), StoreError> {
        self.wished.append(&mut self.shared.wishes.take());
        if self.wished.is_empty() && self.written.is_empty() {
            return Ok(());
        }
        self.written_at = self.shared.clock.mono();
        let directory = self.shared.directory.load_full();
        while let Some((key, wish)) = self.wished.pop_first() {
            let (tenant, user) = key;
            let Some(scope) = Operator::local().scope(&directory, tenant) else {
                self.settings_kept(&wish);
                continue;
            };
            let store = impatient(&mut self.drainer, &self.store)?;
            match store.update_settings(&scope, user, &wish.change) {
                Ok(_) => self.written.push(wish),
                Err(error @ (StoreError::NotFound { .. } | StoreError::Invalid { .. })) => {
                    tracing::debug!(%tenant, %user, "settings not kept: {error}");
                    self.settings_kept(&wish);
                }
                Err(error) => {
                    self.wished.insert(key, wish);
                    return Err(error);
                }
            }
        }
        self.look_for_changes()?;
        for wish in std::mem::take(&mut self.written) {
            self.settings_kept(&wish);
        }
        Ok(())
    }

    fn settings_kept(&self, wish: &SettingsChange) {
        self.tell(wish.tenant, Sure::SettingsKept(wish.tenant, wish.user, wish.id));
    }

    /// Answers always, with nothing when the journal can't be read: phones register again.
    fn recover(&mut self, tenant: TenantId) {
        let now: Wall = self.shared.clock.now().wall;
        let live = self.bindings.live(now).unwrap_or_else(|error| {
            tracing::error!(%tenant, "bindings not recovered, phones will register again: {error}");
            Vec::new()
        });
        let kept = self.events.live(now).unwrap_or_else(|error| {
            tracing::error!(%tenant, "subscriptions not recovered, phones will subscribe again: {error}");
            Vec::new()
        });
        let up = self.calls.live(now).unwrap_or_else(|error| {
            tracing::error!(%tenant, "calls not recovered, they are lost with their records: {error}");
            Vec::new()
        });
        let counted = self
            .keep_counted()
            .and_then(|()| self.store.counted(Some(tenant)));
        let counted = counted.unwrap_or_else(|error| {
            tracing::error!(%tenant, "what limits have counted is not recovered, they begin anew: {error}");
            BTreeMap::new()
        });
        let own = Remembered {
            counted,
            calls: up.into_iter().filter(|c| c.tenant == tenant).collect(),
            bindings: live.into_iter().filter(|b| b.tenant == tenant).collect(),
            events: kept.into_iter().filter(|e| e.tenant == tenant).collect(),
        };
        self.tell(tenant, Sure::Recovered(tenant, own));
    }

    fn sync_journals(&self) -> Result<(), JournalError> {
        let live = self.bindings.sync().and_then(|()| self.events.sync());
        live.and_then(|()| self.calls.sync())
            .and_then(|()| self.spool.sync())
    }

    fn finish(&mut self) {
        if let Err(error) = self.sync_journals() {
            tracing::error!("journals not synced at the end: {error}");
        }
        if let Err(error) = self.keep_settings() {
            tracing::error!("settings that phones changed in the last moment are lost: {error}");
        }
        if let Err(error) = self.keep_counted() {
            tracing::error!("what limits counted in the last moment is lost: {error}");
        }
        if let Err(error) = self.drain_records() {
            tracing::warn!("call records stay in the spool until the next start: {error}");
        }
    }
}

/// A connection that does not wait long for the database, opened when it is first needed.
fn impatient<'a>(place: &'a mut Option<Store>, beside: &Store) -> Result<&'a mut Store, StoreError> {
    let store = match place.take() {
        Some(store) => store,
        None => {
            let options = Options {
                busy_timeout: SHORT_BUSY,
                exclusive: false,
            };
            Store::open_with(beside.dir(), options)?
        }
    };
    Ok(place.insert(store))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_duty_waits_longer_each_time_and_recovers_at_once() {
        let mut duty = Duty::new(DRAIN);
        let mut now = Duration::from_secs(1);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            assert!(duty.is_due(now));
            duty.done(now, "the test", Err("away"));
            pauses.push((duty.due - now).as_millis());
            now = duty.due;
        }
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
        duty.done(now, "the test", Ok::<(), &str>(()));
        assert_eq!(duty.due - now, DRAIN);
    }
}
