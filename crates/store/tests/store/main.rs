//! What the server and the commands rely on: rows, secrets, locks, journals. Each test has a directory of its
//! own; a kill is the directory copied as it is at that moment.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "threads stand for other processes; helpers are tests too, and clippy.toml frees only test functions"
)]

mod bindings;
mod calls;
mod cdrs;
mod counted;
mod events;
mod journals;
mod locks;
mod numbers;
mod rates;
mod recordings;
mod secrets;
mod snapshots;
mod sounds;
mod spool;
mod tenants;
mod trunks;
mod users;

use model::{Cause, Cdr, CdrId, EndedBy, Party, TenantId, Wall};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};
use std::fs;
use std::path::{Path, PathBuf};
use store::{Password, Store};
use tempfile::TempDir;
use tenancy::{Operator, Scope};
use tokio::runtime::Runtime;

/// A store of its own directory with two tenants, `acme` and `beta`.
struct Bench {
    store: Store,
    acme: Scope,
    beta: Scope,
    dir: TempDir,
}

fn bench() -> Bench {
    let dir = TempDir::new().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let acme = store
        .add_tenant(&Operator::local(), "acme", &["acme.example"])
        .unwrap();
    let beta = store
        .add_tenant(&Operator::local(), "beta", &["beta.example"])
        .unwrap();
    let directory = store.directory().unwrap();
    let scope = |id| directory.by_tag(id).unwrap();
    let (acme, beta) = (scope(acme), scope(beta));
    Bench {
        store,
        acme,
        beta,
        dir,
    }
}

fn password(text: &str) -> Password {
    Password::new(text).unwrap()
}

fn cdr(number: u8, tenant: TenantId) -> Cdr {
    let party = |number: &str| Party {
        number: number.into(),
        ..Party::default()
    };
    Cdr {
        id: CdrId([number; 16]),
        tenant,
        config_version: 1,
        caller: party("100"),
        callee: party(if number.is_multiple_of(2) { "101" } else { "102" }),
        start: Wall(1000 * u64::from(number)),
        ring: None,
        answer: None,
        end: Wall(1000 * u64::from(number) + 500),
        talk_ms: 0,
        cause: Cause { sip: 486, q850: 17 },
        ended_by: EndedBy::Callee,
        path: vec!["extension 101".into()],
        caller_media: None,
        streams: Vec::new(),
        audio: Vec::new(),
        callee_media: None,
        caller_srtp: None,
        callee_srtp: None,
        parent: None,
        transferred_by: None,
        recordings: Vec::new(),
        transferred_to: None,
        did: None,
        class: None,
        charge: None,
        stir: None,
    }
}

/// A foreign connection into the database, as another process has one.
struct Foreign {
    connection: SqliteConnection,
    runtime: Runtime,
}

impl Foreign {
    fn open(dir: &Path) -> Foreign {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let options = SqliteConnectOptions::new().filename(dir.join("carillon.db"));
        let connection = runtime.block_on(options.connect()).unwrap();
        Foreign { connection, runtime }
    }

    fn run(&mut self, statement: &str) {
        let query = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut self.connection);
        self.runtime.block_on(query).unwrap();
    }
}

/// The directory as a kill at this moment leaves it.
fn killed(dir: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    for path in files(dir) {
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
}
