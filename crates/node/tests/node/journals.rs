//! What outlives a restart, and changes of the configuration seen by a running node.

use crate::house::{House, PASSWORD, add_tenant, until};
use crate::phone::{Phone, status};
use model::Transport;
use ring::digest::{SHA256, digest};
use store::Store;
use tenancy::Operator;

fn sha256(text: &str) -> String {
    digest(&SHA256, text.as_bytes())
        .as_ref()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

fn quoted<'a>(challenge: &'a str, name: &str) -> &'a str {
    let (_, rest) = challenge.split_once(&format!("{name}=\"")).unwrap();
    rest.split_once('"').unwrap().0
}

/// The credentials of a user for the SHA-256 challenge in an answer, as a header line (RFC 7616 §3.4.1).
pub(crate) fn authorization(user: &str, answer: &str, method: &str, uri: &str) -> String {
    let challenge = answer
        .lines()
        .find(|l| l.contains("-Authenticate:") && l.contains("SHA-256"))
        .unwrap();
    let name = match challenge.starts_with("WWW") {
        true => "Authorization",
        false => "Proxy-Authorization",
    };
    let (realm, nonce) = (quoted(challenge, "realm"), quoted(challenge, "nonce"));
    let ha1 = sha256(&format!("{user}:{realm}:{PASSWORD}"));
    let ha2 = sha256(&format!("{method}:{uri}"));
    let response = sha256(&format!("{ha1}:{nonce}:00000001:c:auth:{ha2}"));
    format!(
        "{name}: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         algorithm=SHA-256, qop=auth, nc=00000001, cnonce=\"c\", response=\"{response}\"\r\n"
    )
}

fn contacts(house: &House, domain: &str) -> Vec<String> {
    let all = house.live().registrations(house.scope(domain)).unwrap();
    all.into_iter().map(|r| r.contact).collect()
}

#[test]
fn bindings_survive_a_restart_with_another_number_of_workers() {
    let mut house = House::new();
    let mut phone = Phone::new(&house, Transport::Udp);
    assert_eq!(
        status(&phone.register("example.com", "<sip:101@127.0.0.1:7001>;expires=600")),
        200
    );
    assert_eq!(
        status(&phone.register("other.example", "<sip:101@127.0.0.1:7002>;expires=600")),
        200
    );
    let mut stream = Phone::new(&house, Transport::Tcp);
    let contact = "<sip:101@127.0.0.1:7003;transport=tcp>;expires=600";
    assert_eq!(status(&stream.register("example.com", contact)), 200);
    for workers in [1, 3] {
        house = House::on(house.stop(), |s| s.workers = workers);
        assert_eq!(
            contacts(&house, "example.com"),
            ["sip:101@127.0.0.1:7001", "sip:101@127.0.0.1:7003;transport=tcp"]
        );
        assert_eq!(contacts(&house, "other.example"), ["sip:101@127.0.0.1:7002"]);
        let all = house.live().registrations(house.scope("example.com")).unwrap();
        let reachable: Vec<bool> = all.iter().map(|r| r.reachable).collect();
        assert_eq!(
            reachable,
            [true, false],
            "the connection is gone, the datagrams' way is not"
        );
    }
    house.stop();
}

#[test]
fn a_closed_connection_makes_its_binding_unreachable_wherever_the_tenant_lives() {
    let house = House::with(|s| s.workers = 4);
    let mut phones: Vec<Phone> = (0..6).map(|_| Phone::new(&house, Transport::Tcp)).collect();
    for (n, phone) in phones.iter_mut().enumerate() {
        let contact = format!("<sip:101@127.0.0.1:{};transport=tcp>;expires=600", 7000 + n);
        assert_eq!(status(&phone.register("example.com", &contact)), 200);
    }
    let scope = house.scope("example.com");
    let reachable = |house: &House| {
        let all = house.live().registrations(scope).unwrap();
        all.iter().filter(|r| r.reachable).count()
    };
    assert_eq!(reachable(&house), 6);
    drop(phones);
    until("all are unreachable", || reachable(&house) == 0);
    house.stop();
}

#[test]
fn an_operator_removes_the_bindings_of_a_user_for_good() {
    let house = House::new();
    let mut phone = Phone::new(&house, Transport::Udp);
    assert_eq!(
        status(&phone.register("example.com", "<sip:101@127.0.0.1:7001>;expires=600")),
        200
    );
    let scope = house.scope("example.com");
    let user = house.live().registrations(scope).unwrap()[0].user;
    assert_eq!(house.live().unregister(scope, user).unwrap(), 1);
    assert!(contacts(&house, "example.com").is_empty());
    let house = House::on(house.stop(), |_| {});
    assert!(contacts(&house, "example.com").is_empty());
    house.stop();
}

#[test]
fn a_new_tenant_is_served_and_a_deleted_one_forgotten_without_a_restart() {
    let house = House::new();
    let mut phone = Phone::new(&house, Transport::Udp);
    let mut ask = |domain: &str| {
        let request = phone.request(
            "REGISTER",
            &format!("sip:{domain}"),
            &format!("sip:101@{domain}"),
            "",
        );
        status(&phone.ask(&request))
    };
    assert_eq!(ask("new.example"), 404);
    let mut store = Store::open(house.dir.path()).unwrap();
    let scope = add_tenant(&mut store, "New", "new.example");
    until("the new tenant is served", || ask("new.example") == 401);
    store.delete_tenant(&Operator::local(), scope.tenant()).unwrap();
    until("the deleted tenant is unknown", || ask("new.example") == 404);
    assert_eq!(ask("example.com"), 401);
    house.stop();
}

#[test]
fn a_changed_password_counts_for_the_next_request() {
    let house = House::new();
    let mut phone = Phone::new(&house, Transport::Udp);
    let contact = "<sip:101@127.0.0.1:7001>;expires=600";
    assert_eq!(status(&phone.register("example.com", contact)), 200);
    let mut store = Store::open(house.dir.path()).unwrap();
    let scope = house.scope("example.com");
    let device = store.list_devices(&scope).unwrap()[0].id;
    store
        .set_password(&scope, device, &store::Password::new("something else").unwrap())
        .unwrap();
    until("the old password is refused", || {
        status(&phone.register("example.com", contact)) != 200
    });
    house.stop();
}
