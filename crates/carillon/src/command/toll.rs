//! `carillon toll`: what calls to the outside may be, and what is used of their limits.

use super::{Desk, input, rate};
use crate::arguments::Toll;
use crate::control::Request;
use crate::control::client::Client;
use crate::output::Table;
use anyhow::{Context, Result, anyhow, bail};
use model::{DestinationClass, TollPolicy, TollScope, TollUse};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use tenancy::Scope;

/// Octets of a file.
const LARGEST: u64 = 1_048_576;
/// Prefixes of a list, and users or trunks with something of their own.
const MOST: usize = 10_000;

/// Runs one of the toll commands.
pub(super) fn run(desk: &mut Desk, command: &Toll) -> Result<()> {
    match command {
        Toll::Show { tenant } => {
            let (row, _) = desk.tenant(tenant)?;
            let value = serde_json::to_value(&row.policy.toll).context("cannot print the limits")?;
            desk.print(&value, &format!("{value:#}\n"))
        }
        Toll::Set {
            tenant,
            changes,
            file,
        } => set(desk, tenant, changes, file.as_deref()),
        Toll::Used { tenant } => used(desk, tenant),
        Toll::Lift {
            tenant,
            user,
            trunk,
            class,
            time,
        } => lift(
            desk,
            tenant,
            [user.as_deref(), trunk.as_deref(), class.as_deref()],
            time,
        ),
    }
}

fn read(file: &Path) -> Result<TollPolicy> {
    serde_json::from_slice(&input::octets(file, LARGEST)?).map_err(|e| {
        anyhow!(
            "{} has no limits: {e}; carillon toll show prints how they look",
            file.display()
        )
    })
}

/// What people call users and trunks, and their ids.
#[derive(Debug, Default)]
struct Known {
    users: BTreeMap<String, u64>,
    trunks: BTreeMap<String, u64>,
}

impl Known {
    fn read(desk: &mut Desk, scope: &Scope) -> Result<Known> {
        let (store, _) = desk.store()?;
        let users = store.list_users(scope)?.into_iter();
        let trunks = store.list_trunks(scope)?.into_iter();
        Ok(Known {
            users: users
                .map(|user| (user.extension.to_string(), user.id.0))
                .collect(),
            trunks: trunks
                .map(|row| (row.name.to_ascii_lowercase(), row.id.0))
                .collect(),
        })
    }

    /// A scope as people call it.
    fn name(&self, scope: TollScope) -> String {
        let name = |names: &BTreeMap<String, u64>, id: u64| {
            let found = names.iter().find(|(_, known)| **known == id);
            found.map_or_else(|| format!("({id}, deleted)"), |(name, _)| name.clone())
        };
        match scope {
            TollScope::User(user) => format!("user {}", name(&self.users, user.0)),
            TollScope::Trunk(trunk) => format!("trunk {}", name(&self.trunks, trunk.0)),
            other => other.to_string(),
        }
    }
}

fn set(desk: &mut Desk, tenant: &str, changes: &[String], file: Option<&Path>) -> Result<()> {
    let from_file = file.map(read).transpose()?;
    let (row, scope) = desk.tenant(tenant)?;
    let known = Known::read(desk, &scope)?;
    let mut policy = row.policy;
    let toll = changed(&from_file.unwrap_or(policy.toll), changes, &known)?;
    check(&toll, &known)?;
    policy.toll = toll;
    let (store, _) = desk.store()?;
    store.set_policy(&scope, &policy)?;
    desk.changed();
    let value = serde_json::to_value(&policy.toll).context("cannot print the limits")?;
    desk.print(
        &value,
        &format!(
            "The limits of {} are changed. carillon toll show prints them.\n",
            row.name
        ),
    )
}

/// The limits with `KEY=VALUE`s applied. Keys go down by points; users go by their extension, trunks by their name.
fn changed(old: &TollPolicy, changes: &[String], known: &Known) -> Result<TollPolicy> {
    let mut whole = serde_json::to_value(old).context("cannot change the limits")?;
    for change in changes {
        let (key, text) = change.split_once('=').ok_or_else(|| {
            anyhow!("{change:?} has no value; write KEY=VALUE, such as by_day.user.calls_per_min=6")
        })?;
        let path = path(key, known)?;
        let (last, above) = path
            .split_last()
            .ok_or_else(|| anyhow!("{change:?} has no key"))?;
        let mut place = &mut whole;
        for step in above {
            let object = place
                .as_object_mut()
                .ok_or_else(|| anyhow!("{key}: {step} is no part of anything"))?;
            place = object
                .entry(step.clone())
                .or_insert_with(|| Value::Object(Map::new()));
        }
        let object = place
            .as_object_mut()
            .ok_or_else(|| anyhow!("{key}: {last} is no part of anything"))?;
        if object.get(last).is_some_and(Value::is_object) {
            bail!("{key} has parts; carillon toll show prints them, write one as {key}.PART=VALUE");
        }
        object.insert(last.clone(), leaf(last, text)?);
    }
    serde_json::from_value(whole).map_err(|e| anyhow!("the limits can't be so: {e}"))
}

