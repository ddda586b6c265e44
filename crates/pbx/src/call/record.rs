//! The record of a call while it is made, and the causes of its end (RFC 3398 §7.2.4.1, ITU-T Q.850).

use crate::context::Context;
use flow::Refusal;
use model::{
    AudioFault, AudioTrouble, CallerCheck, Cause, Cdr, CdrId, Charge, DestinationClass, EndedBy, Leg,
    LegQuality, Money, Now, Party, RecordingId, SrtpSuite, Wall,
};
use std::time::Duration;

/// What is known so far.
#[derive(Clone)]
pub(crate) struct Record {
    id: CdrId,
    config_version: u64,
    pub(crate) caller: Party,
    pub(crate) callee: Party,
    start: Wall,
    ring: Option<Wall>,
    answer: Option<(Wall, Duration)>,
    /// Talked in earlier lives of the process.
    before: Duration,
    end: Option<(Wall, Duration, Cause, EndedBy)>,
    /// What was recorded and is to be kept.
    pub(crate) recordings: Vec<RecordingId>,
    parent: Option<CdrId>,
    transferred_by: Option<String>,
    transferred_to: Option<String>,
    did: Option<String>,
    class: Option<DestinationClass>,
    charge: Option<Charge>,
    stir: Option<CallerCheck>,
    audio: Vec<AudioTrouble>,
}

impl Record {
    pub(crate) fn begin(context: &mut Context, caller: Party, callee: Party, now: Now) -> Record {
        let (id, config_version) = (context.new_cdr_id(), context.config.version());
        Record {
            id,
            config_version,
            caller,
            callee,
            start: now.wall,
            ring: None,
            answer: None,
            before: Duration::ZERO,
            end: None,
            recordings: Vec::new(),
            parent: None,
            transferred_by: None,
            transferred_to: None,
            did: None,
            class: None,
            charge: None,
            stir: None,
            audio: Vec::new(),
        }
    }

    /// Goes on with the record of an earlier life. They have talked on meanwhile.
    pub(crate) fn restored(kept: Cdr, now: Now) -> Record {
        let talked = Duration::from_millis(kept.talk_ms);
        // The media plane begins anew, too, and says so if anything is still wrong.
        let healed = |trouble: AudioTrouble| AudioTrouble {
            healed: true,
            ..trouble
        };
        let audio = kept.audio.into_iter().map(healed).collect();
        Record {
            id: kept.id,
            config_version: kept.config_version,
            caller: kept.caller,
            callee: kept.callee,
            start: kept.start,
            ring: kept.ring,
            answer: Some((kept.answer.unwrap_or(kept.start), now.mono)),
            before: talked.saturating_add(now.wall.since(kept.end)),
            end: None,
            recordings: kept.recordings,
            parent: kept.parent,
            transferred_by: kept.transferred_by,
            transferred_to: kept.transferred_to,
            did: kept.did,
            class: kept.class,
            charge: kept.charge,
            stir: kept.stir,
            audio,
        }
    }

    /// How long they have talked.
    pub(crate) fn talk(&self, now: Now) -> Duration {
        let talked = |(_, from)| now.mono.saturating_sub(from).saturating_add(self.before);
        self.answer.map_or(Duration::ZERO, talked)
    }

    /// The record that a call leaves that is lost now, with its last sign of life and how long they had talked by then.
    pub(crate) fn so_far(
        &self,
        tenant: model::TenantId,
        path: &[String],
        suites: (Option<SrtpSuite>, Option<SrtpSuite>),
        last: (Wall, Duration),
        now: Now,
    ) -> Option<Box<Cdr>> {
        let cause = Cause {
            sip: 200,
            q850: q850::TEMPORARY_FAILURE,
        };
        let mut record = self.clone();
        record.lost(cause, last, now);
        record.finish(tenant, path, None, suites)
    }

    /// The call ended with its last sign of life.
    pub(crate) fn lost(&mut self, cause: Cause, (sign, talk): (Wall, Duration), now: Now) {
        if let Some((_, from)) = &mut self.answer {
            *from = now.mono;
        }
        self.before = talk;
        self.end = Some((sign, now.mono, cause, EndedBy::System));
    }

