//! What the tenant's people dial for the public network.
//!
//! Owns: the tenant's numbering plan, ready to be asked. Does not own: plans of countries (`number`), and what follows (`flow`).

use flow::Outside;
use model::{DestinationClass, Policy, TrunkDraft};
use number::{Country, E164, EmergencyNumber, Format, Plan, Service};

/// Built once per configuration: a plan takes longer to make than to ask.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    plan: Option<Plan>,
    countries: Vec<Country>,
    outside: Option<String>,
}

impl Numbering {
    /// A country that there is not has emergency numbers all the same: those that are understood everywhere.
    pub(crate) fn new(policy: &Policy) -> Numbering {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (area, outside) = (filled(&policy.area), filled(&policy.outside));
        let home = Country::parse(&policy.home());
        let plan = home.and_then(|home| {
            let whole = Plan::new(home, area.as_deref(), outside.as_deref());
            whole.or_else(|_| Plan::new(home, None, None)).ok()
        });
        Numbering {
            plan,
            countries: policy
                .countries()
                .filter_map(|code| Country::parse(&code))
                .collect(),
            outside,
        }
    }

    /// The emergency number that this is, before anything else that it may be.
    pub(crate) fn emergency(&self, dialled: &str) -> Option<Outside> {
        let found = self.of_help(dialled)?;
        Some(Outside {
            number: found.number.into(),
            class: DestinationClass::Emergency,
        })
    }

    /// True for a number that only tests the way to help: a machine answers it, so it has no room of its own and nobody calls back.
    pub(crate) fn is_test(&self, number: &str) -> bool {
        self.of_help(number)
            .is_some_and(|found| found.service == Service::Test)
    }

    /// True for one that leads to somebody who helps.
    pub(crate) fn is_help(&self, dialled: &str) -> bool {
        self.of_help(dialled)
            .is_some_and(|found| found.service != Service::Test)
    }

    fn of_help(&self, dialled: &str) -> Option<EmergencyNumber> {
        number::emergency(dialled, &self.countries, self.outside.as_deref())
    }

    /// The number of a service of help where the tenant is.
    pub(crate) fn help(&self, service: Service) -> &'static str {
        number::number_of(service, &self.countries)
    }

    /// The service URN of an emergency number (RFC 5031).
    pub(crate) fn urn(&self, number: &str) -> Option<String> {
        let found = number::emergency(number, &self.countries, None)?;
        Some(found.service.urn())
    }

    /// The number of the public network that was dialled.
    pub(crate) fn read(&self, dialled: &str) -> Option<E164> {
        match &self.plan {
            Some(plan) => plan.read(dialled),
            None => E164::parse(dialled),
        }
    }

    /// What kind of number it is for this tenant.
    pub(crate) fn outside(&self, number: E164) -> Outside {
        let class = self.plan.as_ref().map(|plan| number::class(number, plan));
        Outside {
            number: number.to_string().into(),
            class: class.unwrap_or(DestinationClass::Unknown),
        }
    }

    /// A number as the carrier of this trunk wants it.
    pub(crate) fn write(&self, number: &str, draft: &TrunkDraft) -> String {
        let format = Format::new(draft.number_style, &draft.number_strip, &draft.number_prepend);
        match (E164::parse(number), &self.plan, format) {
            (Some(number), Some(plan), Ok(format)) => format.write(number, plan),
            // Short numbers, emergency numbers among them, have one form.
            _ => number.to_owned(),
        }
    }

    /// What the carrier of this trunk means by a text.
    pub(crate) fn heard(&self, text: &str, draft: &TrunkDraft) -> Option<E164> {
        let Some(plan) = &self.plan else {
            return E164::parse(text);
        };
        let style = draft.number_style_in.unwrap_or(draft.number_style);
        let (strip, prepend) = match draft.number_style_in {
            Some(_) => ("", ""),
            None => (draft.number_strip.as_str(), draft.number_prepend.as_str()),
        };
        let format = Format::new(style, strip, prepend).ok()?;
        // Carriers leave the plus out, or write one, as they like.
        let plain = || E164::from_digits(text).filter(|_| style == model::NumberStyle::E164);
        format.read(text, plan).or_else(plain)
    }
}
