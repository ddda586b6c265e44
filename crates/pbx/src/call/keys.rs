//! Keys for audio (RFC 4568): which leg may have some, and reading descriptions with that in mind.
//!
//! Owns: the tenant's policy applied to a leg. Does not own: how keys are written (`sdp`), and the packets (the media plane).
//!
//! - Keys come and go only over TLS and secure WebSocket (SECURITY row 9). A leg whose phone comes back on an open way
//!   loses them.
//! - Each leg has keys of its own, each phone that is rung as well, and a leg that comes into another call gets new ones: a
//!   media session that begins anew must not use a key stream again. Otherwise ours change only when the phone's do.
//! - Phones on TLS are offered RTP/SAVP. One that refuses is asked again for DTLS-SRTP (RFC 5763), and then for plain RTP, if it
//!   may be plain. One that has used DTLS-SRTP is asked for that first. Where an offer can't be made again it is RTP/AVP with
//!   keys, which many phones take.
//! - Phones on WebSocket are taken for browsers: they are offered ICE and DTLS-SRTP (`web`), and asked again for plain RTP if
//!   they refuse. What a phone offers is what it is.
//! - A call with keys is relayed even where audio goes straight otherwise: its legs speak with different keys, and a direct
//!   call would show each phone's keys to the other.

use super::target::{Protected, State, Target};
use super::{Call, Leg, Phase, codecs, web};
use crate::context::Context;
use crate::peer::Peer;
use model::{
    FlowToken, Leg as SideOf, MediaPolicy, Now, Policy, SrtpKey, SrtpKeys, SrtpPolicy, SrtpSuite,
    TenantConfig, Transport,
};
use sdp::{Admit, Credentials, Description, Keyring, Media, Protection, Side, Srtp, Suite};
use std::sync::Arc;

/// INVITEs to one phone for one call.
pub(super) const INVITES: u32 = 4;

/// What may be read from an offer that came on this flow.
pub(super) fn admit(srtp: SrtpPolicy, flow: &FlowToken) -> Admit {
    Admit {
        keys: srtp != SrtpPolicy::None && flow.transport.is_encrypted(),
        dtls: web::may_be(srtp, flow),
        plain: may_be_plain(srtp),
    }
}

pub(super) fn may_be_plain(srtp: SrtpPolicy) -> bool {
    srtp != SrtpPolicy::Required
}

/// What holds for a leg: what the tenant says of its phones, or what the trunk says of its carrier.
pub(super) fn policy_of(config: &TenantConfig, peer: Peer) -> SrtpPolicy {
    let trunk = peer.trunk().and_then(|id| config.trunk(id));
    trunk.map_or(config.policy().srtp, |trunk| trunk.draft.srtp)
}

/// Gives a leg new keys, if it may have any. `again`: an offer that is refused can be made in other words.
pub(super) fn equip(context: &mut Context, srtp: SrtpPolicy, side: &mut Side, flow: &FlowToken, again: bool) {
    equip_with_keys(context, srtp, side, flow, again);
    if web::is_browser(context, srtp, flow) {
        web::welcome(context, side);
        side.ask_for_web();
    }
}

/// The same without DTLS.
fn equip_with_keys(context: &mut Context, srtp: SrtpPolicy, side: &mut Side, flow: &FlowToken, again: bool) {
    let protection = match (srtp, flow.transport) {
        (SrtpPolicy::Required, Transport::Tls | Transport::Wss) => Protection::Demanded,
        (SrtpPolicy::Optional, Transport::Tls) if again => Protection::Demanded,
        (SrtpPolicy::Optional, Transport::Tls) => Protection::Wished,
        (SrtpPolicy::Optional, Transport::Wss) => Protection::None,
        _ => return side.forget_keys(may_be_plain(srtp)),
    };
    side.protect(Keyring::new(|| context.random()), protection);
    side.protect_video(Keyring::new(|| context.random()));
}

/// True when a call that this was offered in is to be relayed.
pub(super) fn needs_relay(policy: &Policy, offer: Option<&Description>) -> bool {
    let streams = offer.map(|offer| [offer.audio(&policy.codecs), offer.video(&policy.codecs)]);
    let mut streams = streams.into_iter().flatten().flatten();
    policy.media == MediaPolicy::Relay
        || policy.srtp == SrtpPolicy::Required
        || streams.any(Media::is_protected)
}

