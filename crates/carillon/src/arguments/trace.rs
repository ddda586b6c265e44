//! What can be typed about what was said in calls.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// `list`, or a call: the number that `calls` shows, the id of its record, or a Call-ID
    pub(crate) call: String,
    /// Only this tenant: name, domain or id
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Write a capture file that Wireshark and sngrep read
    #[arg(long, value_name = "FILE")]
    pub(crate) pcap: Option<PathBuf>,
    /// Hide neither credentials nor keys, texts and digits, where [trace] allows it
    #[arg(long)]
    pub(crate) full: bool,
}
