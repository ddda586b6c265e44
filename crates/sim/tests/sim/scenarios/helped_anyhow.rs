//! What a tenant, a trunk or a carrier says about audio ends no call for help.

use super::Scene;
use super::outside::peer;
use sim::phone::Answer;

#[test]
fn help_is_called_with_whatever_the_phone_speaks() {
    let mut scene = Scene::new();
    let [phone, ..] = scene.two_carriers(Answer::PickUp(100), Answer::PickUp(100));
    // The phone knows neither.
    scene.numbered(|policy| policy.codecs = vec!["opus".to_owned()]);
    let trunk = |id, host| peer(id, host, |draft| draft.codecs = vec!["g722".to_owned()]);
    scene.equip(vec![trunk(1, "one.example"), trunk(2, "two.example")]);
    scene.run(2000);
    scene.call(phone, "+4930123456");
    scene.run(1000);
    assert_eq!(scene.last_answer(phone), Some(488));
    scene.call(phone, "112");
    scene.run(1000);
    assert_eq!(scene.last_answer(phone), Some(200), "{:?}", scene.paths());
    scene.is_helped(phone);
    scene.rests();
}
