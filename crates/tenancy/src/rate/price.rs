//! Reckoning with one price: exact, in whole numbers.

use model::{Charge, Currency, Money, Prefix, RateRow, TollTerms};
use std::time::Duration;

/// The price of one call, taken from its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    terms: TollTerms,
}

impl Rate {
    pub(super) fn new(row: &RateRow, currency: Currency, places: u8) -> Rate {
        Rate {
            terms: TollTerms {
                prefix: row.prefix,
                currency,
                price: row.price,
                fee: row.fee,
                first_s: row.first_s,
                next_s: row.next_s,
                places,
            },
        }
    }

    /// As plain data.
    #[must_use]
    pub fn terms(&self) -> TollTerms {
        self.terms
    }

    /// From plain data that was kept; `None` where it says what no table can.
    #[must_use]
    pub fn from_terms(terms: TollTerms) -> Option<Rate> {
        let sound = terms.first_s > 0
            && terms.next_s > 0
            && terms.places <= 6
            && !terms.price.is_negative()
            && !terms.fee.is_negative();
        sound.then_some(Rate { terms })
    }

    /// The prefix of its row.
    #[must_use]
    pub fn prefix(&self) -> Prefix {
        self.terms.prefix
    }

    /// Seconds that a call is charged for which has been answered and talked for so long.
    #[must_use]
    pub fn billed_s(&self, talk: Duration) -> u64 {
        let (first, next) = (u64::from(self.terms.first_s), u64::from(self.terms.next_s).max(1));
        // Records have milliseconds; what is below them is no second that has begun. And no call lasts longer than a century.
        let begun = u32::try_from(talk.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        let begun = u64::from(begun);
        let steps = begun.saturating_sub(first).div_ceil(next);
        first.saturating_add(steps.saturating_mul(next))
    }

    /// What such a call has cost, or comes to when it ends now.
    #[must_use]
    pub fn amount(&self, talk: Duration) -> Money {
        self.round(self.sixtieths(i128::from(self.billed_s(talk))))
    }

    /// Fee and time in 10^-6 / 60, before they are rounded.
    fn sixtieths(&self, billed_s: i128) -> i128 {
        let (fee, price) = (
            i128::from(self.terms.fee.micros()),
            i128::from(self.terms.price.micros()),
        );
        fee * 60 + price * billed_s
    }

    /// The smallest amount that charges differ by, in 10^-6.
    fn unit(&self) -> i128 {
        10_i128.pow(6_u32.saturating_sub(u32::from(self.terms.places)))
    }

    fn round(&self, sixtieths: i128) -> Money {
        let unit = self.unit();
        let units = (sixtieths * 2 + unit * 60).div_euclid(unit * 120);
        i64::try_from(units * unit).map_or(Money::MAX, Money::from_micros)
    }

    /// How long a call may last until its charge passes `budget`: to the end of the last increment that fits, exactly. `None`
    /// when not even the first does; [`Duration::MAX`] when time is free.
    #[must_use]
    pub fn affords(&self, budget: Money) -> Option<Duration> {
        let unit = self.unit();
        let whole = i128::from(budget.micros()).div_euclid(unit) * unit;
        // A charge is within the budget when it lies below the middle between that and the next unit, from where it is rounded up.
        let below = (whole * 2 + unit) * 60;
        let fee = self.sixtieths(0) * 2;
        let price = self.sixtieths(1) * 2 - fee;
        if fee >= below {
            return None;
        }
        if price == 0 {
            return Some(Duration::MAX);
        }
        let most = (below - fee - 1).div_euclid(price);
        let (first, next) = (
            i128::from(self.terms.first_s),
            i128::from(self.terms.next_s).max(1),
        );
        let steps = (most >= first).then(|| (most - first).div_euclid(next))?;
        let seconds = u64::try_from(first + steps * next).unwrap_or(u64::MAX / 1000);
        Some(Duration::from_secs(seconds))
    }

    /// What the call came to.
    #[must_use]
    pub fn charge(&self, talk: Duration) -> Charge {
        Charge {
            amount: self.amount(talk),
            currency: Some(self.terms.currency),
            prefix: Some(self.terms.prefix),
            price: self.terms.price,
            billed_s: self.billed_s(talk),
        }
    }

    /// The charge of a call that costs nothing.
    #[must_use]
    pub fn nothing(currency: Option<Currency>) -> Charge {
        Charge {
            amount: Money::ZERO,
            currency,
            prefix: None,
            price: Money::ZERO,
            billed_s: 0,
        }
    }
}
