//! Whole calls through a node: audio through its relay, records that outlive a kill, a database that is
//! away, a shutdown in mid-call.

use crate::house::{House, until};
use crate::phone::{Phone, field, status};
use model::{Cdr, EndedBy, Transport};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use store::{CdrFilter, Store};
use tempfile::TempDir;

const URI: &str = "sip:102@example.com";

/// A phone's description with one G.711 stream.
fn sdp(rtp: &UdpSocket) -> String {
    let port = rtp.local_addr().unwrap().port();
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
    )
}

/// Where a description wants its packets.
fn rtp_address(message: &str) -> SocketAddr {
    let line = |start: &str| message.lines().find_map(|l| l.strip_prefix(start)).unwrap();
    let port = line("m=audio ").split(' ').next().unwrap();
    format!("{}:{port}", line("c=IN IP4 ")).parse().unwrap()
}

/// Two phones in a call.
pub(crate) struct Talk {
    caller: Phone,
    callee: Phone,
    rtp: [UdpSocket; 2],
    /// Where each side sends its packets, caller first.
    relay: [SocketAddr; 2],
    ok: String,
}

fn media() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(crate::house::PATIENCE)).unwrap();
    socket
}

impl Talk {
    /// 101 calls 102, who answers.
    pub(crate) fn begin(house: &House, transport: Transport) -> Talk {
        let (mut caller, mut callee) = (Phone::new(house, transport), Phone::new(house, transport));
        for (phone, user) in [(&mut caller, "101"), (&mut callee, "102")] {
            let contact = format!("<sip:{user}@{};transport={transport}>;expires=600", phone.local);
            assert_eq!(status(&phone.register_as(user, "example.com", &contact)), 200);
        }
        let rtp = [media(), media()];
        let invite = |caller: &Phone, proof: &str| {
            let body = sdp(&rtp[0]);
            let extra = format!(
                "Contact: <sip:101@{};transport={transport}>\r\nContent-Type: application/sdp\r\n{proof}",
                caller.local
            );
            let request = caller.request("INVITE", URI, URI, &extra);
            let request = request.replace(&format!("From: <{URI}>"), "From: <sip:101@example.com>");
            request.replace(
                "Content-Length: 0\r\n\r\n",
                &format!("Content-Length: {}\r\n\r\n{body}", body.len()),
            )
        };
        let first = invite(&caller, "");
        let challenge = caller.ask(&first);
        assert_eq!(status(&challenge), 407, "{challenge}");
        caller.send(ack(&first, &challenge, URI).as_bytes());
        let proof = crate::journals::authorization("101", &challenge, "INVITE", URI);
        let second = invite(&caller, &proof);
        caller.send(second.as_bytes());
        let ringing = callee.expect("INVITE");
        let extra = format!(
            "Contact: <sip:102@{};transport={transport}>\r\nContent-Type: application/sdp\r\n",
            callee.local
        );
        callee.accept(&ringing, &extra, &sdp(&rtp[1]));
        let ok = caller.answer_to(&second);
        assert_eq!(status(&ok), 200, "{ok}");
        let relay = [rtp_address(&ok), rtp_address(&ringing)];
        let talk = Talk {
            caller,
            callee,
            rtp,
            relay,
            ok,
        };
        talk.acknowledged()
    }

    fn acknowledged(mut self) -> Talk {
        let ack = self.in_dialog("ACK", 0);
        self.caller.send(ack.as_bytes());
        self.callee.expect("ACK");
        self
    }

    /// A request of the caller inside the dialog; the sequence number rises by `step`.
    fn in_dialog(&self, method: &str, step: u32) -> String {
        let contact = field(&self.ok, "Contact");
        let target = contact.trim_start_matches('<').split('>').next().unwrap();
        let sequence: u32 = field(&self.ok, "CSeq")
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let base = self.caller.request(method, target, URI, "");
        let keep = |name: &str| format!("{name}: {}\r\n", field(&self.ok, name));
        let via = field(&base, "Via");
        let (from, to, id) = (keep("From"), keep("To"), keep("Call-ID"));
        let sequence = sequence + step;
        format!(
            "{method} {target} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\n{from}{to}{id}\
             CSeq: {sequence} {method}\r\nContent-Length: 0\r\n\r\n"
        )
    }

    /// Both hear each other.
    fn speak(&self) {
        for sequence in 0..20_u8 {
            for (from, to) in [(0, 1), (1, 0)] {
                let mut packet = vec![0x80, 0, 0, sequence, 0, 0, 0, sequence, 0, 0, 0, 7];
                packet.extend([sequence; 160]);
                self.rtp[from].send_to(&packet, self.relay[from]).unwrap();
                let mut buffer = [0; 2048];
                let (count, source) = self.rtp[to].recv_from(&mut buffer).unwrap();
                assert_eq!(buffer[..count], packet);
                assert_eq!(source, self.relay[to], "from the port that the phone sends to");
            }
        }
    }

