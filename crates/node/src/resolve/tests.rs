//! The resolver against a DNS server of these tests: a table, on loopback, that tells, cuts short, breaks, or says nothing.

use super::*;
use sip::locate::Families;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};

impl Desk {
    pub(super) fn skipped(&self) -> Duration {
        Duration::from_secs(self.ahead_s.load(Ordering::SeqCst))
    }

    /// Time goes by.
    fn skip(&self, time: Duration) {
        self.ahead_s.fetch_add(time.as_secs(), Ordering::SeqCst);
    }
}

/// What a server does with a question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Say {
    /// These records: type and data; more than fit into a datagram only over TCP.
    Records(Vec<(u16, Vec<u8>)>),
    /// This code and nothing else.
    Code(u8),
    Nothing,
}

type Table = BTreeMap<(u16, String), Say>;

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const NAPTR: u16 = 35;
const TTL_S: u32 = 60;

/// A server; it ends with the test's process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    table: Arc<Mutex<Table>>,
    /// Types and names that were asked for over UDP, `tcp ` before those over TCP.
    asked: Arc<Mutex<Vec<String>>>,
    is_silent: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn new(rows: Vec<(u16, &str, Say)>) -> Server {
        // One port for both transports.
        let (udp, tcp) = (0..100)
            .find_map(|_| {
                let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
                let tcp = TcpListener::bind(udp.local_addr().unwrap()).ok()?;
                Some((udp, tcp))
            })
            .unwrap();
        let server = Server {
            address: udp.local_addr().unwrap(),
            table: Arc::new(Mutex::new(Table::new())),
            asked: Arc::default(),
            is_silent: Arc::default(),
        };
        server.set(rows);
        let (table, asked, is_silent) = (
            server.table.clone(),
            server.asked.clone(),
            server.is_silent.clone(),
        );
        thread::spawn(move || {
            let mut octets = [0; 2_048];
            while let Ok((length, from)) = udp.recv_from(&mut octets) {
                let reply = reply(&table, &octets[..length], &asked, false);
                if let Some(reply) = reply.filter(|_| !is_silent.load(Ordering::SeqCst)) {
                    // A stranger's answer, one to another question, and rubbish come before.
                    let mut wrong = reply.clone();
                    wrong[0] ^= 1;
                    for datagram in [&wrong[..], b"", &[0xFF; 40], &reply] {
                        udp.send_to(datagram, from).unwrap();
                    }
                }
            }
        });
        let (table, asked) = (server.table.clone(), server.asked.clone());
        thread::spawn(move || {
            while let Ok((mut stream, _)) = tcp.accept() {
                let mut length = [0; 2];
                stream.read_exact(&mut length).unwrap();
                let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut query).unwrap();
                if let Some(reply) = reply(&table, &query, &asked, true) {
                    let whole = [&(reply.len() as u16).to_be_bytes()[..], &reply].concat();
                    // In pieces, as a network may.
                    for piece in whole.chunks(301) {
                        stream.write_all(piece).unwrap();
                        stream.flush().unwrap();
                    }
                }
            }
        });
        server
    }

    pub(crate) fn set(&self, rows: Vec<(u16, &str, Say)>) {
        let rows = rows
            .into_iter()
            .map(|(kind, name, say)| ((kind, name.to_owned()), say));
        *self.table.lock().unwrap() = rows.collect();
    }

    pub(crate) fn silence(&self, is_silent: bool) {
        self.is_silent.store(is_silent, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// The answer to a query, as the table has it. Who is not in it does not exist.
fn reply(table: &Mutex<Table>, query: &[u8], asked: &Mutex<Vec<String>>, is_tcp: bool) -> Option<Vec<u8>> {
    let (mut at, mut name) = (12, String::new());
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        if !name.is_empty() {
            name.push('.');
        }
        name += std::str::from_utf8(&query[at + 1..end]).unwrap();
        at = end;
    }
    let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    let over = if is_tcp { "tcp " } else { "" };
    asked.lock().unwrap().push(format!("{over}{kind} {name}"));
    let table = table.lock().unwrap();
    let is_known = table.keys().any(|(_, known)| *known == name);
    let say = match table.get(&(kind, name.clone())) {
        Some(say) => say.clone(),
        None if is_known => Say::Records(Vec::new()),
        None => Say::Code(3),
    };
    let mut octets = query[..at + 5].to_vec();
    octets[2..4].copy_from_slice(&[0x81, 0x80]);
    match say {
        Say::Nothing => return None,
        Say::Code(code) => octets[3] |= code,
        Say::Records(records) => {
            octets[6..8].copy_from_slice(&(records.len() as u16).to_be_bytes());
            for (kind, data) in records {
                octets.extend_from_slice(&[0xC0, 12]);
                octets.extend_from_slice(&kind.to_be_bytes());
                octets.extend_from_slice(&[0, 1]);
                octets.extend_from_slice(&TTL_S.to_be_bytes());
                octets.extend_from_slice(&(data.len() as u16).to_be_bytes());
                octets.extend_from_slice(&data);
            }
        }
    }
    if octets.len() > 512 && !is_tcp {
        octets.truncate(512);
        octets[2] |= 2;
    }
    Some(octets)
}

fn wire(name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        octets.push(label.len() as u8);
        octets.extend_from_slice(label.as_bytes());
    }
    octets.push(0);
    octets
}

