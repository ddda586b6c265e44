//! Where the certificates of those who vouch for callers lie: a server for GET over TLS (RFC 9110), written apart from the server's client.
//!
//! Owns: what it gives, which the test may change, and what it was asked for. Does not own: certificates.

use crate::listener::Authority;
use anyhow::{Context, Result, ensure};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Longest head of a request.
const HEAD: usize = 8_192;

/// What it does with who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ware {
    /// Gives this.
    Pem(String),
    /// Says that there is nothing.
    Nothing,
    /// Takes the connection and never says a word.
    Silence,
}

/// A shop with one shelf.
#[derive(Debug)]
pub struct Shop {
    /// Where it is.
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    ware: Ware,
    asked: usize,
}

impl Shop {
    /// Opens on loopback, with a certificate of this authority.
    ///
    /// # Errors
    /// No port, or no certificate.
    pub fn open(authority: &Authority, ware: Ware) -> Result<Shop> {
        let config = authority.vouches_for("127.0.0.1")?;
        let socket = TcpListener::bind("127.0.0.1:0").context("no port for a shop")?;
        let url = format!("https://127.0.0.1:{}/ours.pem", socket.local_addr()?.port());
        let state = Arc::new(Mutex::new(State { ware, asked: 0 }));
        let kept = Arc::clone(&state);
        thread::spawn(move || {
            for customer in socket.incoming().map_while(Result::ok) {
                let (config, kept) = (Arc::clone(&config), Arc::clone(&kept));
                thread::spawn(move || {
                    if let Err(error) = serve(customer, config, &kept) {
                        println!("shop: {error:#}");
                    }
                });
            }
        });
        Ok(Shop { url, state })
    }

    /// It gives this from now on.
    pub fn put(&self, ware: Ware) {
        lock(&self.state).ware = ware;
    }

    /// How often it was asked.
    #[must_use]
    pub fn asked(&self) -> usize {
        lock(&self.state).asked
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(socket: TcpStream, config: Arc<ServerConfig>, state: &Mutex<State>) -> Result<()> {
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut wire = StreamOwned::new(ServerConnection::new(config)?, socket);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        wire.read_exact(&mut octet)?;
        head.extend(octet);
        ensure!(head.len() <= HEAD, "a request without end");
    }
    ensure!(head.starts_with(b"GET /ours.pem HTTP/1.1\r\n"), "another request");
    let ware = {
        let mut state = lock(state);
        state.asked += 1;
        state.ware.clone()
    };
    let answer = match ware {
        Ware::Pem(pem) => format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/pem-certificate-chain\r\nContent-Length: {}\r\n\r\n{pem}",
            pem.len()
        ),
        Ware::Nothing => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        Ware::Silence => {
            // Until the other side has had enough.
            let mut octet = [0];
            let _gone = wire.read(&mut octet);
            return Ok(());
        }
    };
    wire.write_all(answer.as_bytes())?;
    wire.conn.send_close_notify();
    Ok(wire.flush()?)
}
