//! The answering side: a thread that accepts, and a thread for each connection, few at a time.

use super::{Answer, ListenView, REQUEST_OCTETS, Request, StatusView, TokenView, address};
use crate::place;
use anyhow::{Context, Result, anyhow};
use model::{EventCommand, TenantId};
use node::Live;
use serde::Serialize;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tenancy::{Operator, Scope};

/// Connections at once: people and scripts of one machine.
const CONNECTIONS: usize = 16;
/// A client that neither asks nor reads for so long is let go.
const PATIENCE: Duration = Duration::from_secs(10);

/// What every connection needs.
struct Desk {
    live: Live,
    operator: Operator,
    data_dir: PathBuf,
    started_ms: u64,
}

/// The socket; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
}

impl Drop for Control {
    fn drop(&mut self) {
        let _already_gone = fs::remove_file(&self.path);
    }
}

/// Opens the socket and serves it. The caller holds the data directory exclusively, so a socket that is there is
/// left over from a server that was killed.
///
/// # Errors
/// The socket can't be made.
pub(crate) fn start(live: Live, data_dir: &Path) -> Result<Control> {
    let path = place::control_socket(data_dir);
    let _left_over = fs::remove_file(&path);
    let (near, _dir) = address(data_dir)?;
    let listener = UnixListener::bind(near)
        .and_then(|listener| fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map(|()| listener))
        .with_context(|| format!("cannot open {}; make the directory writable", path.display()))?;
    let desk = Arc::new(Desk {
        live,
        operator: Operator::local(),
        data_dir: data_dir.to_path_buf(),
        started_ms: now_ms(),
    });
    thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || accept(&listener, &desk))
        .context("cannot start the control thread")?;
    Ok(Control { path })
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

