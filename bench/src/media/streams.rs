//! The generator of packets: one every 20 ms for each leg of each call, from a socket of the leg's own.
//!
//! Owns: the sending schedule, SRTP of our own side, counts, and the delay through the server. Two ways to receive:
//! *polled*, where it never blocks in a receive call, so that the server pays for no wake-up of it and its CPU is what is
//! measured; *timed*, where it reads at once, and the delay is. Does not own: how the legs came to be.

use super::plan::{Far, Form, OUR_MASTER};
use super::speech::{Speech, Talk};
use crate::load::Latency;
use anyhow::{Context as _, Result};
use rtp::srtp::{Receiver, Sender, Suite};
use rustix::event::{Timespec, epoll};
use rustix::net::sockopt;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Milliseconds between packets of a leg; the legs are spread over them.
const PERIOD_MS: u64 = 20;
/// RTP header without extensions (RFC 3550 §5.1).
const HEADER: usize = 12;
/// Room for a packet.
const ROOM: usize = 1_500;
/// One in so many protected packets is opened and checked.
const CHECKED_EVERY: u64 = 64;
const SUITE: Suite = Suite::AesCm128HmacSha1_80;
/// What is still on its way when sending ends.
const DRAIN: Duration = Duration::from_millis(200);

/// A socket for one leg.
pub(super) fn socket() -> Result<UdpSocket> {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).context("no port for RTP")?;
    socket.set_nonblocking(true)?;
    // The usual size is enough for 20 ms; a bigger one forgives a generator that is not scheduled for a while.
    let _ = sockopt::set_socket_recv_buffer_size(&socket, 1 << 20);
    Ok(socket)
}

struct Stream {
    socket: UdpSocket,
    remote: SocketAddr,
    form: Form,
    pt: u8,
    sender: Option<Sender>,
    receiver: Option<Receiver>,
    ssrc: u32,
    sequence: u16,
    stamp: u32,
    phase: u64,
    sent: u64,
    received: u64,
    last_pt: Option<u8>,
}

/// How packets are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Each socket once in 20 ms.
    Polled,
    /// As they come, with the delay of each.
    Timed,
}

/// Counts over all legs, from the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    /// Packets that the kernel took.
    pub(super) sent: u64,
    /// Packets from the server.
    pub(super) received: u64,
    /// Protected packets of which the tag was wrong.
    pub(super) forged: u64,
    /// Packets that left 20 ms or more after their time: the machine is too busy to believe the figures.
    pub(super) late: u64,
}

/// Packets that carried the time of their leaving.
#[derive(Clone, Debug, Default)]
pub(super) struct Timing {
    /// That left.
    pub(super) sent: u64,
    /// Delay of each that came.
    pub(super) delay_us: Vec<u32>,
}

/// All legs.
pub(super) struct Streams<'a> {
    list: Vec<Stream>,
    speech: &'a Speech,
    talk: Talk,
    epoll: OwnedFd,
    ready: Vec<epoll::Event>,
    origin: Instant,
    count: Count,
    timing: Option<Timing>,
    timed_from_us: u64,
}

impl<'a> Streams<'a> {
    /// None yet.
    pub(super) fn new(speech: &'a Speech, talk: Talk) -> Result<Streams<'a>> {
        Ok(Streams {
            list: Vec::new(),
            speech,
            talk,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).context("cannot create an epoll set")?,
            ready: Vec::with_capacity(256),
            origin: Instant::now(),
            count: Count::default(),
            timing: None,
            timed_from_us: 0,
        })
    }

    /// One more leg; it sends from the next [`Streams::run`] on.
    pub(super) fn add(&mut self, socket: UdpSocket, form: Form, far: &Far, reading: Reading) -> Result<()> {
        let number = self.list.len() as u64;
        if reading == Reading::Timed {
            let data = epoll::EventData::new_u64(number);
            epoll::add(&self.epoll, &socket, data, epoll::EventFlags::IN).context("cannot watch a socket")?;
        }
        let master = far
            .master
            .as_ref()
            .filter(|_| form.keys)
            .map(|(_, master)| master);
        let ours = master.and_then(|_| Sender::new(SUITE, &OUR_MASTER));
        self.list.push(Stream {
            socket,
            remote: far.remote,
            form,
            pt: far.pt,
            sender: ours,
            receiver: master.and_then(|master| Receiver::new(SUITE, master)),
            ssrc: 0x5eed_0000 + number as u32,
            sequence: 1,
            stamp: 0,
            phase: number * 37,
            sent: 0,
            received: 0,
            last_pt: None,
        });
        Ok(())
    }

