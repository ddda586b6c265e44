//! `[dns]`: how peers of trunks are found.

use super::reader::{Reader, Section};
use node::{Dns, Families};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// More are no use: whoever has not reached three within the time has no network.
const SERVERS: usize = 3;
const PORT: u16 = 53;

/// Reads the section.
pub(super) fn read<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> Dns {
    let mut section = reader.section(top, "dns");
    let defaults = Dns::default();
    let such_as = "[\"192.0.2.53\", \"[2001:db8::53]:5353\"]";
    let mut servers = Vec::new();
    for (at, text) in reader.list(&mut section, "servers", such_as).unwrap_or_default() {
        match server(text) {
            Some(_) if servers.len() >= SERVERS => {
                reader.problem(at, format!("`servers` has at most {SERVERS}; keep the nearest"));
            }
            Some(server) => servers.push(server),
            None => {
                let remedy = "write an address, with a port where it is not 53, such as";
                reader.problem(at, format!("{text:?} is no DNS server; {remedy} {such_as}"));
            }
        }
    }
    let such_as = "[\"ipv4\", \"ipv6\"]";
    let families = reader.list(&mut section, "families", such_as);
    let families = families.map_or(defaults.families, |texts| {
        let words: Vec<&str> = texts.iter().map(|(_, text)| *text).collect();
        families_of(&words).unwrap_or_else(|| {
            let at = texts.first().map_or(section.start(), |(at, _)| *at);
            let what = format!(
                "`families` has ipv4, ipv6 or both, the one first that is tried first, such as {such_as}"
            );
            reader.problem(at, what);
            defaults.families
        })
    });
    let timeout = reader.number(&mut section, "timeout_s", 1..=30);
    reader.done(&section);
    Dns {
        servers,
        families,
        timeout: timeout.map_or(defaults.timeout, Duration::from_secs),
    }
}

fn server(text: &str) -> Option<SocketAddr> {
    let alone = text.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, PORT));
    let server = alone.or_else(|| text.parse().ok())?;
    let is_one = !server.ip().is_unspecified() && !server.ip().is_multicast() && server.port() != 0;
    is_one.then_some(server)
}

fn families_of(words: &[&str]) -> Option<Families> {
    match words {
        ["ipv4", "ipv6"] => Some(Families::V4First),
        ["ipv6", "ipv4"] => Some(Families::V6First),
        ["ipv4"] => Some(Families::V4Only),
        ["ipv6"] => Some(Families::V6Only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn read(text: &str) -> (Dns, Vec<String>) {
        let (config, problems) = config::read(&format!("[dns]\n{text}\n"));
        let problems = problems.iter().map(|problem| problem.what.clone());
        (config.settings.dns, problems.collect())
    }

    #[test]
    fn servers_families_and_a_time_are_read() {
        let (dns, problems) = read(
            "servers = [\"192.0.2.53\", \"2001:db8::53\", \"[::1]:5353\"]\nfamilies = [\"ipv6\", \"ipv4\"]\ntimeout_s = 2",
        );
        assert_eq!(problems, [""; 0]);
        let servers: Vec<String> = dns.servers.iter().map(SocketAddr::to_string).collect();
        assert_eq!(servers, ["192.0.2.53:53", "[2001:db8::53]:53", "[::1]:5353"]);
        assert_eq!(
            (dns.families, dns.timeout),
            (Families::V6First, Duration::from_secs(2))
        );
        assert_eq!(read("families = [\"ipv4\"]").0.families, Families::V4Only);
        assert_eq!(read("families = [\"ipv6\"]").0.families, Families::V6Only);
        assert_eq!(read(""), (Dns::default(), Vec::new()));
    }

    #[test]
    fn what_can_not_be_asked_is_named() {
        for (text, told) in [
            ("servers = [\"ns.example.com\"]", "is no DNS server"),
            ("servers = [\"0.0.0.0\"]", "is no DNS server"),
            ("servers = [\"192.0.2.1:0\"]", "is no DNS server"),
            ("servers = [\"::1\", \"::2\", \"::3\", \"::4\"]", "at most 3"),
            ("servers = \"192.0.2.1\"", "is a list"),
            ("families = []", "ipv4, ipv6 or both"),
            ("families = [\"ipv4\", \"ipv4\"]", "ipv4, ipv6 or both"),
            ("families = [\"inet\"]", "ipv4, ipv6 or both"),
            ("timeout_s = 0", "1 to 30"),
            ("search = []", "[dns] has no key"),
        ] {
            let (_, problems) = read(text);
            assert!(
                problems.iter().any(|problem| problem.contains(told)),
                "{text}: {problems:?}"
            );
        }
    }
}
