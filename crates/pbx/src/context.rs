//! What every call of a tenant needs from the tenant: its transactions, bindings, timers, tokens and the
//! list of effects under way.
//!
//! Owns: the building of responses and the naming of tags and branches. Does not own: decisions.

use crate::callbacks::Callbacks;
use crate::carriers::Carriers;
use crate::contact::contact;
use crate::costs::{Costs, table_of};
use crate::doors::Doors;
use crate::edge::{ALLOW, EXTENSIONS, stateless_tag};
use crate::effect::{Effect, Setup};
use crate::following::Following;
use crate::gruu::Gruus;
use crate::keys::Keys;
use crate::lamps::Lamps;
use crate::large::Large;
use crate::location::Location;
use crate::measured;
use crate::numbering::Numbering;
use crate::rooms::Rooms;
use crate::vouching::Vouching;
use bytes::Bytes;
use flow::Flow;
use model::{
    Access, AccessOutcome, CallId, Counts, EmergencyCall, FlowToken, MediaCommand, Now, SettingsChange,
    TenantConfig, TollCheckpoint, TollPolicy, TrunkId, UserId, UserSettings, UserSettingsChange,
};
use sip::timer::{TimerId, Wheel};
use sip::token::{TagKey, TokenSource};
use sip::transaction::{ServerId, Transactions};
use sip::{Message, Name, Writer};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tenancy::{Directory, Meter, RateTable};

/// What limits have counted is kept so long after it has changed: what a kill takes of it.
const COUNT_AFTER: Duration = Duration::from_secs(2);

/// Transactions beyond the limit of a tenant, for calls for help alone: some twenty at once.
const URGENT_TRANSACTIONS: usize = 64;

/// Whom a transaction belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Nobody waits for its end.
    None,
    /// The caller's INVITE.
    Caller(CallId),
    /// The INVITE to a target, by index.
    Target(CallId, usize),
    /// A re-INVITE or UPDATE that we received from, or sent to, a leg.
    Renegotiation(CallId, model::Leg),
    /// A session refresh that we sent to a leg.
    Refresh {
        call: CallId,
        side: model::Leg,
        /// A re-INVITE rather than an UPDATE.
        invite: bool,
    },
    /// A BYE to a phone of this user, which may come back on another connection to hear it.
    Parting(UserId),
    /// A BYE to a carrier.
    Leaving,
    /// A request of the event core.
    Event(EventOwner),
    /// A request to a carrier, outside of calls.
    Trunk(TrunkOwner),
}

impl Owner {
    pub(crate) fn call(self) -> Option<CallId> {
        match self {
            Owner::None | Owner::Parting(_) | Owner::Leaving | Owner::Event(_) | Owner::Trunk(_) => None,
            Owner::Caller(call)
            | Owner::Target(call, _)
            | Owner::Renegotiation(call, _)
            | Owner::Refresh { call, .. } => Some(call),
        }
    }

    /// True for what is worth waiting for when a phone's connection breaks: requests of ours, and the caller's INVITE.
    pub(crate) fn waits_for_phone(&self, ours: bool) -> bool {
        match self {
            Owner::Target(..) | Owner::Renegotiation(..) | Owner::Parting(_) => ours,
            Owner::Caller(_) => !ours,
            Owner::None | Owner::Leaving | Owner::Refresh { .. } | Owner::Event(_) | Owner::Trunk(_) => false,
        }
    }
}

/// Whom a transaction of the event core belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventOwner {
    /// The NOTIFY of a subscription.
    Notify(u64),
    /// A NOTIFY that nobody subscribed to.
    Unsolicited,
    /// The copy of a text for one phone.
    Text(u64),
}

/// A request of ours to a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Register,
    Options,
}

/// The transaction of a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrunkOwner {
    pub(crate) trunk: TrunkId,
    /// Which of its lives: a trunk that is changed begins anew.
    pub(crate) life: u32,
    /// By which of its ways it went.
    pub(crate) road: u64,
    pub(crate) asked: Asked,
}

/// Which leg of which call a dialog tag names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LegRef {
    pub(crate) call: CallId,
    pub(crate) side: model::Leg,
}

/// A deadline of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    pub(crate) call: CallId,
    pub(crate) kind: TimerKind,
}

