//! A baresip phone without a sound card: it plays a tone from a file, records what it hears, and takes
//! commands over its `ctrl_tcp` module (JSON in netstrings).

use crate::process::{Program, require, until};
use crate::server::{Server, password};
use crate::stage::Stage;
use crate::tone;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a step of a call may take on a busy machine.
const STEP: Duration = Duration::from_secs(20);
/// Seconds of tone that a phone has to send: longer than any test talks.
const TONE_S: u32 = 60;
/// RTP and RTCP ports of one phone.
const MEDIA_PORTS: u16 = 12;

/// Who a phone is.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// Extension and digest username.
    pub user: &'a str,
    /// The tenant's domain.
    pub domain: &'a str,
    /// `udp`, `tcp` or `tls`.
    pub transport: &'a str,
    /// The tone that it sends, Hz.
    pub hz: u32,
}

/// A running phone.
#[derive(Debug)]
pub struct Phone {
    program: Program,
    control: TcpStream,
    unread: Vec<u8>,
    events: VecDeque<Value>,
    sounds: PathBuf,
}

impl Phone {
    /// Starts a phone that answers at once, and waits until it is registered.
    ///
    /// # Errors
    /// baresip is missing, didn't start, or didn't register in time.
    pub fn start(stage: &Stage, server: &Server, account: Account<'_>) -> Result<Phone> {
        require("baresip")?;
        let name = format!(
            "baresip-{}-{}-{}",
            account.user, account.domain, account.transport
        );
        let dir = stage.make_dir(&name)?;
        let port = stage.ports.one()?;
        configure(stage, server, &dir, account, port)?;
        let mut command = Command::new("baresip");
        command.arg("-f").arg(&dir).stdin(Stdio::null());
        let mut program = Program::start(&name, &mut command, &stage.path(&format!("{name}.log")))?;
        let control = until("baresip's control socket", STEP, || {
            program.check_alive()?;
            Ok(TcpStream::connect(("127.0.0.1", port)).ok())
        })?;
        control.set_read_timeout(Some(Duration::from_millis(50)))?;
        let sounds = dir.join("sounds");
        let mut phone = Phone {
            program,
            control,
            unread: Vec::new(),
            events: VecDeque::new(),
            sounds,
        };
        phone.await_registered(account)?;
        Ok(phone)
    }

    fn await_registered(&mut self, account: Account<'_>) -> Result<()> {
        let what = format!(
            "baresip {}@{} to register over {}",
            account.user, account.domain, account.transport
        );
        until(&what, STEP, || {
            let info = self.command("reginfo", "")?;
            Ok(info.contains("OK ").then_some(()))
        })
    }

    /// Dials.
    ///
    /// # Errors
    /// baresip didn't take the command.
    pub fn dial(&mut self, uri: &str) -> Result<()> {
        self.command("dial", uri).map(drop)
    }

    /// Hangs up.
    ///
    /// # Errors
    /// baresip didn't take the command.
    pub fn hang_up(&mut self) -> Result<()> {
        self.command("hangup", "").map(drop)
    }

    /// Puts the call on hold.
    ///
    /// # Errors
    /// baresip didn't take the command.
    pub fn hold(&mut self) -> Result<()> {
        self.command("hold", "").map(drop)
    }

    /// Goes on with the call that it held.
    ///
    /// # Errors
    /// baresip didn't take the command.
    pub fn resume(&mut self) -> Result<()> {
        self.command("resume", "").map(drop)
    }

    /// Waits for an event such as `CALL_ESTABLISHED`, and returns it.
    ///
    /// # Errors
    /// It didn't come in time, or baresip ended.
    pub fn expect(&mut self, kind: &str) -> Result<Value> {
        until(&format!("baresip's event {kind}"), STEP, || {
            self.receive()?;
            let at = self.events.iter().position(|event| event["type"] == kind);
            Ok(at.and_then(|at| self.events.remove(at)))
        })
    }

    /// Waits until it recorded so many seconds of what it heard.
    ///
    /// # Errors
    /// It didn't hear that much in time.
    pub fn hear(&mut self, seconds: u32) -> Result<()> {
        let octets = u64::from(seconds) * 16_000;
        until(&format!("{seconds} s of sound"), STEP, || {
            self.receive()?;
            let heard = self.recording().and_then(|path| fs::metadata(path).ok());
            Ok(heard.is_some_and(|file| file.len() > octets).then_some(()))
        })
    }

    /// Checks that it heard a tone: call it after the call has ended.
    ///
    /// # Errors
    /// There is no recording, or it has something else.
    pub fn heard(&self, hz: u32) -> Result<tone::Tone> {
        tone::expect(&self.recording().context("nothing was recorded")?, hz)
    }

