//! Running flows to callers whom the server has answered.

use crate::{
    Action, Enter, Event, Fault, Flow, Refusal, RoomAct, Run, Service, Shut, Tried, code, compile, step,
};
use model::{
    FlowDraft, Item, Library, Over, OwnSound, Playlist, Policy, RecordingId, Seat, Sound, SoundId,
    TenantConfig, TenantId, User, UserId, UserSettings,
};

#[path = "screened_tests.rs"]
mod screened;

fn user(id: u64, extension: &str) -> User {
    User {
        id: UserId(id),
        extension: extension.into(),
        display: "".into(),
        enabled: true,
        settings: UserSettings::default(),
    }
}

fn config(policy: Policy) -> TenantConfig {
    let users = vec![user(7, "101"), user(8, "102")];
    TenantConfig::new(TenantId(1), 1, "A", &["a.example"], policy, users, vec![]).unwrap()
}

fn compiled(json: &str) -> Result<Flow, Fault> {
    let draft: FlowDraft = serde_json::from_str(json).unwrap();
    compile(&config(Policy::default()), &draft)
}

fn run(json: &str) -> (Run, Action) {
    let mut run = Run::new(compiled(json).unwrap());
    let action = step(&mut run, Event::Start);
    (run, action)
}

/// What is heard, in words.
fn heard(action: &Action) -> String {
    let list = |list: &Playlist| {
        let names = list.items.iter().map(|item| match item {
            Item::Sound(Sound::Prompt { name, .. }) => name.to_string(),
            Item::Sound(Sound::Recording(id)) => format!("recording {}", id.number),
            Item::Sound(Sound::Own(own)) => format!("sound {}", own.id),
            Item::Tone { tone, .. } => tone.as_str().to_owned(),
            Item::Silence { .. } => "silence".to_owned(),
        });
        names.collect::<Vec<_>>().join(" ")
    };
    match action {
        Action::Serve(Service::Play { list: heard, .. }) => list(heard),
        Action::Room(act, Some(heard)) => format!("{act:?}: {}", list(heard)),
        Action::Leave(heard) => format!("leave: {}", list(heard)),
        other => format!("{other:?}"),
    }
}

const MENU: &str = r#"{"name": "demo", "steps": {
    "start": {"do": "menu", "say": [{"prompt": "menu/demo"}], "then": "bye",
        "keys": {"1": "echo", "2": "music", "9": "ask", "*": "start"}},
    "echo": {"do": "echo"},
    "music": {"do": "play", "say": [{"music": "default"}], "times": 0},
    "ask": {"do": "gather", "say": [{"prompt": "menu/enter-extension"}], "min": 2, "max": 6, "otherwise": "dial"},
    "dial": {"do": "dial", "then": "start"},
    "bye": {"do": "play", "say": [{"prompt": "general/goodbye"}]}
}}"#;

fn dials(number: &str) -> Action {
    Action::Dial {
        number: number.into(),
        typed: true,
        screen: None,
    }
}

const SILENCE: Action = Action::Await {
    hush: true,
    within_ms: 3_000,
};

#[test]
fn a_menu_leads_where_the_key_says() {
    let (mut run, action) = run(MENU);
    assert_eq!(heard(&action), "menu/demo");
    assert_eq!(step(&mut run, Event::Answered), Action::Talk);
    assert_eq!(
        step(&mut run.clone(), Event::Digit('1')),
        Action::Serve(Service::Echo)
    );
    assert_eq!(heard(&step(&mut run.clone(), Event::Digit('2'))), "music/default");
    assert_eq!(heard(&step(&mut run.clone(), Event::Digit('*'))), "menu/demo");
    // A wrong key, none, and a wrong one again: that was the last try.
    assert_eq!(
        heard(&step(&mut run, Event::Digit('5'))),
        "menu/invalid menu/demo"
    );
    let wait = Action::Await {
        hush: false,
        within_ms: 7_000,
    };
    assert_eq!(step(&mut run, Event::Played), wait);
    assert_eq!(step(&mut run, Event::Played), Action::Wait, "reported twice");
    assert_eq!(heard(&step(&mut run, Event::Elapsed)), "menu/no-input menu/demo");
    assert_eq!(heard(&step(&mut run, Event::Digit('#'))), "general/goodbye");
    assert_eq!(step(&mut run, Event::Played), Action::HangUp);
    assert_eq!(
        run.path(),
        [
            "demo",
            "answered",
            "start wrong digits",
            "start no digits",
            "start wrong digits"
        ]
    );
}

