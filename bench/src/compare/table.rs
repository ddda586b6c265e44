//! The comparison as text.
//!
//! Owns: best and median of each figure, and how they stand side by side.

use super::Results;
use crate::load::report::Report;
use std::fmt::Write as _;

/// One section for each server.
pub(super) fn render(results: &[Results]) -> String {
    let mut text = String::new();
    for result in results {
        let _ = writeln!(text, "\n{}", result.name);
        let _ = writeln!(
            text,
            "  ready            {:>9.0} ms",
            result.ready.as_secs_f64() * 1000.0
        );
        if let Some(memory) = &result.bindings.memory {
            let (at_once, settled) = memory.per(result.bindings.succeeded);
            let _ = writeln!(
                text,
                "  binding          {settled:>9.0} B settled, {at_once:.0} B at once"
            );
        }
        load(&mut text, "register", &result.registers);
        load(&mut text, "call", &result.calls);
        if let Some(hold) = &result.hold {
            standing(&mut text, hold);
        }
    }
    text
}

fn load(text: &mut String, name: &str, reports: &[Report]) {
    let cpu: Vec<f64> = reports
        .iter()
        .filter_map(|r| Some(r.cpu.as_ref()?.total_us))
        .collect();
    let check: Vec<f64> = reports
        .iter()
        .filter_map(|r| Some(r.cpu.as_ref()?.scheduled_us))
        .collect();
    let rate: Vec<f64> = reports.iter().map(|r| -r.rate).collect();
    let p99: Vec<f64> = reports.iter().map(|r| f64::from(r.operation_us.p99)).collect();
    let setup: Vec<f64> = reports.iter().map(|r| f64::from(r.setup_us.p99)).collect();
    let failed: u64 = reports.iter().map(|r| r.failed).sum();
    let again: u64 = reports.iter().map(|r| r.retransmitted).sum();
    let _ = writeln!(
        text,
        "  {name:<16} {:>9.1} µs CPU best, {:.1} median (schedstat {:.1}, {:.1})",
        best(&cpu),
        median(&cpu),
        best(&check),
        median(&check)
    );
    let _ = writeln!(
        text,
        "                   {:>9.0} /s best, {:.0} median; p99 {:.1} ms{}; {failed} failed, {again} retransmitted",
        -best(&rate),
        -median(&rate),
        median(&p99) / 1000.0,
        if median(&setup) > 0.0 {
            format!(", setup {:.1} ms", median(&setup) / 1000.0)
        } else {
            String::new()
        }
    );
    failures(text, reports);
}

fn failures(text: &mut String, reports: &[Report]) {
    for (reason, count) in reports.iter().flat_map(|r| &r.reasons) {
        let _ = writeln!(text, "                   failed {count} × {reason}");
    }
}

fn standing(text: &mut String, hold: &Report) {
    if let Some(memory) = &hold.memory {
        let (at_once, settled) = memory.per(hold.succeeded);
        let _ = writeln!(
            text,
            "  standing call    {settled:>9.0} B settled, {at_once:.0} B at once ({} failed)",
            hold.failed
        );
    }
    failures(text, std::slice::from_ref(hold));
    if let Some(media) = &hold.media {
        let cpu = media.cpu.as_ref().map_or(0.0, |cpu| cpu.total_us);
        let _ = writeln!(
            text,
            "  RTP packet       {cpu:>9.2} µs CPU, {:.0}/s, {:.3} % lost, p99 {} µs",
            media.rate, media.loss_percent, media.delay_us.p99
        );
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values
}

fn best(values: &[f64]) -> f64 {
    sorted(values).first().copied().unwrap_or_default()
}

fn median(values: &[f64]) -> f64 {
    sorted(values).get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_is_least_and_median_is_in_the_middle() {
        assert_eq!((best(&[3.0, 1.0, 2.0]), median(&[3.0, 1.0, 2.0])), (1.0, 2.0));
        assert_eq!((best(&[]), median(&[])), (0.0, 0.0));
    }
}
