//! From rows to the immutable configuration that calls read, and news of changes.

use crate::number;
use crate::open::{KnownRates, sql, unsql};
use crate::rates;
use crate::secret::{Key, Place, ha1};
use crate::sound::{self, Named};
use crate::tenant::{domains, policy_from};
use crate::trunk;
use crate::user::{UserColumns, user_of};
use crate::{Store, StoreError};
use model::{Device, DeviceId, Library, TenantConfig, TenantId, User, UserId};
use sqlx::{Row, SqliteConnection};
use std::collections::BTreeSet;
use std::iter::Peekable;
use std::vec::IntoIter;
use tenancy::Scope;

type TenantColumns = (i64, String, String, i64);

/// Device row before its password is opened.
struct Sealed {
    tenant: i64,
    id: DeviceId,
    user: UserId,
    username: String,
    secret: Vec<u8>,
}

/// All rows asked for, each list ordered by tenant.
struct Rows {
    tenants: Vec<TenantColumns>,
    domains: Peekable<IntoIter<(i64, String)>>,
    users: Peekable<IntoIter<(i64, User)>>,
    devices: Peekable<IntoIter<Sealed>>,
    sounds: Peekable<IntoIter<Named>>,
    trunks: Peekable<IntoIter<trunk::Columns>>,
    numbers: Peekable<IntoIter<number::Columns>>,
    rates: Peekable<IntoIter<rates::Columns>>,
}

impl Store {
    /// The configuration of every enabled tenant, by id, from one consistent view.
    ///
    /// # Errors
    /// The database failed, or a row was altered by foreign hands.
    pub fn load_all(&mut self) -> Result<Vec<TenantConfig>, StoreError> {
        self.configs(None, false)
    }

    /// The configuration of one tenant.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it was deleted or disabled since the scope was found; else as
    /// [`Store::load_all`].
    pub fn load(&mut self, scope: &Scope) -> Result<TenantConfig, StoreError> {
        self.load_one(scope, false)
    }

    /// The same, also of a tenant that is disabled: for commands that prepare it, never for calls.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub fn load_even_disabled(&mut self, scope: &Scope) -> Result<TenantConfig, StoreError> {
        self.load_one(scope, true)
    }

    fn load_one(&mut self, scope: &Scope, disabled: bool) -> Result<TenantConfig, StoreError> {
        let tenant = scope.tenant();
        let config = self.configs(Some(sql(tenant.0)), disabled)?.into_iter().next();
        if config.is_none() {
            self.key_and_rates().1.remove(&sql(tenant.0));
        }
        config.ok_or_else(|| StoreError::not_found("tenant", tenant))
    }

    fn configs(&mut self, only: Option<i64>, disabled: bool) -> Result<Vec<TenantConfig>, StoreError> {
        let known = self.key_and_rates().1.values();
        let known = known.flat_map(|lists| lists.keys().copied()).collect();
        let rows = self.read(async |db, _| Rows::read(db, only, disabled, &known).await)?;
        let (key, rates) = self.key_and_rates();
        rows.into_configs(key, rates)
    }

    /// The present value of the global counter and who changed since it was `counter`: made, changed,
    /// disabled or deleted. Costs one row when nothing did. Start from [`Store::counter`], read before
    /// [`Store::load_all`].
    ///
    /// # Errors
    /// The database failed.
    pub fn changes_since(&mut self, counter: u64) -> Result<(u64, Vec<TenantId>), StoreError> {
        let now = self.counter()?;
        if now == counter {
            return Ok((now, Vec::new()));
        }
        self.read(async |db, _| {
            let now = read_counter(db).await?;
            let ids: Vec<i64> = sqlx::query_scalar(
                "SELECT id FROM tenant WHERE changed > ?1
                 UNION SELECT id FROM tenant_gone WHERE changed > ?1 ORDER BY 1",
            )
            .bind(sql(counter))
            .fetch_all(db)
            .await?;
            Ok((now, ids.into_iter().map(|id| TenantId(unsql(id))).collect()))
        })
    }

    /// The global counter: rises with every change of any tenant.
    ///
    /// # Errors
    /// The database failed.
    pub fn counter(&mut self) -> Result<u64, StoreError> {
        self.one(async |db| read_counter(db).await)
    }
}

async fn read_counter(db: &mut SqliteConnection) -> Result<u64, StoreError> {
    let counter = sqlx::query_scalar("SELECT counter FROM change")
        .fetch_one(db)
        .await?;
    Ok(unsql(counter))
}

impl Rows {
    /// Of all tenants, or of one; of those that are enabled, unless `disabled`.
    async fn read(
        db: &mut SqliteConnection,
        only: Option<i64>,
        disabled: bool,
        known: &BTreeSet<i64>,
    ) -> Result<Rows, StoreError> {
        let tenants = sqlx::query_as(
            "SELECT id, name, policy, version FROM tenant
             WHERE (enabled OR ?2) AND (?1 IS NULL OR id = ?1) ORDER BY id",
        )
        .bind(only)
        .bind(disabled)
        .fetch_all(&mut *db)
        .await?;
        Ok(Rows {
            tenants,
            domains: domains(db, only, disabled).await?.into_iter().peekable(),
            users: users(db, only, disabled).await?.into_iter().peekable(),
            devices: devices(db, only, disabled).await?.into_iter().peekable(),
            sounds: sound::named(db, only, disabled).await?.into_iter().peekable(),
            trunks: trunk::read(db, only, disabled).await?.into_iter().peekable(),
            numbers: number::read(db, only, disabled).await?.into_iter().peekable(),
            rates: rates::read(db, only, disabled, known)
                .await?
                .into_iter()
                .peekable(),
        })
    }

