//! Browsers in calls: ICE and DTLS-SRTP (RFC 8829) as far as a call has to do with them; and phones with DTLS-SRTP alone
//! (RFC 5763).
//!
//! Owns: who is taken for a browser, or for such a phone, what its leg is given, candidates that come after the description
//! (RFC 8840), and what the media plane says about such a leg. Does not own: descriptions (`sdp`), the protocols (the media
//! plane), keys in descriptions (`keys`).
//!
//! A fingerprint protects as well as the way that it came: who can change it on its way can listen (RFC 5763 §7). So where the
//! tenant requires protection it counts only over TLS and secure WebSocket. Where plain RTP would do as well it counts over
//! any way, because it is worth more than that: pages on a local network, from a host that they trust, speak so.

use super::target::Protected;
use super::{Call, Phase, record};
use crate::context::Context;
use model::{
    DigestName, EndedBy, Fingerprint, FlowToken, IceCandidate, IceCredentials, IceTransport, Insecurity,
    Leg as SideOf, Now, SrtpPolicy, SrtpSuite, Transport, WebTransport,
};
use sdp::{Credentials, Description, Digest, Fragment, Media, Side};
use std::sync::Arc;

/// True when DTLS-SRTP may be used with whom this flow leads to.
pub(super) fn may_be(srtp: SrtpPolicy, flow: &FlowToken) -> bool {
    match srtp {
        SrtpPolicy::None => false,
        SrtpPolicy::Optional => true,
        SrtpPolicy::Required => flow.transport.is_encrypted(),
    }
}

/// True for a phone that is asked for ICE and DTLS-SRTP first.
pub(super) fn is_browser(context: &Context, srtp: SrtpPolicy, flow: &FlowToken) -> bool {
    matches!(flow.transport, Transport::Ws | Transport::Wss)
        && !context.fingerprints.is_empty()
        && may_be(srtp, flow)
}

/// True for a phone that can be asked for DTLS-SRTP without ICE.
pub(super) fn may_be_asked(context: &Context, srtp: SrtpPolicy, flow: &FlowToken) -> bool {
    !matches!(flow.transport, Transport::Ws | Transport::Wss)
        && !context.fingerprints.is_empty()
        && may_be(srtp, flow)
}

/// True when the writer takes its keys from DTLS and speaks no ICE.
pub(super) fn is_dtls_alone(said: &Description) -> bool {
    let mut webs = said.media().iter().filter_map(|media| media.web.as_ref());
    webs.any(|web| web.ice.is_none())
}

/// The leg may speak DTLS-SRTP, with ICE or without.
pub(super) fn welcome(context: &mut Context, side: &mut Side) {
    let Some(fingerprint) = context.fingerprints.first().map(Arc::clone) else {
        return;
    };
    let ice = Credentials::new(|| context.random());
    let seed = [context.random(), context.random()];
    side.speak_web(ice, seed, 0, fingerprint);
}

/// A leg that offers it may speak it, whatever it was taken for.
pub(super) fn welcome_if_offered(context: &mut Context, side: &mut Side, offer: Option<&Description>) {
    let offered = offer.is_some_and(|offer| offer.media().iter().any(|media| media.web.is_some()));
    if offered && !side.may_speak_web() {
        welcome(context, side);
    }
}

/// The leg comes into another media session: another certificate tells the browser to begin anew.
pub(super) fn move_to_another_session(context: &mut Context, side: &mut Side) {
    let Some(before) = side.certificate() else { return };
    let count = u8::try_from(context.fingerprints.len()).unwrap_or(u8::MAX);
    let next = before.wrapping_add(1).checked_rem(count).unwrap_or(0);
    if let Some(fingerprint) = context.fingerprints.get(usize::from(next)).map(Arc::clone) {
        side.restart_web(Credentials::new(|| context.random()), next, fingerprint);
    }
}

/// What the media plane is told of a stream with ICE and DTLS-SRTP.
pub(super) fn for_media(media: &Media, side: &Side) -> Option<Box<WebTransport>> {
    let path = side.web_path(media)?;
    let credentials = |of: &Credentials| IceCredentials {
        ufrag: of.ufrag.clone(),
        pwd: of.pwd.clone(),
    };
    let candidates = path.theirs.candidates.iter().map(|candidate| IceCandidate {
        address: candidate.address,
        priority: candidate.priority,
    });
    let ice = path.theirs.ice.as_ref().map(|theirs| IceTransport {
        ours: credentials(path.ours),
        seed: path.seed,
        theirs: credentials(theirs),
        candidates: candidates.collect(),
        lite: path.theirs.lite,
        controlling: path.controlling,
    });
    let fingerprints = path.theirs.fingerprints.iter().map(|print| Fingerprint {
        digest: match print.digest {
            Digest::Sha256 => DigestName::Sha256,
            Digest::Sha384 => DigestName::Sha384,
            Digest::Sha512 => DigestName::Sha512,
        },
        octets: print.octets.clone(),
    });
    Some(Box::new(WebTransport {
        ice,
        active: path.active,
        certificate: path.certificate,
        fingerprints: fingerprints.collect(),
    }))
}

impl Call {
    /// Goes over a relay after all, because a browser is rung, or a phone with DTLS-SRTP: they can't talk to a phone straight.
    pub(super) fn relay_for_browsers(&mut self, context: &Context, sleeping: Option<FlowToken>) {
        let srtp = self.config.policy().srtp;
        let rung = || self.targets.iter().skip(self.round);
        let mut flows = rung().map(|target| target.flow).chain(sleeping);
        let browsers = flows.any(|flow| is_browser(context, srtp, &flow));
        if browsers || rung().any(|target| target.asked_for == Protected::ByDtls) {
            self.bridge.relay(self.config.id(), self.id);
        }
    }

    /// Candidates of a leg that came after its description.
    pub(super) fn trickled(&mut self, context: &mut Context, side: SideOf, body: &[u8]) {
        let fragment = Fragment::parse(body);
        let remote = self.leg_mut(side).and_then(|leg| leg.remote.as_mut());
        if remote.is_some_and(|remote| remote.trickle(&fragment)) && self.phase == Phase::Answered {
            let config = Arc::clone(&self.config);
            self.media_follows(context, &config.policy().codecs);
        }
    }

    /// A leg has its keys by DTLS.
    pub(super) fn secured(&mut self, leg: SideOf, suite: SrtpSuite) {
        self.bridge.secured(leg, suite);
    }

    /// A leg gets no audio. Who can't prove to be whom its description says has no place in the call, and neither has who was
    /// never reached. Who was heard before may come back: its call goes on.
    pub(super) fn unsecured(&mut self, context: &mut Context, leg: SideOf, why: Insecurity, now: Now) {
        match why {
            Insecurity::NoPath => context.counts.ice_failed += 1,
            Insecurity::ConsentLost => context.counts.consent_lost += 1,
            Insecurity::Fingerprint | Insecurity::Handshake => context.counts.dtls_failed += 1,
        }
        let never = self.bridge.suite(leg).is_none();
        let cause = match why {
            _ if self.phase != Phase::Answered => return,
            Insecurity::Fingerprint | Insecurity::Handshake => record::q850::INCOMPATIBLE,
            Insecurity::NoPath if never => record::q850::TEMPORARY_FAILURE,
            Insecurity::NoPath | Insecurity::ConsentLost => return,
        };
        context.counts.audio_faults += u64::from(self.record.blamed(leg, why.fault()));
        self.hang_up(context, cause, EndedBy::System, why.as_str(), now);
    }
}
