//! Questions of other threads about what a worker has.
//!
//! Owns: the answers. Does not own: who asks (`live`), and what is answered of one tenant (`pbx`).

use super::Core;
use crate::shared::{Query, random32};
use model::{DeviceId, EventCommand, RegistrationView, TenantId};
use pbx::{Input, Tenant};
use std::time::Duration;

impl Core {
    /// Answers; whoever asked may be gone.
    pub(super) fn query(&mut self, query: Query, connections: usize) {
        let now = self.now;
        match query {
            Query::Registrations(tenant, reply) => {
                let _ = reply.send(
                    self.tenants
                        .with(tenant, now, |t| t.registrations(now))
                        .unwrap_or_default(),
                );
            }
            Query::Session(tenant, call, reply) => {
                let found = self.tenants.with(tenant, now, |t| t.session(call));
                let _ = reply.send(found.flatten());
            }
            Query::Calls(tenant, reply) => {
                let _ = reply.send(self.tenants.with(tenant, now, |t| t.calls()).unwrap_or_default());
            }
            Query::Trunks(tenant, reply) => {
                let trunks = self.tenants.with(tenant, now, |t| t.trunks(now));
                let _ = reply.send(trunks.unwrap_or_default());
            }
            Query::Toll(tenant, lift, reply) => {
                let used = self.tenants.with(tenant, now, |t| t.toll(lift, now));
                let _ = reply.send(used.unwrap_or_default());
            }
            Query::Rooms(tenant, reply) => {
                let _ = reply.send(self.tenants.with(tenant, now, |t| t.rooms()).unwrap_or_default());
            }
            Query::Room(tenant, room, number, command, reply) => {
                let members = |t: &mut Tenant| t.members(room, number.as_deref());
                let members = self.tenants.with(tenant, now, members).unwrap_or_default();
                self.input(
                    tenant,
                    Input::Room {
                        room,
                        number,
                        command,
                    },
                );
                self.records.commit(now.mono, &mut self.counts);
                let _ = reply.send(members);
            }
            Query::Unregister(tenant, user, reply) => {
                let gone = self.unregister(tenant, user);
                self.records.commit(now.mono, &mut self.counts);
                let _ = reply.send(gone);
            }
            Query::Token(tenant, device, ttl, reply) => {
                let _ = reply.send(self.issue_token(tenant, device, ttl));
            }
            Query::Event(tenant, command, reply) => {
                let phones = self.concerned(tenant, &command);
                self.input(tenant, Input::Event(command));
                self.records.commit(now.mono, &mut self.counts);
                let _ = reply.send(phones);
            }
            query => self.query_all(query, connections),
        }
    }

    /// What is asked of all tenants together, or of what is kept of their calls.
    fn query_all(&mut self, query: Query, connections: usize) {
        match query {
            Query::Totals(reply) => {
                let mut totals = self.tenants.totals();
                totals.counts.add(&self.counts);
                totals.connections = connections;
                totals.trace_octets = self.tape.count(&mut totals.counts);
                let _ = reply.send(totals);
            }
            Query::Traces(tenant, reply) => {
                let _ = reply.send(self.tape.list(tenant));
            }
            Query::Trace(tenant, name, reply) => {
                let _ = reply.send(self.tape.trace(tenant, &name));
            }
            Query::AllTrunks(reply) => {
                let _ = reply.send(self.tenants.trunks(self.now));
            }
            _ => {}
        }
    }

    /// A token for a device whose user may sign in.
    fn issue_token(&self, tenant: TenantId, device: DeviceId, ttl: Duration) -> Option<String> {
        let config = self.tenants.config(tenant)?;
        let device = config.device_by_id(device)?;
        let enabled = config.user(device.user).is_some_and(|user| user.enabled);
        let nonce = random32().ok()?.first_chunk().map(|n| u64::from_be_bytes(*n))?;
        enabled.then(|| self.token_key.issue(tenant, device, ttl, self.now.wall, nonce))
    }

    /// How many phones an order is about.
    fn concerned(&mut self, tenant: TenantId, command: &EventCommand) -> usize {
        let now = self.now;
        let views = self.tenants.with(tenant, now, |t| t.registrations(now));
        let meant = |view: &&RegistrationView| match command {
            EventCommand::Mailbox { user, .. } => view.user == *user,
            EventCommand::CheckSync { device, .. } => view.device == *device,
            EventCommand::Resource { .. } => false,
        };
        let views = views.unwrap_or_default();
        views.iter().filter(meant).filter(|view| view.reachable).count()
    }
}
