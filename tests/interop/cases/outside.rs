//! Calls to the public network and from it, by carriers as many run them: Kamailio that asks for credentials and Kamailio that knows us by
//! our address, one taking the other's place; a load over two that come and go.

use crate::{caller, calling, carriers::ACCOUNT};
use anyhow::{Result, ensure};
use interop::kamailio::Calls;
use interop::process::until;
use interop::server::password;
use interop::{Kamailio, Server, Sipp, Stage, Tenant};
use std::time::Duration;

const DOMAIN: &str = "acme.test";
const OUTSIDE: &str = "03020001000";

/// A trunk to a carrier on this port.
fn trunk(stage: &Stage, server: &Server, name: &str, port: u16, more: &[&str]) -> Result<()> {
    stage.write("secret", &format!("{}\n", ACCOUNT.1))?;
    let (file, proxy) = (stage.path("secret"), format!("proxy=127.0.0.1:{port}"));
    let file = file.to_string_lossy();
    let set = [
        "trunk",
        "set",
        "acme",
        name,
        "host=carrier.test",
        &proxy,
        "transport=udp",
        "try_s=2",
    ];
    let rest = ["--password-file", &file];
    server.carillon(&[&set[..], more, &rest].concat()).map(drop)
}

/// Waits until every trunk answers.
fn are_up(server: &Server, count: usize) -> Result<()> {
    until("the trunks to be up", Duration::from_secs(60), || {
        let views = server.list(&["trunk", "status"])?;
        let up = views
            .iter()
            // One that is still registering comes after the others.
            .filter(|view| {
                view["health"] == "up"
                    && (view["registration"] == "registered" || view["registration"] == "off")
            });
        Ok((up.count() == count).then_some(()))
    })
}

fn acme() -> Tenant {
    Tenant::new("acme", ["101".to_owned()]).policies(&["region=de", "media_silence_s=0"])
}

/// A call of 101 to the outside that goes to its end. It lasts for longer than the tenant's limit of calls a second looks back.
fn call(stage: &Stage, server: &Server) -> Result<()> {
    let sipp = calling(stage, server, "uac", OUTSIDE, DOMAIN)?.with("talk_ms", "1200");
    let row = caller(DOMAIN, "101", &password(DOMAIN, "101"));
    sipp.row(&row).run().map(drop)
}

/// True where a call has come through this step.
fn took(record: &serde_json::Value, step: &str) -> bool {
    let path = record["path"].as_array();
    path.is_some_and(|path| path.iter().any(|known| known == step))
}

#[test]
fn one_carrier_asks_for_credentials_and_another_takes_its_place() -> Result<()> {
    Stage::run("kamailio-carries", |stage| {
        let server = Server::start(stage, &[acme()])?;
        let called = Sipp::new(stage, "uas", server.sip)?;
        let at = called.port();
        let mut called = called.calls(3, 10, 10).start()?;
        called.await_bound()?;
        let asks = Kamailio::start_for(stage, stage.ports.one()?, ACCOUNT, "MD5", &Calls::AskedTo(at))?;
        let knows = Kamailio::start_for(stage, stage.ports.one()?, ACCOUNT, "MD5", &Calls::To(at))?;
        let account = format!("username={}", ACCOUNT.0);
        let with = [
            account.as_str(),
            "register=true",
            "realm=carrier.test",
            "options_s=5",
            "down_after=2",
        ];
        trunk(stage, &server, "asks", asks.at.port(), &with)?;
        trunk(stage, &server, "knows", knows.at.port(), &["options_s=5"])?;
        are_up(&server, 2)?;
        for _ in 0..2 {
            call(stage, &server)?;
        }
        asks.stop()?;
        call(stage, &server)?;
        called.finish(3)?;
        let records = server.await_cdrs("acme", 3)?;
        let by = |name: &str| records.iter().filter(|record| took(record, name)).count();
        // The last one has been with both.
        ensure!(by("trunk asks") >= 2 && by("trunk knows") == 1, "{records:?}");
        ensure!(records.iter().all(|record| record["sip"] == 200), "{records:?}");
        Ok("two calls by the carrier that asks, one by the other".to_owned())
    })
}

/// A trunk between servers of ours.
fn between(server: &Server, other: &Server, srtp: &str, more: &[&str]) -> Result<()> {
    let (port, srtp) = (format!("port={}", other.tls.port()), format!("srtp={srtp}"));
    let set = ["trunk", "set", "acme", "other", "host=127.0.0.1", &port, &srtp];
    let how = ["transport=tls", "tls_verify=false", "options_s=5"];
    server.carillon(&[&set[..], &how, more].concat()).map(drop)
}

