//! The asking side.

use super::{Answer, Request, address};
use anyhow::{Context, Result, anyhow, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A server that is silent for longer hangs.
const PATIENCE: Duration = Duration::from_secs(15);
/// A change takes effect without the nudge as well, so nobody waits for it.
const NUDGE: Duration = Duration::from_millis(500);

/// A connection to the running server.
pub(crate) struct Client {
    stream: UnixStream,
}

impl Client {
    /// Connects to the server of a data directory.
    ///
    /// # Errors
    /// None runs there, or its socket belongs to somebody else.
    pub(crate) fn connect(data_dir: &Path) -> Result<Client> {
        let missing = || {
            anyhow!(
                "no server is running on {}; start it with: carillon serve",
                data_dir.display()
            )
        };
        if !data_dir.exists() {
            return Err(missing());
        }
        let (path, _dir) = address(data_dir)?;
        let stream = UnixStream::connect(path).map_err(|e| match e.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => missing(),
            ErrorKind::PermissionDenied => {
                anyhow!(
                    "the server on {} belongs to another user; run this as that user",
                    data_dir.display()
                )
            }
            _ => anyhow!("cannot reach the server on {}: {e}", data_dir.display()),
        })?;
        stream
            .set_read_timeout(Some(PATIENCE))
            .context("cannot set a timeout")?;
        stream
            .set_write_timeout(Some(PATIENCE))
            .context("cannot set a timeout")?;
        Ok(Client { stream })
    }

    /// Asks for one thing.
    ///
    /// # Errors
    /// The server's own message, or it went away.
    pub(crate) fn one<T: DeserializeOwned>(self, request: &Request) -> Result<T> {
        let (done, _) = self.ask(request)?;
        serde_json::from_value(done).context("the server is of another version; restart it")
    }

    /// Asks for a list.
    ///
    /// # Errors
    /// As [`Client::one`].
    pub(crate) fn items<T: DeserializeOwned>(self, request: &Request) -> Result<Vec<T>> {
        let (_, items) = self.ask(request)?;
        let items = items
            .into_iter()
            .map(serde_json::from_value)
            .collect::<Result<_, _>>();
        items.context("the server is of another version; restart it")
    }

    fn ask(mut self, request: &Request) -> Result<(Value, Vec<Value>)> {
        let mut line = serde_json::to_string(request)?;
        line.push('\n');
        self.stream
            .write_all(line.as_bytes())
            .context("the server went away")?;
        let mut items = Vec::new();
        for line in BufReader::new(self.stream).lines() {
            match serde_json::from_str(&line.map_err(silence)?)? {
                Answer::Item(item) => items.push(item),
                Answer::Done(done) => return Ok((done, items)),
                Answer::Error(message) => bail!("{message}"),
            }
        }
        bail!("the server went away before it had answered; ask again")
    }
}

fn silence(error: io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            anyhow!(
                "the server has not answered for {} s; look at its log",
                PATIENCE.as_secs()
            )
        }
        _ => anyhow!("the server went away: {error}"),
    }
}

/// Tells a running server that the configuration changed, so that it need not wait for its next look.
pub(crate) fn nudge(data_dir: &Path) {
    if let Ok(client) = Client::connect(data_dir) {
        let _may_hang = client.stream.set_read_timeout(Some(NUDGE));
        if let Err(error) = client.ask(&Request::Refresh) {
            tracing::debug!("the server was not told: {error}");
        }
    }
}
