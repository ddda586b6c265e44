//! A page that knows Opus alone, and phones that know one codec each: tones are measured both ways.
//!
//! Chromium 156 that is called by a phone with another codec answers with Opus alone and sends the phone's codec all the same, so
//! there the page calls.

use super::{DOMAIN, HIGH, company, page_over};
use crate::baresip::{PEOPLE, packets};
use anyhow::{Result, ensure};
use interop::baresip::Account;
use interop::{Phone, Stage};
use serde_json::json;

/// Who has which codec, and whether that phone calls the page.
const PHONES: [(&str, (&str, u32), bool); 4] = [
    ("PCMU/8000/1", PEOPLE[0], false),
    ("PCMA/8000/1", PEOPLE[1], false),
    ("G722/16000/1", PEOPLE[2], false),
    ("opus/48000/1", ("104", 880), true),
];

#[test]
fn opus_and_whatever_a_phone_speaks() -> Result<()> {
    Stage::run("web-codecs", |stage| {
        let server = company(stage, "srtp=optional")?;
        let known = json!(["audio/opus", "audio/telephone-event"]);
        let mut ann = page_over(stage, &server, server.wss, ("103", HIGH), &[("codecs", known)])?;
        let mut heard = Vec::new();
        for (time, (codec, (user, hz), calls)) in (1..).zip(PHONES) {
            let mut phone = Phone::start(stage, &server, Account::new(user, DOMAIN, hz).speaking(codec))?;
            if calls {
                phone.dial(&format!("sip:103@{DOMAIN}"))?;
                ann.expect("session", time)?;
                ann.run("phone.answer()")?;
            } else {
                ann.run(&format!("phone.call('sip:{user}@{DOMAIN}')"))?;
                ann.expect("confirmed", time)?;
            }
            phone.expect("CALL_ESTABLISHED")?;
            ann.hears(hz)?;
            heard.push(format!("{codec}: {}", phone.hear_now(HIGH)?));
            ann.run("phone.speech()")?;
            ann.expect("speaks audio/opus, hears audio/opus", time)?;
            if calls {
                ann.run("phone.session.terminate()")?;
                phone.expect("CALL_CLOSED")?;
            } else {
                phone.hang_up()?;
                ann.expect("ended by remote", time)?;
            }
        }
        for record in server.await_cdrs("acme", PHONES.len())? {
            packets(&record)?;
            ensure!(record["audio"].as_array().is_some_and(Vec::is_empty), "{record}");
        }
        println!("COUNT interop/webrtc 4");
        Ok(heard.join("; "))
    })
}
