//! Connections of a worker: accepting, reading, writing, closing.

use super::websocket;
use super::{CONNECTIONS, LISTENER, Worker};
use crate::conn::{Admission, Conn, Fill, Flush, Framing};
use crate::sys::{Interest, Ready};
use border::Standing;
use model::{FlowToken, Transport};
use sip::stream::{Frame, PONG};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

/// Connections accepted from one listener in one turn.
const ACCEPTS: usize = 32;
/// Reads from one connection in one turn; of a stranger's one is enough.
const READS: usize = 4;
/// So long it is not asked again whether a connection's peer is known.
const STANDING: Duration = Duration::from_millis(200);
/// What strangers' connections, new ones and those on which nobody has shown a password, take of one turn before the others have the
/// next one.
const STRANGERS: Duration = Duration::from_millis(2);

impl Worker {
    pub(super) fn accept(&mut self, listener: u64) {
        for _ in 0..ACCEPTS {
            let Some((address, socket)) = usize::try_from(listener).ok().and_then(|i| self.listeners.get(i))
            else {
                return;
            };
            let address = *address;
            match socket.accept() {
                Ok((stream, remote)) => self.admit(stream, address.transport, address.public, remote),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(e) if matches!(e.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
                    return self.refuse_one(listener);
                }
                // The peer gave up before we came (ECONNABORTED); the next one may be waiting.
                Err(_) => {}
            }
        }
    }

    /// No descriptor is left: takes one connection with the spare one and closes it, so that the
    /// listener does not stay ready for ever.
    fn refuse_one(&mut self, listener: u64) {
        self.spare = None;
        if let Some((_, socket)) = usize::try_from(listener).ok().and_then(|i| self.listeners.get(i)) {
            drop(socket.accept());
        }
        self.spare = std::fs::File::open("/dev/null").ok();
        self.core.counts.connections_refused += 1;
    }

    fn admit(&mut self, stream: TcpStream, transport: Transport, local: SocketAddr, remote: SocketAddr) {
        if !self.core.admits_connection(remote.ip()) {
            return;
        }
        if self.conns.admission(remote.ip()) == Admission::Full {
            self.core.counts.connections_refused += 1;
            return;
        }
        let flow = FlowToken {
            transport,
            worker: u16::try_from(self.core.index).unwrap_or(0),
            connection: self.conns.next_number(),
            local,
            remote,
        };
        let tls = match (transport, &self.core.shared.tls) {
            (encrypted, Some(tls)) if encrypted.is_encrypted() => Some(tls.current()),
            _ => None,
        };
        let now = self.core.now.mono;
        let Ok(conn) = Conn::new(flow, stream, tls, self.conns.limits(), now) else {
            return;
        };
        if self
            .poll
            .add(conn.as_fd(), flow.connection, Interest::Read)
            .is_ok()
        {
            self.conns.insert(conn);
        } else {
            self.core.counts.connections_refused += 1;
        }
    }

    /// Whether a connection is ours, or comes from where somebody has shown a password: no address of a connection is forged.
    pub(super) fn is_known(&mut self, number: u64) -> bool {
        let now = self.core.now.mono;
        let Some(conn) = self.conns.get_mut(number).filter(|conn| conn.meter.is_some()) else {
            return true;
        };
        if let Some((is_known, _)) = conn.standing.filter(|(_, until)| now < *until) {
            return is_known;
        }
        let is_known = self.core.shared.border.standing(&conn.flow, now) >= Standing::Neighbour;
        conn.standing = Some((is_known, now + STANDING));
        is_known
    }

    /// Serves strangers' connections for a while, each when it is its turn: the kernel names those that are left again.
    pub(super) fn strangers(&mut self) {
        if self.strangers.is_empty() {
            return;
        }
        let mut ready = std::mem::take(&mut self.strangers);
        let end = self.core.shared.clock.mono() + STRANGERS;
        // Another one each time, whoever comes and goes.
        self.beginning = self.beginning.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let count = u64::try_from(ready.len()).unwrap_or(1);
        let first = usize::try_from((self.beginning >> 32) % count).unwrap_or(0);
        ready.rotate_left(first);
        let mut is_over = false;
        for event in ready.drain(..) {
            match event.token {
                number if is_over => {
                    if let Some(conn) = self.conns.get_mut(number) {
                        conn.left = Some(self.core.now.mono);
                    }
                    continue;
                }
                token @ LISTENER..CONNECTIONS => self.accept(token - LISTENER),
                number => self.stream(number, event),
            }
            is_over = self.core.shared.clock.mono() >= end;
        }
        self.strangers = ready;
    }

