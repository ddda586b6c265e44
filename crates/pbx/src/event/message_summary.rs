//! `message-summary`: the mailbox lamp (RFC 3842 §5.2).

use super::body::entity;
use model::{Mailbox, TenantConfig, UserId};

/// The document: whether anything waits, whose mailbox, how many.
pub(super) fn text(config: &TenantConfig, user: UserId, mailbox: Mailbox) -> String {
    let waiting = if mailbox.new > 0 { "yes" } else { "no" };
    format!(
        "Messages-Waiting: {waiting}\r\nMessage-Account: {}\r\nVoice-Message: {}/{} (0/0)\r\n",
        entity(config, user),
        mailbox.new,
        mailbox.old
    )
}
