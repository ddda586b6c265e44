//! `[stir]`: who vouches for callers.

use super::reader::{Reader, Section, path};
use node::{Stir, StirKey};
use std::path::PathBuf;

/// Files with authorities.
const MOST_FILES: usize = 16;

/// Reads the section.
pub(super) fn read<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> Stir {
    let mut section = reader.section(top, "stir");
    let key = path(reader, &mut section, "key", "\"/etc/carillon/stir-key.pem\"");
    let such_as = "\"https://sti.example.com/ours.pem\"";
    let url = reader.text(&mut section, "certificate_url", such_as);
    let authorities = authorities(reader, &mut section);
    let fetch_private = reader.flag(&mut section, "fetch_private").unwrap_or(false);
    let such_as = "\"/etc/carillon/stir-fetch-ca.pem\"";
    let fetch_ca = path(reader, &mut section, "fetch_ca", such_as);
    reader.done(&section);
    let key = match (key, url) {
        (Some(key), Some((_, url))) => Some(StirKey {
            key,
            url: url.to_owned(),
        }),
        (None, None) => None,
        _ => {
            let what =
                "[stir] needs both `key` and `certificate_url`; give the other, or neither to sign nothing";
            reader.problem(section.start(), what);
            None
        }
    };
    Stir {
        key,
        authorities,
        fetch_private,
        fetch_ca,
    }
}

fn authorities<'t>(reader: &mut Reader<'t>, section: &mut Section<'t>) -> Vec<PathBuf> {
    let such_as = "[\"/etc/carillon/stir-ca.pem\"]";
    let all = reader.list(section, "authorities", such_as).unwrap_or_default();
    if let Some((at, _)) = all.get(MOST_FILES) {
        reader.problem(
            *at,
            format!("`authorities` has more than {MOST_FILES} files; put several into one"),
        );
    }
    for (at, _) in all.iter().filter(|(_, text)| text.is_empty()) {
        reader.problem(
            *at,
            format!("`authorities` has an empty path; write such as {such_as}"),
        );
    }
    all.into_iter().map(|(_, text)| PathBuf::from(text)).collect()
}
