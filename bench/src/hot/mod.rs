//! The paths of the cores that every message or packet takes, as things that can be run so many times.
//!
//! Owns: the list of paths and what is set up before them. Timing is in [`micro`], counting in [`instructions`].

mod audio;
mod border;
pub(crate) mod instructions;
mod media;
pub(crate) mod micro;
mod register;
mod room;
mod sip;
mod srtp;
mod toll;
mod transcode;

use anyhow::{Context as _, Result};

/// One operation, ready to be repeated.
type Operation = Box<dyn FnMut()>;

/// A hot path.
pub(crate) struct Path {
    /// Name in the table of counts.
    name: &'static str,
    /// What one operation is.
    what: &'static str,
    /// Longest time of one operation that we accept, ns.
    limit_ns: Option<f64>,
    /// Sets up; `None` when a fixture is not what the code under test accepts any more.
    make: fn() -> Option<Operation>,
}

/// Every path that is watched.
const PATHS: &[Path] = &[
    Path {
        name: "invite-parse",
        what: "INVITE with 16 headers and SDP, 1.0 kB: message and header index",
        limit_ns: Some(1000.0),
        make: sip::parse,
    },
    Path {
        name: "invite-parse-typed",
        what: "the same, with Via, From, To, Contact, CSeq, Request-URI as types",
        limit_ns: Some(2500.0),
        make: sip::parse_typed,
    },
    Path {
        name: "invite-parse-validate",
        what: "message, header index and the judgement of its validity",
        limit_ns: None,
        make: sip::parse_validate,
    },
    Path {
        name: "digest-md5",
        what: "challenge, credentials parsed, MD5 response and nonce verified",
        limit_ns: None,
        make: sip::digest_md5,
    },
    Path {
        name: "digest-sha256",
        what: "challenge, credentials parsed, SHA-256 response and nonce verified",
        limit_ns: None,
        make: sip::digest_sha256,
    },
    Path {
        name: "register",
        what: "REGISTER, 401, REGISTER with credentials, 200, one of 10,000 users, the phone's half included",
        limit_ns: None,
        make: register::register,
    },
    Path {
        name: "border-known",
        what: "the border's look at a message of one of 10,000 phones that have shown their password",
        limit_ns: Some(1000.0),
        make: border::known,
    },
    Path {
        name: "border-stranger",
        what: "the same of somebody new each time",
        limit_ns: None,
        make: border::stranger,
    },
    Path {
        name: "border-banned",
        what: "the same of somebody who is banned",
        limit_ns: None,
        make: border::banned,
    },
    Path {
        name: "transaction-register",
        what: "server transaction created, answered and freed by Timer J",
        limit_ns: None,
        make: sip::transaction_register,
    },
    Path {
        name: "transaction-invite",
        what: "INVITE server transaction: 180, 200, ACK, freed by Timer L",
        limit_ns: None,
        make: sip::transaction_invite,
    },
    Path {
        name: "sdp-offer",
        what: "offer parsed and written anew for the other leg",
        limit_ns: None,
        make: media::sdp_offer,
    },
    Path {
        name: "relay-packet",
        what: "RTP packet counted and given its destination, without the socket",
        limit_ns: None,
        make: media::relay_packet,
    },
    Path {
        name: "relay-turned",
        what: "the same where somebody else spoke before: its source and numbers are made to go on",
        limit_ns: None,
        make: media::relay_turned,
    },
    Path {
        name: "relay-protect",
        what: "the same to a leg with keys, AES_CM_128_HMAC_SHA1_80",
        limit_ns: None,
        make: media::relay_protect,
    },
    Path {
        name: "relay-srtp",
        what: "the same between legs with keys, protected by the phone, checked, and protected anew",
        limit_ns: None,
        make: media::relay_srtp,
    },
    Path {
        name: "rate-charge",
        what: "a number found among 100,000 rows of a price list, and what its call came to",
        limit_ns: Some(1000.0),
        make: toll::charge,
    },
    Path {
        name: "toll-ask",
        what: "limits asked about an outgoing call, 1,000 users active, 500 calls up; it is given up again",
        limit_ns: Some(2000.0),
        make: toll::ask,
    },
    Path {
        name: "toll-call",
        what: "the same call answered, granted more, and ended and charged",
        limit_ns: None,
        make: toll::call,
    },
    Path {
        name: "link-command",
        what: "a command to the media plane and a report back, each numbered, kept, heard and acknowledged",
        limit_ns: None,
        make: media::link_command,
    },
    Path {
        name: "transcode-opus-pcmu",
        what: "20 ms of a call between Opus and PCMU, both ways: two packets in, two out",
        limit_ns: None,
        make: transcode::opus_pcmu,
    },
    Path {
        name: "transcode-g722-pcmu",
        what: "20 ms of a call between G.722 and PCMU, both ways: two packets in, two out",
        limit_ns: None,
        make: transcode::g722_pcmu,
    },
    Path {
        name: "jitter-packet",
        what: "RTP packet into the jitter buffer, and a piece out",
        limit_ns: None,
        make: media::jitter_packet,
    },
    Path {
        name: "g711-encode",
        what: "20 ms to A-law",
        limit_ns: None,
        make: audio::g711_encode,
    },
    Path {
        name: "g711-decode",
        what: "20 ms from A-law",
        limit_ns: None,
        make: audio::g711_decode,
    },
    Path {
        name: "g722-encode",
        what: "20 ms to G.722",
        limit_ns: None,
        make: audio::g722_encode,
    },
    Path {
        name: "g722-decode",
        what: "20 ms from G.722",
        limit_ns: None,
        make: audio::g722_decode,
    },
    Path {
        name: "opus-encode-8",
        what: "20 ms at 8 kHz to Opus, complexity 5",
        limit_ns: None,
        make: audio::opus_encode_8,
    },
    Path {
        name: "opus-encode-48",
        what: "20 ms at 48 kHz to Opus, complexity 5",
        limit_ns: None,
        make: audio::opus_encode_48,
    },
    Path {
        name: "opus-decode-8",
        what: "20 ms from Opus at 8 kHz",
        limit_ns: None,
        make: audio::opus_decode_8,
    },
    Path {
        name: "opus-decode-48",
        what: "20 ms from Opus at 48 kHz",
        limit_ns: None,
        make: audio::opus_decode_48,
    },
    Path {
        name: "record-talk",
        what: "20 ms of a call of which one party speaks into an Ogg-Opus recording, each on a lane",
        limit_ns: None,
        make: audio::record_talk,
    },
    Path {
        name: "record-both",
        what: "the same while both speak",
        limit_ns: None,
        make: audio::record_both,
    },
    Path {
        name: "record-pause",
        what: "the same while nobody speaks",
        limit_ns: None,
        make: audio::record_pause,
    },
    Path {
        name: "conceal",
        what: "20 ms at 8 kHz received, 20 ms lost: pitch found and repeated",
        limit_ns: None,
        make: audio::conceal,
    },
    Path {
        name: "dtmf",
        what: "20 ms at 8 kHz listened to for digits",
        limit_ns: None,
        make: audio::dtmf,
    },
    Path {
        name: "voice",
        what: "20 ms at 8 kHz: level, and does somebody speak",
        limit_ns: None,
        make: audio::voice,
    },
    Path {
        name: "tone",
        what: "20 ms of dial tone, two sines",
        limit_ns: None,
        make: audio::tone,
    },
    Path {
        name: "resample-8-48",
        what: "20 ms from 8 to 48 kHz",
        limit_ns: None,
        make: audio::resample_8_48,
    },
    Path {
        name: "resample-48-8",
        what: "20 ms from 48 to 8 kHz",
        limit_ns: None,
        make: audio::resample_48_8,
    },
    Path {
        name: "resample-16-8",
        what: "20 ms from 16 to 8 kHz",
        limit_ns: None,
        make: audio::resample_16_8,
    },
    Path {
        name: "mix-100",
        what: "20 ms of a conference of 100, four of six speakers heard; no codec",
        limit_ns: None,
        make: audio::mix_100,
    },
    Path {
        name: "room-100-pcmu",
        what: "20 ms of a conference of 100 on G.711 through the relay, 100 packets in and out: two participant-seconds",
        limit_ns: None,
        make: room::pcmu,
    },
    Path {
        name: "room-100-opus",
        what: "the same on Opus, all sending, six speaking",
        limit_ns: None,
        make: room::opus,
    },
    Path {
        name: "room-100-mixed",
        what: "the same, a third each on G.711, G.722 and Opus",
        limit_ns: None,
        make: room::mixed,
    },
    Path {
        name: "srtp-cm-protect",
        what: "RTP packet of 172 octets, AES_CM_128_HMAC_SHA1_80: encrypted and signed",
        limit_ns: Some(830.0),
        make: srtp::cm_protect,
    },
    Path {
        name: "srtp-cm-round",
        what: "the same, then checked and decrypted",
        limit_ns: None,
        make: srtp::cm_round,
    },
    Path {
        name: "srtp-gcm-protect",
        what: "RTP packet of 172 octets, AEAD_AES_128_GCM: encrypted and signed",
        limit_ns: Some(240.0),
        make: srtp::gcm_protect,
    },
    Path {
        name: "srtp-gcm-round",
        what: "the same, then checked and decrypted",
        limit_ns: None,
        make: srtp::gcm_round,
    },
];

impl Path {
    fn operation(&self) -> Result<Operation> {
        (self.make)()
            .with_context(|| format!("the fixture of {} is refused by the code under test", self.name))
    }
}

/// Runs one path; what [`instructions`] starts under the counter.
pub(crate) fn run(name: &str, times: u32) -> Result<()> {
    let path = PATHS
        .iter()
        .find(|p| p.name == name)
        .with_context(|| format!("no hot path {name}"))?;
    let mut operation = path.operation()?;
    for _ in 0..times {
        operation();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fixture_is_accepted_and_runs() {
        for path in PATHS {
            run(path.name, 3).unwrap();
        }
    }
}
