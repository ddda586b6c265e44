//! What a name server of a test knows, and what it answers (RFC 1035, 2782, 3403). Tests give it a socket.

use std::net::Ipv4Addr;

const A: u16 = 1;
const SRV: u16 = 33;
const NAPTR: u16 = 35;
/// Where the question begins.
const HEAD: usize = 12;
/// No such name.
const NAME_ERROR: u8 = 3;

#[derive(Clone, Debug)]
struct Record {
    kind: u16,
    name: String,
    data: Vec<u8>,
}

/// Some names.
#[derive(Clone, Debug)]
pub struct Zone {
    records: Vec<Record>,
    /// How long an answer holds.
    pub ttl_s: u32,
}

impl Default for Zone {
    fn default() -> Zone {
        Zone {
            records: Vec::new(),
            ttl_s: 60,
        }
    }
}

/// A name as it is sent.
fn wire(name: &str) -> Vec<u8> {
    let labels = name.split('.').flat_map(|label| {
        let length = u8::try_from(label.len()).unwrap_or(u8::MAX);
        [&[length], label.as_bytes()].concat()
    });
    labels.chain([0]).collect()
}

impl Zone {
    fn with(mut self, kind: u16, name: &str, data: Vec<u8>) -> Zone {
        let name = name.to_ascii_lowercase();
        self.records.push(Record { kind, name, data });
        self
    }

    /// Answers hold for so long.
    #[must_use]
    pub fn holds(self, ttl_s: u32) -> Zone {
        Zone { ttl_s, ..self }
    }

    /// A host's address.
    #[must_use]
    pub fn host(self, name: &str, address: Ipv4Addr) -> Zone {
        self.with(A, name, address.octets().to_vec())
    }

    /// A server of a service such as `_sip._udp.carrier.example`, by priority and weight.
    #[must_use]
    pub fn server(self, service: &str, (priority, weight): (u16, u16), host: &str, port: u16) -> Zone {
        let numbers = [priority, weight, port].map(u16::to_be_bytes);
        self.with(SRV, service, [numbers.as_flattened(), &wire(host)].concat())
    }

    /// A way to speak with a domain, such as `SIP+D2U`, by which service; the least order goes first.
    #[must_use]
    pub fn way(self, domain: &str, order: u16, how: &str, service: &str) -> Zone {
        let mut data = [order, 1].map(u16::to_be_bytes).as_flattened().to_vec();
        data.extend([1, b's', u8::try_from(how.len()).unwrap_or(u8::MAX)]);
        data.extend(how.as_bytes());
        data.push(0);
        data.extend(wire(service));
        self.with(NAPTR, domain, data)
    }

    /// The answer to a query with one question; `None` to what is none.
    #[must_use]
    pub fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let asked = query.get(HEAD..)?;
        let length = asked.iter().position(|octet| *octet == 0)? + 1;
        let name = asked.get(..length)?.to_ascii_lowercase();
        let kind = u16::from_be_bytes(asked.get(length..length + 2)?.try_into().ok()?);
        let named = || self.records.iter().filter(|record| wire(&record.name) == name);
        let found = named().filter(|record| record.kind == kind);
        let mut answer = query.get(..HEAD + length + 4)?.to_vec();
        let error = if named().next().is_some() { 0 } else { NAME_ERROR };
        let count = u8::try_from(found.clone().count()).ok()?;
        let head = [0x81, 0x80 | error, 0, 1, 0, count, 0, 0, 0, 0];
        answer.get_mut(2..HEAD)?.copy_from_slice(&head);
        for Record { kind, data, .. } in found {
            // The name that was asked for, by where it stands.
            answer.extend([0xC0, 12]);
            answer.extend(kind.to_be_bytes());
            answer.extend([0, 1]);
            answer.extend(self.ttl_s.to_be_bytes());
            answer.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
            answer.extend(data);
        }
        Some(answer)
    }
}
