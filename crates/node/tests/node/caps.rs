//! Caps on connections.

use crate::house::{House, until};
use crate::phone::Phone;
use model::Transport;
use std::io::Read;
use std::net::TcpStream;

fn refused(house: &House) -> bool {
    let mut socket = TcpStream::connect(house.at(Transport::Tcp)).unwrap();
    matches!(socket.read(&mut [0; 16]), Ok(0) | Err(_))
}

#[test]
fn connections_beyond_a_cap_are_closed_and_a_freed_place_is_taken() {
    for per_source in [true, false] {
        let house = House::with(|s| {
            s.workers = 1;
            match per_source {
                true => s.limits.connections_per_source = 3,
                false => s.limits.connections_per_worker = 3,
            }
        });
        let mut phones: Vec<Phone> = (0..3).map(|_| Phone::new(&house, Transport::Tcp)).collect();
        phones.iter_mut().for_each(Phone::check);
        assert!(refused(&house) && refused(&house));
        assert_eq!(house.live().counts().unwrap().connections_refused, 2);
        Phone::new(&house, Transport::Udp).check();
        phones.pop();
        until("the place is free", || {
            house.live().status().unwrap().connections == 2
        });
        Phone::new(&house, Transport::Tcp).check();
        phones.iter_mut().for_each(Phone::check);
        house.stop();
    }
}
