//! After everything that happened: in fair weather two healthy phones must be able to talk.

use super::scene::Scene;
use crate::net::Weather;
use crate::phone::{Answer, State};

impl Scene {
    /// Repairs what is broken outside of the server, then lets two colleagues talk.
    pub(super) fn probe(&mut self) -> Result<(), String> {
        let Some((caller, callee)) = self.colleagues() else {
            return Ok(());
        };
        self.note("in fair weather:");
        self.repair(caller, callee)?;
        for phone in [caller, callee] {
            self.world.act(phone, |p, now| p.register(600, now));
            self.run_ms(500)?;
        }
        let number = self.extension(callee);
        let records = self.world.server.cdrs.len();
        let heard =
            |scene: &Scene, phone: usize| scene.world.phones.get(phone).map_or(0, |p| p.packets_received);
        let before = (heard(self, caller), heard(self, callee));
        let call = self.world.act(caller, |p, now| p.call(&number, now));
        self.run_ms(5_000)?;
        let after = (heard(self, caller), heard(self, callee));
        let up = |scene: &Scene, phone: usize| {
            let calls = scene
                .world
                .phones
                .get(phone)
                .map(|p| p.calls())
                .unwrap_or_default();
            calls.iter().filter(|(_, state)| *state == State::Up).count() == 1
        };
        if !up(self, caller) || !up(self, callee) {
            return Err("two healthy phones in fair weather could not call".to_owned());
        }
        if after.0 <= before.0 || after.1 <= before.1 {
            return Err(format!(
                "healthy phones did not hear each other: {before:?} {after:?}"
            ));
        }
        self.world.act(caller, |p, now| p.hang_up(call.unwrap_or(0), now));
        self.run_ms(500)?;
        let [record] = self.world.server.cdrs.get(records..).unwrap_or(&[]) else {
            return Err("the call of two healthy phones left not one record".to_owned());
        };
        let counted = record.caller_media.is_some_and(|m| m.packets > 0)
            && record.callee_media.is_some_and(|m| m.packets > 0);
        let relayed = record.caller_media.is_some();
        if record.cause.sip != 200 || record.talk_ms < 3_000 || (relayed && !counted) {
            return Err(format!(
                "the call of two healthy phones was recorded as {record:?}"
            ));
        }
        Ok(())
    }

    /// Two phones of one company with different extensions.
    fn colleagues(&self) -> Option<(usize, usize)> {
        (0..self.homes.len()).find_map(|a| {
            let other = (0..self.homes.len()).find(|b| {
                self.homes.get(a) == self.homes.get(*b) && self.extension(a) != self.extension(*b)
            })?;
            Some((a, other))
        })
    }

    fn extension(&self, phone: usize) -> String {
        let phone = self.world.phones.get(phone);
        phone.map_or_else(String::new, |p| p.identity.user.clone())
    }

    fn repair(&mut self, caller: usize, callee: usize) -> Result<(), String> {
        self.world.network.set_weather(Weather::FAIR);
        self.mend_wire(true);
        self.world.server.bindable = true;
        self.restart()?;
        let now = self.world.now();
        for shape in &mut self.shapes {
            shape.disabled.clear();
            shape.deleted.clear();
            shape.settings.clear();
            shape.policy.codecs.clear();
            shape.policy.max_call_s = 60;
            shape.policy.ring_timeout_s = 20;
            shape.version += 1;
            self.world.server.configure(shape.config(), now);
        }
        for (index, phone) in self.world.phones.iter_mut().enumerate() {
            phone.answer = if index == callee {
                Answer::PickUp(300)
            } else {
                Answer::Ring
            };
            if index == caller || index == callee {
                phone.codecs = vec![0, 8];
                phone.rogue = false;
                phone.mute = false;
                // Over WebSocket it would be offered what browsers take.
                phone.ufrag = None;
                phone.abilities.offerless &= self.sound.is_none();
                phone.identity.password = format!("pw{}", phone.identity.user);
            }
        }
        self.run_ms(2_000)
    }
}
