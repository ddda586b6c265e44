//! What a phone says and hears, and the descriptions that lead there.

use super::{Answer, Phone, State, message};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How a phone's audio goes astray.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Astray {
    /// Not at all.
    #[default]
    No,
    /// It comes from this address, which nobody knows.
    From(SocketAddr),
    /// It goes to the port of RTCP.
    ToControl,
    /// It is no RTP.
    Noise,
    /// The phone describes this address, where nobody is.
    Describes(SocketAddr),
}

/// From a BYE to the last packet that was sent before it came, in fair weather, or that the media plane said before it heard
/// of the end.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

/// Octets of a packet that a phone sends, and the server passes on. What the server says itself has other lengths.
pub(crate) const SAID: usize = 44;

impl Phone {
    /// An audio packet came in. One that was on its way while the phone hung up is nobody's fault.
    pub fn receive_media(&mut self, packet: &[u8], now: Duration) {
        if self.answer == Answer::Dead {
            return;
        }
        self.packets_received += 1;
        let Some(packet) = self.open(packet) else { return };
        let format = packet.get(1).map_or(0, |octet| octet & 0x7F);
        *self.formats.entry(format).or_default() += 1;
        // What the server says is nobody's voice.
        // Opus may have any length.
        let said = packet.len() == SAID && format != 111;
        self.spoken_to += u64::from(!said);
        if said && let Some(voice) = packet.get(12..16).and_then(|v| v.try_into().ok()) {
            self.voices.insert(voice);
        }
        let parting = self.hung_up.is_some_and(|at| now <= at + ON_ITS_WAY);
        let in_call = self
            .dialogs
            .values()
            .any(|d| matches!(d.state, State::Up | State::Calling | State::Ringing));
        self.packets_astray += u64::from(!in_call && !parting);
    }

    /// Where its audio comes from.
    #[must_use]
    pub fn speaks_from(&self) -> SocketAddr {
        match self.astray {
            Astray::From(address) => address,
            _ => self.rtp_address(),
        }
    }

    /// Where it says that its audio is.
    fn described(&self) -> SocketAddr {
        match self.astray {
            Astray::Describes(address) => address,
            _ => self.rtp_address(),
        }
    }

    pub(super) fn speak(&mut self, now: Duration) {
        self.rtp_sequence = self.rtp_sequence.wrapping_add(1);
        let talking: Vec<_> = self
            .dialogs
            .values()
            .filter(|d| d.state == State::Up || (d.early && d.state == State::Ringing))
            .map(|d| {
                (
                    d.remote_rtp,
                    d.codecs.iter().find(|pt| self.codecs.contains(pt)).copied(),
                )
            })
            .collect();
        self.next_rtp = (!talking.is_empty()).then(|| now + Duration::from_millis(500));
        if self.mute || self.answer == Answer::Dead {
            return;
        }
        let voice = match self.identity.address.ip() {
            IpAddr::V4(ip) => ip.octets(),
            IpAddr::V6(_) => [0; 4],
        };
        for (to, format) in talking {
            let Some(to) = to else { continue };
            let mut packet = vec![0x80, format.unwrap_or(0)];
            packet.extend(self.rtp_sequence.to_be_bytes());
            packet.extend((u32::from(self.rtp_sequence) * 4000).to_be_bytes());
            packet.extend(7_u32.to_be_bytes());
            packet.extend(voice);
            packet.extend([0xff; 28]);
            let packet = match self.astray {
                Astray::Noise => vec![0xff; 40],
                _ => self.protect(to, packet),
            };
            let control = u16::from(self.astray == Astray::ToControl);
            let to = SocketAddr::new(to.ip(), to.port() + control);
            self.media.push((to, packet));
        }
    }

    pub(super) fn description(&mut self, direction: &str) -> String {
        self.version += 1;
        let text = message::description(self.described(), self.version, &self.codecs, direction);
        let text = self.offer_keys(text);
        self.offer_beside(text)
    }

    /// The answer to an offer of these payload types; `None` when we speak none of them.
    pub(super) fn answer_to(&mut self, offered: &[u8], direction: &str) -> Option<String> {
        let common: Vec<u8> = offered
            .iter()
            .copied()
            .filter(|pt| self.codecs.contains(pt))
            .collect();
        self.version += 1;
        let text = message::description(self.described(), self.version, &common, direction);
        let answer = self.answer_keys(text).filter(|_| !common.is_empty());
        answer.and_then(|answer| self.answer_beside(answer))
    }
}
