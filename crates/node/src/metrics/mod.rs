//! Figures for Prometheus: `GET /metrics` over HTTP (RFC 9112), on an address of its own.
//!
//! Owns: the listener, requests within limits of size and time, and that few are answered at once. Does not own: which
//! figures there are (`gather`), how they are written (`text`). It asks the workers as any command does, and keeps nothing.

mod gather;
mod process;
mod text;

use crate::live::Live;
use anyhow::{Context, Result};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Connections at once: each asks all workers.
const CONNECTIONS: usize = 4;
/// A request is whole, and its answer taken, within this, or both are dropped.
const PATIENCE: Duration = Duration::from_secs(5);
/// Octets of a request.
const LARGEST: usize = 8_192;
/// Out of descriptors, most likely: nothing to do but let others have the processor.
const PAUSE: Duration = Duration::from_millis(100);

/// The listener and its thread.
pub(crate) struct Metrics {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Metrics {
    /// Listens from now on.
    ///
    /// # Errors
    /// The address is taken or not ours, or there is no thread.
    pub(crate) fn start(address: SocketAddr, live: Live) -> Result<Metrics> {
        let listener = TcpListener::bind(address).with_context(|| {
            format!("cannot listen on {address} for [metrics]; is it taken, or not of this machine?")
        })?;
        let address = listener.local_addr()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let live = Arc::new(live);
        let thread = thread::Builder::new()
            .name("metrics".to_owned())
            .spawn(move || accept(&listener, &live, &stopped))
            .context("cannot start the thread of metrics")?;
        Ok(Metrics {
            address,
            stop,
            thread,
        })
    }

    /// Where it listens, with the port that the kernel chose.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the thread. Answers under way go on by themselves.
    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        // What it waits for is a connection.
        let mut near = self.address;
        if near.ip().is_unspecified() {
            near.set_ip(match near {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        if TcpStream::connect_timeout(&near, PATIENCE).is_ok() {
            let _ = self.thread.join();
        }
    }
}

fn accept(listener: &TcpListener, live: &Arc<Live>, stop: &AtomicBool) {
    for stream in listener.incoming() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        match stream {
            Ok(stream) => dispatch(stream, live),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// One thread per connection; the reference count is the number of them.
fn dispatch(mut stream: TcpStream, live: &Arc<Live>) {
    if Arc::strong_count(live) > CONNECTIONS {
        let _ = stream.set_write_timeout(Some(PATIENCE));
        let _ = stream.write_all(&response(
            "503 Service Unavailable",
            "",
            b"too many at once\n",
            true,
        ));
        return;
    }
    let live = Arc::clone(live);
    let started = thread::Builder::new()
        .name("scrape".to_owned())
        .spawn(move || serve(&mut stream, &live));
    if let Err(error) = started {
        tracing::warn!("metrics were asked for and could not be given: {error}");
    }
}

fn serve(stream: &mut TcpStream, live: &Live) {
    let end = Instant::now() + PATIENCE;
    let answer = match read_head(stream, end) {
        Ok(head) => answer(&head, || gather::page(live)),
        // Whoever says nothing gets no answer.
        Err(_) => return,
    };
    let left = end
        .saturating_duration_since(Instant::now())
        .max(Duration::from_secs(1));
    if stream.set_write_timeout(Some(left)).is_ok() {
        let _ = stream.write_all(&answer);
    }
}

/// Everything to the empty line, or as much as there may be.
fn read_head(stream: &mut TcpStream, end: Instant) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut block = [0; 1_024];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let count = stream.read(&mut block)?;
        head.extend_from_slice(block.get(..count).unwrap_or_default());
        let is_whole = head.windows(4).any(|w| w == b"\r\n\r\n");
        if count == 0 || is_whole || head.len() > LARGEST {
            return Ok(head);
        }
    }
}

/// The answer to a request; the page is made only for who may have it.
fn answer(head: &[u8], page: impl FnOnce() -> Result<String>) -> Vec<u8> {
    if head.len() > LARGEST {
        return response("431 Request Header Fields Too Large", "", b"too large\n", true);
    }
    let line = head.split(|b| *b == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line).unwrap_or_default();
    let mut words = line.split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let (Some(method), Some(target), true) = (
        method,
        target,
        version.is_some_and(|v| v.starts_with("HTTP/1.")) && words.next().is_none(),
    ) else {
        return response("400 Bad Request", "", b"this is no request of HTTP/1.1\n", true);
    };
    let with_body = method != "HEAD";
    if !matches!(method, "GET" | "HEAD") {
        return response(
            "405 Method Not Allowed",
            "Allow: GET, HEAD\r\n",
            b"only GET and HEAD\n",
            true,
        );
    }
    if target.split('?').next() != Some("/metrics") {
        return response("404 Not Found", "", b"only /metrics is here\n", with_body);
    }
    match page() {
        Ok(page) => response("200 OK", "", page.as_bytes(), with_body),
        Err(error) => response(
            "503 Service Unavailable",
            "",
            format!("{error:#}\n").as_bytes(),
            with_body,
        ),
    }
}

fn response(status: &str, more: &str, body: &[u8], with_body: bool) -> Vec<u8> {
    let kind = match status {
        "200 OK" => "text/plain; version=0.0.4; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{more}Connection: close\r\n\r\n"
    );
    let mut all = head.into_bytes();
    if with_body {
        all.extend_from_slice(body);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(request: &str) -> String {
        let text = String::from_utf8(answer(request.as_bytes(), || Ok("up 1\n".to_owned()))).unwrap();
        text.lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn only_who_asks_for_metrics_gets_them() {
        assert_eq!(
            status("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"),
            "HTTP/1.1 200 OK"
        );
        assert_eq!(status("GET /metrics?a=b HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 OK");
        assert_eq!(status("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 Not Found");
        assert_eq!(
            status("POST /metrics HTTP/1.1\r\n\r\n"),
            "HTTP/1.1 405 Method Not Allowed"
        );
        for odd in [
            "",
            "\r\n\r\n",
            "GET /metrics\r\n\r\n",
            "GET /metrics HTTP/2 x\r\n\r\n",
        ] {
            assert_eq!(status(odd), "HTTP/1.1 400 Bad Request", "{odd:?}");
        }
        let large = format!("GET /metrics HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(LARGEST));
        assert_eq!(status(&large), "HTTP/1.1 431 Request Header Fields Too Large");
    }

    #[test]
    fn a_head_without_body_says_how_long_that_would_be() {
        let answer = answer(b"HEAD /metrics HTTP/1.1\r\n\r\n", || Ok("up 1\n".to_owned()));
        let text = String::from_utf8(answer).unwrap();
        assert!(
            text.contains("Content-Length: 5\r\n") && text.ends_with("\r\n\r\n"),
            "{text}"
        );
    }
}
