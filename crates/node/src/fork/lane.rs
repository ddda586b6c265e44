//! What waits to be sent on one fork: bounded in time, oldest sound first to go.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Sound that may wait, milliseconds: what comes later than this is of no use to anybody who listens along.
const MOST_MS: u64 = 2_000;
/// Messages without sound that may wait.
const MOST_WORDS: usize = 1_000;

/// A message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) is_text: bool,
    pub(super) octets: Vec<u8>,
    /// Sound in it, milliseconds.
    pub(super) ms: u32,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<Message>,
    ms: u64,
    words: usize,
    lost_ms: u64,
    is_closing: bool,
}

/// The queue between a media worker, which never waits, and the thread of the connection.
#[derive(Debug, Default)]
pub(crate) struct Lane(Mutex<Waiting>);

impl Lane {
    /// Adds a message; gives how much sound is left out for it, milliseconds.
    pub(super) fn push(&self, message: Message) -> u64 {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if message.ms == 0 && waiting.words >= MOST_WORDS {
            return 0;
        }
        waiting.words += usize::from(message.ms == 0);
        waiting.ms += u64::from(message.ms);
        waiting.messages.push_back(message);
        let mut lost = 0;
        while waiting.ms > MOST_MS {
            let oldest = waiting.messages.iter().position(|message| message.ms > 0);
            let Some(gone) = oldest.and_then(|at| waiting.messages.remove(at)) else {
                break;
            };
            waiting.ms -= u64::from(gone.ms);
            lost += u64::from(gone.ms);
        }
        waiting.lost_ms += lost;
        lost
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_closing = true;
    }

    /// The next message, and whether there will be none any more.
    pub(super) fn pop(&self) -> (Option<Message>, bool) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let message = waiting.messages.pop_front();
        if let Some(message) = &message {
            waiting.ms -= u64::from(message.ms);
            waiting.words -= usize::from(message.ms == 0);
        }
        let is_over = message.is_none() && waiting.is_closing;
        (message, is_over)
    }

    /// Sound that was left out so far, milliseconds.
    pub(super) fn lost_ms(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lost_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(n: u8) -> Message {
        Message {
            is_text: false,
            octets: vec![n],
            ms: 20,
        }
    }

    #[test]
    fn the_oldest_sound_goes_and_words_stay() {
        let lane = Lane::default();
        lane.push(Message {
            is_text: true,
            octets: b"start".to_vec(),
            ms: 0,
        });
        let lost: u64 = (0..150).map(|n| lane.push(sound(n))).sum();
        assert_eq!((lost, lane.lost_ms()), (1_000, 1_000));
        assert_eq!(lane.pop().0.unwrap().octets, b"start");
        assert_eq!(lane.pop().0.unwrap().octets, [50]);
        lane.close();
        let mut rest = 0;
        while lane.pop().0.is_some() {
            rest += 1;
        }
        assert_eq!((rest, lane.pop()), (99, (None, true)));
    }
}
