//! `carillon cdr`.

use super::recording::printed;
use super::{Desk, audio};
use crate::arguments::Cdr as Options;
use crate::output::{Table, instant, seconds};
use anyhow::{Result, bail};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::{CallerCheck, Cdr, Charge, DestinationClass, Party, Verstat, Wall};
use serde_json::{Value, json};
use store::CdrFilter;

/// Runs `carillon cdr`.
pub(super) fn run(desk: &mut Desk, options: &Options) -> Result<()> {
    let filter = CdrFilter {
        limit: options.limit,
        since: options
            .since
            .as_deref()
            .map(|text| since(text, Timestamp::now()))
            .transpose()?,
        until: None,
        extension: options.extension.clone(),
    };
    let mut records = Vec::new();
    for name in tenants(desk, options.tenant.as_deref())? {
        let (row, scope) = desk.tenant(&name)?;
        let (store, _) = desk.store()?;
        let found = store.cdrs(&scope, &filter)?;
        records.extend(found.into_iter().map(|cdr| (row.name.clone(), cdr)));
    }
    records.sort_by_key(|(_, cdr)| std::cmp::Reverse((cdr.start, cdr.id)));
    records.truncate(usize::try_from(options.limit).unwrap_or(usize::MAX));
    let mut table = Table::new(&[
        "START", "TENANT", "FROM", "TO", "TRUNK", "KIND", "TALK", "COST", "RESULT", "ENDED BY", "MOS",
        "AUDIO", "CALLER",
    ]);
    for (tenant, cdr) in &records {
        table.row(line(tenant, cdr));
    }
    let values: Vec<Value> = records.iter().map(|(tenant, cdr)| value(tenant, cdr)).collect();
    desk.print(&values.into(), &table.text("No call record."))
}

/// Ids of the tenants to look at.
fn tenants(desk: &mut Desk, chosen: Option<&str>) -> Result<Vec<String>> {
    if let Some(tenant) = chosen {
        return Ok(vec![tenant.to_owned()]);
    }
    let (store, operator) = desk.store()?;
    Ok(store
        .list_tenants(operator)?
        .into_iter()
        .map(|row| row.id.to_string())
        .collect())
}

fn line(tenant: &str, cdr: &Cdr) -> [String; 13] {
    let talk = match cdr.answer {
        Some(_) => format!("{}:{:02}", cdr.talk_ms / 60_000, cdr.talk_ms / 1_000 % 60),
        None => "-".to_owned(),
    };
    [
        seconds(cdr.start),
        tenant.to_owned(),
        cdr.caller.number.clone(),
        cdr.callee.number.clone(),
        trunks(cdr),
        cdr.class.map(kind).unwrap_or_default().to_owned(),
        talk,
        cdr.charge.as_ref().map(cost).unwrap_or_default(),
        format!("{} / Q.850 {}", cdr.cause.sip, cdr.cause.q850),
        word(&cdr.ended_by),
        audio::opinions(cdr.caller_media.as_ref(), cdr.callee_media.as_ref()),
        audio::troubles(&cdr.audio),
        cdr.stir.as_ref().map(vouched).unwrap_or_default(),
    ]
}

/// Who vouches for the caller, in few letters.
fn vouched(check: &CallerCheck) -> String {
    match (check.verstat, check.attestation, &check.reason) {
        (Verstat::Passed, Some(level), _) => format!("passed {}", level.as_str()),
        (Verstat::Failed, _, Some(reason)) => format!("failed: {reason}"),
        (Verstat::None, _, Some(reason)) => format!("unverified: {reason}"),
        _ => check.parameter(),
    }
}

/// The trunks that the call came or left by.
fn trunks(cdr: &Cdr) -> String {
    let names = [&cdr.caller.trunk, &cdr.callee.trunk].into_iter().flatten();
    names.cloned().collect::<Vec<_>>().join(" ")
}

/// A call for help is to be seen among a thousand others.
fn kind(class: DestinationClass) -> &'static str {
    match class {
        DestinationClass::Emergency => "EMERGENCY",
        other => other.name(),
    }
}

fn cost(charge: &Charge) -> String {
    match charge.currency {
        Some(currency) => format!("{} {currency}", charge.amount),
        None => String::new(),
    }
}

fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn party(party: &Party) -> Value {
    json!({
        "user": party.user,
        "device": party.device,
        "number": party.number,
        "display": party.display,
        "sip_call_id": party.sip_call_id,
        "trunk": party.trunk,
    })
}

