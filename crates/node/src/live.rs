//! What is alive in a running node, for whoever shows or steers it.

use crate::shared::{KeeperItem, MediaItem, Query, Shared, Sure, Totals, random32};
use anyhow::{Result, anyhow, bail};
use model::{
    BanView, CallId, CallView, Counts, DeviceId, EventCommand, Fork, ForkId, MediaCommand, QualityView,
    Recording, RecordingId, RegistrationView, RoomCommand, RoomView, TenantId, TollScope, TollUse, Transport,
    TrunkView, UserId,
};
use serde::Serialize;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tenancy::{Directory, Scope};
use trace::redact::redact;
use trace::{Summary, Trace};

/// How long an answer may take. Workers answer within a turn of their loop; longer means that one hangs.
const PATIENCE: Duration = Duration::from_secs(5);

/// A handle into a running node. Cheap to clone, may cross threads, outlives the node: then every question
/// fails with one line.
#[derive(Clone)]
pub struct Live {
    pub(crate) shared: Arc<Shared>,
}

/// The node at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Seconds since start.
    pub uptime_s: u64,
    /// Value of the Server header.
    pub server_name: String,
    /// Session worker threads.
    pub workers: usize,
    /// Media worker threads.
    pub media_workers: usize,
    /// Addresses as bound.
    pub listen: Vec<(Transport, SocketAddr)>,
    /// Configured tenants.
    pub tenants: usize,
    /// Tenants that had something to do since start.
    pub tenants_alive: usize,
    /// Calls that have not ended.
    pub calls: usize,
    /// Open connections: TCP, TLS and WebSocket.
    pub connections: usize,
    /// RTP and RTCP packets forwarded since start.
    pub media_packets: u64,
    /// Ticks of 20 ms in which sound was made more than 10 ms too late, or left out, since start.
    pub media_ticks_late: u64,
    /// Frames of rooms that a busy media worker was not told since start.
    pub room_frames_shed: u64,
    /// New calls are refused.
    pub draining: bool,
    /// Outcomes since start.
    pub counts: Counts,
}

