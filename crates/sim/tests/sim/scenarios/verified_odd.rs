//! Verifying callers when something comes between: help is needed, the tenant dies, the server goes down, there are too many.

use super::Scene;
use super::outside::{OUTSIDE, peer};
use super::scene::ACME;
use super::verified::{OURS, Provider, TARGET};
use model::{CertificateOutcome, Policy, StirPolicy, Verstat};
use sim::phone::Answer;
use sip::Name;
use stir::Attestation;

/// A call for help by way of us, and calls of those who were asked for help, wait for nobody and are let in.
#[test]
fn help_waits_for_no_certificate() {
    let mut scene = Scene::new();
    let (phone, switch, provider) = scene.vouched(StirPolicy::Require);
    scene.world.certificates.clear();
    let signed = |scene: &mut Scene| {
        let identity = scene.word(&provider);
        scene.calls_by(switch, &identity)
    };
    // Nobody has asked for help: it is a call like others.
    signed(&mut scene);
    scene.run(3000);
    assert_eq!(scene.world.server.cdrs.last().map(|cdr| cdr.cause.sip), Some(436));
    scene.call(phone, "112");
    scene.run(2000);
    scene.act(phone, |phone, now| {
        let last = phone.calls().last().map_or(0, |(number, _)| *number);
        phone.hang_up(last, now);
    });
    scene.run(1000);
    for is_signed in [true, false] {
        let call = match is_signed {
            true => signed(&mut scene),
            false => scene.call(switch, TARGET),
        };
        scene.run(100);
        let from = scene.shown(phone, "From");
        assert!(from.contains(";verstat=No-TN-Validation>"), "{from}");
        scene.run(2000);
        scene.talk_to_each_other(phone, switch);
        scene.act(switch, |switch, now| switch.hang_up(call, now));
        scene.run(1000);
        assert_eq!(scene.checked().reason.as_deref(), Some("emergency"));
        scene.refresh_voices();
        scene.world.trace.clear();
    }
    // Half an hour later they are strangers again.
    scene.run(3_600_000);
    scene.call(switch, TARGET);
    scene.run(1000);
    assert_eq!(scene.world.server.cdrs.last().map(|cdr| cdr.cause.sip), Some(428));
    scene.rests();
}

#[test]
fn a_trunk_that_leads_to_help_waits_for_nothing() {
    let mut scene = Scene::new();
    let (_, switch, provider) = scene.vouched(StirPolicy::Require);
    scene.world.certificates.clear();
    scene.equip(vec![
        peer(7, "gw.example", |draft| draft.inbound = "112".to_owned()),
        peer(8, "help.example", |_| {}),
    ]);
    let help = scene.switch("help.example", "112", Answer::PickUp(100));
    scene.run(2000);
    let identity = (Name::Identity, scene.word(&provider));
    scene.act(switch, |switch, now| {
        switch.call_with("+4940999@10.0.0.1", &[identity], now)
    });
    scene.run(2000);
    assert_eq!(scene.world.server.emergencies.len(), 1);
    scene.hang_up(switch);
    scene.rests();
    assert!(scene.world.phones[help].calls().is_empty());
    assert_eq!(scene.checked().reason.as_deref(), Some("emergency"));
}

#[test]
fn what_a_stranger_writes_of_himself_is_not_passed_on() {
    for policy in [StirPolicy::Off, StirPolicy::Verify] {
        let mut scene = Scene::with(Policy {
            trust_phones: true,
            ..Policy::default()
        });
        let (phone, _, provider) = scene.vouched(policy);
        let liar = scene.switch(
            "liar.example",
            "+493020001000;verstat=TN-Validation-Passed-A",
            Answer::Ring,
        );
        scene.equip(vec![peer(7, "liar.example", |_| {})]);
        scene.run(2000);
        let asserted =
            "\"verstat=TN-Validation-Passed\" <sip:+493020001000@gw.example;verstat=TN-Validation-Passed>";
        let mut headers = vec![(Name::PAssertedIdentity, asserted.to_owned())];
        if policy == StirPolicy::Off {
            headers.push((Name::Identity, scene.word(&provider)));
        }
        let call = scene.act(liar, |liar, now| liar.call_with(TARGET, &headers, now));
        scene.run(2000);
        let said = [
            scene.shown(phone, "From"),
            scene.shown(phone, "P-Asserted-Identity"),
        ];
        for said in said {
            assert!(said.contains("<sip:+493020001000@acme.example>"), "{said}");
            assert!(!said.contains(";verstat"), "{said}");
        }
        assert!(scene.shown(phone, "Identity").is_empty());
        scene.act(liar, |liar, now| liar.hang_up(call, now));
        scene.rests();
        assert_eq!(scene.world.server.cdrs[0].stir, None);
    }
}

#[test]
fn without_authorities_nothing_is_verified_and_that_is_said() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    let provider = Provider::new();
    for policy in [StirPolicy::Verify, StirPolicy::Require] {
        scene.numbered(|known| known.stir = policy);
        let identity = scene.word(&provider);
        let call = scene.calls_by(switch, &identity);
        scene.run(2000);
        assert!(scene.shown(phone, "From").contains(";verstat=No-TN-Validation>"));
        scene.act(switch, |switch, now| switch.hang_up(call, now));
        scene.run(1000);
        assert_eq!(scene.checked().reason.as_deref(), Some("no_authorities"));
    }
    scene.rests();
    assert_eq!(scene.tenant_counts().stir_unverified, 2);
}

