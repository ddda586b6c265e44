//! Certificates fetched from servers of these tests, on loopback, and places where none may be fetched from.

use super::*;
use crate::resolve::tests::{Server, address, row};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

const ORDER: u64 = 7;
const TENANT: TenantId = TenantId(1);

/// A server with a certificate for 127.0.0.1, `localhost` and `sti.test`.
struct Shop {
    ca: tempfile::NamedTempFile,
    port: u16,
    /// What it was asked, once it has answered.
    asked: Receiver<String>,
}

impl Shop {
    /// Gives each who connects the next of these answers, then no more.
    fn new(answers: Vec<Vec<u8>>) -> Shop {
        Shop::with(move |index, wire| match answers.get(index) {
            Some(answer) => wire.write_all(answer).is_ok(),
            None => false,
        })
    }

    /// `answer` has the number of the connection, and says whether another one is awaited.
    fn with(answer: impl Fn(usize, &mut dyn Write) -> bool + Send + 'static) -> Shop {
        let names = ["127.0.0.1", "localhost", "sti.test"].map(str::to_owned);
        let own = rcgen::generate_simple_self_signed(names.to_vec()).unwrap();
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(ca.path(), own.cert.pem()).unwrap();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], PrivateKeyDer::from(key))
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, asked) = channel();
        thread::spawn(move || {
            for index in 0.. {
                let (socket, _) = listener.accept().unwrap();
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut wire = StreamOwned::new(connection, socket);
                let Some(request) = read_request(&mut wire) else {
                    continue;
                };
                let goes_on = answer(index, &mut wire);
                wire.conn.send_close_notify();
                let _gone = wire.flush();
                if tell.send(request).is_err() || !goes_on {
                    return;
                }
            }
        });
        Shop { ca, port, asked }
    }

    fn certificates(&self) -> Certificates {
        Certificates::new(&Dns::default(), true, Some(self.ca.path())).unwrap()
    }

    fn url(&self) -> String {
        format!("https://127.0.0.1:{}/ours.pem", self.port)
    }
}

/// `None` for who does not believe the certificate.
fn read_request(wire: &mut StreamOwned<ServerConnection, TcpStream>) -> Option<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        wire.read_exact(&mut octet).ok()?;
        request.extend(octet);
    }
    String::from_utf8(request).ok()
}

fn begin(certificates: &Certificates, url: &str) -> Receiver<FetchedCertificate> {
    begin_for(certificates, TENANT, url)
}

fn begin_for(certificates: &Certificates, tenant: TenantId, url: &str) -> Receiver<FetchedCertificate> {
    let (tell, told) = channel();
    let ask = FetchCertificate {
        order: ORDER,
        url: url.into(),
    };
    certificates.fetch(tenant, &ask, Box::new(move |fetched| tell.send(fetched).unwrap()));
    told
}

fn fetched(certificates: &Certificates, url: &str) -> CertificateOutcome {
    let told = begin(certificates, url);
    let fetched = told.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(fetched.order, ORDER);
    fetched.outcome
}

fn found(octets: &[u8]) -> CertificateOutcome {
    CertificateOutcome::Found(octets.into())
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let length = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
    [length.as_bytes(), body].concat()
}

#[test]
fn a_certificate_is_fetched_once_and_kept() {
    let shop = Shop::new(vec![answer("200 OK", b"PEM")]);
    let certificates = shop.certificates();
    assert_eq!(fetched(&certificates, &shop.url()), found(b"PEM"));
    let request = shop.asked.recv().unwrap();
    let first = format!("GET /ours.pem HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", shop.port);
    assert!(request.starts_with(&first), "{request}");
    // The server answers nobody else.
    assert_eq!(fetched(&certificates.clone(), &shop.url()), found(b"PEM"));
    let totals = certificates.totals();
    assert_eq!((totals.fetched, totals.known, totals.failed), (1, 1, 0));
}

