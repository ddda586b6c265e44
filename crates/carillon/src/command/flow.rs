//! `carillon flow`: numbers that play, ask, record or confer.

use super::{Desk, input};
use crate::arguments::Flow;
use crate::output::Table;
use anyhow::{Result, anyhow, bail};
use model::{FlowDraft, TenantConfig, UserSettings};
use serde_json::{Value, json};
use std::path::Path;
use tenancy::Scope;

/// Octets of a flow.
const LARGEST: u64 = 262_144;

/// Runs one of the flow commands.
pub(super) fn run(desk: &mut Desk, command: &Flow) -> Result<()> {
    match command {
        Flow::Set { tenant, number, file } => set(desk, tenant, number, file),
        Flow::List { tenant } => list(desk, tenant),
        Flow::Show { tenant, number } => show(desk, tenant, number),
        Flow::Remove { tenant, number } => remove(desk, tenant, number),
        Flow::Explain { tenant, number, keys } => explain(desk, tenant, number, keys),
    }
}

fn read(file: &Path) -> Result<FlowDraft> {
    serde_json::from_slice(&input::octets(file, LARGEST)?)
        .map_err(|e| anyhow!("{} is no flow: {e}; docs/commands.md shows one", file.display()))
}

/// The tenant's configuration, a disabled tenant's as well.
fn config(desk: &mut Desk, scope: &Scope) -> Result<TenantConfig> {
    let (store, _) = desk.store()?;
    Ok(store.load_even_disabled(scope)?)
}

fn set(desk: &mut Desk, tenant: &str, number: &str, file: &Path) -> Result<()> {
    let draft = read(file)?;
    let (row, scope) = desk.tenant(tenant)?;
    if !UserSettings::is_number(number) || number.starts_with('*') {
        bail!("a number has 1 to 32 letters, digits or #+-._; what begins with * is a star code");
    }
    let config = config(desk, &scope)?;
    if config.extension(number).is_some() {
        bail!("{number} is a user's extension; choose another number, or delete the user");
    }
    flow::compile(&config, &draft).map_err(|fault| anyhow!("{fault}"))?;
    if let Some(fault) = flow::missing(&config, &draft).first() {
        bail!("{fault}");
    }
    let mut policy = row.policy;
    let steps = draft.steps.len();
    policy.flows.insert(number.to_owned(), draft);
    if policy.flows.len() > FlowDraft::MOST {
        bail!("a tenant has at most {} numbers with flows", FlowDraft::MOST);
    }
    let (store, _) = desk.store()?;
    store.set_policy(&scope, &policy)?;
    desk.changed();
    desk.print(
        &json!({"number": number, "steps": steps}),
        &format!("Number {number} has a flow of {steps} steps.\n"),
    )
}

fn list(desk: &mut Desk, tenant: &str) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let config = config(desk, &scope)?;
    let mut table = Table::new(&["NUMBER", "NAME", "STEPS", "STATE"]);
    let mut values = Vec::new();
    for (number, draft) in &row.policy.flows {
        let state = match flow::compile(&config, draft) {
            _ if config.extension(number).is_some() => "hidden: a user has this extension".to_owned(),
            Ok(_) => match flow::missing(&config, draft).first() {
                None => "good".to_owned(),
                Some(fault) => fault.to_string(),
            },
            Err(fault) => fault.to_string(),
        };
        values
            .push(json!({"number": number, "name": draft.name, "steps": draft.steps.len(), "state": state}));
        table.row([
            number.clone(),
            draft.name.clone(),
            draft.steps.len().to_string(),
            state,
        ]);
    }
    desk.print(
        &values.into(),
        &table.text("No number has a flow yet; carillon flow set gives it one."),
    )
}

fn draft(desk: &mut Desk, tenant: &str, number: &str) -> Result<(FlowDraft, Scope)> {
    let (row, scope) = desk.tenant(tenant)?;
    let draft = row.policy.flows.get(number).cloned();
    let draft =
        draft.ok_or_else(|| anyhow!("{number} has no flow; carillon flow list {tenant} shows all"))?;
    Ok((draft, scope))
}

fn show(desk: &mut Desk, tenant: &str, number: &str) -> Result<()> {
    let (draft, _) = draft(desk, tenant, number)?;
    let value = serde_json::to_value(&draft)?;
    desk.print(&value, &format!("{value:#}\n"))
}

fn remove(desk: &mut Desk, tenant: &str, number: &str) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let mut policy = row.policy;
    if policy.flows.remove(number).is_none() {
        bail!("{number} has no flow; carillon flow list {tenant} shows all");
    }
    let (store, _) = desk.store()?;
    store.set_policy(&scope, &policy)?;
    desk.changed();
    desk.print(
        &json!({"number": number}),
        &format!("Number {number} leads nowhere now.\n"),
    )
}

fn explain(desk: &mut Desk, tenant: &str, number: &str, keys: &str) -> Result<()> {
    let (draft, scope) = draft(desk, tenant, number)?;
    let config = config(desk, &scope)?;
    let flow = flow::compile(&config, &draft).map_err(|fault| anyhow!("{fault}"))?;
    let told = flow::explain(flow, keys);
    let values = told
        .iter()
        .map(|line| Value::from(line.as_str()))
        .collect::<Vec<_>>();
    desk.print(&values.into(), &(told.join("\n") + "\n"))
}
