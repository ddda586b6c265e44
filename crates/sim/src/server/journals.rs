//! What the journals of a simulated node add up to, after whatever has happened.

use super::Server;
use model::{BindingChange, BindingRecord, CallChange, CallCheckpoint, EventChange, EventRecord};
use std::collections::BTreeMap;

impl Server {
    /// What the journal of calls that are up adds up to.
    #[must_use]
    pub fn kept_calls(&self) -> Vec<CallCheckpoint> {
        let mut live = BTreeMap::new();
        for change in &self.calls {
            match change {
                CallChange::Put(call) => {
                    live.insert((call.tenant, call.call), (**call).clone());
                }
                CallChange::Remove { tenant, call } => {
                    live.remove(&(*tenant, *call));
                }
            }
        }
        live.into_values().collect()
    }

    /// The bindings that the journal adds up to.
    #[must_use]
    pub fn bindings(&self) -> Vec<BindingRecord> {
        let mut live = BTreeMap::new();
        for change in &self.journal {
            match change {
                BindingChange::Put(record) => {
                    live.insert(
                        (record.tenant, record.user, record.key.clone()),
                        (**record).clone(),
                    );
                }
                BindingChange::Remove { tenant, user, key } => {
                    live.remove(&(*tenant, *user, key.clone()));
                }
            }
        }
        live.into_values().collect()
    }

    /// What the event core's journal adds up to.
    #[must_use]
    pub fn kept_events(&self) -> Vec<EventRecord> {
        let mut live = BTreeMap::new();
        for change in &self.events {
            match change {
                EventChange::Put(record) => {
                    live.insert((record.tenant, record.key.clone()), (**record).clone());
                }
                EventChange::Remove { tenant, key } => {
                    live.remove(&(*tenant, key.clone()));
                }
            }
        }
        live.into_values().collect()
    }
}
