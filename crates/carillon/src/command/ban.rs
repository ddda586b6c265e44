//! `carillon ban`: who is kept out, and who shall be.

use super::Desk;
use crate::arguments::Ban;
use crate::control::Request;
use crate::control::client::Client;
use crate::output::Table;
use anyhow::{Context, Result, bail};
use model::BanView;
use serde_json::json;

/// Runs one of the ban commands.
pub(super) fn run(desk: &Desk, command: &Ban) -> Result<()> {
    let client = Client::connect(&desk.data_dir)?;
    match command {
        Ban::List => list(desk, client),
        Ban::Add { address, for_s } => {
            let (address, for_s) = (*address, *for_s);
            client.one::<bool>(&Request::Ban { address, for_s })?;
            let value = json!({"address": address, "for_s": for_s});
            desk.print(&value, &format!("{address} is kept out for {for_s} s.\n"))
        }
        Ban::Lift { address } => {
            let address = *address;
            let lifted: bool = client.one(&Request::LiftBan { address })?;
            if !lifted {
                bail!("{address} is not banned; carillon ban list shows who is");
            }
            desk.print(
                &json!({"address": address}),
                &format!("{address} may come in again.\n"),
            )
        }
    }
}

fn list(desk: &Desk, client: Client) -> Result<()> {
    let bans: Vec<BanView> = client.items(&Request::Bans)?;
    let mut table = Table::new(&["ADDRESS", "REASON", "FROM", "SECONDS LEFT"]);
    for ban in &bans {
        table.row([
            ban.address.clone(),
            ban.reason.clone(),
            if ban.datagrams_only {
                "datagrams"
            } else {
                "everything"
            }
            .to_owned(),
            ban.left_s.to_string(),
        ]);
    }
    let value = serde_json::to_value(&bans).context("cannot print the bans")?;
    desk.print(&value, &table.text("Nobody is banned."))
}