fn naptr(order: u8, service: &str, replacement: &str) -> (u16, Vec<u8>) {
    let head = [0, order, 0, 0, 1, b's', service.len() as u8];
    (
        NAPTR,
        [&head[..], service.as_bytes(), &[0], &wire(replacement)].concat(),
    )
}

fn srv(priority: u8, weight: u8, port: u16, target: &str) -> (u16, Vec<u8>) {
    let [high, low] = port.to_be_bytes();
    (
        SRV,
        [&[0, priority, 0, weight, high, low][..], &wire(target)].concat(),
    )
}

pub(crate) fn address(text: &str) -> (u16, Vec<u8>) {
    match text.parse().unwrap() {
        std::net::IpAddr::V4(ip) => (A, ip.octets().to_vec()),
        std::net::IpAddr::V6(ip) => (AAAA, ip.octets().to_vec()),
    }
}

pub(crate) fn row(name: &str, records: Vec<(u16, Vec<u8>)>) -> (u16, &str, Say) {
    (records[0].0, name, Say::Records(records))
}

/// So long that no question is said twice because the machine is slow.
fn resolver(servers: &[SocketAddr]) -> Resolver {
    within(servers, Duration::from_secs(60))
}

fn within(servers: &[SocketAddr], timeout: Duration) -> Resolver {
    let dns = Dns {
        servers: servers.to_vec(),
        families: Families::V4First,
        timeout,
    };
    Resolver::new(
        dns,
        &[Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Wss],
    )
}

fn ask(host: &str) -> Locate {
    Locate {
        order: 7,
        host: host.into(),
        port: None,
        transport: None,
        secure: false,
    }
}

fn begin(resolver: &Resolver, ask: &Locate) -> Receiver<Located> {
    let (tell, told) = channel();
    resolver.locate(ask, Box::new(move |located| tell.send(located).unwrap()));
    told
}

fn locate(resolver: &Resolver, ask: &Locate) -> LocateOutcome {
    let located = begin(resolver, ask)
        .recv_timeout(Duration::from_secs(60))
        .unwrap();
    assert_eq!(located.order, ask.order);
    located.outcome
}

fn shown(outcome: &LocateOutcome) -> Vec<String> {
    match outcome {
        LocateOutcome::Found { places, ttl_s } => {
            assert!((1..=3_600).contains(ttl_s));
            places
                .iter()
                .map(|p| format!("{} {} {}", p.transport, p.address, p.name))
                .collect()
        }
        other => vec![format!("{other:?}")],
    }
}

