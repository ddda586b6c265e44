//! RTP of the calls: one packet every 20 ms per stream, received packets counted.
//!
//! Owns: a few sockets that all streams share (each server leg has a port of its own, so a packet's destination
//! names its call), the sending schedule, and the delay through the server. The generator polls and never
//! sleeps in a receive call, so that the server pays for no wake-up of it.

use super::tally::Latency;
use anyhow::{Context as _, Result};
use rustix::net::sockopt;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Milliseconds between packets of a stream, and places of the wheel.
const PERIOD_MS: usize = 20;
/// Header and 160 octets of G.711.
const PACKET: usize = 172;
/// Sockets; more than one, as a server may treat one source address with prejudice.
const SOCKETS: usize = 16;
/// Every so many packets one is timed.
const TIMED_EVERY: u64 = 16;

struct Stream {
    socket: usize,
    remote: Option<SocketAddr>,
    sequence: u16,
    stamp: u32,
    left: u32,
}

/// Counts over all streams.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    /// Packets that the kernel took.
    pub(crate) sent: u64,
    /// Packets that came back through the server.
    pub(crate) received: u64,
}

/// All streams.
pub(super) struct Media {
    sockets: Vec<UdpSocket>,
    streams: Vec<Stream>,
    free: Vec<usize>,
    wheel: Vec<Vec<usize>>,
    origin: Instant,
    tick: u64,
    packets: u32,
    count: Count,
    delay_us: Vec<u32>,
    active: usize,
}

impl Media {
    /// Streams that send `packets` each; sockets next to `local`.
    pub(super) fn new(packets: u32, local: SocketAddr) -> Result<Media> {
        let mut sockets = Vec::with_capacity(SOCKETS);
        for _ in 0..SOCKETS {
            let socket = UdpSocket::bind(SocketAddr::new(local.ip(), 0)).context("no port for RTP")?;
            socket.set_nonblocking(true)?;
            if sockopt::set_socket_recv_buffer_size_force(&socket, 4 << 20).is_err() {
                sockopt::set_socket_recv_buffer_size(&socket, 4 << 20)?;
            }
            sockets.push(socket);
        }
        Ok(Media {
            sockets,
            streams: Vec::new(),
            free: Vec::new(),
            wheel: vec![Vec::new(); PERIOD_MS],
            origin: Instant::now(),
            tick: 0,
            packets,
            count: Count::default(),
            delay_us: Vec::new(),
            active: 0,
        })
    }

    /// A stream that may learn its destination later, and the address that it listens on.
    pub(super) fn open(&mut self, remote: Option<SocketAddr>) -> (usize, SocketAddr) {
        let at = self.free.pop().unwrap_or(self.streams.len());
        let socket = at % SOCKETS;
        let stream = Stream {
            socket,
            remote,
            sequence: 1,
            stamp: 0,
            left: 0,
        };
        match self.streams.get_mut(at) {
            Some(place) => *place = stream,
            None => self.streams.push(stream),
        }
        let unknown = SocketAddr::from(([127, 0, 0, 1], 9));
        let local = self
            .sockets
            .get(socket)
            .and_then(|s| s.local_addr().ok())
            .unwrap_or(unknown);
        (at, local)
    }

    /// Where the other side listens.
    pub(super) fn direct(&mut self, stream: usize, remote: Option<SocketAddr>) {
        if let Some(stream) = self.streams.get_mut(stream) {
            stream.remote = remote.or(stream.remote);
        }
    }

    /// Begins to send; streams are spread over the 20 ms.
    pub(super) fn start(&mut self, at: usize) {
        if let Some(stream) = self
            .streams
            .get_mut(at)
            .filter(|s| s.left == 0 && s.remote.is_some())
        {
            stream.left = self.packets;
            self.active += 1;
            if let Some(place) = self.wheel.get_mut(at % PERIOD_MS) {
                place.push(at);
            }
        }
    }

    /// Starts every open stream.
    pub(super) fn start_all(&mut self) {
        for at in 0..self.streams.len() {
            self.start(at);
        }
    }

    /// The call is over; the stream's place is used again.
    pub(super) fn close(&mut self, at: usize) {
        if let Some(stream) = self.streams.get_mut(at) {
            if stream.left > 0 {
                self.active -= 1;
                for place in &mut self.wheel {
                    place.retain(|s| *s != at);
                }
            }
            stream.left = 0;
            stream.remote = None;
            self.free.push(at);
        }
    }

    /// Streams that still have packets to send.
    pub(super) fn active(&self) -> usize {
        self.active
    }

    /// Sends what is due and takes in what has arrived.
    pub(super) fn turn(&mut self) {
        let now = self.origin.elapsed();
        let due = now.as_millis() as u64;
        while self.tick < due {
            self.tick += 1;
            self.send_tick(now);
        }
        self.receive(now);
    }

    fn send_tick(&mut self, now: Duration) {
        let at = (self.tick % PERIOD_MS as u64) as usize;
        let Some(place) = self.wheel.get_mut(at) else {
            return;
        };
        let (streams, sockets, count) = (&mut self.streams, &self.sockets, &mut self.count);
        let before = place.len();
        place.retain(|at| {
            let Some(stream) = streams.get_mut(*at) else {
                return false;
            };
            let (Some(socket), Some(remote)) = (sockets.get(stream.socket), stream.remote) else {
                return false;
            };
            count.sent += u64::from(socket.send_to(&packet(stream, *at, now), remote).is_ok());
            stream.left = stream.left.saturating_sub(1);
            stream.left > 0
        });
        self.active -= before - place.len();
    }

    fn receive(&mut self, now: Duration) {
        let mut buffer = [0_u8; 2048];
        for socket in &self.sockets {
            while let Ok(n) = socket.recv(&mut buffer) {
                if n != PACKET {
                    continue;
                }
                self.count.received += 1;
                if self.count.received.is_multiple_of(TIMED_EVERY) {
                    let sent = buffer
                        .get(12..20)
                        .and_then(|b| Some(u64::from_be_bytes(b.try_into().ok()?)));
                    let now_us = now.as_micros() as u64;
                    self.delay_us
                        .push(sent.map_or(0, |sent| now_us.saturating_sub(sent) as u32));
                }
            }
        }
    }

    /// Counts so far.
    pub(super) fn count(&self) -> Count {
        self.count
    }

    /// Sending to receiving, with a turn's length of error.
    pub(super) fn delay(&self) -> Latency {
        Latency::of(self.delay_us.clone())
    }
}

/// RFC 3550 §5.1; the time of sending stands where the first samples would.
fn packet(stream: &mut Stream, at: usize, now: Duration) -> [u8; PACKET] {
    let mut bytes = [0xff_u8; PACKET];
    let mut put = |from: usize, value: &[u8]| {
        bytes
            .iter_mut()
            .skip(from)
            .zip(value)
            .for_each(|(to, from)| *to = *from);
    };
    put(0, &[0x80, 0]);
    put(2, &stream.sequence.to_be_bytes());
    put(4, &stream.stamp.to_be_bytes());
    put(8, &(0x5eed_0000 + at as u32).to_be_bytes());
    put(12, &(now.as_micros() as u64).to_be_bytes());
    stream.sequence = stream.sequence.wrapping_add(1);
    stream.stamp = stream.stamp.wrapping_add(160);
    bytes
}
