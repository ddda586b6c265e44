//! The media of a call: a relay session, or none where audio goes straight between the phones.

use super::beside::Streams;
use super::{keys, web};
use crate::context::Context;
use model::{
    CallId, FlowToken, Leg, LegQuality, MediaCommand, MediaSessionId, Over, Policy, Program, Recording,
    RecordingId, Seats, Signals, SrtpSuite, StreamKind, TenantId,
};
use sdp::{Anchor, Description, Side};
use std::net::SocketAddr;

/// Where audio goes, and what was counted.
pub(crate) struct Bridge {
    session: Option<MediaSessionId>,
    addresses: Option<(SocketAddr, SocketAddr)>,
    quality: Option<(LegQuality, LegQuality)>,
    means: Means,
    /// Whether caller and callee hear music.
    music: (bool, bool),
    /// What is listened for in what caller and callee say.
    heard: (Signals, Signals),
    /// How caller and callee protect their audio.
    suites: (Option<SrtpSuite>, Option<SrtpSuite>),
    /// What there is beside audio.
    pub(super) streams: Streams,
}

/// What the relay may do for the legs by the tenant's policy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Means {
    transcodes: bool,
    plays: bool,
}

impl Means {
    pub(crate) fn of(policy: &Policy) -> Means {
        Means {
            transcodes: policy.transcode,
            plays: policy.music().is_some(),
        }
    }
}

impl Bridge {
    /// `relay` sessions are named after tenant and call, so that a report finds its call without a table.
    pub(crate) fn new(tenant: TenantId, call: CallId, means: Means, relays: bool) -> Bridge {
        let mut bridge = Bridge {
            session: None,
            addresses: None,
            quality: None,
            means,
            music: (false, false),
            heard: (Signals::default(), Signals::default()),
            suites: (None, None),
            streams: Streams::default(),
        };
        if relays {
            bridge.relay(tenant, call);
        }
        bridge
    }

    /// Audio is to be relayed. Before anything is opened.
    pub(crate) fn relay(&mut self, tenant: TenantId, call: CallId) {
        self.session = Some(MediaSessionId::of(tenant, call, StreamKind::Audio));
    }

    /// The bridge of a call of an earlier life, which had these ports.
    pub(crate) fn restored(
        tenant: TenantId,
        call: CallId,
        means: Means,
        ports: Option<(SocketAddr, SocketAddr)>,
        suites: (Option<SrtpSuite>, Option<SrtpSuite>),
    ) -> Bridge {
        Bridge {
            addresses: ports,
            suites,
            ..Bridge::new(tenant, call, means, ports.is_some())
        }
    }

    /// Asks for the ports that it had.
    pub(crate) fn reopen(&self, context: &mut Context, silence_s: u32) {
        if let (Some(session), Some((caller, callee))) = (self.session, self.addresses) {
            context.media(MediaCommand::Reopen {
                session,
                caller,
                callee,
                silence_s,
            });
        }
    }

    /// Our addresses that face caller and callee.
    pub(crate) fn addresses(&self) -> Option<(SocketAddr, SocketAddr)> {
        self.addresses.filter(|_| self.session.is_some())
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
        urgent: bool,
    ) -> bool {
        let Some(session) = self.session else { return false };
        let (caller_ip, callee_ip) = (caller.local.ip(), callee.local.ip());
        context.media(MediaCommand::Open {
            session,
            caller_ip,
            callee_ip,
            silence_s,
            urgent,
        });
        true
    }

    /// Asks for ports towards the caller alone, for a call that the server answers. It is relayed, that is to say that its
    /// audio comes to us, whatever the policy says about audio between phones.
    pub(crate) fn serve(&self, context: &mut Context, caller: &FlowToken, silence_s: u32) {
        let Some(session) = self.session else { return };
        let ssrc = u32::try_from(context.random() >> 32).unwrap_or(0);
        context.media(MediaCommand::Serve {
            session,
            ip: caller.local.ip(),
            silence_s,
            ssrc,
        });
    }

    /// What a leg hears of us from now on.
    pub(crate) fn play(
        &self,
        context: &mut Context,
        leg: Leg,
        (id, program): (u32, Option<Program>),
        over: Over,
    ) {
        if let Some(session) = self.session {
            context.media(MediaCommand::Play {
                session,
                leg,
                id,
                program,
                over,
            });
        }
    }

    /// What a leg types is nobody's business from now on, or no longer.
    pub(crate) fn mask(&self, context: &mut Context, leg: Leg, on: bool) {
        if let Some(session) = self.session {
            context.media(MediaCommand::Mask { session, leg, on });
        }
    }

    /// Begins or ends a recording.
    pub(crate) fn record(&self, context: &mut Context, recording: RecordingId, act: Recording) {
        if let Some(session) = self.session {
            context.media(MediaCommand::Record {
                session,
                recording,
                act,
            });
        }
    }

    /// A leg hears this music from now on, or none; nothing is said twice.
    pub(crate) fn music(&mut self, context: &mut Context, leg: Leg, music: Option<Program>) {
        let heard = match leg {
            Leg::Caller => &mut self.music.0,
            Leg::Callee => &mut self.music.1,
        };
        if let Some(session) = self.session
            && *heard != music.is_some()
        {
            *heard = music.is_some();
            context.media(MediaCommand::Play {
                session,
                leg,
                id: 0,
                program: music,
                over: Over::Instead,
            });
        }
    }

    /// Does a leg hear music?
    pub(crate) fn has_music(&self, leg: Leg) -> bool {
        match leg {
            Leg::Caller => self.music.0,
            Leg::Callee => self.music.1,
        }
    }

