//! Price lists: what calls of a tenant to the outside cost, and what the carriers of its trunks charge for them.
//!
//! A list may have hundreds of thousands of rows, so a store that has read one keeps it: a change of the configuration that leaves
//! the list alone neither reads nor parses it again, and shares it with the configuration before.

use crate::open::{KnownRates, sql, unsql};
use crate::tenant::{currency_of, policy_from};
use crate::trunk;
use crate::user::existed;
use crate::{Store, StoreError, check};
use model::{Currency, RateDraft, TenantId, TrunkId, Wall};
use sqlx::SqliteConnection;
use std::collections::{BTreeMap, BTreeSet};
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

/// A row: tenant, id, trunk, and the list unless it is known.
pub(crate) type Columns = (i64, i64, Option<i64>, Option<String>);

impl Store {
    /// Gives a tenant, or a trunk of that name, this price list, in place of one that it has. `source` says where it came from.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the trunk. The tenant's limits are in another currency, or what another carrier charges is.
    pub fn set_rates(
        &mut self,
        scope: &Scope,
        trunk: Option<&str>,
        table: &RateTable,
        source: &str,
        at: Wall,
    ) -> Result<(), StoreError> {
        check::name("source", source, true)?;
        let tenant = scope.tenant();
        let list = &**table.list();
        let text = serde_json::to_string(list).map_err(|e| StoreError::Database(e.to_string()))?;
        self.change(scope, async |db, _| {
            let trunk = trunk_id(db, tenant, trunk).await?;
            match trunk {
                None => fits_limits(db, tenant, list.currency).await?,
                Some(trunk) => fits_others(db, tenant, trunk, list.currency).await?,
            }
            // Not an update: what has changed has another id.
            forget(db, tenant, trunk).await?;
            sqlx::query(
                "INSERT INTO rates (tenant, trunk, currency, rows, source, set_ms, list) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .bind(sql(tenant.0))
            .bind(trunk)
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

    /// What is known of the price list of the tenant, or of a trunk; `None` without one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the trunk. The database failed, or the row was altered by foreign hands.
    pub fn rates(&mut self, scope: &Scope, trunk: Option<&str>) -> Result<Option<RatesRow>, StoreError> {
        let tenant = scope.tenant();
        let row: Option<(String, i64, String, i64)> = self.read(async |db, _| {
            let trunk = trunk_id(db, tenant, trunk).await?;
            let query = "SELECT currency, rows, source, set_ms FROM rates WHERE tenant = ?1 AND trunk IS ?2";
            Ok(sqlx::query_as(query)
                .bind(sql(tenant.0))
                .bind(trunk)
                .fetch_optional(db)
                .await?)
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

    /// Takes the price list away: without its own a tenant's calls cost nothing, and limits on money never hold; what a trunk without
    /// one costs nobody knows.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_rates(&mut self, scope: &Scope, trunk: Option<&str>) -> Result<(), StoreError> {
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            let id = trunk_id(db, tenant, trunk).await?;
            let gone = forget(db, tenant, id).await?;
            match trunk {
                Some(name) => existed(gone, "price list of trunk", name),
                None => existed(gone, "price list of tenant", tenant),
            }
        })
    }
}

/// Whose list it is: a trunk's, or that of the tenant.
async fn trunk_id(
    db: &mut SqliteConnection,
    tenant: TenantId,
    name: Option<&str>,
) -> Result<Option<i64>, StoreError> {
    let Some(name) = name else { return Ok(None) };
    let found = trunk::find(db, tenant, name).await?;
    let found = found.ok_or_else(|| StoreError::not_found("trunk", name))?;
    Ok(Some(sql(found.0)))
}

/// Fails where the tenant's limits are in another currency.
async fn fits_limits(
    db: &mut SqliteConnection,
    tenant: TenantId,
    currency: Currency,
) -> Result<(), StoreError> {
    let policy: String = sqlx::query_scalar("SELECT policy FROM tenant WHERE id = ?1")
        .bind(sql(tenant.0))
        .fetch_one(db)
        .await?;
    let limits = policy_from(sql(tenant.0), &policy)?.toll.currency;
    match limits.is_some_and(|limits| limits != currency) {
        false => Ok(()),
        true => Err(check::invalid(
            "currency of the price list",
            &currency.to_string(),
            "is not that of the tenant's limits; carillon toll set TENANT currency=… changes those",
        )),
    }
}

/// Fails where another trunk's carrier charges in another currency: which costs less could not be told.
async fn fits_others(
    db: &mut SqliteConnection,
    tenant: TenantId,
    trunk: i64,
    currency: Currency,
) -> Result<(), StoreError> {
    let others: Option<String> = sqlx::query_scalar(
        "SELECT currency FROM rates WHERE tenant = ?1 AND trunk IS NOT NULL AND trunk <> ?2 AND currency <> ?3",
    )
    .bind(sql(tenant.0))
    .bind(trunk)
    .bind(currency.to_string())
    .fetch_optional(db)
    .await?;
    match others {
        None => Ok(()),
        Some(other) => Err(check::invalid(
            "currency of the price list",
            &format!("{currency}, others have {other}"),
            "is not that of what the tenant's other trunks charge: which costs less could not be told",
        )),
    }
}

async fn forget(db: &mut SqliteConnection, tenant: TenantId, trunk: Option<i64>) -> Result<u64, StoreError> {
    let done = sqlx::query("DELETE FROM rates WHERE tenant = ?1 AND trunk IS ?2")
        .bind(sql(tenant.0))
        .bind(trunk)
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

/// The rows of all tenants, or of one, by tenant; of those that are enabled, unless `disabled`. Lists that are known are not read.
pub(crate) async fn read(
    db: &mut SqliteConnection,
    only: Option<i64>,
    disabled: bool,
    known: &BTreeSet<i64>,
) -> Result<Vec<Columns>, StoreError> {
    let ids: Vec<(i64, i64, Option<i64>)> = sqlx::query_as(
        "SELECT r.tenant, r.id, r.trunk FROM rates r JOIN tenant t ON t.id = r.tenant
         WHERE (t.enabled OR ?2) AND (?1 IS NULL OR r.tenant = ?1) ORDER BY r.tenant",
    )
    .bind(only)
    .bind(disabled)
    .fetch_all(&mut *db)
    .await?;
    let mut rows = Vec::with_capacity(ids.len());
    for (tenant, id, trunk) in ids {
        let list = match known.contains(&id) {
            true => None,
            false => Some(
                sqlx::query_scalar("SELECT list FROM rates WHERE id = ?1")
                    .bind(id)
                    .fetch_one(&mut *db)
                    .await?,
            ),
        };
        rows.push((tenant, id, trunk, list));
    }
    Ok(rows)
}

/// The price lists of one tenant.
#[derive(Default)]
pub(crate) struct Lists {
    /// Its own.
    pub(crate) prices: Option<Arc<RateDraft>>,
    /// Those of its trunks' carriers.
    pub(crate) costs: BTreeMap<TrunkId, Arc<RateDraft>>,
}

/// The lists of a tenant's rows, kept for the next time in place of those that it had.
pub(crate) fn lists_of(
    known: &mut KnownRates,
    tenant: i64,
    rows: impl Iterator<Item = Columns>,
) -> Result<Lists, StoreError> {
    let mut old = known.remove(&tenant).unwrap_or_default();
    let mut kept = BTreeMap::new();
    let mut lists = Lists::default();
    for (_, id, trunk, text) in rows {
        let list = match text {
            None => old.remove(&id),
            Some(text) => Some(serde_json::from_str(&text).map_err(|e| StoreError::Damaged {
                tenant: unsql(tenant),
                what: format!("one of its price lists: {e}"),
            })?),
        };
        let Some(list) = list else { continue };
        kept.insert(id, Arc::clone(&list));
        match trunk {
            Some(trunk) => drop(lists.costs.insert(TrunkId(unsql(trunk)), list)),
            None => lists.prices = Some(list),
        }
    }
    if !kept.is_empty() {
        known.insert(tenant, kept);
    }
    Ok(lists)
}
