//! The control socket: how commands reach a running server.
//!
//! A Unix socket in the data directory, open to its owner alone. One request per connection, one JSON object per line:
//! the request, then any number of `item`s, then `done` or `error`. Version-free: server and command are one binary.

pub(crate) mod client;
pub(crate) mod server;

use crate::place;
use anyhow::{Context, Result};
use model::{
    CallId, Counts, DeviceId, Fork, Mailbox, Recording, RoomCommand, TenantId, TollScope, Transport, UserId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// Octets of one request line.
const REQUEST_OCTETS: u64 = 4_096;
/// A socket's path has 108 octets (unix(7)).
const PATH_OCTETS: usize = 100;

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Request {
    /// The server at a glance.
    Status,
    /// Bindings of one tenant or of all.
    Registrations {
        /// Which; all without it.
        tenant: Option<TenantId>,
    },
    /// Calls of one tenant or of all.
    Calls {
        /// Which; all without it.
        tenant: Option<TenantId>,
    },
    /// Trunks of one tenant or of all.
    Trunks {
        /// Which; all without it.
        tenant: Option<TenantId>,
    },
    /// What is used of a tenant's limits on calls to the outside.
    Toll {
        /// Whose.
        tenant: TenantId,
        /// Whose limits are not to count, and for how many seconds; before the answer.
        lift: Option<(TollScope, u64)>,
    },
    /// Conferences of one tenant or of all.
    Rooms {
        /// Which; all without it.
        tenant: Option<TenantId>,
    },
    /// Do something to a conference.
    Room {
        /// Whose.
        tenant: TenantId,
        /// Its number.
        room: u64,
        /// To the members with this number; to all without it.
        member: Option<String>,
        /// What.
        command: RoomCommand,
    },
    /// The audio of calls of one tenant or of all.
    Quality {
        /// Which; all without it.
        tenant: Option<TenantId>,
    },
    /// Remove a user's bindings.
    Unregister {
        /// Whose.
        tenant: TenantId,
        /// Of which user.
        user: UserId,
    },
    /// A sign-in token for a device.
    Token {
        /// Whose.
        tenant: TenantId,
        /// The device.
        device: DeviceId,
        /// Seconds that it is good for.
        ttl_s: u64,
    },
    /// A mailbox holds so much now.
    Mailbox {
        /// Whose.
        tenant: TenantId,
        /// Of which user.
        user: UserId,
        /// What it holds.
        mailbox: Mailbox,
    },
    /// Tell the phones of a device to fetch their configuration.
    CheckSync {
        /// Whose.
        tenant: TenantId,
        /// Which device.
        device: DeviceId,
        /// Restart even if nothing is new.
        reboot: bool,
    },
    /// Begin, pause, mark or end a recording of a call.
    Record {
        /// Whose.
        tenant: TenantId,
        /// Which call.
        call: CallId,
        /// Which recording; a new one without it.
        recording: Option<u64>,
        /// What to do.
        act: Recording,
    },
    /// Begin or end a fork of a call's sound.
    Fork {
        /// Whose.
        tenant: TenantId,
        /// Which call.
        call: CallId,
        /// Which fork; a new one without it.
        fork: Option<u64>,
        /// What to do.
        act: Fork,
    },
    /// Who is kept out.
    Bans,
    /// Keep an address out.
    Ban {
        /// Whom.
        address: IpAddr,
        /// How long, seconds.
        for_s: u64,
    },
    /// Let it in again.
    LiftBan {
        /// Whom.
        address: IpAddr,
    },
    /// What is kept of calls of one tenant or of all.
    Traces {
        /// Which; all without it.
        tenant: Option<TenantId>,
    },
    /// What was said in a call.
    Trace {
        /// Whose; of whoever has it without that.
        tenant: Option<TenantId>,
        /// Its number, the id of its record, or one of its Call-IDs.
        call: String,
        /// With everything that is hidden otherwise.
        full: bool,
    },
    /// Look for changes of the configuration now.
    Refresh,
}

/// One line of an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// One of many.
    Item(Value),
    /// The end, with what was asked for when it is one thing.
    Done(Value),
    /// The end: what is wrong, and what to do.
    Error(String),
}

/// A sign-in token.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TokenView {
    /// To be shown by the browser. It can sign in, so it is not logged.
    pub(crate) token: String,
    /// When it ends, milliseconds since 1970.
    pub(crate) expires_ms: u64,
}

/// A listening address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ListenView {
    /// The transport.
    pub(crate) transport: Transport,
    /// As bound.
    pub(crate) address: SocketAddr,
}

/// The server at a glance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StatusView {
    /// Of the binary.
    pub(crate) version: String,
    /// Process id.
    pub(crate) pid: u32,
    /// Where its data is.
    pub(crate) data_dir: PathBuf,
    /// Milliseconds since 1970.
    pub(crate) started_ms: u64,
    /// Seconds since the start.
    pub(crate) uptime_s: u64,
    /// Session worker threads.
    pub(crate) workers: usize,
    /// Media worker threads.
    pub(crate) media_workers: usize,
    /// Where it listens.
    pub(crate) listen: Vec<ListenView>,
    /// Enabled tenants.
    pub(crate) tenants: usize,
    /// Calls that have not ended.
    pub(crate) calls: usize,
    /// Open connections: TCP, TLS and WebSocket.
    pub(crate) connections: usize,
    /// RTP and RTCP packets relayed since the start.
    pub(crate) media_packets: u64,
    /// Ticks in which sound was made too late, or left out, since the start.
    #[serde(default)]
    pub(crate) media_ticks_late: u64,
    /// It is shutting down and takes no new call.
    pub(crate) draining: bool,
    /// Outcomes since the start.
    pub(crate) counts: Counts,
}

/// The socket's address. A data directory deep in the tree is reached through a descriptor, which has to
/// stay open until the socket is bound or connected.
fn address(data_dir: &Path) -> Result<(PathBuf, Option<File>)> {
    let path = place::control_socket(data_dir);
    if path.as_os_str().len() <= PATH_OCTETS {
        return Ok((path, None));
    }
    let dir = File::open(data_dir).with_context(|| format!("cannot open {}", data_dir.display()))?;
    let near = PathBuf::from(format!("/proc/self/fd/{}", dir.as_raw_fd()));
    Ok((place::control_socket(&near), Some(dir)))
}
