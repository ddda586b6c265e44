//! Who calls, as a carrier is told: numbers of the tenant alone (SECURITY: caller id), identity and privacy as its trunk wants them
//! (RFC 3323, RFC 3325), who has sent the call on (RFC 5806, RFC 7044).
//!
//! Owns: which number that is, and the headers. Does not own: what phones are told (`identity`, `forward`).

use super::Call;
use super::forward;
use super::identity::ANONYMOUS;
use crate::context::Context;
use crate::date::date;
use flow::{Forward, Outside};
use model::{Now, TenantConfig, Trunk, TrunkDraft, TrunkHistory, TrunkId, TrunkIdentity, UserId};
use sip::Name;
use stir::{Attestation, Claims, OrigId};

/// What a carrier is told.
pub(super) struct Shown {
    /// Without tag.
    pub(super) from: String,
    pub(super) headers: Vec<(Name, String)>,
    /// The number behind both, as E.164.
    pub(super) number: Option<String>,
    /// It is what a carrier has said of its caller.
    is_foreign: bool,
}

impl Shown {
    /// Is the number one of the tenant, and shown because one of its users calls? What comes from outside under a number of the tenant
    /// is nobody's word.
    pub(super) fn is_own(&self, context: &Context) -> bool {
        let number = self.number.as_deref().filter(|_| !self.is_foreign);
        number.is_some_and(|number| owned(&context.config, number).is_some())
    }
}

impl Call {
    pub(super) fn shown_to(&self, context: &Context, trunk: &Trunk) -> Shown {
        let draft = &trunk.draft;
        let private = self.identity.0 == ANONYMOUS && !self.is_emergency();
        let foreign = self.foreign_number(context, draft);
        let is_foreign = foreign.is_some();
        let number = foreign.or_else(|| self.number_to_show(context));
        let written = number
            .as_deref()
            .map(|number| context.numbering.write(number, draft));
        let account = Some(draft.account()).filter(|account| !account.is_empty());
        let uri = |user: &str| format!("<sip:{}@{}>", user.replace('#', "%23"), draft.domain());
        let identity = written.as_deref().or(account).map(uri);
        let from = match (&identity, private) {
            (Some(identity), false) => identity.clone(),
            // The carrier knows its customer by the account; whom it calls is told by From.
            _ => ANONYMOUS.to_owned(),
        };
        let mut headers = Vec::new();
        // Another company has no need to know whom it is not to show; a carrier has.
        let identity = identity.filter(|_| !(private && trunk.id == TrunkId::INSIDE));
        if let Some(identity) = identity {
            match draft.identity {
                TrunkIdentity::Asserted => headers.push((Name::PAssertedIdentity, identity)),
                TrunkIdentity::Preferred => headers.push((Name::PPreferredIdentity, identity)),
                TrunkIdentity::RemoteParty => {
                    let privacy = if private { "full" } else { "off" };
                    let value = format!("{identity};party=calling;screen=yes;privacy={privacy}");
                    headers.push((Name::RemotePartyId, value));
                }
                TrunkIdentity::None => {}
            }
        }
        if private && matches!(draft.identity, TrunkIdentity::Asserted | TrunkIdentity::Preferred) {
            headers.push((Name::Privacy, "id".to_owned()));
        }
        headers.extend(self.history_for(context, draft));
        Shown {
            from,
            headers,
            number,
            is_foreign,
        }
    }

    /// Our word for the caller's number (RFC 8224 §4.1): full for a number of the tenant; of a call that came from outside we know
    /// where it came in, and nothing more (RFC 8588 §4).
    pub(super) fn signature(
        &self,
        context: &mut Context,
        draft: &TrunkDraft,
        what: &Outside,
        shown: &Shown,
        now: Now,
    ) -> Vec<(Name, String)> {
        let signer = context
            .signer
            .clone()
            .filter(|_| draft.sign && !self.is_emergency());
        let Some((signer, number)) = signer.zip(shown.number.as_deref()) else {
            return Vec::new();
        };
        // Of a call that is carried for another tenant we know as much, where the number is one that we gave to that tenant.
        let served = self
            .transit
            .filter(|transit| !transit.inward)
            .map(|transit| transit.tenant);
        let is_theirs = |number: number::E164| context.directory.number_owner(number.value()) == served;
        let own =
            shown.is_own(context) || (served.is_some() && number::E164::parse(number).is_some_and(is_theirs));
        let origid = [context.random(), context.random()].map(u64::to_be_bytes);
        let signed = signer.sign(&Claims {
            attestation: if own { Attestation::A } else { Attestation::C },
            orig: number,
            dest: &[&what.number],
            iat: now.wall.secs(),
            origid: OrigId::new(origid.as_flattened().try_into().unwrap_or_default()),
        });
        let identity = signed.ok().map(|value| (Name::Identity, value));
        let date = identity.as_ref().map(|_| (Name::Date, date(now.wall)));
        identity.into_iter().chain(date).collect()
    }

