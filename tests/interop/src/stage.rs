//! One test's surroundings: a directory, a block of ports, and a verdict that keeps the logs of a failure.

use crate::ports::Ports;
use crate::process::tail;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;

/// Surroundings of one test. Whatever it starts lives in its directory and on its ports.
#[derive(Debug)]
pub struct Stage {
    name: String,
    dir: TempDir,
    /// The test's ports.
    pub ports: Ports,
}

impl Stage {
    /// Runs a test. `play` returns the figures to print.
    ///
    /// # Errors
    /// What `play` returned; its logs are kept and named, their ends printed.
    pub fn run(name: &str, play: impl FnOnce(&Stage) -> Result<String>) -> Result<()> {
        let begun = Instant::now();
        let dir = tempfile::Builder::new()
            .prefix(&format!("interop-{name}-"))
            .tempdir()
            .context("no temporary directory")?;
        let ports = Ports::claim()?;
        let name = name.to_owned();
        let mut stage = Stage { name, dir, ports };
        match play(&stage) {
            Ok(figures) => {
                let seconds = begun.elapsed().as_secs_f64();
                println!("COUNT interop/tests 1");
                println!("interop: {} ok ({figures}; {seconds:.1} s)", stage.name);
                Ok(())
            }
            Err(error) => {
                stage.dir.disable_cleanup(true);
                stage.print_logs();
                Err(error.context(format!(
                    "{} failed; its logs are in {}",
                    stage.name,
                    stage.dir().display()
                )))
            }
        }
    }

    /// The test's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A path in the test's directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// Makes a directory in the test's directory.
    ///
    /// # Errors
    /// It can't be made.
    pub fn make_dir(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// Writes a file in the test's directory.
    ///
    /// # Errors
    /// It can't be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    fn print_logs(&self) {
        let mut logs: Vec<PathBuf> = fs::read_dir(self.dir())
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.sort();
        for log in logs {
            let text = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
            eprintln!("--- {}\n{}", log.display(), tail(&text, 15));
        }
    }
}
