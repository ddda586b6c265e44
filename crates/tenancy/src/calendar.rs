//! Days and months of the proleptic Gregorian calendar.
//!
//! Owns: the way between dates and counted days, dates as price lists write them, and [`Calendar`], which day and month it is
//! although the wall clock may jump. Does not own: time zones; an offset from UTC is given.

use model::Wall;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// A clock that goes back by no more than this waits for itself: the day that had begun goes on. Clocks are corrected by less,
/// and summer time ends by less.
const SET_BACK_MS: i64 = 2 * 60 * MINUTE_MS;

/// Days from 1970-01-01 to a date.
///
/// Years are taken to begin in March, so that the leap day is the last one, and counted in eras of 400 years, which are all alike.
fn days_from_date(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Months from the year 0 to the month of a day that is counted from 1970-01-01.
fn month_of_day(days: i64) -> i64 {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    // March is the third month, counted from one; the twelve months since then may lie in the next year.
    (era * 400 + year_of_era) * 12 + month_from_march + 2
}

/// How a date without a time is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// Its first moment.
    Begin,
    /// The first moment after it.
    End,
}

/// Reads `2026-11-26`, `2026-11-26 08:30`, `2026-11-26T08:30:00Z` or `…+01:00`; without a zone by the given clock.
pub(crate) fn read_date(text: &str, utc_offset_min: i16, edge: Edge) -> Option<Wall> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let days = days_from_date(year, month, day);
    // A day that its month lacks would be counted into the next one.
    let exists = (1..=12).contains(&month) && day >= 1 && month_of_day(days) == year * 12 + month - 1;
    if !exists || year < 1970 {
        return None;
    }
    let (ms, offset_min) = match time {
        Some(time) => time_of_day(time, i64::from(utc_offset_min))?,
        None if edge == Edge::End => (DAY_MS, i64::from(utc_offset_min)),
        None => (0, i64::from(utc_offset_min)),
    };
    let utc = days * DAY_MS + ms - offset_min * MINUTE_MS;
    Some(Wall(u64::try_from(utc).unwrap_or(0)))
}

/// Milliseconds from midnight, and minutes ahead of UTC.
fn time_of_day(text: &str, usual_min: i64) -> Option<(i64, i64)> {
    let text = text.trim();
    let (time, offset_min) = match (text.strip_suffix(['Z', 'z']), text.rfind(['+', '-'])) {
        (Some(time), _) => (time, 0),
        (None, Some(at)) => {
            let (time, zone) = text.split_at(at);
            let [hours, minutes] = numbers(zone.get(1..)?, ':', [2, 2])?;
            let size = hours * 60 + minutes;
            (time, if zone.starts_with('-') { -size } else { size })
        }
        (None, None) => (text, usual_min),
    };
    let [hours, minutes, seconds] =
        numbers(time, ':', [2, 2, 2]).or_else(|| numbers(time, ':', [2, 2]).map(|[h, m]| [h, m, 0]))?;
    let fits = hours < 24 && minutes < 60 && seconds < 60 && offset_min.abs() < 24 * 60;
    fits.then_some((((hours * 60 + minutes) * 60 + seconds) * 1000, offset_min))
}

/// Numbers of so many digits with a sign between them.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(between);
    let mut values = [0; N];
    for (value, digits) in values.iter_mut().zip(digits) {
        let part = parts.next()?;
        let right = part.len() == digits && part.bytes().all(|b| b.is_ascii_digit());
        *value = right.then(|| part.parse().ok()).flatten()?;
    }
    parts.next().is_none().then_some(values)
}

/// Which day and month it is for somebody. Goes on where the wall clock is set back a little, so that a day's count neither
/// begins twice nor jumps; follows where it was wrong by more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calendar {
    /// The latest moment seen, by the local clock, ms.
    pub(crate) seen_ms: i64,
    /// Days since 1970-01-01.
    pub(crate) day: i64,
    /// Months since the year 0.
    pub(crate) month: i64,
}

impl Calendar {
    /// One that has last seen this moment.
    pub(crate) fn seen(seen_ms: i64) -> Calendar {
        let day = seen_ms.div_euclid(DAY_MS);
        Calendar {
            seen_ms,
            day,
            month: month_of_day(day),
        }
    }

    /// The calendar at another moment.
    pub(crate) fn at(self, wall: Wall, utc_offset_min: i16) -> Calendar {
        let utc = i64::try_from(wall.0).unwrap_or(i64::MAX / 2).min(i64::MAX / 2);
        let local = utc + i64::from(utc_offset_min) * MINUTE_MS;
        if local <= self.seen_ms && self.seen_ms - local <= SET_BACK_MS {
            return self;
        }
        if local.div_euclid(DAY_MS) == self.day {
            return Calendar {
                seen_ms: local,
                ..self
            };
        }
        Calendar::seen(local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_and_months_found_for_a_thousand_years() {
        let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let mut days = 0;
        for year in 1970..2970 {
            for month in 1..=12 {
                let length = match month {
                    2 if leap(year) => 29,
                    2 => 28,
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                for day in 1..=length {
                    assert_eq!(days_from_date(year, month, day), days);
                    assert_eq!(month_of_day(days), year * 12 + month - 1, "{year}-{month}-{day}");
                    days += 1;
                }
            }
        }
    }

    #[test]
    fn dates_are_read_as_lists_write_them() {
        let at = |text| read_date(text, 60, Edge::Begin).map(|wall| wall.0 / 1000);
        let day = 1_795_651_200;
        assert_eq!(at("2026-11-26"), Some(day - 3600));
        assert_eq!(at("2026-11-26 08:30"), Some(day + 7 * 3600 + 1800));
        assert_eq!(at("2026-11-26T08:30:05Z"), Some(day + 8 * 3600 + 1805));
        assert_eq!(at("2026-11-26T08:30:05-05:30"), Some(day + 14 * 3600 + 5));
        let end = read_date("2026-11-26", 0, Edge::End).map(|wall| wall.0 / 1000);
        assert_eq!(end, Some(day + 86_400));
        assert_eq!(at("2028-02-29"), Some(1_835_395_200 - 3600));
        for text in [
            "",
            "26.11.2026",
            "2026-13-01",
            "2026-02-29",
            "2026-00-10",
            "2026-1-1",
            "1969-12-31",
            "2026-11-26T",
            "2026-11-26T24:00",
            "2026-11-26T08:30+99:00",
            "2026-11-26T08:30:00é",
            "99999-01-01",
            "2026-11-31",
            "2026-11-00",
            "+026-11-01",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn a_clock_set_back_a_little_changes_no_day() {
        let midnight = 1_795_651_200_000;
        let calendar = Calendar::default().at(Wall(midnight + 60_000), 0);
        let back = calendar.at(Wall(midnight - 3_540_000), 0);
        assert_eq!(back, calendar);
        let wrong = calendar.at(Wall(midnight - 3 * 3_600_000), 0);
        assert_eq!(wrong.day, calendar.day - 1);
        assert_eq!(calendar.at(Wall(midnight + 86_400_000), 0).day, calendar.day + 1);
        assert_eq!(
            Calendar::default()
                .at(Wall(u64::MAX), i16::MAX)
                .at(Wall(0), i16::MIN)
                .day,
            -23
        );
    }
}
