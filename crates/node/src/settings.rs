//! What a node is told at start.

use anyhow::{Result, bail};
use border::{CountryRules, Nets};
use model::{Limits, Transport};
use sip::locate::Families;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use trace::Room;

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// The transport.
    pub transport: Transport,
    /// Where. A wildcard (`0.0.0.0`, `[::]`) means every address of that family that the machine has
    /// at start; port 0 lets the kernel choose.
    pub address: SocketAddr,
    /// The address that peers see when a router in between translates it; it stands in Via, Contact
    /// and SDP instead of the socket's own.
    pub advertise: Option<IpAddr>,
}

/// A certificate chain and its key, PEM. Both are read again when either changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain, the server's own first.
    pub cert: PathBuf,
    /// Private key: PKCS #8, PKCS #1 or SEC1.
    pub key: PathBuf,
}

/// What calls are signed by (RFC 8226).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StirKey {
    /// Private key of the curve P-256, PEM: PKCS #8 or SEC1.
    pub key: PathBuf,
    /// Where its certificate lies for all to fetch.
    pub url: String,
}

/// Who vouches for callers: we for ours, others for theirs (STIR/SHAKEN).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stir {
    /// What calls to carriers are signed by; `None` = they are not.
    pub key: Option<StirKey>,
    /// PEM files with the authorities that those have to be certified by who vouch for callers; without any, calls are not verified.
    pub authorities: Vec<PathBuf>,
    /// Certificates may lie at private, loopback and link-local addresses and at any port: off, they are fetched from the open Internet alone.
    pub fetch_private: bool,
    /// PEM file with roots that the servers of such certificates may be certified by besides those of the machine.
    pub fetch_ca: Option<PathBuf>,
}

/// How the DNS is asked where a peer of a trunk is (RFC 3263).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// Recursive servers, the first one asked first; empty = those of `/etc/resolv.conf`, read for each look-up.
    pub servers: Vec<SocketAddr>,
    /// Which families of addresses are used, and which is tried first.
    pub families: Families,
    /// How long one look-up may take, all its questions together.
    pub timeout: Duration,
}

impl Default for Dns {
    fn default() -> Dns {
        Dns {
            servers: Vec::new(),
            families: Families::default(),
            timeout: Duration::from_secs(5),
        }
    }
}

/// What holds strangers off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Border {
    /// Off, everybody may send anything.
    pub enabled: bool,
    /// The measures.
    pub rules: border::Rules,
    /// Addresses of which nothing is asked. This machine, unless told otherwise: a proxy on it speaks for many.
    pub allow: Nets,
    /// Addresses that are kept out.
    pub deny: Nets,
    /// Countries that are kept out, or let in.
    pub countries: CountryRules,
    /// Which address is in which country, see [`border::blocked`]; read at the start.
    pub countries_file: Option<PathBuf>,
}

impl Default for Border {
    fn default() -> Border {
        Border {
            enabled: true,
            rules: border::Rules::default(),
            allow: Nets::parse(["127.0.0.0/8", "::1"]).unwrap_or_default(),
            deny: Nets::default(),
            countries: CountryRules::default(),
            countries_file: None,
        }
    }
}

/// What of calls is kept to be looked at (`trace`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traces {
    /// How long a message is kept; zero = not at all.
    pub keep: Duration,
    /// Megabytes (10^6 octets) of all messages together, over all workers; 0 = none is kept.
    pub max_mb: u64,
    /// Credentials, keys, texts and digits are shown as well to who asks for them.
    pub full: bool,
}

impl Default for Traces {
    fn default() -> Traces {
        Traces {
            keep: Duration::from_secs(86_400),
            max_mb: 4,
            full: false,
        }
    }
}

impl Traces {
    /// What each of so many workers has.
    pub(crate) fn room(&self, workers: usize) -> Room {
        let all = usize::try_from(self.max_mb.saturating_mul(1_000_000)).unwrap_or(usize::MAX);
        Room {
            octets: if self.keep.is_zero() {
                0
            } else {
                all / workers.max(1)
            },
            time: self.keep,
        }
    }
}

/// A collector that gets the messages of calls (HEPv3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hep {
    /// Name or address, and port.
    pub collector: String,
    /// What the collector knows this server by.
    pub capture_id: u32,
    /// File whose first line is the key that the collector asks for.
    pub key_file: Option<PathBuf>,
    /// Credentials, keys, texts and digits are sent as well.
    pub full: bool,
}

