//! What is known of carriers: keys of a trunk that one need not look up.

use crate::output::Table;
use anyhow::{Result, anyhow};
use serde_json::{Value, json};

const CARRIERS: &str = include_str!("../../data/carriers.txt");

/// One row.
struct Template {
    name: &'static str,
    who: &'static str,
    source: &'static str,
    keys: Vec<&'static str>,
}

fn all() -> impl Iterator<Item = Template> {
    let rows = CARRIERS.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|row| {
        let mut parts = row.split(" | ");
        Some(Template {
            name: parts.next()?,
            who: parts.next()?,
            source: parts.next()?,
            keys: parts.next()?.split(' ').collect(),
        })
    })
}

/// The changes of a command with those of the template that it names before them.
///
/// # Errors
/// There is no such template.
pub(super) fn filled_in(changes: &[String]) -> Result<Vec<String>> {
    let named = |change: &&String| change.starts_with("template=");
    let Some(name) = changes
        .iter()
        .find(named)
        .and_then(|change| change.split_once('='))
    else {
        return Ok(changes.to_vec());
    };
    let found = all().find(|template| template.name == name.1);
    let found = found.ok_or_else(|| {
        anyhow!(
            "there is no template {:?}; carillon trunk templates shows all",
            name.1
        )
    })?;
    let keys = found.keys.into_iter().map(str::to_owned);
    Ok(keys
        .chain(changes.iter().filter(|change| !named(change)).cloned())
        .collect())
}

/// All of them, for people and for programs.
pub(super) fn list() -> (Value, String) {
    let mut table = Table::new(&["TEMPLATE", "FOR", "KEYS", "SOURCE"]);
    let mut values = Vec::new();
    for template in all() {
        let keys = template.keys.join(" ");
        values.push(json!({
            "name": template.name,
            "for": template.who,
            "keys": template.keys,
            "source": template.source,
        }));
        table.row([template.name, template.who, &keys, template.source].map(str::to_owned));
    }
    (values.into(), table.text("There are no templates."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::change;
    use model::TrunkDraft;

    #[test]
    fn each_template_makes_a_trunk_with_what_it_asks_for() {
        for template in all() {
            let mut changes = vec![format!("template={}", template.name)];
            let asked = template.who.split("give ").nth(1).unwrap_or_default();
            for (word, change) in [
                ("host", "host=gw.carrier.example"),
                ("username", "username=1234567"),
                ("tenant", "tenant=operator.example"),
            ] {
                if asked.contains(word) {
                    changes.push(change.to_owned());
                }
            }
            let changes = filled_in(&changes).unwrap();
            let draft: TrunkDraft = change::apply("trunk", &TrunkDraft::default(), &changes).unwrap();
            assert_eq!(draft.check(), Ok(()), "{}", template.name);
            assert!(template.source.starts_with("https://") || !template.source.is_empty());
        }
        assert!(all().count() >= 9);
    }

    #[test]
    fn what_is_given_goes_before_the_template() {
        let given = ["number_style=national", "template=telnyx", "username=x"].map(str::to_owned);
        let changes = filled_in(&given).unwrap();
        let draft: TrunkDraft = change::apply("trunk", &TrunkDraft::default(), &changes).unwrap();
        assert_eq!(draft.host, "sip.telnyx.com");
        assert_eq!(draft.number_style, model::NumberStyle::National);
        assert!(filled_in(&["template=nobody".to_owned()]).is_err());
    }
}
