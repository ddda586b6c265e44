//! Phones that speak and hear by real codecs, on both ends of a session, at a simulated time.

use crate::world::{CALLEE_RELAY, CALLER_RELAY, World, addr, ip};
use audio::g711::Law;
use audio::{g722, opus};
use media::Frame;
use model::{Codec, Leg, MediaCommand, MediaSessionId, Voice};
use rtp::Header;
use std::f64::consts::TAU;
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) const ID: MediaSessionId = MediaSessionId(1);
pub(crate) const CALLER: &str = "192.0.2.10:4000";
pub(crate) const CALLEE: &str = "203.0.113.20:6000";
pub(crate) const TICK: Duration = Duration::from_millis(20);

enum Coder {
    Law(Law),
    G722(Box<(g722::Encoder, g722::Decoder)>),
    Opus(Box<(opus::Encoder, opus::Decoder)>),
}

/// A phone that says a sine and keeps what it hears.
pub(crate) struct Phone {
    pub(crate) at: SocketAddr,
    pub(crate) relay: SocketAddr,
    pub(crate) voice: Voice,
    pub(crate) rate_hz: u32,
    coder: Coder,
    hz: f64,
    sample: u64,
    pub(crate) seq: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    pub(crate) heard: Vec<i16>,
    /// Headers of all that came.
    pub(crate) headers: Vec<Header>,
    /// Levels of comfort noise that came, by timestamp.
    pub(crate) noises: Vec<(u32, u8)>,
    /// Payloads of telephone events that came, by timestamp.
    pub(crate) events: Vec<(u32, rtp::event::Payload)>,
}

impl Phone {
    pub(crate) fn new(at: &str, voice: Voice, hz: f64) -> Phone {
        let rate_hz = match voice.codec {
            Codec::Opus => voice.opus.max_rate_hz.min(16_000),
            other => other.rate_hz(),
        };
        let coder = match voice.codec {
            Codec::Pcmu => Coder::Law(Law::Mu),
            Codec::Pcma => Coder::Law(Law::A),
            Codec::G722 => Coder::G722(Box::default()),
            Codec::Opus => {
                let encoder = opus::Encoder::new(opus::Settings::call(rate_hz)).unwrap();
                Coder::Opus(Box::new((encoder, opus::Decoder::new(rate_hz).unwrap())))
            }
        };
        Phone {
            at: addr(at),
            relay: addr("0.0.0.0:0"),
            voice,
            rate_hz,
            coder,
            hz,
            sample: 0,
            seq: 65_500,
            timestamp: u32::MAX - 10_000,
            ssrc: 0x1111,
            heard: Vec::new(),
            headers: Vec::new(),
            noises: Vec::new(),
            events: Vec::new(),
        }
    }

    /// The sine that it says.
    pub(crate) fn hz(&self) -> f64 {
        self.hz
    }

    /// What it says in 20 ms.
    pub(crate) fn sound(&mut self) -> Vec<i16> {
        let count = u64::from(self.rate_hz / 50);
        let samples = (self.sample..self.sample + count).map(|n| {
            let angle = TAU * self.hz * n as f64 / f64::from(self.rate_hz);
            (angle.sin() * 8000.0) as i16
        });
        let samples = samples.collect();
        self.sample += count;
        samples
    }

    pub(crate) fn packet(&mut self, pt: u8, payload: &[u8]) -> Vec<u8> {
        let mut octets = vec![0x80, pt];
        octets.extend(self.seq.to_be_bytes());
        octets.extend(self.timestamp.to_be_bytes());
        octets.extend(self.ssrc.to_be_bytes());
        octets.extend(payload);
        self.seq = self.seq.wrapping_add(1);
        octets
    }

    /// The next packet of its sine.
    pub(crate) fn speak(&mut self) -> Vec<u8> {
        let sound = self.sound();
        self.say(&sound)
    }

    /// The next packet, of this sound.
    pub(crate) fn say(&mut self, sound: &[i16]) -> Vec<u8> {
        let mut octets = vec![0; 1500];
        let count = match &mut self.coder {
            Coder::Law(law) => law.encode_frame(sound, &mut octets),
            Coder::G722(coder) => coder.0.encode(sound, &mut octets),
            Coder::Opus(coder) => coder.0.encode(sound, &mut octets).unwrap().unwrap_or(0),
        };
        let packet = self.packet(self.voice.pt, &octets[..count]);
        self.pass();
        packet
    }

    /// Lets 20 ms of its clock pass.
    pub(crate) fn pass(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(self.voice.codec.clock_hz() / 50);
    }

