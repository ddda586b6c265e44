//! The data directory and the one connection into its database.
//!
//! Owns: permissions, locks, schema, the transaction that every change runs in. Does not own: what is read
//! and written, see the modules named after the tables.

use crate::StoreError;
use crate::error::BUSY_TIMEOUT;
use crate::secret::{Key, Place};
use model::{RateDraft, TenantId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tenancy::Scope;
use tokio::runtime::Runtime;

/// Text behind [`Place::CHECK`].
const KEY_CHECK: &[u8] = b"carillon";
/// How often a held opening lock is tried again.
const LOCK_RETRY: Duration = Duration::from_millis(5);

/// How to open.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Longest wait for a lock that another process holds.
    pub busy_timeout: Duration,
    /// Refuse when another server holds the directory, and hold it until dropped.
    pub exclusive: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            busy_timeout: BUSY_TIMEOUT,
            exclusive: false,
        }
    }
}

/// Price lists that were read, by tenant and by the id of their rows.
pub(crate) type KnownRates = BTreeMap<i64, BTreeMap<i64, Arc<RateDraft>>>;

/// The configuration and records of one data directory.
///
/// Every method blocks the calling thread, which must not be a thread of an async runtime: the store drives
/// its own. It is `Send` and takes `&mut self`; threads that share a directory open a `Store` each, as other
/// processes do. SQLite's write-ahead log lets them read while one writes; a second writer waits at most
/// [`Options::busy_timeout`] and then gets [`StoreError::Locked`].
pub struct Store {
    connection: SqliteConnection,
    runtime: Runtime,
    dir: PathBuf,
    key: Key,
    /// Price lists that were read.
    rates: KnownRates,
    busy_timeout: Duration,
    /// Held for as long as the file is open.
    _lock: Option<File>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens beside others: for commands, and for further threads of a server.
    ///
    /// # Errors
    /// The directory can't be made or written, the key is missing, wrong or exposed, the database is locked,
    /// from a later version, or broken.
    pub fn open(dir: impl AsRef<Path>) -> Result<Store, StoreError> {
        Store::open_with(dir.as_ref(), Options::default())
    }

    /// Opens for a server: no other server may hold the directory.
    ///
    /// # Errors
    /// As [`Store::open`], and [`StoreError::InUse`].
    pub fn open_exclusive(dir: impl AsRef<Path>) -> Result<Store, StoreError> {
        let exclusive = true;
        Store::open_with(
            dir.as_ref(),
            Options {
                exclusive,
                ..Options::default()
            },
        )
    }

    /// Opens as `options` say. Makes the directory (0700), the database, its tables and the key when they
    /// are missing.
    ///
    /// # Errors
    /// As [`Store::open_exclusive`].
    pub fn open_with(dir: &Path, options: Options) -> Result<Store, StoreError> {
        make_dir(dir)?;
        let lock = options.exclusive.then(|| hold(dir)).transpose()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| StoreError::path(dir, e))?;
        let _opening = Opening::wait(dir, options.busy_timeout)?;
        let (connection, key) = runtime
            .block_on(connect(dir, options.busy_timeout))
            .map_err(|e| waited(e, options.busy_timeout))?;
        Ok(Store {
            connection,
            runtime,
            dir: dir.to_owned(),
            key,
            rates: KnownRates::new(),
            busy_timeout: options.busy_timeout,
            _lock: lock,
        })
    }

    /// Closes the database and waits for it: the write-ahead log is folded in when nobody else has it open.
    /// A store that is dropped closes a moment later, by a thread of its own; that is as safe.
    ///
    /// # Errors
    /// The disk is full or broken.
    pub fn close(self) -> Result<(), StoreError> {
        Ok(self.runtime.block_on(self.connection.close())?)
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A key for one purpose, the same for as long as the data directory has its key file. None tells anything about
    /// another, or about the key that seals passwords.
    #[must_use]
    pub fn derived_key(&self, purpose: &str) -> [u8; 32] {
        self.key.derived(purpose)
    }

    /// What configurations are made with beside rows: the key of passwords, and the price lists that were read before.
    pub(crate) fn key_and_rates(&mut self) -> (&Key, &mut KnownRates) {
        (&self.key, &mut self.rates)
    }

    /// Reads in one consistent view.
    pub(crate) fn read<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut SqliteConnection, &Key) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transact("BEGIN", work)
    }

    /// Changes rows that are nobody's configuration. The write lock is taken at once: a read that turns into
    /// a write could not wait for it.
    pub(crate) fn write<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut SqliteConnection, &Key) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transact("BEGIN IMMEDIATE", work)
    }

    /// Changes one tenant: raises its version and the global counter with it.
    pub(crate) fn change<T>(
        &mut self,
        scope: &Scope,
        work: impl AsyncFnOnce(&mut SqliteConnection, &Key) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let tenant = scope.tenant();
        self.write(async move |db, key| {
            raise(db, tenant).await?;
            work(db, key).await
        })
    }

    fn transact<T>(
        &mut self,
        begin: &'static str,
        work: impl AsyncFnOnce(&mut SqliteConnection, &Key) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (connection, key) = (&mut self.connection, &self.key);
        let done = self.runtime.block_on(async {
            let mut transaction = connection.begin_with(begin).await?;
            // An error drops the transaction, which rolls it back before the next one begins.
            let value = work(&mut transaction, key).await?;
            transaction.commit().await?;
            Ok(value)
        });
        done.map_err(|e| waited(e, self.busy_timeout))
    }

    /// Runs one statement that reads, without a transaction around it.
    pub(crate) fn one<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let done = self.runtime.block_on(work(&mut self.connection));
        done.map_err(|e| waited(e, self.busy_timeout))
    }

    /// Puts everything committed so far beyond the reach of a power cut.
    ///
    /// # Errors
    /// The disk is full or broken.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.one(async |db| {
            sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(db).await?;
            Ok(())
        })
    }
}

