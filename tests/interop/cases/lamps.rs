//! What phones show of mailboxes and colleagues, told by the phones themselves.

use crate::baresip::{PEOPLE, call};
use anyhow::{Context, Result, ensure};
use interop::baresip::Account;
use interop::server::extensions;
use interop::{Phone, Server, Stage, Tenant};

const DOMAIN: &str = "acme.test";

/// Waits until a phone says that its mailbox holds this.
fn shows(phone: &mut Phone, (new, old, waiting): (&str, &str, &str)) -> Result<()> {
    let summary = format!("Voice-Message: {new}/{old} (0/0)");
    loop {
        let event = phone.expect("MWI_NOTIFY").context(summary.clone())?;
        let told = event["param"].as_str().unwrap_or_default();
        if told.contains(&summary) {
            ensure!(
                told.contains(&format!("Messages-Waiting: {waiting}\r\n")),
                "{told}"
            );
            return phone.await_printed(&summary);
        }
    }
}

#[test]
fn a_phone_shows_its_mailbox() -> Result<()> {
    Stage::run("baresip-mailbox", |stage| {
        let mut server = Server::start(stage, &[Tenant::new("acme", extensions(100, 1))])?;
        let account = Account::new("100", DOMAIN, 1_000).with(&["mwi"]);
        let mut phone = Phone::start(stage, &server, account)?;
        shows(&mut phone, ("0", "0", "no"))?;
        server.carillon(&["mwi", "acme", "100", "--new", "3", "--old", "1"])?;
        shows(&mut phone, ("3", "1", "yes"))?;
        // The phone knows nothing of it, and its subscription goes on.
        server.restart()?;
        server.carillon(&["mwi", "acme", "100", "--new", "0", "--old", "4"])?;
        shows(&mut phone, ("0", "4", "no"))?;
        println!("COUNT interop/udp 1");
        Ok("0/0 with the subscription, 3/1, and 0/4 after a kill".to_owned())
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
