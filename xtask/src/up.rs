//! `cargo xtask up`: from a clone to a telephone system that two phones can use.

use crate::arguments::Up;
use crate::demo::{self, Demo, EXTENSIONS, FLOWS};
use crate::{packages, process};
use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// How long a start may take before we give up waiting.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// Builds, fills the demo, starts the server and prints how to reach it.
///
/// # Errors
/// The build failed, a port is taken, or the server did not start.
pub(crate) fn run(options: &Up) -> Result<()> {
    packages::ensure(packages::BUILD)?;
    process::run(&mut process::cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        "carillon",
    ]))?;
    let binary = process::target_dir().join("release/carillon");
    let demo = Demo::prepare(binary, options.port)?;
    if running(&demo) {
        bail!("the demo is running already; stop it first (Ctrl-C in its terminal, or kill its process)");
    }
    free(options.port)?;
    let passwords = demo.fill()?;
    serve(&demo, options, &passwords)
}

fn serve(demo: &Demo, options: &Up, passwords: &BTreeMap<String, String>) -> Result<()> {
    // Ctrl-C reaches the server as well; we only have to outlive it.
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stopping)).context("cannot catch signals")?;
    }
    let mut server = start(demo, options)?;
    wait_until_ready(demo, &mut server)?;
    print!("{}", card(options.port, &demo::addresses(), passwords));
    if options.detach {
        println!(
            "Process {}; log in {}. Stop it with: kill {}",
            server.id(),
            demo.log().display(),
            server.id()
        );
        return Ok(());
    }
    println!("Ctrl-C stops it.");
    let status = server.wait().context("cannot wait for the server")?;
    if !status.success() {
        bail!("carillon ended with {status}");
    }
    Ok(())
}

fn start(demo: &Demo, options: &Up) -> Result<Child> {
    let config = demo.config();
    let mut command = demo.carillon(&["serve", "--config"]);
    command.arg(config).stdin(Stdio::null());
    if options.detach {
        let log = File::create(demo.log()).context("cannot write the log")?;
        let copy = log.try_clone().context("cannot write the log")?;
        command.stdout(log).stderr(copy).process_group(0);
    }
    command.spawn().context("cannot start carillon")
}

fn running(demo: &Demo) -> bool {
    process::capture(&mut demo.carillon(&["status", "--json"])).is_ok()
}

fn wait_until_ready(demo: &Demo, server: &mut Child) -> Result<()> {
    let begun = Instant::now();
    while !running(demo) {
        if let Some(status) = server.try_wait().context("cannot wait for the server")? {
            bail!(
                "carillon did not start ({status}); its message is above or in {}",
                demo.log().display()
            );
        }
        if begun.elapsed() > READY_WITHIN {
            let _gone = server.kill();
            bail!("carillon was not ready within {} s", READY_WITHIN.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Looks before the server does, so that the remedy names this command's own option.
fn free(port: u16) -> Result<()> {
    let any = Ipv4Addr::UNSPECIFIED;
    let taken = if UdpSocket::bind((any, port)).is_err() {
        Some((port, "UDP"))
    } else if TcpListener::bind((any, port)).is_err() {
        Some((port, "TCP"))
    } else if TcpListener::bind((any, port + 1)).is_err() {
        Some((port + 1, "TCP"))
    } else if TcpListener::bind((any, port + 2)).is_err() {
        Some((port + 2, "TCP"))
    } else {
        None
    };
    match taken {
        Some((port, kind)) => bail!(
            "{kind} port {port} is taken by another program; stop it, or choose another with: cargo xtask up --port 6060"
        ),
        None => Ok(()),
    }
}

/// What to type into a phone.
fn card(port: u16, addresses: &[String], passwords: &BTreeMap<String, String>) -> String {
    let here = addresses.first().map_or("127.0.0.1", String::as_str);
    let (tls, wss) = (port + 1, port + 2);
    let mut text = format!(
        "\nCarillon is ready. Type this into a phone:\n\n\
         \x20 Server / domain     {here}:{port}   (transport UDP or TCP)\n\
         \x20                     {here}:{tls}   (transport TLS; accept the self-signed certificate)\n\
         \x20 Browser phone       wss://{here}:{wss}/   (open https://{here}:{wss}/ once and accept the certificate)\n\
         \x20 Phone on this machine: 127.0.0.1:{port}\n\n\
         \x20 Username   Password\n"
    );
    for (extension, name) in EXTENSIONS {
        let password = passwords.get(extension).map_or("?", String::as_str);
        text.push_str(&format!("  {extension:<8}   {password}   {name}\n"));
    }
    text.push_str("\nThen dial 101 from 100, or one of these:\n\n");
    for (number, what) in [("*43", "echo"), ("*9664", "music")] {
        text.push_str(&format!("  {number:<8}   {what}\n"));
    }
    for (number, what, _) in FLOWS {
        text.push_str(&format!("  {number:<8}   {what}\n"));
    }
    text.push_str("  *1         in a call: record it, and again: stop\n  *33101     from 100: listen to the call of 101\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_names_server_username_password_and_transport() {
        let passwords = BTreeMap::from([("100".to_owned(), "secret-one".to_owned())]);
        let text = card(6060, &["192.0.2.7".to_owned()], &passwords);
        for part in [
            "192.0.2.7:6060",
            "192.0.2.7:6061",
            "wss://192.0.2.7:6062/",
            "UDP or TCP",
            "TLS",
            "100",
            "secret-one",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }

    #[test]
    fn a_taken_port_names_the_option() {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let message = free(port).unwrap_err().to_string();
        assert!(message.contains("--port"), "{message}");
    }
}
