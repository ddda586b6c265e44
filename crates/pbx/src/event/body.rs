//! A document on its way into a NOTIFY, and what all of them share.

use bytes::Bytes;
use model::UserSettings;
use sip::Writer;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Stands where the version goes: no text of a phone or a person holds it, because `xml` lets no control through.
pub(super) const VERSION: char = '\u{1}';

/// A document whose version is not known yet.
#[derive(Default)]
pub(super) struct Document {
    pub(super) content_type: String,
    pub(super) text: String,
    /// What it tells of, where it may tell but a part of that.
    pub(super) settings: Option<Box<UserSettings>>,
}

impl Document {
    /// What tells it from other documents of its subscription.
    pub(super) fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        match &self.settings {
            Some(settings) => settings.hash(&mut hasher),
            None => (&self.content_type, &self.text).hash(&mut hasher),
        }
        hasher.finish()
    }

    /// Ends a NOTIFY with this document.
    pub(super) fn write(self, writer: Writer, version: u32) -> Bytes {
        let text = self.text.replace(VERSION, &version.to_string());
        writer.body(&self.content_type, text.as_bytes())
    }
}

/// The address-of-record of a user, without its scheme's brackets.
pub(super) fn entity(config: &model::TenantConfig, user: model::UserId) -> String {
    let extension = config.user(user).map_or("", |user| &user.extension);
    format!("sip:{extension}@{}", config.realm())
}
