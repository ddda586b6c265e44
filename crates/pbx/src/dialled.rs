//! What a Request-URI, or the target of a REFER, asks for: a number, in a domain, perhaps on one phone (RFC 3261 §19.1.6, RFC 3966, RFC 5627).
//!
//! Owns: reading it. Does not own: where a number leads (`flow`).

use crate::context::{Context, clean};
use crate::gruu;
use number::Service;
use sip::{Message, Scheme, Uri};

/// Octets of a number; longer ones lead nowhere.
const LONGEST: usize = 128;

/// What was dialled.
#[derive(Default)]
pub(crate) struct Dialled {
    /// Escapes undone, parameters of a telephone number and its visual separators left out.
    pub(crate) number: String,
    /// The host; of a `tel` URI, which has none, the tenant's own.
    pub(crate) domain: String,
    /// The instance that a GRUU names.
    pub(crate) instance: Option<Box<str>>,
}

impl Dialled {
    pub(crate) fn by(context: &Context, message: &Message<'_>) -> Dialled {
        message
            .target()
            .map_or_else(Dialled::default, |uri| Dialled::read(context, &uri))
    }

    pub(crate) fn read(context: &Context, uri: &Uri<'_>) -> Dialled {
        if uri.scheme == Scheme::Tel {
            let digits = |c: &char| !matches!(c, '-' | '.' | '(' | ')');
            let number = uri.user.unwrap_or("").chars().filter(digits).collect::<String>();
            return Dialled {
                number: clean(&number, LONGEST),
                domain: context.config.realm().to_owned(),
                instance: None,
            };
        }
        if let Scheme::Other(word) = uri.scheme {
            // Help is dialled by name (RFC 5031): it is the number of this country from here on.
            let urn = uri.as_str().get(word.len().saturating_add(1)..).unwrap_or("");
            let service = Service::of_urn(urn).filter(|_| word.eq_ignore_ascii_case("urn"));
            return Dialled {
                number: service
                    .map_or("", |service| context.numbering.help(service))
                    .to_owned(),
                domain: context.config.realm().to_owned(),
                instance: None,
            };
        }
        if gruu::is_temporary(uri)
            && let Some((user, instance)) = context.gruus.open(uri.user.unwrap_or(""), &context.location)
            && let Some(user) = context.config.user(user)
        {
            return Dialled {
                number: user.extension.to_string(),
                domain: uri.host.to_owned(),
                instance: Some(instance),
            };
        }
        let user = uri.user_decoded();
        // `sip:102;phone-context=x@…;user=phone`: a telephone number with its own parameters.
        let number = user.split(';').next().unwrap_or("");
        Dialled {
            number: clean(number, LONGEST),
            domain: uri.host.to_owned(),
            instance: gruu::instance(uri).map(Box::from),
        }
    }
}
