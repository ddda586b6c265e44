//! A phone: a SIP user agent written apart from the stack under test, so that the two check each other.
//!
//! Owns: registration with digest, calls both ways, retransmission of its requests and 2xx (RFC 3261 §17, §13.3.1.4),
//! hold and resume, a few RTP packets. Does not own: choosing what to do; the scenario or the seed does.

mod abilities;
pub(crate) mod audio;
mod beside;
mod called;
mod dialog;
pub mod digest;
mod keys;
mod message;
mod pending;
mod reliable;
mod session;
mod text;
mod transfer;
mod watch;

use crate::rng::Rng;
pub use abilities::Abilities;
pub use audio::Astray;
use beside::Asked;
pub use beside::Beside;
use dialog::Dialog;
use keys::Ends;
pub use keys::Sdes;
use message::Outstanding;
use model::Transport;
use sip::{Message, Method, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;
pub use watch::{Watch, Watching};

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
const TIMEOUT: Duration = Duration::from_secs(32);

/// How far a call on a phone has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// We called; no final answer.
    Calling,
    /// We are being called and have not decided.
    Ringing,
    /// Answered.
    Up,
    /// Over.
    Over,
}

/// What a phone does when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Rings, then picks up after this many milliseconds.
    PickUp(u64),
    /// Plays something before it picks up.
    EarlyMedia(u64),
    /// Rings, then refuses with this status after this many milliseconds.
    Refuse(u16, u64),
    /// Rings until it is called off.
    Ring,
    /// Says 100 and nothing more until it is called off.
    Mute,
    /// Is switched off: nothing is heard from it.
    Dead,
}

/// What a phone does with connections to the address that it has for datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listens {
    /// Nobody listens: refused.
    #[default]
    No,
    /// A packet filter swallows every attempt.
    Filtered,
    /// Takes them and serves what comes.
    Yes,
    /// Takes them and reads nothing.
    Deaf,
    /// Takes them and closes them at the first message.
    Closes,
}

/// Who a phone is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Name in the ladder.
    pub name: String,
    /// Where it is.
    pub address: SocketAddr,
    /// How it connects.
    pub transport: Transport,
    /// Domain of its tenant.
    pub domain: String,
    /// Extension and digest username.
    pub user: String,
    /// Password.
    pub password: String,
}

