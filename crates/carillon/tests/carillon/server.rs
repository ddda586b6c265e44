//! A data directory, the commands on it, and a server that may run there.

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use tempfile::TempDir;

/// A fresh installation.
pub(crate) struct Site {
    dir: TempDir,
}

impl Site {
    /// With an empty data directory.
    pub(crate) fn new() -> Site {
        Site {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// With the tenant `acme` and the extensions given.
    pub(crate) fn with_users(extensions: &[&str]) -> Site {
        let site = Site::new();
        site.json(&["tenant", "add", "acme", "--domain", "acme.example"]);
        for extension in extensions {
            site.json(&[
                "user",
                "add",
                "acme",
                extension,
                "--password",
                &password(extension),
            ]);
        }
        site
    }

    /// A path below it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name).display().to_string()
    }

    /// `carillon` on this data directory, its environment bare.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_carillon"));
        command
            .env_clear()
            .env("CARILLON_DATA_DIR", self.path("data"))
            .args(arguments);
        command
    }

    /// Runs to the end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs with `--json`, and it must succeed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments).arg("--json").output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs for people, and it must succeed.
    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs, and it must fail with one line, which is returned without the program's name.
    pub(crate) fn refusal(&self, arguments: &[&str]) -> String {
        let output = self
            .command(arguments)
            .env("CARILLON_LOG", "error")
            .output()
            .unwrap();
        assert!(!output.status.success(), "{arguments:?} succeeded");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(error.lines().count(), 1, "{error}");
        error.trim().trim_start_matches("carillon: ").to_owned()
    }

    /// Starts a server on ports that the kernel chooses, and waits until it is ready.
    pub(crate) fn serve(&self) -> Server {
        self.serve_on("127.0.0.1:0")
    }

    /// Starts a server with UDP and TCP on `address`, and waits until it is ready.
    pub(crate) fn serve_on(&self, address: &str) -> Server {
        self.serve_with(address, "")
    }

    /// The same with more sections in its configuration.
    pub(crate) fn serve_with(&self, address: &str, more: &str) -> Server {
        let config = format!(
            "workers = 2\ngrace_s = 0\n[media]\nworkers = 1\n[listen]\n\
             udp = [\"{address}\"]\ntcp = [\"{address}\"]\ntls = [\"127.0.0.1:0\"]\n\
             ws = [\"127.0.0.1:0\"]\nwss = [\"127.0.0.1:0\"]\n{more}"
        );
        self.serve_from(&config)
    }

    /// Starts a server with this configuration, and waits until it is ready.
    pub(crate) fn serve_from(&self, config: &str) -> Server {
        let config = self.file("carillon.toml", config);
        let mut child = self
            .command(&["serve", "--config", &config])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let ready = String::new();
        let mut server = Server { child, log, ready };
        server.ready = server.wait_for("ready");
        server
    }
}

/// The password that [`Site::with_users`] gives to an extension.
pub(crate) fn password(extension: &str) -> String {
    format!("secret-of-{extension}")
}

/// A running server; dropping it kills it.
pub(crate) struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    /// The line that said that it was ready.
    pub(crate) ready: String,
}

impl Server {
    /// Reads the log until a line has `part`.
    pub(crate) fn wait_for(&mut self, part: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let read = self.log.read_line(&mut line).unwrap();
            assert!(read > 0, "the server ended without {part:?}:\n{all}");
            if line.contains(part) {
                return line;
            }
            all.push_str(&line);
        }
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end; true when it ended well.
    pub(crate) fn ended_well(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Where the running server listens for a transport.
pub(crate) fn address(site: &Site, transport: &str) -> SocketAddr {
    let status = site.json(&["status"]);
    let listeners = status["listen"].as_array().unwrap();
    let found = listeners.iter().find(|l| l["transport"] == transport).unwrap();
    found["address"].as_str().unwrap().parse().unwrap()
}
