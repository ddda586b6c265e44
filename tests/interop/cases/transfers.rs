//! Transfers and pickup among three phones: who talks to whom afterwards is measured, and the records have to say the same.

use crate::baresip::{PEOPLE, call, company, company_with, packets};
use anyhow::{Context, Result, ensure};
use interop::baresip::{Account, talk};
use interop::server::extensions;
use interop::wire::Transport;
use interop::{Actor, Phone, Server, Stage, Tenant, until};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// What the records have to say of a transfer.
struct Transfer<'a> {
    /// Who called whom before.
    first: [&'a str; 2],
    /// Whose side of that call transferred.
    ended_by: &'a str,
    /// The extensions of who transferred, and to whom.
    by: &'a str,
    to: &'a str,
    /// The call that came of it, and its status.
    second: [&'a str; 2],
    sip: u16,
}

fn record<'a>(records: &'a [Value], [from, to]: [&str; 2]) -> Result<&'a Value> {
    let found = records
        .iter()
        .find(|r| r["caller"]["number"] == from && r["callee"]["number"] == to);
    found.with_context(|| format!("no record from {from} to {to} in {records:?}"))
}

fn recorded(records: &[Value], wanted: &Transfer<'_>) -> Result<()> {
    let (first, second) = (record(records, wanted.first)?, record(records, wanted.second)?);
    let to = match wanted.sip {
        200 => Value::from(wanted.to),
        _ => Value::Null,
    };
    ensure!(
        first["sip"] == 200 && first["transferred_to"] == to && first["ended_by"] == wanted.ended_by,
        "expected a call transferred to {to}: {first}"
    );
    ensure!(
        second["sip"] == wanted.sip
            && second["transferred_by"] == wanted.by
            && second["parent"] == first["id"],
        "expected the transferred call: {second}"
    );
    if wanted.sip == 200 {
        packets(second)?;
    }
    Ok(())
}

/// The live call that a transfer has left.
fn only_call(server: &Server, from: &str, to: &str) -> Result<()> {
    let calls = server.list(&["calls", "--tenant", "acme"])?;
    let [call] = calls.as_slice() else {
        anyhow::bail!("{} calls instead of one: {calls:?}", calls.len());
    };
    ensure!(
        call["from"] == from && call["to"] == to && call["state"] == "answered",
        "expected a call from {from} to {to}: {call}"
    );
    Ok(())
}

/// Whoever transfers is out of it, and the other two talk.
fn left_over(out: &mut Phone, one: &mut Phone, other: &mut Phone) -> Result<String> {
    let closed = out.expect("CALL_CLOSED")?;
    ensure!(
        closed["param"] == "Call transfered" && out.calls()? == 0,
        "the transferrer has a call yet: {closed}"
    );
    let mark = out.mark();
    let [one, other] = talk(one, other)?;
    out.heard_nothing_since(&mark)?;
    Ok(format!("{one} and {other} between the two that remain"))
}

#[test]
fn the_caller_transfers_blindly() -> Result<()> {
    Stage::run("baresip-transfer", |stage| {
        let (server, [mut ann, mut bea, mut cid]) = company(stage, "udp")?;
        call(&mut ann, &mut bea, "101")?;
        talk(&mut ann, &mut bea)?;
        ann.transfer("102")?;
        cid.expect("CALL_ESTABLISHED")?;
        let heard = left_over(&mut ann, &mut bea, &mut cid)?;
        only_call(&server, "101", "102")?;
        bea.hang_up()?;
        cid.expect("CALL_CLOSED")?;
        let records = server.await_cdrs("acme", 2)?;
        let wanted = Transfer {
            first: ["100", "101"],
            ended_by: "caller",
            by: "100",
            to: "102",
            second: ["101", "102"],
            sip: 200,
        };
        recorded(&records, &wanted)?;
        println!("COUNT interop/udp 3");
        Ok(heard)
    })
}

#[test]
fn the_callee_holds_and_transfers_blindly() -> Result<()> {
    Stage::run("baresip-transfer-held", |stage| {
        let (server, [mut ann, mut bea, mut cid]) = company(stage, "tls")?;
        call(&mut ann, &mut bea, "101")?;
        talk(&mut ann, &mut bea)?;
        bea.hold(&mut ann)?;
        bea.transfer("102")?;
        cid.expect("CALL_ESTABLISHED")?;
        let heard = left_over(&mut bea, &mut ann, &mut cid)?;
        only_call(&server, "100", "102")?;
        cid.hang_up()?;
        ann.expect("CALL_CLOSED")?;
        let records = server.await_cdrs("acme", 2)?;
        let wanted = Transfer {
            first: ["100", "101"],
            ended_by: "callee",
            by: "101",
            to: "102",
            second: ["100", "102"],
            sip: 200,
        };
        recorded(&records, &wanted)?;
        println!("COUNT interop/tls 3");
        Ok(heard)
    })
}

