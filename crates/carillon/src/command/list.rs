//! `carillon list`: extensions that a phone watches by one subscription.

use super::Desk;
use crate::arguments::List;
use crate::output::Table;
use anyhow::{Result, bail};
use model::{Policy, UserSettings};
use serde_json::json;

/// The name that stands for everybody.
const ALL: &str = "all";

/// Runs one of the list commands.
pub(super) fn run(desk: &mut Desk, command: &List) -> Result<()> {
    match command {
        List::Set {
            tenant,
            name,
            extensions,
        } => set(desk, tenant, name, extensions),
        List::Delete { tenant, name } => delete(desk, tenant, name),
        List::Show { tenant } => show(desk, tenant),
    }
}

fn set(desk: &mut Desk, tenant: &str, name: &str, extensions: &[String]) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let users = store.list_users(&scope)?;
    let exists = |extension: &str| users.iter().any(|user| &*user.extension == extension);
    if name == ALL || exists(name) {
        bail!("{name} means something already; choose another name");
    }
    if !UserSettings::is_number(name) {
        bail!("a list's name has 1 to 32 letters, digits or *#+-._");
    }
    if let Some(stranger) = extensions.iter().find(|extension| !exists(extension)) {
        bail!("there is no user {stranger}; carillon user list {tenant} shows all");
    }
    let mut policy = row.policy;
    let mut members: Vec<String> = Vec::new();
    for extension in extensions {
        if !members.contains(extension) {
            members.push(extension.clone());
        }
    }
    if members.len() > Policy::LIST_USERS {
        bail!("a list has at most {} extensions", Policy::LIST_USERS);
    }
    policy.lists.insert(name.to_owned(), members.clone());
    if policy.lists.len() > Policy::LISTS {
        bail!("a tenant has at most {} lists", Policy::LISTS);
    }
    store.set_policy(&scope, &policy)?;
    desk.changed();
    desk.print(
        &json!({"name": name, "extensions": members}),
        &format!("List {name} has {}.\n", members.join(" ")),
    )
}

fn delete(desk: &mut Desk, tenant: &str, name: &str) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let mut policy = row.policy;
    if policy.lists.remove(name).is_none() {
        bail!("there is no list {name}; carillon list show {tenant} shows all");
    }
    let (store, _) = desk.store()?;
    store.set_policy(&scope, &policy)?;
    desk.changed();
    desk.print(&json!({"name": name}), &format!("List {name} is deleted.\n"))
}

fn show(desk: &mut Desk, tenant: &str) -> Result<()> {
    let (row, _) = desk.tenant(tenant)?;
    let mut table = Table::new(&["LIST", "EXTENSIONS"]);
    let mut values = Vec::new();
    for (name, extensions) in &row.policy.lists {
        values.push(json!({"name": name, "extensions": extensions}));
        table.row([name.clone(), extensions.join(" ")]);
    }
    desk.print(
        &values.into(),
        &table.text("No list yet; carillon list set makes one."),
    )
}
