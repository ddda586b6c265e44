//! Browsers' audio (RFC 8829): who is offered ICE and DTLS-SRTP, what policy says of it, and what becomes of a leg without a path. The
//! pages describe themselves as browsers do and send nothing.

use super::scene::{ACME, Scene, session};
use expect_test::expect;
use model::{
    ForwardKind, Insecurity, Leg, MediaPolicy, MediaReport, Policy, SrtpPolicy, SrtpSuite, Transport,
    UserSettingsChange,
};
use sim::phone::Answer;
use sim::world::Trace;

fn policy(srtp: SrtpPolicy) -> Policy {
    Policy {
        srtp,
        ..Policy::default()
    }
}

impl Scene {
    fn with_browsers(policy: Policy) -> Scene {
        let mut scene = Scene::with(policy);
        scene.world.know_browsers();
        scene
    }

    fn page_with_engine(&mut self, user: &str, transport: Transport, answer: Answer) -> usize {
        let page = self.phone_on(user, transport, answer);
        self.act(page, |page, _| page.ufrag = Some("first"));
        page
    }
}

#[test]
fn a_browser_calls_a_plain_phone_holds_and_restarts_ice() {
    let mut scene = Scene::with_browsers(Policy::default());
    let page = scene.page_with_engine("101", Transport::Wss, Answer::Ring);
    scene.phone("102", Answer::PickUp(500));
    scene.call(page, "102");
    scene.run(2_000);
    scene.reinvite(page, "sendonly");
    scene.run(500);
    scene.act(page, |page, _| page.ufrag = Some("second"));
    scene.reinvite(page, "sendrecv");
    scene.run(500);
    scene.hang_up(page);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8 UDP/TLS/RTP/SAVPF }
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8 UDP/TLS/RTP/SAVPF }
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/102 ACK 102
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 UDP/TLS/RTP/SAVPF }
        506    acme/101 -> server   ACK 1
        2000   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly UDP/TLS/RTP/SAVPF }
        2001     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        2001     server -> acme/101 100 Trying (INVITE)
        2002   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        2003     server -> acme/102 ACK 102
        2003     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly UDP/TLS/RTP/SAVPF }
        2004   acme/101 -> server   ACK 1
        2500   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 UDP/TLS/RTP/SAVPF }
        2501     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        2501     server -> acme/101 100 Trying (INVITE)
        2502   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2503     server -> acme/102 ACK 102
        2503     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 UDP/TLS/RTP/SAVPF }
        2504   acme/101 -> server   ACK 1
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2496 ms (ring 102, answered), packets 0 and 4
    "#]]);
}

#[test]
fn a_browser_is_offered_what_it_takes_and_is_hung_up_when_no_path_is_found() {
    let mut scene = Scene::with_browsers(Policy {
        media: MediaPolicy::Direct,
        ..Policy::default()
    });
    let phone = scene.phone("102", Answer::Ring);
    scene.page_with_engine("101", Transport::Wss, Answer::PickUp(500));
    scene.call(phone, "101");
    scene.run(25_000);
    assert_eq!(scene.tenant_counts().ice_failed, 1);
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 101 {10.0.1.2:6060 0,8}
        1        server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102 -> server   ACK 101
        2      acme/102 -> server   INVITE 101 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/102 100 Trying (INVITE)
        3        server -> acme/101 INVITE 101 {10.0.0.1:10002 0,8 UDP/TLS/RTP/SAVPF }
        4      acme/101 -> server   180 Ringing (INVITE)
        5        server -> acme/102 180 Ringing (INVITE)
        504    acme/101 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 UDP/TLS/RTP/SAVPF }
        505      server -> acme/101 ACK 101
        505      server -> acme/102 200 OK (INVITE) {10.0.0.1:10000 0,8}
        506    acme/102 -> server   ACK 1
        20505    server -> acme/102 BYE 102 [Q.850;cause=41;text="no path by ICE"]
        20505    server -> acme/101 BYE 101 [Q.850;cause=41;text="no path by ICE"]
        20506  acme/102 -> server   200 OK (BYE)
        20506  acme/101 -> server   200 OK (BYE)
        record 102 -> 101: 200/41 by System, rang, talked 20000 ms (ring 101, answered), packets 40 and 0, Callee: cannot be reached by ICE
    "#]]);
}

