//! What a call costs by each trunk.
//!
//! Owns: the tables of the carriers' price lists. Does not own: what the tenant pays (`tenancy::toll`).

use model::{Money, Prefix, TenantConfig, TrunkId, Wall};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tenancy::RateTable;

/// Carriers are compared by what a call of this length costs: fees for the connection and long first increments count.
const COMPARED: Duration = Duration::from_secs(180);

/// Of all trunks that have a list.
#[derive(Debug, Default)]
pub(crate) struct Costs(BTreeMap<TrunkId, Arc<RateTable>>);

impl Costs {
    /// Those of this configuration; tables whose list is the same are kept.
    pub(crate) fn renewed(&self, config: &TenantConfig) -> Costs {
        let costs = config.costs().iter();
        let tables = costs.filter_map(|(trunk, list)| {
            let table = table_of(list, self.0.get(trunk))?;
            Some((*trunk, table))
        });
        Costs(tables.collect())
    }

    /// What a call of some minutes costs; `None` where nobody knows.
    pub(crate) fn of(&self, trunk: TrunkId, number: Prefix, at: Wall) -> Option<Money> {
        let rate = self.0.get(&trunk)?.rate(number, at)?;
        Some(rate.amount(COMPARED))
    }
}

/// The table of a price list; `old` where it is that. A list that is none, which nothing stores, counts as if there were none.
pub(crate) fn table_of(list: &Arc<model::RateDraft>, old: Option<&Arc<RateTable>>) -> Option<Arc<RateTable>> {
    match old.filter(|old| Arc::ptr_eq(old.list(), list)) {
        Some(old) => Some(Arc::clone(old)),
        None => RateTable::of(Arc::clone(list)).ok().map(Arc::new),
    }
}
