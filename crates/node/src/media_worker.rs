//! A media worker: one thread that carries RTP and RTCP between the sockets of its port pairs.
//!
//! Owns: the sockets of its share of the port range, for the life of the node. Does not own: which packet
//! goes where (`media::Relay`).

use crate::fork::Forks;
use crate::pace::Pace;
use crate::shared::{MediaItem, Shared, Sure, Want, random32};
use crate::sys::{self, Batch, Events, Interest, Poll};
use link::Plane;
use media::{Effect, ForkAsk, Forward, Frame, PairId, PortRange, ROOM, Relay, RoomFrame, Spool};
use model::{
    CallId, ForkId, MediaCommand, MediaReport, MediaSessionId, QualityView, Sound, StreamKind, TenantId,
};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::TrySendError;
use std::time::Duration;

/// Descriptors that are left to journals, connections and the database however many calls there are.
const FILES_RESERVED: u64 = 512;

/// Descriptors looked at in one turn.
const EVENTS: usize = 512;
/// Packets taken from one socket at once: a leg sends one in 20 ms, so more than a few mean a burst.
const PACKETS: usize = 8;
/// Longest datagram that there can be.
const PACKET: usize = 65_535;
/// Shortest time between poorly filled turns under load: a twentieth of the time from packet to packet.
const PACE: Duration = Duration::from_millis(1);
/// Token of the inbox; sockets have `pair * 2`, plus one for RTCP.
const INBOX: u64 = u64::MAX;

/// A run of packets that leave by one socket.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Exit {
    pair: PairId,
    rtcp: bool,
}

/// The loop and everything that it touches.
pub(crate) struct MediaWorker {
    index: usize,
    shared: Arc<Shared>,
    relay: Relay,
    link: Plane,
    poll: Poll,
    events: Events,
    batch: Batch,
    /// By pair: RTP and RTCP.
    sockets: Vec<Option<[UdpSocket; 2]>>,
    /// Sessions of which a report is wanted.
    sessions: BTreeSet<MediaSessionId>,
    /// For each session worker, sent at the end of a turn.
    reports: Vec<Vec<Sure>>,
    inbox: Vec<MediaItem>,
    /// Of our own that leave by one socket.
    frames: Vec<Frame>,
    /// Late ticks that have been counted for the status.
    late_ticks: u64,
    /// Forks of its sessions.
    forks: Forks,
    heard: Vec<Arc<RoomFrame>>,
    /// What is said in rooms here, for each media worker; sent at the end of a turn.
    rooms: Vec<Vec<Arc<RoomFrame>>>,
    /// Descriptors from this number on are not for audio.
    files: u64,
    pace: Pace,
    /// Sockets that may hold more than was taken from them.
    unread: Vec<u64>,
    stopped: bool,
}

impl MediaWorker {
    /// Sets everything up; afterwards [`MediaWorker::run`] never fails.
    pub(crate) fn new(index: usize, shared: Arc<Shared>) -> anyhow::Result<MediaWorker> {
        let poll = Poll::new()?;
        let inbox = shared
            .media
            .get(index)
            .ok_or_else(|| anyhow::anyhow!("no such media worker"))?;
        poll.add(inbox.as_fd(), INBOX, Interest::Edge)?;
        let range = &shared.settings.rtp_ports;
        let range = PortRange {
            first: *range.start(),
            last: *range.end(),
        };
        let share = range.share(u16::try_from(index)?, u16::try_from(shared.media.len())?);
        let mut relay = Relay::new(share);
        let random = random32()?;
        relay.set_worker(u16::try_from(index)?);
        let (seed, life) = (random.first_chunk(), random.last_chunk());
        relay.set_seed(seed.map_or(0, |n| u64::from_be_bytes(*n)));
        Ok(MediaWorker {
            index,
            link: Plane::new(life.map_or(0, |n| u64::from_be_bytes(*n))),
            relay: relay.with_dtls(shared.dtls.source(shared.clock)),
            poll,
            events: Events::new(EVENTS),
            batch: Batch::new(PACKETS, PACKET + ROOM),
            sockets: Vec::new(),
            sessions: BTreeSet::new(),
            reports: shared.sessions.iter().map(|_| Vec::new()).collect(),
            inbox: Vec::new(),
            frames: Vec::new(),
            late_ticks: 0,
            forks: Forks::default(),
            heard: Vec::new(),
            rooms: shared.media.iter().map(|_| Vec::new()).collect(),
            pace: Pace::new(PACE),
            unread: Vec::new(),
            files: sys::raise_open_files()?.saturating_sub(FILES_RESERVED),
            stopped: false,
            shared,
        })
    }

