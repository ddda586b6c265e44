//! Recordings of a session: what each leg says, frame by frame, made into the blocks of a file.
//!
//! Owns: lanes that stay in step, pauses, marks, why a recording ends. Does not own: files and disks; blocks leave as
//! [`Spool`], each at most 0.7 s after what it holds was said. Time is what was recorded: 20 ms a tick, none in a pause.
//!
//! Frames are encoded a row of ticks at a time: of a hundred recordings each finds the encoder's tables gone from the cache, and
//! some frames in a row fetch them once.

mod file;

use crate::effect::{Effect, Spool};
use crate::tick::TICK_MS;
use audio::detect::Voice;
use audio::resample::Resampler;
use file::{File, rate_of};
pub use file::{Mended, OggMender, mend_wav, samples};
use model::{MediaReport, MediaSessionId, Recording, RecordingEnd, RecordingId};
use std::collections::VecDeque;

/// What has no other limit ends after a day.
const LONGEST_MS: u64 = 24 * 3_600 * 1_000;
/// Recordings of one session at a time.
const MOST: usize = 4;
/// Marks of one recording, and the octets of each.
const MOST_MARKS: u32 = 200;
const LONGEST_MARK: usize = 128;

/// The recordings of one session.
#[derive(Debug, Default)]
pub(crate) struct Recorders(Vec<Recorder>);

impl Recorders {
    /// Nothing is recorded: the session needs no ticks for this.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Carries out a command for a session of two legs, or one.
    pub(crate) fn handle(
        &mut self,
        session: MediaSessionId,
        id: RecordingId,
        act: &Recording,
        is_pair: bool,
        effects: &mut VecDeque<Effect>,
    ) {
        let at = self.0.iter().position(|recorder| recorder.id == id);
        let found = at.and_then(|at| self.0.get_mut(at));
        match (act, found) {
            (Recording::Start { .. }, Some(recorder)) => recorder.is_paused = false,
            (Recording::Start { .. }, None) => {
                let room = (self.0.len() < MOST).then_some(());
                match room.and_then(|()| Recorder::begin((session, id), act, is_pair, effects)) {
                    Some(recorder) => self.0.push(recorder),
                    None => effects.push_back(Effect::Report(failed(session, id))),
                }
            }
            (Recording::Pause, Some(recorder)) => {
                recorder.is_paused = true;
                recorder.write_out(effects);
            }
            (Recording::Mark(name), Some(recorder)) => recorder.mark(name, effects),
            (Recording::Stop, Some(_)) => self.end(session, id, RecordingEnd::Stopped, effects),
            (Recording::Discard, Some(_)) => {
                self.0.retain(|recorder| recorder.id != id);
                effects.push_back(Effect::Spool {
                    session,
                    spool: Spool::Discard { recording: id },
                });
                effects.push_back(Effect::Report(MediaReport::Recorded {
                    session,
                    recording: id,
                    ms: 0,
                    octets: 0,
                    end: RecordingEnd::Stopped,
                }));
            }
            (_, None) => {}
        }
    }

    /// Takes what the legs said in this tick, at so many samples per second; a leg that said nothing is silent. Frames are
    /// encoded at the end of a row of ticks.
    pub(crate) fn tick(
        &mut self,
        session: MediaSessionId,
        legs: [Option<&[i16]>; 2],
        (rate_hz, is_end): (u32, bool),
        effects: &mut VecDeque<Effect>,
    ) {
        let mut ended = Vec::new();
        for recorder in &mut self.0 {
            ended.extend(
                recorder
                    .tick(legs, (rate_hz, is_end), effects)
                    .map(|end| (recorder.id, end)),
            );
        }
        for (id, end) in ended {
            self.end(session, id, end, effects);
        }
    }

    /// Marks a place in all of them.
    pub(crate) fn mark(&mut self, name: &str, effects: &mut VecDeque<Effect>) {
        self.0
            .iter_mut()
            .for_each(|recorder| recorder.mark(name, effects));
    }

    /// Marks a place in the one that began last.
    pub(crate) fn mark_last(&mut self, name: &str, effects: &mut VecDeque<Effect>) {
        if let Some(recorder) = self.0.last_mut() {
            recorder.mark(name, effects);
        }
    }

    /// The file can't be written: what is there of it stays.
    pub(crate) fn fail(
        &mut self,
        session: MediaSessionId,
        id: RecordingId,
        effects: &mut VecDeque<Effect>,
    ) -> bool {
        let was = self.0.len();
        let ms = self.0.iter().find(|r| r.id == id).map_or(0, |r| r.ms);
        self.0.retain(|recorder| recorder.id != id);
        if self.0.len() == was {
            return false;
        }
        let mut report = failed(session, id);
        if let MediaReport::Recorded { ms: length, .. } = &mut report {
            *length = ms;
        }
        effects.push_back(Effect::Report(report));
        true
    }

