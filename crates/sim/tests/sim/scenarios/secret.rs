//! Digits that are nobody's business: a `gather` that is `secure`.

use super::theatre::stage;
use expect_test::expect;
use model::Leg;
use sim::phone::Answer;

const CARD: &str = r#"{"name": "card", "steps": {
    "start": {"do": "gather", "secure": true, "say": [{"prompt": "pin/enter"}], "min": 4, "max": 19, "otherwise": "thanks",
        "patience": {"tries": 2}},
    "thanks": {"do": "play", "say": [{"prompt": "general/thank-you"}], "then": "menu"},
    "menu": {"do": "menu", "say": [{"prompt": "menu/demo"}], "keys": {"1": "start"}}}}"#;

#[test]
fn a_card_is_typed_and_nobody_hears_of_it() {
    let mut scene = stage(&[("200", CARD)]);
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "200");
    scene.run(1500);
    // Too short, then once more.
    for digits in ["411#", "4111#"] {
        for key in digits.chars() {
            scene.keyed(1, Leg::Caller, key);
            scene.run(50);
        }
        scene.run(500);
    }
    scene.run(1500);
    scene.dials(phone, "1");
    scene.run(1500);
    expect![[r#"
        3 call 1: Caller is masked
        5 call 1: Caller hears pin/enter
        5 call 1: Caller is listened to for keys
        1650 call 1: Caller hears menu/invalid, pin/enter
        2200 call 1: Caller hears nothing
        2400 call 1: Caller is not masked
        2400 call 1: Caller hears general/thank-you
        2400 call 1: Caller is listened to for nothing
        3400 call 1: Caller hears menu/demo
        3400 call 1: Caller is listened to for keys
        4451 call 1: Caller is listened to for nothing
        4451 call 1: Caller is masked
        4451 call 1: Caller hears pin/enter
    "#]]
    .assert_eq(&scene.told());
    scene.hang_up(phone);
    scene.rests();
    let record = scene.world.server.cdrs.last().expect("a record");
    assert_eq!(record.path, ["card", "answered", "start wrong digits"]);
    let json = serde_json::to_string(record).expect("JSON");
    assert!(!json.contains("4111"), "{json}");
    assert!(!format!("{:?}", scene.world.server.calls).contains("4111"));
}
