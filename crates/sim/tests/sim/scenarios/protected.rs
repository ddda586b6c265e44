//! Audio protected by keys in descriptions (RFC 4568, RFC 3711): offered and accepted, refused by policy, and kept through
//! hold, forks, transfers and late offers. Ladders show suites and never keys.

use super::scene::Scene;
use expect_test::expect;
use model::{MediaPolicy, Policy, SrtpPolicy, Transport};
use sdp::Suite;
use sim::phone::{Answer, Sdes};

const GCM: Sdes = Sdes {
    profile: "RTP/SAVP",
    suite: Suite::AeadAes256Gcm,
    key: 'G',
};

fn policy(srtp: SrtpPolicy) -> Policy {
    Policy {
        srtp,
        ..Policy::default()
    }
}

impl Scene {
    /// A phone on TLS with keys.
    pub(super) fn guarded(&mut self, user: &str, sdes: Sdes, answer: Answer) -> usize {
        let phone = self.phone_on(user, Transport::Tls, answer);
        self.act(phone, |phone, _| phone.sdes = Some(sdes));
        phone
    }

    /// Every packet that came to a phone opened.
    fn all_opened(&self) {
        for phone in &self.world.phones {
            assert_eq!(phone.unopened, 0, "{}", phone.identity.name);
        }
    }
}

#[test]
fn two_phones_with_different_suites_talk_and_hold() {
    let mut scene = Scene::new();
    let caller = scene.guarded("101", Sdes::usual('A'), Answer::Ring);
    let callee = scene.guarded("102", GCM, Answer::PickUp(500));
    scene.call(caller, "102");
    scene.run(3000);
    scene.talk_to_each_other(caller, callee);
    scene.reinvite(callee, "sendonly");
    scene.run(1000);
    scene.reinvite(callee, "sendrecv");
    scene.run(1000);
    scene.refresh_voices();
    scene.run(2000);
    scene.talk_to_each_other(caller, callee);
    scene.all_opened();
    // Neither phone saw another key of ours, nor did it have to find its counters again.
    assert_eq!(scene.world.phones[caller].rekeyed, 0);
    assert_eq!(scene.world.phones[callee].rekeyed, 0);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 RTP/SAVP AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 RTP/SAVP AEAD_AES_256_GCM}
        505      server -> acme/102 ACK 102
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        506    acme/101 -> server   ACK 1
        3000   acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly RTP/SAVP AEAD_AES_256_GCM}
        3001     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 sendonly RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        3001     server -> acme/102 100 Trying (INVITE)
        3002   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 recvonly RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        3003     server -> acme/101 ACK 101
        3003     server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8 recvonly RTP/SAVP AEAD_AES_256_GCM}
        3004   acme/102 -> server   ACK 1
        4000   acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 RTP/SAVP AEAD_AES_256_GCM}
        4001     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        4001     server -> acme/102 100 Trying (INVITE)
        4002   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        4003     server -> acme/101 ACK 101
        4003     server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8 RTP/SAVP AEAD_AES_256_GCM}
        4004   acme/102 -> server   ACK 1
        7000   acme/101 -> server   BYE 1
        7001     server -> acme/102 BYE 102
        7001     server -> acme/101 200 OK (BYE)
        7002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 6496 ms (ring 102, answered), packets 11 and 13, caller AesCm128HmacSha1_80, callee AeadAes256Gcm
    "#]]);
}

