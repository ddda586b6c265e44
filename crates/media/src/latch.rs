//! Whom a leg is believed to send from, and where it is sent to: symmetric latching (RFC 4961, RFC 7362 §4).
//!
//! Owns: the decision by address. Does not own: what packets contain; callers show only well-formed ones.

use std::net::{IpAddr, SocketAddr};

/// Packets from an expected host but another port than described, until one of them locks.
const TRIAL_PACKETS: u8 = 5;

/// The addresses of one leg.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latch {
    /// RTP address of the last description that had one.
    described: Option<SocketAddr>,
    rtcp_described: Option<SocketAddr>,
    signalling: Option<IpAddr>,
    /// The latest description has no address: nothing is sent.
    muted: bool,
    lock: Option<SocketAddr>,
    /// Last packet from an expected host while not locked.
    candidate: Option<SocketAddr>,
    trial: u8,
    /// Source of RTCP under the present lock.
    rtcp_learned: Option<SocketAddr>,
    /// ICE decides, and none of the above.
    ice: Option<Ice>,
}

/// What ICE has found.
#[derive(Clone, Debug, Default)]
struct Ice {
    selected: Option<SocketAddr>,
    valid: Vec<SocketAddr>,
}

impl Latch {
    /// ICE decides from now on: where is sent to, and from where is believed. RTCP goes the same way (RFC 5761). True when
    /// it is sent to another address than before, or to none any more.
    pub(crate) fn follow_ice(&mut self, selected: Option<SocketAddr>, valid: Vec<SocketAddr>) -> bool {
        self.muted = false;
        let before = self.ice.replace(Ice { selected, valid });
        before.and_then(|ice| ice.selected) != selected
    }

    /// ICE decides no more.
    pub(crate) fn forget_ice(&mut self) {
        self.ice = None;
    }

    /// Takes a description in. Latching restarts when its address changed, or when the host changed on which a source
    /// behind NAT was believed: true then.
    pub(crate) fn describe(
        &mut self,
        rtp: Option<SocketAddr>,
        rtcp: Option<SocketAddr>,
        signalling: IpAddr,
    ) -> bool {
        let rtp = rtp.map(plain).filter(is_single_host);
        let moved = rtp.is_some() && rtp != self.described;
        let signalling = signalling.to_canonical();
        let behind_nat = self.lock.is_some() && self.lock != self.described;
        let restarts = moved || (behind_nat && self.signalling != Some(signalling));
        if restarts {
            self.lock = None;
            self.candidate = None;
            self.rtcp_learned = None;
            self.trial = 0;
        }
        self.muted = rtp.is_none();
        self.signalling = Some(signalling);
        if rtp.is_some() {
            self.described = rtp;
            self.rtcp_described = rtcp.map(plain).filter(is_single_host);
        }
        // One that has not locked yet is forgotten with its host.
        if self.candidate.is_some_and(|at| !self.expects_host(at.ip())) {
            self.candidate = None;
            self.trial = 0;
        }
        restarts
    }

    /// What is known of the leg's addresses: the described one, and where signalling comes from. One that ICE has found is
    /// as good as both.
    pub(crate) fn named(&self) -> (Option<SocketAddr>, Option<IpAddr>) {
        match &self.ice {
            Some(ice) => (ice.selected, ice.selected.map(|at| at.ip())),
            None => (self.described, self.signalling),
        }
    }

    /// True where packets are due from this port of our own: the other end of the leg is another call of this server.
    pub(crate) fn is_due_from_own(&self, from: SocketAddr) -> bool {
        let inside = self.signalling.is_some_and(|ip| ip.is_unspecified());
        inside && [self.described, self.rtcp_described].contains(&Some(from))
    }

    /// The latest description has no address.
    pub(crate) fn is_muted(&self) -> bool {
        self.muted
    }

    /// True when RTP from this source is believed; may lock.
    pub(crate) fn rtp_from(&mut self, from: SocketAddr) -> bool {
        if self.ice.is_some() {
            return self.is_valid(from);
        }
        if let Some(lock) = self.lock {
            return lock == from;
        }
        if self.described == Some(from) {
            self.lock = Some(from);
            return true;
        }
        if !self.expects_host(from.ip()) {
            return false;
        }
        self.candidate = Some(from);
        self.trial = self.trial.saturating_add(1);
        if self.trial >= TRIAL_PACKETS {
            self.lock = Some(from);
        }
        true
    }

