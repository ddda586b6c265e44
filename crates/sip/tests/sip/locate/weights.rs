//! RFC 2782's lots by statistics over seeds, each within four standard deviations.

use super::{UDP, Zone, look_up, means, wish};
use sip::locate::Found;
use std::collections::BTreeMap;

fn found(servers: &[(u16, u16)]) -> Found {
    let mut zone = String::new();
    for (index, (priority, weight)) in servers.iter().enumerate() {
        zone += &format!("_sip._udp.lot.test 60 SRV {priority} {weight} 5060 s{index}.lot.test.\n");
        zone += &format!("s{index}.lot.test 60 A 192.0.2.{index}\n");
    }
    look_up(&wish("lot.test"), means(&[UDP]), &Zone::new(&zone))
        .0
        .unwrap()
}

const DRAWS: u64 = 40_000;

/// How often each order of servers came.
fn orders(servers: &[(u16, u16)]) -> BTreeMap<Vec<u8>, f64> {
    let found = found(servers);
    let mut seen = BTreeMap::new();
    for seed in 0..DRAWS {
        let order = found.places(seed).into_iter().map(|place| match place.address {
            std::net::SocketAddr::V4(at) => at.ip().octets()[3],
            std::net::SocketAddr::V6(_) => unreachable!(),
        });
        *seen.entry(order.collect()).or_insert(0.0) += 1.0;
    }
    seen
}

fn share_first(orders: &BTreeMap<Vec<u8>, f64>, server: u8) -> f64 {
    let hits = orders.iter().filter(|(order, _)| order.first() == Some(&server));
    hits.map(|(_, count)| count).sum::<f64>() / DRAWS as f64
}

fn check_share(share: f64, expected: f64) {
    let deviation = (expected * (1.0 - expected) / DRAWS as f64).sqrt();
    assert!(
        (share - expected).abs() <= 4.0 * deviation,
        "{share} instead of {expected}"
    );
}

#[test]
fn weights_are_shares() {
    // A number from 0 to 60, both among them: 61 of them, of which the first server has one more.
    let all = orders(&[(0, 10), (0, 20), (0, 30)]);
    check_share(share_first(&all, 0), 11.0 / 61.0);
    check_share(share_first(&all, 1), 20.0 / 61.0);
    check_share(share_first(&all, 2), 30.0 / 61.0);
    // And the rest by the same rule: after the last, the first of those left.
    let after_last = |order: &[u8]| all.get(order).copied().unwrap_or(0.0) / DRAWS as f64;
    check_share(after_last(&[2, 0, 1]), 30.0 / 61.0 * 11.0 / 31.0);
    check_share(after_last(&[2, 1, 0]), 30.0 / 61.0 * 20.0 / 31.0);
    assert_eq!(all.len(), 6);
}

#[test]
fn who_has_no_weight_is_chosen_now_and_then() {
    let all = orders(&[(0, 99), (0, 0)]);
    check_share(share_first(&all, 1), 1.0 / 100.0);
    assert_eq!(all.len(), 2);
}

#[test]
fn where_none_has_a_weight_each_is_as_likely() {
    let all = orders(&[(0, 0), (0, 0), (0, 0), (0, 0)]);
    for server in 0..4 {
        check_share(share_first(&all, server), 0.25);
    }
    assert_eq!(all.len(), 24);
}

#[test]
fn a_lower_priority_comes_first_whatever_the_weights() {
    for order in orders(&[(20, 65_535), (10, 1), (10, 65_535), (5, 0)]).keys() {
        assert_eq!((order[0], order[3]), (3, 0));
    }
}

#[test]
fn a_seed_is_an_order() {
    let found = found(&[(0, 1), (0, 1), (0, 1)]);
    for seed in 0..100 {
        assert_eq!(found.places(seed), found.places(seed));
    }
}
