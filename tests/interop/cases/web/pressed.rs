//! Keys that are pressed in a page, as telephone events and by INFO: what then happens says that they were understood.

use super::{DOMAIN, HIGH, company, page, phone};
use crate::baresip::PEOPLE;
use crate::example;
use anyhow::{Result, ensure};
use interop::Stage;

#[test]
fn a_page_goes_through_a_menu_by_events() -> Result<()> {
    goes_through_a_menu("web-events", "RFC2833")
}

#[test]
fn a_page_goes_through_a_menu_by_info() -> Result<()> {
    goes_through_a_menu("web-info", "INFO")
}

/// It hears itself by one key, and reaches an extension by five.
fn goes_through_a_menu(name: &str, transport: &str) -> Result<()> {
    Stage::run(name, |stage| {
        let server = company(stage, "srtp=optional")?;
        example(&server, "202", "menu")?;
        let (user, hz) = PEOPLE[1];
        let mut bea = phone(stage, &server, 1)?;
        let mut ann = page(stage, &server, "100", HIGH)?;
        let press = |ann: &mut interop::browser::Browser, keys: &str, time: usize| -> Result<()> {
            ann.run(&format!("phone.call('sip:202@{DOMAIN}')"))?;
            ann.expect("confirmed", time)?;
            ann.run("phone.connect()")?;
            ann.expect("connected to audio", time)?;
            ann.run(&format!("phone.press('{keys}', '{transport}')"))
        };
        press(&mut ann, "2", 1)?;
        ann.hears(HIGH)?;
        ann.run("phone.session.terminate()")?;
        server.await_cdrs("acme", 1)?;
        press(&mut ann, &format!("9{user}#"), 2)?;
        bea.expect("CALL_ESTABLISHED")?;
        ann.hears(hz)?;
        bea.hear_now(HIGH)?;
        bea.hang_up()?;
        ann.expect("ended by remote", 1)?;
        let paths: Vec<String> = server
            .await_cdrs("acme", 3)?
            .iter()
            .map(|record| record["path"].to_string())
            .collect();
        ensure!(
            paths.iter().any(|path| path.contains(&format!("dial {user}"))),
            "{paths:?}"
        );
        println!("COUNT interop/webrtc 2");
        Ok(format!("by {transport} to an echo, and to {user}"))
    })
}
