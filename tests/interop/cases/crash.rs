//! SIGKILL at the worst moment: what a phone saw confirmed is there after the restart.

use crate::baresip::{call, company_with, packets};
use crate::{caller, calling, registering, registrant};
use anyhow::{Context, Result, ensure};
use interop::baresip::talk;
use interop::server::{extensions, password};
use interop::{Server, Sipp, Stage, Tenant, until};
use std::collections::BTreeSet;
use std::time::Duration;

const DOMAIN: &str = "acme.test";
const USERS: u32 = 20;

fn register_all(stage: &Stage, server: &Server, users: &[String], contact: u16) -> Result<()> {
    let mut sipp = registering(stage, server, DOMAIN, "200")?
        .on_port(contact)
        .calls(USERS, 200, 20);
    for user in users {
        sipp = sipp.row(&registrant(DOMAIN, user, &password(DOMAIN, user), contact));
    }
    sipp.run()?;
    Ok(())
}

/// Everybody else calls 100, in turn.
fn load<'a>(stage: &'a Stage, server: &Server, users: &[String]) -> Result<Sipp<'a>> {
    let mut sipp = calling(stage, server, "uac", "100", DOMAIN)?;
    for user in users.iter().skip(1) {
        sipp = sipp.row(&caller(DOMAIN, user, &password(DOMAIN, user)));
    }
    Ok(sipp)
}

#[test]
fn bindings_and_records_survive_a_kill_after_the_last_call() -> Result<()> {
    Stage::run("kill-after-calls", |stage| {
        let users = extensions(100, USERS);
        let mut server = Server::start(stage, &[Tenant::new("acme", users.clone())])?;
        let phones = Sipp::new(stage, "uas", server.sip)?.calls(201, 1_000, 1_000);
        register_all(stage, &server, &users, phones.port())?;
        let mut phones = phones.start()?;
        phones.await_bound()?;
        load(stage, &server, &users)?
            .with("talk_ms", "10")
            .calls(200, 100, 20)
            .run()?;
        server.kill();
        server.restart()?;
        let records = server.await_cdrs("acme", 200)?;
        let shown = server.await_registrations("acme", users.len())?;
        load(stage, &server, &users)?.with("talk_ms", "10").run()?;
        phones.finish(201)?;
        server.await_cdrs("acme", 201)?;
        Ok(format!(
            "{} records, {} bindings, a call without registering again",
            records.len(),
            shown.len()
        ))
    })
}

#[test]
fn a_call_that_its_phone_saw_end_has_its_record_after_a_kill_under_load() -> Result<()> {
    Stage::run("kill-under-load", |stage| {
        let users = extensions(100, USERS);
        let mut server = Server::start(stage, &[Tenant::new("acme", users.clone())])?;
        let phones = Sipp::new(stage, "uas", server.sip)?.calls(100_000, 1_000, 1_000);
        register_all(stage, &server, &users, phones.port())?;
        let mut phones = phones.start()?;
        phones.await_bound()?;
        let mut load = load(stage, &server, &users)?
            .with("talk_ms", "200")
            .calls(100_000, 120, 60)
            .start()?;
        until("250 calls under load", Duration::from_secs(60), || {
            Ok((finished(&load.lines()).len() >= 250).then_some(()))
        })?;
        server.kill();
        let ended = quiet(&load)?;
        load.kill();
        phones.kill();
        server.restart()?;
        let found = until("every record", Duration::from_secs(20), || {
            let recorded = call_ids(&server)?;
            Ok(ended.is_subset(&recorded).then_some(recorded.len()))
        });
        let missing = ended.difference(&call_ids(&server)?).count();
        ensure!(
            found.is_ok(),
            "{missing} of {} finished calls have no record",
            ended.len()
        );
        Ok(format!(
            "{} finished calls, each with its record ({} in all)",
            ended.len(),
            found?
        ))
    })
}

/// The tones are heard again on the ports that the phones know, and the talk goes into one record.
#[test]
fn a_call_goes_on_after_a_kill() -> Result<()> {
    Stage::run("kill-in-a-call", |stage| {
        let (mut server, [mut ann, mut bea]) = company_with(stage, "udp", "media=relay")?;
        let began = std::time::Instant::now();
        call(&mut ann, &mut bea, "101")?;
        talk(&mut ann, &mut bea)?;
        std::thread::sleep(Duration::from_millis(1_500));
        server.kill();
        server.restart()?;
        ensure!(server.cdrs("acme")?.is_empty(), "a record before the end");
        let [low, high] = talk(&mut ann, &mut bea)?;
        // Longer than it takes to ask the phones whether they are still there.
        std::thread::sleep(Duration::from_secs(4));
        let again = talk(&mut ann, &mut bea)?;
        server.kill();
        server.restart()?;
        talk(&mut ann, &mut bea)?;
        let talked = began.elapsed();
        bea.hang_up()?;
        ann.expect("CALL_CLOSED")?;
        let records = server.await_cdrs("acme", 1)?;
        let record = records.first().context("no record")?;
        let (there, back) = packets(record)?;
        ensure!(record["ended_by"] == "callee", "{record}");
        let told = Duration::from_millis(record["talk_ms"].as_u64().context("no talk_ms")?);
        ensure!(told <= talked + Duration::from_secs(1), "{told:?} of {talked:?}");
        ensure!(told + Duration::from_secs(3) >= talked, "{told:?} of {talked:?}");
        Ok(format!(
            "heard {high} and {low}, then {} and {}; one record of {told:?} over two kills, {there} and {back} packets since the last",
            again[1], again[0]
        ))
    })
}

/// What was finished, once nothing new arrives: answers that were on the way when the server died count too.
fn quiet(load: &interop::sipp::Run) -> Result<BTreeSet<String>> {
    let mut before = 0;
    until("the load to fall silent", Duration::from_secs(20), || {
        std::thread::sleep(Duration::from_millis(300));
        let now = finished(&load.lines());
        let same = now.len() == before;
        before = now.len();
        Ok(same.then_some(now))
    })
}

fn finished(lines: &[String]) -> BTreeSet<String> {
    let ids = lines.iter().filter_map(|line| line.split_once("finished "));
    ids.map(|(_, id)| id.trim().to_owned()).collect()
}

fn call_ids(server: &Server) -> Result<BTreeSet<String>> {
    let records = server.cdrs("acme")?;
    let ids = records
        .iter()
        .filter_map(|record| record["caller"]["sip_call_id"].as_str());
    Ok(ids.map(str::to_owned).collect())
}
