//! The do-not-disturb and forward keys of desk phones (`as-feature-event`).

use super::super::by_hand::{authorized, challenges, request};
use super::super::forwarded::user;
use super::super::scene::{ACME, with_users};
use super::{Hand, Scene};
use expect_test::expect;
use model::{UserId, UserSettings, UserSettingsChange};
use sim::phone::Answer;

const KEYS: &str = "as-feature-event";

impl Scene {
    /// The phone subscribes to the keys of its user.
    fn keys(&mut self, phone: usize, extension: &str) -> usize {
        let watch = self.act(phone, |p, now| p.watch(KEYS, extension, 600, now));
        self.run(300);
        watch
    }

    fn press(&mut self, phone: usize, key: &str) {
        self.act(phone, |p, now| p.press(0, key, now));
    }

    /// What a key of the phone shows.
    fn shows(&self, phone: usize, key: &str) -> &str {
        let keys = &self.world.phones[phone].watches()[0].keys;
        keys.get(key).map_or("nothing", |shown| shown)
    }

    fn settings(&self, extension: &str) -> UserSettings {
        self.world
            .server
            .tenant(ACME)
            .expect("acme")
            .settings(user(extension))
    }

    /// As the configuration has them.
    fn kept(&self, extension: &str) -> UserSettings {
        let tenant = self.world.server.tenant(ACME).expect("acme");
        tenant
            .config()
            .user(user(extension))
            .expect("a user")
            .settings
            .clone()
    }
}

