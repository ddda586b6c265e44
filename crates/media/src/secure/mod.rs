//! A leg that speaks DTLS-SRTP, with ICE as browsers do (RFC 8834, RFC 8835) or without, as some phones do (RFC 5763).
//!
//! Owns: what a datagram of such a leg leads to until there are keys, and the deadlines of that. Does not own: RTP, ports, and
//! DTLS itself (the shell lends it, see [`Dtls`]).
//!
//! The rules, all of which a stranger would like to break (SECURITY rows 6 to 8):
//!
//! - With ICE nothing counts but what comes from an address that has answered a check of ours under the leg's password. Without,
//!   nothing counts but what comes from the host of the description or of the signalling, as for any other phone. A ClientHello
//!   from elsewhere is dropped without an answer.
//! - A handshake that fails is forgotten, and the next hello begins another; after [`MOST_HANDSHAKES`] none does, until the
//!   leg describes itself anew.
//! - That no handshake comes to an end is told after [`PATIENCE`].
//! - Without ICE each source has a handshake of its own, so that a neighbour behind the leg's address disturbs nothing: who has
//!   the certificate wins. Half of the handshakes are kept for the address of the description, and a hello has to be said
//!   twice, the second time with a cookie.
//! - Keys are used only after the certificate was seen to be the one that the description names. Until then no audio passes,
//!   either way.
//! - Keys that are there stay through a restart of ICE. Another fingerprint or certificate of ours begins DTLS anew.

mod allowance;
mod dtls;
mod ice;

pub use dtls::{Dtls, DtlsOutput, DtlsRole, DtlsSource};

use ice::{Agent, Found};
use model::{AudioFault, Insecurity, SrtpKey, SrtpKeys, WebTransport};
use rtp::{Protocol, protocol};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Handshakes that are begun for one description.
pub const MOST_HANDSHAKES: u8 = 8;
/// Handshakes with sources that no description names.
const MOST_WITH_STRANGERS: u8 = MOST_HANDSHAKES / 2;
/// From a path to keys, at most, until it is reported. The leg may still come to keys.
const PATIENCE: Duration = Duration::from_secs(20);
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
    /// Its RTCP has these, for it has a port of its own.
    ControlKeys(SrtpKeys),
    /// It gets no audio.
    Unsecured(Insecurity),
}

/// A datagram that leaves by the RTCP socket when `rtcp`.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) rtcp: bool,
    pub(crate) to: SocketAddr,
    pub(crate) octets: Vec<u8>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Secure {
    path: WebTransport,
    agent: Option<Agent>,
    /// Where RTP and RTCP are expected; without ICE.
    described: [Option<SocketAddr>; 2],
    handshakes: Vec<Handshake>,
    begun: u8,
    /// There are keys for RTP, and for RTCP with a port of its own.
    done: [bool; 2],
    /// Its certificate was another one than the one named.
    is_strange: bool,
    /// Keys are due.
    patience: Option<Duration>,
    /// What was reported about this description.
    told: bool,
    out: VecDeque<Outgoing>,
    events: VecDeque<Event>,
    /// The deadline that the relay knows.
    pub(crate) armed: Option<Duration>,
}

