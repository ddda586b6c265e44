//! `as-feature-event`: the do-not-disturb and forward keys of desk phones, in step with the settings of their user. The
//! package is BroadWorks' ("device feature key synchronization"); its documents are those of CSTA (ECMA-323).
//!
//! Owns: the documents, and which of them a phone is to get: all in its first NOTIFY, afterwards what changed since, and
//! always that which the phone has just set, so that a key that may not be as the phone wants it goes back. Does not own:
//! the settings (`keys`).

use super::body::Document;
use super::package::FEATURES_TYPE;
use super::refused::Refused;
use super::xml::{self, Tags};
use crate::context::{Context, clean};
use model::{ForwardKind, Package, TenantConfig, UserId, UserSettings, UserSettingsChange};
use sip::header::MediaType;
use sip::{Message, Name};
use std::fmt::Write;

/// Octets of a document that is read; phones write less than 500.
const LONGEST: usize = 4_096;
/// Phones count rings, people seconds: one ring and the pause after it.
const RING_S: u16 = 6;
/// Between two documents. None holds it: no text of others has a line end.
const BOUNDARY: &str = "carillon-keys";
/// Some phones restart when they find another one, or none.
const NAMESPACE: &str = "http://www.ecma-international.org/standards/ecma-323/csta/ed3";

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    DoNotDisturb,
    Forward(ForwardKind),
}

const ALL: [Feature; 4] = [
    Feature::DoNotDisturb,
    Feature::Forward(ForwardKind::Always),
    Feature::Forward(ForwardKind::Busy),
    Feature::Forward(ForwardKind::NoAnswer),
];

/// A key that was pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Press {
    pub(super) feature: Feature,
    /// `None` for what can't be: the phone hears how it is.
    pub(super) change: Option<UserSettingsChange>,
}

/// The key that a SUBSCRIBE tells of, if any.
pub(super) fn press(
    config: &TenantConfig,
    user: UserId,
    package: Package,
    message: &Message<'_>,
) -> Result<Option<Press>, Refused> {
    if package != Package::Features || message.body().is_empty() {
        return Ok(None);
    }
    let kind = message.header(Name::ContentType).and_then(MediaType::parse);
    if !kind.is_some_and(|kind| kind.is(FEATURES_TYPE)) {
        return Err(Refused::BadType);
    }
    if message.body().len() > LONGEST {
        return Err(Refused::TooLarge);
    }
    read(config, user, message.body()).map(Some).ok_or(Refused::Bad)
}

/// The first of each element that is looked for.
#[derive(Default)]
struct Fields<'a> {
    dnd: Option<&'a str>,
    active: Option<&'a str>,
    kind: Option<&'a str>,
    number: Option<&'a str>,
    rings: Option<&'a str>,
}

impl<'a> Fields<'a> {
    /// The name of the root and what is in it.
    fn of(body: &'a [u8]) -> Option<(&'a str, Fields<'a>)> {
        let mut tags = Tags::of(body)?;
        let (mut root, mut fields) = ("", Fields::default());
        while let Some(tag) = tags.next().ok()? {
            if root.is_empty() && !tag.name.starts_with('?') {
                root = tag.name;
            }
            let field = match tag.inside {
                "doNotDisturbOn" => &mut fields.dnd,
                "activateForward" => &mut fields.active,
                "forwardingType" => &mut fields.kind,
                "forwardDN" => &mut fields.number,
                "ringCount" => &mut fields.rings,
                _ => continue,
            };
            field.get_or_insert(tag.text.trim());
        }
        Some((root, fields))
    }
}

