//! Opus: RFC 6716, as RTP carries it (RFC 7587), mono; for recordings also of two channels, whose samples take turns. The codec is libopus, compiled from C.
//!
//! Owns: the settings that a telephone uses, and what a lost or silent frame is. Does not own: the C code, which is reached
//! through the safe crate `opus`. The RTP clock is 48 kHz whatever the sample rate.

use ::opus as library;
use std::fmt;

/// Sample rates that a telephone uses, hertz.
pub const RATES_HZ: [u32; 3] = [8000, 16_000, 48_000];
/// The longest packet of RFC 6716 at this bit rate fits.
pub const MAX_PACKET: usize = 1275;
/// The longest packet, ms.
const MAX_MS: u32 = 120;
/// A packet of so few octets says "nothing new" and need not be sent.
const DTX_OCTETS: usize = 2;

/// What libopus refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A rate or bit rate that Opus or we do not use.
    Settings,
    /// A frame that is not of 10, 20, 40 or 60 ms, or too little room.
    Frame,
    /// A packet that is not Opus.
    Packet,
    /// libopus had no memory, or failed within.
    Library,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Settings => "settings that Opus does not have",
            Error::Frame => "a frame of a length that Opus does not have",
            Error::Packet => "not an Opus packet",
            Error::Library => "libopus failed",
        })
    }
}

impl std::error::Error for Error {}

impl From<library::Error> for Error {
    fn from(error: library::Error) -> Error {
        match error.code() {
            library::ErrorCode::InvalidPacket => Error::Packet,
            library::ErrorCode::BadArg | library::ErrorCode::BufferTooSmall => Error::Frame,
            _ => Error::Library,
        }
    }
}

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Samples per second: one of [`RATES_HZ`].
    pub rate_hz: u32,
    /// Bits per second, 6,000 to 128,000.
    pub bitrate: u32,
    /// Effort, 0 to 10.
    pub complexity: u8,
    /// Packets that are lost, per cent: above 0, each packet carries the one before once more, coarsely.
    pub loss_percent: u8,
    /// Send nothing in pauses.
    pub dtx: bool,
}

impl Settings {
    /// For a call: a bit rate that suits the sample rate, half the effort, no loss, no pauses.
    #[must_use]
    pub fn call(rate_hz: u32) -> Settings {
        let bitrate = match rate_hz {
            // With less libopus writes no FEC for a loss of five per cent.
            0..=8000 => 20_000,
            8001..=16_000 => 26_000,
            _ => 32_000,
        };
        Settings {
            rate_hz,
            bitrate,
            complexity: 5,
            loss_percent: 0,
            dtx: false,
        }
    }
}

fn known(rate_hz: u32) -> Result<u32, Error> {
    let rate = RATES_HZ.into_iter().find(|rate| *rate == rate_hz);
    rate.ok_or(Error::Settings)
}

/// Encodes one stream.
#[derive(Debug)]
pub struct Encoder {
    inner: library::Encoder,
}

impl Encoder {
    /// At the beginning of a stream.
    ///
    /// # Errors
    /// [`Error::Settings`] for what is out of range.
    pub fn new(settings: Settings) -> Result<Encoder, Error> {
        Encoder::of(library::Channels::Mono, library::Application::Voip, settings)
    }

    /// For music, which is not to be taken for a voice.
    ///
    /// # Errors
    /// As for [`Encoder::new`].
    pub fn music(settings: Settings) -> Result<Encoder, Error> {
        Encoder::of(library::Channels::Mono, library::Application::Audio, settings)
    }

    /// Two channels, whose samples take turns: left, right. The bit rate is that of both.
    ///
    /// # Errors
    /// As for [`Encoder::new`].
    pub fn stereo(settings: Settings) -> Result<Encoder, Error> {
        Encoder::of(library::Channels::Stereo, library::Application::Voip, settings)
    }

    fn of(
        channels: library::Channels,
        application: library::Application,
        settings: Settings,
    ) -> Result<Encoder, Error> {
        let rate_hz = known(settings.rate_hz)?;
        let inner = library::Encoder::new(rate_hz, channels, application)?;
        let mut encoder = Encoder { inner };
        encoder.set_bitrate(settings.bitrate)?;
        let complexity = i32::from(settings.complexity);
        let set = encoder.inner.set_complexity(complexity);
        set.map_err(|_| Error::Settings)?;
        encoder.set_loss(settings.loss_percent)?;
        encoder.inner.set_dtx(settings.dtx)?;
        Ok(encoder)
    }

    /// Changes the bit rate between frames.
    ///
    /// # Errors
    /// [`Error::Settings`] outside of 6,000 to 128,000 bit/s.
    pub fn set_bitrate(&mut self, bitrate: u32) -> Result<(), Error> {
        if !(6_000..=128_000).contains(&bitrate) {
            return Err(Error::Settings);
        }
        let bits = library::Bitrate::Bits(i32::try_from(bitrate).map_err(|_| Error::Settings)?);
        Ok(self.inner.set_bitrate(bits)?)
    }

    /// Changes how much loss is reckoned with, as the receiver reports it.
    ///
    /// # Errors
    /// [`Error::Settings`] above 100 %.
    pub fn set_loss(&mut self, percent: u8) -> Result<(), Error> {
        let set = self.inner.set_packet_loss_perc(i32::from(percent));
        set.map_err(|_| Error::Settings)?;
        Ok(self.inner.set_inband_fec(percent > 0)?)
    }