/// From the signer's key to the verdict, with the way that a certificate takes between them.
#[test]
fn a_call_is_verified_by_what_was_fetched() {
    let root_key = rcgen::KeyPair::generate().unwrap();
    let mut root = rcgen::CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = rcgen::CertifiedIssuer::self_signed(root, root_key).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut ours = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ours.distinguished_name
        .push(rcgen::DnType::CommonName, "SHAKEN 709J");
    let list = b"\x30\x08\xA0\x06\x16\x04709J".to_vec();
    ours.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(
        &[1, 3, 6, 1, 5, 5, 7, 1, 26],
        list,
    )];
    let ours = ours.signed_by(&key, &root).unwrap();
    let shop = Shop::new(vec![answer("200 OK", ours.pem().as_bytes())]);

    let rules = stir::Rules {
        any_port: true,
        ..stir::Rules::default()
    };
    let (orig, dest, now) = ("+12155550121", "+12155550131", 1_700_000_000);
    let claims = stir::Claims {
        attestation: stir::Attestation::B,
        orig,
        dest: &[dest],
        iat: now,
        origid: stir::OrigId::new([7; 16]),
    };
    let signer = stir::Signer::new(key.serialize_pem().as_bytes(), &shop.url(), &rules).unwrap();
    let identity = signer.sign(&claims).unwrap();
    let call = stir::Call { orig, dest };
    let begun = stir::Verification::begin(&rules, [identity.as_str()], &call, now);
    let stir::Begun::NeedsCertificate(check) = begun else {
        panic!("{begun:?}");
    };
    let CertificateOutcome::Found(octets) = fetched(&shop.certificates(), check.url()) else {
        panic!("not fetched");
    };
    let anchors = stir::Anchors::parse(root.pem().as_bytes()).unwrap();
    let verdict = check.with_certificate(&octets, &anchors, now);
    assert_eq!(verdict.attestation(), Some(stir::Attestation::B), "{verdict:?}");
}

#[test]
fn all_who_ask_meanwhile_hear_of_it() {
    let (go, wait) = channel();
    let wait = Mutex::new(wait);
    let shop = Shop::with(move |_, wire| {
        let waited: Result<(), _> = wait.lock().unwrap().recv();
        waited.unwrap();
        wire.write_all(&answer("200 OK", b"PEM")).unwrap();
        false
    });
    let certificates = shop.certificates();
    let waiting: Vec<_> = (0..50).map(|_| begin(&certificates, &shop.url())).collect();
    go.send(()).unwrap();
    for told in waiting {
        let fetched = told.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(fetched.outcome, found(b"PEM"));
    }
    assert_eq!(certificates.totals().fetched, 1);
}

#[test]
fn what_is_no_certificate_is_not_taken() {
    let redirect = "302 Found\r\nLocation: https://127.0.0.1:1/";
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nPE\r\n1\r\nM\r\n0\r\n\r\n";
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nPEM";
    let large = vec![b'x'; fetch::LARGEST + 1];
    for (reply, wanted) in [
        (answer(redirect, b"elsewhere"), CertificateOutcome::Unreachable),
        (answer("404 Not Found", b"none"), CertificateOutcome::Unreachable),
        (answer("200 OK", b""), CertificateOutcome::Unreachable),
        (b"SSH-2.0-x\r\n".to_vec(), CertificateOutcome::Unreachable),
        (cut.to_vec(), CertificateOutcome::Unreachable),
        (chunked.to_vec(), found(b"PEM")),
        (answer("200 OK", &large), CertificateOutcome::TooLarge),
        (answer("200 OK", &large.repeat(2)), CertificateOutcome::TooLarge),
        (answer("200 OK", &large[1..]), found(&large[1..])),
    ] {
        let shop = Shop::new(vec![reply]);
        let certificates = shop.certificates();
        assert_eq!(fetched(&certificates, &shop.url()), wanted);
        // What failed is not tried again at once.
        let again = fetched(&certificates, &shop.url());
        assert_eq!(again, wanted);
        assert_eq!(certificates.totals().known, 1);
    }
}

