//! Every limit that is not a tenant's own policy, in one place with its unit and reason.

use serde::{Deserialize, Serialize};

/// Caps that protect a node. Each one is answered and counted when it is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Octets of one SIP message; a larger one gets 513. Phones stay far below.
    pub message_bytes: usize,
    /// Octets of a request that leaves as a datagram where its phone takes connections; a larger one goes over TCP.
    /// RFC 3261 §18.1.1 says 1300 where the path MTU is unknown, and 200 less than the MTU where it is known.
    pub datagram_request_bytes: usize,
    /// Live transactions of one tenant; beyond it requests get 503 with Retry-After. Only authenticated requests make
    /// any; over UDP a finished one is kept for 32 s (RFC 3261 Timer J), so this bounds calls per second, too.
    pub transactions_per_tenant: usize,
    /// Requests of one user within 32 s that make transactions (calls and what is asked in them, subscriptions, published
    /// states, texts); the next one gets 503 with Retry-After. So nobody alone fills the transactions of his tenant.
    pub requests_per_user: usize,
    /// Targets that one call may ring at once.
    pub fork_targets: usize,
    /// Subscriptions of one tenant; the next one gets 503. Each holds about a kilobyte.
    pub subscriptions_per_tenant: usize,
    /// NOTIFYs that a change may send in one turn of its tenant: between two turns calls have their say.
    pub notifies_per_turn: usize,
    /// Connections of one worker thread; beyond it new ones are closed at once.
    pub connections_per_worker: usize,
    /// Connections from one address (IPv6: one /64), per worker.
    pub connections_per_source: usize,
    /// Connections from one network (IPv4: /24, IPv6: /48), per worker.
    pub connections_per_prefix: usize,
    /// Connections that one worker opens at the same time; beyond it a large request leaves as a datagram.
    pub connecting_per_worker: usize,
    /// The same for one tenant.
    pub connecting_per_tenant: usize,
    /// Milliseconds that a phone has to take a connection; a call waits for it.
    pub connect_timeout_ms: u64,
    /// Octets of messages that are not complete yet, over all connections of one worker; beyond it the connection whose
    /// message began first is closed.
    pub partial_bytes_per_worker: usize,
    /// Octets waiting to be written to one slow connection before it is closed.
    pub connection_backlog_bytes: usize,
    /// Seconds that a connection may take for its TLS handshake or to complete one message.
    pub connection_stall_s: u64,
    /// Seconds that a connection without any traffic is kept.
    pub connection_idle_s: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            message_bytes: 32_768,
            datagram_request_bytes: 1300,
            transactions_per_tenant: 1_048_576,
            requests_per_user: 32_768,
            fork_targets: 16,
            subscriptions_per_tenant: 100_000,
            notifies_per_turn: 32,
            connections_per_worker: 20_000,
            connections_per_source: 5_000,
            connections_per_prefix: 10_000,
            connecting_per_worker: 256,
            connecting_per_tenant: 64,
            connect_timeout_ms: 1_500,
            partial_bytes_per_worker: 33_554_432,
            connection_backlog_bytes: 262_144,
            connection_stall_s: 20,
            connection_idle_s: 600,
        }
    }
}