/// A phone.
#[derive(Debug)]
pub struct Phone {
    /// Who it is.
    pub identity: Identity,
    /// What it does when it is called.
    pub answer: Answer,
    /// A document that it sends beside the descriptions in its requests.
    pub says_place: Option<String>,
    /// Payload types that it offers.
    pub codecs: Vec<u8>,
    /// The status that it refuses every re-INVITE with, if it does.
    pub refuses_reinvite: Option<u16>,
    /// Contacts of its redirections (3xx).
    pub forwards_to: Vec<String>,
    /// What it knows beyond plain calls.
    pub abilities: Abilities,
    /// Instance URN and `reg-id` that it registers with; `reg-id` 0 is not written.
    pub instance: Option<(String, u32)>,
    /// The connection that it uses; zero over UDP.
    pub connection: u64,
    /// What it does with connections that the server opens.
    pub listens: Listens,
    /// The last one that it took.
    pub taken: Option<u64>,
    /// The token in the address that it opens its WebSocket by.
    pub token: Option<String>,
    /// A token that it shows with every request.
    pub bearer: Option<String>,
    /// Final answers that it got, by method, oldest first.
    pub heard: Vec<(String, u16)>,
    /// Answers every BYE and re-INVITE with a challenge, to see whose password it gets.
    pub rogue: bool,
    /// Hangs up when a transfer of its own has succeeded, as RFC 5589 wants; else it waits to be hung up.
    pub leaves: bool,
    /// What NOTIFYs said about transfers, oldest first.
    pub transfers: Vec<u16>,
    /// Sends no audio.
    pub mute: bool,
    /// Where its audio goes instead of where it should.
    pub astray: Astray,
    /// Requests that nobody answered.
    pub unanswered: u64,
    /// Final answers to INVITEs that nobody acknowledged.
    pub unacknowledged: u64,
    /// Keys that it was told of by INFO.
    pub digits: String,
    /// Session refreshes received.
    pub refreshed: u64,
    /// Sessions that the other side should have refreshed and did not.
    pub expired: u64,
    /// Provisional responses of ours that nobody acknowledged.
    pub unpracked: u64,
    /// RTP packets received.
    pub packets_received: u64,
    /// RTP packets received while no call was up.
    pub packets_astray: u64,
    /// How it protects its audio; not at all where there is nothing.
    pub sdes: Option<Sdes>,
    /// Describes itself as a browser does, under this name for ICE, and takes nothing else. It sends no checks and no DTLS.
    pub ufrag: Option<&'static str>,
    /// Describes itself as a phone with DTLS-SRTP and no ICE does, with this value of `a=fingerprint`, and takes nothing else. It
    /// sends no DTLS.
    pub dtls: Option<String>,
    /// Protects its packets with another key than it says.
    pub lies: bool,
    /// RTP packets received that did not open.
    pub unopened: u64,
    /// How often the other side has changed its key.
    pub rekeyed: u64,
    /// When it hung up last.
    hung_up: Option<Duration>,
    /// Whose voices were heard: the first four octets of what they sent.
    pub voices: BTreeSet<[u8; 4]>,
    /// RTP packets that were not said by a phone in G.711, as it seems.
    pub spoken_to: u64,
    /// RTP packets received, by payload type.
    pub formats: BTreeMap<u8, u64>,
    /// Bodies of NOTIFYs that nobody had asked for.
    pub told: Vec<String>,
    /// Texts that came in: from whom, and what.
    pub texts: Vec<(String, String)>,
    /// The status that it refuses every text with, if it does.
    pub refuses_text: Option<u16>,
    /// Profile, and the tag for us, of the last description that came.
    asked: Option<(Box<str>, Option<u32>)>,
    /// What it describes beside its audio.
    pub beside: Beside,
    beside_asked: Asked,
    ends: Vec<Ends>,
    etag: String,
    watches: Vec<Watch>,
    server: SocketAddr,
    rng: Rng,
    out: Vec<Vec<u8>>,
    media: Vec<(SocketAddr, Vec<u8>)>,
    outstanding: BTreeMap<String, Outstanding>,
    dialogs: BTreeMap<usize, Dialog>,
    next_dialog: usize,
    registration: (String, u32),
    next_rtp: Option<Duration>,
    rtp_sequence: u16,
    version: u64,
}

impl Phone {
    /// A phone that is switched on and has said nothing yet.
    #[must_use]
    pub fn new(identity: Identity, server: SocketAddr, answer: Answer, mut rng: Rng) -> Phone {
        let registration = (format!("reg-{:x}", rng.next()), 0);
        Phone {
            identity,
            answer,
            says_place: None,
            codecs: vec![0, 8],
            refuses_reinvite: None,
            forwards_to: Vec::new(),
            abilities: Abilities::default(),
            instance: None,
            connection: 0,
            listens: Listens::default(),
            taken: None,
            token: None,
            bearer: None,
            heard: Vec::new(),
            rogue: false,
            leaves: true,
            transfers: Vec::new(),
            mute: false,
            unanswered: 0,
            unacknowledged: 0,
            unpracked: 0,
            digits: String::new(),
            refreshed: 0,
            expired: 0,
            packets_received: 0,
            packets_astray: 0,
            sdes: None,
            ufrag: None,
            dtls: None,
            lies: false,
            astray: Astray::No,
            unopened: 0,
            rekeyed: 0,
            asked: None,
            beside: Beside::default(),
            beside_asked: Asked::default(),
            ends: Vec::new(),
            hung_up: None,
            voices: BTreeSet::new(),
            spoken_to: 0,
            formats: BTreeMap::new(),
            told: Vec::new(),
            texts: Vec::new(),
            refuses_text: None,
            etag: String::new(),
            watches: Vec::new(),
            server,
            rng,
            out: Vec::new(),
            media: Vec::new(),
            outstanding: BTreeMap::new(),
            dialogs: BTreeMap::new(),
            next_dialog: 0,
            registration,
            next_rtp: None,
            rtp_sequence: 0,
            version: 0,
        }
    }

