//! Real phones, real load generators and the real server, end to end.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests with real programs: they read the clock, start processes and open sockets"
)]
#![allow(
    clippy::indexing_slicing,
    reason = "used on JSON values only, where a missing name reads as null"
)]

mod acme;
mod audio;
mod baresip;
mod beside;
mod browser;
mod carriers;
mod crash;
mod dialogs;
mod disk;
mod dtls;
mod events;
mod forked;
mod fraud;
mod helped;
mod hostile;
mod keypad;
mod keys;
mod lamps;
mod lanes;
mod load;
mod named;
mod observed;
mod outcomes;
mod outside;
mod phones;
mod protected;
mod recorded;
mod referred;
mod served;
mod spoken;
mod tenants;
mod transfers;
mod vouched;
mod web;

use anyhow::Result;
use interop::server::password;
use interop::{Script, Server, Sipp, Stage};

/// What Carillon challenges an INVITE with.
const CHALLENGE: &str = "407";

/// A flow of the examples as this number of acme.
fn example(server: &Server, number: &str, name: &str) -> Result<()> {
    let file = format!("{}/../../examples/flows/{name}.json", env!("CARGO_MANIFEST_DIR"));
    server.carillon(&["flow", "set", "acme", number, &file]).map(drop)
}

/// `[authentication …]` for a SIPp row.
fn credentials(user: &str, password: &str) -> String {
    format!("[authentication username={user} password={password}]")
}

/// SIPp that registers over `domain`, to be given rows of [`registrant`].
fn registering<'a>(stage: &'a Stage, server: &Server, domain: &str, answer: &str) -> Result<Sipp<'a>> {
    let sipp = Sipp::new(stage, "register", server.sip)?;
    Ok(sipp.digest_uri(domain).with("final", answer))
}

/// SIPp that plays `scenario` and calls `callee@domain`, to be given rows of [`caller`].
fn calling<'a>(
    stage: &'a Stage,
    server: &Server,
    scenario: &'a str,
    callee: &str,
    domain: &str,
) -> Result<Sipp<'a>> {
    Ok(towards(Sipp::new(stage, scenario, server.sip)?, callee, domain))
}

/// The same with a script and a name for its logs.
fn calling_by<'a>(
    stage: &'a Stage,
    server: &Server,
    (name, script): (&'a str, &Script),
    callee: &str,
    domain: &str,
) -> Result<Sipp<'a>> {
    Ok(towards(
        Sipp::of(stage, name, script, server.sip)?,
        callee,
        domain,
    ))
}

fn towards<'a>(sipp: Sipp<'a>, callee: &str, domain: &str) -> Sipp<'a> {
    sipp.digest_uri(&format!("{callee}@{domain}"))
        .with("challenge", CHALLENGE)
        .with("callee", callee)
        .with("to_domain", domain)
}

/// Fields of `register.xml`: a user whose phone is the SIPp on `port`.
fn registrant(domain: &str, user: &str, password: &str, port: u16) -> [String; 4] {
    [
        user.to_owned(),
        domain.to_owned(),
        credentials(user, password),
        port.to_string(),
    ]
}

/// Fields of the `uac` scenarios.
fn caller(domain: &str, user: &str, password: &str) -> [String; 3] {
    [user.to_owned(), domain.to_owned(), credentials(user, password)]
}

/// Registers one extension with the port of the SIPp that will play its phone.
fn register(stage: &Stage, server: &Server, domain: &str, user: &str, port: u16) -> Result<()> {
    let row = registrant(domain, user, &password(domain, user), port);
    registering(stage, server, domain, "200")?
        .on_port(port)
        .row(&row)
        .run()?;
    Ok(())
}
