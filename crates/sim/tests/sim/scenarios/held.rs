//! Music for who is on hold, and keys that come by INFO.

use super::Scene;
use super::transcoded::hears;
use expect_test::expect;
use model::{DigitPolicy, MediaPolicy, Policy};
use sim::phone::Answer;

/// 101 and 102 in a call that 101 made under this policy.
fn talking(policy: Policy) -> (Scene, [usize; 2]) {
    let mut scene = Scene::with(policy);
    let phones = ["101", "102"].map(|user| scene.phone(user, Answer::PickUp(100)));
    scene.call(phones[0], "102");
    scene.run(500);
    scene.curtain();
    (scene, phones)
}

fn music(name: &str) -> Policy {
    Policy {
        hold_music: name.to_owned(),
        ..Policy::default()
    }
}

/// Whether caller and callee hear the server while the caller holds in this way, and after that.
fn held(policy: Policy, direction: &str) -> [(bool, bool); 2] {
    let (mut scene, phones) = talking(policy);
    let mut heard = Vec::new();
    for direction in [direction, "sendrecv"] {
        scene.reinvite(phones[0], direction);
        scene.run(200);
        let both = hears(&mut scene, &phones);
        heard.push((both[0].1, both[1].1));
    }
    [heard[0], heard[1]]
}

#[test]
fn who_is_held_hears_music_until_the_call_goes_on() {
    for direction in ["sendonly", "inactive"] {
        assert_eq!(
            held(Policy::default(), direction),
            [(false, true), (false, false)],
            "{direction}"
        );
    }
}

/// Who is asked for sound and is to get none says `sendonly` as those do who hold: the difference is who asked.
#[test]
fn who_only_listens_is_not_on_hold_and_may_be_held() {
    let (mut scene, phones) = talking(Policy::default());
    let [listener, speaker] = phones;
    let music = |scene: &mut Scene, who: usize, direction: &str| {
        scene.reinvite(who, direction);
        scene.run(200);
        hears(scene, &[listener])[0].1
    };
    scene.mute(&[listener]);
    assert!(!music(&mut scene, listener, "recvonly"));
    scene.run(5_000);
    scene.refresh_voices();
    scene.run(1_000);
    assert_eq!(scene.world.phones[listener].voices.len(), 1);
    assert!(music(&mut scene, speaker, "sendonly"));
    assert!(
        music(&mut scene, listener, "recvonly"),
        "it asks again and is still held"
    );
    assert!(!music(&mut scene, speaker, "sendrecv"));
    scene.hang_up(listener);
    scene.run(1_000);
    let record = scene.world.server.cdrs.last().expect("a record");
    assert!(record.audio.is_empty(), "{:?}", record.audio);
}

#[test]
fn the_ladder_of_a_hold() {
    let (mut scene, phones) = talking(Policy::default());
    scene.reinvite(phones[1], "inactive");
    scene.run(1000);
    scene.reinvite(phones[1], "sendrecv");
    scene.run(1000);
    scene.hang_up(phones[0]);
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 inactive}
        1        server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 sendonly}
        1        server -> acme/102 100 Trying (INVITE)
        2      acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 recvonly}
        3        server -> acme/101 ACK 101
        3        server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8 inactive}
        4      acme/102 -> server   ACK 1
        1000   acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8}
        1001     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8}
        1001     server -> acme/102 100 Trying (INVITE)
        1002   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1003     server -> acme/101 ACK 101
        1003     server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8}
        1004   acme/102 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2396 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn a_tenant_without_music_and_one_whose_phones_have_their_own() {
    assert_eq!(held(music("off"), "sendonly"), [(false, false), (false, false)]);
    assert_eq!(held(music("phone"), "sendonly"), [(false, false), (false, false)]);
    assert_eq!(held(music("phone"), "inactive"), [(false, true), (false, false)]);
    // There is no such music: the usual one is heard.
    assert_eq!(held(music("jazz"), "sendonly"), [(false, true), (false, false)]);
    assert_eq!(
        held(music("../../etc/passwd"), "sendonly"),
        [(false, true), (false, false)]
    );
}

