//! A phone that protects its audio by keys in its descriptions (RFC 4568).
//!
//! Owns: the phone's keys, and its ends of SRTP. Does not own: when descriptions are made.

use super::Phone;
use rtp::srtp::{Receiver, Sender, Suite};
use sdp::{Admit, Description, Key};
use sip::Message;
use std::net::SocketAddr;

/// How a phone protects its audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sdes {
    /// The profile of its offers.
    pub profile: &'static str,
    /// The one suite that it knows.
    pub suite: sdp::Suite,
    /// Its key, as the one character that is written again and again.
    pub key: char,
}

impl Sdes {
    /// A phone of today: RTP/SAVP with AES-CM.
    #[must_use]
    pub fn usual(key: char) -> Sdes {
        Sdes {
            profile: "RTP/SAVP",
            suite: sdp::Suite::AesCm128HmacSha1_80,
            key,
        }
    }

    fn attribute(self, tag: u32) -> String {
        let digits = match self.suite {
            sdp::Suite::AesCm128HmacSha1_80 | sdp::Suite::AesCm128HmacSha1_32 => 40,
            sdp::Suite::AeadAes128Gcm => 38,
            sdp::Suite::AeadAes256Gcm => 59,
        };
        let key: String = std::iter::repeat_n(self.key, digits).collect();
        format!("a=crypto:{tag} {} inline:{key}\r\n", self.suite.as_str())
    }

    /// The key as octets.
    fn octets(self) -> Option<Key> {
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nm=audio 1 RTP/SAVP 0\r\n{}",
            self.attribute(1)
        );
        let description = read(text.as_bytes())?;
        let media = description.media().first()?;
        media.crypto.first().map(|crypto| crypto.key.clone())
    }

    fn for_packets(self) -> Suite {
        match self.suite {
            sdp::Suite::AesCm128HmacSha1_80 => Suite::AesCm128HmacSha1_80,
            sdp::Suite::AesCm128HmacSha1_32 => Suite::AesCm128HmacSha1_32,
            sdp::Suite::AeadAes128Gcm => Suite::AeadAes128Gcm,
            sdp::Suite::AeadAes256Gcm => Suite::AeadAes256Gcm,
        }
    }
}

/// The two directions of audio with one address.
#[derive(Debug)]
pub(super) struct Ends {
    at: SocketAddr,
    sdes: Sdes,
    theirs: Key,
    sender: Sender,
    receiver: Receiver,
}

/// The profile that browsers speak.
const BROWSERS: &str = "UDP/TLS/RTP/SAVPF";

/// The profile of phones with DTLS and without ICE.
const DTLS: &str = "UDP/TLS/RTP/SAVP";

/// What a browser says about ICE and DTLS.
fn browser(ufrag: &str, setup: &str) -> String {
    let ice = "a=rtcp-mux\r\na=mid:0\r\na=ice-ufrag:";
    let print = format!("sha-256 {}", vec!["0F"; 32].join(":"));
    format!(
        "{ice}{ufrag}\r\na=ice-pwd:a/password/of/some/length\r\n{}",
        dtls(&print, setup)
    )
}

/// What is said about DTLS alone.
fn dtls(print: &str, setup: &str) -> String {
    format!("a=fingerprint:{print}\r\na=setup:{setup}\r\n")
}

/// A description with its keys.
/// What a message says, alone or as one of several parts.
pub(super) fn said(message: &Message<'_>) -> Option<Description> {
    let kind = message.header(sip::Name::ContentType).unwrap_or("");
    let part = sip::multipart::part(kind, message.body(), sdp::CONTENT_TYPE);
    read(part.unwrap_or(message.body()))
}

fn read(body: &[u8]) -> Option<Description> {
    let admit = Admit {
        keys: true,
        dtls: true,
        plain: true,
    };
    Description::parse_with(body, admit).ok()
}

