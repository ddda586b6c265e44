//! What SIPps watch and publish, and texts between them: dialog-info, message-summary, presence, MESSAGE.

use crate::acme::{
    Acme, SHOWN_MS, all_finish, calls_and_waits, hangs_up, hung_up, picks_up_slowly, reads, writes,
};
use anyhow::{Context, Result, ensure};
use interop::{Script, Sipp, Stage, Words};

fn watch(package: &str, kind: &str, expires: u32) -> Words {
    Words::none()
        .header(&format!("Event: {package}"))
        .header(&format!("Accept: {kind}"))
        .header(&format!("Expires: {expires}"))
}

fn lamp(expires: u32) -> Words {
    watch("dialog", "application/dialog-info+xml", expires)
}

/// A lamp's document comes; its version and what it shows are told.
fn shown(script: Script, what: &str, state: &str, pattern: &str) -> Script {
    script
        .asked_for(
            "NOTIFY",
            &[
                "Event: dialog",
                "application/dialog-info.xml",
                &format!("Subscription-State: {state}"),
                pattern,
            ],
        )
        .keeps("version", "version=.([0-9]+). state=.full")
        .answer("200 OK", &Words::none())
        .tells(&format!("version [$version] {what}"))
}

/// The versions that were told, in order.
fn versions(lines: &[String]) -> Result<Vec<u32>> {
    let told = lines.iter().filter_map(|line| line.strip_prefix("version "));
    told.map(|line| {
        let version = line.split(' ').next().unwrap_or_default();
        version.parse().with_context(|| format!("version in {line:?}"))
    })
    .collect()
}

/// No dialog stands between the document's begin and end.
const DARK: &str = "entity=.sip:101@acme.test....dialog-info";

#[test]
fn a_lamp_follows_a_colleagues_call_and_goes_on_over_a_kill() -> Result<()> {
    Stage::run("sipp-lamp", |stage| {
        let mut acme = Acme::open(stage, &[])?;
        let watcher = Script::asking()
            .ask("SUBSCRIBE", &lamp(120))
            .hears(200, &["Expires: (120|119)"])
            .tells_dialog();
        let watcher = shown(watcher, "dark", "active", DARK).tells("watching");
        let watcher = shown(watcher, "trying", "active", "state.trying./state");
        let watcher = shown(watcher, "early", "active", "state.early./state");
        let watcher = shown(watcher, "confirmed", "active", "state.confirmed./state");
        let watcher = shown(watcher, "dark", "active", DARK).tells("call over");
        let watcher = shown(watcher, "dark", "active", DARK);
        let caller = calls_and_waits().pauses(SHOWN_MS);
        let called = acme.waits("101", &hung_up(picks_up_slowly()))?;
        let mut watches = acme.asks("102", &watcher, "101")?.start()?;
        watches.await_told("watching")?;
        let calling = acme.asks("100", &hangs_up(caller), "101")?.start()?;
        all_finish(&mut [calling, called])?;
        watches.await_told("call over")?;
        acme.server.restart()?;
        watches.finish(1)?;
        let ends = Script::going_on(2)
            .request_challenged("SUBSCRIBE", &lamp(120))
            .hears(200, &["Expires: (120|119)"]);
        let ends = shown(ends, "dark", "active", DARK)
            .request_challenged("SUBSCRIBE", &lamp(0))
            .hears(200, &["Expires: 0"]);
        let ends = shown(ends, "dark", "terminated;reason=timeout", DARK)
            .request("SUBSCRIBE", &lamp(120))
            .hears(481, &[]);
        let mut ended = acme.goes_on("102", &ends, ("101", &watches))?.start()?;
        ended.finish(1)?;
        let versions = versions(&[watches.lines(), ended.lines()].concat())?;
        ensure!(
            versions.len() == 8 && versions.is_sorted_by(|a, b| a < b),
            "versions {versions:?}"
        );
        Ok(format!(
            "dark, trying, early, confirmed, dark, killed, refreshed, ended; versions {versions:?}"
        ))
    })
}

#[test]
fn a_mailbox_lamp_is_ones_own_and_asked_for_in_order() -> Result<()> {
    Stage::run("sipp-mailbox", |stage| {
        let acme = Acme::open(stage, &[])?;
        let kind = "application/simple-message-summary";
        let notified = |script: Script, state: &str| {
            script
                .asked_for(
                    "NOTIFY",
                    &[
                        "Event: message-summary",
                        &format!("Content-Type: {kind}"),
                        &format!("Subscription-State: {state}"),
                        "Messages-Waiting: no",
                        "Message-Account: sip:100@acme.test",
                        "Voice-Message: 0/0 .0/0.",
                    ],
                )
                .answer("200 OK", &Words::none())
        };
        let watcher = Script::asking()
            .ask("SUBSCRIBE", &watch("message-summary", kind, 120))
            .hears(200, &["Expires: (120|119)"])
            .tells_dialog();
        let watcher = notified(watcher, "active")
            .ask_again("SUBSCRIBE", &watch("nonsense", kind, 120))
            .hears(489, &["Allow-Events:.*message-summary"])
            .ask_again("SUBSCRIBE", &watch("message-summary", "text/plain", 120))
            .hears(406, &[])
            .ask_again("SUBSCRIBE", &watch("message-summary", kind, 5))
            .hears(423, &["Min-Expires: 60"]);
        let mut watches = acme.asks("100", &watcher, "100")?.start()?;
        watches.finish(1)?;
        let ends = Script::going_on(5)
            .request_challenged("SUBSCRIBE", &watch("message-summary", kind, 0))
            .hears(200, &["Expires: 0"]);
        let ends = notified(ends, "terminated;reason=timeout");
        acme.goes_on("100", &ends, ("100", &watches))?.run()?;
        let curious = Script::asking()
            .ask("SUBSCRIBE", &watch("message-summary", kind, 120))
            .hears(404, &[]);
        acme.asks("100", &curious, "101")?.run()?;
        Ok("shown, ended; 489, 406, 423, and 404 for somebody else's".to_owned())
    })
}