/// What the deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimerKind {
    /// The media plane has not answered.
    MediaOpen,
    /// Nobody picked up.
    Ring,
    /// A phone whose connection broke has not come back.
    Return,
    /// A phone that was sent a push notification has not woken up.
    Wake,
    /// The longest call allowed.
    Longest,
    /// A carrier has not said anything, or there is no way to it.
    Carrier,
    /// The certificate of who vouches for the caller has not come.
    Certificate,
    /// What a flow waits for, see `flow::Event::Elapsed`.
    Flow,
    /// The media plane has not said what has answered.
    Screen,
    /// Fax machines have been listened for long enough.
    Fax,
    /// The media plane has not said what it counted.
    MediaClose,
    /// The answer to an offer that a phone made in its 2xx has not come in the other phone's ACK.
    LateAnswer,
    /// A reliable provisional response is to be repeated (RFC 3262 §3).
    Reliable,
    /// What a re-INVITE of ours was to bring back met one of the phone's (RFC 3261 §14.1).
    Restore(model::Leg),
    /// An UPDATE has been passed on and not answered.
    UpdateAnswer,
    /// The session of a leg is to be refreshed, or was not (RFC 4028).
    Session(model::Leg),
    /// A leg of a joined call is asked again after glare.
    Rejoin,
    /// A transferrer has not hung up by himself.
    Linger,
    /// What is known of the call is to be written down.
    Keep,
    /// A phone of a call of an earlier life is to be asked whether it is still there.
    Probe(model::Leg),
}

/// The tenant without its calls.
pub(crate) struct Context {
    pub(crate) config: Arc<TenantConfig>,
    pub(crate) tx: Transactions<FlowToken, Owner>,
    pub(crate) timers: Wheel<Timer>,
    pub(crate) location: Location,
    pub(crate) large: Large,
    pub(crate) following: Following,
    pub(crate) gruus: Gruus,
    pub(crate) lamps: Lamps,
    pub(crate) rooms: Rooms,
    pub(crate) doors: Doors,
    pub(crate) keys: Keys,
    pub(crate) numbering: Numbering,
    pub(crate) carriers: Carriers,
    pub(crate) costs: Costs,
    /// Calls for help.
    pub(crate) helping: BTreeSet<CallId>,
    /// Of this configuration, what it is for calls for help.
    pub(crate) for_help: Option<(Arc<TenantConfig>, Arc<TenantConfig>)>,
    pub(crate) callbacks: Callbacks,
    /// Calls for help that people on site are to be told of.
    pub(crate) alarms: Vec<EmergencyCall>,
    /// They are being told.
    pub(crate) alarming: u8,
    pub(crate) meter: Meter,
    /// What calls cost; kept from one configuration to the next while the list is the same.
    rates: Option<Arc<RateTable>>,
    /// When what the meter has counted is to be kept.
    pub(crate) count_at: Option<Duration>,
    pub(crate) legs: HashMap<Box<str>, LegRef>,
    pub(crate) counts: Counts,
    pub(crate) out: Vec<Effect>,
    /// Calls whose record is not made yet: those that the policy counts.
    pub(crate) live: u32,
    /// Calls that may be over; looked at when the input is done.
    pub(crate) over: Vec<CallId>,
    /// Calls that want something of another one, once for each thing; done when the input is.
    pub(crate) acting: VecDeque<CallId>,
    pub(crate) server_name: Arc<str>,
    pub(crate) fingerprints: Arc<[Arc<str>]>,
    pub(crate) signer: Option<Arc<stir::Signer>>,
    /// Whose other numbers and domains are.
    pub(crate) directory: Arc<Directory>,
    pub(crate) vouching: Vouching,
    pub(crate) fork_targets: usize,
    /// A connection that is silent for longer is closed, so phones are asked for more frequent signs of life.
    pub(crate) longest_flow_timer_s: u32,
    tokens: TokenSource,
    tag_key: TagKey,
}

