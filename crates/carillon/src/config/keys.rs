//! Every key of the file, its default and its range.

use super::Config;
use super::reader::{Problem, Reader, Section, numbers, path};
use model::{Limits, Transport};
use node::{Listen, Settings, TlsFiles};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use toml::de::DeTable;

/// More would not help: a worker thread is a core.
const THREADS: std::ops::RangeInclusive<u64> = 0..=256;
/// Ports below take a privilege that a media relay should not have.
const RTP_PORTS: std::ops::RangeInclusive<u64> = 1024..=65_535;

/// Reads everything.
pub(super) fn read(text: &str) -> (Config, Vec<Problem>) {
    let mut reader = Reader::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        reader.problem(at, format!("this is no TOML: {}", error.message()));
    }
    let mut top = Section::top(table.get_ref());
    let config = config(&mut reader, &mut top);
    reader.done(&top);
    drop(top);
    let problems = reader.finish();
    (config, problems)
}

fn config<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> Config {
    let defaults = Settings::default();
    let data_dir = path(reader, top, "data_dir", "\"/var/lib/carillon\"");
    let log = log(reader, top);
    let log_json = log_format(reader, top);
    let workers = size(reader.number(top, "workers", THREADS), defaults.workers);
    let grace_s = reader
        .number(top, "grace_s", 0..=3_600)
        .unwrap_or(defaults.grace_s);
    let server_name = server_name(reader, top).unwrap_or(defaults.server_name);
    let mut media = reader.section(top, "media");
    let media_workers = size(
        reader.number(&mut media, "workers", THREADS),
        defaults.media_workers,
    );
    let rtp_ports = ports(reader, &mut media, &defaults.rtp_ports);
    let recording_reserve_mb = reader
        .number(&mut media, "recording_reserve_mb", 0..=1_000_000_000)
        .unwrap_or(defaults.recording_reserve_mb);
    let fork_private = reader
        .flag(&mut media, "fork_private")
        .unwrap_or(defaults.fork_private);
    let fork_ca = path(reader, &mut media, "fork_ca", "\"/etc/carillon/fork-ca.pem\"");
    reader.done(&media);
    let listen = listen(reader, top);
    let origins = origins(reader, top);
    let (tls, trunk_ca) = tls(reader, top);
    let stir = super::stir::read(reader, top);
    let dns = super::dns::read(reader, top);
    let border = super::border::read(reader, top);
    let limits = limits(reader, top);
    let metrics = super::observe::metrics(reader, top);
    let traces = super::observe::traces(reader, top);
    let hep = super::observe::hep(reader, top, &traces);
    let speech = super::speech::read(reader, top);
    let settings = Settings {
        data_dir: PathBuf::new(),
        workers,
        media_workers,
        listen,
        origins,
        stir,
        tls,
        trunk_ca,
        rtp_ports,
        recording_reserve_mb,
        fork_private,
        fork_ca,
        dns,
        border,
        limits,
        traces,
        hep,
        metrics,
        grace_s,
        server_name,
        // A webhook comes with the interface to applications.
        wake: None,
    };
    Config {
        data_dir,
        log,
        log_json,
        settings,
        speech,
    }
}

fn size(given: Option<u64>, default: usize) -> usize {
    given.and_then(|n| usize::try_from(n).ok()).unwrap_or(default)
}

fn log<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> String {
    let Some((at, text)) = reader.text(top, "log", "\"info\"") else {
        return "info".to_owned();
    };
    if let Err(error) = crate::logging::check(text) {
        reader.problem(at, error.to_string());
    }
    text.to_owned()
}

fn log_format<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> bool {
    let such_as = "\"text\"";
    match reader.text(top, "log_format", such_as) {
        None | Some((_, "text")) => false,
        Some((_, "json")) => true,
        Some((at, other)) => {
            reader.problem(at, format!("`log_format` is text or json; {other:?} is neither"));
            false
        }
    }
}

/// It stands in a header, so it may only have what a header may (RFC 3261 §20.35).
fn server_name<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> Option<String> {
    let (at, text) = reader.text(top, "server_name", "\"Carillon\"")?;
    let fits =
        !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    if !fits {
        reader.problem(
            at,
            "`server_name` has 1 to 64 printable ASCII characters; shorten it",
        );
    }
    fits.then(|| text.to_owned())
}

fn ports<'t>(
    reader: &mut Reader<'t>,
    media: &mut Section<'t>,
    default: &std::ops::RangeInclusive<u16>,
) -> std::ops::RangeInclusive<u16> {
    let port =
        |given: Option<u64>, default: u16| given.and_then(|n| u16::try_from(n).ok()).unwrap_or(default);
    let first = port(reader.number(media, "first_port", RTP_PORTS), *default.start());
    let last = port(reader.number(media, "last_port", RTP_PORTS), *default.end());
    if usize::from(first) + 3 > usize::from(last) {
        let at = media.start();
        let what =
            format!("media ports {first} to {last} cannot carry a call; a call takes 4, so raise last_port");
        reader.problem(at, what);
    }
    first..=last
}

