//! What people, carriers and misfortune do where calls leave the companies and come in.

use super::lines::{COMES_BACK, first_number, switch_answer};
use super::scene::Scene;
use crate::carrier::Mood;
use crate::phone::{Answer, State};
use model::{TenantId, TrunkHealth, TrunkRegistration};

/// Whom companies call for help.
const HELP: [&str; 3] = ["112", "110", "urn:service:sos"];

impl Scene {
    /// In worlds with carriers one thing more happens.
    pub(super) fn trouble_carriers(&mut self) -> Result<(), String> {
        if self.outside.is_none() {
            return Ok(());
        }
        self.watch.helps &= self.loss <= 10 && self.world.server.bindable;
        let phone = self.draw(self.homes.len());
        match self.dice(100) {
            0..30 => self.call_out(phone),
            30..38 => self.call_help(phone),
            38..52 => self.call_in(),
            52..58 => self.switch_ends(),
            58..66 => self.switch_changes(),
            66..80 => self.carrier_changes(),
            80..84 => self.dns_changes(),
            84..87 => self.calendar_changes(),
            87..93 => {
                let wait = [5_000, 20_000, 60_000];
                let wait = wait.get(self.draw(wait.len())).copied().unwrap_or(0);
                self.run_ms(wait)?;
            }
            _ => self.carriers_recover(),
        }
        Ok(())
    }

    fn dice(&mut self, bound: u64) -> u64 {
        self.outside
            .as_mut()
            .map_or(0, |outside| outside.rng.below(bound))
    }

    fn draw(&mut self, bound: usize) -> usize {
        usize::try_from(self.dice(bound as u64)).unwrap_or(0)
    }

    /// A number outside, of a colleague, or of another company; some lead nowhere and some cost too much.
    fn number_outside(&mut self) -> String {
        let (home, last) = (self.draw(self.shapes.len()), self.dice(4));
        let inside = first_number(home);
        match self.dice(12) {
            0..5 => format!("+49302000{:04}", 1_000 + last),
            5 => format!("0151230000{last}"),
            6 => "+33123456789".to_owned(),
            7 => "09001234567".to_owned(),
            8 => format!("+{}", inside + 55),
            _ => format!("+{}", inside + last),
        }
    }

    fn call_out(&mut self, phone: usize) {
        let number = self.number_outside();
        self.world.act(phone, |p, now| p.call(&number, now));
    }

    fn call_help(&mut self, phone: usize) {
        let number = HELP.get(self.draw(HELP.len())).copied().unwrap_or("112");
        let is_steady = !self.unsteady.contains(&phone) && !self.roamed.contains(&phone);
        let alive = self.living();
        let ports = self.ports.last >= 10_999;
        self.world.act(phone, |p, now| p.call(number, now));
        if is_steady && ports {
            self.watch.calls_help(alive);
        }
    }

    /// The lines by which a call would be taken now.
    fn living(&self) -> Vec<(TenantId, usize)> {
        let Some(outside) = &self.outside else {
            return Vec::new();
        };
        let lines = outside.lines.iter().filter(|line| {
            let well = self.world.carriers.get(line.carrier).is_some_and(|c| c.is_well());
            let switch = self.world.phones.get(line.switch).map(|p| p.answer);
            let takes = matches!(
                switch,
                Some(Answer::PickUp(_) | Answer::Ring | Answer::EarlyMedia(_))
            );
            well && takes && !(line.named && self.world.dns_is_away)
        });
        lines
            .map(|line| (TenantId(line.home as u64 + 1), line.carrier))
            .collect()
    }

    /// Lines that were good for calls for help are not any more.
    fn some_died(&mut self) {
        let alive = self.living();
        self.watch
            .died(|carrier| !alive.iter().any(|(_, c)| *c == carrier));
    }

    fn call_in(&mut self) {
        let Some(line) = self.any_line() else { return };
        let (other, last) = (self.draw(self.shapes.len()), self.dice(6));
        let home = if self.dice(5) == 0 { other } else { line.home };
        let number = first_number(home) + if last == 5 { 55 } else { last };
        self.world
            .act(line.switch, |p, now| p.call(&format!("+{number}@10.0.0.1"), now));
    }

    fn any_line(&mut self) -> Option<super::ways::Line> {
        let count = self.outside.as_ref().map_or(0, |outside| outside.lines.len());
        let index = self.draw(count);
        self.outside.as_ref()?.lines.get(index).cloned()
    }

