//! Tenants, domains, and the news of their changes.

use crate::{bench, cdr};
use model::{MediaPolicy, Policy, TenantId};
use store::{Store, StoreError};
use tenancy::Operator;

const OPERATOR: fn() -> Operator = Operator::local;

#[test]
fn a_tenant_is_found_by_its_domains_name_and_id() {
    let mut b = bench();
    b.store.add_domain(&b.acme, "[2001:DB8::1]").unwrap();
    for text in ["acme", "ACME.example", "[2001:db8:0::1]", "1"] {
        assert_eq!(
            b.store.find_tenant(&OPERATOR(), text).unwrap().id,
            b.acme.tenant(),
            "{text}"
        );
    }
    let error = b.store.find_tenant(&OPERATOR(), "gamma").unwrap_err();
    assert_eq!(error.to_string(), "there is no tenant gamma");
    let directory = b.store.directory().unwrap();
    assert_eq!(directory.by_domain("[2001:db8::1]"), Some(b.acme));
    assert_eq!(directory.by_domain("beta.example"), Some(b.beta));
}

#[test]
fn a_domain_has_one_owner_and_the_error_names_both() {
    let mut b = bench();
    let error = b.store.add_domain(&b.beta, "Acme.Example.").unwrap_err();
    assert_eq!(
        error.to_string(),
        "domain acme.example belongs to tenant acme and can't belong to tenant beta too; remove it from one"
    );
    let error = b.store.add_domain(&b.acme, "acme.example").unwrap_err();
    assert!(
        matches!(error, StoreError::Duplicate { what: "domain", .. }),
        "{error}"
    );
    let error = b
        .store
        .add_tenant(&OPERATOR(), "gamma", &["g.example", "beta.example"])
        .unwrap_err();
    assert!(matches!(error, StoreError::DomainTaken { .. }), "{error}");
    assert_eq!(
        b.store.list_tenants(&OPERATOR()).unwrap().len(),
        2,
        "nothing of gamma was stored"
    );
}

#[test]
fn a_tenant_keeps_a_realm() {
    let mut b = bench();
    let error = b.store.remove_domain(&b.acme, "acme.example").unwrap_err();
    assert!(matches!(error, StoreError::LastDomain { .. }), "{error}");
    b.store.add_domain(&b.acme, "a.example").unwrap();
    b.store.remove_domain(&b.acme, "ACME.example").unwrap();
    assert_eq!(b.store.load(&b.acme).unwrap().realm(), "a.example");
    let error = b.store.remove_domain(&b.acme, "beta.example").unwrap_err();
    assert!(
        matches!(error, StoreError::NotFound { what: "domain", .. }),
        "{error}"
    );
    assert!(b.store.add_tenant(&OPERATOR(), "gamma", &[]).is_err());
    assert!(b.store.add_tenant(&OPERATOR(), "gamma", &["no domain"]).is_err());
    assert!(b.store.add_tenant(&OPERATOR(), "", &["g.example"]).is_err());
}

#[test]
fn a_policy_is_replaced_and_read_back() {
    let mut b = bench();
    let policy = Policy {
        media: MediaPolicy::Direct,
        codecs: vec!["pcmu".into()],
        ..Policy::default()
    };
    b.store.set_policy(&b.acme, &policy).unwrap();
    assert_eq!(b.store.load(&b.acme).unwrap().policy(), &policy);
    assert_eq!(b.store.tenant(&b.acme).unwrap().policy, policy);
    assert_eq!(b.store.load(&b.beta).unwrap().policy(), &Policy::default());
}

