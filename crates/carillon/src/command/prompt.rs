//! `carillon prompt`: what a company says in place of what is shipped, and prompts of its own.

use super::recording::create;
use super::{Desk, upload};
use crate::arguments::{Global, Prompt};
use crate::config;
use crate::output::{Table, instant, seconds};
use anyhow::{Context, Result, anyhow, bail};
use audio::sound::{Normal, normalise};
use model::{Library, Policy, Words};
use node::speech::Synthesizer;
use prompts::Language;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use store::{NewSound, SoundKind, SoundRow};

/// Runs one of the prompt commands.
pub(super) fn run(desk: &mut Desk, command: &Prompt, global: &Global) -> Result<()> {
    match command {
        Prompt::List { tenant, all } => list(desk, tenant, *all),
        Prompt::Set {
            tenant,
            name,
            file,
            text,
            language,
        } => {
            known(name)?;
            let language = language.as_deref().map(spoken).transpose()?;
            let given = match (file, text) {
                (Some(file), _) => Given::File(file),
                (None, Some(text)) => Given::Text(text),
                (None, None) => bail!("give --file or --text"),
            };
            set(desk, (tenant, name, language), &given, global)
        }
        Prompt::Reset {
            tenant,
            name,
            language,
        } => reset(desk, tenant, name, language.as_deref()),
        Prompt::Export {
            tenant,
            name,
            file,
            language,
        } => export(desk, (tenant, name, language.as_deref()), file),
    }
}

/// What a prompt is to be made of.
enum Given<'a> {
    File(&'a Path),
    Text(&'a str),
}

/// A name that leads somewhere: one of the catalogue, or one of the tenant's own. A slip of the pen is neither.
fn known(name: &str) -> Result<()> {
    let own = name
        .strip_prefix(Library::OWN)
        .is_some_and(|rest| !rest.is_empty());
    if name.starts_with(Library::MUSIC) {
        bail!("{name} is music; see carillon music add");
    }
    if !own && prompts::Name::parse(name).is_none() {
        bail!(
            "no prompt is called {name:?}; carillon prompt list --all shows all, and names of your own begin with {}",
            Library::OWN
        );
    }
    Ok(())
}

/// What a policy names is heard: nothing, a shipped prompt, or one of the tenant's own.
pub(super) fn check(wanted: &str, own: &[SoundRow]) -> Result<()> {
    let has = own.iter().any(|row| row.name == wanted);
    match wanted.is_empty() || has {
        true => Ok(()),
        false if wanted.starts_with(Library::OWN) => {
            bail!("there is no prompt {wanted:?}; carillon prompt set makes it")
        }
        false => known(wanted),
    }
}

fn spoken(code: &str) -> Result<&str> {
    let known = Language::ALL.map(Language::code);
    if !known.contains(&code) {
        bail!(
            "nobody knows the language {code:?}; there are {}",
            known.join(", ")
        );
    }
    Ok(code)
}

fn value(row: &SoundRow) -> Value {
    let language = Some(row.language.as_str()).filter(|language| !language.is_empty());
    json!({
        "name": row.name,
        "language": language,
        "own": true,
        "text": row.text,
        "ms": row.ms,
        "octets": row.octets,
        "source": row.source,
        "set": instant(row.set),
    })
}

fn list(desk: &mut Desk, tenant: &str, all: bool) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let own = store.sounds(&scope, SoundKind::Prompt)?;
    let mut table = Table::new(&["NAME", "LANGUAGE", "LENGTH", "SET", "FROM", "TEXT"]);
    let mut values = Vec::new();
    for row in &own {
        values.push(value(row));
        table.row([
            row.name.clone(),
            if row.language.is_empty() {
                "any".to_owned()
            } else {
                row.language.clone()
            },
            upload::length(row.ms.into()),
            seconds(row.set),
            row.source.clone(),
            row.text.clone().unwrap_or_default(),
        ]);
    }
    let language = Language::parse(&row.policy.language).unwrap_or_default();
    for name in prompts::Name::all().filter(|_| all) {
        let heard = match name.own_sound(language) {
            Some(_) => language,
            None => Language::English,
        };
        let text = name.text(heard).unwrap_or_default();
        values.push(json!({
            "name": name.as_str(), "language": heard.code(), "own": false, "text": text,
            "ms": null, "octets": name.sound(heard).map(<[u8]>::len), "source": null, "set": null,
        }));
        let nothing = String::new;
        table.row([
            name.to_string(),
            heard.code().to_owned(),
            nothing(),
            nothing(),
            "shipped".to_owned(),
            text.to_owned(),
        ]);
    }
    desk.print(
        &values.into(),
        &table.text("No prompt of its own; carillon prompt set makes one, and list --all shows those that are shipped."),
    )
}