/// What the media plane has found out about a leg of the one call that is up.
fn finds(scene: &mut Scene, leg: Leg, why: Insecurity) {
    let [call] = &scene.world.server.tenant(ACME).expect("acme").calls()[..] else {
        panic!("not one call");
    };
    let session = session(call.id.0);
    scene.input(pbx::Input::Media(MediaReport::Unsecured { session, leg, why }));
}

#[test]
fn who_is_not_whom_his_description_says_is_hung_up_whatever_policy_says() {
    let mut scene = Scene::with_browsers(policy(SrtpPolicy::Optional));
    let page = scene.page_with_engine("101", Transport::Wss, Answer::Ring);
    scene.phone("102", Answer::PickUp(500));
    scene.call(page, "102");
    scene.run(2_000);
    finds(&mut scene, Leg::Caller, Insecurity::Fingerprint);
    assert_eq!(scene.tenant_counts().dtls_failed, 1);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8 UDP/TLS/RTP/SAVPF }
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8 UDP/TLS/RTP/SAVPF }
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/102 ACK 102
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 UDP/TLS/RTP/SAVPF }
        506    acme/101 -> server   ACK 1
        2000     server -> acme/101 BYE 101 [Q.850;cause=88;text="wrong fingerprint"]
        2000     server -> acme/102 BYE 102 [Q.850;cause=88;text="wrong fingerprint"]
        2001   acme/101 -> server   200 OK (BYE)
        2001   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/88 by System, rang, talked 1495 ms (ring 102, answered), packets 0 and 3, Caller: has another certificate than it said
    "#]]);
}

#[test]
fn a_handshake_that_comes_to_nothing_ends_a_call_that_the_server_answers() {
    let mut scene = Scene::with_browsers(Policy::default());
    let page = scene.page_with_engine("101", Transport::Wss, Answer::Ring);
    scene.call(page, "*43");
    scene.run(2_000);
    finds(&mut scene, Leg::Caller, Insecurity::Handshake);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *43 {10.0.1.2:6060 0,8 UDP/TLS/RTP/SAVPF }
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *43
        2      acme/101 -> server   INVITE *43 +credentials {10.0.1.2:6060 0,8 UDP/TLS/RTP/SAVPF }
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0 UDP/TLS/RTP/SAVPF }
        4      acme/101 -> server   ACK 1
        2000     server -> acme/101 BYE 101 [Q.850;cause=88;text="DTLS handshake failed"]
        2001   acme/101 -> server   200 OK (BYE)
        record 101 -> *43: 200/88 by System, talked 1997 ms (echo, answered), packets 0, Caller: has agreed on no keys by DTLS
    "#]]);
}

/// Who was heard before may come back by another way: a restart of ICE, or the same path.
#[test]
fn who_answers_no_more_keeps_its_call() {
    let mut scene = Scene::with_browsers(Policy::default());
    let page = scene.page_with_engine("101", Transport::Wss, Answer::Ring);
    scene.phone("102", Answer::PickUp(500));
    scene.call(page, "102");
    scene.run(2_000);
    let call = scene.world.server.tenant(ACME).expect("acme").calls()[0].id;
    scene.input(pbx::Input::Media(MediaReport::Secured {
        session: session(call.0),
        leg: Leg::Caller,
        suite: SrtpSuite::AeadAes128Gcm,
    }));
    for why in [Insecurity::ConsentLost, Insecurity::NoPath] {
        finds(&mut scene, Leg::Caller, why);
    }
    assert_eq!(scene.tenant_counts().consent_lost, 1);
    scene.run(1_000);
    assert_eq!(scene.world.server.tenant(ACME).expect("acme").calls().len(), 1);
}

