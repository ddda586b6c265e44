//! The configuration file: one TOML file, every key optional, unknown keys refused.
//!
//! Owns: keys, defaults, and what is wrong on which line. Does not own: what the settings do (`node`), or anything
//! about a tenant: that is in the store and changes without a restart.

mod border;
mod dns;
mod keys;
mod observe;
mod reader;
mod speech;
mod stir;

use anyhow::{Context, Result, bail};
use node::Settings;
use node::speech::Speech;
pub(crate) use reader::Problem;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A configuration file, read and checked.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// As given, or `None` for the place that [`crate::place`] chooses.
    pub(crate) data_dir: Option<PathBuf>,
    /// Log filter.
    pub(crate) log: String,
    /// One JSON object for each line of the log.
    pub(crate) log_json: bool,
    /// For the node; its data directory is still to be set.
    pub(crate) settings: Settings,
    /// Who speaks texts.
    pub(crate) speech: Option<Speech>,
}

/// Reads the text of a file: what it says, and everything that is wrong with it.
pub(crate) fn read(text: &str) -> (Config, Vec<Problem>) {
    keys::read(text)
}

/// What holds without a file.
pub(crate) fn defaults() -> Config {
    read("").0
}

/// Reads a file that must be free of problems.
///
/// # Errors
/// The file can't be read, or the first problem in it.
pub(crate) fn load(file: &Path) -> Result<Config> {
    let (config, problems) = read(&text(file)?);
    let mut problems = problems.into_iter();
    match (problems.next(), problems.count()) {
        (None, _) => Ok(config),
        (Some(first), 0) => bail!("{}:{first}", file.display()),
        (Some(first), more) => bail!(
            "{}:{first} ({more} more: carillon check-config names all)",
            file.display()
        ),
    }
}