/// A presence document with a note.
fn says(note: &str) -> String {
    format!(
        "<?xml version='1.0'?>\n<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:101@acme.test'>\n\
         <tuple id='t'><status><basic>open</basic></status><note>{note}</note></tuple>\n</presence>\n"
    )
}

#[test]
fn presence_is_published_refreshed_changed_and_removed() -> Result<()> {
    Stage::run("sipp-presence", |stage| {
        let acme = Acme::open(stage, &[])?;
        let shown = |script: Script, basic: &str, note: &str| {
            script
                .asked_for(
                    "NOTIFY",
                    &[
                        "Event: presence",
                        "application/pidf.xml",
                        "Subscription-State: active",
                        &format!("basic.{basic}./basic"),
                        note,
                    ],
                )
                .answer("200 OK", &Words::none())
        };
        let watcher = Script::asking()
            .ask("SUBSCRIBE", &watch("presence", "application/pidf+xml", 120))
            .hears(200, &[]);
        let watcher = shown(watcher, "closed", "/contact...tuple").tells("watching");
        let watcher = shown(watcher, "open", "note.Lunch./note");
        let watcher = shown(watcher, "open", "note.Back soon./note");
        let watcher = shown(watcher, "closed", "/contact...tuple");
        let publish = |etag: Option<&str>, expires: u32, note: Option<&str>| {
            let words = Words::none()
                .header("Event: presence")
                .header(&format!("Expires: {expires}"));
            let words = etag
                .iter()
                .fold(words, |w, etag| w.header(&format!("SIP-If-Match: {etag}")));
            note.iter()
                .fold(words, |w, note| w.body("application/pidf+xml", &says(note)))
        };
        let granted = |script: Script, tag: &str| {
            script
                .hears(200, &["Expires: 120"])
                .keeps_header(tag, "SIP-ETag:", "([0-9a-f]+)")
        };
        let publisher = Script::asking().ask("PUBLISH", &publish(None, 120, Some("Lunch")));
        let publisher =
            granted(publisher, "etaga").ask_again("PUBLISH", &publish(Some("[$etaga]"), 120, None));
        let publisher = granted(publisher, "etagb")
            .ask_again("PUBLISH", &publish(Some("[$etaga]"), 120, None))
            .hears(412, &[])
            .pauses(SHOWN_MS)
            .ask_again("PUBLISH", &publish(Some("[$etagb]"), 120, Some("Back soon")));
        let publisher = granted(publisher, "etagc")
            .pauses(SHOWN_MS)
            .ask_again("PUBLISH", &publish(Some("[$etagc]"), 0, None))
            .hears(200, &["Expires: 0"])
            .ask_again("PUBLISH", &publish(Some("[$etagc]"), 120, None))
            .hears(412, &[]);
        let mut watches = acme.asks("102", &watcher, "101")?.start()?;
        watches.await_told("watching")?;
        let publishes = acme.asks("101", &publisher, "101")?.start()?;
        all_finish(&mut [publishes, watches])?;
        Ok("published, refreshed, 412 for a used tag, changed, removed; each told to a watcher".to_owned())
    })
}

#[test]
fn a_text_waits_for_a_phone_that_is_off_even_over_a_kill() -> Result<()> {
    Stage::run("sipp-texts", |stage| {
        let mut acme = Acme::open(stage, &[])?;
        let reads = reads("100");
        let mut online = acme.waits("101", &reads)?;
        acme.asks("100", &writes("text-0", 200), "101")?.run()?;
        online.finish(1)?;
        let second = Words::none().body("text/plain", "text-2");
        let two = writes("text-1", 202)
            .ask_again("MESSAGE", &second)
            .hears(202, &[]);
        acme.asks("100", &two, "102")?.run()?;
        acme.server.restart()?;
        acme.asks("100", &writes("text-3", 202), "102")?.run()?;
        // The SIPp that registers is gone when the first text comes; the next one on its port hears it repeated.
        let phone = Sipp::of(stage, "102", &reads, acme.server.sip)?.calls(3, 100, 3);
        crate::register(stage, &acme.server, crate::acme::DOMAIN, "102", phone.port())?;
        let mut phone = phone.start()?;
        phone.finish(3)?;
        let read: Vec<String> = phone
            .lines()
            .iter()
            .filter_map(|line| line.strip_prefix("read "))
            .map(str::to_owned)
            .collect();
        ensure!(read == ["text-1", "text-2", "text-3"], "read {read:?}");
        ensure!(
            online.told("read").as_deref() == Some("text-0"),
            "not read at once"
        );
        Ok("200 for a phone that is on; three waited, two of them over a kill, and came in order".to_owned())
    })
}
