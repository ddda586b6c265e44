//! What is measured, and how well it has to go.
//!
//! Owns: the list. Limits that are shares are of what the other server needs in the same run.

use super::carillon::{CONFERENCE, Tenant};
use super::plan::{Form, Plan};
use super::speech::Talk;
use super::streams::Reading;
use model::Codec;

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contestant {
    /// Carillon by this name in the table, with a tenant of this kind.
    Carillon(&'static str, Tenant),
    /// rtpengine, where it is installed.
    Rtpengine,
}

/// What the figure is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Figure {
    /// CPU µs for each packet; at most this share of rtpengine's.
    PerPacket(Option<f64>),
    /// CPU µs for each second of each call; at most so many.
    PerCallSecond(Option<f64>),
    /// The same, of the second contestant more than of the first.
    Added(Option<f64>),
    /// 99 of 100 packets are delayed by no more than so many milliseconds.
    Delay(f64),
}

/// One line of the table.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    /// For `--only`.
    pub(super) name: &'static str,
    /// For the table.
    pub(super) title: &'static str,
    /// A call.
    pub(super) plan: Plan,
    /// How many.
    pub(super) calls: u32,
    /// In the order of their turns.
    pub(super) contestants: Vec<Contestant>,
    /// Who speaks when.
    pub(super) talk: Talk,
    /// How packets are received.
    pub(super) reading: Reading,
    /// What counts.
    pub(super) figure: Figure,
    /// Memory for each call is at most so many kB.
    pub(super) memory_kb: Option<f64>,
    /// The first round waits until the setup is forgotten, so that memory is of calls alone.
    pub(super) settles: bool,
}

const CARILLON: Contestant = Contestant::Carillon("Carillon", Tenant::Plain);
const PCMU: Form = Form {
    codec: Codec::Pcmu,
    keys: false,
};

/// All, in order.
pub(super) fn all(hasty: bool) -> Vec<Scenario> {
    let mut all = beside();
    all.extend(alone());
    if hasty {
        all.iter_mut().for_each(|scenario| scenario.calls /= 4);
    }
    all
}

/// What both servers can do.
fn beside() -> Vec<Scenario> {
    let pair = |name, title, caller, calls, limit| Scenario {
        name,
        title,
        plan: Plan::Pair { caller, callee: PCMU },
        calls,
        contestants: vec![CARILLON, Contestant::Rtpengine],
        talk: Talk::AtOnce,
        reading: Reading::Polled,
        figure: Figure::PerPacket(limit),
        memory_kb: None,
        settles: false,
    };
    let mut plain = pair("plain", "plain relay", PCMU, 200, Some(0.6));
    (plain.memory_kb, plain.settles) = (Some(50.0), true);
    let mut opus = pair("opus", "Opus ↔ PCMU", Form::plain(Codec::Opus), 30, Some(0.35));
    opus.settles = true;
    let mut delay = pair("delay", "plain relay, delay", PCMU, 500, None);
    (delay.reading, delay.figure) = (Reading::Timed, Figure::Delay(5.0));
    vec![
        plain,
        pair(
            "sdes",
            "SDES ↔ plain",
            Form::protected(Codec::Pcmu),
            200,
            Some(0.6),
        ),
        opus,
        pair("g722", "G.722 ↔ PCMU", Form::plain(Codec::G722), 30, None),
        delay,
    ]
}

/// What rtpengine has no like of.
fn alone() -> Vec<Scenario> {
    let echo = Scenario {
        name: "echo",
        title: "echo by *43",
        plan: Plan::Served {
            number: "*43",
            caller: PCMU,
        },
        calls: 1_000,
        contestants: vec![CARILLON],
        talk: Talk::AtOnce,
        reading: Reading::Polled,
        figure: Figure::PerCallSecond(None),
        memory_kb: None,
        settles: false,
    };
    let conference = Scenario {
        name: "conference",
        title: "conference, per participant",
        plan: Plan::Served {
            number: CONFERENCE,
            caller: PCMU,
        },
        calls: 100,
        contestants: vec![Contestant::Carillon("Carillon", Tenant::Conference)],
        figure: Figure::PerCallSecond(Some(1_000.0)),
        ..echo.clone()
    };
    let recording = Scenario {
        name: "recording",
        title: "recording, added",
        plan: Plan::Pair {
            caller: PCMU,
            callee: PCMU,
        },
        calls: 100,
        contestants: vec![
            Contestant::Carillon("Carillon", Tenant::Plain),
            Contestant::Carillon("Carillon, recording", Tenant::Recorded),
        ],
        talk: Talk::ByTurns,
        figure: Figure::Added(Some(500.0)),
        ..echo.clone()
    };
    let both = Scenario {
        name: "recording-both",
        title: "recording, added, both speak all the time",
        talk: Talk::AtOnce,
        figure: Figure::Added(None),
        ..recording.clone()
    };
    vec![echo, conference, recording, both]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_few_words_and_unlike() {
        let names: Vec<&str> = all(false).iter().map(|s| s.name).collect();
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!((once.len(), names.len()), (9, 9));
        assert!(all(true).iter().all(|s| s.calls > 0));
    }
}
