//! A socket to the server over any of its transports, for tests that speak SIP themselves.
//!
//! Owns: opening, cutting a stream into messages by Content-Length (RFC 3261 §18.3), and breaking off at any moment. A
//! new transport is a row of [`TRANSPORTS`], a [`Pipe`] and nothing else.

use crate::server::Server;
use anyhow::{Context, Result};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream in TLS; the certificate is not checked.
    Tls,
}

/// Every transport that the server has.
pub const TRANSPORTS: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

impl Transport {
    /// The word of a Via.
    #[must_use]
    pub fn via(self) -> &'static str {
        self.model().via()
    }

    /// The same in the project's own words.
    #[must_use]
    pub fn model(self) -> model::Transport {
        match self {
            Transport::Udp => model::Transport::Udp,
            Transport::Tcp => model::Transport::Tcp,
            Transport::Tls => model::Transport::Tls,
        }
    }

    fn address(self, server: &Server) -> SocketAddr {
        match self {
            Transport::Udp | Transport::Tcp => server.sip,
            Transport::Tls => server.tls,
        }
    }
}

enum Pipe {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A socket or connection.
pub struct Wire {
    pipe: Pipe,
    local: SocketAddr,
    unread: Vec<u8>,
    open: bool,
}

impl Wire {
    /// Opens one. `from` is our address; a connection has the system's choice.
    ///
    /// # Errors
    /// The server can't be reached.
    pub fn open(transport: Transport, server: &Server, from: IpAddr) -> Result<Wire> {
        let to = transport.address(server);
        let pipe = match transport {
            Transport::Udp => {
                let socket = UdpSocket::bind((from, 0)).context("no UDP socket")?;
                socket.connect(to)?;
                Pipe::Udp(socket)
            }
            Transport::Tcp => Pipe::Tcp(connect(to)?),
            Transport::Tls => {
                let name = ServerName::IpAddress(to.ip().into());
                let session = ClientConnection::new(tls(), name).context("no TLS session")?;
                Pipe::Tls(Box::new(StreamOwned::new(session, connect(to)?)))
            }
        };
        let local = match &pipe {
            Pipe::Udp(socket) => socket.local_addr()?,
            Pipe::Tcp(socket) => socket.local_addr()?,
            Pipe::Tls(stream) => stream.sock.local_addr()?,
        };
        Ok(Wire {
            pipe,
            local,
            unread: Vec::new(),
            open: true,
        })
    }

    /// Our address.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// False once the other side has closed it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Sends octets. What a datagram can't carry is not sent; a stream that is closed stays so.
    pub fn send(&mut self, octets: &[u8]) {
        let sent = match &mut self.pipe {
            // Too large, or refused before: as lost as on a network.
            Pipe::Udp(socket) => {
                let _lost = socket.send(octets);
                return;
            }
            Pipe::Tcp(socket) => socket.write_all(octets),
            Pipe::Tls(stream) => stream.write_all(octets).and_then(|()| stream.flush()),
        };
        self.open &= sent.is_ok();
    }

    /// Waits for messages, at most this long, and returns those that are there.
    ///
    /// # Errors
    /// The socket can't be used.
    pub fn receive(&mut self, wait: Duration) -> Result<Vec<Vec<u8>>> {
        let mut chunk = vec![0; 65_536];
        self.patience(Some(wait))?;
        let read = match &mut self.pipe {
            Pipe::Udp(socket) => socket.recv(&mut chunk),
            Pipe::Tcp(socket) => socket.read(&mut chunk),
            Pipe::Tls(stream) => stream.read(&mut chunk),
        };
        self.patience(None)?;
        let got = chunk.get(..*read.as_ref().unwrap_or(&0)).unwrap_or_default();
        if matches!(self.pipe, Pipe::Udp(_)) {
            // A datagram is a message, whatever it says; an error is some ICMP message that came back.
            return Ok(read.is_ok().then(|| got.to_vec()).into_iter().collect());
        }
        self.open &= match read {
            Ok(length) => length > 0,
            Err(error) => is_wait(error.kind()),
        };
        self.unread.extend_from_slice(got);
        Ok(std::iter::from_fn(|| cut(&mut self.unread)).collect())
    }

