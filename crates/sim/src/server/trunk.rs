//! Trunks of a simulated node: their configuration, and what the shell answers.

use super::Server;
use model::{
    FetchCertificate, FetchedCertificate, Locate, Located, Now, NumberRange, Policy, RateDraft, Reach,
    Reached, TenantConfig, TenantId, Trunk,
};
use pbx::{Effect, Input};
use std::sync::Arc;
use tenancy::Directory;

/// A question to the shell, answered a moment later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Where does it lead?
    Locate(Locate),
    /// Is there a way?
    Reach(Reach),
    /// What lies there?
    Fetch(FetchCertificate),
}

impl Server {
    /// A tenant has these trunks from now on.
    pub fn equip(&mut self, id: TenantId, trunks: Vec<Trunk>, now: Now) {
        if let Some(new) = self.renewed(id, |_| {}) {
            self.configure(new.with_trunks(trunks), now);
        }
    }

    /// A tenant has these numbers, and this policy, from now on.
    pub fn number(
        &mut self,
        id: TenantId,
        numbers: Vec<NumberRange>,
        alter: impl FnOnce(&mut Policy),
        now: Now,
    ) {
        let Some(new) = self.renewed(id, |_| {}) else {
            return;
        };
        let mut policy = new.policy().clone();
        alter(&mut policy);
        let domains: Vec<&str> = new.domains().iter().map(|d| &**d).collect();
        let (users, devices) = (new.users().to_vec(), new.devices().to_vec());
        let made = TenantConfig::new(id, new.version(), new.name(), &domains, policy, users, devices);
        if let Ok(made) = made {
            let trunks = new.trunks().to_vec();
            self.own(id, &numbers);
            let made = made.with_trunks(trunks).with_numbers(numbers);
            let made = made.with_rates(new.rates().cloned());
            self.configure(made.with_costs(new.costs().clone()), now);
        }
    }

    /// Everybody knows from now on whose these numbers are.
    fn own(&mut self, id: TenantId, numbers: &[NumberRange]) {
        let others = self.configs.values().filter(|config| config.id() != id);
        let others = others.flat_map(|config| {
            let numbers = config.numbers().iter();
            numbers.map(|range| (config.id(), range.clone()))
        });
        let own = numbers.iter().map(|range| (id, range.clone()));
        let rows = self.configs.values().map(|config| {
            let domains = config.domains().iter().map(ToString::to_string);
            (config.id(), domains.collect())
        });
        if let Ok(directory) = Directory::new(rows) {
            self.directory = Arc::new(directory.with_numbers(others.chain(own)));
        }
    }

    /// A tenant has this price list from now on.
    pub fn price(&mut self, id: TenantId, rates: RateDraft, now: Now) {
        if let Some(new) = self.renewed(id, |_| {}) {
            self.configure(new.with_rates(Some(Arc::new(rates))), now);
        }
    }

    /// The carrier of a trunk charges by this price list from now on.
    pub fn charges(&mut self, id: TenantId, trunk: &str, list: RateDraft, now: Now) {
        let Some(new) = self.renewed(id, |_| {}) else {
            return;
        };
        let mut costs = new.costs().clone();
        if let Some(trunk) = new.trunk_named(trunk) {
            costs.insert(trunk.id, Arc::new(list));
        }
        self.configure(new.with_costs(costs), now);
    }

    /// From now on, and after the tenant is built anew, calls are signed by this.
    pub fn sign_with(&mut self, signer: stir::Signer, id: TenantId, now: Now) {
        self.setup.signer = Some(Arc::new(signer));
        self.rebuild(id, now);
    }

    /// From now on, and after a tenant is built anew, these authorities are believed.
    pub fn trust(&mut self, authorities: stir::Anchors, now: Now) {
        let authorities = Arc::new(authorities);
        self.setup.authorities = Arc::clone(&authorities);
        let all: Vec<TenantId> = self.tenants.keys().copied().collect();
        for id in all {
            self.input(id, Input::Authorities(Arc::clone(&authorities)), now);
        }
    }

    /// A certificate has come, or can't.
    pub fn fetched(&mut self, id: TenantId, fetched: FetchedCertificate, now: Now) {
        self.input(id, Input::Certificate(fetched), now);
    }

    /// What tenants say about calls to the outside, and where calls may come from.
    pub(super) fn told_of_trunks(&mut self, id: TenantId, effect: Effect, now: Now) {
        match effect {
            Effect::Emergency(call) => self.emergencies.push(*call),
            Effect::Toll(alert) => self.alerts.push((now.mono, *alert)),
            Effect::Counted(counted) => drop(self.counted.insert(id, *counted)),
            Effect::Reachable(reachable) => {
                self.peers = self.peers.with(id, reachable);
                self.edge.set_peers(&Arc::new(self.peers.clone()));
            }
            _ => {}
        }
    }

    /// The DNS has answered a tenant.
    pub fn located(&mut self, id: TenantId, located: Located, now: Now) {
        self.input(id, Input::Located(located), now);
    }

    /// There is a way to a carrier, or none.
    pub fn reached(&mut self, id: TenantId, reached: Reached, now: Now) {
        self.input(id, Input::Reached(reached), now);
    }
}
