//! Who vouches for a caller from outside (RFC 8224 §6.2, RFC 8588, ATIS-1000074 §5.3).
//!
//! Owns: what of a carrier's INVITE is verified, how long the call waits for that, what phones and the record are told, and which calls are
//! refused for it. Does not own: what a PASSporT proves (`stir`), what is remembered over calls (`vouching`), whether it is our own fault
//! (`doubts`), fetching (the shell).
//!
//! - What is vouched for has to be the number that phones are shown, and a call to the number that was dialled: one that its carrier has sent to
//!   another number of ours says so in To.
//! - Who sends a call on to another tenant of this server says there what he knows; nobody else writes on that way, and nothing is signed for it.
//! - A call waits two seconds at most. One for help waits for nothing, and neither does one that comes back to who has called for help (RFC 7090); those
//!   are not refused either.
//! - While it looks as if nothing could be verified by our own fault, a call that fails for that is as good as one that nobody vouches for: phones
//!   are told so, `reject` lets it in, `require` does not. What is wrong with a signature whatever is wrong here is no such reason.
//! - Nothing of what a stranger writes of this is passed on: phones get their words from here alone.

use super::identity::ANONYMOUS;
use super::record::q850;
use super::{Call, Phase};
use crate::context::{Context, TimerKind};
use crate::doubts::Doubt;
use crate::effect::Effect;
use crate::vouching::wanted;
use model::{Attestation, CallerCheck, Cause, CertificateOutcome, EndedBy, Now, StirPolicy, Trunk, Verstat};
use sip::header::NameAddr;
use sip::{Message, Name};
use stir::{Begun, Failure, Verdict, Verification};

/// A call waits for a certificate for so long, milliseconds.
const LONGEST_WAIT_MS: u64 = 2_000;

/// A certificate is awaited, or has come.
pub(super) struct Verifying {
    order: u64,
    /// Until the certificate is there.
    check: Option<Verification>,
    /// What tells its PASSporT from others.
    shown: [u8; 32],
}

/// What came of it.
enum Outcome {
    /// It was looked at.
    Verdict(Verdict),
    /// Its certificate may not be fetched from where it seems to lie, which may be the DNS's fault: that is what follows.
    Unfetched(Verdict),
    /// The tenant of this server that the call comes from has said so.
    Inside(Option<CallerCheck>),
    /// It was not, for this reason, which is not the caller's fault.
    Unseen(Why),
}

/// Why nobody looked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The operator trusts no authority.
    NoAuthorities,
    /// It may be a call for help, or about one.
    Help,
    /// Too many are being looked at.
    Busy,
}

impl Why {
    fn as_str(self) -> &'static str {
        match self {
            Why::NoAuthorities => "no_authorities",
            Why::Help => "emergency",
            Why::Busy => "busy",
        }
    }
}

impl Call {
    /// Looks at who vouches for the caller, where the tenant wants that; then the call begins, at once or when the certificate is there.
    pub(super) fn verify_and_start(
        &mut self,
        context: &mut Context,
        trunk: &Trunk,
        message: &Message<'_>,
        now: Now,
    ) {
        let policy = self.config.policy().stir;
        let is_signed = message.header(Name::Identity).is_some();
        let outcome = match policy {
            StirPolicy::Off => return self.start(context, now),
            _ if (is_signed || policy == StirPolicy::Require) && self.may_be_help(context) => {
                Outcome::Unseen(Why::Help)
            }
            _ if self.caller.flow.is_inside() => match heard_inside(message) {
                // An operator without authorities has nothing to do with all this.
                _ if policy == StirPolicy::Verify && context.vouching.authorities().is_empty() => {
                    return self.start(context, now);
                }
                None if policy != StirPolicy::Require => return self.start(context, now),
                heard => Outcome::Inside(heard),
            },
            _ if policy != StirPolicy::Require && !is_signed => return self.start(context, now),
            _ if context.vouching.authorities().is_empty() => Outcome::Unseen(Why::NoAuthorities),
            _ => match self.look(context, trunk, message, now) {
                Begun::Done(verdict) => Outcome::Verdict(verdict),
                Begun::NeedsCertificate(check) => match self.wait_for(context, check, now) {
                    true => return,
                    false => Outcome::Unseen(Why::Busy),
                },
            },
        };
        let signer = stir::signer(message.headers(Name::Identity)).unwrap_or_default();
        self.is_verified(context, &outcome, signer, now);
    }

