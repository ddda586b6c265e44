//! A company whose phones are SIPps, for cases with more than two of them.

use crate::{caller, calling_by, register, towards};
use anyhow::{Result, ensure};
use interop::server::{extensions, password};
use interop::sipp::Run;
use interop::{Script, Server, Sipp, Stage, Tenant, Words};
use serde_json::Value;

pub(crate) const DOMAIN: &str = "acme.test";

/// The server of acme, with extensions 100 to 104.
pub(crate) struct Acme<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) server: Server,
}

impl<'a> Acme<'a> {
    pub(crate) fn open(stage: &'a Stage, policies: &[&str]) -> Result<Acme<'a>> {
        let tenant = Tenant::new("acme", extensions(100, 5)).policies(policies);
        let server = Server::start(stage, &[tenant])?;
        Ok(Acme { stage, server })
    }

    /// The registered phone of `user` that waits to be called.
    pub(crate) fn waits(&self, user: &'a str, script: &Script) -> Result<Run> {
        self.wait_by(user, Sipp::of(self.stage, user, script, self.server.sip)?)
    }

    /// The same, which asks for `whom` in its second dialog.
    pub(crate) fn waits_and_asks(&self, user: &'a str, script: &Script, whom: &str) -> Result<Run> {
        let sipp = towards(Sipp::of(self.stage, user, script, self.server.sip)?, whom, DOMAIN);
        self.wait_by(user, sipp.row(&caller(DOMAIN, user, &password(DOMAIN, user))))
    }

    fn wait_by(&self, user: &str, sipp: Sipp<'_>) -> Result<Run> {
        register(self.stage, &self.server, DOMAIN, user, sipp.port())?;
        let mut run = sipp.start()?;
        run.await_bound()?;
        Ok(run)
    }

    /// The phone of `user` that asks for `whom` first.
    pub(crate) fn asks(&'a self, user: &'a str, script: &Script, whom: &str) -> Result<Sipp<'a>> {
        let sipp = calling_by(self.stage, &self.server, (user, script), whom, DOMAIN)?;
        Ok(sipp.row(&caller(DOMAIN, user, &password(DOMAIN, user))))
    }

    /// The phone of an earlier run that goes on in its dialog with `whom`.
    pub(crate) fn goes_on(
        &'a self,
        user: &'a str,
        script: &Script,
        (whom, earlier): (&str, &Run),
    ) -> Result<Sipp<'a>> {
        self.asks(user, script, whom)?.going_on(earlier)
    }

    /// Waits until there are records of exactly these calls, in any order: `caller callee status ended-by`, then who
    /// transferred and whereto where somebody did.
    pub(crate) fn recorded(&self, expected: &[&str]) -> Result<()> {
        let records = self.server.await_cdrs("acme", expected.len())?;
        let mut found: Vec<String> = records.iter().map(line).collect();
        found.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        ensure!(
            found == expected,
            "records {found:#?} instead of {expected:#?}: {records:?}"
        );
        Ok(())
    }
}

fn line(record: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let mut line = format!(
        "{} {} {} {}",
        text(&record["caller"]["number"]),
        text(&record["callee"]["number"]),
        record["sip"],
        text(&record["ended_by"])
    );
    for (key, word) in [("transferred_by", "by"), ("transferred_to", "to")] {
        if let Some(number) = record[key].as_str() {
            line.push_str(&format!(" {word} {number}"));
        }
    }
    line
}

