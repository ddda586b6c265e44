//! What earlier starts left: bindings, calls and counts go back to their tenants, and who had shown a password is no stranger.
//!
//! Owns: what is handed back, and whom the border hears of. Does not own: the journals, and what tenants make of it.

use super::Core;
use crate::shared::Remembered;
use border::Report;
use model::{
    BindingRecord, CallChange, CallCheckpoint, CredentialKey, FlowToken, LegCheckpoint, TenantConfig,
    TenantId, Wall,
};
use std::collections::BTreeMap;

/// Shows that somebody is known, where it is not known by which credential.
const SOME: u64 = 0;

impl Core {
    /// A call whose tenant is no more leaves its record.
    fn bury(&mut self, call: CallCheckpoint) {
        let (tenant, id) = (call.tenant, call.call);
        self.records.cdr(call.record);
        self.records.call(CallChange::Remove { tenant, call: id });
    }

    /// What earlier starts left.
    pub(crate) fn restore(&mut self, kept: Remembered) {
        for (flow, credential) in self.shown_before(&kept) {
            self.report(&flow, Report::Granted(credential));
        }
        let mut by_tenant: BTreeMap<TenantId, Remembered> = BTreeMap::new();
        for record in kept.bindings {
            by_tenant.entry(record.tenant).or_default().bindings.push(record);
        }
        for record in kept.events {
            by_tenant.entry(record.tenant).or_default().events.push(record);
        }
        for (tenant, counted) in kept.counted {
            by_tenant
                .entry(tenant)
                .or_default()
                .counted
                .insert(tenant, counted);
        }
        for call in kept.calls {
            if self.tenants.config(call.tenant).is_some() {
                by_tenant.entry(call.tenant).or_default().calls.push(call);
            } else {
                self.bury(call);
            }
        }
        for (tenant, records) in by_tenant {
            self.tenants.restore(tenant, records, self.now);
        }
    }

    /// Where those are who had shown a password, and which. Calls first: where a phone is registered from where it talks, it is known which.
    fn shown_before(&self, kept: &Remembered) -> Vec<(FlowToken, u64)> {
        let config = |tenant| self.tenants.config(tenant).map(|config| &**config);
        let calls = kept.calls.iter().filter(|call| config(call.tenant).is_some());
        let legs = calls.flat_map(|call| [&call.caller, &call.callee]);
        let talks = legs.filter_map(of_leg);
        let bindings = kept.bindings.iter();
        let is_at = bindings.filter_map(|record| of_binding(config(record.tenant)?, record, self.now.wall));
        talks.chain(is_at).collect()
    }
}

/// A phone that was let into a call, or a carrier: what it sends in the call is not to wait behind strangers, though it has sent nothing yet.
fn of_leg(leg: &LegCheckpoint) -> Option<(FlowToken, u64)> {
    let is_somebody = leg.user.is_some() || leg.trunk.is_some();
    (is_somebody && !leg.flow.is_inside()).then_some((leg.flow, SOME))
}

