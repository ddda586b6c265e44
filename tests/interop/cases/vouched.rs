//! Calls that one server of ours signs and another verifies (RFC 8224, RFC 8588): the certificate made here, served over HTTPS from here.

use crate::{caller, calling};
use anyhow::{Context, Result, ensure};
use interop::server::password;
use interop::shop::{Shop, Ware};
use interop::{Authority, Server, Setting, Sipp, Stage, Tenant, until};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair};
use serde_json::Value;
use std::time::{Duration, Instant};

const DOMAIN: &str = "acme.test";
const OUTSIDE: &str = "03020001000";

/// Those who certify providers: a root that people trust, and who signs in its name.
struct Chain {
    root: CertifiedIssuer<'static, KeyPair>,
    middle: CertifiedIssuer<'static, KeyPair>,
}

fn authority(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}

impl Chain {
    fn new(name: &str) -> Result<Chain> {
        let root = CertifiedIssuer::self_signed(authority(&format!("{name} root"))?, KeyPair::generate()?)?;
        let middle = authority(&format!("{name} authority"))?;
        let middle = CertifiedIssuer::signed_by(middle, KeyPair::generate()?, &root)?;
        Ok(Chain { root, middle })
    }

    /// A provider's certificate that ends with this year, and the one above it.
    fn certificate(&self, key: &KeyPair, last_year: i32) -> Result<Ware> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, "SHAKEN 709J");
        params.not_after = rcgen::date_time_ymd(last_year, 12, 31);
        // TNAuthList: the provider 709J (RFC 8226 §9).
        let list = b"\x30\x08\xA0\x06\x16\x04709J".to_vec();
        let list = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 26], list);
        params.custom_extensions = vec![list];
        let own = params.signed_by(key, &self.middle)?;
        Ok(Ware::Pem(own.pem() + &self.middle.pem()))
    }
}

/// Who signs, who verifies, and what lies at the URL between them.
struct Pair<'a> {
    signs: Server,
    verifies: Server,
    shop: Shop,
    near: &'a Stage,
    far: &'a Stage,
    records: usize,
}

/// What was seen of one call.
struct Seen {
    /// What the phone was told of the caller.
    shown: String,
    record: Value,
    took: Duration,
}

fn acme() -> Tenant {
    Tenant::new("acme", ["101".to_owned()]).policies(&["region=de", "media_silence_s=0"])
}

