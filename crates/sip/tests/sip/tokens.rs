//! Tokens: reproducible, different, and telling whose they are.

use sip::token::{TokenSource, owner_of_branch, owner_of_tag};
use std::collections::BTreeSet;

#[test]
fn the_same_seed_gives_the_same_tokens_and_another_seed_others() {
    let take = |seed: u8| {
        let mut source = TokenSource::new([seed; 32]);
        (
            source.u64(),
            source.hex16().to_string(),
            source.bytes16(),
            source.tag(3),
            source.branch(3),
        )
    };
    assert_eq!(take(1), take(1));
    let (one, two) = (take(1), take(2));
    assert_ne!((one.0, one.2), (two.0, two.2));
}

#[test]
fn tokens_do_not_repeat() {
    let mut source = TokenSource::new([9; 32]);
    let seen: BTreeSet<_> = (0..10_000).map(|_| source.u64()).collect();
    assert_eq!(seen.len(), 10_000);
}

#[test]
fn numbers_stay_below_their_bound_and_reach_all_of_it() {
    let mut source = TokenSource::new([4; 32]);
    let seen: BTreeSet<_> = (0..1_000).map(|_| source.below(10)).collect();
    assert_eq!(seen, (0..10).collect());
    assert_eq!(source.below(0), 0);
}

#[test]
fn tags_and_branches_tell_their_owner() {
    let mut source = TokenSource::new([5; 32]);
    for owner in [0, 1, 0xbeef, u64::MAX] {
        assert_eq!(owner_of_tag(&source.tag(owner)), Some(owner));
        assert_eq!(owner_of_branch(&source.branch(owner)), Some(owner));
    }
    let digits = source.hex16();
    assert_eq!(digits.len(), 16);
    for foreign in [
        "",
        "-",
        "1",
        "-0123456789abcdef",
        "1-0123456789abcde",
        "+1-0123456789abcdef",
        "z-0123456789abcdef",
    ] {
        assert_eq!(owner_of_tag(foreign), None, "{foreign}");
    }
    assert_eq!(
        owner_of_tag(&format!("{}-{}", "f".repeat(17), digits.as_str())),
        None
    );
    assert_eq!(owner_of_branch("1-0123456789abcdef"), None);
}
