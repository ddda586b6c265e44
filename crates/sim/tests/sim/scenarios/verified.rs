//! Who vouches for callers from outside (RFC 8224, RFC 8588): verdicts, what phones and records are told, whom a tenant refuses.

use super::Scene;
use super::outside::OUTSIDE;
use expect_test::expect;
use model::{Attestation, CallerCheck, CertificateOutcome, Policy, StirPolicy, Verstat};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair,
    date_time_ymd,
};
use sim::phone::Answer;
use sim::world::Trace;
use sip::Name;
use std::time::Duration;
use stir::{Anchors, Claims, OrigId, Rules, Signer};

pub(super) const URL: &str = "https://sti.example/theirs.pem";
/// 101's number.
pub(super) const OURS: &str = "+49305550001";
pub(super) const TARGET: &str = "+49305550001@10.0.0.1";
pub(super) const ORIGID: &str = "123e4567-e89b-12d3-a456-426655440000";

/// A provider that vouches for its customers, and the authority above it.
pub(super) struct Provider {
    root: CertifiedIssuer<'static, KeyPair>,
    key: KeyPair,
}

/// The TNAuthList of provider 709J (ATIS-1000080).
pub(super) const PROVIDER: &[u8] = b"\x30\x08\xA0\x06\x16\x04709J";

impl Provider {
    pub(super) fn new() -> Provider {
        Provider::under("Root")
    }

    /// One below another authority.
    pub(super) fn under(authority: &str) -> Provider {
        let mut root = CertificateParams::new(Vec::new()).expect("no names");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.distinguished_name.push(DnType::CommonName, authority);
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate().expect("a key")).expect("a root");
        Provider {
            root,
            key: KeyPair::generate().expect("a key"),
        }
    }

    /// Its certificate, until the end of a year, for the numbers in this list.
    pub(super) fn certificate(&self, last_year: i32, list: &[u8]) -> CertificateOutcome {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, "SHAKEN 709J");
        params.not_after = date_time_ymd(last_year, 12, 31);
        let list = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 26], list.to_vec());
        params.custom_extensions = vec![list];
        let made = params.signed_by(&self.key, &self.root).expect("a certificate");
        CertificateOutcome::Found(made.pem().as_bytes().into())
    }

    pub(super) fn anchors(&self) -> Anchors {
        Anchors::parse(self.root.pem().as_bytes()).expect("a root")
    }

    /// Vouches for a call.
    pub(super) fn sign(&self, level: stir::Attestation, orig: &str, dest: &str, iat: u64) -> String {
        self.sign_at(URL, level, orig, dest, iat)
    }

    /// Likewise, with the certificate at another URL.
    pub(super) fn sign_at(
        &self,
        url: &str,
        level: stir::Attestation,
        orig: &str,
        dest: &str,
        iat: u64,
    ) -> String {
        let signer = Signer::new(self.key.serialize_pem().as_bytes(), url, &Rules::default());
        let claims = Claims {
            attestation: level,
            orig,
            dest: &[dest],
            iat,
            origid: OrigId::parse(ORIGID).expect("a UUID"),
        };
        signer.expect("a key").sign(&claims).expect("numbers")
    }
}

impl Scene {
    /// A phone, a carrier's switch, and a provider that is believed, whose certificate comes in 50 ms.
    pub(super) fn vouched(&mut self, policy: StirPolicy) -> (usize, usize, Provider) {
        let (phone, switch) = self.outside(Answer::PickUp(1000));
        self.numbered(|known| known.stir = policy);
        let provider = Provider::new();
        self.believe(&provider);
        self.serve(50, provider.certificate(2026, PROVIDER));
        self.run(100);
        self.curtain();
        (phone, switch, provider)
    }

    pub(super) fn believe(&mut self, provider: &Provider) {
        let now = self.world.now();
        self.world.server.trust(provider.anchors(), now);
    }

    /// This lies at the provider's URL.
    pub(super) fn serve(&mut self, ms: u64, outcome: CertificateOutcome) {
        let takes = Duration::from_millis(ms);
        self.world.certificates.insert(URL.to_owned(), (takes, outcome));
    }

    /// The switch calls with this Identity.
    pub(super) fn calls_by(&mut self, switch: usize, identity: &str) -> usize {
        let headers = [(Name::Identity, identity.to_owned())];
        self.act(switch, |switch, now| switch.call_with(TARGET, &headers, now))
    }

