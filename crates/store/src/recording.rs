//! Recordings in the database: everything but their sound.

use crate::open::{sql, unsql};
use crate::{Store, StoreError};
use model::{CdrId, RecordingId, RecordingRecord};
use tenancy::Scope;

impl Store {
    /// Stores recordings in one transaction: one that is there already stays.
    ///
    /// # Errors
    /// The database is locked, full or broken; then none is stored.
    pub fn insert_recordings(&mut self, records: &[RecordingRecord]) -> Result<(), StoreError> {
        self.write(async |db, _| {
            for record in records {
                let text = serde_json::to_string(record).map_err(|e| StoreError::Database(e.to_string()))?;
                sqlx::query(
                    "INSERT OR IGNORE INTO recording (tenant, number, start_ms, call, record)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )
                .bind(sql(record.id.tenant.0))
                .bind(record.id.number.to_be_bytes().as_slice())
                .bind(sql(record.start.0))
                .bind(record.call.as_ref().map(|call| call.0.as_slice()))
                .bind(text)
                .execute(&mut *db)
                .await?;
            }
            Ok(())
        })
    }

    /// The tenant's recordings, the latest first; of one call where that is named.
    ///
    /// # Errors
    /// The database failed.
    pub fn recordings(
        &mut self,
        scope: &Scope,
        call: Option<CdrId>,
        limit: u32,
    ) -> Result<Vec<RecordingRecord>, StoreError> {
        let tenant = scope.tenant();
        let records: Vec<String> = self.read(async |db, _| {
            Ok(sqlx::query_scalar(
                "SELECT record FROM recording WHERE tenant = ?1 AND (?2 IS NULL OR call = ?2)
                 ORDER BY start_ms DESC, number LIMIT ?3",
            )
            .bind(sql(tenant.0))
            .bind(call.as_ref().map(|call| call.0.as_slice()))
            .bind(limit)
            .fetch_all(db)
            .await?)
        })?;
        records.iter().map(|text| parse(scope, text)).collect()
    }

    /// One of the tenant's recordings; another tenant's is none.
    ///
    /// # Errors
    /// The database failed.
    pub fn recording(
        &mut self,
        scope: &Scope,
        id: RecordingId,
    ) -> Result<Option<RecordingRecord>, StoreError> {
        if id.tenant != scope.tenant() {
            return Ok(None);
        }
        let record: Option<String> = self.read(async |db, _| {
            Ok(
                sqlx::query_scalar("SELECT record FROM recording WHERE tenant = ?1 AND number = ?2")
                    .bind(sql(id.tenant.0))
                    .bind(id.number.to_be_bytes().as_slice())
                    .fetch_optional(db)
                    .await?,
            )
        })?;
        record.map(|text| parse(scope, &text)).transpose()
    }

    /// Removes one of the tenant's recordings; true when there was one.
    ///
    /// # Errors
    /// The database failed.
    pub fn delete_recording(&mut self, scope: &Scope, id: RecordingId) -> Result<bool, StoreError> {
        if id.tenant != scope.tenant() {
            return Ok(false);
        }
        let rows = self.write(async |db, _| {
            let done = sqlx::query("DELETE FROM recording WHERE tenant = ?1 AND number = ?2")
                .bind(sql(id.tenant.0))
                .bind(id.number.to_be_bytes().as_slice())
                .execute(db)
                .await?;
            Ok(done.rows_affected())
        })?;
        Ok(rows > 0)
    }

    /// Octets of all the tenant's recordings.
    ///
    /// # Errors
    /// The database failed.
    pub fn recorded_octets(&mut self, scope: &Scope) -> Result<u64, StoreError> {
        let tenant = scope.tenant();
        self.one(async |db| {
            let sum: i64 = sqlx::query_scalar(
                "SELECT coalesce(sum(json_extract(record, '$.octets')), 0) FROM recording WHERE tenant = ?1",
            )
            .bind(sql(tenant.0))
            .fetch_one(db)
            .await?;
            Ok(unsql(sum))
        })
    }
}

fn parse(scope: &Scope, text: &str) -> Result<RecordingRecord, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged {
        tenant: scope.tenant().0,
        what: format!("a recording: {error}"),
    })
}
