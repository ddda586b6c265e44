//! A WebSocket client written apart from the server's codec: it masks, reads unmasked frames, and may misbehave.

use crate::house::PATIENCE;
use crate::tls;
use model::Transport;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// What carries the octets.
enum Pipe {
    Plain(TcpStream),
    Tls(Box<tls::Client>),
}

/// A connection.
pub(crate) struct Socket {
    pipe: Pipe,
    buffer: Vec<u8>,
    /// Code of the server's close frame.
    pub(crate) closed: Option<u16>,
    /// Pings that the server sent.
    pub(crate) pings: usize,
    /// Answers pings.
    pub(crate) polite: bool,
}

/// The request of a browser; `extra` are whole header lines.
pub(crate) fn request(path: &str, extra: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: pbx.example\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: chat, sip\r\n{extra}\r\n"
    )
}

impl Socket {
    /// Connects without a handshake.
    pub(crate) fn connect(server: SocketAddr, transport: Transport) -> Socket {
        let pipe = match transport {
            Transport::Wss => Pipe::Tls(Box::new(tls::Client::connect(server))),
            _ => Pipe::Plain(TcpStream::connect(server).unwrap()),
        };
        let socket = Socket {
            pipe,
            buffer: Vec::new(),
            closed: None,
            pings: 0,
            polite: true,
        };
        socket.tcp().set_nodelay(true).unwrap();
        socket.tcp().set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    /// Connects and shakes hands.
    pub(crate) fn open(server: SocketAddr, transport: Transport, path: &str) -> Socket {
        let mut socket = Socket::connect(server, transport);
        let answer = socket.shake(&request(path, ""));
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert!(
            answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            "{answer}"
        );
        assert!(answer.contains("Sec-WebSocket-Protocol: sip\r\n"), "{answer}");
        socket
    }

    /// Sends a request and reads the head of the answer.
    pub(crate) fn shake(&mut self, request: &str) -> String {
        self.raw(request.as_bytes());
        loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.buffer.drain(..at + 4).collect();
                return String::from_utf8(head).unwrap();
            }
            if !self.fill() {
                return String::from_utf8(std::mem::take(&mut self.buffer)).unwrap();
            }
        }
    }

    pub(crate) fn tcp(&self) -> &TcpStream {
        match &self.pipe {
            Pipe::Plain(tcp) => tcp,
            Pipe::Tls(client) => client.socket(),
        }
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.tcp().local_addr().unwrap()
    }

    /// Sends octets as they are.
    pub(crate) fn raw(&mut self, octets: &[u8]) -> bool {
        match &mut self.pipe {
            Pipe::Plain(tcp) => tcp.write_all(octets).is_ok(),
            Pipe::Tls(client) => client.write_all(octets).is_ok(),
        }
    }

    /// Sends a frame; `first` holds the bits of the first octet.
    pub(crate) fn frame(&mut self, first: u8, payload: &[u8]) -> bool {
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        let mut octets = vec![first];
        match payload.len() {
            short @ 0..126 => octets.push(0x80 | short as u8),
            medium @ 126..=0xffff => {
                octets.push(0x80 | 126);
                octets.extend((medium as u16).to_be_bytes());
            }
            long => {
                octets.push(0x80 | 127);
                octets.extend((long as u64).to_be_bytes());
            }
        }
        octets.extend(mask);
        octets.extend(payload.iter().zip(mask.iter().cycle()).map(|(o, m)| o ^ m));
        self.raw(&octets)
    }

    /// Sends a message: text where it is text.
    pub(crate) fn say(&mut self, octets: &[u8]) -> bool {
        let text = std::str::from_utf8(octets).is_ok();
        self.frame(if text { 0x81 } else { 0x82 }, octets)
    }

    /// The next message; `None` at the end.
    pub(crate) fn hear(&mut self) -> Option<String> {
        loop {
            if let Some(message) = self.step()? {
                return Some(message);
            }
        }
    }

    /// Takes one frame; the message in it, if it is one.
    pub(crate) fn step(&mut self) -> Option<Option<String>> {
        let (first, payload) = self.next_frame()?;
        let mut message = None;
        match first {
            0x81 | 0x82 => message = Some(String::from_utf8_lossy(&payload).into_owned()),
            0x88 => self.closed = Some(u16::from_be_bytes([payload[0], payload[1]])),
            0x89 => {
                self.pings += 1;
                if self.polite {
                    self.frame(0x8a, &payload);
                }
            }
            0x8a => message = Some(format!("pong {}", String::from_utf8_lossy(&payload))),
            other => panic!("frame {other:#x}"),
        }
        Some(message)
    }

    fn next_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((head, length)) = head(&self.buffer)
                && self.buffer.len() >= head + length
            {
                let frame: Vec<u8> = self.buffer.drain(..head + length).collect();
                return Some((frame[0], frame[head..].to_vec()));
            }
            if !self.fill() {
                return None;
            }
        }
    }

    fn fill(&mut self) -> bool {
        let mut piece = [0; 4096];
        let result = match &mut self.pipe {
            Pipe::Plain(tcp) => tcp.read(&mut piece),
            Pipe::Tls(client) => client.read(&mut piece),
        };
        match result {
            Ok(count) => {
                self.buffer.extend(&piece[..count]);
                count > 0
            }
            Err(e) if matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => false,
            Err(e) => panic!("nothing came and the connection stayed: {e}"),
        }
    }
}

/// Octets before the payload, and of the payload.
fn head(octets: &[u8]) -> Option<(usize, usize)> {
    let second = usize::from(*octets.get(1)?);
    assert!(second < 128, "a server does not mask");
    match second {
        126 => Some((
            4,
            usize::from(u16::from_be_bytes(octets.get(2..4)?.try_into().unwrap())),
        )),
        127 => Some((
            10,
            u64::from_be_bytes(octets.get(2..10)?.try_into().unwrap()) as usize,
        )),
        short => Some((2, short)),
    }
}
