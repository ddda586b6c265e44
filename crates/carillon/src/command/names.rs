//! Names of tenants by their ids.

use super::Desk;
use anyhow::Result;
use model::TenantId;

/// Names of tenants, for whoever reads ids.
pub(super) struct Names(Vec<(TenantId, String)>);

impl Names {
    pub(super) fn read(desk: &mut Desk) -> Result<Names> {
        let (store, operator) = desk.store()?;
        let rows = store.list_tenants(operator)?;
        Ok(Names(rows.into_iter().map(|row| (row.id, row.name)).collect()))
    }

    pub(super) fn of(&self, tenant: TenantId) -> String {
        let found = self.0.binary_search_by_key(&tenant, |(id, _)| *id).ok();
        found
            .and_then(|at| self.0.get(at))
            .map_or_else(|| tenant.to_string(), |(_, name)| name.clone())
    }
}
