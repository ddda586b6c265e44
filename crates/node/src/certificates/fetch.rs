//! Fetching one certificate: the name is asked for once, its addresses are checked, and those are connected to as they were checked (a name
//! that is asked for again may have changed in between).

use super::kept::lifetime;
use crate::fork::{LOOK, Place, Timed, permitted, reach, wire};
use crate::http::{Answer, TooLarge, exchange};
use crate::resolve::Resolver;
use anyhow::{Result, anyhow, bail};
use model::{CertificateOutcome, Locate, LocateOutcome};
use rustls::ClientConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Octets of a certificate and those above it.
pub(super) const LARGEST: usize = 65_536;
/// Octets of the headers that come before it.
const LARGEST_HEAD: usize = 16_384;
/// The ports of certificates (ATIS-1000074 §5.3.1).
const PORTS: [u16; 2] = [443, 8_443];

/// How certificates are fetched.
pub(super) struct Means {
    pub(super) resolver: Resolver,
    /// Addresses of inner networks, and other ports, are allowed.
    pub(super) allow_private: bool,
    pub(super) tls: Option<Arc<ClientConfig>>,
}

/// Why there is none.
enum Failure {
    Refused(&'static str),
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        Failure::Other(error)
    }
}

/// Fetches until then. Gives what there is, and how long a certificate may be kept.
pub(super) fn fetch(means: &Means, url: &str, end: Instant) -> (CertificateOutcome, Duration) {
    match ask(means, url, end) {
        Ok(answer) => {
            let kept_for = lifetime(&answer);
            (CertificateOutcome::Found(answer.body.into()), kept_for)
        }
        Err(Failure::Refused(why)) => {
            tracing::debug!("the certificate at {url} is not fetched: {why}");
            (CertificateOutcome::Refused, Duration::ZERO)
        }
        Err(Failure::Other(error)) => {
            tracing::debug!("the certificate at {url} could not be fetched: {error:#}");
            match error.is::<TooLarge>() {
                true => (CertificateOutcome::TooLarge, Duration::ZERO),
                false => (CertificateOutcome::Unreachable, Duration::ZERO),
            }
        }
    }
}

fn ask(means: &Means, url: &str, end: Instant) -> Result<Answer, Failure> {
    let place = Place::parse(url, ["http", "https"]).filter(|place| place.is_secure);
    let place = place.ok_or(Failure::Refused("it is no https URL"))?;
    if !means.allow_private && !PORTS.contains(&place.port) {
        return Err(Failure::Refused("it is at another port than 443 and 8443"));
    }
    let found = locate(&means.resolver, &place, end)?;
    let addresses = match permitted(found.into_iter(), means.allow_private) {
        Ok(addresses) => addresses,
        Err(true) => return Err(Failure::Refused("it is in an inner network")),
        Err(false) => return Err(anyhow!("its host has no address").into()),
    };
    Ok(get(means, &place, &addresses, end)?)
}

/// The addresses of its host.
fn locate(resolver: &Resolver, place: &Place, end: Instant) -> Result<Vec<SocketAddr>> {
    let (tell, told) = channel();
    let question = Locate {
        order: 0,
        host: place.host.as_str().into(),
        port: Some(place.port),
        transport: None,
        secure: false,
    };
    resolver.locate(
        &question,
        Box::new(move |located| drop(tell.send(located.outcome))),
    );
    let left = end.saturating_duration_since(Instant::now());
    match told.recv_timeout(left) {
        Ok(LocateOutcome::Found { places, .. }) => Ok(places.iter().map(|place| place.address).collect()),
        Ok(LocateOutcome::NoSuchName) => bail!("its host does not exist"),
        Ok(LocateOutcome::Refused) => bail!("its host can't be looked up"),
        Ok(LocateOutcome::NoAnswer | LocateOutcome::Busy) | Err(_) => bail!("the DNS does not answer"),
    }
}

/// One GET (RFC 9110 §9.3.1). A server that sends us elsewhere is not followed.
fn get(means: &Means, place: &Place, addresses: &[SocketAddr], end: Instant) -> Result<Answer> {
    let socket = reach(addresses, end)?;
    socket.set_write_timeout(Some(LOOK))?;
    socket.set_read_timeout(Some(LOOK))?;
    let tls = || means.tls.clone().ok_or_else(|| anyhow!("nobody is trusted"));
    let mut wire = wire(place, Timed::new(socket, end), tls)?;
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nAccept: application/pem-certificate-chain, application/pkix-cert, */*\r\nConnection: close\r\n\r\n",
        place.path, place.authority
    );
    let answer = exchange(wire.as_mut(), request.as_bytes(), LARGEST_HEAD + LARGEST, end)?;
    let answer = Answer::read(&answer)?;
    match answer.status {
        200 if answer.body.len() > LARGEST => Err(TooLarge::new(LARGEST).into()),
        200 if !answer.body.is_empty() => Ok(answer),
        status => bail!("the answer is {status} with {} octets", answer.body.len()),
    }
}
