//! A session worker: one thread, one event loop, its own sockets, connections and tenants.
//!
//! A turn of the loop: wait, read the clock, let deadlines pass, take a bounded helping from everything
//! that is ready, then perform what came of it. Owns: sockets and connections. Does not own: what a
//! message means ([`core`]).

mod backlog;
mod connect;
mod core;
mod entry;
mod reach;
mod sifted;
mod streams;
mod tape;
mod tenants;
mod told;
mod websocket;

use crate::conn::{Conn, ConnTable};
use crate::listen::{Address, Sockets};
use crate::records::Records;
use crate::shared::{Bulk, Remembered, Shared, Sure};
use crate::sys::{BATCH, Batch, Events, Interest, Poll, Ready};
use crate::udp::{UdpPort, port_for};
use backlog::Backlog;
use border::Report;
use connect::Attempts;
use core::{Core, Order, Outbound};
use model::{FlowToken, TenantConfig, TenantId, Transport};
use pbx::Setup;
use sifted::Sifted;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

/// Descriptors looked at in one turn.
const EVENTS: usize = 1_024;
/// Batches of datagrams taken from one socket in one turn: enough to empty a kernel buffer that is full, as what may
/// wait is only put aside.
const UDP_BATCHES: usize = 64;
/// Datagrams served as they come from one socket in one turn; more wait in the kernel, so that a flood of calls keeps
/// neither timers nor connections nor other sockets waiting.
const UDP_HELPING: usize = 4 * BATCH;
/// Rounds of sending in one turn: a message for a connection that is gone makes its tenant act again.
const ROUNDS: usize = 8;
/// A wait that took longer was for something that came later.
const NAP: Duration = Duration::from_micros(200);
/// Between two looks for deleted tenants that may go.
const SWEEP: Duration = Duration::from_secs(1);

/// Token of the inbox; UDP sockets and listeners follow, connection numbers are far above.
const INBOX: u64 = 0;
const UDP: u64 = 1 << 8;
const LISTENER: u64 = 1 << 16;
const CONNECTIONS: u64 = 1 << 24;

/// What a worker starts with.
pub(crate) struct Start {
    /// Which worker.
    pub(crate) index: usize,
    /// Shared with the others.
    pub(crate) shared: Arc<Shared>,
    /// Bound already.
    pub(crate) sockets: Sockets,
    /// For its tenants.
    pub(crate) setup: Setup,
    /// Opened already.
    pub(crate) records: Records,
    /// Its tenants.
    pub(crate) configs: Vec<Arc<TenantConfig>>,
    /// What the journals keep of them.
    pub(crate) kept: Remembered,
}

/// The loop and everything that it touches.
pub(crate) struct Worker {
    core: Core,
    poll: Poll,
    events: Events,
    udp: Vec<UdpPort>,
    sifted: Sifted,
    listeners: Vec<(Address, TcpListener)>,
    /// Given up when descriptors run out, to accept and close one connection instead of spinning.
    spare: Option<std::fs::File>,
    conns: ConnTable,
    attempts: Attempts,
    /// Connections with something to send.
    touched: Vec<u64>,
    /// Connections of strangers that are ready, and with which of them turns begin.
    strangers: Vec<Ready>,
    beginning: u64,
    batch: Batch,
    backlog: Backlog,
    scratch: Vec<u8>,
    sure: Vec<Sure>,
    bulk: Vec<Bulk>,
    swept: Duration,
    /// This turn has left datagrams in a socket.
    unfinished: bool,
    /// Since when each turn has.
    behind: Option<Duration>,
    stopped: bool,
}

