//! Socket addresses in the kernel's layout (`sockaddr_in`, `sockaddr_in6`).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Room for either family. `sockaddr_in6` is the larger and the stricter aligned of the two.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) union RawAddress {
    family: libc::sa_family_t,
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

/// Octets of a [`RawAddress`].
pub(super) const RAW_LEN: libc::socklen_t = size_of::<RawAddress>() as libc::socklen_t;

impl RawAddress {
    /// An address of no family.
    pub(super) const fn empty() -> RawAddress {
        // SAFETY: every member is plain integers, for which all-zero octets are a value.
        unsafe { std::mem::zeroed() }
    }

    /// The kernel's form and its length.
    pub(super) fn from_std(address: SocketAddr) -> (RawAddress, libc::socklen_t) {
        let mut raw = RawAddress::empty();
        let length = match address {
            SocketAddr::V4(v4) => {
                raw.v4 = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr {
                        s_addr: u32::from_ne_bytes(v4.ip().octets()),
                    },
                    sin_zero: [0; 8],
                };
                size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(v6) => {
                raw.v6 = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: v6.port().to_be(),
                    sin6_flowinfo: 0,
                    sin6_addr: libc::in6_addr {
                        s6_addr: v6.ip().octets(),
                    },
                    sin6_scope_id: v6.scope_id(),
                };
                size_of::<libc::sockaddr_in6>()
            }
        };
        (raw, length as libc::socklen_t)
    }

    /// The address, or `None` for a family that is not ours.
    pub(super) fn to_std(self) -> Option<SocketAddr> {
        // SAFETY: all members start with the family field, and every bit pattern of the integers
        // read is a value; the union was zeroed before the kernel wrote into it.
        unsafe {
            match libc::c_int::from(self.family) {
                libc::AF_INET => Some(SocketAddr::V4(SocketAddrV4::new(
                    Ipv4Addr::from(self.v4.sin_addr.s_addr.to_ne_bytes()),
                    u16::from_be(self.v4.sin_port),
                ))),
                libc::AF_INET6 => Some(SocketAddr::V6(SocketAddrV6::new(
                    Ipv6Addr::from(self.v6.sin6_addr.s6_addr),
                    u16::from_be(self.v6.sin6_port),
                    0,
                    self.v6.sin6_scope_id,
                ))),
                _ => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_survive_the_round_trip() {
        for text in [
            "127.0.0.1:5060",
            "[::1]:5061",
            "[2001:db8::7]:65535",
            "255.255.255.255:1",
        ] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(RawAddress::from_std(address).0.to_std(), Some(address));
        }
        assert_eq!(RawAddress::empty().to_std(), None);
    }
}