fn provider() -> Server {
    Server::new(vec![
        row(
            "sip.test",
            vec![
                naptr(50, "SIPS+D2T", "_sips._tcp.sip.test"),
                naptr(100, "SIP+D2U", "_sip._udp.sip.test"),
            ],
        ),
        row("_sips._tcp.sip.test", vec![srv(1, 0, 5061, "a.sip.test")]),
        row(
            "_sip._udp.sip.test",
            vec![srv(2, 0, 5062, "b.sip.test"), srv(1, 0, 5060, "a.sip.test")],
        ),
        row("a.sip.test", vec![address("192.0.2.1")]),
        (AAAA, "a.sip.test", Say::Records(vec![address("2001:db8::1")])),
        row("b.sip.test", vec![address("192.0.2.2")]),
    ])
}

#[test]
fn a_domain_leads_by_naptr_and_srv_to_addresses_and_the_answer_is_kept() {
    let server = provider();
    let resolver = resolver(&[server.address]);
    let expected = [
        "tls 192.0.2.1:5061 sip.test",
        "tls [2001:db8::1]:5061 sip.test",
        "udp 192.0.2.1:5060 sip.test",
        "udp [2001:db8::1]:5060 sip.test",
        "udp 192.0.2.2:5062 sip.test",
    ];
    assert_eq!(shown(&locate(&resolver, &ask("SIP.test."))), expected);
    let asked = server.asked();
    assert_eq!(asked.len(), 7, "{asked:?}");
    assert_eq!(shown(&locate(&resolver, &ask("sip.test"))), expected);
    let secure = Locate {
        secure: true,
        ..ask("sip.test")
    };
    assert_eq!(server.asked(), [""; 0]);
    assert_eq!(shown(&locate(&resolver, &secure)), expected[..2]);
    assert!(!server.asked().is_empty());
}

#[test]
fn servers_share_the_load_by_weight_while_the_answer_is_kept() {
    let server = Server::new(vec![
        row(
            "_sip._udp.two.test",
            vec![srv(1, 90, 5060, "a.two.test"), srv(1, 10, 5060, "b.two.test")],
        ),
        row("a.two.test", vec![address("192.0.2.1")]),
        row("b.two.test", vec![address("192.0.2.2")]),
    ]);
    let resolver = resolver(&[server.address]);
    let mut first = BTreeMap::new();
    for _ in 0..2_000 {
        let places = shown(&locate(&resolver, &ask("two.test")));
        assert_eq!(places.len(), 2);
        *first.entry(places[0].clone()).or_insert(0) += 1;
    }
    // 91 of 101, within some five standard deviations.
    let heavy = first["udp 192.0.2.1:5060 two.test"];
    assert!((1_735..=1_870).contains(&heavy), "{first:?}");
    assert!(server.asked().len() < 10);
}

#[test]
fn an_answer_that_is_cut_short_comes_whole_over_tcp() {
    let addresses = |count: u8| {
        (1..=count)
            .map(|host| address(&format!("192.0.2.{host}")))
            .collect()
    };
    let server = Server::new(vec![row("many.test", addresses(60))]);
    let resolver = resolver(&[server.address]);
    let one = Locate {
        port: Some(5_060),
        ..ask("many.test")
    };
    // As many as a look-up takes of one server.
    let places = shown(&locate(&resolver, &one));
    assert_eq!(places.len(), locate::MAX_ADDRESSES);
    assert_eq!(places[0], "udp 192.0.2.1:5060 many.test");
    let mut asked = server.asked();
    asked.sort();
    assert_eq!(asked, ["1 many.test", "28 many.test", "tcp 1 many.test"]);
}

