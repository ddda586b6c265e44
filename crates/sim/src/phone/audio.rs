//! What a phone says and hears, and the descriptions that lead there.

use super::{Answer, Phone, State, message};
use std::net::IpAddr;
use std::time::Duration;

/// From a BYE to the last packet that was sent before it came, in fair weather.
const ON_ITS_WAY: Duration = Duration::from_millis(2);

/// Octets of a packet with 20 ms of a tone of the server; phones send shorter ones.
pub(crate) const TONE: usize = 172;

impl Phone {
    /// An audio packet came in. One that was on its way while the phone hung up is nobody's fault.
    pub fn receive_media(&mut self, packet: &[u8], now: Duration) {
        if self.answer == Answer::Dead {
            return;
        }
        self.packets_received += 1;
        let Some(packet) = self.open(packet) else { return };
        // A tone is nobody's voice.
        if packet.len() != TONE
            && let Some(voice) = packet.get(12..16).and_then(|v| v.try_into().ok())
        {
            self.voices.insert(voice);
        }
        let parting = self.hung_up.is_some_and(|at| now <= at + ON_ITS_WAY);
        let in_call = self
            .dialogs
            .values()
            .any(|d| matches!(d.state, State::Up | State::Calling | State::Ringing));
        self.packets_astray += u64::from(!in_call && !parting);
    }

    pub(super) fn speak(&mut self, now: Duration) {
        self.rtp_sequence = self.rtp_sequence.wrapping_add(1);
        let talking: Vec<_> = self
            .dialogs
            .values()
            .filter(|d| d.state == State::Up || (d.early && d.state == State::Ringing))
            .map(|d| d.remote_rtp)
            .collect();
        self.next_rtp = (!talking.is_empty()).then(|| now + Duration::from_millis(500));
        if self.mute || self.answer == Answer::Dead {
            return;
        }
        let voice = match self.identity.address.ip() {
            IpAddr::V4(ip) => ip.octets(),
            IpAddr::V6(_) => [0; 4],
        };
        for to in talking.into_iter().flatten() {
            let mut packet = vec![0x80, 0];
            packet.extend(self.rtp_sequence.to_be_bytes());
            packet.extend((u32::from(self.rtp_sequence) * 4000).to_be_bytes());
            packet.extend(7_u32.to_be_bytes());
            packet.extend(voice);
            packet.extend([0xff; 28]);
            let packet = self.protect(to, packet);
            self.media.push((to, packet));
        }
    }

    pub(super) fn description(&mut self, direction: &str) -> String {
        self.version += 1;
        let text = message::description(self.rtp_address(), self.version, &self.codecs, direction);
        self.offer_keys(text)
    }

    /// The answer to an offer of these payload types; `None` when we speak none of them.
    pub(super) fn answer_to(&mut self, offered: &[u8], direction: &str) -> Option<String> {
        let common: Vec<u8> = offered
            .iter()
            .copied()
            .filter(|pt| self.codecs.contains(pt))
            .collect();
        self.version += 1;
        let text = message::description(self.rtp_address(), self.version, &common, direction);
        self.answer_keys(text).filter(|_| !common.is_empty())
    }
}