/// SECURITY row 7: a bad packet is counted and changes nothing. The other direction is not touched.
#[test]
fn who_protects_with_another_key_than_he_said_is_not_heard() {
    let mut scene = Scene::new();
    let caller = scene.guarded("101", Sdes::usual('A'), Answer::Ring);
    scene.act(caller, |phone, _| phone.lies = true);
    let callee = scene.phone("102", Answer::PickUp(500));
    scene.call(caller, "102");
    scene.run(5000);
    assert_eq!(scene.world.phones[callee].packets_received, 0);
    assert!(scene.world.phones[caller].packets_received > 5);
    scene.all_opened();
    scene.hang_up(caller);
    scene.run(1000);
    let record = scene.world.server.cdrs.last().expect("a record");
    let heard = record.caller_media.expect("a relayed call");
    assert_eq!(heard.packets, 0);
    assert!(heard.refused > 5, "{heard:?}");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/102 ACK 102
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        506    acme/101 -> server   ACK 1
        5000   acme/101 -> server   BYE 1
        5001     server -> acme/102 BYE 102
        5001     server -> acme/101 200 OK (BYE)
        5002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 4496 ms (ring 102, answered), packets 0 and 9, Caller: packets are protected with wrong keys, caller AesCm128HmacSha1_80
    "#]]);
}

#[test]
fn a_phone_that_changes_its_key_gets_a_new_one_of_ours() {
    let mut scene = Scene::new();
    let caller = scene.guarded("101", Sdes::usual('A'), Answer::Ring);
    let callee = scene.phone("102", Answer::PickUp(500));
    scene.call(caller, "102");
    scene.run(2000);
    scene.act(caller, |phone, _| phone.sdes = Some(Sdes::usual('B')));
    scene.reinvite(caller, "sendrecv");
    scene.run(1000);
    scene.refresh_voices();
    scene.run(2000);
    scene.talk_to_each_other(caller, callee);
    assert_eq!(scene.world.phones[caller].rekeyed, 1);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/102 ACK 102
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        506    acme/101 -> server   ACK 1
        2000   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        2001     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        2001     server -> acme/101 100 Trying (INVITE)
        2002   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2003     server -> acme/102 ACK 102
        2003     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        2004   acme/101 -> server   ACK 1
        5000   acme/102 -> server   BYE 1
        5001     server -> acme/101 BYE 101
        5001     server -> acme/102 200 OK (BYE)
        5002   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 4496 ms (ring 102, answered), packets 9 and 9, caller AesCm128HmacSha1_80
    "#]]);
}

#[test]
fn a_phone_on_tls_without_keys_is_asked_again_plainly() {
    let mut scene = Scene::new();
    let caller = scene.guarded("101", Sdes::usual('A'), Answer::Ring);
    let callee = scene.phone_on("102", Transport::Tls, Answer::PickUp(500));
    scene.call(caller, "102");
    scene.run(3000);
    scene.talk_to_each_other(caller, callee);
    scene.all_opened();
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 RTP/SAVP AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80}
        4      acme/102 -> server   488 Not Acceptable Here (INVITE)
        5        server -> acme/102 ACK 102
        5        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        6      acme/102 -> server   180 Ringing (INVITE)
        7        server -> acme/101 180 Ringing (INVITE)
        506    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        507      server -> acme/102 ACK 102
        507      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        508    acme/101 -> server   ACK 1
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2494 ms (ring 102, answered), packets 5 and 5, caller AesCm128HmacSha1_80
    "#]]);
}

#[test]
fn keys_in_the_profile_of_plain_audio_are_taken() {
    let mut scene = Scene::new();
    let sdes = Sdes {
        profile: "RTP/AVP",
        ..Sdes::usual('A')
    };
    let caller = scene.guarded("101", sdes, Answer::Ring);
    let callee = scene.phone("102", Answer::PickUp(500));
    scene.call(caller, "102");
    scene.run(3000);
    scene.talk_to_each_other(caller, callee);
    scene.all_opened();
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8 RTP/AVP AES_CM_128_HMAC_SHA1_80}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8 RTP/AVP AES_CM_128_HMAC_SHA1_80}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/102 ACK 102
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 RTP/AVP AES_CM_128_HMAC_SHA1_80}
        506    acme/101 -> server   ACK 1
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2496 ms (ring 102, answered), packets 5 and 5, caller AesCm128HmacSha1_80
    "#]]);
}

