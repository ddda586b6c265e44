//! Where things are on this machine.

use crate::arguments::Global;
use crate::config;
use anyhow::{Context, Result};
use std::env;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The data directory of a command: `--data-dir`, else `data_dir` of `--config`, else `CARILLON_DATA_DIR`,
/// else the default.
///
/// # Errors
/// The configuration file can't be read, or nothing names a home.
pub(crate) fn data_dir(global: &Global) -> Result<PathBuf> {
    if let Some(dir) = &global.data_dir {
        return Ok(dir.clone());
    }
    let configured = match &global.config {
        Some(file) => config::load(file)?.data_dir,
        None => None,
    };
    configured.map_or_else(default_data_dir, Ok)
}

/// Without any option: the environment's, else the system's place for root and a user's own otherwise.
///
/// # Errors
/// Neither `CARILLON_DATA_DIR`, `XDG_STATE_HOME` nor `HOME` is set.
pub(crate) fn default_data_dir() -> Result<PathBuf> {
    let named = |name: &str| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(dir) = named("CARILLON_DATA_DIR") {
        return Ok(dir);
    }
    if is_root() {
        return Ok(PathBuf::from("/var/lib/carillon"));
    }
    named("XDG_STATE_HOME")
        .or_else(|| named("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("carillon"))
        .context("no home directory is known; name a data directory with --data-dir")
}

/// The socket of live commands. Whoever may open it is the operator: the directory is 0700, the socket 0600.
pub(crate) fn control_socket(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
