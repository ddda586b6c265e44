//! What a file system has left, and how it is told to write.

use super::check;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Octets that this process may still write to the file system of a path.
pub(crate) fn free_octets(path: &Path) -> io::Result<u64> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut found = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path is a string with its end, and the kernel fills the value before it says that it did.
    check(unsafe { libc::statvfs(path.as_ptr(), found.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, so the value is filled.
    let found = unsafe { found.assume_init() };
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Has the kernel begin to write what a file has in memory, without waiting for it. Only a hint: an error is not told.
pub(crate) fn begin_to_write(file: &File) {
    // SAFETY: the descriptor is open while borrowed; the call takes no pointer.
    let _hint = unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_has_room_and_a_missing_path_has_none() {
        assert!(free_octets(Path::new("/")).is_ok_and(|octets| octets > 0));
        assert!(free_octets(Path::new("/no/such/place")).is_err());
    }
}
