//! Somebody calls for help, and where he is.
//!
//! Owns: the nouns, and which location counts for a phone. Does not own: how a carrier is told (`pbx::pidf`).

use crate::{CallId, DeviceId, Network, TenantId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// An emergency call has begun: people on site are told, so that they can open doors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyCall {
    /// Whose.
    pub tenant: TenantId,
    /// Which call.
    pub call: CallId,
    /// The number as it is sent to the carrier.
    pub number: Box<str>,
    /// Extension or number of the caller.
    pub from: Box<str>,
    /// The caller's name.
    pub display: Box<str>,
    /// The phone, where it is one of the tenant.
    pub device: Option<DeviceId>,
    /// Where it speaks from.
    pub address: SocketAddr,
    /// The location of the phone by name, and in a line, where the tenant has written it down.
    pub location: Option<(Box<str>, Box<str>)>,
}

/// Where phones are: a civic address, a point on the map, and which phones that holds for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Site {
    /// The address by its elements, see [`Site::ELEMENTS`].
    pub civic: BTreeMap<String, String>,
    /// The point.
    pub point: Option<Point>,
    /// Its phones: usernames of devices, or extensions for all phones of a user.
    pub phones: Vec<String>,
    /// Networks whose phones are there. The narrowest that has a phone counts.
    pub networks: Vec<Network>,
}

impl Site {
    /// Elements of a civic address in the order of the schema (RFC 4119 §2.2.1, RFC 5139 §4.1): the name, and what it is for people.
    pub const ELEMENTS: [(&str, &str); 31] = [
        ("country", "country, two letters"),
        ("A1", "state, region, province"),
        ("A2", "county, district"),
        ("A3", "city"),
        ("A4", "city district"),
        ("A5", "neighbourhood"),
        ("A6", "group of streets"),
        ("PRM", "road pre-modifier"),
        ("PRD", "leading direction of the street"),
        ("RD", "street"),
        ("STS", "street suffix"),
        ("POD", "trailing direction of the street"),
        ("POM", "road post-modifier"),
        ("RDSEC", "road section"),
        ("RDBR", "road branch"),
        ("RDSUBBR", "road sub-branch"),
        ("HNO", "house number"),
        ("HNS", "house number suffix"),
        ("LMK", "landmark"),
        ("LOC", "further description"),
        ("FLR", "floor"),
        ("NAM", "name of resident or office"),
        ("PC", "postal code"),
        ("BLD", "building"),
        ("UNIT", "unit, apartment, suite"),
        ("ROOM", "room"),
        ("SEAT", "seat, desk"),
        ("PLC", "kind of place"),
        ("PCN", "postal community"),
        ("POBOX", "post office box"),
        ("ADDCODE", "additional code"),
    ];
    /// Locations of one tenant.
    pub const MOST: usize = 2_000;
    /// Octets of one element.
    pub const LONGEST: usize = 128;
    /// Octets of all elements of one address: what a carrier is told has to fit into a message.
    pub const LONGEST_CIVIC: usize = 1_000;
    /// Phones of one location, and networks.
    pub const MOST_PHONES: usize = 1_000;

    /// Whether it can be told.
    ///
    /// # Errors
    /// What is wrong, in words for the operator.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.civic.is_empty() && self.point.is_none() {
            return Err(
                "a location needs an address, such as country=de A3=Berlin RD=Unter_den_Linden HNO=1, or a point",
            );
        }
        for (name, text) in &self.civic {
            if !Self::ELEMENTS.iter().any(|(known, _)| known == name) {
                return Err(
                    "an address has the elements of RFC 5139, such as country, A3, RD, HNO, PC, FLR, ROOM",
                );
            }
            if text.is_empty() || text.len() > Self::LONGEST || text.chars().any(char::is_control) {
                return Err("an element of an address has 1 to 128 octets and no control characters");
            }
        }
        let country = self.civic.get("country").map(String::as_str);
        let is_code = |code: &str| code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphabetic());
        if !self.civic.is_empty() && !country.is_some_and(is_code) {
            return Err("an address needs its country, by two letters (ISO 3166-1)");
        }
        if self.civic.values().map(String::len).sum::<usize>() > Self::LONGEST_CIVIC {
            return Err("an address has at most 1000 octets");
        }
        if self.phones.len() > Self::MOST_PHONES || self.networks.len() > Self::MOST_PHONES {
            return Err("a location has at most 1000 phones and 1000 networks");
        }
        Ok(())
    }

    /// In a line, for people.
    #[must_use]
    pub fn text(&self) -> String {
        let element = |name: &str| self.civic.get(name).map(String::as_str);
        let join = |names: &[&str]| {
            let words: Vec<&str> = names.iter().filter_map(|name| element(name)).collect();
            words.join(" ")
        };
        let named = |what: &str, name: &str| element(name).map(|text| format!("{what} {text}"));
        let country = element("country").map(str::to_ascii_uppercase);
        let parts = [
            element("NAM").map(str::to_owned),
            Some(join(&["PRM", "PRD", "RD", "STS", "POD", "POM", "HNO", "HNS"])),
            named("building", "BLD"),
            named("unit", "UNIT"),
            named("floor", "FLR"),
            named("room", "ROOM"),
            named("seat", "SEAT"),
            element("LMK").map(str::to_owned),
            element("LOC").map(str::to_owned),
            Some(join(&["PC", "A3"])),
            Some(join(&["A4", "A5", "A6", "A2"])),
            element("A1").map(str::to_owned),
            country,
            self.point.map(|point| point.to_string()),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .collect();
        parts.join(", ")
    }
}

