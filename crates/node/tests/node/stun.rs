//! STUN on the SIP port: keep-alive and address discovery (RFC 5626 §4.4.2).

use crate::house::{House, until};
use crate::phone::{Line, Phone};
use model::Transport;
use rtp::stun::{Message, binding_request};

#[test]
fn a_phone_learns_its_address_and_sip_goes_on_beside() {
    let house = House::new();
    let mut phone = Phone::new(&house, Transport::Udp);
    let Line::Udp(socket) = &phone.line else { panic!() };
    let mut buffer = [0; 128];
    for turn in 0..20_u8 {
        socket.send(&binding_request([turn; 12])).unwrap();
        let count = socket.recv(&mut buffer).unwrap();
        let reply = Message::parse(&buffer[..count]).unwrap();
        assert_eq!(reply.xor_mapped_address(), Some(phone.local));
        assert_eq!((count, buffer[8]), (32, turn));
    }
    let mut strange = binding_request([9; 12]);
    strange[1] = 0x03;
    socket.send(&strange).unwrap();
    phone.check();
    until("the strange one is counted", || {
        let counts = house.live().counts().unwrap();
        (counts.stun_bindings, counts.stun_invalid, counts.unparsable) == (20, 1, 0)
    });
    house.stop();
}