#[derive(Debug)]
struct Handshake {
    endpoint: Box<dyn Dtls>,
    rtcp: bool,
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
            agent: path.ice.as_ref().map(|ice| Agent::new(ice, now)),
            described: [None; 2],
            handshakes: Vec::new(),
            begun: 0,
            done: [false; 2],
            is_strange: false,
            patience: None,
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
        if let (Some(agent), Some(ice)) = (&mut self.agent, &path.ice) {
            agent.change(ice, now);
        }
        self.path = path.clone();
        (self.begun, self.told, self.is_strange) = (0, false, false);
        self.patience = None;
        if other {
            self.handshakes.clear();
            self.done = [false; 2];
        }
        other
    }

    pub(crate) fn has_ice(&self) -> bool {
        self.agent.is_some()
    }

    /// Where the leg says that it takes RTP and RTCP, which counts without ICE.
    pub(crate) fn describe(&mut self, described: [Option<SocketAddr>; 2], source: Source<'_>, now: Duration) {
        self.described = described.map(|at| at.map(crate::latch::plain));
        self.follow(source, now);
    }

    /// RTCP has a port, and a handshake, of its own.
    pub(crate) fn parts_rtcp(&self) -> bool {
        let [rtp, rtcp] = self.described;
        self.agent.is_none() && rtcp.is_some() && rtp != rtcp
    }

    /// Takes a datagram that is no RTP. False when it is not believed. `known` = it came from where the leg is expected,
    /// which is enough without ICE.
    pub(crate) fn receive(
        &mut self,
        (rtcp, known): (bool, bool),
        from: SocketAddr,
        datagram: &[u8],
        source: Source<'_>,
        now: Duration,
    ) -> bool {
        let Some(agent) = &mut self.agent else {
            let expected = known && (!rtcp || self.parts_rtcp());
            return expected
                && protocol(datagram) == Protocol::Dtls
                && self.shake((rtcp, from), datagram, source, now);
        };
        let believed = match protocol(datagram) {
            _ if rtcp => false,
            Protocol::Stun => agent.receive(from, datagram, now),
            Protocol::Dtls if agent.valid().any(|valid| valid == from) => {
                return self.shake((false, from), datagram, source, now);
            }
            _ => false,
        };
        self.follow(source, now);
        believed
    }

    pub(crate) fn handle_timeout(&mut self, source: Source<'_>, now: Duration) {
        if let Some(agent) = &mut self.agent {
            agent.handle_timeout(now);
        }
        self.follow(source, now);
        if self.patience.is_some_and(|at| at <= now) {
            self.patience = None;
            self.tell(Insecurity::Handshake);
        }
        self.handshakes
            .retain_mut(|handshake| handshake.until.is_none_or(|until| until > now));
        for handshake in &mut self.handshakes {
            handshake.endpoint.handle_timeout(now);
        }
        self.settle(now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        let agent = self.agent.as_ref().and_then(Agent::poll_timeout);
        let handshakes = self.handshakes.iter();
        let due = handshakes.flat_map(|handshake| [handshake.endpoint.poll_timeout(), handshake.until]);
        due.chain([agent, self.patience]).flatten().min()
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Outgoing> {
        let check = self.agent.as_mut().and_then(Agent::poll_transmit);
        let check = check.map(|(to, octets)| Outgoing {
            rtcp: false,
            to,
            octets,
        });
        check.or_else(|| self.out.pop_front())
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Where ICE has the leg sent to, and from where it is believed.
    pub(crate) fn path(&self) -> Option<(Option<SocketAddr>, Vec<SocketAddr>)> {
        let agent = self.agent.as_ref()?;
        Some((agent.selected(), agent.valid().collect()))
    }

    /// What keeps audio from passing, if anything does.
    pub(crate) fn lacks(&self) -> Option<AudioFault> {
        let has_path = self.agent.as_ref().is_none_or(|agent| agent.selected().is_some());
        match has_path {
            _ if self.is_strange => Some(AudioFault::WrongFingerprint),
            false => Some(AudioFault::NoPath),
            true => (!self.is_done(false)).then_some(AudioFault::NoKeys),
        }
    }

    /// Does what the agent has found, and begins handshakes where that is ours to do.
    fn follow(&mut self, mut source: Source<'_>, now: Duration) {
        while let Some(found) = self.agent.as_mut().and_then(Agent::poll_found) {
            match found {
                Found::Path => self.events.push_back(Event::Path),
                Found::Nothing => self.tell(Insecurity::NoPath),
                Found::Silence => self.tell(Insecurity::ConsentLost),
            }
        }
        let places = match &self.agent {
            Some(agent) => [agent.selected(), None],
            None if self.parts_rtcp() => self.described,
            None => [self.described[0], None],
        };
        if places[0].is_some() && !self.is_done(false) && !self.told {
            self.patience.get_or_insert(now.saturating_add(PATIENCE));
        }
        if !self.path.active {
            return;
        }
        for (rtcp, to) in [false, true].into_iter().zip(places) {
            let idle = !self.is_done(rtcp) && !self.handshakes.iter().any(|known| known.rtcp == rtcp);
            if let Some(to) = to.filter(|_| idle) {
                self.begin((rtcp, to), source.as_deref_mut(), now);
            }
        }
        self.settle(now);
    }

    fn is_done(&self, rtcp: bool) -> bool {
        let [of_rtp, of_rtcp] = self.done;
        if rtcp { of_rtcp } else { of_rtp }
    }

    /// A DTLS datagram from a source that is believed.
    fn shake(
        &mut self,
        (rtcp, from): (bool, SocketAddr),
        datagram: &[u8],
        source: Source<'_>,
        now: Duration,
    ) -> bool {
        // With ICE all sources are one and the same leg.
        let ice = self.agent.is_some();
        let same = |known: &Handshake| known.rtcp == rtcp && (ice || known.to == from);
        if !self.handshakes.iter().any(same) {
            let late = self.is_done(rtcp) || self.path.active;
            if late || !(ice || is_hello(datagram)) || !self.begin((rtcp, from), source, now) {
                return false;
            }
        }
        let Some(handshake) = self.handshakes.iter_mut().find(|known| same(known)) else {
            return false;
        };
        handshake.to = from;
        handshake.endpoint.handle_datagram(datagram, now);
        self.settle(now);
        true
    }

    fn begin(&mut self, (rtcp, to): (bool, SocketAddr), source: Source<'_>, now: Duration) -> bool {
        let is_leg = self.is_leg(to);
        let most = if is_leg {
            MOST_HANDSHAKES
        } else {
            MOST_WITH_STRANGERS
        };
        if self.begun >= most {
            if is_leg {
                self.tell(Insecurity::Handshake);
            }
            return false;
        }
        let role = match (self.path.active, self.agent.is_some()) {
            (true, _) => DtlsRole::Active,
            (false, true) => DtlsRole::Passive,
            (false, false) => DtlsRole::Wary,
        };
        let endpoint = source.and_then(|source| source.begin(self.path.certificate, role, now));
        let Some(endpoint) = endpoint else { return false };
        self.begun = self.begun.saturating_add(1);
        self.handshakes.push(Handshake {
            endpoint,
            rtcp,
            to,
            known: false,
            until: None,
        });
        true
    }

    /// Is whoever speaks from there surely the leg: shown by ICE, or named by the description?
    fn is_leg(&self, from: SocketAddr) -> bool {
        self.agent.is_some() || self.described.contains(&Some(from))
    }

    /// Does what the endpoints have come to.
    fn settle(&mut self, now: Duration) {
        let mut at = 0;
        while let Some(handshake) = self.handshakes.get_mut(at) {
            match handshake.endpoint.poll() {
                Some(output) => self.obey(at, output, now),
                None => at = at.saturating_add(1),
            }
        }
    }

    fn obey(&mut self, at: usize, output: DtlsOutput, now: Duration) {
        let Some(handshake) = self.handshakes.get_mut(at) else {
            return;
        };
        let (rtcp, to) = (handshake.rtcp, handshake.to);
        match output {
            DtlsOutput::Datagram(octets) => self.out.push_back(Outgoing { rtcp, to, octets }),
            DtlsOutput::Certificate(certificate) => {
                handshake.known = dtls::is_named(&certificate, &self.path.fingerprints);
                if !handshake.known {
                    self.handshakes.remove(at);
                    // Of somebody else behind the leg's address it says nothing about the leg.
                    if self.is_leg(to) {
                        self.is_strange = true;
                        self.tell(Insecurity::Fingerprint);
                    }
                }
            }
            DtlsOutput::Keys {
                suite,
                client,
                server,
            } if handshake.known => {
                handshake.until = Some(now.saturating_add(LINGER));
                let (ours, theirs) = match self.path.active {
                    true => (client, server),
                    false => (server, client),
                };
                if let (Some(ours), Some(theirs)) = (SrtpKey::new(&ours), SrtpKey::new(&theirs))
                    && !self.is_done(rtcp)
                {
                    let keys = SrtpKeys { suite, ours, theirs };
                    let [of_rtp, of_rtcp] = &mut self.done;
                    if rtcp {
                        *of_rtcp = true;
                        self.events.push_back(Event::ControlKeys(keys));
                    } else {
                        *of_rtp = true;
                        (self.is_strange, self.patience) = (false, None);
                        self.events.push_back(Event::Keys(keys));
                    }
                }
            }
            DtlsOutput::Keys { .. } => {}
            DtlsOutput::Failed => drop(self.handshakes.remove(at)),
        }
    }

    fn tell(&mut self, why: Insecurity) {
        if !std::mem::replace(&mut self.told, true) {
            self.events.push_back(Event::Unsecured(why));
        }
    }
}

/// True for a record with a ClientHello, the first word of a handshake (RFC 6347 §4.3.2; DTLS 1.3 has it likewise).
fn is_hello(datagram: &[u8]) -> bool {
    datagram.first() == Some(&22) && datagram.get(13) == Some(&1)
}
