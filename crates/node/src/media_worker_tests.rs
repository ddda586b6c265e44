//! A media worker with real sockets: packets between two legs, ports that run out and come back.

use crate::clock::Clock;
use crate::inbox::{BULK, Inbox};
use crate::listen::Address;
use crate::media_worker::MediaWorker;
use crate::shared::{MediaItem, ROOM_FRAMES, Shared, Sure, Want};
use crate::spool::SpoolDesk;
use crate::sys::{Events, Interest, Poll};
use crate::{Live, Settings};
use arc_swap::ArcSwap;
use link::Control;
use model::{
    Codec, Item, Leg, MediaCommand, MediaReport, MediaSessionId, Over, Playlist, Program, RoomId, Seat,
    Seats, Sound, TenantId, ToneName, Transport, Voice,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::RangeInclusive;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tenancy::Directory;

const PATIENCE: Duration = Duration::from_secs(10);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A worker thread and a session worker's inbox in which nobody else reads.
struct Bench {
    live: Live,
    threads: Vec<JoinHandle<()>>,
    link: Control,
    /// The media worker that commands go to, and where those of each session went.
    at: usize,
    places: BTreeMap<MediaSessionId, usize>,
    /// Its ports are nobody else's.
    _claims: Vec<TcpListener>,
}

/// A free run of ports below the ephemeral range, and what keeps other tests from it: they look at the same time, and ask
/// for the same numbers of TCP, which nobody uses.
fn free_ports(count: u16) -> (RangeInclusive<u16>, Vec<TcpListener>) {
    let claim = |first: u16| -> Option<Vec<TcpListener>> {
        let ports = first..first + count;
        let claims = ports.clone().map(|port| TcpListener::bind((HERE, port)));
        let claims = claims.collect::<Result<_, _>>().ok()?;
        let free = ports
            .into_iter()
            .all(|port| UdpSocket::bind((HERE, port)).is_ok());
        free.then_some(claims)
    };
    let mut starts = (20_000_u16..30_000).step_by(usize::from(count));
    let run = |first: u16| claim(first).map(|claims| (first..=first + count - 1, claims));
    starts.find_map(run).unwrap()
}

impl Bench {
    fn new(ports: u16) -> Bench {
        Bench::of(ports, 1)
    }

    /// With so many media workers.
    fn of(ports: u16, workers: usize) -> Bench {
        let (keeper, _) = channel();
        let (rtp_ports, claims) = free_ports(ports);
        let [(sounds, wants), (own_sounds, own_wants)] = [(); 2].map(|()| sync_channel(8));
        let shared = Arc::new(Shared {
            trust: crate::trust::Trust::load(None, None).unwrap(),
            hep: None,
            wishes: crate::shared::Wishes::default(),
            vouching: crate::vouching::Vouching::load(
                &crate::settings::Stir::default(),
                &crate::settings::Dns::default(),
            )
            .unwrap(),
            counted: crate::shared::Counted::default(),
            peers: Arc::default(),
            border: crate::border_desk::BorderDesk::new(&crate::settings::Border::default(), Arc::default())
                .unwrap(),
            resolver: crate::resolve::Resolver::new(crate::settings::Dns::default(), &[]),
            settings: Settings {
                rtp_ports,
                ..Settings::default()
            },
            clock: Clock::new(),
            addresses: vec![Address {
                transport: Transport::Udp,
                bound: (HERE, 5060).into(),
                public: (HERE, 5060).into(),
            }],
            directory: Arc::new(ArcSwap::from_pointee(Directory::default())),
            dtls: crate::dtls::Certificates::make().unwrap(),
            tls: None,
            sessions: vec![Inbox::new(BULK).unwrap()],
            media: (0..workers).map(|_| Inbox::new(ROOM_FRAMES).unwrap()).collect(),
            edge_key: [0; 32],
            token_key: [0; 32],
            draining: false.into(),
            hurry: false.into(),
            media_packets: 0.into(),
            media_ticks_late: 0.into(),
            room_frames_shed: 0.into(),
            media_ports: crate::shared::Ports::new(),
            sounds,
            own_sounds,
            keeper,
            forks: Arc::default(),
            spool: Arc::new(SpoolDesk::new(std::path::Path::new("nowhere"), channel().0)),
        });
        let live = Live {
            shared: Arc::clone(&shared),
        };
        let library = Arc::clone(&shared);
        std::thread::spawn(move || crate::sounds::shipped(&library, &wants));
        let library = Arc::clone(&shared);
        std::thread::spawn(move || crate::sounds::own(&library, &own_wants));
        let work = |index: usize| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || MediaWorker::new(index, shared).unwrap().run())
        };
        let threads = (0..workers).map(work).collect();
        Bench {
            live,
            threads,
            link: Control::new(),
            at: 0,
            places: BTreeMap::new(),
            _claims: claims,
        }
    }

    fn send(&self, item: MediaItem) {
        self.live.shared.media[self.at].send(item);
    }

    fn command(&mut self, command: MediaCommand) {
        self.places.insert(command.session(), self.at);
        self.link.say(command, 1, self.live.shared.clock.mono());
        self.flush();
    }

    fn flush(&mut self) {
        while let Some(frame) = self.link.poll_frame() {
            let at = self.places.get(&frame.session).copied().unwrap_or(0);
            self.live.shared.media[at].send(MediaItem::Frame(frame));
        }
    }

    /// The next report.
    fn report(&mut self) -> MediaReport {
        let inbox = &self.live.shared.sessions[0];
        let (poll, mut events) = (Poll::new().unwrap(), Events::new(1));
        poll.add(inbox.as_fd(), 0, Interest::Edge).unwrap();
        loop {
            if let Some(report) = self.link.poll_report() {
                self.flush();
                return report;
            }
            let mut seen = Vec::new();
            inbox.take(&mut seen, &mut Vec::new());
            if seen.is_empty() {
                assert_eq!(poll.wait(&mut events, Some(PATIENCE)).unwrap(), 1, "no report");
            }
            for item in seen {
                match item {
                    Sure::Media(frame) => self.link.hear(frame, self.live.shared.clock.mono()),
                    _ => panic!("not a report"),
                }
            }
        }
    }

    fn open(&mut self, session: MediaSessionId) -> MediaReport {
        self.command(MediaCommand::Open {
            session,
            caller_ip: HERE,
            callee_ip: HERE,
            silence_s: 0,
            urgent: false,
        });
        self.report()
    }

    fn describe(&mut self, session: MediaSessionId, leg: Leg, phone: &Phone) {
        self.command(MediaCommand::Remote {
            session,
            leg,
            rtp: Some(phone.rtp.local_addr().unwrap()),
            rtcp: Some(phone.rtcp.local_addr().unwrap()),
            signalling_ip: HERE,
            srtp: None,
            web: None,
            voice: Some(Box::new(Voice::new(8, Codec::Pcma))),
        });
    }

    fn stop(self) {
        for (inbox, thread) in self.live.shared.media.iter().zip(self.threads) {
            inbox.send(MediaItem::Stop);
            thread.join().unwrap();
        }
        for sounds in [&self.live.shared.sounds, &self.live.shared.own_sounds] {
            sounds.send(Want::Stop).unwrap();
        }
    }
}

