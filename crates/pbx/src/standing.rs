//! How trunks stand, beyond what they find out by themselves: those that calls fail on, and those that lead to other tenants; and how it stands
//! with verifying callers.
//!
//! Owns: who hears of it. Does not own: the counting (`carriers`, `doubts`), and trunks that register or are asked (`trunk`).

use crate::context::Context;
use crate::doubts::Doubt;
use crate::effect::Effect;
use model::{Now, StirNews, TenantId, Trunk, TrunkHealth, TrunkId, TrunkNews, TrunkRegistration, TrunkView};

impl Context {
    /// The tenant that a trunk leads to, where it leads to one that is there.
    pub(crate) fn tenant_of(&self, trunk: &Trunk) -> Option<TenantId> {
        let draft = &trunk.draft;
        draft
            .leads_inside()
            .then(|| self.directory.domain_owner(&draft.tenant))?
    }

    /// The trunks that lead to other tenants, as commands show them: up while that tenant is there.
    pub(crate) fn inside_views(&self) -> impl Iterator<Item = TrunkView> {
        let trunks = self.config.trunks().iter();
        let trunks = trunks.filter(|trunk| trunk.draft.enabled && trunk.draft.leads_inside());
        trunks.map(|trunk| {
            let is_there = self.tenant_of(trunk).is_some();
            TrunkView {
                id: trunk.id,
                name: trunk.name.to_string(),
                health: if is_there {
                    TrunkHealth::Up
                } else {
                    TrunkHealth::Down
                },
                registration: TrunkRegistration::Off,
                place: Some(trunk.draft.tenant.clone()),
                unverified: false,
                fault: if is_there { "" } else { "there is no such company" }.to_owned(),
                calls: self.carriers.channels(trunk.id),
                failures: self.carriers.failures(trunk.id),
            }
        })
    }

    /// A call has come to nothing by the carrier's fault; somebody hears of it when the trunk is left alone for that.
    pub(crate) fn carrier_fails(&mut self, trunk: TrunkId, now: Now) {
        self.counts.trunk_failures += 1;
        let Some(time) = self.carriers.fails(trunk, now) else {
            return;
        };
        self.counts.trunk_breaks += 1;
        if let Some(trunk) = self.config.trunk(trunk) {
            self.out.push(Effect::Trunk(TrunkNews {
                name: trunk.name.clone(),
                health: TrunkHealth::Unknown,
                registration: TrunkRegistration::Off,
                why: "".into(),
                left_alone_s: Some(time.as_secs()),
            }));
        }
    }

    /// A call of a signer was not verified. True while that is taken for our own fault.
    pub(crate) fn somebody_is_not_verified(&mut self, signer: &str, doubt: Doubt, now: Now) -> bool {
        let doubts = self.vouching.doubts();
        let told = doubts.fails(signer, doubt, now);
        let stands = doubts.stands();
        if let Some(why) = told {
            self.counts.stir_doubts += 1;
            let why = Some(why.into());
            self.out.push(Effect::Stir(StirNews { why }));
        }
        stands
    }

    /// One was.
    pub(crate) fn somebody_is_verified(&mut self, now: Now) {
        if self.vouching.doubts().passes(now) {
            self.out.push(Effect::Stir(StirNews { why: None }));
        }
    }
}