/// Everything that a node must know before it starts. Configuration of tenants comes from the store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where journals and the self-signed certificate live.
    pub data_dir: PathBuf,
    /// Session worker threads; 0 = half the cores.
    pub workers: usize,
    /// Media worker threads; 0 = half the cores.
    pub media_workers: usize,
    /// SIP addresses.
    pub listen: Vec<Listen>,
    /// Web pages that may open a WebSocket, as a browser names their origin (`https://phone.example.com`); empty = all.
    /// Nothing rides on a browser's cookies here, so a foreign page gains nothing but a connection.
    pub origins: Vec<String>,
    /// Who vouches for callers.
    pub stir: Stir,
    /// Own certificate; without one a self-signed certificate is made in the data directory.
    pub tls: Option<TlsFiles>,
    /// PEM file with issuers of carriers' certificates, trusted besides those of the machine.
    pub trunk_ca: Option<PathBuf>,
    /// Ports for RTP and RTCP; pairs start at even numbers.
    pub rtp_ports: RangeInclusive<u16>,
    /// Megabytes (10^6 octets) of the disk that recordings leave free: below it none begins, below half of it those that run end.
    pub recording_reserve_mb: u64,
    /// Forks of calls' sound may go to private, loopback and link-local addresses: off, they only reach the open Internet.
    pub fork_private: bool,
    /// PEM file with roots that forks trust besides those of the machine.
    pub fork_ca: Option<PathBuf>,
    /// How peers of trunks are found.
    pub dns: Dns,
    /// Who may send at all.
    pub border: Border,
    /// Caps.
    pub limits: Limits,
    /// What of calls is kept to be looked at.
    pub traces: Traces,
    /// Who else gets it; it takes [`Traces::max_mb`] to know what belongs to calls.
    pub hep: Option<Hep>,
    /// Where figures are given to who asks by HTTP; `None` = nowhere.
    pub metrics: Option<SocketAddr>,
    /// Seconds that [`crate::Node::shutdown`] waits for calls to end by themselves.
    pub grace_s: u64,
    /// Value of the Server header.
    pub server_name: String,
    /// Who tells push services that a phone is to be woken. Called on a session worker: it must not wait.
    pub wake: Option<WakeHook>,
}

/// Takes wakes off a worker's hands.
#[derive(Clone)]
pub struct WakeHook(pub Arc<dyn Fn(&model::Wake) + Send + Sync>);

impl fmt::Debug for WakeHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WakeHook(…)")
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            data_dir: PathBuf::from("carillon-data"),
            workers: 0,
            media_workers: 0,
            listen: Vec::new(),
            origins: Vec::new(),
            stir: Stir::default(),
            tls: None,
            trunk_ca: None,
            rtp_ports: 16_384..=32_767,
            recording_reserve_mb: 500,
            fork_private: false,
            fork_ca: None,
            dns: Dns::default(),
            border: Border::default(),
            limits: Limits::default(),
            traces: Traces::default(),
            hep: None,
            metrics: None,
            grace_s: 30,
            server_name: "Carillon".to_owned(),
            wake: None,
        }
    }
}

/// Threads of one kind, at most: the worker index in a flow token is 16 bits, and more threads than
/// cores gain nothing.
const MAX_WORKERS: usize = 256;

/// Signalling and audio share the cores: half of them each unless told otherwise. A tenant lives on one
/// session worker, so every further worker hands more of its messages on, and each hand-over costs about as
/// much as answering a REGISTER.
fn threads(wanted: usize) -> usize {
    let half = || std::thread::available_parallelism().map_or(1, usize::from) / 2;
    if wanted == 0 { half() } else { wanted }.clamp(1, MAX_WORKERS)
}

impl Settings {
    /// Session workers, resolved.
    #[must_use]
    pub fn session_threads(&self) -> usize {
        threads(self.workers)
    }

    /// Media workers, resolved: never more than there are port pairs.
    #[must_use]
    pub fn media_threads(&self) -> usize {
        threads(self.media_workers).min(self.port_pairs().max(1))
    }

    /// Whole RTP/RTCP pairs (even port first) in the range.
    #[must_use]
    pub fn port_pairs(&self) -> usize {
        let first = usize::from(*self.rtp_ports.start()).next_multiple_of(2);
        let end = usize::from(*self.rtp_ports.end()) + 1;
        end.saturating_sub(first) / 2
    }

    /// Checks what can be checked without touching the machine.
    ///
    /// # Errors
    /// One line that names the setting and the remedy.
    pub fn check(&self) -> Result<()> {
        if self.listen.is_empty() {
            bail!("no listen address is configured; add one, such as udp 0.0.0.0:5060");
        }
        let (first, last) = (*self.rtp_ports.start(), *self.rtp_ports.end());
        if first < 1024 || self.port_pairs() < 2 {
            bail!(
                "RTP port range {first}-{last} cannot carry a call; give at least 4 ports from 1024 upwards, such as 16384-32767"
            );
        }
        if self.limits.message_bytes < 1300 {
            bail!(
                "limit message_bytes = {} is below what an ordinary INVITE needs; give at least 1300",
                self.limits.message_bytes
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_ports(rtp_ports: RangeInclusive<u16>) -> Settings {
        Settings {
            rtp_ports,
            listen: vec![Listen {
                transport: Transport::Udp,
                address: ([127, 0, 0, 1], 0).into(),
                advertise: None,
            }],
            ..Settings::default()
        }
    }

    #[test]
    fn pairs_start_at_even_ports_and_are_whole() {
        assert_eq!(with_ports(10_000..=10_003).port_pairs(), 2);
        assert_eq!(with_ports(10_001..=10_004).port_pairs(), 1);
        assert_eq!(with_ports(65_534..=65_535).port_pairs(), 1);
        #[expect(clippy::reversed_empty_ranges, reason = "the mistake under test")]
        let reversed = with_ports(20_000..=10_000);
        assert_eq!(reversed.port_pairs(), 0);
    }

    #[test]
    fn an_unusable_port_range_is_refused_with_a_remedy() {
        let error = with_ports(10_001..=10_004).check().unwrap_err().to_string();
        assert!(
            error.contains("10001-10004") && error.contains("16384-32767"),
            "{error}"
        );
        assert!(with_ports(10_000..=10_003).check().is_ok());
        assert!(Settings::default().check().is_err());
    }
}