    pub(crate) fn hear(&mut self, packet: &[u8]) {
        let header = Header::parse(packet).unwrap();
        let payload = header.payload(packet);
        self.headers.push(header);
        if Some(header.pt) == self.voice.events {
            let payload = rtp::event::Payload::parse(payload).unwrap();
            self.events.push((header.timestamp, payload));
            return;
        }
        if Some(header.pt) == self.voice.noise {
            self.noises.push((header.timestamp, payload[0]));
            return;
        }
        assert_eq!(header.pt, self.voice.pt);
        let mut sound = vec![0; 48_000];
        let count = match &mut self.coder {
            Coder::Law(law) => law.decode_frame(payload, &mut sound),
            Coder::G722(coder) => coder.1.decode(payload, &mut sound),
            Coder::Opus(coder) => coder.1.decode(payload, &mut sound).unwrap(),
        };
        self.heard.extend(&sound[..count]);
    }

    /// How much of a sine is in the last part of what it heard, 0 to 1.
    pub(crate) fn share(&self, hz: f64, last_ms: u32) -> f64 {
        let count = usize::try_from(self.rate_hz / 1000 * last_ms).unwrap();
        let from = self.heard.len().saturating_sub(count);
        share(&self.heard[from..], hz, self.rate_hz)
    }
}

/// How much of a sine is in a sound, against all of it.
pub(crate) fn share(samples: &[i16], hz: f64, rate_hz: u32) -> f64 {
    let (mut re, mut im, mut all) = (0.0, 0.0, 1.0);
    for (at, sample) in samples.iter().enumerate() {
        let angle = TAU * hz * at as f64 / f64::from(rate_hz);
        let sample = f64::from(*sample);
        re += sample * angle.cos();
        im += sample * angle.sin();
        all += sample * sample;
    }
    2.0 * (re * re + im * im) / (samples.len() as f64 * all)
}

pub(crate) fn voice(codec: Codec) -> Voice {
    let pt = match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
        Codec::G722 => 9,
        Codec::Opus => 111,
    };
    Voice::new(pt, codec)
}

/// A call between two phones through one session.
pub(crate) struct Call {
    pub(crate) world: World,
    pub(crate) caller: Phone,
    pub(crate) callee: Phone,
}

impl Call {
    pub(crate) fn new(caller: Voice, callee: Voice) -> Call {
        let mut call = Call::open(caller, callee);
        call.describe(Leg::Caller);
        call.describe(Leg::Callee);
        call
    }

    /// One whose phones have not described themselves.
    pub(crate) fn open(caller: Voice, callee: Voice) -> Call {
        let mut world = World::new(10_000, 10_099);
        world.open(1, 60);
        let (caller_relay, callee_relay) = world.opened();
        assert_eq!(
            (caller_relay.ip(), callee_relay.ip()),
            (ip(CALLER_RELAY), ip(CALLEE_RELAY))
        );
        let mut call = Call {
            world,
            caller: Phone::new(CALLER, caller, 440.0),
            callee: Phone::new(CALLEE, callee, 1000.0),
        };
        call.caller.relay = caller_relay;
        call.callee.relay = callee_relay;
        call
    }

    pub(crate) fn describe(&mut self, leg: Leg) {
        let phone = match leg {
            Leg::Caller => &self.caller,
            Leg::Callee => &self.callee,
        };
        let command = MediaCommand::Remote {
            session: ID,
            leg,
            rtp: Some(phone.at),
            rtcp: None,
            signalling_ip: phone.at.ip(),
            srtp: None,
            web: None,
            voice: Some(Box::new(phone.voice.clone())),
        };
        self.world.command(command);
    }

    pub(crate) fn phone(&mut self, leg: Leg) -> &mut Phone {
        match leg {
            Leg::Caller => &mut self.caller,
            Leg::Callee => &mut self.callee,
        }
    }

    /// Carries a packet of a phone; what is relayed is heard.
    pub(crate) fn send(&mut self, leg: Leg, packet: &[u8]) {
        let phone = match leg {
            Leg::Caller => &self.caller,
            Leg::Callee => &self.callee,
        };
        let forward = self.world.carry(&phone.at.to_string(), phone.relay, packet);
        if let Some((forward, octets)) = forward {
            self.deliver(forward.to, &octets);
        }
        self.frames();
    }

    fn deliver(&mut self, to: SocketAddr, packet: &[u8]) {
        let phone = if to == self.caller.at {
            &mut self.caller
        } else {
            &mut self.callee
        };
        assert_eq!(phone.at, to);
        phone.hear(packet);
    }

    pub(crate) fn frames(&mut self) {
        let frames: Vec<Frame> = std::iter::from_fn(|| self.world.relay.poll_frame()).collect();
        let audio = |frame: &Frame| rtp::protocol(&frame.octets) == rtp::Protocol::Rtp;
        for frame in frames.into_iter().filter(audio) {
            self.deliver(frame.to, &frame.octets);
        }
    }

    /// Lets time pass, without anybody speaking.
    pub(crate) fn pass(&mut self, by: Duration) {
        self.world.advance(by);
        self.frames();
    }

    /// Both speak for so many ticks.
    pub(crate) fn talk(&mut self, ticks: u32) {
        for _ in 0..ticks {
            for leg in [Leg::Caller, Leg::Callee] {
                let packet = self.phone(leg).speak();
                self.send(leg, &packet);
            }
            self.pass(TICK);
        }
    }
}
