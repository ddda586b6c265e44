//! Browsers: SIP over WebSocket (RFC 7118), signed in by a token instead of a password.

use super::scene::{ACME, Scene, with_users};
use expect_test::expect;
use model::Transport;
use sim::phone::Answer;
use std::time::Duration;

impl Scene {
    /// A page of acme that opens its connection with a token of so many seconds, and has said nothing yet.
    fn page(&mut self, user: &str, ttl_s: u64, answer: Answer) -> usize {
        let page = self.world.add_phone("acme.example", user, Transport::Wss, answer);
        self.open(page, user, ttl_s);
        self.curtain();
        page
    }

    /// The page opens its connection anew with a new token of this user.
    fn open(&mut self, page: usize, user: &str, ttl_s: u64) {
        let (now, ttl) = (self.world.now(), Duration::from_secs(ttl_s));
        let token = self.world.server.token(ACME, user, ttl, now);
        self.world.phones[page].token = token;
        self.world.disconnect(page);
    }

    fn register(&mut self, page: usize) {
        self.act(page, |page, now| page.register(600, now));
        self.run(100);
    }
}

#[test]
fn a_page_registers_by_its_token_is_called_and_calls_without_a_challenge() {
    let mut scene = Scene::new();
    let page = scene.page("101", 300, Answer::PickUp(500));
    scene.register(page);
    let phone = scene.phone_on("102", Transport::Udp, Answer::PickUp(500));
    scene.call(page, "102");
    scene.run(1_000);
    scene.hang_up(page);
    scene.run(100);
    scene.sees(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 100 Trying (INVITE)
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        2      acme/102 -> server   180 Ringing (INVITE)
        3        server -> acme/101 180 Ringing (INVITE)
        502    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        503      server -> acme/102 ACK 102
        503      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        504    acme/101 -> server   ACK 1
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 498 ms (ring 102, answered), packets 1 and 1
    "#]]);
    scene.call(phone, "101");
    scene.run(1_000);
    scene.act(phone, |phone, now| phone.hang_up(1, now));
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 101 {10.0.1.3:6060 0,8}
        1        server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102 -> server   ACK 101
        2      acme/102 -> server   INVITE 101 +credentials {10.0.1.3:6060 0,8}
        3        server -> acme/102 100 Trying (INVITE)
        3        server -> acme/101 INVITE 101 {10.0.0.1:10006 0,8}
        4      acme/101 -> server   180 Ringing (INVITE)
        5        server -> acme/102 180 Ringing (INVITE)
        504    acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        505      server -> acme/101 ACK 101
        505      server -> acme/102 200 OK (INVITE) {10.0.0.1:10004 0,8}
        506    acme/102 -> server   ACK 1
        1000   acme/102 -> server   BYE 1
        1001     server -> acme/101 BYE 101
        1001     server -> acme/102 200 OK (BYE)
        1002   acme/101 -> server   200 OK (BYE)
        record 102 -> 101: 200/16 by Caller, rang, talked 496 ms (ring 101, answered), packets 1 and 1
    "#]]);
}

#[test]
fn a_call_is_kept_when_the_page_loses_its_connection_and_comes_back() {
    let mut scene = Scene::new();
    let page = scene.page("101", 300, Answer::PickUp(500));
    scene.register(page);
    let phone = scene.phone_on("102", Transport::Udp, Answer::PickUp(500));
    scene.call(page, "102");
    scene.run(1_000);
    scene.curtain();
    scene.world.disconnect(page);
    scene.register(page);
    scene.reinvite(phone, "sendonly");
    scene.run(200);
    scene.reinvite(page, "sendrecv");
    scene.run(200);
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 loses its connection
        0      acme/101 -> server   REGISTER acme.example <sip:101@10-0-1-2.invalid;transport=ws> Expires 600
        1        server -> acme/101 200 OK (REGISTER) <sip:101@10-0-1-2.invalid;transport=ws>;expires=600
        100    acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
        101      server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 sendonly}
        101      server -> acme/102 100 Trying (INVITE)
        102    acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 recvonly}
        103      server -> acme/101 ACK 101
        103      server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8 recvonly}
        104    acme/102 -> server   ACK 1
        300    acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
        301      server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        301      server -> acme/101 100 Trying (INVITE)
        302    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        303      server -> acme/102 ACK 102
        303      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        304    acme/101 -> server   ACK 1
        500    acme/102 -> server   BYE 1
        501      server -> acme/101 BYE 101
        501      server -> acme/102 200 OK (BYE)
        502    acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 998 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn after_its_token_has_ended_a_page_calls_on_but_registers_no_longer() {
    let mut scene = Scene::new();
    let page = scene.page("101", 60, Answer::PickUp(500));
    scene.world.phones[page].identity.password = String::from("unknown to it");
    scene.register(page);
    let _phone = scene.phone_on("102", Transport::Udp, Answer::PickUp(500));
    scene.run(61_000);
    scene.curtain();
    scene.call(page, "102");
    scene.run(1_000);
    scene.register(page);
    scene.hang_up(page);
    scene.run(100);
    scene.sees(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 100 Trying (INVITE)
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        2      acme/102 -> server   180 Ringing (INVITE)
        3        server -> acme/101 180 Ringing (INVITE)
        502    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        503      server -> acme/102 ACK 102
        503      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        504    acme/101 -> server   ACK 1
        1000   acme/101 -> server   REGISTER acme.example <sip:101@10-0-1-2.invalid;transport=ws> Expires 600
        1001     server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        1002   acme/101 -> server   REGISTER acme.example +credentials <sip:101@10-0-1-2.invalid;transport=ws> Expires 600
        1003     server -> acme/101 403 Forbidden (REGISTER)
        1100   acme/101 -> server   BYE 1
        1101     server -> acme/102 BYE 102
        1101     server -> acme/101 200 OK (BYE)
        1102   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 598 ms (ring 102, answered), packets 2 and 2
    "#]]);
    // A new token in the request makes the registration last again.
    let (now, ttl) = (scene.world.now(), Duration::from_secs(60));
    scene.world.phones[page].bearer = scene.world.server.token(ACME, "101", ttl, now);
    scene.register(page);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REGISTER acme.example +credentials <sip:101@10-0-1-2.invalid;transport=ws> Expires 600
        1        server -> acme/101 200 OK (REGISTER) <sip:101@10-0-1-2.invalid;transport=ws>;expires=600
    "#]]);
}

#[test]
fn an_ended_token_opens_no_connection() {
    let mut scene = Scene::new();
    let page = scene.page("101", 60, Answer::PickUp(500));
    scene.run(61_000);
    scene.world.disconnect(page);
    scene.register(page);
    scene.ends(expect![[r#"
        61000  acme/101 loses its connection
        61000  acme/101 is not let in: 403
        61000  acme/101 -> server   REGISTER acme.example <sip:101@10-0-1-2.invalid;transport=ws> Expires 600
    "#]]);
}

#[test]
fn a_token_is_good_for_one_user_of_one_tenant() {
    let mut scene = Scene::new();
    let page = scene.page("101", 300, Answer::PickUp(500));
    scene.world.phones[page].identity.password = String::from("unknown to it");
    scene.world.phones[page].identity.user = String::from("102");
    scene.register(page);
    scene.call(page, "103");
    scene.run(100);
    scene.sees(expect![[r#"
        0      acme/101 -> server   REGISTER acme.example <sip:102@10-0-1-2.invalid;transport=ws> Expires 600
        1        server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2      acme/101 -> server   REGISTER acme.example +credentials <sip:102@10-0-1-2.invalid;transport=ws> Expires 600
        3        server -> acme/101 403 Forbidden (REGISTER)
        100    acme/101 -> server   INVITE 103 {10.0.1.2:6060 0,8}
        101      server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        102    acme/101 -> server   ACK 103
        102    acme/101 -> server   INVITE 103 +credentials {10.0.1.2:6060 0,8}
        103      server -> acme/101 403 Forbidden (INVITE)
        104    acme/101 -> server   ACK 103
    "#]]);
    scene.world.phones[page].identity.domain = String::from("beta.example");
    scene.world.phones[page].identity.user = String::from("101");
    scene.register(page);
    scene.call(page, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   REGISTER beta.example <sip:101@10-0-1-2.invalid;transport=ws> Expires 600
        1        server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2      acme/101 -> server   REGISTER beta.example +credentials <sip:101@10-0-1-2.invalid;transport=ws> Expires 600
        3        server -> acme/101 403 Forbidden (REGISTER)
        100    acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        101      server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        102    acme/101 -> server   ACK 102
        102    acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        103      server -> acme/101 403 Forbidden (INVITE)
        104    acme/101 -> server   ACK 102
    "#]]);
}

#[test]
fn a_disabled_user_loses_the_open_connection_at_once_and_a_call_in_it_stays() {
    let mut scene = Scene::new();
    let page = scene.page("101", 300, Answer::PickUp(500));
    scene.world.phones[page].identity.password = String::from("unknown to it");
    scene.register(page);
    let _phone = scene.phone_on("102", Transport::Udp, Answer::PickUp(500));
    scene.call(page, "102");
    scene.run(1_000);
    scene.curtain();
    let now = scene.world.now();
    let without = with_users(2, |user| user.enabled = &*user.extension != "101");
    scene.world.server.configure(without, now);
    scene.register(page);
    scene.call(page, "103");
    scene.run(100);
    scene.hang_up(page);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REGISTER acme.example <sip:101@10-0-1-2.invalid;transport=ws> Expires 600
        1        server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2      acme/101 -> server   REGISTER acme.example +credentials <sip:101@10-0-1-2.invalid;transport=ws> Expires 600
        3        server -> acme/101 403 Forbidden (REGISTER)
        100    acme/101 -> server   INVITE 103 {10.0.1.2:6060 0,8}
        101      server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        102    acme/101 -> server   ACK 103
        102    acme/101 -> server   INVITE 103 +credentials {10.0.1.2:6060 0,8}
        103      server -> acme/101 403 Forbidden (INVITE)
        104    acme/101 -> server   ACK 103
        200    acme/101 -> server   BYE 1
        201      server -> acme/102 BYE 102
        201      server -> acme/101 200 OK (BYE)
        202    acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 698 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn a_token_in_a_request_over_udp_is_not_looked_at() {
    let mut scene = Scene::new();
    let phone = scene
        .world
        .add_phone("acme.example", "101", Transport::Udp, Answer::Ring);
    scene.world.phones[phone].identity.password = String::from("unknown to it");
    let (now, ttl) = (scene.world.now(), Duration::from_secs(60));
    scene.world.phones[phone].bearer = scene.world.server.token(ACME, "101", ttl, now);
    scene.register(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REGISTER acme.example +credentials <sip:101@10.0.1.2:5060> Expires 600
        1        server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2      acme/101 -> server   REGISTER acme.example +credentials <sip:101@10.0.1.2:5060> Expires 600
        3        server -> acme/101 403 Forbidden (REGISTER)
    "#]]);
}

#[test]
fn a_page_with_a_password_answers_the_challenge_like_any_phone() {
    let mut scene = Scene::new();
    let page = scene
        .world
        .add_phone("acme.example", "101", Transport::Ws, Answer::Ring);
    scene.register(page);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REGISTER acme.example <sip:101@10-0-1-2.invalid;transport=ws> Expires 600
        1        server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2      acme/101 -> server   REGISTER acme.example +credentials <sip:101@10-0-1-2.invalid;transport=ws> Expires 600
        3        server -> acme/101 200 OK (REGISTER) <sip:101@10-0-1-2.invalid;transport=ws>;expires=600
    "#]]);
}
