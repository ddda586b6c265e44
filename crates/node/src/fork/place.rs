//! Where a fork may go: addresses are looked up once, checked, and connected to as they were checked (a name that is looked up again
//! may have changed in between).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// The schemes of a WebSocket, open and over TLS.
pub(super) const WEBSOCKET: [&str; 2] = ["ws", "wss"];

/// The parts of a URL of a WebSocket, or of another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) is_secure: bool,
    /// A name or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// As the Host field names it.
    pub(crate) authority: String,
    pub(crate) path: String,
}

/// Octets of a URL.
const LONGEST: usize = 2_048;

impl Place {
    /// `None` for what is no URL of these schemes, an open one and one over TLS. Credentials in it are refused.
    pub(crate) fn parse(url: &str, [open, secure]: [&str; 2]) -> Option<Place> {
        let is_clean = url.len() <= LONGEST && url.bytes().all(|b| b.is_ascii_graphic());
        let (scheme, rest) = url.split_once("://").filter(|_| is_clean)?;
        let is_secure = scheme.eq_ignore_ascii_case(secure);
        if !is_secure && !scheme.eq_ignore_ascii_case(open) {
            return None;
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(at);
        if authority.is_empty() || authority.contains(['@', '\\']) {
            return None;
        }
        let usual = if is_secure { 443 } else { 80 };
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                host.parse::<Ipv6Addr>().ok()?;
                (host, port.strip_prefix(':'))
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        Some(Place {
            is_secure,
            host: host.to_owned(),
            port: port.map_or(Some(usual), |port| port.parse().ok())?,
            authority: authority.to_owned(),
            path: match path.starts_with('/') {
                true => path.to_owned(),
                false => format!("/{path}"),
            },
        })
    }

    /// Its addresses, as [`permitted`] gives them.
    pub(super) fn resolve(&self, allow_private: bool) -> Result<Vec<SocketAddr>, bool> {
        let found = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|_| false)?;
        permitted(found, allow_private)
    }
}

/// Those that may be connected to; `Err(true)` when there are only others, `Err(false)` when there is none.
pub(crate) fn permitted(
    found: impl Iterator<Item = SocketAddr>,
    allow_private: bool,
) -> Result<Vec<SocketAddr>, bool> {
    let (allowed, others): (Vec<_>, Vec<_>) =
        found.partition(|address| allow_private || is_public(address.ip()));
    match allowed.is_empty() {
        true => Err(!others.is_empty()),
        false => Ok(allowed),
    }
}

/// Is it an address of the open Internet, however it is written?
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = match (a, b, c) {
        // This network, shared by carriers (RFC 6598), protocol assignments, benchmarks, reserved and broadcast.
        (0 | 240..=255, ..) | (100, 64..=127, _) | (192, 0, 0) | (198, 18 | 19, _) => true,
        _ => false,
    };
    !(is_special
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = ip.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match (a, b, c, d, e, f) {
        // IPv4 in other clothes: mapped, compatible, translated (RFC 6052), 6to4.
        (0, 0, 0, 0, 0, 0xFFFF | 0) => is_public_v4(v4(g, h)) && (f != 0 || g != 0),
        (0x64, 0xFF9B, 0, 0, 0, 0) => is_public_v4(v4(g, h)),
        (0x2002, ..) => is_public_v4(v4(b, c)),
        // Teredo and other assignments, documentation.
        (0x2001, 0..=0x1FF | 0xDB8, ..) | (0x3FFF, ..) => false,
        // Only this is given out.
        _ => a & 0xE000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_host_a_port_and_a_path() {
        let place = Place::parse("wss://media.example/in?call=7#x", WEBSOCKET).unwrap();
        assert_eq!(
            (place.host.as_str(), place.port, place.path.as_str()),
            ("media.example", 443, "/in?call=7")
        );
        let place = Place::parse("WS://[2001:db8::1]:8080", WEBSOCKET).unwrap();
        assert_eq!(
            (place.host.as_str(), place.port, place.path.as_str()),
            ("2001:db8::1", 8080, "/")
        );
        assert_eq!(
            Place::parse("ws://a?b", WEBSOCKET)
                .map(|place| place.path)
                .as_deref(),
            Some("/?b")
        );
        for bad in [
            "",
            "http://a/",
            "ws://",
            "ws:///x",
            "ws://user:secret@a/",
            "ws://a:b/",
            "ws://a:99999/",
            "ws://[::1/",
            "ws://[a]/",
            "ws://a/\r\nHost: b",
            "ws://a b/",
            "ws://a\\@b/",
        ] {
            assert_eq!(Place::parse(bad, WEBSOCKET), None, "{bad:?}");
        }
    }

    #[test]
    fn inner_addresses_are_refused_in_every_spelling() {
        for inner in [
            "127.0.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "192.0.2.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
        ] {
            assert!(!is_public(inner.parse().unwrap()), "{inner}");
        }
        for outer in [
            "8.8.8.8",
            "172.32.0.1",
            "100.63.0.1",
            "::ffff:8.8.8.8",
            "2606:4700::1111",
            "2002:808:808::1",
        ] {
            assert!(is_public(outer.parse().unwrap()), "{outer}");
        }
    }

    #[test]
    fn a_name_is_checked_by_what_it_stands_for() {
        let here = Place::parse("ws://localhost:9/", WEBSOCKET).unwrap();
        assert_eq!(here.resolve(false), Err(true));
        let found = here.resolve(true).unwrap();
        assert!(found.iter().all(|address| address.ip().is_loopback()));
        // Another way to write 127.0.0.1.
        let odd = Place::parse("ws://2130706433:9/", WEBSOCKET).unwrap();
        assert!(odd.resolve(false).is_err());
    }
}
