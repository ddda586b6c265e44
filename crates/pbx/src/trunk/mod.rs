//! The tenant's trunks, alive: each registers where that is wanted, and is asked whether it is there.
//!
//! Owns: what is sent to carriers outside of calls, who may be challenged, what people are told. Does not own: when
//! (`registration`, `health`), by which way (`road`).
//!
//! A trunk's password is shown to its own carrier alone: requests leave by its road, and a challenge counts only as the answer to
//! one of them. A phone's challenge never gets here.

mod health;
mod registration;
mod road;

use crate::carriers::{Carriers, News, Way, answers_to, challenges_in, contact_of};
use crate::context::{Asked, Context, Owner, TrunkOwner};
use crate::effect::Effect;
use health::{Health, Rules};
use model::{
    ConnectOutcome, FlowToken, Located, Now, Reached, Trunk, TrunkDraft, TrunkHealth, TrunkId, TrunkNews,
    TrunkRegistration, TrunkView,
};
use registration::{Answer, Registration};
use road::{Ask, Road, Step};
use sip::digest::Answers;
use sip::{Message, Method, Name, Writer};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Challenges that one request answers: the first, and one whose nonce was too old.
const MOST_CHALLENGES: u8 = 2;

/// All of a tenant.
#[derive(Default)]
pub(crate) struct Trunks {
    trunks: BTreeMap<TrunkId, Live>,
    /// When something is due for one of them: asked for after every input.
    due: Option<Duration>,
    lives: u32,
}

/// One trunk.
struct Live {
    trunk: Trunk,
    life: u32,
    road: Road,
    registration: Registration,
    health: Health,
    /// Seconds of the registration that waits for a road, or for its answer.
    registers: Option<u32>,
    /// A question waits for a road.
    options: bool,
    /// Calls want one, or might.
    wanted: bool,
    /// Those of the registration: one Call-ID for its life (RFC 3261 §10.2).
    call_id: String,
    cseq: u32,
    challenges: u8,
    /// What the carrier's challenge is answered by, and in which header.
    answers: Option<(Name, Answers)>,
    /// As people were told last.
    told: (TrunkHealth, TrunkRegistration),
    fault: String,
    /// One of the places that were found last did not show that it is the carrier: people are told that rather than what others do.
    untrusted: bool,
}

impl Trunks {
    /// Follows the configuration: trunks that are new begin, those that changed begin anew, those that are gone say so to their
    /// carriers and are forgotten.
    pub(crate) fn reconfigure(&mut self, context: &mut Context, now: Now) {
        let config = Arc::clone(&context.config);
        let all = || config.trunks().iter().filter(|trunk| trunk.draft.enabled);
        // Between tenants there is nothing to register, to ask or to find.
        let enabled = || all().filter(|trunk| !trunk.draft.leads_inside());
        self.trunks.retain(|id, live| {
            let new = enabled().find(|trunk| trunk.id == *id);
            // Another registration takes the place of this one only where it is of the same account.
            if !new.is_some_and(|trunk| is_same_account(&trunk.draft, &live.trunk.draft)) {
                live.leave(context, now);
            }
            let stays = new == Some(&live.trunk);
            if !stays {
                context.carriers.forget_challenge(*id);
            }
            stays
        });
        // A tenant that never had any has nothing to tell.
        if !(config.trunks().is_empty() && context.carriers.is_empty()) {
            context.carriers.keep(|id| all().any(|trunk| trunk.id == id));
        }
        for trunk in all().filter(|trunk| trunk.draft.leads_inside()) {
            context.carriers.leads_inside(trunk.id);
        }
        for trunk in enabled() {
            self.trunks.entry(trunk.id).or_insert_with(|| {
                self.lives = self.lives.wrapping_add(1);
                Live::new(context, trunk, self.lives, now)
            });
        }
        for live in self.trunks.values_mut().filter(|live| live.wanted) {
            live.go_on(context, now);
        }
        self.note(context);
    }

    /// Sees when something is due, and lets calls know how trunks are.
    fn note(&mut self, context: &mut Context) {
        for live in self.trunks.values() {
            context.carriers.publish(live.trunk.id, live.way());
        }
        self.due = self.trunks.values().filter_map(Live::next_deadline).min();
    }

