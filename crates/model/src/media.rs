//! What crosses between a session and the media plane. Every value is serialisable: today it crosses a
//! channel, later a wire. `link` sees to it that each arrives once and in order, whatever the way does.

use crate::{
    AudioFault, AudioTrouble, Fork, ForkEnd, ForkId, Leg, LegQuality, MediaSessionId, Over, Program,
    Recording, RecordingEnd, RecordingId, RoomId, Seats, Signal, Signals, SrtpKeys, SrtpSuite, StreamKind,
    Voice, WebTransport,
};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// From a session to the media plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MediaCommand {
    /// Reserve an RTP/RTCP port pair per leg. Answered by `Opened` or `Refused`.
    Open {
        /// The session.
        session: MediaSessionId,
        /// Address facing the caller.
        caller_ip: IpAddr,
        /// Address facing the callee.
        callee_ip: IpAddr,
        /// Seconds without a packet from either side, after `Watch`, until `Silent` is reported; 0 = never.
        silence_s: u32,
        /// Somebody calls for help: the pairs that are kept back for that may be taken as well.
        urgent: bool,
    },
    /// Reserve a port pair per leg for a stream beside the audio of a call: its packets are passed on and nothing else.
    /// Answered as `Open` is.
    OpenStream {
        /// The session.
        session: MediaSessionId,
        /// What it carries; not audio.
        stream: StreamKind,
        /// Address facing the caller.
        caller_ip: IpAddr,
        /// Address facing the callee.
        callee_ip: IpAddr,
        /// As in `Open`.
        silence_s: u32,
    },
    /// Reserve a port pair per leg, these if they can be had: phones know them from before the process died. Answered as
    /// `Open` is.
    Reopen {
        /// The session.
        session: MediaSessionId,
        /// RTP address that faced the caller.
        caller: SocketAddr,
        /// RTP address that faced the callee.
        callee: SocketAddr,
        /// As in `Open`.
        silence_s: u32,
    },
    /// Where a leg expects packets, from its latest description. Restarts latching when the address changed.
    Remote {
        /// The session.
        session: MediaSessionId,
        /// Whose description it was.
        leg: Leg,
        /// RTP address of the description; `None` while on hold with no address (port 0 or 0.0.0.0).
        rtp: Option<SocketAddr>,
        /// RTCP address: `a=rtcp`, else RTP port + 1; same as `rtp` with `rtcp-mux`.
        rtcp: Option<SocketAddr>,
        /// Address that the leg's signalling came from: a phone behind NAT may send from it. Unspecified: the other end is another
        /// call of this server, and its packets come from where they are described alone.
        signalling_ip: IpAddr,
        /// How the leg's packets are protected; `None` = not at all, or, without an RTP address, as before. The same keys as
        /// before go on with their counters.
        srtp: Option<Box<SrtpKeys>>,
        /// How the leg's sound is written. `None` = not known here: what one leg sends goes to the other as it is, and
        /// nothing of ours is heard. Legs that differ are transcoded.
        voice: Option<Box<Voice>>,
        /// The leg speaks DTLS-SRTP: keys come from there, and addresses from ICE where it speaks that, not from here. The same as
        /// before changes nothing, other credentials restart ICE, other fingerprints also DTLS.
        web: Option<Box<WebTransport>>,
    },
    /// The call was answered: the silence timer runs from now. `hold` = true pauses it.
    Watch {
        /// The session.
        session: MediaSessionId,
        /// One side holds the other; silence is expected.
        hold: bool,
        /// Caller and callee: it says that it sends nothing, so nothing is due from it.
        quiet: [bool; 2],
    },
    /// Reserve an RTP/RTCP port pair for the one leg, the caller's, of a session that the server answers itself. Answered by
    /// `Serving` or `Refused`.
    Serve {
        /// The session.
        session: MediaSessionId,
        /// Address facing the leg.
        ip: IpAddr,
        /// As in `Open`.
        silence_s: u32,
        /// Synchronisation source of what is sent; random, and the beginning of its numbers as well.
        ssrc: u32,
    },
    /// What a leg hears of us from now on. A repeated command begins the program anew.
    Play {
        /// The session.
        session: MediaSessionId,
        /// Who hears it.
        leg: Leg,
        /// Which program of the leg this is; its `Played` says so.
        id: u32,
        /// `None` = the other leg or the room alone, if there is one.
        program: Option<Program>,
        /// Whether the other leg, or the room, is heard as well.
        over: Over,
    },
    /// Sends digits to a leg, as telephone events where it knows them, else as tones.
    Dial {
        /// The session.
        session: MediaSessionId,
        /// Who gets them.
        leg: Leg,
        /// `0`–`9`, `*`, `#`, `A`–`D`; at most 64.
        digits: Box<str>,
    },
    /// What is listened for in what a leg says.
    Listen {
        /// The session.
        session: MediaSessionId,
        /// Whose sound.
        leg: Leg,
        /// What.
        signals: Signals,
    },
    /// What a leg says is nobody's business for a while: recordings, forks and rooms hear neither leg, recordings say so by
    /// marks, and the other leg hears no digits. They are reported to the session alone.
    Mask {
        /// The session.
        session: MediaSessionId,
        /// Whose digits.
        leg: Leg,
        /// From now on, or no longer.
        on: bool,
    },
    /// Begins, pauses, marks or ends a recording. A session may have several.
    Record {
        /// The session.
        session: MediaSessionId,
        /// Which. A repeated `Start` of one that runs changes nothing, nor does anything else about one that there is not.
        recording: RecordingId,
        /// What is done.
        act: Recording,
    },
    /// Begins or ends sending the sound of a session to a WebSocket, and hearing what comes back. A session may have several.
    Fork {
        /// The session.
        session: MediaSessionId,
        /// Which. A repeated `Start` of one that runs changes nothing, nor does anything else about one that there is not.
        fork: ForkId,
        /// What is done.
        act: Fork,
    },
    /// Takes the legs of a session into a room, out of it, or changes their part in it. Answered by `Unseated` when there is no
    /// place.
    Join {
        /// The session.
        session: MediaSessionId,
        /// `None` = no room.
        seats: Option<Seats>,
    },
    /// Give the ports back. Answered by `Closed`.
    Close {
        /// The session.
        session: MediaSessionId,
    },
}

