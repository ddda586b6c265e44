//! `carillon tenant`.

use super::{Desk, help};
use crate::arguments::Tenant;
use crate::output::{Table, printable};
use anyhow::{Context, Result, bail};
use audio::tone::Country;
use model::Policy;
use prompts::Language;
use serde_json::{Value, json};
use store::{SoundKind, TenantRow};

/// Runs one of the tenant commands.
pub(super) fn run(desk: &mut Desk, command: &Tenant) -> Result<()> {
    match command {
        Tenant::Add { name, domains } => add(desk, name, domains),
        Tenant::List => list(desk),
        Tenant::Show { tenant } => show(desk, tenant),
        Tenant::Delete { tenant, yes } => delete(desk, tenant, *yes),
        Tenant::Set {
            tenant,
            changes,
            enable,
            disable,
        } => {
            let switch = (*enable || *disable).then_some(*enable);
            set(desk, tenant, changes, switch)
        }
    }
}

fn value(row: &TenantRow) -> Result<Value> {
    serde_json::to_value(row).context("cannot print the tenant")
}

fn add(desk: &mut Desk, name: &str, domains: &[String]) -> Result<()> {
    let domains: Vec<&str> = domains.iter().map(String::as_str).collect();
    let (store, operator) = desk.store()?;
    store.add_tenant(operator, name, &domains)?;
    let row = store.find_tenant(operator, name)?;
    desk.changed();
    let text = format!(
        "Tenant {} is there, domains {}.\n",
        row.name,
        row.domains.join(", ")
    );
    desk.print(&value(&row)?, &text)
}

fn list(desk: &mut Desk) -> Result<()> {
    let (store, operator) = desk.store()?;
    let rows = store.list_tenants(operator)?;
    let mut table = Table::new(&["ID", "NAME", "ENABLED", "DOMAINS", "USERS", "DEVICES", "HELP"]);
    let mut values = Vec::new();
    for row in &rows {
        let help = help::of(desk, &row.id.to_string())?;
        let mut shown = value(row)?;
        help::add(&mut shown, &help);
        values.push(shown);
        table.row([
            row.id.to_string(),
            row.name.clone(),
            row.enabled.to_string(),
            row.domains.join(" "),
            row.users.to_string(),
            row.devices.to_string(),
            match help.path {
                "none" => "NO PATH".to_owned(),
                path => path.to_owned(),
            },
        ]);
    }
    desk.print(
        &values.into(),
        &table.text("No tenant yet; carillon tenant add makes one."),
    )
}

fn show(desk: &mut Desk, tenant: &str) -> Result<()> {
    let (row, _) = desk.tenant(tenant)?;
    let help = help::of(desk, tenant)?;
    let mut shown = value(&row)?;
    help::add(&mut shown, &help);
    let mut text = format!(
        "{} (id {}, {}, version {})\ndomains  {}\nusers    {}\ndevices  {}\npolicy\n",
        printable(&row.name),
        row.id,
        if row.enabled { "enabled" } else { "disabled" },
        row.version,
        row.domains.join(" "),
        row.users,
        row.devices,
    );
    let policy = shown.get("policy").and_then(Value::as_object);
    // These are long, and have commands that show them.
    let own = ["toll", "flows", "routes", "locations"];
    let keys = policy.into_iter().flatten();
    for (key, value) in keys.filter(|(key, _)| !own.contains(&key.as_str())) {
        text.push_str(&format!("  {key} = {value}\n"));
    }
    text.push_str(&help.line());
    desk.print(&shown, &text)
}

fn delete(desk: &mut Desk, tenant: &str, yes: bool) -> Result<()> {
    let (row, _) = desk.tenant(tenant)?;
    if !yes {
        bail!(
            "this deletes {} with {} users, {} devices, all call records and recordings; add --yes to do it",
            row.name,
            row.users,
            row.devices
        );
    }
    let (store, operator) = desk.store()?;
    store.delete_tenant(operator, row.id)?;
    desk.changed();
    super::recording::delete_all(desk, row.id)?;
    desk.print(
        &json!({"id": row.id, "name": row.name}),
        &format!("Tenant {} is deleted.\n", row.name),
    )
}

