//! The way between sessions and the media plane, where it may lose, delay, repeat and reorder what it carries.
//!
//! Owns: numbers, acknowledgement and repetition of commands and reports, and the audits by which either side learns that the
//! other has lost a session. Does not own: what is said (`model`), and the way itself (the shell's).
//!
//! # Contract
//!
//! - [`Control`] is the end of those who have calls, [`Plane`] that of the media plane. Each hands frames to the shell, which
//!   carries them to the other end, as often and as late as it can, or not at all.
//! - For each session every command arrives once and in order, and so does every report, for as long as both ends live and some
//!   frames get through. Sessions don't wait for each other.
//! - What can't be had any more is told: [`model::MediaReport::Lost`] for a session that the media plane does not know or that
//!   nobody answers for, `Close` for one that no call owns. Neither takes longer than [`EXPIRY`] by much.
//! - An end that begins anew is known by its number: the *epoch* of a tenant's owner, which rises from owner to owner, and the
//!   *life* of a media plane. Frames of an owner that has been succeeded are refused. Late frames of a past life may open a
//!   session again; the first question about it ends it.
//! - A session lives from its first command to `Closed` or `Refused`. Its name may come again, also before that: then it is
//!   another session, of a higher *turn*, and nothing is said of the one before any more.
//! - Time is a monotonic `Duration`. After each call drain the `poll_*` of the end; [`Control::poll_timeout`] and
//!   [`Plane::poll_timeout`] say when `handle_timeout` is due.
#![forbid(unsafe_code)]

mod control;
mod frame;
mod plane;
mod side;
mod stream;

pub use control::Control;
pub use frame::{Body, CommandFrame, Frame, ReportFrame};
pub use plane::Plane;
pub use stream::EXPIRY;
