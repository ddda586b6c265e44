//! Hundreds of thousands of hostile messages over every transport, while two people talk and want to notice nothing.
//!
//! The two sit at 127.0.0.2, so that whoever knows their tags still comes from another address, as on a real network.

mod abrupt;
mod amplified;
mod flood;
mod floods;
mod frames;
mod greedy;
mod office;
mod scanners;
mod smuggled;

use anyhow::{Context, Result, ensure};
use flood::Flood;
use interop::actor::{Actor, play};
use interop::server::extensions;
use interop::wire::{TRANSPORTS, Transport, Wire, ping};
use interop::{Server, Stage, Tenant, until};
use serde_json::Value;
use sim::hostile::{Leg, METHODS};
use sim::phone::Answer;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// Printed with a failure; the same number makes the same choices again. Tags and nonces are the server's.
const SEED: u64 = 0x0ca2_1110;
const DOMAIN: &str = "acme.test";
/// Where the two who mean no harm are, and where all others are.
const QUIET: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const LOUD: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Octets by which an answer to a stranger may be longer than his request: a challenge (SECURITY, row 12).
const CHALLENGE: usize = 560;
/// Messages of strangers and of colleagues, on each transport. A stream that is cut off loses what was on its way, so
/// more is sent than is asked for.
const STRANGE: u64 = 48_000;
const FAMILIAR: u64 = 19_200;
/// What the server has to have read.
const READ: u64 = 200_000;
/// Memory that the server may hold more after strangers' messages than after the first fifth of them: nothing of a
/// stranger's is kept, so this is the allocator's and the kernel's own noise.
const FLAT: u64 = 8 << 20;
/// And after the colleagues' messages, whose transactions live for 32 s (RFC 3261, Timer J): what those may hold.
const KEPT: u64 = 64 << 20;
/// The next good OPTIONS is answered within this time; one in twenty may be later when the machine is busy.
const PROMPT: Duration = Duration::from_millis(100);

/// Two phones in a call that nobody else should touch.
struct Quiet {
    ann: Actor,
    bea: Actor,
    leg: Leg,
}

impl Quiet {
    fn settle(server: &Server) -> Result<Quiet> {
        let phone = |user| Actor::new(server, (DOMAIN, user), Transport::Udp, QUIET);
        let (mut ann, mut bea) = (phone("100")?, phone("101")?);
        ann.register()?;
        bea.register()?;
        ann.noting = true;
        ann.call("101");
        play(&mut ann, &mut bea, "the quiet call", |ann, bea| {
            ann.up() == 1 && bea.up() == 1
        })?;
        let leg = ann
            .legs()
            .into_iter()
            .next()
            .context("no 200 in the quiet call")?;
        ann.noting = false;
        play(&mut ann, &mut bea, "the last ACK", |ann, bea| {
            !ann.phone.is_busy() && !bea.phone.is_busy()
        })?;
        for phone in [&mut ann, &mut bea] {
            // Who is called a second time is busy.
            phone.phone.answer = Answer::Refuse(486, 0);
            // A copy that a busy machine sent is no word of a stranger.
            phone.catch_up(server)?;
        }
        Ok(Quiet { ann, bea, leg })
    }

    fn turn(&mut self) -> Result<()> {
        self.ann.turn(Duration::ZERO)?;
        self.bea.turn(Duration::ZERO)
    }

    /// Messages that the two have received.
    fn received(&self) -> u64 {
        self.ann.received + self.bea.received
    }

    /// Their call can be held and resumed, ended and made again.
    fn still_talk(&mut self, server: &Server) -> Result<()> {
        ensure!(self.ann.up() == 1 && self.bea.up() == 1, "the quiet call is over");
        for direction in ["sendonly", "sendrecv"] {
            let now = self.ann.now();
            self.ann.phone.heard.clear();
            self.ann.phone.reinvite(0, direction, now);
            play(&mut self.ann, &mut self.bea, direction, |ann, _| {
                ann.phone.heard.contains(&("INVITE".to_owned(), 200))
            })?;
        }
        self.ann.end_all();
        play(
            &mut self.ann,
            &mut self.bea,
            "the end of the quiet call",
            |ann, bea| ann.up() + bea.up() == 0,
        )?;
        self.bea.phone.answer = Answer::PickUp(0);
        self.ann.register()?;
        self.ann.call("101");
        play(&mut self.ann, &mut self.bea, "a new call", |ann, bea| {
            ann.up() == 1 && bea.up() == 1
        })?;
        self.ann.end_all();
        play(&mut self.ann, &mut self.bea, "its end", |ann, bea| {
            ann.up() + bea.up() == 0
        })?;
        until("the records of the two calls", Duration::from_secs(20), || {
            let records = server.list(&[
                "cdr",
                "--tenant",
                "acme",
                "--extension",
                "100",
                "--limit",
                "10000",
            ])?;
            let ours = |r: &&Value| {
                r["caller"]["number"] == "100" && r["sip"] == 200 && r["callee"]["number"] == "101"
            };
            Ok((records.iter().filter(ours).count() == 2).then_some(()))
        })?;
        Ok(())
    }
}

