//! Tenants and their domains.

use crate::error::is_duplicate;
use crate::number;
use crate::open::{raise, sql, tick, unsql};
use crate::{Store, StoreError, check};
use model::{Currency, Policy, TenantId};
use serde::Serialize;
use sqlx::SqliteConnection;
use tenancy::{Directory, Domain, Operator, Scope};

/// A tenant as commands show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TenantRow {
    /// Row id.
    pub id: TenantId,
    /// Display name of the company, unique on this installation.
    pub name: String,
    /// A disabled tenant's domains are unknown to SIP.
    pub enabled: bool,
    /// Rises with every change.
    pub version: u64,
    /// In canonical spelling; the first is the realm.
    pub domains: Vec<String>,
    /// What it decides.
    pub policy: Policy,
    /// Number of users.
    pub users: u64,
    /// Number of devices.
    pub devices: u64,
}

type Columns = (i64, String, bool, i64, String, i64, i64);

impl Store {
    /// Creates a tenant with at least one domain; the first is its realm for ever, or until it is removed.
    ///
    /// # Errors
    /// The name or a domain is taken or malformed.
    pub fn add_tenant(&mut self, _: &Operator, name: &str, domains: &[&str]) -> Result<TenantId, StoreError> {
        check::name("tenant", name, false)?;
        if domains.is_empty() {
            return Err(StoreError::Domain(
                Domain::parse("").err().unwrap_or_else(no_domain),
            ));
        }
        let domains = domains
            .iter()
            .map(|d| Domain::parse(d))
            .collect::<Result<Vec<_>, _>>()?;
        let policy = policy_json(&Policy::default())?;
        self.write(async |db, _| {
            let counter = tick(db).await?;
            let id = sqlx::query_scalar(
                "INSERT INTO tenant (name, policy, version, changed) VALUES (?1, ?2, 1, ?3) RETURNING id",
            )
            .bind(name)
            .bind(policy)
            .bind(counter)
            .fetch_one(&mut *db)
            .await;
            let id: i64 = id.map_err(|e| taken(e, "tenant", name))?;
            for domain in &domains {
                insert_domain(db, TenantId(unsql(id)), domain).await?;
            }
            Ok(TenantId(unsql(id)))
        })
    }

    /// Every tenant by id, disabled ones too.
    ///
    /// # Errors
    /// The database failed.
    pub fn list_tenants(&mut self, _: &Operator) -> Result<Vec<TenantRow>, StoreError> {
        self.read(async |db, _| rows(db, None).await)
    }