impl Context {
    pub(crate) fn new(config: Arc<TenantConfig>, setup: &Setup) -> Context {
        let mut tokens = TokenSource::new(setup.seed);
        let tag_key = TagKey::new(setup.seed);
        let rates = config.rates().and_then(|list| table_of(list, None));
        let policy = affordable(&config, rates.as_deref());
        let without = |_| Meter::without_prices(config.policy().toll.clone());
        let meter = Meter::new(policy, rates.clone()).unwrap_or_else(without);
        Context {
            tx: Transactions::keyed(setup.limits.transactions_per_tenant, tokens.bytes16())
                .with_reserve(URGENT_TRANSACTIONS),
            timers: Wheel::new(),
            location: Location::new(config.id()),
            large: Large::new(&setup.limits),
            following: Following::default(),
            gruus: Gruus::new(&setup.seed),
            lamps: Lamps::default(),
            rooms: Rooms::default(),
            doors: Doors::default(),
            keys: Keys::default(),
            numbering: Numbering::new(config.policy()),
            carriers: Carriers::new(setup.inside),
            costs: Costs::default().renewed(&config),
            helping: BTreeSet::new(),
            for_help: None,
            callbacks: Callbacks::default(),
            alarms: Vec::new(),
            alarming: 0,
            meter,
            rates,
            count_at: None,
            legs: HashMap::new(),
            counts: Counts::default(),
            out: Vec::new(),
            live: 0,
            over: Vec::new(),
            acting: VecDeque::new(),
            server_name: Arc::clone(&setup.server_name),
            fingerprints: Arc::clone(&setup.fingerprints),
            signer: setup.signer.clone(),
            directory: Arc::default(),
            vouching: Vouching::new(setup),
            fork_targets: setup.limits.fork_targets,
            longest_flow_timer_s: u32::try_from(setup.limits.connection_idle_s / 5 * 4).unwrap_or(u32::MAX),
            config,
            tokens,
            tag_key,
        }
    }

    /// Another configuration holds from now on.
    pub(crate) fn reconfigure(&mut self, config: Arc<TenantConfig>) {
        self.for_help = None;
        self.numbering = Numbering::new(config.policy());
        self.rates = config
            .rates()
            .and_then(|list| table_of(list, self.rates.as_ref()));
        self.costs = self.costs.renewed(&config);
        let policy = affordable(&config, self.rates.as_deref());
        // They have the same currency now, so nothing is refused.
        let _ = self.meter.configure(policy, self.rates.clone());
        self.config = config;
    }

    /// Limits on calls to the outside go on from what was counted in an earlier life.
    pub(crate) fn restore_meter(&mut self, kept: &TollCheckpoint, now: Now) {
        let policy = affordable(&self.config, self.rates.as_deref());
        if let Ok(meter) = Meter::restore(policy, self.rates.clone(), kept, now) {
            self.meter = meter;
        }
    }

    /// Has what the limits have counted kept, some seconds after it has changed; the longer after, the more of it there is.
    pub(crate) fn keep_count(&mut self, now: Now) {
        if self.meter.take_changed() {
            let more = Duration::from_millis(u64::try_from(self.meter.accounts()).unwrap_or(u64::MAX));
            let wait = COUNT_AFTER.saturating_add(more);
            self.count_at.get_or_insert(now.mono.saturating_add(wait));
        }
        if self.count_at.is_some_and(|at| at <= now.mono) {
            self.count_at = None;
            self.out
                .push(Effect::Counted(Box::new(self.meter.checkpoint(now))));
        }
    }

    /// A new tag for a dialog of ours; it names the tenant, so that the edge can route what comes back.
    pub(crate) fn new_tag(&mut self) -> String {
        self.tokens.tag(self.config.id().0)
    }

    /// A new Via branch, which names the tenant as tags do.
    pub(crate) fn new_branch(&mut self) -> String {
        self.tokens.branch(self.config.id().0)
    }

    /// A new Call-ID.
    pub(crate) fn new_call_id(&mut self) -> String {
        format!("{:016x}{:016x}", self.tokens.u64(), self.tokens.u64())
    }

    /// Our Contact towards a phone: where it reaches us, as it reaches us.
    pub(crate) fn contact(&self, flow: &FlowToken) -> String {
        contact(format_args!("{:x}", self.config.id().0), flow)
    }

    pub(crate) fn new_cdr_id(&mut self) -> model::CdrId {
        model::CdrId(self.tokens.bytes16())
    }