#[test]
fn keys_over_an_open_way_are_not_taken() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::PickUp(500));
    let demanding = scene.phone("101", Answer::Ring);
    let lenient = scene.phone_on("103", Transport::Tcp, Answer::Ring);
    scene.act(demanding, |phone, _| phone.sdes = Some(Sdes::usual('A')));
    scene.call(demanding, "102");
    scene.run(1000);
    let sdes = Sdes {
        profile: "RTP/AVP",
        ..Sdes::usual('A')
    };
    scene.act(lenient, |phone, _| phone.sdes = Some(sdes));
    scene.call(lenient, "102");
    scene.run(2000);
    scene.hang_up(lenient);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.3:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.3:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        3        server -> acme/101 488 Not Acceptable Here (INVITE) Warning 399 carillon "audio is offered only over a transport that is unsupported or not allowed"
        4      acme/101 -> server   ACK 102
        1000   acme/103 -> server   INVITE 102 {10.0.1.4:6060 0,8 RTP/AVP AES_CM_128_HMAC_SHA1_80}
        1001     server -> acme/103 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1002   acme/103 -> server   ACK 102
        1002   acme/103 -> server   INVITE 102 +credentials {10.0.1.4:6060 0,8 RTP/AVP AES_CM_128_HMAC_SHA1_80}
        1003     server -> acme/103 100 Trying (INVITE)
        1003     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1004   acme/102 -> server   180 Ringing (INVITE)
        1005     server -> acme/103 180 Ringing (INVITE)
        1504   acme/102 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1505     server -> acme/102 ACK 102
        1505     server -> acme/103 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1506   acme/103 -> server   ACK 1
        3000   acme/103 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/103 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 103 -> 102: 200/16 by Caller, rang, talked 1496 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

/// Plain offers, over TLS as well, and an offer that is left to the callee over UDP.
#[test]
fn where_srtp_is_required_nothing_plain_is_taken() {
    let mut scene = Scene::with(policy(SrtpPolicy::Required));
    scene.guarded("101", Sdes::usual('A'), Answer::PickUp(500));
    let open = scene.phone("102", Answer::PickUp(500));
    let keyless = scene.phone_on("103", Transport::Tls, Answer::PickUp(500));
    scene.call(open, "101");
    scene.run(500);
    scene.act(open, |phone, _| phone.abilities.offerless = true);
    scene.call(open, "101");
    scene.run(500);
    scene.call(keyless, "101");
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 101 {10.0.1.3:6060 0,8}
        1        server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102 -> server   ACK 101
        2      acme/102 -> server   INVITE 101 +credentials {10.0.1.3:6060 0,8}
        3        server -> acme/102 488 Not Acceptable Here (INVITE) Warning 399 carillon "audio is offered only over a transport that is unsupported or not allowed"
        4      acme/102 -> server   ACK 101
        500    acme/102 -> server   INVITE 101
        501      server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        502    acme/102 -> server   ACK 101
        502    acme/102 -> server   INVITE 101 +credentials
        503      server -> acme/102 488 Not Acceptable Here (INVITE) Warning 399 carillon "audio has to be protected by SRTP"
        504    acme/102 -> server   ACK 101
        1000   acme/103 -> server   INVITE 101 {10.0.1.4:6060 0,8}
        1001     server -> acme/103 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1002   acme/103 -> server   ACK 101
        1002   acme/103 -> server   INVITE 101 +credentials {10.0.1.4:6060 0,8}
        1003     server -> acme/103 488 Not Acceptable Here (INVITE) Warning 399 carillon "audio is offered only over a transport that is unsupported or not allowed"
        1004   acme/103 -> server   ACK 101
    "#]]);
}

