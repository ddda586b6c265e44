//! What a hostile peer says: messages of every kind, damaged with knowledge of their structure.
//!
//! Owns: templates of all methods and of responses, out of dialog, inside a real one and beside it, and the ways in
//! which they are spoilt. Does not own: how a message is sent and what must hold afterwards; the tests over
//! the cores and over real sockets say. A seed fixes every choice; what the peer knows (tags, challenges) comes in an
//! [`Aim`].

mod draft;
mod mutate;
mod words;

use crate::phone::digest;
use crate::rng::Rng;
use draft::Draft;
use sip::{Message, Method};
use std::net::SocketAddr;

/// Every method that is asked for, and some that are none.
pub const METHODS: [&str; 18] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "REGISTER",
    "OPTIONS",
    "INFO",
    "MESSAGE",
    "SUBSCRIBE",
    "NOTIFY",
    "PUBLISH",
    "REFER",
    "UPDATE",
    "PRACK",
    "FROB",
    "invite",
    "X-9.!%*_+`'~",
    "SUBSCRIBESUBSCRIBESUBSCRIBESUBSCRIBESUBSCRIBESUBSCRIBE",
];

/// The methods behind which most lies.
const DEEP: [&str; 4] = ["INVITE", "ACK", "REGISTER", "CANCEL"];

/// One side of a dialog, as the peer on that side knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Call-ID.
    pub call_id: String,
    /// The peer's own tag.
    pub local_tag: String,
    /// The server's tag.
    pub remote_tag: String,
    /// The server's Contact.
    pub target: String,
}

impl Leg {
    /// The caller's side, from the 2xx to its INVITE.
    #[must_use]
    pub fn of_caller(success: &[u8]) -> Option<Leg> {
        let message = Message::parse(success).ok()?;
        let code = message.status_line()?.code;
        if message.method() != Some(Method::Invite) || !(200..300).contains(&code) {
            return None;
        }
        Some(Leg {
            call_id: message.call_id().ok()?.to_owned(),
            local_tag: message.from().ok()?.tag()?.to_owned(),
            remote_tag: message.to().ok()?.tag()?.to_owned(),
            target: message.contacts().first()?.name_addr.uri.to_owned(),
        })
    }

    /// The called side, from the server's INVITE and the tag of an answer to it.
    #[must_use]
    pub fn of_callee(invite: &[u8], answer: &[u8]) -> Option<Leg> {
        let (invite, answer) = (Message::parse(invite).ok()?, Message::parse(answer).ok()?);
        (invite.is_request() && invite.method() == Some(Method::Invite)).then_some(())?;
        (!answer.is_request() && answer.call_id().ok()? == invite.call_id().ok()?).then_some(())?;
        Some(Leg {
            call_id: invite.call_id().ok()?.to_owned(),
            local_tag: answer.to().ok()?.tag()?.to_owned(),
            remote_tag: invite.from().ok()?.tag()?.to_owned(),
            target: invite.contacts().first()?.name_addr.uri.to_owned(),
        })
    }
}

/// Who the peer says that it is, and what it knows.
#[derive(Clone, Debug)]
pub struct Aim {
    /// Domain of the tenant.
    pub domain: String,
    /// Extension of the peer.
    pub user: String,
    /// Extensions that it names.
    pub others: Vec<String>,
    /// Address in Via and Contact.
    pub at: SocketAddr,
    /// The transport in Via.
    pub via: &'static str,
    /// A dialog that the peer knows.
    pub leg: Option<Leg>,
    /// Top Vias of requests that the server sent: what a response needs to find its transaction.
    pub vias: Vec<String>,
    /// Password and the server's last challenge, to sign requests with.
    pub secret: Option<(String, String)>,
}

/// In how many of a thousand messages something is done.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// Octets are damaged where they lie, framing included; on a stream that ends the connection.
    pub wild: u64,
    /// The known dialog is named as it is; else beside it, one identifier wrong.
    pub exact: u64,
    /// BYE is sent as often as other methods when 1,000; a known call lives longer with less.
    pub bye: u64,
    /// Nothing is damaged at all.
    pub sound: u64,
}

/// An endless stream of hostile messages.
#[derive(Debug)]
pub struct Stream {
    rng: Rng,
    manners: Manners,
    corpus: Vec<Vec<u8>>,
    serial: u32,
    uses: u32,
}

impl Stream {
    /// The stream of a seed. `corpus` holds messages that are damaged as they are.
    #[must_use]
    pub fn new(seed: u64, manners: Manners, corpus: Vec<Vec<u8>>) -> Stream {
        Stream {
            rng: Rng::new(seed),
            manners,
            corpus,
            serial: 0,
            uses: 0,
        }
    }

