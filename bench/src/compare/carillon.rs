//! Carillon as it is installed: a data directory, one tenant, users by the command line, then `serve`.
//!
//! Owns: two servers, one that relays media (the default) and one whose tenant has it go straight between the
//! phones, which is what a proxy does.

use super::{Contestant, DOMAIN, PASSWORD_PREFIX, READY_LIMIT, Settings, free_ports};
use crate::ready::Server;
use crate::wire::Transport;
use anyhow::{Context as _, Result, bail};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Name, policy, and RTP ports: the ranges of two servers must not meet, and every port is an open file, of which
/// common systems allow a process 20,000.
const VARIANTS: [(&str, &str, (u16, u16)); 2] = [
    ("Carillon, media relayed", "media=relay", (12_000, 27_999)),
    ("Carillon, media direct", "media=direct", (30_000, 30_099)),
];

/// Starts both variants; none when the program was not built.
pub(super) fn start(settings: &Settings, folder: &Path) -> Result<Vec<Contestant>> {
    let program = match &settings.carillon {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("carillon"),
    };
    if !program.exists() {
        println!(
            "SKIP Carillon: no {}; `cargo build --release -p carillon` makes it",
            program.display()
        );
        return Ok(Vec::new());
    }
    let users = folder.join("users.csv");
    fs::write(&users, csv(settings.users)?)?;
    VARIANTS
        .iter()
        .map(|variant| {
            let place = Place {
                program: &program,
                users: &users,
                folder: folder.join(variant.1),
            };
            variant_start(settings, *variant, &place)
        })
        .collect()
}

struct Place<'a> {
    program: &'a Path,
    users: &'a Path,
    folder: PathBuf,
}

fn variant_start(
    settings: &Settings,
    (name, policy, ports): (&'static str, &str, (u16, u16)),
    place: &Place<'_>,
) -> Result<Contestant> {
    let (udp, tls) = free_ports()?;
    fs::create_dir(&place.folder)?;
    let (config, data) = (place.folder.join("carillon.toml"), place.folder.join("data"));
    let (first, last) = ports;
    fs::write(
        &config,
        format!(
            "data_dir = {data:?}\nlog = \"warn\"\n[listen]\nudp = [\"{udp}\"]\ntcp = [\"{udp}\"]\n\
             tls = [\"{tls}\"]\nws = []\nwss = []\n[media]\nfirst_port = {first}\nlast_port = {last}\n"
        ),
    )?;
    let users = place.users.to_string_lossy().into_owned();
    let command = |arguments: &[&str]| {
        let mut command = Command::new(place.program);
        command.arg("--config").arg(&config).args(arguments);
        command
    };
    finish(command(&["tenant", "add", "bench", "--domain", DOMAIN]))?;
    finish(command(&["tenant", "set", "bench", policy]))?;
    finish(command(&["user", "import", "bench", &users, "--short-passwords"]))?;
    let start = Instant::now();
    let mut server = Server::start(command(&["serve"]).stdout(Stdio::null()))?;
    server
        .wait_until_ready(udp, DOMAIN, READY_LIMIT)
        .with_context(|| name.to_owned())?;
    let ready = start.elapsed();
    let sip = if settings.transport == Transport::Tls {
        tls
    } else {
        udp
    };
    Ok(Contestant {
        name,
        relays: policy == "media=relay",
        server,
        sip,
        ready,
    })
}

/// A command that ends by itself.
fn finish(mut command: Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn csv(users: u32) -> Result<String> {
    let mut text = String::from("extension,name,username,password\n");
    for number in 0..users {
        writeln!(text, "u{number},,u{number},{PASSWORD_PREFIX}{number}")?;
    }
    Ok(text)
}
