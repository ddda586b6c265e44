//! Transfer and pickup between SIPps: REFER (RFC 3515, RFC 5589) and INVITE with Replaces (RFC 3891).

use crate::acme::{
    Acme, all_finish, calls, calls_and_waits, hangs_up, hung_up, is_held, is_moved, notified, picks_up,
    rings, settled, settles,
};
use anyhow::{Result, ensure};
use interop::{Script, Stage, Words};

/// An INVITE with Replaces; SIPp puts its variables in.
fn replacing(name: &str) -> Words {
    Words::sdp("sendrecv", 1)
        .header("Require: replaces")
        .header(&format!("Replaces: {name}"))
}

#[test]
fn a_phone_transfers_without_asking_first() -> Result<()> {
    Stage::run("sipp-refer", |stage| {
        let acme = Acme::open(stage, &[])?;
        let refer = |whom: &str| {
            Words::none()
                .header(&format!("Refer-To: <sip:{whom}@acme.test>"))
                .header("Referred-By: <sip:999@somewhere.test>")
        };
        let transferrer = calls()
            .request("REFER", &refer("999"))
            .hears(202, &["CSeq: 3 REFER"]);
        let transferrer = notified(transferrer, "active", "100");
        let transferrer = notified(transferrer, "terminated", "404")
            .request("REFER", &refer("102"))
            .hears(202, &["CSeq: 4 REFER"]);
        let transferrer = notified(transferrer, "active", "100");
        let transferrer = notified(transferrer, "active", "180");
        let transferrer = hangs_up(notified(transferrer, "terminated", "200"));
        let transferred = hangs_up(is_moved(picks_up(), 2));
        let target = Script::asked()
            .invited(&["Referred-By: .sip:100@acme.test"])
            .answer_invite("180 Ringing", &Words::none())
            .answer_invite("200 OK", &Words::sdp("sendrecv", 1))
            .asked_for("ACK", &[]);
        let mut runs = [
            acme.waits("101", &transferred)?,
            acme.waits("102", &hung_up(target))?,
            acme.asks("100", &transferrer, "101")?.start()?,
        ];
        all_finish(&mut runs)?;
        acme.recorded(&[
            "100 101 200 caller to 102",
            "101 102 200 caller by 100",
            "101 999 404 system by 100",
        ])?;
        Ok("404 told and the call kept, then 100, 180 and 200 told".to_owned())
    })
}

#[test]
fn a_phone_asks_first_and_transfers_by_replaces() -> Result<()> {
    Stage::run("sipp-refer-replaces", |stage| {
        let acme = Acme::open(stage, &[])?;
        // 101 calls 100, who holds it, asks 102 in a second call, and connects the two.
        let transferrer = settles(picks_up())
            .request("INVITE", &Words::sdp("sendonly", 2))
            .hears(200, &["CSeq: 1 INVITE", "a=recvonly"])
            .acknowledge(1, &Words::none())
            .other_dialog()
            .ask("INVITE", &Words::sdp("sendrecv", 1))
            .hears(180, &[])
            .hears_peer(200, &["m=audio"])
            .acknowledge(2, &Words::none())
            .other_dialog()
            .request("REFER", &Words::none().header(&Script::refer_to_second()))
            .hears(202, &["CSeq: 2 REFER"]);
        let transferrer = notified(transferrer, "active", "100");
        let transferrer = notified(transferrer, "terminated", "200")
            .asked_for("BYE", &["Call-ID: second"])
            .answer("200 OK", &Words::none());
        let transferred = settled(calls());
        let mut runs = [
            acme.waits_and_asks("100", &hangs_up(transferrer), "102")?,
            acme.waits("102", &hangs_up(is_moved(rings(), 2)))?,
            acme.asks("101", &hung_up(is_moved(is_held(transferred, 2), 3)), "100")?
                .start()?,
        ];
        all_finish(&mut runs)?;
        acme.recorded(&[
            "101 100 200 callee to 102",
            "100 102 200 caller to 101",
            "101 102 200 callee by 100",
        ])?;
        Ok("100 and 200 told, both old legs hung up, both ends brought together".to_owned())
    })
}

#[test]
fn a_phone_transfers_while_its_second_call_rings() -> Result<()> {
    Stage::run("sipp-refer-early", |stage| {
        let acme = Acme::open(stage, &[])?;
        let transferrer = settles(picks_up())
            .other_dialog()
            .ask("INVITE", &Words::sdp("sendrecv", 1))
            .hears_peer(180, &[])
            .other_dialog()
            .request("REFER", &Words::none().header(&Script::refer_to_second()))
            .hears(202, &["CSeq: 1 REFER"]);
        let transferrer = notified(transferrer, "active", "100")
            .other_dialog()
            .hears(487, &["Call-ID: second", "CSeq: 2 INVITE"])
            .acknowledge_refusal()
            .other_dialog();
        let transferrer = notified(transferrer, "active", "180");
        let transferrer = hangs_up(notified(transferrer, "terminated", "200"));
        // It rings for as long as the transfer needs to be told of.
        let target = Script::asked()
            .invited(&[])
            .answer_invite("180 Ringing", &Words::none())
            .pauses(1_500)
            .answer_invite("200 OK", &Words::sdp("sendrecv", 1))
            .asked_for("ACK", &[]);
        let mut runs = [
            acme.waits_and_asks("100", &transferrer, "102")?,
            acme.waits("102", &hung_up(target))?,
            acme.asks("101", &hangs_up(is_moved(settled(calls()), 2)), "100")?
                .start()?,
        ];
        all_finish(&mut runs)?;
        acme.recorded(&["101 100 200 callee to 102", "101 102 200 caller by 100"])?;
        Ok("its own INVITE ended with 487, then 180 and 200 told".to_owned())
    })
}

