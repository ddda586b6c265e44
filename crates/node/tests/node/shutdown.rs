//! Going down without hurting anybody.

use crate::house::House;
use crate::phone::Phone;
use model::Transport;
use std::net::{TcpListener, TcpStream, UdpSocket};

#[test]
fn a_drained_node_takes_no_connections_and_still_answers() {
    let house = House::new();
    let mut phone = Phone::new(&house, Transport::Tcp);
    phone.check();
    house.live().drain();
    // The answer comes from the same queue, after the drain.
    assert!(house.live().status().unwrap().draining);
    phone.check();
    Phone::new(&house, Transport::Udp).check();
    assert!(TcpStream::connect(house.at(Transport::Tcp)).is_err());
    house.stop();
}

#[test]
fn a_shutdown_closes_connections_frees_every_port_and_silences_the_handle() {
    let house = House::new();
    let (udp, tcp) = (house.at(Transport::Udp), house.at(Transport::Tcp));
    let mut phone = Phone::new(&house, Transport::Tcp);
    phone.check();
    let live = house.live();
    house.stop();
    assert_eq!(phone.receive(), None, "the connection ends");
    drop(phone);
    UdpSocket::bind(udp).unwrap();
    let _ = TcpListener::bind(tcp);
    assert!(TcpStream::connect(tcp).is_err());
    drop(live);
}
