//! Streams that misbehave: slow, oversized, broken, unread, abruptly gone.

use crate::house::{House, until};
use crate::phone::{Line, Phone, status};
use model::Transport;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

#[test]
fn a_slow_loris_is_closed_however_diligently_it_drips() {
    let house = House::with(|s| s.limits.connection_stall_s = 1);
    let mut loris = Phone::new(&house, Transport::Tcp);
    loris.check();
    let start = Instant::now();
    let ping = loris.ping();
    let Line::Tcp(mut socket) = loris.line else {
        panic!()
    };
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut dripped = 0;
    for octet in ping.as_bytes() {
        // One octet, then wait for the server to say or close something.
        dripped += usize::from(socket.write_all(&[*octet]).is_ok());
        if matches!(socket.read(&mut [0; 16]), Ok(0)) {
            break;
        }
    }
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert!(dripped < ping.len(), "the whole message got through");
    assert_eq!(house.live().counts().unwrap().connections_refused, 1);
    house.stop();
}

#[test]
fn a_connection_that_never_says_anything_is_closed() {
    let house = House::with(|s| s.limits.connection_stall_s = 1);
    for transport in [Transport::Tcp, Transport::Tls] {
        let mut silent = TcpStream::connect(house.at(transport)).unwrap();
        assert_eq!(silent.read(&mut [0; 16]).unwrap(), 0);
    }
    house.stop();
}

#[test]
fn an_idle_connection_is_closed_and_a_live_one_is_not() {
    let house = House::with(|s| s.limits.connection_idle_s = 1);
    let mut idle = Phone::new(&house, Transport::Tcp);
    let mut live = Phone::new(&house, Transport::Tcp);
    idle.check();
    let Line::Tcp(mut idle) = idle.line else { panic!() };
    idle.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    while !matches!(idle.read(&mut [0; 16]), Ok(0)) {
        live.check();
    }
    live.check();
    house.stop();
}

#[test]
fn an_oversized_message_is_answered_and_the_stream_closed() {
    let house = House::with(|s| s.limits.message_bytes = 2000);
    for transport in [Transport::Tcp, Transport::Tls] {
        let mut phone = Phone::new(&house, transport);
        let large = phone
            .ping()
            .replace("Content-Length: 0", "Content-Length: 100000");
        phone.send(large.as_bytes());
        let answers = phone.receive_all();
        assert_eq!(answers.iter().map(|a| status(a)).collect::<Vec<_>>(), [513]);
    }
    let mut phone = Phone::new(&house, Transport::Udp);
    let large = phone.request(
        "OPTIONS",
        "sip:x",
        "sip:x",
        &format!("Subject: {}\r\n", "x".repeat(30_000)),
    );
    assert_eq!(status(&phone.ask(&large)), 513);
    assert_eq!(house.live().counts().unwrap().oversized, 3);
    house.stop();
}

#[test]
fn a_head_without_end_is_cut_off() {
    let house = House::new();
    let mut phone = Phone::new(&house, Transport::Tcp);
    let endless = format!("OPTIONS sip:x SIP/2.0\r\nSubject: {}", "x".repeat(1_000_000));
    phone.send(endless.as_bytes());
    let _ = phone.receive_all();
    Phone::new(&house, Transport::Tcp).check();
    assert_eq!(house.live().counts().unwrap().oversized, 1);
    house.stop();
}

#[test]
fn who_does_not_read_answers_is_closed_at_the_backlog_cap() {
    let house = House::with(|s| s.limits.connection_backlog_bytes = 20_000);
    let phone = Phone::new(&house, Transport::Tcp);
    let pings: String = (0..200).map(|_| phone.ping()).collect();
    let Line::Tcp(mut socket) = phone.line else {
        panic!()
    };
    socket.set_write_timeout(Some(crate::house::PATIENCE)).unwrap();
    while socket.write_all(pings.as_bytes()).is_ok() {}
    until("the connection is gone", || {
        house.live().status().unwrap().connections == 0
    });
    assert_eq!(house.live().counts().unwrap().connections_refused, 1);
    house.stop();
}

#[test]
fn an_abrupt_end_in_any_state_hurts_nobody() {
    let house = House::new();
    for transport in [Transport::Tcp, Transport::Tls] {
        for cut in [0, 1, 10, 100, usize::MAX] {
            let mut phone = Phone::new(&house, transport);
            let ping = phone.ping();
            phone.send(&ping.as_bytes()[..cut.min(ping.len())]);
            drop(phone);
        }
    }
    let mut phone = Phone::new(&house, Transport::Tcp);
    phone.check();
    let Line::Tcp(socket) = &phone.line else { panic!() };
    socket.shutdown(Shutdown::Both).unwrap();
    drop(phone);
    until("all connections are gone", || {
        house.live().status().unwrap().connections == 0
    });
    Phone::new(&house, Transport::Tls).check();
    house.stop();
}

/// Thousands of half messages, each within its own limits: together they may hold so much, and those that have taken
/// longest go. Phones with whole messages, and one that is a little slow, notice nothing.
#[test]
fn unfinished_messages_share_a_cap_and_the_oldest_go_first() {
    let house = House::with(|s| {
        s.workers = 1;
        s.limits.partial_bytes_per_worker = 200_000;
    });
    let half = |phone: &Phone, octets: usize| {
        let whole = phone.ping().replace("Content-Length: 0", "Content-Length: 30000");
        format!("{whole}{}", "x".repeat(octets))
    };
    let mut phones: Vec<Phone> = [Transport::Tcp, Transport::Tls, Transport::Ws]
        .map(|t| Phone::new(&house, t))
        .into();
    phones.iter_mut().for_each(Phone::check);
    let connections = || house.live().status().unwrap().connections;
    let dropped = || house.live().counts().unwrap().partials_dropped;
    let mut slow = Vec::new();
    for number in 1..=40_u64 {
        let mut phone = Phone::new(&house, Transport::Tcp);
        let text = half(&phone, 20_000);
        phone.send(text.as_bytes());
        slow.push(phone);
        // Nine of them fit.
        until("the oldest is gone", || dropped() == number.saturating_sub(9));
    }
    assert_eq!(connections(), 9 + 3);
    phones.iter_mut().for_each(Phone::check);
    // The first ones are closed, the last ones are not, and whoever is ready makes room.
    assert_eq!(slow[0].receive_all(), Vec::<String>::new());
    let last = slow.last_mut().unwrap();
    last.send("x".repeat(10_000).as_bytes());
    assert!(status(&last.receive().unwrap()) >= 200);
    let mut another = Phone::new(&house, Transport::Tcp);
    let text = half(&another, 20_000);
    another.send(text.as_bytes());
    another.send("x".repeat(10_000).as_bytes());
    assert!(status(&another.receive().unwrap()) >= 200);
    assert_eq!(dropped(), 31);
    // The beginnings of WebSocket frames count as well.
    let mut web: Vec<Phone> = (0..20).map(|_| Phone::new(&house, Transport::Ws)).collect();
    for phone in &mut web {
        let Line::Web(socket) = &mut phone.line else {
            panic!()
        };
        // A masked binary frame of 30,000 octets, of which 20,000 come.
        let mut frame = vec![0x82, 0xfe, 0x75, 0x30, 1, 2, 3, 4];
        frame.extend(vec![b'x'; 20_000]);
        socket.tcp().write_all(&frame).unwrap();
    }
    until("most of them are gone", || dropped() == 31 + 8 + 11);
    phones.iter_mut().for_each(Phone::check);
    drop((slow, web));
    house.stop();
}
