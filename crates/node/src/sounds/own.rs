//! Sounds that tenants brought, from the database.
//!
//! Owns: a connection of the thread's own, and what was decoded. Does not own: which sound a name means (`model::Library`).

use super::Samples;
use super::memory::Memory;
use crate::shared::Shared;
use anyhow::{Context, Result};
use model::{OwnSound, SoundId, TenantId};
use std::sync::Arc;
use std::time::Duration;
use store::{Options, Store};
use tenancy::Operator;

/// Samples that are kept: 64 MB, more than an hour at 8 kHz.
const MOST: usize = 32 << 20;
/// How long the database may be busy. Reading waits for no writer.
const BUSY: Duration = Duration::from_millis(500);

/// What the thread keeps.
pub(super) struct Shelf {
    store: Option<Store>,
    /// A sound never changes, so nothing here is ever out of date. The tenant is part of the key: who guesses another's number
    /// hears nothing.
    memory: Memory<(TenantId, SoundId, u32)>,
}

impl Shelf {
    pub(super) fn new() -> Shelf {
        Shelf {
            store: None,
            memory: Memory::new(MOST),
        }
    }

    /// A sound of this very tenant.
    pub(super) fn get(
        &mut self,
        shared: &Shared,
        tenant: TenantId,
        sound: OwnSound,
        rate_hz: u32,
    ) -> Samples {
        let store = &mut self.store;
        self.memory.get(&(tenant, sound.id, rate_hz), || {
            match read(store, shared, tenant, sound.id, rate_hz) {
                Ok(samples) => samples,
                Err(error) => {
                    tracing::error!(%tenant, sound = %sound.id, "a tenant's own sound can't be played: {error:#}");
                    // The next one has a fresh connection.
                    *store = None;
                    None
                }
            }
        })
    }
}

fn read(
    place: &mut Option<Store>,
    shared: &Shared,
    tenant: TenantId,
    id: SoundId,
    rate_hz: u32,
) -> Result<Samples> {
    let directory = shared.directory.load_full();
    let Some(scope) = Operator::local().scope(&directory, tenant) else {
        return Ok(None);
    };
    let store = match place.take() {
        Some(store) => store,
        None => Store::open_with(
            &shared.settings.data_dir,
            Options {
                busy_timeout: BUSY,
                exclusive: false,
            },
        )?,
    };
    let Some(file) = place.insert(store).sound(&scope, id)? else {
        return Ok(None);
    };
    let samples = audio::sound::decode(&file, rate_hz).context("it can't be decoded")?;
    Ok(Some(Arc::from(samples)))
}
