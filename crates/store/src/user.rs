//! Users of a tenant.

use crate::error::is_duplicate;
use crate::open::{sql, unsql};
use crate::{Store, StoreError, check};
use model::{TenantId, User, UserId, UserSettings, UserSettingsChange};
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

/// Id, extension, display name, enabled, settings.
pub(crate) type UserColumns = (i64, String, String, bool, String);

pub(crate) fn user_of(
    tenant: TenantId,
    (id, extension, display, enabled, settings): UserColumns,
) -> Result<User, StoreError> {
    Ok(User {
        settings: settings_from(tenant, &extension, &settings),
        id: UserId(unsql(id)),
        extension: extension.into(),
        display: display.into(),
        enabled,
    })
}

/// What a row says. Foreign hands may have written anything there: what can't be read counts as not set, for a user's
/// forwards are not worth the calls of his whole company, or that of all others at the next start.
fn settings_from(tenant: TenantId, extension: &str, json: &str) -> UserSettings {
    let read = serde_json::from_str(json).map(|settings: UserSettings| (check::usable(&settings), settings));
    let why = match read {
        Ok((usable, settings)) if usable == settings => return settings,
        Ok((usable, _)) => {
            warn(tenant, extension, "a number or a time that can't be");
            return usable;
        }
        Err(error) => error.to_string(),
    };
    warn(tenant, extension, &why);
    UserSettings::default()
}

fn warn(tenant: TenantId, extension: &str, why: &str) {
    tracing::error!(%tenant, extension, "do-not-disturb and forwards are damaged and count as not set: {why}");
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
                "SELECT id, extension, display, enabled, settings FROM user WHERE tenant = ?1 ORDER BY extension",
            )
            .bind(sql(tenant.0))
            .fetch_all(db)
            .await?;
            rows.into_iter().map(|row| user_of(tenant, row)).collect()
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
                "SELECT id, extension, display, enabled, settings FROM user WHERE tenant = ?1 AND extension = ?2",
            )
            .bind(sql(tenant.0))
            .bind(extension)
            .fetch_optional(db)
            .await?;
            let row = row.ok_or_else(|| StoreError::not_found("user", extension))?;
            user_of(tenant, row)
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

    /// Changes a user's settings, and gives those that he has now.
    ///
    /// # Errors
    /// No such user, or a field malformed.
    pub fn update_settings(
        &mut self,
        scope: &Scope,
        user: UserId,
        change: &UserSettingsChange,
    ) -> Result<UserSettings, StoreError> {
        check::settings(change)?;
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            let row: Option<(String, String)> =
                sqlx::query_as("SELECT extension, settings FROM user WHERE id = ?1 AND tenant = ?2")
                    .bind(sql(user.0))
                    .bind(sql(tenant.0))
                    .fetch_optional(&mut *db)
                    .await?;
            let (extension, json) = row.ok_or_else(|| StoreError::not_found("user", user))?;
            let mut settings = settings_from(tenant, &extension, &json);
            check::no_circle(change, &extension)?;
            change.apply(&mut settings);
            let json = serde_json::to_string(&settings).map_err(|e| StoreError::Damaged {
                tenant: tenant.0,
                what: e.to_string(),
            })?;
            sqlx::query("UPDATE user SET settings = ?1 WHERE id = ?2")
                .bind(json)
                .bind(sql(user.0))
                .execute(db)
                .await?;
            Ok(settings)
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
