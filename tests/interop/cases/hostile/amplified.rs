//! What a stranger gets for a datagram: whoever forges a victim's address into it makes the server send that to the victim (SECURITY, row 12).
//!
//! Each datagram comes from a socket of its own, all at once; then whatever comes back is counted until nothing is repeated any more.

use super::DOMAIN;
use anyhow::{Result, ensure};
use interop::server::{Setting, extensions};
use interop::{Server, Stage, Tenant};
use sim::hostile::{Aim, METHODS, Manners, Stream};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// IP and UDP headers: a victim's line carries them, and so does the attacker's.
const HEADERS: usize = 28;
/// An answer may have so many hundredths of its request's octets; one with a challenge twice as many at most, where the request is shorter than
/// any phone's.
const WORST: usize = 150;
const WORST_CHALLENGE: usize = 200;
/// Damaged messages.
const DAMAGED: usize = 1_500;
/// A response that is repeated is so after 0.5, 1, 2 and 4 s (RFC 3261 §17.2.1, Timer G).
const REPEATED_WITHIN: Duration = Duration::from_secs(4);
/// Sockets with an address of their own in each network: fewer than what makes a network suspect.
const PER_NETWORK: usize = 4;

/// A datagram that was sent, and what came back.
struct Probe {
    what: String,
    socket: UdpSocket,
    sent: usize,
    answers: usize,
    octets: usize,
    first: String,
}

impl Probe {
    fn send(server: &Server, number: usize, what: &str, octets: &[u8]) -> Result<Probe> {
        let (network, host) = (number / PER_NETWORK, number % PER_NETWORK);
        let [high, low] = u16::try_from(network)?.to_be_bytes();
        let from = Ipv4Addr::new(127, 32 + high, low, u8::try_from(host)? + 1);
        let socket = UdpSocket::bind((from, 0))?;
        socket.set_nonblocking(true)?;
        socket.connect(server.sip)?;
        socket.send(octets)?;
        Ok(Probe {
            what: what.to_owned(),
            socket,
            sent: octets.len(),
            answers: 0,
            octets: 0,
            first: String::new(),
        })
    }

    fn hear(&mut self, buffer: &mut [u8]) {
        while let Ok(length) = self.socket.recv(buffer) {
            if self.answers == 0 {
                let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
                text.lines().next().unwrap_or("").clone_into(&mut self.first);
            }
            self.answers += 1;
            self.octets += length;
        }
    }

    /// Octets on the line of the victim, in hundredths of those on the attacker's.
    fn ratio(&self) -> usize {
        (self.octets + self.answers * HEADERS) * 100 / (self.sent + HEADERS)
    }

    /// What it may be.
    fn most(&self) -> usize {
        let is_challenge = self.first.starts_with("SIP/2.0 401") || self.first.starts_with("SIP/2.0 407");
        match is_challenge && !self.what.ends_with("usual") {
            true => WORST_CHALLENGE,
            false => WORST,
        }
    }
}

