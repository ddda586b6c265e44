//! baresip calls baresip: tones are sent and measured in both directions.

use anyhow::{Context, Result, ensure};
use interop::baresip::{Account, talk};
use interop::script::Words;
use interop::server::{extensions, password};
use interop::{Phone, Script, Server, Stage, Tenant};
use serde_json::Value;

/// Extensions and their tones: far enough apart, and none a harmonic of another.
pub(crate) const PEOPLE: [(&str, u32); 3] = [("100", 1_000), ("101", 440), ("102", 620)];

/// A company of three, and a phone for each of the first `N`.
pub(crate) fn company<const N: usize>(stage: &Stage, transport: &str) -> Result<(Server, [Phone; N])> {
    company_with(stage, transport, "media=relay")
}

/// The same with another policy.
pub(crate) fn company_with<const N: usize>(
    stage: &Stage,
    transport: &str,
    policy: &str,
) -> Result<(Server, [Phone; N])> {
    let tenant = Tenant::new("acme", extensions(100, 3)).policy(policy);
    let server = Server::start(stage, &[tenant])?;
    let phones = people(stage, &server, transport)?;
    Ok((server, phones))
}

/// A phone for each of the first `N`.
pub(crate) fn people<const N: usize>(stage: &Stage, server: &Server, transport: &str) -> Result<[Phone; N]> {
    let phones = PEOPLE.iter().take(N).map(|(user, hz)| {
        let account = Account::new(user, "acme.test", *hz).over(transport);
        Phone::start(stage, server, account)
    });
    let phones = phones.collect::<Result<Vec<Phone>>>()?;
    phones.try_into().ok().context("not so many people")
}

/// A company with these policies, and two phones that know one codec each.
pub(crate) fn company_speaking(
    stage: &Stage,
    codecs: [&str; 2],
    policies: &[&str],
) -> Result<(Server, [Phone; 2])> {
    let tenant = Tenant::new("acme", extensions(100, 3)).policies(policies);
    let server = Server::start(stage, &[tenant])?;
    let start = |(user, hz): (&str, u32), codec: &str| {
        Phone::start(
            stage,
            &server,
            Account::new(user, "acme.test", hz).speaking(codec),
        )
    };
    let phones = [start(PEOPLE[0], codecs[0])?, start(PEOPLE[1], codecs[1])?];
    Ok((server, phones))
}

/// One phone calls the other.
pub(crate) fn call(caller: &mut Phone, callee: &mut Phone, extension: &str) -> Result<()> {
    caller.dial(&format!("sip:{extension}@acme.test"))?;
    caller.expect("CALL_ESTABLISHED")?;
    callee.expect("CALL_ESTABLISHED")?;
    Ok(())
}

#[test]
fn two_phones_hear_each_other_over_udp() -> Result<()> {
    hear_each_other("udp")
}

#[test]
fn two_phones_hear_each_other_over_tcp() -> Result<()> {
    hear_each_other("tcp")
}

#[test]
fn two_phones_hear_each_other_over_tls() -> Result<()> {
    hear_each_other("tls")
}

fn hear_each_other(transport: &str) -> Result<()> {
    Stage::run(&format!("baresip-{transport}"), |stage| {
        let (server, [mut ann, mut bea]) = company(stage, transport)?;
        call(&mut ann, &mut bea, "101")?;
        let [low, high] = talk(&mut ann, &mut bea)?;
        ann.hang_up()?;
        bea.expect("CALL_CLOSED")?;
        let records = server.await_cdrs("acme", 1)?;
        let (there, back) = packets(records.first().context("no record")?)?;
        println!("COUNT interop/{transport} 2");
        Ok(format!("heard {high} and {low}; {there} and {back} packets"))
    })
}

#[test]
fn a_phone_holds_a_call_and_resumes_it() -> Result<()> {
    Stage::run("baresip-hold", |stage| {
        let (server, [mut ann, mut bea]) = company(stage, "udp")?;
        call(&mut ann, &mut bea, "101")?;
        talk(&mut ann, &mut bea)?;
        ann.hold(&mut bea)?;
        ann.resume()?;
        let [low, high] = talk(&mut ann, &mut bea)?;
        bea.hold(&mut ann)?;
        bea.resume()?;
        talk(&mut ann, &mut bea)?;
        bea.hang_up()?;
        ann.expect("CALL_CLOSED")?;
        let records = server.await_cdrs("acme", 1)?;
        let (there, back) = packets(records.first().context("no record")?)?;
        println!("COUNT interop/udp 2");
        Ok(format!(
            "either side held, heard nothing, and resumed: {high} and {low}; {there} and {back} packets"
        ))
    })
}

