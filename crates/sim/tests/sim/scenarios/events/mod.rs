//! Events: who watches what, and hears what, when.

mod abuse;
mod keys;
mod lamps;
mod lists;
mod mailbox;
mod presence;
mod rules;
mod texts;

use super::{Hand, Scene};
