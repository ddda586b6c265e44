//! What a telephone number is: its international form, what people and trunks write instead of it, where it leads and which numbers
//! are for emergencies.
//!
//! Owns: [`E164`], numbering plans ([`Plan`]), the forms in which trunks want and send numbers ([`Format`]), [`emergency`] numbers,
//! and the kind of destination that a number is ([`class`]). Does not own: extensions, codes and who may call what. A text from
//! outside is at most [`MAX_OCTETS`] long, or it is no number.
//!
//! # The order of questions
//!
//! Whoever routes a dialled text asks [`emergency`] first, before extensions and codes: a user who is called 112 must not stand in
//! front of the fire brigade. Then come the tenant's own numbers and codes, then [`Plan::read`], then [`class`].
//!
//! # The library
//!
//! Numbering plans are those of Google's libphonenumber, by way of the crate `rlibphonenumber` 2.2 with its feature `lite`. Measured in
//! November 2026 on the two-core machine that our benches run on, over one fixed line and one mobile of each country (489 numbers),
//! parse and kind together:
//!
//! | | rlibphonenumber, `lite` | rlibphonenumber, `regex` | phonenumber 0.3.10 |
//! | --- | --- | --- | --- |
//! | right country and a known kind | 489 | 489 | 470 (Italian fixed lines are among the others) |
//! | µs a number, tables warm | 29 | 3.3 | 2,000: a cache of 100 patterns, behind one lock |
//! | µs a number, the first time | 130 | 1,160 | 2,000 |
//! | memory then | 13 MB | 142 MB | 24 MB |
//! | first use | 18 ms | 18 ms | 152 ms |
//! | size of a release | 0.6 MB | 2.3 MB | 3.3 MB |
//! | crates new to our lock file | 43 | 42 | 15 |
//! | build in release, from nothing | 2 min | 2 min | 1 min 20 s |
//!
//! With it, [`Plan::read`] takes 9 to 13 µs for most numbers, 100 µs at worst (a number of North America that is in no range, for which
//! 25 countries are asked), and not a millisecond the first time; [`class`] 13 to 65 µs, [`emergency`] 0.4 µs.
//!
//! It is the faithful port: it has libphonenumber's own tests and is fuzzed beside the C++ original. What speaks against it is the number
//! of crates, more than the 40 that we meant to bear: ten of ours to link (`prost`, `dashmap`, `strum` and small ones), the others work
//! only while it is built, for it makes code from two protocol files. That needs neither `protoc` nor the network (feature `protox`).
//! The other crate forgets the leading zeros that belong to Italian numbers when it looks for their kind, and whoever sends numbers
//! of many countries makes it compile patterns all day. `lite` is slower by the microseconds that one call has time for; its memory is
//! bounded, its patterns need no unsafe code, and their time grows with the length of the text, which [`MAX_OCTETS`] bounds.
#![forbid(unsafe_code)]

mod class;
mod country;
mod e164;
mod emergency;
mod format;
mod library;
mod plan;
mod text;

pub use class::{class, region};
pub use country::Country;
pub use e164::{E164, NotE164};
pub use emergency::{EmergencyNumber, Service, emergency, emergency_numbers, number_of};
pub use format::{Format, Style};
pub use plan::{Plan, PlanFault};
pub use text::MAX_OCTETS;
