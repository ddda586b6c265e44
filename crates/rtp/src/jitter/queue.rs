//! Packets in order of their timestamps, bounded, and without an allocation per packet once it is warm.

use std::collections::VecDeque;

/// Packets that are held at most: half a second of 5 ms packets.
pub(super) const CAPACITY: usize = 100;

/// A packet that waits.
#[derive(Clone, Debug, Default)]
pub(super) struct Packet {
    /// Timestamp and sequence number, extended beyond their wraps.
    pub(super) timestamp: i64,
    pub(super) seq: i64,
    pub(super) pt: u8,
    pub(super) duration: i64,
    pub(super) comfort: bool,
    pub(super) payload: Vec<u8>,
}

/// The packets that wait, the earliest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Packet>,
    /// Payload buffers to be used again.
    spare: Vec<Vec<u8>>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn first(&self) -> Option<&Packet> {
        self.waiting.front()
    }

    /// Puts a packet into its place, its payload copied; the earliest goes when the queue is full. Gives how many went.
    pub(super) fn insert(&mut self, mut packet: Packet, payload: &[u8]) -> u64 {
        let full = self.waiting.len() >= CAPACITY;
        if full && let Some(old) = self.take() {
            self.recycle(old.payload);
        }
        packet.payload = self.spare.pop().unwrap_or_default();
        packet.payload.clear();
        packet.payload.extend_from_slice(payload);
        let behind = self.waiting.iter().rev();
        let behind = behind.take_while(|w| (w.timestamp, w.seq) > (packet.timestamp, packet.seq));
        let at = self.waiting.len() - behind.count();
        self.waiting.insert(at, packet);
        u64::from(full)
    }

    pub(super) fn take(&mut self) -> Option<Packet> {
        self.waiting.pop_front()
    }

    pub(super) fn recycle(&mut self, payload: Vec<u8>) {
        if self.spare.len() < CAPACITY {
            self.spare.push(payload);
        }
    }

    pub(super) fn clear(&mut self) {
        while let Some(packet) = self.take() {
            self.recycle(packet.payload);
        }
    }
}
