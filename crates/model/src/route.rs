//! Which trunks a call to the outside takes.
//!
//! Owns: the nouns, and the order among the trunks of a route. Does not own: which of them can carry a call now (`pbx`).

use crate::{Money, Prefix};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One way outside: for which numbers, and by which trunks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Route {
    /// One that is not is as if it were not there.
    pub enabled: bool,
    /// The numbers that it is for, by their first digits; empty = all. Of several routes that with the longest counts, and among
    /// those with equal ones the first by name.
    pub prefixes: Vec<Prefix>,
    /// It is for emergency numbers, and for nothing else.
    pub emergency: bool,
    /// Its trunks.
    pub trunks: Vec<RouteTrunk>,
    /// Among trunks of one priority that which costs least for the number goes first, as far as the carriers' price lists are known.
    pub least_cost: bool,
}

impl Default for Route {
    fn default() -> Route {
        Route {
            enabled: true,
            prefixes: Vec::new(),
            emergency: false,
            trunks: Vec::new(),
            least_cost: false,
        }
    }
}

impl Route {
    /// Routes of one tenant.
    pub const MOST: usize = 1_000;
    /// Trunks of one route.
    pub const MOST_TRUNKS: usize = 20;
    /// Prefixes of one route.
    pub const MOST_PREFIXES: usize = 1_000;

    /// How many digits of the number it names, where it is for it at all.
    #[must_use]
    pub fn fits(&self, number: Prefix) -> Option<u8> {
        match self.prefixes.is_empty() {
            true => Some(0),
            false => {
                let fitting = self.prefixes.iter().filter(|prefix| prefix.covers(number));
                fitting.map(|prefix| prefix.digits()).max()
            }
        }
    }

    /// Its trunks as they are tried: by priority, those of one priority by lot, weight for weight; `dice` is drawn anew for each.
    pub fn order(&self, mut dice: impl FnMut() -> u64) -> Vec<&RouteTrunk> {
        let mut left: Vec<&RouteTrunk> = self.trunks.iter().collect();
        left.sort_by_key(|trunk| trunk.priority);
        let mut order = Vec::with_capacity(left.len());
        while let Some(priority) = left.first().map(|trunk| trunk.priority) {
            let same = left.iter().take_while(|trunk| trunk.priority == priority);
            let sum: u64 = same.clone().map(|trunk| u64::from(trunk.weight)).sum();
            let mut drawn = dice().checked_rem(sum).unwrap_or(0);
            let chosen = same.clone().position(|trunk| {
                let weight = u64::from(trunk.weight);
                let is_it = drawn < weight || sum == 0;
                drawn = drawn.saturating_sub(weight);
                is_it
            });
            order.push(left.remove(chosen.unwrap_or(0)));
        }
        order
    }

    /// With `least_cost` the lot decides among equal costs only; who has weight 0 and whose `cost` nobody knows come last.
    pub fn cheapest_first(
        &self,
        order: &mut [&RouteTrunk],
        mut cost: impl FnMut(&RouteTrunk) -> Option<Money>,
    ) {
        if self.least_cost {
            // Stable: the lot stands among equals.
            order.sort_by_cached_key(|trunk| {
                let cost = cost(trunk);
                (trunk.priority, trunk.weight == 0, cost.is_none(), cost)
            });
        }
    }
}

/// A trunk of a route. As text: its name, or `name:priority`, or `name:priority:weight`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RouteTrunk {
    /// Its name; whether letters are small or capital is all the same.
    pub name: String,
    /// Lower ones are tried first; 1 where nothing else is said.
    pub priority: u8,
    /// Its share of the calls among trunks of one priority; 10 where nothing else is said. 0 = only where all others have failed.
    pub weight: u16,
}

/// A text is no trunk of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteError;

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a trunk of a route is its name, name:priority or name:priority:weight, such as main:1:70",
        )
    }
}

impl std::error::Error for RouteError {}

