//! Verifying callers when it may be our own fault that nobody can be verified: what is told, who comes in, who does not.

use super::Scene;
use super::outside::OUTSIDE;
use super::verified::{OURS, PROVIDER, Provider};
use model::{CertificateOutcome, StirPolicy, Verstat};
use std::time::Duration;
use stir::Attestation;

/// Three signers at two hosts.
const SIGNERS: [&str; 3] = [
    "https://one.example/a.pem",
    "https://two.example/b.pem",
    "https://two.example/c.pem",
];

/// One call: by which status it ended, and what was found.
#[derive(Debug, PartialEq, Eq)]
struct Came {
    code: u16,
    verstat: Verstat,
    reason: Option<String>,
}

/// As a call ends that comes in, or does not.
fn came(code: u16, verstat: Verstat, reason: &str) -> Came {
    Came {
        code,
        verstat,
        reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
    }
}

impl Scene {
    /// What lies at all of these.
    fn serve_all(&mut self, outcome: &CertificateOutcome) {
        for url in SIGNERS {
            let takes = Duration::from_millis(50);
            self.world
                .certificates
                .insert(url.to_owned(), (takes, outcome.clone()));
        }
    }

    /// A call by this signer, whose clock is so far from ours.
    fn comes(&mut self, switch: usize, provider: &Provider, url: &str, late_s: u64) -> Came {
        let iat = self.seconds() - late_s;
        let identity = provider.sign_at(url, Attestation::A, OUTSIDE, OURS, iat);
        self.comes_by(switch, &identity)
    }

    fn comes_by(&mut self, switch: usize, identity: &str) -> Came {
        let before = self.world.server.cdrs.len();
        let call = self.calls_by(switch, identity);
        self.run(4000);
        if self.world.server.cdrs.len() == before {
            self.act(switch, |switch, now| switch.hang_up(call, now));
            self.run(1000);
        }
        assert_eq!(self.world.server.cdrs.len(), before + 1);
        let (code, check) = (self.world.server.cdrs[before].cause.sip, self.checked());
        Came {
            code,
            verstat: check.verstat,
            reason: check.reason,
        }
    }

    /// What the operator was told.
    fn doubted(&self) -> Vec<Option<&str>> {
        let news = self.world.server.stir_news.iter();
        news.map(|news| news.why.as_deref()).collect()
    }
}

#[test]
fn a_clock_that_is_wrong_is_told_and_refuses_nobody() {
    let mut scene = Scene::new();
    let (phone, switch, provider) = scene.vouched(StirPolicy::Reject);
    scene.serve_all(&provider.certificate(2026, PROVIDER));
    let refused = || came(403, Verstat::Failed, "stale");
    for url in &SIGNERS[..2] {
        assert_eq!(scene.comes(switch, &provider, url, 90), refused());
    }
    assert_eq!(scene.doubted(), []);
    let let_in = || came(200, Verstat::None, "stale");
    assert_eq!(scene.comes(switch, &provider, SIGNERS[2], 90), let_in());
    assert_eq!(scene.doubted(), [Some("the clock")]);
    let from = scene.shown(phone, "From");
    assert!(from.contains(";verstat=No-TN-Validation>"), "{from}");
    for url in SIGNERS {
        assert_eq!(scene.comes(switch, &provider, url, 90), let_in());
    }
    // What is wrong however late it is here.
    let forged = Provider::new().sign_at(SIGNERS[0], Attestation::A, OUTSIDE, OURS, scene.seconds());
    let wanted = came(438, Verstat::Failed, "signature");
    assert_eq!(scene.comes_by(switch, &forged), wanted);
    let late = scene.seconds() - 90;
    let other = provider.sign_at(SIGNERS[0], Attestation::A, "+493020001001", OURS, late);
    let wanted = came(438, Verstat::Failed, "other_orig");
    assert_eq!(scene.comes_by(switch, &other), wanted);
    assert_eq!(scene.doubted().len(), 1, "told once");
    // The clock is set.
    let passed = came(200, Verstat::Passed, "");
    assert_eq!(scene.comes(switch, &provider, SIGNERS[1], 0), passed);
    assert_eq!(scene.doubted(), [Some("the clock"), None]);
    assert_eq!(scene.comes(switch, &provider, SIGNERS[0], 90), refused());
    let counts = scene.tenant_counts();
    assert_eq!((counts.stir_let_in, counts.stir_doubts), (4, 1));
    assert_eq!((counts.stir_refused, counts.stir_passed), (5, 1));
    scene.rests();
}

