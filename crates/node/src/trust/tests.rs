//! Certificates of carriers, each shown in a handshake with who asks for a name.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType, date_time_ymd};
use rustls::pki_types::{PrivatePkcs8KeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, ServerConnection};
use std::time::Duration;

/// Who issues certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Authority {
        Authority::named("root")
    }

    fn named(name: &str) -> Authority {
        Authority(
            CertifiedIssuer::self_signed(Authority::params(name), KeyPair::generate().unwrap()).unwrap(),
        )
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params
    }

    /// One that this one has appointed.
    fn appoint(&self) -> Authority {
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::signed_by(Authority::params("middle"), key, &self.0).unwrap())
    }

    /// A carrier with these names, changed by `change`, and `others` behind its own certificate.
    fn carrier(
        &self,
        names: &[SanType],
        others: &[&Authority],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Arc<ServerConfig> {
        let (chain, key) = self.issue(names, change);
        let others = others.iter().map(|authority| authority.0.der().clone());
        let chain = std::iter::once(chain).chain(others).collect();
        let config = ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key.into());
        Arc::new(config.unwrap())
    }

    fn issue(
        &self,
        names: &[SanType],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (CertificateDer<'static>, PrivatePkcs8KeyDer<'static>) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = names.to_vec();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "sip.carrier.example");
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), key.serialize_der().into())
    }
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

fn ip(address: &str) -> SanType {
    SanType::IpAddress(address.parse().unwrap())
}

/// The operator trusts this one; gives the directory of the file, too.
fn trusting(authority: &Authority) -> (Trust, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    std::fs::write(&file, authority.0.pem()).unwrap();
    (Trust::load(Some(file), None).unwrap(), dir)
}

/// Both sides speak until the handshake is over, or one has had enough.
fn handshake(mut client: ClientConnection, server: Arc<ServerConfig>) -> Result<(), TlsFault> {
    let mut server = ServerConnection::new(server).unwrap();
    while client.is_handshaking() {
        let mut octets = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut octets).unwrap();
        }
        let mut rest = octets.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            // What it does not like, its alert says.
            let _refused = server.process_new_packets();
        }
        let mut octets = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut octets).unwrap();
        }
        let mut rest = octets.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().map_err(|error| fault(&error))?;
        }
    }
    Ok(())
}

/// A carrier with these names is asked for by that one.
fn meet(names: &[SanType], asked: &str) -> Result<(), TlsFault> {
    let authority = Authority::new();
    let (trust, _dir) = trusting(&authority);
    handshake(
        trust.begin(asked, VERIFIED)?,
        authority.carrier(names, &[], |_| {}),
    )
}

const VERIFIED: Terms = Terms {
    verify: true,
    certificate: false,
};
const UNVERIFIED: Terms = Terms {
    verify: false,
    certificate: false,
};
const WRONG: Result<(), TlsFault> = Err(TlsFault::WrongName);

#[test]
fn a_dns_name_counts_whole_in_either_case() {
    let names = [dns("sip.Carrier.example"), dns("other.example")];
    assert_eq!(meet(&names, "sip.carrier.example"), Ok(()));
    assert_eq!(meet(&names, "SIP.carrier.EXAMPLE."), Ok(()));
    assert_eq!(meet(&names, "other.example"), Ok(()));
    assert_eq!(meet(&names, "carrier.example"), WRONG);
    assert_eq!(meet(&names, "a.sip.carrier.example"), WRONG);
    assert_eq!(meet(&names, "sip.carrier.example.evil.example"), WRONG);
}

#[test]
fn a_wildcard_counts_for_one_whole_label() {
    let names = [dns("*.pstn.carrier.example")];
    assert_eq!(meet(&names, "acme.pstn.carrier.example"), Ok(()));
    assert_eq!(meet(&names, "pstn.carrier.example"), WRONG);
    assert_eq!(meet(&names, "a.acme.pstn.carrier.example"), WRONG);
    assert_eq!(meet(&[dns("*.example")], "carrier.example"), WRONG);
    assert_eq!(meet(&[dns("a*.carrier.example")], "acme.carrier.example"), WRONG);
    assert_eq!(
        meet(&[uri("sip:*.carrier.example")], "acme.carrier.example"),
        WRONG
    );
}

