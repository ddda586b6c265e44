//! Forks of a session: its sound on the way to a WebSocket, and what comes back on the way to a leg.
//!
//! Owns: which samples go into which message, and what is played when. Does not own: the connection, addresses, and how fast the
//! other side reads; the shell tells when it is open and when it has ended. Nothing here waits for it.

mod base64;
mod message;

use crate::effect::{Effect, ForkAsk};
use crate::tick::TICK_MS;
use audio::resample::Resampler;
use message::{Incoming, Stream, linear};
use model::{Fork, ForkEnd, ForkFormat, ForkId, ForkPlan, ForkSide, Leg, MediaReport, MediaSessionId, Over};
use std::collections::VecDeque;

/// Forks of one session at a time.
const MOST: usize = 4;
/// Sound that waits to be heard at most, seconds; what comes beyond it is left out.
const MOST_BACK_S: usize = 60;
/// Marks that wait at most.
const MOST_MARKS: usize = 200;

/// The forks of one session.
#[derive(Debug, Default)]
pub(crate) struct Forks {
    all: Vec<Forked>,
    /// Nobody is told of keys.
    is_masked: bool,
}

impl Forks {
    /// Nothing is forked: the session needs no ticks for this.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Keys are nobody's business from now on, or no longer.
    pub(crate) fn mask(&mut self, on: bool) {
        self.is_masked = on;
    }

    /// Does something come back to this leg?
    pub(crate) fn has_back(&self, leg: Leg) -> bool {
        self.all
            .iter()
            .any(|fork| fork.is_open && fork.plan.back == Some(leg))
    }

    /// Carries out a command.
    pub(crate) fn handle(
        &mut self,
        session: MediaSessionId,
        id: ForkId,
        act: &Fork,
        effects: &mut VecDeque<Effect>,
    ) {
        let is_there = self.all.iter().any(|fork| fork.id == id);
        match act {
            Fork::Start(_) if is_there => {}
            Fork::Start(plan) if self.all.len() < MOST && is_known(plan.format) => {
                effects.push_back(Effect::Fork {
                    session,
                    fork: id,
                    ask: ForkAsk::Connect {
                        url: plan.url.clone(),
                    },
                });
                self.all.push(Forked::new(id, plan));
            }
            Fork::Start(_) => effects.push_back(Effect::Report(report(session, id, ForkEnd::Refused, 0, 0))),
            Fork::Stop => self.stop(session, id, effects),
        }
    }

    /// The connection stands.
    pub(crate) fn opened(&mut self, session: MediaSessionId, id: ForkId, effects: &mut VecDeque<Effect>) {
        if let Some(fork) = self.all.iter_mut().find(|fork| fork.id == id) {
            fork.open(session, effects);
        }
    }

    /// A message came.
    pub(crate) fn heard(&mut self, id: ForkId, is_text: bool, octets: &[u8]) {
        if let Some(fork) = self.all.iter_mut().find(|fork| fork.id == id) {
            fork.hear(is_text, octets);
        }
    }

    /// The connection is gone, or never came about.
    pub(crate) fn ended(
        &mut self,
        session: MediaSessionId,
        id: ForkId,
        (end, lost_ms): (ForkEnd, u64),
        effects: &mut VecDeque<Effect>,
    ) {
        if let Some(at) = self.all.iter().position(|fork| fork.id == id) {
            let fork = self.all.swap_remove(at);
            effects.push_back(Effect::Report(report(session, id, end, fork.sent_ms, lost_ms)));
        }
    }

    /// Keys that a leg pressed are told of where messages are text.
    pub(crate) fn tell(&mut self, report: &MediaReport, effects: &mut VecDeque<Effect>) {
        let MediaReport::Digit {
            session, leg, key, ..
        } = report
        else {
            return;
        };
        if self.is_masked {
            return;
        }
        for fork in self.all.iter_mut().filter(|fork| fork.is_open) {
            let text = fork.stream.as_mut().map(|stream| stream.dtmf(track(*leg), *key));
            fork.send(*session, text, effects);
        }
    }

    /// Takes what the legs said in this tick, at so many samples per second.
    pub(crate) fn tick(
        &mut self,
        session: MediaSessionId,
        legs: [Option<&[i16]>; 2],
        rate_hz: u32,
        effects: &mut VecDeque<Effect>,
    ) {
        for fork in self.all.iter_mut().filter(|fork| fork.is_open) {
            fork.tick(session, legs, rate_hz, effects);
        }
    }

    /// What a leg hears of what came back, in this tick: adds it to the frame. Gives how it is heard, if there is something.
    pub(crate) fn play(
        &mut self,
        session: MediaSessionId,
        leg: Leg,
        rate_hz: u32,
        frame: &mut [i16],
        effects: &mut VecDeque<Effect>,
    ) -> Option<Over> {
        let mut over = None;
        for fork in self.all.iter_mut().filter(|fork| fork.plan.back == Some(leg)) {
            if fork.play(session, rate_hz, frame, effects) && over != Some(Over::Instead) {
                over = Some(fork.plan.over);
            }
        }
        over
    }

