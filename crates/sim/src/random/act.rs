//! What people, machines and misfortune do, one thing at a time.

use super::scene::{Scene, answer, weather};
use crate::phone::{Answer, State};
use model::{MediaPolicy, TenantId};

impl Scene {
    /// One thing happens.
    pub(super) fn act(&mut self) -> Result<(), String> {
        let phone = usize::try_from(self.rng.below(self.homes.len() as u64)).unwrap_or(0);
        match self.rng.below(162) {
            0..14 => self.register(phone, 600),
            14..16 => self.register(phone, 0),
            16..18 => self.forget_password(phone),
            18..44 => self.call(phone),
            44..52 => self.end(phone),
            52..58 => self.end_somebodys(),
            58..68 => self.renegotiate(phone),
            68..70 => self.glare(),
            70..72 => self.reboot(phone),
            72..75 => self.cut_off(phone),
            75 => return self.restart(),
            76 => return self.rebuild(),
            77..79 => self.jump(),
            79..83 => self.administer(),
            83..85 => self.world.server.bindable = !self.world.server.bindable,
            85..87 => self.go_down(),
            87..89 => self.hush(phone),
            89..93 => self.change_mind(phone),
            93..96 => {
                let weather = weather(&mut self.rng);
                self.note(&format!("weather {weather:?}"));
                self.world.network.set_weather(weather);
                self.loss = self.loss.max(weather.loss);
            }
            96..100 => return self.spray(),
            100..106 => return self.knock(),
            106..109 => return self.guess(),
            109..112 => return self.replay(),
            116..120 => self.roam(phone),
            120..140 => self.observe(phone),
            140..152 => self.transfer(phone),
            152..156 => self.transfer_and_leave(phone),
            156..162 => self.take(phone),
            _ if self.vandals => self.damage(),
            _ => self.call(phone),
        }
        Ok(())
    }

    pub(super) fn note(&mut self, what: &str) {
        let mono = self.world.now().mono;
        self.world.ladder.note(mono, &format!("  {what}"));
    }

    fn register(&mut self, phone: usize, expires_s: u32) {
        self.world.act(phone, |p, now| p.register(expires_s, now));
    }

    /// The password is wrong now, or right again.
    fn forget_password(&mut self, phone: usize) {
        if let Some(phone) = self.world.phones.get_mut(phone) {
            let right = format!("pw{}", phone.identity.user);
            phone.identity.password = if phone.identity.password == right {
                "wrong".to_owned()
            } else {
                right
            };
        }
    }

    fn call(&mut self, phone: usize) {
        let number = self.number(phone);
        self.world.act(phone, |p, now| p.call(&number, now));
    }

    /// Mostly a colleague; sometimes nobody, a stranger, or somebody in another company.
    pub(super) fn number(&mut self, phone: usize) -> String {
        let home = self.homes.get(phone).copied().unwrap_or(0);
        let extensions = self.shapes.get(home).map_or(&[][..], |shape| shape.extensions());
        let colleague = self.rng.pick(extensions).copied().unwrap_or("100");
        if let Some(number) = self.served_number() {
            return number;
        }
        let elsewhere = self.rng.pick(&self.shapes).map_or("", |shape| shape.domain());
        match self.rng.below(22) {
            // Codes that the server answers: for a while, or until the caller hangs up.
            20 => "*43".to_owned(),
            21 => {
                let codes = ["*43", "*78", "*79", "*76", "*73", "*91", "*93"];
                match self.rng.below(4) {
                    0 => format!("*72{colleague}"),
                    1 => format!("*92{colleague}"),
                    _ => self.rng.pick(&codes).copied().unwrap_or("*43").to_owned(),
                }
            }
            0 => "999".to_owned(),
            1 => format!("{colleague}@nowhere.example"),
            2 | 3 => format!("{colleague}@{elsewhere}"),
            4 => "%31%30%30".to_owned(),
            _ => colleague.to_owned(),
        }
    }

    /// Ends the latest call of a phone, whatever its state: cancels, declines or hangs up.
    pub(super) fn end(&mut self, phone: usize) {
        self.world.act(phone, |p, now| {
            let live = p.calls().into_iter().rfind(|(_, state)| *state != State::Over);
            if let Some((call, _)) = live {
                p.end(call, now);
            }
        });
    }

    fn end_somebodys(&mut self) {
        let busy: Vec<usize> = self.talking();
        if let Some(phone) = self.rng.pick(&busy).copied() {
            self.end(phone);
        }
    }

    /// Phones that are in a call.
    pub(super) fn talking(&self) -> Vec<usize> {
        let up = |phone: &crate::phone::Phone| phone.calls().iter().any(|(_, s)| *s == State::Up);
        let phones = self.world.phones.iter().enumerate();
        phones.filter(|(_, p)| up(p)).map(|(index, _)| index).collect()
    }

