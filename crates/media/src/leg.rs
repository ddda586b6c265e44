//! One side of a relayed call: its pair, whom it believes, what came from it.
//!
//! Does not own: the other side.

use crate::diagnose::Evidence;
use crate::feedback::{Feedback, Stream};
use crate::latch::Latch;
use crate::ports::PairId;
use crate::protect::Protected;
use crate::secure::Secure;
use crate::splice::{self, Splice};
use model::{Codec, LegQuality, SrtpKeys, Voice};
use rtp::rtcp::{Reporter, packets};
use rtp::srtp::{Receiver, Refused};
use rtp::{Clock, Header, Protocol, Reception, rtcp};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Octets of the shortest datagram of UDPTL (ITU-T T.38 §9.1): its number, and a length.
const SHORTEST_UDPTL: usize = 3;
/// No payload types.
const NONE: u8 = u8::MAX;
const ALL: u8 = u8::MAX - 1;

#[derive(Debug)]
pub(crate) struct LegState {
    pub(crate) ip: IpAddr,
    /// The RTP address that its phone knows already.
    pub(crate) wish: Option<SocketAddr>,
    pub(crate) pair: Option<PairId>,
    /// The pair's sockets are open.
    pub(crate) ready: bool,
    /// Pairs that could not be bound for this leg.
    pub(crate) failures: u8,
    pub(crate) latch: Latch,
    /// Its packets are taken by the engine, not passed on.
    pub(crate) taken: bool,
    /// Payload type of its telephone events.
    pub(crate) events: Option<u8>,
    /// Which of its packets are a matter for the engine: those of this payload type, [`ALL`] or [`NONE`].
    heed: u8,
    /// It says that it sends nothing.
    pub(crate) quiet: bool,
    /// Packets of our own in a row since something came from it.
    pub(crate) unheard: u32,
    /// ICE and DTLS, where the leg speaks so.
    pub(crate) secure: Option<Box<Secure>>,
    pub(crate) feedback: Feedback,
    /// Reports about a stream of ours to this leg, while there is one.
    reporter: Option<Box<Reporter>>,
    /// How its sound is written, where that is known.
    pub(crate) voice: Option<Box<Voice>>,
    srtp: Option<Box<Protected>>,
    /// The keys of RTCP that has a port, and a DTLS handshake, of its own.
    srtcp: Option<Box<Protected>>,
    /// The one stream that it hears, where it hears sound.
    splice: Option<Splice>,
    count: LegQuality,
    strays: Evidence,
    reception: Reception,
    clock: Clock,
    /// The first packet came.
    began: Duration,
}

impl LegState {
    pub(crate) fn new(ip: IpAddr) -> LegState {
        LegState {
            ip,
            wish: None,
            pair: None,
            ready: false,
            failures: 0,
            latch: Latch::default(),
            taken: false,
            events: None,
            heed: NONE,
            quiet: false,
            unheard: 0,
            secure: None,
            feedback: Feedback::default(),
            reporter: None,
            voice: None,
            srtp: None,
            srtcp: None,
            splice: None,
            count: LegQuality::default(),
            strays: Evidence::default(),
            reception: Reception::new(),
            clock: Clock::default(),
            began: Duration::ZERO,
        }
    }

    /// Takes the leg's keys in, or that it has none. A context whose key stays goes on as it was, also after a time
    /// without: one that began anew would use its key stream twice.
    pub(crate) fn protect(&mut self, keys: Option<&SrtpKeys>) {
        self.srtcp = None;
        self.set_keys(keys);
    }

    /// Takes keys in that DTLS has agreed on.
    pub(crate) fn protect_by_dtls(&mut self, keys: &SrtpKeys) {
        self.set_keys(Some(keys));
    }

    fn set_keys(&mut self, keys: Option<&SrtpKeys>) {
        match (&mut self.srtp, keys) {
            (Some(protected), keys) => protected.change(keys),
            (None, Some(keys)) => self.srtp = Some(Box::new(Protected::new(keys))),
            (None, None) => {}
        }
    }