/// The keys of a leg as the media plane takes them.
pub(super) fn for_media(srtp: Srtp) -> Option<Box<SrtpKeys>> {
    let suite = match srtp.suite {
        Suite::AeadAes256Gcm => SrtpSuite::AeadAes256Gcm,
        Suite::AeadAes128Gcm => SrtpSuite::AeadAes128Gcm,
        Suite::AesCm128HmacSha1_80 => SrtpSuite::AesCm128HmacSha1_80,
        Suite::AesCm128HmacSha1_32 => SrtpSuite::AesCm128HmacSha1_32,
    };
    Some(Box::new(SrtpKeys {
        suite,
        ours: SrtpKey::new(srtp.ours.octets())?,
        theirs: SrtpKey::new(srtp.theirs.octets())?,
    }))
}

impl Leg {
    /// Keys don't follow a phone to an open way.
    pub(super) fn guard_keys(&mut self, context: &Context) {
        let srtp = policy_of(&context.config, self.peer);
        if self.flow.transport.is_encrypted() {
            return;
        }
        match web::may_be(srtp, &self.flow) && self.side.is_web() {
            true => self.side.forget_ring(),
            false if self.side.may_have_keys() || self.side.may_speak_web() => {
                self.side.forget_keys(may_be_plain(srtp));
            }
            false => {}
        }
    }

    /// An offer of the phone, as it may be used.
    pub(super) fn read_offer(&self, config: &TenantConfig, body: &[u8]) -> Option<Description> {
        let admitted = admit(policy_of(config, self.peer), &self.flow);
        let admitted = Admit {
            keys: admitted.keys && self.side.may_have_keys(),
            dtls: admitted.dtls && self.side.may_speak_web(),
            ..admitted
        };
        let said = Description::parse_with(body, admitted).ok()?;
        Some(codecs::heard(config, self.peer, said))
    }

    /// The phone's answer to what it was told last.
    pub(super) fn read_answer(&mut self, config: &TenantConfig, body: &[u8]) -> Option<Description> {
        let plain = may_be_plain(policy_of(config, self.peer));
        let said = Description::parse_answer(body, &mut self.side, plain).ok()?;
        Some(codecs::heard(config, self.peer, said))
    }
}

impl Target {
    /// The answer of a phone that is rung.
    pub(super) fn read_answer(&mut self, config: &TenantConfig, body: &[u8]) -> Option<Description> {
        let plain = may_be_plain(policy_of(config, self.peer));
        let said = match &mut self.side {
            Some(side) => Description::parse_answer(body, side, plain),
            None => {
                let admit = Admit {
                    keys: false,
                    dtls: false,
                    plain,
                };
                Description::parse_with(body, admit)
            }
        };
        Some(codecs::heard(config, self.peer, said.ok()?))
    }

    /// An offer of a phone that is rung, in an early dialog.
    pub(super) fn read_offer(&self, config: &TenantConfig, body: &[u8]) -> Option<Description> {
        let admitted = admit(policy_of(config, self.peer), &self.flow);
        let admitted = Admit {
            keys: admitted.keys && self.side.is_some(),
            dtls: admitted.dtls && self.side.as_ref().is_some_and(|side| side.may_speak_web()),
            ..admitted
        };
        let said = Description::parse_with(body, admitted).ok()?;
        Some(codecs::heard(config, self.peer, said))
    }
}

impl Call {
    /// An offer inside the dialog of a leg. Where it brings a new key of the phone, ours is renewed.
    pub(super) fn read_offer(
        &mut self,
        context: &mut Context,
        side: SideOf,
        body: &[u8],
    ) -> Option<Description> {
        let config = Arc::clone(&self.config);
        let leg = self.leg_mut(side)?;
        let offer = leg.read_offer(&config, body)?;
        let audio = offer.audio(&config.policy().codecs);
        if audio.is_some_and(|audio| leg.side.is_rekeyed_by(audio)) {
            leg.side.rekey(Keyring::new(|| context.random()));
        }
        let video = offer.video(&config.policy().codecs);
        if video.is_some_and(|video| leg.side.is_rekeyed_by(video)) {
            leg.side.rekey_video(Keyring::new(|| context.random()));
        }
        if audio.is_some_and(|audio| leg.side.is_restarted_by(audio)) {
            leg.side.restart_ice(Credentials::new(|| context.random()));
        }
        Some(offer)
    }

