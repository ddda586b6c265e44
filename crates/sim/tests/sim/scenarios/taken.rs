//! INVITE with Replaces and call pickup (RFC 3891, RFC 5359 §2.16).

use super::Scene;
use expect_test::expect;
use model::{PickupPolicy, Policy};
use sim::phone::Answer;

/// Ann calls Bea, who lets it ring; Dan may pick up.
pub(super) fn ringing(policy: Policy) -> (Scene, usize, usize, usize) {
    let mut scene = Scene::with(policy);
    let ann = scene.phone("101", Answer::Ring);
    let bea = scene.phone("102", Answer::Ring);
    let dan = scene.phone("104", Answer::Ring);
    scene.call(ann, "102");
    scene.run(100);
    scene.curtain();
    (scene, ann, bea, dan)
}

/// Ann talks to Bea, who has a second phone.
pub(super) fn talking(policy: Policy) -> (Scene, usize, usize, usize) {
    let mut scene = Scene::with(policy);
    let (ann, bea) = scene.talking();
    let second = scene.phone("102", Answer::Ring);
    scene.refresh_voices();
    (scene, ann, bea, second)
}

pub(super) fn replaces(scene: &Scene, phone: usize, more: &str) -> String {
    let name = scene.world.phones[phone].replaces(0).expect("a call");
    format!("{name}{more}")
}

pub(super) fn pickup(pickup: PickupPolicy) -> Policy {
    Policy {
        pickup,
        ..Policy::default()
    }
}

