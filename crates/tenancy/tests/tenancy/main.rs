//! What callers of `tenancy` rely on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails is to stop, in its helpers as well"
)]

mod fraud;
mod office;
mod policy;
mod random;
mod rate;
mod restart;
mod together;
mod toll;

use model::TenantId;
use tenancy::{Directory, DirectoryError, Domain, Operator};

fn directory(rows: &[(u64, &[&str])]) -> Result<Directory, DirectoryError> {
    Directory::new(
        rows.iter()
            .map(|(id, domains)| (TenantId(*id), domains.iter().map(|d| (*d).to_owned()).collect())),
    )
}

fn owner(directory: &Directory, host: &str) -> Option<u64> {
    directory.by_domain(host).map(|s| s.tenant().0)
}

#[test]
fn a_domain_is_found_in_every_spelling_that_is_equal() {
    let d = directory(&[
        (1, &["Acme.Example", "192.0.2.7", "[2001:DB8:0:0::1]"]),
        (2, &["beta.example"]),
    ])
    .unwrap();
    for host in [
        "acme.example",
        "ACME.EXAMPLE",
        "acme.example.",
        "192.0.2.7",
        "[2001:db8::1]",
        "[2001:0db8:0::0001]",
    ] {
        assert_eq!(owner(&d, host), Some(1), "{host}");
    }
    assert_eq!(owner(&d, "beta.example"), Some(2));
}

#[test]
fn a_stranger_is_nobodys() {
    let d = directory(&[(1, &["acme.example", "[::1]"])]).unwrap();
    let long = "a".repeat(70_000);
    for host in [
        "",
        ".",
        "[",
        "[]",
        "[::1",
        "::1",
        "acme.example..",
        "acme",
        "xacme.example",
        "\u{0}",
        "ÄCME.example",
        "[acme.example]",
        "[\u{0}\u{0}\u{0}]",
        "acme\u{e}example",
        &long,
    ] {
        assert_eq!(owner(&d, host), None, "{host:.20}");
    }
}

#[test]
fn a_domain_of_two_tenants_names_both() {
    let error = directory(&[(3, &["a.example"]), (9, &["b.example", "A.example."])]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "domain a.example belongs to tenant 3 and can't belong to tenant 9 too; remove it from one"
    );
    assert!(
        directory(&[(3, &["a.example", "A.EXAMPLE"])]).is_ok(),
        "twice by one tenant is no harm"
    );
}

#[test]
fn a_bad_row_names_its_tenant() {
    let error = directory(&[(3, &["a b"])]).unwrap_err();
    assert!(matches!(
        error,
        DirectoryError::Syntax {
            tenant: TenantId(3),
            ..
        }
    ));
    assert!(
        error
            .to_string()
            .starts_with("tenant 3: \"a b\" is not a domain: "),
        "{error}"
    );
}

#[test]
fn domains_are_checked_and_written_in_one_way() {
    for (text, canonical) in [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("localhost", "localhost"),
        ("3com.example", "3com.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("10.0.0.1", "10.0.0.1"),
        ("[FE80::0:1]", "[fe80::1]"),
        ("[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]"),
    ] {
        assert_eq!(Domain::parse(text).unwrap().as_str(), canonical);
    }
    let label = "a".repeat(64);
    let name = vec!["a"; 128].join(".");
    for text in [
        "",
        ".",
        "..",
        "a..b",
        "-a.example",
        "a-.example",
        "a_b.example",
        "bücher.example",
        "10.1",
        "1.2.3.256",
        "01.2.3.4",
        "example.1",
        "example.com:5060",
        "::1",
        "[::1",
        "[::1]:5060",
        "[fe80::1%eth0]",
        "[]",
        "a b",
        "a\r\nb",
        "sip:example.com",
        "*",
        &label,
        &name,
    ] {
        assert!(Domain::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn an_error_is_one_line_whatever_the_text() {
    let error = Domain::parse(&"x\r\n".repeat(500)).unwrap_err().to_string();
    assert!(!error.contains(['\r', '\n']));
    assert!(error.len() < 500);
}

#[test]
fn the_operator_steps_only_into_tenants_that_exist() {
    let d = directory(&[(5, &["a.example"]), (2, &[])]).unwrap();
    let operator = Operator::local();
    let scope = operator.scope(&d, TenantId(5)).unwrap();
    assert_eq!(scope, d.by_domain("a.example").unwrap());
    assert_eq!(scope.partition(), TenantId(5).partition());
    assert!(operator.scope(&d, TenantId(4)).is_none());
    assert_eq!(
        d.scopes().iter().map(|s| s.tenant().0).collect::<Vec<_>>(),
        [2, 5]
    );
    assert_eq!((d.len(), d.is_empty()), (2, false));
}

#[test]
fn a_hundred_thousand_domains_are_all_found() {
    let name = |id: u64| format!("tenant-{id}.example.com");
    let d = Directory::new((0..100_000).map(|id| (TenantId(id), vec![name(id)]))).unwrap();
    for id in 0..100_000 {
        assert_eq!(owner(&d, &name(id).to_ascii_uppercase()), Some(id));
        assert_eq!(d.by_tag(TenantId(id)).map(|s| s.tenant()), Some(TenantId(id)));
    }
    assert!(d.by_tag(TenantId(100_000)).is_none());
}