/// A point on the map (WGS 84), in units of 10⁻⁶ degrees, and how far off it may be. As text `52.516275,13.377704` or
/// `52.516275,13.377704,30`, metres behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Point {
    latitude: i32,
    longitude: i32,
    radius_m: u16,
}

impl Point {
    /// Degrees to six places.
    #[must_use]
    pub fn degrees(&self) -> (String, String) {
        (degrees(self.latitude), degrees(self.longitude))
    }

    /// How far off it may be, metres; 0 = not known.
    #[must_use]
    pub fn radius_m(&self) -> u16 {
        self.radius_m
    }
}

const MICRO: i32 = 1_000_000;

fn degrees(micro: i32) -> String {
    let sign = if micro < 0 { "-" } else { "" };
    let micro = micro.unsigned_abs();
    let (whole, rest) = (micro / MICRO.unsigned_abs(), micro % MICRO.unsigned_abs());
    format!("{sign}{whole}.{rest:06}")
}

/// `-12.3456` in units of 10⁻⁶, at most `most` whole ones from zero.
fn micro(text: &str, most: i32) -> Option<i32> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || rest.len() > 6 || !is_digits(whole) || !is_digits(rest) {
        return None;
    }
    let rest: i32 = format!("{rest:0<6}").parse().ok()?;
    let value = whole.parse::<i32>().ok()?.checked_mul(MICRO)?.checked_add(rest)?;
    (value <= most.checked_mul(MICRO)?).then_some(sign * value)
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (latitude, longitude) = self.degrees();
        write!(f, "{latitude},{longitude}")?;
        match self.radius_m {
            0 => Ok(()),
            radius => write!(f, ",{radius}"),
        }
    }
}

impl TryFrom<String> for Point {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Point, &'static str> {
        const ERROR: &str = "a point is LATITUDE,LONGITUDE in degrees, metres of radius behind it or not, such as 52.516275,13.377704,30";
        let mut parts = text.split(',').map(str::trim);
        let mut next = |most| micro(parts.next()?, most);
        let at = next(90).zip(next(180));
        let radius_m = parts.next().map_or(Some(0), |text| text.parse().ok());
        match (at, radius_m, parts.next()) {
            (Some((latitude, longitude)), Some(radius_m), None) => Ok(Point {
                latitude,
                longitude,
                radius_m,
            }),
            _ => Err(ERROR),
        }
    }
}

impl From<Point> for String {
    fn from(point: Point) -> String {
        point.to_string()
    }
}

/// How a carrier is told whom a call for help is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkSos {
    /// By the number.
    #[default]
    Number,
    /// By the service URN (RFC 5031), such as `urn:service:sos.police`.
    Urn,
}

/// Whether a carrier is told where somebody is who calls for help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkLocation {
    /// No: it knows by the number that calls.
    #[default]
    None,
    /// By a document beside the description (RFC 4119, RFC 6442).
    Pidf,
}

/// Which phone it is whose location is asked for.
#[derive(Clone, Copy, Debug)]
pub struct WhichPhone<'a> {
    /// Username of its device.
    pub username: Option<&'a str>,
    /// Extension of its user.
    pub extension: Option<&'a str>,
    /// Where it speaks from.
    pub address: Option<IpAddr>,
}

