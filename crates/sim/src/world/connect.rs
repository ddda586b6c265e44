//! Connections that the server opens to phones, for requests too large for a datagram (RFC 3261 §18.1.1).

use super::World;
use crate::net::{Load, Packet};
use crate::phone::{Answer, Listens};
use model::{Connect, ConnectOutcome, Connected, FlowToken, Limits, Now, TenantId, Transport};
use std::net::SocketAddr;
use std::time::Duration;

impl World {
    /// The server wants a connection.
    pub(super) fn connect_to(&mut self, tenant: TenantId, order: Connect) {
        if self.forgets_connections {
            return;
        }
        self.next_connection += 1;
        let connection = self.next_connection;
        self.connecting.insert(connection, (tenant, order));
        let name = self.name_of(order.remote);
        let mono = self.mono;
        self.ladder.note(mono, &format!("  server connects to {name}"));
        self.send_along(order.local, order.remote, connection, Load::Connect);
        let timeout = Duration::from_millis(Limits::default().connect_timeout_ms);
        let late = Packet {
            from: order.remote,
            to: order.local,
            transport: Transport::Tcp,
            connection,
            load: Load::Refused,
        };
        self.network.send_at(late, mono + timeout);
    }

    /// A phone is asked for a connection.
    pub(super) fn asked_to_connect(&mut self, from: SocketAddr, to: SocketAddr, connection: u64) {
        let mono = self.mono;
        let phone = self.phones.iter_mut().find(|p| p.identity.address == to);
        let Some(phone) = phone.filter(|p| p.answer != Answer::Dead) else {
            return;
        };
        let name = phone.identity.name.clone();
        let load = match phone.listens {
            Listens::No => Load::Refused,
            Listens::Filtered => return,
            Listens::Yes | Listens::Deaf | Listens::Closes => {
                phone.taken = Some(connection);
                Load::Accepted
            }
        };
        let word = if load == Load::Accepted {
            "takes"
        } else {
            "refuses"
        };
        self.ladder
            .note(mono, &format!("{name:>8} {word} the connection"));
        self.send_along(to, from, connection, load);
    }

    /// The server hears what became of its attempt; the first word counts.
    pub(super) fn connected(&mut self, connection: u64, taken: bool, now: Now) {
        let Some((tenant, order)) = self.connecting.remove(&connection) else {
            return;
        };
        let index = self
            .phones
            .iter()
            .position(|p| p.identity.address == order.remote);
        let flow = FlowToken {
            transport: Transport::Tcp,
            worker: 0,
            connection,
            local: self.address,
            remote: order.remote,
        };
        if taken {
            self.connections.insert(connection, index.unwrap_or(usize::MAX));
            self.opened.insert(connection);
        }
        let outcome = match taken {
            true => ConnectOutcome::Open(flow),
            false => ConnectOutcome::Refused,
        };
        self.server.connected(tenant, Connected { order, outcome }, now);
    }

    /// A message for a phone came on the connection that the server opened; true when the phone reads it.
    pub(super) fn is_read(&mut self, index: usize, connection: u64) -> bool {
        let Some(phone) = self.phones.get(index) else {
            return false;
        };
        if phone.taken != Some(connection) {
            return true;
        }
        let (address, listens) = (phone.identity.address, phone.listens);
        if listens == Listens::Closes {
            self.send_along(address, self.address, connection, Load::Closed);
        }
        listens == Listens::Yes
    }

    /// Breaks the connection that the server opened to a phone: both notice at once.
    pub fn break_opened(&mut self, index: usize) {
        let Some(phone) = self.phones.get_mut(index) else {
            return;
        };
        let (name, now) = (phone.identity.name.clone(), self.now());
        if let Some(connection) = self.phones.get_mut(index).and_then(|p| p.taken.take())
            && self.connections.remove(&connection).is_some()
        {
            let note = format!("{name:>8} loses the server's connection");
            self.ladder.note(now.mono, &note);
            self.server.connection_lost(connection, now);
            if let Some(phone) = self.phones.get_mut(index) {
                phone.connection_broke();
            }
            self.collect();
        }
    }

    /// How a message of a phone on datagrams leaves: answers go by the transport that their Via names, on the connection
    /// that the request came on, or on a new one where that is gone (RFC 3261 §18.2.2).
    pub(super) fn way_of(&mut self, index: usize, bytes: &[u8]) -> (Transport, u64) {
        let Some(phone) = self.phones.get(index) else {
            return (Transport::Udp, 0);
        };
        let own = (phone.identity.transport, phone.connection);
        let answer = sip::Message::parse(bytes)
            .ok()
            .filter(|m| m.status_line().is_some());
        let stream = answer
            .and_then(|answer| answer.top_via().ok().map(|via| via.transport == "TCP"))
            .unwrap_or(false);
        if own.0 != Transport::Udp || !stream {
            return own;
        }
        let open = phone.taken.filter(|taken| self.connections.contains_key(taken));
        let connection = open.unwrap_or_else(|| {
            self.next_connection += 1;
            self.connections.insert(self.next_connection, index);
            self.opened.insert(self.next_connection);
            self.next_connection
        });
        if let Some(phone) = self.phones.get_mut(index) {
            phone.taken = Some(connection);
        }
        (Transport::Tcp, connection)
    }

    fn send_along(&mut self, from: SocketAddr, to: SocketAddr, connection: u64, load: Load) {
        let packet = Packet {
            from,
            to,
            transport: Transport::Tcp,
            connection,
            load,
        };
        self.network.send(packet, self.mono);
    }

    pub(super) fn name_of(&self, address: SocketAddr) -> String {
        if address == self.address {
            return "server".to_owned();
        }
        let phone = self.phones.iter().find(|p| p.identity.address == address);
        let name = phone
            .map(|p| &p.identity.name)
            .or_else(|| self.strangers.get(&address))
            .or_else(|| {
                let carrier = self.carriers.iter().find(|c| c.address == address);
                carrier.map(|carrier| &carrier.name)
            });
        name.map_or("nobody", |name| name).to_owned()
    }
}