    /// How long reading waits; zero is not at all, `None` as long as it takes.
    fn patience(&self, wait: Option<Duration>) -> std::io::Result<()> {
        let at_once = wait == Some(Duration::ZERO);
        let wait = wait.filter(|wait| !wait.is_zero());
        match &self.pipe {
            Pipe::Udp(socket) => {
                socket.set_nonblocking(at_once)?;
                socket.set_read_timeout(wait)
            }
            Pipe::Tcp(socket) => {
                socket.set_nonblocking(at_once)?;
                socket.set_read_timeout(wait)
            }
            Pipe::Tls(stream) => {
                stream.sock.set_nonblocking(at_once)?;
                stream.sock.set_read_timeout(wait)
            }
        }
    }

    /// Sends half of the octets and breaks off; of a TLS connection the last record stays half.
    pub fn tear(mut self, octets: &[u8]) {
        let half = octets.get(..octets.len() / 2).unwrap_or_default();
        match &mut self.pipe {
            Pipe::Tls(stream) => {
                // A record header that promises more than comes.
                let _sent = stream
                    .write_all(half)
                    .and_then(|()| stream.sock.write_all(&[23, 3, 3, 64, 0, 1]));
            }
            _ => self.send(half),
        }
    }
}

fn is_wait(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

fn connect(to: SocketAddr) -> Result<TcpStream> {
    let socket = TcpStream::connect(to).with_context(|| format!("cannot connect to {to}"))?;
    socket.set_nodelay(true)?;
    socket.set_write_timeout(Some(Duration::from_secs(10)))?;
    Ok(socket)
}

/// Connects without any handshake, sends these octets and breaks off.
///
/// # Errors
/// The server can't be reached.
pub fn knock(transport: Transport, server: &Server, octets: &[u8]) -> Result<()> {
    connect(transport.address(server))?.write_all(octets)?;
    Ok(())
}

/// Takes a whole message off the front.
fn cut(unread: &mut Vec<u8>) -> Option<Vec<u8>> {
    let blank = unread.iter().take_while(|o| matches!(o, b'\r' | b'\n')).count();
    unread.drain(..blank);
    let head = unread.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(unread.get(..head)?).into_owned();
    let length = text.lines().find_map(|line| line.strip_prefix("Content-Length:"));
    let length: usize = length.and_then(|l| l.trim().parse().ok()).unwrap_or(0);
    (unread.len() >= head + length).then(|| unread.drain(..head + length).collect())
}

/// Asks with a good OPTIONS and waits for its answer; gives the time that it took, and what else came meanwhile.
///
/// # Errors
/// No answer came within ten seconds, or the connection was closed.
pub fn ping(
    wire: &mut Wire,
    transport: Transport,
    server: &Server,
    serial: u64,
) -> Result<(Duration, Vec<Vec<u8>>)> {
    let (at, to) = (wire.local(), server.sip);
    let mark = format!("ping-{serial}");
    let options = format!(
        "OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/{} {at};branch=z9hG4bK{mark};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:ping@{at}>;tag=p\r\nTo: <sip:{to}>\r\nCall-ID: {mark}@{at}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        transport.via()
    );
    let (begun, mut others) = (Instant::now(), Vec::new());
    wire.send(options.as_bytes());
    while begun.elapsed() < Duration::from_secs(10) {
        anyhow::ensure!(wire.is_open(), "the server closed the connection");
        for message in wire.receive(Duration::from_millis(100))? {
            let text = String::from_utf8_lossy(&message);
            if text.contains(&mark) && text.starts_with("SIP/2.0 200") {
                return Ok((begun.elapsed(), others));
            }
            others.push(message);
        }
    }
    anyhow::bail!(
        "a good OPTIONS over {} was not answered within 10 s",
        transport.via()
    )
}

#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The server made its own certificate, which nobody vouches for.
fn tls() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    Arc::clone(CONFIG.get_or_init(|| {
        let provider = Arc::new(ring::default_provider());
        let versions = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .unwrap_or_else(|error| unreachable!("ring knows every version: {error}"));
        let mut config = versions
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Arc::new(config)
    }))
}
