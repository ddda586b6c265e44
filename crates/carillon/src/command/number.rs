//! `carillon number`: numbers of the public network, and where they lead.

use super::Desk;
use super::names::Names;
use crate::arguments::Number;
use crate::output::Table;
use anyhow::{Result, anyhow, bail};
use model::{NumberRange, Prefix, TenantConfig};
use serde_json::{Value, json};

/// Runs one of the number commands.
pub(super) fn run(desk: &mut Desk, command: &Number) -> Result<()> {
    match command {
        Number::Set {
            tenant,
            first,
            last,
            to,
            keep,
        } => {
            let (first, last) = ends(first, last.as_deref())?;
            let to = to.as_str().into();
            let keep = *keep;
            set(
                desk,
                tenant,
                &NumberRange {
                    first,
                    last,
                    to,
                    keep,
                },
            )
        }
        Number::List { tenant } => list(desk, tenant.as_deref()),
        Number::Delete { tenant, first, last } => {
            let (first, last) = ends(first, last.as_deref())?;
            delete(desk, tenant, first, last)
        }
    }
}

/// The digits of a number as it is written down everywhere: with a plus, and in blocks if somebody likes.
fn digits(text: &str) -> Result<u64> {
    let bare: String = text.chars().filter(|c| !" -./()".contains(*c)).collect();
    let number = bare
        .strip_prefix('+')
        .filter(|_| bare.parse::<Prefix>().is_ok())
        .and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| {
        anyhow!("{text:?} is no number; write +, country code and the rest, such as +493012345")
    })
}

/// A number that is to be shown to people outside, as E.164.
///
/// # Errors
/// None of these ranges has it: numbers of others are not shown.
pub(super) fn of_tenant(ranges: &[NumberRange], text: &str) -> Result<String> {
    let number = digits(text)?;
    match ranges.iter().any(|range| range.has(number)) {
        true => Ok(format!("+{number}")),
        false => bail!("+{number} is not the tenant's; carillon number set gives it to the tenant"),
    }
}

fn ends(first: &str, last: Option<&str>) -> Result<(u64, u64)> {
    let first = digits(first)?;
    Ok((first, last.map_or(Ok(first), digits)?))
}

fn written(range: &NumberRange) -> String {
    match range.first == range.last {
        true => format!("+{}", range.first),
        false => format!("+{} to +{}", range.first, range.last),
    }
}

/// Where a range leads, in words.
fn target(range: &NumberRange) -> String {
    match (range.keep, range.first == range.last) {
        (0, _) => range.to.to_string(),
        (_, true) => range.leads_to(range.first),
        (_, false) => format!(
            "{} to {}",
            range.leads_to(range.first),
            range.leads_to(range.last)
        ),
    }
}

fn value(range: &NumberRange) -> Value {
    json!({
        "first": format!("+{}", range.first),
        "last": format!("+{}", range.last),
        "numbers": range.len(),
        "to": range.to,
        "keep": range.keep,
    })
}

fn set(desk: &mut Desk, tenant: &str, range: &NumberRange) -> Result<()> {
    if range.to.is_empty() && range.keep == 0 {
        bail!("where does it lead? give --to EXTENSION, or --keep DIGITS");
    }
    let (_, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    store.set_number(&scope, range)?;
    let config = store.load_even_disabled(&scope)?;
    desk.changed();
    let mut value = value(range);
    let mut text = format!("{} leads to {}.\n", written(range), target(range));
    // With a range some extensions may be yet to come; a single number that leads nowhere is a slip more often than not.
    let reached = range.first != range.last || is_known(&config, &range.leads_to(range.first));
    if !reached {
        text.push_str("Nobody has that number yet: callers hear that it is not in use.\n");
    }
    if let Some(object) = value.as_object_mut() {
        object.insert("reached".to_owned(), reached.into());
    }
    desk.print(&value, &text)
}

/// True for an extension or a number with a flow.
fn is_known(config: &TenantConfig, number: &str) -> bool {
    config.extension(number).is_some() || config.policy().flows.contains_key(number)
}

fn list(desk: &mut Desk, tenant: Option<&str>) -> Result<()> {
    let tenants = match tenant {
        Some(tenant) => vec![desk.tenant(tenant)?.0.id],
        None => {
            let (store, operator) = desk.store()?;
            let rows = store.list_tenants(operator)?;
            rows.into_iter().map(|row| row.id).collect()
        }
    };
    let names = Names::read(desk)?;
    let mut table = Table::new(&["TENANT", "NUMBERS", "LEADS TO"]);
    let mut values = Vec::new();
    for id in tenants {
        let (_, scope) = desk.tenant(&id.to_string())?;
        let (store, _) = desk.store()?;
        for range in store.list_numbers(&scope)? {
            table.row([names.of(id), written(&range), target(&range)]);
            let mut value = value(&range);
            if let Some(object) = value.as_object_mut() {
                object.insert("tenant".to_owned(), names.of(id).into());
            }
            values.push(value);
        }
    }
    desk.print(
        &values.into(),
        &table.text("No number yet; carillon number set gives one to a tenant."),
    )
}

fn delete(desk: &mut Desk, tenant: &str, first: u64, last: u64) -> Result<()> {
    let (_, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    store
        .delete_number(&scope, first, last)
        .map_err(|e| anyhow!("{e}; carillon number list {tenant} shows all"))?;
    desk.changed();
    let range = NumberRange {
        last,
        ..NumberRange::one(first, "")
    };
    desk.print(
        &json!({"first": format!("+{first}"), "last": format!("+{last}")}),
        &format!("{} is not the tenant's any more.\n", written(&range)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_people_write_it_and_never_guessed() {
        assert_eq!(digits("+49 (30) 123-45").unwrap(), 493_012_345);
        for wrong in [
            "",
            "+",
            "030 12345",
            "493012345",
            "+49x",
            "++49301234",
            "+1234567890123456",
        ] {
            assert!(digits(wrong).is_err(), "{wrong}");
        }
    }
}