#[test]
fn an_extension_is_dialled_and_nobody_answers() {
    let (mut run, _) = run(MENU);
    assert_eq!(heard(&step(&mut run, Event::Digit('9'))), "menu/enter-extension");
    for key in ['1', '0', '2'] {
        assert_eq!(step(&mut run, Event::Digit(key)), SILENCE);
    }
    assert_eq!(step(&mut run, Event::Elapsed), dials("102"));
    assert_eq!(step(&mut run, Event::Digit('1')), Action::Wait, "it rings");
    let back = step(&mut run, Event::Unanswered(Refusal::Busy));
    assert_eq!(heard(&back), "menu/demo");
    assert_eq!(run.path(), ["demo", "dial 102", "busy"]);
    // A single digit is too few.
    step(&mut run, Event::Digit('9'));
    step(&mut run, Event::Digit('1'));
    assert_eq!(
        heard(&step(&mut run, Event::Digit('#'))),
        "menu/invalid menu/enter-extension"
    );
    for _ in 0..5 {
        assert_eq!(step(&mut run, Event::Digit('7')), SILENCE);
    }
    assert_eq!(step(&mut run, Event::Digit('7')), dials("777777"), "no more fit");
}

#[test]
fn digits_before_the_end_of_a_prompt_that_must_be_heard_do_not_count() {
    let (mut run, action) = run(r#"{"steps": {
        "start": {"do": "gather", "say": [{"prompt": "pin/enter"}], "barge_in": false, "terminator": null,
            "min": 2, "max": 4, "on": {"12": "in", "1234": "out"}, "patience": {"tries": 1}},
        "in": {"do": "echo"}, "out": {"do": "hang_up"}}}"#);
    assert_eq!(heard(&action), "pin/enter");
    assert_eq!(step(&mut run, Event::Digit('1')), Action::Wait);
    // The report of its end got lost.
    assert!(matches!(
        step(&mut run, Event::Elapsed),
        Action::Await { hush: true, .. }
    ));
    assert_eq!(step(&mut run, Event::Digit('1')), SILENCE);
    assert_eq!(step(&mut run, Event::Digit('2')), SILENCE, "1234 begins so");
    let mut other = run.clone();
    assert_eq!(step(&mut run, Event::Elapsed), Action::Serve(Service::Echo));
    assert_eq!(step(&mut other, Event::Digit('3')), SILENCE);
    assert_eq!(step(&mut other, Event::Digit('4')), Action::HangUp);
}

const ID: RecordingId = RecordingId {
    tenant: TenantId(1),
    number: 5,
};

#[test]
fn a_recording_is_played_back_and_done_again() {
    let (mut run, action) = run(
        r#"{"steps": {"start": {"do": "record", "say": [{"prompt": "record/after-tone"}], "max_s": 60}}}"#,
    );
    assert_eq!(heard(&action), "record/after-tone beep");
    let record = Action::Record {
        max_ms: 60_000,
        silence_ms: 10_000,
        within_ms: 62_000,
    };
    assert_eq!(step(&mut run, Event::Played), record);
    assert_eq!(step(&mut run, Event::Began(ID)), Action::Wait);
    assert_eq!(step(&mut run, Event::Digit('5')), Action::Wait);
    let mut lost = run.clone();
    assert_eq!(
        step(&mut run, Event::Digit('#')),
        Action::StopRecording { within_ms: 2_000 }
    );
    assert_eq!(step(&mut run, Event::Digit('#')), Action::Wait);
    assert_eq!(
        heard(&step(&mut run, Event::Recorded { ms: 4_000 })),
        "record/menu"
    );
    assert_eq!(
        step(&mut run, Event::Recorded { ms: 4_000 }),
        Action::Wait,
        "reported twice"
    );
    assert_eq!(heard(&step(&mut run, Event::Digit('2'))), "recording 5");
    assert_eq!(heard(&step(&mut run, Event::Played)), "record/menu");
    assert_eq!(step(&mut run, Event::Digit('3')), Action::Discard(ID));
    assert_eq!(heard(&step(&mut run, Event::Start)), "record/after-tone beep");
    step(&mut run, Event::Played);
    step(&mut run, Event::Began(ID));
    assert_eq!(
        heard(&step(&mut run, Event::Recorded { ms: 0 })),
        "record/nothing"
    );
    assert_eq!(step(&mut run, Event::Played), Action::HangUp);
    // Neither the end nor the answer to our stop is ever reported.
    assert!(matches!(
        step(&mut lost, Event::Elapsed),
        Action::StopRecording { .. }
    ));
    assert_eq!(heard(&step(&mut lost, Event::Elapsed)), "record/menu");
    assert_eq!(heard(&step(&mut lost, Event::Digit('1'))), "record/saved");
}

