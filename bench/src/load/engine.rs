//! The loop of the generator: start what is due, read what came, repeat what was lost.
//!
//! Owns: links, operations in flight and their timers. What a response leads to is in [`super::caller`], what a
//! request leads to in [`super::callee`].

use super::Settings;
use super::callee::{Callee, Outcome};
use super::media::Media;
use super::op::{OpId, Ops, State};
use super::pace::Pace;
use super::tally::Tally;
use super::text::Text;
use super::words::{self, Words};
use crate::wire::{Inbox, Net};
use anyhow::{Result, bail};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// An operation that takes longer than this, beside its talk time, has failed.
const GIVE_UP: Duration = Duration::from_secs(10);
/// RFC 3261 T1; doubled at every retransmission up to T2.
const T1: Duration = Duration::from_millis(500);
const DOUBLINGS: u32 = 3;
/// How often timers are looked at.
const TIMER_GAP: Duration = Duration::from_millis(100);
/// SDP port of calls without RTP: nothing is sent there.
const SILENT_PORT: u16 = 20_000;

/// What the operations of a phase are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// Registrations from the calling side's links.
    Register,
    /// Registrations of the phones that will be called.
    RegisterCalled,
    /// Calls from INVITE to the answer of BYE.
    Call,
    /// Calls from INVITE to ACK.
    SetUp,
    /// Nothing new; standing calls are hung up.
    HangUp,
}

/// Everything of one run.
pub(super) struct Engine {
    pub(super) net: Net,
    pub(super) words: Words,
    pub(super) settings: Settings,
    pub(super) ops: Ops,
    pub(super) media: Option<Media>,
    pub(super) tally: Tally,
    /// Calls that stand until the end of the run.
    pub(super) held: Vec<OpId>,
    pub(super) job: Job,
    /// Users whose operation failed.
    pub(super) fallen: Vec<u32>,
    /// Nothing more is started once it is set.
    pub(super) stop: Option<Arc<AtomicBool>>,
    /// How long an answer is waited for.
    pub(super) patience: Duration,
    callee: Callee,
    inbox: Inbox,
    callers: Vec<usize>,
    called: Vec<usize>,
    timers_at: Instant,
}

impl Engine {
    /// Nothing is open yet.
    pub(super) fn new(settings: &Settings) -> Result<Engine> {
        let clock = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let words = Words {
            domain: settings.domain.clone(),
            user: settings.user_prefix.clone(),
            password: settings.password_prefix.clone(),
            transport: settings.transport,
            run: format!(
                "{:x}",
                clock.tv_sec.wrapping_mul(1_000_000) + clock.tv_nsec / 1000
            ),
        };
        Ok(Engine {
            net: Net::new(settings.server, settings.transport)?,
            words,
            settings: settings.clone(),
            ops: Ops::default(),
            media: None,
            tally: Tally::default(),
            held: Vec::new(),
            job: Job::Register,
            fallen: Vec::new(),
            stop: None,
            patience: GIVE_UP,
            callee: Callee::default(),
            inbox: Inbox::default(),
            callers: Vec::new(),
            called: Vec::new(),
            timers_at: Instant::now(),
        })
    }

    /// Opens the links, of one side or both, and lets handshakes end before anything is measured.
    pub(super) fn open_links(&mut self, both_sides: bool) -> Result<()> {
        for _ in 0..self.settings.links {
            self.callers.push(self.net.open()?);
            if both_sides {
                self.called.push(self.net.open()?);
            }
        }
        if self.settings.rtp > 0 && both_sides {
            let local = self.callers.first().map(|link| self.net.local(*link));
            let local = local.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
            self.media = Some(Media::new(self.settings.rtp, local)?);
        }
        self.idle(Duration::from_millis(200))?;
        let links = || self.callers.iter().chain(&self.called);
        let refused = links().filter(|link| !self.net.is_open(**link)).count();
        if refused > 0 {
            bail!("the server closed {refused} of {} connections", links().count());
        }
        Ok(())
    }

    /// Runs a phase to its end; gives the seconds that it took.
    pub(super) fn run(&mut self, job: Job, mut pace: Pace) -> Result<f64> {
        self.job = job;
        let start = Instant::now();
        while !(pace.is_done() || self.is_stopped()) || self.busy() > 0 {
            let due = pace.due(start.elapsed(), self.busy());
            for _ in 0..if self.is_stopped() { 0 } else { due } {
                let number = pace.start();
                self.begin(number)?;
            }
            self.turn(pace.nap())?;
        }
        Ok(start.elapsed().as_secs_f64())
    }

    /// Answers and repeats, but starts nothing, for a while.
    pub(super) fn idle(&mut self, time: Duration) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < time {
            self.turn(Duration::from_millis(5))?;
        }
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.stop
            .as_ref()
            .is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// A user registers from a link of the calling side.
    pub(super) fn register_again(&mut self, user: u32) {
        let place = user as usize % self.callers.len().max(1);
        let link = self.callers.get(place).copied().unwrap_or(0);
        self.register(user, link);
    }

    /// Operations in flight, without standing calls.
    pub(super) fn busy(&self) -> usize {
        self.ops.len() - self.held.len()
    }

