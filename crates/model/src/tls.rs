//! Why TLS with a peer that we called came to nothing.

use serde::{Deserialize, Serialize};

/// What was wrong. Nothing has been sent to the peer but the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsFault {
    /// The certificate is not one of the name that was asked for (RFC 5922 §7.2).
    WrongName,
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// No chain leads to an issuer that is trusted.
    UnknownIssuer,
    /// Something else is wrong with the certificate or its chain.
    BadCertificate,
    /// There was no whole handshake: no TLS at all, no version or cipher in common, an alert, silence.
    NoHandshake,
}

impl TlsFault {
    /// For people, of a peer that was asked for by this name: `its certificate is not valid for sip.carrier.example`.
    #[must_use]
    pub fn told(self, name: &str) -> String {
        let what = match self {
            TlsFault::WrongName => return format!("its certificate is not valid for {name}"),
            TlsFault::Expired => "its certificate has expired",
            TlsFault::NotYetValid => "its certificate is not valid yet",
            TlsFault::UnknownIssuer => "its certificate is of an unknown issuer",
            TlsFault::BadCertificate => "its certificate is no good",
            TlsFault::NoHandshake => "it takes connections, but no TLS came about",
        };
        what.to_owned()
    }
}
