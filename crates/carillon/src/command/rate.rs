//! `carillon rate`: price lists.

use super::{Desk, input};
use crate::arguments::Rate;
use crate::output::{instant, printable, seconds};
use anyhow::{Result, anyhow, bail};
use jiff::Timestamp;
use model::{Currency, DestinationClass, Now, Policy, RateDraft, RateRow, TenantConfig, Wall};
use number::{Country, E164, Plan};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tenancy::{Meter, Origin, RateFile, RateTable, Request, Verdict};

/// Octets of a file: the largest lists of carriers have some 300,000 rows.
const LARGEST: u64 = 268_435_456;
/// Lengths of calls that are reckoned, seconds.
const EXAMPLES_S: [u64; 3] = [30, 180, 600];

/// Runs one of the rate commands.
pub(super) fn run(desk: &mut Desk, command: &Rate) -> Result<()> {
    match command {
        Rate::Import {
            tenant,
            file,
            currency,
            places,
            utc_offset_min,
            trunk,
        } => {
            let currency = currency.as_deref().map(read_currency).transpose()?;
            let how = RateFile {
                currency,
                places: *places,
                utc_offset_min: *utc_offset_min,
            };
            import(desk, (tenant, trunk.as_deref()), file, how)
        }
        Rate::Show {
            tenant,
            number,
            trunk,
        } => match number {
            None => summary(desk, (tenant, trunk.as_deref())),
            Some(number) => show(desk, (tenant, trunk.as_deref()), number),
        },
        Rate::Delete { tenant, trunk } => {
            let (row, scope) = desk.tenant(tenant)?;
            let (store, _) = desk.store()?;
            store.delete_rates(&scope, trunk.as_deref())?;
            desk.changed();
            let text = match trunk {
                None => format!(
                    "{} has no price list any more: calls cost nothing, and limits on money never hold.\n",
                    row.name
                ),
                Some(trunk) => format!("Nobody knows any more what calls by trunk {trunk} cost.\n"),
            };
            desk.print(&json!({"tenant": row.name, "trunk": trunk}), &text)
        }
    }
}

/// A currency as people write it.
pub(super) fn read_currency(text: &str) -> Result<Currency> {
    let currency = text.to_ascii_uppercase().parse();
    currency.map_err(|error| anyhow!("{text:?}: {error}"))
}

fn now() -> Wall {
    Wall(u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0))
}

/// Whose list it is: the tenant's own, or that of a trunk's carrier.
type Whose<'a> = (&'a str, Option<&'a str>);

fn import(desk: &mut Desk, (tenant, trunk): Whose<'_>, file: &Path, how: RateFile) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let content = input::octets(file, LARGEST)?;
    let table = how
        .read(&content)
        .map_err(|error| anyhow!("{}: {error}", file.display()))?;
    if table.is_empty() {
        bail!("{} has no row", file.display());
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let source: String = printable(&name).chars().take(128).collect();
    let (store, _) = desk.store()?;
    store.set_rates(&scope, trunk, &table, &source, now())?;
    desk.changed();
    let value = json!({"tenant": row.name, "trunk": trunk, "currency": table.currency(), "rows": table.len(), "source": source});
    let text = format!(
        "{} has a price list of {} rows in {}.\n",
        owner(&row.name, trunk),
        table.len(),
        table.currency()
    );
    desk.print(&value, &text)
}

fn owner(tenant: &str, trunk: Option<&str>) -> String {
    match trunk {
        Some(trunk) => format!("Trunk {trunk} of {tenant}"),
        None => tenant.to_owned(),
    }
}

fn summary(desk: &mut Desk, (tenant, trunk): Whose<'_>) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let Some(rates) = store.rates(&scope, trunk)? else {
        let what = match trunk {
            Some(_) => "nobody knows what calls by it cost, and least_cost puts it last",
            None => "calls cost nothing, and limits on money never hold",
        };
        let text = format!(
            "{} has no price list: {what}. carillon rate import gives it one.\n",
            owner(&row.name, trunk)
        );
        return desk.print(&Value::Null, &text);
    };
    let value = json!({
        "tenant": row.name,
        "trunk": trunk,
        "currency": rates.currency,
        "rows": rates.rows,
        "source": rates.source,
        "set": instant(rates.set),
    });
    let text = format!(
        "{} rows in {}, from {}, since {}\n",
        rates.rows,
        rates.currency,
        printable(&rates.source),
        seconds(rates.set)
    );
    desk.print(&value, &text)
}