#[test]
fn a_ringing_call_is_picked_up_from_a_lamp() -> Result<()> {
    Stage::run("sipp-pickup", |stage| {
        let acme = Acme::open(stage, &["lamps_show_dialog=true"])?;
        let ringing = Script::asked()
            .invited(&[])
            .answer_invite("180 Ringing", &Words::none())
            .tells("ringing")
            .asked_for("CANCEL", &["Reason: SIP;cause=200"])
            .answer("200 OK", &Words::none())
            .answer_invite("487 Request Terminated", &Words::none())
            .asked_for("ACK", &[])
            .stays();
        let caller = hung_up(calls_and_waits());
        let look = Words::none()
            .header("Event: dialog")
            .header("Accept: application/dialog-info+xml")
            .header("Expires: 0");
        let name = |to: &str| format!("[$lampid];to-tag={to};from-tag=[$lampfrom];early-only");
        let taker = Script::asking()
            .ask("SUBSCRIBE", &look)
            .hears(200, &["Expires: 0"])
            .asked_for(
                "NOTIFY",
                &["Subscription-State: terminated", "state.early./state"],
            )
            .keeps("lampid", "call-id=.([0-9a-f]+)")
            .keeps("lampto", "local-tag=.([^ ]+). ")
            .keeps("lampfrom", "remote-tag=.([^ ]+). ")
            .answer("200 OK", &Words::none())
            .other_dialog()
            .ask_again("INVITE", &replacing("[$lampid];to-tag=x;from-tag=y;early-only"))
            .hears(481, &[])
            .acknowledge_refusal()
            .ask_again("INVITE", &replacing(&name("[$lampto]")))
            .hears_peer(200, &["m=audio", "a=sendrecv"])
            .acknowledge(2, &Words::none());
        let mut rings = acme.waits("101", &ringing)?;
        let calls = acme.asks("100", &caller, "101")?.start()?;
        rings.await_told("ringing")?;
        let takes = acme.asks("102", &hangs_up(taker), "101")?.start()?;
        all_finish(&mut [rings, calls, takes])?;
        acme.recorded(&["100 102 200 callee"])?;
        Ok("named by the lamp, 481 for wrong tags, taken by Replaces with early-only".to_owned())
    })
}

#[test]
fn a_call_that_is_up_is_moved_to_another_phone_of_its_user_alone() -> Result<()> {
    Stage::run("sipp-replaces", |stage| {
        let acme = Acme::open(stage, &[])?;
        let mut first = acme.waits("101", &hung_up(picks_up().tells_name()))?;
        let moved = hangs_up(is_moved(calls().tells("up"), 2));
        let mut calls = acme.asks("100", &moved, "101")?.start()?;
        calls.await_told("up")?;
        let name = first.await_told("name")?;
        let call_id = name.split(';').next().unwrap_or_default();
        let tries = |script: Script, name: &str, code: u16| {
            script
                .ask_again("INVITE", &replacing(name))
                .hears(code, &[])
                .acknowledge_refusal()
        };
        let stranger = Script::asking()
            .ask("INVITE", &replacing(&name))
            .hears(403, &[])
            .acknowledge_refusal();
        let stranger = tries(stranger, &format!("{call_id};to-tag=a;from-tag=b"), 481);
        let stranger = tries(stranger, &format!("{name}\nReplaces: {name}"), 400);
        let stranger = tries(stranger, call_id, 400);
        acme.asks("102", &stranger, "100")?.run()?;
        let second = Script::asking()
            .ask("INVITE", &replacing(&format!("{name};early-only")))
            .hears(486, &[])
            .acknowledge_refusal();
        let second = tries(second, &format!("{name}0"), 481)
            .ask_again("INVITE", &replacing(&name))
            .hears(200, &["CSeq: 4 INVITE", "m=audio", "a=sendrecv"])
            .acknowledge(4, &Words::none());
        let second = acme.asks("101", &hung_up(second), "100")?.start()?;
        all_finish(&mut [first, calls, second])?;
        let late = Script::asking()
            .ask("INVITE", &replacing(&name))
            .hears(481, &[])
            .acknowledge_refusal();
        acme.asks("101", &late, "100")?.run()?;
        acme.recorded(&["100 101 200 callee to 101", "101 100 200 callee"])?;
        ensure!(!call_id.is_empty(), "no name");
        Ok("403, 481, 400 and 486 as RFC 3891 has it; then taken over, the old phone hung up".to_owned())
    })
}
