//! The simulation's phone on a real socket: it registers, calls and answers by itself whenever it gets a turn, and tells
//! what it said and heard.

use crate::process::until;
use crate::server::{Server, password};
use crate::wire::{Transport, Wire, ping};
use anyhow::{Context, Result, ensure};
use sim::hostile::Leg;
use sim::phone::{Answer, Identity, Phone, State};
use sim::rng::Rng;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a step of a call may take on a busy machine.
const STEP: Duration = Duration::from_secs(20);

/// Another one for each phone of this process. A port comes again when its connection is gone, and a phone that says the
/// branch of one before it, from the same port, is taken for it (RFC 3261 §17.2.3).
fn seed() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What a phone's message becomes.
pub type Dress = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A phone and its socket.
pub struct Actor {
    /// The phone.
    pub phone: Phone,
    /// Its socket; `None` when it is cut off.
    pub wire: Option<Wire>,
    /// What it sent and received, as (sent, message), while `noting`.
    pub notes: Vec<(bool, Vec<u8>)>,
    /// Keeps notes.
    pub noting: bool,
    /// Messages received.
    pub received: u64,
    /// What becomes of its messages on the way to the socket.
    pub dress: Option<Dress>,
    transport: Transport,
    from: IpAddr,
    begun: Instant,
}

impl Actor {
    /// A phone that is switched on at our address `from`, and silent.
    ///
    /// # Errors
    /// The server can't be reached.
    pub fn new(
        server: &Server,
        (domain, user): (&str, &str),
        transport: Transport,
        from: IpAddr,
    ) -> Result<Actor> {
        let wire = Wire::open(transport, server, from)?;
        let identity = Identity {
            name: user.to_owned(),
            address: wire.local(),
            transport: transport.model(),
            domain: domain.to_owned(),
            user: user.to_owned(),
            password: password(domain, user),
        };
        let mut phone = Phone::new(identity, server.sip, Answer::PickUp(0), Rng::new(seed()));
        phone.mute = true;
        Ok(Actor {
            phone,
            wire: Some(wire),
            notes: Vec::new(),
            noting: false,
            received: 0,
            dress: None,
            transport,
            from,
            begun: Instant::now(),
        })
    }