    fn switch_ends(&mut self) {
        if let Some(line) = self.any_line() {
            // Who declines a call for help has heard of it.
            self.watch.died(|carrier| carrier == line.carrier);
            self.end(line.switch);
        }
    }

    fn ail(&mut self, carrier: usize) {
        let lines = self.outside.iter_mut().flat_map(|outside| &mut outside.lines);
        lines
            .filter(|line| line.carrier == carrier)
            .for_each(|line| line.was_ill = true);
    }

    fn switch_changes(&mut self) {
        let Some(line) = self.any_line() else { return };
        let Some(outside) = &mut self.outside else { return };
        let answer = switch_answer(&mut outside.rng);
        if let Some(switch) = self.world.phones.get_mut(line.switch) {
            switch.answer = answer;
        }
        self.note(&format!("switch {} will {answer:?}", line.switch));
        if matches!(answer, Answer::Dead | Answer::Mute) {
            self.ail(line.carrier);
        }
        self.some_died();
    }

    fn carrier_changes(&mut self) {
        let Some(line) = self.any_line() else { return };
        let again = r#"Digest realm="carrier.example", nonce="again", algorithm=MD5, qop="auth""#;
        let moods = [
            Mood::Deaf,
            Mood::Deaf,
            Mood::Deaf,
            Mood::Fails(503, None),
            Mood::Fails(503, Some(20)),
            Mood::Fails(403, None),
            Mood::Fails(404, None),
            Mood::Fails(486, None),
            Mood::Fails(603, None),
            Mood::Fails(500, None),
            Mood::Insists(again),
            Mood::Grants("30"),
            Mood::Grants("0"),
            Mood::Rises,
            Mood::Rewrites,
        ];
        let mood = moods.get(self.draw(moods.len())).copied().unwrap_or(Mood::Well);
        let forgets = self.dice(4) == 0;
        self.note(&format!("carrier {} is {mood:?}", line.carrier));
        if let Some(carrier) = self.world.carriers.get_mut(line.carrier) {
            carrier.mood = mood;
            if forgets {
                carrier.forget_nonces();
            }
        }
        self.ail(line.carrier);
        self.some_died();
    }

    fn dns_changes(&mut self) {
        self.world.dns_is_away = !self.world.dns_is_away;
        let is = if self.world.dns_is_away { "away" } else { "back" };
        self.note(&format!("the DNS is {is}"));
        self.some_died();
    }

    fn calendar_changes(&mut self) {
        let mut hours = [5, -5, 9, -9].get(self.draw(4)).copied().unwrap_or(1);
        // Tokens are good for a day.
        if self
            .outside
            .as_ref()
            .is_some_and(|outside| (outside.jumped + hours).abs() > 12)
        {
            hours = -hours;
        }
        self.note(&format!("the calendar jumps by {hours} h"));
        self.world.jump_wall_clock(hours * 3_600_000);
        if let Some(outside) = &mut self.outside {
            outside.jumped += hours;
        }
        self.watch.days_pass();
    }

    /// Every carrier does what it should, and names lead to them.
    pub(super) fn carriers_recover(&mut self) {
        let Some(outside) = &self.outside else { return };
        let switches: Vec<usize> = outside.lines.iter().map(|line| line.switch).collect();
        self.note("carriers are well");
        self.world.dns_is_away = false;
        for carrier in &mut self.world.carriers {
            carrier.mood = Mood::Well;
        }
        for switch in switches {
            if let Some(switch) = self.world.phones.get_mut(switch) {
                switch.answer = Answer::PickUp(200);
            }
        }
    }

    /// What a switch believes to be up is up, where nothing was in the way.
    pub(super) fn switches_agree(&self) -> Result<(), String> {
        let lines = self.outside.iter().flat_map(|outside| &outside.lines);
        for line in lines.filter(|line| !line.was_ill) {
            let Some(switch) = self.world.phones.get(line.switch) else {
                continue;
            };
            let name = &switch.identity.name;
            let server = &self.world.server;
            let known = |id: &&str| server.tenants().any(|(_, tenant)| tenant.has_leg(id));
            if let Some(id) = switch.dialogs_up().find(|id| !known(id)) {
                return Err(format!("{name} is still in the call {id}, the server is not"));
            }
            if switch.unacknowledged > 0 {
                return Err(format!("{name} waited in vain for an ACK"));
            }
        }
        Ok(())
    }

