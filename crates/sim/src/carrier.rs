//! Carriers: whom trunks register with and ask whether they are there.
//!
//! Owns: what a carrier answers, by its mood. Does not own: when its messages arrive (`world`).

use crate::rng::Rng;
use model::{TlsFault, Wall};
use sip::digest::{Algorithms, Credentials, Digest, Request, ha1};
use sip::{Message, Method, Name, Writer};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// How a carrier feels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It does what it should.
    Well,
    /// It hears and says nothing.
    Deaf,
    /// It answers everything by this status, and wishes us to wait so many seconds.
    Fails(u16, Option<u32>),
    /// It wants every registration to last a second longer than it was asked for (423).
    Rises,
    /// It grants registrations by this Expires, and names no Contact.
    Grants(&'static str),
    /// It names our Contact as it is seen from outside, for a minute.
    Rewrites,
    /// It challenges again and again by this.
    Insists(&'static str),
}

/// Asks for credentials by words of its own, whatever it is shown.
#[derive(Clone, Debug)]
pub struct Rogue {
    /// 401 or 407.
    pub code: u16,
    /// The values of its challenges; `{n}` is another number each time.
    pub challenges: Vec<String>,
    /// The methods that it asks at; with none at all.
    pub methods: Vec<&'static str>,
}

/// One carrier, at one address.
pub struct Carrier {
    /// As ladders name it.
    pub name: String,
    /// Where it is.
    pub address: SocketAddr,
    /// How it feels.
    pub mood: Mood,
    /// The account that it knows, and its password; without one, anybody may register.
    pub account: Option<(String, String)>,
    /// The realm of its challenges.
    pub realm: String,
    /// The algorithms of its challenges.
    pub algorithms: Algorithms,
    /// Seconds that it wants a registration to last at least, and those that it grants at most.
    pub least_s: u32,
    /// See `least_s`.
    pub most_s: u32,
    /// It says for how long in Expires alone, rather than with the Contact.
    pub is_terse: bool,
    /// What is wrong with its certificate, over TLS.
    pub untrusted: Option<TlsFault>,
    /// Who hangs up has to show credentials as well, by a nonce of the moment.
    pub asks_who_hangs_up: bool,
    /// Of each INVITE that it took, whether it put its caller on hold.
    pub held: Vec<bool>,
    /// What it asks for by words of its own.
    pub rogue: Option<Rogue>,
    /// The phone at its address that has its calls; without one it takes them itself.
    pub switch: Option<usize>,
    /// Whoever calls has to show the account's password.
    pub asks_callers: bool,
    /// Who is registered, and until when.
    pub registered: Option<(String, Duration)>,
    /// The requests that came, by method, copies included.
    pub heard: Vec<(Duration, String)>,
    digest: Digest,
    /// INVITEs by branch, and whether its switch has them: so it is with their copies, whatever their nonces are by then.
    known: BTreeMap<String, bool>,
    rng: Rng,
    has_asked: bool,
    /// What the answer under way describes.
    sdp: Option<String>,
    outbox: Vec<(u64, Vec<u8>)>,
}

impl Rogue {
    fn asks(&self, writer: Writer, serial: usize) -> Writer {
        let name = match self.code {
            407 => Name::ProxyAuthenticate,
            _ => Name::WwwAuthenticate,
        };
        let values = self.challenges.iter();
        values.fold(writer, |writer, value| {
            writer.header(name, &value.replace("{n}", &serial.to_string()))
        })
    }
}

/// Audio at a place of its own.
fn description(at: SocketAddr) -> String {
    let (ip, port) = (at.ip(), at.port() + 1_000);
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 0\r\na=sendrecv\r\n"
    )
}

impl Carrier {
    /// One that knows this account, at this address.
    #[must_use]
    pub fn new(name: &str, address: SocketAddr, account: Option<(&str, &str)>, mut rng: Rng) -> Carrier {
        Carrier {
            name: name.to_owned(),
            address,
            mood: Mood::Well,
            account: account.map(|(user, password)| (user.to_owned(), password.to_owned())),
            realm: "carrier.example".to_owned(),
            algorithms: Algorithms::BOTH,
            least_s: 0,
            most_s: 3_600,
            is_terse: false,
            asks_who_hangs_up: false,
            untrusted: None,
            held: Vec::new(),
            rogue: None,
            switch: None,
            asks_callers: false,
            registered: None,
            heard: Vec::new(),
            digest: Digest::new(rng.bytes32()),
            known: BTreeMap::new(),
            rng,
            has_asked: false,
            sdp: None,
            outbox: Vec::new(),
        }
    }

    /// It forgets every nonce that it gave, as after a restart.
    pub fn forget_nonces(&mut self) {
        self.digest = Digest::new(self.rng.bytes32());
    }

    /// How many requests of this method came since a time.
    #[must_use]
    pub fn count(&self, method: &str, since: Duration) -> usize {
        let heard = self
            .heard
            .iter()
            .filter(|(at, known)| *at >= since && known == method);
        heard.count()
    }

