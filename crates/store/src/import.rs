//! Many users at once, each with one device.
//!
//! One transaction and a handful of statements whatever the number of rows: a statement per row would cost
//! a trip to the connection's thread each.

use crate::device::last_id;
use crate::open::sql;
use crate::secret::{Key, Place};
use crate::{Password, Store, StoreError, check};
use model::{DeviceId, TenantId, UserId};
use serde::Serialize;
use sqlx::SqliteConnection;
use std::collections::HashSet;
use std::fmt::Write;
use tenancy::Scope;

/// One row of an import.
#[derive(Clone, Debug)]
pub struct ImportRow {
    /// The user's extension.
    pub extension: String,
    /// The user's display name; may be empty.
    pub display: String,
    /// Digest username of its device.
    pub username: String,
    /// Password of its device.
    pub password: Password,
}

/// A row as the statements take it: ids given, password sealed.
#[derive(Serialize)]
struct Sealed<'a> {
    user: u64,
    device: u64,
    extension: &'a str,
    display: &'a str,
    username: &'a str,
    secret: String,
}

impl Store {
    /// Adds all rows or none, and returns the users' ids in the order of the rows.
    ///
    /// # Errors
    /// [`StoreError::Row`] names the first row that is malformed, repeats another, or exists already.
    pub fn import_users(&mut self, scope: &Scope, rows: &[ImportRow]) -> Result<Vec<UserId>, StoreError> {
        check_rows(rows)?;
        let tenant = scope.tenant();
        self.change(scope, async |db, key| {
            refuse_existing(db, tenant, rows).await?;
            let (user, device) = (last_id(db, "user").await?, last_id(db, "device").await?);
            let sealed = seal(key, tenant, rows, user + 1, device + 1)?;
            insert(db, tenant, &sealed).await?;
            Ok(sealed.iter().map(|s| UserId(s.user)).collect())
        })
    }
}

fn at(row: usize, source: StoreError) -> StoreError {
    StoreError::Row {
        row: row + 1,
        source: Box::new(source),
    }
}

fn check_rows(rows: &[ImportRow]) -> Result<(), StoreError> {
    let (mut extensions, mut usernames) = (HashSet::new(), HashSet::new());
    for (index, row) in rows.iter().enumerate() {
        let fields = check::extension(&row.extension)
            .and_then(|()| check::name("display name", &row.display, true))
            .and_then(|()| check::username(&row.username));
        fields.map_err(|e| at(index, e))?;
        if !extensions.insert(row.extension.as_str()) {
            return Err(at(index, StoreError::duplicate("extension", &row.extension)));
        }
        if !usernames.insert(row.username.as_str()) {
            return Err(at(index, StoreError::duplicate("username", &row.username)));
        }
    }
    Ok(())
}

/// Finds the first row that exists before the constraint would: only so can the error name it.
async fn refuse_existing(
    db: &mut SqliteConnection,
    tenant: TenantId,
    rows: &[ImportRow],
) -> Result<(), StoreError> {
    let extensions: Vec<String> = sqlx::query_scalar("SELECT extension FROM user WHERE tenant = ?1")
        .bind(sql(tenant.0))
        .fetch_all(&mut *db)
        .await?;
    let usernames: Vec<String> = sqlx::query_scalar("SELECT username FROM device WHERE tenant = ?1")
        .bind(sql(tenant.0))
        .fetch_all(db)
        .await?;
    let extensions: HashSet<String> = extensions.into_iter().collect();
    let usernames: HashSet<String> = usernames.into_iter().collect();
    for (index, row) in rows.iter().enumerate() {
        if extensions.contains(&row.extension) {
            return Err(at(index, StoreError::duplicate("extension", &row.extension)));
        }
        if usernames.contains(&row.username) {
            return Err(at(index, StoreError::duplicate("username", &row.username)));
        }
    }
    Ok(())
}

fn seal<'a>(
    key: &Key,
    tenant: TenantId,
    rows: &'a [ImportRow],
    first_user: u64,
    first_device: u64,
) -> Result<Vec<Sealed<'a>>, StoreError> {
    let ids = (first_user..).zip(first_device..);
    rows.iter()
        .zip(ids)
        .map(|(row, (user, device))| {
            let place = Place {
                tenant,
                device: DeviceId(device),
            };
            Ok(Sealed {
                user,
                device,
                extension: &row.extension,
                display: &row.display,
                username: &row.username,
                secret: hex(&key.seal(place, row.password.reveal().as_bytes())?),
            })
        })
        .collect()
}

fn hex(octets: &[u8]) -> String {
    octets
        .iter()
        .fold(String::with_capacity(octets.len() * 2), |mut text, o| {
            let _ = write!(text, "{o:02x}");
            text
        })
}

async fn insert(db: &mut SqliteConnection, tenant: TenantId, rows: &[Sealed<'_>]) -> Result<(), StoreError> {
    let json = serde_json::to_string(rows).map_err(|e| StoreError::Database(e.to_string()))?;
    let users = "INSERT INTO user (id, tenant, extension, display)
         SELECT value ->> 'user', ?1, value ->> 'extension', value ->> 'display' FROM json_each(?2)";
    let devices = "INSERT INTO device (id, tenant, user, username, secret)
         SELECT value ->> 'device', ?1, value ->> 'user', value ->> 'username', unhex(value ->> 'secret')
         FROM json_each(?2)";
    for statement in [users, devices] {
        sqlx::query(statement)
            .bind(sql(tenant.0))
            .bind(&json)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}
