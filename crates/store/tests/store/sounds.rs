//! Tenants' own sounds.

use crate::bench;
use model::{Policy, SoundId, Wall};
use store::{NewSound, SoundKind};

const DAY: u64 = 86_400_000;

fn sound<'a>(audio: &'a [u8]) -> NewSound<'a> {
    NewSound {
        audio,
        ms: 1_500,
        source: "hello.wav",
        text: None,
    }
}

#[test]
fn a_prompt_is_replaced_by_another_sound_and_the_version_rises() {
    let mut b = bench();
    let version = |b: &mut crate::Bench| b.store.load(&b.acme).unwrap().version();
    let before = version(&mut b);
    let first = b
        .store
        .set_prompt(&b.acme, ("own/hi", ""), &sound(b"first"), Wall(10))
        .unwrap();
    let french = b
        .store
        .set_prompt(&b.acme, ("own/hi", "fr"), &sound(b"bonjour"), Wall(20))
        .unwrap();
    let second = b
        .store
        .set_prompt(&b.acme, ("own/hi", ""), &sound(b"second"), Wall(30))
        .unwrap();
    assert_eq!(version(&mut b), before + 3);
    let config = b.store.load(&b.acme).unwrap();
    let heard = |language| config.library().prompt("own/hi", language).map(|own| own.id);
    assert_eq!((heard("en"), heard("fr")), (Some(second), Some(french)));
    // A call that began before still finds what it knows.
    assert_eq!(
        b.store.sound(&b.acme, first).unwrap().as_deref(),
        Some(&b"first"[..])
    );
    assert_eq!(
        b.store.sound(&b.acme, second).unwrap().as_deref(),
        Some(&b"second"[..])
    );
    let rows = b.store.sounds(&b.acme, SoundKind::Prompt).unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| (row.language.as_str(), row.octets, row.set))
        .collect();
    assert_eq!(names, [("", 6, Wall(30)), ("fr", 7, Wall(20))]);
    b.store.reset_prompt(&b.acme, ("own/hi", ""), Wall(40)).unwrap();
    assert!(b.store.reset_prompt(&b.acme, ("own/hi", ""), Wall(50)).is_err());
    // A day later a change clears away what nobody needs.
    b.store
        .reset_prompt(&b.acme, ("own/hi", "fr"), Wall(41 + DAY))
        .unwrap();
    assert_eq!(b.store.sound(&b.acme, first).unwrap(), None);
    assert_eq!(b.store.sound(&b.acme, second).unwrap(), None);
    assert!(b.store.sound(&b.acme, french).unwrap().is_some());
    assert!(b.store.load(&b.acme).unwrap().library().is_empty());
}

#[test]
fn music_keeps_its_order() {
    let mut b = bench();
    b.store
        .add_music(&b.acme, "lobby", &[sound(b"a"), sound(b"b")], Wall(1))
        .unwrap();
    b.store
        .add_music(&b.acme, "lobby", &[sound(b"c")], Wall(2))
        .unwrap();
    let pieces = |b: &mut crate::Bench| -> Vec<Vec<u8>> {
        let config = b.store.load(&b.acme).unwrap();
        let ids: Vec<SoundId> = config.library().music("lobby").iter().map(|own| own.id).collect();
        ids.into_iter()
            .map(|id| b.store.sound(&b.acme, id).unwrap().unwrap())
            .collect()
    };
    assert_eq!(pieces(&mut b), [b"a", b"b", b"c"]);
    b.store.remove_music(&b.acme, "lobby", Some(2), Wall(3)).unwrap();
    assert_eq!(pieces(&mut b), [b"a", b"c"]);
    for wrong in [0, 3] {
        assert!(
            b.store
                .remove_music(&b.acme, "lobby", Some(wrong), Wall(4))
                .is_err()
        );
    }
    let many: Vec<NewSound<'_>> = (0..19).map(|_| sound(b"x")).collect();
    let refused = b.store.add_music(&b.acme, "lobby", &many, Wall(5)).unwrap_err();
    assert!(refused.to_string().contains("at most 20"), "{refused}");
    assert_eq!(pieces(&mut b).len(), 2, "all or none");
    b.store.remove_music(&b.acme, "lobby", None, Wall(6)).unwrap();
    assert!(pieces(&mut b).is_empty());
}

