//! The forms in which trunks want numbers and send them.

use crate::e164::E164;
use crate::plan::{self, Plan};
use crate::text::{Dialled, MAX_OCTETS};
pub use model::NumberStyle as Style;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest text that is taken off or put before.
const MAX_PREFIX: usize = 16;

/// How a number stands in a message to or from a trunk. Reading is the opposite of writing, so one format describes both ways of a
/// trunk that does alike in both, and two describe one that does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Draft", into = "Draft")]
pub struct Format {
    style: Style,
    strip: String,
    prepend: String,
}

/// A format as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    style: Style,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    strip: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    prepend: String,
}

/// What is wrong with a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatFault {
    /// What is to be taken off.
    Strip,
    /// What is to be put before.
    Prepend,
    /// A number with a plus is left as it is.
    Plus,
}

impl fmt::Display for FormatFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormatFault::Strip => write!(f, "strip has at most {MAX_PREFIX} digits"),
            FormatFault::Prepend => write!(f, "prepend has at most {MAX_PREFIX} digits, * and #"),
            FormatFault::Plus => f.write_str(
                "strip and prepend go with e164_plain, national and international: a number with a plus is complete",
            ),
        }
    }
}

impl std::error::Error for FormatFault {}

impl Format {
    /// Writes numbers in a style, takes the digits `strip` off their beginning, and puts `prepend` before what is left.
    ///
    /// # Errors
    /// Either is too long, has other signs, or goes with a plus.
    pub fn new(style: Style, strip: &str, prepend: &str) -> Result<Format, FormatFault> {
        let is_plain = |text: &str, signs: &str| {
            text.len() <= MAX_PREFIX && text.chars().all(|c| c.is_ascii_digit() || signs.contains(c))
        };
        if style == Style::E164 && !(strip.is_empty() && prepend.is_empty()) {
            return Err(FormatFault::Plus);
        }
        if !is_plain(strip, "") {
            return Err(FormatFault::Strip);
        }
        if !is_plain(prepend, "*#") {
            return Err(FormatFault::Prepend);
        }
        Ok(Format {
            style,
            strip: strip.to_owned(),
            prepend: prepend.to_owned(),
        })
    }

    /// The number as the trunk wants it. What the form has no place for is written with a plus and nothing else, so that the trunk
    /// refuses it rather than takes it for another number: a number that does not begin with what is to be taken off, or a foreign one
    /// where the international prefix names a carrier that callers choose, as in Brazil, Israel and Korea (there an operator writes
    /// `e164_plain` and prepends the carrier's).
    #[must_use]
    pub fn write(&self, number: E164, plan: &Plan) -> String {
        let written = self.written(number, plan);
        let rest = written
            .as_deref()
            .and_then(|text| text.strip_prefix(self.strip.as_str()));
        match rest {
            Some(rest) if !rest.is_empty() => format!("{}{rest}", self.prepend),
            _ => number.to_string(),
        }
    }

    fn written(&self, number: E164, plan: &Plan) -> Option<String> {
        let digits = number.digits();
        match self.style {
            Style::E164 => Some(number.to_string()),
            Style::E164Plain => Some(digits),
            Style::National => match plan.national(number) {
                Some(national) => Some(national),
                None => Some(format!("{}{digits}", plan.international()?)),
            },
            Style::International => Some(format!("{}{digits}", plan.international()?)),
        }
    }

    /// What a trunk means by a text. A number with a plus is understood in every style. `None` for whatever is no number in this form,
    /// such as `anonymous`, and for what is longer than [`MAX_OCTETS`].
    #[must_use]
    pub fn read(&self, text: &str, plan: &Plan) -> Option<E164> {
        if text.len() > MAX_OCTETS {
            return None;
        }
        if text.starts_with('+') {
            return plan::international(Dialled::new(text)?.digits());
        }
        let rest = Dialled::new(text.strip_prefix(self.prepend.as_str())?)?;
        if rest.is_international {
            return None;
        }
        let digits = format!("{}{}", self.strip, rest.digits());
        match self.style {
            Style::E164 => None,
            Style::E164Plain => plan::international(&digits),
            Style::National => {
                let after = plan
                    .international()
                    .and_then(|prefix| digits.strip_prefix(prefix));
                let foreign = after.and_then(plan::international);
                foreign.or_else(|| Some(plan.dial_nationally(&digits)?.number))
            }
            Style::International => plan::international(digits.strip_prefix(plan.international()?)?),
        }
    }
}

impl TryFrom<Draft> for Format {
    type Error = FormatFault;

    fn try_from(draft: Draft) -> Result<Format, FormatFault> {
        Format::new(draft.style, &draft.strip, &draft.prepend)
    }
}

impl From<Format> for Draft {
    fn from(format: Format) -> Draft {
        Draft {
            style: format.style,
            strip: format.strip,
            prepend: format.prepend,
        }
    }
}