impl<'a> Pair<'a> {
    /// `lab`: certificates may lie in an inner network.
    fn start(near: &'a Stage, far: &'a Stage, chain: &Chain, key: &KeyPair, lab: bool) -> Result<Pair<'a>> {
        let web = Authority::new(near, "web")?;
        let shop = Shop::open(&web, Ware::Nothing)?;
        let key = near.write("stir-key.pem", &key.serialize_pem())?;
        let signs = Setting::default().section(&format!(
            "\n[stir]\nkey = {key:?}\ncertificate_url = {:?}\nfetch_private = true\n",
            shop.url
        ));
        let signs = Server::start_as(near, &[acme()], signs)?;
        let roots = far.write("roots.pem", &chain.root.pem())?;
        let verifies = Setting::default().section(&format!(
            "\n[stir]\nauthorities = [{roots:?}]\nfetch_private = {lab}\nfetch_ca = {:?}\n",
            web.file
        ));
        let verifies = Server::start_as(far, &[acme()], verifies)?;
        signs.carillon(&["number", "set", "acme", "+49305550001", "--to", "101"])?;
        between(&signs, &verifies, &["sign=true"])?;
        between(&verifies, &signs, &["inbound=101"])?;
        await_trunk(&signs, "up")?;
        Ok(Pair {
            signs,
            verifies,
            shop,
            near,
            far,
            records: 0,
        })
    }

    /// Something else lies at the URL, and nothing is known from before.
    fn anew(&mut self, ware: Ware) -> Result<()> {
        self.shop.put(ware);
        // The connection between them breaks: the trunk is not to be thought of as up before there is another.
        self.signs
            .carillon(&["trunk", "set", "acme", "other", "enabled=false"])?;
        await_trunk(&self.signs, "")?;
        self.verifies.restart()?;
        self.signs
            .carillon(&["trunk", "set", "acme", "other", "enabled=true"])?;
        await_trunk(&self.signs, "up")
    }

    /// 101 of the one calls 101 of the other.
    fn call(&mut self) -> Result<Seen> {
        let phone = Sipp::new(self.far, "uas-shown", self.verifies.sip)?;
        crate::register(self.far, &self.verifies, DOMAIN, "101", phone.port())?;
        let mut phone = phone.start()?;
        phone.await_bound()?;
        let begun = Instant::now();
        let sipp = calling(self.near, &self.signs, "uac", OUTSIDE, DOMAIN)?.with("talk_ms", "1200");
        sipp.row(&caller(DOMAIN, "101", &password(DOMAIN, "101"))).run()?;
        let took = begun.elapsed();
        phone.finish(1)?;
        Ok(Seen {
            shown: phone.told("shown").context("the phone has seen nobody")?,
            record: self.record()?,
            took,
        })
    }

    /// The other refuses the call.
    fn refused(&mut self) -> Result<Value> {
        let phone = self.near.ports.one()?;
        crate::register(self.far, &self.verifies, DOMAIN, "101", phone)?;
        let sipp = calling(self.near, &self.signs, "uac-refused", OUTSIDE, DOMAIN)?.with("final", "480");
        sipp.row(&caller(DOMAIN, "101", &password(DOMAIN, "101"))).run()?;
        self.record()
    }

    /// The latest record of who verifies.
    fn record(&mut self) -> Result<Value> {
        self.records += 1;
        let mut records = self.verifies.await_cdrs("acme", self.records)?;
        Ok(records.remove(0))
    }

    /// A call comes in marked so, and for this reason.
    fn expect(&mut self, verstat: &str, reason: &str) -> Result<Seen> {
        let seen = self.call()?;
        let (record, shown) = (&seen.record, &seen.shown);
        println!(
            "vouched: phone saw {shown}; record {} attestation {} origid {} reason {}",
            record["verstat"], record["attestation"], record["origid"], record["stir"]["reason"]
        );
        let mark = format!("<sip:+49305550001@acme.test;verstat={verstat}>");
        ensure!(shown.contains(&mark), "{shown} instead of {mark}");
        ensure!(record["verstat"] == verstat, "{record}");
        ensure!(record["sip"] == 200, "{record}");
        let known = record["stir"]["reason"].as_str().unwrap_or_default();
        ensure!(known == reason, "{record}");
        Ok(seen)
    }
}

/// A trunk between servers of ours.
fn between(server: &Server, other: &Server, more: &[&str]) -> Result<()> {
    let port = format!("port={}", other.sip.port());
    let set = ["trunk", "set", "acme", "other", "host=127.0.0.1", &port];
    let how = ["transport=tcp", "options_s=5"];
    server.carillon(&[&set[..], &how, more].concat()).map(drop)
}

/// Waits until the trunk is so; empty = until there is none.
fn await_trunk(server: &Server, health: &str) -> Result<()> {
    until(
        &format!("the trunk to be {health:?}"),
        Duration::from_secs(60),
        || {
            let views = server.list(&["trunk", "status"])?;
            let is_so = match health {
                "" => views.is_empty(),
                health => views.iter().any(|view| view["health"] == health),
            };
            Ok(is_so.then_some(()))
        },
    )
}