fn read(config: &TenantConfig, user: UserId, body: &[u8]) -> Option<Press> {
    let (root, fields) = Fields::of(body)?;
    match root {
        "SetDoNotDisturb" => Some(Press {
            feature: Feature::DoNotDisturb,
            change: Some(UserSettingsChange::dnd(switch(fields.dnd?)?)),
        }),
        "SetForwarding" => {
            let kind = match fields.kind? {
                "forwardImmediate" => ForwardKind::Always,
                "forwardBusy" => ForwardKind::Busy,
                "forwardNoAns" => ForwardKind::NoAnswer,
                _ => return None,
            };
            let change = if switch(fields.active?)? {
                number(config, user, fields.number.unwrap_or(""))
                    .map(|to| UserSettingsChange::forward(kind, Some(&to)))
            } else {
                Some(UserSettingsChange::forward(kind, None))
            };
            let rings = fields.rings.and_then(|rings| rings.parse::<u16>().ok());
            let rings = rings.filter(|rings| *rings > 0 && kind == ForwardKind::NoAnswer);
            let range = UserSettings::NO_ANSWER_RANGE_S;
            let seconds = rings.map(|n| n.saturating_mul(RING_S).clamp(*range.start(), *range.end()));
            Some(Press {
                feature: Feature::Forward(kind),
                change: change.map(|change| UserSettingsChange {
                    no_answer_s: seconds,
                    ..change
                }),
            })
        }
        _ => None,
    }
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// A number to forward to as phones write it, which may be an URI. None is: a stranger's domain, oneself.
fn number(config: &TenantConfig, user: UserId, text: &str) -> Option<String> {
    let text = clean(&xml::resolve(text)?, 256).replace(' ', "");
    let plain = ["sip:", "sips:", "tel:"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or(&text);
    let number = match plain.split_once('@') {
        Some((number, domain)) => config.owns_domain(domain).then_some(number)?,
        None => plain,
    };
    let own = config.user(user).is_some_and(|user| *user.extension == *number);
    (!own && UserSettings::is_number(number)).then(|| number.to_owned())
}

/// What a phone is to hear that has heard `told`, if anything, and has just set `asked`.
pub(super) fn document(
    context: &Context,
    user: UserId,
    told: Option<&UserSettings>,
    asked: Option<Feature>,
) -> Document {
    let settings = context.settings(user);
    let number = context.config.user(user).map_or("", |user| &user.extension);
    let news = |feature: &Feature| {
        let same = told.is_some_and(|told| state(told, *feature) == state(&settings, *feature));
        !same || asked == Some(*feature)
    };
    let mut parts: Vec<String> = ALL
        .into_iter()
        .filter(news)
        .map(|feature| write(number, &settings, feature))
        .collect();
    let (content_type, text) = match parts.len() {
        0 => (String::new(), String::new()),
        1 => (FEATURES_TYPE.to_owned(), parts.pop().unwrap_or_default()),
        _ => (
            format!("multipart/mixed;boundary=\"{BOUNDARY}\""),
            multipart(context.config.realm(), &parts),
        ),
    };
    Document {
        content_type,
        text,
        settings: Some(Box::new(settings.into_owned())),
    }
}

/// What of the settings a key shows.
fn state(settings: &UserSettings, feature: Feature) -> (bool, Option<&str>, u16) {
    match feature {
        Feature::DoNotDisturb => (settings.dnd, None, 0),
        Feature::Forward(kind) => {
            let (to, after) = match kind {
                ForwardKind::Always => (&settings.forward_always, 0),
                ForwardKind::Busy => (&settings.forward_busy, 0),
                ForwardKind::NoAnswer => (&settings.forward_no_answer, settings.no_answer_s),
            };
            (to.is_some(), to.as_deref(), after)
        }
    }
}

fn write(number: &str, settings: &UserSettings, feature: Feature) -> String {
    let (on, to, after_s) = state(settings, feature);
    let on = if on { "true" } else { "false" };
    let root = match feature {
        Feature::DoNotDisturb => "DoNotDisturbEvent",
        Feature::Forward(_) => "ForwardingEvent",
    };
    let mut out = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACE}\">\n");
    xml::element(&mut out, "device", number);
    match feature {
        Feature::DoNotDisturb => xml::element(&mut out, "doNotDisturbOn", on),
        Feature::Forward(kind) => {
            let name = match kind {
                ForwardKind::Always => "forwardImmediate",
                ForwardKind::Busy => "forwardBusy",
                ForwardKind::NoAnswer => "forwardNoAns",
            };
            xml::element(&mut out, "forwardingType", name);
            xml::element(&mut out, "forwardStatus", on);
            if let Some(to) = to {
                xml::element(&mut out, "forwardTo", to);
            }
            if kind == ForwardKind::NoAnswer {
                let rings = (after_s.saturating_add(RING_S / 2) / RING_S).max(1);
                xml::element(&mut out, "ringCount", &rings.to_string());
            }
        }
    }
    let _ = writeln!(out, "\n</{root}>");
    out
}

