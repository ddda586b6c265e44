//! Floods of damaged messages against the cores, without sockets: what strangers send changes nothing at all, and
//! what colleagues send in calls of their own harms nobody else and leaves nothing behind.

use media::PortRange;
use model::{FlowToken, Policy, TenantId, Transport};
use sim::check;
use sim::hostile::{Aim, Leg, Manners, Stream};
use sim::net::Weather;
use sim::phone::{Answer, State};
use sim::server::Output;
use sim::world::{Company, Trace, World};
use std::net::SocketAddr;
use std::path::Path;

/// Messages of each of the two tests.
const STRANGE: u64 = 130_000;
const FAMILIAR: u64 = 130_000;
/// Printed with a failure; the same number says the same again.
const SEED: u64 = 0x0ca2_1110;
/// Octets by which an answer to a stranger may be longer than his request: a challenge (SECURITY, row 12).
const CHALLENGE: usize = 560;
/// Messages after which time passes.
const BURST: u64 = 100;

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/message");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Two companies. In the first, 100 and 101 talk and mean no harm; so do 100 and 101 of the second.
fn world() -> World {
    let company = |domain, extensions| Company {
        domain,
        extensions,
        policy: Policy {
            // A call that somebody put on hold and forgot ends then.
            max_call_s: 1_800,
            ..Policy::default()
        },
    };
    let ports = PortRange {
        first: 10_000,
        last: 12_999,
    };
    let companies = [
        company("a.example", &["100", "101", "110", "111"]),
        company("b.example", &["100", "101"]),
    ];
    let mut world = World::with_ports(SEED, Weather::FAIR, &companies, ports);
    world.ladder.hush();
    for domain in ["a.example", "b.example"] {
        for user in ["100", "101"] {
            // Whoever is called a second time is busy.
            world.add_phone(domain, user, Transport::Udp, Answer::PickUp(10));
        }
    }
    for phone in 0..4 {
        world.act(phone, |p, now| p.register(7_200, now));
    }
    world.run_ms(100);
    for caller in [0, 2] {
        world.act(caller, |p, now| p.call("101", now));
    }
    world.run_ms(1_000);
    for phone in 0..4 {
        world.phones[phone].answer = Answer::Refuse(486, 0);
    }
    assert!(untouched(&world));
    world
}

/// The four that mean no harm are registered and talk.
fn untouched(world: &World) -> bool {
    let talks = |phone: &sim::phone::Phone| {
        let up = phone
            .calls()
            .iter()
            .filter(|(_, state)| *state == State::Up)
            .count();
        up == 1 && phone.unanswered == 0
    };
    let registered = |tenant: u64| {
        let tenant = world.server.tenant(TenantId(tenant)).unwrap();
        let views = tenant.registrations(world.now());
        let of = |user: &str| {
            views
                .iter()
                .filter(|v| v.aor.contains(&format!("{user}@")))
                .count()
        };
        of("100") == 1 && of("101") == 1
    };
    world.phones[..4].iter().all(talks) && registered(1) && registered(2)
}

/// Everything that a stranger could change.
fn state(world: &World) -> impl PartialEq + std::fmt::Debug + use<> {
    let server = &world.server;
    let of = |tenant: u64| {
        let tenant = server.tenant(TenantId(tenant)).unwrap();
        (tenant.held(), tenant.counts().calls, tenant.counts().registered)
    };
    (
        of(1),
        of(2),
        server.journal.len(),
        server.cdrs.len(),
        server.relay.counts(),
    )
}

fn legs(world: &World) -> (Vec<Leg>, Vec<String>) {
    let (mut legs, mut vias, mut invites) = (Vec::new(), Vec::new(), Vec::new());
    for trace in &world.trace {
        match trace {
            Trace::Out(_, bytes) => {
                legs.extend(Leg::of_caller(bytes));
                if let Some(via) = via_of_request(bytes) {
                    vias.push(via);
                    invites.push(bytes.clone());
                }
            }
            Trace::In(_, bytes) => legs.extend(invites.iter().find_map(|i| Leg::of_callee(i, bytes))),
            Trace::Media(..) => {}
        }
    }
    (legs, vias)
}

fn via_of_request(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.starts_with("SIP/2.0") {
        return None;
    }
    text.lines()
        .find_map(|l| l.strip_prefix("Via: "))
        .map(str::to_owned)
}

