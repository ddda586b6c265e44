//! A TCP connection through us, to be cut in the middle: what a phone sees that changes its network.

use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Both ends of each connection that goes through.
type Ends = Arc<Mutex<Vec<TcpStream>>>;

/// A listener that passes each connection on.
#[derive(Debug)]
pub struct Cable {
    /// Where to connect instead.
    pub near: SocketAddr,
    ends: Ends,
}

impl Cable {
    /// Listens on loopback for `port` and passes on to `far`. It lives as long as the process.
    ///
    /// # Errors
    /// The port is taken.
    pub fn lay(port: u16, far: SocketAddr) -> Result<Cable> {
        let listener = TcpListener::bind(("127.0.0.1", port)).context("no port for the cable")?;
        let near = listener.local_addr()?;
        let ends = Ends::default();
        let kept = Arc::clone(&ends);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if let Ok(far) = TcpStream::connect(far) {
                    pass(&near, &far, &kept);
                }
            }
        });
        Ok(Cable { near, ends })
    }

    /// Cuts every connection. The next one goes through again.
    pub fn cut(&self) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        for end in ends.drain(..) {
            let _gone = end.shutdown(Shutdown::Both);
        }
    }
}

fn pass(near: &TcpStream, far: &TcpStream, ends: &Ends) {
    for (from, to) in [(near, far), (far, near)] {
        let (Ok(mut from), Ok(mut to), Ok(end)) = (from.try_clone(), to.try_clone(), from.try_clone()) else {
            return;
        };
        ends.lock().unwrap_or_else(PoisonError::into_inner).push(end);
        thread::spawn(move || {
            let mut piece = [0; 4_096];
            while let Ok(count @ 1..) = from.read(&mut piece)
                && to.write_all(piece.get(..count).unwrap_or_default()).is_ok()
            {}
            let _gone = to.shutdown(Shutdown::Both);
        });
    }
}