#[test]
fn straight_audio_has_no_music() {
    let policy = Policy {
        media: MediaPolicy::Direct,
        ..Policy::default()
    };
    let (mut scene, phones) = talking(policy);
    scene.reinvite(phones[0], "inactive");
    scene.run(100);
    scene.sees(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 inactive}
        1        server -> acme/102 INVITE 102 {10.0.1.2:6060 0,8 inactive}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 inactive}
        3        server -> acme/102 ACK 102
        3        server -> acme/101 200 OK (INVITE) {10.0.1.3:6060 0,8 inactive}
        4      acme/101 -> server   ACK 1
    "#]]);
}

#[test]
fn music_in_a_transcoded_call() {
    let mut scene = Scene::new();
    let phones = ["101", "102"].map(|user| scene.phone(user, Answer::PickUp(100)));
    for (phone, codec) in phones.into_iter().zip([9, 111]) {
        scene.act(phone, |p, _| p.codecs = vec![codec]);
    }
    scene.call(phones[0], "102");
    scene.run(500);
    scene.reinvite(phones[0], "sendonly");
    scene.run(200);
    assert_eq!(hears(&mut scene, &phones)[1], (vec![111], true));
    scene.reinvite(phones[0], "sendrecv");
    scene.run(200);
    assert_eq!(hears(&mut scene, &phones), [(vec![9], true), (vec![111], true)]);
}

#[test]
fn music_goes_on_after_a_restart() {
    let (mut scene, phones) = talking(Policy::default());
    scene.run(1000);
    scene.reinvite(phones[0], "sendonly");
    scene.run(2000);
    let now = scene.world.now();
    scene.world.server.restart(now);
    scene.run(100);
    assert!(hears(&mut scene, &phones)[1].1);
}

/// What the callee gets of two keys that the caller tells by INFO: by INFO, and how many telephone events.
fn keys(policy: Policy, codecs: &[u8], info: bool) -> (String, u64) {
    let mut scene = Scene::with(policy);
    let phones = ["101", "102"].map(|user| scene.phone(user, Answer::PickUp(100)));
    for phone in phones {
        scene.act(phone, |p, _| {
            p.codecs = codecs.to_vec();
            p.abilities.info = info;
        });
    }
    scene.call(phones[0], "102");
    scene.run(500);
    for key in ['5', '#'] {
        scene.act(phones[0], |p, now| p.dial(0, key, now));
        scene.run(1000);
    }
    let phone = &scene.world.phones[phones[1]];
    (
        phone.digits.clone(),
        phone.formats.get(&101).copied().unwrap_or(0),
    )
}

#[test]
fn keys_by_info_become_what_the_other_phone_understands() {
    let events = &[0, 101][..];
    // 100 ms in packets of 20, the last one three times.
    assert_eq!(keys(Policy::default(), events, true), (String::new(), 14));
    assert_eq!(keys(Policy::default(), &[0], true), ("5#".to_owned(), 0));
    let info = Policy {
        dtmf: DigitPolicy::Info,
        ..Policy::default()
    };
    assert_eq!(keys(info, events, true), ("5#".to_owned(), 0));
    let direct = Policy {
        media: MediaPolicy::Direct,
        ..Policy::default()
    };
    assert_eq!(keys(direct, events, true), ("5#".to_owned(), 0));
}

#[test]
fn something_is_said_on_hold_now_and_then() {
    let policy = |name: &str| Policy {
        hold_announcement: name.to_owned(),
        hold_announcement_s: 20,
        ..Policy::default()
    };
    for (name, expected) in [
        ("queue/thank-you", "music/default, each 20000 ms queue/thank-you"),
        ("../secret", "music/default for ever"),
    ] {
        let (mut scene, phones) = talking(policy(name));
        scene.told();
        scene.reinvite(phones[0], "sendonly");
        scene.run(200);
        assert_eq!(scene.told(), format!("3 call 1: Callee hears {expected}\n"));
    }
}
