//! How one stream of a leg is protected: our keys for it, and what is agreed on (RFC 4568 §5, RFC 5763).
//!
//! Does not own: what else is known of the leg (`side`), and ICE and DTLS of ours (`web`).

use crate::Media;
use crate::crypto::{Key, Keyring, Suite, written};
use crate::description::Profile;
use crate::text::Protected;
use crate::web::Web;

/// What our offers to a leg say about protection, until something has been agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// Nothing: plain RTP.
    #[default]
    None,
    /// `RTP/AVP` with keys: who doesn't know them answers without. For offers that can't be repeated in other words.
    Wished,
    /// `RTP/SAVP`: who doesn't know it refuses. Without keys of ours nothing can be offered.
    Demanded,
    /// `UDP/TLS/RTP/SAVPF` with ICE, as browsers want it. See [`crate::Side::speak_web`].
    Web,
    /// `UDP/TLS/RTP/SAVP` without ICE: phones that take their keys from DTLS alone.
    Dtls,
}

/// The keys of a stream, both ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srtp {
    /// The suite.
    pub suite: Suite,
    /// With which we protect what goes to the leg.
    pub ours: Key,
    /// With which the leg protects what it sends.
    pub theirs: Key,
}

/// What is agreed with the leg about a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Agreement {
    #[default]
    Nothing,
    Plain,
    Protected {
        profile: Profile,
        suite: Suite,
        theirs: Key,
    },
    /// By DTLS.
    Web {
        profile: Profile,
        theirs: Box<Web>,
    },
}

impl Agreement {
    /// What a stream as the leg described it leads to.
    pub(crate) fn of(media: &Media) -> Agreement {
        match (&media.web, media.crypto.first(), media.profile()) {
            (Some(web), _, profile) => Agreement::Web {
                profile: profile.unwrap_or(Profile::Dtls),
                theirs: web.clone(),
            },
            (None, Some(crypto), Some(profile)) => Agreement::Protected {
                profile,
                suite: crypto.suite,
                theirs: crypto.key.clone(),
            },
            _ => Agreement::Plain,
        }
    }
}

/// One stream.
#[derive(Clone, Default)]
pub(crate) struct Guard {
    /// Our keys, where the leg may have any.
    pub(crate) ring: Option<Box<Keyring>>,
    pub(crate) agreement: Agreement,
    /// What the ring was used with last.
    used: Used,
}

/// Whoever protects by our keys counts packets for as long as nothing but one key of ours and one of the leg's is in use.
#[derive(Clone, Default)]
enum Used {
    /// Nothing.
    #[default]
    Never,
    /// This suite, and this key of the leg's.
    With(Suite, Key),
    /// Something, and DTLS came after it: what was counted is forgotten.
    Spent,
}

impl Guard {
    /// The leg may have these keys of ours.
    pub(crate) fn protect(&mut self, ring: Keyring) {
        self.ring = Some(Box::new(ring));
        self.used = Used::Never;
    }

    /// Our keys are others now, where the leg may have any.
    pub(crate) fn rekey(&mut self, ring: Keyring) {
        if self.ring.is_some() {
            self.protect(ring);
        }
    }

    /// Takes in what a stream as the leg described it leads to.
    pub(crate) fn agree(&mut self, media: &Media) {
        self.agreement = Agreement::of(media);
        self.used = match (&self.agreement, std::mem::take(&mut self.used)) {
            (Agreement::Protected { suite, theirs, .. }, _) => Used::With(*suite, theirs.clone()),
            (Agreement::Web { .. }, Used::With(..)) => Used::Spent,
            (_, used) => used,
        };
    }

    /// True when ours are to be renewed with this offer: it brings another key or suite than the one before, or DTLS was in
    /// between. Packets would be counted anew under a key that has counted before.
    pub(crate) fn is_rekeyed_by(&self, offer: &Media) -> bool {
        match (&self.used, offer.crypto.first()) {
            (Used::With(suite, theirs), Some(crypto)) => *suite != crypto.suite || *theirs != crypto.key,
            (Used::Spent, Some(_)) => true,
            (Used::Never, _) | (_, None) => false,
        }
    }

    /// The suite that is agreed on.
    pub(crate) fn suite(&self) -> Option<Suite> {
        match &self.agreement {
            Agreement::Protected { suite, .. } => Some(*suite),
            Agreement::Nothing | Agreement::Plain | Agreement::Web { .. } => None,
        }
    }

    /// The keys for the stream as the leg described it.
    pub(crate) fn srtp(&self, media: &Media) -> Option<Srtp> {
        let crypto = media.crypto.first()?;
        Some(Srtp {
            suite: crypto.suite,
            ours: self.ring.as_ref()?.key(crypto.suite)?.clone(),
            theirs: crypto.key.clone(),
        })
    }

    /// Profile and attributes of an offer without DTLS, as by this agreement; `None` when nothing can be offered.
    pub(crate) fn asked(&self, agreement: &Agreement, protection: Protection) -> Option<Protected> {
        let (profile, suites) = match (agreement, protection) {
            (Agreement::Protected { profile, suite, .. }, _) => (*profile, std::slice::from_ref(suite)),
            (Agreement::Plain, _) | (_, Protection::None | Protection::Web | Protection::Dtls) => {
                (Profile::Avp, &[][..])
            }
            (_, Protection::Wished) => (Profile::Avp, &Suite::OFFERED[..]),
            (_, Protection::Demanded) => (Profile::Savp, &Suite::OFFERED[..]),
        };
        let Some(ring) = &self.ring else {
            return (protection != Protection::Demanded).then(Protected::plain);
        };
        let keys = suites
            .iter()
            .filter_map(|suite| Some((*suite, ring.key(*suite)?)));
        Some(Protected {
            profile,
            attributes: (1..)
                .zip(keys)
                .map(|(tag, (suite, key))| written(tag, suite, key))
                .collect(),
            web: None,
        })
    }

    /// The same for the answer to an offer without DTLS: its first attribute is taken. `None` when it can't be.
    pub(crate) fn answered(&self, offer: &Media, profile: Profile) -> Option<Protected> {
        let Some(crypto) = offer.crypto.first() else {
            let plain = matches!(profile, Profile::Avp | Profile::Avpf);
            return plain.then(|| Protected {
                profile,
                ..Protected::plain()
            });
        };
        let key = self.ring.as_ref()?.key(crypto.suite)?;
        Some(Protected {
            profile,
            attributes: vec![written(crypto.tag, crypto.suite, key)],
            web: None,
        })
    }
}