#[test]
fn aliases_are_followed_from_answer_to_answer_but_not_for_ever() {
    let alias = |of: &str| vec![(CNAME, wire(of))];
    let server = Server::new(vec![
        (A, "x.test", Say::Records(alias("y.test"))),
        (A, "y.test", Say::Records(alias("z.test"))),
        row("z.test", vec![address("192.0.2.7")]),
        (A, "round.test", Say::Records(alias("about.test"))),
        (A, "about.test", Say::Records(alias("round.test"))),
    ]);
    let resolver = resolver(&[server.address]);
    let of = |host: &str| Locate {
        port: Some(5_060),
        ..ask(host)
    };
    assert_eq!(
        shown(&locate(&resolver, &of("x.test"))),
        ["udp 192.0.2.7:5060 x.test"]
    );
    assert_eq!(locate(&resolver, &of("round.test")), LocateOutcome::NoAnswer);
    assert!(server.asked().len() < 20);
}

#[test]
fn no_such_name_is_not_a_dns_that_is_broken_or_away() {
    let server = Server::new(vec![
        (A, "broken.test", Say::Code(2)),
        (A, "mute.test", Say::Nothing),
        (SRV, "_sip._udp.half.test", Say::Code(2)),
        row("half.test", vec![address("192.0.2.1")]),
    ]);
    let resolver = resolver(&[server.address]);
    assert_eq!(locate(&resolver, &ask("nobody.test")), LocateOutcome::NoSuchName);
    assert_eq!(locate(&resolver, &ask("broken.test")), LocateOutcome::NoAnswer);
    assert_eq!(locate(&resolver, &ask("half.test")), LocateOutcome::NoAnswer);
    server.asked();
    let timeout = Duration::from_secs(2);
    let (resolver, begun) = (within(&[server.address], timeout), Instant::now());
    let mute = Locate {
        port: Some(5_060),
        ..ask("mute.test")
    };
    assert_eq!(locate(&resolver, &mute), LocateOutcome::NoAnswer);
    // A round is two fifths of the whole, and the question was said three times in it.
    assert!(begun.elapsed() >= timeout * 2 / 5);
    let asked = server.asked();
    assert_eq!(
        asked.iter().filter(|a| *a == "1 mute.test").count(),
        3,
        "{asked:?}"
    );
    // That nobody answers is remembered for a moment.
    assert_eq!(locate(&resolver, &mute), LocateOutcome::NoAnswer);
    assert_eq!(server.asked(), [""; 0]);
}

#[test]
fn the_next_server_answers_where_one_is_away_or_can_not() {
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let broken = Server::new(vec![]);
    let all = [
        (A, "a.test"),
        (NAPTR, "a.test"),
        (SRV, "_sip._udp.a.test"),
        (AAAA, "a.test"),
    ];
    broken.set(all.map(|(kind, name)| (kind, name, Say::Code(5))).to_vec());
    let good = Server::new(vec![row("a.test", vec![address("192.0.2.5")])]);
    let resolver = within(&[nobody, broken.address, good.address], Duration::from_secs(600));
    let begun = Instant::now();
    let one = Locate {
        port: Some(5_060),
        ..ask("a.test")
    };
    assert_eq!(shown(&locate(&resolver, &one)), ["udp 192.0.2.5:5060 a.test"]);
    assert_eq!((broken.asked().len(), good.asked().len()), (2, 2));
    // None was waited for, which would take a tenth of the time.
    assert!(begun.elapsed() < Duration::from_secs(30));
    // From now on the one that answers is asked first.
    let other = Locate {
        port: Some(5_061),
        ..ask("a.test")
    };
    assert_eq!(shown(&locate(&resolver, &other)), ["udp 192.0.2.5:5061 a.test"]);
    assert_eq!((broken.asked().len(), good.asked().len()), (0, 2));
}

