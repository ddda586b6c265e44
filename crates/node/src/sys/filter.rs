//! Programs that the kernel runs on what comes into a socket, and how full its buffer is.

use super::check;
use border::Instruction;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Places of `SO_MEMINFO`'s answer (<linux/sock_diag.h>): octets that wait, octets that have room, datagrams dropped since the start.
const WAITING: usize = 0;
const ROOM: usize = 1;
const DROPPED: usize = 8;
const PLACES: usize = 9;
/// Most instructions of a program (`BPF_MAXINSNS`).
const MOST: usize = 4_096;

/// How a socket's receive buffer stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Buffer {
    /// Octets that wait, with what the kernel needs around them.
    pub(crate) waiting: u64,
    /// Octets that have room.
    pub(crate) room: u64,
    /// Datagrams that were dropped; wraps around.
    pub(crate) dropped: u32,
}

/// Reads it.
pub(crate) fn buffer(fd: BorrowedFd<'_>) -> io::Result<Buffer> {
    let mut places = [0_u32; PLACES];
    let mut length = size_of_val(&places) as libc::socklen_t;
    // SAFETY: the pointer and length describe an array of integers that lives across the call; the kernel writes no more than that.
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            (&raw mut places).cast(),
            &raw mut length,
        )
    };
    check(result)?;
    let place = |index: usize| places.get(index).copied().unwrap_or(0);
    Ok(Buffer {
        waiting: place(WAITING).into(),
        room: place(ROOM).into(),
        dropped: place(DROPPED),
    })
}

/// Has the kernel run this program on each datagram that comes into a socket, in place of one that it had.
pub(crate) fn attach(fd: BorrowedFd<'_>, program: &[Instruction]) -> io::Result<()> {
    let copy = |one: &Instruction| libc::sock_filter {
        code: one.code,
        jt: one.jt,
        jf: one.jf,
        k: one.k,
    };
    let mut filters: Vec<libc::sock_filter> = program.iter().take(MOST).map(copy).collect();
    let program = libc::sock_fprog {
        len: u16::try_from(filters.len()).unwrap_or(0),
        filter: filters.as_mut_ptr(),
    };
    let length = size_of_val(&program) as libc::socklen_t;
    // SAFETY: `program` names `len` instructions in `filters`; both live across the call, and the kernel copies them.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            length,
        )
    };
    check(result).map(drop)
}