#[test]
fn where_srtp_is_required_nothing_plain_is_offered() {
    let mut scene = Scene::with(policy(SrtpPolicy::Required));
    let caller = scene.guarded("101", Sdes::usual('A'), Answer::PickUp(500));
    scene.phone("102", Answer::PickUp(500));
    scene.phone_on("103", Transport::Tls, Answer::PickUp(500));
    let other = scene.guarded("104", GCM, Answer::PickUp(500));
    scene.call(caller, "102");
    scene.run(500);
    scene.call(caller, "103");
    scene.run(500);
    scene.call(caller, "104");
    scene.run(3000);
    scene.talk_to_each_other(caller, other);
    scene.act(caller, |phone, now| phone.hang_up(2, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 488 Not Acceptable Here (INVITE) [Q.850;cause=88]
        4      acme/101 -> server   ACK 102
        500    acme/101 -> server   INVITE 103 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        501      server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        502    acme/101 -> server   ACK 103
        502    acme/101 -> server   INVITE 103 +credentials {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        503      server -> acme/101 100 Trying (INVITE)
        503      server -> acme/103 INVITE 103 {10.0.0.1:10006 0,8 RTP/SAVP AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80}
        504    acme/103 -> server   488 Not Acceptable Here (INVITE)
        505      server -> acme/103 ACK 103
        505      server -> acme/101 488 Not Acceptable Here (INVITE) [Q.850;cause=88]
        506    acme/101 -> server   ACK 103
        1000   acme/101 -> server   INVITE 104 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1001     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1002   acme/101 -> server   ACK 104
        1002   acme/101 -> server   INVITE 104 +credentials {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1003     server -> acme/101 100 Trying (INVITE)
        1003     server -> acme/104 INVITE 104 {10.0.0.1:10010 0,8 RTP/SAVP AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80}
        1004   acme/104 -> server   180 Ringing (INVITE)
        1005     server -> acme/101 180 Ringing (INVITE)
        1504   acme/104 -> server   200 OK (INVITE) {10.0.1.5:6060 0,8 RTP/SAVP AEAD_AES_256_GCM}
        1505     server -> acme/104 ACK 104
        1505     server -> acme/101 200 OK (INVITE) {10.0.0.1:10008 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1506   acme/101 -> server   ACK 1
        4000   acme/101 -> server   BYE 1
        4001     server -> acme/104 BYE 104
        4001     server -> acme/101 200 OK (BYE)
        4002   acme/104 -> server   200 OK (BYE)
        record 101 -> 102: 488/88 by Callee (ring 102, media refused)
        record 101 -> 103: 488/88 by Callee (ring 103, media refused)
        record 101 -> 104: 200/16 by Caller, rang, talked 2496 ms (ring 104, answered), packets 5 and 5, caller AesCm128HmacSha1_80, callee AeadAes256Gcm
    "#]]);
}

#[test]
fn where_srtp_is_unwanted_keys_are_not_taken() {
    let mut scene = Scene::with(policy(SrtpPolicy::None));
    let caller = scene.guarded("101", Sdes::usual('A'), Answer::PickUp(500));
    let callee = scene.phone_on("102", Transport::Tls, Answer::PickUp(500));
    scene.call(caller, "102");
    scene.run(1000);
    scene.call(callee, "101");
    scene.run(2000);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        3        server -> acme/101 488 Not Acceptable Here (INVITE) Warning 399 carillon "audio is offered only over a transport that is unsupported or not allowed"
        4      acme/101 -> server   ACK 102
        1000   acme/102 -> server   INVITE 101 {10.0.1.3:6060 0,8}
        1001     server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1002   acme/102 -> server   ACK 101
        1002   acme/102 -> server   INVITE 101 +credentials {10.0.1.3:6060 0,8}
        1003     server -> acme/102 100 Trying (INVITE)
        1003     server -> acme/101 INVITE 101 {10.0.0.1:10002 0,8}
        1004   acme/101 -> server   180 Ringing (INVITE)
        1005     server -> acme/102 180 Ringing (INVITE)
        1504   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1505     server -> acme/101 ACK 101
        1505     server -> acme/102 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1506   acme/102 -> server   ACK 1
        3000   acme/102 -> server   BYE 1
        3001     server -> acme/101 BYE 101
        3001     server -> acme/102 200 OK (BYE)
        3002   acme/101 -> server   200 OK (BYE)
        record 102 -> 101: 200/16 by Caller, rang, talked 1496 ms (ring 101, answered), packets 3 and 3
    "#]]);
}

/// Three phones ring: one with each suite, one plain. Each had keys of its own, and the winner's count.
#[test]
fn a_fork_gives_every_phone_keys_of_its_own() {
    let mut scene = Scene::new();
    let caller = scene.guarded("101", Sdes::usual('A'), Answer::Ring);
    scene.guarded("102", Sdes::usual('B'), Answer::EarlyMedia(5000));
    let winner = scene.guarded("102", GCM, Answer::PickUp(1500));
    scene.phone("102", Answer::Ring);
    scene.call(caller, "102");
    scene.run(4000);
    scene.talk_to_each_other(caller, winner);
    scene.all_opened();
    scene.hang_up(winner);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 RTP/SAVP AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80}
        3        server -> acme/102' INVITE 102 {10.0.0.1:10002 0,8 RTP/SAVP AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80}
        3        server -> acme/102'' INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   183 Session Progress (INVITE) {10.0.1.3:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        4      acme/102' -> server   180 Ringing (INVITE)
        4      acme/102'' -> server   180 Ringing (INVITE)
        5        server -> acme/101 183 Session Progress (INVITE) {10.0.0.1:10000 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1504   acme/102' -> server   200 OK (INVITE) {10.0.1.4:6060 0,8 RTP/SAVP AEAD_AES_256_GCM}
        1505     server -> acme/102' ACK 102
        1505     server -> acme/102 CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        1505     server -> acme/102'' CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        1505     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1506   acme/102 -> server   200 OK (CANCEL)
        1506   acme/102 -> server   487 Request Terminated (INVITE)
        1506   acme/102'' -> server   200 OK (CANCEL)
        1506   acme/102'' -> server   487 Request Terminated (INVITE)
        1506   acme/101 -> server   ACK 1
        1507     server -> acme/102 ACK 102
        1507     server -> acme/102'' ACK 102
        4000   acme/102' -> server   BYE 1
        4001     server -> acme/101 BYE 101
        4001     server -> acme/102' 200 OK (BYE)
        4002   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 2496 ms (ring 102, answered), packets 5 and 9, caller AesCm128HmacSha1_80, callee AeadAes256Gcm
    "#]]);
}

#[test]
fn an_offer_that_is_left_to_the_callee_brings_keys_both_ways() {
    let mut scene = Scene::new();
    let caller = scene.guarded("101", Sdes::usual('A'), Answer::Ring);
    scene.act(caller, |phone, _| phone.abilities.offerless = true);
    let callee = scene.guarded("102", GCM, Answer::PickUp(500));
    scene.call(caller, "102");
    scene.run(3000);
    scene.talk_to_each_other(caller, callee);
    scene.all_opened();
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 RTP/SAVP AEAD_AES_256_GCM}
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 RTP/AVP AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80}
        506    acme/101 -> server   ACK 1 {10.0.1.2:6060 0,8 RTP/AVP AES_CM_128_HMAC_SHA1_80}
        507      server -> acme/102 ACK 102 {10.0.0.1:10002 0,8 RTP/SAVP AEAD_AES_256_GCM}
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2496 ms (ring 102, answered), packets 5 and 4, caller AesCm128HmacSha1_80, callee AeadAes256Gcm
    "#]]);
}

/// Both legs that come together get new keys of ours, and the phones keep theirs.
#[test]
fn a_transfer_brings_new_keys() {
    let mut scene = Scene::new();
    let transferrer = scene.guarded("101", Sdes::usual('A'), Answer::Ring);
    let stays = scene.guarded("102", GCM, Answer::PickUp(500));
    let target = scene.guarded("103", Sdes::usual('C'), Answer::PickUp(500));
    scene.call(transferrer, "102");
    scene.run(2000);
    scene.curtain();
    scene.act(transferrer, |phone, now| phone.refer(0, "103", now));
    scene.run(4000);
    scene.refresh_voices();
    scene.run(2000);
    scene.talk_to_each_other(stays, target);
    scene.hang_up(target);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:103@acme.example>
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:101@acme.example> {10.0.0.1:10006 0,8 RTP/SAVP AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80}
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/101 -> server   200 OK (NOTIFY)
        502    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        503      server -> acme/103 ACK 103
        503      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        503      server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8 RTP/SAVP AEAD_AES_256_GCM}
        504    acme/101 -> server   200 OK (NOTIFY)
        504    acme/101 -> server   BYE 1
        504    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 RTP/SAVP AEAD_AES_256_GCM}
        505      server -> acme/101 200 OK (BYE)
        505      server -> acme/102 ACK 102
        505      server -> acme/103 INVITE 103 {10.0.0.1:10006 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        506    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        507      server -> acme/103 ACK 103
        6000   acme/103 -> server   BYE 1
        6001     server -> acme/102 BYE 102
        6001     server -> acme/103 200 OK (BYE)
        6002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1998 ms (ring 102, answered), transferred to 103, packets 4 and 4, caller AesCm128HmacSha1_80, callee AeadAes256Gcm
        record 102 -> 103: 200/16 by Callee, rang, talked 5498 ms (ring 103, answered), transferred by 101, packets 11 and 11, caller AeadAes256Gcm, callee AesCm128HmacSha1_80
    "#]]);
}

/// Audio that goes straight shows each phone the other's description: with keys it is relayed instead.
#[test]
fn a_call_with_keys_is_relayed_where_others_go_straight() {
    let mut scene = Scene::with(Policy {
        media: MediaPolicy::Direct,
        ..Policy::default()
    });
    let guarded = scene.guarded("101", Sdes::usual('A'), Answer::PickUp(500));
    let plain = scene.phone_on("102", Transport::Tls, Answer::PickUp(500));
    scene.call(guarded, "102");
    scene.run(2000);
    scene.talk_to_each_other(guarded, plain);
    scene.all_opened();
    scene.hang_up(guarded);
    scene.run(1000);
    scene.call(plain, "101");
    scene.run(2000);
    scene.act(plain, |phone, now| phone.hang_up(1, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 RTP/SAVP AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80}
        4      acme/102 -> server   488 Not Acceptable Here (INVITE)
        5        server -> acme/102 ACK 102
        5        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        6      acme/102 -> server   180 Ringing (INVITE)
        7        server -> acme/101 180 Ringing (INVITE)
        506    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        507      server -> acme/102 ACK 102
        507      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        508    acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        3000   acme/102 -> server   INVITE 101 {10.0.1.3:6060 0,8}
        3001     server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        3002   acme/102 -> server   ACK 101
        3002   acme/102 -> server   INVITE 101 +credentials {10.0.1.3:6060 0,8}
        3003     server -> acme/102 100 Trying (INVITE)
        3003     server -> acme/101 INVITE 101 {10.0.1.3:6060 0,8}
        3004   acme/101 -> server   180 Ringing (INVITE)
        3005     server -> acme/102 180 Ringing (INVITE)
        3504   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        3505     server -> acme/101 ACK 101
        3505     server -> acme/102 200 OK (INVITE) {10.0.1.2:6060 0,8}
        3506   acme/102 -> server   ACK 1
        5000   acme/102 -> server   BYE 1
        5001     server -> acme/101 BYE 101
        5001     server -> acme/102 200 OK (BYE)
        5002   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1494 ms (ring 102, answered), packets 3 and 3, caller AesCm128HmacSha1_80
        record 102 -> 101: 200/16 by Caller, rang, talked 1496 ms (ring 101, answered)
    "#]]);
}
