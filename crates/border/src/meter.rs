//! The measure of one connection.

use crate::bucket::Bucket;
use crate::rules::Rules;
use std::time::Duration;

/// What a connection brings on which nobody has shown a password yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    octets: Bucket,
    messages: Bucket,
}

impl Meter {
    /// So many octets have come, or so many messages were made of them. False when it is more than a stranger may.
    pub fn take(&mut self, octets: usize, messages: u32, rules: &Rules, now: Duration) -> bool {
        let octets = u32::try_from(octets).unwrap_or(u32::MAX);
        self.octets.take(octets, rules.octets_per_connection, now)
            && self.messages.take(messages, rules.messages_per_connection, now)
    }
}