    /// What it wants to send to the server, on which connection.
    pub fn take_messages(&mut self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(&mut self.outbox)
    }

    /// The phone that a message is for: what belongs to a call, and new ones where the carrier has no word of its own to say.
    pub fn hands_on(&mut self, bytes: &[u8], (mono, wall): (Duration, Wall)) -> Option<usize> {
        let switch = self.switch?;
        let message = Message::parse(bytes).ok()?;
        let branch = message.top_via().ok().and_then(|via| via.branch).unwrap_or("");
        let is_new = message.to_tag().is_none() && message.is_request();
        let known = self.known.get(branch).copied().filter(|_| is_new);
        let is_own = match (message.method(), self.mood) {
            (_, Mood::Deaf) | (Some(Method::Register | Method::Options), _) => true,
            (Some(Method::Invite), _) if known.is_some() => known == Some(false),
            (Some(Method::Invite), Mood::Fails(..) | Mood::Insists(_)) => is_new,
            (Some(Method::Invite), Mood::Well) if is_new && self.asks_callers => {
                self.refusal(&message, wall).is_some()
            }
            _ => false,
        };
        let method = message.method().filter(|_| message.is_request() && !is_own);
        self.heard
            .extend(method.map(|method| (mono, method.as_str().to_owned())));
        if is_new && message.method() == Some(Method::Invite) && self.mood != Mood::Deaf {
            self.known.insert(branch.to_owned(), !is_own);
        }
        (!is_own).then_some(switch)
    }

