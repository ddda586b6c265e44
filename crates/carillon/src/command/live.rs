//! Commands about what is alive: they ask the running server.

use super::names::Names;
use super::{Desk, audio};
use crate::control::client::Client;
use crate::control::{Request, StatusView};
use crate::output::{Table, instant, seconds};
use anyhow::{Context, Result};
use model::{CallView, Mailbox, RegistrationView, Wall};
use serde_json::{Value, json};

/// Runs `carillon registrations`.
pub(super) fn registrations(desk: &mut Desk, tenant: Option<&str>) -> Result<()> {
    let tenant = desk.chosen(tenant)?;
    let client = Client::connect(&desk.data_dir)?;
    let views: Vec<RegistrationView> = client.items(&Request::Registrations { tenant })?;
    let names = Names::read(desk)?;
    let mut table = Table::new(&[
        "TENANT",
        "ADDRESS",
        "FROM",
        "EXPIRES",
        "INSTANCE",
        "WAKE",
        "USER-AGENT",
    ]);
    for view in &views {
        let reachable = if view.reachable { "" } else { " (gone)" };
        table.row([
            names.of(view.tenant),
            view.aor.clone(),
            format!(
                "{} {}{reachable}{}",
                view.flow.transport,
                view.flow.remote,
                proxies(view)
            ),
            format!("{} s", view.expires_in_s),
            instance(view),
            view.push.clone().unwrap_or_default(),
            view.user_agent.clone(),
        ]);
    }
    let values: Vec<Value> = views.iter().map(|view| registration(&names, view)).collect();
    desk.print(&values.into(), &table.text("No phone is registered."))
}

/// The phone's name for itself, and which of its flows this is.
fn instance(view: &RegistrationView) -> String {
    let urn = view.instance.clone().unwrap_or_default();
    view.reg_id
        .map_or_else(|| urn.clone(), |id| format!("{urn} #{id}"))
}

fn proxies(view: &RegistrationView) -> String {
    match view.path.len() {
        0 => String::new(),
        1 => " through a proxy".to_owned(),
        hops => format!(" through {hops} proxies"),
    }
}

fn registration(names: &Names, view: &RegistrationView) -> Value {
    let user_part = view.aor.split_once(':').map_or("", |(_, rest)| rest);
    json!({
        "tenant": names.of(view.tenant),
        "tenant_id": view.tenant,
        "extension": user_part.split('@').next(),
        "aor": view.aor,
        "device": view.device,
        "contact": view.contact,
        "transport": view.flow.transport,
        "source": view.flow.remote,
        "q": f64::from(view.q_milli) / 1_000.0,
        "expires_in_s": view.expires_in_s,
        "since": instant(view.since),
        "user_agent": view.user_agent,
        "instance": view.instance,
        "reg_id": view.reg_id,
        "path": view.path,
        "push": view.push,
        "reachable": view.reachable,
    })
}

/// Runs `carillon unregister`.
pub(super) fn unregister(desk: &mut Desk, tenant: &str, extension: &str) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let user = store.user(&scope, extension)?.id;
    let client = Client::connect(&desk.data_dir)?;
    let removed: u64 = client.one(&Request::Unregister { tenant: row.id, user })?;
    let value = json!({"tenant": row.name, "extension": extension, "removed": removed});
    desk.print(
        &value,
        &format!("{removed} registrations of extension {extension} are removed.\n"),
    )
}

/// Runs `carillon mwi`.
pub(super) fn mwi(desk: &mut Desk, tenant: &str, extension: &str, (new, old): (u32, u32)) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let user = store.user(&scope, extension)?.id;
    let client = Client::connect(&desk.data_dir)?;
    let phones: u64 = client.one(&Request::Mailbox {
        tenant: row.id,
        user,
        mailbox: Mailbox { new, old },
    })?;
    let value = json!({"tenant": row.name, "extension": extension, "new": new, "old": old, "phones": phones});
    desk.print(
        &value,
        &format!("The mailbox of extension {extension} holds {new} new and {old} old messages.\n"),
    )
}

/// Runs `carillon device check-sync`.
pub(super) fn check_sync(desk: &mut Desk, tenant: &str, username: &str, reboot: bool) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let device = store.device(&scope, username)?.id;
    let client = Client::connect(&desk.data_dir)?;
    let phones: u64 = client.one(&Request::CheckSync {
        tenant: row.id,
        device,
        reboot,
    })?;
    let value = json!({"tenant": row.name, "username": username, "phones": phones});
    desk.print(
        &value,
        &format!("{phones} phones are told to fetch their configuration.\n"),
    )
}

/// Runs `carillon calls`.
pub(super) fn calls(desk: &mut Desk, tenant: Option<&str>) -> Result<()> {
    let tenant = desk.chosen(tenant)?;
    let client = Client::connect(&desk.data_dir)?;
    let views: Vec<CallView> = client.items(&Request::Calls { tenant })?;
    let names = Names::read(desk)?;
    let mut table = Table::new(&["TENANT", "CALL", "FROM", "TO", "STATE", "START", "MEDIA", "AUDIO"]);
    for view in &views {
        table.row([
            names.of(view.tenant),
            view.id.0.to_string(),
            view.from.clone(),
            view.to.clone(),
            state(view),
            seconds(view.start),
            if view.relayed { "relayed" } else { "direct" }.to_owned(),
            audio::troubles(&view.audio),
        ]);
    }
    let values: Vec<Value> = views.iter().map(|view| call(&names, view)).collect();
    desk.print(&values.into(), &table.text("No call is going on."))
}

fn state(view: &CallView) -> String {
    let value = serde_json::to_value(view.state).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn call(names: &Names, view: &CallView) -> Value {
    json!({
        "tenant": names.of(view.tenant),
        "tenant_id": view.tenant,
        "id": view.id,
        "from": view.from,
        "to": view.to,
        "state": view.state,
        "start": instant(view.start),
        "answer": view.answer.map_or(Value::Null, instant),
        "relayed": view.relayed,
        "audio": view.audio,
    })
}

/// Runs `carillon status`.
pub(super) fn status(desk: &mut Desk) -> Result<()> {
    let client = Client::connect(&desk.data_dir)?;
    let status: StatusView = client.one(&Request::Status)?;
    let mut text = format!(
        "carillon {} runs as process {} since {}\ndata      {}\nworkers   {} for sessions, {} for media\ntenants   {}\ncalls     {}\nconnections {}\n",
        status.version,
        status.pid,
        seconds(Wall(status.started_ms)),
        status.data_dir.display(),
        status.workers,
        status.media_workers,
        status.tenants,
        status.calls,
        status.connections,
    );
    for listener in &status.listen {
        text.push_str(&format!(
            "listening {} {}\n",
            listener.transport, listener.address
        ));
    }
    for (name, number) in status
        .counts
        .named()
        .into_iter()
        .filter(|(_, number)| *number > 0)
    {
        text.push_str(&format!("  {name} {number}\n"));
    }
    // A status is told all the same where the store can't be read.
    let (without, warning) = super::help::without(desk).unwrap_or_default();
    text.push_str(&warning);
    let mut value = serde_json::to_value(&status).context("cannot print the status")?;
    if let Some(object) = value.as_object_mut() {
        object.insert("without_emergency_path".to_owned(), without);
        object.remove("started_ms");
        object.insert("started".to_owned(), instant(Wall(status.started_ms)));
    }
    desk.print(&value, &text)
}