    /// Keys will come by DTLS: until then nothing passes. `apart` = RTCP gets keys of its own.
    pub(crate) fn expect_keys(&mut self, apart: bool) {
        self.srtp = Some(Box::new(Protected::awaiting()));
        self.srtcp = apart.then(|| Box::new(Protected::awaiting()));
    }

    /// RTCP comes by the way of RTP from now on, and has its keys.
    pub(crate) fn join_control(&mut self) {
        self.srtcp = None;
    }

    /// The keys of RTCP alone.
    pub(crate) fn protect_control(&mut self, keys: &SrtpKeys) {
        self.srtcp = Some(Box::new(Protected::new(keys)));
    }

    /// Opens a packet in its buffer and gives its length when it is believed and well formed. Anything else is counted and
    /// changes nothing: a protected leg locks onto a source only after its packet has authenticated.
    pub(crate) fn receive_rtp(
        &mut self,
        from: SocketAddr,
        packet: &mut [u8],
        now: Duration,
    ) -> Option<usize> {
        if !self.latch.may_come_from(from) {
            return self.stray_from(from);
        }
        let octets = u64::try_from(packet.len()).unwrap_or(u64::MAX);
        let Some(len) = open(&mut self.srtp, packet, Receiver::unprotect_rtp) else {
            return self.refused();
        };
        let Ok(header) = Header::parse(packet.get(..len)?) else {
            return self.foreign(from);
        };
        if !self.latch.rtp_from(from) {
            return self.stray_from(from);
        }
        if self.count.packets == 0 {
            self.began = now;
        }
        self.count.packets = self.count.packets.saturating_add(1);
        self.count.bytes = self.count.bytes.saturating_add(octets);
        let clock = self.clock.rate(&header, now);
        self.reception.receive(&header, now, clock);
        Some(len)
    }

    /// Gives the length of a fax's datagram when it is believed: a number of two octets, and what is counted by it.
    pub(crate) fn receive_datagram(&mut self, from: SocketAddr, packet: &[u8]) -> Option<usize> {
        if packet.len() < SHORTEST_UDPTL {
            return self.foreign(from);
        }
        if !self.latch.rtp_from(from) {
            return self.stray_from(from);
        }
        let octets = u64::try_from(packet.len()).unwrap_or(u64::MAX);
        self.count.packets = self.count.packets.saturating_add(1);
        self.count.bytes = self.count.bytes.saturating_add(octets);
        Some(packet.len())
    }

    /// A packet of RTCP as [`LegState::receive_rtp`] takes one of RTP.
    pub(crate) fn receive_rtcp(&mut self, from: SocketAddr, packet: &mut [u8]) -> Option<usize> {
        if !self.latch.rtcp_may_come_from(from) {
            return self.stray();
        }
        let own = match self.srtcp.is_some() {
            true => &mut self.srtcp,
            false => &mut self.srtp,
        };
        let Some(len) = open(own, packet, Receiver::unprotect_rtcp) else {
            return self.refused();
        };
        if !rtcp::is_valid(packet.get(..len)?) || !self.latch.rtcp_from(from) {
            return self.stray();
        }
        self.count.rtcp = self.count.rtcp.saturating_add(1);
        Some(len)
    }

    /// Makes the packet in the first `len` octets ready for this leg; gives its length, `None` when it must not leave.
    pub(crate) fn prepare(&mut self, control: bool, buffer: &mut [u8], len: usize) -> Option<usize> {
        let Some(protected) = self.srtp.as_deref_mut().filter(|srtp| srtp.is_on()) else {
            return Some(len);
        };
        match control {
            true => {
                let own = self.srtcp.as_deref_mut().unwrap_or(protected);
                own.sender()?.protect_rtcp(buffer, len).ok()
            }
            false => protected.sender()?.protect_rtp(buffer, len).ok(),
        }
    }

