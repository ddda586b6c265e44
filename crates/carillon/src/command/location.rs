//! `carillon location`: where phones are, for calls for help.

use super::{Desk, change, help};
use crate::arguments::Location as Command;
use crate::output::{Table, printable};
use anyhow::{Context, Result, anyhow, bail};
use model::{Network, Point, Policy, Site, WhichPhone};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Runs one of the location commands.
pub(super) fn run(desk: &mut Desk, command: &Command) -> Result<()> {
    match command {
        Command::Set {
            tenant,
            name,
            changes,
            usual,
        } => set(desk, tenant, name, changes, *usual),
        Command::List { tenant } => list(desk, tenant),
        Command::Remove { tenant, name } => remove(desk, tenant, name),
    }
}

/// What is not the address.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Rest {
    point: Option<Point>,
    phones: Vec<String>,
    networks: Vec<Network>,
}

/// The location with these changes. Elements of the address by their names, whether letters are small or capital is all the same; an
/// empty one is taken away.
fn changed(old: &Site, changes: &[String]) -> Result<Site> {
    let element = |key: &str| {
        let mut known = Site::ELEMENTS.iter().map(|(name, _)| *name);
        known.find(|name| name.eq_ignore_ascii_case(key))
    };
    let mut civic = old.civic.clone();
    let mut others = Vec::new();
    for change in changes {
        match change
            .split_once('=')
            .map(|(key, text)| (element(key), text.trim()))
        {
            Some((Some(name), "")) => {
                civic.remove(name);
            }
            Some((Some(name), text)) => {
                civic.insert(name.to_owned(), text.to_owned());
            }
            _ => others.push(change.clone()),
        }
    }
    let rest = Rest {
        point: old.point,
        phones: old.phones.clone(),
        networks: old.networks.clone(),
    };
    let names = Site::ELEMENTS.map(|(name, what)| format!("{name} ({what})"));
    let rest: Rest = change::apply("location", &rest, &others)
        .map_err(|e| anyhow!("{e}; and elements of an address: {}", names.join(", ")))?;
    let site = Site {
        civic,
        point: rest.point,
        phones: rest.phones,
        networks: rest.networks,
    };
    site.check().map_err(|why| anyhow!("{why}"))?;
    Ok(site)
}

fn set(desk: &mut Desk, tenant: &str, name: &str, changes: &[String], usual: bool) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        bail!("a location's name has 1 to 64 letters, digits or -_.");
    }
    let mut policy = row.policy;
    let old = policy.locations.get(name).cloned().unwrap_or_default();
    let site = changed(&old, changes)?;
    let (store, _) = desk.store()?;
    let devices = store.list_devices(&scope)?;
    let users = store.list_users(&scope)?;
    for phone in site.phones.iter().filter(|phone| !old.phones.contains(phone)) {
        let is_device = devices.iter().any(|row| row.username.eq_ignore_ascii_case(phone));
        let is_user = users
            .iter()
            .any(|user| user.extension.eq_ignore_ascii_case(phone));
        if !is_device && !is_user {
            bail!("there is no extension or device {phone}; carillon user list {tenant} shows all");
        }
        let other = policy.locations.iter().find(|(known, other)| {
            *known != name && other.phones.iter().any(|known| known.eq_ignore_ascii_case(phone))
        });
        if let Some((other, _)) = other {
            bail!("{phone} is at {other}; take it out there first");
        }
    }
    policy.locations.insert(name.to_owned(), site.clone());
    if policy.locations.len() > Site::MOST {
        bail!("a tenant has at most {} locations", Site::MOST);
    }
    if usual {
        name.clone_into(&mut policy.emergency_location);
    }
    store.set_policy(&scope, &policy)?;
    desk.changed();
    let text = format!("Location {name} is {}.\n", printable(&site.text()));
    desk.print(&value(name, &site, &policy)?, &text)
}

fn value(name: &str, site: &Site, policy: &Policy) -> Result<Value> {
    let mut value = serde_json::to_value(site).context("cannot print the location")?;
    if let Some(object) = value.as_object_mut() {
        object.insert("name".to_owned(), name.into());
        object.insert("text".to_owned(), site.text().into());
        object.insert("usual".to_owned(), (policy.emergency_location == name).into());
    }
    Ok(value)
}

/// A phone for which no location is written down, or one by its network alone.
fn unlocated(desk: &mut Desk, tenant: &str) -> Result<Vec<String>> {
    let (row, scope) = desk.tenant(tenant)?;
    let devices = desk.store()?.0.list_devices(&scope)?;
    let without = devices.into_iter().filter(|device| {
        let phone = WhichPhone {
            username: Some(&device.username),
            extension: Some(&device.extension),
            address: None,
        };
        row.policy.site_of(&phone).is_none()
    });
    Ok(without.map(|device| device.username).collect())
}

fn list(desk: &mut Desk, tenant: &str) -> Result<()> {
    let (row, _) = desk.tenant(tenant)?;
    let policy = row.policy;
    let mut table = Table::new(&["NAME", "ADDRESS", "PHONES", "NETWORKS"]);
    let mut values = Vec::new();
    for (name, site) in &policy.locations {
        let usual = if policy.emergency_location == *name {
            " (usual)"
        } else {
            ""
        };
        let networks: Vec<String> = site.networks.iter().map(Network::to_string).collect();
        table.row([
            format!("{name}{usual}"),
            printable(&site.text()).to_string(),
            site.phones.join(" "),
            networks.join(" "),
        ]);
        values.push(value(name, site, &policy)?);
    }
    let mut text = table.text("No location yet: carillon location set makes one.");
    let unlocated = unlocated(desk, tenant)?;
    if !unlocated.is_empty() {
        let by_network = policy.locations.values().any(|site| !site.networks.is_empty());
        let unless = if by_network {
            " unless its network is known"
        } else {
            ""
        };
        text.push_str(&format!(
            "NO LOCATION{unless} for phones: {}. Whoever calls for help there has to say where he is.\n",
            unlocated.join(" ")
        ));
    }
    let help = help::of(desk, tenant)?;
    text.push_str(&help.line());
    let shown = json!({
        "locations": values,
        "unlocated": unlocated,
        "emergency": help.path,
        "warning": help.warning,
    });
    desk.print(&shown, &text)
}

fn remove(desk: &mut Desk, tenant: &str, name: &str) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let mut policy = row.policy;
    policy
        .locations
        .remove(name)
        .ok_or_else(|| anyhow!("there is no location {name}; carillon location list {tenant} shows all"))?;
    if policy.emergency_location == name {
        policy.emergency_location.clear();
    }
    desk.store()?.0.set_policy(&scope, &policy)?;
    desk.changed();
    desk.print(&json!({"name": name}), &format!("Location {name} is removed.\n"))
}