    /// Some time after carriers have come back each trunk is as it should be, and a call goes out.
    pub(super) fn trunks_are_used_again(&mut self) -> Result<(), String> {
        if self.outside.as_ref().is_none_or(|outside| outside.ended) {
            return Ok(());
        }
        let end = self.world.now().mono + COMES_BACK;
        while let Some(bad) = self.bad_trunk() {
            if self.world.now().mono > end {
                return Err(format!("{bad}, though its carrier has long come back"));
            }
            self.run_ms(20_000)?;
        }
        self.call_goes_out()
    }

    /// A trunk that is not as it should be where its carrier is well.
    fn bad_trunk(&self) -> Option<String> {
        let now = self.world.now();
        let views = self.world.server.tenants().flat_map(|(_, t)| t.trunks(now));
        let mut bad = views.filter(|view| {
            let registered = matches!(
                view.registration,
                TrunkRegistration::Off | TrunkRegistration::Registered
            );
            view.health == TrunkHealth::Down || !registered
        });
        bad.next().map(|view| {
            let is = (view.health, view.registration);
            format!(
                "trunk {} at {:?} is {is:?} ({})",
                view.name, view.place, view.fault
            )
        })
    }

    /// A phone of a company with a carrier calls for help: it is answered.
    fn call_goes_out(&mut self) -> Result<(), String> {
        let lines = self.outside.as_ref().map(|outside| outside.lines.clone());
        let lines = lines.unwrap_or_default();
        let has_line = |home: &usize| lines.iter().any(|line| line.home == *home);
        let good = |index: &usize| {
            let phone = self.world.phones.get(*index);
            let home = self.homes.get(*index);
            let shape = home.and_then(|home| self.shapes.get(*home));
            home.is_some_and(has_line)
                // Who shares no codec with the company is refused whatever he calls.
                && shape.is_some_and(|shape| shape.deleted.is_empty() && shape.policy.codecs.is_empty())
                && phone.is_some_and(|p| !p.rogue && !p.abilities.offerless && !p.abilities.demanding)
                && !self.unsteady.contains(index)
                && !self.roamed.contains(index)
        };
        let found = (0..self.homes.len()).find(good);
        let Some(phone) = found.filter(|_| self.world.server.bindable) else {
            return Ok(());
        };
        if let Some(phone) = self.world.phones.get_mut(phone) {
            phone.identity.password = format!("pw{}", phone.identity.user);
        }
        self.note("help is called:");
        let call = self.world.act(phone, |p, now| p.call("112", now));
        self.run_ms(8_000)?;
        let calls = self
            .world
            .phones
            .get(phone)
            .map(|p| p.calls())
            .unwrap_or_default();
        let state = calls.iter().find(|(number, _)| Some(*number) == call);
        if state.is_none_or(|(_, state)| *state != State::Up) {
            return Err(format!("carriers are well, and a call for help is {state:?}"));
        }
        self.world.act(phone, |p, now| p.hang_up(call.unwrap_or(0), now));
        self.run_ms(40_000)
    }

    /// Trunks are switched off: their questions would never end.
    pub(super) fn silence_lines(&mut self) -> Result<(), String> {
        let Some(outside) = &mut self.outside else {
            return Ok(());
        };
        outside.silent = true;
        let now = self.world.now();
        for shape in &mut self.shapes {
            shape.version += 1;
            shape.silent = true;
            self.world.server.configure(shape.config(), now);
        }
        self.world.collect();
        self.run_ms(40_000)
    }

    /// Calls that limits have ended and refused so far, but for those of companies that panicked.
    pub(super) fn tolls(&self) -> (u64, u64) {
        let (mut ended, mut refused) = self.outside.as_ref().map_or((0, 0), |outside| outside.tolls);
        for (_, tenant) in self.world.server.tenants() {
            ended += tenant.counts().toll_ended;
            refused += tenant.counts().toll_refused;
        }
        (ended, refused)
    }

    /// What all calls have cost stays below what they may.
    pub(super) fn limits_hold(&self) -> Result<(), String> {
        match self.outside.is_none() || self.restarts > 0 {
            true => Ok(()),
            false => self.watch.spent_within_limits(),
        }
    }
}
