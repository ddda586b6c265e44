//! Streams beside the audio of a call that is relayed: pictures and faxes, each with a media session of its own.
//!
//! Owns: when their ports are asked for and given back, and what was counted. Does not own: what is agreed on (`sdp`), and
//! packets (the media plane).
//!
//! - Ports are asked for when an offer has such a stream, before it is passed on, and given back as soon as not both sides
//!   have it: an answer without it, a refusal, the end of the call. When there are none left, the stream is refused and the
//!   call goes on.
//! - Where audio goes straight, so do these, and there is nothing to open.
//! - A leg's keys for pictures are new each time, for their media session begins anew.
//! - While a fax goes on there is no audio, and none is missed.
//! - Pictures that come to no keys end no call, unless somebody else than the phone has shown himself there.

use super::beside::{MOST_RECORDS, Stream};
use super::leg::Exchange;
use super::setup::MEDIA_OPEN_MS;
use super::{Bridge, Call, Phase};
use crate::context::{Context, TimerKind};
use model::{
    FlowToken, Insecurity, Leg, MediaCommand, MediaReport, MediaSessionId, Now, Policy, StreamKind,
    StreamRecord,
};
use sdp::{Description, Keyring, Media};
use sip::Message;
use std::sync::Arc;

/// The stream of this kind, where a description has it.
fn described<'a>(said: &'a Description, kind: StreamKind, allowed: &'a [String]) -> Option<&'a Media> {
    match kind {
        StreamKind::Audio => said.audio(allowed),
        StreamKind::Video => said.video(allowed),
        StreamKind::Fax => said.fax(),
    }
}

impl Bridge {
    fn stream_session(&self, kind: StreamKind) -> Option<MediaSessionId> {
        let audio = self.session()?;
        Some(MediaSessionId::of(audio.tenant(), audio.call(), kind))
    }

    /// Asks for ports for the streams of an offer that have none. Gives which.
    fn open_streams(
        &mut self,
        context: &mut Context,
        offer: &Description,
        (caller, callee): (&FlowToken, &FlowToken),
        policy: &Policy,
    ) -> Vec<StreamKind> {
        let mut asked = Vec::new();
        for kind in StreamKind::BESIDES {
            let known = self.streams.open.iter().any(|stream| stream.kind == kind);
            let Some(session) = self.stream_session(kind).filter(|_| !known) else {
                continue;
            };
            if described(offer, kind, &policy.codecs).is_some() {
                context.media(MediaCommand::OpenStream {
                    session,
                    stream: kind,
                    caller_ip: caller.local.ip(),
                    callee_ip: callee.local.ip(),
                    // Who shows nothing has not gone.
                    silence_s: if kind == StreamKind::Fax {
                        policy.media_silence_s
                    } else {
                        0
                    },
                });
                self.streams.open.push(Stream {
                    kind,
                    addresses: None,
                });
                asked.push(kind);
            }
        }
        asked
    }

    /// Gives the ports back of streams that `goes_on` does not know, or of all.
    pub(super) fn close_streams(&mut self, context: &mut Context, goes_on: impl Fn(StreamKind) -> bool) {
        for kind in StreamKind::BESIDES {
            if !goes_on(kind)
                && let Some(session) = self.stream_session(kind)
                && self.streams.remove(kind)
            {
                context.media(MediaCommand::Close { session });
            }
        }
    }

    /// Passes on where a leg expects the packets of each stream, and its keys.
    pub(super) fn remote_streams(
        &self,
        context: &mut Context,
        leg: Leg,
        (said, side): (&Description, Option<&sdp::Side>),
        allowed: &[String],
        flow: &FlowToken,
    ) {
        for stream in self
            .streams
            .open
            .iter()
            .filter(|stream| stream.addresses.is_some())
        {
            let Some(session) = self.stream_session(stream.kind) else {
                continue;
            };
            let media = described(said, stream.kind, allowed);
            let guarded = media.zip(side).filter(|_| stream.kind == StreamKind::Video);
            context.media(MediaCommand::Remote {
                session,
                leg,
                rtp: media.and_then(Media::rtp_address),
                rtcp: media
                    .and_then(Media::rtcp_address)
                    .filter(|_| stream.kind == StreamKind::Video),
                signalling_ip: flow.signalling_ip(),
                srtp: guarded
                    .and_then(|(media, side)| side.srtp(media))
                    .and_then(super::keys::for_media),
                voice: None,
                web: guarded.and_then(|(media, side)| super::web::for_media(media, side)),
            });
        }
    }

    /// From now on it is noticed when a fax has gone silent.
    pub(super) fn watch_streams(&self, context: &mut Context) {
        let ready = |stream: &Stream| stream.kind == StreamKind::Fax && stream.addresses.is_some();
        if let Some(session) = self.stream_session(StreamKind::Fax)
            && self.streams.open.iter().any(ready)
        {
            let (hold, quiet) = (false, [false; 2]);
            context.media(MediaCommand::Watch { session, hold, quiet });
        }
    }
}

impl Call {
    /// True for the media sessions of this call.
    pub(crate) fn has_session(&self, session: MediaSessionId) -> bool {
        let own = self.bridge.session();
        own.is_some_and(|own| (own.tenant(), own.call()) == (session.tenant(), session.call()))
    }

