//! Call records in the database.

use crate::journal::CdrSink;
use crate::open::{sql, unsql};
use crate::{Store, StoreError};
use model::{Cdr, Wall};
use serde::Serialize;
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

/// A record as the statement takes it.
#[derive(Serialize)]
struct Line<'a> {
    id: String,
    tenant: i64,
    start: i64,
    caller: &'a str,
    callee: &'a str,
    record: String,
}

impl Store {
    /// Stores records in one transaction and returns how many were new: one that is there already stays.
    ///
    /// # Errors
    /// The database is locked, full or broken; then none is stored.
    pub fn insert_cdrs(&mut self, records: &[Cdr]) -> Result<u64, StoreError> {
        let lines = records.iter().map(line).collect::<Result<Vec<_>, _>>();
        let json = lines.and_then(|lines| serde_json::to_string(&lines));
        let json = json.map_err(|e| StoreError::Database(e.to_string()))?;
        self.write(async |db, _| {
            let done = sqlx::query(
                "INSERT OR IGNORE INTO cdr (id, tenant, start_ms, caller, callee, record)
                 SELECT unhex(value ->> 'id'), value ->> 'tenant', value ->> 'start', value ->> 'caller',
                        value ->> 'callee', value ->> 'record' FROM json_each(?1)",
            )
            .bind(json)
            .execute(db)
            .await?;
            Ok(done.rows_affected())
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

fn line(cdr: &Cdr) -> Result<Line<'_>, serde_json::Error> {
    Ok(Line {
        id: cdr.id.to_string(),
        tenant: sql(cdr.tenant.0),
        start: sql(cdr.start.0),
        caller: &cdr.caller.number,
        callee: &cdr.callee.number,
        record: serde_json::to_string(cdr)?,
    })
}