fn aim(user: &str, at: SocketAddr, via: &'static str) -> Aim {
    Aim {
        domain: "a.example".to_owned(),
        user: user.to_owned(),
        others: ["100", "101", "110", "111", "999"].map(str::to_owned).to_vec(),
        at,
        via,
        leg: None,
        vias: Vec::new(),
        secret: None,
    }
}

/// Makes the call between 100 and 101 anew and gives what its phones know of it.
fn overhear(world: &mut World) -> Vec<Leg> {
    world.tracing = true;
    world.act(0, |p, now| p.end(0, now));
    world.phones[1].answer = Answer::PickUp(10);
    world.run_ms(1_000);
    world.act(0, |p, now| p.call("101", now));
    world.run_ms(1_000);
    world.phones[1].answer = Answer::Refuse(486, 0);
    world.tracing = false;
    let (legs, _) = legs(world);
    assert!(legs.len() >= 2, "{legs:?}");
    // What the finished call left in its transactions goes meanwhile.
    world.run_ms(40_000);
    legs
}

/// Strangers know one real dialog and name it rightly or nearly; they come from other addresses. Responses carry a branch
/// that only the one who was asked has seen, so theirs are made up.
#[test]
fn what_strangers_send_changes_nothing_and_is_answered_in_proportion() {
    let mut world = world();
    let legs = overhear(&mut world);
    let manners = Manners {
        wild: 250,
        exact: 500,
        bye: 1_000,
        sound: 100,
    };
    let mut stream = Stream::new(SEED, manners, corpus());
    let mut connection = world.connect_stranger();
    for number in 0..STRANGE {
        let remote = SocketAddr::from(([10, 0, 9, (number % 200) as u8], 5060));
        let transport = if number % 4 == 3 {
            Transport::Tcp
        } else {
            Transport::Udp
        };
        let user = if number % 2 == 0 { "100" } else { "nobody" };
        let mut aim = aim(user, remote, transport.via());
        aim.leg = legs.get(number as usize % (legs.len() + 1)).cloned();
        let octets = stream.message(&aim);
        let flow = FlowToken {
            transport,
            worker: 0,
            connection: if transport.is_reliable() { connection } else { 0 },
            local: world.server_address(),
            remote,
        };
        let closed =
            in_vain(&mut world, flow, &octets).unwrap_or_else(|e| panic!("{e}: {}", about(number, &octets)));
        if closed || number % 1_000 == 3 {
            let now = world.now();
            world.server.connection_lost(connection, now);
            connection = world.connect_stranger();
        }
        if number % BURST == 0 {
            world.run_ms(10);
        }
    }
    assert!(untouched(&world));
    check::always(&world).unwrap();
    let counts = world.server.tenant(TenantId(1)).unwrap().counts();
    assert!(
        counts.challenges > 5_000 && counts.no_dialog > 2_000,
        "it stayed outside: {counts:?}"
    );
    println!("COUNT hostile/core {STRANGE}");
}

/// Nothing changes; the answer goes to the sender alone and is longer than the request by a challenge at most. True when
/// the connection is to be closed.
fn in_vain(world: &mut World, flow: FlowToken, octets: &[u8]) -> Result<bool, String> {
    world.collect();
    let before = state(world);
    let now = world.now();
    world.server.receive(flow, octets, now);
    let (mut answered, mut closed) = (0, false);
    for output in world.server.take_outputs() {
        match output {
            Output::Sip(to, bytes) if to.remote == flow.remote => answered += bytes.len(),
            Output::Close(_) => closed = true,
            Output::Sip(..) | Output::Media(..) | Output::Connect(..) | Output::Ask(..) => {
                return Err("sent elsewhere".to_owned());
            }
        }
    }
    // On a stream this one may complete another that was cut off, of at most the longest length.
    let earlier = if flow.transport.is_reliable() { 32_768 } else { 0 };
    if answered > octets.len() + earlier + CHALLENGE {
        return Err(format!("answered with {answered} octets"));
    }
    let after = state(world);
    if after != before {
        return Err(format!("{before:?} became {after:?}"));
    }
    Ok(closed)
}

fn about(number: u64, octets: &[u8]) -> String {
    format!(
        "message {number} of seed {SEED:#x}:\n{}",
        String::from_utf8_lossy(octets)
    )
}

