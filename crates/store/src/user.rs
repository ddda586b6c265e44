//! Users of a tenant.

use crate::error::is_duplicate;
use crate::open::{sql, unsql};
use crate::{Store, StoreError, check};
use model::{TenantId, User, UserId};
use sqlx::SqliteConnection;
use tenancy::Scope;

/// What to change of a user; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// New extension.
    pub extension: Option<String>,
    /// New display name.
    pub display: Option<String>,
    /// Switch on or off.
    pub enabled: Option<bool>,
}

pub(crate) type UserColumns = (i64, String, String, bool);

pub(crate) fn user_of((id, extension, display, enabled): UserColumns) -> User {
    User {
        id: UserId(unsql(id)),
        extension: extension.into(),
        display: display.into(),
        enabled,
    }
}

impl Store {
    /// Adds a user without devices.
    ///
    /// # Errors
    /// The extension is taken or a field malformed.
    pub fn add_user(&mut self, scope: &Scope, extension: &str, display: &str) -> Result<UserId, StoreError> {
        check::extension(extension)?;
        check::name("display name", display, true)?;
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            let id = sqlx::query_scalar(
                "INSERT INTO user (tenant, extension, display) VALUES (?1, ?2, ?3) RETURNING id",
            )
            .bind(sql(tenant.0))
            .bind(extension)
            .bind(display)
            .fetch_one(db)
            .await;
            let id: i64 = id.map_err(|e| extension_taken(e, extension))?;
            Ok(UserId(unsql(id)))
        })
    }

    /// Every user, by extension.
    ///
    /// # Errors
    /// The database failed.
    pub fn list_users(&mut self, scope: &Scope) -> Result<Vec<User>, StoreError> {
        let tenant = scope.tenant();
        self.read(async |db, _| {
            let rows: Vec<UserColumns> = sqlx::query_as(
                "SELECT id, extension, display, enabled FROM user WHERE tenant = ?1 ORDER BY extension",
            )
            .bind(sql(tenant.0))
            .fetch_all(db)
            .await?;
            Ok(rows.into_iter().map(user_of).collect())
        })
    }

    /// The user of an extension.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn user(&mut self, scope: &Scope, extension: &str) -> Result<User, StoreError> {
        let tenant = scope.tenant();
        self.read(async |db, _| {
            let row: Option<UserColumns> = sqlx::query_as(
                "SELECT id, extension, display, enabled FROM user WHERE tenant = ?1 AND extension = ?2",
            )
            .bind(sql(tenant.0))
            .bind(extension)
            .fetch_optional(db)
            .await?;
            row.map(user_of)
                .ok_or_else(|| StoreError::not_found("user", extension))
        })
    }

    /// Changes a user.
    ///
    /// # Errors
    /// No such user, the new extension is taken, or a field malformed.
    pub fn update_user(
        &mut self,
        scope: &Scope,
        user: UserId,
        change: &UserChange,
    ) -> Result<(), StoreError> {
        change.extension.as_deref().map_or(Ok(()), check::extension)?;
        if let Some(display) = &change.display {
            check::name("display name", display, true)?;
        }
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            let done = sqlx::query(
                "UPDATE user SET extension = coalesce(?1, extension), display = coalesce(?2, display),
                        enabled = coalesce(?3, enabled) WHERE id = ?4 AND tenant = ?5",
            )
            .bind(&change.extension)
            .bind(&change.display)
            .bind(change.enabled)
            .bind(sql(user.0))
            .bind(sql(tenant.0))
            .execute(db)
            .await;
            let done =
                done.map_err(|e| extension_taken(e, change.extension.as_deref().unwrap_or_default()))?;
            existed(done.rows_affected(), "user", user)
        })
    }

    /// Deletes a user with its devices.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_user(&mut self, scope: &Scope, user: UserId) -> Result<(), StoreError> {
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            let done = sqlx::query("DELETE FROM user WHERE id = ?1 AND tenant = ?2")
                .bind(sql(user.0))
                .bind(sql(tenant.0))
                .execute(db)
                .await?;
            existed(done.rows_affected(), "user", user)
        })
    }
}

fn extension_taken(error: sqlx::Error, extension: &str) -> StoreError {
    if is_duplicate(&error) {
        StoreError::duplicate("extension", extension)
    } else {
        error.into()
    }
}

pub(crate) fn existed(rows: u64, what: &'static str, id: impl ToString) -> Result<(), StoreError> {
    match rows {
        0 => Err(StoreError::not_found(what, id.to_string())),
        _ => Ok(()),
    }
}

/// Fails when the user is not one of the tenant.
pub(crate) async fn must_exist(
    db: &mut SqliteConnection,
    tenant: TenantId,
    user: UserId,
) -> Result<(), StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT id FROM user WHERE id = ?1 AND tenant = ?2")
        .bind(sql(user.0))
        .bind(sql(tenant.0))
        .fetch_optional(db)
        .await?;
    existed(u64::from(found.is_some()), "user", user)
}
