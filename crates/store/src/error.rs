//! What can go wrong, each as one line that says what to do.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// Why the store refused or failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The data directory or a file in it can't be used.
    #[error("{}: {source}; let the user that runs carillon read and write it, or choose another data directory", path.display())]
    Path {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another server owns the data directory.
    #[error("{} is in use by another carillon server; stop it first, or choose another data directory", path.display())]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// Somebody else held the database longer than the bounded wait.
    #[error("the database is locked by another process for more than {} s; wait until it is done, or stop it, and try again", waited.as_secs_f32())]
    Locked {
        /// How long was waited.
        waited: Duration,
    },
    /// A later version has changed the tables.
    #[error(
        "the database belongs to a later version of carillon (schema {found}); install that version, or restore a backup"
    )]
    Newer {
        /// Number of the unknown schema change.
        found: i64,
    },
    /// There are sealed passwords and nothing to open them with.
    #[error("{} is missing, and the database has passwords sealed with it; restore the file from your backup", path.display())]
    KeyMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The key file is not the one that sealed the passwords, or not a key at all.
    #[error("{} is not the key of this database; restore the file that belongs to it from your backup", path.display())]
    KeyWrong {
        /// The file.
        path: PathBuf,
    },
    /// Others can read the key file.
    #[error("{} can be read by others; run: chmod 600 {}", path.display(), path.display())]
    KeyExposed {
        /// The file.
        path: PathBuf,
    },
    /// A password that does not open although the key is right: the row was altered.
    #[error("the password of device {username} can't be opened; set it anew")]
    SecretDamaged {
        /// Digest username.
        username: String,
    },
    /// The disk is full.
    #[error("the disk of the data directory is full; free some space")]
    DiskFull,
    /// No such row in this scope.
    #[error("there is no {what} {value}")]
    NotFound {
        /// `tenant`, `user`, `device` or `domain`.
        what: &'static str,
        /// What was asked for.
        value: String,
    },
    /// The row would be the second of its name.
    #[error("{what} {value} exists already; choose another, or delete that one")]
    Duplicate {
        /// `tenant`, `domain`, `extension` or `username`.
        what: &'static str,
        /// Which.
        value: String,
    },
    /// A domain belongs to one tenant.
    #[error(
        "domain {domain} belongs to tenant {owner} and can't belong to tenant {other} too; remove it from one"
    )]
    DomainTaken {
        /// In canonical spelling.
        domain: String,
        /// Name of the tenant that has it.
        owner: String,
        /// Name of the tenant that should get it.
        other: String,
    },
    /// A tenant needs a realm.
    #[error("{domain} is the tenant's only domain; add another before you remove it")]
    LastDomain {
        /// In canonical spelling.
        domain: String,
    },
    /// A value that breaks a rule of its field.
    #[error("{what} {value:?} {rule}")]
    Invalid {
        /// Field.
        what: &'static str,
        /// The text, cut to a printable length; empty for a password.
        value: String,
        /// The rule.
        rule: &'static str,
    },
    /// A domain that is none.
    #[error(transparent)]
    Domain(#[from] tenancy::DomainError),
    /// One row of an import is bad; nothing of it was stored.
    #[error("row {row}: {source}")]
    Row {
        /// From 1.
        row: usize,
        /// What is wrong with it.
        source: Box<StoreError>,
    },
    /// Rows that break what the tables promise; only foreign hands in the file do this.
    #[error("tenant {tenant} in the database is damaged: {what}; restore a backup")]
    Damaged {
        /// Row id.
        tenant: u64,
        /// What was found.
        what: String,
    },
    /// A journal failed.
    #[error(transparent)]
    Journal(#[from] crate::journal::JournalError),
    /// Anything else that SQLite reports.
    #[error("the database failed: {0}; check the disk, then restore a backup if it persists")]
    Database(String),
}

impl StoreError {
    pub(crate) fn path(path: &Path, source: io::Error) -> StoreError {
        StoreError::Path {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn not_found(what: &'static str, value: impl ToString) -> StoreError {
        StoreError::NotFound {
            what,
            value: value.to_string(),
        }
    }

    pub(crate) fn duplicate(what: &'static str, value: &str) -> StoreError {
        StoreError::Duplicate {
            what,
            value: value.to_owned(),
        }
    }
}

/// Longest wait for a lock that another process holds, unless [`crate::Options`] says otherwise.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> StoreError {
        match primary_code(&error) {
            Some(5 | 6) => StoreError::Locked { waited: BUSY_TIMEOUT },
            Some(13) => StoreError::DiskFull,
            _ => StoreError::Database(one_line(&error.to_string())),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> StoreError {
        use sqlx::migrate::MigrateError as M;
        match error {
            M::VersionMissing(found) | M::VersionMismatch(found) => StoreError::Newer { found },
            M::Execute(e) | M::ExecuteMigration(e, _) => e.into(),
            other => StoreError::Database(one_line(&other.to_string())),
        }
    }
}

/// SQLite's primary result code: extended codes keep it in their low octet.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// True for a broken UNIQUE or PRIMARY KEY constraint.
pub(crate) fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|e| e.is_unique_violation())
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}