/// Two sockets of a phone.
struct Phone {
    rtp: UdpSocket,
    rtcp: UdpSocket,
}

impl Phone {
    fn new() -> Phone {
        let open = || {
            let socket = UdpSocket::bind((HERE, 0)).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket
        };
        Phone {
            rtp: open(),
            rtcp: open(),
        }
    }
}

fn session(tenant: u64, number: u64) -> MediaSessionId {
    MediaSessionId(tenant << 32 | number)
}

fn rtp(sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend([0, 0, 0, 7]);
    packet.extend([0xd5; 160]);
    packet
}

/// A receiver report without blocks (RFC 3550 §6.4.2).
const RTCP: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 7];

fn received(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 2048];
    let (count, from) = socket.recv_from(&mut buffer).unwrap();
    (buffer[..count].to_vec(), from)
}

#[test]
fn packets_pass_both_ways_unchanged_from_the_port_that_the_phone_knows() {
    let (mut bench, id) = (Bench::new(16), session(1, 1));
    let MediaReport::Opened { caller, callee, .. } = bench.open(id) else {
        panic!("not opened")
    };
    let (a, b) = (Phone::new(), Phone::new());
    bench.describe(id, Leg::Caller, &a);
    bench.describe(id, Leg::Callee, &b);
    bench.command(MediaCommand::Open {
        session: id,
        caller_ip: HERE,
        callee_ip: HERE,
        silence_s: 0,
        urgent: false,
    });
    // Its answer comes after both descriptions were taken in.
    assert!(matches!(bench.report(), MediaReport::Opened { .. }));
    for sequence in 0..50 {
        a.rtp.send_to(&rtp(sequence), caller).unwrap();
        assert_eq!(received(&b.rtp), (rtp(sequence), callee));
        b.rtp.send_to(&rtp(sequence), callee).unwrap();
        assert_eq!(received(&a.rtp), (rtp(sequence), caller));
    }
    let control = |rtp: SocketAddr| SocketAddr::new(rtp.ip(), rtp.port() + 1);
    a.rtcp.send_to(&RTCP, control(caller)).unwrap();
    assert_eq!(received(&b.rtcp), (RTCP.to_vec(), control(callee)));
    bench.command(MediaCommand::Close { session: id });
    let MediaReport::Closed { caller, callee, .. } = bench.report() else {
        panic!("not closed")
    };
    assert_eq!((caller.packets, caller.lost, caller.rtcp), (50, 0, 1));
    assert_eq!((callee.packets, callee.bytes), (50, 50 * 172));
    bench.stop();
}