    /// What can be said without the certificate.
    fn look(&self, context: &Context, trunk: &Trunk, message: &Message<'_>, now: Now) -> Begun {
        let rules = context.vouching.rules();
        let begin = |dest: &str| {
            let orig = self.record.caller.number.as_str();
            let call = stir::Call { orig, dest };
            Verification::begin(rules, message.headers(Name::Identity), &call, now.wall.secs())
        };
        let begun = begin(self.record.did().unwrap_or_default());
        let is_for_another = |begun: &Begun| {
            let verdict = Failure::OtherDest;
            matches!(begun, Begun::Done(Verdict::Failed { reason, .. }) if *reason == verdict)
        };
        match self.own_number_in_to(context, trunk, message) {
            Some(to) if is_for_another(&begun) => begin(&to),
            _ => begun,
        }
    }

    /// The number in To, where it is one of the tenant: the PASSporT of a call to somebody else can't be shown to us.
    fn own_number_in_to(&self, context: &Context, trunk: &Trunk, message: &Message<'_>) -> Option<String> {
        let uri = message.to().ok()?;
        let user = uri.uri().ok()?.user_decoded().into_owned();
        let number = context
            .numbering
            .heard(user.split(';').next().unwrap_or(""), &trunk.draft)?;
        self.config.number(number.value()).map(|_| number.to_string())
    }

    /// Asks for a certificate; false where too many wait.
    fn wait_for(&mut self, context: &mut Context, check: Verification, now: Now) -> bool {
        let order = context.random();
        if !context.vouching.waits(order, self.id) {
            return false;
        }
        let wanted = wanted(order, &check);
        context.out.push(Effect::FetchCertificate(wanted));
        self.set_timer(context, TimerKind::Certificate, LONGEST_WAIT_MS, now);
        self.verifying = Some(Box::new(Verifying {
            order,
            shown: check.fingerprint(),
            check: Some(check),
        }));
        true
    }

    /// Is it for help, or does somebody who was asked for help call back?
    fn may_be_help(&self, context: &Context) -> bool {
        self.calls_back.is_some() || context.numbering.emergency(&self.record.callee.number).is_some()
    }

    /// Says on the way to another tenant of this server what we know of the caller: his number is ours, or it was verified as it came in.
    pub(super) fn vouch_inside(&self, is_own: bool, headers: &mut [(Name, String)]) {
        let known = match (is_own, self.record.caller_check()) {
            (true, _) => "TN-Validation-Passed-A".to_owned(),
            (false, Some(check)) => check.parameter(),
            (false, None) => return,
        };
        mark_asserted(headers, &known);
    }

    /// The certificate is there, or can't be had.
    pub(crate) fn certificate_came(&mut self, context: &mut Context, outcome: CertificateOutcome, now: Now) {
        let Some(check) = self.stops_waiting(context) else {
            return;
        };
        let (shown, signer) = (check.fingerprint(), check.url().to_owned());
        let claimed = Some(check.claimed());
        let outcome = match outcome {
            CertificateOutcome::Found(octets) => {
                let authorities = context.vouching.authorities();
                Outcome::Verdict(check.with_certificate(&octets, authorities, now.wall.secs()))
            }
            CertificateOutcome::Refused => Outcome::Unfetched(check.fail(Failure::Url)),
            CertificateOutcome::TooLarge => Outcome::Verdict(check.fail(Failure::CertificateUnreadable)),
            CertificateOutcome::Unreachable => Outcome::Verdict(check.unreachable()),
            CertificateOutcome::Busy => Outcome::Unseen(Why::Busy),
        };
        let is_passed = matches!(outcome, Outcome::Verdict(Verdict::Passed(_)));
        if is_passed {
            context.somebody_is_verified(now);
        }
        let outcome = match is_passed && !context.vouching.is_first(shown, self.id, now) {
            true => Outcome::Verdict(Verdict::Failed {
                reason: Failure::Replayed,
                claimed,
            }),
            false => outcome,
        };
        self.is_verified(context, &outcome, &signer, now);
    }

