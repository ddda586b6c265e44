//! Transfers by chance, and whether those who are connected hear each other in the end.

use super::scene::Scene;
use crate::phone::State;
use std::net::IpAddr;

impl Scene {
    /// Somebody transfers: to a number, or one of two calls to the other, whatever state they are in.
    pub(super) fn transfer(&mut self, phone: usize) {
        let busy = self.talking();
        let phone = self.rng.pick(&busy).copied().unwrap_or(phone);
        let number = self.number(phone);
        let target = if number.contains('@') {
            format!("<sip:{number}>")
        } else {
            number
        };
        let attended = self.rng.per_mille(500);
        self.world.act(phone, |p, now| {
            let live = |(_, state): &(usize, State)| matches!(state, State::Up | State::Calling);
            let calls: Vec<_> = p.calls().into_iter().filter(live).collect();
            match calls.as_slice() {
                [.., (one, _), (other, _)] if attended => p.refer_to_call(*one, *other, now),
                [.., (one, State::Up)] => p.refer(*one, &target, now),
                _ => {}
            }
        });
    }

    /// Somebody picks up what rings, by code, or takes the place of a phone whose dialog he knows.
    pub(super) fn take(&mut self, phone: usize) {
        let other = usize::try_from(self.rng.below(self.homes.len() as u64)).unwrap_or(0);
        let names: Vec<String> = self.world.phones.get(other).map_or_else(Vec::new, |other| {
            let calls = other.calls().into_iter();
            calls.filter_map(|(call, _)| other.replaces(call)).collect()
        });
        let name = self.rng.pick(&names).cloned();
        let early = if self.rng.per_mille(300) {
            ";early-only"
        } else {
            ""
        };
        let number = match self.rng.below(3) {
            0 => "*8".to_owned(),
            _ => format!("**{}", self.number(phone)),
        };
        self.world.act(phone, |p, now| match name {
            Some(name) => p.call_replacing("100", &format!("{name}{early}"), now),
            None => p.call(&number, now),
        });
    }

    /// The same as a transfer, and the transferrer hangs up soon.
    pub(super) fn transfer_and_leave(&mut self, phone: usize) {
        self.transfer(phone);
        let wait = self.rng.pick(&[0, 1, 5, 50]).copied().unwrap_or(0);
        let end = self.world.now().mono + std::time::Duration::from_millis(wait);
        while self.world.step(end) {}
        self.world.rest_until(end);
        self.end(phone);
    }

    /// True for a phone whose audio is where it said: one that has roamed expects it elsewhere until it is asked again.
    fn is_steady(&self, index: usize) -> bool {
        !self.unsteady.contains(&index) && !self.roamed.contains(&index)
    }

    /// Two phones that the server has connected, and that both may speak, hear each other, or the server for the other.
    pub(super) fn connected_hear_each_other(&mut self) -> Result<(), String> {
        for phone in &mut self.world.phones {
            phone.voices.clear();
            phone.spoken_to = 0;
        }
        self.run_ms(3_000)?;
        let tenants = self.world.server.tenants();
        let pairs: Vec<_> = tenants.flat_map(|(_, tenant)| tenant.pairs()).collect();
        for (one, other) in pairs {
            let find = |call_id: &str| {
                let phones = self.world.phones.iter().enumerate();
                phones
                    .filter(|(index, phone)| self.is_steady(*index) && !phone.mute)
                    .map(|(_, phone)| phone)
                    .find(|phone| phone.speaks_in(call_id))
            };
            let (Some(one), Some(other)) = (find(&one), find(&other)) else {
                continue;
            };
            for (speaker, listener) in [(one, other), (other, one)] {
                let IpAddr::V4(ip) = speaker.identity.address.ip() else {
                    continue;
                };
                // Who lacks the speaker's codec hears it by our voice.
                if !listener.voices.contains(&ip.octets()) && listener.spoken_to == 0 {
                    let [speaker, listener] = [speaker, listener].map(|p| &p.identity.name);
                    return Err(format!(
                        "{speaker} is connected to {listener} and not heard there"
                    ));
                }
            }
        }
        Ok(())
    }
}
