//! Kamailio as a carrier: it takes registrations of one account by digest, answers OPTIONS, and passes calls on.

use crate::process::{Program, require, until};
use crate::stage::Stage;
use anyhow::{Context, Result};
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Nonces are good for so long, seconds: shorter than a refresh takes, so that each finds its own stale.
const NONCE_S: u32 = 3;

/// What a carrier does with calls.
#[derive(Clone, Copy, Debug)]
pub enum Calls {
    /// It takes none.
    None,
    /// It passes those of whom it knows by address on to this port.
    To(u16),
    /// It asks for credentials first, for calls and for their ends.
    AskedTo(u16),
}

impl Calls {
    /// A part of `request_route`.
    fn route(self, password: &str) -> String {
        let (port, asks) = match self {
            Calls::None => return String::new(),
            Calls::To(port) => (port, false),
            Calls::AskedTo(port) => (port, true),
        };
        let ask = if asks {
            format!(
                "    if (!pv_proxy_authenticate(\"carrier.test\", \"{password}\", \"0\")) \
                 {{ proxy_challenge(\"carrier.test\", \"1\"); exit; }}\n    consume_credentials();\n"
            )
        } else {
            String::new()
        };
        let ends = match asks {
            true => format!("    if (is_method(\"BYE\")) {{\n{ask}    }}\n"),
            false => String::new(),
        };
        format!(
            "  if (has_totag()) {{\n{ends}    if (loose_route()) {{ t_relay(); exit; }}\n    if (is_method(\"ACK\")) {{ if (t_check_trans()) t_relay(); exit; }}\n\
             sl_send_reply(\"404\", \"Not here\"); exit;\n  }}\n  if (is_method(\"CANCEL\")) {{ if (t_check_trans()) t_relay(); exit; }}\n\
             if (is_method(\"INVITE\")) {{\n{ask}    record_route();\n    $ru = \"sip:\" + $rU + \"@127.0.0.1:{port}\";\n    t_relay();\n    exit;\n  }}\n"
        )
    }
}

/// A running carrier. Killed when dropped.
#[derive(Debug)]
pub struct Kamailio {
    program: Program,
    socket: PathBuf,
    /// Where it listens, for UDP and TCP.
    pub at: SocketAddr,
}

impl Kamailio {
    /// Starts one that knows `account` by `password`, and challenges with this algorithm (`MD5`, `SHA-256`).
    ///
    /// # Errors
    /// It is not installed, or does not answer.
    pub fn start(stage: &Stage, port: u16, account: (&str, &str), algorithm: &str) -> Result<Kamailio> {
        Kamailio::start_for(stage, port, account, algorithm, &Calls::None)
    }

    /// The same, and what it does with calls.
    ///
    /// # Errors
    /// See [`Kamailio::start`].
    pub fn start_for(
        stage: &Stage,
        port: u16,
        (account, password): (&str, &str),
        algorithm: &str,
        calls: &Calls,
    ) -> Result<Kamailio> {
        require("kamailio")?;
        let calls = calls.route(password);
        let socket = stage.path(&format!("kamailio-{port}.sock"));
        let config = format!(
            "debug=1\nlog_stderror=yes\nfork=yes\nchildren=1\ntcp_children=1\nauto_aliases=no\ndns=no\nrev_dns=no\n\
             alias=\"carrier.test\"\nlisten=udp:127.0.0.1:{port}\nlisten=tcp:127.0.0.1:{port}\n\
             loadmodule \"kex.so\"\nloadmodule \"siputils.so\"\nloadmodule \"textops.so\"\nloadmodule \"tm.so\"\nloadmodule \"sl.so\"\nloadmodule \"pv.so\"\nloadmodule \"maxfwd.so\"\nloadmodule \"rr.so\"\n\
             loadmodule \"usrloc.so\"\nloadmodule \"registrar.so\"\nloadmodule \"auth.so\"\nloadmodule \"ctl.so\"\n\
             modparam(\"ctl\", \"binrpc\", \"unix:{}\")\nmodparam(\"usrloc\", \"db_mode\", 0)\n\
             modparam(\"registrar\", \"max_expires\", 12)\nmodparam(\"auth\", \"nonce_expire\", {NONCE_S})\n\
             modparam(\"auth\", \"qop\", \"auth\")\nmodparam(\"auth\", \"algorithm\", \"{algorithm}\")\n\
             request_route {{\n  if (is_method(\"OPTIONS\")) {{ sl_send_reply(\"200\", \"OK\"); exit; }}\n\
             if (is_method(\"REGISTER\")) {{\n    if (!pv_www_authenticate(\"carrier.test\", \"{password}\", \"0\")) \
             {{ www_challenge(\"carrier.test\", \"1\"); exit; }}\n    if ($au != \"{account}\") {{ sl_send_reply(\"403\", \"Forbidden\"); exit; }}\n\
             save(\"location\");\n    exit;\n  }}\n{calls}  sl_send_reply(\"404\", \"Not here\");\n}}\n",
            socket.display()
        );
        stage.write(&format!("kamailio-{port}.cfg"), &config)?;
        let mut command = Command::new("kamailio");
        command
            .arg("-f")
            .arg(stage.path(&format!("kamailio-{port}.cfg")))
            .args(["-DD", "-m", "64", "-M", "8", "-w"])
            .arg(stage.dir())
            .arg("-P")
            .arg(stage.path(&format!("kamailio-{port}.pid")));
        let log = stage.path(&format!("kamailio-{port}.log"));
        let mut program = Program::start("kamailio", &mut command, &log)?;
        let at = SocketAddr::from(([127, 0, 0, 1], port));
        until("kamailio to answer OPTIONS", Duration::from_secs(20), || {
            program.check_alive()?;
            answers(at).map(|answered| answered.then_some(()))
        })?;
        Ok(Kamailio { program, socket, at })
    }

    /// Ends it, so that nobody answers any more. Its children follow their main process.
    ///
    /// # Errors
    /// It does not end.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    /// By SIGTERM: its children outlive a main process that is killed.
    fn end(&mut self) -> Result<()> {
        let pid = self.program.id().to_string();
        Command::new("kill").args(["-s", "TERM", &pid]).status()?;
        self.program.wait(Duration::from_secs(20)).map(drop)
    }

    /// What it knows of who is registered.
    ///
    /// # Errors
    /// It can't be asked.
    pub fn registered(&self) -> Result<String> {
        let mut command = Command::new("kamcmd");
        command
            .arg("-s")
            .arg(format!("unix:{}", self.socket.display()))
            .arg("ul.dump");
        let output = command.output().context("cannot start kamcmd")?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        if self.program.check_alive().is_ok() {
            let _ended = self.end();
        }
    }
}

fn answers(at: SocketAddr) -> Result<bool> {
    let socket = UdpSocket::bind("127.0.0.1:0").context("no UDP socket")?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    let from = socket.local_addr()?;
    let request = format!(
        "OPTIONS sip:{at} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKready\r\nMax-Forwards: 70\r\n\
         From: <sip:ready@carrier.test>;tag=r\r\nTo: <sip:{at}>\r\nCall-ID: ready\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send_to(request.as_bytes(), at)?;
    let mut answer = [0; 2_000];
    Ok(socket.recv(&mut answer).is_ok())
}