impl MediaCommand {
    /// The session that the command is for.
    #[must_use]
    pub fn session(&self) -> MediaSessionId {
        match self {
            MediaCommand::Open { session, .. }
            | MediaCommand::OpenStream { session, .. }
            | MediaCommand::Reopen { session, .. }
            | MediaCommand::Remote { session, .. }
            | MediaCommand::Watch { session, .. }
            | MediaCommand::Serve { session, .. }
            | MediaCommand::Play { session, .. }
            | MediaCommand::Dial { session, .. }
            | MediaCommand::Listen { session, .. }
            | MediaCommand::Mask { session, .. }
            | MediaCommand::Record { session, .. }
            | MediaCommand::Fork { session, .. }
            | MediaCommand::Join { session, .. }
            | MediaCommand::Close { session } => *session,
        }
    }

    /// True for those that a session begins with.
    #[must_use]
    pub fn opens(&self) -> bool {
        matches!(
            self,
            MediaCommand::Open { .. }
                | MediaCommand::OpenStream { .. }
                | MediaCommand::Reopen { .. }
                | MediaCommand::Serve { .. }
        )
    }
}

/// From the media plane to a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MediaReport {
    /// Ports are ready. The RTCP port is the RTP port + 1.
    Opened {
        /// The session.
        session: MediaSessionId,
        /// RTP address facing the caller, as it should appear in SDP.
        caller: SocketAddr,
        /// RTP address facing the callee, as it should appear in SDP.
        callee: SocketAddr,
    },
    /// The ports of a session with one leg are ready.
    Serving {
        /// The session.
        session: MediaSessionId,
        /// RTP address facing the leg, as it should appear in SDP.
        address: SocketAddr,
    },
    /// A program has been played to its end.
    Played {
        /// The session.
        session: MediaSessionId,
        /// Who heard it.
        leg: Leg,
        /// Which program, as `Play` named it: one that was on its way when another began says nothing of that.
        id: u32,
        /// Sounds that could not be had.
        missing: u32,
    },
    /// A leg has sent a digit, as telephone event or, where that is listened for, as tones.
    Digit {
        /// The session.
        session: MediaSessionId,
        /// Who sent it.
        leg: Leg,
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        key: char,
        /// How long it was pressed, milliseconds.
        ms: u32,
    },
    /// Something was heard that is listened for.
    Heard {
        /// The session.
        session: MediaSessionId,
        /// Whose sound.
        leg: Leg,
        /// What.
        signal: Signal,
    },
    /// A recording has ended.
    Recorded {
        /// The session.
        session: MediaSessionId,
        /// Which.
        recording: RecordingId,
        /// Its length, milliseconds; 0 = there is none.
        ms: u64,
        /// Its size.
        octets: u64,
        /// Why it ended.
        end: RecordingEnd,
    },
    /// A fork has ended, or could not begin.
    Forked {
        /// The session.
        session: MediaSessionId,
        /// Which.
        fork: ForkId,
        /// Why.
        end: ForkEnd,
        /// Sound that was sent, milliseconds.
        sent_ms: u64,
        /// Sound that was left out because the other side did not read fast enough, milliseconds.
        lost_ms: u64,
    },
    /// The room that the session was to join has no place for it; it is in none.
    Unseated {
        /// The session.
        session: MediaSessionId,
        /// Which room.
        room: RoomId,
    },
    /// A session has become the loudest of its room; with members on several media workers, of those on its own.
    Speaks {
        /// The session.
        session: MediaSessionId,
        /// Which room.
        room: RoomId,
    },
    /// No port pair is free, or none could be bound.
    Refused {
        /// The session.
        session: MediaSessionId,
    },
    /// A leg that speaks DTLS-SRTP has its keys now.
    Secured {
        /// The session.
        session: MediaSessionId,
        /// The leg.
        leg: Leg,
        /// What was agreed on.
        suite: SrtpSuite,
    },
    /// A leg that speaks DTLS-SRTP gets no audio. At most once for what one `Remote` said.
    Unsecured {
        /// The session.
        session: MediaSessionId,
        /// The leg.
        leg: Leg,
        /// Why.
        why: Insecurity,
    },
    /// No packet from either side for the configured time.
    Silent {
        /// The session.
        session: MediaSessionId,
    },
    /// Two and a half seconds after `Watch` audio of some side does not arrive, or why, or that it does now. Comes when that
    /// changes.
    Diagnosed {
        /// The session.
        session: MediaSessionId,
        /// What is wrong now, one for a leg at most; empty = nothing any more.
        troubles: Vec<AudioTrouble>,
    },
    /// The media plane does not know the session any more, or can't be reached. There is nothing to close.
    Lost {
        /// The session.
        session: MediaSessionId,
    },
    /// Ports are free again. Also the answer to `Close` of an unknown session (zero counts).
    Closed {
        /// The session.
        session: MediaSessionId,
        /// Received from the caller.
        caller: Box<LegQuality>,
        /// Received from the callee.
        callee: Box<LegQuality>,
    },
}

