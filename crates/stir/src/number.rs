//! Telephone numbers in the form in which they are compared and signed (RFC 8224 §8.3).

/// Digits of a number; E.164 has 15 at most, some national service numbers are written longer.
const LONGEST: usize = 24;
/// What people write between digits (RFC 3966 §3, and blanks).
const SEPARATORS: [char; 5] = ['-', '.', '(', ')', ' '];

/// The digits of a number, without `+` and without what is written between them; `*` and `#` stay. `None` for what is no number.
///
/// A number is taken as it is: whoever calls has put the country's code before it where that was missing (`number::Plan`).
#[must_use]
pub fn canonical(number: &str) -> Option<String> {
    let number = number.strip_prefix('+').unwrap_or(number);
    // As many separators as digits, and no more.
    if number.len() > 2 * LONGEST {
        return None;
    }
    let digits: String = number.chars().filter(|c| !SEPARATORS.contains(c)).collect();
    let is_number = digits
        .bytes()
        .all(|b| b.is_ascii_digit() || b == b'*' || b == b'#');
    (is_number && (1..=LONGEST).contains(&digits.len())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_the_plus_sign_go() {
        for text in ["+1 (215) 555-0131", "1.215.555.0131", "12155550131"] {
            assert_eq!(canonical(text).as_deref(), Some("12155550131"), "{text}");
        }
        assert_eq!(canonical("*67#").as_deref(), Some("*67#"));
    }

    #[test]
    fn what_is_no_number_is_none() {
        let long = "1".repeat(25);
        for text in [
            "",
            "+",
            "()",
            "anonymous",
            "+1+2",
            "12;ext=3",
            "１２",
            long.as_str(),
        ] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
