//! The media of a call: a relay session, or none where audio goes straight between the phones.

use crate::context::Context;
use model::{CallId, FlowToken, Leg, LegQuality, MediaCommand, MediaPolicy, MediaSessionId, TenantId};
use sdp::{Anchor, Description};
use std::net::SocketAddr;

/// Where audio goes, and what was counted.
pub(crate) struct Bridge {
    session: Option<MediaSessionId>,
    addresses: Option<(SocketAddr, SocketAddr)>,
    quality: Option<(LegQuality, LegQuality)>,
}

impl Bridge {
    /// `relay` sessions are named after tenant and call, so that a report finds its call without a table.
    pub(crate) fn new(tenant: TenantId, call: CallId, policy: MediaPolicy) -> Bridge {
        let name = MediaSessionId(tenant.0 << 32 | call.0);
        let session = (policy == MediaPolicy::Relay).then_some(name);
        Bridge {
            session,
            addresses: None,
            quality: None,
        }
    }

    pub(crate) fn session(&self) -> Option<MediaSessionId> {
        self.session
    }

    /// Asks for ports; false when there is nothing to ask for.
    pub(crate) fn open(
        &self,
        context: &mut Context,
        caller: &FlowToken,
        callee: &FlowToken,
        silence_s: u32,
    ) -> bool {
        let Some(session) = self.session else { return false };
        let (caller_ip, callee_ip) = (caller.local.ip(), callee.local.ip());
        context.media(MediaCommand::Open {
            session,
            caller_ip,
            callee_ip,
            silence_s,
        });
        true
    }

    /// True once there are ports.
    pub(crate) fn is_open(&self) -> bool {
        self.addresses.is_some()
    }

    pub(crate) fn opened(&mut self, caller: SocketAddr, callee: SocketAddr) {
        self.addresses = Some((caller, callee));
    }

    /// No session came to be; there is nothing to close.
    pub(crate) fn forget(&mut self) {
        self.session = None;
    }

    /// Our address that faces a leg.
    pub(crate) fn anchor(&self, leg: Leg) -> Option<Anchor> {
        let (caller, callee) = self.addresses?;
        Some(Anchor {
            rtp: if leg == Leg::Caller { caller } else { callee },
        })
    }

    /// Passes on where a leg expects packets.
    pub(crate) fn remote(
        &self,
        context: &mut Context,
        leg: Leg,
        description: &Description,
        allowed: &[String],
        flow: &FlowToken,
    ) {
        let Some(session) = self.session else { return };
        let audio = description.audio(allowed);
        context.media(MediaCommand::Remote {
            session,
            leg,
            rtp: audio.and_then(sdp::Media::rtp_address),
            rtcp: audio.and_then(sdp::Media::rtcp_address),
            signalling_ip: flow.remote.ip(),
            srtp: None,
        });
    }

    /// A leg expects nothing here any more.
    pub(crate) fn mute(&self, context: &mut Context, leg: Leg, flow: &FlowToken) {
        if let Some(session) = self.session {
            context.media(MediaCommand::Remote {
                session,
                leg,
                rtp: None,
                rtcp: None,
                signalling_ip: flow.remote.ip(),
                srtp: None,
            });
        }
    }

    /// The call is up; `hold` while silence is expected.
    pub(crate) fn watch(&self, context: &mut Context, hold: bool) {
        if let Some(session) = self.session {
            context.media(MediaCommand::Watch { session, hold });
        }
    }

    /// Gives the ports back; false when there are none.
    pub(crate) fn close(&self, context: &mut Context) -> bool {
        let Some(session) = self.session else { return false };
        context.media(MediaCommand::Close { session });
        true
    }

    pub(crate) fn closed(&mut self, caller: LegQuality, callee: LegQuality) {
        self.quality = Some((caller, callee));
    }

    pub(crate) fn quality(&self) -> Option<(LegQuality, LegQuality)> {
        self.quality
    }
}