fn set(
    desk: &mut Desk,
    (tenant, name, language): (&str, &str, Option<&str>),
    given: &Given<'_>,
    global: &Global,
) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let (normal, source, text) = match given {
        Given::File(file) => (upload::read(file)?, upload::source(file), None),
        Given::Text(text) => {
            let (normal, engine) = speak(global, text, language.unwrap_or(&row.policy.language))?;
            (normal, engine, Some(text.trim()))
        }
    };
    let sound = NewSound {
        audio: &normal.file,
        ms: normal.ms,
        source: &source,
        text,
    };
    let (store, _) = desk.store()?;
    store.set_prompt(
        &scope,
        (name, language.unwrap_or_default()),
        &sound,
        upload::now(),
    )?;
    let rows = store.sounds(&scope, SoundKind::Prompt)?;
    desk.changed();
    let is_it = |row: &&SoundRow| row.name == name && row.language == language.unwrap_or_default();
    let now = rows.iter().find(is_it).context("it was taken away just now")?;
    desk.print(
        &value(now),
        &format!("{name} is set, {}.\n", upload::length(normal.ms.into())),
    )
}

/// Has a text spoken, and checks what came of it as if somebody had uploaded it.
fn speak(global: &Global, text: &str, language: &str) -> Result<(Normal, String)> {
    let speech = match &global.config {
        Some(file) => config::load(file)?.speech,
        None => None,
    };
    let speech = speech.context(
        "no speech engine is configured; name one in [speech] of a configuration file and give that by --config, or upload a sound by --file",
    )?;
    let spoken = speech.speak(text, language)?;
    let normal =
        normalise(&spoken).map_err(|error| anyhow!("what {} said is no use: {error}", speech.name()))?;
    Ok((normal, speech.name()))
}

fn reset(desk: &mut Desk, tenant: &str, name: &str, language: Option<&str>) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let key = (name, language.unwrap_or_default());
    let done = store.reset_prompt(&scope, key, upload::now());
    done.map_err(|error| anyhow!("{error}; carillon prompt list {tenant} shows all"))?;
    let rest = store.sounds(&scope, SoundKind::Prompt)?;
    let is_gone = prompts::Name::parse(name).is_none() && rest.iter().all(|row| row.name != name);
    let (flows, policy) = match is_gone {
        true => (
            upload::flows_with(&row.policy, &Words::Prompt(name.to_owned())),
            keys_with(&row.policy, name),
        ),
        false => (Vec::new(), Vec::new()),
    };
    desk.changed();
    let places: Vec<&str> = flows.iter().map(String::as_str).chain(policy.clone()).collect();
    let text = match places.as_slice() {
        [] => format!("{name} is taken away.\n"),
        places => format!(
            "{name} is taken away. Callers hear nothing in its place at {}.\n",
            places.join(", ")
        ),
    };
    desk.print(
        &json!({"name": name, "language": language, "missing_in": flows, "policy": policy}),
        &text,
    )
}

/// Keys of a policy that name this prompt.
fn keys_with(policy: &Policy, name: &str) -> Vec<&'static str> {
    let keys = [
        ("hold_announcement", &policy.hold_announcement),
        ("record_announcement", &policy.record_announcement),
    ];
    let named = keys.into_iter().filter(|(_, named)| *named == name);
    named.map(|(key, _)| key).collect()
}

fn export(desk: &mut Desk, (tenant, name, language): (&str, &str, Option<&str>), file: &Path) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let language = language.map(spoken).transpose()?.unwrap_or(&row.policy.language);
    let (store, _) = desk.store()?;
    let rows = store.sounds(&scope, SoundKind::Prompt)?;
    let of = |language: &str| {
        rows.iter()
            .find(|row| row.name == name && row.language == language)
    };
    let own = match of(language).or_else(|| of("")) {
        Some(own) => store.sound(&scope, own.id)?,
        None => None,
    };
    let is_own = own.is_some();
    let shipped = || prompts::find(Language::parse(language).unwrap_or_default(), name);
    let sound = own.or_else(|| shipped().map(<[u8]>::to_vec));
    let sound = sound.ok_or_else(|| {
        anyhow!("no prompt is called {name:?}; carillon prompt list {tenant} --all shows all")
    })?;
    let mut to = create(file)?;
    to.write_all(&sound)
        .with_context(|| format!("cannot write {}", file.display()))?;
    let octets = sound.len();
    desk.print(
        &json!({"name": name, "language": language, "own": is_own, "file": file, "octets": octets}),
        &format!("{octets} octets are in {}.\n", file.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_catalogue_or_ones_own() {
        for name in ["menu/demo", "own/welcome", "number/7"] {
            assert!(known(name).is_ok(), "{name}");
        }
        for (name, told) in [
            ("menu/dmeo", "list --all"),
            ("own/", "begin with own/"),
            ("welcome", "begin with own/"),
            ("music/default", "music add"),
        ] {
            let message = known(name).unwrap_err().to_string();
            assert!(message.contains(told), "{name}: {message}");
        }
    }
}
