//! The house of these tests: a data directory with two tenants and a node on ephemeral ports.

use model::Transport;
use node::{Listen, Live, Node, Settings};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use store::{Password, Store};
use tempfile::TempDir;
use tenancy::{Operator, Scope};

/// Longest wait for anything that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Every transport.
pub(crate) const ALL: [Transport; 5] = [
    Transport::Udp,
    Transport::Tcp,
    Transport::Tls,
    Transport::Ws,
    Transport::Wss,
];

/// A password for everybody.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A node and what it stands on.
pub(crate) struct House {
    pub(crate) dir: TempDir,
    pub(crate) node: Node,
}

/// Every transport on loopback, two workers.
pub(crate) fn settings(dir: &Path) -> Settings {
    let listen = ALL.map(|transport| Listen {
        transport,
        address: ([127, 0, 0, 1], 0).into(),
        advertise: None,
    });
    Settings {
        data_dir: dir.to_owned(),
        workers: 2,
        media_workers: 1,
        listen: listen.to_vec(),
        rtp_ports: 22_000..=22_099,
        grace_s: 0,
        ..Settings::default()
    }
}

/// A data directory whose tenants `example.com` and `other.example` both have users 101 and 102.
pub(crate) fn data() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    for (name, domain) in [("One", "example.com"), ("Two", "other.example")] {
        add_tenant(&mut store, name, domain);
    }
    dir
}

/// Adds a tenant with users and devices 101 and 102.
pub(crate) fn add_tenant(store: &mut Store, name: &str, domain: &str) -> Scope {
    let operator = Operator::local();
    let id = store.add_tenant(&operator, name, &[domain]).unwrap();
    let scope = operator.scope(&store.directory().unwrap(), id).unwrap();
    let password = Password::new(PASSWORD).unwrap();
    for extension in ["101", "102"] {
        let user = store.add_user(&scope, extension, "Somebody").unwrap();
        store.add_device(&scope, user, extension, &password).unwrap();
    }
    scope
}

impl House {
    /// An ordinary one.
    pub(crate) fn new() -> House {
        House::with(|_| {})
    }

    /// One with other settings.
    pub(crate) fn with(tweak: impl FnOnce(&mut Settings)) -> House {
        House::on(data(), tweak)
    }

    /// One on a data directory that has a past.
    pub(crate) fn on(dir: TempDir, tweak: impl FnOnce(&mut Settings)) -> House {
        let mut settings = settings(dir.path());
        tweak(&mut settings);
        let store = Store::open_exclusive(dir.path()).unwrap();
        let node = Node::start(settings, store).unwrap();
        House { dir, node }
    }

    /// Stops the node and keeps its data.
    pub(crate) fn stop(self) -> TempDir {
        self.node.shutdown();
        self.dir
    }

    /// Where a transport is served.
    pub(crate) fn at(&self, transport: Transport) -> SocketAddr {
        let all = self.node.listen_addresses();
        all.into_iter().find(|(t, _)| *t == transport).unwrap().1
    }

    /// The live view.
    pub(crate) fn live(&self) -> Live {
        self.node.live()
    }

    /// The scope of a domain's tenant.
    pub(crate) fn scope(&self, domain: &str) -> Scope {
        self.live().directory().by_domain(domain).unwrap()
    }
}

/// Waits until `test` holds; each look asks the node, so it is no busier than the node lets it be.
pub(crate) fn until(what: &str, mut test: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !test() {
        assert!(Instant::now() < end, "never happened: {what}");
        std::thread::yield_now();
    }
}
