//! Commands about a company's own sounds.
//!
//! Does not own: what they do (`command`).

use clap::{ArgGroup, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Prompt {
    /// The company's own prompts
    List {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Those that are shipped as well, with their texts
        #[arg(long)]
        all: bool,
    },
    /// Say something else under the name of a prompt that is shipped, or something new under a name that begins with own/
    #[command(group(ArgGroup::new("sound").required(true).args(["file", "text"])))]
    Set {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The prompt, such as menu/demo or own/welcome
        name: String,
        /// WAV or Ogg-Opus, at most 10 minutes
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// What the speech engine of --config is to say
        #[arg(long, value_name = "TEXT")]
        text: Option<String>,
        /// Only where this language is spoken; two letters [default: whatever is spoken]
        #[arg(long, value_name = "LANGUAGE")]
        language: Option<String>,
    },
    /// Take one away: what is shipped is heard again
    Reset {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The prompt
        name: String,
        /// The one of this language [default: the one for whatever is spoken]
        #[arg(long, value_name = "LANGUAGE")]
        language: Option<String>,
    },
    /// Copy what callers hear into an Ogg-Opus file
    Export {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The prompt
        name: String,
        /// Where to; it must not be there
        file: PathBuf,
        /// Where this language is spoken [default: the tenant's]
        #[arg(long, value_name = "LANGUAGE")]
        language: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Music {
    /// The company's own music, each with its pieces in order
    List {
        /// Name, domain or id of the tenant
        tenant: String,
    },
    /// Add pieces to a music, behind those that it has; `tenant set TENANT hold_music=NAME` plays it on hold
    Add {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The music; `default` takes the place of what is shipped
        name: String,
        /// WAV or Ogg-Opus, at most 10 minutes each; all or none are added
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Take a piece out of a music, or all of it
    Remove {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The music
        name: String,
        /// Which piece, from 1 as `list` has them [default: all]
        #[arg(value_name = "PIECE")]
        piece: Option<usize>,
    },
}
