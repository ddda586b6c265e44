//! Child processes that end with the test, whatever its outcome, and waiting without blind sleeps.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Debian's name for what a program comes in.
const PACKAGES: [(&str, &str); 11] = [
    ("baresip", "baresip-core"),
    ("sipp", "sip-tester"),
    ("sipsak", "sipsak"),
    ("linphonec", "linphone-cli"),
    ("node", "nodejs"),
    ("openssl", "openssl"),
    ("ffprobe", "ffmpeg"),
    ("kamailio", "kamailio"),
    ("svwar", "sipvicious"),
    ("tshark", "tshark"),
    ("curl", "curl"),
];

/// Looks at `ready` until it yields something.
///
/// # Errors
/// It failed, or nothing came `within` the time; the message says what was awaited.
pub fn until<T>(what: &str, within: Duration, mut ready: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(value) = ready().with_context(|| format!("while waiting for {what}"))? {
            return Ok(value);
        }
        if begun.elapsed() > within {
            bail!("waited {} s in vain for {what}", within.as_secs());
        }
        std::thread::sleep(POLL);
    }
}

/// Fails with the line to type when `program` is not installed.
///
/// # Errors
/// It is not on the path.
pub fn require(program: &str) -> Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|dir| dir.join(program).is_file()) {
        return Ok(());
    }
    let package = PACKAGES
        .iter()
        .find(|(name, _)| *name == program)
        .map_or(program, |(_, package)| package);
    bail!("{program} is not installed; install it with: apt-get install -y --no-install-recommends {package}")
}

/// A running program: its output goes to a file; it is killed when dropped.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `command` with both outputs in `log`, which is appended to.
    ///
    /// # Errors
    /// The log can't be written or the program can't be started.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Program> {
        let file = File::options().create(true).append(true).open(log);
        let file = file.with_context(|| format!("cannot write {}", log.display()))?;
        let copy = file.try_clone().context("cannot share the log")?;
        let child = command.stdout(file).stderr(copy).spawn();
        let child = child.with_context(|| format!("cannot start {name}"))?;
        Ok(Program {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        })
    }

    /// What it was started as.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The running child, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far.
    #[must_use]
    pub fn output(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Fails when it has ended.
    ///
    /// # Errors
    /// It ended; the message has the end of its output.
    pub fn check_alive(&mut self) -> Result<()> {
        match self.child.try_wait().context("cannot look at a child")? {
            None => Ok(()),
            Some(status) => bail!(
                "{} ended early ({status}): {}",
                self.name,
                tail(&self.output(), 8)
            ),
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It didn't end `within` the time; it is killed then.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        let child = &mut self.child;
        let ended = until(&what, within, || {
            child.try_wait().context("cannot look at a child")
        });
        if ended.is_err() {
            self.kill();
        }
        ended
    }

    /// SIGKILL, and the grave: on return the process is gone. Harmless when it has ended before.
    pub fn kill(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last lines of a text, for an error message.
#[must_use]
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let first = all.len().saturating_sub(lines);
    all.iter().skip(first).copied().collect::<Vec<_>>().join("\n")
}
