//! The few options of the commands. A parser library would take longer to build than the rest of `xtask`.

use anyhow::{Context, Result, bail};

/// Options of `up`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Up {
    /// UDP and TCP port; TLS takes the next one.
    pub(crate) port: u16,
    /// Leave the server running and return when it is ready.
    pub(crate) detach: bool,
}

/// Options of `test`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Test {
    /// Only tests whose name contains this; formatting and lints are left out then.
    pub(crate) filter: Option<String>,
}

/// Options of `prompts`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Prompts {
    /// ISO 639-1; none means every language that has a voice.
    pub(crate) languages: Vec<String>,
    /// Make all anew, not only what changed.
    pub(crate) again: bool,
}

/// Reads the options of `up`.
pub(crate) fn up(mut arguments: impl Iterator<Item = String>) -> Result<Up> {
    let mut options = Up {
        port: 5060,
        detach: false,
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--detach" => options.detach = true,
            "--port" => options.port = port(arguments.next())?,
            other => match other.strip_prefix("--port=") {
                Some(value) => options.port = port(Some(value.to_owned()))?,
                None => bail!("`up` does not know `{other}`; it takes --port N and --detach"),
            },
        }
    }
    Ok(options)
}

fn port(value: Option<String>) -> Result<u16> {
    let value = value.context("--port needs a number, such as --port 6060")?;
    match value.parse() {
        Ok(port @ 1024..=65_534) => Ok(port),
        _ => bail!("--port {value}: give a number from 1024 to 65534; TLS takes the one after it"),
    }
}

/// Reads the options of `test`.
pub(crate) fn test(mut arguments: impl Iterator<Item = String>) -> Result<Test> {
    let filter = arguments.next();
    if let Some(extra) = arguments.next() {
        bail!("`test` takes at most one FILTER; `{extra}` is too much");
    }
    match filter {
        Some(flag) if flag.starts_with('-') => {
            bail!("`test` takes no option `{flag}`; give a part of a test's name")
        }
        filter => Ok(Test { filter }),
    }
}

/// Reads the options of `prompts`.
pub(crate) fn prompts(arguments: impl Iterator<Item = String>) -> Result<Prompts> {
    let mut options = Prompts::default();
    for argument in arguments {
        match argument.as_str() {
            "--again" => options.again = true,
            flag if flag.starts_with('-') => bail!("`prompts` does not know `{flag}`; it takes --again"),
            language => options.languages.push(language.to_owned()),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> impl Iterator<Item = String> {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .into_iter()
    }

    #[test]
    fn up_takes_a_port_in_both_spellings() {
        for text in ["--port 6060 --detach", "--detach --port=6060"] {
            assert_eq!(
                up(words(text)).unwrap(),
                Up {
                    port: 6060,
                    detach: true
                }
            );
        }
        assert_eq!(
            up(words("")).unwrap(),
            Up {
                port: 5060,
                detach: false
            }
        );
    }

    #[test]
    fn a_wrong_option_says_what_is_right() {
        let message = up(words("--port 80")).unwrap_err().to_string();
        assert!(message.contains("1024 to 65534"), "{message}");
        assert!(up(words("--bogus")).unwrap_err().to_string().contains("--detach"));
        assert!(test(words("--all")).is_err());
        assert!(
            prompts(words("--all"))
                .unwrap_err()
                .to_string()
                .contains("--again")
        );
        assert_eq!(prompts(words("en --again fr")).unwrap().languages, ["en", "fr"]);
    }
}