#[test]
fn a_server_has_to_be_whom_the_url_names() {
    let shop = Shop::new(vec![answer("200 OK", b"PEM")]);
    let stranger = Certificates::new(&Dns::default(), true, None).unwrap();
    assert_eq!(fetched(&stranger, &shop.url()), CertificateOutcome::Unreachable);
    let other_name = format!("https://127.0.0.2:{}/", shop.port);
    assert_eq!(
        fetched(&shop.certificates(), &other_name),
        CertificateOutcome::Unreachable
    );
    assert!(shop.asked.try_recv().is_err());
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(Certificates::new(&Dns::default(), true, Some(file.path())).is_err());
}

/// A server that trickles, one that says nothing, one that is not there.
#[test]
fn nobody_is_waited_for_longer_than_two_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("https://{}/", silent.local_addr().unwrap());
    // One octet more, again and again, until the test is over.
    let (test, over) = channel::<()>();
    let shop = Shop::with(move |_, wire| {
        let _begun = wire.write_all(b"HTTP/1.1 200 OK\r\nX: ");
        let is_on = || over.recv_timeout(Duration::from_millis(5)) == Err(RecvTimeoutError::Timeout);
        while wire.write_all(b"x").and_then(|()| wire.flush()).is_ok() && is_on() {}
        false
    });
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("https://{}/", listener.local_addr().unwrap())
    };
    let certificates = shop.certificates();
    let begun = Instant::now();
    let told: Vec<_> = [silent_url.as_str(), &shop.url(), &gone]
        .iter()
        .map(|url| begin(&certificates, url))
        .collect();
    for told in told {
        let fetched = told.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(fetched.outcome, CertificateOutcome::Unreachable);
    }
    assert!(begun.elapsed() < 3 * LIMIT, "{:?}", begun.elapsed());
    assert_eq!(certificates.totals().failed, 3);
    drop(test);
}

#[test]
fn inner_networks_and_other_ports_are_refused() {
    let certificates = Certificates::new(&Dns::default(), false, None).unwrap();
    for url in [
        "",
        "http://sti.example/a",
        "ftp://sti.example/a",
        "https://127.0.0.1/a",
        "https://127.0.0.1:8443/a",
        "https://localhost/a",
        "https://10.1.2.3/a",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://[64:ff9b::10.0.0.1]/a",
        "https://user@8.8.8.8/a",
        "https://8.8.8.8:22/a",
        "https://8.8.8.8:80/a",
        &format!("https://sti.example/{}", "a".repeat(LONGEST)),
    ] {
        assert_eq!(fetched(&certificates, url), CertificateOutcome::Refused, "{url}");
    }
    assert_eq!(certificates.totals().failed, 0);
    assert_eq!(
        host_of("https://STI.example.:8443/a").as_deref(),
        Some("sti.example")
    );
    assert_eq!(host_of("https://[::ffff:8.8.8.8]/a").as_deref(), Some("8.8.8.8"));
}

/// A name that leads inwards, in whatever clothes, and one that changes its mind after it was looked at.
#[test]
fn a_name_is_checked_by_where_it_leads() {
    let dns = Server::new(vec![
        row("inner.test", vec![address("127.0.0.1")]),
        row("mapped.test", vec![address("::ffff:127.0.0.1")]),
        row("metadata.test", vec![address("169.254.169.254")]),
    ]);
    let settings = Dns {
        servers: vec![dns.address],
        ..Dns::default()
    };
    let strict = Certificates::new(&settings, false, None).unwrap();
    for (host, wanted) in [
        ("inner.test", CertificateOutcome::Refused),
        ("metadata.test", CertificateOutcome::Refused),
        // An IPv4 address in a record for IPv6 is none.
        ("mapped.test", CertificateOutcome::Unreachable),
        ("nowhere.test", CertificateOutcome::Unreachable),
    ] {
        let outcome = fetched(&strict, &format!("https://{host}/a"));
        assert_eq!(outcome, wanted, "{host}");
    }

    // What was checked is what is connected to: the name is asked for once for each fetch.
    let shop = Shop::new(vec![answer("200 OK", b"PEM")]);
    dns.set(vec![row("sti.test", vec![address("127.0.0.1")])]);
    dns.asked();
    let lab = Certificates::new(&settings, true, Some(shop.ca.path())).unwrap();
    let url = format!("https://sti.test:{}/ours.pem", shop.port);
    assert_eq!(fetched(&lab, &url), found(b"PEM"));
    let mut asked = dns.asked();
    asked.sort();
    assert_eq!(asked, ["1 sti.test", "28 sti.test"]);
}

