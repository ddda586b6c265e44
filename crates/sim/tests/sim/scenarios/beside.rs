//! Pictures and faxes beside the audio of a call: when they have ports, and that all of those return.

use super::Scene;
use super::scene::ACME;
use media::PortRange;
use model::{Insecurity, Leg, MediaCommand, MediaPolicy, MediaReport, MediaSessionId, Policy, StreamKind};
use sim::net::Weather;
use sim::phone::{Answer, Beside};
use sim::server::Wire;
use std::time::Duration;

/// Room for the audio of one call.
const NARROW: PortRange = PortRange {
    first: 10_000,
    last: 10_003,
};

const SHOWS: Beside = Beside {
    video: true,
    takes_fax: false,
    faxes: false,
    keeps_audio: false,
};

const TAKES_FAX: Beside = Beside {
    video: false,
    takes_fax: true,
    faxes: false,
    keeps_audio: false,
};

impl Scene {
    /// 101 and 102 in a call, with this beside their audio.
    fn beside(mut self, caller: Beside, callee: Beside) -> (Scene, usize, usize) {
        let first = self.phone("101", Answer::Ring);
        let second = self.phone("102", Answer::PickUp(100));
        self.act(first, |phone, _| phone.beside = caller);
        self.act(second, |phone, _| phone.beside = callee);
        self.call(first, "102");
        self.run(1_000);
        (self, first, second)
    }

    /// 101 begins to fax, or ceases.
    fn fax(&mut self, phone: usize, faxes: bool) {
        self.act(phone, |phone, _| phone.beside.faxes = faxes);
        self.reinvite(phone, "sendrecv");
        self.run(1_000);
    }

    fn pairs(&self) -> usize {
        self.world.server.relay.counts().pairs_used
    }

    /// The last final answer to an INVITE of a phone.
    fn answered_with(&self, phone: usize) -> u16 {
        let heard = self.world.phones[phone].heard.iter().rev();
        let mut invites = heard.filter(|(method, _)| method == "INVITE");
        invites.next().expect("an answer").1
    }

    /// Audio goes both ways, from now on.
    fn still_talk(&mut self, phones: [usize; 2]) {
        self.refresh_voices();
        self.run(2_000);
        self.talk_to_each_other(phones[0], phones[1]);
    }

    /// Somebody hangs up, and nothing is left.
    fn closes(mut self, phone: usize) -> String {
        self.hang_up(phone);
        self.rests();
        let text = self.text();
        println!("COUNT scenarios 1");
        text
    }
}

#[test]
fn pictures_have_ports_of_their_own_while_both_show_some() {
    let (mut scene, ann, bea) = Scene::new().beside(SHOWS, SHOWS);
    assert_eq!(scene.pairs(), 4);
    scene.still_talk([ann, bea]);
    // One ceases, and begins again.
    scene.act(bea, |phone, _| phone.beside.video = false);
    scene.reinvite(bea, "sendrecv");
    scene.run(1_000);
    assert_eq!(scene.pairs(), 2);
    scene.act(bea, |phone, _| phone.beside.video = true);
    scene.reinvite(bea, "sendrecv");
    scene.run(1_000);
    assert_eq!(scene.pairs(), 4);
    let text = scene.closes(ann);
    assert!(text.contains("10.0.0.1:10000 0,8 video 10.0.0.1:"), "{text}");
}

/// They come back before their ports have, for the media plane is slow.
#[test]
fn pictures_that_come_back_at_once_have_ports_again() {
    for (lag_ms, wait_ms) in [(0, 10), (150, 10), (150, 200), (150, 400)] {
        let mut scene = Scene::new();
        scene.world.server.wire = Some(Wire::new(Weather::FAIR, 1));
        let (mut scene, ann, bea) = scene.beside(SHOWS, SHOWS);
        if let Some(wire) = &mut scene.world.server.wire {
            wire.weather.delay_ms = lag_ms;
        }
        for video in [false, true] {
            scene.act(bea, |phone, _| phone.beside.video = video);
            scene.reinvite(bea, "sendrecv");
            scene.run(wait_ms);
        }
        scene.run(5_000);
        assert_eq!(scene.answered_with(bea), 200, "{lag_ms} {wait_ms}");
        assert_eq!(scene.pairs(), 4, "{lag_ms} {wait_ms}");
        scene.closes(ann);
    }
}

/// DTLS of a camera that is covered, or that a middlebox keeps away.
#[test]
fn pictures_without_keys_end_no_call_but_a_stranger_does() {
    for (why, ends) in [
        (Insecurity::Handshake, false),
        (Insecurity::NoPath, false),
        (Insecurity::Fingerprint, true),
    ] {
        let (mut scene, ann, _) = Scene::new().beside(SHOWS, SHOWS);
        let [call] = &scene.world.server.tenant(ACME).expect("acme").calls()[..] else {
            panic!("not one call");
        };
        let session = MediaSessionId::of(ACME, call.id, StreamKind::Video);
        let leg = Leg::Caller;
        scene.input(pbx::Input::Media(MediaReport::Unsecured { session, leg, why }));
        scene.run(1_000);
        let left = scene.world.server.tenant(ACME).expect("acme").calls().len();
        assert_eq!(left, usize::from(!ends), "{why:?}");
        if !ends {
            let text = scene.closes(ann);
            assert!(text.contains(&format!("video: {}", why.as_str())), "{text}");
        }
    }
}

