//! Kamailio as registrar and dialog-tracking proxy, from a configuration outside the project.
//!
//! Owns: a private copy of that configuration with ports, paths and passwords of this run. Without the
//! configuration or the program it says SKIP and Carillon is measured alone.

use super::{Contestant, DOMAIN, PASSWORD_PREFIX, READY_LIMIT, Settings, free_ports};
use crate::ready::Server;
use crate::wire::Transport;
use anyhow::{Context as _, Result};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Name, and the definition that makes the variant.
const VARIANTS: [(&str, Option<&str>); 2] = [
    ("Kamailio, no digest on INVITE", None),
    ("Kamailio, digest on INVITE", Some("WITH_CALLAUTH")),
];

/// Starts both variants.
pub(super) fn start(settings: &Settings, folder: &Path) -> Result<Vec<Contestant>> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/bench/kamailio");
    let source = settings.kamailio.clone().unwrap_or(beside).join("bench.cfg");
    let Ok(config) = fs::read_to_string(&source) else {
        println!("SKIP Kamailio: no {}", source.display());
        return Ok(Vec::new());
    };
    if settings.transport.is_websocket() {
        println!("SKIP Kamailio: its configuration has no WebSocket");
        return Ok(Vec::new());
    }
    let found = Command::new("kamailio")
        .arg("-v")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !found.is_ok_and(|status| status.success()) {
        println!(
            "SKIP Kamailio: `apt-get install kamailio kamailio-tls-modules kamailio-extra-modules` brings it"
        );
        return Ok(Vec::new());
    }
    VARIANTS
        .iter()
        .enumerate()
        .map(|(number, variant)| {
            variant_start(settings, *variant, &config, &folder.join(format!("k{number}")))
        })
        .collect()
}

fn variant_start(
    settings: &Settings,
    (name, define): (&'static str, Option<&str>),
    config: &str,
    folder: &Path,
) -> Result<Contestant> {
    fs::create_dir(folder)?;
    let [udp, tls] = free_ports()?;
    let run = folder.to_string_lossy();
    let config = config
        .replace("127.0.0.1:5070", &udp.to_string())
        .replace("127.0.0.1:5071", &tls.to_string())
        .replace("\"pw\" +", &format!("\"{PASSWORD_PREFIX}\" +"))
        .replace("@RUN@", &run);
    let file = folder.join("bench.cfg");
    fs::write(&file, config)?;
    let mut command = Command::new("kamailio");
    // In the foreground with its children; `fm` is the fast allocator, the default one is for debugging.
    command
        .arg("-f")
        .arg(&file)
        .args(["-DD", "-m", "1024", "-M", "32", "-x", "fm"]);
    command.arg("-P").arg(folder.join("kamailio.pid"));
    for define in define
        .into_iter()
        .chain((settings.transport == Transport::Tls).then_some("WITH_TLS"))
    {
        command.args(["-A", define]);
    }
    if settings.transport == Transport::Tls {
        certificate(folder)?;
    }
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut server = Server::start(&mut command)?;
    server
        .wait_until_ready(udp, DOMAIN, READY_LIMIT)
        .with_context(|| name.to_owned())?;
    Ok(Contestant {
        name,
        relays: false,
        server,
        sip: pick(settings, udp, tls),
        ready: start.elapsed(),
    })
}

fn pick(settings: &Settings, udp: SocketAddr, tls: SocketAddr) -> SocketAddr {
    if settings.transport == Transport::Tls {
        tls
    } else {
        udp
    }
}

/// A self-signed certificate and the file that names it.
fn certificate(folder: &Path) -> Result<()> {
    let made = rcgen::generate_simple_self_signed(vec![DOMAIN.to_owned()])?;
    fs::write(folder.join("cert.pem"), made.cert.pem())?;
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem())?;
    let run = folder.to_string_lossy();
    let side = |name: &str, files: &str| {
        format!(
            "[{name}:default]\nmethod = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\n{files}"
        )
    };
    let files = format!("private_key = {run}/key.pem\ncertificate = {run}/cert.pem\n");
    fs::write(
        folder.join("tls.cfg"),
        side("server", &files) + &side("client", ""),
    )?;
    Ok(())
}
