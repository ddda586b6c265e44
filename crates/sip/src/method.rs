//! The request methods (RFC 3261 §7.1 and its extensions). Methods are case-sensitive tokens.

use std::fmt;

macro_rules! methods {
    ($($variant:ident = $word:literal),* $(,)?) => {
        /// A request method. `Other` keeps the word as it was written, so nothing is lost.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each variant is the method of its own name")]
        pub enum Method<'a> {
            $($variant,)*
            /// A method that this stack has no name for; never one of the words above.
            Other(&'a str),
        }

        impl<'a> Method<'a> {
            /// Reads a method word; `Invite` only for exactly `INVITE` (case matters, `%` is no escape).
            #[must_use]
            pub fn parse(word: &'a str) -> Method<'a> {
                match word {
                    $($word => Method::$variant,)*
                    _ => Method::Other(word),
                }
            }

            /// The word on the wire.
            #[must_use]
            pub fn as_str(&self) -> &'a str {
                match self {
                    $(Method::$variant => $word,)*
                    Method::Other(word) => word,
                }
            }
        }
    };
}

methods! {
    Invite = "INVITE",
    Ack = "ACK",
    Bye = "BYE",
    Cancel = "CANCEL",
    Register = "REGISTER",
    Options = "OPTIONS",
    Info = "INFO",
    Message = "MESSAGE",
    Subscribe = "SUBSCRIBE",
    Notify = "NOTIFY",
    Publish = "PUBLISH",
    Refer = "REFER",
    Update = "UPDATE",
    Prack = "PRACK",
}

impl fmt::Display for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_round_trip_and_case_matters() {
        for word in [
            "INVITE",
            "PRACK",
            "invite",
            "RE%47IST%45R",
            "!interesting-Method0123456789_*+`.%indeed'~",
        ] {
            assert_eq!(Method::parse(word).as_str(), word);
        }
        assert_eq!(Method::parse("invite"), Method::Other("invite"));
        assert_eq!(Method::parse("RE%47ISTER"), Method::Other("RE%47ISTER"));
    }
}