    /// True when RTP from this source could be believed. Changes nothing; spares parsing what is dropped anyway.
    pub(crate) fn may_come_from(&self, from: SocketAddr) -> bool {
        match self.lock {
            _ if self.ice.is_some() => self.is_valid(from),
            Some(lock) => lock == from,
            None => self.expects_host(from.ip()),
        }
    }

    /// True when RTCP from this source could be believed. Changes nothing.
    pub(crate) fn rtcp_may_come_from(&self, from: SocketAddr) -> bool {
        match self.lock {
            _ if self.ice.is_some() => self.is_valid(from),
            Some(lock) => lock.ip() == from.ip(),
            None => self.expects_host(from.ip()) || self.rtcp_described == Some(from),
        }
    }

    /// True when RTCP from this source is believed. Once a source is learned, only it and the described one are.
    pub(crate) fn rtcp_from(&mut self, from: SocketAddr) -> bool {
        if self.ice.is_some() {
            return self.is_valid(from);
        }
        let Some(lock) = self.lock else {
            return self.expects_host(from.ip()) || self.rtcp_described == Some(from);
        };
        if lock.ip() != from.ip() {
            return false;
        }
        match self.rtcp_learned {
            Some(learned) if learned != from && self.rtcp_described != Some(from) => false,
            _ => {
                self.rtcp_learned = Some(from);
                true
            }
        }
    }

    /// Where RTP is sent.
    pub(crate) fn rtp_to(&self) -> Option<SocketAddr> {
        match &self.ice {
            _ if self.muted => None,
            Some(ice) => ice.selected,
            None => self.lock.or(self.candidate).or(self.described),
        }
    }

    /// The one source that is believed, unless nothing is to be sent.
    pub(crate) fn locked(&self) -> Option<SocketAddr> {
        let lock = self.ice.as_ref().map_or(self.lock, |ice| ice.selected);
        lock.filter(|_| !self.muted)
    }

    /// Where RTCP is sent. Behind NAT nowhere, until RTCP has come from there: the port can't be guessed.
    pub(crate) fn rtcp_to(&self) -> Option<SocketAddr> {
        if self.ice.is_some() {
            return self.rtp_to();
        }
        let as_described = self
            .lock
            .or(self.candidate)
            .is_none_or(|at| Some(at) == self.described);
        let described = self.rtcp_described.filter(|_| as_described);
        if self.muted {
            None
        } else {
            self.rtcp_learned.or(described)
        }
    }

    /// ICE decides, and has found nothing: nobody is a stranger yet.
    pub(crate) fn seeks_path(&self) -> bool {
        self.ice.as_ref().is_some_and(|ice| ice.selected.is_none())
    }

    fn is_valid(&self, from: SocketAddr) -> bool {
        self.ice.as_ref().is_some_and(|ice| ice.valid.contains(&from))
    }

    /// True for the described host and that of the signalling, or for those that ICE has proven.
    pub(crate) fn expects_host(&self, ip: IpAddr) -> bool {
        match &self.ice {
            Some(ice) => ice.valid.iter().any(|valid| valid.ip() == ip),
            None => self.signalling == Some(ip) || self.described.is_some_and(|d| d.ip() == ip),
        }
    }
}

/// Address and port alone: an IPv4 address in IPv6 clothes becomes itself, scope and flow label go.
pub(crate) fn plain(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => address,
        SocketAddr::V6(v6) => SocketAddr::new(v6.ip().to_canonical(), v6.port()),
    }
}

/// Nothing is sent to groups, to nobody, or to port 0.
fn is_single_host(address: &SocketAddr) -> bool {
    let broadcast = matches!(address.ip(), IpAddr::V4(v4) if v4.is_broadcast());
    address.port() != 0 && !address.ip().is_unspecified() && !address.ip().is_multicast() && !broadcast
}