/// The next value of the global counter, now the tenant's.
pub(crate) async fn raise(db: &mut SqliteConnection, tenant: TenantId) -> Result<(), StoreError> {
    let counter = tick(db).await?;
    let done = sqlx::query("UPDATE tenant SET version = version + 1, changed = ?1 WHERE id = ?2")
        .bind(counter)
        .bind(sql(tenant.0))
        .execute(db)
        .await?;
    match done.rows_affected() {
        0 => Err(StoreError::not_found("tenant", tenant)),
        _ => Ok(()),
    }
}

/// Raises the global counter.
pub(crate) async fn tick(db: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(
        sqlx::query_scalar("UPDATE change SET counter = counter + 1 RETURNING counter")
            .fetch_one(db)
            .await?,
    )
}

/// An id as SQLite keeps it. Ids beyond its range exist in no row.
pub(crate) fn sql(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

/// An id or a count as SQLite gave it; it never gives a negative one.
pub(crate) fn unsql(id: i64) -> u64 {
    u64::try_from(id).unwrap_or(0)
}

fn waited(error: StoreError, busy_timeout: Duration) -> StoreError {
    match error {
        StoreError::Locked { .. } => StoreError::Locked { waited: busy_timeout },
        other => other,
    }
}

fn make_dir(dir: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| StoreError::path(dir, e))
}

/// A file of ours that nobody else may read, made when missing.
fn private_file(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|e| StoreError::path(path, e))
}

/// Holds the directory for one server, until the file is closed; a killed process leaves no trace.
fn hold(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("serve.lock");
    let file = private_file(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: dir.to_owned() }),
        Err(TryLockError::Error(e)) => Err(StoreError::path(&path, e)),
    }
}

/// Only one process at a time makes the key and the tables.
struct Opening {
    _file: File,
}

impl Opening {
    fn wait(dir: &Path, limit: Duration) -> Result<Opening, StoreError> {
        let path = dir.join("open.lock");
        let file = private_file(&path)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Opening { _file: file }),
                Err(TryLockError::Error(e)) => return Err(StoreError::path(&path, e)),
                Err(TryLockError::WouldBlock) if start.elapsed() >= limit => {
                    return Err(StoreError::Locked { waited: limit });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_RETRY),
            }
        }
    }
}

async fn connect(dir: &Path, busy_timeout: Duration) -> Result<(SqliteConnection, Key), StoreError> {
    let path = dir.join("carillon.db");
    drop(private_file(&path)?);
    let mut db = SqliteConnectOptions::new()
        .filename(&path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(busy_timeout)
        .disable_statement_logging()
        .connect()
        .await?;
    sqlx::migrate!("./migrations")
        .run_direct(None, &mut db, false)
        .await?;
    let key = match Key::load(dir)? {
        Some(key) => key,
        None => first_key(&mut db, dir).await?,
    };
    check_key(&mut db, &key).await?;
    Ok((db, key))
}

/// A new key, unless passwords exist that it could never open.
async fn first_key(db: &mut SqliteConnection, dir: &Path) -> Result<Key, StoreError> {
    let secrets: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM device UNION SELECT 1 FROM trunk WHERE secret IS NOT NULL)",
    )
    .fetch_one(&mut *db)
    .await?;
    if secrets != 0 {
        let path = Key::path_in(dir);
        return Err(StoreError::KeyMissing { path });
    }
    sqlx::query("DELETE FROM key_check").execute(db).await?;
    Key::create(dir)
}

async fn check_key(db: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    let sealed: Option<Vec<u8>> = sqlx::query_scalar("SELECT sealed FROM key_check")
        .fetch_optional(&mut *db)
        .await?;
    if let Some(sealed) = sealed {
        let text = key.open(Place::CHECK, &sealed);
        return text
            .filter(|t| t == KEY_CHECK)
            .map(|_| ())
            .ok_or_else(|| key.wrong());
    }
    sqlx::query("INSERT INTO key_check (one, sealed) VALUES (1, ?1)")
        .bind(key.seal(Place::CHECK, KEY_CHECK)?)
        .execute(db)
        .await?;
    Ok(())
}
