//! `[metrics]`, `[trace]` and `[hep]`: what the server shows of itself and of calls.

use super::reader::{Reader, Section};
use node::{Hep, Traces};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Where Prometheus itself listens by default; ours is on the loopback, so that both are seldom on one machine.
const METRICS_PORT: u16 = 9090;
/// Collectors listen there.
const HEP_PORT: u16 = 9060;
/// A week, and 100 GB.
const KEEP_S: std::ops::RangeInclusive<u64> = 0..=604_800;
const MAX_MB: std::ops::RangeInclusive<u64> = 0..=100_000;

/// Reads `[metrics]`.
pub(super) fn metrics<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> Option<SocketAddr> {
    let mut section = reader.section(top, "metrics");
    let such_as = "\"127.0.0.1:9090\"";
    let listen = reader.text(&mut section, "listen", such_as);
    reader.done(&section);
    let (at, text) = listen?;
    let place = place(text);
    if place.is_none() {
        let remedy = format!("write address and port, such as {such_as}, or leave it out");
        reader.problem(at, format!("{text:?} is no address to listen on; {remedy}"));
    }
    place
}

/// An address with or without port, or a port, which is on the loopback.
fn place(text: &str) -> Option<SocketAddr> {
    let alone = |text: &str| Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, METRICS_PORT));
    let port = |text: &str| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, text.parse::<u16>().ok()?)));
    text.parse().ok().or_else(|| alone(text)).or_else(|| port(text))
}

/// Reads `[trace]`.
pub(super) fn traces<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> Traces {
    let mut section = reader.section(top, "trace");
    let defaults = Traces::default();
    let keep = reader.number(&mut section, "keep_s", KEEP_S);
    let max_mb = reader.number(&mut section, "max_mb", MAX_MB);
    let full = reader.flag(&mut section, "full");
    reader.done(&section);
    Traces {
        keep: keep.map_or(defaults.keep, Duration::from_secs),
        max_mb: max_mb.unwrap_or(defaults.max_mb),
        full: full.unwrap_or(defaults.full),
    }
}

/// Reads `[hep]`.
pub(super) fn hep<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>, traces: &Traces) -> Option<Hep> {
    let mut section = reader.section(top, "hep");
    let such_as = "\"homer.example.com:9060\"";
    let collector = reader.text(&mut section, "collector", such_as);
    let capture_id = reader.number(&mut section, "capture_id", 0..=u64::from(u32::MAX));
    let key_file = reader.text(&mut section, "auth_key_file", "\"/etc/carillon/hep.key\"");
    let full = reader.flag(&mut section, "send_full");
    reader.done(&section);
    let (at, text) = collector?;
    let Some(collector) = collector_of(text) else {
        let what = format!("{text:?} is no collector; write name or address and port, such as {such_as}");
        reader.problem(at, what);
        return None;
    };
    if traces.max_mb == 0 || traces.keep.is_zero() {
        let what = "[hep] sends what [trace] knows of calls; give that `keep_s` and `max_mb` above 0";
        reader.problem(at, what);
    }
    Some(Hep {
        collector,
        capture_id: capture_id
            .and_then(|id| u32::try_from(id).ok())
            .unwrap_or(CAPTURE_ID),
        key_file: key_file.map(|(_, path)| PathBuf::from(path)),
        full: full.unwrap_or(false),
    })
}

const CAPTURE_ID: u32 = 1;

fn collector_of(text: &str) -> Option<String> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, HEP_PORT).to_string());
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().ok().filter(|port| *port != 0)?),
        None => (text, HEP_PORT),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let is_address = host.starts_with('[') && host.ends_with(']');
    let fits = !host.is_empty() && (is_address || host.chars().all(is_name));
    fits.then(|| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use crate::config;
    use node::Traces;
    use std::time::Duration;

    fn problems(text: &str) -> Vec<String> {
        let (_, problems) = config::read(text);
        problems.iter().map(|problem| problem.what.clone()).collect()
    }

    #[test]
    fn metrics_are_off_and_a_port_alone_is_on_the_loopback() {
        let listen = |text: &str| {
            let (config, problems) = config::read(text);
            assert_eq!(problems, [], "{text}");
            config.settings.metrics.map(|place| place.to_string())
        };
        assert_eq!(listen(""), None);
        assert_eq!(listen("[metrics]\n"), None);
        for (text, place) in [
            ("9100", "127.0.0.1:9100"),
            ("192.0.2.1", "192.0.2.1:9090"),
            ("[::1]:9091", "[::1]:9091"),
            ("0.0.0.0:9090", "0.0.0.0:9090"),
        ] {
            assert_eq!(
                listen(&format!("[metrics]\nlisten = {text:?}")).as_deref(),
                Some(place)
            );
        }
    }

    #[test]
    fn traces_and_their_collector_are_read() {
        let text = "[trace]\nkeep_s = 60\nmax_mb = 5\nfull = true\n[hep]\ncollector = \"homer.example\"\ncapture_id = 7\nauth_key_file = \"/k\"\nsend_full = true\n";
        let (config, problems) = config::read(text);
        assert_eq!(problems, []);
        let expected = Traces {
            keep: Duration::from_secs(60),
            max_mb: 5,
            full: true,
        };
        assert_eq!(config.settings.traces, expected);
        let hep = config.settings.hep.unwrap();
        assert_eq!(
            (hep.collector.as_str(), hep.capture_id),
            ("homer.example:9060", 7)
        );
        assert!(hep.full && hep.key_file.is_some());
    }

    #[test]
    fn what_can_not_be_is_named() {
        for (text, told) in [
            ("[metrics]\nlisten = \"somewhere\"", "no address to listen on"),
            ("[metrics]\nport = 1", "[metrics] has no key"),
            ("[trace]\nkeep_s = 604801", "0 to 604800"),
            ("[hep]\ncollector = \"a b\"", "is no collector"),
            ("[hep]\ncollector = \"a:0\"", "is no collector"),
            (
                "[hep]\ncollector = \"a:1\"\n[trace]\nmax_mb = 0",
                "give that `keep_s` and `max_mb`",
            ),
        ] {
            let problems = problems(text);
            assert!(problems.iter().any(|p| p.contains(told)), "{text}: {problems:?}");
        }
    }
}
