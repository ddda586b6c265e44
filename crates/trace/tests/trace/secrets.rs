//! What nobody is to see.

use trace::redact::redact;

fn redacted(text: &str) -> String {
    let mut octets = text.as_bytes().to_vec();
    redact(&mut octets);
    assert_eq!(octets.len(), text.len());
    String::from_utf8(octets).unwrap()
}

#[test]
fn credentials_are_hidden_and_who_shows_them_is_not() {
    let text = "INVITE sip:101@acme SIP/2.0\r\nFrom: <sip:100@acme>;tag=a\r\nAuthorization: Digest username=\"100\", realm=\"acme\",\r\n nonce=\"n,once\",uri=\"sip:101@acme\", response=\"feed\" , algorithm=MD5\r\nProxy-authorization : Bearer eyJh.x==\r\nAUTHENTICATION-INFO: rspauth=\"beef\", qop=auth\r\nCall-ID: a\r\n\r\n";
    assert_eq!(
        redacted(text),
        "INVITE sip:101@acme SIP/2.0\r\nFrom: <sip:100@acme>;tag=a\r\nAuthorization: Digest username=\"100\", realm=\"acme\",\r\n nonce=\"******\",uri=\"sip:101@acme\", response=\"****\" , algorithm=MD5\r\nProxy-authorization : Bearer ********\r\nAUTHENTICATION-INFO: rspauth=\"****\", qop=auth\r\nCall-ID: a\r\n\r\n"
    );
}

#[test]
fn keys_of_media_are_hidden_and_suites_are_not() {
    let text = "SIP/2.0 200 OK\r\nCall-ID: a\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nk=base64:abc\r\nm=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0Rm|2^20|1:4\r\na=ice-ufrag:abcd\r\na=ice-pwd:secret\r\na=sendrecv\r\n";
    assert_eq!(
        redacted(text),
        "SIP/2.0 200 OK\r\nCall-ID: a\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nk=**********\r\nm=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 ********************\r\na=ice-ufrag:abcd\r\na=ice-pwd:******\r\na=sendrecv\r\n"
    );
}

#[test]
fn texts_and_typed_digits_are_hidden() {
    let message = "MESSAGE sip:101@acme SIP/2.0\r\nContent-Type: text/plain\r\n\r\nmeet me\r\nat 5";
    assert_eq!(
        redacted(message),
        "MESSAGE sip:101@acme SIP/2.0\r\nContent-Type: text/plain\r\n\r\n*******\r\n****"
    );
    let info = "INFO sip:a SIP/2.0\r\nc: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=100\r\n";
    assert!(redacted(info).ends_with("\r\n\r\n********\r\n************\r\n"));
    let info = "INFO sip:a SIP/2.0\r\nContent-Type: application/media_control+xml\r\n\r\n<x/>";
    assert_eq!(redacted(info), info);
}

#[test]
fn tokens_in_uris_are_hidden_wherever_they_stand() {
    let text = "INVITE sip:101@acme;PN-PRID=abc;pn-provider=apns SIP/2.0\r\nContact: <sip:a@b;pn-prid=x:y>;q=1\r\nX: wss://a/?token=abc&b=c\r\nNottoken=x\r\n\r\n";
    assert_eq!(
        redacted(text),
        "INVITE sip:101@acme;PN-PRID=***;pn-provider=apns SIP/2.0\r\nContact: <sip:a@b;pn-prid=***>;q=1\r\nX: wss://a/?token=***&b=c\r\nNottoken=x\r\n\r\n"
    );
}

#[test]
fn whatever_comes_keeps_its_length() {
    let seeds: [&[u8]; 5] = [
        b"",
        b"\n",
        b"Authorization:",
        b"MESSAGE a\r\n\r\n",
        b"INVITE a\r\nauthorization: Digest a=\"b,c\\\"d\", e=\r\n =f\r\n\r\na=crypto:\r\na=crypto:1\r\nk=",
    ];
    for seed in seeds {
        for cut in 0..=seed.len() {
            for octet in [0, b'"', b'\\', b'=', b',', b'\n', b' ', 0xFF] {
                let mut text = seed.to_vec();
                text.insert(cut, octet);
                let length = text.len();
                redact(&mut text);
                assert_eq!(text.len(), length);
            }
        }
    }
}
