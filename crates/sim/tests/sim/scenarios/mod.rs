//! Hand-made scenarios: a few phones, what each does, and the ladder of SIP messages that must follow.
//!
//! A line of a ladder is `milliseconds  sender -> receiver  message`; `-x` marks a message that the network lost. After
//! the message come what decides: `+credentials`, `?algorithm` of a challenge, `[Reason]`, and the description as
//! `{address payload-types direction}`. The last lines are the call records.

mod arrived;
mod audio;
mod auth;
mod beside;
mod bindings;
mod browser;
mod by_hand;
mod calls;
mod cancelled;
mod codes;
mod conferences;
mod consulted;
mod delayed;
mod early;
mod early_dialogs;
mod edge;
mod ended;
mod events;
mod flows;
mod follows;
mod follows_caller;
mod forks;
mod forward_races;
mod forwarded;
mod gruu;
mod headers;
mod held;
mod in_band;
mod large;
mod large_rules;
mod lost;
mod menus;
mod odd;
mod offers;
mod outside;
mod own_sounds;
mod parted;
mod pins;
mod protected;
mod push;
mod recorded;
mod redirected;
mod referred;
mod referred_abuse;
mod referred_limits;
mod refused;
mod registrar;
mod relay;
mod reliable;
mod renegotiated;
mod restored;
mod rough;
mod scene;
mod screened;
mod secret;
mod served;
mod served_others;
mod services;
mod session_follows;
mod sessions;
mod settled;
mod taken;
mod taken_over;
mod theatre;
mod transcoded;
mod transferred;
mod trunks;
mod trunks_odd;
mod web;
mod within;

use by_hand::Hand;
use scene::{Scene, acme};