    pub(crate) fn id(&self) -> CdrId {
        self.id
    }

    pub(crate) fn party(&self, side: Leg) -> &Party {
        match side {
            Leg::Caller => &self.caller,
            Leg::Callee => &self.callee,
        }
    }

    /// The call came out of another one, perhaps by a transfer of this user.
    pub(crate) fn came_from(&mut self, parent: CdrId, by: Option<String>) {
        self.parent = Some(parent);
        self.transferred_by = by;
    }

    /// What is wrong with the audio now, and nothing else. Each side and reason is written down once. True for a call whose
    /// first fault it is, and for one in which all are healed.
    pub(crate) fn diagnosed(&mut self, now: &[AudioTrouble]) -> (bool, bool) {
        let (well, ill) = (
            self.audio.is_empty(),
            self.audio.iter().any(|known| !known.healed),
        );
        for known in &mut self.audio {
            known.healed = true;
        }
        for trouble in now {
            let alike = |known: &&mut AudioTrouble| (known.leg, known.fault) == (trouble.leg, trouble.fault);
            match self.audio.iter_mut().find(alike) {
                Some(known) => *known = *trouble,
                None => self.audio.push(*trouble),
            }
        }
        (well && !now.is_empty(), ill && now.is_empty())
    }

    /// One more thing is wrong with a side. True for a call whose first fault it is.
    pub(crate) fn blamed(&mut self, leg: Leg, fault: AudioFault) -> bool {
        let first = self.audio.is_empty();
        self.audio
            .retain(|known| (known.leg, known.fault) != (leg, fault));
        self.audio.push(AudioTrouble {
            leg,
            fault,
            from: None,
            healed: false,
        });
        first
    }

    /// Why audio does not arrive, or did not for a while.
    pub(crate) fn audio(&self) -> &[AudioTrouble] {
        &self.audio
    }

    /// One side went on to this number.
    pub(crate) fn transferred(&mut self, number: String) {
        self.transferred_to = Some(number);
    }

    /// A number of the public network is called.
    pub(crate) fn called(&mut self, class: DestinationClass) {
        self.class = Some(class);
    }

    /// A carrier has sent the call to this number.
    pub(crate) fn came_to(&mut self, number: String) {
        self.did = Some(number);
    }

    /// What came of looking at who vouches for the caller.
    pub(crate) fn verified(&mut self, check: CallerCheck) {
        self.stir = Some(check);
    }

    pub(crate) fn caller_check(&self) -> Option<&CallerCheck> {
        self.stir.as_ref()
    }

    /// The number that a carrier has sent the call to.
    pub(crate) fn did(&self) -> Option<&str> {
        self.did.as_deref()
    }

    /// What kind of number is called, where it is one of the public network.
    pub(crate) fn class(&self) -> Option<DestinationClass> {
        self.class
    }

    /// What a call outside came to, beside another where both sides of this one are outside. Nothing is said of what costs nothing.
    pub(crate) fn charged(&mut self, charge: Charge) {
        if charge.currency.is_none() {
            return;
        }
        let before = self.charge.map_or(Money::ZERO, |known| known.amount);
        self.charge = Some(Charge {
            amount: charge.amount.saturating_add(before),
            ..charge
        });
    }

    pub(crate) fn rang(&mut self, now: Now) {
        self.ring.get_or_insert(now.wall);
    }

    pub(crate) fn has_rung(&self) -> bool {
        self.ring.is_some()
    }

    pub(crate) fn answered(&mut self, now: Now) {
        self.answer.get_or_insert((now.wall, now.mono));
    }

    pub(crate) fn ended(&mut self, cause: Cause, by: EndedBy, now: Now) {
        self.end.get_or_insert((now.wall, now.mono, cause, by));
    }

    pub(crate) fn start(&self) -> Wall {
        self.start
    }

    pub(crate) fn answer_time(&self) -> Option<Wall> {
        self.answer.map(|(wall, _)| wall)
    }

