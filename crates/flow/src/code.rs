//! Star codes: what the server does for a user who dials `*` and digits.
//!
//! Owns: which code means what. Does not own: pickup, which needs to know who rings (`plan`), and the doing.
//!
//! A code is for who dials it. Nothing else leads to it, no forward, transfer or redirection: somebody else's call would
//! change the settings of its caller.

use crate::graph::{Flow, Node, NodeId};
use model::{ForwardKind, Library, Playlist, TenantConfig, ToneName, User, UserSettings, UserSettingsChange};

/// How long a tone tells that something was done, or that it was not, milliseconds.
const DONE_MS: u32 = 1_200;
const REFUSED_MS: u32 = 3_000;

/// True for what no extension may be named: everything with a star is a code, or may become one.
#[must_use]
pub fn is_reserved(extension: &str) -> bool {
    extension.starts_with('*')
}

/// What `dialled` at `domain` does for the user with these settings, if it is a code.
#[must_use]
pub fn code(
    config: &TenantConfig,
    user: &User,
    settings: &UserSettings,
    dialled: &str,
    domain: &str,
) -> Option<Flow> {
    let code = dialled.strip_prefix('*')?;
    if !config.owns_domain(domain) {
        return None;
    }
    let dnd = |on: bool| {
        let label = if on { "dnd on" } else { "dnd off" };
        set(UserSettingsChange::dnd(on), label.to_owned())
    };
    match code {
        "43" => return Some(Flow::new(vec![Node::Echo])),
        "9664" => return Some(music(config)),
        "78" => return Some(dnd(true)),
        "79" => return Some(dnd(false)),
        "76" => return Some(dnd(!settings.dnd)),
        "73" => return Some(forward(user, ForwardKind::Always, None)),
        "91" => return Some(forward(user, ForwardKind::Busy, None)),
        "93" => return Some(forward(user, ForwardKind::NoAnswer, None)),
        _ => {}
    }
    let (code, number) = (code.get(..2)?, code.get(2..)?);
    let kind = match code {
        "33" => return Some(listen(config, user, number)),
        "72" => ForwardKind::Always,
        "90" => ForwardKind::Busy,
        "92" => ForwardKind::NoAnswer,
        _ => return None,
    };
    Some(forward(user, kind, Some(number)))
}

/// What is heard on hold, or would be, until the caller hangs up.
fn music(config: &TenantConfig) -> Flow {
    let name = config.policy().music().unwrap_or(Library::USUAL_MUSIC);
    let list = Playlist {
        items: vec![Library::music_named(name)],
        times: 0,
    };
    let then = NodeId(1);
    Flow::new(vec![Node::Play { list, then }, Node::HangUp])
}

/// Hears the call of somebody, by right.
fn listen(config: &TenantConfig, user: &User, extension: &str) -> Flow {
    let whom = config.extension(extension).filter(|whom| whom.id != user.id);
    let allowed = config.policy().may_listen(&user.extension, extension);
    match whom.filter(|_| allowed) {
        Some(whom) => {
            let node = Node::Listen {
                user: whom.id,
                extension: whom.extension.clone(),
            };
            Flow::new(vec![node]).speaking(&config.policy().language)
        }
        None => refused("listen"),
    }
}

/// What is asked for can't be, or is not allowed: that is noted, and heard.
fn refused(what: &str) -> Flow {
    Flow::new(vec![
        Node::Note {
            label: format!("{what} refused").into(),
            then: NodeId(1),
        },
        Node::Tone {
            tone: ToneName::Congestion,
            ms: REFUSED_MS,
            then: None,
        },
    ])
}

fn set(change: UserSettingsChange, label: String) -> Flow {
    let then = NodeId(1);
    let label = label.into();
    Flow::new(vec![
        Node::Set { change, label, then },
        Node::Tone {
            tone: ToneName::Confirmation,
            ms: DONE_MS,
            then: None,
        },
    ])
}