    /// True while it hears, registers whoever has the password, and hands calls on.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.mood == Mood::Well && self.rogue.is_none()
    }

    /// A message arrives.
    pub fn receive(
        &mut self,
        from: SocketAddr,
        connection: u64,
        bytes: &[u8],
        (mono, wall): (Duration, Wall),
    ) {
        let Ok(message) = Message::parse(bytes) else {
            return;
        };
        let Some(method) = message.method() else {
            return self.acknowledge(&message);
        };
        self.heard.push((mono, method.as_str().to_owned()));
        let tag = format!("{:x}", self.rng.next());
        let reply = |code: u16| Writer::reply(&message, code, sip::reason_phrase(code), Some(&tag), from);
        let rogue = self.rogue.as_ref().filter(|rogue| {
            let listed = rogue.methods.is_empty() || rogue.methods.contains(&method.as_str());
            method != Method::Ack && listed
        });
        let answer = match self.mood {
            Mood::Deaf => return,
            _ if rogue.is_some() => {
                let serial = self.heard.len();
                rogue.map_or_else(|| reply(500), |rogue| rogue.asks(reply(rogue.code), serial))
            }
            Mood::Fails(code, wish_s) => {
                let writer = reply(code);
                match wish_s {
                    Some(wish_s) => writer.fmt(Name::RetryAfter, format_args!("{wish_s}")),
                    None => writer,
                }
            }
            Mood::Rises if method == Method::Register => {
                let wanted = message.expires().unwrap_or(0).saturating_add(1);
                reply(423).fmt(Name::MinExpires, format_args!("{wanted}"))
            }
            Mood::Grants(expires) if method == Method::Register => reply(200).header(Name::Expires, expires),
            Mood::Rewrites if method == Method::Register => {
                let (user, until) = ("<sip:1.7@203.0.113.9:1024>", mono + Duration::from_secs(60));
                self.registered = Some((user.to_owned(), until));
                reply(200).fmt(Name::Contact, format_args!("{user};expires=60"))
            }
            Mood::Insists(challenge) => reply(401).header(Name::WwwAuthenticate, challenge),
            Mood::Well if method == Method::Register => self.register(&message, reply, (mono, wall)),
            Mood::Well if method == Method::Invite => self.invited(&message, reply, from, wall),
            Mood::Well if method == Method::Bye && self.asks_who_hangs_up => {
                if !std::mem::replace(&mut self.has_asked, true) {
                    self.forget_nonces();
                }
                match self.refusal(&message, wall) {
                    Some(_) => self.challenge(&message, reply, wall),
                    None => reply(200),
                }
            }
            _ if method == Method::Ack => return,
            _ => reply(200),
        };
        let bytes = match self.sdp.take() {
            Some(sdp) => answer.body(sdp::CONTENT_TYPE, sdp.as_bytes()),
            None => answer.finish(),
        };
        self.outbox.push((connection, bytes.to_vec()));
    }

    /// The 2xx to a call of its own.
    fn acknowledge(&mut self, response: &Message<'_>) {
        let success = response.status_line().is_some_and(|line| line.code == 200);
        let invite = response.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
        let (true, Some(target)) = (success && invite, response.header(Name::Contact)) else {
            return;
        };
        let branch = self.rng.next();
        let copy = |name: Name| response.header(name).unwrap_or("").to_owned();
        let ack = Writer::request(Method::Ack, target.trim_matches(['<', '>']))
            .via("UDP", self.address, &format!("z9hG4bK{branch:x}"), true)
            .header(Name::MaxForwards, "70")
            .header(Name::From, &copy(Name::From))
            .header(Name::To, &copy(Name::To))
            .header(Name::CallId, &copy(Name::CallId))
            .header(Name::CSeq, "1 ACK");
        self.outbox.push((0, ack.finish().to_vec()));
    }

    fn register(
        &mut self,
        message: &Message<'_>,
        reply: impl Fn(u16) -> Writer,
        (mono, wall): (Duration, Wall),
    ) -> Writer {
        if let Some(code) = self.refusal(message, wall) {
            return match code {
                401 => self.challenge(message, &reply, wall),
                code => reply(code),
            };
        }
        let wanted = message.expires().unwrap_or(3_600);
        if wanted != 0 && wanted < self.least_s {
            return reply(423).fmt(Name::MinExpires, format_args!("{}", self.least_s));
        }
        let granted = wanted.min(self.most_s);
        let contact = message.header(Name::Contact).unwrap_or("").to_owned();
        self.registered = Some((contact.clone(), mono + Duration::from_secs(u64::from(granted))));
        let writer = reply(200);
        match self.is_terse {
            true => writer
                .header(Name::Contact, &contact)
                .fmt(Name::Expires, format_args!("{granted}")),
            false => writer
                .header(Name::Contact, "<sip:other@10.9.9.9>;expires=5")
                .fmt(Name::Contact, format_args!("{contact};expires={granted}")),
        }
    }

    /// Takes a call at once, of whom it knows.
    fn invited(
        &mut self,
        message: &Message<'_>,
        reply: impl Fn(u16) -> Writer,
        from: SocketAddr,
        wall: Wall,
    ) -> Writer {
        match self.refusal(message, wall) {
            Some(401) => self.challenge(message, &reply, wall),
            Some(code) => reply(code),
            None => {
                let at = format!("<sip:{}>", self.address);
                let tag = format!("{:x}", self.rng.next());
                let writer = Writer::reply(message, 200, sip::reason_phrase(200), Some(&tag), from);
                let offer = String::from_utf8_lossy(message.body()).into_owned();
                let held = offer.contains("a=sendonly") || offer.contains("a=inactive");
                self.held.push(held);
                let sdp = description(self.address);
                self.sdp = Some(match held {
                    true => sdp.replace("a=sendrecv", "a=recvonly"),
                    false => sdp,
                });
                writer.header(Name::Contact, &at)
            }
        }
    }

    fn challenge(&self, message: &Message<'_>, reply: impl Fn(u16) -> Writer, wall: Wall) -> Writer {
        let had = message.header(Name::Authorization).is_some();
        let challenges = self.digest.challenge(&self.realm, wall.0, had, self.algorithms);
        challenges.fold(reply(401), |writer, value| {
            writer.header(Name::WwwAuthenticate, &value)
        })
    }

    /// Calls a user part at the server, in the name of a number.
    pub fn call(&mut self, target: &str, number: &str, server: SocketAddr) {
        let (branch, tag) = (self.rng.next(), self.rng.next());
        let at = self.address;
        let request = Writer::request(Method::Invite, &format!("sip:{target}"))
            .via("UDP", at, &format!("z9hG4bK{branch:x}"), true)
            .header(Name::MaxForwards, "70")
            .fmt(
                Name::From,
                format_args!("<sip:{number}@carrier.example>;tag={tag:x}"),
            )
            .fmt(Name::To, format_args!("<sip:+49305550001@{server}>"))
            .fmt(Name::CallId, format_args!("{branch:x}@{at}"))
            .header(Name::CSeq, "1 INVITE")
            .fmt(Name::Contact, format_args!("<sip:{at}>"))
            .body(sdp::CONTENT_TYPE, description(at).as_bytes());
        self.outbox.push((0, request.to_vec()));
    }

    /// Why it is not let in: 401 until the password is right, then 403 for a wrong one.
    fn refusal(&self, message: &Message<'_>, wall: Wall) -> Option<u16> {
        let (user, password) = self.account.as_ref()?;
        let Some(shown) = message.header(Name::Authorization).and_then(Credentials::parse) else {
            return Some(401);
        };
        let secret = ha1(user, &self.realm, password);
        let method = match message.method() {
            Some(Method::Invite) => "INVITE",
            Some(Method::Bye) => "BYE",
            _ => "REGISTER",
        };
        let known = (shown.username_unescaped() == user.as_str()).then_some(&secret);
        let request = Request {
            method,
            uri: message.request_line().map(|line| line.uri),
        };
        let proven = self
            .digest
            .verify(&shown, &self.realm, request, known, wall.0, self.algorithms);
        match proven {
            Ok(_) => None,
            Err(sip::digest::Refusal::Stale) => Some(401),
            Err(_) => Some(403),
        }
    }
}
