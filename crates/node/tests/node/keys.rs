//! A phone changes its user's settings by a key: in force at once, in the database as soon as that is there.

use crate::calls::{Held, as_killed};
use crate::house::{House, until};
use crate::journals::authorization;
use crate::phone::{Phone, field, status};
use model::{Transport, UserSettings};
use std::path::Path;
use store::Store;

const OWN: &str = "sip:102@example.com";

fn kept(dir: &Path) -> UserSettings {
    let mut store = Store::open(dir).unwrap();
    let scope = store.directory().unwrap().by_domain("example.com").unwrap();
    store.user(&scope, "102").unwrap().settings
}

fn with_body(request: &str, body: &str) -> String {
    let length = format!("Content-Length: {}\r\n\r\n{body}", body.len());
    request.replace("Content-Length: 0\r\n\r\n", &length)
}

/// 102 presses its do-not-disturb key; gives the NOTIFY that comes of it.
fn presses(phone: &mut Phone, on: bool) -> String {
    let body = format!(
        "<?xml version=\"1.0\"?><SetDoNotDisturb xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">\
         <device>1</device><doNotDisturbOn>{on}</doNotDisturbOn></SetDoNotDisturb>"
    );
    let extra = format!(
        "Contact: <sip:102@{}>\r\nEvent: as-feature-event\r\nExpires: 600\r\n\
         Content-Type: application/x-as-feature-event+xml\r\n",
        phone.local
    );
    let first = with_body(&phone.request("SUBSCRIBE", OWN, OWN, &extra), &body);
    let challenge = phone.ask(&first);
    assert_eq!(status(&challenge), 407, "{challenge}");
    let proof = authorization("102", &challenge, "SUBSCRIBE", OWN);
    let second = phone.request("SUBSCRIBE", OWN, OWN, &format!("{extra}{proof}"));
    let answer = phone.ask(&with_body(&second, &body));
    assert_eq!(status(&answer), 200, "{answer}");
    let notify = phone.expect("NOTIFY");
    phone.accept(&notify, "", "");
    notify
}

/// What 101 hears when it calls 102.
fn call(house: &House) -> u16 {
    let mut caller = Phone::new(house, Transport::Udp);
    let from = "sip:101@example.com";
    let extra = format!("Contact: <sip:101@{}>\r\n", caller.local);
    let invite = |caller: &Phone, proof: &str| {
        caller
            .request("INVITE", OWN, from, &format!("{extra}{proof}"))
            .replace(&format!("To: <{from}>"), &format!("To: <{OWN}>"))
    };
    let first = invite(&caller, "");
    let challenge = caller.ask(&first);
    assert_eq!(status(&challenge), 407, "{challenge}");
    let proof = authorization("101", &challenge, "INVITE", OWN);
    let second = invite(&caller, &proof);
    status(&caller.ask(&second))
}

#[test]
fn a_key_works_while_the_database_is_locked_and_is_kept_afterwards() {
    let house = House::new();
    let mut phone = Phone::new(&house, Transport::Udp);
    let contact = format!("<sip:102@{}>;expires=600", phone.local);
    assert_eq!(status(&phone.register_as("102", "example.com", &contact)), 200);
    let mut held = Held::new(house.dir.path());
    let notify = presses(&mut phone, true);
    assert!(
        notify.contains("<doNotDisturbOn>true</doNotDisturbOn>"),
        "{notify}"
    );
    assert!(
        field(&notify, "Content-Type").starts_with("multipart/mixed"),
        "{notify}"
    );
    assert_eq!(call(&house), 486);
    assert_eq!(kept(house.dir.path()), UserSettings::default());
    held.run("ROLLBACK");
    until("the key is kept", || kept(house.dir.path()).dnd);
    assert_eq!(house.live().counts().unwrap().keys_pressed, 1);
    let killed = as_killed(&house);
    house.stop();
    let house = House::on(killed, |_| {});
    assert_eq!(call(&house), 486);
    house.stop();
}

#[test]
fn the_last_key_before_a_shutdown_is_kept() {
    let house = House::new();
    let mut phone = Phone::new(&house, Transport::Udp);
    presses(&mut phone, true);
    let dir = house.stop();
    assert!(kept(dir.path()).dnd);
}

#[test]
fn a_change_by_a_command_reaches_the_phone() {
    let house = House::new();
    let mut phone = Phone::new(&house, Transport::Udp);
    presses(&mut phone, true);
    until("the key is kept", || kept(house.dir.path()).dnd);
    let mut store = Store::open(house.dir.path()).unwrap();
    let scope = house.scope("example.com");
    let user = store.user(&scope, "102").unwrap().id;
    let change = model::UserSettingsChange::dnd(false);
    store.update_settings(&scope, user, &change).unwrap();
    house.live().refresh();
    let notify = phone.expect("NOTIFY");
    assert!(
        notify.contains("<doNotDisturbOn>false</doNotDisturbOn>"),
        "{notify}"
    );
    assert_eq!(
        field(&notify, "Content-Type"),
        "application/x-as-feature-event+xml"
    );
    house.stop();
}
