//! `carillon trunk`.

use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Trunk {
    /// Make a trunk, or change it
    Set {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Name of the trunk, within the tenant
        name: String,
        /// KEY=VALUE, see docs/commands.md: template, host, username, register, transport, …
        changes: Vec<String>,
        /// File whose first line is the password that the carrier gave; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// What is known of carriers: names for template=
    Templates,
    /// All trunks of a tenant
    List {
        /// Name, domain or id of the tenant
        tenant: String,
    },
    /// All that is written down of a trunk, its password aside
    Show {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Name of the trunk
        name: String,
    },
    /// Delete a trunk and its password
    Delete {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Name of the trunk
        name: String,
    },
    /// How trunks are now: whether they answer, and whether they are registered
    Status {
        /// Only this tenant: name, domain or id
        #[arg(long)]
        tenant: Option<String>,
    },
}
