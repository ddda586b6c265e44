//! What can be typed: commands, arguments and their help.

mod audio;
mod ban;
mod outside;
mod sound;
mod trace;
mod trunk;

pub(crate) use audio::{Call, ForkLeg, ForkSide, RecordAct, Recording};
pub(crate) use ban::Ban;
use clap::{Args, Parser, Subcommand, ValueEnum};
pub(crate) use outside::{Location, Number, Rate, Route, Toll};
pub(crate) use sound::{Music, Prompt};
use std::path::PathBuf;
pub(crate) use trace::Trace;
pub(crate) use trunk::Trunk;

/// Carillon, a multi-tenant telephone system.
#[derive(Debug, Parser)]
#[command(name = "carillon", version, about, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What applies to every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Where configuration, records and keys live [default: data_dir of --config, else
    /// $CARILLON_DATA_DIR, else /var/lib/carillon for root, else ~/.local/state/carillon]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Configuration file; every key is optional
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON with stable field names, see docs/commands.md
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server until SIGTERM or Ctrl-C; SIGHUP reads certificates again
    Serve,
    /// Check a configuration file: file, line and remedy of each problem
    CheckConfig {
        /// The file
        file: PathBuf,
    },
    /// Companies
    #[command(subcommand)]
    Tenant(Tenant),
    /// SIP domains of a company
    #[command(subcommand)]
    Domain(Domain),
    /// People and rooms: extensions
    #[command(subcommand)]
    User(User),
    /// SIP credentials of a user
    #[command(subcommand)]
    Device(Device),
    /// Extensions that a phone watches by one subscription to a name
    #[command(subcommand)]
    List(List),
    /// Numbers that play, ask, record or confer
    #[command(subcommand)]
    Flow(Flow),
    /// Ways to carriers
    #[command(subcommand)]
    Trunk(Trunk),
    /// Numbers of the public network, and where they lead
    #[command(subcommand)]
    Number(Number),
    /// Which trunks calls to the outside take
    #[command(subcommand)]
    Route(Route),
    /// Where phones are, for calls for help
    #[command(subcommand)]
    Location(Location),
    /// What calls to the outside may be and cost
    #[command(subcommand)]
    Toll(Toll),
    /// Price lists
    #[command(subcommand)]
    Rate(Rate),
    /// Prompts: what a company says in place of what is shipped, and prompts of its own
    #[command(subcommand)]
    Prompt(Prompt),
    /// Music of a company's own
    #[command(subcommand)]
    Music(Music),
    /// Conferences going on now
    #[command(subcommand)]
    Conference(Conference),
    /// Addresses that are kept out now
    #[command(subcommand)]
    Ban(Ban),
    /// Phones that are registered now
    Registrations {
        /// Only this tenant: name, domain or id
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Remove the registrations of an extension; its phones may register again
    Unregister {
        /// Name, domain or id
        tenant: String,
        /// The extension
        extension: String,
    },
    /// Set what a mailbox holds, and so the lamp of its phones
    Mwi {
        /// Name, domain or id
        tenant: String,
        /// The extension
        extension: String,
        /// Messages not heard yet
        #[arg(long, default_value_t = 0, value_name = "N")]
        new: u32,
        /// Messages heard
        #[arg(long, default_value_t = 0, value_name = "N")]
        old: u32,
    },
    /// Calls going on now
    Calls {
        /// Only this tenant: name, domain or id
        #[arg(long)]
        tenant: Option<String>,
    },
    /// How the audio of calls fares that are going on: loss, jitter, round trip, MOS, for each side
    Quality {
        /// Only this call, by the number that `calls` shows
        call: Option<u64>,
        /// Only this tenant: name, domain or id
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Records of past calls, the latest first
    Cdr(Cdr),
    /// Calls that are up: record them, send their sound elsewhere
    #[command(subcommand)]
    Call(Call),
    /// Recordings that have ended
    #[command(subcommand)]
    Recording(Recording),
    /// What was said in a call: its SIP messages as a ladder or as a capture file
    Trace(Trace),
    /// The running server: listeners, workers, counters
    Status,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tenant {
    /// Make a company with at least one SIP domain
    Add {
        /// Name, unique on this installation
        name: String,
        /// SIP domain: a host name, IPv4 address, or IPv6 address in brackets; the first is the realm
        #[arg(long = "domain", required = true, value_name = "DOMAIN")]
        domains: Vec<String>,
    },
    /// All companies
    List,
    /// One company with its policy
    Show {
        /// Name, domain or id
        tenant: String,
    },
    /// Delete a company with its users, devices and call records
    Delete {
        /// Name, domain or id
        tenant: String,
        /// Really
        #[arg(long)]
        yes: bool,
    },
    /// Change the policy, such as `media=direct ring_timeout_s=30 codecs=pcmu,pcma`
    Set {
        /// Name, domain or id
        tenant: String,
        /// Policy keys as `tenant show` lists them
        #[arg(value_name = "KEY=VALUE")]
        changes: Vec<String>,
        /// Let its phones register and call
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Make its domains unknown to SIP
        #[arg(long)]
        disable: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Domain {
    /// Give a company another domain
    Add {
        /// Name, domain or id
        tenant: String,
        /// The new domain
        domain: String,
    },
    /// Take a domain away; the last one stays
    Remove {
        /// Name, domain or id
        tenant: String,
        /// The domain
        domain: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum List {
    /// Make a list, or give it other extensions; phones subscribe to sip:NAME@domain
    Set {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Name of the list
        name: String,
        /// Its extensions, in the order in which phones get them
        #[arg(required = true)]
        extensions: Vec<String>,
    },
    /// Delete a list
    Delete {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Name of the list
        name: String,
    },
    /// All lists of a tenant
    Show {
        /// Name, domain or id of the tenant
        tenant: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Flow {
    /// Give a number a flow, or another one
    Set {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The number that is dialled
        number: String,
        /// JSON file with the steps, see docs/commands.md; `-` reads standard input
        file: PathBuf,
    },
    /// All numbers with flows, and whether they hold together
    List {
        /// Name, domain or id of the tenant
        tenant: String,
    },
    /// The flow of a number
    Show {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The number
        number: String,
    },
    /// Take the flow of a number away
    Remove {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The number
        number: String,
    },
    /// What a caller would hear who presses these keys
    Explain {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The number
        number: String,
        /// Keys in order; `.` stands for none in time
        #[arg(default_value = "")]
        keys: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Conference {
    /// Conferences and their members
    List {
        /// Only this tenant: name, domain or id
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Let the others not hear members
    Mute {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Number of the conference
        room: u64,
        /// Only the members with this number
        number: Option<String>,
        /// Let them be heard again
        #[arg(long)]
        off: bool,
    },
    /// Put members out
    Kick {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Number of the conference
        room: u64,
        /// Only the members with this number
        number: Option<String>,
    },
    /// Let nobody but moderators in
    Lock {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Number of the conference
        room: u64,
        /// Let everybody in again
        #[arg(long)]
        off: bool,
    },
}

/// Where a password comes from; without either one is generated and shown once.
#[derive(Debug, Default, Args)]
pub(crate) struct Secret {
    /// The password, at least 8 characters; visible to other users of this machine while the command runs
    #[arg(long, value_name = "TEXT", conflicts_with = "password_file")]
    pub(crate) password: Option<String>,
    /// File whose first line is the password; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add an extension and, unless --no-device, credentials for its phone
    Add {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The number that others dial
        extension: String,
        /// Shown to whom it calls
        #[arg(long, default_value = "")]
        name: String,
        /// Username of its phone [default: the extension]
        #[arg(long)]
        username: Option<String>,
        /// Make no credentials yet
        #[arg(long, conflicts_with_all = ["username", "password", "password_file"])]
        no_device: bool,
        /// Password of its phone
        #[command(flatten)]
        secret: Secret,
    },
    /// All extensions of a tenant
    List {
        /// Name, domain or id of the tenant
        tenant: String,
    },
    /// Delete an extension with its devices
    Delete {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The extension
        extension: String,
    },
    /// Change an extension
    Set {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The extension
        extension: String,
        /// Dial it by this number from now on
        #[arg(long, value_name = "EXTENSION")]
        new_extension: Option<String>,
        /// Shown to whom it calls
        #[arg(long)]
        name: Option<String>,
        /// The number that its calls to the outside show, one of the tenant's; `none` = the one that leads to it
        #[arg(long, value_name = "NUMBER")]
        caller_number: Option<String>,
        /// Let it register, call and be called
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Neither registers nor calls nor is called
        #[arg(long)]
        disable: bool,
    },
    /// One extension, with what it does about calls
    Show {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The extension
        extension: String,
    },
    /// Do not disturb: callers hear that the extension is busy
    Dnd {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The extension
        extension: String,
        /// `on` or `off`
        switch: Switch,
    },
    /// Send calls of an extension to another number
    Forward {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The extension
        extension: String,
        /// Which calls: `no-answer` also takes those that find no phone
        calls: Calls,
        /// Where to, as it would be dialled; `off` ends it
        number: String,
        /// How long it rings before `no-answer` takes the call
        #[arg(long, value_name = "SECONDS")]
        after: Option<u16>,
    },
    /// Whether calls of an extension are recorded
    Record {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The extension
        extension: String,
        /// Which; `default` = as the tenant's policy says
        calls: Recorded,
    },
    /// Whose calls an extension may listen to, by *33 and the extension; without any, nobody's
    Supervise {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The extension that listens
        extension: String,
        /// Extensions; `all` stands for everybody
        whose: Vec<String>,
    },
    /// Add many from a CSV file with the columns extension, name, username, password (the first is enough);
    /// all rows or none
    Import {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The file; `-` reads standard input
        file: PathBuf,
        /// Take passwords of fewer than 8 characters, as another system may have given them out
        #[arg(long)]
        short_passwords: bool,
    },
}

/// On or off.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

/// Which calls are recorded.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Recorded {
    Always,
    OnDemand,
    Never,
    Default,
}

/// Which calls are forwarded.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Calls {
    Always,
    Busy,
    NoAnswer,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// Add credentials to an extension
    Add {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Owner
        extension: String,
        /// Username, unique within the tenant
        username: String,
        /// Its password
        #[command(flatten)]
        secret: Secret,
    },
    /// All credentials of a tenant
    List {
        /// Name, domain or id of the tenant
        tenant: String,
    },
    /// Delete credentials
    Delete {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Username
        username: String,
    },
    /// Print a token by which a browser signs in as this device without its password, until the token ends
    Token {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Username
        username: String,
        /// Seconds that it is good for
        #[arg(long, default_value_t = 300, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(10..=86_400))]
        ttl: u64,
    },
    /// Tell the phones that are registered with these credentials to fetch their configuration
    CheckSync {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Username
        username: String,
        /// Restart even if nothing is new
        #[arg(long)]
        reboot: bool,
    },
    /// Replace a password
    Password {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Username
        username: String,
        /// The new one
        #[command(flatten)]
        secret: Secret,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Cdr {
    /// Only this tenant: name, domain or id
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// Started at or after: 2026-01-31, 2026-01-31T09:00:00Z, or an age such as 90m, 24h, 7d
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Called or was called
    #[arg(long)]
    pub(crate) extension: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: u32,
}
