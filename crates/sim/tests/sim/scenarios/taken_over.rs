//! INVITE with Replaces that takes a call which is up, and the moments at which it may fail (RFC 3891 §3).

use super::Scene;
use super::taken::{pickup, replaces, ringing, talking};
use expect_test::expect;
use model::{MediaPolicy, PickupPolicy, Policy, Transport};
use sim::phone::Answer;
use std::time::Duration;

#[test]
fn a_call_is_taken_over() {
    let (mut scene, ann, bea, dan) = talking(Policy::default());
    let name = replaces(&scene, bea, "");
    scene.act(dan, |p, now| p.call_replacing("101", &name, now));
    scene.run(2000);
    scene.talk_to_each_other(ann, dan);
    scene.hang_up(dan);
    scene.ends(expect![[r#"
        0      acme/102' -> server   INVITE 101 Require replaces +replaces {10.0.1.4:6060 0,8}
        1        server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102' -> server   ACK 101
        2      acme/102' -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.4:6060 0,8}
        3        server -> acme/102' 100 Trying (INVITE)
        3        server -> acme/102 BYE 102
        3        server -> acme/102' 200 OK (INVITE) {10.0.0.1:10004 0,8}
        3        server -> acme/101 INVITE 101 {10.0.0.1:10006 0,8}
        4      acme/102 -> server   200 OK (BYE)
        4      acme/102' -> server   ACK 1
        4      acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        5        server -> acme/101 ACK 101
        2000   acme/102' -> server   BYE 1
        2001     server -> acme/101 BYE 101
        2001     server -> acme/102' 200 OK (BYE)
        2002   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1098 ms (ring 102, answered), transferred to 102, packets 3 and 3
        record 102 -> 101: 200/16 by Caller, talked 1998 ms (taken over, answered), packets 4 and 4
    "#]]);
}

#[test]
fn a_call_with_direct_audio_is_taken_over() {
    let (mut scene, ann, bea, dan) = talking(Policy {
        media: MediaPolicy::Direct,
        ..Policy::default()
    });
    let name = replaces(&scene, bea, "");
    scene.act(dan, |p, now| p.call_replacing("101", &name, now));
    scene.run(2000);
    scene.talk_to_each_other(ann, dan);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/102' -> server   INVITE 101 Require replaces +replaces {10.0.1.4:6060 0,8}
        1        server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102' -> server   ACK 101
        2      acme/102' -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.4:6060 0,8}
        3        server -> acme/102' 100 Trying (INVITE)
        3        server -> acme/102 BYE 102
        3        server -> acme/102' 200 OK (INVITE) {10.0.1.2:6060 0,8}
        3        server -> acme/101 INVITE 101 {10.0.1.4:6060 0,8}
        4      acme/102 -> server   200 OK (BYE)
        4      acme/102' -> server   ACK 1
        4      acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        5        server -> acme/101 ACK 101
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102' BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102' -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1098 ms (ring 102, answered), transferred to 102
        record 102 -> 101: 200/16 by Callee, talked 1998 ms (taken over, answered)
    "#]]);
}

#[test]
fn a_conversation_is_not_taken_from_somebody_else() {
    let (mut scene, ann, bea, mobile) = talking(pickup(PickupPolicy::All));
    let dan = scene.phone("104", Answer::Ring);
    let name = replaces(&scene, bea, "");
    scene.act(dan, |p, now| p.call_replacing("101", &name, now));
    scene.run(100);
    scene.act(mobile, |p, now| p.call_replacing("101", &name, now));
    scene.run(2000);
    scene.talk_to_each_other(ann, mobile);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/104 -> server   INVITE 101 Require replaces +replaces {10.0.1.5:6060 0,8}
        1        server -> acme/104 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/104 -> server   ACK 101
        2      acme/104 -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.5:6060 0,8}
        3        server -> acme/104 403 Forbidden (INVITE)
        4      acme/104 -> server   ACK 101
        100    acme/102' -> server   INVITE 101 Require replaces +replaces {10.0.1.4:6060 0,8}
        101      server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        102    acme/102' -> server   ACK 101
        102    acme/102' -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.4:6060 0,8}
        103      server -> acme/102' 100 Trying (INVITE)
        103      server -> acme/102 BYE 102
        103      server -> acme/102' 200 OK (INVITE) {10.0.0.1:10004 0,8}
        103      server -> acme/101 INVITE 101 {10.0.0.1:10006 0,8}
        104    acme/102 -> server   200 OK (BYE)
        104    acme/102' -> server   ACK 1
        104    acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        105      server -> acme/101 ACK 101
        2100   acme/101 -> server   BYE 1
        2101     server -> acme/102' BYE 102
        2101     server -> acme/101 200 OK (BYE)
        2102   acme/102' -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1298 ms (ring 102, answered), transferred to 102, packets 3 and 3
        record 102 -> 101: 200/16 by Callee, talked 1998 ms (taken over, answered), packets 4 and 4
    "#]]);
}

#[test]
fn policy_forbids() {
    let (mut scene, ann, bea, dan) = ringing(pickup(PickupPolicy::None));
    let name = replaces(&scene, bea, "");
    scene.act(dan, |p, now| p.call_replacing("102", &name, now));
    scene.run(100);
    scene.call(dan, "**102");
    scene.run(100);
    scene.cancel(ann);
    scene.ends(expect![[r#"
        0      acme/104 -> server   INVITE 102 Require replaces +replaces {10.0.1.4:6060 0,8}
        1        server -> acme/104 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/104 -> server   ACK 102
        2      acme/104 -> server   INVITE 102 +credentials Require replaces +replaces {10.0.1.4:6060 0,8}
        3        server -> acme/104 403 Forbidden (INVITE)
        4      acme/104 -> server   ACK 102
        100    acme/104 -> server   INVITE **102 {10.0.1.4:6060 0,8}
        101      server -> acme/104 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        102    acme/104 -> server   ACK **102
        102    acme/104 -> server   INVITE **102 +credentials {10.0.1.4:6060 0,8}
        103      server -> acme/104 100 Trying (INVITE)
        103      server -> acme/104 404 Not Found (INVITE) [Q.850;cause=1]
        104    acme/104 -> server   ACK **102
        200    acme/101 -> server   CANCEL 102
        201      server -> acme/101 200 OK (CANCEL)
        201      server -> acme/102 CANCEL 102
        201      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        202    acme/102 -> server   200 OK (CANCEL)
        202    acme/102 -> server   487 Request Terminated (INVITE)
        202    acme/101 -> server   ACK 102
        203      server -> acme/102 ACK 102
        record 104 -> **102: 404/1 by System (unknown number)
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn names_that_nobody_may_use() {
    let (mut scene, ann, bea, dan) = talking(Policy::default());
    let early_only = replaces(&scene, bea, ";early-only");
    let up = replaces(&scene, bea, "");
    let eve = scene.phone_at("beta.example", "101", Transport::Udp, Answer::Ring);
    for name in [early_only.as_str(), "x;to-tag=1;from-tag=2", "nonsense"] {
        scene.act(dan, |p, now| p.call_replacing("101", name, now));
        scene.run(100);
    }
    scene.act(eve, |p, now| p.call_replacing("101", &up, now));
    scene.run(100);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/102' -> server   INVITE 101 Require replaces +replaces early-only {10.0.1.4:6060 0,8}
        1        server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102' -> server   ACK 101
        2      acme/102' -> server   INVITE 101 +credentials Require replaces +replaces early-only {10.0.1.4:6060 0,8}
        3        server -> acme/102' 486 Busy Here (INVITE)
        4      acme/102' -> server   ACK 101
        100    acme/102' -> server   INVITE 101 Require replaces +replaces {10.0.1.4:6060 0,8}
        101      server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        102    acme/102' -> server   ACK 101
        102    acme/102' -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.4:6060 0,8}
        103      server -> acme/102' 481 Call/Transaction Does Not Exist (INVITE)
        104    acme/102' -> server   ACK 101
        200    acme/102' -> server   INVITE 101 Require replaces +replaces {10.0.1.4:6060 0,8}
        201      server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        202    acme/102' -> server   ACK 101
        202    acme/102' -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.4:6060 0,8}
        203      server -> acme/102' 400 Bad Request (INVITE)
        204    acme/102' -> server   ACK 101
        300    beta/101 -> server   INVITE 101 Require replaces +replaces {10.0.1.5:6060 0,8}
        301      server -> beta/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        302    beta/101 -> server   ACK 101
        302    beta/101 -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.5:6060 0,8}
        303      server -> beta/101 481 Call/Transaction Does Not Exist (INVITE)
        304    beta/101 -> server   ACK 101
        400    acme/101 -> server   BYE 1
        401      server -> acme/102 BYE 102
        401      server -> acme/101 200 OK (BYE)
        402    acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1596 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn the_callers_own_early_dialog_and_one_that_ends() {
    let (mut scene, ann, bea, dan) = ringing(Policy::default());
    scene.mute(&[ann, bea]);
    let early = replaces(&scene, ann, "");
    scene.act(dan, |p, now| p.call_replacing("102", &early, now));
    scene.run(100);
    scene.act(bea, |p, now| p.pick_up(0, now));
    scene.run(500);
    scene.world.server.media_lag = Duration::from_millis(100);
    let ending = replaces(&scene, bea, "");
    scene.hang_up(ann);
    scene.run(2);
    scene.act(dan, |p, now| p.call_replacing("101", &ending, now));
    scene.run(1000);
    scene.ends(expect![[r#"
        0      acme/104 -> server   INVITE 102 Require replaces +replaces {10.0.1.4:6060 0,8}
        1        server -> acme/104 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/104 -> server   ACK 102
        2      acme/104 -> server   INVITE 102 +credentials Require replaces +replaces {10.0.1.4:6060 0,8}
        3        server -> acme/104 481 Call/Transaction Does Not Exist (INVITE)
        4      acme/104 -> server   ACK 102
        100    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        101      server -> acme/102 ACK 102
        101      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        102    acme/101 -> server   ACK 1
        600    acme/101 -> server   BYE 1
        601      server -> acme/102 BYE 102
        602    acme/102 -> server   200 OK (BYE)
        602    acme/104 -> server   INVITE 101 Require replaces +replaces {10.0.1.4:6060 0,8}
        603      server -> acme/104 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        604    acme/104 -> server   ACK 101
        604    acme/104 -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.4:6060 0,8}
        605      server -> acme/104 603 Decline (INVITE)
        606    acme/104 -> server   ACK 101
        801      server -> acme/101 200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 500 ms (ring 102, answered)
    "#]]);
}

#[test]
fn no_common_codec() {
    let (mut scene, ann, bea, dan) = talking(Policy::default());
    scene.act(dan, |p, _| p.codecs = vec![18]);
    let name = replaces(&scene, bea, "");
    scene.act(dan, |p, now| p.call_replacing("101", &name, now));
    scene.run(1000);
    scene.talk_to_each_other(ann, bea);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/102' -> server   INVITE 101 Require replaces +replaces {10.0.1.4:6060 18}
        1        server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102' -> server   ACK 101
        2      acme/102' -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.4:6060 18}
        3        server -> acme/102' 488 Not Acceptable Here (INVITE)
        4      acme/102' -> server   ACK 101
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2096 ms (ring 102, answered), packets 5 and 5
    "#]]);
}

#[test]
fn the_taker_gives_up() {
    let (mut scene, ann, bea, dan) = talking(Policy::default());
    let name = replaces(&scene, bea, "");
    scene.world.server.media_lag = Duration::from_millis(30);
    scene.act(dan, |p, now| p.call_replacing("101", &name, now));
    scene.run(10);
    scene.act(dan, |p, now| p.cancel(0, now));
    scene.run(100);
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(ann, bea);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/102' -> server   INVITE 101 Require replaces +replaces {10.0.1.4:6060 0,8}
        1        server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102' -> server   ACK 101
        2      acme/102' -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.4:6060 0,8}
        3        server -> acme/102' 100 Trying (INVITE)
        10     acme/102' -> server   CANCEL 101
        11       server -> acme/102' 200 OK (CANCEL)
        11       server -> acme/102' 487 Request Terminated (INVITE) [Q.850;cause=16]
        12     acme/102' -> server   ACK 101
        1110   acme/101 -> server   BYE 1
        1111     server -> acme/102 BYE 102
        1112   acme/102 -> server   200 OK (BYE)
        1171     server -> acme/101 200 OK (BYE)
        record 102 -> 101: 487/16 by Caller (taken over)
        record 101 -> 102: 200/16 by Caller, rang, talked 2206 ms (ring 102, answered), packets 5 and 5
    "#]]);
}

#[test]
fn the_replaced_phone_hangs_up_first() {
    let (mut scene, ann, bea, dan) = talking(Policy::default());
    let name = replaces(&scene, bea, "");
    scene.world.server.media_lag = Duration::from_millis(30);
    scene.act(dan, |p, now| p.call_replacing("101", &name, now));
    scene.run(10);
    scene.hang_up(bea);
    scene.run(2000);
    scene.talk_to_each_other(ann, dan);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/102' -> server   INVITE 101 Require replaces +replaces {10.0.1.4:6060 0,8}
        1        server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102' -> server   ACK 101
        2      acme/102' -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.4:6060 0,8}
        3        server -> acme/102' 100 Trying (INVITE)
        10     acme/102 -> server   BYE 1
        63       server -> acme/102' 200 OK (INVITE) {10.0.0.1:10004 0,8}
        63       server -> acme/101 INVITE 101 {10.0.0.1:10006 0,8}
        64     acme/102' -> server   ACK 1
        64     acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        65       server -> acme/101 ACK 101
        71       server -> acme/102 200 OK (BYE)
        2010   acme/101 -> server   BYE 1
        2011     server -> acme/102' BYE 102
        2012   acme/102' -> server   200 OK (BYE)
        2071     server -> acme/101 200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1106 ms (ring 102, answered), transferred to 102, packets 3 and 3
        record 102 -> 101: 200/16 by Callee, talked 1948 ms (taken over, answered), packets 3 and 4
    "#]]);
}

#[test]
fn the_other_side_hangs_up_first() {
    let (mut scene, ann, bea, dan) = talking(Policy::default());
    let name = replaces(&scene, bea, "");
    scene.world.server.media_lag = Duration::from_millis(30);
    scene.act(dan, |p, now| p.call_replacing("101", &name, now));
    scene.run(10);
    scene.hang_up(ann);
    scene.run(1000);
    scene.ends(expect![[r#"
        0      acme/102' -> server   INVITE 101 Require replaces +replaces {10.0.1.4:6060 0,8}
        1        server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102' -> server   ACK 101
        2      acme/102' -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.4:6060 0,8}
        3        server -> acme/102' 100 Trying (INVITE)
        10     acme/101 -> server   BYE 1
        11       server -> acme/102 BYE 102
        11       server -> acme/102' 487 Request Terminated (INVITE) [Q.850;cause=16]
        12     acme/102 -> server   200 OK (BYE)
        12     acme/102' -> server   ACK 101
        71       server -> acme/101 200 OK (BYE)
        record 102 -> 101: 487/16 by Caller (taken over)
        record 101 -> 102: 200/16 by Caller, rang, talked 1106 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn a_ringing_call_is_picked_up_from_a_lamp() {
    let mut scene = Scene::with(Policy {
        lamps_show_dialog: true,
        ..Policy::default()
    });
    let ann = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Ring);
    let dan = scene.phone("104", Answer::Ring);
    scene.act(dan, |p, now| p.watch("dialog", "102", 600, now));
    scene.run(100);
    scene.call(ann, "102");
    scene.run(1000);
    scene.curtain();
    let lamp = scene.world.phones[dan].watches()[0].body.clone();
    let attribute = |name: &str| {
        let (_, rest) = lamp.split_once(&format!(" {name}=\"")).expect("an attribute");
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let [call_id, local, remote] = ["call-id", "local-tag", "remote-tag"].map(attribute);
    let name = format!("{call_id};to-tag={local};from-tag={remote};early-only");
    scene.act(dan, |p, now| p.call_replacing("102", &name, now));
    scene.run(2000);
    scene.talk_to_each_other(ann, dan);
    let lamp = &scene.world.phones[dan].watches()[0].body;
    assert!(!lamp.contains("<state>"), "{lamp}");
    scene.act(dan, |p, now| p.subscribe(0, 0, now));
    scene.hang_up(dan);
    scene.ends(expect![[r#"
        0      acme/104 -> server   INVITE 102 Require replaces +replaces early-only {10.0.1.4:6060 0,8}
        1        server -> acme/104 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/104 -> server   ACK 102
        2      acme/104 -> server   INVITE 102 +credentials Require replaces +replaces early-only {10.0.1.4:6060 0,8}
        3        server -> acme/104 200 OK (INVITE) {10.0.0.1:10002 0,8}
        3        server -> acme/102 CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        3        server -> acme/104 NOTIFY 104 Event dialog Subscription-State active;expires=598 {<dialog-info version="2" state="full" entity="sip:102@acme.example"></dialog-info>}
        4      acme/104 -> server   ACK 1
        4      acme/102 -> server   200 OK (CANCEL)
        4      acme/102 -> server   487 Request Terminated (INVITE)
        4      acme/101 -> server   ACK 1
        4      acme/104 -> server   200 OK (NOTIFY)
        5        server -> acme/102 ACK 102
        2000   acme/104 -> server   SUBSCRIBE 1 Expires 0 Event dialog
        2000   acme/104 -> server   BYE 1
        2001     server -> acme/104 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2001     server -> acme/101 BYE 101
        2001     server -> acme/104 200 OK (BYE)
        2002   acme/104 -> server   SUBSCRIBE 1 +credentials Expires 0 Event dialog
        2002   acme/101 -> server   200 OK (BYE)
        2003     server -> acme/104 200 OK (SUBSCRIBE) Expires 0
        2003     server -> acme/104 NOTIFY 104 Event dialog Subscription-State terminated;reason=timeout {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        2004   acme/104 -> server   200 OK (NOTIFY)
        record 101 -> 104: 200/16 by Callee, rang, talked 1998 ms (ring 102, picked up by 104, answered), packets 4 and 4
    "#]]);
}

/// Nobody would repeat the 2xx in the new call, and a phone without it has no dialog that could go there.
#[test]
fn not_before_the_other_side_has_its_2xx() {
    let mut scene = Scene::new();
    let ann = scene.phone("101", Answer::Ring);
    let bea = scene.phone("102", Answer::PickUp(100));
    scene.call(ann, "102");
    scene.run(50);
    scene.lose_to(ann, "SIP/2.0 200 OK", 1);
    scene.run(60);
    let second = scene.phone("102", Answer::Ring);
    let name = replaces(&scene, bea, "");
    scene.act(second, |phone, now| phone.call_replacing("101", &name, now));
    scene.run(1000);
    scene.refresh_voices();
    scene.act(second, |phone, now| phone.call_replacing("101", &name, now));
    scene.run(2000);
    scene.talk_to_each_other(ann, second);
    scene.hang_up(ann);
    scene.ends(expect![[r#"
        0      acme/102' -> server   INVITE 101 Require replaces +replaces {10.0.1.4:6060 0,8}
        1        server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102' -> server   ACK 101
        2      acme/102' -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.4:6060 0,8}
        3        server -> acme/102' 491 Request Pending (INVITE)
        4      acme/102' -> server   ACK 101
        395      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        396    acme/101 -> server   ACK 1
        1000   acme/102' -> server   INVITE 101 Require replaces +replaces {10.0.1.4:6060 0,8}
        1001     server -> acme/102' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1002   acme/102' -> server   ACK 101
        1002   acme/102' -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.4:6060 0,8}
        1003     server -> acme/102' 100 Trying (INVITE)
        1003     server -> acme/102 BYE 102
        1003     server -> acme/102' 200 OK (INVITE) {10.0.0.1:10004 0,8}
        1003     server -> acme/101 INVITE 101 {10.0.0.1:10006 0,8}
        1004   acme/102 -> server   200 OK (BYE)
        1004   acme/102' -> server   ACK 1
        1004   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1005     server -> acme/101 ACK 101
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102' BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102' -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1108 ms (ring 102, answered), transferred to 102, packets 2 and 3
        record 102 -> 101: 200/16 by Callee, talked 1998 ms (taken over, answered), packets 4 and 4
    "#]]);
}