    pub(super) fn stream(&mut self, number: u64, event: Ready) {
        if self.settle_attempt(number) {
            // What came right behind a handshake is off the socket already.
            self.read(number);
            return;
        }
        if event.readable {
            self.read(number);
        }
        if event.writable {
            self.touched.push(number);
        }
    }

    fn read(&mut self, number: u64) {
        let now = self.core.now.mono;
        let reads = if self.is_known(number) { READS } else { 1 };
        let Some(conn) = self.conns.get_mut(number) else {
            return;
        };
        let mut open = true;
        for _ in 0..reads {
            let count = match conn.fill(&mut self.scratch, now) {
                Fill::Data(count) => count,
                Fill::Empty => break,
                Fill::Closed => {
                    open = false;
                    break;
                }
            };
            let Some(octets) = self.scratch.get(..count) else {
                break;
            };
            let fits = self.core.measure(&mut conn.meter, &conn.flow, count, 0);
            if !fits || !conn.is_closing() && !take(conn, octets, &mut self.core) {
                open = false;
                break;
            }
            if count < self.scratch.len() {
                break;
            }
        }
        if open {
            self.touched.push(number);
            self.conns.arm(number);
            self.conns.weigh(number);
            self.make_room();
        } else {
            self.close(number);
        }
    }

    /// Lets those go whose unfinished messages have taken longest, until the rest have room. Whoever means well has its
    /// message together in an instant.
    fn make_room(&mut self) {
        while let Some(number) = self.conns.too_slow() {
            self.core.counts.partials_dropped += 1;
            self.close(number);
        }
    }

    /// Sends what waits on every connection that was touched in this turn.
    pub(super) fn flush_touched(&mut self) {
        let now = self.core.now.mono;
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        for number in touched.drain(..) {
            let Some(conn) = self.conns.get_mut(number) else {
                continue;
            };
            let wanted = match conn.flush(now) {
                Flush::Done => Interest::Read,
                Flush::Blocked => Interest::ReadWrite,
                Flush::Closed => {
                    self.close(number);
                    continue;
                }
            };
            if conn.interest != wanted && self.poll.modify(conn.as_fd(), number, wanted).is_ok() {
                conn.interest = wanted;
            }
            self.conns.arm(number);
        }
        if self.touched.is_empty() {
            self.touched = touched;
        }
    }

    /// Lets a connection go and tells the tenants that used it.
    pub(super) fn close(&mut self, number: u64) {
        let Some(conn) = self.conns.remove(number) else {
            return;
        };
        for tenant in &conn.tenants {
            self.core.flow_closed(*tenant, conn.flow.worker, number);
        }
    }
}

/// Cuts octets into messages and has each one looked at. False when the connection has to go at once.
fn take(conn: &mut Conn, octets: &[u8], core: &mut super::core::Core) -> bool {
    let now = core.now.mono;
    let Framing::Stream(framer) = &mut conn.framing else {
        return websocket::take(conn, octets, core);
    };
    framer.push(octets);
    let mut whole = false;
    while let Framing::Stream(framer) = &mut conn.framing
        && let Some(frame) = framer.next()
    {
        whole = true;
        match frame {
            Frame::Message(message) => {
                let Some(locks) = core.admits_message(message, &conn.flow, &mut conn.meter) else {
                    return false;
                };
                let received = core.receive(message, &conn.flow, None, locks);
                conn.carried(received.tenant);
                if received.close {
                    conn.close_after_queue(now);
                    return true;
                }
            }
            Frame::KeepAlivePing => {
                core.counts.keepalives += 1;
                // Not by the outbox, where a flood of them would pile up until the end of the turn.
                if !conn.push(bytes::Bytes::from_static(PONG), &core.shared.settings.limits) {
                    core.counts.connections_refused += 1;
                    return false;
                }
            }
            Frame::KeepAlivePong => core.counts.keepalives += 1,
            Frame::Error { head, code, .. } => {
                core.refuse_frame(head, code, &conn.flow);
                conn.close_after_queue(now);
                return true;
            }
        }
    }
    if let Framing::Stream(framer) = &conn.framing {
        let partial = framer.is_mid_message();
        conn.note_partial(partial, whole, now);
    }
    true
}
