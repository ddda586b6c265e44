//! Strangers at the edge of a whole node, where this machine is none of those allowed.

use crate::house::{House, until};
use crate::phone::{Phone, status};
use border::Nets;
use model::Transport;
use std::net::IpAddr;
use std::time::Duration;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
/// Longest that an answer takes that is not to come.
const SILENCE: Duration = Duration::from_millis(300);

fn house() -> House {
    House::with(|settings| settings.border.allow = Nets::default())
}

/// Whether anybody answers a ping by this transport.
fn answers(house: &House, transport: Transport) -> bool {
    let mut phone = Phone::new(house, transport);
    phone.set_timeout(SILENCE);
    let ping = phone.ping();
    phone.send(ping.as_bytes()) && phone.receive().is_some()
}

/// Registers as somebody with a wrong password; the last answer's status, if there was one.
fn guess(phone: &mut Phone, user: &str) -> Option<u16> {
    let (uri, aor) = ("sip:example.com", format!("sip:{user}@example.com"));
    let first = phone.request("REGISTER", uri, &aor, "");
    let challenge = phone.send(first.as_bytes()).then(|| phone.receive()).flatten()?;
    let proof = crate::journals::authorization(user, &challenge, "REGISTER", uri);
    let at = proof.find("response=\"")? + 10;
    let digit = if proof[at..].starts_with('0') { "1" } else { "0" };
    let wrong = format!("{}{digit}{}", &proof[..at], &proof[at + 1..]);
    let second = phone.request("REGISTER", uri, &aor, &wrong);
    let answer = phone.send(second.as_bytes()).then(|| phone.receive()).flatten()?;
    Some(status(&answer))
}

fn counts(house: &House) -> model::Counts {
    house.live().counts().unwrap()
}

#[test]
fn the_operators_word_keeps_an_address_out_and_lets_it_in_again() {
    let house = house();
    let mut before = Phone::new(&house, Transport::Tcp);
    before.check();
    house.live().ban(HERE, Duration::from_secs(600)).unwrap();
    let bans = house.live().bans();
    assert_eq!(bans.len(), 1);
    assert_eq!(
        (bans[0].address.as_str(), bans[0].reason.as_str()),
        ("127.0.0.1", "operator")
    );
    assert!(!answers(&house, Transport::Udp));
    // A connection that was there is closed when it brings something.
    before.set_timeout(SILENCE);
    let ping = before.ping();
    assert!(!before.send(ping.as_bytes()) || before.receive().is_none());
    assert!(counts(&house).border_banned >= 2);
    assert!(house.live().lift_ban(HERE) && !house.live().lift_ban(HERE));
    assert_eq!(house.live().bans(), []);
    assert!(answers(&house, Transport::Udp) && answers(&house, Transport::Tcp));
    house.stop();
}

#[test]
fn who_is_on_the_list_of_those_allowed_can_not_be_banned() {
    let house = House::new();
    let error = house.live().ban(HERE, Duration::from_secs(60)).unwrap_err();
    assert!(error.to_string().contains("[border] allow"), "{error}");
    house.stop();
}

#[test]
fn a_banned_address_may_call_for_help_and_nothing_else() {
    let house = house();
    house.live().ban(HERE, Duration::from_secs(600)).unwrap();
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        let mut phone = Phone::new(&house, transport);
        let aor = "sip:112@example.com";
        let help = phone.request(
            "INVITE",
            "sip:112@example.com",
            aor,
            "Contact: <sip:101@127.0.0.1>\r\n",
        );
        assert_eq!(status(&phone.ask(&help)), 407, "{transport}");
        phone.set_timeout(SILENCE);
        let ping = phone.ping();
        assert!(
            !phone.send(ping.as_bytes()) || phone.receive().is_none(),
            "{transport}"
        );
    }
    assert!(counts(&house).border_emergencies >= 3);
    house.stop();
}

#[test]
fn guessing_over_a_connection_bans_the_address_and_its_registered_phone_goes_on() {
    let house = house();
    let mut colleague = Phone::new(&house, Transport::Tls);
    assert_eq!(
        status(&colleague.register("example.com", "<sip:101@127.0.0.1>")),
        200
    );
    let mut guesser = Phone::new(&house, Transport::Tcp);
    guesser.set_timeout(SILENCE);
    for user in 0..50 {
        if guess(&mut guesser, &format!("user{user}")).is_none() {
            break;
        }
    }
    until("the ban", || counts(&house).bans == 1);
    let bans = house.live().bans();
    assert_eq!(
        (bans[0].reason.as_str(), bans[0].datagrams_only),
        ("credentials", false)
    );
    assert!(!answers(&house, Transport::Tcp) && !answers(&house, Transport::Udp));
    colleague.check();
    house.stop();
}

#[test]
fn a_credential_that_fails_too_often_is_not_looked_at() {
    let house = house();
    let mut phone = Phone::new(&house, Transport::Tcp);
    assert_eq!(status(&phone.register("example.com", "<sip:101@127.0.0.1>")), 200);
    let mut other = Phone::new(&house, Transport::Tcp);
    for _ in 0..20 {
        assert_eq!(guess(&mut other, "102"), Some(403));
    }
    let counts = counts(&house);
    assert_eq!(
        (counts.auth_failed, counts.border_locked, counts.bans),
        (10, 10, 0)
    );
    // From the same address, another credential is looked at.
    assert_eq!(
        status(&other.register("example.com", "<sip:101@127.0.0.1:5070>")),
        200
    );
    house.stop();
}

#[test]
fn a_scanner_is_not_answered() {
    let house = house();
    let mut scanner = Phone::new(&house, Transport::Udp);
    scanner.set_timeout(SILENCE);
    let request = scanner.request(
        "OPTIONS",
        "sip:example.com",
        "sip:example.com",
        "User-Agent: friendly-scanner\r\n",
    );
    assert!(scanner.send(request.as_bytes()) && scanner.receive().is_none());
    let counted = counts(&house);
    assert_eq!((counted.border_scanners, counted.bans), (1, 1));
    assert!(
        !answers(&house, Transport::Udp),
        "its datagrams are not heard any more"
    );
    assert!(
        answers(&house, Transport::Tcp),
        "their source may have been forged"
    );
    house.stop();
}

#[test]
fn a_phone_of_before_the_restart_is_no_stranger() {
    let house = house();
    let mut phone = Phone::new(&house, Transport::Udp);
    assert_eq!(status(&phone.register("example.com", "<sip:101@127.0.0.1>")), 200);
    let house = House::on(house.stop(), |settings| settings.border.allow = Nets::default());
    let mut scanner = Phone::new(&house, Transport::Udp);
    let request = scanner.request(
        "OPTIONS",
        "sip:example.com",
        "sip:example.com",
        "User-Agent: sipvicious\r\n",
    );
    scanner.check();
    scanner.send(request.as_bytes());
    scanner.check();
    assert_eq!(counts(&house).bans, 0);
    house.stop();
}
