//! `carillon device`.

use super::{Desk, live, secret};
use crate::arguments::Device;
use crate::control::client::Client;
use crate::control::{Request, TokenView};
use crate::output::{Table, instant};
use anyhow::{Context, Result};
use model::Wall;
use serde_json::json;

/// Runs one of the device commands.
pub(super) fn run(desk: &mut Desk, command: &Device) -> Result<()> {
    match command {
        Device::Add {
            tenant,
            extension,
            username,
            secret,
        } => {
            let (_, scope) = desk.tenant(tenant)?;
            let chosen = secret::choose(secret)?;
            let (store, _) = desk.store()?;
            let user = store.user(&scope, extension)?;
            store.add_device(&scope, user.id, username, &chosen.password)?;
            desk.changed();
            let value = json!({"extension": extension, "username": username, "password": chosen.json()});
            let text = format!("Device {username} of extension {extension} is there.\n");
            desk.print(&value, &(text + &chosen.text()))
        }
        Device::List { tenant } => list(desk, tenant),
        Device::Delete { tenant, username } => {
            let (_, scope) = desk.tenant(tenant)?;
            let (store, _) = desk.store()?;
            let device = store.device(&scope, username)?;
            store.delete_device(&scope, device.id)?;
            desk.changed();
            desk.print(
                &json!({"username": username}),
                &format!("Device {username} is deleted.\n"),
            )
        }
        Device::Token {
            tenant,
            username,
            ttl,
        } => token(desk, tenant, username, *ttl),
        Device::CheckSync {
            tenant,
            username,
            reboot,
        } => live::check_sync(desk, tenant, username, *reboot),
        Device::Password {
            tenant,
            username,
            secret,
        } => {
            let (_, scope) = desk.tenant(tenant)?;
            let chosen = secret::choose(secret)?;
            let (store, _) = desk.store()?;
            let device = store.device(&scope, username)?;
            store.set_password(&scope, device.id, &chosen.password)?;
            desk.changed();
            let value =
                json!({"extension": device.extension, "username": username, "password": chosen.json()});
            desk.print(
                &value,
                &(format!("Device {username} has a new password.\n") + &chosen.text()),
            )
        }
    }
}

/// The running server issues it, for it has the key and knows who is allowed.
fn token(desk: &mut Desk, tenant: &str, username: &str, ttl_s: u64) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let device = store.device(&scope, username)?;
    let request = Request::Token {
        tenant: row.id,
        device: device.id,
        ttl_s,
    };
    let issued: TokenView = Client::connect(&desk.data_dir)?.one(&request)?;
    let value = json!({
        "tenant": row.name,
        "extension": device.extension,
        "username": username,
        "token": issued.token,
        "expires": instant(Wall(issued.expires_ms)),
        "ttl_s": ttl_s,
    });
    desk.print(&value, &format!("{}\n", issued.token))
}

fn list(desk: &mut Desk, tenant: &str) -> Result<()> {
    let (_, scope) = desk.tenant(tenant)?;
    let (store, _) = desk.store()?;
    let rows = store.list_devices(&scope)?;
    let mut table = Table::new(&["USERNAME", "EXTENSION"]);
    for row in &rows {
        table.row([row.username.clone(), row.extension.clone()]);
    }
    let value = serde_json::to_value(&rows).context("cannot print the devices")?;
    desk.print(
        &value,
        &table.text("No device yet; carillon device add makes one."),
    )
}
