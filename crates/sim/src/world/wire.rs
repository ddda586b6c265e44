//! Between the network and those who send and receive on it.

use super::{Doomed, Trace, World};
use crate::net::{Load, Packet};
use crate::phone::Phone;
use crate::server::Output;
use model::{FlowToken, Now, Transport};
use std::net::SocketAddr;

impl World {
    pub(super) fn deliver(&mut self, packet: Packet, now: Now) {
        let Packet {
            from,
            to,
            transport,
            connection,
            load,
        } = packet;
        match load {
            Load::Sip(bytes) if to == self.address => {
                if transport.is_reliable() && !self.connections.contains_key(&connection) {
                    return;
                }
                let flow = match from == self.address {
                    true => FlowToken::inside(self.address),
                    false => FlowToken {
                        transport,
                        worker: 0,
                        connection,
                        local: self.address,
                        remote: from,
                    },
                };
                self.note(|| Trace::In(flow, bytes.clone()));
                self.server.receive(flow, &bytes, now);
            }
            Load::Sip(bytes) => {
                if self.carried((from, to, connection), &bytes, now) {
                    return;
                }
                let index = self.phone_on(to, connection);
                let read = index.is_none_or(|index| self.is_read(index, connection));
                match index.and_then(|index| self.phones.get_mut(index)) {
                    Some(phone) if read => phone.receive(&bytes, now.mono),
                    Some(_) => {}
                    None if self.strangers.contains_key(&to) => self.mail.push((to, bytes)),
                    None => {}
                }
            }
            Load::Media(bytes) if to.ip() == self.address.ip() => {
                self.server.receive_media(to, from, &bytes, now)
            }
            Load::Media(bytes) => {
                if let Some(phone) = self.phones.iter_mut().find(|p| p.rtp_address() == to) {
                    phone.receive_media(&bytes, now.mono);
                }
            }
            Load::Closed if to == self.address => {
                if self.connections.remove(&connection).is_some() {
                    self.server.connection_lost(connection, now);
                }
            }
            Load::Closed => {
                let phone = self
                    .phones
                    .iter()
                    .position(|p| p.identity.address == to && p.connection == connection);
                if let Some(index) = phone {
                    self.connect(index);
                }
            }
            Load::Connect => self.asked_to_connect(from, to, connection),
            Load::Accepted => self.connected(connection, true, now),
            Load::Refused => self.connected(connection, false, now),
        }
    }

    /// The phone at that address that has this connection, or takes datagrams.
    fn phone_on(&self, address: SocketAddr, connection: u64) -> Option<usize> {
        let here = |p: &Phone| p.connection == connection || p.taken == Some(connection);
        self.phones
            .iter()
            .position(|p| p.identity.address == address && here(p))
    }

    /// Puts on the network what server and phones want to send.
    pub fn collect(&mut self) {
        let mono = self.mono;
        for output in self.server.take_outputs() {
            match output {
                Output::Sip(flow, bytes) => {
                    self.note(|| Trace::Out(flow, bytes.clone()));
                    self.send_from_server(&flow, &bytes);
                }
                Output::Connect(tenant, order) => self.connect_to(tenant, order),
                Output::Ask(tenant, question) => self.asked(tenant, question),
                Output::Close(flow) => self.close_from_server(&flow),
                Output::Media(from, to, bytes) => {
                    self.note(|| Trace::Media(to, bytes.clone()));
                    let load = Load::Media(bytes);
                    self.network.send(
                        Packet {
                            from,
                            to,
                            transport: Transport::Udp,
                            connection: 0,
                            load,
                        },
                        mono,
                    );
                }
            }
        }
        for index in 0..self.phones.len() {
            self.collect_from(index);
        }
        self.collect_from_carriers();
    }

    fn collect_from(&mut self, index: usize) {
        let Some(phone) = self.phones.get_mut(index) else {
            return;
        };
        let (name, from) = (phone.identity.name.clone(), phone.identity.address);
        let (rtp, messages, media) = (phone.speaks_from(), phone.take_messages(), phone.take_media());
        for bytes in messages {
            let (transport, connection) = self.way_of(index, &bytes);
            self.tell_server(&name, from, (transport, connection), bytes);
        }
        for (to, bytes) in media {
            let packet = Packet {
                from: rtp,
                to,
                transport: Transport::Udp,
                connection: 0,
                load: Load::Media(bytes),
            };
            self.network.send(packet, self.mono);
        }
    }

    /// Opens a connection to the server for a stranger.
    pub fn connect_stranger(&mut self) -> u64 {
        self.next_connection += 1;
        self.connections.insert(self.next_connection, usize::MAX);
        self.next_connection
    }

    /// Sends octets to the server as they are, in the name of the stranger at `from`.
    pub fn send_raw(&mut self, from: SocketAddr, transport: Transport, connection: u64, bytes: Vec<u8>) {
        let name = self.strangers.get(&from).cloned().unwrap_or_default();
        self.tell_server(&name, from, (transport, connection), bytes);
    }

    /// Somebody sends a message to the server.
    pub(super) fn tell_server(
        &mut self,
        name: &str,
        from: SocketAddr,
        (transport, connection): (Transport, u64),
        bytes: Vec<u8>,
    ) {
        let (to, load) = (self.address, Load::Sip(bytes));
        let packet = Packet {
            from,
            to,
            transport,
            connection,
            load,
        };
        self.post(name, "server", packet);
    }

    /// The network loses the next messages to this address whose first line starts like this.
    pub fn lose(&mut self, to: SocketAddr, start: &str, times: u32) {
        let start = start.to_owned();
        self.doomed.push(Doomed { to, start, times });
    }

    /// Where the server listens.
    #[must_use]
    pub fn server_address(&self) -> SocketAddr {
        self.address
    }

    fn post(&mut self, from: &str, to: &str, packet: Packet) {
        let Load::Sip(bytes) = &packet.load else { return };
        let doomed = self
            .doomed
            .iter_mut()
            .find(|d| d.times > 0 && d.to == packet.to && bytes.starts_with(d.start.as_bytes()));
        let lost = doomed.is_some();
        doomed.into_iter().for_each(|d| d.times -= 1);
        let opened = self.opened.contains(&packet.connection);
        self.ladder.sent(self.mono, (from, to), bytes, lost, opened);
        if !lost {
            self.network.send(packet, self.mono);
        }
    }

    fn send_from_server(&mut self, flow: &FlowToken, bytes: &[u8]) {
        let name = self.name_of(flow.remote);
        let (transport, connection, mono) = (flow.transport, flow.connection, self.mono);
        if transport.is_reliable() && !self.connections.contains_key(&connection) {
            let opened = self.opened.contains(&connection);
            self.ladder.sent(mono, ("server", &name), bytes, true, opened);
            // As a node does: whoever sends on it is told that it is gone.
            let now = self.now();
            return self.server.connection_lost(connection, now);
        }
        let packet = Packet {
            from: self.address,
            to: flow.remote,
            transport,
            connection,
            load: Load::Sip(bytes.to_vec()),
        };
        self.post("server", &name, packet);
    }
    fn note(&mut self, what: impl FnOnce() -> Trace) {
        if self.tracing {
            self.trace.push(what());
        }
    }

    fn close_from_server(&mut self, flow: &FlowToken) {
        if self.connections.remove(&flow.connection).is_none() {
            return;
        }
        let now = self.now();
        self.server.connection_lost(flow.connection, now);
        self.network.send(
            Packet {
                from: self.address,
                to: flow.remote,
                transport: flow.transport,
                connection: flow.connection,
                load: Load::Closed,
            },
            now.mono,
        );
    }
}
