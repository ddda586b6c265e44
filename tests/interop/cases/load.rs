//! SIPp in numbers: a thousand registrations, then a thousand calls with digest between them.

use crate::{caller, calling, registering, registrant};
use anyhow::{Result, ensure};
use interop::server::{extensions, password};
use interop::{Server, Sipp, Stage, Tenant};

const DOMAIN: &str = "load.test";
const USERS: u32 = 1_000;
const CALLS: u32 = 1_000;
/// SIPp processes that call at once, each one extension.
const CALLERS: usize = 4;

#[test]
fn a_thousand_registrations_and_a_thousand_calls_succeed() -> Result<()> {
    Stage::run("sipp-load", |stage| {
        let users = extensions(1_000, USERS);
        let server = Server::start(stage, &[Tenant::new("load", users.clone())])?;
        let contact = stage.ports.one()?;
        let registered = registrations(stage, &server, &users, contact)?;
        println!("COUNT sipp/registrations {registered}");
        let shown = server.await_registrations("load", users.len())?.len();
        let called = calls(stage, &server, &users, contact)?;
        println!("COUNT sipp/calls {called}");
        let records = server.await_cdrs("load", usize::try_from(CALLS)?)?;
        let answered = records.iter().filter(|record| record["sip"] == 200).count();
        ensure!(
            answered == records.len(),
            "only {answered} of {} calls were answered",
            records.len()
        );
        Ok(format!(
            "{registered} registrations, {shown} shown; {called} calls, {answered} records of answered calls"
        ))
    })
}

fn registrations(stage: &Stage, server: &Server, users: &[String], contact: u16) -> Result<u64> {
    let mut sipp = registering(stage, server, DOMAIN, "200")?
        .on_port(contact)
        .calls(USERS, 400, 64);
    for user in users {
        sipp = sipp.row(&registrant(DOMAIN, user, &password(DOMAIN, user), contact));
    }
    Ok(sipp.run()?.successful)
}

/// Every user calls once; all contacts are one SIPp.
fn calls(stage: &Stage, server: &Server, users: &[String], contact: u16) -> Result<u64> {
    let phones = Sipp::new(stage, "uas", server.sip)?.on_port(contact);
    let mut phones = phones.calls(CALLS, 1_000, 1_000).start()?;
    phones.await_bound()?;
    let each = CALLS / u32::try_from(CALLERS)?;
    let mut runs = Vec::new();
    for (share, callee) in users.chunks(users.len() / CALLERS).zip(users.iter().rev()) {
        let mut sipp = calling(stage, server, "uac", callee, DOMAIN)?.with("talk_ms", "20");
        for user in share {
            sipp = sipp.row(&caller(DOMAIN, user, &password(DOMAIN, user)));
        }
        runs.push(sipp.calls(each, 30, 10).start()?);
    }
    let mut successful = 0;
    for run in &mut runs {
        successful += run.finish(u64::from(each))?.successful;
    }
    phones.finish(u64::from(CALLS))?;
    Ok(successful)
}
