//! Video in descriptions: formats that are passed on, what is asked for by RTCP (RFC 4585, RFC 5104), and bandwidth.
//!
//! Does not own: where the stream is received, and whether it is taken.
//!
//! Retransmission and redundancy formats stay behind: they name other streams by what we don't carry across.

use crate::Codec;
use std::fmt::Write;

/// Formats of pictures, all with a clock of 90 kHz.
const PICTURES: [&str; 6] = ["H264", "H265", "VP8", "VP9", "AV1", "H263-1998"];
/// Clock of their timestamps, hertz.
const CLOCK_HZ: u32 = 90_000;
/// What may be said in RTCP about pictures.
const FEEDBACK: [&str; 6] = [
    "nack",
    "nack pli",
    "nack sli",
    "ccm fir",
    "ccm tmmbr",
    "goog-remb",
];
/// `a=rtcp-fb` lines of one stream that are kept.
const MOST: usize = 64;
/// Bandwidth is told so (RFC 8866 §5.8, RFC 3890).
const BANDWIDTHS: [&str; 2] = ["AS", "TIAS"];

/// What is known of a video stream beside its formats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Payload type (`None` = all), and what.
    feedback: Vec<(Option<u8>, &'static str)>,
    /// In the writer's units: kilobits per second for `AS`, bits for `TIAS`.
    bandwidth: Vec<(&'static str, u32)>,
}

impl Picture {
    /// Takes the value of `a=rtcp-fb` of a stream with these formats in.
    pub(crate) fn read_feedback(&mut self, formats: &[Codec], value: &str) {
        let Some((pt, what)) = value.split_once(' ') else {
            return;
        };
        let pt = match pt {
            "*" => None,
            pt => match pt.parse() {
                Ok(pt) if formats.iter().any(|codec| codec.pt == pt) => Some(pt),
                _ => return,
            },
        };
        let what = what.trim_ascii();
        let known = FEEDBACK
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(what));
        if let Some(known) = known
            && self.feedback.len() < MOST
            && !self.feedback.contains(&(pt, known))
        {
            self.feedback.push((pt, known));
        }
    }

    /// Takes the value of `b=` in.
    pub(crate) fn read_bandwidth(&mut self, value: &str) {
        let Some((name, amount)) = value.split_once(':') else {
            return;
        };
        let known = BANDWIDTHS.into_iter().find(|known| *known == name);
        let amount = amount.trim_ascii().parse().ok();
        if let (Some(known), Some(amount)) = (known, amount)
            && !self.bandwidth.iter().any(|(given, _)| *given == known)
        {
            self.bandwidth.push((known, amount));
        }
    }

    /// The same without what the other side did not offer. Payload types may differ from side to side.
    pub(crate) fn answering(&self, offered: &Picture) -> Picture {
        let known = |what: &&'static str| offered.feedback.iter().any(|(_, offered)| offered == what);
        let feedback = self.feedback.iter().filter(|(_, what)| known(what));
        Picture {
            feedback: feedback.copied().collect(),
            bandwidth: self.bandwidth.clone(),
        }
    }

    pub(crate) fn write_bandwidth(&self, text: &mut String) {
        for (name, amount) in &self.bandwidth {
            let _ = write!(text, "b={name}:{amount}\r\n");
        }
    }

    /// The lines for these formats.
    pub(crate) fn write_feedback(&self, codecs: &[&Codec], text: &mut String) {
        for (pt, what) in &self.feedback {
            let _ = match pt {
                None => write!(text, "a=rtcp-fb:* {what}\r\n"),
                Some(pt) if codecs.iter().any(|codec| codec.pt == *pt) => {
                    write!(text, "a=rtcp-fb:{pt} {what}\r\n")
                }
                Some(_) => Ok(()),
            };
        }
    }
}

impl Codec {
    /// True for a format of pictures that is passed on.
    #[must_use]
    pub fn is_picture(&self) -> bool {
        self.clock == CLOCK_HZ && PICTURES.iter().any(|known| self.name.eq_ignore_ascii_case(known))
    }
}
