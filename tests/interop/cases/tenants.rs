//! Two companies with the same extensions on one server notice nothing of each other.

use crate::{caller, calling, register, registering, registrant};
use anyhow::{Context, Result, ensure};
use interop::baresip::{Account, talk};
use interop::process::until;
use interop::server::{extensions, password};
use interop::{Phone, Server, Sipp, Stage, Tenant};
use std::time::Duration;

/// Tones, caller to callee, of the two companies: all different, so that audio across would be heard.
const TONES: [(&str, u32, u32); 2] = [("acme", 1_000, 440), ("zeta", 1_300, 620)];

#[test]
fn the_same_extensions_talk_at_once_in_two_tenants() -> Result<()> {
    Stage::run("two-tenants", |stage| {
        let tenants = TONES.map(|(name, ..)| Tenant::new(name, extensions(100, 2)));
        let server = Server::start(stage, &tenants)?;
        let mut pairs = Vec::new();
        for (name, hz, back_hz) in TONES {
            let domain = format!("{name}.test");
            let phone = |user, hz| Phone::start(stage, &server, Account::new(user, &domain, hz));
            pairs.push((phone("100", hz)?, phone("101", back_hz)?));
        }
        for ((caller, _), (name, ..)) in pairs.iter_mut().zip(TONES) {
            caller.dial(&format!("sip:101@{name}.test"))?;
        }
        for (caller, callee) in &mut pairs {
            caller.expect("CALL_ESTABLISHED")?;
            callee.expect("CALL_ESTABLISHED")?;
        }
        let mut heard = Vec::new();
        for ((caller, callee), (name, ..)) in pairs.iter_mut().zip(TONES) {
            let [back, there] = talk(caller, callee)?;
            heard.push(format!("{name} {there} and {back}"));
        }
        for ((caller, callee), (name, ..)) in pairs.iter_mut().zip(TONES) {
            caller.hang_up()?;
            callee.expect("CALL_CLOSED")?;
            server.await_cdrs(name, 1)?;
        }
        Ok(heard.join(", "))
    })
}

#[test]
fn a_call_into_another_tenant_is_refused() -> Result<()> {
    Stage::run("across-tenants", |stage| {
        let tenants = ["acme", "zeta"].map(|name| Tenant::new(name, extensions(100, 2)));
        let server = Server::start(stage, &tenants)?;
        let phone = Sipp::new(stage, "uas", server.sip)?;
        register(stage, &server, "zeta.test", "101", phone.port())?;
        let secret = password("acme.test", "100");
        let row = caller("acme.test", "100", &secret);
        calling(stage, &server, "uac-refused", "101", "zeta.test")?
            .with("final", "403")
            .row(&row)
            .run()?;
        calling(stage, &server, "uac-refused", "101", "acme.test")?
            .with("final", "480")
            .row(&row)
            .run()?;
        let stranger = registrant("zeta.test", "100", &secret, phone.port());
        registering(stage, &server, "zeta.test", "403")?
            .row(&stranger)
            .run()?;
        let records = server.cdrs("zeta")?;
        ensure!(records.is_empty(), "the other tenant has records: {records:?}");
        Ok("403 across, 480 inside although the other 101 is registered, credentials of one are void in the other".to_owned())
    })
}

#[test]
fn two_companies_call_each_other_by_their_numbers() -> Result<()> {
    Stage::run("neighbours", |stage| {
        let tenants = TONES.map(|(name, ..)| Tenant::new(name, extensions(100, 2)));
        let server = Server::start(stage, &tenants)?;
        for (name, first, last) in [
            ("acme", "+4930555000", "+4930555099"),
            ("zeta", "+4930777000", "+4930777099"),
        ] {
            server.carillon(&["tenant", "set", name, "region=de"])?;
            let range = ["number", "set", name, first, last, "--to", "1", "--keep", "2"];
            server.carillon(&range)?;
        }
        let [(_, hz, _), (_, other_hz, _)] = TONES;
        let mut ann = Phone::start(stage, &server, Account::new("100", "acme.test", hz))?;
        let mut zoe = Phone::start(stage, &server, Account::new("101", "zeta.test", other_hz))?;
        // The server reads what has changed within a second; until then the number is nobody's.
        until("the numbers to be known", Duration::from_secs(20), || {
            ann.dial("sip:+4930777001@acme.test")?;
            let answered = ann.expect_within("CALL_ESTABLISHED", Duration::from_secs(2));
            Ok(answered.is_ok().then_some(()))
        })?;
        zoe.expect("CALL_ESTABLISHED")?;
        let [back, there] = talk(&mut ann, &mut zoe)?;
        ann.hang_up()?;
        zoe.expect("CALL_CLOSED")?;
        let away = server.await_cdrs("zeta", 1)?;
        let here = until("the caller's record", Duration::from_secs(5), || {
            let records = server.cdrs("acme")?;
            Ok(records.into_iter().find(|record| record["sip"] == 200))
        })?;
        let there_too = away.first().context("no record")?;
        ensure!(there_too["did"] == "+4930777001", "{there_too}");
        for record in [&here, there_too] {
            ensure!(
                record["charge"].is_null() || record["charge"]["amount"] == "0",
                "{record}"
            );
        }
        Ok(format!("{there} and {back}, a record of each"))
    })
}