    /// Works until told to stop. May be called again after it panicked.
    pub(crate) fn run(&mut self) {
        // The edges that a panic swallowed do not come again: those of a full socket never.
        self.take_inbox(self.shared.clock.mono());
        let open = self.sockets.iter().zip((0..).step_by(2));
        let open = open.filter_map(|(pair, token)| pair.as_ref().map(|_| token));
        self.unread = open.flat_map(|token: u64| [token, token + 1]).collect();
        while !self.stopped {
            self.turn();
        }
    }

    fn turn(&mut self) {
        let mut now = self.shared.clock.mono();
        if self.unread.is_empty()
            && let Some(nap) = self.pace.nap(now)
        {
            std::thread::sleep(nap);
            now = self.shared.clock.mono();
        }
        let due = [self.relay.poll_timeout(), self.link.poll_timeout()];
        let timeout = match self.unread.is_empty() {
            true => due.into_iter().flatten().min().map(|at| at.saturating_sub(now)),
            false => Some(Duration::ZERO),
        };
        let ready = self.poll.wait(&mut self.events, timeout).unwrap_or(0);
        let now = self.shared.clock.mono();
        self.pace.begin(now);
        self.pace.add(ready);
        if self.relay.poll_timeout().is_some_and(|at| at <= now) {
            self.relay.handle_timeout(now);
            self.settle(now);
            let late = self.relay.late_ticks();
            let more = late.saturating_sub(std::mem::replace(&mut self.late_ticks, late));
            if more > 0 {
                self.shared.media_ticks_late.fetch_add(more, Ordering::Relaxed);
            }
        }
        if self.link.poll_timeout().is_some_and(|at| at <= now) {
            self.link.handle_timeout(now);
            self.obey(now);
        }
        let mut forwarded = self.own_frames();
        let unread = std::mem::take(&mut self.unread);
        for token in &unread {
            forwarded += self.packets(*token, now) + self.own_frames();
        }
        if !unread.is_empty() {
            self.settle(now);
        }
        for index in 0..ready {
            match self.events.get(index).map(|event| event.token) {
                Some(INBOX) => {
                    self.take_inbox(now);
                    forwarded += self.own_frames();
                }
                Some(token) => {
                    forwarded += self.packets(token, now) + self.own_frames();
                    self.settle(now);
                }
                None => break,
            }
        }
        if forwarded > 0 {
            self.shared.media_packets.fetch_add(forwarded, Ordering::Relaxed);
        }
        self.tell_others();
    }

    /// Gives other threads what was collected for them.
    fn tell_others(&mut self) {
        while let Some(frame) = self.link.poll_frame() {
            let owner = self.shared.owner(frame.session.tenant());
            if let Some(lane) = self.reports.get_mut(owner) {
                lane.push(Sure::Media(frame));
            }
        }
        for (inbox, reports) in self.shared.sessions.iter().zip(&mut self.reports) {
            inbox.send_all(reports);
        }
        for (inbox, frames) in self.shared.media.iter().zip(&mut self.rooms) {
            let shed = u64::try_from(inbox.offer_all(frames)).unwrap_or(0);
            self.shared.room_frames_shed.fetch_add(shed, Ordering::Relaxed);
        }
    }

