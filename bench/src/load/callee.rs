//! The called phones: they ring, answer at once, and say 200 to everything else.
//!
//! Owns: answers to requests from the server, and repeating a 200 to INVITE until its ACK comes
//! (RFC 3261 §13.3.1.4). A back-to-back user agent gives the called side a Call-ID of its own, so a call is
//! known here by that Call-ID alone.

use super::text::Text;
use super::words;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

/// What a request leads to.
pub(super) enum Outcome {
    /// Answers to send, in order; an INVITE gets two.
    Answer(Vec<Vec<u8>>),
    /// ACK to a 200: the call stands, and this is our stream.
    Confirmed(Option<usize>),
    /// BYE: this stream ends, and this is the answer.
    Ended(Option<usize>, Vec<u8>),
}

struct Unconfirmed {
    link: usize,
    ok: Vec<u8>,
    again: Instant,
    gap: Duration,
}

/// All called phones.
#[derive(Default)]
pub(super) struct Callee {
    /// 200s without ACK, by a hash of the Call-ID.
    unconfirmed: BTreeMap<u64, Unconfirmed>,
    /// Streams of standing calls.
    streams: HashMap<u64, usize>,
}

impl Callee {
    /// A request came on `link`, whose Contact is `contact`. `open_stream` is asked once per call, with the
    /// address that the offer named, for a stream and the address that we answer with.
    pub(super) fn handle(
        &mut self,
        request: &Text<'_>,
        link: usize,
        contact: &str,
        repeat: bool,
        mut open_stream: impl FnMut(Option<SocketAddr>) -> (Option<usize>, SocketAddr),
    ) -> Option<Outcome> {
        let call = hash(request.header("Call-ID")?);
        match request.method() {
            "ACK" => {
                self.unconfirmed.remove(&call);
                Some(Outcome::Confirmed(self.streams.get(&call).copied()))
            }
            "INVITE" if self.unconfirmed.contains_key(&call) => {
                let ok = self.unconfirmed.get(&call).map(|u| u.ok.clone());
                Some(Outcome::Answer(ok.into_iter().collect()))
            }
            "INVITE" => {
                let (stream, rtp) = open_stream(request.rtp_address());
                if let Some(stream) = stream {
                    self.streams.insert(call, stream);
                }
                let ringing = answer(request, 180, "Ringing", call, contact, "")?;
                let ok = answer(request, 200, "OK", call, contact, &words::description(rtp))?;
                if repeat {
                    let waiting = Unconfirmed {
                        link,
                        ok: ok.clone(),
                        again: Instant::now() + T1,
                        gap: T1,
                    };
                    self.unconfirmed.insert(call, waiting);
                }
                Some(Outcome::Answer(vec![ringing, ok]))
            }
            "BYE" => {
                let ok = answer(request, 200, "OK", call, contact, "")?;
                Some(Outcome::Ended(self.streams.remove(&call), ok))
            }
            _ => Some(Outcome::Answer(vec![answer(
                request, 200, "OK", call, contact, "",
            )?])),
        }
    }

    /// 200s whose time has come again.
    pub(super) fn repeat(&mut self, now: Instant, mut send: impl FnMut(usize, &[u8])) -> u64 {
        let mut count = 0;
        for waiting in self.unconfirmed.values_mut().filter(|w| w.again <= now) {
            waiting.gap = (waiting.gap * 2).min(T2);
            waiting.again = now + waiting.gap;
            send(waiting.link, &waiting.ok);
            count += 1;
        }
        count
    }
}

/// Copies what an answer must copy (RFC 3261 §8.2.6.2, §12.1.1).
pub(crate) fn answer(
    request: &Text<'_>,
    code: u16,
    reason: &str,
    tag: u64,
    contact: &str,
    body: &str,
) -> Option<Vec<u8>> {
    let mut text = String::with_capacity(1200);
    let _ = write!(text, "SIP/2.0 {code} {reason}\r\n");
    for name in ["Via", "Record-Route", "From"] {
        for value in request.headers(name) {
            let _ = write!(text, "{name}: {value}\r\n");
        }
    }
    let to = request.header("To")?;
    let _ = match request.to_tag() {
        "" => write!(text, "To: {to};tag=c{tag:x}\r\n"),
        _ => write!(text, "To: {to}\r\n"),
    };
    let (call_id, cseq) = (request.header("Call-ID")?, request.header("CSeq")?);
    let _ = write!(
        text,
        "Call-ID: {call_id}\r\nCSeq: {cseq}\r\nContact: {contact}\r\nServer: Bench Phone 1.0\r\n"
    );
    words::finish(&mut text, body);
    Some(text.into_bytes())
}

/// FNV-1a: the called side needs no more than to tell calls apart.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}