/// Waits until all are through, and says what each of those that are not complained about.
pub(crate) fn all_finish(runs: &mut [Run]) -> Result<()> {
    let failed: Vec<String> = runs
        .iter_mut()
        .filter_map(|run| run.finish(1).err())
        .map(|error| format!("{error:#}"))
        .collect();
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

/// A phone that picks up at once.
pub(crate) fn picks_up() -> Script {
    let allow = "Allow: INVITE, ACK, BYE, CANCEL, INFO, NOTIFY, REFER";
    Script::asked()
        .invited(&[])
        .answer_invite("200 OK", &Words::sdp("sendrecv", 1).header(allow))
        .asked_for("ACK", &[])
}

/// The other phone presses a key, so it has acknowledged: before that, a change of the call is answered 491.
pub(crate) fn settles(script: Script) -> Script {
    script
        .asked_for("INFO", &["application/dtmf-relay", "Signal= *1"])
        .answer("200 OK", &Words::none())
}

/// It presses that key, as its third request.
pub(crate) fn settled(script: Script) -> Script {
    script.request("INFO", &key('1')).hears(200, &["CSeq: 3 INFO"])
}

/// A phone that calls one that rings and then picks up.
pub(crate) fn calls_and_waits() -> Script {
    Script::asking()
        .ask("INVITE", &Words::sdp("sendrecv", 1))
        .hears(180, &[])
        .hears(200, &["m=audio"])
        .acknowledge(2, &Words::none())
}

/// A phone that calls one that picks up at once.
pub(crate) fn calls() -> Script {
    Script::asking()
        .ask("INVITE", &Words::sdp("sendrecv", 1))
        .hears(200, &["m=audio"])
        .acknowledge(2, &Words::none())
}

/// It is put on hold.
pub(crate) fn is_held(script: Script, version: u32) -> Script {
    script
        .invited(&["a=sendonly"])
        .answer_invite("200 OK", &Words::sdp("recvonly", version))
        .asked_for("ACK", &[])
}

/// A phone that rings and then picks up.
pub(crate) fn rings() -> Script {
    Script::asked()
        .invited(&[])
        .answer_invite("180 Ringing", &Words::none())
        .answer_invite("200 OK", &Words::sdp("sendrecv", 1))
        .asked_for("ACK", &[])
}

/// A key, pressed in a call.
pub(crate) fn key(digit: char) -> Words {
    Words::none().body(
        "application/dtmf-relay",
        &format!("Signal={digit}\nDuration=160\n"),
    )
}

/// Longer than the server collects changes for one NOTIFY (200 ms).
pub(crate) const SHOWN_MS: u32 = 600;

/// A phone that shows every state long enough to be seen by a watcher.
pub(crate) fn picks_up_slowly() -> Script {
    Script::asked()
        .invited(&[])
        .answer_invite("100 Trying", &Words::none())
        .pauses(SHOWN_MS)
        .answer_invite("180 Ringing", &Words::none())
        .pauses(SHOWN_MS)
        .answer_invite("200 OK", &Words::sdp("sendrecv", 1))
        .asked_for("ACK", &[])
}

/// A phone that writes a text, with the answer that is due.
pub(crate) fn writes(text: &str, code: u16) -> Script {
    Script::asking()
        .ask("MESSAGE", &Words::none().body("text/plain", text))
        .hears(code, &[])
}

/// A phone that gets a text `text-…` from somebody, and tells it.
pub(crate) fn reads(from: &str) -> Script {
    Script::asked()
        .asked_for(
            "MESSAGE",
            &[&format!("From:.*{from}@acme.test"), "Content-Type: text/plain"],
        )
        .keeps("text", "(text-[0-9])")
        .answer_outside("200 OK")
        .tells("read [$text]")
}

/// It is told a new address by re-INVITE, and agrees.
pub(crate) fn is_moved(script: Script, version: u32) -> Script {
    script
        .invited(&["a=sendrecv"])
        .answer_invite("200 OK", &Words::sdp("sendrecv", version))
        .asked_for("ACK", &[])
}

/// The phone that is hung up on.
pub(crate) fn hung_up(script: Script) -> Script {
    script
        .asked_for("BYE", &[])
        .answer("200 OK", &Words::none())
        .stays()
}

pub(crate) fn hangs_up(script: Script) -> Script {
    script
        .request("BYE", &Words::none())
        .hears(200, &["CSeq: [0-9]+ BYE"])
}

/// It hears how its transfer goes.
pub(crate) fn notified(script: Script, state: &str, status: &str) -> Script {
    script
        .asked_for(
            "NOTIFY",
            &[
                "Event: refer",
                "message/sipfrag",
                &format!("Subscription-State: {state}"),
                &format!("SIP/2.0 {status}"),
            ],
        )
        .answer("200 OK", &Words::none())
}