#[test]
fn both_phones_hold_at_once_and_resume_one_by_one() -> Result<()> {
    Stage::run("baresip-hold-both", |stage| {
        let (server, [mut ann, mut bea]) = company(stage, "tls")?;
        call(&mut ann, &mut bea, "101")?;
        ann.hold_both(&mut bea)?;
        let marks = [ann.mark(), bea.mark()];
        ann.resume_alone(&mut bea)?;
        let [first, second] = &marks;
        ann.heard_nothing_since(first)?;
        bea.heard_nothing_since(second)?;
        bea.resume()?;
        let [low, high] = talk(&mut ann, &mut bea)?;
        bea.hang_up()?;
        ann.expect("CALL_CLOSED")?;
        server.await_cdrs("acme", 1)?;
        println!("COUNT interop/tls 2");
        Ok(format!("{high} and {low} when both have resumed"))
    })
}

#[test]
fn a_phone_takes_turns_between_two_calls() -> Result<()> {
    Stage::run("baresip-second-call", |stage| {
        let (server, [mut ann, mut bea, mut cid]) = company(stage, "tcp")?;
        call(&mut ann, &mut bea, "101")?;
        talk(&mut ann, &mut bea)?;
        ann.hold(&mut bea)?;
        let waiting = bea.mark();
        call(&mut ann, &mut cid, "102")?;
        let [third, _] = talk(&mut ann, &mut cid)?;
        bea.heard_nothing_since(&waiting)?;
        ann.hold(&mut cid)?;
        let waiting = cid.mark();
        ann.choose(1)?;
        ann.resume()?;
        let [second, _] = talk(&mut ann, &mut bea)?;
        cid.heard_nothing_since(&waiting)?;
        ensure!(ann.calls()? == 2, "the second call is gone");
        // baresip goes on by itself with the call that it holds when the other one is over.
        ann.hang_up()?;
        bea.expect("CALL_CLOSED")?;
        let [again, _] = talk(&mut ann, &mut cid)?;
        ann.hang_up()?;
        cid.expect("CALL_CLOSED")?;
        for record in server.await_cdrs("acme", 2)? {
            ensure!(record["sip"] == 200 && record["ended_by"] == "caller", "{record}");
            packets(&record)?;
        }
        println!("COUNT interop/tcp 3");
        Ok(format!("heard {third}, back to {second}, and {again} in the end"))
    })
}

/// An INVITE that no datagram should carry (RFC 3261 §18.1.1): baresip, registered over UDP, takes it over TCP.
#[test]
fn a_phone_on_udp_takes_a_large_call_over_tcp() -> Result<()> {
    Stage::run("baresip-large", |stage| {
        let tenant = Tenant::new("acme", ["100", "101"].map(str::to_owned));
        let server = Server::start(stage, &[tenant])?;
        let account = Account::new("101", "acme.test", 440);
        let mut callee = Phone::start(stage, &server, account)?;
        let types: Vec<String> = (102..127).map(|pt| pt.to_string()).collect();
        let offer =
            interop::script::sdp("sendrecv", 1).replace(" 8 0 101", &format!(" 8 0 101 {}", types.join(" ")));
        let more = |pt: &String| {
            format!("a=rtpmap:{pt} codec{pt}/8000\na=fmtp:{pt} profile=main;level=1;stereo=0\n")
        };
        let offer = offer + &types.iter().map(more).collect::<String>();
        ensure!(offer.len() > 1_300, "an offer of {} octets is small", offer.len());
        let calling = Script::asking()
            .ask("INVITE", &Words::none().body("application/sdp", &offer))
            .hears(200, &["CSeq: 2 INVITE"])
            .acknowledge(2, &Words::none())
            .request("BYE", &Words::none())
            .hears(200, &["CSeq: [0-9]+ BYE"]);
        let row = crate::caller("acme.test", "100", &password("acme.test", "100"));
        crate::calling_by(stage, &server, ("large", &calling), "101", "acme.test")?
            .row(&row)
            .run()?;
        callee.expect("CALL_ESTABLISHED")?;
        callee.expect("CALL_CLOSED")?;
        server.await_cdrs("acme", 1)?;
        let counts = &server.status()?["counts"];
        ensure!(
            counts["connected"] == 1 && counts["connects_failed"] == 0,
            "{counts}"
        );
        println!("COUNT interop/udp 1");
        Ok("INVITE over a connection that the server opened".to_owned())
    })
}

/// Packets of a record, there and back, of two seconds at least.
pub(crate) fn packets(record: &Value) -> Result<(u64, u64)> {
    let of = |leg: &str| {
        record[leg]["packets"]
            .as_u64()
            .with_context(|| format!("no {leg} packets in {record}"))
    };
    let (there, back) = (of("caller_media")?, of("callee_media")?);
    ensure!(
        there > 100 && back > 100,
        "two seconds of talk, but {there} and {back} packets in {record}"
    );
    Ok((there, back))
}
