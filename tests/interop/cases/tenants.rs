//! Two companies with the same extensions on one server notice nothing of each other.

use crate::{caller, calling, register, registering, registrant};
use anyhow::{Result, ensure};
use interop::baresip::{Account, talk};
use interop::server::{extensions, password};
use interop::{Phone, Server, Sipp, Stage, Tenant};

/// Tones, caller to callee, of the two companies: all different, so that audio across would be heard.
const TONES: [(&str, u32, u32); 2] = [("acme", 1_000, 440), ("zeta", 1_300, 620)];

#[test]
fn the_same_extensions_talk_at_once_in_two_tenants() -> Result<()> {
    Stage::run("two-tenants", |stage| {
        let tenants = TONES.map(|(name, ..)| Tenant::new(name, extensions(100, 2)));
        let server = Server::start(stage, &tenants)?;
        let mut pairs = Vec::new();
        for (name, hz, back_hz) in TONES {
            let domain = format!("{name}.test");
            let phone = |user, hz| Phone::start(stage, &server, Account::new(user, &domain, hz));
            pairs.push((phone("100", hz)?, phone("101", back_hz)?));
        }
        for ((caller, _), (name, ..)) in pairs.iter_mut().zip(TONES) {
            caller.dial(&format!("sip:101@{name}.test"))?;
        }
        for (caller, callee) in &mut pairs {
            caller.expect("CALL_ESTABLISHED")?;
            callee.expect("CALL_ESTABLISHED")?;
        }
        let mut heard = Vec::new();
        for ((caller, callee), (name, ..)) in pairs.iter_mut().zip(TONES) {
            let [back, there] = talk(caller, callee)?;
            heard.push(format!("{name} {there} and {back}"));
        }
        for ((caller, callee), (name, ..)) in pairs.iter_mut().zip(TONES) {
            caller.hang_up()?;
            callee.expect("CALL_CLOSED")?;
            server.await_cdrs(name, 1)?;
        }
        Ok(heard.join(", "))
    })
}

#[test]
fn a_call_into_another_tenant_is_refused() -> Result<()> {
    Stage::run("across-tenants", |stage| {
        let tenants = ["acme", "zeta"].map(|name| Tenant::new(name, extensions(100, 2)));
        let server = Server::start(stage, &tenants)?;
        let phone = Sipp::new(stage, "uas", server.sip)?;
        register(stage, &server, "zeta.test", "101", phone.port())?;
        let secret = password("acme.test", "100");
        let row = caller("acme.test", "100", &secret);
        calling(stage, &server, "uac-refused", "101", "zeta.test")?
            .with("final", "403")
            .row(&row)
            .run()?;
        calling(stage, &server, "uac-refused", "101", "acme.test")?
            .with("final", "480")
            .row(&row)
            .run()?;
        let stranger = registrant("zeta.test", "100", &secret, phone.port());
        registering(stage, &server, "zeta.test", "403")?
            .row(&stranger)
            .run()?;
        let records = server.cdrs("zeta")?;
        ensure!(records.is_empty(), "the other tenant has records: {records:?}");
        Ok("403 across, 480 inside although the other 101 is registered, credentials of one are void in the other".to_owned())
    })
}
