//! An observer of one world: looks at what passed since its last look and remembers what it needs.

use super::outer::{Answers, Outer, answered_once, is_help};
use super::{nothing_crosses_tenants, one_record_per_call};
use crate::phone::audio::SAID;
use crate::world::{Trace, World};
use bytes::Bytes;
use model::{
    BindingChange, BindingKey, CallChange, CallId, DeviceId, FlowToken, MediaPolicy, TenantId, UserId, Wall,
};
use sip::{Message, Method, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// Where the server's own ports are: companies hear each other by way of them.
const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

/// Looks between two comparisons of registrar and journal while the journal does not grow.
const COMPARE_EVERY: u64 = 64;

/// A binding as the journal has it.
#[derive(Debug)]
struct Kept {
    contact: Box<str>,
    device: DeviceId,
    expires: Wall,
}

/// What an observer knows.
#[derive(Debug, Default)]
pub struct Watch {
    /// Damaged messages were let in: what a description says may be anybody's words.
    pub damaged: bool,
    /// Companies may hear each other.
    pub mixed: bool,
    /// Hardly anything gets lost, so that a call for help has to arrive.
    pub helps: bool,
    /// The version that every configuration began with.
    pub first_version: u64,
    /// Messages that the server sent.
    pub messages: u64,
    /// Packets that the relay sent.
    pub packets: u64,
    /// The last messages that reached the server.
    pub heard: Vec<(FlowToken, Vec<u8>)>,
    homes: BTreeMap<IpAddr, TenantId>,
    known: BTreeSet<SocketAddr>,
    recorded: BTreeSet<String>,
    /// Call-ID and CSeq of INVITEs that the server answered with 2xx, and whether their ACK has reached it.
    acknowledged: BTreeMap<(String, u32), bool>,
    pub(super) answers: Answers,
    pub(super) outer: Outer,
    records: usize,
    bindings: BTreeMap<(TenantId, UserId, BindingKey), Kept>,
    changes: usize,
    calls: BTreeSet<(TenantId, CallId)>,
    call_changes: usize,
    looks: u64,
}

impl Watch {
    /// A phone at this address belongs to this tenant.
    pub fn settle(&mut self, ip: IpAddr, tenant: TenantId) {
        self.homes.insert(ip, tenant);
    }

    /// The server, or one tenant of it, died and came back: what the journal adds up to is put back, and what has run
    /// out by the calendar of today or may not be by the settings of today is taken out of it.
    ///
    /// # Errors
    /// The journal keeps what must not come back.
    pub fn restarted(&mut self, world: &World, only: Option<TenantId>) -> Result<(), String> {
        let wall = world.now().wall;
        self.read_journal(world);
        self.forget_answers();
        for ((tenant, user, _), kept) in &self.bindings {
            let config = world.server.tenant(*tenant).map(|tenant| tenant.config());
            let allowed = config.is_some_and(|config| config.may_be_bound(kept.device, *user));
            if only.is_none_or(|only| *tenant == only) && (kept.expires <= wall || !allowed) {
                return Err(format!("the journal keeps {} of tenant {tenant}", kept.contact));
            }
        }
        Ok(())
    }

    /// Looks at what happened since the last look.
    ///
    /// # Errors
    /// The first rule that is broken, in words.
    pub fn look(&mut self, world: &mut World) -> Result<(), String> {
        self.looks += 1;
        self.read_records(world);
        let mut owed = BTreeSet::new();
        for trace in std::mem::take(&mut world.trace) {
            match trace {
                Trace::In(flow, bytes) => {
                    // Between companies the one that asked may wait, and the one that answered is up.
                    if !flow.is_inside() {
                        owed.extend(self.acknowledgement_owed(world, &bytes));
                    }
                    self.came_in(flow, bytes);
                }
                Trace::Out(flow, bytes) => {
                    if bytes.starts_with(b"ACK ") {
                        owed.retain(|id| !contains(&bytes, id));
                    }
                    self.went_out(world, &flow, &bytes)?;
                }
                Trace::Media(to, packet) => self.relayed(to, &packet)?,
            }
        }
        if let Some(call_id) = owed.first() {
            return Err(format!("the 2xx of {call_id} was not acknowledged"));
        }
        one_record_per_call(world)?;
        self.outside_is_right()?;
        no_media_without_a_call(world)?;
        self.calls_kept_are_up(world)?;
        let grew = self.changes < world.server.journal.len();
        self.read_journal(world);
        if grew || self.looks.is_multiple_of(COMPARE_EVERY) {
            self.compare_registrations(world)?;
        }
        Ok(())
    }

    /// The Call-ID of a 2xx to an INVITE of a call that is up: each copy is acknowledged at once (§13.2.2.4).
    fn acknowledgement_owed(&self, world: &World, bytes: &[u8]) -> Option<String> {
        if self.damaged || !bytes.starts_with(b"SIP/2.0 2") {
            return None;
        }
        let message = Message::parse(bytes).ok()?;
        let call_id = message.call_id().ok()?;
        let invited = message.method() == Some(Method::Invite);
        // One that offers waits for the answer of the other phone.
        let owed = |tenant: &pbx::Tenant| tenant.has_leg(call_id) && !tenant.owes_ack(call_id);
        let live = || world.server.tenants().any(|(_, tenant)| owed(tenant));
        (invited && live()).then(|| call_id.to_owned())
    }

    fn came_in(&mut self, flow: FlowToken, bytes: Vec<u8>) {
        self.known.insert(flow.remote);
        if bytes.starts_with(b"ACK ")
            && let Ok(ack) = Message::parse(&bytes)
            && let (Ok(call_id), Ok(cseq)) = (ack.call_id(), ack.cseq())
        {
            self.acknowledged
                .entry((call_id.to_owned(), cseq.seq))
                .and_modify(|done| *done = true);
        }
        if bytes.starts_with(b"INVITE ")
            && let Ok(invite) = Message::parse(&bytes)
        {
            self.help_comes(&invite);
        }
        // Nobody else can write on the way between companies.
        if flow.is_inside() {
            return;
        }
        if self.heard.len() >= 16 {
            self.heard.remove(0);
        }
        self.heard.push((flow, bytes));
    }

    fn read_records(&mut self, world: &World) {
        for cdr in world.server.cdrs.iter().skip(self.records) {
            self.recorded.insert(cdr.caller.sip_call_id.clone());
            self.recorded.insert(cdr.callee.sip_call_id.clone());
            self.recorded_outside(cdr);
        }
        self.records = world.server.cdrs.len();
    }

    fn read_journal(&mut self, world: &World) {
        for change in world.server.journal.iter().skip(self.changes) {
            match change {
                BindingChange::Put(r) => {
                    let key = (r.tenant, r.user, r.key.clone());
                    let kept = Kept {
                        contact: r.contact.clone(),
                        device: r.device,
                        expires: r.expires,
                    };
                    self.bindings.insert(key, kept);
                }
                BindingChange::Remove { tenant, user, key } => {
                    self.bindings.remove(&(*tenant, *user, key.clone()));
                }
            }
        }
        self.changes = world.server.journal.len();
    }

    /// What is kept as being up is up, or on its way to its record.
    fn calls_kept_are_up(&mut self, world: &World) -> Result<(), String> {
        let new = world.server.calls.get(self.call_changes..).unwrap_or_default();
        if new.is_empty() {
            return Ok(());
        }
        for change in new {
            match change {
                CallChange::Put(kept) => drop(self.calls.insert((kept.tenant, kept.call))),
                CallChange::Remove { tenant, call } => drop(self.calls.remove(&(*tenant, *call))),
            }
        }
        self.call_changes = world.server.calls.len();
        let live: BTreeSet<_> = world
            .server
            .tenants()
            .flat_map(|(_, tenant)| tenant.calls())
            .map(|view| (view.tenant, view.id))
            .collect();
        match self.calls.difference(&live).next() {
            Some((tenant, call)) => Err(format!("call {call} of tenant {tenant} is over, and kept")),
            None => Ok(()),
        }
    }

    /// The registrar knows what the journal adds up to, and nothing else.
    fn compare_registrations(&self, world: &World) -> Result<(), String> {
        let now = world.now();
        let mut live: Vec<(TenantId, UserId, String)> = world
            .server
            .tenants()
            .flat_map(|(_, tenant)| tenant.registrations(now))
            .map(|view| (view.tenant, view.user, view.contact))
            .collect();
        let mut kept: Vec<_> = self
            .bindings
            .iter()
            .map(|((tenant, user, _), kept)| (*tenant, *user, kept.contact.to_string()))
            .collect();
        live.sort();
        kept.sort();
        if live == kept {
            return Ok(());
        }
        let only_live: Vec<_> = live.iter().filter(|one| !kept.contains(one)).collect();
        let only_kept: Vec<_> = kept.iter().filter(|one| !live.contains(one)).collect();
        Err(format!(
            "only the registrar has {only_live:?}, only its journal {only_kept:?}"
        ))
    }

    fn went_out(&mut self, world: &World, flow: &FlowToken, bytes: &Bytes) -> Result<(), String> {
        self.messages += 1;
        let to_neighbour = self.mixed && flow.is_inside();
        if !self.known.contains(&flow.remote) && !self.is_carrier(flow) && !to_neighbour {
            return Err(format!("the server sends to {}, which never sent", flow.remote));
        }
        let Ok(message) = Message::parse(bytes) else {
            return if **bytes == *sip::stream::PONG {
                Ok(())
            } else {
                Err("the server sends what it could not read".to_owned())
            };
        };
        for name in [Name::Authorization, Name::ProxyAuthorization] {
            if message.header(name).is_some() && !self.may_see_password(flow) {
                return Err("credentials leave the server".to_owned());
            }
        }
        if message.is_request() && to_neighbour {
            Ok(())
        } else if message.is_request() {
            self.asked(world, flow, &message)
        } else {
            self.answered(flow, &message)
        }
    }

    /// Who hears that his call is over has a record.
    fn answered(&mut self, flow: &FlowToken, message: &Message<'_>) -> Result<(), String> {
        if !self.damaged {
            answered_once(&mut self.answers, message)?;
        }
        let code = message.status_line().map_or(0, |line| line.code);
        let call_id = message.call_id().unwrap_or("");
        if code == 200 && message.method() == Some(Method::Bye) && !self.recorded.contains(call_id) {
            return Err(format!("the BYE of {call_id} is answered without a record"));
        }
        let seq = message.cseq().map_or(0, |c| c.seq);
        // Between companies both sides are ours, and number their requests alike.
        let success = message.method() == Some(Method::Invite) && (200..300).contains(&code);
        let success = success && !flow.is_inside();
        if success && !self.damaged && *self.acknowledged.entry((call_id.to_owned(), seq)).or_default() {
            return Err(format!("the 2xx of {call_id} is repeated after its ACK"));
        }
        Ok(())
    }

    /// What the server asks of a phone stays within the phone's tenant and shows no other phone's address.
    fn asked(&self, world: &World, flow: &FlowToken, message: &Message<'_>) -> Result<(), String> {
        let Some(home) = self.homes.get(&flow.remote.ip()) else {
            return Err(format!("the server asks {}, which is no phone", flow.remote));
        };
        let branch = message.top_via().ok().and_then(|via| via.branch).unwrap_or("");
        if sip::token::owner_of_branch(branch) != Some(home.0) {
            return Err(format!("a request of another tenant goes to {}", flow.remote));
        }
        if self.is_carrier(flow) {
            self.asked_outside(message)?;
        }
        let text = String::from_utf8_lossy(message.bytes());
        // Carriers ask for passwords in whatever name.
        let shown = text.lines().filter(|line| !line.contains("uthorization: "));
        let shown: String = shown.collect();
        let foreign = world
            .server
            .tenants()
            .filter(|(id, _)| *id != home)
            .any(|(_, tenant)| shown.contains(tenant.config().realm()));
        let relayed = world
            .server
            .tenant(*home)
            .is_some_and(|t| t.config().policy().media == MediaPolicy::Relay);
        // Without ports help is called all the same.
        let relayed = relayed && !(self.is_carrier(flow) && is_help(message));
        let bare = relayed && String::from_utf8_lossy(message.body()).contains("IP4 10.0.1.");
        if !self.damaged && (foreign || (bare && self.one_policy(world))) {
            return Err(format!(
                "what others should not see goes to {}:\n{text}",
                flow.remote
            ));
        }
        Ok(())
    }

    /// Calls keep the policy that they began with, so only an unchanged one tells what a message may say.
    fn one_policy(&self, world: &World) -> bool {
        let first = self.first_version.max(1);
        world.server.tenants().all(|(_, t)| t.config().version() == first)
    }

    /// The relay sends to phones only, and of what phones said only what one of the same tenant did. What has another length is
    /// said by us; by the source nobody can tell, for a leg hears all under the first one.
    fn relayed(&mut self, to: SocketAddr, packet: &[u8]) -> Result<(), String> {
        self.packets += 1;
        if self.damaged {
            return Ok(());
        }
        let from: Option<[u8; 4]> = packet.get(12..16).and_then(|v| v.try_into().ok());
        let speaker = from.and_then(|ip| self.homes.get(&IpAddr::from(ip)));
        let listener = self.homes.get(&to.ip());
        // Opus may have any length.
        let opus = packet.get(1).is_some_and(|octet| octet & 0x7F == 111);
        let said = packet.len() == SAID && !opus;
        if self.mixed && to.ip() == SERVER {
            return Ok(());
        }
        if listener.is_none() || (said && speaker != listener && !self.mixed) {
            return Err(format!(
                "the relay sends {from:?} of {speaker:?} to {to} of {listener:?}"
            ));
        }
        Ok(())
    }

    /// What holds at the end of a run, whatever happened in it.
    ///
    /// # Errors
    /// The first rule that is broken, in words.
    pub fn at_end(&mut self, world: &mut World) -> Result<(), String> {
        self.look(world)?;
        self.compare_registrations(world)?;
        nothing_crosses_tenants(world)?;
        super::nobody_rings_twice(world)?;
        super::nothing_held(world)?;
        super::events::kept_as_held(world)?;
        for phone in &world.phones {
            if !self.damaged {
                super::events::in_order(phone)?;
            }
            let home = self.homes.get(&phone.identity.address.ip());
            let stranger = phone
                .voices
                .iter()
                .find(|ip| self.homes.get(&IpAddr::from(**ip)) != home);
            if let Some(ip) = stranger.filter(|_| !self.damaged && !self.mixed) {
                return Err(format!("{} heard {ip:?}", phone.identity.name));
            }
        }
        Ok(())
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

fn no_media_without_a_call(world: &World) -> Result<(), String> {
    if !world.server.media_lag.is_zero() || world.server.wire.is_some() {
        return Ok(());
    }
    let sessions = world.server.relay.counts().sessions;
    let calls: usize = world
        .server
        .tenants()
        .map(|(_, tenant)| tenant.calls().len())
        .sum();
    if sessions > calls {
        return Err(format!("{sessions} media sessions for {calls} calls"));
    }
    Ok(())
}