const ROOM: &str =
    r#"{"steps": {"start": {"do": "conference", "room": 200, "pin": "1234", "moderator_pin": "99887"}}}"#;

fn at_the_door(keys: &str) -> (Run, Action) {
    let (mut run, action) = run(ROOM);
    assert_eq!(heard(&action), "conference/enter-pin");
    let last = keys.chars().map(|key| typed(&mut run, key)).last();
    (run, last.unwrap())
}

/// A key, and what the call says of a PIN where nobody has guessed too often.
fn typed(run: &mut Run, key: char) -> Action {
    match step(run, Event::Digit(key)) {
        Action::Try { room: 200, right } => {
            let tried = if right { Tried::Right } else { Tried::Wrong };
            step(run, Event::Tried(tried))
        }
        other => other,
    }
}

#[test]
fn pins_open_a_conference() {
    let door = |moderator| {
        Action::Enter(Enter {
            room: 200,
            moderator,
            chimes: true,
        })
    };
    assert_eq!(at_the_door("1234").1, door(false));
    assert_eq!(at_the_door("1234#").1, Action::Wait, "nobody else begins so");
    assert_eq!(
        at_the_door("5").1,
        SILENCE,
        "nothing is told of where it is wrong"
    );
    let (mut run, last) = at_the_door("1235#");
    assert_eq!(heard(&last), "pin/wrong conference/enter-pin");
    let last = "99887".chars().map(|key| typed(&mut run, key)).last();
    assert_eq!(last, Some(door(true)));
    assert!(
        !run.path().join(" ").contains("99887"),
        "nobody reads a PIN in the record"
    );
    for (why, name) in [
        (Shut::Full, "conference/full"),
        (Shut::Locked, "conference/locked"),
    ] {
        let mut run = run.clone();
        assert_eq!(heard(&step(&mut run, Event::Shut(why))), name);
        assert_eq!(step(&mut run, Event::Played), Action::HangUp);
    }
}

#[test]
fn the_call_has_the_last_word_about_a_pin() {
    for (keys, right) in [("1234", true), ("4321#", false)] {
        let (mut run, _) = run(ROOM);
        let last = keys.chars().map(|key| step(&mut run, Event::Digit(key))).last();
        assert_eq!(last, Some(Action::Try { room: 200, right }));
        let barred = step(&mut run, Event::Tried(Tried::Barred));
        assert_eq!(heard(&barred), "pin/locked", "a right one tells nothing either");
        assert_eq!(step(&mut run, Event::Digit('1')), Action::Wait);
        assert_eq!(step(&mut run, Event::Played), Action::HangUp);
        assert!(run.path().join(", ").ends_with("too many wrong PINs"));
    }
    // Where only moderators have a PIN, members guess none.
    let open = r#"{"steps": {"start": {"do": "conference", "room": 200, "moderator_pin": "99887"}}}"#;
    let (mut run, _) = run(open);
    assert!(matches!(step(&mut run, Event::Digit('#')), Action::Enter(_)));
}