    /// Takes the legs into a room, or out of it.
    pub(crate) fn join(&self, context: &mut Context, seats: Option<Seats>) {
        if let Some(session) = self.session {
            context.media(MediaCommand::Join { session, seats });
        }
    }

    /// Changes what is listened for in what a leg says; what else is listened for there stays.
    pub(crate) fn listen(&mut self, context: &mut Context, leg: Leg, change: impl FnOnce(&mut Signals)) {
        let heard = match leg {
            Leg::Caller => &mut self.heard.0,
            Leg::Callee => &mut self.heard.1,
        };
        change(heard);
        let signals = *heard;
        if let Some(session) = self.session {
            context.media(MediaCommand::Listen {
                session,
                leg,
                signals,
            });
        }
    }

    /// Sends a digit to a leg.
    pub(crate) fn dial(&self, context: &mut Context, leg: Leg, key: char) {
        if let Some(session) = self.session {
            context.media(MediaCommand::Dial {
                session,
                leg,
                digits: key.to_string().into(),
            });
        }
    }

    /// True once there are ports.
    pub(crate) fn is_open(&self) -> bool {
        self.addresses.is_some()
    }

    pub(crate) fn opened(&mut self, caller: SocketAddr, callee: SocketAddr) {
        self.addresses = Some((caller, callee));
    }

    /// No session came to be; there is nothing to close but what there is beside it.
    pub(crate) fn forget(&mut self, context: &mut Context) {
        self.close_streams(context, |_| false);
        self.session = None;
    }

    /// Our address that faces a leg.
    pub(crate) fn anchor(&self, leg: Leg) -> Option<Anchor> {
        let (caller, callee) = self.addresses?;
        Some(Anchor {
            rtp: if leg == Leg::Caller { caller } else { callee },
            transcodes: self.means.transcodes,
            plays: self.means.plays,
            video: self.streams.address(StreamKind::Video, leg),
            fax: self.streams.address(StreamKind::Fax, leg),
        })
    }

    /// Passes on where a leg expects packets, and its keys.
    pub(crate) fn remote(
        &mut self,
        context: &mut Context,
        leg: Leg,
        (description, side): (&Description, Option<&Side>),
        allowed: &[String],
        flow: &FlowToken,
    ) {
        let Some(session) = self.session else { return };
        let audio = description.audio(allowed);
        let srtp = audio.zip(side).and_then(|(audio, side)| side.srtp(audio));
        let srtp = srtp.and_then(keys::for_media);
        let web = audio
            .zip(side)
            .and_then(|(audio, side)| web::for_media(audio, side));
        let suite = match leg {
            Leg::Caller => &mut self.suites.0,
            Leg::Callee => &mut self.suites.1,
        };
        // What comes of DTLS is reported.
        if web.is_none() && (audio.and_then(sdp::Media::rtp_address).is_some() || srtp.is_some()) {
            *suite = srtp.as_ref().map(|keys| keys.suite);
        }
        context.media(MediaCommand::Remote {
            session,
            leg,
            rtp: audio.and_then(sdp::Media::rtp_address),
            rtcp: audio.and_then(sdp::Media::rtcp_address),
            signalling_ip: flow.signalling_ip(),
            srtp,
            voice: audio
                .zip(side)
                .and_then(|(audio, side)| super::voice::of(side, audio))
                .map(Box::new),
            web,
        });
        self.remote_streams(context, leg, (description, side), allowed, flow);
    }

    /// A leg expects nothing here any more.
    pub(crate) fn mute(&self, context: &mut Context, leg: Leg, flow: &FlowToken) {
        if let Some(session) = self.session {
            context.media(MediaCommand::Remote {
                session,
                leg,
                rtp: None,
                rtcp: None,
                signalling_ip: flow.signalling_ip(),
                srtp: None,
                voice: None,
                web: None,
            });
        }
    }

    /// The call is up; `hold` while silence is expected. Caller and callee are `quiet` when they say that they send nothing.
    pub(crate) fn watch(&self, context: &mut Context, hold: bool, quiet: [bool; 2]) {
        if let Some(session) = self.session {
            context.media(MediaCommand::Watch { session, hold, quiet });
        }
        self.watch_streams(context);
    }

    /// Gives the ports back; false when there are none. Those of the audio last: what was counted of it is waited for.
    pub(crate) fn close(&mut self, context: &mut Context) -> bool {
        self.close_streams(context, |_| false);
        let Some(session) = self.session else { return false };
        context.media(MediaCommand::Close { session });
        true
    }

    pub(crate) fn closed(&mut self, caller: LegQuality, callee: LegQuality) {
        self.quality = Some((caller, callee));
    }

    /// A leg protects its audio so, as DTLS had it.
    pub(crate) fn secured(&mut self, leg: Leg, suite: SrtpSuite) {
        match leg {
            Leg::Caller => self.suites.0 = Some(suite),
            Leg::Callee => self.suites.1 = Some(suite),
        }
    }

    /// How a leg protected its audio last.
    pub(crate) fn suite(&self, leg: Leg) -> Option<SrtpSuite> {
        match leg {
            Leg::Caller => self.suites.0,
            Leg::Callee => self.suites.1,
        }
    }

    /// How caller and callee protected their audio last.
    pub(crate) fn suites(&self) -> (Option<SrtpSuite>, Option<SrtpSuite>) {
        self.suites
    }

    pub(crate) fn quality(&self) -> Option<(LegQuality, LegQuality)> {
        self.quality
    }
}
