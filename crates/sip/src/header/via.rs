//! Via (RFC 3261 §20.42; `rport` RFC 3581).

use super::params::check_piece;
use super::{HeaderError, Params};
use crate::message::Name;
use crate::split::{cut, is_token, port_number, semicolons, trim};
use crate::uri::{is_host, split_port};

/// One Via element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, … as written; compare without regard to case.
    pub transport: &'a str,
    /// The host of sent-by; an IPv6 address keeps its brackets.
    pub host: &'a str,
    /// The port of sent-by, `None` if it is left out.
    pub port: Option<u16>,
    /// The transaction id.
    pub branch: Option<&'a str>,
    /// `Some(None)`: asked for. `Some(Some(p))`: filled in (RFC 3581).
    pub rport: Option<Option<u16>>,
    /// The source address as a server saw it.
    pub received: Option<&'a str>,
    /// Never sent to; kept to be shown.
    pub maddr: Option<&'a str>,
    /// All parameters.
    pub params: Params<'a>,
}

/// The branch of RFC 3261 starts so (§8.1.1.7).
pub(crate) const COOKIE: &str = "z9hG4bK";

impl<'a> Via<'a> {
    /// Reads one element such as `SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport`.
    ///
    /// # Errors
    /// Anything against the grammar, stray separators included (RFC 4475 §3.1.2.1).
    pub fn parse(element: &'a str) -> Result<Via<'a>, HeaderError> {
        read(element).map_err(|what| HeaderError {
            name: Name::Via,
            what,
        })
    }

    /// True if the branch is unique by RFC 3261 §8.1.1.7, so that it alone tells the transaction.
    #[must_use]
    pub fn has_magic_branch(&self) -> bool {
        let tail = self
            .branch
            .and_then(|branch| branch.get(..COOKIE.len()).map(|start| (branch, start)));
        tail.is_some_and(|(branch, start)| start.eq_ignore_ascii_case(COOKIE) && branch.len() > COOKIE.len())
    }
}

fn read(element: &str) -> Result<Via<'_>, &'static str> {
    let (line, params) = match element.bytes().position(|b| b == b';') {
        Some(at) => {
            let (line, params) = cut(element, at);
            (line, Some(params))
        }
        None => (element, None),
    };
    let (transport, sent_by) = protocol(line)?;
    let (host, port) = split_port(sent_by).ok_or("malformed port")?;
    let (host, port) = (trim(host), port.map(trim));
    if !is_host(host) {
        return Err("malformed host");
    }
    let port = match port {
        Some(port) => Some(port_number(port).ok_or("malformed port")?),
        None => None,
    };
    let params_text = params.map(trim);
    let mut via = Via {
        transport,
        host,
        port,
        branch: None,
        rport: None,
        received: None,
        maddr: None,
        params: Params(params_text.unwrap_or("")),
    };
    if let Some(text) = params_text {
        semicolons(text).try_for_each(|piece| take(&mut via, piece))?;
    }
    Ok(via)
}

/// `SIP / 2.0 / UDP host` → transport and the rest.
fn protocol(line: &str) -> Result<(&str, &str), &'static str> {
    let usual = line
        .strip_prefix("SIP/2.0/")
        .and_then(|rest| crate::split::once(rest, b' '));
    if let Some((transport, rest)) = usual.filter(|(transport, _)| is_token(transport)) {
        return Ok((transport, trim(rest)));
    }
    let (name, rest) = crate::split::once(line, b'/').ok_or("no protocol")?;
    let (version, rest) = crate::split::once(rest, b'/').ok_or("no protocol")?;
    if !trim(name).eq_ignore_ascii_case("SIP") || trim(version) != "2.0" {
        return Err("not SIP/2.0");
    }
    let rest = trim(rest);
    let gap = rest.bytes().position(crate::split::is_lws).ok_or("no sent-by")?;
    let (transport, sent_by) = cut(rest, gap);
    if !is_token(transport) {
        return Err("malformed transport");
    }
    Ok((transport, trim(sent_by)))
}

fn take<'a>(via: &mut Via<'a>, piece: &'a str) -> Result<(), &'static str> {
    check_piece(piece)?;
    let (name, value) = match crate::split::once(piece, b'=') {
        Some((name, value)) => (trim(name), Some(trim(value))),
        None => (piece, None),
    };
    // Only five names matter here, and their lengths differ enough to spare most comparisons.
    match name.len() {
        6 if name.eq_ignore_ascii_case("branch") => via.branch = via.branch.or(value),
        5 if name.eq_ignore_ascii_case("rport") => via.rport = Some(rport(value)?),
        8 if name.eq_ignore_ascii_case("received") => via.received = value,
        5 if name.eq_ignore_ascii_case("maddr") => via.maddr = value,
        _ => {}
    }
    Ok(())
}

fn rport(value: Option<&str>) -> Result<Option<u16>, &'static str> {
    match value {
        None => Ok(None),
        Some(port) => port_number(port).map(Some).ok_or("malformed rport"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_form() {
        let via = Via::parse("SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bK776").unwrap();
        assert_eq!(
            (via.transport, via.host, via.port),
            ("UDP", "192.0.2.1", Some(5070))
        );
        assert_eq!(
            (via.branch, via.rport, via.received),
            (Some("z9hG4bK776"), Some(None), None)
        );
        assert!(via.has_magic_branch());
    }

    #[test]
    fn white_space_round_every_separator() {
        let via =
            Via::parse("SIP  / 2.0  / TCP     spindle.example.com : 5061  ;\r\n  branch  =   z9hG4bK9ikj8")
                .unwrap();
        assert_eq!(
            (via.transport, via.host, via.port),
            ("TCP", "spindle.example.com", Some(5061))
        );
        assert_eq!(via.branch, Some("z9hG4bK9ikj8"));
        let via = Via::parse("SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw").unwrap();
        assert_eq!((via.host, via.has_magic_branch()), ("192.0.2.2", false));
    }

    #[test]
    fn addresses_in_brackets() {
        let via = Via::parse("SIP/2.0/TLS [2001:db8::9:1]:5061;received=2001:db8::1;rport=9").unwrap();
        assert_eq!((via.host, via.port), ("[2001:db8::9:1]", Some(5061)));
        assert_eq!((via.received, via.rport), (Some("2001:db8::1"), Some(Some(9))));
    }

    #[test]
    fn malformed_is_told() {
        for bad in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ",
            "HTTP/2.0/UDP a",
            "SIP/3.0/UDP a",
            "SIP/2.0/U P a b",
            "SIP/2.0/UDP a:b",
            "SIP/2.0/UDP a:0",
            "SIP/2.0/UDP a:65536",
            "SIP/2.0/UDP a;;",
            "SIP/2.0/UDP 192.0.2.15;;",
            "SIP/2.0/UDP a;rport=x",
            "SIP/2.0/UDP [::1",
            "SIP/2.0/UDP a;branch=\"x",
        ] {
            assert!(Via::parse(bad).is_err(), "{bad}");
        }
        assert!(
            !Via::parse("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK")
                .unwrap()
                .has_magic_branch()
        );
    }
}
