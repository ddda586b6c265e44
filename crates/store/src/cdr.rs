//! Call records in the database.

use crate::journal::CdrSink;
use crate::open::{sql, unsql};
use crate::{Store, StoreError};
use model::{Cdr, Wall};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};
use tenancy::Scope;

/// Which records to show. The default shows the latest hundred.
#[derive(Clone, Debug)]
pub struct CdrFilter {
    /// At most so many, the latest first.
    pub limit: u32,
    /// Started at or after.
    pub since: Option<Wall>,
    /// Started before.
    pub until: Option<Wall>,
    /// Called or was called.
    pub extension: Option<String>,
}

impl Default for CdrFilter {
    fn default() -> CdrFilter {
        CdrFilter {
            limit: 100,
            since: None,
            until: None,
            extension: None,
        }
    }
}

/// Records of one statement: fewer trips to the connection's thread, and few enough for SQLite's 32,766
/// parameters.
const STATEMENT_ROWS: usize = 50;

impl Store {
    /// Stores records in one transaction and returns how many were new: one that is there already stays.
    ///
    /// # Errors
    /// The database is locked, full or broken; then none is stored.
    pub fn insert_cdrs(&mut self, records: &[Cdr]) -> Result<u64, StoreError> {
        self.write(async |db, _| {
            let mut new = 0;
            for rows in records.chunks(STATEMENT_ROWS) {
                new += insert(db, rows).await?;
            }
            Ok(new)
        })
    }

    /// The tenant's records, the latest first.
    ///
    /// # Errors
    /// The database failed.
    pub fn cdrs(&mut self, scope: &Scope, filter: &CdrFilter) -> Result<Vec<Cdr>, StoreError> {
        let tenant = scope.tenant();
        let records: Vec<String> = self.read(async |db, _| {
            Ok(sqlx::query_scalar(
                "SELECT record FROM cdr WHERE tenant = ?1 AND start_ms >= ?2 AND start_ms < ?3
                 AND (?4 IS NULL OR caller = ?4 OR callee = ?4) ORDER BY start_ms DESC, id LIMIT ?5",
            )
            .bind(sql(tenant.0))
            .bind(filter.since.map_or(0, |w| sql(w.0)))
            .bind(filter.until.map_or(i64::MAX, |w| sql(w.0)))
            .bind(&filter.extension)
            .bind(filter.limit)
            .fetch_all(db)
            .await?)
        })?;
        let damaged = |e: serde_json::Error| StoreError::Damaged {
            tenant: tenant.0,
            what: format!("a call record: {e}"),
        };
        records
            .iter()
            .map(|r| serde_json::from_str(r).map_err(damaged))
            .collect()
    }

    /// Number of the tenant's records.
    ///
    /// # Errors
    /// The database failed.
    pub fn count_cdrs(&mut self, scope: &Scope) -> Result<u64, StoreError> {
        let tenant = scope.tenant();
        self.one(async |db| {
            let count = sqlx::query_scalar("SELECT count(*) FROM cdr WHERE tenant = ?1")
                .bind(sql(tenant.0))
                .fetch_one(db)
                .await?;
            Ok(unsql(count))
        })
    }
}

impl CdrSink for Store {
    fn insert(&mut self, records: &[Cdr]) -> Result<(), StoreError> {
        self.insert_cdrs(records).map(|_| ())
    }

    fn settle(&mut self) -> Result<(), StoreError> {
        self.checkpoint()
    }
}

async fn insert(db: &mut SqliteConnection, records: &[Cdr]) -> Result<u64, StoreError> {
    let texts = records
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<Vec<_>, _>>();
    let texts = texts.map_err(|e| StoreError::Database(e.to_string()))?;
    let head = "INSERT OR IGNORE INTO cdr (id, tenant, start_ms, caller, callee, record) ";
    let mut statement = QueryBuilder::<Sqlite>::new(head);
    statement.push_values(records.iter().zip(texts), |mut row, (cdr, text)| {
        row.push_bind(cdr.id.0.as_slice())
            .push_bind(sql(cdr.tenant.0))
            .push_bind(sql(cdr.start.0))
            .push_bind(cdr.caller.number.as_str())
            .push_bind(cdr.callee.number.as_str())
            .push_bind(text);
    });
    // Only the full length comes again and again.
    let again = records.len() == STATEMENT_ROWS;
    let done = statement.build().persistent(again).execute(db).await?;
    Ok(done.rows_affected())
}
