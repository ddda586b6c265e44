//! A UDP socket with its send queue. Messages of one turn leave together in `sendmmsg` batches.

use crate::listen::Address;
use crate::sys::{self, Interest, Outgoing};
use bytes::Bytes;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

/// Datagrams that wait for a full kernel buffer to empty. What comes beyond is shed: the transaction
/// layer retransmits, and older answers are worth more than newer ones that would queue behind them.
const QUEUE: usize = 4096;

/// A bound socket and what waits to leave through it.
pub(crate) struct UdpPort {
    /// Its addresses.
    pub(crate) address: Address,
    /// What epoll watches.
    pub(crate) interest: Interest,
    socket: UdpSocket,
    queue: Vec<Outgoing>,
}

impl UdpPort {
    /// Wraps a bound, non-blocking socket.
    pub(crate) fn new(address: Address, socket: UdpSocket) -> UdpPort {
        UdpPort {
            address,
            interest: Interest::Read,
            socket,
            queue: Vec::new(),
        }
    }

    /// Queues a datagram. False when it was shed.
    pub(crate) fn push(&mut self, to: SocketAddr, bytes: Bytes) -> bool {
        let room = self.queue.len() < QUEUE;
        if room {
            self.queue.push(Outgoing { to, bytes });
        }
        room
    }

    /// Sends what is queued; true when something still waits because the kernel's buffer is full.
    pub(crate) fn flush(&mut self) -> bool {
        let mut done = 0;
        while let Some(rest) = self.queue.get(done..)
            && !rest.is_empty()
        {
            match sys::send_batch(self.socket.as_fd(), rest) {
                Ok(sent) => done += sent.max(1),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) => {
                    // The first one of the batch cannot be sent (no route, too large, refused by a
                    // packet filter). The peer's timers notice; the others go on.
                    let to = rest.first().map(|o| o.to);
                    tracing::debug!(?to, error = %e, "datagram not sent");
                    done += 1;
                }
            }
        }
        self.queue.drain(..done.min(self.queue.len()));
        !self.queue.is_empty()
    }
}

impl AsFd for UdpPort {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The port through which a flow's datagrams leave: the one that the peer reached; where that address
/// is gone since (a restored binding), one of the same family.
pub(crate) fn port_for(ports: &[UdpPort], local: SocketAddr) -> Option<usize> {
    let find = |test: &dyn Fn(&SocketAddr) -> bool| ports.iter().position(|p| test(&p.address.public));
    find(&|a| *a == local)
        .or_else(|| find(&|a| a.ip() == local.ip()))
        .or_else(|| find(&|a| a.is_ipv4() == local.is_ipv4()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Transport;

    fn port(address: &str) -> UdpPort {
        let address: SocketAddr = address.parse().unwrap();
        let socket = UdpSocket::from(sys::udp_socket(address, true, false).unwrap());
        let bound = socket.local_addr().unwrap();
        let address = Address {
            transport: Transport::Udp,
            bound,
            public: bound,
        };
        UdpPort::new(address, socket)
    }

    #[test]
    fn one_bad_destination_does_not_hold_up_the_others() {
        let (mut from, to) = (port("127.0.0.1:0"), port("127.0.0.1:0"));
        to.socket.set_nonblocking(false).unwrap();
        from.push(to.address.bound, Bytes::from_static(b"one"));
        from.push(
            "255.255.255.255:5060".parse().unwrap(),
            Bytes::from_static(b"broadcast is refused"),
        );
        from.push(to.address.bound, Bytes::from_static(b"two"));
        assert!(!from.flush());
        let mut buffer = [0; 64];
        for expected in [b"one", b"two"] {
            let (length, _) = to.socket.recv_from(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], expected);
        }
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut from = port("127.0.0.1:0");
        let to = from.address.bound;
        let taken = (0..=QUEUE)
            .filter(|_| from.push(to, Bytes::from_static(b"x")))
            .count();
        assert_eq!(taken, QUEUE);
    }

    #[test]
    fn a_flow_leaves_where_it_came_in_or_by_the_same_family() {
        let ports = [port("127.0.0.1:0"), port("127.0.0.2:0"), port("[::1]:0")];
        let local = |i: usize| ports[i].address.bound;
        assert_eq!(port_for(&ports, local(1)), Some(1));
        assert_eq!(port_for(&ports, "127.0.0.2:9".parse().unwrap()), Some(1));
        assert_eq!(port_for(&ports, "[2001:db8::1]:9".parse().unwrap()), Some(2));
        assert_eq!(port_for(&ports[..2], "[2001:db8::1]:9".parse().unwrap()), None);
    }
}