    fn renegotiate(&mut self, phone: usize) {
        let busy = self.talking();
        let phone = self.rng.pick(&busy).copied().unwrap_or(phone);
        let wishes = ["sendonly", "sendrecv", "inactive", "recvonly", "codecs", ""];
        let wish = self.rng.pick(&wishes).copied().unwrap_or("sendrecv");
        let dials = self.talents.per_mille(200);
        let by_update = self.talents.per_mille(400);
        self.world.act(phone, |p, now| {
            if wish == "codecs" {
                p.codecs.rotate_left(1);
            }
            let direction = if wish == "codecs" { "sendrecv" } else { wish };
            for (call, _) in p.calls() {
                if dials {
                    p.dial(call, '#', now);
                }
                if by_update && p.abilities.update {
                    p.update(call, direction, now);
                } else {
                    p.reinvite(call, direction, now);
                }
            }
        });
    }

    /// Everybody who talks asks for something at once.
    fn glare(&mut self) {
        for phone in self.talking() {
            self.renegotiate(phone);
            self.world.act(phone, |p, now| {
                for (call, _) in p.calls() {
                    p.reinvite(call, "sendonly", now);
                }
            });
        }
    }

    fn cut_off(&mut self, phone: usize) {
        self.unsteady.insert(phone);
        self.world.disconnect(phone);
    }

    /// A phone goes on from another port, over another connection, and says so. It keeps its calls if it can be known
    /// again.
    fn roam(&mut self, phone: usize) {
        if !self.is_bound(phone) {
            self.unsteady.insert(phone);
        }
        self.roamed.insert(phone);
        let port = u16::try_from(5_060 + self.rng.below(40)).unwrap_or(5_060);
        self.note(&format!("phone {phone} roams to port {port}"));
        self.world.rebind(phone, port);
        self.register(phone, 600);
    }

    fn reboot(&mut self, phone: usize) {
        self.note(&format!("phone {phone} reboots"));
        self.world.act(phone, |p, _| p.reboot());
        self.cut_off(phone);
        if self.rng.per_mille(700) {
            self.register(phone, 600);
        }
    }

    fn jump(&mut self) {
        let jump = self
            .rng
            .pick(&[3_600_000, -3_600_000, -5_000])
            .copied()
            .unwrap_or(0);
        self.note(&format!("the calendar jumps by {jump} ms"));
        self.world.jump_wall_clock(jump);
        self.watch.days_pass();
    }

    /// Somebody changes a company's settings.
    fn administer(&mut self) {
        let index = usize::try_from(self.rng.below(self.shapes.len() as u64)).unwrap_or(0);
        let (what, who) = (self.rng.below(8), self.rng.below(4) + 1);
        let Some(shape) = self.shapes.get_mut(index) else {
            return;
        };
        shape.version += 1;
        match what {
            0 => drop(shape.disabled.insert(who)),
            1 => {
                self.deletions = true;
                shape.deleted.insert(who);
            }
            2 => shape.policy.media = MediaPolicy::Direct,
            3 => shape.policy.media = MediaPolicy::Relay,
            4 => shape.policy.codecs = vec!["pcma".to_owned()],
            _ => {
                shape.disabled.clear();
                shape.deleted.clear();
                shape.policy.codecs.clear();
            }
        }
        // What is not being changed stays as it is.
        if let Some(tenant) = self.world.server.tenant(TenantId(index as u64 + 1)) {
            let users = tenant.config().users().iter();
            shape.settings = users.map(|user| (user.id.0, user.settings.clone())).collect();
        }
        let config = shape.config();
        self.note(&format!("settings of company {index} change: {what} {who}"));
        let now = self.world.now();
        self.world.server.configure(config, now);
        self.world.collect();
    }

    /// The node drains, and perhaps hangs everybody up.
    fn go_down(&mut self) {
        self.note("the node drains");
        let hang_up = self.rng.per_mille(500);
        if let Some(outside) = self.outside.as_mut().filter(|_| hang_up) {
            // Trunks end as well.
            outside.ended = true;
            self.watch.helps = false;
            self.watch.forget_answers();
        }
        let now = self.world.now();
        for index in 0..self.shapes.len() {
            let tenant = TenantId(index as u64 + 1);
            self.world.server.input(tenant, pbx::Input::Drain, now);
            if hang_up {
                self.world.server.input(tenant, pbx::Input::HangUpAll, now);
            }
        }
        self.world.collect();
    }

    fn hush(&mut self, phone: usize) {
        if let Some(phone) = self.world.phones.get_mut(phone) {
            phone.mute = !phone.mute;
        }
    }

    /// A phone behaves differently from now on.
    fn change_mind(&mut self, index: usize) {
        let answer = answer(&mut self.rng);
        if let Some(phone) = self.world.phones.get_mut(index) {
            phone.answer = answer;
        }
        if answer == Answer::Dead {
            self.unsteady.insert(index);
        }
        self.note(&format!("phone {index} will {answer:?}"));
    }
}