impl Live {
    /// Who owns which domain right now.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.shared.directory.load_full()
    }

    /// The tenant's bindings.
    ///
    /// # Errors
    /// The node has stopped, or the worker does not answer.
    pub fn registrations(&self, scope: Scope) -> Result<Vec<RegistrationView>> {
        self.ask(scope.tenant(), Query::Registrations)
    }

    /// The tenant's calls.
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn calls(&self, scope: Scope) -> Result<Vec<CallView>> {
        self.ask(scope.tenant(), Query::Calls)
    }

    /// What is kept of the tenant's calls, by when they began.
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn traces(&self, scope: Scope) -> Result<Vec<Summary>> {
        self.ask(scope.tenant(), Query::Traces)
    }

    /// What was said in one call: `name` is its number while it was up, the id of its record, or one of its Call-IDs. Secrets are
    /// hidden unless `full`.
    ///
    /// # Errors
    /// As [`Live::registrations`]; or `full` is not allowed here.
    pub fn trace(&self, scope: Scope, name: &str, full: bool) -> Result<Option<Trace>> {
        if full && !self.shared.settings.traces.full {
            bail!(
                "secrets in traces are not shown here; set full = true in [trace] and start the server anew"
            );
        }
        let found = self.ask(scope.tenant(), |tenant, reply| {
            Query::Trace(tenant, name.into(), reply)
        })?;
        Ok(found.map(|mut trace| {
            if !full {
                let messages = trace.messages.iter_mut();
                messages.for_each(|message| redact(&mut message.octets));
            }
            trace
        }))
    }

    /// The tenant's trunks that are enabled.
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn trunks(&self, scope: Scope) -> Result<Vec<TrunkView>> {
        self.ask(scope.tenant(), Query::Trunks)
    }

    /// What is used of the tenant's limits on calls to the outside. First those of a scope stop counting for a while, if so asked.
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn toll(&self, scope: Scope, lift: Option<(TollScope, Duration)>) -> Result<Vec<TollUse>> {
        self.ask(scope.tenant(), |tenant, reply| Query::Toll(tenant, lift, reply))
    }

    /// The audio of the tenant's calls that passes through us.
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn quality(&self, scope: Scope) -> Result<Vec<QualityView>> {
        let (reply, answers) = channel();
        for inbox in &self.shared.media {
            inbox.send(MediaItem::Quality(scope.tenant(), reply.clone()));
        }
        drop(reply);
        let mut all: Vec<QualityView> = Vec::new();
        for _ in &self.shared.media {
            all.extend(wait(&answers)?);
        }
        all.sort_by_key(|view| view.call);
        Ok(all)
    }

    /// Begins, pauses, marks or ends a recording of a call that is up; gives the recording, a new one where none is named. `None` = there
    /// is no such call, or its audio does not come here.
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn record(
        &self,
        scope: Scope,
        call: CallId,
        recording: Option<u64>,
        act: Recording,
    ) -> Result<Option<RecordingId>> {
        let tenant = scope.tenant();
        let found = self.ask(tenant, |tenant, reply| Query::Session(tenant, call, reply))?;
        let Some((session, cdr)) = found else {
            return Ok(None);
        };
        let number = match recording {
            Some(number) => number,
            None => random32()?.first_chunk().map_or(0, |n| u64::from_be_bytes(*n)),
        };
        let recording = RecordingId { tenant, number };
        let act = match act {
            Recording::Start {
                format,
                max_ms,
                silence_ms,
                ..
            } => Recording::Start {
                format,
                max_ms,
                silence_ms,
                call: Some(cdr),
            },
            other => other,
        };
        self.tell_media(MediaCommand::Record {
            session,
            recording,
            act,
        });
        Ok(Some(recording))
    }

    /// Begins or ends a fork of a call's sound; gives the fork, a new one where none is named. `None` as for [`Live::record`].
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn fork(&self, scope: Scope, call: CallId, fork: Option<u64>, act: Fork) -> Result<Option<ForkId>> {
        let tenant = scope.tenant();
        let found = self.ask(tenant, |tenant, reply| Query::Session(tenant, call, reply))?;
        let Some((session, _)) = found else {
            return Ok(None);
        };
        let number = match fork {
            Some(number) => number,
            None => random32()?.first_chunk().map_or(0, |n| u64::from_be_bytes(*n)),
        };
        let fork = ForkId { tenant, number };
        self.tell_media(MediaCommand::Fork { session, fork, act });
        Ok(Some(fork))
    }

    fn tell_media(&self, command: MediaCommand) {
        let worker = self.shared.media_worker(command.session());
        if let Some(inbox) = self.shared.media.get(worker) {
            inbox.send(MediaItem::Command(command));
        }
    }

    /// The tenant's conferences.
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn rooms(&self, scope: Scope) -> Result<Vec<RoomView>> {
        self.ask(scope.tenant(), Query::Rooms)
    }

    /// Does something to a conference, or to its members with this number; returns how many those are.
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn command_room(
        &self,
        scope: Scope,
        room: u64,
        number: Option<&str>,
        command: RoomCommand,
    ) -> Result<usize> {
        self.ask(scope.tenant(), |tenant, reply| {
            Query::Room(tenant, room, number.map(Into::into), command, reply)
        })
    }

    /// Removes every binding of a user; returns how many there were.
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn unregister(&self, scope: Scope, user: UserId) -> Result<usize> {
        self.ask(scope.tenant(), |tenant, reply| {
            Query::Unregister(tenant, user, reply)
        })
    }

    /// A token by which a device signs in without its password for `ttl` (see `pbx::TokenKey`); `None` when the tenant
    /// has no such device, or its user is disabled.
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn sign_in_token(&self, scope: Scope, device: DeviceId, ttl: Duration) -> Result<Option<String>> {
        self.ask(scope.tenant(), |tenant, reply| {
            Query::Token(tenant, device, ttl, reply)
        })
    }

    /// Tells the tenant's event core something; returns how many reachable phones it concerns.
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn event(&self, scope: Scope, command: EventCommand) -> Result<usize> {
        self.ask(scope.tenant(), |tenant, reply| {
            Query::Event(tenant, command, reply)
        })
    }

    /// Who is kept out now, by address; what lists and countries keep out is not among them.
    #[must_use]
    pub fn bans(&self) -> Vec<BanView> {
        self.shared.border.bans(self.shared.clock.mono())
    }

    /// Keeps an address out for so long. An IPv6 address stands for its /64.
    ///
    /// # Errors
    /// It is on the list of those who are never kept out, or the border is off, or there is no room for one more.
    pub fn ban(&self, ip: IpAddr, time: Duration) -> Result<()> {
        self.shared.border.ban(ip, time, self.shared.clock.mono())
    }

    /// Ends the ban of an address, and that of its network. False when there was none.
    #[must_use]
    pub fn lift_ban(&self, ip: IpAddr) -> bool {
        self.shared.border.lift(ip, self.shared.clock.mono())
    }

    /// Outcomes since start, over all workers and tenants.
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn counts(&self) -> Result<Counts> {
        self.totals().map(|totals| totals.counts)
    }

    /// The node at a glance.
    ///
    /// # Errors
    /// As [`Live::registrations`].
    pub fn status(&self) -> Result<Status> {
        let (shared, totals) = (&self.shared, self.totals()?);
        Ok(Status {
            uptime_s: shared.clock.mono().as_secs().saturating_sub(1),
            server_name: shared.settings.server_name.clone(),
            workers: shared.sessions.len(),
            media_workers: shared.media.len(),
            listen: shared.addresses.iter().map(|a| (a.transport, a.bound)).collect(),
            tenants: shared.directory.load().len(),
            tenants_alive: totals.tenants,
            calls: totals.calls,
            connections: totals.connections,
            media_packets: shared.media_packets.load(Ordering::Relaxed),
            media_ticks_late: shared.media_ticks_late.load(Ordering::Relaxed),
            room_frames_shed: shared.room_frames_shed.load(Ordering::Relaxed),
            draining: shared.draining.load(Ordering::Relaxed),
            counts: totals.counts,
        })
    }

    /// Reads the TLS files again now, those with issuers too; the node also notices a change by itself within a second.
    ///
    /// # Errors
    /// No TLS address is configured, or files are unusable: then what they said before stays.
    pub fn reload_tls(&self) -> Result<()> {
        self.shared.trust.reload()?;
        let tls = self.shared.tls.as_ref();
        tls.ok_or_else(|| anyhow!("no TLS address is configured; add one to listen"))?
            .reload()
    }

    /// Looks for changes of the configuration now; the node also does it by itself four times a second.
    pub fn refresh(&self) {
        let _ = self.shared.keeper.send(KeeperItem::Refresh);
    }

    /// Refuses new calls and new connections from now on. Calls that are up stay up.
    pub fn drain(&self) {
        self.shared.draining.store(true, Ordering::Relaxed);
        for inbox in &self.shared.sessions {
            inbox.send(Sure::Drain);
        }
    }

    /// Makes a shutdown that waits for calls stop waiting.
    pub fn hurry(&self) {
        self.shared.hurry.store(true, Ordering::Relaxed);
    }

    /// Sums over all workers.
    pub(crate) fn totals(&self) -> Result<Totals> {
        let mut sum = Totals::default();
        for one in self.ask_all(Query::Totals)? {
            sum.counts.add(&one.counts);
            sum.calls += one.calls;
            sum.connections += one.connections;
            sum.tenants += one.tenants;
            sum.registrations += one.registrations;
            sum.transactions += one.transactions;
            sum.subscriptions += one.subscriptions;
            sum.trace_octets += one.trace_octets;
        }
        self.shared.spool.count(&mut sum.counts);
        self.shared.forks.count(&mut sum.counts);
        if let Some(hep) = &self.shared.hep {
            hep.count(&mut sum.counts);
        }
        Ok(sum)
    }

    /// What each session worker says to a question that is put to all.
    pub(crate) fn ask_all<T>(&self, query: impl Fn(Sender<T>) -> Query) -> Result<Vec<T>> {
        let (reply, answers) = channel();
        for inbox in &self.shared.sessions {
            inbox.send(Sure::Query(query(reply.clone())));
        }
        self.shared.sessions.iter().map(|_| wait(&answers)).collect()
    }

    /// How many media sessions there are.
    pub(crate) fn media_sessions(&self) -> Result<usize> {
        let (reply, answers) = channel();
        for inbox in &self.shared.media {
            inbox.send(MediaItem::Sessions(reply.clone()));
        }
        self.shared.media.iter().map(|_| wait(&answers)).sum()
    }

    fn ask<T>(&self, tenant: TenantId, query: impl FnOnce(TenantId, Sender<T>) -> Query) -> Result<T> {
        let (reply, answer) = channel();
        if let Some(inbox) = self.shared.owner_inbox(tenant) {
            inbox.send(Sure::Query(query(tenant, reply)));
        }
        wait(&answer)
    }
}

fn wait<T>(answer: &Receiver<T>) -> Result<T> {
    answer
        .recv_timeout(PATIENCE)
        .map_err(|_| anyhow!("the node does not answer; it has stopped or is overloaded"))
}
