//! `carillon domain`.

use super::Desk;
use crate::arguments::Domain;
use anyhow::Result;
use serde_json::json;

/// Runs one of the domain commands.
pub(super) fn run(desk: &mut Desk, command: &Domain) -> Result<()> {
    let (tenant, domain, done) = match command {
        Domain::Add { tenant, domain } => (tenant, domain, "added"),
        Domain::Remove { tenant, domain } => (tenant, domain, "removed"),
    };
    let (row, scope) = desk.tenant(tenant)?;
    let (store, operator) = desk.store()?;
    match command {
        Domain::Add { .. } => store.add_domain(&scope, domain)?,
        Domain::Remove { .. } => store.remove_domain(&scope, domain)?,
    }
    let now = store.find_tenant(operator, &row.id.to_string())?;
    desk.changed();
    let text = format!(
        "Domain {domain} is {done}; {} has {}.\n",
        now.name,
        now.domains.join(", ")
    );
    desk.print(&json!({"tenant": now.name, "domains": now.domains}), &text)
}
