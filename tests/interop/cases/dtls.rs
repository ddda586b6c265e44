//! Phones with DTLS-SRTP and without ICE (RFC 5763): OpenSSL shakes hands, and the phone sends back all that it hears, so that a
//! plain phone measures its own tone.

use anyhow::{Context, Result, ensure};
use interop::actor::Actor;
use interop::baresip::Account;
use interop::process::{Program, require, until};
use interop::wire::Transport;
use interop::{Phone, Server, Stage, Tenant};
use rtp::srtp::{Receiver, Sender, Suite};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const STEP: Duration = Duration::from_secs(20);
/// Octets of key and salt, once for each side.
const MATERIAL: usize = 60;

/// Runs OpenSSL to its end; gives what it printed.
fn openssl(arguments: &[&str]) -> Result<String> {
    require("openssl")?;
    let done = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    ensure!(
        done.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// The value of `a=fingerprint` for a certificate in a file.
fn fingerprint(certificate: &str) -> Result<String> {
    let printed = openssl(&["x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"])?;
    let (_, hex) = printed.trim().split_once('=').context("no fingerprint")?;
    Ok(format!("sha-256 {hex}"))
}

/// A key and a certificate of a phone.
struct Own {
    key: String,
    certificate: String,
}

impl Own {
    fn make(stage: &Stage) -> Result<Own> {
        let path = |name: &str| stage.path(name).to_string_lossy().into_owned();
        let (key, certificate) = (path("phone.key"), path("phone.pem"));
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            "/CN=phone",
            "-days",
            "30",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ])?;
        Ok(Own { key, certificate })
    }

    /// Shakes hands from `at` with the server, which must have the certificate that it named: both sides' keys, ours first.
    fn shake(&self, stage: &Stage, at: SocketAddr, server: SocketAddr, named: &str) -> Result<[Vec<u8>; 2]> {
        let (at, server, length) = (at.to_string(), server.to_string(), MATERIAL.to_string());
        let mut command = Command::new("openssl");
        command
            .args(["s_client", "-dtls1_2", "-bind", &at, "-connect", &server])
            .args([
                "-use_srtp",
                "SRTP_AES128_CM_SHA1_80",
                "-cert",
                &self.certificate,
                "-key",
                &self.key,
            ])
            .args([
                "-keymatexport",
                "EXTRACTOR-dtls_srtp",
                "-keymatexportlen",
                &length,
            ])
            .stdin(Stdio::piped());
        let mut program = Program::start("openssl", &mut command, &stage.path("openssl.log"))?;
        let hex = until("OpenSSL to have keys", STEP, || {
            program.check_alive()?;
            let output = program.output();
            let material = output.split_once("Keying material: ").map(|(_, rest)| rest);
            Ok(material
                .and_then(|rest| rest.get(..MATERIAL * 2))
                .map(str::to_owned))
        })?;
        let output = program.output();
        program.kill();
        ensure!(
            output.contains("SRTP Extension negotiated, profile=SRTP_AES128_CM_SHA1_80"),
            "{output}"
        );
        let pem = output
            .split_once("-----BEGIN")
            .and_then(|(_, rest)| rest.split_once("-----END"));
        let pem = pem.context("no certificate of the server")?.0;
        stage.write(
            "server.pem",
            &format!("-----BEGIN{pem}-----END CERTIFICATE-----\n"),
        )?;
        let shown = fingerprint(&stage.path("server.pem").to_string_lossy())?;
        ensure!(shown == named, "{shown} was shown, {named} was named");
        let octets: Vec<u8> = (0..MATERIAL)
            .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).context("no hex"))
            .collect::<Result<_>>()?;
        // The keys come first, then the salts (RFC 5764 §4.2).
        let side = |at: usize| [&octets[at * 16..][..16], &octets[32 + at * 14..][..14]].concat();
        Ok([side(0), side(1)])
    }
}

