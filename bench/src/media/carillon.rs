//! Carillon as it is installed, and calls through it by SIP.
//!
//! Owns: a server with a tenant of its own for each measurement, and who calls whom. Does not own: what is said, see
//! [`super::phones`].

use super::Peer;
use super::phones::{Phones, Side};
use super::plan::{Far, Form, Plan, description};
use crate::house::House;
use crate::ready::Server;
use crate::wire::Transport;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

/// Ports for RTP: a call takes two pairs, and all calls of a measurement stand at once.
const PORTS: (u16, u16) = (12_000, 19_999);
/// Those of the server that records: it runs beside one that does not.
const RECORDED_PORTS: (u16, u16) = (20_000, 27_999);
/// The number of the conference.
pub(super) const CONFERENCE: &str = "200";
/// What dialling it leads to. Chimes would let the hundredth member be heard coming by the first packets measured.
const CONFERENCE_FLOW: &str = r#"{"steps": {"start": {"do": "conference", "room": 200, "chimes": false}}}"#;

/// What the tenant has beside phones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tenant {
    /// As it is after installing.
    Plain,
    /// Every call is recorded.
    Recorded,
    /// [`CONFERENCE`] is one.
    Conference,
}

/// A running one.
pub(super) struct Carillon {
    name: &'static str,
    server: Server,
    phones: Phones,
    calls: u32,
    next: u32,
}

impl Carillon {
    /// Makes a tenant with phones for so many calls in `folder`, serves it, and registers who will be called.
    pub(super) fn start(
        program: &Path,
        folder: &Path,
        (name, wish): (&'static str, Tenant),
        plan: Plan,
        calls: u32,
    ) -> Result<Carillon> {
        let ports = if wish == Tenant::Recorded {
            RECORDED_PORTS
        } else {
            PORTS
        };
        let house = House::build(program, folder, calls * 2, "media=relay", ports)?;
        match wish {
            Tenant::Plain => {}
            Tenant::Recorded => {
                house.finish(&["tenant", "set", "bench", "record=always", "record_beep=false"])?;
            }
            Tenant::Conference => {
                let file = folder.join("conference.json");
                fs::write(&file, CONFERENCE_FLOW)?;
                house.finish(&["flow", "set", "bench", CONFERENCE, &file.to_string_lossy()])?;
            }
        }
        let (server, _) = house.serve()?;
        // Keys are only taken from signalling over TLS.
        let transport = if plan.caller().keys {
            Transport::Tls
        } else {
            Transport::Udp
        };
        let udp = house.address(Transport::Udp);
        let mut phones = Phones::new((house.address(transport), transport), udp)?;
        if let Plan::Pair { .. } = plan {
            for number in 0..calls {
                phones.register(Side::Called, &called(calls, number))?;
            }
        }
        Ok(Carillon {
            name,
            server,
            phones,
            calls,
            next: 0,
        })
    }

    fn pair(&mut self, (caller, callee): (Form, Form), [here, there]: [SocketAddr; 2]) -> Result<Vec<Far>> {
        let number = self.next % self.calls;
        let (from, to) = (format!("u{number}"), called(self.calls, number));
        let mut to_callee = None;
        let offer = description(here, caller, caller.pt(), "1");
        let answer = self.phones.call(&from, &to, &offer, &mut |offered| {
            let far = Far::read(offered, callee)?;
            let tag = far.master.as_ref().map_or("1", |(tag, _)| tag.as_str());
            let answer = description(there, callee, far.pt, tag);
            to_callee = Some(far);
            Ok(answer)
        })?;
        let to_caller = Far::read(&answer, caller)?;
        Ok(vec![to_caller, to_callee.context("nobody was rung")?])
    }
}

/// The second half of the users is called.
fn called(calls: u32, number: u32) -> String {
    format!("u{}", calls + number)
}

impl Peer for Carillon {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pid(&self) -> u32 {
        self.server.pid()
    }

    fn call(&mut self, plan: Plan, local: &[SocketAddr]) -> Result<Vec<Far>> {
        let far = match (plan, local) {
            (Plan::Pair { caller, callee }, [here, there]) => self.pair((caller, callee), [*here, *there]),
            (Plan::Served { number, caller }, [here]) => {
                let offer = description(*here, caller, caller.pt(), "1");
                let from = format!("u{}", self.next % self.calls);
                let mut nobody = |_: &str| -> Result<String> { bail!("nobody should be rung") };
                let answer = self.phones.call(&from, number, &offer, &mut nobody)?;
                Ok(vec![Far::read(&answer, caller)?])
            }
            _ => bail!("a plan with other sides than sockets"),
        };
        self.next += 1;
        far
    }

    fn hang_up(&mut self) -> Result<()> {
        self.phones.hang_up()
    }

    fn attend(&mut self) -> Result<()> {
        self.phones.attend()
    }
}