#[test]
fn audio_straight_between_phones_follows_hold_and_transfer() -> Result<()> {
    Stage::run("baresip-direct", |stage| {
        let (server, [mut ann, mut bea, mut cid]) = company_with(stage, "udp", "media=direct")?;
        call(&mut ann, &mut bea, "101")?;
        ann.hold(&mut bea)?;
        ann.resume()?;
        talk(&mut ann, &mut bea)?;
        bea.transfer("102")?;
        cid.expect("CALL_ESTABLISHED")?;
        let heard = left_over(&mut bea, &mut ann, &mut cid)?;
        only_call(&server, "100", "102")?;
        let relayed = server.status()?["media_packets"].clone();
        ensure!(relayed == 0, "{relayed} packets came to us");
        cid.hang_up()?;
        ann.expect("CALL_CLOSED")?;
        println!("COUNT interop/udp 3");
        Ok(format!("{heard}, none of it through the server"))
    })
}

const ECHO: &str = r#"{"name": "mirror", "steps": {"start": {"do": "echo"}}}"#;

/// A number with a flow: the party that is transferred there hears what the server plays, also where audio went straight.
#[test]
fn a_caller_is_transferred_to_a_number_with_a_flow() -> Result<()> {
    for policy in ["media=relay", "media=direct"] {
        Stage::run(&format!("baresip-transfer-flow-{}", &policy[6..]), |stage| {
            let (server, [mut ann, mut bea]) = company_with(stage, "udp", policy)?;
            let flow = stage.write("mirror.json", ECHO)?;
            server.carillon(&["flow", "set", "acme", "200", &flow.to_string_lossy()])?;
            call(&mut ann, &mut bea, "101")?;
            talk(&mut ann, &mut bea)?;
            bea.transfer("200")?;
            let closed = bea.expect("CALL_CLOSED")?;
            ensure!(closed["param"] == "Call transfered", "{closed}");
            let heard = ann.hear_itself()?;
            only_call(&server, "100", "200")?;
            ann.hang_up()?;
            let records = server.await_cdrs("acme", 2)?;
            let of = record(&records, ["100", "200"])?;
            ensure!(of["path"][0] == "mirror", "{of}");
            ensure!(of["transferred_by"] == "101" && of["sip"] == 200, "{of}");
            let first = record(&records, ["100", "101"])?;
            ensure!(first["transferred_to"] == "200", "{first}");
            println!("COUNT interop/udp 2");
            Ok(format!("{heard} of its own"))
        })?;
    }
    Ok(())
}

/// This baresip gives its call up when a transfer fails, and nobody is left over.
#[test]
fn a_transfer_to_nobody_is_told_and_recorded() -> Result<()> {
    Stage::run("baresip-transfer-failed", |stage| {
        let (server, [mut ann, mut bea]) = company(stage, "udp")?;
        call(&mut ann, &mut bea, "101")?;
        bea.transfer("102")?;
        let told = bea.expect("TRANSFER_FAILED")?;
        ensure!(told["param"] == "480 Temporarily Unavailable", "{told}");
        ann.expect("CALL_CLOSED")?;
        let records = server.await_cdrs("acme", 2)?;
        let wanted = Transfer {
            first: ["100", "101"],
            ended_by: "callee",
            by: "101",
            to: "102",
            second: ["100", "102"],
            sip: 480,
        };
        recorded(&records, &wanted)?;
        until("no call to be left", Duration::from_secs(20), || {
            Ok((server.status()?["calls"] == 0).then_some(()))
        })?;
        println!("COUNT interop/udp 2");
        Ok("480 in the NOTIFY and in the record".to_owned())
    })
}

#[test]
fn a_secretary_connects_a_caller_with_whom_she_has_asked() -> Result<()> {
    consult("baresip-attended", |account| account.over("tcp"))
}

#[test]
fn a_secretary_connects_a_caller_with_a_phone_that_rings() -> Result<()> {
    consult("baresip-semi-attended", Account::ringing)
}

