//! One direction of one leg: RTP and RTCP packets protected or believed, in the caller's buffer.
//!
//! Does not own: the algorithms (`cipher`) and which indices may be used (`source`).

use super::cipher::{Cm, GCM_TAG, Gcm, Keys, Kind};
use super::source::{Place, Sources};
use super::{Refused, Suite};
use crate::header::payload_start;
use std::fmt;

/// Octets of an RTCP packet that are never encrypted: its first header and SSRC.
const RTCP_CLEAR: usize = 8;
/// Octets of the word that ends an SRTCP packet: flag and index.
const WORD: usize = 4;
/// The flag in that word: the packet is encrypted. Without `UNENCRYPTED_SRTCP`, which is never agreed on, all are.
const ENCRYPTED: u32 = 0x8000_0000;
/// The highest SRTCP index.
const MAX_RTCP_INDEX: u32 = 0x7FFF_FFFF;
/// Roll-over counters tried for the first packet of a source. A phone may keep its key and its counter when we open a
/// new context for it in the middle of its stream; eight rolls are three hours of packets of 20 ms.
const FIRST_ROCS: u32 = 8;
/// Longest packet whose octets are kept for another try.
const MAX_RETRY: usize = 1_500;

/// Protects what is sent.
pub struct Sender {
    suite: Suite,
    pub(super) rtp: Keys,
    pub(super) rtcp: Keys,
    sources: Sources,
    pub(super) next_rtcp: u32,
}

/// Believes, or not, what is received.
pub struct Receiver {
    suite: Suite,
    pub(super) rtp: Keys,
    pub(super) rtcp: Keys,
    sources: Sources,
    rtcp_sources: Sources,
}

impl Sender {
    /// A context under a master key: key and salt as `inline:` carries them. `None` when the length is not the suite's.
    #[must_use]
    pub fn new(suite: Suite, master: &[u8]) -> Option<Sender> {
        Some(Sender {
            suite,
            rtp: Keys::derive(suite, master, Kind::Rtp)?,
            rtcp: Keys::derive(suite, master, Kind::Rtcp)?,
            sources: Sources::default(),
            next_rtcp: 0,
        })
    }

    /// The suite.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Protects the RTP packet in the first `len` octets of `buffer`; gives the new length.
    ///
    /// # Errors
    /// See [`Refused`]. The packet must not leave then.
    pub fn protect_rtp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, Refused> {
        let packet = buffer.get(..len).ok_or(Refused::Malformed)?;
        let start = payload_start(packet).map_err(|_| Refused::Malformed)?;
        let (seq, ssrc) = rtp_fields(packet)?;
        let place = self.sources.rtp(ssrc, seq, 0)?;
        let end = len.saturating_add(self.suite.rtp_overhead());
        let whole = buffer.get_mut(..end).ok_or(Refused::Room)?;
        let (packet, tag) = whole.split_at_mut_checked(len).ok_or(Refused::Room)?;
        let (header, payload) = packet.split_at_mut_checked(start).ok_or(Refused::Malformed)?;
        match &self.rtp {
            Keys::Cm(cm) => {
                cm.crypt(ssrc, place.index, payload);
                cm.sign([packet, &roc(place.index)], tag);
            }
            Keys::Gcm(gcm) => tag.copy_from_slice(&gcm.seal((ssrc, place.index), header, payload)?),
        }
        self.sources.take(place);
        Ok(end)
    }

    /// The same for a compound RTCP packet.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, Refused> {
        let packet = buffer.get(..len).ok_or(Refused::Malformed)?;
        let ssrc = rtcp_ssrc(packet)?;
        if self.next_rtcp > MAX_RTCP_INDEX {
            return Err(Refused::Exhausted);
        }
        let word = (ENCRYPTED | self.next_rtcp).to_be_bytes();
        let index = u64::from(self.next_rtcp);
        let end = len.saturating_add(self.suite.rtcp_overhead());
        let whole = buffer.get_mut(..end).ok_or(Refused::Room)?;
        let (packet, trailer) = whole.split_at_mut_checked(len).ok_or(Refused::Room)?;
        let (clear, secret) = packet
            .split_at_mut_checked(RTCP_CLEAR)
            .ok_or(Refused::Malformed)?;
        match &self.rtcp {
            Keys::Cm(cm) => {
                cm.crypt(ssrc, index, secret);
                let (place, tag) = trailer.split_at_mut_checked(WORD).ok_or(Refused::Room)?;
                place.copy_from_slice(&word);
                cm.sign([packet, &word], tag);
            }
            Keys::Gcm(gcm) => {
                let (tag, place) = trailer.split_at_mut_checked(GCM_TAG).ok_or(Refused::Room)?;
                place.copy_from_slice(&word);
                tag.copy_from_slice(&gcm.seal((ssrc, index), &rtcp_aad(clear, word)?, secret)?);
            }
        }
        self.next_rtcp = self.next_rtcp.saturating_add(1);
        Ok(end)
    }
}

