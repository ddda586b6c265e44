//! A conference of browsers and phones: an FFT at each says that it hears all others, and not itself.

use super::{DOMAIN, HIGH, LOW, company_with, page};
use crate::baresip::PEOPLE;
use crate::example;
use anyhow::{Result, ensure};
use interop::baresip::Account;
use interop::{Phone, Stage};

#[test]
fn two_pages_and_two_phones_hear_each_other_and_not_themselves() -> Result<()> {
    Stage::run("web-conference", |stage| {
        let server = company_with(stage, &["srtp=optional"])?;
        example(&server, "200", "conference")?;
        let [_, plain, keys] = PEOPLE;
        let with_keys = Account::new(keys.0, DOMAIN, keys.1);
        let mut phones = [
            Phone::start(stage, &server, Account::new(plain.0, DOMAIN, plain.1))?,
            Phone::start(stage, &server, with_keys.over("tls").protecting("srtp-mand"))?,
        ];
        let mut pages = [
            page(stage, &server, "103", HIGH)?,
            page(stage, &server, "104", LOW)?,
        ];
        let room = format!("sip:200@{DOMAIN}");
        for page in &mut pages {
            page.run(&format!("phone.call('{room}')"))?;
            page.expect("confirmed", 1)?;
        }
        for phone in &mut phones {
            phone.dial(&room)?;
            phone.expect("CALL_ESTABLISHED")?;
        }
        let all = [HIGH, LOW, plain.1, keys.1];
        let but = |own: u32| -> Vec<u32> { all.iter().copied().filter(|hz| *hz != own).collect() };
        for (page, own) in pages.iter_mut().zip([HIGH, LOW]) {
            page.hears_all(&but(own))?;
        }
        for (phone, own) in phones.iter_mut().zip([plain.1, keys.1]) {
            phone.hear_all(&but(own))?;
        }
        // One leaves, and those who stay go on without him.
        pages[1].run("phone.session.terminate()")?;
        pages[0].hears_all(&[plain.1, keys.1])?;
        phones[0].hear_all(&[HIGH, keys.1])?;
        pages[0].run("phone.session.terminate()")?;
        for phone in &mut phones {
            phone.hang_up()?;
        }
        let records = server.await_cdrs("acme", 4)?;
        for record in &records {
            let path = record["path"].to_string();
            ensure!(
                record["sip"] == 200 && path.contains("conference 200"),
                "{record}"
            );
            let protected = record["caller"]["number"] != plain.0;
            ensure!(record["caller_srtp"].is_string() == protected, "{record}");
        }
        println!("COUNT interop/webrtc 4");
        Ok("each of four heard the other three".to_owned())
    })
}