/// Lets everything in again.
pub(crate) fn detach(fd: BorrowedFd<'_>) -> io::Result<()> {
    let nothing: libc::c_int = 0;
    let length = size_of_val(&nothing) as libc::socklen_t;
    // SAFETY: the pointer and length describe one integer that lives across the call.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_DETACH_FILTER,
            (&raw const nothing).cast(),
            length,
        )
    };
    check(result).map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::udp_socket;
    use super::*;
    use border::{Family, Share, Sieve};
    use std::net::{IpAddr, UdpSocket};
    use std::os::fd::AsFd;

    const NONE: Share = Share {
        others: 0,
        neighbours: 0,
        help: 0,
    };

    /// What a socket with this filter gets of these texts. The kernel has them in its buffer, or has dropped them, when `send` returns.
    fn heard(socket: &UdpSocket, sender: &UdpSocket, texts: &[&str]) -> Vec<String> {
        for text in texts {
            sender
                .send_to(text.as_bytes(), socket.local_addr().unwrap())
                .unwrap();
        }
        let mut octets = [0; 256];
        let read = |()| {
            let (length, _) = socket.recv_from(&mut octets).ok()?;
            Some(String::from_utf8(octets[..length].to_vec()).unwrap())
        };
        std::iter::repeat(()).map_while(read).collect()
    }

    /// An address a little above.
    fn number_above(ip: IpAddr) -> IpAddr {
        match ip {
            IpAddr::V4(v4) => IpAddr::from((u32::from(v4) | 3).to_be_bytes()),
            IpAddr::V6(v6) => IpAddr::from((u128::from(v6) | 3).to_be_bytes()),
        }
    }

    /// Whatever port it comes from, where nothing is asked of an address, or of its network.
    fn anywhere((socket, stranger): (&UdpSocket, &UdpSocket), ip: IpAddr, family: Family, texts: &[&str]) {
        let whole = |sieve: &mut Sieve| match ip {
            IpAddr::V4(_) => sieve.between([127, 0, 0, 0].into(), [127, 0, 0, 255].into()),
            IpAddr::V6(_) => sieve.between(ip, [0, 0, 0, 0, 0, 0, 0, 255].into()),
        };
        for enter in [&whole, &|sieve: &mut Sieve| sieve.source(ip)] as [&dyn Fn(&mut Sieve); 2] {
            let mut sieve = Sieve::new([3, 4], &[]);
            enter(&mut sieve);
            attach(socket.as_fd(), &sieve.program(family, NONE)).unwrap();
            assert_eq!(heard(socket, stranger, texts), texts);
        }
    }

    /// So many are known that everybody's bit is set: the largest program.
    fn crowd(sieve: &mut Sieve, family: Family) {
        for port in 0..60_000_u32 {
            let [a, b, c, d] = port.wrapping_mul(0x9E37_79B9).to_be_bytes();
            let other = match family {
                Family::V4 => IpAddr::from([a, b, c, d]),
                Family::V6 => IpAddr::from([
                    0x2001,
                    0xdb8,
                    u16::from_be_bytes([a, b]),
                    u16::from_be_bytes([c, d]),
                    0,
                    0,
                    0,
                    1,
                ]),
            };
            if port % 8 == 0 {
                sieve.source(other);
                let last = number_above(other);
                sieve.between(other, last);
            }
            // As many as are looked up.
            if port % 256 == 0 {
                sieve.neighbour(other);
            }
            if port % 4 == 0 {
                sieve.flow((other, 5_060).into());
            }
        }
    }

    /// The kernel takes the largest program that there can be, of both families, and does what it says.
    #[test]
    fn the_kernel_lets_those_through_who_are_known() {
        for (ip, family) in [("127.0.0.1", Family::V4), ("::1", Family::V6)] {
            let ip: IpAddr = ip.parse().unwrap();
            let open = || UdpSocket::from(udp_socket((ip, 0).into(), true, true).unwrap());
            let (socket, known, stranger) = (open(), open(), open());
            let mut sieve = Sieve::new(
                [0x1234_5678_9abc_def1, 0x0fed_cba9_8765_4321],
                &border::Rules::default().emergency_countries,
            );
            let quiet = sieve.program(family, NONE);
            attach(socket.as_fd(), &quiet).unwrap();
            let texts = ["OPTIONS sip:a SIP/2.0", "x", ""];
            assert!(heard(&socket, &known, &texts).is_empty());
            sieve.flow(known.local_addr().unwrap());
            attach(socket.as_fd(), &sieve.program(family, NONE)).unwrap();
            assert_eq!(heard(&socket, &known, &texts), texts);
            assert!(heard(&socket, &stranger, &texts).is_empty());
            assert_eq!(buffer(socket.as_fd()).unwrap().dropped, 6);
            // Some of everything, and more of what may be a call for help, and of those who were known by another port.
            let some = Share {
                others: u32::MAX / 64,
                neighbours: u32::MAX,
                help: u32::MAX,
            };
            attach(socket.as_fd(), &sieve.program(family, some)).unwrap();
            let help = [
                "INVITE sip:112@a SIP/2.0",
                "INVITE urn:service:sos SIP/2.0",
                "INVITE tel:+911 SIP/2.0",
                "INVITE sip:0112@a SIP/2.0",
            ];
            assert_eq!(heard(&socket, &stranger, &help), help);
            assert!(heard(&socket, &stranger, &["INVITE sip:7777@a SIP/2.0"; 64]).len() < 16);
            let mut shorter = sieve.shorter();
            attach(socket.as_fd(), &shorter.program(family, NONE)).unwrap();
            assert_eq!(heard(&socket, &known, &texts), texts);
            shorter.neighbour(ip);
            attach(socket.as_fd(), &shorter.program(family, some)).unwrap();
            assert_eq!(heard(&socket, &stranger, &texts), texts);
            anywhere((&socket, &stranger), ip, family, &texts);
            crowd(&mut sieve, family);
            let large = sieve.program(family, NONE);
            assert!((3_450..=4_096).contains(&large.len()), "{}", large.len());
            assert!(sieve.shorter().program(family, NONE).len() < 1_000);
            attach(socket.as_fd(), &large).unwrap();
            assert_eq!(heard(&socket, &known, &texts), texts);
            detach(socket.as_fd()).unwrap();
            assert_eq!(heard(&socket, &stranger, &texts), texts);
            let filled = buffer(socket.as_fd()).unwrap();
            assert!(filled.room >= 65_536 && filled.waiting == 0, "{filled:?}");
        }
    }
}