impl Worker {
    /// Sets everything up; afterwards [`Worker::run`] never fails.
    pub(crate) fn new(start: Start) -> anyhow::Result<Worker> {
        let Start {
            index,
            shared,
            sockets,
            setup,
            records,
            configs,
            kept,
        } = start;
        let poll = Poll::new()?;
        let inbox = shared
            .sessions
            .get(index)
            .ok_or_else(|| anyhow::anyhow!("no such worker"))?;
        poll.add(inbox.as_fd(), INBOX, Interest::Edge)?;
        let udp: Vec<UdpPort> = sockets.udp.into_iter().map(|(a, s)| UdpPort::new(a, s)).collect();
        for (port, token) in udp.iter().zip(UDP..) {
            poll.add(port.as_fd(), token, Interest::Read)?;
        }
        for ((_, listener), token) in sockets.streams.iter().zip(LISTENER..) {
            poll.add(listener.as_fd(), token, Interest::Read)?;
        }
        let limits = setup.limits;
        let mut core = Core::new(index, shared, records, setup);
        for config in configs {
            core.configure(config);
        }
        core.restore(kept);
        Ok(Worker {
            conns: ConnTable::new(limits, core.now),
            core,
            poll,
            events: Events::new(EVENTS),
            sifted: Sifted::new(udp.len()),
            udp,
            listeners: sockets.streams,
            spare: std::fs::File::open("/dev/null").ok(),
            attempts: Attempts::default(),
            touched: Vec::new(),
            strangers: Vec::new(),
            beginning: 0,
            batch: Batch::new(BATCH, 65_535),
            backlog: Backlog::default(),
            scratch: vec![0; 65_536],
            sure: Vec::new(),
            bulk: Vec::new(),
            swept: Duration::ZERO,
            unfinished: false,
            behind: None,
            stopped: false,
        })
    }

    /// Works until told to stop. May be called again after it panicked.
    pub(crate) fn run(&mut self) {
        // The edge of a wake-up that a panic swallowed does not come again.
        self.take_inbox();
        while !self.stopped {
            self.turn();
        }
        for number in self.conns.numbers() {
            if let Some(conn) = self.conns.get_mut(number) {
                conn.say_goodbye(self.core.now.mono);
            }
            self.close(number);
        }
    }

    /// Notes that a turn panicked outside of any tenant.
    pub(crate) fn note_panic(&mut self) {
        self.core.counts.panics += 1;
    }

    fn turn(&mut self) {
        let (began, ended) = (self.core.now.mono, self.core.shared.clock.mono());
        let timeout = self.timeout(ended);
        let ready = self.poll.wait(&mut self.events, timeout).unwrap_or(0);
        self.core.now = self.core.shared.clock.now();
        self.note_waits(began, ended);
        let border = &self.core.shared.border;
        self.core.counts.unread += self.sifted.look(&self.udp, border, self.core.now.mono);
        self.expire();
        for index in 0..ready {
            let Some(event) = self.events.get(index) else {
                break;
            };
            match event.token {
                INBOX => self.take_inbox(),
                token @ UDP..LISTENER => self.datagrams(token - UDP, event.readable),
                number if number >= CONNECTIONS && self.is_known(number) => self.stream(number, event),
                _ => self.strangers.push(event),
            }
        }
        if ready == EVENTS {
            // There are more, and what matters most may be among them.
            self.take_inbox();
            for socket in 0..self.udp.len() as u64 {
                self.datagrams(socket, true);
            }
        }
        self.strangers();
        self.serve_backlog();
        self.perform();
    }

    /// How long what is ready now has waited at most: since the turn before looked, unless there was time to sleep in between, and
    /// where a socket was left with datagrams in it, since that was so.
    fn note_waits(&mut self, began: Duration, ended: Duration) {
        let now = self.core.now.mono;
        let slept = now.saturating_sub(ended) > NAP;
        let turn = if slept {
            Duration::ZERO
        } else {
            ended.saturating_sub(began)
        };
        let queue = self
            .behind
            .map_or(Duration::ZERO, |since| now.saturating_sub(since));
        self.core.overload.observe(turn.max(queue), now);
        self.behind = self.unfinished.then(|| self.behind.unwrap_or(now));
        self.unfinished = false;
    }

    /// How long nothing can be due.
    fn timeout(&self, now: Duration) -> Option<Duration> {
        if !self.backlog.is_empty() || !self.core.inside.is_empty() {
            return Some(Duration::ZERO);
        }
        let sweep = self.core.tenants.any_removed().then(|| self.swept + SWEEP);
        let due = [
            self.conns.next_deadline(),
            self.attempts.next_deadline(),
            self.core.next_deadline(),
            self.core.records.retry_at(),
            self.sifted.due(),
            sweep,
        ];
        let next = due.into_iter().flatten().min()?;
        Some(next.saturating_sub(now))
    }

