//! Streams beside audio, and audio between IPv4 and IPv6: the phones describe them by SIP, and packets are sent and compared here.

use anyhow::{Context, Result, ensure};
use interop::actor::{Actor, play};
use interop::baresip::{Account, talk};
use interop::process::until;
use interop::wire::Transport;
use interop::{Phone, Server, Stage, Tenant};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Datagrams each way.
const MANY: u16 = 200;

fn company(stage: &Stage, policy: &str) -> Result<Server> {
    let tenant = Tenant::new("acme", ["100", "101"].map(str::to_owned)).policy(policy);
    Server::start(stage, &[tenant])
}

/// A phone, and its sockets by how far above its audio they are: audio, pictures, their RTCP, fax.
struct Desk {
    phone: Actor,
    sockets: [(u16, UdpSocket); 4],
}

impl Desk {
    /// On ports that nobody else has: the system chose the one that they follow from.
    fn set(server: &Server, user: &str, from: IpAddr) -> Result<Desk> {
        let mut set = until("four free ports", Duration::from_secs(10), || {
            let phone = Actor::new(server, ("acme.test", user), Transport::Udp, from)?;
            let own = phone.phone.rtp_address();
            let bind = |above: u16| Some((above, UdpSocket::bind((own.ip(), own.port() + above)).ok()?));
            let sockets = (bind(0), bind(2), bind(3), bind(4));
            Ok(match sockets {
                (Some(audio), Some(video), Some(control), Some(fax)) => Some(Desk {
                    phone,
                    sockets: [audio, video, control, fax],
                }),
                _ => None,
            })
        })?;
        set.phone.phone.codecs = vec![0];
        set.phone.noting = true;
        set.phone.register()?;
        Ok(set)
    }

    /// Its end of the stream of this kind, or of what is `above` its audio.
    fn end(&self, kind: &str, above: u16) -> Result<End> {
        let socket = self.sockets.iter().find(|(known, _)| *known == above);
        let socket = socket.context("no such socket")?.1.try_clone()?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        // RTCP has the port above.
        let relay = port(&self.phone, kind)? + above % 2;
        let relay = SocketAddr::new(self.phone.phone.rtp_address().ip(), relay);
        Ok(End { socket, relay })
    }
}

fn both_up(one: &Actor, other: &Actor) -> bool {
    one.up() == 1 && other.up() == 1 && !one.phone.is_busy() && !other.phone.is_busy()
}

/// The port of the last stream of this kind that the server described to a phone; 0 where it was refused.
fn port(actor: &Actor, kind: &str) -> Result<u16> {
    let text = actor.described("m=")?;
    let start = format!("m={kind} ");
    let line = text.lines().find_map(|line| line.strip_prefix(start.as_str()));
    let port = line
        .with_context(|| format!("no {kind} in {text}"))?
        .split(' ')
        .next();
    port.unwrap_or_default().parse().context("no port")
}

/// A phone's end of a stream.
struct End {
    socket: UdpSocket,
    relay: SocketAddr,
}

impl End {
    /// Sends, and the other one hears the same from where it sends itself.
    fn says(&self, octets: &[u8], to: &End) -> Result<()> {
        self.socket.send_to(octets, self.relay)?;
        let mut buffer = [0; 2_048];
        let (length, from) = to.socket.recv_from(&mut buffer).context("nothing came")?;
        ensure!(from == to.relay, "it came from {from}, not from {}", to.relay);
        ensure!(buffer[..length] == *octets, "it was altered on its way");
        Ok(())
    }

    /// Speaks until the other one hears something.
    fn opens(&self, octets: &[u8], to: &End) -> Result<()> {
        let mut buffer = [0; 2_048];
        to.socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let opened = until("a stream to begin", Duration::from_secs(10), || {
            self.socket.send_to(octets, self.relay)?;
            Ok(to.socket.recv_from(&mut buffer).ok())
        });
        while opened.is_ok() && to.socket.recv_from(&mut buffer).is_ok() {}
        to.socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        opened.map(drop)
    }

    /// Both say so many packets to each other, after the first ones have found their way: an answer may be heard before the
    /// media plane has heard of it.
    fn talks(&self, other: &End, packet: impl Fn(u16) -> Vec<u8>) -> Result<()> {
        for (from, to) in [(self, other), (other, self)] {
            from.opens(&packet(0), to)?;
        }
        for number in 0..MANY {
            self.says(&packet(number), other)?;
            other.says(&packet(number), self)?;
        }
        Ok(())
    }
}