    /// Where its audio arrives: the address above its SIP port.
    #[must_use]
    pub fn rtp_address(&self) -> SocketAddr {
        SocketAddr::new(self.identity.address.ip(), self.identity.address.port() + 1000)
    }

    /// Registers for this long; 0 unregisters.
    pub fn register(&mut self, expires_s: u32, now: Duration) {
        self.registration.1 += 1;
        let mut contact = message::contact(&self.identity);
        let mut extra = vec![(Name::Expires, expires_s.to_string())];
        if let Some((urn, reg_id)) = &self.instance {
            contact.push_str(&format!(";+sip.instance=\"<{urn}>\""));
            if *reg_id != 0 {
                contact.push_str(&format!(";reg-id={reg_id}"));
                extra.push((Name::Supported, "path, outbound".to_owned()));
            }
        }
        extra.push((Name::Contact, contact));
        let uri = format!("sip:{}", self.identity.domain);
        let call_id = self.registration.0.clone();
        self.request(
            Method::Register,
            &uri,
            &call_id,
            self.registration.1,
            &extra,
            None,
            now,
        );
    }

    /// Calls a number in its own domain, or `user@domain`. Returns the number of the call on this phone.
    pub fn call(&mut self, target: &str, now: Duration) -> usize {
        self.call_with(target, &[], now)
    }

    /// The same with more headers.
    pub fn call_with(&mut self, target: &str, headers: &[(Name, String)], now: Duration) -> usize {
        let uri = if target.starts_with("urn:") {
            target.to_owned()
        } else if target.contains('@') {
            format!("sip:{target}")
        } else {
            format!("sip:{target}@{}", self.identity.domain)
        };
        let number = self.next_dialog;
        self.next_dialog += 1;
        let dialog = Dialog::outgoing(&self.identity, &uri, &mut self.rng);
        let call_id = dialog.call_id.clone();
        self.dialogs.insert(number, dialog);
        let offer = (!self.abilities.offerless).then(|| self.description("sendrecv"));
        let mut extra = self.invite_headers(0);
        extra.extend_from_slice(headers);
        self.request(Method::Invite, &uri, &call_id, 1, &extra, offer, now);
        number
    }

