//! A conference: everybody hears the loudest speakers but himself.
//!
//! Who is among the speakers stays there until somebody is clearly louder, and comes and goes over a frame, so nothing
//! clicks. All who do not speak hear the same sum: it is made, and may be encoded, once.

use crate::detect::level_dbov;

/// Members at most.
pub const MAX_MEMBERS: usize = 512;
/// Somebody quieter than this does not speak, dBov.
const LEAST_DBOV: f32 = -55.0;
/// A challenger has to be louder than a speaker by this, dB.
const HYSTERESIS_DB: f32 = 4.0;
/// How fast a level is forgotten, dB per frame: a pause between words keeps a seat.
const FORGET_DB: f32 = 0.5;
/// A sum above this is bent, so that it never clips.
const KNEE: i32 = 24_000;

/// Names a member as long as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat(usize);

/// What a member hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hears {
    /// What all hear who do not speak: see [`Mixer::common`].
    Common,
    /// The others; written into the given frame.
    Own,
}

#[derive(Clone, Debug)]
struct Member {
    frame: Vec<i16>,
    /// A frame was put since the last mix.
    is_here: bool,
    /// Peak level that is slowly forgotten, dBov.
    level: f32,
    was_speaking: bool,
    speaks: bool,
}

/// Mixes one conference, a frame at a time.
#[derive(Clone, Debug)]
pub struct Mixer {
    members: Vec<Option<Member>>,
    speakers: usize,
    sum: Vec<i32>,
    common: Vec<i16>,
    /// Candidates of the frame, to be sorted.
    ranks: Vec<(f32, usize)>,
}

impl Mixer {
    /// Frames of so many samples, so many speakers at once.
    #[must_use]
    pub fn new(frame: usize, speakers: usize) -> Mixer {
        Mixer {
            members: Vec::new(),
            speakers,
            sum: vec![0; frame],
            common: vec![0; frame],
            ranks: Vec::new(),
        }
    }

    /// Takes a member in; `None` when there are [`MAX_MEMBERS`].
    pub fn join(&mut self) -> Option<Seat> {
        let free = self.members.iter().position(Option::is_none);
        let at = free.unwrap_or(self.members.len());
        if at >= MAX_MEMBERS {
            return None;
        }
        if at == self.members.len() {
            self.members.push(None);
        }
        *self.members.get_mut(at)? = Some(Member {
            frame: vec![0; self.sum.len()],
            is_here: false,
            level: f32::NEG_INFINITY,
            was_speaking: false,
            speaks: false,
        });
        Some(Seat(at))
    }

    /// Lets a member go.
    pub fn leave(&mut self, seat: Seat) {
        if let Some(member) = self.members.get_mut(seat.0) {
            *member = None;
        }
    }

    /// What a member says in this frame. Missing samples are silence; who puts nothing says nothing.
    pub fn put(&mut self, seat: Seat, frame: &[i16]) {
        let Some(member) = self.member(seat) else {
            return;
        };
        let length = member.frame.len().min(frame.len());
        let (said, silent) = member.frame.split_at_mut(length);
        said.iter_mut().zip(frame).for_each(|(to, from)| *to = *from);
        silent.fill(0);
        member.is_here = true;
        member.level = level_dbov(frame).max(member.level - FORGET_DB);
    }

    /// Chooses the speakers and sums them. Before it, [`Mixer::put`] for all; behind it, [`Mixer::heard_by`] for all.
    pub fn mix(&mut self) {
        self.choose();
        self.sum.fill(0);
        for member in self.members.iter_mut().flatten() {
            if !member.is_here {
                member.frame.fill(0);
                member.level -= FORGET_DB;
            }
            member.is_here = false;
            if !member.speaks && !member.was_speaking {
                continue;
            }
            fade(&mut member.frame, member.was_speaking, member.speaks);
            for (sum, sample) in self.sum.iter_mut().zip(&member.frame) {
                *sum += i32::from(*sample);
            }
        }
        for (common, sum) in self.common.iter_mut().zip(&self.sum) {
            *common = limit(*sum);
        }
    }

    /// What all hear who do not speak.
    #[must_use]
    pub fn common(&self) -> &[i16] {
        &self.common
    }

    /// Whether a member hears the common sum or its own, which is then written.
    pub fn heard_by(&self, seat: Seat, frame: &mut [i16]) -> Hears {
        let member = self.members.get(seat.0).and_then(Option::as_ref);
        let Some(member) = member.filter(|m| m.speaks || m.was_speaking) else {
            return Hears::Common;
        };
        for ((to, sum), own) in frame.iter_mut().zip(&self.sum).zip(&member.frame) {
            *to = limit(*sum - i32::from(*own));
        }
        Hears::Own
    }

    /// Is this member among the speakers?
    #[must_use]
    pub fn speaks(&self, seat: Seat) -> bool {
        let member = self.members.get(seat.0).and_then(Option::as_ref);
        member.is_some_and(|m| m.speaks)
    }

    fn member(&mut self, seat: Seat) -> Option<&mut Member> {
        self.members.get_mut(seat.0)?.as_mut()
    }

    fn choose(&mut self) {
        self.ranks.clear();
        for (at, member) in self.members.iter().enumerate() {
            if let Some(member) = member.as_ref().filter(|m| m.level > LEAST_DBOV) {
                let bonus = if member.speaks { HYSTERESIS_DB } else { 0.0 };
                self.ranks.push((member.level + bonus, at));
            }
        }
        // Of two who are equally loud, the first who came.
        self.ranks
            .sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        self.ranks.truncate(self.speakers);
        for member in self.members.iter_mut().flatten() {
            member.was_speaking = std::mem::take(&mut member.speaks);
        }
        for (_, at) in &self.ranks {
            if let Some(member) = self.members.get_mut(*at).and_then(Option::as_mut) {
                member.speaks = true;
            }
        }
    }
}

/// Brings a speaker in or out over the frame.
fn fade(frame: &mut [i16], from: bool, to: bool) {
    if from == to {
        return;
    }
    let length = frame.len() as i32;
    for (n, sample) in (1..=length).zip(frame.iter_mut()) {
        let share = if to { n } else { length - n };
        *sample = (i32::from(*sample) * share / length) as i16;
    }
}

/// Leaves what is below the knee as it is, and bends what is above so that it nears, but never passes, the largest sample.
fn limit(sum: i32) -> i16 {
    const ROOM: i32 = i16::MAX as i32 - KNEE;
    let over = sum.abs() - KNEE;
    if over <= 0 {
        return sum as i16;
    }
    // Both factors stay below 2^15 times the number of speakers, and that below 2^9.
    let bent = i64::from(ROOM) * i64::from(over) / i64::from(over + ROOM);
    ((KNEE + bent as i32) * sum.signum()) as i16
}
