//! A name server on a socket: what it knows may change, and it may fall silent.

use crate::stage::Stage;
use anyhow::{Context, Result};
use sim::dns::Zone;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The server; it ends when this is dropped.
pub struct Names {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    zone: Mutex<Zone>,
    silent: AtomicBool,
    ends: AtomicBool,
    asked: AtomicU64,
}

impl Names {
    /// One that knows these names.
    ///
    /// # Errors
    /// No port is left.
    pub fn start(stage: &Stage, zone: Zone) -> Result<Names> {
        let port = stage.ports.one()?;
        let socket = UdpSocket::bind(("127.0.0.1", port)).context("no port for a name server")?;
        socket.set_read_timeout(Some(Duration::from_millis(20)))?;
        let shared = Arc::new(Shared {
            zone: Mutex::new(zone),
            silent: AtomicBool::new(false),
            ends: AtomicBool::new(false),
            asked: AtomicU64::new(0),
        });
        let kept = Arc::clone(&shared);
        std::thread::spawn(move || serve(&socket, &kept));
        Ok(Names { port, shared })
    }

    /// The section that has a server ask this one.
    #[must_use]
    pub fn section(&self) -> String {
        format!("[dns]\nservers = [\"127.0.0.1:{}\"]\ntimeout_s = 2\n", self.port)
    }

    /// It knows other names from now on.
    pub fn change(&self, zone: Zone) {
        *self.shared.zone.lock().unwrap_or_else(PoisonError::into_inner) = zone;
    }

    /// It answers nothing, or answers again.
    pub fn fall_silent(&self, silent: bool) {
        self.shared.silent.store(silent, Ordering::Relaxed);
    }

    /// Questions that have come.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
    }
}

fn serve(socket: &UdpSocket, shared: &Shared) {
    let mut query = [0; 512];
    while !shared.ends.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut query) else {
            continue;
        };
        shared.asked.fetch_add(1, Ordering::Relaxed);
        let zone = shared.zone.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = query.get(..length).and_then(|query| zone.answer(query));
        if let Some(answer) = answer.filter(|_| !shared.silent.load(Ordering::Relaxed)) {
            let _lost = socket.send_to(&answer, from);
        }
    }
}
