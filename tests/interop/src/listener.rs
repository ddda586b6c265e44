//! Where the sound of a call is forked to: a WebSocket server over TLS (RFC 6455), written apart from the server's codec.
//!
//! Owns: a root and certificates that it vouches for, the connection, what was heard of it. Does not own: what the sound is
//! to be.

use crate::stage::Stage;
use crate::tone;
use crate::wire::websocket::start;
use anyhow::{Context, Result, bail, ensure};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Appended to the key (RFC 6455 §1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Longest head of a request.
const HEAD: usize = 8_192;
/// Samples per second, and of one message.
const RATE: u32 = 8_000;
const MESSAGE: usize = 160;

/// A root of somebody's own.
pub struct Authority {
    issuer: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
    /// Its certificate, PEM.
    pub file: PathBuf,
}

impl Authority {
    /// Makes one, and its file in the test's directory.
    ///
    /// # Errors
    /// It can't be made or written.
    pub fn new(stage: &Stage, name: &str) -> Result<Authority> {
        let mut params = rcgen::CertificateParams::new(Vec::new())?;
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let issuer = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate()?)?;
        let file = stage.write(&format!("{name}.pem"), &issuer.pem())?;
        Ok(Authority { issuer, file })
    }

    /// A server at this address that it vouches for.
    pub(crate) fn vouches_for(&self, address: &str) -> Result<Arc<ServerConfig>> {
        let params = rcgen::CertificateParams::new(vec![address.to_owned()])?;
        let key = rcgen::KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.into())?;
        Ok(Arc::new(config))
    }
}

/// What it does with the connection that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Reads, and says nothing.
    Reads,
    /// Reads, and says this tone for three seconds.
    Says(u32),
    /// Takes the connection and never reads again.
    Sleeps,
}

/// A listener for one connection.
#[derive(Debug)]
pub struct Listener {
    /// Where it is.
    pub url: String,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Debug, Default)]
struct Heard {
    samples: Vec<i16>,
    /// The other side has closed it, or it could not be.
    end: Option<String>,
}

impl Listener {
    /// Waits on loopback for a connection over TLS, by a certificate of this authority.
    ///
    /// # Errors
    /// No port, or no certificate.
    pub fn start(authority: &Authority, habit: Habit) -> Result<Listener> {
        let config = authority.vouches_for("127.0.0.1")?;
        let socket = TcpListener::bind("127.0.0.1:0").context("no port for a listener")?;
        let url = format!("wss://127.0.0.1:{}/sound", socket.local_addr()?.port());
        let heard = Arc::<Mutex<Heard>>::default();
        let kept = Arc::clone(&heard);
        thread::spawn(move || {
            let end = serve(&socket, config, habit, &kept);
            let end = end.map_or_else(|error| format!("{error:#}"), |()| "closed".to_owned());
            lock(&kept).end = Some(end);
        });
        Ok(Listener { url, heard })
    }

    /// 16-bit samples that came.
    #[must_use]
    pub fn samples(&self) -> Vec<i16> {
        lock(&self.heard).samples.clone()
    }

    /// How it ended, when it has: `closed`, or what went wrong.
    #[must_use]
    pub fn end(&self) -> Option<String> {
        lock(&self.heard).end.clone()
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

type Tls = StreamOwned<ServerConnection, TcpStream>;

fn serve(
    listener: &TcpListener,
    config: Arc<ServerConfig>,
    habit: Habit,
    heard: &Mutex<Heard>,
) -> Result<()> {
    let (socket, _) = listener.accept()?;
    let mut wire = StreamOwned::new(ServerConnection::new(config)?, socket);
    let key = request(&mut wire)?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        accept(&key)
    );
    wire.write_all(answer.as_bytes())?;
    wire.flush()?;
    match habit {
        Habit::Sleeps => loop {
            thread::sleep(Duration::from_secs(1));
        },
        Habit::Says(hz) => say(&mut wire, hz)?,
        Habit::Reads => {}
    }
    loop {
        match frame(&mut wire)? {
            (2, sound) => {
                let pairs = sound.chunks_exact(2);
                let samples = pairs.filter_map(|pair| Some(i16::from_le_bytes(pair.try_into().ok()?)));
                lock(heard).samples.extend(samples);
            }
            (8, why) => {
                ensure!(why.first_chunk() == Some(&[0x03, 0xE8]), "closed by {why:?}");
                return Ok(());
            }
            (opcode, _) => bail!("a frame of opcode {opcode}"),
        }
    }
}

/// Reads the request; gives its key.
fn request(wire: &mut Tls) -> Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        wire.read_exact(&mut octet)?;
        head.extend(octet);
        ensure!(head.len() <= HEAD, "a request without end");
    }
    let head = String::from_utf8(head).context("a request that is no text")?;
    ensure!(head.starts_with("GET /sound HTTP/1.1\r\n"), "{head}");
    let field = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found
            .map(|(_, value)| value.to_owned())
            .with_context(|| format!("no {name} in {head}"))
    };
    ensure!(field("Upgrade")?.eq_ignore_ascii_case("websocket") && field("Sec-WebSocket-Version")? == "13");
    field("Sec-WebSocket-Key")
}

/// The value that proves that the key was read.
fn accept(key: &str) -> String {
    let digest = ring::digest::digest(
        &ring::digest::SHA1_FOR_LEGACY_USE_ONLY,
        format!("{key}{GUID}").as_bytes(),
    );
    base64(digest.as_ref())
}

fn base64(octets: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in octets.chunks(3) {
        let bits = three
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0_usize, |bits, octet| bits << 8 | usize::from(*octet));
        for place in 0..4 {
            let sign = SIGNS.get(bits >> (18 - 6 * place) & 63).copied().unwrap_or(b'?');
            text.push(if place <= three.len() {
                char::from(sign)
            } else {
                '='
            });
        }
    }
    text
}

/// Says a tone, in messages of 20 ms.
fn say(wire: &mut Tls, hz: u32) -> Result<()> {
    for message in tone::samples(hz, 3, RATE).chunks(MESSAGE) {
        let octets: Vec<u8> = message.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        wire.write_all(&start(0x82, octets.len(), 0))?;
        wire.write_all(&octets)?;
    }
    Ok(wire.flush()?)
}

/// Reads a frame, which has to be whole and masked (RFC 6455 §5.1): its opcode and what is in it.
fn frame(wire: &mut Tls) -> Result<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    wire.read_exact(&mut head).context("the connection is gone")?;
    let [first, second] = head;
    ensure!(
        first & 0xF0 == 0x80 && second >= 0x80,
        "a frame that begins with {head:?}"
    );
    let length = match second & 0x7F {
        126 => {
            let mut long = [0; 2];
            wire.read_exact(&mut long)?;
            usize::from(u16::from_be_bytes(long))
        }
        127 => bail!("a frame of 64 kB"),
        short => usize::from(short),
    };
    let (mut mask, mut octets) = ([0; 4], vec![0; length]);
    wire.read_exact(&mut mask)?;
    wire.read_exact(&mut octets)?;
    octets
        .iter_mut()
        .zip(mask.iter().cycle())
        .for_each(|(octet, mask)| *octet ^= mask);
    Ok((first & 0x0F, octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!((base64(b"a").as_str(), base64(b"ab").as_str()), ("YQ==", "YWI="));
    }
}