    fn begin(&mut self, number: u32) -> Result<()> {
        let Settings {
            users, first_user, ..
        } = self.settings;
        let nth = |links: &[usize], n: u32| links.get(n as usize % links.len().max(1)).copied().unwrap_or(0);
        let user = first_user + number % users;
        match self.job {
            Job::Register if self.settings.connect => {
                let link = self.net.open()?;
                self.register(user, link);
            }
            Job::Register => self.register(user, nth(&self.callers, number)),
            Job::RegisterCalled => self.register(user, nth(&self.called, number)),
            Job::Call | Job::SetUp => {
                // Any fixed distance will do, as long as nobody calls himself.
                let caller = first_user + (number + users / 2 + users % 2) % users;
                self.invite(caller, user, nth(&self.callers, number));
            }
            Job::HangUp => {
                if let Some(call) = self.held.pop() {
                    self.bye(call, Instant::now());
                }
            }
        }
        Ok(())
    }

    /// One round: media, network, timers.
    pub(super) fn turn(&mut self, nap: Duration) -> Result<()> {
        let mut nap = nap;
        if let Some(media) = &mut self.media {
            media.turn();
            if media.active() > 0 {
                nap = nap.min(Duration::from_micros(500));
            }
        }
        // Taken out for the turn, as handling a message needs the whole engine.
        let mut inbox = std::mem::take(&mut self.inbox);
        let result = self.net.poll(nap, &mut inbox);
        for (link, message) in inbox.messages() {
            self.receive(link, message);
        }
        for link in inbox.closed() {
            self.lose_link(*link);
        }
        self.inbox = inbox;
        let now = Instant::now();
        if now.duration_since(self.timers_at) >= TIMER_GAP || self.media.is_some() {
            self.timers_at = now;
            self.handle_timers(now);
        }
        result
    }

    /// The server closed a connection: what was under way on it fails.
    fn lose_link(&mut self, link: usize) {
        let lost: Vec<OpId> = self
            .ops
            .iter()
            .filter(|(_, op)| op.link == link)
            .map(|(id, _)| id)
            .collect();
        for id in lost {
            self.held.retain(|held| *held != id);
            self.fail(id, "connection closed by the server".into());
        }
    }

    fn receive(&mut self, link: usize, message: &[u8]) {
        let Some(text) = Text::new(message) else { return };
        if let Some(code) = text.status() {
            let id = text
                .header("Call-ID")
                .and_then(|c| OpId::in_call_id(c, &self.words.run));
            if let Some(id) = id {
                self.on_response(id, code, &text);
            }
            return;
        }
        self.on_request(link, &text);
    }

    fn on_request(&mut self, link: usize, text: &Text<'_>) {
        let local = self.net.local(link);
        let contact = format!("<sip:phone@{local}{}>", self.words.transport.uri_suffix());
        let repeat = !self.words.transport.is_stream();
        let media = &mut self.media;
        let outcome = self
            .callee
            .handle(text, link, &contact, repeat, |offered| match media {
                Some(media) => {
                    let (stream, rtp) = media.open(offered);
                    (Some(stream), rtp)
                }
                None => (None, SocketAddr::new(local.ip(), SILENT_PORT)),
            });
        match outcome {
            None => {}
            Some(Outcome::Answer(answers)) => answers.iter().for_each(|a| self.net.send(link, a)),
            Some(Outcome::Confirmed(stream)) => {
                let at_once = self.job != Job::SetUp;
                if let (Some(stream), Some(media), true) = (stream, &mut self.media, at_once) {
                    media.start(stream);
                }
            }
            Some(Outcome::Ended(stream, answer)) => {
                self.net.send(link, &answer);
                if let (Some(stream), Some(media)) = (stream, &mut self.media) {
                    media.close(stream);
                }
            }
        }
    }

    /// The description of a caller, with a stream of its own when there is media.
    pub(super) fn offer(&mut self, link: usize) -> (Option<usize>, String) {
        match &mut self.media {
            Some(media) => {
                let (stream, rtp) = media.open(None);
                (Some(stream), words::description(rtp))
            }
            None => {
                let rtp = SocketAddr::new(self.net.local(link).ip(), SILENT_PORT);
                (None, words::description(rtp))
            }
        }
    }

    fn handle_timers(&mut self, now: Instant) {
        let stream_transport = self.words.transport.is_stream();
        let (mut late, mut again, mut over) = (Vec::new(), Vec::new(), Vec::new());
        for (id, op) in self.ops.iter() {
            match op.state {
                State::Held => {}
                State::Talking if op.until <= now => over.push(id),
                State::Talking => {}
                _ if now.duration_since(op.active) > self.patience => late.push(id),
                State::Proceeding => {}
                _ if stream_transport => {}
                _ if now.duration_since(op.sent) > T1 * (1 << op.tries.min(DOUBLINGS)) => again.push(id),
                _ => {}
            }
        }
        for id in over {
            self.bye(id, now);
        }
        for id in again {
            self.send_again(id, now);
        }
        for id in late {
            let state = self.ops.get_mut(id).map_or(State::Invite, |op| op.state);
            self.fail(id, format!("no answer in state {state:?}"));
        }
        let net = &mut self.net;
        self.tally.retransmitted += self.callee.repeat(now, |link, ok| net.send(link, ok));
    }

    fn send_again(&mut self, id: OpId, now: Instant) {
        let Some(op) = self.ops.get_mut(id) else { return };
        op.sent = now;
        op.tries += 1;
        self.net.send(op.link, &op.request);
        self.tally.retransmitted += 1;
    }
}
