//! What administrators change on a simulated node.

use super::Server;
use model::{Limits, Now, TenantConfig, TenantId, User, UserId, UserSettingsChange};
use pbx::Input;
use std::sync::Arc;

impl Server {
    /// A tenant has a new configuration when the process starts again.
    pub fn configure_next(&mut self, config: TenantConfig) {
        self.configs.insert(config.id(), Arc::new(config));
    }

    /// A tenant has a new configuration.
    pub fn configure(&mut self, config: TenantConfig, now: Now) {
        let (id, config) = (config.id(), Arc::new(config));
        self.configs.insert(id, Arc::clone(&config));
        self.input(id, Input::Config(config), now);
    }

    /// Somebody changes a user's settings from outside, as a command does.
    pub fn set(&mut self, id: TenantId, user: UserId, change: &UserSettingsChange, now: Now) {
        let new = self.renewed(id, |known| {
            if known.id == user {
                change.apply(&mut known.settings);
            }
        });
        if let Some(new) = new {
            self.configure(new, now);
        }
    }

    /// An administrator changes users.
    pub fn alter(&mut self, id: TenantId, alter: impl FnMut(&mut User), now: Now) {
        if let Some(new) = self.renewed(id, alter) {
            self.configure(new, now);
        }
    }

    /// The tenants begin anew with other limits.
    pub fn limit(&mut self, limits: Limits, now: Now) {
        self.setup.limits = limits;
        self.tenants.clear();
        self.start_tenants(now);
    }

    /// The next version of a configuration, its users altered.
    pub(super) fn renewed(&self, id: TenantId, mut alter: impl FnMut(&mut User)) -> Option<TenantConfig> {
        let old = self.configs.get(&id)?;
        let mut users = old.users().to_vec();
        users.iter_mut().for_each(&mut alter);
        let domains: Vec<&str> = old.domains().iter().map(|d| &**d).collect();
        let (version, policy, devices) = (old.version() + 1, old.policy().clone(), old.devices().to_vec());
        let new = TenantConfig::new(id, version, old.name(), &domains, policy, users, devices).ok()?;
        Some(
            new.with_trunks(old.trunks().to_vec())
                .with_numbers(old.numbers().to_vec())
                .with_rates(old.rates().cloned())
                .with_costs(old.costs().clone()),
        )
    }
}
