//! An office of fifty phones behind one address, one of which has a wrong password and never gives up.

use super::{DOMAIN, count};
use anyhow::{Context, Result, ensure};
use interop::actor::{Actor, play};
use interop::server::{Setting, extensions};
use interop::wire::Transport;
use interop::{Server, Stage, Tenant};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// The office's address, a user's home, and where a scanner sits.
const OFFICE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 7, 1));
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 8, 1));
/// Phones of the office; the last has a wrong password.
const PHONES: u32 = 50;
/// How often the wrong one tries: far more often than any phone.
const EVERY: Duration = Duration::from_millis(20);
/// For so long.
const FOR: Duration = Duration::from_secs(6);

/// The phone with the wrong password.
struct Wrong {
    actor: Actor,
    next: Instant,
    tries: usize,
}

impl Wrong {
    fn turn(&mut self) -> Result<()> {
        if Instant::now() >= self.next {
            self.next = Instant::now() + EVERY;
            self.tries += 1;
            let now = self.actor.now();
            self.actor.phone.register(60, now);
        }
        self.actor.turn(Duration::ZERO)
    }

    fn got(&self, code: u16) -> usize {
        let heard = self.actor.phone.heard.iter();
        heard
            .filter(|(method, got)| method == "REGISTER" && *got == code)
            .count()
    }
}

fn office(server: &Server, transport: Transport) -> Result<Vec<Actor>> {
    let user = |n: u32| (100 + n).to_string();
    (0..PHONES - 1)
        .map(|n| {
            let mut phone = Actor::new(server, (DOMAIN, &user(n)), transport, OFFICE)?;
            phone.register()?;
            Ok(phone)
        })
        .collect()
}

/// All others call each other two by two, and register again, while the wrong one goes on.
fn works(phones: &mut [Actor], wrong: &mut Wrong) -> Result<usize> {
    let (begun, mut calls) = (Instant::now(), 0);
    for pair in (0..phones.len() / 2).cycle() {
        if begun.elapsed() > FOR {
            break;
        }
        let Some([one, other]) = phones.get_mut(pair * 2..pair * 2 + 2) else {
            break;
        };
        let number = other.phone.identity.user.clone();
        one.call(&number);
        play(one, other, "a call within the office", |one, other| {
            let _same = wrong.turn();
            one.up() == 1 && other.up() == 1
        })?;
        one.end_all();
        play(one, other, "its end", |one, other| one.up() + other.up() == 0)?;
        one.register().context("again")?;
        other.register().context("again")?;
        calls += 1;
        let until = begun + (FOR / 30) * u32::try_from(calls)?;
        while Instant::now() < until {
            wrong.turn()?;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(calls)
}

#[test]
fn one_wrong_phone_among_fifty_is_locked_alone() -> Result<()> {
    Stage::run("office", |stage| {
        let people = extensions(100, PHONES);
        let tenants = [Tenant::new("acme", people).policy("media_silence_s=0")];
        let server = Server::start_as(stage, &tenants, Setting::default().border("allow = []"))?;
        let mut figures = Vec::new();
        for transport in [Transport::Udp, Transport::Tcp] {
            let mut phones = office(&server, transport)?;
            let mut actor = Actor::new(&server, (DOMAIN, "149"), transport, OFFICE)?;
            actor.phone.identity.password = "wrong".to_owned();
            let mut wrong = Wrong {
                actor,
                next: Instant::now(),
                tries: 0,
            };
            let before = count(&server, "border_locked")?;
            let calls = works(&mut phones, &mut wrong)?;
            let locked = count(&server, "border_locked")? - before;
            ensure!(calls >= 20, "only {calls} calls over {transport:?}");
            ensure!(
                wrong.got(200) == 0 && locked > 0 && wrong.got(403) > 50,
                "{} tries, {} refused, {locked} without a look",
                wrong.tries,
                wrong.got(403)
            );
            let bans = server.list(&["ban", "list"])?;
            ensure!(bans.is_empty(), "{bans:?}");
            // Its owner puts the password right: it is locked all the same for a while, at this address alone.
            let mut at_home = Actor::new(&server, (DOMAIN, "149"), transport, HOME)?;
            at_home
                .register()
                .context("with the right password from another address")?;
            wrong
                .actor
                .phone
                .identity
                .password
                .clone_from(&at_home.phone.identity.password);
            ensure!(wrong.actor.register().is_err(), "it is not locked any more");
            figures.push(format!(
                "{}: {calls} calls and {} registrations of 49 phones beside {} tries, {locked} refused without a look",
                transport.via(),
                calls * 2,
                wrong.tries
            ));
            for phone in &mut phones {
                let now = phone.now();
                phone.phone.register(0, now);
                phone.turn(Duration::from_millis(5))?;
            }
        }
        Ok(figures.join("; "))
    })
}