impl Phone {
    /// Takes note of what a message says about protection.
    pub(super) fn hear_keys(&mut self, message: &Message<'_>) {
        let Some(description) = said(message) else {
            return;
        };
        self.hear_beside(&description);
        let Some(media) = description.audio(&[]) else {
            return;
        };
        let sdes = self.sdes;
        let mut cryptos = media.crypto.iter();
        let crypto = sdes.and_then(|sdes| cryptos.find(|crypto| crypto.suite == sdes.suite));
        self.asked = Some((media.proto.clone(), crypto.map(|crypto| crypto.tag)));
        let Some(at) = media.rtp_address() else { return };
        let (Some(sdes), Some(crypto)) = (sdes, crypto) else {
            return self.ends.retain(|ends| ends.at != at);
        };
        let suite = sdes.for_packets();
        let known = self.ends.iter_mut().find(|ends| ends.at == at);
        let Some(ours) = sdes.octets() else { return };
        let other = vec![0x5A; suite.master_len()];
        let key = if self.lies { &other } else { ours.octets() };
        let (sender, receiver) = (Sender::new(suite, key), Receiver::new(suite, crypto.key.octets()));
        let (Some(sender), Some(receiver)) = (sender, receiver) else {
            return;
        };
        match known {
            Some(ends) => {
                if ends.sdes != sdes {
                    (ends.sdes, ends.sender) = (sdes, sender);
                }
                if ends.theirs != crypto.key {
                    (ends.theirs, ends.receiver) = (crypto.key.clone(), receiver);
                    self.rekeyed += 1;
                }
            }
            None => self.ends.push(Ends {
                at,
                sdes,
                theirs: crypto.key.clone(),
                sender,
                receiver,
            }),
        }
    }

    /// Writes our keys into an offer.
    pub(super) fn offer_keys(&self, text: String) -> String {
        if let Some(print) = &self.dtls {
            return text.replace("RTP/AVP", DTLS) + &dtls(print, "actpass");
        }
        match (self.sdes, self.ufrag) {
            (_, Some(ufrag)) => text.replace("RTP/AVP", BROWSERS) + &browser(ufrag, "actpass"),
            (Some(sdes), None) => text.replace("RTP/AVP", sdes.profile) + &sdes.attribute(1),
            (None, None) => text,
        }
    }

    /// Writes into an answer what was offered; `None` when we can't.
    pub(super) fn answer_keys(&self, text: String) -> Option<String> {
        if let Some(print) = &self.dtls {
            let (profile, _) = self.asked.as_ref()?;
            let text = text.replace("RTP/AVP", DTLS) + &dtls(print, "active");
            return (**profile == *DTLS).then_some(text);
        }
        if let Some(ufrag) = self.ufrag {
            let (profile, _) = self.asked.as_ref()?;
            let text = text.replace("RTP/AVP", BROWSERS) + &browser(ufrag, "active");
            return (**profile == *BROWSERS).then_some(text);
        }
        match (&self.asked, self.sdes) {
            (Some((profile, Some(tag))), Some(sdes)) => {
                Some(text.replace("RTP/AVP", profile) + &sdes.attribute(*tag))
            }
            (Some((profile, _)), _) if &**profile != "RTP/AVP" => None,
            _ => Some(text),
        }
    }

    /// True when an offer is for protected audio alone and we know none.
    pub(super) fn is_beyond(&self) -> bool {
        self.answer_keys(String::new()).is_none()
    }

    /// Protects what goes to that address, if it is to be.
    pub(super) fn protect(&mut self, to: SocketAddr, packet: Vec<u8>) -> Vec<u8> {
        let Some(ends) = self.ends.iter_mut().find(|ends| ends.at == to) else {
            return packet;
        };
        let (mut buffer, len) = (packet.clone(), packet.len());
        buffer.resize(len + 20, 0);
        let Ok(len) = ends.sender.protect_rtp(&mut buffer, len) else {
            return packet;
        };
        buffer.truncate(len);
        buffer
    }

    /// Opens what came in; `None` when it should have been protected for us and was not.
    pub(super) fn open(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        if self.ends.is_empty() {
            return Some(packet.to_vec());
        }
        for ends in self.ends.iter_mut().rev() {
            let mut buffer = packet.to_vec();
            if let Ok(len) = ends.receiver.unprotect_rtp(&mut buffer) {
                buffer.truncate(len);
                return Some(buffer);
            }
        }
        self.unopened += 1;
        None
    }
}
