//! Sockets whose options must be set before they are bound.

use super::address::RawAddress;
use super::check;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// Octets asked for as kernel receive and send buffer of a UDP socket: a burst of some 2,000
/// messages while the thread is away. Without CAP_NET_ADMIN the kernel grants what `net.core.rmem_max`
/// allows.
const UDP_BUFFER_BYTES: libc::c_int = 4 * 1024 * 1024;

/// Connections that wait for `accept`.
const BACKLOG: libc::c_int = 1024;

fn open(address: SocketAddr, kind: libc::c_int) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() {
        libc::AF_INET
    } else {
        libc::AF_INET6
    };
    let kind = kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: the call takes no pointer; the descriptor it returns is new and ours alone.
    let fd = unsafe { OwnedFd::from_raw_fd(check(libc::socket(family, kind, 0))?) };
    if address.is_ipv6() {
        set(&fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
    }
    Ok(fd)
}

fn set(fd: &OwnedFd, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointer and length describe one integer that lives across the call.
    let result = unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, (&raw const value).cast(), length) };
    check(result).map(drop)
}

/// How much the kernel may hold for the peer of a connection, octets, instead of as much as it thinks fit.
pub(crate) fn set_send_buffer(socket: &impl AsFd, octets: libc::c_int) -> io::Result<()> {
    let fd = socket.as_fd().try_clone_to_owned()?;
    set(&fd, libc::SOL_SOCKET, libc::SO_SNDBUF, octets)
}

fn bind(fd: &OwnedFd, address: SocketAddr) -> io::Result<()> {
    let (raw, length) = RawAddress::from_std(address);
    // SAFETY: `raw` is initialised for `length` octets and lives across the call.
    check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const raw).cast(), length) }).map(drop)
}

/// A bound, non-blocking UDP socket. With `shared`, several sockets of this process may bind the
/// same address and the kernel spreads peers over them.
pub(crate) fn udp_socket(address: SocketAddr, shared: bool, large_buffers: bool) -> io::Result<OwnedFd> {
    let fd = open(address, libc::SOCK_DGRAM)?;
    if shared {
        set(&fd, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
    }
    if large_buffers {
        for (forced, asked) in [
            (libc::SO_RCVBUFFORCE, libc::SO_RCVBUF),
            (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF),
        ] {
            set(&fd, libc::SOL_SOCKET, forced, UDP_BUFFER_BYTES)
                .or_else(|_| set(&fd, libc::SOL_SOCKET, asked, UDP_BUFFER_BYTES))?;
        }
    }
    bind(&fd, address)?;
    Ok(fd)
}

/// A listening, non-blocking TCP socket; `shared` as for UDP.
pub(crate) fn tcp_listener(address: SocketAddr, shared: bool) -> io::Result<OwnedFd> {
    let fd = open(address, libc::SOCK_STREAM)?;
    set(&fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
    if shared {
        set(&fd, libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
    }
    bind(&fd, address)?;
    // SAFETY: the call takes no pointer; the descriptor is open.
    check(unsafe { libc::listen(fd.as_raw_fd(), BACKLOG) })?;
    Ok(fd)
}

/// A TCP socket that leaves from this address of ours and is on its way to `to`: writable once it is there, or once that
/// has failed.
pub(crate) fn tcp_connect(from: IpAddr, to: SocketAddr) -> io::Result<OwnedFd> {
    let fd = open(to, libc::SOCK_STREAM)?;
    bind(&fd, SocketAddr::new(from, 0))?;
    let (raw, length) = RawAddress::from_std(to);
    // SAFETY: `raw` is initialised for `length` octets and lives across the call.
    match check(unsafe { libc::connect(fd.as_raw_fd(), (&raw const raw).cast(), length) }) {
        Err(e) if e.raw_os_error() != Some(libc::EINPROGRESS) => Err(e),
        _ => Ok(fd),
    }
}
