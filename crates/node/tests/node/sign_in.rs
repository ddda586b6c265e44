//! Sign-in by token: at the handshake and in a request, for one device of one tenant, and no longer than it lasts.

use crate::house::{House, until};
use crate::phone::{Line, Phone, status};
use crate::web::{Socket, request};
use model::{DeviceId, Transport};
use std::time::Duration;
use store::{Password, Store};

const CONTACT: &str = "Contact: <sip:101@a1b2.invalid;transport=ws>\r\n";

fn token_for(house: &House, domain: &str, username: &str, ttl_s: u64) -> Option<String> {
    let scope = house.scope(domain);
    let device = Store::open(house.dir.path()).unwrap().device(&scope, username);
    let device = device.map_or(DeviceId(999), |row| row.id);
    let ttl = Duration::from_secs(ttl_s);
    house.live().sign_in_token(scope, device, ttl).unwrap()
}

fn token(house: &House, domain: &str, username: &str) -> Option<String> {
    token_for(house, domain, username, 300)
}

/// A browser that opened its connection with a token.
fn browser(house: &House, transport: Transport, token: &str) -> Phone {
    let mut phone = Phone::new(house, transport);
    let socket = Socket::open(phone.server, transport, &format!("/sip?token={token}"));
    phone.local = socket.local();
    phone.line = Line::Web(Box::new(socket));
    phone
}

fn register(phone: &mut Phone, user: &str, domain: &str, extra: &str) -> u16 {
    let (uri, aor) = (format!("sip:{domain}"), format!("sip:{user}@{domain}"));
    let request = phone.request("REGISTER", &uri, &aor, &format!("{CONTACT}{extra}"));
    status(&phone.ask(&request))
}

#[test]
fn a_browser_registers_by_token_without_a_challenge_on_whichever_worker_it_lands() {
    let house = House::with(|s| s.workers = 4);
    let good = token(&house, "example.com", "101").unwrap();
    for transport in [Transport::Ws, Transport::Wss] {
        for _ in 0..6 {
            let mut phone = browser(&house, transport, &good);
            assert_eq!(register(&mut phone, "101", "example.com", ""), 200);
            // Nobody else's name, and nobody else's company.
            assert_eq!(register(&mut phone, "102", "example.com", ""), 401);
            assert_eq!(register(&mut phone, "101", "other.example", ""), 401);
        }
    }
    let counts = house.live().counts().unwrap();
    assert_eq!((counts.token_sign_ins, counts.challenges), (12, 24));
    house.stop();
}

#[test]
fn a_token_in_the_request_is_believed_only_where_nobody_reads_along() {
    let house = House::new();
    let good = token(&house, "example.com", "101").unwrap();
    let bearer = format!("Authorization: Bearer {good}\r\n");
    for (transport, code) in [
        (Transport::Udp, 401),
        (Transport::Tcp, 401),
        (Transport::Tls, 200),
        (Transport::Ws, 200),
        (Transport::Wss, 200),
    ] {
        let mut phone = Phone::new(&house, transport);
        assert_eq!(
            register(&mut phone, "101", "example.com", &bearer),
            code,
            "{transport}"
        );
        assert_eq!(
            register(&mut phone, "101", "other.example", &bearer),
            401,
            "{transport}"
        );
        assert_eq!(
            register(&mut phone, "102", "example.com", &bearer),
            401,
            "{transport}"
        );
        let forged = format!("Authorization: Bearer {good}0\r\n");
        assert_eq!(
            register(&mut phone, "101", "example.com", &forged),
            401,
            "{transport}"
        );
    }
    house.stop();
}

#[test]
fn forged_ended_and_foreign_tokens_are_refused_at_the_door() {
    let house = House::new();
    let good = token(&house, "example.com", "101").unwrap();
    let brief = token_for(&house, "example.com", "101", 0).unwrap();
    let elsewhere = token(&House::new(), "example.com", "101").unwrap();
    for bad in ["", "x", &good[1..], &brief, &elsewhere] {
        let mut socket = Socket::connect(house.at(Transport::Wss), Transport::Wss);
        let answer = socket.shake(&request(&format!("/?access_token={bad}"), ""));
        assert!(answer.starts_with("HTTP/1.1 403 "), "{bad}: {answer}");
    }
    assert_eq!(house.live().counts().unwrap().auth_failed, 5);
    assert_eq!(token(&house, "example.com", "nobody"), None);
    house.stop();
}

#[test]
fn a_device_that_lost_its_right_loses_it_on_the_open_connection() {
    let house = House::new();
    let good = token(&house, "example.com", "101").unwrap();
    let mut phone = browser(&house, Transport::Wss, &good);
    assert_eq!(register(&mut phone, "101", "example.com", ""), 200);
    let (mut store, scope) = (Store::open(house.dir.path()).unwrap(), house.scope("example.com"));
    let device = store.device(&scope, "101").unwrap().id;
    store
        .set_password(&scope, device, &Password::new("another password").unwrap())
        .unwrap();
    until("the token is worthless", || {
        register(&mut phone, "101", "example.com", "") == 401
    });
    assert!(house.live().registrations(scope).unwrap().is_empty());
    let fresh = token(&house, "example.com", "101").unwrap();
    assert_eq!(
        register(
            &mut browser(&house, Transport::Wss, &fresh),
            "101",
            "example.com",
            ""
        ),
        200
    );
    store.delete_device(&scope, device).unwrap();
    until("the device is gone", || {
        let mut late = browser(&house, Transport::Wss, &fresh);
        register(&mut late, "101", "example.com", "") == 401
    });
    house.stop();
}

#[test]
fn a_token_outlives_a_restart_of_the_server() {
    let house = House::new();
    let good = token(&house, "example.com", "101").unwrap();
    let house = House::on(house.stop(), |_| {});
    let mut phone = browser(&house, Transport::Ws, &good);
    assert_eq!(register(&mut phone, "101", "example.com", ""), 200);
    house.stop();
}