    /// The session ends, and with it all of them.
    pub(crate) fn close(&mut self, session: MediaSessionId, effects: &mut VecDeque<Effect>) {
        while let Some(id) = self.0.first().map(|recorder| recorder.id) {
            self.end(session, id, RecordingEnd::Stopped, effects);
        }
    }

    fn end(
        &mut self,
        session: MediaSessionId,
        id: RecordingId,
        end: RecordingEnd,
        effects: &mut VecDeque<Effect>,
    ) {
        let Some(at) = self.0.iter().position(|recorder| recorder.id == id) else {
            return;
        };
        let (ms, octets) = self.0.swap_remove(at).finish(end, effects);
        effects.push_back(Effect::Report(MediaReport::Recorded {
            session,
            recording: id,
            ms,
            octets,
            end,
        }));
    }
}

fn failed(session: MediaSessionId, recording: RecordingId) -> MediaReport {
    MediaReport::Recorded {
        session,
        recording,
        ms: 0,
        octets: 0,
        end: RecordingEnd::Failed,
    }
}

/// One recording.
#[derive(Debug)]
struct Recorder {
    id: RecordingId,
    session: MediaSessionId,
    file: File,
    lanes: Vec<Lane>,
    /// Of the legs.
    rate_hz: u32,
    is_paused: bool,
    marks: u32,
    ms: u64,
    max_ms: u64,
    silence_ms: u32,
    octets: u64,
    /// Ticks whose frames wait to be encoded.
    waiting: u32,
}

/// What a leg said, at the rate of the file.
#[derive(Debug, Default)]
struct Lane {
    resampler: Option<Resampler>,
    /// Frames that wait to be encoded, one behind the other, and a bit for each that was said: the others are silence.
    frames: Vec<i16>,
    said: u32,
    /// Where silence ends the recording.
    voice: Option<Voice>,
}

impl Recorder {
    fn begin(
        (session, id): (MediaSessionId, RecordingId),
        start: &Recording,
        is_pair: bool,
        effects: &mut VecDeque<Effect>,
    ) -> Option<Recorder> {
        let Recording::Start {
            format,
            max_ms,
            silence_ms,
            call,
        } = start
        else {
            return None;
        };
        effects.push_back(Effect::Spool {
            session,
            spool: Spool::Begin {
                recording: id,
                call: *call,
                format: *format,
                channels: if is_pair { 2 } else { 1 },
            },
        });
        let mut lanes = vec![Lane::default()];
        lanes.extend(is_pair.then(Lane::default));
        Some(Recorder {
            id,
            session,
            file: File::new(*format, is_pair),
            lanes,
            rate_hz: 0,
            is_paused: false,
            marks: 0,
            ms: 0,
            max_ms: match max_ms {
                0 => LONGEST_MS,
                max_ms => u64::from(*max_ms).min(LONGEST_MS),
            },
            silence_ms: *silence_ms,
            octets: 0,
            waiting: 0,
        })
    }

    fn mark(&mut self, name: &str, effects: &mut VecDeque<Effect>) {
        if self.marks >= MOST_MARKS {
            return;
        }
        self.marks = self.marks.saturating_add(1);
        let plain = name.chars().filter(|c| !c.is_control());
        let mut short = String::new();
        for c in plain {
            if short.len().saturating_add(c.len_utf8()) > LONGEST_MARK {
                break;
            }
            short.push(c);
        }
        effects.push_back(Effect::Spool {
            session: self.session,
            spool: Spool::Mark {
                recording: self.id,
                at_ms: self.ms,
                name: short.into(),
            },
        });
    }