#[test]
fn two_servers_call_each_other_over_tls_with_protected_audio() -> Result<()> {
    Stage::run("two-servers", |stage| {
        Stage::run("two-servers-other", |far| {
            let server = Server::start(stage, &[acme()])?;
            let other = Server::start(far, &[acme()])?;
            between(&server, &other, "required", &[])?;
            // It takes what comes from the address of the first.
            between(&other, &server, "required", &["inbound=101"])?;
            are_up(&server, 1)?;
            are_up(&other, 1)?;
            let phone = Sipp::new(far, "uas", other.sip)?;
            crate::register(far, &other, DOMAIN, "101", phone.port())?;
            let mut phone = phone.start()?;
            phone.await_bound()?;
            call(stage, &server)?;
            phone.finish(1)?;
            let (out, came) = (
                server.await_cdrs("acme", 1)?.remove(0),
                other.await_cdrs("acme", 1)?.remove(0),
            );
            ensure!(
                out["callee_srtp"].is_string() && out["caller_srtp"].is_null(),
                "{out}"
            );
            ensure!(
                came["caller_srtp"] == out["callee_srtp"] && took(&came, "from trunk other"),
                "{came}"
            );
            // One that wants no keys is not talked to without any.
            between(&other, &server, "none", &["inbound=101"])?;
            are_up(&other, 1)?;
            let refused = calling(stage, &server, "uac-refused", OUTSIDE, DOMAIN)?.with("final", "488");
            refused
                .row(&caller(DOMAIN, "101", &password(DOMAIN, "101")))
                .run()?;
            Ok(format!("keys by {}, and none without", out["callee_srtp"]))
        })?;
        Ok("both ends have said the same".to_owned())
    })
}

#[test]
fn a_carrier_sends_a_call_and_a_stranger_does_not() -> Result<()> {
    Stage::run("carrier-sends", |stage| {
        let server = Server::start(stage, &[acme()])?;
        let knows = Kamailio::start(stage, stage.ports.one()?, ACCOUNT, "MD5")?;
        let phone = Sipp::new(stage, "uas", server.sip)?;
        crate::register(stage, &server, DOMAIN, "101", phone.port())?;
        let mut phone = phone.start()?;
        phone.await_bound()?;
        // Nobody is known yet.
        let refused = Sipp::new(stage, "carrier-refused", server.sip)?;
        refused.with("callee", "+49305550001").with("code", "404").run()?;
        trunk(
            stage,
            &server,
            "knows",
            knows.at.port(),
            &["options_s=5", "inbound=101"],
        )?;
        are_up(&server, 1)?;
        Sipp::new(stage, "carrier", server.sip)?
            .with("callee", "+49305550001")
            .run()?;
        phone.finish(1)?;
        let record = server.await_cdrs("acme", 1)?.remove(0);
        ensure!(
            took(&record, "from trunk knows") && record["caller"]["number"] == "+493020001000",
            "{record}"
        );
        Ok("one call in, one refused".to_owned())
    })
}

/// New calls a second, and for how long.
const PACE: u32 = 50;
const FOR_S: u32 = 60;

#[test]
fn fifty_calls_a_second_survive_a_carrier_that_stops_and_starts() -> Result<()> {
    Stage::run("carriers-load", |stage| {
        let server = Server::start(stage, &[acme()])?;
        let limits = ["concurrent", "calls_per_s", "calls_per_min", "minutes_per_day"];
        let none = ["tenant", "user"].map(|who| limits.map(|limit| format!("by_day.{who}.{limit}=none")));
        let none: Vec<&str> = none.as_flattened().iter().map(String::as_str).collect();
        server.carillon(&[&["toll", "set", "acme", "night_hours="][..], &none].concat())?;
        // As many as the callers make may come to one of them.
        let calls = PACE * FOR_S;
        let ports = [stage.ports.one()?, stage.ports.one()?];
        let carrier = |port: u16| -> Result<interop::sipp::Run> {
            let mut run = Sipp::new(stage, "uas", server.sip)?
                .on_port(port)
                .calls(calls, 1_000, 2_000)
                .start()?;
            run.await_bound()?;
            Ok(run)
        };
        let (one, _two) = (carrier(ports[0])?, carrier(ports[1])?);
        for (name, port) in ["one", "two"].iter().zip(ports) {
            trunk(stage, &server, name, port, &["options_s=0", "try_s=1"])?;
        }
        server.carillon(&["route", "set", "acme", "out", "trunks=one:1:10,two:1:10"])?;
        let row = caller(DOMAIN, "101", &password(DOMAIN, "101"));
        let sipp = calling(stage, &server, "uac", OUTSIDE, DOMAIN)?.with("talk_ms", "500");
        let mut load = sipp.row(&row).calls(calls, PACE, 2_000).start()?;
        // A third of the way in it falls silent, and is back after two.
        let begun = |least: u32| {
            until(&format!("{least} calls"), Duration::from_secs(60), || {
                let count = server.status()?["counts"]["trunk_calls"].as_u64();
                Ok(count.is_some_and(|count| count >= u64::from(least)).then_some(()))
            })
        };
        begun(calls / 3)?;
        one.stops(true)?;
        begun(calls / 3 * 2)?;
        let failures = server.status()?["counts"]["trunk_failures"].as_u64().unwrap_or(0);
        one.stops(false)?;
        let figures = load.finish(u64::from(calls))?;
        ensure!(figures.failed == 0, "{figures:?}");
        ensure!(failures > 0, "nobody noticed that a carrier was gone");
        let records = server.await_cdrs("acme", usize::try_from(calls)?)?;
        let late = |record: &&serde_json::Value| took(record, "trunk failed (408)");
        let moved = records.iter().filter(late).count();
        println!("COUNT sipp/trunk-calls {}", figures.successful);
        Ok(format!(
            "{} of {calls} calls, {moved} moved from one carrier to the other",
            figures.successful
        ))
    })
}
