//! What phones show of mailboxes and colleagues, told by the phones themselves.

use crate::baresip::{PEOPLE, call};
use anyhow::{Result, ensure};
use interop::baresip::Account;
use interop::server::extensions;
use interop::{Phone, Server, Stage, Tenant};

const DOMAIN: &str = "acme.test";

#[test]
fn a_phone_shows_its_mailbox() -> Result<()> {
    Stage::run("baresip-mailbox", |stage| {
        let server = Server::start(stage, &[Tenant::new("acme", extensions(100, 1))])?;
        let account = Account::new("100", DOMAIN, 1_000).over("tls").with(&["mwi"]);
        let mut phone = Phone::start(stage, &server, account)?;
        let mut shown = Vec::new();
        for (new, old, waiting) in [("0", "0", "no"), ("3", "1", "yes"), ("0", "4", "no")] {
            // What a mailbox holds is told with the subscription already.
            if !shown.is_empty() {
                server.carillon(&["mwi", "acme", "100", "--new", new, "--old", old])?;
            }
            let event = phone.expect("MWI_NOTIFY")?;
            let told = event["param"].as_str().unwrap_or_default();
            let summary = format!("Voice-Message: {new}/{old} (0/0)");
            ensure!(
                told.contains(&format!("Messages-Waiting: {waiting}\r\n")) && told.contains(&summary),
                "expected {summary}: {told}"
            );
            phone.await_printed(&summary)?;
            shown.push(format!("{new}/{old}"));
        }
        println!("COUNT interop/tls 1");
        Ok(format!("new and old messages: {}", shown.join(", then ")))
    })
}

#[test]
fn a_phone_shows_who_is_there_and_who_talks() -> Result<()> {
    Stage::run("baresip-presence", |stage| {
        let server = Server::start(stage, &[Tenant::new("acme", extensions(100, 3))])?;
        let [ann, bea, cid] = PEOPLE.map(|(user, hz)| Account::new(user, DOMAIN, hz).over("tcp"));
        let mut ann = Phone::start(stage, &server, ann.watching(&["101", "102"]))?;
        ann.await_contact("101", "Offline")?;
        let mut bea = Phone::start(stage, &server, bea)?;
        ann.await_contact("101", "Online")?;
        let mut cid = Phone::start(stage, &server, cid.publishing())?;
        ann.await_contact("102", "Online")?;
        call(&mut cid, &mut bea, "101")?;
        ann.await_contact("101", "Busy")?;
        ann.await_contact("102", "Busy")?;
        bea.hang_up()?;
        cid.expect("CALL_CLOSED")?;
        ann.await_contact("101", "Online")?;
        ann.await_contact("102", "Online")?;
        cid.publish(false)?;
        ann.await_contact("102", "Offline")?;
        cid.publish(true)?;
        ann.await_contact("102", "Online")?;
        server.carillon(&["unregister", "acme", "101"])?;
        ann.await_contact("101", "Offline")?;
        Ok(
            "offline, online, busy, online by registration and calls, offline and online by PUBLISH"
                .to_owned(),
        )
    })
}