#[test]
fn keys_in_a_conference() {
    let (mut run, _) = at_the_door("99887#");
    assert_eq!(
        heard(&step(&mut run, Event::Entered { others: 0 })),
        "conference/alone"
    );
    assert_eq!(
        step(&mut run, Event::Digit('1')),
        Action::Wait,
        "no star before it"
    );
    let mut press = |key: char| {
        step(&mut run, Event::Digit('*'));
        heard(&step(&mut run, Event::Digit(key)))
    };
    let seat = |speaks, hears| format!("{:?}: ", RoomAct::Sit(Seat { speaks, hears }));
    assert_eq!(press('1'), seat(false, true) + "conference/muted");
    assert_eq!(press('7'), seat(false, false) + "general/off");
    assert_eq!(press('1'), seat(true, false) + "conference/unmuted");
    assert_eq!(press('5'), "MuteOthers: conference/all-muted");
    assert_eq!(press('4'), "Room(Lock, None)");
    assert_eq!(press('3'), "Room(Count, None)");
    assert_eq!(press('8'), "menu/invalid");
    assert_eq!(press('9'), "Room(End, None)");
    assert_eq!(
        heard(&step(&mut run, Event::Counted(3))),
        "conference/others/before number/3 conference/others/many"
    );
    assert_eq!(
        heard(&step(&mut run, Event::Locked(true))),
        "conference/now-locked"
    );
    let muted = heard(&step(&mut run, Event::Muted(true)));
    assert!(muted.ends_with("conference/muted"), "{muted}");
    let menu = step(&mut run, Event::Digit('*'));
    assert_eq!(heard(&menu), "conference/menu conference/moderator-menu");
    assert!(matches!(
        menu,
        Action::Serve(Service::Play {
            over: Over::Mixed,
            ..
        })
    ));
    assert!(matches!(
        step(&mut run, Event::Played),
        Action::Await { within_ms: 5_000, .. }
    ));
    assert!(matches!(
        step(&mut run, Event::Elapsed),
        Action::Await { within_ms: 0, .. }
    ));
    assert_eq!(
        heard(&step(&mut run.clone(), Event::Removed)),
        "leave: conference/removed"
    );
    step(&mut run, Event::Digit('*'));
    assert_eq!(step(&mut run, Event::Digit('2')), Action::HangUp);
}

#[test]
fn a_member_is_no_moderator() {
    let (mut run, _) = at_the_door("1234#");
    step(&mut run, Event::Entered { others: 1 });
    for key in ['4', '5', '9'] {
        step(&mut run, Event::Digit('*'));
        assert_eq!(heard(&step(&mut run, Event::Digit(key))), "menu/invalid");
    }
}

#[test]
fn a_caller_who_goes_round_is_hung_up_in_the_end() {
    let (mut run, _) = run(MENU);
    let rounds = (0..).take_while(|_| step(&mut run, Event::Digit('*')) != Action::HangUp);
    assert_eq!(rounds.count(), 998);
    assert_eq!(run.path().last().map(String::as_str), Some("too many steps"));
}

#[test]
fn listening_is_a_right() {
    let mut policy = Policy::default();
    let dialled = |policy: &Policy, code: &str| {
        let flow = self::code(
            &config(policy.clone()),
            &user(7, "101"),
            &UserSettings::default(),
            code,
            "a.example",
        );
        let mut run = Run::new(flow.unwrap());
        let action = step(&mut run, Event::Start);
        (action, run)
    };
    let refused = |policy: &Policy, code: &str| {
        let (action, run) = dialled(policy, code);
        assert!(
            matches!(action, Action::Serve(Service::Tone { .. })),
            "{action:?}"
        );
        assert_eq!(run.path(), ["listen refused", "congestion tone"]);
    };
    refused(&policy, "*33102");
    policy
        .supervisors
        .insert("101".to_owned(), vec!["102".to_owned()]);
    let (action, mut run) = dialled(&policy, "*33102");
    assert_eq!(action, Action::Listen(UserId(8)));
    let whisper = heard(&step(&mut run, Event::Digit('2')));
    assert_eq!(whisper, "Whisper: call/whispering");
    assert_eq!(run.path(), ["listen 102", "whispering"]);
    for code in ["*33101", "*33", "*33999"] {
        refused(&policy, code);
    }
    policy
        .supervisors
        .insert("101".to_owned(), vec!["all".to_owned()]);
    assert_eq!(dialled(&policy, "*33102").0, Action::Listen(UserId(8)));
    refused(&policy, "*33101");
    let (music, _) = dialled(&policy, "*9664");
    assert_eq!(heard(&music), "music/default");
}