#[test]
fn while_the_dns_is_away_the_old_answer_goes_on_and_comes_soon() {
    let server = provider();
    let resolver = resolver(&[server.address]);
    let before = locate(&resolver, &ask("b.sip.test"));
    assert_eq!(shown(&before), ["udp 192.0.2.2:5060 b.sip.test"]);
    server.silence(true);
    // Its time is over.
    resolver.0.skip(Duration::from_secs(3_600));
    let begun = Instant::now();
    assert_eq!(shown(&locate(&resolver, &ask("b.sip.test"))), shown(&before));
    assert!(begun.elapsed() >= STALE_WAIT * 2 / 5, "it was not asked");
    assert!(server.asked().len() > 1);
    // The next call does not wait at all.
    assert_eq!(shown(&locate(&resolver, &ask("b.sip.test"))), shown(&before));
    assert_eq!(server.asked(), [""; 0]);
    // The DNS is back with another address.
    server.silence(false);
    server.set(vec![row("b.sip.test", vec![address("192.0.2.9")])]);
    resolver.0.skip(Duration::from_secs(31));
    assert_eq!(
        shown(&locate(&resolver, &ask("b.sip.test"))),
        ["udp 192.0.2.9:5060 b.sip.test"]
    );
    // A day is the end of it.
    let all = [NAPTR, A, AAAA].map(|kind| (kind, "b.sip.test", Say::Code(2)));
    server.set([&all[..], &[(SRV, "_sip._udp.b.sip.test", Say::Code(2))]].concat());
    resolver.0.skip(Duration::from_secs(86_401));
    assert_eq!(locate(&resolver, &ask("b.sip.test")), LocateOutcome::NoAnswer);
}

#[test]
fn who_asks_for_the_same_waits_for_the_same_look_up() {
    let server = provider();
    let resolver = resolver(&[server.address]);
    let all: Vec<_> = (0..500).map(|_| begin(&resolver, &ask("sip.test"))).collect();
    for told in all {
        let located = told.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(shown(&located.outcome).len(), 5);
    }
    assert_eq!(server.asked().len(), 7);
}

#[test]
fn what_is_under_way_is_bounded_and_everybody_is_answered() {
    let server = Server::new(vec![]);
    server.silence(true);
    let dns = Dns {
        servers: vec![server.address],
        families: Families::V4Only,
        timeout: Duration::from_millis(50),
    };
    let resolver = Resolver::new(dns, &[Transport::Udp]);
    let all: Vec<_> = (0..MOST.waiting * 2)
        .map(|index| begin(&resolver, &ask(&format!("n{index}.test"))))
        .collect();
    assert!(resolver.0.state().errands.threads() <= MOST.threads);
    let mut ends = [0, 0];
    for told in all {
        match told.recv_timeout(Duration::from_secs(120)).unwrap().outcome {
            LocateOutcome::NoAnswer => ends[0] += 1,
            LocateOutcome::Busy => ends[1] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(ends[0] >= MOST.waiting && ends[1] > 0, "{ends:?}");
}

#[test]
fn what_can_not_be_asked_for_is_refused_and_an_address_needs_no_dns() {
    // Whoever sends to port 9 there hears nothing.
    let resolver = resolver(&["127.0.0.1:9".parse().unwrap()]);
    let by = |transport, host: &str, secure| Locate {
        transport: Some(transport),
        secure,
        ..ask(host)
    };
    for refused in [
        ask("no name"),
        ask("224.0.0.1"),
        by(Transport::Wss, "sip.test", true),
        by(Transport::Udp, "sip.test", true),
        Locate {
            port: Some(0),
            ..ask("sip.test")
        },
    ] {
        assert_eq!(locate(&resolver, &refused), LocateOutcome::Refused, "{refused:?}");
    }
    for (asked, expected) in [
        (ask("192.0.2.1"), "udp 192.0.2.1:5060 192.0.2.1"),
        (ask("[2001:db8::1]"), "udp [2001:db8::1]:5060 2001:db8::1"),
        (
            by(Transport::Tcp, "192.0.2.1", true),
            "tls 192.0.2.1:5061 192.0.2.1",
        ),
    ] {
        let told = begin(&resolver, &asked).try_recv().expect("an answer at once");
        assert_eq!(shown(&told.outcome), [expected]);
    }
}