    /// Carries what waits on one socket; returns how many packets went on.
    fn packets(&mut self, token: u64, now: Duration) -> u64 {
        let (pair, rtcp) = (
            PairId(u32::try_from(token / 2).unwrap_or(u32::MAX)),
            token % 2 == 1,
        );
        let Some(socket) = socket(&self.sockets, Exit { pair, rtcp }) else {
            return 0;
        };
        let count = self.batch.receive(socket.as_fd()).unwrap_or(0);
        // Told once of what comes: a socket that filled the batch is read again, after the others.
        if count >= PACKETS {
            self.unread.push(token);
        }
        let mut ways: [Option<Forward>; PACKETS] = [None; PACKETS];
        for (index, way) in ways.iter_mut().enumerate().take(count) {
            let Some((buffer, length, from)) = self.batch.get_mut(index) else {
                continue;
            };
            if self.shared.is_media_socket(from) && !self.relay.expects(pair, from) {
                self.relay.refuse_packet(pair);
                continue;
            }
            *way = self.relay.handle_packet(pair, rtcp, from, (buffer, length), now);
        }
        let mut run: [(SocketAddr, &[u8]); PACKETS] = [(sys::NOWHERE, &[]); PACKETS];
        let (mut length, mut exit, mut forwarded) = (0, None, 0);
        for (index, way) in ways.iter().enumerate() {
            let Some(forward) = way else { continue };
            let Some(packet) = self.batch.beginning(index, forward.len) else {
                continue;
            };
            let next = Exit {
                pair: forward.pair,
                rtcp: forward.rtcp,
            };
            if exit != Some(next) {
                forwarded += leave(&self.sockets, exit, run.get(..length));
                (length, exit) = (0, Some(next));
            }
            if let Some(place) = run.get_mut(length) {
                *place = (forward.to, packet);
                length += 1;
            }
        }
        forwarded + leave(&self.sockets, exit, run.get(..length))
    }

    /// Sends what the relay says itself: echoes and tones. Returns how many packets left.
    fn own_frames(&mut self) -> u64 {
        let (mut sent, mut frames) = (0, std::mem::take(&mut self.frames));
        loop {
            let next = self.relay.poll_frame();
            // Each session has a socket of its own, so there are hardly ever more than the two of a tick.
            let goes_along = |next: &Frame| {
                frames
                    .last()
                    .is_none_or(|last: &Frame| (last.pair, last.rtcp) == (next.pair, next.rtcp))
            };
            if frames.len() >= PACKETS || !next.as_ref().is_some_and(goes_along) {
                sent += leave_frames(&self.sockets, &frames);
                frames.clear();
            }
            match next {
                Some(frame) => frames.push(frame),
                None => break,
            }
        }
        self.frames = frames;
        sent
    }

    fn take_inbox(&mut self, now: Duration) {
        let shared = Arc::clone(&self.shared);
        let Some(inbox) = shared.media.get(self.index) else {
            return;
        };
        let mut items = std::mem::take(&mut self.inbox);
        let mut heard = std::mem::take(&mut self.heard);
        inbox.take(&mut items, &mut heard);
        for item in items.drain(..) {
            match item {
                MediaItem::Frame(frame) => {
                    self.link.hear(frame, now);
                    self.obey(now);
                }
                MediaItem::Command(command) => self.command(&command, now),
                MediaItem::Loaded {
                    session,
                    sound,
                    rate_hz,
                    samples,
                } => self.relay.loaded(session, &sound, rate_hz, samples),
                MediaItem::ForkOpened(session, fork) => {
                    self.relay.fork_opened(session, fork, now);
                    self.settle(now);
                }
                MediaItem::ForkHeard {
                    session,
                    fork,
                    is_text,
                    octets,
                } => self.relay.fork_heard(session, fork, is_text, &octets),
                MediaItem::ForkEnded(session, fork, end, lost_ms) => {
                    self.forks.forget(session, fork);
                    self.relay.fork_ended(session, fork, (end, lost_ms), now);
                    self.settle(now);
                }
                MediaItem::SpoolFailed(session, recording) => {
                    self.relay.spool_failed(session, recording, now);
                    self.settle(now);
                }
                MediaItem::Abandon(tenant) => {
                    self.link.abandon(tenant);
                    self.obey(now);
                }
                // Whoever asked may be gone.
                MediaItem::Sessions(reply) => drop(reply.send(self.sessions.len())),
                MediaItem::Quality(tenant, reply) => drop(reply.send(self.quality(tenant))),
                MediaItem::Stop => self.stopped = true,
            }
        }
        self.inbox = items;
        for frame in heard.drain(..) {
            self.relay.room_frame(&frame, now);
        }
        self.heard = heard;
        self.settle(now);
    }

