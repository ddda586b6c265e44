//! `carillon music`: what is heard on hold, and where a flow says so.

use super::{Desk, upload};
use crate::arguments::Music;
use crate::output::{Table, instant};
use anyhow::{Result, anyhow, bail};
use model::{Library, Policy, Words};
use serde_json::{Value, json};
use std::path::PathBuf;
use store::{NewSound, SoundKind, SoundRow};

/// What `hold_music` says besides the name of a music.
const OTHERS: [&str; 2] = ["off", "phone"];

/// Runs one of the music commands.
pub(super) fn run(desk: &mut Desk, command: &Music) -> Result<()> {
    match command {
        Music::List { tenant } => list(desk, tenant),
        Music::Add { tenant, name, files } => add(desk, tenant, name, files),
        Music::Remove { tenant, name, piece } => remove(desk, tenant, name, *piece),
    }
}

/// Refuses a `hold_music` that there is not.
pub(super) fn check_hold_music(wanted: &str, own: &[SoundRow]) -> Result<()> {
    let names = names(own);
    if OTHERS.contains(&wanted) || names.contains(&wanted) {
        return Ok(());
    }
    bail!(
        "there is no music {wanted:?}; hold_music is {}, {}, and carillon music add makes more",
        OTHERS.join(", "),
        names.join(", ")
    );
}

/// The usual one, and the tenant's own.
fn names(own: &[SoundRow]) -> Vec<&str> {
    let mut names = vec![Library::USUAL_MUSIC];
    for row in own {
        if !names.contains(&row.name.as_str()) {
            names.push(&row.name);
        }
    }
    names
}

fn value(name: &str, own: &[SoundRow], policy: &Policy) -> Value {
    let pieces = own.iter().filter(|row| row.name == name).zip(1..);
    let pieces = pieces.map(|(row, piece)| {
        json!({
            "piece": piece,
            "ms": row.ms,
            "octets": row.octets,
            "source": row.source,
            "set": instant(row.set),
        })
    });
    json!({
        "name": name,
        "on_hold": policy.music() == Some(name),
        "pieces": pieces.collect::<Vec<_>>(),
    })
}

fn list(desk: &mut Desk, tenant: &str) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let own = store.sounds(&scope, SoundKind::Music)?;
    let mut table = Table::new(&["NAME", "ON HOLD", "PIECE", "LENGTH", "FROM"]);
    let mut values = Vec::new();
    for name in names(&own) {
        values.push(value(name, &own, &row.policy));
        let on_hold = if row.policy.music() == Some(name) {
            "yes"
        } else {
            ""
        };
        let pieces: Vec<&SoundRow> = own.iter().filter(|row| row.name == name).collect();
        if pieces.is_empty() {
            let cells = [name, on_hold, "", "", "shipped"].map(str::to_owned);
            table.row(cells);
        }
        for (row, piece) in pieces.into_iter().zip(1..) {
            table.row([
                name.to_owned(),
                on_hold.to_owned(),
                piece.to_string(),
                upload::length(row.ms.into()),
                row.source.clone(),
            ]);
        }
    }
    desk.print(&values.into(), &table.text("No music."))
}

fn add(desk: &mut Desk, tenant: &str, name: &str, files: &[PathBuf]) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    if OTHERS.contains(&name) {
        bail!("{name} means something else in hold_music; choose another name");
    }
    if files.len() > Library::PIECES {
        bail!("a music has at most {} pieces", Library::PIECES);
    }
    let mut pieces = Vec::new();
    for file in files {
        pieces.push((upload::read(file)?, upload::source(file)));
    }
    let new: Vec<NewSound<'_>> = pieces
        .iter()
        .map(|(normal, source)| NewSound {
            audio: &normal.file,
            ms: normal.ms,
            source,
            text: None,
        })
        .collect();
    let (store, _) = desk.store()?;
    store.add_music(&scope, name, &new, upload::now())?;
    let own = store.sounds(&scope, SoundKind::Music)?;
    desk.changed();
    let count = own.iter().filter(|row| row.name == name).count();
    desk.print(
        &value(name, &own, &row.policy),
        &format!("Music {name} has {count} pieces now.\n"),
    )
}

fn remove(desk: &mut Desk, tenant: &str, name: &str, piece: Option<usize>) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let done = store.remove_music(&scope, name, piece, upload::now());
    done.map_err(|error| anyhow!("{error}; carillon music list {tenant} shows all"))?;
    let own = store.sounds(&scope, SoundKind::Music)?;
    desk.changed();
    let count = own.iter().filter(|row| row.name == name).count();
    let is_gone = count == 0 && name != Library::USUAL_MUSIC;
    let flows = match is_gone {
        true => upload::flows_with(&row.policy, &Words::Music(name.to_owned())),
        false => Vec::new(),
    };
    let on_hold = row.policy.music() == Some(name);
    let mut text = format!("Music {name} has {count} pieces now.\n");
    if is_gone && (on_hold || !flows.is_empty()) {
        let mut places = flows.clone();
        places.extend(on_hold.then(|| "hold_music".to_owned()));
        text.push_str(&format!(
            "The usual music plays in its place: {}.\n",
            places.join(", ")
        ));
    }
    let mut shown = value(name, &own, &row.policy);
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("missing_in".to_owned(), flows.into());
    }
    desk.print(&shown, &text)
}
