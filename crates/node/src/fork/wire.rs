//! A connection, plain or over TLS, on which nothing takes longer than it may.
//!
//! A socket's own limits are for one call to the system. TLS makes as many as it needs for a handshake or a record, and whoever
//! sends an octet now and then would hold the thread for as long as he likes.

use super::place::Place;
use anyhow::Result;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

/// Plain, or over TLS.
pub(crate) trait Wire: Read + Write {
    /// What is begun from now on is given up then.
    fn set_end(&mut self, end: Instant);

    /// Nothing more is said.
    fn finish(&mut self) {}
}

/// A socket that is given up on at a time.
pub(crate) struct Timed {
    socket: TcpStream,
    end: Instant,
}

impl Timed {
    pub(crate) fn new(socket: TcpStream, end: Instant) -> Timed {
        Timed { socket, end }
    }

    fn check(&self) -> io::Result<()> {
        match Instant::now() < self.end {
            true => Ok(()),
            false => Err(ErrorKind::TimedOut.into()),
        }
    }
}

impl Read for Timed {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.socket.read(octets)
    }
}

impl Write for Timed {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.check()?;
        self.socket.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

impl Wire for Timed {
    fn set_end(&mut self, end: Instant) {
        self.end = end;
    }
}

type Secure = StreamOwned<ClientConnection, Timed>;

impl Wire for Secure {
    fn set_end(&mut self, end: Instant) {
        self.sock.end = end;
    }

    fn finish(&mut self) {
        self.conn.send_close_notify();
        // Who does not take it any more has gone himself.
        let _gone = self.flush();
    }
}

/// A connection to a place over this socket, with TLS by this configuration where the place wants that.
pub(crate) fn wire(
    place: &Place,
    socket: Timed,
    config: impl FnOnce() -> Result<Arc<ClientConfig>>,
) -> Result<Box<dyn Wire>> {
    if !place.is_secure {
        return Ok(Box::new(socket));
    }
    let name = ServerName::try_from(place.host.clone())?;
    let connection = ClientConnection::new(config()?, name)?;
    Ok(Box::new(Secure::new(connection, socket)))
}
