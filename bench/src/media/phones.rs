//! Phones that set the measured calls up, one after the other.
//!
//! Owns: the caller's side of REGISTER, INVITE and BYE with one challenge answered, and the called phone's answers. Calls
//! are not what is measured here, so nothing is done at once: a request is sent, and its answer awaited.

use crate::digest::{self, Algorithm};
use crate::house::{DOMAIN, PASSWORD_PREFIX};
use crate::load::callee::answer;
use crate::load::text::Text;
use crate::wire::{Inbox, Net, Transport};
use anyhow::{Context as _, Result, bail};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// RFC 3261 T1.
const T1: Duration = Duration::from_millis(500);

/// Gives the called phone's description for the one that it was offered.
pub(super) type Answering<'a> = dyn FnMut(&str) -> Result<String> + 'a;

/// Which phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The phones that call.
    Caller,
    /// The phones that are called.
    Called,
}

/// All phones of one side share a link.
struct Desk {
    net: Net,
    link: usize,
    transport: Transport,
}

/// A call that stands.
struct Standing {
    id: String,
    from: String,
    to: String,
    to_tag: String,
    target: String,
    route: String,
}

/// Both sides.
pub(super) struct Phones {
    callers: Desk,
    called: Desk,
    inbox: Inbox,
    standing: Vec<Standing>,
    run: String,
    serial: u64,
}

struct Request<'a> {
    method: &'a str,
    uri: &'a str,
    from: &'a str,
    to: &'a str,
    to_tag: &'a str,
    id: &'a str,
    cseq: u32,
    route: &'a str,
    body: &'a str,
}

impl Desk {
    fn open(server: SocketAddr, transport: Transport) -> Result<Desk> {
        let mut net = Net::new(server, transport)?;
        let link = net.open()?;
        Ok(Desk { net, link, transport })
    }

    fn contact(&self, user: &str) -> String {
        let (local, suffix) = (self.net.local(self.link), self.transport.uri_suffix());
        format!("<sip:{user}@{local}{suffix}>")
    }
}

impl Phones {
    /// The callers reach the server by one transport, the called phones by UDP.
    pub(super) fn new(callers: (SocketAddr, Transport), called: SocketAddr) -> Result<Phones> {
        let clock = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        Ok(Phones {
            callers: Desk::open(callers.0, callers.1)?,
            called: Desk::open(called, Transport::Udp)?,
            inbox: Inbox::default(),
            standing: Vec::new(),
            run: format!("{:x}{:x}", clock.tv_sec, clock.tv_nsec),
            serial: 0,
        })
    }

    /// Registers one phone.
    pub(super) fn register(&mut self, side: Side, user: &str) -> Result<()> {
        let (uri, address) = (format!("sip:{DOMAIN}"), format!("sip:{user}@{DOMAIN}"));
        let id = self.next_id();
        let request = Request {
            method: "REGISTER",
            uri: &uri,
            from: &address,
            to: &address,
            to_tag: "",
            id: &id,
            cseq: 1,
            route: "",
            body: "",
        };
        let done = self.ask(side, user, request, &mut |_| bail!("no call was expected"))?;
        let done = Text::new(&done).context("an answer that is no text")?;
        match done.status() {
            Some(200) => Ok(()),
            other => bail!("{user} could not register: {other:?}"),
        }
    }

