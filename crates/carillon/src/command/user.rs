//! `carillon user`.

use super::{Desk, csv, secret};
use crate::arguments::{Calls, Recorded, Secret, Switch, User};
use crate::output::Table;
use anyhow::{Context, Result, bail};
use model::{ForwardKind, Policy, RecordPolicy, UserSettings, UserSettingsChange};
use serde_json::{Value, json};
use std::path::Path;
use store::{ImportRow, UserChange};
use tenancy::Scope;

/// Runs one of the user commands.
pub(super) fn run(desk: &mut Desk, command: &User) -> Result<()> {
    match command {
        User::Add {
            tenant,
            extension,
            name,
            username,
            no_device,
            secret,
        } => {
            let username = (!no_device).then(|| username.as_deref().unwrap_or(extension));
            add(desk, tenant, extension, name, username, secret)
        }
        User::List { tenant } => list(desk, tenant),
        User::Delete { tenant, extension } => delete(desk, tenant, extension),
        User::Set {
            tenant,
            extension,
            new_extension,
            name,
            caller_number,
            enable,
            disable,
        } => {
            let change = UserChange {
                extension: new_extension.clone(),
                display: name.clone(),
                enabled: (*enable || *disable).then_some(*enable),
            };
            set(desk, tenant, extension, &change, caller_number.as_deref())
        }
        User::Show { tenant, extension } => show(desk, tenant, extension),
        User::Dnd {
            tenant,
            extension,
            switch,
        } => {
            let on = matches!(switch, Switch::On);
            let text = if on { "is not disturbed" } else { "is rung again" };
            settings(desk, tenant, extension, &UserSettingsChange::dnd(on), text)
        }
        User::Record {
            tenant,
            extension,
            calls,
        } => record(desk, tenant, extension, *calls),
        User::Supervise {
            tenant,
            extension,
            whose,
        } => supervise(desk, tenant, extension, whose),
        User::Forward {
            tenant,
            extension,
            calls,
            number,
            after,
        } => forward(desk, tenant, extension, *calls, number, *after),
        User::Import {
            tenant,
            file,
            short_passwords,
        } => import(desk, tenant, file, *short_passwords),
    }
}

fn shown(user: &model::User, usernames: &[String]) -> Value {
    json!({
        "id": user.id,
        "extension": user.extension,
        "name": user.display,
        "enabled": user.enabled,
        "devices": usernames,
        "dnd": user.settings.dnd,
        "forward_always": user.settings.forward_always,
        "forward_busy": user.settings.forward_busy,
        "forward_no_answer": user.settings.forward_no_answer,
        "no_answer_s": user.settings.no_answer_s,
        "record": user.settings.record,
        "caller_number": user.settings.caller_number,
    })
}

/// What a user has set, in a few words; empty for nothing.
fn settings_in_words(settings: &UserSettings) -> String {
    let mut words = Vec::new();
    if settings.dnd {
        words.push("do not disturb".to_owned());
    }
    let after = format!("after {} s", settings.no_answer_s);
    for (kind, to) in [
        ("all", &settings.forward_always),
        ("busy", &settings.forward_busy),
        (after.as_str(), &settings.forward_no_answer),
    ] {
        words.extend(to.as_ref().map(|to| format!("{kind} to {to}")));
    }
    words.extend(settings.record.map(|record| {
        let calls = match record {
            RecordPolicy::Always => "always recorded",
            RecordPolicy::OnDemand => "recorded by *1",
            RecordPolicy::Never => "never recorded",
        };
        calls.to_owned()
    }));
    let shows = settings.caller_number.as_ref();
    words.extend(shows.map(|number| format!("shows {number}")));
    words.join(", ")
}

fn show(desk: &mut Desk, tenant: &str, extension: &str) -> Result<()> {
    let (_, scope) = desk.tenant(tenant)?;
    let own = usernames(desk, &scope)?.into_iter();
    let own: Vec<String> = own
        .filter(|d| d.extension == extension)
        .map(|d| d.username)
        .collect();
    let (store, _) = desk.store()?;
    let user = store.user(&scope, extension)?;
    let calls = settings_in_words(&user.settings);
    let text = format!(
        "{:<10}{}\n{:<10}{}\n{:<10}{}\n{:<10}{}\n{:<10}{}\n",
        "extension",
        user.extension,
        "name",
        user.display,
        "enabled",
        user.enabled,
        "devices",
        own.join(" "),
        "calls",
        if calls.is_empty() { "ring" } else { &calls },
    );
    desk.print(&shown(&user, &own), &text)
}

