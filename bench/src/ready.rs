//! How long a server needs from its start until it answers.
//!
//! Owns: starting a command, asking with OPTIONS, and ending the command again.

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Settings of `bench ready`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Settings {
    /// Address that will answer, over UDP.
    #[arg(long, default_value = "127.0.0.1:5060")]
    server: SocketAddr,
    /// Domain in the Request-URI.
    #[arg(long, default_value = "bench.local")]
    domain: String,
    /// Longest wait, seconds.
    #[arg(long, default_value_t = 60)]
    limit_s: u64,
    /// The command; it must stay in the foreground.
    #[arg(required = true, trailing_var_arg = true)]
    command: Vec<String>,
}

/// Starts the command, waits, prints the time, ends the command.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let (program, arguments) = settings.command.split_first().context("no command was given")?;
    let start = Instant::now();
    let mut server = Server::start(Command::new(program).args(arguments))?;
    let limit = Duration::from_secs(settings.limit_s);
    server.wait_until_ready(settings.server, &settings.domain, limit)?;
    println!("ready after {:.1} ms", start.elapsed().as_secs_f64() * 1000.0);
    Ok(())
}

/// A running server, ended when dropped.
pub(crate) struct Server(Child);

impl Server {
    /// Starts a command with its output thrown away, unless its environment says otherwise.
    pub(crate) fn start(command: &mut Command) -> Result<Server> {
        let what = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {what}"))?;
        Ok(Server(child))
    }

    /// Root of the process tree.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    pub(crate) fn crash(mut self) -> Result<()> {
        self.0.kill().context("cannot kill the server")?;
        self.0.wait()?;
        Ok(())
    }

    /// Asks with OPTIONS every 2 ms until any answer comes.
    pub(crate) fn wait_until_ready(&mut self, at: SocketAddr, domain: &str, limit: Duration) -> Result<()> {
        let any: SocketAddr = if at.is_ipv4() {
            ([127, 0, 0, 1], 0).into()
        } else {
            (std::net::Ipv6Addr::LOCALHOST, 0).into()
        };
        let socket = UdpSocket::bind(any)?;
        socket.set_read_timeout(Some(Duration::from_millis(2)))?;
        let local = socket.local_addr()?;
        let start = Instant::now();
        let mut buffer = [0; 2048];
        for number in 1_u32.. {
            if let Some(status) = self.0.try_wait()? {
                bail!("the server ended before it was ready: {status}");
            }
            if start.elapsed() > limit {
                bail!("no answer to OPTIONS from {at} within {} s", limit.as_secs());
            }
            let _ = socket.send_to(options(domain, local, number).as_bytes(), at);
            match socket.recv_from(&mut buffer) {
                Ok(_) => return Ok(()),
                // Refused comes back at once when nobody listens yet; don't spin on it.
                Err(_) => std::thread::sleep(Duration::from_micros(500)),
            }
        }
        Ok(())
    }
}

impl Drop for Server {
    /// Asks it to end, and insists after five seconds.
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
        }
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn options(domain: &str, local: SocketAddr, number: u32) -> String {
    format!(
        "OPTIONS sip:{domain} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bKready{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:ready@{domain}>;tag=r{number}\r\nTo: <sip:{domain}>\r\n\
         Call-ID: ready{number}@{local}\r\nCSeq: {number} OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}