impl MediaReport {
    /// The session that the report is about.
    #[must_use]
    pub fn session(&self) -> MediaSessionId {
        match self {
            MediaReport::Opened { session, .. }
            | MediaReport::Serving { session, .. }
            | MediaReport::Played { session, .. }
            | MediaReport::Digit { session, .. }
            | MediaReport::Heard { session, .. }
            | MediaReport::Recorded { session, .. }
            | MediaReport::Forked { session, .. }
            | MediaReport::Unseated { session, .. }
            | MediaReport::Speaks { session, .. }
            | MediaReport::Refused { session }
            | MediaReport::Silent { session }
            | MediaReport::Lost { session }
            | MediaReport::Secured { session, .. }
            | MediaReport::Unsecured { session, .. }
            | MediaReport::Diagnosed { session, .. }
            | MediaReport::Closed { session, .. } => *session,
        }
    }
}

/// Why a leg with DTLS-SRTP has no audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Insecurity {
    /// No way to it has been found.
    NoPath,
    /// It does not answer any more (RFC 7675).
    ConsentLost,
    /// Its certificate is not the one that its description named.
    Fingerprint,
    /// The handshake failed again and again, or has led to nothing for a long time.
    Handshake,
}

impl Insecurity {
    /// A few words for a record or a log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Insecurity::NoPath => "no path by ICE",
            Insecurity::ConsentLost => "consent lost",
            Insecurity::Fingerprint => "wrong fingerprint",
            Insecurity::Handshake => "DTLS handshake failed",
        }
    }

    /// What it means for the leg's audio.
    #[must_use]
    pub fn fault(self) -> AudioFault {
        match self {
            Insecurity::NoPath | Insecurity::ConsentLost => AudioFault::NoPath,
            Insecurity::Fingerprint => AudioFault::WrongFingerprint,
            Insecurity::Handshake => AudioFault::NoKeys,
        }
    }
}
