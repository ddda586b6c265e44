//! Keys that reach a menu: as telephone events from baresip, by INFO and as tones from SIPp, which describes itself without
//! telephone events. And phones that speak nothing that the server does.

use crate::acme::key;
use crate::baresip::company;
use crate::{caller, calling_by, example, register};
use anyhow::{Context, Result, ensure};
use interop::server::{extensions, password};
use interop::{Phone, Script, Server, Sipp, Stage, Tenant, Words, tone};
use serde_json::Value;

const DOMAIN: &str = "acme.test";

/// The menu of the demonstration, where 2 is an echo and 9 asks for an extension.
fn with_menu(server: &Server) -> Result<()> {
    example(server, "202", "menu")
}

/// The steps of the one call.
fn path(server: &Server, calls: usize) -> Result<Value> {
    let records = server.await_cdrs("acme", calls)?;
    let record = records
        .into_iter()
        .find(|record| record["callee"]["number"] == "202");
    Ok(record.context("no call to 202")?["path"].clone())
}

#[test]
fn keys_of_baresip_are_events() -> Result<()> {
    Stage::run("keypad-events", |stage| {
        let (server, [mut ann, mut bea]) = company(stage, "udp")?;
        with_menu(&server)?;
        ann.dial("sip:202@acme.test")?;
        ann.expect("CALL_ESTABLISHED")?;
        ann.press("2")?;
        let echo = ann.hear_itself()?;
        ann.hang_up()?;
        let steps = path(&server, 1)?;
        ensure!(steps.to_string().ends_with("\"echo\"]"), "{steps}");
        // Several keys, and a call that they make.
        ann.dial("sip:202@acme.test")?;
        ann.expect("CALL_ESTABLISHED")?;
        press_each(&mut ann, "9101#")?;
        bea.expect("CALL_ESTABLISHED")?;
        let heard = bea.hear_now(1_000)?;
        ann.hang_up()?;
        println!("COUNT interop/udp 2");
        Ok(format!("its own {echo} by 2, and {heard} at 101 by 9101#"))
    })
}

fn press_each(phone: &mut Phone, keys: &str) -> Result<()> {
    let mut buffer = [0; 4];
    keys.chars()
        .try_for_each(|key| phone.press(key.encode_utf8(&mut buffer)))
}

/// A description without telephone events.
fn plain(payload_types: &str, port: &str) -> Words {
    Words::none().body(
        "application/sdp",
        &format!(
            "v=0\no=sipp 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [local_ip]\nt=0 0\nm=audio [{port}] RTP/AVP {payload_types}\n"
        ),
    )
}

/// 100's phone calls 202, presses 7, which leads nowhere, then 2, and hangs up; gives the steps.
fn presses(stage: &Stage, name: &str, offer: &Words, act: impl FnOnce(Script) -> Script) -> Result<String> {
    let server = Server::start(stage, &[Tenant::new("acme", extensions(100, 2))])?;
    with_menu(&server)?;
    let up = Script::asking()
        .ask("INVITE", offer)
        .hears(200, &["m=audio"])
        .acknowledge(2, &Words::none());
    let script = act(up)
        .request("BYE", &Words::none())
        .hears(200, &["CSeq: [0-9]+ BYE"]);
    calling_by(stage, &server, (name, &script), "202", DOMAIN)?
        .row(&caller(DOMAIN, "100", &password(DOMAIN, "100")))
        .run()?;
    let steps = path(&server, 1)?.to_string();
    ensure!(
        steps.contains("wrong digits") && steps.ends_with("\"echo\"]"),
        "{steps}"
    );
    Ok(steps)
}

#[test]
fn keys_by_info() -> Result<()> {
    Stage::run("keypad-info", |stage| {
        let steps = presses(stage, "info", &plain("0", "media_port"), |script| {
            script
                .request("INFO", &key('7'))
                .hears(200, &["CSeq: [0-9]+ INFO"])
                .request("INFO", &key('2'))
                .hears(200, &["CSeq: [0-9]+ INFO"])
        })?;
        println!("COUNT interop/udp 1");
        Ok(steps)
    })
}

/// What a phone without events sends is in its sound, and found there.
#[test]
fn keys_as_tones() -> Result<()> {
    Stage::run("keypad-tones", |stage| {
        let mut file = tone::key_as_mu_law('7', 120);
        file.extend(tone::key_as_mu_law('2', 80));
        let path = stage.path("keys.ulaw");
        std::fs::write(&path, file).context("cannot write the tones")?;
        let steps = presses(stage, "tones", &plain("0", "rtpstream_audio_port"), |script| {
            script.plays(&path.to_string_lossy(), 0).pauses(5_000)
        })?;
        println!("COUNT interop/udp 1");
        Ok(steps)
    })
}

/// A menu can't speak G.729, and no phone is found that can: 488. Who speaks it gets it as it is.
#[test]
fn a_codec_that_nobody_speaks() -> Result<()> {
    Stage::run("keypad-g729", |stage| {
        let server = Server::start(stage, &[Tenant::new("acme", extensions(100, 3))])?;
        with_menu(&server)?;
        let offer = plain("18", "media_port");
        let calls = |name: &str, to: &str, script: &Script| -> Result<()> {
            calling_by(stage, &server, (name, script), to, DOMAIN)?
                .row(&caller(DOMAIN, "100", &password(DOMAIN, "100")))
                .run()?;
            Ok(())
        };
        let refused = Script::asking()
            .ask("INVITE", &offer)
            .hears(488, &["CSeq: 2 INVITE"])
            .acknowledge_refusal();
        calls("menu", "202", &refused)?;
        let phone = Script::asked()
            .invited(&["RTP/AVP 18"])
            .answer_invite("488 Not Acceptable Here", &Words::none())
            .asked_for("ACK", &[]);
        let answering = Sipp::of(stage, "other", &phone, server.sip)?;
        register(stage, &server, DOMAIN, "101", answering.port())?;
        let mut answering = answering.start()?;
        answering.await_bound()?;
        calls("refused", "101", &refused)?;
        answering.finish(1)?;
        let phone = Script::asked()
            .invited(&["RTP/AVP 18"])
            .answer_invite("200 OK", &offer)
            .asked_for("ACK", &[])
            .asked_for("BYE", &[])
            .answer("200 OK", &Words::none())
            .stays();
        let answering = Sipp::of(stage, "same", &phone, server.sip)?;
        register(stage, &server, DOMAIN, "102", answering.port())?;
        let mut answering = answering.start()?;
        answering.await_bound()?;
        let talks = Script::asking()
            .ask("INVITE", &offer)
            .hears(200, &["RTP/AVP 18"])
            .acknowledge(2, &Words::none())
            .request("BYE", &Words::none())
            .hears(200, &["CSeq: [0-9]+ BYE"]);
        calls("talks", "102", &talks)?;
        answering.finish(1)?;
        println!("COUNT interop/udp 3");
        Ok("488 by the menu, 488 of a phone, and as it is to one that speaks it".to_owned())
    })
}
