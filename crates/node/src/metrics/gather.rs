//! Which figures there are: every counter, what is alive, what waits, each trunk.
//!
//! Labels come from configuration alone, never from peers, so what a scrape holds is bounded.

use super::process;
use super::text::{Kind, Page};
use crate::live::Live;
use crate::shared::{Query, Totals};
use anyhow::Result;
use model::{TrunkHealth, TrunkRegistration, TrunkView};
use std::sync::atomic::Ordering;

/// Trunks with figures of their own; of more there is only how many are left out.
const TRUNKS: usize = 2_000;

/// Asks everybody and writes the page.
///
/// # Errors
/// A worker does not answer.
pub(super) fn page(live: &Live) -> Result<String> {
    let totals = live.totals()?;
    let sessions = live.media_sessions()?;
    let mut trunks: Vec<(Box<str>, TrunkView)> =
        live.ask_all(Query::AllTrunks)?.into_iter().flatten().collect();
    trunks.sort_by(|a, b| (&a.0, &a.1.name).cmp(&(&b.0, &b.1.name)));
    let mut page = Page::default();
    page.family(
        "carillon_build_info",
        Kind::Gauge,
        "Always 1; the version is a label.",
    );
    page.sample(
        "carillon_build_info",
        &[("version", env!("CARGO_PKG_VERSION"))],
        1,
    );
    alive(&mut page, live, &totals, sessions);
    queues(&mut page, live);
    media(&mut page, live);
    carriers(&mut page, &trunks);
    certificates(&mut page, live);
    for (name, help, value) in totals.counts.described() {
        page.single(&format!("carillon_{name}_total"), Kind::Counter, help, value);
    }
    process::describe(&mut page);
    Ok(page.finish())
}

fn alive(page: &mut Page, live: &Live, totals: &Totals, sessions: usize) {
    let shared = &live.shared;
    let uptime = shared.clock.mono().as_secs_f64() - 1.0;
    page.single("carillon_uptime_seconds", Kind::Gauge, "Since the start.", uptime);
    let draining = u8::from(shared.draining.load(Ordering::Relaxed));
    for (name, help, value) in [
        ("carillon_live_calls", "Calls that have not ended.", totals.calls),
        (
            "carillon_connections",
            "Open connections: TCP, TLS and WebSocket.",
            totals.connections,
        ),
        (
            "carillon_tenants",
            "Enabled tenants.",
            shared.directory.load().len(),
        ),
        (
            "carillon_tenants_alive",
            "Tenants that had something to do since the start.",
            totals.tenants,
        ),
        (
            "carillon_registrations",
            "Bindings of phones.",
            totals.registrations,
        ),
        (
            "carillon_transactions",
            "SIP transactions that have not ended.",
            totals.transactions,
        ),
        (
            "carillon_live_subscriptions",
            "Subscriptions to events.",
            totals.subscriptions,
        ),
        ("carillon_media_sessions", "Media sessions.", sessions),
        ("carillon_bans", "Addresses that are kept out.", live.bans().len()),
        (
            "carillon_trace_bytes",
            "Octets of messages of calls that are kept.",
            totals.trace_octets,
        ),
        (
            "carillon_draining",
            "1 while new calls are refused for the server goes down.",
            usize::from(draining),
        ),
    ] {
        page.single(name, Kind::Gauge, help, value);
    }
}

fn queues(page: &mut Page, live: &Live) {
    let name = "carillon_queue_length";
    page.family(name, Kind::Gauge, "What waits for a worker thread.");
    let sessions = live.shared.sessions.iter().map(|inbox| inbox.waiting());
    let media = live.shared.media.iter().map(|inbox| inbox.waiting());
    for (index, length) in sessions.enumerate() {
        page.sample(name, &[("worker", &format!("session-{index}"))], length);
    }
    for (index, length) in media.enumerate() {
        page.sample(name, &[("worker", &format!("media-{index}"))], length);
    }
}

fn media(page: &mut Page, live: &Live) {
    let shared = &live.shared;
    for (name, help, value) in [
        (
            "carillon_media_packets_total",
            "RTP and RTCP packets forwarded.",
            &shared.media_packets,
        ),
        (
            "carillon_media_ticks_late_total",
            "Ticks of 20 ms in which sound was made more than 10 ms too late, or left out.",
            &shared.media_ticks_late,
        ),
        (
            "carillon_room_frames_shed_total",
            "Frames of conferences that a busy media worker was not told.",
            &shared.room_frames_shed,
        ),
    ] {
        page.single(name, Kind::Counter, help, value.load(Ordering::Relaxed));
    }
}

/// Of those who vouch for callers.
fn certificates(page: &mut Page, live: &Live) {
    let vouching = &live.shared.vouching;
    let (name, help) = (
        "carillon_stir_authorities",
        "Authorities that are believed when they certify those who vouch for callers.",
    );
    page.single(name, Kind::Gauge, help, vouching.authorities.now().len());
    let totals = vouching.certificates.totals();
    let name = "carillon_stir_certificates_total";
    page.family(
        name,
        Kind::Counter,
        "Certificates of those who vouch for callers, by what became of the wish for them.",
    );
    for (outcome, value) in [
        ("known", totals.known),
        ("fetched", totals.fetched),
        ("failed", totals.failed),
        ("refused", totals.refused),
        ("busy", totals.busy.total()),
    ] {
        page.sample(name, &[("outcome", outcome)], value);
    }
    let name = "carillon_stir_certificates_busy_total";
    page.family(
        name,
        Kind::Counter,
        "Certificates that were not fetched for want of room, by what was full.",
    );
    for (full, value) in [
        ("tenant", totals.busy.tenant),
        ("host", totals.busy.host),
        ("all", totals.busy.all),
        ("late", totals.busy.late),
    ] {
        page.sample(name, &[("full", full)], value);
    }
}

fn carriers(page: &mut Page, trunks: &[(Box<str>, TrunkView)]) {
    type Figure = fn(&TrunkView) -> u64;
    let figures: [(&str, Kind, &str, Figure); 4] = [
        (
            "carillon_trunk_up",
            Kind::Gauge,
            "1 unless the carrier answers nothing; also while that is not known yet.",
            |view| u64::from(view.health != TrunkHealth::Down),
        ),
        (
            "carillon_trunk_registered",
            Kind::Gauge,
            "1 where the carrier knows where we are, or need not.",
            |view| {
                let good = [TrunkRegistration::Registered, TrunkRegistration::Off];
                u64::from(good.contains(&view.registration))
            },
        ),
        (
            "carillon_trunk_live_calls",
            Kind::Gauge,
            "Calls on the trunk.",
            |view| u64::try_from(view.calls).unwrap_or(u64::MAX),
        ),
        (
            "carillon_trunk_failed_calls_total",
            Kind::Counter,
            "Calls that came to nothing by the carrier's fault.",
            |view| view.failures,
        ),
    ];
    for (name, kind, help, figure) in figures {
        page.family(name, kind, help);
        for (tenant, view) in trunks.iter().take(TRUNKS) {
            let labels = [("tenant", &**tenant), ("trunk", view.name.as_str())];
            page.sample(name, &labels, figure(view));
        }
    }
    let (name, help) = (
        "carillon_trunks_left_out",
        "Trunks without figures of their own, for there are too many.",
    );
    page.single(name, Kind::Gauge, help, trunks.len().saturating_sub(TRUNKS));
}