#[test]
fn a_burst_leaves_whole_and_in_order() {
    let (mut bench, id) = (Bench::new(16), session(1, 1));
    let MediaReport::Opened { caller, .. } = bench.open(id) else {
        panic!("not opened")
    };
    let (a, b) = (Phone::new(), Phone::new());
    bench.describe(id, Leg::Caller, &a);
    bench.describe(id, Leg::Callee, &b);
    for sequence in 0..100 {
        a.rtp.send_to(&rtp(sequence), caller).unwrap();
    }
    // The commands may be read after the first packets; from then on none is missing.
    let mut last = 0;
    while last != 99 {
        let (packet, _) = received(&b.rtp);
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        assert!(last == 0 || sequence == last + 1, "{sequence} after {last}");
        last = sequence;
    }
    bench.stop();
}

#[test]
fn ports_run_out_and_the_sessions_of_a_rebuilt_tenant_close_in_silence() {
    let mut bench = Bench::new(8);
    assert!(matches!(bench.open(session(1, 1)), MediaReport::Opened { .. }));
    assert!(matches!(bench.open(session(2, 1)), MediaReport::Opened { .. }));
    assert!(matches!(bench.open(session(1, 2)), MediaReport::Refused { .. }));
    bench.link.forget(TenantId(1));
    bench.send(MediaItem::Abandon(TenantId(1)));
    // Nothing is said of the abandoned session, so the next report is about the other tenant's.
    bench.command(MediaCommand::Close {
        session: session(2, 1),
    });
    assert!(matches!(bench.report(), MediaReport::Closed { session: id, .. } if id == session(2, 1)));
    bench.stop();
}

#[test]
fn what_another_media_worker_sent_is_not_relayed_again() {
    let (mut bench, id) = (Bench::new(16), session(1, 1));
    let MediaReport::Opened { caller, .. } = bench.open(id) else {
        panic!("not opened")
    };
    let (a, b, other) = (Phone::new(), Phone::new(), Phone::new());
    bench.describe(id, Leg::Caller, &other);
    bench.describe(id, Leg::Callee, &b);
    let theirs = other.rtp.local_addr().unwrap().port();
    bench.live.shared.media_ports.insert(theirs);
    // Its answer comes after both descriptions were taken in.
    assert!(matches!(bench.open(id), MediaReport::Opened { .. }));
    other.rtp.send_to(&rtp(1), caller).unwrap();
    a.rtp.send_to(&rtp(2), caller).unwrap();
    assert_eq!(received(&b.rtp).0, rtp(2));
    bench.stop();
}

/// A session with one leg, described; its address.
fn serve(bench: &mut Bench, id: MediaSessionId, phone: &Phone) -> SocketAddr {
    bench.command(MediaCommand::Serve {
        session: id,
        ip: HERE,
        silence_s: 0,
        ssrc: 99,
    });
    let MediaReport::Serving { address, .. } = bench.report() else {
        panic!("not serving")
    };
    bench.describe(id, Leg::Caller, phone);
    address
}

#[test]
fn an_echo_comes_back_from_the_port_that_the_phone_knows() {
    let (mut bench, id) = (Bench::new(16), session(1, 1));
    let phone = Phone::new();
    let address = serve(&mut bench, id, &phone);
    bench.command(MediaCommand::Play {
        session: id,
        leg: Leg::Caller,
        id: 7,
        program: Some(Program::Echo),
        over: Over::Instead,
    });
    // The next answer comes after the commands.
    assert!(matches!(bench.open(session(1, 2)), MediaReport::Opened { .. }));
    for sequence in 0..20 {
        phone.rtp.send_to(&rtp(sequence), address).unwrap();
        let (packet, from) = received(&phone.rtp);
        assert_eq!((from, &packet[12..]), (address, &rtp(sequence)[12..]));
        assert_eq!(packet[8..12], [0, 0, 0, 99]);
    }
    bench.command(MediaCommand::Close { session: id });
    let MediaReport::Closed { caller, callee, .. } = bench.report() else {
        panic!("not closed")
    };
    assert_eq!((caller.packets, callee.packets), (20, 0));
    bench.stop();
}

