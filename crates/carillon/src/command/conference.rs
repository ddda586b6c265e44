//! `carillon conference`: who is in which, and what is done about it.

use super::Desk;
use crate::arguments::Conference;
use crate::control::Request;
use crate::control::client::Client;
use crate::output::Table;
use anyhow::{Result, bail};
use model::{RoomCommand, RoomView, UserSettings};
use serde_json::{Value, json};

/// Runs one of the conference commands.
pub(super) fn run(desk: &mut Desk, command: &Conference) -> Result<()> {
    match command {
        Conference::List { tenant } => list(desk, tenant.as_deref()),
        Conference::Mute {
            tenant,
            room,
            number,
            off,
        } => {
            let command = if *off {
                RoomCommand::Unmute
            } else {
                RoomCommand::Mute
            };
            steer(desk, tenant, *room, number.as_deref(), command)
        }
        Conference::Kick { tenant, room, number } => {
            steer(desk, tenant, *room, number.as_deref(), RoomCommand::Kick)
        }
        Conference::Lock { tenant, room, off } => {
            let command = if *off {
                RoomCommand::Unlock
            } else {
                RoomCommand::Lock
            };
            steer(desk, tenant, *room, None, command)
        }
    }
}

fn list(desk: &mut Desk, tenant: Option<&str>) -> Result<()> {
    let tenant = desk.chosen(tenant)?;
    let client = Client::connect(&desk.data_dir)?;
    let views: Vec<RoomView> = client.items(&Request::Rooms { tenant })?;
    let mut table = Table::new(&["TENANT", "ROOM", "LOCKED", "MEMBER", "ROLE", "MUTED"]);
    for view in &views {
        for member in &view.members {
            table.row([
                view.tenant.to_string(),
                view.room.to_string(),
                if view.locked { "locked" } else { "open" }.to_owned(),
                member.number.clone(),
                if member.moderator { "moderator" } else { "member" }.to_owned(),
                if member.muted { "muted" } else { "" }.to_owned(),
            ]);
        }
    }
    let values = views
        .iter()
        .map(serde_json::to_value)
        .collect::<Result<Vec<Value>, _>>()?;
    desk.print(&values.into(), &table.text("No conference is going on."))
}

fn steer(desk: &mut Desk, tenant: &str, room: u64, number: Option<&str>, command: RoomCommand) -> Result<()> {
    let (row, _) = desk.tenant(tenant)?;
    if let Some(text) = number.filter(|text| !UserSettings::is_number(text)) {
        bail!("{text:?} is no number");
    }
    let client = Client::connect(&desk.data_dir)?;
    let members: u64 = client.one(&Request::Room {
        tenant: row.id,
        room,
        member: number.map(ToOwned::to_owned),
        command,
    })?;
    if members == 0 {
        bail!("nobody of that number is in conference {room}; carillon conference list shows all");
    }
    let value = json!({"tenant": row.name, "room": room, "members": members, "command": command});
    desk.print(&value, &format!("Done, for {members} in conference {room}.\n"))
}