/// What lies at the URLs, how a call of each ends before and after it was told, and what is to be looked at.
#[test]
fn authorities_and_networks_are_doubted_likewise() {
    for (outcome, reason, before, why) in [
        (
            Provider::under("Of tomorrow").certificate(2026, PROVIDER),
            "certificate_untrusted",
            437,
            "[stir] authorities",
        ),
        (
            CertificateOutcome::Unreachable,
            "unreachable",
            200,
            "the way to the Internet and the DNS",
        ),
        (
            CertificateOutcome::Refused,
            "url",
            436,
            "the way to the Internet and the DNS",
        ),
        (CertificateOutcome::Busy, "busy", 200, "how many calls come"),
    ] {
        let mut scene = Scene::new();
        let (_, switch, provider) = scene.vouched(StirPolicy::Reject);
        scene.serve_all(&outcome);
        for (index, url) in SIGNERS.iter().chain(&SIGNERS).enumerate() {
            let come = scene.comes(switch, &provider, url, 0);
            let code = if index < 2 { before } else { 200 };
            assert_eq!((come.code, come.reason.as_deref()), (code, Some(reason)));
            assert_eq!(come.verstat == Verstat::Failed, code != 200, "{reason}");
        }
        assert_eq!(scene.doubted(), [Some(why)]);
        scene.rests();
    }
}

#[test]
fn who_requires_a_signature_refuses_and_is_told() {
    let mut scene = Scene::new();
    let (phone, switch, provider) = scene.vouched(StirPolicy::Require);
    scene.serve_all(&CertificateOutcome::Unreachable);
    for url in SIGNERS.iter().chain(&SIGNERS) {
        let come = scene.comes(switch, &provider, url, 0);
        assert_eq!(come, came(436, Verstat::None, "unreachable"));
    }
    assert_eq!(scene.doubted(), [Some("the way to the Internet and the DNS")]);
    assert!(scene.world.phones[phone].calls().is_empty());
    assert_eq!(scene.tenant_counts().stir_let_in, 0);
    scene.serve_all(&provider.certificate(2026, PROVIDER));
    let come = scene.comes(switch, &provider, SIGNERS[0], 0);
    assert_eq!(come, came(200, Verstat::Passed, ""));
    assert_eq!(scene.doubted().last(), Some(&None));
    scene.rests();
}

/// One signer whose certificate has run out, one host that is away, and somebody honest in between are no reason to doubt.
#[test]
fn one_who_is_wrong_is_not_us() {
    let mut scene = Scene::new();
    let (_, switch, provider) = scene.vouched(StirPolicy::Reject);
    scene.serve_all(&provider.certificate(2025, PROVIDER));
    let wanted = || came(437, Verstat::Failed, "certificate_expired");
    for url in [SIGNERS[0], SIGNERS[0], SIGNERS[0], SIGNERS[1]] {
        assert_eq!(scene.comes(switch, &provider, url, 0), wanted());
    }
    let identity = scene.word(&provider);
    assert_eq!(scene.comes_by(switch, &identity), came(200, Verstat::Passed, ""));
    for url in [SIGNERS[2], SIGNERS[1]] {
        assert_eq!(scene.comes(switch, &provider, url, 0), wanted());
    }
    assert_eq!(scene.doubted(), []);
    scene.rests();
}