    /// The tenant with this id, name or domain, for an operator who types one of them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn find_tenant(&mut self, _: &Operator, text: &str) -> Result<TenantRow, StoreError> {
        let domain = Domain::parse(text).map_or_else(|_| text.to_owned(), Domain::into_string);
        self.read(async |db, _| {
            let id: Option<i64> = sqlx::query_scalar(
                "SELECT id FROM tenant WHERE name = ?1 UNION ALL SELECT tenant FROM domain WHERE name = ?2
                 UNION ALL SELECT id FROM tenant WHERE CAST(id AS TEXT) = ?1 LIMIT 1",
            )
            .bind(text)
            .bind(domain)
            .fetch_optional(&mut *db)
            .await?;
            let id = id.ok_or_else(|| StoreError::not_found("tenant", text))?;
            one_row(db, TenantId(unsql(id))).await
        })
    }

    /// One tenant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it has been deleted since the scope was found.
    pub fn tenant(&mut self, scope: &Scope) -> Result<TenantRow, StoreError> {
        let tenant = scope.tenant();
        self.read(async |db, _| one_row(db, tenant).await)
    }

    /// Deletes a tenant with its users, devices, domains and call records. Its id is never given again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_tenant(&mut self, _: &Operator, tenant: TenantId) -> Result<(), StoreError> {
        self.write(async |db, _| {
            raise(db, tenant).await?;
            sqlx::query("INSERT INTO tenant_gone (id, changed) SELECT id, changed FROM tenant WHERE id = ?1")
                .bind(sql(tenant.0))
                .execute(&mut *db)
                .await?;
            for statement in [
                "DELETE FROM cdr WHERE tenant = ?1",
                "DELETE FROM recording WHERE tenant = ?1",
                "DELETE FROM tenant WHERE id = ?1",
            ] {
                sqlx::query(statement)
                    .bind(sql(tenant.0))
                    .execute(&mut *db)
                    .await?;
            }
            Ok(())
        })
    }

    /// Switches a tenant on or off as a whole.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn set_tenant_enabled(
        &mut self,
        _: &Operator,
        tenant: TenantId,
        enabled: bool,
    ) -> Result<(), StoreError> {
        self.write(async |db, _| {
            raise(db, tenant).await?;
            sqlx::query("UPDATE tenant SET enabled = ?1 WHERE id = ?2")
                .bind(enabled)
                .bind(sql(tenant.0))
                .execute(db)
                .await?;
            Ok(())
        })
    }

    /// Replaces the policy.
    ///
    /// # Errors
    /// The tenant is gone, or its price list is in another currency than the limits.
    pub fn set_policy(&mut self, scope: &Scope, policy: &Policy) -> Result<(), StoreError> {
        let currency = policy.toll.currency;
        let (tenant, policy) = (scope.tenant(), policy_json(policy)?);
        self.change(scope, async |db, _| {
            fit(db, tenant, currency).await?;
            sqlx::query("UPDATE tenant SET policy = ?1 WHERE id = ?2")
                .bind(policy)
                .bind(sql(tenant.0))
                .execute(db)
                .await?;
            Ok(())
        })
    }

    /// Adds a domain after the tenant's others.
    ///
    /// # Errors
    /// Malformed, or [`StoreError::DomainTaken`], which names both tenants.
    pub fn add_domain(&mut self, scope: &Scope, domain: &str) -> Result<(), StoreError> {
        let (tenant, domain) = (scope.tenant(), Domain::parse(domain)?);
        self.change(scope, async |db, _| insert_domain(db, tenant, &domain).await)
    }

    /// Removes a domain. When it was the first, the next becomes the realm; passwords stay valid.
    ///
    /// # Errors
    /// Not the tenant's, or its last.
    pub fn remove_domain(&mut self, scope: &Scope, domain: &str) -> Result<(), StoreError> {
        let (tenant, domain) = (scope.tenant(), Domain::parse(domain)?);
        self.change(scope, async |db, _| {
            let done = sqlx::query("DELETE FROM domain WHERE tenant = ?1 AND name = ?2")
                .bind(sql(tenant.0))
                .bind(domain.as_str())
                .execute(&mut *db)
                .await?;
            if done.rows_affected() == 0 {
                return Err(StoreError::not_found("domain", &domain));
            }
            let left: i64 = sqlx::query_scalar("SELECT count(*) FROM domain WHERE tenant = ?1")
                .bind(sql(tenant.0))
                .fetch_one(db)
                .await?;
            if left == 0 {
                let domain = domain.into_string();
                return Err(StoreError::LastDomain { domain });
            }
            Ok(())
        })
    }

    /// Domain to tenant for SIP: enabled tenants only.
    ///
    /// # Errors
    /// The database failed or was altered by foreign hands.
    pub fn directory(&mut self) -> Result<Directory, StoreError> {
        self.read(async |db, _| directory(db, false).await)
    }

    /// Domain to tenant for the operator: disabled tenants too.
    ///
    /// # Errors
    /// As [`Store::directory`].
    pub fn full_directory(&mut self, _: &Operator) -> Result<Directory, StoreError> {
        self.read(async |db, _| directory(db, true).await)
    }
}

fn no_domain() -> tenancy::DomainError {
    tenancy::DomainError {
        text: String::new(),
        what: "a tenant needs one",
    }
}

fn taken(error: sqlx::Error, what: &'static str, value: &str) -> StoreError {
    if is_duplicate(&error) {
        StoreError::duplicate(what, value)
    } else {
        error.into()
    }
}

