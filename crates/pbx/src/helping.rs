//! The room that is kept back for calls for help, and what they are made by.
//!
//! Owns: who may have of it. Does not own: which calls are for help (`tenant::help`), and what becomes of them (`call::emergency`).

use crate::context::{Context, Owner};
use model::TenantConfig;
use sip::{Message, Method};
use std::sync::Arc;

/// Calls for help of one tenant at once that have room of their own; more are calls like any other.
const MOST_HELPING: usize = 16;

impl Context {
    /// One call more may have the room that is kept back for help: whoever calls for help without end takes nobody's.
    pub(crate) fn has_help_left(&self) -> bool {
        self.helping.len() < MOST_HELPING
    }

    /// The configuration as calls for help have it: with whatever phone and carrier speak.
    pub(crate) fn config_for_help(&mut self) -> Arc<TenantConfig> {
        let known = self
            .for_help
            .take()
            .filter(|(of, _)| Arc::ptr_eq(of, &self.config));
        let made = || (Arc::clone(&self.config), Arc::new(self.config.for_help()));
        let (_, config) = self.for_help.insert(known.unwrap_or_else(made));
        Arc::clone(config)
    }

    /// One call back more may: such calls never take the half that is for calls for help.
    pub(crate) fn has_room_for_calls_back(&self) -> bool {
        self.helping.len() < MOST_HELPING / 2
    }

    /// True for a request that belongs to a call for help.
    pub(crate) fn is_of_help(&self, request: &Message<'_>, owner: Owner) -> bool {
        if self.helping.is_empty() {
            return false;
        }
        let in_dialog = || Some(self.legs.get(request.to_tag()?)?.call);
        let cancelled = || match request.method() {
            Some(Method::Cancel) => self.tx.find_invite_for_cancel(request)?.1.call(),
            _ => None,
        };
        let call = owner.call().or_else(in_dialog).or_else(cancelled);
        call.is_some_and(|call| self.helping.contains(&call))
    }
}
