//! What a phone describes beside its audio: pictures, and faxes (T.38). It sends neither.
//!
//! Owns: those lines of its descriptions. Does not own: when descriptions are made.

use super::Phone;
use sdp::Description;

/// What it can do beside audio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// It shows pictures, and takes them.
    pub video: bool,
    /// It takes faxes.
    pub takes_fax: bool,
    /// It faxes now: its offers have a fax instead of audio.
    pub faxes: bool,
    /// Offers of a fax keep the audio beside it.
    pub keeps_audio: bool,
}

/// A kind of stream of the last offer that came, by its word, and whether it was switched on.
pub(super) type Asked = Vec<(Box<str>, bool)>;

const FAX: &str = "a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n";
const PICTURES: &str = "a=rtpmap:99 H264/90000\r\na=fmtp:99 profile-level-id=42e01f;packetization-mode=1\r\n";

impl Phone {
    /// Takes note of the streams of a description.
    pub(super) fn hear_beside(&mut self, said: &Description) {
        let lines = said.media().iter();
        self.beside_asked = lines.map(|media| (media.kind.clone(), media.port != 0)).collect();
    }

    fn video(&self) -> String {
        let port = self.rtp_address().port() + 2;
        format!("m=video {port} RTP/AVP 99\r\n{PICTURES}")
    }

    fn fax(&self) -> String {
        let port = self.rtp_address().port() + 4;
        format!("m=image {port} udptl t38\r\n{FAX}")
    }

    fn without_audio(&self, text: &str) -> String {
        let port = self.rtp_address().port();
        text.replace(&format!("m=audio {port} "), "m=audio 0 ")
    }

    /// An offer with all that there is.
    pub(super) fn offer_beside(&self, text: String) -> String {
        let mut text = match self.beside.faxes && !self.beside.keeps_audio {
            true => self.without_audio(&text),
            false => text,
        };
        if self.beside.video {
            text.push_str(&self.video());
        }
        if self.beside.faxes {
            text.push_str(&self.fax());
        }
        text
    }

    /// The answer to the last offer; `None` when nothing of it can be taken.
    pub(super) fn answer_beside(&self, mut text: String) -> Option<String> {
        let on = |kind: &str| {
            self.beside_asked
                .iter()
                .any(|(known, on)| &**known == kind && *on)
        };
        let faxes = on("image") && self.beside.takes_fax;
        if faxes {
            text = self.without_audio(&text);
        } else if on("image") && !on("audio") {
            return None;
        }
        for (kind, on) in &self.beside_asked {
            match (&**kind, *on) {
                ("video", true) if self.beside.video => text.push_str(&self.video()),
                ("video", _) => text.push_str("m=video 0 RTP/AVP 99\r\n"),
                ("image", true) if faxes => text.push_str(&self.fax()),
                ("image", _) => text.push_str("m=image 0 udptl t38\r\n"),
                _ => {}
            }
        }
        Some(text)
    }
}
