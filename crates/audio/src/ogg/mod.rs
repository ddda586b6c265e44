//! Ogg files (RFC 3533) of Opus (RFC 7845), one stream of one or two channels: written packet by packet, read from anybody.
//!
//! Owns: pages, checksums, headers and positions. Does not own: files, and the codec: a packet is octets here, of which only the
//! first two are looked at. Positions and lengths are in samples of 48 kHz, whatever the rate of the sound.
//!
//! A file that is cut anywhere is read up to there. What is damaged is skipped and counted.

mod apart;
mod head;
mod mend;
mod page;
mod read;
mod write;

pub use apart::{join, split};
pub use head::{Head, Tags, Unreadable};
pub use mend::Mender;
pub use read::{Packet, Reader};
pub use write::{Refused, Writer};

/// Samples per second in which Opus counts.
pub const CLOCK_HZ: u32 = 48_000;
/// The longest packet that RFC 7845 section 6 asks a reader to take, octets: 120 ms of two channels.
pub const MAX_PACKET: usize = 61_440;
/// The longest packet in samples: 120 ms.
const MAX_SAMPLES: u32 = 5760;

/// How long a packet is, in samples of 48 kHz (RFC 6716 section 3.1); nothing for what is no Opus packet.
#[must_use]
pub fn duration(packet: &[u8]) -> Option<u32> {
    let (first, rest) = packet.split_first()?;
    let frame = match (first >> 3, (first >> 3) & 3) {
        (12..=15, step) => 480 << (step & 1),
        (0..=11, 3) => 2880,
        (0..=11, step) => 480 << step,
        (_, step) => 120 << step,
    };
    let frames = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3F),
    };
    let samples = frame * frames;
    (1..=MAX_SAMPLES).contains(&samples).then_some(samples)
}