    /// The media plane reports on a stream beside the audio.
    pub(super) fn handle_stream(&mut self, context: &mut Context, report: &MediaReport, now: Now) {
        let session = report.session();
        let kind = session.stream();
        match report {
            MediaReport::Opened { caller, callee, .. } => {
                let streams = &mut self.bridge.streams;
                let known = streams.open.iter_mut().find(|stream| stream.kind == kind);
                match known {
                    Some(stream) => stream.addresses = Some((*caller, *callee)),
                    None => context.media(MediaCommand::Close { session }),
                }
                self.streams_are_ready(context, now);
            }
            MediaReport::Refused { .. } | MediaReport::Lost { .. } => {
                let was = self.bridge.streams.remove(kind);
                let refused = was && matches!(report, MediaReport::Refused { .. });
                context.counts.ports_exhausted += u64::from(refused);
                self.streams_are_ready(context, now);
            }
            MediaReport::Closed { caller, callee, .. } => {
                let streams = &mut self.bridge.streams;
                let heard = caller.packets > 0 || callee.packets > 0;
                if heard && streams.counted.len() < MOST_RECORDS {
                    streams.counted.push(StreamRecord {
                        stream: kind,
                        caller: **caller,
                        callee: **callee,
                    });
                }
            }
            MediaReport::Unsecured {
                leg,
                why: Insecurity::Fingerprint,
                ..
            } => self.unsecured(context, *leg, Insecurity::Fingerprint, now),
            // Who is heard and not seen is heard all the same.
            MediaReport::Unsecured { why, .. } => {
                context.counts.dtls_failed += 1;
                self.run.note(&format!("{}: {}", kind.as_str(), why.as_str()));
            }
            MediaReport::Silent { .. } if self.phase == Phase::Answered => self.gone_silent(context, now),
            _ => {}
        }
    }

    /// Asks for ports for what the caller offers beside audio. True when they are to be waited for.
    pub(super) fn reserve_streams(
        &mut self,
        context: &mut Context,
        caller: &FlowToken,
        callee: &FlowToken,
    ) -> bool {
        if let Some(offer) = &self.offer {
            self.bridge
                .open_streams(context, offer, (caller, callee), self.config.policy());
        }
        self.bridge.streams.is_waiting()
    }

    /// The same for an offer of a leg in a call that is up, which waits then.
    pub(super) fn waits_for_streams(
        &mut self,
        context: &mut Context,
        side: Leg,
        offer: &Description,
        now: Now,
    ) -> bool {
        let config = Arc::clone(&self.config);
        let Some(callee) = self.callee.as_ref().map(|leg| leg.flow) else {
            return false;
        };
        let caller = self.caller.flow;
        let asked = self
            .bridge
            .open_streams(context, offer, (&caller, &callee), config.policy());
        if asked.contains(&StreamKind::Video) {
            for side in [Leg::Caller, Leg::Callee] {
                if let Some(leg) = self.leg_mut(side) {
                    leg.side.rekey_video(Keyring::new(|| context.random()));
                }
            }
        }
        if asked.is_empty() {
            return false;
        }
        self.bridge.streams.asker = Some(side);
        self.set_timer(context, TimerKind::MediaOpen, MEDIA_OPEN_MS, now);
        true
    }

    /// All ports that were asked for are there, or will not be.
    fn streams_are_ready(&mut self, context: &mut Context, now: Now) {
        if self.bridge.streams.is_waiting() {
            return;
        }
        match self.phase {
            Phase::Opening if self.bridge.is_open() => {
                self.cancel_timer(context, TimerKind::MediaOpen);
                self.media_is_ready(context, now);
            }
            Phase::Answered => self.pass_on_waiting(context, now),
            _ => {}
        }
    }

    /// The media plane has not answered in time: the call goes on without.
    pub(super) fn streams_are_late(&mut self, context: &mut Context, now: Now) {
        let ready: Vec<StreamKind> = self
            .bridge
            .streams
            .open
            .iter()
            .filter(|stream| stream.addresses.is_some())
            .map(|stream| stream.kind)
            .collect();
        self.bridge.close_streams(context, |kind| ready.contains(&kind));
        self.pass_on_waiting(context, now);
    }

    /// Passes on the offer that has waited for ports.
    fn pass_on_waiting(&mut self, context: &mut Context, now: Now) {
        self.cancel_timer(context, TimerKind::MediaOpen);
        let Some(side) = self.bridge.streams.asker.take() else {
            return self.settle_streams(context);
        };
        let asked = self.leg(side).and_then(|leg| match &leg.exchange {
            Exchange::Theirs {
                request,
                offer: Some(offer),
                ..
            } => Some((request.clone(), offer.clone())),
            _ => None,
        });
        let Some((request, offer)) = asked else {
            return self.settle_streams(context);
        };
        let Ok(request) = Message::parse(&request) else {
            return;
        };
        let config = Arc::clone(&self.config);
        let method = self.method_for(side.other(), &request);
        if let Err(code) = self.pass_on(context, side, &offer, method, &config, now) {
            context.counts.media_refused += 1;
            self.settle_asker(context, side, code, now);
        }
    }

    /// Gives the ports back of streams that not both legs have. Not while somebody waits for an answer to an offer.
    pub(super) fn settle_streams(&mut self, context: &mut Context) {
        let asks = |leg: &super::Leg| matches!(leg.exchange, Exchange::Theirs { .. });
        let legs = [Some(&self.caller), self.callee.as_ref()];
        if self.bridge.streams.open.is_empty() || legs.into_iter().flatten().any(asks) {
            return;
        }
        self.bridge.streams.asker = None;
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        let goes_on = StreamKind::BESIDES.map(|kind| {
            let has = |leg: Option<&super::Leg>| {
                let said = leg.and_then(|leg| leg.remote.as_ref());
                said.is_some_and(|said| described(said, kind, allowed).is_some())
            };
            (kind, has(Some(&self.caller)) && has(self.callee.as_ref()))
        });
        self.bridge
            .close_streams(context, |kind| goes_on.contains(&(kind, true)));
    }
}
