//! Trunks: the ways of a tenant to carriers, and their passwords at rest.

use crate::device::last_id;
use crate::error::is_duplicate;
use crate::open::{sql, unsql};
use crate::secret::{Key, Place};
use crate::user::existed;
use crate::{Password, Store, StoreError, check};
use model::{TenantId, Trunk, TrunkDraft, TrunkId, TrunkPassword};
use sqlx::SqliteConnection;
use tenancy::Scope;

/// A trunk as commands show it. Its password is never read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkRow {
    /// Row id.
    pub id: TrunkId,
    /// Unique within the tenant.
    pub name: String,
    /// What was written down.
    pub draft: TrunkDraft,
    /// It has a password.
    pub has_password: bool,
}

/// A row before its password is opened: tenant, id, name, draft, sealed password.
pub(crate) type Columns = (i64, i64, String, String, Option<Vec<u8>>);

impl Store {
    /// Adds a trunk, or changes the one of that name. Without a password, one that is there stays.
    ///
    /// # Errors
    /// A field can't be, or the tenant has too many.
    pub fn set_trunk(
        &mut self,
        scope: &Scope,
        name: &str,
        draft: &TrunkDraft,
        password: Option<&Password>,
    ) -> Result<TrunkId, StoreError> {
        check::name("trunk", name, false)?;
        draft
            .check()
            .map_err(|fault| check::invalid(fault.field, "", fault.rule))?;
        let tenant = scope.tenant();
        let text = serde_json::to_string(draft).map_err(|e| StoreError::Database(e.to_string()))?;
        self.change(scope, async |db, key| {
            let id = match find(db, tenant, name).await? {
                Some(id) => id,
                None => make(db, tenant, name).await?,
            };
            sqlx::query("UPDATE trunk SET draft = ?1 WHERE id = ?2")
                .bind(text)
                .bind(sql(id.0))
                .execute(&mut *db)
                .await?;
            if let Some(password) = password {
                let sealed = key.seal(Place::trunk(tenant, id), password.reveal().as_bytes())?;
                sqlx::query("UPDATE trunk SET secret = ?1 WHERE id = ?2")
                    .bind(sealed)
                    .bind(sql(id.0))
                    .execute(db)
                    .await?;
            }
            Ok(id)
        })
    }

    /// Every trunk of a tenant, by name.
    ///
    /// # Errors
    /// The database failed, or a row was altered by foreign hands.
    pub fn list_trunks(&mut self, scope: &Scope) -> Result<Vec<TrunkRow>, StoreError> {
        let tenant = sql(scope.tenant().0);
        let rows = self.read(async |db, _| read(db, Some(tenant), true).await)?;
        let mut rows: Vec<TrunkRow> = rows.into_iter().map(row_of).collect::<Result<_, _>>()?;
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(rows)
    }

    /// Deletes a trunk and its password.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_trunk(&mut self, scope: &Scope, name: &str) -> Result<(), StoreError> {
        let tenant = scope.tenant();
        self.change(scope, async |db, _| {
            let done = sqlx::query("DELETE FROM trunk WHERE tenant = ?1 AND name = ?2")
                .bind(sql(tenant.0))
                .bind(name)
                .execute(db)
                .await?;
            existed(done.rows_affected(), "trunk", name)
        })
    }
}

pub(crate) async fn find(
    db: &mut SqliteConnection,
    tenant: TenantId,
    name: &str,
) -> Result<Option<TrunkId>, StoreError> {
    let id: Option<i64> = sqlx::query_scalar("SELECT id FROM trunk WHERE tenant = ?1 AND name = ?2")
        .bind(sql(tenant.0))
        .bind(name)
        .fetch_optional(db)
        .await?;
    Ok(id.map(|id| TrunkId(unsql(id))))
}

/// A row without a draft yet: the seal names its id.
async fn make(db: &mut SqliteConnection, tenant: TenantId, name: &str) -> Result<TrunkId, StoreError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM trunk WHERE tenant = ?1")
        .bind(sql(tenant.0))
        .fetch_one(&mut *db)
        .await?;
    if unsql(count) >= TrunkDraft::MOST as u64 {
        return Err(check::invalid(
            "trunk",
            name,
            "is one too many: a tenant has at most 100",
        ));
    }
    let id = TrunkId(last_id(db, "trunk").await? + 1);
    let done = sqlx::query("INSERT INTO trunk (id, tenant, name, draft) VALUES (?1, ?2, ?3, '{}')")
        .bind(sql(id.0))
        .bind(sql(tenant.0))
        .bind(name)
        .execute(db)
        .await;
    match done {
        Ok(_) => Ok(id),
        Err(e) if is_duplicate(&e) => Err(StoreError::duplicate("trunk", name)),
        Err(e) => Err(e.into()),
    }
}

/// The rows of all tenants, or of one, by tenant and id; of those that are enabled, unless `disabled`.
pub(crate) async fn read(
    db: &mut SqliteConnection,
    only: Option<i64>,
    disabled: bool,
) -> Result<Vec<Columns>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT r.tenant, r.id, r.name, r.draft, r.secret FROM trunk r JOIN tenant t ON t.id = r.tenant
         WHERE (t.enabled OR ?2) AND (?1 IS NULL OR r.tenant = ?1) ORDER BY r.tenant, r.id",
    )
    .bind(only)
    .bind(disabled)
    .fetch_all(db)
    .await?)
}

fn row_of((tenant, id, name, draft, secret): Columns) -> Result<TrunkRow, StoreError> {
    Ok(TrunkRow {
        id: TrunkId(unsql(id)),
        draft: draft_of(tenant, &name, &draft)?,
        name,
        has_password: secret.is_some(),
    })
}

/// A trunk as calls see it, its password opened.
pub(crate) fn trunk_of(columns: Columns, key: &Key) -> Result<Trunk, StoreError> {
    let (tenant, id, name, draft, secret) = columns;
    let trunk = TrunkId(unsql(id));
    let place = Place::trunk(TenantId(unsql(tenant)), trunk);
    let password = match secret.map(|sealed| key.open_password(place, &sealed)) {
        Some(Some(password)) => TrunkPassword(password.reveal().into()),
        None => TrunkPassword::default(),
        Some(None) => {
            let username = format!("trunk {name}");
            return Err(StoreError::SecretDamaged { username });
        }
    };
    Ok(Trunk {
        id: trunk,
        draft: draft_of(tenant, &name, &draft)?,
        name: name.into(),
        password,
    })
}

fn draft_of(tenant: i64, name: &str, text: &str) -> Result<TrunkDraft, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Damaged {
        tenant: unsql(tenant),
        what: format!("trunk {name}: {e}"),
    })
}