    /// The session ends, and with it all of them.
    pub(crate) fn close(&mut self, session: MediaSessionId, effects: &mut VecDeque<Effect>) {
        while let Some(id) = self.all.first().map(|fork| fork.id) {
            self.stop(session, id, effects);
        }
    }

    fn stop(&mut self, session: MediaSessionId, id: ForkId, effects: &mut VecDeque<Effect>) {
        let Some(at) = self.all.iter().position(|fork| fork.id == id) else {
            return;
        };
        let mut fork = self.all.swap_remove(at);
        if fork.is_open {
            let text = fork.stream.as_mut().map(Stream::stop);
            fork.send(session, text, effects);
        }
        effects.push_back(Effect::Fork {
            session,
            fork: id,
            ask: ForkAsk::Close,
        });
        effects.push_back(Effect::Report(report(
            session,
            id,
            ForkEnd::Stopped,
            fork.sent_ms,
            0,
        )));
    }
}

fn report(session: MediaSessionId, fork: ForkId, end: ForkEnd, sent_ms: u64, lost_ms: u64) -> MediaReport {
    MediaReport::Forked {
        session,
        fork,
        end,
        sent_ms,
        lost_ms,
    }
}

fn is_known(format: ForkFormat) -> bool {
    matches!(
        format,
        ForkFormat::Twilio
            | ForkFormat::L16 {
                rate_hz: 8_000 | 16_000 | 24_000
            }
    )
}

/// How Twilio calls what a leg says: it looks from the caller.
fn track(leg: Leg) -> &'static str {
    match leg {
        Leg::Caller => "inbound",
        Leg::Callee => "outbound",
    }
}

/// One fork.
#[derive(Debug)]
struct Forked {
    id: ForkId,
    plan: ForkPlan,
    is_open: bool,
    /// Of the messages.
    rate_hz: u32,
    /// Of the legs, and from there to the messages and back.
    legs_hz: u32,
    there: [Option<Resampler>; 2],
    back: Option<Resampler>,
    /// Where the messages are text.
    stream: Option<Stream>,
    chunk: u64,
    sent_ms: u64,
    /// What is to be heard, at the rate of the messages.
    waiting: VecDeque<i16>,
    /// Marks, each with how much is to be heard before it.
    marks: VecDeque<(usize, String)>,
}

impl Forked {
    fn new(id: ForkId, plan: &ForkPlan) -> Forked {
        let (rate_hz, stream) = match plan.format {
            ForkFormat::L16 { rate_hz } => (rate_hz, None),
            ForkFormat::Twilio => (8_000, Some(Stream::new(id, plan))),
        };
        Forked {
            id,
            plan: plan.clone(),
            is_open: false,
            rate_hz,
            legs_hz: 0,
            there: [None, None],
            back: None,
            stream,
            chunk: 0,
            sent_ms: 0,
            waiting: VecDeque::new(),
            marks: VecDeque::new(),
        }
    }

    fn open(&mut self, session: MediaSessionId, effects: &mut VecDeque<Effect>) {
        self.is_open = true;
        let side = self.plan.side;
        if let Some(stream) = &mut self.stream {
            let texts = [Stream::connected(), stream.start(side)];
            texts
                .into_iter()
                .for_each(|text| self.send(session, Some(text), effects));
        }
    }

    fn send(&self, session: MediaSessionId, text: Option<String>, effects: &mut VecDeque<Effect>) {
        if let Some(text) = text {
            self.message(session, true, text.into_bytes(), 0, effects);
        }
    }

    fn message(
        &self,
        session: MediaSessionId,
        is_text: bool,
        octets: Vec<u8>,
        ms: u32,
        effects: &mut VecDeque<Effect>,
    ) {
        effects.push_back(Effect::Fork {
            session,
            fork: self.id,
            ask: ForkAsk::Send { is_text, octets, ms },
        });
    }

    fn set_rate(&mut self, rate_hz: u32) {
        if self.legs_hz != rate_hz {
            self.legs_hz = rate_hz;
            let differ = rate_hz != self.rate_hz;
            let there = || {
                differ
                    .then(|| Resampler::new(rate_hz, self.rate_hz).ok())
                    .flatten()
            };
            self.there = [there(), there()];
            self.back = differ
                .then(|| Resampler::new(self.rate_hz, rate_hz).ok())
                .flatten();
        }
    }