#[test]
fn a_deleted_tenant_leaves_nothing_and_its_id_is_never_given_again() {
    let mut b = bench();
    let user = b.store.add_user(&b.beta, "100", "").unwrap();
    b.store.insert_cdrs(&[cdr(1, b.beta.tenant())]).unwrap();
    b.store.delete_tenant(&OPERATOR(), b.beta.tenant()).unwrap();
    assert!(matches!(b.store.load(&b.beta), Err(StoreError::NotFound { .. })));
    assert!(matches!(
        b.store.add_user(&b.beta, "101", ""),
        Err(StoreError::NotFound { .. })
    ));
    assert!(matches!(
        b.store.delete_user(&b.beta, user),
        Err(StoreError::NotFound { .. })
    ));
    assert_eq!(b.store.count_cdrs(&b.beta).unwrap(), 0);
    let again = b
        .store
        .add_tenant(&OPERATOR(), "beta", &["beta.example"])
        .unwrap();
    assert!(again > b.beta.tenant());
    let error = b.store.delete_tenant(&OPERATOR(), TenantId(77)).unwrap_err();
    assert_eq!(error.to_string(), "there is no tenant 77");
}

#[test]
fn a_disabled_tenant_is_unknown_to_sip_and_open_to_the_operator() {
    let mut b = bench();
    b.store
        .set_tenant_enabled(&OPERATOR(), b.acme.tenant(), false)
        .unwrap();
    assert!(b.store.directory().unwrap().by_domain("acme.example").is_none());
    assert!(b.store.load(&b.acme).is_err());
    assert_eq!(b.store.load_all().unwrap().len(), 1);
    let all = b.store.full_directory(&OPERATOR()).unwrap();
    assert_eq!(OPERATOR().scope(&all, b.acme.tenant()), Some(b.acme));
    b.store
        .set_tenant_enabled(&OPERATOR(), b.acme.tenant(), true)
        .unwrap();
    assert!(b.store.load(&b.acme).is_ok());
}

#[test]
fn every_change_raises_the_version_and_is_news_to_another_process() {
    let mut b = bench();
    let mut server = Store::open(b.dir.path()).unwrap();
    let (acme, beta) = (b.acme.tenant(), b.beta.tenant());
    let mut seen = server.counter().unwrap();
    let mut version = server.load(&b.acme).unwrap().version();
    assert_eq!(server.changes_since(seen).unwrap(), (seen, vec![]));
    let user = b.store.add_user(&b.acme, "100", "").unwrap();
    let mut check = |b: &mut crate::Bench, what: &str| {
        let (now, who) = server.changes_since(seen).unwrap();
        assert_eq!(who, [acme], "{what}");
        assert!(now > seen, "{what}");
        seen = now;
        let loaded = server.load(&b.acme).unwrap().version();
        assert_eq!(loaded, version + 1, "{what}");
        version = loaded;
    };
    check(&mut b, "add user");
    let device = b
        .store
        .add_device(&b.acme, user, "100", &crate::password("x"))
        .unwrap();
    check(&mut b, "add device");
    b.store
        .set_password(&b.acme, device, &crate::password("y"))
        .unwrap();
    check(&mut b, "set password");
    b.store.delete_device(&b.acme, device).unwrap();
    check(&mut b, "delete device");
    b.store.add_domain(&b.acme, "a.example").unwrap();
    check(&mut b, "add domain");
    b.store.delete_user(&b.acme, user).unwrap();
    check(&mut b, "delete user");
    b.store.set_tenant_enabled(&OPERATOR(), acme, true).unwrap();
    check(&mut b, "enable");
    b.store.delete_tenant(&OPERATOR(), beta).unwrap();
    assert_eq!(
        server.changes_since(seen).unwrap().1,
        [beta],
        "a deletion is news too"
    );
    assert_eq!(server.changes_since(0).unwrap().1, [acme, beta]);
}

#[test]
fn a_refused_change_leaves_no_trace() {
    let mut b = bench();
    b.store.add_user(&b.acme, "100", "").unwrap();
    let (counter, version) = (
        b.store.counter().unwrap(),
        b.store.load(&b.acme).unwrap().version(),
    );
    b.store.add_user(&b.acme, "100", "").unwrap_err();
    b.store.add_domain(&b.acme, "beta.example").unwrap_err();
    b.store.remove_domain(&b.acme, "acme.example").unwrap_err();
    assert_eq!(b.store.counter().unwrap(), counter);
    assert_eq!(b.store.load(&b.acme).unwrap().version(), version);
    assert_eq!(b.store.load(&b.acme).unwrap().domains().len(), 1);
}