    /// The next message.
    pub fn message(&mut self, aim: &Aim) -> Vec<u8> {
        self.serial += 1;
        let wild = self.rng.per_mille(self.manners.wild);
        if wild && self.rng.per_mille(200) {
            let mut octets = self.rng.pick(&self.corpus).cloned().unwrap_or_default();
            mutate::octets(&mut octets, &mut self.rng);
            return octets;
        }
        let mut draft = self.draft(aim);
        if !self.rng.per_mille(self.manners.sound) {
            for _ in 0..=self.rng.below(2) {
                mutate::structure(&mut draft, &mut self.rng);
            }
        }
        if wild && self.rng.per_mille(300) {
            let length = mutate::content_length(&mut self.rng);
            draft.set("Content-Length", &length);
        }
        let mut octets = draft.render();
        if wild {
            mutate::octets(&mut octets, &mut self.rng);
        }
        octets
    }

    /// A request without a flaw and without credentials, of a method, within a dialog or not.
    pub fn sound(&mut self, method: &str, aim: &Aim, leg: Option<&Leg>) -> Vec<u8> {
        self.serial += 1;
        words::request(method, aim, leg, self.serial, &mut self.rng).render()
    }

    fn draft(&mut self, aim: &Aim) -> Draft {
        let rng = &mut self.rng;
        if rng.per_mille(120) {
            return words::response(aim, self.serial, rng);
        }
        let method = loop {
            let list = if rng.per_mille(250) {
                &DEEP[..]
            } else {
                &METHODS[..]
            };
            let method = rng.pick(list).copied().unwrap_or("INVITE");
            if method != "BYE" || rng.per_mille(self.manners.bye) {
                break method;
            }
        };
        let leg = aim.leg.clone().filter(|_| rng.per_mille(600));
        let leg = leg.map(|leg| {
            if rng.per_mille(self.manners.exact) {
                leg
            } else {
                beside(leg, rng)
            }
        });
        let mut draft = words::request(method, aim, leg.as_ref(), self.serial, rng);
        if let Some((password, challenge)) = &aim.secret
            && rng.per_mille(700)
        {
            // A nonce is good for so many requests; a new challenge starts at one again, and a gap does no harm.
            self.uses += 1;
            let uri = draft.uri().to_owned();
            let value = digest::answer(challenge, &aim.user, password, method, &uri, self.uses);
            let name = if method == "REGISTER" {
                "Authorization"
            } else {
                "Proxy-Authorization"
            };
            draft.push(name, &value);
        }
        draft
    }
}

/// A dialog of which one identifier is slightly wrong.
fn beside(mut leg: Leg, rng: &mut Rng) -> Leg {
    let place = match rng.below(3) {
        0 => &mut leg.call_id,
        1 => &mut leg.local_tag,
        _ => &mut leg.remote_tag,
    };
    match rng.below(4) {
        0 => drop(place.pop()),
        1 => place.push('0'),
        2 => *place = place.to_ascii_uppercase() + "x",
        _ => {
            let last = place.pop().unwrap_or('0');
            place.push(if last == '0' { '1' } else { '0' });
        }
    }
    leg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aim() -> Aim {
        Aim {
            domain: "a.example".to_owned(),
            user: "100".to_owned(),
            others: vec!["101".to_owned()],
            at: SocketAddr::from(([10, 0, 9, 1], 5060)),
            via: "UDP",
            leg: None,
            vias: Vec::new(),
            secret: None,
        }
    }

    const MANNERS: Manners = Manners {
        wild: 200,
        exact: 0,
        bye: 1_000,
        sound: 100,
    };

    #[test]
    fn a_seed_says_the_same_twice_and_another_seed_something_else() {
        let say = |seed| {
            let mut stream = Stream::new(seed, MANNERS, vec![b"OPTIONS sip:x SIP/2.0\r\n\r\n".to_vec()]);
            (0..200).map(|_| stream.message(&aim())).collect::<Vec<_>>()
        };
        assert_eq!(say(7), say(7));
        assert_ne!(say(7), say(8));
    }

    #[test]
    fn what_is_sound_reads_as_its_method_and_is_valid() {
        let mut stream = Stream::new(1, MANNERS, Vec::new());
        for method in METHODS {
            let octets = stream.sound(method, &aim(), None);
            let message = Message::parse(&octets).unwrap();
            assert_eq!(message.method().unwrap().as_str(), method);
            assert!(message.cseq().is_ok() && message.top_via().is_ok(), "{method}");
        }
    }

    #[test]
    fn damage_leaves_enough_that_is_read_on() {
        let mut stream = Stream::new(3, MANNERS, Vec::new());
        let octets: Vec<_> = (0..2_000).map(|_| stream.message(&aim())).collect();
        let read = octets.iter().filter_map(|o| Message::parse(o).ok());
        let whole = read.filter(|m| m.defect().is_none()).count();
        assert!((400..1_990).contains(&whole), "{whole} of 2,000 are well formed");
    }
}