    /// When [`Trunks::handle_timeout`] has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.due
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, context: &mut Context, now: Now) {
        if self.due.is_some_and(|due| due <= now.mono) {
            for live in self.trunks.values_mut() {
                live.go_on(context, now);
            }
            self.note(context);
        }
    }

    /// The DNS has answered.
    pub(crate) fn located(&mut self, context: &mut Context, located: &Located, now: Now) {
        for live in self.trunks.values_mut() {
            let dice = context.random();
            if live.road.located(located, now.mono, dice) {
                live.go_on(context, now);
            }
        }
        self.note(context);
    }

    /// There is a socket to a carrier, or none can be had.
    pub(crate) fn reached(&mut self, context: &mut Context, reached: &Reached, now: Now) {
        let flow = match reached.outcome {
            ConnectOutcome::Open(flow) => Some(flow),
            ConnectOutcome::Refused | ConnectOutcome::Untrusted(_) | ConnectOutcome::Busy => None,
        };
        for live in self.trunks.values_mut() {
            let dice = context.random();
            let name = live.road.place().map(|place| place.name.clone());
            if live.road.reached(reached.order, flow, now.mono, dice) {
                live.shown(reached.outcome, name.as_deref().unwrap_or_default());
                live.go_on(context, now);
            }
        }
        self.note(context);
    }

    /// A connection is gone.
    pub(crate) fn connection_lost(&mut self, context: &mut Context, worker: u16, connection: u64, now: Now) {
        for live in self.trunks.values_mut() {
            if live.road.closed(worker, connection) {
                live.wanted = true;
                live.registration.lost_its_way(now.mono, context.random());
                live.go_on(context, now);
            }
        }
        self.note(context);
    }

    /// An answer to a request of ours, or what stands for one: 408 when nobody answered, 503 when the connection broke.
    pub(crate) fn answered(
        &mut self,
        context: &mut Context,
        owner: TrunkOwner,
        code: u16,
        message: Option<&Message<'_>>,
        now: Now,
    ) {
        if code < 200 {
            return;
        }
        let live = self.trunks.get_mut(&owner.trunk);
        let Some(live) = live.filter(|live| live.life == owner.life) else {
            return;
        };
        match message {
            // What was sent to a place that is left already says nothing of the one that is used now.
            _ if owner.road != live.road.order() => {}
            None => live.road.failed(now.mono, context.random()),
            Some(_) if code == 503 => live.road.refused(),
            Some(_) => live.road.works(),
        }
        match owner.asked {
            Asked::Options => {
                let is_good = message.is_some() && !matches!(code, 408 | 500 | 502..=504);
                live.health.answered(is_good, now.mono, context.random());
                let is_quiet = matches!(
                    live.registration.state(now.mono),
                    TrunkRegistration::Off | TrunkRegistration::Registered
                );
                match is_good {
                    true if is_quiet => live.fault.clear(),
                    true => {}
                    false => live.fault = said(code, message),
                }
            }
            Asked::Register => live.registered(context, code, message, now),
        }
        live.go_on(context, now);
        self.note(context);
    }

    /// What calls have found out about their trunks.
    pub(crate) fn hear_calls(&mut self, context: &mut Context, now: Now) {
        let news = context.carriers.take_news();
        if news.is_empty() {
            return;
        }
        for (trunk, news) in news {
            let Some(live) = self.trunks.get_mut(&trunk) else {
                continue;
            };
            match news {
                News::Wanted => {}
                News::Needed => live.road.wakes(now.mono, true),
                News::Silent(order) if order == live.road.order() => {
                    live.road.failed(now.mono, context.random());
                }
                News::Refused(order) if order == live.road.order() => live.road.refused(),
                News::Silent(_) | News::Refused(_) => {}
            }
            live.wanted = true;
            live.go_on(context, now);
        }
        self.note(context);
    }

    /// Everything ends: carriers are told to send nothing more.
    pub(crate) fn end(&mut self, context: &mut Context, now: Now) {
        for live in self.trunks.values_mut() {
            live.leave(context, now);
        }
        self.trunks.clear();
        context.carriers.keep(|_| false);
        self.note(context);
    }

    /// Every trunk, as commands show it.
    pub(crate) fn views(&self, carriers: &Carriers, now: Now) -> Vec<TrunkView> {
        let views = self.trunks.values().map(|live| live.view(carriers, now.mono));
        views.collect()
    }
}

