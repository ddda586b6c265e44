//! A sliding window over monotonic time in a fixed number of buckets.

/// Sums what was added within the last `N - 1` widths of `MS` milliseconds, and up to one width more: a window never forgets
/// early, so no stretch of its length has more in it than its sum says. Times are monotonic milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<const N: usize, const MS: u64> {
    /// The bucket that was written last, counted from the beginning of time.
    last: u64,
    /// Of all buckets.
    total: i64,
    /// Each bucket's sum, at its number modulo `N`.
    sums: [i64; N],
}

/// Calls begun within a second.
pub(super) type Second = Window<11, 100>;
/// Calls begun within a minute.
pub(super) type Minute = Window<13, 5_000>;
/// Money, in 10^-6, or tries within an hour.
pub(super) type Hour = Window<13, 300_000>;

impl<const N: usize, const MS: u64> Default for Window<N, MS> {
    fn default() -> Self {
        Window {
            last: 0,
            total: 0,
            sums: [0; N],
        }
    }
}

impl<const N: usize, const MS: u64> Window<N, MS> {
    /// Buckets, as a number of time.
    const COUNT: u64 = N as u64;

    fn place(bucket: u64) -> usize {
        usize::try_from(bucket % Self::COUNT).unwrap_or(0)
    }

    fn at(&self, bucket: u64) -> i64 {
        self.sums.get(Self::place(bucket)).copied().unwrap_or(0)
    }

    /// How many of the oldest buckets have left the window since it was written.
    fn gone(&self, now_ms: u64) -> u64 {
        (now_ms / MS).saturating_sub(self.last).min(Self::COUNT)
    }

    /// The buckets that are in the window at a time, oldest first.
    fn alive(&self, now_ms: u64) -> impl Iterator<Item = (u64, i64)> {
        let count = Self::COUNT - self.gone(now_ms);
        let first = self.last.saturating_add(1).saturating_sub(count);
        (first..=self.last)
            .take(usize::try_from(count).unwrap_or(0))
            .map(|bucket| (bucket, self.at(bucket)))
    }

    /// What was added in the window that ends now.
    pub(super) fn sum(&self, now_ms: u64) -> i64 {
        let gone = self.gone(now_ms);
        if gone == Self::COUNT {
            return 0;
        }
        // The oldest lies behind the newest.
        (1..=gone).fold(self.total, |sum, step| {
            sum.saturating_sub(self.at(self.last.saturating_add(step)))
        })
    }

    /// True when nothing is in it.
    pub(super) fn is_empty(&self, now_ms: u64) -> bool {
        self.alive(now_ms).all(|(_, value)| value == 0)
    }

    /// Adds something now. What is older than the window is forgotten.
    pub(super) fn add(&mut self, now_ms: u64, value: i64) {
        match self.gone(now_ms) {
            all if all == Self::COUNT => (self.total, self.sums) = (0, [0; N]),
            some => (1..=some).for_each(|step| self.change(self.last.saturating_add(step), |_| 0)),
        }
        self.last = self.last.max(now_ms / MS);
        self.change(self.last, |sum| sum.saturating_add(value));
    }

    fn change(&mut self, bucket: u64, to: impl Fn(i64) -> i64) {
        if let Some(sum) = self.sums.get_mut(Self::place(bucket)) {
            let new = to(*sum);
            self.total = self.total.saturating_add(new.saturating_sub(*sum));
            *sum = new;
        }
    }

    /// Takes back what was added at `at_ms`, if the window still has it.
    pub(super) fn take(&mut self, at_ms: u64, value: i64) {
        let bucket = at_ms / MS;
        if bucket <= self.last && bucket.saturating_add(Self::COUNT) > self.last {
            self.change(bucket, |sum| sum.saturating_sub(value).max(0));
        }
    }

    /// What is in it, with the age of each bucket in milliseconds.
    pub(super) fn ages(&self, now_ms: u64) -> Vec<(u64, i64)> {
        let age = |bucket: u64| (now_ms / MS).saturating_sub(bucket).saturating_mul(MS);
        let alive = self.alive(now_ms).filter(|(_, value)| *value != 0);
        alive.map(|(bucket, value)| (age(bucket), value)).collect()
    }

    /// Puts back what [`Window::ages`] gave, in its order. What began before time does counts from its beginning: it stays longer.
    pub(super) fn put_back(&mut self, now_ms: u64, ages: &[(u64, i64)]) {
        for (age, value) in ages {
            self.add(now_ms.saturating_sub(*age), *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_forgotten_early_or_kept_long() {
        for begin in [0, 37, 4_999, 5_000, 123_456] {
            let mut window = Minute::default();
            window.add(begin, 3);
            assert_eq!(window.sum(begin + 60_000), 3, "{begin}");
            assert_eq!(window.sum(begin + 65_000), 0, "{begin}");
            assert!(window.is_empty(begin + 65_000));
        }
    }

    #[test]
    fn no_stretch_has_more_than_its_sum_said() {
        let mut seed = 3_u64;
        let mut random = |below: u64| {
            seed = seed
                .wrapping_mul(0x5851_F42D_4C95_7F2D)
                .wrapping_add(0x1405_7B7E_F767_814F);
            (seed >> 33) % below
        };
        let (mut window, mut now, mut added) = (Second::default(), 0, Vec::new());
        for _ in 0..20_000 {
            now += random(300);
            if window.sum(now) < 5 {
                window.add(now, 1);
                added.push(now);
            }
        }
        assert!(added.windows(6).all(|six| six[5] - six[0] > 1_000));
    }

    #[test]
    fn what_is_taken_back_leaves_its_own_bucket() {
        let mut window = Minute::default();
        window.add(1_000, 10);
        window.add(50_000, 5);
        window.take(1_000, 4);
        assert_eq!((window.sum(50_000), window.sum(70_000)), (11, 5));
        window.take(1_000, 100);
        window.add(200_000, 1);
        window.take(1_000, 1);
        window.take(300_000, 1);
        assert_eq!(window.sum(200_000), 1);
    }

    #[test]
    fn a_window_comes_back_at_another_time() {
        let mut window = Hour::default();
        (0..20).for_each(|step| window.add(step * 400_000, 1));
        let now = 20 * 400_000;
        let mut back = Hour::default();
        back.put_back(10_000_000, &window.ages(now));
        assert_eq!(back.sum(10_000_000), window.sum(now));
        let mut young = Hour::default();
        young.put_back(5, &window.ages(now));
        assert_eq!(young.sum(5), window.sum(now));
        assert_eq!(young.sum(3_900_005), 0);
    }
}