/// Steps, and what is said of them.
const FAULTS: &[(&str, &str)] = &[
    (r#""x": {"do": "echo"}"#, "no step \"start\""),
    (
        r#""start": {"do": "menu", "say": [], "keys": {"1": "nowhere"}}"#,
        "no such step",
    ),
    (
        r#""start": {"do": "menu", "say": [], "keys": {"12": "start"}}"#,
        "\"12\" is no key",
    ),
    (
        r#""start": {"do": "menu", "say": [], "keys": {}}"#,
        "no key leads anywhere",
    ),
    (
        r#""start": {"do": "echo"}, "x": {"do": "echo"}"#,
        "step \"x\": no step leads here",
    ),
    (r#""start": {"do": "play", "say": []}"#, "says nothing"),
    (
        r#""start": {"do": "play", "say": [{"prompt": "../x"}]}"#,
        "nobody can say",
    ),
    (
        r#""start": {"do": "play", "say": [{"date": "2026-13-01"}]}"#,
        "nobody can say",
    ),
    (
        r#""start": {"do": "note", "text": "x", "then": "start"}"#,
        "comes round to itself",
    ),
    (
        r#""start": {"do": "play", "say": [{"silence": 5}], "then": "b"},
            "b": {"do": "tone", "tone": "busy", "s": 1, "then": "start"}"#,
        "comes round to itself",
    ),
    (
        r#""start": {"do": "gather", "max": 3, "on": {"1234": "start"}}"#,
        "can't be typed",
    ),
    (r#""start": {"do": "gather"}"#, "no digits lead anywhere"),
    (
        r#""start": {"do": "gather", "otherwise": "start", "patience": {"tries": 0}}"#,
        "1 to 10 times",
    ),
    (r#""start": {"do": "conference", "room": 0}"#, "a room's number"),
    (
        r#""start": {"do": "conference", "room": 1, "pin": "12"}"#,
        "4 to 12 digits",
    ),
    (
        r#""start": {"do": "conference", "room": 1, "pin": "1234", "moderator_pin": "1234"}"#,
        "different PINs",
    ),
    (
        r#""start": {"do": "page", "extensions": ["101", "999"]}"#,
        "no extension 999",
    ),
    (r#""start": {"do": "record", "max_s": 0}"#, "1 to 14400"),
    (r#""start": {"do": "dial", "number": "a b"}"#, "can't be dialled"),
    (
        r#""start": {"do": "dial", "number": "102", "machine": "x"}, "x": {"do": "echo"}"#,
        "need \"detect_machine\"",
    ),
    (
        r#""start": {"do": "dial", "number": "102", "detect_machine": {"total_ms": 5}}"#,
        "20 to 30000 ms",
    ),
    (
        r#""start": {"do": "gather", "secure": true, "otherwise": "x"}, "x": {"do": "dial"}"#,
        "can't dial what is typed",
    ),
];

#[test]
fn what_is_wrong_with_a_draft() {
    let wrong = |steps: &str| {
        let error = compiled(&format!(r#"{{"steps": {{{steps}}}}}"#)).unwrap_err();
        error.to_string()
    };
    for (steps, expected) in FAULTS {
        let error = wrong(steps);
        assert!(error.contains(expected), "{steps}: {error}");
    }
    let deep = (0..9).fold(String::new(), |all, n| {
        let name = if n == 0 { "start".to_owned() } else { n.to_string() };
        let next = n + 1;
        format!(r#"{all}"{name}": {{"do": "menu", "say": [], "keys": {{"1": "{next}"}}}}, "#)
    });
    let deep = wrong(&format!(r#"{deep}"9": {{"do": "echo"}}"#));
    assert!(deep.contains("more than 8 menus"), "{deep}");
    let many: Vec<String> = (0..65).map(|n| format!(r#""{n}": {{"do": "echo"}}"#)).collect();
    assert_eq!(wrong(&many.join(", ")), "a flow has at most 64 steps");
    let on: Vec<String> = (0..201).map(|n| format!(r#""{n}": "start""#)).collect();
    let on = wrong(&format!(
        r#""start": {{"do": "gather", "max": 4, "on": {{{}}}}}"#,
        on.join(", ")
    ));
    assert!(on.contains("at most 200 entries"), "{on}");
    for unknown in [
        r#"{"do": "fly"}"#,
        r#"{"do": "echo", "loud": true}"#,
        r#"{"do": "menu", "keys": {}, "say": [{"shout": 1}]}"#,
    ] {
        let text = format!(r#"{{"steps": {{"start": {unknown}}}}}"#);
        assert!(serde_json::from_str::<FlowDraft>(&text).is_err(), "{unknown}");
    }
}

#[test]
fn the_examples_hold_together() {
    for (json, first) in [
        (include_str!("../../../examples/flows/conference.json"), "Enter"),
        (include_str!("../../../examples/flows/recorder.json"), "Serve"),
        (include_str!("../../../examples/flows/menu.json"), "Serve"),
    ] {
        let (_, action) = run(json);
        assert!(format!("{action:?}").starts_with(first), "{action:?}");
    }
}

#[test]
fn a_draft_is_written_as_it_was_read() {
    let draft: FlowDraft = serde_json::from_str(MENU).unwrap();
    let again: FlowDraft = serde_json::from_str(&serde_json::to_string(&draft).unwrap()).unwrap();
    assert_eq!(draft, again);
}

#[test]
fn a_dry_run_tells_what_a_caller_would_hear() {
    let told = |keys: &str| crate::explain(compiled(MENU).unwrap(), keys).join("; ");
    assert_eq!(told("1"), "hears menu/demo; 1 is pressed; hears himself");
    assert_eq!(
        told("9102#"),
        "hears menu/demo; 9 is pressed; hears menu/enter-extension; 1 is pressed; waits for 3000 ms; 0 is pressed; \
         waits for 3000 ms; 2 is pressed; waits for 3000 ms; # is pressed; dials 102; nobody answers; \
         hears menu/demo; waits for 7000 ms; nothing is pressed; hears menu/no-input, menu/demo; \
         waits for 7000 ms; nothing is pressed; hears menu/no-input, menu/demo; waits for 7000 ms; \
         nothing is pressed; hears general/goodbye; hung up"
    );
    let recorder = r#"{"steps": {"start": {"do": "record"}}}"#;
    let told = crate::explain(compiled(recorder).unwrap(), ".#2");
    assert_eq!(told[..2], ["hears a beep", "records"]);
    assert!(told.contains(&"hears the recording".to_owned()), "{told:?}");
}

#[test]
fn sounds_that_nobody_has_are_told() {
    let json = r#"{"steps": {"start": {"do": "menu", "keys": {"1": "music"},
        "say": [{"prompt": "own/welcome"}, {"prompt": "menu/demo"}, {"prompt": "menu/dmeo"}],
        "patience": {"silent": [{"prompt": "own/gone"}]}},
        "music": {"do": "play", "say": [{"music": "default"}, {"music": "lobby"}, {"music": "foyer"}]}}}"#;
    let draft: FlowDraft = serde_json::from_str(json).unwrap();
    let mut library = Library::default();
    let sound = OwnSound {
        id: SoundId(1),
        ms: 1,
    };
    library.add_prompt("own/welcome", "fr", sound);
    library.add_piece("lobby", sound);
    let config = config(Policy::default()).with_library(library);
    let told: Vec<String> = crate::missing(&config, &draft)
        .iter()
        .map(Fault::to_string)
        .collect();
    for (line, sound) in told.iter().zip(["foyer", "menu/dmeo", "own/gone"]) {
        assert!(line.contains(&format!("{sound:?}")), "{told:?}");
    }
    assert_eq!(told.len(), 3);
    // It runs all the same.
    assert!(compile(&config, &draft).is_ok());
}
