//! `[border]`: who may send at all.

use super::reader::{Reader, Section, numbers};
use border::{CountryRules, Nets, Rate, Rules};
use node::Border;
use number::Country;
use std::path::PathBuf;

/// What comes at once may be so many times what comes in a second.
const BURST: u32 = 10;
/// What a network may send is so many times what a source may.
const NEIGHBOURS: u32 = 10;

/// Reads the section.
pub(super) fn read<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> Border {
    let mut section = reader.section(top, "border");
    let defaults = Border::default();
    let enabled = reader.flag(&mut section, "enabled");
    let allow = nets(reader, &mut section, "allow");
    let deny = nets(reader, &mut section, "deny");
    let such_as = "\"/etc/carillon/countries.csv\"";
    let file = reader.text(&mut section, "countries_file", such_as);
    let countries = CountryRules {
        allow: codes(reader, &mut section, "countries_allow").unwrap_or_default(),
        deny: codes(reader, &mut section, "countries_deny").unwrap_or_default(),
    };
    if file.is_none() && !countries.is_empty() {
        let what =
            "`countries_allow` and `countries_deny` need `countries_file`; name one, or leave them out";
        reader.problem(section.start(), what);
    }
    let rules = rules(reader, &mut section, defaults.rules);
    reader.done(&section);
    Border {
        enabled: enabled.unwrap_or(defaults.enabled),
        rules,
        allow: allow.unwrap_or(defaults.allow),
        deny: deny.unwrap_or(defaults.deny),
        countries,
        countries_file: file.map(|(_, path)| PathBuf::from(path)),
    }
}

fn rules<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, mut rules: Rules) -> Rules {
    let helped = codes(reader, section, "emergency_countries");
    if let Some(codes) = helped {
        rules.emergency_countries = codes.iter().filter_map(|code| Country::parse(code)).collect();
    }
    numbers! { reader, section => rules;
        ban_score in 10..=100_000,
        ban_first_s in 1..=86_400,
        ban_longest_s in 1..=604_800,
        credential_failures in 3..=1_000,
        trust_s in 60..=604_800,
        overload_ms in 0..=10_000,
    }
    if let Some(rate) = rate(reader, section, "messages_per_source") {
        (rules.messages_per_source, rules.messages_per_prefix) = rate;
    }
    if let Some(rate) = rate(reader, section, "connects_per_source") {
        (rules.connects_per_source, rules.connects_per_prefix) = rate;
    }
    rules
}

/// What a source may in a second, and its network.
fn rate<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, key: &'static str) -> Option<(Rate, Rate)> {
    let given = reader.number(section, key, 1..=1_000_000)?;
    let per_second = u32::try_from(given).ok()?;
    let rate = |per_second: u32| Rate {
        per_second,
        burst: per_second.saturating_mul(BURST),
    };
    Some((rate(per_second), rate(per_second.saturating_mul(NEIGHBOURS))))
}

fn nets<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, key: &'static str) -> Option<Nets> {
    let texts = reader.list(section, key, "[\"192.0.2.0/24\", \"2001:db8::/32\"]")?;
    let mut good = Vec::new();
    for (at, text) in texts {
        match Nets::parse([text]) {
            Ok(_) => good.push(text),
            Err(error) => reader.problem(at, format!("{text:?} is no network; {error}")),
        }
    }
    Nets::parse(good).ok()
}

/// Countries by their two letters.
fn codes<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>, key: &'static str) -> Option<Vec<String>> {
    let texts = reader.list(section, key, "[\"DE\", \"AT\"]")?;
    let mut good = Vec::new();
    for (at, text) in texts {
        if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
            good.push(text.to_ascii_uppercase());
        } else {
            let what = format!("{text:?} is no country; write its two letters, such as \"DE\"");
            reader.problem(at, what);
        }
    }
    Some(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn read(text: &str) -> (Border, Vec<String>) {
        let (config, problems) = config::read(&format!("[border]\n{text}\n"));
        let problems = problems.iter().map(|problem| problem.what.clone());
        (config.settings.border, problems.collect())
    }

    #[test]
    fn lists_countries_and_measures_are_read() {
        let (border, problems) = read(
            "enabled = true\nallow = [\"192.0.2.0/24\"]\ndeny = [\"2001:db8::/32\"]\ncountries_file = \"/c.csv\"\n\
countries_deny = [\"xx\"]\nemergency_countries = [\"de\"]\nban_score = 50\nmessages_per_source = 5\n",
        );
        assert_eq!(problems, [""; 0]);
        assert!(border.allow.contains("192.0.2.9".parse().unwrap()));
        assert!(
            !border.allow.contains("127.0.0.1".parse().unwrap()),
            "what is given replaces the default"
        );
        assert!(border.deny.contains("2001:db8::1".parse().unwrap()));
        assert_eq!(border.countries.deny, ["XX"]);
        let rules = border.rules;
        assert_eq!((rules.ban_score, rules.emergency_countries.len()), (50, 1));
        assert_eq!(
            (
                rules.messages_per_source.per_second,
                rules.messages_per_source.burst
            ),
            (5, 50)
        );
        assert_eq!(
            (
                rules.messages_per_prefix.per_second,
                rules.messages_per_prefix.burst
            ),
            (50, 500)
        );
        assert_eq!(read(""), (Border::default(), Vec::new()));
    }

    #[test]
    fn what_can_not_be_is_named() {
        for (text, told) in [
            ("allow = [\"example.com\"]", "is no network"),
            ("deny = [\"10.0.0.0/33\"]", "is no network"),
            ("allow = \"10.0.0.0/8\"", "is a list"),
            ("countries_deny = [\"Germany\"]", "is no country"),
            ("countries_allow = [\"DE\"]", "need `countries_file`"),
            ("ban_first_s = 0", "1 to 86400"),
            ("messages_per_source = 0", "1 to 1000000"),
            ("ban = 5", "[border] has no key"),
        ] {
            let (_, problems) = read(text);
            assert!(
                problems.iter().any(|problem| problem.contains(told)),
                "{text}: {problems:?}"
            );
        }
    }
}