/// Calls hear what they began with for a day; then it is gone, whatever command comes next, and also when none does.
#[test]
fn what_was_taken_away_is_deleted_after_a_day() {
    let mut b = bench();
    b.store
        .add_music(
            &b.acme,
            "lobby",
            &[sound(b"a"), sound(b"b"), sound(b"c")],
            Wall(1),
        )
        .unwrap();
    let config = b.store.load(&b.acme).unwrap();
    let ids: Vec<SoundId> = config.library().music("lobby").iter().map(|own| own.id).collect();
    let is_there = |b: &mut crate::Bench, at: usize| b.store.sound(&b.acme, ids[at]).unwrap().is_some();
    b.store.remove_music(&b.acme, "lobby", Some(1), Wall(10)).unwrap();
    b.store
        .add_music(&b.acme, "bar", &[sound(b"d")], Wall(10 + DAY))
        .unwrap();
    assert!(is_there(&mut b, 0), "not before its day is over");
    b.store
        .add_music(&b.acme, "bar", &[sound(b"e")], Wall(11 + DAY))
        .unwrap();
    assert!(!is_there(&mut b, 0), "another music was added");
    b.store
        .remove_music(&b.acme, "lobby", Some(1), Wall(20 + DAY))
        .unwrap();
    b.store
        .remove_music(&b.acme, "lobby", Some(1), Wall(21 + 2 * DAY))
        .unwrap();
    assert!(!is_there(&mut b, 1), "another piece was taken away");
    let version = b.store.load(&b.acme).unwrap().version();
    assert_eq!(b.store.clear_sounds(Wall(21 + 3 * DAY)).unwrap(), 0);
    assert_eq!(b.store.clear_sounds(Wall(22 + 3 * DAY)).unwrap(), 1);
    assert!(!is_there(&mut b, 2), "nothing was done at all");
    assert_eq!(b.store.load(&b.acme).unwrap().version(), version);
}

#[test]
fn tenants_have_room_of_their_own_and_never_anothers_sounds() {
    let mut b = bench();
    let policy = Policy {
        sounds_mb: 1,
        ..Policy::default()
    };
    b.store.set_policy(&b.acme, &policy).unwrap();
    let large = vec![7; 600_000];
    let id = b
        .store
        .set_prompt(&b.acme, ("menu/demo", ""), &sound(&large), Wall(1))
        .unwrap();
    assert_eq!(b.store.sound(&b.beta, id).unwrap(), None);
    assert!(b.store.reset_prompt(&b.beta, ("menu/demo", ""), Wall(2)).is_err());
    assert!(b.store.sounds(&b.beta, SoundKind::Prompt).unwrap().is_empty());
    assert!(b.store.load(&b.beta).unwrap().library().is_empty());
    let refused = b
        .store
        .set_prompt(&b.acme, ("menu/main", ""), &sound(&large), Wall(3));
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("sounds_mb"), "{refused}");
    // What takes the place of another needs no more room than it has; what lingers is cleared away in time.
    for n in 4..10 {
        b.store
            .set_prompt(&b.acme, ("menu/demo", ""), &sound(&large), Wall(n))
            .unwrap();
    }
    assert_eq!(b.store.sound(&b.acme, id).unwrap(), None);
    b.store
        .set_prompt(&b.beta, ("menu/demo", ""), &sound(&large), Wall(11))
        .unwrap();
    for bad in ["", "Menu", "a b", "..", &"x".repeat(65)] {
        assert!(
            b.store
                .set_prompt(&b.acme, (bad, ""), &sound(b"x"), Wall(12))
                .is_err(),
            "{bad}"
        );
    }
    assert!(
        b.store
            .add_music(&b.acme, "a/b", &[sound(b"x")], Wall(13))
            .is_err()
    );
}
