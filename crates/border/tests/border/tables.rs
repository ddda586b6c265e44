//! Tables are bounded, and who fills them gains nothing by it.

use super::{REGISTER, Scene, flow, ip, tls, udp};
use border::{Report, Why};
use model::Transport;
use std::time::Duration;

/// Places of all tables together: 512 sets of sources, 1,024 of flows, 256 each of networks and credentials, with eight places.
const PLACES: usize = (512 + 1_024 + 256 + 256) * 8;

fn address(n: u32) -> String {
    let n = n.wrapping_mul(2_654_435_761);
    format!(
        "{}.{}.{}.{}:5060",
        1 + (n >> 24) % 126,
        n >> 16 & 255,
        n >> 8 & 255,
        n & 255
    )
}

#[test]
fn a_million_forged_sources_lift_no_ban_push_nobody_out_and_take_no_more_room() {
    let mut scene = Scene::new();
    let attacker = tls("192.0.2.1:40000");
    scene.count(&attacker, 1, (0..100).map(Report::Denied));
    assert!(scene.guard.ban(ip("192.0.2.77"), 3_600, scene.now));
    let phones: Vec<_> = (0..200).map(|n| udp(&format!("203.0.{n}.5:5060"))).collect();
    for (phone, n) in phones.iter().zip(0..) {
        assert!(scene.tries(phone, Report::Granted(n)));
    }
    let scan = b"OPTIONS sip:100@acme.test SIP/2.0\r\nUser-Agent: sipvicious\r\n\r\n";
    for n in 0..1_000_000 {
        let forged = udp(&address(n));
        match n % 3 {
            0 => drop(scene.guard.message(&forged, scan, scene.now)),
            1 => drop(scene.tries(&forged, Report::Denied(u64::from(n)))),
            _ => drop(scene.tries(&forged, Report::Malformed)),
        }
        scene.now += Duration::from_micros(10);
    }
    assert!(scene.guard.held() <= PLACES);
    assert_eq!(scene.refused(&attacker, REGISTER), Some(Why::Banned));
    assert_eq!(
        scene.refused(&udp("192.0.2.77:5060"), REGISTER),
        Some(Why::Banned)
    );
    for (phone, n) in phones.iter().zip(0..) {
        assert!(scene.guard.is_trusted(phone, scene.now), "phone {n}");
        assert!(scene.tries(phone, Report::Granted(n)), "phone {n}");
    }
    let newcomer = udp("203.0.113.200:5060");
    assert!(
        scene.passes(&newcomer, REGISTER),
        "there is room for those who come with a password"
    );
    scene.guard.report(&newcomer, Report::Granted(1_000), scene.now);
    assert!(scene.guard.is_trusted(&newcomer, scene.now));
}

#[test]
fn a_million_real_sources_are_bounded_too() {
    let mut scene = Scene::new();
    for n in 0..200_000_u32 {
        let stranger = flow(Transport::Tcp, &address(n));
        scene.tries(&stranger, Report::Denied(u64::from(n)));
        scene.tries(&stranger, Report::Granted(u64::from(n)));
    }
    assert!(scene.guard.held() <= PLACES);
    assert!(scene.passes(&tls("203.0.113.1:1"), REGISTER));
}
