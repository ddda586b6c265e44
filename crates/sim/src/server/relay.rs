//! The media plane of a simulated server: its packets, and what it and the sessions tell each other, at once or late.
//!
//! Does not own: the relay (`media`).

use super::{Lagging, Output, Server};
use crate::sounds;
use media::{PairId, ROOM};
use model::{MediaCommand, Now};
use std::net::SocketAddr;

impl Server {
    /// A packet came in on one of the relay's ports.
    pub fn receive_media(&mut self, at: SocketAddr, from: SocketAddr, packet: &[u8], now: Now) {
        let Some((pair, rtcp)) = self.ports.get(&at).copied() else {
            return;
        };
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + ROOM, 0);
        let place = (&mut buffer[..], packet.len());
        let forward = self.relay.handle_packet(pair, rtcp, from, place, now.mono);
        self.send_frames();
        self.serve_relay(now);
        self.carry(now);
        let Some(forward) = forward else { return };
        buffer.truncate(forward.len);
        let source = self.socket(forward.pair, forward.rtcp);
        if let Some(source) = source {
            self.outputs.push(Output::Media(source, forward.to, buffer));
        }
    }

    pub(super) fn send_frames(&mut self) {
        while let Some(frame) = self.relay.poll_frame() {
            if let Some(source) = self.socket(frame.pair, frame.rtcp) {
                self.outputs.push(Output::Media(source, frame.to, frame.octets));
            }
        }
    }

    pub(super) fn socket(&self, pair: PairId, rtcp: bool) -> Option<SocketAddr> {
        let rtp = self.sockets.get(&pair)?;
        Some(SocketAddr::new(rtp.ip(), rtp.port() + u16::from(rtcp)))
    }

    pub(super) fn command(&mut self, command: &MediaCommand, now: Now) {
        self.told.push((now.mono, command.clone()));
        self.relay.handle_command(command, now.mono);
        self.serve_relay(now);
        self.send_frames();
    }

    pub(super) fn serve_relay(&mut self, now: Now) {
        while let Some(effect) = self.relay.poll_effect() {
            match effect {
                media::Effect::Bind { pair, ip, rtp_port } => {
                    let bindable = self.bindable && !self.taken_ports.contains(&rtp_port);
                    if bindable {
                        self.sockets.insert(pair, SocketAddr::new(ip, rtp_port));
                        self.ports.insert(SocketAddr::new(ip, rtp_port), (pair, false));
                        self.ports.insert(SocketAddr::new(ip, rtp_port + 1), (pair, true));
                    }
                    self.relay.bound(pair, bindable, now.mono);
                }
                media::Effect::Load {
                    session,
                    sound,
                    rate_hz,
                } => {
                    let samples = self.sound.as_millis() as usize * rate_hz as usize / 1000;
                    let silence = (samples > 0).then(|| vec![0_i16; samples].into());
                    let found = sounds::of(&sound, rate_hz).or(silence);
                    self.relay.loaded(session, &sound, rate_hz, found);
                }
                // There is neither a disk nor another network here.
                media::Effect::Spool { spool, .. } => {
                    if let Some(wire) = &mut self.wire {
                        wire.spool(&spool);
                    }
                }
                media::Effect::Fork { .. } => {}
                // There is one relay.
                media::Effect::Room { .. } => {}
                media::Effect::Report(report) => match &mut self.wire {
                    Some(wire) => wire.report(report, now),
                    None if self.media_lag.is_zero() => self.report(report, now),
                    None => self.lag(Lagging::Report(report), now),
                },
            }
        }
    }

    pub(super) fn lag(&mut self, what: Lagging, now: Now) {
        self.serial += 1;
        self.lagging
            .insert((now.mono + self.media_lag, self.serial), what);
    }

    pub(super) fn serve_lagging(&mut self, now: Now) {
        while let Some(entry) = self.lagging.first_entry().filter(|e| e.key().0 <= now.mono) {
            match entry.remove() {
                Lagging::Command(command) => self.command(&command, now),
                Lagging::Report(report) => self.report(report, now),
                Lagging::Keep(change) => self.keep(&change, now),
            }
        }
    }
}
