//! What a phone can do beyond plain calls, each switched on by itself.

use super::Phone;
use sip::Message;

/// Extensions and habits of a phone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Calls without an offer: whom it calls is to make one (RFC 3261 §13.2.1).
    pub offerless: bool,
    /// Knows reliable provisional responses (RFC 3262).
    pub reliable: bool,
    /// Takes no others.
    pub demanding: bool,
    /// Knows INFO (RFC 6086).
    pub info: bool,
    /// Knows UPDATE (RFC 3311).
    pub update: bool,
    /// Does not say what it knows, as phones that write no Allow into their answers.
    pub reticent: bool,
    /// The session interval that it asks for and grants at most, seconds; 0: knows nothing of session timers.
    pub timer: u32,
    /// The shortest interval that it grants.
    pub min_se: u32,
    /// Refreshes the session itself where it may choose (RFC 4028 §9).
    pub refreshes: bool,
    /// Is to refresh sessions and forgets it.
    pub forgetful: bool,
}

impl Abilities {
    /// The value of Allow; `None` for a phone that doesn't say.
    pub(super) fn allow(&self) -> Option<String> {
        if self.reticent {
            return None;
        }
        let more = [
            (self.update, ", UPDATE"),
            (self.reliable, ", PRACK"),
            (self.info, ", INFO"),
        ];
        let more: String = more
            .iter()
            .filter(|(can, _)| *can)
            .map(|(_, method)| *method)
            .collect();
        (!more.is_empty()).then(|| format!("INVITE, ACK, BYE, CANCEL{more}"))
    }
}

impl Phone {
    /// Answers the offer in a 2xx; the answer goes in the ACK.
    pub(super) fn answer_offer(&mut self, message: &Message<'_>) {
        let Some(offer) = super::keys::said(message) else {
            return;
        };
        let Some(media) = offer.audio(&[]) else { return };
        let codecs: Vec<u8> = media.formats.iter().map(|codec| codec.pt).collect();
        let direction = mirrored(media.direction.as_str());
        let Some(answer) = self.answer_to(&codecs, direction) else {
            return;
        };
        let call_id = message.call_id().unwrap_or("");
        let seq = message.cseq().map_or(0, |cseq| cseq.seq);
        if let Some(dialog) = self.dialogs.values_mut().find(|d| d.call_id == call_id) {
            dialog.answered = Some((seq, answer));
        }
    }

    /// The description in the 2xx to this INVITE: an answer, or an offer when it had none.
    pub(super) fn description_for(&mut self, invite: &[u8], codecs: &[u8]) -> Option<String> {
        let invite = Message::parse(invite).ok();
        if invite.as_ref().is_some_and(|invite| invite.body().is_empty()) {
            return Some(self.description("sendrecv"));
        }
        if let Some(invite) = &invite {
            // Another call may have come in since.
            self.hear_keys(invite);
        }
        self.answer_to(codecs, "sendrecv")
    }
}

/// The direction that answers another.
pub(super) fn mirrored(wish: &str) -> &'static str {
    match wish {
        "sendonly" => "recvonly",
        "recvonly" => "sendonly",
        "inactive" => "inactive",
        _ => "sendrecv",
    }
}
