//! Having the kernel sift what comes into the datagram sockets of a worker that can't read it all.
//!
//! Owns: how full each socket has been, and which filter it has. Does not own: who is known and what passes (`border`).

use crate::border_desk::BorderDesk;
use crate::sys::{self, Buffer};
use crate::udp::UdpPort;
use border::{Family, Instruction, Pressure, Sieve};
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

/// Between two looks at the buffers.
const LOOK: Duration = Duration::from_millis(20);
/// After so long it is asked again who is known.
const ASK: Duration = Duration::from_secs(1);
/// After so long the kernel is asked again that has refused, and somebody is told again.
const REST: Duration = Duration::from_secs(10);

/// The sockets of a worker, in their order.
pub(super) struct Sifted {
    sockets: Vec<Socket>,
    looked: Duration,
    /// Who is known, and since when this is so.
    known: Option<(Duration, Sieve)>,
}

#[derive(Default)]
struct Socket {
    pressure: Pressure,
    dropped: u32,
    is_sifted: bool,
    /// The kernel has refused: until then it is not asked again.
    rests: Duration,
    /// When it was last told that it is.
    told: Option<Duration>,
}

impl Sifted {
    /// So many, into which all passes.
    pub(super) fn new(sockets: usize) -> Sifted {
        Sifted {
            sockets: (0..sockets).map(|_| Socket::default()).collect(),
            looked: Duration::ZERO,
            known: None,
        }
    }

    /// When to look again, though nothing comes: that it ends is seen too.
    pub(super) fn due(&self) -> Option<Duration> {
        let any = self.sockets.iter().any(|socket| socket.is_sifted);
        any.then(|| self.looked + LOOK)
    }

    /// Looks where it is time, and sifts more or less. Gives the datagrams that the kernel has dropped since.
    pub(super) fn look(&mut self, ports: &[UdpPort], border: &BorderDesk, now: Duration) -> u64 {
        if now < self.looked + LOOK {
            return 0;
        }
        self.looked = now;
        let is_old = self.known.as_ref().is_some_and(|(since, _)| now >= *since + ASK);
        if is_old {
            self.known = None;
        }
        let mut dropped = 0;
        for (socket, port) in self.sockets.iter_mut().zip(ports) {
            let Ok(buffer) = sys::buffer(port.as_fd()) else {
                continue;
            };
            dropped += socket.dropped(buffer);
            let has_changed = socket.pressure.observe(buffer.waiting, buffer.room, now);
            let is_due = has_changed || socket.is_sifted == socket.pressure.share().is_none();
            // That all comes in again waits for nothing.
            let may = now >= socket.rests || socket.pressure.share().is_none();
            if may && (is_due || is_old && socket.is_sifted) {
                let done = socket.sift(port, &mut self.known, border, now);
                if let Err(error) = done {
                    tracing::warn!("strangers' datagrams can't be sifted: {error}");
                    socket.rests = now + REST;
                }
            }
        }
        dropped
    }
}

impl Socket {
    fn dropped(&mut self, buffer: Buffer) -> u64 {
        let more = buffer.dropped.wrapping_sub(self.dropped);
        self.dropped = buffer.dropped;
        more.into()
    }

    /// Gives the kernel the filter that there should be now.
    fn sift(
        &mut self,
        port: &UdpPort,
        known: &mut Option<(Duration, Sieve)>,
        border: &BorderDesk,
        now: Duration,
    ) -> io::Result<()> {
        let (at, was) = (port.address.bound, self.is_sifted);
        if known.is_none() && self.pressure.share().is_some() {
            *known = border.sieve(now).map(|sieve| (now, sieve));
        }
        match (self.pressure.share(), known) {
            (Some(share), Some((_, sieve))) => {
                let family = if at.is_ipv4() { Family::V4 } else { Family::V6 };
                // What can't be attached is not left as it was: those who are known may be others since.
                let program = sieve.program(family, share);
                self.is_sifted = false;
                attach(port, &program).or_else(|_| attach(port, &sieve.shorter().program(family, share)))?;
                self.is_sifted = true;
                if !was && self.told.is_none_or(|told| now >= told + REST) {
                    self.told = Some(now);
                    tracing::warn!(
                        "more comes to {at} than can be read: of strangers' datagrams the kernel drops some"
                    );
                }
            }
            _ if was => {
                sys::detach(port.as_fd())?;
                self.is_sifted = false;
                tracing::debug!("all that comes to {at} can be read again");
            }
            _ => {}
        }
        Ok(())
    }
}

/// In place of the filter that there is. The kernel counts both where it changes one for the other, and may have no room for that.
fn attach(port: &UdpPort, program: &[Instruction]) -> io::Result<()> {
    sys::attach(port.as_fd(), program).or_else(|_| {
        // There may be none.
        let _none = sys::detach(port.as_fd());
        sys::attach(port.as_fd(), program)
    })
}
