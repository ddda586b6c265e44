//! What limits on calls to the outside have counted, over restarts. Nobody's configuration: no version rises.

use crate::open::{sql, unsql};
use crate::{Store, StoreError};
use model::{TenantId, TollCheckpoint};
use std::collections::BTreeMap;

impl Store {
    /// Keeps these in one transaction, each in place of what was kept of its tenant. One of a tenant that is gone is left out.
    ///
    /// # Errors
    /// The database is locked, full or broken; then none is kept.
    pub fn keep_counted(&mut self, counted: &BTreeMap<TenantId, TollCheckpoint>) -> Result<(), StoreError> {
        self.write(async |db, _| {
            for (tenant, state) in counted {
                let state = serde_json::to_string(state).map_err(|e| StoreError::Database(e.to_string()))?;
                sqlx::query(
                    "INSERT INTO counted (tenant, state) SELECT id, ?2 FROM tenant WHERE id = ?1
                     ON CONFLICT (tenant) DO UPDATE SET state = ?2",
                )
                .bind(sql(tenant.0))
                .bind(state)
                .execute(&mut *db)
                .await?;
            }
            Ok(())
        })
    }

    /// What was kept of all tenants, or of one. A row that can't be read, for foreign hands have altered it, counts as none: the
    /// tenant's calls are worth more than its count.
    ///
    /// # Errors
    /// The database failed.
    pub fn counted(
        &mut self,
        only: Option<TenantId>,
    ) -> Result<BTreeMap<TenantId, TollCheckpoint>, StoreError> {
        let only = only.map(|tenant| sql(tenant.0));
        let rows: Vec<(i64, String)> = self.read(async |db, _| {
            Ok(
                sqlx::query_as("SELECT tenant, state FROM counted WHERE ?1 IS NULL OR tenant = ?1")
                    .bind(only)
                    .fetch_all(db)
                    .await?,
            )
        })?;
        let mut counted = BTreeMap::new();
        for (tenant, state) in rows {
            let tenant = TenantId(unsql(tenant));
            match serde_json::from_str(&state) {
                Ok(state) => drop(counted.insert(tenant, state)),
                Err(error) => {
                    tracing::error!(%tenant, "what limits have counted is damaged, they begin anew: {error}");
                }
            }
        }
        Ok(counted)
    }
}
