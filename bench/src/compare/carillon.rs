//! Carillon twice: one that relays media (the default) and one whose tenant has it go straight between the
//! phones, which is what a proxy does.

use super::{Contestant, Settings};
use crate::house::{self, House};
use anyhow::{Context as _, Result};
use std::path::Path;

/// Name, policy, and RTP ports: the ranges of two servers must not meet, and every port is an open file, of which
/// common systems allow a process 20,000.
const VARIANTS: [(&str, &str, (u16, u16)); 2] = [
    ("Carillon, media relayed", "media=relay", (12_000, 27_999)),
    ("Carillon, media direct", "media=direct", (30_000, 30_099)),
];

/// Starts both variants; none when the program was not built.
pub(super) fn start(settings: &Settings, folder: &Path) -> Result<Vec<Contestant>> {
    let program = house::program(settings.carillon.as_ref())?;
    if !program.exists() {
        println!(
            "SKIP Carillon: no {}; `cargo build --release -p carillon` makes it",
            program.display()
        );
        return Ok(Vec::new());
    }
    let variant = |(name, policy, ports): (&'static str, &str, (u16, u16))| {
        let house = House::build(&program, &folder.join(policy), settings.users, policy, ports)?;
        let (server, ready) = house.serve().with_context(|| name.to_owned())?;
        Ok(Contestant {
            name,
            relays: policy == "media=relay",
            server,
            sip: house.address(settings.transport),
            ready,
        })
    };
    VARIANTS.into_iter().map(variant).collect()
}
