//! Digits as pairs of sines: ITU-T Q.23.

use super::{Generator, Segment};

/// Frequencies of the rows, hertz.
pub const ROWS_HZ: [u16; 4] = [697, 770, 852, 941];
/// Frequencies of the columns, hertz.
pub const COLUMNS_HZ: [u16; 4] = [1209, 1336, 1477, 1633];
/// The keys, row by row.
pub const KEYS: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];

/// Levels of row and column: the higher sine loses more on its way (Q.23, and what most phones send), dBm0.
const LEVELS_DBM0: [f32; 2] = [-9.0, -7.0];
/// More keys are not played at once.
const MAX_DIGITS: usize = 128;

/// Plays keys one after the other, each so long and with such a pause behind it. What is no key is passed over; letters
/// may be of either case.
#[must_use]
pub fn digits(keys: &str, on_ms: u16, off_ms: u16, rate_hz: u32) -> Generator {
    let pairs = keys.chars().filter_map(pair).take(MAX_DIGITS);
    let segments: Vec<Segment> = pairs
        .flat_map(|(row, column)| {
            [
                Segment::two(row, column, on_ms.max(1)),
                Segment::silence(off_ms.max(1)),
            ]
        })
        .collect();
    Generator::new(&segments, LEVELS_DBM0, false, rate_hz)
}

/// The two frequencies of a key.
fn pair(key: char) -> Option<(u16, u16)> {
    let key = key.to_ascii_uppercase();
    KEYS.iter().zip(ROWS_HZ).find_map(|(keys, row)| {
        let mut columns = keys.iter().zip(COLUMNS_HZ);
        columns.find(|(k, _)| **k == key).map(|(_, column)| (row, column))
    })
}