    /// Calls; gives the description of the answer.
    pub(super) fn call(
        &mut self,
        user: &str,
        dialled: &str,
        offer: &str,
        answering: &mut Answering<'_>,
    ) -> Result<String> {
        let (from, to) = (format!("sip:{user}@{DOMAIN}"), format!("sip:{dialled}@{DOMAIN}"));
        let id = self.next_id();
        let request = Request {
            method: "INVITE",
            uri: &to,
            from: &from,
            to: &to,
            to_tag: "",
            id: &id,
            cseq: 1,
            route: "",
            body: offer,
        };
        let done = self.ask(Side::Caller, user, request, answering)?;
        let text = Text::new(&done).context("an answer that is no text")?;
        if text.status() != Some(200) {
            let warning = text
                .header("Warning")
                .or(text.header("Reason"))
                .unwrap_or_default();
            bail!("{user} called {dialled}: {:?} {warning}", text.status());
        }
        let mut records: Vec<&str> = text.headers("Record-Route").collect();
        records.reverse();
        let mut route = String::new();
        for record in records {
            let _ = write!(route, "Route: {record}\r\n");
        }
        let (cseq, _) = text.cseq().context("no CSeq")?;
        let standing = Standing {
            id,
            from,
            to,
            to_tag: text.to_tag().to_owned(),
            target: text.contact_uri().context("no Contact")?.to_owned(),
            route,
        };
        let ack = self.words(Side::Caller, user, &standing.request("ACK", cseq), "");
        self.callers.net.send(self.callers.link, &ack);
        self.standing.push(standing);
        Ok(text.body().to_owned())
    }

    /// Ends every call.
    pub(super) fn hang_up(&mut self) -> Result<()> {
        for call in std::mem::take(&mut self.standing) {
            let user = call
                .from
                .trim_start_matches("sip:")
                .split('@')
                .next()
                .unwrap_or_default()
                .to_owned();
            let request = call.request("BYE", 1_000);
            self.ask(Side::Caller, &user, request, &mut |_| {
                bail!("no call was expected")
            })?;
        }
        Ok(())
    }

    /// Answers what the server asked while nobody looked.
    pub(super) fn attend(&mut self) -> Result<()> {
        self.turn(&mut |_| bail!("no call was expected")).map(|_| ())
    }

    fn next_id(&mut self) -> String {
        self.serial += 1;
        format!("m{}-{}", self.serial, self.run)
    }

    fn desk(&mut self, side: Side) -> &mut Desk {
        match side {
            Side::Caller => &mut self.callers,
            Side::Called => &mut self.called,
        }
    }

    /// Sends a request, answers one challenge, gives the final response.
    fn ask(
        &mut self,
        side: Side,
        user: &str,
        mut request: Request<'_>,
        answering: &mut Answering<'_>,
    ) -> Result<Vec<u8>> {
        let first = self.transact(side, user, &request, "", answering)?;
        let text = Text::new(&first).context("an answer that is no text")?;
        let (asks, says) = match text.status() {
            Some(401) => ("WWW-Authenticate", "Authorization"),
            Some(407) => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => return Ok(first),
        };
        let password = format!("{PASSWORD_PREFIX}{}", user.trim_start_matches('u'));
        let who = digest::Request {
            username: user,
            password: &password,
            method: request.method,
            uri: request.uri,
        };
        let credentials = digest::answer(text.headers(asks), Algorithm::Md5, &who);
        let credentials = credentials.context("a challenge that we can't answer")?;
        request.cseq += 1;
        let header = format!("{says}: {credentials}\r\n");
        self.transact(side, user, &request, &header, answering)
    }

    fn transact(
        &mut self,
        side: Side,
        user: &str,
        request: &Request<'_>,
        credentials: &str,
        answering: &mut Answering<'_>,
    ) -> Result<Vec<u8>> {
        let message = self.words(side, user, request, credentials);
        let start = Instant::now();
        let mut sent: Option<Instant> = None;
        while start.elapsed() < PATIENCE {
            let again = side == Side::Called || self.callers.transport == Transport::Udp;
            if sent.is_none_or(|at| again && at.elapsed() > T1) {
                sent = Some(Instant::now());
                let desk = self.desk(side);
                desk.net.send(desk.link, &message);
            }
            for response in self.turn(answering)? {
                let text = Text::new(&response).context("an answer that is no text")?;
                let ours = text.header("Call-ID") == Some(request.id)
                    && text.cseq() == Some((request.cseq, request.method));
                let code = text.status().filter(|code| ours && *code >= 200);
                if code.is_some_and(|code| code >= 300) && request.method == "INVITE" {
                    let ack = Request {
                        method: "ACK",
                        to_tag: text.to_tag(),
                        body: "",
                        ..*request
                    };
                    let ack = self.words(side, user, &ack, "");
                    let desk = self.desk(side);
                    desk.net.send(desk.link, &ack);
                }
                if code.is_some() {
                    return Ok(response);
                }
            }
        }
        bail!("no answer to {} of {user}", request.method)
    }

