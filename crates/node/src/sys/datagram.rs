//! Datagrams in batches: `recvmmsg` and `sendmmsg`.

use super::address::{RAW_LEN, RawAddress};
use super::check;
use bytes::Bytes;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Datagrams that one system call takes or gives.
pub(crate) const BATCH: usize = 64;

/// Datagrams of a small batch.
const FEW: usize = 8;

/// Octets between two receive buffers beyond their size: with a power of two, the first octets of
/// all of them would compete for the same few cache lines.
const STAGGER: usize = 17 * 64;

/// Receive buffers for one thread. Memory is touched only as far as datagrams reach into it.
pub(crate) struct Batch {
    memory: Vec<u8>,
    size: usize,
    names: Vec<RawAddress>,
    /// Named by the headers; never touched after they were made.
    _vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
    /// Headers that the last call wrote into.
    used: usize,
}

fn empty_header() -> libc::mmsghdr {
    // SAFETY: integers and raw pointers only, for which all-zero octets are a value.
    unsafe { std::mem::zeroed() }
}

impl Batch {
    /// `count` buffers of `size` octets each.
    pub(crate) fn new(count: usize, size: usize) -> Batch {
        let count = count.clamp(1, BATCH);
        let stride = size + STAGGER;
        let mut memory = vec![0; count * stride];
        let mut names = vec![RawAddress::empty(); count];
        let base: *mut u8 = memory.as_mut_ptr();
        let piece = |index: usize| libc::iovec {
            // SAFETY: `memory` is `count * stride` octets long and `index < count`.
            iov_base: unsafe { base.add(index * stride) }.cast(),
            iov_len: size,
        };
        let mut vectors: Vec<libc::iovec> = (0..count).map(piece).collect();
        let header = |(name, vector): (&mut RawAddress, &mut libc::iovec)| {
            let mut header = empty_header();
            header.msg_hdr.msg_name = (&raw mut *name).cast();
            header.msg_hdr.msg_namelen = RAW_LEN;
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            header
        };
        let headers = names.iter_mut().zip(&mut vectors).map(header).collect();
        Batch {
            memory,
            size,
            names,
            _vectors: vectors,
            headers,
            used: 0,
        }
    }

    /// How many datagrams one call can take.
    pub(crate) fn capacity(&self) -> usize {
        self.headers.len()
    }

    /// Takes what waits on `fd`, at most `capacity` datagrams; 0 when nothing waits.
    pub(crate) fn receive(&mut self, fd: BorrowedFd<'_>) -> io::Result<usize> {
        for header in self.headers.iter_mut().take(self.used) {
            header.msg_hdr.msg_namelen = RAW_LEN;
        }
        self.used = 0;
        let count = libc::c_uint::try_from(self.headers.len()).unwrap_or(0);
        // SAFETY: every header names one buffer of `size` octets and one address, none overlapping. They
        // lie in vectors of `self` that are never resized, so they are where they were when the headers
        // were made, and `self` is borrowed mutably across the call.
        let result = check(unsafe {
            libc::recvmmsg(
                fd.as_raw_fd(),
                self.headers.as_mut_ptr(),
                count,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        });
        match result {
            Ok(count) => {
                self.used = usize::try_from(count).unwrap_or(0);
                Ok(self.used)
            }
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(0),
            Err(e) => Err(e),
        }
    }

    /// Datagram `index` of the last call and where it came from; `None` for a foreign address family.
    pub(crate) fn get(&self, index: usize) -> Option<(&[u8], SocketAddr)> {
        let header = self.headers.get(index)?;
        let length = usize::try_from(header.msg_len).ok()?.min(self.size);
        let start = index * (self.size + STAGGER);
        let from = self.names.get(index)?.to_std()?;
        Some((self.memory.get(start..start + length)?, from))
    }

    /// The buffer of a datagram, to be changed, how long the datagram in it is, and its source.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<(&mut [u8], usize, SocketAddr)> {
        let header = self.headers.get(index)?;
        let length = usize::try_from(header.msg_len).ok()?.min(self.size);
        let start = index * (self.size + STAGGER);
        let from = self.names.get(index)?.to_std()?;
        Some((self.memory.get_mut(start..start + self.size)?, length, from))
    }

    /// The first octets of the buffer of a datagram.
    pub(crate) fn beginning(&self, index: usize, length: usize) -> Option<&[u8]> {
        let start = index * (self.size + STAGGER);
        self.memory.get(start..start + length.min(self.size))
    }
}

/// Something to send.
pub(crate) trait Datagram {
    /// Where to.
    fn to(&self) -> SocketAddr;
    /// What.
    fn octets(&self) -> &[u8];
}

/// One datagram that waits in a queue.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// Where to.
    pub(crate) to: SocketAddr,
    /// What.
    pub(crate) bytes: Bytes,
}

impl Datagram for Outgoing {
    fn to(&self) -> SocketAddr {
        self.to
    }
    fn octets(&self) -> &[u8] {
        &self.bytes
    }
}