    fn recording(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(&self.sounds).ok()?;
        let mut all: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        all.retain(|path| path.to_string_lossy().ends_with("-dec.wav"));
        all.sort();
        all.pop()
    }

    fn command(&mut self, command: &str, parameters: &str) -> Result<String> {
        let text = json!({ "command": command, "params": parameters }).to_string();
        write!(self.control, "{}:{text},", text.len()).context("baresip's control socket is gone")?;
        let answer = until(&format!("baresip's answer to {command}"), STEP, || {
            self.receive()?;
            let at = self.events.iter().position(|event| event["response"] == true);
            Ok(at.and_then(|at| self.events.remove(at)))
        })?;
        ensure!(
            answer["ok"] == true,
            "baresip refused {command} {parameters}: {answer}"
        );
        Ok(answer["data"].as_str().unwrap_or_default().to_owned())
    }

    fn receive(&mut self) -> Result<()> {
        let mut chunk = [0; 4_096];
        match self.control.read(&mut chunk) {
            Ok(0) => bail!(
                "baresip closed its control socket: {}",
                crate::process::tail(&self.program.output(), 5)
            ),
            Ok(length) => self
                .unread
                .extend_from_slice(chunk.get(..length).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error).context("baresip's control socket"),
        }
        while let Some(message) = netstring(&mut self.unread)? {
            self.events.push_back(message);
        }
        Ok(())
    }
}

/// Takes one netstring (`12:{"a":true},`) off the front.
fn netstring(unread: &mut Vec<u8>) -> Result<Option<Value>> {
    let Some(colon) = unread.iter().position(|octet| *octet == b':') else {
        return Ok(None);
    };
    let digits = String::from_utf8_lossy(unread.get(..colon).unwrap_or_default()).into_owned();
    let length: usize = digits
        .parse()
        .with_context(|| format!("{digits:?} is no netstring length"))?;
    let end = colon + 1 + length;
    let Some(text) = unread.get(colon + 1..end).filter(|_| unread.len() > end) else {
        return Ok(None);
    };
    let value = serde_json::from_slice(text).context("baresip sent no JSON")?;
    unread.drain(..=end);
    Ok(Some(value))
}

fn configure(stage: &Stage, server: &Server, dir: &Path, account: Account<'_>, control: u16) -> Result<()> {
    let sounds = dir.join("sounds");
    fs::create_dir_all(&sounds).context("cannot make baresip's directory")?;
    let tone = stage.path(&format!("tone-{}.wav", account.hz));
    tone::write(&tone, account.hz, TONE_S)?;
    let media = stage.ports.run(MEDIA_PORTS)?;
    let config = format!(
        "poll_method epoll\nsip_listen 127.0.0.1:0\nsip_verify_server no\nnet_interface 127.0.0.1\n\
         call_local_timeout 120\naudio_source aufile,{}\naudio_player aubridge,nobody\naudio_alert aubridge,nobody\n\
         ringback_disabled yes\nrtp_ports {media}-{}\nmodule_path {}\nmodule g711.so\nmodule aufile.so\n\
         module aubridge.so\nmodule sndfile.so\nsnd_path {}\nmodule_tmp account.so\nmodule_app menu.so\n\
         module_app ctrl_tcp.so\nctrl_tcp_listen 127.0.0.1:{control}\n",
        tone.display(),
        media + MEDIA_PORTS,
        modules()?.display(),
        sounds.display(),
    );
    fs::write(dir.join("config"), config).context("cannot write baresip's configuration")?;
    fs::write(dir.join("contacts"), "").context("cannot write baresip's contacts")?;
    fs::write(dir.join("accounts"), line(server, account)).context("cannot write baresip's account")
}

fn line(server: &Server, account: Account<'_>) -> String {
    let Account {
        user,
        domain,
        transport,
        ..
    } = account;
    let target = if transport == "tls" {
        server.tls
    } else {
        server.sip
    };
    let secret = password(domain, user);
    format!(
        "<sip:{user}@{domain};transport={transport}>;auth_user={user};auth_pass={secret};\
         outbound=\"sip:{target};transport={transport}\";regint=600;answermode=auto;\
         audio_codecs=PCMU/8000/1,PCMA/8000/1;ptime=20\n"
    )
}

/// Where Debian (or a local build) keeps baresip's modules.
fn modules() -> Result<PathBuf> {
    let places = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];
    let found = places.iter().map(PathBuf::from).find(|place| place.is_dir());
    found.with_context(|| format!("baresip's modules are in none of {places:?}"))
}