#[test]
fn a_sip_uri_counts_before_dns_names_unless_it_is_of_a_person() {
    let asked = "carrier.example";
    assert_eq!(meet(&[uri("sip:carrier.example")], asked), Ok(()));
    assert_eq!(meet(&[uri("SIP:Carrier.Example")], asked), Ok(()));
    assert_eq!(
        meet(&[uri("sip:a.example"), uri("sip:carrier.example")], asked),
        Ok(())
    );
    // A URI that is none of a SIP domain leaves it to the DNS names.
    for other in [
        "sips:carrier.example",
        "https://carrier.example",
        "sip:100@carrier.example",
    ] {
        assert_eq!(meet(&[uri(other)], asked), WRONG, "{other}");
        assert_eq!(meet(&[uri(other), dns(asked)], asked), Ok(()), "{other}");
    }
    assert_eq!(meet(&[uri("sip:other.example"), dns(asked)], asked), WRONG);
}

#[test]
fn an_address_counts_where_an_address_is_asked_for() {
    assert_eq!(meet(&[ip("192.0.2.7")], "192.0.2.7"), Ok(()));
    assert_eq!(meet(&[ip("2001:db8::7")], "2001:db8::7"), Ok(()));
    assert_eq!(meet(&[uri("sip:192.0.2.7")], "192.0.2.7"), Ok(()));
    assert_eq!(meet(&[uri("sip:[2001:db8::7]")], "2001:db8::7"), Ok(()));
    assert_eq!(meet(&[ip("192.0.2.8")], "192.0.2.7"), WRONG);
    assert_eq!(meet(&[dns("carrier.example")], "192.0.2.7"), WRONG);
    assert_eq!(meet(&[ip("192.0.2.7")], "carrier.example"), WRONG);
}

#[test]
fn the_subject_is_no_name() {
    assert_eq!(meet(&[], "sip.carrier.example"), WRONG);
    assert_eq!(meet(&[dns("sip.carrier.example")], "no name"), WRONG);
}