/// One datagram that still lies where it was received.
impl Datagram for (SocketAddr, &[u8]) {
    fn to(&self) -> SocketAddr {
        self.0
    }
    fn octets(&self) -> &[u8] {
        self.1
    }
}

/// Sends the first datagrams of `queue`, at most [`BATCH`]; returns how many the kernel took.
pub(crate) fn send_batch<D: Datagram>(fd: BorrowedFd<'_>, queue: &[D]) -> io::Result<usize> {
    if let [only] = queue {
        return send_one(fd, only.octets(), only.to()).map(|()| 1);
    }
    // Headers cost more to clear than to fill: few datagrams get few.
    if queue.len() <= FEW {
        send_many::<FEW, D>(fd, queue)
    } else {
        send_many::<BATCH, D>(fd, queue)
    }
}

fn send_many<const N: usize, D: Datagram>(fd: BorrowedFd<'_>, queue: &[D]) -> io::Result<usize> {
    let mut names = [RawAddress::empty(); N];
    let mut vectors = [libc::iovec {
        iov_base: std::ptr::null_mut(),
        iov_len: 0,
    }; N];
    let mut headers = [empty_header(); N];
    let mut count: libc::c_uint = 0;
    let slots = headers.iter_mut().zip(&mut vectors).zip(&mut names);
    for (item, ((header, vector), name)) in queue.iter().zip(slots) {
        let (raw, length) = RawAddress::from_std(item.to());
        *name = raw;
        vector.iov_base = item.octets().as_ptr().cast_mut().cast();
        vector.iov_len = item.octets().len();
        header.msg_hdr.msg_name = (&raw mut *name).cast();
        header.msg_hdr.msg_namelen = length;
        header.msg_hdr.msg_iov = vector;
        header.msg_hdr.msg_iovlen = 1;
        count += 1;
    }
    // SAFETY: the first `count` headers name buffers and addresses that live in `queue` and on this
    // stack frame across the call; the kernel only reads what they point to.
    let sent =
        check(unsafe { libc::sendmmsg(fd.as_raw_fd(), headers.as_mut_ptr(), count, libc::MSG_DONTWAIT) })?;
    Ok(usize::try_from(sent).unwrap_or(0))
}

/// Sends one datagram.
fn send_one(fd: BorrowedFd<'_>, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
    let (raw, length) = RawAddress::from_std(to);
    // SAFETY: both pointers name memory that lives across the call, with its true length; the
    // kernel only reads it.
    let sent = unsafe {
        libc::sendto(
            fd.as_raw_fd(),
            bytes.as_ptr().cast(),
            bytes.len(),
            libc::MSG_DONTWAIT,
            (&raw const raw).cast(),
            length,
        )
    };
    if sent < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Events, Interest, Poll, udp_socket};
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    fn pair() -> (UdpSocket, UdpSocket) {
        let any = "127.0.0.1:0".parse().unwrap();
        let open = || UdpSocket::from(udp_socket(any, true, true).unwrap());
        (open(), open())
    }

    fn wait(socket: &UdpSocket) {
        let (poll, mut events) = (Poll::new().unwrap(), Events::new(1));
        poll.add(socket.as_fd(), 0, Interest::Read).unwrap();
        assert_eq!(
            poll.wait(&mut events, Some(std::time::Duration::from_secs(5)))
                .unwrap(),
            1
        );
    }

    #[test]
    fn a_batch_arrives_whole_and_in_order() {
        let (a, b) = pair();
        let to = b.local_addr().unwrap();
        let queue: Vec<Outgoing> = (0..100_u8)
            .map(|n| Outgoing {
                to,
                bytes: Bytes::from(vec![n; 1 + usize::from(n)]),
            })
            .collect();
        assert_eq!(send_batch(a.as_fd(), &queue).unwrap(), BATCH);
        assert_eq!(send_batch(a.as_fd(), &queue[BATCH..]).unwrap(), 100 - BATCH);
        let mut batch = Batch::new(BATCH, 65_535);
        let mut seen = Vec::new();
        while seen.len() < 100 {
            wait(&b);
            for index in 0..batch.receive(b.as_fd()).unwrap() {
                let (bytes, from) = batch.get(index).unwrap();
                assert_eq!(from, a.local_addr().unwrap());
                seen.push(bytes.to_vec());
            }
        }
        assert!(seen.iter().zip(&queue).all(|(got, sent)| got == &sent.bytes));
        assert_eq!(batch.receive(b.as_fd()).unwrap(), 0);
    }

    #[test]
    fn the_largest_datagram_is_not_cut() {
        let (a, b) = pair();
        let large = vec![7_u8; 65_507];
        send_one(a.as_fd(), &large, b.local_addr().unwrap()).unwrap();
        wait(&b);
        let mut batch = Batch::new(2, 65_535);
        assert_eq!(batch.receive(b.as_fd()).unwrap(), 1);
        assert_eq!(batch.get(0).unwrap().0, large);
    }
}