/// A carrier may send a call to another number of ours than was dialled; one that was dialled elsewhere is no proof here.
#[test]
fn to_may_name_another_number_of_ours_but_not_one_of_somebody_else() {
    let mut scene = Scene::new();
    let (phone, switch, provider) = scene.vouched(StirPolicy::Verify);
    scene.answers(phone, Answer::Refuse(486, 100));
    for (to, wanted) in [
        ("+49305550002", Verstat::Passed),
        ("+4940123456", Verstat::Failed),
    ] {
        let identity = provider.sign(Attestation::A, OUTSIDE, to, scene.seconds());
        let mut hand = super::Hand::new(&mut scene, "gw", 77);
        hand.at = scene.world.phones[switch].identity.address;
        let at = hand.at;
        let invite = format!(
            "INVITE sip:{TARGET} SIP/2.0
Via: SIP/2.0/UDP {at};branch={{branch}};rport
Max-Forwards: 70
From: <sip:{OUTSIDE}@gw.example>;tag=x{to}
To: <sip:{to}@gw.example>
Call-ID: other-{to}
CSeq: 1 INVITE
Contact: <sip:x@{at}>
Identity: {identity}"
        );
        hand.send_with(&mut scene, &invite, &super::by_hand::sdp(at, 6_060, ""));
        scene.run(35_000);
        assert_eq!(scene.checked().verstat, wanted, "{to}");
    }
    scene.rests();
}

#[test]
fn the_server_goes_down_or_the_tenant_dies_in_the_wait() {
    let mut scene = Scene::new();
    let (phone, switch, provider) = scene.vouched(StirPolicy::Verify);
    let CertificateOutcome::Found(pem) = provider.certificate(2026, b"\x30\x08\xA0\x06\x16\x04709J") else {
        panic!("no certificate");
    };
    scene.serve(1_500, CertificateOutcome::Found(pem));
    let identity = scene.word(&provider);
    scene.calls_by(switch, &identity);
    scene.run(500);
    let held = scene.world.server.tenant(ACME).expect("acme").held();
    assert_eq!((held.calls, held.rooms), (1, 2));
    scene.input(pbx::Input::HangUpAll);
    scene.run(3000);
    let last = scene.world.server.cdrs.last().expect("a record");
    assert_eq!((last.cause.sip, last.stir.clone()), (503, None));
    // Its certificate comes to a tenant that has forgotten the call.
    let identity = scene.word(&provider);
    scene.calls_by(switch, &identity);
    scene.run(500);
    let now = scene.world.now();
    scene.world.server.rebuild(ACME, now);
    scene.run(5000);
    scene.rests();
    assert!(scene.world.phones[phone].calls().is_empty());
    assert_eq!(scene.world.server.cdrs.len(), 1);
}

#[test]
fn only_so_many_calls_wait() {
    for (policy, code) in [(StirPolicy::Verify, 480), (StirPolicy::Require, 503)] {
        let mut scene = Scene::new();
        let (_, switch, provider) = scene.vouched(policy);
        scene.world.certificates.clear();
        scene.world.phones[switch].mute = true;
        // To 102, who has no phone.
        let dest = "+49305550002";
        let identity = provider.sign(Attestation::A, OUTSIDE, dest, scene.seconds());
        let headers = [(Name::Identity, identity)];
        for _ in 0..300 {
            scene.act(switch, |switch, now| {
                switch.call_with(&format!("{dest}@10.0.0.1"), &headers, now)
            });
        }
        scene.run(1000);
        let busy: Vec<_> = scene.world.server.cdrs.iter().collect();
        assert_eq!(busy.len(), 44);
        for cdr in busy {
            let reason = cdr.stir.as_ref().and_then(|check| check.reason.as_deref());
            assert_eq!((reason, cdr.cause.sip), (Some("busy"), code));
        }
        scene.rests();
        assert_eq!(scene.world.server.cdrs.len(), 300);
        assert_eq!(OURS.len(), dest.len());
    }
}

/// What was found out where a call came in is known where it goes on inside the server, and a neighbour's own number needs no signature.
#[test]
fn tenants_of_one_server_believe_each_other() {
    let mut scene = Scene::new();
    let [here, there, switch] = scene.carried(Answer::PickUp(1000));
    let provider = Provider::new();
    scene.believe(&provider);
    scene.serve(50, provider.certificate(2026, b"\x30\x08\xA0\x06\x16\x04709J"));
    scene.numbered(|known| known.stir = StirPolicy::Require);
    // Beta's carrier sends a call for acme.
    let identity = provider.sign(Attestation::B, OUTSIDE, OURS, scene.seconds());
    let call = scene.calls_by(switch, &identity);
    scene.run(3000);
    let from = scene.shown(here, "From");
    assert!(from.contains(";verstat=TN-Validation-Passed-B>"), "{from}");
    scene.act(switch, |switch, now| switch.hang_up(call, now));
    scene.run(1000);
    // One that nobody vouches for comes in at beta, and not at acme.
    scene.call(switch, TARGET);
    scene.run(2000);
    let cdrs = &scene.world.server.cdrs;
    let refused = cdrs.iter().find(|cdr| cdr.tenant == ACME && cdr.cause.sip == 428);
    assert!(refused.is_some(), "{cdrs:?}");
    // Beta's own number.
    scene.act(there, |phone, now| phone.call(OURS, now));
    scene.run(3000);
    let from = scene.shown(here, "From");
    assert!(from.contains(";verstat=TN-Validation-Passed-A>"), "{from}");
    scene.act(here, |phone, now| {
        let last = phone.calls().last().map_or(0, |(number, _)| *number);
        phone.hang_up(last, now);
    });
    scene.rests();
    let counts = scene.tenant_counts();
    assert_eq!((counts.stir_passed, counts.stir_refused), (2, 1));
}
