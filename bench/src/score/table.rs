//! The scores as a table, and what of them is below the floor.

use super::network::Network;
use super::python::{Score, Scores};
use super::{ALONE, BOTH, Settings};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// By codec, then by network: the lowest mean.
pub(super) type Floor = BTreeMap<String, BTreeMap<String, f64>>;

/// The name of what is heard under a network if what is lost is silence.
pub(super) fn unconcealed(network: &str) -> String {
    format!("{network}, not concealed")
}

/// Mean and worst clip, the floor, the mean if losses were silence, and the mean delay: one block for each codec.
pub(super) fn show(settings: &Settings, scores: &Scores, floor: &Floor) -> String {
    let mut text = String::new();
    for (codec, codecs) in settings.codecs() {
        let band = if codecs.rate_hz > 8_000 { "WB" } else { "NB" };
        let listener = codecs.listener.name();
        let _ = writeln!(text, "\n{codec}, heard by {listener}: MOS-LQO, PESQ-{band}");
        let _ = writeln!(
            text,
            "{:<22}{:>6}{:>7}{:>7}{:>9}{:>10}",
            "", "mean", "worst", "floor", "silence", "delay ms"
        );
        let networks = settings.networks().map(|network| network.name);
        for name in [ALONE, BOTH].into_iter().chain(networks) {
            let found = of(scores, codec, name);
            let worst = found.iter().map(|score| score.mos).fold(f64::INFINITY, f64::min);
            let least = floor.get(codec).and_then(|all| all.get(name));
            let silence = mean(of(scores, codec, &unconcealed(name)), |score| score.mos);
            let cell = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
            let _ = writeln!(
                text,
                "{name:<22}{:>6}{worst:>7.2}{:>7}{:>9}{:>10.0}",
                cell(mean(found, |score| score.mos)),
                cell(least.copied()),
                cell(silence),
                mean(found, |score| score.delay_ms).unwrap_or_default(),
            );
        }
    }
    text
}

/// What is missing or worse than it may be.
pub(super) fn below(settings: &Settings, scores: &Scores, floor: &Floor) -> Vec<String> {
    let mut below = Vec::new();
    for (codec, _) in settings.codecs() {
        for Network { name, .. } in settings.networks() {
            let least = floor.get(codec).and_then(|all| all.get(*name));
            let mean = mean(of(scores, codec, name), |score| score.mos);
            match (mean, least) {
                (Some(mean), Some(least)) if mean >= *least => {}
                (Some(mean), Some(least)) => below.push(format!("{codec} {name} {mean:.2} < {least:.2}")),
                _ => below.push(format!("{codec} {name} has no score or no floor")),
            }
        }
    }
    below
}

fn of<'a>(scores: &'a Scores, codec: &str, name: &str) -> &'a [Score] {
    let found = scores.get(codec).and_then(|all| all.get(name));
    found.map_or(&[], Vec::as_slice)
}

fn mean(scores: &[Score], of: impl Fn(&Score) -> f64) -> Option<f64> {
    let sum: f64 = scores.iter().map(of).sum();
    (!scores.is_empty()).then(|| sum / scores.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::super::{CALLS, FOLDER, network};
    use super::*;
    use clap::Parser;
    use std::path::Path;

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        settings: Settings,
    }

    fn settings(words: &[&str]) -> Settings {
        Words::parse_from(words).settings
    }

    fn heard(mos: &[f64]) -> Vec<Score> {
        let score = |mos: &f64| Score {
            mos: *mos,
            delay_ms: 40.0,
        };
        mos.iter().map(score).collect()
    }

    #[test]
    fn the_floor_names_every_codec_and_network_and_what_is_below_it_is_told() {
        let floor = std::fs::read_to_string(Path::new(FOLDER).join("floor.toml")).unwrap();
        let floor: Floor = toml::from_str(&floor).unwrap();
        let mut scores = Scores::new();
        for (codec, _) in CALLS {
            for Network { name, .. } in network::ALL {
                let least = floor[codec][*name];
                assert!((1.0..4.7).contains(&least), "{codec} {name}");
                let all = scores.entry(codec.to_owned()).or_default();
                all.insert((*name).to_owned(), heard(&[least - 0.5, least + 0.6]));
            }
            assert_eq!(floor[codec].len(), network::ALL.len());
        }
        assert_eq!(floor.len(), CALLS.len());
        let all = settings(&["score"]);
        assert_eq!(below(&all, &scores, &floor), [""; 0]);
        let opus = scores.get_mut("Opus").unwrap();
        opus.insert("clean".to_owned(), heard(&[1.0]));
        scores.get_mut("PCMU").unwrap().remove("loss 1 %");
        let found = below(&all, &scores, &floor);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], "PCMU loss 1 % has no score or no floor");
        assert!(found[1].starts_with("Opus clean 1.00 < "), "{found:?}");
        let one = settings(&["score", "--codec", "Opus", "--network", "drift"]);
        assert_eq!(below(&one, &scores, &floor), [""; 0]);
        let table = show(&one, &scores, &floor);
        assert!(
            table.contains("drift -200 ppm") && !table.contains("loss"),
            "{table}"
        );
        assert!(!table.contains("PCMU"), "{table}");
    }
}