fn accept(listener: &UnixListener, desk: &Arc<Desk>) {
    for stream in listener.incoming() {
        match stream {
            Ok(stream) => dispatch(stream, desk),
            // Out of descriptors, most likely: nothing to do but let others have the processor.
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// One thread per connection; the desk's reference count is the number of them.
fn dispatch(stream: UnixStream, desk: &Arc<Desk>) {
    if Arc::strong_count(desk) > CONNECTIONS {
        let busy = anyhow!("the server is answering {CONNECTIONS} commands already; try again");
        return finish(&mut BufWriter::new(stream), Err(busy));
    }
    let desk = Arc::clone(desk);
    let started = thread::Builder::new()
        .name("command".to_owned())
        .spawn(move || serve(&stream, &desk));
    if let Err(error) = started {
        tracing::warn!("a command could not be answered: {error}");
    }
}

fn serve(stream: &UnixStream, desk: &Desk) {
    let timeouts = stream
        .set_read_timeout(Some(PATIENCE))
        .and(stream.set_write_timeout(Some(PATIENCE)));
    if timeouts.is_err() {
        return;
    }
    let mut line = String::new();
    let mut out = BufWriter::new(stream);
    let done = BufReader::new(stream.take(REQUEST_OCTETS))
        .read_line(&mut line)
        .context("the request is no text")
        .and_then(|_| serde_json::from_str(&line).context("the request is not understood"))
        .and_then(|request| answer(desk, &request, &mut out));
    finish(&mut out, done);
}

/// The last line. The client may be gone; that is its own affair.
fn finish(out: &mut impl Write, done: Result<Value>) {
    let last = match done {
        Ok(value) => Answer::Done(value),
        Err(error) => Answer::Error(format!("{error:#}")),
    };
    let _gone = write(out, &last).and_then(|()| Ok(out.flush()?));
}

fn write(out: &mut impl Write, answer: &Answer) -> Result<()> {
    serde_json::to_writer(&mut *out, answer)?;
    out.write_all(b"\n")?;
    Ok(())
}

fn answer(desk: &Desk, request: &Request, out: &mut impl Write) -> Result<Value> {
    match request {
        Request::Status => Ok(serde_json::to_value(status(desk)?)?),
        Request::Registrations { tenant } => each(desk, *tenant, out, |scope| desk.live.registrations(scope)),
        Request::Calls { tenant } => each(desk, *tenant, out, |scope| desk.live.calls(scope)),
        Request::Trunks { tenant } => each(desk, *tenant, out, |scope| desk.live.trunks(scope)),
        Request::Quality { tenant } => each(desk, *tenant, out, |scope| desk.live.quality(scope)),
        Request::Bans | Request::Ban { .. } | Request::LiftBan { .. } => bans(desk, request, out),
        Request::Toll { tenant, lift } => {
            let lift = lift.map(|(whose, seconds)| (whose, Duration::from_secs(seconds)));
            items(&desk.live.toll(scope(desk, *tenant)?, lift)?, out)?;
            Ok(Value::Null)
        }
        Request::Rooms { .. } | Request::Room { .. } => rooms(desk, request, out),
        Request::Unregister { tenant, user } => {
            let removed = desk.live.unregister(scope(desk, *tenant)?, *user)?;
            Ok(Value::from(removed))
        }
        Request::Token {
            tenant,
            device,
            ttl_s,
        } => {
            let ttl = Duration::from_secs(*ttl_s);
            let expires_ms = now_ms().saturating_add(ttl_s.saturating_mul(1_000));
            let issued = desk.live.sign_in_token(scope(desk, *tenant)?, *device, ttl)?;
            let token = issued.ok_or_else(|| {
                anyhow!("this device may not sign in: its user is disabled, or it is new; try again")
            })?;
            Ok(serde_json::to_value(TokenView { token, expires_ms })?)
        }
        Request::Mailbox {
            tenant,
            user,
            mailbox,
        } => {
            let (user, mailbox) = (*user, *mailbox);
            let command = EventCommand::Mailbox { user, mailbox };
            Ok(Value::from(desk.live.event(scope(desk, *tenant)?, command)?))
        }
        Request::CheckSync {
            tenant,
            device,
            reboot,
        } => {
            let (device, reboot) = (*device, *reboot);
            let command = EventCommand::CheckSync { device, reboot };
            Ok(Value::from(desk.live.event(scope(desk, *tenant)?, command)?))
        }
        Request::Record { .. } | Request::Fork { .. } => about_call(desk, request),
        Request::Traces { tenant } => each(desk, *tenant, out, |scope| desk.live.traces(scope)),
        Request::Trace { tenant, call, full } => trace(desk, *tenant, call, *full),
        Request::Refresh => {
            desk.live.refresh();
            Ok(Value::Null)
        }
    }
}

/// What is asked about the sound of one call.
fn about_call(desk: &Desk, request: &Request) -> Result<Value> {
    match request {
        Request::Record {
            tenant,
            call,
            recording,
            act,
        } => {
            let done = desk
                .live
                .record(scope(desk, *tenant)?, *call, *recording, act.clone())?;
            Ok(serde_json::to_value(done.ok_or_else(no_call)?)?)
        }
        Request::Fork {
            tenant,
            call,
            fork,
            act,
        } => {
            let done = desk.live.fork(scope(desk, *tenant)?, *call, *fork, act.clone())?;
            Ok(serde_json::to_value(done.ok_or_else(no_call)?)?)
        }
        _ => Ok(Value::Null),
    }
}

fn bans(desk: &Desk, request: &Request, out: &mut impl Write) -> Result<Value> {
    match request {
        Request::Ban { address, for_s } => {
            desk.live.ban(*address, Duration::from_secs(*for_s))?;
            Ok(true.into())
        }
        Request::LiftBan { address } => Ok(desk.live.lift_ban(*address).into()),
        _ => items(&desk.live.bans(), out).map(|()| Value::Null),
    }
}

/// The call of this name, whoever has it; the messages of two tenants are never shown as one.
fn trace(desk: &Desk, tenant: Option<TenantId>, call: &str, full: bool) -> Result<Value> {
    let mut found = None;
    for scope in scopes(desk, tenant)? {
        let Some(trace) = desk.live.trace(scope, call, full)? else {
            continue;
        };
        if found.replace(trace).is_some() {
            return Err(anyhow!(
                "several tenants have a call {call:?}; name one by --tenant"
            ));
        }
    }
    let found =
        found.ok_or_else(|| anyhow!("nothing is kept of a call {call:?}; carillon trace list shows all"))?;
    Ok(serde_json::to_value(found)?)
}

fn no_call() -> anyhow::Error {
    anyhow!("there is no such call, or its audio does not come here")
}

fn rooms(desk: &Desk, request: &Request, out: &mut impl Write) -> Result<Value> {
    match request {
        Request::Room {
            tenant,
            room,
            member,
            command,
        } => {
            let scope = scope(desk, *tenant)?;
            let members = desk
                .live
                .command_room(scope, *room, member.as_deref(), *command)?;
            Ok(Value::from(members))
        }
        Request::Rooms { tenant } => {
            for scope in scopes(desk, *tenant)? {
                items(&desk.live.rooms(scope)?, out)?;
            }
            Ok(Value::Null)
        }
        _ => Ok(Value::Null),
    }
}

fn scope(desk: &Desk, tenant: TenantId) -> Result<Scope> {
    let scope = desk.operator.scope(&desk.live.directory(), tenant);
    scope.ok_or_else(|| anyhow!("the server does not serve this tenant: it is disabled or new; try again"))
}

fn scopes(desk: &Desk, tenant: Option<TenantId>) -> Result<Vec<Scope>> {
    match tenant {
        Some(tenant) => Ok(vec![scope(desk, tenant)?]),
        None => Ok(desk.live.directory().scopes()),
    }
}

/// The items of one tenant or of all.
fn each<T: Serialize>(
    desk: &Desk,
    tenant: Option<TenantId>,
    out: &mut impl Write,
    ask: impl Fn(Scope) -> Result<Vec<T>>,
) -> Result<Value> {
    for scope in scopes(desk, tenant)? {
        items(&ask(scope)?, out)?;
    }
    Ok(Value::Null)
}

fn items(views: &[impl Serialize], out: &mut impl Write) -> Result<()> {
    views
        .iter()
        .try_for_each(|view| write(out, &Answer::Item(serde_json::to_value(view)?)))
}

fn status(desk: &Desk) -> Result<StatusView> {
    let status = desk.live.status()?;
    let listen = status
        .listen
        .into_iter()
        .map(|(transport, address)| ListenView { transport, address });
    Ok(StatusView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        data_dir: desk.data_dir.clone(),
        started_ms: desk.started_ms,
        uptime_s: status.uptime_s,
        workers: status.workers,
        media_workers: status.media_workers,
        listen: listen.collect(),
        tenants: status.tenants,
        calls: status.calls,
        connections: status.connections,
        media_packets: status.media_packets,
        media_ticks_late: status.media_ticks_late,
        draining: status.draining,
        counts: status.counts,
    })
}
