//! Times as headers have them.

use model::Wall;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// RFC 3261 §20.17: `Sat, 13 Nov 2010 23:29:00 GMT`.
pub(crate) fn date(at: Wall) -> String {
    let (year, month, day) = civil(at);
    let name = |list: &[&'static str], at: u64| usize::try_from(at).ok().and_then(|i| list.get(i).copied());
    format!(
        "{}, {day:02} {} {year:04} {} GMT",
        name(&DAYS, at.secs() / 86_400 % 7).unwrap_or(""),
        name(&MONTHS, month).unwrap_or(""),
        clock(at)
    )
}

/// RFC 3339: `2010-11-13T23:29:00Z`.
pub(crate) fn stamp(at: Wall) -> String {
    let (year, month, day) = civil(at);
    format!("{year:04}-{:02}-{day:02}T{}Z", month.saturating_add(1), clock(at))
}

/// Year, month from zero, day of the month.
fn civil(at: Wall) -> (u64, u64, u64) {
    // Years begin in March, so that the leap day is their last (Hinnant, "chrono-compatible low-level date algorithms").
    let z = at.secs() / 86_400 + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = (mp + 2) % 12;
    (yoe + era * 400 + u64::from(month < 2), month, day)
}

fn clock(at: Wall) -> String {
    let second = at.secs() % 86_400;
    format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_all_kinds() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_289_690_940, "Sat, 13 Nov 2010 23:29:00 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] {
            assert_eq!(date(Wall(seconds * 1000)), text);
        }
    }
}