    /// How late the sound comes out of a decoder, in samples of 48 kHz: what a file names as its pre-skip.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn delay(&mut self) -> Result<u16, Error> {
        let rate_hz = self.inner.get_sample_rate()?;
        let samples = u32::try_from(self.inner.get_lookahead()?).map_err(|_| Error::Library)?;
        let delay = samples.saturating_mul(48_000) / rate_hz.max(1);
        u16::try_from(delay).map_err(|_| Error::Library)
    }

    /// Encodes a frame of 10, 20, 40 or 60 ms; gives the number of octets, or `None` when nothing need be sent. Room for
    /// [`MAX_PACKET`] octets is enough.
    ///
    /// # Errors
    /// [`Error::Frame`] for another length, or too little room.
    pub fn encode(&mut self, samples: &[i16], packet: &mut [u8]) -> Result<Option<usize>, Error> {
        let octets = self.inner.encode(samples, packet)?;
        Ok((octets > DTX_OCTETS).then_some(octets))
    }
}

/// Decodes one stream.
#[derive(Debug)]
pub struct Decoder {
    inner: library::Decoder,
    rate_hz: u32,
    channels: u32,
}

impl Decoder {
    /// At the beginning of a stream; any rate of [`RATES_HZ`] can be decoded to, whatever was encoded.
    ///
    /// # Errors
    /// [`Error::Settings`] for another rate.
    pub fn new(rate_hz: u32) -> Result<Decoder, Error> {
        let rate_hz = known(rate_hz)?;
        let inner = library::Decoder::new(rate_hz, library::Channels::Mono)?;
        Ok(Decoder {
            inner,
            rate_hz,
            channels: 1,
        })
    }

    /// Two channels, whose samples take turns. Mono sounds alike in both.
    ///
    /// # Errors
    /// As for [`Decoder::new`].
    pub fn stereo(rate_hz: u32) -> Result<Decoder, Error> {
        let rate_hz = known(rate_hz)?;
        let inner = library::Decoder::new(rate_hz, library::Channels::Stereo)?;
        Ok(Decoder {
            inner,
            rate_hz,
            channels: 2,
        })
    }

    /// The most samples, of all channels, that a packet can hold.
    #[must_use]
    pub fn most(&self) -> usize {
        (self.rate_hz / 1000 * MAX_MS * self.channels) as usize
    }

    /// Decodes a packet; gives the number of samples of each channel.
    ///
    /// # Errors
    /// [`Error::Packet`] for what is not Opus, [`Error::Frame`] when there is too little room; [`Decoder::most`] is enough.
    pub fn decode(&mut self, packet: &[u8], samples: &mut [i16]) -> Result<usize, Error> {
        if packet.is_empty() {
            return Err(Error::Packet);
        }
        Ok(self.inner.decode(packet, samples, false)?)
    }

    /// What the range decoder ended with in the last packet: an encoder that agrees with it ended with the same.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn final_range(&mut self) -> Result<u32, Error> {
        Ok(self.inner.get_final_range()?)
    }

    /// Fills a frame that was lost. In a pause it is the noise of the pause.
    ///
    /// # Errors
    /// [`Error::Frame`] when it is not a multiple of 2.5 ms, or longer than 120 ms.
    pub fn lost(&mut self, samples: &mut [i16]) -> Result<usize, Error> {
        self.fits(samples)?;
        Ok(self.inner.decode(&[], samples, false)?)
    }

    /// Fills a frame that was lost with what the packet behind it carries of it, if anything; else conceals. That packet is
    /// decoded afterwards as usual.
    ///
    /// # Errors
    /// As for [`Decoder::lost`], and [`Error::Packet`].
    pub fn recover(&mut self, next: &[u8], samples: &mut [i16]) -> Result<usize, Error> {
        self.fits(samples)?;
        if next.is_empty() {
            return Err(Error::Packet);
        }
        Ok(self.inner.decode(next, samples, true)?)
    }

    fn fits(&self, samples: &[i16]) -> Result<(), Error> {
        let step = (self.rate_hz / 400 * self.channels) as usize;
        let fits = !samples.is_empty() && samples.len().is_multiple_of(step) && samples.len() <= self.most();
        if fits { Ok(()) } else { Err(Error::Frame) }
    }
}

/// Does a packet hold the one before once more (RFC 6716 §4.2.4)? One of several frames is looked at as far as its first.
#[must_use]
pub fn has_fec(packet: &[u8]) -> bool {
    let [toc, first, ..] = packet else { return false };
    // CELT alone has none; of two frames of different lengths, or more, the first begins further on.
    let (config, code) = (toc >> 3, toc & 3);
    if config >= 16 || code > 1 {
        return false;
    }
    // Before the flag stands one for each 20 ms.
    let flags = match config {
        0..12 => (config % 4).max(1),
        _ => 1,
    };
    first >> (7 - flags) & 1 == 1
}

/// How long a packet is, in units of the RTP clock (48 kHz).
///
/// # Errors
/// [`Error::Packet`] for what is not Opus.
pub fn duration(packet: &[u8]) -> Result<u32, Error> {
    if packet.is_empty() {
        return Err(Error::Packet);
    }
    let samples = library::packet::get_nb_samples(packet, 48_000).map_err(|_| Error::Packet)?;
    u32::try_from(samples).map_err(|_| Error::Packet)
}