impl Receiver {
    /// A context under a master key, as [`Sender::new`].
    #[must_use]
    pub fn new(suite: Suite, master: &[u8]) -> Option<Receiver> {
        Some(Receiver {
            suite,
            rtp: Keys::derive(suite, master, Kind::Rtp)?,
            rtcp: Keys::derive(suite, master, Kind::Rtcp)?,
            sources: Sources::default(),
            rtcp_sources: Sources::default(),
        })
    }

    /// The suite.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Checks and decrypts an SRTP packet in place; gives the length of the RTP packet that is now at its beginning.
    ///
    /// # Errors
    /// See [`Refused`]; the octets are undefined then.
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let start = payload_start(packet).map_err(|_| Refused::Malformed)?;
        let (seq, ssrc) = rtp_fields(packet)?;
        let end = packet.len().checked_sub(self.suite.rtp_overhead());
        let end = end.filter(|end| *end >= start).ok_or(Refused::Malformed)?;
        let place = if self.sources.knows(ssrc) {
            let place = self.sources.rtp(ssrc, seq, 0)?;
            open_rtp(&self.rtp, packet, (start, end), (ssrc, place.index))?;
            place
        } else {
            self.first_of_source(packet, (start, end), (ssrc, seq))?
        };
        self.sources.take(place);
        Ok(end)
    }

    /// Opens the first packet of a source, whose roll-over counter is not known.
    fn first_of_source(
        &self,
        packet: &mut [u8],
        range: (usize, usize),
        (ssrc, seq): (u32, u16),
    ) -> Result<Place, Refused> {
        let mut kept = [0; MAX_RETRY];
        let kept = kept.get_mut(..packet.len());
        let Some(kept) = kept else {
            let place = self.sources.rtp(ssrc, seq, 0)?;
            return open_rtp(&self.rtp, packet, range, (ssrc, place.index)).map(|()| place);
        };
        kept.copy_from_slice(packet);
        for first in 0..FIRST_ROCS {
            let place = self.sources.rtp(ssrc, seq, first)?;
            if open_rtp(&self.rtp, packet, range, (ssrc, place.index)).is_ok() {
                return Ok(place);
            }
            packet.copy_from_slice(kept);
        }
        Err(Refused::Authentication)
    }

    /// The same for SRTCP.
    ///
    /// # Errors
    /// See [`Refused`]; the octets are undefined then.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let ssrc = rtcp_ssrc(packet)?;
        let end = packet.len().checked_sub(self.suite.rtcp_overhead());
        let end = end.filter(|end| *end >= RTCP_CLEAR).ok_or(Refused::Malformed)?;
        let (packet, trailer) = packet.split_at_mut_checked(end).ok_or(Refused::Malformed)?;
        let place = match &self.rtcp {
            Keys::Cm(cm) => open_rtcp_cm(cm, &self.rtcp_sources, ssrc, packet, trailer)?,
            Keys::Gcm(gcm) => open_rtcp_gcm(gcm, &self.rtcp_sources, ssrc, packet, trailer)?,
        };
        self.rtcp_sources.take(place);
        Ok(end)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("suite", &self.suite)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("suite", &self.suite)
            .finish_non_exhaustive()
    }
}

