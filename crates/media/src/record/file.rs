//! The file of a recording: Ogg-Opus or WAV.
//!
//! Owns: when a block is full, and how a file that was cut gets its end. Does not own: where it is kept.

use audio::lanes::Lanes;
use audio::ogg::{Head, Mender, Tags, Writer};
use audio::wav::{Coding, Format};
use model::Container;

/// WAV is always of this rate.
const WAV_HZ: u32 = 8_000;
/// Octets of the head of a WAV file.
const WAV_HEAD: usize = 44;
/// Ticks whose samples make a block of WAV: half a second.
const WAV_TICKS: u32 = 25;
/// The most octets of samples whose length a WAV file can tell.
const MOST_WAV: u64 = 0xFFFF_FF00;
/// Milliseconds of a page of Ogg.
const PAGE_MS: u16 = 500;
/// Names the stream within its file, which has no other.
const SERIAL: u32 = 1;

/// A file that is being made.
#[derive(Debug)]
pub(super) enum File {
    /// Not begun: the first frame says at which rate.
    Waiting {
        format: Container,
        is_pair: bool,
    },
    Ogg(Box<Ogg>),
    Wav(Wav),
    /// Finished.
    Nothing,
}

#[derive(Debug)]
pub(super) struct Ogg {
    lanes: Lanes,
    writer: Writer,
    rate_hz: u32,
}

#[derive(Debug)]
pub(super) struct Wav {
    format: Format,
    waiting: Vec<u8>,
    ticks: u32,
    both: Vec<i16>,
}

/// The rate that a file takes where the legs have this one: wide-band where they are, which WAV never is.
pub(super) fn rate_of(file: &File, rate_hz: u32) -> Option<u32> {
    match file {
        File::Waiting {
            format: Container::OggOpus,
            ..
        } if rate_hz > 8_000 => Some(16_000),
        File::Nothing => None,
        _ => Some(WAV_HZ),
    }
}

impl File {
    pub(super) fn new(format: Container, is_pair: bool) -> File {
        File::Waiting { format, is_pair }
    }

    /// Once it has begun.
    pub(super) fn rate_hz(&self) -> Option<u32> {
        match self {
            File::Ogg(ogg) => Some(ogg.rate_hz),
            File::Wav(wav) => Some(wav.format.rate_hz),
            File::Waiting { .. } | File::Nothing => None,
        }
    }

    /// Takes a frame of each lane in; appends what is to be written now. False when there is no memory for the codec.
    pub(super) fn write(&mut self, lanes: [Option<&[i16]>; 2], rate_hz: u32, block: &mut Vec<u8>) -> bool {
        if let File::Waiting { format, is_pair } = *self {
            *self = match begin(format, is_pair, rate_hz, block) {
                Some(file) => file,
                None => return false,
            };
        }
        match self {
            File::Ogg(ogg) => {
                let packet = ogg.lanes.encode(lanes);
                packet.is_ok_and(|packet| ogg.writer.packet(packet, block).is_ok())
            }
            File::Wav(wav) => {
                wav.write(lanes, block);
                true
            }
            File::Waiting { .. } | File::Nothing => false,
        }
    }

    /// Appends the rest; gives what the file has to begin with. `before` octets were written before.
    pub(super) fn finish(self, block: &mut Vec<u8>, before: u64) -> Vec<u8> {
        match self {
            File::Ogg(ogg) => {
                ogg.writer.finish(0, block);
                Vec::new()
            }
            File::Wav(wav) => {
                block.extend(wav.waiting);
                let octets = before.saturating_add(u64::try_from(block.len()).unwrap_or(0));
                wav_head(wav.format, octets)
            }
            File::Waiting { .. } | File::Nothing => Vec::new(),
        }
    }
}

