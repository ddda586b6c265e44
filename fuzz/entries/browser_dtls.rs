//! A DTLS of one message each way, as far as the relay sees one. Its datagrams are a record's type, a letter, the mark of a hello
//! where there is one, and a certificate: `H` begins, `R` answers, `X` fails.

use media::{Dtls, DtlsOutput, DtlsRole, DtlsSource};
use model::SrtpSuite;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// Lends endpoints; each has keys of its own.
#[derive(Debug)]
pub(crate) struct Toys {
    begun: u8,
    last: Arc<AtomicU8>,
}

impl Toys {
    /// `last` is told the number of the endpoint that has come to keys.
    pub(crate) fn new(last: Arc<AtomicU8>) -> Toys {
        Toys { begun: 0, last }
    }
}

#[derive(Debug)]
struct Toy {
    number: u8,
    last: Arc<AtomicU8>,
    active: bool,
    out: VecDeque<DtlsOutput>,
}

pub(crate) fn datagram(kind: u8, certificate: &[u8]) -> Vec<u8> {
    let mut octets = vec![22, kind];
    octets.resize(13, 0);
    octets.push(u8::from(kind == b'H'));
    octets.extend(certificate);
    octets
}

/// Of client and server.
pub(crate) fn keys(number: u8) -> [Vec<u8>; 2] {
    [vec![number; 30], vec![!number; 30]]
}

impl DtlsSource for Toys {
    fn begin(&mut self, certificate: u8, role: DtlsRole, _now: Duration) -> Option<Box<dyn Dtls>> {
        self.begun = self.begun.checked_add(1).filter(|begun| *begun < 100)?;
        let active = role == DtlsRole::Active;
        let hello = active.then(|| DtlsOutput::Datagram(datagram(b'H', &[certificate])));
        Some(Box::new(Toy {
            number: self.begun,
            last: Arc::clone(&self.last),
            active,
            out: hello.into_iter().collect(),
        }))
    }
}

impl Dtls for Toy {
    fn handle_datagram(&mut self, octets: &[u8], _now: Duration) {
        match (octets.get(1), self.active) {
            (Some(b'H'), false) => self.out.push_back(DtlsOutput::Datagram(datagram(b'R', b""))),
            (Some(b'R'), true) => {}
            (Some(b'X'), _) => return self.out.push_back(DtlsOutput::Failed),
            _ => return,
        }
        let [client, server] = keys(self.number);
        self.last.store(self.number, Ordering::Relaxed);
        let certificate = octets.get(14..).unwrap_or_default().to_vec();
        self.out.push_back(DtlsOutput::Certificate(certificate));
        self.out.push_back(DtlsOutput::Keys {
            suite: SrtpSuite::AesCm128HmacSha1_80,
            client,
            server,
        });
    }

    fn handle_timeout(&mut self, _now: Duration) {}

    fn poll(&mut self) -> Option<DtlsOutput> {
        self.out.pop_front()
    }

    fn poll_timeout(&self) -> Option<Duration> {
        None
    }
}