#[test]
fn a_certificate_has_its_time_and_an_issuer_that_is_trusted() {
    let (authority, stranger) = (Authority::new(), Authority::named("stranger"));
    let (trust, _dir) = trusting(&authority);
    let name = "sip.carrier.example";
    let names = [dns(name)];
    let meet = |carrier| handshake(trust.begin(name, VERIFIED).unwrap(), carrier);
    let expired = authority.carrier(&names, &[], |p| p.not_after = date_time_ymd(2020, 1, 1));
    assert_eq!(meet(expired), Err(TlsFault::Expired));
    let early = authority.carrier(&names, &[], |p| p.not_before = date_time_ymd(4000, 1, 1));
    assert_eq!(meet(early), Err(TlsFault::NotYetValid));
    let foreign = stranger.carrier(&names, &[&stranger], |_| {});
    assert_eq!(meet(foreign), Err(TlsFault::UnknownIssuer));
    let namesake = Authority::new().carrier(&names, &[], |_| {});
    assert_eq!(
        meet(namesake),
        Err(TlsFault::BadCertificate),
        "an issuer of the same name"
    );
    let for_clients = authority.carrier(&names, &[], |p| {
        p.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert_eq!(meet(for_clients), Err(TlsFault::BadCertificate));
    // The chain may be longer, but has to be whole.
    let middle = authority.appoint();
    assert_eq!(meet(middle.carrier(&names, &[&middle], |_| {})), Ok(()));
    assert_eq!(
        meet(middle.carrier(&names, &[], |_| {})),
        Err(TlsFault::UnknownIssuer)
    );
}

#[test]
fn a_uri_is_enough_only_from_an_issuer_that_the_operator_named() {
    let (authority, asked) = (Authority::new(), ServerName::try_from("carrier.example").unwrap());
    let all = || only(&[authority.0.der().clone()]);
    let now = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
    let takes = |named: RootCertStore, names: &[SanType]| {
        let (certificate, _) = authority.issue(names, |_| {});
        let verifier = Carrier::new(all(), named);
        verifier
            .verify_server_cert(&certificate, &[], &asked, &[], now)
            .is_ok()
    };
    let (own, other) = (
        [uri("sip:carrier.example")],
        [uri("sip:other.example"), dns("carrier.example")],
    );
    let both = [uri("sip:carrier.example"), dns("carrier.example")];
    let public = RootCertStore::empty;
    assert!(takes(all(), &own) && !takes(public(), &own));
    assert!(takes(all(), &both) && takes(public(), &both));
    assert!(!takes(all(), &other) && !takes(public(), &other));
}

#[test]
fn without_verification_any_certificate_will_do_but_it_needs_its_key() {
    let stranger = Authority::new();
    let (trust, _dir) = trusting(&Authority::new());
    let carrier = || {
        stranger.carrier(&[dns("other.example")], &[], |p| {
            p.not_after = date_time_ymd(2020, 1, 1)
        })
    };
    let meet = |terms| handshake(trust.begin("carrier.example", terms).unwrap(), carrier());
    assert_eq!(meet(UNVERIFIED), Ok(()));
    assert_eq!(meet(VERIFIED), Err(TlsFault::Expired));
    // Another's certificate, shown by who does not have its key.
    let (certificate, _) = stranger.issue(&[dns("carrier.example")], |_| {});
    let (_, key) = stranger.issue(&[], |_| {});
    let stolen = CertifiedKey::new(
        vec![certificate],
        provider::sign::any_supported_type(&key.into()).unwrap(),
    );
    let resolver = SingleCertAndKey::from(stolen);
    let thief = ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    let met = handshake(
        trust.begin("carrier.example", UNVERIFIED).unwrap(),
        Arc::new(thief),
    );
    assert_eq!(met, Err(TlsFault::BadCertificate));
}

#[test]
fn a_carrier_that_asks_for_our_certificate_gets_it_where_the_trunk_says_so() {
    let authority = Authority::new();
    let (_, dir) = trusting(&authority);
    let own = tls::self_signed(dir.path(), &[]).unwrap();
    let ours = tls::certified(&own).unwrap().cert[0].clone();
    let trust = Trust::load(Some(dir.path().join("ca.pem")), Some(own)).unwrap();
    let (certificate, key) = authority.issue(&[dns("carrier.example")], |_| {});
    let verifier = WebPkiClientVerifier::builder_with_provider(
        Arc::new(only(&[ours])),
        Arc::new(provider::default_provider()),
    );
    let carrier = ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![certificate], key.into());
    let carrier = Arc::new(carrier.unwrap());
    let meet = |certificate| {
        let terms = Terms {
            verify: true,
            certificate,
        };
        handshake(
            trust.begin("carrier.example", terms).unwrap(),
            Arc::clone(&carrier),
        )
    };
    assert_eq!(meet(true), Ok(()));
    assert_eq!(meet(false), Err(TlsFault::NoHandshake));
}

#[test]
fn issuers_are_read_again_when_their_file_changes_and_a_bad_file_changes_nothing() {
    let (first, second) = (Authority::new(), Authority::named("second"));
    let (trust, dir) = trusting(&first);
    let name = "carrier.example";
    let meet = |authority: &Authority| {
        let carrier = authority.carrier(&[dns(name)], &[], |_| {});
        handshake(trust.begin(name, VERIFIED).unwrap(), carrier)
    };
    assert_eq!(
        (meet(&first), meet(&second)),
        (Ok(()), Err(TlsFault::UnknownIssuer))
    );
    let file = dir.path().join("ca.pem");
    std::fs::write(&file, [first.0.pem(), second.0.pem()].concat()).unwrap();
    trust.watch();
    assert_eq!((meet(&first), meet(&second)), (Ok(()), Ok(())));
    std::fs::write(&file, "no certificate").unwrap();
    trust.watch();
    assert_eq!(meet(&first), Ok(()));
    let error = trust.reload().unwrap_err().to_string();
    assert!(error.contains("trunk_ca") && error.contains("ca.pem"), "{error}");
    assert!(Trust::load(Some(dir.path().join("none.pem")), None).is_err());
}
