//! How the audio of a call fares: what was counted, what the phones say, how it would be judged, and why it does not arrive.

use crate::{CallId, Leg, StreamKind, TenantId};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What was received from one leg, and what its phone says about what it gets. Values that an earlier version did not count
/// are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegQuality {
    /// RTP packets received from the latched source.
    pub packets: u64,
    /// Payload and header octets of those packets.
    pub bytes: u64,
    /// Expected minus received by sequence number, never negative (RFC 3550 A.3).
    pub lost: u64,
    /// Packets from any other source, and what is no RTP or RTCP, dropped.
    pub stray: u64,
    /// Packets that could not be sent on to the other leg: no address yet.
    pub unrouted: u64,
    /// Interarrival jitter at the end, microseconds (RFC 3550 A.8).
    pub jitter_us: u32,
    /// Largest jitter seen, microseconds.
    pub jitter_us_max: u32,
    /// RTCP packets received.
    pub rtcp: u64,
    /// Packets of a protected leg that did not authenticate or came again, dropped.
    #[serde(default)]
    pub refused: u64,
    /// Difference in transit time of two packets in a row that half of them don't exceed, microseconds; up to a quarter high.
    #[serde(default)]
    pub jitter_us_p50: u32,
    /// That 95 % don't exceed.
    #[serde(default)]
    pub jitter_us_p95: u32,
    /// That 99 % don't exceed.
    #[serde(default)]
    pub jitter_us_p99: u32,
    /// Packets that came after one with a higher number.
    #[serde(default)]
    pub reordered: u64,
    /// Of these, the ones at least four behind, of no use to a usual jitter buffer.
    #[serde(default)]
    pub late: u64,
    /// Packets that came again.
    #[serde(default)]
    pub duplicates: u64,
    /// How the losses lay.
    #[serde(default)]
    pub burst: Burst,
    /// Round trip to the phone and back, the last that was measured, microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_us: Option<u32>,
    /// The longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_us_max: Option<u32>,
    /// How what came from this leg would be judged where it is heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// What the phone says about the stream that it gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub far: Option<FarReport>,
}

/// Loss by bursts and gaps (RFC 3611 §4.7.2): a burst begins and ends with a loss and has fewer than 16 packets received in
/// a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Burst {
    /// Bursts.
    pub count: u32,
    /// Mean length, milliseconds.
    pub ms: u32,
    /// Share of packets lost during bursts, thousandths.
    pub density_milli: u16,
    /// Mean time without a burst, milliseconds.
    pub gap_ms: u32,
    /// Share of packets lost meanwhile, thousandths.
    pub gap_density_milli: u16,
    /// Mean length of losses in a row by what chance would make it, thousandths (ITU-T G.107 BurstR); 0 = not known.
    pub ratio_milli: u32,
}

/// An estimate by the E-model (ITU-T G.107, G.107.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Transmission rating R, tenths: 0..=1290; above 1000 only wide-band codecs come.
    pub r_tenths: u16,
    /// Mean opinion score, hundredths: 100..=450.
    pub mos_hundredths: u16,
}

/// What a phone says about the stream that it gets (RFC 3550 §6.4.1, RFC 3611 §4.7), with the loss on the whole way to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FarReport {
    /// Reports that came.
    pub reports: u32,
    /// Packets lost.
    pub lost: u64,
    /// Lost of late, 256ths.
    pub fraction_lost: u8,
    /// Interarrival jitter, microseconds.
    pub jitter_us: u32,
    /// Its own R factor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r_factor: Option<u8>,
    /// Its own listening MOS, tenths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mos_tenths: Option<u8>,
    /// Delay inside the phone, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_system_ms: Option<u16>,
    /// How that would be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
}

/// Why the audio of one side does not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioFault {
    /// Nothing at all comes from the phone: it is muted, or a firewall keeps its packets away.
    NothingReceived,
    /// The phone described a private address, and nothing comes from there or from where its signalling comes from: its
    /// packets don't leave its network, and ours don't find it.
    PrivateAddress,
    /// Packets come, but from a host that is neither in the description nor that of the signalling.
    UnexpectedHost,
    /// Audio comes to a port that it was not described for: that of RTCP, or that of the other side.
    WrongPort,
    /// Packets don't authenticate: the phone protects them with other keys, or not at all.
    WrongKeys,
    /// What comes is neither RTP nor RTCP.
    NotAudio,
    /// We know no address of the phone, so what the other side says does not reach it.
    NoAddress,
    /// ICE has found no way to the phone, or it does not answer there any more.
    NoPath,
    /// Its certificate is not the one that its description named.
    WrongFingerprint,
    /// DTLS has led to no keys.
    NoKeys,
}

impl AudioFault {
    /// In a sentence, such as `nothing comes from it`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AudioFault::NothingReceived => "nothing comes from it",
            AudioFault::PrivateAddress => "described a private address, and nothing comes from it",
            AudioFault::UnexpectedHost => "packets come from an unexpected host",
            AudioFault::WrongPort => "sends to a wrong port",
            AudioFault::WrongKeys => "packets are protected with wrong keys",
            AudioFault::NotAudio => "sends no audio",
            AudioFault::NoAddress => "has no address to send to",
            AudioFault::NoPath => "cannot be reached by ICE",
            AudioFault::WrongFingerprint => "has another certificate than it said",
            AudioFault::NoKeys => "has agreed on no keys by DTLS",
        }
    }
}

/// A fault that a call has or had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioTrouble {
    /// Whose side.
    pub leg: Leg,
    /// Why.
    pub fault: AudioFault,
    /// Where stray packets came from last, if any did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<SocketAddr>,
    /// It is over.
    #[serde(default)]
    pub healed: bool,
}

/// The audio of a live call, as shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QualityView {
    /// Owner.
    pub tenant: TenantId,
    /// The call within its tenant.
    pub call: CallId,
    /// Which of its streams.
    #[serde(default)]
    pub stream: StreamKind,
    /// Received from the caller.
    pub caller: LegQuality,
    /// Received from the callee; `None` where the server itself is the other side.
    pub callee: Option<LegQuality>,
}
