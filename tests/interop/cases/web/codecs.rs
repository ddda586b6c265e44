//! A page that knows Opus alone, and phones that know one codec each: tones are measured both ways.
//!
//! Chromium 156 that is called by a phone with another codec answers with Opus alone and sends the phone's codec all the same:
//! what it was offered is heard.

use super::{DOMAIN, HIGH, company, page_over};
use crate::baresip::{PEOPLE, packets};
use anyhow::{Result, ensure};
use interop::baresip::Account;
use interop::{Phone, Stage};
use serde_json::json;

/// Who has which codec, and what the page says when that phone calls it.
const PHONES: [(&str, (&str, u32), &str); 4] = [
    ("PCMU/8000/1", PEOPLE[0], "pcmu"),
    ("PCMA/8000/1", PEOPLE[1], "pcma"),
    ("G722/16000/1", PEOPLE[2], "g722"),
    ("opus/48000/1", ("104", 880), "opus"),
];

#[test]
fn opus_and_whatever_a_phone_speaks() -> Result<()> {
    Stage::run("web-codecs", |stage| {
        let server = company(stage, "srtp=optional")?;
        let known = json!(["audio/opus", "audio/telephone-event"]);
        let mut ann = page_over(stage, &server, server.wss, ("103", HIGH), &[("codecs", known)])?;
        let mut heard = Vec::new();
        let (mut calls, mut by_opus) = (0, 0);
        for (codec, (user, hz), answer) in PHONES {
            let mut phone = Phone::start(stage, &server, Account::new(user, DOMAIN, hz).speaking(codec))?;
            for says in ["opus", answer] {
                calls += 1;
                if calls % 2 == 0 {
                    phone.dial(&format!("sip:103@{DOMAIN}"))?;
                    ann.expect("session", calls)?;
                    ann.run("phone.answer()")?;
                } else {
                    ann.run(&format!("phone.call('sip:{user}@{DOMAIN}')"))?;
                    ann.expect("confirmed", calls)?;
                }
                phone.expect("CALL_ESTABLISHED")?;
                ann.hears(hz)?;
                heard.push(format!("{codec}: {}", phone.hear_now(HIGH)?));
                ann.run("phone.speech()")?;
                by_opus += usize::from(says == "opus");
                let times = if says == "opus" { by_opus } else { 1 };
                ann.expect(&format!("speaks audio/{says}, hears audio/opus"), times)?;
                phone.hang_up()?;
                ann.expect("ended by remote", calls)?;
            }
        }
        for record in server.await_cdrs("acme", calls)? {
            packets(&record)?;
            ensure!(record["audio"].as_array().is_some_and(Vec::is_empty), "{record}");
        }
        println!("COUNT interop/webrtc 8");
        Ok(heard.join("; "))
    })
}