    /// The caller hangs up.
    pub(crate) fn end(mut self) {
        let bye = self.in_dialog("BYE", 1);
        self.caller.send(bye.as_bytes());
        let received = self.callee.expect("BYE");
        self.callee.accept(&received, "", "");
        assert_eq!(status(&self.caller.answer_to(&bye)), 200);
    }
}

pub(crate) fn ack(invite: &str, answer: &str, uri: &str) -> String {
    let sequence = field(invite, "CSeq").split(' ').next().unwrap();
    format!(
        "ACK {uri} SIP/2.0\r\nVia: {}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\n\
         CSeq: {sequence} ACK\r\nContent-Length: 0\r\n\r\n",
        field(invite, "Via"),
        field(invite, "From"),
        field(answer, "To"),
        field(invite, "Call-ID")
    )
}

fn records(dir: &Path) -> Vec<Cdr> {
    let mut store = Store::open(dir).unwrap();
    let scope = store.directory().unwrap().by_domain("example.com").unwrap();
    store.cdrs(&scope, &CdrFilter::default()).unwrap()
}

/// The data directory as a kill at this moment would leave it.
pub(crate) fn as_killed(house: &House) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_all(house.dir.path(), copy.path());
    copy
}

fn copy_all(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_all(&entry.path(), &target);
        } else if let Err(e) = std::fs::copy(entry.path(), &target) {
            // A drained segment may go while we look.
            assert_eq!(e.kind(), std::io::ErrorKind::NotFound);
        }
    }
}

/// Another process that holds the database's write lock until dropped.
pub(crate) struct Held {
    runtime: tokio::runtime::Runtime,
    connection: SqliteConnection,
}

impl Held {
    pub(crate) fn new(dir: &Path) -> Held {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let options = SqliteConnectOptions::new().filename(dir.join("carillon.db"));
        let connection = runtime.block_on(options.connect()).unwrap();
        let mut held = Held { runtime, connection };
        held.run("BEGIN IMMEDIATE");
        held
    }

    pub(crate) fn run(&mut self, statement: &'static str) {
        let query = sqlx::query(AssertSqlSafe(statement)).execute(&mut self.connection);
        self.runtime.block_on(query).unwrap();
    }
}

#[test]
fn a_call_carries_audio_on_every_transport_and_leaves_one_record() {
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        let house = House::with(|s| s.workers = 3);
        let talk = Talk::begin(&house, transport);
        assert_eq!(house.live().calls(house.scope("example.com")).unwrap().len(), 1);
        assert_eq!(house.live().status().unwrap().calls, 1);
        talk.speak();
        talk.end();
        until("the record is stored", || records(house.dir.path()).len() == 1);
        let record = records(house.dir.path()).remove(0);
        assert_eq!((record.ended_by, record.cause.sip), (EndedBy::Caller, 200));
        assert_eq!(record.caller_media.unwrap().packets, 20);
        assert_eq!(record.callee_media.unwrap().packets, 20);
        until("the call is gone", || house.live().status().unwrap().calls == 0);
        let dir = house.stop();
        assert_eq!(records(dir.path()).len(), 1);
    }
}

#[test]
fn a_kill_after_the_last_answer_loses_neither_record_nor_binding() {
    let house = House::new();
    // The database takes nothing, so the record can only be in the spool.
    let mut held = Held::new(house.dir.path());
    Talk::begin(&house, Transport::Udp).end();
    until("the call is gone", || house.live().status().unwrap().calls == 0);
    let killed = as_killed(&house);
    held.run("ROLLBACK");
    house.stop();
    assert!(records(killed.path()).is_empty());
    let house = House::on(killed, |_| {});
    assert_eq!(
        house
            .live()
            .registrations(house.scope("example.com"))
            .unwrap()
            .len(),
        2
    );
    until("the record is stored", || records(house.dir.path()).len() == 1);
    house.stop();
}

#[test]
fn calls_go_on_while_the_database_is_locked_and_their_records_follow() {
    let house = House::new();
    let mut held = Held::new(house.dir.path());
    for _ in 0..3 {
        Talk::begin(&house, Transport::Udp).end();
    }
    assert!(records(house.dir.path()).is_empty());
    held.run("ROLLBACK");
    until("all records are stored", || records(house.dir.path()).len() == 3);
    assert_eq!(house.live().counts().unwrap().spool_failed, 0);
    house.stop();
}

#[test]
fn a_shutdown_waits_for_a_call_and_then_says_goodbye_to_both() {
    let house = House::with(|s| s.grace_s = 1);
    let Talk {
        mut caller,
        mut callee,
        ..
    } = Talk::begin(&house, Transport::Udp);
    let mut stranger = Phone::new(&house, Transport::Udp);
    let answering = std::thread::spawn(move || {
        for phone in [&mut caller, &mut callee] {
            let bye = phone.expect("BYE");
            phone.accept(&bye, "", "");
        }
    });
    stranger.check();
    let dir = house.stop();
    answering.join().unwrap();
    let all = records(dir.path());
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].ended_by, EndedBy::System);
}
