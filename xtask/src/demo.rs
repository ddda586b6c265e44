//! The demo company: its folder, its configuration, its four extensions and their passwords.
//!
//! Everything is done with the `carillon` binary as an operator would, so the demo is also a test of the commands.
//! Running it again changes nothing but what is missing.

use crate::process;
use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The demo's extensions and their names.
pub(crate) const EXTENSIONS: [(&str, &str); 4] = [
    ("100", "Reception"),
    ("101", "Workshop"),
    ("102", "Kitchen"),
    ("103", "Garden"),
];

/// Its numbers that lead to flows: what they do, and where that is written.
pub(crate) const FLOWS: [(&str, &str, &str); 3] = [
    ("200", "conference", "conference.json"),
    ("201", "record and play back", "recorder.json"),
    ("202", "a menu", "menu.json"),
];

const TENANT: &str = "demo";
const REALM: &str = "demo.localhost";

/// The demo on disk.
#[derive(Debug)]
pub(crate) struct Demo {
    dir: PathBuf,
    binary: PathBuf,
}

impl Demo {
    /// Makes the folder and writes the configuration for `port`.
    ///
    /// # Errors
    /// The folder can't be written.
    pub(crate) fn prepare(binary: PathBuf, port: u16) -> Result<Demo> {
        let dir = process::target_dir().join("demo");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .with_context(|| format!("cannot make {}", dir.display()))?;
        let demo = Demo { dir, binary };
        fs::write(demo.config(), configuration(&demo.data_dir(), port))
            .context("cannot write the configuration")?;
        Ok(demo)
    }

    /// The configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join("carillon.toml")
    }

    /// Where a detached server writes its log.
    pub(crate) fn log(&self) -> PathBuf {
        self.dir.join("carillon.log")
    }

    fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// `carillon` with the demo's data directory.
    pub(crate) fn carillon(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).env("CARILLON_DATA_DIR", self.data_dir());
        command
    }

    fn json(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = self.carillon(arguments);
        let text = process::capture(command.arg("--json"))
            .with_context(|| format!("`carillon {}` failed", arguments.join(" ")))?;
        serde_json::from_str(&text)
            .with_context(|| format!("`carillon {}` printed no JSON", arguments.join(" ")))
    }

    /// Makes the tenant, its domains and its extensions where they are missing; returns the password of
    /// each extension.
    ///
    /// # Errors
    /// A command failed; the message is its own.
    pub(crate) fn fill(&self) -> Result<BTreeMap<String, String>> {
        self.tenant()?;
        let known = names(&self.json(&["user", "list", TENANT])?, "extension");
        let mut passwords = self.passwords();
        for (extension, name) in EXTENSIONS {
            if known.iter().any(|k| k == extension) && passwords.contains_key(extension) {
                continue;
            }
            let answer = if known.iter().any(|k| k == extension) {
                self.json(&["device", "password", TENANT, extension])?
            } else {
                self.json(&["user", "add", TENANT, extension, "--name", name])?
            };
            let password = answer.get("password").and_then(Value::as_str);
            let password = password.ok_or_else(|| anyhow!("no password came back for {extension}"))?;
            passwords.insert(extension.to_owned(), password.to_owned());
            self.keep(&passwords)?;
        }
        self.flows()?;
        Ok(passwords)
    }

    /// Gives the numbers of [`FLOWS`] their flows, where they have none.
    fn flows(&self) -> Result<()> {
        let known = names(&self.json(&["flow", "list", TENANT])?, "number");
        for (number, _, file) in FLOWS {
            if !known.iter().any(|known| known == number) {
                let file = process::root().join("examples/flows").join(file);
                self.json(&["flow", "set", TENANT, number, &file.to_string_lossy()])?;
            }
        }
        self.json(&["user", "supervise", TENANT, EXTENSIONS[0].0, "all"])?;
        Ok(())
    }

    fn tenant(&self) -> Result<()> {
        let tenants = names(&self.json(&["tenant", "list"])?, "name");
        if !tenants.iter().any(|name| name == TENANT) {
            self.json(&["tenant", "add", TENANT, "--domain", REALM])?;
            // Debian's baresip gives up when a challenge names SHA-256, and SIPp when that comes first.
            self.json(&["tenant", "set", TENANT, "allow_sha256=false", "record=on_demand"])?;
        }
        let shown = self.json(&["tenant", "show", TENANT])?;
        let known: Vec<&str> = shown
            .get("domains")
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        for host in hosts() {
            if !known.contains(&host.as_str()) {
                self.json(&["domain", "add", TENANT, &host])?;
            }
        }
        Ok(())
    }

    fn passwords(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.dir.join("passwords.json")).unwrap_or_default();
        serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|value| value.as_object().cloned())
            .map(|object| {
                let owned = |(k, v): (String, Value)| v.as_str().map(|v| (k, v.to_owned()));
                object.into_iter().filter_map(owned).collect()
            })
            .unwrap_or_default()
    }

    fn keep(&self, passwords: &BTreeMap<String, String>) -> Result<()> {
        let object: Value = passwords
            .iter()
            .map(|(k, v)| (k.clone(), Value::from(v.as_str())))
            .collect();
        let path = self.dir.join("passwords.json");
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        serde_json::to_writer_pretty(file, &object)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

fn names(list: &Value, field: &str) -> Vec<String> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.get(field).and_then(Value::as_str))
        .map(str::to_owned)
        .collect()
}

/// Every host that a phone may use for this machine.
pub(crate) fn hosts() -> Vec<String> {
    let mut hosts: Vec<String> = addresses();
    hosts.extend(["127.0.0.1", "localhost", "[::1]"].map(str::to_owned));
    hosts
}

/// This machine's own addresses, loopback and link-local left out, IPv6 in brackets.
pub(crate) fn addresses() -> Vec<String> {
    let text = process::capture(Command::new("hostname").arg("-I")).unwrap_or_default();
    text.split_whitespace()
        .filter(|address| !address.starts_with("fe80:") && !address.starts_with("127."))
        .map(|address| match address.contains(':') {
            true => format!("[{address}]"),
            false => address.to_owned(),
        })
        .collect()
}

fn configuration(data_dir: &Path, port: u16) -> String {
    let (tls, wss) = (port + 1, port + 2);
    format!(
        "# Written by `cargo xtask up`; every other key has its default.\n\
         data_dir = {data_dir:?}\n\n\
         [listen]\n\
         udp = [\"0.0.0.0:{port}\", \"[::]:{port}\"]\n\
         tcp = [\"0.0.0.0:{port}\", \"[::]:{port}\"]\n\
         tls = [\"0.0.0.0:{tls}\", \"[::]:{tls}\"]\n\
         ws = []\n\
         wss = [\"0.0.0.0:{wss}\", \"[::]:{wss}\"]\n"
    )
}
