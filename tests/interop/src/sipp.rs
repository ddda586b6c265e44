//! SIPp with the scenarios in `sipp/`, and its own statistics as the verdict.

use crate::process::{Program, require, tail, until};
use crate::script::Script;
use crate::stage::Stage;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Longest that a run may take: SIPp itself gives up at this age.
const RUN_WITHIN: Duration = Duration::from_secs(90);

/// What a run came to, by SIPp's own count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Calls that went through their scenario.
    pub successful: u64,
    /// Calls that did not.
    pub failed: u64,
}

/// One SIPp to be started.
#[derive(Debug)]
pub struct Sipp<'a> {
    stage: &'a Stage,
    scenario: &'a str,
    script: Option<String>,
    name: String,
    target: SocketAddr,
    port: u16,
    calls: u32,
    rate: u32,
    at_once: u32,
    digest_uri: Option<String>,
    call_id: Option<String>,
    keys: Vec<(String, String)>,
    rows: Vec<String>,
    keeps_messages: bool,
}

impl<'a> Sipp<'a> {
    /// A run of the scenario `sipp/<scenario>.xml` against `target`, once, from a port of its own.
    ///
    /// # Errors
    /// SIPp is missing or no port is free.
    pub fn new(stage: &'a Stage, scenario: &'a str, target: SocketAddr) -> Result<Sipp<'a>> {
        require("sipp")?;
        let port = stage.ports.one()?;
        Ok(Sipp {
            stage,
            scenario,
            script: None,
            name: format!("sipp-{scenario}-{port}"),
            target,
            port,
            calls: 1,
            rate: 100,
            at_once: 1,
            digest_uri: None,
            call_id: None,
            keys: Vec::new(),
            rows: Vec::new(),
            keeps_messages: false,
        })
    }

    /// A run of `script` instead of a file in `sipp/`; `name` tells its logs from others.
    ///
    /// # Errors
    /// See [`Sipp::new`].
    pub fn of(stage: &'a Stage, name: &'a str, script: &Script, target: SocketAddr) -> Result<Sipp<'a>> {
        let mut sipp = Sipp::new(stage, name, target)?;
        sipp.script = Some(script.xml());
        Ok(sipp)
    }

    /// The port it sends from.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends from a port that an earlier run used: the same phone, doing something else.
    #[must_use]
    pub fn on_port(mut self, port: u16) -> Sipp<'a> {
        self.port = port;
        self.name = format!("sipp-{}-{port}", self.scenario);
        self
    }

    /// So many calls, `rate` new ones a second, `at_once` at most.
    #[must_use]
    pub fn calls(mut self, calls: u32, rate: u32, at_once: u32) -> Sipp<'a> {
        (self.calls, self.rate, self.at_once) = (calls, rate, at_once);
        self
    }

    /// What the digest is computed for, without `sip:`: it has to be the Request-URI (RFC 7616 §3.4.6), and
    /// SIPp would take the server's address. One value per run, so a run calls one extension.
    #[must_use]
    pub fn digest_uri(mut self, uri: &str) -> Sipp<'a> {
        self.digest_uri = Some(uri.to_owned());
        self
    }

    /// The same phone in the dialog that an earlier run told of ([`Script::tells_dialog`]); the script is a
    /// [`Script::going_on`].
    ///
    /// # Errors
    /// That run told of none.
    pub fn going_on(self, earlier: &Run) -> Result<Sipp<'a>> {
        let told = earlier.told("dialog").context("no dialog was told of")?;
        let mut words = told.split(' ').map(str::to_owned);
        let mut word = || words.next().context("too few words");
        let (tag, peer_tag, contact, call_id) = (word()?, word()?, word()?, word()?);
        let uri = contact.strip_prefix("sip:").unwrap_or(&contact).to_owned();
        let mut sipp = self.on_port(earlier.port).digest_uri(&uri);
        sipp.call_id = Some(call_id);
        sipp.name.push_str("-on");
        let keys = [("tag", tag), ("peer_tag", peer_tag), ("contact", contact)];
        Ok(keys
            .iter()
            .fold(sipp, |sipp, (name, value)| sipp.with(name, value)))
    }

    /// Replaces `{{name}}` in the scenario.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Sipp<'a> {
        self.keys.push((format!("{{{{{name}}}}}"), value.to_owned()));
        self
    }

    /// What it gets and sends is kept, see [`Run::messages`].
    #[must_use]
    pub fn keeps_messages(mut self) -> Sipp<'a> {
        self.keeps_messages = true;
        self
    }

    /// One line of values, `[field0]` and on; SIPp takes them in turn.
    #[must_use]
    pub fn row(mut self, fields: &[String]) -> Sipp<'a> {
        self.rows.push(fields.join(";"));
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// The scenario can't be read or SIPp can't be started.
    pub fn start(self) -> Result<Run> {
        let statistics = self.stage.path(&format!("{}.csv", self.name));
        let mut command = self.command(&statistics)?;
        let log = self.stage.path(&format!("{}.log", self.name));
        let program = Program::start(&self.name, &mut command, &log)?;
        let errors = self.stage.path(&format!("{}-errors.log", self.name));
        let messages = format!("{}-messages.log", self.name);
        Ok(Run {
            name: self.name,
            program,
            statistics,
            errors,
            messages: self.stage.path(&messages),
            port: self.port,
        })
    }

    /// Runs it to its end and expects every call to go through.
    ///
    /// # Errors
    /// A call failed, or the run took too long.
    pub fn run(self) -> Result<Figures> {
        let calls = u64::from(self.calls);
        let mut run = self.start()?;
        run.finish(calls)
    }

    fn command(&self, statistics: &Path) -> Result<Command> {
        let log = |kind: &str| self.stage.path(&format!("{}-{kind}.log", self.name));
        let seconds = format!("{}s", RUN_WITHIN.as_secs());
        let mut command = Command::new("sipp");
        command
            .arg(self.target.to_string())
            .args(["-i", "127.0.0.1", "-t", "u1", "-nostdin", "-nd"]);
        command.args(["-p", &self.port.to_string()]);
        command.args(["-mp", &self.stage.ports.run(4)?.to_string()]);
        command.args(["-cp", &self.stage.ports.one()?.to_string()]);
        command.arg("-sf").arg(self.scenario()?);
        command.args(["-m", &self.calls.to_string(), "-r", &self.rate.to_string()]);
        command.args([
            "-l",
            &self.at_once.to_string(),
            "-timeout",
            &seconds,
            "-timeout_error",
        ]);
        command
            .args(["-recv_timeout", "40000", "-trace_err", "-error_file"])
            .arg(log("errors"));
        command.arg("-trace_logs").arg("-log_file").arg(log("lines"));
        if self.keeps_messages {
            command
                .arg("-trace_msg")
                .arg("-message_file")
                .arg(log("messages"));
        }
        command.args(["-trace_stat", "-fd", "1", "-stf"]).arg(statistics);
        if let Some(uri) = &self.digest_uri {
            command.args(["-auth_uri", uri]);
        }
        if let Some(call_id) = &self.call_id {
            command.args(["-cid_str", call_id]);
        }
        if !self.rows.is_empty() {
            let text = format!("SEQUENTIAL\n{}\n", self.rows.join("\n"));
            command
                .arg("-inf")
                .arg(self.stage.write(&format!("{}-rows.csv", self.name), &text)?);
        }
        command.current_dir(self.stage.dir()).stdin(Stdio::null());
        Ok(command)
    }

    fn scenario(&self) -> Result<PathBuf> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("sipp/{}.xml", self.scenario));
        let mut text = match &self.script {
            Some(text) => text.clone(),
            None => {
                fs::read_to_string(&source).with_context(|| format!("cannot read {}", source.display()))?
            }
        };
        for (key, value) in &self.keys {
            text = text.replace(key, value);
        }
        ensure!(
            !text.contains("{{"),
            "{} has a place that was not filled",
            source.display()
        );
        self.stage.write(&format!("{}.xml", self.name), &text)
    }
}

