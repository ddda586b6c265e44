//! rtpengine as it is installed, in user space, and calls through it by its control protocol.
//!
//! Owns: starting it, and offer, answer and delete. Without the program it says SKIP and Carillon is measured alone.

use super::Peer;
use super::bencode::{Value, strings};
use super::plan::{Far, Form, Plan, description};
use crate::house::free_ports;
use crate::ready::Server;
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A server that does not answer after this never will.
const READY: Duration = Duration::from_secs(10);
/// Suites that it would offer besides the one that is measured.
const OTHER_SUITES: [&str; 6] = [
    "no-AEAD_AES_256_GCM",
    "no-AEAD_AES_128_GCM",
    "no-AES_256_CM_HMAC_SHA1_80",
    "no-AES_256_CM_HMAC_SHA1_32",
    "no-AES_192_CM_HMAC_SHA1_80",
    "no-AES_192_CM_HMAC_SHA1_32",
];

/// True where the program can be started; says so where it can't.
pub(super) fn is_installed() -> bool {
    let mut command = Command::new("rtpengine");
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let found = command.status().is_ok_and(|status| status.success());
    if !found {
        println!("SKIP rtpengine: `apt-get install rtpengine-daemon` brings it; no ratio without it");
    }
    found
}

/// A running one.
pub(super) struct Rtpengine {
    server: Server,
    control: UdpSocket,
    asked: u64,
    calls: Vec<String>,
}

impl Rtpengine {
    /// Starts it with as many threads as this machine has processors.
    pub(super) fn start() -> Result<Rtpengine> {
        let [at] = free_ports()?;
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let mut command = Command::new("rtpengine");
        command.args([
            "--config-file=none",
            "--foreground",
            "--table=-1",
            "--interface=127.0.0.1",
        ]);
        command.args([
            "--port-min=30000",
            "--port-max=60000",
            "--log-level=3",
            "--log-stderr",
        ]);
        command.args(["--timeout=3600", "--silent-timeout=3600", "--delete-delay=0"]);
        command
            .arg(format!("--listen-ng={at}"))
            .arg(format!("--num-threads={threads}"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let server = Server::start(&mut command)?;
        let control = UdpSocket::bind(("127.0.0.1", 0))?;
        control.connect(at)?;
        control.set_read_timeout(Some(Duration::from_millis(200)))?;
        let mut engine = Rtpengine {
            server,
            control,
            asked: 0,
            calls: Vec::new(),
        };
        let start = Instant::now();
        while engine.ask(&[("command", "ping".into())]).is_err() {
            if start.elapsed() > READY {
                bail!("rtpengine does not answer at {at}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(engine)
    }

    fn ask(&mut self, items: &[(&'static str, Value)]) -> Result<BTreeMap<String, String>> {
        self.asked += 1;
        let cookie = format!("{}_{} ", self.server.pid(), self.asked);
        let mut message = cookie.clone().into_bytes();
        message.push(b'd');
        // Borrowed items in the order of their keys, as a dictionary is written.
        let mut sorted: Vec<&(&'static str, Value)> = items.iter().collect();
        sorted.sort_by_key(|(key, _)| *key);
        for (key, value) in sorted {
            Value::from(*key).write(&mut message);
            value.write(&mut message);
        }
        message.push(b'e');
        let mut buffer = vec![0; 65_536];
        for _ in 0..10 {
            let _ = self.control.send(&message);
            while let Ok(len) = self.control.recv(&mut buffer) {
                let reply = buffer
                    .get(..len)
                    .and_then(|reply| reply.strip_prefix(cookie.as_bytes()));
                let Some(reply) = reply else { continue };
                let found = strings(reply).context("an answer that is none")?;
                return match found.get("result").map(String::as_str) {
                    Some("ok" | "pong") => Ok(found),
                    _ => bail!("rtpengine: {found:?}"),
                };
            }
        }
        bail!("rtpengine does not answer")
    }

    fn pair(&mut self, id: &str, (caller, callee): (Form, Form), local: [SocketAddr; 2]) -> Result<Vec<Far>> {
        let [here, there] = local;
        let profile = |form: Form| if form.keys { "RTP/SAVP" } else { "RTP/AVP" };
        let mut offer = vec![
            ("command", Value::from("offer")),
            ("call-id", id.into()),
            ("from-tag", "a".into()),
            ("ICE", "remove".into()),
            ("DTLS", "off".into()),
            ("replace", Value::words(&["origin"])),
            ("transport-protocol", profile(callee).into()),
            ("SDES", Value::words(&OTHER_SUITES)),
            ("sdp", description(here, caller, caller.pt(), "1").as_str().into()),
        ];
        if caller.codec != callee.codec {
            let codec = [
                ("strip", Value::words(&[caller.codec.name()])),
                ("transcode", Value::words(&[callee.codec.name()])),
            ];
            offer.push(("codec", Value::Dictionary(codec.into())));
        }
        let offered = self.ask(&offer)?;
        let to_callee = Far::read(offered.get("sdp").context("no description")?, callee)?;
        let tag = to_callee.master.as_ref().map_or("1", |(tag, _)| tag.as_str());
        let answered = self.ask(&[
            ("command", "answer".into()),
            ("call-id", id.into()),
            ("from-tag", "a".into()),
            ("to-tag", "b".into()),
            ("ICE", "remove".into()),
            ("replace", Value::words(&["origin"])),
            ("transport-protocol", profile(caller).into()),
            (
                "sdp",
                description(there, callee, to_callee.pt, tag).as_str().into(),
            ),
        ])?;
        let to_caller = Far::read(answered.get("sdp").context("no description")?, caller)?;
        Ok(vec![to_caller, to_callee])
    }
}

impl Peer for Rtpengine {
    fn name(&self) -> &'static str {
        "rtpengine"
    }

    fn pid(&self) -> u32 {
        self.server.pid()
    }

    fn call(&mut self, plan: Plan, local: &[SocketAddr]) -> Result<Vec<Far>> {
        let id = format!("m{}-{}", self.asked, self.server.pid());
        self.calls.push(id.clone());
        match (plan, local) {
            (Plan::Pair { caller, callee }, [here, there]) => {
                self.pair(&id, (caller, callee), [*here, *there])
            }
            _ => bail!("rtpengine answers no calls"),
        }
    }

    fn hang_up(&mut self) -> Result<()> {
        for id in std::mem::take(&mut self.calls) {
            self.ask(&[
                ("command", "delete".into()),
                ("call-id", id.as_str().into()),
                ("from-tag", "a".into()),
                ("delete-delay", Value::Number(0)),
            ])?;
        }
        Ok(())
    }

    fn attend(&mut self) -> Result<()> {
        Ok(())
    }
}