fn listen<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> Vec<Listen> {
    let mut section = reader.section(top, "listen");
    let advertise = advertise(reader, &mut section);
    let mut all = Vec::new();
    for (key, transport, port) in [
        ("udp", Transport::Udp, 5060),
        ("tcp", Transport::Tcp, 5060),
        ("tls", Transport::Tls, 5061),
        ("ws", Transport::Ws, 7080),
        ("wss", Transport::Wss, 7443),
    ] {
        let such_as = format!("[\"0.0.0.0:{port}\"]");
        let addresses = match reader.list(&mut section, key, &such_as) {
            Some(texts) => texts
                .into_iter()
                .filter_map(|(at, text)| address(reader, at, text, port))
                .collect(),
            // Passwords and tokens would cross the network in the clear: for a proxy on this machine that ends TLS.
            None if transport == Transport::Ws => vec![SocketAddr::from(([127, 0, 0, 1], port))],
            None => everywhere(port),
        };
        all.extend(addresses.into_iter().map(|address| Listen {
            transport,
            address,
            advertise: advertise.filter(|ip| ip.is_ipv4() == address.is_ipv4()),
        }));
    }
    twice(reader, &section, &all);
    reader.done(&section);
    if all.is_empty() {
        reader.problem(
            section.start(),
            "nothing listens; give `udp`, `tcp`, `tls`, `ws` or `wss` an address such as \"0.0.0.0:5060\"",
        );
    }
    all
}

/// Two entries can't share an address: the second would fail to bind.
fn twice<'t>(reader: &mut Reader<'t>, section: &Section<'t>, all: &[Listen]) {
    let same = |a: &Listen, b: &Listen| {
        a.address == b.address
            && a.address.port() != 0
            && (a.transport == Transport::Udp) == (b.transport == Transport::Udp)
    };
    for (index, entry) in all.iter().enumerate() {
        if all.iter().take(index).any(|earlier| same(earlier, entry)) {
            let (transport, address) = (entry.transport, entry.address);
            reader.problem(
                section.start(),
                format!("{transport} {address} is listed twice; give it another port"),
            );
        }
    }
}

fn address(reader: &mut Reader<'_>, at: usize, text: &str, port: u16) -> Option<SocketAddr> {
    let parsed = text.parse().ok();
    if parsed.is_none() {
        let remedy = format!("write address and port, such as \"0.0.0.0:{port}\" or \"[::]:{port}\"");
        reader.problem(at, format!("{text:?} is no address to listen on; {remedy}"));
    }
    parsed
}

fn advertise<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>) -> Option<IpAddr> {
    let (at, text) = reader.text(section, "advertise", "\"203.0.113.7\"")?;
    let parsed: Option<IpAddr> = text.parse().ok().filter(|ip: &IpAddr| !ip.is_unspecified());
    if parsed.is_none() {
        let what =
            "is no address that a peer can reach; write the router's public address, such as \"203.0.113.7\"";
        reader.problem(at, format!("{text:?} {what}"));
    }
    parsed
}

/// Every address of the machine, in the families that it has.
fn everywhere(port: u16) -> Vec<SocketAddr> {
    let mut all = vec![SocketAddr::from(([0, 0, 0, 0], port))];
    let ipv6 = std::fs::read_to_string("/proc/net/if_inet6").is_ok_and(|interfaces| !interfaces.is_empty());
    if ipv6 {
        all.push(SocketAddr::from(([0_u16; 8], port)));
    }
    all
}

/// What browsers write into `Origin`: scheme, host and, where it is not the scheme's own, port.
fn origins<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> Vec<String> {
    let mut section = reader.section(top, "websocket");
    let such_as = "[\"https://phone.example.com\"]";
    let mut all = Vec::new();
    for (at, text) in reader.list(&mut section, "origins", such_as).unwrap_or_default() {
        let host = text.split_once("://").map_or("", |(_, host)| host);
        if host.is_empty() || !host.bytes().all(|b| b.is_ascii_graphic() && b != b'/') {
            let what =
                "is no origin; write scheme and host without a path, such as \"https://phone.example.com\"";
            reader.problem(at, format!("{text:?} {what}"));
        } else {
            all.push(text.to_owned());
        }
    }
    reader.done(&section);
    all
}

/// Our certificate, and the file with issuers of carriers' ones.
fn tls<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> (Option<TlsFiles>, Option<PathBuf>) {
    let mut section = reader.section(top, "tls");
    let cert = path(
        reader,
        &mut section,
        "certificate",
        "\"/etc/carillon/fullchain.pem\"",
    );
    let key = path(reader, &mut section, "key", "\"/etc/carillon/privkey.pem\"");
    let trunk_ca = path(reader, &mut section, "trunk_ca", "\"/etc/carillon/trunk-ca.pem\"");
    reader.done(&section);
    let files = match (cert, key) {
        (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
        (None, None) => None,
        _ => {
            let what =
                "[tls] needs both `certificate` and `key`; give the other, or neither for a self-signed one";
            reader.problem(section.start(), what);
            None
        }
    };
    (files, trunk_ca)
}

fn limits<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> Limits {
    let mut section = reader.section(top, "limits");
    let mut limits = Limits::default();
    numbers! { reader, &mut section => limits;
        message_bytes in 1_300..=1_048_576,
        datagram_request_bytes in 400..=65_535,
        transactions_per_tenant in 16..=16_777_216,
        requests_per_user in 64..=16_777_216,
        fork_targets in 1..=256,
        connections_per_worker in 1..=1_000_000,
        connections_per_source in 1..=1_000_000,
        connections_per_prefix in 1..=1_000_000,
        partial_bytes_per_worker in 1_048_576..=1_099_511_627_776,
        connection_backlog_bytes in 16_384..=67_108_864,
        connection_stall_s in 1..=600,
        connection_idle_s in 10..=86_400,
    }
    reader.done(&section);
    limits
}