/// The steps of a key, with ids in place of names.
fn path(key: &str, known: &Known) -> Result<Vec<String>> {
    let (names, what, rest) = match key.split_once('.') {
        Some(("users", rest)) => (&known.users, "user", rest),
        Some(("trunks", rest)) => (&known.trunks, "trunk", rest),
        _ => return Ok(key.split('.').map(str::to_owned).collect()),
    };
    // A name may have points in it; what follows it begins with one of these.
    let found = [".limits.", ".classes"].iter().find_map(|part| rest.find(part));
    let (name, below) = found
        .and_then(|place| rest.split_at_checked(place))
        .ok_or_else(|| {
            anyhow!("{key}: a {what} has classes and limits, such as {what}s.NAME.limits.calls_per_min")
        })?;
    let lower = name.to_ascii_lowercase();
    let id = names
        .get(name)
        .or_else(|| names.get(&lower))
        .ok_or_else(|| anyhow!("there is no {what} {name}"))?;
    let head = [format!("{what}s"), id.to_string()].into_iter();
    Ok(head
        .chain(below.trim_start_matches('.').split('.').map(str::to_owned))
        .collect())
}

fn leaf(key: &str, text: &str) -> Result<Value> {
    let list = |between: char| -> Value {
        let items = text.split(between).map(str::trim).filter(|item| !item.is_empty());
        items.map(str::to_owned).collect()
    };
    Ok(match key {
        _ if text == "none" => Value::Null,
        "classes" | "night_classes" | "countries" | "barred" => list(','),
        // Hours have commas of their own.
        "night_hours" => list(';'),
        "currency" => rate::read_currency(text)?.to_string().into(),
        _ if key.starts_with("spend_") => text.into(),
        _ => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
    })
}

/// What a type can't say.
fn check(toll: &TollPolicy, known: &Known) -> Result<()> {
    if !(1..=100).contains(&toll.warn_percent) {
        bail!("warn_percent lies between 1 and 100");
    }
    if toll
        .utc_offset_min
        .is_some_and(|offset| !(-840..=840).contains(&offset))
    {
        bail!("utc_offset_min lies between -840 and 840: minutes that the tenant's clock is ahead of UTC");
    }
    let sizes = [
        toll.countries.len(),
        toll.barred.len(),
        toll.users.len(),
        toll.trunks.len(),
        toll.night_hours.len() * 100,
    ];
    if sizes.iter().any(|size| *size > MOST) {
        bail!("limits have at most {MOST} prefixes, users and trunks each, and 100 bands of hours");
    }
    let is_user = |id: u64| known.users.values().any(|known| *known == id);
    if let Some((user, _)) = toll.users.iter().find(|(user, _)| !is_user(user.0)) {
        bail!("there is no user with id {user}; carillon user list shows ids with --json");
    }
    let is_trunk = |id: u64| known.trunks.values().any(|known| *known == id);
    if let Some((trunk, _)) = toll.trunks.iter().find(|(trunk, _)| !is_trunk(trunk.0)) {
        bail!("there is no trunk with id {trunk}; carillon trunk show tells ids");
    }
    let all = [&toll.by_day, &toll.by_night].into_iter().flat_map(|profile| {
        [&profile.tenant, &profile.user, &profile.trunk]
            .into_iter()
            .chain(profile.classes.values())
            .copied()
    });
    for limits in all {
        let spends = [
            limits.spend_per_hour,
            limits.spend_per_day,
            limits.spend_per_month,
        ];
        if spends.iter().flatten().any(|spend| spend.is_negative()) {
            bail!("a limit on money is not below zero");
        }
    }
    Ok(())
}

fn ask(desk: &Desk, request: &Request) -> Result<Vec<TollUse>> {
    Client::connect(&desk.data_dir)?.items(request)
}

fn used(desk: &mut Desk, tenant: &str) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let request = Request::Toll {
        tenant: row.id,
        lift: None,
    };
    let uses = ask(desk, &request)?;
    let known = Known::read(desk, &scope)?;
    let mut table = Table::new(&["WHOSE", "LIMIT", "USED", "OF", "LIFTED FOR"]);
    let mut values = Vec::new();
    for used in &uses {
        let lifted = used.lifted_ms.map(|ms| format!("{} s", ms / 1_000));
        table.row([
            known.name(used.scope),
            used.limit.name().to_owned(),
            used.used.to_string(),
            used.most.to_string(),
            lifted.unwrap_or_default(),
        ]);
        let mut value = serde_json::to_value(used).context("cannot print the limits")?;
        if let Some(object) = value.as_object_mut() {
            object.insert("whose".to_owned(), known.name(used.scope).into());
        }
        values.push(value);
    }
    desk.print(&values.into(), &table.text("The tenant has no limit at all."))
}