    fn into_configs(mut self, key: &Key, known: &mut KnownRates) -> Result<Vec<TenantConfig>, StoreError> {
        let tenants = std::mem::take(&mut self.tenants);
        tenants
            .into_iter()
            .map(|tenant| self.next_config(tenant, key, known))
            .collect()
    }

    /// Builds the next tenant from the front of each list.
    fn next_config(
        &mut self,
        tenant: TenantColumns,
        key: &Key,
        known: &mut KnownRates,
    ) -> Result<TenantConfig, StoreError> {
        let (id, name, policy, version) = tenant;
        let mut domains = Vec::new();
        while let Some((_, domain)) = self.domains.next_if(|(t, _)| *t == id) {
            domains.push(domain);
        }
        let mut users = Vec::new();
        while let Some((_, user)) = self.users.next_if(|(t, _)| *t == id) {
            users.push(user);
        }
        let realm = domains.first().map_or("", String::as_str);
        let mut devices = Vec::new();
        while let Some(sealed) = self.devices.next_if(|d| d.tenant == id) {
            devices.push(sealed.open(realm, key)?);
        }
        let mut library = Library::default();
        while let Some(named) = self.sounds.next_if(|named| named.0 == id) {
            sound::shelve(&mut library, &named);
        }
        let mut trunks = Vec::new();
        while let Some(columns) = self.trunks.next_if(|(t, ..)| *t == id) {
            trunks.push(trunk::trunk_of(columns, key)?);
        }
        let mut numbers = Vec::new();
        while let Some(columns) = self.numbers.next_if(|(t, ..)| *t == id) {
            numbers.push(number::range_of(columns)?);
        }
        let lists = std::iter::from_fn(|| self.rates.next_if(|(t, ..)| *t == id));
        let lists = rates::lists_of(known, id, lists)?;
        let policy = policy_from(id, &policy)?;
        let domains: Vec<&str> = domains.iter().map(String::as_str).collect();
        let tenant = TenantId(unsql(id));
        let config = TenantConfig::new(tenant, unsql(version), &name, &domains, policy, users, devices);
        let config = config.map_err(|e| StoreError::Damaged {
            tenant: tenant.0,
            what: e.to_string(),
        })?;
        Ok(config
            .with_library(library)
            .with_trunks(trunks)
            .with_numbers(numbers)
            .with_rates(lists.prices)
            .with_costs(lists.costs))
    }
}

impl Sealed {
    fn open(self, realm: &str, key: &Key) -> Result<Device, StoreError> {
        let place = Place {
            tenant: TenantId(unsql(self.tenant)),
            device: self.id,
        };
        let Some(password) = key.open_password(place, &self.secret) else {
            let username = self.username;
            return Err(StoreError::SecretDamaged { username });
        };
        Ok(Device {
            id: self.id,
            user: self.user,
            secret: ha1(&self.username, realm, &password),
            username: self.username.into(),
        })
    }
}

async fn users(
    db: &mut SqliteConnection,
    only: Option<i64>,
    disabled: bool,
) -> Result<Vec<(i64, User)>, StoreError> {
    let rows: Vec<(i64, i64, String, String, bool, String)> = sqlx::query_as(
        "SELECT u.tenant, u.id, u.extension, u.display, u.enabled, u.settings
         FROM user u JOIN tenant t ON t.id = u.tenant
         WHERE (t.enabled OR ?2) AND (?1 IS NULL OR u.tenant = ?1) ORDER BY u.tenant, u.id",
    )
    .bind(only)
    .bind(disabled)
    .fetch_all(db)
    .await?;
    let user = |(tenant, id, extension, display, enabled, settings)| {
        let columns: UserColumns = (id, extension, display, enabled, settings);
        Ok((tenant, user_of(TenantId(unsql(tenant)), columns)?))
    };
    rows.into_iter().map(user).collect()
}

async fn devices(
    db: &mut SqliteConnection,
    only: Option<i64>,
    disabled: bool,
) -> Result<Vec<Sealed>, StoreError> {
    let rows = sqlx::query(
        "SELECT d.tenant, d.id, d.user, d.username, d.secret FROM device d JOIN tenant t ON t.id = d.tenant
         WHERE (t.enabled OR ?2) AND (?1 IS NULL OR d.tenant = ?1) ORDER BY d.tenant, d.id",
    )
    .bind(only)
    .bind(disabled)
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Sealed {
                tenant: row.try_get(0)?,
                id: DeviceId(unsql(row.try_get(1)?)),
                user: UserId(unsql(row.try_get(2)?)),
                username: row.try_get(3)?,
                secret: row.try_get(4)?,
            })
        })
        .collect()
}