#[test]
fn an_answer_without_pictures_gives_their_ports_back() {
    let (mut scene, ann, bea) = Scene::new().beside(SHOWS, Beside::default());
    assert_eq!(scene.pairs(), 2);
    scene.still_talk([ann, bea]);
    scene.closes(bea);
}

#[test]
fn without_ports_for_pictures_the_call_goes_on_without() {
    let scene = Scene::with_ports(Policy::default(), NARROW);
    let (mut scene, ann, bea) = scene.beside(SHOWS, SHOWS);
    assert_eq!((scene.pairs(), scene.answered_with(ann)), (2, 200));
    scene.still_talk([ann, bea]);
    let text = scene.closes(ann);
    assert!(!text.contains("video 10.0.0.1"), "{text}");
}

#[test]
fn a_fax_takes_the_place_of_audio_and_gives_it_back() {
    let (mut scene, ann, bea) = Scene::new().beside(Beside::default(), TAKES_FAX);
    scene.fax(ann, true);
    assert_eq!((scene.pairs(), scene.answered_with(ann)), (4, 200));
    let plays = |scene: &Scene| {
        let told = scene.world.server.told.iter();
        told.filter(|(_, command)| matches!(command, MediaCommand::Play { program: Some(_), .. }))
            .count()
    };
    scene.run(5_000);
    assert_eq!(plays(&scene), 0, "nobody is on hold");
    scene.fax(ann, false);
    assert_eq!((scene.pairs(), scene.answered_with(ann)), (2, 200));
    scene.still_talk([ann, bea]);
    let text = scene.closes(bea);
    assert!(text.contains(" fax 10.0.0.1:"), "{text}");
}

#[test]
fn a_fax_offered_beside_audio_may_be_taken_instead() {
    let (mut scene, ann, _) = Scene::new().beside(Beside::default(), TAKES_FAX);
    scene.act(ann, |phone, _| phone.beside.keeps_audio = true);
    scene.fax(ann, true);
    assert_eq!((scene.pairs(), scene.answered_with(ann)), (4, 200));
    scene.closes(ann);
}

#[test]
fn a_fax_that_the_phone_refuses_changes_nothing() {
    let (mut scene, ann, _) = Scene::new().beside(Beside::default(), Beside::default());
    scene.fax(ann, true);
    assert_eq!((scene.pairs(), scene.answered_with(ann)), (2, 488));
    scene.fax(ann, false);
    assert_eq!((scene.pairs(), scene.answered_with(ann)), (2, 200));
    scene.closes(ann);
}

/// What was refused is not offered again when the session is refreshed (RFC 4028), which would end with the next refusal.
#[test]
fn a_call_in_which_a_fax_was_refused_goes_on_for_long() {
    let scene = Scene::with(Policy {
        session_expires_s: 120,
        ..Policy::default()
    });
    let (mut scene, ann, bea) = scene.beside(Beside::default(), Beside::default());
    scene.fax(ann, true);
    assert_eq!((scene.pairs(), scene.answered_with(ann)), (2, 488));
    scene.run(400_000);
    scene.still_talk([ann, bea]);
    scene.closes(ann);
}

#[test]
fn a_fax_without_ports_is_refused() {
    let scene = Scene::with_ports(Policy::default(), NARROW);
    let (mut scene, ann, bea) = scene.beside(Beside::default(), TAKES_FAX);
    scene.fax(ann, true);
    assert_eq!((scene.pairs(), scene.answered_with(ann)), (2, 488));
    scene.still_talk([ann, bea]);
    scene.closes(bea);
}

#[test]
fn both_go_straight_where_audio_does() {
    let scene = Scene::with(Policy {
        media: MediaPolicy::Direct,
        ..Policy::default()
    });
    let both = Beside {
        video: true,
        ..TAKES_FAX
    };
    let (mut scene, ann, _) = scene.beside(SHOWS, both);
    scene.fax(ann, true);
    assert_eq!((scene.pairs(), scene.answered_with(ann)), (0, 200));
    let text = scene.closes(ann);
    let crossed = "server -> acme/102 INVITE 102 {10.0.1.2:6060 0,8 video 10.0.1.2:6062}";
    assert!(
        text.contains(crossed) && text.contains(" fax 10.0.1.2:6064"),
        "{text}"
    );
}

/// What the media plane has not answered is not forgotten when the call, or the wish, is over first.
#[test]
fn ports_that_come_late_return() {
    for (lag_ms, hangs_up) in [(300, true), (300, false), (5_000, false)] {
        let (mut scene, ann, bea) = Scene::new().beside(Beside::default(), TAKES_FAX);
        scene.world.server.media_lag = Duration::from_millis(lag_ms);
        scene.act(ann, |phone, _| phone.beside.faxes = true);
        scene.reinvite(ann, "sendrecv");
        scene.run(100);
        if hangs_up {
            scene.hang_up(bea);
        }
        scene.run(4_000);
        if !hangs_up {
            let expected = if lag_ms < 2_000 { 200 } else { 488 };
            assert_eq!(scene.answered_with(ann), expected, "{lag_ms} ms");
        }
        scene.run(10_000);
        scene.closes(ann);
    }
}

#[test]
fn pictures_come_along_when_a_call_is_transferred() {
    let (mut scene, ann, _) = Scene::new().beside(SHOWS, SHOWS);
    let third = scene.phone("103", Answer::PickUp(100));
    scene.act(third, |phone, _| phone.beside = SHOWS);
    scene.act(ann, |phone, now| phone.refer(0, "103", now));
    scene.run(5_000);
    assert_eq!(scene.pairs(), 4);
    scene.closes(third);
}