    /// Answers requests and gives the responses that came.
    fn turn(&mut self, answering: &mut Answering<'_>) -> Result<Vec<Vec<u8>>> {
        let mut responses = Vec::new();
        for desk in [&mut self.callers, &mut self.called] {
            desk.net.poll(Duration::from_micros(200), &mut self.inbox)?;
            if !self.inbox.closed().is_empty() {
                bail!("the server closed a connection");
            }
            for (link, message) in self.inbox.messages() {
                let Some(text) = Text::new(message) else { continue };
                if text.status().is_some() {
                    responses.push(message.to_vec());
                } else if text.method() != "ACK" {
                    for reply in replies(&text, &desk.contact("u"), answering)? {
                        desk.net.send(link, &reply);
                    }
                }
            }
        }
        Ok(responses)
    }

    fn words(&mut self, side: Side, user: &str, request: &Request<'_>, credentials: &str) -> Vec<u8> {
        let run = self.run.clone();
        let desk = self.desk(side);
        let (via, local, contact) = (
            desk.transport.via(),
            desk.net.local(desk.link),
            desk.contact(user),
        );
        let Request {
            method,
            uri,
            from,
            to,
            to_tag,
            id,
            cseq,
            route,
            body,
        } = *request;
        let mut text = String::with_capacity(1_400);
        let tag = if to_tag.is_empty() {
            String::new()
        } else {
            format!(";tag={to_tag}")
        };
        // An ACK to a refusal belongs to the transaction of its INVITE (RFC 3261 §17.1.1.3).
        let branch = match (method, to_tag, uri == to) {
            ("ACK", _, true) => "INVITE",
            _ => method,
        };
        let _ = write!(
            text,
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{via} {local};branch=z9hG4bK{branch}{cseq}.{id};rport\r\n{route}\
             Max-Forwards: 70\r\nFrom: <{from}>;tag=f{run}\r\nTo: <{to}>{tag}\r\nCall-ID: {id}\r\nCSeq: {cseq} {method}\r\n\
             Contact: {contact}\r\nUser-Agent: Bench Phone 1.0\r\nAllow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n{credentials}"
        );
        if method == "REGISTER" {
            text.push_str("Expires: 3600\r\n");
        }
        if !body.is_empty() {
            text.push_str("Content-Type: application/sdp\r\n");
        }
        let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
        text.into_bytes()
    }
}

impl Standing {
    fn request<'a>(&'a self, method: &'a str, cseq: u32) -> Request<'a> {
        Request {
            method,
            uri: &self.target,
            from: &self.from,
            to: &self.to,
            to_tag: &self.to_tag,
            id: &self.id,
            cseq,
            route: &self.route,
            body: "",
        }
    }
}

/// What a phone of ours says to a request: an INVITE is answered at once.
fn replies(request: &Text<'_>, contact: &str, answering: &mut Answering<'_>) -> Result<Vec<Vec<u8>>> {
    // Our tag in a dialog: its Call-ID is the server's and lives once.
    let id = request.header("Call-ID").unwrap_or_default();
    let tag = id
        .bytes()
        .fold(5_381_u64, |h, b| h.wrapping_mul(33) ^ u64::from(b));
    let body = match (request.method(), request.to_tag()) {
        ("INVITE", "") => answering(request.body())?,
        _ => String::new(),
    };
    let ok = answer(request, 200, "OK", tag, contact, &body);
    Ok(ok.into_iter().collect())
}
