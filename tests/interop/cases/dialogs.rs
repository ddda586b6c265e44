//! What happens inside a dialog, between two SIPp: PRACK, UPDATE, session timers, delayed offers, digits.

use crate::{caller, calling_by, register};
use anyhow::{Context, Result, ensure};
use interop::server::{extensions, password};
use interop::{Script, Server, Sipp, Stage, Tenant, Words};
use serde_json::Value;

const DOMAIN: &str = "acme.test";

/// 100 plays `calling` towards 101, who plays `called`; gives the one record of the call.
fn between(stage: &Stage, calling: &Script, called: &Script) -> Result<Value> {
    let server = Server::start(stage, &[Tenant::new("acme", extensions(100, 2))])?;
    let phone = Sipp::of(stage, "called", called, server.sip)?;
    register(stage, &server, DOMAIN, "101", phone.port())?;
    let mut phone = phone.start()?;
    phone.await_bound()?;
    let row = caller(DOMAIN, "100", &password(DOMAIN, "100"));
    let call = calling_by(stage, &server, ("calling", calling), "101", DOMAIN)?
        .row(&row)
        .run();
    // What the callee complains about says more than a caller that waits.
    let called = phone.finish(1);
    call.and(called)?;
    server.await_cdrs("acme", 1)?.pop().context("no record")
}

fn ended(record: &Value, sip: u16, by: &str) -> Result<()> {
    ensure!(
        record["sip"] == sip && record["ended_by"] == by,
        "expected {sip} by {by}, found {record}"
    );
    Ok(())
}

/// The phone that is hung up on.
fn hung_up(script: Script) -> Script {
    script
        .asked_for("BYE", &[])
        .answer("200 OK", &Words::none())
        .stays()
}

fn hangs_up(script: Script) -> Script {
    script
        .request("BYE", &Words::none())
        .hears(200, &["CSeq: [0-9]+ BYE"])
}

#[test]
fn early_media_is_acknowledged_reliably_by_both_phones() -> Result<()> {
    Stage::run("sipp-prack", |stage| {
        let calling = Script::asking()
            .ask("INVITE", &Words::sdp("sendrecv", 1).header("Require: 100rel"))
            .hears_reliable(183, &["Require: 100rel", "m=audio"])
            .prack(&Words::none())
            .hears(200, &["CSeq: 3 PRACK"])
            .hears(200, &["CSeq: 2 INVITE"])
            .acknowledge(2, &Words::none());
        let called = Script::asked()
            .invited(&["Supported:.*100rel", "Allow:.*PRACK"])
            .answer_invite(
                "183 Session Progress",
                &Words::sdp("sendrecv", 1)
                    .header("Require: 100rel")
                    .header("RSeq: 4711"),
            )
            .asked_for("PRACK", &["RAck: 4711 [0-9]+ INVITE"])
            .answer("200 OK", &Words::none())
            .answer_invite("200 OK", &Words::none())
            .asked_for("ACK", &[]);
        let record = between(stage, &hangs_up(calling), &hung_up(called))?;
        ended(&record, 200, "caller")?;
        ensure!(record["ring"].is_string(), "no progress in {record}");
        Ok("183 with 100rel and PRACK on both legs".to_owned())
    })
}

#[test]
fn a_caller_updates_before_the_answer_and_gives_up() -> Result<()> {
    Stage::run("sipp-update-early", |stage| {
        let calling = Script::asking()
            .ask("INVITE", &Words::sdp("sendrecv", 1).header("Supported: 100rel"))
            .hears_reliable(183, &["Require: 100rel", "m=audio"])
            .prack(&Words::none())
            .hears(200, &["CSeq: 3 PRACK"])
            .request("UPDATE", &Words::sdp("sendonly", 2))
            .hears(200, &["CSeq: 4 UPDATE", "a=recvonly"])
            .request("UPDATE", &Words::none())
            .hears(200, &["CSeq: 5 UPDATE"])
            // Not CANCEL: its branch would have to be that of the INVITE, which SIPp has forgotten by now.
            .request("BYE", &Words::none())
            .hears(200, &["CSeq: 6 BYE"])
            .hears(487, &["CSeq: 2 INVITE"])
            .acknowledge(2, &Words::none());
        let called = Script::asked()
            .invited(&[])
            .answer_invite("183 Session Progress", &Words::sdp("sendrecv", 1))
            .asked_for("CANCEL", &[])
            .answer("200 OK", &Words::none())
            .answer_invite("487 Request Terminated", &Words::none())
            .asked_for("ACK", &[])
            .stays();
        let record = between(stage, &calling, &called)?;
        ended(&record, 487, "caller")?;
        Ok("UPDATE with and without an offer in an early dialog".to_owned())
    })
}

#[test]
fn a_call_is_held_by_update() -> Result<()> {
    Stage::run("sipp-update", |stage| {
        let allow = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE";
        let calling = Script::asking()
            .ask("INVITE", &Words::sdp("sendrecv", 1).header(allow))
            .hears(200, &["Allow:.*UPDATE"])
            .acknowledge(2, &Words::none())
            .request("UPDATE", &Words::sdp("sendonly", 2))
            .hears(200, &["CSeq: 3 UPDATE", "a=recvonly"])
            .request("UPDATE", &Words::sdp("sendrecv", 3))
            .hears(200, &["CSeq: 4 UPDATE", "a=sendrecv"]);
        let called = Script::asked()
            .invited(&["Allow:.*UPDATE"])
            .answer_invite("200 OK", &Words::sdp("sendrecv", 1).header(allow))
            .asked_for("ACK", &[])
            .asked_for("UPDATE", &["a=sendonly"])
            .answer("200 OK", &Words::sdp("recvonly", 2))
            .asked_for("UPDATE", &["a=sendrecv"])
            .answer("200 OK", &Words::sdp("sendrecv", 3));
        let record = between(stage, &hangs_up(calling), &hung_up(called))?;
        ended(&record, 200, "caller")?;
        Ok("sendonly and sendrecv crossed in UPDATE".to_owned())
    })
}

