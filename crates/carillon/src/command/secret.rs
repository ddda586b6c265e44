//! Passwords on their way in and, when generated, once out.

use crate::arguments::Secret;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::{self, Read};
use std::path::Path;
use store::Password;

/// Shorter ones are guessed within a day by the scanners that every public SIP port meets.
const SHORTEST: usize = 8;

/// A password and whether we made it.
pub(crate) struct Chosen {
    /// To store.
    pub(crate) password: Password,
    generated: bool,
}

impl Chosen {
    /// For JSON: the password when it was generated, else null. A chosen one is known already.
    pub(crate) fn json(&self) -> Value {
        match self.generated {
            true => self.password.reveal().into(),
            false => Value::Null,
        }
    }

    /// For people: what to note down.
    pub(crate) fn text(&self) -> String {
        match self.generated {
            true => format!("Password (shown this once): {}\n", self.password.reveal()),
            false => String::new(),
        }
    }
}

/// The password of the options, or a new one.
///
/// # Errors
/// Too short, too long, unreadable, or the system has no randomness.
pub(crate) fn choose(secret: &Secret) -> Result<Chosen> {
    let given = match (&secret.password, &secret.password_file) {
        (Some(text), _) => Some(text.clone()),
        (None, Some(file)) => Some(first_line(file)?),
        (None, None) => None,
    };
    from(given)
}

/// `text` checked, or a new password.
///
/// # Errors
/// As [`choose`].
pub(crate) fn from(text: Option<String>) -> Result<Chosen> {
    if text.as_ref().is_some_and(|text| text.chars().count() < SHORTEST) {
        bail!("the password is too short; give at least {SHORTEST} characters, or none and one is generated");
    }
    taken_over(text)
}

/// `text` however short, or a new password: phones that already have one keep it.
///
/// # Errors
/// Too long, or the system has no randomness.
pub(crate) fn taken_over(text: Option<String>) -> Result<Chosen> {
    let generated = text.is_none();
    let password = text.map_or_else(Password::generate, Password::new)?;
    Ok(Chosen { password, generated })
}

fn first_line(file: &Path) -> Result<String> {
    let text = read(file)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// A file, or standard input for `-`; at most 16 MB.
///
/// # Errors
/// It can't be read, or is no UTF-8.
pub(crate) fn read(file: &Path) -> Result<String> {
    const MOST: u64 = 16 << 20;
    let mut text = String::new();
    let done = if file == Path::new("-") {
        io::stdin().lock().take(MOST).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|f| f.take(MOST).read_to_string(&mut text))
    };
    done.with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text)
}