    /// The phone's clock.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_secs(1) + self.begun.elapsed()
    }

    /// Connects anew; the phone has another address then.
    ///
    /// # Errors
    /// The server can't be reached.
    pub fn reconnect(&mut self, server: &Server) -> Result<()> {
        self.wire = None;
        let wire = Wire::open(self.transport, server, self.from)?;
        self.phone.identity.address = wire.local();
        self.wire = Some(wire);
        Ok(())
    }

    /// Sends what the phone has to say, hears for at most `wait` what there is, and lets its time pass.
    ///
    /// # Errors
    /// The socket can't be used.
    pub fn turn(&mut self, wait: Duration) -> Result<()> {
        self.speak();
        let Some(wire) = &mut self.wire else { return Ok(()) };
        let mut messages = wire.receive(wait)?;
        while !messages.is_empty() {
            messages.drain(..).for_each(|message| self.hear(&message));
            self.speak();
            let Some(wire) = &mut self.wire else { break };
            messages = wire.receive(Duration::ZERO)?;
        }
        let now = self.now();
        if self.phone.poll_timeout().is_some_and(|at| at <= now) {
            self.phone.handle_timeout(now);
        }
        self.speak();
        Ok(())
    }

    /// Hears all that is on its way: what the server sent before it answers this OPTIONS arrives before the answer.
    ///
    /// # Errors
    /// No answer came.
    pub fn catch_up(&mut self, server: &Server) -> Result<()> {
        if let Some(wire) = &mut self.wire {
            let (_, others) = ping(wire, self.transport, server, 0)?;
            others.iter().for_each(|message| self.hear(message));
        }
        self.speak();
        Ok(())
    }

    /// The phone gets a message.
    pub fn hear(&mut self, message: &[u8]) {
        self.received += 1;
        self.note(false, message);
        let now = self.now();
        self.phone.receive(message, now);
    }

    fn speak(&mut self) {
        for message in self.phone.take_messages() {
            let message = self
                .dress
                .as_ref()
                .map_or(message.clone(), |dress| dress(&message));
            self.note(true, &message);
            if let Some(wire) = &mut self.wire {
                wire.send(&message);
            }
        }
    }

    fn note(&mut self, sent: bool, message: &[u8]) {
        if self.noting {
            self.notes.push((sent, message.to_vec()));
        }
    }

    /// Registers and waits for the answer.
    ///
    /// # Errors
    /// It was refused, or nothing came in time.
    pub fn register(&mut self) -> Result<()> {
        let now = self.now();
        self.phone.heard.clear();
        self.phone.register(3_600, now);
        let begun = Instant::now();
        while begun.elapsed() < STEP {
            self.turn(Duration::from_millis(20))?;
            if let Some((_, code)) = self.phone.heard.iter().find(|(method, _)| method == "REGISTER") {
                ensure!(
                    *code == 200,
                    "REGISTER of {} got {code}",
                    self.phone.identity.user
                );
                return Ok(());
            }
        }
        anyhow::bail!("REGISTER of {} was not answered", self.phone.identity.user)
    }

    /// Takes turns until `done` says so.
    ///
    /// # Errors
    /// It never did.
    pub fn play(&mut self, what: &str, mut done: impl FnMut(&Actor) -> bool) -> Result<()> {
        until(what, STEP, || {
            self.turn(Duration::from_millis(5))?;
            Ok(done(self).then_some(()))
        })
    }

    /// Calls somebody.
    pub fn call(&mut self, number: &str) -> usize {
        let now = self.now();
        self.phone.call(number, now)
    }

    /// How many calls are up.
    #[must_use]
    pub fn up(&self) -> usize {
        self.phone
            .calls()
            .iter()
            .filter(|(_, state)| *state == State::Up)
            .count()
    }

    /// Ends every call.
    pub fn end_all(&mut self) {
        let now = self.now();
        for (call, _) in self.phone.calls() {
            self.phone.end(call, now);
        }
    }

    /// What it noted of dialogs as the caller, the latest first.
    #[must_use]
    pub fn legs(&self) -> Vec<Leg> {
        let heard = self.notes.iter().rev().filter(|(sent, _)| !sent);
        heard.filter_map(|(_, message)| Leg::of_caller(message)).collect()
    }

    /// The latest message that it noted with a description in which these words are.
    ///
    /// # Errors
    /// There is none.
    pub fn described(&self, words: &str) -> Result<String> {
        let heard = self.notes.iter().rev().filter(|(sent, _)| !sent);
        let mut texts = heard.map(|(_, message)| String::from_utf8_lossy(message).into_owned());
        let found = texts.find(|text| text.contains("\nv=0") && text.contains(words));
        found.with_context(|| format!("nothing was described with {words:?}"))
    }

    /// The top Vias of requests that the server sent it.
    #[must_use]
    pub fn vias(&self) -> Vec<String> {
        let requests = self
            .notes
            .iter()
            .filter(|(sent, m)| !sent && !m.starts_with(b"SIP/2.0"));
        let via = |message: &Vec<u8>| {
            let text = String::from_utf8_lossy(message).into_owned();
            text.lines()
                .find_map(|l| l.strip_prefix("Via: "))
                .map(str::to_owned)
        };
        requests.filter_map(|(_, message)| via(message)).collect()
    }
}

/// Gives both turns until `done` says so.
///
/// # Errors
/// It never did.
pub fn play(
    one: &mut Actor,
    other: &mut Actor,
    what: &str,
    mut done: impl FnMut(&Actor, &Actor) -> bool,
) -> Result<()> {
    let begun = Instant::now();
    while !done(one, other) {
        ensure!(
            begun.elapsed() < STEP,
            "waited {} s in vain for {what}",
            STEP.as_secs()
        );
        one.turn(Duration::from_millis(5))?;
        other.turn(Duration::from_millis(5))?;
    }
    Ok(())
}
