//! The order of servers that share a load (RFC 2782, "Usage rules"): lower priority first, within one priority by lot, with the
//! weights as shares.

/// Numbers that look random and follow from a seed (SplitMix64). They share out load; nothing secret rests on them.
#[derive(Clone, Debug)]
pub(super) struct Lots(u64);

impl Lots {
    pub(super) fn new(seed: u64) -> Lots {
        Lots(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `most`, each as likely.
    fn up_to(&mut self, most: u64) -> u64 {
        let wide = u128::from(self.next()) * (u128::from(most) + 1);
        u64::try_from(wide >> 64).unwrap_or(most)
    }
}

/// Sorts by `rank` (lower first), and draws lots among those of one rank by `weight`: of those left, the first whose sum of
/// weights up to it reaches a number drawn between 0 and the sum of all. Those without weight stand in front meanwhile, so that
/// they are chosen now and then while others have weights. Where none has, each is as likely.
pub(super) fn draw<T, R: Ord>(
    mut items: Vec<T>,
    rank: impl Fn(&T) -> R,
    weight: impl Fn(&T) -> u16,
    lots: &mut Lots,
) -> Vec<T> {
    items.sort_by(|a, b| {
        let zeros_first = || (weight(a) != 0).cmp(&(weight(b) != 0));
        rank(a).cmp(&rank(b)).then_with(zeros_first)
    });
    let mut drawn = Vec::with_capacity(items.len());
    while let Some(first) = items.first() {
        let first = rank(first);
        let group = items.iter().take_while(|item| rank(item) == first).count();
        let weights = items.iter().take(group).map(|item| u64::from(weight(item)));
        let chosen = match weights.clone().sum() {
            0 => usize::try_from(lots.up_to(group as u64 - 1)).ok(),
            all => {
                let (number, mut sum) = (lots.up_to(all), 0);
                weights.into_iter().position(|weight| {
                    sum += weight;
                    sum >= number
                })
            }
        };
        drawn.push(items.remove(chosen.unwrap_or(0)));
    }
    drawn
}
