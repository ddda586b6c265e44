//! Ports that no other test uses at the same time: a block per test, claimed with a file lock, because
//! tests run in parallel in one process (libtest) or in many (nextest).

use anyhow::{Context, Result, bail};
use std::cell::Cell;
use std::fs::{self, File};
use std::net::{TcpListener, UdpSocket};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// Below the kernel's ephemeral range (32,768 and up), so a client's own port never collides with ours.
const FIRST: u16 = 10_000;
/// Ports of one test.
const SIZE: u16 = 2_000;
/// Of those, for signalling, control sockets and the phones' own audio; the rest is the relay's.
const SIGNALLING: u16 = 400;
/// Blocks: 10,000 to 31,999.
const BLOCKS: u16 = 11;
/// Tests that wait for a block wait for whole tests to end.
const CLAIM_WITHIN: Duration = Duration::from_secs(300);

/// A block of ports, ours until dropped.
#[derive(Debug)]
pub struct Ports {
    base: u16,
    next: Cell<u16>,
    _claim: File,
}

impl Ports {
    /// Claims a block that no other test holds and no other server has.
    ///
    /// # Errors
    /// The lock directory is not writable, or every block was held for minutes.
    pub fn claim() -> Result<Ports> {
        let dir = std::env::temp_dir().join("carillon-interop-ports");
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let begun = Instant::now();
        while begun.elapsed() < CLAIM_WITHIN {
            for block in 0..BLOCKS {
                let path = dir.join(format!("block-{block}"));
                let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
                let base = FIRST + block * SIZE;
                if file.try_lock().is_ok() && !is_taken(base) {
                    let next = Cell::new(base);
                    return Ok(Ports {
                        base,
                        next,
                        _claim: file,
                    });
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("all {BLOCKS} port blocks are held by other tests or servers")
    }

    /// A port that is free for UDP and TCP on loopback, given out once.
    ///
    /// # Errors
    /// The block is used up.
    pub fn one(&self) -> Result<u16> {
        self.run(1)
    }

    /// The first of `count` consecutive free ports; even, as RTP wants it.
    ///
    /// # Errors
    /// The block is used up.
    pub fn run(&self, count: u16) -> Result<u16> {
        let end = self.base + SIGNALLING;
        let mut first = self.next.get().next_multiple_of(2);
        while first + count <= end {
            if (first..first + count).all(free) {
                self.next.set(first + count);
                return Ok(first);
            }
            first += 2;
        }
        bail!("no {count} free ports are left between {} and {end}", self.base)
    }

    /// Ports for the server's relay.
    #[must_use]
    pub fn relay(&self) -> RangeInclusive<u16> {
        self.base + SIGNALLING..=self.base + SIZE - 1
    }
}

/// True when a server that knows nothing of blocks is in this one, such as one to try things out: its media ports are one run,
/// and a long one reaches one of these.
fn is_taken(base: u16) -> bool {
    let looks = [base, base + SIGNALLING, base + SIZE - 2];
    !looks.into_iter().all(free)
}

fn free(port: u16) -> bool {
    UdpSocket::bind(("127.0.0.1", port)).is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok()
}
