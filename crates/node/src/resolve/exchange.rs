//! Questions to the servers and their answers, over UDP and, where one does not fit, TCP.
//!
//! All questions of a round leave together, and again to the next server where the first is silent; what an earlier one says
//! late still counts. A server that refuses, or says that it failed, is not waited for. Each look-up has ports of its own and
//! each question a number that nobody can guess (RFC 5452), on sockets that take datagrams of that one server alone.

use super::system::{self, Hosts};
use crate::seam::random32;
use crate::sys::{Events, Interest, Poll};
use sip::locate::message::{self, MAX_ALIASES, Reply};
use sip::locate::{Answer, Question};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Until when a round waits after it has sent its questions for the first, second and third time, in tenths of what the whole
/// look-up may take: a kind of records that somebody on the way swallows leaves time for the others.
const WAITS: [u32; 3] = [1, 2, 4];
/// Octets of a message.
const LARGEST: usize = 65_535;

/// The questions of one look-up.
pub(super) struct Exchange<'a> {
    servers: Vec<Server>,
    good: &'a AtomicUsize,
    tenth: Duration,
    end: Instant,
    hosts: Hosts,
    poll: Option<Poll>,
    buffer: Vec<u8>,
}

struct Server {
    address: SocketAddr,
    socket: Option<UdpSocket>,
    /// Nobody is there, in this round. Which of two calls to the socket hears of it is chance.
    is_away: bool,
}

/// A round: what is open, and what is answered.
struct Round {
    open: Vec<Open>,
    done: Vec<(Question, Answer)>,
    end: Instant,
}

/// A question without an answer.
struct Open {
    question: Question,
    /// The same about the name that aliases have led to.
    asked: Question,
    aliases: usize,
    /// The smallest TTL of those.
    ttl_s: u32,
    number: u16,
    /// The server that it was sent to last.
    at: usize,
    /// Servers that can't say, by their index.
    failed: Vec<usize>,
}

impl<'a> Exchange<'a> {
    /// With these servers, or those of the machine; over after `limit`.
    pub(super) fn new(servers: &[SocketAddr], good: &'a AtomicUsize, limit: Duration) -> Exchange<'a> {
        let addresses = match servers.is_empty() {
            true => system::servers(),
            false => servers.to_vec(),
        };
        let server = |address| Server {
            address,
            socket: None,
            is_away: false,
        };
        Exchange {
            servers: addresses.into_iter().map(server).collect(),
            good,
            tenth: limit / 10,
            end: Instant::now() + limit,
            hosts: Hosts::read(),
            poll: Poll::new().ok(),
            buffer: vec![0; LARGEST],
        }
    }

    /// True when the time of the look-up is over.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.end
    }

    /// An answer to each, in no order.
    pub(super) fn ask(&mut self, questions: Vec<Question>) -> Vec<(Question, Answer)> {
        let begun = Instant::now();
        let mut round = Round {
            open: Vec::new(),
            done: Vec::new(),
            end: self.end,
        };
        for question in questions {
            match (self.hosts.answer(&question), number()) {
                (Some(answer), _) => round.done.push((question, answer)),
                (None, Some(number)) => round.open.push(Open::new(question, number)),
                (None, None) => round.done.push((question, Answer::Failed)),
            }
        }
        self.servers.iter_mut().for_each(|server| server.is_away = false);
        let first = self.good.load(Ordering::Relaxed);
        for (turn, tenths) in WAITS.into_iter().enumerate() {
            let server = (first + turn) % self.servers.len().max(1);
            for index in (0..round.open.len()).rev() {
                self.send(&mut round, index, server);
            }
            self.move_on(&mut round);
            let until = round.end.min(begun + self.tenth * tenths);
            self.wait(&mut round, until);
        }
        let late = round.open.into_iter().map(|open| (open.question, Answer::Failed));
        round.done.extend(late);
        round.done
    }

    fn is_away(&self, server: usize) -> bool {
        self.servers.get(server).is_none_or(|server| server.is_away)
    }

    /// What was sent to servers that are away goes to others.
    fn move_on(&mut self, round: &mut Round) {
        while let Some(index) = round.open.iter().position(|open| self.is_away(open.at)) {
            self.send(round, index, 0);
        }
    }

    /// Sends an open question to a server, or to the next one that is there and has not failed yet.
    fn send(&mut self, round: &mut Round, index: usize, server: usize) {
        loop {
            let Some(open) = round.open.get_mut(index) else {
                return;
            };
            let all = self.servers.len();
            let mut others = (0..all).map(|step| (server + step) % all);
            let Some(to) = others.find(|to| !open.failed.contains(to) && !self.is_away(*to)) else {
                return round.finish(index, Answer::Failed);
            };
            let Some(octets) = message::query(open.number, &open.asked) else {
                // An alias of what is no name.
                return round.finish(index, Answer::NoData(u32::MAX));
            };
            open.at = to;
            let sent = self.socket(to).and_then(|socket| socket.send(&octets));
            if sent.is_ok() {
                return;
            }
            self.leave(to);
        }
    }