fn multipart(realm: &str, parts: &[String]) -> String {
    let mut out = String::with_capacity(1_536);
    for (at, part) in parts.iter().enumerate() {
        let _ = write!(
            out,
            "--{BOUNDARY}\r\nContent-Type: {FEATURES_TYPE}\r\nContent-Length: {}\r\nContent-ID: <{at}@{realm}>\r\n\r\n{part}\r\n",
            part.len()
        );
    }
    let _ = write!(out, "--{BOUNDARY}--\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Policy, TenantId, User};

    fn config() -> TenantConfig {
        let user = User {
            id: UserId(1),
            extension: "101".into(),
            display: "".into(),
            enabled: true,
            settings: UserSettings::default(),
        };
        TenantConfig::new(
            TenantId(1),
            1,
            "A",
            &["a.example"],
            Policy::default(),
            vec![user],
            vec![],
        )
        .unwrap()
    }

    fn pressed(body: &str) -> Option<Press> {
        read(&config(), UserId(1), body.as_bytes())
    }

    fn forward(kind: &str, on: &str, rest: &str) -> Option<Press> {
        pressed(&format!(
            "<?xml version='1.0'?>\n<SetForwarding xmlns='{NAMESPACE}'>\n <device>1</device>\n\
             <activateForward>{on}</activateForward><forwardingType>{kind}</forwardingType>{rest}</SetForwarding>"
        ))
    }

    #[test]
    fn keys_of_phones() {
        let dnd =
            "<c:SetDoNotDisturb xmlns:c='x'><c:doNotDisturbOn> true </c:doNotDisturbOn></c:SetDoNotDisturb>";
        assert_eq!(
            pressed(dnd),
            Some(Press {
                feature: Feature::DoNotDisturb,
                change: Some(UserSettingsChange::dnd(true)),
            })
        );
        let all = forward(
            "forwardImmediate",
            "true",
            "<forwardDN>sip:102@A.example</forwardDN>",
        );
        let change = UserSettingsChange::forward(ForwardKind::Always, Some("102"));
        assert_eq!(all.unwrap().change, Some(change));
        let late = forward(
            "forwardNoAns",
            "1",
            "<forwardDN>1 0 2</forwardDN><ringCount>4</ringCount>",
        );
        let change = UserSettingsChange {
            no_answer_s: Some(24),
            ..UserSettingsChange::forward(ForwardKind::NoAnswer, Some("102"))
        };
        assert_eq!(late.unwrap().change, Some(change));
        let off = forward("forwardBusy", "false", "<forwardDN/><ringCount/>");
        let change = UserSettingsChange::forward(ForwardKind::Busy, None);
        assert_eq!(off.unwrap().change, Some(change));
    }

    #[test]
    fn what_cannot_be_is_answered_with_what_is() {
        for number in [
            "",
            "101",
            "sip:102@b.example",
            "1;x=2",
            "&lt;x&gt;",
            "102&b;",
            &"1".repeat(99),
        ] {
            let press = forward("forwardBusy", "true", &format!("<forwardDN>{number}</forwardDN>"));
            let wanted = Press {
                feature: Feature::Forward(ForwardKind::Busy),
                change: None,
            };
            assert_eq!(press, Some(wanted), "{number}");
        }
    }

    #[test]
    fn hostile_documents_are_refused() {
        for bad in [
            "",
            "x",
            "<SetDoNotDisturb/>",
            "<SetDoNotDisturb><doNotDisturbOn>maybe</doNotDisturbOn></SetDoNotDisturb>",
            "<SetForwarding><forwardDN>102</forwardDN></SetForwarding>",
            "<Other><doNotDisturbOn>true</doNotDisturbOn></Other>",
            "<!DOCTYPE x [<!ENTITY t 'true'>]><SetDoNotDisturb><doNotDisturbOn>&t;</doNotDisturbOn></SetDoNotDisturb>",
            "<!DOCTYPE x SYSTEM 'http://x/'><SetDoNotDisturb><doNotDisturbOn>true</doNotDisturbOn></SetDoNotDisturb>",
            "<SetDoNotDisturb><doNotDisturbOn>true",
        ] {
            assert_eq!(pressed(bad), None, "{bad}");
        }
        assert_eq!(forward("forwardSometimes", "true", ""), None);
        assert_eq!(
            read(&config(), UserId(1), &[b'<', 0xff, b'>']),
            None,
            "no text at all"
        );
    }
}
