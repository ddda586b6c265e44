//! The way to a collector of traces: a queue, a thread and a socket for datagrams.
//!
//! Owns: looking the collector up, hiding what nobody is to see, sending. Does not own: the form of a packet (`trace::hep`). A
//! worker never waits for it: what does not fit into the queue is left out and counted, as is what can't be sent.

use crate::settings::Hep;
use anyhow::{Context, Result};
use bytes::Bytes;
use model::{CdrId, Counts, FlowToken, Wall};
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use trace::hep::{Packet, write};

/// Messages that wait: some seconds of a busy server.
const QUEUE: usize = 16_384;
/// An address is looked up anew after this, and one that was not found after that.
const FRESH: Duration = Duration::from_secs(300);
const RETRY: Duration = Duration::from_secs(5);

/// A message on its way to the collector.
pub(crate) struct HepItem {
    pub(crate) at: Wall,
    pub(crate) sent: bool,
    pub(crate) flow: FlowToken,
    pub(crate) bytes: Bytes,
    /// The record of its call: the same for all legs.
    pub(crate) call: Option<CdrId>,
}

/// What waits; `None` ends the thread.
type Queue = Receiver<Option<HepItem>>;

/// Where workers leave messages.
pub(crate) struct HepDesk {
    items: SyncSender<Option<HepItem>>,
    /// For the thread, which takes it.
    queue: Mutex<Option<Queue>>,
    sent: AtomicU64,
    dropped: AtomicU64,
}

impl HepDesk {
    /// Nothing waits yet.
    pub(crate) fn new() -> HepDesk {
        let (items, queue) = sync_channel(QUEUE);
        HepDesk {
            items,
            queue: Mutex::new(Some(queue)),
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Leaves a message unless too many wait.
    pub(crate) fn offer(&self, item: HepItem) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.items.try_send(Some(item)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends the thread when it has sent what waits.
    pub(crate) fn stop(&self) {
        let _ = self.items.send(None);
    }

    /// Adds what it has counted.
    pub(crate) fn count(&self, counts: &mut Counts) {
        counts.hep_sent += self.sent.load(Ordering::Relaxed);
        counts.hep_dropped += self.dropped.load(Ordering::Relaxed);
    }
}

/// Starts the thread.
///
/// # Errors
/// The file with the key can't be read, or there is no thread.
pub(crate) fn start(settings: &Hep, desk: &Arc<HepDesk>) -> Result<JoinHandle<()>> {
    let queue = desk.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
    let queue = queue.context("the thread of HEP runs already")?;
    let desk = Arc::clone(desk);
    let key = settings.key_file.as_ref().map(|file| {
        let text = fs::read_to_string(file)
            .with_context(|| format!("cannot read the key for HEP in {}", file.display()))?;
        anyhow::Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    });
    let mut way = Way {
        settings: settings.clone(),
        key: key.transpose()?,
        open: None,
        looked: None,
    };
    thread::Builder::new()
        .name("hep".to_owned())
        .spawn(move || {
            while let Ok(Some(item)) = queue.recv() {
                let outcome = if way.send(&item) {
                    &desk.sent
                } else {
                    &desk.dropped
                };
                outcome.fetch_add(1, Ordering::Relaxed);
            }
        })
        .context("cannot start the thread of HEP; check the limit of threads (ulimit -u)")
}

/// The socket to the collector.
struct Way {
    settings: Hep,
    key: Option<String>,
    open: Option<UdpSocket>,
    /// When it was looked up last.
    looked: Option<Instant>,
}

impl Way {
    /// False when it could not be sent.
    fn send(&mut self, item: &HepItem) -> bool {
        self.look();
        let Some(socket) = &self.open else { return false };
        let mut octets = item.bytes.to_vec();
        if !self.settings.full {
            trace::redact::redact(&mut octets);
        }
        let call = item.call.map(|call| call.to_string());
        let packet = write(&Packet {
            at: item.at,
            sent: item.sent,
            flow: &item.flow,
            capture_id: self.settings.capture_id,
            auth_key: self.key.as_deref(),
            correlation: call.as_deref(),
            payload: &octets,
        });
        // An error may also be an ICMP message about an earlier one: nobody listens there.
        socket.send(&packet).is_ok()
    }

    fn look(&mut self) {
        let age = self.looked.map(|at| at.elapsed());
        let lasts = if self.open.is_some() { FRESH } else { RETRY };
        if age.is_some_and(|age| age < lasts) {
            return;
        }
        let first = self.looked.is_none();
        self.looked = Some(Instant::now());
        match connect(&self.settings.collector) {
            Ok(socket) => self.open = Some(socket),
            // The old address is better than none.
            Err(error) if self.open.is_none() && first => {
                tracing::warn!(
                    "no traces reach {}: {error:#}; trying again",
                    self.settings.collector
                );
            }
            Err(_) => {}
        }
    }
}

fn connect(collector: &str) -> Result<UdpSocket> {
    let place = collector.to_socket_addrs()?.next();
    let place = place.context("the name has no address")?;
    let any: SocketAddr = match place {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(place)?;
    Ok(socket)
}
