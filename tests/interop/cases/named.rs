//! A trunk that is named by a domain, as the DNS leads it (RFC 3263): two priorities, one after the other's death; weights; a DNS that is
//! silent, and one whose records change.

use anyhow::{Context, Result, ensure};
use interop::actor::Actor;
use interop::process::until;
use interop::wire::Transport;
use interop::{Names, Server, Setting, Stage, Switch, Tenant};
use sim::dns::Zone;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

const DOMAIN: &str = "acme.test";
const CARRIER: &str = "carrier.test";
const SERVICE: &str = "_sip._udp.carrier.test";
const OUTSIDE: &str = "03020001000";
/// Records hold for so long; the server keeps places for five seconds at least.
const TTL_S: u32 = 1;
const KEPT: Duration = Duration::from_secs(5);
/// A carrier that is dead costs a call `try_s`, and one that changes its place the time that records hold.
const WITHIN: Duration = Duration::from_secs(20);
/// Trunks among which two servers of one priority divide, at three to one.
const TRUNKS: usize = 40;

/// Where the carrier's servers are.
fn places(stage: &Stage, count: u8) -> Result<Vec<SocketAddr>> {
    (1..=count)
        .map(|host| {
            Ok(SocketAddr::from((
                Ipv4Addr::new(127, 0, 9, host),
                stage.ports.one()?,
            )))
        })
        .collect()
}

/// The carrier's servers, each with its priority and weight.
fn zone(servers: &[(SocketAddr, u16, u16)]) -> Zone {
    let begun = Zone::default().holds(TTL_S).way(CARRIER, 10, "SIP+D2U", SERVICE);
    servers.iter().fold(begun, |zone, (at, priority, weight)| {
        let IpAddr::V4(ip) = at.ip() else { return zone };
        let host = format!("edge{}.carrier.test", ip.octets().last().unwrap_or(&0));
        zone.server(SERVICE, (*priority, *weight), &host, at.port())
            .host(&host, ip)
    })
}

fn open(stage: &Stage, names: &Names) -> Result<(Server, Actor)> {
    let tenant = Tenant::new("acme", ["101".to_owned()]).policies(&["region=de", "media_silence_s=0"]);
    let server = Server::start_as(stage, &[tenant], Setting::default().section(&names.section()))?;
    let limits = ["concurrent", "calls_per_s", "calls_per_min", "minutes_per_day"];
    let none = ["tenant", "user"].map(|who| limits.map(|limit| format!("by_day.{who}.{limit}=none")));
    let none: Vec<&str> = none.as_flattened().iter().map(String::as_str).collect();
    server.carillon(&[&["toll", "set", "acme", "night_hours="][..], &none].concat())?;
    let mut phone = Actor::new(
        &server,
        (DOMAIN, "101"),
        Transport::Udp,
        Ipv4Addr::LOCALHOST.into(),
    )?;
    phone.register()?;
    Ok((server, phone))
}

fn trunk(server: &Server, name: &str) -> Result<()> {
    let host = format!("host={CARRIER}");
    let set = [
        "trunk",
        "set",
        "acme",
        name,
        &host,
        "options_s=5",
        "try_s=2",
        "down_after=1",
    ];
    server.carillon(&set).map(drop)
}

/// A call that comes about; gives how long that took. It is over then.
fn call(phone: &mut Actor) -> Result<Duration> {
    let begun = Instant::now();
    let before = phone.up();
    phone.call(OUTSIDE);
    phone.play("a call outside", |phone| phone.up() > before)?;
    let took = begun.elapsed();
    phone.end_all();
    phone.play("its end", |phone| phone.up() == 0)?;
    Ok(took)
}

fn calls(switch: &Switch) -> usize {
    let invites = switch.requests("INVITE");
    let ids = invites
        .iter()
        .filter_map(|text| text.lines().find(|line| line.starts_with("Call-ID: ")));
    ids.collect::<std::collections::BTreeSet<_>>().len()
}