#[test]
fn who_only_looks_like_a_browser_is_asked_again_plainly() {
    let mut scene = Scene::with_browsers(Policy::default());
    let phone = scene.phone("102", Answer::Ring);
    let gateway = scene.phone_on("101", Transport::Wss, Answer::PickUp(500));
    scene.call(phone, "101");
    scene.run(2_000);
    scene.talk_to_each_other(phone, gateway);
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 101 {10.0.1.2:6060 0,8}
        1        server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102 -> server   ACK 101
        2      acme/102 -> server   INVITE 101 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/102 100 Trying (INVITE)
        3        server -> acme/101 INVITE 101 {10.0.0.1:10002 0,8 UDP/TLS/RTP/SAVPF }
        4      acme/101 -> server   488 Not Acceptable Here (INVITE)
        5        server -> acme/101 ACK 101
        5        server -> acme/101 INVITE 101 {10.0.0.1:10002 0,8}
        6      acme/101 -> server   180 Ringing (INVITE)
        7        server -> acme/102 180 Ringing (INVITE)
        506    acme/101 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        507      server -> acme/101 ACK 101
        507      server -> acme/102 200 OK (INVITE) {10.0.0.1:10000 0,8}
        508    acme/102 -> server   ACK 1
        2000   acme/102 -> server   BYE 1
        2001     server -> acme/101 BYE 101
        2001     server -> acme/102 200 OK (BYE)
        2002   acme/101 -> server   200 OK (BYE)
        record 102 -> 101: 200/16 by Caller, rang, talked 1494 ms (ring 101, answered), packets 3 and 3
    "#]]);
}

#[test]
fn policy_and_the_way_that_a_fingerprint_came_decide() {
    let outcomes = [
        (SrtpPolicy::Required, Transport::Wss),
        (SrtpPolicy::Required, Transport::Ws),
        (SrtpPolicy::Optional, Transport::Ws),
        (SrtpPolicy::None, Transport::Wss),
    ]
    .map(|(srtp, transport)| {
        let mut scene = Scene::with_browsers(policy(srtp));
        let page = scene.page_with_engine("101", transport, Answer::PickUp(100));
        scene.page_with_engine("102", transport, Answer::PickUp(100));
        scene.call(page, "102");
        scene.run(1_000);
        scene.tenant_counts().answered
    });
    assert_eq!(outcomes, [1, 0, 1, 0]);
}

