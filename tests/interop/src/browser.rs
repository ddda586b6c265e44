//! JsSIP in headless Chromium, steered line by line (`browser/phone.mjs`).

use crate::process::{Program, require, tail, until};
use crate::stage::Stage;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What the page is made of.
const FILES: [&str; 7] = [
    "package.json",
    "package-lock.json",
    ".npmrc",
    "phone.mjs",
    "ears.js",
    "page.html",
    "page.js",
];
/// The oldest Node that runs the script.
const NODE: (u32, u32) = (20, 19);
/// Chromium's first start on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Longest wait for anything that the page must see; JsSIP waits 2 s before it connects again.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// A page with a phone.
#[derive(Debug)]
pub struct Browser {
    program: Program,
}

impl Browser {
    /// Installs JsSIP as the lock file has it, and opens the page.
    ///
    /// # Errors
    /// Node, npm or Chromium is missing or too old, or the page did not come up.
    pub fn start(stage: &Stage) -> Result<Browser> {
        Browser::named(stage, "browser")
    }

    /// The same for one of several pages.
    ///
    /// # Errors
    /// As [`Browser::start`].
    pub fn named(stage: &Stage, name: &str) -> Result<Browser> {
        require("chromium")?;
        node_is_new_enough()?;
        let dir = install(stage)?;
        let mut command = Command::new("node");
        command
            .arg(dir.join("phone.mjs"))
            .arg("chromium")
            .arg(stage.make_dir(&format!("profile-{name}"))?);
        command.current_dir(&dir).stdin(Stdio::piped());
        let program = Program::start(name, &mut command, &stage.path(&format!("{name}.log")))?;
        let mut browser = Browser { program };
        browser.await_line("ready", 1, READY_WITHIN)?;
        Ok(browser)
    }

    /// Runs an expression in the page.
    ///
    /// # Errors
    /// The browser is gone.
    pub fn run(&mut self, expression: &str) -> Result<()> {
        let input = self
            .program
            .child()
            .stdin
            .as_mut()
            .context("no pipe to the page")?;
        writeln!(input, "{expression}").context("the page does not listen")
    }

    /// Waits until the page hears this pitch alone, hertz, in the present call; 0 is silence.
    ///
    /// # Errors
    /// Says what it hears instead.
    pub fn hears(&mut self, hz: u32) -> Result<()> {
        let tones = [hz];
        self.hears_all(if hz == 0 { &[] } else { &tones })
    }

    /// The same for several tones at once.
    ///
    /// # Errors
    /// As [`Browser::hears`].
    pub fn hears_all(&mut self, tones: &[u32]) -> Result<()> {
        let names: Vec<String> = tones.iter().map(u32::to_string).collect();
        let name = match names.is_empty() {
            true => "nothing".to_owned(),
            false => names.join("+"),
        };
        self.listens(&format!("phone.hear({tones:?})"), &name)
    }

    /// Waits until the page hears music, and none of these voices.
    ///
    /// # Errors
    /// As [`Browser::hears`].
    pub fn hears_music(&mut self, voices: &[u32]) -> Result<()> {
        self.listens(&format!("phone.hearMusic({voices:?})"), "music")
    }

    /// Runs what ends with a verdict, and waits for that.
    fn listens(&mut self, expression: &str, name: &str) -> Result<()> {
        let verdict = |output: &str| output.lines().filter(|l| l.starts_with("hears ")).count();
        let before = verdict(&self.program.output());
        self.run(expression)?;
        let program = &mut self.program;
        let heard = until(&format!("{name} in the page"), SEEN_WITHIN, || {
            program.check_alive()?;
            let output = program.output();
            let now = output.lines().filter(|l| l.starts_with("hears ")).nth(before);
            Ok(now.map(str::to_owned))
        });
        let heard = heard.with_context(|| format!("the page said: {}", tail(&self.program.output(), 8)))?;
        ensure!(
            heard == format!("hears {name}"),
            "{} {heard}",
            self.program.name()
        );
        Ok(())
    }

    /// Waits until the page has said `line` so many times.
    ///
    /// # Errors
    /// It didn't, or something went wrong in it.
    pub fn expect(&mut self, line: &str, times: usize) -> Result<()> {
        self.await_line(line, times, SEEN_WITHIN)
    }

    fn await_line(&mut self, line: &str, times: usize, within: Duration) -> Result<()> {
        let program = &mut self.program;
        let heard = until(&format!("{line:?} from the page"), within, || {
            program.check_alive()?;
            let output = program.output();
            if let Some(error) = output.lines().find(|l| l.starts_with("exception ")) {
                bail!("{error}");
            }
            Ok((output.lines().filter(|l| *l == line).count() >= times).then_some(()))
        });
        heard.with_context(|| format!("the page said: {}", tail(&self.program.output(), 8)))
    }
}

fn install(stage: &Stage) -> Result<PathBuf> {
    require("npm")?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
    let dir = stage.path("browser");
    if dir.exists() {
        return Ok(dir);
    }
    let dir = stage.make_dir("browser")?;
    for file in FILES {
        fs::copy(source.join(file), dir.join(file)).with_context(|| format!("cannot copy {file}"))?;
    }
    let output = Command::new("npm")
        .args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefer-offline",
        ])
        .current_dir(&dir)
        .output()
        .context("cannot start npm")?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "npm ci failed: {}", tail(&error, 5));
    Ok(dir)
}

fn node_is_new_enough() -> Result<()> {
    require("node")?;
    let output = Command::new("node")
        .arg("--version")
        .output()
        .context("cannot start node")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text
        .trim()
        .trim_start_matches('v')
        .split('.')
        .map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        bail!("node --version printed {text:?}");
    };
    let (least, least_minor) = NODE;
    ensure!(
        (major, minor) >= NODE,
        "Node {} is too old; install {least}.{least_minor} or newer",
        text.trim()
    );
    Ok(())
}
