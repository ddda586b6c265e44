//! A page that only listens (`recvonly`): it is sent to as long as it likes, though no packet of audio comes from it.

use super::{DOMAIN, HIGH, company_with, page, phone};
use crate::baresip::PEOPLE;
use anyhow::{Result, ensure};
use interop::Stage;

/// Ten seconds of audio.
const LONG: u32 = 500;

#[test]
fn a_page_only_listens_to_music_and_to_a_phone() -> Result<()> {
    Stage::run("web-listens", |stage| {
        let server = company_with(stage, &["srtp=optional", "hold_music=default"])?;
        let (user, hz) = PEOPLE[1];
        let mut bea = phone(stage, &server, 1)?;
        let mut ann = page(stage, &server, "100", HIGH)?;
        ann.run(&format!("phone.listen('sip:*9664@{DOMAIN}')"))?;
        ann.expect("confirmed", 1)?;
        ann.run(&format!("phone.receive({LONG})"))?;
        ann.hears_music(&[hz])?;
        ann.expect(&format!("received {LONG}"), 1)?;
        let calls = server.list(&["calls"])?;
        ensure!(
            calls[0]["audio"].as_array().is_some_and(Vec::is_empty),
            "{calls:?}"
        );
        ann.run("phone.session.terminate()")?;
        server.await_cdrs("acme", 1)?;
        let mark = bea.mark();
        ann.run(&format!("phone.listen('sip:{user}@{DOMAIN}')"))?;
        ann.expect("confirmed", 2)?;
        bea.expect("CALL_ESTABLISHED")?;
        ann.hears(hz)?;
        // Who is asked for sound and gets none is not the one who holds; when he does, there is music.
        bea.hold_only()?;
        ann.hears_music(&[hz])?;
        bea.resume()?;
        ann.hears(hz)?;
        bea.heard_nothing_since(&mark)?;
        bea.hang_up()?;
        ann.expect("ended by remote", 1)?;
        for record in server.await_cdrs("acme", 2)? {
            ensure!(record["caller_media"]["packets"] == 0, "{record}");
            ensure!(record["audio"].as_array().is_some_and(Vec::is_empty), "{record}");
        }
        println!("COUNT interop/webrtc 2");
        Ok(format!("{LONG} packets of music, and {hz} Hz"))
    })
}