/// Sends calls on to this number, or no longer. Nobody sends them to himself.
fn forward(user: &User, kind: ForwardKind, to: Option<&str>) -> Flow {
    let name = match kind {
        ForwardKind::Always => "always",
        ForwardKind::Busy => "busy",
        ForwardKind::NoAnswer => "no answer",
    };
    let is_refused = |to: &str| to == &*user.extension || !UserSettings::is_number(to);
    match to {
        None => set(
            UserSettingsChange::forward(kind, None),
            format!("forward {name} off"),
        ),
        Some(to) if is_refused(to) => refused(&format!("forward {name}")),
        Some(to) => set(
            UserSettingsChange::forward(kind, Some(to)),
            format!("forward {name} to {to}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Event, Run, Service, step};
    use model::{Policy, TenantId, UserId};

    fn user() -> User {
        User {
            id: UserId(7),
            extension: "101".into(),
            display: "".into(),
            enabled: true,
            settings: UserSettings::default(),
        }
    }

    fn flow(dialled: &str, settings: &UserSettings) -> Option<Flow> {
        let config = TenantConfig::new(
            TenantId(1),
            1,
            "A",
            &["a.example"],
            Policy::default(),
            vec![user()],
            vec![],
        );
        code(&config.unwrap(), &user(), settings, dialled, "A.example")
    }

    /// The change that a code makes, and the record's path after it was answered.
    fn dialled(code: &str) -> (Option<UserSettingsChange>, String) {
        let mut run = Run::new(flow(code, &UserSettings::default()).unwrap());
        let mut action = step(&mut run, Event::Start);
        let mut change = None;
        if let Action::Set(found) = action {
            change = Some(found);
            action = step(&mut run, Event::Changed);
        }
        assert!(matches!(action, Action::Serve(_)), "{action:?}");
        assert_eq!(step(&mut run, Event::Played), Action::HangUp);
        (change, run.path().join(", "))
    }

    #[test]
    fn settings() {
        let forward = |kind, to| Some(UserSettingsChange::forward(kind, to));
        let done = |what: &str| format!("{what}, confirmation tone");
        for (code, change, what) in [
            ("*78", Some(UserSettingsChange::dnd(true)), "dnd on"),
            ("*79", Some(UserSettingsChange::dnd(false)), "dnd off"),
            ("*76", Some(UserSettingsChange::dnd(true)), "dnd on"),
            (
                "*72102",
                forward(ForwardKind::Always, Some("102")),
                "forward always to 102",
            ),
            ("*73", forward(ForwardKind::Always, None), "forward always off"),
            (
                "*90+49",
                forward(ForwardKind::Busy, Some("+49")),
                "forward busy to +49",
            ),
            ("*91", forward(ForwardKind::Busy, None), "forward busy off"),
            (
                "*92x",
                forward(ForwardKind::NoAnswer, Some("x")),
                "forward no answer to x",
            ),
            (
                "*93",
                forward(ForwardKind::NoAnswer, None),
                "forward no answer off",
            ),
        ] {
            assert_eq!(dialled(code), (change, done(what)), "{code}");
        }
        let on = UserSettings {
            dnd: true,
            ..UserSettings::default()
        };
        let mut run = Run::new(flow("*76", &on).unwrap());
        assert_eq!(
            step(&mut run, Event::Start),
            Action::Set(UserSettingsChange::dnd(false))
        );
    }

    #[test]
    fn what_cannot_be_is_heard() {
        for code in ["*72", "*72101", "*901 2", "*92\u{e9}"] {
            let (change, path) = dialled(code);
            assert_eq!(change, None, "{code}");
            assert!(path.ends_with("refused, congestion tone"), "{path}");
        }
    }

    #[test]
    fn what_is_no_code() {
        for number in [
            "",
            "*",
            "43",
            "*4",
            "*430",
            "*781",
            "*8",
            "**101",
            "*\u{e9}\u{e9}",
            "#43",
        ] {
            assert_eq!(flow(number, &UserSettings::default()), None, "{number}");
        }
        let mut run = Run::new(flow("*43", &UserSettings::default()).unwrap());
        assert_eq!(step(&mut run, Event::Start), Action::Serve(Service::Echo));
        assert!(is_reserved("*43") && !is_reserved("43"));
    }
}