    fn tick(
        &mut self,
        session: MediaSessionId,
        legs: [Option<&[i16]>; 2],
        rate_hz: u32,
        effects: &mut VecDeque<Effect>,
    ) {
        self.set_rate(rate_hz);
        let samples = usize::try_from(self.rate_hz / 1000 * TICK_MS).unwrap_or(0);
        let [caller, callee] = legs;
        let [near, far] = &mut self.there;
        let lane =
            |said: Option<&[i16]>, resampler: &mut Option<Resampler>| resampled(said, resampler, samples);
        match self.plan.side {
            ForkSide::Caller => {
                let frame = lane(caller, near);
                self.say(session, Leg::Caller, &frame, effects);
            }
            ForkSide::Callee => {
                let frame = lane(callee, far);
                self.say(session, Leg::Callee, &frame, effects);
            }
            ForkSide::Mixed => {
                let (mut frame, other) = (lane(caller, near), lane(callee, far));
                add(&mut frame, &other);
                self.say(session, Leg::Caller, &frame, effects);
            }
            ForkSide::Both => {
                let (caller, callee) = (lane(caller, near), lane(callee, far));
                if self.stream.is_some() {
                    self.say(session, Leg::Caller, &caller, effects);
                    self.say(session, Leg::Callee, &callee, effects);
                } else {
                    let both = caller
                        .into_iter()
                        .zip(callee)
                        .flat_map(|(l, r)| [l, r])
                        .collect::<Vec<i16>>();
                    self.say(session, Leg::Caller, &both, effects);
                }
            }
        }
        self.sent_ms = self.sent_ms.saturating_add(u64::from(TICK_MS));
    }

    fn say(&mut self, session: MediaSessionId, leg: Leg, frame: &[i16], effects: &mut VecDeque<Effect>) {
        let (is_text, octets) = match &mut self.stream {
            Some(stream) => {
                if leg == Leg::Caller || self.plan.side != ForkSide::Both {
                    self.chunk = self.chunk.saturating_add(1);
                }
                let text = stream.media(track(leg), self.chunk, self.sent_ms, frame);
                (true, text.into_bytes())
            }
            None => (
                false,
                frame.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
            ),
        };
        self.message(session, is_text, octets, TICK_MS, effects);
    }

    fn hear(&mut self, is_text: bool, octets: &[u8]) {
        if self.plan.back.is_none() {
            return;
        }
        let samples = match (is_text, &self.stream) {
            (false, None) => octets
                .chunks_exact(2)
                .map(|pair| {
                    i16::from_le_bytes([
                        pair.first().copied().unwrap_or(0),
                        pair.get(1).copied().unwrap_or(0),
                    ])
                })
                .collect(),
            (false, Some(_)) => return,
            (true, stream) => match message::read(octets) {
                Some(Incoming::Sound(octets)) if stream.is_some() => linear(&octets),
                Some(Incoming::Mark(name)) => {
                    if self.marks.len() < MOST_MARKS {
                        self.marks.push_back((self.waiting.len(), name));
                    }
                    return;
                }
                Some(Incoming::Clear) => {
                    // Marks are told of at once: nothing is before them any more.
                    self.waiting.clear();
                    self.marks.iter_mut().for_each(|(before, _)| *before = 0);
                    return;
                }
                Some(Incoming::Sound(_) | Incoming::Other) | None => return,
            },
        };
        let most = usize::try_from(self.rate_hz)
            .unwrap_or(0)
            .saturating_mul(MOST_BACK_S);
        let room = most.saturating_sub(self.waiting.len());
        self.waiting.extend(samples.iter().take(room));
    }

    fn play(
        &mut self,
        session: MediaSessionId,
        rate_hz: u32,
        frame: &mut [i16],
        effects: &mut VecDeque<Effect>,
    ) -> bool {
        self.set_rate(rate_hz);
        let samples = usize::try_from(self.rate_hz / 1000 * TICK_MS).unwrap_or(0);
        let count = samples.min(self.waiting.len());
        let said: Vec<i16> = self.waiting.drain(..count).collect();
        if count > 0 {
            let heard = resampled(Some(&said), &mut self.back, frame.len());
            add(frame, &heard);
        }
        self.marks
            .iter_mut()
            .for_each(|(before, _)| *before = before.saturating_sub(count));
        while self.marks.front().is_some_and(|(before, _)| *before == 0) {
            let Some((_, name)) = self.marks.pop_front() else {
                break;
            };
            let text = match &mut self.stream {
                Some(stream) => stream.mark(&name),
                None => serde_json::json!({"event": "mark", "mark": {"name": name}}).to_string(),
            };
            self.send(session, Some(text), effects);
        }
        count > 0
    }
}

/// A frame of so many samples, made of what was said; silence where nothing was.
fn resampled(said: Option<&[i16]>, resampler: &mut Option<Resampler>, samples: usize) -> Vec<i16> {
    let mut frame = match (said, resampler) {
        (Some(said), Some(resampler)) => {
            let mut frame = vec![0; resampler.most(said.len())];
            let count = resampler.process(said, &mut frame);
            frame.truncate(count);
            frame
        }
        (Some(said), None) => said.to_vec(),
        (None, _) => Vec::new(),
    };
    frame.resize(samples, 0);
    frame
}

fn add(to: &mut [i16], from: &[i16]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = to.saturating_add(*from);
    }
}