    fn tick(
        &mut self,
        legs: [Option<&[i16]>; 2],
        (rate_hz, is_end): (u32, bool),
        effects: &mut VecDeque<Effect>,
    ) -> Option<RecordingEnd> {
        if self.is_paused {
            return None;
        }
        let Some(file_hz) = self.file.rate_hz().or_else(|| rate_of(&self.file, rate_hz)) else {
            return Some(RecordingEnd::Failed);
        };
        if self.rate_hz != rate_hz {
            self.rate_hz = rate_hz;
            for lane in &mut self.lanes {
                // A rate that nobody knows leaves the lane silent.
                lane.resampler = Resampler::new(rate_hz, file_hz).ok();
            }
        }
        let mut quiet_ms = u32::MAX;
        for (lane, said) in self.lanes.iter_mut().zip(legs) {
            lane.take((said, self.waiting), rate_hz, file_hz);
            if self.silence_ms > 0 {
                quiet_ms = quiet_ms.min(lane.quiet_ms(file_hz));
            }
        }
        self.waiting = self.waiting.saturating_add(1);
        // The first frame says at which rate.
        let is_due = is_end || self.file.rate_hz().is_none();
        if is_due && !self.write(file_hz, effects) {
            return Some(RecordingEnd::Failed);
        }
        self.ms = self.ms.saturating_add(u64::from(TICK_MS));
        if self.ms >= self.max_ms {
            return Some(RecordingEnd::Longest);
        }
        (self.silence_ms > 0 && quiet_ms >= self.silence_ms).then_some(RecordingEnd::Silence)
    }

    /// Encodes what waits. False when there is no memory for that.
    fn write(&mut self, file_hz: u32, effects: &mut VecDeque<Effect>) -> bool {
        let mut block = Vec::new();
        let mut is_written = true;
        for n in 0..std::mem::take(&mut self.waiting) {
            let mut lanes = self.lanes.iter().map(|lane| lane.frame(n, file_hz));
            let frames = [lanes.next().flatten(), lanes.next().flatten()];
            is_written = is_written && self.file.write(frames, file_hz, &mut block);
        }
        for lane in &mut self.lanes {
            lane.frames.clear();
            lane.said = 0;
        }
        self.leave(block, effects);
        is_written
    }

    /// Encodes what waits, before time goes on without the recording.
    fn write_out(&mut self, effects: &mut VecDeque<Effect>) {
        if let Some(file_hz) = self.file.rate_hz() {
            self.write(file_hz, effects);
        }
    }

    fn leave(&mut self, octets: Vec<u8>, effects: &mut VecDeque<Effect>) {
        if !octets.is_empty() {
            self.octets = self
                .octets
                .saturating_add(u64::try_from(octets.len()).unwrap_or(0));
            effects.push_back(Effect::Spool {
                session: self.session,
                spool: Spool::Block {
                    recording: self.id,
                    octets,
                },
            });
        }
    }

    fn finish(mut self, end: RecordingEnd, effects: &mut VecDeque<Effect>) -> (u64, u64) {
        self.write_out(effects);
        let mut block = Vec::new();
        let before = self.octets;
        let head = std::mem::replace(&mut self.file, File::Nothing).finish(&mut block, before);
        self.leave(block, effects);
        effects.push_back(Effect::Spool {
            session: self.session,
            spool: Spool::End {
                recording: self.id,
                ms: self.ms,
                end,
                head,
            },
        });
        (self.ms, self.octets)
    }
}

impl Lane {
    /// Takes what was said in a tick; so many frames wait already.
    fn take(&mut self, (said, waiting): (Option<&[i16]>, u32), rate_hz: u32, file_hz: u32) {
        let start = self.frames.len();
        let is_there = match (said, &mut self.resampler) {
            (Some(said), _) if rate_hz == file_hz => {
                self.frames.extend_from_slice(said);
                true
            }
            (Some(said), Some(resampler)) => {
                self.frames
                    .resize(start.saturating_add(resampler.most(said.len())), 0);
                let place = self.frames.get_mut(start..).unwrap_or_default();
                let count = resampler.process(said, place);
                self.frames.truncate(start.saturating_add(count));
                true
            }
            _ => false,
        };
        self.said |= u32::from(is_there) << waiting.min(31);
        self.frames.resize(start.saturating_add(samples_of(file_hz)), 0);
    }

    /// The frame of the tick `n` of those that wait; `None` where nothing was said.
    fn frame(&self, n: u32, file_hz: u32) -> Option<&[i16]> {
        let mut frames = self.frames.chunks_exact(samples_of(file_hz).max(1));
        let frame = frames.nth(usize::try_from(n).ok()?);
        frame.filter(|_| self.said >> n.min(31) & 1 == 1)
    }

    fn quiet_ms(&mut self, file_hz: u32) -> u32 {
        let voice = self.voice.get_or_insert_with(|| Voice::new(file_hz));
        let last = self.frames.len().saturating_sub(samples_of(file_hz));
        voice.push(self.frames.get(last..).unwrap_or_default());
        voice.quiet_ms()
    }
}

/// Samples of a frame.
fn samples_of(file_hz: u32) -> usize {
    usize::try_from(file_hz / 1000 * TICK_MS).unwrap_or(0)
}
