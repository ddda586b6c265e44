//! WebSocket as a transport (RFC 7118): handshakes good and bad, frames in every form, limits and times.

use crate::house::{House, until};
use crate::phone::{Phone, status};
use crate::web::{Socket, request};
use model::Transport;
use std::io::Read;
use std::time::Duration;

const BOTH: [Transport; 2] = [Transport::Ws, Transport::Wss];

/// The status that a handshake gets.
fn answer(house: &House, request: &str) -> String {
    let mut socket = Socket::connect(house.at(Transport::Ws), Transport::Ws);
    let answer = socket.shake(request);
    let code = answer.split(' ').nth(1).unwrap_or("nothing").to_owned();
    if code != "101" {
        while socket.hear_raw() {}
    }
    code
}

#[test]
fn the_handshake_is_answered_by_what_is_wrong_with_it() {
    let house = House::with(|s| s.origins = vec!["https://phone.example".to_owned()]);
    let good = |path| request(path, "Origin: https://PHONE.example\r\n");
    let plain = request("/", "");
    let without = |name: &str| {
        let lines = plain
            .split_inclusive("\r\n")
            .filter(|line| !line.starts_with(name));
        lines.collect::<String>()
    };
    let cases = [
        (good("/"), "101"),
        (good("/sip"), "101"),
        (good("/ws?theme=dark"), "101"),
        (plain.clone(), "101"),
        (good("http://pbx.example/ws?a=b://c"), "101"),
        (good("http://pbx.example"), "101"),
        (good("http://pbx.example/admin"), "404"),
        (good("*"), "404"),
        (request("/", "Origin: https://evil.example\r\n"), "403"),
        (request("/", "Origin: null\r\n"), "403"),
        (good("/?token=c1.1.1.1"), "403"),
        (good("/?token=a&access_token=b"), "400"),
        (good("/admin"), "404"),
        (plain.replace("GET", "POST"), "405"),
        (without("Upgrade"), "426"),
        (without("Connection"), "426"),
        (plain.replace("Version: 13", "Version: 8"), "426"),
        (without("Sec-WebSocket-Protocol"), "400"),
        (plain.replace("chat, sip", "chat, sipx"), "400"),
        (without("Sec-WebSocket-Key"), "400"),
        (plain.replace("dGhl", "dG\\l"), "400"),
        (
            request("/", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
            "400",
        ),
        (without("Host"), "400"),
        (request("/", "Content-Length: 5\r\n"), "400"),
        (request("/", "X-Folded: a\r\n b\r\n"), "400"),
        (request("/", "Bad Name: a\r\n"), "400"),
        (plain.replace("HTTP/1.1", "HTTP/1.0"), "505"),
        ("OPTIONS sip:x SIP/2.0\r\n\r\n".to_owned(), "400"),
        ("\u{16}\u{3}\u{1}".to_owned(), "400"),
        (request("/", &format!("Cookie: {}\r\n", "x".repeat(9_000))), "431"),
    ];
    let bad = cases.iter().filter(|(_, code)| *code != "101").count();
    for (request, code) in &cases {
        assert_eq!(answer(&house, request), *code, "{request}");
    }
    let counts = house.live().counts().unwrap();
    assert_eq!(counts.websockets_refused, bad as u64);
    assert_eq!(counts.websockets, (cases.len() - bad) as u64);
    until("all connections are gone", || {
        house.live().status().unwrap().connections == 0
    });
    house.stop();
}

#[test]
fn a_handshake_and_a_message_may_come_octet_by_octet_or_in_fragments() {
    let house = House::new();
    for transport in BOTH {
        let mut socket = Socket::connect(house.at(transport), transport);
        let text = request("/", "");
        let (most, last) = text.as_bytes().split_at(text.len() - 1);
        most.iter().for_each(|octet| assert!(socket.raw(&[*octet])));
        assert!(socket.shake(std::str::from_utf8(last).unwrap()).contains(" 101 "));
        let ping = Phone::new(&house, transport).ping();
        let (head, tail) = ping.as_bytes().split_at(40);
        socket.frame(0x01, head);
        socket.frame(0x89, b"in between");
        socket.frame(0x00, b"");
        socket.frame(0x80, tail);
        assert_eq!(socket.hear().as_deref(), Some("pong in between"));
        assert_eq!(status(&socket.hear().unwrap()), 200);
        // Without Content-Length, as RFC 7118 §5.2.1 allows, and as binary.
        socket.frame(0x82, ping.replace("Content-Length: 0\r\n", "").as_bytes());
        assert_eq!(status(&socket.hear().unwrap()), 200);
        socket.frame(0x88, b"");
        assert_eq!((socket.hear(), socket.closed), (None, Some(1000)));
    }
    house.stop();
}

#[test]
fn keep_alives_of_both_kinds_are_answered() {
    let house = House::new();
    for transport in BOTH {
        let mut socket = Socket::open(house.at(transport), transport, "/");
        socket.say(b"\r\n\r\n");
        assert_eq!(socket.hear().as_deref(), Some("\r\n"));
        socket.frame(0x89, b"");
        assert_eq!(socket.hear().as_deref(), Some("pong "));
        socket.frame(0x8a, b"unasked");
        socket.say(b"\r\n");
    }
    until("all are counted", || {
        house.live().counts().unwrap().keepalives == 8
    });
    assert_eq!(house.live().counts().unwrap().unparsable, 0);
    house.stop();
}

#[test]
fn who_breaks_the_protocol_is_told_by_a_code_and_others_are_served() {
    let house = House::with(|s| s.limits.message_bytes = 2_000);
    let mut good = Phone::new(&house, Transport::Ws);
    let long = [b'x'; 126];
    let cases: [(&[u8], u16); 12] = [
        (&[0x81, 0x05, b'h', b'e', b'l', b'l', b'o'], 1002), // Not masked.
        (&[0xc1, 0x80, 0, 0, 0, 0], 1002),                   // A reserved bit.
        (&[0x83, 0x80, 0, 0, 0, 0], 1002),                   // An unknown kind.
        (&[0x09, 0x80, 0, 0, 0, 0], 1002),                   // A ping in fragments.
        (&[0x89, 0xfe, 0, 126], 1002),                       // A long ping.
        (&[0x80, 0x80, 0, 0, 0, 0], 1002),                   // The end of nothing.
        (&[0x01, 0x80, 0, 0, 0, 0, 0x81, 0x80, 0, 0, 0, 0], 1002), // A message inside another.
        (&[0x81, 0xfe, 0, 5, 0, 0, 0, 0], 1002),             // Five octets said in two.
        (&[0x88, 0x81, 0, 0, 0, 0, 3], 1002),                // Half a code.
        (&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed], 1002),       // 1005 is for nobody's wire.
        (&[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007),       // Not UTF-8.
        (&[0x82, 0xfe, 0x07, 0xd1, 0, 0, 0, 0], 1009),       // One octet too many.
    ];
    for (octets, code) in cases {
        let mut socket = Socket::open(house.at(Transport::Ws), Transport::Ws, "/");
        socket.raw(octets);
        assert_eq!((socket.hear(), socket.closed), (None, Some(code)), "{octets:x?}");
        good.check();
    }
    let mut pieces = Socket::open(house.at(Transport::Ws), Transport::Ws, "/");
    pieces.frame(0x01, &long);
    (0..15).for_each(|_| _ = pieces.frame(0x00, &long));
    assert_eq!((pieces.hear(), pieces.closed), (None, Some(1009)));
    assert_eq!(house.live().counts().unwrap().websockets_refused, 13);
    house.stop();
}

#[test]
fn what_is_no_sip_spoils_nothing_after_it() {
    let house = House::new();
    let mut phone = Phone::new(&house, Transport::Wss);
    phone.send(b"nonsense");
    let bad = phone.ping().replace("Content-Length: 0", "Content-Length: 77");
    assert_eq!(status(&phone.ask(&bad)), 400);
    phone.check();
    assert_eq!(house.live().counts().unwrap().unparsable, 1);
    house.stop();
}

#[test]
fn half_a_handshake_or_half_a_message_is_closed_after_a_while() {
    let house = House::with(|s| s.limits.connection_stall_s = 1);
    for transport in BOTH {
        let mut halfway = Socket::connect(house.at(transport), transport);
        halfway.raw(b"GET / HTTP/1.1\r\nHost: x\r\n");
        while halfway.hear_raw() {}
        let mut endless = Socket::open(house.at(transport), transport, "/");
        endless.frame(0x01, b"OPTIONS");
        assert_eq!(endless.hear(), None);
    }
    assert_eq!(house.live().counts().unwrap().connections_refused, 4);
    house.stop();
}

#[test]
fn pings_do_not_excuse_a_message_that_never_ends() {
    let house = House::with(|s| s.limits.connection_stall_s = 1);
    let mut socket = Socket::open(house.at(Transport::Ws), Transport::Ws, "/");
    socket.frame(0x01, b"OPTIONS");
    let begun = std::time::Instant::now();
    while socket.frame(0x89, b"") && socket.hear().is_some() {
        assert!(begun.elapsed() < Duration::from_secs(8), "it goes on");
        socket.frame(0x00, b"");
    }
    house.stop();
}

#[test]
fn a_control_frame_in_two_pieces_is_no_message_that_never_ends() {
    let house = House::with(|s| s.limits.connection_stall_s = 1);
    let mut socket = Socket::open(house.at(Transport::Ws), Transport::Ws, "/");
    let received = || house.live().counts().unwrap().keepalives;
    socket.raw(&[0x89, 0x80]);
    // The server must see both pieces apart: a whole connection's round trip lies between them.
    Phone::new(&house, Transport::Ws).check();
    assert_eq!(received(), 0);
    socket.raw(&[0, 0, 0, 0]);
    assert_eq!(socket.hear().as_deref(), Some("pong "));
    // Read until well after the stall would have been noticed.
    socket
        .tcp()
        .set_read_timeout(Some(Duration::from_millis(2_500)))
        .unwrap();
    let mut octet = [0; 1];
    let silence = socket.tcp().peek(&mut octet);
    assert!(silence.is_err(), "closed or spoken to: {silence:?}");
    house.stop();
}

#[test]
fn a_quiet_page_is_asked_and_stays_a_dead_one_goes() {
    let house = House::with(|s| s.limits.connection_idle_s = 2);
    let mut live = Socket::open(house.at(Transport::Ws), Transport::Ws, "/");
    let mut dead = Socket::open(house.at(Transport::Ws), Transport::Ws, "/");
    dead.polite = false;
    let browser = std::thread::spawn(move || {
        while live.pings < 3 {
            assert_eq!(live.step(), Some(None));
        }
        live
    });
    assert_eq!(dead.hear(), None);
    assert_eq!(dead.pings, 1);
    let mut live = browser.join().unwrap();
    live.say(b"\r\n\r\n");
    assert_eq!(live.hear().as_deref(), Some("\r\n"));
    house.stop();
}

#[test]
fn who_asks_for_pongs_and_does_not_read_them_is_closed() {
    let house = House::with(|s| s.limits.connection_backlog_bytes = 20_000);
    let mut socket = Socket::open(house.at(Transport::Ws), Transport::Ws, "/");
    socket
        .tcp()
        .set_write_timeout(Some(crate::house::PATIENCE))
        .unwrap();
    while socket.frame(0x89, &[b'x'; 125]) {}
    until("the connection is gone", || {
        house.live().status().unwrap().connections == 0
    });
    assert_eq!(house.live().counts().unwrap().connections_refused, 1);
    house.stop();
}

#[test]
fn a_stopping_server_says_goodbye() {
    let house = House::new();
    let mut socket = Socket::open(house.at(Transport::Ws), Transport::Ws, "/");
    house.stop();
    assert_eq!((socket.hear(), socket.closed), (None, Some(1001)));
}

#[test]
fn ipv6_carries_websockets() {
    let house = House::with(|s| {
        s.listen
            .iter_mut()
            .for_each(|l| l.address = "[::1]:0".parse().unwrap());
    });
    for transport in BOTH {
        let mut phone = Phone::new(&house, transport);
        phone.check();
        let answer = phone.register("example.com", "<sip:101@a1b2.invalid;transport=ws>");
        assert_eq!(status(&answer), 200, "{answer}");
        let via = crate::phone::field(&answer, "Via");
        assert!(via.contains("received=::1;"), "{via}");
    }
    house.stop();
}

#[test]
fn a_browser_that_goes_mid_handshake_hurts_nobody() {
    let house = House::new();
    for transport in BOTH {
        for cut in [0, 1, 20, 190] {
            let mut socket = Socket::connect(house.at(transport), transport);
            socket.raw(&request("/", "").as_bytes()[..cut]);
        }
        let mut socket = Socket::open(house.at(transport), transport, "/");
        socket.raw(&[0x81, 0xfe]);
        drop(socket);
    }
    until("all connections are gone", || {
        house.live().status().unwrap().connections == 0
    });
    Phone::new(&house, Transport::Wss).check();
    house.stop();
}

impl Socket {
    /// Reads and throws away; false at the end.
    fn hear_raw(&mut self) -> bool {
        self.tcp()
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let mut tcp = self.tcp();
        matches!(tcp.read(&mut [0; 4096]), Ok(count) if count > 0)
    }
}