fn record(desk: &mut Desk, tenant: &str, extension: &str, calls: Recorded) -> Result<()> {
    let (record, text) = match calls {
        Recorded::Always => (Some(RecordPolicy::Always), "is always recorded"),
        Recorded::OnDemand => (Some(RecordPolicy::OnDemand), "is recorded by *1"),
        Recorded::Never => (Some(RecordPolicy::Never), "is never recorded"),
        Recorded::Default => (None, "is recorded as the tenant's policy says"),
    };
    let change = UserSettingsChange {
        record: Some(record),
        ..UserSettingsChange::default()
    };
    settings(desk, tenant, extension, &change, text)
}

fn supervise(desk: &mut Desk, tenant: &str, extension: &str, whose: &[String]) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    store.user(&scope, extension)?;
    for known in whose.iter().filter(|known| *known != Policy::EVERYBODY) {
        store.user(&scope, known)?;
    }
    let mut policy = row.policy;
    match whose {
        [] => policy.supervisors.remove(extension),
        whose => policy.supervisors.insert(extension.to_owned(), whose.to_vec()),
    };
    store.set_policy(&scope, &policy)?;
    desk.changed();
    let text = match whose {
        [] => format!("Extension {extension} listens to nobody.\n"),
        whose => format!("Extension {extension} may listen to {}.\n", whose.join(" ")),
    };
    desk.print(&json!({"extension": extension, "supervises": whose}), &text)
}

fn forward(
    desk: &mut Desk,
    tenant: &str,
    extension: &str,
    calls: Calls,
    number: &str,
    after: Option<u16>,
) -> Result<()> {
    let (kind, which) = match calls {
        Calls::Always => (ForwardKind::Always, "calls"),
        Calls::Busy => (ForwardKind::Busy, "calls that find it busy"),
        Calls::NoAnswer => (ForwardKind::NoAnswer, "calls that nobody answers"),
    };
    if after.is_some() && kind != ForwardKind::NoAnswer {
        bail!("--after is for no-answer only");
    }
    let to = (number != "off").then_some(number);
    let change = UserSettingsChange {
        no_answer_s: after,
        ..UserSettingsChange::forward(kind, to)
    };
    let text = match to {
        Some(to) => format!("sends {which} to {to}"),
        None => format!("forwards no {which}"),
    };
    settings(desk, tenant, extension, &change, &text)
}

fn settings(
    desk: &mut Desk,
    tenant: &str,
    extension: &str,
    change: &UserSettingsChange,
    text: &str,
) -> Result<()> {
    let (_, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let mut user = store.user(&scope, extension)?;
    user.settings = store.update_settings(&scope, user.id, change)?;
    let own = store.list_devices(&scope)?.into_iter();
    let own: Vec<String> = own.filter(|d| d.user == user.id).map(|d| d.username).collect();
    desk.changed();
    desk.print(
        &shown(&user, &own),
        &format!("Extension {} {text}.\n", user.extension),
    )
}

/// With a device the two rows are one change: half a user helps nobody.
fn add(
    desk: &mut Desk,
    tenant: &str,
    extension: &str,
    name: &str,
    username: Option<&str>,
    secret: &Secret,
) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let Some(username) = username else {
        let (store, _) = desk.store()?;
        store.add_user(&scope, extension, name)?;
        let user = store.user(&scope, extension)?;
        desk.changed();
        return desk.print(
            &shown(&user, &[]),
            &format!("Extension {extension} is there, without a device.\n"),
        );
    };
    let chosen = secret::choose(secret)?;
    let import = ImportRow {
        extension: extension.to_owned(),
        display: name.to_owned(),
        username: username.to_owned(),
        password: chosen.password.clone(),
    };
    let (store, _) = desk.store()?;
    store.import_users(&scope, &[import]).map_err(first_cause)?;
    let user = store.user(&scope, extension)?;
    desk.changed();
    let mut value = shown(&user, &[username.to_owned()]);
    if let Some(object) = value.as_object_mut() {
        object.insert("username".to_owned(), username.into());
        object.insert("password".to_owned(), chosen.json());
    }
    let text = format!(
        "Extension {extension} of {} is there; its phone's username is {username}.\n",
        row.name
    );
    desk.print(&value, &(text + &chosen.text()))
}

