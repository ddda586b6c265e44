//! Trunks of a simulated node: their configuration, and what the shell answers.

use super::Server;
use model::{Locate, Located, Now, Reach, Reached, TenantId, Trunk};
use pbx::Input;

/// A question to the shell, answered a moment later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Where does it lead?
    Locate(Locate),
    /// Is there a way?
    Reach(Reach),
}

impl Server {
    /// A tenant has these trunks from now on.
    pub fn equip(&mut self, id: TenantId, trunks: Vec<Trunk>, now: Now) {
        if let Some(new) = self.renewed(id, |_| {}) {
            self.configure(new.with_trunks(trunks), now);
        }
    }

    /// The DNS has answered a tenant.
    pub fn located(&mut self, id: TenantId, located: Located, now: Now) {
        self.input(id, Input::Located(located), now);
    }

    /// There is a way to a carrier, or none.
    pub fn reached(&mut self, id: TenantId, reached: Reached, now: Now) {
        self.input(id, Input::Reached(reached), now);
    }
}
