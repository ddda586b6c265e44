//! Devices: the SIP credentials of a user.

use crate::error::is_duplicate;
use crate::open::{sql, unsql};
use crate::secret::Place;
use crate::user::{existed, must_exist};
use crate::{Password, Store, StoreError, check};
use model::{DeviceId, UserId};
use serde::Serialize;
use sqlx::SqliteConnection;
use tenancy::Scope;

/// A device as commands show it. Its password is never read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceRow {
    /// Row id.
    pub id: DeviceId,
    /// Owner.
    pub user: UserId,
    /// The owner's extension.
    pub extension: String,
    /// Digest username.
    pub username: String,
}

impl Store {
    /// Adds credentials to a user.
    ///
    /// # Errors
    /// No such user, or the username is taken or malformed.
    pub fn add_device(
        &mut self,
        scope: &Scope,
        user: UserId,
        username: &str,
        password: &Password,
    ) -> Result<DeviceId, StoreError> {
        check::username(username)?;
        let tenant = scope.tenant();
        self.change(scope, async |db, key| {
            must_exist(db, tenant, user).await?;
            let device = next_device(db).await?;
            let sealed = key.seal(Place { tenant, device }, password.reveal().as_bytes())?;
            let done = sqlx::query(
                "INSERT INTO device (id, tenant, user, username, secret) VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .bind(sql(device.0))
            .bind(sql(tenant.0))
            .bind(sql(user.0))
            .bind(username)
            .bind(sealed)
            .execute(db)
            .await;
            match done {
                Ok(_) => Ok(device),
                Err(e) if is_duplicate(&e) => Err(StoreError::duplicate("username", username)),
                Err(e) => Err(e.into()),
            }
        })
    }

    /// Every device, by extension and username.
    ///
    /// # Errors
    /// The database failed.
    pub fn list_devices(&mut self, scope: &Scope) -> Result<Vec<DeviceRow>, StoreError> {
        let tenant = scope.tenant();
        self.read(async |db, _| {
            let rows: Vec<(i64, i64, String, String)> = sqlx::query_as(
                "SELECT d.id, d.user, u.extension, d.username FROM device d JOIN user u ON u.id = d.user
                 WHERE d.tenant = ?1 ORDER BY u.extension, d.username",
            )
            .bind(sql(tenant.0))
            .fetch_all(db)
            .await?;
            let row = |(id, user, extension, username)| DeviceRow {
                id: DeviceId(unsql(id)),
                user: UserId(unsql(user)),
                extension,
                username,
            };
            Ok(rows.into_iter().map(row).collect())
        })
    }

    /// The device of a digest username.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn device(&mut self, scope: &Scope, username: &str) -> Result<DeviceRow, StoreError> {
        let all = self.list_devices(scope)?;
        let found = all.into_iter().find(|d| d.username == username);
        found.ok_or_else(|| StoreError::not_found("device", username))
    }

    /// Deletes credentials.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_device(&mut self, scope: &Scope, device: DeviceId) -> Result<(), StoreError> {
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            let done = sqlx::query("DELETE FROM device WHERE id = ?1 AND tenant = ?2")
                .bind(sql(device.0))
                .bind(sql(tenant.0))
                .execute(db)
                .await?;
            existed(done.rows_affected(), "device", device)
        })
    }

    /// Replaces the password of a device.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn set_password(
        &mut self,
        scope: &Scope,
        device: DeviceId,
        password: &Password,
    ) -> Result<(), StoreError> {
        let tenant = scope.tenant();
        self.change(scope, async |db, key| {
            let sealed = key.seal(Place { tenant, device }, password.reveal().as_bytes())?;
            let done = sqlx::query("UPDATE device SET secret = ?1 WHERE id = ?2 AND tenant = ?3")
                .bind(sealed)
                .bind(sql(device.0))
                .bind(sql(tenant.0))
                .execute(db)
                .await?;
            existed(done.rows_affected(), "device", device)
        })
    }
}

/// The id that the next device gets: it must be known before the row, because the seal names it. The write
/// lock is held, so nobody else takes it.
pub(crate) async fn next_device(db: &mut SqliteConnection) -> Result<DeviceId, StoreError> {
    last_id(db, "device").await.map(|id| DeviceId(id + 1))
}

/// The highest id that a table ever gave.
pub(crate) async fn last_id(db: &mut SqliteConnection, table: &'static str) -> Result<u64, StoreError> {
    let last: Option<i64> = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = ?1")
        .bind(table)
        .fetch_optional(db)
        .await?;
    Ok(unsql(last.unwrap_or(0)))
}