/// `carillon check-config`: every problem on its own line.
///
/// # Errors
/// The file can't be read.
pub(crate) fn check(file: &Path) -> Result<ExitCode> {
    let (_, problems) = read(&text(file)?);
    for problem in &problems {
        println!("{}:{problem}", file.display());
    }
    if problems.is_empty() {
        println!("{}: no problem found", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

fn text(file: &Path) -> Result<String> {
    std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the configuration file {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check_text(text: &str, expected: &Expect) {
        let (_, problems) = read(text);
        let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
        expected.assert_eq(&lines.join("\n"));
    }

    /// The example says what the defaults are, so it must be them.
    #[test]
    fn the_example_is_free_of_problems_and_holds_the_defaults() {
        let (config, problems) = read(include_str!("../../../../examples/carillon.toml"));
        assert_eq!(problems, []);
        let mut expected = defaults().settings;
        let without_ipv6 = expected.listen.iter().all(|listen| listen.address.is_ipv4());
        let mut settings = config.settings;
        if without_ipv6 {
            settings.listen.retain(|listen| listen.address.is_ipv4());
        }
        expected.data_dir.clone_from(&settings.data_dir);
        assert_eq!(format!("{settings:?}"), format!("{expected:?}"));
        assert_eq!((config.data_dir, config.log), (None, defaults().log));
    }

    /// Every key of the reader is in the example, as a value or commented out with one.
    #[test]
    fn the_example_names_every_key() {
        let example = include_str!("../../../../examples/carillon.toml");
        let code = |source: &'static str| source.split("#[cfg(test)]").next().unwrap();
        let source = [
            include_str!("keys.rs"),
            include_str!("border.rs"),
            include_str!("dns.rs"),
            include_str!("observe.rs"),
            include_str!("speech.rs"),
            include_str!("stir.rs"),
        ]
        .map(code)
        .concat();
        let quoted = source.split('"').skip(1).step_by(2);
        let keys =
            quoted.filter(|word| word.len() > 2 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        let others = [
            "media",
            "listen",
            "websocket",
            "tls",
            "stir",
            "limits",
            "border",
            "dns",
            "speech",
            "metrics",
            "trace",
            "hep",
            "text",
            "json",
            "info",
        ];
        for key in keys.filter(|key| !others.contains(key)) {
            assert!(
                example
                    .lines()
                    .any(|line| line.trim_start_matches("# ").starts_with(&format!("{key} ="))),
                "{key}"
            );
        }
    }

    #[test]
    fn an_empty_file_is_a_configuration() {
        check_text("", &expect![[""]]);
    }

    #[test]
    fn every_mistake_is_named_with_its_line_and_remedy() {
        check_text(
            r#"
data_dir = 7
log = "info,=="
wokers = 2
[listen]
udp = ["0.0.0.0"]
tcp = ["127.0.0.1:5060", "127.0.0.1:5060"]
tls = "0.0.0.0:5061"
advertise = "0.0.0.0"
[tls]
key = "/k.pem"
[media]
first_port = 80
last_port = 16385
[limits]
message_bytes = 10
"#,
            &expect![[r#"
                2: `data_dir` is a text in quotes, such as "/var/lib/carillon"; found integer
                3: log filter "info,==": invalid filter directive; write a level such as info, or warn,node=debug
                4: the file has no key `wokers`; it knows data_dir, log, log_format, workers, grace_s, server_name, media, listen, websocket, tls, stir, dns, border, limits, metrics, trace, hep, speech
                6: "0.0.0.0" is no address to listen on; write address and port, such as "0.0.0.0:5060" or "[::]:5060"
                6: tcp 127.0.0.1:5060 is listed twice; give it another port
                8: `tls` is a list, such as ["0.0.0.0:5061"]; found string
                9: "0.0.0.0" is no address that a peer can reach; write the router's public address, such as "203.0.113.7"
                11: [tls] needs both `certificate` and `key`; give the other, or neither for a self-signed one
                13: `first_port` is a whole number from 1024 to 65535; write one
                13: media ports 16384 to 16385 cannot carry a call; a call takes 4, so raise last_port
                16: `message_bytes` is a whole number from 1300 to 1048576; write one"#]],
        );
    }

    #[test]
    fn who_vouches_for_callers_is_read_and_its_mistakes_are_named() {
        let text =
            "[stir]\nauthorities = [\"/a.pem\", \"/b.pem\"]\nfetch_private = true\nfetch_ca = \"/c.pem\"\n";
        let (config, problems) = read(text);
        assert_eq!(problems, []);
        let stir = config.settings.stir;
        assert_eq!(stir.authorities, ["/a.pem", "/b.pem"].map(PathBuf::from));
        assert_eq!((stir.key, stir.fetch_private), (None, true));
        assert_eq!(stir.fetch_ca, Some(PathBuf::from("/c.pem")));
        check_text(
            "[stir]\nkey = \"/k.pem\"\nauthorities = \"/a.pem\"\n",
            &expect![[r#"
                2: [stir] needs both `key` and `certificate_url`; give the other, or neither to sign nothing
                3: `authorities` is a list, such as ["/etc/carillon/stir-ca.pem"]; found string"#]],
        );
        check_text(
            "[stir]\nauthorities = [\"\"]\nfetch_ca = \"\"\n",
            &expect![[r#"
            2: `authorities` has an empty path; write such as ["/etc/carillon/stir-ca.pem"]
            3: `fetch_ca` is empty; write a path such as "/etc/carillon/stir-fetch-ca.pem", or leave it out"#]],
        );
    }

    #[test]
    fn broken_toml_is_named_with_its_line() {
        check_text(
            "workers = 1\ngrace_s = \n[listen\n",
            &expect![[r#"
            2: this is no TOML: string values must be quoted, expected literal string
            2: `grace_s` is a whole number from 0 to 3600; write one
            3: this is no TOML: unclosed table, expected `]`"#]],
        );
    }

    #[test]
    fn switching_everything_off_is_a_mistake() {
        check_text(
            "[listen]\nudp = []\ntcp = []\ntls = []\nws = []\nwss = []\n",
            &expect![[
                r#"2: nothing listens; give `udp`, `tcp`, `tls`, `ws` or `wss` an address such as "0.0.0.0:5060""#
            ]],
        );
    }

    #[test]
    fn an_origin_is_what_a_browser_writes() {
        check_text(
            "[websocket]\norigins = [\"https://phone.example.com\", \"http://localhost:8080\"]\n",
            &expect![[""]],
        );
        check_text(
            "[websocket]\norigins = [\"phone.example.com\", \"https://phone.example.com/app\"]\n",
            &expect![[r#"
                2: "phone.example.com" is no origin; write scheme and host without a path, such as "https://phone.example.com"
                2: "https://phone.example.com/app" is no origin; write scheme and host without a path, such as "https://phone.example.com""#]],
        );
    }

    #[test]
    fn a_section_written_as_a_value_is_a_mistake() {
        check_text(
            "listen = 5060\n",
            &expect!["1: `listen` is a section; write [listen] on a line of its own"],
        );
    }

    #[test]
    fn the_advertised_address_goes_to_its_own_family() {
        let (config, problems) = read(
            "[listen]\nudp = [\"127.0.0.1:0\", \"[::1]:0\"]\ntcp = []\ntls = []\nws = []\nwss = []\nadvertise = \"192.0.2.1\"\n",
        );
        assert_eq!(problems, []);
        let advertised: Vec<bool> = config
            .settings
            .listen
            .iter()
            .map(|l| l.advertise.is_some())
            .collect();
        assert_eq!(advertised, [true, false]);
    }
}