/// Hears what comes back until nothing is repeated any more, and prints what each message that is sound has brought.
fn listen(probes: &mut [Probe]) {
    let (begun, mut buffer) = (Instant::now(), vec![0; 65_536]);
    while begun.elapsed() < REPEATED_WITHIN {
        for probe in &mut *probes {
            probe.hear(&mut buffer);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    for probe in probes.iter().filter(|probe| !probe.what.starts_with("damaged")) {
        let Probe {
            what,
            sent,
            answers,
            octets,
            ..
        } = probe;
        let (ratio, first) = (probe.ratio(), probe.first.escape_debug());
        println!(
            "amplified {what:<28} {sent:>5} octets, {answers} answers, {octets:>5} octets, {ratio:>4} %: {first}"
        );
    }
}

/// The shortest request that is answered by more than a refusal, and what phones send.
fn requests() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for method in METHODS {
        for (user, size) in [("1", "least"), ("100", "usual")] {
            let target = match method {
                "REGISTER" => format!("sip:{DOMAIN}"),
                _ => format!("sip:{user}@{DOMAIN}"),
            };
            let usual = match size {
                "usual" => {
                    "Max-Forwards: 70\r\nContact: <sip:100@192.0.2.17:5060;ob>\r\nUser-Agent: Some Phone 1.2.3 (build 4711)\r\n\
                     Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, NOTIFY, REFER, MESSAGE\r\nSupported: replaces, 100rel, timer\r\n\
                     Expires: 3600\r\nEvent: dialog\r\nContent-Length: 0\r\n"
                }
                _ => "",
            };
            let text = format!(
                "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{user}\r\nFrom: <sip:{user}@{DOMAIN}>;tag={user}\r\n\
                 To: <{target}>\r\nCall-ID: {user}{method}\r\nCSeq: 1 {method}\r\n{usual}\r\n"
            );
            all.push((format!("{method} {size}"), text.into_bytes()));
        }
    }
    all.push(("ping".to_owned(), ping("OPTIONS")));
    all.push(("ping of another domain".to_owned(), ping("REGISTER")));
    // A binding request (RFC 8489), the shortest there is.
    let stun = [&[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42][..], &[7; 12]].concat();
    all.push(("STUN".to_owned(), stun));
    all.push(("keep-alive".to_owned(), b"\r\n\r\n".to_vec()));
    all
}

/// To the server itself.
fn ping(method: &str) -> Vec<u8> {
    format!(
        "{method} sip:other.test SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKp\r\nFrom: <sip:h>;tag=p\r\nTo: <sip:h>\r\n\
         Call-ID: p{method}\r\nCSeq: 1 {method}\r\n\r\n"
    )
    .into_bytes()
}

/// Whatever a stranger may come upon.
fn damaged() -> Vec<(String, Vec<u8>)> {
    let manners = Manners {
        wild: 250,
        exact: 500,
        bye: 1_000,
        sound: 100,
    };
    let mut stream = Stream::new(0x0ca2_1120, manners, Vec::new());
    let aim = Aim {
        domain: DOMAIN.to_owned(),
        user: "100".to_owned(),
        others: ["101", "999"].map(str::to_owned).to_vec(),
        at: SocketAddr::from(([192, 0, 2, 1], 5060)),
        via: "UDP",
        leg: None,
        vias: Vec::new(),
        secret: None,
    };
    let message = |number| (format!("damaged {number}"), stream.message(&aim));
    (0..DAMAGED).map(message).collect()
}

#[test]
fn a_strangers_datagram_brings_no_more_than_it_took() -> Result<()> {
    Stage::run("amplified", |stage| {
        let tenants = [Tenant::new("acme", extensions(100, 2)).sha256()];
        let server = Server::start_as(stage, &tenants, Setting::default().border("allow = []"))?;
        let mut probes = Vec::new();
        for (what, octets) in requests().into_iter().chain(damaged()) {
            // What is larger than a datagram can't be forged in one.
            if octets.len() < 60_000 {
                probes.push(Probe::send(&server, probes.len(), &what, &octets)?);
            }
        }
        listen(&mut probes);
        let answered = probes.iter().filter(|probe| probe.answers > 0).count();
        let repeated = probes.iter().find(|probe| probe.answers > 1);
        ensure!(
            repeated.is_none(),
            "{:?} brings {:?} answers",
            repeated.map(|p| &p.what),
            repeated.map(|p| p.answers)
        );
        let Some(worst) = probes.iter().max_by_key(|probe| probe.ratio()) else {
            anyhow::bail!("nothing was sent");
        };
        ensure!(
            answered > METHODS.len(),
            "only {answered} of {} were answered",
            probes.len()
        );
        let (sent, octets) = probes.iter().fold((0, 0), |(sent, octets), probe| {
            (
                sent + probe.sent + HEADERS,
                octets + probe.octets + probe.answers * HEADERS,
            )
        });
        let figures = format!(
            "{} datagrams, {answered} answered once, none twice; worst {} % ({}: {} octets for {}, {}), all together {} %",
            probes.len(),
            worst.ratio(),
            worst.what,
            worst.octets,
            worst.sent,
            worst.first,
            octets * 100 / sent
        );
        let over = probes.iter().find(|probe| probe.ratio() > probe.most());
        ensure!(
            over.is_none(),
            "{:?}: {figures}",
            over.map(|probe| (&probe.what, &probe.first, probe.ratio()))
        );
        Ok(figures)
    })
}