#[test]
fn a_browser_that_comes_into_another_call_is_shown_another_certificate() {
    let mut scene = Scene::with_browsers(Policy::default());
    let page = scene.page_with_engine("101", Transport::Wss, Answer::PickUp(100));
    let phone = scene.phone("102", Answer::Ring);
    scene.phone("103", Answer::PickUp(100));
    scene.call(phone, "101");
    scene.run(1_000);
    scene.world.tracing = true;
    scene.act(phone, |phone, now| phone.refer(0, "103", now));
    scene.run(3_000);
    let came = |trace: &Trace| match trace {
        Trace::Out(_, bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    };
    let trace: String = scene.world.trace.iter().map(came).collect();
    assert!(
        trace.contains("a=fingerprint:sha-256 0B") && !trace.contains("sha-256 0A"),
        "{trace}"
    );
    let at = scene.world.phones[page].packets_astray;
    assert_eq!(at, 0);
}

impl Scene {
    fn phone_with_dtls(&mut self, user: &str, transport: Transport, answer: Answer) -> usize {
        let phone = self.phone_on(user, transport, answer);
        self.act(phone, |phone, _| {
            phone.dtls = Some(format!("sha-256 {}", vec!["0F"; 32].join(":")))
        });
        phone
    }
}

/// RFC 5763 without ICE: what a phone offers is what it is, and it is known by that when it is called.
#[test]
fn a_phone_with_dtls_alone_calls_holds_and_is_asked_for_it_first_from_then_on() {
    let mut scene = Scene::with_browsers(Policy::default());
    let guarded = scene.phone_with_dtls("101", Transport::Tls, Answer::PickUp(100));
    let plain = scene.phone("102", Answer::PickUp(500));
    scene.call(guarded, "102");
    scene.run(2_000);
    scene.reinvite(guarded, "sendonly");
    scene.run(500);
    scene.reinvite(plain, "sendrecv");
    scene.run(500);
    scene.hang_up(guarded);
    scene.run(500);
    scene.call(plain, "101");
    scene.run(1_000);
    scene.act(plain, |phone, now| phone.hang_up(1, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8 UDP/TLS/RTP/SAVP }
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8 UDP/TLS/RTP/SAVP }
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/102 ACK 102
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 UDP/TLS/RTP/SAVP }
        506    acme/101 -> server   ACK 1
        2000   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly UDP/TLS/RTP/SAVP }
        2001     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        2001     server -> acme/101 100 Trying (INVITE)
        2002   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        2003     server -> acme/102 ACK 102
        2003     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly UDP/TLS/RTP/SAVP }
        2004   acme/101 -> server   ACK 1
        2500   acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8}
        2501     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 UDP/TLS/RTP/SAVP }
        2501     server -> acme/102 100 Trying (INVITE)
        2502   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 UDP/TLS/RTP/SAVP }
        2503     server -> acme/101 ACK 101
        2503     server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8}
        2504   acme/102 -> server   ACK 1
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        3500   acme/102 -> server   INVITE 101 {10.0.1.3:6060 0,8}
        3501     server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        3502   acme/102 -> server   ACK 101
        3502   acme/102 -> server   INVITE 101 +credentials {10.0.1.3:6060 0,8}
        3503     server -> acme/102 100 Trying (INVITE)
        3503     server -> acme/101 INVITE 101 {10.0.0.1:10006 0,8 UDP/TLS/RTP/SAVP }
        3504   acme/101 -> server   180 Ringing (INVITE)
        3505     server -> acme/102 180 Ringing (INVITE)
        3604   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 UDP/TLS/RTP/SAVP }
        3605     server -> acme/101 ACK 101
        3605     server -> acme/102 200 OK (INVITE) {10.0.0.1:10004 0,8}
        3606   acme/102 -> server   ACK 1
        4500   acme/102 -> server   BYE 1
        4501     server -> acme/101 BYE 101
        4501     server -> acme/102 200 OK (BYE)
        4502   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2496 ms (ring 102, answered), packets 0 and 4
        record 102 -> 101: 200/16 by Caller, rang, talked 896 ms (ring 101, answered), packets 2 and 0
    "#]]);
}

#[test]
fn a_phone_that_takes_dtls_alone_is_asked_for_it_when_it_refuses_keys() {
    let mut scene = Scene::with_browsers(policy(SrtpPolicy::Required));
    let caller = scene.phone_with_dtls("101", Transport::Tls, Answer::Ring);
    scene.phone_with_dtls("102", Transport::Tls, Answer::PickUp(100));
    scene.call(caller, "102");
    scene.run(1_000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8 UDP/TLS/RTP/SAVP }
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8 UDP/TLS/RTP/SAVP }
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 RTP/SAVP AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80}
        4      acme/102 -> server   488 Not Acceptable Here (INVITE)
        5        server -> acme/102 ACK 102
        5        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 UDP/TLS/RTP/SAVP }
        6      acme/102 -> server   180 Ringing (INVITE)
        7        server -> acme/101 180 Ringing (INVITE)
        106    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 UDP/TLS/RTP/SAVP }
        107      server -> acme/102 ACK 102
        107      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 UDP/TLS/RTP/SAVP }
        108    acme/101 -> server   ACK 1
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 894 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_plain_phone_on_tls_is_asked_for_keys_for_dtls_and_plainly() {
    let mut scene = Scene::with_browsers(Policy::default());
    let caller = scene.phone("101", Answer::Ring);
    let callee = scene.phone_on("102", Transport::Tls, Answer::PickUp(100));
    scene.call(caller, "102");
    scene.run(2_000);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 RTP/SAVP AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80}
        4      acme/102 -> server   488 Not Acceptable Here (INVITE)
        5        server -> acme/102 ACK 102
        5        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 UDP/TLS/RTP/SAVP }
        6      acme/102 -> server   488 Not Acceptable Here (INVITE)
        7        server -> acme/102 ACK 102
        7        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        8      acme/102 -> server   180 Ringing (INVITE)
        9        server -> acme/101 180 Ringing (INVITE)
        108    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        109      server -> acme/102 ACK 102
        109      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        110    acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1892 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

