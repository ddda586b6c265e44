//! A baresip phone without a sound card: it plays a tone from a file, records what it hears, and takes
//! commands over its `ctrl_tcp` module (JSON in netstrings).

mod account;

use crate::process::{Program, require, until};
use crate::recording::{Mark, Recordings};
use crate::server::Server;
use crate::stage::Stage;
use crate::tone::Tone;
pub use account::{Account, G711};
use account::{configure, line};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a step of a call may take on a busy machine.
const STEP: Duration = Duration::from_secs(20);
/// How long a talk takes, milliseconds; two seconds of it have to be clean.
const TALK_MS: u64 = 2_500;
/// How long several voices have to be heard together, seconds.
const CHORD_S: f64 = 1.0;
/// How long nothing may be heard before it is silent; more than a second, so that whatever begins next gets a recording of
/// its own.
const SILENCE: Duration = Duration::from_millis(1_100);

/// A running phone.
#[derive(Debug)]
pub struct Phone {
    program: Program,
    control: TcpStream,
    unread: Vec<u8>,
    events: VecDeque<Value>,
    recordings: Recordings,
    hz: u32,
    /// Of what it records.
    octets_per_s: u64,
}

impl Phone {
    /// Starts a phone and waits until it is registered.
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
        let recordings = Recordings::begin(dir.join("sounds"))?;
        let mut command = Command::new("baresip");
        command.arg("-f").arg(&dir).stdin(Stdio::null()).env("TZ", "UTC");
        let mut program = Program::start(&name, &mut command, &stage.path(&format!("{name}.log")))?;
        let control = until("baresip's control socket", STEP, || {
            program.check_alive()?;
            Ok(TcpStream::connect(("127.0.0.1", port)).ok())
        })?;
        control.set_read_timeout(Some(Duration::from_millis(50)))?;
        let mut phone = Phone {
            program,
            control,
            unread: Vec::new(),
            events: VecDeque::new(),
            recordings,
            hz: account.hz,
            octets_per_s: account.form().octets_per_s().into(),
        };
        if account.registers_late() {
            phone.await_loop()?;
            phone.command("uanew", &line(server, account))?;
        }
        phone.await_registered(account)?;
        Ok(phone)
    }

    /// Waits until it has been up for a moment.
    fn await_loop(&mut self) -> Result<()> {
        let mut answers = 0;
        until("baresip to be up", STEP, || {
            self.command("reginfo", "")?;
            answers += 1;
            Ok((answers > 1).then_some(()))
        })
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

    /// Takes the call that rings.
    ///
    /// # Errors
    /// baresip didn't take the command.
    pub fn answer(&mut self) -> Result<()> {
        self.command("accept", "").map(drop)
    }

    /// Presses keys in the call, each for a moment, as telephone events.
    ///
    /// # Errors
    /// baresip didn't take the command.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        self.command("sndcode", keys).map(drop)
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
    pub fn hold_only(&mut self) -> Result<()> {
        self.command("hold", "").map(drop)
    }

    /// Waits until it has heard so many seconds of sound since, and measures that.
    ///
    /// # Errors
    /// It hears nothing, or less.
    pub fn await_sound(&mut self, mark: &Mark, seconds: u64) -> Result<Tone> {
        until(&format!("sound at {}", self.program.name()), STEP, || {
            self.receive()?;
            Ok((self.recordings.newest_since(mark) >= seconds * self.octets_per_s).then_some(()))
        })?;
        self.recordings.newest_sound(mark)
    }

    /// Puts the call on hold and waits until both phones have changed its direction and hear nothing more.
    ///
    /// # Errors
    /// One of them didn't, or goes on hearing something.
    pub fn hold(&mut self, other: &mut Phone) -> Result<()> {
        held(self, other, |holder, _| holder.command("hold", "").map(drop))
    }

    /// The same by both phones at once.
    ///
    /// # Errors
    /// See [`Phone::hold`].
    pub fn hold_both(&mut self, other: &mut Phone) -> Result<()> {
        held(self, other, |one, other| {
            one.send("hold", "")?;
            other.send("hold", "")?;
            one.response("hold")?;
            other.response("hold").map(drop)
        })
    }

    /// Goes on with the call that it held.
    ///
    /// # Errors
    /// baresip didn't take the command.
    pub fn resume(&mut self) -> Result<()> {
        self.command("resume", "").map(drop)
    }

    /// The same while the other side holds as well: the direction changes, and still neither hears anything.
    ///
    /// # Errors
    /// See [`Phone::hold`].
    pub fn resume_alone(&mut self, other: &mut Phone) -> Result<()> {
        held(self, other, |resumes, _| resumes.resume())
    }

    /// Transfers the call to a number of its own domain.
    ///
    /// # Errors
    /// baresip didn't take the command.
    pub fn transfer(&mut self, number: &str) -> Result<()> {
        self.command("transfer", number).map(drop)
    }

    /// Chooses the call that commands are for, by its line from 1.
    ///
    /// # Errors
    /// baresip has no such call.
    pub fn choose(&mut self, line: u32) -> Result<()> {
        let answer = self.command("line", &line.to_string())?;
        ensure!(answer.contains("setting current call"), "{answer}");
        Ok(())
    }

    /// How many calls it has.
    ///
    /// # Errors
    /// baresip didn't say.
    pub fn calls(&mut self) -> Result<usize> {
        let text = self.command("listcalls", "")?;
        let number = text
            .split_once("Active calls (")
            .and_then(|(_, rest)| rest.split(')').next());
        let number = number.with_context(|| format!("no number of calls in {text}"))?;
        number.parse().context("no number of calls")
    }

    /// Waits until it shows a contact as `Online`, `Offline` or `Busy`.
    ///
    /// # Errors
    /// It shows something else after a while.
    pub fn await_contact(&mut self, extension: &str, status: &str) -> Result<()> {
        let mut shown = String::new();
        let seen = until(&format!("contact {extension} to be {status}"), STEP, || {
            let text = self.command("contacts", "")?;
            let line = text
                .lines()
                .find(|line| line.contains(&format!("<sip:{extension}@")));
            shown = line.unwrap_or_default().to_owned();
            Ok(shown.contains(status).then_some(()))
        });
        seen.with_context(|| format!("it shows {shown:?}"))
    }

    /// Publishes that its person is there, or not.
    ///
    /// # Errors
    /// baresip didn't take the command.
    pub fn publish(&mut self, online: bool) -> Result<()> {
        let command = if online {
            "presence_online"
        } else {
            "presence_offline"
        };
        self.command(command, "").map(drop)
    }

    /// Waits until it has printed a text.
    ///
    /// # Errors
    /// It didn't in time, or ended.
    pub fn await_printed(&mut self, text: &str) -> Result<()> {
        until(&format!("baresip to print {text:?}"), STEP, || {
            self.receive()?;
            Ok(self.program.output().contains(text).then_some(()))
        })
    }

    /// Waits for an event such as `CALL_ESTABLISHED`, and returns it.
    ///
    /// # Errors
    /// It didn't come in time, or baresip ended.
    pub fn expect(&mut self, kind: &str) -> Result<Value> {
        self.expect_within(kind, STEP)
    }

    /// The same for one that takes longer than a step of a call.
    ///
    /// # Errors
    /// See [`Phone::expect`].
    pub fn expect_within(&mut self, kind: &str, within: Duration) -> Result<Value> {
        until(&format!("baresip's event {kind}"), within, || {
            self.receive()?;
            let wanted = |event: &Value| event["type"] == kind && !is_asked_again(event);
            let at = self.events.iter().position(wanted);
            Ok(at.and_then(|at| self.events.remove(at)))
        })
    }

    /// How far it has heard.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.recordings.mark()
    }

    /// Fails when it has heard anything since.
    ///
    /// # Errors
    /// It has.
    pub fn heard_nothing_since(&self, mark: &Mark) -> Result<()> {
        let octets = self.recordings.octets_since(mark);
        ensure!(
            octets == 0,
            "{} heard {octets} octets of sound",
            self.program.name()
        );
        Ok(())
    }

    /// Waits until it hears its own tone, as an echo sends it, and measures it.
    ///
    /// # Errors
    /// Says what was heard instead.
    pub fn hear_itself(&mut self) -> Result<Tone> {
        let mark = self.mark();
        self.hear(&mark, self.hz)
    }

    /// Waits until it hears somebody's tone of this pitch, and measures it.
    ///
    /// # Errors
    /// Says what was heard instead.
    pub fn hear_now(&mut self, hz: u32) -> Result<Tone> {
        let mark = self.mark();
        self.hear(&mark, hz)
    }

    /// What it has heard since, in a call that is over.
    ///
    /// # Errors
    /// Less than a second.
    pub fn sound_since(&self, mark: &Mark) -> Result<Tone> {
        self.recordings.sound_since(mark)
    }

    /// Waits until it has heard a talk since, and measures it.
    fn hear(&mut self, mark: &Mark, hz: u32) -> Result<Tone> {
        until(&format!("{hz} Hz at {}", self.program.name()), STEP, || {
            self.receive()?;
            let talk = self.octets_per_s * TALK_MS / 1_000;
            Ok((self.recordings.octets_since(mark) >= talk).then_some(()))
        })?;
        self.recordings.tone_since(mark, hz)
    }

    /// Waits until it hears all of these tones, and nothing else, for a second.
    ///
    /// # Errors
    /// It doesn't.
    pub fn hear_all(&mut self, tones: &[u32]) -> Result<()> {
        let mark = self.mark();
        until(&format!("{tones:?} Hz at {}", self.program.name()), STEP, || {
            self.receive()?;
            Ok((self.recordings.chord_since(&mark, tones)? >= CHORD_S).then_some(()))
        })
    }

    /// Waits until what begins to be heard after `mark` has lasted so long that it is seen to be music, and none of these
    /// voices.
    ///
    /// # Errors
    /// It hears nothing, or a steady tone.
    pub fn hear_music(&mut self, mark: &Mark, voices: &[u32]) -> Result<Tone> {
        let music = self.await_sound(mark, 3)?;
        let is_voice = voices.iter().any(|hz| music.is_of(*hz));
        let steady = music.seconds > 2.0;
        ensure!(
            music.amplitude > 0.003 && !(is_voice && steady),
            "held, {} heard {music:?}",
            self.program.name()
        );
        Ok(music)
    }

    fn command(&mut self, command: &str, parameters: &str) -> Result<String> {
        self.send(command, parameters)?;
        self.response(&format!("{command} {parameters}"))
    }

    fn send(&mut self, command: &str, parameters: &str) -> Result<()> {
        let text = json!({ "command": command, "params": parameters }).to_string();
        write!(self.control, "{}:{text},", text.len()).context("baresip's control socket is gone")
    }

    fn response(&mut self, command: &str) -> Result<String> {
        let answer = until(&format!("baresip's answer to {command}"), STEP, || {
            self.receive()?;
            let at = self.events.iter().position(|event| event["response"] == true);
            Ok(at.and_then(|at| self.events.remove(at)))
        })?;
        ensure!(answer["ok"] == true, "baresip refused {command}: {answer}");
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

/// From now on both phones hear each other: two seconds of the other's tone and no sound but that. Gives what `one` heard,
/// then what `other` heard.
///
/// # Errors
/// Says what was heard instead.
pub fn talk(one: &mut Phone, other: &mut Phone) -> Result<[Tone; 2]> {
    let marks = [one.mark(), other.mark()];
    let [first, second] = &marks;
    Ok([one.hear(first, other.hz)?, other.hear(second, one.hz)?])
}

/// Does something that leaves the call on hold, and waits until both phones have changed its direction and hear nothing.
fn held(
    one: &mut Phone,
    other: &mut Phone,
    act: impl FnOnce(&mut Phone, &mut Phone) -> Result<()>,
) -> Result<()> {
    until("another second to begin", STEP, || {
        let both = one.recordings.may_begin() && other.recordings.may_begin();
        Ok(both.then_some(()))
    })?;
    let before = [one.recordings.stretches(), other.recordings.stretches()];
    act(one, other)?;
    until("both phones to change the direction of a held call", STEP, || {
        one.receive()?;
        other.receive()?;
        let now = [one.recordings.stretches(), other.recordings.stretches()];
        let all = now.iter().zip(before).all(|(now, before)| *now > before);
        Ok(all.then_some(()))
    })?;
    await_silence(&mut [one, other])
}

/// Waits until none of the phones hears anything for a second.
fn await_silence(phones: &mut [&mut Phone]) -> Result<()> {
    let marks = |phones: &[&mut Phone]| phones.iter().map(|phone| phone.mark()).collect::<Vec<_>>();
    let (mut last, mut since) = (marks(phones), Instant::now());
    until("silence", STEP, || {
        for phone in phones.iter_mut() {
            phone.receive()?;
        }
        let now = marks(phones);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        Ok((since.elapsed() >= SILENCE).then_some(()))
    })
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

/// The end of an INVITE with keys at a phone that knows none: the server asks it again without.
fn is_asked_again(event: &Value) -> bool {
    event["direction"] == "incoming" && event["param"] == "No audio codecs"
}
