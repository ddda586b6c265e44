//! What phones change of their users' settings.
//!
//! Owns: the changes that are in force and not known to be kept yet, and what a user's settings are with them. Does not
//! own: keeping (the shell does), what settings mean to a call (`flow`), or how a phone says them (`event`).
//!
//! A change is in force at once and leaves as [`Effect::Settings`](crate::Effect::Settings). The shell writes it down, sends
//! the configuration with it, and then says so: from there on the snapshot knows it, and the entry here goes.

use model::{TenantConfig, UserId, UserSettings, UserSettingsChange};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// At most one entry per user: the name of its latest change, and all of them.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    pending: BTreeMap<UserId, (u64, UserSettingsChange)>,
}

impl Keys {
    /// A user's settings, as of now.
    pub(crate) fn settings<'a>(&self, config: &'a TenantConfig, user: UserId) -> Cow<'a, UserSettings> {
        let kept = config.user(user).map(|user| &user.settings);
        let Some((_, change)) = self.pending.get(&user) else {
            return kept.map_or_else(Cow::default, Cow::Borrowed);
        };
        let mut settings = kept.cloned().unwrap_or_default();
        change.apply(&mut settings);
        Cow::Owned(settings)
    }

    /// Takes a change that is called `id`; gives everything of this user that is to be kept, or nothing when the settings
    /// are so already.
    pub(crate) fn change(
        &mut self,
        config: &TenantConfig,
        user: UserId,
        change: UserSettingsChange,
        id: u64,
    ) -> Option<UserSettingsChange> {
        let before = self.settings(config, user);
        let mut after = before.clone().into_owned();
        change.apply(&mut after);
        if after == *before {
            return None;
        }
        let (known, pending) = self.pending.entry(user).or_default();
        *known = id;
        pending.merge(change);
        Some(pending.clone())
    }

    /// A change is kept and in the configuration, or can't be kept: either way the configuration is right again. False for
    /// one that was replaced meanwhile.
    pub(crate) fn kept(&mut self, user: UserId, id: u64) -> bool {
        let newest = self.pending.get(&user).is_some_and(|(known, _)| *known == id);
        if newest {
            self.pending.remove(&user);
        }
        newest
    }

    /// Forgets what is pending for users who are gone.
    pub(crate) fn reconfigured(&mut self, config: &TenantConfig) {
        self.pending.retain(|user, _| config.user(*user).is_some());
    }
}
