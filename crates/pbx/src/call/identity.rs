//! Who calls, as the called phones are told (RFC 3323, RFC 3325). The identity is always the tenant's: what a phone
//! asserts about itself is not read, what it prefers is only compared.

use crate::context::Context;
use model::{MediaPolicy, Party, TenantConfig};
use sip::header::NameAddr;
use sip::{Message, Name};

/// The caller without a name (RFC 3323 §4.1.1.3).
pub(super) const ANONYMOUS: &str = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";

/// The number of who has none.
pub(super) const NOBODY: &str = "anonymous";

/// What a Privacy header asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Privacy {
    /// Who it is: `id`, `user` or `header`.
    identity: bool,
    /// Where it is.
    session: bool,
    /// Which way the call took: `header` or `history` (RFC 7044 §10.1.2).
    history: bool,
    critical: bool,
    unknown: bool,
}

impl Privacy {
    fn of(message: &Message<'_>) -> Privacy {
        let mut privacy = Privacy::default();
        let values = message
            .headers(Name::Privacy)
            .flat_map(|line| line.split([';', ',']))
            .map(str::trim);
        for value in values.filter(|value| !value.is_empty()) {
            match value.to_ascii_lowercase().as_str() {
                "id" | "user" => privacy.identity = true,
                "header" => (privacy.identity, privacy.history) = (true, true),
                "history" => privacy.history = true,
                "session" => privacy.session = true,
                "critical" => privacy.critical = true,
                "none" => return Privacy::default(),
                _ => privacy.unknown = true,
            }
        }
        privacy
    }
}

/// False for a caller that would rather not call than be seen in a way that we can't prevent (RFC 3323 §5).
pub(super) fn can_be_private(config: &TenantConfig, invite: &Message<'_>) -> bool {
    if invite.header(Name::Privacy).is_none() {
        return true;
    }
    let privacy = Privacy::of(invite);
    let seen = privacy.session && config.policy().media == MediaPolicy::Direct;
    let named = privacy.identity && config.policy().trust_phones;
    !(privacy.critical && (privacy.unknown || seen || named))
}

/// True for a caller who wants to be known to nobody whom he calls.
pub(super) fn wants_privacy(invite: &Message<'_>) -> bool {
    invite.header(Name::Privacy).is_some() && Privacy::of(invite).identity
}

/// True for a caller who wants no phone to be told which way the call took.
pub(super) fn hides_history(invite: &Message<'_>) -> bool {
    Privacy::of(invite).history
}

/// Sets From, and adds the headers of identity.
pub(super) fn present(
    context: &mut Context,
    invite: &Message<'_>,
    caller: &Party,
    from: &mut String,
    told: &mut Vec<(Name, String)>,
) {
    if let Some(preferred) = invite.header(Name::PPreferredIdentity) {
        let own = is_own(&context.config, caller, preferred);
        context.counts.identity_refused += u64::from(!own);
    }
    let private = wants_privacy(invite);
    if context.config.policy().trust_phones {
        told.push((Name::PAssertedIdentity, from.clone()));
        if private {
            told.push((Name::Privacy, "id".to_owned()));
        }
    }
    if private {
        ANONYMOUS.clone_into(from);
    }
}

/// Who calls from outside, for phones that are told so whatever the caller wishes.
pub(super) fn asserted(
    config: &TenantConfig,
    caller: &Party,
    from: &str,
    private: bool,
) -> Vec<(Name, String)> {
    let is_known = caller.number != NOBODY;
    let mut told = Vec::new();
    if config.policy().trust_phones && is_known {
        told.push((Name::PAssertedIdentity, from.to_owned()));
        if private {
            told.push((Name::Privacy, "id".to_owned()));
        }
    }
    told
}

/// True when the device's user may call under this identity: today he has one number.
fn is_own(config: &TenantConfig, caller: &Party, preferred: &str) -> bool {
    let party = NameAddr::parse(Name::PPreferredIdentity, preferred).ok();
    let uri = party.and_then(|party| party.uri().ok());
    uri.is_some_and(|uri| uri.user_decoded() == caller.number && config.owns_domain(uri.host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn privacy(line: &str) -> Privacy {
        let text = format!("INVITE sip:a@b SIP/2.0\r\n{line}\r\n\r\n");
        Privacy::of(&Message::parse(text.as_bytes()).expect("a message"))
    }

    #[test]
    fn values_of_privacy() {
        assert!(privacy("Privacy: id").identity);
        assert!(privacy("Privacy: header; USER;critical").critical);
        assert!(privacy("Privacy: session").session);
        assert!(!privacy("Privacy: session").identity);
        assert_eq!(privacy("Privacy: none"), Privacy::default());
        assert!(privacy("Privacy: history").history && privacy("Privacy: header").history);
        assert!(privacy("Privacy: callid").unknown);
        assert_eq!(privacy("Subject: id"), Privacy::default());
    }
}
