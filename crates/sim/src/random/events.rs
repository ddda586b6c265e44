//! What people do with lamps, presence and texts.

use super::scene::Scene;
use crate::phone::Watching;
use model::{EventCommand, Lamp, Mailbox, TenantId, UserId};
use pbx::Input;

/// Long enough to be looked at when all is calm, short enough to have ended when all is at rest, seconds.
const WATCH_S: u32 = 200;

impl Scene {
    /// A phone watches, refreshes, stops, writes, or publishes; or something that is watched changes.
    pub(super) fn observe(&mut self, phone: usize) {
        let number = self.number(phone);
        let busy = self.rng.per_mille(500);
        let user = UserId(self.rng.below(2) + 1);
        match self.rng.below(12) {
            0..4 => drop(
                self.world
                    .act(phone, |p, now| p.watch("dialog", &number, WATCH_S, now)),
            ),
            4 => {
                let event = self.rng.pick(&["presence", "reg", "message-summary"]).copied();
                self.world.act(phone, |p, now| {
                    p.watch(event.unwrap_or("presence"), &number, WATCH_S, now)
                });
            }
            5 => drop(
                self.world
                    .act(phone, |p, now| p.watch("dialog", "all", WATCH_S, now)),
            ),
            6..8 => {
                let live: Vec<usize> = self.watched_by(phone);
                let again = if busy { WATCH_S } else { 0 };
                if let Some(watch) = self.rng.pick(&live).copied() {
                    self.world.act(phone, |p, now| p.subscribe(watch, again, now));
                }
            }
            8 => drop(self.world.act(phone, |p, now| p.text(&number, "Hello", now))),
            9 => {
                let life = if busy { 60 } else { 0 };
                self.world
                    .act(phone, |p, now| p.publish(busy, "meeting", life, now));
            }
            10 => self.tell(EventCommand::Mailbox {
                user,
                mailbox: Mailbox { new: 1, old: 2 },
            }),
            _ => self.tell(EventCommand::Resource {
                name: "park".into(),
                lamp: busy.then_some(Lamp::On),
            }),
        }
    }

    fn tell(&mut self, command: EventCommand) {
        let tenant = TenantId(self.rng.below(self.shapes.len() as u64) + 1);
        let now = self.world.now();
        self.world.server.input(tenant, Input::Event(command), now);
        self.world.collect();
    }

    fn watched_by(&self, phone: usize) -> Vec<usize> {
        let watches = self.world.phones.get(phone).map_or(&[][..], |p| p.watches());
        let live = watches
            .iter()
            .enumerate()
            .filter(|(_, w)| w.state == Watching::Active);
        live.map(|(number, _)| number).collect()
    }
}
