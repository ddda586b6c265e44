//! Push notifications (RFC 8599): what a phone says about how to wake it.
//!
//! Owns: reading the parameters. Does not own: when somebody is woken (`call::wake`) or who tells the push service: the
//! shell gets an effect.

use model::PushTarget;
use sip::Uri;

/// The push parameters of a Contact URI; `None` without provider and token.
pub(crate) fn target(uri: &Uri<'_>) -> Option<PushTarget> {
    if !uri.params.contains("pn-") {
        return None;
    }
    let value = |name| uri.param(name).flatten().filter(|value| !value.is_empty());
    Some(PushTarget {
        provider: value("pn-provider")?.into(),
        prid: value("pn-prid")?.into(),
        param: value("pn-param").map(Box::from),
        purr: value("pn-purr").map(Box::from),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_and_token_make_a_target() {
        let read = |text| Uri::parse(text).ok().as_ref().and_then(target);
        let push = read("sip:a@b;transport=tls;pn-provider=apns;PN-PRID=00fc13adff78;pn-param=x.y")
            .expect("a target");
        assert_eq!((&*push.provider, &*push.prid), ("apns", "00fc13adff78"));
        assert_eq!((push.param.as_deref(), push.purr), (Some("x.y"), None));
        for text in [
            "sip:a@b",
            "sip:a@b;pn-provider=apns",
            "sip:a@b;pn-provider;pn-prid=1",
            "sip:a@b;pn-prid=1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