    /// The finished record. A calendar that went back during the call does not make it end before it began.
    pub(crate) fn finish(
        &self,
        tenant: model::TenantId,
        path: &[String],
        media: Option<(LegQuality, LegQuality)>,
        (caller_srtp, callee_srtp): (Option<SrtpSuite>, Option<SrtpSuite>),
    ) -> Option<Box<Cdr>> {
        let (end, end_mono, cause, ended_by) = self.end?;
        let talk = self.answer.map_or(Duration::ZERO, |(_, answered)| {
            end_mono.saturating_sub(answered).saturating_add(self.before)
        });
        let latest = self
            .answer_time()
            .or(self.ring)
            .unwrap_or(self.start)
            .max(self.start);
        Some(Box::new(Cdr {
            id: self.id,
            tenant,
            config_version: self.config_version,
            caller: self.caller.clone(),
            callee: self.callee.clone(),
            start: self.start,
            ring: self.ring.map(|ring| ring.max(self.start)),
            answer: self.answer_time().map(|answer| answer.max(self.start)),
            end: end.max(latest),
            talk_ms: u64::try_from(talk.as_millis()).unwrap_or(u64::MAX),
            cause,
            ended_by,
            path: path.to_vec(),
            caller_media: media.map(|(caller, _)| caller),
            callee_media: media.map(|(_, callee)| callee),
            streams: Vec::new(),
            audio: self.audio.clone(),
            caller_srtp,
            callee_srtp,
            recordings: self.recordings.clone(),
            parent: self.parent,
            transferred_by: self.transferred_by.clone(),
            transferred_to: self.transferred_to.clone(),
            did: self.did.clone(),
            class: self.class,
            charge: self.charge,
            stir: self.stir.clone(),
        }))
    }
}

/// Q.850 causes that are used by name.
pub(crate) mod q850 {
    pub(crate) const NORMAL_CLEARING: u8 = 16;
    pub(crate) const NO_ANSWER: u8 = 19;
    pub(crate) const CALL_REJECTED: u8 = 21;
    pub(crate) const TEMPORARY_FAILURE: u8 = 41;
    pub(crate) const RESOURCE_UNAVAILABLE: u8 = 47;
    pub(crate) const INCOMPATIBLE: u8 = 88;
    pub(crate) const TIMER_EXPIRY: u8 = 102;
}

/// A call that was up and ended normally.
pub(crate) const HUNG_UP: Cause = Cause {
    sip: 200,
    q850: q850::NORMAL_CLEARING,
};
/// The caller gave up before an answer.
pub(crate) const CANCELLED: Cause = Cause {
    sip: 487,
    q850: q850::NORMAL_CLEARING,
};

/// What the caller is told for each way that a flow refuses.
pub(crate) fn cause_of(refusal: Refusal) -> Cause {
    let (sip, q850) = match refusal {
        Refusal::UnknownNumber => (404, 1),
        Refusal::ForeignDomain => (403, 21),
        Refusal::Unreachable => (480, 20),
        Refusal::Busy | Refusal::DoNotDisturb => (486, 17),
        Refusal::Declined => (603, 21),
        Refusal::NoAnswer => (480, q850::NO_ANSWER),
        Refusal::MediaRefused => (488, 88),
        Refusal::Failed => (500, q850::TEMPORARY_FAILURE),
        // "Exchange routing error" (RFC 3398 §7.2.6.1 for 482).
        Refusal::Loop => (482, 25),
        Refusal::TooManyForwards => (480, 25),
        Refusal::Forbidden => (403, 21),
        // "No circuit available".
        Refusal::NoTrunk => (503, 34),
    };
    Cause { sip, q850 }
}

/// The one reason for a call whose targets all failed: a refusal by a person counts more than a silence.
pub(crate) fn refusal_of(codes: impl Iterator<Item = u16>, rang: bool) -> Refusal {
    let mut best = None;
    for code in codes {
        let (rank, refusal) = match code {
            486 | 600 => (5, Refusal::Busy),
            600..=699 => (6, Refusal::Declined),
            415 | 488 => (4, Refusal::MediaRefused),
            408 | 480 | 487 if rang => (3, Refusal::NoAnswer),
            500 | 501 | 502 | 505 | 513 => (1, Refusal::Failed),
            _ => (2, Refusal::Unreachable),
        };
        if best.is_none_or(|(known, _)| known < rank) {
            best = Some((rank, refusal));
        }
    }
    best.map_or(Refusal::Unreachable, |(_, refusal)| refusal)
}
