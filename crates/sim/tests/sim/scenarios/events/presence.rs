//! Presence (RFC 3856, 3863), what phones publish (RFC 3903), and registrations (RFC 3680).

use super::super::by_hand::{authorized, challenges, request};
use super::{Hand, Scene};
use expect_test::expect;
use model::{Policy, Watch};
use sim::phone::Answer;

#[test]
fn a_person_comes_talks_and_goes() {
    let mut scene = Scene::new();
    let watcher = scene.phone("103", Answer::Ring);
    scene.act(watcher, |p, now| p.watch("presence", "102", 600, now));
    scene.run(1000);
    let (caller, callee) = scene.pair();
    scene.run(1000);
    scene.curtain();
    scene.act(watcher, |p, now| p.subscribe(0, 600, now));
    scene.run(1000);
    scene.call(caller, "102");
    scene.run(2000);
    scene.hang_up(caller);
    scene.run(1000);
    scene.act(callee, |p, now| p.register(0, now));
    scene.ends(expect![[r#"
        0      acme/103 -> server   SUBSCRIBE 1 Expires 600 Event presence
        1        server -> acme/103 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/103 -> server   SUBSCRIBE 1 +credentials Expires 600 Event presence
        3        server -> acme/103 200 OK (SUBSCRIBE) Expires 600
        3        server -> acme/103 NOTIFY 103 Event presence Subscription-State active;expires=600 {<presence entity="sip:102@acme.example"><tuple id="phones"><status><basic>open</basic></status><contact>sip:102@acme.example</contact></tuple></presence>}
        4      acme/103 -> server   200 OK (NOTIFY)
        1000   acme/101 -> server   INVITE 102 {10.0.1.3:6060 0,8}
        1001     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1002   acme/101 -> server   ACK 102
        1002   acme/101 -> server   INVITE 102 +credentials {10.0.1.3:6060 0,8}
        1003     server -> acme/101 100 Trying (INVITE)
        1003     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1004   acme/102 -> server   180 Ringing (INVITE)
        1005     server -> acme/101 180 Ringing (INVITE)
        2004   acme/102 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        2005     server -> acme/102 ACK 102
        2005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        2005     server -> acme/103 NOTIFY 103 Event presence Subscription-State active;expires=597 {<presence entity="sip:102@acme.example"><tuple id="phones"><status><basic>open</basic></status><contact>sip:102@acme.example</contact></tuple><dm:person id="person"><rpid:activities><rpid:on-the-phone/></rpid:activities></dm:person></presence>}
        2006   acme/101 -> server   ACK 1
        2006   acme/103 -> server   200 OK (NOTIFY)
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/103 NOTIFY 103 Event presence Subscription-State active;expires=597 {<presence entity="sip:102@acme.example"><tuple id="phones"><status><basic>open</basic></status><contact>sip:102@acme.example</contact></tuple></presence>}
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        3002   acme/103 -> server   200 OK (NOTIFY)
        4000   acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.4:5060> Expires 0
        4001     server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        4002   acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.4:5060> Expires 0
        4003     server -> acme/102 200 OK (REGISTER)
        4003     server -> acme/103 NOTIFY 103 Event presence Subscription-State active;expires=596 {<presence entity="sip:102@acme.example"><tuple id="phones"><status><basic>closed</basic></status><contact>sip:102@acme.example</contact></tuple></presence>}
        4004   acme/103 -> server   200 OK (NOTIFY)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn what_a_phone_publishes_is_shown_until_it_expires() {
    let mut scene = Scene::new();
    let phone = scene.phone("102", Answer::Ring);
    let watcher = scene.phone("103", Answer::Ring);
    scene.act(watcher, |p, now| p.watch("presence", "102", 600, now));
    scene.run(1000);
    scene.curtain();
    scene.act(phone, |p, now| p.publish(true, "meeting", 60, now));
    scene.run(1000);
    // Extended, changed, and taken over a restart.
    scene.act(phone, |p, now| p.publish(true, "", 60, now));
    scene.run(1000);
    scene.act(phone, |p, now| p.publish(false, "away", 60, now));
    scene.run(1000);
    scene.world.restart_server();
    scene.run(1000);
    scene.ends(expect![[r#"
        0      acme/102 -> server   PUBLISH 102 Expires 60 Event presence {<presence entity='sip:102@acme.example'><tuple id='t'><status><basic>open</basic></status></tuple><person><activities><meeting/></activities></person></presence>}
        1        server -> acme/102 407 Proxy Authentication Required (PUBLISH) ?SHA-256 ?MD5
        2      acme/102 -> server   PUBLISH 102 +credentials Expires 60 Event presence {<presence entity='sip:102@acme.example'><tuple id='t'><status><basic>open</basic></status></tuple><person><activities><meeting/></activities></person></presence>}
        3        server -> acme/102 200 OK (PUBLISH) Expires 60 SIP-ETag e782f6e4de3d584c
        3        server -> acme/103 NOTIFY 103 Event presence Subscription-State active;expires=599 {<presence entity="sip:102@acme.example"><tuple id="phones"><status><basic>open</basic></status><contact>sip:102@acme.example</contact></tuple><dm:person id="person"><rpid:activities><rpid:meeting/></rpid:activities></dm:person></presence>}
        4      acme/103 -> server   200 OK (NOTIFY)
        1000   acme/102 -> server   PUBLISH 102 Expires 60 Event presence SIP-If-Match e782f6e4de3d584c
        1001     server -> acme/102 407 Proxy Authentication Required (PUBLISH) ?SHA-256 ?MD5
        1002   acme/102 -> server   PUBLISH 102 +credentials Expires 60 Event presence SIP-If-Match e782f6e4de3d584c
        1003     server -> acme/102 200 OK (PUBLISH) Expires 60 SIP-ETag ef0c75eed2f6430e
        2000   acme/102 -> server   PUBLISH 102 Expires 60 Event presence SIP-If-Match ef0c75eed2f6430e {<presence entity='sip:102@acme.example'><tuple id='t'><status><basic>closed</basic></status></tuple><person><activities><away/></activities></person></presence>}
        2001     server -> acme/102 407 Proxy Authentication Required (PUBLISH) ?SHA-256 ?MD5
        2002   acme/102 -> server   PUBLISH 102 +credentials Expires 60 Event presence SIP-If-Match ef0c75eed2f6430e {<presence entity='sip:102@acme.example'><tuple id='t'><status><basic>closed</basic></status></tuple><person><activities><away/></activities></person></presence>}
        2003     server -> acme/102 200 OK (PUBLISH) Expires 60 SIP-ETag a5b6666dd9127017
        2003     server -> acme/103 NOTIFY 103 Event presence Subscription-State active;expires=597 {<presence entity="sip:102@acme.example"><tuple id="phones"><status><basic>closed</basic></status><contact>sip:102@acme.example</contact></tuple><dm:person id="person"><rpid:activities><rpid:away/></rpid:activities></dm:person></presence>}
        2004   acme/103 -> server   200 OK (NOTIFY)
        3000     server dies and comes back
        3000     server -> acme/103 NOTIFY 103 Event presence Subscription-State active;expires=596 {<presence entity="sip:102@acme.example"><tuple id="phones"><status><basic>closed</basic></status><contact>sip:102@acme.example</contact></tuple><dm:person id="person"><rpid:activities><rpid:away/></rpid:activities></dm:person></presence>}
        3001   acme/103 -> server   200 OK (NOTIFY)
        62003    server -> acme/103 NOTIFY 103 Event presence Subscription-State active;expires=537 {<presence entity="sip:102@acme.example"><tuple id="phones"><status><basic>open</basic></status><contact>sip:102@acme.example</contact></tuple></presence>}
        62004  acme/103 -> server   200 OK (NOTIFY)
    "#]]);
}

#[test]
fn a_publication_is_withdrawn_and_its_tag_is_worth_nothing_then() {
    let mut scene = Scene::new();
    let phone = scene.phone("102", Answer::Ring);
    scene.act(phone, |p, now| p.publish(true, "busy", 60, now));
    scene.run(100);
    scene.act(phone, |p, now| p.publish(true, "", 0, now));
    scene.run(100);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    for (number, headers) in [
        "Event: presence\nSIP-If-Match: 0123456789abcdef\n",
        "Event: dialog\n",
        "Event: presence\nExpires: 10\n",
        "Event: presence\n",
    ]
    .into_iter()
    .enumerate()
    {
        let target = if number == 3 { "101" } else { "102" };
        let head = request(
            "PUBLISH",
            "102@acme.example",
            &format!("{target}@acme.example"),
            &format!("publish-{number}"),
            1,
        );
        let head = head.replace("Max-Forwards", &format!("{headers}Max-Forwards"));
        let challenged = hand.asks(&mut scene, &head);
        let challenge = challenges(&challenged).pop().unwrap_or_default();
        hand.asks(&mut scene, &authorized(&head, &challenge, "102", "pw102", 1));
    }
    scene.ends(expect![[r#"
        0      acme/102 -> server   PUBLISH 102 Expires 60 Event presence {<presence entity='sip:102@acme.example'><tuple id='t'><status><basic>open</basic></status></tuple><person><activities><busy/></activities></person></presence>}
        1        server -> acme/102 407 Proxy Authentication Required (PUBLISH) ?SHA-256 ?MD5
        2      acme/102 -> server   PUBLISH 102 +credentials Expires 60 Event presence {<presence entity='sip:102@acme.example'><tuple id='t'><status><basic>open</basic></status></tuple><person><activities><busy/></activities></person></presence>}
        3        server -> acme/102 200 OK (PUBLISH) Expires 60 SIP-ETag b329b327fb9dd981
        100    acme/102 -> server   PUBLISH 102 Expires 0 Event presence SIP-If-Match b329b327fb9dd981
        101      server -> acme/102 407 Proxy Authentication Required (PUBLISH) ?SHA-256 ?MD5
        102    acme/102 -> server   PUBLISH 102 +credentials Expires 0 Event presence SIP-If-Match b329b327fb9dd981
        103      server -> acme/102 200 OK (PUBLISH) Expires 0
        210        hand -> server   PUBLISH 102 Event presence SIP-If-Match 0123456789abcdef
        211      server -> hand     407 Proxy Authentication Required (PUBLISH) ?SHA-256 ?MD5
        230        hand -> server   PUBLISH 102 +credentials Event presence SIP-If-Match 0123456789abcdef
        231      server -> hand     412 Conditional Request Failed (PUBLISH)
        250        hand -> server   PUBLISH 102 Event dialog
        251      server -> hand     407 Proxy Authentication Required (PUBLISH) ?SHA-256 ?MD5
        270        hand -> server   PUBLISH 102 +credentials Event dialog
        271      server -> hand     489 Bad Event (PUBLISH) Allow-Events as-feature-event, dialog, message-summary, presence, reg
        290        hand -> server   PUBLISH 102 Expires 10 Event presence
        291      server -> hand     407 Proxy Authentication Required (PUBLISH) ?SHA-256 ?MD5
        310        hand -> server   PUBLISH 102 +credentials Expires 10 Event presence
        311      server -> hand     423 Interval Too Brief (PUBLISH) Min-Expires 60
        330        hand -> server   PUBLISH 101 Event presence
        331      server -> hand     407 Proxy Authentication Required (PUBLISH) ?SHA-256 ?MD5
        350        hand -> server   PUBLISH 101 +credentials Event presence
        351      server -> hand     404 Not Found (PUBLISH)
    "#]]);
}

#[test]
fn who_may_see_whom_is_policy() {
    let mut scene = Scene::with(Policy {
        watch_presence: Watch::None,
        ..Policy::default()
    });
    let phone = scene.phone("101", Answer::Ring);
    for target in ["101", "102", "999"] {
        scene.act(phone, |p, now| p.watch("presence", target, 600, now));
    }
    scene.ends(expect![[r#"
        0      acme/101 -> server   SUBSCRIBE 101 Expires 600 Event presence
        0      acme/101 -> server   SUBSCRIBE 102 Expires 600 Event presence
        0      acme/101 -> server   SUBSCRIBE 999 Expires 600 Event presence
        1        server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        1        server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        1        server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/101 -> server   SUBSCRIBE 101 +credentials Expires 600 Event presence
        2      acme/101 -> server   SUBSCRIBE 102 +credentials Expires 600 Event presence
        2      acme/101 -> server   SUBSCRIBE 999 +credentials Expires 600 Event presence
        3        server -> acme/101 404 Not Found (SUBSCRIBE)
        3        server -> acme/101 404 Not Found (SUBSCRIBE)
        3        server -> acme/101 404 Not Found (SUBSCRIBE)
    "#]]);
}

#[test]
fn a_user_sees_his_own_registrations() {
    let mut scene = Scene::new();
    let desk = scene.phone("101", Answer::Ring);
    scene.act(desk, |p, now| p.watch("reg", "101", 600, now));
    scene.run(1000);
    let other = scene
        .world
        .add_phone("acme.example", "101", model::Transport::Udp, Answer::Ring);
    scene.act(other, |p, now| p.register(600, now));
    scene.run(1000);
    scene.act(other, |p, now| p.register(0, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   SUBSCRIBE 101 Expires 600 Event reg
        1        server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/101 -> server   SUBSCRIBE 101 +credentials Expires 600 Event reg
        3        server -> acme/101 200 OK (SUBSCRIBE) Expires 600
        3        server -> acme/101 NOTIFY 101 Event reg Subscription-State active;expires=600 {<reginfo version="0" state="full"><registration aor="sip:101@acme.example" id="u1" state="active"><contact id="b30c6d30eef53a30c" state="active" event="registered"><uri>sip:101@10.0.1.2:5060</uri></contact></registration></reginfo>}
        4      acme/101 -> server   200 OK (NOTIFY)
        1000   acme/101' -> server   REGISTER acme.example <sip:101@10.0.1.3:5060> Expires 600
        1001     server -> acme/101' 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        1002   acme/101' -> server   REGISTER acme.example +credentials <sip:101@10.0.1.3:5060> Expires 600
        1003     server -> acme/101' 200 OK (REGISTER) <sip:101@10.0.1.2:5060>;expires=3598 <sip:101@10.0.1.3:5060>;expires=600
        1003     server -> acme/101 NOTIFY 101 Event reg Subscription-State active;expires=599 {<reginfo version="1" state="full"><registration aor="sip:101@acme.example" id="u1" state="active"><contact id="b30c6d30eef53a30c" state="active" event="registered"><uri>sip:101@10.0.1.2:5060</uri></contact><contact id="b26ce66956228e256" state="active" event="registered"><uri>sip:101@10.0.1.3:5060</uri></contact></registration></reginfo>}
        1004   acme/101 -> server   200 OK (NOTIFY)
        2000   acme/101' -> server   REGISTER acme.example <sip:101@10.0.1.3:5060> Expires 0
        2001     server -> acme/101' 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2002   acme/101' -> server   REGISTER acme.example +credentials <sip:101@10.0.1.3:5060> Expires 0
        2003     server -> acme/101' 200 OK (REGISTER) <sip:101@10.0.1.2:5060>;expires=3597
        2003     server -> acme/101 NOTIFY 101 Event reg Subscription-State active;expires=598 {<reginfo version="2" state="full"><registration aor="sip:101@acme.example" id="u1" state="active"><contact id="b30c6d30eef53a30c" state="active" event="registered"><uri>sip:101@10.0.1.2:5060</uri></contact></registration></reginfo>}
        2004   acme/101 -> server   200 OK (NOTIFY)
    "#]]);
}