/// Where audio goes straight there are no ports until a browser is rung, here behind a phone that nobody answers.
#[test]
fn a_browser_that_a_call_is_forwarded_to_is_rung_once_there_are_ports() {
    let mut scene = Scene::with_browsers(Policy {
        media: MediaPolicy::Direct,
        ..Policy::default()
    });
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Ring);
    scene.page_with_engine("103", Transport::Wss, Answer::PickUp(100));
    let change = UserSettingsChange {
        no_answer_s: Some(5),
        ..UserSettingsChange::forward(ForwardKind::NoAnswer, Some("103"))
    };
    scene.set("102", &change);
    scene.call(caller, "102");
    scene.run(7_000);
    scene.hang_up(caller);
    scene.rests();
    assert_eq!(scene.tenant_counts().answered, 1);
    let path = &scene.world.server.cdrs.last().expect("a record").path;
    let rung = ["ring 102", "forward no answer 102 to 103", "ring 103", "answered"];
    assert_eq!(*path, rung);
}

/// What a phone took once it may take no more: it is asked anew each time it refuses that.
#[test]
fn a_phone_that_takes_dtls_no_more_is_asked_for_keys_by_the_next_call() {
    let mut scene = Scene::with_browsers(policy(SrtpPolicy::Required));
    scene.world.tracing = true;
    let caller = scene.phone_with_dtls("101", Transport::Tls, Answer::Ring);
    let callee = scene.phone_with_dtls("102", Transport::Tls, Answer::PickUp(100));
    scene.call(caller, "102");
    scene.run(1_000);
    scene.hang_up(caller);
    scene.run(1_000);
    scene.act(callee, |phone, _| phone.dtls = None);
    scene.call(caller, "102");
    scene.run(1_000);
    scene.call(caller, "102");
    scene.run(1_000);
    scene.rests();
    let offers = scene.world.trace.iter().filter_map(|entry| match entry {
        Trace::Out(_, message) if message.starts_with(b"INVITE sip:102@10.0.1.3") => {
            Some(String::from_utf8_lossy(message).contains("UDP/TLS/RTP/SAVP "))
        }
        _ => None,
    });
    let by_dtls: Vec<bool> = offers.collect();
    // By keys, then by DTLS; by DTLS alone; by keys and DTLS.
    assert_eq!(by_dtls, [false, true, true, false, true]);
}

#[test]
fn policy_and_the_way_of_a_fingerprint_without_ice_decide() {
    let outcomes = [
        (SrtpPolicy::Required, Transport::Tls),
        (SrtpPolicy::Required, Transport::Udp),
        (SrtpPolicy::Optional, Transport::Udp),
        (SrtpPolicy::None, Transport::Tls),
    ]
    .map(|(srtp, transport)| {
        let mut scene = Scene::with_browsers(policy(srtp));
        let phone = scene.phone_with_dtls("101", transport, Answer::PickUp(100));
        scene.phone_on("102", Transport::Tls, Answer::PickUp(100));
        scene.phone_with_dtls("103", Transport::Tls, Answer::PickUp(100));
        let called = if srtp == SrtpPolicy::Required {
            "103"
        } else {
            "102"
        };
        scene.call(phone, called);
        scene.run(1_000);
        scene.tenant_counts().answered
    });
    assert_eq!(outcomes, [1, 0, 1, 0]);
}