/// A phone that is registered still, by a device that may be.
fn of_binding(config: &TenantConfig, record: &BindingRecord, now: Wall) -> Option<(FlowToken, u64)> {
    let device = config.device_by_id(record.device)?;
    let stands = config.may_be_bound(record.device, record.user) && record.expires > now;
    let credential = CredentialKey::of(record.tenant, &device.username);
    stands.then_some((record.flow, credential.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::border_desk::BorderDesk;
    use crate::settings::Border;
    use border::{Nets, Standing};
    use model::{
        BindingKey, Counts, Device, DeviceId, DialogRecord, DigestSecret, Policy, TrunkId, User, UserId,
        UserSettings,
    };
    use std::time::Duration;

    const NOW: Wall = Wall(1_800_000_000_000);
    const ACME: TenantId = TenantId(1);

    fn flow(host: u8, port: u16) -> FlowToken {
        FlowToken {
            transport: model::Transport::Udp,
            worker: 0,
            connection: 0,
            local: ([10, 0, 0, 1], 5060).into(),
            remote: ([192, 0, 2, host], port).into(),
        }
    }

    fn config() -> TenantConfig {
        let user = |id: u64, enabled| User {
            id: UserId(id),
            extension: format!("10{id}").into(),
            display: "".into(),
            enabled,
            settings: UserSettings::default(),
        };
        let device = |id: u64| Device {
            id: DeviceId(id),
            user: UserId(id),
            username: format!("10{id}").into(),
            secret: DigestSecret {
                md5: [0; 16],
                sha256: [0; 32],
            },
        };
        let users = vec![user(1, true), user(2, false)];
        let devices = vec![device(1), device(2)];
        TenantConfig::new(
            ACME,
            1,
            "Acme",
            &["acme.example"],
            Policy::default(),
            users,
            devices,
        )
        .unwrap()
    }

    fn binding(device: u64, host: u8, expires: Wall) -> BindingRecord {
        BindingRecord {
            tenant: ACME,
            user: UserId(device),
            device: DeviceId(device),
            key: BindingKey::Contact("sip:x".into()),
            contact: "sip:x".into(),
            q_milli: 1_000,
            expires,
            since: NOW,
            flow: flow(host, 5060),
            call_id: "c".into(),
            cseq: 1,
            user_agent: "".into(),
            extra: None,
            instance: None,
        }
    }

    fn leg(host: u8, user: Option<UserId>, trunk: Option<TrunkId>) -> LegCheckpoint {
        LegCheckpoint {
            dialog: DialogRecord {
                call_id: "c".into(),
                local_tag: "a".into(),
                remote_tag: "b".into(),
                local: "<sip:a@acme.example>".into(),
                remote: "<sip:b@acme.example>".into(),
                local_cseq: 1,
                remote_cseq: 1,
                remote_target: "sip:b".into(),
                route_set: Vec::new(),
            },
            unheard: false,
            user,
            trunk,
            flow: flow(host, 5060),
            binding: None,
            instance: None,
            said: None,
            heard: None,
            update: false,
            info: None,
            invited: false,
            session: None,
            session_id: None,
        }
    }

    #[test]
    fn who_was_registered_or_in_a_call_is_no_stranger_after_the_restart() {
        let (config, later) = (config(), NOW.after(Duration::from_secs(60)));
        let bindings = [
            binding(1, 1, later),
            binding(1, 2, NOW),
            binding(2, 3, later),
            binding(7, 4, later),
        ];
        let legs = [
            leg(5, Some(UserId(1)), None),
            leg(6, None, Some(TrunkId(1))),
            leg(7, None, None),
        ];
        let settings = Border {
            allow: Nets::default(),
            ..Border::default()
        };
        let border = BorderDesk::new(&settings, std::sync::Arc::default()).unwrap();
        let now = Duration::from_secs(1);
        let talks = legs.iter().filter_map(of_leg);
        let is_at = bindings
            .iter()
            .filter_map(|record| of_binding(&config, record, NOW));
        for (flow, credential) in talks.chain(is_at) {
            border.report(&flow, Report::Granted(credential), now, &mut Counts::default());
        }
        let standing = |host, port| border.standing(&flow(host, port), now);
        for host in [1, 5, 6] {
            assert_eq!(standing(host, 5060), Standing::Shown, "{host}");
            assert_eq!(standing(host, 5062), Standing::Neighbour, "{host}");
        }
        // Its registration is over, its user is switched off, its device is gone, nobody knows who it was.
        for host in [2, 3, 4, 7] {
            assert_eq!(standing(host, 5060), Standing::Stranger, "{host}");
        }
        // Nobody locks the phone out by guessing in its name.
        let own = CredentialKey::of(ACME, "101").0;
        for _ in 0..50 {
            let report = Report::Denied(own);
            border.report(&flow(1, 9), report, now, &mut Counts::default());
        }
        assert!(border.is_locked(&flow(1, 9), own, now));
        assert!(!border.is_locked(&flow(1, 5060), own, now));
    }
}
