//! What people write as a number, reduced to its digits.

/// The longest text that is looked at: fifteen digits, a long prefix and signs between them fit well.
pub const MAX_OCTETS: usize = 40;

/// A dialled text without what is only for the eye.
#[derive(Clone, Copy)]
pub(crate) struct Dialled {
    octets: [u8; MAX_OCTETS],
    length: usize,
    /// It began with a plus: the digits are international.
    pub(crate) is_international: bool,
}

impl Dialled {
    /// Takes visual separators out (RFC 3966 §5.1.1, and slash and space, which people write); `None` for whatever has other signs,
    /// a plus within, no digit, or more than [`MAX_OCTETS`].
    pub(crate) fn new(text: &str) -> Option<Dialled> {
        if text.len() > MAX_OCTETS {
            return None;
        }
        let mut dialled = Dialled {
            octets: [0; MAX_OCTETS],
            length: 0,
            is_international: false,
        };
        for octet in text.bytes() {
            match octet {
                b'0'..=b'9' => {
                    *dialled.octets.get_mut(dialled.length)? = octet;
                    dialled.length += 1;
                }
                b'+' if dialled.length == 0 && !dialled.is_international => dialled.is_international = true,
                b' ' | b'-' | b'.' | b'(' | b')' | b'/' => {}
                _ => return None,
            }
        }
        (dialled.length > 0).then_some(dialled)
    }

    /// The digits alone.
    pub(crate) fn digits(&self) -> &str {
        let octets = self.octets.get(..self.length).unwrap_or_default();
        str::from_utf8(octets).unwrap_or_default()
    }
}

/// Nothing but digits, one to `most` of them?
pub(crate) fn is_digits(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit())
}

/// The lines of a data file that are neither empty nor remarks, cut into `N` fields; what has fewer is left out, and the tests see
/// to it that none has.
pub(crate) fn rows<const N: usize>(file: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let mut fields = line.splitn(N, ',');
        let mut row = [""; N];
        for field in &mut row {
            *field = fields.next()?;
        }
        Some(row)
    })
}
