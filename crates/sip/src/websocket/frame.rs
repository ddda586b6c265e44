//! Frames (RFC 6455 §5): octets of a client in, messages and control frames out; frames of ours.
//!
//! It owns the assembly of fragments and the caps on what one message may hold. After a fault there is nothing more: the
//! connection has to be closed with the code that the fault names. Octets are looked at a bounded number of times,
//! however thin the slices are in which they come.

use bytes::Bytes;

/// Octets that an idle connection may keep allocated.
const KEPT_CAPACITY: usize = 8_192;
/// Largest payload of a control frame (§5.5).
const MAX_CONTROL: usize = 125;

/// What a frame is (§5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// Goes on with the message under way.
    Continuation,
    /// UTF-8.
    Text,
    /// Any octets.
    Binary,
    /// The last frame of this side.
    Close,
    /// Asks for a pong with the same payload.
    Ping,
    /// Answers a ping, or keeps the connection open unasked.
    Pong,
}

impl Opcode {
    fn read(bits: u8) -> Option<Opcode> {
        Some(match bits {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xA => Opcode::Pong,
            _ => return None,
        })
    }

    fn bits(self) -> u8 {
        match self {
            Opcode::Continuation => 0x0,
            Opcode::Text => 0x1,
            Opcode::Binary => 0x2,
            Opcode::Close => 0x8,
            Opcode::Ping => 0x9,
            Opcode::Pong => 0xA,
        }
    }

    fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }
}

/// Why a connection ends (§7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// Done.
    Normal,
    /// The server goes away.
    GoingAway,
    /// Against RFC 6455.
    Protocol,
    /// Text that is not UTF-8.
    NotUtf8,
    /// Larger than the limit.
    TooBig,
}

impl Close {
    /// The number on the wire.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Close::Normal => 1000,
            Close::GoingAway => 1001,
            Close::Protocol => 1002,
            Close::NotUtf8 => 1007,
            Close::TooBig => 1009,
        }
    }
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// One whole message.
    Message(&'a [u8]),
    /// To be answered by a pong with this payload.
    Ping(&'a [u8]),
    /// A pong, asked for or not.
    Pong,
    /// The peer says goodbye; to be answered by a close frame, then closed.
    Closed,
    /// The peer broke the protocol: say so by a close frame, then close.
    Fault(Close),
}

/// Cuts what a client sends into messages.
#[derive(Clone, Debug)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Octets at the front that were handed out already.
    start: usize,
    /// Fragments so far, or the message that was handed out last.
    message: Vec<u8>,
    /// The kind of the message whose fragments are collected.
    collecting: Option<Opcode>,
    max_bytes: usize,
    dead: bool,
    /// The peer is the server, which does not mask.
    from_server: bool,
    /// The message that was handed out last was text.
    was_text: bool,
}

/// The fixed part of a frame.
struct Head {
    fin: bool,
    opcode: Opcode,
    mask: [u8; 4],
    /// Octets before the payload.
    length: usize,
    payload: usize,
}

/// What stands at the front of the buffer; places in it instead of slices.
enum Found {
    Wait,
    /// A frame that is no event by itself.
    Swallowed,
    /// In the buffer, from here to there.
    Whole(usize, usize),
    /// In `message`.
    Assembled,
    Ping(usize, usize),
    Pong,
    Closed,
    Fault(Close),
}

impl Decoder {
    /// A decoder for messages of up to `max_bytes`, all fragments together.
    #[must_use]
    pub fn new(max_bytes: usize) -> Decoder {
        Decoder {
            buffer: Vec::new(),
            start: 0,
            message: Vec::new(),
            collecting: None,
            max_bytes,
            dead: false,
            from_server: false,
            was_text: false,
        }
    }

    /// The same for what a server sends.
    #[must_use]
    pub fn of_server(max_bytes: usize) -> Decoder {
        Decoder {
            from_server: true,
            ..Decoder::new(max_bytes)
        }
    }

    /// Was the message that was handed out last text?
    #[must_use]
    pub fn was_text(&self) -> bool {
        self.was_text
    }

    /// Takes octets from the connection. After a fault or a close they are thrown away.
    pub fn push(&mut self, octets: &[u8]) {
        if self.dead {
            return;
        }
        self.make_room();
        self.buffer.extend_from_slice(octets);
    }

