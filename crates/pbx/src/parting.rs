//! Hanging up on carriers, which may want to know who hangs up: a call whose BYE they refuse would go on to be charged.
//!
//! Owns: the BYE, and its second form with credentials. Does not own: when a call ends.

use crate::call::via;
use crate::carriers::Parting;
use crate::context::{Context, Owner};
use model::Now;
use sip::transaction::ClientId;
use sip::{Message, Method, Name};
use std::sync::Arc;

impl Context {
    /// Sends a carrier the BYE of this dialog. Gives the CSeq number that it has.
    pub(crate) fn part(&mut self, parting: Parting, now: Now) -> u32 {
        self.send_bye(parting, true, now)
    }

    fn send_bye(&mut self, mut parting: Parting, asks_again: bool, now: Now) -> u32 {
        let (branch, cnonce) = (self.new_branch(), self.random());
        let target = parting.dialog.remote_target.clone();
        let proof = self.carriers.proof(parting.trunk, "BYE", &target, cnonce);
        let flow = parting.flow;
        let mut writer = parting.dialog.request(Method::Bye, via(&flow, &branch));
        if let Some((name, value)) = &proof {
            writer = writer.header(*name, value);
        }
        if !parting.reason.is_empty() {
            writer = writer.header(Name::Reason, &parting.reason);
        }
        let bytes = writer.header(Name::UserAgent, &self.server_name).finish();
        let cseq = parting.dialog.local_cseq;
        let owner = if asks_again { Owner::Leaving } else { Owner::None };
        match self.request(Method::Bye, &branch, bytes.clone(), flow, owner, now) {
            Ok(client) if asks_again => self.carriers.parts(client, parting),
            Ok(_) => {}
            // At the limit of transactions it is sent once: better than silence.
            Err(_) => self.transmit(flow, bytes),
        }
        cseq
    }

    /// A carrier has answered a BYE. One that asks who we are is told, once.
    pub(crate) fn carrier_parted(&mut self, client: ClientId, code: u16, message: &Message<'_>, now: Now) {
        let Some(parting) = self.carriers.parted(client) else {
            return;
        };
        let config = Arc::clone(&self.config);
        let trunk = config.trunk(parting.trunk);
        if trunk.is_some_and(|trunk| self.carriers.take_up(trunk, code, message)) {
            self.send_bye(parting, false, now);
        }
    }
}
