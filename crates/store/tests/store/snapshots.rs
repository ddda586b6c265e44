//! From rows to configuration.

use crate::{Foreign, bench, password};
use md5::{Digest, Md5};
use ring::digest::{SHA256, digest};
use store::StoreError;
use store::secret::ha1;

fn hex(octets: impl AsRef<[u8]>) -> String {
    octets.as_ref().iter().map(|o| format!("{o:02x}")).collect()
}

#[test]
fn digest_secrets_give_the_responses_of_the_rfc() {
    // RFC 7616 §3.9.1.
    let secret = ha1("Mufasa", "http-auth@example.org", &password("Circle of Life"));
    let nonces = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v:00000001:f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ:auth";
    let md5 = |text: String| hex(Md5::digest(text));
    let sha = |text: String| hex(digest(&SHA256, text.as_bytes()));
    let ha2 = "GET:/dir/index.html".to_owned();
    let by_md5 = md5(format!("{}:{nonces}:{}", hex(secret.md5), md5(ha2.clone())));
    assert_eq!(by_md5, "8ca523f5e9506fed4657c9700eebdbec");
    let by_sha = sha(format!("{}:{nonces}:{}", hex(secret.sha256), sha(ha2)));
    assert_eq!(
        by_sha,
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    );
}

#[test]
fn the_realm_is_the_first_domain_and_follows_it() {
    let mut b = bench();
    let user = b.store.add_user(&b.acme, "100", "").unwrap();
    b.store
        .add_device(&b.acme, user, "100", &password("pass"))
        .unwrap();
    b.store.add_domain(&b.acme, "z.example").unwrap();
    let secret = |b: &mut crate::Bench| {
        b.store
            .load(&b.acme)
            .unwrap()
            .device("100")
            .unwrap()
            .secret
            .clone()
    };
    assert!(secret(&mut b) == ha1("100", "acme.example", &password("pass")));
    b.store.remove_domain(&b.acme, "acme.example").unwrap();
    assert!(secret(&mut b) == ha1("100", "z.example", &password("pass")));
}

#[test]
fn all_tenants_load_as_each_does_alone() {
    let mut b = bench();
    for (scope, count) in [(b.beta, 3), (b.acme, 2), (b.beta, 2)] {
        for _ in 0..count {
            let extension = format!("{}", 100 + b.store.list_users(&scope).unwrap().len());
            let user = b.store.add_user(&scope, &extension, "").unwrap();
            b.store
                .add_device(&scope, user, &extension, &password(&extension))
                .unwrap();
        }
    }
    let all = b.store.load_all().unwrap();
    assert_eq!(all.len(), 2);
    for (config, scope) in all.iter().zip([b.acme, b.beta]) {
        let alone = b.store.load(&scope).unwrap();
        assert_eq!((config.id(), config.version()), (scope.tenant(), alone.version()));
        assert_eq!(config.users(), alone.users());
        assert!(config.devices() == alone.devices());
        assert_eq!(config.domains(), alone.domains());
        assert_eq!(config.name(), alone.name());
    }
    assert_eq!(all.iter().map(|c| c.devices().len()).sum::<usize>(), 7);
}

#[test]
fn rows_altered_by_foreign_hands_are_an_error_and_no_panic() {
    let mut b = bench();
    let user = b.store.add_user(&b.acme, "100", "").unwrap();
    for username in ["a", "b"] {
        b.store
            .add_device(&b.acme, user, username, &password(username))
            .unwrap();
    }
    let mut foreign = Foreign::open(b.dir.path());
    foreign.run(
        "UPDATE device SET secret = (SELECT secret FROM device WHERE username = 'b') WHERE username = 'a'",
    );
    let error = b.store.load_all().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the password of device a can't be opened; set it anew"
    );
    let device = b.store.device(&b.acme, "a").unwrap().id;
    b.store.set_password(&b.acme, device, &password("a")).unwrap();
    assert!(b.store.load_all().is_ok());
    foreign.run("UPDATE tenant SET policy = '{\"media\":\"smoke\"}' WHERE name = 'acme'");
    assert!(matches!(
        b.store.load_all(),
        Err(StoreError::Damaged { tenant: 1, .. })
    ));
}