#[test]
fn a_tone_comes_every_20_ms_and_is_reported_when_it_is_over() {
    let (mut bench, id) = (Bench::new(16), session(1, 1));
    let phone = Phone::new();
    serve(&mut bench, id, &phone);
    bench.command(MediaCommand::Play {
        session: id,
        leg: Leg::Caller,
        id: 7,
        program: Some(Program::tone(ToneName::Dial, "de", 200)),
        over: Over::Instead,
    });
    let begin = std::time::Instant::now();
    let packets: Vec<Vec<u8>> = (0..10).map(|_| received(&phone.rtp).0).collect();
    let took = begin.elapsed();
    assert!(took.as_millis() >= 150, "{took:?}");
    assert!(packets.iter().all(|p| p.len() == 172 && p[1] & 0x7f == 8));
    let played = MediaReport::Played {
        session: id,
        leg: Leg::Caller,
        id: 7,
        missing: 0,
    };
    assert_eq!(bench.report(), played);
    bench.stop();
}

#[test]
fn a_prompt_is_heard_and_one_that_there_is_none_of_is_counted() {
    let (mut bench, id) = (Bench::new(16), session(1, 1));
    let phone = Phone::new();
    serve(&mut bench, id, &phone);
    let sound = |name: &str| {
        Item::Sound(Sound::Prompt {
            language: "en".into(),
            name: name.into(),
        })
    };
    bench.command(MediaCommand::Play {
        session: id,
        leg: Leg::Caller,
        id: 7,
        program: Some(Program::Play(Playlist {
            items: vec![sound("no/such prompt"), sound("number/7")],
            times: 1,
        })),
        over: Over::Instead,
    });
    let played = MediaReport::Played {
        session: id,
        leg: Leg::Caller,
        id: 7,
        missing: 1,
    };
    assert_eq!(bench.report(), played);
    let quiet = audio::g711::Law::A.silence();
    let loud = std::iter::from_fn(|| Some(received(&phone.rtp).0))
        .take(15)
        .any(|packet| packet[12..].iter().any(|octet| octet & 0x7F != quiet & 0x7F));
    assert!(loud, "silence alone");
    bench.stop();
}

/// Two phones of one room on two workers hear each other, and one whose session is another tenant's hears neither.
#[test]
fn a_room_reaches_over_media_workers_and_not_over_tenants() {
    let mut bench = Bench::of(24, 2);
    let phones = [Phone::new(), Phone::new(), Phone::new()];
    let sessions = [session(1, 1), session(1, 2), session(2, 1)];
    let mut addresses = Vec::new();
    for (n, (phone, id)) in phones.iter().zip(sessions).enumerate() {
        bench.at = n % 2;
        addresses.push(serve(&mut bench, id, phone));
        let seat = Seat {
            speaks: true,
            hears: true,
        };
        let room = RoomId {
            tenant: TenantId(1),
            number: 7,
        };
        bench.command(MediaCommand::Join {
            session: id,
            seats: Some(Seats {
                room,
                caller: seat,
                callee: Seat::default(),
                chimes: false,
            }),
        });
    }
    // What comes to the first sets the pace: a packet in 20 ms.
    let pace = Duration::from_millis(20);
    phones[0].rtp.set_read_timeout(Some(pace)).unwrap();
    phones[1].rtp.set_nonblocking(true).unwrap();
    phones[2].rtp.set_nonblocking(true).unwrap();
    let (mut heard, mut last) = ([0; 3], 0);
    let begin = std::time::Instant::now();
    while heard[0] < 20 || heard[1] < 20 {
        assert!(begin.elapsed() < PATIENCE, "{heard:?}");
        for (n, phone) in phones.iter().enumerate() {
            let mut packet = rtp(last);
            packet[1] = 8;
            // A square wave of 500 Hz.
            for (at, octet) in packet.iter_mut().skip(12).enumerate() {
                *octet = if at / 8 % 2 == 0 { 0xB5 } else { 0x35 };
            }
            phone.rtp.send_to(&packet, addresses[n]).unwrap();
            let mut buffer = [0; 2000];
            while let Ok(length) = phone.rtp.recv(&mut buffer) {
                let sound = &buffer[12..length];
                heard[n] += usize::from(sound.iter().all(|octet| *octet == 0xB5 || *octet == 0x35));
                if n == 0 {
                    break;
                }
            }
        }
        last += 1;
    }
    assert_eq!(heard[2], 0);
    bench.stop();
}