fn rtp(pt: u8, octets: usize, number: u16) -> Vec<u8> {
    let stamp = u32::from(number) * 160;
    let head = [
        &[0x80, pt][..],
        &number.to_be_bytes(),
        &stamp.to_be_bytes(),
        &[0, 0, 0, 7],
    ]
    .concat();
    [head, vec![0x55; octets]].concat()
}

/// One stream of this kind, with at least so many packets each way.
fn has(shown: &[(String, u64, u64)], kind: &str, packets: u64) -> bool {
    let enough =
        |(known, there, back): &(String, u64, u64)| known == kind && *there >= packets && *back >= packets;
    shown.len() == 1 && shown.iter().all(enough)
}

/// What the one record says of the streams beside audio: kind, and packets of caller and callee.
fn streams(record: &Value) -> Vec<(String, u64, u64)> {
    let all = record["streams"].as_array().map_or(&[][..], Vec::as_slice);
    let packets = |stream: &Value, leg: &str| stream[leg]["packets"].as_u64().unwrap_or(0);
    all.iter()
        .map(|stream| {
            let kind = stream["stream"].as_str().unwrap_or_default().to_owned();
            (kind, packets(stream, "caller"), packets(stream, "callee"))
        })
        .collect()
}

fn end(server: &Server, ann: &mut Actor, bea: &mut Actor) -> Result<Value> {
    ann.end_all();
    play(ann, bea, "the end", |ann, bea| ann.up() + bea.up() == 0)?;
    let records = server.await_cdrs("acme", 1)?;
    records.into_iter().next().context("no record")
}

fn asks(ann: &mut Actor, bea: &mut Actor) -> Result<()> {
    let (now, before) = (ann.now(), answers(ann));
    ann.phone.reinvite(0, "sendrecv", now);
    play(ann, bea, "the answer to a re-INVITE", |ann, bea| {
        answers(ann) > before && both_up(ann, bea)
    })
}

/// Final answers to INVITEs that it got.
fn answers(actor: &Actor) -> usize {
    actor
        .phone
        .heard
        .iter()
        .filter(|(method, _)| method == "INVITE")
        .count()
}

/// ITU-T T.38 Annex D: audio, then a fax in its place, then audio again.
#[test]
fn a_fax_goes_by_t38_and_audio_comes_back() -> Result<()> {
    Stage::run("t38", |stage| {
        let server = company(stage, "media=relay")?;
        let [mut one, mut other] = [Desk::set(&server, "100", HOME)?, Desk::set(&server, "101", HOME)?];
        other.phone.phone.beside.takes_fax = true;
        one.phone.call("101");
        play(&mut one.phone, &mut other.phone, "the call", both_up)?;
        let audio = [one.end("audio", 0)?, other.end("audio", 0)?];
        audio[0].talks(&audio[1], |number| rtp(0, 160, number))?;
        one.phone.phone.beside.faxes = true;
        asks(&mut one.phone, &mut other.phone)?;
        let fax = [one.end("image", 4)?, other.end("image", 4)?];
        ensure!(
            port(&one.phone, "audio")? == 0 && port(&other.phone, "audio")? == 0,
            "audio goes on"
        );
        fax[0].talks(&fax[1], |number| {
            [&number.to_be_bytes()[..], &[6, 0xC0, 1, 0x80, 0, 0, 0xFF, 0, 0]].concat()
        })?;
        one.phone.phone.beside.faxes = false;
        asks(&mut one.phone, &mut other.phone)?;
        audio[0].talks(&audio[1], |number| rtp(0, 160, number + MANY))?;
        let record = end(&server, &mut one.phone, &mut other.phone)?;
        let many = u64::from(MANY);
        ensure!(has(&streams(&record), "fax", many), "{record}");
        let audio = record["caller_media"]["packets"].as_u64();
        ensure!(audio.is_some_and(|packets| packets >= 2 * many), "{record}");
        println!("COUNT interop/t38 1");
        Ok(format!(
            "{many} datagrams each way between {} packets of audio",
            2 * many
        ))
    })
}

