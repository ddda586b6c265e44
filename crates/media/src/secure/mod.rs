//! A leg that speaks ICE and DTLS-SRTP, as browsers do (RFC 8834, RFC 8835).
//!
//! Owns: what a datagram of such a leg leads to until there are keys, and the deadlines of that. Does not own: RTP, ports, and
//! DTLS itself (the shell lends it, see [`Dtls`]).
//!
//! The rules, all of which a stranger would like to break (SECURITY rows 6 to 8):
//!
//! - Nothing counts but what comes from an address that has answered a check of ours under the leg's password. A ClientHello
//!   from elsewhere is dropped without an answer.
//! - A handshake that fails is forgotten, and the next hello begins another; after [`MOST_HANDSHAKES`] none does, until the
//!   leg describes itself anew.
//! - Keys are used only after the certificate was seen to be the one that the description names. Until then no audio passes,
//!   either way.
//! - Keys that are there stay through a restart of ICE. Another fingerprint or certificate of ours begins DTLS anew.

mod dtls;
mod ice;

pub use dtls::{Dtls, DtlsOutput, DtlsSource};

use ice::{Agent, Found};
use model::{Insecurity, SrtpKey, SrtpKeys, WebTransport};
use rtp::{Protocol, protocol};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Handshakes that are begun for one description.
pub const MOST_HANDSHAKES: u8 = 8;
/// An endpoint answers repeated messages of the leg for so long after it is done.
const LINGER: Duration = Duration::from_secs(60);