/// Where a phone is: by its device, else by its user, else by its network, else where all others are.
#[must_use]
pub fn located<'a>(
    sites: &'a BTreeMap<String, Site>,
    usual: &str,
    phone: &WhichPhone<'_>,
) -> Option<(&'a str, &'a Site)> {
    let named = |name: Option<&str>| {
        let name = name?;
        let has = |site: &Site| site.phones.iter().any(|phone| phone.eq_ignore_ascii_case(name));
        sites.iter().find(|(_, site)| has(site))
    };
    let by_network = || {
        let address = phone.address?;
        let fits = |site: &Site| {
            let fitting = site.networks.iter().filter(|network| network.contains(address));
            fitting.map(Network::bits).max()
        };
        let found = sites
            .iter()
            .filter_map(|(name, site)| Some((fits(site)?, (name, site))));
        // Of two that are equally narrow the first by name.
        let best = found.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map(|(_, found)| found)
    };
    named(phone.username)
        .or_else(|| named(phone.extension))
        .or_else(by_network)
        .or_else(|| sites.get_key_value(usual))
        .map(|(name, site)| (name.as_str(), site))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(text: &str) -> Result<Point, &'static str> {
        Point::try_from(text.to_owned())
    }

    fn site(civic: &[(&str, &str)]) -> Site {
        Site {
            civic: civic
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            ..Site::default()
        }
    }

    #[test]
    fn a_point_is_two_numbers_of_degrees() {
        for (text, shown) in [
            ("52.516275,13.377704", "52.516275,13.377704"),
            ("-33.9, 18.42,30", "-33.900000,18.420000,30"),
            ("-0.000001,-180", "-0.000001,-180.000000"),
            ("90,180,65535", "90.000000,180.000000,65535"),
        ] {
            assert_eq!(point(text).unwrap().to_string(), shown);
            assert_eq!(point(shown).unwrap(), point(text).unwrap());
        }
        for bad in [
            "",
            "1",
            "1,",
            "91,0",
            "0,181",
            "90.000001,0",
            "1,2,3,4",
            "1,2,-3",
            "1,2,65536",
            "+1,2",
            "1e1,2",
            "1.1234567,2",
            "1;2",
            "--1,2",
        ] {
            assert!(point(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_can_not_be_told_is_refused() {
        let good = [("country", "de"), ("A3", "Berlin")];
        assert_eq!(site(&good).check(), Ok(()));
        let place = Site {
            point: Some(point("1,2").unwrap()),
            ..Site::default()
        };
        assert_eq!(place.check(), Ok(()));
        let long = "x".repeat(129);
        for bad in [
            &[][..],
            &[("A3", "Berlin")],
            &[("country", "deu")],
            &[("country", "de"), ("a3", "Berlin")],
            &[("country", "de"), ("A3", "")],
            &[("country", "de"), ("A3", "a\nb")],
            &[("country", "de"), ("A3", &long)],
        ] {
            assert!(site(bad).check().is_err(), "{bad:?}");
        }
        let most = "x".repeat(128);
        let all = Site::ELEMENTS.map(|(name, _)| (name, if name == "country" { "de" } else { &most }));
        assert!(site(&all).check().is_err());
    }

    #[test]
    fn a_line_for_people_reads_like_an_address() {
        let mut office = site(&[
            ("country", "de"),
            ("A3", "Berlin"),
            ("PC", "10117"),
            ("RD", "Unter den Linden"),
            ("HNO", "1"),
            ("FLR", "3"),
            ("ROOM", "3.14"),
        ]);
        office.point = Some(point("52.5,13.4").unwrap());
        assert_eq!(
            office.text(),
            "Unter den Linden 1, floor 3, room 3.14, 10117 Berlin, DE, 52.500000,13.400000"
        );
    }

    #[test]
    fn the_device_counts_before_its_user_and_that_before_the_network() {
        let with = |phones: &[&str], networks: &[&str]| Site {
            phones: phones.iter().map(|p| (*p).to_owned()).collect(),
            networks: networks.iter().map(|n| Network::parse(n).unwrap()).collect(),
            ..Site::default()
        };
        let sites: BTreeMap<String, Site> = [
            ("hall", with(&["101-door"], &[])),
            ("lab", with(&["101"], &["10.1.2.0/24"])),
            ("tower", with(&[], &["10.1.0.0/16"])),
            ("usual", with(&[], &[])),
        ]
        .map(|(name, site)| (name.to_owned(), site))
        .into();
        let at = |username, extension, address: &str| {
            let phone = WhichPhone {
                username,
                extension,
                address: address.parse().ok(),
            };
            located(&sites, "usual", &phone).map(|(name, _)| name)
        };
        assert_eq!(at(Some("101-Door"), Some("101"), "10.1.2.3"), Some("hall"));
        assert_eq!(at(Some("101"), Some("101"), "10.1.3.3"), Some("lab"));
        assert_eq!(at(Some("x"), Some("102"), "10.1.2.3"), Some("lab"));
        assert_eq!(at(Some("x"), Some("102"), "::ffff:10.1.9.3"), Some("tower"));
        assert_eq!(at(None, None, "192.0.2.1"), Some("usual"));
        let nobody = WhichPhone {
            username: None,
            extension: None,
            address: None,
        };
        assert!(located(&sites, "", &nobody).is_none());
    }
}