    /// The next event, `None` until there are more octets. Call it until `None` after each push.
    #[allow(
        clippy::should_implement_trait,
        reason = "an event borrows the decoder, which no Iterator can say"
    )]
    pub fn next(&mut self) -> Option<Event<'_>> {
        if self.dead {
            return None;
        }
        let found = loop {
            match self.find() {
                Found::Swallowed => {}
                found => break found,
            }
        };
        self.dead = matches!(found, Found::Closed | Found::Fault(_));
        match found {
            Found::Wait | Found::Swallowed => None,
            Found::Whole(from, to) => Some(Event::Message(self.buffer.get(from..to).unwrap_or_default())),
            Found::Assembled => Some(Event::Message(&self.message)),
            Found::Ping(from, to) => Some(Event::Ping(self.buffer.get(from..to).unwrap_or_default())),
            Found::Pong => Some(Event::Pong),
            Found::Closed => Some(Event::Closed),
            Found::Fault(close) => Some(Event::Fault(close)),
        }
    }

    /// True while a frame or a message has begun and is not complete: the connection owes us octets.
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        !self.dead && (self.collecting.is_some() || !self.rest().is_empty())
    }

    /// Octets that wait for the rest of their frame or message.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let fragments = self.collecting.map_or(0, |_| self.message.len());
        self.rest().len().saturating_add(fragments)
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Drops what was handed out; moved down only when at least as much is free, so that all moving together is linear.
    fn make_room(&mut self) {
        if self.collecting.is_none() {
            self.message.clear();
            self.message.shrink_to(KEPT_CAPACITY);
        }
        let waiting = self.rest().len();
        if waiting == 0 && self.buffer.capacity() > KEPT_CAPACITY {
            self.buffer = Vec::new();
        } else if self.start >= waiting {
            self.buffer.drain(..self.start.min(self.buffer.len()));
        } else {
            return;
        }
        self.start = 0;
    }

    fn find(&mut self) -> Found {
        let head = match head(self.rest(), self.max_bytes, self.from_server) {
            Ok(Some(head)) => head,
            Ok(None) => return Found::Wait,
            Err(close) => return Found::Fault(close),
        };
        let from = self.start.saturating_add(head.length);
        let to = from.saturating_add(head.payload);
        let Some(payload) = self.buffer.get_mut(from..to) else {
            return Found::Wait;
        };
        unmask(payload, head.mask);
        self.start = to;
        match head.opcode {
            Opcode::Ping => Found::Ping(from, to),
            Opcode::Pong => Found::Pong,
            Opcode::Close => self.closed(from, to),
            Opcode::Continuation => self.go_on(head.fin, from, to),
            opcode @ (Opcode::Text | Opcode::Binary) => self.begin(opcode, head.fin, from, to),
        }
    }

    /// A code that may stand on the wire, and a reason in UTF-8 (§5.5.1, §7.4).
    fn closed(&self, from: usize, to: usize) -> Found {
        match self.buffer.get(from..to).unwrap_or_default() {
            [] => Found::Closed,
            [high, low, reason @ ..] => match u16::from_be_bytes([*high, *low]) {
                1000..=1003 | 1007..=1014 | 3000..=4999 if std::str::from_utf8(reason).is_ok() => {
                    Found::Closed
                }
                _ => Found::Fault(Close::Protocol),
            },
            _ => Found::Fault(Close::Protocol),
        }
    }

    fn begin(&mut self, opcode: Opcode, fin: bool, from: usize, to: usize) -> Found {
        if self.collecting.is_some() {
            return Found::Fault(Close::Protocol);
        }
        let payload = self.buffer.get(from..to).unwrap_or_default();
        if fin {
            self.was_text = opcode == Opcode::Text;
            return match opcode == Opcode::Text && std::str::from_utf8(payload).is_err() {
                true => Found::Fault(Close::NotUtf8),
                false => Found::Whole(from, to),
            };
        }
        self.message.clear();
        self.message.extend_from_slice(payload);
        self.collecting = Some(opcode);
        Found::Swallowed
    }

    fn go_on(&mut self, fin: bool, from: usize, to: usize) -> Found {
        let Some(opcode) = self.collecting else {
            return Found::Fault(Close::Protocol);
        };
        let payload = self.buffer.get(from..to).unwrap_or_default();
        if self.message.len().saturating_add(payload.len()) > self.max_bytes {
            return Found::Fault(Close::TooBig);
        }
        self.message.extend_from_slice(payload);
        if !fin {
            return Found::Swallowed;
        }
        self.collecting = None;
        self.was_text = opcode == Opcode::Text;
        match opcode == Opcode::Text && std::str::from_utf8(&self.message).is_err() {
            true => Found::Fault(Close::NotUtf8),
            false => Found::Assembled,
        }
    }
}

