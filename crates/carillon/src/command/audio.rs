//! `carillon quality`, and what other commands say about audio.

use super::Desk;
use super::names::Names;
use crate::control::Request;
use crate::control::client::Client;
use crate::output::Table;
use anyhow::{Result, bail};
use model::{AudioTrouble, CallView, FarReport, Leg, LegQuality, QualityView, Score, StreamKind};
use serde_json::{Value, json};

/// Runs `carillon quality`: a line for each side of each call, with what came from it.
pub(super) fn quality(desk: &mut Desk, tenant: Option<&str>, call: Option<u64>) -> Result<()> {
    let tenant = desk.chosen(tenant)?;
    let mut views: Vec<QualityView> = Client::connect(&desk.data_dir)?.items(&Request::Quality { tenant })?;
    let calls: Vec<CallView> = Client::connect(&desk.data_dir)?.items(&Request::Calls { tenant })?;
    views.retain(|view| call.is_none_or(|call| view.call.0 == call));
    if let (Some(call), true) = (call, views.is_empty()) {
        bail!("no call {call} with audio through the server is going on; carillon calls shows all");
    }
    let names = Names::read(desk)?;
    let of = |view: &QualityView| {
        calls
            .iter()
            .find(|c| (c.tenant, c.id) == (view.tenant, view.call))
    };
    let mut table = Table::new(&[
        "TENANT",
        "CALL",
        "SIDE",
        "NUMBER",
        "PACKETS",
        "LOST",
        "BURSTS",
        "JITTER",
        "ROUND TRIP",
        "MOS",
        "HEARS",
        "AUDIO",
    ]);
    for view in &views {
        let legs = [
            (Leg::Caller, Some(&view.caller)),
            (Leg::Callee, view.callee.as_ref()),
        ];
        for (leg, quality) in legs {
            let Some(quality) = quality else { continue };
            let shown = of(view);
            let number = shown.map(|c| if leg == Leg::Caller { &c.from } else { &c.to });
            let of_audio = shown.filter(|_| view.stream == StreamKind::Audio);
            let troubles = of_audio.map_or(&[][..], |c| &c.audio);
            let own: Vec<AudioTrouble> = troubles.iter().copied().filter(|t| t.leg == leg).collect();
            table.row(line(&names.of(view.tenant), view, leg, quality, number, &own));
        }
    }
    let values: Vec<Value> = views
        .iter()
        .map(|view| value(&names.of(view.tenant), view, of(view)))
        .collect();
    desk.print(
        &values.into(),
        &table.text("No call with audio through the server is going on."),
    )
}

fn line(
    tenant: &str,
    view: &QualityView,
    leg: Leg,
    quality: &LegQuality,
    number: Option<&String>,
    troubles: &[AudioTrouble],
) -> [String; 12] {
    let expected = quality.packets.saturating_add(quality.lost);
    [
        tenant.to_owned(),
        view.call.0.to_string(),
        match view.stream {
            StreamKind::Audio => side(leg).to_owned(),
            stream => format!("{} {}", side(leg), stream.as_str()),
        },
        number.cloned().unwrap_or_default(),
        quality.packets.to_string(),
        percent(quality.lost, expected),
        quality.burst.count.to_string(),
        format!("{} ms", tenths(u64::from(quality.jitter_us_p95).div_ceil(100))),
        quality.round_trip_us.map_or_else(
            || "-".to_owned(),
            |us| format!("{} ms", tenths(u64::from(us) / 100)),
        ),
        opinion(quality.score),
        opinion(quality.far.and_then(|far: FarReport| far.score)),
        self::troubles(troubles),
    ]
}

fn value(tenant: &str, view: &QualityView, call: Option<&CallView>) -> Value {
    json!({
        "tenant": tenant,
        "tenant_id": view.tenant,
        "id": view.call,
        "stream": view.stream,
        "from": call.map(|call| &call.from),
        "to": call.map(|call| &call.to),
        "caller": view.caller,
        "callee": view.callee,
        "audio": call.map(|call| &call.audio),
    })
}

/// What is or was wrong, such as `caller: nothing comes from it`; empty = nothing.
pub(super) fn troubles(troubles: &[AudioTrouble]) -> String {
    let each = troubles.iter().map(|trouble| {
        let from = trouble.from.map(|from| format!(" ({from})")).unwrap_or_default();
        let healed = if trouble.healed { ", healed" } else { "" };
        format!("{}: {}{from}{healed}", side(trouble.leg), trouble.fault.as_str())
    });
    each.collect::<Vec<_>>().join("; ")
}

/// The mean opinions of what came from caller and callee; empty where neither is known.
pub(super) fn opinions(caller: Option<&LegQuality>, callee: Option<&LegQuality>) -> String {
    let [caller, callee] = [caller, callee].map(|quality| quality.and_then(|quality| quality.score));
    match (caller, callee) {
        (None, None) => String::new(),
        _ => format!("{} / {}", opinion(caller), opinion(callee)),
    }
}

fn opinion(score: Option<Score>) -> String {
    score.map_or_else(
        || "-".to_owned(),
        |score| format!("{}.{:02}", score.mos_hundredths / 100, score.mos_hundredths % 100),
    )
}

fn side(leg: Leg) -> &'static str {
    match leg {
        Leg::Caller => "caller",
        Leg::Callee => "callee",
    }
}

fn percent(part: u64, whole: u64) -> String {
    let tenths_of = part.saturating_mul(1_000).checked_div(whole).unwrap_or(0);
    format!("{} %", tenths(tenths_of))
}

fn tenths(number: u64) -> String {
    format!("{}.{}", number / 10, number % 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::AudioFault;

    #[test]
    fn troubles_name_side_reason_source_and_end() {
        let trouble = |leg, fault, from: Option<&str>, healed| AudioTrouble {
            leg,
            fault,
            from: from.and_then(|from| from.parse().ok()),
            healed,
        };
        let all = [
            trouble(Leg::Caller, AudioFault::NothingReceived, None, true),
            trouble(
                Leg::Callee,
                AudioFault::UnexpectedHost,
                Some("192.0.2.7:4000"),
                false,
            ),
        ];
        assert_eq!(
            troubles(&all),
            "caller: nothing comes from it, healed; callee: packets come from an unexpected host (192.0.2.7:4000)"
        );
        assert_eq!(troubles(&[]), "");
    }

    #[test]
    fn figures_are_short() {
        assert_eq!(percent(1, 300), "0.3 %");
        assert_eq!(percent(0, 0), "0.0 %");
        let score = Score {
            r_tenths: 932,
            mos_hundredths: 441,
        };
        assert_eq!(
            (opinion(Some(score)), opinion(None)),
            ("4.41".to_owned(), "-".to_owned())
        );
        let quality = LegQuality {
            score: Some(score),
            ..LegQuality::default()
        };
        assert_eq!(opinions(Some(&quality), None), "4.41 / -");
        assert_eq!(opinions(None, Some(&LegQuality::default())), "");
    }
}
