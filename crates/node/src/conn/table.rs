//! All connections of one worker, with the caps that protect it.
//!
//! Connection numbers never repeat, not even after a restart (the first one is taken from the wall
//! clock): a binding restored from disk can therefore not name somebody else's connection.

use super::Conn;
use crate::deadline::Deadlines;
use border::{Site, Source};
use model::{Limits, Now};
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::net::IpAddr;
use std::time::Duration;

/// Hashes our own consecutive numbers; nobody outside chooses them.
#[derive(Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// Whether one more connection is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Yes.
    Welcome,
    /// No: a cap is reached.
    Full,
}

/// The connections.
pub(crate) struct ConnTable {
    conns: HashMap<u64, Conn, BuildHasherDefault<NumberHasher>>,
    sources: HashMap<Source, usize>,
    sites: HashMap<Site, usize>,
    deadlines: Deadlines<u64>,
    /// Connections with unfinished messages, the oldest first, and the octets of all.
    partials: BTreeSet<(Duration, u64)>,
    partial_bytes: usize,
    next: u64,
    limits: Limits,
}

/// One less of them; those of whom there is none are forgotten.
fn give_back<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

impl ConnTable {
    /// No connections yet.
    pub(crate) fn new(limits: Limits, now: Now) -> ConnTable {
        ConnTable {
            conns: HashMap::default(),
            sources: HashMap::new(),
            sites: HashMap::new(),
            deadlines: Deadlines::new(),
            partials: BTreeSet::new(),
            partial_bytes: 0,
            next: now.wall.0 << 20,
            limits,
        }
    }

    /// Whether a connection from `ip` fits under the caps.
    pub(crate) fn admission(&self, ip: IpAddr) -> Admission {
        let source = Source::of(ip);
        let same = self.sources.get(&source).copied().unwrap_or(0);
        let near = self.sites.get(&source.site()).copied().unwrap_or(0);
        if self.conns.len() < self.limits.connections_per_worker
            && same < self.limits.connections_per_source
            && near < self.limits.connections_per_prefix
        {
            Admission::Welcome
        } else {
            Admission::Full
        }
    }

    /// The number that the next connection gets.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Takes a connection in, under the number in its flow token.
    pub(crate) fn insert(&mut self, conn: Conn) {
        let number = conn.flow.connection;
        let source = Source::of(conn.flow.remote.ip());
        *self.sources.entry(source).or_default() += 1;
        *self.sites.entry(source.site()).or_default() += 1;
        self.conns.insert(number, conn);
        self.arm(number);
    }

    /// Lets a connection go; dropping it closes the socket.
    pub(crate) fn remove(&mut self, number: u64) -> Option<Conn> {
        let conn = self.conns.remove(&number)?;
        self.forget_partial(number, conn.partial);
        let source = Source::of(conn.flow.remote.ip());
        give_back(&mut self.sources, source);
        give_back(&mut self.sites, source.site());
        Some(conn)
    }

    /// One connection.
    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Conn> {
        self.conns.get_mut(&number)
    }

    /// Takes note of what a connection has of an unfinished message after a read.
    pub(crate) fn weigh(&mut self, number: u64) {
        let Some(conn) = self.conns.get_mut(&number) else {
            return;
        };
        let (old, new) = (conn.partial, conn.unfinished());
        if old == new {
            return;
        }
        conn.partial = new;
        self.forget_partial(number, old);
        if let Some((since, octets)) = new {
            self.partials.insert((since, number));
            self.partial_bytes += octets;
        }
    }

    fn forget_partial(&mut self, number: u64, partial: Option<(Duration, usize)>) {
        if let Some((since, octets)) = partial {
            self.partials.remove(&(since, number));
            self.partial_bytes = self.partial_bytes.saturating_sub(octets);
        }
    }

    /// The connection that has been at its message for longest, when unfinished messages hold too much.
    pub(crate) fn too_slow(&self) -> Option<u64> {
        let full = self.partial_bytes > self.limits.partial_bytes_per_worker;
        self.partials.first().map(|(_, number)| *number).filter(|_| full)
    }

    /// Makes sure that the connection's deadline is seen.
    pub(crate) fn arm(&mut self, number: u64) {
        if let Some(conn) = self.conns.get_mut(&number) {
            let wanted = conn.deadline(&self.limits);
            self.deadlines.arm(number, &mut conn.armed, Some(wanted));
        }
    }

    /// The next moment at which something may be due.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.next()
    }

    /// One connection whose deadline has passed; call until `None`.
    pub(crate) fn expired(&mut self, now: Duration) -> Option<u64> {
        while let Some((at, number)) = self.deadlines.pop(now) {
            let Some(conn) = self.conns.get_mut(&number) else {
                continue;
            };
            if conn.armed != Some(at) {
                continue;
            }
            conn.armed = None;
            if conn.deadline(&self.limits) <= now {
                return Some(number);
            }
            self.arm(number);
        }
        None
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.conns.len()
    }

    /// The caps.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// All numbers, for the end.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.conns.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_forgotten_when_nothing_is_left() {
        let mut counts = HashMap::from([(1, 2)]);
        give_back(&mut counts, 1);
        give_back(&mut counts, 2);
        assert_eq!(counts, HashMap::from([(1, 1)]));
        give_back(&mut counts, 1);
        assert!(counts.is_empty());
    }
}