    fn command(&mut self, command: &MediaCommand, now: Duration) {
        match command {
            // Nobody sits in another tenant's room.
            MediaCommand::Join {
                session,
                seats: Some(seats),
            } if seats.room.tenant != session.tenant() => return,
            command if command.opens() => drop(self.sessions.insert(command.session())),
            MediaCommand::Close { session } => drop(self.sessions.remove(session)),
            _ => {}
        }
        match self.shared.within(command) {
            Some(inner) => self.relay.handle_command(&inner, now),
            None => self.relay.handle_command(command, now),
        }
        self.settle(now);
    }

    /// Does what came over the link.
    fn obey(&mut self, now: Duration) {
        while let Some(command) = self.link.poll_command() {
            self.command(&command, now);
        }
    }

    /// The audio of a tenant's sessions so far.
    fn quality(&self, tenant: TenantId) -> Vec<QualityView> {
        let first = MediaSessionId::of(tenant, CallId(0), StreamKind::Audio);
        let sessions = self.sessions.range(first..).copied();
        let own = sessions.take_while(|session| session.tenant() == tenant);
        let views = own.filter_map(|session| {
            let (caller, callee) = self.relay.quality(session)?;
            Some(QualityView {
                tenant,
                call: session.call(),
                stream: session.stream(),
                caller,
                callee,
            })
        });
        views.collect()
    }

    /// Does what the relay asks for.
    fn settle(&mut self, now: Duration) {
        while let Some(effect) = self.relay.poll_effect() {
            match effect {
                Effect::Bind { pair, ip, rtp_port } => {
                    let ok = self.bind(pair, ip, rtp_port);
                    self.relay.bound(pair, ok, now);
                }
                Effect::Load {
                    session,
                    sound,
                    rate_hz,
                } => self.load(session, sound, rate_hz),
                Effect::Room { to, frame } => self.tell(to, &frame),
                Effect::Spool { session, spool } => self.spool(session, spool, now),
                Effect::Fork { session, fork, ask } => self.fork((session, fork), ask),
                Effect::Report(report) => {
                    if let MediaReport::Refused { session } = report {
                        self.sessions.remove(&session);
                    }
                    self.link.report(report, now);
                }
            }
        }
    }

    /// Keeps what is said in a room here for another media worker, or for all others.
    fn tell(&mut self, to: Option<u16>, frame: &Arc<RoomFrame>) {
        for (index, lane) in self.rooms.iter_mut().enumerate() {
            if index != self.index && to.is_none_or(|to| usize::from(to) == index) {
                lane.push(Arc::clone(frame));
            }
        }
    }

    /// Asks for a sound. When too many are asked for, there is none.
    fn load(&mut self, session: MediaSessionId, sound: Sound, rate_hz: u32) {
        let sounds = match sound {
            Sound::Prompt { .. } => &self.shared.sounds,
            Sound::Recording(_) | Sound::Own(_) => &self.shared.own_sounds,
        };
        let want = Want::Sound {
            worker: self.index,
            session,
            sound,
            rate_hz,
        };
        if let Err(TrySendError::Full(want) | TrySendError::Disconnected(want)) = sounds.try_send(want)
            && let Want::Sound { sound, .. } = want
        {
            self.relay.loaded(session, &sound, rate_hz, None);
        }
    }

