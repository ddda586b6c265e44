//! Every language has every name, and a text that can be said.

use prompts::{Language, Name, find};
use std::collections::BTreeSet;

#[test]
fn every_catalogue_has_every_name() {
    let mut findings = Vec::new();
    for language in Language::ALL {
        for name in Name::all() {
            match name.text(language) {
                None => findings.push(format!("{name} is missing in {}", language.code())),
                Some(text) if text.trim() != text || text.is_empty() => {
                    findings.push(format!("{name} in {} has spaces around it", language.code()));
                }
                Some(_) => {}
            }
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    assert!(Name::all().count() > 400);
}

#[test]
fn a_language_is_not_another_one() {
    // Of long texts none is left in English by mistake.
    for language in &Language::ALL[1..] {
        let same: Vec<Name> = Name::all()
            .filter(|name| name.as_str() != "music/default" && name.own_sound(Language::English).is_some())
            .filter(|name| name.text(*language) == name.text(Language::English))
            .filter(|name| name.text(*language).unwrap().len() > 12 && !name.as_str().contains("tone"))
            .filter(|name| name.as_str() != "record/beep")
            .collect();
        assert!(same.is_empty(), "{}: {same:?}", language.code());
    }
}

#[test]
fn prompts_that_stand_alone_end_with_a_stop_in_every_language() {
    for language in &Language::ALL[1..] {
        let ends = |name: &Name, language| {
            let text = name.text(language).unwrap();
            text.ends_with('.') || text.ends_with('?')
        };
        let differ: Vec<Name> = Name::all()
            .filter(|name| ends(name, Language::English) != ends(name, *language))
            .collect();
        assert!(differ.is_empty(), "{}: {differ:?}", language.code());
    }
}

#[test]
fn names_are_found_and_others_are_not() {
    for name in Name::all() {
        assert_eq!(Name::parse(name.as_str()), Some(name));
    }
    for name in ["", "digit", "digit/10", "../secret", "voicemail/greeting "] {
        assert_eq!(Name::parse(name), None);
        assert_eq!(find(Language::English, name), None);
    }
    let names: BTreeSet<&str> = Name::all().map(Name::as_str).collect();
    for wanted in [
        "digit/7",
        "number/40",
        "menu/invalid",
        "voicemail/greeting",
        "conference/enter-pin",
        "conference/alone",
        "record/beep",
        "music/default",
    ] {
        assert!(names.contains(wanted), "{wanted}");
    }
}

#[test]
fn a_tag_names_a_language() {
    for language in Language::ALL {
        assert_eq!(Language::parse(language.code()), Some(language));
    }
    assert_eq!(Language::parse("de-AT"), Some(Language::German));
    assert_eq!(Language::parse("FR_ca"), Some(Language::French));
    assert_eq!(Language::parse("tlh"), None);
    assert_eq!(Language::parse(""), None);
}

#[test]
fn a_language_without_sounds_is_heard_in_english() {
    assert!(Language::English.is_spoken());
    for language in Language::ALL {
        let heard = language.heard();
        assert!(heard.is_spoken());
        for name in Name::all() {
            let sound = name
                .sound(language)
                .unwrap_or_else(|| panic!("{name} has no sound"));
            assert_eq!(
                Some(sound),
                name.own_sound(language).or(name.own_sound(Language::English))
            );
        }
    }
    assert_eq!(Language::German.heard(), Language::English);
    assert_eq!(
        find(Language::German, "digit/7"),
        find(Language::English, "digit/7")
    );
}
