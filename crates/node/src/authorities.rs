//! Whom those who vouch for callers have to be certified by: files that the operator names (RFC 8226 §4).
//!
//! Owns: reading them, and noticing that they have changed, for policy administrators publish new lists every few weeks. Does not own:
//! what is verified by them (`stir`).

use crate::tls::{Stamp, stamp};
use anyhow::{Context, Result, anyhow};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use stir::Anchors;

/// The files, and how they looked.
pub(crate) struct Authorities {
    files: Vec<PathBuf>,
    state: Mutex<State>,
}

struct State {
    seen: Vec<Stamp>,
    anchors: Arc<Anchors>,
}

impl Authorities {
    /// Reads certificates in PEM from all of these.
    ///
    /// # Errors
    /// One line that names the file and what is wrong with it.
    pub(crate) fn load(files: Vec<PathBuf>) -> Result<Authorities> {
        let seen = stamps(&files);
        let anchors = Arc::new(read(&files)?);
        let state = Mutex::new(State { seen, anchors });
        Ok(Authorities { files, state })
    }

    /// As they were read last.
    pub(crate) fn now(&self) -> Arc<Anchors> {
        Arc::clone(&self.state().anchors)
    }

    /// Reads them again when one has changed since the last look, and gives them then. On an error what they said before stays.
    pub(crate) fn watch(&self) -> Option<Arc<Anchors>> {
        let now = stamps(&self.files);
        if std::mem::replace(&mut self.state().seen, now.clone()) == now {
            return None;
        }
        match read(&self.files) {
            Ok(anchors) => {
                tracing::info!("{} authorities for callers' numbers reloaded", anchors.len());
                let anchors = Arc::new(anchors);
                self.state().anchors = Arc::clone(&anchors);
                Some(anchors)
            }
            Err(error) => {
                tracing::warn!("authorities for callers' numbers not reloaded, the old ones stay: {error:#}");
                None
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    files.iter().map(|path| stamp(path)).collect()
}

fn read(files: &[PathBuf]) -> Result<Anchors> {
    let mut all = Vec::new();
    for path in files {
        let shown = path.display();
        let pem = std::fs::read(path).with_context(|| format!("[stir] authorities: cannot read {shown}"))?;
        // Each by itself, so that the file is named which is wrong.
        Anchors::parse(&pem).map_err(|error| anyhow!("[stir] authorities: {shown}: {error}"))?;
        all.extend(pem);
        all.push(b'\n');
    }
    match files.is_empty() {
        true => Ok(Anchors::default()),
        false => Anchors::parse(&all).map_err(|error| anyhow!("[stir] authorities: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> String {
        let own = rcgen::generate_simple_self_signed(Vec::new()).unwrap();
        own.cert.pem()
    }

    #[test]
    fn files_are_read_together_and_again_when_they_change() {
        let dir = tempfile::tempdir().unwrap();
        let files = ["a.pem", "b.pem"].map(|name| dir.path().join(name)).to_vec();
        let error = Authorities::load(files.clone()).err().unwrap().to_string();
        assert!(
            error.contains("[stir] authorities") && error.contains("a.pem"),
            "{error}"
        );
        std::fs::write(&files[0], root() + &root()).unwrap();
        std::fs::write(&files[1], "nothing").unwrap();
        let error = Authorities::load(files.clone()).err().unwrap().to_string();
        assert!(error.contains("b.pem"), "{error}");
        std::fs::write(&files[1], root()).unwrap();
        let authorities = Authorities::load(files.clone()).unwrap();
        assert_eq!(authorities.now().len(), 3);
        assert!(authorities.watch().is_none());
        std::fs::write(&files[1], "nothing").unwrap();
        assert!(authorities.watch().is_none());
        assert_eq!(authorities.now().len(), 3);
        std::fs::write(&files[1], root() + &root()).unwrap();
        assert_eq!(authorities.watch().map(|anchors| anchors.len()), Some(4));
        assert!(authorities.watch().is_none());
        assert!(Authorities::load(Vec::new()).unwrap().now().is_empty());
    }
}