    /// Sends and receives for so long.
    pub(super) fn run(&mut self, length: Duration, reading: Reading) -> Result<()> {
        let start = Instant::now();
        let last = length.as_millis() as u64;
        for tick in 0..last {
            let due = start + Duration::from_millis(tick);
            match reading {
                Reading::Polled => std::thread::sleep(due.saturating_duration_since(Instant::now())),
                Reading::Timed => self.read_until(due)?,
            }
            if due.elapsed() >= Duration::from_millis(PERIOD_MS) {
                self.count.late += 1;
            }
            self.send_slot(tick % PERIOD_MS);
            if reading == Reading::Polled {
                self.receive_slot((tick + PERIOD_MS / 2) % PERIOD_MS);
            }
        }
        Ok(())
    }

    /// As [`Streams::run`], and gives the delays of the packets that left in this time.
    pub(super) fn time(&mut self, length: Duration) -> Result<Timing> {
        self.timed_from_us = self.now_us();
        self.timing = Some(Timing::default());
        self.run(length, Reading::Timed)?;
        self.read_until(Instant::now() + DRAIN)?;
        Ok(self.timing.take().unwrap_or_default())
    }

    /// Takes in what is still on its way.
    pub(super) fn drain(&mut self) {
        std::thread::sleep(DRAIN);
        for slot in 0..PERIOD_MS {
            self.receive_slot(slot);
        }
    }

    /// Counts so far.
    pub(super) fn count(&self) -> Count {
        self.count
    }

    /// Legs that have heard less than half of what they should, or a payload type that was not agreed.
    pub(super) fn deaf(&self) -> usize {
        let deaf = |s: &&Stream| s.received * 2 < s.sent || s.last_pt != Some(s.pt);
        self.list.iter().filter(deaf).count()
    }

    fn now_us(&self) -> u64 {
        self.origin.elapsed().as_micros() as u64
    }

    fn send_slot(&mut self, slot: u64) {
        let (speech, talk, origin) = (self.speech, self.talk, self.origin);
        let stamped = self.timing.is_some();
        for (number, stream) in self
            .list
            .iter_mut()
            .enumerate()
            .skip(slot as usize)
            .step_by(PERIOD_MS as usize)
        {
            let time_us = stamped.then(|| origin.elapsed().as_micros() as u64);
            let speaks = talk.speaks(number as u64, stream.sent);
            if stream.send(speech, speaks, time_us) {
                self.count.sent += 1;
                if let Some(timing) = &mut self.timing {
                    timing.sent += 1;
                }
            }
        }
    }

    fn receive_slot(&mut self, slot: u64) {
        for number in (slot as usize..self.list.len()).step_by(PERIOD_MS as usize) {
            self.receive(number);
        }
    }

    fn receive(&mut self, number: usize) {
        let mut buffer = [0_u8; ROOM];
        while let Some(stream) = self.list.get_mut(number) {
            let Ok(len) = stream.socket.recv(&mut buffer) else {
                return;
            };
            let Some(packet) = buffer.get_mut(..len) else {
                return;
            };
            // Reports to the port behind another leg's, which may be this one.
            if rtp::protocol(packet) != rtp::Protocol::Rtp {
                continue;
            }
            self.count.received += 1;
            let good = stream.take(packet);
            self.count.forged += u64::from(!good);
            if let Some(time) = stamp_of(packet).filter(|at| *at >= self.timed_from_us) {
                let delay = (self.origin.elapsed().as_micros() as u64).checked_sub(time);
                if let (Some(timing), Some(delay)) = (&mut self.timing, delay) {
                    timing.delay_us.push(u32::try_from(delay).unwrap_or(u32::MAX));
                }
            }
        }
    }

    /// Reads what comes until then, and once in any case.
    fn read_until(&mut self, until: Instant) -> Result<()> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = Timespec {
                tv_sec: left.as_secs() as i64,
                tv_nsec: i64::from(left.subsec_nanos()),
            };
            self.ready.clear();
            let spare = rustix::buffer::spare_capacity(&mut self.ready);
            match epoll::wait(&self.epoll, spare, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e).context("cannot wait for sockets"),
            }
            for at in 0..self.ready.len() {
                let number = self.ready.get(at).map(|event| event.data.u64() as usize);
                self.receive(number.unwrap_or(usize::MAX));
            }
            if left.is_zero() {
                return Ok(());
            }
        }
    }
}

