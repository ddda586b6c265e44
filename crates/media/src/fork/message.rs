//! Messages of Twilio's Media Streams (twilio.com/docs/voice/media-streams/websocket-messages): JSON, sound as µ-law in base64.
//! Marks and clears are the same beside plain samples.
//!
//! Owns: their shape. Does not own: what is sent when.

use super::base64;
use audio::g711::Law;
use model::{ForkId, ForkPlan, ForkSide};
use serde_json::{Value, json};

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// µ-law at 8 kHz.
    Sound(Vec<u8>),
    /// Tell when everything before it has been heard.
    Mark(String),
    /// Forget what has not been heard.
    Clear,
    /// Something else, which does no harm.
    Other,
}

/// Longest name of a mark, octets.
const LONGEST_NAME: usize = 256;

pub(super) fn read(text: &[u8]) -> Option<Incoming> {
    let value: Value = serde_json::from_slice(text).ok()?;
    let field = |path: &str| value.pointer(path).and_then(Value::as_str);
    Some(match field("/event")? {
        "media" => {
            let octets = field("/media/payload").and_then(base64::decode)?;
            Incoming::Sound(octets)
        }
        "mark" => {
            let name = field("/mark/name").filter(|name| name.len() <= LONGEST_NAME)?;
            Incoming::Mark(name.to_owned())
        }
        "clear" => Incoming::Clear,
        _ => Incoming::Other,
    })
}

pub(super) fn linear(octets: &[u8]) -> Vec<i16> {
    octets.iter().map(|octet| Law::Mu.decode(*octet)).collect()
}

/// Writes the messages of one stream, which are counted.
#[derive(Debug)]
pub(super) struct Stream {
    sid: String,
    call: String,
    sequence: u64,
}

impl Stream {
    pub(super) fn new(id: ForkId, plan: &ForkPlan) -> Stream {
        Stream {
            sid: format!("MZ{:016x}{:016x}", id.tenant.0, id.number),
            call: format!("CA{:016x}{:016x}", id.tenant.0, plan.call.0),
            sequence: 0,
        }
    }

    pub(super) fn connected() -> String {
        json!({"event": "connected", "protocol": "Call", "version": "1.0.0"}).to_string()
    }

    pub(super) fn start(&mut self, side: ForkSide) -> String {
        let tracks = match side {
            ForkSide::Caller | ForkSide::Mixed => json!(["inbound"]),
            ForkSide::Callee => json!(["outbound"]),
            ForkSide::Both => json!(["inbound", "outbound"]),
        };
        let start = json!({
            "streamSid": self.sid,
            "callSid": self.call,
            "tracks": tracks,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {},
        });
        self.counted("start", start)
    }

    pub(super) fn media(&mut self, track: &str, chunk: u64, ms: u64, samples: &[i16]) -> String {
        let octets: Vec<u8> = samples.iter().map(|sample| Law::Mu.encode(*sample)).collect();
        let media = json!({
            "track": track,
            "chunk": chunk.to_string(),
            "timestamp": ms.to_string(),
            "payload": base64::encode(&octets),
        });
        self.counted("media", media)
    }

    pub(super) fn dtmf(&mut self, track: &str, key: char) -> String {
        let digit = json!({"track": format!("{track}_track"), "digit": key.to_string()});
        self.counted("dtmf", digit)
    }

    pub(super) fn mark(&mut self, name: &str) -> String {
        self.counted("mark", json!({"name": name}))
    }

    pub(super) fn stop(&mut self) -> String {
        let call = self.call.clone();
        self.counted("stop", json!({"callSid": call}))
    }

    fn counted(&mut self, event: &str, body: Value) -> String {
        self.sequence = self.sequence.saturating_add(1);
        json!({
            "event": event,
            "sequenceNumber": self.sequence.to_string(),
            "streamSid": self.sid,
            event: body,
        })
        .to_string()
    }
}