    /// What the trunk's rules add, with what is known of the call.
    pub(super) fn extra_for(
        &self,
        draft: &TrunkDraft,
        what: &Outside,
        shown: &Shown,
    ) -> Vec<(String, String)> {
        let word = |name: &str| match name {
            "number" => what.number.to_string(),
            "caller" => shown.number.clone().unwrap_or_default(),
            "extension" => match self.caller.user() {
                Some(_) => self.record.caller.number.clone(),
                None => String::new(),
            },
            "account" => draft.account().to_owned(),
            "domain" => draft.domain().to_owned(),
            "call" => self.id.to_string(),
            _ => String::new(),
        };
        let written = draft.headers.written(word);
        written.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The caller's own number as E.164, of a call from outside that is sent on, where the carrier takes that. Nobody here knows it
    /// to be his, were it one of the tenant's.
    fn foreign_number(&self, context: &Context, draft: &TrunkDraft) -> Option<String> {
        // What a carrier that nobody trusts says of its caller is not passed on as if we knew it.
        let from = self.caller.peer.trunk().and_then(|id| context.config.trunk(id));
        let shows = draft.foreign_caller || self.transit.is_some();
        let number = &self.record.caller.number;
        let is_shown = shows && from.is_some_and(|from| from.draft.trust_identity);
        (is_shown && number::E164::parse(number).is_some()).then(|| number.clone())
    }

    /// A number that the tenant has, as E.164: that of who has sent the call on, or calls.
    fn number_to_show(&self, context: &Context) -> Option<String> {
        let config = &context.config;
        let by = self.run.forwards().last().map(|forward| forward.user);
        let transferrer = self
            .moves
            .origin
            .as_ref()
            .and_then(|origin| origin.by.peer.user());
        let user = by.or(self.caller.user()).or(transferrer);
        user.and_then(|user| number_of(config, user))
            .or_else(|| usual(config))
    }

    /// Who has sent the call on, each by a number that the public network knows.
    fn history_for(&self, context: &Context, draft: &TrunkDraft) -> Vec<(Name, String)> {
        let known = |hop: &Forward| {
            let number = number_of(&context.config, hop.user)?;
            let to = context.numbering.read(&hop.to).map(|number| number.to_string());
            let write = |number: &str| context.numbering.write(number, draft).into();
            Some(Forward {
                by: write(&number),
                to: write(&to.unwrap_or(number)),
                ..hop.clone()
            })
        };
        let hops: Vec<Forward> = self.run.forwards().iter().filter_map(known).collect();
        let (diversion, history) = match draft.history {
            TrunkHistory::Diversion => (true, false),
            TrunkHistory::HistoryInfo => (false, true),
            TrunkHistory::Both => (true, true),
            TrunkHistory::None => (false, false),
        };
        forward::lines(
            draft.domain(),
            hops.iter(),
            diversion,
            history && !self.hides_history,
        )
    }
}

/// A user's own number: the one he has chosen, where the tenant has it, else one that leads to him.
pub(super) fn number_of(config: &TenantConfig, user: UserId) -> Option<String> {
    let user = config.user(user)?;
    let chosen = user.settings.caller_number.as_deref();
    chosen
        .and_then(|number| owned(config, number))
        .or_else(|| leading_to(config, &user.extension))
}

/// The number of those who have none.
fn usual(config: &TenantConfig) -> Option<String> {
    owned(config, &config.policy().caller_number)
}

/// A number, if the tenant has it.
fn owned(config: &TenantConfig, number: &str) -> Option<String> {
    let number = number::E164::parse(number)?;
    config.number(number.value()).map(|_| number.to_string())
}

/// The first number that leads to an extension.
fn leading_to(config: &TenantConfig, extension: &str) -> Option<String> {
    config.numbers().iter().find_map(|range| {
        let number = range.number_of(extension)?;
        let is_it = config.number(number).is_some_and(|found| found == range);
        is_it.then(|| format!("+{number}"))
    })
}
