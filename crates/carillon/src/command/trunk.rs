//! `carillon trunk`: ways to carriers.

use super::{Desk, carriers, change, help, route, secret};
use crate::arguments::Trunk;
use crate::control::Request;
use crate::control::client::Client;
use crate::output::Table;
use anyhow::{Context, Result, anyhow, bail};
use model::{TrunkDraft, TrunkHealth, TrunkRegistration, TrunkView};
use serde_json::{Value, json};
use store::TrunkRow;

/// Runs one of the trunk commands.
pub(super) fn run(desk: &mut Desk, command: &Trunk) -> Result<()> {
    match command {
        Trunk::Set {
            tenant,
            name,
            changes,
            password_file,
        } => set(desk, (tenant, name), changes, password_file.as_deref()),
        Trunk::List { tenant } => list(desk, tenant),
        Trunk::Show { tenant, name } => {
            let row = row(desk, tenant, name)?;
            desk.print(&value(&row)?, &format!("{:#}\n", value(&row)?))
        }
        Trunk::Delete { tenant, name } => {
            let (tenant_row, scope) = desk.tenant(tenant)?;
            if let Some(route) = route::using(&tenant_row.policy, name) {
                bail!("route {route} takes trunk {name}; change or delete the route first");
            }
            let (store, _) = desk.store()?;
            store.delete_trunk(&scope, name)?;
            desk.changed();
            desk.print(&json!({"name": name}), &format!("Trunk {name} is deleted.\n"))
        }
        Trunk::Templates => {
            let (value, text) = carriers::list();
            desk.print(&value, &text)
        }
        Trunk::Status { tenant } => status(desk, tenant.as_deref()),
    }
}

fn set(
    desk: &mut Desk,
    (tenant, name): (&str, &str),
    changes: &[String],
    password_file: Option<&std::path::Path>,
) -> Result<()> {
    let (_, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let old = store
        .list_trunks(&scope)?
        .into_iter()
        .find(|row| row.name == name);
    let draft = old
        .as_ref()
        .map_or_else(TrunkDraft::default, |row| row.draft.clone());
    let draft: TrunkDraft = change::apply("trunk", &draft, &carriers::filled_in(changes)?)?;
    draft.check().map_err(|fault| anyhow!("{fault}"))?;
    // A carrier's password is as short as the carrier likes.
    let password = match password_file {
        Some(file) => {
            let text = secret::read(file)?.lines().next().unwrap_or_default().to_owned();
            Some(secret::taken_over(Some(text))?.password)
        }
        None => None,
    };
    let has_password = password.is_some() || old.is_some_and(|row| row.has_password);
    if !draft.username.is_empty() && !has_password {
        return Err(anyhow!(
            "a trunk with a username needs a password: give --password-file FILE, or - for standard input"
        ));
    }
    store.set_trunk(&scope, name, &draft, password.as_ref())?;
    desk.changed();
    let row = row(desk, tenant, name)?;
    let mut text = format!(
        "Trunk {name} leads to {}. carillon trunk status shows how it is.\n",
        row.draft.whom()
    );
    text.push_str(&help::of(desk, tenant)?.line());
    desk.print(&value(&row)?, &text)
}

fn row(desk: &mut Desk, tenant: &str, name: &str) -> Result<TrunkRow> {
    let (_, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let row = store
        .list_trunks(&scope)?
        .into_iter()
        .find(|row| row.name == name);
    row.ok_or_else(|| anyhow!("there is no trunk {name}; carillon trunk list {tenant} shows all"))
}

fn value(row: &TrunkRow) -> Result<Value> {
    let mut value = serde_json::to_value(&row.draft).context("cannot print the trunk")?;
    if let Some(object) = value.as_object_mut() {
        object.insert("name".to_owned(), row.name.as_str().into());
        object.insert("id".to_owned(), row.id.0.into());
        object.insert("has_password".to_owned(), row.has_password.into());
    }
    Ok(value)
}

fn list(desk: &mut Desk, tenant: &str) -> Result<()> {
    let (_, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let rows = store.list_trunks(&scope)?;
    let mut table = Table::new(&["NAME", "HOST", "USERNAME", "REGISTERS", "ENABLED"]);
    for row in &rows {
        table.row([
            row.name.clone(),
            row.draft.whom().to_owned(),
            row.draft.username.clone(),
            if row.draft.register { "yes" } else { "no" }.to_owned(),
            if row.draft.enabled { "yes" } else { "no" }.to_owned(),
        ]);
    }
    let values: Vec<Value> = rows.iter().map(value).collect::<Result<_>>()?;
    desk.print(
        &values.into(),
        &table.text("No trunk yet; carillon trunk set makes one."),
    )
}

fn status(desk: &mut Desk, tenant: Option<&str>) -> Result<()> {
    let chosen = desk.chosen(tenant)?;
    let client = Client::connect(&desk.data_dir)?;
    let views: Vec<TrunkView> = client.items(&Request::Trunks { tenant: chosen })?;
    let mut table = Table::new(&["NAME", "HEALTH", "REGISTRATION", "AT", "FAULT"]);
    for view in &views {
        table.row([
            view.name.clone(),
            health(view.health).to_owned(),
            registration(view.registration).to_owned(),
            place(view),
            view.fault.clone(),
        ]);
    }
    let value = serde_json::to_value(&views).context("cannot print the trunks")?;
    let mut text = table.text("No trunk is enabled.");
    for warning in warnings(desk, tenant)? {
        text.push_str(&format!("{warning}.\n"));
    }
    desk.print(&value, &text)
}

/// What is to be said of the way that calls for help take: of the tenant, or of every one that is enabled.
fn warnings(desk: &mut Desk, tenant: Option<&str>) -> Result<Vec<String>> {
    let tenants = match tenant {
        Some(tenant) => vec![desk.tenant(tenant)?.0],
        None => {
            let (store, operator) = desk.store()?;
            store.list_tenants(operator)?
        }
    };
    let mut warnings = Vec::new();
    for row in tenants.iter().filter(|row| row.enabled || tenant.is_some()) {
        let (_, scope) = desk.tenant(&row.id.to_string())?;
        let (store, _) = desk.store()?;
        let trunks = store.list_trunks(&scope)?;
        warnings.push(help::help(&row.name, &row.policy, &trunks).warning);
    }
    warnings.retain(|warning| !warning.is_empty());
    Ok(warnings)
}

fn place(view: &TrunkView) -> String {
    let place = view.place.clone().unwrap_or_default();
    match view.unverified {
        true => format!("{place} (unverified)"),
        false => place,
    }
}

fn health(health: TrunkHealth) -> &'static str {
    match health {
        TrunkHealth::Unknown => "unknown",
        TrunkHealth::Up => "up",
        TrunkHealth::Down => "DOWN",
    }
}

fn registration(registration: TrunkRegistration) -> &'static str {
    match registration {
        TrunkRegistration::Off => "-",
        TrunkRegistration::Trying => "trying",
        TrunkRegistration::Registered => "registered",
        TrunkRegistration::Refused => "REFUSED",
        TrunkRegistration::Failed => "FAILED",
    }
}