/// "row 1" means nothing to somebody who typed one user.
fn first_cause(error: store::StoreError) -> anyhow::Error {
    match error {
        store::StoreError::Row { source, .. } => (*source).into(),
        other => other.into(),
    }
}

fn usernames(desk: &mut Desk, scope: &Scope) -> Result<Vec<store::DeviceRow>> {
    let (store, _) = desk.store()?;
    Ok(store.list_devices(scope)?)
}

fn list(desk: &mut Desk, tenant: &str) -> Result<()> {
    let (_, scope) = desk.tenant(tenant)?;
    let devices = usernames(desk, &scope)?;
    let (store, _) = desk.store()?;
    let users = store.list_users(&scope)?;
    let mut table = Table::new(&["EXTENSION", "NAME", "ENABLED", "DEVICES", "CALLS"]);
    let mut values = Vec::with_capacity(users.len());
    // Both lists are sorted by extension, so one walk joins them.
    let mut devices = devices.into_iter().peekable();
    for user in &users {
        let mut own = Vec::new();
        while let Some(device) = devices.next_if(|d| d.extension.as_str() <= user.extension.as_ref()) {
            own.push(device.username);
        }
        values.push(shown(user, &own));
        table.row([
            user.extension.to_string(),
            user.display.to_string(),
            user.enabled.to_string(),
            own.join(" "),
            settings_in_words(&user.settings),
        ]);
    }
    desk.print(
        &values.into(),
        &table.text("No user yet; carillon user add makes one."),
    )
}

fn delete(desk: &mut Desk, tenant: &str, extension: &str) -> Result<()> {
    let (_, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let user = store.user(&scope, extension)?;
    store.delete_user(&scope, user.id)?;
    desk.changed();
    desk.print(
        &json!({"extension": extension}),
        &format!("Extension {extension} is deleted.\n"),
    )
}

fn set(
    desk: &mut Desk,
    tenant: &str,
    extension: &str,
    change: &UserChange,
    caller_number: Option<&str>,
) -> Result<()> {
    let is_row = change.extension.is_some() || change.display.is_some() || change.enabled.is_some();
    if !is_row && caller_number.is_none() {
        bail!("nothing to set; give --name, --new-extension, --caller-number, --enable or --disable");
    }
    let (_, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let user = store.user(&scope, extension)?;
    if let Some(text) = caller_number {
        let number = match text {
            "none" => None,
            text => Some(super::number::of_tenant(&store.list_numbers(&scope)?, text)?.into()),
        };
        let change = UserSettingsChange {
            caller_number: Some(number),
            ..UserSettingsChange::default()
        };
        store.update_settings(&scope, user.id, &change)?;
    }
    if is_row {
        store.update_user(&scope, user.id, change)?;
    }
    let now = store.user(&scope, change.extension.as_deref().unwrap_or(extension))?;
    let own = store
        .list_devices(&scope)?
        .into_iter()
        .filter(|d| d.user == user.id);
    let own: Vec<String> = own.map(|d| d.username).collect();
    desk.changed();
    desk.print(
        &shown(&now, &own),
        &format!("Extension {} is changed.\n", now.extension),
    )
}

fn import(desk: &mut Desk, tenant: &str, file: &Path, short_passwords: bool) -> Result<()> {
    let accept = if short_passwords {
        secret::taken_over
    } else {
        secret::from
    };
    let (_, scope) = desk.tenant(tenant)?;
    let records = csv::records(&secret::read(file)?)?;
    let mut rows = Vec::with_capacity(records.len());
    let mut values = Vec::with_capacity(records.len());
    let mut table = Table::new(&["EXTENSION", "USERNAME", "PASSWORD (SHOWN THIS ONCE)"]);
    for record in records {
        let chosen = accept(record.password).with_context(|| format!("line {}", record.line))?;
        let username = record.username.unwrap_or_else(|| record.extension.clone());
        let password = chosen.json();
        let note = password.as_str().unwrap_or("as given").to_owned();
        table.row([record.extension.clone(), username.clone(), note]);
        values.push(json!({"extension": record.extension, "username": username, "password": password}));
        rows.push(ImportRow {
            extension: record.extension,
            display: record.name,
            username,
            password: chosen.password,
        });
    }
    let (store, _) = desk.store()?;
    store.import_users(&scope, &rows)?;
    desk.changed();
    desk.print(&values.into(), &table.text("The file has no row."))
}