impl Live {
    fn new(context: &mut Context, trunk: &Trunk, life: u32, now: Now) -> Live {
        let draft = &trunk.draft;
        let rules = Rules {
            every: Duration::from_secs(u64::from(draft.options_s)),
            down_after: draft.down_after,
            up_after: draft.up_after,
        };
        let wanted_s = draft.register.then_some(draft.register_s);
        let registration = Registration::new(wanted_s, now.mono, context.random());
        Live {
            trunk: trunk.clone(),
            life,
            road: Road::new(context.random()),
            health: Health::new(rules, now.mono, context.random()),
            registers: None,
            options: false,
            // The first call is not to wait for the DNS.
            wanted: true,
            call_id: context.new_call_id(),
            cseq: 0,
            challenges: 0,
            answers: None,
            told: (TrunkHealth::Unknown, registration.state(now.mono)),
            registration,
            fault: String::new(),
            untrusted: false,
        }
    }

    fn next_deadline(&self) -> Option<Duration> {
        let waits = self.registers.is_some() || self.options || self.wanted;
        // Calls see that it rests, and when it does not any more.
        let road = self.road.next_deadline();
        let road = road.filter(|_| waits || self.road.is_resting());
        [
            road,
            self.registration.next_deadline(),
            self.health.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Sees what is due, sends what there is a road for, and tells what has changed.
    fn go_on(&mut self, context: &mut Context, now: Now) {
        self.road.wakes(now.mono, false);
        if let Some(seconds) = self.registration.due(now.mono) {
            (self.registers, self.challenges) = (Some(seconds), 0);
        }
        self.options |= self.health.due(now.mono);
        while self.registers.is_some() || self.options || self.wanted {
            match self.road.step(&self.trunk.draft, now.mono, context.random()) {
                Step::Go(flow) => self.send(context, flow, now),
                Step::Ask(ask) => {
                    self.untrusted &= !matches!(ask, Ask::Locate(_));
                    context.out.push(match ask {
                        Ask::Locate(locate) => Effect::Locate(locate),
                        Ask::Reach(reach) => Effect::Reach(reach),
                    });
                    break;
                }
                Step::Wait => break,
                Step::Closed => self.give_up(context, now),
            }
        }
        self.tell(context, now);
    }

    fn send(&mut self, context: &mut Context, flow: FlowToken, now: Now) {
        if let Some(seconds) = self.registers.take() {
            let sent = self.register(context, flow, seconds, now);
            if !sent {
                self.registration
                    .answered(Answer::Failed(None), now.mono, context.random());
            }
        }
        self.wanted = false;
        if std::mem::take(&mut self.options) && !self.ask(context, flow, now) {
            self.health.answered(false, now.mono, context.random());
        }
    }

    /// Notes what became of a connection to a place that was asked for by this name.
    fn shown(&mut self, outcome: ConnectOutcome, name: &str) {
        match outcome {
            ConnectOutcome::Untrusted(fault) => (self.untrusted, self.fault) = (true, fault.told(name)),
            ConnectOutcome::Refused if !self.untrusted => {
                "it takes no connections".clone_into(&mut self.fault)
            }
            ConnectOutcome::Refused | ConnectOutcome::Open(_) | ConnectOutcome::Busy => {}
        }
    }

    /// There is no way to the carrier now: as good as no answer.
    fn give_up(&mut self, context: &mut Context, now: Now) {
        if self.fault.is_empty() {
            "there is no way to it: its name is not known, or none of its addresses answers"
                .clone_into(&mut self.fault);
        }
        if self.registers.take().is_some() {
            self.registration
                .answered(Answer::Failed(None), now.mono, context.random());
        }
        if std::mem::take(&mut self.options) {
            self.health.answered(false, now.mono, context.random());
        }
        self.wanted = false;
    }

    /// As calls see it.
    fn way(&self) -> Way {
        let wants = self.trunk.draft.register;
        let state = self.told.1;
        Way {
            flow: self.road.flow(),
            order: self.road.order(),
            places: self.road.places(),
            closed: self.road.is_resting(),
            doubtful: self.road.doubtful(),
            down: self.told.0 == TrunkHealth::Down || (wants && state != TrunkRegistration::Registered),
            hosts: self.road.hosts(),
        }
    }

    /// Request-URI of what is asked of the carrier itself.
    fn target(&self) -> String {
        let draft = &self.trunk.draft;
        match draft.port {
            Some(port) => format!("sip:{}:{port}", draft.host),
            None => format!("sip:{}", draft.host),
        }
    }

    fn begin(
        &mut self,
        context: &mut Context,
        method: Method<'static>,
        flow: &FlowToken,
    ) -> (String, Writer) {
        let branch = context.new_branch();
        let writer = Writer::request(method, &self.target())
            .via(flow.transport.via(), flow.local, &branch, true)
            .header(Name::MaxForwards, "70");
        (branch, writer)
    }

    fn register(&mut self, context: &mut Context, flow: FlowToken, seconds: u32, now: Now) -> bool {
        let (branch, writer) = self.begin(context, Method::Register, &flow);
        self.cseq = self.cseq.saturating_add(1);
        let (account, host) = (self.trunk.draft.account(), &self.trunk.draft.host);
        let mut writer = writer
            .fmt(
                Name::From,
                format_args!("<sip:{account}@{host}>;tag={}", context.new_tag()),
            )
            .fmt(Name::To, format_args!("<sip:{account}@{host}>"))
            .header(Name::CallId, &self.call_id)
            .fmt(Name::CSeq, format_args!("{} REGISTER", self.cseq))
            .header(Name::Contact, &self.contact(context, &flow))
            .fmt(Name::Expires, format_args!("{seconds}"));
        let target = self.target();
        if let Some((name, answers)) = &mut self.answers {
            let cnonce = format!("{:016x}", context.random());
            writer = writer.header(*name, &answers.answer("REGISTER", &target, &cnonce));
        }
        let bytes = writer.header(Name::UserAgent, &context.server_name).finish();
        let owner = self.owner(Asked::Register);
        context
            .request(Method::Register, &branch, bytes, flow, owner, now)
            .is_ok()
    }

    /// The carrier is told to send nothing more to us. Nobody waits for what it says: the registration ends by itself as well.
    fn leave(&mut self, context: &mut Context, now: Now) {
        let is_registered = self.registration.state(now.mono) == TrunkRegistration::Registered;
        if let Some(flow) = self.road.flow().filter(|_| is_registered) {
            self.register(context, flow, 0, now);
        }
    }

    fn ask(&mut self, context: &mut Context, flow: FlowToken, now: Now) -> bool {
        let (branch, writer) = self.begin(context, Method::Options, &flow);
        let realm = context.config.realm().to_owned();
        let bytes = writer
            .fmt(
                Name::From,
                format_args!("<sip:ping@{realm}>;tag={}", context.new_tag()),
            )
            .fmt(Name::To, format_args!("<{}>", self.target()))
            .header(Name::CallId, &context.new_call_id())
            .header(Name::CSeq, "1 OPTIONS")
            .header(Name::Contact, &self.contact(context, &flow))
            .header(Name::Accept, sdp::CONTENT_TYPE)
            .header(Name::UserAgent, &context.server_name)
            .finish();
        let owner = self.owner(Asked::Options);
        context
            .request(Method::Options, &branch, bytes, flow, owner, now)
            .is_ok()
    }

    fn owner(&self, asked: Asked) -> Owner {
        Owner::Trunk(TrunkOwner {
            trunk: self.trunk.id,
            life: self.life,
            road: self.road.order(),
            asked,
        })
    }

    /// Where the carrier sends its calls: the user part names tenant and trunk.
    fn contact(&self, context: &Context, flow: &FlowToken) -> String {
        contact_of(context.config.id(), self.trunk.id, flow)
    }

    /// The carrier has answered a REGISTER.
    fn registered(&mut self, context: &mut Context, code: u16, message: Option<&Message<'_>>, now: Now) {
        let answer = match (code, message) {
            (200..300, Some(message)) => Answer::Granted(self.granted(context, message)),
            (401 | 407, Some(message)) if self.takes_up(code, message) => {
                // Asked again at once, for as long as before.
                self.registers = Some(self.registration.seconds());
                return;
            }
            (423, Some(message)) => {
                let least = message
                    .header(Name::MinExpires)
                    .and_then(|text| text.trim().parse().ok());
                Answer::TooBrief(least.unwrap_or(0))
            }
            (401 | 403 | 404 | 407, _) => Answer::Refused,
            (_, message) => {
                let wish = message.and_then(|message| message.header(Name::RetryAfter));
                let digits = wish.map(|text| text.trim_start().split(|c: char| !c.is_ascii_digit()).next());
                Answer::Failed(digits.flatten().and_then(|digits| digits.parse().ok()))
            }
        };
        match answer {
            Answer::Granted(_) => self.fault.clear(),
            _ => self.fault = said(code, message),
        }
        if answer == Answer::Refused {
            self.answers = None;
        }
        self.registration.answered(answer, now.mono, context.random());
    }

    /// Takes up a challenge; false when there is nothing to answer it by, or it has been answered already.
    fn takes_up(&mut self, code: u16, message: &Message<'_>) -> bool {
        let Some(challenges) = challenges_in(code) else {
            return false;
        };
        let challenged = self.challenges > 0;
        // What we sent before was by an old nonce, or is wrong.
        let is_old = |answers: &Answers| answers.are_stale(message.headers(challenges));
        let hopeless = challenged && !self.answers.as_ref().is_some_and(|(_, answers)| is_old(answers));
        if self.trunk.draft.username.is_empty() || self.challenges >= MOST_CHALLENGES || hopeless {
            return false;
        }
        self.challenges = self.challenges.saturating_add(1);
        self.answers = answers_to(&self.trunk, code, message);
        self.answers.is_some()
    }

    /// For how long our Contact stands.
    fn granted(&self, context: &Context, message: &Message<'_>) -> Option<u32> {
        let flow = self.road.flow()?;
        let ours = self.contact(context, &flow);
        let ours = sip::Uri::parse(ours.trim_matches(['<', '>'])).ok()?;
        let contacts: Vec<_> = message
            .contacts()
            .iter()
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        // Some carriers write the address in that they see.
        let own = contacts
            .iter()
            .find(|contact| contact.name_addr.uri().is_ok_and(|uri| uri.user == ours.user));
        let own = own.or_else(|| contacts.first().filter(|_| contacts.len() == 1));
        own.and_then(|contact| contact.expires)
            .or_else(|| message.expires())
    }

    fn view(&self, carriers: &Carriers, now: Duration) -> TrunkView {
        let place = self.road.place();
        TrunkView {
            id: self.trunk.id,
            name: self.trunk.name.to_string(),
            health: self.health.state(),
            registration: self.registration.state(now),
            place: place.map(|place| format!("{}:{}", place.transport.name(), place.address)),
            unverified: place.is_some_and(|p| p.transport.is_encrypted()) && !self.trunk.draft.tls_verify,
            fault: self.fault.clone(),
            calls: carriers.channels(self.trunk.id),
            failures: carriers.failures(self.trunk.id),
        }
    }

    /// Tells people when it is otherwise than they know.
    fn tell(&mut self, context: &mut Context, now: Now) {
        let is = (self.health.state(), self.registration.state(now.mono));
        if is == self.told {
            return;
        }
        self.told = is;
        let bad = is.0 == TrunkHealth::Down
            || !matches!(is.1, TrunkRegistration::Off | TrunkRegistration::Registered);
        context.out.push(Effect::Trunk(TrunkNews {
            name: self.trunk.name.clone(),
            health: is.0,
            registration: is.1,
            left_alone_s: None,
            why: if bad {
                self.fault.as_str().into()
            } else {
                "".into()
            },
        }));
    }
}

/// Do both register the same at the same carrier?
fn is_same_account(one: &TrunkDraft, other: &TrunkDraft) -> bool {
    let place = |draft: &TrunkDraft| (draft.port, draft.transport, draft.register);
    one.host == other.host
        && one.proxy == other.proxy
        && one.account() == other.account()
        && place(one) == place(other)
}

/// What a carrier said, in words.
fn said(code: u16, message: Option<&Message<'_>>) -> String {
    match (code, message.and_then(Message::status_line)) {
        (_, Some(line)) => format!("it answers {code} {}", crate::context::clean(line.reason, 60)),
        (408, None) => "it does not answer".to_owned(),
        (_, None) => "the connection to it broke".to_owned(),
    }
}