    pub(super) fn seconds(&self) -> u64 {
        self.world.now().wall.secs()
    }

    /// What provider says now of the usual call.
    pub(super) fn word(&self, provider: &Provider) -> String {
        provider.sign(stir::Attestation::A, OUTSIDE, OURS, self.seconds())
    }

    pub(super) fn checked(&self) -> CallerCheck {
        let last = self.world.server.cdrs.last().expect("a record");
        last.stir.clone().expect("a check")
    }

    /// The last answer of this kind that the switch got to an INVITE, whole.
    pub(super) fn refusal(&self, code: u16) -> String {
        let start = format!("SIP/2.0 {code}");
        let said = self.world.trace.iter().rev().find_map(|trace| match trace {
            Trace::Out(_, bytes) => {
                let text = String::from_utf8_lossy(bytes).into_owned();
                text.starts_with(&start).then_some(text)
            }
            _ => None,
        });
        said.unwrap_or_default()
    }
}

#[test]
fn a_call_waits_for_the_certificate_and_the_phone_is_told_who_vouches() {
    let mut scene = Scene::new();
    let (phone, switch, provider) = scene.vouched(StirPolicy::Verify);
    let identity = scene.word(&provider);
    scene.calls_by(switch, &identity);
    scene.run(3000);
    scene.talk_to_each_other(phone, switch);
    scene.hang_up(switch);
    scene.run(100);
    let from = scene.shown(phone, "From");
    scene.ends(expect![[r#"
        0      gw/+493020001000 -> server   INVITE +49305550001 {10.0.1.3:6060 0,8}
        1        server -> gw/+493020001000 100 Trying (INVITE)
        51       server -> acme/101 INVITE 101 {10.0.0.1:10002 0,8}
        52     acme/101 -> server   180 Ringing (INVITE)
        53       server -> gw/+493020001000 180 Ringing (INVITE)
        1052   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1053     server -> acme/101 ACK 101
        1053     server -> gw/+493020001000 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1054   gw/+493020001000 -> server   ACK 1
        3000   gw/+493020001000 -> server   BYE 1
        3001     server -> acme/101 BYE 101
        3001     server -> gw/+493020001000 200 OK (BYE)
        3002   acme/101 -> server   200 OK (BYE)
        record +493020001000 -> 101: 200/16 by Caller, rang, talked 1948 ms (from trunk trunk7, TN-Validation-Passed-A, ring 101, answered), packets 4 and 4
    "#]]);
    assert!(
        from.starts_with("<sip:+493020001000@acme.example;verstat=TN-Validation-Passed-A>;tag="),
        "{from}"
    );
    let check = scene.checked();
    assert_eq!(check.verstat, Verstat::Passed);
    assert_eq!(check.attestation, Some(Attestation::A));
    assert_eq!(check.origid.as_deref(), Some(ORIGID));
    assert_eq!((check.spc.as_deref(), check.reason), (Some("709J"), None));
    let counts = scene.tenant_counts();
    assert_eq!(
        (counts.stir_passed, counts.stir_failed, counts.stir_refused),
        (1, 0, 0)
    );
}

#[test]
fn every_level_is_told() {
    let mut scene = Scene::with(Policy {
        trust_phones: true,
        ..Policy::default()
    });
    let (phone, switch, provider) = scene.vouched(StirPolicy::Require);
    for (level, known) in [
        (stir::Attestation::A, Attestation::A),
        (stir::Attestation::B, Attestation::B),
        (stir::Attestation::C, Attestation::C),
    ] {
        let identity = provider.sign(level, OUTSIDE, OURS, scene.seconds());
        let call = scene.calls_by(switch, &identity);
        scene.run(2000);
        let wanted = format!(
            "<sip:+493020001000@acme.example;verstat=TN-Validation-Passed-{}>",
            known.as_str()
        );
        assert!(scene.shown(phone, "From").starts_with(&wanted));
        assert_eq!(scene.shown(phone, "P-Asserted-Identity"), wanted);
        scene.act(switch, |switch, now| switch.hang_up(call, now));
        scene.run(1000);
        assert_eq!(scene.checked().attestation, Some(known));
    }
    scene.rests();
}

/// What is wrong, what the record says of it, and by which status a tenant refuses it that wants no such calls.
struct Wrong {
    reason: &'static str,
    code: u16,
    identity: fn(&Scene, &Provider) -> String,
    outcome: fn(&Provider) -> CertificateOutcome,
}

fn usual(provider: &Provider) -> CertificateOutcome {
    provider.certificate(2026, PROVIDER)
}

fn word(scene: &Scene, provider: &Provider) -> String {
    scene.word(provider)
}

const WRONG: &[Wrong] = &[
    Wrong {
        reason: "signature",
        code: 438,
        identity: |scene, _| scene.word(&Provider::new()),
        outcome: usual,
    },
    Wrong {
        reason: "malformed",
        code: 438,
        identity: |_, _| "a.b.c;info=<https://sti.example/theirs.pem>;ppt=shaken".to_owned(),
        outcome: usual,
    },
    Wrong {
        reason: "stale",
        code: 403,
        identity: |scene, provider| provider.sign(stir::Attestation::A, OUTSIDE, OURS, scene.seconds() - 62),
        outcome: usual,
    },
    Wrong {
        reason: "from_future",
        code: 403,
        identity: |scene, provider| provider.sign(stir::Attestation::A, OUTSIDE, OURS, scene.seconds() + 62),
        outcome: usual,
    },
    Wrong {
        reason: "other_orig",
        code: 438,
        identity: |scene, provider| {
            provider.sign(stir::Attestation::A, "+493020001001", OURS, scene.seconds())
        },
        outcome: usual,
    },
    Wrong {
        reason: "other_dest",
        code: 438,
        identity: |scene, provider| {
            provider.sign(stir::Attestation::A, OUTSIDE, "+49305550002", scene.seconds())
        },
        outcome: usual,
    },
    Wrong {
        reason: "certificate_expired",
        code: 437,
        identity: word,
        outcome: |provider| provider.certificate(2025, PROVIDER),
    },
    Wrong {
        reason: "certificate_other_numbers",
        code: 437,
        identity: word,
        // [2] one: "49305550001".
        outcome: |provider| provider.certificate(2026, b"\x30\x0F\xA2\x0D\x16\x0B49305550001"),
    },
    Wrong {
        reason: "certificate_untrusted",
        code: 437,
        identity: word,
        outcome: |provider| {
            let mut root = CertificateParams::new(Vec::new()).expect("no names");
            root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            root.distinguished_name.push(DnType::CommonName, "Nobody");
            let root = CertifiedIssuer::self_signed(root, KeyPair::generate().expect("a key"));
            let key = KeyPair::try_from(provider.key.serialize_der()).expect("the key");
            let other = Provider {
                root: root.expect("a root"),
                key,
            };
            other.certificate(2026, PROVIDER)
        },
    },
    Wrong {
        reason: "certificate_unreadable",
        code: 436,
        identity: word,
        outcome: |_| CertificateOutcome::Found(b"<html>".as_slice().into()),
    },
    Wrong {
        reason: "certificate_unreadable",
        code: 436,
        identity: word,
        outcome: |_| CertificateOutcome::TooLarge,
    },
    Wrong {
        reason: "url",
        code: 436,
        identity: word,
        outcome: |_| CertificateOutcome::Refused,
    },
];

#[test]
fn what_proves_nothing_is_marked_and_comes_in() {
    let mut scene = Scene::new();
    let (phone, switch, provider) = scene.vouched(StirPolicy::Verify);
    for wrong in WRONG {
        let (identity, outcome) = ((wrong.identity)(&scene, &provider), (wrong.outcome)(&provider));
        scene.serve(50, outcome);
        let call = scene.calls_by(switch, &identity);
        scene.run(2000);
        let from = scene.shown(phone, "From");
        let mark = "<sip:+493020001000@acme.example;verstat=TN-Validation-Failed>";
        assert!(from.starts_with(mark), "{}: {from}", wrong.reason);
        scene.act(switch, |switch, now| switch.hang_up(call, now));
        scene.run(1000);
        let check = scene.checked();
        assert_eq!(check.verstat, Verstat::Failed);
        assert_eq!(check.reason.as_deref(), Some(wrong.reason));
        assert_eq!((check.attestation, check.origid), (None, None));
        let path = scene.paths().pop().expect("a path");
        assert!(
            path.contains(&format!("TN-Validation-Failed ({})", wrong.reason)),
            "{path}"
        );
        assert_eq!(scene.world.server.cdrs.last().map(|cdr| cdr.cause.sip), Some(200));
    }
    scene.rests();
    assert_eq!(scene.tenant_counts().stir_failed, WRONG.len() as u64);
    assert_eq!(scene.tenant_counts().stir_refused, 0);
}

#[test]
fn a_tenant_that_wants_no_such_calls_refuses_them_by_name() {
    for policy in [StirPolicy::Reject, StirPolicy::Require] {
        let mut scene = Scene::new();
        let (phone, switch, provider) = scene.vouched(policy);
        for wrong in WRONG {
            let (identity, outcome) = ((wrong.identity)(&scene, &provider), (wrong.outcome)(&provider));
            scene.serve(50, outcome);
            scene.calls_by(switch, &identity);
            scene.run(2000);
            let told = scene.refusal(wrong.code);
            let phrase = match wrong.code {
                403 => "Stale Date",
                436 => "Bad Identity Info",
                437 => "Unsupported Credential",
                _ => "Invalid Identity Header",
            };
            let code = wrong.code;
            assert!(
                told.starts_with(&format!("SIP/2.0 {code} {phrase}\r\n")),
                "{told}"
            );
            let reason = format!("Reason: STIR;cause={code};text=\"{phrase}\"\r\n");
            assert!(told.contains(&reason), "{told}");
            let last = scene.world.server.cdrs.last().expect("a record");
            assert_eq!((last.cause.sip, last.cause.q850), (code, 21));
            assert_eq!(scene.checked().reason.as_deref(), Some(wrong.reason));
            scene.world.trace.clear();
        }
        scene.rests();
        assert!(scene.world.phones[phone].calls().is_empty());
        assert_eq!(scene.world.server.cdrs.len(), WRONG.len());
        assert_eq!(scene.tenant_counts().stir_refused, WRONG.len() as u64);
        // The same carrier's honest calls come in.
        scene.serve(50, usual(&provider));
        let identity = scene.word(&provider);
        let call = scene.calls_by(switch, &identity);
        scene.run(3000);
        scene.talk_to_each_other(phone, switch);
        scene.act(switch, |switch, now| switch.hang_up(call, now));
        scene.rests();
    }
}

#[test]
fn nobody_vouches_or_cannot_be_asked() {
    for (policy, comes_in) in [
        (StirPolicy::Verify, true),
        (StirPolicy::Reject, true),
        (StirPolicy::Require, false),
    ] {
        let mut scene = Scene::new();
        let (phone, switch, provider) = scene.vouched(policy);
        scene.call(switch, TARGET);
        scene.run(2000);
        if comes_in {
            let from = scene.shown(phone, "From");
            assert!(from.starts_with("<sip:+493020001000@acme.example>"), "{from}");
            scene.hang_up(switch);
        } else {
            assert!(
                scene
                    .refusal(428)
                    .starts_with("SIP/2.0 428 Use Identity Header\r\n")
            );
            assert_eq!(scene.checked().reason.as_deref(), Some("absent"));
        }
        scene.run(1000);
        // The server at the URL says that there is nothing, then says nothing, then somebody vouches in another way than SHAKEN.
        let other = scene.word(&provider).replace("ppt=shaken", "ppt=div");
        for (told, reason, identity) in [
            (Some(CertificateOutcome::Unreachable), "unreachable", None),
            (None, "unreachable", None),
            (None, "absent", Some(other)),
        ] {
            scene.world.certificates.clear();
            if let Some(told) = told {
                scene.serve(50, told);
            }
            let identity = identity.unwrap_or_else(|| scene.word(&provider));
            let call = scene.calls_by(switch, &identity);
            scene.run(4000);
            if comes_in {
                let from = scene.shown(phone, "From");
                assert!(from.contains(";verstat=No-TN-Validation>"), "{from}");
                scene.act(switch, |switch, now| switch.hang_up(call, now));
            }
            scene.run(1000);
            assert_eq!(scene.checked().reason.as_deref(), Some(reason));
            assert_eq!(scene.checked().verstat, Verstat::None);
            let last = scene.world.server.cdrs.last().expect("a record");
            let refused = if reason == "absent" { 428 } else { 436 };
            assert_eq!(last.cause.sip, if comes_in { 200 } else { refused });
        }
        scene.rests();
    }
}

#[test]
fn a_silent_server_is_waited_for_no_longer_than_two_seconds() {
    let mut scene = Scene::new();
    let (_, switch, provider) = scene.vouched(StirPolicy::Verify);
    scene.serve(3_000, usual(&provider));
    let identity = scene.word(&provider);
    scene.calls_by(switch, &identity);
    scene.run(4000);
    scene.hang_up(switch);
    scene.run(100);
    scene.ends(expect![[r#"
        0      gw/+493020001000 -> server   INVITE +49305550001 {10.0.1.3:6060 0,8}
        1        server -> gw/+493020001000 100 Trying (INVITE)
        2001     server -> acme/101 INVITE 101 {10.0.0.1:10002 0,8}
        2002   acme/101 -> server   180 Ringing (INVITE)
        2003     server -> gw/+493020001000 180 Ringing (INVITE)
        3002   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        3003     server -> acme/101 ACK 101
        3003     server -> gw/+493020001000 200 OK (INVITE) {10.0.0.1:10000 0,8}
        3004   gw/+493020001000 -> server   ACK 1
        4000   gw/+493020001000 -> server   BYE 1
        4001     server -> acme/101 BYE 101
        4001     server -> gw/+493020001000 200 OK (BYE)
        4002   acme/101 -> server   200 OK (BYE)
        record +493020001000 -> 101: 200/16 by Caller, rang, talked 998 ms (from trunk trunk7, No-TN-Validation (unreachable), ring 101, answered), packets 2 and 2
    "#]]);
}

#[test]
fn the_caller_gives_up_in_the_wait() {
    let mut scene = Scene::new();
    let (phone, switch, provider) = scene.vouched(StirPolicy::Verify);
    scene.serve(1_500, usual(&provider));
    let identity = scene.word(&provider);
    scene.calls_by(switch, &identity);
    scene.run(1000);
    scene.cancel(switch);
    scene.run(100);
    scene.ends(expect![[r#"
        0      gw/+493020001000 -> server   INVITE +49305550001 {10.0.1.3:6060 0,8}
        1        server -> gw/+493020001000 100 Trying (INVITE)
        1000   gw/+493020001000 -> server   CANCEL +49305550001
        1001     server -> gw/+493020001000 200 OK (CANCEL)
        1001     server -> gw/+493020001000 487 Request Terminated (INVITE) [Q.850;cause=16]
        1002   gw/+493020001000 -> server   ACK +49305550001
        record +493020001000 -> 101: 487/16 by Caller (from trunk trunk7)
    "#]]);
    assert!(scene.world.phones[phone].calls().is_empty());
    assert_eq!(scene.world.server.cdrs[0].stir, None);
    assert_eq!(scene.tenant_counts().stir_passed, 0);
}

#[test]
fn a_word_counts_for_one_call() {
    let mut scene = Scene::new();
    let (phone, switch, provider) = scene.vouched(StirPolicy::Reject);
    let identity = scene.word(&provider);
    scene.calls_by(switch, &identity);
    scene.run(2000);
    scene.hang_up(switch);
    scene.run(1000);
    // Somebody has seen it, and calls in that name.
    let before = scene.world.phones[phone].calls().len();
    scene.calls_by(switch, &identity);
    scene.run(2000);
    assert_eq!(scene.world.phones[phone].calls().len(), before);
    assert!(
        scene
            .refusal(438)
            .starts_with("SIP/2.0 438 Invalid Identity Header\r\n")
    );
    let check = scene.checked();
    assert_eq!(check.reason.as_deref(), Some("replayed"));
    assert_eq!(check.claimed, Some(Attestation::A));
    scene.rests();
}

#[test]
fn a_call_that_found_no_room_may_come_again() {
    let mut scene = Scene::new();
    let (phone, switch, provider) = scene.vouched(StirPolicy::Require);
    let identity = scene.word(&provider);
    // There is no port.
    scene.world.server.bindable = false;
    scene.calls_by(switch, &identity);
    scene.run(3000);
    assert_eq!(scene.world.server.cdrs.last().map(|cdr| cdr.cause.sip), Some(503));
    scene.world.server.bindable = true;
    let call = scene.calls_by(switch, &identity);
    scene.run(3000);
    scene.talk_to_each_other(phone, switch);
    scene.act(switch, |switch, now| switch.hang_up(call, now));
    scene.rests();
}
