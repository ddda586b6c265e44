//! Phones that break off, keep silent or speak out of turn: every call ends, and nothing stays behind.

use super::Scene;
use expect_test::expect;
use model::Transport;
use sim::phone::Answer;

#[test]
fn a_caller_whose_connection_breaks_while_it_rings_has_given_up() {
    let mut scene = Scene::new();
    let caller = scene.phone_on("101", Transport::Tcp, Answer::PickUp(0));
    scene.phone("102", Answer::PickUp(3000));
    scene.call(caller, "102");
    scene.run(1000);
    scene.curtain();
    scene.world.disconnect(caller);
    scene.ends(expect![[r#"
        0      acme/101 loses its connection
        0        server -> acme/102 CANCEL 102
        1      acme/102 -> server   200 OK (CANCEL)
        1      acme/102 -> server   487 Request Terminated (INVITE)
        2        server -> acme/102 ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn a_reinvite_whose_connection_breaks_is_called_off() {
    let mut scene = Scene::new();
    let caller = scene.phone_on("101", Transport::Tcp, Answer::PickUp(0));
    let callee = scene.phone("102", Answer::PickUp(0));
    scene.call(caller, "102");
    scene.run(1000);
    scene.curtain();
    scene.lose_to(callee, "INVITE", 2);
    scene.reinvite(caller, "sendonly");
    scene.run(100);
    scene.world.disconnect(caller);
    scene.act(caller, |phone, now| phone.register(3600, now));
    scene.run(3000);
    scene.reinvite(callee, "sendonly");
    scene.run(1000);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -x acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        100    acme/101 loses its connection
        100    acme/101 -> server   REGISTER acme.example <sip:101@10.0.1.2:5060;transport=tcp> Expires 3600
        101      server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        102    acme/101 -> server   REGISTER acme.example +credentials <sip:101@10.0.1.2:5060;transport=tcp> Expires 3600
        103      server -> acme/101 200 OK (REGISTER) <sip:101@10.0.1.2:5060;transport=tcp>;expires=3600
        501      server -x acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1501     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1502   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        1503     server -> acme/102 ACK 102
        3100   acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
        3101     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 sendonly}
        3101     server -> acme/102 100 Trying (INVITE)
        3102   acme/101 -> server   491 Request Pending (INVITE)
        3103     server -> acme/101 ACK 101
        3103     server -> acme/102 491 Request Pending (INVITE)
        3104   acme/102 -> server   ACK 1
        4100   acme/102 -> server   BYE 1
        4101     server -> acme/101 BYE 101
        4101     server -> acme/102 200 OK (BYE)
        4102   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 5096 ms (ring 102, answered), packets 11 and 5
    "#]]);
}
