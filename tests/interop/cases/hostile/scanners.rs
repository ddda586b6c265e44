//! The scanner that most who break into telephone systems use, as it is and in disguise, beside two people who talk.
//!
//! It comes from another address than the two, and this machine is not on the list of those allowed.

use super::{DOMAIN, LOUD, Quiet, count};
use anyhow::{Context, Result, ensure};
use interop::actor::Actor;
use interop::process::{Program, require};
use interop::server::{Setting, extensions, password};
use interop::wire::Transport;
use interop::{Server, Stage, Tenant};
use std::process::Command;
use std::time::Duration;

/// Longest that one tool may take.
const WITHIN: Duration = Duration::from_secs(90);
/// Passwords that are tried before the right one: more than are looked at, however the tool overlaps them.
const WRONG: usize = 400;

/// Runs one of the tools, under its own name or as a phone. Gives what it printed.
fn run(stage: &Stage, tool: &str, disguised: bool, arguments: &[&str]) -> Result<String> {
    let name = if disguised {
        "Phone 1.0"
    } else {
        "friendly-scanner"
    };
    let program = format!(
        "import sys\nsys.path.insert(0, '/usr/share/sipvicious')\nfrom sipvicious.libs import svhelper\n\
         d = tuple('{name}' if x == 'friendly-scanner' else x for x in svhelper.makeRequest.__defaults__)\n\
         svhelper.makeRequest.__defaults__ = d\nfrom sipvicious import {tool}\nsys.exit({tool}.main())\n"
    );
    let script = stage.write(&format!("{tool}-{disguised}.py"), &program)?;
    let log = stage.path(&format!("{tool}-{disguised}.log"));
    let mut command = Command::new("python3");
    command.arg(script).args(arguments).env("HOME", stage.dir());
    let mut program = Program::start(tool, &mut command, &log)?;
    program.wait(WITHIN)?;
    Ok(program.output())
}

/// Whom the server keeps out.
fn banned(server: &Server) -> Result<Vec<String>> {
    let bans = server.list(&["ban", "list"])?;
    let address = |ban: &serde_json::Value| ban["address"].as_str().map(str::to_owned);
    bans.iter()
        .map(|ban| address(ban).context("a ban without an address"))
        .collect()
}

#[test]
fn a_scanner_finds_no_user_and_no_password_and_is_banned() -> Result<()> {
    Stage::run("scanners", |stage| {
        require("svwar")?;
        let tenants = [Tenant::new("acme", extensions(100, 12)).policy("media_silence_s=0")];
        let server = Server::start_as(stage, &tenants, Setting::default().border("allow = []"))?;
        // The tools ask for users of the address that they are given.
        server.carillon(&["domain", "add", "acme", "127.0.0.1"])?;
        let mut quiet = Quiet::settle(&server)?;
        let right = password(DOMAIN, "100");
        let mut words: Vec<String> = (0..WRONG).map(|n| format!("guess-{n}")).collect();
        words.push(right.clone());
        let words = stage.write("words.txt", &words.join("\n"))?;
        let words = words.to_string_lossy().into_owned();
        let (target, port) = (format!("udp://{}", server.sip), server.sip.port().to_string());
        for disguised in [false, true] {
            for (tool, arguments) in [
                ("svmap", vec!["-p", port.as_str(), "127.0.0.1"]),
                ("svwar", vec!["--force", "-e100-999", "-D", target.as_str()]),
                ("svcrack", vec!["-u100", "-d", words.as_str(), target.as_str()]),
            ] {
                let output = run(stage, tool, disguised, &arguments)?;
                quiet.turn()?;
                ensure!(
                    output.contains("found nothing") && !output.contains(&right),
                    "{tool} (disguised: {disguised}) has found something: {output}"
                );
                // Who is there and who is not look alike, so this one gives up before it has done enough to be banned.
                if (tool, disguised) == ("svwar", true) {
                    continue;
                }
                // The ban is of datagrams, whose source may be forged.
                let banned = banned(&server)?;
                ensure!(
                    banned == ["127.0.0.1"],
                    "after {tool} (disguised: {disguised}): {banned:?}, {output}"
                );
                server.carillon(&["ban", "lift", "127.0.0.1"])?;
            }
        }
        ensure!(banned(&server)?.is_empty(), "a lifted ban is still there");
        // Where the scanner was, a phone may register.
        Actor::new(&server, (DOMAIN, "105"), Transport::Udp, LOUD)?.register()?;
        quiet.still_talk(&server)?;
        let [scanners, bans] = ["border_scanners", "bans"].map(|name| count(&server, name));
        let (scanners, bans) = (scanners?, bans?);
        ensure!(
            scanners > 0 && bans == 5,
            "{scanners} messages of scanners, {bans} bans"
        );
        Ok(format!("{bans} bans, {scanners} messages that named themselves"))
    })
}