impl Stream {
    /// Sends the next packet; `time_us` stands where the first samples would.
    fn send(&mut self, speech: &Speech, speaks: bool, time_us: Option<u64>) -> bool {
        let payload = speech.payload(self.form.codec, self.phase + self.sent, speaks);
        let mut packet = [0_u8; ROOM];
        let mut put = |from: usize, value: &[u8]| {
            let place = packet.iter_mut().skip(from);
            place.zip(value).for_each(|(to, from)| *to = *from);
        };
        put(0, &[0x80, self.pt]);
        put(2, &self.sequence.to_be_bytes());
        put(4, &self.stamp.to_be_bytes());
        put(8, &self.ssrc.to_be_bytes());
        put(HEADER, payload);
        if let Some(time_us) = time_us {
            put(HEADER, &(MARK | time_us).to_be_bytes());
        }
        let mut len = HEADER + payload.len();
        self.sequence = self.sequence.wrapping_add(1);
        self.stamp = self.stamp.wrapping_add(self.form.codec.clock_hz() / 50);
        self.sent += 1;
        if let Some(sender) = &mut self.sender {
            match sender.protect_rtp(&mut packet, len) {
                Ok(longer) => len = longer,
                Err(_) => return false,
            }
        }
        let packet = packet.get(..len).unwrap_or_default();
        self.socket.send_to(packet, self.remote).is_ok()
    }

    /// Notes a packet; false when its tag is wrong.
    fn take(&mut self, packet: &mut [u8]) -> bool {
        self.received += 1;
        self.last_pt = packet.get(1).map(|b| b & 0x7f);
        match &mut self.receiver {
            Some(receiver) if self.received.is_multiple_of(CHECKED_EVERY) => {
                receiver.unprotect_rtp(packet).is_ok()
            }
            _ => true,
        }
    }
}

/// Tells a time from samples.
const MARK: u64 = 0xbe9c_4000_0000_0000;
const MARK_BITS: u64 = 0xffff_c000_0000_0000;

/// When a packet left, if it says so.
fn stamp_of(packet: &[u8]) -> Option<u64> {
    let octets = packet.get(HEADER..HEADER + 8)?;
    let word = u64::from_be_bytes(octets.try_into().ok()?);
    (word & MARK_BITS == MARK).then_some(word & !MARK_BITS)
}

/// Percentiles of the delays.
pub(super) fn latency(timing: &Timing) -> Latency {
    Latency::of(timing.delay_us.clone())
}

#[cfg(test)]
mod tests {
    use super::super::plan::Plan;
    use super::*;
    use model::Codec;

    /// Two legs that send to each other, as if a server were between them.
    fn joined(caller: Form, callee: Form, speech: &Speech) -> Streams<'_> {
        let forms = Plan::Pair { caller, callee }.forms();
        let sockets = [socket().unwrap(), socket().unwrap()];
        let at = [1, 0].map(|n: usize| sockets[n].local_addr().unwrap());
        let mut streams = Streams::new(speech, Talk::AtOnce).unwrap();
        for ((socket, form), remote) in sockets.into_iter().zip(forms).zip(at) {
            let far = Far {
                remote,
                pt: form.pt(),
                master: form.keys.then(|| ("1".to_owned(), OUR_MASTER.to_vec())),
            };
            streams.add(socket, form, &far, Reading::Timed).unwrap();
        }
        streams
    }

    #[test]
    fn packets_arrive_and_tell_how_long_they_took() {
        let (speech, form) = (Speech::new().unwrap(), Form::plain(Codec::Pcmu));
        let mut streams = joined(form, form, &speech);
        let timing = streams.time(Duration::from_millis(200)).unwrap();
        assert_eq!((timing.sent, timing.delay_us.len(), streams.deaf()), (20, 20, 0));
    }

    #[test]
    fn protected_packets_are_checked() {
        let (speech, form) = (Speech::new().unwrap(), Form::protected(Codec::Pcmu));
        let mut streams = joined(form, form, &speech);
        streams
            .run(Duration::from_millis(1_400), Reading::Polled)
            .unwrap();
        streams.drain();
        let count = streams.count();
        assert_eq!((count.sent, count.received, count.forged), (140, 140, 0));
    }

    #[test]
    fn a_leg_that_hears_another_codec_is_deaf() {
        let speech = Speech::new().unwrap();
        let mut streams = joined(Form::plain(Codec::Pcmu), Form::plain(Codec::Opus), &speech);
        streams.run(Duration::from_millis(200), Reading::Polled).unwrap();
        streams.drain();
        assert_eq!(streams.deaf(), 2);
    }

    /// A leg's port may lie behind another leg's, where the reports to that one go.
    #[test]
    fn reports_to_a_neighbour_are_nothing_heard() {
        let (speech, form) = (Speech::new().unwrap(), Form::plain(Codec::Pcmu));
        let mut streams = joined(form, form, &speech);
        streams.run(Duration::from_millis(200), Reading::Polled).unwrap();
        let to = streams.list[0].socket.local_addr().unwrap();
        let report = [0x80, 201, 0, 1, 0, 0, 0, 9];
        let from = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(from.send_to(&report, to).unwrap(), 8);
        streams.drain();
        assert_eq!((streams.count().received, streams.deaf()), (20, 0));
    }
}