#[test]
fn a_dns_that_is_silent_holds_nobody_up() {
    let dns = Server::new(Vec::new());
    dns.silence(true);
    let settings = Dns {
        servers: vec![dns.address],
        timeout: Duration::from_secs(60),
        ..Dns::default()
    };
    let certificates = Certificates::new(&settings, false, None).unwrap();
    let begun = Instant::now();
    assert_eq!(
        fetched(&certificates, "https://sti.test/a"),
        CertificateOutcome::Unreachable
    );
    assert!(begun.elapsed() < 3 * LIMIT, "{:?}", begun.elapsed());
}

#[test]
fn a_host_that_is_silent_has_only_so_many_threads_and_places() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let certificates = Certificates::new(&Dns::default(), true, None).unwrap();
    let begun = Instant::now();
    let url = |index: usize| format!("https://{}/{index}", silent.local_addr().unwrap());
    let told: Vec<_> = (0..60).map(|index| begin(&certificates, &url(index))).collect();
    assert!(certificates.0.state().turns.threads() <= MOST.threads_of_host);
    let outcomes: Vec<_> = told
        .iter()
        .map(|told| told.recv_timeout(Duration::from_secs(60)).unwrap().outcome)
        .collect();
    assert!(begun.elapsed() < 4 * LIMIT, "{:?}", begun.elapsed());
    let busy = outcomes
        .iter()
        .filter(|outcome| **outcome == CertificateOutcome::Busy)
        .count();
    let (totals, places) = (certificates.totals(), MOST.waiting_of_host / 2);
    assert_eq!(totals.busy.total(), busy as u64);
    assert_eq!(totals.failed, (outcomes.len() - busy) as u64);
    assert!((4..=8).contains(&totals.failed), "{totals:?}");
    let refused = 60 - places - MOST.threads_of_host..=60 - places;
    assert!(refused.contains(&(totals.busy.tenant as usize)), "{totals:?}");
    assert!(totals.busy.late > 0 && totals.busy.all == 0, "{totals:?}");
    // That says nothing of them: they may be asked for again.
    assert_eq!(fetched(&certificates, &url(59)), CertificateOutcome::Unreachable);
}

/// Whoever calls one tenant again and again, with a URL at another silent host each time, holds up that tenant's calls alone.
#[test]
fn one_tenants_callers_keep_no_other_from_certificates() {
    let shop = Shop::new(vec![answer("200 OK", b"PEM"), answer("200 OK", b"PEM")]);
    let silent = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let certificates = shop.certificates();
    let url = |index: usize| format!("https://127.1.{}.{}:{port}/{index}", index / 200, index % 200 + 1);
    let flood: Vec<_> = (0..400).map(|index| begin(&certificates, &url(index))).collect();
    let good = begin_for(&certificates, TenantId(2), &shop.url());
    let good = good.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(good.outcome, found(b"PEM"));
    // Nobody has waited for what the flood is about: the first of it is being asked still.
    let has_come = flood
        .iter()
        .take(8)
        .filter(|told| told.try_recv().is_ok())
        .count();
    assert_eq!(has_come, 0);
    let totals = certificates.totals();
    assert!(totals.busy.tenant >= 400 - 64 - 8, "{totals:?}");
    assert_eq!((totals.busy.host, totals.busy.all), (0, 0));
    // What is known is told at once, to the tenant that floods as well.
    assert_eq!(fetched(&certificates, &shop.url()), found(b"PEM"));
    assert_eq!(
        flood
            .iter()
            .take(8)
            .filter(|told| told.try_recv().is_ok())
            .count(),
        0
    );
}
