//! What a worker asks the border, and tells it.

use super::backlog::{Rank, may_wait};
use super::core::Core;
use border::{Kind, Meter, Report, Standing, Verdict, Why, is_emergency};
use bytes::Bytes;
use model::{FlowToken, TenantId};
use pbx::claimed;
use pbx::edge::Fault;
use rtp::stun::Answer;
use sip::Message;
use std::net::IpAddr;

impl Core {
    /// Whether a message is looked at; then, whether some credential is locked where it comes from. A connection whose message is not
    /// is closed.
    pub(crate) fn admits_message(
        &mut self,
        packet: &[u8],
        flow: &FlowToken,
        meter: &mut Option<Meter>,
    ) -> Option<bool> {
        if !self.measure(meter, flow, 0, 1) {
            return None;
        }
        let border = &self.shared.border;
        match border.message(flow, packet, self.now.mono, &mut self.counts) {
            Verdict::Pass { locks, emergency } => {
                self.counts.border_emergencies += u64::from(emergency);
                Some(locks)
            }
            Verdict::Refuse(why) => {
                self.note_refusal(why);
                None
            }
        }
    }

    /// How a datagram waits when there are more than can be served; `None` for what does not: what belongs to calls of those who have shown
    /// who they are.
    pub(super) fn rank(&self, packet: &[u8], flow: &FlowToken) -> Option<Rank> {
        let border = &self.shared.border;
        match border.standing(flow, self.now.mono) {
            Standing::Shown => may_wait(packet).then_some(Rank::Shown),
            _ if is_emergency(packet, &border.rules().emergency_countries) => Some(Rank::Help),
            Standing::Neighbour => Some(Rank::Neighbour),
            Standing::Stranger => Some(Rank::Stranger),
        }
    }

    /// A datagram that the border has let in: SIP, or STUN.
    pub(crate) fn datagram(&mut self, packet: &[u8], flow: &FlowToken, locks: bool) {
        if rtp::stun::is_stun(packet) {
            self.stun(packet, flow);
        } else {
            self.receive(packet, flow, None, locks);
        }
    }

    /// STUN on the SIP port keeps a NAT binding open and tells the phone its address (RFC 5626 §4.4.2). It needs no state.
    fn stun(&mut self, packet: &[u8], flow: &FlowToken) {
        let (count, reply) = match rtp::stun::answer(packet, flow.remote) {
            Answer::Reply(bytes) => (&mut self.counts.stun_bindings, Some(bytes)),
            Answer::Refused(bytes) => (&mut self.counts.stun_invalid, Some(bytes)),
            Answer::Ignore => (&mut self.counts.stun_invalid, None),
        };
        *count += 1;
        if let Some(bytes) = reply {
            self.answer(*flow, Bytes::from(bytes));
        }
    }

    /// Whether a connection is taken.
    pub(crate) fn admits_connection(&mut self, ip: IpAddr) -> bool {
        match self.shared.border.connect(ip, self.now.mono) {
            Verdict::Pass { emergency, .. } => {
                self.counts.border_emergencies += u64::from(emergency);
                true
            }
            Verdict::Refuse(why) => {
                self.note_refusal(why);
                false
            }
        }
    }

    /// Adds to what a connection has brought. False when it is more than a stranger's may; of whom is known nothing is measured.
    pub(crate) fn measure(
        &mut self,
        meter: &mut Option<Meter>,
        flow: &FlowToken,
        octets: usize,
        messages: u32,
    ) -> bool {
        let (border, now) = (&self.shared.border, self.now.mono);
        let fits = meter
            .as_mut()
            .is_none_or(|meter| meter.take(octets, messages, border.rules(), now));
        if !fits && border.is_trusted(flow, now) {
            *meter = None;
        }
        let passes = fits || meter.is_none();
        self.counts.border_over_limit += u64::from(!passes);
        passes
    }

    fn note_refusal(&mut self, why: Why) {
        let count = match why {
            Why::Denied | Why::Country => &mut self.counts.border_denied,
            Why::Banned => &mut self.counts.border_banned,
            Why::Scanner => &mut self.counts.border_scanners,
            Why::Flood => &mut self.counts.border_over_limit,
        };
        *count += 1;
    }

    /// What speaks against a sender.
    pub(super) fn blame(&mut self, flow: &FlowToken, fault: Option<Fault>) {
        let report = match fault {
            Some(Fault::Malformed) => Report::Malformed,
            Some(Fault::UnknownDomain) => Report::UnknownDomain,
            None => return,
        };
        self.report(flow, report);
    }

    /// Tells the border.
    pub(super) fn report(&mut self, flow: &FlowToken, report: Report) {
        let now = self.now.mono;
        self.shared.border.report(flow, report, now, &mut self.counts);
    }

    /// Refuses a new request whose credential is locked, or that a busy worker has no time for; what is in a dialog goes on, and so do
    /// calls for help. True when it is done with.
    pub(super) fn refuses(
        &mut self,
        tenant: TenantId,
        flow: &FlowToken,
        message: &Message<'_>,
        locks: bool,
    ) -> bool {
        let kind = Kind::of(message.bytes());
        let busy = self.overload.refuses(kind);
        if !locks && !busy || message.to_tag().is_some() || kind == Kind::FollowUp {
            return false;
        }
        let (border, now) = (&self.shared.border, self.now.mono);
        let countries = &border.rules().emergency_countries;
        if is_emergency(message.bytes(), countries) && border.lets_help(flow, now) {
            return false;
        }
        let locked = locks && claimed(message, tenant).any(|c| border.is_locked(flow, c.0, now));
        let refusal = if locked {
            self.counts.border_locked += 1;
            self.edge.refuse(message, flow, 403, None)
        } else if busy {
            self.counts.overload_refused += 1;
            let after_s = self.overload.retry_after_s();
            self.edge.refuse(message, flow, 503, Some(after_s))
        } else {
            return false;
        };
        if let Some(bytes) = refusal {
            self.answer(*flow, bytes);
        }
        true
    }
}
