//! Media sessions: a relay that forwards RTP and RTCP between the two legs of a call, and an engine for those whose sound has
//! to be heard, made or changed.
//!
//! Owns: port pairs, which source a leg is believed to send from, where packets go, protection by SRTP, statistics,
//! silence; ICE, and what DTLS means for a leg; what a session's legs say and hear as samples. Does not own: sockets, clocks,
//! threads, randomness, descriptions, how keys are told in them, DTLS itself ([`DtlsSource`] lends it), codecs, and where sounds
//! are kept.
//!
//! # Contract with the shell
//!
//! - Time is a monotonic `Duration` that never goes back. Every `handle_*` takes it.
//! - After each call, drain [`Relay::poll_effect`] until it is empty. The answer of `handle_packet` is at most one packet to
//!   send on; a packet of a digit, and what ICE or DTLS come to, may make a report besides.
//! - [`Effect::Bind`] asks for two sockets, RTP on `rtp_port` and RTCP on the port above, on the address that stands for
//!   `ip` (the same, or the private one behind a one-to-one NAT). The shell answers each with exactly one
//!   [`Relay::bound`], at once or later. After `ok` the sockets stay open for the life of the relay: a pair is used
//!   again and again without a system call, and read all the time, because what arrives in between is dropped here.
//! - A packet is given in its buffer, with [`ROOM`] behind it for what SRTP adds. A [`Forward`] says how many octets of that
//!   buffer which socket sends where. Between two legs without keys they are the same octets.
//! - After each call, drain [`Relay::poll_frame`]: packets of our own, also what ICE and DTLS say.
//! - [`Effect::Load`] asks for a sound; the shell answers it with [`Relay::loaded`], at once or later. What has not come after
//!   two seconds is left out of its program.
//! - [`Effect::Room`] carries what is said in a room to other relays of the node, whose clock is the same; they take it by
//!   [`Relay::room_frame`]. What comes late or not at all is not heard, and nothing waits for it.
//! - [`Relay::poll_timeout`] says when [`Relay::handle_timeout`] must be called next; earlier does no harm.
//!
//! # Contract with the session
//!
//! - Each `Open` gets exactly one `Opened` or `Refused`; each `Close` exactly one `Closed`, with zeros when the session is
//!   unknown. A repeated `Open` gets the same ports again. An `Open` that is closed before its ports were ready gets
//!   `Refused`, then `Closed`. `Remote` and `Watch` of an unknown session are ignored, repeated ones change nothing.
//! - `Serve` is to a session with one leg what `Open` is to one with two, and is answered by `Serving`. An echo goes to the one
//!   source that the leg is locked on, a tone also to the described address, for two seconds unless something comes
//!   from there. `Played` comes once for a program with an end.
//! - A session whose `Open` was refused no longer exists.
//! - `Join` takes a session into a room, at once; where there is no place it is answered by `Unseated`, and the session is in
//!   no room. A session that is closed has left its room. `Speaks` comes at most five times a second from a room.
//! - `Silent` comes at most once between two changes by `Watch`.
//! - `Diagnosed` comes two and a half seconds after audio of some leg is due and does not arrive, and whenever what is wrong
//!   changes, at most once a second. Audio is due by `Watch`, at the end of hold, and at a new address.
//! - In [`model::LegQuality`] `stray` counts everything dropped on the leg's ports while it had them: other sources, and what is neither RTP
//!   nor RTCP. `unrouted` counts RTP received from this leg that found no address on the other.
//!
//! # What is done with sound
//!
//! A call whose legs have the same codec, or whose codecs are not known here, is relayed packet by packet. As soon as samples
//! are needed (codecs that differ, programs, digits dialled, something listened for, recordings, rooms), the session is
//! active: its packets end in jitter buffers, and all active sessions tick together, every 20 ms. See `engine`. What leaves
//! is then a stream of our own, whose source and numbers go on for the life of the session, however often it was relayed in
//! between. A leg whose codec is not known goes on being relayed as it is, unless the other one is played to.
//!
//! Digits are reported once each, when the key is up, also of calls that are relayed.
//!
//! # Whom a leg believes
//!
//! A stream is believed when it comes from the address of the leg's description; that locks at once. Failing that, from the
//! same host or from the host that the leg's signalling came from, whatever the port (NAT): such packets are taken from
//! the first, and the fifth locks. Nobody else is ever believed, so a stranger who sprays every port hears nothing. Once
//! locked, only that source is, until the description's address changes. RTCP must come from the locked host.
//!
//! Packets of a leg with keys have to authenticate besides, before any of this counts. What does not is counted as `refused`
//! and changes nothing. A leg that speaks DTLS-SRTP hears and says nothing before there are keys, and with ICE it is believed
//! only from addresses that that has proven to be its own (`secure`). Each leg has contexts of its own: packets are opened and
//! protected anew, RTCP too.
#![forbid(unsafe_code)]

pub mod diagnose;
mod effect;
pub mod emodel;
mod engine;
mod feedback;
mod fork;
mod latch;
mod leg;
mod ports;
mod protect;
mod quality;
mod record;
mod relay;
mod room;
mod secure;
mod session;
mod splice;
mod tick;

pub use effect::{Effect, ForkAsk, RoomFrame, Spool};
pub use ports::{PairId, PortRange};
pub use protect::ROOM;
pub use record::{Mended, OggMender, mend_wav, samples};
pub use relay::{Forward, Frame, Relay, RelayCounts};
pub use secure::{Dtls, DtlsOutput, DtlsRole, DtlsSource, MOST_HANDSHAKES};