    fn expire(&mut self) {
        let now = self.core.now.mono;
        self.core.expire();
        self.expire_attempts();
        while let Some(number) = self.conns.expired(now) {
            let limits = *self.conns.limits();
            if self
                .conns
                .get_mut(number)
                .is_some_and(|c| c.ask_if_quiet(&limits, now))
            {
                self.touched.push(number);
                self.conns.arm(number);
                continue;
            }
            let stalled = self
                .conns
                .get_mut(number)
                .is_some_and(|c| c.has_stalled(&limits, now));
            if stalled {
                self.core.counts.connections_refused += 1;
                self.note_stalled(number);
            }
            self.close(number);
        }
        if self.core.tenants.any_removed() && now >= self.swept + SWEEP {
            self.swept = now;
            self.core.tenants.sweep();
        }
    }

    /// Whoever opens connections and says nothing is remembered for it.
    fn note_stalled(&mut self, number: u64) {
        // Where we don't get round to reading, nobody is to blame.
        let stall = Duration::from_secs(self.conns.limits().connection_stall_s);
        let now = self.core.now.mono;
        let is_read = |conn: &&mut Conn| conn.left.is_none_or(|left| now >= left + stall);
        let conn = self.conns.get_mut(number).filter(is_read);
        if let Some(flow) = conn.filter(|conn| conn.tenants.is_empty()).map(|conn| conn.flow) {
            self.core.report(&flow, Report::Stalled);
        }
    }

    fn take_inbox(&mut self) {
        let shared = Arc::clone(&self.core.shared);
        let Some(inbox) = shared.sessions.get(self.core.index) else {
            return;
        };
        let (mut sure, mut bulk) = (std::mem::take(&mut self.sure), std::mem::take(&mut self.bulk));
        inbox.take(&mut sure, &mut bulk);
        for item in sure.drain(..) {
            match self.core.sure(item, self.conns.len()) {
                Order::None => {}
                Order::StopAccepting => self.stop_accepting(),
                Order::Stop => self.stopped = true,
            }
        }
        for item in bulk.drain(..) {
            match item {
                Bulk::Packet {
                    tenant,
                    flow,
                    bytes,
                    sign_in,
                } => self.core.packet(tenant, flow, &bytes, sign_in),
                Bulk::Transmit { tenant, flow, bytes } => {
                    self.core.outbox.push(Outbound {
                        tenant: Some(tenant),
                        flow,
                        bytes,
                    });
                }
            }
        }
        (self.sure, self.bulk) = (sure, bulk);
    }

    fn datagrams(&mut self, socket: u64, readable: bool) {
        let Some((socket, port)) = usize::try_from(socket)
            .ok()
            .and_then(|i| Some((i, self.udp.get(i)?)))
        else {
            return;
        };
        if !readable {
            return;
        }
        let mut flow = datagram_flow(port);
        let mut served = 0;
        for _ in 0..UDP_BATCHES {
            // An error here is an ICMP message about something sent earlier; transactions time out.
            let count = self.batch.receive(port.as_fd()).unwrap_or(0);
            let full = count == self.batch.capacity();
            for index in 0..count {
                let Some((packet, from)) = self.batch.get(index) else {
                    continue;
                };
                flow.remote = from;
                if is_keep_alive(packet) {
                    self.core.counts.keepalives += 1;
                    continue;
                }
                let Some(locks) = self.core.admits_message(packet, &flow, &mut None) else {
                    continue;
                };
                // Once something waits, what is like it waits behind it.
                let flooded = full || !self.backlog.is_empty();
                if let Some(rank) = flooded.then(|| self.core.rank(packet, &flow)).flatten() {
                    let kept = self
                        .backlog
                        .push(rank, (socket, from), packet, self.core.now.mono);
                    self.core.counts.shed += u64::from(!kept);
                    continue;
                }
                served += 1;
                self.core.datagram(packet, &flow, locks);
            }
            if !full {
                break;
            }
            if served >= UDP_HELPING {
                self.unfinished = true;
                break;
            }
        }
    }