#[test]
fn a_ringing_call_is_picked_up_by_its_dialog() {
    let (mut scene, ann, bea, dan) = ringing(Policy::default());
    let name = replaces(&scene, bea, ";early-only");
    scene.act(dan, |p, now| p.call_replacing("102", &name, now));
    scene.run(2000);
    scene.talk_to_each_other(ann, dan);
    scene.hang_up(dan);
    scene.ends(expect![[r#"
        0      acme/104 -> server   INVITE 102 Require replaces +replaces early-only {10.0.1.4:6060 0,8}
        1        server -> acme/104 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/104 -> server   ACK 102
        2      acme/104 -> server   INVITE 102 +credentials Require replaces +replaces early-only {10.0.1.4:6060 0,8}
        3        server -> acme/104 200 OK (INVITE) {10.0.0.1:10002 0,8}
        3        server -> acme/102 CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        4      acme/104 -> server   ACK 1
        4      acme/102 -> server   200 OK (CANCEL)
        4      acme/102 -> server   487 Request Terminated (INVITE)
        4      acme/101 -> server   ACK 1
        5        server -> acme/102 ACK 102
        2000   acme/104 -> server   BYE 1
        2001     server -> acme/101 BYE 101
        2001     server -> acme/104 200 OK (BYE)
        2002   acme/101 -> server   200 OK (BYE)
        record 101 -> 104: 200/16 by Callee, rang, talked 1998 ms (ring 102, picked up by 104, answered), packets 4 and 4
    "#]]);
}

#[test]
fn a_ringing_call_is_picked_up_by_its_number() {
    let (mut scene, ann, _, dan) = ringing(Policy::default());
    scene.call(dan, "**102");
    scene.run(2000);
    scene.talk_to_each_other(ann, dan);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/104 -> server   INVITE **102 {10.0.1.4:6060 0,8}
        1        server -> acme/104 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/104 -> server   ACK **102
        2      acme/104 -> server   INVITE **102 +credentials {10.0.1.4:6060 0,8}
        3        server -> acme/104 200 OK (INVITE) {10.0.0.1:10002 0,8}
        3        server -> acme/102 CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        4      acme/104 -> server   ACK 1
        4      acme/102 -> server   200 OK (CANCEL)
        4      acme/102 -> server   487 Request Terminated (INVITE)
        4      acme/101 -> server   ACK 1
        5        server -> acme/102 ACK 102
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/104 BYE 104
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/104 -> server   200 OK (BYE)
        record 101 -> 104: 200/16 by Caller, rang, talked 1998 ms (ring 102, picked up by 104, answered), packets 4 and 4
    "#]]);
}

#[test]
fn any_ringing_call_is_picked_up() {
    let (mut scene, ann, _, dan) = ringing(Policy::default());
    scene.call(dan, "*8");
    scene.run(2000);
    scene.talk_to_each_other(ann, dan);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/104 -> server   INVITE *8 {10.0.1.4:6060 0,8}
        1        server -> acme/104 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/104 -> server   ACK *8
        2      acme/104 -> server   INVITE *8 +credentials {10.0.1.4:6060 0,8}
        3        server -> acme/104 200 OK (INVITE) {10.0.0.1:10002 0,8}
        3        server -> acme/102 CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        4      acme/104 -> server   ACK 1
        4      acme/102 -> server   200 OK (CANCEL)
        4      acme/102 -> server   487 Request Terminated (INVITE)
        4      acme/101 -> server   ACK 1
        5        server -> acme/102 ACK 102
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/104 BYE 104
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/104 -> server   200 OK (BYE)
        record 101 -> 104: 200/16 by Caller, rang, talked 1998 ms (ring 102, picked up by 104, answered), packets 4 and 4
    "#]]);
}

#[test]
fn nothing_rings() {
    let (mut scene, _, _, dan) = talking(Policy::default());
    scene.call(dan, "**102");
    scene.run(100);
    scene.call(dan, "*8");
    scene.run(100);
    scene.act(dan, |p, now| p.call("**102@beta.example", now));
    scene.run(100);
    scene.hang_up(0);
    scene.ends(expect![[r#"
        0      acme/102' -> server   INVITE **102 {10.0.1.4:6060 0,8}
        1        server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102' -> server   ACK **102
        2      acme/102' -> server   INVITE **102 +credentials {10.0.1.4:6060 0,8}
        3        server -> acme/102' 100 Trying (INVITE)
        3        server -> acme/102' 404 Not Found (INVITE) [Q.850;cause=1]
        4      acme/102' -> server   ACK **102
        100    acme/102' -> server   INVITE *8 {10.0.1.4:6060 0,8}
        101      server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        102    acme/102' -> server   ACK *8
        102    acme/102' -> server   INVITE *8 +credentials {10.0.1.4:6060 0,8}
        103      server -> acme/102' 100 Trying (INVITE)
        103      server -> acme/102' 404 Not Found (INVITE) [Q.850;cause=1]
        104    acme/102' -> server   ACK *8
        200    acme/102' -> server   INVITE **102 {10.0.1.4:6060 0,8}
        201      server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        202    acme/102' -> server   ACK **102
        202    acme/102' -> server   INVITE **102 +credentials {10.0.1.4:6060 0,8}
        203      server -> acme/102' 100 Trying (INVITE)
        203      server -> acme/102' 403 Forbidden (INVITE) [Q.850;cause=21]
        204    acme/102' -> server   ACK **102
        300    acme/101 -> server   BYE 1
        301      server -> acme/102 BYE 102
        301      server -> acme/101 200 OK (BYE)
        302    acme/102 -> server   200 OK (BYE)
        record 102 -> **102: 404/1 by System (unknown number)
        record 102 -> *8: 404/1 by System (unknown number)
        record 102 -> **102: 403/21 by System (foreign domain)
        record 101 -> 102: 200/16 by Caller, rang, talked 1396 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn the_phone_answers_at_the_same_moment() {
    let (mut scene, ann, bea, dan) = ringing(Policy::default());
    scene.answers(bea, Answer::PickUp(0));
    scene.world.network.set_weather(sim::net::Weather {
        delay_ms: 20,
        ..sim::net::Weather::FAIR
    });
    scene.call(dan, "**102");
    scene.run(41);
    scene.act(bea, |p, now| p.pick_up(0, now));
    scene.run(3000);
    scene.talk_to_each_other(ann, dan);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/104 -> server   INVITE **102 {10.0.1.4:6060 0,8}
        20       server -> acme/104 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        40     acme/104 -> server   ACK **102
        40     acme/104 -> server   INVITE **102 +credentials {10.0.1.4:6060 0,8}
        41     acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        60       server -> acme/104 200 OK (INVITE) {10.0.0.1:10002 0,8}
        60       server -> acme/102 CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        60       server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        61       server -> acme/102 ACK 102
        61       server -> acme/102 BYE 102 [SIP;cause=200;text="Call completed elsewhere"]
        80     acme/104 -> server   ACK 1
        80     acme/102 -> server   200 OK (CANCEL)
        80     acme/101 -> server   ACK 1
        81     acme/102 -> server   200 OK (BYE)
        3041   acme/101 -> server   BYE 1
        3061     server -> acme/104 BYE 104
        3061     server -> acme/101 200 OK (BYE)
        3081   acme/104 -> server   200 OK (BYE)
        record 101 -> 104: 200/16 by Caller, rang, talked 3001 ms (ring 102, picked up by 104, answered), packets 6 and 6
    "#]]);
}

#[test]
fn a_transfer_that_rings_is_picked_up() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let dan = scene.phone("104", Answer::Ring);
    scene.refresh_voices();
    scene.phone("103", Answer::Ring);
    scene.act(ann, |p, now| p.refer(0, "103", now));
    scene.run(100);
    scene.call(dan, "**103");
    scene.run(2000);
    scene.talk_to_each_other(bea, dan);
    scene.hang_up(bea);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        100    acme/104 -> server   INVITE **103 {10.0.1.4:6060 0,8}
        101      server -> acme/104 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        102    acme/104 -> server   ACK **103
        102    acme/104 -> server   INVITE **103 +credentials {10.0.1.4:6060 0,8}
        103      server -> acme/104 200 OK (INVITE) {10.0.0.1:10006 0,8}
        103      server -> acme/103 CANCEL 103 [SIP;cause=200;text="Call completed elsewhere"]
        103      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        103      server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        104    acme/104 -> server   ACK 1
        104    acme/103 -> server   200 OK (CANCEL)
        104    acme/103 -> server   487 Request Terminated (INVITE)
        104    acme/101 -> server   200 OK (NOTIFY)
        104    acme/101 -> server   BYE 1
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        105      server -> acme/103 ACK 103
        105      server -> acme/101 200 OK (BYE)
        105      server -> acme/102 ACK 102
        2100   acme/102 -> server   BYE 1
        2101     server -> acme/104 BYE 104
        2101     server -> acme/102 200 OK (BYE)
        2102   acme/104 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1298 ms (ring 102, answered), transferred to 104, packets 3 and 3
        record 102 -> 104: 200/16 by Caller, rang, talked 1998 ms (ring 103, picked up by 104, answered), transferred by 101, packets 4 and 4
    "#]]);
}
