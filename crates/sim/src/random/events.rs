//! What people do with lamps, presence and texts.

use super::scene::Scene;
use crate::phone::{Watch, Watching};
use model::{EventCommand, ForwardKind, Lamp, Mailbox, TenantId, UserId, UserSettingsChange};
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

    /// People press the keys of their phones for do-not-disturb and forwarding, or somebody does it for them.
    pub(super) fn press_keys(&mut self) {
        if !self.keys.per_mille(self.presses) {
            return;
        }
        let phone = usize::try_from(self.keys.below(self.homes.len() as u64)).unwrap_or(0);
        let home = self.homes.get(phone).copied().unwrap_or(0);
        let extensions = self.shapes.get(home).map_or(&[][..], |shape| shape.extensions());
        let colleague = self.keys.pick(extensions).copied().unwrap_or("100");
        let kinds = [
            ("forwardImmediate", ForwardKind::Always),
            ("forwardBusy", ForwardKind::Busy),
            ("forwardNoAns", ForwardKind::NoAnswer),
        ];
        let (name, kind) = self
            .keys
            .pick(&kinds)
            .copied()
            .unwrap_or(("forwardBusy", ForwardKind::Busy));
        let numbers = [Some(colleague), Some(colleague), Some("999"), None];
        let to = self.keys.pick(&numbers).copied().flatten();
        let key = match self.keys.below(4) {
            0 => "dnd on".to_owned(),
            1 => "dnd off".to_owned(),
            _ => format!("{name} {}", to.unwrap_or("off")),
        };
        if self.keys.per_mille(150) {
            let (tenant, user) = (TenantId(home as u64 + 1), UserId(self.keys.below(2) + 1));
            let change = UserSettingsChange::forward(kind, to);
            let now = self.world.now();
            self.note(&format!(
                "a command forwards calls of {user} in company {home}: {change:?}"
            ));
            self.world.server.set(tenant, user, &change, now);
            return self.world.collect();
        }
        self.world.act(phone, |p, now| {
            let live = |w: &Watch| w.event == "as-feature-event" && w.state == Watching::Active;
            match p.watches().iter().position(live) {
                Some(watch) => p.press(watch, &key, now),
                None => {
                    let own = p.identity.user.clone();
                    p.watch("as-feature-event", &own, WATCH_S, now);
                }
            }
        });
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
