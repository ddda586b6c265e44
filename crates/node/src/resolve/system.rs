//! What the machine says about names: which servers to ask (`/etc/resolv.conf`), and names that need none (`/etc/hosts`). Both
//! are read for each look-up, so that a change counts at once; look-ups are rare, for there is a cache.

use sip::locate::{Answer, Kind, Question, Record};
use std::fs::File;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

const PORT: u16 = 53;
/// Servers that are asked, as in the C library.
const SERVERS: usize = 3;
/// Octets of such a file.
const LONGEST: u64 = 1 << 20;
/// Seconds that the hosts file holds.
const HOSTS_TTL_S: u32 = 5;

/// The servers of the machine; without any the one on it.
pub(super) fn servers() -> Vec<SocketAddr> {
    servers_of(&read(Path::new("/etc/resolv.conf")).unwrap_or_default())
}

fn servers_of(text: &str) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("nameserver") {
            continue;
        }
        let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
        found.extend(address.map(|address| SocketAddr::new(address, PORT)));
    }
    found.truncate(SERVERS);
    if found.is_empty() {
        found.push(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)));
    }
    found
}

/// Names that the operator gave addresses to on this machine.
#[derive(Debug)]
pub(super) struct Hosts(String);

impl Hosts {
    /// As the file is now.
    pub(super) fn read() -> Hosts {
        Hosts(read(Path::new("/etc/hosts")).unwrap_or_default())
    }

    /// What the file says; `None` = ask the DNS. A name in it has these addresses and nothing else: neither NAPTR nor SRV
    /// records.
    pub(super) fn answer(&self, question: &Question) -> Option<Answer> {
        let host = match question.kind {
            Kind::Srv => question.name.splitn(3, '.').nth(2)?,
            Kind::Naptr | Kind::A | Kind::Aaaa => &question.name,
        };
        let addresses = self.addresses(host);
        let wanted = |address: &IpAddr| match question.kind {
            Kind::A => address.is_ipv4(),
            Kind::Aaaa => address.is_ipv6(),
            Kind::Naptr | Kind::Srv => false,
        };
        let records: Vec<Record> = addresses
            .iter()
            .copied()
            .filter(wanted)
            .map(Record::Address)
            .collect();
        match (addresses.is_empty(), records.is_empty()) {
            (true, _) => None,
            (false, true) => Some(Answer::NoData(HOSTS_TTL_S)),
            (false, false) => Some(Answer::Records(records, HOSTS_TTL_S)),
        }
    }

    fn addresses(&self, host: &str) -> Vec<IpAddr> {
        let mut found = Vec::new();
        for line in self.0.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let Some(address) = words.next().and_then(|word| word.parse().ok()) else {
                continue;
            };
            if words.any(|name| name.eq_ignore_ascii_case(host)) {
                found.push(address);
            }
        }
        found
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut octets = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut octets)?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_servers_of_the_machine_are_asked_and_without_any_the_local_one() {
        let text = "# nameserver 9.9.9.9\nsearch example.com\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 # x\n\
                    nameserver here\nnameserver fe80::1%eth0\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n";
        let found: Vec<String> = servers_of(text).iter().map(SocketAddr::to_string).collect();
        assert_eq!(found, ["192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.2:53"]);
        assert_eq!(servers_of("options edns0\n"), ["127.0.0.1:53".parse().unwrap()]);
    }

    #[test]
    fn a_name_in_the_hosts_file_has_its_addresses_and_nothing_else() {
        let hosts = Hosts(
            "127.0.0.1 localhost\n10.0.0.7\tsbc.example SBC # old\n::7 sbc.example\n# 10.0.0.8 off\n"
                .to_owned(),
        );
        let ask = |kind, name: &str| {
            hosts.answer(&Question {
                kind,
                name: name.into(),
            })
        };
        let address = |text: &str| Record::Address(text.parse().unwrap());
        assert_eq!(
            ask(Kind::A, "sbc.example"),
            Some(Answer::Records(vec![address("10.0.0.7")], HOSTS_TTL_S))
        );
        assert_eq!(
            ask(Kind::Aaaa, "sbc.example"),
            Some(Answer::Records(vec![address("::7")], HOSTS_TTL_S))
        );
        let nothing = Some(Answer::NoData(HOSTS_TTL_S));
        assert_eq!(ask(Kind::Aaaa, "sbc"), nothing);
        assert_eq!(ask(Kind::Naptr, "sbc.example"), nothing);
        assert_eq!(ask(Kind::Srv, "_sip._udp.sbc.example"), nothing);
        for unknown in ["off", "example", "old"] {
            assert_eq!(ask(Kind::A, unknown), None, "{unknown}");
        }
        assert_eq!(ask(Kind::Srv, "_sip._udp.example"), None);
    }
}