fn set(desk: &mut Desk, tenant: &str, changes: &[String], switch: Option<bool>) -> Result<()> {
    if changes.is_empty() && switch.is_none() {
        bail!("nothing to set; give KEY=VALUE, --enable or --disable");
    }
    let (row, scope) = desk.tenant(tenant)?;
    let mut policy = changed(&row.policy, changes)?;
    let (store, operator) = desk.store()?;
    if policy.caller_number != row.policy.caller_number && !policy.caller_number.is_empty() {
        policy.caller_number = super::number::of_tenant(&store.list_numbers(&scope)?, &policy.caller_number)?;
    }
    if policy.emergency_notify != row.policy.emergency_notify {
        let users = store.list_users(&scope)?;
        let is_there = |known: &String| users.iter().any(|user| *user.extension == **known);
        if let Some(unknown) = policy.emergency_notify.iter().find(|known| !is_there(known)) {
            bail!("there is no extension {unknown} that could be told of calls for help");
        }
    }
    if policy.hold_music != row.policy.hold_music {
        let own = store.sounds(&scope, SoundKind::Music)?;
        super::music::check_hold_music(&policy.hold_music, &own)?;
    }
    let announcements = [
        (&policy.hold_announcement, &row.policy.hold_announcement),
        (&policy.record_announcement, &row.policy.record_announcement),
    ];
    for (wanted, _) in announcements.into_iter().filter(|(wanted, was)| wanted != was) {
        super::prompt::check(wanted, &store.sounds(&scope, SoundKind::Prompt)?)?;
    }
    if policy != row.policy {
        store.set_policy(&scope, &policy)?;
    }
    if let Some(enabled) = switch {
        store.set_tenant_enabled(operator, row.id, enabled)?;
    }
    desk.changed();
    let (row, _) = desk.tenant(&row.id.to_string())?;
    desk.print(&value(&row)?, &format!("Tenant {} is changed.\n", row.name))
}

/// The policy with `KEY=VALUE`s applied.
fn changed(policy: &Policy, changes: &[String]) -> Result<Policy> {
    // It is not there to be seen while it is the usual one.
    if changes.iter().any(|change| change.starts_with("toll=")) {
        bail!("toll is not set so: it has commands of its own, see carillon toll --help");
    }
    let new: Policy = super::change::apply("policy", policy, changes)?;
    // What was stored before anybody looked at it keeps nobody from changing something else.
    let languages = Language::ALL.map(Language::code);
    if new.language != policy.language && !languages.contains(&new.language.as_str()) {
        let known = languages.join(", ");
        bail!("nobody knows the language {:?}; there are {known}", new.language);
    }
    if new.country != policy.country && Country::from_code(&new.country).is_none() {
        let known = Country::ALL.map(Country::code).join(", ");
        bail!("nobody knows the tones of {:?}; there are {known}", new.country);
    }
    let old = policy.region.as_str();
    let countries = new.regions.iter().chain([&new.region]);
    for code in countries.filter(|code| !code.is_empty() && *code != old && !policy.regions.contains(code)) {
        if number::Country::parse(&code.to_ascii_uppercase()).is_none() {
            bail!("there is no country {code:?}; write two letters (ISO 3166-1), such as de");
        }
    }
    let plan_changed = (&new.region, &new.country, &new.area, &new.outside)
        != (&policy.region, &policy.country, &policy.area, &policy.outside);
    if plan_changed && let Some(home) = number::Country::parse(&new.home()) {
        let filled = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
        let (area, outside) = (filled(&new.area), filled(&new.outside));
        number::Plan::new(home, area.as_deref(), outside.as_deref())
            .map_err(|fault| anyhow::anyhow!("area and outside: {fault}"))?;
    }
    let gone = !new.emergency_location.is_empty() && !new.locations.contains_key(&new.emergency_location);
    if gone && new.emergency_location != policy.emergency_location {
        let known: Vec<&str> = new.locations.keys().map(String::as_str).collect();
        bail!(
            "there is no location {:?}; there are {}",
            new.emergency_location,
            known.join(", ")
        );
    }
    check(new)
}

