//! Readiness: epoll, and an eventfd to wake a sleeping thread.

use super::check;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// What to be told about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Something can be read, or the peer is gone.
    Read,
    /// As `Read`, and something can be written again.
    ReadWrite,
    /// Something new came since the last time: for an eventfd, which then need not be read, and for a socket that is
    /// read until it is empty.
    Edge,
}

impl Interest {
    fn bits(self) -> u32 {
        let bits = match self {
            Interest::Read => libc::EPOLLIN | libc::EPOLLRDHUP,
            Interest::ReadWrite => libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLOUT,
            Interest::Edge => libc::EPOLLIN | libc::EPOLLET,
        };
        bits as u32
    }
}

/// One ready descriptor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    /// The number it was added with.
    pub(crate) token: u64,
    /// Reading will not block (data, end of stream or error).
    pub(crate) readable: bool,
    /// Writing will not block.
    pub(crate) writable: bool,
}

/// Room for the answers of one wait.
pub(crate) struct Events {
    slots: Vec<libc::epoll_event>,
    filled: usize,
}

impl Events {
    /// Room for `capacity` events.
    pub(crate) fn new(capacity: usize) -> Events {
        Events {
            slots: vec![libc::epoll_event { events: 0, u64: 0 }; capacity],
            filled: 0,
        }
    }

    /// Event `index` of the last wait.
    pub(crate) fn get(&self, index: usize) -> Option<Ready> {
        if index >= self.filled {
            return None;
        }
        let event = self.slots.get(index)?;
        let bits = event.events;
        Some(Ready {
            token: event.u64,
            readable: bits & !(libc::EPOLLOUT as u32) != 0,
            writable: bits & (libc::EPOLLOUT as u32) != 0,
        })
    }
}

/// An epoll instance.
pub(crate) struct Poll {
    fd: OwnedFd,
}

impl Poll {
    /// A new instance.
    pub(crate) fn new() -> io::Result<Poll> {
        // SAFETY: the call takes no pointer; the descriptor it returns is new and ours alone.
        let fd = unsafe { OwnedFd::from_raw_fd(check(libc::epoll_create1(libc::EPOLL_CLOEXEC))?) };
        Ok(Poll { fd })
    }

    fn control(&self, op: libc::c_int, fd: BorrowedFd<'_>, token: u64, bits: u32) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: bits,
            u64: token,
        };
        // SAFETY: both descriptors are open while borrowed; `event` lives across the call.
        check(unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), op, fd.as_raw_fd(), &raw mut event) }).map(drop)
    }

    /// Starts to watch `fd`; `token` comes back with its events.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, token, interest.bits())
    }

    /// Changes what is watched.
    pub(crate) fn modify(&self, fd: BorrowedFd<'_>, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, token, interest.bits())
    }

    /// Stops watching `fd`. Closing the last copy of a descriptor does it too.
    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, 0)
    }

    /// Waits until something is ready or `timeout` is over (`None` = for ever); returns how many are.
    /// Rounds up to a millisecond, so that a deadline has passed when the wait ends by it.
    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<usize> {
        let millis = timeout.map_or(-1, |t| {
            libc::c_int::try_from(t.as_nanos().div_ceil(1_000_000)).unwrap_or(libc::c_int::MAX)
        });
        let capacity = libc::c_int::try_from(events.slots.len()).unwrap_or(libc::c_int::MAX);
        events.filled = 0;
        // SAFETY: the kernel writes at most `capacity` events into a vector of at least that length.
        let result = check(unsafe {
            libc::epoll_wait(self.fd.as_raw_fd(), events.slots.as_mut_ptr(), capacity, millis)
        });
        match result {
            Ok(count) => {
                events.filled = usize::try_from(count).unwrap_or(0);
                Ok(events.filled)
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(e) => Err(e),
        }
    }
}

/// Wakes the thread that watches it.
#[derive(Debug)]
pub(crate) struct Wake {
    file: File,
}

impl Wake {
    /// A new eventfd.
    pub(crate) fn new() -> io::Result<Wake> {
        // SAFETY: the call takes no pointer; the descriptor it returns is new and ours alone.
        let fd =
            unsafe { OwnedFd::from_raw_fd(check(libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK))?) };
        Ok(Wake { file: File::from(fd) })
    }

    /// Wakes the watcher. The counter is never read: it would be full after 2^64 wake-ups.
    pub(crate) fn wake(&self) {
        let _ = (&self.file).write(&1_u64.to_ne_bytes());
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wake_up_is_seen_once() {
        let (poll, wake, mut events) = (Poll::new().unwrap(), Wake::new().unwrap(), Events::new(4));
        poll.add(wake.as_fd(), 7, Interest::Edge).unwrap();
        assert_eq!(poll.wait(&mut events, Some(Duration::ZERO)).unwrap(), 0);
        for _ in 0..3 {
            wake.wake();
            wake.wake();
            assert_eq!(poll.wait(&mut events, None).unwrap(), 1);
            let ready = events.get(0).unwrap();
            assert!(ready.token == 7 && ready.readable && !ready.writable);
            assert!(events.get(1).is_none());
            assert_eq!(poll.wait(&mut events, Some(Duration::ZERO)).unwrap(), 0);
        }
    }
}
