//! The only module with `unsafe`: the system calls that the standard library does not offer.
//!
//! Owns: epoll, eventfd, sockets with options set before bind, batched datagrams, filters, interface
//! addresses, resource limits. Does not own: any decision. Every block says why it holds.
#![allow(unsafe_code)]

mod address;
mod datagram;
mod disk;
mod filter;
mod host;
mod poll;
mod socket;

pub(crate) use datagram::{BATCH, Batch, Outgoing, send_batch};
pub(crate) use disk::{begin_to_write, free_octets};
pub(crate) use filter::{Buffer, attach, buffer, detach};
pub(crate) use host::{interfaces, raise_open_files};
pub(crate) use poll::{Events, Interest, Poll, Ready, Wake};
pub(crate) use socket::{set_send_buffer, tcp_connect, tcp_listener, udp_socket};

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

/// A place holder for an address.
pub(crate) const NOWHERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

/// Turns the `-1` of a system call into the error it stands for.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
