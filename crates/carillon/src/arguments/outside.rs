//! `carillon number`, `route`, `toll` and `rate`: the public network.

use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Number {
    /// Give a tenant a number or a range of numbers, or have it lead elsewhere
    Set {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The number, or the first of a range: +, country code and the rest
        first: String,
        /// The last number of the range
        last: Option<String>,
        /// Where it leads: an extension, or a number with a flow; with --keep only its beginning
        #[arg(long, default_value = "")]
        to: String,
        /// So many of the number's last digits stand behind --to: `--to 1 --keep 2` leads +49 30 5550023 to 123
        #[arg(long, default_value_t = 0, value_name = "DIGITS")]
        keep: u8,
    },
    /// The numbers of a tenant, or of all
    List {
        /// Name, domain or id of the tenant
        tenant: Option<String>,
    },
    /// Take a number or a whole range from a tenant
    Delete {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The number, or the first of the range
        first: String,
        /// The last number of the range
        last: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Route {
    /// Make a route, or change it
    Set {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Name of the route, within the tenant
        name: String,
        /// trunks=NAME:PRIORITY:WEIGHT,… prefixes=49,4930 least_cost=true emergency=true enabled=false; see docs/commands.md
        #[arg(required = true, value_name = "KEY=VALUE")]
        changes: Vec<String>,
    },
    /// All routes of a tenant, and which way calls for help take
    List {
        /// Name, domain or id of the tenant
        tenant: String,
    },
    /// Delete a route
    Delete {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Name of the route
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Location {
    /// Write a location down, or change it
    Set {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Name of the location, within the tenant
        name: String,
        /// country=de A3=Berlin RD=Invalidenstr. HNO=1 FLR=3 point=52.53,13.37,30 phones=101,102 networks=10.1.0.0/16; see docs/commands.md
        #[arg(required = true, value_name = "KEY=VALUE")]
        changes: Vec<String>,
        /// It is that of all phones that no other is for
        #[arg(long)]
        usual: bool,
    },
    /// All locations of a tenant, and the phones that have none
    List {
        /// Name, domain or id of the tenant
        tenant: String,
    },
    /// Remove a location
    Remove {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Name of the location
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Toll {
    /// What a tenant's calls to the outside may be: kinds of numbers and limits
    Show {
        /// Name, domain or id of the tenant
        tenant: String,
    },
    /// Change it, such as `classes=national,mobile by_day.user.calls_per_min=6 users.101.limits.spend_per_day=none`
    Set {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Keys as `toll show` has them, see docs/commands.md; `none` takes a limit away
        #[arg(value_name = "KEY=VALUE", required_unless_present = "file")]
        changes: Vec<String>,
        /// Begin with this JSON file, as `toll show` prints it, in place of what holds now; what it leaves out has the default;
        /// `-` reads standard input
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// What is used of each limit now
    Used {
        /// Name, domain or id of the tenant
        tenant: String,
    },
    /// "It was me": limits don't count for a while, at most a day; numbers that are not allowed stay so
    Lift {
        /// Name, domain or id of the tenant
        tenant: String,
        /// Those of this extension; without --user, --trunk and --class those of the tenant as a whole
        #[arg(long, value_name = "EXTENSION", conflicts_with_all = ["trunk", "class"])]
        user: Option<String>,
        /// Those of this trunk
        #[arg(long, value_name = "NAME", conflicts_with = "class")]
        trunk: Option<String>,
        /// Those of this kind of numbers, such as international
        #[arg(long)]
        class: Option<String>,
        /// For so long: 90s, 30m, 2h
        #[arg(long = "for", value_name = "TIME")]
        time: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rate {
    /// Give a tenant a price list, in place of the one that it has
    Import {
        /// Name, domain or id of the tenant
        tenant: String,
        /// CSV file with a header; prefix and price are enough; `-` reads standard input
        file: PathBuf,
        /// Three letters, such as EUR, where the file has no column for it
        #[arg(long)]
        currency: Option<String>,
        /// Places behind the point that the charge of a call is rounded to
        #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=6))]
        places: u8,
        /// Minutes that dates and hours of the file are ahead of UTC
        #[arg(long, default_value_t = 0, value_name = "MINUTES", allow_negative_numbers = true, value_parser = clap::value_parser!(i16).range(-1_440..=1_440))]
        utc_offset_min: i16,
        /// What the carrier of this trunk charges, by which routes with least_cost=true choose; without, what the tenant pays
        #[arg(long, value_name = "NAME")]
        trunk: Option<String>,
    },
    /// What a tenant's price list is, or what a call to a number would cost now
    Show {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The number, as the tenant's people would dial it
        number: Option<String>,
        /// What the carrier of this trunk charges
        #[arg(long, value_name = "NAME")]
        trunk: Option<String>,
    },
    /// Take the price list away
    Delete {
        /// Name, domain or id of the tenant
        tenant: String,
        /// The list of this trunk's carrier
        #[arg(long, value_name = "NAME")]
        trunk: Option<String>,
    },
}
