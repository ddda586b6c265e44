//! What people do with sound, and what goes wrong between their calls and the media plane, in worlds where that is far away.

use super::scene::{Scene, Shape, storm};
use crate::net::Weather;
use crate::phone::Beside;
use crate::rng::Rng;
use crate::server::Wire;
use model::{FlowDraft, Policy, RecordPolicy, RoomCommand, TenantId, Transport};
use pbx::Input;
use std::collections::BTreeMap;
use std::time::Duration;

/// The numbers that lead to flows.
const NUMBERS: [&str; 8] = ["200", "201", "202", "203", "204", "200", "*43", "*33101"];

const FLOWS: [(&str, &str); 5] = [
    (
        "200",
        r#"{"name": "conference", "steps": {"start": {"do": "conference", "room": 200}}}"#,
    ),
    (
        "201",
        r#"{"name": "recorder", "steps": {"start": {"do": "record", "say": [{"prompt": "record/after-tone"}], "max_s": 20}}}"#,
    ),
    (
        "202",
        r#"{"name": "menu", "steps": {
        "start": {"do": "menu", "say": [{"prompt": "menu/demo"}],
            "keys": {"1": "echo", "2": "music", "3": "conference", "9": "ask", "*": "start"}},
        "echo": {"do": "echo"},
        "music": {"do": "play", "say": [{"music": "default"}], "times": 0},
        "conference": {"do": "conference", "room": 200},
        "ask": {"do": "gather", "say": [{"prompt": "menu/enter-extension"}], "min": 3, "max": 6, "otherwise": "dial"},
        "dial": {"do": "dial", "then": "start"}}}"#,
    ),
    (
        "203",
        r#"{"name": "board", "steps": {"start": {"do": "conference", "room": 7, "pin": "12", "moderator_pin": "99"}}}"#,
    ),
    (
        "204",
        r#"{"name": "page", "steps": {"start": {"do": "page", "extensions": ["100", "101", "102"]}}}"#,
    ),
];

/// Gives a company its flows, and a way of recording.
fn equip(policy: &mut Policy, rng: &mut Rng) {
    let flow = |json: &str| serde_json::from_str::<FlowDraft>(json).unwrap_or_else(|e| unreachable!("{e}"));
    policy.flows = FLOWS
        .iter()
        .map(|(number, json)| ((*number).to_owned(), flow(json)))
        .collect();
    let records = [RecordPolicy::Never, RecordPolicy::OnDemand, RecordPolicy::Always];
    policy.record = rng.pick(&records).copied().unwrap_or_default();
    policy.conference_members = rng.pick(&[2, 100]).copied().unwrap_or(100);
    policy.supervisors = BTreeMap::from([("100".to_owned(), vec!["101".to_owned()])]);
}

/// How bad the way to the media plane is.
fn weather(rng: &mut Rng) -> Weather {
    let kinds = [
        storm(0, 1, 10, 10),
        storm(1, 5, 50, 50),
        storm(5, 50, 100, 100),
        storm(20, 300, 300, 300),
        storm(0, 0, 0, 500),
        storm(1, 2_000, 50, 50),
        storm(1, 1, 500, 0),
    ];
    rng.pick(&kinds).copied().unwrap_or(Weather::FAIR)
}

impl Scene {
    /// Parts sessions and media plane, and lets browsers in. Before anybody is there.
    pub(super) fn part(&mut self, seed: u64) {
        let Some(sound) = &mut self.sound else { return };
        let weather = weather(sound);
        self.world.know_browsers();
        let server = &mut self.world.server;
        server.media_lag = Duration::ZERO;
        server.sound = Duration::from_millis(sound.pick(&[0, 1_000, 4_000]).copied().unwrap_or(0));
        server.wire = Some(Wire::new(weather, seed));
        self.note(&format!("commands and reports: {weather:?}"));
    }

    /// Some pages speak as browsers do. No path to them is found, so that nobody hears them.
    pub(super) fn give_engine(&mut self, index: usize) {
        let Some(sound) = &mut self.sound else { return };
        let phone = self.world.phones.get_mut(index);
        let Some(phone) = phone else { return };
        if phone.identity.transport == Transport::Wss && sound.per_mille(500) {
            phone.ufrag = Some("first");
            self.unsteady.insert(index);
        } else {
            phone.beside.video = sound.per_mille(300);
            phone.beside.takes_fax = sound.per_mille(300);
        }
    }