/// Calls until one has come to this switch.
fn comes_to(phone: &mut Actor, switch: &Switch, what: &str) -> Result<Duration> {
    let (begun, before) = (Instant::now(), calls(switch));
    until(what, WITHIN, || {
        call(phone).with_context(|| format!("while waiting for {what}"))?;
        Ok((calls(switch) > before).then_some(()))
    })?;
    Ok(begun.elapsed())
}

#[test]
fn a_trunk_follows_the_dns_and_the_second_server_serves_when_the_first_is_dead() -> Result<()> {
    Stage::run("named", |stage| {
        let at = places(stage, 3)?;
        let names = Names::start(stage, zone(&[(at[0], 10, 1), (at[1], 20, 1)]))?;
        let (one, two) = (Switch::start(at[0], None)?, Switch::start(at[1], None)?);
        let (server, mut phone) = open(stage, &names)?;
        trunk(&server, "main")?;
        until("the trunk to be up", WITHIN, || {
            let views = server.list(&["trunk", "status"])?;
            Ok(views.iter().any(|view| view["health"] == "up").then_some(()))
        })?;
        let usual = call(&mut phone)?;
        ensure!(
            (calls(&one), calls(&two)) == (1, 0),
            "the first priority goes first"
        );
        one.dies();
        let moved = call(&mut phone)?;
        ensure!(calls(&two) == 1, "the second did not serve");
        let next = call(&mut phone)?;
        ensure!(
            next < Duration::from_secs(1),
            "it is tried anew each time: {next:?}"
        );
        // The carrier has moved.
        let three = Switch::start(at[2], None)?;
        names.change(zone(&[(at[2], 10, 1)]));
        let followed = comes_to(&mut phone, &three, "the carrier's new place")?;
        // The DNS is away for longer than its answers hold: what it said goes on.
        names.fall_silent(true);
        let (asked, begun, mut lost) = (names.asked(), Instant::now(), 0);
        while begun.elapsed() < KEPT * 2 || names.asked() == asked {
            call(&mut phone).context("without a DNS")?;
            lost += 1;
            ensure!(begun.elapsed() < WITHIN, "it was never asked");
        }
        ensure!(calls(&three) > lost, "{lost} calls, {} came", calls(&three));
        let panics = server.status()?["counts"]["panics"].as_u64();
        ensure!(panics == Some(0), "{panics:?} panics");
        Ok(format!(
            "a call in {usual:.0?}, with a dead server first {moved:.0?}, after that {next:.0?}; {lost} without a DNS; moved after {followed:.1?}"
        ))
    })
}

#[test]
fn servers_of_one_priority_share_by_their_weights() -> Result<()> {
    Stage::run("weights", |stage| {
        let at = places(stage, 2)?;
        let names = Names::start(stage, zone(&[(at[0], 10, 30), (at[1], 10, 10)]))?;
        let (one, two) = (Switch::start(at[0], None)?, Switch::start(at[1], None)?);
        let (server, _phone) = open(stage, &names)?;
        for number in 0..TRUNKS {
            trunk(&server, &format!("t{number}"))?;
        }
        let mut shares = (0, 0);
        until("all trunks to be up", Duration::from_secs(60), || {
            let views = server.list(&["trunk", "status"])?;
            let up = views.iter().filter(|view| view["health"] == "up");
            let at = |of: &Switch| {
                let place = format!("udp:{}", of.at);
                up.clone().filter(|view| view["place"] == place.as_str()).count()
            };
            shares = (at(&one), at(&two));
            Ok((shares.0 + shares.1 == TRUNKS).then_some(()))
        })?;
        // Thirty to ten; less likely shares than these come once in some thousand runs.
        ensure!((20..=38).contains(&shares.0), "{shares:?}");
        Ok(format!("{} to {} of {TRUNKS} trunks", shares.0, shares.1))
    })
}
