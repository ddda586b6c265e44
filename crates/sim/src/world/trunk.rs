//! Carriers in a world: the names that lead to them, and the ways there.

use super::World;
use crate::carrier::Carrier;
use crate::phone::Answer;
use crate::rng::Rng;
use crate::server::Question;
use model::{
    CertificateOutcome, ConnectOutcome, FetchCertificate, FetchedCertificate, FlowToken, Locate,
    LocateOutcome, Located, Now, Place, Reach, Reached, TenantId, Transport,
};
use std::net::SocketAddr;
use std::time::Duration;

/// How long the DNS takes, and a connection, milliseconds.
const DNS_MS: u64 = 5;

impl World {
    /// A carrier appears at 10.0.9.`host`, under a name of the DNS.
    pub fn add_carrier(&mut self, domain: &str, host: u8, account: Option<(&str, &str)>) -> usize {
        let address = SocketAddr::from(([10, 0, 9, host], 5060));
        let rng = Rng::new(self.rng.next());
        let name = format!("carrier{host}");
        self.carriers.push(Carrier::new(&name, address, account, rng));
        self.add_place(domain, address);
        self.carriers.len() - 1
    }

    /// A carrier appears whose calls a phone has that behaves as its switch does; both are at 10.0.8.`host`.
    pub fn add_exchange(
        &mut self,
        domain: &str,
        (user, host): (&str, u8),
        account: Option<(&str, &str)>,
        answer: Answer,
    ) -> (usize, usize) {
        let carrier = self.add_carrier(domain, host, account);
        let switch = self.add_phone(domain, user, Transport::Udp, answer);
        let address = SocketAddr::from(([10, 0, 8, host], 5060));
        self.places.insert(domain.to_owned(), vec![address]);
        if let Some(carrier) = self.carriers.get_mut(carrier) {
            (carrier.address, carrier.switch) = (address, Some(switch));
        }
        if let Some(switch) = self.phones.get_mut(switch) {
            switch.identity.address = address;
        }
        (carrier, switch)
    }

    /// A name of the DNS leads to this place as well.
    pub fn add_place(&mut self, domain: &str, address: SocketAddr) {
        self.places.entry(domain.to_owned()).or_default().push(address);
    }

    /// The shell is asked for a way.
    pub(super) fn asked(&mut self, tenant: TenantId, question: Question) {
        if self.forgets_questions {
            return;
        }
        let takes = match &question {
            // Nobody answers there.
            Question::Fetch(ask) => match self.certificates.get(&*ask.url) {
                Some((takes, _)) => *takes,
                None => return,
            },
            _ => Duration::from_millis(DNS_MS),
        };
        let at = self.mono + takes;
        self.serial += 1;
        self.questions.insert((at, self.serial), (tenant, question));
    }

    /// Answers the questions whose time has come.
    pub(super) fn answer_questions(&mut self, now: Now) {
        while let Some(entry) = self
            .questions
            .first_entry()
            .filter(|entry| entry.key().0 <= now.mono)
        {
            let (tenant, question) = entry.remove();
            match question {
                Question::Locate(locate) => {
                    let located = self.locate(&locate);
                    self.server.located(tenant, located, now);
                }
                Question::Reach(reach) => {
                    let reached = self.reach(&reach);
                    self.server.reached(tenant, reached, now);
                }
                Question::Fetch(ask) => {
                    let fetched = self.fetch(&ask);
                    self.server.fetched(tenant, fetched, now);
                }
            }
        }
    }

    fn fetch(&self, ask: &FetchCertificate) -> FetchedCertificate {
        let found = self.certificates.get(&*ask.url);
        FetchedCertificate {
            order: ask.order,
            outcome: found.map_or(CertificateOutcome::Unreachable, |(_, outcome)| outcome.clone()),
        }
    }

    fn locate(&self, locate: &Locate) -> Located {
        let transport = locate.transport.unwrap_or(Transport::Udp);
        let place = |address: &SocketAddr| Place {
            transport,
            address: *address,
            name: locate.host.clone(),
        };
        let address = locate.host.parse().ok();
        let address = address.map(|ip| vec![SocketAddr::new(ip, locate.port.unwrap_or(5060))]);
        let outcome = match address.as_ref().or_else(|| self.places.get(&*locate.host)) {
            // Who has an address needs no name.
            Some(addresses) if address.is_some() => LocateOutcome::Found {
                places: addresses.iter().map(place).collect(),
                ttl_s: self.ttl_s,
            },
            _ if self.dns_is_away => LocateOutcome::NoAnswer,
            None => LocateOutcome::NoSuchName,
            Some(addresses) => LocateOutcome::Found {
                places: addresses.iter().map(place).collect(),
                ttl_s: self.ttl_s,
            },
        };
        Located {
            order: locate.order,
            outcome,
        }
    }

    fn reach(&mut self, reach: &Reach) -> Reached {
        let mut flow = FlowToken {
            transport: reach.place.transport,
            worker: 0,
            connection: 0,
            local: self.address,
            remote: reach.place.address,
        };
        let carrier = self
            .carriers
            .iter()
            .find(|carrier| carrier.address == flow.remote);
        let is_there = carrier.is_some();
        let fault = carrier.and_then(|carrier| carrier.untrusted);
        if let Some(fault) = fault.filter(|_| reach.verify && flow.transport.is_encrypted()) {
            return Reached {
                order: reach.order,
                outcome: ConnectOutcome::Untrusted(fault),
            };
        }
        if flow.transport.is_reliable() {
            self.next_connection += 1;
            flow.connection = self.next_connection;
            if is_there {
                self.connections.insert(flow.connection, usize::MAX);
                self.opened.insert(flow.connection);
            }
        }
        Reached {
            order: reach.order,
            outcome: match is_there || !flow.transport.is_reliable() {
                true => ConnectOutcome::Open(flow),
                false => ConnectOutcome::Refused,
            },
        }
    }

    /// Breaks every connection to a carrier; the server notices.
    pub fn break_trunk(&mut self) {
        let now = self.now();
        let lost: Vec<_> = self
            .connections
            .iter()
            .filter(|(_, index)| **index == usize::MAX)
            .map(|(n, _)| *n)
            .collect();
        for connection in lost {
            self.connections.remove(&connection);
            self.server.connection_lost(connection, now);
        }
        self.collect();
    }

    /// A message for a carrier arrives; false when there is none at that address.
    pub(super) fn carried(&mut self, packet: (SocketAddr, SocketAddr, u64), bytes: &[u8], now: Now) -> bool {
        let (from, to, connection) = packet;
        let Some(carrier) = self.carriers.iter_mut().find(|carrier| carrier.address == to) else {
            return false;
        };
        let when = (now.mono, now.wall);
        let switch = carrier.hands_on(bytes, when);
        match switch.and_then(|switch| self.phones.get_mut(switch)) {
            Some(switch) => switch.receive(bytes, now.mono),
            None => carrier.receive(from, connection, bytes, when),
        }
        true
    }

    /// Puts on the network what carriers want to send.
    pub(super) fn collect_from_carriers(&mut self) {
        let mut sent = Vec::new();
        for carrier in &mut self.carriers {
            let messages = carrier.take_messages().into_iter();
            sent.extend(messages.map(|message| (carrier.name.clone(), carrier.address, message)));
        }
        for (name, from, (connection, bytes)) in sent {
            let transport = if connection == 0 {
                Transport::Udp
            } else {
                Transport::Tcp
            };
            self.tell_server(&name, from, (transport, connection), bytes);
        }
    }
}