/// A started SIPp.
#[derive(Debug)]
pub struct Run {
    name: String,
    program: Program,
    statistics: PathBuf,
    errors: PathBuf,
    messages: PathBuf,
    port: u16,
}

impl Run {
    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits until its socket is bound, so that a call to it finds somebody.
    ///
    /// # Errors
    /// It ended or took too long.
    pub fn await_bound(&mut self) -> Result<()> {
        let program = &mut self.program;
        let port = self.port;
        until("SIPp to listen", Duration::from_secs(10), || {
            program.check_alive()?;
            Ok(bound(port)?.then_some(()))
        })
    }

    /// Waits for its end and expects `calls` successful calls and no failed one.
    ///
    /// # Errors
    /// Says what SIPp counted and complained about.
    pub fn finish(&mut self, calls: u64) -> Result<Figures> {
        let status = self.program.wait(RUN_WITHIN + Duration::from_secs(10));
        let figures = figures(&self.statistics);
        let errors = tail(&fs::read_to_string(&self.errors).unwrap_or_default(), 6);
        let status = status.with_context(|| format!("{figures:?}; {errors}"))?;
        let wanted = Figures {
            successful: calls,
            failed: 0,
        };
        let figures = figures
            .with_context(|| format!("{} ({status}): {}", self.name, tail(&self.program.output(), 6)))?;
        ensure!(
            status.success() && figures == wanted,
            "{} ({status}): {figures:?} instead of {wanted:?}; {errors}",
            self.name
        );
        Ok(figures)
    }