/// 110 and 111 are registered, know all passwords and tags of their own, and say what they like in their own calls and
/// in their own names.
#[test]
fn what_colleagues_send_harms_nobody_and_leaves_nothing_behind() {
    let mut world = world();
    let add =
        |world: &mut World, user, transport| world.add_phone("a.example", user, transport, Answer::PickUp(0));
    let rude = [Transport::Udp, Transport::Tcp].map(|t| add(&mut world, "110", t));
    let peer = add(&mut world, "111", Transport::Udp);
    for phone in [rude[0], rude[1], peer] {
        world.act(phone, |p, now| p.register(3_600, now));
        world.phones[phone].mute = true;
    }
    world.run_ms(100);
    let manners = Manners {
        wild: 50,
        exact: 850,
        bye: 20,
        sound: 200,
    };
    let mut stream = Stream::new(SEED ^ 1, manners, corpus());
    let (mut known, mut vias, mut challenge) = (None, Vec::new(), String::new());
    for number in 0..FAMILIAR {
        let phone = rude[(number / 5_000 % 2) as usize];
        if number % 500 == 0 {
            (known, vias) = sacrifice(&mut world, phone);
        }
        let identity = &world.phones[phone].identity;
        let mut aim = aim("110", identity.address, identity.transport.via());
        (aim.leg, aim.vias) = (known.clone(), vias.clone());
        aim.secret = Some(("pw110".to_owned(), challenge.clone()));
        let octets = stream.message(&aim);
        challenge = say(&mut world, phone, &octets).unwrap_or(challenge);
        if number % BURST == 0 {
            world.run_ms(50);
            assert!(untouched(&world), "{}", about(number, &octets));
        }
    }
    let counts = world.server.tenant(TenantId(1)).unwrap().counts();
    assert!(
        counts.calls > 1_000 && counts.registered > 1_000,
        "it stayed outside: {counts:?}"
    );
    all_returns(&mut world, &[rude[0], rude[1], peer]);
    println!("COUNT hostile/core {FAMILIAR}");
}

/// Once the rude ones are gone every transaction, ring, call and registration ends by itself.
fn all_returns(world: &mut World, rude: &[usize]) {
    for phone in rude {
        world.act(*phone, |p, _| p.reboot());
        world.phones[*phone].answer = Answer::Dead;
    }
    world.run_ms(600_000);
    assert!(untouched(world));
    for phone in [0, 2] {
        world.act(phone, |p, now| p.end(0, now));
    }
    world.run_ms(8_000_000);
    check::at_rest(world).unwrap();
    assert!(world.server.bindings().is_empty());
}

/// Says something as a registered phone, at once; gives the challenge that came back.
fn say(world: &mut World, phone: usize, octets: &[u8]) -> Option<String> {
    let identity = &world.phones[phone].identity;
    let flow = FlowToken {
        transport: identity.transport,
        worker: 0,
        connection: world.phones[phone].connection,
        local: world.server_address(),
        remote: identity.address,
    };
    world.collect();
    let now = world.now();
    world.server.receive(flow, octets, now);
    let (mut close, mut challenge) = (false, None);
    for output in world.server.take_outputs() {
        match output {
            Output::Sip(to, bytes) => {
                challenge = challenge_in(&bytes)
                    .filter(|_| to.remote == flow.remote)
                    .or(challenge);
                deliver(world, to, &bytes);
            }
            Output::Close(_) => close = true,
            Output::Media(..) | Output::Connect(..) | Output::Ask(..) => {}
        }
    }
    if close {
        world.disconnect(phone);
        world.act(phone, |p, now| p.register(3_600, now));
    }
    challenge
}

/// Ends what 110 has and makes a new call to 111 whose tags are known.
fn sacrifice(world: &mut World, phone: usize) -> (Option<Leg>, Vec<String>) {
    world.act(phone, |p, now| {
        for (call, _) in p.calls() {
            p.end(call, now);
        }
    });
    world.run_ms(200);
    (world.tracing, world.trace) = (true, Vec::new());
    world.act(phone, |p, now| p.call("111", now));
    world.run_ms(300);
    world.tracing = false;
    let (legs, vias) = legs(world);
    (legs.into_iter().next(), vias)
}

fn challenge_in(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let line = |name: &str| text.lines().find_map(|l| l.strip_prefix(name));
    line("WWW-Authenticate: ")
        .or_else(|| line("Proxy-Authenticate: "))
        .map(str::to_owned)
}

/// Gives a message to the phone that it is for, at once: the network is not what is tested.
fn deliver(world: &mut World, to: FlowToken, bytes: &[u8]) {
    let phone = world
        .phones
        .iter()
        .position(|p| p.identity.address == to.remote && p.connection == to.connection);
    if let Some(phone) = phone {
        world.act(phone, |p, now| p.receive(bytes, now));
    }
}