    /// It has not come in time.
    pub(super) fn certificate_is_late(&mut self, context: &mut Context, now: Now) {
        if let Some(check) = self.stops_waiting(context) {
            let signer = check.url().to_owned();
            self.is_verified(context, &Outcome::Verdict(check.unreachable()), &signer, now);
        }
    }

    fn stops_waiting(&mut self, context: &mut Context) -> Option<Verification> {
        let check = self.verifying.as_mut().and_then(|verifying| {
            context.vouching.stops_waiting(verifying.order);
            verifying.check.take()
        });
        self.cancel_timer(context, TimerKind::Certificate);
        check.filter(|_| self.phase == Phase::Opening)
    }

    /// The call ends. One that nobody has heard of may come to us another way, by the same word of who vouches for it.
    pub(super) fn verifies_no_more(&mut self, context: &mut Context) {
        self.stops_waiting(context);
        let is_unheard = !self.record.has_rung() && self.record.answer_time().is_none();
        if let Some(verifying) = self.verifying.take().filter(|_| is_unheard) {
            context.vouching.may_come_again(&verifying.shown, self.id);
        }
    }

    /// Goes on with the call, or refuses it, and tells everybody whom it concerns.
    fn is_verified(&mut self, context: &mut Context, outcome: &Outcome, signer: &str, now: Now) {
        let doubt = outcome.doubt();
        let is_ours = doubt.is_some_and(|doubt| context.somebody_is_not_verified(signer, doubt, now));
        let mut check = outcome.check();
        if is_ours {
            check.verstat = Verstat::None;
        }
        match check.verstat {
            Verstat::Passed => context.counts.stir_passed += 1,
            Verstat::Failed => context.counts.stir_failed += 1,
            Verstat::None => context.counts.stir_unverified += 1,
        }
        let reason = check.reason.as_deref();
        let note = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        let parameter = check.parameter();
        self.run.note(&format!("{parameter}{note}"));
        self.record.verified(check);
        let policy = self.config.policy().stir;
        match outcome.refusal(policy) {
            Some(_) if is_ours && policy == StirPolicy::Reject => context.counts.stir_let_in += 1,
            Some(refusal) => {
                context.counts.stir_refused += 1;
                return self.refuse_unverified(context, refusal, now);
            }
            None => {}
        }
        mark(&mut self.identity.0, &parameter);
        mark_asserted(&mut self.told, &parameter);
        self.start(context, now);
    }

    /// Refuses it for what was found (RFC 8224 §6.2.2), with the reason in the words of RFC 9410.
    fn refuse_unverified(&mut self, context: &mut Context, (code, phrase): (u16, &'static str), now: Now) {
        let cause = Cause {
            sip: code,
            q850: if code == 503 {
                q850::RESOURCE_UNAVAILABLE
            } else {
                q850::CALL_REJECTED
            },
        };
        if code == 503 {
            return self.refuse(context, cause, EndedBy::System, now);
        }
        let reason = format!("STIR;cause={code};text=\"{phrase}\"");
        let bytes = self.refusal_with(context, cause, phrase, &reason);
        if let (Some(invite), Some(bytes)) = (self.invite.take(), bytes) {
            context.tx.respond(invite.server, code, bytes, now.mono);
        }
        self.end(context, cause, EndedBy::System, now);
    }
}

impl Outcome {
    /// What of ours may be the reason.
    fn doubt(&self) -> Option<Doubt> {
        match self {
            Outcome::Unfetched(_) => Some(Doubt::Network),
            Outcome::Unseen(Why::Busy) => Some(Doubt::Busy),
            Outcome::Verdict(Verdict::Failed { reason, .. }) => Doubt::of(*reason),
            Outcome::Verdict(_) | Outcome::Inside(_) | Outcome::Unseen(_) => None,
        }
    }