/// What a type can't say.
fn check(policy: Policy) -> Result<Policy> {
    if policy.min_expires_s > policy.max_expires_s {
        bail!("min_expires_s must not be above max_expires_s");
    }
    if !(policy.min_expires_s..=policy.max_expires_s).contains(&policy.default_expires_s) {
        bail!("default_expires_s must lie between min_expires_s and max_expires_s");
    }
    if policy.emergency_callback_min > 1_440 {
        bail!("emergency_callback_min must be at most 1440, a day");
    }
    if policy.emergency_notify.len() > Policy::MOST_NOTIFIED {
        bail!(
            "emergency_notify has at most {} extensions",
            Policy::MOST_NOTIFIED
        );
    }
    if policy.min_se_s < 90 {
        bail!("min_se_s must be at least 90");
    }
    if (1..policy.min_se_s).contains(&policy.session_expires_s) {
        bail!("session_expires_s must be 0, which is off, or at least min_se_s");
    }
    for (name, value) in [
        ("ring_timeout_s", policy.ring_timeout_s),
        ("max_bindings", policy.max_bindings.into()),
        ("max_call_s", policy.max_call_s),
    ] {
        if value == 0 {
            bail!("{name} must be at least 1");
        }
    }
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(text: &str) -> Result<Policy> {
        let changes: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        changed(&Policy::default(), &changes)
    }

    #[test]
    fn a_policy_takes_values_of_every_kind() {
        let policy = apply("media=direct ring_timeout_s=30 codecs=PCMU,pcma").unwrap();
        assert_eq!(policy.media, model::MediaPolicy::Direct);
        assert_eq!(policy.ring_timeout_s, 30);
        assert_eq!(policy.codecs, ["pcmu", "pcma"]);
        assert!(apply("codecs=").unwrap().codecs.is_empty());
        assert_eq!(apply("session_expires_s=0").unwrap().session_expires_s, 0);
        assert_eq!(apply("language=pl country=uk").unwrap().country, "uk");
        let before = Policy {
            language: "tlh".to_owned(),
            ..Policy::default()
        };
        assert_eq!(
            changed(&before, &["transcode=false".to_owned()])
                .unwrap()
                .language,
            "tlh"
        );
    }

    #[test]
    fn a_wrong_change_says_what_is_right() {
        for (change, part) in [
            ("ring=3", "ring_timeout_s"),
            ("media", "KEY=VALUE"),
            ("media=sideways", "relay"),
            ("ring_timeout_s=soon", "wrong kind"),
            ("ring_timeout_s=0", "at least 1"),
            ("min_expires_s=9000", "max_expires_s"),
            ("min_se_s=30", "at least 90"),
            ("session_expires_s=60", "at least min_se_s"),
            ("language=xx", "there are en, de, fr, es, pl"),
            ("language=de-AT", "there are en"),
            ("toll=1", "commands of its own"),
            ("routes=main", "commands of its own"),
            ("flows=", "commands of its own"),
            ("region=xx", "no country"),
            ("regions=de,zz", "no country"),
            ("area=x", "area and outside"),
            ("locations=x", "location"),
            ("emergency_location=hall", "no location"),
            ("emergency_callback_min=1441", "a day"),
            ("country=fantasia", "there are de, es, fr, pl, uk, us"),
        ] {
            let message = apply(change).unwrap_err().to_string();
            assert!(message.contains(part), "{change}: {message}");
        }
    }
}