/// The phone falls back to G.711 itself, in the call as it was.
#[test]
fn a_fax_that_is_refused_leaves_the_audio_as_it_was() -> Result<()> {
    Stage::run("t38-refused", |stage| {
        let server = company(stage, "media=relay")?;
        let [mut one, mut other] = [Desk::set(&server, "100", HOME)?, Desk::set(&server, "101", HOME)?];
        one.phone.call("101");
        play(&mut one.phone, &mut other.phone, "the call", both_up)?;
        let audio = [one.end("audio", 0)?, other.end("audio", 0)?];
        one.phone.phone.beside.faxes = true;
        asks(&mut one.phone, &mut other.phone)?;
        let heard = one.phone.phone.heard.iter().rev();
        let last = heard
            .filter(|(method, _)| method == "INVITE")
            .map(|(_, code)| *code)
            .next();
        ensure!(last == Some(488), "{last:?}");
        audio[0].talks(&audio[1], |number| rtp(0, 160, number))?;
        let record = end(&server, &mut one.phone, &mut other.phone)?;
        ensure!(streams(&record).is_empty(), "{record}");
        println!("COUNT interop/t38 1");
        Ok("488".to_owned())
    })
}

#[test]
fn pictures_go_beside_audio_with_their_rtcp() -> Result<()> {
    Stage::run("video", |stage| {
        let server = company(stage, "media=relay")?;
        let [mut one, mut other] = [Desk::set(&server, "100", HOME)?, Desk::set(&server, "101", HOME)?];
        (one.phone.phone.beside.video, other.phone.phone.beside.video) = (true, true);
        one.phone.call("101");
        play(&mut one.phone, &mut other.phone, "the call", both_up)?;
        let audio = [one.end("audio", 0)?, other.end("audio", 0)?];
        let video = [one.end("video", 2)?, other.end("video", 2)?];
        let control = [one.end("video", 3)?, other.end("video", 3)?];
        audio[0].talks(&audio[1], |number| rtp(0, 160, number))?;
        video[0].talks(&video[1], |number| rtp(99, 1_200, number))?;
        // A request for a whole picture (RFC 4585 §6.3.1).
        let asks = [0x81, 206, 0, 2, 0, 0, 0, 7, 0, 0, 0, 9];
        control[0].says(&asks, &control[1])?;
        control[1].says(&asks, &control[0])?;
        let live = server.list(&["quality"])?;
        ensure!(live.iter().any(|view| view["stream"] == "video"), "{live:?}");
        let record = end(&server, &mut one.phone, &mut other.phone)?;
        let many = u64::from(MANY);
        ensure!(has(&streams(&record), "video", many), "{record}");
        println!("COUNT interop/video 1");
        Ok(format!(
            "{many} packets of pictures each way; {} streams live",
            live.len()
        ))
    })
}

/// Real pictures of two real phones.
#[test]
fn two_baresips_show_each_other_pictures() -> Result<()> {
    Stage::run("video-baresip", |stage| {
        let server = company(stage, "media=relay")?;
        let mut ann = Phone::start(stage, &server, Account::new("100", "acme.test", 1_000).showing())?;
        let mut bea = Phone::start(stage, &server, Account::new("101", "acme.test", 440).showing())?;
        ann.dial("sip:101@acme.test")?;
        ann.expect("CALL_ESTABLISHED")?;
        bea.expect("CALL_ESTABLISHED")?;
        let [low, high] = talk(&mut ann, &mut bea)?;
        ann.hang_up()?;
        bea.expect("CALL_CLOSED")?;
        let records = server.await_cdrs("acme", 1)?;
        let record = records.first().context("no record")?;
        let shown = streams(record);
        ensure!(has(&shown, "video", 10), "{record}");
        println!("COUNT interop/video 1");
        Ok(format!("{high} and {low}; {shown:?}"))
    })
}

#[test]
fn a_phone_on_ipv4_and_one_on_ipv6_hear_each_other() -> Result<()> {
    Stage::run("ipv4-ipv6", |stage| {
        let server = company(stage, "media=relay")?;
        let mut one = Desk::set(&server, "100", HOME)?;
        let mut other = Desk::set(&server, "101", IpAddr::V6(Ipv6Addr::LOCALHOST))?;
        one.phone.call("101");
        play(&mut one.phone, &mut other.phone, "the call", both_up)?;
        let audio = [one.end("audio", 0)?, other.end("audio", 0)?];
        ensure!(audio[0].relay.is_ipv4() && audio[1].relay.is_ipv6());
        audio[0].talks(&audio[1], |number| rtp(0, 160, number))?;
        end(&server, &mut one.phone, &mut other.phone)?;
        println!("COUNT interop/ipv6 1");
        Ok(format!("{MANY} packets each way"))
    })
}
