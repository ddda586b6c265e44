//! Calls whose media plane is far away: what is said to it gets lost, it dies, or nobody answers.

use super::Scene;
use super::scene::ACME;
use model::{Cause, EndedBy};
use sim::net::Weather;
use sim::phone::{Answer, State};
use sim::server::Wire;

/// The server's side is down: nothing gets through.
const NOTHING: Weather = Weather {
    delay_ms: 1,
    jitter_ms: 0,
    loss: 1_000,
    duplicate: 0,
};

fn parted(weather: Weather) -> Scene {
    let mut scene = Scene::new();
    scene.world.server.wire = Some(Wire::new(weather, 7));
    scene
}

impl Scene {
    fn weather_of_media(&mut self, weather: Weather) {
        if let Some(wire) = &mut self.world.server.wire {
            wire.weather = weather;
        }
    }

    /// The one record: status, Q.850 cause and who ended it.
    fn only_record(&self) -> (Cause, EndedBy) {
        let [cdr] = &self.world.server.cdrs[..] else {
            panic!("{:?}", self.world.server.cdrs)
        };
        (cdr.cause, cdr.ended_by)
    }

    fn has_ended(&mut self) {
        self.run(50_000);
        self.rests();
    }
}

#[test]
fn calls_come_up_talk_and_end_though_half_of_what_is_said_to_the_media_plane_gets_lost() {
    let mut scene = parted(Weather {
        loss: 500,
        jitter_ms: 50,
        ..Weather::FAIR
    });
    let (caller, callee) = scene.pair();
    scene.call(caller, "102");
    scene.run(8_000);
    for phone in [caller, callee] {
        assert_eq!(scene.world.phones[phone].calls()[0].1, State::Up);
        assert!(scene.world.phones[phone].packets_received > 2);
    }
    scene.hang_up(caller);
    scene.has_ended();
    assert_eq!(scene.only_record().0.sip, 200);
    assert_eq!(scene.tenant_counts().media_lost, 0);
}

#[test]
fn a_call_whose_media_plane_died_is_hung_up() {
    let mut scene = parted(Weather::FAIR);
    let (caller, callee) = scene.talking();
    let now = scene.world.now();
    scene.world.server.lose_media(now);
    scene.run(30_000);
    for phone in [caller, callee] {
        assert_eq!(scene.world.phones[phone].calls()[0].1, State::Over);
    }
    assert_eq!(
        scene.only_record(),
        (Cause { sip: 200, q850: 41 }, EndedBy::System)
    );
    assert_eq!(scene.tenant_counts().media_lost, 1);
    scene.has_ended();
}

#[test]
fn a_call_that_rings_without_a_media_plane_is_refused() {
    let mut scene = parted(Weather::FAIR);
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Ring);
    scene.call(caller, "102");
    scene.run(500);
    let now = scene.world.now();
    scene.world.server.lose_media(now);
    scene.run(30_000);
    assert_eq!(
        scene.only_record(),
        (Cause { sip: 503, q850: 41 }, EndedBy::System)
    );
    scene.has_ended();
}

#[test]
fn without_a_media_plane_callers_are_refused_and_with_it_the_next_call_works() {
    let mut scene = parted(NOTHING);
    let (caller, _) = scene.pair();
    scene.call(caller, "102");
    scene.run(5_000);
    assert_eq!(
        scene.only_record(),
        (Cause { sip: 503, q850: 47 }, EndedBy::System)
    );
    scene.weather_of_media(Weather::FAIR);
    scene.call(caller, "102");
    scene.run(5_000);
    assert_eq!(scene.world.phones[caller].calls()[1].1, State::Up);
    scene.act(caller, |phone, now| phone.hang_up(1, now));
    scene.has_ended();
}

#[test]
fn a_call_outlives_half_a_minute_without_its_media_plane_and_no_longer() {
    let mut scene = parted(Weather::FAIR);
    let (caller, _) = scene.talking();
    scene.weather_of_media(NOTHING);
    scene.run(25_000);
    scene.weather_of_media(Weather::FAIR);
    scene.run(60_000);
    assert_eq!(scene.world.phones[caller].calls()[0].1, State::Up);
    scene.weather_of_media(NOTHING);
    scene.run(90_000);
    assert_eq!(scene.world.phones[caller].calls()[0].1, State::Over);
    assert_eq!(
        scene.only_record(),
        (Cause { sip: 200, q850: 41 }, EndedBy::System)
    );
    // The other side has closed the session as well, though nobody could tell it to.
    assert_eq!(scene.world.server.relay.counts().sessions, 0);
    scene.has_ended();
}

#[test]
fn a_tenant_that_is_built_anew_leaves_no_session_behind() {
    let mut scene = parted(Weather::FAIR);
    let (caller, _) = scene.talking();
    scene.run(2_000);
    let now = scene.world.now();
    scene.world.server.rebuild(ACME, now);
    scene.run(30_000);
    // The call was kept, and has opened its ports again under another owner; what the old one had is closed.
    let sessions = scene.world.server.relay.counts().sessions;
    let calls = scene.world.server.tenant(ACME).map(|tenant| tenant.calls().len());
    assert_eq!((sessions, calls), (1, Some(1)));
    scene.hang_up(caller);
    scene.has_ended();
}
