//! Where a certificate may lie: what ATIS-1000074 §5.3.1 allows in `x5u` and `info`.

/// What is taken for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Seconds by which `iat` may be away from `now`, to either side (RFC 8224 §6.2.2 has 60).
    pub freshness_s: u64,
    /// Certificates may lie at any port, not only at 443 and 8443: for laboratories.
    pub any_port: bool,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            freshness_s: 60,
            any_port: false,
        }
    }
}

/// Octets of a URL.
const LONGEST: usize = 1_024;

/// An `https` URL at port 443 or 8443, without user, query, fragment or parameters.
pub(crate) fn is_allowed(url: &str, rules: &Rules) -> bool {
    let is_clean = url.len() <= LONGEST && url.bytes().all(|b| b.is_ascii_graphic());
    let Some(rest) = url.strip_prefix("https://").filter(|_| is_clean) else {
        return false;
    };
    if rest.contains(['@', '?', '#', ';', '<', '>', '"', '\\']) {
        return false;
    }
    let Some((authority, _path)) = rest.split_once('/') else {
        return false;
    };
    let (host, port) = match authority.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((host, port))) if host.parse::<std::net::Ipv6Addr>().is_ok() => (host, port),
        Some(_) => return false,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b".-:".contains(&b);
    !host.is_empty() && host.bytes().all(is_host) && is_port(port, rules)
}

/// With its colon, or nothing.
fn is_port(port: &str, rules: &Rules) -> bool {
    match port.strip_prefix(':').map(str::parse::<u16>) {
        None => port.is_empty(),
        Some(Ok(443 | 8_443)) => true,
        Some(Ok(port)) => rules.any_port && port != 0,
        Some(Err(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_lie_at_plain_https_urls() {
        let usual = Rules::default();
        for good in [
            "https://cert.example.org/passport.cer",
            "https://cert.example.org:443/",
            "https://cert.example.org:8443/a/b.pem",
            "https://[2001:db8::1]/a",
        ] {
            assert!(is_allowed(good, &usual), "{good}");
        }
        for bad in [
            "",
            "http://cert.example.org/a",
            "https:///a",
            "https://cert.example.org",
            "https://cert.example.org:80/a",
            "https://cert.example.org:x/a",
            "https://cert.example.org:/a",
            "https://user@cert.example.org/a",
            "https://cert.example.org/a?b",
            "https://cert.example.org/a#b",
            "https://cert.example.org/a;b",
            "https://cert.example.org/a>b",
            "https://cert.example.org/\u{e4}",
            "https://cert example.org/a",
            "https://[2001:db8::1/a",
            "https://[x]/a",
        ] {
            assert!(!is_allowed(bad, &usual), "{bad}");
        }
        let any_port = Rules {
            any_port: true,
            ..usual
        };
        assert!(is_allowed("https://127.0.0.1:12345/a", &any_port));
        assert!(!is_allowed("https://127.0.0.1:0/a", &any_port));
        assert!(!is_allowed("http://127.0.0.1:12345/a", &any_port));
    }
}
