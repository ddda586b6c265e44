//! A tenant that panics is put back on its feet; its neighbours notice nothing.

use crate::shared::Sure;
use crate::{Listen, Node, Settings};
use model::{BindingChange, BindingKey, BindingRecord, FlowToken, TenantId, Transport, UserId, Wall};
use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use store::{BindingJournal, Store};
use tenancy::Operator;

const PATIENCE: Duration = Duration::from_secs(10);

fn tenants(dir: &Path) -> Vec<(TenantId, UserId)> {
    let operator = Operator::local();
    let mut store = Store::open(dir).unwrap();
    let mut made = Vec::new();
    for name in ["one", "two"] {
        let id = store
            .add_tenant(&operator, name, &[&format!("{name}.example")])
            .unwrap();
        let scope = operator.scope(&store.directory().unwrap(), id).unwrap();
        let user = store.add_user(&scope, "101", "Somebody").unwrap();
        let password = store::Password::new("a long password").unwrap();
        store.add_device(&scope, user, "101", &password).unwrap();
        made.push((id, user));
    }
    made
}

/// Puts a binding into the journal as an earlier start would have left it.
fn bind(dir: &Path, (tenant, user): (TenantId, UserId)) {
    let unix_ms = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let now = Wall(u64::try_from(unix_ms).unwrap());
    let anywhere = "127.0.0.1:7001".parse().unwrap();
    let record = BindingRecord {
        tenant,
        user,
        device: model::DeviceId(1),
        key: BindingKey::Contact("sip:101@127.0.0.1:7001".into()),
        contact: "sip:101@127.0.0.1:7001".into(),
        q_milli: 1000,
        expires: now.after(Duration::from_secs(600)),
        since: now,
        flow: FlowToken {
            transport: Transport::Udp,
            worker: 0,
            connection: 0,
            local: anywhere,
            remote: anywhere,
        },
        call_id: "c".into(),
        cseq: 1,
        user_agent: "test".into(),
        extra: None,
        instance: None,
    };
    let (journal, _) = BindingJournal::open(dir.join("bindings"), 1, now).unwrap();
    let change = BindingChange::Put(Box::new(record));
    journal.appender(0).unwrap().append(&[change]).unwrap();
}

fn register(phone: &UdpSocket, domain: &str, n: u32) {
    let request = format!(
        "REGISTER sip:{domain} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{n};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:101@{domain}>;tag=1\r\nTo: <sip:101@{domain}>\r\nCall-ID: {n}\r\n\
         CSeq: {n} REGISTER\r\nContent-Length: 0\r\n\r\n"
    );
    phone.send(request.as_bytes()).unwrap();
}

fn answer(phone: &UdpSocket) -> String {
    let mut buffer = [0; 4096];
    let count = phone.recv(&mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

#[test]
fn a_panic_costs_one_tenant_its_calls_and_nobody_anything_else() {
    let dir = tempfile::tempdir().unwrap();
    let made = tenants(dir.path());
    bind(dir.path(), made[0]);
    let settings = Settings {
        data_dir: dir.path().to_owned(),
        workers: 1,
        media_workers: 1,
        listen: vec![Listen {
            transport: Transport::Udp,
            address: ([127, 0, 0, 1], 0).into(),
            advertise: None,
        }],
        grace_s: 0,
        ..Settings::default()
    };
    let node = Node::start(settings, Store::open_exclusive(dir.path()).unwrap()).unwrap();
    let live = node.live();
    let scope = live.directory().by_domain("one.example").unwrap();
    assert_eq!(live.registrations(scope).unwrap().len(), 1);

    live.shared
        .owner_inbox(made[0].0)
        .unwrap()
        .send(Sure::Fault(made[0].0));
    let phone = UdpSocket::bind("127.0.0.1:0").unwrap();
    phone.connect(node.listen_addresses()[0].1).unwrap();
    phone.set_read_timeout(Some(PATIENCE)).unwrap();
    // The first asks the tenant that panics, the second its neighbour: only that one is answered.
    register(&phone, "one.example", 1);
    register(&phone, "two.example", 2);
    let text = answer(&phone);
    assert!(
        text.starts_with("SIP/2.0 401") && text.contains("Call-ID: 2"),
        "{text}"
    );

    let end = Instant::now() + PATIENCE;
    while live.registrations(scope).unwrap().is_empty() {
        assert!(Instant::now() < end, "the bindings never came back");
        std::thread::yield_now();
    }
    register(&phone, "one.example", 3);
    let text = answer(&phone);
    assert!(
        text.starts_with("SIP/2.0 401") && text.contains("Call-ID: 3"),
        "{text}"
    );
    assert_eq!(live.counts().unwrap().panics, 1);
    node.shutdown();
}