    fn fork(&mut self, key: (MediaSessionId, ForkId), ask: ForkAsk) {
        let (shared, index) = (Arc::clone(&self.shared), self.index);
        self.forks.handle(&self.shared.forks, key, ask, || {
            Box::new(move |item| {
                if let Some(inbox) = shared.media.get(index) {
                    inbox.send(item);
                }
            })
        });
    }

    /// Hands on what a recording wants written; one for which there is no room is over.
    fn spool(&mut self, session: MediaSessionId, spool: Spool, now: Duration) {
        let recording = spool.recording();
        if !self.shared.spool.write(self.index, session, spool) {
            self.relay.spool_failed(session, recording, now);
        }
    }

    /// Opens both sockets of a pair, or none.
    fn bind(&mut self, pair: PairId, ip: IpAddr, rtp_port: u16) -> bool {
        let Some(place) = usize::try_from(pair.0).ok() else {
            return false;
        };
        let Some(rtcp_port) = rtp_port.checked_add(1) else {
            return false;
        };
        let own = self.shared.addresses.iter().find(|a| a.public.ip() == ip);
        let ip = own.map_or(ip, |a| a.bound.ip());
        let open = |port: u16| sys::udp_socket(SocketAddr::new(ip, port), false, false).map(UdpSocket::from);
        let (Ok(rtp), Ok(rtcp)) = (open(rtp_port), open(rtcp_port)) else {
            return false;
        };
        // Descriptors are given out lowest first: near the limit the journals and connections come before audio.
        if u64::try_from(rtcp.as_raw_fd()).unwrap_or(0) >= self.files {
            return false;
        }
        let token = u64::from(pair.0) * 2;
        // Edges: the kernel need not look again at a socket that was read to its end.
        let watched = self.poll.add(rtp.as_fd(), token, Interest::Edge).is_ok()
            && self.poll.add(rtcp.as_fd(), token + 1, Interest::Edge).is_ok();
        if watched {
            self.shared.media_ports.insert(rtp_port);
            self.shared.media_ports.insert(rtcp_port);
            if self.sockets.len() <= place {
                self.sockets.resize_with(place + 1, || None);
            }
            if let Some(slot) = self.sockets.get_mut(place) {
                *slot = Some([rtp, rtcp]);
            }
        }
        watched
    }
}

/// Sends packets of our own that leave by one socket.
fn leave_frames(sockets: &[Option<[UdpSocket; 2]>], frames: &[Frame]) -> u64 {
    let mut run: [(SocketAddr, &[u8]); PACKETS] = [(sys::NOWHERE, &[]); PACKETS];
    for (place, frame) in run.iter_mut().zip(frames) {
        *place = (frame.to, &frame.octets);
    }
    let exit = frames.first().map(|frame| Exit {
        pair: frame.pair,
        rtcp: frame.rtcp,
    });
    leave(sockets, exit, run.get(..frames.len()))
}

fn socket(sockets: &[Option<[UdpSocket; 2]>], exit: Exit) -> Option<&UdpSocket> {
    let [rtp, rtcp] = sockets.get(usize::try_from(exit.pair.0).ok()?)?.as_ref()?;
    Some(if exit.rtcp { rtcp } else { rtp })
}

/// Sends a run of packets. What the kernel does not take is lost, as on any other link.
fn leave(sockets: &[Option<[UdpSocket; 2]>], exit: Option<Exit>, run: Option<&[(SocketAddr, &[u8])]>) -> u64 {
    let (Some(socket), Some(run)) = (exit.and_then(|e| socket(sockets, e)), run) else {
        return 0;
    };
    if run.is_empty() {
        return 0;
    }
    let sent = sys::send_batch(socket.as_fd(), run).unwrap_or(0);
    u64::try_from(sent).unwrap_or(0)
}