/// Checks and decrypts what lies between `start` and `end`; the tag follows.
fn open_rtp(
    keys: &Keys,
    packet: &mut [u8],
    (start, end): (usize, usize),
    (ssrc, index): (u32, u64),
) -> Result<(), Refused> {
    let (packet, tag) = packet.split_at_mut_checked(end).ok_or(Refused::Malformed)?;
    match keys {
        Keys::Cm(cm) => {
            cm.verify([packet, &roc(index)], tag)?;
            cm.crypt(ssrc, index, packet.get_mut(start..).unwrap_or_default());
            Ok(())
        }
        Keys::Gcm(gcm) => {
            let (header, payload) = packet.split_at_mut_checked(start).ok_or(Refused::Malformed)?;
            let tag = tag.first_chunk().ok_or(Refused::Malformed)?;
            gcm.open((ssrc, index), header, payload, *tag)
        }
    }
}

fn open_rtcp_cm(
    cm: &Cm,
    sources: &Sources,
    ssrc: u32,
    packet: &mut [u8],
    trailer: &[u8],
) -> Result<Place, Refused> {
    let (word, tag) = trailer.split_first_chunk::<WORD>().ok_or(Refused::Malformed)?;
    let tag = tag.get(..cm.tag_len()).ok_or(Refused::Malformed)?;
    let (encrypted, index) = flag_and_index(*word);
    let place = sources.rtcp(ssrc, index)?;
    cm.verify([packet, word], tag)?;
    if !encrypted {
        return Err(Refused::Authentication);
    }
    cm.crypt(
        ssrc,
        place.index,
        packet.get_mut(RTCP_CLEAR..).unwrap_or_default(),
    );
    Ok(place)
}

fn open_rtcp_gcm(
    gcm: &Gcm,
    sources: &Sources,
    ssrc: u32,
    packet: &mut [u8],
    trailer: &[u8],
) -> Result<Place, Refused> {
    let (tag, word) = trailer.split_first_chunk::<GCM_TAG>().ok_or(Refused::Malformed)?;
    let word = word.first_chunk::<WORD>().ok_or(Refused::Malformed)?;
    let (encrypted, index) = flag_and_index(*word);
    let place = sources.rtcp(ssrc, index)?;
    if !encrypted {
        return Err(Refused::Authentication);
    }
    let (clear, secret) = packet
        .split_at_mut_checked(RTCP_CLEAR)
        .ok_or(Refused::Malformed)?;
    gcm.open((ssrc, place.index), &rtcp_aad(clear, *word)?, secret, *tag)?;
    Ok(place)
}

/// RFC 7714 §9.2: header, SSRC and the last word.
fn rtcp_aad(clear: &[u8], word: [u8; WORD]) -> Result<[u8; RTCP_CLEAR + WORD], Refused> {
    let clear: [u8; RTCP_CLEAR] = clear.try_into().map_err(|_| Refused::Malformed)?;
    let mut aad = [0; RTCP_CLEAR + WORD];
    aad.iter_mut()
        .zip(clear.into_iter().chain(word))
        .for_each(|(to, from)| *to = from);
    Ok(aad)
}

fn flag_and_index(word: [u8; WORD]) -> (bool, u32) {
    let word = u32::from_be_bytes(word);
    (word & ENCRYPTED != 0, word & MAX_RTCP_INDEX)
}

/// The roll-over counter, which is authenticated though not sent (RFC 3711 §4.2).
fn roc(index: u64) -> [u8; 4] {
    let [_, _, a, b, c, d, _, _] = index.to_be_bytes();
    [a, b, c, d]
}

fn rtp_fields(packet: &[u8]) -> Result<(u16, u32), Refused> {
    let [_, _, s1, s0, _, _, _, _, c3, c2, c1, c0] = *packet.first_chunk().ok_or(Refused::Malformed)?;
    Ok((u16::from_be_bytes([s1, s0]), u32::from_be_bytes([c3, c2, c1, c0])))
}

/// SSRC of the sender, in an RTCP packet or an SRTCP packet.
fn rtcp_ssrc(packet: &[u8]) -> Result<u32, Refused> {
    let [first, kind, _, _, c3, c2, c1, c0] = *packet.first_chunk().ok_or(Refused::Malformed)?;
    if first >> 6 != 2 || !(192..=223).contains(&kind) {
        return Err(Refused::Malformed);
    }
    Ok(u32::from_be_bytes([c3, c2, c1, c0]))
}
