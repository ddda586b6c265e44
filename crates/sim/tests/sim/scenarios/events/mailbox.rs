//! The mailbox lamp (RFC 3842).

use super::Scene;
use expect_test::expect;
use model::{EventCommand, Mailbox, UserId};
use pbx::Input;
use sim::phone::Answer;

fn mailbox(scene: &mut Scene, user: u64, new: u32, old: u32) {
    scene.input(Input::Event(EventCommand::Mailbox {
        user: UserId(user),
        mailbox: Mailbox { new, old },
    }));
}

#[test]
fn a_message_arrives_and_is_heard() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    scene.act(phone, |p, now| p.watch("message-summary", "101", 600, now));
    scene.run(1000);
    mailbox(&mut scene, 1, 1, 0);
    scene.run(1000);
    mailbox(&mut scene, 1, 0, 1);
    scene.run(1000);
    // Somebody else's mailbox, and one that does not exist: the same answer.
    scene.act(phone, |p, now| p.watch("message-summary", "102", 600, now));
    scene.act(phone, |p, now| p.watch("message-summary", "999", 600, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   SUBSCRIBE 101 Expires 600 Event message-summary
        1        server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/101 -> server   SUBSCRIBE 101 +credentials Expires 600 Event message-summary
        3        server -> acme/101 200 OK (SUBSCRIBE) Expires 600
        3        server -> acme/101 NOTIFY 101 Event message-summary Subscription-State active;expires=600 {Messages-Waiting: no Message-Account: sip:101@acme.example Voice-Message: 0/0 (0/0)}
        4      acme/101 -> server   200 OK (NOTIFY)
        1000     server -> acme/101 NOTIFY 101 Event message-summary Subscription-State active;expires=599 {Messages-Waiting: yes Message-Account: sip:101@acme.example Voice-Message: 1/0 (0/0)}
        1001   acme/101 -> server   200 OK (NOTIFY)
        2000     server -> acme/101 NOTIFY 101 Event message-summary Subscription-State active;expires=598 {Messages-Waiting: no Message-Account: sip:101@acme.example Voice-Message: 0/1 (0/0)}
        2001   acme/101 -> server   200 OK (NOTIFY)
        3000   acme/101 -> server   SUBSCRIBE 102 Expires 600 Event message-summary
        3000   acme/101 -> server   SUBSCRIBE 999 Expires 600 Event message-summary
        3001     server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        3001     server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        3002   acme/101 -> server   SUBSCRIBE 102 +credentials Expires 600 Event message-summary
        3002   acme/101 -> server   SUBSCRIBE 999 +credentials Expires 600 Event message-summary
        3003     server -> acme/101 404 Not Found (SUBSCRIBE)
        3003     server -> acme/101 404 Not Found (SUBSCRIBE)
    "#]]);
}

#[test]
fn counts_outlive_a_restart() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    mailbox(&mut scene, 1, 3, 2);
    scene.world.restart_server();
    scene.act(phone, |p, now| p.watch("message-summary", "101", 0, now));
    scene.ends(expect![[r#"
        0        server -> acme/101 NOTIFY 101 Event message-summary Subscription-State terminated;reason=timeout {Messages-Waiting: yes Message-Account: sip:101@acme.example Voice-Message: 3/2 (0/0)}
        0        server dies and comes back
        0      acme/101 -> server   SUBSCRIBE 101 Expires 0 Event message-summary
        1      acme/101 -> server   200 OK (NOTIFY)
        1        server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/101 -> server   SUBSCRIBE 101 +credentials Expires 0 Event message-summary
        3        server -> acme/101 200 OK (SUBSCRIBE) Expires 0
        3        server -> acme/101 NOTIFY 101 Event message-summary Subscription-State terminated;reason=timeout {Messages-Waiting: yes Message-Account: sip:101@acme.example Voice-Message: 3/2 (0/0)}
        4      acme/101 -> server   200 OK (NOTIFY)
    "#]]);
}
