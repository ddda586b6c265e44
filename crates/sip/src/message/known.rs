//! What validation reads of nearly every message, kept for those who ask later: reading a Via or a URI again costs more
//! than most of what is then done with it.
//!
//! Owns: the values. Does not own: when they are read, see [`crate::validate`]; a message that was never validated has
//! none, and every view reads for itself.

use crate::header::{CSeq, HeaderError, NameAddr, Via};
use crate::message::Name;
use crate::uri::Uri;

/// From or To, taken apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address<'a> {
    pub(crate) name_addr: NameAddr<'a>,
    pub(crate) uri: Uri<'a>,
    pub(crate) tag: Option<&'a str>,
}

impl<'a> Address<'a> {
    /// Reads an address whose URI must be readable, too.
    pub(crate) fn read(name: Name, name_addr: NameAddr<'a>) -> Result<Address<'a>, HeaderError> {
        let uri = name_addr
            .uri()
            .map_err(|error| HeaderError { name, what: error.0 })?;
        Ok(Address {
            name_addr,
            uri,
            tag: name_addr.tag(),
        })
    }
}

/// The headers that every valid message has, and the Request-URI of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    pub(crate) via: Via<'a>,
    pub(crate) from: Address<'a>,
    pub(crate) to: Address<'a>,
    pub(crate) call_id: &'a str,
    pub(crate) cseq: CSeq<'a>,
    pub(crate) target: Option<Uri<'a>>,
}