fn lift(desk: &mut Desk, tenant: &str, whose: [Option<&str>; 3], time: &str) -> Result<()> {
    let seconds = super::cdr::age(time).and_then(|seconds| u64::try_from(seconds).ok());
    let seconds = seconds
        .filter(|seconds| (1..=86_400).contains(seconds))
        .ok_or_else(|| anyhow!("{time:?} is no time up to a day; write 90s, 30m or 2h"))?;
    let (row, scope) = desk.tenant(tenant)?;
    let known = Known::read(desk, &scope)?;
    let of = |names: &BTreeMap<String, u64>, name: &str, what: &str| {
        let id = names
            .get(name)
            .or_else(|| names.get(&name.to_ascii_lowercase()))
            .copied();
        id.ok_or_else(|| anyhow!("there is no {what} {name}"))
    };
    let whose = match whose {
        [Some(user), ..] => TollScope::User(model::UserId(of(&known.users, user, "user")?)),
        [_, Some(trunk), _] => TollScope::Trunk(model::TrunkId(of(&known.trunks, trunk, "trunk")?)),
        [.., Some(class)] => {
            let found = DestinationClass::ALL
                .into_iter()
                .find(|known| known.name() == class);
            let all = || DestinationClass::ALL.map(DestinationClass::name).join(", ");
            TollScope::Class(
                found.ok_or_else(|| anyhow!("there is no kind of numbers {class:?}; there are {}", all()))?,
            )
        }
        _ => TollScope::Tenant,
    };
    let request = Request::Toll {
        tenant: row.id,
        lift: Some((whose, seconds)),
    };
    ask(desk, &request)?;
    let name = known.name(whose);
    desk.print(
        &json!({"whose": name, "scope": whose, "seconds": seconds}),
        &format!(
            "The limits of {name} don't count for {seconds} s; those of others do, and numbers that are not allowed stay so.\n"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Money, UserId};

    fn apply(text: &str) -> Result<TollPolicy> {
        let known = Known {
            users: BTreeMap::from([("101".to_owned(), 7)]),
            trunks: BTreeMap::from([("my.trunk".to_owned(), 3)]),
        };
        let changes: Vec<String> = text.split('|').map(str::to_owned).collect();
        let toll = changed(&TollPolicy::default(), &changes, &known)?;
        check(&toll, &known).map(|()| toll)
    }

    #[test]
    fn limits_are_changed_one_by_one_and_the_rest_stays() {
        let toll = apply(
            "by_day.user.calls_per_min=6|by_day.user.spend_per_day=none|users.101.limits.spend_per_hour=1.50|currency=eur",
        )
        .unwrap();
        let usual = TollPolicy::default();
        assert_eq!(toll.by_day.user.calls_per_min, Some(6));
        assert_eq!(toll.by_day.user.spend_per_day, None);
        assert_eq!(toll.by_day.user.spend_per_hour, usual.by_day.user.spend_per_hour);
        assert_eq!(toll.by_night, usual.by_night);
        let own = toll.users.get(&UserId(7)).unwrap();
        assert_eq!(own.limits.spend_per_hour, Some("1.50".parse::<Money>().ok()));
        assert_eq!(own.limits.calls_per_min, None, "as it is for others");
        assert_eq!(toll.currency.unwrap().to_string(), "EUR");
        let toll =
            apply("classes=national,mobile|night_hours=mon-fri 18:00-08:00;sat,sun|countries=43,41").unwrap();
        assert_eq!((toll.classes.len(), toll.night_hours.len()), (2, 2));
        assert_eq!(toll.countries.len(), 2);
        let toll = apply("trunks.My.Trunk.classes=national|by_night.classes.premium.concurrent=0").unwrap();
        assert_eq!(toll.trunks.len(), 1);
        let premium = toll.by_night.classes.get(&DestinationClass::Premium).unwrap();
        assert_eq!(premium.concurrent, Some(0));
        assert!(premium.calls_per_min.is_some(), "another limit of it is not lost");
    }

    #[test]
    fn what_can_not_be_a_limit_is_refused() {
        for (change, part) in [
            ("by_day", "KEY=VALUE"),
            ("by_day=1", "has parts"),
            ("by_day.usr.calls_per_min=1", "usr"),
            ("by_day.user.calls=1", "calls"),
            ("by_day.user.calls_per_min=many", "can't be so"),
            ("by_day.user.calls_per_min=-1", "can't be so"),
            ("by_day.user.calls_per_min.x=1", "no part"),
            ("by_day.user.spend_per_day=-1", "below zero"),
            ("classes=domestic", "domestic"),
            ("barred=+49x", "prefix"),
            ("currency=euro", "euro"),
            ("utc_offset_min=900", "840"),
            ("warn_percent=0", "between 1 and 100"),
            ("users.102.limits.concurrent=1", "no user 102"),
            ("users.101=1", "classes and limits"),
            ("=1", "can't be so"),
        ] {
            let message = apply(change).unwrap_err().to_string();
            assert!(message.contains(part), "{change}: {message}");
        }
    }
}