#[test]
fn two_phones_of_a_user_in_step() {
    let mut scene = Scene::new();
    let desk = scene.phone("102", Answer::Ring);
    let other = scene.phone("102", Answer::Ring);
    scene.act(desk, |p, now| p.watch(KEYS, "102", 600, now));
    scene.run(300);
    scene.sees(expect![[r#"
        0      acme/102 -> server   SUBSCRIBE 102 Expires 600 Event as-feature-event
        1        server -> acme/102 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/102 -> server   SUBSCRIBE 102 +credentials Expires 600 Event as-feature-event
        3        server connects to acme/102
        3        server -> acme/102 200 OK (SUBSCRIBE) Expires 600
        4      acme/102 refuses the connection
        5        server -> acme/102 NOTIFY 102 Event as-feature-event Subscription-State active;expires=600 {<DoNotDisturbEvent <device>102</device><doNotDisturbOn>false</doNotDisturbOn> </DoNotDisturbEvent> --carillon-keys Content-Type: application/x-as-feature-event+xml Content-Length: 252 Content-ID: <1@acme.example> <?xml version="1.0" encoding="UTF-8"?> <ForwardingEvent <device>102</device><forwardingType>forwardImmediate</forwardingType><forwardStatus>false</forwardStatus> </ForwardingEvent> --carillon-keys Content-Type: application/x-as-feature-event+xml Content-Length: 247 Content-ID: <2@acme.example> <?xml version="1.0" encoding="UTF-8"?> <ForwardingEvent <device>102</device><forwardingType>forwardBusy</forwardingType><forwardStatus>false</forwardStatus> </ForwardingEvent> --carillon-keys Content-Type: application/x-as-feature-event+xml Content-Length: 272 Content-ID: <3@acme.example> <?xml version="1.0" encoding="UTF-8"?> <ForwardingEvent <device>102</device><forwardingType>forwardNoAns</forwardingType><forwardStatus>false</forwardStatus><ringCount>3</ringCount> </ForwardingEvent> --carillon-keys--}
        6      acme/102 -> server   200 OK (NOTIFY)
    "#]]);
    scene.keys(other, "102");
    scene.curtain();
    scene.press(desk, "dnd on");
    scene.run(500);
    scene.press(other, "forwardBusy 103");
    scene.run(500);
    scene.press(other, "dnd off");
    scene.ends(expect![[r#"
        0      acme/102 -> server   SUBSCRIBE 1 Expires 599 Event as-feature-event {<SetDoNotDisturb <device>1</device> <doNotDisturbOn>true</doNotDisturbOn> </SetDoNotDisturb>}
        1        server -> acme/102 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/102 -> server   SUBSCRIBE 1 +credentials Expires 599 Event as-feature-event {<SetDoNotDisturb <device>1</device> <doNotDisturbOn>true</doNotDisturbOn> </SetDoNotDisturb>}
        3        server -> acme/102 200 OK (SUBSCRIBE) Expires 599
        3        server -> acme/102 NOTIFY 102 Event as-feature-event Subscription-State active;expires=599 {<DoNotDisturbEvent <device>102</device><doNotDisturbOn>true</doNotDisturbOn> </DoNotDisturbEvent>}
        3        server -> acme/102' NOTIFY 102 Event as-feature-event Subscription-State active;expires=599 {<DoNotDisturbEvent <device>102</device><doNotDisturbOn>true</doNotDisturbOn> </DoNotDisturbEvent>}
        4      acme/102 -> server   200 OK (NOTIFY)
        4      acme/102' -> server   200 OK (NOTIFY)
        500    acme/102' -> server   SUBSCRIBE 1 Expires 599 Event as-feature-event {<SetForwarding <device>1</device> <forwardDN>103</forwardDN> <forwardingType>forwardBusy</forwardingType> <activateForward>true</activateForward> </SetForwarding>}
        501      server -> acme/102' 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        502    acme/102' -> server   SUBSCRIBE 1 +credentials Expires 599 Event as-feature-event {<SetForwarding <device>1</device> <forwardDN>103</forwardDN> <forwardingType>forwardBusy</forwardingType> <activateForward>true</activateForward> </SetForwarding>}
        503      server -> acme/102' 200 OK (SUBSCRIBE) Expires 599
        503      server -> acme/102' NOTIFY 102 Event as-feature-event Subscription-State active;expires=599 {<ForwardingEvent <device>102</device><forwardingType>forwardBusy</forwardingType><forwardStatus>true</forwardStatus><forwardTo>103</forwardTo> </ForwardingEvent>}
        503      server -> acme/102 NOTIFY 102 Event as-feature-event Subscription-State active;expires=598 {<ForwardingEvent <device>102</device><forwardingType>forwardBusy</forwardingType><forwardStatus>true</forwardStatus><forwardTo>103</forwardTo> </ForwardingEvent>}
        504    acme/102' -> server   200 OK (NOTIFY)
        504    acme/102 -> server   200 OK (NOTIFY)
        1000   acme/102' -> server   SUBSCRIBE 1 Expires 598 Event as-feature-event {<SetDoNotDisturb <device>1</device> <doNotDisturbOn>false</doNotDisturbOn> </SetDoNotDisturb>}
        1001     server -> acme/102' 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        1002   acme/102' -> server   SUBSCRIBE 1 +credentials Expires 598 Event as-feature-event {<SetDoNotDisturb <device>1</device> <doNotDisturbOn>false</doNotDisturbOn> </SetDoNotDisturb>}
        1003     server -> acme/102' 200 OK (SUBSCRIBE) Expires 598
        1003     server -> acme/102' NOTIFY 102 Event as-feature-event Subscription-State active;expires=598 {<DoNotDisturbEvent <device>102</device><doNotDisturbOn>false</doNotDisturbOn> </DoNotDisturbEvent>}
        1003     server -> acme/102 NOTIFY 102 Event as-feature-event Subscription-State active;expires=598 {<DoNotDisturbEvent <device>102</device><doNotDisturbOn>false</doNotDisturbOn> </DoNotDisturbEvent>}
        1004   acme/102' -> server   200 OK (NOTIFY)
        1004   acme/102 -> server   200 OK (NOTIFY)
    "#]]);
}

#[test]
fn the_call_right_after_the_key_knows_it() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let desk = scene.phone("102", Answer::Ring);
    let other = scene.phone("103", Answer::PickUp(0));
    scene.keys(desk, "102");
    scene.world.server.keep_lag = std::time::Duration::from_secs(60);
    scene.press(desk, "forwardImmediate 103");
    scene.run(10);
    assert_eq!(scene.kept("102"), UserSettings::default());
    scene.call(caller, "102");
    scene.run(500);
    scene.talk_to_each_other(caller, other);
    scene.hang_up(caller);
    scene.run(60_000);
    assert_eq!(scene.kept("102").forward_always.as_deref(), Some("103"));
    assert_eq!(scene.settings("102"), scene.kept("102"));
}

#[test]
fn a_command_lights_the_keys() {
    let mut scene = Scene::new();
    let desk = scene.phone("102", Answer::Ring);
    let stranger = scene.phone("103", Answer::Ring);
    scene.keys(desk, "102");
    scene.keys(stranger, "103");
    scene.curtain();
    scene.set("102", &UserSettingsChange::dnd(true));
    scene.run(500);
    // What is so already is no news.
    scene.set("102", &UserSettingsChange::dnd(true));
    scene.ends(expect![[r#"
        0        server -> acme/102 NOTIFY 102 Event as-feature-event Subscription-State active;expires=599 {<DoNotDisturbEvent <device>102</device><doNotDisturbOn>true</doNotDisturbOn> </DoNotDisturbEvent>}
        1      acme/102 -> server   200 OK (NOTIFY)
    "#]]);
}

#[test]
fn a_command_between_key_and_store_is_overruled_by_the_key() {
    let mut scene = Scene::new();
    let desk = scene.phone("102", Answer::Ring);
    scene.keys(desk, "102");
    scene.world.server.keep_lag = std::time::Duration::from_secs(2);
    scene.press(desk, "forwardBusy 103");
    scene.run(1000);
    let change = UserSettingsChange {
        dnd: Some(true),
        ..UserSettingsChange::forward(model::ForwardKind::Busy, Some("104"))
    };
    scene.set("102", &change);
    scene.run(500);
    assert_eq!(
        (scene.shows(desk, "dnd"), scene.shows(desk, "forwardBusy")),
        ("true", "103")
    );
    scene.run(3000);
    assert_eq!(
        (scene.shows(desk, "dnd"), scene.shows(desk, "forwardBusy")),
        ("true", "103")
    );
    assert_eq!(scene.kept("102").forward_busy.as_deref(), Some("103"));
}

#[test]
fn many_keys_before_the_first_is_kept() {
    let mut scene = Scene::new();
    let desk = scene.phone("102", Answer::Ring);
    scene.keys(desk, "102");
    scene.world.server.keep_lag = std::time::Duration::from_secs(2);
    for key in [
        "dnd on",
        "forwardBusy 103",
        "dnd off",
        "forwardNoAns 104",
        "dnd on",
    ] {
        scene.press(desk, key);
        scene.run(300);
    }
    scene.run(1000);
    // Some are kept by now, others not: what counts is all of them.
    assert!(scene.settings("102").dnd);
    scene.run(3000);
    let settings = scene.kept("102");
    assert_eq!(settings, scene.settings("102"));
    assert!(settings.dnd);
    assert_eq!(settings.forward_busy.as_deref(), Some("103"));
    assert_eq!(settings.forward_no_answer.as_deref(), Some("104"));
}

#[test]
fn a_restart_keeps_what_was_kept_and_tells_what_was_not() {
    let mut scene = Scene::new();
    let desk = scene.phone("102", Answer::Ring);
    scene.keys(desk, "102");
    scene.press(desk, "forwardBusy 103");
    scene.run(500);
    scene.world.server.keep_lag = std::time::Duration::from_secs(60);
    scene.press(desk, "dnd on");
    scene.run(500);
    assert_eq!(scene.shows(desk, "dnd"), "true");
    scene.curtain();
    scene.world.restart_server();
    scene.run(500);
    assert_eq!(
        (scene.shows(desk, "dnd"), scene.shows(desk, "forwardBusy")),
        ("", "103")
    );
    scene.ends(expect![[r#"
        0        server dies and comes back
        0        server connects to acme/102
        1      acme/102 refuses the connection
        2        server -> acme/102 NOTIFY 102 Event as-feature-event Subscription-State active;expires=597 {<DoNotDisturbEvent <device>102</device><doNotDisturbOn>false</doNotDisturbOn> </DoNotDisturbEvent> --carillon-keys Content-Type: application/x-as-feature-event+xml Content-Length: 252 Content-ID: <1@acme.example> <?xml version="1.0" encoding="UTF-8"?> <ForwardingEvent <device>102</device><forwardingType>forwardImmediate</forwardingType><forwardStatus>false</forwardStatus> </ForwardingEvent> --carillon-keys Content-Type: application/x-as-feature-event+xml Content-Length: 272 Content-ID: <2@acme.example> <?xml version="1.0" encoding="UTF-8"?> <ForwardingEvent <device>102</device><forwardingType>forwardBusy</forwardingType><forwardStatus>true</forwardStatus><forwardTo>103</forwardTo> </ForwardingEvent> --carillon-keys Content-Type: application/x-as-feature-event+xml Content-Length: 272 Content-ID: <3@acme.example> <?xml version="1.0" encoding="UTF-8"?> <ForwardingEvent <device>102</device><forwardingType>forwardNoAns</forwardingType><forwardStatus>false</forwardStatus><ringCount>3</ringCount> </ForwardingEvent> --carillon-keys--}
        3      acme/102 -> server   200 OK (NOTIFY)
    "#]]);
}

#[test]
fn a_key_of_a_user_who_is_deleted_meanwhile() {
    let mut scene = Scene::new();
    let desk = scene.phone("102", Answer::Ring);
    scene.keys(desk, "102");
    scene.world.server.keep_lag = std::time::Duration::from_secs(5);
    scene.press(desk, "dnd on");
    scene.run(500);
    let mut gone = with_users(2, |_| {});
    let users: Vec<_> = gone
        .users()
        .iter()
        .filter(|u| u.id != user("102"))
        .cloned()
        .collect();
    let devices: Vec<_> = gone
        .devices()
        .iter()
        .filter(|d| d.user != user("102"))
        .cloned()
        .collect();
    gone = model::TenantConfig::new(
        ACME,
        2,
        "Acme",
        &["acme.example"],
        gone.policy().clone(),
        users,
        devices,
    )
    .expect("a configuration");
    let now = scene.world.now();
    scene.world.server.configure(gone, now);
    scene.run(70_000);
    assert_eq!(scene.settings("102"), UserSettings::default());
    let watch = &scene.world.phones[desk].watches()[0];
    assert_eq!(watch.reason, "rejected");
}

#[test]
fn a_key_that_may_not_be_goes_back() {
    let mut scene = Scene::new();
    let desk = scene.phone("102", Answer::Ring);
    scene.keys(desk, "102");
    scene.curtain();
    // To oneself.
    scene.press(desk, "forwardImmediate 102");
    scene.run(500);
    assert_eq!(scene.settings("102"), UserSettings::default());
    scene.ends(expect![[r#"
        0      acme/102 -> server   SUBSCRIBE 1 Expires 599 Event as-feature-event {<SetForwarding <device>1</device> <forwardDN>102</forwardDN> <forwardingType>forwardImmediate</forwardingType> <activateForward>true</activateForward> </SetForwarding>}
        1        server -> acme/102 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/102 -> server   SUBSCRIBE 1 +credentials Expires 599 Event as-feature-event {<SetForwarding <device>1</device> <forwardDN>102</forwardDN> <forwardingType>forwardImmediate</forwardingType> <activateForward>true</activateForward> </SetForwarding>}
        3        server -> acme/102 200 OK (SUBSCRIBE) Expires 599
        3        server -> acme/102 NOTIFY 102 Event as-feature-event Subscription-State active;expires=599 {<ForwardingEvent <device>102</device><forwardingType>forwardImmediate</forwardingType><forwardStatus>false</forwardStatus> </ForwardingEvent>}
        4      acme/102 -> server   200 OK (NOTIFY)
    "#]]);
}

#[test]
fn a_key_that_can_never_be_kept_goes_back() {
    let mut scene = Scene::new();
    let desk = scene.phone("102", Answer::Ring);
    scene.keys(desk, "102");
    scene.world.server.keeps_settings = false;
    scene.world.server.keep_lag = std::time::Duration::from_secs(1);
    scene.press(desk, "dnd on");
    scene.run(500);
    assert_eq!(scene.shows(desk, "dnd"), "true");
    scene.run(1500);
    assert_eq!(scene.shows(desk, "dnd"), "");
    assert_eq!(scene.settings("102"), UserSettings::default());
}

#[test]
fn presence_shows_who_does_not_want_to_be_disturbed() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::Ring);
    let watcher = scene.phone("103", Answer::Ring);
    scene.act(watcher, |p, now| p.watch("presence", "102", 600, now));
    scene.run(500);
    scene.set("102", &UserSettingsChange::dnd(true));
    scene.run(500);
    let body = scene.world.phones[watcher].watches()[0].body.clone();
    assert!(
        body.contains("<rpid:busy/>") && body.contains("<note>Do not disturb</note>"),
        "{body}"
    );
    scene.set("102", &UserSettingsChange::dnd(false));
    scene.run(500);
    let body = scene.world.phones[watcher].watches()[0].body.clone();
    assert!(!body.contains("<rpid:busy/>") && !body.contains("note"), "{body}");
}

const DND: &str = "<SetDoNotDisturb xmlns=\"x\"><doNotDisturbOn>true</doNotDisturbOn></SetDoNotDisturb>";

/// A SUBSCRIBE by hand with this document.
fn subscribe(hand: &mut Hand, scene: &mut Scene, to: &str, number: usize, kind: &str, body: &str) -> String {
    let to = format!("{to}@acme.example");
    let head = request("SUBSCRIBE", "102@acme.example", &to, &format!("keys-{number}"), 1);
    let extra = format!("Event: {KEYS}\nExpires: 600\nContent-Type: {kind}\nMax-Forwards");
    let head = head.replace("Max-Forwards", &extra);
    let challenged = hand.asks_with(scene, &head, body);
    let challenge = challenges(&challenged).pop().expect("a challenge");
    let head = authorized(&head, &challenge, "102", "pw102", 1);
    hand.hears(scene);
    hand.send_with(scene, &head, body);
    hand.hears(scene).into_iter().next().unwrap_or_default()
}

#[test]
fn only_ones_own_keys_and_only_what_is_one() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 9);
    let features = "application/x-as-feature-event+xml";
    let long = format!("{DND}{}", " ".repeat(5_000));
    let bomb = format!("<!DOCTYPE a [<!ENTITY b \"true\">]>{DND}");
    for (number, (to, kind, body, code)) in [
        ("101", features, DND, 404),
        ("all", features, DND, 404),
        ("102", "text/plain", DND, 415),
        ("102", features, &*long, 413),
        ("102", features, &*bomb, 400),
        ("102", features, "<SetDoNotDisturb/>", 400),
        ("102", features, DND, 200),
    ]
    .into_iter()
    .enumerate()
    {
        let before = scene.settings("101");
        let answer = subscribe(&mut hand, &mut scene, to, number + 1, kind, body);
        assert!(
            answer.starts_with(&format!("SIP/2.0 {code} ")),
            "{to} {kind}: {answer}"
        );
        assert_eq!(scene.settings("101"), before);
        assert_eq!(scene.settings("102").dnd, code == 200, "{to} {kind} {body}");
    }
    assert_eq!(
        scene
            .world
            .server
            .tenant(ACME)
            .expect("acme")
            .settings(UserId(99)),
        UserSettings::default()
    );
}
