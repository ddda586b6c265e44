//! Which way calls for help take, and whose take none: told at every look at a tenant.

use super::Desk;
use anyhow::Result;
use model::Policy;
use serde_json::{Value, json};
use store::TrunkRow;

/// Tenants that `carillon status` names.
const MOST_NAMED: usize = 10;

/// The way that calls for help take.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Help {
    /// `none`, `any_trunk` or `route`.
    pub(super) path: &'static str,
    /// One line; empty where all is well.
    pub(super) warning: String,
}

impl Help {
    /// The warning as a line of its own, or nothing.
    pub(super) fn line(&self) -> String {
        match self.warning.as_str() {
            "" => String::new(),
            warning => format!("{warning}.\n"),
        }
    }
}

/// What becomes of calls to emergency numbers: they take the trunks of routes for them, then every other trunk that is enabled.
pub(super) fn help(tenant: &str, policy: &Policy, trunks: &[TrunkRow]) -> Help {
    let is_usable = |name: &str| {
        let known = |trunk: &&TrunkRow| trunk.name.eq_ignore_ascii_case(name);
        trunks.iter().find(known).is_some_and(|trunk| trunk.draft.enabled)
    };
    let mut routes = policy.routes.values();
    let by_route = routes.any(|route| {
        route.enabled && route.emergency && route.trunks.iter().any(|trunk| is_usable(&trunk.name))
    });
    if !trunks.iter().any(|trunk| trunk.draft.enabled) {
        return Help {
            path: "none",
            warning: format!(
                "{tenant} has NO EMERGENCY PATH: no trunk is enabled, calls for help reach nobody"
            ),
        };
    }
    match by_route {
        true => Help {
            path: "route",
            warning: String::new(),
        },
        false => Help {
            path: "any_trunk",
            warning: format!(
                "{tenant} has no route with emergency=true to an enabled trunk: calls for help take any trunk"
            ),
        },
    }
}

/// That of a tenant as it is now.
pub(super) fn of(desk: &mut Desk, tenant: &str) -> Result<Help> {
    let (row, scope) = desk.tenant(tenant)?;
    let trunks = desk.store()?.0.list_trunks(&scope)?;
    Ok(help(&row.name, &row.policy, &trunks))
}

/// Adds it to what is printed of a tenant.
pub(super) fn add(value: &mut Value, help: &Help) {
    if let Some(object) = value.as_object_mut() {
        object.insert("emergency".to_owned(), help.path.into());
        object.insert("warning".to_owned(), help.warning.as_str().into());
    }
}

/// The enabled tenants whose calls for help reach nobody, for `carillon status`: as JSON, and in a line.
pub(super) fn without(desk: &mut Desk) -> Result<(Value, String)> {
    let (store, operator) = desk.store()?;
    let rows = store.list_tenants(operator)?;
    let mut names = Vec::new();
    for row in rows.into_iter().filter(|row| row.enabled) {
        if of(desk, &row.id.to_string())?.path == "none" {
            names.push(row.name);
        }
    }
    let text = match names.len() {
        0 => String::new(),
        count => {
            let named: Vec<&str> = names.iter().take(MOST_NAMED).map(String::as_str).collect();
            let more = if count > MOST_NAMED { ", …" } else { "" };
            format!(
                "NO EMERGENCY PATH for {count} of the tenants: {}{more}; carillon trunk set makes one\n",
                named.join(", ")
            )
        }
    };
    Ok((json!(names), text))
}
