//! Hold between a page and a phone, either way: who is held hears the music of the house.

use super::{DOMAIN, HIGH, company_with, page, phone};
use crate::baresip::PEOPLE;
use anyhow::Result;
use interop::Stage;

#[test]
fn a_page_and_a_phone_hold_each_other_and_who_is_held_hears_music() -> Result<()> {
    Stage::run("web-held", |stage| {
        let server = company_with(stage, &["srtp=optional", "hold_music=default"])?;
        let (user, hz) = PEOPLE[1];
        let voices = [HIGH, hz];
        let mut bea = phone(stage, &server, 1)?;
        let mut ann = page(stage, &server, "100", HIGH)?;
        ann.run(&format!("phone.call('sip:{user}@{DOMAIN}')"))?;
        ann.expect("confirmed", 1)?;
        bea.expect("CALL_ESTABLISHED")?;
        ann.hears(hz)?;
        bea.hear_now(HIGH)?;
        let mark = bea.mark();
        ann.run("phone.hold()")?;
        ann.expect("held", 1)?;
        let music = bea.hear_music(&mark, &voices)?;
        ann.hears(0)?;
        ann.run("phone.resume()")?;
        ann.expect("resumed", 1)?;
        ann.hears(hz)?;
        bea.hear_now(HIGH)?;
        bea.hold_only()?;
        ann.hears_music(&voices)?;
        bea.resume()?;
        ann.hears(hz)?;
        bea.hear_now(HIGH)?;
        ann.run("phone.session.terminate()")?;
        bea.expect("CALL_CLOSED")?;
        server.await_cdrs("acme", 1)?;
        println!("COUNT interop/webrtc 2");
        Ok(format!(
            "{:.0} Hz of music at the phone, and music in the page",
            music.hz
        ))
    })
}
