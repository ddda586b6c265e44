//! Worlds by chance.

use model::{Policy, Transport};
use sim::check;
use sim::net::Weather;
use sim::phone::{Answer, State};
use sim::world::{Company, World};

#[test]
fn two_phones_register_talk_and_hang_up() {
    let company = Company {
        domain: "a.example",
        extensions: &["100", "101"],
        policy: Policy::default(),
    };
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        let mut world = World::new(
            1,
            Weather::FAIR,
            &[Company {
                policy: Policy::default(),
                ..company
            }],
        );
        let ann = world.add_phone("a.example", "100", transport, Answer::Ring);
        let bea = world.add_phone("a.example", "101", transport, Answer::PickUp(800));
        for phone in [ann, bea] {
            world.act(phone, |p, now| p.register(600, now));
        }
        world.run_ms(100);
        let call = world.act(ann, |p, now| p.call("101", now)).unwrap();
        world.run_ms(3_000);
        assert_eq!(
            world.phones[ann].calls(),
            [(call, State::Up)],
            "{}",
            world.ladder.text()
        );
        check::always(&world).unwrap();
        world.act(ann, |p, now| p.hang_up(call, now));
        world.run_ms(60_000);
        check::at_rest(&world).unwrap_or_else(|e| panic!("{e}\n{}", world.ladder.text()));
        let [cdr] = &world.server.cdrs[..] else {
            panic!("{:?}", world.server.cdrs)
        };
        assert_eq!(cdr.cause.sip, 200);
        assert!(world.phones[ann].packets_received > 2, "{}", world.ladder.text());
        assert!(world.phones[bea].packets_received > 2, "{}", world.ladder.text());
    }
}