fn value(tenant: &str, cdr: &Cdr) -> Value {
    let maybe = |wall: Option<Wall>| wall.map_or(Value::Null, instant);
    let recordings = cdr.recordings.iter().map(|id| printed(id.number));
    let recordings: Vec<String> = recordings.collect();
    let stir = cdr.stir.as_ref();
    json!({
        "id": cdr.id,
        "tenant": tenant,
        "tenant_id": cdr.tenant,
        "config_version": cdr.config_version,
        "caller": party(&cdr.caller),
        "callee": party(&cdr.callee),
        "start": instant(cdr.start),
        "ring": maybe(cdr.ring),
        "answer": maybe(cdr.answer),
        "end": instant(cdr.end),
        "talk_ms": cdr.talk_ms,
        "sip": cdr.cause.sip,
        "q850": cdr.cause.q850,
        "ended_by": cdr.ended_by,
        "path": cdr.path,
        "caller_media": cdr.caller_media,
        "callee_media": cdr.callee_media,
        "streams": cdr.streams,
        "audio": cdr.audio,
        "recordings": recordings,
        "caller_srtp": cdr.caller_srtp,
        "callee_srtp": cdr.callee_srtp,
        "parent": cdr.parent,
        "transferred_by": cdr.transferred_by,
        "transferred_to": cdr.transferred_to,
        "did": cdr.did,
        "class": cdr.class,
        "emergency": cdr.class == Some(DestinationClass::Emergency),
        "charge": cdr.charge,
        "verstat": stir.map(CallerCheck::parameter),
        "attestation": stir.and_then(|check| check.attestation),
        "origid": stir.and_then(|check| check.origid.as_deref()),
        "stir": stir,
    })
}

/// A date or an instant (UTC), or an age.
fn since(text: &str, now: Timestamp) -> Result<Wall> {
    let date = |date: Date| date.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp());
    let instant = text
        .parse()
        .ok()
        .or_else(|| text.parse().ok().and_then(date))
        .or_else(|| {
            age(text).and_then(|seconds| now.checked_sub(jiff::SignedDuration::from_secs(seconds)).ok())
        });
    match instant.map(|t| u64::try_from(t.as_millisecond())) {
        Some(Ok(milliseconds)) => Ok(Wall(milliseconds)),
        _ => bail!(
            "{text:?} is no time; write 2026-01-31, 2026-01-31T09:00:00Z, or an age such as 90m, 24h, 7d"
        ),
    }
}

/// `90s`, `90m`, `24h`, `7d` in seconds.
pub(super) fn age(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u32>().ok().map(|n| i64::from(n) * seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Cause, CdrId, EndedBy, RecordingId, TenantId};

    #[test]
    fn a_record_names_its_recordings_as_the_commands_about_them_do() {
        let cdr = Cdr {
            id: CdrId([1; 16]),
            tenant: TenantId(1),
            config_version: 1,
            caller: Party::default(),
            callee: Party::default(),
            start: Wall(0),
            ring: None,
            answer: None,
            end: Wall(0),
            talk_ms: 0,
            cause: Cause { sip: 200, q850: 16 },
            ended_by: EndedBy::Caller,
            path: Vec::new(),
            caller_media: None,
            callee_media: None,
            audio: Vec::new(),
            streams: Vec::new(),
            caller_srtp: None,
            callee_srtp: None,
            recordings: vec![RecordingId {
                tenant: TenantId(1),
                number: 0xAB,
            }],
            parent: None,
            transferred_by: None,
            transferred_to: None,
            did: None,
            class: None,
            charge: None,
            stir: None,
        };
        let shown = value("acme", &cdr);
        assert_eq!(shown.get("recordings"), Some(&json!(["00000000000000ab"])));
        assert_eq!(super::super::recording::number("00000000000000ab").unwrap(), 0xAB);
    }

    #[test]
    fn since_takes_dates_instants_and_ages() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let milliseconds = |text: &str| since(text, now).map(|wall| wall.0).ok();
        let day: Timestamp = "2026-01-31T00:00:00Z".parse().unwrap();
        let midnight = u64::try_from(day.as_millisecond()).ok();
        assert_eq!(milliseconds("2026-01-31"), midnight);
        assert_eq!(milliseconds("2026-01-31T01:00:00+01:00"), midnight);
        assert_eq!(milliseconds("12h"), midnight);
        for wrong in ["", "h", "yesterday", "7w", "-3h", "é"] {
            assert!(since(wrong, now).is_err(), "{wrong}");
        }
    }
}