fn begin(format: Container, is_pair: bool, rate_hz: u32, block: &mut Vec<u8>) -> Option<File> {
    match format {
        Container::OggOpus => {
            let lanes = Lanes::new(is_pair, rate_hz).ok()?;
            let head = match is_pair {
                true => Head::apart(rate_hz, lanes.delay()),
                false => Head::new(1, rate_hz, lanes.delay()),
            };
            let writer = Writer::begin(&head, &Tags::default(), SERIAL, block).with_pages(PAGE_MS);
            Some(File::Ogg(Box::new(Ogg {
                lanes,
                writer,
                rate_hz,
            })))
        }
        Container::Wav => {
            let format = wav_format(is_pair);
            block.extend(format.header(0));
            Some(File::Wav(Wav {
                format,
                waiting: Vec::new(),
                ticks: 0,
                both: Vec::new(),
            }))
        }
    }
}

fn wav_format(is_pair: bool) -> Format {
    Format {
        channels: if is_pair { 2 } else { 1 },
        ..Format::mono(Coding::Linear, WAV_HZ)
    }
}

fn wav_head(format: Format, octets: u64) -> Vec<u8> {
    let head = u64::try_from(WAV_HEAD).unwrap_or(0);
    let data = octets.saturating_sub(head).min(MOST_WAV);
    format.header(u32::try_from(data).unwrap_or(u32::MAX))
}

impl Wav {
    fn write(&mut self, lanes: [Option<&[i16]>; 2], block: &mut Vec<u8>) {
        let samples = usize::try_from(WAV_HZ / 50).unwrap_or(0);
        let channels = usize::from(self.format.channels);
        self.both.clear();
        self.both.resize(samples.saturating_mul(channels), 0);
        for (channel, lane) in lanes.into_iter().enumerate().take(channels) {
            let places = self.both.iter_mut().skip(channel).step_by(channels);
            places
                .zip(lane.unwrap_or_default())
                .for_each(|(to, from)| *to = *from);
        }
        self.format.write(&self.both, &mut self.waiting);
        self.ticks = self.ticks.saturating_add(1);
        if self.ticks >= WAV_TICKS {
            self.ticks = 0;
            block.append(&mut self.waiting);
        }
    }
}

/// How a file that was cut gets its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// Octets that stay.
    pub keep: u64,
    /// Written over its beginning.
    pub head: Vec<u8>,
    /// Written behind what stays.
    pub tail: Vec<u8>,
    /// How long it is, milliseconds.
    pub ms: u64,
}

/// Mends an Ogg file, which is given block by block: it may be hours long.
#[derive(Debug, Default)]
pub struct OggMender(Mender);

impl OggMender {
    /// Takes the next octets.
    pub fn push(&mut self, octets: &[u8]) {
        self.0.push(octets);
    }

    /// `None` when there is no sound in it.
    #[must_use]
    pub fn finish(self) -> Option<Mended> {
        let mut tail = Vec::new();
        let (keep, samples) = self.0.finish(&mut tail)?;
        let ms = samples / 48;
        (ms > 0).then(|| Mended {
            keep,
            head: Vec::new(),
            tail,
            ms,
        })
    }
}

/// Mends a WAV file of so many octets; `None` when there is no sound in it.
#[must_use]
pub fn mend_wav(octets: u64, channels: u8) -> Option<Mended> {
    let format = wav_format(channels == 2);
    let head = u64::try_from(WAV_HEAD).unwrap_or(0);
    let frame = u64::from(format.channels).saturating_mul(2);
    let samples = octets.checked_sub(head)?.min(MOST_WAV) / frame;
    let keep = head.saturating_add(samples.saturating_mul(frame));
    let ms = samples / u64::from(WAV_HZ / 1000);
    (ms > 0).then(|| Mended {
        keep,
        head: wav_head(format, keep),
        tail: Vec::new(),
        ms,
    })
}

/// The sound of a recording, both lanes as one, as samples at one of the rates that programs are played at. `None` for what is no
/// recording, is damaged, or is longer than ten minutes.
#[must_use]
pub fn samples(file: &[u8], rate_hz: u32) -> Option<Vec<i16>> {
    audio::sound::decode(file, rate_hz).ok()
}