/// Reads the fixed part (§5.2); `None` until it is there. Faults are seen before the payload has come.
fn head(octets: &[u8], max_bytes: usize, from_server: bool) -> Result<Option<Head>, Close> {
    let [first, second, rest @ ..] = octets else {
        return Ok(None);
    };
    let (fin, masked) = (first & 0x80 != 0, second & 0x80 != 0);
    let opcode = Opcode::read(first & 0x0F).ok_or(Close::Protocol)?;
    let control_fits = fin && usize::from(second & 0x7F) <= MAX_CONTROL;
    // Reserved bits belong to extensions, of which there are none; a client always masks, a
    // server never (§5.1).
    if first & 0x70 != 0 || masked == from_server || (opcode.is_control() && !control_fits) {
        return Err(Close::Protocol);
    }
    let (wide, payload) = match (second & 0x7F, rest) {
        (126, [a, b, ..]) => (2, u64::from(u16::from_be_bytes([*a, *b]))),
        (127, [a, b, c, d, e, f, g, h, ..]) => (8, u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h])),
        (126 | 127, _) => return Ok(None),
        (short, _) => (0, u64::from(short)),
    };
    // The shortest form is the only one.
    if (wide == 2 && payload < 126) || (wide == 8 && payload <= 0xFFFF) {
        return Err(Close::Protocol);
    }
    let payload = usize::try_from(payload)
        .ok()
        .filter(|octets| *octets <= max_bytes.max(MAX_CONTROL))
        .ok_or(Close::TooBig)?;
    let (mask, masked) = match from_server {
        true => (Some([0; 4]).filter(|_| rest.len() >= wide), 0),
        false => (rest.get(wide..).and_then(|r| r.first_chunk::<4>()).copied(), 4),
    };
    Ok(mask.map(|mask| Head {
        fin,
        opcode,
        mask,
        length: 2_usize.saturating_add(wide).saturating_add(masked),
        payload,
    }))
}

/// Masks and unmasks (§5.3).
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for (octet, key) in payload.iter_mut().zip(mask.into_iter().cycle()) {
        *octet ^= key;
    }
}

/// One whole frame of a server.
#[must_use]
pub fn encode(opcode: Opcode, payload: &[u8]) -> Bytes {
    let mut out = start(opcode, payload, 0);
    out.extend_from_slice(payload);
    Bytes::from(out)
}

/// One whole frame of a client; `mask` should not be guessable.
#[must_use]
pub fn encode_masked(opcode: Opcode, payload: &[u8], mask: [u8; 4]) -> Bytes {
    let mut out = start(opcode, payload, 0x80);
    out.extend_from_slice(&mask);
    let from = out.len();
    out.extend_from_slice(payload);
    unmask(out.get_mut(from..).unwrap_or_default(), mask);
    Bytes::from(out)
}

/// The close frame.
#[must_use]
pub fn encode_close(close: Close) -> Bytes {
    encode(Opcode::Close, &close.code().to_be_bytes())
}

/// The frame that carries a SIP message: text, unless there is an octet that text can't hold (RFC 7118 §5.2.1).
#[must_use]
pub fn encode_message(message: &[u8]) -> Bytes {
    match std::str::from_utf8(message) {
        Ok(_) => encode(Opcode::Text, message),
        Err(_) => encode(Opcode::Binary, message),
    }
}

fn start(opcode: Opcode, payload: &[u8], mask_bit: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len().saturating_add(14));
    out.push(0x80 | opcode.bits());
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < 126 => out.push(mask_bit | short),
        (_, Ok(medium)) => {
            out.push(mask_bit | 126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(mask_bit | 127);
            let long = u64::try_from(payload.len()).unwrap_or(u64::MAX);
            out.extend_from_slice(&long.to_be_bytes());
        }
    }
    out
}