#[test]
fn sessions_have_timers_and_too_short_ones_are_refused() -> Result<()> {
    Stage::run("sipp-timers", |stage| {
        let timer = |seconds: &str| {
            Words::none()
                .header("Supported: timer")
                .header(&format!("Session-Expires: {seconds}"))
        };
        let offer =
            |seconds: &str| timer(seconds).body("application/sdp", &interop::script::sdp("sendrecv", 1));
        let granted = "Session-Expires: 90;refresher=uac";
        let calling = Script::asking()
            .ask("INVITE", &offer("60"))
            .hears(422, &["Min-SE: 90"])
            .acknowledge_refusal()
            .ask_again("INVITE", &offer("90;refresher=uac"))
            .hears(200, &["CSeq: 3 INVITE", granted])
            .acknowledge(3, &Words::none())
            .request("UPDATE", &timer("90;refresher=uac"))
            .hears(200, &["CSeq: 4 UPDATE", granted])
            .request("INVITE", &offer("90;refresher=uac"))
            .hears(200, &["CSeq: 5 INVITE", granted, "m=audio"])
            .acknowledge(5, &Words::none())
            .request("UPDATE", &timer("45"))
            .hears(422, &["CSeq: 6 UPDATE", "Min-SE: 90"]);
        let called = Script::asked()
            .invited(&["Supported:.*timer", "Session-Expires: [0-9]+"])
            .answer_invite(
                "200 OK",
                &Words::sdp("sendrecv", 1)
                    .header("Require: timer")
                    .header("Session-Expires: 600;refresher=uas"),
            )
            .asked_for("ACK", &[]);
        let record = between(stage, &hangs_up(calling), &hung_up(called))?;
        ended(&record, 200, "caller")?;
        Ok("422 twice, two refreshes granted".to_owned())
    })
}

#[test]
fn a_caller_without_an_offer_answers_in_its_ack() -> Result<()> {
    Stage::run("sipp-offerless", |stage| {
        let calling = Script::asking()
            .ask("INVITE", &Words::none())
            .hears(180, &[])
            .hears(200, &["m=audio", "a=sendrecv"])
            .acknowledge(2, &Words::sdp("sendrecv", 1));
        let called = Script::asked()
            .invited(&["Content-Length: 0"])
            .answer_invite("180 Ringing", &Words::none())
            .answer_invite("200 OK", &Words::sdp("sendrecv", 1))
            .asked_for("ACK", &["m=audio"]);
        let record = between(stage, &hangs_up(calling), &hung_up(called))?;
        ended(&record, 200, "caller")?;
        Ok("offer in the 200, answer in the ACK, on both legs".to_owned())
    })
}

#[test]
fn digits_cross_a_call_by_info() -> Result<()> {
    Stage::run("sipp-info", |stage| {
        let digit = Words::none().body("application/dtmf-relay", "Signal=5\nDuration=160\n");
        let calling = Script::asking()
            .ask("INVITE", &Words::sdp("sendrecv", 1))
            .hears(200, &["Allow:.*INFO"])
            .acknowledge(2, &Words::none())
            .request("INFO", &digit)
            .hears(200, &["CSeq: 3 INFO"])
            .request("INFO", &Words::none().body("text/plain", "hello\n"))
            .hears(415, &["CSeq: 4 INFO", "Accept:.*application/dtmf-relay"]);
        let called = Script::asked()
            .invited(&["Allow:.*INFO"])
            .answer_invite(
                "200 OK",
                &Words::sdp("sendrecv", 1).header("Allow: INVITE, ACK, BYE, CANCEL, INFO"),
            )
            .asked_for("ACK", &[])
            .asked_for("INFO", &["application/dtmf-relay", "Signal= *5"])
            .answer("200 OK", &Words::none());
        let record = between(stage, &hangs_up(calling), &hung_up(called))?;
        ended(&record, 200, "caller")?;
        Ok("a 5 by INFO; 415 to a text".to_owned())
    })
}

#[test]
fn a_callee_updates_before_its_answer() -> Result<()> {
    Stage::run("sipp-update-callee", |stage| {
        let calling = Script::asking()
            .ask("INVITE", &Words::sdp("sendrecv", 1))
            .hears(183, &["m=audio"])
            .hears(200, &["CSeq: 2 INVITE", "m=audio", "a=sendonly"])
            .acknowledge(2, &Words::none());
        let called = Script::asked()
            .invited(&[])
            .answer_invite(
                "183 Session Progress",
                &Words::sdp("sendrecv", 1)
                    .header("Require: 100rel")
                    .header("RSeq: 1"),
            )
            .asked_for("PRACK", &["RAck: 1 [0-9]+ INVITE"])
            .answer("200 OK", &Words::none())
            .request("UPDATE", &Words::sdp("sendonly", 2))
            .hears(200, &["CSeq: 1 UPDATE", "a=recvonly"])
            .answer_invite("200 OK", &Words::none())
            .asked_for("ACK", &[]);
        let record = between(stage, &hangs_up(calling), &hung_up(called))?;
        ended(&record, 200, "caller")?;
        Ok("UPDATE answered before the call; its direction stands in the caller's 200".to_owned())
    })
}
