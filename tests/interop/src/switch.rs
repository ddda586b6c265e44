//! A carrier on a socket of its own: the simulation's, which takes calls at once, asks for passwords if it is told to, and remembers
//! every word.
//!
//! Owns: a thread, a UDP socket, what came. Does not own: what a carrier says (`sim::carrier`).

use anyhow::{Context, Result};
use model::Wall;
use sim::carrier::Carrier;
use sim::rng::Rng;
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// A carrier, alive until it is dropped.
pub struct Switch {
    /// Where it is.
    pub at: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Answers a message in the carrier's place, if it likes.
pub type Answerer = Box<dyn FnMut(&str) -> Option<Vec<String>> + Send>;

/// What a carrier is and has heard.
pub struct State {
    /// The carrier: its mood, account and realm may be changed.
    pub carrier: Carrier,
    /// Every message that came, copies included.
    pub heard: Vec<String>,
    /// Speaks in its place, where it is there.
    pub answerer: Option<Answerer>,
    /// What was answered, by the request: a copy gets the same.
    said: BTreeMap<String, Vec<Vec<u8>>>,
    /// What it says by itself, and whereto.
    out: Vec<(SocketAddr, Vec<u8>)>,
}

impl Switch {
    /// One that knows this account, and takes any call where there is none.
    ///
    /// # Errors
    /// The address is taken.
    pub fn start(at: SocketAddr, account: Option<(&str, &str)>) -> Result<Switch> {
        let socket = UdpSocket::bind(at).with_context(|| format!("no carrier at {at}"))?;
        socket.set_read_timeout(Some(Duration::from_millis(10)))?;
        let rng = Rng::new(u64::from(at.port()));
        let state = Arc::new(Mutex::new(State {
            carrier: Carrier::new("carrier", at, account, rng),
            heard: Vec::new(),
            answerer: None,
            said: BTreeMap::new(),
            out: Vec::new(),
        }));
        let stop = Arc::<AtomicBool>::default();
        let (shared, ends) = (Arc::clone(&state), Arc::clone(&stop));
        let thread = std::thread::spawn(move || serve(&socket, &shared, &ends));
        Ok(Switch {
            at,
            state,
            stop,
            thread: Some(thread),
        })
    }

    /// Its state, which it can't change meanwhile.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Requests of a method that came, copies included.
    #[must_use]
    pub fn requests(&self, method: &str) -> Vec<String> {
        let start = format!("{method} ");
        let state = self.state();
        let heard = state.heard.iter().filter(|text| text.starts_with(&start));
        heard.cloned().collect()
    }

    /// Calls a user part at the server in the name of a number.
    pub fn call(&self, target: &str, number: &str, server: SocketAddr) {
        let mut state = self.state();
        state.carrier.call(target, number, server);
        let messages = state.carrier.take_messages();
        state
            .out
            .extend(messages.into_iter().map(|(_, octets)| (server, octets)));
    }

    /// It falls silent for good: its port is closed.
    pub fn dies(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.end();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(socket: &UdpSocket, state: &Mutex<State>, stop: &AtomicBool) {
    let (begun, mut buffer) = (Instant::now(), vec![0; 65_536]);
    while !stop.load(Ordering::Relaxed) {
        let got = socket.recv_from(&mut buffer);
        let mut state = lock(state);
        if let Ok((length, from)) = got {
            let octets = buffer.get(..length).unwrap_or_default();
            for answer in state.answers(octets, from, begun.elapsed()) {
                let _lost = socket.send_to(&answer, from);
            }
        }
        for (to, octets) in std::mem::take(&mut state.out) {
            let _lost = socket.send_to(&octets, to);
        }
    }
}

impl State {
    fn answers(&mut self, octets: &[u8], from: SocketAddr, mono: Duration) -> Vec<Vec<u8>> {
        let text = String::from_utf8_lossy(octets).into_owned();
        if text.trim().is_empty() {
            return Vec::new();
        }
        self.heard.push(text.clone());
        let key = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or("");
        let key = format!("{} {}", key("Via: "), key("CSeq: "));
        let is_request = !text.starts_with("SIP/2.0 ");
        if is_request && let Some(said) = self.said.get(&key) {
            return said.clone();
        }
        let said = self.answerer.as_mut().and_then(|answerer| answerer(&text));
        let said = match said {
            Some(said) => said.into_iter().map(String::into_bytes).collect(),
            None => {
                let wall = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
                let wall = Wall(u64::try_from(wall.as_millis()).unwrap_or(0));
                self.carrier.receive(from, 0, octets, (mono, wall));
                let messages = self.carrier.take_messages();
                messages.into_iter().map(|(_, octets)| octets).collect::<Vec<_>>()
            }
        };
        if is_request {
            self.said.insert(key, said.clone());
        }
        said
    }
}
