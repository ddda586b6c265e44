//! The commands that an operator types, one module per noun.
//!
//! Those about configuration and records open the store, and work whether a server runs or not; a running server is
//! told at once and looks by itself each second anyway. Those about what is alive ask the server by its socket.

mod audio;
mod ban;
mod call;
mod carriers;
mod cdr;
mod change;
mod conference;
mod csv;
mod device;
mod domain;
mod flow;
mod help;
mod input;
mod list;
mod live;
mod location;
mod music;
mod names;
mod number;
mod prompt;
mod rate;
mod recording;
mod route;
mod secret;
mod tenant;
mod toll;
mod trace;
mod trunk;
mod upload;
mod user;

use crate::arguments::{Command, Global};
use crate::{control, output, place};
use anyhow::{Result, anyhow};
use model::TenantId;
use serde_json::Value;
use std::path::PathBuf;
use store::{Store, TenantRow};
use tenancy::{Operator, Scope};

/// Runs any command but `serve` and `check-config`.
///
/// # Errors
/// One line that says what to do.
pub(crate) fn run(command: &Command, global: &Global) -> Result<()> {
    let mut desk = Desk::open(global)?;
    match command {
        Command::Tenant(command) => tenant::run(&mut desk, command),
        Command::Domain(command) => domain::run(&mut desk, command),
        Command::List(command) => list::run(&mut desk, command),
        Command::Flow(command) => flow::run(&mut desk, command),
        Command::Trunk(command) => trunk::run(&mut desk, command),
        Command::Number(command) => number::run(&mut desk, command),
        Command::Route(command) => route::run(&mut desk, command),
        Command::Location(command) => location::run(&mut desk, command),
        Command::Toll(command) => toll::run(&mut desk, command),
        Command::Rate(command) => rate::run(&mut desk, command),
        Command::Prompt(command) => prompt::run(&mut desk, command, global),
        Command::Music(command) => music::run(&mut desk, command),
        Command::Conference(command) => conference::run(&mut desk, command),
        Command::User(command) => user::run(&mut desk, command),
        Command::Device(command) => device::run(&mut desk, command),
        Command::Cdr(options) => cdr::run(&mut desk, options),
        Command::Registrations { tenant } => live::registrations(&mut desk, tenant.as_deref()),
        Command::Unregister { tenant, extension } => live::unregister(&mut desk, tenant, extension),
        Command::Mwi {
            tenant,
            extension,
            new,
            old,
        } => live::mwi(&mut desk, tenant, extension, (*new, *old)),
        Command::Calls { tenant } => live::calls(&mut desk, tenant.as_deref()),
        Command::Call(command) => call::run(&mut desk, command),
        Command::Recording(command) => recording::run(&mut desk, command),
        Command::Trace(options) => trace::run(&mut desk, options),
        Command::Quality { call, tenant } => audio::quality(&mut desk, tenant.as_deref(), *call),
        Command::Ban(command) => ban::run(&desk, command),
        Command::Status => live::status(&mut desk),
        Command::Serve | Command::CheckConfig { .. } => Ok(()),
    }
}

/// What a command works with.
pub(crate) struct Desk {
    /// Where everything is.
    pub(crate) data_dir: PathBuf,
    json: bool,
    operator: Operator,
    store: Option<Store>,
}

impl Desk {
    fn open(global: &Global) -> Result<Desk> {
        Ok(Desk {
            data_dir: place::data_dir(global)?,
            json: global.json,
            operator: Operator::local(),
            store: None,
        })
    }

    /// The store, opened when it is first needed.
    pub(crate) fn store(&mut self) -> Result<(&mut Store, &Operator)> {
        let store = match self.store.take() {
            Some(store) => store,
            None => Store::open(&self.data_dir)?,
        };
        Ok((self.store.insert(store), &self.operator))
    }

    /// The tenant that a person means, by name, domain or id.
    pub(crate) fn tenant(&mut self, text: &str) -> Result<(TenantRow, Scope)> {
        let (store, operator) = self.store()?;
        let row = store
            .find_tenant(operator, text)
            .map_err(|e| anyhow!("{e}; carillon tenant list shows all"))?;
        let directory = store.full_directory(operator)?;
        let scope = operator.scope(&directory, row.id);
        let scope = scope.ok_or_else(|| anyhow!("tenant {text} was deleted just now"))?;
        Ok((row, scope))
    }

    /// The tenant that an option names, if it is given.
    pub(crate) fn chosen(&mut self, text: Option<&str>) -> Result<Option<TenantId>> {
        text.map(|text| self.tenant(text).map(|(row, _)| row.id))
            .transpose()
    }

    /// Tells a running server that the configuration changed. Without one there is nobody to tell.
    pub(crate) fn changed(&self) {
        control::client::nudge(&self.data_dir);
    }

    /// Prints the answer.
    pub(crate) fn print(&self, value: &Value, text: &str) -> Result<()> {
        output::print(self.json, value, text)
    }
}