/// A phone that sends back what it hears until it is dropped; counts packets that opened, and others.
struct Echo {
    counts: Arc<[AtomicU64; 2]>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Echo {
    fn begin(at: SocketAddr, [ours, theirs]: [Vec<u8>; 2]) -> Result<Echo> {
        let socket = UdpSocket::bind(at).context("the phone's port is gone")?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let suite = Suite::AesCm128HmacSha1_80;
        let (sender, receiver) = (Sender::new(suite, &ours), Receiver::new(suite, &theirs));
        let (mut sender, mut receiver) = sender.zip(receiver).context("no SRTP")?;
        let (counts, over) = (
            Arc::new([AtomicU64::new(0), AtomicU64::new(0)]),
            Arc::new(AtomicBool::new(false)),
        );
        let (counted, ends) = (Arc::clone(&counts), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 2_048];
            while !ends.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                let opened = receiver.unprotect_rtp(&mut buffer[..length]);
                counted[usize::from(opened.is_err())].fetch_add(1, Ordering::Relaxed);
                let sealed = opened
                    .ok()
                    .and_then(|length| sender.protect_rtp(&mut buffer, length).ok());
                if let Some(length) = sealed {
                    drop(socket.send_to(&buffer[..length], from));
                }
            }
        });
        Ok(Echo {
            counts,
            over,
            thread: Some(thread),
        })
    }

    fn counts(&self) -> [u64; 2] {
        [0, 1].map(|at| self.counts[at].load(Ordering::Relaxed))
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// What the server described last to a phone with DTLS: where audio goes, and its fingerprint.
fn described(actor: &Actor) -> Result<(SocketAddr, String)> {
    let text = actor.described("UDP/TLS/RTP/SAVP ")?;
    let line = |start: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(start))
            .context("no line")
    };
    let port = line("m=audio ")?.split(' ').next().context("no port")?.parse()?;
    ensure!(!text.contains("a=ice-") && !text.contains("a=crypto:"), "{text}");
    Ok((SocketAddr::new(HOME, port), line("a=fingerprint:")?.to_owned()))
}

/// Ann's phone speaks DTLS, over TLS; Bea's is plain.
fn pair(stage: &Stage, own: &Own) -> Result<(Server, Actor, Phone)> {
    let tenant = Tenant::new("acme", ["100", "101"].map(str::to_owned)).policy("srtp=optional");
    let server = Server::start(stage, &[tenant])?;
    let bea = Phone::start(stage, &server, Account::new("101", "acme.test", 440))?;
    // The system chose the port that the one of its audio follows from: it has to be free.
    let mut ann = until("a free port", STEP, || {
        let ann = Actor::new(&server, ("acme.test", "100"), Transport::Tls, HOME)?;
        Ok(UdpSocket::bind(ann.phone.rtp_address()).is_ok().then_some(ann))
    })?;
    ann.phone.codecs = vec![0];
    ann.phone.dtls = Some(fingerprint(&own.certificate)?);
    ann.noting = true;
    ann.register()?;
    Ok((server, ann, bea))
}

/// They are in a call: Bea hears herself by Ann's phone.
fn echoes(stage: &Stage, own: &Own, ann: &Actor, bea: &mut Phone) -> Result<String> {
    let (relay, named) = described(ann)?;
    let at = ann.phone.rtp_address();
    let echo = Echo::begin(at, own.shake(stage, at, relay, &named)?)?;
    let tone = bea.hear_itself()?;
    let [opened, others] = echo.counts();
    ensure!(
        opened > 100 && others == 0,
        "{opened} packets opened, {others} did not"
    );
    Ok(format!("{tone}, {opened} packets each way"))
}

/// One calls the other, and Bea hears herself. `leg` is how the record names that of Ann's phone.
fn talks(name: &str, leg: &str, dials: impl FnOnce(&mut Actor, &mut Phone) -> Result<()>) -> Result<()> {
    Stage::run(name, |stage| {
        let own = Own::make(stage)?;
        let (server, mut ann, mut bea) = pair(stage, &own)?;
        dials(&mut ann, &mut bea)?;
        ann.play("the call", |me| me.up() == 1 && !me.phone.is_busy())?;
        bea.expect("CALL_ESTABLISHED")?;
        let heard = echoes(stage, &own, &ann, &mut bea)?;
        bea.hang_up()?;
        ann.play("its end", |me| me.up() == 0)?;
        let records = server.await_cdrs("acme", 1)?;
        let record = records.first().context("no record")?;
        ensure!(record[leg] == "AES_CM_128_HMAC_SHA1_80", "{record}");
        println!("COUNT interop/dtls 1");
        Ok(heard)
    })
}

#[test]
fn a_phone_with_dtls_alone_calls_a_plain_one() -> Result<()> {
    talks("dtls-calls", "caller_srtp", |ann, _| {
        ann.call("101");
        Ok(())
    })
}

#[test]
fn a_plain_phone_calls_one_with_dtls_alone() -> Result<()> {
    talks("dtls-called", "callee_srtp", |_, bea| {
        bea.dial("sip:100@acme.test")
    })
}
