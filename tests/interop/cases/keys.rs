//! The forward key of a desk phone (`as-feature-event`), played by SIPp: obeyed at once, and after a kill as well.

use crate::{caller, calling_by, register};
use anyhow::{Context, Result, ensure};
use interop::server::{extensions, password};
use interop::{Script, Server, Sipp, Stage, Tenant, Words, until};
use serde_json::Value;
use std::time::Duration;

const DOMAIN: &str = "acme.test";
const FEATURES: &str = "application/x-as-feature-event+xml";

/// 101's desk phone subscribes to its keys and sets the one that forwards all calls to 102.
fn key_is_pressed(stage: &Stage, server: &Server) -> Result<()> {
    let subscribe = Words::none()
        .header("Event: as-feature-event")
        .header("Accept: application/x-as-feature-event+xml, multipart/mixed")
        .header("Expires: 600");
    let key = subscribe.clone().body(
        FEATURES,
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n\
         <SetForwarding xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">\n\
         <device>101</device>\n<activateForward>true</activateForward>\n\
         <forwardingType>forwardImmediate</forwardingType>\n<forwardDN>102</forwardDN>\n<ringCount></ringCount>\n\
         </SetForwarding>",
    );
    let ok = Words::none();
    let desk = Script::asking()
        .ask("SUBSCRIBE", &subscribe)
        .hears(200, &["Expires: 600"])
        .asked_for(
            "NOTIFY",
            &[
                "Event: as-feature-event",
                "multipart/mixed",
                "doNotDisturbOn.false",
            ],
        )
        .answer("200 OK", &ok)
        .ask_again("SUBSCRIBE", &key)
        .hears(200, &["Expires: 600"])
        // The subscription that set it, and the one from before.
        .asked_for("NOTIFY", &["multipart/mixed", "forwardTo.102"])
        .answer("200 OK", &ok)
        .asked_for(
            "NOTIFY",
            &[
                "Content-Type: application/x-as-feature-event.xml",
                "forwardStatus.true",
                "forwardTo.102",
            ],
        )
        .answer("200 OK", &ok)
        .stays();
    let row = caller(DOMAIN, "101", &password(DOMAIN, "101"));
    calling_by(stage, server, ("desk", &desk), "101", DOMAIN)?
        .row(&row)
        .run()?;
    Ok(())
}

/// 100 calls 101, and 102 rings, who is told why.
fn call_is_forwarded(stage: &Stage, server: &Server, phone: &str, calls: usize) -> Result<Value> {
    let called = Script::asked()
        .invited(&[
            "Diversion: .sip:101@acme.test.;reason=unconditional",
            "History-Info: .sip:101@acme.test.;index=1",
            "History-Info: .sip:102@acme.test;cause=302.;index=1.1;mp=1",
        ])
        .answer_invite("180 Ringing", &Words::none())
        .answer_invite("200 OK", &Words::sdp("sendrecv", 1))
        .asked_for("ACK", &[])
        .asked_for("BYE", &[])
        .answer("200 OK", &Words::none())
        .stays();
    let calling = Script::asking()
        .ask("INVITE", &Words::sdp("sendrecv", 1))
        .hears(181, &[])
        .hears(180, &[])
        .hears(200, &["m=audio"])
        .acknowledge(2, &Words::none())
        .request("BYE", &Words::none())
        .hears(200, &["CSeq: [0-9]+ BYE"]);
    let answering = Sipp::of(stage, phone, &called, server.sip)?;
    register(stage, server, DOMAIN, "102", answering.port())?;
    let mut answering = answering.start()?;
    answering.await_bound()?;
    let row = caller(DOMAIN, "100", &password(DOMAIN, "100"));
    let call = calling_by(stage, server, ("calling", &calling), "101", DOMAIN)?
        .row(&row)
        .run();
    let answered = answering.finish(1);
    call.and(answered)?;
    let records = server.await_cdrs("acme", calls)?;
    records.into_iter().next().context("no record")
}

#[test]
fn a_forward_key_is_obeyed_and_outlives_a_kill() -> Result<()> {
    Stage::run("sipp-keys", |stage| {
        let mut server = Server::start(stage, &[Tenant::new("acme", extensions(100, 3))])?;
        key_is_pressed(stage, &server)?;
        let record = call_is_forwarded(stage, &server, "first", 1)?;
        ensure!(
            record["callee"]["number"] == "102" && record["path"][0] == "forward always 101 to 102",
            "{record}"
        );
        until("the key is kept", Duration::from_secs(10), || {
            let users = server.list(&["user", "list", "acme"])?;
            let kept = users
                .iter()
                .any(|user| user["extension"] == "101" && user["forward_always"] == "102");
            Ok(kept.then_some(()))
        })?;
        server.kill();
        server.restart()?;
        call_is_forwarded(stage, &server, "second", 2)?;
        server.carillon(&["user", "forward", "acme", "101", "always", "off"])?;
        let shown = server.carillon(&["user", "show", "acme", "101"])?;
        ensure!(shown.contains("ring"), "{shown}");
        Ok("a key forwards the next call, and the one after a kill".to_owned())
    })
}
