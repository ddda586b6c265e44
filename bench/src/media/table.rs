//! The figures as text, with what they may be.
//!
//! Owns: best and median of each, ratios, and whether a limit is kept, by the medians. Does not own: the limits, see
//! [`super::scenario`].

use super::scenario::Figure;
use super::{Results, Round};
use crate::load::Latency;
use std::fmt::Write as _;

/// Best and median of some rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spread {
    best: f64,
    median: f64,
}

impl Spread {
    fn of(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> Spread {
        let mut values: Vec<f64> = rounds.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        let at = |at: usize| values.get(at).copied().unwrap_or(f64::NAN);
        Spread {
            best: at(0),
            median: at(values.len() / 2),
        }
    }

    fn over(self, other: Spread) -> Spread {
        Spread {
            best: self.best / other.best,
            median: self.median / other.median,
        }
    }

    fn less(self, other: Spread) -> Spread {
        Spread {
            best: self.best - other.best,
            median: self.median - other.median,
        }
    }
}

/// Everything.
pub(super) fn render(results: &[Results]) -> String {
    let mut text = String::from("\nCPU of the server, best and median; limits are for medians\n");
    for result in results {
        let _ = writeln!(
            text,
            "\n{}, {} calls",
            result.scenario.title, result.scenario.calls
        );
        for (name, rounds) in &result.rounds {
            contestant(&mut text, result.scenario.figure, name, rounds);
        }
        verdicts(&mut text, result);
    }
    text
}

fn per_packet(round: &Round) -> f64 {
    round.cpu.total_us() / round.packets.max(1) as f64
}

fn per_call_second(round: &Round) -> f64 {
    round.cpu.total_us() / round.call_seconds.max(1e-9)
}

fn contestant(text: &mut String, figure: Figure, name: &str, rounds: &[Round]) {
    let packet = Spread::of(rounds, per_packet);
    let second = Spread::of(rounds, per_call_second);
    let check = Spread::of(rounds, |r| r.cpu.scheduled_us / r.packets.max(1) as f64);
    let _ = writeln!(
        text,
        "  {name:<20} {:>7.2} {:>7.2} µs per packet (schedstat {:.2} {:.2}); {:.0} {:.0} µs per call-second",
        packet.best, packet.median, check.best, check.median, second.best, second.median
    );
    let sum = |count: fn(&Round) -> u64| rounds.iter().map(count).sum::<u64>();
    let (sent, received) = (sum(|r| r.count.sent), sum(|r| r.count.received));
    let _ = write!(
        text,
        "  {:<20} {sent} packets sent, {received} came ({:+.3} %)",
        "",
        100.0 * (received as f64 / sent.max(1) as f64 - 1.0)
    );
    let kinds: [(&str, u64); 3] = [
        ("legs that did not hear what they should", sum(|r| r.deaf as u64)),
        ("wrong tags", sum(|r| r.count.forged)),
        (
            "milliseconds sent too late: the machine is too busy",
            sum(|r| r.count.late),
        ),
    ];
    for (what, count) in kinds.iter().filter(|(_, count)| *count > 0) {
        let _ = write!(text, "; {count} {what}");
    }
    text.push('\n');
    let delays: Vec<(Latency, u64)> = rounds.iter().filter_map(|r| r.delay).collect();
    if let (Figure::Delay(_), false) = (figure, delays.is_empty()) {
        let worst = delays.iter().map(|(d, _)| d.max).max().unwrap_or(0);
        let half = Spread::of(rounds, |r| r.delay.map_or(f64::NAN, |(d, _)| f64::from(d.p50)));
        let p99 = Spread::of(rounds, p99_us);
        let lost: u64 = delays.iter().map(|(_, lost)| lost).sum();
        let _ = writeln!(
            text,
            "  {:<20} delay p50 {:.2} {:.2} ms, p99 {:.2} {:.2} ms, max {:.2} ms; {lost} lost in the measured part",
            "",
            half.best / 1e3,
            half.median / 1e3,
            p99.best / 1e3,
            p99.median / 1e3,
            f64::from(worst) / 1e3
        );
    }
    if let Some(memory) = rounds.iter().find_map(|r| r.memory) {
        let _ = writeln!(text, "  {:<20} {:.1} kB per call", "", memory / 1e3);
    }
}

fn p99_us(round: &Round) -> f64 {
    round.delay.map_or(f64::NAN, |(delay, _)| f64::from(delay.p99))
}

fn verdicts(text: &mut String, result: &Results) {
    let rounds: Vec<&[Round]> = result
        .rounds
        .iter()
        .map(|(_, rounds)| rounds.as_slice())
        .collect();
    if rounds
        .iter()
        .any(|rounds| rounds.iter().any(|round| round.deaf > 0))
    {
        text.push_str("  = nothing: a server that is not heard has not done the work\n");
        return;
    }
    let first = rounds.first().copied().unwrap_or_default();
    let second = rounds.get(1).copied();
    match (result.scenario.figure, second) {
        (Figure::PerPacket(limit), Some(other)) => {
            let ratio = Spread::of(first, per_packet).over(Spread::of(other, per_packet));
            verdict(text, "of rtpengine", ratio, limit, 2);
        }
        (Figure::PerPacket(_), None) => {}
        (Figure::PerCallSecond(limit), _) => {
            let spread = Spread::of(first, per_call_second);
            verdict(text, "µs per call-second", spread, limit, 0);
        }
        (Figure::Added(limit), other) => {
            let more = Spread::of(other.unwrap_or_default(), per_call_second);
            let added = more.less(Spread::of(first, per_call_second));
            verdict(text, "µs per call-second added", added, limit, 0);
        }
        (Figure::Delay(limit), _) => {
            let p99 = Spread::of(first, |round| p99_us(round) / 1e3);
            verdict(text, "ms p99", p99, Some(limit), 2);
        }
    }
    let memory = first.iter().find_map(|round| round.memory);
    if let (Some(limit), Some(memory)) = (result.scenario.memory_kb, memory) {
        let kb = memory / 1e3;
        let spread = Spread { best: kb, median: kb };
        verdict(text, "kB per call", spread, Some(limit), 1);
    }
}

fn verdict(text: &mut String, what: &str, spread: Spread, limit: Option<f64>, digits: usize) {
    let Spread { best, median } = spread;
    let _ = write!(text, "  = {best:.digits$} {median:.digits$} {what}");
    if let Some(limit) = limit {
        // What is no number keeps no limit.
        let word = if median <= limit { "pass" } else { "FAIL" };
        let _ = write!(text, ", at most {limit}: {word}");
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::scenario;
    use super::*;
    use crate::cpu::Cpu;

    fn round(user_us: f64) -> Round {
        Round {
            cpu: Cpu {
                user_us,
                ..Cpu::default()
            },
            packets: 100,
            call_seconds: 2.0,
            memory: Some(49_000.0),
            count: super::super::Count::default(),
            deaf: 0,
            delay: None,
        }
    }

    fn table(name: &str, ours: &[f64], theirs: &[f64]) -> String {
        let scenario = scenario::all(false).into_iter().find(|s| s.name == name).unwrap();
        let rounds = |us: &[f64]| us.iter().map(|us| round(*us)).collect();
        render(&[Results {
            scenario,
            rounds: vec![("Carillon", rounds(ours)), ("other", rounds(theirs))],
        }])
    }

    #[test]
    fn a_limit_is_kept_by_the_median() {
        let kept = table("plain", &[900.0, 500.0, 600.0], &[1_000.0, 1_000.0, 1_100.0]);
        assert!(
            kept.contains("= 0.50 0.60 of rtpengine, at most 0.6: pass"),
            "{kept}"
        );
        assert!(
            kept.contains("= 49.0 49.0 kB per call, at most 50: pass"),
            "{kept}"
        );
        let missed = table("plain", &[500.0, 610.0, 620.0], &[1_000.0]);
        assert!(
            missed.contains("= 0.50 0.61 of rtpengine, at most 0.6: FAIL"),
            "{missed}"
        );
    }

    #[test]
    fn what_recording_adds_is_the_difference() {
        let text = table("recording", &[1_000.0], &[1_900.0]);
        assert!(
            text.contains("= 450 450 µs per call-second added, at most 500: pass"),
            "{text}"
        );
    }

    #[test]
    fn no_figure_keeps_no_limit() {
        assert!(table("delay", &[1.0], &[1.0]).contains("= NaN NaN ms p99, at most 5: FAIL"));
    }
}