    pub(crate) fn random(&mut self) -> u64 {
        self.tokens.u64()
    }

    /// A user's settings, as of now.
    pub(crate) fn settings(&self, user: UserId) -> Cow<'_, UserSettings> {
        self.keys.settings(&self.config, user)
    }

    /// Where a number leads in a call with this configuration. Settings are those of now: a key that is pressed while the
    /// call is on its way is meant for it, too.
    /// Emergency numbers go before anything that a tenant may have written down, and the tenant's own numbers lead where a call
    /// from outside would come.
    pub(crate) fn route(&self, config: &TenantConfig, dialled: &str, domain: &str) -> Flow {
        if let Some(help) = self.numbering.emergency(dialled) {
            return Flow::outside(help);
        }
        let outside = || {
            let number = self.numbering.read(dialled)?;
            Some(match config.number(number.value()) {
                Some(own) => {
                    let inside = own.leads_to(number.value());
                    flow::route(
                        config,
                        |user| self.settings(user),
                        || None,
                        &inside,
                        config.realm(),
                    )
                }
                None => Flow::outside(self.numbering.outside(number)),
            })
        };
        flow::route(config, |user| self.settings(user), outside, dialled, domain)
    }

    /// Where a number leads that a user dials himself: some are codes, which are meant for him.
    pub(crate) fn dialled(&self, config: &TenantConfig, user: UserId, dialled: &str, domain: &str) -> Flow {
        let code = config.user(user).and_then(|caller| {
            let settings = self.settings(user);
            flow::code(config, caller, &settings, dialled, domain)
        });
        // No code stands before a call for help.
        let code = code.filter(|_| self.numbering.emergency(dialled).is_none());
        code.unwrap_or_else(|| self.route(config, dialled, domain))
    }

    /// A phone of the user changed his settings.
    pub(crate) fn change_settings(&mut self, user: UserId, change: UserSettingsChange) {
        let (tenant, id) = (self.config.id(), self.random());
        let Some(change) = self.keys.change(&self.config, user, change, id) else {
            return;
        };
        self.counts.keys_pressed += 1;
        self.out.push(Effect::Settings(Box::new(SettingsChange {
            tenant,
            user,
            id,
            change,
        })));
        self.lamps.settings_changed(user);
    }

    /// The shell is done with a change of settings.
    pub(crate) fn settings_kept(&mut self, user: UserId, id: u64) {
        if self.keys.kept(user, id) {
            self.lamps.settings_changed(user);
        }
    }

    /// Tells whoever watches of settings that the new configuration has changed.
    pub(crate) fn compare_settings(&mut self, old: &TenantConfig) {
        self.keys.reconfigured(&self.config);
        for user in self.config.users() {
            let before = old.user(user.id).map(|user| &user.settings);
            if before != Some(&user.settings) {
                self.lamps.settings_changed(user.id);
            }
        }
    }

    /// A response in the making, with our name on it.
    pub(crate) fn response(
        &self,
        request: &Message<'_>,
        flow: FlowToken,
        code: u16,
        tag: Option<&str>,
    ) -> Writer {
        self.response_in(request, flow, (code, sip::reason_phrase(code)), tag)
    }

    /// The same with another reason phrase.
    pub(crate) fn response_in(
        &self,
        request: &Message<'_>,
        flow: FlowToken,
        words: (u16, &str),
        tag: Option<&str>,
    ) -> Writer {
        self.begin_response(request, flow, words, tag)
            .header(Name::Server, &self.server_name)
    }

    /// The same without our name.
    fn begin_response(
        &self,
        request: &Message<'_>,
        flow: FlowToken,
        (code, phrase): (u16, &str),
        tag: Option<&str>,
    ) -> Writer {
        // A phone may be elsewhere than where this request came from, see [`Context::home`].
        let came = |via: sip::Via<'_>| via.transport.eq_ignore_ascii_case(flow.transport.via());
        let from = match request.top_via().is_ok_and(came) {
            true => flow,
            false => self.tx.peer_of(request).unwrap_or(flow),
        };
        Writer::reply(request, code, phrase, tag, from.remote)
    }

    /// Adds what we can do, as the answer to OPTIONS says it (RFC 3261 §11.2).
    pub(crate) fn capabilities(writer: Writer) -> Writer {
        writer
            .header(Name::Allow, ALLOW)
            .header(Name::Accept, sdp::CONTENT_TYPE)
            .header(Name::Supported, &EXTENSIONS.join(", "))
    }

    /// Tells whoever guards the edge what came of looking at who sent a request.
    pub(crate) fn access(&mut self, flow: FlowToken, outcome: AccessOutcome) {
        self.out.push(Effect::Access(Access { flow, outcome }));
    }

    /// Answers without keeping state.
    pub(crate) fn reply(&mut self, request: &Message<'_>, flow: FlowToken, code: u16) {
        let begun = self.begin_reply(request, flow, code);
        let whole = match code {
            200 | 405 => begun.header(Name::Allow, ALLOW),
            503 => begun.header(Name::RetryAfter, "5"),
            _ => begun,
        };
        let mut bytes = whole.finish();
        if !measured::fits(request, &flow, bytes.len(), measured::PLAIN) {
            let tag = stateless_tag(&self.tag_key, request);
            let words = (code, sip::reason_phrase(code));
            bytes = self.begin_response(request, flow, words, Some(&tag)).finish();
        }
        self.transmit(flow, bytes);
    }

    /// Answers without keeping state, with more headers.
    pub(crate) fn reply_with(
        &mut self,
        request: &Message<'_>,
        flow: FlowToken,
        code: u16,
        headers: impl FnOnce(Writer) -> Writer,
    ) {
        let bytes = headers(self.begin_reply(request, flow, code)).finish();
        self.transmit(flow, bytes);
    }

    /// The beginning of an answer without state.
    pub(crate) fn begin_reply(&self, request: &Message<'_>, flow: FlowToken, code: u16) -> Writer {
        let tag = stateless_tag(&self.tag_key, request);
        self.response(request, flow, code, Some(&tag))
    }

    /// Makes a server transaction; at the limit the request is refused instead.
    pub(crate) fn accept(
        &mut self,
        request: &Message<'_>,
        flow: FlowToken,
        owner: Owner,
        now: Now,
    ) -> Option<ServerId> {
        self.tx.use_reserve(self.is_of_help(request, owner));
        let reliable = flow.transport.is_reliable();
        let accepted = self.tx.accept(request, flow, reliable, owner, now.mono);
        self.tx.use_reserve(false);
        match accepted {
            Ok(id) => Some(id),
            Err(_) => {
                self.counts.over_limit += 1;
                self.reply(request, flow, 503);
                None
            }
        }
    }

    pub(crate) fn transmit(&mut self, flow: FlowToken, bytes: Bytes) {
        self.out.push(Effect::Transmit { flow, bytes });
    }

    pub(crate) fn media(&mut self, command: MediaCommand) {
        self.out.push(Effect::Media(command));
    }

    pub(crate) fn set_timer(&mut self, call: CallId, kind: TimerKind, at: Duration) -> TimerId {
        self.timers.insert(at, Timer { call, kind })
    }

    /// Moves everything that is to be done to the shell's list.
    pub(crate) fn drain(&mut self, out: &mut Vec<Effect>) {
        out.append(&mut self.out);
        while let Some((flow, bytes)) = self.tx.poll_transmit() {
            out.push(Effect::Transmit { flow, bytes });
        }
    }
}

/// The tenant's limits. Should they be in another currency than the prices, which nothing stores, they count in that of the prices:
/// calls stay possible, and limited.
fn affordable(config: &TenantConfig, rates: Option<&RateTable>) -> TollPolicy {
    let mut policy = config.policy().toll.clone();
    policy.currency = policy.currency.and(rates.map(RateTable::currency));
    policy
}

/// `text` without control characters, cut to at most `longest` octets at a character boundary.
pub(crate) fn clean(text: &str, longest: usize) -> String {
    let mut clean: String = text.chars().filter(|c| !c.is_control()).collect();
    if clean.len() > longest {
        let cut = (0..=longest)
            .rev()
            .find(|i| clean.is_char_boundary(*i))
            .unwrap_or(0);
        clean.truncate(cut);
    }
    clean
}