/// What a stranger could change.
fn stored(server: &Server) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for tenant in ["acme", "zeta"] {
        for registration in server.list(&["registrations", "--tenant", tenant])? {
            all.push(registration["contact"].clone());
            all.push(registration["since"].clone());
        }
        all.push(server.cdrs(tenant)?.len().into());
    }
    for call in server.list(&["calls"])? {
        all.push(call["id"].clone());
        all.push(call["state"].clone());
    }
    let status = server.status()?;
    for name in ["registered", "calls", "answered"] {
        all.push(status["counts"][name].clone());
    }
    Ok(all)
}

fn count(server: &Server, name: &str) -> Result<u64> {
    server.status()?["counts"][name]
        .as_u64()
        .with_context(|| format!("no count of {name}"))
}

/// Every method, known or not, asked without credentials: outside any dialog, in the quiet call's and beside it.
fn every_method(server: &Server, quiet: &Quiet, flood: &mut Flood) -> Result<()> {
    for transport in TRANSPORTS {
        let mut wire = Wire::open(transport, server, LOUD)?;
        for (serial, method) in METHODS.iter().enumerate() {
            let aim = flood::stranger(&wire, transport, Some(&quiet.leg));
            for octets in flood.sound(method, &aim) {
                wire.send(&octets);
                let (_, answers) = ping(&mut wire, transport, server, serial as u64)?;
                let length: usize = answers.iter().map(Vec::len).sum();
                ensure!(
                    answers.len() <= 1 && length <= octets.len() + CHALLENGE,
                    "{method} over {transport:?}: {} answers, {length} octets to {}",
                    answers.len(),
                    octets.len()
                );
                let text = String::from_utf8_lossy(answers.first().map_or(&[], Vec::as_slice)).into_owned();
                let refused =
                    text.is_empty() || text.starts_with("SIP/2.0 4") || text.starts_with("SIP/2.0 5");
                ensure!(refused, "{method} over {transport:?} was not refused: {text}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_flood_of_hostile_messages_harms_nobody() -> Result<()> {
    Stage::run("hostile", |stage| {
        let tenants = ["acme", "zeta"].map(|name| {
            let people = extensions(100, 12);
            Tenant::new(name, people).policy("media_silence_s=0")
        });
        let server = Server::start(stage, &tenants)?;
        let mut quiet = Quiet::settle(&server)?;
        let mut flood = Flood::new(SEED)?;
        let (before, heard) = (stored(&server)?, quiet.received());
        every_method(&server, &quiet, &mut flood)?;
        for transport in TRANSPORTS {
            flood.run(&server, &mut quiet, (transport, false), STRANGE / 5)?;
        }
        let warm = server.resident()?;
        for transport in TRANSPORTS {
            flood.run(&server, &mut quiet, (transport, false), STRANGE / 5 * 4)?;
        }
        let after = server.resident()?;
        ensure!(
            after <= warm + FLAT,
            "memory grew from {warm} to {after} octets by strangers' messages"
        );
        ensure!(quiet.received() == heard, "something reached the quiet phones");
        let now = stored(&server)?;
        ensure!(now == before, "strangers changed {before:?} to {now:?}");
        for transport in TRANSPORTS {
            flood.run(&server, &mut quiet, (transport, true), FAMILIAR)?;
        }
        let full = server.resident()?;
        ensure!(
            full <= after + KEPT,
            "memory grew from {after} to {full} octets by colleagues' messages"
        );
        quiet.still_talk(&server)?;
        let panics = count(&server, "panics")?;
        ensure!(panics == 0, "{panics} panics");
        for (transport, read) in flood.read() {
            println!("COUNT hostile/{} {read}", transport.model());
        }
        let read: u64 = flood.read().values().sum();
        ensure!(read >= READ, "the server read only {:?}", flood.read());
        let times = flood.times();
        ensure!(times.p95 <= PROMPT, "a good OPTIONS waits too long: {times}");
        let mib = |octets: u64| octets >> 20;
        Ok(format!(
            "seed {SEED:#x}, {read} messages; OPTIONS {times}; RSS {} MiB warm, {} after strangers, {} after colleagues",
            mib(warm),
            mib(after),
            mib(full)
        ))
    })
}
