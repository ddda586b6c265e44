//! Who may do what: digest (SECURITY rows 1, 2, 3 and 23).

use super::by_hand::{authorized, challenges, code, field, register, request, sdp, to_tag};
use super::{Hand, Scene};
use expect_test::expect;

#[test]
fn every_method_without_credentials_leaves_nothing_behind() {
    let mut scene = Scene::new();
    scene.phone("102", sim::phone::Answer::PickUp(0));
    let mut hand = Hand::new(&mut scene, "anybody", 1);
    for method in [
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "REGISTER",
        "OPTIONS",
        "INFO",
        "MESSAGE",
        "SUBSCRIBE",
        "NOTIFY",
        "PUBLISH",
        "REFER",
        "UPDATE",
        "PRACK",
        "JUMP",
    ] {
        let head = request(method, "101@acme.example", "102@acme.example", method, 1);
        hand.send_with(&mut scene, &head, if method == "INVITE" { "v=0\r\n" } else { "" });
        hand.hears(&mut scene);
    }
    assert_eq!(scene.world.server.bindings().len(), 1);
    scene.ends(expect![[r#"
             0  anybody -> server   INVITE 102 {unreadable}
             1   server -> anybody  407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
            10  anybody -> server   ACK 102
            20  anybody -> server   BYE 102
            21   server -> anybody  481 Call/Transaction Does Not Exist (BYE)
            30  anybody -> server   CANCEL 102
            31   server -> anybody  481 Call/Transaction Does Not Exist (CANCEL)
            40  anybody -> server   REGISTER 102 <sip:hand@10.0.2.1:5060>
            41   server -> anybody  401 Unauthorized (REGISTER) ?SHA-256 ?MD5
            50  anybody -> server   OPTIONS 102
            51   server -> anybody  407 Proxy Authentication Required (OPTIONS) ?SHA-256 ?MD5
            60  anybody -> server   INFO 102
            61   server -> anybody  405 Method Not Allowed (INFO)
            70  anybody -> server   MESSAGE 102
            71   server -> anybody  405 Method Not Allowed (MESSAGE)
            80  anybody -> server   SUBSCRIBE 102
            81   server -> anybody  405 Method Not Allowed (SUBSCRIBE)
            90  anybody -> server   NOTIFY 102
            91   server -> anybody  405 Method Not Allowed (NOTIFY)
           100  anybody -> server   PUBLISH 102
           101   server -> anybody  405 Method Not Allowed (PUBLISH)
           110  anybody -> server   REFER 102
           111   server -> anybody  405 Method Not Allowed (REFER)
           120  anybody -> server   UPDATE 102
           121   server -> anybody  405 Method Not Allowed (UPDATE)
           130  anybody -> server   PRACK 102
           131   server -> anybody  405 Method Not Allowed (PRACK)
           140  anybody -> server   JUMP 102
           141   server -> anybody  501 Not Implemented (JUMP)
    "#]]);
}