/// Whoever makes endpoints, where somebody does.
type Source<'a> = Option<&'a mut (dyn DtlsSource + 'static)>;

/// What happened to a leg.
#[derive(Debug)]
pub(crate) enum Event {
    /// It is sent to, or believed, elsewhere.
    Path,
    /// It has these keys now.
    Keys(SrtpKeys),
    /// It gets no audio.
    Unsecured(Insecurity),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Secure {
    path: WebTransport,
    agent: Agent,
    dtls: Option<Handshake>,
    begun: u8,
    done: bool,
    /// What was reported about this description.
    told: bool,
    out: VecDeque<(SocketAddr, Vec<u8>)>,
    events: VecDeque<Event>,
    /// The deadline that the relay knows.
    pub(crate) armed: Option<Duration>,
}

#[derive(Debug)]
struct Handshake {
    endpoint: Box<dyn Dtls>,
    /// Where the leg speaks from.
    to: SocketAddr,
    /// The certificate is the one that was named.
    known: bool,
    until: Option<Duration>,
}

impl Secure {
    pub(crate) fn new(path: &WebTransport, now: Duration) -> Secure {
        Secure {
            path: path.clone(),
            agent: Agent::new(path, now),
            dtls: None,
            begun: 0,
            done: false,
            told: false,
            out: VecDeque::new(),
            events: VecDeque::new(),
            armed: None,
        }
    }

    /// Takes a later description in. True when the keys that there were are not to be used any more.
    pub(crate) fn change(&mut self, path: &WebTransport, now: Duration) -> bool {
        if *path == self.path {
            return false;
        }
        let other = path.fingerprints != self.path.fingerprints || path.certificate != self.path.certificate;
        self.agent.change(path, now);
        self.path = path.clone();
        (self.begun, self.told) = (0, false);
        if other {
            (self.dtls, self.done) = (None, false);
        }
        other
    }

    /// Takes a datagram that is no RTP. False when it is not believed.
    pub(crate) fn receive(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        source: Source<'_>,
        now: Duration,
    ) -> bool {
        let believed = match protocol(datagram) {
            Protocol::Stun => self.agent.receive(from, datagram, now),
            Protocol::Dtls if self.agent.valid().any(|valid| valid == from) => {
                return self.shake(from, datagram, source, now);
            }
            _ => false,
        };
        self.follow(source, now);
        believed
    }

    pub(crate) fn handle_timeout(&mut self, source: Source<'_>, now: Duration) {
        self.agent.handle_timeout(now);
        self.follow(source, now);
        if let Some(handshake) = &mut self.dtls {
            handshake.endpoint.handle_timeout(now);
            if handshake.until.is_some_and(|until| until <= now) {
                self.dtls = None;
            }
            self.settle(now);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        let handshake = self.dtls.as_ref();
        let dtls = handshake.and_then(|handshake| handshake.endpoint.poll_timeout());
        let until = handshake.and_then(|handshake| handshake.until);
        self.agent
            .poll_timeout()
            .into_iter()
            .chain(dtls)
            .chain(until)
            .min()
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.agent.poll_transmit().or_else(|| self.out.pop_front())
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Where the leg is sent to, and from where it is believed.
    pub(crate) fn path(&self) -> (Option<SocketAddr>, Vec<SocketAddr>) {
        (self.agent.selected(), self.agent.valid().collect())
    }

    /// Does what the agent has found.
    fn follow(&mut self, source: Source<'_>, now: Duration) {
        while let Some(found) = self.agent.poll_found() {
            match found {
                Found::Path => self.events.push_back(Event::Path),
                Found::Nothing => self.tell(Insecurity::NoPath),
                Found::Silence => self.tell(Insecurity::ConsentLost),
            }
        }
        if let Some(to) = self
            .agent
            .selected()
            .filter(|_| self.path.active && !self.done && self.dtls.is_none())
            && self.begin(to, source, now)
        {
            self.settle(now);
        }
    }

    /// A DTLS datagram from a source that is believed.
    fn shake(&mut self, from: SocketAddr, datagram: &[u8], source: Source<'_>, now: Duration) -> bool {
        let late = self.done || self.path.active;
        if self.dtls.is_none() && (late || !self.begin(from, source, now)) {
            return false;
        }
        let Some(handshake) = &mut self.dtls else {
            return false;
        };
        handshake.to = from;
        handshake.endpoint.handle_datagram(datagram, now);
        self.settle(now);
        true
    }

    fn begin(&mut self, to: SocketAddr, source: Source<'_>, now: Duration) -> bool {
        if self.begun >= MOST_HANDSHAKES {
            self.tell(Insecurity::Handshake);
            return false;
        }
        let endpoint = source.and_then(|source| source.begin(self.path.certificate, self.path.active, now));
        let Some(endpoint) = endpoint else { return false };
        self.begun = self.begun.saturating_add(1);
        self.dtls = Some(Handshake {
            endpoint,
            to,
            known: false,
            until: None,
        });
        true
    }

    /// Does what the endpoint has come to.
    fn settle(&mut self, now: Duration) {
        while let Some(handshake) = &mut self.dtls {
            let Some(output) = handshake.endpoint.poll() else {
                return;
            };
            match output {
                DtlsOutput::Datagram(datagram) => self.out.push_back((handshake.to, datagram)),
                DtlsOutput::Certificate(certificate) => {
                    handshake.known = dtls::is_named(&certificate, &self.path.fingerprints);
                    if !handshake.known {
                        self.dtls = None;
                        self.tell(Insecurity::Fingerprint);
                    }
                }
                DtlsOutput::Keys {
                    suite,
                    client,
                    server,
                } if handshake.known && !self.done => {
                    let (ours, theirs) = match self.path.active {
                        true => (client, server),
                        false => (server, client),
                    };
                    if let (Some(ours), Some(theirs)) = (SrtpKey::new(&ours), SrtpKey::new(&theirs)) {
                        handshake.until = Some(now.saturating_add(LINGER));
                        self.done = true;
                        self.events
                            .push_back(Event::Keys(SrtpKeys { suite, ours, theirs }));
                    }
                }
                DtlsOutput::Keys { .. } => {}
                DtlsOutput::Failed => self.dtls = None,
            }
        }
    }

    fn tell(&mut self, why: Insecurity) {
        if !std::mem::replace(&mut self.told, true) {
            self.events.push_back(Event::Unsecured(why));
        }
    }
}