/// The numbering plan of a tenant: what its people dial is read by it.
fn plan(policy: &Policy) -> Result<Plan> {
    let home = policy.home();
    let home = Country::parse(&home).ok_or_else(|| {
        anyhow!("nobody knows the country {home:?}; carillon tenant set TENANT region=… names it")
    })?;
    let filled = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
    let (area, outside) = (filled(&policy.area), filled(&policy.outside));
    Plan::new(home, area.as_deref(), outside.as_deref()).map_err(|fault| anyhow!("{fault}"))
}

/// What is to be said of a call to a number.
struct Quote<'a> {
    number: E164,
    class: DestinationClass,
    row: Option<&'a RateRow>,
    table: Option<&'a RateTable>,
    /// Why the tenant as a whole may not make it; users and trunks may have rules of their own.
    refused: Option<String>,
}

fn show(desk: &mut Desk, (tenant, trunk): Whose<'_>, dialled: &str) -> Result<()> {
    let (_, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let config = store.load_even_disabled(&scope)?;
    let at = now();
    let own = table_of(config.rates())?;
    let table = match trunk {
        None => own.clone(),
        Some(name) => {
            let trunk = config.trunk_named(name);
            let trunk = trunk.ok_or_else(|| anyhow!("there is no trunk {name}"))?;
            table_of(config.costs().get(&trunk.id))?
        }
    };
    let plan = plan(config.policy())?;
    let number = plan
        .read(dialled)
        .ok_or_else(|| anyhow!("{dialled:?} is no number of the public network, as this tenant dials"))?;
    let class = number::class(number, &plan);
    let prefix = model::Prefix::of_number(&number.to_string());
    let quote = Quote {
        number,
        class,
        row: table
            .as_deref()
            .zip(prefix)
            .and_then(|(table, prefix)| table.row(prefix, at)),
        table: table.as_deref(),
        refused: refused(&config, &own, number, class, at),
    };
    desk.print(&quote.value(at), &quote.text(at))
}

fn table_of(list: Option<&Arc<RateDraft>>) -> Result<Option<Arc<RateTable>>> {
    let table = list.map(|list| RateTable::of(list.clone())).transpose()?;
    Ok(table.map(Arc::new))
}

/// What the tenant's limits say, where nothing of them is used.
fn refused(
    config: &TenantConfig,
    table: &Option<Arc<RateTable>>,
    number: E164,
    class: DestinationClass,
    at: Wall,
) -> Option<String> {
    let mut meter = match Meter::new(config.policy().toll.clone(), table.clone()) {
        Ok(meter) => meter,
        Err(error) => return Some(error.to_string()),
    };
    let number = number.to_string();
    let request = Request {
        origin: Origin::Flow,
        trunk: None,
        number: &number,
        class,
    };
    let now = Now {
        mono: Duration::ZERO,
        wall: at,
    };
    match meter.ask(&request, now) {
        Verdict::Allow { .. } => None,
        Verdict::Refuse(reason) => Some(reason.to_string()),
    }
}

impl Quote<'_> {
    fn cost(&self, talk_s: u64, at: Wall) -> Option<String> {
        let talk = Duration::from_secs(talk_s);
        let charge = self.table?.charge(&self.number.to_string(), Some(at), talk)?;
        Some(charge.amount.to_string())
    }

    fn value(&self, at: Wall) -> Value {
        let costs: serde_json::Map<String, Value> = EXAMPLES_S
            .iter()
            .map(|talk_s| (talk_s.to_string(), self.cost(*talk_s, at).into()))
            .collect();
        json!({
            "number": self.number.to_string(),
            "class": self.class,
            "allowed": self.refused.is_none(),
            "reason": self.refused,
            "currency": self.table.map(RateTable::currency),
            "row": self.row,
            "cost_by_seconds": costs,
        })
    }

    fn text(&self, at: Wall) -> String {
        let mut text = format!("{}: {}\n", self.number, self.class);
        match (self.table, self.row) {
            (None, _) => text.push_str("there is no price list: what it costs nobody knows\n"),
            (Some(_), None) => text.push_str("the price list has no row for it\n"),
            (Some(table), Some(row)) => {
                let currency = table.currency();
                text.push_str(&format!(
                    "row {} {}: {} {currency} per minute, {} once, charged by {}/{} s\n",
                    row.prefix,
                    printable(&row.name),
                    row.price,
                    row.fee,
                    row.first_s,
                    row.next_s,
                ));
                for talk_s in EXAMPLES_S {
                    let cost = self.cost(talk_s, at).unwrap_or_default();
                    text.push_str(&format!("{talk_s:>4} s cost {cost} {currency}\n"));
                }
            }
        }
        match &self.refused {
            None => text.push_str("allowed\n"),
            Some(reason) => text.push_str(&format!("NOT ALLOWED: {reason}\n")),
        }
        text
    }
}