/// 100 calls 102, who holds the call, calls 101 and connects the two. 102 is the simulation's phone, as this baresip can't
/// refer to a call of its own (RFC 5589 §7).
fn consult(name: &str, bea: fn(Account<'static>) -> Account<'static>) -> Result<()> {
    Stage::run(name, |stage| {
        let (server, [mut ann]) = company(stage, "tcp")?;
        let account = bea(Account::new("101", "acme.test", 440));
        let mut bea = Phone::start(stage, &server, account)?;
        let home = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut secretary = Actor::new(&server, ("acme.test", "102"), Transport::Udp, home)?;
        secretary.register()?;
        ann.dial("sip:102@acme.test")?;
        secretary.play("the first call", |me| me.up() == 1 && !me.phone.is_busy())?;
        ann.expect("CALL_ESTABLISHED")?;
        let first = 0;
        hold(&mut secretary, first)?;
        let rings = !account.answers();
        let second = secretary.call("101");
        secretary.play("the second call", |me| match rings {
            true => me.phone.replaces(second).is_some_and(|r| !r.contains("to-tag=;")),
            false => me.up() == 2,
        })?;
        let now = secretary.now();
        secretary.phone.refer_to_call(first, second, now);
        if rings {
            secretary.play("news of ringing", |me| me.phone.transfers.contains(&180))?;
            bea.answer()?;
        }
        secretary.play("both calls to be over", |me| {
            me.phone.transfers.contains(&200) && me.up() == 0 && !me.phone.is_busy()
        })?;
        let heard = talk(&mut ann, &mut bea)?;
        only_call(&server, "100", "101")?;
        bea.hang_up()?;
        ann.expect("CALL_CLOSED")?;
        consulted(&server, rings)?;
        println!("COUNT interop/{} 3", account.transport());
        Ok(format!("{} and {} between caller and callee", heard[1], heard[0]))
    })
}

/// Holds, and asks again as long as the other side's ACK is on its way (RFC 3261 §14.2).
fn hold(phone: &mut Actor, call: usize) -> Result<()> {
    let answer = |phone: &Actor| {
        let mut heard = phone.phone.heard.iter();
        heard
            .find(|(method, _)| method == "INVITE")
            .map(|(_, code)| *code)
    };
    loop {
        phone.phone.heard.clear();
        let now = phone.now();
        phone.phone.reinvite(call, "sendonly", now);
        phone.play("an answer to hold", |phone| answer(phone).is_some())?;
        match answer(phone) {
            Some(200) => return Ok(()),
            Some(491 | 500) => {}
            other => anyhow::bail!("hold was answered {other:?}"),
        }
    }
}

/// The secretary's call that still rang has become the caller's; the one that was answered has a record of its own.
fn consulted(server: &Server, rang: bool) -> Result<()> {
    let records = server.await_cdrs("acme", if rang { 2 } else { 3 })?;
    let wanted = Transfer {
        first: ["100", "102"],
        ended_by: "callee",
        by: "102",
        to: "101",
        second: ["100", "101"],
        sip: 200,
    };
    recorded(&records, &wanted)?;
    if !rang {
        let asked = record(&records, ["102", "101"])?;
        ensure!(
            asked["sip"] == 200 && asked["transferred_to"] == "100" && asked["parent"].is_null(),
            "{asked}"
        );
    }
    Ok(())
}

#[test]
fn a_colleague_takes_a_call_that_rings_elsewhere() -> Result<()> {
    Stage::run("baresip-pickup", |stage| {
        let server = Server::start(stage, &[Tenant::new("acme", extensions(100, 3))])?;
        let [ann, bea, cid] = PEOPLE.map(|(user, hz)| Account::new(user, "acme.test", hz));
        let mut ann = Phone::start(stage, &server, ann)?;
        let mut bea = Phone::start(stage, &server, bea.ringing())?;
        let mut cid = Phone::start(stage, &server, cid)?;
        ann.dial("sip:101@acme.test")?;
        bea.expect("CALL_INCOMING")?;
        call(&mut cid, &mut ann, "**101")?;
        bea.expect("CALL_CLOSED")?;
        let [low, high] = talk(&mut ann, &mut cid)?;
        ann.hang_up()?;
        cid.expect("CALL_CLOSED")?;
        let records = server.await_cdrs("acme", 1)?;
        let [record] = records.as_slice() else {
            anyhow::bail!("{records:?}")
        };
        let path = record["path"].as_array().context("no path")?;
        ensure!(
            record["callee"]["number"] == "102" && path.iter().any(|step| step == "picked up by 102"),
            "{record}"
        );
        packets(record)?;
        println!("COUNT interop/udp 3");
        Ok(format!(
            "{high} and {low} between the caller and who took the call"
        ))
    })
}