    /// Takes a call back that is not answered yet.
    pub fn cancel(&mut self, number: usize, now: Duration) {
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return;
        };
        if dialog.state != State::Calling {
            return;
        }
        dialog.gave_up = true;
        let call_id = dialog.call_id.clone();
        let invite = self
            .outstanding
            .values()
            .find(|o| o.method == "INVITE" && o.call_id == call_id && o.provisional);
        if let Some(cancel) = invite.and_then(Outstanding::cancel) {
            self.start(cancel, now);
        }
    }

    /// Hangs up.
    pub fn hang_up(&mut self, number: usize, now: Duration) {
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return;
        };
        if dialog.state == State::Up {
            dialog.state = State::Over;
            dialog.answer = None;
            self.hung_up = Some(now);
            let (uri, call_id, cseq) = dialog.next_request();
            self.request(Method::Bye, &uri, &call_id, cseq, &[], None, now);
        }
    }

    /// Ends a call however far it has come.
    pub fn end(&mut self, number: usize, now: Duration) {
        match self.dialogs.get(&number).map(|d| d.state) {
            Some(State::Calling) => self.cancel(number, now),
            Some(State::Ringing) => self.decline(number, now),
            Some(State::Up) => self.hang_up(number, now),
            Some(State::Over) | None => {}
        }
    }

    /// Asks for another direction, such as `sendonly` for hold, or for other codecs. An empty direction asks the
    /// other side for an offer.
    pub fn reinvite(&mut self, number: usize, direction: &str, now: Duration) {
        let offer = (!direction.is_empty()).then(|| self.description(direction));
        let extra = self.invite_headers(0);
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return;
        };
        if dialog.state == State::Up && !dialog.renegotiating {
            dialog.renegotiating = true;
            let (uri, call_id, cseq) = dialog.next_request();
            self.request(Method::Invite, &uri, &call_id, cseq, &extra, offer, now);
        }
    }

    /// The calls on this phone and their states.
    #[must_use]
    pub fn calls(&self) -> Vec<(usize, State)> {
        self.dialogs
            .iter()
            .map(|(number, dialog)| (*number, dialog.state))
            .collect()
    }

    /// The phone is switched off and on: it knows of no call any more.
    pub fn forget_calls(&mut self) {
        self.dialogs.clear();
    }

    /// The Call-IDs of calls that are up.
    pub fn dialogs_up(&self) -> impl Iterator<Item = &str> {
        let up = self.dialogs.values().filter(|d| d.state == State::Up);
        up.map(|d| d.call_id.as_str())
    }

    /// True while it sends audio in that call.
    #[must_use]
    pub fn speaks_in(&self, call_id: &str) -> bool {
        let mut dialogs = self.dialogs.values();
        dialogs.any(|d| d.call_id == call_id && d.state == State::Up && d.remote_rtp.is_some())
    }

    /// True when a request or a 2xx is still unanswered.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.outstanding.is_empty()
            || self
                .dialogs
                .values()
                .any(|d| d.answer.is_some() || d.due.is_some())
    }

    /// Requests of ours that have no final answer yet. None stays for longer than 32 s (RFC 3261 Timer F), but an INVITE that
    /// rings.
    #[must_use]
    pub fn awaited(&self) -> usize {
        self.outstanding.len()
    }

    /// Messages to send to the server.
    pub fn take_messages(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.out)
    }

    /// Audio to send.
    pub fn take_media(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        std::mem::take(&mut self.media)
    }

    /// A SIP message came in.
    pub fn receive(&mut self, bytes: &[u8], now: Duration) {
        if self.answer == Answer::Dead {
            return;
        }
        let Ok(message) = Message::parse(bytes) else {
            return;
        };
        self.hear_keys(&message);
        if message.is_request() {
            self.handle_request(&message, now);
        } else {
            self.handle_response(&message, now);
        }
    }

    /// The process on the phone died: calls and requests are forgotten, nobody is told.
    pub fn reboot(&mut self) {
        self.outstanding.clear();
        self.dialogs.clear();
        self.ends.clear();
        self.watches.clear();
        self.etag.clear();
        self.next_rtp = None;
        self.registration = (format!("reg-{:x}", self.rng.next()), 0);
    }

    /// When time matters next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let requests = self.outstanding.values().map(|o| o.next);
        let dialogs = self
            .dialogs
            .values()
            .flat_map(|d| {
                let due = d.due.filter(|_| d.provisional.is_none());
                d.answer.as_ref().map(|a| a.next).into_iter().chain(due)
            })
            .chain(self.dialogs.values().filter_map(Dialog::session_due))
            .chain(self.dialogs.values().filter_map(Dialog::provisional_due));
        requests.chain(dialogs).chain(self.next_rtp).min()
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.retransmit(now);
        self.handle_due(now);
        self.handle_sessions(now);
        self.repeat_provisionals(now);
        if self.next_rtp.is_some_and(|at| at <= now) {
            self.speak(now);
        }
    }

    fn retransmit(&mut self, now: Duration) {
        let reliable = self.identity.transport.is_reliable();
        let mut dead = Vec::new();
        for (branch, request) in &mut self.outstanding {
            if request.next > now {
                continue;
            }
            match request.again(now, reliable) {
                Some(bytes) => self.out.push(bytes),
                None if request.next <= now => dead.push(branch.clone()),
                None => {}
            }
        }
        for branch in dead {
            if let Some(request) = self.outstanding.remove(&branch) {
                self.unanswered += 1;
                self.heard.push((request.method.clone(), 408));
                if request.method == "SUBSCRIBE" {
                    self.watch_answered(&request.call_id, 408, None, now);
                }
                self.final_answer(&request, 408, now);
            }
        }
        for dialog in self.dialogs.values_mut() {
            let waited = dialog.answer.is_some();
            self.out.extend(dialog.repeat_answer(now));
            self.unacknowledged += u64::from(waited && dialog.answer.is_none());
        }
    }
}