impl TryFrom<String> for RouteTrunk {
    type Error = RouteError;

    fn try_from(text: String) -> Result<RouteTrunk, RouteError> {
        let mut parts = text.split(':');
        let name = parts.next().filter(|name| !name.is_empty()).ok_or(RouteError)?;
        let mut number = |usual: u16| match parts.next() {
            None => Ok(usual),
            Some(text) => text.parse().map_err(|_| RouteError),
        };
        let priority = u8::try_from(number(1)?).map_err(|_| RouteError)?;
        let weight = number(10)?;
        match parts.next() {
            Some(_) => Err(RouteError),
            None => Ok(RouteTrunk {
                name: name.to_owned(),
                priority,
                weight,
            }),
        }
    }
}

impl From<RouteTrunk> for String {
    fn from(trunk: RouteTrunk) -> String {
        format!("{}:{}:{}", trunk.name, trunk.priority, trunk.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trunk(text: &str) -> RouteTrunk {
        RouteTrunk::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_trunk_of_a_route_is_a_word_with_numbers() {
        assert_eq!(String::from(trunk("main")), "main:1:10");
        assert_eq!(String::from(trunk("main:2")), "main:2:10");
        assert_eq!(String::from(trunk("main:2:0")), "main:2:0");
        for bad in ["", ":1", "a:", "a:b", "a:1:2:3", "a:256", "a:1:65536"] {
            assert_eq!(RouteTrunk::try_from(bad.to_owned()), Err(RouteError), "{bad}");
        }
    }

    #[test]
    fn weights_share_calls_and_priorities_come_first() {
        let route = Route {
            trunks: ["b:1:30", "a:1:10", "c:2:1", "d:1:0"].map(trunk).to_vec(),
            ..Route::default()
        };
        let mut firsts = std::collections::BTreeMap::new();
        for n in 0..4_000_u64 {
            let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let dice = || {
                state ^= state >> 31;
                state = state.wrapping_mul(0x2545_f491_4f6c_dd1d);
                state >> 8
            };
            let mut order = route.order(dice);
            route.cheapest_first(&mut order, |_| panic!("nobody asks what it costs"));
            assert_eq!(order.len(), 4);
            assert_eq!(order.last().unwrap().name, "c");
            *firsts.entry(order[0].name.clone()).or_insert(0_u32) += 1;
        }
        assert_eq!(firsts.len(), 2, "{firsts:?}");
        assert!((2_850..3_150).contains(&firsts["b"]), "{firsts:?}");
    }

    #[test]
    fn the_cheapest_of_a_priority_goes_first() {
        let route = Route {
            trunks: ["dear:1", "cheap:1", "unknown:1", "last:1:0", "second:2"]
                .map(trunk)
                .to_vec(),
            least_cost: true,
            ..Route::default()
        };
        let cost = |trunk: &RouteTrunk| match trunk.name.as_str() {
            "dear" => "0.09".parse().ok(),
            "cheap" | "last" => "0.01".parse().ok(),
            "second" => Some(Money::ZERO),
            _ => None,
        };
        for dice in 0..50 {
            let mut order = route.order(|| dice);
            route.cheapest_first(&mut order, cost);
            let names: Vec<&str> = order.iter().map(|trunk| trunk.name.as_str()).collect();
            assert_eq!(names, ["cheap", "dear", "unknown", "last", "second"]);
        }
    }

    #[test]
    fn the_longest_prefix_counts() {
        let prefix = |text: &str| text.parse::<Prefix>().unwrap();
        let route = Route {
            prefixes: vec![prefix("49"), prefix("4930")],
            ..Route::default()
        };
        let number = |text: &str| Prefix::of_number(text).unwrap();
        assert_eq!(route.fits(number("+493012345")), Some(4));
        assert_eq!(route.fits(number("+494012345")), Some(2));
        assert_eq!(route.fits(number("+33123456")), None);
        assert_eq!(Route::default().fits(number("+33123456")), Some(0));
    }
}