    /// A number that the server answers, in a world of sound.
    pub(super) fn served_number(&mut self) -> Option<String> {
        let sound = self.sound.as_mut()?;
        let number = sound.pick(&NUMBERS).copied().unwrap_or("200");
        sound.per_mille(500).then(|| number.to_owned())
    }

    /// Somebody presses keys or does something to a conference; or the media plane is farther away, or dead.
    pub(super) fn trouble_media(&mut self) {
        let Some(mut sound) = self.sound.take() else {
            return;
        };
        match sound.below(24) {
            0..3 => self.change_wire(weather(&mut sound)),
            3 => self.change_wire(Weather {
                loss: 1_000,
                ..Weather::FAIR
            }),
            4 => {
                self.note("the media plane dies");
                let now = self.world.now();
                self.world.server.lose_media(now);
                self.world.collect();
            }
            5..15 => {
                let talking = self.talking();
                if let Some(phone) = sound.pick(&talking).copied() {
                    let keys = ["1", "2", "3", "9", "*", "*1", "12#", "99#", "*2", "101", "#"];
                    let keys = sound.pick(&keys).copied().unwrap_or("1");
                    self.world.act(phone, |p, now| {
                        for (call, _) in p.calls() {
                            keys.chars().for_each(|key| p.dial(call, key, now));
                        }
                    });
                }
            }
            15..17 => {
                let all = [
                    RoomCommand::Mute,
                    RoomCommand::Unmute,
                    RoomCommand::Kick,
                    RoomCommand::Lock,
                    RoomCommand::Unlock,
                ];
                let command = sound.pick(&all).copied().unwrap_or(RoomCommand::Lock);
                let tenant = TenantId(sound.below(self.shapes.len() as u64) + 1);
                let input = Input::Room {
                    room: 200,
                    number: None,
                    command,
                };
                let now = self.world.now();
                self.world.server.input(tenant, input, now);
                self.world.collect();
            }
            17..21 => {
                let talking = self.talking();
                if let Some(phone) = sound.pick(&talking).copied() {
                    self.show(phone, &mut sound);
                }
            }
            _ => {}
        }
        self.sound = Some(sound);
    }

    /// A phone begins or ceases to show pictures or to fax, perhaps both within a moment.
    fn show(&mut self, phone: usize, sound: &mut Rng) {
        let times = 1 + sound.below(2);
        for _ in 0..times {
            let beside = Beside {
                video: sound.per_mille(500),
                takes_fax: sound.per_mille(500),
                faxes: sound.per_mille(300),
                keeps_audio: sound.per_mille(500),
            };
            self.world.act(phone, |p, now| {
                if p.ufrag.is_none() {
                    p.beside = beside;
                    for (call, _) in p.calls() {
                        p.reinvite(call, "sendrecv", now);
                    }
                }
            });
        }
    }

    fn change_wire(&mut self, weather: Weather) {
        self.note(&format!("commands and reports: {weather:?}"));
        if let Some(wire) = &mut self.world.server.wire {
            wire.weather = weather;
        }
    }

    /// Some frames get through from now on; all of them, at once, where it is to be `fair`.
    pub(super) fn mend_wire(&mut self, fair: bool) {
        if fair && self.sound.is_some() {
            for phone in &mut self.world.phones {
                phone.beside = Beside::default();
            }
        }
        if let Some(wire) = &mut self.world.server.wire {
            if fair {
                wire.weather = Weather {
                    delay_ms: 0,
                    ..Weather::FAIR
                };
            } else {
                wire.weather.loss = wire.weather.loss.min(500);
            }
        }
    }

    /// Equips every company for a world of sound.
    pub(super) fn companies_of_sound(shapes: &mut [Shape], sound: Option<&mut Rng>) {
        if let Some(sound) = sound {
            shapes
                .iter_mut()
                .for_each(|shape| equip(&mut shape.policy, sound));
        }
    }
}