/// Plays with a pair.
fn with_pair(
    name: &str,
    lab: bool,
    play: impl FnOnce(&mut Pair<'_>, &Chain, &KeyPair) -> Result<String>,
) -> Result<()> {
    Stage::run(name, |near| {
        Stage::run(&format!("{name}-other"), |far| {
            let (chain, key) = (Chain::new("SHAKEN")?, KeyPair::generate()?);
            let mut pair = Pair::start(near, far, &chain, &key, lab)?;
            play(&mut pair, &chain, &key)
        })?;
        Ok("both ends have said the same".to_owned())
    })
}

#[test]
fn a_signed_call_is_verified_by_another_server() -> Result<()> {
    with_pair("vouched", true, |pair, chain, key| {
        pair.shop.put(chain.certificate(key, 2099)?);
        let seen = pair.expect("TN-Validation-Passed-A", "")?;
        let record = &seen.record;
        ensure!(
            record["attestation"] == "A" && record["stir"]["spc"] == "709J",
            "{record}"
        );
        let origid = record["origid"].as_str().context("no origid")?.to_owned();
        ensure!(origid.len() == 36, "{origid}");
        // Another call of the same provider needs no fetching, and is another one.
        let again = pair.expect("TN-Validation-Passed-A", "")?;
        ensure!(again.record["origid"] != record["origid"], "{}", again.record);
        ensure!(pair.shop.asked() == 1, "fetched {} times", pair.shop.asked());
        pair.verifies.await_count("stir_passed", 2)?;
        // Others are believed from now on, and then both.
        let (ours, others) = (chain.root.pem(), Chain::new("Other")?.root.pem());
        for (roots, verstat, reason) in [
            (others.clone(), "TN-Validation-Failed", "certificate_untrusted"),
            (others + &ours, "TN-Validation-Passed-A", ""),
        ] {
            let known = roots.matches("BEGIN").count();
            pair.far.write("roots.pem", &roots)?;
            let line = format!("{known} authorities for callers' numbers reloaded");
            until(
                "the authorities to be read again",
                Duration::from_secs(20),
                || Ok(pair.verifies.log().contains(&line).then_some(())),
            )?;
            pair.expect(verstat, reason)?;
        }
        Ok(format!(
            "passed with {origid}, {:.1} s and {:.1} s",
            seen.took.as_secs_f32(),
            again.took.as_secs_f32()
        ))
    })
}

#[test]
fn what_is_expired_strange_forged_or_not_there_is_marked() -> Result<()> {
    with_pair("unvouched", true, |pair, chain, key| {
        pair.shop.put(chain.certificate(key, 2024)?);
        pair.expect("TN-Validation-Failed", "certificate_expired")?;
        pair.anew(Chain::new("Nobody")?.certificate(key, 2099)?)?;
        pair.expect("TN-Validation-Failed", "certificate_untrusted")?;
        pair.anew(chain.certificate(&KeyPair::generate()?, 2099)?)?;
        pair.expect("TN-Validation-Failed", "signature")?;
        pair.anew(Ware::Pem("<html>".to_owned()))?;
        pair.expect("TN-Validation-Failed", "certificate_unreadable")?;
        pair.anew(Ware::Nothing)?;
        pair.expect("No-TN-Validation", "unreachable")?;
        pair.anew(Ware::Silence)?;
        let silent = pair.expect("No-TN-Validation", "unreachable")?.took;
        // The talk of the call, and the wait for the certificate.
        ensure!(silent >= Duration::from_millis(3_200), "{silent:?}");
        pair.anew(chain.certificate(key, 2099)?)?;
        let usual = pair.expect("TN-Validation-Passed-A", "")?.took;
        ensure!(
            silent >= usual + Duration::from_millis(1_500),
            "{silent:?} {usual:?}"
        );
        Ok(format!("a silent server held a call up for {:?}", silent - usual))
    })
}

#[test]
fn a_tenant_refuses_what_proves_nothing() -> Result<()> {
    with_pair("vouched-refused", true, |pair, chain, key| {
        pair.verifies
            .carillon(&["tenant", "set", "acme", "stir=reject"])?;
        pair.shop.put(chain.certificate(key, 2024)?);
        let record = pair.refused()?;
        println!("vouched: refused by {} for {}", record["sip"], record["stir"]);
        ensure!(
            record["sip"] == 437 && record["verstat"] == "TN-Validation-Failed",
            "{record}"
        );
        pair.anew(Ware::Nothing)?;
        pair.expect("No-TN-Validation", "unreachable")?;
        pair.verifies
            .carillon(&["tenant", "set", "acme", "stir=require"])?;
        pair.anew(Ware::Nothing)?;
        let record = pair.refused()?;
        println!("vouched: refused by {} for {}", record["sip"], record["stir"]);
        ensure!(record["sip"] == 436, "{record}");
        between(&pair.signs, &pair.verifies, &["sign=false"])?;
        let record = pair.refused()?;
        println!("vouched: refused by {} for {}", record["sip"], record["stir"]);
        ensure!(
            record["sip"] == 428 && record["stir"]["reason"] == "absent",
            "{record}"
        );
        between(&pair.signs, &pair.verifies, &["sign=true"])?;
        pair.anew(chain.certificate(key, 2099)?)?;
        pair.expect("TN-Validation-Passed-A", "")?;
        Ok("437, 436, 428, and one let in".to_owned())
    })
}

/// As servers are out of the box: whoever calls does not make them connect to inner addresses.
#[test]
fn a_certificate_in_an_inner_network_is_not_fetched() -> Result<()> {
    with_pair("vouched-inner", false, |pair, chain, key| {
        pair.shop.put(chain.certificate(key, 2099)?);
        pair.expect("TN-Validation-Failed", "url")?;
        ensure!(pair.shop.asked() == 0, "fetched {} times", pair.shop.asked());
        Ok("refused".to_owned())
    })
}