    /// Which of its packets the engine gets from now on: all of them, to take or to copy, or its events.
    pub(crate) fn engage(&mut self, taken: bool, tapped: bool, events: Option<u8>) {
        (self.taken, self.events) = (taken, events);
        self.heed = match events {
            _ if taken || tapped => ALL,
            Some(pt) => pt,
            None => NONE,
        };
    }

    /// Is this RTP packet a matter for the engine?
    #[inline]
    pub(crate) fn is_for_engine(&self, packet: &[u8]) -> bool {
        self.heed != NONE && (self.heed == ALL || packet.get(1).map(|octet| octet & 0x7F) == Some(self.heed))
    }

    /// Does it carry telephone events?
    pub(crate) fn is_event(&self, packet: &[u8]) -> bool {
        self.events.is_some() && packet.get(1).map(|octet| octet & 0x7F) == self.events
    }

    /// Counts a packet that is dropped. Always `None`.
    pub(crate) fn stray(&mut self) -> Option<usize> {
        self.count.stray = self.count.stray.saturating_add(1);
        None
    }

    /// The same for one of another source than the one that is believed.
    fn stray_from(&mut self, from: SocketAddr) -> Option<usize> {
        let stranger = !self.latch.seeks_path() && !self.latch.expects_host(from.ip());
        self.strays.strangers = self.strays.strangers.saturating_add(u64::from(stranger));
        self.strays.stray = Some(from);
        self.stray()
    }

    /// The same for what can't be read here: audio on the port of RTCP, or no RTP at all.
    pub(crate) fn lost_its_way(&mut self, protocol: Protocol, from: SocketAddr) -> Option<usize> {
        match protocol {
            Protocol::Rtp => {
                self.misplaced(from);
                self.stray()
            }
            _ => self.foreign(from),
        }
    }

    /// The same for what is neither RTP nor RTCP.
    fn foreign(&mut self, from: SocketAddr) -> Option<usize> {
        self.strays.foreign = self.strays.foreign.saturating_add(1);
        self.strays.stray = Some(from);
        self.stray()
    }

    /// Audio that came from this leg's host to a port that is not for it.
    pub(crate) fn misplaced(&mut self, from: SocketAddr) {
        if self.latch.expects_host(from.ip()) {
            self.strays.misplaced = self.strays.misplaced.saturating_add(1);
            self.strays.stray = Some(from);
        }
    }

    fn refused(&mut self) -> Option<usize> {
        self.count.refused = self.count.refused.saturating_add(1);
        None
    }

    pub(crate) fn unrouted(&mut self) {
        self.count.unrouted = self.count.unrouted.saturating_add(1);
    }

    /// Makes a packet for this leg one of the stream that it knows. False when it must not leave.
    #[inline]
    pub(crate) fn splice(&mut self, packet: &mut [u8], now: Duration) -> bool {
        let clock_hz = self.voice.as_ref().map_or(8000, |voice| voice.codec.clock_hz());
        Splice::take(&mut self.splice, packet, clock_hz, now)
    }

    /// Makes what this leg says of the stream that it knows a matter of who speaks in that.
    pub(crate) fn unsplice(&self, datagram: &mut [u8]) {
        splice::heard(datagram, self.splice.as_ref());
    }

    /// Makes RTCP for this leg a matter of the stream that it knows.
    pub(crate) fn splice_control(&self, datagram: &mut [u8]) {
        splice::told(datagram, self.splice.as_ref());
    }

    /// A packet of ours leaves to this leg, not protected yet.
    pub(crate) fn sends(&mut self, packet: &[u8], now: Duration) {
        let Ok(header) = Header::parse(packet) else { return };
        let known = self.reporter.take();
        let known = known.filter(|reporter| reporter.ssrc() == header.ssrc);
        let reporter = known.unwrap_or_else(|| Box::new(Reporter::new(header.ssrc, now)));
        let reporter = self.reporter.insert(reporter);
        reporter.sent(header.timestamp, header.payload_len, now);
    }

    /// When a report about a stream of ours is due.
    pub(crate) fn report_due(&self) -> Option<Duration> {
        self.reporter.as_ref().map(|reporter| reporter.due())
    }