    pub(super) fn read_answer(&mut self, side: SideOf, body: &[u8]) -> Option<Description> {
        let config = Arc::clone(&self.config);
        self.leg_mut(side)?.read_answer(&config, body)
    }

    /// Goes over a relay after all, because somebody who comes in has keys or other codecs.
    pub(super) fn relay_for(&mut self, said: &Description) {
        if needs_relay(self.config.policy(), Some(said)) || self.needs_voices(said) {
            self.bridge.relay(self.config.id(), self.id);
        }
    }

    /// A leg that comes in is new to this media session.
    pub(super) fn rekey_guest(&self, context: &mut Context, leg: &mut Leg) {
        let srtp = policy_of(&self.config, leg.peer);
        if self.bridge.session().is_some() {
            let stays = leg.side.is_web() && web::may_be(srtp, &leg.flow);
            if !stays || leg.flow.transport.is_encrypted() {
                equip_with_keys(context, srtp, &mut leg.side, &leg.flow, false);
            }
            web::move_to_another_session(context, &mut leg.side);
        } else {
            leg.side.forget_keys(may_be_plain(srtp));
        }
    }

    /// What a phone is offered: its own keys with what all are offered, that alone, or nothing.
    pub(super) fn offer_for(&mut self, context: &mut Context, index: usize) -> Option<String> {
        let config = Arc::clone(&self.config);
        let policy = config.policy();
        let text = self.offered.clone()?;
        let (flow, asked_for) = self.targets.get(index).map(|t| (t.flow, t.asked_for))?;
        let srtp = policy_of(&config, self.targets.get(index)?.peer);
        let allowed = admit(srtp, &flow);
        let by_dtls = asked_for == Protected::ByDtls && web::may_be_asked(context, srtp, &flow);
        let own = allowed.keys || by_dtls || web::is_browser(context, srtp, &flow);
        if !own || self.bridge.session().is_none() {
            self.targets.get_mut(index)?.side = None;
            return allowed.plain.then_some(text);
        }
        let target = self.targets.get_mut(index)?;
        if target.side.is_none() && asked_for != Protected::Not {
            let mut side = Side::new(context.random() >> 1);
            codecs::restrict(&config, target.peer, &mut side);
            equip(context, srtp, &mut side, &flow, true);
            if by_dtls {
                web::welcome(context, &mut side);
                side.ask_for_dtls();
            }
            target.side = Some(Box::new(side));
        }
        let (Some(offer), Some(side)) = (&self.offer, &mut target.side) else {
            return Some(text);
        };
        let anchor = self.bridge.anchor(SideOf::Callee);
        sdp::offer(offer, side, anchor, &policy.codecs).ok()
    }

    /// A phone that was offered SRTP alone refuses, or answers what can't be used: it is asked for another kind, and in the end
    /// for plain RTP where that may be. False when not.
    pub(super) fn asks_otherwise(
        &mut self,
        context: &mut Context,
        index: usize,
        code: u16,
        now: Now,
    ) -> bool {
        let config = Arc::clone(&self.config);
        let may = self.phase == Phase::Ringing && self.offer.is_some();
        let Some(target) = self.targets.get_mut(index).filter(|_| may) else {
            return false;
        };
        let srtp = policy_of(&config, target.peer);
        let asked = target.side.as_ref().is_some_and(|side| side.is_open());
        let possible = matches!(code, 415 | 488 | 606) && target.cseq < INVITES;
        if !asked || !possible || target.state != State::Calling {
            return false;
        }
        // Whatever it is asked for now: the next call begins with keys again.
        if target.asked_for == Protected::ByDtls {
            context.location.takes_dtls(target.user(), &target.flow, false);
        }
        let next = match target.asked_for {
            Protected::ByKeys if web::may_be_asked(context, srtp, &target.flow) => Protected::ByDtls,
            Protected::ByKeys | Protected::ByDtls if may_be_plain(srtp) => Protected::Not,
            _ => return false,
        };
        target.side = None;
        target.asked_for = next;
        target.renew(context);
        self.send_invite(context, index, now);
        self.conclude(context, now);
        true
    }
}
