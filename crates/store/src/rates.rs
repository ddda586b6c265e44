//! Price lists: what calls of a tenant to the outside cost.
//!
//! A list may have hundreds of thousands of rows, so a store that has read one keeps it: a change of the configuration that leaves
//! the list alone neither reads nor parses it again, and shares it with the configuration before.

use crate::open::{KnownRates, sql, unsql};
use crate::tenant::{currency_of, policy_from};
use crate::user::existed;
use crate::{Store, StoreError, check};
use model::{Currency, RateDraft, TenantId, Wall};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;
use std::sync::Arc;
use tenancy::{RateTable, Scope};

/// What commands say of a price list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatesRow {
    /// Of all its amounts.
    pub currency: Currency,
    /// How many rows it has.
    pub rows: u64,
    /// Where it came from: the name of a file.
    pub source: String,
    /// When it was stored.
    pub set: Wall,
}

/// A row: tenant, id, and the list unless it is known.
pub(crate) type Columns = (i64, i64, Option<String>);

impl Store {
    /// Gives a tenant this price list, in place of one that it has. `source` says where it came from.
    ///
    /// # Errors
    /// The tenant's limits are in another currency.
    pub fn set_rates(
        &mut self,
        scope: &Scope,
        table: &RateTable,
        source: &str,
        at: Wall,
    ) -> Result<(), StoreError> {
        check::name("source", source, true)?;
        let tenant = scope.tenant();
        let list = &**table.list();
        let text = serde_json::to_string(list).map_err(|e| StoreError::Database(e.to_string()))?;
        self.change(scope, async |db, _| {
            let policy: String = sqlx::query_scalar("SELECT policy FROM tenant WHERE id = ?1")
                .bind(sql(tenant.0))
                .fetch_one(&mut *db)
                .await?;
            let limits = policy_from(sql(tenant.0), &policy)?.toll.currency;
            if limits.is_some_and(|limits| limits != list.currency) {
                return Err(check::invalid(
                    "currency of the price list",
                    &list.currency.to_string(),
                    "is not that of the tenant's limits; carillon toll set TENANT currency=… changes those",
                ));
            }
            // Not an update: what has changed has another id.
            forget(db, tenant).await?;
            sqlx::query(
                "INSERT INTO rates (tenant, currency, rows, source, set_ms, list) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .bind(sql(tenant.0))
            .bind(list.currency.to_string())
            .bind(i64::try_from(list.rows.len()).unwrap_or(i64::MAX))
            .bind(source)
            .bind(sql(at.0))
            .bind(text)
            .execute(db)
            .await?;
            Ok(())
        })
    }

    /// What is known of the tenant's price list; `None` without one.
    ///
    /// # Errors
    /// The database failed, or the row was altered by foreign hands.
    pub fn rates(&mut self, scope: &Scope) -> Result<Option<RatesRow>, StoreError> {
        let tenant = scope.tenant();
        let row: Option<(String, i64, String, i64)> = self.read(async |db, _| {
            Ok(
                sqlx::query_as("SELECT currency, rows, source, set_ms FROM rates WHERE tenant = ?1")
                    .bind(sql(tenant.0))
                    .fetch_optional(db)
                    .await?,
            )
        })?;
        row.map(|(currency, rows, source, set)| {
            Ok(RatesRow {
                currency: currency_of(tenant, &currency)?,
                rows: unsql(rows),
                source,
                set: Wall(unsql(set)),
            })
        })
        .transpose()
    }

    /// Takes the price list away: calls cost nothing then, and limits on money never hold.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_rates(&mut self, scope: &Scope) -> Result<(), StoreError> {
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            let gone = forget(db, tenant).await?;
            existed(gone, "price list of tenant", tenant)
        })
    }
}

async fn forget(db: &mut SqliteConnection, tenant: TenantId) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM rates WHERE tenant = ?1")
        .bind(sql(tenant.0))
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

/// The rows of all tenants, or of one, by tenant; of those that are enabled, unless `disabled`. Lists that are known are not read.
pub(crate) async fn read(
    db: &mut SqliteConnection,
    only: Option<i64>,
    disabled: bool,
    known: &BTreeMap<i64, i64>,
) -> Result<Vec<Columns>, StoreError> {
    let ids: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT r.tenant, r.id FROM rates r JOIN tenant t ON t.id = r.tenant
         WHERE (t.enabled OR ?2) AND (?1 IS NULL OR r.tenant = ?1) ORDER BY r.tenant",
    )
    .bind(only)
    .bind(disabled)
    .fetch_all(&mut *db)
    .await?;
    let mut rows = Vec::with_capacity(ids.len());
    for (tenant, id) in ids {
        let list = match known.get(&tenant) == Some(&id) {
            true => None,
            false => Some(
                sqlx::query_scalar("SELECT list FROM rates WHERE id = ?1")
                    .bind(id)
                    .fetch_one(&mut *db)
                    .await?,
            ),
        };
        rows.push((tenant, id, list));
    }
    Ok(rows)
}

/// The list of a row, kept for the next time.
pub(crate) fn list_of(
    known: &mut KnownRates,
    (tenant, id, text): Columns,
) -> Result<Option<Arc<RateDraft>>, StoreError> {
    if let Some(text) = text {
        let list = serde_json::from_str(&text).map_err(|e| StoreError::Damaged {
            tenant: unsql(tenant),
            what: format!("its price list: {e}"),
        })?;
        known.insert(tenant, (id, Arc::new(list)));
    }
    Ok(known.get(&tenant).map(|(_, list)| Arc::clone(list)))
}