    /// A report about our stream and theirs, if it is due. Reports end with our stream, where the other leg is passed on.
    pub(crate) fn report(&mut self, now: Duration) -> Option<Vec<u8>> {
        let clock = self.voice.as_ref().map_or(8000, |voice| voice.codec.clock_hz());
        let theirs = self.stream().clock;
        let reporter = self.reporter.as_mut().filter(|reporter| reporter.due() <= now)?;
        if !self.taken && !reporter.is_sending() {
            self.reporter = None;
            return None;
        }
        Some(reporter.report(&self.reception, (clock, theirs), now))
    }

    /// Takes in what the leg says of our stream to it; gives what it lost of late, per cent, and the round trip where that
    /// follows.
    pub(crate) fn hear(&mut self, datagram: &[u8], now: Duration) -> Option<(u8, Option<Duration>)> {
        let clock = self.voice.as_ref().map(|voice| voice.codec.clock_hz());
        let reporter = self.reporter.as_mut()?;
        let mut told = None;
        for packet in packets(datagram).flatten() {
            if let Some((report, trip)) = reporter.hear(&packet, now) {
                self.feedback.reported(&report, clock);
                trip.into_iter().for_each(|trip| self.feedback.measured(trip));
                let percent = u16::from(report.fraction_lost).saturating_mul(100) >> 8;
                told = u8::try_from(percent).ok().map(|percent| (percent, trip));
            }
        }
        told
    }

    /// What was counted as it came.
    pub(crate) fn counted(&self) -> LegQuality {
        self.count
    }

    pub(crate) fn reception(&self) -> &Reception {
        &self.reception
    }

    /// The stream that comes from this leg.
    pub(crate) fn stream(&self) -> Stream {
        let pt = self.reception.pt();
        Stream {
            ssrc: self.reception.ssrc(),
            clock: pt.and_then(|pt| self.clock.known(pt)),
        }
    }

    /// How what comes is written, by its last packet; where that was no sound, as was agreed. Of phones whose descriptions are
    /// not read for it, dynamic types with Opus's clock are Opus.
    pub(crate) fn codec(&self) -> Option<Codec> {
        let pt = self.reception.pt()?;
        match &self.voice {
            Some(voice) => Some(voice.codec_of(pt).unwrap_or(voice.codec)),
            None => match pt {
                0 => Some(Codec::Pcmu),
                8 => Some(Codec::Pcma),
                9 => Some(Codec::G722),
                _ => self
                    .clock
                    .known(pt)
                    .filter(|hz| *hz == 48_000)
                    .map(|_| Codec::Opus),
            },
        }
    }

    /// The mean time from packet to packet, where so many should have come.
    pub(crate) fn packet_time(&self, expected: u64) -> Duration {
        let last = self.reception.last_arrival().unwrap_or(self.began);
        let steps = u32::try_from(expected.saturating_sub(1)).unwrap_or(u32::MAX);
        let span = last.saturating_sub(self.began);
        span.checked_div(steps).unwrap_or_default()
    }

    /// What was seen of the leg, for a diagnosis.
    pub(crate) fn evidence(&self) -> Evidence {
        let (described, signalling) = self.latch.named();
        Evidence {
            received: self.count.packets,
            refused: self.count.refused,
            described,
            signalling,
            address: self.latch.rtp_to(),
            held: self.latch.is_muted(),
            quiet: self.quiet,
            web: self.secure.as_ref().and_then(|secure| secure.lacks()),
            ..self.strays
        }
    }
}

/// Opens a packet in its buffer, where it is protected; gives its length.
fn open(
    srtp: &mut Option<Box<Protected>>,
    packet: &mut [u8],
    run: fn(&mut Receiver, &mut [u8]) -> Result<usize, Refused>,
) -> Option<usize> {
    match srtp.as_deref_mut().filter(|srtp| srtp.is_on()) {
        Some(protected) => run(protected.receiver()?, packet).ok(),
        None => Some(packet.len()),
    }
}