    /// Serves a helping of what was put aside.
    fn serve_backlog(&mut self) {
        if self.backlog.is_empty() {
            return;
        }
        self.backlog.begin();
        loop {
            let (waiting, dropped) = self.backlog.next(self.core.now.mono);
            self.core.counts.shed += dropped;
            let Some(waiting) = waiting else { return };
            let Some(port) = self.udp.get(waiting.socket) else {
                continue;
            };
            let flow = FlowToken {
                remote: waiting.from,
                ..datagram_flow(port)
            };
            // It was let in when it came; whether something of it is locked is asked now.
            self.core.datagram(&waiting.packet, &flow, true);
        }
    }

    /// Journals, then messages, then the queues of other threads.
    fn perform(&mut self) {
        for _ in 0..ROUNDS {
            self.core.go_inside();
            self.begin_connecting();
            self.begin_reaching();
            self.core
                .records
                .commit(self.core.now.mono, &mut self.core.counts);
            self.send();
            let is_done = self.core.outbox.is_empty() && self.core.inside.is_empty();
            if is_done && self.core.connects.is_empty() && self.core.reaches.is_empty() {
                break;
            }
        }
        self.core.flush_lanes();
    }

    fn send(&mut self) {
        let mut outbox = std::mem::take(&mut self.core.outbox);
        for Outbound { tenant, flow, bytes } in outbox.drain(..) {
            match flow.transport {
                Transport::Udp => {
                    let port = port_for(&self.udp, flow.local).and_then(|i| self.udp.get_mut(i));
                    let sent = port.is_some_and(|p| p.push(flow.remote, bytes));
                    self.core.counts.shed += u64::from(!sent);
                }
                _ => self.send_stream(tenant, flow, bytes),
            }
        }
        if self.core.outbox.is_empty() {
            // Keeps the allocation for the next turn.
            self.core.outbox = outbox;
        }
        self.flush_udp();
        self.flush_touched();
    }

    fn flush_udp(&mut self) {
        for (port, token) in self.udp.iter_mut().zip(UDP..) {
            let wanted = if port.flush() {
                Interest::ReadWrite
            } else {
                Interest::Read
            };
            if port.interest != wanted && self.poll.modify(port.as_fd(), token, wanted).is_ok() {
                port.interest = wanted;
            }
        }
    }

    fn send_stream(&mut self, tenant: Option<TenantId>, flow: FlowToken, bytes: bytes::Bytes) {
        let worker = usize::from(flow.worker);
        if worker != self.core.index {
            if let Some(tenant) = tenant.filter(|_| worker < self.core.shared.sessions.len()) {
                return self.core.forward(worker, tenant, flow, bytes);
            }
        } else if let Some(conn) = self.conns.get_mut(flow.connection) {
            let fits = conn.push(bytes, &self.core.shared.settings.limits);
            self.touched.push(flow.connection);
            if !fits {
                self.core.counts.connections_refused += 1;
                self.close(flow.connection);
            }
            return;
        }
        if let Some(tenant) = tenant {
            self.core.flow_closed(tenant, flow.worker, flow.connection);
        }
    }

    fn stop_accepting(&mut self) {
        for (_, listener) in self.listeners.drain(..) {
            let _ = self.poll.remove(listener.as_fd());
        }
    }
}

/// The flow of datagrams that come in by a socket; the other end is filled in for each.
fn datagram_flow(port: &UdpPort) -> FlowToken {
    FlowToken {
        transport: Transport::Udp,
        worker: 0,
        connection: 0,
        local: port.address.public,
        remote: port.address.public,
    }
}

/// A datagram that keeps a NAT binding open and says nothing: line ends, NULs, or nothing at all.
fn is_keep_alive(packet: &[u8]) -> bool {
    packet.len() <= 4 && packet.iter().all(|b| matches!(b, b'\r' | b'\n' | 0))
}
