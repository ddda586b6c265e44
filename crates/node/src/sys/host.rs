//! What the machine has: interface addresses and the limit of open files.

use super::address::RawAddress;
use super::check;
use std::io;
use std::net::IpAddr;

/// The addresses of all interfaces that are up, in the kernel's order, without link-local IPv6:
/// those need a scope that SIP and SDP cannot carry.
pub(crate) fn interfaces() -> io::Result<Vec<IpAddr>> {
    let mut head: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: the call stores a list head into `head`, which lives across the call.
    check(unsafe { libc::getifaddrs(&raw mut head) })?;
    let mut found = Vec::new();
    let mut next = head;
    while !next.is_null() {
        // SAFETY: `next` is a node of the list, which stays unchanged until it is freed below.
        let node = unsafe { &*next };
        next = node.ifa_next;
        if node.ifa_addr.is_null() || node.ifa_flags & (libc::IFF_UP as libc::c_uint) == 0 {
            continue;
        }
        if let Some(ip) = interface_address(node.ifa_addr)
            && is_usable(ip)
            && !found.contains(&ip)
        {
            found.push(ip);
        }
    }
    // SAFETY: the list came from `getifaddrs` and nothing of it is used after this.
    unsafe { libc::freeifaddrs(head) };
    Ok(found)
}

fn interface_address(address: *const libc::sockaddr) -> Option<IpAddr> {
    let mut raw = RawAddress::empty();
    // SAFETY: the caller's pointer names a socket address whose length its family tells; exactly
    // that many octets are copied, into a value that has room for the larger of both.
    unsafe {
        let length = match libc::c_int::from((*address).sa_family) {
            libc::AF_INET => size_of::<libc::sockaddr_in>(),
            libc::AF_INET6 => size_of::<libc::sockaddr_in6>(),
            _ => return None,
        };
        std::ptr::copy_nonoverlapping(address.cast::<u8>(), (&raw mut raw).cast(), length);
    }
    raw.to_std().map(|a| a.ip())
}

fn is_usable(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => v6.segments().first().is_some_and(|s| s & 0xffc0 != 0xfe80),
    }
}

/// Raises this process's limit of open files as far as it may by itself; returns the limit.
pub(crate) fn raise_open_files() -> io::Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer names a value that lives across the call.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: as above; the kernel only reads it.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })?;
    Ok(limit.rlim_cur)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_among_the_interfaces() {
        assert!(interfaces().unwrap().contains(&IpAddr::from([127, 0, 0, 1])));
    }

    #[test]
    fn link_local_addresses_are_left_out() {
        assert!(!is_usable("fe80::1".parse().unwrap()));
        assert!(!is_usable("febf::1".parse().unwrap()));
        assert!(is_usable("::1".parse().unwrap()) && is_usable("fec0::1".parse().unwrap()));
    }
}