    fn check(&self) -> CallerCheck {
        let mut check = CallerCheck {
            verstat: Verstat::None,
            attestation: None,
            claimed: None,
            origid: None,
            spc: None,
            reason: None,
        };
        match self {
            Outcome::Inside(Some(heard)) => return heard.clone(),
            Outcome::Inside(None)
            | Outcome::Verdict(Verdict::Absent)
            | Outcome::Unfetched(Verdict::Absent) => {
                check.reason = Some("absent".to_owned());
            }
            Outcome::Unseen(why) => check.reason = Some(why.as_str().to_owned()),
            Outcome::Verdict(Verdict::Passed(proof)) | Outcome::Unfetched(Verdict::Passed(proof)) => {
                check.verstat = Verstat::Passed;
                check.attestation = Some(level(proof.attestation));
                check.origid = Some(proof.origid.to_string());
                check.spc = proof.spc.as_deref().map(str::to_owned);
            }
            Outcome::Verdict(verdict @ Verdict::Failed { reason, claimed })
            | Outcome::Unfetched(verdict @ Verdict::Failed { reason, claimed }) => {
                if verdict.verstat() == stir::Verstat::Failed {
                    check.verstat = Verstat::Failed;
                }
                check.claimed = claimed.map(level);
                check.reason = Some(reason.as_str().to_owned());
            }
        }
        check
    }

    /// How a call is refused for it, where it is.
    fn refusal(&self, policy: StirPolicy) -> Option<(u16, &'static str)> {
        let verdict = match (self, policy) {
            (Outcome::Unseen(Why::Busy), StirPolicy::Require) => return Some((503, "Service Unavailable")),
            (Outcome::Unseen(_), _) => return None,
            (Outcome::Inside(heard), _) => {
                let said = heard.as_ref().map_or(Verstat::None, |heard| heard.verstat);
                return match (said, policy) {
                    (Verstat::Failed, StirPolicy::Reject | StirPolicy::Require) => {
                        Some((438, "Invalid Identity Header"))
                    }
                    (Verstat::None, StirPolicy::Require) => Some((428, "Use Identity Header")),
                    _ => None,
                };
            }
            (Outcome::Verdict(verdict) | Outcome::Unfetched(verdict), _) => verdict,
        };
        let is_wanted = match policy {
            StirPolicy::Off | StirPolicy::Verify => false,
            StirPolicy::Reject => verdict.verstat() == stir::Verstat::Failed,
            StirPolicy::Require => true,
        };
        let refusal = verdict.refusal().filter(|_| is_wanted)?;
        Some((refusal.code, refusal.phrase))
    }
}

/// What the tenant that a call comes from has written of the caller. Nobody else can write on that way.
fn heard_inside(message: &Message<'_>) -> Option<CallerCheck> {
    let asserted = message.header(Name::PAssertedIdentity)?;
    let party = NameAddr::parse(Name::PAssertedIdentity, asserted).ok()?;
    let said = party.uri().ok()?.param("verstat").flatten()?;
    let verstats = [Verstat::Passed, Verstat::Failed, Verstat::None];
    let (verstat, rest) = verstats
        .into_iter()
        .find_map(|verstat| Some((verstat, said.strip_prefix(verstat.as_str())?)))?;
    let levels = [Attestation::A, Attestation::B, Attestation::C];
    let level = levels
        .into_iter()
        .find(|level| rest.strip_prefix('-') == Some(level.as_str()));
    Some(CallerCheck {
        verstat,
        attestation: level,
        claimed: None,
        origid: None,
        spc: None,
        reason: None,
    })
}

fn level(level: stir::Attestation) -> Attestation {
    match level {
        stir::Attestation::A => Attestation::A,
        stir::Attestation::B => Attestation::B,
        stir::Attestation::C => Attestation::C,
    }
}

fn mark_asserted(headers: &mut [(Name, String)], parameter: &str) {
    for (name, value) in headers {
        if *name == Name::PAssertedIdentity {
            mark(value, parameter);
        }
    }
}

/// Writes `verstat` into an address of ours. Behind the host, not behind the number as 3GPP has it: a phone that does not know it would show it
/// as a part of the number.
fn mark(address: &mut String, parameter: &str) {
    if address != ANONYMOUS && address.ends_with('>') {
        address.truncate(address.len().saturating_sub(1));
        address.push_str(";verstat=");
        address.push_str(parameter);
        address.push('>');
    }
}
