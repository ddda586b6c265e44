//! `carillon route`: which trunks calls to the outside take.

use super::help::help;
use super::{Desk, change};
use crate::arguments::Route as Command;
use crate::output::Table;
use anyhow::{Context, Result, anyhow, bail};
use model::{Policy, Route, RouteTrunk};
use serde_json::{Value, json};
use store::TrunkRow;

/// Runs one of the route commands.
pub(super) fn run(desk: &mut Desk, command: &Command) -> Result<()> {
    match command {
        Command::Set {
            tenant,
            name,
            changes,
        } => set(desk, tenant, name, changes),
        Command::List { tenant } => list(desk, tenant),
        Command::Delete { tenant, name } => delete(desk, tenant, name),
    }
}

/// The first route that names a trunk.
pub(super) fn using<'a>(policy: &'a Policy, trunk: &str) -> Option<&'a str> {
    let names = |route: &Route| {
        route
            .trunks
            .iter()
            .any(|member| member.name.eq_ignore_ascii_case(trunk))
    };
    let found = policy.routes.iter().find(|(_, route)| names(route));
    found.map(|(name, _)| name.as_str())
}

fn set(desk: &mut Desk, tenant: &str, name: &str, changes: &[String]) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        bail!("a route's name has 1 to 64 letters, digits or -_.");
    }
    let mut policy = row.policy;
    let old = policy.routes.get(name).cloned().unwrap_or_default();
    let route: Route = change::apply("route", &old, changes)?;
    let (store, _) = desk.store()?;
    let trunks = store.list_trunks(&scope)?;
    check(&route, &trunks, tenant)?;
    policy.routes.insert(name.to_owned(), route.clone());
    if policy.routes.len() > Route::MOST {
        bail!("a tenant has at most {} routes", Route::MOST);
    }
    store.set_policy(&scope, &policy)?;
    desk.changed();
    let mut text = format!("Route {name} takes {}.\n", members(&route));
    let help = help(&row.name, &policy, &trunks);
    text.push_str(&help.line());
    desk.print(&value(name, &route)?, &text)
}

fn check(route: &Route, trunks: &[TrunkRow], tenant: &str) -> Result<()> {
    if route.trunks.is_empty() {
        bail!("a route needs a trunk: trunks=NAME, or trunks=NAME:PRIORITY:WEIGHT,…");
    }
    if route.trunks.len() > Route::MOST_TRUNKS {
        bail!("a route has at most {} trunks", Route::MOST_TRUNKS);
    }
    if route.prefixes.len() > Route::MOST_PREFIXES {
        bail!("a route has at most {} prefixes", Route::MOST_PREFIXES);
    }
    if route.emergency && !route.prefixes.is_empty() {
        bail!("a route with emergency=true is for every emergency number; it has no prefixes");
    }
    for (place, member) in route.trunks.iter().enumerate() {
        let same = |other: &str| other.eq_ignore_ascii_case(&member.name);
        if !trunks.iter().any(|row| same(&row.name)) {
            bail!(
                "there is no trunk {}; carillon trunk list {tenant} shows all",
                member.name
            );
        }
        if route.trunks.iter().take(place).any(|before| same(&before.name)) {
            bail!("trunk {} stands twice in the route; leave one out", member.name);
        }
    }
    Ok(())
}

fn members(route: &Route) -> String {
    let words: Vec<String> = route.trunks.iter().cloned().map(String::from).collect();
    words.join(" ")
}

fn value(name: &str, route: &Route) -> Result<Value> {
    let mut value = serde_json::to_value(route).context("cannot print the route")?;
    if let Some(object) = value.as_object_mut() {
        object.insert("name".to_owned(), name.into());
    }
    Ok(value)
}

fn list(desk: &mut Desk, tenant: &str) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let trunks = store.list_trunks(&scope)?;
    let mut table = Table::new(&["NAME", "FOR", "TRUNKS", "STATE"]);
    let mut values = Vec::new();
    for (name, route) in &row.policy.routes {
        let prefixes: Vec<String> = route.prefixes.iter().map(|prefix| format!("+{prefix}")).collect();
        let what = match (route.emergency, prefixes.is_empty()) {
            (true, _) => "emergency numbers".to_owned(),
            (false, true) => "all numbers".to_owned(),
            (false, false) => prefixes.join(" "),
        };
        let state = state(route, &trunks);
        let mut value = value(name, route)?;
        if let Some(object) = value.as_object_mut() {
            object.insert("state".to_owned(), state.as_str().into());
        }
        values.push(value);
        table.row([name.clone(), what, members(route), state]);
    }
    let help = help(&row.name, &row.policy, &trunks);
    let mut text =
        table.text("No route yet: calls to the outside take any trunk. carillon route set makes one.");
    text.push_str(&help.line());
    let shown = json!({"routes": values, "emergency": help.path, "warning": help.warning});
    desk.print(&shown, &text)
}

/// Whether a call that takes this route gets anywhere.
fn state(route: &Route, trunks: &[TrunkRow]) -> String {
    if !route.enabled {
        return "off".to_owned();
    }
    let found = |member: &RouteTrunk| {
        let same = |row: &&TrunkRow| row.name.eq_ignore_ascii_case(&member.name);
        trunks.iter().find(same)
    };
    if let Some(gone) = route.trunks.iter().find(|member| found(member).is_none()) {
        return format!("there is no trunk {}", gone.name);
    }
    let is_on = |member: &RouteTrunk| found(member).is_some_and(|row| row.draft.enabled);
    match route.trunks.iter().any(is_on) {
        true => "good".to_owned(),
        false => "none of its trunks is enabled".to_owned(),
    }
}

fn delete(desk: &mut Desk, tenant: &str, name: &str) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let mut policy = row.policy;
    policy
        .routes
        .remove(name)
        .ok_or_else(|| anyhow!("there is no route {name}; carillon route list {tenant} shows all"))?;
    let (store, _) = desk.store()?;
    store.set_policy(&scope, &policy)?;
    desk.changed();
    desk.print(&json!({"name": name}), &format!("Route {name} is deleted.\n"))
}
