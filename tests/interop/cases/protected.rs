//! Phones that protect their audio by SRTP, with keys in their descriptions: tones are measured both ways.

use super::baresip::{PEOPLE, call, packets};
use anyhow::{Context, Result, ensure};
use interop::baresip::{Account, G711, talk};
use interop::{Phone, Server, Stage, Tenant};
use serde_json::Value;

/// Transport and kind of protection of a phone.
type Kind = (&'static str, Option<&'static str>);

/// A company with this policy, and two phones.
fn pair(stage: &Stage, policy: &str, phones: [Kind; 2]) -> Result<(Server, [Phone; 2])> {
    pair_speaking(stage, policy, phones, [G711; 2])
}

/// The same with the codecs that each knows.
fn pair_speaking(
    stage: &Stage,
    policy: &str,
    phones: [Kind; 2],
    codecs: [&str; 2],
) -> Result<(Server, [Phone; 2])> {
    let tenant = Tenant::new("acme", ["100", "101"].map(str::to_owned)).policy(policy);
    let server = Server::start(stage, &[tenant])?;
    let start = |(user, hz): (&str, u32), (transport, protection): Kind, codecs: &str| {
        let mut account = Account::new(user, "acme.test", hz)
            .over(transport)
            .speaking(codecs);
        if let Some(kind) = protection {
            account = account.protecting(kind);
        }
        Phone::start(stage, &server, account)
    };
    let [first, second] = phones;
    let phones = [
        start(PEOPLE[0], first, codecs[0])?,
        start(PEOPLE[1], second, codecs[1])?,
    ];
    Ok((server, phones))
}

fn suites(record: &Value) -> (&str, &str) {
    let of = |leg: &str| record[leg].as_str().unwrap_or("none");
    (of("caller_srtp"), of("callee_srtp"))
}

/// They talk, one holds and resumes, they talk again; gives the record.
fn talk_and_hold(server: &Server, ann: &mut Phone, bea: &mut Phone) -> Result<(Value, String)> {
    call(ann, bea, "101")?;
    talk(ann, bea)?;
    ann.hold(bea)?;
    ann.resume()?;
    let [low, high] = talk(ann, bea)?;
    ann.hang_up()?;
    bea.expect("CALL_CLOSED")?;
    let records = server.await_cdrs("acme", 1)?;
    let record = records.into_iter().next().context("no record")?;
    let (there, back) = packets(&record)?;
    // baresip makes its SRTP contexts anew at each re-INVITE, under the same key ("starting mediaenc" in its log): its SRTCP
    // index begins again, and what repeats one is refused.
    let refused = |leg: &str| record[leg]["refused"].as_u64().is_some_and(|count| count <= 2);
    ensure!(
        refused("caller_media") && refused("callee_media"),
        "packets did not authenticate: {record}"
    );
    Ok((record, format!("{high} and {low}, {there} and {back} packets")))
}

const CM: &str = "AES_CM_128_HMAC_SHA1_80";

#[test]
fn two_phones_protect_their_audio() -> Result<()> {
    Stage::run("baresip-srtp", |stage| {
        let kinds = [("tls", Some("srtp")), ("tls", Some("srtp-mand"))];
        let (server, [mut ann, mut bea]) = pair(stage, "srtp=required", kinds)?;
        let (record, heard) = talk_and_hold(&server, &mut ann, &mut bea)?;
        let suites = suites(&record);
        ensure!(suites.0 != "none" && suites.1 != "none", "{record}");
        println!("COUNT interop/srtp 2");
        Ok(format!("{heard}; {suites:?}"))
    })
}

#[test]
fn a_protected_phone_and_a_plain_one_hear_each_other() -> Result<()> {
    Stage::run("baresip-srtp-plain", |stage| {
        let kinds = [("tls", Some("srtp-mand")), ("udp", None)];
        let (server, [mut ann, mut bea]) = pair(stage, "srtp=optional", kinds)?;
        let (record, heard) = talk_and_hold(&server, &mut ann, &mut bea)?;
        ensure!(suites(&record) == (CM, "none"), "{record}");
        println!("COUNT interop/srtp 2");
        Ok(heard)
    })
}

#[test]
fn a_plain_phone_calls_a_protected_one() -> Result<()> {
    Stage::run("baresip-plain-srtp", |stage| {
        let kinds = [("udp", None), ("tls", Some("srtp"))];
        let (server, [mut ann, mut bea]) = pair(stage, "srtp=optional", kinds)?;
        let (record, heard) = talk_and_hold(&server, &mut ann, &mut bea)?;
        let suites = suites(&record);
        ensure!(suites.0 == "none" && suites.1 != "none", "{record}");
        println!("COUNT interop/srtp 2");
        Ok(format!("{heard}; {suites:?}"))
    })
}

/// Keys of ours on one side, none on the other, and another codec.
#[test]
fn a_protected_phone_and_a_plain_one_without_a_codec_in_common() -> Result<()> {
    Stage::run("baresip-srtp-transcoded", |stage| {
        let kinds = [("tls", Some("srtp-mand")), ("udp", None)];
        let codecs = ["opus/48000/1", "PCMA/8000/1"];
        let (server, [mut ann, mut bea]) = pair_speaking(stage, "srtp=optional", kinds, codecs)?;
        let (record, heard) = talk_and_hold(&server, &mut ann, &mut bea)?;
        ensure!(suites(&record) == (CM, "none"), "{record}");
        println!("COUNT interop/srtp 2");
        Ok(heard)
    })
}

/// Where audio has to be protected, a phone that can't is refused, and hears so.
#[test]
fn a_plain_phone_is_refused_where_srtp_is_required() -> Result<()> {
    Stage::run("baresip-srtp-required", |stage| {
        let kinds = [("tls", None), ("tls", Some("srtp-mand"))];
        let (server, [mut ann, _bea]) = pair(stage, "srtp=required", kinds)?;
        ann.dial("sip:101@acme.test")?;
        let closed = ann.expect("CALL_CLOSED")?;
        ensure!(
            closed["param"].as_str().is_some_and(|why| why.starts_with("488")),
            "{closed}"
        );
        ensure!(server.cdrs("acme")?.is_empty(), "a refused offer is no call");
        println!("COUNT interop/srtp 1");
        Ok("488".to_owned())
    })
}
