//! What must hold of calls that leave the server and come in: whom it asks, what it shows them, what calls cost, who is helped.

use super::outer::OuterCounts;
use super::outer::{Help, is_help};
use super::watch::Watch;
use model::{Cdr, DestinationClass, FlowToken, Money, TenantId};
use sip::{Message, Method};
use std::net::SocketAddr;

impl Watch {
    /// There is a carrier at this address, for this tenant, which knows us by a password or not.
    pub fn carrier(&mut self, address: SocketAddr, tenant: TenantId, knows_us: bool) {
        self.settle(address.ip(), tenant);
        self.outer.carriers.insert(address, knows_us);
        self.mixed = true;
    }

    /// What the calls of a company may cost, and one increment.
    pub fn price(&mut self, home: usize, most: Option<(Money, Money)>) {
        let tenant = TenantId(home as u64 + 1);
        self.outer.prices.extend(most.map(|most| (tenant, most)));
    }

    /// The calendar moves, perhaps over midnight.
    pub fn days_pass(&mut self) {
        self.outer.many_days = true;
    }

    /// The next INVITE for help is one of a phone that is well, while these carriers are.
    pub fn calls_help(&mut self, alive: Vec<(TenantId, usize)>) {
        self.outer.about_to = Some(Help { alive });
    }

    /// Carriers are not well any more.
    pub fn died(&mut self, is_dead: impl Fn(usize) -> bool) {
        let coming = self.outer.about_to.iter_mut();
        for help in self.outer.help.values_mut().chain(coming) {
            help.alive.retain(|(_, carrier)| !is_dead(*carrier));
        }
    }

    /// Nothing is said any more of calls for help that are under way.
    pub fn forget_help(&mut self) {
        self.outer.help.clear();
        self.outer.about_to = None;
    }

    /// A phone's request has come in.
    pub(super) fn help_comes(&mut self, message: &Message<'_>) {
        if message.method() == Some(Method::Invite)
            && message.is_request()
            && is_help(message)
            && let Some(help) = self.outer.about_to.take()
            && let Ok(call_id) = message.call_id()
        {
            self.outer.help.insert(call_id.to_owned(), help);
        }
    }

    /// The server has begun anew, or a tenant has, or it has let its carriers go: it knows no request of before.
    pub fn forget_answers(&mut self) {
        self.answers.clear();
    }

    /// True for a carrier.
    pub(super) fn is_carrier(&self, flow: &FlowToken) -> bool {
        self.outer.carriers.contains_key(&flow.remote)
    }

    /// A password goes to who has asked for it and knows it.
    pub(super) fn may_see_password(&self, flow: &FlowToken) -> bool {
        self.outer.carriers.get(&flow.remote).copied().unwrap_or(false)
    }

    /// What goes to a carrier shows no phone's address, and a number of the company's.
    pub(super) fn asked_outside(&self, message: &Message<'_>) -> Result<(), String> {
        let text = String::from_utf8_lossy(message.bytes());
        let is_new = message.method() == Some(Method::Invite) && message.to_tag().is_none();
        let from = message.from_uri().map(|uri| uri.user_decoded().into_owned());
        let from = from.unwrap_or_default();
        let is_ours = from.starts_with("+493055") || from == "anonymous";
        if !self.damaged && is_new && !is_help(message) && (text.contains("10.0.1.") || !is_ours) {
            return Err(format!("a carrier is shown what it should not see:\n{text}"));
        }
        Ok(())
    }

    /// A record was written.
    pub(super) fn recorded_outside(&mut self, cdr: &Cdr) {
        let trunk = cdr.callee.trunk.as_deref();
        let counts = &mut self.outer.counts;
        if cdr.answer.is_some() {
            match (trunk, cdr.caller.trunk.as_deref()) {
                (Some("inside"), _) => counts.inside += 1,
                (Some(_), _) => counts.out += 1,
                (None, Some(from)) if from != "inside" => counts.came += 1,
                _ => {}
            }
        }
        if cdr.class == Some(DestinationClass::Emergency) {
            self.help_is_over(cdr);
        }
        self.charged(cdr);
    }

    fn help_is_over(&mut self, cdr: &Cdr) {
        let was_helped = cdr.answer.is_some();
        match was_helped {
            true => self.outer.counts.helped += 1,
            false => self.outer.counts.unhelped += 1,
        }
        let Some(help) = self.outer.help.remove(&cdr.caller.sip_call_id) else {
            return;
        };
        let alive: Vec<usize> = help
            .alive
            .iter()
            .filter(|(tenant, _)| *tenant == cdr.tenant)
            .map(|(_, carrier)| *carrier)
            .collect();
        // Who gives up has waited for as long as he wanted.
        if !was_helped && cdr.cause.sip != 487 && !alive.is_empty() && !self.damaged {
            self.outer.lost = Some(format!(
                "a call for help was refused by {} while carriers {alive:?} were well: {:?}",
                cdr.cause.sip, cdr.path
            ));
        }
    }

    fn charged(&mut self, cdr: &Cdr) {
        let Some(charge) = cdr.charge else { return };
        self.outer.counts.charged += u64::from(charge.amount > Money::ZERO);
        let sum = self.outer.spent.entry(cdr.tenant).or_insert(Money::ZERO);
        *sum = sum.saturating_add(charge.amount);
        if charge.amount.is_negative() {
            self.outer.wrong = Some(format!("record {} costs {}", cdr.id, charge.amount));
        }
        if let Some((limit, step)) = self.outer.prices.get(&cdr.tenant)
            && !self.outer.many_days
            && charge.amount > limit.saturating_add(*step)
        {
            self.outer.wrong = Some(format!(
                "record {} costs {}, the limit is {limit}",
                cdr.id, charge.amount
            ));
        }
    }

    /// What was found wrong since the last look; calls for help count where hardly anything was lost.
    pub(super) fn outside_is_right(&mut self) -> Result<(), String> {
        let lost = self.outer.lost.take().filter(|_| self.helps);
        match self.outer.wrong.take().or(lost) {
            Some(wrong) => Err(wrong),
            None => Ok(()),
        }
    }

    /// All calls of a company together cost what its limit says, and one increment more at most.
    ///
    /// # Errors
    /// Whose limit was passed.
    pub fn spent_within_limits(&self) -> Result<(), String> {
        for (tenant, (limit, step)) in self.outer.prices.iter().filter(|_| !self.outer.many_days) {
            let spent = self.outer.spent.get(tenant).copied().unwrap_or(Money::ZERO);
            if spent > limit.saturating_add(*step) {
                return Err(format!("tenant {tenant} has spent {spent}, the limit is {limit}"));
            }
        }
        Ok(())
    }

    /// What happened.
    #[must_use]
    pub fn outer_counts(&self) -> OuterCounts {
        self.outer.counts
    }
}