async fn insert_domain(
    db: &mut SqliteConnection,
    tenant: TenantId,
    domain: &Domain,
) -> Result<(), StoreError> {
    let owner: Option<(i64, String)> = sqlx::query_as(
        "SELECT t.id, t.name FROM domain d JOIN tenant t ON t.id = d.tenant WHERE d.name = ?1",
    )
    .bind(domain.as_str())
    .fetch_optional(&mut *db)
    .await?;
    if let Some((id, owner)) = owner {
        if unsql(id) == tenant.0 {
            return Err(StoreError::duplicate("domain", domain.as_str()));
        }
        let other = sqlx::query_scalar("SELECT name FROM tenant WHERE id = ?1")
            .bind(sql(tenant.0))
            .fetch_one(db)
            .await?;
        let domain = domain.to_string();
        return Err(StoreError::DomainTaken { domain, owner, other });
    }
    sqlx::query("INSERT INTO domain (tenant, name) VALUES (?1, ?2)")
        .bind(sql(tenant.0))
        .bind(domain.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Fails where the tenant has a price list in another currency than its limits.
async fn fit(
    db: &mut SqliteConnection,
    tenant: TenantId,
    limits: Option<Currency>,
) -> Result<(), StoreError> {
    let Some(limits) = limits else { return Ok(()) };
    let list: Option<String> =
        sqlx::query_scalar("SELECT currency FROM rates WHERE tenant = ?1 AND trunk IS NULL")
            .bind(sql(tenant.0))
            .fetch_optional(db)
            .await?;
    match list.map(|list| currency_of(tenant, &list)).transpose()? {
        Some(list) if list != limits => Err(check::invalid(
            "currency of the limits",
            &limits.to_string(),
            "is not that of the tenant's price list; carillon rate show tells which that is",
        )),
        _ => Ok(()),
    }
}

pub(crate) fn currency_of(tenant: TenantId, text: &str) -> Result<Currency, StoreError> {
    text.parse().map_err(|_| StoreError::Damaged {
        tenant: tenant.0,
        what: format!("the currency of its price list: {text:?}"),
    })
}

fn policy_json(policy: &Policy) -> Result<String, StoreError> {
    serde_json::to_string(policy).map_err(|e| StoreError::Database(e.to_string()))
}

pub(crate) fn policy_from(tenant: i64, json: &str) -> Result<Policy, StoreError> {
    serde_json::from_str(json).map_err(|e| StoreError::Damaged {
        tenant: unsql(tenant),
        what: format!("its policy: {e}"),
    })
}

async fn rows(db: &mut SqliteConnection, only: Option<i64>) -> Result<Vec<TenantRow>, StoreError> {
    let columns: Vec<Columns> = sqlx::query_as(
        "SELECT t.id, t.name, t.enabled, t.version, t.policy,
                (SELECT count(*) FROM user u WHERE u.tenant = t.id),
                (SELECT count(*) FROM device d WHERE d.tenant = t.id)
         FROM tenant t WHERE ?1 IS NULL OR t.id = ?1 ORDER BY t.id",
    )
    .bind(only)
    .fetch_all(&mut *db)
    .await?;
    let mut domains = domains(db, only, true).await?.into_iter().peekable();
    let mut rows = Vec::with_capacity(columns.len());
    for (id, name, enabled, version, policy, users, devices) in columns {
        let mut own = Vec::new();
        while let Some((_, domain)) = domains.next_if(|(tenant, _)| *tenant == id) {
            own.push(domain);
        }
        rows.push(TenantRow {
            id: TenantId(unsql(id)),
            name,
            enabled,
            version: unsql(version),
            domains: own,
            policy: policy_from(id, &policy)?,
            users: unsql(users),
            devices: unsql(devices),
        });
    }
    Ok(rows)
}

async fn one_row(db: &mut SqliteConnection, tenant: TenantId) -> Result<TenantRow, StoreError> {
    let found = rows(db, Some(sql(tenant.0))).await?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| StoreError::not_found("tenant", tenant))
}

/// Tenant and domain, ordered by tenant and then by age.
pub(crate) async fn domains(
    db: &mut SqliteConnection,
    only: Option<i64>,
    disabled: bool,
) -> Result<Vec<(i64, String)>, StoreError> {
    Ok(sqlx::query_as(
        "SELECT d.tenant, d.name FROM domain d JOIN tenant t ON t.id = d.tenant
         WHERE (?1 IS NULL OR d.tenant = ?1) AND (t.enabled OR ?2) ORDER BY d.tenant, d.id",
    )
    .bind(only)
    .bind(disabled)
    .fetch_all(db)
    .await?)
}

async fn directory(db: &mut SqliteConnection, disabled: bool) -> Result<Directory, StoreError> {
    let rows = domains(db, None, disabled).await?;
    let rows = rows
        .into_iter()
        .map(|(tenant, name)| (TenantId(unsql(tenant)), vec![name]));
    let directory = Directory::new(rows).map_err(|e| StoreError::Database(e.to_string()))?;
    let numbers = number::owned(db, disabled).await?;
    Ok(directory.with_numbers(numbers))
}