    /// What it got and sent, where it kept that.
    ///
    /// # Errors
    /// It kept nothing.
    pub fn messages(&self) -> Result<String> {
        fs::read_to_string(&self.messages).with_context(|| format!("cannot read {}", self.messages.display()))
    }

    /// Waits until the scenario has logged a line that begins with this word, and gives what follows.
    ///
    /// # Errors
    /// It ended without, or took too long.
    pub fn await_told(&mut self, word: &str) -> Result<String> {
        until(&format!("{} to tell {word:?}", self.name), RUN_WITHIN, || {
            let told = self.told(word);
            if told.is_none() {
                self.program.check_alive()?;
            }
            Ok(told)
        })
    }

    /// What follows this word in the first line that was logged with it.
    #[must_use]
    pub fn told(&self, word: &str) -> Option<String> {
        let lines = self.lines();
        let mut rest = lines.iter().filter_map(|line| line.strip_prefix(word));
        rest.next().map(|rest| rest.trim().to_owned())
    }

    /// What the scenario logged so far, line by line.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let path = self.errors.with_file_name(format!("{}-lines.log", self.name));
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Stops it where it is.
    pub fn kill(&mut self) {
        self.program.kill();
    }

    /// It hears and says nothing any more, until it goes on; what comes meanwhile waits in its socket.
    ///
    /// # Errors
    /// It can't be sent a signal.
    pub fn stops(&self, stops: bool) -> Result<()> {
        let (signal, pid) = (if stops { "STOP" } else { "CONT" }, self.program.id().to_string());
        let sent = Command::new("kill").args(["-s", signal, &pid]).status()?;
        ensure!(sent.success(), "no SIG{signal} for {}", self.name);
        Ok(())
    }
}

/// True when some socket has the UDP port on loopback (the kernel's table, port in hex).
fn bound(port: u16) -> Result<bool> {
    let table = fs::read_to_string("/proc/net/udp").context("cannot read /proc/net/udp")?;
    Ok(table.contains(&format!("0100007F:{port:04X} ")))
}

/// The last row of the statistics, by the names of the first.
fn figures(path: &Path) -> Result<Figures> {
    let text = fs::read_to_string(path).with_context(|| format!("no statistics in {}", path.display()))?;
    let mut lines = text.lines();
    let names = lines.next().unwrap_or_default().split(';');
    let values = lines.next_back().unwrap_or_default().split(';');
    let row: BTreeMap<&str, &str> = names.zip(values).collect();
    let count = |name: &str| {
        let value = row
            .get(name)
            .with_context(|| format!("no {name} in {}", path.display()))?;
        value.trim().parse().with_context(|| format!("{name} is {value}"))
    };
    Ok(Figures {
        successful: count("SuccessfulCall(C)")?,
        failed: count("FailedCall(C)")?,
    })
}