    fn socket(&mut self, index: usize) -> io::Result<&UdpSocket> {
        let gone = || io::Error::from(ErrorKind::NotFound);
        let server = self.servers.get_mut(index).ok_or_else(gone)?;
        if server.socket.is_none() {
            let here: SocketAddr = match server.address {
                SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
                SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
            };
            let socket = UdpSocket::bind(here)?;
            socket.connect(server.address)?;
            socket.set_nonblocking(true)?;
            let poll = self.poll.as_ref().ok_or_else(gone)?;
            poll.add(socket.as_fd(), index as u64, Interest::Read)?;
            server.socket = Some(socket);
        }
        server.socket.as_ref().ok_or_else(gone)
    }

    /// Takes what comes, until everything is answered or the time is over.
    fn wait(&mut self, round: &mut Round, until: Instant) {
        let mut events = Events::new(self.servers.len());
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || round.open.is_empty() {
                return;
            }
            let Some(poll) = &self.poll else { return };
            let Ok(ready) = poll.wait(&mut events, Some(left)) else {
                return;
            };
            for ready in (0..ready).filter_map(|index| events.get(index)) {
                if let Ok(server) = usize::try_from(ready.token) {
                    self.receive(round, server);
                }
            }
        }
    }

    /// One datagram of a server: while there are more, it stays ready.
    fn receive(&mut self, round: &mut Round, server: usize) {
        let socket = self.servers.get(server).and_then(|server| server.socket.as_ref());
        let Some(socket) = socket else { return };
        match socket.recv(&mut self.buffer) {
            Ok(length) => {
                let octets = self.buffer.get(..length).unwrap_or_default();
                let of = |open: &Open| message::read(octets, open.number, &open.asked);
                let found = round
                    .open
                    .iter()
                    .enumerate()
                    .find_map(|(index, open)| Some((index, of(open)?)));
                if let Some((index, reply)) = found {
                    self.take(round, index, server, reply);
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => {
                self.leave(server);
                self.move_on(round);
            }
        }
    }

    fn leave(&mut self, server: usize) {
        if let Some(server) = self.servers.get_mut(server) {
            server.is_away = true;
        }
    }

    /// A reply of a server to an open question.
    fn take(&mut self, round: &mut Round, index: usize, server: usize, reply: Reply) {
        match reply {
            Reply::Answer(Answer::Failed) => self.refuse(round, index, server),
            Reply::Answer(answer) => {
                self.good.store(server, Ordering::Relaxed);
                round.finish(index, answer);
            }
            Reply::Alias(name, ttl_s) => {
                let Some(open) = round.open.get_mut(index) else {
                    return;
                };
                open.aliases += 1;
                let number = number().filter(|_| open.aliases <= MAX_ALIASES);
                let Some(number) = number else {
                    return round.finish(index, Answer::Failed);
                };
                (open.asked.name, open.number) = (name, number);
                open.ttl_s = open.ttl_s.min(ttl_s);
                self.send(round, index, server);
            }
            Reply::Truncated => match self.over_tcp(round, index, server) {
                Some(Reply::Truncated) | None => self.refuse(round, index, server),
                Some(reply) => self.take(round, index, server, reply),
            },
        }
    }

    /// A server can't say: the next one is asked at once.
    fn refuse(&mut self, round: &mut Round, index: usize, server: usize) {
        let Some(open) = round.open.get_mut(index) else {
            return;
        };
        if !open.failed.contains(&server) {
            open.failed.push(server);
        }
        self.send(round, index, server);
    }

    fn over_tcp(&self, round: &Round, index: usize, server: usize) -> Option<Reply> {
        let (open, server) = (round.open.get(index)?, self.servers.get(server)?);
        let query = message::query(open.number, &open.asked)?;
        let octets = exchange_tcp(server.address, &query, round.end).ok()?;
        message::read(&octets, open.number, &open.asked)
    }
}

impl Open {
    fn new(question: Question, number: u16) -> Open {
        Open {
            asked: question.clone(),
            question,
            aliases: 0,
            ttl_s: u32::MAX,
            number,
            at: 0,
            failed: Vec::new(),
        }
    }
}

impl Round {
    fn finish(&mut self, index: usize, mut answer: Answer) {
        let open = self.open.swap_remove(index);
        if let Answer::Records(_, ttl_s) | Answer::NoData(ttl_s) | Answer::NoSuchName(ttl_s) = &mut answer {
            *ttl_s = open.ttl_s.min(*ttl_s);
        }
        self.done.push((open.question, answer));
    }
}

fn number() -> Option<u16> {
    let random = random32().ok()?;
    random.first_chunk().map(|octets| u16::from_be_bytes(*octets))
}

/// A message there and one back, each with its length in front (RFC 7766 §8). However its octets trickle, nothing is waited
/// for beyond `end`.
fn exchange_tcp(server: SocketAddr, query: &[u8], end: Instant) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, left(end)?)?;
    let length = u16::try_from(query.len()).map_err(io::Error::other)?;
    stream.set_write_timeout(Some(left(end)?))?;
    stream.write_all(&[&length.to_be_bytes(), query].concat())?;
    let mut length = [0; 2];
    fill(&mut stream, &mut length, end)?;
    let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
    fill(&mut stream, &mut octets, end)?;
    Ok(octets)
}

fn fill(stream: &mut TcpStream, mut into: &mut [u8], end: Instant) -> io::Result<()> {
    while !into.is_empty() {
        stream.set_read_timeout(Some(left(end)?))?;
        match stream.read(into) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => into = into.get_mut(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn left(end: Instant) -> io::Result<Duration> {
    match end.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(ErrorKind::TimedOut.into()),
        left => Ok(left),
    }
}
