//! Numbers of the public network: which tenant each belongs to, and where it leads.
//!
//! A number belongs to one tenant of the installation at most, a disabled one included: whoever could write down another's number
//! would get its calls.

use crate::open::{sql, unsql};
use crate::user::existed;
use crate::{Store, StoreError, check};
use model::{NumberRange, TenantId, UserSettings};
use sqlx::SqliteConnection;
use tenancy::Scope;

/// Tenant, first, last, where to, digits kept.
pub(crate) type Columns = (i64, i64, i64, String, i64);

impl Store {
    /// Gives a tenant these numbers, or has them lead elsewhere where it has exactly this range.
    ///
    /// # Errors
    /// The range can't be, meets another tenant's (which is not named), crosses one of the tenant's own, or is one too many.
    pub fn set_number(&mut self, scope: &Scope, range: &NumberRange) -> Result<(), StoreError> {
        let shown = written(range.first, range.last);
        range
            .check()
            .map_err(|rule| check::invalid("number", &shown, rule))?;
        // What can be dialled within a tenant, its star codes included.
        if !range.to.is_empty() && !UserSettings::is_number(&range.to) {
            return Err(check::invalid(
                "number to lead to",
                &range.to,
                "must have 1 to 32 letters, digits or *#+-._",
            ));
        }
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            for (owner, first, last) in meeting(db, range).await? {
                if owner != tenant {
                    return Err(check::invalid(
                        "number",
                        &shown,
                        "belongs to another tenant, as a whole or in part; a number leads to one",
                    ));
                }
                let inside = range.first <= first && last <= range.last;
                let around = first <= range.first && range.last <= last;
                if !inside && !around {
                    return Err(check::invalid(
                        "number",
                        &written(first, last),
                        "is there and partly the same; ranges of a tenant lie in one another or apart",
                    ));
                }
            }
            let done = sqlx::query(
                "INSERT INTO number (first, last, tenant, leads_to, keep) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (first, last) DO UPDATE SET leads_to = ?4, keep = ?5 WHERE tenant = ?3",
            )
            .bind(sql(range.first))
            .bind(sql(range.last))
            .bind(sql(tenant.0))
            .bind(&*range.to)
            .bind(i64::from(range.keep))
            .execute(&mut *db)
            .await?;
            existed(done.rows_affected(), "number", &shown)?;
            let count: i64 = sqlx::query_scalar("SELECT count(*) FROM number WHERE tenant = ?1")
                .bind(sql(tenant.0))
                .fetch_one(db)
                .await?;
            match unsql(count) > NumberRange::MOST as u64 {
                true => Err(check::invalid(
                    "number",
                    &shown,
                    "is one too many: a tenant has at most 10000 numbers and ranges",
                )),
                false => Ok(()),
            }
        })
    }

    /// Every number and range of a tenant, in the order of their digits.
    ///
    /// # Errors
    /// The database failed, or a row was altered by foreign hands.
    pub fn list_numbers(&mut self, scope: &Scope) -> Result<Vec<NumberRange>, StoreError> {
        let tenant = sql(scope.tenant().0);
        let rows = self.read(async |db, _| read(db, Some(tenant), true).await)?;
        let mut ranges: Vec<NumberRange> = rows.into_iter().map(range_of).collect::<Result<_, _>>()?;
        ranges.sort_by_key(|range| (range.first, std::cmp::Reverse(range.last)));
        Ok(ranges)
    }

    /// Takes a number or a whole range from a tenant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] unless the tenant has exactly this range.
    pub fn delete_number(&mut self, scope: &Scope, first: u64, last: u64) -> Result<(), StoreError> {
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            let done = sqlx::query("DELETE FROM number WHERE tenant = ?1 AND first = ?2 AND last = ?3")
                .bind(sql(tenant.0))
                .bind(sql(first))
                .bind(sql(last))
                .execute(db)
                .await?;
            existed(done.rows_affected(), "number", written(first, last))
        })
    }
}

fn written(first: u64, last: u64) -> String {
    match first == last {
        true => format!("+{first}"),
        false => format!("+{first} +{last}"),
    }
}

/// The ranges that have a number of this one, and whose they are. None has more than 100,000 numbers, so those that begin further
/// away need not be looked at.
async fn meeting(
    db: &mut SqliteConnection,
    range: &NumberRange,
) -> Result<Vec<(TenantId, u64, u64)>, StoreError> {
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
        "SELECT tenant, first, last FROM number WHERE first BETWEEN ?1 AND ?3 AND last >= ?2 ORDER BY first, last",
    )
    .bind(sql(range.first.saturating_sub(NumberRange::WIDEST)))
    .bind(sql(range.first))
    .bind(sql(range.last))
    .fetch_all(db)
    .await?;
    let row = |(tenant, first, last)| (TenantId(unsql(tenant)), unsql(first), unsql(last));
    Ok(rows.into_iter().map(row).collect())
}

/// The rows of all tenants, or of one, by tenant; of those that are enabled, unless `disabled`.
pub(crate) async fn read(
    db: &mut SqliteConnection,
    only: Option<i64>,
    disabled: bool,
) -> Result<Vec<Columns>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT n.tenant, n.first, n.last, n.leads_to, n.keep FROM number n JOIN tenant t ON t.id = n.tenant
         WHERE (t.enabled OR ?2) AND (?1 IS NULL OR n.tenant = ?1) ORDER BY n.tenant",
    )
    .bind(only)
    .bind(disabled)
    .fetch_all(db)
    .await?)
}

/// The numbers of all tenants with their owners; of those that are enabled, unless `disabled`.
pub(crate) async fn owned(
    db: &mut SqliteConnection,
    disabled: bool,
) -> Result<Vec<(TenantId, NumberRange)>, StoreError> {
    let rows = read(db, None, disabled).await?;
    let owned = rows.into_iter().map(|row| {
        let tenant = TenantId(unsql(row.0));
        Ok((tenant, range_of(row)?))
    });
    owned.collect()
}

pub(crate) fn range_of((tenant, first, last, to, keep): Columns) -> Result<NumberRange, StoreError> {
    let range = NumberRange {
        first: unsql(first),
        last: unsql(last),
        to: to.into(),
        keep: u8::try_from(keep).unwrap_or(u8::MAX),
    };
    range.check().map_err(|rule| StoreError::Damaged {
        tenant: unsql(tenant),
        what: format!("number {}: {rule}", written(range.first, range.last)),
    })?;
    Ok(range)
}
