//! Carillon as it is installed: a data directory, one tenant, users by the command line, then `serve`.
//!
//! Owns: making the directory and starting the program. Does not own: what is measured.

use crate::ready::Server;
use crate::wire::Transport;
use anyhow::{Context as _, Result, bail};
use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Digest realm and SIP domain.
pub(crate) const DOMAIN: &str = "bench.local";
/// Letters before the number in a password; Carillon wants eight characters.
pub(crate) const PASSWORD_PREFIX: &str = "password";
/// A server that is not ready after this never will be.
pub(crate) const READY_LIMIT: Duration = Duration::from_secs(60);

/// A data directory with users `u0`, `u1`, … and the program that serves it.
pub(crate) struct House {
    program: PathBuf,
    config: PathBuf,
    udp: SocketAddr,
    tls: SocketAddr,
    ws: SocketAddr,
    wss: SocketAddr,
}

impl House {
    /// Makes the directory in `folder`. `policy` is for `tenant set`; `ports` are the first and the last for RTP.
    pub(crate) fn build(
        program: &Path,
        folder: &Path,
        users: u32,
        policy: &str,
        (first, last): (u16, u16),
    ) -> Result<House> {
        let [udp, tls, ws, wss] = free_ports()?;
        fs::create_dir_all(folder)?;
        let (config, data) = (folder.join("carillon.toml"), folder.join("data"));
        fs::write(
            &config,
            format!(
                "data_dir = {data:?}\nlog = \"warn\"\n[listen]\nudp = [\"{udp}\"]\ntcp = [\"{udp}\"]\n\
                 tls = [\"{tls}\"]\nws = [\"{ws}\"]\nwss = [\"{wss}\"]\n[media]\nfirst_port = {first}\nlast_port = {last}\n"
            ),
        )?;
        let house = House {
            program: program.to_owned(),
            config,
            udp,
            tls,
            ws,
            wss,
        };
        let list = folder.join("users.csv");
        fs::write(&list, csv(users)?)?;
        house.finish(&["tenant", "add", "bench", "--domain", DOMAIN])?;
        house.finish(&["tenant", "set", "bench", policy])?;
        let list = list.to_string_lossy().into_owned();
        house.finish(&["user", "import", "bench", &list, "--short-passwords"])?;
        Ok(house)
    }

    /// Starts the server; gives it with the time until it answered.
    pub(crate) fn serve(&self) -> Result<(Server, Duration)> {
        let start = Instant::now();
        let mut server = Server::start(self.command(&["serve"]).stdout(Stdio::null()))?;
        server.wait_until_ready(self.udp, DOMAIN, READY_LIMIT)?;
        Ok((server, start.elapsed()))
    }

    /// Where it listens.
    pub(crate) fn address(&self, transport: Transport) -> SocketAddr {
        match transport {
            Transport::Udp | Transport::Tcp => self.udp,
            Transport::Tls => self.tls,
            Transport::Ws => self.ws,
            Transport::Wss => self.wss,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&self.config).args(arguments);
        command
    }

    /// A command that ends by itself.
    pub(crate) fn finish(&self, arguments: &[&str]) -> Result<()> {
        let mut command = self.command(arguments);
        let output = command.stdin(Stdio::null()).output();
        let output = output.with_context(|| format!("cannot start {}", self.program.display()))?;
        if !output.status.success() {
            bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }
}

/// The program that was named, else the one beside this one.
pub(crate) fn program(named: Option<&PathBuf>) -> Result<PathBuf> {
    match named {
        Some(program) => Ok(program.clone()),
        None => Ok(std::env::current_exe()?.with_file_name("carillon")),
    }
}

fn csv(users: u32) -> Result<String> {
    let mut text = String::from("extension,name,username,password\n");
    for number in 0..users {
        writeln!(text, "u{number},,u{number},{PASSWORD_PREFIX}{number}")?;
    }
    Ok(text)
}

/// Ports of 127.0.0.1 in a row that nobody has now.
pub(crate) fn free_ports<const COUNT: usize>() -> Result<[SocketAddr; COUNT]> {
    for _ in 0..64 {
        let first = UdpSocket::bind(("127.0.0.1", 0))?.local_addr()?;
        let row =
            std::array::from_fn(|at| SocketAddr::new(first.ip(), first.port().saturating_add(at as u16)));
        let free = |at: &SocketAddr| UdpSocket::bind(at).is_ok() && std::net::TcpListener::bind(at).is_ok();
        if row.iter().all(free) {
            return Ok(row);
        }
    }
    bail!("no {COUNT} free ports in a row on 127.0.0.1")
}
